//! Which patterns fit what somebody typed. Pure.
//!
//! A text is words; a pattern is followed piece by piece from each word at which it may begin, with the set of places that it may have come to. Only those
//! patterns are followed of which a word is there that they cannot do without. What a name stands for is followed once from each place, however many patterns
//! ask for it.
//!
//! Spelling: what [`crate::scan::fold`] makes one, letters that are drawn out (`diiie`), and slips (`slips`). A word that no pattern knows and that is one
//! letter away from just one long word that patterns know is read as that one. A word that is right as it is, and near another, is put into a file: what is known is
//! never taken for a slip.
//!
//! # Limits
//!
//! The first [`MOST_WORDS`] words, and [`MOST_STEPS`] steps of one text: what is beyond is not looked at. Sentences are not told apart: full stops are folded away.

mod slips;

use super::pattern::{Keys, Pattern, Patterns, Piece};
use slips::Slips;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;

/// How many words of a text are looked at.
pub const MOST_WORDS: usize = 3000;
/// How many steps are taken for one text.
pub const MOST_STEPS: u32 = 1_000_000;
/// How far the other parts of a pattern may be from the first, in words.
const NEAR: usize = 12;
/// How far from it what must not be there is looked for.
const FAR: usize = 40;

/// A pattern that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its entry, as a place in [`super::Lexicon::entries`].
    pub entry: u32,
    /// The words that its first part fits, as places in the text.
    pub words: Range<usize>,
}

/// Patterns, ready to be looked for.
#[derive(Debug, Default)]
pub(super) struct Ready {
    patterns: Patterns,
    /// The patterns that ask for a word, by its number, and for a beginning.
    by_word: HashMap<u32, Vec<u32>>,
    by_beginning: HashMap<u32, Vec<u32>>,
    /// The lengths of beginnings, in bytes.
    lengths: Vec<usize>,
    slips: Slips,
    /// Words by their numbers.
    spelled: Vec<Box<str>>,
}

impl Ready {
    pub(super) fn new(patterns: Patterns) -> Self {
        let (mut by_word, mut by_beginning) = (HashMap::<u32, Vec<u32>>::new(), HashMap::<u32, Vec<u32>>::new());
        let names = patterns.keys_of_names();
        for (number, pattern) in (0..).zip(&patterns.patterns) {
            let Keys { mut words, mut beginnings, .. } = patterns.keys(pattern, &names);
            words.sort_unstable();
            words.dedup();
            beginnings.sort_unstable();
            beginnings.dedup();
            words.into_iter().for_each(|word| by_word.entry(word).or_default().push(number));
            beginnings.into_iter().for_each(|beginning| by_beginning.entry(beginning).or_default().push(number));
        }
        let mut lengths: Vec<usize> = patterns.beginnings.keys().map(|beginning| beginning.len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let slips = Slips::of(&patterns.words);
        let mut spelled: Vec<Box<str>> = vec![Box::default(); patterns.words.len()];
        patterns.words.iter().for_each(|(word, number)| spelled[*number as usize] = word.clone());
        Self { patterns, by_word, by_beginning, lengths, slips, spelled }
    }

    /// Words of a text as they are meant: slips mended where a pattern knows the word, all else as it is.
    pub(super) fn spelled<'t>(&'t self, words: &[&'t str]) -> Vec<&'t str> {
        let one = |word: &&'t str| self.word(word, false).number.and_then(|number| self.spelled.get(number as usize)).map_or(*word, |word| &**word);
        words.iter().map(one).collect()
    }

    /// The patterns that fit, in the order of the files. Of a word that may go on nothing is known: `is_whole` is whether the last one is over.
    pub(super) fn find(&self, text: &Text<'_>, is_whole: bool) -> Vec<Asked> {
        if self.patterns.patterns.is_empty() {
            return Vec::new();
        }
        let last = text.words.len().checked_sub(1).filter(|_| !is_whole);
        let words: Vec<Word> = text.words.iter().enumerate().map(|(place, word)| self.word(word, last == Some(place))).collect();
        let mut candidates: Vec<u32> = Vec::new();
        for word in &words {
            candidates.extend(word.number.and_then(|number| self.by_word.get(&number)).into_iter().flatten());
            candidates.extend(word.beginnings.iter().filter_map(|number| self.by_beginning.get(number)).flatten());
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut fitting = Fitting { patterns: &self.patterns, words: &words, known: HashMap::new(), steps: 0 };
        let pattern = |number: u32| &self.patterns.patterns[number as usize];
        candidates.into_iter().filter_map(|number| fitting.fit(pattern(number))).collect()
    }

    fn word(&self, written: &str, may_go_on: bool) -> Word {
        let known = |word: &str| self.patterns.words.get(word).copied();
        let number = known(written).or_else(|| drawn_in(written).iter().find_map(|word| known(word)));
        let lengths = self.lengths.iter().filter(|length| !may_go_on && **length <= written.len());
        let beginnings = lengths.filter_map(|length| self.patterns.beginnings.get(written.get(..*length)?)).copied().collect();
        // What begins as patterns ask for is no slip, and what may go on is none yet.
        let beginnings: SmallVec<[u32; 2]> = beginnings;
        let is_settled = number.is_some() || !beginnings.is_empty() || may_go_on;
        Word { number: if is_settled { number } else { self.slips.meant(written, &self.patterns.words) }, beginnings }
    }
}

/// Folded words of a text.
#[derive(Clone, Debug, Default)]
pub struct Text<'t> {
    /// The words.
    pub words: Vec<&'t str>,
}

impl<'t> Text<'t> {
    /// Of a text that is folded.
    #[must_use]
    pub fn of(folded: &'t str) -> Self {
        Self { words: folded.split(' ').filter(|word| !word.is_empty()).take(MOST_WORDS).collect() }
    }
}

/// A word of the text.
struct Word {
    number: Option<u32>,
    beginnings: SmallVec<[u32; 2]>,
}

/// The word with what is drawn out drawn in: each letter that stands three times or more once, and twice.
fn drawn_in(word: &str) -> SmallVec<[String; 2]> {
    let letters: Vec<char> = word.chars().collect();
    if !letters.windows(3).any(|three| three[0] == three[1] && three[1] == three[2]) {
        return SmallVec::new();
    }
    let with = |most: usize| {
        let runs = letters.chunk_by(|one, other| one == other);
        runs.flat_map(|run| run.iter().take(if run.len() > 2 { most } else { run.len() })).collect()
    };
    SmallVec::from_buf([with(1), with(2)])
}

/// Places in the text, in order.
type Places = SmallVec<[u32; 4]>;

struct Fitting<'a> {
    patterns: &'a Patterns,
    words: &'a [Word],
    /// Where what has a name ends, by its number and the place where it begins.
    known: HashMap<(u32, u32), Places>,
    steps: u32,
}

impl Fitting<'_> {
    fn fit(&mut self, pattern: &Pattern) -> Option<Asked> {
        let (first, others) = pattern.parts.split_first()?;
        for start in 0..self.words.len() {
            let ends = self.ends(first, as_place(start));
            let Some(end) = ends.iter().map(|end| *end as usize).find(|end| *end > start) else { continue };
            let within = |words: usize| start.saturating_sub(words)..self.words.len().min(end + words);
            let is_fit =
                others.iter().all(|part| self.is_in(part, &within(NEAR))) && !pattern.unless.as_ref().is_some_and(|unless| self.is_in(unless, &within(FAR)));
            if is_fit {
                return Some(Asked { entry: pattern.entry, words: start..end });
            }
        }
        None
    }

