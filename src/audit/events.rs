//! What happened to Usher itself that a person must be able to find later: beside the requests, in the same database.
//!
//! An event is rare. It is written over a connection of its own, which waits for the recorder's transaction to end and then holds the
//! database for one row; the recorder waits in turn. When [`record`] returns, the event survives a power cut.

use super::query::LogError;
use super::schema::{self, SchemaError};
use crate::files;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;
use std::path::Path;

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

/// Puts an event on record in the log at `path`, made if need be.
pub fn record(path: &Path, event: &Event) -> Result<(), EventError> {
    files::private_file(path)?;
    let connection = schema::open(path, true)?;
    let row = params![event.at.as_millisecond(), event.kind, event.severity.as_str(), event.text];
    connection.execute("INSERT INTO events (at, kind, severity, text) VALUES (?1, ?2, ?3, ?4)", row)?;
    Ok(())
}

/// Why an event is not on record.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The file cannot be made.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// The database cannot be opened.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The row cannot be written.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// The events that match, newest first.
pub fn search(path: &Path, wanted: &Wanted) -> Result<Vec<Row>, LogError> {
    if !path.exists() {
        return Err(LogError::None(path.to_owned()));
    }
    let connection = schema::open_read_only(path)?;
    if !schema::has_events(&connection)? {
        return Ok(Vec::new());
    }
    let severities: Vec<_> = Severity::NAMES.iter().filter(|(_, severity)| *severity >= wanted.severity).map(|(name, _)| format!("'{name}'")).collect();
    let order = if wanted.after.is_some() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT id, at, kind, severity, text FROM events WHERE severity IN ({}) AND (?1 IS NULL OR kind = ?1) AND id > ?2 ORDER BY id {order} LIMIT {}",
        severities.join(", "),
        wanted.limit
    );
    let mut rows = select(&connection, &sql, wanted)?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    Ok(rows)
}

fn select(connection: &Connection, sql: &str, wanted: &Wanted) -> Result<Vec<Row>, LogError> {
    let after = i64::try_from(wanted.after.unwrap_or_default()).unwrap_or(i64::MAX);
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(params![wanted.kind, after], |row| {
        let at = Timestamp::from_millisecond(row.get(1)?).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(Row { id: row.get::<_, i64>(0)?.unsigned_abs(), at: format!("{at:.3}"), kind: row.get(2)?, severity: row.get(3)?, text: row.get(4)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Recorder, Sync};

    fn event(kind: &'static str, severity: Severity, text: &str) -> Event {
        Event { at: "2026-11-25T10:00:00Z".parse().expect("a time"), kind, severity, text: text.to_owned() }
    }

    #[test]
    fn events_are_found_newest_first_beside_a_running_recorder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.db");
        assert!(matches!(search(&path, &Wanted::default()), Err(LogError::None(_))));
        let recorder = Recorder::start(&path, Sync::Process).expect("started");
        assert_eq!(search(&path, &Wanted::default()).expect("searched"), []);
        for (kind, severity, text) in [("a", Severity::Info, "one"), ("b", Severity::Critical, "two"), ("a", Severity::Warning, "three")] {
            record(&path, &event(kind, severity, text)).expect("recorded");
        }
        let texts = |wanted: Wanted| search(&path, &wanted).expect("searched").into_iter().map(|row| row.text).collect::<Vec<_>>();
        assert_eq!(texts(Wanted::default()), ["three", "two", "one"]);
        assert_eq!(texts(Wanted { limit: 1, ..Wanted::default() }), ["three"]);
        assert_eq!(texts(Wanted { after: Some(1), limit: 1, ..Wanted::default() }), ["two"]);
        assert_eq!(texts(Wanted { kind: Some("a".into()), ..Wanted::default() }), ["three", "one"]);
        assert_eq!(texts(Wanted { severity: Severity::Warning, ..Wanted::default() }), ["three", "two"]);
        assert_eq!(texts(Wanted { severity: Severity::Critical, ..Wanted::default() }), ["two"]);
        let row = &search(&path, &Wanted::default()).expect("searched")[1];
        assert_eq!((row.id, row.at.as_str(), row.kind.as_str(), row.severity.as_str()), (2, "2026-11-25T10:00:00.000Z", "b", "critical"));
        recorder.finish();
    }

    #[test]
    fn a_log_from_before_there_were_events_has_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.db");
        schema::tests::of_version(&path, 1);
        assert_eq!(search(&path, &Wanted::default()).expect("searched"), []);
        record(&path, &event("a", Severity::Info, "one")).expect("recorded, and the log brought to today's form");
        assert_eq!(search(&path, &Wanted::default()).expect("searched").len(), 1);
    }
}
