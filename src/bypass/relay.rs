//! Web proxies that write the address of what they fetch into their own, in the query or in the path, as plain as it is: `/browse?u=https://…`,
//! `/proxy/https://…`. Pure, with memory: which pages somebody went to that way in the last minute.
//!
//! By itself such an address says nothing: logins, links that are counted, readers and checkers name other sites so. What only a web proxy does is to ask for
//! the page's **parts** the same way. So what counts is a script or a style of another site, asked for at the very place (path and parameter, or path before
//! the address) at which a page of another site was just gone to. From then on, pages at that place are found as well, each as what it leads to.
//!
//! What fetches only pictures so is no web proxy ([`Role::of`]). Ask only of sites that no list knows; a service that shows other pages openly is read by
//! `insight::republished`.

use super::encoded::{address, may_be_whole, other};
use super::{Code, Finding};
use crate::bounded;
use crate::host::Host;
use crate::url::Url;
use smallvec::SmallVec;
use std::collections::HashMap;

/// How soon after the page a part is asked for, in milliseconds.
pub const WITHIN_MS: u64 = 60_000;
/// How long a place that was found out stays so, in milliseconds, from the last page on.
pub const KNOWN_MS: u64 = 3_600_000;
/// The most pages of one person at one site that are remembered: frames are pages too.
const MOST_PAGES: usize = 4;
/// The most sites of people that are remembered.
const MOST: usize = 1024;
/// The longest path and the longest parameter's name that are remembered.
const LONGEST: usize = 256;
/// The shortest that can be an address.
const LEAST: usize = 8;
/// Endings of what is a part of a page.
const PARTS: [&str; 3] = [".js", ".mjs", ".css"];

/// Where in an address another stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Behind this path.
    Behind(&'a str),
    /// In this parameter of this path.
    In(&'a str, &'a str),
}

/// The address of another site that stands in the path or the query of a request to `own`, and where.
#[must_use]
pub fn carried<'a>(own: &Host, path: &'a str) -> Option<(Place<'a>, Url)> {
    let path = path.split('#').next().unwrap_or_default();
    let (whole, query) = path.split_once('?').unwrap_or((path, ""));
    in_query(own, whole, query).or_else(|| in_path(own, path, whole))
}

fn in_query<'a>(own: &Host, whole: &'a str, query: &'a str) -> Option<(Place<'a>, Url)> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').filter(|(_, value)| value.len() >= LEAST)?;
        let is_plain = value.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
        if !is_plain && !may_be_whole(value.as_bytes()) {
            return None;
        }
        Some((Place::In(whole, name), other(own, value).or_else(|| Some(address(own, value)?.0))?))
    })
}

fn in_path<'a>(own: &Host, path: &'a str, whole: &'a str) -> Option<(Place<'a>, Url)> {
    // The query of a plain one is the page's.
    let plain = || {
        let at = ["/https:/", "/http:/"].into_iter().filter_map(|scheme| memchr::memmem::find(whole.as_bytes(), scheme.as_bytes())).min()?;
        let (scheme, rest) = path[at + 1..].split_once(":/")?;
        Some((Place::Behind(&path[..at]), other(own, &format!("{scheme}://{}", rest.trim_start_matches('/')))?))
    };
    let in_code = || {
        let (before, last) = whole.rsplit_once('/').filter(|(_, last)| last.len() >= LEAST)?;
        if !may_be_whole(last.as_bytes()) && !last.contains('%') {
            return None;
        }
        Some((Place::Behind(before), address(own, last)?.0))
    };
    plain().or_else(in_code)
}

/// What is asked for that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A page, be it in a frame.
    Page,
    /// A script or a style of one.
    Part,
}

impl Role {
    /// By what the browser says it is for (`Sec-Fetch-Dest`) and what the other address ends with; nothing, where it is neither. Where a browser says nothing,
    /// as over http, the ending tells.
    #[must_use]
    pub fn of(dest: Option<&str>, carried: &Url) -> Option<Self> {
        let whole = carried.received().split(['?', '#']).next().unwrap_or_default();
        let is_part = PARTS.into_iter().any(|ending| whole.ends_with(ending));
        match dest {
            Some("document" | "iframe" | "frame") => Some(Self::Page),
            Some("script" | "style") | None if is_part => Some(Self::Part),
            None => Some(Self::Page),
            Some(_) => None,
        }
    }

    /// The same, before it is known what else stands in the address: whether it is worth looking.
    #[must_use]
    pub fn may_be(dest: Option<&str>) -> bool {
        matches!(dest, None | Some("document" | "iframe" | "frame" | "script" | "style"))
    }
}

/// A place, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    path: Box<str>,
    /// Of what stands in the query.
    name: Option<Box<str>>,
}

impl Kept {
    fn of(place: Place<'_>) -> Option<Self> {
        let kept = match place {
            Place::Behind(path) => Self { path: path.into(), name: None },
            Place::In(path, name) => Self { path: path.into(), name: Some(name.into()) },
        };
        (kept.path.len() <= LONGEST && kept.name.as_ref().is_none_or(|name| name.len() <= LONGEST)).then_some(kept)
    }
}

