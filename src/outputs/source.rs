//! What there is to send: committed things in their order, from a place on.

use super::What;
use crate::audit::damage;
use crate::audit::events::Severity;
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, LogError, Row};
use crate::audit::{Class, Folder, RecordId};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// How long a record that is still open is waited for.
pub const SETTLE: SignedDuration = SignedDuration::from_secs(5);
/// The most that are counted to say how far behind an output is.
pub const MOST_COUNTED: u32 = 10_000;

/// A place in what is committed: the number of the last thing before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// Something committed.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its place: whoever has taken it goes on from here.
    pub position: Position,
    /// When it was.
    pub at: Timestamp,
    /// What it is.
    pub content: Content,
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Content {
    /// A request, with its class.
    Record(Class, Box<Row>),
    /// Something else that is on record.
    Notice(Notice),
}

/// What is on record beside requests: an event, a checkpoint.
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// Events or checkpoints.
    pub what: What,
    /// One word for it.
    pub kind: String,
    /// How grave it is.
    pub severity: Severity,
    /// A sentence.
    pub text: String,
    /// What else is told, by name.
    pub fields: Vec<(&'static str, String)>,
}

/// What cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A part of the log, which is not said to be damaged or gone.
    #[error("the log's {file} cannot be read now: {why}")]
    NotNow {
        /// Its file.
        file: String,
        /// Why not.
        why: String,
    },
    /// A record without a time.
    #[error("the record {0} has no time that can be read; see: usher log verify")]
    Time(String),
}

/// Committed things in order. Whoever implements it may block: it is called on threads for that.
pub trait Committed: Send + Sync {
    /// The things after a place, oldest first, at most so many. Later ones may not be given before earlier ones are.
    ///
    /// # Errors
    /// If they cannot be read now.
    fn after(&self, position: Position, limit: u32, now: Timestamp) -> Result<Vec<Item>, SourceError>;

    /// The place after all that is committed now.
    ///
    /// # Errors
    /// If it cannot be read now.
    fn end(&self) -> Result<Position, SourceError>;

    /// How many things are after a place; [`MOST_COUNTED`] if there are as many or more.
    ///
    /// # Errors
    /// If they cannot be read now.
    fn behind(&self, position: Position) -> Result<u32, SourceError>;
}

/// The records of a log.
pub struct Records {
    folder: Folder,
    /// Open between reads. A log that failed is opened anew.
    log: Mutex<Option<Log>>,
}

impl Records {
    /// Those of this log. It is opened when it is first read.
    #[must_use]
    pub fn new(folder: Folder) -> Self {
        Self { folder, log: Mutex::new(None) }
    }

    fn search(&self, filter: &Filter) -> Result<Vec<Row>, SourceError> {
        let mut log = self.log.lock();
        let open = match log.take() {
            Some(open) => open,
            None => Log::open(&self.folder)?,
        };
        let page = Unshown::of(&open).search(filter)?;
        *log = Some(open);
        drop(log);
        // Whoever takes the rows goes on after them: only what is lost, and on record as lost, may be passed over.
        let wrong = damage::met(&self.folder, &page.passed_over).map_err(LogError::from)?;
        match page.passed_over.into_iter().find(|(file, _)| !wrong.contains(file)) {
            Some((file, why)) => Err(SourceError::NotNow { file, why }),
            None => Ok(page.rows),
        }
    }
}

impl Committed for Records {
    fn after(&self, position: Position, limit: u32, now: Timestamp) -> Result<Vec<Item>, SourceError> {
        let rows = self.search(&Filter { after: Some(RecordId(position.0)), limit, ..Filter::default() })?;
        let mut items = Vec::with_capacity(rows.len());
        // They come newest first.
        for row in rows.into_iter().rev() {
            let at: Timestamp = row.time.parse().map_err(|_| SourceError::Time(row.id.clone()))?;
            if row.outcome.is_none() && now.duration_since(at) < SETTLE {
                break;
            }
            items.push(Item { position: Position(row.number.0), at, content: Content::Record(class(&row), Box::new(row)) });
        }
        Ok(items)
    }

    fn end(&self) -> Result<Position, SourceError> {
        let newest = match self.search(&Filter { limit: 1, ..Filter::default() }) {
            Err(SourceError::Log(LogError::None(_))) => Vec::new(),
            searched => searched?,
        };
        Ok(Position(newest.first().map_or(0, |row| row.number.0)))
    }

    fn behind(&self, position: Position) -> Result<u32, SourceError> {
        let rows = self.search(&Filter { after: Some(RecordId(position.0)), limit: MOST_COUNTED, ..Filter::default() })?;
        Ok(u32::try_from(rows.len()).unwrap_or(MOST_COUNTED))
    }
}

/// The class of a record as it is read.
fn class(row: &Row) -> Class {
    Class::NAMES.iter().find(|(name, _)| *name == row.class).map_or(Class::Visit, |(_, class)| *class)
}
