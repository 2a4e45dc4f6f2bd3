//! From [`Proofs`] to rows that are proven: every leaf is computed anew from the canonical bytes and followed to what was signed. Pure.
//!
//! ```text
//! record ─leaf─▶ batch ─┬─▶ tree of its segment ─▶ root: in a statement that is signed (sealed, merged, purged, erased)
//!                       └─▶ chain of its class  ─▶ head: in a checkpoint that is signed
//! ```

use super::gather::notes_of;
use super::problem::Problem;
use super::proofs::{Batch, Chain, Leaf, Proofs, Record, Tree};
use super::signed::Sound;
use crate::audit::chain::{Head, batch_hash};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::entry::{self, Decoder, Digest};
use crate::audit::journal::{SegmentNote, Topic};
use crate::audit::key::to_hex;
use crate::audit::query::Row;
use crate::audit::record::{Class, RecordId};
use crate::audit::twigs::{self, Twig};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The records that can be read, the oldest first.
    pub rows: Vec<Row>,
    /// How many are proven.
    pub proven: usize,
    /// Those of which nothing proves how they began: what they began in was purged.
    pub unproven: Vec<RecordId>,
    /// The statements that prove the others, the oldest first.
    pub seals: Vec<Seal>,
    /// Under which statement: who looked, and why.
    pub look: Option<crate::audit::lookups::Row>,
    /// The key that signs, in hexadecimal digits.
    pub key: Option<String>,
    /// Other keys that statements of before are signed with.
    pub earlier_keys: Vec<String>,
    pub(super) problems: Vec<Problem>,
}

/// A statement that proves records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seal {
    /// Its number in the journal.
    pub statement: u64,
    /// Its topic.
    pub kind: String,
    /// When it was signed.
    pub at: Timestamp,
    /// How many records began in what it signs.
    pub records: usize,
}

/// Looks at everything in the proofs. `look` is the number of the statement on who looked.
pub(super) fn check(proofs: &Proofs, sound: &Sound<'_>, look: u64) -> Checked {
    let mut checking = Checking { proofs, sound, checked: Checked::default(), leaves: Vec::new(), began: Vec::new(), ended: Vec::new() };
    checking.records();
    let hashes = checking.batches();
    let signed = checking.signed(&hashes);
    checking.entries(&signed);
    checking.statements(look);
    checking.checked
}

/// Batches that nothing signed was found for yet, by class and number. Each is taken once: so however many trees there are, it is looked at once.
type Unclaimed = BTreeMap<(Class, u64), usize>;

/// Takes the batches of a class that come after this one, so many of the chain.
fn claim(unclaimed: &mut Unclaimed, class: Class, before: u64, count: u64) -> Vec<(u64, usize)> {
    let (Some(first), Some(last)) = (before.checked_add(1), before.checked_add(count)) else { return Vec::new() };
    if first > last {
        return Vec::new();
    }
    let known: Vec<_> = unclaimed.range((class, first)..=(class, last)).map(|((_, number), place)| (*number, *place)).collect();
    for (number, _) in &known {
        unclaimed.remove(&(class, *number));
    }
    known
}

/// Batches, and whether they lead to what is signed.
#[derive(Default)]
struct Led {
    batches: Vec<usize>,
    holds: bool,
}

/// The most batches of a segment. A greater number is no segment's.
const MOST_BATCHES: usize = 1 << 32;

/// What statements say that are signed.
#[derive(Default)]
struct Said {
    /// By statement and file: class, number of the batch before the first, how many batches, and their root.
    roots: HashMap<(u64, String), (Class, u64, usize, String)>,
    /// By statement and class.
    heads: HashMap<(u64, Class), Head>,
}

