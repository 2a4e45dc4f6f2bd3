//! The journal: statements about the log, signed and chained, each after the one before.
//!
//! What is sealed, merged, purged, held or erased, who looked at whose records and why, what happened to Usher itself: each is one row that is only
//! ever added. Its link is the hash of the link before it and of what it says; the link is signed. Beside the statements, in the same file and
//! the same transaction, a table says which segments there are; it follows from the statements and is checked against them.
//!
//! Any program of the installation may add a statement: SQLite lets one in at a time. When [`Journal::state`] returns, the statement survives a
//! power cut.

mod once;

pub(super) use once::empty;

use super::entry::Digest;
use super::folder::Folder;
use super::key::{PublicKey, SigningKey, to_hex};
use super::record::{Class, RecordId};
use super::segment::Directory;
use crate::files;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;

/// How long a statement waits for another program that holds the journal.
const BUSY: Duration = Duration::from_secs(10);
/// The form of the file. A file of another form is refused.
const FORM: i64 = 1;

const TABLES: &str = "
    CREATE TABLE statements (
        number INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        link BLOB NOT NULL,
        signature BLOB NOT NULL
    );
    CREATE INDEX statements_kind ON statements (kind, number);
    CREATE TABLE segments (
        file TEXT PRIMARY KEY,
        class TEXT NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        first_live INTEGER NOT NULL,
        last_live INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        skew_ms INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        digest TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX segments_last ON segments (last);
";

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The key that signs from here on.
    Key,
    /// Something happened to Usher itself.
    Event,
    /// A live file was sealed.
    Sealed,
    /// Segments were merged into one.
    Merged,
    /// Segments were removed under a rule of retention.
    Purged,
    /// Records are kept whatever the rules of retention say.
    Held,
    /// A hold has ended.
    Released,
    /// Records were erased.
    Erased,
    /// Somebody read a person's records.
    Looked,
    /// The heads of the chains, as they were sent elsewhere.
    Checkpoint,
    /// Records were handed out with their proof.
    Packed,
    /// A matter that people are to act on, and what they did.
    Alert,
}

impl Topic {
    /// All of them, by the name they have in the journal.
    pub const NAMES: [(&str, Self); 12] = [
        ("key", Self::Key),
        ("event", Self::Event),
        ("sealed", Self::Sealed),
        ("merged", Self::Merged),
        ("purged", Self::Purged),
        ("held", Self::Held),
        ("released", Self::Released),
        ("erased", Self::Erased),
        ("looked", Self::Looked),
        ("checkpoint", Self::Checkpoint),
        ("packed", Self::Packed),
        ("alert", Self::Alert),
    ];

    /// As in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Event => "event",
            Self::Sealed => "sealed",
            Self::Merged => "merged",
            Self::Purged => "purged",
            Self::Held => "held",
            Self::Released => "released",
            Self::Erased => "erased",
            Self::Looked => "looked",
            Self::Checkpoint => "checkpoint",
            Self::Packed => "packed",
            Self::Alert => "alert",
        }
    }
}

/// A statement as it is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its number; the first is 1.
    pub number: u64,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// The topic's name.
    pub kind: String,
    /// What it says, as JSON. Empty if a purge or an erasure has taken it out, which a later statement says: then link and signature are all there is.
    pub body: String,
    /// The hash of the link before it and of all above.
    pub link: Vec<u8>,
    /// The link, signed.
    pub signature: Vec<u8>,
}

impl Statement {
    /// What it says, if it is of this form.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(&self.body).ok()
    }

    /// The link it must have after the one before.
    #[must_use]
    pub fn link_after(&self, before: &[u8]) -> Digest {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"usher statement\0").update(before).update(&self.number.to_le_bytes()).update(&self.at.to_le_bytes());
        for text in [&self.kind, &self.body] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.finalize().into()
    }
}

/// The link before the first statement.
pub(super) const BEFORE_ALL: Digest = [0; 32];

/// What the first statement says: whose signatures these are. Said again when the key is another.
#[derive(Serialize, Deserialize)]
pub(super) struct KeyBody {
    pub(super) public: String,
}

