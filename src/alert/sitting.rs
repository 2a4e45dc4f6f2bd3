//! What each person typed within the last quarter of an hour, so that it can be read together ([`super::signal::together`]). In memory only: after a start the
//! records of that time are read again. Pure.

use super::signal::Typed;
use crate::audit::RecordId;
use crate::bounded;
use std::collections::HashMap;

/// How long what was typed belongs to what is typed next, in milliseconds.
pub const WITHIN_MS: u64 = 900_000;
/// The most texts of one person.
const MOST_TEXTS: usize = 5;
/// The most people.
const MOST_PEOPLE: usize = 8192;

/// The texts of each person, oldest first.
#[derive(Default)]
pub struct Sittings(HashMap<u128, Vec<Typed>>);

impl Sittings {
    /// Takes what somebody typed. Returns what they typed within the time, this last, also if it was known; nothing if it says the same again as one before, as the
    /// second page of a search does.
    pub fn take(&mut self, who: u128, typed: Typed) -> &[Typed] {
        let now = typed.record.unix_ms();
        if self.0.len() >= MOST_PEOPLE && !self.0.contains_key(&who) {
            self.make_room(now);
        }
        let sitting = self.0.entry(who).or_default();
        if let Some(place) = sitting.iter().position(|known| known.record == typed.record) {
            return &sitting[..=place];
        }
        sitting.retain(|known| known.record.unix_ms() + WITHIN_MS > now);
        if typed.text.is_empty() || sitting.iter().any(|known| known.text == typed.text || known.record >= typed.record) {
            return &[];
        }
        if sitting.len() == MOST_TEXTS {
            sitting.remove(0);
        }
        sitting.push(typed);
        sitting
    }

    /// Takes out what these people typed in these records.
    pub fn take_out(&mut self, goes: impl Fn(u128, RecordId) -> bool) {
        for (who, sitting) in &mut self.0 {
            sitting.retain(|typed| !goes(*who, typed.record));
        }
        self.0.retain(|_, sitting| !sitting.is_empty());
    }

    /// It is this time, in Unix milliseconds: forgets what belongs to nothing any more.
    pub fn forget(&mut self, now_ms: u64) {
        self.0.retain(|_, sitting| sitting.last().is_some_and(|last| last.record.unix_ms() + WITHIN_MS > now_ms));
    }

    fn make_room(&mut self, now_ms: u64) {
        self.forget(now_ms);
        bounded::make_room(&mut self.0, MOST_PEOPLE, |sitting| sitting.last().map(|typed| typed.record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: u64 = 1_795_600_800_000;

    fn at(second: u64, text: &str) -> Typed {
        Typed::made(RecordId::first_of(MONDAY + second * 1000), text)
    }

    /// The texts that are read together with each.
    fn all(steps: &[(u128, u64, &str)]) -> Vec<String> {
        let mut sittings = Sittings::default();
        let told = |sitting: &[Typed]| sitting.iter().map(|typed| &*typed.text).collect::<Vec<_>>().join("/");
        steps.iter().map(|(who, second, text)| told(sittings.take(*who, at(*second, text)))).collect()
    }

    #[test]
    fn what_one_person_typed_within_a_quarter_of_an_hour_stands_together() {
        assert_eq!(all(&[(1, 0, "a"), (2, 10, "b"), (1, 20, "c"), (1, 899, "d")]), ["a", "b", "a/c", "a/c/d"]);
        assert_eq!(all(&[(1, 0, "a"), (1, 20, "c"), (1, 900, "d"), (1, 930, "e")]), ["a", "a/c", "c/d", "d/e"]);
        assert_eq!(all(&[(1, 0, "a"), (1, 20, "c"), (1, 30, "a"), (1, 40, "")]), ["a", "a/c", "", ""], "the same again, and nothing");
        let seven: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].into_iter().enumerate().map(|(second, text)| (1, second as u64, text)).collect();
        assert_eq!(all(&seven)[5..], ["b/c/d/e/f", "c/d/e/f/g"]);
    }

    #[test]
    fn a_record_that_is_read_again_is_not_taken_again() {
        assert_eq!(all(&[(1, 0, "a"), (1, 20, "c"), (1, 10, "b"), (1, 20, "c"), (1, 30, "d")]), ["a", "a/c", "", "a/c", "a/c/d"]);
        let mut sittings = Sittings::default();
        sittings.take(1, at(0, "a"));
        sittings.forget(MONDAY + WITHIN_MS);
        assert!(sittings.0.is_empty());
    }

    #[test]
    fn what_is_erased_is_read_with_nothing() {
        let mut sittings = Sittings::default();
        for (who, second, text) in [(1, 0, "a"), (1, 10, "b"), (2, 0, "x")] {
            sittings.take(who, at(second, text));
        }
        sittings.take_out(|who, record| who == 1 && record < RecordId::first_of(MONDAY + 5000));
        assert_eq!(sittings.take(1, at(20, "c")).len(), 2);
        assert_eq!(sittings.take(2, at(20, "y")).len(), 2, "of somebody else");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut sittings = Sittings::default();
        for who in 0..20_000 {
            sittings.take(who, at(u64::try_from(who / 100).unwrap_or(0), "a"));
        }
        assert!(sittings.0.len() <= MOST_PEOPLE);
        assert_eq!(sittings.take(19_999, at(300, "b")).len(), 2, "those who typed last are known");
    }
}
