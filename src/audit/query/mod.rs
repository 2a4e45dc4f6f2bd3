//! Reading the record, while another process writes it.
//!
//! ```text
//! Filter ─▶ parts, newest first ─▶ for each: which people, hosts, verdicts, words can match ─▶ chunks ─▶ rows ─▶ the newest so many ─▶ Page
//! ```
//!
//! A page is the newest records that match, and a cursor for what comes before them. Parts whose records are all older than a full page are not
//! opened. A search that finds little looks through much; it stops after [`Filter::patience`] and says how far back it came, so that the first page
//! is always there in time.
//!
//! A part that is damaged is passed over and named; the rest is read.

mod condition;
mod live;
mod page;
pub mod people;
mod row;
mod scan;
mod sealed;
pub mod stats;
mod word;

pub use page::Page;
pub use row::Row;

use super::folder::Folder;
use super::journal::{JournalError, Part, Reader};
use super::live::LiveError;
use super::record::{Class, RecordId, Verdict};
use super::segment::{Segment, SegmentError};
use crate::insight::Kind;
use condition::Conditions;
use jiff::Timestamp;
use live::LiveFiles;
use page::{Best, Place};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What to look for. All that is given must hold.
#[derive(Clone, Debug)]
pub struct Filter {
    /// A user name, `*` for any characters.
    pub user: Option<String>,
    /// A group's name.
    pub group: Option<String>,
    /// A host and all below it.
    pub host: Option<String>,
    /// A category's id.
    pub category: Option<String>,
    /// What was answered.
    pub verdict: Option<Verdict>,
    /// What it is.
    pub kind: Option<Kind>,
    /// How long it is kept.
    pub class: Option<Class>,
    /// A client's address.
    pub client: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Words that all stand in the host, path, query or search, spelled nearly so; each may be the beginning of a longer one.
    pub text: Option<String>,
    /// Only records after this one; of more than `limit` the oldest, so that who follows the record misses none.
    pub after: Option<RecordId>,
    /// Only records before this one: the cursor of the page before.
    pub before: Option<RecordId>,
    /// At most so many; the newest, where `after` does not say otherwise.
    pub limit: u32,
    /// How long to look before what is found is shown.
    pub patience: Duration,
}

/// How long a search looks by default before it shows what it has.
const PATIENCE: Duration = Duration::from_millis(800);

impl Default for Filter {
    fn default() -> Self {
        Self {
            user: None,
            group: None,
            host: None,
            category: None,
            verdict: None,
            kind: None,
            class: None,
            client: None,
            from: None,
            to: None,
            text: None,
            after: None,
            before: None,
            limit: 100,
            patience: PATIENCE,
        }
    }
}

/// The log, open for reading while another process writes it.
pub struct Log {
    folder: Folder,
    reader: Reader,
    segments: Segments,
}

/// The segments of a log, opened when they are first asked for.
struct Segments {
    folder: Folder,
    open: Mutex<HashMap<String, Arc<Segment>>>,
}

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is none.
    #[error("there is no log at {0}; start Usher once with: usher serve")]
    None(PathBuf),
    /// The journal says no.
    #[error("the log cannot be read: {0}")]
    Journal(#[from] JournalError),
    /// A live file says no.
    #[error("the log cannot be read: {0}")]
    Live(#[from] LiveError),
    /// The folder says no.
    #[error("the log cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Somebody wrote parts of it anew meanwhile.
    #[error("the log was merged, purged or erased from while it was read; do it again")]
    Moved,
    /// A filter asks for what cannot be.
    #[error("{0}")]
    Filter(String),
}

impl From<rusqlite::Error> for LogError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Live(error.into())
    }
}

/// How often a question begins again because what it reads was written anew meanwhile.
const ROUNDS: usize = 4;
/// The most segments kept open, and what their dictionaries may come to in memory, in bytes, should all of them be read.
const MOST_OPEN: usize = 128;
const MOST_KEPT: u64 = 256 << 20;

impl Segments {
    /// A segment, checked against what the journal has signed.
    fn get(&self, file: &str, digest: Option<&str>) -> Result<Arc<Segment>, SegmentError> {
        if let Some(segment) = self.open.lock().get(file) {
            return Ok(segment.clone());
        }
        let segment = Segment::open(&self.folder.sealed().join(file))?;
        if digest.is_some_and(|digest| digest != super::key::to_hex(&segment.digest)) {
            return Err(SegmentError::Damaged("it is not the file that was sealed"));
        }
        let segment = Arc::new(segment);
        let mut open = self.open.lock();
        let kept: u64 = open.values().map(|segment| segment.directory.weight()).sum();
        if open.len() >= MOST_OPEN || kept + segment.directory.weight() > MOST_KEPT {
            open.clear();
        }
        open.insert(file.to_owned(), segment.clone());
        Ok(segment)
    }

    /// Lets go of those that are none any more: what was erased is not to be held open.
    fn keep(&self, parts: &[Part]) {
        let mut open = self.open.lock();
        if !open.is_empty() {
            open.retain(|file, _| parts.iter().any(|part| part.file == *file));
        }
    }
}

