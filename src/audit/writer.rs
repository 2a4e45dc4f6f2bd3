//! The one thread that writes: it takes all that waits, writes it in one transaction, and tells those who wait.

use super::record::{Closing, Opening, RecordId};
use super::recorder::{Commit, MANY, Queue, Shared, Sync};
use super::schema;
use crate::telemetry::events;
use rusqlite::{CachedStatement, Connection, params};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long endings may wait for others, so that each does not cost a transaction of its own.
const ENDINGS_WAIT: Duration = Duration::from_millis(20);
/// The time between two transactions, unless many wait. Each costs about as much as twenty rows, so under load requests share one; a request that
/// comes alone does not wait.
const SPACING: Duration = Duration::from_millis(5);
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
            let queue = self.gather(last + SPACING);
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

    /// Takes what waits at this time, or as soon as many wait.
    fn gather(&self, until: Instant) -> Queue {
        let mut queue = self.shared.queue.lock();
        queue.gathering = true;
        while queue.openings.len() < MANY && !queue.closing && !self.shared.work.wait_until(&mut queue, until).timed_out() {}
        queue.gathering = false;
        queue.take()
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
    addresses: HashMap<SocketAddr, i64>,
    /// By all fields, one after the other.
    shared: HashMap<Box<[u8]>, i64>,
    /// For putting the fields together.
    key: Key,
}

impl Known {
    fn forget_if_many(&mut self) {
        if self.texts.len() > MOST_KEPT {
            self.texts.clear();
        }
        if self.addresses.len() > MOST_KEPT {
            self.addresses.clear();
        }
        if self.shared.len() > MOST_KEPT {
            self.shared.clear();
        }
    }

    /// The number of the row with the fields in `key`, added if it is not known.
    fn shared(&mut self, add: impl FnOnce() -> rusqlite::Result<i64>) -> rusqlite::Result<i64> {
        if let Some(number) = self.shared.get(self.key.0.as_slice()) {
            return Ok(*number);
        }
        let number = add()?;
        self.shared.insert(self.key.0.as_slice().into(), number);
        Ok(number)
    }
}

/// Fields put together so that no two rows become the same bytes: each begins with its length, one that is not there with the greatest.
#[derive(Default)]
struct Key(Vec<u8>);

impl Key {
    /// Begins anew. `kind` tells rows of different tables apart.
    fn begin(&mut self, kind: u8) {
        self.0.clear();
        self.0.push(kind);
    }

    fn add(&mut self, field: Option<&[u8]>) {
        let length = field.map_or(u32::MAX, |field| u32::try_from(field.len()).unwrap_or(u32::MAX - 1));
        self.0.extend(length.to_le_bytes());
        self.0.extend(field.unwrap_or_default());
    }

    fn add_all<const N: usize>(&mut self, fields: [Option<&str>; N]) {
        for field in fields {
            self.add(field.map(str::as_bytes));
        }
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
        let row = params![
            signed(closing.id.0),
            closing.status,
            signed(closing.bytes_up),
            signed(closing.bytes_down),
            signed(closing.duration_us),
            self.text(closing.outcome.as_str())?,
            closing.upstream.map(|address| self.address(address)).transpose()?,
            closing.note,
        ];
        self.close.execute(row).map(|_| ())
    }

    fn who(&mut self, opening: &Opening) -> rusqlite::Result<i64> {
        let Opening { user, group, source, confidence, client, agent, .. } = opening;
        let (user, agent) = (user.as_deref(), agent.as_deref());
        let key = &mut self.known.key;
        key.begin(b'w');
        key.add_all([user, Some(group), Some(source), Some(confidence), agent]);
        match client {
            IpAddr::V4(client) => key.add(Some(&client.octets())),
            IpAddr::V6(client) => key.add(Some(&client.octets())),
        }
        self.known.shared(|| self.add_who.insert(params![user, group, source, confidence, client.to_string(), agent]))
    }

    fn decision(&mut self, opening: &Opening) -> rusqlite::Result<i64> {
        let Opening { categories, verdict, reason, why, rule, entry, snapshot, .. } = opening;
        let (verdict, snapshot, rule) = (verdict.as_str(), snapshot.as_str(), rule.as_deref());
        let (list, text) = (entry.as_ref().map(|entry| entry.list.as_str()), entry.as_ref().map(|entry| entry.text.as_str()));
        let line = entry.as_ref().map(|entry| entry.line);
        let key = &mut self.known.key;
        key.begin(b'd');
        key.add_all([Some(categories), Some(verdict), Some(reason), Some(why), rule, list, text, Some(snapshot)]);
        key.add(line.map(u32::to_le_bytes).as_ref().map(<[u8; _]>::as_slice));
        self.known.shared(|| self.add_decision.insert(params![categories, verdict, reason, why, rule, list, line, text, snapshot]))
    }

    fn address(&mut self, address: SocketAddr) -> rusqlite::Result<i64> {
        if let Some(number) = self.known.addresses.get(&address) {
            return Ok(*number);
        }
        let number = self.text(&address.to_string())?;
        self.known.addresses.insert(address, number);
        Ok(number)
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

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
