//! School time where the rules may be broken: for what must not wait until somebody has mended them.

use super::policy::School;
use super::reader::Source;
use super::{Config, Problems, categories, policy, scan};
use jiff::tz::TimeZone;

impl Config {
    /// School time, and what is wrong with the rules, if something is. Of broken rules the policy says it alone, if that can be read; else it is UTC.
    #[must_use]
    pub fn school_time(&self) -> (TimeZone, Option<Problems>) {
        match self.rulebook() {
            Ok(rulebook) => (rulebook.school.timetable.zone, None),
            Err(problems) => (self.policy_alone().map_or(TimeZone::UTC, |school| school.timetable.zone), Some(problems)),
        }
    }

    /// What the policy says, whatever is wrong with the files beside it.
    fn policy_alone(&self) -> Option<School> {
        let taxonomy = categories::read(&Source::open(&self.categories).ok()?).ok()?;
        let phrases = scan::PhraseFiles::read(&self.phrases.0, self.phrases.1, &taxonomy).unwrap_or_default();
        policy::read(&Source::open(&self.policy).ok()?, &taxonomy, &self.ports, &phrases).ok()
    }
}
