//! SafeSearch: how each search engine is made to keep from its answers what is not for children. Pure.
//!
//! There are two ways. Where a request is seen, what the engine documents is put into it: a parameter, a field or a cookie, in place of whatever the
//! client said. Where only a host's name is seen, Usher still looks up its addresses itself: the connection is led to the addresses of the name the
//! engine keeps for this, and the engine filters for whoever comes there. The name in TLS, the certificate and `Host` stay what they are. Where a
//! request is seen and looked up here, both are done.
//!
//! What can be bound in neither way is refused ([`Unsafe`]), unless a rule of the school allows it. Engines that never can be are in the
//! category `search-unsafe`.
//!
//! # Where to add
//!
//! An engine is one row of `ENGINES`, with its source, and one row of the test. The first row that fits a host counts.

use crate::host::Host;
use crate::insight::site::Site;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

/// How much search engines are to keep back. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// What they keep back is theirs and the person's to say.
    Off,
    /// The milder of an engine's two settings. An engine that offers but one for whole networks is as with [`Level::Strict`].
    Moderate,
    /// All they can.
    #[default]
    Strict,
}

impl Level {
    /// The levels by the name they have in `policy.toml`.
    pub const NAMES: [(&str, Self); 3] = [("strict", Self::Strict), ("moderate", Self::Moderate), ("off", Self::Off)];

    /// As in `policy.toml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Moderate => "moderate",
            Self::Strict => "strict",
        }
    }
}

/// Which endings a site has.
#[derive(Debug)]
enum Ends {
    /// `com`, those of countries, and these.
    National(&'static [&'static str]),
    /// These.
    In(&'static [&'static str]),
}

/// What stands before a site's name.
#[derive(Debug)]
enum Below {
    /// Anything or nothing.
    Any,
    /// One of these; nothing is `""`.
    In(&'static [&'static str]),
    /// This, by itself or after more: `search`, `uk.search`.
    Under(&'static str),
}

/// How a connection is led whose requests are not seen.
#[derive(Clone, Copy, Debug)]
enum Led {
    /// To the addresses of another name.
    To { strict: &'static str, moderate: &'static str },
    /// As ever: what it finds comes from a host that is bound.
    Straight,
    /// It cannot be bound.
    Nowhere,
}

/// What is put into a request that is seen.
#[derive(Clone, Copy, Debug)]
enum Bound {
    /// These parameters, on the paths of the row.
    Query(&'static [(&'static str, &'static str)]),
    /// This field, its name in lower case.
    Field { name: &'static str, strict: &'static str, moderate: &'static str },
    /// This cookie.
    Cookie(&'static str, &'static str),
    /// Nothing: only the way it is led binds.
    Nothing,
}

/// One engine at some hosts.
#[derive(Debug)]
struct Engine {
    label: &'static str,
    /// The site's own name, without what stands before it and without its ending.
    site: &'static str,
    ends: Ends,
    below: Below,
    led: Led,
    bound: Bound,
    /// The paths where it is asked, each with all below it, in the one spelling; all if there is none.
    paths: &'static [&'static str],
    /// What in a search undoes the parameter.
    undone_by: Option<&'static str>,
}

const fn to(name: &'static str) -> Led {
    Led::To { strict: name, moderate: name }
}

const GOOGLE: Led = to("forcesafesearch.google.com");
const GOOGLE_SAYS: Bound = Bound::Query(&[("safe", "active"), ("ssui", "on")]);
#[rustfmt::skip]
const GOOGLE_PATHS: &[&str] = &[
    "", "/search", "/images", "/imghp", "/imgres", "/webhp", "/videohp", "/cse", "/custom", "/async", "/complete", "/m", "/s",
];
const YOUTUBE: Led = Led::To { strict: "restrict.youtube.com", moderate: "restrictmoderate.youtube.com" };
const YOUTUBE_SAYS: Bound = Bound::Field { name: "youtube-restrict", strict: "Strict", moderate: "Moderate" };
const BING_SAYS: Bound = Bound::Query(&[("adlt", "strict")]);
#[rustfmt::skip]
const BING_PATHS: &[&str] = &["", "/search", "/images", "/videos", "/news", "/shop", "/as", "/osjson.aspx", "/chat", "/copilotsearch"];
const DUCKDUCKGO_SAYS: Bound = Bound::Query(&[("kp", "1")]);

/// The endings of Google's sites that are neither `com` nor a country's: of www.google.com/supported_domains.
const CATALAN: &[&str] = &["cat"];

impl Engine {
    const fn new(label: &'static str, site: &'static str, ends: Ends, below: Below, led: Led, bound: Bound) -> Self {
        Self { label, site, ends, below, led, bound, paths: &[], undone_by: None }
    }

