//! A pack put together.
//!
//! ```text
//! permit ─▶ proofs, held against themselves ─▶ pages drawn ─▶ manifest ─▶ a signed statement with its hash ─▶ the files of the pack
//! ```
//!
//! The statement is made last and names nobody: that a pack was made stays on record when the person's records are erased.

use super::check::{Checked, check};
use super::gather::gather;
use super::manifest::{FORM, Hours, Manifest};
use super::problem::Problem;
use super::proofs::{Hash, Proofs};
use super::signed::{Signed, Sound};
use super::zipped::{LARGEST, LARGEST_FILE, MOST_FILES};
use super::{CSV, Draw, Files, JSON_LINES, MANIFEST, MOST_RECORDS, PROOFS, SIGNATURE};
use crate::audit::checkpoint::CheckpointError;
use crate::audit::export::{ExportError, Exporter, Format};
use crate::audit::folder::Folder;
use crate::audit::journal::{Journal, JournalError, Topic};
use crate::audit::live::LiveError;
use crate::audit::lookups::Permit;
use crate::audit::query::{LogError, Row};
use crate::audit::record::{Class, RecordId};
use crate::audit::rewrite::{self, RewriteError};
use crate::clock::Timetable;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// There are too many.
    #[error("there are more than {MOST_RECORDS} records, too many for one pack; make several, each of less time")]
    TooMany,
    /// There is too much.
    #[error("the pack would be too large ({0}); make several, each of less time")]
    TooLarge(&'static str),
    /// Records went while they were read.
    #[error("record {0} was erased or purged while the pack was made; try again")]
    Gone(RecordId),
    /// A statement is not in the journal.
    #[error("statement {0} is not in the journal; see: usher log verify")]
    NoStatement(u64),
    /// A live file was altered.
    #[error("live file {number} was altered: its records of class {} are not those that were committed. See: usher log verify", .class.as_str())]
    LiveAltered {
        /// Its number.
        number: u64,
        /// The class.
        class: Class,
    },
    /// What was gathered does not hold.
    #[error("the log does not prove these records: {}. See: usher log verify", .0.first().map(ToString::to_string).unwrap_or_default())]
    Unsound(Vec<Problem>),
    /// Somebody else rewrites the log.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The log says no.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The journal says no.
    #[error("the log's journal cannot be used: {0}")]
    Journal(#[from] JournalError),
    /// A live file says no.
    #[error("the log cannot be read: {0}")]
    Live(#[from] LiveError),
    /// No checkpoint can be made.
    #[error("no checkpoint can be made: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A table cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The folder says no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What is wanted.
pub struct Wanted<'w> {
    /// Whose records of which time may be handed out: a permit for one user.
    pub permit: &'w Permit,
    /// The school's name.
    pub school: &'w str,
    /// The school's hours.
    pub timetable: &'w Timetable,
    /// Now.
    pub now: Timestamp,
}

/// What a statement says about a pack.
#[derive(Serialize, Deserialize)]
pub(in crate::audit) struct Packed {
    /// The number of the statement on who looked.
    pub(in crate::audit) look: u64,
    /// How many records it holds.
    pub(in crate::audit) records: usize,
    /// The hash of the manifest.
    pub(super) manifest: Hash,
}

/// A pack.
pub struct Made {
    /// Its files; none if there are no records.
    pub files: Files,
    /// What is in it.
    pub checked: Checked,
    /// What of the log could not be read, and why: records may be missing.
    pub passed_over: BTreeMap<String, String>,
}

/// Makes a pack, and puts on record that it was made. Nothing is written but that.
pub fn make(folder: &Folder, wanted: &Wanted<'_>, draw: Draw<'_>) -> Result<Made, PackError> {
    // What is read must not be written anew meanwhile.
    let _lock = rewrite::lock(folder)?;
    let mut journal = Journal::open(folder)?;
    let gathered = gather(folder, &mut journal, wanted.permit, wanted.now)?;
    let (proofs, passed_over) = (gathered.proofs, gathered.passed_over);
    let mut problems = Vec::new();
    let checked = check(&proofs, &Sound::of(proofs.statements.iter(), &mut problems), wanted.permit.statement());
    problems.extend(checked.problems.iter().cloned());
    if !problems.is_empty() {
        return Err(PackError::Unsound(problems));
    }
    if checked.rows.is_empty() {
        return Ok(Made { files: Files::new(), checked, passed_over });
    }
    let mut manifest = manifest(wanted, checked.rows.len(), passed_over.clone());
    let mut files = draw(&manifest, &checked);
    files.extend(tables(&checked.rows)?);
    files.insert(PROOFS.to_owned(), json(&proofs));
    manifest.files = files.iter().map(|(name, bytes)| (name.clone(), Hash(blake3::hash(bytes).into()))).collect();
    files.insert(MANIFEST.to_owned(), manifest.bytes());
    within_limits(&files)?;
    let body = Packed { look: manifest.look, records: manifest.records, manifest: Hash(blake3::hash(&files[MANIFEST]).into()) };
    let number = journal.state(wanted.now, Topic::Packed, &body)?;
    let signed = Signed::find(journal.reader(), number)?.ok_or(PackError::NoStatement(number))?;
    files.insert(SIGNATURE.to_owned(), json(&signed));
    Ok(Made { files, checked, passed_over })
}

fn manifest(wanted: &Wanted<'_>, records: usize, passed_over: BTreeMap<String, String>) -> Manifest {
    let filter = wanted.permit.filter();
    Manifest {
        form: FORM,
        usher: env!("CARGO_PKG_VERSION").to_owned(),
        made: wanted.now,
        school: wanted.school.to_owned(),
        user: filter.user.clone().unwrap_or_default(),
        from: filter.from,
        to: filter.to,
        look: wanted.permit.statement(),
        records,
        passed_over,
        hours: Hours::of(wanted.timetable),
        files: BTreeMap::new(),
    }
}

/// The records as tables.
pub(super) fn tables(rows: &[Row]) -> Result<Files, ExportError> {
    let mut files = Files::new();
    for (name, format) in [(CSV, Format::Csv), (JSON_LINES, Format::JsonLines)] {
        let mut exporter = Exporter::begin(format, Vec::new())?;
        exporter.write(rows.to_vec())?;
        files.insert(name.to_owned(), exporter.finish()?);
    }
    Ok(files)
}

/// As one line of JSON.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    // Numbers and texts can always be written.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The most things that `proofs.json` may list: each takes memory when it is read.
pub(super) const MOST_LISTED: usize = 8_000_000;
/// The most that the others may: some for each of the files there may be.
pub(super) const MOST_LISTED_ELSEWHERE: usize = 20_000;

/// How many things a file of JSON lists at most.
pub(super) fn listed(json: &[u8]) -> usize {
    memchr::memchr_iter(b',', json).count()
}

fn within_limits(files: &Files) -> Result<(), PackError> {
    let sum: usize = files.values().map(Vec::len).sum();
    match () {
        () if files.len() >= MOST_FILES => Err(PackError::TooLarge("too many days")),
        () if sum > LARGEST - (1 << 20) || files.values().any(|bytes| bytes.len() > LARGEST_FILE) => Err(PackError::TooLarge("too many bytes")),
        () if listed(&files[PROOFS]) > MOST_LISTED => Err(PackError::TooLarge("too many proofs")),
        () if files.get(MANIFEST).is_some_and(|manifest| listed(manifest) > MOST_LISTED_ELSEWHERE) => Err(PackError::TooLarge("too many damaged segments")),
        () => Ok(()),
    }
}

/// Whether proofs are of a size that is made.
pub(super) fn is_readable(proofs: &Proofs) -> bool {
    proofs.records.len() <= MOST_RECORDS && proofs.statements.len() <= MOST_STATEMENTS
}

/// The most statements of a pack: one a segment, and some keys.
const MOST_STATEMENTS: usize = 20_000;
