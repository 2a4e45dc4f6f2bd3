//! What a matter is about.

use serde::{Deserialize, Serialize};

/// What a matter is about. Kept by the name it has in settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Self-harm, suicide, eating disorders.
    SelfHarm,
    /// Abuse and exploitation; chat with strangers, which is where much of it begins.
    Abuse,
    /// Pornography and dating.
    Adult,
    /// Violence and weapons.
    Violence,
    /// Extremism: the Prevent duty.
    Extremism,
    /// Hate and bullying.
    Hate,
    /// Drugs.
    Drugs,
    /// Gambling.
    Gambling,
    /// Crime, such as breaking into computers.
    Crime,
    /// Ways round the filter.
    Bypass,
    /// What is against the law to look at.
    Illegal,
}

impl Theme {
    /// All of them, by the name they have in settings and in the journal.
    pub const NAMES: [(&str, Self); 11] = [
        ("self-harm", Self::SelfHarm),
        ("abuse", Self::Abuse),
        ("adult", Self::Adult),
        ("violence", Self::Violence),
        ("extremism", Self::Extremism),
        ("hate", Self::Hate),
        ("drugs", Self::Drugs),
        ("gambling", Self::Gambling),
        ("crime", Self::Crime),
        ("bypass", Self::Bypass),
        ("illegal", Self::Illegal),
    ];

    /// As in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize].0
    }

    /// The theme of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, theme)| *theme)
    }

    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::SelfHarm => "self-harm",
            Self::Abuse => "abuse or exploitation",
            Self::Adult => "adult content",
            Self::Violence => "violence or weapons",
            Self::Extremism => "extremism",
            Self::Hate => "hate or bullying",
            Self::Drugs => "drugs",
            Self::Gambling => "gambling",
            Self::Crime => "crime",
            Self::Bypass => "ways round the filter",
            Self::Illegal => "illegal content",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_has_its_name() {
        for (place, (name, theme)) in Theme::NAMES.into_iter().enumerate() {
            assert_eq!((theme as usize, theme.as_str(), Theme::named(name)), (place, name, Some(theme)));
            assert_eq!(serde_json::to_string(&theme).expect("written"), format!("\"{name}\""));
        }
    }
}
