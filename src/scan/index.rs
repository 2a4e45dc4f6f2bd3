//! Where the phrases are in folded text: all of them, at every place, also one within another. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! Folded text is words with one space between, so what begins where a word does need not be looked for at every byte:
//!
//! | a phrase | is looked for |
//! | --- | --- |
//! | that begins and ends where words do (` one two `) | at the end of each word: the hash of the word, and that of it with the word before, are probed in a [`Filter`]; what passes is followed back word by word in a [`Table`] |
//! | that begins where a word does (` one tw`) | in each word, as many letters from its start as some phrase has there whose last word begins with the same letters; then likewise |
//! | that may begin within a word (`ne two`) | at every byte: see [`endings`] |
//!
//! A hash only says where to look: what is found was compared byte by byte. So an automaton's answers come out, at a small part of its cost: with 20,000
//! phrases an automaton waits for memory at nearly every byte (`benches/README.md`). However a page is written, a word is followed back through at most as
//! many words as a phrase has.
//!
//! Limit: a word longer than any phrase is not hashed; only its beginning is looked at, and what may begin within words.

mod endings;
mod table;

use super::lexicon::{LONGEST_PHRASE, MOST_WORDS};
use endings::Endings;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;
use table::{Filter, Slot, Table};

/// How many bytes are loaded at once, and how much room text needs for that before its beginning and behind its end.
const LOAD: usize = 8;
/// How much text is kept to compare phrases with. The longest phrase has a space at both ends.
const KEPT: usize = LONGEST_PHRASE + 2 * LOAD;
/// How many words back hashes are kept: a power of two.
const HASHES: usize = MOST_WORDS.next_power_of_two();
/// What stands for the hash of a word that no phrase has.
const NO_WORD: u64 = 0x6a09_e667_f3bc_c908;
/// What parts the hash of a beginning from that of the same letters as a word.
const BEGINNING: u64 = 0xbb67_ae85_84ca_a73b;

/// Phrases by number, as they are found at one place: the longest first.
type Here = SmallVec<[u32; 8]>;

/// All phrases, ready to be looked for.
#[derive(Debug, Default)]
pub struct Index {
    spelled: Spelled,
    /// What ends a phrase: the word of a phrase of one, the last two words of the others; beginnings of words in the same way.
    filter: Filter,
    table: Table,
    beginnings: Option<Box<Beginnings>>,
    endings: Option<Endings>,
}

/// A phrase at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Behind its last byte, counted from the beginning of the text.
    pub end: u64,
    /// How many spaces are before that place.
    pub words: u64,
    /// Which phrase, as a place in what the index was built from.
    pub phrase: u32,
}

/// The phrases themselves, one behind another.
#[derive(Debug, Default)]
struct Spelled {
    bytes: Box<[u8]>,
    /// Where each ends.
    ends: Box<[u32]>,
}

impl Spelled {
    fn of(patterns: &[&str]) -> Option<Self> {
        let mut end = 0_usize;
        let ends = patterns.iter().map(|pattern| {
            end += pattern.len();
            u32::try_from(end).ok()
        });
        Some(Self { ends: ends.collect::<Option<_>>()?, bytes: patterns.concat().into_bytes().into() })
    }

