//! What words that somebody typed come to, in each theme. Pure.
//!
//! ```text
//! words ─▶ phrases of the lexicon, as in pages ─┐
//!      ├─▶ its patterns of what is typed ───────┴─▶ the heaviest that counts, less what takes off ─▶ strength
//!      └─▶ all words, with what that came to ─────▶ what it reads like (learned, meaning) ────────▶ strength, if it is more
//! ```
//!
//! What is typed in a language that a glossary knows ([`Lexicon::in_english`]) is weighed as it stands, and word for word in English; what comes to more counts.
//!
//! A word counts for the heaviest entry that it is a part of. What takes off is taken off the heaviest, with one limit: what somebody says of themselves, and what
//! would be danger in a sentence with `I` in it, is never taken below what is a concern ([`CONCERN`]). Where an entry of [`NOT_MEANT`] fits, nothing of the theme is meant:
//! it is a game, a song, or a saying.
//!
//! One sentence is one matter: of the themes that it comes to a concern of, the one with the strongest words is its theme ([`chief`]), and the graver of two that are
//! as strong. Of the others it is worth watching ([`BESIDE`]).
//!
//! An entry that fits what everybody types is a chance: where all the words together read like that (only a file of meaning can tell, [`crate::scan::meaning`]), a
//! concern by an entry is worth watching, and no more. What is danger by an entry, and what somebody says of themselves, is never doubted.
//!
//! What was learned from examples ([`Lexicon::reads_like`]) speaks for one theme. Where an entry makes something a concern already, it says only whether that is
//! danger: an entry knows its theme better.

use super::super::severity::{MEANT, STRONG};
use super::super::theme::Theme;
use super::super::weights::Weights;
use super::Book;
use crate::insight::Stage;
use crate::scan::fold::Folder;
use crate::scan::lexicon::asked::Text;
use crate::scan::lexicon::learned::Telling;
use crate::scan::lexicon::learned::levels::Reading;
use crate::scan::lexicon::{Depth, Entry, InEnglish, Lexicon, MOST_THEMES, Themes};
use crate::scan::window::{Repeats, Window};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// The most of a search's or a prompt's words that are weighed, in bytes.
const MOST_BYTES: usize = 16 * 1024;
/// An entry that weighs less says what lessons, charities and the news say too.
const RARELY_MEANT_WELL: i32 = 15;
/// Two of this weight are a concern.
const WITH_ANOTHER: i32 = 25;
/// An entry of this weight is a concern by itself.
const CONCERN: i32 = 40;
/// One of this weight says that it is meant, how it is to be done, or that it is being done: danger.
const DANGER: i32 = 60;
/// An entry that says that nothing of its theme is meant.
const NOT_MEANT: i32 = -100;
/// What one of [`WITH_ANOTHER`] comes to; with another it is [`STRONG`].
const HALF_STRONG: u32 = 70;
/// What words come to, at the most, in themes beside the one that they are about.
pub(super) const BESIDE: u32 = 40;
/// Words by which somebody speaks of themselves.
const OF_ONESELF: [&str; 14] = ["i", "im", "ive", "ill", "id", "ima", "imma", "iam", "me", "my", "myself", "mine", "us", "our"];
/// Words by which a sentence is somebody's own.
const I: [&str; 9] = ["i", "im", "ive", "ill", "ima", "imma", "iam", "me", "myself"];
/// In longer texts an `I` far away says nothing.
const SHORT: usize = 40;

/// What words came to in one theme.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hit {
    /// The heaviest entry that counts.
    pub(super) heaviest: Option<(u32, i32)>,
    /// How many entries count.
    entries: u32,
    /// How many of them are rarely meant well.
    grave: u32,
    /// What is taken off.
    off: i32,
    /// Whether what is left is a concern whatever is taken off.
    is_own: bool,
    /// What all the words read like, where that is more.
    learned: Option<Read>,
    /// Whether all the words read like what everybody types, so that the entries count less.
    is_doubted: bool,
    /// Whether the entries are in the words as they are in English, and not as they were typed.
    is_in_english: bool,
}

