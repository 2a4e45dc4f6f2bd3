//! Reads sources of lists from disk: files, folders, archives. The only part of `lists` that does I/O.
//!
//! What is at a source's path decides how it is read: [`tree`] says what is there, [`plan`] which files are read as what, and each file is then
//! read once, a piece at a time. A file that is no list where one should be ends the whole: what was in force stays. A file of e2guardian may
//! include others of its own source; they are read in rounds, each file once, so that files that include one another come to an end.

pub mod plan;
pub mod tree;

use super::Lists;
use super::compile::{AddError, CompileError, Compiler};
use super::entry::Refusal;
use super::formats::Format;
use super::formats::detect::detect;
use super::formats::text::{NotAList, ReadError, Text};
use super::reading::{File, Include};
use super::report::{Known, Report};
use super::unpack::{Limits, UnpackError, resolve};
use crate::category::{Category, Taxonomy, Theme};
use plan::{IfNoList, Plan, Planned};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::sync::Arc;
use tree::{Survey, Tree, TreeError};

/// How deep files may include one another.
const DEEPEST_INCLUDE: usize = 8;
/// What stands in an included path for the source's own folder.
const LIST_FOLDER: &str = "__LISTDIR__";

/// Where lists come from, as the configuration says.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name people are shown.
    pub name: String,
    /// A file, a folder or an archive.
    pub path: PathBuf,
    /// How its files are read; detected where it is not said.
    pub format: Option<Format>,
    /// What its entries are, where neither a folder's name nor a file says it.
    pub category: Option<Category>,
    /// What the publisher's folders and categories are called here.
    pub folders: Arc<FolderNames>,
}

/// What the folders of a published tree are called, and which of our categories that is.
#[derive(Clone, Debug, Default)]
pub struct FolderNames {
    /// Folder to category.
    pub map: HashMap<String, Category>,
    /// Folder to the reason it is not loaded.
    pub skip: HashMap<String, String>,
}

/// How far reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The file, by the name people are shown.
    pub file: &'a str,
    /// Bytes read of the source so far, unpacked.
    pub bytes: u64,
    /// Entries taken of all sources so far.
    pub entries: usize,
}

/// Lists read from disk.
#[derive(Debug)]
pub struct Loaded {
    /// Compiled.
    pub lists: Lists,
    /// What became of every line, list by list.
    pub reports: Vec<Report>,
    /// Folders and files not loaded, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// A digest of every byte that was read and how it was meant.
    pub digest: blake3::Hash,
}

/// Why lists cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder cannot be read.
    #[error("the list \"{name}\" cannot be read: {}: {error}; check its `address` in sources.toml, and that the file is there and readable", path.display())]
    Unreadable {
        /// The source.
        name: String,
        /// What could not be read.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file where a list should be is none.
    #[error("the list \"{name}\" cannot be used: {}: {what}", path.display())]
    NotAList {
        /// The source.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        what: NotAList,
    },
    /// An archive, or a packed file, is too much, or damaged.
    #[error("the list \"{name}\" cannot be unpacked: {}: {error}", path.display())]
    Unpack {
        /// The source.
        name: String,
        /// The archive.
        path: PathBuf,
        /// Why.
        error: UnpackError,
    },
    /// A source without a single list in it.
    #[error("the list \"{name}\" holds no list Usher knows: {} has no folder with a file domains, urls, expressions or words", path.display())]
    Empty {
        /// The source.
        name: String,
        /// Its path.
        path: PathBuf,
    },
    /// A file of which nobody says what its entries are.
    #[error("the list \"{name}\" has no category: {} is read as {}, which does not say what its entries are; name a `category` for it", path.display(), format.name())]
    NoCategory {
        /// The source.
        name: String,
        /// The file.
        path: PathBuf,
        /// How it was read.
        format: Format,
    },
    /// The lists do not fit.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl StoreError {
    /// The source that is to blame, if one is.
    #[must_use]
    pub fn source_name(&self) -> Option<&str> {
        match self {
            Self::Unreadable { name, .. }
            | Self::NotAList { name, .. }
            | Self::Unpack { name, .. }
            | Self::Empty { name, .. }
            | Self::NoCategory { name, .. } => Some(name),
            Self::Compile(_) => None,
        }
    }
}

