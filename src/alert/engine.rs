//! From records to statements: one thread takes what is committed, makes signals and episodes of it, and states each step in the journal.
//!
//! ```text
//! Feed ─▶ signals ─▶ Hooks: suppressed? rules? ─▶ Episodes ─▶ Step ─▶ pending ─▶ Journal::state_act
//! ```
//!
//! A step is pending until it is stated. Where the journal cannot be written that is said once, and tried each second. What the feed lost is read from the
//! log. Every statement about an alert, whoever stated it, goes to [`Hooks::stated`], in the order of the journal. Whoever tells people reads the journal too.
//!
//! # Killed
//!
//! | when | then |
//! | --- | --- |
//! | before a step is stated | `engine.json` is older; the start reads the log from there and takes the same step |
//! | after it | the start knows it from the journal; taken again, its key is refused |
//! | before anything was read | how far the record went is kept before the first request is taken: what comes after it is told |

use super::episode::{Episodes, Open, Step, Who};
use super::rebuild::{FORM, Kept, MOST_REREAD, OVERLAP_MS, Of, Pages};
use super::seen::{Read, Seen};
use super::signal::{self, Book, SelfTest, Signal};
use super::theme::Theme;
use super::weights::Weights;
use crate::audit::follow::{Committed, Feed, Taken};
use crate::audit::incident::{Act, Incident, Level, Opened, Person, fold};
use crate::audit::journal::{Journal, JournalError, Reader, Topic};
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, LogError};
use crate::audit::remark::Remark;
use crate::audit::{Class, Closing, Folder, Opening, RecordId};
use crate::files;
use crate::outputs::Clock;
use crate::snapshot::{InForce, Snapshot};
use crate::telemetry::events;
use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the feed is waited for.
const WAIT: Duration = Duration::from_millis(250);
/// How long more is gathered: each waking costs more than a record.
const GATHER: Duration = Duration::from_millis(25);
/// How long the end is waited for.
const LONGEST_END: Duration = Duration::from_secs(5);
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
const BACK_MS: u64 = 14 * 86_400_000;
const BACK_ALL_MS: u64 = 2 * 3_600_000;
/// The file that is kept.
const FILE: &str = "engine.json";

/// What else has a say. The default says nothing.
pub trait Hooks: Send {
    /// This is stated; at the start all that ever was.
    fn stated(&mut self, _number: u64, _at_ms: i64, _act: &Act) {}

    /// Whether a signal counts for nothing.
    fn is_suppressed(&mut self, _seen: &Seen<'_>, _signal: &Signal) -> bool {
        false
    }

    /// The school's rules that hold now, with what they come to.
    fn rules(&mut self, _seen: &Seen<'_>) -> Vec<(Theme, Level, Box<str>)> {
        Vec::new()
    }

    /// That somebody's access is to be restricted, if this record is one too many.
    fn limits(&mut self, _seen: &Seen<'_>) -> Option<Act> {
        None
    }

    /// How far back rules and limits look: after a start they are shown so much of the record again, at most two hours.
    fn looks_back(&self) -> Duration {
        Duration::ZERO
    }

    /// Where this address is.
    fn place(&self, _client: IpAddr) -> Option<String> {
        None
    }
}

/// Has no say.
pub struct NoHooks;

impl Hooks for NoHooks {}

/// How the weights are made for what is in force: asked again whenever something else is.
pub type WeightsOf = Box<dyn Fn(&Snapshot) -> Weights + Send>;

/// What an engine works with.
pub struct Setup {
    /// The log.
    pub log: Folder,
    /// Where the engine keeps what it knows.
    pub folder: PathBuf,
    /// What is committed.
    pub feed: Feed,
    /// What is in force.
    pub in_force: Arc<InForce>,
    /// The weights.
    pub weights: WeightsOf,
    /// What else has a say.
    pub hooks: Box<dyn Hooks>,
    /// Usher's own names.
    pub own: Vec<Box<str>>,
    /// What time it is.
    pub clock: Clock,
    /// The secret of the installation.
    pub secret: [u8; 32],
}

