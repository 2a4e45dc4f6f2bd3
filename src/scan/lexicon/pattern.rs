//! Patterns of what people type into searches and AIs: how one is written, and what it is made of. Pure.
//!
//! ```text
//! how (to|do i|can i) kill (myself|my self)   one of these
//! i [really] want to die                      may be there
//! i .. want to die                            up to five words between; with ... up to ten
//! suicid*                                     a word that begins so
//! <i> <want> <die>                            words that have a name; `<die> = die | end it | not wake up` names them, and names more of them later
//! ^ kms $                                     at the beginning, at the end
//! <how> .. kill + <person>                    both, near one another, in any order
//! <how> kill <person> unless (dragon|boss)    not where this is near
//! ```
//!
//! A pattern is for one sentence, so it is asked of what somebody typed and never of pages: there a thousand sentences stand, and some would always fit.
//! It is not spelled out into all that it may mean: a pattern of five names of thirty words each would be millions. See [`super::asked`].

use super::Fault;
use super::learned::features::Names;
use crate::scan::fold::fold;
use std::collections::{HashMap, HashSet};

/// How many words `..` and `...` may stand for.
const GAPS: [(&str, u8); 2] = [("...", 10), ("..", 5)];
/// The most pieces of one line.
const MOST_PIECES: usize = 1000;
/// How deep brackets may stand within one another.
const DEEPEST: usize = 6;
/// The most patterns, and the most names.
const MOST_PATTERNS: usize = 50_000;
/// The most names.
const MOST_NAMES: usize = 2_000;

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A word, by its number.
    Word(u32),
    /// A beginning of words, by its number.
    Beginning(u32),
    /// Up to so many words.
    Gap(u8),
    /// One after the other.
    Row(Vec<Self>),
    /// One of these.
    Either(Vec<Self>),
    /// May be there.
    Maybe(Box<Self>),
    /// What has this name, by its number.
    Named(u32),
    /// The beginning of all.
    Start,
    /// The end of all.
    End,
}

/// A pattern of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What must be there, in any order.
    pub(super) parts: Vec<Piece>,
    /// What must not.
    pub(super) unless: Option<Piece>,
    /// The entry, as a place in [`super::Lexicon::entries`].
    pub(super) entry: u32,
}

/// Words that have a name: one of them.
#[derive(Clone, Debug)]
pub(super) struct Named {
    name: Box<str>,
    pub(super) pieces: Vec<Piece>,
}

/// All patterns, and what they are made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    pub(super) words: HashMap<Box<str>, u32>,
    pub(super) beginnings: HashMap<Box<str>, u32>,
    pub(super) named: Vec<Named>,
    pub(super) patterns: Vec<Pattern>,
}

impl Patterns {
    /// Reads a pattern; `entry` is what it speaks for.
    pub(super) fn read(&mut self, text: &str, entry: u32) -> Result<Pattern, Fault> {
        if self.patterns.len() >= MOST_PATTERNS {
            return Err(Fault::ManyPatterns);
        }
        let (wanted, unless) = text.split_once(" unless ").map_or((text, None), |(wanted, unless)| (wanted, Some(unless)));
        let parts = wanted.split(" + ").map(|part| self.piece(part)).collect::<Result<Vec<_>, _>>()?;
        let unless = unless.map(|unless| self.piece(unless)).transpose()?;
        let pattern = Pattern { parts, unless, entry };
        for one in pattern.parts.iter().chain(&pattern.unless) {
            if !asks_for_a_word(one) {
                return Err(Fault::FitsAll);
            }
        }
        Ok(pattern)
    }

    /// Reads what a name stands for, or what else it does.
    pub(super) fn name(&mut self, name: &str, text: &str) -> Result<(), Fault> {
        if !super::is_name(name) {
            return Err(Fault::BadName(name.into()));
        }
        let piece = self.piece(text)?;
        if !asks_for_a_word(&piece) {
            return Err(Fault::FitsAll);
        }
        let pieces = match piece {
            Piece::Either(pieces) => pieces,
            one => vec![one],
        };
        match self.named.iter().position(|named| *named.name == *name) {
            // Names are made of names that were there before, so none is made of itself.
            Some(known) if pieces.iter().filter_map(last_name).any(|name| name as usize >= known) => Err(Fault::NameOfNames(name.into())),
            Some(known) => {
                let named = &mut self.named[known];
                for piece in pieces {
                    if !named.pieces.contains(&piece) {
                        named.pieces.push(piece);
                    }
                }
                Ok(())
            }
            None if self.named.len() >= MOST_NAMES => Err(Fault::ManyPatterns),
            None => {
                self.named.push(Named { name: name.into(), pieces });
                Ok(())
            }
        }
    }

