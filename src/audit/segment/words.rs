//! Where a word stands in a segment: in which rows, of a path or a search; or in which hosts.
//!
//! Words are folded ([`crate::insight::fold`]). What looks like a word of a language goes into a dictionary, where it is also found by its beginning.
//! What does not (a number, a hash, a name a machine gave) would fill the dictionary and is asked for whole: a filter in each chunk says whether
//! the chunk may hold it. A dictionary that is full takes no more words: a row with others is then one that may hold any.

use super::SegmentError;
use super::blob::{Blob, BlobWriter};
use super::pages::{PageWriter, Pages};
use crate::audit::entry::{Decoder, Encoder};
use crate::insight::fold;
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

/// Where a word stands: numbers of rows or of hosts, as they come.
#[derive(Default)]
struct List {
    last: u32,
    /// Each number as what it is above the one before.
    numbers: Encoder,
}

impl List {
    /// Adds a number that is not less than the last; true if it is new.
    fn push(&mut self, number: u32) -> bool {
        let is_new = self.numbers.0.is_empty() || number != self.last;
        if is_new {
            self.numbers.number(u64::from(number - self.last));
            self.last = number;
        }
        is_new
    }
}

/// Hands out the numbers of a list.
pub(super) fn unlisted(list: &[u8], mut each: impl FnMut(u32)) -> Result<(), SegmentError> {
    let (mut from, mut last) = (Decoder::new(list), 0u32);
    while !from.is_empty() {
        last = last.checked_add(from.small()?).ok_or(SegmentError::Damaged("a list of rows cannot be read"))?;
        each(last);
    }
    Ok(())
}

/// Words, and where each stands.
struct Dictionary {
    words: HashMap<Box<str>, List>,
    /// As many as it takes.
    most: usize,
}

impl Default for Dictionary {
    fn default() -> Self {
        Self { words: HashMap::new(), most: MOST_WORDS }
    }
}

impl Dictionary {
    fn note(&mut self, word: &str, at: u32) {
        if !self.note_known(word, at) {
            if self.words.len() < self.most {
                self.words.entry(word.into()).or_default().push(at);
            } else {
                self.words.entry(ANY.into()).or_default().push(at);
            }
        }
    }

    /// Notes a word that is in the dictionary; false if it is not.
    fn note_known(&mut self, word: &str, at: u32) -> bool {
        self.words.get_mut(word).map(|list| list.push(at)).is_some()
    }
}

/// Gathers the words of a segment.
pub(super) struct WordWriter {
    /// Of paths and searches, and the rows they are in.
    plain: Dictionary,
    /// Of hosts, and the numbers of those.
    hosts: Dictionary,
    /// Hashes of the opaque words of hosts, by the numbers of those; most have none.
    opaque_of_hosts: HashMap<u32, Vec<u64>>,
    /// Of the chunk that is being written.
    opaque: HashSet<u64>,
}

impl WordWriter {
    /// With the hosts of the segment, in the order of their numbers.
    pub(super) fn new(hosts: impl Iterator<Item = impl AsRef<str>>) -> Self {
        let (mut known, mut folded, mut opaque_of_hosts) = (Dictionary::default(), String::new(), HashMap::new());
        for (host, number) in hosts.zip(0..) {
            fold::for_each_counted_word(host.as_ref(), &mut folded, |word, digits| {
                if is_opaque(word, digits) {
                    opaque_of_hosts.entry(number).or_insert_with(Vec::new).push(hash(word));
                } else {
                    known.note(word, number);
                }
            });
        }
        Self { plain: Dictionary::default(), hosts: known, opaque_of_hosts, opaque: HashSet::new() }
    }

    /// Notes a folded word of a row, written with so many digits.
    pub(super) fn note(&mut self, word: &str, digits: usize, row: u32) {
        if is_opaque(word, digits) {
            self.opaque.insert(hash(word));
        } else {
            self.plain.note(word, row);
        }
    }

    /// Notes a host that comes for the first time in the chunk being written.
    pub(super) fn note_host(&mut self, host: u32) {
        self.opaque.extend(self.opaque_of_hosts.get(&host).into_iter().flatten());
    }

