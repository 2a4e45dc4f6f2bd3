//! Which chunks of a segment hold a word: of a host, a path, or a search.
//!
//! Words are folded ([`crate::insight::fold`]). What looks like a word of a language goes into a dictionary, where it is also found by its beginning.
//! What does not (a number, a hash, a name a machine gave) would fill the dictionary and is asked for whole: a filter in each chunk says whether
//! the chunk may hold it. A dictionary that is full takes no more words: a chunk with others is then one that may hold any.

use super::SegmentError;
use super::blob::{Blob, BlobWriter};
use crate::audit::entry::{Decoder, Encoder};
use fst::{IntoStreamer, Streamer};
use siphasher::sip::SipHasher13;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Write};

/// The longest word of a dictionary, in bytes.
const LONGEST: usize = 24;
/// The shortest word that is found by its beginning, in bytes: shorter ones would match half the dictionary.
const SHORTEST_BEGINNING: usize = 3;
/// Bits of a filter for each word in it: one in fifty other words is taken for one of them.
const BITS: usize = 8;
/// How many bits a word sets.
const PROBES: u64 = 5;

/// The most words of a dictionary: ten times as many as a school's day has. Somebody who makes words up gets no further.
const MOST_WORDS: usize = 1_000_000;
/// What stands in the dictionary for every word that is not in it. No word is empty.
const ANY: &str = "";

/// The most digits of a word of a language, however people spell it.
const MOST_DIGITS: usize = 2;

/// A word that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Wanted {
    folded: String,
    /// It may be a name that a machine gave: then only filters know it.
    is_opaque: bool,
}

impl Wanted {
    /// A folded word that was written with so many digits.
    pub(in crate::audit) fn new(folded: &str, digits: usize) -> Self {
        Self { folded: folded.to_owned(), is_opaque: is_opaque(folded, digits) }
    }

    /// Whether it may be in a filter and in no dictionary.
    pub(in crate::audit) fn is_opaque(&self) -> bool {
        self.is_opaque
    }

    /// Whether one of a row's folded words answers to it.
    pub(in crate::audit) fn is_answered_by(&self, found: &str) -> bool {
        if self.folded.len() < SHORTEST_BEGINNING { found == self.folded } else { found.starts_with(&self.folded) }
    }
}

/// Whether a folded word, written with so many digits, is none of a language, as far as can be told.
fn is_opaque(word: &str, digits: usize) -> bool {
    word.len() > LONGEST || digits > MOST_DIGITS
}

fn hash(word: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(word.as_bytes());
    hasher.finish()
}

/// The bits of a word in a filter of so many.
fn probes(hash: u64, bits: u64) -> impl Iterator<Item = usize> {
    let (first, step) = (hash & 0xffff_ffff, hash >> 32 | 1);
    (0..PROBES).map(move |probe| usize::try_from(first.wrapping_add(probe.wrapping_mul(step)) % bits).unwrap_or_default())
}

/// Gathers the words of a segment.
pub(super) struct WordWriter {
    plain: HashMap<Box<str>, Vec<u32>>,
    opaque: HashSet<u64>,
    chunk: u32,
    /// As many as the dictionary takes.
    most: usize,
}

impl Default for WordWriter {
    fn default() -> Self {
        Self { plain: HashMap::new(), opaque: HashSet::new(), chunk: 0, most: MOST_WORDS }
    }
}

impl WordWriter {
    /// Notes a folded word, written with so many digits, of the chunk that is being written.
    pub(super) fn note(&mut self, word: &str, digits: usize) {
        if is_opaque(word, digits) {
            self.opaque.insert(hash(word));
        } else if !self.note_known(word) {
            if self.plain.len() < self.most {
                self.plain.insert(word.into(), vec![self.chunk]);
            } else if !self.note_known(ANY) {
                self.plain.insert(ANY.into(), vec![self.chunk]);
            }
        }
    }

    /// Notes a word that is in the dictionary; false if it is not.
    fn note_known(&mut self, word: &str) -> bool {
        let Some(chunks) = self.plain.get_mut(word) else { return false };
        if chunks.last() != Some(&self.chunk) {
            chunks.push(self.chunk);
        }
        true
    }

    /// Ends a chunk and returns its filter.
    pub(super) fn end_chunk(&mut self) -> Vec<u8> {
        self.chunk += 1;
        let mut filter = vec![0u8; (self.opaque.len() * BITS).div_ceil(8)];
        let bits = (filter.len() * 8) as u64;
        for hash in self.opaque.drain() {
            for bit in probes(hash, bits) {
                filter[bit / 8] |= 1 << (bit % 8);
            }
        }
        filter
    }

    /// Writes the dictionary and the lists of chunks.
    pub(super) fn write(self, out: &mut BlobWriter<impl Write>) -> io::Result<[Blob; 2]> {
        let sorted: BTreeMap<_, _> = self.plain.into_iter().collect();
        let (mut map, mut lists) = (fst::MapBuilder::memory(), Encoder::default());
        for (word, chunks) in sorted {
            map.insert(&*word, place(&mut lists, &chunks)).map_err(io::Error::other)?;
        }
        let map = map.into_inner().map_err(io::Error::other)?;
        Ok([out.as_it_is(&map)?, out.compressed(&lists.0)?])
    }
}

/// Puts a list of chunks away and returns how it is found: one chunk is its own place, marked by the lowest bit.
fn place(lists: &mut Encoder, chunks: &[u32]) -> u64 {
    if let [one] = chunks {
        return u64::from(*one) << 1 | 1;
    }
    let place = lists.0.len() as u64;
    put(lists, chunks);
    place << 1
}

