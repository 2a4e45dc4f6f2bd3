//! What is wrong with a log, in sentences.

use crate::audit::record::{Class, RecordId};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::fmt;

/// What was looked at, and what was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What is wrong. Nothing is, if it is empty.
    pub problems: Vec<Problem>,
    /// What should be known and is nobody's fault: a clock that was set back, a key that was changed.
    pub remarks: Vec<String>,
    /// Records looked at.
    pub records: u64,
    /// Batches looked at.
    pub batches: u64,
    /// Segments looked at.
    pub segments: u64,
    /// Statements of the journal looked at.
    pub statements: u64,
    /// Records that were purged or erased with a signed note.
    pub gone: u64,
    /// Links of checkpoints that lie in what was purged, and cannot be looked at.
    pub unseen: u64,
    /// The key that signs, in hexadecimal digits.
    pub key: Option<String>,
}

/// Two records something lies between, by their times.
pub type Between = (RecordId, RecordId);

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A record is not what was recorded.
    Altered {
        /// The record.
        id: RecordId,
        /// Its class.
        class: Class,
    },
    /// Records are not there.
    Removed {
        /// Their class, if it is known.
        class: Option<Class>,
        /// Which, if one is known.
        id: Option<RecordId>,
        /// How many.
        count: u64,
        /// What they lay between.
        between: Option<Between>,
    },
    /// Records are there that were never recorded.
    Inserted {
        /// Their class.
        class: Class,
        /// Which they may be.
        ids: Vec<RecordId>,
        /// How many of those.
        count: u64,
    },
    /// A batch is not what was committed, though each of its records looks right: whoever did it knows this format.
    BatchAltered {
        /// Its class.
        class: Class,
        /// Its number.
        batch: u64,
        /// Its records.
        ids: Vec<RecordId>,
    },
    /// Records belong to a batch that is not there.
    BatchGone {
        /// Its class.
        class: Class,
        /// Its number.
        batch: u64,
        /// The records.
        ids: Vec<RecordId>,
    },
    /// The records of a segment do not lead to the root that was signed.
    RootWrong {
        /// The segment's file.
        file: String,
    },
    /// A segment cannot be read.
    Damaged {
        /// Its file.
        file: String,
        /// How many records it holds, and which.
        rows: u64,
        /// The first and last of them.
        between: Between,
        /// What is wrong.
        why: String,
    },
    /// A segment is not there.
    Missing {
        /// Its file.
        file: String,
        /// How many records it held.
        rows: u64,
        /// The first and last of them.
        between: Between,
    },
    /// A file is there that was never sealed.
    Spliced {
        /// The file.
        file: String,
    },
    /// A segment is another than the one that was sealed.
    Replaced {
        /// Its file.
        file: String,
    },
    /// The table of segments was changed past the journal.
    TableAltered {
        /// The segment it is wrong about.
        file: String,
    },
    /// A segment does not go on where the one before it ended: a seal is missing.
    ChainBroken {
        /// Its class.
        class: Class,
        /// The segment's file.
        file: String,
        /// The batch it goes on from.
        batch: u64,
    },
    /// A live file is not there, or does not go on where the one before it ended.
    LiveBroken {
        /// Its number.
        number: u64,
        /// What is wrong.
        why: String,
    },
    /// A statement of the journal was altered.
    StatementAltered {
        /// Its number.
        number: u64,
    },
    /// The table of what is stated once only was changed past the journal.
    KeysAltered {
        /// The statement it is wrong about.
        number: u64,
    },
    /// Statements of the journal are not there.
    StatementsMissing {
        /// The last before them.
        after: u64,
        /// The next after them.
        before: u64,
    },
    /// A statement is not signed by the key that was in force.
    SignatureWrong {
        /// Its number.
        number: u64,
    },
    /// The key is not the one that is known.
    KeyWrong {
        /// The key that was found.
        found: String,
    },
    /// The chain differs from a checkpoint that was kept.
    NotAsCheckpoint {
        /// Which checkpoint.
        checkpoint: String,
        /// What differs.
        what: String,
    },
    /// A checkpoint knows more than the log holds: its end was cut off.
    CutOff {
        /// The class.
        class: Class,
        /// Which checkpoint.
        checkpoint: String,
        /// The batch that is not there.
        batch: u64,
    },
}

