//! What became of the lines of a list: every one that was not taken, with its reason.

use super::entry::Refusal;
use super::formats::Format;
use super::formats::detect::Sureness;
use super::reading::File;
use std::collections::BTreeMap;

/// The most refused lines a report keeps of one list; the rest are only counted.
const MOST_REFUSED_SHOWN: usize = 10_000;
/// The most of a refused line a report keeps, in characters.
const MOST_OF_A_LINE: usize = 120;
/// The most redundant entries a report keeps of one list; the rest are only counted.
const MOST_REDUNDANT_SHOWN: usize = 100;

/// What became of the lines of one list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The list's name.
    pub list: String,
    /// The id of its category; empty for lines that no category was named for.
    pub category: String,
    /// How its lines were read.
    pub format: Format,
    /// How the format is known.
    pub known: Known,
    /// Lines taken.
    pub accepted: usize,
    /// Lines taken that say what an earlier line of the same list said.
    pub duplicates: usize,
    /// Entries that a wider one of the same list makes needless. Only `usher lists check` looks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redundant: Option<Redundant>,
    /// Lines refused, by reason.
    pub refused: BTreeMap<Refusal, usize>,
    /// The refused lines themselves, up to ten thousand.
    pub refused_lines: Vec<RefusedLine>,
}

/// How the format of a file is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// The configuration says it.
    Said,
    /// The file's name says it.
    Named,
    /// Detected from its lines, more or less surely.
    Detected(Sureness),
}

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RefusedLine {
    /// Its number, from 1.
    pub line: u32,
    /// Why.
    pub reason: Refusal,
    /// Why, in words.
    pub why: String,
    /// The line, shortened.
    pub text: String,
}

/// Entries that a wider one of the same list makes needless.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Redundant {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub first: Vec<Needless>,
}

impl Redundant {
    /// Counts one more.
    pub fn push(&mut self, entry: Needless) {
        self.count += 1;
        if self.first.len() < MOST_REDUNDANT_SHOWN {
            self.first.push(entry);
        }
    }
}

/// An entry, and the wider one that makes it needless.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Needless {
    /// The entry's line.
    pub line: u32,
    /// The entry.
    pub text: String,
    /// The wider entry's line.
    pub by_line: u32,
    /// The wider entry.
    pub by_text: String,
}

impl Report {
    pub(super) fn new(list: String, category: &str, file: &File<'_>) -> Self {
        Self {
            list,
            category: category.to_owned(),
            format: file.format,
            known: file.known,
            accepted: 0,
            duplicates: 0,
            redundant: None,
            refused: BTreeMap::new(),
            refused_lines: Vec::new(),
        }
    }

    pub(super) fn refuse(&mut self, line: u32, text: &str, reason: Refusal, host: Option<&str>) {
        *self.refused.entry(reason).or_default() += 1;
        if self.refused_lines.len() < MOST_REFUSED_SHOWN {
            let text = text.chars().filter(|c| !c.is_control()).take(MOST_OF_A_LINE).collect();
            self.refused_lines.push(RefusedLine { line, reason, why: reason.about(host), text });
        }
    }

    /// How many lines were refused.
    #[must_use]
    pub fn refused_count(&self) -> usize {
        self.refused.values().sum()
    }
}
