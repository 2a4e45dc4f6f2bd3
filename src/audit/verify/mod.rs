//! Whether the log is as it was written: which records, if any, were altered, removed or inserted.
//!
//! | what is looked at | against what |
//! | --- | --- |
//! | every statement of the journal | its link, its signature, its number |
//! | which segments there are | what the statements say was sealed, merged, purged, erased |
//! | every segment's bytes | the hashes in its directory, and that against the signed digest |
//! | every record | the hash of its leaves, its batch, the chain of its class, the signed root |
//! | the live files | their marks, batches and links, from where the last seal ended |
//! | checkpoints kept elsewhere | the journal and the chains |
//!
//! What was purged or erased cannot be looked at any more; the signed notes say what it was, and the chain is followed across it. What an end in the
//! middle of a seal or of a purge left lying is no problem: nothing reads it, and whoever does the work again removes it.
//!
//! One segment is in memory at a time. What is found while the log is sealed, purged or erased beside it may come of that: then all is looked at again.

mod batches;
mod journal;
mod live;
mod problem;
mod segment;

pub use problem::{Problem, Report};

use super::chain::{Head, Heads};
use super::checkpoint::Checkpoint;
use super::entry::Digest;
use super::folder::Folder;
use super::journal::{Part, Reader, SegmentNote, Topic};
use super::key::{PublicKey, hex, to_hex};
use super::query::LogError;
use super::record::{Class, RecordId};
use super::rewrite;
use super::rewrite::may_come_of;
use journal::History;
use std::collections::{BTreeMap, HashMap};

/// What the log is held against besides itself.
#[derive(Debug, Default)]
pub struct Against {
    /// The key that is known to sign it.
    pub key: Option<PublicKey>,
    /// Checkpoints that were kept elsewhere.
    pub checkpoints: Vec<Checkpoint>,
}

/// How far it has come: done, of all, in bytes.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// How often all is looked at, at most, while the log changes beside it.
const LOOKS: usize = 4;

/// Looks at everything.
pub fn verify(folder: &Folder, against: &Against, progress: Progress<'_>) -> Result<Report, LogError> {
    if !folder.exists() {
        return Err(LogError::None(folder.path().to_owned()));
    }
    let reader = Reader::open(folder)?;
    for _ in 1..LOOKS {
        let before = newest_change(&reader)?;
        let report = look(folder, &reader, against, progress)?;
        if report.problems.is_empty() || newest_change(&reader)? == before {
            return Ok(report);
        }
    }
    // The last time nobody writes it anew meanwhile, if it can be had that nobody does.
    let _held = rewrite::lock(folder).ok();
    look(folder, &reader, against, progress)
}

/// The number of the last statement that says that segments came or went.
fn newest_change(reader: &Reader) -> Result<Option<u64>, LogError> {
    let mut newest = None;
    for topic in [Topic::Sealed, Topic::Merged, Topic::Purged, Topic::Erased] {
        newest = newest.max(reader.newest(topic, 1)?.first().map(|statement| statement.number));
    }
    Ok(newest)
}

fn look(folder: &Folder, reader: &Reader, against: &Against, progress: Progress<'_>) -> Result<Report, LogError> {
    let history = History::read(reader, against)?;
    let mut verifier = Verifier {
        folder,
        report: Report::default(),
        links: Links::of(against, &history),
        carried: HashMap::new(),
        open: HashMap::new(),
        open_before: HashMap::new(),
    };
    verifier.report.problems.extend(history.problems.iter().cloned());
    verifier.report.statements = history.statements;
    verifier.report.key = history.key.map(|key| key.to_string());
    verifier.parts(&history, &reader.parts()?);
    let heads = verifier.segments(&history, progress)?;
    verifier.live(history.last_sealed, heads)?;
    verifier.after_all(&history);
    Ok(verifier.report)
}

/// Links that somebody else holds: they must be in the chains.
struct Links {
    wanted: BTreeMap<(Class, u64), Vec<(Digest, String)>>,
}

impl Links {
    fn of(against: &Against, history: &History) -> Self {
        let mut wanted: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for checkpoint in against.checkpoints.iter().chain(&history.checkpoints) {
            for (class, head) in checkpoint.heads() {
                wanted.entry((class, head.number)).or_default().push((head.link, checkpoint.name()));
            }
        }
        Self { wanted }
    }

    /// Looks at a link of a chain; returns the names of checkpoints it differs from.
    fn meet(&mut self, class: Class, head: &Head) -> Vec<String> {
        let Some(held) = self.wanted.remove(&(class, head.number)) else { return Vec::new() };
        held.into_iter().filter(|(link, _)| *link != head.link).map(|(_, name)| name).collect()
    }
}

