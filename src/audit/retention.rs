//! How long records are kept, and the purge that holds to it and proves itself.
//!
//! ```text
//! segments whose newest record is older than the rule of its class ─┬▶ nobody in them is held ─▶ stated, removed whole
//!                                                                   └▶ somebody is ─▶ written anew with what is held ─▶ stated, the old one removed
//! ```
//!
//! Age is told by the reference number, which is never earlier than the record's time: nothing goes too soon. A segment is a day's records at most, so
//! what is purged goes at most a day late; a request that was open over the end of a day goes with those of the day it ended. What is still being written
//! is never purged; it is sealed when its day (of UTC) is over. A segment that cannot be read goes with the others of its age, unless any records are
//! held: then it stays, and that is told. The statement is committed before a file is removed and says where the chain stood before and after, so the
//! chain holds across what is gone.

mod keep;

pub use keep::{Keep, NotAPeriod, Period, Unit};

use super::alias::Aliases;
use super::folder::Folder;
use super::holds::{self, Hold, HoldError};
use super::incident::care;
use super::journal::{Journal, JournalError, Part, SegmentNote, Topic, empty};
use super::record::{Class, RecordId};
use super::rewrite::{self, Change, Remains, Replaced, RewriteError, Source, Stays};
use super::scope::{Among, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

/// Why nothing is purged.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// Which records are held cannot be told.
    #[error("nothing was purged: {0}")]
    Holds(#[from] HoldError),
    /// Another purge is under way, or files cannot be removed.
    #[error("nothing more was purged: {0}")]
    Rewrite(#[from] RewriteError),
    /// The journal says no.
    #[error("nothing more was purged: the log's journal cannot be used: {0}")]
    Journal(#[from] JournalError),
    /// A file cannot be used.
    #[error("nothing more was purged: {0}")]
    Io(#[from] io::Error),
}

/// Whether a purge is carried out, or only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It is told what would be done.
    Telling,
    /// It is done.
    Really,
}

/// What a purge says on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Purged {
    /// Records of a class.
    Records {
        /// The class.
        class: String,
        /// The rule.
        rule: String,
        /// All were older than this.
        older_than: Timestamp,
        /// How many went.
        records: u64,
        /// The holds for which some stayed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        holds: Vec<u64>,
        /// The segments that are no more, with where the chain stood before and after each.
        parts: Vec<Replaced>,
    },
    /// Who looked: the statements with these numbers say nothing any more. Their links and signatures stay.
    Lookups {
        /// The rule.
        rule: String,
        /// All were older than this.
        older_than: Timestamp,
        /// The statements.
        numbers: Vec<u64>,
    },
    /// Alerts that were closed, and what belongs to them: the statements with these numbers say nothing any more. Their links and signatures stay.
    Alerts {
        /// The rule.
        rule: String,
        /// All were older than this.
        older_than: Timestamp,
        /// The statements.
        numbers: Vec<u64>,
    },
}

/// What was purged of a class, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PurgedClass {
    /// The class, `lookups` or `alerts`.
    pub class: &'static str,
    /// The rule.
    pub rule: Period,
    /// What is older goes.
    pub older_than: Timestamp,
    /// How many records go.
    pub records: u64,
    /// How many bytes that frees.
    pub bytes: u64,
    /// The least and greatest reference number.
    pub first: Option<String>,
    /// The greatest.
    pub last: Option<String>,
    /// How many records stay though they are older, because they are held.
    pub held: u64,
    /// How many alerts stay though they are older, because nobody has closed them, or more may come of them.
    pub open: u64,
}

/// What came of a purge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// By class.
    pub classes: Vec<PurgedClass>,
    /// Segments that had to stay, and why.
    pub kept_back: BTreeMap<String, String>,
}

impl Report {
    /// How many records went in all.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.classes.iter().map(|class| class.records).sum()
    }
}

/// The most segments a statement is about.
const AT_ONCE: usize = 200;

/// Purges what is older than its rule, but for what is held.
pub fn purge(folder: &Folder, keep: &Keep, now: Timestamp, doing: Doing) -> Result<Report, PurgeError> {
    let _lock = rewrite::lock(folder)?;
    let aliases = Aliases::open(folder)?;
    let mut journal = Journal::open(folder)?;
    if doing == Doing::Really {
        rewrite::tidy(folder, journal.reader())?;
    }
    let holds = holds::in_force(folder, journal.reader(), &aliases)?;
    let (parts, notes) = (journal.reader().parts()?, rewrite::notes(journal.reader())?);
    let mut report = Report::default();
    for (_, class) in Class::NAMES {
        let rule = keep.of(class);
        let mut of_class = OfClass { folder, journal: &mut journal, aliases: &aliases, holds: &holds, parts: &parts, notes: &notes, class, rule, now, doing };
        let purged = of_class.purge(&mut report.kept_back)?;
        report.classes.push(purged);
    }
    report.classes.push(purge_lookups(&mut journal, keep.lookups, now, doing)?);
    report.classes.push(purge_alerts(&mut journal, (&holds, &aliases), keep.alerts, now, doing)?);
    Ok(report)
}

