//! Searching a sealed segment: what records share is asked first, then which chunks can hold a match, then their rows, column by column.

use super::Row;
use super::condition::Conditions;
use super::page::{Best, Place};
use super::word::{Word, is_among};
use crate::audit::entry::{Closed, Decoder, Opened};
use crate::audit::journal::Part;
use crate::audit::record::RecordId;
use crate::audit::segment::askers::Askings;
use crate::audit::segment::columns::Group;
use crate::audit::segment::dictionary::Hosts;
use crate::audit::segment::{Segment, SegmentError};
use std::collections::HashSet;
use std::sync::Arc;

/// What of a segment's dictionaries matches; nothing where it is not asked.
struct Matching {
    whos: Option<Vec<bool>>,
    judgements: Option<Vec<bool>>,
    shapes: Option<Vec<bool>>,
    hosts: Option<HashSet<u32>>,
}

impl Matching {
    /// Nothing if no record of the segment can match.
    fn of(segment: &Segment, conditions: &Conditions) -> Result<Option<Self>, SegmentError> {
        let mut matching = Self { whos: None, judgements: None, shapes: None, hosts: None };
        if conditions.asks_who() {
            matching.whos = Some(segment.whos()?.rows.iter().map(|who| conditions.who(who)).collect());
        }
        if let Some(host) = &conditions.host {
            matching.hosts = Some(segment.hosts()?.and_below(host).into_iter().collect());
        }
        if matching.is_hopeless() {
            return Ok(None);
        }
        if conditions.asks_judgement() {
            matching.judgements = Some(segment.judgements()?.iter().map(|judgement| conditions.judgement(judgement)).collect());
        }
        if conditions.asks_shape() {
            matching.shapes = Some(segment.shapes()?.iter().map(|shape| Decoder::new(shape).shape().is_ok_and(|shape| conditions.shape(&shape))).collect());
        }
        if matching.is_hopeless() {
            return Ok(None);
        }
        // What all match need not be looked at.
        for set in [&mut matching.whos, &mut matching.judgements, &mut matching.shapes] {
            set.take_if(|set| !set.contains(&false));
        }
        Ok(Some(matching))
    }

    /// The hosts, if it does not matter what was decided.
    fn only_hosts(&self) -> Option<&HashSet<u32>> {
        self.hosts.as_ref().filter(|_| self.judgements.is_none())
    }

    fn is_hopeless(&self) -> bool {
        let none = |set: &Option<Vec<bool>>| set.as_ref().is_some_and(|set| !set.contains(&true));
        none(&self.whos) || none(&self.judgements) || none(&self.shapes) || self.hosts.as_ref().is_some_and(HashSet::is_empty)
    }
}

fn holds(set: &[bool], number: u32) -> bool {
    set.get(number as usize).copied().unwrap_or_default()
}

/// What becomes of the rows of a chunk that match.
trait Takes {
    /// Whether a record with this number would be taken.
    fn wants(&self, id: RecordId) -> bool;
    fn take(&mut self, id: RecordId, row: usize);
}

/// All are taken.
impl Takes for Vec<usize> {
    fn wants(&self, _: RecordId) -> bool {
        true
    }

    fn take(&mut self, _: RecordId, row: usize) {
        self.push(row);
    }
}

/// The best are.
struct AmongBest<'b> {
    best: &'b mut Best,
    file: &'b Arc<str>,
    chunk: usize,
}

impl Takes for AmongBest<'_> {
    fn wants(&self, id: RecordId) -> bool {
        self.best.would_take(id)
    }

    fn take(&mut self, id: RecordId, row: usize) {
        self.best.take(id, Place::Sealed { file: self.file.clone(), chunk: self.chunk, row });
    }
}

/// Puts what matches among the best.
pub(super) fn search(segment: &Segment, part: &Part, conditions: &Conditions, best: &mut Best) -> Result<(), SegmentError> {
    let Some(matching) = Matching::of(segment, conditions)? else { return Ok(()) };
    let (file, newest) = (Arc::from(part.file.as_str()), best.direction_is_newest());
    each_chunk(segment, part, conditions, &matching, newest, |asked, chunk| {
        if !best.needs_none_of(segment.directory.chunks[chunk].ids) {
            asked.chunk(chunk, newest, &mut AmongBest { best, file: &file, chunk })?;
        }
        Ok(())
    })
}