/// The engine, at work until it is stopped or dropped.
pub struct Engine {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    is_asked: Mutex<bool>,
    wake: Condvar,
}

impl Stop {
    fn ask(&self) {
        *self.is_asked.lock() = true;
        self.wake.notify_all();
    }

    fn is_asked(&self) -> bool {
        *self.is_asked.lock()
    }

    /// Waits for so long; whether it is asked to stop.
    fn wait(&self, how_long: Duration) -> bool {
        let mut is_asked = self.is_asked.lock();
        if !*is_asked {
            self.wake.wait_for(&mut is_asked, how_long);
        }
        *is_asked
    }
}

impl Engine {
    /// Starts it: before the first request is taken, so that it knows what was before.
    ///
    /// # Errors
    /// If its folder cannot be made, or no thread started.
    pub fn start(setup: Setup) -> std::io::Result<Self> {
        files::private_folder(&setup.folder)?;
        let stop = Arc::new(Stop::default());
        let mut worker = Worker::new(setup, stop.clone());
        worker.mark();
        let thread = std::thread::Builder::new().name("usher-alerts".into()).spawn(move || worker.run())?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Whether it is at work.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Waits until it has taken all that was committed, some seconds at most: what it has not, it takes after the next start. The recorder is finished before.
    pub fn finish(mut self) {
        let until = Instant::now() + LONGEST_END;
        while self.is_running() && Instant::now() < until {
            self.stop.wait(GATHER);
        }
        self.stop.ask();
        if let Some(thread) = self.thread.take() {
            // A panic there has been told already.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.ask();
    }
}

/// Whether somebody is told of what a record says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tells {
    Yes,
    /// It was before Usher looked for it.
    No,
}

/// What is known, and what is to be stated.
struct Mind {
    hooks: Box<dyn Hooks>,
    episodes: Episodes,
    pending: VecDeque<Act>,
    key: [u8; 32],
}

impl Mind {
    /// Takes a record that was opened.
    fn opened(&mut self, seen: &Seen<'_>, book: &Book, tells: Tells) {
        let mut signals = signal::signals(seen, book);
        if !book.is_ours(seen)
            && let Some(act) = self.hooks.limits(seen)
            && tells == Tells::Yes
        {
            self.pending.push_back(act);
        }
        let rules = self.hooks.rules(seen);
        if !rules.is_empty() && !book.is_ours(seen) {
            signals.extend(rules.iter().map(|(theme, level, name)| signal::of_rule(seen, book, (*theme, *level, name))));
        }
        if !signals.is_empty() {
            self.take(seen, signals, book, tells);
        }
    }

    /// Takes what was remarked of one when it was closed.
    fn remarked(&mut self, seen: &Seen<'_>, remarks: &[Remark], book: &Book, tells: Tells) {
        let signals = signal::remarked(seen, remarks, book);
        if !signals.is_empty() {
            self.take(seen, signals, book, tells);
        }
    }

    fn take(&mut self, seen: &Seen<'_>, signals: signal::Signals, book: &Book, tells: Tells) {
        let person = seen.person();
        let who = who(&self.key, &person);
        for signal in signals {
            if self.hooks.is_suppressed(seen, &signal) {
                continue;
            }
            if tells == Tells::No {
                self.episodes.take_quietly(who, signal, &book.weights);
                continue;
            }
            for step in self.episodes.take(who, signal, &book.weights) {
                let act = self.act(step, Some((seen, &person)), book);
                self.pending.extend(act);
            }
        }
    }

    fn tick(&mut self, now_ms: u64, book: &Book) {
        for step in self.episodes.tick(now_ms, &book.weights) {
            let act = self.act(step, None, book);
            self.pending.extend(act);
        }
    }

