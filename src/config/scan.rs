//! `[scan]`: the phrases that pages are scored by, and how far pages are read. A group's `phrases` in `policy.toml`: what is done.

use super::reader::{Problem, Table, nearest_hint};
use crate::category::Taxonomy;
use crate::lists::Lists;
use crate::policy::{OnHit, Phrases, Unread};
use crate::proxy::limits::ScanLimits;
use crate::scan::lexicon::{Builder, Lexicon};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the phrases are that come with Usher.
const SHIPPED: &str = "../blocklists/lexicon/phrases";
/// The largest phrase file, in bytes.
const LARGEST: u64 = 32 << 20;
/// The threshold of a group that names none.
const THRESHOLD: i32 = 100;
/// The largest threshold.
const HIGHEST: i32 = 10_000;

/// What `[scan]` says.
pub(super) struct Scan {
    /// Files and folders of phrases.
    pub(super) phrases: Vec<PathBuf>,
    /// Whether the file names them.
    pub(super) named: bool,
    pub(super) limits: ScanLimits,
}

/// Reads `[scan]`.
pub(super) fn read(file: &Table<'_>, folder: &Path) -> Scan {
    let mut limits = ScanLimits::default();
    let mut phrases = None;
    if let Some(table) = file.table("scan") {
        phrases = table.get::<Vec<PathBuf>>("phrases");
        limits.held = number(&table, "held_kib", limits.held as u64 >> 10, 1..=4096) as usize * 1024;
        limits.pause = Duration::from_millis(number(&table, "held_ms", 2000, 10..=60_000));
        limits.decode.bytes = number(&table, "decoded_mib", limits.decode.bytes >> 20, 1..=4096) << 20;
        limits.decode.ratio = number(&table, "ratio", limits.decode.ratio, 20..=100_000);
        limits.decode.layers = number(&table, "layers", 3, 1..=8) as usize;
        limits.memory_mib = number(&table, "memory_mib", 256, ScanLimits::LEAST_MEMORY_MIB as u64..=65_536) as usize;
        table.done();
    }
    let named = phrases.is_some();
    let phrases = phrases.unwrap_or_else(|| vec![PathBuf::from(SHIPPED)]);
    Scan { phrases: phrases.into_iter().map(|path| folder.join(path)).collect(), named, limits }
}

fn number(table: &Table<'_>, key: &'static str, default: u64, allowed: std::ops::RangeInclusive<u64>) -> u64 {
    let number = table.get_or(key, default);
    if !allowed.contains(&number) {
        table.wrong(key, format!("a number from {} to {} is expected", allowed.start(), allowed.end()), None);
        return default;
    }
    number
}

/// The phrase files, read: what they hold, and what is to be told of their lines.
#[derive(Clone, Default)]
pub struct PhraseFiles {
    builder: Builder,
    /// Lines that say nothing, or not what they seem to. They keep nothing else from being in force.
    pub remarks: Vec<String>,
    digest: Option<blake3::Hash>,
}

impl std::fmt::Debug for PhraseFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PhraseFiles").field("entries", &self.builder.entries()).field("remarks", &self.remarks.len()).finish_non_exhaustive()
    }
}

impl PhraseFiles {
    /// Reads files, and all files of folders but `README` and hidden ones, in the order of their names. A folder that is not there is a problem only if it
    /// was named.
    pub(super) fn read(paths: &[PathBuf], named: bool, taxonomy: &Taxonomy) -> Result<Self, Vec<Problem>> {
        let (mut read, mut problems, mut digest) = (Self::default(), Vec::new(), blake3::Hasher::new());
        let problem = |path: &Path, what: String, hint: &str| Problem { file: path.to_owned(), line: 0, what, hint: Some(hint.to_owned()) };
        for path in paths {
            if !named && !path.exists() {
                continue;
            }
            let files = files_of(path).map_err(|error| vec![problem(path, format!("cannot be read: {error}"), "[scan] phrases in usher.toml names it")])?;
            for file in files {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                match read.file(&file) {
                    Ok(bytes) => {
                        digest.update(name.as_bytes()).update(&[0]).update(&bytes).update(&[0]);
                    }
                    Err(why) => problems.push(problem(&file, why, "save it as UTF-8, or take it out of the folder")),
                }
            }
        }
        for theme in read.builder.themes().iter().filter(|theme| !theme.category.is_empty() && taxonomy.find(&theme.category).is_none()) {
            read.remarks.push(format!("the theme \"{}\" is of the category \"{}\", which categories.toml does not have", theme.name, theme.category));
        }
        read.digest = Some(digest.finalize());
        if let Err(error) = read.builder.fits() {
            problems.push(problem(Path::new("phrases"), error.to_string(), "[scan] phrases in usher.toml names the files"));
        }
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }

    /// Reads one file, whose bytes these are.
    fn file(&mut self, file: &Path) -> Result<Vec<u8>, String> {
        let bytes = bytes_of(file)?;
        let told = self.builder.file(&file.display().to_string(), &bytes).map_err(|_| "is not text in UTF-8".to_owned())?;
        self.remarks.extend(told.into_iter().map(|problem| problem.to_string()));
        Ok(bytes)
    }

    /// The name of every byte of them.
    pub(super) fn digest(&self) -> blake3::Hash {
        self.digest.unwrap_or_else(|| blake3::hash(b""))
    }

    /// How many entries they hold.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.builder.entries()
    }

    /// The names of the themes they speak for.
    #[must_use]
    pub fn themes(&self) -> Vec<&str> {
        self.builder.themes().iter().map(|theme| &*theme.name).collect()
    }

    /// The lexicon of these files and of the phrases in lists, whose themes are their categories. What cannot be taken of the latter is told.
    #[must_use]
    pub fn lexicon(&self, lists: &Lists, taxonomy: &Taxonomy, remarks: &mut Vec<String>) -> Lexicon {
        let mut builder = self.builder.clone();
        let mut list = None;
        let mut refused = 0;
        for phrase in lists.phrases() {
            let info = &lists.lists()[phrase.member.list()];
            if list != Some(phrase.member.list()) {
                list = Some(phrase.member.list());
                builder.begin(&info.name);
            }
            let listed = crate::lists::entry::Listed::Phrase(phrase.text.clone().into());
            let listed = if phrase.member.is_exception() { crate::lists::entry::Listed::Except(Box::new(listed)) } else { listed };
            refused += usize::from(builder.e2guardian(&taxonomy.info(info.category).id, phrase.line, &listed).is_err());
        }
        if refused > 0 {
            remarks.push(format!("{refused} phrases of lists were not taken: they say the same as others, or are too short or too long"));
        }
        builder.build().unwrap_or_else(|error| {
            remarks.push(format!("{error}; only the phrases of [scan] are in force"));
            self.builder.clone().build().unwrap_or_default()
        })
    }
}

fn files_of(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_file() && name != "README" && !name.to_string_lossy().starts_with('.') {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, String> {
    let about = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if about.len() > LARGEST {
        return Err(format!("is larger than {} MiB", LARGEST >> 20));
    }
    fs::read(path).map_err(|error| format!("cannot be read: {error}"))
}

/// A group's `phrases`.
pub(super) fn read_group(group: &Table<'_>, known: &PhraseFiles, taxonomy: &Taxonomy) -> Option<Phrases> {
    let table = group.table("phrases")?;
    let threshold = table.get_or("threshold", THRESHOLD.unsigned_abs());
    let threshold = i32::try_from(threshold).ok().filter(|threshold| (1..=HIGHEST).contains(threshold)).unwrap_or_else(|| {
        table.wrong("threshold", format!("a number from 1 to {HIGHEST} is expected"), Some("100 is usual; lower is stricter".into()));
        THRESHOLD
    });
    let on_hit = table.choice("on_hit", &OnHit::NAMES, Some(OnHit::Note)).unwrap_or_default();
    let allowed = table.choice("allowed", &OnHit::NAMES, Some(OnHit::Note)).unwrap_or_default();
    let uploads = table.choice("uploads", &OnHit::NAMES, Some(OnHit::Withhold)).unwrap_or_default();
    let unread = table.choice("unreadable", &Unread::NAMES, Some(Unread::Pass)).unwrap_or_default();
    let sockets = table.get_or("sockets", true);
    let mut themes = Vec::new();
    if let Some(named) = table.table("themes") {
        let names = known.themes();
        for (name, does, span) in named.entries::<String>() {
            let does_what = OnHit::NAMES.iter().find(|(known, _)| *known == does);
            let is_known = names.contains(&name.as_str()) || taxonomy.find(&name).is_some();
            match does_what {
                Some((_, on_hit)) if is_known => themes.push((name.into(), *on_hit)),
                Some(_) => {
                    let hint = nearest_hint(&name, names.clone()).or_else(|| Some(format!("there are {}", names.join(", "))));
                    table.wrong_at(span, format!("themes: no phrase file has a theme \"{name}\""), hint);
                }
                None => {
                    let all = OnHit::NAMES.map(|(name, _)| name);
                    table.wrong_at(span, format!("themes, {name}: \"{does}\" is none of {}", all.join(", ")), nearest_hint(&does, all.to_vec()));
                }
            }
        }
    }
    if known.entries() == 0 {
        table.wrong("threshold", "there are no phrases to read pages for", Some("say where they are: [scan] phrases in usher.toml".into()));
    }
    table.done();
    Some(Phrases { themes, allowed, uploads, unread, sockets, ..Phrases::new(threshold, on_hit) })
}
