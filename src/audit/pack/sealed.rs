//! The records of one person in a sealed segment, and the batches they are in.

use super::gather::Body;
use super::stretch::Stretch;
use crate::audit::record::RecordId;
use crate::audit::rewrite::{Record, Source};
use crate::audit::segment::{SegmentError, native_from};
use crate::audit::twigs::Tree;
use std::collections::BTreeSet;

/// Its batches with the leaves of all that is in them.
pub(super) fn stretch(source: &Source) -> Result<Stretch, SegmentError> {
    let (segment, notes) = (&source.segment, source.segment.batches()?);
    let places = Tree::places(segment.directory.batches_sealed(), &segment.twigs()?, notes.len()).ok_or(SegmentError::Damaged("batches are missing"))?;
    let numbers = places.iter().map(|place| segment.directory.before.number + 1 + *place as u64).collect();
    let native_from = native_from(&notes);
    let mut stretch = Stretch { class: segment.directory.class, numbers, notes, opened: Vec::new(), closed: Vec::new() };
    for gap in segment.gaps()? {
        stretch.opened.extend(gap.opened.map(|leaf| (gap.id, leaf)));
        stretch.closed.extend(gap.closed.map(|(batch, leaf)| (batch, gap.id, leaf)));
    }
    source.each(|record| {
        let leaves = record.leaves()?;
        if leaves.id >= native_from {
            stretch.opened.push((leaves.id, leaves.opened));
        }
        stretch.closed.extend(leaves.closed.map(|(batch, leaf)| (batch, leaves.id, leaf)));
        Ok(())
    })?;
    Ok(stretch)
}

/// The canonical bytes of those of these records that are in it.
pub(super) fn bodies(source: &Source, wanted: &BTreeSet<RecordId>) -> Result<Vec<(RecordId, Body)>, SegmentError> {
    let mut bodies = Vec::new();
    for (number, note) in source.segment.directory.chunks.iter().enumerate() {
        if wanted.range(note.ids.0..=note.ids.1).next().is_none() {
            continue;
        }
        source.each_of(number, |record| {
            if wanted.contains(&record.line.id) {
                bodies.push((record.line.id, body(source, record)?));
            }
            Ok(())
        })?;
    }
    Ok(bodies)
}

fn body(source: &Source, record: &Record<'_>) -> Result<Body, SegmentError> {
    let (who, judgement) = (record.who()?.encoded(), record.judgement()?.encoded());
    Ok(Body { class: source.segment.directory.class, who, judgement, opened: record.opened()?, closed: record.closed()? })
}
