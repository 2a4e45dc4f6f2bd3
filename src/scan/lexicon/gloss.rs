//! What is typed in another language than English, word for word in English, so that what reads English reads it too: `chcę umrzeć` is `i want die`. Pure.
//!
//! Entries and examples are mostly English, and nobody can write as many in each language that pupils speak at home. A list of words can be written, by anybody who
//! speaks the language, and checked by anybody who does. The order of the words stays; what is known by no list stays as it is. It is no translation: good enough to
//! see what somebody is about, and not to be quoted.
//!
//! ```text
//! reads: glossary
//! language: Polish
//! chcę = i want
//! zabi* = kill                a word that begins so
//! zabić się = kill myself     words in a row: the longest that are known count
//! się = -                     means nothing by itself
//! prefixes: ال و ب            at the head: what may stand before a word and be part of it
//! spaces: none                at the head: words are not parted; the longest that are known are taken, from the front
//! ```
//!
//! A text is in a language if at least half of its words are: words that English has too say nothing. Of several languages the one that knows the most of its words is
//! taken, and what that does not know is looked up in the others that it may be in: neighbours share words. What is English is said by a glossary of English, which is
//! words and nothing else, and by what words mean in the others.

mod draft;

pub(super) use draft::Draft;
use siphasher::sip::SipHasher13;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// The most languages.
const MOST_LANGUAGES: usize = 64;
/// The most words in a row, on either side.
const MOST_IN_A_ROW: usize = 5;
/// The longest word that is looked up by its beginning, in letters; and in languages without spaces.
const LONGEST_WORD: usize = 24;
/// The least that is left of a word without its prefix, in letters.
const LEFT: usize = 2;
/// From here on scripts are written without spaces between words.
const WITHOUT_SPACES: char = '\u{2e80}';
/// How many words of a text are read so, from its beginning, and as many before its end.
const ENDS: usize = 200;
/// How many parts of a text are looked up, where no spaces part them.
const MOST_UNITS: usize = 1000;

/// Words of other languages. There are hundreds of thousands: each is a hash and four bytes more.
#[derive(Clone, Debug, Default)]
pub(super) struct Glossary {
    languages: Vec<Language>,
    /// Of words in a row with one space between, and of what words begin with, in order.
    hashes: Vec<u64>,
    /// What each means, as a place in `meanings`, and its language, in the same order.
    words: Vec<(u32, u8)>,
    /// What words mean in English: a verb has fifty forms, and many languages have it.
    meanings: Vec<Box<str>>,
    /// The hashes of words that English has: those of `meanings`, and of the glossary of English.
    english: HashSet<u64>,
}

#[derive(Clone, Debug)]
struct Language {
    name: Arc<str>,
    prefixes: Vec<Box<str>>,
    has_spaces: bool,
}

/// How words are looked up: as keys of hashes, the same each time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// They stand there so.
    Whole,
    /// A word begins so.
    Beginning,
}

fn hash(words: &str, is: As) -> u64 {
    SipHasher13::new_with_keys(0, u64::from(is == As::Beginning)).hash(words.as_bytes())
}

/// A text in English, word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InEnglish {
    /// The language that it was typed in.
    pub language: Arc<str>,
    /// Its words, folded, with a space before each, and one behind the last.
    pub text: String,
}

/// How much of a text a language knows.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    /// Words of it that are not English as well.
    own: usize,
    /// Words of neither, and English ones that are not of it.
    others: usize,
    /// How many of its own it knows whole, and not by their beginning only.
    whole: usize,
}

impl Share {
    fn is_enough(self) -> bool {
        // A single word may begin like anything: `sextuplets`.
        self.own >= self.others.max(1) && (self.own > 1 || self.others == 0 && self.whole > 0)
    }
}

/// A text without what is between its beginning and its end, where it is long.
fn ends(folded: &str) -> Cow<'_, str> {
    let mut spaces = folded.match_indices(' ').map(|(at, _)| at);
    let first = spaces.nth(ENDS - 1);
    let last = folded.rmatch_indices(' ').map(|(at, _)| at).nth(ENDS - 1);
    match (first, last) {
        (Some(first), Some(last)) if first < last => format!("{}{}", &folded[..first], &folded[last..]).into(),
        _ => folded.into(),
    }
}

/// Whether a word says anything of the language: numbers, and letters that stand for anything, do not.
fn is_telling(word: &str) -> bool {
    !(word.bytes().all(|byte| byte.is_ascii_digit()) || word.len() == 1 && word.is_ascii())
}

/// A part of a text: what it means, if that is known, and the text.
type Unit<'g> = (Option<&'g str>, &'g str);

