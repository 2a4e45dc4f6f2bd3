//! Phrases that may begin within a word, as most of e2guardian's do: looked for at every byte, by what they end with.
//!
//! At each place the last four bytes are probed in a set: one probe a byte for all phrases but those of three bytes, if there are any. What passes is tried by
//! size. Phrases are of four sizes, each with a key: their last [`Size::KEYS`] bytes. It is probed in a filter; what passes says where in a list the phrases
//! are that end so. The list is sorted by the phrases read backwards, so the longest that ends here is found by halving; the
//! shorter ones that end here end that one, and are linked. However a text is written, a place costs no more than that.

use super::table::{Filter, Marks, Table};
use super::{BEFORE, Here, LOAD, Spelled, quick, scramble};
use std::cmp::Ordering;

/// Phrases that may begin within a word.
#[derive(Debug)]
pub struct Endings {
    /// The last four bytes of all that have so many, and of the others three.
    four: Option<Marks>,
    three: Option<Marks>,
    sizes: [Option<Size>; Size::KEYS.len()],
}

/// Phrases of about the same length.
#[derive(Debug)]
struct Size {
    filter: Filter,
    /// Where the phrases with a key are in the list: from, and to.
    keys: Table<(u32, u32)>,
    list: Box<[Ending]>,
}

#[derive(Debug)]
struct Ending {
    phrase: u32,
    /// The longest other phrase that this one ends with, in the list.
    shorter: Option<u32>,
}

/// What is looked at for a block of text: that before it, and itself.
const AROUND: usize = BEFORE + LOAD;

impl Endings {
    /// The phrases with these numbers; none if there are none.
    pub fn of(phrases: &[u32], spelled: &Spelled) -> Option<Self> {
        let sizes = std::array::from_fn(|place| {
            let longer = place.checked_sub(1).map_or(usize::MAX, |place| Size::KEYS[place]);
            let of_size: Vec<_> = phrases.iter().copied().filter(|phrase| (Size::KEYS[place]..longer).contains(&spelled.get(*phrase).len())).collect();
            (!of_size.is_empty()).then(|| Size::of(Size::KEYS[place], of_size, spelled))
        });
        let last = |bytes: usize, least: usize| {
            let keys = phrases.iter().map(|phrase| spelled.get(*phrase)).filter(|phrase| (bytes..least).contains(&phrase.len()));
            Marks::of(keys.map(|phrase| Size::key_of(bytes, &phrase[phrase.len() - bytes..])).collect())
        };
        (!phrases.is_empty()).then(|| Self { four: last(4, usize::MAX), three: last(3, 4), sizes })
    }

    /// The highest bit of each byte of a block behind which something may end.
    pub fn may_end(&self, text: &[u8], at: usize) -> u64 {
        let Some(around) = text.get(at - BEFORE..).and_then(|rest| rest.first_chunk()) else { return 0 };
        let mut bits = self.three.as_ref().map_or(0, |marks| marked(marks, around, key::<3>));
        let mut passed = self.four.as_ref().map_or(0, |marks| marked(marks, around, key::<4>)) & !bits;
        while passed != 0 {
            let bit = passed.trailing_zeros();
            passed &= passed - 1;
            let end = BEFORE + (bit / 8) as usize + 1;
            let [long, middle, short, _] = &self.sizes;
            let has = |size: &Option<Size>, key| size.as_ref().is_some_and(|size| size.filter.has(key));
            let any = has(long, key::<12>(around, end)) || has(middle, key::<6>(around, end)) || has(short, key::<4>(around, end));
            bits |= u64::from(any) << bit;
        }
        bits
    }

    /// Adds the phrases that end here, the longest first.
    pub fn at(&self, text: &[u8], end: usize, spelled: &Spelled, here: &mut Here) {
        let Some(around) = text.get(end - BEFORE..).and_then(|rest| rest.first_chunk()) else { return };
        for (size, bytes) in self.sizes.iter().zip(Size::KEYS) {
            let key = Size::key(bytes, around);
            if let Some(size) = size.as_ref().filter(|size| size.filter.has(key)) {
                size.follow(key, &text[..end], spelled, here);
            }
        }
    }

