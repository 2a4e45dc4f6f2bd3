//! One keyed hash table for everything that is looked up whole: names, exact hosts, networks, `host/path` prefixes.
//!
//! Linear probing over a flat array. Entries are filled in the order of their hashes, each at or after its home slot (the hash scaled to
//! the array's size), so the same lists and key give the same bytes. A slot is 48 bits of the hash and 16 bits naming the set of
//! lists the entry stands in, with its line in an array beside it: 12 bytes, 80 % full, so 15 bytes an entry. Both arrays are little-endian and may
//! be a part of a mapped file.
//!
//! A look-up compares 48 bits in a run of neighbours whose home already fixes the upper bits, so a false match costs an attacker
//! about 2^60 guesses against a key he does not have (see [`hasher`](super::hasher)).
//!
//! Chosen by measuring on another machine (AMD EPYC), with 5 million names and a million hosts, half of them listed: hashbrown 0.30 µs a look-up and 28 bytes a
//! name, fst 1.2 µs and 11 bytes, Aho-Corasick 2.7 µs and 141 bytes, daachorse 1.5 µs and 143 bytes, sorted buckets 0.39 µs and 9 bytes, a perfect hash
//! 0.37 µs and 8 bytes, this one 0.29 µs and 10 bytes, each without lines. It is level with the fastest, a third of its size, and of the fast ones the only
//! one that is simply an array, so that a file of it is used as it lies. A filter before the whole table would halve what a miss costs and add a third to
//! a hit; one before deep names only is in [`marks`](super::marks).
//!
//! As it stands here, mapped, with lines, 5 million names in 30 categories (2026-11-22, two-core shared virtual machine, median of single look-ups, the
//! clock's own 0.03 µs included): listed 0.41 µs, below a listed one 0.57, in no list 0.45; with 12 labels more 0.61 and 0.56. 15.7 bytes a name with
//! everything. A look-up is mostly one wait for memory; hashing takes a tenth of it. The figures of each part are in `benches/README.md`.

use super::mapped::Section;
use super::members::{Member, Memberships, TooManyMemberships};
use zerocopy::little_endian::{U32, U64};

/// An entry on its way into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Raw {
    /// Its hash.
    pub hash: u64,
    /// The list it stands in.
    pub member: Member,
    /// Its line there.
    pub line: u32,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The set of lists, as an index into the memberships.
    pub membership: u16,
    /// Its slot.
    slot: u32,
}

/// Look-ups that wait for memory together.
const AT_ONCE: usize = 8;
/// Hash bits kept in a slot.
const FRAGMENT: u64 = (1 << 48) - 1;

/// The compiled table.
#[derive(Debug, Default)]
pub struct Table {
    /// 48 bits of hash, then 16 bits of membership plus one. 0 is an empty slot.
    slots: Section<U64>,
    /// For each slot: the line, if the set has one list; else the index of the first of its lines.
    lines: Section<U32>,
    /// Home slots; the array is a little longer, so that a run may pass its end.
    homes: u64,
    len: usize,
}

impl Table {
    /// Builds the table. `raws` is sorted here; entries of equal hash are one entry that stands in all their lists.
    pub fn build(mut raws: Vec<Raw>, memberships: &mut Memberships) -> Result<Self, TooManyMemberships> {
        raws.sort_unstable();
        let distinct = raws.chunk_by(|a, b| a.hash == b.hash).count();
        let mut filling = Filling::new(distinct);
        let (mut members, mut lines) = (Vec::new(), Vec::new());
        for same in raws.chunk_by(|a, b| a.hash == b.hash) {
            members.clear();
            lines.clear();
            for raw in same.chunk_by(|a, b| a.member == b.member) {
                members.push(raw[0].member);
                lines.push(raw[0].line);
            }
            let membership = memberships.number(&members)?;
            let line = if let [only] = lines[..] { only } else { memberships.keep(&lines) };
            filling.push(same[0].hash, membership, line);
        }
        Ok(filling.finish(distinct))
    }

    /// A table that was built before, or `None` if these are not the parts of one.
    pub fn of(slots: Section<U64>, lines: Section<U32>, homes: u64, len: usize) -> Option<Self> {
        let fits = homes > 0 && homes < slots.len() as u64 && slots.len() == lines.len() && u32::try_from(slots.len()).is_ok() && len < slots.len();
        fits.then_some(Self { slots, lines, homes, len })
    }

