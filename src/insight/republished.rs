//! Pages that show or lead to another: translators, archives, caches, image proxies, readers, links that are counted on their way. Pure.
//!
//! Such a page is judged as what it shows as well: [`shown`] reads the other address out of the address of a request. Where the host's name
//! alone says what is shown (`www-bbc-co-uk.translate.goog`), that is read of a tunnel too.
//!
//! An address is read as the service would read it, and once more in its one spelling, so that a `%77eb` for `web` or a `//` hides nothing. An
//! address within an address within an address is followed to [`DEEPEST`]; who goes deeper than that is told so ([`Shown::Endless`]).
//!
//! # Limits
//!
//! - Opaque names cannot be read: `archive.ph/AbCdE`, thumbnails of search engines, links with an encrypted target. What they answer is seen when
//!   it comes: a redirect is judged by where it leads, a page by its words.
//! - Of a tunnel that is not looked into only the host's name is there to read.
//! - Web proxies that hide the address on purpose are no matter of this table.
//!
//! # Where to add
//!
//! A service is one row of `ROWS` (in `table`), with one line of its test: an address as a browser sends it, and what it shows.

mod table;

use super::escapes::{unescape, unescape_deeply};
use super::site::Site;
use crate::host::Host;
use crate::url::Url;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;
use table::{At, ROWS, Read, Row};

/// How deep an address may stand in others and still be read.
pub const DEEPEST: usize = 6;
/// The most addresses that are read out of one.
pub const MOST: usize = 16;

/// Endings of files that are no endings of hosts.
const FILES: [&str; 20] =
    ["js", "mjs", "css", "html", "htm", "php", "aspx", "json", "xml", "txt", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "map", "woff", "woff2"];

/// What a service does with the other address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// It shows what is there, or a part or a picture of it.
    Shows,
    /// It sends the browser there.
    LeadsTo,
}

impl Way {
    /// As it stands in a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Shows => "shows",
            Self::LeadsTo => "leads to",
        }
    }
}

/// One address that stands in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// The service, as people call it.
    pub by: &'static str,
    /// What it does with the address.
    pub way: Way,
    /// The address. Scheme and port are those of the request: there is no other connection that a port could be open or closed for.
    pub url: Url,
}

/// What an address shows beside itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// These, in the order they stand in it; nearly always none.
    These(SmallVec<[Other; 1]>),
    /// More than are read, or deeper: nobody does that by accident.
    Endless,
}

/// What an address shows or leads to.
///
/// For a host that is no such service's this takes well under a microsecond.
#[must_use]
pub fn shown(url: &Url) -> Shown {
    let mut all: SmallVec<[Other; 1]> = SmallVec::new();
    let mut layer = read(url);
    for _ in 0..DEEPEST {
        if layer.is_empty() {
            return Shown::These(all);
        }
        let deeper = layer.iter().flat_map(|other| read(&other.url)).collect();
        for other in std::mem::replace(&mut layer, deeper) {
            if all.iter().any(|known| known.url == other.url) {
                continue;
            }
            if all.len() == MOST {
                return Shown::Endless;
            }
            all.push(other);
        }
    }
    if layer.is_empty() { Shown::These(all) } else { Shown::Endless }
}

/// The addresses that stand in one, one step deep.
fn read(url: &Url) -> SmallVec<[Other; 1]> {
    let mut found = SmallVec::new();
    let mut rows = rows_of(url).peekable();
    if rows.peek().is_none() {
        return found;
    }
    let received = url.received().split('#').next().unwrap_or_default();
    let (path, query) = received.split_once('?').unwrap_or((received, ""));
    let as_sent = Request { url, path: unescape(path), query };
    // What the host does with `//`, `/./` and `%77` is what the one spelling does.
    let text = &url.text()[url.host.as_str().len()..];
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let in_one_spelling = Request { url, path: Cow::Borrowed(path), query };
    for row in rows {
        let before = found.len();
        row.read(&as_sent, &mut found);
        if found.len() == before && !as_sent.is_whole_host() {
            row.read(&in_one_spelling, &mut found);
        }
        if found.len() > MOST {
            break;
        }
    }
    found
}

