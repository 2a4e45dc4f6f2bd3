//! Who asked for each host of a segment, for which kind of thing: how often, first, and last. So who visited a site is told without reading a row.

use super::SegmentError;
use super::blob::{Blob, BlobWriter};
use super::pages::{PageWriter, Pages};
use crate::audit::entry::{Decoder, Encoder, NotAnEntry};
use crate::audit::record::RecordId;
use crate::insight::Kind;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};

/// How many records of somebody there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Askings {
    pub(in crate::audit) records: u64,
    pub(in crate::audit) first: RecordId,
    pub(in crate::audit) last: RecordId,
}

impl Askings {
    pub(in crate::audit) fn of(id: RecordId) -> Self {
        Self { records: 1, first: id, last: id }
    }

    pub(in crate::audit) fn add(&mut self, more: Self) {
        self.records += more.records;
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
    }
}

/// Somebody, by the number in the dictionary of people, and the place in [`Kind::NAMES`] of what they asked for.
pub(super) type Asker = (u32, u8);
/// Those who asked for a host, in order.
pub(super) type Asked = Vec<(Asker, Askings)>;

const KINDS: u64 = Kind::NAMES.len() as u64;

/// Gathers who asks for each host.
pub(super) struct AskerWriter {
    hosts: Vec<Asked>,
    /// Where in the list of a host somebody stands, for the person whose rows are being written.
    places: HashMap<(u32, Asker), usize>,
}

impl AskerWriter {
    pub(super) fn new(hosts: usize) -> Self {
        Self { hosts: vec![Vec::new(); hosts], places: HashMap::new() }
    }

    pub(super) fn note(&mut self, host: u32, asker: Asker, id: RecordId) {
        let Some(asked) = self.hosts.get_mut(host as usize) else { return };
        match self.places.get(&(host, asker)).and_then(|place| asked.get_mut(*place)) {
            Some((_, askings)) => askings.add(Askings::of(id)),
            None => {
                self.places.insert((host, asker), asked.len());
                asked.push((asker, Askings::of(id)));
            }
        }
    }

    /// No more rows of this person come.
    pub(super) fn end_person(&mut self) {
        self.places.clear();
    }

    /// Writes the lists, then where they are. `least` is the least record id of the segment.
    pub(super) fn write(self, least: RecordId, out: &mut BlobWriter<impl Write>) -> io::Result<Blob> {
        let (mut lists, mut places) = (PageWriter::default(), Vec::with_capacity(self.hosts.len()));
        for mut asked in self.hosts {
            asked.sort_unstable_by_key(|(asker, _)| *asker);
            places.push(lists.push(&encode(&asked, least), out)?);
        }
        let pages = lists.finish(out)?;
        out.compressed(&Askers { places, pages }.encode())
    }
}

/// Where it stands who asked for each host.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::audit) struct Askers {
    /// The place of each host's list.
    places: Vec<u64>,
    pub(super) pages: Pages,
}

impl Askers {
    pub(super) fn read(file: &File, blob: &Blob) -> Result<Self, SegmentError> {
        Self::decode(&blob.read(file)?)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let (mut out, mut last) = (Encoder::default(), 0);
        out.number(self.places.len() as u64);
        for place in &self.places {
            out.number(place - last);
            last = *place;
        }
        self.pages.encode(&mut out);
        out.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, SegmentError> {
        let (mut from, mut last) = (Decoder::new(bytes), 0u64);
        let count: usize = from.small()?;
        let mut places = Vec::with_capacity(count.min(bytes.len()));
        for _ in 0..count {
            last = last.checked_add(from.number()?).ok_or(NotAnEntry)?;
            places.push(last);
        }
        Ok(Self { places, pages: Pages::decode(&mut from, bytes.len())? })
    }

    /// Shows who asked for any of these hosts; somebody who asked for several is shown for each. `least` is the least record id of the segment.
    pub(super) fn each(&self, file: &File, least: RecordId, hosts: &HashSet<u32>, mut show: impl FnMut(Asker, Askings)) -> Result<(), SegmentError> {
        let mut places: Vec<_> = hosts.iter().filter_map(|host| self.places.get(*host as usize).copied()).collect();
        places.sort_unstable();
        let mut lists = self.pages.reader(file);
        for place in places {
            decode(lists.list(place)?, least)?.into_iter().for_each(|(asker, askings)| show(asker, askings));
        }
        Ok(())
    }
}

/// A list as bytes.
pub(super) fn encode(asked: &[(Asker, Askings)], least: RecordId) -> Vec<u8> {
    let (mut out, mut before) = (Encoder::default(), 0);
    for ((who, kind), Askings { records, first, last }) in asked {
        let number = u64::from(*who) * KINDS + u64::from(*kind);
        out.number(number - before);
        before = number;
        out.number(*records);
        out.number(first.ms().wrapping_sub(least.ms()));
        out.number(first.counter());
        if *records > 1 {
            out.number(last.ms().wrapping_sub(first.ms()));
            out.number(last.counter());
        }
    }
    out.0
}

/// A list in bytes.
pub(super) fn decode(bytes: &[u8], least: RecordId) -> Result<Asked, SegmentError> {
    let (mut from, mut asked, mut number) = (Decoder::new(bytes), Vec::new(), 0u64);
    while !from.is_empty() {
        number = number.checked_add(from.number()?).ok_or(NotAnEntry)?;
        let asker = (u32::try_from(number / KINDS).map_err(|_| NotAnEntry)?, u8::try_from(number % KINDS).map_err(|_| NotAnEntry)?);
        let records = from.number()?;
        let first = RecordId::of_parts(least.ms().wrapping_add(from.number()?), from.number()?);
        let last = if records > 1 { RecordId::of_parts(first.ms().wrapping_add(from.number()?), from.number()?) } else { first };
        asked.push((asker, Askings { records, first, last }));
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// People have one or two numbers each.
        #[test]
        fn whoever_asked_is_found_by_the_hosts_they_asked_for(
            seed in prop::collection::vec((0..40u32, 0..4u8, 0..300u32, 0..50_000_000u64), 1..400),
            wanted in prop::collection::hash_set(0..300u32, 0..5),
        ) {
            let mut rows: Vec<_> = seed.into_iter().map(|(who, kind, host, ms)| (who / 2, RecordId::first_of(1_790_000_000_000 + ms), (who, kind), host)).collect();
            rows.sort_unstable();
            let mut writer = AskerWriter::new(300);
            let (mut naive, mut last) = (BTreeMap::new(), 0);
            for (person, id, asker, host) in &rows {
                if *person != last {
                    writer.end_person();
                    last = *person;
                }
                writer.note(*host, *asker, *id);
                naive.entry((*host, *asker)).and_modify(|askings: &mut Askings| askings.add(Askings::of(*id))).or_insert(Askings::of(*id));
            }
            let least = rows.iter().map(|(_, id, ..)| *id).min().unwrap_or_default();
            let file = tempfile::tempfile().expect("a file");
            let mut out = BlobWriter::new(&file).expect("begun");
            let index = writer.write(least, &mut out).expect("written");
            let mut found = Vec::new();
            Askers::read(&file, &index).expect("read").each(&file, least, &wanted, |asker, askings| found.push((asker, askings))).expect("shown");
            let mut asked: Vec<_> = naive.into_iter().filter(|((host, _), _)| wanted.contains(host)).map(|((_, asker), askings)| (asker, askings)).collect();
            for list in [&mut found, &mut asked] {
                list.sort_unstable_by_key(|(asker, askings)| (*asker, askings.first, askings.last));
            }
            prop_assert_eq!(found, asked);
        }
    }
}
