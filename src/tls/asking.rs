//! Which sites let in only who shows a certificate of their own, as far as that was found out lately. Pure; in memory only, bounded.

use crate::host::Host;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;

/// How long it is remembered.
const HOLDS: SignedDuration = SignedDuration::from_hours(1);
/// The most sites that are remembered.
const MOST_SITES: usize = 1024;

/// What is remembered of sites.
#[derive(Default)]
pub struct Asking(Mutex<HashMap<(Host, u16), Timestamp>>);

impl Asking {
    /// A site was found to. Whether that was not known yet.
    pub fn found(&self, host: &Host, port: u16, now: Timestamp) -> bool {
        let mut known = self.0.lock();
        if known.len() >= MOST_SITES {
            known.retain(|_, since| now < *since + HOLDS);
        }
        if known.len() >= MOST_SITES {
            // They are found again.
            known.clear();
        }
        known.insert((host.clone(), port), now).is_none_or(|since| now >= since + HOLDS)
    }

    /// Whether a site is known to.
    #[must_use]
    pub fn knows(&self, host: &Host, port: u16, now: Timestamp) -> bool {
        let known = self.0.lock();
        !known.is_empty() && known.get(&(host.clone(), port)).is_some_and(|since| now < *since + HOLDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_known_for_an_hour_and_there_are_never_too_many() {
        let (asking, now) = (Asking::default(), Timestamp::now());
        let host = |number: usize| Host::parse(&format!("s{number}.example")).expect("a host");
        assert!(!asking.knows(&host(1), 443, now));
        assert!(asking.found(&host(1), 443, now) && !asking.found(&host(1), 443, now));
        assert!(asking.knows(&host(1), 443, now) && !asking.knows(&host(1), 8443, now) && !asking.knows(&host(2), 443, now));
        assert!(!asking.knows(&host(1), 443, now + HOLDS) && asking.found(&host(1), 443, now + HOLDS));
        for number in 0..3 * MOST_SITES {
            asking.found(&host(number), 443, now);
            assert!(asking.0.lock().len() <= MOST_SITES);
        }
    }
}
