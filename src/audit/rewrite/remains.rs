//! What remains of records that are left out, so that the chain still holds.

use super::RewriteError;
use super::source::{Leaves, Source};
use crate::audit::chain::batch_hash;
use crate::audit::entry::Digest;
use crate::audit::record::RecordId;
use crate::audit::segment::write::Chained;
use crate::audit::segment::{BatchNote, Gap, Missing, SegmentError, native_from};
use crate::audit::twigs::Tree;
use std::collections::{BTreeMap, HashMap};

/// What is kept of the records that are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) enum Remains {
    /// Their leaves: every batch and every link can be computed as before. 64 bytes a record.
    Leaves,
    /// Only what proves the records that stay: the other leaves of their batches, and of all else the twigs of the tree.
    Twigs,
}

/// An entry of the batches: a row that stays, a row that goes, or a gap.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) id: RecordId,
    pub(super) opened: Option<Digest>,
    pub(super) closed: Option<(u64, Digest)>,
    pub(super) why: Missing,
    pub(super) fate: Fate,
}

/// What becomes of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its row stays.
    Stays,
    /// It is a gap whose record is held in another segment: what proves it stays.
    Proves,
    /// It goes.
    Goes,
}

impl Member {
    pub(super) fn of(leaves: &Leaves, native_from: RecordId, fate: Fate) -> Self {
        let opened = (leaves.id >= native_from).then_some(leaves.opened);
        Self { id: leaves.id, opened, closed: leaves.closed, why: Missing::Erased, fate }
    }

    fn gap(&self) -> Option<Gap> {
        let Self { id, opened, closed, why, .. } = *self;
        (opened.is_some() || closed.is_some()).then_some(Gap { id, why, opened, closed })
    }
}

/// The gaps of a segment as members.
pub(super) fn gaps(source: &Source, proves: impl Fn(RecordId) -> bool) -> Result<Vec<Member>, SegmentError> {
    let fate = |id| if proves(id) { Fate::Proves } else { Fate::Goes };
    let gaps = source.segment.gaps()?;
    Ok(gaps.into_iter().map(|Gap { id, why, opened, closed }| Member { id, opened, closed, why, fate: fate(id) }).collect())
}

fn chained(source: &Source, batches: Vec<BatchNote>, gaps: Vec<Gap>) -> Result<Chained, SegmentError> {
    let directory = &source.segment.directory;
    Ok(Chained { before: directory.before, after: directory.after, root: directory.root, batches, gaps, twigs: source.segment.twigs()? })
}

/// The chain of a segment whose members that go leave their leaves. `members` are those that go, and the gaps there were.
pub(super) fn with_leaves(source: &Source, members: &[Member]) -> Result<Chained, SegmentError> {
    let mut gaps: Vec<_> = members.iter().filter_map(Member::gap).collect();
    gaps.sort_unstable_by_key(|gap| gap.id);
    chained(source, source.segment.batches()?, gaps)
}

/// A batch and who is in it, by their places among the members.
struct Batch {
    note: BatchNote,
    opened: Vec<usize>,
    closed: Vec<usize>,
    hash: Digest,
}

/// The chain of a segment of which only what proves the members that stay is kept. `members` are all there are.
pub(super) fn with_twigs(source: &Source, mut members: Vec<Member>) -> Result<Chained, RewriteError> {
    members.sort_unstable_by_key(|member| member.id);
    let batches = batches(source, &members)?;
    let directory = &source.segment.directory;
    let count = directory.batches_sealed();
    let twigs = source.segment.twigs()?;
    let tree = Tree { count, twigs: &twigs, batch: &|place| batches.get(&place).map(|batch| batch.hash) };
    if tree.root() != Some(directory.root) {
        return Err(RewriteError::Altered);
    }
    let needed = |batch: &Batch| batch.opened.iter().chain(&batch.closed).any(|member| members[*member].fate != Fate::Goes);
    let places: Vec<_> = batches.iter().filter(|(_, batch)| needed(batch)).map(|(place, _)| *place).collect();
    let twigs = tree.pruned_to(&places).ok_or(RewriteError::Altered)?;
    let kept: Vec<&Batch> = places.iter().map(|place| &batches[place]).collect();
    let notes = kept.iter().map(|batch| batch.note).collect();
    Ok(Chained { twigs, ..chained(source, notes, gaps_of(&kept, &members))? })
}

