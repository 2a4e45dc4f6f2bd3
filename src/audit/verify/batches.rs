//! The entries of one class, held against the batches they were committed in.

use super::Problem;
use crate::audit::chain::{Head, batch_hash};
use crate::audit::entry::Digest;
use crate::audit::record::{Class, RecordId};
use crate::audit::segment::BatchNote;
use std::collections::HashSet;

/// What was found of a class in one file.
#[derive(Default)]
pub(super) struct Entries {
    /// The leaves of openings.
    pub(super) opened: Vec<(RecordId, Digest)>,
    /// The batches and leaves of closings.
    pub(super) closed: Vec<(u64, RecordId, Digest)>,
    /// Records that are known to be altered: their batches are not told again.
    pub(super) altered: HashSet<RecordId>,
}

/// What the batches came to.
pub(super) struct Outcome {
    pub(super) problems: Vec<Problem>,
    /// The hashes of the batches, made anew.
    pub(super) hashes: Vec<Digest>,
    /// The head after each.
    pub(super) heads: Vec<Head>,
}

/// Holds entries against batches. `before` is the head before the first; `places` are those of the batches after it, all of them unless some are
/// purged.
pub(super) fn hold(class: Class, before: Head, notes: &[BatchNote], places: &[usize], mut entries: Entries) -> Outcome {
    entries.opened.sort_unstable_by_key(|(id, _)| *id);
    entries.closed.sort_unstable_by_key(|(batch, id, _)| (*batch, *id));
    let mut holder = Holder { class, entries, opened: 0, closed: 0, problems: Vec::new() };
    let numbers: Vec<_> = places.iter().map(|place| before.number + 1 + *place as u64).collect();
    holder.before_all(&numbers);
    let (mut head, mut hashes, mut heads) = (before, Vec::with_capacity(notes.len()), Vec::with_capacity(notes.len()));
    let mut next_first = next_firsts(notes);
    for (place, (note, number)) in notes.iter().zip(&numbers).enumerate() {
        let hash = holder.batch(*number, note, std::mem::take(&mut next_first[place]));
        head = head.after(&hash);
        hashes.push(hash);
        heads.push(head);
    }
    holder.after_all();
    Outcome { problems: holder.problems, hashes, heads }
}

/// For each batch the first opening of a later one.
fn next_firsts(notes: &[BatchNote]) -> Vec<Option<RecordId>> {
    let mut next = None;
    let mut firsts: Vec<_> = notes
        .iter()
        .rev()
        .map(|note| {
            let found = next;
            next = note.first.or(next);
            found
        })
        .collect();
    firsts.reverse();
    firsts
}

struct Holder {
    class: Class,
    entries: Entries,
    /// How many of each were looked at.
    opened: usize,
    closed: usize,
    problems: Vec<Problem>,
}

impl Holder {
    /// Closings of batches that are not of this file.
    fn before_all(&mut self, numbers: &[u64]) {
        let (known, strange): (Vec<_>, Vec<_>) = self.entries.closed.iter().partition(|(batch, ..)| numbers.binary_search(batch).is_ok());
        self.entries.closed = known;
        for group in strange.chunk_by(|a, b| a.0 == b.0) {
            let ids = group.iter().map(|(_, id, _)| *id).collect();
            self.problems.push(Problem::BatchGone { class: self.class, batch: group[0].0, ids });
        }
    }

    fn batch(&mut self, number: u64, note: &BatchNote, next: Option<RecordId>) -> Digest {
        let class = self.class;
        let opened = &self.entries.opened[self.opened..];
        let end = match note.first {
            Some(_) => opened.partition_point(|(id, _)| next.is_none_or(|next| *id < next)),
            None => 0,
        };
        let opened = &opened[..end];
        let closed = &self.entries.closed[self.closed..];
        let closed = &closed[..closed.partition_point(|(batch, ..)| *batch == number)];
        let leaves = [opened.iter().map(|(_, leaf)| *leaf).collect::<Vec<_>>(), closed.iter().map(|(_, _, leaf)| *leaf).collect()];
        let hash = batch_hash(class, number, &leaves[0], &leaves[1]);
        let ids: Vec<_> = opened.iter().map(|(id, _)| *id).chain(closed.iter().map(|(_, id, _)| *id)).collect();
        let (wanted, found) = (u64::from(note.opened), opened.len() as u64);
        if found < wanted {
            let between = note.first.map(|first| (first, next.or(ids.iter().max().copied()).unwrap_or(first).max(first)));
            let first_gone = note.first.filter(|first| wanted - found == 1 && !ids.contains(first));
            self.problems.push(Problem::Removed { class: Some(class), id: first_gone, count: wanted - found, between });
        } else if found > wanted {
            self.problems.push(Problem::Inserted { class, ids, count: found - wanted });
        } else if hash[..4] != note.check && !ids.iter().any(|id| self.entries.altered.contains(id)) {
            // Each closing of a record that was removed is missing here; the record itself is told where it was opened.
            if closed.len() as u64 == u64::from(note.closed) {
                self.problems.push(Problem::BatchAltered { class, batch: number, ids });
            }
        }
        self.opened += end;
        self.closed += closed.len();
        hash
    }

    /// Openings after the last batch that opened any.
    fn after_all(&mut self) {
        let rest: Vec<_> = self.entries.opened[self.opened..].iter().map(|(id, _)| *id).collect();
        if !rest.is_empty() {
            let count = rest.len() as u64;
            self.problems.push(Problem::Inserted { class: self.class, ids: rest, count });
        }
    }
}
