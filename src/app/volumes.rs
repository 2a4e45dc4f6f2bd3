//! Counts, once a day is over, how much everybody did: [`crate::alert::volume`].

use super::reload::{Reloader, Standing};
use crate::alert::volume::{self, Book, FILE, Hasher, count};
use crate::audit::erasure::gone;
use crate::audit::journal::{JournalError, Reader};
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

/// Why those whose records are erased could not be taken out.
#[derive(Debug, thiserror::Error)]
enum Uncleared {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What is left cannot be kept.
    #[error(transparent)]
    Unkept(#[from] io::Error),
}

/// Counts one day at a time.
pub(super) struct Counter {
    reloader: Reloader,
    path: PathBuf,
    hasher: Hasher,
    /// The day on which there was nothing more to count.
    done: Option<Date>,
    /// The last statement about erasures that was looked at.
    erased: u64,
    not_before: Option<Timestamp>,
}

impl Counter {
    pub(super) fn new(reloader: Reloader, folder: &Path, secret: &[u8; 32]) -> Self {
        Self { reloader, path: folder.join(FILE), hasher: Hasher::new(secret), done: None, erased: 0, not_before: None }
    }

    /// Counts the newest day that was not counted yet, if it is time, and takes out those whose records are erased.
    pub(super) fn turn(&mut self) {
        if let Err(error) = self.erase() {
            events::LogNotErased { error: &error.to_string() }.emit();
        }
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

    /// Takes those whose records were erased since the last look out of what was counted.
    fn erase(&mut self) -> Result<(), Uncleared> {
        let Standing { rulebook, log, .. } = self.reloader.standing();
        if !log.exists() {
            return Ok(());
        }
        let (all, last) = gone::after(&Reader::open(&log)?, self.erased)?;
        let days = volume::take_out(&self.path, &all, &rulebook.school.timetable.zone)?;
        if let (1.., Some(newest)) = (days, all.last()) {
            events::PersonTakenOut { erasure: newest.number, signs: 0, first_visits: 0, days }.emit();
        }
        self.erased = last;
        Ok(())
    }
}
