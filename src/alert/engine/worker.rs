//! The thread: takes what is committed, reads again what it must, and states what is pending.

mod erase;

use super::mind::{Mind, Tells, who};
use super::{Follower, GATHER, Setup, Stop, WeightsOf};
use crate::alert::episode::{Episodes, Open};
use crate::alert::rebuild::{FORM, Kept, MOST_REREAD, OVERLAP_MS, Of, Pages};
use crate::alert::seen::{Read, Seen};
use crate::alert::signal::{Book, SelfTest};
use crate::alert::sitting;
use crate::alert::theme::Theme;
use crate::alert::ways;
use crate::audit::follow::{Committed, Feed, Taken};
use crate::audit::incident::{Act, Incident, Level, fold};
use crate::audit::journal::{Journal, JournalError, Reader, Topic};
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, LogError};
use crate::audit::remark::Remark;
use crate::audit::{Class, Closing, Folder, Opening, RecordId};
use crate::outputs::Clock;
use crate::snapshot::{InForce, Snapshot};
use crate::telemetry::events;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long the feed is waited for.
const WAIT: Duration = Duration::from_millis(250);
/// How often the journal is looked at, and what is pending is tried again.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is looked which episodes are over.
const TICK: Duration = Duration::from_secs(10);
/// How often what is known is kept.
const KEEP: Duration = Duration::from_secs(30);
/// The most requests that are remembered while they are open. What ends with a remark and is not among them is read from the log.
const MOST_OPEN: usize = 32_768;
/// From so many pending steps on nothing more is taken: what waits then waits in the feed, or in the log.
const MOST_PENDING: usize = 4096;
/// How far back the record is read where nothing was kept, in milliseconds: searches and what was not let through, and all.
const BACK_FAR_MS: u64 = 14 * 86_400_000;
const BACK_ALL_MS: u64 = 2 * 3_600_000;
/// The file that is kept.
pub const FILE: &str = "engine.json";

/// Why something could not be done now.
#[derive(Debug, thiserror::Error)]
enum Unable {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("stopped")]
    Stopped,
}

pub(super) struct Worker {
    log: Folder,
    path: PathBuf,
    feed: Feed,
    in_force: Arc<InForce>,
    weights: WeightsOf,
    own: Vec<Box<str>>,
    clock: Clock,
    secret: [u8; 32],
    stop: Arc<Stop>,
    follower: Follower,
    /// What is in force, and what records are read by.
    snapshot: Arc<Snapshot>,
    book: Book,
    mind: Mind,
    /// Everything up to this record was taken.
    position: RecordId,
    /// The newest record before the start.
    before: RecordId,
    /// Requests that are open.
    open: BTreeMap<RecordId, Arc<Opening>>,
    /// The last statement that was handed on.
    stated: u64,
    /// The last statement about erasures that was looked at.
    erased: u64,
    is_failing: bool,
    is_unread: bool,
    is_unkept: bool,
}

impl Worker {
    pub(super) fn new(setup: Setup, stop: Arc<Stop>, follower: Follower) -> Self {
        let Setup { log, folder, feed, in_force, weights, hooks, own, clock, secret } = setup;
        let now = unix_ms(clock());
        // What comes from here on is told, whenever the thread comes to it.
        let before = newest(&log).unwrap_or(RecordId::first_of(now));
        let snapshot = in_force.get();
        let book = Book::new(weights(&snapshot), &snapshot, own.clone(), SelfTest::new(&secret));
        let mut mind = Mind::new(hooks, &secret);
        mind.watch.restore(&folder);
        let path = folder.join(FILE);
        let (position, open) = (RecordId(0), BTreeMap::new());
        let (stated, erased, is_failing, is_unread, is_unkept) = (0, 0, false, false, false);
        Self {
            log,
            path,
            feed,
            in_force,
            weights,
            own,
            clock,
            secret,
            stop,
            follower,
            snapshot,
            book,
            mind,
            position,
            before,
            open,
            stated,
            erased,
            is_failing,
            is_unread,
            is_unkept,
        }
    }

