//! How a thing stands, in one word.

use serde::{Deserialize, Serialize};

/// How a thing stands, as a person takes it in at a glance. Ordered: a later one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// Well.
    Green,
    /// Look at it.
    Amber,
    /// Act.
    Red,
}

impl Light {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }
}
