//! A person's day, lesson by lesson, one line a visit: what the record says, for somebody who does not read logs.
//!
//! Parts of pages are counted below the visit they hang from; what devices ask by themselves is counted once a lesson; what was typed into a search
//! box is folded into what was asked. What was not let through is never folded out of sight: a blocked part is named with its host and why.
//!
//! Limits: it shows what was asked for, not what was on a screen, nor for how long. A mark that is inferred says so. Inside tunnels only hosts
//! are seen, and no searches.
//!
//! A command reads the rows of the record, makes [`Entry`]s of them ([`Entry::of`]), and prints a face of [`Timeline`]: `text`, `html`, or itself as JSON.

mod build;
mod html;
mod lessons;
#[cfg(test)]
mod tests;
mod text;

pub use text::Colours;

use crate::audit::Verdict;
use crate::audit::query::Row;
use crate::clock::Timetable;
use crate::insight::{Certainty, Kind, Stage, Start};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::Serialize;

/// A gap is said from so many minutes on.
pub const GAP_MINUTES: u32 = 20;
/// The same page again within so many seconds is the same line.
pub const REPEAT_SECONDS: i64 = 60;
/// The same search again within so many seconds is the same line: its second page, its pictures.
pub const SEARCH_REPEAT_SECONDS: i64 = 600;

/// One row of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The reference number.
    pub id: String,
    /// When.
    pub time: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// What set it off.
    pub start: Start,
    /// How sure that is.
    pub certainty: Certainty,
    /// The reference number of the visit it hangs from.
    pub cause: Option<String>,
    /// The host.
    pub host: String,
    /// The address as a person would write it.
    pub url: String,
    /// What was answered.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
    /// The ids of the categories.
    pub categories: Vec<String>,
    /// The search in it.
    pub search: Option<Searched>,
    /// The status answered, if the request is over.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// Bytes both ways.
    pub bytes: u64,
}

impl Entry {
    /// A record as the timeline takes it.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let search = row.engine.clone().zip(row.term.clone());
        Self {
            id: row.id.clone(),
            time: Timestamp::from_millisecond(row.time_ms.cast_signed()).unwrap_or_default(),
            kind: named(&Kind::NAMES, &row.kind),
            start: named(&Start::NAMES, &row.start),
            certainty: named(&Certainty::NAMES, &row.certainty),
            cause: row.cause.clone(),
            host: row.host.clone(),
            url: row.url(),
            verdict: named(&Verdict::NAMES, &row.verdict),
            why: row.why.clone(),
            categories: row.categories.clone(),
            search: search.map(|(engine, term)| Searched { engine, term, stage: named(&Stage::NAMES, row.stage.as_deref().unwrap_or_default()) }),
            status: row.status,
            duration_ms: row.duration_ms,
            bytes: row.bytes_down.unwrap_or_default(),
        }
    }
}

/// The value of this name; the first if there is none, as in a record of a later version.
fn named<T: Copy>(names: &[(&str, T)], name: &str) -> T {
    names.iter().find(|(known, _)| *known == name).map_or(names[0].1, |(_, value)| *value)
}

/// A search on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// The engine, by its name in the log.
    pub engine: String,
    /// The words.
    pub term: String,
    /// How far it had come.
    pub stage: Stage,
}

/// Whose day, and which.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The person, as the record names them, or their device.
    pub person: &'a str,
    /// The school's name; empty for none.
    pub school: &'a str,
    /// The day, in the school's own time.
    pub date: Date,
}

/// A person's day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// The person.
    pub person: String,
    /// The school's name; may be empty.
    pub school: String,
    /// The day.
    #[serde(serialize_with = "as_written")]
    pub date: Date,
    /// The time zone all times are in.
    pub zone: String,
    /// What there is in all.
    pub totals: Totals,
    /// The day's lessons in order, with the times between them in which something was asked for.
    pub lessons: Vec<Lesson>,
}

/// What a day holds, in requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Pages gone to.
    pub visits: usize,
    /// Searches asked.
    pub searches: usize,
    /// Searches typed and taken back.
    pub not_asked: usize,
    /// Requests of any kind that were not let through.
    pub blocked: usize,
    /// Parts of pages.
    pub resources: usize,
    /// What devices asked by themselves.
    pub background: usize,
}

