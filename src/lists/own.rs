//! The school's own entries: sites somebody here has allowed or blocked, over what the publishers' lists say.
//!
//! A few, up to some thousands, so a map by name is enough: each parent of the host is looked up, then each part of the path of hosts that
//! have any. An entry that allows takes its categories away from a URL, one that blocks adds its category; a block wins over an allow. Nothing
//! here reaches the always-blocked tier. Pure: which entries hold today is decided by whoever makes the map.

use crate::category::CategorySet;
use crate::host::Host;
use crate::lists::Entry;
use crate::lists::entry::{self, Listed, Refusal};
use crate::url::Url;
use smallvec::SmallVec;
use std::collections::HashMap;

/// What the school's own entries are called where lists are named.
pub const NAME: &str = "the school's own";

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The site does not count as listed under these.
    Allow(CategorySet),
    /// The site counts as listed under these.
    Block(CategorySet),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnEntry {
    /// `host` or `host/path` in its one spelling: that and all below it.
    pub site: String,
    /// What it does.
    pub effect: Effect,
    /// Its number among the school's entries, from 1.
    pub number: u32,
    /// Why it is there.
    pub reason: String,
}

impl OwnEntry {
    /// Whether it puts sites into one of these categories.
    #[must_use]
    pub fn blocks(&self, categories: CategorySet) -> bool {
        match self.effect {
            Effect::Block(blocked) => !blocked.intersection(categories).is_empty(),
            Effect::Allow(_) => false,
        }
    }

    /// The entry as it is named where it decides.
    #[must_use]
    pub fn named(&self) -> Entry {
        let does = match self.effect {
            Effect::Allow(_) => "allow",
            Effect::Block(_) => "block",
        };
        Entry { list: NAME.to_owned(), line: self.number, text: format!("{does} {}: {}", self.site, self.reason) }
    }
}

/// The school's own entries, ready to be looked up.
#[derive(Clone, Debug, Default)]
pub struct Own {
    entries: Vec<OwnEntry>,
    by_site: HashMap<String, Vec<u32>>,
    has_paths: bool,
}

/// What the school's own entries say of a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFound {
    /// Categories the URL is not to count under.
    pub allowed: CategorySet,
    /// Categories the URL counts under.
    pub blocked: CategorySet,
    /// The entries, as indices for [`Own::get`].
    pub hits: SmallVec<[u32; 2]>,
}

impl Own {
    /// Makes the map.
    #[must_use]
    pub fn new(entries: Vec<OwnEntry>) -> Self {
        let mut own = Self { has_paths: entries.iter().any(|entry| entry.site.contains('/')), entries, by_site: HashMap::new() };
        for (number, entry) in (0..).zip(&own.entries) {
            own.by_site.entry(entry.site.clone()).or_default().push(number);
        }
        own
    }

    /// Whether there are none: then there is nothing to look up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// An entry that was found.
    ///
    /// # Panics
    /// If the index is not from [`Self::look_up`] of the same entries.
    #[must_use]
    pub fn get(&self, index: u32) -> &OwnEntry {
        &self.entries[index as usize]
    }

    /// Names the entries: other entries, another name.
    #[must_use]
    pub fn digest(&self) -> blake3::Hash {
        blake3::hash(format!("{:?}", self.entries).as_bytes())
    }

    /// What the entries say of a URL.
    #[must_use]
    pub fn look_up(&self, url: &Url) -> OwnFound {
        let mut found = OwnFound::default();
        for site in url.host.suffixes() {
            self.note(site, &mut found);
        }
        if self.has_paths {
            let bare = entry::without_www(url.host.as_str());
            let text = &url.text()[url.host.as_str().len() - bare.len()..];
            for end in entry::boundaries(text, bare.len()) {
                self.note(&text[..end], &mut found);
            }
        }
        found
    }

    fn note(&self, site: &str, found: &mut OwnFound) {
        for index in self.by_site.get(site).into_iter().flatten() {
            match self.get(*index).effect {
                Effect::Allow(categories) => found.allowed = found.allowed.union(categories),
                Effect::Block(categories) => found.blocked = found.blocked.union(categories),
            }
            found.hits.push(*index);
        }
    }
}

/// The one spelling of a site as a person types it: a host, or a host and a path. What lists refuse is refused here too.
pub fn site(typed: &str) -> Result<String, Refusal> {
    match entry::prefix(typed)? {
        Listed::Name(host) | Listed::Exact(host) => Ok(host.as_str().to_owned()),
        Listed::Prefix(text) => Ok(text),
        Listed::Network(net) if net.prefix_len() == net.max_prefix_len() => Ok(Host::from(net.addr()).as_str().to_owned()),
        Listed::Network(_) | Listed::Word(_) | Listed::Expression(_) | Listed::Except(_) | Listed::Phrase(_) => Err(Refusal::NotAHost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::fixture::taxonomy;

    #[test]
    fn an_entry_holds_for_its_site_and_all_below() {
        let taxonomy = taxonomy(&["games", "chat"]);
        let set = |id: &str| CategorySet::EMPTY.with(taxonomy.find(id).expect("a category"));
        let entry = |site: &str, effect, number| OwnEntry { site: self::site(site).expect("a site"), effect, number, reason: "a lesson".into() };
        let own = Own::new(vec![
            entry("maths.games.example", Effect::Allow(set("games")), 1),
            entry("www.news.example/Quiz/", Effect::Block(set("games")), 2),
            entry("talk.example", Effect::Block(set("chat")), 3),
            entry("203.0.113.9", Effect::Block(set("chat")), 4),
        ]);
        for (url, allowed, blocked) in [
            ("games.example", "", ""),
            ("maths.games.example", "games", ""),
            ("www.maths.games.example/play", "games", ""),
            ("news.example/quiz", "", "games"),
            ("www.news.example/quiz/1?x", "", "games"),
            ("news.example/quizzes", "", ""),
            ("news.example", "", ""),
            ("a.talk.example", "", "chat"),
            ("203.0.113.9", "", "chat"),
            ("203.0.113.99", "", ""),
        ] {
            let found = own.look_up(&Url::parse(url).expect("a url"));
            let ids = |set| taxonomy.ids(set).collect::<Vec<_>>().join(" ");
            assert_eq!((ids(found.allowed), ids(found.blocked)), (allowed.to_owned(), blocked.to_owned()), "{url}");
        }
    }
}
