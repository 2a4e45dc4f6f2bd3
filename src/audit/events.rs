//! What happened to Usher itself that a person must be able to find later: signed statements of the journal.

use super::folder::Folder;
use super::journal::{Journal, JournalError, Reader, Statement, Topic};
use super::query::LogError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something to look at.
    Warning,
    /// A person must act.
    Critical,
}

impl Severity {
    /// The severities by name.
    pub const NAMES: [(&str, Self); 3] = [("info", Self::Info), ("warning", Self::Warning), ("critical", Self::Critical)];

    /// Its name, as it is kept.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// One word for what kind of thing: lower-case letters and hyphens.
    pub kind: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What happened and what to do, in sentences.
    pub text: String,
}

/// An event as it is on record. Serialised as `usher log events --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its number; a later event has a higher one.
    pub id: u64,
    /// When, in UTC.
    pub at: String,
    /// What kind of thing.
    pub kind: String,
    /// How much it matters: `info`, `warning` or `critical`.
    pub severity: String,
    /// What happened and what to do.
    pub text: String,
}

/// What to look for. All that is given must hold.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Of this kind.
    pub kind: Option<String>,
    /// At least this grave.
    pub severity: Severity,
    /// After the event with this number; of more than `limit` the oldest, so that who follows the events misses none.
    pub after: Option<u64>,
    /// At most so many; the newest, where `after` does not say otherwise.
    pub limit: u32,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { kind: None, severity: Severity::Info, after: None, limit: 100 }
    }
}

/// What a statement about an event says.
#[derive(Serialize, Deserialize)]
struct Body {
    kind: String,
    severity: String,
    text: String,
}

/// Puts an event on record.
pub fn record(folder: &Folder, event: &Event) -> Result<(), JournalError> {
    state(&mut Journal::open(folder)?, event)
}

/// Puts an event on record in a journal that is open.
pub(super) fn state(journal: &mut Journal, event: &Event) -> Result<(), JournalError> {
    journal.state(event.at, Topic::Event, &Body::of(event)).map(drop)
}

/// The same, unless another program has stated an event after the one with this number; whether it was stated.
pub(super) fn state_after(journal: &mut Journal, event: &Event, seen: u64) -> Result<bool, JournalError> {
    let newest = "SELECT coalesce(max(number), 0) FROM statements WHERE kind = ?1 AND number < (SELECT max(number) FROM statements)";
    let stated = journal.state_and(event.at, Topic::Event, &Body::of(event), |change| {
        let newest: i64 = change.query_row(newest, [Topic::Event.as_str()], |row| row.get(0))?;
        if newest.unsigned_abs() == seen { Ok(()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
    });
    match stated {
        Ok(_) => Ok(true),
        Err(JournalError::Sqlite(rusqlite::Error::QueryReturnedNoRows)) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Body {
    fn of(event: &Event) -> Self {
        Self { kind: event.kind.to_owned(), severity: event.severity.as_str().to_owned(), text: event.text.clone() }
    }
}

/// The events that match, newest first.
pub fn search(folder: &Folder, wanted: &Wanted) -> Result<Vec<Row>, LogError> {
    if !folder.exists() {
        return Err(LogError::None(folder.path().to_owned()));
    }
    let reader = Reader::open(folder)?;
    let rows = reader.about(Topic::Event, wanted.after.unwrap_or_default())?;
    let mut rows: Vec<_> = rows.iter().filter_map(row).filter(|row| wanted.takes(row)).collect();
    let limit = wanted.limit as usize;
    if wanted.after.is_some() {
        rows.truncate(limit);
    } else {
        rows.drain(..rows.len().saturating_sub(limit));
    }
    rows.reverse();
    Ok(rows)
}

impl Wanted {
    fn takes(&self, row: &Row) -> bool {
        let severity = Severity::NAMES.iter().find(|(name, _)| *name == row.severity).map(|(_, severity)| *severity);
        self.kind.as_ref().is_none_or(|kind| *kind == row.kind) && severity.is_none_or(|severity| severity >= self.severity)
    }
}

/// The event that this statement is.
#[must_use]
pub fn row(statement: &Statement) -> Option<Row> {
    let Body { kind, severity, text } = statement.read()?;
    let at = Timestamp::from_millisecond(statement.at).unwrap_or(Timestamp::UNIX_EPOCH);
    Some(Row { id: statement.number, at: format!("{at:.3}"), kind, severity, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Recorder, Settings};

    fn event(kind: &'static str, severity: Severity, text: &str) -> Event {
        Event { at: "2026-11-25T10:00:00Z".parse().expect("a time"), kind, severity, text: text.to_owned() }
    }

    #[test]
    fn events_are_found_newest_first_beside_a_running_recorder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Folder::at(folder.path().join("log"));
        assert!(matches!(search(&path, &Wanted::default()), Err(LogError::None(_))));
        let recorder = Recorder::start(&path, Settings::default()).expect("started");
        assert_eq!(search(&path, &Wanted::default()).expect("searched"), []);
        for (kind, severity, text) in [("a", Severity::Info, "one"), ("b", Severity::Critical, "two"), ("a", Severity::Warning, "three")] {
            record(&path, &event(kind, severity, text)).expect("recorded");
        }
        let texts = |wanted: Wanted| search(&path, &wanted).expect("searched").into_iter().map(|row| row.text).collect::<Vec<_>>();
        assert_eq!(texts(Wanted::default()), ["three", "two", "one"]);
        assert_eq!(texts(Wanted { limit: 1, ..Wanted::default() }), ["three"]);
        assert_eq!(texts(Wanted { after: Some(2), limit: 1, ..Wanted::default() }), ["two"]);
        assert_eq!(texts(Wanted { kind: Some("a".into()), ..Wanted::default() }), ["three", "one"]);
        assert_eq!(texts(Wanted { severity: Severity::Warning, ..Wanted::default() }), ["three", "two"]);
        assert_eq!(texts(Wanted { severity: Severity::Critical, ..Wanted::default() }), ["two"]);
        let row = &search(&path, &Wanted::default()).expect("searched")[1];
        assert_eq!((row.id, row.at.as_str(), row.kind.as_str(), row.severity.as_str()), (3, "2026-11-25T10:00:00.000Z", "b", "critical"));
        recorder.finish();
    }
}
