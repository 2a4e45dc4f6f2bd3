//! Reads list files from disk. The only part of `lists` that does I/O.

use super::Lists;
use super::compile::{CompileError, Compiler, Report};
use super::formats::Format;
use crate::category::{Category, Taxonomy};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest list file, in bytes.
const LARGEST_FILE: u64 = 1 << 30;

/// The files of a category folder and how each is read.
const FOLDER_FILES: [(&str, Format); 4] = [("domains", Format::Names), ("urls", Format::Urls), ("expressions", Format::Expressions), ("words", Format::Words)];

/// Where lists come from, as `usher.toml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name people are shown.
    pub name: String,
    /// The file or folder.
    pub path: PathBuf,
    /// What is there.
    pub layout: Layout,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A folder with a folder for each category, as UT1 and squidGuard publish.
    Folders,
    /// One file, all of one category.
    File(Format, Category),
}

/// What the folders of a published tree are called, and which of our categories that is.
#[derive(Clone, Debug, Default)]
pub struct FolderNames {
    /// Folder to category.
    pub map: HashMap<String, Category>,
    /// Folder to the reason it is not loaded.
    pub skip: HashMap<String, String>,
}

/// Lists read from disk.
#[derive(Debug)]
pub struct Loaded {
    /// Compiled.
    pub lists: Lists,
    /// What became of every line, list by list.
    pub reports: Vec<Report>,
    /// Folders not loaded, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// A digest of every byte that was read and how it was meant.
    pub digest: blake3::Hash,
}

/// Why lists cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder cannot be read.
    #[error("the list \"{name}\" cannot be read: {}: {error}; check `path` under [[lists]] in usher.toml, and that the file is there and readable", path.display())]
    Unreadable {
        /// The source.
        name: String,
        /// What could not be read.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A folder source without a single list in it.
    #[error("the list \"{name}\" holds no list Usher knows: {} has no folder with a file domains, urls, expressions or words", path.display())]
    Empty {
        /// The source.
        name: String,
        /// Its folder.
        path: PathBuf,
    },
    /// The lists do not fit.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// Reads and compiles every source.
pub fn load(sources: &[Source], names: &FolderNames, taxonomy: &Taxonomy, key: [u8; 16]) -> Result<Loaded, StoreError> {
    let mut loading = Loading { compiler: Compiler::new(key), taxonomy, names, digest: blake3::Hasher::new(), skipped: Vec::new() };
    for source in sources {
        match source.layout {
            Layout::File(format, category) => loading.add_file(source, &source.name, &source.path, format, category)?,
            Layout::Folders => loading.add_folders(source)?,
        }
    }
    let (lists, reports) = loading.compiler.finish()?;
    Ok(Loaded { lists, reports, skipped: loading.skipped, digest: loading.digest.finalize() })
}

struct Loading<'a> {
    compiler: Compiler,
    taxonomy: &'a Taxonomy,
    names: &'a FolderNames,
    digest: blake3::Hasher,
    skipped: Vec<(String, String)>,
}