/// Hands out all that matches, a chunk at a time.
pub(super) fn scan<E: From<SegmentError>>(
    segment: &Segment,
    part: &Part,
    conditions: &Conditions,
    mut take: impl FnMut(Vec<Row>) -> Result<(), E>,
) -> Result<(), E> {
    let Some(matching) = Matching::of(segment, conditions)? else { return Ok(()) };
    each_chunk(segment, part, conditions, &matching, false, |asked, chunk| {
        let mut found = Vec::new();
        asked.chunk(chunk, false, &mut found)?;
        found.sort_unstable();
        if found.is_empty() { Ok(()) } else { take(rows(segment, chunk, &found)?) }
    })
}

/// Shows who asked for what matches, by the number in the dictionary of people; some more than once. Where all that is asked of a record is its host, its
/// kind, and who asked for it, no row is read.
pub(super) fn each_who(segment: &Segment, part: &Part, conditions: &Conditions, mut show: impl FnMut(u32, Askings)) -> Result<(), SegmentError> {
    let Some(matching) = Matching::of(segment, conditions)? else { return Ok(()) };
    if let Some(hosts) = matching.only_hosts()
        && conditions.words.is_empty()
        && conditions.leaves_out_none(segment.directory.ids, part.skew_ms)
    {
        return segment.each_asker(hosts, |who, kind, askings| {
            if conditions.kind(kind) && matching.whos.as_ref().is_none_or(|set| holds(set, who)) {
                show(who, askings);
            }
        });
    }
    each_chunk(segment, part, conditions, &matching, false, |asked, chunk| {
        let mut found: Vec<usize> = Vec::new();
        let ids = asked.chunk(chunk, false, &mut found)?;
        if !found.is_empty() {
            let whos = segment.chunk(chunk).whos()?;
            found.into_iter().for_each(|row| show(whos[row], Askings::of(ids[row])));
        }
        Ok::<_, SegmentError>(())
    })
}

/// Goes through the chunks that may hold a match, those with the newest or the oldest records first.
fn each_chunk<E: From<SegmentError>>(
    segment: &Segment,
    part: &Part,
    conditions: &Conditions,
    matching: &Matching,
    newest: bool,
    mut visit: impl FnMut(&Asked<'_>, usize) -> Result<(), E>,
) -> Result<(), E> {
    let mut chunks: Vec<usize> = (0..segment.directory.chunks.len()).collect();
    chunks.retain(|chunk| {
        let note = &segment.directory.chunks[*chunk];
        conditions.may_be_between(note.ids, part.skew_ms) && matching.whos.as_ref().is_none_or(|set| (note.whos.0..=note.whos.1).any(|who| holds(set, who)))
    });
    if let Some(wanted) = &matching.hosts {
        let with_host = segment.chunks_of_hosts(&*segment.hosts()?, wanted)?;
        chunks.retain(|chunk| is_among(&with_host, *chunk));
    }
    let mut words = Vec::new();
    for word in &conditions.words {
        if chunks.is_empty() {
            return Ok(());
        }
        let word = Word::find(segment, word, &chunks)?;
        chunks.retain(|chunk| word.may_be_in(*chunk));
        words.push(word);
    }
    chunks.sort_unstable_by_key(|chunk| {
        let ids = segment.directory.chunks[*chunk].ids;
        if newest { !ids.1.0 } else { ids.0.0 }
    });
    let hosts = if words.is_empty() { None } else { Some(segment.hosts()?) };
    let asked = Asked { segment, conditions, matching, words, hosts: hosts.as_deref(), skew_ms: part.skew_ms };
    chunks.into_iter().try_for_each(|chunk| visit(&asked, chunk))
}

struct Asked<'a> {
    segment: &'a Segment,
    conditions: &'a Conditions,
    matching: &'a Matching,
    words: Vec<Word>,
    /// Where words are looked for.
    hosts: Option<&'a Hosts>,
    skew_ms: u64,
}

