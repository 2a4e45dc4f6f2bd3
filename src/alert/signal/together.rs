//! What somebody typed within some minutes, taken together: where no line says it, several may. Pure.
//!
//! `how high is the car park by the station` and `is the top floor open at night` are anybody's lines, and not both. A file of meaning that was taught to
//! read several ([`crate::scan::meaning`]) reads them as one text. It counts where it comes to more than any of them does by itself in that theme: what one line says
//! already is a matter, and the lines after it would say it again and again. Then it is a sign of the last of them, which names the others.
//!
//! What a line is about is known better by what was typed around it. Where the last reads like one theme by itself, and all of them together like another, it is a sign
//! of the other: one matter and not two. What an entry says of a line stands.

use super::typed::{self, alone};
use super::{About, Book, Seen, Sign, Signal, Signals, Source, key, method};
use crate::alert::severity::{MEANT, STRONG};
use crate::alert::theme::Theme;
use crate::audit::RecordId;
use crate::bypass::Code;
use crate::insight::ai;
use crate::scan::lexicon::asked::Text;
use crate::scan::lexicon::learned::levels::Reading;
use smallvec::SmallVec;

/// What somebody typed, as it is kept for some minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// Where it is on record.
    pub record: RecordId,
    /// The words, folded, and no more of them than are read.
    pub text: Box<str>,
    /// What the entries made of it, for what is learned.
    marks: Vec<String>,
    /// The themes of which an entry says that nothing is meant.
    not_meant: SmallVec<[Theme; 1]>,
    /// The most points that its own words have in any theme, in hundredths.
    near: i32,
    /// How strong it is by itself in each theme, in hundredths.
    strong: SmallVec<[(Theme, u32); 1]>,
    /// The theme of which no entry says so, but all its words.
    learned: Option<Theme>,
}

#[cfg(test)]
impl Typed {
    /// That no entry knows.
    pub(crate) fn made(record: RecordId, text: &str) -> Self {
        Self { record, text: text.into(), near: 0, marks: Vec::new(), not_meant: SmallVec::new(), strong: SmallVec::new(), learned: None }
    }
}

/// The most bytes of a text that are kept: thirty words, and long ones.
const MOST_BYTES: usize = 400;

impl Typed {
    /// Of what somebody typed or clicked on, and was done with, with the signs that it shows by itself.
    pub(super) fn of(about: &About<'_>, made: typed::Made, found: &Signals) -> Self {
        let text = made.folded[..made.folded.floor_char_boundary(MOST_BYTES)].trim();
        let near = about.book.lexicon().words_together(&[Text::of(text)], &made.marks).into_iter().skip(1).max().unwrap_or_default();
        let (record, strong) = (about.seen.id, found.iter().filter_map(of_words).collect());
        Self { record, text: text.into(), near, marks: made.marks, not_meant: made.not_meant, strong, learned: made.learned }
    }
}

/// How strong what was typed is in a theme, if a sign is of that. Searches for ways round have points in the place of strength.
fn of_words(signal: &Signal) -> Option<(Theme, u32)> {
    match (signal.sign.source, signal.way) {
        (Source::Search | Source::Prompt, _) => Some((signal.theme, signal.sign.strength)),
        (_, Some(Code::Method)) => Some((signal.theme, if signal.sign.strength >= method::SURE { STRONG } else { 0 })),
        _ => None,
    }
}

