//! What settings would have come to in the past: the same arithmetic, rules, suppressions and routes as the engine's, and nothing is stated.

use super::engine::{Hooks, Mind, Tells};
use super::routes::{self, Due};
use super::school::School;
use super::seen::{Read, Seen};
use super::settings::Settings;
use super::signal::{Book, SelfTest};
use super::theme::Theme;
use crate::audit::incident::{Act, Level, Opened, Person};
use crate::audit::journal::Statement;
use crate::audit::lookups::Unshown;
use crate::audit::query::{Log, LogError};
use crate::audit::remark::Remark;
use crate::audit::{Opening, RecordId};
use crate::snapshot::{InForce, Snapshot};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How often it is looked which episodes are over, in milliseconds of the record.
const TICK_MS: u64 = 60_000;

/// The past, weighed anew.
pub struct Trial {
    mind: Mind,
    book: Book,
    settings: Arc<Settings>,
    in_force: Arc<InForce>,
    matters: Vec<Matter>,
    /// Where the matters are that are not over, by name and theme.
    places: HashMap<(RecordId, String), usize>,
    ticked_ms: u64,
    failed: Option<LogError>,
}

/// A matter that would have been opened.
#[derive(Debug)]
pub struct Matter {
    /// How it would have begun.
    pub opened: Opened,
    /// How grave it would have become.
    pub level: Level,
    /// The records that would have counted.
    pub signs: BTreeSet<RecordId>,
    /// Roles that would have been told, and names of hooks, syslog servers and files; each once.
    pub told: BTreeSet<Box<str>>,
    /// Other themes that would have been part of it.
    pub also: Vec<String>,
    /// When it would have got graver, or come back, by the record, in Unix milliseconds.
    pub worse_ms: Vec<u64>,
}

impl Matter {
    fn takes_up(&mut self, also: String) {
        if !self.also.contains(&also) {
            self.also.push(also);
        }
    }
}

impl Trial {
    /// By these settings, what is in force beside them, Usher's own names, and what the journal states of suppressions.
    #[must_use]
    pub fn new(settings: Settings, snapshot: Snapshot, own: Vec<Box<str>>, secret: &[u8; 32], stated: &[Statement]) -> Self {
        let settings = Arc::new(settings);
        let book = Book::new(settings.weights.clone(), &snapshot, own, SelfTest::new(secret));
        let in_force = Arc::new(InForce::new(snapshot));
        let said = settings.clone();
        let mut school = School::new(Box::new(move || said.clone()), in_force.clone(), None);
        for statement in stated {
            if let Some(act) = statement.read::<Act>() {
                school.stated(statement.number, statement.at, &act);
            }
        }
        Self { mind: Mind::new(Box::new(school), secret), book, settings, in_force, matters: Vec::new(), places: HashMap::new(), ticked_ms: 0, failed: None }
    }

    /// The next record of this log, with what was remarked of it.
    pub fn take(&mut self, read: &Read, log: &Log) {
        self.tick(read.seen().at_ms);
        self.mind.whole(read, &self.book, Tells::Yes);
        for (id, noticed, tells) in std::mem::take(&mut self.mind.due) {
            match Unshown::of(log).find(id) {
                Ok(row) => {
                    if let Some(before) = row.and_then(Read::of) {
                        self.mind.noticed_before(&before.seen(), &noticed, &self.book, tells);
                    }
                }
                Err(error) => drop(self.failed.get_or_insert(error)),
            }
        }
        self.state();
    }

    /// The next record, which is in no log: what it was opened with, how many bytes went to who asked, and what was remarked. `before` has the records of
    /// before, as a log would; what was found out of one that it has not is left out.
    pub fn take_made(&mut self, id: RecordId, opening: &Opening, since: (Option<u64>, &[Remark]), before: impl Fn(RecordId) -> Option<Arc<Opening>>) {
        let seen = Seen::of(id, opening);
        self.tick(seen.at_ms);
        self.mind.opened(&seen, &self.book, Tells::Yes);
        self.mind.known_since(&seen, since, &self.book, Tells::Yes);
        for (id, noticed, tells) in std::mem::take(&mut self.mind.due) {
            if let Some(opening) = before(id) {
                self.mind.noticed_before(&Seen::of(id, &opening), &noticed, &self.book, tells);
            }
        }
        self.state();
    }

    /// How many signs of this theme are known of somebody now, and what they come to, also below what anybody is told of.
    #[must_use]
    pub fn stands(&self, person: &Person, theme: Theme) -> (usize, Option<Level>) {
        self.mind.stands(person, theme, &self.book)
    }

    fn tick(&mut self, at_ms: u64) {
        if at_ms >= self.ticked_ms.saturating_add(TICK_MS) {
            self.ticked_ms = at_ms;
            self.mind.tick(at_ms, &self.book);
        }
    }

    fn state(&mut self) {
        while let Some(act) = self.mind.pending.pop_front() {
            self.stated(act);
        }
    }

    /// What it came to, in the order in which it would have been opened.
    ///
    /// # Errors
    /// If a record that was to be read again could not be.
    pub fn end(self) -> Result<Vec<Matter>, LogError> {
        self.failed.map_or(Ok(self.matters), Err)
    }

    fn stated(&mut self, act: Act) {
        match act {
            Act::Opened(opened) => {
                self.places.insert((opened.episode, opened.theme.clone()), self.matters.len());
                let (level, at_ms, signs) = (opened.level, opened.at_ms, opened.records.iter().copied().collect());
                self.matters.push(Matter { opened: *opened, level, signs, told: BTreeSet::new(), also: Vec::new(), worse_ms: Vec::new() });
                self.tell(self.matters.len() - 1, at_ms);
            }
            Act::Worsened { also, episode, theme, level, at_ms, records, .. } => {
                let Some(place) = self.places.get(&(episode, theme)).copied() else { return };
                also.into_iter().for_each(|also| self.matters[place].takes_up(also));
                self.matters[place].level = level;
                self.matters[place].signs.extend(records);
                self.matters[place].worse_ms.push(at_ms);
                self.tell(place, at_ms);
            }
            Act::Joined { episode, theme, also, records, .. } => {
                let Some(place) = self.places.get(&(episode, theme)).copied() else { return };
                self.matters[place].takes_up(also);
                self.matters[place].signs.extend(records);
            }
            Act::Ended { episode, theme, .. } => {
                self.places.remove(&(episode, theme));
            }
            _ => {}
        }
    }

    fn tell(&mut self, place: usize, at_ms: u64) {
        let matter = &mut self.matters[place];
        let at = Timestamp::from_millisecond(at_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
        let due = routes::due(&self.settings.plan, &matter.opened, matter.level, at, &self.in_force.peek().timetable);
        matter.told.extend(due.into_iter().map(whom));
    }
}

fn whom(due: Due) -> Box<str> {
    match (due.recipient, due.target) {
        (Some(recipient), _) => recipient.role,
        (None, target) => target.name().into(),
    }
}