/// Purging one class.
struct OfClass<'a> {
    folder: &'a Folder,
    journal: &'a mut Journal,
    aliases: &'a Aliases,
    holds: &'a [Hold],
    parts: &'a [Part],
    notes: &'a HashMap<String, SegmentNote>,
    class: Class,
    rule: Period,
    now: Timestamp,
    doing: Doing,
}

/// What is to be done with a segment.
enum Fate {
    /// It goes whole.
    Goes(SegmentNote),
    /// Some of its records are held.
    Pruned { replaced: Box<Replaced>, records: u64, holds: Vec<u64> },
    /// It stays as it is: all that is in it is held.
    Held(u64),
}

impl OfClass<'_> {
    fn purge(&mut self, kept_back: &mut BTreeMap<String, String>) -> Result<PurgedClass, PurgeError> {
        let older_than = self.rule.before(self.now);
        let mut purged =
            PurgedClass { class: self.class.as_str(), rule: self.rule, older_than, records: 0, bytes: 0, first: None, last: None, held: 0, open: 0 };
        let mut due: Vec<_> = self.parts.iter().filter(|part| part.class == self.class && is_older(part, self.parts, older_than)).collect();
        // The oldest first: what a segment has to prove is looked up in later ones.
        due.sort_unstable_by_key(|part| part.lives.0);
        let (mut whole, mut ids): (Vec<SegmentNote>, Option<(RecordId, RecordId)>) = (Vec::new(), None);
        for part in due {
            let widen = |ids: Option<(RecordId, RecordId)>| ids.map_or(part.ids, |(first, last)| (first.min(part.ids.0), last.max(part.ids.1)));
            match self.fate(part) {
                Ok(Fate::Goes(note)) => {
                    purged.records += note.rows;
                    purged.bytes += note.bytes;
                    if note.rows > 0 {
                        ids = Some(widen(ids));
                    }
                    whole.push(note);
                }
                Ok(Fate::Pruned { replaced, records, holds }) => {
                    let kept = replaced.new.as_ref().map_or((0, 0), |new| (new.rows, new.bytes));
                    purged.records += records;
                    purged.held += kept.0;
                    purged.bytes += replaced.old.bytes.saturating_sub(kept.1);
                    ids = Some(widen(ids));
                    self.state(older_than, records, holds, std::slice::from_ref(&replaced))?;
                }
                Ok(Fate::Held(rows)) => purged.held += rows,
                Err(error) => {
                    kept_back.insert(part.file.clone(), error.to_string());
                }
            }
        }
        for some in whole.chunks(AT_ONCE) {
            let records = some.iter().map(|note| note.rows).sum();
            let parts: Vec<_> = some.iter().map(|old| Replaced { old: old.clone(), new: None }).collect();
            self.state(older_than, records, Vec::new(), &parts)?;
        }
        (purged.first, purged.last) = ids.map(|(first, last)| (first.to_string(), last.to_string())).unzip();
        Ok(purged)
    }

    fn fate(&self, part: &Part) -> Result<Fate, RewriteError> {
        let note = self.notes.get(&part.file).cloned().ok_or(RewriteError::Altered)?;
        let scopes: Vec<&Scope> = self.holds.iter().map(|hold| &hold.scope).collect();
        if scopes.is_empty() {
            return Ok(Fate::Goes(note));
        }
        let source = Source::open(&self.folder.sealed().join(&part.file), &part.digest)?;
        let among = Among::new(&scopes, &source.whos, self.aliases);
        let carried = source.segment.gaps()?.iter().map(|gap| gap.id).collect();
        let elsewhere = self.held_elsewhere(part, carried, &scopes)?;
        let (mut held, mut by_holds) = (0, HashSet::new());
        source.each(|record| {
            if let Some(scope) = among.scope_of(record)? {
                held += 1;
                by_holds.insert(self.holds[scope].number);
            }
            Ok(())
        })?;
        if held == 0 && elsewhere.is_empty() {
            return Ok(Fate::Goes(note));
        }
        if held == note.rows {
            return Ok(Fate::Held(held));
        }
        let mut holds: Vec<_> = by_holds.into_iter().collect();
        holds.sort_unstable();
        if self.doing == Doing::Telling {
            let new = Some(SegmentNote { rows: held, bytes: 0, ..note.clone() });
            return Ok(Fate::Pruned { records: note.rows - held, replaced: Box::new(Replaced { old: note, new }), holds });
        }
        let stays = Stays { row: &|record| Ok(among.scope_of(record)?.is_some()), proof: &|id| elsewhere.contains(&id), remains: Remains::Twigs };
        match rewrite::rewrite(self.folder, &source, &part.file, &stays)? {
            Some(made) => Ok(Fate::Pruned { replaced: Box::new(Replaced { old: note, new: Some(made.note) }), records: made.left_out, holds }),
            None => Ok(Fate::Held(held)),
        }
    }

    /// Which of these records, opened in the batches of a segment and open still when it was sealed, are held in a later one.
    fn held_elsewhere(&self, part: &Part, carried: HashSet<RecordId>, scopes: &[&Scope]) -> Result<HashSet<RecordId>, RewriteError> {
        let Some(greatest) = carried.iter().max() else { return Ok(carried) };
        let mut held = HashSet::new();
        let later = |other: &&Part| other.class == part.class && other.lives.0 > part.lives.1 && other.rows > 0 && other.ids.0 <= *greatest;
        for other in self.parts.iter().filter(later) {
            let source = Source::open(&self.folder.sealed().join(&other.file), &other.digest)?;
            let among = Among::new(scopes, &source.whos, self.aliases);
            if among.is_nobody() {
                continue;
            }
            source.each(|record| {
                if carried.contains(&record.line.id) && among.scope_of(record)?.is_some() {
                    held.insert(record.line.id);
                }
                Ok(())
            })?;
        }
        Ok(held)
    }

    fn state(&mut self, older_than: Timestamp, records: u64, holds: Vec<u64>, parts: &[Replaced]) -> Result<(), PurgeError> {
        if self.doing == Doing::Telling {
            return Ok(());
        }
        let body = Purged::Records { class: self.class.as_str().to_owned(), rule: self.rule.to_string(), older_than, records, holds, parts: parts.to_vec() };
        rewrite::put_in_place(self.folder, self.journal, self.now, Topic::Purged, &body, &Change::of(parts))?;
        Ok(())
    }
}

