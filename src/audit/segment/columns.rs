//! The columns of a chunk: rows in, eight groups of bytes out, and back.
//!
//! | group | what it holds, a row |
//! | --- | --- |
//! | `Id` | the milliseconds and the counter of the record id, against the row before |
//! | `Who` | the number in the dictionary, against the row before |
//! | `Host` | the number in the dictionary |
//! | `Verdict` | the numbers of judgement and shape |
//! | `Path` | path and query |
//! | `Origin` | how far the clock stood from the id, referrer, cause, the words of a search |
//! | `Ending` | status, outcome, bytes, duration, address, note |
//! | `Proof` | which batch closed it; the first four bytes of the hash over its leaves |

use super::SegmentError;
use crate::audit::entry::{Decoder, Encoder, NotAnEntry};
use crate::audit::record::{Outcome, RecordId};

/// A group of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) enum Group {
    Id,
    Who,
    Host,
    Verdict,
    Path,
    Origin,
    Ending,
    Proof,
}

/// How many groups there are.
pub(in crate::audit) const GROUPS: usize = 8;

/// A record as a row of a segment; numbers are places in its dictionaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Line<'a> {
    pub(in crate::audit) id: RecordId,
    pub(in crate::audit) time_ms: u64,
    pub(in crate::audit) who: u32,
    pub(in crate::audit) host: u32,
    pub(in crate::audit) judgement: u32,
    pub(in crate::audit) shape: u32,
    pub(in crate::audit) path: &'a str,
    pub(in crate::audit) referrer: Option<u32>,
    pub(in crate::audit) cause: Option<RecordId>,
    pub(in crate::audit) term: Option<&'a str>,
    pub(in crate::audit) ending: Option<Ending>,
    /// The first bytes of the hash over its leaves: they say which record was altered.
    pub(in crate::audit) check: [u8; 4],
}

/// How a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Ending {
    /// The batch the ending was committed in.
    pub(in crate::audit) batch: u64,
    pub(in crate::audit) outcome: Outcome,
    pub(in crate::audit) status: u16,
    pub(in crate::audit) bytes_up: u64,
    pub(in crate::audit) bytes_down: u64,
    pub(in crate::audit) duration_us: u64,
    pub(in crate::audit) upstream: Option<u32>,
    pub(in crate::audit) note: Option<u32>,
}

/// A chunk being put together.
#[derive(Default)]
pub(super) struct ColumnWriter {
    groups: [Encoder; GROUPS],
    last: (RecordId, u32, u64),
    pub(super) rows: usize,
    pub(super) ids: Option<(RecordId, RecordId)>,
    pub(super) whos: Option<(u32, u32)>,
}

fn apart(value: u64, from: u64) -> i64 {
    value.wrapping_sub(from).cast_signed()
}

fn number_or_none(out: &mut Encoder, number: Option<u32>) {
    out.number(number.map_or(0, |number| u64::from(number) + 1));
}

impl ColumnWriter {
    pub(super) fn push(&mut self, line: &Line<'_>) {
        let [id, who, host, verdict, path, origin, ending, proof] = &mut self.groups;
        let (last, last_who, last_batch) = self.last;
        id.signed(apart(line.id.ms(), last.ms()));
        id.number(line.id.counter());
        who.signed(apart(u64::from(line.who), u64::from(last_who)));
        host.number(u64::from(line.host));
        verdict.number(u64::from(line.judgement));
        verdict.number(u64::from(line.shape));
        path.text(line.path);
        origin.signed(apart(line.id.unix_ms(), line.time_ms));
        number_or_none(origin, line.referrer);
        match line.cause {
            None => origin.number(0),
            Some(cause) => {
                // Not the difference of the ids: their counters would make it large.
                origin.number(1 + line.id.ms().wrapping_sub(cause.ms()).min(u64::MAX - 1));
                origin.number(cause.counter());
            }
        }
        origin.maybe(line.term);
        let mut batch = last_batch;
        match &line.ending {
            None => ending.number(0),
            Some(end) => {
                ending.number(1 + Outcome::NAMES.iter().position(|(_, known)| *known == end.outcome).unwrap_or_default() as u64);
                ending.number(u64::from(end.status));
                ending.number(end.bytes_up);
                ending.number(end.bytes_down);
                ending.number(end.duration_us);
                number_or_none(ending, end.upstream);
                number_or_none(ending, end.note);
                proof.signed(apart(end.batch, last_batch));
                batch = end.batch;
            }
        }
        proof.0.extend(line.check);
        self.last = (line.id, line.who, batch);
        self.rows += 1;
        let widen = |range: Option<(RecordId, RecordId)>| range.map_or((line.id, line.id), |(low, high)| (low.min(line.id), high.max(line.id)));
        self.ids = Some(widen(self.ids));
        self.whos = Some(self.whos.map_or((line.who, line.who), |(low, high)| (low.min(line.who), high.max(line.who))));
    }