/// A part of the school day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lesson {
    /// What the timetable calls it.
    pub name: String,
    /// The first minute; none before the first lesson of the day.
    #[serde(serialize_with = "as_minutes")]
    pub from: Option<Time>,
    /// The minute after the last; none after the last lesson.
    #[serde(serialize_with = "as_minutes")]
    pub to: Option<Time>,
    /// What was done, in order.
    pub lines: Vec<Line>,
    /// Minutes without a line up to the end of the lesson, where they are many.
    pub quiet_at_end: Option<u32>,
    /// Parts of pages that were opened in another lesson, or are not known.
    pub loose: Folded,
    /// What devices asked by themselves.
    pub background: Folded,
}

/// One line of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Minutes without a line before this one, where they are many.
    pub quiet_before: Option<u32>,
    /// When, to the second.
    #[serde(serialize_with = "as_seconds")]
    pub time: Time,
    /// The last time, if it was more than once.
    #[serde(serialize_with = "as_seconds")]
    pub last: Time,
    /// How often.
    pub times: usize,
    /// The reference number of the first.
    pub id: String,
    /// What it was.
    #[serde(flatten)]
    pub what: What,
    /// What set it off.
    pub start: Start,
    /// How sure that is.
    pub certainty: Certainty,
    /// What was answered.
    pub verdict: Verdict,
    /// Why; empty where it was let through.
    pub why: String,
    /// The ids of the categories.
    pub categories: Vec<String>,
    /// What hangs from it.
    pub resources: Folded,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// A page gone to.
    Visit {
        /// Where it ended.
        url: String,
        /// The addresses that led on to it.
        by_way_of: Vec<String>,
    },
    /// A search asked.
    Search {
        /// The engine, as people write it.
        engine: String,
        /// The words.
        term: String,
    },
    /// A search typed and never asked.
    NotAsked {
        /// The engine, as people write it.
        engine: String,
        /// The words, when they were the most.
        term: String,
    },
    /// Part of an unknown page, or of none, that was not let through.
    Part {
        /// Its address.
        url: String,
    },
}

/// Requests that are counted and not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Folded {
    /// How many.
    pub requests: usize,
    /// Bytes both ways.
    pub bytes: u64,
    /// The hosts, in the order in which they were first asked.
    pub hosts: Vec<String>,
    /// Those that were not let through.
    pub blocked: Vec<BlockedHost>,
}

/// A host of which something was not let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockedHost {
    /// The host.
    pub host: String,
    /// Why, in words.
    pub why: String,
    /// How often.
    pub times: usize,
}

impl Folded {
    fn add(&mut self, entry: &Entry) {
        self.requests += 1;
        self.bytes += entry.bytes;
        if !self.hosts.contains(&entry.host) {
            self.hosts.push(entry.host.clone());
        }
        if !is_stopped(entry.verdict) {
            return;
        }
        match self.blocked.iter_mut().find(|blocked| blocked.host == entry.host && blocked.why == entry.why) {
            Some(blocked) => blocked.times += 1,
            None => self.blocked.push(BlockedHost { host: entry.host.clone(), why: entry.why.clone(), times: 1 }),
        }
    }
}

impl Timeline {
    /// The day of a person, from all that is on record of them for it. Rows of other days are left out.
    #[must_use]
    pub fn new(about: &About<'_>, entries: &[Entry], timetable: &Timetable) -> Self {
        build::timeline(about, entries, timetable)
    }
}

/// Whether something was not let through.
fn is_stopped(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Warned | Verdict::Blocked | Verdict::Refused => true,
        Verdict::Allowed | Verdict::Answered => false,
    }
}

fn as_written<S: serde::Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

fn as_seconds<S: serde::Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.strftime("%H:%M:%S"))
}

#[expect(clippy::ref_option, reason = "serde asks for it so")]
fn as_minutes<S: serde::Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&time.strftime("%H:%M")),
        None => serializer.serialize_none(),
    }
}
