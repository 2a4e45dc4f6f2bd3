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
//! A text is in a language if at least half of its words are, and no more of them English than not: words that both know say nothing. Of several the one that
//! knows the most of its words is taken, and what that does not know is looked up in the others that it may be in: neighbours share words.

use super::{Builder, Fault};
use crate::scan::fold::fold;
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most languages.
const MOST_LANGUAGES: usize = 64;
/// The most entries of all of them.
const MOST_ENTRIES: usize = 400_000;
/// The most words in a row, on either side.
const MOST_IN_A_ROW: usize = 5;
/// The longest word that is looked up by its beginning, in letters; and in languages without spaces.
const LONGEST_WORD: usize = 24;
/// The least that is left of a word without its prefix, in letters.
const LEFT: usize = 2;
/// From here on scripts are written without spaces between words.
const WITHOUT_SPACES: char = '\u{2e80}';
/// How many words of a text are read so: no sitting and no reading takes more.
const MOST_WORDS: usize = 400;

/// What words mean, as a place in [`Glossary::meanings`], by their language.
type Meanings = SmallVec<[(u8, u32); 2]>;

/// Words of other languages.
#[derive(Clone, Debug, Default)]
pub(super) struct Glossary {
    languages: Vec<Language>,
    /// Words in a row, with one space between.
    rows: HashMap<Box<str>, Meanings>,
    /// What words begin with.
    stems: HashMap<Box<str>, Meanings>,
    /// What words mean in English: a verb has fifty forms, and many languages have it.
    meanings: Vec<Box<str>>,
    places: HashMap<Box<str>, u32>,
    /// The words of these.
    english: HashSet<Box<str>>,
    entries: usize,
}

#[derive(Clone, Debug)]
struct Language {
    name: Arc<str>,
    prefixes: Vec<Box<str>>,
    has_spaces: bool,
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
}

impl Share {
    fn is_enough(self) -> bool {
        self.own >= self.others.max(1) && (self.own > 1 || self.others == 0)
    }
}

/// A part of a text: what it means, if that is known, and the text.
type Unit<'g> = (Option<&'g str>, &'g str);

impl Glossary {
    /// Without what only the builder needs.
    pub(super) fn ready(mut self) -> Self {
        self.places = HashMap::new();
        self.rows.shrink_to_fit();
        self.stems.shrink_to_fit();
        self
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.stems.is_empty()
    }

    /// A folded text in English, if it is in a language that is known.
    pub(super) fn in_english(&self, folded: &str) -> Option<InEnglish> {
        if self.is_empty() {
            return None;
        }
        let folded = folded.trim();
        let end = folded.match_indices(' ').nth(MOST_WORDS - 1).map_or(folded.len(), |(at, _)| at);
        let folded = &folded[..end];
        let mut may_be: Vec<(Share, u8)> =
            self.near(folded).map(|language| (self.share(language, folded), language)).filter(|(share, _)| share.is_enough()).collect();
        may_be.sort_by_key(|(share, language)| (std::cmp::Reverse(share.own), *language));
        let (_, language) = *may_be.first()?;
        let mut text = String::with_capacity(folded.len() + 2);
        for (meaning, unit) in self.units(language, folded) {
            let meaning = meaning.or_else(|| may_be[1..].iter().find_map(|(_, other)| self.meaning(*other, unit))).unwrap_or(unit);
            if !meaning.is_empty() {
                text.extend([" ", meaning]);
            }
        }
        text.push(' ');
        Some(InEnglish { language: self.languages[usize::from(language)].name.clone(), text })
    }

    /// The languages that know half of its words, or nearly.
    fn near(&self, folded: &str) -> impl Iterator<Item = u8> {
        let mut counts = [0_usize; MOST_LANGUAGES];
        let mut words = 0;
        for word in folded.split(' ').filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit())) {
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

    fn share(&self, language: u8, folded: &str) -> Share {
        let mut share = Share::default();
        for (meaning, unit) in self.units(language, folded) {
            let is_english = |word: &str| self.english.contains(word);
            for word in unit.split(' ').filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit())) {
                share.own += usize::from(meaning.is_some() && !is_english(word));
                share.others += usize::from(meaning.is_none());
            }
        }
        share
    }

    /// The parts of a text that a language knows, and those between.
    fn units<'g>(&'g self, language: u8, folded: &'g str) -> Vec<Unit<'g>> {
        let mut units = Vec::new();
        let mut rest = folded;
        while !rest.is_empty() {
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
        while !text.is_empty() {
            let ends: SmallVec<[usize; LONGEST_WORD]> = text.char_indices().skip(1).map(|(at, _)| at).chain([text.len()]).take(LONGEST_WORD).collect();
            let known = ends.iter().rev().find_map(|end| Some((*end, self.row(language, &text[..*end])?)));
            let end = known.map_or(ends[0], |(end, _)| end);
            units.push((known.map(|(_, meaning)| meaning), &text[..end]));
            text = &text[end..];
        }
    }

    /// What words in a row mean in a language, all of them together.
    fn row(&self, language: u8, words: &str) -> Option<&str> {
        let (_, meaning) = self.rows.get(words)?.iter().find(|(of, _)| *of == language)?;
        Some(&self.meanings[*meaning as usize])
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
        let mut all = |meanings: &'g Meanings| meanings.iter().for_each(|(language, meaning)| tell(*language, &self.meanings[*meaning as usize]));
        self.rows.get(word).into_iter().for_each(&mut all);
        let ends: SmallVec<[usize; LONGEST_WORD]> = word.char_indices().skip(1).map(|(at, _)| at).chain([word.len()]).take(LONGEST_WORD).collect();
        ends.iter().rev().filter_map(|end| self.stems.get(&word[..*end])).for_each(&mut all);
    }
}

