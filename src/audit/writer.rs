//! The one thread that writes: it takes all that waits, writes it in one transaction, and tells those who wait.

use super::record::{Closing, Opening, RecordId};
use super::recorder::{Commit, Queue, Shared, Sync};
use super::schema;
use crate::telemetry::events;
use rusqlite::{CachedStatement, Connection, params};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long endings may wait for others, so that each does not cost a transaction of its own.
const ENDINGS_WAIT: Duration = Duration::from_millis(20);
/// The least time between two transactions. Each costs about as much as twenty rows, so under load requests share one; a request that comes
/// alone does not wait.
const SPACING: Duration = Duration::from_millis(3);
/// The most endings kept while the log cannot be written.
const MOST_ENDINGS_KEPT: usize = 200_000;
/// The most texts, and the most rows of `who` and `decisions`, whose numbers are kept in memory.
const MOST_KEPT: usize = 50_000;
/// The longest text kept of any one field, in bytes.
const LONGEST_TEXT: usize = 8192;

pub(super) struct Writer {
    path: PathBuf,
    sync: Sync,
    shared: Arc<Shared>,
    store: Option<Store>,
    /// Endings that could not be written yet.
    kept: Vec<Closing>,
    refused: u64,
}

struct Store {
    connection: Connection,
    known: Known,
}

impl Writer {
    pub(super) fn new(path: PathBuf, sync: Sync, connection: Connection, shared: Arc<Shared>) -> Self {
        Self { path, sync, shared, store: Some(Store::new(connection)), kept: Vec::new(), refused: 0 }
    }

    /// Writes until the recorder is closed and all that was queued is written.
    pub(super) fn run(mut self) {
        let mut last = Instant::now();
        while self.wait() {
            std::thread::sleep(SPACING.saturating_sub(last.elapsed()));
            let queue = self.shared.queue.lock().take();
            self.write(queue);
            last = Instant::now();
        }
        if !self.kept.is_empty() {
            self.write(Queue::default());
        }
        self.shared.queue.lock().stopped = true;
        self.shared.done.notify_all();
    }

    /// Waits for something to write; false when no more will come.
    fn wait(&self) -> bool {
        let mut queue = self.shared.queue.lock();
        loop {
            if !queue.openings.is_empty() || (queue.closing && !queue.closings.is_empty()) {
                return true;
            }
            if queue.closing {
                return false;
            }
            queue.idle = true;
            if queue.closings.is_empty() {
                self.shared.work.wait(&mut queue);
            } else if self.shared.work.wait_for(&mut queue, ENDINGS_WAIT).timed_out() {
                queue.idle = false;
                return true;
            }
            queue.idle = false;
        }
    }

    fn write(&mut self, mut queue: Queue) {
        self.kept.append(&mut queue.closings);
        match self.commit(&queue.openings) {
            Ok(()) => {
                self.kept.clear();
                self.recovered();
                answer(queue.openings, &Ok(()));
            }
            Err(error) => {
                // The connection may be broken beyond the transaction: the next attempt opens it anew.
                self.store = None;
                self.failed(&queue, &error);
                answer(queue.openings, &Err(error.into()));
            }
        }
    }

    fn commit(&mut self, openings: &[Commit]) -> Result<(), String> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::new(schema::open(&self.path, self.sync == Sync::Full).map_err(|error| error.to_string())?),
        };
        self.store.insert(store).write(openings, &self.kept).map_err(|error| error.to_string())
    }

    fn failed(&mut self, queue: &Queue, error: &str) {
        if self.refused == 0 {
            events::LogFailed { path: &self.path, error }.emit();
        }
        self.refused += (queue.openings.len() as u64).max(1);
        if self.kept.len() > MOST_ENDINGS_KEPT {
            self.kept.drain(..self.kept.len() - MOST_ENDINGS_KEPT);
        }
    }

    fn recovered(&mut self) {
        if self.refused > 0 {
            events::LogRecovered { path: &self.path, refused: self.refused }.emit();
            self.refused = 0;
        }
    }
}

fn answer(openings: Vec<Commit>, result: &Result<(), Arc<str>>) {
    for commit in openings {
        // Nobody waits any more if the client went away; the record stands and closes as abandoned.
        let _ = commit.done.send(result.clone());
    }
}

impl Store {
    fn new(connection: Connection) -> Self {
        Self { connection, known: Known::default() }
    }

    /// Writes all of it in one transaction. If anything fails, the store is to be dropped, and with it the transaction and the numbers it gave.
    fn write(&mut self, openings: &[Commit], closings: &[Closing]) -> rusqlite::Result<()> {
        self.known.forget_if_many();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut rows = Rows::prepare(&self.connection, &mut self.known)?;
        for commit in openings {
            rows.open(commit.id, &commit.opening)?;
        }
        for closing in closings {
            rows.close(closing)?;
        }
        drop(rows);
        self.connection.prepare_cached("COMMIT")?.execute([]).map(|_| ())
    }
}

/// The numbers of what requests share, as far as they are in memory.
#[derive(Default)]
struct Known {
    texts: HashMap<Box<str>, i64>,
    /// By all fields, one after the other.
    shared: HashMap<Box<str>, i64>,
    /// For putting the fields together.
    key: String,
}

