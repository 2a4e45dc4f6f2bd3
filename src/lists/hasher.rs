//! The keyed hashes that entries are known by.
//!
//! SipHash-1-3 with a key made from the secret of the installation: nobody outside can find two names that collide. Each kind of entry is hashed
//! apart. A name is hashed label by label from the right, so that all its suffixes cost one pass.

use memchr::memrchr;
use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;
use std::ops::ControlFlow;

/// What kind of thing an entry is. Each kind is hashed apart, so a name is never taken for a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A host and all below it.
    Name = 0,
    /// A host alone.
    Exact = 1,
    /// A range of addresses.
    Network = 2,
    /// `host/path` and all below it.
    Prefix = 3,
    /// Marks a host that has prefixes.
    HasPrefixes = 4,
    /// A word or an expression, as written.
    Pattern = 5,
}

/// The key of an installation's hashes, made from its secret.
#[must_use]
pub fn key_of(secret: &[u8; 32]) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::derive_key("usher 2026 the hashes of list entries", secret)[..16]);
    key
}

/// Hashes entries with the secret of the installation.
#[derive(Clone, PartialEq, Eq)]
pub struct Hasher {
    keys: (u64, u64),
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher(its key is secret)")
    }
}

/// A suffix of a name, from a label to the end.
#[derive(Clone, Copy, Debug)]
pub struct Suffix {
    /// Where it begins in the name, in bytes.
    pub from: usize,
    /// How many labels it has.
    pub labels: usize,
    /// Its hash.
    pub hash: u64,
}

/// A hash that is still being fed.
pub struct Running(SipHasher13);

impl Running {
    /// Adds to the hashed text.
    pub fn write(&mut self, text: &str) {
        self.0.write(text.as_bytes());
    }

    /// The hash of all that was written so far.
    #[must_use]
    pub fn finish(&self) -> u64 {
        self.0.finish()
    }
}

impl Hasher {
    /// A hasher keyed with 16 secret bytes.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(key);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of the key")]
        Self { keys: (whole as u64, (whole >> 64) as u64) }
    }

    /// Starts a hash of this kind.
    #[must_use]
    pub fn begin(&self, kind: Kind) -> Running {
        Running(SipHasher13::new_with_keys(self.keys.0, self.keys.1 ^ kind as u64))
    }

    /// The hash of a text.
    #[must_use]
    pub fn hash(&self, kind: Kind, text: &str) -> u64 {
        let mut running = self.begin(kind);
        running.write(text);
        running.finish()
    }

    /// Hashes a name label by label from the right and tells each suffix, the shortest first, for as long as `each` wants more. Every byte is
    /// hashed once, however many labels there are. Each label is written with a dot, so that no two names are the same bytes.
    pub fn suffixes(&self, name: &str, mut each: impl FnMut(Suffix) -> ControlFlow<()>) {
        let mut running = self.begin(Kind::Name);
        let mut end = name.len();
        for labels in 1.. {
            let from = memrchr(b'.', &name.as_bytes()[..end]).map_or(0, |dot| dot + 1);
            running.write(&name[from..end]);
            running.write(".");
            if each(Suffix { from, labels, hash: running.finish() }).is_break() || from == 0 {
                return;
            }
            end = from - 1;
        }
    }

    /// The hash of a network: its first address and its length.
    #[must_use]
    pub fn network(&self, net: &ipnet::IpNet) -> u64 {
        let mut hash = SipHasher13::new_with_keys(self.keys.0, self.keys.1 ^ Kind::Network as u64);
        match net.network() {
            std::net::IpAddr::V4(address) => hash.write(&address.octets()),
            std::net::IpAddr::V6(address) => hash.write(&address.octets()),
        }
        hash.write_u8(net.prefix_len());
        hash.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_has_the_hash_of_the_name_it_is() {
        let hasher = Hasher::new([7; 16]);
        let all = |name: &str| {
            let mut all = Vec::new();
            hasher.suffixes(name, |suffix| {
                all.push((name[suffix.from..].to_owned(), suffix.labels, suffix.hash));
                ControlFlow::Continue(())
            });
            all
        };
        let whole = all("www.games.example");
        assert_eq!(
            whole.iter().map(|(text, labels, _)| (text.as_str(), *labels)).collect::<Vec<_>>(),
            [("example", 1), ("games.example", 2), ("www.games.example", 3)]
        );
        assert_eq!(whole[1], all("games.example")[1]);
        assert_ne!(whole[1].2, all("gam.es.example")[2].2);
    }

    #[test]
    fn other_secrets_make_other_hashes() {
        let hash = |secret: u8| Hasher::new(key_of(&[secret; 32])).hash(Kind::Exact, "games.example");
        assert_eq!(hash(1), hash(1));
        assert_ne!(hash(1), hash(2));
        assert!(!format!("{:?}", Hasher::new([7; 16])).contains('7'));
    }
}
