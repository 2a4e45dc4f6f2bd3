//! Lists somebody brings along: a file, a folder or an archive, copied into the library and named as a source of this school's.

use super::history::What;
use super::{Library, LibraryError, Order};
use crate::files;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The most files an imported folder may hold.
const MOST_FILES: usize = 10_000;
/// Folders deeper than this are not imported.
const DEEPEST: usize = 8;

/// What `imported.toml` says of one list; the same as in `sources.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// Its name.
    pub name: String,
    /// Where it was copied to, relative to the library.
    pub address: String,
    /// The id of its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Its format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What its folders are called here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folders: Option<String>,
    /// Under what terms it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// All of `imported.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    #[serde(default, rename = "source")]
    sources: Vec<Imported>,
}

const HEAD: &str = "# Lists that were imported. Written by: usher lists import. To be rid of one: usher lists import --remove NAME\n\n";

impl Library {
    /// Copies what stands at `from` and names it as a source. It is not yet compiled. A list of this name that was imported before is replaced.
    pub fn import(&self, from: &Path, mut imported: Imported, order: &Order) -> Result<(), LibraryError> {
        let _lock = self.lock()?;
        files::private_folder(&self.imported()).map_err(self.fail())?;
        let to = self.imported().join(&imported.name);
        let beside = self.imported().join(format!(".{}.new", imported.name));
        clear(&beside).map_err(self.fail())?;
        let failed = |error| LibraryError::Import { path: from.to_owned(), error };
        copy(from, &beside, &mut 0, 0).map_err(failed)?;
        clear(&to).map_err(self.fail())?;
        fs::rename(&beside, &to).map_err(self.fail())?;
        imported.address = format!("imported/{}", imported.name);
        let why = format!("{} from {}: {}", imported.name, from.display(), order.why);
        self.change(|all| {
            all.sources.retain(|known| known.name != imported.name);
            all.sources.push(imported);
        })?;
        self.remember(order, What::Imported, None, why)
    }

    /// Takes out a list that was imported. False if there is none of this name.
    pub fn drop_import(&self, name: &str, order: &Order) -> Result<bool, LibraryError> {
        let _lock = self.lock()?;
        let mut found = false;
        self.change(|all| {
            found = all.sources.iter().any(|known| known.name == name);
            all.sources.retain(|known| known.name != name);
        })?;
        if found {
            clear(&self.imported().join(name)).map_err(self.fail())?;
            self.remember(order, What::TakenOut, None, format!("the imported list {name}: {}", order.why))?;
        }
        Ok(found)
    }

    fn change(&self, change: impl FnOnce(&mut All)) -> Result<(), LibraryError> {
        let path = self.imported_toml();
        let wrong = |error: &dyn std::fmt::Display| self.fail()(io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display())));
        let mut all = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| wrong(&error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => All::default(),
            Err(error) => return Err(self.fail()(error)),
        };
        change(&mut all);
        let text = toml::to_string(&all).map_err(|error| wrong(&error))?;
        files::replace(&path, (HEAD.to_owned() + &text).as_bytes()).map_err(self.fail())
    }

    /// The lists that were imported, as sources.
    #[must_use]
    pub fn imported_toml(&self) -> PathBuf {
        self.root.join("imported.toml")
    }
}

/// Removes a file or a folder; one that is not there is gone already.
fn clear(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(file) if file.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Copies a file or a folder. Links are followed, as publishers use them for two names of one folder.
fn copy(from: &Path, to: &Path, count: &mut usize, depth: usize) -> io::Result<()> {
    *count += 1;
    if *count > MOST_FILES || depth > DEEPEST {
        return Err(io::Error::other(format!("more than {MOST_FILES} files, or folders more than {DEEPEST} deep: this is no folder of lists")));
    }
    let file = fs::metadata(from)?;
    if file.is_file() {
        return fs::copy(from, to).map(drop);
    }
    if !file.is_dir() {
        return Err(io::Error::other(format!("{} is neither a file nor a folder", from.display())));
    }
    files::private_folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()), count, depth + 1)?;
    }
    Ok(())
}
