//! What the head of a request says, and the head of its answer: all detectors of heads, asked at once.
//!
//! Every request comes here, and of nearly all there is nothing to find. So each field is looked at once, what takes longer is asked only where a few letters
//! fit, and nothing is kept in memory.
//!
//! | of | is asked |
//! | --- | --- |
//! | every field | [`bare`], and by the types in it [`doh`] |
//! | the address | [`forms`], [`paths`], [`doh`]; of what a person goes to, and of workers, [`encoded`] |
//! | a WebSocket, or WebAssembly | [`hosting`]; of a WebSocket's address [`wsproxy`] |
//! | what a tab shows | [`cloak`] |

use super::bare::Hints;
use super::forms::Form;
use super::paths::For;
use super::{Code, Finding, bare, cloak, doh, encoded, forms, hosting, paths, wsproxy};
use crate::category::{CategorySet, Taxonomy};
use crate::host::Host;
use crate::insight::navigation::{Fields, Looks, looks};
use crate::insight::republished::{Shown, shown};
use crate::url::Url;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERER, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use smallvec::SmallVec;

/// What was found in one head.
pub type Findings = SmallVec<[Finding; 1]>;

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is asked for.
    pub url: &'a Url,
    /// Path and query as received.
    pub path: &'a str,
    /// How.
    pub method: &'a str,
    /// The fields, as received.
    pub fields: &'a HeaderMap,
    /// What the lists say of it.
    pub categories: CategorySet,
    /// The categories.
    pub taxonomy: &'a Taxonomy,
}

impl Request<'_> {
    /// What is found in it.
    #[must_use]
    pub fn findings(&self) -> Findings {
        let mut found = Findings::new();
        let Seen { is_bare, hints, doh, upgrades, .. } = Seen::in_fields(self.fields);
        if is_bare {
            found.extend(bare::in_fields(self.fields));
        } else if hints.are_there() {
            found.extend(bare::renamed(&self.url.host, self.fields));
        } else if upgrades {
            found.extend(self.field(SEC_WEBSOCKET_PROTOCOL.as_str()).and_then(bare::in_protocol));
        }
        if let Some(one) = doh.or_else(|| doh::in_path(self.path)) {
            found.push(one);
        }
        if let Some(one) = forms::in_path(self.path) {
            found.push(one);
        }
        if let Some(one) = paths::in_path(self.path, || self.what_for()) {
            found.push(one);
        }
        if encoded::may_hold(self.path) && self.is_gone_to() && !is_shown_openly(self.url) {
            found.extend(encoded::in_path(&self.url.host, self.path).filter(|one| !found.iter().any(|known| known.target == one.target)));
        }
        if upgrades && let Some(one) = wsproxy::by_path(self.path) {
            found.push(one);
        }
        if upgrades && hosting::is_unknown(&self.url.host, self.categories, self.taxonomy) {
            found.push(hosting::program("a WebSocket", self.url.host.as_str()));
        }
        if cloak::is_host_of_icons(self.url.host.as_str()) {
            found.extend(self.fields.get(REFERER).and_then(|value| value.to_str().ok()).and_then(|referrer| cloak::icon(self.path, referrer)));
        }
        found
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.to_str().ok()
    }

    /// Whether it is loaded to be run, or to be shown.
    fn what_for(&self) -> For {
        For::of(self.field("sec-fetch-dest"), self.path)
    }

    /// The form of the address in which this was found, to tell one from another.
    #[must_use]
    pub fn form(&self, finding: &Finding) -> Option<Form> {
        [forms::form(self.path), paths::form(self.path, || self.what_for())].into_iter().flatten().find(|form| form.of() == finding.code)
    }

    /// Whether a person goes there, be it in a frame, or a worker is loaded: what a web proxy's addresses are for. Browsers say so; what says nothing is
    /// told by how it looks.
    fn is_gone_to(&self) -> bool {
        if let Some(dest) = self.field("sec-fetch-dest") {
            return matches!(dest, "document" | "iframe" | "frame" | "embed" | "object" | "worker" | "sharedworker" | "serviceworker");
        }
        if let Some(mode) = self.field("sec-fetch-mode") {
            return mode == "navigate";
        }
        let fields = Fields { accept: self.field(ACCEPT.as_str()), agent: self.field(USER_AGENT.as_str()), ..Fields::default() };
        matches!(looks(self.method, self.path, &fields), Looks::Page | Looks::Tool)
    }
}

/// Whether it is a page that is known to show others openly, which is judged as what it shows.
#[must_use]
pub fn is_shown_openly(url: &Url) -> bool {
    !matches!(shown(url), Shown::These(others) if others.is_empty())
}

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Whose it is.
    pub host: &'a str,
    /// What the lists say of what was asked for: names of categories, with a space between two.
    pub categories: &'a str,
    /// Its fields.
    pub fields: &'a HeaderMap,
}