/// A segment, as statements name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentNote {
    /// The name of its file in `sealed`.
    pub file: String,
    /// Its class.
    pub class: String,
    /// How many records it holds.
    pub rows: u64,
    /// How long the file is, in bytes.
    pub bytes: u64,
    /// The numbers of the live files its records come from.
    pub lives: (u64, u64),
    /// The least and greatest reference number; both 0 without records.
    pub ids: (u64, u64),
    /// How far, at most, the time of a record is before its reference number, in milliseconds: a clock that went back.
    pub skew_ms: u64,
    /// The number and link of the last batch before it.
    pub before: (u64, String),
    /// The number and link of its last batch.
    pub after: (u64, String),
    /// The root of the tree over its batches.
    pub root: String,
    /// The hash of its directory, which holds the hashes of all else.
    pub digest: String,
}

impl SegmentNote {
    pub(super) fn of(file: String, directory: &Directory, digest: &Digest, bytes: u64) -> Self {
        Self {
            file,
            class: directory.class.as_str().to_owned(),
            rows: directory.rows,
            bytes,
            lives: directory.lives,
            ids: (directory.ids.0.0, directory.ids.1.0),
            skew_ms: directory.skew_ms,
            before: (directory.before.number, to_hex(&directory.before.link)),
            after: (directory.after.number, to_hex(&directory.after.link)),
            root: to_hex(&directory.root),
            digest: to_hex(digest),
        }
    }
}

/// What a seal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The number of the live file.
    pub live: u64,
    /// What became of it.
    pub segments: Vec<SegmentNote>,
}

/// What a merge says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The files that were merged.
    pub from: Vec<String>,
    /// What became of them.
    pub into: SegmentNote,
}

/// A segment that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name of its file in `sealed`.
    pub file: String,
    /// Its class.
    pub class: Class,
    /// The least and greatest reference number.
    pub ids: (RecordId, RecordId),
    /// The numbers of the live files its records come from.
    pub lives: (u64, u64),
    /// How many records it holds.
    pub rows: u64,
    /// How far, at most, the time of a record is before its reference number, in milliseconds.
    pub skew_ms: u64,
    /// How long the file is, in bytes.
    pub bytes: u64,
    /// The hash of its directory, as signed.
    pub digest: String,
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be made, or the key cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// SQLite says no.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Written by another version.
    #[error("the journal was written by another version of Usher (form {0}, this one knows {FORM}); start that version")]
    Form(i64),
}

/// The journal, open to add to it.
pub struct Journal {
    reader: Reader,
    key: SigningKey,
}

/// The journal, open to read.
pub struct Reader {
    connection: Connection,
}

impl Journal {
    /// Opens it, made if need be.
    pub fn open(folder: &Folder) -> Result<Self, JournalError> {
        folder.make()?;
        let key = SigningKey::open(folder.key())?;
        // SQLite gives its other files the rights of the first.
        files::private_file(&folder.journal())?;
        let mut connection = Connection::open(folder.journal())?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What a purge or an erasure takes out of a statement is overwritten in the file.
        connection.pragma_update(None, "secure_delete", "ON")?;
        begin(&mut connection)?;
        let mut journal = Self { reader: Reader { connection }, key };
        journal.name_key()?;
        Ok(journal)
    }

    fn name_key(&mut self) -> Result<(), JournalError> {
        let public = self.key.public().to_string();
        if self.reader.key()?.is_none_or(|known| known.to_string() != public) {
            self.state(Timestamp::now(), Topic::Key, &KeyBody { public })?;
        }
        Ok(())
    }

    /// What its signatures are checked with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    /// Adds a statement. Returns its number.
    pub fn state(&mut self, at: Timestamp, topic: Topic, body: &impl Serialize) -> Result<u64, JournalError> {
        self.state_and(at, topic, body, |_| Ok(()))
    }

