//! The segments of a day made into few: a question then opens a handful of files a day in place of some hundred.
//!
//! ```text
//! segments of one class and day, one after the other in the chain ─▶ each proven against its signed root ─▶ rows merged, person by person
//!     ─▶ one new file, with a root over all their batches ─▶ stated: from these, into this ─▶ the old ones removed by the next who rewrites
//! ```
//!
//! Nothing is added or left out: batches, links and leaves stay as they were committed. A segment that is damaged, altered, or partly purged is left as it
//! is and ends a group. The old files lie there for a while longer, so that whoever is reading them can finish.
//!
//! In memory are the dictionaries of a group, one chunk of each of its segments, and the hash of each batch.

use super::folder::Folder;
use super::journal::{Journal, JournalError, Merged, Part, SegmentNote, Topic};
use super::record::{Class, RecordId};
use super::rewrite::{self, Change, Old, RewriteError, Source};
use super::segment::dictionary::persons;
use super::segment::gather::{Gathered, Places};
use super::segment::write::Chained;
use super::segment::{BatchNote, Directory, Gap, Line, Missing, Rows, SegmentError, SegmentWriter};
use super::{chain, entry};
use crate::files;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::io::{self, BufWriter, Write};

/// The most rows of a merged segment: what proving or rewriting one takes in memory grows with them, some hundred megabytes for so many.
const MOST_ROWS: u64 = 1_000_000;
const DAY_MS: u64 = 86_400_000;

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

/// Merges what was sealed of the days before today, as far as it is not merged yet.
pub fn merge(folder: &Folder, now: Timestamp) -> Result<Report, MergeError> {
    merge_up_to(MOST_ROWS, folder, now)
}

fn merge_up_to(most: u64, folder: &Folder, now: Timestamp) -> Result<Report, MergeError> {
    let _lock = rewrite::lock(folder)?;
    let mut journal = Journal::open(folder)?;
    rewrite::tidy(folder, journal.reader())?;
    let (parts, notes) = (journal.reader().parts()?, rewrite::notes(journal.reader())?);
    let today = u64::try_from(now.as_millisecond()).unwrap_or_default() / DAY_MS;
    let mut report = Report::default();
    for (_, class) in Class::NAMES {
        for day in days(&parts, &notes, class).into_iter().filter(|day| day.number < today && day.notes.len() > 1) {
            let sources = open(folder, &day.notes, &mut report);
            for group in groups(sources, most) {
                match merge_group(folder, &mut journal, class, group, now) {
                    Ok(merged) => {
                        report.from += merged.from.len();
                        report.into += 1;
                        report.records += merged.into.rows;
                    }
                    Err(NotMerged { file, error }) => drop(report.kept_back.insert(file, error.to_string())),
                }
            }
        }
    }
    Ok(report)
}

/// The segments of one class and day, in the order of the chain.
struct Day<'n> {
    number: u64,
    notes: Vec<&'n SegmentNote>,
}

/// Puts together what follows on one another and is of one day. A segment without rows is of the day before it.
fn days<'n>(parts: &[Part], notes: &'n HashMap<String, SegmentNote>, class: Class) -> Vec<Day<'n>> {
    let mut in_order: Vec<_> = parts.iter().filter(|part| part.class == class).filter_map(|part| notes.get(&part.file)).collect();
    in_order.sort_unstable_by_key(|note| note.before.0);
    let mut days: Vec<Day<'_>> = Vec::new();
    for note in in_order {
        let number = RecordId(note.ids.1).unix_ms() / DAY_MS;
        let follows = |day: &&mut Day<'_>| day.notes.last().is_some_and(|last| last.after == note.before);
        match days.last_mut().filter(follows) {
            Some(day) if note.rows == 0 || day.number == number => day.notes.push(note),
            Some(_) | None => days.push(Day { number, notes: vec![note] }),
        }
    }
    days
}

/// A segment that is there, open.
struct Opened<'n> {
    note: &'n SegmentNote,
    source: Source,
}