impl Glossary {
    fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// What words mean, by their language.
    fn find<'g>(&'g self, words: &str, is: As) -> impl Iterator<Item = (u8, &'g str)> {
        let hash = hash(words, is);
        let from = self.hashes.partition_point(|known| *known < hash);
        let of = self.hashes[from..].iter().take_while(move |known| **known == hash);
        of.zip(&self.words[from..]).map(|(_, (meaning, language))| (*language, &*self.meanings[*meaning as usize]))
    }

    /// A folded text in English, if it is in a language that is known.
    pub(super) fn in_english(&self, folded: &str) -> Option<InEnglish> {
        if self.is_empty() {
            return None;
        }
        let ends = ends(folded.trim());
        let folded = &*ends;
        let of = |language: u8| (language, self.units(language, folded));
        let mut may_be: Vec<(Share, u8, Vec<Unit<'_>>)> =
            self.near(folded).map(of).map(|(language, units)| (self.share(language, &units), language, units)).collect();
        may_be.retain(|(share, ..)| share.is_enough());
        may_be.sort_by_key(|(share, language, _)| (std::cmp::Reverse(share.own), *language));
        let ((_, language, units), others) = may_be.split_first()?;
        let mut text = String::with_capacity(folded.len() + 2);
        for (meaning, unit) in units {
            let meaning = meaning.or_else(|| others.iter().find_map(|(_, other, _)| self.meaning(*other, unit))).unwrap_or(unit);
            if !meaning.is_empty() {
                text.extend([" ", meaning]);
            }
        }
        text.push(' ');
        Some(InEnglish { language: self.languages[usize::from(*language)].name.clone(), text })
    }

    /// The languages that know a third of its words, one by one.
    fn near(&self, folded: &str) -> impl Iterator<Item = u8> {
        let mut counts = [0_usize; MOST_LANGUAGES];
        let mut words = 0;
        for word in folded.split(' ').filter(|word| is_telling(word)) {
            words += 1;
            let mut known = 0_u64;
            self.known(word, &mut |language, _| known |= 1 << language);
            let is_without_spaces = word.chars().any(|letter| letter >= WITHOUT_SPACES);
            for (place, language) in self.languages.iter().enumerate() {
                let is_known = known & (1 << place) != 0 || language.prefixes.iter().any(|prefix| word.starts_with(&**prefix));
                counts[place] += usize::from(is_known || is_without_spaces && !language.has_spaces);
            }
        }
        let languages = u8::try_from(self.languages.len()).unwrap_or(0);
        // Rows may know words that are not known alone.
        (0..languages).filter(move |language| counts[usize::from(*language)] * 3 >= words.max(1))
    }

    /// How much of a text a language knows, by its parts.
    fn share(&self, language: u8, units: &[Unit<'_>]) -> Share {
        let mut share = Share::default();
        for (meaning, unit) in units {
            let is_whole = meaning.is_some() && self.row(language, unit).is_some();
            for word in unit.split(' ').filter(|word| is_telling(word)) {
                let is_own = meaning.is_some() && !self.is_english(word);
                share.own += usize::from(is_own);
                share.whole += usize::from(is_own && is_whole);
                share.others += usize::from(meaning.is_none());
            }
        }
        share
    }

    /// Whether English has a word, or the one that it is the plural of.
    fn is_english(&self, word: &str) -> bool {
        let is_there = |word: &str| self.english.contains(&hash(word, As::Whole));
        is_there(word) || word.strip_suffix('s').is_some_and(is_there)
    }

    /// The parts of a text that a language knows, and those between.
    fn units<'g>(&'g self, language: u8, folded: &'g str) -> Vec<Unit<'g>> {
        let mut units = Vec::new();
        let mut rest = folded;
        while !rest.is_empty() && units.len() < MOST_UNITS {
            let ends = rest.match_indices(' ').map(|(at, _)| at).chain([rest.len()]).take(MOST_IN_A_ROW);
            let ends: SmallVec<[usize; MOST_IN_A_ROW]> = ends.collect();
            let row = ends[1..].iter().rev().find_map(|end| Some((*end, self.row(language, &rest[..*end])?)));
            let end = row.map_or(ends[0], |(end, _)| end);
            let unit = &rest[..end];
            match row {
                Some((_, meaning)) => units.push((Some(meaning), unit)),
                None if self.languages[usize::from(language)].has_spaces || unit.is_ascii() => units.push((self.meaning(language, unit), unit)),
                None => self.parted(language, unit, &mut units),
            }
            rest = rest[end..].trim_start_matches(' ');
        }
        units
    }

    /// The words of a text without spaces.
    fn parted<'g>(&'g self, language: u8, mut text: &'g str, units: &mut Vec<Unit<'g>>) {
        while !text.is_empty() && units.len() < MOST_UNITS {
            let ends: SmallVec<[usize; LONGEST_WORD]> = text.char_indices().skip(1).map(|(at, _)| at).chain([text.len()]).take(LONGEST_WORD).collect();
            let known = ends.iter().rev().find_map(|end| Some((*end, self.row(language, &text[..*end])?)));
            // Latin letters between them are a word.
            let latin = text.bytes().take_while(u8::is_ascii).count();
            let end = known.map_or(ends[0].max(latin), |(end, _)| end);
            units.push((known.map(|(_, meaning)| meaning), &text[..end]));
            text = &text[end..];
        }
    }

    /// What words in a row mean in a language, all of them together.
    fn row(&self, language: u8, words: &str) -> Option<&str> {
        self.find(words, As::Whole).find(|(of, _)| *of == language).map(|(_, meaning)| meaning)
    }

    /// What a word means in a language.
    fn meaning(&self, language: u8, word: &str) -> Option<&str> {
        let prefixes = &self.languages[usize::from(language)].prefixes;
        let bare = prefixes.iter().filter_map(|prefix| word.strip_prefix(&**prefix)).filter(|bare| bare.chars().count() >= LEFT);
        std::iter::once(word).chain(bare).find_map(|word| {
            let mut found = None;
            self.known(word, &mut |of, meaning| found = found.or((of == language).then_some(meaning)));
            found
        })
    }

    /// Tells what a word means in each language that knows it: as it is, and then by what it begins with, the longest first.
    fn known<'g>(&'g self, word: &str, tell: &mut dyn FnMut(u8, &'g str)) {
        self.find(word, As::Whole).for_each(|(language, meaning)| tell(language, meaning));
        let ends: SmallVec<[usize; LONGEST_WORD]> = word.char_indices().skip(1).map(|(at, _)| at).chain([word.len()]).take(LONGEST_WORD).collect();
        for end in ends.iter().rev() {
            self.find(&word[..*end], As::Beginning).for_each(|(language, meaning)| tell(language, meaning));
        }
    }
}

#[cfg(test)]
mod tests;
