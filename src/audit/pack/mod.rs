//! The evidence pack: what is on record of one person for a stretch of time, with the proof that it is what was recorded. A zip that a third party
//! checks with nothing but itself and `usher log verify --pack`.
//!
//! ```text
//! signature.json  a statement of the journal, signed: the hash of ▼
//! manifest.json   whose records, when, the school's hours; the hash of every other file
//! README.txt      what this is, how to check it, what it proves and what it does not
//! timeline.html   the day to read; a file a day where there are several
//! records.csv     every field of every record, for spreadsheets; records.jsonl for programs
//! proofs.json     the canonical bytes of every record, and what leads from them to statements that were signed when they were recorded
//! ```
//!
//! What a person reads is bound to what was signed twice: its hash stands in the manifest, and whoever verifies draws it anew from the canonical
//! bytes and compares. So a pack that was altered afterwards is found out, and so is one whose maker let the pages say something else than the records.
//!
//! Others' data are not in it: of a batch's other records only the leaves, of other batches only hashes of whole parts of the tree.
//!
//! Limits: it does not prove that there is nothing else on record, nor that a record without an end had none; see `README.txt`. A pack holds at most
//! [`MOST_RECORDS`] records. Pages are drawn by whoever may use [`crate::audit`] and knows how: see [`Draw`].
//!
//! | file | what it is |
//! | --- | --- |
//! | `proofs` `signed` `manifest` | the forms of `proofs.json`, of a signed statement, of `manifest.json` |
//! | `gather` `stretch` `sealed` `live` | from the log to `proofs.json` |
//! | `check` | from `proofs.json` to rows that are proven |
//! | `make` `zipped` `verify` | a pack put together; as a zip; held against itself |
//! | `problem` | what is wrong with a pack, in sentences |

mod check;
mod gather;
mod live;
mod make;
mod manifest;
mod problem;
mod proofs;
mod sealed;
mod signed;
mod stretch;
mod verify;
mod zipped;

pub use check::{Checked, Seal};
pub(super) use make::Packed;
pub use make::{Made, PackError, Wanted, make};
pub use manifest::{Hours, Manifest};
pub use problem::{Problem, Report};
pub use verify::verify;
pub use zipped::{LARGEST_ZIP, MOST_FILES, NotAPack, Unpacked, unpack, write};

use std::collections::BTreeMap;

/// The most records of a pack: some weeks of one person who does much.
pub const MOST_RECORDS: usize = 100_000;

/// The files of a pack by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Draws the pages that people read. What it draws depends on nothing but these.
pub type Draw<'d> = &'d dyn Fn(&Manifest, &Checked) -> Files;

const SIGNATURE: &str = "signature.json";
const MANIFEST: &str = "manifest.json";
const PROOFS: &str = "proofs.json";
const CSV: &str = "records.csv";
const JSON_LINES: &str = "records.jsonl";

#[cfg(test)]
mod tests;
