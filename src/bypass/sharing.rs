//! One user in two places: a name and password that somebody else has too. Pure, with memory: where each user was in the last five minutes, and who was at each
//! address.
//!
//! What is ordinary is no sign: somebody who goes from one room to another and stays there; a device that has an address of each kind, IPv4 and IPv6, or
//! changes the lower half of the latter; and an address that many people share, such as that of a terminal server, of a NAT or of a proxy below.

use smallvec::SmallVec;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// How long where somebody was counts, in milliseconds.
pub const WITHIN_MS: u64 = 300_000;
/// How often somebody must have changed between addresses.
const CHANGES: usize = 3;
/// How often, where the addresses are of two places: there and back.
const CHANGES_OF_PLACE: usize = 2;
/// An address with more users than this is one that many share.
const MOST_USERS: usize = 3;
/// The most changes of one user that are kept.
const MOST_EACH: usize = 8;
/// The most users, and the most addresses.
const MOST: usize = 16_384;

/// Where somebody was: since when, until when, and at which address.
type Stay = (u64, u64, IpAddr);

/// Where users were.
#[derive(Default)]
pub struct Sharing {
    /// By user, and whether the address is of version 6.
    stays: HashMap<(u128, bool), SmallVec<[Stay; 4]>>,
    /// Who was at an address, and when last.
    users: HashMap<IpAddr, SmallVec<[(u128, u64); 2]>>,
    swept_ms: u64,
}

/// One user in two places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Where they were before.
    pub before: IpAddr,
    /// How often they changed within five minutes.
    pub changes: usize,
    /// The two places, where they are known and two.
    pub places: Option<(String, String)>,
}

/// One device's address of version 6 changes within its network.
fn device(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
    }
}

impl Sharing {
    /// A user did something at an address, at a time in milliseconds.
    pub fn take(&mut self, user: u128, at_ms: u64, address: IpAddr, place: impl Fn(IpAddr) -> Option<String>) -> Option<Shared> {
        let here = device(address);
        if self.stays.len() >= MOST || self.users.len() >= MOST {
            self.make_room(at_ms);
            if self.stays.len() >= MOST || self.users.len() >= MOST {
                return None;
            }
        }
        let users = self.users.entry(here).or_default();
        users.retain(|(_, last)| *last + WITHIN_MS > at_ms);
        if let Some((_, last)) = users.iter_mut().find(|(known, _)| *known == user) {
            *last = at_ms;
        } else {
            if users.len() > MOST_USERS
                && let Some(oldest) = (0..users.len()).min_by_key(|place| users[*place].1)
            {
                users.remove(oldest);
            }
            users.push((user, at_ms));
        }
        let stays = self.stays.entry((user, here.is_ipv6())).or_default();
        stays.retain(|(_, until, _)| *until + WITHIN_MS > at_ms);
        let before = match stays.last_mut() {
            None => {
                stays.push((at_ms, at_ms, here));
                return None;
            }
            Some((_, until, there)) if *there == here => {
                *until = at_ms;
                return None;
            }
            Some((_, _, there)) => *there,
        };
        if stays.len() >= MOST_EACH {
            stays.remove(0);
        }
        stays.push((at_ms, at_ms, here));
        // The first stay may have begun long ago; every other began with a change.
        let changes = stays.iter().skip(1).filter(|(since, ..)| *since + WITHIN_MS > at_ms).count();
        let are_there = |users: &[(u128, u64)]| users.iter().filter(|(_, last)| *last + WITHIN_MS > at_ms).count();
        let is_shared = |address: IpAddr| self.users.get(&address).is_some_and(|users| are_there(users) > MOST_USERS);
        if changes < CHANGES_OF_PLACE || is_shared(here) || is_shared(before) {
            return None;
        }
        let places = place(before).zip(place(here)).filter(|(before, here)| before != here);
        (changes >= CHANGES || places.is_some()).then_some(Shared { before, changes, places })
    }

    /// Takes out where these people were at these times.
    pub fn take_out(&mut self, goes: impl Fn(u128, u64) -> bool) {
        self.stays.iter_mut().for_each(|((user, _), stays)| stays.retain(|(_, until, _)| !goes(*user, *until)));
        self.stays.retain(|_, stays| !stays.is_empty());
        self.users.values_mut().for_each(|users| users.retain(|(user, last)| !goes(*user, *last)));
        self.users.retain(|_, users| !users.is_empty());
    }