    const fn on(self, paths: &'static [&'static str]) -> Self {
        Self { paths, ..self }
    }

    const fn undone_by(self, word: &'static str) -> Self {
        Self { undone_by: Some(word), ..self }
    }
}

/// The engines. What is not documented by the engine itself is said to be so.
#[rustfmt::skip]
static ENGINES: &[Engine] = &[
    // support.google.com/websearch/answer/186669: lead www.google.com and the national sites to forcesafesearch.google.com. The other fronts of the
    // same search are led there too (seen in public filters, not documented). Chromium forces it by these two parameters (safe_search_util).
    Engine::new("Google", "google", Ends::National(CATALAN), Below::In(&["", "www", "images", "ipv4", "ipv6", "encrypted"]), GOOGLE, GOOGLE_SAYS)
        .on(GOOGLE_PATHS),
    Engine::new("Google", "google", Ends::National(CATALAN), Below::Any, Led::Straight, GOOGLE_SAYS).on(GOOGLE_PATHS),
    // support.google.com/a/answer/6214622: these hosts, led to one name or the other, or given this field.
    Engine::new("YouTube", "youtube", Ends::In(&["com"]), Below::In(&["", "www", "m"]), YOUTUBE, YOUTUBE_SAYS),
    Engine::new("YouTube", "youtube", Ends::In(&["com"]), Below::Any, Led::Straight, YOUTUBE_SAYS),
    Engine::new("YouTube", "googleapis", Ends::In(&["com"]), Below::In(&["youtubei", "youtube"]), YOUTUBE, YOUTUBE_SAYS),
    Engine::new("YouTube", "youtube-nocookie", Ends::In(&["com"]), Below::In(&["", "www"]), YOUTUBE, YOUTUBE_SAYS),
    // Microsoft's "Block adult content with SafeSearch": lead www.bing.com to strict.bing.com. The other fronts are led there too (not documented).
    // adlt=strict: blogs.technet.microsoft.com/hied_west_blog/2009/06/05/bing-content-filtering.
    Engine::new("Bing", "bing", Ends::In(&["com"]), Below::In(&["", "www", "cn", "global", "m", "edgeservices"]), to("strict.bing.com"), BING_SAYS)
        .on(BING_PATHS),
    Engine::new("Bing", "bing", Ends::In(&["com"]), Below::Any, Led::Straight, BING_SAYS).on(BING_PATHS),
    // duck.co/help/features/safe-search: kp=1 on all pages; safe.duckduckgo.com; `!safeoff` in a search undoes the parameter.
    Engine::new(
        "DuckDuckGo", "duckduckgo", Ends::In(&["com"]), Below::In(&["", "www", "start", "html", "lite", "noai"]), to("safe.duckduckgo.com"), DUCKDUCKGO_SAYS,
    ).undone_by("!safeoff"),
    Engine::new("DuckDuckGo", "duckduckgo", Ends::In(&["com"]), Below::In(&["links"]), Led::Straight, DUCKDUCKGO_SAYS).undone_by("!safeoff"),
    // github.com/nextdns/metadata/pull/1021: a developer of Brave names safesearch.brave.com as made to force it. The cookie is the one its settings keep.
    Engine::new("Brave Search", "brave", Ends::In(&["com"]), Below::In(&["search"]), to("safesearch.brave.com"), Bound::Cookie("safesearch", "strict")),
    // ecosia.helpscoutdocs.com/article/174: forced for networks by DNS; the name is the one public filters use. No parameter is documented.
    Engine::new("Ecosia", "ecosia", Ends::In(&["org"]), Below::In(&["", "www"]), to("strict-safe-search.ecosia.org"), Bound::Nothing),
    // What Qwant finds comes from its API; safeapi.qwant.com is the name NextDNS and AdGuard lead it to. s=2: github.com/searxng/searxng/issues/1640.
    Engine::new("Qwant", "qwant", Ends::In(&["com"]), Below::In(&["api"]), to("safeapi.qwant.com"), Bound::Query(&[("safesearch", "2"), ("s", "2")])),
    Engine::new("Qwant", "qwant", Ends::In(&["com"]), Below::In(&["", "www"]), Led::Straight, Bound::Query(&[("s", "2")])),
    Engine::new("Qwant", "qwant", Ends::In(&["com"]), Below::In(&["lite"]), Led::Nowhere, Bound::Query(&[("s", "2")])),
    // campus.barracuda.com, "How to enforce SafeSearch": vm=r. Yahoo keeps no name for it.
    Engine::new("Yahoo", "yahoo", Ends::National(&[]), Below::Under("search"), Led::Nowhere, Bound::Query(&[("vm", "r")])),
    // Names that public filters (AdGuard, OpenWrt) lead these to. No parameter is documented.
    Engine::new("Pixabay", "pixabay", Ends::In(&["com"]), Below::In(&["", "www"]), to("safesearch.pixabay.com"), Bound::Nothing),
    Engine::new("Yandex", "yandex", Ends::National(&[]), Below::In(&["", "www"]), to("familysearch.yandex.ru"), Bound::Nothing),
    Engine::new("Yandex", "ya", Ends::In(&["ru"]), Below::In(&["", "www"]), to("familysearch.yandex.ru"), Bound::Nothing),
];