/// Reads what somebody typed within some minutes, oldest first; the last is this record's.
pub fn together(seen: &Seen<'_>, sitting: &[Typed], book: &Book, found: &mut Signals) {
    let Some(apart) = book.lexicon().apart() else { return };
    let all: Vec<&Typed> = sitting.iter().collect();
    if all.iter().any(|typed| typed.strong.iter().any(|(_, strength)| *strength >= MEANT)) {
        return;
    }
    // Between two lines of one matter there may be others of none. Where the last is of none, those before it were read with theirs.
    let near: Vec<&Typed> = all.iter().copied().filter(|typed| typed.near >= apart.below).collect();
    let is_some = near.len() < all.len() && near.last().is_some_and(|last| last.record == seen.id);
    let of_some = || read(&near, book, apart.costs).filter(|_| is_some);
    let Some((reading, sitting)) = read(&all, book, 0).or_else(of_some) else { return };
    let entry = &book.lexicon().entries()[reading.entry as usize];
    let theme = typed::of_phrases(book, entry.themes).next();
    let Some(theme) = theme.filter(|theme| sitting.iter().all(|typed| !typed.not_meant.contains(theme))) else { return };
    let strength = alone(entry.weight);
    let by_itself = sitting.iter().flat_map(|typed| typed.strong.iter()).filter(|(of, _)| *of == theme).map(|(_, strength)| *strength).max();
    let other = sitting.last().and_then(|last| last.learned).filter(|other| is_better(book, (theme, strength), *other, found));
    if Some(strength) <= by_itself && other.is_none() {
        return;
    }
    if let Some(other) = other {
        found.retain(|known| known.theme != other || of_words(known).is_none());
    }
    let is_prompt = seen.search.is_some_and(|(engine, ..)| ai::label(engine).is_some());
    let first = sitting[0].record;
    let says = format!(
        "What was typed within {}, {} texts taken together, reads like what is said of it, which weighs {}: {} ({}: learned from examples).",
        minutes(seen.id.unix_ms().saturating_sub(first.unix_ms())),
        sitting.len(),
        entry.weight,
        typed::points_told(&reading),
        typed::file_of(book.lexicon(), entry),
    );
    let about = About::of(seen, book.categories(seen.categories), book);
    if theme == Theme::Bypass {
        found.retain(|known| known.way != Some(Code::Method));
        return about.way(Code::Method, method::SURE, Some("together"), found);
    }
    // However many lines it goes on for, it is one sign; what stands for a line's own is one as that would be.
    let of_line = other.map_or_else(String::new, |_| seen.id.to_string());
    let key = key(&["together", theme.as_str(), &of_line]);
    let beside = sitting[..sitting.len() - 1].iter().map(|typed| typed.record).collect();
    let source = if is_prompt { Source::Prompt } else { Source::Search };
    let sign = Sign { beside, ..about.sign(source, strength, key, says) };
    found.push(Signal { theme, way: None, sign });
}

/// Whether a sign of what all texts say stands for what the last reads like by itself: it is as strong, no less grave, and for the same people to hear of.
fn is_better(book: &Book, (theme, strength): (Theme, u32), other: Theme, found: &Signals) -> bool {
    let is_grave = |theme| book.weights.of(theme).is_grave();
    let own = found.iter().filter(|known| known.theme == other).filter_map(of_words).map(|(_, strength)| strength).max();
    theme != other && ![theme, other].contains(&Theme::Bypass) && Some(strength) >= own && (is_grave(theme) || !is_grave(other))
}

/// What texts that are taken together read like, with so many points taken off, and those that were read: at least two.
fn read<'t>(sitting: &[&'t Typed], book: &Book, off: i32) -> Option<(Reading, Vec<&'t Typed>)> {
    if sitting.len() < 2 {
        return None;
    }
    let texts: Vec<Text<'_>> = sitting.iter().map(|typed| Text::of(&typed.text)).collect();
    let (reading, read) = book.lexicon().reads_together(&texts, &marks(sitting.iter().copied()), off)?;
    // The oldest may be more than is read at once.
    (read > 1).then(|| (reading, sitting[sitting.len() - read..].to_vec()))
}

/// The points of the words of texts that are taken together, in hundredths: of danger, then of each theme that was learned.
#[must_use]
pub fn points(sitting: &[Typed], book: &Book) -> Vec<i32> {
    let texts: Vec<Text<'_>> = sitting.iter().map(|typed| Text::of(&typed.text)).collect();
    book.lexicon().words_together(&texts, &marks(sitting.iter()))
}

/// What the entries made of any of them.
fn marks<'t>(sitting: impl Iterator<Item = &'t Typed>) -> Vec<String> {
    let mut marks: Vec<String> = sitting.flat_map(|typed| typed.marks.iter().cloned()).collect();
    marks.sort_unstable();
    marks.dedup();
    marks
}

fn minutes(ms: u64) -> String {
    match ms / 60_000 {
        0 => "a minute".to_owned(),
        more => format!("{} minutes", more + 1),
    }
}