    /// Its parts, to be written.
    #[must_use]
    pub fn parts(&self) -> (&[U64], &[U32], u64) {
        (&self.slots, &self.lines, self.homes)
    }

    /// Where the entry with this hash stands, if there is one.
    #[must_use]
    pub fn get(&self, hash: u64) -> Option<Place> {
        find(&self.slots, home(hash, self.homes), hash)
    }

    /// Looks several up: their slots are touched before any is compared, so that one wait for memory is the wait for all. Tells those that are
    /// there, the last first.
    pub fn get_each<T: Copy>(&self, hashes: &[(T, u64)], mut each: impl FnMut(T, Place)) {
        let slots = &*self.slots;
        let mut taken = [false; AT_ONCE];
        for few in hashes.rchunks(AT_ONCE) {
            for (taken, (_, hash)) in taken.iter_mut().zip(few) {
                *taken = slots.get(home(*hash, self.homes)).is_some_and(|slot| slot.get() != 0);
            }
            for (_, (tag, hash)) in taken.iter().zip(few).rev().filter(|(taken, _)| **taken) {
                if let Some(place) = find(slots, home(*hash, self.homes), *hash) {
                    each(*tag, place);
                }
            }
        }
    }

    /// The line of an entry, if it stands in one list; else the index of the first of its lines.
    #[must_use]
    pub fn line(&self, place: Place) -> u32 {
        self.lines.get(place.slot as usize).map_or(0, |line| line.get())
    }

    /// Tells every entry: what is kept of its hash, the same in every table of one key, and the number of its membership.
    pub fn each(&self, mut each: impl FnMut(u64, u16)) {
        for slot in self.slots.iter().map(|slot| slot.get()).filter(|slot| *slot != 0) {
            #[expect(clippy::cast_possible_truncation, reason = "the low 16 bits are the membership plus one")]
            each(slot >> 16, (slot as u16).saturating_sub(1));
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
        size_of_val(&*self.slots) + size_of_val(&*self.lines)
    }
}

/// The slot a hash belongs into.
fn home(hash: u64, homes: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "the product's upper half is below `homes`, which fits")]
    (((u128::from(hash) * u128::from(homes)) >> 64) as usize)
}

fn find(slots: &[U64], home: usize, hash: u64) -> Option<Place> {
    let wanted = hash & FRAGMENT;
    let run = slots.get(home..)?.iter().map(|slot| slot.get());
    for (at, slot) in (home..).zip(run.take_while(|slot| *slot != 0)) {
        if slot >> 16 == wanted {
            let membership = u16::try_from(slot & 0xffff).ok()?.checked_sub(1)?;
            return Some(Place { membership, slot: u32::try_from(at).ok()? });
        }
    }
    None
}

/// A table that is being filled, in the order of the hashes.
struct Filling {
    slots: Vec<U64>,
    lines: Vec<U32>,
    homes: u64,
}

impl Filling {
    fn new(distinct: usize) -> Self {
        let homes = (distinct as u64 * 5).div_ceil(4).max(1);
        let capacity = usize::try_from(homes).unwrap_or(usize::MAX) + 64;
        Self { slots: Vec::with_capacity(capacity), lines: Vec::with_capacity(capacity), homes }
    }

    fn push(&mut self, hash: u64, membership: u16, line: u32) {
        let home = home(hash, self.homes);
        if self.slots.len() < home {
            self.resize(home);
        }
        self.slots.push(U64::new((hash & FRAGMENT) << 16 | (u64::from(membership) + 1)));
        self.lines.push(U32::new(line));
    }

    fn resize(&mut self, slots: usize) {
        self.slots.resize(slots, U64::ZERO);
        self.lines.resize(slots, U32::ZERO);
    }

    fn finish(mut self, len: usize) -> Table {
        self.resize(usize::try_from(self.homes).unwrap_or(usize::MAX).max(self.slots.len()) + 1);
        Table { slots: Section::Owned(self.slots), lines: Section::Owned(self.lines), homes: self.homes, len }
    }
}
