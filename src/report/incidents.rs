//! A school's incident log: alerts with what was done about them, as a table for a spreadsheet and as a page to print. Pure.
//!
//! The fields are those of a paper log: date and time, person, group, device and place, what happened, what was done, what came of it, why, and by whom.
//! Whoever asks says whether people are named and what they searched for is in it. Nothing in the table runs in a spreadsheet.

use super::coverage::words::plain;
use crate::alert::story::{self, May, Naming, one_line};
use crate::audit::export::harmless;
use crate::audit::incident::{Act, Incident, Level};
use crate::audit::query::Row;
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt::Write as _;

/// The most records of one alert that are told one by one.
const MOST_LINES: usize = 24;
/// The longest text of one cell, in characters.
const LONGEST: usize = 8000;

/// One alert, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The day, as 2026-11-27.
    pub date: String,
    /// When, as 10:42.
    pub time: String,
    /// The reference.
    pub alert: String,
    /// Who it was, by name or by what stands for it; nothing where nobody was known.
    pub person: String,
    /// The group.
    pub group: String,
    /// The device, by its address or by what stands for it.
    pub device: String,
    /// Where it was; may be empty.
    pub place: String,
    /// The theme, in words.
    pub theme: String,
    /// How grave it was at the most.
    pub level: String,
    /// What happened and why it was told, a sentence each.
    pub details: Vec<String>,
    /// What staff noted, and what was done before it opened again, a sentence each.
    pub notes: Vec<String>,
    /// What was done.
    pub action: String,
    /// What came of it; `open` where it is not closed.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// Who closed it.
    pub by: String,
    /// When it was closed, as 2026-11-27 11:20.
    pub closed: String,
    /// Who was told, and when.
    pub told: Vec<String>,
    /// How many minutes it took until somebody had read it.
    pub minutes: Option<u64>,
}

/// A column of the table: its name, and what stands in it.
type Column = (&'static str, fn(&Entry) -> String);

/// All of them.
const COLUMNS: [Column; 18] = [
    ("date", |one| one.date.clone()),
    ("time", |one| one.time.clone()),
    ("alert", |one| one.alert.clone()),
    ("person", |one| one.person.clone()),
    ("group", |one| one.group.clone()),
    ("device", |one| one.device.clone()),
    ("place", |one| one.place.clone()),
    ("theme", |one| one.theme.clone()),
    ("level", |one| one.level.clone()),
    ("details", |one| one.details.join(" ")),
    ("action", |one| one.action.clone()),
    ("outcome", |one| one.outcome.clone()),
    ("reason", |one| one.reason.clone()),
    ("by", |one| one.by.clone()),
    ("closed", |one| one.closed.clone()),
    ("told", |one| one.told.join("; ")),
    ("minutes_to_acknowledge", |one| one.minutes.map(|minutes| minutes.to_string()).unwrap_or_default()),
    ("notes", |one| one.notes.join(" ")),
];

/// How people and devices are called.
pub struct Called<'a> {
    /// The person; nothing where nobody was known.
    pub person: Option<&'a str>,
    /// The device.
    pub device: &'a str,
}

impl Entry {
    /// An alert with its records, as far as they are kept and to be shown.
    #[must_use]
    pub fn of(matter: &Incident, rows: &[Row], called: &Called<'_>, words: bool, zone: &TimeZone) -> Self {
        let opened = &matter.opened;
        let name = called.person.unwrap_or(called.device);
        let may = May { names: Naming::As(name), words };
        let account = story::tell(matter, matter.level, (rows, MOST_LINES), &opened.unseen, may, zone);
        let at = |ms: i64, form: &str| story::clock(ms.unsigned_abs(), zone, form);
        let happened = account.happened.iter().map(|line| format!("{} {}.", line.at, line.text));
        let mut details = vec![account.headline];
        details.extend(happened);
        details.extend((1..).zip(&account.why).map(|(number, why)| format!("({number}) {why}")));
        details.extend(account.unseen.iter().map(|unseen| format!("Not seen: {unseen}")));
        let closed = matter.closed.is_some().then(|| matter.acts.iter().rposition(|(_, _, act)| matches!(act, Act::Closed { .. }))).flatten();
        let mut entry = Self {
            date: story::clock(opened.at_ms, zone, "%Y-%m-%d"),
            time: story::clock(opened.at_ms, zone, "%H:%M"),
            alert: opened.episode.to_string(),
            person: called.person.unwrap_or_default().to_owned(),
            group: opened.group.clone(),
            device: called.device.to_owned(),
            place: opened.place.clone().unwrap_or_default(),
            theme: story::themes(matter),
            level: matter.level.as_str().to_owned(),
            details,
            notes: Vec::new(),
            action: String::new(),
            outcome: "open".to_owned(),
            reason: String::new(),
            by: String::new(),
            closed: String::new(),
            told: Vec::new(),
            minutes: matter.taken_to_read().map(|ms| ms / 60_000),
        };
        for (place, (_, when, act)) in matter.acts.iter().enumerate() {
            let day = at(*when, "%Y-%m-%d %H:%M");
            match act {
                Act::Told(told) => entry.told.push(format!("{} by {}, {day}", told.to, told.channel)),
                Act::Untold(told) => entry.told.push(format!("{} by {} could not be told, {day}", told.to, told.channel)),
                Act::Noted { by, text, .. } => entry.notes.push(format!("{day}, {by}: {text}")),
                Act::Worsened { is_back, level, .. } => {
                    entry.notes.push(format!("{day}: {}: {}.", if *is_back { "it came back" } else { "it got worse" }, level.as_str()))
                }
                Act::Closed { by, outcome, action, reason, .. } if Some(place) != closed => {
                    entry.notes.push(format!("{day}, {by}: closed as {} ({action}; {reason}), and opened again since.", outcome.words()));
                }
                Act::Closed { by, outcome, action, reason, .. } => {
                    (entry.action, entry.outcome, entry.reason) = (action.clone(), outcome.words().to_owned(), reason.clone());
                    (entry.by, entry.closed) = (by.clone(), day);
                }
                _ => {}
            }
        }
        entry.each(|text| *text = one_line(text, LONGEST));
        entry
    }

