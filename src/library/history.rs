//! What was done to the lists: who, when, why. One line of JSON each, only ever added to.

use crate::files;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Something that was done, or was to be done and was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// By whom: an account of this machine, or `usher serve`.
    pub who: String,
    /// What.
    pub what: What,
    /// The generation it made or put in force, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Why, or what came of it, in a sentence.
    pub why: String,
}

/// The kinds of deeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A generation was compiled and put in force.
    Updated,
    /// A change was not put in force.
    Refused,
    /// A publisher's list could not be fetched.
    Failed,
    /// An older generation was put in force.
    RolledBack,
    /// A compiled file was bad and was made again.
    Rebuilt,
    /// A list was imported.
    Imported,
    /// A site was allowed here.
    Allowed,
    /// A site was blocked here.
    Blocked,
    /// An entry of the school's own was taken out.
    TakenOut,
}

impl What {
    /// The words people are shown.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::RolledBack => "rolled back",
            Self::Rebuilt => "rebuilt",
            Self::Imported => "imported",
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
            Self::TakenOut => "taken out",
        }
    }
}

/// Adds a deed. It is on disk when this returns.
pub fn add(path: &Path, deed: &Deed) -> io::Result<()> {
    let mut line = serde_json::to_vec(deed)?;
    line.push(b'\n');
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.write_all(&line)?;
    file.sync_data()
}

/// Every deed, oldest first. A line that cannot be read, as the last one after a power cut, is left out and counted.
pub fn read(path: &Path) -> io::Result<(Vec<Deed>, usize)> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let mut broken = 0;
    let deeds = text.lines().filter_map(|line| serde_json::from_str(line).map_err(|_| broken += 1).ok()).collect();
    Ok((deeds, broken))
}

/// Who runs this program, as history is to name them: the person behind `sudo`, else the account.
#[must_use]
pub fn whoever_types() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    named.unwrap_or_else(files::own_account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_are_kept_in_order_and_a_torn_line_hides_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("history.jsonl");
        assert_eq!(read(&path).expect("nothing yet"), (vec![], 0));
        let deed = |who: &str| Deed { at: Timestamp::UNIX_EPOCH, who: who.into(), what: What::RolledBack, generation: Some(3), why: "too much".into() };
        add(&path, &deed("a")).expect("added");
        fs::write(&path, [fs::read(&path).expect("read"), b"{\"at\":\n".to_vec()].concat()).expect("torn");
        add(&path, &deed("b")).expect("added");
        let (deeds, broken) = read(&path).expect("read");
        assert_eq!((deeds, broken), (vec![deed("a"), deed("b")], 1));
    }
}
