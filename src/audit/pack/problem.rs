//! What is wrong with a pack, in sentences.

use super::check::Seal;
use crate::audit::lookups;
use crate::audit::record::RecordId;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::fmt;

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What is wrong. Nothing is, if it is empty.
    pub problems: Vec<Problem>,
    /// What should be known and is nobody's fault.
    pub remarks: Vec<String>,
    /// Whose records; empty if the pack does not say.
    pub user: String,
    /// The school's name; may be empty.
    pub school: String,
    /// The time zone of the school.
    pub zone: String,
    /// When the pack was made.
    pub made: Option<Timestamp>,
    /// With which version.
    pub usher: String,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Under which statement: who looked, and why.
    pub look: Option<lookups::Row>,
    /// Records in it.
    pub records: usize,
    /// Records that are proven.
    pub proven: usize,
    /// Records that are in it without a proof that they began as it says.
    pub unproven: Vec<String>,
    /// The statements that prove them, the oldest first.
    pub seals: Vec<Seal>,
    /// The key that signs the pack, in hexadecimal digits.
    pub key: Option<String>,
}

/// Something that is not as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A file is not there.
    FileMissing(String),
    /// A file is there that is none of the pack's.
    FileStrange(String),
    /// Two files have the same name: programs differ in which they show.
    FilesTwice,
    /// A file cannot be unpacked.
    FileUnreadable {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A file is not what was signed.
    FileAltered(String),
    /// A file of a form that is not known.
    FileForm {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A page or table says something else than the records.
    NotDrawn {
        /// The file.
        file: String,
        /// The first line that differs.
        line: usize,
        /// The record of that line, where a line is a record.
        id: Option<RecordId>,
    },
    /// A statement is not signed by the key that is named.
    Signature {
        /// Its number.
        number: u64,
        /// Its topic.
        kind: String,
    },
    /// A statement is there twice.
    StatementTwice(u64),
    /// The manifest is not the one that was signed.
    ManifestAltered,
    /// The pack's signature is about another pack.
    OtherPack {
        /// What differs.
        what: &'static str,
    },
    /// The key is not the one that is known.
    OtherKey {
        /// The key that was found.
        found: String,
    },
    /// Nothing says who asked for these records and why.
    NoReason,
    /// The statement on who looked is about other records.
    OtherReason,
    /// A record cannot be read.
    Unreadable(RecordId),
    /// A record is not in its place: there twice, or not in the order of time.
    OutOfOrder(RecordId),
    /// A record is not of the person, or not of the time.
    NotOfThese(RecordId),
    /// Records were altered, put there, or taken out of their batch.
    Altered {
        /// The batch's class and number.
        batch: (&'static str, u64),
        /// The records of the pack that are in it.
        ids: Vec<RecordId>,
    },
    /// Batches do not lead to what was signed.
    NotSigned {
        /// The statement that should sign it.
        statement: u64,
        /// The segment's file, or the chain.
        what: String,
        /// The records that are in these batches.
        ids: Vec<RecordId>,
    },
    /// A batch leads nowhere.
    NoProof {
        /// The batch's class and number.
        batch: (&'static str, u64),
        /// The records of the pack that are in it.
        ids: Vec<RecordId>,
    },
    /// The end of a record, or that it has none, is not what was signed.
    EndUnproven(RecordId),
    /// A record stands in batches more than once.
    Repeated(RecordId),
    /// The number of records is not what the manifest says.
    Count {
        /// What the manifest says.
        said: usize,
        /// What is there.
        found: usize,
    },
    /// There are more than are told one by one.
    More(usize),
}

fn list(ids: &[RecordId]) -> String {
    let shown: Vec<_> = ids.iter().take(8).map(ToString::to_string).collect();
    let more = if ids.len() > shown.len() { format!(" and {} more", ids.len() - shown.len()) } else { String::new() };
    let records = if ids.len() == 1 { "record" } else { "records" };
    if ids.is_empty() { "none of this pack's records".to_owned() } else { format!("{records} {}{more}", shown.join(", ")) }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileMissing(file) => write!(f, "{file} is missing from the pack"),
            Self::FileStrange(file) => write!(f, "{file} does not belong to the pack: it was put there"),
            Self::FilesTwice => f.write_str("two files in the zip have the same name: one was put there"),
            Self::FileUnreadable { file, why } => write!(f, "{file} cannot be unpacked: {why}"),
            Self::FileAltered(file) => write!(f, "{file} was altered: it is not the file that was signed"),
            Self::FileForm { file, why } => write!(f, "{file} cannot be read: {why}"),
            Self::NotDrawn { file, line, id: Some(id) } => write!(f, "{file}, line {line}: record {id} is not what was recorded"),
            Self::NotDrawn { file, line, id: None } => write!(f, "{file}, line {line}: it says something else than the records"),
            Self::Signature { number, kind } => write!(f, "statement {number} ({kind}) is not signed by the key this pack names: it was altered or made up"),
            Self::StatementTwice(number) => write!(f, "statement {number} is in the pack twice"),
            Self::ManifestAltered => f.write_str("manifest.json was altered: it is not the file that was signed"),
            Self::OtherPack { what } => write!(f, "the signature is of another pack: {what}"),
            Self::OtherKey { found } => write!(f, "the pack is signed with another key than the one you gave: {found}. It was not made by that school's Usher"),
            Self::NoReason => f.write_str("the statement that says who asked for these records and why was taken out"),
            Self::OtherReason => f.write_str("the statement on who asked and why is about other records than these"),
            Self::Unreadable(id) => write!(f, "record {id} cannot be read: it was altered"),
            Self::OutOfOrder(id) => write!(f, "record {id} is not in its place: it is there twice, or was moved"),
            Self::NotOfThese(id) => write!(f, "record {id} is not of this person and time: it was put there"),
            Self::Altered { batch: (class, number), ids } => {
                write!(f, "batch {number} of class {class} is not what was committed; altered, removed or put there: {}", list(ids))
            }
            Self::NotSigned { statement, what, ids } => write!(f, "{what} does not lead to what statement {statement} signs; not proven: {}", list(ids)),
            Self::NoProof { batch: (class, number), ids } => write!(f, "nothing signed knows batch {number} of class {class}; not proven: {}", list(ids)),
            Self::EndUnproven(id) => write!(f, "how record {id} ended is not proven: its end was altered, removed or put there"),
            Self::Repeated(id) => write!(f, "record {id} stands in more than one place: one of them was put there"),
            Self::More(more) => write!(f, "and {more} more like these"),
            Self::Count { said, found } => write!(f, "the manifest speaks of {said} records, and there are {found}"),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