    /// Forgets who was nowhere lately; no more than once a minute.
    fn make_room(&mut self, now_ms: u64) {
        if self.swept_ms + 60_000 <= now_ms {
            self.swept_ms = now_ms;
            self.stays.retain(|_, stays| stays.last().is_some_and(|(_, until, _)| *until + WITHIN_MS > now_ms));
            self.users.retain(|_, users| users.iter().any(|(_, last)| *last + WITHIN_MS > now_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIM: u128 = 1;
    const MINUTE: u64 = 60_000;

    fn nowhere(_: IpAddr) -> Option<String> {
        None
    }

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// What is found at each step of `(minute, address)`.
    fn found(steps: &[(u64, &str)], place: impl Fn(IpAddr) -> Option<String> + Copy) -> Vec<bool> {
        let mut sharing = Sharing::default();
        steps.iter().map(|(minute, address)| sharing.take(KIM, minute * MINUTE, at(address), place).is_some()).collect()
    }

    #[test]
    fn two_devices_in_turn_are_two_people() {
        let (a, b) = ("10.1.1.1", "10.1.1.2");
        assert_eq!(found(&[(0, a), (1, b), (2, a), (3, b), (4, b)], nowhere), [false, false, false, true, false]);
        assert_eq!(found(&[(0, a), (3, b), (6, a), (9, b)], nowhere), [false; 4], "too slow");
        assert_eq!(found(&[(0, a), (1, b), (2, b), (3, b)], nowhere), [false; 4], "moved");
        let room = |address: IpAddr| Some(if address == at("10.1.1.1") { "Room 1" } else { "Room 2" }.to_owned());
        assert_eq!(found(&[(0, a), (1, b), (2, a)], room), [false, false, true], "there and back");
        assert_eq!(found(&[(0, a), (1, b), (2, b)], room), [false; 3], "walked");
        let mut sharing = Sharing::default();
        [(0, a), (1, b)].into_iter().for_each(|(minute, address)| drop(sharing.take(KIM, minute, at(address), room)));
        let expected = Shared { before: at(b), changes: 2, places: Some(("Room 2".into(), "Room 1".into())) };
        assert_eq!(sharing.take(KIM, 2, at(a), room), Some(expected));
    }

    #[test]
    fn one_device_with_several_addresses_is_one_person() {
        let (v4, v6, another) = ("10.1.1.1", "2001:db8:1:2::1", "2001:db8:1:2:abcd::9");
        assert_eq!(found(&[(0, v4), (0, v6), (1, v4), (1, another), (2, v4), (2, v6), (3, another), (3, v4)], nowhere), [false; 8]);
        assert_eq!(found(&[(0, "10.1.1.1"), (1, "::ffff:10.1.1.1"), (2, "10.1.1.1"), (3, "::ffff:10.1.1.1")], nowhere), [false; 4]);
    }

    #[test]
    fn an_address_of_many_is_no_place() {
        let mut sharing = Sharing::default();
        let (nat, other) = (at("10.1.1.1"), at("10.1.1.2"));
        for user in 2..=5 {
            assert_eq!(sharing.take(user, 0, nat, nowhere), None);
        }
        for second in 0..20 {
            let address = if second % 2 == 0 { nat } else { other };
            assert_eq!(sharing.take(KIM, second * 1000, address, nowhere), None);
        }
        // It is what it is now that counts: they have gone home.
        let later = |second: u64| 10 * MINUTE + second * 1000;
        let found: Vec<_> = (0..4).map(|second| sharing.take(KIM, later(second), if second % 2 == 0 { nat } else { other }, nowhere).is_some()).collect();
        assert_eq!(found, [false, false, false, true]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut sharing = Sharing::default();
        for user in 0..40_000_u32 {
            for address in [IpAddr::from(user.to_be_bytes()), IpAddr::from([10, 9, 9, 9])] {
                sharing.take(user.into(), 120_000, address, nowhere);
            }
        }
        assert!(sharing.stays.len() <= MOST && sharing.users.len() <= MOST && sharing.users.values().all(|users| users.len() <= MOST_USERS + 1));
    }
}
