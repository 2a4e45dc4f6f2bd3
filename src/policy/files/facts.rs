//! What is known of a file before its bytes.

use crate::body::coding::Codings;
use crate::body::parts::Parts;
use crate::kinds::reader::by_name;
use crate::kinds::{Class, name};

/// What the head of an answer says of a file.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The name in its URL, if it would be saved under it.
    pub path: Option<String>,
    /// The names in `Content-Disposition`.
    pub names: Vec<String>,
    /// The declared media types, without parameters, in lower case.
    pub types: Vec<String>,
    /// How it is coded on the way; none where that cannot be undone.
    pub codings: Option<Codings>,
    /// What tells its parts apart, if it has some.
    pub parts: Option<Parts>,
    /// Where it may be a stream of messages: how they are framed.
    pub framed: Option<Framed>,
    /// Its length, if that is known.
    pub length: Option<u64>,
    /// Which part of a file it is.
    pub part: Part,
    /// What becomes of parts that another reader may see in another way.
    pub doubt: Doubt,
}

/// How the messages of a stream are framed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framed {
    /// Its `Content-Type`s, of which there should be one.
    pub types: Vec<Vec<u8>>,
    /// The coding of its messages, as its head says.
    pub coding: Vec<u8>,
}

/// What becomes of a part that another reader may see in another way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doubt {
    /// It is judged as it is seen here. A browser reads what it gets as tolerantly.
    #[default]
    Judged,
    /// It is refused: who reads it is the site's choice.
    Refused,
}

/// Which part of a file an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// All of it, or its first part.
    #[default]
    First,
    /// One that says nothing of how the file begins; how long the whole is, if that is known.
    Later(Option<u64>),
}

/// The most of a request's `Range` that keeps a file whole enough to be judged (RFC 9110 section 14.2): one that starts at its beginning, or of what is
/// played and says so in its name.
#[must_use]
pub fn may_ask_for(range: &[u8], path: &str) -> bool {
    let text = String::from_utf8_lossy(range).to_ascii_lowercase();
    let starts = text.trim().strip_prefix("bytes=").map(|set| set.trim_start().starts_with("0-") && !set.contains(','));
    let is_played = || name::of_path(path).and_then(|name| by_name(&name)).is_some_and(|found| matches!(found.class, Class::Audio | Class::Video));
    starts == Some(true) || !text.contains(',') && is_played()
}
