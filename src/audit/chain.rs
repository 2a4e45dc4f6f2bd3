//! What makes the log proof against tampering: batches, links, and the tree over a segment's batches. Pure.
//!
//! ```text
//! entry ──leaf──▶ batch: hash over class, number, counts, leaves ──▶ link: hash over the link before and the batch ──▶ …
//!                   └── the hashes of a segment's batches are the leaves of a Merkle tree; its root is signed in the journal
//! ```
//!
//! Each class has a chain of its own, so that one is purged and the others still hold. The link says that nothing before it was changed; the tree
//! lets somebody who holds one record check it against the signed root with some twenty hashes (RFC 9162, section 2.1, with BLAKE3).

use super::entry::Digest;
use super::record::Class;

/// The end of a class's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last batch; 0 before the first.
    pub number: u64,
    /// Its link.
    pub link: Digest,
}

impl Head {
    /// Before the first batch of a class.
    #[must_use]
    pub fn start(class: Class) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"usher chain\0").update(&[class.code()]);
        Self { number: 0, link: hasher.finalize().into() }
    }

    /// After one more batch.
    #[must_use]
    pub fn after(self, batch: &Digest) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"usher link\0").update(&self.link).update(batch);
        Self { number: self.number + 1, link: hasher.finalize().into() }
    }
}

/// The heads of all chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads([Head; Class::NAMES.len()]);

impl Default for Heads {
    fn default() -> Self {
        Self(Class::NAMES.map(|(_, class)| Head::start(class)))
    }
}

impl Heads {
    /// The head of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> Head {
        self.0[usize::from(class.code())]
    }

    /// Sets the head of a class.
    pub fn set(&mut self, class: Class, head: Head) {
        self.0[usize::from(class.code())] = head;
    }
}

/// The hash of a batch: its leaves, those of openings by record id, then those of closings by record id.
#[must_use]
pub fn batch_hash(class: Class, number: u64, opened: &[Digest], closed: &[Digest]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"usher batch\0").update(&[class.code()]).update(&number.to_le_bytes());
    for leaves in [opened, closed] {
        hasher.update(&(leaves.len() as u64).to_le_bytes());
        hasher.update(leaves.as_flattened());
    }
    hasher.finalize().into()
}

/// The hash of an inner node of the tree.
pub(super) fn node(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[1]).update(left).update(right);
    hasher.finalize().into()
}

/// The hash of a leaf of the tree.
pub(super) fn leaf(batch: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[0]).update(batch);
    hasher.finalize().into()
}

/// Where a tree of so many leaves divides: the greatest power of two below.
pub(super) fn middle(count: usize) -> usize {
    count.next_power_of_two() / 2
}

/// The root of the tree over these batches.
#[must_use]
pub fn root(batches: &[Digest]) -> Digest {
    match batches {
        [] => blake3::hash(b"").into(),
        [one] => leaf(one),
        several => {
            let (left, right) = several.split_at(middle(several.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The hashes that lead from one batch to the root, the lowest first. Empty if there is no such batch.
#[must_use]
pub fn path(batches: &[Digest], place: usize) -> Vec<Digest> {
    if batches.len() < 2 || place >= batches.len() {
        return Vec::new();
    }
    let half = middle(batches.len());
    let (left, right) = batches.split_at(half);
    let (mut hashes, other) = if place < half { (path(left, place), root(right)) } else { (path(right, place - half), root(left)) };
    hashes.push(other);
    hashes
}

/// The root that a batch at this place among so many leads to by these hashes; nothing if there are too many or too few.
#[must_use]
pub fn root_by_path(batch: &Digest, place: usize, count: usize, hashes: &[Digest]) -> Option<Digest> {
    if place >= count {
        return None;
    }
    match hashes.split_last() {
        None => (count == 1).then(|| leaf(batch)),
        Some(_) if count < 2 => None,
        Some((other, below)) => {
            let half = middle(count);
            if place < half {
                Some(node(&root_by_path(batch, place, half, below)?, other))
            } else {
                Some(node(other, &root_by_path(batch, place - half, count - half, below)?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batches(count: u8) -> Vec<Digest> {
        (0..count).map(|n| [n; 32]).collect()
    }

    proptest! {
        #[test]
        fn every_batch_leads_to_the_root_and_no_other_does(count in 1u8..40, place: usize, wrong: usize) {
            let batches = batches(count);
            let (place, wrong) = (place % batches.len(), wrong % batches.len());
            let (whole, hashes) = (root(&batches), path(&batches, place));
            prop_assert_eq!(root_by_path(&batches[place], place, batches.len(), &hashes), Some(whole));
            if wrong != place {
                prop_assert_ne!(root_by_path(&batches[wrong], place, batches.len(), &hashes), Some(whole));
                prop_assert_ne!(root_by_path(&batches[place], wrong, batches.len(), &hashes), Some(whole));
            }
            prop_assert_eq!(root_by_path(&batches[place], place, 0, &hashes), None);
        }

        #[test]
        fn any_change_changes_the_root(count in 2u8..40, place: usize) {
            let whole = batches(count);
            let place = place % whole.len();
            let (mut altered, mut dropped, mut swapped) = (whole.clone(), whole.clone(), whole.clone());
            altered[place][7] ^= 1;
            dropped.remove(place);
            swapped.swap(place, (place + 1) % whole.len());
            for other in [altered, dropped, swapped] {
                prop_assert_ne!(root(&other), root(&whole));
            }
        }
    }

    #[test]
    fn a_leaf_counts_as_opened_or_closed_and_not_as_both() {
        let leaf = [7; 32];
        let hashes = [
            batch_hash(Class::Visit, 1, &[leaf], &[]),
            batch_hash(Class::Visit, 1, &[], &[leaf]),
            batch_hash(Class::Visit, 2, &[leaf], &[]),
            batch_hash(Class::Staff, 1, &[leaf], &[]),
        ];
        for (n, one) in hashes.iter().enumerate() {
            assert!(hashes[n + 1..].iter().all(|other| other != one));
        }
    }
}