/// What may go wrong with one file, before it is known of which source.
enum FileError {
    Tree(TreeError),
    Add(AddError),
    NoCategory(Format),
}

impl From<TreeError> for FileError {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

impl From<UnpackError> for FileError {
    fn from(error: UnpackError) -> Self {
        Self::Tree(error.into())
    }
}

impl From<AddError> for FileError {
    fn from(error: AddError) -> Self {
        Self::Add(error)
    }
}

/// What reading is for.
#[derive(Clone, Copy)]
enum Purpose<'l> {
    /// To compile.
    Compile,
    /// To ask these lists which entries they would not need.
    Ask(&'l Lists),
}

/// Reads and compiles every source. `progress` is told now and then how far it is.
pub fn load(sources: &[Source], taxonomy: &Taxonomy, key: [u8; 16], progress: &mut dyn FnMut(Progress<'_>)) -> Result<Loaded, StoreError> {
    let mut loading = Loading::new(Purpose::Compile, taxonomy, key, progress);
    sources.iter().try_for_each(|source| loading.add(source))?;
    let (lists, reports) = loading.compiler.finish()?;
    Ok(Loaded { lists, reports, skipped: loading.skipped, digest: loading.digest.finalize() })
}

/// Reads every source a second time and notes in the reports which entries a wider one of the same list makes needless. The lists must be those
/// compiled of the same sources; what has changed since is left out.
pub fn find_redundant(
    sources: &[Source],
    taxonomy: &Taxonomy,
    lists: &Lists,
    reports: &mut [Report],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), StoreError> {
    let mut loading = Loading::new(Purpose::Ask(lists), taxonomy, [0; 16], progress);
    sources.iter().try_for_each(|source| loading.add(source))?;
    // The same sources give the same lists in the same order.
    for (report, found) in reports.iter_mut().zip(loading.compiler.reports()) {
        if report.list == found.list {
            report.redundant = Some(found.redundant.take().unwrap_or_default());
        }
    }
    Ok(())
}

struct Loading<'a> {
    purpose: Purpose<'a>,
    compiler: Compiler,
    taxonomy: &'a Taxonomy,
    digest: blake3::Hasher,
    skipped: Vec<(String, String)>,
    limits: Limits,
    /// Bytes read of the source, and entries taken of all sources.
    bytes: u64,
    entries: usize,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

/// A source while it is read.
struct Open<'s> {
    source: &'s Source,
    tree: Tree,
    survey: Survey,
    plan: Plan,
    /// Every file read so far or about to be.
    known: BTreeSet<String>,
}

impl<'a> Loading<'a> {
    fn new(purpose: Purpose<'a>, taxonomy: &'a Taxonomy, key: [u8; 16], progress: &'a mut dyn FnMut(Progress<'_>)) -> Self {
        let wide = taxonomy.iter().filter(|(_, info)| info.theme == Theme::Help).map(|(category, _)| category).collect();
        Self {
            purpose,
            compiler: Compiler::new(key).with_wide(wide),
            taxonomy,
            digest: blake3::Hasher::new(),
            skipped: Vec::new(),
            limits: Limits::default(),
            bytes: 0,
            entries: 0,
            progress,
        }
    }