    /// The names, with what they stand for that is words in a row and nothing else. What begins with `not-` is for exceptions and no kind of words.
    pub(super) fn plain_names(&self) -> Names {
        let mut spelled = vec![""; self.words.len()];
        self.words.iter().for_each(|(word, number)| spelled[*number as usize] = word);
        let mut names = Names::default();
        for named in self.named.iter().filter(|named| !named.name.starts_with("not-")) {
            names.add(&named.name, named.pieces.iter().filter_map(|piece| plain(piece, &spelled)));
        }
        names
    }

    fn piece(&mut self, text: &str) -> Result<Piece, Fault> {
        let mut reader = Reader { patterns: self, rest: text.trim(), pieces: 0 };
        let piece = reader.either(0)?;
        if reader.rest.is_empty() { Ok(piece) } else { Err(Fault::Brackets) }
    }

    /// The words of which one must be there for each name to fit, by the numbers of the names.
    pub(super) fn keys_of_names(&self) -> Vec<Keys> {
        let common: HashSet<u32> = COMMON.iter().filter_map(|word| self.words.get(*word)).copied().collect();
        let mut names = Vec::with_capacity(self.named.len());
        for named in &self.named {
            // Names are made of names that were there before.
            let keys = all(&named.pieces, &names, &common);
            names.push(keys.unwrap_or_default());
        }
        names
    }

    /// The words of which one must be there for a pattern to fit: the fewest and rarest.
    pub(super) fn keys(&self, pattern: &Pattern, names: &[Keys]) -> Keys {
        let common: HashSet<u32> = COMMON.iter().filter_map(|word| self.words.get(*word)).copied().collect();
        rarest(&pattern.parts, names, &common).unwrap_or_default()
    }
}

/// The words of a piece that is words in a row.
fn plain(piece: &Piece, spelled: &[&str]) -> Option<Vec<Box<str>>> {
    let word = |piece: &Piece| if let Piece::Word(number) = piece { spelled.get(*number as usize).map(|word| (*word).into()) } else { None };
    match piece {
        Piece::Word(_) => Some(vec![word(piece)?]),
        Piece::Row(pieces) => pieces.iter().map(word).collect(),
        _ => None,
    }
}

/// Whether a word must be there for this to fit.
fn asks_for_a_word(piece: &Piece) -> bool {
    match piece {
        // A name is only taken if it does.
        Piece::Word(_) | Piece::Beginning(_) | Piece::Named(_) => true,
        Piece::Gap(_) | Piece::Maybe(_) | Piece::Start | Piece::End => false,
        Piece::Row(pieces) => pieces.iter().any(asks_for_a_word),
        Piece::Either(pieces) => pieces.iter().all(asks_for_a_word),
    }
}

fn keys(piece: &Piece, names: &[Keys], common: &HashSet<u32>) -> Option<Keys> {
    match piece {
        Piece::Word(word) => Some(Keys { words: vec![*word], beginnings: Vec::new(), cost: if common.contains(word) { 200 } else { 1 } }),
        Piece::Beginning(beginning) => Some(Keys { words: Vec::new(), beginnings: vec![*beginning], cost: 4 }),
        Piece::Gap(_) | Piece::Maybe(_) | Piece::Start | Piece::End => None,
        Piece::Row(pieces) => rarest(pieces, names, common),
        Piece::Either(pieces) => all(pieces, names, common),
        Piece::Named(name) => names.get(*name as usize).cloned(),
    }
}

fn rarest(pieces: &[Piece], names: &[Keys], common: &HashSet<u32>) -> Option<Keys> {
    pieces.iter().filter_map(|piece| keys(piece, names, common)).min_by_key(|keys| keys.cost)
}

fn all(pieces: &[Piece], names: &[Keys], common: &HashSet<u32>) -> Option<Keys> {
    let mut all = Keys::default();
    for piece in pieces {
        let one = keys(piece, names, common)?;
        all.words.extend(one.words);
        all.beginnings.extend(one.beginnings);
        all.cost += one.cost;
    }
    Some(all)
}

/// Words that stand in nearly every sentence.
const COMMON: [&str; 40] = [
    "i", "im", "ive", "id", "me", "my", "a", "the", "to", "of", "in", "on", "at", "for", "and", "or", "it", "is", "be", "do", "how", "what", "where", "why",
    "can", "you", "u", "your", "he", "she", "they", "we", "with", "get", "want", "make", "best", "way", "not", "dont",
];

