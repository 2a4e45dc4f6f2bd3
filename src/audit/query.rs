//! Reading the record.

use super::record::{RecordId, Verdict};
use super::schema::{self, SchemaError};
use jiff::Timestamp;
use rusqlite::{Connection, Row as SqlRow, ToSql};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// What to look for. All that is given must hold.
#[derive(Clone, Debug)]
pub struct Filter {
    /// A user name, `*` for any characters.
    pub user: Option<String>,
    /// A group's name.
    pub group: Option<String>,
    /// A host and all below it.
    pub host: Option<String>,
    /// A category's id.
    pub category: Option<String>,
    /// What was answered.
    pub verdict: Option<Verdict>,
    /// A client's address.
    pub client: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// A text anywhere in the host, path or query.
    pub text: Option<String>,
    /// Only records after this one; of more than `limit` the oldest, so that who follows the record misses none.
    pub after: Option<RecordId>,
    /// At most so many; the newest, where `after` does not say otherwise.
    pub limit: u32,
}

impl Default for Filter {
    fn default() -> Self {
        Self { user: None, group: None, host: None, category: None, verdict: None, client: None, from: None, to: None, text: None, after: None, limit: 100 }
    }
}

/// One record, as read. Serialised as `usher log --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The reference number.
    pub id: String,
    /// When, in UTC.
    pub time: String,
    /// The user, if one was known.
    pub user: Option<String>,
    /// The group, or `unknown`.
    pub group: String,
    /// How the identity was found.
    pub identity_source: String,
    /// How sure it was.
    pub identity_confidence: String,
    /// The client's address.
    pub client: String,
    /// The method.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query.
    pub path: String,
    /// The ids of the categories.
    pub categories: Vec<String>,
    /// What was answered.
    pub verdict: String,
    /// The kind of reason.
    pub reason: String,
    /// The reason in words.
    pub why: String,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The list, line and text that decided.
    pub entry: Option<crate::lists::Entry>,
    /// The snapshot it was decided with.
    pub snapshot: String,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The host of `Referer`.
    pub referrer: Option<String>,
    /// `Sec-Fetch-Dest`.
    pub fetch_dest: Option<String>,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: Option<String>,
    /// `Sec-Fetch-User`.
    pub fetch_user: Option<String>,
    /// The status answered; nothing while the request is open or if Usher was stopped during it.
    pub status: Option<u16>,
    /// Bytes from the client.
    pub bytes_up: Option<u64>,
    /// Bytes to the client.
    pub bytes_down: Option<u64>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The address connected to.
    pub upstream: Option<String>,
    /// What went wrong.
    pub note: Option<String>,
    #[serde(skip)]
    pub(crate) number: RecordId,
}

impl Row {
    /// The URL as a person would write it.
    #[must_use]
    pub fn url(&self) -> String {
        let default = (self.scheme == "http" && self.port == 80) || (self.scheme == "https" && self.port == 443);
        let port = if default || self.port == 0 { String::new() } else { format!(":{}", self.port) };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.scheme.as_str() {
            "" => self.path.clone(),
            scheme => format!("{scheme}://{host}{port}{}", self.path),
        }
    }
}

