//! Hashes and what is known of them: a filter that tells most strangers, and the table behind it.

/// A set of hashes that may hold more than was put in: of strangers it holds about one in a hundred. Two bits of one word for each hash.
#[derive(Debug)]
pub struct Filter {
    words: Box<[u64]>,
}

impl Default for Filter {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl Filter {
    /// Words per hash: as many bits as keep strangers out, and no more than the nearest caches hold.
    const SPARE: usize = 4;

    /// One with these in it.
    pub fn of(hashes: &[u64]) -> Self {
        let mut filter = Self { words: vec![0; (hashes.len() / Self::SPARE).next_power_of_two()].into() };
        for hash in hashes {
            let place = filter.place(*hash);
            filter.words[place] |= bits(*hash);
        }
        filter
    }

    /// Whether this one may be in it.
    pub fn has(&self, hash: u64) -> bool {
        self.words.get(self.place(hash)).is_some_and(|word| word & bits(hash) == bits(hash))
    }

    fn place(&self, hash: u64) -> usize {
        (hash >> 12) as usize & (self.words.len() - 1)
    }

    pub fn memory(&self) -> usize {
        size_of_val(&*self.words)
    }
}

fn bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63)
}

/// What is known of the last words of phrases.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    hash: u64,
    /// The phrase that is these words.
    pub phrase: Option<u32>,
    /// Whether a phrase has a word before these.
    pub goes_on: bool,
}

impl Slot {
    /// Of the words with this hash.
    pub fn new(hash: u64) -> Self {
        Self { hash, phrase: None, goes_on: false }
    }
}

/// Slots by their hash: at most half full, each at the first free place from where it belongs. Different words may have the same hash.
#[derive(Debug)]
pub struct Table {
    slots: Box<[Option<Slot>]>,
}

impl Default for Table {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl Table {
    /// One with these slots.
    pub fn of(slots: &[Slot]) -> Self {
        let mut table = Self { slots: vec![None; (2 * slots.len() + 1).next_power_of_two()].into() };
        for slot in slots {
            let mut place = table.place(slot.hash);
            while table.slots[place].is_some() {
                place = table.after(place);
            }
            table.slots[place] = Some(*slot);
        }
        table
    }

    /// All slots with this hash.
    pub fn get(&self, hash: u64) -> impl Iterator<Item = &Slot> {
        let mut place = self.place(hash);
        let taken = std::iter::from_fn(move || {
            let slot = self.slots.get(place)?.as_ref();
            place = self.after(place);
            slot
        });
        taken.filter(move |slot| slot.hash == hash)
    }

    fn place(&self, hash: u64) -> usize {
        (hash >> 20) as usize & (self.slots.len() - 1)
    }

    fn after(&self, place: usize) -> usize {
        (place + 1) & (self.slots.len() - 1)
    }

    pub fn memory(&self) -> usize {
        size_of_val(&*self.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_one_hash_are_told_apart() {
        let slots = [Slot { phrase: Some(1), ..Slot::new(7) }, Slot { goes_on: true, ..Slot::new(7) }, Slot { phrase: Some(2), ..Slot::new(7 | 1 << 60) }];
        let table = Table::of(&slots);
        let of = |hash| table.get(hash).map(|slot| (slot.phrase, slot.goes_on)).collect::<Vec<_>>();
        assert_eq!(of(7), [(Some(1), false), (None, true)]);
        assert_eq!(of(7 | 1 << 60), [(Some(2), false)]);
        assert_eq!(of(8), []);
        assert_eq!(Table::default().get(0).count(), 0);
    }

    #[test]
    fn a_filter_holds_what_was_put_in_and_few_strangers() {
        let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let within: Vec<_> = (0..20_000).map(hash).collect();
        let filter = Filter::of(&within);
        assert!(within.iter().all(|hash| filter.has(*hash)));
        let strangers = (20_000..120_000).filter(|number| filter.has(hash(*number))).count();
        assert!(strangers < 3_000, "{strangers}");
        assert!(!Filter::default().has(hash(1)));
    }
}