impl Builder {
    /// What stands at the head of a glossary.
    pub(super) fn glossary_head(&mut self, name: &str, value: &str, language: &Arc<str>) -> Result<(), Fault> {
        let place = self.glossary.language(language)?;
        let language = &mut self.glossary.languages[usize::from(place)];
        match (name, value) {
            ("prefixes", prefixes) => language.prefixes = prefixes.split_whitespace().map(fold).filter(|prefix| !prefix.is_empty()).map(Into::into).collect(),
            (_, "none") => language.has_spaces = false,
            (_, other) => return Err(Fault::NotGlossary(format!("\"spaces: {other}\" is none; there is only \"spaces: none\"").into())),
        }
        Ok(())
    }

    /// A line of a glossary.
    pub(super) fn gloss(&mut self, line: &str, language: &Arc<str>) -> Result<(), Fault> {
        let wrong = |what: &str| Fault::NotGlossary(what.into());
        let (words, meaning) = line.split_once(" = ").ok_or_else(|| wrong("write the words, \" = \", and what they mean in English, or \"-\" for nothing"))?;
        let (words, is_stem) = words.trim().strip_suffix('*').map_or((words, false), |stem| (stem, true));
        let (words, meaning) = (fold(words), if meaning.trim() == "-" { String::new() } else { fold(meaning) });
        let count = |text: &str| text.split(' ').filter(|word| !word.is_empty()).count();
        let place = self.glossary.language(language)?;
        match (count(&words), count(&meaning)) {
            (0, _) => return Err(wrong("there are no letters before the \" = \"")),
            (words, meaning) if words.max(meaning) > MOST_IN_A_ROW => return Err(wrong("at most five words in a row")),
            (2.., _) if is_stem => return Err(wrong("a star ends a single word")),
            (1, _) if is_stem && words.len() < 3 => return Err(wrong("at least three letters stand before a star")),
            _ if self.glossary.entries >= MOST_ENTRIES => return Err(wrong("there are more than 400,000 words")),
            _ => {}
        }
        let glossary = &mut self.glossary;
        let meanings = if is_stem { &mut glossary.stems } else { &mut glossary.rows }.entry(words.into()).or_default();
        if let Some((_, known)) = meanings.iter().find(|(of, _)| *of == place) {
            let known = &glossary.meanings[*known as usize];
            return Err(wrong(&format!("it is there already, as \"{known}\"; take one of them out")));
        }
        let number = *glossary.places.entry(meaning.into()).or_insert_with_key(|meaning| {
            glossary.english.extend(meaning.split(' ').filter(|word| !word.is_empty()).map(Into::into));
            glossary.meanings.push(meaning.clone());
            u32::try_from(glossary.meanings.len() - 1).unwrap_or(u32::MAX)
        });
        meanings.push((place, number));
        glossary.entries += 1;
        Ok(())
    }
}

impl Glossary {
    /// The place of a language.
    fn language(&mut self, name: &Arc<str>) -> Result<u8, Fault> {
        if name.is_empty() {
            return Err(Fault::NotGlossary("put a line such as \"language: Polish\" above it".into()));
        }
        if let Some(place) = self.languages.iter().position(|language| language.name == *name) {
            return Ok(u8::try_from(place).unwrap_or_default());
        }
        if self.languages.len() == MOST_LANGUAGES {
            return Err(Fault::NotGlossary("there are 64 languages already".into()));
        }
        self.languages.push(Language { name: name.clone(), prefixes: Vec::new(), has_spaces: true });
        Ok(u8::try_from(self.languages.len() - 1).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
