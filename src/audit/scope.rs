//! Which records a hold freezes or an erasure takes: one person's, of a stretch of time, perhaps of one site.
//!
//! Only records in which the person was known by name are meant. What was recorded while nobody was known at a device is no person's as far as the log
//! can tell.

use super::alias::{Alias, Aliases};
use super::entry::Who;
use super::record::RecordId;
use super::rewrite::Record;
use super::segment::SegmentError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whose records, from when to when, of which site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Whose.
    pub whom: Alias,
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// This host and all below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Up to this record; later ones were not there when it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<u64>,
}

fn ms(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or_default()
}

impl Scope {
    /// Whether a record of the person, with this number, time and host, is meant.
    #[must_use]
    pub fn takes(&self, id: RecordId, time_ms: u64, host: &str) -> bool {
        let below = |wanted: &String| host.strip_suffix(wanted.as_str()).is_some_and(|below| below.is_empty() || below.ends_with('.'));
        self.upto.is_none_or(|upto| id.0 <= upto)
            && self.from.is_none_or(|from| time_ms >= ms(from))
            && self.to.is_none_or(|to| time_ms < ms(to))
            && self.host.as_ref().is_none_or(below)
    }

    /// Whether some record could be meant by both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let starts_before_end = |one: &Self, two: &Self| one.from.zip(two.to).is_none_or(|(from, to)| from < to);
        let below = |one: &str, two: &str| one.strip_suffix(two).is_some_and(|below| below.is_empty() || below.ends_with('.'));
        let hosts = self.host.as_ref().zip(other.host.as_ref()).is_none_or(|(one, two)| below(one, two) || below(two, one));
        self.whom == other.whom && starts_before_end(self, other) && starts_before_end(other, self) && hosts
    }
}

/// Scopes, and which of the people of a segment each is about.
pub(super) struct Among<'s> {
    scopes: &'s [&'s Scope],
    /// For each who, the scopes that are about that person.
    by_who: Vec<Vec<usize>>,
}

impl<'s> Among<'s> {
    pub(super) fn new(scopes: &'s [&'s Scope], whos: &[Who], aliases: &Aliases) -> Self {
        let about = |who: &Who| {
            let alias = who.user.as_ref().map(|user| aliases.of(user));
            (0..scopes.len()).filter(|scope| alias.as_ref() == Some(&scopes[*scope].whom)).collect()
        };
        Self { by_who: if scopes.is_empty() { vec![Vec::new(); whos.len()] } else { whos.iter().map(about).collect() }, scopes }
    }

    /// Whether none of the people is meant.
    pub(super) fn is_nobody(&self) -> bool {
        self.by_who.iter().all(Vec::is_empty)
    }

    /// The first scope a row is in.
    pub(super) fn scope_of(&self, record: &Record<'_>) -> Result<Option<usize>, SegmentError> {
        let line = &record.line;
        let Some(about) = self.by_who.get(line.who as usize) else { return Ok(None) };
        if about.is_empty() {
            return Ok(None);
        }
        let host = record.host()?;
        Ok(about.iter().copied().find(|scope| self.scopes[*scope].takes(line.id, line.time_ms, host)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Folder;

    #[test]
    fn a_scope_ends_where_it_says_and_meets_what_it_shares_records_with() {
        let place = tempfile::tempdir().expect("a folder");
        let aliases = Aliases::open(&Folder::at(place.path())).expect("made");
        let time = |text: &str| Some(text.parse::<Timestamp>().expect("a time"));
        let anna = Scope { whom: aliases.of("anna"), from: time("2026-11-01T00:00:00Z"), to: time("2026-12-01T00:00:00Z"), host: None, upto: None };
        let at = |text: &str| ms(text.parse().expect("a time"));
        for (when, meant) in
            [("2026-10-31T23:59:59.999Z", false), ("2026-11-01T00:00:00Z", true), ("2026-11-30T23:59:59.999Z", true), ("2026-12-01T00:00:00Z", false)]
        {
            assert_eq!(anna.takes(RecordId(1), at(when), "a.example"), meant, "{when}");
        }
        let games = Scope { host: Some("games.example".into()), ..anna.clone() };
        for (host, meant) in [("games.example", true), ("www.games.example", true), ("notgames.example", false), ("games.example.org", false)] {
            assert_eq!(games.takes(RecordId(1), at("2026-11-15T00:00:00Z"), host), meant, "{host}");
        }
        for (other, meets) in [
            (Scope { from: None, to: time("2026-11-01T00:00:00Z"), ..anna.clone() }, false),
            (Scope { from: None, to: time("2026-11-01T00:00:01Z"), ..anna.clone() }, true),
            (Scope { from: time("2026-12-01T00:00:00Z"), to: None, ..anna.clone() }, false),
            (Scope { whom: aliases.of("bela"), ..anna.clone() }, false),
            (games.clone(), true),
        ] {
            assert_eq!((anna.meets(&other), other.meets(&anna)), (meets, meets), "{other:?}");
        }
        assert!(!games.meets(&Scope { host: Some("news.example".into()), ..anna.clone() }));
        assert!(games.meets(&Scope { host: Some("www.games.example".into()), ..anna.clone() }));
        assert!(!Scope { upto: Some(5), ..anna }.takes(RecordId(6), at("2026-11-15T00:00:00Z"), ""));
    }
}