    /// What is stated of a step. Only a record opens an episode.
    fn act(&self, step: Step, of: Option<(&Seen<'_>, &Person)>, book: &Book) -> Option<Act> {
        Some(match step {
            Step::Open(begun) => {
                let (seen, person) = of?;
                Act::Opened(Box::new(Opened {
                    episode: begun.episode,
                    theme: begun.theme.as_str().to_owned(),
                    level: begun.level,
                    who: person.clone(),
                    group: seen.group.to_owned(),
                    is_staff: seen.class == Class::Staff,
                    confidence: seen.confidence.to_owned(),
                    place: self.hooks.place(seen.client),
                    client: seen.client.to_string(),
                    at_ms: begun.at_ms,
                    rule: begun.rule,
                    factors: begun.factors,
                    records: begun.records,
                    unseen: unseen(seen, book),
                }))
            }
            Step::Worse { episode, theme, level, at_ms, factors, records } => {
                Act::Worsened { episode, theme: theme.as_str().to_owned(), level, at_ms, factors, records }
            }
            Step::End { episode, theme, at_ms, signals, last } => Act::Ended { episode, theme: theme.as_str().to_owned(), at_ms, signals, last },
        })
    }
}

/// A person as a number that says nothing to whoever has not the secret.
fn who(key: &[u8; 32], person: &Person) -> Who {
    let (kind, name) = match person {
        Person::User(name) => ("user", name),
        Person::Device(address) => ("device", address),
    };
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(kind.as_bytes()).update(&[0]).update(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Who(u128::from_le_bytes(bytes))
}

/// What could not be seen, a sentence each.
fn unseen(seen: &Seen<'_>, book: &Book) -> Vec<String> {
    let all = [
        (seen.user.is_none(), "It is known at which device it was, not who sat there."),
        (seen.path.is_empty(), "The connection was sealed: only the name of the site was seen."),
        (book.unread.iter().any(|group| **group == *seen.group), "The words of pages are not read for this group."),
    ];
    all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words.to_owned()).collect()
}

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

struct Worker {
    log: Folder,
    path: PathBuf,
    feed: Feed,
    in_force: Arc<InForce>,
    weights: WeightsOf,
    own: Vec<Box<str>>,
    clock: Clock,
    secret: [u8; 32],
    stop: Arc<Stop>,
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
    is_failing: bool,
    is_unread: bool,
    is_unkept: bool,
}

impl Worker {
    fn new(setup: Setup, stop: Arc<Stop>) -> Self {
        let Setup { log, folder, feed, in_force, weights, hooks, own, clock, secret } = setup;
        let now = unix_ms(clock());
        // What comes from here on is told, whenever the thread comes to it.
        let before = newest(&log).unwrap_or(RecordId::first_of(now));
        let snapshot = in_force.get();
        let book = Book::new(weights(&snapshot), &snapshot, own.clone(), SelfTest::new(&secret));
        let key = blake3::derive_key("usher 2026 people of alerts", &secret);
        let mind = Mind { hooks, episodes: Episodes::default(), pending: VecDeque::new(), key };
        let path = folder.join(FILE);
        let (position, open) = (RecordId(0), BTreeMap::new());
        let (stated, is_failing, is_unread, is_unkept) = (0, false, false, false);
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
            snapshot,
            book,
            mind,
            position,
            before,
            open,
            stated,
            is_failing,
            is_unread,
            is_unkept,
        }
    }

