//! The compiled generations in the data folder, and which of them is in force.
//!
//! ```text
//! generations/000012.usher   the compiled lists     generations/000012.json   what is known of them
//! in-force.json              the number of the generation in force, and whether somebody holds it there
//! ```
//!
//! Every file is written whole. Old ones are removed once there are more than ten, never the one in force.

use crate::category::Taxonomy;
use crate::files;
use crate::lists::Lists;
use crate::lists::generation::{self, OpenError};
use crate::lists::report::Report;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Generations kept.
const KEPT: usize = 10;

/// What is known of one generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number, from 1.
    pub number: u64,
    /// When it was compiled.
    pub made: Timestamp,
    /// By whom.
    pub who: String,
    /// Why.
    pub why: String,
    /// Names the bytes it was compiled from.
    pub inputs: String,
    /// Names the files it was compiled from, by their sizes and times: enough to see that nothing has changed since.
    pub fingerprint: String,
    /// Entries in force in all.
    pub entries: usize,
    /// Each list.
    pub lists: Vec<ListCounted>,
    /// Folders that were not read, each with the reason.
    #[serde(default)]
    pub skipped: Vec<(String, String)>,
    /// Milliseconds it took to compile and judge.
    pub took_ms: u64,
}

/// What became of the lines of one list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListCounted {
    /// Its name, as `ut1/games/domains`.
    pub name: String,
    /// The id of its category.
    pub category: String,
    /// How its lines were read.
    pub format: String,
    /// How many were taken.
    #[serde(flatten)]
    pub counted: Counted,
}

impl ListCounted {
    /// What a report says.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let counted = Counted { entries: report.accepted - report.duplicates, refused: report.refused_count(), duplicates: report.duplicates };
        Self { name: report.list.clone(), category: report.category.clone(), format: report.format.name().to_owned(), counted }
    }

    /// The name of the source it belongs to: `ut1`.
    #[must_use]
    pub fn source(&self) -> &str {
        source_of(&self.name)
    }
}

/// How many lines were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Entries in force.
    pub entries: usize,
    /// Lines refused.
    pub refused: usize,
    /// Lines that say what an earlier one said.
    pub duplicates: usize,
}

/// The name of the source a list belongs to: `ut1` of `ut1/games/domains`.
#[must_use]
pub fn source_of(list: &str) -> &str {
    list.split('/').next().unwrap_or(list)
}

/// Counts by whatever lists have in common.
fn sum<'a>(lists: &'a [ListCounted], of: impl Fn(&'a ListCounted) -> &'a str) -> BTreeMap<String, Counted> {
    let mut sums = BTreeMap::<String, Counted>::new();
    for list in lists {
        let sum = sums.entry(of(list).to_owned()).or_default();
        sum.entries += list.counted.entries;
        sum.refused += list.counted.refused;
        sum.duplicates += list.counted.duplicates;
    }
    sums
}

/// Counts by source.
#[must_use]
pub fn by_source(lists: &[ListCounted]) -> BTreeMap<String, Counted> {
    sum(lists, ListCounted::source)
}

/// Counts by the id of the category.
#[must_use]
pub fn by_category(lists: &[ListCounted]) -> BTreeMap<String, Counted> {
    sum(lists, |list| &list.category)
}

/// Which generation is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Its number.
    pub number: u64,
    /// Who holds it there, if somebody does: then nothing but a person changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
}

/// Somebody put an older generation in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Who.
    pub who: String,
    /// When.
    pub since: Timestamp,
    /// Why.
    pub why: String,
}

/// The folder of generations.
#[derive(Clone, Debug)]
pub struct Generations {
    folder: PathBuf,
    pointer: PathBuf,
    secret: [u8; 32],
}

impl Generations {
    /// The generations below `root`.
    #[must_use]
    pub fn new(root: &Path, secret: [u8; 32]) -> Self {
        Self { folder: root.join("generations"), pointer: root.join("in-force.json"), secret }
    }

    /// The file that says which generation is in force.
    #[must_use]
    pub fn pointer(&self) -> &Path {
        &self.pointer
    }

    fn compiled(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}.usher"))
    }

    fn known(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}.json"))
    }

    /// Which is in force; `None` if none ever was.
    pub fn in_force(&self) -> io::Result<Option<InForce>> {
        read_json(&self.pointer)
    }

    /// Puts one in force.
    pub fn put_in_force(&self, in_force: &InForce) -> io::Result<()> {
        write_json(&self.pointer, in_force)
    }

    /// What is known of one.
    pub fn get(&self, number: u64) -> io::Result<Option<Generation>> {
        read_json(&self.known(number))
    }

    /// Opens the compiled lists of one.
    pub fn open(&self, number: u64, taxonomy: &Taxonomy) -> Result<Lists, OpenError> {
        generation::open(&self.compiled(number), taxonomy, &self.secret)
    }

    /// The size of a compiled file in bytes.
    #[must_use]
    pub fn size(&self, number: u64) -> u64 {
        fs::metadata(self.compiled(number)).map_or(0, |file| file.len())
    }

    /// Every generation that is kept, oldest first.
    pub fn all(&self) -> io::Result<Vec<Generation>> {
        let mut all: Vec<Generation> = self.numbers()?.into_iter().filter_map(|number| self.get(number).ok().flatten()).collect();
        all.sort_by_key(|generation| generation.number);
        Ok(all)
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let number = |entry: fs::DirEntry| entry.path().file_stem()?.to_str()?.parse().ok();
        let mut numbers: Vec<u64> = entries.flatten().filter_map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// The number the next one will have. Numbers are never used twice.
    pub fn next(&self) -> io::Result<u64> {
        let newest = self.numbers()?.last().copied().unwrap_or(0);
        Ok(1 + newest.max(self.in_force()?.map_or(0, |in_force| in_force.number)))
    }

    /// Keeps a generation: its lists first, then what is known of it. It is not yet in force.
    pub fn keep(&self, generation: &Generation, lists: &Lists, taxonomy: &Taxonomy, inputs: &blake3::Hash) -> io::Result<()> {
        files::private_folder(&self.folder)?;
        let written = generation::write(lists, taxonomy, inputs, &self.secret, &self.compiled(generation.number));
        let written = written.and_then(|()| self.note(generation));
        if written.is_err() {
            // What is there of it is of no use; that it cannot be removed either changes nothing.
            let _ = fs::remove_file(self.compiled(generation.number));
        }
        written
    }

    /// Writes down what is known of a generation anew.
    pub fn note(&self, generation: &Generation) -> io::Result<()> {
        write_json(&self.known(generation.number), generation)
    }

    /// Removes the oldest beyond ten. Readers that have one open keep it: a file lives until the last of them lets go.
    pub fn prune(&self) -> io::Result<()> {
        let in_force = self.in_force()?.map(|in_force| in_force.number);
        let numbers = self.numbers()?;
        let surplus = numbers.len().saturating_sub(KEPT);
        for number in numbers.into_iter().take(surplus).filter(|number| Some(*number) != in_force) {
            for path in [self.compiled(number), self.known(number)] {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        Ok(())
    }
}

/// Reads a file of JSON; `None` if there is no such file.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file of JSON, whole or not at all, for people to read too.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    files::replace(path, &serde_json::to_vec_pretty(value)?)
}
