//! The file a list is received in: `NAME.part` beside where it is to be, renamed over it when it is whole.
//!
//! A small note, `NAME.part.json`, says what proves that the rest is of the same bytes; with it a later fetch goes on from there. Without that proof a
//! part is of no use and is deleted. Both are readable by their owner only. Writes go to the system's cache and are made on the task they are
//! asked on; the wait for the disk, at the end, is not.

use super::page::FIRST;
use crate::files;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The largest note that is read, in bytes.
const LARGEST_NOTE: u64 = 16 * 1024;

/// What is known of a part.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Note {
    /// The address it was fetched from: its digest, since the address may hold a key.
    pub(super) address: String,
    /// The strong `ETag` or `Last-Modified` it came with.
    pub(super) proof: String,
    /// The size of the whole, if it was told.
    pub(super) total: Option<u64>,
}

/// A list on its way.
#[derive(Debug)]
pub(super) struct Part {
    into: PathBuf,
    file: Option<File>,
    note: Option<Note>,
    length: u64,
    placed: bool,
}

impl Part {
    /// What an earlier fetch of this address left, or an empty part.
    pub(super) fn find(into: &Path, address: &str) -> Self {
        let mut part = Self { into: into.to_owned(), file: None, note: None, length: 0, placed: false };
        let address = digest(address);
        part.note = part.read_note().filter(|note| note.address == address);
        let left = fs::symlink_metadata(part.path()).ok().filter(fs::Metadata::is_file).map_or(0, |file| file.len());
        match &part.note {
            Some(note) if left > 0 && note.total.is_none_or(|total| left < total) => part.length = left,
            Some(_) | None => part.note = None,
        }
        part
    }

    fn read_note(&self) -> Option<Note> {
        let mut bytes = Vec::new();
        File::open(self.note_path()).ok()?.take(LARGEST_NOTE).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// What is here to go on from, and its length.
    pub(super) fn left(&self) -> Option<(&Note, u64)> {
        self.note.as_ref().filter(|_| self.length > 0).map(|note| (note, self.length))
    }

    /// The bytes that are here.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Begins anew. With a proof of what comes, a later fetch can go on.
    pub(super) fn begin(&mut self, address: &str, proof: Option<String>, total: Option<u64>) -> io::Result<()> {
        self.forget_note()?;
        self.file = Some(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.path())?);
        self.length = 0;
        if let Some(proof) = proof {
            let note = Note { address: digest(address), proof, total };
            files::replace(&self.note_path(), &serde_json::to_vec(&note).map_err(io::Error::other)?)?;
            self.note = Some(note);
        }
        Ok(())
    }

    /// Goes on where an earlier fetch ended.
    pub(super) fn go_on(&mut self) -> io::Result<()> {
        self.file = Some(OpenOptions::new().append(true).open(self.path())?);
        Ok(())
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_mut().ok_or_else(|| io::Error::other("nothing was begun"))?.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The first bytes.
    pub(super) fn first(&self) -> io::Result<Vec<u8>> {
        let mut first = Vec::new();
        File::open(self.path())?.take(FIRST as u64).read_to_end(&mut first)?;
        Ok(first)
    }

    /// Puts the list in its place, whole and on the disk.
    pub(super) async fn place(mut self) -> io::Result<()> {
        let file = self.file.take().ok_or_else(|| io::Error::other("nothing was begun"))?;
        let (path, into) = (self.path(), self.into.clone());
        let placing = move || {
            file.sync_all()?;
            fs::rename(path, &into)?;
            into.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        tokio::task::spawn_blocking(placing).await.map_err(io::Error::other)??;
        self.placed = true;
        self.forget_note()
    }

    /// Deletes it: what is here is of no use.
    pub(super) fn discard(&mut self) -> io::Result<()> {
        self.file = None;
        self.length = 0;
        self.forget_note()?;
        missing_is_fine(fs::remove_file(self.path()))
    }

    fn forget_note(&mut self) -> io::Result<()> {
        self.note = None;
        missing_is_fine(fs::remove_file(self.note_path()))
    }

    fn path(&self) -> PathBuf {
        longer(&self.into, ".part")
    }

    fn note_path(&self) -> PathBuf {
        longer(&self.into, ".part.json")
    }

    /// The folder it is in, for people.
    pub(super) fn folder(&self) -> PathBuf {
        self.into.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
    }
}

impl Drop for Part {
    /// A part that cannot be gone on from is not left behind.
    fn drop(&mut self) {
        if self.note.is_none() && !self.placed {
            // Nothing more can be done; the next fetch begins with an empty file anyway.
            let _ = self.discard();
        }
    }
}

fn digest(address: &str) -> String {
    blake3::hash(address.as_bytes()).to_hex().to_string()
}

fn longer(path: &Path, end: &str) -> PathBuf {
    let mut longer = OsString::from(path);
    longer.push(end);
    longer.into()
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const FROM: &str = "https://lists.example/a.txt?key=secret";

    fn begun(folder: &Path, proof: Option<&str>) -> Part {
        let mut part = Part::find(&folder.join("a.txt"), FROM);
        part.begin(FROM, proof.map(str::to_owned), Some(10)).expect("begun");
        part.write(b"games").expect("written");
        part
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn a_part_that_can_be_gone_on_from_is_left_and_found() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(begun(folder.path(), Some("\"v1\"")));
        assert_eq!(names(folder.path()), ["a.txt.part", "a.txt.part.json"]);
        let note = fs::read_to_string(folder.path().join("a.txt.part.json")).expect("a note");
        assert!(!note.contains("secret"), "a key in the address is not written down: {note}");
        for name in names(folder.path()) {
            let mode = fs::metadata(folder.path().join(&name)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let part = Part::find(&folder.path().join("a.txt"), FROM);
        assert_eq!(part.left().map(|(note, length)| (note.proof.as_str(), note.total, length)), Some(("\"v1\"", Some(10), 5)));
    }

    #[test]
    fn a_part_without_proof_or_of_another_address_is_not_gone_on_from() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(begun(folder.path(), None));
        assert_eq!(names(folder.path()), [] as [&str; 0]);
        drop(begun(folder.path(), Some("\"v1\"")));
        assert!(Part::find(&folder.path().join("a.txt"), "https://other.example/").left().is_none());
        assert_eq!(names(folder.path()), [] as [&str; 0], "what is of no use is deleted");
        for (note, text) in [("nonsense", "games"), (r#"{"address":"x","proof":"y"}"#, "games"), ("", "games")] {
            fs::write(folder.path().join("a.txt.part.json"), note).expect("written");
            fs::write(folder.path().join("a.txt.part"), text).expect("written");
            assert!(Part::find(&folder.path().join("a.txt"), FROM).left().is_none(), "{note}");
        }
        drop(begun(folder.path(), Some("\"v1\"")));
        fs::write(folder.path().join("a.txt.part"), "more than there is in all").expect("written");
        assert!(Part::find(&folder.path().join("a.txt"), FROM).left().is_none());
    }

    #[tokio::test]
    async fn a_whole_list_takes_the_place_of_the_old_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.txt"), "old").expect("written");
        let part = begun(folder.path(), Some("\"v1\""));
        assert_eq!(fs::read(folder.path().join("a.txt")).expect("read"), b"old");
        part.place().await.expect("placed");
        assert_eq!(fs::read(folder.path().join("a.txt")).expect("read"), b"games");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }
}
