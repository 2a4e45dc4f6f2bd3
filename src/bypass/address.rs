//! Addresses asked for in the place of names: what tools that look for a way out do, and few sites. Pure, with memory: who asked for which in the last five
//! minutes.
//!
//! One says little: calls and games go to addresses too. So it is the first, the third and the tenth different one that counts. In which spelling it was
//! asked for makes no difference: `3232235777`, `0xc0.0xa8.1.1` and `[::ffff:c0a8:101]` are one [`crate::host::Host`].

use smallvec::SmallVec;
use std::collections::HashMap;
use std::net::IpAddr;

/// How long an address counts, in milliseconds.
pub const WITHIN_MS: u64 = 300_000;
/// From how many different ones on how many points are counted.
const STEPS: [(usize, u8); 3] = [(1, 1), (3, 5), (10, 8)];
/// The most addresses of one person.
const MOST_EACH: usize = 16;
/// The most people.
const MOST_PEOPLE: usize = 4096;

/// The addresses of one person, each with the last time it was asked for.
type Asked = SmallVec<[(u64, IpAddr); 4]>;

/// What people asked for by address.
#[derive(Default)]
pub struct Addresses(HashMap<u128, Asked>);

/// Whether an address is one of the wide world: those of a school's own machines are asked for every day.
#[must_use]
pub fn is_outside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && b & 0xc0 == 64;
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast() || is_shared)
        }
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast()),
    }
}

impl Addresses {
    /// Somebody asked for an address at a time, in milliseconds. How many different ones that makes, and how many points that counts, if it is one more.
    pub fn take(&mut self, who: u128, at_ms: u64, address: IpAddr) -> Option<(usize, u8)> {
        if !is_outside(address) {
            return None;
        }
        if self.0.len() >= MOST_PEOPLE && !self.0.contains_key(&who) {
            self.make_room(at_ms);
        }
        let asked = self.0.entry(who).or_default();
        asked.retain(|(last, _)| *last + WITHIN_MS > at_ms);
        if let Some((last, _)) = asked.iter_mut().find(|(_, known)| *known == address) {
            *last = at_ms.max(*last);
            return None;
        }
        if asked.len() >= MOST_EACH {
            asked.remove(0);
        }
        asked.push((at_ms, address));
        STEPS.into_iter().find(|(count, _)| *count == asked.len())
    }

    /// Takes out what these people asked for at these times.
    pub fn take_out(&mut self, goes: impl Fn(u128, u64) -> bool) {
        self.0.iter_mut().for_each(|(who, asked)| asked.retain(|(last, _)| !goes(*who, *last)));
        self.0.retain(|_, asked| !asked.is_empty());
    }

    fn make_room(&mut self, now_ms: u64) {
        let last = |asked: &Asked| asked.iter().map(|(last, _)| *last).max().unwrap_or(0);
        self.0.retain(|_, asked| last(asked) + WITHIN_MS > now_ms);
        if self.0.len() >= MOST_PEOPLE {
            let oldest = self.0.iter().min_by_key(|(who, asked)| (last(asked), **who)).map(|(who, _)| *who);
            oldest.map(|oldest| self.0.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    const MINUTE: u64 = 60_000;

    #[test]
    fn the_first_the_third_and_the_tenth_different_one_count() {
        let mut addresses = Addresses::default();
        let of = |last: u8| IpAddr::from([198, 51, 100, last]);
        let counted: Vec<_> = (1..=12).filter_map(|last| addresses.take(1, u64::from(last) * 1000, of(last))).collect();
        assert_eq!(counted, [(1, 1), (3, 5), (10, 8)]);
        assert_eq!(addresses.take(1, 13_000, of(12)), None, "the same again");
        assert_eq!(addresses.take(2, 13_000, of(12)), Some((1, 1)), "another person");
        assert_eq!(addresses.take(1, 13_000 + 5 * MINUTE, of(40)), Some((1, 1)), "long ago");
    }

    #[test]
    fn every_spelling_is_one_address() {
        let mut addresses = Addresses::default();
        for spelling in ["198.51.100.7", "3325256711", "0xc6336407", "0306.063.0144.07", "198.51.25607", "[::ffff:c633:6407]", "198.51.100.7."] {
            let address = Host::parse(spelling).ok().and_then(|host| host.address()).expect(spelling);
            assert_eq!(addresses.take(1, 1, address).is_some(), spelling == "198.51.100.7", "{spelling}");
        }
    }

    #[test]
    fn a_schools_own_machines_are_no_sign() {
        for own in ["10.1.2.3", "192.168.1.1", "172.16.0.1", "127.0.0.1", "169.254.1.1", "100.64.0.9", "::1", "fd00::1", "fe80::1", "::ffff:10.1.2.3"] {
            assert!(!is_outside(own.parse().expect("an address")), "{own}");
        }
        assert!(is_outside(IpAddr::from([100, 128, 0, 1])) && is_outside("2001:db8::1".parse().expect("an address")));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut addresses = Addresses::default();
        for who in 0..10_000_u128 {
            for last in 0..20 {
                addresses.take(who, 1000 + u64::try_from(who).expect("small"), IpAddr::from([198, 51, 100, last]));
            }
        }
        assert!(addresses.0.len() <= MOST_PEOPLE && addresses.0.values().all(|asked| asked.len() <= MOST_EACH));
    }
}