/// What somebody went to at one site.
#[derive(Debug, Default)]
struct Gone {
    pages: SmallVec<[(Kept, Url, u64); 1]>,
    /// What was found out, and when somebody was last there.
    known: Option<(Kept, u64)>,
}

impl Gone {
    fn last_ms(&self) -> u64 {
        self.pages.iter().map(|(.., at)| *at).chain(self.known.iter().map(|(_, at)| *at)).max().unwrap_or(0)
    }

    fn is_over(&self, now_ms: u64) -> bool {
        self.pages.iter().all(|(.., at)| at + WITHIN_MS <= now_ms) && self.known.as_ref().is_none_or(|(_, at)| at + KNOWN_MS <= now_ms)
    }
}

/// Where people went that way.
#[derive(Debug, Default)]
pub struct Relays(HashMap<(u64, u64), Gone>);

impl Relays {
    /// Somebody asked a site, each a number, for what is at this place, at a time in milliseconds. What is found: a part of a page that was gone to the same
    /// way, as that page; or a page where parts were asked for so before.
    pub fn see(&mut self, key: (u64, u64), (role, place, page): (Role, Place<'_>, Url), at_ms: u64) -> Option<Finding> {
        let kept = Kept::of(place)?;
        match role {
            Role::Page => {
                if self.0.len() >= MOST && !self.0.contains_key(&key) {
                    self.make_room(at_ms);
                }
                let gone = self.0.entry(key).or_default();
                if let Some((known, last)) = &mut gone.known
                    && *known == kept
                    && at_ms < *last + KNOWN_MS
                {
                    *last = at_ms.max(*last);
                    gone.keep(kept, page.clone(), at_ms);
                    return Some(found("a page where its parts were asked for the same way before", page));
                }
                gone.keep(kept, page, at_ms);
                None
            }
            Role::Part => {
                let gone = self.0.get_mut(&key)?;
                let (.., of, _) = gone.pages.iter().rev().find(|(known, _, at)| *known == kept && at_ms < *at + WITHIN_MS)?;
                let of = of.clone();
                gone.known = Some((kept, at_ms));
                Some(found("a part of a page, asked for the same way as the page", of))
            }
        }
    }

    fn make_room(&mut self, now_ms: u64) {
        self.0.retain(|_, gone| !gone.is_over(now_ms));
        bounded::make_room(&mut self.0, MOST, Gone::last_ms);
    }
}

impl Gone {
    fn keep(&mut self, kept: Kept, page: Url, at_ms: u64) {
        self.pages.retain(|(_, _, at)| *at + WITHIN_MS > at_ms);
        if self.pages.len() >= MOST_PAGES {
            self.pages.remove(0);
        }
        self.pages.push((kept, page, at_ms));
    }
}

fn found(seen: &str, page: Url) -> Finding {
    Finding::new(Code::Relay, seen).of_page(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1000;

    fn own() -> Host {
        Host::parse("maths.example").expect("a host")
    }

    #[test]
    fn another_address_is_read_out_of_the_query_and_the_path() {
        use Place::{Behind, In};
        for (path, expected) in [
            ("/browse?x=1&u=https://www.tiktok.com/foryou&b=4", Some((In("/browse", "u"), "https://www.tiktok.com/foryou"))),
            ("/?url=https%3A%2F%2Fwww.tiktok.com%2Fforyou", Some((In("/", "url"), "https://www.tiktok.com/foryou"))),
            ("/?q=aHR0cHM6Ly93d3cudGlrdG9rLmNvbS9mb3J5b3U%3D", Some((In("/", "q"), "https://www.tiktok.com/foryou"))),
            ("/?q=68747470733a2f2f7777772e74696b746f6b2e636f6d2f666f72796f75", Some((In("/", "q"), "https://www.tiktok.com/foryou"))),
            ("/?q=uoyrof%2Fmoc.kotkit.www%2F%2F%3Asptth", Some((In("/", "q"), "https://www.tiktok.com/foryou"))),
            ("/?q=uoyrof/moc.kotkit.www//:sptth#x", Some((In("/", "q"), "https://www.tiktok.com/foryou"))),
            ("/?q=hvtrs8%2F-wuw%2Ctkkvoi.aoo%2Fdopymu", Some((In("/", "q"), "https://www.tiktok.com/foryou"))),
            ("/proxy/https://www.tiktok.com/foryou?x=1", Some((Behind("/proxy"), "https://www.tiktok.com/foryou?x=1"))),
            ("/https:/www.tiktok.com/foryou", Some((Behind(""), "https://www.tiktok.com/foryou"))),
            ("/a/q/aHR0cHM6Ly93d3cudGlrdG9rLmNvbS9mb3J5b3U", Some((Behind("/a/q"), "https://www.tiktok.com/foryou"))),
            // Its own, no address, and no site.
            ("/login?next=https%3A%2F%2Fwww.maths.example%2F", None),
            ("/search?q=https", None),
            ("/search?q=http+headers+explained", None),
            ("/?q=https%3A%2F%2Flocalhost%2F", None),
            ("/a/https:/", None),
            ("/", None),
            ("", None),
        ] {
            let read = carried(&own(), path);
            assert_eq!(read.as_ref().map(|(place, url)| (*place, url.to_string())), expected.map(|(place, url)| (place, url.to_owned())), "{path}");
        }
    }

    /// What is found of each, asked for one after the other, a second apart: what is meant.
    fn asked(list: &[(&str, &str)], apart: u64) -> Vec<Option<String>> {
        let mut relays = Relays::default();
        let ask = |(nth, (dest, path)): (u64, &(&str, &str))| {
            let (place, url) = carried(&own(), path)?;
            let role = Role::of(Some(*dest).filter(|dest| !dest.is_empty()), &url)?;
            let found = relays.see((1, 1), (role, place, url), 1_000_000 + nth * apart)?;
            assert_eq!(found.code, Code::Relay);
            found.target.map(String::from)
        };
        (0..).zip(list).map(ask).collect()
    }

    #[test]
    fn parts_that_are_asked_for_as_their_page_was_are_found_and_then_pages_are() {
        let page = ("document", "/browse?u=https%3A%2F%2Fwww.tiktok.com%2F");
        let script = ("script", "/browse?u=https%3A%2F%2Fcdn.tiktok.com%2Fa.js%3Fv=1");
        let style = ("style", "/browse?u=https%3A%2F%2Fcdn.tiktok.com%2Fa.css");
        let games = ("document", "/browse?u=https%3A%2F%2Fgames.example%2F");
        let meant = |host: &str| Some(host.to_owned());
        let tiktok = || meant("www.tiktok.com");
        assert_eq!(asked(&[page, script, style, games, page], SECOND), [None, tiktok(), tiktok(), meant("games.example"), tiktok()]);
        // Over http no browser says what it is for.
        assert_eq!(asked(&[("", page.1), ("", style.1), ("", games.1)], SECOND), [None, tiktok(), meant("games.example")]);
        // In the path as well.
        let (path, part) = (("document", "/proxy/https://www.tiktok.com/"), ("script", "/proxy/https://cdn.tiktok.com/a.mjs"));
        assert_eq!(asked(&[path, part], SECOND), [None, tiktok()]);
        // A part alone; pictures, data and pages only; at another place; too late.
        assert_eq!(asked(&[script, page], SECOND), [None, None]);
        let pictures = [page, ("image", script.1), ("empty", script.1), ("iframe", games.1), ("document", page.1)];
        assert_eq!(asked(&pictures, SECOND), [const { None }; 5]);
        assert_eq!(asked(&[page, ("script", "/browse?u=https%3A%2F%2Fcdn.tiktok.com%2Fcount")], SECOND), [None, None]);
        assert_eq!(asked(&[page, ("script", "/other?u=https%3A%2F%2Fcdn.tiktok.com%2Fa.js")], SECOND), [None, None]);
        assert_eq!(asked(&[page, ("script", "/browse?from=https%3A%2F%2Fcdn.tiktok.com%2Fa.js")], SECOND), [None, None]);
        assert_eq!(asked(&[page, script], WITHIN_MS), [None, None]);
        assert_eq!(asked(&[page, script, games], WITHIN_MS - 1)[2], meant("games.example"), "it stays known");
    }

    #[test]
    fn each_person_and_site_is_by_itself_and_what_is_kept_is_bounded() {
        let mut relays = Relays::default();
        let url = || Url::parse("https://a.example/a.js").expect("a URL");
        let mut see = |key, role, at| relays.see(key, (role, Place::In("/", "u"), url()), at).is_some();
        assert!(!see((1, 1), Role::Page, 0) && !see((2, 1), Role::Part, 1) && !see((1, 2), Role::Part, 1) && see((1, 1), Role::Part, 2));
        assert!(see((1, 1), Role::Page, KNOWN_MS) && !see((1, 1), Role::Page, 3 * KNOWN_MS), "an hour after the last");
        for person in 0..5000 {
            (0..9).for_each(|_| assert!(!see((person, 9), Role::Page, person)));
        }
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(relays.see((1, 1), (Role::Page, Place::In("/", &long), url()), 0), None);
        assert!(relays.0.len() <= MOST && relays.0.values().all(|gone| gone.pages.len() <= MOST_PAGES));
    }

    proptest! {
        #[test]
        fn nothing_panics(path in "/?\\PC{0,60}", part in prop::sample::select(vec!["", "/https:/", "?u=http", "/https://a.example", "//:sptth", "=aHR0c"])) {
            let _ = carried(&own(), &format!("{path}{part}{path}"));
        }
    }
}