/// The first letters of the sites' names: what turns most hosts away.
const FIRST: u32 = {
    let (mut letters, mut at) = (0, 0);
    while at < ENGINES.len() {
        letters |= 1 << (ENGINES[at].site.as_bytes()[0] - b'a');
        at += 1;
    }
    letters
};

impl Engine {
    fn stands_at(&self, site: &Site<'_>) -> bool {
        if self.site != site.name {
            return false;
        }
        let ends = match self.ends {
            Ends::National(more) => site.is_national() || more.contains(&site.ending),
            Ends::In(endings) => endings.contains(&site.ending),
        };
        let below = match self.below {
            Below::Any => true,
            Below::In(these) => these.contains(&site.below),
            Below::Under(last) => site.below.strip_suffix(last).is_some_and(|before| before.is_empty() || before.ends_with('.')),
        };
        ends && below
    }

    /// Whether it is asked at this path, in the one spelling and without a query.
    fn is_asked_at(&self, path: &str) -> bool {
        // What follows these in a path is a parameter to some servers and nothing to others.
        let path = path.split([';', '&']).next().unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        let below = |wanted: &str| path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') && !wanted.is_empty());
        self.paths.is_empty() || self.paths.iter().any(|wanted| below(wanted))
    }
}

/// An engine to be made safe.
#[derive(Clone, Copy, Debug)]
pub struct Safe {
    engine: &'static Engine,
    level: Level,
}

/// Where a name is looked up whose addresses a connection goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// Here.
    #[default]
    Usher,
    /// At the parent proxy. A tunnel can be asked of it by another name; a request goes to the name it is for.
    Parent,
}

/// Why an engine cannot be made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsafe {
    /// The engine.
    pub engine: &'static str,
    /// What is in the way.
    pub why: Obstacle,
}

/// What is in the way of making an engine safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its https is not looked into, and it keeps no name to be led to.
    Sealed,
    /// It is asked with words in a body, which a parameter in the address may not bind.
    Body,
    /// The search itself says that nothing is to be kept back.
    Undone,
    /// It can only be led to another name, which the parent proxy does not do.
    Parent,
    /// It is another site that asks it, and shows what it answers.
    Shown,
}

