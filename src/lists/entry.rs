//! What a line of a list means, in its one spelling.

use super::suffix;
use crate::host::Host;
use crate::url::{self, Url};
use ipnet::IpNet;
use std::net::IpAddr;

pub use super::refusal::Refusal;

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

/// The shortest literal a word or wildcard must have, in bytes.
const SHORTEST_WORD: usize = 4;
/// The widest ranges that are taken, by prefix length, IPv4 and IPv6: the multicast and reserved ranges (`224.0.0.0/3`) and the local ones
/// (`fc00::/7`). A wider one holds a good part of all addresses there are.
const WIDEST_NETWORK: [u8; 2] = [3, 7];

/// A name, an address or a range, as lists of names hold them. A leading `*.` or `.` means what a plain name means here: the name and
/// all below it.
pub fn name(text: &str) -> Result<Listed, Refusal> {
    // Only what has a slash can be a range, and nearly nothing has one.
    if text.contains('/') {
        return text.parse::<IpNet>().map(|net| Listed::Network(canonical(net))).map_err(|_| Refusal::UrlAmongNames);
    }
    if text == "*" {
        return Err(Refusal::EveryName);
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

/// A regular expression, checked to be one that can be run here.
pub fn expression(text: &str) -> Result<Listed, Refusal> {
    use regex_syntax::ast::ErrorKind;
    if !text.is_ascii() {
        return Err(Refusal::BeyondAscii);
    }
    match regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(text) {
        Ok(_) => Ok(Listed::Expression(text.to_owned())),
        Err(regex_syntax::Error::Parse(error)) if *error.kind() == ErrorKind::UnsupportedLookAround => Err(Refusal::LookAround),
        Err(regex_syntax::Error::Parse(error)) if *error.kind() == ErrorKind::UnsupportedBackreference => Err(Refusal::BackReference),
        Err(_) => Err(Refusal::BadExpression),
    }
}

/// Whether an entry may stand in a list that blocks. What would cover all of a public suffix, or a good part of all addresses, may not.
///
/// Apart from the readers, since an exception or a rule of the policy may well name `gov.uk`.
pub fn judge(entry: &Listed) -> Result<(), Refusal> {
    match entry {
        Listed::Name(host) | Listed::Exact(host) if suffix::is_public(host.as_str()) => Err(Refusal::PublicSuffix),
        Listed::Prefix(text) if suffix::is_public(host_of(text)) => Err(Refusal::PublicSuffix),
        Listed::Network(net) if net.prefix_len() < WIDEST_NETWORK[usize::from(net.max_prefix_len() == 128)] => Err(Refusal::WideNetwork),
        Listed::Name(_)
        | Listed::Exact(_)
        | Listed::Network(_)
        | Listed::Prefix(_)
        | Listed::Word(_)
        | Listed::Expression(_)
        | Listed::Except(_)
        | Listed::Phrase(_) => Ok(()),
    }
}

/// The host of an entry that has one, for messages.
#[must_use]
pub fn host_in(entry: &Listed) -> Option<&str> {
    match entry {
        Listed::Name(host) | Listed::Exact(host) => Some(host.as_str()),
        Listed::Prefix(text) => Some(host_of(text)),
        Listed::Except(inner) => host_in(inner),
        Listed::Network(_) | Listed::Word(_) | Listed::Expression(_) | Listed::Phrase(_) => None,
    }
}

fn host_of(prefix: &str) -> &str {
    prefix.split(['/', '?']).next().unwrap_or_default()
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
#[must_use]
pub fn canonical(net: IpNet) -> IpNet {
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
    fn expressions_that_cannot_be_run_are_refused_by_what_they_need() {
        assert_eq!(expression("/play/[0-9]+"), Ok(Listed::Expression("/play/[0-9]+".into())));
        for (line, reason) in [
            ("caf\u{e9}", Refusal::BeyondAscii),
            ("(unclosed", Refusal::BadExpression),
            ("games(?!chess)", Refusal::LookAround),
            ("(?<=play)games", Refusal::LookAround),
            ("(a)\\1", Refusal::BackReference),
        ] {
            assert_eq!(expression(line), Err(reason), "{line}");
        }
    }

    #[test]
    fn what_would_block_far_too_much_is_not_for_a_list() {
        let net = |text: &str| Listed::Network(text.parse().expect("a net"));
        for (entry, expected) in [
            (name("games.example").expect("a name"), Ok(())),
            (name("games.co.uk").expect("a name"), Ok(())),
            (name("blogspot.com").expect("a name"), Ok(())),
            (name("co.uk").expect("a name"), Err(Refusal::PublicSuffix)),
            (exact("com.br").expect("a name"), Err(Refusal::PublicSuffix)),
            (prefix("co.uk/games").expect("a prefix"), Err(Refusal::PublicSuffix)),
            (Listed::Except(Box::new(name("gov.uk").expect("a name"))), Ok(())),
            (net("10.0.0.0/8"), Ok(())),
            (net("224.0.0.0/3"), Ok(())),
            (net("0.0.0.0/0"), Err(Refusal::WideNetwork)),
            (net("128.0.0.0/1"), Err(Refusal::WideNetwork)),
            (net("fc00::/7"), Ok(())),
            (net("2000::/3"), Err(Refusal::WideNetwork)),
        ] {
            assert_eq!(judge(&entry), expected, "{entry:?}");
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
