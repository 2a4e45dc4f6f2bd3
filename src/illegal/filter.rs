//! Which hosts may have entries: asked first, so that nearly every request costs no more than a few short hashes.
//!
//! One bit is set for each host that has an entry, in a field of between 32 and 64 bits a host, at a place told by a keyed hash. A host whose bit
//! is not set has no entry. A bit that is set says little, and is meant to: so is that of one in 32 to 64 hosts that have none. Who has the key
//! and asks of every name there is gets millions that may be listed, and not the few that are. Pure.

use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

/// Bits of the field for each host, at least.
const BITS_A_HOST: usize = 32;

/// Says of a host that it has no entry, or that it may have one.
#[derive(Clone)]
pub struct HostFilter {
    /// As many as a power of two.
    field: Box<[u8]>,
    hasher: SipHasher13,
}

impl HostFilter {
    /// The filter of these hosts. One that is there twice counts once.
    #[must_use]
    pub fn of(mut hosts: Vec<&[u8]>, key: &[u8; 16]) -> Self {
        hosts.sort_unstable();
        hosts.dedup();
        let bytes = (hosts.len() * BITS_A_HOST).next_power_of_two().div_ceil(8);
        let mut filter = Self { field: vec![0; bytes].into(), hasher: SipHasher13::new_with_key(key) };
        for host in hosts {
            let (byte, mask) = filter.place(host);
            filter.field[byte] |= mask;
        }
        filter
    }

    /// The filter with this field; nothing if its length is no power of two.
    #[must_use]
    pub fn read(field: &[u8], key: &[u8; 16]) -> Option<Self> {
        field.len().is_power_of_two().then(|| Self { field: field.into(), hasher: SipHasher13::new_with_key(key) })
    }

    /// The field, to be read again.
    #[must_use]
    pub fn field(&self) -> &[u8] {
        &self.field
    }

    /// Whether a host may have an entry.
    #[must_use]
    pub fn may_hold(&self, host: &[u8]) -> bool {
        let (byte, mask) = self.place(host);
        self.field[byte] & mask != 0
    }

    fn place(&self, host: &[u8]) -> (usize, u8) {
        let mut hasher = self.hasher;
        hasher.write(host);
        let hash = hasher.finish();
        // The length is a power of two, so the mask picks every place as often.
        let byte = usize::try_from(hash >> 3).unwrap_or_default() & (self.field.len() - 1);
        (byte, 1 << (hash & 7))
    }
}

impl std::fmt::Debug for HostFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostFilter({} bytes)", self.field.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_host_passes_and_few_others() {
        let listed: Vec<_> = (0..1000).map(|number| format!("listed-{number}.example")).collect();
        let filter = HostFilter::of(listed.iter().chain(&listed).map(String::as_bytes).collect(), &[7; 16]);
        assert_eq!(filter.field().len(), 4096, "32,768 bits for 1,000 hosts");
        assert!(listed.iter().all(|host| filter.may_hold(host.as_bytes())));
        let passing = (0..100_000).filter(|number| filter.may_hold(format!("other-{number}.example").as_bytes())).count();
        assert!((1_000..5_000).contains(&passing), "{passing} of 100,000 pass: few enough to be quick, and too many to be a list");
        let again = HostFilter::read(filter.field(), &[7; 16]).expect("a filter");
        assert!(listed.iter().all(|host| again.may_hold(host.as_bytes())));
    }

    #[test]
    fn a_field_of_no_length_or_an_odd_one_is_refused() {
        for length in [0, 3, 4095] {
            assert!(HostFilter::read(&vec![0; length], &[7; 16]).is_none(), "{length}");
        }
        assert!(!HostFilter::of(vec![], &[7; 16]).may_hold(b"a.example"));
    }
}
