//! Segments written anew without some of their records.
//!
//! ```text
//! old file ─▶ rows that stay, what remains of the others ─▶ new file ─▶ one transaction of the journal: a signed statement,
//!                                                                        the old one out, the new one in ─▶ old file removed
//! ```
//!
//! Dictionaries and words are made of the rows that stay, so nothing else of the others is in the new file. Its place in the chain (the links before
//! and after, the root) is that of the old one. Whatever happens in between, either file is in force and the chain holds; what was left lying is
//! removed by the next who rewrites ([`tidy`]).
//!
//! A leaf is a hash of a whole record. It tells nothing by itself; but somebody who guesses every field of an erased record can see that the guess was
//! right.

mod remains;
mod source;
#[cfg(test)]
pub(super) mod tests;

pub(super) use remains::{Remains, proven};
pub(super) use source::{Leaves, Record, Source};

use super::folder::Folder;
use super::journal::{self, Journal, JournalError, Merged, Reader, Sealed, SegmentNote, Statement, Topic};
use super::record::RecordId;
use super::seal;
use super::segment::dictionary::{Dictionaries, reversed};
use super::segment::gather::Places;
use super::segment::write::Chained;
use super::segment::{Line, SegmentError, SegmentWriter, native_from};
use crate::files;
use jiff::Timestamp;
use remains::{Fate, Member};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

/// Why a segment is not written anew.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// What it holds is not what was sealed.
    #[error("its records are not those that were sealed; run: usher log verify")]
    Altered,
    /// The new file cannot be written.
    #[error("it cannot be written anew: {0}")]
    Io(#[from] io::Error),
    /// The journal says no.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Another program rewrites the log.
    #[error("another program is purging, erasing or merging records; try again when it has finished")]
    Busy,
}

/// A segment that is no more, and what is there in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The segment that was.
    pub old: SegmentNote,
    /// What there is in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<SegmentNote>,
}

/// What every statement about purges and erasures holds among other things.
#[derive(Deserialize)]
pub(super) struct HasParts {
    #[serde(default)]
    pub(super) parts: Vec<Replaced>,
}

/// How long somebody who wants to rewrite the log waits for another who does: as long as it takes to merge a day on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// Takes the lock of those who rewrite the log: one at a time.
pub(super) fn lock(folder: &Folder) -> Result<File, RewriteError> {
    lock_within(PATIENCE, folder)
}