struct Verifier<'f> {
    folder: &'f Folder,
    report: Report,
    links: Links,
    /// The leaves of records that were open when their segment was sealed; each must be found in a later one.
    carried: HashMap<RecordId, Digest>,
    /// The leaves of records that are open at the end of a live file, and of the one before it; each may be found in the next.
    open: HashMap<RecordId, Digest>,
    open_before: HashMap<RecordId, Digest>,
}

impl Verifier<'_> {
    fn found(&mut self, problem: Problem) {
        self.report.problems.push(problem);
    }

    /// Whether the table of segments and the folder hold what the statements say.
    fn parts(&mut self, history: &History, parts: &[Part]) {
        for note in history.present.values() {
            if !parts.iter().any(|part| part.file == note.file && part.digest == note.digest) {
                self.found(Problem::TableAltered { file: note.file.clone() });
            }
        }
        for part in parts.iter().filter(|part| !history.present.contains_key(&part.file)) {
            self.found(Problem::Spliced { file: part.file.clone() });
        }
        let Ok(entries) = std::fs::read_dir(self.folder.sealed()) else { return };
        for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
            let is_known = history.present.contains_key(&name) || history.gone.contains(&name) || parts.iter().any(|part| part.file == name);
            if name.ends_with(".seg") && !is_known && !self.is_left(&name, history) {
                self.found(Problem::Spliced { file: name });
            }
        }
    }

    /// Whether a file that no statement names is what an end in the middle has left: a segment of a live file that is there still, or what those that
    /// are in force were to be replaced by.
    fn is_left(&self, name: &str, history: &History) -> bool {
        let lives = self.folder.lives().unwrap_or_default();
        let unsealed = lives.into_iter().filter(|number| *number > history.last_sealed);
        let mut seals = unsealed.flat_map(|number| Class::NAMES.map(|(_, class)| Folder::segment_name(class, (number, number))));
        seals.any(|seal| seal == name) || may_come_of(name, history.present.values())
    }

    /// Looks at every segment that should be there. Returns the heads where the last seal ended.
    fn segments(&mut self, history: &History, progress: Progress<'_>) -> Result<Heads, LogError> {
        let total = history.present.values().map(|note| note.bytes).sum();
        let (mut done, mut heads) = (0, Heads::default());
        for note in &history.in_order {
            let Some(class) = class_of(note) else { continue };
            self.continues(class, heads.of(class), note);
            if let Some(head) = head_of(&note.after) {
                heads.set(class, head);
            }
        }
        let mut present: Vec<_> = history.present.values().collect();
        present.sort_by_key(|note| (note.lives.0, note.class.clone()));
        for note in present {
            progress(done, total);
            if let Some(class) = class_of(note) {
                self.segment(class, note, history.is_gone_before(class, note.lives.0));
            }
            done += note.bytes;
        }
        progress(total, total);
        Ok(heads)
    }

    /// Whether a segment goes on where the one before ended.
    fn continues(&mut self, class: Class, head: Head, note: &SegmentNote) {
        if head_of(&note.before) != Some(head) {
            self.found(Problem::ChainBroken { class, file: note.file.clone(), batch: note.before.0 });
        }
    }

    /// What only shows when everything was looked at.
    fn after_all(&mut self, history: &History) {
        let mut lost: Vec<_> = self.carried.drain().map(|(id, _)| id).collect();
        lost.sort_unstable();
        lost.retain(|id| !history.covers_gone(*id));
        self.report.problems.extend(lost.into_iter().map(|id| Problem::Removed { class: None, id: Some(id), count: 1, between: None }));
        let unmet = std::mem::take(&mut self.links.wanted);
        for ((class, number), held) in unmet {
            if history.is_gone(class, number) {
                self.report.unseen += 1;
                continue;
            }
            for (_, checkpoint) in held {
                self.found(Problem::CutOff { class, checkpoint, batch: number });
            }
        }
    }
}

fn class_of(note: &SegmentNote) -> Option<Class> {
    Class::NAMES.into_iter().find(|(name, _)| *name == note.class).map(|(_, class)| class)
}

fn head_of((number, link): &(u64, String)) -> Option<Head> {
    Some(Head { number: *number, link: hex(link)? })
}

fn is(text: &str, digest: &Digest) -> bool {
    text == to_hex(digest)
}

#[cfg(test)]
mod tests;