    fn each(&mut self, mut change: impl FnMut(&mut String)) {
        let Self { person, group, device, place, details, notes, action, reason, by, told, .. } = self;
        for text in [person, group, device, place, action, reason, by] {
            change(text);
        }
        for text in details.iter_mut().chain(notes).chain(told) {
            change(text);
        }
    }

    fn is_danger(&self) -> bool {
        self.level == Level::Danger.as_str()
    }

    /// How long it took until somebody had read it, in words.
    fn read_after(&self) -> Option<String> {
        self.minutes.map(how_long)
    }

    fn is_open(&self) -> bool {
        self.outcome == "open"
    }
}

/// The table, as CSV (RFC 4180). No cell of it runs in a spreadsheet.
///
/// # Errors
/// If it cannot be written, which is to run out of memory.
pub fn csv(entries: &[Entry]) -> Result<Vec<u8>, ::csv::Error> {
    let mut out = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(COLUMNS.iter().map(|(name, _)| *name))?;
    for entry in entries {
        out.write_record(COLUMNS.iter().map(|(_, cell)| harmless(cell(entry).into()).into_owned()))?;
    }
    out.into_inner().map_err(|error| ::csv::Error::from(error.into_error()))
}

/// What a page says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The school's name; may be empty.
    pub school: String,
    /// The first and last day, in words; may be empty.
    pub stretch: String,
    /// When it was made, in words.
    pub made: String,
    /// Why, and by whom.
    pub reason: String,
    /// Whether people are named.
    pub is_named: bool,
}

#[derive(Template)]
#[template(path = "incidents.html", config = "src/report/askama.toml")]
struct Page<'a> {
    about: &'a About,
    entries: &'a [Entry],
    summary: String,
    version: &'static str,
}

/// The page: one file that needs nothing from elsewhere, runs nothing, and prints on A4.
///
/// # Errors
/// If it cannot be made, which is to run out of memory.
pub fn html(about: &About, entries: &[Entry]) -> Result<String, askama::Error> {
    let about = About { school: plain(&about.school), reason: plain(&about.reason), ..about.clone() };
    let mut entries = entries.to_vec();
    entries.iter_mut().for_each(|entry| entry.each(|text| *text = plain(text)));
    Page { about: &about, entries: &entries, summary: summary(&entries), version: env!("CARGO_PKG_VERSION") }.render()
}

fn summary(entries: &[Entry]) -> String {
    let count = |is: fn(&Entry) -> bool| entries.iter().filter(|entry| is(entry)).count();
    let (danger, open) = (count(Entry::is_danger), count(Entry::is_open));
    let mut said = match entries.len() {
        1 => "One alert".to_owned(),
        many => format!("{many} alerts"),
    };
    let _ = write!(said, ", {danger} of them danger; {open} not closed.");
    let mut minutes: Vec<_> = entries.iter().filter_map(|entry| entry.minutes).collect();
    minutes.sort_unstable();
    if let Some(middle) = minutes.get(minutes.len() / 2) {
        let _ = write!(said, " Half of those that were read were read within {}.", how_long(*middle));
    }
    said
}

/// A length of time as people say it.
fn how_long(minutes: u64) -> String {
    match minutes {
        0 => "a minute".to_owned(),
        1..120 => format!("{} minutes", minutes + 1),
        120..2880 => format!("{} hours", minutes / 60 + 1),
        _ => format!("{} days", minutes / 1440 + 1),
    }
}

/// The page's day and the day of the matter, as people read them.
#[must_use]
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %B %Y").to_string()
}

#[cfg(test)]
mod tests;
