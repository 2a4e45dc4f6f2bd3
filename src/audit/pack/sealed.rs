//! The records of one person in a sealed segment, and the batches they are in.

use super::gather::Body;
use super::stretch::Stretch;
use crate::audit::entry::{Closed, Decoder, Encoder, Judgement, Opened, Who};
use crate::audit::journal::Part;
use crate::audit::key::to_hex;
use crate::audit::record::RecordId;
use crate::audit::segment::columns::Group;
use crate::audit::segment::{Segment, SegmentError};
use crate::audit::twigs::Tree;
use crate::audit::verify::{Shared, leaves};
use std::collections::BTreeSet;
use std::path::Path;

const LOST: SegmentError = SegmentError::Damaged("a row names what is in no dictionary");

/// Opens a segment, if it is the one that was sealed.
pub(super) fn open(folder: &Path, part: &Part) -> Result<Segment, SegmentError> {
    let segment = Segment::open(&folder.join(&part.file))?;
    if to_hex(&segment.digest) == part.digest { Ok(segment) } else { Err(SegmentError::Damaged("it is not the file that was sealed")) }
}

/// How many batches a segment was sealed with.
pub(super) fn count(segment: &Segment) -> usize {
    let directory = &segment.directory;
    usize::try_from(directory.after.number.saturating_sub(directory.before.number)).unwrap_or(usize::MAX)
}

/// Its batches with the leaves of all that is in them.
pub(super) fn stretch(segment: &Segment) -> Result<Stretch, SegmentError> {
    let (directory, notes, shared) = (&segment.directory, segment.batches()?, Shared::read(segment)?);
    let places = Tree::places(count(segment), &segment.twigs()?);
    let numbers = places.iter().map(|place| directory.before.number + 1 + *place as u64).collect();
    let native_from = Stretch::native_from(&notes);
    let mut stretch = Stretch { class: directory.class, numbers, notes, opened: Vec::new(), closed: Vec::new() };
    for gap in segment.gaps()? {
        stretch.opened.extend(gap.opened.map(|leaf| (gap.id, leaf)));
        stretch.closed.extend(gap.closed.map(|(batch, leaf)| (batch, gap.id, leaf)));
    }
    for chunk in 0..directory.chunks.len() {
        for record in leaves(segment, &shared, chunk)? {
            if record.id >= native_from {
                stretch.opened.push((record.id, record.opened_leaf));
            }
            stretch.closed.extend(record.closed.map(|(batch, leaf)| (batch, record.id, leaf)));
        }
    }
    Ok(stretch)
}

/// The canonical bytes of those of these records that are in it.
pub(super) fn bodies(segment: &Segment, wanted: &BTreeSet<RecordId>) -> Result<Vec<(RecordId, Body)>, SegmentError> {
    let mut bodies = Vec::new();
    for (number, note) in segment.directory.chunks.iter().enumerate() {
        if wanted.range(note.ids.0..=note.ids.1).next().is_some() {
            of_chunk(segment, number, wanted, &mut bodies)?;
        }
    }
    Ok(bodies)
}

fn of_chunk(segment: &Segment, number: usize, wanted: &BTreeSet<RecordId>, bodies: &mut Vec<(RecordId, Body)>) -> Result<(), SegmentError> {
    let chunk = segment.chunk(number);
    let ids = chunk.ids()?;
    let rows: Vec<usize> = (0..ids.len()).filter(|row| wanted.contains(&ids[*row])).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let (whos, hosts, verdicts, endings) = (chunk.whos()?, chunk.hosts()?, chunk.verdicts()?, chunk.endings()?);
    let (path_bytes, origin_bytes) = (chunk.group(Group::Path)?, chunk.group(Group::Origin)?);
    let (paths, origins) = (chunk.paths(&path_bytes)?, chunk.origins(&origin_bytes, &ids)?);
    let (all_whos, judgements, shapes, texts, names) = (segment.whos()?, segment.judgements()?, segment.shapes()?, segment.texts()?, segment.hosts()?);
    let read = |row: usize| -> Option<Body> {
        let (origin, (judgement, shape)) = (origins[row], verdicts[row]);
        let host = names.host(hosts[row])?;
        let referrer = origin.referrer.map(|referrer| names.host(referrer).ok_or(())).transpose().ok()?;
        let shape = Decoder::new(shapes.get(shape as usize)?).shape().ok()?;
        let mut opened = Encoder::default();
        opened.opened(&Opened {
            time_ms: origin.time_ms,
            shape,
            host: &host,
            path: paths[row],
            referrer: referrer.as_deref(),
            cause: origin.cause,
            term: origin.term,
        });
        let text = |number: Option<u32>| number.and_then(|number| texts.get(number as usize)).map(|text| &**text);
        let closed = endings[row].0.map(|ending| {
            let mut closed = Encoder::default();
            closed.closed(&Closed {
                status: ending.status,
                outcome: ending.outcome,
                bytes_up: ending.bytes_up,
                bytes_down: ending.bytes_down,
                duration_us: ending.duration_us,
                upstream: text(ending.upstream),
                note: text(ending.note),
            });
            closed.0
        });
        let who = all_whos.rows.get(whos[row] as usize).map(Who::encoded)?;
        let judgement = judgements.get(judgement as usize).map(Judgement::encoded)?;
        Some(Body { class: segment.directory.class, who, judgement, opened: opened.0, closed })
    };
    for row in rows {
        bodies.push((ids[row], read(row).ok_or(LOST)?));
    }
    Ok(())
}
