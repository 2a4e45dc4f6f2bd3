//! One spelling of a URL, for matching.
//!
//! What is sent to an origin is never changed; what is *matched* is this spelling: lower case, percent-encoding undone once,
//! dot segments and doubled slashes gone, no user information, port or fragment. List entries pass through the same code, so an
//! entry and a request that mean the same page are the same text. Pure: no I/O.

use crate::host::{Host, HostError};
use std::fmt;

/// The longest text that is matched, in bytes. Heads are capped well below it; list entries are cut to it.
const MAX_TEXT: usize = 128 * 1024;

/// How a request is made towards the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP: the whole URL is seen.
    Http,
    /// Inside TLS: only host and port are seen.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port a URL means when it names none (RFC 9110 section 4.2).
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A URL in its one spelling. Two are equal if they are matched alike.
#[derive(Clone)]
pub struct Url {
    /// How it is asked for.
    pub scheme: Scheme,
    /// The parsed host.
    pub host: Host,
    /// The port, always known.
    pub port: u16,
    /// The one spelling; behind it the path as received, where that is another.
    text: String,
    /// Where the one spelling ends.
    matched: usize,
}

impl PartialEq for Url {
    fn eq(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port, self.text()) == (other.scheme, &other.host, other.port, other.text())
    }
}

impl Eq for Url {}

/// Why a text is no URL Usher can judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The part before `://` is neither `http` nor `https`.
    #[error("only http:// and https:// URLs can be judged")]
    Scheme,
    /// The host is no host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
}

impl Url {
    /// Reads a URL a person typed: the scheme may be missing (then `http`), and so may the path.
    pub fn parse(raw: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = match raw.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            Some((scheme, _)) if !scheme.contains(['/', '?', '.']) => return Err(UrlError::Scheme),
            _ => (Scheme::Http, raw),
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = split_port(authority)?;
        Ok(Self::new(scheme, Host::parse(host)?, port.unwrap_or(scheme.default_port()), path))
    }

    /// The URL of a request whose parts are known; `path` is what follows the authority, with query, as received.
    #[must_use]
    pub fn new(scheme: Scheme, host: Host, port: u16, path: &str) -> Self {
        let mut text = String::with_capacity(host.as_str().len() + path.len() + 1);
        text.push_str(host.as_str());
        push_canonical_path(&mut text, path);
        let matched = text.len();
        if text[host.as_str().len()..] != *path {
            text.push_str(&path[..path.floor_char_boundary(MAX_TEXT)]);
        }
        Self { scheme, host, port, text, matched }
    }

    /// What is matched: `host/path?query` in the one spelling.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text[..self.matched]
    }

    /// Path and query as received: what stands in them for other addresses is read from here, for in the one spelling its bounds are lost.
    #[must_use]
    pub fn received(&self) -> &str {
        if self.matched < self.text.len() { &self.text[self.matched..] } else { &self.text[self.host.as_str().len()..self.matched] }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.text())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// Splits `host:port`; IPv6 hosts may stand in brackets.
pub fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    let after_brackets = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let colons = authority[after_brackets..].matches(':').count();
    let (host, port) = match authority.rsplit_once(':') {
        Some(split) if colons == 1 => split,
        Some(_) | None => return Ok((authority, None)),
    };
    if port.is_empty() {
        return Ok((host, None));
    }
    match port.parse() {
        Ok(number) if number != 0 && port.bytes().all(|b| b.is_ascii_digit()) => Ok((host, Some(number))),
        Ok(_) | Err(_) => Err(UrlError::Port),
    }
}

/// Appends the one spelling of `path` (with query, with or without a fragment) to `text`.
fn push_canonical_path(text: &mut String, path: &str) {
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let root = text.len();
    if !path.starts_with(['/', '\\']) {
        text.push('/');
    }
    if is_canonical(path) {
        text.push_str(path);
    } else {
        push_decoded(text, path);
        remove_dot_segments(text, root);
    }
    if let Some(query) = query {
        text.push('?');
        push_decoded(text, query);
    }
    text.truncate(text.floor_char_boundary(MAX_TEXT));
}

/// Whether a path is its own one spelling: the fast path for most requests.
fn is_canonical(path: &str) -> bool {
    let mut previous = if path.starts_with('/') { 0 } else { b'/' };
    path.bytes().all(|byte| {
        let fine = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' => true,
            b'/' => previous != b'/',
            b'.' => previous != b'/' && previous != b'.',
            _ => false,
        };
        previous = byte;
        fine
    })
}

/// The one spelling of a part of a URL, as of a word that may stand anywhere in one.
#[must_use]
pub fn spelling(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    push_decoded(&mut text, part);
    text
}

/// Appends `raw` in lower case with its percent-encoding undone once. A byte that is not printable ASCII stays encoded, in lower case,
/// and so does a `%`, encoded or alone, so that nothing is decoded twice.
fn push_decoded(text: &mut String, raw: &str) {
    let bytes = raw.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let decoded = if byte == b'%' { hex_pair(bytes.get(at + 1..at + 3)) } else { None };
        at += if decoded.is_some() { 3 } else { 1 };
        match (byte, decoded) {
            (b'%', Some(b'%') | None) => text.push_str("%25"),
            (_, Some(b'\\')) => text.push('/'),
            (_, Some(plain @ 0x21..=0x7e)) => text.push(plain.to_ascii_lowercase() as char),
            (_, Some(other)) => push_encoded(text, other),
            (b'\\', None) => text.push('/'),
            (0x21..=0x7e, None) => text.push(byte.to_ascii_lowercase() as char),
            (other, None) => push_encoded(text, other),
        }
    }
}

