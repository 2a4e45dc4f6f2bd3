//! Legal hold: records that are kept whatever the rules of retention say, and that nobody can erase, until the hold is released.
//!
//! A hold is a signed statement that names the person by an [`Alias`]. The name is kept in a file beside the journal for as long as
//! the hold is in force, so that a list can show it; if that file is lost, the hold holds all the same.

use super::alias::{Alias, Aliases};
use super::folder::Folder;
use super::journal::{Journal, JournalError, Reader, Statement, Topic};
use super::rewrite::{self, RewriteError};
use super::scope::Scope;
use crate::files;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

/// Why a hold cannot be made, released or looked up.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The journal says no.
    #[error("the log's journal cannot be used: {0}")]
    Journal(#[from] JournalError),
    /// A file beside it cannot be used.
    #[error("the names of the people held cannot be kept: {0}")]
    Io(#[from] io::Error),
    /// Another program rewrites the log.
    #[error(transparent)]
    Busy(#[from] RewriteError),
    /// The aliases of another key.
    #[error("hold {0} was made with another alias.key than is in the folder of the log now; put the one back that was there, or nobody can tell what is held")]
    Key(u64),
    /// No such hold.
    #[error("there is no hold {0} in force; see: usher log hold list")]
    None(u64),
}

/// A hold that is to be made.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// Whose records.
    pub user: String,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// This host and all below it.
    pub host: Option<String>,
    /// Why.
    pub why: String,
    /// Who holds them: an account.
    pub by: String,
}

/// What the statement says.
#[derive(Serialize, Deserialize)]
struct Held {
    #[serde(flatten)]
    scope: Scope,
    why: String,
    by: String,
    /// The mark of the key the alias was made with.
    key: Alias,
}

/// What the end of a hold says.
#[derive(Serialize, Deserialize)]
struct Released {
    hold: u64,
    why: String,
    by: String,
}

/// A hold in force. Serialised as `usher log hold list --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The number of its statement.
    pub number: u64,
    /// Since when.
    pub at: Timestamp,
    /// Whose records, as people know them; nothing if the file of names is lost.
    pub user: Option<String>,
    /// Which records.
    #[serde(flatten)]
    pub scope: Scope,
    /// Why.
    pub why: String,
    /// Who holds them.
    pub by: String,
}

/// The names of those whose records are held, by the number of the hold.
struct Names(PathBuf);

impl Names {
    fn of(folder: &Folder) -> Self {
        Self(folder.path().join("held.json"))
    }

    fn read(&self) -> io::Result<BTreeMap<u64, String>> {
        match fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        }
    }

    fn write(&self, names: &BTreeMap<u64, String>) -> io::Result<()> {
        files::replace(&self.0, &serde_json::to_vec(names).map_err(io::Error::other)?)
    }
}

/// Freezes records. When this returns the number of the hold, nothing purges or erases them.
pub fn hold(folder: &Folder, new: &NewHold, at: Timestamp) -> Result<u64, HoldError> {
    // Whoever purges now read the holds before this one: it is waited for.
    let _lock = rewrite::lock(folder)?;
    let aliases = Aliases::open(folder)?;
    let mut journal = Journal::open(folder)?;
    in_force(folder, journal.reader(), &aliases)?;
    let scope = Scope { whom: aliases.of(&new.user), from: new.from, to: new.to, host: new.host.clone(), upto: None };
    let body = Held { scope, why: new.why.clone(), by: new.by.clone(), key: aliases.mark() };
    let number = journal.state(at, Topic::Held, &body)?;
    let mut names = Names::of(folder).read().unwrap_or_default();
    names.insert(number, new.user.clone());
    Names::of(folder).write(&names)?;
    Ok(number)
}

/// Ends a hold, and forgets the name it was for. What it kept from being purged goes at the next purge.
pub fn release(folder: &Folder, number: u64, why: &str, by: &str, at: Timestamp) -> Result<Hold, HoldError> {
    let _lock = rewrite::lock(folder)?;
    let aliases = Aliases::open(folder)?;
    let mut journal = Journal::open(folder)?;
    let hold = in_force(folder, journal.reader(), &aliases)?.into_iter().find(|hold| hold.number == number).ok_or(HoldError::None(number))?;
    journal.state(at, Topic::Released, &Released { hold: number, why: why.to_owned(), by: by.to_owned() })?;
    let mut names = Names::of(folder).read().unwrap_or_default();
    names.remove(&number);
    Names::of(folder).write(&names)?;
    Ok(hold)
}

/// The holds in force, oldest first. An error if one was made with another key: then nobody can tell whose records it is for.
pub fn in_force(folder: &Folder, reader: &Reader, aliases: &Aliases) -> Result<Vec<Hold>, HoldError> {
    let released: Vec<u64> = reader.about(Topic::Released, 0)?.iter().filter_map(Statement::read::<Released>).map(|released| released.hold).collect();
    let names = Names::of(folder).read().unwrap_or_default();
    let mut holds = Vec::new();
    for statement in reader.about(Topic::Held, 0)?.iter().filter(|statement| !released.contains(&statement.number)) {
        let Some(Held { scope, why, by, key }) = statement.read() else { return Err(HoldError::Key(statement.number)) };
        if key != aliases.mark() {
            return Err(HoldError::Key(statement.number));
        }
        let at = Timestamp::from_millisecond(statement.at).unwrap_or(Timestamp::UNIX_EPOCH);
        holds.push(Hold { number: statement.number, at, user: names.get(&statement.number).cloned(), scope, why, by });
    }
    Ok(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_in_force_until_it_is_released_and_its_name_is_forgotten_then() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path().join("log"));
        let now: Timestamp = "2026-11-25T10:00:00Z".parse().expect("a time");
        let new = NewHold { user: "A.Jones".into(), from: None, to: Some(now), host: None, why: "police request 17".into(), by: "bell".into() };
        let number = hold(&folder, &new, now).expect("held");
        let aliases = Aliases::open(&folder).expect("opened");
        let reader = Reader::open(&folder).expect("opened");
        let holds = in_force(&folder, &reader, &aliases).expect("read");
        assert_eq!(holds.len(), 1);
        assert_eq!((holds[0].user.as_deref(), &holds[0].scope.whom), (Some("A.Jones"), &aliases.of("a.jones")));
        assert!(reader.after(0, 10).expect("read").iter().all(|statement| !statement.body.contains("ones")), "no statement names her");
        assert!(matches!(release(&folder, number + 1, "over", "bell", now), Err(HoldError::None(_))));
        release(&folder, number, "case closed", "bell", now).expect("released");
        assert_eq!(in_force(&folder, &reader, &aliases).expect("read"), []);
        assert!(!fs::read_to_string(place.path().join("log/held.json")).expect("read").contains("Jones"));
        assert!(matches!(release(&folder, number, "again", "bell", now), Err(HoldError::None(_))));
    }

    #[test]
    fn without_the_key_it_was_made_with_a_hold_stops_everything() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path().join("log"));
        let now = Timestamp::now();
        let new = NewHold { user: "a.jones".into(), from: None, to: None, host: None, why: "a case".into(), by: "bell".into() };
        hold(&folder, &new, now).expect("held");
        fs::remove_file(place.path().join("log/alias.key")).expect("gone");
        assert!(matches!(hold(&folder, &new, now), Err(HoldError::Key(_))));
    }
}
