//! The rows of several segments as one, person by person: of each segment one chunk is in memory.

use crate::audit::entry::Digest;
use crate::audit::record::{Class, RecordId};
use crate::audit::rewrite::Source;
use crate::audit::segment::dictionary::persons;
use crate::audit::segment::gather::{Gathered, Places};
use crate::audit::segment::write::Chained;
use crate::audit::segment::{Directory, Line, Rows, SegmentError, SegmentWriter};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

/// Writes the rows of all of these as one segment.
pub(super) fn write<W: Write>(out: W, class: Class, lives: (u64, u64), sources: &[Source], chained: &Chained) -> io::Result<(W, Directory, Digest)> {
    let mut gathered = Gathered::default();
    let numbers: Vec<_> = sources.iter().map(|source| gather(&mut gathered, source)).collect();
    let (dictionaries, sorted) = gathered.sorted();
    let persons = persons(&dictionaries.whos);
    let mut all: Vec<_> = sources.iter().zip(numbers).map(|(source, numbers)| InOrder::of(source, numbers.then(&sorted))).collect();
    let mut first = BinaryHeap::new();
    for (place, rows) in all.iter_mut().enumerate() {
        first.extend(rows.order(&persons)?.map(|order| Reverse((order, place))));
    }
    let mut segment = SegmentWriter::new(out, &dictionaries)?;
    // What is long is written by now.
    drop(dictionaries);
    while let Some(Reverse((_, place))) = first.pop() {
        let rows = &mut all[place];
        if let Some(line) = rows.line() {
            segment.push(&line)?;
        }
        rows.row += 1;
        first.extend(rows.order(&persons)?.map(|order| Reverse((order, place))));
    }
    segment.finish(class, lives, chained)
}

/// Adds what the rows of a segment share to what is gathered; returns the number that each got.
fn gather(gathered: &mut Gathered, source: &Source) -> Places {
    Places {
        whos: source.whos.iter().map(|who| gathered.whos.number(who.encoded().as_slice())).collect(),
        judgements: source.judgements.iter().map(|judgement| gathered.judgements.number(judgement.encoded().as_slice())).collect(),
        shapes: source.shapes.iter().map(|shape| gathered.shapes.number(&**shape)).collect(),
        texts: source.texts.iter().map(|text| gathered.texts.number(&**text)).collect(),
        hosts: source.hosts.iter().map(|host| gathered.hosts.number(host.as_str())).collect(),
    }
}

/// The rows of one segment in their order, a chunk in memory at a time, with their numbers in the new dictionaries.
struct InOrder<'s> {
    source: &'s Source,
    places: Places,
    /// The next to be read.
    chunk: usize,
    rows: Rows,
    row: usize,
}

impl<'s> InOrder<'s> {
    fn of(source: &'s Source, places: Places) -> Self {
        Self { source, places, chunk: 0, rows: Rows::default(), row: 0 }
    }

    /// The next row; nothing before [`InOrder::order`] was asked for it, and at the end.
    fn line(&self) -> Option<Line<'_>> {
        self.rows.get(self.row).map(|line| self.places.of(line))
    }

    /// What the next row is sorted by; nothing at the end.
    fn order(&mut self, persons: &[u32]) -> io::Result<Option<(u32, RecordId)>> {
        while self.row == self.rows.len() && self.chunk < self.source.segment.directory.chunks.len() {
            self.read_chunk().map_err(io::Error::other)?;
        }
        Ok(self.line().map(|line| (persons.get(line.who as usize).copied().unwrap_or_default(), line.id)))
    }

    fn read_chunk(&mut self) -> Result<(), SegmentError> {
        self.rows.clear();
        self.row = 0;
        self.source.each_of(self.chunk, |record| {
            self.rows.push(&record.line);
            Ok(())
        })?;
        self.chunk += 1;
        Ok(())
    }
}