/// What all the words read like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    reading: Reading,
    weight: i32,
    /// Whether they were read in English, and not as they were typed.
    is_in_english: bool,
}

/// What words came to, by theme.
type Hits = SmallVec<[(Theme, Hit); 1]>;

/// An entry that was found.
struct One {
    entry: u32,
    weight: i32,
    themes: Themes,
    /// Which words.
    words: Range<usize>,
}

/// A text, folded.
fn folded(term: &str) -> String {
    let mut folded = Vec::new();
    let mut folder = Folder::default();
    folder.feed(&term[..term.floor_char_boundary(MOST_BYTES)], &mut folded);
    folder.part(&mut folded);
    String::from_utf8(folded).unwrap_or_default()
}

/// A text, folded, with what the entries make of it.
pub(super) struct Made {
    pub(super) folded: String,
    hits: Hits,
    /// What that is for what is learned.
    pub(super) marks: Vec<String>,
    /// The themes of which an entry says that nothing is meant.
    pub(super) not_meant: SmallVec<[Theme; 1]>,
    /// The theme of which no entry says so, but all the words.
    pub(super) learned: Option<Theme>,
    /// Whether it is in English, and was typed in another language.
    is_in_english: bool,
}

impl Made {
    fn of(book: &Book, folded: String, stage: Stage) -> Self {
        let (hits, not_meant) = by_entries(book, &folded, &Text::of(&folded), stage);
        let marks = marks(&hits);
        Self { folded, hits, marks, not_meant, learned: None, is_in_english: false }
    }

    /// What was typed in another language, in English; with what was made of it as it stands.
    fn in_english(book: &Book, text: String, as_typed: &Self) -> Self {
        let mut made = Self { is_in_english: true, ..Self::of(book, text, Stage::Asked) };
        made.hits.iter_mut().for_each(|(_, hit)| hit.is_in_english = true);
        // What the words say as they stand is surer than what they say word for word.
        made.not_meant.retain(|theme| as_typed.hits.iter().all(|(of, _)| of != theme));
        made.hits.retain(|(theme, _)| !as_typed.not_meant.contains(theme));
        made.not_meant.extend(as_typed.not_meant.iter().copied());
        made
    }

    fn text(&self) -> Text<'_> {
        Text::of(&self.folded)
    }
}

/// Weighs words for each alert theme. Returns with that what the entries alone make of them: in English, where they are in another language.
pub(super) fn weigh(book: &Book, term: &str, stage: Stage, depth: Depth) -> (Hits, Made) {
    let folded = folded(term);
    // Half a sentence reads like anything.
    let is_whole = stage != Stage::Typing;
    let in_english = if is_whole { book.lexicon().in_english(&folded) } else { None };
    let mut made = Made::of(book, folded, stage);
    let mut hits = made.hits.clone();
    if is_whole {
        read(book, &made, &mut hits, depth);
    }
    if let Some(InEnglish { text, .. }) = in_english {
        let in_english = Made::in_english(book, text, &made);
        let as_typed = std::mem::replace(&mut made, in_english);
        for (theme, hit) in &made.hits {
            match hits.iter_mut().find(|(of, _)| of == theme) {
                Some((_, known)) if known.by_entries() >= hit.by_entries() => {}
                Some((_, known)) => *known = Hit { learned: known.learned.take(), ..hit.clone() },
                None => hits.push((*theme, hit.clone())),
            }
        }
        read(book, &made, &mut hits, depth);
        made.marks.extend(as_typed.marks);
        made.marks.sort_unstable();
        made.marks.dedup();
    }
    let learned = hits.iter().filter(|(_, hit)| hit.is_learned());
    made.learned = learned.max_by_key(|(_, hit)| hit.strength()).map(|(theme, _)| *theme);
    (hits, made)
}

/// How words are read by all of them: folded, and in English where they are in another language.
pub(super) fn as_read(book: &Book, term: &str) -> (Option<Arc<str>>, String) {
    let folded = folded(term);
    let in_english = book.lexicon().in_english(&folded);
    in_english.map_or((None, folded), |InEnglish { language, text }| (Some(language), text))
}

