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

mod hooks;
mod mind;
mod worker;

pub use hooks::{Hooks, NoHooks};
pub(super) use mind::{Mind, Tells, people, who};
pub use worker::FILE;

use super::weights::Weights;
use crate::audit::follow::Feed;
use crate::audit::{Folder, RecordId};
use crate::files;
use crate::outputs::Clock;
use crate::snapshot::{InForce, Snapshot};
use parking_lot::{Condvar, Mutex};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use worker::Worker;

/// How long more is gathered: each waking costs more than a record.
const GATHER: Duration = Duration::from_millis(25);
/// How long the end is waited for.
const LONGEST_END: Duration = Duration::from_secs(5);

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

/// How far the engine has come.
#[derive(Clone, Debug, Default)]
pub struct Follower(Arc<AtomicU64>);

impl Follower {
    /// Everything up to this record was taken.
    #[must_use]
    pub fn position(&self) -> RecordId {
        RecordId(self.0.load(Ordering::Relaxed))
    }
}

/// The engine, at work until it is stopped or dropped.
pub struct Engine {
    stop: Arc<Stop>,
    follower: Follower,
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
        let follower = Follower::default();
        let mut worker = Worker::new(setup, stop.clone(), follower.clone());
        worker.mark();
        let thread = std::thread::Builder::new().name("usher-alerts".into()).spawn(move || worker.run())?;
        Ok(Self { stop, follower, thread: Some(thread) })
    }

    /// How far it has come.
    #[must_use]
    pub fn follower(&self) -> Follower {
        self.follower.clone()
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
