//! From the log to [`Proofs`]: what a permit is for, and what proves it.
//!
//! The newest first: a record that was open when its file was sealed lies in a later file than the batch it was opened in, so whose opening is not
//! proven yet is looked for in earlier ones. What is damaged is passed over and named.

use super::MOST_RECORDS;
use super::live::{LiveFile, Moment, Tape};
use super::make::PackError;
use super::proofs::{Batch, Bytes, Chain, Hash, Leaf, Proofs, Record, Tree};
use super::sealed;
use super::signed::Signed;
use super::stretch::{Members, Stretch};
use crate::audit::chain::{Head, Heads};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::entry::Digest;
use crate::audit::folder::Folder;
use crate::audit::journal::{Journal, Merged, Part, Reader, Sealed, SegmentNote, Statement, Topic};
use crate::audit::lookups::Permit;
use crate::audit::query::{Log, LogError};
use crate::audit::record::{Class, RecordId};
use crate::audit::rewrite::{HasParts, Source};
use crate::audit::segment::SegmentError;
use crate::audit::twigs;
use jiff::Timestamp;
use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{BTreeSet, HashMap};

/// What was gathered.
pub(super) struct Gathered {
    pub(super) proofs: Proofs,
    /// What is damaged, and why it was passed over.
    pub(super) passed_over: BTreeMap<String, String>,
}

/// A record as canonical bytes.
pub(super) struct Body {
    pub(super) class: Class,
    pub(super) who: Vec<u8>,
    pub(super) judgement: Vec<u8>,
    pub(super) opened: Vec<u8>,
    pub(super) closed: Option<Vec<u8>>,
}

/// Gathers what a permit is for.
pub(super) fn gather(folder: &Folder, journal: &mut Journal, permit: &Permit, now: Timestamp) -> Result<Gathered, PackError> {
    let mut wanted = BTreeSet::new();
    let page = Log::open(folder)?.scan(permit.filter(), |rows| {
        wanted.extend(rows.iter().map(|row| row.number));
        if wanted.len() > MOST_RECORDS { Err(PackError::TooMany) } else { Ok(()) }
    })?;
    let mut work = Work { folder, wanted, passed_over: page.passed_over.into_iter().collect(), ..Work::of(folder) };
    if !work.wanted.is_empty() {
        let moment = Moment::now(folder, journal, now)?;
        work.live(&moment)?;
        let notes = notes(journal.reader())?;
        let mut parts: Vec<&Part> = moment.parts.iter().collect();
        parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.lives));
        parts.into_iter().for_each(|part| work.part(part, &notes));
        work.chains(&moment, journal.reader())?;
    }
    work.finish(journal.reader(), permit.statement())
}

/// A segment as a statement has signed it: its file and digest, and by which.
type Notes = HashMap<(String, String), u64>;

/// Every segment there ever was, by the statement that signs it.
fn notes(reader: &Reader) -> Result<Notes, PackError> {
    let mut notes = Notes::new();
    for topic in [Topic::Sealed, Topic::Merged, Topic::Purged, Topic::Erased] {
        for statement in reader.about(topic, 0)? {
            notes.extend(notes_of(&statement).into_iter().map(|note| ((note.file, note.digest), statement.number)));
        }
    }
    Ok(notes)
}

/// The segments that a statement signs as they are from then on.
pub(super) fn notes_of(statement: &Statement) -> Vec<SegmentNote> {
    let is = |topic: Topic| statement.kind == topic.as_str();
    if is(Topic::Sealed) {
        statement.read::<Sealed>().map(|sealed| sealed.segments).unwrap_or_default()
    } else if is(Topic::Merged) {
        statement.read::<Merged>().map(|merged| merged.into).into_iter().collect()
    } else if is(Topic::Purged) || is(Topic::Erased) {
        statement.read::<HasParts>().map(|body| body.parts).unwrap_or_default().into_iter().filter_map(|part| part.new).collect()
    } else {
        Vec::new()
    }
}

struct Work<'f> {
    folder: &'f Folder,
    wanted: BTreeSet<RecordId>,
    found: BTreeMap<RecordId, Body>,
    /// Records that were found and whose opening was not, by class.
    lacking: BTreeMap<Class, BTreeSet<RecordId>>,
    /// Those of the segment that is looked at.
    of_segment: Vec<RecordId>,
    batches: Vec<Kept>,
    trees: Vec<Tree>,
    chains: Vec<Chain>,
    statements: BTreeSet<u64>,
    passed_over: BTreeMap<String, String>,
}

/// A batch that is needed.
struct Kept {
    class: Class,
    number: u64,
    hash: Digest,
    opened: Vec<(RecordId, Digest)>,
    closed: Vec<(RecordId, Digest)>,
}

impl Kept {
    fn of(members: &Members<'_>) -> Self {
        let closed = members.closed.iter().map(|(_, id, leaf)| (*id, *leaf)).collect();
        Self { class: members.class, number: members.number, hash: members.hash, opened: members.opened.to_vec(), closed }
    }
}