    /// Bytes of paths so far, so that a chunk of long ones ends early.
    pub(super) fn path_bytes(&self) -> usize {
        self.groups[Group::Path as usize].0.len()
    }

    /// The bytes of every group.
    pub(super) fn groups(&self) -> impl Iterator<Item = &[u8]> {
        self.groups.iter().map(|group| group.0.as_slice())
    }

    pub(super) fn clear(&mut self) {
        for group in &mut self.groups {
            group.0.clear();
        }
        (self.last, self.rows, self.ids, self.whos) = (Default::default(), 0, None, None);
    }
}

/// The record ids of a chunk.
pub(super) fn ids(bytes: &[u8], rows: usize) -> Result<Vec<RecordId>, SegmentError> {
    let (mut from, mut last) = (Decoder::new(bytes), 0u64);
    all(rows, |_| {
        last = last.wrapping_add(from.signed()?.cast_unsigned());
        Ok(RecordId::of_parts(last, from.number()?))
    })
}

/// The numbers of who asked.
pub(super) fn whos(bytes: &[u8], rows: usize) -> Result<Vec<u32>, SegmentError> {
    let (mut from, mut last) = (Decoder::new(bytes), 0u64);
    all(rows, |_| {
        last = last.wrapping_add(from.signed()?.cast_unsigned());
        u32::try_from(last).map_err(|_| NotAnEntry)
    })
}

/// The numbers of the hosts.
pub(super) fn hosts(bytes: &[u8], rows: usize) -> Result<Vec<u32>, SegmentError> {
    let mut from = Decoder::new(bytes);
    all(rows, |_| from.small())
}

/// The numbers of judgements and shapes.
pub(super) fn verdicts(bytes: &[u8], rows: usize) -> Result<Vec<(u32, u32)>, SegmentError> {
    let mut from = Decoder::new(bytes);
    all(rows, |_| Ok((from.small()?, from.small()?)))
}

/// The paths.
pub(super) fn paths(bytes: &[u8], rows: usize) -> Result<Vec<&str>, SegmentError> {
    let mut from = Decoder::new(bytes);
    all(rows, |_| from.text())
}

/// Where a row came from.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Origin<'a> {
    pub(in crate::audit) time_ms: u64,
    pub(in crate::audit) referrer: Option<u32>,
    pub(in crate::audit) cause: Option<RecordId>,
    pub(in crate::audit) term: Option<&'a str>,
}

/// Where the rows with these ids came from.
pub(super) fn origins<'a>(bytes: &'a [u8], ids: &[RecordId]) -> Result<Vec<Origin<'a>>, SegmentError> {
    let mut from = Decoder::new(bytes);
    all(ids.len(), |row| {
        let id = ids[row];
        let time_ms = id.unix_ms().wrapping_sub(from.signed()?.cast_unsigned());
        let referrer = optional(&mut from)?;
        let cause = match from.number()? {
            0 => None,
            apart => Some(RecordId::of_parts(id.ms().wrapping_sub(apart - 1), from.number()?)),
        };
        Ok(Origin { time_ms, referrer, cause, term: from.maybe()? })
    })
}

/// How a row ended, and the bytes that check it.
pub(in crate::audit) type Ended = (Option<Ending>, [u8; 4]);

/// How rows ended and the bytes that check them.
pub(super) fn endings(endings: &[u8], proofs: &[u8], rows: usize) -> Result<Vec<Ended>, SegmentError> {
    let (mut from, mut proof, mut batch) = (Decoder::new(endings), Decoder::new(proofs), 0u64);
    all(rows, |_| {
        let ending = match from.small::<usize>()? {
            0 => None,
            outcome => {
                let (_, outcome) = Outcome::NAMES.get(outcome - 1).ok_or(NotAnEntry)?;
                batch = batch.wrapping_add(proof.signed()?.cast_unsigned());
                let (status, bytes_up, bytes_down, duration_us) = (from.small()?, from.number()?, from.number()?, from.number()?);
                Some(Ending { batch, outcome: *outcome, status, bytes_up, bytes_down, duration_us, upstream: optional(&mut from)?, note: optional(&mut from)? })
            }
        };
        Ok((ending, <[u8; 4]>::try_from(proof.bytes(4)?).map_err(|_| NotAnEntry)?))
    })
}

fn optional(from: &mut Decoder<'_>) -> Result<Option<u32>, NotAnEntry> {
    let number = from.number()?;
    if number == 0 { Ok(None) } else { u32::try_from(number - 1).map(Some).map_err(|_| NotAnEntry) }
}

fn all<T>(rows: usize, mut read: impl FnMut(usize) -> Result<T, NotAnEntry>) -> Result<Vec<T>, SegmentError> {
    let mut values = Vec::with_capacity(rows.min(super::CHUNK));
    for row in 0..rows {
        values.push(read(row)?);
    }
    Ok(values)
}
