//! Which parts of `alerts.toml` were changed: who is told of danger is the school's decision, and that it was changed is on record. Pure but for [`state`].

use crate::audit::Folder;
use crate::audit::events::{self, Event, Severity, Wanted};
use crate::audit::journal::JournalError;
use crate::audit::query::LogError;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The kind of event.
const KIND: &str = "alerts-changed";
/// How its text begins.
const BEGINS: &str = "alerts.toml was changed, and is in force: ";

/// The parts of a file by name, each as a digest of what it says, comments and blank lines aside.
pub type Parts = BTreeMap<String, String>;

/// The parts of this text.
#[must_use]
pub fn parts(text: &str) -> Parts {
    let (mut name, mut parts) = ("its beginning".to_owned(), BTreeMap::<String, blake3::Hasher>::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(heading) = line.strip_prefix('[') {
            let heading = heading.trim_start_matches('[').split(']').next().unwrap_or_default();
            heading.trim().clone_into(&mut name);
        }
        parts.entry(name.clone()).or_default().update(line.as_bytes()).update(b"\n");
    }
    parts.into_iter().map(|(name, hasher)| (name, hasher.finalize().to_hex()[..32].to_owned())).collect()
}

/// The names of the parts that are not the same.
#[must_use]
pub fn changed<'a>(before: &'a Parts, after: &'a Parts) -> BTreeSet<&'a str> {
    let names = before.keys().chain(after.keys());
    names.filter(|name| before.get(*name) != after.get(*name)).map(String::as_str).collect()
}

/// Puts on record that these parts were changed.
///
/// # Errors
/// If the journal cannot be written.
pub fn state(folder: &Folder, changed: &BTreeSet<&str>, at: Timestamp) -> Result<(), JournalError> {
    let names = changed.iter().copied().collect::<Vec<_>>().join(", ");
    events::record(folder, &Event { at, kind: KIND, severity: Severity::Info, text: format!("{BEGINS}{names}") })
}

/// The changes since a time, the oldest first: when, and of which parts.
///
/// # Errors
/// If the journal cannot be read.
pub fn since(folder: &Folder, from: Timestamp) -> Result<Vec<(Timestamp, String)>, LogError> {
    let rows = events::search(folder, &Wanted { kind: Some(KIND.to_owned()), limit: 1000, ..Wanted::default() })?;
    let change = |row: &events::Row| {
        let at: Timestamp = row.at.parse().ok()?;
        (at >= from).then(|| (at, row.text.strip_prefix(BEGINS).unwrap_or(&row.text).to_owned()))
    };
    Ok(rows.iter().rev().filter_map(change).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# A comment\n[[recipient]]\nrole = \"officer\"\n\n[mail]\nserver = \"a\"\n[[recipient]]\nrole = \"head\"\n";

    #[test]
    fn parts_that_say_something_else_are_named() {
        let changed_in = |other: &str| changed(&parts(FILE), &parts(other)).into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(changed_in(FILE), [] as [&str; 0]);
        assert_eq!(changed_in(&FILE.replace("# A comment", "# Another\n\n")), [] as [&str; 0], "comments say nothing");
        assert_eq!(changed_in(&FILE.replace("officer", "deputy")), ["recipient"]);
        assert_eq!(changed_in(&format!("{FILE}[quiet]\nfrom = \"18:00\"\n").replace("\"a\"", "\"b\"")), ["mail", "quiet"]);
        assert_eq!(changed_in(""), ["mail", "recipient"]);
    }

    #[test]
    fn changes_are_found_again_by_their_time() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        for (time, name) in [("2026-11-20T10:00:00Z", "mail"), ("2026-11-24T10:12:00Z", "routes")] {
            state(&folder, &BTreeSet::from([name]), at(time)).expect("stated");
        }
        let found = since(&folder, at("2026-11-21T00:00:00Z")).expect("read");
        assert_eq!(found, [(at("2026-11-24T10:12:00Z"), "routes".to_owned())]);
    }
}
