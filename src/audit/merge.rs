//! The segments of a day made into few: a question then opens a handful of files a day in place of some hundred.
//!
//! ```text
//! segments of one class and day, one after the other in the chain ─▶ each proven against its signed root ─▶ rows merged, person by person
//!     ─▶ one new file, with a root over all their batches ─▶ stated: from these, into this ─▶ the old ones removed by the next who rewrites
//! ```
//!
//! Nothing is added or left out: batches, links and leaves stay as they were committed. A segment that is damaged, altered, or partly purged stays as it
//! is, and those before and after it are merged for themselves. The old files lie there for a while longer, so that whoever is reading them can finish.
//!
//! In memory are the dictionaries of a group and its words, one chunk of each of its segments, the hash of each batch, and, while a segment is proven, some
//! hundred bytes for each of its records.

mod plan;
mod rows;

use super::folder::Folder;
use super::journal::{Journal, JournalError, Merged, Reader, SegmentNote, Topic};
use super::record::{Class, RecordId};
use super::rewrite::{self, Change, Old, RewriteError, Source};
use super::segment::write::Chained;
use super::segment::{Gap, Missing};
use super::{chain, seal, sealer};
use jiff::Timestamp;
use plan::{MOST_ROWS, Plan};
use std::collections::{BTreeMap, HashMap};

/// Why nothing is merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Another program rewrites the log, or files cannot be removed.
    #[error("nothing was merged: {0}")]
    Rewrite(#[from] RewriteError),
    /// The journal says no.
    #[error("nothing more was merged: the log's journal cannot be used: {0}")]
    Journal(#[from] JournalError),
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many segments were merged.
    pub from: usize,
    /// Into how many.
    pub into: usize,
    /// Records in them.
    pub records: u64,
    /// Segments that stay as they are, and why.
    pub kept_back: BTreeMap<String, String>,
}

/// [`merge`], on a thread that gives way to every other: that it takes longer costs nothing, that a request waits does.
pub fn merge_giving_way(folder: &Folder, now: Timestamp) -> Result<Report, MergeError> {
    std::thread::scope(|scope| {
        let merging = scope.spawn(|| {
            sealer::give_way();
            merge(folder, now)
        });
        merging.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Whether so much was sealed today that some of it is to be merged.
pub fn is_due(folder: &Folder, now: Timestamp) -> Result<bool, JournalError> {
    Ok(plan::many_today(&Reader::open(folder)?.parts()?, now))
}

/// Merges what was sealed, as far as it is not merged yet: of the days before today all, of today what is full, or many.
pub fn merge(folder: &Folder, now: Timestamp) -> Result<Report, MergeError> {
    merge_up_to(Most { rows: MOST_ROWS, weight: MOST_WEIGHT }, folder, now)
}

/// How large a merged segment may be.
#[derive(Clone, Copy)]
struct Most {
    rows: u64,
    weight: u64,
}

fn merge_up_to(most: Most, folder: &Folder, now: Timestamp) -> Result<Report, MergeError> {
    let _lock = rewrite::lock(folder)?;
    let mut journal = Journal::open(folder)?;
    rewrite::tidy(folder, journal.reader())?;
    let (parts, notes, pruned) = (journal.reader().parts()?, rewrite::notes(journal.reader())?, rewrite::pruned(journal.reader())?);
    let plan = Plan { parts: &parts, notes: &notes, pruned: &pruned, now, most: most.rows };
    let mut merging = Merging { folder, journal: &mut journal, now, most_weight: most.weight, report: Report::default() };
    for (_, class) in Class::NAMES {
        plan.groups(class).iter().for_each(|group| merging.group(class, group));
    }
    Ok(merging.report)
}

struct Merging<'a> {
    folder: &'a Folder,
    journal: &'a mut Journal,
    now: Timestamp,
    most_weight: u64,
    report: Report,
}

/// The most that dictionaries, words and batches of a group may come to, in bytes: some times as much as those of a million ordinary records. They are in
/// memory, and what is made of them must be small enough to be read again, whatever somebody puts into addresses.
const MOST_WEIGHT: u64 = 64 << 20;

/// Why a group is not merged.
enum NotMerged<'n> {
    /// This segment is at fault.
    Of(&'n str, RewriteError),
    /// No one of them is.
    All(RewriteError),
    /// They are too much for one.
    TooHeavy,
}

impl Merging<'_> {
    /// Merges neighbours; where one cannot be, those before it and those after.
    fn group(&mut self, class: Class, group: &[&SegmentNote]) {
        if group.len() < 2 {
            return;
        }
        match self.merge(class, group) {
            Ok(into) => {
                self.report.from += group.len();
                self.report.into += 1;
                self.report.records += into.rows;
            }
            Err(NotMerged::Of(file, error)) => {
                self.report.kept_back.insert(file.to_owned(), error.to_string());
                group.split(|note| note.file == file).for_each(|left| self.group(class, left));
            }
            Err(NotMerged::All(error)) => self.report.kept_back.extend(group.iter().map(|note| (note.file.clone(), error.to_string()))),
            Err(NotMerged::TooHeavy) => {
                let (first, second) = group.split_at(group.len() / 2);
                self.group(class, first);
                self.group(class, second);
            }
        }
    }

    fn merge<'n>(&mut self, class: Class, group: &[&'n SegmentNote]) -> Result<SegmentNote, NotMerged<'n>> {
        let open = |note: &&'n SegmentNote| {
            let segment = Source::segment(&self.folder.sealed().join(&note.file), &note.digest);
            segment.map_err(|error| NotMerged::Of(&note.file, error.into()))
        };
        let segments = group.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        if segments.iter().map(|segment| segment.directory.weight()).sum::<u64>() > self.most_weight {
            return Err(NotMerged::TooHeavy);
        }
        let read = |(note, segment): (&&'n SegmentNote, _)| Source::of(segment).map_err(|error| NotMerged::Of(&note.file, error.into()));
        let sources = group.iter().zip(segments).map(read).collect::<Result<Vec<_>, _>>()?;
        let (first, last) = (group[0], group[group.len() - 1]);
        let chained = chained(group, &sources)?;
        self.put_in_place(class, (first.lives.0, last.lives.1), group, &sources, &chained).map_err(NotMerged::All)
    }

    fn put_in_place(
        &mut self,
        class: Class,
        lives: (u64, u64),
        group: &[&SegmentNote],
        sources: &[Source],
        chained: &Chained,
    ) -> Result<SegmentNote, RewriteError> {
        let name = Folder::segment_name(class, lives);
        let into = seal::written(self.folder, name, |out| rows::write(out, class, lives, sources, chained))?;
        // What it was made of goes: it must be whole, and prove what they proved.
        let made = Source::open(&self.folder.sealed().join(&into.file), &into.digest)?;
        made.segment.check()?;
        rewrite::proven(&made)?;
        let merged = Merged { from: group.iter().map(|note| note.file.clone()).collect(), into };
        let change = Change { out: merged.from.iter().map(String::as_str).collect(), into: vec![&merged.into], old: Old::LeftLying };
        rewrite::put_in_place(self.folder, self.journal, self.now, Topic::Merged, &merged, &change)?;
        Ok(merged.into)
    }
}

