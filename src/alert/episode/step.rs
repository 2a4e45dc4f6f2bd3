//! What becomes of a matter, step by step: what is stated of it.

use crate::alert::theme::Theme;
use crate::audit::RecordId;
use crate::audit::incident::Level;
use smallvec::SmallVec;

/// What became of a matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An episode begins.
    Open(Box<Begun>),
    /// It is graver, or back after a day without a sign.
    Worse {
        /// Whether it is back.
        is_back: bool,
        /// The other theme that is danger, or graver, if it is one that is part of it.
        also: Option<Theme>,
        /// Which.
        episode: RecordId,
        /// Its theme.
        theme: Theme,
        /// How grave now.
        level: Level,
        /// When, in Unix milliseconds.
        at_ms: u64,
        /// Why.
        factors: Vec<String>,
        /// The records that count.
        records: Vec<RecordId>,
    },
    /// What would be an episode of another theme, of concern, is part of it.
    Joined {
        /// Which.
        episode: RecordId,
        /// Its theme.
        theme: Theme,
        /// What the other episode would have been.
        other: Box<Begun>,
    },
    /// It goes on: the first sign of another day.
    On {
        /// Which.
        episode: RecordId,
        /// Its theme.
        theme: Theme,
        /// How many signs there were.
        signals: u32,
        /// The last record of it.
        last: RecordId,
    },
    /// It is over.
    End {
        /// Which.
        episode: RecordId,
        /// Its theme.
        theme: Theme,
        /// When it was over, in Unix milliseconds.
        at_ms: u64,
        /// How many signs there were.
        signals: u32,
        /// The last record of it.
        last: RecordId,
    },
}

/// An episode that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its name: the first record that counts.
    pub episode: RecordId,
    /// Its theme.
    pub theme: Theme,
    /// How grave.
    pub level: Level,
    /// When the sign was that made it one, in Unix milliseconds.
    pub at_ms: u64,
    /// The rule that opened it, if it was one.
    pub rule: Option<String>,
    /// Why.
    pub factors: Vec<String>,
    /// The records that count.
    pub records: Vec<RecordId>,
}

/// What a sign sets off.
pub type Steps = SmallVec<[Step; 1]>;
