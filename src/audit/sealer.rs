//! The thread that seals what the writer has filled, and states in the journal what the writer saw.
//!
//! It runs at low priority: that a file is sealed a minute later costs nothing, that a request waits does.

use super::chain::{Head, Heads};
use super::checkpoint;
use super::events::{self, Event, Severity};
use super::folder::Folder;
use super::journal::{self, Journal, JournalError, Sealed, SegmentNote, Statement, Topic};
use super::key::hex;
use super::live::Live;
use super::record::{Class, RecordId};
use super::seal::{self, SealError};
use crate::telemetry::events as told;
use jiff::Timestamp;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How the system ranks the thread: the least of all.
const NICENESS: i32 = 19;

/// When the first checkpoint is made after a start, and how often from then on.
const CHECKPOINT_FIRST: Duration = Duration::from_secs(60);
const CHECKPOINT_EVERY: Duration = Duration::from_secs(3600);

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
        let thread = Thread { folder: folder.clone(), journal };
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

struct Thread {
    folder: Folder,
    journal: Journal,
}

impl Thread {
    fn run(mut self, jobs: &Receiver<Work>) {
        give_way();
        let mut checkpoint_at = Instant::now() + CHECKPOINT_FIRST;
        loop {
            let work = match jobs.recv_timeout(checkpoint_at.saturating_duration_since(Instant::now())) {
                Ok(work) => work,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    self.checkpoint();
                    checkpoint_at = Instant::now() + CHECKPOINT_EVERY;
                    continue;
                }
            };
            match work {
                Work::Seal(number, live) => {
                    drop(live);
                    if let Err(error) = self.seal(number) {
                        told::LogNotSealed { path: &self.folder.live(number), error: &error.to_string() }.emit();
                    }
                }
                Work::State(event) => {
                    if let Err(error) = events::state(&mut self.journal, &event) {
                        told::LogNotStated { text: &event.text, error: &error.to_string() }.emit();
                    }
                }
            }
        }
    }

    fn checkpoint(&mut self) {
        if let Err(error) = checkpoint::make(&self.folder, &mut self.journal, Timestamp::now()) {
            told::LogNotStated { text: "a checkpoint of the log", error: &error.to_string() }.emit();
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
            "{} records in {} cannot be read: somebody altered the file. It stays where it is. They are: {}.",
            made.unreadable.len(),
            self.folder.live(number).display(),
            names.join(", ")
        );
        Ok(events::state(&mut self.journal, &Event { at: Timestamp::now(), kind: "log-altered", severity: Severity::Critical, text })?)
    }
}

/// Seals every live file, the last one too. Only for who holds the folder's lock: nobody writes meanwhile.
pub(super) fn seal_all(folder: &Folder, journal: Journal) -> Result<Journal, NotSealed> {
    let mut thread = Thread { folder: folder.clone(), journal };
    for number in folder.lives()? {
        thread.seal(number)?;
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