    /// Ends a chunk and returns its filter.
    pub(super) fn end_chunk(&mut self) -> Vec<u8> {
        let mut filter = vec![0u8; (self.opaque.len() * BITS).div_ceil(8)];
        let bits = (filter.len() * 8) as u64;
        for hash in self.opaque.drain() {
            for bit in probes(hash, bits) {
                filter[bit / 8] |= 1 << (bit % 8);
            }
        }
        filter
    }

    /// Writes the dictionary, the lists, and where those are.
    pub(super) fn write(self, out: &mut BlobWriter<impl Write>) -> io::Result<[Blob; 2]> {
        let hosts = self.hosts.words.into_iter().map(|(word, list)| (key_of_host(&word), list));
        let plain = self.plain.words.into_iter().map(|(word, list)| (String::from(word), list));
        let sorted: BTreeMap<_, _> = hosts.chain(plain).collect();
        let (mut map, mut lists) = (fst::MapBuilder::memory(), PageWriter::default());
        for (word, list) in sorted {
            let numbers = list.numbers.0;
            let is_one = Decoder::new(&numbers).number().is_ok_and(|first| first == u64::from(list.last));
            // One number is its own place, marked by the lowest bit.
            let place = if is_one { u64::from(list.last) << 1 | 1 } else { lists.push(&numbers, out)? << 1 };
            map.insert(&word, place).map_err(io::Error::other)?;
        }
        let (map, mut pages) = (map.into_inner().map_err(io::Error::other)?, Encoder::default());
        lists.finish(out)?.encode(&mut pages);
        Ok([out.as_it_is(&map)?, out.compressed(&pages.0)?])
    }
}

/// What a word of hosts is in the dictionary. No folded word holds a dot.
fn key_of_host(word: &str) -> String {
    format!(".{word}")
}

/// Where a word stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::audit) struct Found {
    /// The rows with it in path or search, counted through the segment; each once, the first first.
    pub(in crate::audit) rows: Vec<u32>,
    /// The hosts with it, by their numbers.
    pub(in crate::audit) hosts: HashSet<u32>,
}

/// The words of a segment.
pub(in crate::audit) struct Words {
    map: fst::Map<Vec<u8>>,
    pages: Pages,
}

/// Where the lists of a segment's words are.
pub(super) fn pages(file: &File, blobs: &[Blob; 2]) -> Result<Pages, SegmentError> {
    let bytes = blobs[1].read(file)?;
    Pages::decode(&mut Decoder::new(&bytes), bytes.len())
}

impl Words {
    pub(super) fn read(file: &File, blobs: &[Blob; 2]) -> Result<Self, SegmentError> {
        let map = fst::Map::new(blobs[0].read(file)?).map_err(|_| SegmentError::Damaged("the words cannot be read"))?;
        Ok(Self { map, pages: pages(file, blobs)? })
    }

    /// Where a word stands, or one that begins so, as far as the dictionary knows.
    pub(super) fn find(&self, file: &File, wanted: &Wanted) -> Result<Found, SegmentError> {
        let mut found = Found::default();
        self.each(file, "", &wanted.folded, |row| found.rows.push(row))?;
        self.each(file, ".", &wanted.folded, |host| found.hosts.extend([host]))?;
        found.rows.sort_unstable();
        found.rows.dedup();
        Ok(found)
    }

    /// Hands out where a word stands; `kind` is what its keys begin with.
    fn each(&self, file: &File, kind: &str, word: &str, mut each: impl FnMut(u32)) -> Result<(), SegmentError> {
        let mut lists = self.pages.reader(file);
        let mut at = |place: u64| match u32::try_from(place >> 1) {
            Ok(one) if place & 1 == 1 => {
                each(one);
                Ok(())
            }
            _ => unlisted(lists.list(place >> 1)?, &mut each),
        };
        self.map.get(kind).map_or(Ok(()), &mut at)?;
        let key = format!("{kind}{word}");
        if word.len() < SHORTEST_BEGINNING {
            return self.map.get(key).map_or(Ok(()), at);
        }
        let mut beginning = self.map.range().ge(&key).into_stream();
        while let Some((found, place)) = beginning.next() {
            if !found.starts_with(key.as_bytes()) {
                break;
            }
            at(place)?;
        }
        Ok(())
    }
}

