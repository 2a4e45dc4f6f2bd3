//! From a live file to sealed segments, one a class.
//!
//! A record that is open still when its file is full was carried over to the next file and is sealed with that; here its leaf is kept as a gap. One
//! that was open when Usher was stopped is sealed as it is. Batches are taken as they were committed, not made anew: what was altered in the live
//! file stays visible.

use super::chain::{self, Head};
use super::entry::{self, Decoder, Digest, NotAnEntry};
use super::folder::Folder;
use super::journal::SegmentNote;
use super::live::{self, LiveError};
use super::record::{Class, RecordId};
use super::segment::dictionary::persons;
use super::segment::gather::Gathered;
use super::segment::write::Chained;
use super::segment::{BatchNote, Directory, Ending, Gap, Line, Missing, Rows, SegmentWriter, native_from};
use crate::files;
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Why a live file cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It cannot be opened.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// It cannot be read.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A segment cannot be written.
    #[error("a segment cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// What was made of a live file.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) segments: Vec<SegmentNote>,
    /// Records that could not be read: somebody altered the file.
    pub(super) unreadable: Vec<RecordId>,
}

/// Writes the segments of a live file. Nothing is removed.
pub(super) fn seal(folder: &Folder, number: u64) -> Result<Made, SealError> {
    let connection = live::open_read_only(&folder.live(number))?;
    let carried = carried(folder, number, &connection)?;
    let shared = shared(&connection)?;
    let mut made = Made { segments: Vec::new(), unreadable: Vec::new() };
    for (_, class) in Class::NAMES {
        let batches = Batches::read(&connection, class)?;
        let mut read = Read::default();
        read.read(&connection, &Sources { class, carried: &carried, shared: &shared, native_from: native_from(&batches.notes) }, &mut made.unreadable)?;
        if read.rows.len() == 0 && batches.notes.is_empty() {
            continue;
        }
        let chained = Chained {
            before: batches.before,
            after: batches.after,
            root: chain::root(&batches.hashes),
            batches: batches.notes,
            gaps: std::mem::take(&mut read.gaps),
            twigs: Vec::new(),
        };
        let name = Folder::segment_name(class, (number, number));
        made.segments.push(written(folder, name, |out| read.write(out, class, number, &chained))?);
    }
    Ok(made)
}

/// Where a segment's bytes go.
pub(super) type Out<'f> = BufWriter<&'f mut File>;

/// Writes a segment's file, whole or not at all. Returns how the journal names it.
pub(super) fn written(folder: &Folder, name: String, write: impl FnOnce(Out<'_>) -> io::Result<(Out<'_>, Directory, Digest)>) -> io::Result<SegmentNote> {
    let path = folder.sealed().join(&name);
    let mut made = None;
    files::replace_with(&path, |file| {
        let (mut out, directory, digest) = write(BufWriter::with_capacity(1 << 20, file))?;
        out.flush()?;
        made = Some((directory, digest));
        Ok(())
    })?;
    let (directory, digest) = made.ok_or_else(|| io::Error::other("nothing was written"))?;
    Ok(SegmentNote::of(name, &directory, &digest, path.metadata()?.len()))
}

/// The records that were carried over to the next file.
fn carried(folder: &Folder, number: u64, connection: &Connection) -> Result<HashSet<u64>, SealError> {
    let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM opened", [], |row| row.get(0))?;
    let path = folder.live(number + 1);
    if !path.exists() {
        return Ok(HashSet::new());
    }
    let next = live::open_read_only(&path)?;
    let mut statement = next.prepare("SELECT id FROM opened WHERE id <= ?1")?;
    let ids = statement.query_map([last], |row| row.get::<_, i64>(0).map(i64::unsigned_abs))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// What requests share, by the number it has in the file.
fn shared(connection: &Connection) -> Result<HashMap<i64, Vec<u8>>, SealError> {
    let mut statement = connection.prepare("SELECT id, body FROM shared")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, live::bytes(row, 1)?.to_vec())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The batches of a class, as they were committed.
struct Batches {
    before: Head,
    after: Head,
    notes: Vec<BatchNote>,
    hashes: Vec<Digest>,
}

impl Batches {
    fn read(connection: &Connection, class: Class) -> Result<Self, SealError> {
        let head = |row: &rusqlite::Row<'_>| Ok(Head { number: row.get::<_, i64>(0)?.unsigned_abs(), link: live::digest(row, 1)? });
        let before = connection.query_row("SELECT number, link FROM start WHERE class = ?1", [class.code()], head)?;
        let mut batches = Self { before, after: before, notes: Vec::new(), hashes: Vec::new() };
        let mut statement = connection.prepare("SELECT number, link, first, opened, closed, hash FROM batches WHERE class = ?1 ORDER BY id")?;
        let mut rows = statement.query([class.code()])?;
        while let Some(row) = rows.next()? {
            let hash = live::digest(row, 5)?;
            let first = row.get::<_, Option<i64>>(2)?.map(|id| RecordId(id.unsigned_abs()));
            let [check, ..] = hash.as_chunks().0 else { continue };
            batches.notes.push(BatchNote { first, opened: row.get(3)?, closed: row.get(4)?, check: *check });
            batches.hashes.push(hash);
            batches.after = head(row)?;
        }
        Ok(batches)
    }
}

/// The first bytes of the hash over a record's leaves.
pub(super) fn check(opened: &Digest, closed: Option<&Digest>) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(opened);
    if let Some(closed) = closed {
        hasher.update(closed);
    }
    let mut check = [0; 4];
    check.copy_from_slice(&hasher.finalize().as_bytes()[..4]);
    check
}