/// The rows by the names of their hosts.
static NAMES: LazyLock<HashMap<&'static str, SmallVec<[&'static Row; 2]>>> = LazyLock::new(|| {
    let mut names: HashMap<_, SmallVec<[&'static Row; 2]>> = HashMap::new();
    for row in ROWS {
        if let At::Within(hosts) = row.at {
            hosts.iter().for_each(|host| names.entry(*host).or_default().push(row));
        }
    }
    names
});

/// For each first byte, the lengths the hosts' names have: what turns nearly every host away before it is hashed.
static LENGTHS: LazyLock<[u64; 256]> = LazyLock::new(|| {
    let mut lengths = [0; 256];
    for name in NAMES.keys() {
        lengths[usize::from(name.as_bytes()[0])] |= 1 << (name.len() & 63);
    }
    lengths
});

/// The rows of sites that stand under the ending of any country.
static NATIONAL: LazyLock<Vec<(&'static str, &'static Row)>> = LazyLock::new(|| {
    let name = |row: &'static Row| match row.at {
        At::National(name) => Some((name, row)),
        At::Within(_) | At::Anywhere => None,
    };
    ROWS.iter().filter_map(name).collect()
});

/// The rows of software that may stand at any host.
static ANYWHERE: LazyLock<Vec<&'static Row>> = LazyLock::new(|| ROWS.iter().filter(|row| matches!(row.at, At::Anywhere)).collect());

fn rows_of(url: &Url) -> impl Iterator<Item = &'static Row> {
    let host = url.host.as_str();
    let may = |name: &&str| name.bytes().next().is_some_and(|first| LENGTHS[usize::from(first)] >> (name.len() & 63) & 1 == 1);
    let named = url.host.suffixes().filter(may).filter_map(|name| NAMES.get(name)).flatten().copied();
    let site = Site::of(host);
    let national = NATIONAL.iter().filter(move |(name, _)| site.name == *name && site.is_national()).map(|(_, row)| *row);
    let path = &url.text()[host.len()..];
    let anywhere = ANYWHERE.iter().copied().filter(move |row| path.starts_with(row.path));
    named.chain(national).chain(anywhere)
}

/// A request, as a row reads it.
struct Request<'a> {
    url: &'a Url,
    /// With its escapes undone.
    path: Cow<'a, str>,
    /// As received.
    query: &'a str,
}

impl Request<'_> {
    /// Whether no more than the host is known.
    fn is_whole_host(&self) -> bool {
        self.url.received().is_empty() || self.url.received() == "/"
    }

    /// The values of the first of these parameters that is there, escapes undone. Of a parameter given twice each server has its own idea
    /// which one counts, so all are read.
    fn values(&self, names: &'static [&'static str]) -> impl Iterator<Item = Cow<'_, str>> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(move |(key, _)| names.iter().any(|name| unescape(key).eq_ignore_ascii_case(name))).map(|(_, value)| decoded(value))
    }

    /// What follows `before` in the path, with the query.
    fn after(&self, before: &str) -> Option<String> {
        let rest = strip(&self.path, before)?;
        Some(self.with_query(rest))
    }

    fn with_query(&self, rest: &str) -> String {
        if self.query.is_empty() { rest.to_owned() } else { format!("{rest}?{}", self.query) }
    }

    fn url_of(&self, text: &str) -> Option<Url> {
        address(text, self.url)
    }
}

/// A value of a query. What no address can begin with may be escaped twice.
fn decoded(value: &str) -> Cow<'_, str> {
    let once = unescape(value);
    let twice = || {
        once.len() >= 7 && once.as_bytes()[..7].eq_ignore_ascii_case(b"http%3a") || once.len() >= 8 && once.as_bytes()[..8].eq_ignore_ascii_case(b"https%3a")
    };
    if twice() { unescape_deeply(value) } else { once }
}

/// The text without this beginning, in any case.
fn strip<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(before.len())?;
    start.eq_ignore_ascii_case(before).then_some(rest)
}

/// An address as somebody wrote it in another: with a scheme and however many slashes, with two slashes, or with neither. Read as browsers do: what
/// is not there to see does not count.
fn address(text: &str, outer: &Url) -> Option<Url> {
    let text: Cow<'_, str> = if text.bytes().any(|byte| byte <= b' ') {
        text.trim_matches(|c: char| c <= ' ').chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect::<String>().into()
    } else {
        Cow::Borrowed(text)
    };
    let with_scheme = ["https:", "http:"].iter().find_map(|scheme| strip(&text, scheme));
    let slash = |c| matches!(c, '/' | '\\');
    let (rest, said) = match with_scheme {
        Some(rest) => (rest.trim_start_matches(slash), true),
        None => (text.strip_prefix("//").unwrap_or(&text), text.starts_with("//")),
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = crate::url::split_port(authority).map_or_else(|_| authority.rsplit_once(':').map_or(authority, |(host, _)| host), |(host, _)| host);
    let host = Host::parse(host).ok()?;
    (said || looks_like_a_site(&host)).then(|| Url::new(outer.scheme, host, outer.port, path))
}

