//! The database's tables, and how an older one becomes this one.
//!
//! | table | a row |
//! | --- | --- |
//! | `opened` | a request, when it was judged |
//! | `closed` | the same request, when it was over |
//! | `who` | a person or device, as requests come from it |
//! | `decisions` | a verdict and its whole reason, as requests get it |
//! | `texts` | a host, method or other text that requests repeat |
//! | `events` | something that happened to Usher itself |
//!
//! `opened` and `closed` are only ever added to. The other three keep what thousands of requests share once, so that a request costs eleven numbers
//! and its path. `who` and `decisions` may hold the same row twice, as after a restart. SQLite is not asked to check references: a dozen look-ups
//! for each request would cost more than writing it.
//!
//! A new column: a new migration at the end of `MIGRATIONS`, never a change to one that was released.

use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another process that holds the database.
const BUSY: Duration = Duration::from_secs(5);
/// After how many pages of 4 KiB the write-ahead log is folded into the database.
const CHECKPOINT_PAGES: u32 = 4000;

/// Each step from one version to the next; `user_version` counts them.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE who (
        id INTEGER PRIMARY KEY,
        user TEXT,
        grp TEXT NOT NULL,
        source TEXT NOT NULL,
        confidence TEXT NOT NULL,
        client TEXT NOT NULL,
        agent TEXT
    );
    CREATE TABLE decisions (
        id INTEGER PRIMARY KEY,
        categories TEXT NOT NULL,
        verdict TEXT NOT NULL,
        reason TEXT NOT NULL,
        why TEXT NOT NULL,
        rule TEXT,
        list TEXT,
        line INTEGER,
        entry TEXT,
        snapshot TEXT NOT NULL
    );
    CREATE TABLE opened (
        id INTEGER PRIMARY KEY,
        time_ms INTEGER NOT NULL,
        who INTEGER NOT NULL,
        decision INTEGER NOT NULL,
        method INTEGER NOT NULL,
        scheme INTEGER NOT NULL,
        host INTEGER NOT NULL,
        port INTEGER NOT NULL,
        path TEXT NOT NULL,
        referrer INTEGER,
        fetch_dest INTEGER,
        fetch_mode INTEGER,
        fetch_user INTEGER
    );
    CREATE TABLE closed (
        id INTEGER PRIMARY KEY,
        status INTEGER NOT NULL,
        bytes_up INTEGER NOT NULL,
        bytes_down INTEGER NOT NULL,
        duration_us INTEGER NOT NULL,
        outcome INTEGER NOT NULL,
        upstream INTEGER,
        note TEXT
    );
",
    "
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        severity TEXT NOT NULL,
        text TEXT NOT NULL
    );
",
];
/// The version that brought `events`.
const WITH_EVENTS: usize = 2;

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// SQLite says no.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Written by a later Usher.
    #[error("the log was written by a newer version of Usher (format {found}, this one knows {known}); start that version")]
    Newer {
        /// Its format.
        found: usize,
        /// The newest format known here.
        known: usize,
    },
}

/// Opens the database to write, made and migrated if need be.
pub fn open(path: &Path, full_sync: bool) -> Result<Connection, SchemaError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if full_sync { "FULL" } else { "NORMAL" })?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    migrate(&mut connection)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Opens the database to read, as every command but `serve` does.
pub fn open_read_only(path: &Path) -> Result<Connection, SchemaError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    let found = version(&connection)?;
    if found > MIGRATIONS.len() {
        return Err(SchemaError::Newer { found, known: MIGRATIONS.len() });
    }
    Ok(connection)
}

/// Whether the database has a table of events: one that is only read is not migrated.
pub fn has_events(connection: &Connection) -> rusqlite::Result<bool> {
    version(connection).map(|version| version >= WITH_EVENTS)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).map(|version| version as usize)
}

fn migrate(connection: &mut Connection) -> Result<(), SchemaError> {
    let found = version(connection)?;
    if found > MIGRATIONS.len() {
        return Err(SchemaError::Newer { found, known: MIGRATIONS.len() });
    }
    for (number, step) in (1..).zip(MIGRATIONS).skip(found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A database as an earlier version left it.
    pub(in crate::audit) fn of_version(path: &Path, version: usize) {
        let connection = Connection::open(path).expect("made");
        for step in &MIGRATIONS[..version] {
            connection.execute_batch(step).expect("a step");
        }
        connection.pragma_update(None, "user_version", u32::try_from(version).expect("small")).expect("set");
    }

    #[test]
    fn a_new_database_is_made_and_a_newer_one_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.db");
        let connection = open(&path, false).expect("made");
        drop(open(&path, true).expect("opened again"));
        connection.pragma_update(None, "user_version", 99).expect("set");
        let error = open(&path, false).expect_err("newer").to_string();
        assert!(error.contains("newer version"), "{error}");
        assert!(open_read_only(&path).is_err());
    }
}
