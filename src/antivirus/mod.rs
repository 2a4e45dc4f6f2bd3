//! Virus scanners: clamd over its own protocol, and whatever speaks ICAP. Both are other programs, which may be slow, full, stopped or wrong; each of that is
//! a [`ScanError`], and what it means for a file is the school's to say ([`Settings::on_error`]).
//!
//! A scanner's verdict comes after the last byte. So a file that is scanned is first written to a file of its own, without a name, in the data folder
//! ([`spool`]), and nothing of it leaves before the verdict. This is the one place where a body is held whole: on disk, up to [`Settings::largest`], at
//! most [`MOST_AT_ONCE`] at a time, and all of them in the [`room`] there is for them.

pub mod clamd;
pub mod icap;
pub mod room;
pub mod spool;

use crate::kinds::{Class, Classes};
use crate::shares::{Shares, Taker};
use clamd::Clamd;
use icap::{Message, Service};
use parking_lot::Mutex;
use room::Room;
use spool::Spool;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::{timeout, timeout_at};

/// The most files that are held for scanners at a time.
pub const MOST_AT_ONCE: usize = 64;
/// The most of one person's, or of one device's.
pub const MOST_OF_ONE: usize = MOST_AT_ONCE / 4;
/// Between two tellings that a scanner fails.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What becomes of a file that cannot be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unscanned {
    /// It is blocked.
    Block,
    /// It passes.
    Pass,
}

impl Unscanned {
    /// Both, by the name they have in `usher.toml`.
    pub const NAMES: [(&str, Self); 2] = [("block", Self::Block), ("pass", Self::Pass)];
}

/// What `[antivirus]` says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clamd listens.
    pub clamd: Option<clamd::Place>,
    /// The ICAP service that answers are shown to.
    pub answers: Option<icap::Address>,
    /// The ICAP service that requests with a body are shown to.
    pub requests: Option<icap::Address>,
    /// What becomes of a file that no scanner has a verdict on.
    pub on_error: Unscanned,
    /// The largest file that is scanned, in bytes.
    pub largest: u64,
    /// What becomes of a larger one.
    pub larger: Unscanned,
    /// The kinds of files that are scanned.
    pub scan: Classes,
    /// Whether what is of no known kind is scanned too.
    pub scan_other: bool,
    /// How long a scan may take.
    pub time: Duration,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The scanner cannot be reached, or breaks off.
    #[error("{scanner} cannot be used: {error}")]
    Io {
        /// Which.
        scanner: String,
        /// Why.
        error: io::Error,
    },
    /// It takes too long.
    #[error("{0} took too long")]
    TooSlow(String),
    /// It says that it cannot scan this.
    #[error("{scanner} says: {said}")]
    Said {
        /// Which.
        scanner: String,
        /// What.
        said: String,
    },
    /// What it says is no answer.
    #[error("{scanner} gave an answer that is none: {said}")]
    Nonsense {
        /// Which.
        scanner: String,
        /// What.
        said: String,
    },
    /// The file cannot be held.
    #[error("the file cannot be kept for the virus scanner: {0}")]
    Spool(io::Error),
    /// Too many files are held.
    #[error("too many files wait for the virus scanner")]
    Full,
}

/// What the scanners say of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// What was found, as the scanner calls it.
    Found(String),
}

/// Where files wait.
#[derive(Clone)]
pub struct Spools {
    folder: PathBuf,
    places: Arc<Semaphore>,
    shares: Arc<Shares>,
    room: Arc<Room>,
}

impl Spools {
    /// Such a place in this folder, which is made when it is needed, with this room.
    #[must_use]
    pub fn at(folder: PathBuf, room: Arc<Room>) -> Self {
        Self { folder, room, places: Arc::new(Semaphore::new(MOST_AT_ONCE)), shares: Shares::of(MOST_OF_ONE) }
    }

