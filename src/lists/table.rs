//! One keyed hash table for everything that is looked up whole: names, exact hosts, networks, `host/path` prefixes.
//!
//! Linear probing over a flat array. Entries are filled in the order of their hashes, each at or after its home slot (the hash scaled to
//! the array's size), so the same lists and key give the same bytes. A slot is 48 bits of the hash and 16 bits naming the set of
//! lists the entry stands in, with its line beside it: 12 bytes, 80 % full, so 15 bytes an entry.
//!
//! A look-up compares 48 bits in a run of neighbours whose home already fixes the upper bits, so a false match costs an attacker
//! about 2^60 guesses against a key he does not have (SipHash-1-3 with a secret of the installation).
//!
//! Measured with 5 million names beside hashbrown, fst, Aho-Corasick and perfect hashing: fastest or level with the fastest at a
//! third of hashbrown's memory. See `benches/README.md` for this table's own figures.

use super::Membership;
use memchr::memrchr;
use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

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
}

/// Hashes entries with the secret of the installation.
#[derive(Clone, Debug)]
pub struct Hasher {
    keys: (u64, u64),
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

    /// Hashes a name label by label from the right, and tells the hash of each suffix with where it begins, the shortest first. Every byte is hashed
    /// once, however many labels there are. Each label is written with a dot, so that no two names are the same bytes.
    pub fn suffixes(&self, name: &str, mut each: impl FnMut(usize, u64)) {
        let mut running = self.begin(Kind::Name);
        let mut end = name.len();
        loop {
            let start = memrchr(b'.', &name.as_bytes()[..end]).map_or(0, |dot| dot + 1);
            running.write(&name[start..end]);
            running.write(".");
            each(start, running.finish());
            if start == 0 {
                return;
            }
            end = start - 1;
        }
    }

    /// The hash of a name, as its own last suffix.
    #[must_use]
    pub fn name(&self, name: &str) -> u64 {
        let mut whole = 0;
        self.suffixes(name, |_, hash| whole = hash);
        whole
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

/// An entry on its way into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Raw {
    /// Its hash.
    pub hash: u64,
    /// The list it stands in.
    pub list: u16,
    /// Its line there.
    pub line: u32,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The set of lists, as an index into the memberships.
    pub membership: u16,
    /// The line, if the set has one list; else the index of the first of its lines.
    pub line: u32,
}

/// Look-ups that wait for memory together.
const AT_ONCE: usize = 8;
/// Hash bits kept in a slot.
const FRAGMENT: u64 = (1 << 48) - 1;

/// The compiled table.
#[derive(Debug, Default)]
pub struct Table {
    /// 48 bits of hash, then 16 bits of membership plus one. 0 is an empty slot.
    slots: Vec<u64>,
    lines: Vec<u32>,
    /// Home slots; the array is a little longer, so that a run may pass its end.
    homes: u64,
    len: usize,
}

/// Adds up the memberships while a table is built.
pub(super) trait Intern {
    /// The number of this set of lists, or `None` if there are more sets than a slot can name.
    fn membership(&mut self, lists: &[u16]) -> Option<u16>;
    /// Keeps the lines of an entry that stands in several lists, and returns the index of the first.
    fn lines(&mut self, lines: &[u32]) -> u32;
}

/// More than 65,534 distinct combinations of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lists overlap in more than 65534 different ways, which one table cannot hold; load fewer lists")]
pub struct TooManyMemberships;

impl Table {
    /// Builds the table. `raws` is sorted here; entries of equal hash are one entry that stands in all their lists.
    pub(super) fn build(mut raws: Vec<Raw>, intern: &mut impl Intern) -> Result<Self, TooManyMemberships> {
        raws.sort_unstable();
        let distinct = raws.chunk_by(|a, b| a.hash == b.hash).count();
        let homes = (distinct as u64 * 5).div_ceil(4).max(1);
        let capacity = usize::try_from(homes).unwrap_or(usize::MAX) + 1;
        let mut table = Self { slots: Vec::with_capacity(capacity), lines: Vec::with_capacity(capacity), homes, len: distinct };
        let (mut lists, mut lines) = (Vec::new(), Vec::new());
        for same in raws.chunk_by(|a, b| a.hash == b.hash) {
            lists.clear();
            lines.clear();
            for raw in same.chunk_by(|a, b| a.list == b.list) {
                lists.push(raw[0].list);
                lines.push(raw[0].line);
            }
            let membership = intern.membership(&lists).ok_or(TooManyMemberships)?;
            let line = if let [only] = lines[..] { only } else { intern.lines(&lines) };
            table.push(same[0].hash, Place { membership, line });
        }
        let full = usize::try_from(homes).unwrap_or(usize::MAX).max(table.slots.len()) + 1;
        table.slots.resize(full, 0);
        table.lines.resize(full, 0);
        Ok(table)
    }

