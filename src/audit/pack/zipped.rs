//! A pack as a zip: written the same from the same files, and read as a stranger's bytes. Pure.
//!
//! Limits, for reading and writing alike: [`LARGEST_ZIP`], [`LARGEST_FILE`], [`LARGEST`], [`MOST_FILES`]. Nothing is unpacked beyond them.

use super::problem::Problem;
use super::{Files, MANIFEST, PROOFS, SIGNATURE};
use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use zip::ZipArchive;
use zip::ZipWriter;
use zip::read::ZipReadOptions;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

/// The largest zip, in bytes.
pub const LARGEST_ZIP: usize = 256 << 20;
/// The largest file in it.
pub const LARGEST_FILE: usize = 256 << 20;
/// All files of it together.
pub const LARGEST: usize = 512 << 20;
/// The most files in it: a year and more of days.
pub const MOST_FILES: usize = 500;
/// The largest table of contents, with what is read to find it.
const LARGEST_CONTENTS: u64 = 4 << 20;

/// Why a file cannot be looked at as a pack.
#[derive(Debug, thiserror::Error)]
pub enum NotAPack {
    /// It is no zip, or one that was cut short.
    #[error("it cannot be read as a zip: {0}. It is no evidence pack, or was cut short or altered on its way")]
    NotAZip(String),
    /// It is a zip of something else.
    #[error("it is a zip, but no evidence pack: there is no manifest.json, proofs.json or signature.json in it")]
    SomethingElse,
    /// It is larger than any pack.
    #[error("it is larger than any evidence pack: {0}")]
    TooLarge(&'static str),
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Made by another version.
    #[error("it was made by another version of Usher (form {0}, this one knows {known}); check it with that version", known = super::manifest::FORM)]
    Form(u64),
}

/// What is in a zip.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Its files.
    pub files: Files,
    pub(super) problems: Vec<Problem>,
    /// Whether every byte of the zip is one that Usher writes for these files.
    pub(super) is_as_written: bool,
}

/// Writes these files as a zip.
pub fn write(files: &Files, out: impl Write + Seek) -> io::Result<()> {
    let mut zip = ZipWriter::new(out);
    let options = SimpleFileOptions::default().unix_permissions(0o600);
    for (name, bytes) in files {
        zip.start_file(name.as_str(), options)?;
        zip.write_all(bytes)?;
    }
    zip.finish()?.flush()
}

/// Fails once more was read than a table of contents may have.
struct Contents<'z> {
    inner: Cursor<&'z [u8]>,
    left: &'z Cell<u64>,
}

impl Read for Contents<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let left = self.left.get().checked_sub(read as u64).ok_or_else(|| io::Error::from(io::ErrorKind::QuotaExceeded))?;
        self.left.set(left);
        Ok(read)
    }
}

impl Seek for Contents<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Unpacks a zip. A file that cannot be unpacked is told, and the others are.
pub fn unpack(bytes: &[u8]) -> Result<Unpacked, NotAPack> {
    if bytes.len() > LARGEST_ZIP {
        return Err(NotAPack::TooLarge("the zip itself"));
    }
    let left = Cell::new(LARGEST_CONTENTS);
    let opened = ZipArchive::new(Contents { inner: Cursor::new(bytes), left: &left });
    let mut archive = opened.map_err(|error| NotAPack::NotAZip(in_words(&error)))?;
    left.set(u64::MAX);
    if archive.len() > MOST_FILES {
        return Err(NotAPack::TooLarge("it holds too many files"));
    }
    let mut unpacked = Unpacked::default();
    if archive.has_duplicate_names() {
        unpacked.problems.push(Problem::FilesTwice);
    }
    let mut room = LARGEST;
    for number in 0..archive.len() {
        let name = archive.name_for_index(number).and_then(Result::ok).map_or_else(|| format!("file {number}"), std::borrow::Cow::into_owned);
        match file(&mut archive, number, LARGEST_FILE.min(room)) {
            Ok(Some(bytes)) => {
                room -= bytes.len();
                unpacked.files.insert(name, bytes);
            }
            Ok(None) => return Err(NotAPack::TooLarge("what it unpacks to")),
            Err(error) => unpacked.problems.push(Problem::FileUnreadable { file: name, why: in_words(&error) }),
        }
    }
    let told = |name: &str| unpacked.problems.iter().any(|problem| matches!(problem, Problem::FileUnreadable { file, .. } if file == name));
    if [SIGNATURE, MANIFEST, PROOFS].iter().all(|name| !unpacked.files.contains_key(*name) && !told(name)) {
        return Err(NotAPack::SomethingElse);
    }
    if unpacked.problems.is_empty() {
        let mut again = Cursor::new(Vec::with_capacity(bytes.len()));
        write(&unpacked.files, &mut again)?;
        unpacked.is_as_written = again.get_ref() == bytes;
    }
    Ok(unpacked)
}

/// The bytes of a file; nothing if they are too many.
fn file(archive: &mut ZipArchive<Contents<'_>>, number: usize, most: usize) -> Result<Option<Vec<u8>>, ZipError> {
    let mut bytes = Vec::new();
    let mut file = archive.by_index_with_options(number, ZipReadOptions::new().enforce_header_consistency(true))?;
    let read = file.by_ref().take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok((read <= most).then_some(bytes))
}

fn in_words(error: &ZipError) -> String {
    match error {
        ZipError::Io(error) if error.kind() == io::ErrorKind::QuotaExceeded => "its table of contents is too long".to_owned(),
        ZipError::InvalidArchive(what) => what.to_string(),
        other => other.to_string(),
    }
}
