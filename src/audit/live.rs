//! The part of the log that is being written: one SQLite file in WAL mode, some minutes to a day of records, then a new one.
//!
//! | table | a row |
//! | --- | --- |
//! | `opened` | a request when it was judged; also those carried over from the file before, still open when it was full |
//! | `closed` | the same request when it was over |
//! | `shared` | who asked, or a verdict with its reason: what thousands of requests have in common |
//! | `batches` | what one commit added to one class, with its hash and link |
//! | `start` | the heads of the chains when the file was begun |
//!
//! Bodies are canonical ([`super::entry`]). A `mark` is the first four bytes of an entry's leaf: it says which entry of a batch was altered. Nothing is updated or deleted; a file whose records are sealed is removed whole.

use super::chain::{Head, Heads, batch_hash};
use super::entry::{self, Digest, Encoder};
use super::record::{Class, Closing, Opening, RecordId};
use crate::files;
use rusqlite::{CachedStatement, Connection, OpenFlags, Row, params};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another process that holds the database.
const BUSY: Duration = Duration::from_secs(5);
/// After how many pages of 4 KiB the write-ahead log is folded into the database.
const CHECKPOINT_PAGES: u32 = 4000;
/// The form of the file. A file of another form is refused.
const FORM: i64 = 1;

const TABLES: &str = "
    CREATE TABLE shared (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE opened (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, who INTEGER NOT NULL, judgement INTEGER NOT NULL, body BLOB NOT NULL, mark INTEGER NOT NULL);
    CREATE TABLE closed (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, batch INTEGER NOT NULL, body BLOB NOT NULL, mark INTEGER NOT NULL);
    CREATE TABLE batches (
        id INTEGER PRIMARY KEY,
        class INTEGER NOT NULL,
        number INTEGER NOT NULL,
        first INTEGER,
        opened INTEGER NOT NULL,
        closed INTEGER NOT NULL,
        hash BLOB NOT NULL,
        link BLOB NOT NULL
    );
    CREATE TABLE start (class INTEGER PRIMARY KEY, number INTEGER NOT NULL, link BLOB NOT NULL);
";

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// SQLite says no.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The file cannot be made.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Written by another version.
    #[error("it was written by another version of Usher (form {0}, this one knows {FORM}); start that version")]
    Form(i64),
}

/// The file, open to be written.
pub(super) struct Live {
    connection: Connection,
    shared: Shared,
    /// Records written to it.
    pub(super) rows: u64,
    /// Endings written to it since it was opened.
    endings: u64,
}

/// Opens a file to write, made if it is not there.
fn connect(path: &Path, whole: bool) -> Result<Connection, LiveError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if whole { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Opens a file to read.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, LiveError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(32);
    match form(&connection)? {
        FORM => Ok(connection),
        other => Err(LiveError::Form(other)),
    }
}

