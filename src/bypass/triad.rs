//! A service worker, WebAssembly and a WebSocket of one site within two minutes: how a web proxy in a page works, whatever it calls its parts. Pure, with
//! memory: what a site has given to somebody in the last minutes.
//!
//! Ordinary sites have two of the three, and some all. For sites that no list knows it is a sign; that much came over the WebSocket makes it a stronger one.

use crate::bounded;
use std::collections::HashMap;

/// How far apart the parts may be, in milliseconds.
pub const WITHIN_MS: u64 = 120_000;
/// A WebSocket that carried less is one for messages.
pub const MUCH: u64 = 256 << 10;
/// Points of two of the three.
const TWO: u8 = 2;
/// Points of all three, when much came over the WebSocket.
const ALL: u8 = 8;
/// How long it is remembered: until a WebSocket is over.
const KEPT_MS: u64 = 3_600_000;
/// The most sites of people that are remembered.
const MOST: usize = 8192;

/// A part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The script of a service worker.
    Worker,
    /// A program in WebAssembly.
    Wasm,
    /// A WebSocket was opened.
    Socket,
}

/// What a site has given to somebody: when each part came last.
#[derive(Clone, Copy, Default)]
struct Given([Option<u64>; 3]);

/// What sites have given to people.
#[derive(Default)]
pub struct Triads(HashMap<(u128, u64), Given>);

impl Given {
    /// How many of the parts came within two minutes of a time.
    fn near(self, at_ms: u64) -> usize {
        self.0.into_iter().flatten().filter(|time| time.abs_diff(at_ms) < WITHIN_MS).count()
    }
}

impl Triads {
    /// A part came from a site to somebody, at a time in milliseconds. How many parts there are, and the points, if there are two or more.
    pub fn take(&mut self, (who, site): (u128, u64), at_ms: u64, part: Part) -> Option<(usize, u8)> {
        if self.0.len() >= MOST && !self.0.contains_key(&(who, site)) {
            self.make_room(at_ms);
        }
        let given = self.0.entry((who, site)).or_default();
        given.0[part as usize] = given.0[part as usize].max(Some(at_ms));
        let parts = given.near(at_ms);
        (parts >= 2).then_some((parts, TWO))
    }

    /// A WebSocket that was opened at a time is over, and carried so many bytes to somebody.
    pub fn carried(&mut self, (who, site): (u128, u64), opened_ms: u64, bytes: u64) -> Option<(usize, u8)> {
        let given = self.0.get(&(who, site)).copied().filter(|_| bytes > MUCH)?;
        let socket = Given([given.0[0], given.0[1], Some(opened_ms)]);
        (socket.near(opened_ms) == 3).then_some((3, ALL))
    }

    /// Takes out what was given to these people at these times.
    pub fn take_out(&mut self, goes: impl Fn(u128, u64) -> bool) {
        self.0.iter_mut().for_each(|((who, _), given)| given.0.iter_mut().for_each(|part| *part = part.filter(|at| !goes(*who, *at))));
        self.0.retain(|_, given| given.0.iter().any(Option::is_some));
    }

    fn make_room(&mut self, now_ms: u64) {
        let last = |given: &Given| given.0.into_iter().flatten().max().unwrap_or(0);
        self.0.retain(|_, given| last(given) + KEPT_MS > now_ms);
        bounded::make_room(&mut self.0, MOST, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Part::{Socket, Wasm, Worker};

    const AT: (u128, u64) = (1, 1);
    const SECOND: u64 = 1000;

    #[test]
    fn two_parts_are_a_sign_and_three_that_carry_much_a_stronger_one() {
        let mut triads = Triads::default();
        assert_eq!(triads.take(AT, 0, Worker), None);
        assert_eq!(triads.take(AT, 5 * SECOND, Worker), None, "one part, twice");
        assert_eq!(triads.take((1, 2), 6 * SECOND, Wasm), None, "of another site");
        assert_eq!(triads.take((2, 1), 6 * SECOND, Wasm), None, "to another person");
        assert_eq!(triads.take(AT, 9 * SECOND, Wasm), Some((2, 2)));
        assert_eq!(triads.take(AT, 20 * SECOND, Socket), Some((3, 2)));
        assert_eq!(triads.carried(AT, 20 * SECOND, MUCH), None, "no more than that");
        assert_eq!(triads.carried(AT, 20 * SECOND, MUCH + 1), Some((3, 8)));
        assert_eq!(triads.carried(AT, 200 * SECOND, MUCH + 1), None, "long after");
    }

    #[test]
    fn what_lies_far_apart_does_not_belong_together() {
        let mut triads = Triads::default();
        for (nth, part) in [(1, Worker), (3, Wasm), (5, Socket), (7, Worker)] {
            assert_eq!(triads.take(AT, nth * 60 * SECOND, part), None);
        }
        assert_eq!(triads.carried(AT, 300 * SECOND, 1 << 30), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut triads = Triads::default();
        for site in 0..20_000 {
            triads.take((1, site), site, Worker);
        }
        assert!(triads.0.len() <= MOST && !triads.0.contains_key(&(1, 0)) && triads.0.contains_key(&(1, 19_999)));
    }
}
