//! A site that nobody at the school had used, and several people go to within half an hour: how a new web proxy goes round a class. Pure, with memory: which
//! sites were ever used ([`Names`]), and who was first at those that are new ([`Spread`]).
//!
//! A site is its registered name (`bbc.co.uk`), or the whole name where anybody can have one below it. Names are kept as keyed hashes. Until names have been
//! collected for a week nothing is new, since everything would be.

use crate::bounded;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// For how long names are collected before any is called new, in milliseconds.
pub const LEARNS_MS: u64 = 7 * 86_400_000;
/// How long a name is new, in milliseconds.
pub const NEW_MS: u64 = 86_400_000;
/// Within which time several people are a spread, in milliseconds.
pub const WITHIN_MS: u64 = 1_800_000;
/// The same of people at one place.
pub const WITHIN_PLACE_MS: u64 = 300_000;
/// How many people are a spread, and how many at one place.
const PEOPLE: usize = 3;
const PEOPLE_AT_PLACE: usize = 2;
/// The most names that are kept: some megabytes.
const MOST_NAMES: usize = 262_144;
/// The most new names of which it is kept who was there, and the most people of each.
const MOST_NEW: usize = 2048;
const MOST_PEOPLE: usize = 8;
const HOUR_MS: u64 = 3_600_000;
/// What the bytes of names begin with.
const HEAD: &[u8; 16] = b"usher: names, 1\n";

/// When a name was used: for the first time, and for the last, in hours since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    first: u32,
    last: u32,
}

/// The names that were ever used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Since when they are collected, in milliseconds.
    since_ms: Option<u64>,
    used: HashMap<u64, Used>,
    /// Those that came since they were last written as a whole.
    fresh: HashMap<u64, u32>,
}

fn hour(at_ms: u64) -> u32 {
    u32::try_from(at_ms / HOUR_MS).unwrap_or(u32::MAX)
}

impl Names {
    /// A name was used at a time, in milliseconds. Whether it is new.
    pub fn note(&mut self, name: u64, at_ms: u64) -> bool {
        let since = *self.since_ms.get_or_insert(at_ms);
        let now = hour(at_ms);
        let first = if let Some(used) = self.used.get_mut(&name) {
            used.last = used.last.max(now);
            used.first
        } else {
            if self.used.len() >= MOST_NAMES {
                self.make_room();
            }
            self.used.insert(name, Used { first: now, last: now });
            self.fresh.insert(name, now);
            now
        };
        at_ms >= since + LEARNS_MS && u64::from(now.saturating_sub(first)) * HOUR_MS < NEW_MS
    }

    /// Forgets a quarter: what was not used for longest.
    fn make_room(&mut self) {
        let mut times: Vec<(u32, u64)> = self.used.iter().map(|(name, used)| (used.last, *name)).collect();
        times.sort_unstable();
        for (_, name) in times.into_iter().take(MOST_NAMES / 4) {
            self.used.remove(&name);
            self.fresh.remove(&name);
        }
    }

    /// Since when they are collected; what tells one collection from another.
    #[must_use]
    pub fn since_ms(&self) -> Option<u64> {
        self.since_ms
    }

    /// Those that the bytes written last do not hold, each with the hour in which it was first used.
    #[must_use]
    pub fn fresh(&self) -> &HashMap<u64, u32> {
        &self.fresh
    }

    /// Takes up those that were kept beside the bytes.
    pub fn add(&mut self, fresh: impl IntoIterator<Item = (u64, u32)>) {
        for (name, first) in fresh.into_iter().take(MOST_NAMES) {
            let used = self.used.entry(name).or_insert(Used { first, last: first });
            used.first = used.first.min(first);
            self.fresh.insert(name, used.first);
        }
    }