impl Said {
    fn by(sound: &Sound<'_>, proofs: &Proofs) -> Self {
        let mut said = Self::default();
        for signed in proofs.statements.iter().filter_map(|signed| sound.get(signed.number)) {
            let statement = signed.statement();
            if signed.is(Topic::Checkpoint) {
                let heads = Checkpoint::of(&statement, None);
                said.heads.extend(heads.iter().flat_map(Checkpoint::heads).map(|(class, head)| ((signed.number, class), head)));
            }
            for note in notes_of(&statement) {
                let count = note.after.0.checked_sub(note.before.0).and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= MOST_BATCHES);
                if let (Some(count), Some(class)) = (count, class_of(&note)) {
                    said.roots.insert((signed.number, note.file), (class, note.before.0, count, note.root));
                }
            }
        }
        said
    }
}

struct Checking<'p> {
    proofs: &'p Proofs,
    sound: &'p Sound<'p>,
    checked: Checked,
    /// The leaves of each record; nothing of one that cannot be read.
    leaves: Vec<Option<(Digest, Option<Digest>)>>,
    /// The batches each began in, and each ended in.
    began: Vec<Vec<usize>>,
    ended: Vec<Vec<usize>>,
}

/// A batch's name.
fn named(batch: &Batch) -> (&'static str, u64) {
    (batch.class.as_str(), batch.number)
}

