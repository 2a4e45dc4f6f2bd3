//! The phrases that pages are scored by: what they are, where they come from, and the one index that finds them. Pure: files come as text.
//!
//! A phrase is words in a row; an entry is a phrase, or several that must all be there, with a weight and the themes it speaks for. Everything is folded
//! as pages are ([`super::fold`]), so a phrase is written once, in plain spelling. Languages are mixed in one index: a language is a property of
//! lines, and no page says truly which one it is in.
//!
//! Two forms are read: [`lines`], ours, which a teacher can write, and [`e2guardian`], which many schools have. Where to add another: a file beside
//! those that calls [`Builder::add`]. For what is typed into searches and AIs there are patterns besides ([`pattern`], [`asked`]), and weights that were learned
//! from examples ([`learned`]), which may be helped by a file of meaning (`meant`): `reads`. Pages are not read by them. What is typed in another language is read
//! word for word in English besides (`gloss`).
//!
//! # What is held here, and what in the score
//!
//! A single word weighs at most [`HEAVIEST_WORD`] in our files. That no word blocks alone, whatever its weight, is held where scores are made
//! ([`super::window`]).

pub mod asked;
pub mod e2guardian;
mod fault;
mod gloss;
pub mod learned;
pub mod lines;
mod meant;
pub mod pattern;
mod reads;

use super::fold::fold;
use super::index::Index;
use super::meaning;
use asked::{Asked, Ready, Text};
pub use fault::{Fault, Problem};
use gloss::Glossary;
pub use gloss::InEnglish;
use learned::Learned;
use learned::features::Names;
use meant::Meant;
use pattern::Patterns;
pub use reads::Depth;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// How many themes there may be.
pub const MOST_THEMES: usize = 64;
/// How many phrases one entry may ask for together.
pub const MOST_PARTS: usize = 8;
/// How many words a phrase may have.
pub const MOST_WORDS: usize = 12;
/// The longest phrase, in bytes, folded.
pub const LONGEST_PHRASE: usize = 120;
/// The shortest phrase, in bytes, folded.
pub const SHORTEST_PHRASE: usize = 3;
/// The largest weight of an entry in our files, either way. A group's threshold is usually as high.
pub const HEAVIEST: i32 = 100;
/// The largest weight of a single word in our files.
pub const HEAVIEST_WORD: i32 = 40;

/// What a page can be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Its name, such as `eating-disorders`.
    pub name: Box<str>,
    /// The category it belongs to, by its id in `categories.toml`.
    pub category: Box<str>,
}

/// A theme of one lexicon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThemeId(u8);

impl ThemeId {
    /// The theme of this place.
    #[must_use]
    pub fn at(place: usize) -> Option<Self> {
        u8::try_from(place).ok().filter(|place| usize::from(*place) < MOST_THEMES).map(Self)
    }

    /// Its place in [`Lexicon::themes`].
    #[must_use]
    pub fn place(self) -> usize {
        usize::from(self.0)
    }
}

/// A set of themes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Themes(u64);

impl Themes {
    /// Every theme, also those of files that are read later.
    pub const ALL: Self = Self(u64::MAX);

    /// With one more.
    #[must_use]
    pub fn with(self, theme: ThemeId) -> Self {
        Self(self.0 | 1 << theme.0)
    }

    /// Those of the set that are among the first so many.
    pub fn iter(self, themes: usize) -> impl Iterator<Item = ThemeId> {
        let mut left = if themes < MOST_THEMES { self.0 & ((1 << themes) - 1) } else { self.0 };
        std::iter::from_fn(move || {
            let place = u8::try_from(left.trailing_zeros()).ok().filter(|_| left != 0)?;
            left &= left - 1;
            Some(ThemeId(place))
        })
    }
}

/// A line of a phrase file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As written, such as `tie + noose`.
    pub text: Box<str>,
    /// What it adds to the score of its themes; below zero what it takes off.
    pub weight: i32,
    /// What it speaks for.
    pub themes: Themes,
    /// Its language, as the file says.
    pub language: Arc<str>,
    /// The file, as a place in [`Lexicon::files`].
    pub file: u32,
    /// The line, from 1.
    pub line: u32,
    /// Its phrases. More than one: all must be there. None: it is a pattern of what is typed.
    pub(super) parts: SmallVec<[u32; 2]>,
}