    /// As bytes, with all there are.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD.len() + 8 + self.used.len() * 16);
        bytes.extend(HEAD);
        bytes.extend(self.since_ms.unwrap_or(u64::MAX).to_le_bytes());
        for (name, used) in &self.used {
            bytes.extend(name.to_le_bytes());
            bytes.extend(used.first.to_le_bytes());
            bytes.extend(used.last.to_le_bytes());
        }
        bytes
    }

    /// All of them are written.
    pub fn written(&mut self) {
        self.fresh.clear();
    }

    /// From bytes. Nothing if they are no names.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (since, rest) = bytes.strip_prefix(HEAD)?.split_first_chunk::<8>()?;
        let since = u64::from_le_bytes(*since);
        if rest.len() % 16 != 0 || rest.len() / 16 > MOST_NAMES {
            return None;
        }
        let number = |four: &[u8]| four.try_into().map(u32::from_le_bytes).ok();
        let used = rest.chunks_exact(16).map(|one| {
            let name = one[..8].try_into().map(u64::from_le_bytes).ok()?;
            Some((name, Used { first: number(&one[8..12])?, last: number(&one[12..])? }))
        });
        Some(Self { since_ms: (since != u64::MAX).then_some(since), used: used.collect::<Option<_>>()?, fresh: HashMap::new() })
    }
}

/// Somebody who was at a new site: for the first time, at which place, and what else is to be known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct First<T> {
    /// Who.
    pub who: String,
    /// When, in milliseconds.
    pub at_ms: u64,
    /// At which place, if that is known.
    pub place: Option<String>,
    /// What else.
    pub of: T,
}

/// Who was first at the sites that are new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread<T>(HashMap<u64, Vec<First<T>>>);

impl<T> Default for Spread<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone + PartialEq> Spread<T> {
    /// Somebody went to a new site. Those who make it a spread with them, themselves among them, if this is their first time there and there are enough.
    pub fn take(&mut self, name: u64, first: &First<T>) -> Vec<First<T>> {
        let now = first.at_ms;
        if self.0.len() >= MOST_NEW && !self.0.contains_key(&name) {
            self.make_room(now);
        }
        let people = self.0.entry(name).or_default();
        match people.iter().position(|known| known.who == first.who) {
            // The same again, as when a record is read once more.
            Some(known) if people[known].of == first.of => {}
            Some(known) if people[known].at_ms <= now => return Vec::new(),
            // What is read out of order.
            Some(known) => people[known] = first.clone(),
            None if people.len() < MOST_PEOPLE => people.push(first.clone()),
            None => return Vec::new(),
        }
        let near = |within: u64| people.iter().filter(move |one| one.at_ms <= now && one.at_ms + within > now);
        let anywhere: Vec<_> = near(WITHIN_MS).cloned().collect();
        if anywhere.len() >= PEOPLE {
            return anywhere;
        }
        let here: Vec<_> = near(WITHIN_PLACE_MS).filter(|one| one.place.is_some() && one.place == first.place).cloned().collect();
        if here.len() >= PEOPLE_AT_PLACE { here } else { Vec::new() }
    }

    /// Forgets what is not new any more at a time.
    pub fn forget(&mut self, now_ms: u64) {
        self.0.retain(|_, people| people.iter().any(|one| one.at_ms + NEW_MS > now_ms));
    }

    /// Takes out people, as far as these are to go. Returns how many.
    pub fn take_out(&mut self, goes: impl Fn(&First<T>) -> bool) -> usize {
        let count = |all: &HashMap<u64, Vec<First<T>>>| all.values().map(Vec::len).sum::<usize>();
        let before = count(&self.0);
        self.0.values_mut().for_each(|people| people.retain(|first| !goes(first)));
        self.0.retain(|_, people| !people.is_empty());
        before - count(&self.0)
    }

