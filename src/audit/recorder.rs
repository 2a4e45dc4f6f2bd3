//! The handle requests are recorded through, and the promise that each record is finished.

use super::folder::{Folder, LockError};
use super::follow::{Feed, Kept};
use super::journal::JournalError;
use super::live::LiveError;
use super::record::{Class, Closing, Opening, Outcome, RecordId};
use super::remark::{Remark, Remarks};
use super::sealer::Sealer;
use super::writer::{Begun, DAY_MS, Writer};
use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use std::fs::File;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The most requests that may wait for their commit. A full queue means the disk does not keep up; more are refused.
const MOST_WAITING: usize = 16_384;
/// As many requests as are committed at once without waiting for more.
pub(super) const MANY: usize = 32;
/// The longest a request waits for its commit.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a committed record survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// The end of the process, in whatever way.
    Process,
    /// A power cut too: the disk is made to finish each write, some milliseconds a commit.
    Power,
}

/// How records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What a committed record survives.
    pub sync: Sync,
    /// How many records a live file holds before it is sealed.
    pub rows: u64,
}

impl Settings {
    /// As many records as are sealed at a time by default: looking through the live ones takes some milliseconds, and sealing them some 20 MB.
    pub const ROWS: u64 = 65_536;
    /// How few may be, and how many: each seal costs some files and a signed statement, and holds what it seals in memory. With more than these, somebody
    /// who gives another browser with each request could make a dictionary that is too large to be read again.
    pub const ROWS_ALLOWED: RangeInclusive<u64> = 100..=100_000;
}

impl Default for Settings {
    fn default() -> Self {
        Self { sync: Sync::Process, rows: Self::ROWS }
    }
}

/// A request could not be put on record, so it must be refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecorded {
    /// The log cannot be written.
    #[error("the log cannot be written: {0}")]
    Failing(Arc<str>),
    /// More requests wait for the log than it can take.
    #[error("the log does not keep up")]
    Overloaded,
    /// Usher is stopping.
    #[error("the log is closed")]
    Closed,
}

pub(super) struct Commit {
    pub(super) id: RecordId,
    pub(super) opening: Arc<Opening>,
    pub(super) done: oneshot::Sender<Result<(), Arc<str>>>,
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) openings: Vec<Commit>,
    pub(super) closings: Vec<Closing>,
    /// The last number given. Given under the lock, so that records are committed in the order of their numbers: who follows the record by number
    /// misses none.
    last: u64,
    /// The day it is, in days since 1970, if somebody has looked: a file with records of an earlier one is to be sealed.
    pub(super) today: Option<u64>,
    /// No more will come.
    pub(super) closing: bool,
    /// The writer waits for something to do and must be woken.
    pub(super) idle: bool,
    /// It waits for more to come, and must be woken when that is many.
    pub(super) gathering: bool,
    pub(super) stopped: bool,
}

impl Queue {
    pub(super) fn take(&mut self) -> Self {
        Self { openings: std::mem::take(&mut self.openings), closings: std::mem::take(&mut self.closings), today: self.today.take(), ..Self::default() }
    }
}

pub(super) struct Shared {
    /// Whether the last that was to be written could not be.
    pub(super) failing: AtomicBool,
    pub(super) queue: Mutex<Queue>,
    pub(super) work: Condvar,
    pub(super) done: Condvar,
    /// Who follows what is committed.
    pub(super) followed: OnceLock<Arc<Kept>>,
}

/// Puts requests on record. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
    /// Held as long as records may be written.
    _lock: Arc<File>,
}

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program writes it, or the folder cannot be made.
    #[error("the log {} cannot be used: {error}", path.display())]
    Lock {
        /// Where it is.
        path: PathBuf,
        /// Why.
        error: LockError,
    },
    /// The live file cannot be opened.
    #[error("the log {} cannot be opened: {error}; check that the data folder is yours to write and the disk is not full", path.display())]
    Open {
        /// Where it is.
        path: PathBuf,
        /// Why.
        error: LiveError,
    },
    /// The journal cannot be opened.
    #[error("the log {} cannot be opened: {error}; check that the data folder is yours to write and the disk is not full", path.display())]
    Journal {
        /// Where it is.
        path: PathBuf,
        /// Why.
        error: JournalError,
    },
    /// No thread could be started.
    #[error("the log's thread cannot be started: {0}")]
    Thread(std::io::Error),
}

