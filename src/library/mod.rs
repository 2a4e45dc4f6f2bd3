//! The library: lists fetched, compiled aside, judged, put in force, and put back.
//!
//! ```text
//! sources.toml ─▶ fetch, trust ─▶ candidate ─▶ lists::store ─▶ judge (sizes, canaries) ─┬▶ generations ─▶ in force
//!                                                                                        └▶ refused, kept for inspection; the last good one stays
//! ```
//!
//! All of it stands in one folder of the data folder:
//!
//! | file | what it is |
//! | --- | --- |
//! | `in-force.json` | the generation in force |
//! | `generations/` | compiled generations, the last ten |
//! | `sources/NAME/list` | the last good list of a publisher; `state.json` beside it, what was refused in `refused` |
//! | `own.toml` | the school's own entries |
//! | `imported.toml`, `imported/` | lists somebody imported |
//! | `history.jsonl` | who did what, when, why |
//! | `parent.json` | whether the parent proxy blocks what it must |
//!
//! Sources fail alone: the lists of one dead publisher stay as they were, show their age, and turn its light amber, then red. Two programs may
//! work on the folder at a time, as `usher serve` and `usher lists update` do: locks keep them apart, and a running Usher takes up what another
//! put in force.

mod asking;
pub mod difference;
pub mod fetch;
mod fingerprint;
pub mod generations;
pub mod history;
pub mod import;
pub mod judge;
pub mod own;
pub mod parent_check;
pub mod source;
pub mod state;
pub mod trust;
pub mod update;

use crate::category::Taxonomy;
use crate::clock::Timetable;
use crate::files;
use crate::illegal::Tier;
use crate::lists::Lists;
use crate::lists::generation::OpenError;
use crate::lists::hasher::key_of;
use crate::lists::store::{self, StoreError};
use crate::policy::Policy;
use crate::policy::decision::SnapshotId;
use crate::policy::opinion::Court;
use generations::{Generation, Generations, Held, InForce, read_json, write_json};
use history::{Deed, What};
use jiff::Timestamp;
use judge::{Canaries, Objection};
use own::{OwnError, Wishes};
use parent_check::Checked;
use source::Source;
use state::State;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Opinions on lists are formed without the sealed feed: what that says is no list's doing.
static NO_FEED: Tier = Tier::new(None);

/// What the configuration says of lists, and what they are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Books<'a> {
    /// Where lists come from.
    pub sources: &'a [Source],
    /// The sites that tell whether lists are sound.
    pub canaries: &'a Canaries,
    /// The categories.
    pub taxonomy: &'a Taxonomy,
    /// What the school decides.
    pub policy: &'a Policy,
    /// The school day.
    pub timetable: &'a Timetable,
}

impl Books<'_> {
    /// What opinions are formed with.
    #[must_use]
    pub fn court(&self) -> Court<'_> {
        Court { tier: &NO_FEED, policy: self.policy, taxonomy: self.taxonomy, snapshot: SnapshotId::of(&blake3::hash(b"an opinion")) }
    }

    /// The source of this name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// Who does something to the lists, when, and why.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
    /// Whether changes of size beyond the bounds are meant.
    pub sizes: Sizes,
}

/// What is done about lists that change their size beyond their bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// They are refused.
    Bounded,
    /// A person has looked at them and says they are meant.
    Accepted,
}

/// The lists in force, and what is known of them.
#[derive(Debug)]
pub struct Shelf {
    /// Compiled.
    pub lists: Lists,
    /// What is known of them.
    pub generation: Generation,
    /// Who holds them in force, if somebody does.
    pub held: Option<Held>,
    /// What is told of them: files that changed and were refused, a compiled file that was made again, canaries that were wrong before.
    pub remarks: Vec<String>,
}

/// Why the library cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A file of the library cannot be read or written.
    #[error("the folder of lists cannot be used: {}: {error}; check that it is writable for this user and that the disk is not full", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A list cannot be loaded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A compiled file cannot be used and nothing can be made in its place.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The school's own entries cannot be used.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// The lists have changed in a way that is refused.
    #[error("the lists were not put in force: {}; what was in force stays. {}", words(.0), way_out(.0))]
    Refused(Vec<Objection>),
    /// What was to be imported cannot be read.
    #[error("{} cannot be imported: {error}", path.display())]
    Import {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another program is fetching.
    #[error("another Usher is updating lists just now; wait until it is done")]
    Busy,
    /// There is no such source.
    #[error("there is no source \"{0}\" that is switched on; see: usher lists status, and `on` in sources.toml")]
    NoSource(String),
    /// There is no such generation.
    #[error("there is no generation {0}; see: usher lists history")]
    NoGeneration(u64),
}

/// The first few objections in words; of many the rest are counted.
fn words(objections: &[Objection]) -> String {
    let more = objections.len().saturating_sub(5);
    judge::sentence(objections.iter().take(5)) + &if more > 0 { format!("; and {more} more") } else { String::new() }
}

fn way_out(objections: &[Objection]) -> &'static str {
    if objections.iter().all(Objection::is_of_size) {
        "If it is meant, say so with: usher lists update --accept WHY"
    } else {
        "Mend the list, or allow the site with: usher lists allow SITE --reason WHY; if the site need not be watched, take it out of the canaries"
    }
}

/// The folder of lists.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
    key: [u8; 16],
    generations: Generations,
}

impl Library {
    /// The library in a data folder. Nothing is read yet.
    #[must_use]
    pub fn new(data: &Path, secret: [u8; 32]) -> Self {
        let root = data.join("lists");
        Self { generations: Generations::new(&root, secret), root, key: key_of(&secret) }
    }

