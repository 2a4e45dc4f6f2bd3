//! What one request says of itself, by its method, path and head: going to a page, or fetching part of one. Pure, and without memory.
//!
//! # Where the browser says
//!
//! By Fetch Metadata (`Sec-Fetch-*`, W3C), which browsers send with every request over https, and which pages cannot set:
//!
//! | it says | it is |
//! | --- | --- |
//! | prefetch or prerender (`Sec-Purpose`, `Purpose`) | part of a page |
//! | navigate, into a frame, an object or an embed | part of a page |
//! | navigate, from nowhere (`Sec-Fetch-Site: none`) | a visit, typed (or a bookmark) |
//! | navigate, from a page, somebody clicked (`Sec-Fetch-User: ?1`) | a visit, clicked |
//! | navigate, from a page, nobody clicked | a visit, loaded: a redirect or a script |
//! | anything else | part of a page |
//!
//! A program that is no browser may say so too, and is believed.
//!
//! # Where it does not
//!
//! [`looks`] says what `Accept`, the path's ending and so on suggest; [`super::trail`] weighs that against time and place.

use super::{Kind, Start};

/// What a request's head says that matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    /// `Sec-Fetch-Mode`.
    pub mode: Option<&'a str>,
    /// `Sec-Fetch-Dest`.
    pub dest: Option<&'a str>,
    /// `Sec-Fetch-User`.
    pub user: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a str>,
    /// `Sec-Purpose`, else `Purpose` or `X-Moz`.
    pub purpose: Option<&'a str>,
    /// `Accept`.
    pub accept: Option<&'a str>,
    /// `User-Agent`.
    pub agent: Option<&'a str>,
    /// `X-Requested-With`.
    pub requested_with: Option<&'a str>,
    /// Where it comes from.
    pub referrer: Option<Place<'a>>,
}

/// A page's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The host in its one spelling.
    pub host: &'a str,
    /// The whole address in one spelling, without its scheme; only the host and a slash where the browser says no more.
    pub url: &'a str,
}

/// What a browser said of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// A visit or part of a page.
    pub kind: Kind,
    /// What set it off.
    pub start: Start,
}

/// What the browser says, if it is one that does.
#[must_use]
pub fn said(fields: &Fields<'_>) -> Option<Said> {
    let loaded = Said { kind: Kind::Resource, start: Start::Loaded };
    if fields.mode.is_none() && fields.dest.is_none() {
        return None;
    }
    if fields.purpose.is_some_and(is_ahead) || !goes_to_page(fields) {
        return Some(loaded);
    }
    let start = match (fields.site, fields.user, fields.referrer) {
        (Some("none"), _, _) | (None, _, None) => Start::Typed,
        (_, Some("?1"), _) => Start::Clicked,
        (Some(_), _, _) | (None, _, Some(_)) => Start::Loaded,
    };
    Some(Said { kind: Kind::Visit, start })
}

fn goes_to_page(fields: &Fields<'_>) -> bool {
    match (fields.mode, fields.dest) {
        (Some("navigate"), Some("document") | None) => true,
        (None, Some("document")) => true,
        (Some(_) | None, Some(_) | None) => false,
    }
}

/// Fetched in case somebody goes there.
fn is_ahead(purpose: &str) -> bool {
    ["prefetch", "prerender", "preview"].iter().any(|word| purpose.contains(word))
}

/// What a request that does not say looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A page being gone to: a browser asks for `text/html` before all else.
    Page,
    /// Part of a page.
    Part,
    /// A program's own: no browser asks so.
    Program,
    /// A person's, with a program for that: `curl`, `wget`.
    Tool,
    /// Nothing tells.
    Unclear,
}

/// Programs with which people fetch single pages by hand.
const TOOLS: [&str; 6] = ["curl/", "wget/", "httpie/", "lynx/", "w3m/", "links ("];

/// What a request that does not say looks like.
#[must_use]
pub fn looks(method: &str, path_and_query: &str, fields: &Fields<'_>) -> Looks {
    let accept = fields.accept.unwrap_or("").trim_start();
    if fields.purpose.is_some_and(is_ahead) || fields.requested_with.is_some_and(|with| with.eq_ignore_ascii_case("XMLHttpRequest")) {
        return Looks::Part;
    }
    let reads = matches!(method, "GET" | "POST" | "HEAD");
    if reads && (accept.starts_with("text/html") || accept.starts_with("application/xhtml+xml")) {
        return Looks::Page;
    }
    match fields.agent.map(agent_of) {
        Some(Agent::Tool) if reads => Looks::Tool,
        Some(Agent::Tool | Agent::Program) => Looks::Program,
        Some(Agent::Browser) if !reads || is_part(path_and_query) || asks_for_part(accept) || fields.referrer.is_some() => Looks::Part,
        Some(Agent::Browser) => Looks::Unclear,
        None if is_part(path_and_query) || asks_for_part(accept) => Looks::Part,
        None => Looks::Unclear,
    }
}

enum Agent {
    Browser,
    Tool,
    Program,
}

fn agent_of(agent: &str) -> Agent {
    let begins = |name: &&str| agent.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    if TOOLS.iter().any(begins) {
        Agent::Tool
    } else if agent.starts_with("Mozilla/") || agent.starts_with("Opera/") {
        Agent::Browser
    } else {
        Agent::Program
    }
}

/// What a browser accepts when it fetches something else than a page.
fn asks_for_part(accept: &str) -> bool {
    ["image/", "text/css", "audio/", "video/", "font/", "application/json", "application/font", "text/event-stream"].iter().any(|kind| accept.starts_with(kind))
}