    fn add(&mut self, source: &Source) -> Result<(), StoreError> {
        let fail = |error: TreeError| failed(source, None, error.into());
        let tree = Tree::at(&source.path, self.limits).map_err(fail)?;
        let survey = tree.survey(self.limits).map_err(fail)?;
        let mut plan = plan::plan(source, self.taxonomy, &survey);
        self.skipped.extend(plan.skipped.drain(..).map(|(what, reason)| (format!("{}/{what}", source.name), reason)));
        let mut round = std::mem::take(&mut plan.files);
        let mut open = Open { source, tree, survey, plan, known: round.keys().cloned().collect() };
        self.bytes = 0;
        let mut any = false;
        for depth in 0..=DEEPEST_INCLUDE {
            let mut includes = Vec::new();
            any |= self.read(&open, &round, &mut includes)?;
            round = self.included(&mut open, includes, depth);
        }
        if any { Ok(()) } else { Err(StoreError::Empty { name: source.name.clone(), path: source.path.clone() }) }
    }

    /// Reads a round of files, and says whether any was a list.
    fn read(&mut self, open: &Open<'_>, round: &BTreeMap<String, Planned>, includes: &mut Vec<(String, Format, Include)>) -> Result<bool, StoreError> {
        let mut any = false;
        let current = Cell::new(None);
        let wanted: Vec<&str> = round.keys().map(String::as_str).collect();
        let read = open.tree.read(&wanted, self.limits, &mut |path, bytes| {
            let Some((path, planned)) = round.get_key_value(path) else { return Ok(()) };
            current.set(Some(path));
            match self.file(open, path, planned, bytes) {
                Ok((format, found)) => {
                    any = true;
                    includes.extend(found.into_iter().map(|include| (path.clone(), format, include)));
                    Ok(())
                }
                Err(error) => self.skip(open, planned, error),
            }
        });
        read.map_err(|error| failed(open.source, current.get(), error))?;
        Ok(any)
    }

    fn file(&mut self, open: &Open<'_>, path: &str, planned: &Planned, bytes: &mut dyn BufRead) -> Result<(Format, Vec<Include>), FileError> {
        let name = self.shown(open, planned);
        let read = Cell::new(self.bytes);
        let bytes = Watched { inner: bytes, digest: &mut self.digest, hashed: 0, read: &read };
        let text = Text::open(bytes).map_err(AddError::from)?;
        let (format, known) = planned.format.unwrap_or_else(|| {
            let found = detect(path.rsplit_once('/').map_or(path, |(_, own)| own), text.head());
            (found.format, Known::Detected(found.sure))
        });
        if planned.category.is_none() && !format.names_categories() {
            return Err(FileError::NoCategory(format));
        }
        let (taxonomy, folders) = (self.taxonomy, &open.source.folders);
        let id = |category: Category| (category, taxonomy.info(category).id.as_str());
        let categories = |name: &str| folders.map.get(name).copied().or_else(|| taxonomy.find(name)).or_else(|| taxonomy.find(&name.to_lowercase())).map(id);
        let file = File { name: &name, format, known, category: planned.category.map(id), categories: &categories };
        let before = self.entries;
        let (progress, entries) = (&mut *self.progress, &mut self.entries);
        let mut tick = |taken| {
            *entries = before + taken;
            progress(Progress { source: &open.source.name, file: &name, bytes: read.get(), entries: *entries });
        };
        let includes = match self.purpose {
            Purpose::Compile => self.compiler.read(&file, text, &mut tick)?,
            Purpose::Ask(lists) => self.compiler.ask(&file, text, lists, &mut tick)?,
        };
        let meant = format!("{}\0{name}\0{}\0{:?}", read.get() - self.bytes, format.name(), planned.category.map(id));
        self.digest.update(&(meant.len() as u64).to_le_bytes()).update(meant.as_bytes());
        self.bytes = read.get();
        Ok((format, includes))
    }

    fn shown(&self, open: &Open<'_>, planned: &Planned) -> String {
        match open.tree {
            Tree::File(_) if open.survey.files.contains(&planned.shown) => open.source.name.clone(),
            Tree::File(_) | Tree::Folder(_) | Tree::Archive(_) => format!("{}/{}", open.source.name, planned.shown),
        }
    }

