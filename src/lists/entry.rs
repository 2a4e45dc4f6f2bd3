//! What a line of a list means, in its one spelling.

use crate::host::Host;
use crate::url::{self, Url};
use ipnet::IpNet;
use std::net::IpAddr;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A name and all names below it.
    Name(Host),
    /// A name alone.
    Exact(Host),
    /// An address or a range of them.
    Network(IpNet),
    /// `host/path`, without a final slash, and all below it.
    Prefix(String),
    /// A text that may stand anywhere in the URL, with `*` for any characters.
    Word(String),
    /// A regular expression over the URL's one spelling.
    Expression(String),
    /// What it holds is taken out of its own list: whatever else of that list matches the URL does not count.
    Except(Box<Listed>),
    /// A weighted phrase of a page's text, in its one spelling; kept for the content scanner, of no meaning to a look-up.
    Phrase(String),
}

/// Why a line is not taken. Closed: every refusal is one of these, counted and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Bytes that are not UTF-8.
    #[error("not text in UTF-8")]
    NotText,
    /// Longer than a line of a list may be.
    #[error("longer than 4096 bytes")]
    TooLong,
    /// Neither a name nor an address.
    #[error("neither a name nor an address")]
    NotAHost,
    /// A single label: `com` would refuse every site below it.
    #[error("a single label; it would cover a whole top-level domain")]
    TopLevel,
    /// More than one word on a line that holds one name.
    #[error("more than one word")]
    ManyWords,
    /// A path or a scheme in a list of names.
    #[error("a URL in a list of names; put it in a file called urls")]
    UrlAmongNames,
    /// A number that a browser would take for an address, though it is not written as one.
    #[error("a number that is not written as an address")]
    OddAddress,
    /// An address in a hosts file, and no name.
    #[error("an address without a name; put it in a file called domains")]
    AddressAlone,
    /// No host before the path.
    #[error("no host before the path")]
    NoHost,
    /// A word so short that it would match nearly every URL.
    #[error("shorter than 4 characters; it would match far too much")]
    TooShort,
    /// An expression that cannot be read.
    #[error("not a regular expression that can be run here")]
    BadExpression,
    /// An expression with letters that no URL has in its one spelling.
    #[error("letters beyond ASCII, which a URL holds percent-encoded, so it could never match")]
    BeyondAscii,
    /// An expression that needs more memory than one may have.
    #[error("an expression too large to run")]
    LargeExpression,
}

/// The shortest literal a word or wildcard must have, in bytes.
const SHORTEST_WORD: usize = 4;

/// A name, an address or a range, as lists of names hold them. A leading `*.` or `.` means what a plain name means here: the name and
/// all below it.
pub fn name(text: &str) -> Result<Listed, Refusal> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok(Listed::Network(canonical(net)));
    }
    if text.contains('/') {
        return Err(Refusal::UrlAmongNames);
    }
    let bare = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    match host(bare)? {
        Place::Address(address) => Ok(Listed::Network(address.into())),
        Place::Name(host) => Ok(Listed::Name(host)),
    }
}

/// A name alone, as hosts files hold them.
pub fn exact(text: &str) -> Result<Listed, Refusal> {
    match host(text)? {
        Place::Address(address) => Ok(Listed::Network(address.into())),
        Place::Name(host) => Ok(Listed::Exact(host)),
    }
}

/// `host/path`, with or without a scheme.
pub fn prefix(text: &str) -> Result<Listed, Refusal> {
    let url = Url::parse(text).map_err(|_| Refusal::NotAHost)?;
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let typed_host = rest.split(['/', '?', '\\']).next().unwrap_or_default();
    if typed_host.is_empty() {
        return Err(Refusal::NoHost);
    }
    let bare = without_www(url.host.as_str());
    let path = url.text()[url.host.as_str().len()..].trim_end_matches('/');
    if path.is_empty() {
        return name(url.host.as_str());
    }
    Ok(Listed::Prefix(format!("{bare}{path}")))
}

/// A word or wildcard, in the spelling it has in a URL.
pub fn word(text: &str) -> Result<Listed, Refusal> {
    let word = url::spelling(&text.to_lowercase());
    // An encoded byte counts as one.
    let length = |part: &str| part.len() - 2 * part.matches('%').count();
    if word.split('*').map(length).max().unwrap_or(0) < SHORTEST_WORD {
        return Err(Refusal::TooShort);
    }
    Ok(Listed::Word(word))
}

enum Place {
    Name(Host),
    Address(IpAddr),
}

