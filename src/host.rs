//! One spelling of a host.
//!
//! A host arrives in many spellings: `GAMES.example.`, `g%61mes.example`, `ｇames.example`, `0x7f.1`, `[::ffff:10.0.0.1]`.
//! [`Host::parse`] brings each to one, the spelling a browser would connect to, and only that is ever compared.
//! Pure: no look-ups, no I/O.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The longest name DNS can carry, in bytes (RFC 1035 section 2.3.4, without the final dot).
const MAX_NAME: usize = 253;
/// The longest label of a name, in bytes.
const MAX_LABEL: usize = 63;

/// A host in its one spelling: a lower-case ASCII name without a final dot, or an address.
///
/// Addresses mapped into IPv6 (`::ffff:a.b.c.d`) are IPv4 here, so a rule for one holds for the other.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host {
    text: Box<str>,
    address: Option<IpAddr>,
}

/// Why a text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing is left once the final dot is gone.
    #[error("the host is empty")]
    Empty,
    /// More than 253 bytes, or a label of more than 63.
    #[error("the host is too long")]
    TooLong,
    /// A character no host may hold, an empty label, or an address that is none.
    #[error("the host is not a name or an address")]
    Invalid,
}

impl Host {
    /// Reads a host as it stands in a URL, a `Host` field or a list: a name in any case, with or without a final dot,
    /// internationalised or percent-encoded, or an address in any form a browser takes, IPv6 with or without brackets.
    pub fn parse(raw: &str) -> Result<Self, HostError> {
        let name = raw.strip_suffix('.').unwrap_or(raw);
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        if is_plain_name(name) {
            return Ok(Self { text: name.into(), address: None });
        }
        if let Ok(address) = name.parse::<Ipv6Addr>() {
            return Ok(Self::from(IpAddr::V6(address)));
        }
        match url::Host::parse(name).map_err(|_| HostError::Invalid)? {
            url::Host::Domain(domain) => Self::checked(domain.strip_suffix('.').unwrap_or(&domain)),
            url::Host::Ipv4(address) => Ok(Self::from(IpAddr::V4(address))),
            url::Host::Ipv6(address) => Ok(Self::from(IpAddr::V6(address))),
        }
    }

    fn checked(name: &str) -> Result<Self, HostError> {
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        if name.len() > MAX_NAME || name.split('.').any(|label| label.len() > MAX_LABEL) {
            return Err(HostError::TooLong);
        }
        if last_label(name).is_none() {
            return Err(HostError::Invalid);
        }
        Ok(Self { text: name.into(), address: None })
    }

    /// The one spelling, IPv6 addresses without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address, if the host is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The host with a port, as a URL or `CONNECT` names them: IPv6 addresses in brackets.
    #[must_use]
    pub fn authority(&self, port: u16) -> String {
        if self.address.is_some_and(|address| address.is_ipv6()) { format!("[{self}]:{port}") } else { format!("{self}:{port}") }
    }

    /// The host and each of its parents, longest first: `a.b.example`, `b.example`, `example`. An address has no parents.
    pub fn suffixes(&self) -> impl Iterator<Item = &str> {
        let mut rest = Some(self.as_str());
        let named = self.address.is_none();
        std::iter::from_fn(move || {
            let this = rest?;
            // Labels are short: a plain loop is quicker than a search made for long texts.
            rest = if named { this.bytes().position(|byte| byte == b'.').map(|dot| &this[dot + 1..]) } else { None };
            Some(this)
        })
    }

    /// Whether this host is `parent` or stands below it.
    #[must_use]
    pub fn is_within(&self, parent: &Self) -> bool {
        self.suffixes().any(|suffix| suffix == parent.as_str())
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { text: address.to_string().into(), address: Some(address) }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({})", self.text)
    }
}

/// Whether `name` is already in its one spelling and cannot be an address: the fast path for nearly every request.
fn is_plain_name(name: &str) -> bool {
    // A last label that begins with a digit may make the whole an IPv4 address, and punycode must be checked.
    name.len() <= MAX_NAME && last_label(name).is_some_and(|first| !first.is_ascii_digit()) && !name.contains("xn--")
}

/// The first byte of the last label, if every label is of lower-case letters, digits, hyphens and underscores and not too long.
fn last_label(name: &str) -> Option<u8> {
    let bytes = name.as_bytes();
    let (mut label, mut last) = (0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' if label < MAX_LABEL => label += 1,
            b'.' if label > 0 => (label, last) = (0, at + 1),
            _ => return None,
        }
    }
    bytes.get(last).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_becomes_one() {
        for (raw, one) in [
            ("games.example", "games.example"),
            ("GAMES.Example.", "games.example"),
            ("g%61mes.example", "games.example"),
            ("ｇａｍｅｓ．ｅｘａｍｐｌｅ", "games.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("under_score.example", "under_score.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("0x7f.0.0.1", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("[0:0:0:0:0:0:0:1]", "::1"),
            ("[::ffff:10.0.0.1]", "10.0.0.1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(Host::parse(raw).map(|h| h.to_string()), Ok(one.to_owned()), "{raw}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = "a.".repeat(130) + "example";
        for raw in ["", ".", "..", "a..b", ".a", "a b", "a/b", "a?b", "user@host", "a:80", "[::1", "256.1.1.1.", "a\0b", "a%00b", &long_label, &long_name] {
            assert!(Host::parse(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn an_address_of_colons_is_told_from_its_port() {
        for (host, written) in [("news.example", "news.example:443"), ("10.0.0.1", "10.0.0.1:443"), ("2001:db8::1", "[2001:db8::1]:443")] {
            assert_eq!(Host::parse(host).expect("a host").authority(443), written);
        }
    }

    #[test]
    fn a_host_is_within_itself_and_its_parents_only() {
        let host = Host::parse("www.games.example").expect("a host");
        assert_eq!(host.suffixes().collect::<Vec<_>>(), ["www.games.example", "games.example", "example"]);
        let parent = |s: &str| Host::parse(s).expect("a host");
        assert!(host.is_within(&parent("games.example")));
        assert!(!parent("notgames.example").is_within(&parent("games.example")));
        assert_eq!(parent("10.1.2.3").suffixes().collect::<Vec<_>>(), ["10.1.2.3"]);
    }

    proptest::proptest! {
        #[test]
        fn parsing_is_idempotent_and_never_panics(raw in "\\PC{0,80}") {
            if let Ok(host) = Host::parse(&raw) {
                proptest::prop_assert_eq!(Host::parse(host.as_str()), Ok(host));
            }
        }
    }
}
