//! The records of one person in a sealed segment, and the batches they are in.

use super::gather::Body;
use super::stretch::Stretch;
use crate::audit::entry::{Closed, Decoder, Encoder, Judgement, Opened, Who};
use crate::audit::record::RecordId;
use crate::audit::rewrite::{Record, Source};
use crate::audit::segment::SegmentError;
use crate::audit::twigs::Tree;
use std::collections::BTreeSet;

const LOST: SegmentError = SegmentError::Damaged("a row names what is in no dictionary");

/// How many batches a segment was sealed with.
pub(super) fn count(source: &Source) -> usize {
    let directory = &source.segment.directory;
    usize::try_from(directory.after.number.saturating_sub(directory.before.number)).unwrap_or(usize::MAX)
}

/// Its batches with the leaves of all that is in them.
pub(super) fn stretch(source: &Source) -> Result<Stretch, SegmentError> {
    let (segment, notes) = (&source.segment, source.segment.batches()?);
    let places = Tree::places(count(source), &segment.twigs()?);
    let numbers = places.iter().map(|place| segment.directory.before.number + 1 + *place as u64).collect();
    let native_from = Stretch::native_from(&notes);
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

fn at<T>(all: &[T], number: u32) -> Result<&T, SegmentError> {
    all.get(number as usize).ok_or(LOST)
}

fn body(source: &Source, record: &Record<'_>) -> Result<Body, SegmentError> {
    let line = &record.line;
    let referrer = line.referrer.map(|referrer| at(&source.hosts, referrer)).transpose()?.map(String::as_str);
    let shape = Decoder::new(at(&source.shapes, line.shape)?).shape()?;
    let (host, path, cause, term) = (record.host()?, line.path, line.cause, line.term);
    let mut opened = Encoder::default();
    opened.opened(&Opened { time_ms: line.time_ms, shape, host, path, referrer, cause, term });
    let (who, judgement) = (Who::encoded(at(&source.whos, line.who)?), Judgement::encoded(at(&source.judgements, line.judgement)?));
    Ok(Body { class: source.segment.directory.class, who, judgement, opened: opened.0, closed: ending(source, record)? })
}

fn ending(source: &Source, record: &Record<'_>) -> Result<Option<Vec<u8>>, SegmentError> {
    let Some(ending) = &record.line.ending else { return Ok(None) };
    let text = |number: Option<u32>| number.map(|number| at(&source.texts, number)).transpose();
    let mut closed = Encoder::default();
    closed.closed(&Closed {
        status: ending.status,
        outcome: ending.outcome,
        bytes_up: ending.bytes_up,
        bytes_down: ending.bytes_down,
        duration_us: ending.duration_us,
        upstream: text(ending.upstream)?.map(|text| &**text),
        note: text(ending.note)?.map(|text| &**text),
    });
    Ok(Some(closed.0))
}
