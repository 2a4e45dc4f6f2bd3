//! One sealed segment: its bytes, its records, its batches, its root.

use super::batches::{self, Entries};
use super::{Problem, Verifier, head_of, is};
use crate::audit::chain;
use crate::audit::entry::Digest;
use crate::audit::journal::SegmentNote;
use crate::audit::record::{Class, RecordId};
use crate::audit::rewrite::{Leaves, Source};
use crate::audit::seal::check;
use crate::audit::segment::{Missing, Segment, SegmentError, native_from};
use crate::audit::twigs::Tree;

/// How far the time of a record may be before its id until it is told.
const CLOCK_SLACK_MS: u64 = 2000;

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
        if let Err(error) = segment.check().and_then(|()| self.records(class, note, segment, origin_is_gone)) {
            self.found(Problem::Damaged { file: note.file.clone(), rows: note.rows, between, why: error.to_string() });
        }
        self.report.segments += 1;
    }

    fn records(&mut self, class: Class, note: &SegmentNote, segment: Segment, origin_is_gone: bool) -> Result<(), SegmentError> {
        let source = Source::of(segment)?;
        let (segment, notes) = (&source.segment, source.segment.batches()?);
        let native_from = native_from(&notes);
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
        source.each(|record| {
            let (line, leaves) = (&record.line, record.leaves()?);
            self.record(class, native_from, &leaves, line.check, &mut entries, origin_is_gone);
            clock = clock.or((line.id.unix_ms() > line.time_ms + CLOCK_SLACK_MS).then_some((line.id, line.time_ms)));
            Ok(())
        })?;
        self.report.records += segment.directory.rows;
        self.report.batches += notes.len() as u64;
        if let Some((id, time_ms)) = clock {
            self.clock(id, time_ms);
        }
        let Some(before) = head_of(&note.before) else { return Err(SegmentError::Damaged("its seal has no head")) };
        let twigs = segment.twigs()?;
        let count = usize::try_from(segment.directory.after.number.saturating_sub(before.number)).unwrap_or(usize::MAX);
        let places = Tree::places(count, &twigs, notes.len()).ok_or(SegmentError::Damaged("batches are missing"))?;
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
    fn record(&mut self, class: Class, native_from: RecordId, record: &Leaves, kept: [u8; 4], entries: &mut Entries, origin_is_gone: bool) {
        let closed = record.closed.as_ref().map(|(_, leaf)| leaf);
        let mut altered = check(&record.opened, closed) != kept;
        if record.id >= native_from {
            entries.opened.push((record.id, record.opened));
        } else {
            altered |= self.is_not_as_carried(record.id, &record.opened, origin_is_gone);
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