impl Entry {
    /// Whether it is a pattern, of which nothing is found in pages.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.parts.is_empty()
    }
}

/// What is looked for: one pattern of the index.
#[derive(Clone, Debug, Default)]
pub(super) struct Phrase {
    /// Its length in bytes, folded.
    pub length: u32,
    /// How many spaces it has within.
    pub spaces: u32,
    /// Whether it ends where a word does, with the space in it.
    pub closed: bool,
    /// The entries that are this phrase and nothing else.
    pub own: SmallVec<[u32; 1]>,
    /// The entries that ask for it and others.
    pub part_of: SmallVec<[u32; 1]>,
}

/// All phrases, ready to be looked for. Made once, shared by all who scan. The default finds nothing.
#[derive(Default)]
pub struct Lexicon {
    pub(super) index: Index,
    pub(super) phrases: Vec<Phrase>,
    pub(super) entries: Vec<Entry>,
    themes: Vec<Theme>,
    files: Vec<Box<str>>,
    asked: Ready,
    learned: Learned,
    meant: Option<Meant>,
    names: Names,
    glossary: Glossary,
}

impl fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lexicon")
            .field("phrases", &self.phrases.len())
            .field("entries", &self.entries.len())
            .field("themes", &self.themes)
            .finish_non_exhaustive()
    }
}

impl Lexicon {
    /// A builder with nothing in it.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The themes, by their place.
    #[must_use]
    pub fn themes(&self) -> &[Theme] {
        &self.themes
    }

    /// A theme by its name.
    #[must_use]
    pub fn theme(&self, name: &str) -> Option<ThemeId> {
        find(&self.themes, name)
    }

    /// The entries, in the order they were read.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many phrases are looked for.
    #[must_use]
    pub fn phrases(&self) -> usize {
        self.phrases.len()
    }

    /// The files that were read.
    #[must_use]
    pub fn files(&self) -> &[Box<str>] {
        &self.files
    }

    /// What the index takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.index.memory()
    }

    /// The patterns that fit what somebody typed. `is_whole`: its last word is over, as it is once it was asked.
    #[must_use]
    pub fn asked(&self, text: &Text<'_>, is_whole: bool) -> Vec<Asked> {
        self.asked.find(text, is_whole)
    }

    /// A folded text word for word in English, if it is in another language that a glossary knows.
    #[must_use]
    pub fn in_english(&self, folded: &str) -> Option<InEnglish> {
        self.glossary.in_english(folded)
    }

    /// How many words an entry of one phrase has; what it is found by is its end.
    #[must_use]
    pub fn words(&self, entry: u32) -> usize {
        let entry = self.entries.get(entry as usize).and_then(|entry| entry.parts.last());
        entry.and_then(|part| self.phrases.get(*part as usize)).map_or(1, |phrase| phrase.spaces as usize + 1)
    }
}

/// More phrases than one index can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the phrases are too many for one index: {phrases}; take a list out")]
pub struct TooMany {
    /// How many there were.
    pub phrases: usize,
}

/// A phrase as a file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The words.
    pub text: &'a str,
    /// Whether it begins where a word does.
    pub starts_word: bool,
    /// Whether it ends where a word does.
    pub ends_word: bool,
}

/// What an entry is but for its phrases.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// As written.
    pub text: &'a str,
    /// Its weight.
    pub weight: i32,
    /// Its themes.
    pub themes: Themes,
    /// Its language.
    pub language: &'a Arc<str>,
    /// Its line.
    pub line: u32,
}

