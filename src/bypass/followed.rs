//! A search for ways round the filter, and within ten minutes a visit to a site that may be one. Pure, with memory: who searched when.
//!
//! Whoever searches and reads about it on sites that lists know does nothing. One site counts for a search: those after it are what anybody goes to next. A site
//! that lists name as a way round is what was searched for: both together are an attempt, also where it was blocked.

use crate::bounded;
use std::collections::HashMap;

/// Within which time a visit follows a search, in milliseconds.
pub const WITHIN_MS: u64 = 600_000;
/// The points of a visit that does, to a site that no list knows.
pub const POINTS: u8 = 3;
/// To one that lists name as a way round.
pub const LISTED_POINTS: u8 = 8;
/// The most people that are remembered.
const MOST: usize = 8192;

/// Who searched, and when last.
#[derive(Default)]
pub struct Searches(HashMap<u128, u64>);

impl Searches {
    /// Somebody searched for ways round, at a time in milliseconds.
    pub fn asked(&mut self, who: u128, at_ms: u64) {
        if self.0.len() >= MOST && !self.0.contains_key(&who) {
            self.make_room(at_ms);
        }
        let last = self.0.entry(who).or_default();
        *last = at_ms.max(*last);
    }

    /// Somebody went to a site that may be a way round. Whether that is the first since they searched, and soon after.
    pub fn is_followed(&mut self, who: u128, at_ms: u64) -> bool {
        self.0.remove(&who).is_some_and(|asked| at_ms < asked + WITHIN_MS)
    }

    /// Takes out what these people searched for at these times.
    pub fn take_out(&mut self, goes: impl Fn(u128, u64) -> bool) {
        self.0.retain(|who, asked| !goes(*who, *asked));
    }

    fn make_room(&mut self, now_ms: u64) {
        self.0.retain(|_, asked| *asked + WITHIN_MS > now_ms);
        bounded::make_room(&mut self.0, MOST, |asked| *asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_site_within_ten_minutes_follows_a_search() {
        let mut searches = Searches::default();
        assert!(!searches.is_followed(1, 1000), "nobody searched");
        searches.asked(1, 0);
        assert!(!searches.is_followed(2, 1000), "somebody else");
        assert!(searches.is_followed(1, WITHIN_MS - 1) && !searches.is_followed(1, WITHIN_MS - 1));
        searches.asked(1, 0);
        assert!(!searches.is_followed(1, WITHIN_MS));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut searches = Searches::default();
        (0..20_000).for_each(|who| searches.asked(who, u64::try_from(who).unwrap_or(0)));
        assert!(searches.0.len() <= MOST && searches.is_followed(19_999, 20_000) && !searches.is_followed(0, 20_000));
    }
}