fn time(id: RecordId) -> String {
    Timestamp::from_millisecond(id.unix_ms().cast_signed()).map_or_else(|_| id.to_string(), |time| format!("{time:.3}"))
}

fn list(ids: &[RecordId]) -> String {
    let shown: Vec<_> = ids.iter().take(8).map(|id| format!("{id} of {}", time(*id))).collect();
    let more = if ids.len() > shown.len() { format!(" and {} more", ids.len() - shown.len()) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn plural(count: u64) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { id, class } => write!(f, "record {id} ({}) of {} was altered", class.as_str(), time(*id)),
            Self::Removed { id: Some(id), .. } => write!(f, "record {id} of {} was removed", time(*id)),
            Self::Removed { class, count, between, .. } => {
                write!(f, "{} ", plural(*count))?;
                if let Some(class) = class {
                    write!(f, "of class {} ", class.as_str())?;
                }
                f.write_str(if *count == 1 { "was" } else { "were" })?;
                f.write_str(" removed")?;
                match between {
                    Some((first, last)) => write!(f, ", between {} and {}", time(*first), time(*last)),
                    None => Ok(()),
                }
            }
            Self::Inserted { class, ids, count } => {
                let (verb, these) = if *count == 1 { ("was", "it is one of these") } else { ("were", "they are among these") };
                write!(f, "{} of class {} {verb} inserted; {these}: {}", plural(*count), class.as_str(), list(ids))
            }
            Self::BatchAltered { class, batch, ids } => write!(f, "batch {batch} of class {} was altered; its records are: {}", class.as_str(), list(ids)),
            Self::BatchGone { class, batch, ids } => write!(f, "batch {batch} of class {} is not there; these belong to it: {}", class.as_str(), list(ids)),
            Self::RootWrong { file } => {
                write!(f, "the records of {file} do not lead to the root that was signed: it was altered by somebody who knows this format")
            }
            Self::Damaged { file, rows, between, why } => {
                write!(f, "{file} cannot be read: {why}. It holds {} from {} to {}", plural(*rows), time(between.0), time(between.1))
            }
            Self::Missing { file, rows, between } => {
                write!(f, "{file} is not there. It held {} from {} to {}", plural(*rows), time(between.0), time(between.1))
            }
            Self::Spliced { file } => write!(f, "{file} was put there: no seal names it"),
            Self::Replaced { file } => write!(f, "{file} is not the file that was sealed: it was altered or put there"),
            Self::TableAltered { file } => write!(f, "the list of segments was changed: {file} is not as its seal says"),
            Self::ChainBroken { class, file, batch } => {
                write!(f, "{file} goes on from batch {batch} of class {}, which does not end what is before it: a seal was removed", class.as_str())
            }
            Self::LiveBroken { number, why } => write!(f, "live file {number}: {why}"),
            Self::StatementAltered { number } => write!(f, "statement {number} of the journal was altered"),
            Self::KeysAltered { number } => write!(f, "the list of what is stated once was changed: it is not as statement {number} of the journal says"),
            Self::StatementsMissing { after, before } => write!(f, "the journal's statements between {after} and {before} were removed"),
            Self::SignatureWrong { number } => write!(f, "statement {number} of the journal is not signed by the key of this log"),
            Self::KeyWrong { found } => write!(f, "the log is signed with another key: {found}"),
            Self::NotAsCheckpoint { checkpoint, what } => write!(f, "{what} is not what checkpoint {checkpoint} says: the log was rewritten"),
            Self::CutOff { class, checkpoint, batch } => {
                write!(f, "checkpoint {checkpoint} knows batch {batch} of class {}, which is not there: the end of the log was cut off", class.as_str())
            }
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