fn lock_within(patience: Duration, folder: &Folder) -> Result<File, RewriteError> {
    folder.make()?;
    let path = folder.path().join("rewrite.lock");
    files::private_file(&path)?;
    let (file, began) = (File::open(path)?, Instant::now());
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < patience => std::thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => return Err(RewriteError::Busy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Every segment there ever was, by file, as it was signed.
pub(super) fn notes(reader: &Reader) -> Result<HashMap<String, SegmentNote>, JournalError> {
    let mut notes: Vec<SegmentNote> = Vec::new();
    notes.extend(reader.about(Topic::Sealed, 0)?.iter().filter_map(Statement::read::<Sealed>).flat_map(|sealed| sealed.segments));
    notes.extend(reader.about(Topic::Merged, 0)?.iter().filter_map(Statement::read::<Merged>).map(|merged| merged.into));
    notes.extend(replaced(reader)?.into_iter().filter_map(|replaced| replaced.new));
    Ok(notes.into_iter().map(|note| (note.file.clone(), note)).collect())
}

fn replaced(reader: &Reader) -> Result<Vec<Replaced>, JournalError> {
    let mut all = Vec::new();
    for topic in [Topic::Purged, Topic::Erased] {
        all.extend(reader.about(topic, 0)?.iter().filter_map(Statement::read::<HasParts>).flat_map(|body| body.parts));
    }
    Ok(all)
}

/// The files that are partly purged: what is left of the rest is twigs.
pub(super) fn pruned(reader: &Reader) -> Result<HashSet<String>, JournalError> {
    let mut pruned = HashSet::new();
    for purged in reader.about(Topic::Purged, 0)?.iter().filter_map(Statement::read::<HasParts>).flat_map(|body| body.parts) {
        pruned.extend(purged.new.map(|new| new.file));
    }
    for erased in reader.about(Topic::Erased, 0)?.iter().filter_map(Statement::read::<HasParts>).flat_map(|body| body.parts) {
        if pruned.contains(&erased.old.file) {
            pruned.extend(erased.new.map(|new| new.file));
        }
    }
    Ok(pruned)
}

/// Removes what an end in the middle or a merge has left: files that a statement says are gone, and new ones that no statement speaks of. Only for who
/// holds the [`lock`].
pub(super) fn tidy(folder: &Folder, reader: &Reader) -> Result<(), RewriteError> {
    let mut gone: HashSet<String> = replaced(reader)?.into_iter().map(|replaced| replaced.old.file).collect();
    gone.extend(reader.about(Topic::Merged, 0)?.iter().filter_map(Statement::read::<Merged>).flat_map(|merged| merged.from));
    let there: HashSet<String> = reader.parts()?.into_iter().map(|part| part.file).collect();
    for entry in fs::read_dir(folder.sealed())? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if !there.contains(name) && (gone.contains(name) || Name::of(name).is_some_and(|name| name.is_of_rewriting())) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// What the name of a segment's file says: `<class>-<first live>-<last live>.seg`, and how often it was written anew.
#[derive(Debug, PartialEq, Eq)]
struct Name<'n> {
    class: &'n str,
    lives: (u64, u64),
    times: u64,
}

impl<'n> Name<'n> {
    fn of(file: &'n str) -> Option<Self> {
        let stem = file.strip_suffix(".seg").or_else(|| file.strip_suffix(".new"))?;
        let mut parts = stem.split('-');
        let class = parts.next()?;
        let mut number = || parts.next().map(str::parse);
        let (first, last, times) = (number()?.ok()?, number()?.ok()?, number().unwrap_or(Ok(0)).ok()?);
        parts.next().is_none().then_some(Self { class, lives: (first, last), times })
    }

    /// Whether it was made by merging or rewriting, not by the sealer.
    fn is_of_rewriting(&self) -> bool {
        self.times > 0 || self.lives.0 != self.lives.1
    }
}

/// Whether a file may be what one of these was being written anew as, or neighbours among them merged into.
pub(super) fn may_come_of<'n>(file: &str, mut present: impl Iterator<Item = &'n SegmentNote> + Clone) -> bool {
    let Some(Name { class, lives: (first, last), times }) = Name::of(file) else { return false };
    let mut ends = present.clone().filter(|one| one.class == class);
    let merged = times == 0 && first < last && ends.clone().any(|one| one.lives.0 == first) && ends.any(|one| one.lives.1 == last);
    merged || present.any(|one| next_name(&one.file) == file)
}

/// The name of what a segment is written anew as.
fn next_name(old: &str) -> String {
    match Name::of(old) {
        Some(Name { class, lives: (first, last), times }) => format!("{class}-{first:08}-{last:08}-{}.seg", times + 1),
        None => format!("{old}-1.seg"),
    }
}

/// What was made of a segment.
pub(super) struct Rewritten {
    pub(super) note: SegmentNote,
    pub(super) left_out: u64,
}

/// What is to stay of a segment.
pub(super) struct Stays<'a> {
    /// Whether a row stays.
    pub(super) row: &'a dyn Fn(&Record<'_>) -> Result<bool, SegmentError>,
    /// Whether a record that is in another segment is proven here.
    pub(super) proof: &'a dyn Fn(RecordId) -> bool,
    /// What remains of the rest.
    pub(super) remains: Remains,
}

/// Writes a segment anew beside the old one. Nothing is stated or removed. Nothing is written if nothing would stay, or nothing go.
pub(super) fn rewrite(folder: &Folder, source: &Source, old: &str, stays: &Stays<'_>) -> Result<Option<Rewritten>, RewriteError> {
    let native_from = native_from(&source.segment.batches()?);
    let mut members = remains::gaps(source, stays.proof)?;
    let (mut used, mut rows, mut left_out) = (Used::of(source), Vec::new(), 0);
    source.each(|record| {
        let fate = if (stays.row)(record)? { Fate::Stays } else { Fate::Goes };
        rows.push(fate);
        match fate {
            Fate::Stays | Fate::Proves => used.note(&record.line),
            Fate::Goes => left_out += 1,
        }
        if fate == Fate::Goes || stays.remains == Remains::Twigs {
            members.push(Member::of(&record.leaves()?, native_from, fate));
        }
        Ok(())
    })?;
    let any_proof = rows.contains(&Fate::Stays) || members.iter().any(|member| member.fate == Fate::Proves);
    let (chained, worth) = match stays.remains {
        Remains::Leaves => (remains::with_leaves(source, &members)?, left_out > 0),
        Remains::Twigs if !any_proof => return Ok(None),
        Remains::Twigs => (remains::with_twigs(source, members)?, left_out > 0),
    };
    if !worth {
        return Ok(None);
    }
    let note = write(folder, source, &next_name(old), &rows, used, &chained)?;
    Ok(Some(Rewritten { note, left_out }))
}

