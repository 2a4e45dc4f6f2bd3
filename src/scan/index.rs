//! Where the phrases are in folded text: all of them, at every place, also one within another. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! Folded text is words with one space between, so what begins where a word does need not be looked for at every byte:
//!
//! | a phrase | is looked for |
//! | --- | --- |
//! | that begins and ends where words do (` one two `) | at the end of each word: the hash of the word, and that of it with the word before, are probed in a filter; what passes is followed back word by word in a table |
//! | that begins where a word does (` one tw`) | in each word, as many letters from its start as some phrase has there whose last word begins with the same letters; then likewise |
//! | that may begin within a word (`ne two`) | at every byte, by an automaton of only those |
//!
//! A hash only says where to look: what is found was compared byte by byte. So an automaton's answers come out, at a small part of its cost: one of 20,000
//! phrases waits for memory at nearly every byte (`benches/README.md`). However a page is written, a word is followed back through at most as
//! many words as a phrase has.
//!
//! Limit: a word longer than any phrase is not hashed; only its beginning is looked at, and what may begin within words.

mod endings;
mod table;

use super::lexicon::{LONGEST_PHRASE, MOST_WORDS};
use aho_corasick::automaton::StateID;
use endings::{Endings, Ends};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;
use table::{Filter, Slot, Table};

/// How many bytes are loaded at once, and how much room there is for that behind a text.
const LOAD: usize = 8;
/// How much text is kept to compare phrases with. The longest phrase has a space at both ends.
const KEPT: usize = LONGEST_PHRASE + 2;
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
    table: Table<Slot>,
    /// Whether any phrase begins with a word, so that words need be looked at.
    has_words: bool,
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
    one: [u8; 256],
    /// Of three to five, by the first three.
    three: [u8; Self::PLACES],
    /// Longer ones, by the first six: the bit 31 is for all of 31 and more.
    six: [u32; Self::PLACES],
}

impl Beginnings {
    const PLACES: usize = 1 << 12;
    const LAST: usize = 31;

    fn none() -> Self {
        Self { one: [0; 256], three: [0; Self::PLACES], six: [0; Self::PLACES] }
    }

    fn add(&mut self, beginning: &[u8]) {
        let (bit, loaded) = (1 << beginning.len().min(Self::LAST), load(&padded(beginning), 0));
        match beginning.len() {
            0..3 => self.one[usize::from(beginning[0])] |= bit as u8,
            3..6 => self.three[Self::place(loaded, 3)] |= bit as u8,
            _ => self.six[Self::place(loaded, 6)] |= bit,
        }
    }

    /// The lengths to try in a word that begins here and of which there are `length` bytes, at least one.
    fn of(&self, text: &[u8], start: usize, length: usize) -> u32 {
        let loaded = load(text, start);
        let one = self.one[(loaded & 0xff) as usize];
        let three = if length < 3 { 0 } else { self.three[Self::place(loaded, 3)] };
        u32::from(one | three) | if length < 6 { 0 } else { self.six[Self::place(loaded, 6)] }
    }

    fn place(loaded: u64, bytes: u32) -> usize {
        (quick(loaded & u64::MAX >> (64 - 8 * bytes)) >> 40) as usize & (Self::PLACES - 1)
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
        let (mut known, mut slots, mut filtered) = (HashMap::<(bool, &str), usize>::new(), Vec::<(u64, Slot)>::new(), Vec::new());
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
                    slots.push((more, Slot::default()));
                    slots.len() - 1
                });
                if behind == 0 {
                    slots[slot].1.phrase = Some(number)
                } else {
                    slots[slot].1.goes_on = true
                }
                if place == 1 || behind == 0 && place == 0 {
                    filtered.push(more);
                }
                if place == 0 && !is_closed {
                    beginnings.get_or_insert_with(|| Box::new(Beginnings::none())).add(word.as_bytes());
                }
            }
        }
        let endings = if within.is_empty() { None } else { Some(Endings::of(within, &spelled)?) };
        filtered.sort_unstable();
        filtered.dedup();
        let has_words = !slots.is_empty();
        Some(Self { filter: Filter::of(&filtered), table: Table::of(&slots), has_words, beginnings, endings, spelled })
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
    /// Where the automaton of what may begin within words is.
    state: Option<StateID>,
}

impl Default for Finder {
    /// At the beginning of a text.
    fn default() -> Self {
        Self { text: Vec::new(), unread: 0, offset: 0, words: 0, length: 0, hashes: [NO_WORD; HASHES], state: None }
    }
}

impl Finder {
    /// With room for so much text at once.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        Self { text: Vec::with_capacity(KEPT + bytes + LOAD), ..Self::default() }
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
        let word = Word { start: self.unread.saturating_sub(self.length), longer: self.length.saturating_sub(self.unread), tried: self.length };
        let mut look = Look {
            index,
            text: &self.text,
            unread: self.unread,
            offset: self.offset,
            words: self.words,
            hashes: &mut self.hashes,
            state: &mut self.state,
            word,
            found,
        };
        look.through(end);
        (self.words, self.length) = (look.words, look.word.length(end));
        self.text.truncate(end);
        self.offset += (end - self.unread) as u64;
        self.text.drain(..end.saturating_sub(KEPT));
        self.unread = self.text.len();
    }
}

