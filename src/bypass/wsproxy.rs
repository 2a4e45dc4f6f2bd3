//! wsproxy: the older way of web proxies, one WebSocket for each connection, whose path says where to: `/<host>:<port>`. Pure.
//!
//! The path alone is a sign; relays of other kinds have such paths too. It says what is meant, so that can be judged before the WebSocket is opened
//! ([`super::heads`]). That what the client sends first is TLS or HTTP makes it nearly certain: no page speaks those within a WebSocket for itself.

use super::first::{First, Look, look};
use super::{Certainty, Code, Finding};
use crate::host::Host;

/// The longest last part of a path that is read.
const LONGEST: usize = 300;

/// What a path leads to, if its last part is a host and a port.
#[must_use]
pub fn target(path: &str) -> Option<(Host, u16)> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().filter(|last| last.len() <= LONGEST)?;
    let (host, port) = last.rsplit_once(':').or_else(|| last.rsplit_once("%3A")).or_else(|| last.rsplit_once("%3a"))?;
    let port = port.parse().ok().filter(|number| *number != 0 && port.starts_with(|sign: char| sign.is_ascii_digit()))?;
    // As it is written: a time of day is an address too, by the rules of addresses.
    let is_written_as_one = host.contains('.') || host.starts_with('[');
    Some((Host::parse(host).ok().filter(|_| is_written_as_one)?, port))
}

/// What is found by the path alone.
#[must_use]
pub fn by_path(path: &str) -> Option<Finding> {
    let (host, port) = target(path)?;
    Some(Finding::new(Code::WsProxy, "a WebSocket whose path ends with a host and a port").of_target(&host.authority(port)))
}

/// The same, once the client has begun to speak: nothing, if it may yet become more certain; else whether it did.
#[must_use]
pub fn by_bytes(finding: &Finding, bytes: &[u8]) -> Option<Option<Finding>> {
    let protocol = match look(bytes) {
        Look::More => return None,
        Look::Tls => "TLS",
        Look::Not(First::Http | First::Http2) => "HTTP",
        Look::Not(_) => return Some(None),
    };
    let seen = format!("a WebSocket whose path ends with a host and a port, and {protocol} in its first message");
    let surer = Finding::new(Code::WsProxy, &seen).with(Certainty::Near);
    Some(Some(Finding { target: finding.target.clone(), ..surer }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_where_its_last_part_says() {
        for (path, expected) in [
            ("/games.example:443", Some("games.example:443")),
            ("/wisp/GAMES.example:80", Some("games.example:80")),
            ("/ws/10.0.0.1:22?x=/a.example:1", Some("10.0.0.1:22")),
            ("/games.example%3A443", Some("games.example:443")),
            ("/a/[2001:db8::1]:443", Some("[2001:db8::1]:443")),
            ("/wisp/", None),
            ("/room:12", None),
            ("/time/12:30", None),
            ("/games.example:0", None),
            ("/games.example:70000", None),
            ("/games.example:+443", None),
            ("/games.example:443/", None),
            ("/games.example", None),
            ("/:443", None),
            ("", None),
        ] {
            assert_eq!(target(path).map(|(host, port)| host.authority(port)).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn what_the_client_says_first_makes_it_certain() {
        let finding = by_path("/games.example:443").expect("found");
        assert_eq!((finding.certainty, finding.target.as_deref()), (Certainty::Scores(8), Some("games.example:443")));
        for (bytes, expected) in [
            (&b"\x16"[..], None),
            (b"\x16\x03\x01\x02", Some(Some(Certainty::Near))),
            (b"GET / HTTP/1.1\r\n", Some(Some(Certainty::Near))),
            (b"SSH-2.0-x", Some(None)),
            (b"{\"hello\":1}", Some(None)),
        ] {
            let found = by_bytes(&finding, bytes);
            assert_eq!(found.as_ref().map(|found| found.as_ref().map(|finding| finding.certainty)), expected, "{bytes:?}");
            assert!(found.flatten().is_none_or(|found| found.target == finding.target));
        }
    }
}
