//! Alerts: who is in danger, or gets round the filter, and who is told.
//!
//! ```text
//! audit::follow ──▶ signal (what a record says of a theme) ──▶ episode (one matter, one episode) ──▶ audit::incident (stated) ──▶ routes ──▶ outbox ──▶ notify
//! ```
//!
//! The journal is the memory: every step of an episode and every message is a statement in the record's own chain, and has a key that does not depend on when
//! it was worked out. What is stated is never stated again; what was not stated when Usher was killed is worked out again from the record.

pub mod changes;
pub mod digest;
pub mod engine;
pub mod episode;
pub mod erased;
pub mod evidence;
pub mod health;
pub mod held;
pub mod ladder;
pub mod links;
pub mod notify;
pub mod outbox;
pub mod pace;
pub mod past;
pub mod plan;
pub mod quiet;
pub mod rebuild;
pub mod regular;
pub mod restrict;
pub mod routes;
pub mod rules;
pub mod school;
pub mod seen;
pub mod settings;
pub mod severity;
pub mod signal;
pub mod sitting;
pub mod story;
pub mod subject;
pub mod suppress;
pub mod theme;
pub mod trial;
pub mod volume;
pub mod ways;
pub mod week;
pub mod weights;
