//! What somebody typed, weighed by all its words: weights that were learned from examples of what pupils type, and of what only looks like it. Pure.
//!
//! Patterns ([`super::pattern`]) know what somebody wrote down for them, and miss what is said in other words. Here every word, and every pair of words near one
//! another, speaks for a theme or against it, and the sum decides. Nothing is hidden: the weights are lines of text that anybody can read, `usher scan asked`
//! tells which of them spoke, and `usher scan learn` makes the file anew from the examples beside it.
//!
//! ```text
//! reads: learned
//! columns: danger suicide drugs        the columns of numbers: danger, and themes
//! levels: 15 from -1.20, 40 from 0.85, danger 60 from 0.40
//! *<TAB>-310<TAB>-420<TAB>-380         where every text begins, in hundredths
//! buy .. <drug><TAB>40<TAB>0<TAB>120   a feature (see [`features`]), and what it adds
//! ```
//!
//! The points of a column are where it begins, and the sum of the features of the text times eight by the root of their number (at least sixteen): a long text says
//! no more than a short one because it is long. The theme with the most points is what it is about; it weighs what the last of `levels` that is reached says. Danger
//! is weighed for itself, and counts where the theme is a concern.

pub mod features;
pub mod levels;

use super::{Builder, Fault};
use features::Names;
use levels::{Levels, Reading};
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

/// The most columns.
const MOST_COLUMNS: usize = 65;
/// The most features.
const MOST_FEATURES: usize = 2_000_000;
/// What a text begins with.
const START: &str = "*";
/// The column of danger.
const DANGER: &str = "danger";
/// The fewest features by whose root a sum is divided.
const FEWEST: usize = 16;

/// The weights of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Learned {
    /// The names of the columns; the first is [`DANGER`].
    columns: Vec<Box<str>>,
    levels: Levels,
    start: Vec<i32>,
    /// The place of a feature in `weights`, by its hash.
    places: HashMap<u64, u32>,
    weights: Vec<i16>,
}

/// A feature that spoke, and for how much of the points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The feature.
    pub feature: String,
    /// What it added, in hundredths.
    pub points: i32,
}

fn hash(feature: &str) -> u64 {
    // With the same keys each time.
    let mut hasher = DefaultHasher::new();
    feature.hash(&mut hasher);
    hasher.finish()
}

/// The sum of features as points: see the module.
#[must_use]
pub fn scaled(sum: i64, features: usize) -> i32 {
    let root = i64::try_from((features.max(FEWEST) as u64 * 1_000_000).isqrt()).unwrap_or(i64::MAX);
    i32::try_from(sum * 8000 / root).unwrap_or(if sum < 0 { i32::MIN } else { i32::MAX })
}

impl Learned {
    fn row(&self, feature: &str) -> Option<&[i16]> {
        let width = self.columns.len();
        let place = *self.places.get(&hash(feature))? as usize * width;
        self.weights.get(place..place + width)
    }

    /// The points of each column; none where nothing was learned.
    pub(super) fn points(&self, words: &[&str], is_end: bool, names: &Names, marks: &[String]) -> Vec<i32> {
        let mut all: Vec<u64> = Vec::new();
        features::features(words, is_end, names, marks, &mut |feature| all.push(hash(feature)));
        all.sort_unstable();
        all.dedup();
        let width = self.columns.len();
        let mut sums = vec![0_i64; width];
        for place in all.iter().filter_map(|hash| self.places.get(hash)) {
            let row = &self.weights[*place as usize * width..][..width];
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += i64::from(*weight));
        }
        sums.into_iter().zip(&self.start).map(|(sum, start)| scaled(sum, all.len()).saturating_add(*start)).collect()
    }

    /// What a text with these points reads like.
    pub(super) fn judge(&self, points: &[i32], is_end: bool) -> Option<Reading> {
        self.levels.judge(points, is_end)
    }

    /// The column of a theme.
    pub(super) fn column(&self, theme: &str) -> Option<usize> {
        self.columns.iter().position(|known| **known == *theme)
    }

    /// The features that speak for and against what a text reads like.
    pub(super) fn telling(&self, words: &[&str], names: &Names, marks: &[String], reading: &Reading) -> Vec<Telling> {
        let mut all: Vec<String> = Vec::new();
        features::features(words, reading.is_end, names, marks, &mut |feature| all.push(feature.to_owned()));
        all.sort_unstable();
        all.dedup();
        let count = all.len();
        all.into_iter().filter_map(|feature| Some(Telling { points: scaled(i64::from(self.row(&feature)?[reading.column]), count), feature })).collect()
    }
}

/// What is wrong with a line of learned weights.
fn wrong(what: &str) -> Fault {
    Fault::NotLearned(what.into())
}

impl Builder {
    /// A line of learned weights.
    pub(super) fn learned(&mut self, line: &str, number: u32, language: &Arc<str>) -> Result<(), Fault> {
        if let Some(columns) = line.strip_prefix("columns:") {
            return self.columns(columns);
        }
        if let Some(levels) = line.strip_prefix("levels:") {
            let themes: Vec<Box<str>> = self.learned.columns.iter().skip(1).cloned().collect();
            self.learned.levels = self.levels(levels, "reads", &themes, (number, language))?;
            return Ok(());
        }
        let learned = &mut self.learned;
        if learned.levels.is_empty() {
            return Err(wrong("\"columns:\" and \"levels:\" come before the weights"));
        }
        let mut cells = line.split('\t');
        let feature = cells.next().unwrap_or_default();
        let width = learned.columns.len();
        let mut row = vec![0_i16; width];
        for (place, cell) in cells.enumerate() {
            let number = cell.trim().parse().map_err(|_| wrong("a weight is a whole number, in hundredths"))?;
            *row.get_mut(place).ok_or_else(|| wrong("there are more numbers than columns"))? = number;
        }
        if feature == START {
            learned.start = row.into_iter().map(i32::from).collect();
            return Ok(());
        }
        if learned.places.len() >= MOST_FEATURES {
            return Err(wrong("there are more than two million features"));
        }
        let place = u32::try_from(learned.places.len()).unwrap_or(u32::MAX);
        if learned.places.insert(hash(feature), place).is_some() {
            learned.places.remove(&hash(feature));
            return Err(wrong("this feature is there twice; neither counts"));
        }
        learned.weights.extend(row);
        Ok(())
    }

    fn columns(&mut self, names: &str) -> Result<(), Fault> {
        if !self.learned.columns.is_empty() {
            return Err(wrong("there are learned weights already; take one of the files out"));
        }
        let names: Vec<&str> = names.split_whitespace().collect();
        if names.first() != Some(&DANGER) || names.len() < 2 || names.len() > MOST_COLUMNS {
            return Err(wrong("columns are \"danger\", and then themes"));
        }
        if let Some(bad) = names.iter().find(|name| !super::is_name(name)) {
            return Err(Fault::BadName((*bad).into()));
        }
        self.learned.start = vec![0; names.len()];
        self.learned.columns = names.into_iter().map(Into::into).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