impl Unsafe {
    /// In a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { engine, why } = self;
        match why {
            Obstacle::Sealed => format!("SafeSearch cannot be made to hold at {engine} while its https is not looked into, so it is blocked."),
            Obstacle::Body => format!("SafeSearch cannot be made to hold for a search that is sent to {engine} as a form, so it is blocked."),
            Obstacle::Undone => format!("The search asks {engine} to leave SafeSearch out, so it is blocked."),
            Obstacle::Shown => format!("SafeSearch cannot be made to hold for {engine} where another site shows it, so it is blocked."),
            Obstacle::Parent => format!("SafeSearch cannot be made to hold at {engine} through the parent proxy, so it is blocked."),
        }
    }
}

impl Safe {
    /// The engine at a host, to be made safe to this level. For a host whose site begins with no engine's letter that is told at once.
    #[must_use]
    pub fn at(host: &Host, level: Level) -> Option<Self> {
        if level == Level::Off {
            return None;
        }
        let site = Site::of(host.as_str());
        let first = site.name.bytes().next().map_or(u8::MAX, |byte| byte.wrapping_sub(b'a'));
        if first >= 26 || FIRST >> first & 1 == 0 {
            return None;
        }
        ENGINES.iter().find(|engine| engine.stands_at(&site)).map(|engine| Self { engine, level })
    }

    /// The engine's name.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        self.engine.label
    }

    /// The name whose addresses its connections are led to.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        match (self.engine.led, self.level) {
            (Led::To { strict, .. }, Level::Strict) => Some(strict),
            (Led::To { moderate, .. }, Level::Moderate | Level::Off) => Some(moderate),
            (Led::Straight | Led::Nowhere, _) => None,
        }
    }

    /// Why it cannot be made safe in a tunnel that stays sealed, if it cannot.
    #[must_use]
    pub fn sealed(&self) -> Option<Unsafe> {
        matches!(self.engine.led, Led::Nowhere).then_some(Unsafe { engine: self.engine.label, why: Obstacle::Sealed })
    }

    /// Why a page of `text`, a URL in its one spelling, cannot be made safe where another site shows it: who asks the engine is that site.
    #[must_use]
    pub fn shown(&self, text: &str) -> Option<Unsafe> {
        let is_asked = match self.engine.bound {
            Bound::Query(_) => self.engine.is_asked_at(path_of(text)),
            Bound::Nothing | Bound::Field { .. } | Bound::Cookie(..) => text.contains('?'),
        };
        is_asked.then_some(Unsafe { engine: self.engine.label, why: Obstacle::Shown })
    }

    /// Why it cannot be made safe where another site shows it, whose tunnel stays sealed.
    #[must_use]
    pub fn shown_sealed(&self) -> Unsafe {
        Unsafe { engine: self.engine.label, why: Obstacle::Shown }
    }

    /// Why a request for `text`, a URL in its one spelling, cannot be made safe, if it cannot.
    #[must_use]
    pub fn seen(&self, method: &str, text: &str, resolver: Resolver) -> Option<Unsafe> {
        let because = |why| Some(Unsafe { engine: self.engine.label, why });
        let led = resolver == Resolver::Usher && self.name().is_some();
        if let Some(word) = self.engine.undone_by
            && text.contains(word)
        {
            return because(Obstacle::Undone);
        }
        match self.engine.bound {
            _ if led => None,
            Bound::Query(_) if !matches!(method, "GET" | "HEAD" | "OPTIONS") && self.engine.is_asked_at(path_of(text)) => because(Obstacle::Body),
            Bound::Nothing => because(Obstacle::Parent),
            Bound::Query(_) | Bound::Field { .. } | Bound::Cookie(..) => None,
        }
    }

    /// Puts into a request what binds the engine. `text` is its URL in the one spelling, `path` its path and query as they were asked for; what is
    /// returned is what they are sent as.
    pub fn apply<'p>(&self, text: &str, path: &'p str, fields: &mut HeaderMap) -> Cow<'p, str> {
        match self.engine.bound {
            Bound::Query(wanted) if path.starts_with('/') && self.engine.is_asked_at(path_of(text)) => return Cow::Owned(with_parameters(path, wanted)),
            Bound::Query(_) | Bound::Nothing => {}
            Bound::Field { name, strict, moderate } => {
                let value = if self.level == Level::Strict { strict } else { moderate };
                fields.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            Bound::Cookie(name, value) => with_cookie(fields, name, value),
        }
        Cow::Borrowed(path)
    }

    /// What is done to a request that is seen, in words; nothing if it is nothing.
    #[must_use]
    pub fn said(&self, text: &str) -> Option<String> {
        match self.engine.bound {
            Bound::Query(wanted) if self.engine.is_asked_at(path_of(text)) => {
                let pairs: Vec<_> = wanted.iter().map(|(name, value)| format!("{name}={value}")).collect();
                Some(format!("{} is put into the address", pairs.join("&")))
            }
            Bound::Query(_) | Bound::Nothing => None,
            Bound::Field { name, strict, moderate } => {
                Some(format!("the field {name}: {} is set", if self.level == Level::Strict { strict } else { moderate }))
            }
            Bound::Cookie(name, value) => Some(format!("the cookie {name}={value} is set")),
        }
    }
}

