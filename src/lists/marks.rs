//! Which names have listed ones far below them, and which hosts have listed paths: a small filter that fits the nearest caches.
//!
//! Probing the table for every parent of a host waits for memory once for each, and a host may have a hundred. Few listed names are deep: of a million
//! real ones 1.4 % have more than four labels, but the deepest has 21, so their number alone would rule nothing out. So every listed name marks its
//! parents of 4, 8, 16, 32 and 64 labels (the gates), and a look-up that goes from right to left ends at a gate without a mark: nothing below it is
//! listed. A host of 14 labels, in no list, costs three probes and one look here.
//!
//! A mark is four bits of one word of 64, at 12 bits a mark: it is never missed, and some 1.5 % of what is not marked looks as if it were,
//! which costs probes and changes no answer.

use super::mapped::Section;
use zerocopy::little_endian::U64;

/// Bits of the filter for each mark.
const BITS: usize = 12;
/// The first gate.
const FIRST_GATE: usize = 4;

/// Whether suffixes of so many labels are marked if something longer is listed. At most five gates, so that even a name of 127 labels makes few marks.
#[must_use]
pub fn is_gate(labels: usize) -> bool {
    labels >= FIRST_GATE && labels.is_power_of_two()
}

/// The filter.
#[derive(Debug, Default)]
pub struct Marks {
    words: Section<U64>,
}

impl Marks {
    /// Marks all of these hashes.
    #[must_use]
    pub fn build(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        let mut words = vec![U64::ZERO; (hashes.len() * BITS).div_ceil(64)];
        for hash in hashes {
            let (at, bits) = place(hash, words.len());
            words[at] |= bits;
        }
        Self { words: Section::Owned(words) }
    }

    /// Marks that were built before.
    #[must_use]
    pub fn of(words: Section<U64>) -> Self {
        Self { words }
    }

    /// Whether this hash may have been marked. What was marked always is.
    #[must_use]
    pub fn has(&self, hash: u64) -> bool {
        let words = &*self.words;
        let (at, bits) = place(hash, words.len());
        words.get(at).is_some_and(|word| word.get() & bits == bits)
    }

    /// The filter itself.
    #[must_use]
    pub fn words(&self) -> &[U64] {
        &self.words
    }

    /// Resident bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of_val(self.words())
    }
}

/// The word of a hash, by its upper bits, and its four bits there, by its lower ones.
fn place(hash: u64, words: usize) -> (usize, u64) {
    #[expect(clippy::cast_possible_truncation, reason = "the product's upper half is below `words`")]
    let at = ((u128::from(hash) * words as u128) >> 64) as usize;
    (at, (0..4).fold(0, |bits, nth| bits | 1 << (hash >> (6 * nth) & 63)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random (splitmix64).
    fn mixed(number: u64) -> u64 {
        let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) ^ number >> 31
    }

    #[test]
    fn what_is_marked_is_never_missed_and_little_else_is_found() {
        let marks = Marks::build((0..20_000).map(mixed).collect());
        assert!((0..20_000).all(|number| marks.has(mixed(number))));
        let false_ones = (20_000..120_000).filter(|number| marks.has(mixed(*number))).count();
        assert!(false_ones < 2500, "{false_ones} of 100000");
        assert_eq!(marks.memory(), 30_000);
    }

    #[test]
    fn no_marks_take_no_room_and_find_nothing() {
        assert!(!Marks::build(Vec::new()).has(7));
        assert_eq!(Marks::build(Vec::new()).memory(), 0);
    }

    #[test]
    fn gates_are_few() {
        assert_eq!((1..=127).filter(|labels| is_gate(*labels)).collect::<Vec<_>>(), [4, 8, 16, 32, 64]);
    }
}
