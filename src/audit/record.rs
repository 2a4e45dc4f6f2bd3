//! One record: what is known when a request arrives, and what is known when it is over.

use crate::insight::{Certainty, Kind, Search, Start};
use crate::lists::Entry;
use crate::policy::decision::SnapshotId;
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// The reference number of a record: 41 bits of milliseconds since 2020, then a counter. Later records have greater numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub u64);

/// 2020-01-01T00:00:00Z in Unix milliseconds.
const EPOCH_MS: u64 = 1_577_836_800_000;
/// Bits of the counter.
const COUNTER_BITS: u32 = 22;
/// Crockford's base 32: no letter that could be read as a digit.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl RecordId {
    /// The first id of a millisecond (Unix time).
    #[must_use]
    pub fn first_of(unix_ms: u64) -> Self {
        Self(unix_ms.saturating_sub(EPOCH_MS) << COUNTER_BITS)
    }

    /// The id of these milliseconds since 2020 and this counter; what does not fit is cut off.
    #[must_use]
    pub fn of_parts(ms: u64, counter: u64) -> Self {
        Self(ms << COUNTER_BITS | counter & ((1 << COUNTER_BITS) - 1))
    }

    /// Its milliseconds since 2020.
    #[must_use]
    pub fn ms(self) -> u64 {
        self.0 >> COUNTER_BITS
    }

    /// Its milliseconds, Unix time: never before the time of its record.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        self.ms() + EPOCH_MS
    }

    /// Its counter.
    #[must_use]
    pub fn counter(self) -> u64 {
        self.0 & ((1 << COUNTER_BITS) - 1)
    }
}

impl fmt::Display for RecordId {
    /// As people read it out: `0123-4567-89ABC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for digit in (0..13).rev() {
            let value = self.0 >> (5 * digit) & 31;
            write!(f, "{}", DIGITS[usize::try_from(value).unwrap_or_default()] as char)?;
            if digit == 9 || digit == 5 {
                f.write_str("-")?;
            }
        }
        Ok(())
    }
}

/// Not a reference number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reference number; it looks like 0CF3-8QK2-ZV9M1")]
pub struct NotAnId;

/// As people read it.
impl serde::Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for RecordId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Cow<'de, str> = serde::Deserialize::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for RecordId {
    type Err = NotAnId;

    /// Reads a reference number as people type it: any case, with or without hyphens, `O` for `0` and `I` or `L` for `1`.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let mut value = 0u64;
        let mut digits = 0;
        for c in text.chars().filter(|c| *c != '-' && *c != ' ') {
            let digit = match c.to_ascii_uppercase() {
                'O' => b'0',
                'I' | 'L' => b'1',
                other => u8::try_from(other).map_err(|_| NotAnId)?,
            };
            let number = DIGITS.iter().position(|d| *d == digit).ok_or(NotAnId)?;
            value = value.checked_mul(32).ok_or(NotAnId)? | number as u64;
            digits += 1;
        }
        if digits == 13 { Ok(Self(value)) } else { Err(NotAnId) }
    }
}

/// What was answered, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Forwarded or tunnelled.
    Allowed,
    /// A warning was shown.
    Warned,
    /// Refused by a decision.
    Blocked,
    /// Refused because it is no request a proxy can serve: malformed, over a limit, without a password where one is asked for.
    Refused,
    /// Answered by Usher itself: the page behind a warning, `TRACE` at its end.
    Answered,
}

impl Verdict {
    /// All of them, by the name they have in the log.
    pub const NAMES: [(&str, Self); 5] =
        [("allowed", Self::Allowed), ("warned", Self::Warned), ("blocked", Self::Blocked), ("refused", Self::Refused), ("answered", Self::Answered)];

    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Answered => "answered",
        }
    }
}

/// How long a record is kept is settled by class; each class has a chain and segments of its own, so that one is purged without the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A page somebody went to.
    Visit,
    /// A search, asked or being typed.
    Search,
    /// What a page drags in, and what devices do by themselves.
    Resource,
    /// Anything that was not let through: blocked, warned about, refused.
    Blocked,
    /// Anything a member of staff did.
    Staff,
}

impl Class {
    /// All of them, by the name they have in the log and in `usher.toml`.
    pub const NAMES: [(&str, Self); 5] =
        [("visit", Self::Visit), ("search", Self::Search), ("resource", Self::Resource), ("blocked", Self::Blocked), ("staff", Self::Staff)];

    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Search => "search",
            Self::Resource => "resource",
            Self::Blocked => "blocked",
            Self::Staff => "staff",
        }
    }

    /// Its place in [`Self::NAMES`]: as in hashes and files.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Visit => 0,
            Self::Search => 1,
            Self::Resource => 2,
            Self::Blocked => 3,
            Self::Staff => 4,
        }
    }

    /// The class with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::NAMES.get(usize::from(code)).map(|(_, class)| *class)
    }

    /// The class of a pupil's request.
    #[must_use]
    pub fn of(kind: Kind, verdict: Verdict) -> Self {
        match (verdict, kind) {
            (Verdict::Warned | Verdict::Blocked | Verdict::Refused, _) => Self::Blocked,
            (Verdict::Allowed | Verdict::Answered, Kind::Visit) => Self::Visit,
            (Verdict::Allowed | Verdict::Answered, Kind::Search) => Self::Search,
            (Verdict::Allowed | Verdict::Answered, Kind::Resource | Kind::Background) => Self::Resource,
        }
    }

    /// The class of what follows from a request of this class: staff's stays theirs.
    #[must_use]
    pub fn following(self, kind: Kind, verdict: Verdict) -> Self {
        if self == Self::Staff { Self::Staff } else { Self::of(kind, verdict) }
    }

    /// Whether it may hold a request of this kind and verdict; of any where none is given.
    #[must_use]
    pub fn may_hold(self, kind: Option<Kind>, verdict: Option<Verdict>) -> bool {
        let kinds = Kind::NAMES.into_iter().map(|(_, one)| one).filter(|one| kind.is_none_or(|kind| kind == *one));
        let verdicts = Verdict::NAMES.into_iter().map(|(_, one)| one).filter(|one| verdict.is_none_or(|verdict| verdict == *one));
        let mut of_pupils = kinds.flat_map(|kind| verdicts.clone().map(move |verdict| Self::of(kind, verdict)));
        self == Self::Staff || of_pupils.any(|class| class == self)
    }
}

