//! A sealed segment: the records of one class and a stretch of time in one file that never changes again.
//!
//! ```text
//! magic │ blobs: dictionaries, words, askers, batches, gaps, and for each chunk its columns │ directory │ where the directory is, and its hash │ magic
//! ```
//!
//! Rows are sorted by person, then by record id, and cut into chunks of at most 8192, where another person begins if it has 2048. A chunk keeps each group of columns as a blob of its own
//! (zstd), so that a question decodes only what it asks about. Every blob's hash stands in the directory, and the hash of the directory in the
//! journal, signed: one changed byte is found when the blob is read.
//!
//! | file | what it is |
//! | --- | --- |
//! | `blob` | where bytes lie in the file, compressed and hashed |
//! | `dictionary` | who, judgements, shapes, texts, hosts: each once, sorted |
//! | `words` | which rows hold a word |
//! | `askers` | who asked for each host |
//! | `columns` | the columns of a chunk |
//! | `directory` | what is where |
//! | `pages` | lists, of which one is read without all |
//! | `gather` `rows` | rows and what they share, in memory on their way from one file to another |
//! | `write` `read` | a file written and read |
//! | [`trial`] | any bytes, given to what reads |

pub(super) mod askers;
pub(super) mod blob;
pub(super) mod columns;
pub(super) mod dictionary;
pub(super) mod directory;
pub(super) mod gather;
mod pages;
pub(super) mod read;
mod rows;
pub mod trial;
pub(super) mod words;
pub(super) mod write;

pub(super) use columns::{Ending, Line};
pub(super) use directory::{BatchNote, Directory, Gap, Missing, native_from};
pub(super) use read::Segment;
pub(super) use rows::Rows;
pub(super) use write::SegmentWriter;

/// The most rows of a chunk: as many as one person has in a day of much browsing.
pub(super) const CHUNK: usize = 8192;
/// With so many rows a chunk ends where another person begins: who asks for one person's day reads few of others.
const ENOUGH: usize = 2048;

/// Why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The bytes are not those that were sealed.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// Written by another version.
    #[error("it was written by another version of Usher (form {0}); start that version")]
    Form(u64),
}

impl From<super::entry::NotAnEntry> for SegmentError {
    fn from(_: super::entry::NotAnEntry) -> Self {
        Self::Damaged("an entry cannot be read")
    }
}
