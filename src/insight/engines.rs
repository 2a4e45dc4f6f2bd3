//! Search engines: what was asked, read from the address of a request. Pure.
//!
//! A search is read where the engine is asked with the words in its address, and also where it is asked for suggestions while somebody
//! types. Not read: words sent in a body (Startpage as shipped and YouTube's own pages ask so, and say the words in an address only when a search is
//! opened or shared), words after `#`, which never leave the browser, and anything inside a tunnel that is not looked into.
//!
//! # Where to add
//!
//! An engine is one row of `ENGINES` (in `table`), and one row of the test with an address as a browser sends it. Where rows share a site, the first that fits
//! counts. An engine of a site without a row of its own is not known as one: its searches are visits.

mod table;
mod term;

pub(in crate::insight) use term::in_words;

use super::Search;
use super::ai;
use super::site::Site;
use table::{ENGINES, Ends, Engine, Path, Place, Way};

/// The search in a request for `path_and_query` at `host` (in its one spelling), if there is one.
///
/// For a host that is no engine's this takes some nanoseconds.
#[must_use]
pub fn search(host: &str, path_and_query: &str) -> Option<Search> {
    let site = Site::of(host);
    if !may_be_engine(site.name) {
        return None;
    }
    let path_and_query = path_and_query.split_once('#').map_or(path_and_query, |(before, _)| before);
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let found = ENGINES.iter().filter(|engine| engine.site == site.name && engine.stands_at(&site)).find_map(|engine| {
        let way = engine.ways.iter().find(|way| way.fits(&site, path, query))?;
        Some((engine, way, way.term(path, query)?))
    });
    found.map(|(engine, way, term)| Search { engine: engine.id, term, stage: way.stage })
}

/// Whether a host is one where searches are asked.
#[must_use]
pub fn is_engine(host: &str) -> bool {
    let site = Site::of(host);
    may_be_engine(site.name) && ENGINES.iter().any(|engine| engine.general && engine.site == site.name && engine.stands_at(&site))
}

/// What an engine or a chat service is called, by its name in the log; the name itself if it is none of their tables.
#[must_use]
pub fn label(id: &str) -> &str {
    let engine = ENGINES.iter().find(|engine| engine.id == id).map(|engine| engine.label);
    engine.or_else(|| ai::label(id)).unwrap_or(id)
}

/// The engines' names in the log.
pub fn ids() -> impl Iterator<Item = &'static str> {
    ENGINES.iter().map(|engine| engine.id)
}

/// For each first letter, the lengths the engines' names have: what turns nearly every host away.
const LENGTHS: [u32; 26] = {
    let mut lengths = [0; 26];
    let mut at = 0;
    while at < ENGINES.len() {
        let name = ENGINES[at].site.as_bytes();
        lengths[(name[0] - b'a') as usize] |= 1 << name.len();
        at += 1;
    }
    lengths
};

fn may_be_engine(name: &str) -> bool {
    let first = name.bytes().next().map_or(u8::MAX, |byte| byte.wrapping_sub(b'a'));
    let lengths = LENGTHS.get(usize::from(first)).copied().unwrap_or(0);
    name.len() < 32 && lengths >> name.len() & 1 == 1
}

impl Engine {
    fn stands_at(&self, site: &Site<'_>) -> bool {
        match self.ends {
            Ends::National => site.is_national(),
            Ends::In(endings) => endings.contains(&site.ending),
        }
    }
}

impl Way {
    fn fits(&self, site: &Site<'_>, path: &str, query: &str) -> bool {
        let below = self.below.is_none_or(|below| below == site.below);
        let path = match self.path {
            Path::Any => true,
            Path::Is(wanted) => path.strip_suffix('/').unwrap_or(path) == wanted,
            Path::Under(wanted) => path.starts_with(wanted),
        };
        below && path && self.with.is_none_or(|with| query.split('&').any(|pair| pair == with))
    }

    fn term(&self, path: &str, query: &str) -> Option<String> {
        match self.place {
            Place::Query(names) => {
                let pairs = || query.split('&').filter_map(|pair| pair.split_once('='));
                names.iter().find_map(|name| pairs().filter(|(key, _)| key == name).find_map(|(_, value)| term::of_query(value)))
            }
            Place::Segment => {
                let rest = match self.path {
                    Path::Under(before) => path.get(before.len()..)?,
                    Path::Any | Path::Is(_) => return None,
                };
                term::of_path(rest.split('/').next()?)
            }
        }
    }
}

#[cfg(test)]
mod tests;