    /// The generations.
    #[must_use]
    pub fn generations(&self) -> &Generations {
        &self.generations
    }

    /// Where fetched lists are kept, a folder each.
    #[must_use]
    pub fn kept(&self) -> PathBuf {
        self.root.join("sources")
    }

    /// The file of the school's own entries.
    #[must_use]
    pub fn own_path(&self) -> PathBuf {
        self.root.join("own.toml")
    }

    /// The file of history.
    #[must_use]
    pub fn history_path(&self) -> PathBuf {
        self.root.join("history.jsonl")
    }

    /// The folder of imported lists.
    #[must_use]
    pub fn imported(&self) -> PathBuf {
        self.root.join("imported")
    }

    /// Writes down what was done.
    pub fn remember(&self, order: &Order, what: What, generation: Option<u64>, why: impl Into<String>) -> Result<(), LibraryError> {
        files::private_folder(&self.root).map_err(self.fail())?;
        let deed = Deed { at: order.at, who: order.who.clone(), what, generation, why: why.into() };
        history::add(&self.history_path(), &deed).map_err(self.fail())
    }

    fn fail(&self) -> impl Fn(io::Error) -> LibraryError {
        let path = self.root.clone();
        move |error| LibraryError::Folder { path: path.clone(), error }
    }

    fn state_path(&self, source: &str) -> PathBuf {
        self.kept().join(source).join("state.json")
    }

    /// What is known of a source.
    pub fn state(&self, source: &str) -> Result<State, LibraryError> {
        Ok(read_json(&self.state_path(source)).map_err(self.fail())?.unwrap_or_default())
    }

    fn set_state(&self, source: &str, state: &State) -> Result<(), LibraryError> {
        files::private_folder(&self.kept().join(source)).map_err(self.fail())?;
        write_json(&self.state_path(source), state).map_err(self.fail())
    }

    /// What the last check of the parent proxy found.
    pub fn parent(&self) -> Result<Option<Checked>, LibraryError> {
        read_json(&self.root.join("parent.json")).map_err(self.fail())
    }

    /// Keeps what a check of the parent proxy found.
    pub fn keep_parent(&self, checked: &Checked) -> Result<(), LibraryError> {
        files::private_folder(&self.root).map_err(self.fail())?;
        write_json(&self.root.join("parent.json"), checked).map_err(self.fail())
    }

    /// The school's own entries.
    pub fn wishes(&self) -> Result<Wishes, LibraryError> {
        Ok(Wishes::load(&self.own_path())?)
    }

    /// Keeps others from changing what is in force until dropped. Waits for whoever is at it: a compilation takes seconds.
    fn lock(&self) -> Result<File, LibraryError> {
        let file = self.lock_file("lock")?;
        file.lock().map_err(self.fail())?;
        Ok(file)
    }

    /// Keeps others from fetching until dropped.
    fn lock_fetching(&self) -> Result<File, LibraryError> {
        let file = self.lock_file("fetching.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(LibraryError::Busy),
            Err(TryLockError::Error(error)) => Err(self.fail()(error)),
        }
    }

    fn lock_file(&self, name: &str) -> Result<File, LibraryError> {
        files::private_folder(&self.root).map_err(self.fail())?;
        OpenOptions::new().append(true).create(true).open(self.root.join(name)).map_err(self.fail())
    }

    /// Reads and compiles every source as it stands, without putting anything in force.
    pub fn read(&self, books: &Books<'_>, told: &mut dyn FnMut(store::Progress<'_>)) -> Result<store::Loaded, LibraryError> {
        Ok(store::load(&self.readable(books, &[]), books.taxonomy, self.key, told)?)
    }

    /// Reads every source a second time and notes which entries a wider one of the same list makes needless.
    pub fn find_redundant(&self, books: &Books<'_>, loaded: &mut store::Loaded, told: &mut dyn FnMut(store::Progress<'_>)) -> Result<(), LibraryError> {
        let store::Loaded { lists, reports, .. } = loaded;
        Ok(store::find_redundant(&self.readable(books, &[]), books.taxonomy, lists, reports, told)?)
    }

    /// The generation in force and who holds it, if it still stands for the files it came from, or somebody holds it whatever they say.
    fn standing(&self, books: &Books<'_>) -> Result<Option<(Generation, Option<Held>)>, LibraryError> {
        let Some(InForce { number, held }) = self.generations.in_force().map_err(self.fail())? else { return Ok(None) };
        let known = self.generations.get(number).map_err(self.fail())?;
        Ok(known.filter(|known| held.is_some() || known.fingerprint == self.fingerprint(books)).map(|known| (known, held)))
    }

    /// The lists a command looks at: those in force while nothing has changed since, else the sources as they stand.
    pub fn look(&self, books: &Books<'_>, now: Timestamp) -> Result<Lists, LibraryError> {
        let standing = self.standing(books)?.and_then(|(generation, _)| self.generations.open(generation.number, books.taxonomy).ok());
        if let Some(lists) = standing {
            return self.with_own(lists, books, now);
        }
        let read = self.read(books, &mut |_| {})?;
        self.with_own(read.lists.named(read.digest), books, now)
    }

    /// The lists with the school's own entries over them, as they hold today.
    pub fn with_own(&self, lists: Lists, books: &Books<'_>, now: Timestamp) -> Result<Lists, LibraryError> {
        let today = now.to_zoned(books.timetable.zone.clone()).date();
        Ok(lists.with_own(self.wishes()?.in_force(today, books.taxonomy, &self.own_path())?))
    }
}
