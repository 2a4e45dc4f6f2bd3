//! Whether pages begin at a host, or it follows others: two counts a host, learnt from everybody's traffic.
//!
//! A table of fixed size: a host whose place is taken by another wears that one down, and then takes it. Counts are halved when full, so
//! what was long ago weighs less. Written without a lock; a count lost to another thread does not matter.

use std::sync::atomic::{AtomicU64, Ordering};

/// Places in the table: a power of two.
const PLACES: usize = 32_768;
/// Counts are halved at this.
const FULL: u64 = 0xffff;
/// So many observations say nothing yet.
const FEW: u64 = 6;

/// What a host's traffic is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Pages begin there.
    Leads,
    /// It nearly always follows another host's visit.
    Follows,
    /// Not enough is known, or it does both.
    Unsettled,
}

/// Each place: 32 bits of the host's hash, 16 of how often it led, 16 of how often it followed.
pub(super) struct Popularity {
    places: Vec<AtomicU64>,
}

impl Popularity {
    pub(super) fn new() -> Self {
        Self { places: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }

    /// A page began there.
    pub(super) fn led(&self, host: u64) {
        self.count(host, 1 << 16);
    }

    /// It was asked for after another host's visit.
    pub(super) fn followed(&self, host: u64) {
        self.count(host, 1);
    }

    pub(super) fn habit(&self, host: u64) -> Habit {
        let (led, followed) = match self.place(host).load(Ordering::Relaxed) {
            place if place >> 32 == host >> 32 => (place >> 16 & FULL, place & FULL),
            _ => return Habit::Unsettled,
        };
        let all = led + followed;
        match () {
            () if all < FEW => Habit::Unsettled,
            () if followed * 5 >= all * 4 => Habit::Follows,
            () if led * 5 >= all * 3 => Habit::Leads,
            () => Habit::Unsettled,
        }
    }

    fn count(&self, host: u64, one: u64) {
        let place = self.place(host);
        let held = place.load(Ordering::Relaxed);
        let (owner, led, followed) = (held >> 32, held >> 16 & FULL, held & FULL);
        let counted = match () {
            () if owner == host >> 32 && (led == FULL || followed == FULL) => halved(owner, led, followed) + one,
            () if owner == host >> 32 => held + one,
            () if led + followed <= 1 => host >> 32 << 32 | one,
            () => halved(owner, led, followed),
        };
        place.store(counted, Ordering::Relaxed);
    }

    fn place(&self, host: u64) -> &AtomicU64 {
        &self.places[usize::try_from(host).unwrap_or_default() % PLACES]
    }
}

fn halved(owner: u64, led: u64, followed: u64) -> u64 {
    owner << 32 | (led / 2) << 16 | (followed / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_are_learnt_and_unlearnt() {
        let hosts = Popularity::new();
        let (page, cdn) = (7 << 32 | 1, 8 << 32 | 2);
        for _ in 0..10 {
            hosts.led(page);
            hosts.followed(cdn);
        }
        hosts.led(cdn);
        assert_eq!([hosts.habit(page), hosts.habit(cdn), hosts.habit(9 << 32 | 3)], [Habit::Leads, Habit::Follows, Habit::Unsettled]);
        (0..200_000).for_each(|_| hosts.led(cdn));
        assert_eq!(hosts.habit(cdn), Habit::Leads, "counts never run over");
    }

    #[test]
    fn a_place_that_is_taken_is_won_by_the_one_that_is_asked_for() {
        let hosts = Popularity::new();
        let (old, new) = (7 << 32 | 1, 9 << 32 | 1);
        (0..100).for_each(|_| hosts.followed(old));
        (0..20).for_each(|_| hosts.led(new));
        assert_eq!([hosts.habit(old), hosts.habit(new)], [Habit::Unsettled, Habit::Leads]);
    }
}
