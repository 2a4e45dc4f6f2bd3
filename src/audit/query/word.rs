//! Which rows of a segment may hold a word: told by its dictionary, before any of them is read.

use crate::audit::segment::words::{Found, Wanted};
use crate::audit::segment::{Segment, SegmentError};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Where in a segment a word may stand.
pub(super) struct Word {
    /// Rows with it, counted from the first of their chunk, by chunk.
    rows: HashMap<usize, Vec<usize>>,
    /// Hosts with it.
    hosts: HashSet<u32>,
    /// The chunks with one of those.
    with_host: BTreeSet<u32>,
    /// Chunks with words that no dictionary knows, of which it may be one: any row may have it.
    with_any: BTreeSet<usize>,
}

impl Word {
    /// Looks for a word in these of a segment's chunks, in order.
    pub(super) fn find(segment: &Segment, wanted: &Wanted, chunks: &[usize]) -> Result<Self, SegmentError> {
        let Found { rows, hosts } = segment.find(wanted)?;
        let (mut by_chunk, mut rows): (HashMap<_, Vec<_>>, _) = (HashMap::new(), rows.into_iter().map(|row| row as usize).peekable());
        let mut first = 0;
        for (chunk, note) in segment.directory.chunks.iter().enumerate() {
            let next = first + note.rows;
            while let Some(row) = rows.next_if(|row| *row < next) {
                by_chunk.entry(chunk).or_default().push(row - first);
            }
            first = next;
        }
        let with_host = if hosts.is_empty() { BTreeSet::new() } else { segment.chunks_of_hosts(&*segment.hosts()?, &hosts)? };
        let mut with_any = BTreeSet::new();
        for chunk in chunks {
            if segment.may_hold(*chunk, wanted)? {
                with_any.insert(*chunk);
            }
        }
        Ok(Self { rows: by_chunk, hosts, with_host, with_any })
    }

    pub(super) fn may_be_in(&self, chunk: usize) -> bool {
        self.rows.contains_key(&chunk) || self.is_of_hosts(chunk) || self.with_any.contains(&chunk)
    }

    /// Whether hosts of a chunk have it: then its rows cannot be told without the column of those.
    pub(super) fn is_of_hosts(&self, chunk: usize) -> bool {
        is_among(&self.with_host, chunk)
    }

    /// Leaves those rows of a chunk that may have it.
    pub(super) fn narrow(&self, chunk: usize, rows: &mut Vec<usize>, hosts: impl FnOnce() -> Result<Vec<u32>, SegmentError>) -> Result<(), SegmentError> {
        if rows.is_empty() || self.with_any.contains(&chunk) {
            return Ok(());
        }
        let listed = self.rows.get(&chunk).map_or(&[][..], Vec::as_slice);
        if self.is_of_hosts(chunk) {
            let hosts = hosts()?;
            rows.retain(|row| self.hosts.contains(&hosts[*row]) || listed.binary_search(row).is_ok());
        } else {
            *rows = listed.iter().copied().filter(|row| rows.binary_search(row).is_ok()).collect();
        }
        Ok(())
    }
}

/// Whether a chunk is one of these.
pub(super) fn is_among(chunks: &BTreeSet<u32>, chunk: usize) -> bool {
    u32::try_from(chunk).is_ok_and(|chunk| chunks.contains(&chunk))
}