fn form(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

impl Live {
    /// Makes a file that goes on from these heads, with the records that are open still.
    pub(super) fn create(path: &Path, whole: bool, heads: &Heads, carried: &[Carried]) -> Result<Self, LiveError> {
        // SQLite gives its other files the rights of the first: what pupils do is for those who may see it.
        files::private_file(path)?;
        let mut connection = connect(path, whole)?;
        let making = connection.transaction()?;
        making.execute_batch(TABLES)?;
        for (_, class) in Class::NAMES {
            let head = heads.of(class);
            making.execute("INSERT INTO start VALUES (?1, ?2, ?3)", params![class.code(), signed(head.number), head.link])?;
        }
        let mut shared = Shared::default();
        for record in carried {
            let who = shared.row(&making, &record.who)?.id;
            let judgement = shared.row(&making, &record.judgement)?.id;
            making.prepare_cached("INSERT INTO opened VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
                signed(record.id.0),
                record.class.code(),
                who,
                judgement,
                record.body,
                record.mark
            ])?;
        }
        making.pragma_update(None, "user_version", FORM)?;
        making.commit()?;
        Ok(Self { connection, shared, rows: 0, endings: 0 })
    }

    /// Opens a file to go on with it. Returns it with the heads of its chains and its last record.
    pub(super) fn open(path: &Path, whole: bool) -> Result<(Self, Heads, RecordId), LiveError> {
        let connection = connect(path, whole)?;
        let found = form(&connection)?;
        if found != FORM {
            return Err(LiveError::Form(found));
        }
        let heads = heads(&connection)?;
        let (last, rows) =
            connection.query_row("SELECT coalesce(max(id), 0), count(*) FROM opened", [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        let live = Self { connection, shared: Shared::default(), rows: rows.unsigned_abs(), endings: 0 };
        Ok((live, heads, RecordId(last.unsigned_abs())))
    }

    /// Writes all of it in one transaction and moves the heads on. If anything fails, the file is to be opened anew, and with it the transaction and
    /// the numbers it gave are gone.
    pub(super) fn write<'o>(
        &mut self,
        heads: &mut Heads,
        openings: impl Iterator<Item = (RecordId, &'o Opening)>,
        closings: &[Closing],
    ) -> rusqlite::Result<()> {
        self.shared.forget_if_many();
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut rows = Rows::prepare(&self.connection, &mut self.shared)?;
        let mut written = 0;
        for (id, opening) in openings {
            rows.open(id, opening)?;
            written += 1;
        }
        for closing in closings {
            rows.close(heads, closing)?;
        }
        let heads_after = rows.batches(*heads)?;
        drop(rows);
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        *heads = heads_after;
        self.rows += written;
        self.endings += closings.len() as u64;
        Ok(())
    }

    /// Whether it holds what can be sealed: more than records that were carried over and are open still.
    pub(super) fn holds_any(&self) -> bool {
        self.rows > 0 || self.endings > 0
    }

    /// The records with these numbers, to be carried over.
    pub(super) fn carry(&self, open: impl Iterator<Item = RecordId>) -> rusqlite::Result<Vec<Carried>> {
        let mut statement = self.connection.prepare(
            "SELECT o.id, o.class, w.body, j.body, o.body, o.mark FROM opened o JOIN shared w ON w.id = o.who JOIN shared j ON j.id = o.judgement WHERE o.id = ?1",
        )?;
        let mut carried = Vec::new();
        for id in open {
            carried.push(statement.query_row([signed(id.0)], |row| {
                let class = Class::from_code(row.get(1)?).unwrap_or(Class::Visit);
                Ok(Carried {
                    id: RecordId(row.get::<_, i64>(0)?.unsigned_abs()),
                    class,
                    who: row.get(2)?,
                    judgement: row.get(3)?,
                    body: row.get(4)?,
                    mark: row.get(5)?,
                })
            })?);
        }
        carried.sort_unstable_by_key(|record| record.id);
        Ok(carried)
    }
}

/// The heads of the chains at the end of a file.
pub(super) fn heads(connection: &Connection) -> rusqlite::Result<Heads> {
    let mut heads = Heads::default();
    for sql in ["SELECT class, number, link FROM start", "SELECT class, number, link FROM batches WHERE id IN (SELECT max(id) FROM batches GROUP BY class)"] {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(class) = Class::from_code(row.get(0)?) else { continue };
            heads.set(class, Head { number: row.get::<_, i64>(1)?.unsigned_abs(), link: row.get(2)? });
        }
    }
    Ok(heads)
}

/// A record that was open when its file was full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) id: RecordId,
    pub(super) class: Class,
    pub(super) who: Vec<u8>,
    pub(super) judgement: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) mark: u32,
}

/// The most rows of `shared` whose numbers are kept in memory.
const MOST_KEPT: usize = 50_000;

#[derive(Clone, Copy)]
struct SharedRow {
    id: i64,
    digest: Digest,
}

/// The rows of `shared`, as far as they are in memory.
#[derive(Default)]
struct Shared {
    known: HashMap<Box<[u8]>, SharedRow>,
    /// For putting a body together.
    body: Encoder,
}

impl Shared {
    fn forget_if_many(&mut self) {
        if self.known.len() > MOST_KEPT {
            self.known.clear();
        }
    }

    fn row(&mut self, connection: &Connection, body: &[u8]) -> rusqlite::Result<SharedRow> {
        if let Some(row) = self.known.get(body) {
            return Ok(*row);
        }
        let id = connection.prepare_cached("INSERT INTO shared (body) VALUES (?1)")?.insert([body])?;
        let row = SharedRow { id, digest: entry::shared_digest(body) };
        self.known.insert(body.into(), row);
        Ok(row)
    }