    fn make_room(&mut self, now_ms: u64) {
        self.forget(now_ms);
        let last = |people: &[First<T>]| people.iter().map(|one| one.at_ms).max().unwrap_or(0);
        bounded::make_room(&mut self.0, MOST_NEW, |people| last(people));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: u64 = 86_400_000;
    const MINUTE: u64 = 60_000;
    const MONDAY: u64 = 20_780 * DAY;

    fn first(who: &str, minute: u64, place: Option<&str>) -> First<u64> {
        First { who: who.into(), at_ms: MONDAY + minute * MINUTE, place: place.map(Into::into), of: minute }
    }

    #[test]
    fn a_name_is_new_for_a_day_once_names_were_collected_for_a_week() {
        let mut names = Names::default();
        assert!(!names.note(1, MONDAY), "everything is new");
        assert!(!names.note(2, MONDAY + 6 * DAY));
        let later = MONDAY + 7 * DAY + DAY;
        assert!(names.note(3, later) && names.note(3, later + DAY - HOUR_MS) && !names.note(3, later + DAY));
        assert!(!names.note(1, later), "it was used a week ago");
    }

    #[test]
    fn names_are_kept_as_they_were() {
        let mut names = Names::default();
        for name in 0..100 {
            names.note(name, MONDAY + name * MINUTE);
        }
        let bytes = names.bytes();
        names.written();
        assert_eq!(Names::of_bytes(&bytes), Some(names.clone()));
        names.note(200, MONDAY + DAY);
        let mut again = Names::of_bytes(&bytes).expect("names");
        again.add(names.fresh().clone());
        assert_eq!(again, names);
        for bad in [&b""[..], b"usher: names, 1\n", &bytes[..bytes.len() - 1], &bytes[1..]] {
            assert_eq!(Names::of_bytes(bad), None);
        }
        let nothing = Names::default();
        assert_eq!(Names::of_bytes(&nothing.bytes()), Some(nothing));
    }

    #[test]
    fn three_people_in_half_an_hour_are_a_spread_or_two_at_one_place() {
        let counts = |steps: &[First<u64>]| {
            let mut spread = Spread::default();
            steps.iter().map(|step| spread.take(1, step).len()).collect::<Vec<_>>()
        };
        assert_eq!(counts(&[first("a", 0, None), first("a", 1, None), first("b", 2, None), first("c", 29, None), first("d", 31, None)]), [0, 0, 0, 3, 3]);
        assert_eq!(counts(&[first("a", 0, None), first("b", 20, None), first("c", 40, None)]), [0, 0, 0], "too slow");
        let (one, two) = (Some("Room 1"), Some("Room 2"));
        assert_eq!(counts(&[first("a", 0, one), first("b", 4, one)]), [0, 2]);
        assert_eq!(counts(&[first("a", 0, one), first("b", 4, two)]), [0, 0]);
        assert_eq!(counts(&[first("a", 0, one), first("b", 6, one)]), [0, 0]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (mut names, mut spread) = (Names::default(), Spread::default());
        for name in 0..MOST_NAMES as u64 + 10 {
            names.note(name, MONDAY + name);
        }
        assert!(names.used.len() <= MOST_NAMES && names.fresh.len() <= MOST_NAMES);
        for name in 0..5000 {
            for who in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
                spread.take(name, &first(who, name, None));
            }
        }
        assert!(spread.0.len() <= MOST_NEW && spread.0.values().all(|people| people.len() <= MOST_PEOPLE));
    }

    proptest! {
        /// Killed at any time, and the record read again from any time before: what is found from there on is the same.
        #[test]
        fn what_is_found_does_not_depend_on_restarts(
            steps in prop::collection::vec((0..4_u8, 0..90_u64, 0..3_u64), 1..40), kept in 0..40_usize, killed in 0..40_usize
        ) {
            let mut steps: Vec<_> = steps;
            steps.sort_by_key(|(_, minute, _)| *minute);
            let step = |at: usize, (who, minute, name): (u8, u64, u64)| {
                (name, First { who: who.to_string(), at_ms: MONDAY + minute * MINUTE + at as u64, place: None, of: at as u64 })
            };
            let (mut whole, mut found) = (Spread::default(), Vec::new());
            let (mut on_disk, mut dead) = (Spread::default(), Spread::default());
            let (kept, killed) = (kept.min(killed).min(steps.len()), killed.min(steps.len()));
            for (at, one) in steps.iter().enumerate() {
                if at == kept { on_disk = whole.clone(); }
                if at == killed { dead = whole.clone(); }
                let (name, first) = step(at, *one);
                found.push(whole.take(name, &first));
            }
            // What was written may be of the one time or of the other: the record is read again from the first.
            for mut again in [if kept < steps.len() { on_disk } else { whole.clone() }, if killed < steps.len() { dead } else { whole.clone() }] {
                for (at, one) in steps.iter().enumerate().skip(kept) {
                    let (name, first) = step(at, *one);
                    prop_assert_eq!(&again.take(name, &first), &found[at]);
                }
            }
        }
    }
}
