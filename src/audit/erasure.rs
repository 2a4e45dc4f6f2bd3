//! Erasing a person's records where the law says so.
//!
//! ```text
//! ask: a signed note (whose by alias, why, by whom) ─▶ carry out: each segment written anew without them, stated ─▶ finished, stated
//! ```
//!
//! What is sealed goes at once. What is still in a live file goes when that is sealed: of an Usher that is stopped at once, of a running one when the
//! file is full or the day changes; until then the erasure is pending, and `serve` carries it out. Records that came after it was asked for are not
//! meant. What is held stays, and keeps the erasure pending until the hold is released.
//!
//! Where all of a person's records go, so does the name from the statements on who looked at them: those are emptied, and what they said without the name
//! stands in the last statement of the erasure. The person's alerts go with the last of it too, in the same way; one that staff have not closed, or that may
//! go on, keeps the erasure pending, as what is held does. What is known of the person beside the log goes once all else is gone: see [`gone`].

pub mod gone;

use super::alias::{Alias, Aliases};
use super::entry::Decoder;
use super::folder::Folder;
use super::holds::{self, Hold, HoldError};
use super::incident::care;
use super::journal::{Journal, JournalError, Reader, Statement, Topic, empty};
use super::live::{self, LiveError};
use super::record::RecordId;
use super::rewrite::{self, Change, Remains, Replaced, RewriteError, Source, Stays};
use super::scope::{Among, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::io;

/// Why records are not erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// They are held.
    #[error(
        "hold {} keeps these records ({}); they cannot be erased while it is in force. If the matter is over: usher log hold release {} --why \"...\"",
        .0.number, .0.why, .0.number
    )]
    Held(Box<Hold>),
    /// Which records are held cannot be told.
    #[error(transparent)]
    Holds(#[from] HoldError),
    /// A segment cannot be written anew.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The journal says no.
    #[error("the log's journal cannot be used: {0}")]
    Journal(#[from] JournalError),
    /// A live file says no.
    #[error("a live file of the log cannot be read: {0}")]
    Live(#[from] LiveError),
    /// A file cannot be used.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The aliases of another key.
    #[error("erasure {0} was asked for with another alias.key than is in the folder of the log now; put the one back that was there")]
    Key(u64),
}

impl From<rusqlite::Error> for ErasureError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Live(error.into())
    }
}

impl From<super::segment::SegmentError> for ErasureError {
    fn from(error: super::segment::SegmentError) -> Self {
        Self::Rewrite(error.into())
    }
}

/// What is to be erased.
#[derive(Clone, Debug)]
pub struct NewErasure {
    /// Whose records.
    pub user: String,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Why.
    pub why: String,
    /// Who says so: an account.
    pub by: String,
    /// What stands for the person in what is kept beside the log: see [`gone`].
    pub marks: Vec<String>,
}

/// What an erasure says on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum Erased {
    /// It was asked for.
    Asked {
        /// Which records.
        scope: Scope,
        /// How many there were then.
        records: u64,
        /// Why.
        why: String,
        /// Who said so.
        by: String,
        /// The mark of the key the alias was made with.
        key: Alias,
        /// What stands for the person in what is kept beside the log.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        marks: Vec<String>,
    },
    /// Some of it was carried out.
    Done {
        /// The number of the statement that asked.
        asked: u64,
        /// How many records went.
        records: u64,
        /// The segment that was written anew.
        parts: Vec<Replaced>,
    },
    /// Nothing more is to be done.
    Finished {
        /// The number of the statement that asked.
        asked: u64,
        /// How many records went in all.
        records: u64,
        /// Statements on who looked that named the person and say nothing any more; their links and signatures stay.
        lookups: Vec<Emptied>,
        /// Statements on the person's alerts, in the same way.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        alerts: Vec<u64>,
    },
}

/// A statement that was emptied, and what it said without the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emptied {
    /// Its number.
    pub number: u64,
    /// Who looked.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// What there is to be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Sealed records.
    pub sealed: u64,
    /// Segments they are in.
    pub segments: u64,
    /// Records in live files.
    pub live: u64,
    /// Alerts that are dealt with.
    pub alerts: u64,
    /// Alerts that are not: they go once they are closed and over.
    pub open_alerts: u64,
    /// By class.
    pub classes: BTreeMap<&'static str, u64>,
    /// Times of the first and the last, in Unix milliseconds.
    pub times: Option<(u64, u64)>,
    /// Segments that cannot be read.
    pub passed_over: Vec<String>,
}

impl Found {
    fn time(&mut self, ms: u64) {
        self.times = Some(self.times.map_or((ms, ms), |(first, last)| (first.min(ms), last.max(ms))));
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.records() + self.alerts + self.open_alerts == 0
    }

