//! Lists: what publishers and the school say of names, pages and addresses.
//!
//! ```text
//! a file ──formats──▶ entries ──compile──▶ Lists { table, patterns } ──look_up──▶ Found { categories, hits } ──explain──▶ Entry
//! ```
//!
//! Two structures answer a look-up, cheap to dear:
//!
//! 1. a [`table`]: one keyed hash table for names (each parent of the host is probed), exact hosts, networks and `host/path` prefixes
//!    (probed only for hosts that have any). 12 bytes a slot, 80 % full: 15 bytes an entry, line number included.
//! 2. [`patterns`]: one Aho-Corasick automaton over the URL's one spelling for words, wildcards and the literals of expressions. An
//!    expression runs only where one of its literals was seen.
//!
//! A look-up uses the parsed host, never the raw URL, so `?u=games.example` is not a visit to `games.example` and neither is
//! `notgames.example`. An entry keeps every list it stands in, so groups differ by a mask only. Hashes are keyed with a secret of
//! the installation: nobody outside can craft two names that collide.
//!
//! Everything here is pure but [`store`], which reads the files. A new format is a file in [`formats`] and a line in its table.

pub mod compile;
pub mod entry;
pub mod formats;
pub mod patterns;
pub mod store;

pub mod table;

use crate::category::{Category, CategorySet};
use crate::host::Host;
use crate::url::Url;
use patterns::Patterns;
use smallvec::SmallVec;
use table::{Hasher, Kind, Place, Table};

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

/// Every list in force, compiled. Immutable: a change makes a new one.
#[derive(Debug)]
pub struct Lists {
    pub(crate) lists: Vec<ListInfo>,
    /// The distinct sets of lists that entries stand in.
    pub(crate) memberships: Vec<Membership>,
    /// For entries in several lists: their lines, in the order of the membership's lists.
    pub(crate) lines: Vec<u32>,
    pub(crate) table: Table,
    pub(crate) hasher: Hasher,
    pub(crate) patterns: Patterns,
    /// The lengths of network prefixes that occur, IPv4 then IPv6.
    pub(crate) network_lengths: [Vec<u8>; 2],
    pub(crate) has_exact: bool,
    /// The longest `host/path` entry, in bytes; 0 if there is none.
    pub(crate) longest_prefix: usize,
}

/// A set of lists that some entry stands in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Membership {
    pub(crate) lists: Box<[u16]>,
    pub(crate) categories: CategorySet,
}

/// What the lists say of a host or a URL.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Every category it is listed under.
    pub categories: CategorySet,
    hits: SmallVec<[Hit; 4]>,
}

#[derive(Clone, Copy, Debug)]
enum Hit {
    /// The suffix of the host that begins at this byte.
    Name(u16, Place),
    /// The whole host.
    Exact(Place),
    /// The network of this prefix length around the host's address.
    Network(u8, Place),
    /// The part of the URL's text between these bytes.
    Prefix(u16, u32, Place),
    Pattern(u32),
}

/// The very entry that matched.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// The list it stands in, as in [`ListInfo::name`].
    pub list: String,
    /// Its line in that list, from 1.
    pub line: u32,
    /// The entry in its one spelling; expressions as written.
    pub text: String,
}

impl Lists {
    /// What the lists say of a host alone: all that is known of a tunnel.
    #[must_use]
    pub fn look_up_host(&self, host: &Host) -> Found {
        let mut found = Found::default();
        self.probe_host(host, &mut found);
        found
    }

