//! How an output stands, and its place: two small files in `data/outputs`, each written whole.
//!
//! The place decides what is sent next. The standing is for people, as `usher log outputs` shows it.

use super::{Position, What};
use crate::files;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The place of an output in each thing it sends.
pub type Positions = BTreeMap<What, Position>;

/// How an output stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Its place in each thing it sends.
    pub positions: Positions,
    /// Things that are committed and not taken yet; at most [`MOST_COUNTED`](super::source::MOST_COUNTED) are counted.
    pub behind: u32,
    /// How old the oldest of them is, in seconds.
    pub behind_seconds: u64,
    /// Things taken since the output was made.
    pub sent: u64,
    /// When one was taken last.
    pub sent_at: Option<Timestamp>,
    /// What is wrong now.
    pub trouble: Option<Trouble>,
    /// When this was written.
    pub at: Timestamp,
}

/// What is wrong with an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// How often it was tried in vain since.
    pub tries: u32,
    /// What happened last.
    pub error: String,
}

fn file(folder: &Path, name: &str, end: &str) -> PathBuf {
    folder.join(format!("{name}.{end}"))
}

/// The place that was saved; none if there is none yet.
pub(super) fn positions(folder: &Path, name: &str) -> io::Result<Option<Positions>> {
    match fs::read(file(folder, name, "position")) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Saves the place. When this returns it survives a power cut.
pub(super) fn save_positions(folder: &Path, name: &str, positions: &Positions) -> io::Result<()> {
    files::private_folder(folder)?;
    files::replace(&file(folder, name, "position"), &serde_json::to_vec(positions)?)
}

impl Standing {
    /// How an output stood when it was last written; nothing if it never was.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn read(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        match fs::read(file(folder, name, "json")) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it, for others to read.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        files::private_folder(folder)?;
        files::replace(&file(folder, &self.name, "json"), &serde_json::to_vec_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_and_what_is_no_place_is_not_taken_for_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("outputs");
        assert_eq!(positions(&folder, "siem").expect("read"), None);
        let place = Positions::from([(What::Records, Position(7)), (What::Events, Position(2))]);
        save_positions(&folder, "siem", &place).expect("saved");
        assert_eq!(positions(&folder, "siem").expect("read"), Some(place));
        fs::write(folder.join("siem.position"), "{").expect("written");
        assert!(positions(&folder, "siem").is_err(), "to begin anew would lose or double records");
    }
}
