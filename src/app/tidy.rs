//! Holds the log of a running Usher to its rules: the records of a day are sealed when it is over; once a day what is too old is purged and what was
//! sealed the day before is merged; erasures that waited for a live file to be sealed are carried out; what counted for nothing until yesterday is said to
//! count again.
//!
//! The purge and the merge come with the first look at or after three in the morning, school time: at a school whose machine runs at night then,
//! elsewhere when it is switched on. Removing files costs little, and merging gives way to everything else.

use super::reload::{Reloader, Standing};
use crate::alert::suppress;
use crate::audit::Calendar;
use crate::audit::erasure::{self, ErasureError};
use crate::audit::journal::{JournalError, Reader, Topic};
use crate::audit::merge::{self, MergeError};
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
    /// The day of the last merge of all that was to be merged.
    merged: Option<Date>,
    /// The day for which it was last looked whether a suppression is over.
    let_go: Option<Date>,
    /// Whether the last merge of what was many was not in vain: if it was, the next is tomorrow's.
    merging_helps: bool,
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

/// Today, if what is done once a day was last done on another, and the hour has come.
fn due(last: Option<Date>, standing: &Standing, now: Timestamp) -> Option<Date> {
    let local = now.to_zoned(standing.rulebook.school.timetable.zone.clone());
    (local.hour() >= QUIET_HOUR && last != Some(local.date())).then(|| local.date())
}

impl Tidier {
    pub(super) fn new(reloader: Reloader, calendar: Calendar) -> Self {
        Self { reloader, calendar, purged: None, merged: None, let_go: None, merging_helps: true, not_before: None, seen: None, told: BTreeMap::new() }
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
        let merged = self.merge(&standing, now).map_err(|error| events::LogNotMerged { error: &error.to_string() }.emit());
        let freed = self.let_go(&standing, now).map_err(|error| events::SuppressionsNotEnded { error: &error.to_string() }.emit());
        self.not_before = (purged.is_err() || erased.is_err() || merged.is_err() || freed.is_err()).then(|| now + TRY_AGAIN);
    }

    fn purge(&mut self, standing: &Standing, now: Timestamp) -> Result<(), PurgeError> {
        let Some(today) = due(self.purged, standing, now) else { return Ok(()) };
        let report = retention::purge(&standing.log, &standing.keep, now, Doing::Really)?;
        self.purged = Some(today);
        let held = report.classes.iter().map(|class| class.held).sum();
        if report.records() > 0 {
            events::LogPurged { records: report.records(), bytes: report.classes.iter().map(|class| class.bytes).sum(), held }.emit();
        }
        for (file, why) in &report.kept_back {
            events::LogNotPurged { error: &format!("{file}: {why}") }.emit();
        }
        Ok(())
    }

    /// States of suppressions whose last day is over that they are. They hold nothing back after it either way.
    fn let_go(&mut self, standing: &Standing, now: Timestamp) -> Result<(), JournalError> {
        let today = now.to_zoned(standing.rulebook.school.timetable.zone.clone()).date();
        if self.let_go == Some(today) {
            return Ok(());
        }
        suppress::let_go(&standing.log, today, now)?;
        self.let_go = Some(today);
        Ok(())
    }

    /// Merges what was sealed the day before, once a day, and through the day what has become many.
    fn merge(&mut self, standing: &Standing, now: Timestamp) -> Result<(), MergeError> {
        let today = due(self.merged, standing, now);
        let many = self.merging_helps && merge::is_due(&standing.log, now)?;
        if today.is_none() && !many {
            return Ok(());
        }
        let report = merge::merge_giving_way(&standing.log, now)?;
        self.merged = today.or(self.merged);
        self.merging_helps = report.into > 0 || !many;
        if report.into > 0 {
            events::LogMerged { from: report.from, into: report.into, records: report.records }.emit();
        }
        for (file, why) in &report.kept_back {
            events::LogNotMerged { error: &format!("{file}: {why}") }.emit();
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
            let left = erasure.live + erasure.held + erasure.open_alerts;
            if self.told.insert(erasure.asked, left) != Some(left) {
                events::LogErased { asked: erasure.asked, records: erasure.erased, left }.emit();
            }
        }
        Ok(())
    }
}
