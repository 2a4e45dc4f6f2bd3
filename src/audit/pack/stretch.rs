//! A stretch of the chain of one class: its batches, and the leaves that are in them. Pure.

use crate::audit::chain::batch_hash;
use crate::audit::entry::Digest;
use crate::audit::record::{Class, RecordId};
use crate::audit::segment::BatchNote;
use std::collections::BTreeSet;

/// A stretch, of a segment or of a live file.
pub(super) struct Stretch {
    pub(super) class: Class,
    /// The numbers of the batches that are there, ascending.
    pub(super) numbers: Vec<u64>,
    /// What is kept of each.
    pub(super) notes: Vec<BatchNote>,
    /// The leaves of what was opened in them.
    pub(super) opened: Vec<(RecordId, Digest)>,
    /// The leaves of what ended in them, with the batch.
    pub(super) closed: Vec<(u64, RecordId, Digest)>,
}

/// A batch with its leaves.
pub(super) struct Members<'s> {
    pub(super) class: Class,
    pub(super) number: u64,
    pub(super) hash: Digest,
    pub(super) opened: &'s [(RecordId, Digest)],
    pub(super) closed: &'s [(u64, RecordId, Digest)],
}

impl Stretch {
    /// The batches; nothing if the leaves are not those that were committed.
    pub(super) fn batches(&mut self) -> Option<Vec<Members<'_>>> {
        self.opened.sort_unstable_by_key(|(id, _)| *id);
        self.closed.sort_unstable_by_key(|(batch, id, _)| (*batch, *id));
        if self.numbers.len() != self.notes.len() {
            return None;
        }
        self.numbers.iter().zip(&self.notes).map(|(number, note)| self.members(*number, note)).collect()
    }

    fn members(&self, number: u64, note: &BatchNote) -> Option<Members<'_>> {
        let start = note.first.map_or(0, |first| self.opened.partition_point(|(id, _)| *id < first));
        let opened = self.opened.get(start..start.checked_add(note.opened as usize)?)?;
        let at = |number: u64| self.closed.partition_point(|(batch, ..)| *batch < number);
        let closed = &self.closed[at(number)..at(number + 1)];
        let leaves: Vec<_> = opened.iter().map(|(_, leaf)| *leaf).collect();
        let ends: Vec<_> = closed.iter().map(|(_, _, leaf)| *leaf).collect();
        let hash = batch_hash(self.class, number, &leaves, &ends);
        (hash[..4] == note.check).then_some(Members { class: self.class, number, hash, opened, closed })
    }
}

impl Members<'_> {
    /// Whether an entry of one of these records is in it.
    pub(super) fn holds_any(&self, wanted: &BTreeSet<RecordId>) -> bool {
        self.opened.iter().any(|(id, _)| wanted.contains(id)) || self.closed.iter().any(|(_, id, _)| wanted.contains(id))
    }
}