impl Recorder {
    /// Opens the log in this folder, made if need be, and starts its writer.
    pub fn start(folder: &Folder, settings: Settings) -> Result<Self, StartError> {
        let path = || folder.path().to_owned();
        let lock = folder.lock().map_err(|error| StartError::Lock { path: path(), error })?;
        let (sealer, sealed) = Sealer::start(folder).map_err(|error| StartError::Journal { path: path(), error })?;
        let begun = Begun::at(folder, settings.sync, sealed.live, &sealed.heads, sealed.last).map_err(|error| StartError::Open { path: path(), error })?;
        sealer.seal_before(begun.number);
        let queue = Mutex::new(Queue { last: begun.last.0, ..Queue::default() });
        let shared = Arc::new(Shared { failing: AtomicBool::new(false), queue, work: Condvar::new(), done: Condvar::new(), followed: OnceLock::new() });
        let writer = Writer::new(folder.clone(), settings, shared.clone(), sealer, begun);
        std::thread::Builder::new().name("usher-log".into()).spawn(move || writer.run()).map_err(StartError::Thread)?;
        Ok(Self { shared, _lock: Arc::new(lock) })
    }

    /// Whether the last that was to be written could not be.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }

    /// Follows what is committed from here on. For one reader: a second takes part of what the first would.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed::of(self.shared.followed.get_or_init(Arc::default))
    }

    /// Puts a request on record. When this returns a [`Pending`], the record is committed.
    pub async fn open(&self, opening: impl Into<Arc<Opening>>) -> Result<Pending, Unrecorded> {
        let opening: Arc<Opening> = opening.into();
        let (done, committed) = oneshot::channel();
        let class = opening.class;
        let pending = Pending::new(self.clone(), self.enqueue(opening, done)?, class);
        match tokio::time::timeout(LONGEST_WAIT, committed).await {
            Ok(Ok(Ok(()))) => Ok(pending),
            Ok(Ok(Err(error))) => Err(pending.unrecorded(Unrecorded::Failing(error))),
            Ok(Err(_)) => Err(pending.unrecorded(Unrecorded::Closed)),
            // It may be committed yet: the pending record then closes as abandoned.
            Err(_) => Err(Unrecorded::Overloaded),
        }
    }

    fn enqueue(&self, opening: Arc<Opening>, done: oneshot::Sender<Result<(), Arc<str>>>) -> Result<RecordId, Unrecorded> {
        let mut queue = self.shared.queue.lock();
        if queue.closing {
            return Err(Unrecorded::Closed);
        }
        if queue.openings.len() >= MOST_WAITING {
            return Err(Unrecorded::Overloaded);
        }
        queue.last = RecordId::first_of(opening.time_ms).0.max(queue.last + 1);
        let id = RecordId(queue.last);
        queue.openings.push(Commit { id, opening, done });
        if queue.idle || queue.gathering && queue.openings.len() == MANY {
            self.shared.work.notify_one();
        }
        Ok(id)
    }

    fn close(&self, closing: Closing) {
        let mut queue = self.shared.queue.lock();
        queue.closings.push(closing);
        // The first ending wakes the writer, which then waits a little for others.
        if queue.idle && queue.closings.len() == 1 {
            self.shared.work.notify_one();
        }
    }

    /// Somebody who tells the writer what day it is.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        Calendar { shared: self.shared.clone() }
    }

    /// Writes all that was queued, then stops the writer. Blocks until that is done.
    pub fn finish(&self) {
        let mut queue = self.shared.queue.lock();
        queue.closing = true;
        self.shared.work.notify_one();
        while !queue.stopped {
            self.shared.done.wait(&mut queue);
        }
    }
}