/// The chain of all of a group, each segment proven against what was signed.
fn chained<'n>(group: &[&'n SegmentNote], sources: &[Source]) -> Result<Chained, NotMerged<'n>> {
    let (mut batches, mut hashes, mut gaps, mut carried_in) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
    for (note, source) in group.iter().zip(sources) {
        let mut add = || {
            batches.extend(source.segment.batches()?);
            gaps.extend(source.segment.gaps()?);
            let proven = rewrite::proven(source)?;
            hashes.extend(proven.batches);
            carried_in.extend(proven.carried_in.into_iter().map(|(id, leaf)| (id, (leaf, &note.file))));
            Ok(())
        };
        add().map_err(|error| NotMerged::Of(&note.file, error))?;
    }
    // Where a record was carried to, nothing but the leaf it left behind proves its opening.
    for gap in gaps.iter().filter(|gap: &&Gap| gap.why == Missing::Carried) {
        if let Some((_, file)) = carried_in.get(&gap.id).filter(|(leaf, _)| Some(*leaf) != gap.opened) {
            return Err(NotMerged::Of(file, RewriteError::Altered));
        }
    }
    let (first, last) = (&sources[0].segment.directory, &sources[sources.len() - 1].segment.directory);
    Ok(Chained { before: first.before, after: last.after, root: chain::root(&hashes), batches, gaps: joined(gaps, &carried_in), twigs: Vec::new() })
}

/// The gaps that are left. One whose record was carried over to a later segment of the group is none any more; what is left of a record that was
/// opened in one and closed in another belongs together.
fn joined<T>(gaps: Vec<Gap>, carried_in: &HashMap<RecordId, T>) -> Vec<Gap> {
    let mut left: BTreeMap<RecordId, Gap> = BTreeMap::new();
    for gap in gaps.into_iter().filter(|gap| gap.why != Missing::Carried || !carried_in.contains_key(&gap.id)) {
        left.entry(gap.id)
            .and_modify(|known| {
                known.opened = known.opened.or(gap.opened);
                known.closed = known.closed.or(gap.closed);
                if gap.why == Missing::Erased {
                    known.why = Missing::Erased;
                }
            })
            .or_insert(gap);
    }
    left.into_values().collect()
}

#[cfg(test)]
mod tests;