fn put(lists: &mut Encoder, chunks: &[u32]) {
    lists.number(chunks.len() as u64);
    let mut last = 0;
    for chunk in chunks {
        lists.number(u64::from(chunk - last));
        last = *chunk;
    }
}

fn take(from: &mut Decoder<'_>, mut each: impl FnMut(u32)) -> Result<(), SegmentError> {
    let mut last = 0u32;
    for _ in 0..from.small::<u32>()? {
        last = last.checked_add(from.small()?).ok_or(SegmentError::Damaged("a list of chunks cannot be read"))?;
        each(last);
    }
    Ok(())
}

/// The words of a segment.
pub(in crate::audit) struct Words {
    map: fst::Map<Vec<u8>>,
    lists: Vec<u8>,
}

impl Words {
    pub(super) fn read(file: &File, blobs: &[Blob; 2]) -> Result<Self, SegmentError> {
        let map = fst::Map::new(blobs[0].read(file)?).map_err(|_| SegmentError::Damaged("the words cannot be read"))?;
        Ok(Self { map, lists: blobs[1].read(file)? })
    }

    /// The chunks that hold a word, or one that begins so, as far as the dictionary knows.
    pub(in crate::audit) fn chunks(&self, wanted: &Wanted) -> Result<BTreeSet<u32>, SegmentError> {
        let (mut chunks, word) = (BTreeSet::new(), wanted.folded.as_str());
        if let Some(place) = self.map.get(ANY) {
            self.at(place, &mut chunks)?;
        }
        if word.len() < SHORTEST_BEGINNING {
            if let Some(place) = self.map.get(word) {
                self.at(place, &mut chunks)?;
            }
            return Ok(chunks);
        }
        let mut beginning = self.map.range().ge(word).into_stream();
        while let Some((found, place)) = beginning.next() {
            if !found.starts_with(word.as_bytes()) {
                break;
            }
            self.at(place, &mut chunks)?;
        }
        Ok(chunks)
    }

    fn at(&self, place: u64, chunks: &mut BTreeSet<u32>) -> Result<(), SegmentError> {
        if place & 1 == 1 {
            chunks.insert(u32::try_from(place >> 1).unwrap_or(u32::MAX));
            return Ok(());
        }
        let start = usize::try_from(place >> 1).unwrap_or(usize::MAX);
        let list = self.lists.get(start..).ok_or(SegmentError::Damaged("a list of chunks is not there"))?;
        take(&mut Decoder::new(list), |chunk| {
            chunks.insert(chunk);
        })
    }
}

/// Whether a chunk with this filter may hold a word that is in no dictionary.
pub(super) fn may_hold(filter: &[u8], wanted: &Wanted) -> bool {
    let bits = (filter.len() * 8) as u64;
    wanted.is_opaque && bits > 0 && probes(hash(&wanted.folded), bits).all(|bit| filter[bit / 8] & 1 << (bit % 8) != 0)
}

/// Gathers which chunks each host is in.
pub(super) struct HostChunks {
    chunks: Vec<Vec<u32>>,
    chunk: u32,
}

impl HostChunks {
    pub(super) fn new(hosts: usize) -> Self {
        Self { chunks: vec![Vec::new(); hosts], chunk: 0 }
    }

    /// Notes a host of the chunk that is being written; true if it is the first time.
    pub(super) fn note(&mut self, host: u32) -> bool {
        let Some(chunks) = self.chunks.get_mut(host as usize) else { return false };
        let first = chunks.last() != Some(&self.chunk);
        if first {
            chunks.push(self.chunk);
        }
        first
    }

    pub(super) fn end_chunk(&mut self) {
        self.chunk += 1;
    }

    pub(super) fn write(&self, out: &mut BlobWriter<impl Write>) -> io::Result<Blob> {
        let mut lists = Encoder::default();
        self.chunks.iter().for_each(|chunks| put(&mut lists, chunks));
        out.compressed(&lists.0)
    }
}

/// The chunks that one of these hosts is in.
pub(super) fn host_chunks(lists: &[u8], hosts: usize, wanted: &HashSet<u32>) -> Result<BTreeSet<u32>, SegmentError> {
    let (mut from, mut chunks) = (Decoder::new(lists), BTreeSet::new());
    for host in 0..u32::try_from(hosts).unwrap_or(u32::MAX) {
        let of_interest = wanted.contains(&host);
        take(&mut from, |chunk| {
            if of_interest {
                chunks.insert(chunk);
            }
        })?;
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_full_dictionary_does_not_take_is_found_all_the_same() {
        let mut writer = WordWriter { most: 3, ..WordWriter::default() };
        for words in [&["volcano", "homework"][..], &["volcano", "maths", "casino"], &["homework"]] {
            words.iter().for_each(|word| writer.note(word, 0));
            writer.end_chunk();
        }
        let file = tempfile::tempfile().expect("a file");
        let mut out = BlobWriter::new(&file).expect("begun");
        let words = Words::read(&file, &writer.write(&mut out).expect("written")).expect("read");
        for (word, chunks) in [("volcano", [0, 1].as_slice()), ("homework", &[0, 1, 2]), ("casino", &[1]), ("unheard", &[1])] {
            assert_eq!(words.chunks(&Wanted::new(word, 0)).expect("found"), chunks.iter().copied().collect(), "{word}");
        }
    }
}
