//! A body as it streams, whoever reads it: out of its codings, and taken apart into its parts. Pure: bytes are pushed in, bytes come out, nothing is held whole.
//!
//! ```text
//! Content-Encoding ─▶ coding ─▶ what the words and the kinds of files are read from
//! Content-Type ─────▶ messages ▶ each message of a stream
//!                  └▶ parts ──▶ each part: its fields, its bytes (out of their Content-Transfer-Encoding, by transfer), its end
//! ```
//!
//! Those who weigh words and those who judge files read a body by the same readers, so that neither sees parts that the other does not. How a body is cut
//! makes no difference to what is read; the tests hold each reader to that, and `tests/fuzz` does.

pub mod coding;
pub mod messages;
pub mod parameters;
pub mod parts;
pub mod runs;
pub mod transfer;
