//! Entries that a wider one of the same list makes needless: `www.games.example` where `games.example` is listed too.
//!
//! The compiled lists are asked, so it costs a look-up an entry and no memory. Words and expressions are left out: whether one holds another
//! cannot be told.

use super::entry::Listed;
use super::report::Needless;
use super::{Entry, Lists};
use crate::host::Host;
use crate::url::{Scheme, Url};
use ipnet::IpNet;
use std::net::IpAddr;

/// The wider entry of this list that makes an entry needless, if there is one. An entry that says what an earlier line said is a duplicate,
/// and not needless besides.
#[must_use]
pub fn needless(lists: &Lists, list: &str, line: u32, entry: &Listed) -> Option<Needless> {
    let (url, own) = where_it_leads(entry)?;
    let found = lists.look_up(&url);
    let same: Vec<Entry> = lists.explain_all(&found, &url).into_iter().filter(|other| other.list == list).collect();
    same.iter().find(|other| other.line == line && other.text == own)?;
    let by = same.into_iter().find(|other| other.line != line && is_wider(entry, &own, &other.text))?;
    Some(Needless { line, text: own, by_line: by.line, by_text: by.text })
}

/// A URL that the entry matches, and the entry as the lists show it.
fn where_it_leads(entry: &Listed) -> Option<(Url, String)> {
    let at = |host: Host| Url::new(Scheme::Http, host, 80, "/");
    match entry {
        Listed::Name(host) | Listed::Exact(host) => Some((at(host.clone()), host.to_string())),
        Listed::Network(net) => {
            let shown = if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() };
            Some((at(Host::from(net.addr())), shown))
        }
        // A `#` stands in what is matched only where it came encoded.
        Listed::Prefix(text) => Some((Url::parse(&text.replace('#', "%23")).ok()?, text.clone())),
        Listed::Word(_) | Listed::Expression(_) | Listed::Except(_) | Listed::Phrase(_) => None,
    }
}

/// Whether what another entry says holds all that this one says.
fn is_wider(entry: &Listed, own: &str, other: &str) -> bool {
    let parent = |host: &str| host.strip_suffix(other).is_some_and(|below| below.ends_with('.'));
    match entry {
        Listed::Name(host) => parent(host.as_str()),
        // The same name in the same list is there with all below it: twice alone it would be a duplicate.
        Listed::Exact(host) => other == own || parent(host.as_str()),
        Listed::Network(net) => {
            let wide = other.parse::<IpNet>().or_else(|_| other.parse::<IpAddr>().map(IpNet::from));
            wide.is_ok_and(|wide| wide.prefix_len() < net.prefix_len() && wide.contains(net))
        }
        Listed::Prefix(text) => {
            let host = text.split(['/', '?']).next().unwrap_or_default();
            own.len() > other.len() && own.starts_with(other) || other == host || parent(host)
        }
        Listed::Word(_) | Listed::Expression(_) | Listed::Except(_) | Listed::Phrase(_) => false,
    }
}