impl Checking<'_> {
    fn found(&mut self, problem: Problem) {
        self.checked.problems.push(problem);
    }

    /// The records of some batches.
    fn ids<'b>(&self, batches: impl Iterator<Item = &'b Batch>) -> Vec<RecordId> {
        let own = |leaf: &Leaf| match leaf {
            Leaf::Own(place) => self.proofs.records.get(*place).map(|record| record.id),
            Leaf::Other(_) => None,
        };
        let mut ids: Vec<_> = batches.flat_map(|batch| batch.opened.iter().chain(&batch.closed)).filter_map(own).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn records(&mut self) {
        let mut last = None;
        for record in &self.proofs.records {
            if last.is_some_and(|last| record.id <= last) {
                self.found(Problem::OutOfOrder(record.id));
            }
            last = Some(record.id);
            let read = read(self.proofs, record);
            match read {
                Some(row) => self.checked.rows.push(row),
                None => self.found(Problem::Unreadable(record.id)),
            }
            self.leaves.push(leaves(self.proofs, record));
        }
        self.began = vec![Vec::new(); self.proofs.records.len()];
        self.ended = self.began.clone();
    }

    /// The hashes of the batches, made anew; nothing of one that is not what was committed.
    fn batches(&mut self) -> Vec<Option<Digest>> {
        let proofs = self.proofs;
        let mut hashes = Vec::with_capacity(proofs.batches.len());
        for (place, batch) in proofs.batches.iter().enumerate() {
            let opened = self.of_batch(place, &batch.opened, batch.class, |(opened, _)| Some(*opened), End::Opened);
            let closed = self.of_batch(place, &batch.closed, batch.class, |(_, closed)| *closed, End::Closed);
            let hash = opened.zip(closed).map(|(opened, closed)| batch_hash(batch.class, batch.number, &opened, &closed));
            let hash = hash.filter(|hash| *hash == batch.hash.0);
            if hash.is_none() {
                self.altered(place);
            }
            hashes.push(hash);
        }
        hashes
    }

    fn of_batch(
        &mut self,
        batch: usize,
        leaves: &[Leaf],
        class: Class,
        of: impl Fn(&(Digest, Option<Digest>)) -> Option<Digest>,
        end: End,
    ) -> Option<Vec<Digest>> {
        let mut digests = Some(Vec::with_capacity(leaves.len()));
        for leaf in leaves {
            let digest = match leaf {
                Leaf::Other(hash) => Some(hash.0),
                Leaf::Own(place) => {
                    let entries = match end {
                        End::Opened => &mut self.began,
                        End::Closed => &mut self.ended,
                    };
                    entries.get_mut(*place).into_iter().for_each(|batches| batches.push(batch));
                    let known = self.proofs.records.get(*place).filter(|record| record.class == class);
                    known.and_then(|_| of(self.leaves[*place].as_ref()?))
                }
            };
            digests = digests.zip(digest).map(|(mut digests, digest)| {
                digests.push(digest);
                digests
            });
        }
        digests
    }

    /// For each batch the statement that signs it, if one does.
    fn signed(&mut self, hashes: &[Option<Digest>]) -> Vec<Option<u64>> {
        let proofs = self.proofs;
        let mut unclaimed = Unclaimed::new();
        for (place, batch) in proofs.batches.iter().enumerate() {
            if unclaimed.insert((batch.class, batch.number), place).is_some() {
                self.altered(place);
            }
        }
        let (said, mut signed) = (Said::by(self.sound, proofs), vec![None; proofs.batches.len()]);
        let trees = proofs.trees.iter().map(|tree| (tree.statement, tree.file.clone(), self.tree(tree, &said, &mut unclaimed)));
        let mut led: Vec<_> = trees.collect();
        let chains = proofs
            .chains
            .iter()
            .map(|chain| (chain.statement, format!("the chain of class {}", chain.class.as_str()), self.chain(chain, &said, &mut unclaimed)));
        led.extend(chains);
        for (statement, what, Led { batches, holds }) in led {
            for place in &batches {
                // One that is not what was committed was told; the hash it should have holds the others together.
                signed[*place] = (holds && hashes[*place].is_some()).then_some(statement);
            }
            if !holds {
                let ids = self.ids(batches.iter().map(|place| &proofs.batches[*place]));
                self.found(Problem::NotSigned { statement, what, ids });
            }
        }
        for place in unclaimed.into_values() {
            let batch = &proofs.batches[place];
            let ids = self.ids(std::iter::once(batch));
            self.found(Problem::NoProof { batch: named(batch), ids });
        }
        signed
    }

    fn altered(&mut self, place: usize) {
        let batch = &self.proofs.batches[place];
        let ids = self.ids(std::iter::once(batch));
        self.found(Problem::Altered { batch: named(batch), ids });
    }

    /// Whether the batches of a tree lead to its signed root.
    fn tree(&self, tree: &Tree, said: &Said, unclaimed: &mut Unclaimed) -> Led {
        let Some((class, before, count, root)) = said.roots.get(&(tree.statement, tree.file.clone())) else { return Led::default() };
        let known = claim(unclaimed, *class, *before, *count as u64);
        let place_of = |number: u64| usize::try_from(number - before - 1).ok();
        let hashes: HashMap<usize, Digest> =
            known.iter().filter_map(|(number, batch)| Some((place_of(*number)?, self.proofs.batches[*batch].hash.0))).collect();
        let twigs: Vec<_> = tree.twigs.iter().map(|(first, count, hash)| Twig { first: *first, count: *count, hash: hash.0 }).collect();
        // A batch that a twig stands in the place of would be proven by nothing.
        let hidden = |place: &usize| {
            let after = twigs.partition_point(|twig| twig.first <= *place);
            after.checked_sub(1).is_some_and(|at| *place - twigs[at].first < twigs[at].count)
        };
        let ascending = twigs.is_sorted_by(|a, b| a.first < b.first);
        let whole = twigs::Tree { count: *count, twigs: &twigs, batch: &|place| hashes.get(&place).copied() };
        let holds = ascending && !hashes.keys().any(hidden) && whole.root().is_some_and(|found| to_hex(&found) == *root);
        Led { batches: known.into_iter().map(|(_, batch)| batch).collect(), holds }
    }

    /// Whether the batches of a stretch of a chain lead to its signed head.
    fn chain(&self, chain: &Chain, said: &Said, unclaimed: &mut Unclaimed) -> Led {
        let known = claim(unclaimed, chain.class, chain.before.0, chain.hashes.len() as u64);
        let at = |number: u64| usize::try_from(number - chain.before.0 - 1).ok().and_then(|place| chain.hashes.get(place));
        let same = known.iter().all(|(number, batch)| at(*number) == Some(&self.proofs.batches[*batch].hash));
        let head = said.heads.get(&(chain.statement, chain.class)).filter(|head| chain.before.0.checked_add(chain.hashes.len() as u64) == Some(head.number));
        let holds = head.is_some_and(|signed| {
            let before = Head { number: chain.before.0, link: chain.before.1.0 };
            same && chain.hashes.iter().fold(before, |head, hash| head.after(&hash.0)) == *signed
        });
        Led { batches: known.into_iter().map(|(_, batch)| batch).collect(), holds }
    }

    /// Whether each record began and ended in batches that are signed.
    fn entries(&mut self, signed: &[Option<u64>]) {
        let proofs = self.proofs;
        let mut seals: BTreeMap<u64, usize> = BTreeMap::new();
        for (place, record) in proofs.records.iter().enumerate() {
            let (began, ended) = (self.began[place].clone(), self.ended[place].clone());
            if began.len() > 1 || ended.len() > 1 {
                self.found(Problem::Repeated(record.id));
            }
            let wants_end = record.closed.is_some();
            if ended.is_empty() == wants_end {
                self.found(Problem::EndUnproven(record.id));
            }
            let Some(batch) = began.first() else {
                self.checked.unproven.push(record.id);
                continue;
            };
            // What is not signed was told with its batch.
            let ends = ended.first().map_or(!wants_end, |batch| signed[*batch].is_some());
            if let Some(statement) = signed[*batch].filter(|_| ends) {
                *seals.entry(statement).or_default() += 1;
                self.checked.proven += 1;
            }
        }
        let seal = |(number, records): (u64, usize)| {
            let signed = self.sound.get(number)?;
            Some(Seal { statement: number, kind: signed.kind.clone(), at: Timestamp::from_millisecond(signed.at).ok()?, records })
        };
        self.checked.seals = seals.into_iter().filter_map(seal).collect();
    }

    fn statements(&mut self, look: u64) {
        let looked = self.sound.get(look).filter(|signed| signed.is(Topic::Looked));
        self.checked.look = looked.and_then(|signed| crate::audit::lookups::row(&signed.statement()));
        let key = self.sound.key_of(look).map(|key| key.to_string());
        let others = self.checked.seals.iter().filter_map(|seal| self.sound.key_of(seal.statement)).map(|key| key.to_string());
        let mut others: Vec<_> = others.filter(|other| Some(other) != key.as_ref()).collect();
        others.dedup();
        (self.checked.key, self.checked.earlier_keys) = (key, others);
    }
}