impl Answer<'_> {
    /// Whether it is WebAssembly by its type, of a site that no list knows: a part of a triad ([`super::triad`]), whatever its path ends with.
    #[must_use]
    pub fn is_part_of_triad(&self) -> bool {
        hosting::is_in_no_list(self.categories) && self.fields.get(CONTENT_TYPE).is_some_and(is_wasm)
    }

    /// What is found in it.
    #[must_use]
    pub fn findings(&self) -> Findings {
        let mut found = Findings::new();
        let Seen { is_bare, doh, is_wasm, .. } = Seen::in_fields(self.fields);
        if is_bare {
            found.extend(bare::in_fields(self.fields));
        }
        if let Some(one) = doh {
            found.push(one);
        }
        if is_wasm && hosting::is_unknown_by_name(self.host, self.categories) {
            found.push(hosting::program("WebAssembly", self.host));
        }
        found
    }
}

/// What one look at all fields tells.
#[derive(Default)]
struct Seen {
    is_bare: bool,
    hints: Hints,
    doh: Option<Finding>,
    upgrades: bool,
    is_wasm: bool,
}

impl Seen {
    fn in_fields(fields: &HeaderMap) -> Self {
        let mut seen = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "accept" | "content-type" => seen.look_at_type(name, value),
                "upgrade" => seen.upgrades = value.as_bytes().eq_ignore_ascii_case(b"websocket"),
                other if other.starts_with("x-bare-") => seen.is_bare |= bare::is_field(other),
                other => seen.hints.look(other, value.as_bytes()),
            }
        }
        seen
    }

    fn look_at_type(&mut self, name: &HeaderName, value: &HeaderValue) {
        if doh::may_be_type(value.as_bytes())
            && let Ok(text) = value.to_str()
        {
            self.doh = self.doh.take().or_else(|| doh::in_type(text));
        }
        self.is_wasm |= *name == CONTENT_TYPE && is_wasm(value);
    }
}

/// Whether a type is WebAssembly's.
fn is_wasm(value: &HeaderValue) -> bool {
    const WASM: &[u8] = b"application/wasm";
    value.as_bytes().get(..WASM.len()).is_some_and(|start| start.eq_ignore_ascii_case(WASM))
}

/// The site that an address of a web proxy's at this host leads to, where the address says so.
#[must_use]
pub fn leads_to(own: &Host, path: &str) -> Option<Box<str>> {
    let in_code = if encoded::may_hold(path) { encoded::in_path(own, path) } else { None };
    in_code.or_else(|| forms::in_path(path))?.target
}