/// Whether the newest record of a segment is older than a time. One without records is as old as the one after it.
fn is_older(part: &Part, parts: &[Part], than: Timestamp) -> bool {
    let older = |part: &Part| i64::try_from(part.ids.1.unix_ms()).is_ok_and(|ms| ms < than.as_millisecond());
    if part.rows > 0 {
        return older(part);
    }
    let next = parts.iter().filter(|next| next.class == part.class && next.rows > 0 && next.lives.0 > part.lives.1).min_by_key(|next| next.lives.0);
    next.is_some_and(older)
}

/// Empties the statements on who looked that are older than the rule. Their links and signatures stay, and a statement says which they are.
fn purge_lookups(journal: &mut Journal, rule: Period, now: Timestamp, doing: Doing) -> Result<PurgedClass, PurgeError> {
    let older_than = rule.before(now);
    let old: Vec<_> =
        journal.reader().about(Topic::Looked, 0)?.into_iter().filter(|look| look.at < older_than.as_millisecond() && !look.body.is_empty()).collect();
    let records = old.len() as u64;
    if records > 0 && doing == Doing::Really {
        let numbers: Vec<u64> = old.iter().map(|look| look.number).collect();
        let body = Purged::Lookups { rule: rule.to_string(), older_than, numbers: numbers.clone() };
        journal.state_and(now, Topic::Purged, &body, |change| empty(change, &numbers))?;
        journal.empty_wal()?;
    }
    Ok(PurgedClass {
        class: "lookups",
        rule,
        older_than,
        records,
        bytes: old.iter().map(|look| look.body.len() as u64).sum(),
        first: None,
        last: None,
        held: 0,
        open: 0,
    })
}

/// Empties the statements on alerts that are closed and older than the rule, in the same way.
fn purge_alerts(journal: &mut Journal, held: (&[Hold], &Aliases), rule: Period, now: Timestamp, doing: Doing) -> Result<PurgedClass, PurgeError> {
    let older_than = rule.before(now);
    let goes = care::older(journal.reader(), held, older_than, now)?;
    if !goes.numbers.is_empty() && doing == Doing::Really {
        let body = Purged::Alerts { rule: rule.to_string(), older_than, numbers: goes.numbers.clone() };
        journal.state_and(now, Topic::Purged, &body, |change| empty(change, &goes.numbers))?;
        journal.empty_wal()?;
    }
    let (records, bytes) = (goes.numbers.len() as u64, goes.bytes);
    Ok(PurgedClass { class: "alerts", rule, older_than, records, bytes, first: None, last: None, held: goes.held, open: goes.open })
}

#[cfg(test)]
mod tests;