    /// The row with the body that is put together here.
    fn put(&mut self, connection: &Connection, encode: impl FnOnce(&mut Encoder)) -> rusqlite::Result<SharedRow> {
        let mut body = std::mem::take(&mut self.body);
        body.0.clear();
        encode(&mut body);
        let row = self.row(connection, &body.0);
        self.body = body;
        row
    }
}

/// What one transaction adds to a class.
#[derive(Default)]
struct Added {
    first: Option<RecordId>,
    opened: Vec<Digest>,
    closed: Vec<(RecordId, Digest)>,
}

/// The statements of one transaction.
struct Rows<'c> {
    connection: &'c Connection,
    shared: &'c mut Shared,
    open: CachedStatement<'c>,
    close: CachedStatement<'c>,
    body: Encoder,
    added: [Added; Class::NAMES.len()],
}

impl<'c> Rows<'c> {
    fn prepare(connection: &'c Connection, shared: &'c mut Shared) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            shared,
            open: connection.prepare_cached("INSERT INTO opened VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?,
            close: connection.prepare_cached("INSERT INTO closed VALUES (?1, ?2, ?3, ?4, ?5)")?,
            body: Encoder::default(),
            added: Default::default(),
        })
    }

    fn open(&mut self, id: RecordId, opening: &Opening) -> rusqlite::Result<()> {
        let who = self.shared.put(self.connection, |body| body.who(opening))?;
        let judgement = self.shared.put(self.connection, |body| body.judgement(opening))?;
        self.body.0.clear();
        self.body.opening(opening);
        let (body, class) = (&self.body.0, opening.class);
        let leaf = entry::opened_leaf(id, class, &who.digest, &judgement.digest, body);
        self.open.execute(params![signed(id.0), class.code(), who.id, judgement.id, body, mark(&leaf)])?;
        let added = &mut self.added[usize::from(class.code())];
        added.first.get_or_insert(id);
        added.opened.push(leaf);
        Ok(())
    }

    fn close(&mut self, heads: &Heads, closing: &Closing) -> rusqlite::Result<()> {
        self.body.0.clear();
        self.body.closing(closing);
        let batch = heads.of(closing.class).number + 1;
        let leaf = entry::closed_leaf(closing.id, &self.body.0);
        self.close.execute(params![signed(closing.id.0), closing.class.code(), signed(batch), self.body.0, mark(&leaf)])?;
        self.added[usize::from(closing.class.code())].closed.push((closing.id, leaf));
        Ok(())
    }

    /// Writes a batch for each class that was added to.
    fn batches(&mut self, mut heads: Heads) -> rusqlite::Result<Heads> {
        let mut insert =
            self.connection.prepare_cached("INSERT INTO batches (class, number, first, opened, closed, hash, link) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        for ((_, class), added) in Class::NAMES.into_iter().zip(&mut self.added) {
            if added.opened.is_empty() && added.closed.is_empty() {
                continue;
            }
            added.closed.sort_unstable_by_key(|(id, _)| *id);
            let closed: Vec<_> = added.closed.iter().map(|(_, leaf)| *leaf).collect();
            let hash = batch_hash(class, heads.of(class).number + 1, &added.opened, &closed);
            let head = heads.of(class).after(&hash);
            let first = added.first.map(|id| signed(id.0));
            insert.execute(params![
                class.code(),
                signed(head.number),
                first,
                signed(added.opened.len() as u64),
                signed(closed.len() as u64),
                hash,
                head.link
            ])?;
            heads.set(class, head);
        }
        Ok(heads)
    }
}

/// The first bytes of a leaf.
pub(super) fn mark(leaf: &Digest) -> u32 {
    let [a, b, c, d, ..] = *leaf;
    u32::from_le_bytes([a, b, c, d])
}

/// The bytes of a column; none if it holds something else, as after somebody altered it.
pub(super) fn bytes<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(row.get_ref(column)?.as_bytes().unwrap_or_default())
}

/// The digest in a column; zeros if it holds something else.
pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    Ok(Digest::try_from(bytes(row, column)?).unwrap_or_default())
}

pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
