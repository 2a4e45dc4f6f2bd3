//! The record: every request, before its answer.
//!
//! ```text
//! Recorder::open ──▶ queue ──▶ writer thread: one transaction for all that wait ──▶ Pending ──▶ close, or drop
//! ```
//!
//! [`Recorder::open`] returns when the request is committed, and not before; only then may a byte of the answer leave. What is
//! learned later (status, bytes, duration) is a second row, so nothing is ever updated in place. A [`Pending`] that is dropped closes
//! itself as abandoned. If the log cannot be written, `open` fails and the caller refuses the request.
//!
//! What happened to Usher itself is beside it: [`events`]. Who looked at whose records, and why: [`lookups`].
//!
//! Records are rows of one SQLite database in WAL mode: a committed row survives `kill -9`, and with `sync = "full"` a power cut.

pub mod alias;
pub mod chain;
pub mod checkpoint;
pub mod entry;
pub mod erasure;
pub mod events;
pub mod export;
pub mod folder;
pub mod holds;
pub mod journal;
pub mod key;
pub mod live;
pub mod lookups;
pub mod people;
pub mod pseudonyms;
pub mod query;
pub mod record;
pub mod recorder;
pub mod retention;
mod rewrite;
pub mod scope;
mod seal;
mod sealer;
pub mod segment;
pub mod stopped;
mod twigs;
pub mod verify;
mod writer;

pub use folder::Folder;
pub use record::{Class, Closing, Opening, Outcome, RecordId, Verdict};
pub use recorder::{Pending, Recorder, Settings, Sync, Unrecorded};

#[cfg(test)]
mod tests;
