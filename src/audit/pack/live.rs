//! The live files: records that are not sealed yet, as they were when a checkpoint was made.
//!
//! A checkpoint is made first and then the files are read, so that all that is read up to its heads is in it. What came later is left out: a record
//! that ended after the checkpoint is in the pack as one that was not over.

use super::gather::Body;
use super::make::PackError;
use super::stretch::Stretch;
use crate::audit::chain::{Head, Heads};
use crate::audit::checkpoint::{self, Checkpoint};
use crate::audit::entry::{self, Digest};
use crate::audit::folder::Folder;
use crate::audit::journal::{Journal, Part};
use crate::audit::live::{self, LiveError, bytes, digest};
use crate::audit::record::{Class, RecordId};
use crate::audit::segment::{BatchNote, native_from};
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap};

/// The log at one moment.
pub(super) struct Moment {
    /// The sealed segments.
    pub(super) parts: Vec<Part>,
    /// The live files after them, the newest first.
    pub(super) live: Vec<LiveFile>,
    /// How far the chains had come; nothing if all is sealed.
    pub(super) checkpoint: Option<Checkpoint>,
}

impl Moment {
    /// Now. A live file may be sealed and gone between a look at the journal and at the folder: then it is looked again.
    pub(super) fn now(folder: &Folder, journal: &mut Journal, now: Timestamp) -> Result<Self, PackError> {
        loop {
            let sealed = journal.reader().last_sealed()?;
            let any_live = folder.lives()?.last().is_some_and(|newest| *newest > sealed);
            let checkpoint = if any_live { checkpoint::make(folder, journal, now)? } else { None };
            let live = open_all(folder, sealed);
            let parts = journal.reader().parts()?;
            if journal.reader().last_sealed()? == sealed {
                return Ok(Self { parts, live: live?, checkpoint });
            }
        }
    }

    /// The heads that the checkpoint signs.
    pub(super) fn heads(&self) -> Heads {
        let mut heads = Heads::default();
        self.checkpoint.iter().flat_map(Checkpoint::heads).for_each(|(class, head)| heads.set(class, head));
        heads
    }

    /// The chain of a class through the live files, up to this batch; nothing if there is no live file.
    pub(super) fn tape(&self, class: Class, head: u64) -> Result<Option<Tape>, LiveError> {
        let (mut tape, mut hashes) = (None, Vec::new());
        for file in self.live.iter().rev() {
            tape = tape.or(file.start(class)?);
            hashes.extend(file.batches(class, head)?.into_iter().map(|batch| batch.hash));
        }
        Ok(tape.map(|start| Tape::new(start, hashes)))
    }
}

/// A stretch of the chain of a class, batch by batch.
pub(super) struct Tape {
    hashes: Vec<Digest>,
    /// The head before the first batch, and that after each.
    heads: Vec<Head>,
}

impl Tape {
    fn new(start: Head, hashes: Vec<Digest>) -> Self {
        let mut heads = vec![start];
        heads.extend(hashes.iter().scan(start, |head, hash| {
            *head = head.after(hash);
            Some(*head)
        }));
        Self { hashes, heads }
    }

    fn place(&self, number: u64) -> Option<usize> {
        let place = usize::try_from(number.checked_sub(self.heads.first()?.number)?).ok()?;
        (place < self.heads.len()).then_some(place)
    }

    /// Whether a batch is on it.
    pub(super) fn holds(&self, number: u64) -> bool {
        self.place(number).is_some_and(|place| place > 0)
    }

    /// Whether a head is on it, with this very link.
    pub(super) fn leads_to(&self, head: &Head) -> bool {
        self.place(head.number).is_some_and(|place| self.heads[place] == *head)
    }

    /// The head before a batch, and the hashes from that batch on to another.
    pub(super) fn between(&self, first: u64, last: u64) -> Option<(Head, Vec<Digest>)> {
        let (before, end) = (self.place(first.checked_sub(1)?)?, self.place(last)?);
        Some((self.heads[before], self.hashes.get(before..end)?.to_vec()))
    }
}

