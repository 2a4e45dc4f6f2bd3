//! Counts, once a day is over, how much everybody did: [`crate::alert::volume`].

use super::reload::{Reloader, Standing};
use crate::alert::volume::{Book, FILE, Hasher, count};
use crate::audit::query::{Filter, Log, LogError};
use crate::telemetry::events;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use std::io;
use std::path::{Path, PathBuf};

/// The hour from which the day before is counted, school time: what was open at midnight is closed by then, and the log is not purged yet.
const HOUR: i8 = 1;
/// How long is waited after a failure.
const TRY_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Why a day could not be counted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Uncounted {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What was counted cannot be kept.
    #[error("{0}")]
    Unkept(#[from] io::Error),
}

/// Counts one day at a time.
pub(super) struct Counter {
    reloader: Reloader,
    path: PathBuf,
    hasher: Hasher,
    /// The day on which there was nothing more to count.
    done: Option<Date>,
    not_before: Option<Timestamp>,
}

impl Counter {
    pub(super) fn new(reloader: Reloader, folder: &Path, secret: &[u8; 32]) -> Self {
        Self { reloader, path: folder.join(FILE), hasher: Hasher::new(secret), done: None, not_before: None }
    }

    /// Counts the newest day that was not counted yet, if it is time.
    pub(super) fn turn(&mut self) {
        let Standing { rulebook, log, .. } = self.reloader.standing();
        let (at, zone) = ((self.reloader.clock)(), &rulebook.school.timetable.zone);
        let now = at.to_zoned(zone.clone());
        let today = now.date();
        if self.done == Some(today) || now.hour() < HOUR || self.not_before.is_some_and(|not_before| at < not_before) || !log.exists() {
            return;
        }
        let turn = || {
            let mut book = Book::read(&self.path);
            let Some(day) = book.missing(today) else { return Ok::<_, Uncounted>(true) };
            let counted = count(&Log::open(&log)?, day, Filter::default(), (zone, rulebook.alerts.volume.night, &self.hasher))?;
            book.take(day, counted, today);
            book.write(&self.path)?;
            Ok(false)
        };
        match turn() {
            Ok(true) => self.done = Some(today),
            Ok(false) => {}
            Err(error) => {
                events::VolumeUncounted { error: &error }.emit();
                self.not_before = at.checked_add(TRY_AGAIN).ok();
            }
        }
    }
}
