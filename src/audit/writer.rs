//! The one thread that writes: it takes all that waits, writes it in one transaction, and tells those who wait.

use super::chain::Heads;
use super::folder::Folder;
use super::live::{Live, LiveError};
use super::record::{Closing, RecordId};
use super::recorder::{Commit, MANY, Queue, Settings, Shared, Sync};
use super::sealer::Sealer;
use crate::telemetry::events;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long endings may wait for others, so that each does not cost a transaction of its own.
const ENDINGS_WAIT: Duration = Duration::from_millis(20);
/// The most time between two transactions, unless many wait. Each costs about as much as twenty rows, so under load requests share one.
const SPACING: Duration = Duration::from_millis(5);
/// The time that each request of the last transaction adds until the next. Below some ten thousand requests a second this settles at next to
/// nothing, and a request waits for the transaction only; above, at the most.
const SPACING_EACH: Duration = Duration::from_micros(100);
/// The most endings kept while the log cannot be written.
const MOST_ENDINGS_KEPT: usize = 200_000;
/// After how many more records a new file is tried for again, where none could be made.
const TRY_AGAIN: u64 = 1000;
/// How far a clock may go back before it is told.
const CLOCK_SLACK_MS: u64 = 2000;
/// A day, as the reference numbers count it: UTC.
pub(super) const DAY_MS: u64 = 86_400_000;

pub(super) struct Writer {
    folder: Folder,
    settings: Settings,
    shared: Arc<Shared>,
    sealer: Sealer,
    store: Option<Live>,
    /// The number of the live file.
    number: u64,
    heads: Heads,
    /// The records that are open.
    open: HashSet<RecordId>,
    /// Endings that could not be written yet.
    kept: Vec<Closing>,
    /// How many requests were refused since.
    refused: u64,
    /// How many records the file may hold before a new one is begun.
    full_at: u64,
    /// The day of the last record, or of the file if that is later, in days since 1970.
    day: u64,
    last_time: u64,
}

impl Writer {
    pub(super) fn new(folder: Folder, settings: Settings, shared: Arc<Shared>, sealer: Sealer, begun: Begun) -> Self {
        let Begun { live, number, heads, last } = begun;
        let (full_at, day) = (settings.rows, last.unix_ms() / DAY_MS);
        Self {
            folder,
            settings,
            shared,
            sealer,
            store: Some(live),
            number,
            heads,
            open: HashSet::new(),
            kept: Vec::new(),
            refused: 0,
            full_at,
            day,
            last_time: 0,
        }
    }

    /// Writes until the recorder is closed and all that was queued is written.
    pub(super) fn run(mut self) {
        let mut next = Instant::now();
        while self.wait() {
            let queue = self.gather(next);
            let spacing = SPACING_EACH * u32::try_from(queue.openings.len()).unwrap_or(u32::MAX);
            self.write(queue);
            next = Instant::now() + spacing.min(SPACING);
        }
        if !self.kept.is_empty() {
            self.write(Queue::default());
        }
        self.store = None;
        self.sealer.finish();
        if let Some(followed) = self.shared.followed.get() {
            followed.end();
        }
        self.shared.queue.lock().stopped = true;
        self.shared.done.notify_all();
    }

    /// Waits for something to write; false when no more will come.
    fn wait(&self) -> bool {
        let mut queue = self.shared.queue.lock();
        loop {
            if !queue.openings.is_empty() || queue.today.is_some() || (queue.closing && !queue.closings.is_empty()) {
                return true;
            }
            if queue.closing {
                return false;
            }
            queue.idle = true;
            if queue.closings.is_empty() {
                self.shared.work.wait(&mut queue);
            } else if self.shared.work.wait_for(&mut queue, ENDINGS_WAIT).timed_out() {
                queue.idle = false;
                return true;
            }
            queue.idle = false;
        }
    }

    /// Takes what waits at this time, or as soon as many wait.
    fn gather(&self, until: Instant) -> Queue {
        let mut queue = self.shared.queue.lock();
        queue.gathering = true;
        while queue.openings.len() < MANY && !queue.closing && !self.shared.work.wait_until(&mut queue, until).timed_out() {}
        queue.gathering = false;
        queue.take()
    }

    fn write(&mut self, mut queue: Queue) {
        self.kept.append(&mut queue.closings);
        let writes = !queue.openings.is_empty() || !self.kept.is_empty();
        match self.commit(&queue.openings, queue.today) {
            Ok(()) => {
                // That nothing could be written says nothing of a full disk.
                if writes {
                    self.recovered();
                }
                answer(queue.openings, &Ok(()));
            }
            Err(error) => {
                // The connection may be broken beyond the transaction: the next attempt opens it anew.
                self.store = None;
                self.failed(&queue, &error);
                answer(queue.openings, &Err(error.into()));
            }
        }
    }

