//! A tree over batches of which only some are kept. Pure.
//!
//! When a segment is purged and some of its records are held, only the batches of those stay. What is left of the others is the hash of each whole part
//! of the tree that held none of them: a twig. Kept batches and twigs together still lead to the signed root. For `k` batches kept of `n` that is some
//! `k log(n / k)` hashes, where leaves of all would be two a record.

use super::chain::{leaf, middle, node};
use super::entry::Digest;

/// A part of the tree of which only the hash is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twig {
    /// The place of its first batch, from 0.
    pub first: usize,
    /// How many batches it is over.
    pub count: usize,
    /// The hash of its uppermost node.
    pub hash: Digest,
}

/// A tree of which some batches are known, and twigs in place of the others.
pub struct Tree<'a> {
    /// How many batches it is over.
    pub count: usize,
    /// What is left of those that are not known, by the place of their first batch.
    pub twigs: &'a [Twig],
    /// The hash of the batch at a place, if it is known.
    pub batch: &'a dyn Fn(usize) -> Option<Digest>,
}

impl Tree<'_> {
    /// Its root; nothing if a batch is neither known nor in a twig.
    #[must_use]
    pub fn root(&self) -> Option<Digest> {
        if self.count == 0 { Some(super::chain::root(&[])) } else { self.hash(0, self.count) }
    }

    fn hash(&self, first: usize, count: usize) -> Option<Digest> {
        if let Some(twig) = self.twig(first, count) {
            return Some(twig.hash);
        }
        if count == 1 {
            return (self.batch)(first).map(|batch| leaf(&batch));
        }
        let half = middle(count);
        Some(node(&self.hash(first, half)?, &self.hash(first + half, count - half)?))
    }

    fn twig(&self, first: usize, count: usize) -> Option<Twig> {
        let place = self.twigs.binary_search_by_key(&first, |twig| twig.first).ok()?;
        Some(self.twigs[place]).filter(|twig| twig.count == count)
    }

    /// What is left where only the batches at these places, ascending, are kept; nothing if the tree is not whole.
    #[must_use]
    pub fn pruned_to(&self, kept: &[usize]) -> Option<Vec<Twig>> {
        let mut twigs = Vec::new();
        if self.count > 0 {
            self.prune(0, self.count, kept, &mut twigs)?;
        }
        Some(twigs)
    }

    fn prune(&self, first: usize, count: usize, kept: &[usize], twigs: &mut Vec<Twig>) -> Option<()> {
        let holds_one = kept.partition_point(|place| *place < first) < kept.partition_point(|place| *place < first + count);
        if !holds_one {
            twigs.push(Twig { first, count, hash: self.hash(first, count)? });
            return Some(());
        }
        if count == 1 {
            return Some(());
        }
        let half = middle(count);
        self.prune(first, half, kept, twigs)?;
        self.prune(first + half, count - half, kept, twigs)
    }

    /// The places of the batches that are in no twig, ascending, if there are `known` of them: nothing is made room for that is not there.
    #[must_use]
    pub fn places(count: usize, twigs: &[Twig], known: usize) -> Option<Vec<usize>> {
        let gone = twigs.iter().try_fold(0usize, |sum, twig| sum.checked_add(twig.count))?;
        if count.checked_sub(gone)? != known {
            return None;
        }
        let mut gaps: Vec<_> = twigs.iter().map(|twig| (twig.first, twig.count)).collect();
        gaps.sort_unstable();
        let (mut places, mut next) = (Vec::with_capacity(known), 0usize);
        for (first, count) in gaps.into_iter().chain([(count, 0)]) {
            // They do not overlap, nor leave more between them than there are.
            if first < next || first - next > known - places.len() {
                return None;
            }
            places.extend(next..first);
            next = first.checked_add(count)?;
        }
        Some(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::chain;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_pruned_leads_to_the_same_root_and_only_whole(count in 0usize..60, kept: u64, fewer: u64) {
            let batches: Vec<Digest> = (0..count).map(|n| [u8::try_from(n).expect("small"); 32]).collect();
            let chosen = |bits: u64| (0..count).filter(|place| bits >> place & 1 == 1).collect::<Vec<_>>();
            let whole = Tree { count, twigs: &[], batch: &|place| batches.get(place).copied() };
            let root = chain::root(&batches);
            prop_assert_eq!(whole.root(), Some(root));
            let twigs = whole.pruned_to(&chosen(kept)).expect("it is whole");
            prop_assert_eq!(Tree::places(count, &twigs, chosen(kept).len()), Some(chosen(kept)));
            // A kept batch is known; the others are not.
            let known = |bits: u64, twigs: &[Twig]| Tree { count, twigs, batch: &|place| (bits >> place & 1 == 1).then(|| batches[place]) }.root();
            prop_assert_eq!(known(kept, &twigs), Some(root));
            // And again, from what is left.
            let left = Tree { count, twigs: &twigs, batch: &|place| (kept >> place & 1 == 1).then(|| batches[place]) };
            let twigs = left.pruned_to(&chosen(kept & fewer)).expect("it is whole");
            prop_assert_eq!(known(kept & fewer, &twigs), Some(root));
            if let Some(first) = chosen(kept & fewer).first() {
                let altered = Tree { count, twigs: &twigs, batch: &|place| (kept & fewer >> place & 1 == 1).then(|| if place == *first { [99; 32] } else { batches[place] }) };
                prop_assert_ne!(altered.root(), Some(root));
                prop_assert_eq!(known(kept & fewer & !(1 << first), &twigs), None, "a batch is missing");
            }
        }
    }
}