impl<'f> Work<'f> {
    fn of(folder: &'f Folder) -> Self {
        Self {
            folder,
            wanted: BTreeSet::new(),
            found: BTreeMap::new(),
            lacking: BTreeMap::new(),
            of_segment: Vec::new(),
            batches: Vec::new(),
            trees: Vec::new(),
            chains: Vec::new(),
            statements: BTreeSet::new(),
            passed_over: BTreeMap::new(),
        }
    }

    fn live(&mut self, moment: &Moment) -> Result<(), PackError> {
        let heads = moment.heads();
        let mut endings = HashMap::new();
        for file in &moment.live {
            endings.extend(file.endings(&self.wanted, &heads).map_err(LogError::from)?);
            for (id, body) in file.bodies(&self.wanted).map_err(LogError::from)? {
                if let Entry::Vacant(place) = self.found.entry(id) {
                    self.lacking.entry(body.class).or_default().insert(id);
                    place.insert(Body { closed: endings.remove(&id), ..body });
                }
            }
            self.live_file(file, &heads)?;
        }
        Ok(())
    }

    fn live_file(&mut self, file: &LiveFile, heads: &Heads) -> Result<(), PackError> {
        for (_, class) in Class::NAMES {
            // Whatever was found of this class in later files may have been opened in this one.
            if self.found.values().all(|body| body.class != class) {
                continue;
            }
            let mut stretch = file.stretch(class, heads.of(class).number).map_err(LogError::from)?;
            if self.keep(&mut stretch).is_none() {
                return Err(PackError::LiveAltered { number: file.number, class });
            }
        }
        Ok(())
    }

    /// Keeps the batches that hold an entry of what was found. Returns the places of those, and the hashes of all; nothing if they are not as committed.
    fn keep(&mut self, stretch: &mut Stretch) -> Option<(BTreeSet<u64>, BTreeMap<u64, Digest>)> {
        let class = stretch.class;
        let found = self.found.iter().filter(|(_, body)| body.class == class).map(|(id, _)| *id).collect();
        let (mut kept, mut hashes) = (BTreeSet::new(), BTreeMap::new());
        for members in stretch.batches()? {
            hashes.insert(members.number, members.hash);
            if members.holds_any(&found) {
                kept.insert(members.number);
                let lacking = self.lacking.entry(class).or_default();
                for (id, _) in members.opened {
                    lacking.remove(id);
                }
                self.batches.push(Kept::of(&members));
            }
        }
        Some((kept, hashes))
    }

    fn part(&mut self, part: &Part, notes: &Notes) {
        let may_hold = part.rows > 0 && self.wanted.range(part.ids.0..=part.ids.1).next().is_some();
        let may_prove = self.lacking.get(&part.class).is_some_and(|lacking| !lacking.is_empty());
        if !may_hold && !may_prove {
            return;
        }
        let signed = notes.get(&(part.file.clone(), part.digest.clone())).copied();
        let Some(statement) = signed else {
            self.passed_over.insert(part.file.clone(), "no statement of the journal signs it".to_owned());
            return;
        };
        let before = self.batches.len();
        self.of_segment.clear();
        if let Err(error) = self.segment(part, statement) {
            self.passed_over.insert(part.file.clone(), error.to_string());
            // What it holds is not proven by it, so none of it is kept.
            self.batches.truncate(before);
            for id in std::mem::take(&mut self.of_segment) {
                self.found.remove(&id);
                self.lacking.entry(part.class).or_default().remove(&id);
            }
        }
    }

    fn segment(&mut self, part: &Part, statement: u64) -> Result<(), SegmentError> {
        let source = Source::open(&self.folder.sealed().join(&part.file), &part.digest)?;
        let bodies = sealed::bodies(&source, &self.wanted)?;
        self.of_segment = bodies.iter().map(|(id, _)| *id).collect();
        let lacking = self.lacking.get(&part.class);
        let proves = |id: &RecordId| lacking.is_some_and(|lacking| lacking.contains(id));
        if bodies.is_empty() && !source.segment.gaps()?.iter().any(|gap| gap.opened.is_some() && proves(&gap.id)) {
            return Ok(());
        }
        let mut stretch = sealed::stretch(&source)?;
        for (id, body) in bodies {
            self.lacking.entry(body.class).or_default().insert(id);
            self.found.insert(id, body);
        }
        let altered = SegmentError::Damaged("its records are not those that were sealed");
        let Some((kept, hashes)) = self.keep(&mut stretch) else { return Err(altered) };
        let twigs = tree(&source, &kept, &hashes).ok_or(altered)?;
        self.trees.push(Tree { statement, file: part.file.clone(), twigs });
        self.statements.insert(statement);
        Ok(())
    }