    pub(super) fn run(mut self) {
        let Some(mut journal) = self.patiently(|worker| Ok(Journal::open(&worker.log)?)) else { return };
        if self.patiently(|worker| worker.begin(&journal)).is_none() {
            return;
        }
        self.before();
        self.keep();
        let (mut looked, mut ticked, mut kept) = (Instant::now(), Instant::now(), Instant::now());
        loop {
            self.renew();
            let is_full = self.mind.pending.len() >= MOST_PENDING;
            let taken = if is_full { Taken::default() } else { self.feed.take(WAIT) };
            let (is_idle, is_over) = (taken.events.is_empty(), taken.is_over);
            taken.events.into_iter().for_each(|event| self.event(event));
            if let Some((first, last)) = taken.lost {
                let filter = Filter { after: Some(RecordId(first.0.saturating_sub(1))), before: Some(RecordId(last.0 + 1)), ..Filter::default() };
                if self.patiently(|worker| worker.read(filter.clone(), Tells::Yes)).is_none() {
                    self.before();
                    return self.keep();
                }
            }
            self.before();
            self.follower.0.store(self.position.0, Ordering::Relaxed);
            let is_due = looked.elapsed() >= LOOK;
            if ticked.elapsed() >= TICK {
                self.mind.tick(unix_ms((self.clock)()), &self.book);
                ticked = Instant::now();
            }
            if is_due || !self.mind.pending.is_empty() && !self.is_failing {
                self.state(&mut journal);
                looked = Instant::now();
            }
            if kept.elapsed() >= KEEP {
                self.keep();
                kept = Instant::now();
            }
            if is_over || self.stop.is_asked() {
                self.state(&mut journal);
                return self.keep();
            }
            if !is_idle || is_full {
                self.stop.wait(if is_full { LOOK } else { GATHER });
            }
        }
    }