    fn is_in(&mut self, piece: &Piece, near: &Range<usize>) -> bool {
        near.clone().any(|start| self.ends(piece, as_place(start)).iter().any(|end| *end as usize > start))
    }

    /// Behind which words a piece may end that begins here.
    fn ends(&mut self, piece: &Piece, from: u32) -> Places {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Places::new();
        }
        let last = as_place(self.words.len());
        let next = |is_it: bool| if is_it { Places::from_slice(&[from + 1]) } else { Places::new() };
        let here = |is_it: bool| if is_it { Places::from_slice(&[from]) } else { Places::new() };
        let word = self.words.get(from as usize);
        match piece {
            Piece::Word(number) => next(word.is_some_and(|word| word.number == Some(*number))),
            Piece::Beginning(number) => next(word.is_some_and(|word| word.beginnings.contains(number))),
            Piece::Gap(most) => (from..=last.min(from + u32::from(*most))).collect(),
            Piece::Start => here(from == 0),
            Piece::End => here(from == last),
            Piece::Maybe(piece) => {
                let mut ends = self.ends(piece, from);
                ends.push(from);
                in_order(ends)
            }
            Piece::Either(pieces) => self.either(pieces, from),
            Piece::Named(name) => match self.known.get(&(*name, from)) {
                Some(ends) => ends.clone(),
                None => {
                    let patterns = self.patterns;
                    let ends = self.either(&patterns.named[*name as usize].pieces, from);
                    self.known.insert((*name, from), ends.clone());
                    ends
                }
            },
            Piece::Row(pieces) => {
                let mut places = Places::from_slice(&[from]);
                for piece in pieces {
                    let mut ends = Places::new();
                    for place in places {
                        ends.extend(self.ends(piece, place));
                    }
                    places = in_order(ends);
                    if places.is_empty() {
                        break;
                    }
                }
                places
            }
        }
    }

    fn either(&mut self, pieces: &[Piece], from: u32) -> Places {
        let mut ends = Places::new();
        for piece in pieces {
            ends.extend(self.ends(piece, from));
        }
        in_order(ends)
    }
}

fn as_place(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn in_order(mut places: Places) -> Places {
    places.sort_unstable();
    places.dedup();
    places
}

#[cfg(test)]
mod tests;
