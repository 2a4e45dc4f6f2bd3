//! The live files: from where the last seal ended to the newest record.

use super::batches::{self, Entries};
use super::{Problem, Verifier};
use crate::audit::chain::{Head, Heads};
use crate::audit::entry::{self, Digest};
use crate::audit::live::{self, LiveError};
use crate::audit::query::LogError;
use crate::audit::record::{Class, RecordId};
use crate::audit::segment::{BatchNote, native_from};
use rusqlite::Connection;
use std::collections::HashMap;

impl Verifier<'_> {
    /// Looks at the live files after the last that is sealed.
    pub(super) fn live(&mut self, sealed: u64, mut heads: Heads) -> Result<(), LogError> {
        let mut last = sealed;
        for number in self.folder.lives()?.into_iter().filter(|number| *number > sealed) {
            if number != last + 1 {
                self.found(Problem::LiveBroken { number: last + 1, why: "it is not there".to_owned() });
            }
            // What was open at the end of a file is in the next, or nobody was there to end it: Usher was stopped.
            self.open_before = std::mem::take(&mut self.open);
            match live::open_read_only(&self.folder.live(number)) {
                Ok(connection) => match self.live_file(number, &connection, heads, last == sealed) {
                    Ok(after) => heads = after,
                    Err(error) => self.found(Problem::LiveBroken { number, why: error.to_string() }),
                },
                Err(LiveError::Form(0)) => {}
                Err(error) => self.found(Problem::LiveBroken { number, why: error.to_string() }),
            }
            last = number;
        }
        Ok(())
    }

    fn live_file(&mut self, number: u64, connection: &Connection, heads: Heads, first: bool) -> Result<Heads, LogError> {
        // One view of the file, however much is written meanwhile.
        connection.execute_batch("BEGIN")?;
        let starts = starts(connection)?;
        let shared = shared(connection)?;
        let mut after = heads;
        let carried_in = self.carried.len() as u64;
        for (_, class) in Class::NAMES {
            let start = starts.get(&class.code()).copied();
            if start != Some(heads.of(class)) {
                let why = format!("its chain of class {} does not go on where the one before ended", class.as_str());
                self.found(Problem::LiveBroken { number, why });
            }
            let before = start.unwrap_or_else(|| heads.of(class));
            after.set(class, self.live_class(number, connection, class, before, &shared)?);
        }
        connection.execute_batch("COMMIT")?;
        if first {
            // Those that were open when the last file was sealed are in no segment.
            self.report.records += carried_in - self.carried.len() as u64;
        }
        Ok(after)
    }

    fn live_class(&mut self, number: u64, connection: &Connection, class: Class, before: Head, shared: &HashMap<i64, Digest>) -> Result<Head, LogError> {
        let (notes, stored) = notes(connection, class)?;
        if let Some(gone) = (before.number + 1..).zip(&stored).find(|(number, head)| *number != head.number).map(|(number, _)| number) {
            self.found(Problem::LiveBroken { number, why: format!("its batch {gone} of class {} is not there", class.as_str()) });
            return Ok(stored.last().copied().unwrap_or(before));
        }
        let native_from = native_from(&notes);
        let mut entries = Entries::default();
        self.openings(connection, class, native_from, shared, &mut entries)?;
        self.closings(connection, class, &mut entries)?;
        self.report.batches += notes.len() as u64;
        let outcome = batches::hold(class, before, &notes, &(0..notes.len()).collect::<Vec<_>>(), entries);
        let told = !outcome.problems.is_empty() || !self.report.problems.is_empty();
        self.report.problems.extend(outcome.problems);
        for (head, stored) in outcome.heads.iter().zip(&stored) {
            for checkpoint in self.links.meet(class, head) {
                self.found(Problem::NotAsCheckpoint { checkpoint, what: format!("batch {} of class {}", head.number, class.as_str()) });
            }
            if !told && head != stored {
                let why = format!("batch {} of class {} has another link than it should", stored.number, class.as_str());
                self.found(Problem::LiveBroken { number, why });
                break;
            }
        }
        // What was committed after an alteration goes on from what was stored.
        Ok(stored.last().copied().unwrap_or(before))
    }

    fn openings(
        &mut self,
        connection: &Connection,
        class: Class,
        native_from: RecordId,
        shared: &HashMap<i64, Digest>,
        entries: &mut Entries,
    ) -> Result<(), LogError> {
        let mut statement = connection.prepare("SELECT id, who, judgement, body, mark FROM opened WHERE class = ?1 ORDER BY id")?;
        let mut rows = statement.query([class.code()])?;
        while let Some(row) = rows.next()? {
            let id = RecordId(row.get::<_, i64>(0)?.unsigned_abs());
            let digest = |number: i64| shared.get(&number).copied().unwrap_or_default();
            let (who, judgement) = (digest(row.get(1)?), digest(row.get(2)?));
            let leaf = entry::opened_leaf(id, class, &who, &judgement, live::bytes(row, 3)?);
            let mut altered = live::mark(&leaf) != row.get::<_, u32>(4)?;
            if id >= native_from {
                entries.opened.push((id, leaf));
                self.report.records += 1;
            } else if let Some(carried) = self.carried.remove(&id).or_else(|| self.open_before.remove(&id)) {
                altered |= carried != leaf;
            } else {
                self.found(Problem::Inserted { class, ids: vec![id], count: 1 });
            }
            if altered {
                entries.altered.insert(id);
                self.found(Problem::Altered { id, class });
            }
            self.open.insert(id, leaf);
        }
        Ok(())
    }

    fn closings(&mut self, connection: &Connection, class: Class, entries: &mut Entries) -> Result<(), LogError> {
        let mut statement = connection.prepare("SELECT id, batch, body, mark FROM closed WHERE class = ?1")?;
        let mut rows = statement.query([class.code()])?;
        while let Some(row) = rows.next()? {
            let id = RecordId(row.get::<_, i64>(0)?.unsigned_abs());
            let leaf = entry::closed_leaf(id, live::bytes(row, 2)?);
            if live::mark(&leaf) != row.get::<_, u32>(3)? && entries.altered.insert(id) {
                self.found(Problem::Altered { id, class });
            }
            entries.closed.push((row.get::<_, i64>(1)?.unsigned_abs(), id, leaf));
            self.open.remove(&id);
        }
        Ok(())
    }
}

