//! The school's own entries on disk: who allowed or blocked what, why, and until when. Kept apart from every publisher's list.

use super::history::What;
use super::{Library, LibraryError, Order};
use crate::category::{CategorySet, Taxonomy};
use crate::files;
use crate::lists::own::{Effect, Own, OwnEntry};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// The site no longer counts as listed.
    Allow,
    /// The site counts as listed.
    Block,
}

impl Act {
    /// The word people are shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }

    fn done(self) -> What {
        match self {
            Self::Allow => What::Allowed,
            Self::Block => What::Blocked,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Its number, never used twice.
    pub number: u32,
    /// `host` or `host/path`, and all below it.
    pub site: String,
    /// What it does.
    pub act: Act,
    /// The category's id. An entry without one allows whatever the site is listed under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub author: String,
    /// When.
    pub added: Timestamp,
    /// The last day it holds; then somebody is to look at it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl Wish {
    /// Whether it holds on this day.
    #[must_use]
    pub fn holds(&self, today: Date) -> bool {
        self.until.is_none_or(|until| today <= until)
    }
}

/// All entries, in the order they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// The highest number that was ever given.
    #[serde(default)]
    pub last_number: u32,
    /// The entries.
    #[serde(default, rename = "entry")]
    pub entries: Vec<Wish>,
}

/// Why the school's own entries cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The file cannot be read or written.
    #[error("the school's own entries cannot be read or written: {path}: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The file does not say what it should.
    #[error("{path}: {error}; mend it by hand, or take it away to begin anew")]
    Text {
        /// The file.
        path: String,
        /// Why.
        error: String,
    },
    /// An entry names a category that is not there.
    #[error("{path}: entry {number}: there is no category \"{category}\"; mend it by hand, or take it out with: usher lists forget {number}")]
    Category {
        /// The file.
        path: String,
        /// Which entry.
        number: u32,
        /// What it names.
        category: String,
    },
}

const HEAD: &str = "# The school's own entries. Written by: usher lists allow, block, forget. They hold over every publisher's list.\n\n";

impl Wishes {
    /// Reads them; none if there is no file.
    pub fn load(path: &Path) -> Result<Self, OwnError> {
        let shown = || path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| OwnError::Text { path: shown(), error: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(OwnError::File { path: shown(), error }),
        }
    }

    /// Writes them.
    pub fn save(&self, path: &Path) -> Result<(), OwnError> {
        let shown = || path.display().to_string();
        let text = toml::to_string(self).map_err(|error| OwnError::Text { path: shown(), error: error.to_string() })?;
        files::replace(path, (HEAD.to_owned() + &text).as_bytes()).map_err(|error| OwnError::File { path: shown(), error })
    }

    /// Those that hold on this day, ready to be looked up. None reaches the always-blocked tier.
    pub fn in_force(&self, today: Date, taxonomy: &Taxonomy, path: &Path) -> Result<Own, OwnError> {
        let everything: CategorySet = taxonomy.iter().map(|(category, _)| category).collect();
        let mut entries = Vec::new();
        for wish in self.entries.iter().filter(|wish| wish.holds(today)) {
            let categories = match &wish.category {
                None => everything,
                Some(id) => match taxonomy.find(id) {
                    Some(category) => CategorySet::EMPTY.with(category),
                    None => return Err(OwnError::Category { path: path.display().to_string(), number: wish.number, category: id.clone() }),
                },
            };
            let effect = match wish.act {
                Act::Allow => Effect::Allow(categories.difference(taxonomy.always_blocked())),
                Act::Block => Effect::Block(categories),
            };
            entries.push(OwnEntry { site: wish.site.clone(), effect, number: wish.number, reason: wish.reason.clone() });
        }
        Ok(Own::new(entries))
    }
}

impl Library {
    /// Adds an entry of the school's own, and returns its number.
    pub fn wish(&self, mut wish: Wish, taxonomy: &Taxonomy, order: &Order) -> Result<u32, LibraryError> {
        let _lock = self.lock()?;
        let mut wishes = self.wishes()?;
        wishes.last_number += 1;
        wish.number = wishes.last_number;
        let what = wish.act.done();
        let until = wish.until.map_or(String::new(), |until| format!(" until {until}"));
        let category = wish.category.as_deref().unwrap_or("every category").to_owned();
        let why = format!("{} ({category}){until}: {}", wish.site, wish.reason);
        wishes.entries.push(wish);
        // What cannot be taken up is better told now.
        wishes.in_force(Date::MIN, taxonomy, &self.own_path())?;
        wishes.save(&self.own_path())?;
        self.remember(order, what, None, why)?;
        Ok(wishes.last_number)
    }

    /// Takes out the entry with this number; `None` if there is none.
    pub fn forget(&self, number: u32, order: &Order) -> Result<Option<Wish>, LibraryError> {
        let _lock = self.lock()?;
        let mut wishes = self.wishes()?;
        let Some(at) = wishes.entries.iter().position(|wish| wish.number == number) else { return Ok(None) };
        let wish = wishes.entries.remove(at);
        wishes.save(&self.own_path())?;
        self.remember(order, What::TakenOut, None, format!("{} {}: {}", wish.act.word(), wish.site, order.why))?;
        Ok(Some(wish))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::fixture::taxonomy;
    use crate::url::Url;
    use jiff::civil::date;

    fn wish(site: &str, act: Act, category: Option<&str>, until: Option<Date>) -> Wish {
        Wish {
            number: 1,
            site: site.into(),
            act,
            category: category.map(str::to_owned),
            reason: "For a lesson.".into(),
            author: "t.brown".into(),
            added: Timestamp::UNIX_EPOCH,
            until,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("own.toml");
        assert_eq!(Wishes::load(&path).expect("none yet"), Wishes::default());
        let wishes = Wishes {
            last_number: 7,
            entries: vec![wish("games.example/\"odd\"", Act::Allow, Some("games"), Some(date(2027, 1, 10))), wish("b.example", Act::Block, None, None)],
        };
        wishes.save(&path).expect("saved");
        assert_eq!(Wishes::load(&path).expect("read"), wishes);
        fs::write(&path, "[[entry]]\nsight = \"a\"\n").expect("written");
        assert!(Wishes::load(&path).expect_err("wrong").to_string().contains("sight"));
    }

    #[test]
    fn an_entry_ends_with_its_last_day_and_never_reaches_the_always_blocked_tier() {
        let taxonomy = taxonomy(&["games"]);
        let wishes = Wishes { last_number: 1, entries: vec![wish("a.example", Act::Allow, None, Some(date(2027, 1, 10)))] };
        for (today, allowed) in [(date(2027, 1, 10), "games"), (date(2027, 1, 11), "")] {
            let own = wishes.in_force(today, &taxonomy, Path::new("own.toml")).expect("sound");
            let found = own.look_up(&Url::parse("www.a.example").expect("a url"));
            assert_eq!(taxonomy.ids(found.allowed).collect::<Vec<_>>().join(" "), allowed, "{today}");
        }
        let unknown = Wishes { last_number: 1, entries: vec![wish("a.example", Act::Block, Some("gamse"), None)] };
        assert!(unknown.in_force(date(2027, 1, 1), &taxonomy, Path::new("own.toml")).expect_err("unknown").to_string().contains("\"gamse\""));
    }
}