/// Without a scheme a part of a path is taken for a host only if it looks like one.
fn looks_like_a_site(host: &Host) -> bool {
    let last = host.as_str().rsplit_once('.').map(|(_, last)| last);
    host.address().is_none() && last.is_some_and(|last| last.len() >= 2 && !FILES.contains(&last))
}

impl Row {
    fn read(&self, request: &Request<'_>, found: &mut SmallVec<[Other; 1]>) {
        let found_one = |text: Cow<'_, str>| request.url_of(&text).map(|url| Other { by: self.by, way: self.way, url });
        if strip(&request.path, self.path).is_none() && !matches!(self.read, Read::Label | Read::LabelOfTunnel) {
            return;
        }
        match self.read {
            Read::Query(names) => found.extend(request.values(names).filter_map(found_one)),
            Read::QueryWith(names, with) => {
                if request.query.split('&').any(|pair| pair.eq_ignore_ascii_case(with)) {
                    found.extend(request.values(names).filter_map(found_one));
                }
            }
            Read::Cached(names) => {
                let pages = request.values(names).filter_map(|value| cached(&value));
                found.extend(pages.filter_map(|page| found_one(page.into())));
            }
            Read::QueryIn64(names, before) => {
                let pages = request.values(names).filter_map(|value| in_base_64(strip(&value, before)?));
                found.extend(pages.filter_map(|page| found_one(page.into())));
            }
            Read::WholeQuery => found.extend(found_one(decoded(request.query))),
            Read::Rest => found.extend(request.after(self.path).and_then(|rest| found_one(rest.into()))),
            Read::Host => found.extend(request.after(self.path).and_then(|rest| found_one(first_host(&rest)?.to_owned().into()))),
            Read::Embedded => found.extend(embedded(&request.path).and_then(|rest| found_one(request.with_query(rest).into()))),
            Read::Archive => found.extend(archived(&request.path).and_then(|rest| found_one(request.with_query(rest).into()))),
            Read::Split => found.extend(split(&request.path).and_then(|page| found_one(request.with_query(&page).into()))),
            Read::Hex => found.extend(request.path.split('/').filter_map(hex).filter_map(|page| found_one(page.into()))),
            Read::PathIn64 => found.extend(path_in_base_64(&request.path).and_then(|page| found_one(page.into()))),
            Read::Between(before, after) => found.extend(between(&request.path, before, after).and_then(|page| found_one(page.into()))),
            Read::Defence2(names) => found.extend(request.values(names).filter_map(|value| found_one(defence_2(&value).into()))),
            Read::Defence3 => found.extend(defence_3(&request.path).and_then(|rest| found_one(rest.to_owned().into()))),
            Read::Label => {
                if let Some(host) = dashed(request.url, &self.at) {
                    let query = without_own(request.query);
                    let mark = if query.is_empty() { "" } else { "?" };
                    // What the one spelling would say of the path is what the other page's would.
                    let path = request.url.received().split(['?', '#']).next().unwrap_or_default();
                    let url = Url::new(request.url.scheme, host, request.url.port, &format!("{path}{mark}{query}"));
                    found.push(Other { by: self.by, way: self.way, url });
                }
            }
            Read::LabelOfTunnel => {
                if let Some(host) = dashed(request.url, &self.at).filter(|_| request.is_whole_host()) {
                    found.push(Other { by: self.by, way: self.way, url: Url::new(request.url.scheme, host, request.url.port, "") });
                }
            }
        }
    }
}

/// The host in a first label: `-` for a dot, `--` for a hyphen; `0-…-0` around a name that would look like another kind of label. As
/// [Google writes it](https://amp.dev/documentation/guides-and-tutorials/learn/amp-caches-and-cors/amp-cache-urls).
fn dashed(url: &Url, at: &At) -> Option<Host> {
    let At::Within(names) = at else { return None };
    let host = url.host.as_str();
    let label = names.iter().find_map(|name| host.strip_suffix(name)?.strip_suffix('.'))?;
    if label.is_empty() || label.contains('.') {
        return None;
    }
    let (unicode, _) = idna::domain_to_unicode(label);
    let bare = unicode.strip_prefix("0-").and_then(|label| label.strip_suffix("-0")).unwrap_or(&unicode);
    let mut name = String::with_capacity(bare.len());
    let mut rest = bare.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '-' if rest.next_if_eq(&'-').is_some() => name.push('-'),
            '-' => name.push('.'),
            other => name.push(other),
        }
    }
    Host::parse(&name).ok().filter(|host| host.as_str().contains('.'))
}