    fn get(&self, phrase: u32) -> &[u8] {
        let place = phrase as usize;
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        let end = self.ends.get(place).map_or(start, |end| *end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn ends(&self, phrase: u32, text: &[u8]) -> bool {
        text.ends_with(self.get(phrase))
    }
}

/// How long beginnings of words are that end a phrase, by the letters they begin with: a bit for each length.
#[derive(Debug)]
struct Beginnings {
    /// Of one or two bytes, by the first.
    short: [u32; 256],
    /// Longer ones, by the first three: the bit 31 is for all of 31 and more.
    long: [u32; Self::LONG],
}

impl Beginnings {
    const LONG: usize = 1 << 12;
    const LAST: usize = 31;

    fn none() -> Self {
        Self { short: [0; 256], long: [0; Self::LONG] }
    }

    fn add(&mut self, beginning: &[u8]) {
        let bit = 1 << beginning.len().min(Self::LAST);
        let of = if beginning.len() < 3 { &mut self.short[usize::from(beginning[0])] } else { &mut self.long[Self::place(&padded(beginning), 0)] };
        *of |= bit;
    }

    /// The lengths to try in a word that begins here and of which there are `length` bytes.
    fn of(&self, text: &[u8], start: usize, length: usize) -> u32 {
        let short = text.get(start).map_or(0, |first| self.short[usize::from(*first)]);
        short | if length < 3 { 0 } else { self.long[Self::place(text, start)] }
    }

    fn place(text: &[u8], start: usize) -> usize {
        const PLACES: u64 = Beginnings::LONG as u64 - 1;
        usize::try_from(scramble(load(text, start) & 0xff_ffff, NO_WORD) >> 24 & PLACES).unwrap_or_default()
    }
}

/// Lengths, from the shortest.
#[derive(Clone, Debug, Default)]
struct Lengths {
    /// A bit for each, but for long ones.
    short: u32,
    long: Range<usize>,
}

impl Lengths {
    /// Those of [`Beginnings`] that are more than `read` and no more than `length`.
    fn new(bits: u32, read: usize, length: usize) -> Self {
        let until = |length: usize| (1_u32 << (length + 1).min(Beginnings::LAST)) - 1;
        let has_long = bits >> Beginnings::LAST == 1;
        let long = if has_long { Beginnings::LAST.max(read + 1)..length.min(LONGEST_PHRASE) + 1 } else { 0..0 };
        Self { short: bits & until(length) & !until(read), long }
    }
}

impl Iterator for Lengths {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.short == 0 {
            return self.long.next();
        }
        let length = self.short.trailing_zeros() as usize;
        self.short &= self.short - 1;
        Some(length)
    }
}

impl Index {
    /// For these phrases: folded, with a space at the ends that are those of words. None if they are more than can be numbered.
    #[must_use]
    pub fn build(patterns: &[&str]) -> Option<Self> {
        let spelled = Spelled::of(patterns)?;
        let (mut known, mut slots, mut filtered) = (HashMap::<(bool, &str), usize>::new(), Vec::<Slot>::new(), Vec::new());
        let (mut beginnings, mut within) = (None, Vec::new());
        for (number, pattern) in (0_u32..).zip(patterns) {
            let Some(words) = pattern.strip_prefix(' ') else {
                within.push(number);
                continue;
            };
            let is_closed = words.ends_with(' ');
            let (words, mut hash, mut behind) = (words.trim_end(), None, words.len());
            for (place, word) in words.rsplit(' ').enumerate() {
                let more = match hash {
                    Some(hash) => with_word_before(hash, hash_of(word.as_bytes())),
                    None if is_closed => hash_of(word.as_bytes()),
                    None => hash_of(word.as_bytes()) ^ BEGINNING,
                };
                hash = Some(more);
                behind = if place == 0 { words.len() - word.len() } else { behind - 1 - word.len() };
                let slot = *known.entry((is_closed, &words[behind..])).or_insert_with(|| {
                    slots.push(Slot::new(more));
                    slots.len() - 1
                });
                if behind == 0 {
                    slots[slot].phrase = Some(number)
                } else {
                    slots[slot].goes_on = true
                }
                if place == 1 || behind == 0 && place == 0 {
                    filtered.push(more);
                }
                if place == 0 && !is_closed {
                    beginnings.get_or_insert_with(|| Box::new(Beginnings::none())).add(word.as_bytes());
                }
            }
        }
        filtered.sort_unstable();
        filtered.dedup();
        Some(Self { filter: Filter::of(&filtered), table: Table::of(&slots), beginnings, endings: Endings::of(&within, &spelled), spelled })
    }

    /// What it takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let beginnings = self.beginnings.as_deref().map_or(0, size_of_val);
        let endings = self.endings.as_ref().map_or(0, Endings::memory);
        self.spelled.bytes.len() + size_of_val(&*self.spelled.ends) + self.filter.memory() + self.table.memory() + beginnings + endings
    }

    /// The phrases that end behind this text and whose last word, or beginning of one, has this hash. `before` gives the hashes of the words before it.
    #[cold]
    #[inline(never)]
    fn follow(&self, mut hash: u64, before: impl Iterator<Item = u64>, text: &[u8], here: &mut Here) {
        let from = here.len();
        let mut before = before.take(MOST_WORDS - 1);
        loop {
            let mut goes_on = false;
            for slot in self.table.get(hash) {
                goes_on |= slot.goes_on;
                here.extend(slot.phrase.filter(|phrase| self.spelled.ends(*phrase, text)));
            }
            let Some(word) = before.next().filter(|_| goes_on) else { break };
            hash = with_word_before(hash, word);
        }
        here[from..].reverse();
    }
}

