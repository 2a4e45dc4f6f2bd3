//! Lists: what publishers and the school say of names, pages and addresses.
//!
//! ```text
//! a file ──formats──▶ entries ──compile──▶ Lists { table, marks, patterns } ──look_up──▶ Found { categories, hits } ──explain──▶ Entry
//!                                            ▲ │
//!                                        open│ ▼write
//!                                          generation (a file, mapped)
//! ```
//!
//! Two structures answer a look-up, cheap to dear:
//!
//! 1. a [`table`]: one keyed hash table for names (each parent of the host is probed, as far down as [`marks`] says there are any), exact hosts,
//!    networks and `host/path` prefixes (probed only for hosts that have any). 12 bytes a slot, 80 % full: 15 bytes an entry, line number included.
//! 2. [`patterns`]: one Aho-Corasick automaton over the URL's one spelling for words, wildcards and the literals of expressions. An
//!    expression runs only where one of its literals was seen.
//!
//! A look-up uses the parsed host, never the raw URL, so `?u=games.example` is not a visit to `games.example` and neither is
//! `notgames.example`. An entry keeps every list it stands in, so groups differ by a mask only. Hashes are keyed with a secret of
//! the installation: nobody outside can craft two names that collide.
//!
//! An exception takes a URL out of its own list and no other: where one matches, nothing else that list says of the URL counts. What was found is
//! gone through a second time only then.
//!
//! Everything here is pure but [`store`], which reads list files, and [`generation`] and [`mapped`], which keep compiled lists in a file;
//! archives are read as streams by [`unpack`]. A new format is a file in [`formats`] and a line in its table.

pub mod compile;
pub mod entry;
pub mod formats;
pub mod generation;
pub mod hasher;
pub mod mapped;
pub mod marks;
pub mod members;
pub mod own;
pub mod patterns;
pub mod reading;
pub mod redundant;
pub mod refusal;
pub mod report;
pub mod store;
pub mod suffix;
pub mod table;
pub mod unpack;

mod catalogue;
mod look_up;
mod seal;

pub use look_up::{Entry, Found};

use crate::category::{Category, CategorySet};
use hasher::{Hasher, Kind};
use mapped::Section;
use marks::Marks;
use members::{Member, Membership};
use own::Own;
use patterns::Patterns;
use table::Table;
use zerocopy::little_endian::U32;

/// One list: one file of one source, all of one category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListInfo {
    /// The name people are shown: source and file, such as `starter/games/domains`.
    pub name: String,
    /// What it says of its entries.
    pub category: Category,
    /// How many entries it has in force, duplicates left out.
    pub entries: usize,
}

/// A weighted phrase of a page's text. Kept for who scans pages; of no meaning to a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The list it stands in.
    pub member: Member,
    /// Its line there.
    pub line: u32,
    /// In its one spelling.
    pub text: Box<str>,
}

/// Every list in force, compiled. Immutable: a change makes a new one.
#[derive(Debug)]
pub struct Lists {
    lists: Vec<ListInfo>,
    /// The distinct sets of lists that entries stand in.
    memberships: Vec<Membership>,
    /// For entries in several lists: their lines, in the order of the membership's lists.
    lines: Section<U32>,
    table: Table,
    marks: Marks,
    hasher: Hasher,
    patterns: Patterns,
    phrases: Vec<Phrase>,
    /// Names the bytes they were compiled from.
    inputs: blake3::Hash,
    /// The school's own entries, which hold over all others.
    own: Own,
    shape: Shape,
}

/// What occurs among the entries, so that a look-up need not ask for what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shape {
    /// The lengths of network prefixes, IPv4 then IPv6, the longest first.
    network_lengths: [Vec<u8>; 2],
    /// Whether any host is listed alone.
    has_exact: bool,
    /// The longest `host/path` entry, in bytes; 0 if there is none.
    longest_prefix: u32,
}

impl Lists {
    /// The lists in force.
    #[must_use]
    pub fn lists(&self) -> &[ListInfo] {
        &self.lists
    }

    /// How many distinct names, addresses, prefixes and patterns are in force.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len() + self.patterns.len()
    }

    /// Whether nothing is listed at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Resident bytes of the compiled tables, patterns aside.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory() + size_of_val(&*self.lines) + self.marks.memory()
    }

    /// The phrases of page text, in the order they were added.
    #[must_use]
    pub fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// Names the bytes these lists were compiled from.
    #[must_use]
    pub fn digest(&self) -> blake3::Hash {
        self.inputs
    }

    /// These lists, compiled from bytes of this name.
    #[must_use]
    pub fn named(self, inputs: blake3::Hash) -> Self {
        Self { inputs, ..self }
    }

    /// The school's own entries.
    #[must_use]
    pub fn own(&self) -> &Own {
        &self.own
    }

    /// These lists with the school's own entries over them.
    #[must_use]
    pub fn with_own(self, own: Own) -> Self {
        Self { own, ..self }
    }

    /// Tells every entry's name, a number that is the same in all lists of one installation, with the categories it is listed under.
    pub fn each(&self, mut each: impl FnMut(u64, CategorySet)) {
        self.table.each(|name, membership| {
            if let Some(membership) = self.memberships.get(usize::from(membership)) {
                each(name, membership.categories);
            }
        });
        for pattern in self.patterns.all().iter().filter(|pattern| !pattern.member.is_exception()) {
            let category = self.lists[pattern.member.list()].category;
            each(self.hasher.hash(Kind::Pattern, &pattern.text), CategorySet::EMPTY.with(category));
        }
    }
}