fn push_encoded(text: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    text.push('%');
    text.push(HEX[usize::from(byte >> 4)] as char);
    text.push(HEX[usize::from(byte & 15)] as char);
}

fn hex_pair(pair: Option<&[u8]>) -> Option<u8> {
    let digit = |b: u8| (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    match pair? {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

/// Removes `.`, `..` and empty segments (RFC 3986 section 5.2.4) from the path that begins at `root`.
fn remove_dot_segments(text: &mut String, root: usize) {
    let path = text.split_off(root);
    let mut segments: Vec<&str> = Vec::new();
    let mut is_folder = false;
    for segment in path.split('/') {
        is_folder = true;
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => {
                segments.push(segment);
                is_folder = false;
            }
        }
    }
    for segment in &segments {
        text.push('/');
        text.push_str(segment);
    }
    if is_folder || segments.is_empty() {
        text.push('/');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        Url::parse(raw).expect(raw).text().to_owned()
    }

    #[test]
    fn one_page_has_one_spelling() {
        for raw in [
            "http://games.example/play/now",
            "HTTP://GAMES.EXAMPLE/play/now",
            "games.example/play/now",
            "http://games.example:80/play/now",
            "http://games.example./play/now",
            "http://user:pw@games.example/play/now",
            "http://games.example/play/now#top",
            "http://games.example//play///now",
            "http://games.example/./play/x/../now",
            "http://games.example/%70lay/%6e%6Fw",
            "http://games.example/play%2fnow",
            "http://games.example/%2e/play/now",
            "http://games.example\\play\\now",
            "http://games.example/PLAY/Now",
            "http://g%61mes.example/play/now",
        ] {
            assert_eq!(text(raw), "games.example/play/now", "{raw}");
        }
    }

    #[test]
    fn parts_that_matter_are_kept() {
        for (raw, one) in [
            ("games.example", "games.example/"),
            ("games.example?q=1", "games.example/?q=1"),
            ("http://a.example/x/?u=http://b.example/", "a.example/x/?u=http://b.example/"),
            ("http://a.example/caf%C3%A9", "a.example/caf%c3%a9"),
            ("http://a.example/café", "a.example/caf%c3%a9"),
            ("http://a.example/%2570", "a.example/%2570"),
            ("http://a.example/%zz%4", "a.example/%25zz%254"),
            ("http://a.example/%%34%31", "a.example/%2541"),
            ("http://a.example/a/..", "a.example/"),
            ("http://a.example/../../x", "a.example/x"),
            ("http://a.example/x/.", "a.example/x/"),
            ("http://a.example/a b", "a.example/a%20b"),
        ] {
            assert_eq!(text(raw), one, "{raw}");
        }
    }

    #[test]
    fn a_path_is_also_kept_as_it_was_received() {
        for (raw, received) in [
            ("http://a.example/plain?x=1", "/plain?x=1"),
            ("http://a.example/A%2fB?u=http%3A%2F%2Fb.example%2F%3Fx%26y&z=Q", "/A%2fB?u=http%3A%2F%2Fb.example%2F%3Fx%26y&z=Q"),
            ("http://a.example//x/../y", "//x/../y"),
            ("http://a.example", "/"),
            ("http://a.example?x", "?x"),
        ] {
            let url = Url::parse(raw).expect(raw);
            assert_eq!(url.received(), received, "{raw}");
        }
        assert_eq!(Url::parse("http://a.example/%61"), Url::parse("http://a.example/A"), "equal is what is matched alike");
    }

    #[test]
    fn ports_are_read_or_refused() {
        assert_eq!(Url::parse("https://a.example").map(|u| u.port), Ok(443));
        assert_eq!(Url::parse("a.example:8080/x").map(|u| u.port), Ok(8080));
        assert_eq!(Url::parse("http://[::1]:8080/").map(|u| u.port), Ok(8080));
        assert_eq!(Url::parse("http://[::1]/").map(|u| u.port), Ok(80));
        for raw in ["http://a.example:0/", "http://a.example:65536/", "http://a.example:+80/", "http://a.example:8o/"] {
            assert_eq!(Url::parse(raw), Err(UrlError::Port), "{raw}");
        }
        assert_eq!(Url::parse("ftp://a.example/"), Err(UrlError::Scheme));
    }

    proptest::proptest! {
        #[test]
        fn the_one_spelling_is_stable(path in "[a-zA-Z0-9/.%?&=#_ \\\\-]{0,60}") {
            let host = Host::parse("a.example").expect("a host");
            let once = Url::new(Scheme::Http, host.clone(), 80, &path);
            // An encoded `?` or `#` is part of a path, but stands plain in what is matched: the text says less than the path.
            if !path.contains("%3f") && !path.contains("%3F") && !path.contains("%23") {
                let path = &once.text()["a.example".len()..];
                let twice = Url::new(Scheme::Http, host, 80, path);
                proptest::prop_assert_eq!(once.text(), twice.text());
            }
        }
    }
}