    /// A place for a file that is `expected` to become so long, if that is known.
    ///
    /// # Errors
    /// If none is free in time, of those the taker may have or at all; if there is no room; or if it cannot be made.
    pub async fn spool(&self, taker: &Taker, patience: Duration, expected: Option<u64>) -> Result<Spool, ScanError> {
        let until = tokio::time::Instant::now() + patience;
        let share = self.shares.take(taker, 1, patience).await.ok_or(ScanError::Full)?;
        let place = timeout_at(until, self.places.clone().acquire_owned()).await;
        let place = place.ok().and_then(Result::ok).ok_or(ScanError::Full)?;
        Spool::new(self.folder.clone(), (self.room.clone(), expected.unwrap_or_default()), (place, share)).await.map_err(ScanError::Spool)
    }
}

/// The scanners of this installation.
pub struct Antivirus {
    settings: Settings,
    clamd: Option<Clamd>,
    answers: Option<Service>,
    requests: Option<Service>,
    spools: Spools,
    told: Mutex<Option<Instant>>,
}

impl Antivirus {
    /// The scanners of these settings, and where files wait for them; none if there is none.
    #[must_use]
    pub fn new(settings: &Settings, spools: Spools) -> Option<Arc<Self>> {
        let clamd = settings.clamd.clone().map(Clamd::new);
        let answers = settings.answers.clone().map(Service::new);
        let requests = settings.requests.clone().map(Service::new);
        if clamd.is_none() && answers.is_none() && requests.is_none() {
            return None;
        }
        Some(Arc::new(Self { settings: settings.clone(), clamd, answers, requests, spools, told: Mutex::default() }))
    }

    /// What the settings say.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether answers are scanned.
    #[must_use]
    pub fn scans_answers(&self) -> bool {
        self.clamd.is_some() || self.answers.is_some()
    }

    /// Whether what is sent is scanned.
    #[must_use]
    pub fn scans_requests(&self) -> bool {
        self.requests.is_some()
    }

    /// Whether files of these kinds are scanned; `harmless` is what says it is text or a picture and was not found to be anything else.
    #[must_use]
    pub fn wants(&self, classes: Classes, harmless: bool) -> bool {
        let named = Class::NAMES.iter().any(|(_, class, _)| classes.has(*class) && self.settings.scan.has(*class));
        named || classes.is_empty() && !harmless && self.settings.scan_other
    }

    /// Whether what holds files of which nothing is known yet is scanned: it may hold one of any kind that is.
    #[must_use]
    pub fn wants_what_holds_any(&self) -> bool {
        self.settings.scan_other || !self.settings.scan.is_empty()
    }

    /// A place for a file that is to be scanned.
    ///
    /// # Errors
    /// If too many wait, there is no room, or it cannot be made.
    pub async fn spool(&self, taker: &Taker, expected: Option<u64>) -> Result<Spool, ScanError> {
        self.spools.spool(taker, self.settings.time, expected).await
    }

    /// Shows a whole file to the scanners of answers, one after the other.
    ///
    /// # Errors
    /// If one of them has no verdict.
    pub async fn scan_answer(&self, file: &Spool, message: &Message) -> Result<Verdict, ScanError> {
        if let Some(clamd) = &self.clamd {
            let scanned = timeout(self.settings.time, clamd.scan(file)).await;
            match scanned.map_err(|_| ScanError::TooSlow(clamd.to_string()))?? {
                Verdict::Clean => {}
                found @ Verdict::Found(_) => return Ok(found),
            }
        }
        self.ask(self.answers.as_ref(), file, message).await
    }

    /// Shows what is sent to the scanner of requests.
    ///
    /// # Errors
    /// If it has no verdict.
    pub async fn scan_request(&self, file: &Spool, message: &Message) -> Result<Verdict, ScanError> {
        self.ask(self.requests.as_ref(), file, message).await
    }

    async fn ask(&self, service: Option<&Service>, file: &Spool, message: &Message) -> Result<Verdict, ScanError> {
        let Some(service) = service else { return Ok(Verdict::Clean) };
        timeout(self.settings.time, service.ask(file, message)).await.map_err(|_| ScanError::TooSlow(service.to_string()))?
    }

    /// Whether it is time to tell the person who runs it that a scanner fails.
    #[must_use]
    pub fn is_to_be_told(&self) -> bool {
        let mut told = self.told.lock();
        let due = told.is_none_or(|told| told.elapsed() >= TOLD_EVERY);
        if due {
            *told = Some(Instant::now());
        }
        due
    }
}
