//! What is kept of the engine between starts, and the record read again: after a start, and where the feed ran over.
//!
//! `engine.json` says up to which record everything was taken, and what was made of it. All that comes after is read from the record and comes to the same
//! steps, which the journal refuses where they are stated already. Lost or of another form, it is made anew: from what the journal states, two weeks of
//! searches and of what was not let through, and two hours of all else.
//!
//! What ends later than it is opened: a request that was open when the file was written may have ended, with something remarked, before Usher was killed. So
//! the last two minutes are read again for remarks, and of the older ones up to [`MOST_REREAD`] each by itself.

use super::engine;
use super::episode::{Matter, Who};
use super::erased;
use super::seen::Read;
use super::theme::Theme;
use crate::audit::RecordId;
use crate::audit::erasure::gone::Gone;
use crate::audit::incident::{Act, Person};
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, LogError};
use crate::files;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The form of the file. One of another form is made anew.
pub const FORM: u32 = 1;
/// How many records are read at a time.
const PAGE: u32 = 10_000;
/// How far before the place in the record it is read again for what was remarked late, in milliseconds.
pub const OVERLAP_MS: u64 = 120_000;
/// The most requests that were open for longer and are looked at again, the newest first.
pub const MOST_REREAD: usize = 256;
/// The longest that is kept, in bytes.
const LARGEST: u64 = 64 << 20;

/// What is kept between starts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The form of the file.
    pub form: u32,
    /// Everything up to this record was taken.
    pub position: RecordId,
    /// Nothing was read yet of what is before the place: somebody is told of what came after this time only, in Unix milliseconds, and of what comes after the
    /// place.
    pub unread: Option<u64>,
    /// Requests that had been open for long, the newest last.
    pub open: Vec<RecordId>,
    /// What is known of people.
    pub matters: Vec<Of>,
    /// What is to be stated yet.
    pub pending: Vec<Act>,
    /// Who is gone by the erasures up to this statement was taken out.
    #[serde(default)]
    pub erased: u64,
}

/// What is known of one person and theme.
#[derive(Debug, Serialize, Deserialize)]
pub struct Of {
    /// The person, as a keyed hash in hexadecimal.
    who: String,
    theme: String,
    matter: Matter,
}

impl Of {
    /// To be kept.
    #[must_use]
    pub fn new(who: Who, theme: Theme, matter: &Matter) -> Self {
        Self { who: who.to_string(), theme: theme.as_str().to_owned(), matter: matter.clone() }
    }

    /// As it was.
    #[must_use]
    pub fn read(self) -> Option<(Who, Theme, Matter)> {
        Some((Who(u128::from_str_radix(&self.who, 16).ok()?), Theme::named(&self.theme)?, self.matter))
    }
}

impl Kept {
    /// What is kept there; nothing if there is no such file, or it cannot be understood.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        if std::fs::metadata(path).ok()?.len() > LARGEST {
            return None;
        }
        let kept: Self = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        (kept.form == FORM).then_some(kept)
    }

    /// Takes out those whose records are erased. Returns how many signs.
    pub fn erase(&mut self, all: &[Gone], key: &[u8; 32]) -> usize {
        let mut signs = 0;
        for gone in all {
            for of in self.matters.iter_mut().filter(|of| erased::is(gone, &of.who)) {
                signs += of.matter.erase(gone);
            }
            let begun = begun(&self.pending, gone, |person| erased::is(gone, &engine::who(key, person).to_string()));
            self.pending.retain(|act| !begun.contains(act));
            self.erased = self.erased.max(gone.number);
        }
        self.matters.retain(|of| !of.matter.is_empty());
        signs
    }

    /// Keeps it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        files::replace(path, &serde_json::to_vec(self)?)
    }
}

/// What is not stated yet and names a person whose records are erased. What else is stated of the same episode names nobody, and counts for nothing without
/// its beginning.
#[must_use]
pub fn begun<'a>(acts: impl IntoIterator<Item = &'a Act>, gone: &Gone, is_it: impl Fn(&Person) -> bool) -> Vec<Act> {
    let names = |act: &&Act| match act {
        Act::Opened(opened) => is_it(&opened.who) && gone.takes(opened.episode),
        Act::Limited(limited) => is_it(&limited.who) && limited.record.is_some_and(|record| gone.takes(record)),
        _ => false,
    };
    acts.into_iter().filter(names).cloned().collect()
}

/// Reads records in order, oldest first.
pub struct Pages<'l> {
    log: &'l Log,
    filter: Filter,
    is_over: bool,
}

impl<'l> Pages<'l> {
    /// Those after one record and before another that this filter finds.
    #[must_use]
    pub fn new(log: &'l Log, filter: Filter) -> Self {
        let after = filter.after.or(Some(RecordId(0)));
        Self { log, filter: Filter { after, limit: PAGE, patience: Duration::MAX, ..filter }, is_over: false }
    }

    /// The next of them; nothing when there are no more.
    pub fn page(&mut self) -> Result<Option<Vec<Read>>, LogError> {
        if self.is_over {
            return Ok(None);
        }
        let rows = match Unshown::of(self.log).search(&self.filter) {
            Err(LogError::None(_)) => Vec::new(),
            page => page?.rows,
        };
        self.is_over = rows.len() < PAGE as usize;
        if let Some(newest) = rows.first() {
            self.filter.after = Some(newest.number);
        }
        Ok(Some(rows.into_iter().rev().filter_map(Read::of).collect()))
    }
}
