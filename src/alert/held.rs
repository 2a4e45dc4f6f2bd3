//! How many signs each suppression held back, by day: for the week's summary. Kept in a file of numbers, which say nothing of anybody; at most half a minute
//! of them is lost when Usher is killed.

use crate::files;
use jiff::ToSpan as _;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file.
pub const FILE: &str = "held.json";
/// How often it is written, if there is something new.
const KEEP: Duration = Duration::from_secs(30);
/// How many days are kept.
const DAYS: i32 = 60;

/// By day, by the number of the suppression.
pub type Counts = BTreeMap<Date, BTreeMap<u64, u64>>;

/// Counts what is held back.
#[derive(Debug)]
pub struct Counter {
    path: PathBuf,
    counts: Counts,
    kept: Instant,
    is_new: bool,
}

/// What was counted; nothing if there is no such file, or it cannot be read.
#[must_use]
pub fn read(path: &Path) -> Counts {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

impl Counter {
    /// Goes on with what was counted in this folder.
    #[must_use]
    pub fn within(folder: &Path) -> Self {
        let path = folder.join(FILE);
        Self { counts: read(&path), path, kept: Instant::now(), is_new: false }
    }

    /// A sign was held back by the suppression with this number.
    pub fn count(&mut self, suppression: u64, day: Date) {
        *self.counts.entry(day).or_default().entry(suppression).or_default() += 1;
        self.is_new = true;
    }

    /// Keeps what is new, now and then. To be called often.
    pub fn look(&mut self) {
        if self.is_new && self.kept.elapsed() >= KEEP {
            self.keep();
        }
    }

    fn keep(&mut self) {
        if let Some(newest) = self.counts.keys().next_back().copied() {
            let oldest = newest.saturating_sub(DAYS.days());
            self.counts.retain(|day, _| *day >= oldest);
        }
        // They are numbers for a summary: what cannot be kept is counted on, and kept the next time.
        let written = serde_json::to_vec(&self.counts).map_err(std::io::Error::from).and_then(|bytes| files::replace(&self.path, &bytes));
        self.is_new = written.is_err();
        self.kept = Instant::now();
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if self.is_new {
            self.keep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn what_was_counted_is_counted_on_and_what_is_old_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let count = |day: Date, times: usize| {
            let mut held = Counter::within(folder.path());
            (0..times).for_each(|_| held.count(8, day));
        };
        count(date(2026, 9, 1), 2);
        count(date(2026, 11, 26), 2);
        count(date(2026, 11, 26), 1);
        assert_eq!(read(&folder.path().join(FILE)), Counts::from([(date(2026, 11, 26), BTreeMap::from([(8, 3)]))]));
        assert_eq!(read(&folder.path().join("none")), Counts::new());
    }
}
