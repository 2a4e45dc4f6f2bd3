//! The thread that seals what the writer has filled, and states in the journal what the writer saw.
//!
//! It runs at low priority: that a file is sealed a minute later costs nothing, that a request waits does. What fails, as on a full disk, is tried
//! again: with the next thing there is to do, and by itself after a minute, then two, and so on up to an hour. Files are sealed in their order only,
//! since a seal says that all before it is sealed too. Once an hour it also looks for segments that are damaged or gone.

use super::chain::{Head, Heads};
use super::checkpoint;
use super::damage;
use super::events::{self, Event, Severity};
use super::folder::Folder;
use super::journal::{self, Journal, JournalError, Sealed, SegmentNote, Statement, Topic};
use super::key::hex;
use super::live::Live;
use super::record::{Class, RecordId};
use super::seal::{self, SealError};
use crate::telemetry::events as told;
use jiff::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How the system ranks the thread: the least of all.
const NICENESS: i32 = 19;

/// When the first checkpoint is made after a start, and how often from then on.
const CHECKPOINT_FIRST: Duration = Duration::from_secs(60);
const CHECKPOINT_EVERY: Duration = Duration::from_secs(3600);
/// How often segments are looked at; the first time at once.
const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// After how long what failed is tried again; each time twice as long as before.
const AGAIN_FIRST: Duration = Duration::from_secs(60);
/// ... but no longer than this.
const AGAIN_LATEST: Duration = Duration::from_secs(3600);
/// The most events that wait to be put on record while the journal cannot be written.
const MOST_UNSTATED: usize = 1000;

/// What is to be done.
enum Work {
    /// This live file is full. The writer's connection is closed here, since closing writes much.
    Seal(u64, Option<Box<Live>>),
    /// Something happened that must be on record.
    State(Event),
}

/// A handle to the thread.
pub(super) struct Sealer {
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    folder: Folder,
    sealed: u64,
}

/// What is sealed.
pub(super) struct SealedSoFar {
    /// The number of the last live file that is.
    pub(super) live: u64,
    /// The heads of the chains there.
    pub(super) heads: Heads,
    /// The last record.
    pub(super) last: RecordId,
}

impl Sealer {
    /// Opens the journal and starts the thread.
    pub(super) fn start(folder: &Folder) -> Result<(Self, SealedSoFar), JournalError> {
        let journal = Journal::open(folder)?;
        let so_far = so_far(&journal)?;
        let (work, jobs) = mpsc::channel();
        let thread = Thread::new(folder, journal, Again::after(AGAIN_FIRST));
        let thread = std::thread::Builder::new().name("usher-seal".into()).spawn(move || thread.run(&jobs))?;
        Ok((Self { work: Some(work), thread: Some(thread), folder: folder.clone(), sealed: so_far.live }, so_far))
    }

    fn send(&self, work: Work) {
        if let Some(sender) = &self.work {
            // The thread ends only after this handle.
            let _ = sender.send(work);
        }
    }

    /// Has a full live file sealed.
    pub(super) fn seal(&self, number: u64, live: Live) {
        self.send(Work::Seal(number, Some(Box::new(live))));
    }

    /// Has what is left of live files before this one sealed, and removes those that are sealed already.
    pub(super) fn seal_before(&self, number: u64) {
        for earlier in self.folder.lives().unwrap_or_default().into_iter().filter(|earlier| *earlier < number) {
            if earlier > self.sealed {
                self.send(Work::Seal(earlier, None));
            } else if let Err(error) = self.folder.remove_live(earlier) {
                told::LogNotSealed { path: &self.folder.live(earlier), error: &error.to_string() }.emit();
            }
        }
    }

    /// Has it stated that the clock went back.
    pub(super) fn clock_went_back(&self, from_ms: u64, to_ms: u64) {
        let time = |ms: u64| Timestamp::from_millisecond(ms.cast_signed()).map_or_else(|_| ms.to_string(), |time| format!("{time:.3}"));
        let text = format!("The clock of this machine went back from {} to {}. Records keep their order; their times may not.", time(from_ms), time(to_ms));
        self.state("clock", Severity::Warning, text);
    }