/// A query without what the translator has added.
fn without_own(query: &str) -> String {
    let mut kept = String::new();
    for pair in query.split('&').filter(|pair| !pair.starts_with("_x_tr_") && !pair.is_empty()) {
        // Writing to a string cannot fail.
        let _ = write!(kept, "{}{pair}", if kept.is_empty() { "" } else { "&" });
    }
    kept
}

/// `cache:ID:example.com/path+words`: the page of a cache.
fn cached(value: &str) -> Option<String> {
    let rest = strip(value.trim_start(), "cache:")?;
    let page = rest.split(['+', ' ']).next().unwrap_or_default();
    let is_id = |id: &str| id.len() == 12 && !id.contains('.');
    Some(page.split_once(':').filter(|(id, _)| is_id(id)).map_or(page, |(_, page)| page).to_owned())
}

/// What begins with a scheme, wherever in a path that is.
fn embedded(path: &str) -> Option<&str> {
    let lower = path.to_ascii_lowercase();
    let at = ["http:/", "https:/"].iter().filter_map(|scheme| lower.find(scheme)).min()?;
    path.get(at..)
}

/// The page in an archive's path: behind a time (`20240131120000id_`, `*`), or what is no word of the archive's own.
fn archived(path: &str) -> Option<&str> {
    if let Some(rest) = embedded(path) {
        return Some(rest);
    }
    let is_time = |segment: &str| segment == "*" || segment.len() >= 4 && segment.bytes().take(4).all(|byte| byte.is_ascii_digit()) && !segment.contains('.');
    // What the archive's own pages are made of.
    if path.starts_with("/_") {
        return None;
    }
    let mut rest = path;
    while let Some((segment, after)) = rest.strip_prefix('/').map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
        if !is_time(segment) && segment.contains('.') {
            return rest.strip_prefix('/');
        }
        rest = &rest[(segment.len() + 1).min(rest.len())..];
        if after.is_empty() {
            break;
        }
    }
    None
}

/// The first part of a path that is a host, with all behind it.
fn first_host(rest: &str) -> Option<&str> {
    let mut from = rest;
    for _ in 0..6 {
        let segment = from.split(['/', '?']).next().unwrap_or_default();
        if segment.contains('.') || segment.ends_with(':') {
            return Some(from);
        }
        from = from.split_once('/')?.1;
    }
    None
}

/// `…/https/example.com/path`: a scheme that is a part of the path by itself.
fn split(path: &str) -> Option<String> {
    let at = ["/https/", "/http/"].iter().find_map(|scheme| path.find(scheme).map(|at| at + scheme.len()))?;
    Some(format!("http://{}", &path[at..]))
}

/// What stands between two marks of a path whose escapes are undone, so that it may have slashes of its own.
fn between<'a>(path: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let lower = path.to_ascii_lowercase();
    let from = lower.find(before)? + before.len();
    let to = lower[from..].find(after).map_or(path.len(), |at| from + at);
    path.get(from..to)
}

/// Bytes written as pairs of hexadecimal digits.
fn hex(text: &str) -> Option<String> {
    // `http` in hexadecimal.
    strip(text, "68747470").filter(|_| text.len().is_multiple_of(2))?;
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = text.as_bytes().chunks(2).map(byte).collect::<Option<Vec<_>>>()?;
    String::from_utf8(bytes).ok()
}

/// Base 64 as addresses hold it, with or without its `=` at the end.
const BASE_64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

fn in_base_64(text: &str) -> Option<String> {
    let text: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| {
            if c == '+' || c == ' ' {
                '-'
            } else if c == '/' {
                '_'
            } else {
                c
            }
        })
        .collect();
    String::from_utf8(BASE_64.decode(text).ok()?).ok()
}

/// Base 64 of an address that is cut into parts of a path.
fn path_in_base_64(path: &str) -> Option<String> {
    // `http` in base 64, whatever follows.
    let at = path.find("/aHR0c")? + 1;
    let joined: String = path[at..].split(['.', '@']).next().unwrap_or_default().chars().filter(|c| *c != '/').collect();
    in_base_64(&joined)
}

/// `https-3A__example.com_path`: `-XX` for a byte, `_` for a slash.
fn defence_2(value: &str) -> String {
    unescape(&value.replace('-', "%").replace('_', "/")).into_owned()
}

/// `/v3/__https://example.com/path__;marks!…`: what stands between the first two double marks that belong together.
fn defence_3(path: &str) -> Option<&str> {
    let rest = path.split_once("__")?.1;
    Some(rest.rsplit_once("__;").map_or(rest, |(page, _)| page))
}

#[cfg(test)]
mod tests;