    pub fn memory(&self) -> usize {
        let marks: usize = self.four.iter().chain(&self.three).map(Marks::memory).sum();
        marks + self.sizes.iter().flatten().map(|size| size.filter.memory() + size.keys.memory() + size_of_val(&*size.list)).sum::<usize>()
    }
}

/// The bits of a block behind which something marked ends.
#[inline(always)]
fn marked(marks: &Marks, around: &[u8; AROUND], key: impl Fn(&[u8; AROUND], usize) -> u64) -> u64 {
    (0..LOAD).fold(0, |bits, place| bits | marks.has(key(around, BEFORE + place + 1)) << (8 * place + 7))
}

/// A hash of so many bytes before this place.
#[inline(always)]
fn key<const BYTES: usize>(around: &[u8; AROUND], end: usize) -> u64 {
    let loaded = |end: usize| around.get(end - LOAD..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let last = loaded(end);
    if BYTES > LOAD {
        // Those in the middle twice.
        return scramble(last, loaded(end + LOAD - BYTES));
    }
    quick(last >> (8 * LOAD.saturating_sub(BYTES)))
}

impl Size {
    /// How long keys are. The first as long as there is room for, the last as short as a phrase may be.
    const KEYS: [usize; 4] = [12, 6, 4, 3];

    fn of(bytes: usize, mut phrases: Vec<u32>, spelled: &Spelled) -> Self {
        phrases.sort_by(|one, other| backwards(spelled.get(*one), spelled.get(*other)));
        let (mut keys, mut list) = (Vec::<(u64, (u32, u32))>::new(), Vec::<Ending>::new());
        let mut last: &[u8] = &[];
        for (place, phrase) in (0_u32..).zip(phrases) {
            let this = spelled.get(phrase);
            // What ends this one ends the one before as well, or is that one.
            let mut shorter = list.len().checked_sub(1);
            while let Some(other) = shorter.filter(|other| !this.ends_with(spelled.get(list[*other].phrase))) {
                shorter = list[other].shorter.map(|other| other as usize);
            }
            list.push(Ending { phrase, shorter: shorter.and_then(|other| u32::try_from(other).ok()) });
            let end = &this[this.len() - bytes..];
            match keys.last_mut().filter(|_| end == last) {
                Some((_, (_, to))) => *to = place + 1,
                None => keys.push((Self::key_of(bytes, end), (place, place + 1))),
            }
            last = end;
        }
        let filter = Filter::of(&keys.iter().map(|(key, _)| *key).collect::<Vec<_>>());
        Self { filter, keys: Table::of(&keys), list: list.into() }
    }

    /// The key of this size of what ends here, in the middle.
    fn key(bytes: usize, around: &[u8; AROUND]) -> u64 {
        match bytes {
            12 => key::<12>(around, BEFORE),
            6 => key::<6>(around, BEFORE),
            4 => key::<4>(around, BEFORE),
            _ => key::<3>(around, BEFORE),
        }
    }

    fn key_of(bytes: usize, end: &[u8]) -> u64 {
        let mut around = [0; AROUND];
        around[BEFORE - bytes..BEFORE].copy_from_slice(end);
        Self::key(bytes, &around)
    }

    fn follow(&self, key: u64, text: &[u8], spelled: &Spelled, here: &mut Here) {
        for (from, to) in self.keys.get(key) {
            let (from, list) = (from as usize, &self.list[..to as usize]);
            let not_after = |ending: &Ending| backwards(spelled.get(ending.phrase), text) != Ordering::Greater;
            // Mostly there is one.
            let until = if list.len() - from == 1 { list.len() } else { from + list[from..].partition_point(not_after) };
            let mut next = until.checked_sub(1).filter(|place| *place >= from);
            while let Some(ending) = next.map(|place| &list[place]) {
                here.extend(Some(ending.phrase).filter(|phrase| spelled.ends(*phrase, text)));
                next = ending.shorter.map(|place| place as usize);
            }
        }
    }
}

fn backwards(one: &[u8], other: &[u8]) -> Ordering {
    one.iter().rev().cmp(other.iter().rev())
}