/// A look at what has come.
struct Look<'a, F> {
    index: &'a Index,
    text: &'a [u8],
    unread: usize,
    offset: u64,
    words: u64,
    hashes: &'a mut [u64; HASHES],
    state: &'a mut Option<StateID>,
    word: Word,
    found: &'a mut F,
}

impl<F: FnMut(Match)> Look<'_, F> {
    fn through(&mut self, end: usize) {
        let (text, index) = (self.text, self.index);
        for at in (self.unread..end).step_by(LOAD) {
            // A bit for each byte: its highest.
            let spaces = spaces_in(load(text, at));
            let ends = match &index.endings {
                Some(endings) => endings.step(self.state, &text[at..end.min(at + LOAD)]),
                None => Ends::default(),
            };
            let mut stops = spaces | ends.bits;
            while stops != 0 {
                let bit = stops.trailing_zeros();
                stops &= stops - 1;
                let behind = at + (bit / 8) as usize + 1;
                if spaces >> bit & 1 == 1 { self.space(behind, &ends, bit) } else { self.letter(behind, &ends, bit) }
            }
        }
        self.beginnings(end);
    }

    /// A word is over.
    fn space(&mut self, behind: usize, ends: &Ends, bit: u32) {
        if !self.index.has_words {
            self.words += 1;
            self.word = Word { start: behind, longer: 0, tried: 0 };
            if ends.bits >> bit & 1 == 1 {
                self.ends_with_word(NO_WORD, false, behind, ends, bit);
            }
            return;
        }
        self.beginnings(behind - 1);
        let hash = self.word.hash(self.text, behind - 1);
        let before = self.hashes[place(self.words)];
        self.words += 1;
        self.hashes[place(self.words)] = hash;
        self.word = Word { start: behind, longer: 0, tried: 0 };
        let passes = self.index.filter.has(hash) || self.index.filter.has(with_word_before(hash, before));
        if passes || ends.bits >> bit & 1 == 1 {
            self.ends_with_word(hash, passes, behind, ends, bit);
        }
    }

    #[cold]
    #[inline(never)]
    fn ends_with_word(&mut self, hash: u64, passes: bool, behind: usize, ends: &Ends, bit: u32) {
        let mut here = Here::new();
        if passes {
            self.index.follow(hash, words_before(self.hashes, self.words), &self.text[..behind], &mut here);
        }
        self.endings(ends, bit, &mut here);
        self.tell(behind, here);
    }

    /// What may begin within words ends here, in a word.
    #[cold]
    #[inline(never)]
    fn letter(&mut self, behind: usize, ends: &Ends, bit: u32) {
        self.beginnings(behind - 1);
        let mut here = Here::new();
        for length in self.lengths(behind) {
            self.beginning(length, &mut here);
        }
        self.word.tried = self.word.length(behind);
        self.endings(ends, bit, &mut here);
        self.tell(behind, here);
    }

    /// Beginnings of the word at hand until here that were not tried.
    fn beginnings(&mut self, until: usize) {
        for length in self.lengths(until) {
            let mut here = Here::new();
            self.beginning(length, &mut here);
            self.tell(self.word.start + length, here);
        }
        self.word.tried = self.word.length(until);
    }

    fn lengths(&self, until: usize) -> Lengths {
        let (tried, length) = (self.word.tried, self.word.length(until));
        match &self.index.beginnings {
            Some(beginnings) if tried < length && tried < LONGEST_PHRASE => Lengths::new(beginnings.of(self.text, self.word.start, length), tried, length),
            Some(_) | None => Lengths::default(),
        }
    }

    /// What ends with so much of this word.
    fn beginning(&self, length: usize, here: &mut Here) {
        let hash = hash(self.text, self.word.start, length) ^ BEGINNING;
        if self.index.filter.has(hash) || self.index.filter.has(with_word_before(hash, self.hashes[place(self.words)])) {
            self.index.follow(hash, words_before(self.hashes, self.words + 1), &self.text[..self.word.start + length], here);
        }
    }

    /// What ends here and may begin within a word, beside what is there.
    fn endings(&self, ends: &Ends, bit: u32, here: &mut Here) {
        let Some(endings) = &self.index.endings else { return };
        let others = here.len();
        endings.at(ends, bit, here);
        if others > 0 && here.len() > others {
            here.sort_by_key(|phrase| std::cmp::Reverse(self.index.spelled.get(*phrase).len()));
        }
    }

    fn tell(&mut self, behind: usize, here: Here) {
        let end = self.offset + (behind - self.unread) as u64;
        for phrase in here {
            (self.found)(Match { end, words: self.words, phrase });
        }
    }
}

/// The word at hand.
#[derive(Clone, Copy, Debug)]
struct Word {
    start: usize,
    /// How much of it is not kept any more.
    longer: usize,
    /// How much of it was tried as the beginning that ends a phrase.
    tried: usize,
}

impl Word {
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
    let without = bytes ^ (ONES * b' ' as u64);
    !(((without & LOW) + LOW) | without | LOW)
}

/// Mixes two numbers into one.
fn scramble(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(other ^ 0x8bb8_4b93_962e_acc9);
    let [low, high] = [product, product >> 64].map(|half| (half & u128::from(u64::MAX)) as u64);
    low ^ high
}

/// The same at once, of one: its upper half is mixed well enough to choose a place by.
fn quick(bytes: u64) -> u64 {
    bytes.wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