    /// Has it stated that the log could not be written for a while.
    pub(super) fn recovered(&self, refused: u64) {
        let text = format!("The log could not be written. {refused} requests were refused until it could be; none was answered without a record.");
        self.state("log-unwritable", Severity::Critical, text);
    }

    fn state(&self, kind: &'static str, severity: Severity, text: String) {
        self.send(Work::State(Event { at: Timestamp::now(), kind, severity, text }));
    }

    /// Waits until all that was to be done is.
    pub(super) fn finish(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was told already.
            let _ = thread.join();
        }
    }
}

fn so_far(journal: &Journal) -> Result<SealedSoFar, JournalError> {
    let reader = journal.reader();
    let last = reader.parts()?.iter().map(|part| part.ids.1).max().unwrap_or_default();
    let mut heads = Heads::default();
    let statements = reader.about(Topic::Sealed, 0)?;
    for note in statements.iter().filter_map(Statement::read::<Sealed>).flat_map(|sealed| sealed.segments) {
        if let Some((class, head)) = head_after(&note) {
            heads.set(class, head);
        }
    }
    Ok(SealedSoFar { live: reader.last_sealed()?, heads, last })
}

fn head_after(note: &SegmentNote) -> Option<(Class, Head)> {
    let (_, class) = Class::NAMES.into_iter().find(|(name, _)| *name == note.class)?;
    Some((class, Head { number: note.after.0, link: hex(&note.after.1)? }))
}