fn write(folder: &Folder, source: &Source, name: &str, rows: &[Fate], used: Used, chained: &Chained) -> Result<SegmentNote, RewriteError> {
    let directory = &source.segment.directory;
    let (dictionaries, places) = used.kept(source);
    let note = seal::written(folder, name.to_owned(), |out| {
        let mut segment = SegmentWriter::new(out, &dictionaries)?;
        let mut fates = rows.iter();
        let mut failed = Ok(());
        source
            .each(|record| {
                if fates.next() == Some(&Fate::Stays) && failed.is_ok() {
                    failed = segment.push(&places.of(record.line));
                }
                Ok(())
            })
            .map_err(io::Error::other)?;
        failed?;
        segment.finish(directory.class, directory.lives, chained)
    })?;
    Ok(note)
}

/// What becomes of segments that are no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Old {
    /// Their files are removed at once: somebody is to read no more of what was in them.
    Removed,
    /// Their files lie there until somebody rewrites again ([`tidy`]): whoever reads them now can finish.
    LeftLying,
}

/// A change of which segments there are.
pub(super) struct Change<'a> {
    /// The files that are out of force.
    pub(super) out: Vec<&'a str>,
    /// The segments in force in their place.
    pub(super) into: Vec<&'a SegmentNote>,
    pub(super) old: Old,
}

impl<'a> Change<'a> {
    /// Segments replaced one by one.
    pub(super) fn of(parts: &'a [Replaced]) -> Self {
        let out = parts.iter().map(|part| part.old.file.as_str()).collect();
        Self { out, into: parts.iter().filter_map(|part| part.new.as_ref()).collect(), old: Old::Removed }
    }
}

/// States that segments were replaced, and then removes their files. If it cannot be stated, the old ones stay.
pub(super) fn put_in_place(
    folder: &Folder,
    journal: &mut Journal,
    at: Timestamp,
    topic: Topic,
    body: &impl Serialize,
    change: &Change<'_>,
) -> Result<u64, RewriteError> {
    let stated = journal.state_and(at, topic, body, |transaction| {
        change.out.iter().try_for_each(|file| journal::remove_segment(transaction, file))?;
        change.into.iter().try_for_each(|new| journal::add_segment(transaction, new))
    });
    let useless = match (&stated, change.old) {
        (Ok(_), Old::Removed) => change.out.clone(),
        (Ok(_), Old::LeftLying) => Vec::new(),
        (Err(_), _) => change.into.iter().map(|new| new.file.as_str()).collect(),
    };
    for file in useless {
        match fs::remove_file(folder.sealed().join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    File::open(folder.sealed())?.sync_all()?;
    Ok(stated?)
}

/// Which entries of a segment's dictionaries rows that stay use.
struct Used {
    whos: Vec<bool>,
    judgements: Vec<bool>,
    shapes: Vec<bool>,
    texts: Vec<bool>,
    hosts: Vec<bool>,
}

fn mark(set: &mut [bool], number: u32) {
    if let Some(used) = set.get_mut(number as usize) {
        *used = true;
    }
}

impl Used {
    fn of(source: &Source) -> Self {
        let none = |count| vec![false; count];
        Self {
            whos: none(source.whos.len()),
            judgements: none(source.judgements.len()),
            shapes: none(source.shapes.len()),
            texts: none(source.texts.len()),
            hosts: none(source.hosts.len()),
        }
    }

    fn note(&mut self, line: &Line<'_>) {
        mark(&mut self.whos, line.who);
        mark(&mut self.judgements, line.judgement);
        mark(&mut self.shapes, line.shape);
        for host in [Some(line.host), line.referrer].into_iter().flatten() {
            mark(&mut self.hosts, host);
        }
        for text in line.ending.iter().flat_map(|ending| [ending.upstream, ending.note]).flatten() {
            mark(&mut self.texts, text);
        }
    }

    /// The dictionaries of what is used, sorted as they were, and where each entry now is.
    fn kept(self, source: &Source) -> (Dictionaries, Places) {
        let dictionaries = Dictionaries {
            whos: only(&source.whos, &self.whos),
            judgements: only(&source.judgements, &self.judgements),
            shapes: only(&source.shapes, &self.shapes),
            texts: only(&source.texts, &self.texts),
            hosts: only(&source.hosts, &self.hosts).iter().map(|host| reversed(host)).collect(),
        };
        let [whos, judgements, shapes, texts, hosts] = [self.whos, self.judgements, self.shapes, self.texts, self.hosts].map(|used| numbered(&used));
        (dictionaries, Places { whos, judgements, shapes, texts, hosts })
    }
}

fn only<T: Clone>(all: &[T], used: &[bool]) -> Vec<T> {
    all.iter().zip(used).filter(|(_, used)| **used).map(|(one, _)| one.clone()).collect()
}

fn numbered(used: &[bool]) -> Vec<u32> {
    used.iter()
        .scan(0, |next, used| {
            let number = *next;
            *next += u32::from(*used);
            Some(number)
        })
        .collect()
}