    /// What the lists say of a URL, its host included.
    #[must_use]
    pub fn look_up(&self, url: &Url) -> Found {
        let mut found = self.look_up_host(&url.host);
        if self.longest_prefix > 0 {
            self.probe_prefixes(url, &mut found);
        }
        self.patterns.find(url.text(), |number, pattern| {
            found.categories = found.categories.with(self.lists[usize::from(pattern.list)].category);
            found.hits.push(Hit::Pattern(number));
        });
        found
    }

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
        self.table.memory() + self.lines.len() * size_of::<u32>()
    }

    /// The first entry that put `url` into one of `categories`. The URL must be the one that was looked up.
    #[must_use]
    pub fn explain(&self, found: &Found, url: &Url, categories: CategorySet) -> Option<Entry> {
        found.hits.iter().find_map(|hit| self.entry_of(hit, url, categories))
    }

    /// Every entry behind what was found, in every list.
    #[must_use]
    pub fn explain_all(&self, found: &Found, url: &Url) -> Vec<Entry> {
        let each = found.categories.iter().map(|category| CategorySet::EMPTY.with(category));
        each.flat_map(|one| found.hits.iter().filter_map(move |hit| self.entry_of(hit, url, one))).collect()
    }

    fn entry_of(&self, hit: &Hit, url: &Url, categories: CategorySet) -> Option<Entry> {
        let host = url.host.as_str();
        let (place, text) = match *hit {
            Hit::Name(from, place) => (place, host[usize::from(from)..].to_owned()),
            Hit::Exact(place) => (place, host.to_owned()),
            Hit::Network(length, place) => (place, network_text(url.host.address()?, length)?),
            Hit::Prefix(from, to, place) => (place, url.text()[usize::from(from)..to as usize].to_owned()),
            Hit::Pattern(number) => {
                let pattern = self.patterns.get(number);
                let list = &self.lists[usize::from(pattern.list)];
                let counts = categories.contains(list.category);
                return counts.then(|| Entry { list: list.name.clone(), line: pattern.line, text: pattern.text.to_string() });
            }
        };
        let membership = &self.memberships[usize::from(place.membership)];
        let at = membership.lists.iter().position(|list| categories.contains(self.lists[usize::from(*list)].category))?;
        let list = &self.lists[usize::from(membership.lists[at])];
        let line = if membership.lists.len() == 1 { place.line } else { self.lines[place.line as usize + at] };
        Some(Entry { list: list.name.clone(), line, text })
    }

    fn probe_host(&self, host: &Host, found: &mut Found) {
        if let Some(address) = host.address() {
            let lengths = &self.network_lengths[usize::from(address.is_ipv6())];
            for &length in lengths {
                let place = ipnet::IpNet::new(address, length).ok().and_then(|net| self.table.get(self.hasher.network(&net)));
                self.note(place, found, |place| Hit::Network(length, place));
            }
            return;
        }
        if self.has_exact {
            self.note(self.table.get(self.hasher.hash(Kind::Exact, host.as_str())), found, Hit::Exact);
        }
        let mut probes = SmallVec::<[(u16, u64); 16]>::new();
        self.hasher.suffixes(host.as_str(), |from, hash| probes.push((u16::try_from(from).unwrap_or_default(), hash)));
        // No list may hold a top-level name, so the shortest is not looked up.
        self.table.get_each(&probes[1..], |from, place| self.note(Some(place), found, |place| Hit::Name(from, place)));
    }

    fn probe_prefixes(&self, url: &Url, found: &mut Found) {
        let host = entry::without_www(url.host.as_str());
        if self.table.get(self.hasher.hash(Kind::HasPrefixes, host)).is_none() {
            return;
        }
        let from = url.host.as_str().len() - host.len();
        let text = &url.text()[from..];
        let mut hash = self.hasher.begin(Kind::Prefix);
        let mut hashed = 0;
        for end in entry::boundaries(text, host.len()).take_while(|end| *end <= self.longest_prefix) {
            hash.write(&text[hashed..end]);
            hashed = end;
            let span = (u16::try_from(from).unwrap_or_default(), u32::try_from(from + end).unwrap_or(u32::MAX));
            self.note(self.table.get(hash.finish()), found, |place| Hit::Prefix(span.0, span.1, place));
        }
    }

    fn note(&self, place: Option<Place>, found: &mut Found, hit: impl FnOnce(Place) -> Hit) {
        if let Some(place) = place {
            found.categories = found.categories.union(self.memberships[usize::from(place.membership)].categories);
            found.hits.push(hit(place));
        }
    }
}

/// A single address stands without its length, as people write it.
fn network_text(address: std::net::IpAddr, length: u8) -> Option<String> {
    let net = ipnet::IpNet::new(address, length).ok()?.trunc();
    Some(if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() })
}
