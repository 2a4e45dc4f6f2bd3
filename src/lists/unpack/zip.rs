//! The members of a zip, by the table of contents at its end.

use super::{Budget, Each, Found, LONGEST_NAME, Limits, RefusedMember, UnpackError, Unpacked, alias, checked, classify, file};
use std::cell::Cell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use zip::result::ZipError;

/// The most a zip's table of contents may have, in bytes: enough for all members that are allowed.
const LARGEST_CONTENTS: u64 = 32 << 20;
/// The part of a Unix mode that says what a member is, and what it is for a file; no mode at all is a file too.
const KIND: u32 = 0o170_000;
const KINDS_OF_FILES: [u32; 2] = [0, 0o100_000];

/// Fails once more was read than a table of contents may have.
struct Contents<'c, R> {
    inner: R,
    left: &'c Cell<u64>,
}

impl<R: Read> Read for Contents<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let left = self.left.get().checked_sub(read as u64).ok_or_else(|| io::Error::from(io::ErrorKind::QuotaExceeded))?;
        self.left.set(left);
        Ok(read)
    }
}

impl<R: Seek> Seek for Contents<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Gives every member to `each`.
pub(super) fn members<E: From<UnpackError>>(mut zip: impl Read + Seek, budget: &Budget, each: &mut Each<'_, E>) -> Result<(), E> {
    budget.packed.set(zip.seek(SeekFrom::End(0)).map_err(classify)?);
    let left = Cell::new(LARGEST_CONTENTS);
    let opened = zip::ZipArchive::new(Contents { inner: zip, left: &left });
    let mut archive = opened.map_err(|error| zip_error(error, budget.limits))?;
    left.set(u64::MAX);
    for number in 0..archive.len() {
        budget.count_member()?;
        let name = archive.name_for_index(number).and_then(Result::ok).unwrap_or_default().into_owned();
        match archive.by_index(number).map_err(|error| (refused(&error), error)) {
            Ok(mut member) => give(&mut member, budget, each)?,
            Err((Some(reason), _)) => each(Found::Refused(&name, reason))?,
            Err((None, error)) => return Err(zip_error(error, budget.limits).into()),
        }
    }
    Ok(())
}

fn give<E: From<UnpackError>, R: Read>(member: &mut zip::read::ZipFile<'_, R>, budget: &Budget, each: &mut Each<'_, E>) -> Result<(), E> {
    let shown = String::from_utf8_lossy(member.name_raw()).into_owned();
    let path = match checked(member.name_raw(), budget.limits.depth) {
        Ok(path) => path,
        Err(refused) => return each(Found::Refused(&shown, refused)),
    };
    if member.is_dir() || path.is_empty() {
        return Ok(());
    }
    let (is_link, is_file) = (member.is_symlink(), member.unix_mode().is_none_or(|mode| KINDS_OF_FILES.contains(&(mode & KIND))));
    let mut content = Unpacked { inner: member, budget, member: Some((&path, budget.limits.member)) };
    if is_link {
        let mut link = Vec::new();
        content.take(LONGEST_NAME).read_to_end(&mut link).map_err(|error| budget.meant(error))?;
        return alias(&path, path.rsplit_once('/').map_or("", |(folder, _)| folder), &link, each);
    }
    if !is_file {
        return each(Found::Refused(&path, RefusedMember::Special));
    }
    let answer = file(&path, &mut BufReader::new(&mut content), budget, each);
    answer.and_then(|()| {
        // To its end, so that its checksum is checked.
        io::copy(&mut content, &mut io::sink()).map(drop).map_err(|error| budget.meant(error).into())
    })
}

fn refused(error: &ZipError) -> Option<RefusedMember> {
    match error {
        ZipError::UnsupportedArchive(what) if *what == ZipError::PASSWORD_REQUIRED => Some(RefusedMember::Encrypted),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => Some(RefusedMember::UnknownPacking),
        _ => None,
    }
}

fn zip_error(error: ZipError, limits: Limits) -> UnpackError {
    match error {
        ZipError::Io(error) if error.kind() == io::ErrorKind::QuotaExceeded => UnpackError::TooManyMembers(limits.members),
        ZipError::Io(error) => classify(error),
        ZipError::InvalidArchive(what) => UnpackError::Corrupt(what.into_owned()),
        other => UnpackError::Corrupt(other.to_string()),
    }
}
