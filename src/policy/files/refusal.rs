//! Why a file is refused, and the words for it.

use crate::kinds::{Found, Seen};
use std::sync::Arc;

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its kind.
    Kind(Found),
    /// The ending of its name, or of the name of something in it.
    Ending {
        /// The ending.
        ending: Arc<str>,
        /// The name.
        name: String,
        /// Whether it is in the file.
        inside: bool,
    },
    /// Its declared type.
    Type(String),
    /// Its size; the largest there may be, in MiB.
    Large(u64),
    /// It unpacks to far more than it is.
    Bomb,
    /// It is coded so that it cannot be looked at.
    Coded,
    /// So much is being looked into that there is no room for it.
    Full,
    /// It is a part of a file, which cannot be judged by itself.
    Part,
}

impl Refusal {
    /// The reason in a sentence, for a group.
    #[must_use]
    pub fn text(&self, group: &str) -> String {
        match self {
            Self::Kind(Found { class, what, seen }) => {
                let kind = class.plural();
                let how = match seen {
                    Seen::Name(name) => format!("its name, \"{}\", is that of {what}", short(name)),
                    Seen::Declared(essence) => format!("the site says that it is {what} ({})", short(essence)),
                    Seen::Bytes => format!("what is in it shows that it is {what}"),
                    Seen::Inside(name) if name.is_empty() => format!("there is {what} in it"),
                    Seen::Inside(name) => format!("there is {what} in it, \"{}\"", short(name)),
                    Seen::Behind => format!("there is {what} behind it"),
                };
                format!("{kind} are blocked for {group}: {how}.")
            }
            Self::Ending { ending, name, inside: false } => format!("Files that end with .{ending} are blocked for {group}: \"{}\".", short(name)),
            Self::Ending { ending, name, inside: true } => format!("Files that end with .{ending} are blocked for {group}: \"{}\" is in it.", short(name)),
            Self::Type(essence) => format!("Files of the type {} are blocked for {group}.", short(essence)),
            Self::Large(most) => format!("Files larger than {most} MiB are blocked for {group}."),
            Self::Bomb => format!("It unpacks to far more than it is, as what harms computers does; such files are blocked for {group}."),
            Self::Coded => format!("It is coded in a way that cannot be looked into; such files are blocked for {group}."),
            Self::Full => "So much is being looked into at once that there is no room for this file. Try again in a moment.".to_owned(),
            Self::Part => format!("It is a part of a file, which cannot be judged without its beginning; such parts are blocked for {group}."),
        }
    }
}

/// As much of a name as a person reads.
fn short(name: &str) -> String {
    let shown: String = name
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'))
        .take(120)
        .collect();
    shown
}