    fn run(mut self) {
        let Some(mut journal) = self.patiently(|worker| Ok(Journal::open(&worker.log)?)) else { return };
        if self.patiently(|worker| worker.begin(&journal)).is_none() {
            return;
        }
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
                    return self.keep();
                }
            }
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
            self.mind.remarked(&read.seen(), &read.remarks(), &self.book, Tells::Yes);
        }
        Ok(())
    }

    /// Reads records and takes them. Those that are open are not remembered: should they end with a remark, they are read again.
    fn read(&mut self, filter: Filter, tells: Tells) -> Result<(), Unable> {
        self.each(filter, |worker, read| worker.whole(&read, tells))
    }

    fn whole(&mut self, read: &Read, tells: Tells) {
        let seen = read.seen();
        self.mind.opened(&seen, &self.book, tells);
        self.mind.remarked(&seen, &read.remarks(), &self.book, tells);
        self.position = self.position.max(seen.id);
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
    fn mark(&mut self) {
        if Kept::read(&self.path).is_none() {
            let incidents = Reader::open(&self.log).and_then(|reader| reader.about(Topic::Alert, 0)).map(|statements| fold(&statements)).unwrap_or_default();
            self.write(&Kept {
                form: FORM,
                position: self.before,
                unread: Some(last_told(&incidents)),
                open: Vec::new(),
                matters: Vec::new(),
                pending: Vec::new(),
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
    fn settle(&mut self, incidents: &[Incident]) {
        let mut stated = BTreeSet::new();
        for incident in incidents {
            let Some(theme) = Theme::named(&incident.opened.theme) else { continue };
            let (who, episode) = (who(&self.mind.key, &incident.opened.who), incident.opened.episode);
            let last = incident.records.iter().copied().max().unwrap_or(episode);
            let ended = incident.acts.iter().find_map(|(_, _, act)| if let Act::Ended { last, .. } = act { Some(*last) } else { None });
            if incident.is_ended {
                self.mind.episodes.stated_over(who, theme, ended.unwrap_or(last));
            } else {
                stated.insert((who, theme, episode));
                let signals = u32::try_from(incident.records.len()).unwrap_or(u32::MAX);
                self.mind.episodes.stated_open(who, theme, Open { episode, level: incident.level, last, signals });
            }
        }
        for act in &self.mind.pending {
            if let Act::Opened(opened) = act
                && let Some(theme) = Theme::named(&opened.theme)
            {
                stated.insert((who(&self.mind.key, &opened.who), theme, opened.episode));
            }
        }
        self.mind.episodes.keep_open(|who, theme, episode| stated.contains(&(who, theme, episode)));
    }

    fn go_on(&mut self, kept: Kept, incidents: &[Incident]) -> Result<(), Unable> {
        self.mind.episodes = Episodes::default();
        for (who, theme, matter) in kept.matters.into_iter().filter_map(Of::read) {
            self.mind.episodes.restore(who, theme, matter);
        }
        self.mind.pending = kept.pending.into();
        self.settle(incidents);
        self.position = kept.position;
        let back = |ms: u64| RecordId::first_of(kept.position.unix_ms().saturating_sub(ms));
        let (late, looks_back) = (back(OVERLAP_MS), u64::try_from(self.mind.hooks.looks_back().as_millis()).unwrap_or(u64::MAX).min(BACK_ALL_MS));
        let from = back(looks_back.max(OVERLAP_MS));
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
            if seen.id > late {
                worker.mind.remarked(&seen, &read.remarks(), &worker.book, Tells::Yes);
            }
        })?;
        for id in kept.open.iter().rev().filter(|id| **id <= late).take(MOST_REREAD) {
            self.reread(*id)?;
        }
        Ok(())
    }

    fn begin_anew(&mut self, incidents: &[Incident], before: RecordId, quiet_to: u64) -> Result<(), Unable> {
        self.mind.episodes = Episodes::default();
        self.settle(incidents);
        let now = unix_ms((self.clock)());
        let since = |ms: u64| RecordId::first_of(now.saturating_sub(ms));
        for (back, class) in [(BACK_MS, Some(Class::Search)), (BACK_MS, Some(Class::Blocked)), (BACK_ALL_MS, None)] {
            let filter = Filter { after: Some(since(back)), before: Some(RecordId(before.0 + 1)), class, ..Filter::default() };
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
        if let Err(error) = self.hand_on(journal) {
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
                if let Some(act) = statement.read::<Act>() {
                    self.mind.hooks.stated(statement.number, statement.at, &act);
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
        self.write(&Kept { form: FORM, position: self.position, unread: None, open, matters, pending });
    }

    fn write(&mut self, kept: &Kept) {
        match kept.write(&self.path) {
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