    /// How many in all.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.sealed + self.live
    }
}

/// How an erasure stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The number of the statement that asked.
    pub asked: u64,
    /// How many records went so far.
    pub erased: u64,
    /// How many are in live files still.
    pub live: u64,
    /// How many stay because they are held.
    pub held: u64,
    /// How many alerts wait until somebody has closed them and they are over.
    pub open_alerts: u64,
    /// How many alerts went.
    pub alerts: u64,
    /// Segments that could not be written anew, and why.
    pub failed: BTreeMap<String, String>,
}

impl Standing {
    /// Whether nothing more is to be done.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.live == 0 && self.held == 0 && self.open_alerts == 0 && self.failed.is_empty()
    }
}

fn scope(new: &NewErasure, aliases: &Aliases, upto: Option<u64>) -> Scope {
    Scope { whom: aliases.of(&new.user), from: new.from, to: new.to, host: None, upto }
}

fn refuse_if_held(folder: &Folder, reader: &Reader, aliases: &Aliases, scope: &Scope) -> Result<(), ErasureError> {
    let hold = holds::in_force(folder, reader, aliases)?.into_iter().find(|hold| hold.scope.meets(scope));
    hold.map_or(Ok(()), |hold| Err(ErasureError::Held(Box::new(hold))))
}

/// What there is to be erased. Refuses what is held.
pub fn look(folder: &Folder, new: &NewErasure) -> Result<Found, ErasureError> {
    let aliases = Aliases::open(folder)?;
    let reader = Reader::open(folder)?;
    let scope = scope(new, &aliases, None);
    refuse_if_held(folder, &reader, &aliases, &scope)?;
    find(folder, &reader, &aliases, &scope)
}

fn find(folder: &Folder, reader: &Reader, aliases: &Aliases, scope: &Scope) -> Result<Found, ErasureError> {
    let mut found = Found::default();
    let scopes = [scope];
    for part in reader.parts()?.iter().filter(|part| part.rows > 0) {
        let Ok(source) = Source::open(&folder.sealed().join(&part.file), &part.digest) else {
            found.passed_over.push(part.file.clone());
            continue;
        };
        let among = Among::new(&scopes, &source.whos, aliases);
        if among.is_nobody() {
            continue;
        }
        let before = found.sealed;
        source.each(|record| {
            if among.scope_of(record)?.is_some() {
                found.sealed += 1;
                found.time(record.line.time_ms);
                *found.classes.entry(part.class.as_str()).or_default() += 1;
            }
            Ok(())
        })?;
        found.segments += u64::from(found.sealed > before);
    }
    for (_, time_ms) in live(folder, reader, aliases, scope)? {
        found.live += 1;
        found.time(time_ms);
    }
    let alerts = care::of_person(reader, (&[], aliases), scope, Timestamp::now())?;
    (found.alerts, found.open_alerts) = (alerts.matters, alerts.open);
    Ok(found)
}

/// The records of a scope in live files, by number and time.
fn live(folder: &Folder, reader: &Reader, aliases: &Aliases, scope: &Scope) -> Result<BTreeMap<RecordId, u64>, ErasureError> {
    let (sealed, mut found) = (reader.last_sealed()?, BTreeMap::new());
    for number in folder.lives()?.into_iter().filter(|number| *number > sealed) {
        let connection = match live::open_read_only(&folder.live(number)) {
            Ok(connection) => connection,
            // It is being made.
            Err(LiveError::Form(0)) => continue,
            Err(error) => return Err(error.into()),
        };
        let mut statement = connection.prepare("SELECT id, body FROM shared WHERE id IN (SELECT who FROM opened)")?;
        let mut rows = statement.query([])?;
        let mut whos = HashSet::new();
        while let Some(row) = rows.next()? {
            if Decoder::new(&row.get::<_, Vec<u8>>(1)?).who().is_ok_and(|who| aliases.is(&who, &scope.whom)) {
                whos.insert(row.get::<_, i64>(0)?);
            }
        }
        if whos.is_empty() {
            continue;
        }
        let mut statement = connection.prepare("SELECT id, who, body FROM opened")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !whos.contains(&row.get(1)?) {
                continue;
            }
            let (id, body) = (RecordId(row.get::<_, i64>(0)?.unsigned_abs()), row.get::<_, Vec<u8>>(2)?);
            if let Ok(opened) = Decoder::new(&body).opened()
                && scope.takes(id, opened.time_ms, opened.host)
            {
                found.insert(id, opened.time_ms);
            }
        }
    }
    Ok(found)
}

