//! Names of people as statements hold them: a keyed hash, so that who reads the journal does not learn whom it is about, and erasing a person's records
//! leaves no name behind.
//!
//! Statements are chained and can never be changed; a name in one would stay for as long as the journal. The key is a file of its own beside the
//! journal, so that another signing key does not make the holds of before unreadable. Without the key nothing that depends on a hold is done.

use super::entry::Who;
use super::folder::Folder;
use crate::files;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;

/// The file of the key, in the folder of the log.
const KEY: &str = "alias.key";

/// What stands for a person: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alias(String);

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gives aliases.
#[derive(Clone)]
pub struct Aliases([u8; 32]);

impl Aliases {
    /// Reads the key of a log, made if it is not there.
    pub fn open(folder: &Folder) -> io::Result<Self> {
        folder.make()?;
        let secret = files::secret(&folder.path().join(KEY))?;
        Ok(Self(blake3::derive_key("usher log alias of a user", &secret)))
    }

    /// The alias of a user; how the name is capitalised does not matter.
    #[must_use]
    pub fn of(&self, user: &str) -> Alias {
        self.hash(user.to_lowercase().as_bytes())
    }

    /// What tells whether a statement was made with this key.
    #[must_use]
    pub fn mark(&self) -> Alias {
        self.hash(&[0xff])
    }

    fn hash(&self, bytes: &[u8]) -> Alias {
        let hash = blake3::keyed_hash(&self.0, bytes);
        Alias(hash.to_hex()[..32].to_owned())
    }

    /// Whether it is this person who asked.
    #[must_use]
    pub fn is(&self, who: &Who, whom: &Alias) -> bool {
        who.user.as_ref().is_some_and(|user| self.of(user) == *whom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_alias_in_one_log_and_another_elsewhere() {
        let place = tempfile::tempdir().expect("a folder");
        let [here, there] = ["here", "there"].map(|name| Folder::at(place.path().join(name)));
        let names = Aliases::open(&here).expect("made");
        let again = Aliases::open(&here.clone().with_key(place.path().join("other"))).expect("read");
        let other = Aliases::open(&there).expect("made");
        assert_eq!(names.of("A.Jones"), again.of("a.jones"), "whatever signs the journal");
        assert_ne!(names.of("a.jones"), names.of("a.jone"));
        assert_ne!(names.of("a.jones"), other.of("a.jones"));
        assert_eq!(names.mark(), again.mark());
        assert!(!names.of("a.jones").to_string().contains("jones"));
    }
}