impl Known {
    fn forget_if_many(&mut self) {
        for map in [&mut self.texts, &mut self.shared] {
            if map.len() > MOST_KEPT {
                map.clear();
            }
        }
    }

    /// The number of the row with these fields, added if it is not known. `kind` tells rows of different tables apart.
    fn shared<const N: usize>(&mut self, kind: char, add: &mut CachedStatement<'_>, fields: [Option<&str>; N]) -> rusqlite::Result<i64> {
        self.key.clear();
        self.key.push(kind);
        join(&mut self.key, &fields);
        if let Some(number) = self.shared.get(self.key.as_str()) {
            return Ok(*number);
        }
        let number = add.insert(rusqlite::params_from_iter(fields))?;
        self.shared.insert(self.key.as_str().into(), number);
        Ok(number)
    }
}

/// The statements of one transaction.
struct Rows<'c, 'k> {
    known: &'k mut Known,
    find_text: CachedStatement<'c>,
    add_text: CachedStatement<'c>,
    add_who: CachedStatement<'c>,
    add_decision: CachedStatement<'c>,
    open: CachedStatement<'c>,
    close: CachedStatement<'c>,
}

impl<'c, 'k> Rows<'c, 'k> {
    fn prepare(connection: &'c Connection, known: &'k mut Known) -> rusqlite::Result<Self> {
        Ok(Self {
            known,
            find_text: connection.prepare_cached("SELECT id FROM texts WHERE text = ?1")?,
            add_text: connection.prepare_cached("INSERT INTO texts (text) VALUES (?1)")?,
            add_who: connection.prepare_cached("INSERT INTO who (user, grp, source, confidence, client, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?,
            add_decision: connection.prepare_cached(
                "INSERT INTO decisions (categories, verdict, reason, why, rule, list, line, entry, snapshot) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            open: connection.prepare_cached("INSERT INTO opened VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")?,
            close: connection.prepare_cached("INSERT OR IGNORE INTO closed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?,
        })
    }

    fn open(&mut self, id: RecordId, opening: &Opening) -> rusqlite::Result<()> {
        let row = params![
            signed(id.0),
            signed(opening.time_ms),
            self.who(opening)?,
            self.decision(opening)?,
            self.text(opening.method.as_str())?,
            self.text(opening.scheme)?,
            self.text(&opening.host)?,
            opening.port,
            opening.path,
            self.maybe(opening.referrer.as_deref())?,
            self.maybe(opening.fetch_dest.as_deref())?,
            self.maybe(opening.fetch_mode.as_deref())?,
            self.maybe(opening.fetch_user.as_deref())?,
        ];
        self.open.execute(row).map(|_| ())
    }

    fn close(&mut self, closing: &Closing) -> rusqlite::Result<()> {
        let upstream = closing.upstream.map(|address| address.to_string());
        let row = params![
            signed(closing.id.0),
            closing.status,
            signed(closing.bytes_up),
            signed(closing.bytes_down),
            signed(closing.duration_us),
            self.text(closing.outcome.as_str())?,
            self.maybe(upstream.as_deref())?,
            closing.note,
        ];
        self.close.execute(row).map(|_| ())
    }

    fn who(&mut self, opening: &Opening) -> rusqlite::Result<i64> {
        let client = opening.client.to_string();
        let fields = [opening.user.as_deref(), Some(&*opening.group), Some(opening.source), Some(opening.confidence), Some(&client), opening.agent.as_deref()];
        self.known.shared('w', &mut self.add_who, fields)
    }

    fn decision(&mut self, opening: &Opening) -> rusqlite::Result<i64> {
        let entry = opening.entry.as_ref();
        let line = entry.map(|entry| entry.line.to_string());
        let fields = [
            Some(opening.categories.as_str()),
            Some(opening.verdict.as_str()),
            Some(opening.reason),
            Some(&*opening.why),
            opening.rule.as_deref(),
            entry.map(|entry| entry.list.as_str()),
            line.as_deref(),
            entry.map(|entry| entry.text.as_str()),
            Some(&*opening.snapshot),
        ];
        self.known.shared('d', &mut self.add_decision, fields)
    }

    fn text(&mut self, text: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.known.texts.get(text) {
            return Ok(*number);
        }
        let kept = &text[..text.floor_char_boundary(LONGEST_TEXT)];
        let number = match self.find_text.query_row([kept], |row| row.get(0)) {
            Ok(number) => number,
            Err(rusqlite::Error::QueryReturnedNoRows) => self.add_text.insert([kept])?,
            Err(error) => return Err(error),
        };
        self.known.texts.insert(text.into(), number);
        Ok(number)
    }

    fn maybe(&mut self, text: Option<&str>) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.text(text)).transpose()
    }
}

/// Puts fields together so that no two rows become the same text: each begins with its length, one that is not there with a dash.
fn join(key: &mut String, fields: &[Option<&str>]) {
    use std::fmt::Write;
    for field in fields {
        // Writing to a string cannot fail.
        let _ = match field {
            Some(text) => write!(key, "{}:{text}", text.len()),
            None => write!(key, "-"),
        };
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