    fn commit(&mut self, openings: &[Commit], today: Option<u64>) -> Result<(), String> {
        let mut live = match self.store.take() {
            Some(live) => live,
            None => self.open_again().map_err(|error| error.to_string())?,
        };
        let today = openings.last().map(|commit| commit.id.unix_ms() / DAY_MS).max(today).unwrap_or_default();
        if self.is_full(&live, today) {
            live = self.turn(live, today);
        }
        self.open.extend(openings.iter().map(|commit| commit.id));
        // An ending of a record that was never committed ends nothing.
        let (open, kept) = (&self.open, &mut self.kept);
        kept.retain(|closing| open.contains(&closing.id));
        let written = live.write(&mut self.heads, openings.iter().map(|commit| (commit.id, &*commit.opening)), kept);
        match written {
            Ok(()) => {
                for closing in &self.kept {
                    self.open.remove(&closing.id);
                }
                match self.shared.followed.get() {
                    Some(followed) => followed.add(openings.iter().map(|commit| (commit.id, &commit.opening)), self.kept.drain(..)),
                    None => self.kept.clear(),
                }
                self.store = Some(live);
                self.look_at_clock(openings);
                Ok(())
            }
            Err(error) => {
                openings.iter().for_each(|commit| {
                    self.open.remove(&commit.id);
                });
                Err(error.to_string())
            }
        }
    }

    /// Opens the live file after a failure. What it holds counts, whatever was answered then.
    fn open_again(&mut self) -> Result<Live, LiveError> {
        let (live, heads, _) = Live::open(&self.folder.live(self.number), self.settings.sync == Sync::Power)?;
        self.heads = heads;
        Ok(live)
    }

    fn is_full(&self, live: &Live, today: u64) -> bool {
        live.rows >= self.full_at || (live.holds_any() && today > self.day)
    }

    /// Begins a new live file and hands the old one over to be sealed. If that cannot be done, the old one serves on.
    fn turn(&mut self, old: Live, today: u64) -> Live {
        let next = self.number + 1;
        let whole = self.settings.sync == Sync::Power;
        let begun = old
            .carry(self.open.iter().copied())
            .map_err(LiveError::from)
            .and_then(|carried| Live::create(&self.folder.live(next), whole, &self.heads, &carried));
        match begun {
            Ok(new) => {
                self.sealer.seal(self.number, old);
                self.number = next;
                self.full_at = self.settings.rows;
                // What ends from here on without a request is of this day.
                self.day = self.day.max(today);
                new
            }
            Err(error) => {
                events::LogNotTurned { path: &self.folder.live(next), error: &error.to_string() }.emit();
                // What was begun of it would be taken for the newest at the next start.
                let _ = self.folder.remove_live(next);
                self.full_at = old.rows + TRY_AGAIN;
                old
            }
        }
    }

    fn look_at_clock(&mut self, openings: &[Commit]) {
        for commit in openings {
            let time = commit.opening.time_ms;
            if time + CLOCK_SLACK_MS < self.last_time {
                self.sealer.clock_went_back(self.last_time, time);
            }
            self.last_time = time;
            self.day = self.day.max(commit.id.unix_ms() / DAY_MS);
        }
    }

    fn failed(&mut self, queue: &Queue, error: &str) {
        if !self.shared.failing.swap(true, Ordering::Relaxed) {
            events::LogFailed { path: self.folder.path(), error }.emit();
        }
        self.refused += queue.openings.len() as u64;
        if self.kept.len() > MOST_ENDINGS_KEPT {
            self.kept.drain(..self.kept.len() - MOST_ENDINGS_KEPT);
        }
    }

    fn recovered(&mut self) {
        if self.shared.failing.swap(false, Ordering::Relaxed) {
            events::LogRecovered { path: self.folder.path(), refused: self.refused }.emit();
            self.sealer.recovered(self.refused);
            self.refused = 0;
        }
    }
}

/// The live file as it is at the start.
pub(super) struct Begun {
    pub(super) live: Live,
    pub(super) number: u64,
    pub(super) heads: Heads,
    /// The last record.
    pub(super) last: RecordId,
}

impl Begun {
    /// Goes on with the newest live file, or begins the first. `sealed` is the last that is sealed, `after` the heads there.
    pub(super) fn at(folder: &Folder, sync: Sync, sealed: u64, after: &Heads, last_sealed: RecordId) -> Result<Self, LiveError> {
        let whole = sync == Sync::Power;
        let numbers = folder.lives().unwrap_or_default();
        for number in numbers.into_iter().rev().filter(|number| *number > sealed) {
            match Live::open(&folder.live(number), whole) {
                Ok((live, heads, last)) => return Ok(Self { live, number, heads, last: last.max(last_sealed) }),
                // Usher was killed while it made this one: nothing is in it yet.
                Err(LiveError::Form(0)) => folder.remove_live(number)?,
                Err(error) => return Err(error),
            }
        }
        let live = Live::create(&folder.live(sealed + 1), whole, after, &[])?;
        Ok(Self { live, number: sealed + 1, heads: *after, last: last_sealed })
    }
}

fn answer(openings: Vec<Commit>, result: &Result<(), Arc<str>>) {
    for commit in openings {
        // Nobody waits any more if the client went away; the record stands and closes as abandoned.
        let _ = commit.done.send(result.clone());
    }
}
