//! The journal, followed from its first statement: what it says there should be.

use super::{Against, Problem, class_of};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::erasure;
use crate::audit::incident::Act;
use crate::audit::journal::{BEFORE_ALL, JournalError, KeyBody, Merged, Reader, Sealed, SegmentNote, Statement, Topic};
use crate::audit::key::PublicKey;
use crate::audit::record::{Class, RecordId};
use crate::audit::rewrite::HasParts;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// How many statements are read at a time.
const STEP: u32 = 1000;

/// What the statements say.
#[derive(Default)]
pub(super) struct History {
    pub(super) problems: Vec<Problem>,
    pub(super) statements: u64,
    pub(super) key: Option<PublicKey>,
    /// The segments that should be there, by their file.
    pub(super) present: BTreeMap<String, SegmentNote>,
    /// Files that were there and are rightly gone.
    pub(super) gone: BTreeSet<String>,
    /// Every segment as it was first sealed, in the order of the seals: the whole chain.
    pub(super) in_order: Vec<SegmentNote>,
    pub(super) last_sealed: u64,
    pub(super) checkpoints: Vec<Checkpoint>,
    /// What was purged: class and batches.
    purged: Vec<SegmentNote>,
    /// Segments that were purged but for what is held, as they were.
    thinned: Vec<SegmentNote>,
    /// Between which records some were purged or erased.
    left_out: Vec<(u64, u64)>,
    /// Statements that rightly say nothing any more.
    emptied: HashSet<u64>,
    /// What was stated once only, as the statements say it.
    once: BTreeMap<String, u64>,
    /// Statements on alerts of a later version: what their keys are it knows.
    unknown: HashSet<u64>,
}

impl History {
    pub(super) fn read(reader: &Reader, against: &Against) -> Result<Self, JournalError> {
        let (mut history, mut before, mut number) = (Self { emptied: erasure::emptied(reader)?, ..Self::default() }, BEFORE_ALL.to_vec(), 0);
        let mut links = BTreeMap::new();
        loop {
            let statements = reader.after(number, STEP)?;
            for statement in &statements {
                history.statement(statement, &before, number);
                (before, number) = (statement.link.clone(), statement.number);
                if against.checkpoints.iter().any(|checkpoint| checkpoint.number == number) {
                    links.insert(number, statement.link.clone());
                }
            }
            if statements.len() < STEP as usize {
                break;
            }
        }
        history.hold_keys(&reader.keys()?, number);
        history.hold_against(against, &links);
        Ok(history)
    }

    fn statement(&mut self, statement: &Statement, before: &[u8], last: u64) {
        self.statements += 1;
        if statement.number != last + 1 {
            self.problems.push(Problem::StatementsMissing { after: last, before: statement.number });
        } else if statement.link != statement.link_after(before) && !(statement.body.is_empty() && self.emptied.contains(&statement.number)) {
            self.problems.push(Problem::StatementAltered { number: statement.number });
        }
        let topic = Topic::NAMES.iter().find(|(name, _)| *name == statement.kind).map(|(_, topic)| *topic);
        if topic == Some(Topic::Key) {
            self.key = statement.read::<KeyBody>().and_then(|body| PublicKey::parse(&body.public));
        }
        if self.key.is_none_or(|key| !key.signed(&statement.link, &statement.signature)) {
            self.problems.push(Problem::SignatureWrong { number: statement.number });
        }
        match topic {
            Some(Topic::Sealed) => self.sealed(statement),
            Some(Topic::Merged) => self.merged(statement),
            Some(Topic::Purged | Topic::Erased) => self.replaced(statement),
            Some(Topic::Checkpoint) => self.checkpoints.extend(Checkpoint::of(statement, self.key)),
            Some(Topic::Alert) => self.alert(statement),
            Some(Topic::Key | Topic::Event | Topic::Held | Topic::Released | Topic::Looked | Topic::Packed) | None => {}
        }
    }

