//! Points as what is found: of which theme, and how grave. Pure.

use super::super::{About, Builder, Fault, HEAVIEST, Themes};
use super::wrong;
use std::sync::Arc;

/// From how many points on, in hundredths, a theme weighs how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Whether the points of danger are asked as well.
    pub is_danger: bool,
    /// What it weighs, as an entry of a phrase file does.
    pub weight: i32,
    /// From so many points on.
    pub from: i32,
}

/// What a text reads like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The entry: of a theme and a level, as a place in [`super::super::Lexicon::entries`].
    pub entry: u32,
    /// Its points, in hundredths.
    pub points: i32,
    /// From how many on it is what it is.
    pub from: i32,
    /// The column whose points these are.
    pub(in super::super) column: usize,
    /// The level, as a place in the levels.
    pub(in super::super) level: usize,
    /// Whether it is the end of a long text that reads so, and not its beginning.
    pub(in super::super) is_end: bool,
}

impl Reading {
    /// Which of two says more.
    pub(in super::super) fn says(&self) -> (usize, i32) {
        (self.level, self.points - self.from)
    }
}

/// The levels of points in columns: danger, then each theme.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Levels {
    levels: Vec<Level>,
    /// The entries of the lexicon, by column and level.
    entries: Vec<Vec<u32>>,
}

impl Levels {
    pub(in super::super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The theme with the most points, as a column.
    fn theme(points: &[i32]) -> Option<usize> {
        (1..points.len()).max_by_key(|column| (points[*column], std::cmp::Reverse(*column)))
    }

    /// What a text with these points reads like. Danger counts where the theme is a concern.
    pub(in super::super) fn judge(&self, points: &[i32], is_end: bool) -> Option<Reading> {
        let column = Self::theme(points)?;
        let concern = self.levels.iter().filter(|level| !level.is_danger).map(|level| level.from).max().unwrap_or(i32::MAX);
        let is_reached = |level: &Level| if level.is_danger { points[0] >= level.from && points[column] >= concern } else { points[column] >= level.from };
        let (place, level) = self.levels.iter().enumerate().rev().find(|(_, level)| is_reached(level))?;
        let shown = if level.is_danger { 0 } else { column };
        Some(Reading { entry: *self.entries.get(column)?.get(place)?, points: points[shown], from: level.from, column: shown, level: place, is_end })
    }
}

impl Builder {
    /// Reads levels such as `15 from -1, 40 from 1.5, danger 60 from 2`, and makes an entry for each of each theme: `read` like it.
    pub(in super::super) fn levels(&mut self, text: &str, read: &str, themes: &[Box<str>], (line, language): (u32, &Arc<str>)) -> Result<Levels, Fault> {
        let mut levels = Vec::new();
        for level in text.split(',').map(str::trim) {
            let (is_danger, rest) = level.strip_prefix("danger ").map_or((false, level), |rest| (true, rest));
            let (weight, from) = rest.split_once(" from ").ok_or_else(|| wrong("a level is written \"40 from 0.85\""))?;
            let weight = weight.trim().parse().ok().filter(|weight| (1..=HEAVIEST).contains(weight)).ok_or(Fault::NoWeight)?;
            let from: f64 = from.trim().parse().map_err(|_| wrong("points are written \"0.85\""))?;
            let from = hundredths(from).ok_or_else(|| wrong("points are from -300 to 300"))?;
            levels.push(Level { is_danger, weight, from });
        }
        let mut entries = vec![Vec::new()];
        for name in themes {
            let theme = self.theme(name, None)?;
            let mut of_it = Vec::new();
            for level in &levels {
                of_it.push(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
                let text = format!("{read} like {name}{}", if level.is_danger { ", and danger" } else { "" });
                let about = About { text: &text, weight: level.weight, themes: Themes::default().with(theme), language, line };
                let entry = self.entry(&about, smallvec::SmallVec::new());
                self.entries.push(entry);
            }
            entries.push(of_it);
        }
        Ok(Levels { levels, entries })
    }
}

/// A number in hundredths.
fn hundredths(number: f64) -> Option<i32> {
    let scaled = (number * 100.0).round();
    #[allow(clippy::cast_possible_truncation, reason = "it is within these bounds")]
    (scaled.abs() <= 30_000.0).then_some(scaled as i32)
}