    fn push(&mut self, hash: u64, place: Place) {
        let home = self.home(hash);
        if self.slots.len() < home {
            self.slots.resize(home, 0);
            self.lines.resize(home, 0);
        }
        self.slots.push((hash & FRAGMENT) << 16 | (u64::from(place.membership) + 1));
        self.lines.push(place.line);
    }

    fn home(&self, hash: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "the product's upper half is below `homes`, which fits")]
        (((u128::from(hash) * u128::from(self.homes)) >> 64) as usize)
    }

    /// Where the entry with this hash stands, if there is one.
    #[must_use]
    pub fn get(&self, hash: u64) -> Option<Place> {
        let home = self.home(hash);
        let wanted = hash & FRAGMENT;
        let run = self.slots.get(home..)?;
        for (offset, &slot) in run.iter().enumerate() {
            if slot == 0 {
                return None;
            }
            if slot >> 16 == wanted {
                let membership = u16::try_from((slot & 0xffff) - 1).ok()?;
                return Some(Place { membership, line: self.lines[home + offset] });
            }
        }
        None
    }

    /// Looks several up: their slots are touched before any is compared, so that one wait for memory is the wait for all. Tells those that are
    /// there, the last first.
    pub fn get_each(&self, hashes: &[(u16, u64)], mut each: impl FnMut(u16, Place)) {
        let mut taken = [false; AT_ONCE];
        for few in hashes.rchunks(AT_ONCE) {
            for (taken, (_, hash)) in taken.iter_mut().zip(few) {
                *taken = self.slots.get(self.home(*hash)).is_some_and(|slot| *slot != 0);
            }
            for (_, (tag, hash)) in taken.iter().zip(few).rev().filter(|(taken, _)| **taken) {
                if let Some(place) = self.get(*hash) {
                    each(*tag, place);
                }
            }
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Resident bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.slots.len() * size_of::<u64>() + self.lines.len() * size_of::<u32>()
    }
}

/// The memberships of the lists being compiled.
pub(super) struct Memberships<F> {
    pub(super) sets: Vec<Membership>,
    pub(super) lines: Vec<u32>,
    by_lists: std::collections::HashMap<Box<[u16]>, u16>,
    describe: F,
}

impl<F: Fn(&[u16]) -> crate::category::CategorySet> Memberships<F> {
    pub(super) fn new(describe: F) -> Self {
        Self { sets: Vec::new(), lines: Vec::new(), by_lists: std::collections::HashMap::new(), describe }
    }
}

impl<F: Fn(&[u16]) -> crate::category::CategorySet> Intern for Memberships<F> {
    fn membership(&mut self, lists: &[u16]) -> Option<u16> {
        if let Some(known) = self.by_lists.get(lists) {
            return Some(*known);
        }
        let number = u16::try_from(self.sets.len()).ok().filter(|n| *n < u16::MAX)?;
        self.sets.push(Membership { lists: lists.into(), categories: (self.describe)(lists) });
        self.by_lists.insert(lists.into(), number);
        Some(number)
    }

    fn lines(&mut self, lines: &[u32]) -> u32 {
        let first = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        self.lines.extend_from_slice(lines);
        first
    }
}