    fn alert(&mut self, statement: &Statement) {
        match statement.read::<Act>() {
            _ if statement.body.is_empty() => {}
            Some(act) => drop(act.key().map(|key| self.once.insert(key, statement.number))),
            None => drop(self.unknown.insert(statement.number)),
        }
    }

    /// Holds the table of what was stated once only to the statements: who adds to it silences an alert, who takes out of it has it told twice.
    fn hold_keys(&mut self, keys: &BTreeMap<String, u64>, last: u64) {
        let missing = self.once.iter().filter(|(key, number)| keys.get(*key) != Some(number)).map(|(_, number)| *number);
        let added = keys.iter().filter(|(key, number)| **number <= last && !self.unknown.contains(number) && self.once.get(*key) != Some(number));
        let numbers: BTreeSet<u64> = missing.chain(added.map(|(_, number)| *number)).collect();
        self.problems.extend(numbers.into_iter().map(|number| Problem::KeysAltered { number }));
    }

    fn sealed(&mut self, statement: &Statement) {
        let Some(sealed) = statement.read::<Sealed>() else {
            self.problems.push(Problem::StatementAltered { number: statement.number });
            return;
        };
        self.last_sealed = self.last_sealed.max(sealed.live);
        for note in sealed.segments {
            self.in_order.push(note.clone());
            self.present.insert(note.file.clone(), note);
        }
    }

    fn merged(&mut self, statement: &Statement) {
        let Some(Merged { from, into }) = statement.read::<Merged>() else {
            self.problems.push(Problem::StatementAltered { number: statement.number });
            return;
        };
        let old: Vec<_> = from.iter().filter_map(|file| self.present.remove(file)).collect();
        let ends = (old.first().map(|note| &note.before), old.last().map(|note| &note.after));
        if ends != (Some(&into.before), Some(&into.after)) || old.iter().map(|note| note.rows).sum::<u64>() != into.rows {
            self.problems.push(Problem::Replaced { file: into.file.clone() });
        }
        self.gone.extend(from);
        self.present.insert(into.file.clone(), into);
    }

    fn replaced(&mut self, statement: &Statement) {
        for part in statement.read::<HasParts>().map(|body| body.parts).unwrap_or_default() {
            self.present.remove(&part.old.file);
            self.gone.insert(part.old.file.clone());
            self.left_out.push(part.old.ids);
            let Some(new) = part.new else {
                self.purged.push(part.old);
                continue;
            };
            self.present.insert(new.file.clone(), new);
            if statement.kind == Topic::Purged.as_str() {
                self.thinned.push(part.old);
            }
        }
    }

    fn hold_against(&mut self, against: &Against, links: &BTreeMap<u64, Vec<u8>>) {
        if let (Some(known), Some(key)) = (against.key, self.key)
            && known != key
        {
            self.problems.push(Problem::KeyWrong { found: key.to_string() });
        }
        for checkpoint in &against.checkpoints {
            if links.get(&checkpoint.number).is_none_or(|link| *link != checkpoint.link) {
                self.problems.push(Problem::NotAsCheckpoint { checkpoint: checkpoint.name(), what: format!("statement {} of the journal", checkpoint.number) });
            }
        }
    }

    /// Whether a batch lies in what was purged.
    pub(super) fn is_gone(&self, class: Class, number: u64) -> bool {
        self.purged.iter().any(|note| class_of(note) == Some(class) && (note.before.0..=note.after.0).contains(&number))
    }

    /// Whether what came before a live file is purged, wholly or but for what is held, for records of a class that were carried over from there.
    pub(super) fn is_gone_before(&self, class: Class, live: u64) -> bool {
        self.purged.iter().chain(&self.thinned).any(|note| class_of(note) == Some(class) && note.lives.1 < live)
    }

    /// Whether a record may be among those that were purged or erased.
    pub(super) fn covers_gone(&self, id: RecordId) -> bool {
        self.left_out.iter().any(|(first, last)| (*first..=*last).contains(&id.0))
    }
}