/// Looks for phrases in a text as it comes.
#[derive(Clone, Debug)]
pub struct Finder {
    /// What was read last, and behind it what is to be read.
    text: Vec<u8>,
    /// Where that begins.
    unread: usize,
    /// How much was read of all.
    offset: u64,
    /// How many spaces were in it.
    words: u64,
    /// How long the word at hand is, as far as it was read.
    length: usize,
    /// The hashes of the last words, by their number.
    hashes: [u64; HASHES],
}

impl Default for Finder {
    /// At the beginning of a text.
    fn default() -> Self {
        Self { text: vec![0; LOAD], unread: LOAD, offset: 0, words: 0, length: 0, hashes: [NO_WORD; HASHES] }
    }
}

impl Finder {
    /// With room for so much text at once.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        let mut text = Vec::with_capacity(KEPT + bytes + LOAD);
        text.resize(LOAD, 0);
        Self { text, ..Self::default() }
    }

    /// Where folded text is put behind what is there, to be looked at next.
    pub fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// How much has come that was not looked at.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.text.len() - self.unread
    }

    /// How much was looked at.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Looks at all that has come. The index is always the same one. Phrases are told by their ends; of those that end at one place, the longest first.
    pub fn look(&mut self, index: &Index, found: &mut impl FnMut(Match)) {
        let end = self.text.len();
        self.text.resize(end + LOAD, 0);
        if index.beginnings.is_some() || index.endings.is_some() {
            self.look_within(index, end, found);
        } else {
            self.look_at_words(index, end, found);
        }
        self.text.truncate(end);
        self.offset += (end - self.unread) as u64;
        self.text.drain(..end.saturating_sub(KEPT));
        self.unread = self.text.len();
    }

    /// Where there are only phrases that begin and end where words do.
    fn look_at_words(&mut self, index: &Index, end: usize, found: &mut impl FnMut(Match)) {
        let Self { text, unread, offset, words, length, hashes } = self;
        let mut word = Word::at_hand(*unread, *length);
        let mut before = hashes[place(*words)];
        for at in (*unread..end).step_by(LOAD) {
            let mut spaces = spaces_in(load(text, at));
            while spaces != 0 {
                let space = at + (spaces.trailing_zeros() / 8) as usize;
                spaces &= spaces - 1;
                let hash = word.hash(text, space);
                *words += 1;
                hashes[place(*words)] = hash;
                if index.filter.has(hash) || index.filter.has(with_word_before(hash, before)) {
                    let mut here = Here::new();
                    index.follow(hash, words_before(hashes, *words), &text[..=space], &mut here);
                    let end = *offset + (space + 1 - *unread) as u64;
                    here.into_iter().for_each(|phrase| found(Match { end, words: *words, phrase }));
                }
                before = hash;
                word = Word { start: space + 1, longer: 0 };
            }
        }
        *length = word.length(end);
    }

    /// Where phrases may begin or end within words.
    fn look_within(&mut self, index: &Index, end: usize, found: &mut impl FnMut(Match)) {
        let mut word = Word::at_hand(self.unread, self.length);
        let mut from = self.unread;
        while from < end {
            let space = memchr::memchr(b' ', &self.text[from..end]).map_or(end, |place| from + place);
            self.look_in_word(index, &word, from..space, found);
            self.length = word.length(space);
            if space == end {
                break;
            }
            let hash = word.hash(&self.text, space);
            let mut here = Here::new();
            let before = self.hashes[place(self.words)];
            self.words += 1;
            self.hashes[place(self.words)] = hash;
            if index.filter.has(hash) || index.filter.has(with_word_before(hash, before)) {
                index.follow(hash, words_before(&self.hashes, self.words), &self.text[..=space], &mut here);
            }
            self.endings(index, space + 1, &mut here);
            self.tell(space + 1, here, found);
            word = Word { start: space + 1, longer: 0 };
            self.length = 0;
            from = space + 1;
        }
    }

    /// The letters of a word, as far as they have not been looked at.
    fn look_in_word(&self, index: &Index, word: &Word, letters: Range<usize>, found: &mut impl FnMut(Match)) {
        let (read, length) = (word.length(letters.start), word.length(letters.end));
        let lengths = match &index.beginnings {
            Some(beginnings) if read < LONGEST_PHRASE => Lengths::new(beginnings.of(&self.text, word.start, length), read, length),
            Some(_) | None => Lengths::default(),
        };
        if index.endings.is_none() {
            return lengths.for_each(|length| {
                let mut here = Here::new();
                self.beginnings(index, word, length, &mut here);
                self.tell(word.start + length, here, found);
            });
        }
        let mut lengths = lengths.peekable();
        for end in letters.start + 1..=letters.end {
            let mut here = Here::new();
            if let Some(length) = lengths.next_if_eq(&word.length(end)) {
                self.beginnings(index, word, length, &mut here);
            }
            self.endings(index, end, &mut here);
            self.tell(end, here, found);
        }
    }

    /// What ends with so much of this word.
    fn beginnings(&self, index: &Index, word: &Word, length: usize, here: &mut Here) {
        let hash = hash(&self.text, word.start, length) ^ BEGINNING;
        if index.filter.has(hash) || index.filter.has(with_word_before(hash, self.hashes[place(self.words)])) {
            index.follow(hash, words_before(&self.hashes, self.words + 1), &self.text[..word.start + length], here);
        }
    }

    /// What ends here and may begin within a word, beside what is there.
    fn endings(&self, index: &Index, end: usize, here: &mut Here) {
        let Some(endings) = &index.endings else { return };
        let others = here.len();
        endings.at(&self.text, end, &index.spelled, here);
        if others > 0 && here.len() > others {
            here.sort_by_key(|phrase| std::cmp::Reverse(index.spelled.get(*phrase).len()));
        }
    }

    fn tell(&self, end: usize, here: Here, found: &mut impl FnMut(Match)) {
        let end = self.offset + (end - self.unread) as u64;
        here.into_iter().for_each(|phrase| found(Match { end, words: self.words, phrase }));
    }
}