    /// What leads from the batches that are not sealed to checkpoints.
    fn chains(&mut self, moment: &Moment, reader: &Reader) -> Result<(), PackError> {
        let Some(newest) = &moment.checkpoint else { return Ok(()) };
        let mut known: Vec<_> = reader.about(Topic::Checkpoint, 0)?.iter().filter_map(|statement| Checkpoint::of(statement, None)).collect();
        known.push(newest.clone());
        for (_, class) in Class::NAMES {
            if let Some(tape) = moment.tape(class, moment.heads().of(class).number).map_err(LogError::from)? {
                self.chain(class, &tape, &known);
            }
        }
        Ok(())
    }

    /// Each batch is led to the earliest checkpoint that knows it, since that was signed soonest.
    fn chain(&mut self, class: Class, tape: &Tape, known: &[Checkpoint]) {
        let of_class = |checkpoint: &Checkpoint| checkpoint.heads().find(|(of, _)| *of == class).map(|(_, head)| (checkpoint.number, head));
        let heads: Vec<(u64, Head)> = known.iter().filter_map(of_class).filter(|(_, head)| tape.leads_to(head)).collect();
        // By statement and the batch it ends with: the first batch that is led to it.
        let mut firsts: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for batch in self.batches.iter().filter(|batch| batch.class == class && tape.holds(batch.number)) {
            if let Some((statement, head)) = heads.iter().find(|(_, head)| head.number >= batch.number) {
                let first = firsts.entry((*statement, head.number)).or_insert(batch.number);
                *first = batch.number.min(*first);
            }
        }
        for ((statement, last), first) in firsts {
            let Some((before, hashes)) = tape.between(first, last) else { continue };
            let hashes = hashes.into_iter().map(Hash).collect();
            self.chains.push(Chain { statement, class, before: (before.number, Hash(before.link)), hashes });
            self.statements.insert(statement);
        }
    }

    fn finish(mut self, reader: &Reader, look: u64) -> Result<Gathered, PackError> {
        if let Some(gone) = self.wanted.iter().find(|id| !self.found.contains_key(id))
            && self.passed_over.is_empty()
        {
            return Err(PackError::Gone(*gone));
        }
        self.batches.sort_unstable_by_key(|batch| (batch.class, batch.number));
        let places: HashMap<RecordId, usize> = self.found.keys().copied().zip(0..).collect();
        let leaf = |(id, leaf): &(RecordId, Digest)| places.get(id).map_or(Leaf::Other(Hash(*leaf)), |place| Leaf::Own(*place));
        let batch = |kept: &Kept| Batch {
            class: kept.class,
            number: kept.number,
            hash: Hash(kept.hash),
            opened: kept.opened.iter().map(leaf).collect(),
            closed: kept.closed.iter().map(leaf).collect(),
        };
        self.statements.insert(look);
        let mut proofs = Proofs {
            batches: self.batches.iter().map(batch).collect(),
            trees: self.trees,
            chains: self.chains,
            statements: statements(reader, self.statements)?,
            ..Proofs::default()
        };
        let mut shared: HashMap<Vec<u8>, usize> = HashMap::new();
        for (id, Body { class, who, judgement, opened, closed }) in self.found {
            let mut place = |bytes: Vec<u8>| {
                let next = shared.len();
                *shared.entry(bytes).or_insert_with_key(|bytes| {
                    proofs.shared.push(Bytes(bytes.clone()));
                    next
                })
            };
            let (who, judgement) = (place(who), place(judgement));
            proofs.records.push(Record { id, class, who, judgement, opened: Bytes(opened), closed: closed.map(Bytes) });
        }
        Ok(Gathered { proofs, passed_over: self.passed_over })
    }
}

/// What of a segment's tree holds none of the batches that are kept; nothing if the tree does not lead to its root.
fn tree(source: &Source, kept: &BTreeSet<u64>, hashes: &BTreeMap<u64, Digest>) -> Option<Vec<(usize, usize, Hash)>> {
    let (before, count) = (source.segment.directory.before.number, source.segment.directory.batches_sealed());
    let mut twigs = source.segment.twigs().ok()?;
    twigs.sort_unstable_by_key(|twig| twig.first);
    let tree = twigs::Tree { count, twigs: &twigs, batch: &|place| hashes.get(&(before + 1 + place as u64)).copied() };
    if tree.root() != Some(source.segment.directory.root) {
        return None;
    }
    let places: Vec<_> = kept.iter().filter_map(|number| usize::try_from(number - before - 1).ok()).collect();
    Some(tree.pruned_to(&places)?.into_iter().map(|twig| (twig.first, twig.count, Hash(twig.hash))).collect())
}

/// These statements, and those that name the keys they are signed with.
fn statements(reader: &Reader, mut numbers: BTreeSet<u64>) -> Result<Vec<Signed>, PackError> {
    let keys: BTreeSet<u64> = reader.about(Topic::Key, 0)?.iter().map(|statement| statement.number).collect();
    let in_force: Vec<u64> = numbers.iter().filter_map(|number| keys.range(..=*number).next_back().copied()).chain(keys.last().copied()).collect();
    numbers.extend(in_force);
    let find = |number: u64| Signed::find(reader, number)?.ok_or(PackError::NoStatement(number));
    numbers.into_iter().map(find).collect()
}