/// Whether a chunk with this filter may hold a word that is in no dictionary.
pub(super) fn may_hold(filter: &[u8], wanted: &Wanted) -> bool {
    let bits = (filter.len() * 8) as u64;
    wanted.is_opaque && bits > 0 && probes(hash(&wanted.folded), bits).all(|bit| filter[bit / 8] & 1 << (bit % 8) != 0)
}

/// Gathers which chunks each host is in.
pub(super) struct HostChunks {
    chunks: Vec<List>,
    chunk: u32,
}

impl HostChunks {
    pub(super) fn new(hosts: usize) -> Self {
        Self { chunks: std::iter::repeat_with(List::default).take(hosts).collect(), chunk: 0 }
    }

    /// Notes a host of the chunk that is being written; true if it is the first time.
    pub(super) fn note(&mut self, host: u32) -> bool {
        self.chunks.get_mut(host as usize).is_some_and(|chunks| chunks.push(self.chunk))
    }

    pub(super) fn end_chunk(&mut self) {
        self.chunk += 1;
    }

    pub(super) fn write(&self, out: &mut BlobWriter<impl Write>) -> io::Result<Blob> {
        let mut lists = Encoder::default();
        for List { numbers, .. } in &self.chunks {
            lists.number(numbers.0.len() as u64);
            lists.0.extend_from_slice(&numbers.0);
        }
        out.compressed(&lists.0)
    }
}

/// The chunks that one of these hosts is in.
pub(super) fn host_chunks(lists: &[u8], hosts: usize, wanted: &HashSet<u32>) -> Result<BTreeSet<u32>, SegmentError> {
    let (mut from, mut chunks) = (Decoder::new(lists), BTreeSet::new());
    for host in 0..u32::try_from(hosts).unwrap_or(u32::MAX) {
        let length = from.small()?;
        let list = from.bytes(length)?;
        if wanted.contains(&host) {
            unlisted(list, |chunk| chunks.extend([chunk]))?;
        }
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(writer: WordWriter) -> (File, Words) {
        let file = tempfile::tempfile().expect("a file");
        let mut out = BlobWriter::new(&file).expect("begun");
        let words = Words::read(&file, &writer.write(&mut out).expect("written")).expect("read");
        (file, words)
    }

    #[test]
    fn what_a_full_dictionary_does_not_take_is_found_all_the_same() {
        let mut writer = WordWriter::new(["volcano.example", "maths.example"].iter());
        writer.plain.most = 3;
        for (words, row) in [(&["volcano", "homework"][..], 4), (&["volcano", "maths", "casino"], 7), (&["homework", "homework"], 70_000)] {
            words.iter().for_each(|word| writer.note(word, 0, row));
        }
        let (file, words) = written(writer);
        for (word, rows, hosts) in [
            ("volcano", &[4, 7][..], &[0][..]),
            ("homework", &[4, 7, 70_000], &[]),
            ("casino", &[7], &[]),
            ("unheard", &[7], &[]),
            ("exa", &[7], &[0, 1]),
            ("ex", &[7], &[]),
            ("maths", &[7], &[1]),
        ] {
            let wanted = Found { rows: rows.to_vec(), hosts: hosts.iter().copied().collect() };
            assert_eq!(words.find(&file, &Wanted::new(word, 0)).expect("found"), wanted, "{word}");
        }
    }

    #[test]
    fn a_word_of_many_rows_is_found_beside_words_of_few() {
        let mut writer = WordWriter::new(std::iter::empty::<&str>());
        for row in 0..90_000 {
            writer.note("common", 0, row);
            writer.note(&format!("few{}", row % 30_000), 0, row);
        }
        let (file, words) = written(writer);
        let rows = |word| words.find(&file, &Wanted::new(word, 0)).expect("found").rows;
        assert_eq!(rows("common"), (0..90_000).collect::<Vec<_>>());
        assert_eq!(rows("few29999"), [29_999, 59_999, 89_999]);
    }
}
