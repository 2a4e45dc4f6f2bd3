//! How much each theme weighs, and from how many points on something is done: `[themes]`, `[severity]` and `[ways]` of `alerts.toml`.

use super::theme::Theme;
use crate::audit::incident::Level;
use crate::bypass::Code;
use crate::category::{CategorySet, Taxonomy};
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
    /// Within what time signs of a theme that is not grave count together.
    pub together: Duration,
    /// How long without a sign until an episode is quiet.
    pub quiet: Duration,
    /// How long without a sign until it is told again when it comes back; one that was closed is over then.
    pub again: Duration,
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
    /// Those of them whose sites are only where it begins: to be there, however often and at whichever, is one sign, and by itself never more than watch.
    pub places: CategorySet,
    /// The themes of the phrase files that belong to it.
    pub phrases: Vec<Box<str>>,
    /// How much it weighs, of 100.
    pub weight: u32,
    /// The most it comes to.
    pub most: Level,
}

/// From which weight on a theme is grave.
pub const GRAVE: u32 = 45;

impl Weight {
    /// The categories whose sites are signs by themselves: all but places.
    #[must_use]
    pub fn by_themselves(&self) -> CategorySet {
        self.categories.difference(self.places)
    }

    /// Whether its signs are remembered for days, and two of them are enough.
    #[must_use]
    pub fn is_grave(&self) -> bool {
        self.weight >= GRAVE
    }
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

/// One theme as it ships: its categories, its phrase themes, its weight, and the most it comes to.
type Shipped = (Theme, &'static [&'static str], &'static [&'static str], u32, Level);

// Sites alone are never danger in a theme that is not grave, whatever the theme may come to: what is typed is. "The man I owe for the bets has sent a picture of our
// door" is of gambling.
const SHIPPED: [Shipped; 10] = [
    (Theme::SelfHarm, &["self-harm"], &["suicide", "self-harm", "eating-disorders"], 50, Level::Danger),
    (Theme::Abuse, &["stranger-chat"], &["grooming", "abuse"], 50, Level::Danger),
    (Theme::Extremism, &["extremism"], &["extremism"], 45, Level::Danger),
    (Theme::Violence, &["violence", "weapons"], &["violence", "weapons"], 38, Level::Danger),
    (Theme::Hate, &["hate-speech", "discrimination"], &["hate", "bullying"], 34, Level::Danger),
    (Theme::Crime, &["hacking"], &["crime"], 34, Level::Danger),
    (Theme::Drugs, &["drugs"], &["drugs"], 34, Level::Danger),
    (Theme::Adult, &["adult", "dating"], &["pornography"], 34, Level::Danger),
    (Theme::Gambling, &["gambling"], &["gambling"], 34, Level::Danger),
    (Theme::Bypass, &["bypass", "remote-control"], &["bypass"], 0, Level::Concern),
];

/// Where it begins.
const PLACES: [&str; 1] = ["stranger-chat"];

/// Sites that weigh a quarter.
const LOWERS: [&str; 5] = ["help", "health", "education", "news", "sexual-education"];

impl Weights {
    /// As Usher ships, for a school that says nothing else. What the categories of this school lack is left out.
    #[must_use]
    pub fn shipped(taxonomy: &Taxonomy) -> Self {
        let set = |ids: &[&str]| ids.iter().filter_map(|id| taxonomy.find(id)).collect::<CategorySet>();
        let weight = |(_, theme): (&str, Theme)| match SHIPPED.iter().find(|row| row.0 == theme) {
            Some((_, categories, phrases, weight, most)) => {
                let (categories, phrases) = (set(categories), phrases.iter().map(|name| (*name).into()).collect());
                Weight { categories, places: categories.intersection(set(&PLACES)), phrases, weight: *weight, most: *most }
            }
            None => {
                let (categories, places) = (taxonomy.always_blocked(), CategorySet::EMPTY);
                Weight { categories, places, phrases: Vec::new(), weight: 100, most: Level::Danger }
            }
        };
        Self {
            themes: Theme::NAMES.map(weight),
            watch: 15,
            concern: 45,
            danger: 90,
            lowers: set(&LOWERS),
            together: Duration::from_secs(30 * 60),
            quiet: Duration::from_secs(30 * 60),
            again: Duration::from_secs(24 * 60 * 60),
            ends: Duration::from_secs(7 * 24 * 60 * 60),
            ways: Ways { halves: Duration::from_secs(15 * 60), watch: 5, concern: 20, never: Vec::new() },
        }
    }

    /// How much a theme weighs.
    #[must_use]
    pub fn of(&self, theme: Theme) -> &Weight {
        &self.themes[theme as usize]
    }
}