/// The word at hand.
#[derive(Clone, Copy, Debug)]
struct Word {
    start: usize,
    /// How much of it is not kept any more.
    longer: usize,
}

impl Word {
    fn at_hand(unread: usize, length: usize) -> Self {
        Self { start: unread.saturating_sub(length), longer: length.saturating_sub(unread) }
    }

    /// Its length, if it goes on until here.
    fn length(&self, end: usize) -> usize {
        end - self.start + self.longer
    }

    fn hash(&self, text: &[u8], end: usize) -> u64 {
        match self.length(end) {
            length @ 1..=LONGEST_PHRASE => hash(text, self.start, length),
            _ => NO_WORD,
        }
    }
}

/// Where the hash of the word before this space is kept.
fn place(words: u64) -> usize {
    const LAST: u64 = HASHES as u64 - 1;
    usize::try_from(words & LAST).unwrap_or_default()
}

/// The hashes of the words before this one, the nearest first.
fn words_before(hashes: &[u64; HASHES], word: u64) -> impl Iterator<Item = u64> {
    (1..word).rev().map(|word| hashes[place(word)])
}

/// Eight bytes of a text from here on.
fn load(text: &[u8], at: usize) -> u64 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The highest bit of each byte that is a space.
fn spaces_in(bytes: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const LOW: u64 = ONES * 0x7f;
    let without = bytes ^ ONES * b' ' as u64;
    !((without & LOW) + LOW | without | LOW)
}

/// Mixes two numbers into one.
fn scramble(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(other ^ 0x8bb8_4b93_962e_acc9);
    let [low, high] = [product, product >> 64].map(|half| (half & u128::from(u64::MAX)) as u64);
    low ^ high
}

/// A hash of so many bytes of a text, at least one, with as many bytes behind them as are loaded at once.
fn hash(text: &[u8], start: usize, length: usize) -> u64 {
    // Past eight bytes the last eight are taken, some of them twice.
    let first = load(text, start) & u64::MAX >> (64 - 8 * length.min(LOAD));
    let last = if length > LOAD { load(text, start + length - LOAD) } else { 0 };
    let mut hash = scramble(first, last.wrapping_add(length as u64));
    if length > 2 * LOAD {
        for at in (start + LOAD..start + length - LOAD).step_by(LOAD) {
            hash = scramble(hash, load(text, at));
        }
    }
    hash
}

/// The same of bytes that stand alone.
fn hash_of(word: &[u8]) -> u64 {
    if word.is_empty() { NO_WORD } else { hash(&padded(word), 0, word.len()) }
}

fn padded(word: &[u8]) -> Vec<u8> {
    [word, &[0; LOAD]].concat()
}

/// The hash of words with one more before them.
fn with_word_before(hash: u64, word: u64) -> u64 {
    scramble(hash, word.rotate_left(32))
}

#[cfg(test)]
mod tests;
