//! A sign of a theme, as it is kept, and what it is told apart by. Pure.

use crate::alert::theme::Theme;
use crate::audit::incident::Level;
use crate::audit::{RecordId, Verdict};
use crate::bypass::Code;
use crate::insight::Start;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The site is listed.
    Category,
    /// The site is listed as one where it only begins.
    Place,
    /// The words of a search.
    Search,
    /// What an AI was asked.
    Prompt,
    /// The words of a page, or of what was sent.
    Words,
    /// A way round the filter.
    Way,
    /// A rule of the school's own.
    Rule,
}

/// Whether somebody meant it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// A device did it.
    Background,
    /// A page loaded it.
    Embedded,
    /// A link or a form led there.
    Clicked,
    /// It was typed.
    Typed,
}

impl Intent {
    pub(super) fn of(start: Start) -> Self {
        match start {
            Start::Typed => Self::Typed,
            Start::Clicked => Self::Clicked,
            Start::Loaded => Self::Embedded,
            Start::Background => Self::Background,
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handled {
    /// It was not let through.
    Blocked,
    /// A warning was shown.
    Warned,
    /// It was seen.
    Passed,
}

impl Handled {
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Blocked | Verdict::Refused => Self::Blocked,
            Verdict::Warned => Self::Warned,
            Verdict::Allowed | Verdict::Answered => Self::Passed,
        }
    }
}

/// A sign of a theme, as it is kept: without the person, and without a word of what they looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// The record.
    pub record: RecordId,
    /// What it comes from.
    pub source: Source,
    /// Whether somebody meant it.
    pub intent: Intent,
    /// How strong it is, in hundredths; of a way round, its points.
    pub strength: u32,
    /// What became of it.
    pub handled: Handled,
    /// Whether it was on a site that helps, teaches or tells news.
    pub helps: bool,
    /// What tells it from others: the entry, the site, the code.
    pub key: u64,
    /// Records before it that it is about as well: what was typed before, where several texts say it together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<RecordId>,
    /// What it comes to whatever the arithmetic says.
    pub floor: Option<Level>,
    /// The rule, if it is one's.
    pub rule: Option<String>,
    /// Whether it counts only where all there is comes to danger: the school suppresses a whole theme or category of self-harm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What it is, in a sentence that a person can dispute. No words of searches.
    pub says: String,
}

impl Sign {
    /// When, in Unix milliseconds, by the record's number.
    #[must_use]
    pub fn at_ms(&self) -> u64 {
        self.record.unix_ms()
    }
}

/// A sign, with the theme it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The theme.
    pub theme: Theme,
    /// The way round, if it is one.
    pub way: Option<Code>,
    /// The sign.
    pub sign: Sign,
}

/// Those of one record.
pub type Signals = SmallVec<[Signal; 2]>;