/// What entries make of the words, and the themes of which they say that nothing is meant.
fn by_entries(book: &Book, folded: &str, text: &Text<'_>, stage: Stage) -> (Hits, SmallVec<[Theme; 1]>) {
    let lexicon = book.lexicon();
    let mut found = phrases(lexicon, folded.as_bytes(), stage);
    found.extend(lexicon.asked(text, stage != Stage::Typing).into_iter().map(|asked| one(lexicon, asked.entry, asked.words)));
    let has_i = text.words.len() <= SHORT && text.words.iter().any(|word| I.contains(word));
    let (mut hits, mut not_meant) = (Hits::new(), SmallVec::new());
    for (_, theme) in Theme::NAMES {
        let mut of_it: Vec<&One> = found.iter().filter(|one| of_phrases(book, one.themes).any(|known| known == theme)).collect();
        if of_it.iter().any(|one| one.weight <= NOT_MEANT) {
            not_meant.push(theme);
            continue;
        }
        if !of_it.iter().any(|one| one.weight > 0) {
            continue;
        }
        of_it.sort_by_key(|one| (std::cmp::Reverse(one.weight), one.words.start, one.entry));
        let mut hit = Hit { off: of_it.iter().filter(|one| one.weight < 0).fold(0, |sum: i32, one| sum.saturating_add(one.weight)), ..Hit::default() };
        let mut counted: SmallVec<[&Range<usize>; 4]> = SmallVec::new();
        for one in of_it.into_iter().filter(|one| one.weight > 0) {
            if counted.iter().any(|words| words.start < one.words.end && one.words.start < words.end) {
                continue;
            }
            if hit.heaviest.is_none() {
                hit.heaviest = Some((one.entry, one.weight));
                let says_i = text.words.get(one.words.clone()).is_some_and(|words| words.iter().any(|word| OF_ONESELF.contains(word)));
                hit.is_own = one.weight >= CONCERN && says_i || one.weight >= DANGER && has_i;
            }
            hit.entries += 1;
            hit.grave += u32::from(one.weight >= RARELY_MEANT_WELL);
            counted.push(&one.words);
        }
        hits.push((theme, hit));
    }
    (hits, not_meant)
}

/// The alert themes of themes of the lexicon.
pub(super) fn of_phrases(book: &Book, themes: Themes) -> impl Iterator<Item = Theme> {
    themes.iter(book.of_phrases.len().min(MOST_THEMES)).filter_map(|theme| book.of_phrases[theme.place()])
}

/// What the entries came to, for what is learned: those marks are features beside the words.
fn marks(hits: &[(Theme, Hit)]) -> Vec<String> {
    let word = |hit: &Hit| match hit.strength() {
        MEANT.. => Some("meant"),
        STRONG.. => Some("strong"),
        HALF_STRONG.. => Some("half"),
        1.. => Some("weak"),
        0 => None,
    };
    hits.iter().filter_map(|(theme, hit)| Some(format!("[{} {}]", theme.as_str(), word(hit)?))).collect()
}

/// Raises the theme that the words read like to what they read like.
fn read(book: &Book, made: &Made, hits: &mut Hits, depth: Depth) {
    let (lexicon, text, is_in_english) = (book.lexicon(), made.text(), made.is_in_english);
    let Some(reading) = lexicon.reads_like(&text, &made.marks, depth) else {
        let can_be_doubted = |hit: &Hit| hit.is_in_english == is_in_english && hit.strength() == STRONG && !hit.is_own;
        if depth == Depth::Meaning && hits.iter().any(|(_, hit)| can_be_doubted(hit)) && lexicon.doubts(&text, &made.marks) {
            hits.iter_mut().filter(|(_, hit)| can_be_doubted(hit)).for_each(|(_, hit)| hit.is_doubted = true);
        }
        return;
    };
    let entry = &lexicon.entries()[reading.entry as usize];
    let read = Read { weight: entry.weight, reading, is_in_english };
    let by_entries: Hits = hits.iter().map(|(theme, hit)| (*theme, Hit { learned: None, ..hit.clone() })).collect();
    let known = chief(&by_entries, &book.weights).filter(|chief| by_entries.iter().any(|(theme, hit)| theme == chief && hit.strength() >= STRONG));
    let Some(theme) = known.or_else(|| of_phrases(book, entry.themes).next()).filter(|theme| !made.not_meant.contains(theme)) else { return };
    match hits.iter_mut().find(|(of, _)| *of == theme) {
        Some((_, hit)) if hit.learned.as_ref().is_some_and(|known| alone(known.weight) > alone(read.weight)) => {}
        Some((_, hit)) => hit.learned = Some(read),
        None => hits.push((theme, Hit { learned: Some(read), ..Hit::default() })),
    }
}