impl Log {
    /// Opens the log to read.
    pub fn open(folder: &Folder) -> Result<Self, LogError> {
        if !folder.exists() {
            return Err(LogError::None(folder.path().to_owned()));
        }
        Ok(Self { folder: folder.clone(), reader: Reader::open(folder)?, segments: Segments { folder: folder.clone(), open: Mutex::default() } })
    }

    /// Its journal.
    #[must_use]
    pub fn journal(&self) -> &Reader {
        &self.reader
    }

    /// The record with this number.
    pub(in crate::audit) fn show(&self, id: RecordId) -> Result<Option<Row>, LogError> {
        let filter =
            Filter { after: Some(RecordId(id.0.saturating_sub(1))), before: Some(RecordId(id.0 + 1)), limit: 1, patience: Duration::MAX, ..Filter::default() };
        Ok(self.search(&filter)?.rows.pop())
    }

    /// A page of the records that match, newest first.
    pub(in crate::audit) fn search(&self, filter: &Filter) -> Result<Page, LogError> {
        let conditions = Conditions::of(filter)?;
        for _ in 0..ROUNDS {
            let (live, parts) = self.parts()?;
            let page = self.page(filter, &conditions, &live, &parts)?;
            if !self.has_moved(&page.passed_over)? {
                return Ok(page);
            }
        }
        Err(LogError::Moved)
    }

    /// Whether a part that could not be read is none any more: it was merged or written anew meanwhile, and its records are in another.
    fn has_moved(&self, passed_over: &BTreeMap<String, String>) -> Result<bool, LogError> {
        if passed_over.is_empty() {
            return Ok(false);
        }
        let parts = self.reader.parts()?;
        Ok(passed_over.keys().any(|file| parts.iter().all(|part| part.file != *file)))
    }

    fn page(&self, filter: &Filter, conditions: &Conditions, live: &LiveFiles, parts: &[Part]) -> Result<Page, LogError> {
        let mut best = Best::new(filter.limit as usize, filter.after.is_some());
        live.search(conditions, &mut best)?;
        let mut page = Page::default();
        let started = Instant::now();
        for (searched, part) in in_order(parts, conditions, &best).into_iter().enumerate() {
            if best.needs_none_of(part.ids) {
                break;
            }
            // Where it stops, the next page goes on: so not before it has come further than this page began.
            let came_further = searched > 0 && filter.before.is_none_or(|before| part.ids.1.0 + 1 < before.0);
            if came_further && started.elapsed() > filter.patience && best.direction_is_newest() {
                page.stopped_at = Some(part.ids.1);
                break;
            }
            if let Err(error) = self.search_part(part, conditions, &mut best) {
                page.pass_over(&part.file, &error);
            }
        }
        if let Some(stopped) = page.stopped_at {
            best.only_after(stopped);
        }
        page.next = best.next(page.stopped_at);
        self.fill(&mut page, best, live)?;
        Ok(page)
    }

    /// What the log is made of now: live files, and segments, those with the newest records first.
    fn parts(&self) -> Result<(LiveFiles, Vec<Part>), LogError> {
        loop {
            let sealed = self.reader.last_sealed()?;
            let parts = self.reader.parts()?;
            // A file may be sealed and gone between a look at the journal and at the folder: then the journal says so now.
            match LiveFiles::open(&self.folder, sealed) {
                Ok(live) if self.reader.last_sealed()? == sealed => {
                    self.segments.keep(&parts);
                    return Ok((live, parts));
                }
                Err(error) if self.reader.last_sealed()? == sealed => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn search_part(&self, part: &Part, conditions: &Conditions, best: &mut Best) -> Result<(), SegmentError> {
        let segment = self.segments.get(&part.file, Some(&part.digest))?;
        sealed::search(&segment, part, conditions, best)
    }

    /// Reads the rows that were found.
    fn fill(&self, page: &mut Page, best: Best, live: &LiveFiles) -> Result<(), LogError> {
        let mut by_chunk: HashMap<(String, usize), Vec<usize>> = HashMap::new();
        for (id, place) in best.into_places() {
            match place {
                Place::Live(file) => page.rows.extend(live.row(file, id)?),
                Place::Sealed { file, chunk, row } => by_chunk.entry((file.to_string(), chunk)).or_default().push(row),
            }
        }
        for ((file, chunk), rows) in by_chunk {
            match self.segments.get(&file, None).and_then(|segment| sealed::rows(&segment, chunk, &rows)) {
                Ok(rows) => page.rows.extend(rows),
                Err(error) => page.pass_over(&file, &error),
            }
        }
        page.rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.number));
        Ok(())
    }

    /// How many records there are.
    pub fn count(&self) -> Result<u64, LogError> {
        let (live, parts) = self.parts()?;
        Ok(live.count()? + parts.iter().map(|part| part.rows).sum::<u64>())
    }
}

/// The parts that may hold what is looked for, those first that decide soonest.
fn in_order<'p>(parts: &'p [Part], conditions: &Conditions, best: &Best) -> Vec<&'p Part> {
    let mut wanted: Vec<_> = parts.iter().filter(|part| part.rows > 0 && conditions.may_be_in(part)).collect();
    if !best.direction_is_newest() {
        wanted.sort_unstable_by_key(|part| part.ids.0);
    }
    wanted
}