/// What rows are read from.
struct Sources<'a> {
    class: Class,
    carried: &'a HashSet<u64>,
    shared: &'a HashMap<i64, Vec<u8>>,
    native_from: RecordId,
}

/// What is read of a class.
#[derive(Default)]
struct Read {
    rows: Rows,
    shared: Gathered,
    gaps: Vec<Gap>,
    digests: HashMap<i64, Digest>,
}

impl Read {
    fn read(&mut self, connection: &Connection, from: &Sources<'_>, unreadable: &mut Vec<RecordId>) -> Result<(), SealError> {
        let mut statement = connection.prepare(
            "SELECT o.id, o.who, o.judgement, o.body, c.batch, c.body FROM opened o LEFT JOIN closed c ON c.id = o.id WHERE o.class = ?1 ORDER BY o.id",
        )?;
        let mut rows = statement.query([from.class.code()])?;
        while let Some(row) = rows.next()? {
            let id = RecordId(row.get::<_, i64>(0)?.unsigned_abs());
            let (who, judgement): (i64, i64) = (row.get(1)?, row.get(2)?);
            let closed = match row.get::<_, Option<i64>>(4)? {
                Some(batch) => Some((batch.unsigned_abs(), live::bytes(row, 5)?)),
                None => None,
            };
            let body = live::bytes(row, 3)?;
            if self.add(from, id, (who, judgement), body, closed).is_err() {
                unreadable.push(id);
            }
        }
        Ok(())
    }

    fn add(&mut self, from: &Sources<'_>, id: RecordId, shared: (i64, i64), body: &[u8], closed: Option<(u64, &[u8])>) -> Result<(), NotAnEntry> {
        let who = from.shared.get(&shared.0).ok_or(NotAnEntry)?;
        let judgement = from.shared.get(&shared.1).ok_or(NotAnEntry)?;
        let mut digest = |number, body: &[u8]| *self.digests.entry(number).or_insert_with(|| entry::shared_digest(body));
        let leaf = entry::opened_leaf(id, from.class, &digest(shared.0, who), &digest(shared.1, judgement), body);
        if closed.is_none() && from.carried.contains(&id.0) {
            if id >= from.native_from {
                self.gaps.push(Gap { id, why: Missing::Carried, opened: Some(leaf), closed: None });
            }
            return Ok(());
        }
        let opened = Decoder::new(body).opened()?;
        // That they read is looked at before any of it is kept.
        Decoder::new(who).who()?;
        Decoder::new(judgement).judgement()?;
        let ending = closed.map(|(batch, body)| Decoder::new(body).closed().map(|closed| (batch, closed))).transpose()?;
        let mut shape = entry::Encoder::default();
        shape.shape(&opened.shape);
        let shared = &mut self.shared;
        let line = Line {
            id,
            time_ms: opened.time_ms,
            who: shared.whos.number(who.as_slice()),
            host: shared.hosts.number(opened.host),
            judgement: shared.judgements.number(judgement.as_slice()),
            shape: shared.shapes.number(shape.0.as_slice()),
            path: opened.path,
            referrer: opened.referrer.map(|referrer| shared.hosts.number(referrer)),
            cause: opened.cause,
            term: opened.term,
            ending: ending.map(|(batch, closed)| Ending {
                batch,
                outcome: closed.outcome,
                status: closed.status,
                bytes_up: closed.bytes_up,
                bytes_down: closed.bytes_down,
                duration_us: closed.duration_us,
                upstream: closed.upstream.map(|upstream| shared.texts.number(upstream)),
                note: closed.note.map(|note| shared.texts.number(note)),
            }),
            check: check(&leaf, closed.map(|(_, body)| entry::closed_leaf(id, body)).as_ref()),
        };
        self.rows.push(&line);
        Ok(())
    }

    fn write<W: Write>(self, out: W, class: Class, number: u64, chained: &Chained) -> io::Result<(W, Directory, Digest)> {
        let (dictionaries, places) = self.shared.sorted();
        let persons = persons(&dictionaries.whos);
        let person = |line: &Line<'_>| persons.get(places.of(*line).who as usize).copied().unwrap_or_default();
        let mut order: Vec<_> = self.rows.iter().enumerate().map(|(place, line)| (person(&line), line.id, place)).collect();
        order.sort_unstable();
        let mut segment = SegmentWriter::new(out, &dictionaries)?;
        for line in order.into_iter().filter_map(|(_, _, place)| self.rows.get(place)) {
            segment.push(&places.of(line))?;
        }
        segment.finish(class, (number, number), chained)
    }
}