/// Tells the writer what day it is, so that the records of one are sealed when it is over, also if nobody asks for anything on the next. Keeps no log
/// from being opened by another program when this one has closed it.
#[derive(Clone)]
pub struct Calendar {
    shared: Arc<Shared>,
}

impl Calendar {
    /// It is this time. To be said every now and then.
    pub fn is(&self, now: Timestamp) {
        let mut queue = self.shared.queue.lock();
        queue.today = u64::try_from(now.as_millisecond()).ok().map(|ms| ms / DAY_MS);
        if queue.idle {
            self.shared.work.notify_one();
        }
    }

    /// Whether the last that was to be written could not be.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }
}

/// A record that is open. It closes itself when dropped.
#[must_use = "a record that is dropped closes as abandoned"]
pub struct Pending {
    recorder: Option<Recorder>,
    started: Instant,
    closing: Closing,
    bytes_up: Option<Arc<AtomicU64>>,
    /// Hardly any record has some.
    remarks: Option<Box<Remarks>>,
}

impl Pending {
    fn new(recorder: Recorder, id: RecordId, class: Class) -> Self {
        let closing = Closing { id, class, status: 0, bytes_up: 0, bytes_down: 0, duration_us: 0, outcome: Outcome::Abandoned, upstream: None, note: None };
        Self { recorder: Some(recorder), started: Instant::now(), closing, bytes_up: None, remarks: None }
    }

    /// Forgets a record that was never committed: there is nothing to close.
    fn unrecorded(mut self, why: Unrecorded) -> Unrecorded {
        self.recorder = None;
        why
    }