impl Asked<'_> {
    /// Looks through a chunk, the cheapest columns first. Returns the record ids of its rows; none where no row matches.
    fn chunk(&self, number: usize, newest: bool, taker: &mut impl Takes) -> Result<Vec<RecordId>, SegmentError> {
        let chunk = self.segment.chunk(number);
        let mut rows: Vec<usize> = (0..self.segment.directory.chunks[number].rows).collect();
        // Those first that need no column.
        let (of_hosts, listed): (Vec<_>, Vec<_>) = self.words.iter().partition(|word| word.is_of_hosts(number));
        for word in listed.into_iter().chain(of_hosts) {
            word.narrow(number, &mut rows, || chunk.hosts())?;
        }
        if let Some(set) = &self.matching.whos
            && !rows.is_empty()
        {
            let whos = chunk.whos()?;
            rows.retain(|row| holds(set, whos[*row]));
        }
        if let Some(set) = &self.matching.hosts
            && !rows.is_empty()
        {
            let hosts = chunk.hosts()?;
            rows.retain(|row| set.contains(&hosts[*row]));
        }
        if (self.matching.judgements.is_some() || self.matching.shapes.is_some()) && !rows.is_empty() {
            let verdicts = chunk.verdicts()?;
            rows.retain(|row| {
                let (judgement, shape) = verdicts[*row];
                self.matching.judgements.as_ref().is_none_or(|set| holds(set, judgement)) && self.matching.shapes.as_ref().is_none_or(|set| holds(set, shape))
            });
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids = chunk.ids()?;
        rows.retain(|row| self.conditions.id(ids[*row]) && taker.wants(ids[*row]));
        let asks_time = self.conditions.asks_time() && !self.conditions.all_are_between(self.segment.directory.chunks[number].ids, self.skew_ms);
        if rows.is_empty() || !(asks_time || self.hosts.is_some()) {
            rows.into_iter().for_each(|row| taker.take(ids[row], row));
        } else {
            self.time_and_words(number, &ids, rows, newest, taker)?;
        }
        Ok(ids)
    }

    fn time_and_words(&self, number: usize, ids: &[RecordId], mut rows: Vec<usize>, newest: bool, taker: &mut impl Takes) -> Result<(), SegmentError> {
        let chunk = self.segment.chunk(number);
        let bytes = chunk.group(Group::Origin)?;
        let origins = chunk.origins(&bytes, ids)?;
        rows.retain(|row| self.conditions.time(origins[*row].time_ms));
        let Some(names) = self.hosts else {
            rows.into_iter().for_each(|row| taker.take(ids[row], row));
            return Ok(());
        };
        let (hosts, bytes) = (chunk.hosts()?, chunk.group(Group::Path)?);
        let (paths, mut folded) = (chunk.paths(&bytes)?, String::new());
        // The best first, so that fewer of the others are looked at.
        rows.sort_unstable_by_key(|row| if newest { !ids[*row].0 } else { ids[*row].0 });
        for row in rows {
            if !taker.wants(ids[row]) {
                break;
            }
            let host = names.host(hosts[row]).unwrap_or_default();
            if self.conditions.words(&[paths[row], origins[row].term.unwrap_or_default(), &host], &mut folded) {
                taker.take(ids[row], row);
            }
        }
        Ok(())
    }
}

/// Reads rows of a chunk whole.
pub(super) fn rows(segment: &Segment, number: usize, wanted: &[usize]) -> Result<Vec<Row>, SegmentError> {
    // Columns are read from their beginning: what comes after the last of these is not looked at.
    let chunk = segment.chunk(number).first(wanted.iter().max().map_or(0, |last| last + 1));
    let (ids, whos, hosts, verdicts, endings) = (chunk.ids()?, chunk.whos()?, chunk.hosts()?, chunk.verdicts()?, chunk.endings()?);
    let (path_bytes, origin_bytes) = (chunk.group(Group::Path)?, chunk.group(Group::Origin)?);
    let (paths, origins) = (chunk.paths(&path_bytes)?, chunk.origins(&origin_bytes, &ids)?);
    let (all_whos, judgements, shapes, texts, names) = (segment.whos()?, segment.judgements()?, segment.shapes()?, segment.texts()?, segment.hosts()?);
    let lost = SegmentError::Damaged("a row names what is in no dictionary");
    let read = |row: usize| -> Option<Row> {
        let host = names.host(hosts[row])?;
        let origin = origins[row];
        let referrer = match origin.referrer {
            Some(referrer) => Some(names.host(referrer)?),
            None => None,
        };
        let shape = Decoder::new(shapes.get(verdicts[row].1 as usize)?).shape().ok()?;
        let opened =
            Opened { time_ms: origin.time_ms, shape, host: &host, path: paths[row], referrer: referrer.as_deref(), cause: origin.cause, term: origin.term };
        let text = |number: Option<u32>| number.and_then(|number| texts.get(number as usize)).map(|text| &**text);
        let closed = endings[row].0.map(|ending| Closed {
            status: ending.status,
            outcome: ending.outcome,
            bytes_up: ending.bytes_up,
            bytes_down: ending.bytes_down,
            duration_us: ending.duration_us,
            upstream: text(ending.upstream),
            note: text(ending.note),
        });
        let (who, judgement) = (all_whos.rows.get(whos[row] as usize)?, judgements.get(verdicts[row].0 as usize)?);
        Some(Row::of(ids[row], segment.directory.class, who, judgement, &opened, closed.as_ref()))
    };
    wanted.iter().map(|row| read(*row)).collect::<Option<_>>().ok_or(lost)
}
