//! What somebody typed, read by all its words: their weights ([`super::learned`]), and, where there is a file of meaning, what they mean ([`super::meant`]). The points
//! of both are added. Pure.

use super::Lexicon;
use super::asked::Text;
use super::learned::Telling;
use super::learned::features::{ENDS, features};
use super::learned::levels::Reading;
use super::meant::Apart;

/// Of texts that are read together, so many words each.
const OF_EACH: usize = 30;

/// How deep what somebody typed is read, beside the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// By the weights of its words: some ten microseconds.
    Words,
    /// By what it means as well, where its words are near anything: some milliseconds.
    Meaning,
}

/// What of a text is read, as its words are meant: all of a short one.
struct Ends<'t> {
    first: Vec<&'t str>,
    /// Of a long one.
    last: Option<Vec<&'t str>>,
}

impl<'t> Ends<'t> {
    /// The end that a reading is of.
    fn of(&self, reading: &Reading) -> &[&'t str] {
        self.last.as_deref().filter(|_| reading.is_end).unwrap_or(&self.first)
    }
}

impl Lexicon {
    /// What somebody typed reads like, by its beginning or its end, whichever says more. `marks` are what else is known of it, as they were when the weights were
    /// learned.
    #[must_use]
    pub fn reads_like(&self, text: &Text<'_>, marks: &[String], depth: Depth) -> Option<Reading> {
        let ends = self.ends(text);
        let last = ends.last.as_ref().and_then(|words| self.read(words, true, marks, depth));
        [self.read(&ends.first, false, marks, depth), last].into_iter().flatten().max_by_key(Reading::says)
    }

    /// What texts that somebody typed within some minutes, oldest first, read like if they are taken together, and how many of them, the last first, were read. Nothing
    /// without a file of meaning that was taught to read them. So many points are taken off, in hundredths.
    #[must_use]
    pub fn reads_together(&self, texts: &[Text<'_>], marks: &[String], off: i32) -> Option<(Reading, usize)> {
        let meant = self.meant.as_ref()?;
        let texts = self.latest(texts);
        let texts: Vec<&[&str]> = texts.iter().map(Vec::as_slice).collect();
        meant.together(&texts, &self.learned.points(&texts.concat(), false, &self.names, marks), &self.learned, off)
    }

    /// When texts are read without some of them as well. Nothing if they are never read together.
    #[must_use]
    pub fn apart(&self) -> Option<Apart> {
        self.meant.as_ref()?.apart()
    }

    /// The points of the words of texts that were typed within some minutes, in hundredths: of danger, then of each theme.
    #[must_use]
    pub fn words_together(&self, texts: &[Text<'_>], marks: &[String]) -> Vec<i32> {
        self.learned.points(&self.latest(texts).concat(), false, &self.names, marks)
    }

    /// The words of the last of these texts, as they are meant: of each its beginning.
    fn latest<'t>(&'t self, texts: &[Text<'t>]) -> Vec<Vec<&'t str>> {
        let mut left = ENDS;
        let mut latest: Vec<Vec<&str>> = Vec::new();
        for text in texts.iter().rev() {
            let words = self.asked.spelled(&text.words[..text.words.len().min(OF_EACH)]);
            let Some(after) = left.checked_sub(words.len()) else { break };
            left = after;
            latest.push(words);
        }
        latest.reverse();
        latest
    }

    fn read(&self, words: &[&str], is_end: bool, marks: &[String], depth: Depth) -> Option<Reading> {
        if words.is_empty() {
            return None;
        }
        let points = self.learned.points(words, is_end, &self.names, marks);
        match &self.meant {
            Some(meant) if depth == Depth::Meaning => meant.read(words, &points, &self.learned, is_end),
            _ => self.learned.judge(&points, is_end),
        }
    }

    /// Whether a text reads like nothing that is worth watching, so that a pattern which fits it is to be doubted: never without a file of meaning.
    #[must_use]
    pub fn doubts(&self, text: &Text<'_>, marks: &[String]) -> bool {
        let ends = self.ends(text);
        let of = |words: &[&str], is_end| {
            let points = || self.learned.points(words, is_end, &self.names, marks);
            !words.is_empty() && self.meant.as_ref().is_some_and(|meant| meant.doubts(words, &points(), &self.learned))
        };
        of(&ends.first, false) && ends.last.as_ref().is_none_or(|last| of(last, true))
    }

    /// The words and features that speak loudest for that, or against it, the loudest first.
    #[must_use]
    pub fn telling(&self, text: &Text<'_>, marks: &[String], reading: &Reading) -> Vec<Telling> {
        let ends = self.ends(text);
        let words = ends.of(reading);
        let mut telling = match &self.meant {
            // What words mean is told by leaving each out.
            Some(meant) => {
                let points =
                    |words: &[&str]| meant.column(reading.column, words, &self.learned.points(words, reading.is_end, &self.names, marks), &self.learned);
                let whole = points(words);
                let without = |place: usize| [&words[..place], &words[place + 1..]].concat();
                (0..words.len()).map(|place| Telling { feature: words[place].to_owned(), points: whole.saturating_sub(points(&without(place))) }).collect()
            }
            None => self.learned.telling(words, &self.names, marks, reading),
        };
        telling.retain(|telling| telling.points != 0);
        telling.sort_by_key(|telling| (std::cmp::Reverse(telling.points.abs()), telling.feature.clone()));
        telling
    }

    /// Tells each feature of what somebody typed, some more than once: what weights are learned for.
    pub fn features(&self, text: &Text<'_>, marks: &[String], tell: &mut dyn FnMut(&str)) {
        features(&self.ends(text).first, false, &self.names, marks, tell);
    }

    /// The beginning and the end of a text, as they are meant.
    fn ends<'t>(&'t self, text: &Text<'t>) -> Ends<'t> {
        let words = &text.words;
        let last = words.len().checked_sub(ENDS).filter(|from| *from > 0);
        Ends { first: self.asked.spelled(&words[..words.len().min(ENDS)]), last: last.map(|from| self.asked.spelled(&words[from..])) }
    }
}
