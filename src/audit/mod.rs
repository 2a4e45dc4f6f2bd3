//! The record: every request, before its answer; and proof that nobody changed it.
//!
//! ```text
//! Recorder::open ──▶ queue ──▶ writer: one transaction for all that wait ──▶ Pending ──▶ close, or drop
//!                                │ live-<n>.db, full or its day over
//!                                ▼
//!                              sealer: one immutable segment a class ──▶ journal: "sealed", signed ──▶ at night, a day's into few: "merged"
//!
//! query ◀── live files and segments          verify ◀── all of it          retention, erasure ──▶ segments written anew, "purged", "erased"
//! ```
//!
//! [`Recorder::open`] returns when the request is committed, and not before; only then may a byte of the answer leave. What is learned later (status,
//! bytes, duration) is a second entry, so nothing is ever updated in place. A [`Pending`] that is dropped closes itself as abandoned. If the log cannot
//! be written, `open` fails and the caller refuses the request.
//!
//! | to | see |
//! | --- | --- |
//! | know where what lies | [`folder`] |
//! | know what a record is, as bytes and as a hash | [`record`], [`entry`], [`chain`] |
//! | write | [`recorder`], `writer`, [`live`], `sealer`, `seal`, [`segment`] |
//! | read | [`query`]; named people only with a [`lookups::Permit`] |
//! | follow it as it is committed; find what was remarked | [`follow`], [`remark`] |
//! | know of a matter that people are to act on | [`incident`] |
//! | prove | [`journal`], [`key`], [`checkpoint`], [`verify`], [`damage`], `twigs` |
//! | make few files of a day's many | [`merge`] |
//! | keep no longer | [`retention`], [`holds`], [`erasure`], `rewrite` |
//! | hand out | [`export`]; with its proof, to somebody who has no Usher: [`pack`] |
//! | what happened to Usher itself | [`events`] |
//!
//! A committed record survives `kill -9`, and with `durability = "power"` a power cut.

pub mod alias;
pub mod chain;
pub mod checkpoint;
pub mod damage;
pub mod entry;
pub mod erasure;
pub mod events;
pub mod export;
pub mod folder;
pub mod follow;
pub mod holds;
pub mod incident;
pub mod journal;
pub mod key;
pub mod live;
pub mod lookups;
pub mod merge;
pub mod pack;
pub mod people;
pub mod pseudonyms;
pub mod query;
pub mod record;
pub mod recorder;
pub mod remark;
pub mod restrictions;
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
pub use recorder::{Calendar, Pending, Recorder, Settings, Sync, Unrecorded};

#[cfg(test)]
mod tests;