/// What stays of the members of these batches whose rows do not: the leaves that are in these batches, and no others.
fn gaps_of(kept: &[&Batch], members: &[Member]) -> Vec<Gap> {
    let mut gaps: BTreeMap<usize, Member> = BTreeMap::new();
    let mut note = |numbers: &[usize], add: fn(&mut Member, &Member)| {
        for number in numbers.iter().filter(|number| members[**number].fate != Fate::Stays) {
            let member = &members[*number];
            add(gaps.entry(*number).or_insert(Member { opened: None, closed: None, ..*member }), member);
        }
    };
    for batch in kept {
        note(&batch.opened, |gap, member| gap.opened = member.opened);
        note(&batch.closed, |gap, member| gap.closed = member.closed);
    }
    gaps.values().filter_map(Member::gap).collect()
}

/// The batches that are there, by their place, with their members (sorted by id).
fn batches(source: &Source, members: &[Member]) -> Result<BTreeMap<usize, Batch>, RewriteError> {
    let directory = &source.segment.directory;
    let count = directory.batches_sealed();
    let openings: Vec<usize> = (0..members.len()).filter(|member| members[*member].opened.is_some()).collect();
    let mut closings: HashMap<u64, Vec<usize>> = HashMap::new();
    for (number, member) in members.iter().enumerate() {
        if let Some((batch, _)) = member.closed {
            closings.entry(batch).or_default().push(number);
        }
    }
    let notes = source.segment.batches()?;
    let places = Tree::places(count, &source.segment.twigs()?, notes.len()).ok_or(RewriteError::Altered)?;
    let mut batches = BTreeMap::new();
    for (note, place) in notes.into_iter().zip(places) {
        let number = directory.before.number + 1 + place as u64;
        let start = note.first.map_or(0, |first| openings.partition_point(|member| members[*member].id < first));
        let opened = openings.get(start..start + note.opened as usize).ok_or(RewriteError::Altered)?.to_vec();
        let closed = closings.remove(&number).unwrap_or_default();
        let leaves: Vec<Digest> = opened.iter().filter_map(|member| members[*member].opened).collect();
        let ends: Vec<Digest> = closed.iter().filter_map(|member| members[*member].closed).map(|(_, leaf)| leaf).collect();
        let hash = batch_hash(directory.class, number, &leaves, &ends);
        batches.insert(place, Batch { note, opened, closed, hash });
    }
    Ok(batches)
}

/// What was proven of a segment.
pub(in crate::audit) struct Proven {
    /// The hash of every batch that is there.
    pub(in crate::audit) batches: Vec<Digest>,
    /// The records that were opened in an earlier one, with the leaves of their openings, which nothing here proves.
    pub(in crate::audit) carried_in: Vec<(RecordId, Digest)>,
}

/// What there is of a segment, if rows, gaps and twigs lead to the root that was signed and, where every batch is there, from the link before
/// to the link after.
pub(in crate::audit) fn proven(source: &Source) -> Result<Proven, RewriteError> {
    let native_from = native_from(&source.segment.batches()?);
    let (mut members, mut carried_in) = (gaps(source, |_| false)?, Vec::new());
    source.each(|record| {
        let leaves = record.leaves()?;
        members.push(Member::of(&leaves, native_from, Fate::Stays));
        if leaves.id < native_from {
            carried_in.push((leaves.id, leaves.opened));
        }
        Ok(())
    })?;
    members.sort_unstable_by_key(|member| member.id);
    let batches = batches(source, &members)?;
    let used: usize = batches.values().map(|batch| batch.opened.len() + batch.closed.len()).sum();
    let there: usize = members.iter().map(|member| usize::from(member.opened.is_some()) + usize::from(member.closed.is_some())).sum();
    let (directory, twigs) = (&source.segment.directory, source.segment.twigs()?);
    let count = directory.batches_sealed();
    let root = Tree { count, twigs: &twigs, batch: &|place| batches.get(&place).map(|batch| batch.hash) }.root();
    let linked = batches.values().fold(directory.before, |head, batch| head.after(&batch.hash));
    if used != there || root != Some(directory.root) || (twigs.is_empty() && linked != directory.after) {
        return Err(RewriteError::Altered);
    }
    Ok(Proven { batches: batches.into_values().map(|batch| batch.hash).collect(), carried_in })
}
