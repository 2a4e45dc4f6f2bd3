//! Where the log lies.
//!
//! ```text
//! log/live-00000007.db            what is being written; with -wal and -shm while it is open
//!     sealed/visit-00000001-00000004.seg   records of one class, sealed
//!     journal.db                  signed statements: seals, purges, who looked, events
//!     key                         what signs them, unless a file elsewhere is named
//!     lock                        held by the one program that writes records
//! ```

use super::record::Class;
use crate::files;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of a log. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
    key: PathBuf,
}

impl Folder {
    /// The log in this folder, signed with the key in a file of its own there.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { key: path.join("key"), path }
    }

    /// The same, signed with the key in this file.
    #[must_use]
    pub fn with_key(self, key: PathBuf) -> Self {
        Self { key, ..self }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the signing key.
    #[must_use]
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// Whether there is a log.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.journal().exists()
    }

    /// The database of statements.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.db")
    }

    /// The folder of sealed segments.
    #[must_use]
    pub fn sealed(&self) -> PathBuf {
        self.path.join("sealed")
    }

    /// The live file with this number.
    #[must_use]
    pub fn live(&self, number: u64) -> PathBuf {
        self.path.join(format!("live-{number:08}.db"))
    }

    /// The name of the segment of a class that holds these live files.
    #[must_use]
    pub(super) fn segment_name(class: Class, lives: (u64, u64)) -> String {
        format!("{}-{:08}-{:08}.seg", class.as_str(), lives.0, lives.1)
    }

    /// The numbers of the live files that are there, ascending.
    pub fn lives(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("live-")?.strip_suffix(".db")?.parse::<u64>().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Removes a live file with what SQLite keeps beside it.
    pub(super) fn remove_live(&self, number: u64) -> io::Result<()> {
        let path = self.live(number);
        for end in ["-wal", "-shm", ""] {
            let mut name = path.clone().into_os_string();
            name.push(end);
            match fs::remove_file(name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Makes the folder if need be.
    pub fn make(&self) -> io::Result<()> {
        files::private_folder(&self.sealed())
    }

    /// Makes the folder and takes the lock that only one program holds at a time. It ends with the program, in whatever way.
    pub(super) fn lock(&self) -> Result<File, LockError> {
        self.make()?;
        let path = self.path.join("lock");
        files::private_file(&path)?;
        let file = File::open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(LockError::Held),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

/// Why the lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another program has it.
    #[error("another Usher is writing it; stop that one, or give this one a data folder of its own (`data` in usher.toml)")]
    Held,
    /// The file cannot be made.
    #[error(transparent)]
    Io(#[from] io::Error),
}