/// The greatest number of a record that is there.
fn greatest(folder: &Folder, reader: &Reader) -> Result<RecordId, ErasureError> {
    let mut greatest = reader.parts()?.iter().map(|part| part.ids.1).max().unwrap_or_default();
    for number in folder.lives()? {
        match live::open_read_only(&folder.live(number)) {
            Ok(connection) => {
                let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM opened", [], |row| row.get(0))?;
                greatest = greatest.max(RecordId(last.unsigned_abs()));
            }
            Err(LiveError::Form(0)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(greatest)
}

/// Puts on record that records are to be erased; from here on it will be carried out. Refuses what is held. Returns the number of the statement.
pub fn ask(folder: &Folder, new: &NewErasure, at: Timestamp) -> Result<u64, ErasureError> {
    let _lock = rewrite::lock(folder)?;
    let aliases = Aliases::open(folder)?;
    let mut journal = Journal::open(folder)?;
    let scope = scope(new, &aliases, Some(greatest(folder, journal.reader())?.0));
    refuse_if_held(folder, journal.reader(), &aliases, &scope)?;
    let records = find(folder, journal.reader(), &aliases, &scope)?.records();
    let body = Erased::Asked { scope, records, why: new.why.clone(), by: new.by.clone(), key: aliases.mark(), marks: new.marks.clone() };
    Ok(journal.state(at, Topic::Erased, &body)?)
}

/// An erasure that was asked for and is not finished.
struct Pending {
    asked: u64,
    scope: Scope,
    erased: u64,
}

fn pending(reader: &Reader, aliases: &Aliases) -> Result<Vec<Pending>, ErasureError> {
    let mut all: BTreeMap<u64, Pending> = BTreeMap::new();
    for statement in reader.about(Topic::Erased, 0)? {
        match statement.read::<Erased>() {
            Some(Erased::Asked { key, .. }) if key != aliases.mark() => return Err(ErasureError::Key(statement.number)),
            Some(Erased::Asked { scope, .. }) => drop(all.insert(statement.number, Pending { asked: statement.number, scope, erased: 0 })),
            Some(Erased::Done { asked, records, .. }) => {
                if let Some(pending) = all.get_mut(&asked) {
                    pending.erased += records;
                }
            }
            Some(Erased::Finished { asked, .. }) => drop(all.remove(&asked)),
            None => return Err(ErasureError::Key(statement.number)),
        }
    }
    Ok(all.into_values().collect())
}

/// Whether some erasure is not finished.
pub fn is_pending(reader: &Reader) -> Result<bool, JournalError> {
    let mut open = HashSet::new();
    for statement in reader.about(Topic::Erased, 0)? {
        match statement.read() {
            Some(Erased::Asked { .. }) => drop(open.insert(statement.number)),
            Some(Erased::Finished { asked, .. }) => drop(open.remove(&asked)),
            Some(Erased::Done { .. }) | None => {}
        }
    }
    Ok(!open.is_empty())
}

/// Carries out, as far as can be, every erasure that is not finished. Returns how each stands.
pub fn carry_out(folder: &Folder, now: Timestamp) -> Result<Vec<Standing>, ErasureError> {
    let _lock = rewrite::lock(folder)?;
    let aliases = Aliases::open(folder)?;
    let mut journal = Journal::open(folder)?;
    rewrite::tidy(folder, journal.reader())?;
    let holds = holds::in_force(folder, journal.reader(), &aliases)?;
    let mut standings = Vec::new();
    for pending in pending(journal.reader(), &aliases)? {
        let mut work = Work { folder, journal: &mut journal, aliases: &aliases, holds: &holds, now };
        standings.push(work.carry_out(&pending)?);
    }
    Ok(standings)
}

struct Work<'a> {
    folder: &'a Folder,
    journal: &'a mut Journal,
    aliases: &'a Aliases,
    holds: &'a [Hold],
    now: Timestamp,
}

impl Work<'_> {
    fn carry_out(&mut self, pending: &Pending) -> Result<Standing, ErasureError> {
        let mut standing = Standing { asked: pending.asked, erased: pending.erased, live: 0, held: 0, open_alerts: 0, alerts: 0, failed: BTreeMap::new() };
        // First what is live: what is sealed meanwhile is then found among the parts, or the next time.
        standing.live = live(self.folder, self.journal.reader(), self.aliases, &pending.scope)?.len() as u64;
        let notes = rewrite::notes(self.journal.reader())?;
        for part in self.journal.reader().parts()?.iter().filter(|part| part.rows > 0) {
            let Some(note) = notes.get(&part.file) else { continue };
            match self.part(pending, note, &part.digest) {
                Ok((erased, held)) => {
                    standing.erased += erased;
                    standing.held += held;
                }
                Err(error) => drop(standing.failed.insert(part.file.clone(), error.to_string())),
            }
        }
        let alerts = care::of_person(self.journal.reader(), (self.holds, self.aliases), &pending.scope, self.now)?;
        standing.held += alerts.held;
        standing.open_alerts = alerts.open;
        if standing.is_finished() {
            self.finish(pending, standing.erased, alerts.numbers)?;
            standing.alerts = alerts.matters;
        }
        Ok(standing)
    }

    /// Writes a segment anew without the records. Returns how many went, and how many stay since they are held.
    fn part(&mut self, pending: &Pending, old: &super::journal::SegmentNote, digest: &str) -> Result<(u64, u64), ErasureError> {
        let source = Source::open(&self.folder.sealed().join(&old.file), digest)?;
        let scopes = [&pending.scope];
        let among = Among::new(&scopes, &source.whos, self.aliases);
        if among.is_nobody() {
            return Ok((0, 0));
        }
        let held_scopes: Vec<&Scope> = self.holds.iter().map(|hold| &hold.scope).collect();
        let held = Among::new(&held_scopes, &source.whos, self.aliases);
        let (mut goes, mut stays) = (0, 0);
        source.each(|record| {
            if among.scope_of(record)?.is_some() {
                if held.scope_of(record)?.is_some() { stays += 1 } else { goes += 1 }
            }
            Ok(())
        })?;
        if goes == 0 {
            return Ok((0, stays));
        }
        let row = |record: &rewrite::Record<'_>| Ok(among.scope_of(record)?.is_none() || held.scope_of(record)?.is_some());
        let Some(made) = rewrite::rewrite(self.folder, &source, &old.file, &Stays { row: &row, proof: &|_| false, remains: Remains::Leaves })? else {
            return Ok((0, stays));
        };
        let parts = vec![Replaced { old: old.clone(), new: Some(made.note) }];
        let body = Erased::Done { asked: pending.asked, records: made.left_out, parts: parts.clone() };
        rewrite::put_in_place(self.folder, self.journal, self.now, Topic::Erased, &body, &Change::of(&parts))?;
        Ok((made.left_out, stays))
    }

    fn finish(&mut self, pending: &Pending, records: u64, alerts: Vec<u64>) -> Result<(), ErasureError> {
        let whole = pending.scope.from.is_none() && pending.scope.to.is_none();
        let lookups = if whole { self.lookups(pending)? } else { Vec::new() };
        let numbers: Vec<u64> = lookups.iter().map(|lookup| lookup.number).chain(alerts.iter().copied()).collect();
        let body = Erased::Finished { asked: pending.asked, records, lookups, alerts };
        self.journal.state_and(self.now, Topic::Erased, &body, |change| empty(change, &numbers))?;
        Ok(self.journal.empty_wal()?)
    }

    /// The statements on who looked at the person's records before they were to be erased.
    fn lookups(&self, pending: &Pending) -> Result<Vec<Emptied>, ErasureError> {
        let looked = self.journal.reader().about(Topic::Looked, 0)?;
        let named = looked.iter().filter(|statement| statement.number < pending.asked).filter_map(|statement| {
            let Look { who, user, reason } = statement.read()?;
            let user = user.filter(|user| self.aliases.of(user) == pending.scope.whom)?;
            Some(Emptied { number: statement.number, who: without(&who, &user), reason: without(&reason, &user) })
        });
        Ok(named.collect())
    }
}

/// What is read of a statement on who looked.
#[derive(Deserialize)]
struct Look {
    #[serde(default)]
    who: String,
    user: Option<String>,
    #[serde(default)]
    reason: String,
}

/// A text without a name, however it is capitalised.
fn without(text: &str, name: &str) -> String {
    let pattern = regex::RegexBuilder::new(&regex::escape(name)).case_insensitive(true).build();
    pattern.map_or_else(|_| String::new(), |pattern| pattern.replace_all(text, "[erased]").into_owned())
}

/// The numbers of the statements that rightly say nothing any more: emptied by a purge or an erasure, which says so.
pub fn emptied(reader: &Reader) -> Result<HashSet<u64>, JournalError> {
    let mut numbers = HashSet::new();
    for purged in reader.about(Topic::Purged, 0)?.iter().filter_map(Statement::read::<super::retention::Purged>) {
        match purged {
            super::retention::Purged::Lookups { numbers: emptied, .. } | super::retention::Purged::Alerts { numbers: emptied, .. } => numbers.extend(emptied),
            super::retention::Purged::Records { .. } => {}
        }
    }
    for erased in reader.about(Topic::Erased, 0)?.iter().filter_map(Statement::read::<Erased>) {
        match erased {
            Erased::Finished { lookups, alerts, .. } => numbers.extend(lookups.iter().map(|lookup| lookup.number).chain(alerts)),
            Erased::Asked { .. } | Erased::Done { .. } => {}
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests;