fn starts(connection: &Connection) -> rusqlite::Result<HashMap<u8, Head>> {
    let mut statement = connection.prepare("SELECT class, number, link FROM start")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, Head { number: row.get::<_, i64>(1)?.unsigned_abs(), link: live::digest(row, 2)? })))?;
    rows.collect()
}

fn shared(connection: &Connection) -> rusqlite::Result<HashMap<i64, Digest>> {
    let mut statement = connection.prepare("SELECT id, body FROM shared")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, entry::shared_digest(live::bytes(row, 1)?))))?;
    rows.collect()
}

/// The batches of a class, and the heads they were stored with.
fn notes(connection: &Connection, class: Class) -> rusqlite::Result<(Vec<BatchNote>, Vec<Head>)> {
    let mut statement = connection.prepare("SELECT first, opened, closed, hash, number, link FROM batches WHERE class = ?1 ORDER BY id")?;
    let rows = statement.query_map([class.code()], |row| {
        let hash = live::digest(row, 3)?;
        let [a, b, c, d, ..] = hash;
        let first = row.get::<_, Option<i64>>(0)?.map(|id| RecordId(id.unsigned_abs()));
        let note = BatchNote { first, opened: row.get(1)?, closed: row.get(2)?, check: [a, b, c, d] };
        Ok((note, Head { number: row.get::<_, i64>(4)?.unsigned_abs(), link: live::digest(row, 5)? }))
    })?;
    let both: Vec<_> = rows.collect::<Result<_, _>>()?;
    Ok(both.into_iter().unzip())
}