/// Whether what is part of a page has this ending, in lower case.
fn is_part_ending(ending: &str) -> bool {
    matches!(
        ending,
        "js" | "mjs" | "css" | "map" | "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "svg" | "ico" | "bmp" | "woff" | "woff2" | "ttf" | "otf" | "eot"
    ) || matches!(ending, "json" | "xml" | "wasm" | "mp4" | "m4s" | "m4a" | "webm" | "mp3" | "ogg" | "aac" | "ts" | "m3u8" | "mpd" | "vtt" | "srt")
        || matches!(ending, "crl" | "crt" | "cer" | "cab" | "rss" | "atom" | "webmanifest")
}

/// Whether the path ends as parts of pages do.
fn is_part(path_and_query: &str) -> bool {
    let path = path_and_query.split(['?', ';']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    last.rsplit_once('.').is_some_and(|(_, ending)| ending.len() <= 11 && is_part_ending(&ending.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<'a>(mode: &'a str, dest: &'a str, user: &'a str, site: &'a str, referrer: &'a str) -> Fields<'a> {
        let given = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        let referrer = given(referrer).map(|host| Place { host, url: host });
        Fields { mode: given(mode), dest: given(dest), user: given(user), site: given(site), referrer, ..Fields::default() }
    }

    #[test]
    fn what_the_browser_says_is_believed() {
        for (mode, dest, user, site, referrer, expected) in [
            ("navigate", "document", "?1", "none", "", Some((Kind::Visit, Start::Typed))),
            ("navigate", "document", "", "none", "", Some((Kind::Visit, Start::Typed))),
            ("navigate", "document", "?1", "", "", Some((Kind::Visit, Start::Typed))),
            ("navigate", "document", "?1", "cross-site", "a.example", Some((Kind::Visit, Start::Clicked))),
            ("navigate", "document", "?1", "same-origin", "", Some((Kind::Visit, Start::Clicked))),
            ("navigate", "document", "", "cross-site", "a.example", Some((Kind::Visit, Start::Loaded))),
            ("navigate", "", "?1", "none", "", Some((Kind::Visit, Start::Typed))),
            ("navigate", "iframe", "", "cross-site", "a.example", Some((Kind::Resource, Start::Loaded))),
            ("navigate", "iframe", "?1", "same-origin", "a.example", Some((Kind::Resource, Start::Loaded))),
            ("navigate", "frame", "", "", "", Some((Kind::Resource, Start::Loaded))),
            ("navigate", "object", "", "", "", Some((Kind::Resource, Start::Loaded))),
            ("navigate", "embed", "", "", "", Some((Kind::Resource, Start::Loaded))),
            ("no-cors", "image", "", "cross-site", "a.example", Some((Kind::Resource, Start::Loaded))),
            ("cors", "empty", "", "same-site", "a.example", Some((Kind::Resource, Start::Loaded))),
            ("no-cors", "empty", "", "none", "", Some((Kind::Resource, Start::Loaded))),
            ("websocket", "websocket", "", "same-origin", "", Some((Kind::Resource, Start::Loaded))),
            ("rubbish", "", "", "", "", Some((Kind::Resource, Start::Loaded))),
            ("", "", "?1", "none", "", None),
        ] {
            let fields = fields(mode, dest, user, site, referrer);
            assert_eq!(said(&fields).map(|said| (said.kind, said.start)), expected, "{fields:?}");
            for ahead in ["prefetch", "prefetch;prerender", "prerender"] {
                let ahead = said(&Fields { purpose: Some(ahead), ..fields });
                assert_eq!(ahead.map(|said| said.kind), expected.map(|_| Kind::Resource), "fetched ahead: {fields:?}");
            }
        }
    }

    #[test]
    fn what_nobody_says_is_seen_by_its_looks() {
        const OLD: &str = "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko";
        for (method, path, accept, agent, referrer, expected) in [
            ("GET", "/", "text/html, application/xhtml+xml, */*", OLD, "", Looks::Page),
            ("POST", "/form", "text/html", OLD, "a.example", Looks::Page),
            ("GET", "/cat.jpg", "text/html,application/xhtml+xml", OLD, "", Looks::Page),
            ("GET", "/cat.jpg", "image/png, image/svg+xml, */*;q=0.5", OLD, "a.example", Looks::Part),
            ("GET", "/app.js?v=7", "*/*", OLD, "", Looks::Part),
            ("GET", "/page", "*/*", OLD, "a.example", Looks::Part),
            ("GET", "/page", "*/*", OLD, "", Looks::Unclear),
            ("PUT", "/page", "*/*", OLD, "", Looks::Part),
            ("GET", "/", "*/*", "curl/8.5.0", "", Looks::Tool),
            ("GET", "/", "*/*", "Wget/1.21", "", Looks::Tool),
            ("GET", "/", "*/*", "Microsoft-CryptoAPI/10.0", "", Looks::Program),
            ("GET", "/v1/poll", "application/json", "okhttp/4.9", "", Looks::Program),
            ("GET", "/", "", "", "", Looks::Unclear),
            ("GET", "/x.png", "", "", "", Looks::Part),
        ] {
            let given = |text| Some(text).filter(|text: &&str| !text.is_empty());
            let place = given(referrer).map(|host| Place { host, url: host });
            let fields = Fields { accept: given(accept), agent: given(agent), referrer: place, ..Fields::default() };
            assert_eq!(looks(method, path, &fields), expected, "{method} {path} {accept} {agent}");
        }
        let scripted = Fields { accept: Some("text/html"), requested_with: Some("XMLHttpRequest"), ..Fields::default() };
        assert_eq!(looks("GET", "/", &scripted), Looks::Part);
    }
}