/// The path of a URL in its one spelling.
fn path_of(text: &str) -> &str {
    let text = text.split('?').next().unwrap_or_default();
    text.find('/').map_or("", |slash| &text[slash..])
}

/// A path and query in which these parameters stand once, with these values, however often and however spelt they stood there before.
fn with_parameters(path: &str, wanted: &[(&str, &str)]) -> String {
    let (before, query) = path.split_once('?').unwrap_or((path, ""));
    let mut text = String::with_capacity(path.len() + 24);
    text.push_str(before);
    let start = text.len();
    let join = |text: &mut String, with: char, piece: &str| {
        text.push(if text.len() == start { '?' } else { with });
        text.push_str(piece);
    };
    // Some servers part by `;` too: a parameter hidden behind one is taken out, and what else stands there stays.
    let (mut rest, mut separator) = (query, '&');
    loop {
        let end = rest.find(['&', ';']).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        if !piece.is_empty() && !wanted.iter().any(|(name, _)| is_named(piece, name)) {
            join(&mut text, separator, piece);
        }
        let Some(next) = after.chars().next() else { break };
        (rest, separator) = (&after[1..], next);
    }
    for (name, value) in wanted {
        join(&mut text, '&', &format!("{name}={value}"));
    }
    text
}

/// Whether a piece of a query is the parameter of this name in any spelling a server may take for it.
fn is_named(piece: &str, name: &str) -> bool {
    let written = piece.split(['=', '[']).next().unwrap_or_default();
    if !written.contains(['%', '+']) {
        return written.eq_ignore_ascii_case(name);
    }
    let mut spelt = crate::url::spelling(written);
    if let Some(bracket) = spelt.find(['[', '=']) {
        spelt.truncate(bracket);
    }
    without_blanks(&spelt) == name
}

/// A name in the one spelling without the blanks and control characters at its ends, which stay encoded there.
fn without_blanks(spelt: &str) -> &str {
    let is_blank = |code: &str| matches!(code.as_bytes(), [b'%', b'0' | b'1', _] | b"%20" | b"%7f");
    let mut bare = spelt.trim_matches('+');
    while let Some(less) = bare.get(..3).filter(|code| is_blank(code)).and(bare.get(3..)) {
        bare = less.trim_start_matches('+');
    }
    while let Some(at) = bare.len().checked_sub(3).filter(|at| bare.get(*at..).is_some_and(is_blank)) {
        bare = bare[..at].trim_end_matches('+');
    }
    bare
}

/// Makes a cookie stand once, with this value.
fn with_cookie(fields: &mut HeaderMap, name: &str, value: &str) {
    let mut kept = Vec::new();
    for field in fields.get_all(COOKIE) {
        for pair in field.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            let key = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            if !pair.is_empty() && !key.eq_ignore_ascii_case(name.as_bytes()) {
                kept.extend([pair, b"; "].concat());
            }
        }
    }
    kept.extend(format!("{name}={value}").into_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&kept) {
        fields.insert(COOKIE, value);
    }
}

#[cfg(test)]
mod tests;