    /// A file that may be anything is left out if it is no list.
    fn skip(&mut self, open: &Open<'_>, planned: &Planned, error: FileError) -> Result<(), FileError> {
        let reason = match (&error, planned.if_no_list) {
            (FileError::Add(AddError::Read(ReadError::NotAList(what))), IfNoList::Skip) => what.to_string(),
            (FileError::NoCategory(format), IfNoList::Skip) => format!("no category: it is in no folder of one, and read as {} it names none", format.name()),
            (_, _) => return Err(error),
        };
        self.skipped.push((self.shown(open, planned), reason));
        Ok(())
    }

    /// The files that others include and that were not read yet. What cannot be included is refused where it is.
    fn included(&mut self, open: &mut Open<'_>, includes: Vec<(String, Format, Include)>, depth: usize) -> BTreeMap<String, Planned> {
        let mut round = BTreeMap::new();
        for (by, format, Include { path, line, text, category, report }) in includes {
            match open.locate(&by, &path) {
                Err(reason) => self.compiler.refuse(report, line, &text, reason),
                Ok(found) if open.known.contains(&found) => {}
                Ok(_) if depth == DEEPEST_INCLUDE => self.compiler.refuse(report, line, &text, Refusal::IncludeDeep),
                Ok(found) => {
                    open.known.insert(found.clone());
                    round.insert(found.clone(), open.plan.included(&found, format, category.or(open.source.category)));
                }
            }
        }
        round
    }
}

impl Open<'_> {
    /// Where an included file lies in the tree.
    fn locate(&self, by: &str, path: &str) -> Result<String, Refusal> {
        let folder = by.rsplit_once('/').map_or("", |(folder, _)| folder);
        let found = if let Some(rest) = path.strip_prefix(LIST_FOLDER) {
            resolve(&self.plan.wrapper, rest.trim_start_matches('/'))
        } else if path.starts_with('/') {
            self.tree.relative(path)
        } else {
            resolve(folder, path)
        };
        let found = found.ok_or(Refusal::IncludeOutside)?;
        if self.tree.has(&self.survey, &found) { Ok(found) } else { Err(Refusal::IncludeMissing) }
    }
}

fn failed(source: &Source, file: Option<&String>, error: FileError) -> StoreError {
    let name = source.name.clone();
    let path = match file {
        Some(file) if source.path.is_dir() => source.path.join(file),
        Some(file) if source.path.file_name().is_none_or(|own| own.to_str() != Some(file)) => source.path.join(file),
        Some(_) | None => source.path.clone(),
    };
    match error {
        FileError::Tree(TreeError::Io { path, error }) => StoreError::Unreadable { name, path, error },
        FileError::Tree(TreeError::Unpack(UnpackError::Io(error))) | FileError::Add(AddError::Read(ReadError::Io(error))) => {
            StoreError::Unreadable { name, path, error }
        }
        FileError::Tree(TreeError::Unpack(error)) => StoreError::Unpack { name, path, error },
        FileError::Add(AddError::Read(ReadError::NotAList(what))) => StoreError::NotAList { name, path, what },
        FileError::Add(AddError::Compile(error)) => StoreError::Compile(error),
        FileError::NoCategory(format) => StoreError::NoCategory { name, path, format },
    }
}

/// Counts and digests what is read.
struct Watched<'w> {
    inner: &'w mut dyn BufRead,
    digest: &'w mut blake3::Hasher,
    /// How much of what is buffered is in the digest already.
    hashed: usize,
    read: &'w Cell<u64>,
}

impl BufRead for Watched<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.inner.fill_buf()?;
        if let Some(fresh) = bytes.get(self.hashed..) {
            self.digest.update(fresh);
            self.read.set(self.read.get() + fresh.len() as u64);
            self.hashed = bytes.len();
        }
        Ok(bytes)
    }

    fn consume(&mut self, amount: usize) {
        self.hashed -= amount;
        self.inner.consume(amount);
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