/// Which end of a record.
#[derive(Clone, Copy)]
enum End {
    Opened,
    Closed,
}

fn class_of(note: &SegmentNote) -> Option<Class> {
    Class::NAMES.into_iter().find(|(name, _)| *name == note.class).map(|(_, class)| class)
}

fn shared(proofs: &Proofs, place: usize) -> Option<&[u8]> {
    proofs.shared.get(place).map(|bytes| bytes.0.as_slice())
}

/// A record as people read it.
fn read(proofs: &Proofs, record: &Record) -> Option<Row> {
    let who = Decoder::new(shared(proofs, record.who)?).who().ok()?;
    let judgement = Decoder::new(shared(proofs, record.judgement)?).judgement().ok()?;
    let opened = Decoder::new(&record.opened.0).opened().ok()?;
    let closed = record.closed.as_ref().map(|closed| Decoder::new(&closed.0).closed()).transpose().ok()?;
    Some(Row::of(record.id, record.class, &who, &judgement, &opened, closed.as_ref()))
}

/// The leaves of a record.
fn leaves(proofs: &Proofs, record: &Record) -> Option<(Digest, Option<Digest>)> {
    let (who, judgement) = (entry::shared_digest(shared(proofs, record.who)?), entry::shared_digest(shared(proofs, record.judgement)?));
    let opened = entry::opened_leaf(record.id, record.class, &who, &judgement, &record.opened.0);
    Some((opened, record.closed.as_ref().map(|closed| entry::closed_leaf(record.id, &closed.0))))
}
