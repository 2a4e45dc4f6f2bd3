//! One sealed segment: its bytes, its records, its batches, its root.

use super::batches::{self, Entries};
use super::{Problem, Verifier, head_of, is};
use crate::audit::chain;
use crate::audit::entry::{self, Closed, Decoder, Digest, Encoder, Judgement, Opened, Who};
use crate::audit::journal::SegmentNote;
use crate::audit::record::{Class, RecordId};
use crate::audit::seal::check;
use crate::audit::segment::columns::Group;
use crate::audit::segment::dictionary::Hosts;
use crate::audit::segment::{Missing, Segment, SegmentError};
use crate::audit::twigs::Tree;
use std::sync::Arc;

/// How far the time of a record may be before its id until it is told.
const CLOCK_SLACK_MS: u64 = 2000;

/// The dictionaries of a segment, with the digests that leaves hold.
pub(in crate::audit) struct Shared {
    pub(in crate::audit) whos: Vec<Digest>,
    pub(in crate::audit) judgements: Vec<Digest>,
    shapes: Arc<Vec<Box<[u8]>>>,
    texts: Arc<Vec<Box<str>>>,
    hosts: Arc<Hosts>,
}

impl Shared {
    pub(in crate::audit) fn read(segment: &Segment) -> Result<Self, SegmentError> {
        let digest = |bytes: Vec<u8>| entry::shared_digest(&bytes);
        Ok(Self {
            whos: segment.whos()?.rows.iter().map(Who::encoded).map(digest).collect(),
            judgements: segment.judgements()?.iter().map(Judgement::encoded).map(digest).collect(),
            shapes: segment.shapes()?,
            texts: segment.texts()?,
            hosts: segment.hosts()?,
        })
    }
}

/// A record by its leaves.
pub(in crate::audit) struct Leaves {
    pub(in crate::audit) id: RecordId,
    pub(in crate::audit) opened_leaf: Digest,
    /// The batch and leaf of its ending.
    pub(in crate::audit) closed: Option<(u64, Digest)>,
    pub(in crate::audit) time_ms: u64,
    /// As it is kept beside the record.
    pub(in crate::audit) check: [u8; 4],
}

/// The records of a chunk with their leaves.
pub(in crate::audit) fn leaves(segment: &Segment, shared: &Shared, number: usize) -> Result<Vec<Leaves>, SegmentError> {
    let chunk = segment.chunk(number);
    let (ids, whos, hosts, verdicts, endings) = (chunk.ids()?, chunk.whos()?, chunk.hosts()?, chunk.verdicts()?, chunk.endings()?);
    let (path_bytes, origin_bytes) = (chunk.group(Group::Path)?, chunk.group(Group::Origin)?);
    let (paths, origins) = (chunk.paths(&path_bytes)?, chunk.origins(&origin_bytes, &ids)?);
    let read = |row: usize| -> Option<Leaves> {
        let (origin, (judgement, shape)) = (origins[row], verdicts[row]);
        let host = shared.hosts.host(hosts[row])?;
        let referrer = origin.referrer.map(|referrer| shared.hosts.host(referrer).ok_or(())).transpose().ok()?;
        let shape = Decoder::new(shared.shapes.get(shape as usize)?).shape().ok()?;
        let opened =
            Opened { time_ms: origin.time_ms, shape, host: &host, path: paths[row], referrer: referrer.as_deref(), cause: origin.cause, term: origin.term };
        let mut bytes = Encoder::default();
        bytes.opened(&opened);
        let (who, of_judgement) = (shared.whos.get(whos[row] as usize)?, shared.judgements.get(judgement as usize)?);
        let opened_leaf = entry::opened_leaf(ids[row], segment.directory.class, who, of_judgement, &bytes.0);
        let text = |number: Option<u32>| number.and_then(|number| shared.texts.get(number as usize)).map(|text| &**text);
        let (ending, check) = endings[row];
        let closed = ending.map(|end| {
            let mut bytes = Encoder::default();
            bytes.closed(&Closed {
                status: end.status,
                outcome: end.outcome,
                bytes_up: end.bytes_up,
                bytes_down: end.bytes_down,
                duration_us: end.duration_us,
                upstream: text(end.upstream),
                note: text(end.note),
            });
            let leaf = entry::closed_leaf(ids[row], &bytes.0);
            (end.batch, leaf)
        });
        Some(Leaves { id: ids[row], opened_leaf, closed, time_ms: origin.time_ms, check })
    };
    (0..ids.len()).map(read).collect::<Option<_>>().ok_or(SegmentError::Damaged("a row names what is in no dictionary"))
}

