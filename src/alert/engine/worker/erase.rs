//! Those whose records are erased: what the engine knows of them goes.

use super::Worker;
use crate::alert::erased::TakenOut;
use crate::audit::erasure::gone;
use crate::audit::journal::{Journal, JournalError};
use crate::telemetry::events;

impl Worker {
    /// Takes out what is known of those whose records are erased, and keeps what is left at once.
    pub(super) fn erase(&mut self, journal: &Journal) -> Result<(), JournalError> {
        let (all, last) = gone::after(journal.reader(), self.erased)?;
        self.erased = last;
        for one in &all {
            let TakenOut { signs, first_visits, .. } = self.mind.erase(one);
            events::PersonTakenOut { erasure: one.number, signs, first_visits, days: 0 }.emit();
        }
        if !all.is_empty() {
            self.keep();
        }
        Ok(())
    }
}