/// The log, open for reading while another process writes it.
pub struct Log {
    connection: Connection,
}

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is none.
    #[error("there is no log at {0}; start Usher once with: usher serve")]
    None(std::path::PathBuf),
    /// The database says no.
    #[error("the log cannot be read: {0}")]
    Schema(#[from] SchemaError),
    /// A query failed.
    #[error("the log cannot be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

const COLUMNS: &str = "
    o.id, o.time_ms, who.user, who.grp, who.source, who.confidence, who.client, method.text, scheme.text, host.text, o.port, o.path,
    decision.categories, decision.verdict, decision.reason, decision.why, decision.rule, decision.list, decision.line, decision.entry, decision.snapshot,
    who.agent, referrer.text, fetch_dest.text, fetch_mode.text, fetch_user.text, c.status, c.bytes_up, c.bytes_down, c.duration_us, outcome.text,
    upstream.text, c.note";

const TEXTS_OPENED: [&str; 7] = ["method", "scheme", "host", "referrer", "fetch_dest", "fetch_mode", "fetch_user"];
const TEXTS_CLOSED: [&str; 2] = ["outcome", "upstream"];

impl Log {
    /// Opens the log to read.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        if !path.exists() {
            return Err(LogError::None(path.to_owned()));
        }
        Ok(Self { connection: schema::open_read_only(path)? })
    }

    /// The record with this number.
    pub fn show(&self, id: RecordId) -> Result<Option<Row>, LogError> {
        let rows = self.select("o.id = ?1 LIMIT 1", &[&signed(id)])?;
        Ok(rows.into_iter().next())
    }

    /// The records that match, newest first.
    pub fn search(&self, filter: &Filter) -> Result<Vec<Row>, LogError> {
        let mut wanted = Where::default();
        wanted.shared("who", "user LIKE ? ESCAPE '\\'", filter.user.as_deref().map(|user| like(&user.to_lowercase(), "", "")));
        wanted.shared("who", "grp = ?", filter.group.clone());
        wanted.host(filter.host.as_deref());
        wanted.shared("decision", "' ' || categories || ' ' LIKE ? ESCAPE '\\'", filter.category.as_deref().map(|id| like(id, "% ", " %")));
        wanted.shared("decision", "verdict = ?", filter.verdict.map(|verdict| verdict.as_str().to_owned()));
        wanted.shared("who", "client = ?", filter.client.clone());
        wanted.times(filter);
        wanted.text(filter.text.as_deref());
        let values: Vec<&dyn ToSql> = wanted.values.iter().map(|value| &**value).collect();
        let order = if filter.after.is_some() { "ASC" } else { "DESC" };
        self.select(&format!("{} ORDER BY o.id {order} LIMIT {}", wanted.sql(), filter.limit), &values)
    }

    /// The records that this picks, newest first.
    fn select(&self, wanted: &str, values: &[&dyn ToSql]) -> Result<Vec<Row>, LogError> {
        let mut sql = format!(
            "SELECT {COLUMNS} FROM (SELECT * FROM opened o WHERE {wanted}) o LEFT JOIN closed c ON c.id = o.id JOIN who ON who.id = o.who JOIN decisions decision ON decision.id = o.decision"
        );
        for (table, names) in [("o", &TEXTS_OPENED[..]), ("c", &TEXTS_CLOSED[..])] {
            for name in names {
                // Writing to a string cannot fail.
                let _ = write!(sql, " LEFT JOIN texts {name} ON {name}.id = {table}.{name}");
            }
        }
        sql.push_str(" ORDER BY o.id DESC");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(values, read_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many records there are.
    pub fn count(&self) -> Result<u64, LogError> {
        let count: i64 = self.connection.query_row("SELECT count(*) FROM opened", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

#[derive(Default)]
struct Where {
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Where {
    fn push(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.conditions.push(condition.to_owned());
        self.values.push(Box::new(value));
    }

    /// A condition on what a request shares with others, by the column that points there.
    fn shared(&mut self, column: &str, condition: &str, value: Option<String>) {
        let table = if column == "who" { "who" } else { "decisions" };
        if let Some(value) = value {
            self.push(&format!("o.{column} IN (SELECT id FROM {table} WHERE {condition})"), value);
        }
    }

    fn host(&mut self, host: Option<&str>) {
        let Some(host) = host else { return };
        let host = crate::host::Host::parse(host).map_or_else(|_| host.to_lowercase(), |host| host.to_string());
        self.push("o.host IN (SELECT id FROM texts WHERE text = ? OR text LIKE ? ESCAPE '\\')", host.clone());
        self.values.push(Box::new(like(&host, "%.", "")));
    }

    fn times(&mut self, filter: &Filter) {
        if let Some(from) = filter.from {
            // An id is never earlier than its time, so the first bound is quick and the second exact.
            self.push("o.id >= ?", signed(RecordId::first_of(from.as_millisecond().unsigned_abs())));
            self.push("o.time_ms >= ?", from.as_millisecond());
        }
        if let Some(to) = filter.to {
            self.push("o.time_ms < ?", to.as_millisecond());
        }
        if let Some(after) = filter.after {
            self.push("o.id > ?", signed(after));
        }
    }

    fn text(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        self.push("(o.path LIKE ? ESCAPE '\\' OR o.host IN (SELECT id FROM texts WHERE text LIKE ? ESCAPE '\\'))", like(text, "%", "%"));
        self.values.push(Box::new(like(text, "%", "%")));
    }

    fn sql(&self) -> String {
        if self.conditions.is_empty() { "1".to_owned() } else { self.conditions.join(" AND ") }
    }
}

/// A pattern for LIKE: `text` taken literally but for `*`.
fn like(text: &str, before: &str, after: &str) -> String {
    let literal = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").replace('*', "%");
    format!("{before}{literal}{after}")
}

fn signed(id: RecordId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

fn read_row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let number = RecordId(row.get::<_, i64>(0)?.unsigned_abs());
    let time = Timestamp::from_millisecond(row.get(1)?).unwrap_or(Timestamp::UNIX_EPOCH);
    let text = |column: usize| row.get::<_, String>(column);
    let maybe = |column: usize| row.get::<_, Option<String>>(column);
    let count = |column: usize| row.get::<_, Option<i64>>(column).map(|value| value.map(i64::unsigned_abs));
    let entry = match (maybe(17)?, row.get::<_, Option<u32>>(18)?, maybe(19)?) {
        (Some(list), Some(line), Some(text)) => Some(crate::lists::Entry { list, line, text }),
        _ => None,
    };
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a request are far below 2^52")]
    let duration_ms = count(29)?.map(|micros| micros as f64 / 1000.0);
    Ok(Row {
        id: number.to_string(),
        time: format!("{time:.3}"),
        user: maybe(2)?,
        group: text(3)?,
        identity_source: text(4)?,
        identity_confidence: text(5)?,
        client: text(6)?,
        method: text(7)?,
        scheme: text(8)?,
        host: text(9)?,
        port: row.get(10)?,
        path: text(11)?,
        categories: text(12)?.split_ascii_whitespace().map(str::to_owned).collect(),
        verdict: text(13)?,
        reason: text(14)?,
        why: text(15)?,
        rule: maybe(16)?,
        entry,
        snapshot: text(20)?,
        user_agent: maybe(21)?,
        referrer: maybe(22)?,
        fetch_dest: maybe(23)?,
        fetch_mode: maybe(24)?,
        fetch_user: maybe(25)?,
        status: row.get(26)?,
        bytes_up: count(27)?,
        bytes_down: count(28)?,
        duration_ms,
        outcome: maybe(30)?,
        upstream: maybe(31)?,
        note: maybe(32)?,
        number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_taken_literally_but_for_the_star() {
        assert_eq!(like("100%_a\\b*", "", ""), "100\\%\\_a\\\\b%");
    }
}