fn open_all(folder: &Folder, sealed: u64) -> Result<Vec<LiveFile>, LiveError> {
    let mut files = Vec::new();
    for number in folder.lives()?.into_iter().rev().filter(|number| *number > sealed) {
        match live::open_read_only(&folder.live(number)) {
            Ok(connection) => {
                // One view of the file, however much is written meanwhile.
                connection.execute_batch("BEGIN")?;
                connection.query_row("SELECT count(*) FROM start", [], |_| Ok(()))?;
                files.push(LiveFile { number, connection });
            }
            // It is being made.
            Err(LiveError::Form(0)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

/// A live file.
pub(super) struct LiveFile {
    pub(super) number: u64,
    connection: Connection,
}

/// A batch as it was stored.
struct Stored {
    number: u64,
    note: BatchNote,
    hash: Digest,
}

impl LiveFile {
    fn start(&self, class: Class) -> rusqlite::Result<Option<Head>> {
        let mut statement = self.connection.prepare("SELECT number, link FROM start WHERE class = ?1")?;
        let mut rows = statement.query_map([class.code()], |row| Ok(Head { number: row.get::<_, i64>(0)?.unsigned_abs(), link: digest(row, 1)? }))?;
        rows.next().transpose()
    }

    /// The batches of a class, up to this one.
    fn batches(&self, class: Class, head: u64) -> rusqlite::Result<Vec<Stored>> {
        let mut statement =
            self.connection.prepare("SELECT number, first, opened, closed, hash FROM batches WHERE class = ?1 AND number <= ?2 ORDER BY number")?;
        let rows = statement.query_map((class.code(), live::signed(head)), |row| {
            let hash = digest(row, 4)?;
            let [a, b, c, d, ..] = hash;
            let first = row.get::<_, Option<i64>>(1)?.map(|id| RecordId(id.unsigned_abs()));
            let note = BatchNote { first, opened: row.get(2)?, closed: row.get(3)?, check: [a, b, c, d] };
            Ok(Stored { number: row.get::<_, i64>(0)?.unsigned_abs(), note, hash })
        })?;
        rows.collect()
    }

    /// The batches of a class up to this one, with the leaves of all that is in them.
    pub(super) fn stretch(&self, class: Class, head: u64) -> rusqlite::Result<Stretch> {
        let stored = self.batches(class, head)?;
        let shared = self.digests()?;
        let (numbers, notes): (Vec<_>, Vec<_>) = stored.into_iter().map(|batch| (batch.number, batch.note)).unzip();
        let native_from = native_from(&notes);
        let mut stretch = Stretch { class, numbers, notes, opened: Vec::new(), closed: Vec::new() };
        let mut statement = self.connection.prepare("SELECT id, who, judgement, body FROM opened WHERE class = ?1 AND id >= ?2 ORDER BY id")?;
        let mut rows = statement.query((class.code(), live::signed(native_from.0)))?;
        while let Some(row) = rows.next()? {
            let id = RecordId(row.get::<_, i64>(0)?.unsigned_abs());
            let digest = |number: i64| shared.get(&number).copied().unwrap_or_default();
            let (who, judgement) = (digest(row.get(1)?), digest(row.get(2)?));
            stretch.opened.push((id, entry::opened_leaf(id, class, &who, &judgement, bytes(row, 3)?)));
        }
        let mut statement = self.connection.prepare("SELECT id, batch, body FROM closed WHERE class = ?1 AND batch <= ?2")?;
        let mut rows = statement.query((class.code(), live::signed(head)))?;
        while let Some(row) = rows.next()? {
            let id = RecordId(row.get::<_, i64>(0)?.unsigned_abs());
            stretch.closed.push((row.get::<_, i64>(1)?.unsigned_abs(), id, entry::closed_leaf(id, bytes(row, 2)?)));
        }
        Ok(stretch)
    }

    fn digests(&self) -> rusqlite::Result<HashMap<i64, Digest>> {
        let mut statement = self.connection.prepare("SELECT id, body FROM shared")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, entry::shared_digest(bytes(row, 1)?))))?;
        rows.collect()
    }

    /// The canonical bytes of those of these records that are in it, without their endings.
    pub(super) fn bodies(&self, wanted: &BTreeSet<RecordId>) -> rusqlite::Result<Vec<(RecordId, Body)>> {
        let mut statement = self.connection.prepare(
            "SELECT o.class, w.body, j.body, o.body FROM opened o JOIN shared w ON w.id = o.who JOIN shared j ON j.id = o.judgement WHERE o.id = ?1",
        )?;
        let mut bodies = Vec::new();
        for id in wanted {
            let mut rows = statement.query([live::signed(id.0)])?;
            let Some(row) = rows.next()? else { continue };
            let Some(class) = Class::from_code(row.get(0)?) else { continue };
            let [who, judgement, opened] = [bytes(row, 1)?.to_vec(), bytes(row, 2)?.to_vec(), bytes(row, 3)?.to_vec()];
            bodies.push((*id, Body { class, who, judgement, opened, closed: None }));
        }
        Ok(bodies)
    }

    /// The canonical bytes of the endings of these records, as far as they are in it and in batches up to these.
    pub(super) fn endings(&self, wanted: &BTreeSet<RecordId>, heads: &Heads) -> rusqlite::Result<Vec<(RecordId, Vec<u8>)>> {
        let mut statement = self.connection.prepare("SELECT class, batch, body FROM closed WHERE id = ?1")?;
        let mut endings = Vec::new();
        for id in wanted {
            let mut rows = statement.query([live::signed(id.0)])?;
            let Some(row) = rows.next()? else { continue };
            let Some(class) = Class::from_code(row.get(0)?) else { continue };
            if row.get::<_, i64>(1)?.unsigned_abs() <= heads.of(class).number {
                endings.push((*id, bytes(row, 2)?.to_vec()));
            }
        }
        Ok(endings)
    }
}