/// The features of words as they were typed, for weights to be learned.
pub(super) fn features(book: &Book, term: &str) -> Vec<String> {
    let made = Made::of(book, folded(term), Stage::Asked);
    let mut found = Vec::new();
    book.lexicon().features(&made.text(), &made.marks, &mut |feature| found.push(feature.to_owned()));
    found.sort_unstable();
    found.dedup();
    found
}

/// The theme of which no entry says so, but all the words together, and which of their features spoke.
pub(super) fn telling(book: &Book, term: &str) -> Option<(Theme, Vec<Telling>)> {
    let (hits, made) = weigh(book, term, Stage::Asked, Depth::Meaning);
    let (theme, hit) = hits.iter().find(|(_, hit)| hit.is_learned())?;
    let read = hit.learned.as_ref()?;
    // It may have been read as it was typed, and not in English.
    let made = if read.is_in_english == made.is_in_english { made } else { Made::of(book, folded(term), Stage::Asked) };
    Some((*theme, book.lexicon().telling(&made.text(), &made.marks, &read.reading)))
}

fn one(lexicon: &Lexicon, entry: u32, words: Range<usize>) -> One {
    let of = &lexicon.entries()[entry as usize];
    One { entry, weight: of.weight, themes: of.themes, words }
}

/// The phrases of pages that are in a text.
fn phrases(lexicon: &Lexicon, folded: &[u8], stage: Stage) -> Vec<One> {
    let mut window = Window::new(lexicon, Repeats::Once, 0);
    window.text().extend(folded);
    window.look(lexicon);
    window.end(lexicon);
    // The beginning of a word that is being typed may become any word.
    let is_open = |entry: u32| stage == Stage::Typing && lexicon.entries()[entry as usize].text.contains('*');
    let found = window.score().found.into_iter().filter(|found| !is_open(found.entry));
    let last = |at: u64| folded[..usize::try_from(at).unwrap_or(0).min(folded.len())].split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count();
    found
        .map(|found| {
            let end = last(found.at);
            one(lexicon, found.entry, end.saturating_sub(lexicon.words(found.entry))..end)
        })
        .collect()
}

/// How strong an entry of this weight is by itself.
pub(super) fn alone(weight: i32) -> u32 {
    match weight {
        DANGER.. => MEANT,
        CONCERN.. => STRONG,
        WITH_ANOTHER.. => HALF_STRONG,
        RARELY_MEANT_WELL.. => 40,
        _ => 0,
    }
}

/// The theme that words are about, if they are strong in any. Ways round the filter have points of their own, and stand beside.
pub(super) fn chief(hits: &[(Theme, Hit)], weights: &Weights) -> Option<Theme> {
    let strong = hits.iter().filter(|(theme, hit)| *theme != Theme::Bypass && hit.strength() >= HALF_STRONG);
    let graver = |theme: Theme| (weights.of(theme).weight, std::cmp::Reverse(theme as usize));
    strong.map(|(theme, hit)| (hit.strength(), graver(*theme), *theme)).max().map(|(.., theme)| theme)
}

impl Hit {
    /// The entry that makes it what it is.
    pub(super) fn entry(&self) -> Option<u32> {
        if self.is_learned() { self.learned.as_ref().map(|read| read.reading.entry) } else { self.heaviest.map(|(entry, _)| entry) }
    }

    fn is_learned(&self) -> bool {
        self.learned.as_ref().is_some_and(|read| alone(read.weight) > self.by_entries())
    }

