//! A file of meaning ([`crate::scan::meaning`]) among the phrase files: its points are added to those of the words. Pure.
//!
//! Weights of words and an encoder err in different places, and both together err less than either. Most of what is typed is far from anything by its words alone,
//! and is not read by what it means: that costs some milliseconds.

use super::learned::Learned;
use super::learned::levels::{Levels, Reading};
use super::{Builder, Fault, Problem, is_name};
use crate::scan::meaning::Meaning;
use std::sync::Arc;

/// What reads, and from how many points of both on a text is what.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    meaning: Arc<Meaning>,
    /// The themes, in the order of the columns behind the first, which is danger.
    themes: Vec<Box<str>>,
    alone: Bounds,
    /// Of what was typed within some minutes, if it was taught to read that.
    together: Option<Bounds>,
    apart: Apart,
}

/// When texts that are read together are read without some of them as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Apart {
    /// A text with fewer points of its own words in every theme, in hundredths, may be about something else.
    pub below: i32,
    /// How many points, in hundredths, it costs to leave some out.
    pub costs: i32,
}

#[derive(Clone, Debug)]
struct Bounds {
    levels: Levels,
    /// From how many points of its words on a text is read.
    from: i32,
    /// How much of the points of its words counts, in hundredths.
    words: i32,
}

impl Meant {
    /// What a text reads like, with the points of its words.
    pub(super) fn read(&self, words: &[&str], by_words: &[i32], learned: &Learned, is_end: bool) -> Option<Reading> {
        self.judge(&self.alone, &[words], by_words, learned, (is_end, 0))
    }

    /// What texts that were typed within some minutes read like, with the points of all their words.
    /// And how many of them, the last first, were read. So many points are taken off.
    pub(super) fn together(&self, texts: &[&[&str]], by_words: &[i32], learned: &Learned, off: i32) -> Option<(Reading, usize)> {
        let reading = self.judge(self.together.as_ref()?, texts, by_words, learned, (false, off))?;
        Some((reading, self.meaning.fit(texts)))
    }

    /// When texts are read without some of them, if they are ever read together.
    pub(super) fn apart(&self) -> Option<Apart> {
        self.together.is_some().then_some(self.apart)
    }

    fn judge(&self, bounds: &Bounds, texts: &[&[&str]], by_words: &[i32], learned: &Learned, (is_end, off): (bool, i32)) -> Option<Reading> {
        let most = by_words.iter().copied().max();
        if most.is_some_and(|most| most < bounds.from) {
            return None;
        }
        let counted: Vec<i32> = by_words.iter().map(|points| points.saturating_mul(bounds.words) / 100).collect();
        let points: Vec<i32> = self.points(texts, &counted, learned).into_iter().map(|points| points.saturating_sub(off)).collect();
        bounds.levels.judge(&points, is_end)
    }

    /// Whether a text reads like nothing that is worth watching, so that a pattern which fits it is to be doubted.
    pub(super) fn doubts(&self, words: &[&str], by_words: &[i32], learned: &Learned) -> bool {
        self.alone.levels.judge(&self.points(&[words], by_words, learned), false).is_none()
    }

    fn points(&self, texts: &[&[&str]], by_words: &[i32], learned: &Learned) -> Vec<i32> {
        self.meaning.points(texts).into_iter().enumerate().map(|(column, points)| points.saturating_add(self.beside(column, by_words, learned))).collect()
    }

    /// The points of one column.
    pub(super) fn column(&self, column: usize, words: &[&str], by_words: &[i32], learned: &Learned) -> i32 {
        self.points(&[words], by_words, learned)[column]
    }

    /// What the words add to a column.
    fn beside(&self, column: usize, by_words: &[i32], learned: &Learned) -> i32 {
        let theirs = column.checked_sub(1).map_or(Some(0), |theme| learned.column(&self.themes[theme]));
        theirs.and_then(|theirs| by_words.get(theirs)).copied().unwrap_or_default()
    }
}

impl Builder {
    /// Reads a file of meaning. If anything is wrong with it, nothing of it counts.
    pub(super) fn meaning(&mut self, file: &str, bytes: &[u8]) -> Vec<Problem> {
        self.begin(file);
        let read = self.meant(bytes).map(|meant| self.meant = Some(meant));
        read.err().map(|what| self.problem(1, what)).into_iter().collect()
    }

    fn meant(&mut self, bytes: &[u8]) -> Result<Meant, Fault> {
        if self.meant.is_some() {
            return Err(Fault::NotMeaning("there is one already; take one of the files out".into()));
        }
        let (head, meaning) = Meaning::read(bytes).map_err(|broken| Fault::NotMeaning(broken.to_string().into()))?;
        if let Some(bad) = head.themes.iter().find(|name| !is_name(name)) {
            return Err(Fault::BadName(bad.as_str().into()));
        }
        let themes: Vec<Box<str>> = head.themes.iter().map(|name| name.as_str().into()).collect();
        let language = "several".into();
        let mut bounds = |levels: &str, (from, words), read| Ok(Bounds { levels: self.levels(levels, read, &themes, (1, &language))?, from, words });
        let alone = bounds(&head.levels, (head.from, 100), "reads")?;
        let apart = head.together.as_ref().map_or_else(Apart::default, |together| Apart { below: together.apart, costs: together.costs });
        let together = head.together.map(|together| bounds(&together.levels, (together.from, together.words), "reads together")).transpose()?;
        Ok(Meant { meaning: Arc::new(meaning), themes, alone, together, apart })
    }
}
