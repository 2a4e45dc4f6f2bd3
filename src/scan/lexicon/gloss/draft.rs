//! What a glossary is made from, line by line. Pure.

use super::super::{Builder, Fault};
use super::{As, Glossary, Language, MOST_IN_A_ROW, MOST_LANGUAGES, hash};
use crate::scan::fold::fold;
use memchr::memmem;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most words of all languages.
const MOST_WORDS: usize = 2_000_000;
/// The language that all others are read in.
const ENGLISH: &str = "English";

/// What stands between words and what they mean.
const PARTS: &[u8] = b" = ";

/// A glossary in the making.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Draft {
    languages: Vec<Language>,
    /// What words mean, by their hash and language.
    words: HashMap<(u64, u8), u32>,
    meanings: Vec<Box<str>>,
    /// The place of a meaning as it was written.
    places: HashMap<Box<str>, u32>,
    english: HashSet<u64>,
}

fn wrong(what: &str) -> Fault {
    Fault::NotGlossary(what.into())
}

fn count(words: &str) -> usize {
    words.split(' ').filter(|word| !word.is_empty()).count()
}

impl Draft {
    /// The glossary, ready to be looked up in.
    pub(in super::super) fn ready(self) -> Glossary {
        let mut all: Vec<(u64, u8, u32)> = self.words.into_iter().map(|((hash, language), meaning)| (hash, language, meaning)).collect();
        all.sort_unstable();
        Glossary {
            languages: self.languages,
            hashes: all.iter().map(|(hash, ..)| *hash).collect(),
            words: all.iter().map(|(_, language, meaning)| (*meaning, *language)).collect(),
            meanings: self.meanings,
            english: self.english,
        }
    }

    /// The place of a language.
    fn language(&mut self, name: &Arc<str>) -> Result<u8, Fault> {
        if name.is_empty() {
            return Err(wrong("put a line such as \"language: Polish\" above it"));
        }
        let place = self.languages.iter().position(|language| language.name.eq_ignore_ascii_case(name)).unwrap_or(self.languages.len());
        if place == MOST_LANGUAGES {
            return Err(wrong("there are 64 languages already"));
        }
        if place == self.languages.len() {
            self.languages.push(Language { name: name.clone(), prefixes: Vec::new(), has_spaces: true });
        }
        u8::try_from(place).map_err(|_| wrong("there are 64 languages already"))
    }

    /// The place of what words mean, as it is written.
    fn meaning(&mut self, written: &str) -> Result<u32, Fault> {
        if let Some(place) = self.places.get(written) {
            return Ok(*place);
        }
        let meaning = if written == "-" { String::new() } else { fold(written) };
        if count(&meaning) > MOST_IN_A_ROW {
            return Err(wrong("at most five words in a row"));
        }
        self.are_english(&meaning);
        let place = u32::try_from(self.meanings.len()).map_err(|_| wrong("there are too many meanings"))?;
        self.meanings.push(meaning.into());
        self.places.insert(written.into(), place);
        Ok(place)
    }

    fn are_english(&mut self, words: &str) {
        self.english.extend(words.split(' ').filter(|word| !word.is_empty()).map(|word| hash(word, As::Whole)));
    }
}

impl Builder {
    /// What stands at the head of a glossary.
    pub(in super::super) fn glossary_head(&mut self, name: &str, value: &str, language: &Arc<str>) -> Result<(), Fault> {
        let place = self.glossary.language(language)?;
        let language = &mut self.glossary.languages[usize::from(place)];
        match (name, value) {
            ("prefixes", prefixes) => {
                language.prefixes.extend(prefixes.split_whitespace().map(fold).filter(|prefix| !prefix.is_empty()).map(Into::into));
            }
            (_, "none") => language.has_spaces = false,
            (_, other) => return Err(wrong(&format!("\"spaces: {other}\" is none; there is only \"spaces: none\""))),
        }
        Ok(())
    }

    /// A line of a glossary.
    pub(in super::super) fn gloss(&mut self, line: &str, language: &Arc<str>) -> Result<(), Fault> {
        let draft = &mut self.glossary;
        if draft.words.len() + draft.english.len() >= MOST_WORDS {
            return Err(wrong("there are more than two million words"));
        }
        if **language == *ENGLISH {
            draft.are_english(&fold(line));
            return Ok(());
        }
        let parted = memmem::find(line.as_bytes(), PARTS).map(|at| (&line[..at], &line[at + PARTS.len()..]));
        let (words, meaning) = parted.ok_or_else(|| wrong("write the words, \" = \", and what they mean in English, or \"-\" for nothing"))?;
        let (words, is) = words.trim().strip_suffix('*').map_or((words, As::Whole), |beginning| (beginning, As::Beginning));
        let words = fold(words);
        match count(&words) {
            0 => return Err(wrong("there are no letters before the \" = \"")),
            2.. if is == As::Beginning => return Err(wrong("a star ends a single word")),
            1 if is == As::Beginning && words.len() < 3 => return Err(wrong("at least three letters stand before a star")),
            words if words > MOST_IN_A_ROW => return Err(wrong("at most five words in a row")),
            _ => {}
        }
        let key = (hash(&words, is), draft.language(language)?);
        if let Some(known) = draft.words.get(&key) {
            let known = &draft.meanings[*known as usize];
            return Err(wrong(&format!("it is there already, as \"{known}\"; take one of them out")));
        }
        let meaning = draft.meaning(meaning.trim())?;
        draft.words.insert(key, meaning);
        Ok(())
    }
}
