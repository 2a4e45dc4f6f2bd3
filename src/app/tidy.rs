//! Holds the log of a running Usher to its rules: the records of a day are sealed when it is over, once a day what is too old is purged, and erasures
//! that waited for a live file to be sealed are carried out.
//!
//! The purge comes with the first look at or after three in the morning, school time: at a school whose machine runs at night then, elsewhere when it is
//! switched on. Removing files costs little; only where records are held are some written anew.

use super::reload::{Reloader, Standing};
use crate::audit::Calendar;
use crate::audit::erasure::{self, ErasureError};
use crate::audit::journal::{JournalError, Reader, Topic};
use crate::audit::retention::{self, Doing, PurgeError};
use crate::telemetry::events;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The hour of the day from which the log is purged.
const QUIET_HOUR: i8 = 3;
/// How long is waited after a failure.
const TRY_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Purges and erases when it is time.
pub(super) struct Tidier {
    reloader: Reloader,
    calendar: Calendar,
    /// The day of the last purge.
    purged: Option<Date>,
    /// Not before this, after a failure.
    not_before: Option<Timestamp>,
    /// What there was when erasures were last carried out.
    seen: Option<Seen>,
    /// How many records each pending erasure has left, as last told.
    told: BTreeMap<u64, u64>,
}

/// What an erasure that is pending waits for: another one asked for, a live file sealed, a hold released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    erased: u64,
    sealed: u64,
    released: u64,
}

impl Seen {
    /// As it is now; nothing if no erasure is pending.
    fn now(reader: &Reader) -> Result<Option<Self>, JournalError> {
        if !erasure::is_pending(reader)? {
            return Ok(None);
        }
        let newest = |topic| Ok::<_, JournalError>(reader.newest(topic, 1)?.first().map_or(0, |statement| statement.number));
        Ok(Some(Self { erased: newest(Topic::Erased)?, sealed: reader.last_sealed()?, released: newest(Topic::Released)? }))
    }
}

impl Tidier {
    pub(super) fn new(reloader: Reloader, calendar: Calendar) -> Self {
        Self { reloader, calendar, purged: None, not_before: None, seen: None, told: BTreeMap::new() }
    }

    /// Does what is to be done now.
    pub(super) fn tidy(&mut self) {
        let (standing, now) = (self.reloader.standing(), (self.reloader.clock)());
        self.calendar.is(now);
        if self.not_before.is_some_and(|time| now < time) {
            return;
        }
        let purged = self.purge(&standing, now).map_err(|error| events::LogNotPurged { error: &error.to_string() }.emit());
        let erased = self.erase(&standing, now).map_err(|error| events::LogNotErased { error: &error.to_string() }.emit());
        self.not_before = (purged.is_err() || erased.is_err()).then(|| now + TRY_AGAIN);
    }

    fn purge(&mut self, standing: &Standing, now: Timestamp) -> Result<(), PurgeError> {
        let local = now.to_zoned(standing.rulebook.school.timetable.zone.clone());
        if local.hour() < QUIET_HOUR || self.purged == Some(local.date()) {
            return Ok(());
        }
        let report = retention::purge(&standing.log, &standing.keep, now, Doing::Really)?;
        self.purged = Some(local.date());
        let held = report.classes.iter().map(|class| class.held).sum();
        if report.records() > 0 {
            events::LogPurged { records: report.records(), bytes: report.classes.iter().map(|class| class.bytes).sum(), held }.emit();
        }
        for (file, why) in &report.kept_back {
            events::LogNotPurged { error: &format!("{file}: {why}") }.emit();
        }
        Ok(())
    }

    fn erase(&mut self, standing: &Standing, now: Timestamp) -> Result<(), ErasureError> {
        let seen = Seen::now(&Reader::open(&standing.log)?)?;
        if seen.is_none() || seen == self.seen {
            return Ok(());
        }
        let standings = erasure::carry_out(&standing.log, now)?;
        // As it was before: what was sealed meanwhile is looked at the next time.
        self.seen = seen;
        for erasure in standings {
            for (file, why) in &erasure.failed {
                events::LogNotErased { error: &format!("{file}: {why}") }.emit();
            }
            let left = erasure.live + erasure.held;
            if self.told.insert(erasure.asked, left) != Some(left) {
                events::LogErased { asked: erasure.asked, records: erasure.erased, left }.emit();
            }
        }
        Ok(())
    }
}