    /// What tells texts of the same entry apart. An entry says the same each time; what was learned has an entry for a whole theme, and texts have their points.
    pub(super) fn apart(&self) -> String {
        self.learned.as_ref().filter(|_| self.is_learned()).map_or_else(String::new, |read| read.reading.points.to_string())
    }

    /// How strong it is, in hundredths.
    pub(super) fn strength(&self) -> u32 {
        self.by_entries().max(self.learned.as_ref().map_or(0, |read| alone(read.weight)))
    }

    /// How strong the entries make it.
    fn by_entries(&self) -> u32 {
        let weight = self.heaviest.map_or(0, |(_, weight)| weight.saturating_add(self.off));
        let weight = if self.is_own { weight.max(CONCERN) } else { weight };
        let alone = alone(weight);
        if self.is_doubted {
            return alone.min(BESIDE);
        }
        match (self.grave, self.entries, weight) {
            (2.., _, RARELY_MEANT_WELL..) if alone < STRONG => (alone + STRONG - HALF_STRONG).min(STRONG),
            // Two words that lessons say too are a little more than one.
            (_, 2.., 1..RARELY_MEANT_WELL) => 25,
            _ => alone,
        }
    }

    pub(super) fn says(&self, lexicon: &Lexicon, is_prompt: bool, beside: Option<Theme>) -> String {
        // Which language it is would name somebody where few speak it.
        let is_in_english = if self.is_learned() { self.learned.as_ref().is_some_and(|read| read.is_in_english) } else { self.is_in_english };
        let word_for_word = if is_in_english { " They are in another language, and were read word for word in English." } else { "" };
        self.says_of_words(lexicon, is_prompt, beside) + word_for_word
    }

    fn says_of_words(&self, lexicon: &Lexicon, is_prompt: bool, beside: Option<Theme>) -> String {
        let beside = beside.map(|chief| format!("; they are about {} above all", chief.words())).unwrap_or_default();
        if let Some(Read { reading, weight, .. }) = self.learned.as_ref().filter(|_| self.is_learned()) {
            let what = if is_prompt { "What an AI was asked, taken together, reads" } else { "The words searched for, taken together, read" };
            let entry = &lexicon.entries()[reading.entry as usize];
            let file = file_of(lexicon, entry);
            let points = points_told(reading);
            return format!("{what} like what is said of it, which weighs {weight}: {points} ({file}: learned from examples){beside}.");
        }
        let what = if is_prompt { "What an AI was asked matches" } else { "The words searched for match" };
        let Some((place, weight)) = self.heaviest else { return format!("{what} nothing.") };
        let entry = &lexicon.entries()[place as usize];
        let file = file_of(lexicon, entry);
        let theme = entry.themes.iter(lexicon.themes().len()).next().map_or("", |theme| &*lexicon.themes()[theme.place()].name).replace('-', " ");
        let more = match self.entries {
            0 | 1 => String::new(),
            2 => ", and another".to_owned(),
            more => format!(", and {} others", more - 1),
        };
        let off = match (self.off, self.is_own) {
            (0.., _) => String::new(),
            (off, false) => format!("; {} is taken off for words of help or learning", -off),
            (off, true) => format!("; {} is taken off for words of help or learning, but it is said of oneself and stays a concern", -off),
        };
        let doubted = if self.is_doubted { "; but all of them together read like what everybody types, so that it counts as weak" } else { "" };
        format!("{what} an entry that weighs {weight} for {theme} ({file}, line {}){more}{off}{doubted}{beside}.", entry.line)
    }
}

/// The points of what was read.
pub(super) fn points_told(reading: &Reading) -> String {
    let [points, from] = [reading.points, reading.from].map(|points| f64::from(points) / 100.0);
    format!("{points:.2} points, where {from:.2} are enough")
}

/// The name of the file of an entry.
pub(super) fn file_of<'l>(lexicon: &'l Lexicon, entry: &Entry) -> &'l str {
    lexicon.files().get(entry.file as usize).map_or("", |file| file.rsplit('/').next().unwrap_or(file))
}
