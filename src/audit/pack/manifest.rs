//! The form of `manifest.json`: whose records, which time, the school's hours, and the hash of every other file. Pure.

use super::proofs::Hash;
use crate::clock::{Dates, Period, Timetable};
use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form of the pack. One of another form is refused.
pub(super) const FORM: u64 = 1;

/// What a pack says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of the pack.
    pub form: u64,
    /// The version of Usher that made it.
    pub usher: String,
    /// When it was made.
    pub made: Timestamp,
    /// The school's name; may be empty.
    pub school: String,
    /// Whose records.
    pub user: String,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// The number of the statement that somebody looked at these records, and why.
    pub look: u64,
    /// How many records it holds.
    pub records: usize,
    /// Parts of the log that could not be read, and why: records may be missing.
    pub passed_over: BTreeMap<String, String>,
    /// The school's hours, for the timeline.
    pub hours: Hours,
    /// The BLAKE3 hash of every other file but the signature.
    pub files: BTreeMap<String, Hash>,
}

/// A timetable, written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    zone: String,
    periods: Vec<Hour>,
    terms: Vec<Days>,
    closed: Vec<Days>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hour {
    name: String,
    /// Monday is 1.
    days: Vec<i8>,
    from: Time,
    to: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    name: String,
    first: Date,
    last: Date,
}

impl Hours {
    /// Of a timetable.
    #[must_use]
    pub fn of(timetable: &Timetable) -> Self {
        let days = |all: &[Dates]| all.iter().map(|dates| Days { name: dates.name.clone(), first: dates.first, last: dates.last }).collect();
        let hour = |period: &Period| Hour {
            name: period.name.clone(),
            days: period.days.iter().map(|day| day.to_monday_one_offset()).collect(),
            from: period.from,
            to: period.to,
        };
        Self {
            zone: timetable.zone.iana_name().unwrap_or("UTC").to_owned(),
            periods: timetable.periods.iter().map(hour).collect(),
            terms: days(&timetable.terms),
            closed: days(&timetable.closed),
        }
    }

    /// The name of the time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// As a timetable. What is no zone or no day here is left out.
    #[must_use]
    pub fn timetable(&self) -> Timetable {
        let dates = |all: &[Days]| all.iter().map(|days| Dates { name: days.name.clone(), first: days.first, last: days.last }).collect();
        let period = |hour: &Hour| Period {
            name: hour.name.clone(),
            days: hour.days.iter().filter_map(|day| Weekday::from_monday_one_offset(*day).ok()).collect(),
            from: hour.from,
            to: hour.to,
        };
        Timetable {
            zone: TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC),
            periods: self.periods.iter().map(period).collect(),
            terms: dates(&self.terms),
            closed: dates(&self.closed),
        }
    }
}

impl Manifest {
    /// As bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        // Numbers, texts and times can always be written.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Whether it was made by this very version, which draws the same pages from the same records.
    #[must_use]
    pub fn is_of_this_version(&self) -> bool {
        self.usher == env!("CARGO_PKG_VERSION")
    }
}
