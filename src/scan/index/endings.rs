//! Phrases that may begin within a word, as most of e2guardian's do: looked for at every byte, by what they end with.
//!
//! Phrases are of three sizes, each with a key: the last [`Size::KEYS`] bytes, loaded at once. At each place the key of each size is probed in a filter; what
//! passes says where in a list the phrases are that end so. The list is sorted by the phrases read backwards, so the longest that ends here is found by
//! halving; the shorter ones that end here end that one, and are linked. However a text is written, a place costs no more than that.

use super::table::Filter;
use super::{Here, LOAD, Spelled, load, scramble};
use std::cmp::Ordering;

/// Phrases that may begin within a word.
#[derive(Debug)]
pub struct Endings {
    /// The longest first.
    sizes: Vec<Size>,
}

/// Phrases of about the same length.
#[derive(Debug)]
struct Size {
    /// How many bits of a load are none of the key.
    shift: u32,
    filter: Filter,
    /// Keys, and where the phrases with each begin in the list: sorted.
    keys: Box<[(u64, u32)]>,
    list: Box<[Ending]>,
}

#[derive(Debug)]
struct Ending {
    phrase: u32,
    /// The longest other phrase that this one ends with, in the list.
    shorter: Option<u32>,
}

impl Endings {
    /// The phrases with these numbers; none if there are none.
    pub fn of(phrases: &[u32], spelled: &Spelled) -> Option<Self> {
        let mut sizes = Vec::new();
        let mut longer = usize::MAX;
        for key in Size::KEYS {
            let of_size: Vec<_> = phrases.iter().copied().filter(|phrase| (key..longer).contains(&spelled.get(*phrase).len())).collect();
            longer = key;
            if !of_size.is_empty() {
                sizes.push(Size::of(key, of_size, spelled));
            }
        }
        (!sizes.is_empty()).then_some(Self { sizes })
    }

    /// Adds the phrases that end here, the longest first. Before the text there is room for a load.
    pub fn at(&self, text: &[u8], end: usize, spelled: &Spelled, here: &mut Here) {
        let last = load(text, end - LOAD);
        for size in &self.sizes {
            let key = last >> size.shift;
            if size.filter.has(mixed(key)) {
                size.follow(key, &text[..end], spelled, here);
            }
        }
    }

    pub fn memory(&self) -> usize {
        self.sizes.iter().map(|size| size.filter.memory() + size_of_val(&*size.keys) + size_of_val(&*size.list)).sum()
    }
}

impl Size {
    /// How long keys are. The last is as short as a phrase may be.
    const KEYS: [usize; 3] = [LOAD, 5, 3];

    fn of(key: usize, mut phrases: Vec<u32>, spelled: &Spelled) -> Self {
        phrases.sort_by(|one, other| backwards(spelled.get(*one), spelled.get(*other)));
        let (mut keys, mut list) = (Vec::<(u64, u32)>::new(), Vec::<Ending>::new());
        for (place, phrase) in (0..).zip(phrases) {
            let this = spelled.get(phrase);
            // The one before ends with all that this one ends with, but for itself.
            let mut shorter = list.len().checked_sub(1);
            while let Some(other) = shorter.filter(|other| !this.ends_with(spelled.get(list[*other].phrase))) {
                shorter = list[other].shorter.map(|other| other as usize);
            }
            list.push(Ending { phrase, shorter: shorter.and_then(|other| u32::try_from(other).ok()) });
            let mut last = [0; LOAD];
            last[..key].copy_from_slice(&this[this.len() - key..]);
            let last = u64::from_le_bytes(last);
            if keys.last().is_none_or(|(known, _)| *known != last) {
                keys.push((last, place));
            }
        }
        let filter = Filter::of(&keys.iter().map(|(key, _)| mixed(*key)).collect::<Vec<_>>());
        Self { shift: 8 * (LOAD - key) as u32, filter, keys: keys.into(), list: list.into() }
    }

    #[cold]
    #[inline(never)]
    fn follow(&self, key: u64, text: &[u8], spelled: &Spelled, here: &mut Here) {
        // Read backwards, the last byte weighs most, as in a number.
        let Ok(place) = self.keys.binary_search_by_key(&key, |(key, _)| *key) else { return };
        let from = self.keys[place].1 as usize;
        let to = self.keys.get(place + 1).map_or(self.list.len(), |(_, next)| *next as usize);
        let until = from + self.list[from..to].partition_point(|ending| backwards(spelled.get(ending.phrase), text) != Ordering::Greater);
        let mut next = until.checked_sub(1).filter(|place| *place >= from);
        while let Some(ending) = next.map(|place| &self.list[place]) {
            here.extend(Some(ending.phrase).filter(|phrase| spelled.ends(*phrase, text)));
            next = ending.shorter.map(|place| place as usize);
        }
    }
}

fn mixed(key: u64) -> u64 {
    scramble(key, 0)
}

fn backwards(one: &[u8], other: &[u8]) -> Ordering {
    one.iter().rev().cmp(other.iter().rev())
}
