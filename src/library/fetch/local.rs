//! A list in a file of this machine. It is copied, so that what is judged is what is put in force whatever becomes of the file meanwhile.

use super::error::{FetchError, storing};
use super::page::looks_like_web_page;
use super::part::Part;
use super::{Caps, Delivery, Fetched, Validators};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Bytes copied at a time.
const PIECE: usize = 256 * 1024;

/// Copies a file, unless it is the one that `known` is of.
pub(super) async fn copy(path: PathBuf, known: Validators, into: PathBuf, caps: Caps) -> Result<Fetched, FetchError> {
    let copying = tokio::task::spawn_blocking(move || {
        let (source, metadata) = open(&path)?;
        let validators = Validators { etag: Some(stamp(&metadata)), last_modified: None };
        if known == validators {
            return Ok(None);
        }
        let part = copy_into(&path, source, &metadata, &into, &caps)?;
        Ok(Some((validators, part)))
    });
    let copied = copying.await.unwrap_or_else(|error| Err(FetchError::File { path: PathBuf::new(), error: io::Error::other(error) }))?;
    let Some((validators, part)) = copied else { return Ok(Fetched::Unchanged) };
    let (bytes, folder) = (part.length(), part.folder());
    part.place().await.map_err(|error| storing(folder, error))?;
    Ok(Fetched::New(Delivery { validators, bytes, content_type: None, resumed_from: 0 }))
}

fn open(path: &Path) -> Result<(File, Metadata), FetchError> {
    let fail = |error| FetchError::File { path: path.to_owned(), error };
    // Asked before opening: a pipe would make opening wait.
    let kind = std::fs::metadata(path).map_err(fail)?;
    if kind.is_dir() {
        return Err(fail(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name one file, which may be an archive of folders")));
    }
    if !kind.is_file() {
        return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file")));
    }
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    Ok((file, metadata))
}

/// What tells one state of a file from another.
fn stamp(file: &Metadata) -> String {
    format!("\"{:x}-{:x}-{:x}.{:09}\"", file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}

fn copy_into(path: &Path, mut source: File, metadata: &Metadata, into: &Path, caps: &Caps) -> Result<Part, FetchError> {
    let name = path.display().to_string();
    let too_large = |told| FetchError::TooLarge { address: name.clone(), most: caps.bytes, told };
    if metadata.len() > caps.bytes {
        return Err(too_large(Some(metadata.len())));
    }
    let mut part = Part::find(into, &name);
    part.begin(&name, None, None).map_err(|error| storing(part.folder(), error))?;
    let (began, mut piece) = (Instant::now(), vec![0; PIECE]);
    loop {
        let count = source.read(&mut piece).map_err(|error| FetchError::File { path: path.to_owned(), error })?;
        if count == 0 {
            break;
        }
        if part.length() + count as u64 > caps.bytes {
            return Err(too_large(None));
        }
        if began.elapsed() > caps.time {
            return Err(FetchError::TookTooLong { address: name.clone(), seconds: caps.time.as_secs() });
        }
        part.write(&piece[..count]).map_err(|error| storing(part.folder(), error))?;
    }
    let first = part.first().map_err(|error| storing(part.folder(), error))?;
    if looks_like_web_page(None, &first) { Err(FetchError::WebPage(name)) } else { Ok(part) }
}
