//! The one thread that writes: it takes all that waits, writes it in one transaction, and tells those who wait.

use super::record::{Closing, Opening, RecordId};
use super::recorder::{Commit, Queue, Shared, Sync};
use super::schema;
use crate::telemetry::events;
use rusqlite::{Connection, Transaction, params};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long endings may wait for others, so that each does not cost a transaction of its own.
const ENDINGS_WAIT: Duration = Duration::from_millis(20);
/// The most endings kept while the log cannot be written.
const MOST_ENDINGS_KEPT: usize = 200_000;
/// The most texts whose numbers are kept in memory.
const MOST_TEXTS_KEPT: usize = 50_000;
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
    texts: HashMap<Box<str>, i64>,
}

impl Writer {
    pub(super) fn new(path: PathBuf, sync: Sync, connection: Connection, shared: Arc<Shared>) -> Self {
        Self { path, sync, shared, store: Some(Store::new(connection)), kept: Vec::new(), refused: 0 }
    }

    /// Writes until the recorder is closed and all that was queued is written.
    pub(super) fn run(mut self) {
        while let Some(queue) = self.next() {
            self.write(queue);
        }
        if !self.kept.is_empty() {
            self.write(Queue::default());
        }
        self.shared.queue.lock().stopped = true;
        self.shared.done.notify_all();
    }

    /// Waits for something to write.
    fn next(&self) -> Option<Queue> {
        let mut queue = self.shared.queue.lock();
        loop {
            if !queue.openings.is_empty() || (queue.closing && !queue.closings.is_empty()) {
                return Some(queue.take());
            }
            if queue.closing {
                return None;
            }
            queue.idle = true;
            if queue.closings.is_empty() {
                self.shared.work.wait(&mut queue);
            } else if self.shared.work.wait_for(&mut queue, ENDINGS_WAIT).timed_out() {
                queue.idle = false;
                return Some(queue.take());
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
        Self { connection, texts: HashMap::new() }
    }

    fn write(&mut self, openings: &[Commit], closings: &[Closing]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        if self.texts.len() > MOST_TEXTS_KEPT {
            self.texts.clear();
        }
        let mut texts = Texts { transaction: &transaction, known: &mut self.texts };
        for commit in openings {
            insert_opening(&mut texts, commit.id, &commit.opening)?;
        }
        for closing in closings {
            insert_closing(&mut texts, closing)?;
        }
        transaction.commit()
    }
}

/// Turns texts into their numbers. Numbers of a transaction that fails die with its store.
struct Texts<'a, 'c> {
    transaction: &'a Transaction<'c>,
    known: &'a mut HashMap<Box<str>, i64>,
}

impl Texts<'_, '_> {
    fn number(&mut self, text: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.known.get(text) {
            return Ok(*number);
        }
        let kept = &text[..text.floor_char_boundary(LONGEST_TEXT)];
        let found = self.transaction.prepare_cached("SELECT id FROM texts WHERE text = ?1")?.query_row([kept], |row| row.get(0));
        let number = match found {
            Ok(number) => number,
            Err(rusqlite::Error::QueryReturnedNoRows) => self.transaction.prepare_cached("INSERT INTO texts (text) VALUES (?1)")?.insert([kept])?,
            Err(error) => return Err(error),
        };
        self.known.insert(text.into(), number);
        Ok(number)
    }

    fn maybe(&mut self, text: Option<&str>) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.number(text)).transpose()
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn insert_opening(texts: &mut Texts<'_, '_>, id: RecordId, opening: &Opening) -> rusqlite::Result<()> {
    let entry = opening.entry.as_ref();
    let mut client = Short::default();
    let row = params![
        signed(id.0),
        signed(opening.time_ms),
        texts.maybe(opening.user.as_deref())?,
        texts.number(&opening.group)?,
        texts.number(opening.source)?,
        texts.number(opening.confidence)?,
        texts.number(client.write(opening.client))?,
        texts.number(&opening.method)?,
        texts.number(opening.scheme)?,
        texts.number(&opening.host)?,
        opening.port,
        opening.path,
        texts.number(&opening.categories)?,
        texts.number(opening.verdict.as_str())?,
        texts.number(opening.reason)?,
        texts.number(&opening.why)?,
        texts.maybe(opening.rule.as_deref())?,
        texts.maybe(entry.map(|entry| entry.list.as_str()))?,
        entry.map(|entry| entry.line),
        texts.maybe(entry.map(|entry| entry.text.as_str()))?,
        texts.number(&opening.snapshot)?,
        texts.maybe(opening.agent.as_deref())?,
        texts.maybe(opening.referrer.as_deref())?,
        texts.maybe(opening.fetch_dest.as_deref())?,
        texts.maybe(opening.fetch_mode.as_deref())?,
        texts.maybe(opening.fetch_user.as_deref())?,
    ];
    let mut insert = texts.transaction.prepare_cached(
        "INSERT INTO opened VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
    )?;
    insert.execute(row).map(|_| ())
}

fn insert_closing(texts: &mut Texts<'_, '_>, closing: &Closing) -> rusqlite::Result<()> {
    let mut upstream = Short::default();
    let row = params![
        signed(closing.id.0),
        closing.status,
        signed(closing.bytes_up),
        signed(closing.bytes_down),
        signed(closing.duration_us),
        texts.number(closing.outcome.as_str())?,
        texts.maybe(closing.upstream.map(|address| upstream.write(address)))?,
        closing.note,
    ];
    let mut insert = texts.transaction.prepare_cached("INSERT OR IGNORE INTO closed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    insert.execute(row).map(|_| ())
}

/// A text of an address, written without an allocation for each.
#[derive(Default)]
struct Short(String);

impl Short {
    fn write(&mut self, value: impl std::fmt::Display) -> &str {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{value}");
        &self.0
    }
}
