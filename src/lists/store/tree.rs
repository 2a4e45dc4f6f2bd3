//! What a source's path holds: one file, a folder, or an archive. All three are seen alike: files by their path with `/` between, other names
//! (links) of some of them, and what is not read.

use crate::lists::unpack::{self, Found, Limits, UnpackError, resolve};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

/// The most of a `usage` file that is read, in bytes.
const LONGEST_USAGE: u64 = 4096;
/// The longest name of a folder, for files that stand for a link.
const LONGEST_LINK: u64 = 255;

/// Where lists lie.
#[derive(Clone, Debug)]
pub enum Tree {
    /// One file. What it includes lies in its folder.
    File(PathBuf),
    /// A folder.
    Folder(PathBuf),
    /// An archive.
    Archive(PathBuf),
}

/// What is there.
#[derive(Debug, Default)]
pub struct Survey {
    /// Every file, in order.
    pub files: Vec<String>,
    /// Other names: the name, and what it stands for.
    pub aliases: Vec<(String, String)>,
    /// The folders whose `usage` says that they are for allowing only.
    pub allow_lists: HashSet<String>,
    /// What is not read, and why.
    pub refused: Vec<(String, String)>,
}

/// Why a tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The path and what the system says.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// An archive that is too much, or damaged.
    #[error("{0}")]
    Unpack(#[from] UnpackError),
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> TreeError {
    let path = path.to_owned();
    move |error| TreeError::Io { path, error }
}

impl Tree {
    /// What is at a path.
    pub fn at(path: &Path, limits: Limits) -> Result<Self, TreeError> {
        let kind = fs::metadata(path).map_err(io_at(path))?;
        if kind.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        // To open a pipe is to wait for whoever writes to it.
        if !kind.is_file() {
            return Err(io_at(path)(io::Error::other("neither a file nor a folder")));
        }
        let mut file = File::open(path).map_err(io_at(path))?;
        Ok(if unpack::is_archive(&mut file, limits)? { Self::Archive(path.to_owned()) } else { Self::File(path.to_owned()) })
    }

    /// Looks at all that is there, and reads none of it but `usage`.
    pub fn survey(&self, limits: Limits) -> Result<Survey, TreeError> {
        let mut survey = match self {
            Self::File(path) => Survey { files: vec![file_name(path)], ..Survey::default() },
            Self::Folder(path) => Walk::new(path, limits)?.walk()?,
            Self::Archive(path) => survey_archive(path, limits)?,
        };
        survey.files.sort_unstable();
        survey.files.dedup();
        survey.aliases.sort_unstable();
        Ok(survey)
    }

    /// Gives the files that are wanted to `each`, in the order they lie in.
    pub fn read<E: From<TreeError> + From<UnpackError>>(
        &self,
        wanted: &[&str],
        limits: Limits,
        each: &mut dyn FnMut(&str, &mut dyn BufRead) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::File(path) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                wanted.iter().try_for_each(|name| read_file(&folder.join(name), name, limits, each))
            }
            Self::Folder(path) => wanted.iter().try_for_each(|name| read_file(&path.join(name), name, limits, each)),
            Self::Archive(path) => {
                let wanted: HashSet<&str> = wanted.iter().copied().collect();
                let archive = File::open(path).map_err(io_at(path)).map_err(E::from)?;
                unpack::visit(archive, limits, &mut |found| match found {
                    Found::File(name, content) if wanted.contains(name) => each(name, content),
                    Found::File(..) | Found::Alias(..) | Found::Refused(..) => Ok(()),
                })
            }
        }
    }

    /// A file that another one includes, by its path in the tree, if it is there. A file on disk may not be a link that leads out.
    #[must_use]
    pub fn has(&self, survey: &Survey, name: &str) -> bool {
        let inside = |folder: &Path| {
            let found = folder.join(name).canonicalize().ok().filter(|path| path.is_file());
            found.zip(folder.canonicalize().ok()).is_some_and(|(file, folder)| file.starts_with(folder))
        };
        match self {
            Self::File(path) => inside(path.parent().unwrap_or(Path::new(""))),
            Self::Folder(path) => inside(path),
            Self::Archive(_) => survey.files.binary_search_by(|file| file.as_str().cmp(name)).is_ok(),
        }
    }

    /// An absolute path as one in the tree, if it lies there. An archive has no place on disk.
    #[must_use]
    pub fn relative(&self, absolute: &str) -> Option<String> {
        let root = match self {
            Self::File(path) => path.parent()?.canonicalize().ok()?,
            Self::Folder(path) => path.canonicalize().ok()?,
            Self::Archive(_) => return None,
        };
        let inside = Path::new(absolute).strip_prefix(&root).ok()?;
        resolve("", inside.to_str()?)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read_file<E: From<TreeError> + From<UnpackError>>(
    path: &Path,
    name: &str,
    limits: Limits,
    each: &mut dyn FnMut(&str, &mut dyn BufRead) -> Result<(), E>,
) -> Result<(), E> {
    let file = File::open(path).map_err(io_at(path)).map_err(E::from)?;
    unpack::open(file, name, limits, |content| each(name, content))
}

/// Whether a `usage` file says `white` and not `black`: a folder that is meant for allowing only.
fn is_for_allowing(usage: &mut dyn Read) -> io::Result<bool> {
    let mut text = Vec::new();
    usage.take(LONGEST_USAGE).read_to_end(&mut text)?;
    let says = |word: &str| text.split(|byte| *byte == b'\n').any(|line| line.trim_ascii() == word.as_bytes());
    Ok(says("white") && !says("black"))
}

fn survey_archive(path: &Path, limits: Limits) -> Result<Survey, TreeError> {
    let mut survey = Survey::default();
    let archive = File::open(path).map_err(io_at(path))?;
    unpack::visit(archive, limits, &mut |found| {
        match found {
            Found::File(name, content) => {
                if let Some(folder) = name.strip_suffix("/usage")
                    && is_for_allowing(content).map_err(io_at(path))?
                {
                    survey.allow_lists.insert(folder.to_owned());
                }
                survey.files.push(name.to_owned());
            }
            Found::Alias(name, target) => survey.aliases.push((name.to_owned(), target.to_owned())),
            Found::Refused(name, reason) => survey.refused.push((name.to_owned(), reason.to_string())),
        }
        Ok::<_, TreeError>(())
    })?;
    Ok(survey)
}

/// A walk through a folder on disk.
struct Walk {
    root: PathBuf,
    limits: Limits,
    survey: Survey,
    /// The real folders walked so far and the names they were found under: a folder is walked once.
    walked: HashMap<PathBuf, String>,
    seen: usize,
}

impl Walk {
    fn new(root: &Path, limits: Limits) -> Result<Self, TreeError> {
        let root = root.canonicalize().map_err(io_at(root))?;
        Ok(Self { root, limits, survey: Survey::default(), walked: HashMap::new(), seen: 0 })
    }

    fn walk(mut self) -> Result<Survey, TreeError> {
        let root = self.root.clone();
        self.folder(&root, "")?;
        Ok(self.survey)
    }

    fn folder(&mut self, path: &Path, name: &str) -> Result<(), TreeError> {
        self.walked.insert(path.to_owned(), name.to_owned());
        let mut entries = Vec::new();
        for entry in fs::read_dir(path).map_err(io_at(path))? {
            let entry = entry.map_err(io_at(path))?;
            self.seen += 1;
            if self.seen > self.limits.members {
                return Err(UnpackError::TooManyMembers(self.limits.members).into());
            }
            let kind = entry.file_type().map_err(io_at(&entry.path()))?;
            // Real ones before links, so that a link is known for another name of one.
            entries.push((kind.is_symlink(), entry.path()));
        }
        entries.sort_unstable();
        for (is_link, path) in entries {
            self.entry(is_link, &path, name)?;
        }
        Ok(())
    }

    fn entry(&mut self, is_link: bool, path: &Path, folder: &str) -> Result<(), TreeError> {
        let Some(own) = path.file_name().and_then(|own| own.to_str()) else {
            self.survey.refused.push((path.display().to_string(), unpack::RefusedMember::OddName.to_string()));
            return Ok(());
        };
        let name = if folder.is_empty() { own.to_owned() } else { format!("{folder}/{own}") };
        let Ok(real) = path.canonicalize() else {
            self.survey.refused.push((name, "a link to what is not there".to_owned()));
            return Ok(());
        };
        let inside = real.strip_prefix(&self.root).ok().and_then(|inside| inside.to_str());
        match inside.filter(|_| is_link) {
            Some(target) => self.survey.aliases.push((name, target.to_owned())),
            None => self.real(&real, name)?,
        }
        Ok(())
    }

    fn real(&mut self, path: &Path, name: String) -> Result<(), TreeError> {
        let kind = fs::metadata(path).map_err(io_at(path))?;
        if kind.is_dir() {
            match self.walked.get(path) {
                Some(before) => self.survey.aliases.push((name, before.clone())),
                None if name.split('/').count() >= self.limits.depth => self.survey.refused.push((name, unpack::RefusedMember::TooDeep.to_string())),
                None => self.folder(path, &name)?,
            }
        } else if !kind.is_file() {
            self.survey.refused.push((name, unpack::RefusedMember::Special.to_string()));
        } else if let Some(target) = stand_in(path, kind.len(), &name) {
            self.survey.aliases.push((name, target));
        } else {
            self.file(path, name)?;
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), TreeError> {
        if let Some(folder) = name.strip_suffix("/usage")
            && is_for_allowing(&mut File::open(path).map_err(io_at(path))?).map_err(io_at(path))?
        {
            self.survey.allow_lists.insert(folder.to_owned());
        }
        self.survey.files.push(name);
        Ok(())
    }
}

/// What a file stands for whose whole text is the name of a folder beside it: how links come out where there are none (git without symlinks, some
/// programs that unpack).
fn stand_in(path: &Path, size: u64, name: &str) -> Option<String> {
    if size == 0 || size > LONGEST_LINK {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let target = text.trim_end();
    if target.contains(['\n', '/']) || target.starts_with('.') || !path.parent()?.join(target).is_dir() {
        return None;
    }
    resolve(name.rsplit_once('/').map_or("", |(folder, _)| folder), target)
}
