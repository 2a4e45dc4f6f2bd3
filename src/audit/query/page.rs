//! The newest so many of what is found, and the page they make.

use super::Row;
use crate::audit::record::RecordId;
use crate::audit::segment::SegmentError;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::sync::Arc;

/// A page of records.
#[derive(Debug, Default)]
pub struct Page {
    /// The records, newest first.
    pub rows: Vec<Row>,
    /// The cursor of the next page: what [`super::Filter::before`] is to be. Nothing if there is no more.
    pub next: Option<RecordId>,
    /// Where the search stopped for the time being: what is older was not looked through yet.
    pub stopped_at: Option<RecordId>,
    /// Parts that could not be read, and why.
    pub passed_over: BTreeMap<String, String>,
}

impl Page {
    pub(super) fn pass_over(&mut self, file: &str, error: &SegmentError) {
        self.passed_over.insert(file.to_owned(), error.to_string());
    }
}

/// Where a record lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the live file with this number.
    Live(u64),
    /// In a sealed segment.
    Sealed { file: Arc<str>, chunk: usize, row: usize },
}

/// The best so many records found so far: the newest, or the oldest.
pub(super) struct Best {
    limit: usize,
    oldest: bool,
    /// The worst on top: by id, or by what is left of it below the greatest where the oldest are best.
    heap: BinaryHeap<Reverse<(u64, Place)>>,
    known: HashSet<u64>,
}

impl Best {
    pub(super) fn new(limit: usize, oldest: bool) -> Self {
        Self { limit, oldest, heap: BinaryHeap::new(), known: HashSet::new() }
    }

    pub(super) fn direction_is_newest(&self) -> bool {
        !self.oldest
    }

    fn rank(&self, id: RecordId) -> u64 {
        if self.oldest { !id.0 } else { id.0 }
    }

    fn worst(&self) -> Option<u64> {
        if self.heap.len() < self.limit { None } else { self.heap.peek().map(|Reverse((rank, _))| *rank) }
    }

    /// Whether a record with this number would be among the best.
    pub(super) fn would_take(&self, id: RecordId) -> bool {
        self.limit > 0 && self.worst().is_none_or(|worst| self.rank(id) > worst)
    }

    /// Whether none of the records from the first to the second of these would be among the best.
    pub(super) fn needs_none_of(&self, ids: (RecordId, RecordId)) -> bool {
        !self.would_take(if self.oldest { ids.0 } else { ids.1 })
    }

    /// Takes a record, if it is among the best.
    pub(super) fn take(&mut self, id: RecordId, place: Place) {
        if !self.would_take(id) || !self.known.insert(id.0) {
            return;
        }
        self.heap.push(Reverse((self.rank(id), place)));
        if self.heap.len() > self.limit
            && let Some(Reverse((rank, _))) = self.heap.pop()
        {
            self.known.remove(&if self.oldest { !rank } else { rank });
        }
    }

    /// Leaves out what is not after this record: not all of that was looked through.
    pub(super) fn only_after(&mut self, id: RecordId) {
        self.heap.retain(|Reverse((rank, _))| *rank > id.0);
    }

    /// The cursor of the next page.
    pub(super) fn next(&self, stopped: Option<RecordId>) -> Option<RecordId> {
        match stopped {
            Some(stopped) => Some(RecordId(stopped.0 + 1)),
            None if self.oldest => None,
            None => self.worst().map(RecordId),
        }
    }

    pub(super) fn into_places(self) -> impl Iterator<Item = (RecordId, Place)> {
        let oldest = self.oldest;
        self.heap.into_iter().map(move |Reverse((rank, place))| (RecordId(if oldest { !rank } else { rank }), place))
    }
}