/// Words and beginnings of which one must be there.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) words: Vec<u32>,
    pub(super) beginnings: Vec<u32>,
    /// How often something has to be looked at for these: common words weigh more.
    cost: usize,
}

/// The last name, in the order in which they were told, of which something is made.
fn last_name(piece: &Piece) -> Option<u32> {
    match piece {
        Piece::Named(name) => Some(*name),
        Piece::Row(pieces) | Piece::Either(pieces) => pieces.iter().filter_map(last_name).max(),
        Piece::Maybe(piece) => last_name(piece),
        Piece::Word(_) | Piece::Beginning(_) | Piece::Gap(_) | Piece::Start | Piece::End => None,
    }
}

fn number(numbers: &mut HashMap<Box<str>, u32>, word: &str) -> u32 {
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    *numbers.entry(word.into()).or_insert(next)
}

/// Reads a line from its beginning.
struct Reader<'p, 't> {
    patterns: &'p mut Patterns,
    rest: &'t str,
    pieces: usize,
}

impl<'t> Reader<'_, 't> {
    fn either(&mut self, depth: usize) -> Result<Piece, Fault> {
        if depth > DEEPEST {
            return Err(Fault::Brackets);
        }
        let mut ways = vec![self.row(depth)?];
        while let Some(rest) = self.rest.strip_prefix('|') {
            self.rest = rest;
            ways.push(self.row(depth)?);
        }
        Ok(if ways.len() == 1 { ways.remove(0) } else { Piece::Either(ways) })
    }

    fn row(&mut self, depth: usize) -> Result<Piece, Fault> {
        let mut row = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            self.pieces += 1;
            if self.pieces > MOST_PIECES {
                return Err(Fault::LongPattern);
            }
            let Some(first) = self.rest.chars().next() else { break };
            match first {
                '|' | ')' | ']' => break,
                '(' => {
                    let inner = self.bracket(')', depth)?;
                    row.push(inner);
                }
                '[' => {
                    let inner = self.bracket(']', depth)?;
                    row.push(Piece::Maybe(Box::new(inner)));
                }
                '<' => {
                    let name = self.rest[1..].split_once('>').ok_or(Fault::Brackets)?.0;
                    self.rest = &self.rest[name.len() + 2..];
                    let known = self.patterns.named.iter().position(|named| *named.name == *name);
                    let known = known.and_then(|place| u32::try_from(place).ok()).ok_or_else(|| Fault::NoName(name.into()))?;
                    row.push(Piece::Named(known));
                }
                '^' => {
                    self.rest = &self.rest[1..];
                    row.push(Piece::Start);
                }
                '$' => {
                    self.rest = &self.rest[1..];
                    row.push(Piece::End);
                }
                _ => self.words(&mut row)?,
            }
        }
        match row.len() {
            0 => Err(Fault::Brackets),
            1 => Ok(row.remove(0)),
            _ => Ok(Piece::Row(row)),
        }
    }

    fn bracket(&mut self, end: char, depth: usize) -> Result<Piece, Fault> {
        self.rest = &self.rest[1..];
        let inner = self.either(depth + 1)?;
        self.rest = self.rest.strip_prefix(end).ok_or(Fault::Brackets)?;
        Ok(inner)
    }

    /// What stands here up to a space or a sign: a gap, or a word, which may become several as it is folded.
    fn words(&mut self, row: &mut Vec<Piece>) -> Result<(), Fault> {
        let end = self.rest.find(|c: char| c.is_whitespace() || "|()[]<>^$".contains(c)).unwrap_or(self.rest.len());
        let (written, rest) = self.rest.split_at(end);
        if written.is_empty() {
            return Err(Fault::Brackets);
        }
        self.rest = rest;
        if let Some((_, words)) = GAPS.iter().find(|(sign, _)| *sign == written) {
            row.push(Piece::Gap(*words));
            return Ok(());
        }
        let (start, is_beginning) = written.strip_suffix('*').map_or((written, false), |start| (start, true));
        if start.contains('*') {
            return Err(Fault::StarInside);
        }
        let folded = fold(start);
        if folded.is_empty() {
            return Err(Fault::NoLetters(written.into()));
        }
        let last = folded.split(' ').count() - 1;
        for (place, word) in folded.split(' ').enumerate() {
            self.pieces += 1;
            row.push(if place == last && is_beginning {
                if word.chars().count() < 3 {
                    return Err(Fault::TooShort(word.into()));
                }
                Piece::Beginning(number(&mut self.patterns.beginnings, word))
            } else {
                Piece::Word(number(&mut self.patterns.words, word))
            });
        }
        Ok(())
    }
}