fn host(text: &str) -> Result<Place, Refusal> {
    let host = Host::parse(text).map_err(|_| Refusal::NotAHost)?;
    match host.address() {
        Some(address) if text.parse::<IpAddr>().is_ok() => Ok(Place::Address(address)),
        Some(_) => Err(Refusal::OddAddress),
        None if host.as_str().contains('.') => Ok(Place::Name(host)),
        None => Err(Refusal::TopLevel),
    }
}

/// A network of IPv4 addresses mapped into IPv6 is the IPv4 network.
fn canonical(net: IpNet) -> IpNet {
    match net.addr().to_canonical() {
        IpAddr::V4(address) if net.max_prefix_len() == 128 && net.prefix_len() >= 96 => {
            IpNet::new(address.into(), net.prefix_len() - 96).unwrap_or(net).trunc()
        }
        IpAddr::V4(_) | IpAddr::V6(_) => net.trunc(),
    }
}

/// A host without a leading `www.` (or `www2.`), which lists of URLs leave out.
#[must_use]
pub fn without_www(host: &str) -> &str {
    let stripped = host.strip_prefix("www").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    stripped.and_then(|rest| rest.strip_prefix('.')).filter(|rest| rest.contains('.')).unwrap_or(host)
}

/// The ends of every part of `text` that a prefix entry could be: before each `/`, `?`, `&`, `=` and `;` after the host, and the end.
pub fn boundaries(text: &str, host: usize) -> impl Iterator<Item = usize> {
    let after = host + 1;
    let inside = text.bytes().enumerate().skip(after).filter(|(_, b)| matches!(b, b'/' | b'?' | b'&' | b'=' | b';'));
    inside.map(|(at, _)| at).chain((text.len() > after).then_some(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(text: &str) -> Host {
        Host::parse(text).expect("a host")
    }

    #[test]
    fn names_are_taken_or_refused() {
        for (line, expected) in [
            ("games.example", Ok(Listed::Name(host_of("games.example")))),
            ("GAMES.example.", Ok(Listed::Name(host_of("games.example")))),
            ("*.games.example", Ok(Listed::Name(host_of("games.example")))),
            (".games.example", Ok(Listed::Name(host_of("games.example")))),
            ("bücher.example", Ok(Listed::Name(host_of("xn--bcher-kva.example")))),
            ("10.0.0.1", Ok(Listed::Network("10.0.0.1/32".parse().expect("a net")))),
            ("10.1.2.3/8", Ok(Listed::Network("10.0.0.0/8".parse().expect("a net")))),
            ("2001:db8::/32", Ok(Listed::Network("2001:db8::/32".parse().expect("a net")))),
            ("::ffff:10.0.0.1", Ok(Listed::Network("10.0.0.1/32".parse().expect("a net")))),
            ("com", Err(Refusal::TopLevel)),
            ("*.com", Err(Refusal::TopLevel)),
            ("12345", Err(Refusal::OddAddress)),
            ("127.1", Err(Refusal::OddAddress)),
            ("games.example/play", Err(Refusal::UrlAmongNames)),
            ("http://games.example", Err(Refusal::UrlAmongNames)),
            ("games..example", Err(Refusal::NotAHost)),
            ("ga mes.example", Err(Refusal::NotAHost)),
            ("games.example:80", Err(Refusal::NotAHost)),
        ] {
            assert_eq!(name(line), expected, "{line}");
        }
    }

    #[test]
    fn prefixes_have_one_spelling() {
        for line in ["news.example/games/", "http://news.example/games", "WWW.news.example/Games", "www2.news.example/games/", "news.example//%67ames"] {
            assert_eq!(prefix(line), Ok(Listed::Prefix("news.example/games".into())), "{line}");
        }
        assert_eq!(prefix("news.example/"), Ok(Listed::Name(host_of("news.example"))));
        assert_eq!(prefix("/games"), Err(Refusal::NotAHost));
        assert_eq!(prefix("http:///games"), Err(Refusal::NotAHost));
    }

    #[test]
    fn words_too_short_to_mean_anything_are_refused() {
        assert_eq!(word("Unblocked*Games"), Ok(Listed::Word("unblocked*games".into())));
        for line in ["", "a", "sex", "*", "ab*cd", "%73%65%78", "é", "ab%20"] {
            assert_eq!(word(line), Err(Refusal::TooShort), "{line}");
        }
    }

    #[test]
    fn www_is_no_part_of_a_site() {
        for (host, bare) in [
            ("www.a.example", "a.example"),
            ("www2.a.example", "a.example"),
            ("wwwa.example", "wwwa.example"),
            ("www.example", "www.example"),
            ("m.a.example", "m.a.example"),
        ] {
            assert_eq!(without_www(host), bare);
        }
    }
}