    /// The record's reference number.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.closing.id
    }

    /// Notes the status that is answered.
    pub fn status(&mut self, status: http::StatusCode) {
        self.closing.status = status.as_u16();
    }

    /// Notes where the request went.
    pub fn upstream(&mut self, address: SocketAddr) {
        self.closing.upstream = Some(address);
    }

    /// Notes what went wrong.
    pub fn note(&mut self, note: impl Into<String>) {
        self.closing.note = Some(note.into());
    }

    /// Notes something more, beside what was noted before.
    pub fn add_note(&mut self, note: String) {
        self.closing.note = Some(match self.closing.note.take() {
            Some(before) => format!("{before} {note}"),
            None => note,
        });
    }

    /// Remarks something that programs are to find.
    pub fn remark(&mut self, remark: Remark) {
        self.remarks.get_or_insert_default().push(remark);
    }

    /// Counts bytes sent to the client.
    pub fn sent(&mut self, bytes: u64) {
        self.closing.bytes_down += bytes;
    }

    /// A counter for bytes received from the client, for whoever carries them.
    pub fn received(&mut self) -> Arc<AtomicU64> {
        self.bytes_up.get_or_insert_default().clone()
    }

    /// What the record closes as, should it be dropped from here on.
    pub fn expect(&mut self, outcome: Outcome) {
        self.closing.outcome = outcome;
    }

    /// Closes the record.
    pub fn close(mut self, outcome: Outcome) {
        self.closing.outcome = outcome;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some(recorder) = self.recorder.take() else { return };
        let mut closing = self.closing.clone();
        closing.duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        closing.bytes_up = self.bytes_up.take().map_or(closing.bytes_up, |counter| counter.load(Ordering::Relaxed));
        closing.note = Remark::join(self.remarks.as_deref().map_or(&[], |remarks| remarks.as_slice()), closing.note);
        recorder.close(closing);
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::{Filter, Log};
    use super::super::record::{Class, Verdict};
    use super::*;
    use crate::insight::{Certainty, Kind, Start};
    use crate::policy::decision::SnapshotId;

    fn opening(path: &str) -> Box<Opening> {
        Box::new(Opening {
            class: Class::Visit,
            kind: Kind::Visit,
            start: Start::Typed,
            certainty: Certainty::Said,
            cause: None,
            search: None,
            time_ms: 1_795_356_000_000,
            user: None,
            group: "year-7".into(),
            source: "network",
            confidence: "place",
            client: "10.7.0.1".parse().expect("an address"),
            method: http::Method::GET,
            scheme: "http",
            host: "a.example".into(),
            port: 80,
            path: path.into(),
            categories: String::new(),
            verdict: Verdict::Allowed,
            reason: "unlisted",
            why: "No rule and no blocked category applies.".into(),
            rule: None,
            entry: None,
            snapshot: SnapshotId::of(&blake3::hash(b"")),
            agent: Some("a browser".into()),
            referrer: None,
            fetch_dest: None,
            fetch_mode: None,
            fetch_user: None,
        })
    }

    #[tokio::test]
    async fn an_open_record_is_committed_and_a_dropped_one_closes_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Folder::at(folder.path().join("log"));
        let recorder = Recorder::start(&path, Settings::default()).expect("started");
        let mut kept = recorder.open(opening("/kept")).await.expect("recorded");
        let dropped = recorder.open(opening("/dropped")).await.expect("recorded");
        let ids = [kept.id(), dropped.id()];
        assert!(ids[0] < ids[1]);
        let log = Log::open(&path).expect("opened by another reader");
        assert!(log.show(ids[0]).expect("read").is_some_and(|row| row.outcome.is_none()), "committed and still open");
        kept.status(http::StatusCode::OK);
        kept.sent(100);
        kept.received().fetch_add(7, Ordering::Relaxed);
        kept.close(Outcome::Complete);
        drop(dropped);
        recorder.finish();
        let row = log.show(ids[0]).expect("read").expect("there");
        assert_eq!((row.status, row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(200), Some(7), Some(100), Some("complete")));
        let row = log.show(ids[1]).expect("read").expect("there");
        assert_eq!(row.outcome.as_deref(), Some("abandoned"));
        assert_eq!(log.search(&Filter::default()).expect("searched").rows.len(), 2);
        assert_eq!(recorder.open(opening("/late")).await.err(), Some(Unrecorded::Closed));
    }

    #[tokio::test]
    async fn ids_go_on_after_a_restart_and_when_the_clock_goes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Folder::at(folder.path().join("log"));
        let recorder = Recorder::start(&path, Settings { sync: Sync::Power, ..Settings::default() }).expect("started");
        let first = recorder.open(opening("/1")).await.expect("recorded").id();
        recorder.finish();
        drop(recorder);
        let recorder = Recorder::start(&path, Settings { sync: Sync::Power, ..Settings::default() }).expect("started");
        let earlier = Box::new(Opening { time_ms: 1_700_000_000_000, ..*opening("/2") });
        assert!(recorder.open(earlier).await.expect("recorded").id() > first);
        recorder.finish();
    }

    #[tokio::test]
    async fn many_at_once_are_all_recorded() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Folder::at(folder.path().join("log"));
        let recorder = Recorder::start(&path, Settings::default()).expect("started");
        let all: Vec<_> = (0..500)
            .map(|n| {
                let recorder = recorder.clone();
                tokio::spawn(async move { recorder.open(opening(&format!("/{n}"))).await.map(|pending| pending.close(Outcome::Complete)) })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.expect("ran"), Ok(()));
        }
        recorder.finish();
        let log = Log::open(&path).expect("opened");
        let rows = log.search(&Filter { limit: 1000, ..Filter::default() }).expect("searched").rows;
        assert_eq!(rows.iter().filter(|row| row.outcome.as_deref() == Some("complete")).count(), 500);
        // Who follows the record in steps sees every record once.
        let (mut followed, mut after) = (Vec::new(), RecordId(0));
        loop {
            let step = log.search(&Filter { limit: 70, after: Some(after), ..Filter::default() }).expect("searched").rows;
            let Some(newest) = step.first() else { break };
            after = newest.number;
            followed.extend(step.iter().rev().map(|row| row.number));
        }
        assert!(followed.iter().eq(rows.iter().rev().map(|row| &row.number)));
    }
}