impl Verifier<'_> {
    /// Looks at a segment that should be there.
    pub(super) fn segment(&mut self, class: Class, note: &SegmentNote, origin_is_gone: bool) {
        let between = (RecordId(note.ids.0), RecordId(note.ids.1));
        let path = self.folder.sealed().join(&note.file);
        if !path.exists() {
            self.found(Problem::Missing { file: note.file.clone(), rows: note.rows, between });
            return;
        }
        let segment = match Segment::open(&path) {
            Ok(segment) => segment,
            Err(error) => {
                self.found(Problem::Damaged { file: note.file.clone(), rows: note.rows, between, why: error.to_string() });
                return;
            }
        };
        if !is(&note.digest, &segment.digest) {
            self.found(Problem::Replaced { file: note.file.clone() });
        }
        if let Err(error) = segment.check().and_then(|()| self.records(class, note, &segment, origin_is_gone)) {
            self.found(Problem::Damaged { file: note.file.clone(), rows: note.rows, between, why: error.to_string() });
        }
        self.report.segments += 1;
    }

    fn records(&mut self, class: Class, note: &SegmentNote, segment: &Segment, origin_is_gone: bool) -> Result<(), SegmentError> {
        let (shared, notes) = (Shared::read(segment)?, segment.batches()?);
        let native_from = notes.iter().find_map(|batch| batch.first).unwrap_or(RecordId(u64::MAX));
        let mut entries = Entries::default();
        for gap in segment.gaps()? {
            if let Some(leaf) = gap.opened {
                entries.opened.push((gap.id, leaf));
                match gap.why {
                    Missing::Carried => drop(self.carried.insert(gap.id, leaf)),
                    Missing::Erased => self.report.gone += 1,
                }
            }
            entries.closed.extend(gap.closed.map(|(batch, leaf)| (batch, gap.id, leaf)));
        }
        let mut clock = None;
        for number in 0..segment.directory.chunks.len() {
            for record in leaves(segment, &shared, number)? {
                self.record(class, native_from, &record, &mut entries, origin_is_gone);
                clock = clock.or((record.id.unix_ms() > record.time_ms + CLOCK_SLACK_MS).then_some((record.id, record.time_ms)));
            }
        }
        self.report.records += segment.directory.rows;
        self.report.batches += notes.len() as u64;
        if let Some((id, time_ms)) = clock {
            self.clock(id, time_ms);
        }
        let Some(before) = head_of(&note.before) else { return Err(SegmentError::Damaged("its seal has no head")) };
        let twigs = segment.twigs()?;
        let count = usize::try_from(segment.directory.after.number.saturating_sub(before.number)).unwrap_or(usize::MAX);
        let places = Tree::places(count, &twigs);
        if places.len() != notes.len() {
            return Err(SegmentError::Damaged("batches are missing"));
        }
        let outcome = batches::hold(class, before, &notes, &places, entries);
        let told = !outcome.problems.is_empty() || self.report.problems.iter().any(|problem| matches!(problem, Problem::Altered { .. }));
        self.report.problems.extend(outcome.problems);
        if !twigs.is_empty() {
            // Most of it is purged; what is held is proven by the root alone.
            let hash = |place| places.binary_search(&place).ok().map(|known| outcome.hashes[known]);
            if !told && (Tree { count, twigs: &twigs, batch: &hash }).root().is_none_or(|root| !is(&note.root, &root)) {
                self.found(Problem::RootWrong { file: note.file.clone() });
            }
            return Ok(());
        }
        for head in &outcome.heads {
            for checkpoint in self.links.meet(class, head) {
                self.found(Problem::NotAsCheckpoint { checkpoint, what: format!("batch {} of class {}", head.number, class.as_str()) });
            }
        }
        let ends = outcome.heads.last().copied().unwrap_or(before);
        if !told && (head_of(&note.after) != Some(ends) || !is(&note.root, &chain::root(&outcome.hashes))) {
            self.found(Problem::RootWrong { file: note.file.clone() });
        }
        Ok(())
    }

    /// Looks at one record, and keeps its leaves for its batches.
    fn record(&mut self, class: Class, native_from: RecordId, record: &Leaves, entries: &mut Entries, origin_is_gone: bool) {
        let closed = record.closed.as_ref().map(|(_, leaf)| leaf);
        let mut altered = check(&record.opened_leaf, closed) != record.check;
        if record.id >= native_from {
            entries.opened.push((record.id, record.opened_leaf));
        } else {
            altered |= self.is_not_as_carried(record.id, &record.opened_leaf, origin_is_gone);
        }
        entries.closed.extend(record.closed.map(|(batch, leaf)| (batch, record.id, leaf)));
        if altered {
            entries.altered.insert(record.id);
            self.found(Problem::Altered { id: record.id, class });
        }
    }

    /// Whether a record that was carried over is another than when it was opened.
    fn is_not_as_carried(&mut self, id: RecordId, leaf: &Digest, origin_is_gone: bool) -> bool {
        self.carried.remove(&id).map_or(!origin_is_gone, |carried| carried != *leaf)
    }

    pub(super) fn clock(&mut self, id: RecordId, time_ms: u64) {
        let time = |ms: u64| jiff::Timestamp::from_millisecond(ms.cast_signed()).map_or_else(|_| ms.to_string(), |time| format!("{time:.3}"));
        self.report.remarks.push(format!("the clock was set back before record {id}: it was {} and then {}", time(id.unix_ms()), time(time_ms)));
    }
}
