//! Hashes and what is known of them: a filter that tells most strangers, and the table behind it.

/// A set of hashes that may hold more than was put in: of strangers it holds about one in a hundred. Two bits of one word
/// for each hash, chosen by its upper half.
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
        (hash >> 40) as usize & (self.words.len() - 1)
    }

    pub fn memory(&self) -> usize {
        size_of_val(&*self.words)
    }
}

fn bits(hash: u64) -> u64 {
    1 << (hash >> 28 & 63) | 1 << (hash >> 34 & 63)
}

/// What is known of the last words of phrases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The phrase that is these words.
    pub phrase: Option<u32>,
    /// Whether a phrase has a word before these.
    pub goes_on: bool,
}

/// What is known by a hash: at most half full, each at the first free place from where it belongs. Different things may have the same hash.
#[derive(Debug)]
pub struct Table<T> {
    slots: Box<[Option<(u64, T)>]>,
}

impl<T: Copy> Default for Table<T> {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl<T: Copy> Table<T> {
    /// One of these.
    pub fn of(all: &[(u64, T)]) -> Self {
        let mut table = Self { slots: vec![None; (2 * all.len() + 1).next_power_of_two()].into() };
        for (hash, what) in all {
            let mut place = table.place(*hash);
            while table.slots[place].is_some() {
                place = table.after(place);
            }
            table.slots[place] = Some((*hash, *what));
        }
        table
    }

    /// All that is known by this hash.
    pub fn get(&self, hash: u64) -> impl Iterator<Item = T> {
        let mut place = self.place(hash);
        let taken = std::iter::from_fn(move || {
            let slot = *self.slots.get(place)?;
            place = self.after(place);
            slot
        });
        taken.filter(move |(of, _)| *of == hash).map(|(_, what)| what)
    }

    fn place(&self, hash: u64) -> usize {
        (hash >> 28) as usize & (self.slots.len() - 1)
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
        let table = Table::of(&[(7, 'a'), (7, 'b'), (7 | 1 << 63, 'c')]);
        let of = |hash| table.get(hash).collect::<String>();
        assert_eq!([of(7), of(7 | 1 << 63), of(8)], ["ab", "c", ""]);
        assert_eq!(Table::<Slot>::default().get(0).next(), None);
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