/// What is known when a request arrives and has been judged.
#[derive(Clone, Debug)]
pub struct Opening {
    /// How long it is kept.
    pub class: Class,
    /// What it is.
    pub kind: Kind,
    /// What set it off.
    pub start: Start,
    /// How sure that is.
    pub certainty: Certainty,
    /// The visit that caused it, if one is known.
    pub cause: Option<RecordId>,
    /// The search, if it is one.
    pub search: Option<Search>,
    /// When, in Unix milliseconds, UTC.
    pub time_ms: u64,
    /// The user, if one is known.
    pub user: Option<Arc<str>>,
    /// The group's name, or `unknown`.
    pub group: Arc<str>,
    /// How the identity was found.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: &'static str,
    /// The client's address.
    pub client: IpAddr,
    /// The method.
    pub method: http::Method,
    /// `http` or `https`; empty if the request had none that could be read.
    pub scheme: &'static str,
    /// The host in its one spelling.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query as received; of a tunnel nothing.
    pub path: String,
    /// The ids of the categories, a space between.
    pub categories: String,
    /// What was answered.
    pub verdict: Verdict,
    /// The kind of reason.
    pub reason: &'static str,
    /// The reason in words.
    pub why: Cow<'static, str>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The list entry that decided.
    pub entry: Option<Entry>,
    /// The snapshot it was decided with.
    pub snapshot: SnapshotId,
    /// `User-Agent`.
    pub agent: Option<String>,
    /// The host of `Referer`.
    pub referrer: Option<String>,
    /// `Sec-Fetch-Dest`.
    pub fetch_dest: Option<String>,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: Option<String>,
    /// `Sec-Fetch-User`.
    pub fetch_user: Option<String>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The whole answer was handed to the client's connection.
    Complete,
    /// The client went away first.
    ClientGone,
    /// The origin could not be reached or broke off.
    OriginFailed,
    /// The destination was refused after its name was resolved.
    DestinationRefused,
    /// A limit of time or size was reached.
    LimitReached,
    /// Given up in any other way.
    Abandoned,
    /// What was in it was found when it had come, and none of it passed: a record of its own says why.
    Withheld,
    /// It was cut for what was in it: a record of its own says why.
    Cut,
}

impl Outcome {
    /// All of them, by the name they have in the log.
    pub const NAMES: [(&str, Self); 8] = [
        ("complete", Self::Complete),
        ("client-gone", Self::ClientGone),
        ("origin-failed", Self::OriginFailed),
        ("destination-refused", Self::DestinationRefused),
        ("limit-reached", Self::LimitReached),
        ("abandoned", Self::Abandoned),
        ("withheld", Self::Withheld),
        ("cut", Self::Cut),
    ];

    /// As in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ClientGone => "client-gone",
            Self::OriginFailed => "origin-failed",
            Self::DestinationRefused => "destination-refused",
            Self::LimitReached => "limit-reached",
            Self::Abandoned => "abandoned",
            Self::Withheld => "withheld",
            Self::Cut => "cut",
        }
    }
}

/// What is known when a request is over.
#[derive(Clone, Debug)]
pub struct Closing {
    /// Which record.
    pub id: RecordId,
    /// Its class.
    pub class: Class,
    /// The status answered; 0 if none was.
    pub status: u16,
    /// Body bytes from the client; of a tunnel, all bytes.
    pub bytes_up: u64,
    /// Body bytes to the client; of a tunnel, all bytes.
    pub bytes_down: u64,
    /// From the request's head to the end of the answer, in microseconds.
    pub duration_us: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The address that was connected to.
    pub upstream: Option<SocketAddr>,
    /// What went wrong, if anything did.
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_numbers_are_read_as_people_type_them() {
        let id = RecordId::first_of(1_795_356_000_000);
        let text = id.to_string();
        assert_eq!(text.len(), 15);
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', ""), text.replace('0', "o"), text.replace('1', "l")] {
            assert_eq!(typed.parse(), Ok(id), "{typed}");
        }
        for bad in ["", "0", "0123-4567-89AB", "0123-4567-89ABCD", "0123-4567-89AB!", "0123-4567-89ABU"] {
            assert_eq!(bad.parse::<RecordId>(), Err(NotAnId), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_id_survives_being_written_down(id in 0..u64::MAX >> 1) {
            proptest::prop_assert_eq!(RecordId(id).to_string().parse(), Ok(RecordId(id)));
        }
    }
}