    /// Adds a statement and changes which segments there are, both or neither.
    pub(super) fn state_and(
        &mut self,
        at: Timestamp,
        topic: Topic,
        body: &impl Serialize,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<u64, JournalError> {
        let body = serde_json::to_string(body).map_err(io::Error::other)?;
        let transaction = self.reader.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (number, before) = last(&transaction)?;
        let mut statement =
            Statement { number: number + 1, at: at.as_millisecond(), kind: topic.as_str().to_owned(), body, link: Vec::new(), signature: Vec::new() };
        statement.link = statement.link_after(&before).to_vec();
        let signature = self.key.sign(&statement.link);
        transaction.execute(
            "INSERT INTO statements VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![signed(statement.number), statement.at, statement.kind, statement.body, statement.link, signature],
        )?;
        change(&transaction)?;
        transaction.commit()?;
        Ok(statement.number)
    }

    /// Writes what is in the write-ahead log into the file and empties it: pages there may hold what was taken out of a statement. While another
    /// program reads it stays, until the last who has the journal open closes it.
    pub(super) fn empty_wal(&self) -> Result<(), JournalError> {
        Ok(self.reader.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// The same journal, to read.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }
}

/// Makes the tables in a new file.
fn begin(connection: &mut Connection) -> Result<(), JournalError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match form(&transaction)? {
        FORM => return Ok(()),
        0 => {}
        other => return Err(JournalError::Form(other)),
    }
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", FORM)?;
    Ok(transaction.commit()?)
}

fn form(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Number and link of the last statement.
fn last(connection: &Connection) -> rusqlite::Result<(u64, Vec<u8>)> {
    let last = connection
        .query_row("SELECT number, link FROM statements ORDER BY number DESC LIMIT 1", [], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))
        .optional()?;
    Ok(last.unwrap_or((0, BEFORE_ALL.to_vec())))
}

/// Adds a segment to those that are there.
pub(super) fn add_segment(transaction: &Transaction<'_>, note: &SegmentNote) -> rusqlite::Result<()> {
    let row = params![
        note.file,
        note.class,
        signed(note.ids.0),
        signed(note.ids.1),
        signed(note.lives.0),
        signed(note.lives.1),
        signed(note.rows),
        signed(note.skew_ms),
        signed(note.bytes),
        note.digest
    ];
    transaction.execute("INSERT INTO segments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", row).map(drop)
}

/// Takes a segment out of those that are there; an error if it is not: then somebody else has replaced it, and what was made of it is of no use.
pub(super) fn remove_segment(transaction: &Transaction<'_>, file: &str) -> rusqlite::Result<()> {
    match transaction.execute("DELETE FROM segments WHERE file = ?1", [file])? {
        0 => Err(rusqlite::Error::QueryReturnedNoRows),
        _ => Ok(()),
    }
}

impl Reader {
    /// Opens the journal of a folder.
    pub fn open(folder: &Folder) -> Result<Self, JournalError> {
        let connection = Connection::open_with_flags(folder.journal(), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        match form(&connection)? {
            FORM => Ok(Self { connection }),
            other => Err(JournalError::Form(other)),
        }
    }

    /// The key that signs now.
    pub fn key(&self) -> Result<Option<PublicKey>, JournalError> {
        let newest = self.newest(Topic::Key, 1)?;
        Ok(newest.first().and_then(|statement| PublicKey::parse(&statement.read::<KeyBody>()?.public)))
    }

    /// The newest statements about a topic, newest first.
    pub fn newest(&self, topic: Topic, limit: u32) -> Result<Vec<Statement>, JournalError> {
        self.select("WHERE kind = ?1 ORDER BY number DESC LIMIT ?2", params![topic.as_str(), limit])
    }

    /// All statements about a topic after this number, oldest first.
    pub fn about(&self, topic: Topic, after: u64) -> Result<Vec<Statement>, JournalError> {
        self.select("WHERE kind = ?1 AND number > ?2 ORDER BY number", params![topic.as_str(), signed(after)])
    }

    /// Statements about a topic after this number, oldest first, at most so many.
    pub fn about_some(&self, topic: Topic, after: u64, limit: u32) -> Result<Vec<Statement>, JournalError> {
        self.select("WHERE kind = ?1 AND number > ?2 ORDER BY number LIMIT ?3", params![topic.as_str(), signed(after), limit])
    }

    /// Statements after this number, oldest first, at most so many.
    pub fn after(&self, number: u64, limit: u32) -> Result<Vec<Statement>, JournalError> {
        self.select("WHERE number > ?1 ORDER BY number LIMIT ?2", params![signed(number), limit])
    }

    fn select(&self, rest: &str, values: impl rusqlite::Params) -> Result<Vec<Statement>, JournalError> {
        let mut statement = self.connection.prepare_cached(&format!("SELECT number, at, kind, body, link, signature FROM statements {rest}"))?;
        let rows = statement.query_map(values, read_statement)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The segments that are there, those with the newest records first.
    pub fn parts(&self) -> Result<Vec<Part>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT file, class, first, last, first_live, last_live, rows, skew_ms, bytes, digest FROM segments ORDER BY last DESC, file")?;
        let rows = statement.query_map([], read_part)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The greatest number of a live file that is sealed; 0 before the first.
    pub fn last_sealed(&self) -> Result<u64, JournalError> {
        let newest = self.newest(Topic::Sealed, 1)?;
        Ok(newest.first().and_then(Statement::read::<Sealed>).map_or(0, |sealed| sealed.live))
    }
}

fn read_statement(row: &Row<'_>) -> rusqlite::Result<Statement> {
    Ok(Statement {
        number: row.get::<_, i64>(0)?.unsigned_abs(),
        at: row.get(1)?,
        kind: row.get(2)?,
        body: row.get(3)?,
        link: row.get(4)?,
        signature: row.get(5)?,
    })
}

fn read_part(row: &Row<'_>) -> rusqlite::Result<Part> {
    let number = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let name: String = row.get(1)?;
    let class = Class::NAMES.iter().find(|(known, _)| *known == name).map_or(Class::Visit, |(_, class)| *class);
    Ok(Part {
        file: row.get(0)?,
        class,
        ids: (RecordId(number(2)?), RecordId(number(3)?)),
        lives: (number(4)?, number(5)?),
        rows: number(6)?,
        skew_ms: number(7)?,
        bytes: number(8)?,
        digest: row.get(9)?,
    })
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_chained_and_signed_whoever_adds_them() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        let mut one = Journal::open(&folder).expect("made");
        let mut two = Journal::open(&folder).expect("opened beside it");
        for n in 0..20 {
            let journal = if n % 3 == 0 { &mut one } else { &mut two };
            journal.state(Timestamp::now(), Topic::Looked, &n).expect("stated");
        }
        let reader = Reader::open(&folder).expect("read");
        let statements = reader.after(0, 100).expect("read");
        assert_eq!(statements.len(), 21, "with the one that names the key");
        let mut before = BEFORE_ALL.to_vec();
        for (number, statement) in (1..).zip(&statements) {
            assert_eq!(statement.number, number);
            assert_eq!(statement.link, statement.link_after(&before));
            assert!(one.public_key().signed(&statement.link, &statement.signature));
            before.clone_from(&statement.link);
        }
        assert_eq!(reader.key().expect("read"), Some(one.public_key()));
        assert_eq!(reader.newest(Topic::Looked, 1).expect("read")[0].body, "19");
        assert_eq!(reader.about(Topic::Looked, 20).expect("read").len(), 1);
    }

    #[test]
    fn a_new_key_is_named_before_it_signs() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        drop(Journal::open(&folder).expect("made"));
        let other = folder.clone().with_key(place.path().join("other"));
        let mut journal = Journal::open(&other).expect("opened");
        journal.state(Timestamp::now(), Topic::Event, &"x").expect("stated");
        let reader = Reader::open(&other).expect("read");
        assert_eq!(reader.key().expect("read"), Some(journal.public_key()));
        assert_eq!(reader.about(Topic::Key, 0).expect("read").len(), 2);
    }
}