/// Opens the segments of a day; nothing stands for one that cannot be merged.
fn open<'n>(folder: &Folder, notes: &[&'n SegmentNote], report: &mut Report) -> Vec<Option<Opened<'n>>> {
    let mut open_one = |note: &&'n SegmentNote| {
        let opened = Source::open(&folder.sealed().join(&note.file), &note.digest).and_then(|source| Ok((source.segment.twigs()?.is_empty(), source)));
        match opened {
            Ok((true, source)) => Some(Opened { note, source }),
            // Partly purged: what is left of it is small, and will stay so.
            Ok((false, _)) => None,
            Err(error) => {
                report.kept_back.insert(note.file.clone(), error.to_string());
                None
            }
        }
    };
    notes.iter().map(&mut open_one).collect()
}

/// Neighbours that together are not too large, two or more each.
fn groups(sources: Vec<Option<Opened<'_>>>, most: u64) -> Vec<Vec<Opened<'_>>> {
    let (mut groups, mut rows) = (vec![Vec::new()], 0);
    for source in sources {
        rows += source.as_ref().map_or(0, |source| source.note.rows);
        match (source, groups.last_mut()) {
            (Some(source), Some(group)) if rows <= most => group.push(source),
            (Some(source), _) => {
                rows = source.note.rows;
                groups.push(vec![source]);
            }
            (None, _) => {
                rows = 0;
                groups.push(Vec::new());
            }
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// A segment for which a group is not merged.
struct NotMerged {
    file: String,
    error: RewriteError,
}

fn merge_group(folder: &Folder, journal: &mut Journal, class: Class, group: Vec<Opened<'_>>, now: Timestamp) -> Result<Merged, NotMerged> {
    let lives = (group[0].note.lives.0, group[group.len() - 1].note.lives.1);
    let name = Folder::segment_name(class, lives);
    let of_all = |error: RewriteError| NotMerged { file: name.clone(), error };
    let chained = chained(&group)?;
    let note = write(folder, &name, class, lives, &group, &chained).map_err(of_all)?;
    let merged = Merged { from: group.iter().map(|one| one.note.file.clone()).collect(), into: note };
    let change = Change { out: merged.from.iter().map(String::as_str).collect(), into: vec![&merged.into], old: Old::LeftLying };
    rewrite::put_in_place(folder, journal, now, Topic::Merged, &merged, &change).map_err(of_all)?;
    Ok(merged)
}

/// The chain of all of a group, each segment proven against what was signed.
fn chained(group: &[Opened<'_>]) -> Result<Chained, NotMerged> {
    let (mut batches, mut hashes, mut gaps, mut carried_in): (Vec<BatchNote>, Vec<entry::Digest>, Vec<Gap>, HashSet<RecordId>) = Default::default();
    for Opened { note, source } in group {
        let mut add = || {
            batches.extend(source.segment.batches()?);
            gaps.extend(source.segment.gaps()?);
            let proven = rewrite::proven(source)?;
            hashes.extend(proven.batches);
            carried_in.extend(proven.carried_in);
            Ok(())
        };
        add().map_err(|error| NotMerged { file: note.file.clone(), error })?;
    }
    let (first, last): (&Directory, &Directory) = (&group[0].source.segment.directory, &group[group.len() - 1].source.segment.directory);
    let gaps = joined(gaps, &carried_in);
    Ok(Chained { before: first.before, after: last.after, root: chain::root(&hashes), batches, gaps, twigs: Vec::new() })
}

/// The gaps that are left. One whose record was carried over to a later segment of the group is none any more; what is left of a record that was
/// opened in one and closed in another belongs together.
fn joined(gaps: Vec<Gap>, carried_in: &HashSet<RecordId>) -> Vec<Gap> {
    let mut left: BTreeMap<RecordId, Gap> = BTreeMap::new();
    for gap in gaps.into_iter().filter(|gap| gap.why != Missing::Carried || !carried_in.contains(&gap.id)) {
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

fn write(folder: &Folder, name: &str, class: Class, lives: (u64, u64), group: &[Opened<'_>], chained: &Chained) -> Result<SegmentNote, RewriteError> {
    let path = folder.sealed().join(name);
    let mut made = None;
    files::replace_with(&path, |file| {
        let (mut out, directory, digest) = write_rows(BufWriter::with_capacity(1 << 20, file), class, lives, group, chained)?;
        out.flush()?;
        made = Some((directory, digest));
        Ok(())
    })?;
    let (directory, digest) = made.ok_or_else(|| io::Error::other("nothing was written"))?;
    Ok(SegmentNote::of(name.to_owned(), &directory, &digest, path.metadata()?.len()))
}

fn write_rows<W: Write>(out: W, class: Class, lives: (u64, u64), group: &[Opened<'_>], chained: &Chained) -> io::Result<(W, Directory, entry::Digest)> {
    let mut gathered = Gathered::default();
    let numbers: Vec<_> = group.iter().map(|one| gather(&mut gathered, &one.source)).collect();
    let (dictionaries, sorted) = gathered.sorted();
    let persons = persons(&dictionaries.whos);
    let mut all: Vec<_> = group.iter().zip(numbers).map(|(one, numbers)| InOrder::of(&one.source, numbers.then(&sorted))).collect();
    let mut first = BinaryHeap::new();
    for (place, rows) in all.iter_mut().enumerate() {
        first.extend(rows.order(&persons)?.map(|order| Reverse((order, place))));
    }
    let mut segment = SegmentWriter::new(out, dictionaries)?;
    while let Some(Reverse((_, place))) = first.pop() {
        let rows = &mut all[place];
        if let Some(line) = rows.line() {
            segment.push(&line)?;
        }
        rows.row += 1;
        first.extend(rows.order(&persons)?.map(|order| Reverse((order, place))));
    }
    segment.finish(class, lives, chained)
}

/// Adds what the rows of a segment share to what is gathered; returns the number that each got.
fn gather(gathered: &mut Gathered, source: &Source) -> Places {
    Places {
        whos: source.whos.iter().map(|who| gathered.whos.number(who.encoded().as_slice())).collect(),
        judgements: source.judgements.iter().map(|judgement| gathered.judgements.number(judgement.encoded().as_slice())).collect(),
        shapes: source.shapes.iter().map(|shape| gathered.shapes.number(&**shape)).collect(),
        texts: source.texts.iter().map(|text| gathered.texts.number(&**text)).collect(),
        hosts: source.hosts.iter().map(|host| gathered.hosts.number(host.as_str())).collect(),
    }
}

/// The rows of one segment in their order, a chunk in memory at a time, with their numbers in the new dictionaries.
struct InOrder<'s> {
    source: &'s Source,
    places: Places,
    /// The next to be read.
    chunk: usize,
    rows: Rows,
    row: usize,
}

impl<'s> InOrder<'s> {
    fn of(source: &'s Source, places: Places) -> Self {
        Self { source, places, chunk: 0, rows: Rows::default(), row: 0 }
    }

    /// The next row; nothing before [`InOrder::order`] was asked for it, and at the end.
    fn line(&self) -> Option<Line<'_>> {
        self.rows.get(self.row).map(|line| self.places.of(line))
    }

    /// What the next row is sorted by; nothing at the end.
    fn order(&mut self, persons: &[u32]) -> io::Result<Option<(u32, RecordId)>> {
        while self.row == self.rows.len() && self.chunk < self.source.segment.directory.chunks.len() {
            self.read_chunk().map_err(io::Error::other)?;
        }
        Ok(self.line().map(|line| (persons.get(line.who as usize).copied().unwrap_or_default(), line.id)))
    }

    fn read_chunk(&mut self) -> Result<(), SegmentError> {
        self.rows.clear();
        self.row = 0;
        self.source.each_of(self.chunk, |record| {
            self.rows.push(&record.line);
            Ok(())
        })?;
        self.chunk += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