/// What a lexicon is made from, file by file.
#[derive(Clone, Default)]
pub struct Builder {
    themes: Vec<Theme>,
    files: Vec<Box<str>>,
    entries: Vec<Entry>,
    phrases: Vec<Phrase>,
    /// What is looked for, with the spaces at its ends, to its place.
    places: HashMap<Box<str>, u32>,
    /// What an entry asks for and speaks for, to its place.
    known: HashMap<(SmallVec<[u32; 2]>, Themes), usize>,
    patterns: Patterns,
    /// A pattern as written and what it speaks for, to its place.
    known_patterns: HashMap<(Box<str>, Themes), usize>,
    learned: Learned,
    meant: Option<Meant>,
    glossary: gloss::Draft,
}

impl Builder {
    /// The themes so far, by their place.
    #[must_use]
    pub fn themes(&self) -> &[Theme] {
        &self.themes
    }

    /// How many entries there are so far.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// Reads a file of any of our forms: phrases, patterns and weights are text, what they mean is not.
    ///
    /// # Errors
    /// It is neither text nor a file of meaning. What is wrong with a line is told, and keeps that line out.
    pub fn file(&mut self, name: &str, bytes: &[u8]) -> Result<Vec<Problem>, std::str::Utf8Error> {
        if bytes.starts_with(meaning::BEGINS) { Ok(self.meaning(name, bytes)) } else { Ok(self.read(name, std::str::from_utf8(bytes)?)) }
    }

    /// Begins a file: what is added from here on is of it.
    pub fn begin(&mut self, file: &str) {
        self.files.push(file.into());
    }

    /// The theme of this name; its category if it is new or the same.
    pub fn theme(&mut self, name: &str, category: Option<&str>) -> Result<ThemeId, Fault> {
        let place = match find(&self.themes, name) {
            Some(place) => place,
            None if self.themes.len() == MOST_THEMES => return Err(Fault::ManyThemes),
            None => {
                let place = ThemeId(u8::try_from(self.themes.len()).map_err(|_| Fault::ManyThemes)?);
                self.themes.push(Theme { name: name.into(), category: category.unwrap_or_default().into() });
                return Ok(place);
            }
        };
        let theme = &mut self.themes[place.place()];
        match category {
            Some(category) if theme.category.is_empty() => theme.category = category.into(),
            Some(category) if *category != *theme.category => {
                return Err(Fault::OtherCategory { theme: theme.name.clone(), category: theme.category.clone() });
            }
            Some(_) | None => {}
        }
        Ok(place)
    }

