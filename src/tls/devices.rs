//! Which devices are known to trust the school's authority: those from which a request came over a connection that a certificate of it began. Pure.
//!
//! Known by their address and the program ([`Class`]): one device may run a browser that trusts the authority and a program that does not. Kept in memory
//! only, bounded, and forgotten after [`HOLDS`]: an address may be another device's by then.

use super::ja4::Class;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::net::IpAddr;

/// How long it is remembered.
pub const HOLDS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The most addresses that are remembered.
const MOST_DEVICES: usize = 16_384;
/// The most programs of one address that are remembered.
const MOST_PROGRAMS: usize = 16;

/// The programs of one address, and when each was last seen to trust the authority.
type Programs = SmallVec<[(Class, Timestamp); 2]>;

/// What is remembered of devices.
#[derive(Default)]
pub struct Devices(Mutex<HashMap<IpAddr, Programs>>);

impl Devices {
    /// A request came from a program at an address, over a connection that a certificate of the authority began.
    pub fn took(&self, client: IpAddr, class: Class, now: Timestamp) {
        let mut known = self.0.lock();
        if known.len() >= MOST_DEVICES && !known.contains_key(&client) {
            // Whichever it is, it shows itself again.
            let some = known.keys().next().copied();
            some.map(|some| known.remove(&some));
        }
        let programs = known.entry(client).or_default();
        if let Some((_, last)) = programs.iter_mut().find(|(known, _)| *known == class) {
            *last = now;
            return;
        }
        if programs.len() >= MOST_PROGRAMS
            && let Some(oldest) = (0..programs.len()).min_by_key(|at| programs[*at].1)
        {
            programs.remove(oldest);
        }
        programs.push((class, now));
    }

    /// Whether this program at this address trusts the authority.
    #[must_use]
    pub fn trusts(&self, client: IpAddr, class: Class, now: Timestamp) -> bool {
        self.any(client, |(known, last)| *known == class && now < *last + HOLDS)
    }

    /// Whether any program at this address does.
    #[must_use]
    pub fn may_trust(&self, client: IpAddr, now: Timestamp) -> bool {
        self.any(client, |(_, last)| now < *last + HOLDS)
    }

    fn any(&self, client: IpAddr, is: impl Fn(&(Class, Timestamp)) -> bool) -> bool {
        self.0.lock().get(&client).is_some_and(|programs| programs.iter().any(is))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(number: u32) -> Class {
        format!("{number:032x}").parse().expect("a class")
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn a_device_is_known_by_its_address_and_program_for_a_while() {
        let (devices, now) = (Devices::default(), Timestamp::now());
        devices.took(address(1), class(1), now);
        let late = now + HOLDS;
        for (client, program, at, trusts, may) in [(1, 1, now, true, true), (1, 2, now, false, true), (2, 1, now, false, false), (1, 1, late, false, false)] {
            assert_eq!((devices.trusts(address(client), class(program), at), devices.may_trust(address(client), at)), (trusts, may), "{client} {program}");
        }
        devices.took(address(1), class(1), late);
        assert!(devices.trusts(address(1), class(1), late), "it showed itself again");
    }

    #[test]
    fn it_is_bounded() {
        let (devices, now) = (Devices::default(), Timestamp::now());
        for number in 0..(MOST_DEVICES as u32 + 100) {
            devices.took(address(number), class(1), now);
        }
        assert_eq!(devices.0.lock().len(), MOST_DEVICES);
        for number in 0..100 {
            devices.took(address(7), class(number), now + SignedDuration::from_secs(number.into()));
        }
        assert_eq!(devices.0.lock()[&address(7)].len(), MOST_PROGRAMS);
        assert!(devices.trusts(address(7), class(99), now) && !devices.trusts(address(7), class(50), now), "the oldest went first");
    }
}