    /// Does something, each second until it can be done or the engine is stopped.
    fn patiently<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, Unable>) -> Option<T> {
        loop {
            match work(self) {
                Ok(done) => {
                    self.is_unread = false;
                    return Some(done);
                }
                Err(Unable::Stopped) => return None,
                Err(error) if !self.is_unread => {
                    events::AlertsUnread { error: &error }.emit();
                    self.is_unread = true;
                }
                Err(_) => {}
            }
            if self.stop.wait(LOOK) {
                return None;
            }
        }
    }

    /// Takes up another snapshot, if there is one.
    fn renew(&mut self) {
        if Arc::ptr_eq(&self.snapshot, &self.in_force.peek()) {
            return;
        }
        self.snapshot = self.in_force.get();
        self.book = Book::new((self.weights)(&self.snapshot), &self.snapshot, self.own.clone(), SelfTest::new(&self.secret));
    }

    fn event(&mut self, event: Committed) {
        match event {
            Committed::Opened(id, opening) => {
                if id > self.position {
                    self.mind.opened(&Seen::of(id, &opening), &self.book, Tells::Yes);
                    self.position = id;
                }
                self.open.insert(id, opening);
                if self.open.len() > MOST_OPEN {
                    self.open.pop_first();
                }
            }
            Committed::Closed(closing) => self.closed(&closing),
        }
    }

    fn closed(&mut self, closing: &Closing) {
        let opening = self.open.remove(&closing.id);
        if let Some(opening) = &opening {
            self.mind.closed(&Seen::of(closing.id, opening), closing.bytes_down, &self.book, Tells::Yes);
        }
        let Some(remarks) = closing.note.as_deref().map(|note| Remark::split(note).0).filter(|remarks| !remarks.is_empty()) else { return };
        if let Some(opening) = opening {
            return self.mind.remarked(&Seen::of(closing.id, &opening), &remarks, &self.book, Tells::Yes);
        }
        let id = closing.id;
        self.patiently(|worker| worker.reread(id));
    }

    /// Reads a record by itself, for what was remarked of it.
    fn reread(&mut self, id: RecordId) -> Result<(), Unable> {
        let log = Log::open(&self.log)?;
        if let Some(read) = Unshown::of(&log).find(id)?.and_then(Read::of) {
            self.mind.ended(&read, &self.book, Tells::Yes);
        }
        Ok(())
    }

    /// Takes a record once more: what it was a sign of is over.
    fn take_again(&mut self, id: RecordId) -> Result<(), Unable> {
        let log = Log::open(&self.log)?;
        if let Some(read) = Unshown::of(&log).find(id)?.and_then(Read::of) {
            // What no single record shows was seen of it before.
            let is_whole = std::mem::replace(&mut self.mind.is_whole, false);
            self.whole(&read, Tells::Yes);
            self.mind.is_whole = is_whole;
        }
        Ok(())
    }

    /// Takes what was found out of records of before: they are read again, for what is kept says no names.
    fn before(&mut self) {
        for (id, noticed, tells) in std::mem::take(&mut self.mind.due) {
            self.patiently(|worker| {
                let log = Log::open(&worker.log)?;
                if let Some(read) = Unshown::of(&log).find(id)?.and_then(Read::of) {
                    worker.mind.noticed_before(&read.seen(), &noticed, &worker.book, tells);
                }
                Ok(())
            });
        }
    }

    /// Reads records and takes them. Those that are open are not remembered: should they end with a remark, they are read again.
    fn read(&mut self, filter: Filter, tells: Tells) -> Result<(), Unable> {
        self.each(filter, |worker, read| worker.whole(&read, tells))
    }

    fn whole(&mut self, read: &Read, tells: Tells) {
        self.mind.whole(read, &self.book, tells);
        self.position = self.position.max(read.seen().id);
    }

    fn each(&mut self, filter: Filter, mut take: impl FnMut(&mut Self, Read)) -> Result<(), Unable> {
        let log = Log::open(&self.log)?;
        let mut pages = Pages::new(&log, filter);
        while let Some(page) = pages.page()? {
            page.into_iter().for_each(|read| take(self, read));
            if self.stop.is_asked() {
                return Err(Unable::Stopped);
            }
        }
        Ok(())
    }

    /// Where nothing is kept, keeps how far the record goes: should Usher be killed before it has read it, what comes from here on is told all the same.
    pub(super) fn mark(&mut self) {
        if Kept::read(&self.path).is_none() {
            let incidents = Reader::open(&self.log).and_then(|reader| reader.about(Topic::Alert, 0)).map(|statements| fold(&statements)).unwrap_or_default();
            self.write(&Kept {
                form: FORM,
                position: self.before,
                unread: Some(last_told(&incidents)),
                open: Vec::new(),
                matters: Vec::new(),
                pending: Vec::new(),
                erased: 0,
            });
        }
    }

    /// Knows again what was known, and takes what has come since.
    fn begin(&mut self, journal: &Journal) -> Result<(), Unable> {
        let incidents = self.stated_before(journal)?;
        match Kept::read(&self.path) {
            Some(kept) => match kept.unread {
                None => self.go_on(kept, &incidents),
                Some(quiet_to) => self.begin_anew(&incidents, kept.position, quiet_to),
            },
            None => self.begin_anew(&incidents, self.before, last_told(&incidents)),
        }
    }

    /// Shows the hooks what was ever stated. Returns the matters that stand.
    fn stated_before(&mut self, journal: &Journal) -> Result<Vec<Incident>, Unable> {
        let statements = journal.reader().about(Topic::Alert, 0)?;
        for statement in statements.iter().filter(|statement| statement.number > self.stated) {
            if let Some(act) = statement.read::<Act>() {
                self.mind.hooks.stated(statement.number, statement.at, &act);
            }
        }
        self.stated = statements.last().map_or(self.stated, |last| last.number.max(self.stated));
        Ok(fold(&statements))
    }

    /// What is stated holds, whatever was kept.
    fn settle(&mut self, incidents: &[Incident]) -> Vec<RecordId> {
        let mut stated = BTreeSet::new();
        for incident in incidents {
            let Some(theme) = Theme::named(&incident.opened.theme) else { continue };
            let (who, episode) = (who(&self.mind.key, &incident.opened.who), incident.opened.episode);
            let last = incident.last_record();
            let ended = incident.acts.iter().find_map(|(_, _, act)| if let Act::Ended { last, .. } = act { Some(*last) } else { None });
            if incident.is_ended {
                self.mind.episodes.stated_over(who, theme, ended.unwrap_or(last));
            } else {
                stated.insert((who, theme, episode));
                let signals = u32::try_from(incident.signs()).unwrap_or(u32::MAX);
                let open = Open { is_closed: incident.closed.is_some(), ..Open::stated(episode, incident.level, last, signals) };
                self.mind.episodes.stated_open(who, theme, open.clone(), incident.back_with());
                for part in incident.parts() {
                    let (Some(of), Some(last)) = (Theme::named(part.theme), part.records.iter().max()) else { continue };
                    stated.insert((who, of, episode));
                    let open = Open { part_of: Some(theme), ..Open::stated(episode, Level::Concern, *last, 1) };
                    self.mind.episodes.stated_part(who, of, open);
                }
            }
        }
        for act in &self.mind.pending {
            match act {
                Act::Opened(opened) => stated.extend(Theme::named(&opened.theme).map(|theme| (who(&self.mind.key, &opened.who), theme, opened.episode))),
                Act::Joined { episode, also, .. } | Act::Worsened { episode, also: Some(also), .. } => {
                    let of_it = stated.iter().find(|(_, _, known)| known == episode).map(|(who, ..)| *who);
                    stated.extend(of_it.zip(Theme::named(also)).map(|(who, also)| (who, also, *episode)));
                }
                _ => {}
            }
        }
        self.mind.episodes.keep_open(|who, theme, episode| stated.contains(&(who, theme, episode)));
        let closed = incidents.iter().filter(|incident| !incident.is_ended).filter_map(|incident| Some((incident, incident.closed?.0)));
        closed.flat_map(|(incident, at)| self.mind.dealt_with(incident.opened.episode, &incident.opened.theme, at, &self.book)).collect()
    }

    fn go_on(&mut self, kept: Kept, incidents: &[Incident]) -> Result<(), Unable> {
        self.mind.episodes = Episodes::default();
        for (who, theme, matter) in kept.matters.into_iter().filter_map(Of::read) {
            self.mind.episodes.restore(who, theme, matter);
        }
        self.mind.pending = kept.pending.into();
        let again = self.settle(incidents);
        (self.position, self.erased) = (kept.position, kept.erased);
        let back = |ms: u64| RecordId::first_of(kept.position.unix_ms().saturating_sub(ms));
        let (late, looks_back) = (back(OVERLAP_MS), u64::try_from(self.mind.hooks.looks_back().as_millis()).unwrap_or(u64::MAX).min(BACK_ALL_MS));
        let from = back(looks_back.max(OVERLAP_MS).max(ways::BACK_MS).max(sitting::WITHIN_MS));
        self.each(Filter { after: Some(from), ..Filter::default() }, |worker, read| {
            let seen = read.seen();
            if seen.id > kept.position {
                return worker.whole(&read, Tells::Yes);
            }
            // The rules only learn what was; what they say of it was taken.
            if looks_back > 0 {
                let _ = worker.mind.hooks.rules(&seen);
                let _ = worker.mind.hooks.limits(&seen);
            }
            worker.mind.learn(&seen, &worker.book);
            if seen.id > late {
                worker.mind.ended(&read, &worker.book, Tells::Yes);
            }
        })?;
        for id in kept.open.iter().rev().filter(|id| **id <= late).take(MOST_REREAD) {
            self.reread(*id)?;
        }
        again.into_iter().try_for_each(|id| self.take_again(id))
    }

    fn begin_anew(&mut self, incidents: &[Incident], before: RecordId, quiet_to: u64) -> Result<(), Unable> {
        self.mind.episodes = Episodes::default();
        // What came after it is read below.
        let _ = self.settle(incidents);
        let now = unix_ms((self.clock)());
        let since = |ms: u64| RecordId::first_of(now.saturating_sub(ms));
        for (back, class) in [(BACK_FAR_MS, Some(Class::Search)), (BACK_FAR_MS, Some(Class::Blocked)), (BACK_ALL_MS, None)] {
            let filter = Filter { after: Some(since(back)), before: Some(RecordId(before.0 + 1)), class, ..Filter::default() };
            self.mind.is_whole = class.is_none();
            self.mind.reads_again();
            self.each(filter, |worker, read| {
                let tells = if read.seen().id.unix_ms() > quiet_to { Tells::Yes } else { Tells::No };
                worker.whole(&read, tells);
            })?;
        }
        self.position = self.position.max(before);
        self.read(Filter { after: Some(before), ..Filter::default() }, Tells::Yes)
    }

    /// States what is pending, and hands on what is stated.
    fn state(&mut self, journal: &mut Journal) {
        while let Some(act) = self.mind.pending.front() {
            match journal.state_act((self.clock)(), act) {
                Ok(_) => {
                    self.mind.pending.pop_front();
                }
                Err(error) => return self.fails(&error),
            }
        }
        if let Err(error) = self.hand_on(journal).and_then(|()| self.erase(journal)) {
            return self.fails(&error);
        }
        if std::mem::take(&mut self.is_failing) {
            events::AlertsRecovered.emit();
        }
    }

    fn fails(&mut self, error: &JournalError) {
        if !std::mem::replace(&mut self.is_failing, true) {
            events::AlertsFailed { error }.emit();
        }
    }

    fn hand_on(&mut self, journal: &Journal) -> Result<(), JournalError> {
        loop {
            let statements = journal.reader().about_some(Topic::Alert, self.stated, 256)?;
            let Some(last) = statements.last() else { return Ok(()) };
            self.stated = last.number;
            for statement in &statements {
                let Some(act) = statement.read::<Act>() else { continue };
                self.mind.hooks.stated(statement.number, statement.at, &act);
                if let Act::Closed { episode, theme, .. } = &act {
                    for id in self.mind.dealt_with(*episode, theme, statement.at, &self.book) {
                        self.patiently(|worker| worker.take_again(id));
                    }
                }
            }
        }
    }

    /// Keeps what is known.
    fn keep(&mut self) {
        let late = RecordId::first_of(self.position.unix_ms().saturating_sub(OVERLAP_MS));
        let mut open: Vec<RecordId> = self.open.range(..=late).rev().take(MOST_REREAD).map(|(id, _)| *id).collect();
        open.reverse();
        let matters = self.mind.episodes.matters().map(|(who, theme, matter)| Of::new(who, theme, matter)).collect();
        let pending = self.mind.pending.iter().cloned().collect();
        // First what may be newer than the rest.
        let is_kept = self.path.parent().map_or(Ok(()), |folder| self.mind.watch.keep(folder));
        let kept = Kept { form: FORM, position: self.position, unread: None, open, matters, pending, erased: self.erased };
        self.wrote(is_kept.and_then(|()| kept.write(&self.path)));
    }

    fn write(&mut self, kept: &Kept) {
        self.wrote(kept.write(&self.path));
    }

    /// That what is known cannot be kept is said once.
    fn wrote(&mut self, done: std::io::Result<()>) {
        match done {
            Ok(()) => self.is_unkept = false,
            Err(error) => {
                if !std::mem::replace(&mut self.is_unkept, true) {
                    events::AlertsNotKept { error: &error }.emit();
                }
            }
        }
    }
}

/// The time of the last record that somebody was told of, in Unix milliseconds: what came after it is told. If nobody ever was, nobody is of what was before.
fn last_told(incidents: &[Incident]) -> u64 {
    let at = |act: &Act| match act {
        Act::Opened(opened) => Some(opened.at_ms),
        Act::Worsened { at_ms, .. } => Some(*at_ms),
        _ => None,
    };
    incidents.iter().flat_map(|incident| &incident.acts).filter_map(|(_, _, act)| at(act)).max().unwrap_or(u64::MAX)
}

fn unix_ms(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or(0)
}

/// The newest record there is.
fn newest(log: &Folder) -> Option<RecordId> {
    let log = Log::open(log).ok()?;
    let page = Unshown::of(&log).search(&Filter { limit: 1, ..Filter::default() }).ok()?;
    Some(page.rows.first().map_or(RecordId(0), |row| row.number))
}