/// Has this thread give way to every other that has work to do, for good.
pub(super) fn give_way() {
    // It may be refused; then it only runs sooner than it needs to.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

/// When what failed is tried again.
struct Again {
    first: Duration,
    wait: Duration,
    at: Option<Instant>,
}

impl Again {
    /// For the first time after so long.
    fn after(first: Duration) -> Self {
        Self { first, wait: first, at: None }
    }

    fn failed(&mut self, now: Instant) {
        self.at = Some(now + self.wait);
        self.wait = (self.wait * 2).min(AGAIN_LATEST);
    }

    fn succeeded(&mut self) {
        *self = Self::after(self.first);
    }
}

struct Thread {
    folder: Folder,
    journal: Journal,
    /// Live files that are full and not sealed yet.
    waiting: BTreeSet<u64>,
    /// Events that are not on record yet, the oldest first.
    unstated: VecDeque<Event>,
    again: Again,
    checkpoint_at: Instant,
    look_at: Instant,
}

impl Thread {
    fn new(folder: &Folder, journal: Journal, again: Again) -> Self {
        let (now, waiting, unstated) = (Instant::now(), BTreeSet::new(), VecDeque::new());
        Self { folder: folder.clone(), journal, waiting, unstated, again, checkpoint_at: now + CHECKPOINT_FIRST, look_at: now }
    }

    fn run(mut self, jobs: &Receiver<Work>) {
        give_way();
        loop {
            let next = self.again.at.into_iter().fold(self.checkpoint_at.min(self.look_at), Instant::min);
            match jobs.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(work) => self.take(work),
                Err(RecvTimeoutError::Timeout) => self.is_time(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if self.again.at.is_some() {
            self.work();
        }
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Seal(number, live) => {
                drop(live);
                self.waiting.insert(number);
            }
            Work::State(event) if self.unstated.len() < MOST_UNSTATED => self.unstated.push_back(event),
            Work::State(event) => told::LogNotStated { text: &event.text, error: "too much else waits to be put on record" }.emit(),
        }
        self.work();
    }

    /// Does what is due by the clock.
    fn is_time(&mut self, now: Instant) {
        if self.again.at.is_some_and(|at| at <= now) {
            self.work();
        }
        if self.checkpoint_at <= now {
            self.checkpoint();
            self.checkpoint_at = now + CHECKPOINT_EVERY;
        }
        if self.look_at <= now {
            self.look();
            self.look_at = now + LOOK_EVERY;
        }
    }

    /// Seals and states what there is to; sealing may find something to state.
    fn work(&mut self) {
        let sealed = self.seal_all();
        if self.state_all() && sealed { self.again.succeeded() } else { self.again.failed(Instant::now()) }
    }

    /// Whether all events are on record.
    fn state_all(&mut self) -> bool {
        while let Some(event) = self.unstated.front() {
            if let Err(error) = events::state(&mut self.journal, event) {
                told::LogNotStated { text: &event.text, error: &error.to_string() }.emit();
                return false;
            }
            self.unstated.pop_front();
        }
        true
    }

    /// Whether all full files are sealed. One that is not keeps those after it waiting.
    fn seal_all(&mut self) -> bool {
        while let Some(number) = self.waiting.first().copied() {
            if let Err(error) = self.seal(number) {
                told::LogNotSealed { path: &self.folder.live(number), error: &error.to_string() }.emit();
                return false;
            }
            self.waiting.remove(&number);
        }
        true
    }

    fn checkpoint(&mut self) {
        if let Err(error) = checkpoint::make(&self.folder, &mut self.journal, Timestamp::now()) {
            told::LogNotStated { text: "a checkpoint of the log", error: &error.to_string() }.emit();
        }
    }

    fn look(&mut self) {
        if let Err(error) = damage::look(&self.folder, &mut self.journal, Timestamp::now()) {
            told::LogNotStated { text: "which segments of the log are damaged", error: &error.to_string() }.emit();
        }
    }

    fn seal(&mut self, number: u64) -> Result<(), NotSealed> {
        if number <= self.journal.reader().last_sealed()? {
            return Ok(self.folder.remove_live(number)?);
        }
        let made = seal::seal(&self.folder, number)?;
        let sealed = Sealed { live: number, segments: made.segments };
        self.journal
            .state_and(Timestamp::now(), Topic::Sealed, &sealed, |change| sealed.segments.iter().try_for_each(|note| journal::add_segment(change, note)))?;
        if made.unreadable.is_empty() {
            return Ok(self.folder.remove_live(number)?);
        }
        let names: Vec<_> = made.unreadable.iter().take(20).map(ToString::to_string).collect();
        let text = format!(
            "{} records in {} cannot be read: somebody altered the file. The file stays until Usher is started again; copy it if it is to be looked into. They are: {}.",
            made.unreadable.len(),
            self.folder.live(number).display(),
            names.join(", ")
        );
        self.unstated.push_back(Event { at: Timestamp::now(), kind: "log-altered", severity: Severity::Critical, text });
        Ok(())
    }
}

/// Seals every live file, the last one too. Only for who holds the folder's lock: nobody writes meanwhile.
pub(super) fn seal_all(folder: &Folder, journal: Journal) -> Result<Journal, NotSealed> {
    let mut thread = Thread::new(folder, journal, Again::after(AGAIN_FIRST));
    for number in folder.lives()? {
        thread.seal(number)?;
    }
    for event in &thread.unstated {
        events::state(&mut thread.journal, event)?;
    }
    Ok(thread.journal)
}

/// Why a live file is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum NotSealed {
    /// It cannot be read, or a segment cannot be written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The journal says no.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder says no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::super::events::Wanted;
    use super::super::query::{Filter, Log};
    use super::super::tests::{record, sealed, small};
    use super::super::verify::{Against, verify};
    use super::super::{Recorder, Settings};
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    /// Keeps the first live file from being sealed: a folder lies where the segment is to be written.
    fn in_the_way(folder: &Folder) -> PathBuf {
        let path = folder.sealed().join("resource-00000001-00000001.new");
        fs::create_dir_all(&path).expect("made");
        path
    }

    fn whole(folder: &Folder, records: u64) {
        let report = verify(folder, &Against::default(), &mut |_, _| {}).expect("verified");
        assert_eq!((report.problems, report.records), (Vec::new(), records));
        let rows = Log::open(folder).and_then(|log| log.search(&Filter { limit: 10_000, ..Filter::default() })).expect("searched").rows;
        assert_eq!(rows.len() as u64, records);
    }

    #[tokio::test]
    async fn what_could_not_be_sealed_is_sealed_with_the_next_and_never_after_it() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path().join("log"));
        let recorder = Recorder::start(&folder, small(100)).expect("started");
        let obstacle = in_the_way(&folder);
        drop(record(&recorder, 0..350).await);
        // The sealer has tried all three when it is asked to state something after them and has.
        let stated = |kind: &str| {
            let wanted = Wanted { kind: Some(kind.to_owned()), ..Wanted::default() };
            events::search(&folder, &wanted).expect("read").len()
        };
        drop(recorder.open(Box::new(super::super::Opening { time_ms: super::super::tests::MORNING - 60_000, ..*super::super::tests::request(350) })).await);
        let start = Instant::now();
        while stated("clock") == 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "the clock is not stated");
            std::thread::yield_now();
        }
        assert_eq!(Journal::open(&folder).and_then(|journal| journal.reader().last_sealed()).expect("read"), 0, "the first one cannot, so none is");
        whole(&folder, 351);
        fs::remove_dir(obstacle).expect("removed");
        drop(record(&recorder, 351..460).await);
        sealed(&folder);
        recorder.finish();
        whole(&folder, 460);
    }

    #[tokio::test]
    async fn what_failed_is_tried_again_by_itself() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path().join("log"));
        let recorder = Recorder::start(&folder, Settings::default()).expect("started");
        drop(record(&recorder, 0..50).await);
        recorder.finish();
        drop(recorder);
        let obstacle = in_the_way(&folder);
        let (work, jobs) = mpsc::channel();
        let mut thread = Thread::new(&folder, Journal::open(&folder).expect("opened"), Again::after(Duration::from_millis(1)));
        thread.take(Work::Seal(1, None));
        assert!(thread.again.at.is_some() && folder.live(1).exists());
        let running = std::thread::spawn(move || thread.run(&jobs));
        fs::remove_dir(obstacle).expect("removed");
        let start = Instant::now();
        while folder.live(1).exists() {
            assert!(start.elapsed() < Duration::from_secs(30), "it is not tried again");
            std::thread::yield_now();
        }
        drop(work);
        running.join().expect("it ends");
        whole(&folder, 50);
    }

    #[tokio::test]
    async fn what_sealing_finds_altered_is_on_record() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path().join("log"));
        let altered = |number: u64| {
            let live = rusqlite::Connection::open(folder.live(number)).expect("opened");
            assert_eq!(live.execute("UPDATE opened SET body = x'00' WHERE id = (SELECT max(id) FROM opened)", []), Ok(1));
        };
        let told = || events::search(&folder, &Wanted { kind: Some("log-altered".to_owned()), ..Wanted::default() }).expect("read").len();
        let some = || async {
            let recorder = Recorder::start(&folder, Settings::default()).expect("started");
            drop(record(&recorder, 0..50).await);
            recorder.finish();
        };
        some().await;
        altered(1);
        drop(seal_all(&folder, Journal::open(&folder).expect("opened")).expect("sealed"));
        assert_eq!(told(), 1, "of an Usher that does not run");
        folder.remove_live(1).expect("removed");
        some().await;
        altered(2);
        let mut thread = Thread::new(&folder, Journal::open(&folder).expect("opened"), Again::after(AGAIN_FIRST));
        thread.take(Work::Seal(2, None));
        assert_eq!(told(), 2, "of one that does");
    }

    #[test]
    fn each_time_it_waits_longer_and_at_most_an_hour() {
        let (now, mut again) = (Instant::now(), Again::after(AGAIN_FIRST));
        let mut waits = Vec::new();
        for _ in 0..8 {
            again.failed(now);
            waits.extend(again.at.map(|at| at.duration_since(now).as_secs() / 60));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        again.succeeded();
        assert!(again.at.is_none());
        again.failed(now);
        assert_eq!(again.at, Some(now + AGAIN_FIRST));
    }
}
