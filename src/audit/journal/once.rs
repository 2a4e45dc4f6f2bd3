//! Statements that are made only if: once whoever makes them, or while what was stated before allows them; and what statements said, taken out.
//!
//! All of it is one transaction with the statement, so that of two programs that would say the same one does.

use super::{Journal, JournalError, Reader, Statement, Topic, read_statement, signed};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is stated once only. Made when the first such statement is: an earlier version does without.
const KEYS: &str = "CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, statement INTEGER NOT NULL) WITHOUT ROWID";

impl Journal {
    /// Adds a statement unless there is one with this key, whoever stated it. Returns its number, or nothing.
    pub fn state_once(&mut self, at: Timestamp, topic: Topic, key: &str, body: &impl Serialize) -> Result<Option<u64>, JournalError> {
        let stated = self.state_and(at, topic, body, |transaction| {
            transaction.execute_batch(KEYS)?;
            transaction.execute("INSERT INTO keys SELECT ?1, max(number) FROM statements", [key]).map(drop)
        });
        match stated {
            Ok(number) => Ok(Some(number)),
            Err(JournalError::Sqlite(rusqlite::Error::SqliteFailure(failure, _))) if failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Adds a statement if what was stated before it says so: asked and stated in one. Nothing, if it says no.
    pub(in crate::audit) fn state_if(
        &mut self,
        at: Timestamp,
        topic: Topic,
        body: &impl Serialize,
        may: impl FnOnce(&Before<'_, '_>) -> rusqlite::Result<bool>,
    ) -> Result<Option<u64>, JournalError> {
        let mut is_refused = false;
        let stated = self.state_and(at, topic, body, |transaction| match may(&Before(transaction))? {
            true => Ok(()),
            false => {
                is_refused = true;
                Err(rusqlite::Error::QueryReturnedNoRows)
            }
        });
        match stated {
            Err(_) if is_refused => Ok(None),
            other => other.map(Some),
        }
    }
}

/// What was stated before a statement that is about to be.
pub(in crate::audit) struct Before<'t, 'c>(&'t Transaction<'c>);

impl Before<'_, '_> {
    /// Statements about alerts after this number, oldest first.
    pub(in crate::audit) fn alerts_after(&self, number: u64) -> rusqlite::Result<Vec<Statement>> {
        // The last is the one that is about to be.
        let select = "SELECT number, at, kind, body, link, signature FROM statements \
                      WHERE kind = ?1 AND number > ?2 AND number < (SELECT max(number) FROM statements) ORDER BY number";
        self.0.prepare(select)?.query_map(params![Topic::Alert.as_str(), signed(number)], read_statement)?.collect()
    }

    /// Whether a statement is there and was not emptied.
    pub(in crate::audit) fn says_something(&self, number: u64) -> rusqlite::Result<bool> {
        let body: Option<String> = self.0.query_row("SELECT body FROM statements WHERE number = ?1", [signed(number)], |row| row.get(0)).optional()?;
        Ok(body.is_some_and(|body| !body.is_empty()))
    }
}

/// Takes out what these statements say; their links and signatures stay, and a statement that is made with it says which they are. What was stated once
/// only is not held to it any more.
pub(in crate::audit) fn empty(change: &Transaction<'_>, numbers: &[u64]) -> rusqlite::Result<()> {
    let mut statement = change.prepare_cached("UPDATE statements SET body = '' WHERE number = ?1")?;
    for number in numbers {
        statement.execute([signed(*number)])?;
    }
    change.execute_batch(KEYS)?;
    change.execute("DELETE FROM keys WHERE statement IN (SELECT number FROM statements WHERE kind = ?1 AND body = '')", [Topic::Alert.as_str()]).map(drop)
}

impl Reader {
    /// What was stated once only, by its key, with the number of its statement.
    pub(in crate::audit) fn keys(&self) -> Result<BTreeMap<String, u64>, JournalError> {
        let is_there: bool = self.connection.query_row("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'keys'", [], |row| row.get(0))?;
        if !is_there {
            return Ok(BTreeMap::new());
        }
        let mut statement = self.connection.prepare_cached("SELECT key, statement FROM keys")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Folder;

    #[test]
    fn what_has_a_key_is_stated_once_whoever_states_it() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        let mut one = Journal::open(&folder).expect("made");
        let mut two = Journal::open(&folder).expect("opened beside it");
        let state = |journal: &mut Journal, key: &str| journal.state_once(Timestamp::now(), Topic::Alert, key, &key).expect("stated");
        assert_eq!([state(&mut one, "a"), state(&mut two, "a"), state(&mut one, "b"), state(&mut one, "a")], [Some(2), None, Some(3), None]);
        assert_eq!(one.reader().about(Topic::Alert, 0).expect("read").len(), 2);
    }
}
