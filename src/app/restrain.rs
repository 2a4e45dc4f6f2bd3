//! Takes up whose access is restricted, as it is stated by commands and by the alert engine; and states of those whose end has come that they are over.

use crate::audit::Folder;
use crate::audit::journal::{JournalError, Reader};
use crate::audit::restrictions::{Book, let_go};
use crate::policy::Restriction;
use crate::proxy::Clock;
use crate::snapshot::InForce;
use crate::telemetry::events;
use jiff::Timestamp;
use std::sync::Arc;

/// Whose access is restricted now, by the journal. Nobody's, where there is no log yet.
pub(super) fn now_in_force(log: &Folder, now: Timestamp) -> Result<Vec<Arc<Restriction>>, JournalError> {
    if !log.exists() {
        return Ok(Vec::new());
    }
    Ok(Book::read(log)?.in_force(now).cloned().collect())
}

/// Follows the journal.
pub(super) struct Restrainer {
    log: Folder,
    in_force: Arc<InForce>,
    clock: Clock,
    reader: Option<Reader>,
    book: Book,
    is_failing: bool,
}

impl Restrainer {
    /// Puts in force what stands, before the first request is taken.
    pub(super) fn start(log: Folder, in_force: Arc<InForce>, clock: Clock) -> Self {
        let mut this = Self { log, in_force, clock, reader: None, book: Book::default(), is_failing: false };
        this.look();
        this
    }

    /// Takes up what is new. What cannot be read is said once and tried each time; what was in force stays.
    pub(super) fn look(&mut self) {
        match self.try_look() {
            Ok(()) if std::mem::take(&mut self.is_failing) => events::RestrictionsRead.emit(),
            Ok(()) => {}
            Err(error) => {
                // Another may have been put in its place.
                self.reader = None;
                if !std::mem::replace(&mut self.is_failing, true) {
                    events::RestrictionsUnread { error: &error }.emit();
                }
            }
        }
    }

    fn try_look(&mut self) -> Result<(), JournalError> {
        if self.reader.is_none() {
            if !self.log.exists() {
                return Ok(());
            }
            self.reader = Some(Reader::open(&self.log)?);
        }
        let Some(reader) = &self.reader else { return Ok(()) };
        self.book.read_on(reader)?;
        let now = (self.clock)();
        let over = self.book.over(now);
        // In force first: that something cannot be stated keeps nobody from having access again, or from losing it.
        let all: Vec<_> = self.book.in_force(now).cloned().collect();
        if self.in_force.peek().policy.restrictions.all() != all {
            self.in_force.replace_restrictions(&all);
            events::RestrictionsTaken { in_force: all.len() }.emit();
        }
        let_go(&self.log, &over, now)?;
        self.book.read_on(reader)?;
        self.book.forget_ended();
        Ok(())
    }
}
