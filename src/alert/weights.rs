//! How much each theme weighs, and from how many points on something is done: `[themes]`, `[severity]` and `[ways]` of `alerts.toml`.

use super::theme::Theme;
use crate::audit::incident::Level;
use crate::bypass::Code;
use crate::category::CategorySet;
use std::time::Duration;

/// What the arithmetic goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// One for each theme, in the order of [`Theme::NAMES`].
    pub themes: [Weight; Theme::NAMES.len()],
    /// Points from which on something is worth watching.
    pub watch: u32,
    /// Points of a concern.
    pub concern: u32,
    /// Points of danger.
    pub danger: u32,
    /// Sites of these categories weigh a quarter. Nothing can raise.
    pub lowers: CategorySet,
    /// How long without a sign until an episode is quiet.
    pub quiet: Duration,
    /// How long without a sign until it is over.
    pub ends: Duration,
    /// What ways round come to.
    pub ways: Ways,
}

/// How much one theme weighs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The categories that belong to it.
    pub categories: CategorySet,
    /// The themes of the phrase files that belong to it.
    pub phrases: Vec<Box<str>>,
    /// How much it weighs, of 100.
    pub weight: u32,
    /// The most it comes to.
    pub most: Level,
}

/// What ways round the filter come to, by the points of a person, which fade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// In which time the points of a person halve.
    pub halves: Duration,
    /// Points from which on they are worth watching.
    pub watch: u32,
    /// Points of a concern.
    pub concern: u32,
    /// What counts for nothing.
    pub never: Vec<Code>,
}