/// Whether this is among what was found.
#[must_use]
pub fn has(found: &[Finding], code: Code) -> bool {
    found.iter().any(|finding| finding.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bypass::Certainty;
    use crate::category::fixture;
    use proptest::prelude::*;

    fn fields(list: &[(&str, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), value.parse::<HeaderValue>().expect("a value"))).collect()
    }

    const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36");

    /// The codes with what is meant.
    fn asked(url: &str, list: &[(&str, &str)]) -> Vec<(Code, Option<String>)> {
        let taxonomy = fixture::taxonomy(&["web-hosting"]);
        let url = Url::parse(url).expect("a URL");
        let categories = if url.host.as_str().ends_with("pages.dev") { taxonomy.iter().map(|(category, _)| category).collect() } else { CategorySet::EMPTY };
        let categories = categories.intersection(taxonomy.find("web-hosting").into_iter().collect());
        let request = Request { url: &url, path: url.received(), method: "GET", fields: &fields(list), categories, taxonomy: &taxonomy };
        request.findings().into_iter().map(|found| (found.code, found.target.map(String::from))).collect()
    }

    #[test]
    fn each_detector_is_asked_where_it_has_something_to_say() {
        let to = |target: &str| Some(target.to_owned());
        let document = ("sec-fetch-dest", "document");
        let encoded = "https://maths.example/a/aHR0cHM6Ly93d3cudGlrdG9rLmNvbS8";
        for (url, list, expected) in [
            ("https://maths.example/v3/", &[("x-bare-url", "https://a.example/")][..], vec![(Code::Bare, to("a.example"))]),
            ("https://maths.example/v1/", &[("upgrade", "websocket"), ("sec-websocket-protocol", "bare, %7b%7d")], vec![(Code::Bare, None)]),
            (
                "https://maths.example/v3/",
                &[("x-a-url", "https://a.example/"), ("x-a-headers", r#"{"accept":"*/*","user-agent":"x"}"#)],
                vec![(Code::Bare, to("a.example"))],
            ),
            ("https://maths.example/", &[("accept", "application/dns-message")], vec![(Code::Doh, None)]),
            ("https://maths.example/", &[("content-type", "Application/DNS-Message")], vec![(Code::Doh, None)]),
            ("https://maths.example/dns-query", &[], vec![(Code::Doh, None)]),
            ("https://maths.example/?__cpo=aHR0cHM6Ly93d3cudGlrdG9rLmNvbQ", &[], vec![(Code::Croxy, to("www.tiktok.com"))]),
            ("https://maths.example/uv/uv.bundle.js", &[("sec-fetch-dest", "script")], vec![(Code::KitPath, None)]),
            ("https://maths.example/uv/uv.bundle.js", &[document], vec![]),
            ("https://maths.example/uv/service/U2FsdGVkX18xMjM0NTY3ODkw", &[document], vec![(Code::KitPath, None)]),
            (encoded, &[document], vec![(Code::Encoded, to("www.tiktok.com"))]),
            (encoded, &[("sec-fetch-dest", "serviceworker")], vec![(Code::Encoded, to("www.tiktok.com"))]),
            (encoded, &[("accept", "text/html"), BROWSER], vec![(Code::Encoded, to("www.tiktok.com"))]),
            (encoded, &[("user-agent", "curl/8")], vec![(Code::Encoded, to("www.tiktok.com"))]),
            // Pictures are fetched so on ordinary sites.
            (encoded, &[("sec-fetch-dest", "image")], vec![]),
            (encoded, &[("accept", "image/*"), BROWSER], vec![]),
            ("https://web.archive.org/web/2026/https%3A%2F%2Fwww.tiktok.com%2F", &[document], vec![]),
            ("https://maths.pages.dev/chat", &[("upgrade", "WebSocket"), ("connection", "upgrade")], vec![(Code::FreeHost, None)]),
            ("https://maths.pages.dev/chat", &[("upgrade", "h2c")], vec![]),
            ("https://maths.example/chat", &[("upgrade", "websocket")], vec![]),
            ("https://maths.example/a/games.example:443", &[("upgrade", "websocket")], vec![(Code::WsProxy, to("games.example:443"))]),
            ("https://maths.example/a/games.example:443", &[], vec![]),
            ("https://ssl.gstatic.com/docs/doclist/images/drive_2022q3_32dp.png", &[("referer", "https://maths.example/")], vec![(Code::Cloak, None)]),
            ("https://ssl.gstatic.com/docs/doclist/images/drive_2022q3_32dp.png", &[("referer", "https://drive.google.com/")], vec![]),
            ("https://maths.example/", &[document, BROWSER, ("accept", "text/html,application/xhtml+xml;q=0.9")], vec![]),
        ] {
            assert_eq!(asked(url, list), expected, "{url} {list:?}");
        }
    }

    #[test]
    fn where_an_address_leads_is_said_without_its_head() {
        let own = Host::parse("maths.example").expect("a host");
        for (path, expected) in [
            ("/a/aHR0cHM6Ly93d3cudGlrdG9rLmNvbS8", Some("www.tiktok.com")),
            ("/?__cpo=aHR0cHM6Ly93d3cudGlrdG9rLmNvbQ", Some("www.tiktok.com")),
            ("/mainport", None),
            ("/a/b", None),
        ] {
            assert_eq!(leads_to(&own, path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn an_answer_is_looked_at_too() {
        let found = |host: &str, categories: &str, list: &[(&str, &str)]| {
            let answer = Answer { host, categories, fields: &fields(list) };
            answer.findings().into_iter().map(|found| (found.code, found.certainty)).collect::<Vec<_>>()
        };
        assert_eq!(found("a.example", "", &[("x-bare-status", "200")]), [(Code::Bare, Certainty::Near)]);
        assert_eq!(found("a.example", "", &[("content-type", "application/dns-message")]), [(Code::Doh, Certainty::Near)]);
        let wasm = ("content-type", "application/wasm");
        assert_eq!(found("a.pages.dev", "web-hosting", &[wasm]), [(Code::FreeHost, Certainty::Scores(4))]);
        for (host, categories) in [("a.pages.dev", "web-hosting education"), ("a.example", ""), ("pages.dev", "web-hosting")] {
            assert_eq!(found(host, categories, &[wasm]), []);
        }
        assert_eq!(found("a.example", "", &[("content-type", "text/html; charset=utf-8")]), []);
        for (categories, list, expected) in [
            ("", ("content-type", "Application/Wasm; x=1"), true),
            ("web-hosting", wasm, true),
            ("games", wasm, false),
            ("", ("content-type", "text/html"), false),
            ("", ("x-type", "application/wasm"), false),
        ] {
            let answer = Answer { host: "a.example", categories, fields: &fields(&[list]) };
            assert_eq!(answer.is_part_of_triad(), expected, "{categories} {list:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(path in "/\\PC{0,200}", value in "[ -~]{0,80}", name in prop::sample::select(vec!["accept", "x-bare-url", "x-bare-host", "referer"])) {
            let taxonomy = fixture::taxonomy(&["web-hosting"]);
            let url = Url::parse("https://ssl.gstatic.com/").expect("a URL");
            let fields = fields(&[(name, value.trim())]);
            let _ = Request { url: &url, path: &path, method: "GET", fields: &fields, categories: CategorySet::EMPTY, taxonomy: &taxonomy }.findings();
        }
    }
}