    /// Adds an entry of the file at hand.
    pub fn add(&mut self, about: &About<'_>, wanted: &[Wanted<'_>]) -> Result<(), Fault> {
        if wanted.len() > MOST_PARTS {
            return Err(Fault::ManyParts);
        }
        let spelled = wanted.iter().map(spelled).collect::<Result<Vec<_>, _>>()?;
        if let Some(twice) = (1..spelled.len()).find(|place| spelled[..*place].contains(&spelled[*place])) {
            return Err(Fault::SaidTwice(wanted[twice].text.into()));
        }
        let mut parts: SmallVec<[u32; 2]> = spelled.into_iter().map(|spelled| self.phrase(spelled)).collect();
        parts.sort_unstable();
        let key = (parts.clone(), about.themes);
        if let Some(first) = self.known.get(&key).map(|place| &self.entries[*place]) {
            return Err(Fault::Doubled { file: self.files[first.file as usize].clone(), line: first.line });
        }
        let place = self.entries.len();
        let number = u32::try_from(place).unwrap_or(u32::MAX);
        for part in &parts {
            let phrase = &mut self.phrases[*part as usize];
            if parts.len() == 1 { &mut phrase.own } else { &mut phrase.part_of }.push(number);
        }
        self.known.insert(key, place);
        let entry = self.entry(about, parts);
        self.entries.push(entry);
        Ok(())
    }

    /// Adds a pattern of what is typed to the file at hand.
    pub fn add_pattern(&mut self, about: &About<'_>) -> Result<(), Fault> {
        let key = (about.text.split_whitespace().collect::<Vec<_>>().join(" ").into(), about.themes);
        if let Some(first) = self.known_patterns.get(&key).map(|place| &self.entries[*place]) {
            return Err(Fault::Doubled { file: self.files[first.file as usize].clone(), line: first.line });
        }
        let place = self.entries.len();
        let pattern = self.patterns.read(about.text, u32::try_from(place).unwrap_or(u32::MAX))?;
        self.patterns.patterns.push(pattern);
        self.known_patterns.insert(key, place);
        let entry = self.entry(about, SmallVec::new());
        self.entries.push(entry);
        Ok(())
    }

    /// Gives words a name that patterns may use from here on, or more words to a name.
    pub fn name(&mut self, name: &str, words: &str) -> Result<(), Fault> {
        self.patterns.name(name, words)
    }

    fn entry(&self, about: &About<'_>, parts: SmallVec<[u32; 2]>) -> Entry {
        Entry {
            text: about.text.into(),
            weight: about.weight,
            themes: about.themes,
            language: Arc::clone(about.language),
            file: u32::try_from(self.files.len().saturating_sub(1)).unwrap_or(u32::MAX),
            line: about.line,
            parts,
        }
    }

    fn phrase(&mut self, spelled: String) -> u32 {
        if let Some(place) = self.places.get(spelled.as_str()) {
            return *place;
        }
        let place = u32::try_from(self.phrases.len()).unwrap_or(u32::MAX);
        let spaces = spelled.trim().matches(' ').count();
        self.phrases.push(Phrase {
            length: u32::try_from(spelled.len()).unwrap_or(u32::MAX),
            spaces: u32::try_from(spaces).unwrap_or(u32::MAX),
            closed: spelled.ends_with(' '),
            ..Phrase::default()
        });
        self.places.insert(spelled.into(), place);
        place
    }

    fn problem(&self, line: u32, what: Fault) -> Problem {
        Problem { file: self.files.last().cloned().unwrap_or_default(), line, what }
    }

    /// Whether all phrases fit into one index.
    ///
    /// # Errors
    /// They are too many.
    pub fn fits(&self) -> Result<(), TooMany> {
        self.index().map(drop)
    }

    fn index(&self) -> Result<Index, TooMany> {
        let mut patterns = vec![""; self.phrases.len()];
        for (spelled, place) in &self.places {
            patterns[*place as usize] = spelled;
        }
        Index::build(&patterns).ok_or(TooMany { phrases: patterns.len() })
    }

    /// Makes the index.
    pub fn build(mut self) -> Result<Lexicon, TooMany> {
        let index = self.index()?;
        for theme in &mut self.themes {
            if theme.category.is_empty() {
                theme.category = theme.name.clone();
            }
        }
        let names = self.patterns.plain_names();
        let asked = Ready::new(self.patterns);
        Ok(Lexicon {
            index,
            phrases: self.phrases,
            entries: self.entries,
            themes: self.themes,
            files: self.files,
            asked,
            learned: self.learned,
            glossary: self.glossary.ready(),
            meant: self.meant,
            names,
        })
    }
}

fn find(themes: &[Theme], name: &str) -> Option<ThemeId> {
    themes.iter().position(|theme| *theme.name == *name).and_then(ThemeId::at)
}

/// What the index looks for: folded, with a space at the ends that are those of words.
fn spelled(wanted: &Wanted<'_>) -> Result<String, Fault> {
    let folded = fold(wanted.text);
    if folded.len() < SHORTEST_PHRASE {
        return Err(Fault::TooShort(wanted.text.trim().into()));
    }
    let mut words = folded.split(' ');
    let first = words.next().unwrap_or_default();
    let (mut count, mut same) = (1, true);
    for word in words {
        count += 1;
        same &= word == first;
    }
    if folded.len() > LONGEST_PHRASE || count > MOST_WORDS {
        return Err(Fault::TooLong(wanted.text.trim().into()));
    }
    if same && count > 1 {
        return Err(Fault::SaidTwice(first.into()));
    }
    let space = |is_there| if is_there { " " } else { "" };
    Ok(format!("{}{folded}{}", space(wanted.starts_word), space(wanted.ends_word)))
}

/// Whether this may name a theme or category.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
pub(crate) mod shipped;
#[cfg(test)]
mod tests;