impl Loading<'_> {
    fn add_folders(&mut self, source: &Source) -> Result<(), StoreError> {
        let mut real = BTreeSet::new();
        let mut any = false;
        for folder in folders(source)? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let shown = format!("{}/{name}", source.name);
            match self.category_of(&name) {
                Err(reason) => self.skipped.push((shown, reason)),
                Ok(_) if !real.insert(folder.canonicalize().map_err(unreadable(source, &folder))?) => {
                    self.skipped.push((shown, "another name of a folder already loaded".to_owned()));
                }
                Ok(category) => any |= self.add_folder(source, &folder, &shown, category)?,
            }
        }
        if any { Ok(()) } else { Err(StoreError::Empty { name: source.name.clone(), path: source.path.clone() }) }
    }

    fn category_of(&self, folder: &str) -> Result<Category, String> {
        let known = self.taxonomy.find(folder).or_else(|| self.names.map.get(folder).copied());
        known.ok_or_else(|| {
            let reason = self.names.skip.get(folder).cloned();
            reason.unwrap_or_else(|| "no category has this name; name one for it under [map] in blocklists/ut1.toml".to_owned())
        })
    }

    fn add_folder(&mut self, source: &Source, folder: &Path, shown: &str, category: Category) -> Result<bool, StoreError> {
        let mut any = false;
        for (file, format) in FOLDER_FILES {
            let path = folder.join(file);
            if path.is_file() {
                self.add_file(source, &format!("{shown}/{file}"), &path, format, category)?;
                any = true;
            }
        }
        Ok(any)
    }

    fn add_file(&mut self, source: &Source, shown: &str, path: &Path, format: Format, category: Category) -> Result<(), StoreError> {
        let bytes = read(path).map_err(unreadable(source, path))?;
        let id = &self.taxonomy.info(category).id;
        for part in [shown.as_bytes(), id.as_bytes(), format!("{format:?}").as_bytes(), &bytes] {
            self.digest.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Ok(self.compiler.add(shown, (category, id), format, &bytes)?)
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let size = file.metadata()?.len();
    if size > LARGEST_FILE {
        return Err(std::io::Error::other("larger than 1 GiB"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(LARGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The folders of a source, real ones before links, so that a link is known for another name of one.
fn folders(source: &Source) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(&source.path).map_err(unreadable(source, &source.path))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable(source, &source.path))?.path();
        if path.is_dir() {
            folders.push((path.is_symlink(), path));
        }
    }
    folders.sort();
    Ok(folders.into_iter().map(|(_, path)| path).collect())
}

fn unreadable(source: &Source, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let (name, path) = (source.name.clone(), path.to_owned());
    move |error| StoreError::Unreadable { name, path, error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::fixture::taxonomy;
    use crate::url::Url;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
    }

    #[test]
    fn a_tree_is_loaded_by_category_and_aliases_once() {
        let root = tempfile::tempdir().expect("a folder");
        write(
            root.path(),
            &[
                ("games/domains", "games.example\n"),
                ("drogue/domains", "pills.example\n"),
                ("child/domains", "fine.example\n"),
                ("odd/domains", "odd.example\n"),
                ("README", "x"),
            ],
        );
        std::os::unix::fs::symlink("drogue", root.path().join("drugs")).expect("linked");
        let taxonomy = taxonomy(&["games", "drugs"]);
        let drugs = taxonomy.find("drugs").expect("a category");
        let names = FolderNames { map: HashMap::from([("drogue".into(), drugs)]), skip: HashMap::from([("child".into(), "sites for children".into())]) };
        let source = Source { name: "ut1".into(), path: root.path().to_owned(), layout: Layout::Folders };
        let loaded = load(&[source], &names, &taxonomy, [0; 16]).expect("loaded");
        let found = loaded.lists.look_up(&Url::parse("pills.example").expect("a url"));
        assert_eq!(taxonomy.ids(found.categories).collect::<Vec<_>>(), ["drugs"]);
        assert_eq!(loaded.lists.lists().iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["ut1/drogue/domains", "ut1/games/domains"]);
        let mut skipped: Vec<_> = loaded.skipped.iter().map(|(name, _)| name.as_str()).collect();
        skipped.sort_unstable();
        assert_eq!(skipped, ["ut1/child", "ut1/drugs", "ut1/odd"]);
    }

    #[test]
    fn what_cannot_be_read_is_one_sentence_that_says_what_to_do() {
        let root = tempfile::tempdir().expect("a folder");
        let taxonomy = taxonomy(&["games"]);
        let source = |layout| Source { name: "mine".into(), path: root.path().join("none"), layout };
        let games = taxonomy.find("games").expect("a category");
        for layout in [Layout::Folders, Layout::File(Format::Names, games)] {
            let error = load(&[source(layout)], &FolderNames::default(), &taxonomy, [0; 16]).expect_err("nothing there").to_string();
            assert!(error.contains("\"mine\" cannot be read") && error.contains("usher.toml"), "{error}");
        }
        let empty = Source { name: "mine".into(), path: root.path().to_owned(), layout: Layout::Folders };
        assert!(matches!(load(&[empty], &FolderNames::default(), &taxonomy, [0; 16]), Err(StoreError::Empty { .. })));
    }
}
