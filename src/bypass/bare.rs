//! Bare servers: web proxies that are asked by fields of a request's head (TompHTTP, versions 1 to 3).
//!
//! `X-Bare-URL` (version 3), or `X-Bare-Host`, `-Port`, `-Protocol` and `-Path` (1 and 2), say what is meant; the answer has `X-Bare-Status` and its kin. The
//! names are fixed by the programs that use them, and no other program has them. A WebSocket of version 1 says it in the name of its protocol, one of version 3 in
//! the first message of the client's ([`in_message`]); one of version 2 is announced by a request. A long value is split into `X-Bare-Headers-0`, `-1`, and so on. Asked for
//! `/`, such a server says of itself in JSON which versions it speaks.
//!
//! Some give the fields other names. What they say is the same: an address of another site, or its parts, beside the fields to ask it with, as JSON
//! ([`renamed`]). That is a sign; no proof, for the names are anybody's.

use super::{Certainty, Code, Finding};
use crate::host::Host;
use crate::url::{Scheme, Url};
use http::HeaderMap;
use serde::Deserialize;

/// What follows `x-bare-`, without the number of a part.
const FIELDS: [&str; 13] = [
    "url", "headers", "host", "port", "protocol", "path", "status", "status-text", "id", "pass-headers", "pass-status", "forward-headers", "forwarded-headers",
];
/// The longest that a server says of itself, in bytes.
pub const LONGEST: usize = 4096;

/// Looks at the fields of a request or an answer.
#[must_use]
pub fn in_fields(fields: &HeaderMap) -> Option<Finding> {
    let name = fields.keys().map(http::HeaderName::as_str).find(|name| is_field(name))?;
    let found = Finding::new(Code::Bare, &format!("the field {name}"));
    Some(match (page(fields), site(fields)) {
        (Some(page), _) => found.of_page(page),
        (None, Some(site)) => found.of_target(&site),
        (None, None) => found,
    })
}

/// Whether it is the name of such a field, in small letters.
#[must_use]
pub fn is_field(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("x-bare-") else { return false };
    let whole = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    FIELDS.contains(&rest) || whole.len() < rest.len() && whole.strip_suffix('-').is_some_and(|field| FIELDS.contains(&field))
}

/// What a field may be of a bare server's whose fields are renamed, by its first letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    address: bool,
    fields: bool,
}

impl Hints {
    /// Looks at one more field: its name in small letters, and what it says.
    pub fn look(&mut self, name: &str, value: &[u8]) {
        if name.starts_with("x-") {
            // An address, or the scheme of one.
            self.address |= value.starts_with(b"http");
            self.fields |= value.starts_with(b"{");
        }
    }

    /// Whether [`renamed`] is to be asked.
    #[must_use]
    pub fn are_there(self) -> bool {
        self.address && self.fields
    }
}

/// Fields that browsers send with every request, of which some stand in what a bare server is to send.
const SENT: [&str; 6] = ["accept", "user-agent", "host", "accept-language", "referer", "sec-ch-ua"];
/// The longest that fields are read, as JSON.
const LONGEST_FIELDS: usize = 16 << 10;

/// Looks at the fields of a request to `own` for what a bare server is asked by, whatever the fields are called: one that says the fields of a request, in
/// JSON, and one that says an address of another site, or its scheme beside one that says its host.
#[must_use]
pub fn renamed(own: &Host, fields: &HeaderMap) -> Option<Finding> {
    let own_fields = || {
        let values = fields.iter().filter(|(name, _)| name.as_str().starts_with("x-") && !is_field(name.as_str()));
        values.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?.trim())))
    };
    let (said, _) = own_fields().find(|(_, value)| says_fields(value))?;
    let of_page = own_fields().find_map(|(name, value)| Some((name, super::encoded::other(own, value)?)));
    let of_parts = || {
        let (name, scheme) = own_fields().find(|(_, value)| matches!(*value, "http:" | "https:"))?;
        let is_host = |value: &str| value.contains('.') && !value.contains(['/', ' ', ',', ';', '{', ':']) && !value.starts_with(|c: char| c.is_ascii_digit());
        own_fields().filter(|(_, value)| is_host(value)).find_map(|(_, host)| Some((name, super::encoded::other(own, &format!("{scheme}//{host}/"))?)))
    };
    let (name, page) = of_page.or_else(of_parts)?;
    let seen = format!("a request's fields in {said}, and another site in {name}");
    Some(Finding::new(Code::Bare, &seen).with(Certainty::Scores(8)).of_page(page))
}

/// Whether this is an object of JSON with two fields that browsers send.
fn says_fields(value: &str) -> bool {
    if !value.starts_with('{') || value.len() > LONGEST_FIELDS {
        return false;
    }
    let Ok(said) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value) else { return false };
    said.keys().filter(|name| SENT.iter().any(|sent| name.eq_ignore_ascii_case(sent))).count() >= 2
}

/// What the protocol of a WebSocket of version 1 says, behind its name: JSON, in a code of its own that is the usual escaping.
#[derive(Deserialize)]
struct Protocol {
    remote: Remote,
}

#[derive(Deserialize)]
struct Remote {
    protocol: String,
    host: String,
    port: serde_json::Value,
    path: String,
}

/// Looks at the `Sec-WebSocket-Protocol` of a request.
#[must_use]
pub fn in_protocol(value: &str) -> Option<Finding> {
    let (name, said) = value.split_once(',')?;
    if name.trim() != "bare" {
        return None;
    }
    let found = Finding::new(Code::Bare, "a WebSocket of the protocol bare");
    let said = percent_encoding::percent_decode_str(said.trim()).decode_utf8_lossy();
    let page = serde_json::from_str::<Protocol>(&said).ok().and_then(|Protocol { remote: Remote { protocol, host, port, path } }| {
        let scheme = if matches!(&*protocol, "ws:" | "http:") { "http" } else { "https" };
        // It may be a number, and a text.
        Url::parse(&format!("{scheme}://{host}:{}{path}", port.to_string().trim_matches('"'))).ok()
    });
    Some(match page {
        Some(page) => found.of_page(page),
        None => found,
    })
}

/// What the first message of a WebSocket of version 3 says.
#[derive(Deserialize)]
struct Connect {
    #[serde(rename = "type")]
    of: String,
    remote: String,
    #[serde(rename = "headers")]
    _headers: serde_json::Map<String, serde_json::Value>,
}

/// The longest first message that is read, in bytes.
pub const LONGEST_MESSAGE: usize = 8192;

/// Whether a first message of which this has come may be one of a bare server's client.
#[must_use]
pub fn may_be_message(first: &[u8]) -> bool {
    first.len() <= LONGEST_MESSAGE && first.trim_ascii_start().first().is_none_or(|byte| *byte == b'{')
}

/// Looks at a whole first message of the client's in a WebSocket.
#[must_use]
pub fn in_message(message: &[u8]) -> Option<Finding> {
    if !may_be_message(message) {
        return None;
    }
    let Connect { of, remote, .. } = serde_json::from_slice(message).ok()?;
    let (scheme, rest) = remote.split_once("://").filter(|_| of == "connect")?;
    let scheme = match scheme {
        "wss" | "https" => "https",
        "ws" | "http" => "http",
        _ => return None,
    };
    let found = Finding::new(Code::Bare, "a WebSocket whose first message asks for another");
    Some(match Url::parse(&format!("{scheme}://{rest}")) {
        Ok(page) => found.of_page(page),
        Err(_) => found,
    })
}

fn field<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a str> {
    fields.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

/// The page that is meant.
fn page(fields: &HeaderMap) -> Option<Url> {
    if let Some(url) = field(fields, "x-bare-url") {
        return Url::parse(url).ok();
    }
    let scheme = match field(fields, "x-bare-protocol") {
        Some("http:" | "ws:") => Scheme::Http,
        Some(_) | None => Scheme::Https,
    };
    let port = field(fields, "x-bare-port").map_or(Some(scheme.default_port()), |port| port.parse().ok().filter(|port| *port > 0))?;
    let host = Host::parse(field(fields, "x-bare-host")?).ok()?;
    Some(Url::new(scheme, host, port, field(fields, "x-bare-path").unwrap_or("/")))
}

/// The site that is meant, where no page can be made of what is said.
fn site(fields: &HeaderMap) -> Option<String> {
    field(fields, "x-bare-host").map(str::to_owned)
}

/// What a server says of itself.
#[derive(Deserialize)]
struct Manifest {
    versions: Vec<String>,
    language: String,
    #[serde(rename = "memoryUsage")]
    _memory: serde_json::Value,
}

/// Looks at a whole answer that is JSON.
#[must_use]
pub fn in_manifest(body: &[u8]) -> Option<Finding> {
    if body.len() > LONGEST || memchr::memmem::find(body, b"memoryUsage").is_none() {
        return None;
    }
    let Manifest { versions, language, .. } = serde_json::from_slice(body).ok()?;
    let is_version = |version: &String| version.strip_prefix('v').is_some_and(|number| number.parse::<u8>().is_ok());
    let said = || Finding::new(Code::BareServer, &format!("it says of itself: versions {}, language {language}", versions.join(", ")));
    (!versions.is_empty() && versions.iter().all(is_version)).then(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_is_asked_of_a_bare_server_is_read() {
        for (list, target) in [
            (&[("x-bare-url", "https://www.tiktok.com/foryou")][..], Some("www.tiktok.com")),
            (&[("x-bare-url", "http://a.example:8080/")], Some("a.example:8080")),
            (&[("x-bare-host", "a.example"), ("x-bare-port", "443"), ("x-bare-path", "/"), ("x-bare-protocol", "https:")], Some("a.example")),
            (&[("x-bare-host", "a.example"), ("x-bare-port", "80")], Some("a.example:80")),
            (&[("x-bare-host", "a.example"), ("x-bare-protocol", "http:"), ("x-bare-path", "/play?x=1")], Some("a.example:80")),
            (&[("x-bare-host", "a..example")], Some("a..example")),
            (&[("x-bare-headers-0", ";{\"a\":1}")], None),
            (&[("x-bare-status", "200")], None),
        ] {
            let found = in_fields(&fields(list)).expect("found");
            assert_eq!((found.code, found.target.as_deref()), (Code::Bare, target), "{list:?}");
        }
        let parts = [("x-bare-host", "a.example"), ("x-bare-protocol", "http:"), ("x-bare-path", "/play?x=1")];
        let whole = [("x-bare-url", "http://a.example/play?x=1")];
        let meant = |list: &[_]| in_fields(&fields(list)).and_then(|found| found.meant());
        assert_eq!((meant(&parts), meant(&whole)), (Url::parse("http://a.example/play?x=1").ok(), Url::parse("http://a.example/play?x=1").ok()));
        for list in [&[("x-barely", "1")][..], &[("x-bare-minimum", "1")], &[("x-bare-", "1")], &[("bare-url", "x")], &[("x-bare-headers-", "1")], &[]] {
            assert_eq!(in_fields(&fields(list)), None, "{list:?}");
        }
    }

    #[test]
    fn what_is_asked_is_read_whatever_its_fields_are_called() {
        const SENT: &str = r#"{"Accept":"*/*","User-Agent":"Mozilla/5.0"}"#;
        let own = Host::parse("maths.example").expect("a host");
        for (list, target) in [
            (&[("x-fetch-url", "https://www.tiktok.com/foryou"), ("x-fetch-headers", SENT)][..], Some("www.tiktok.com")),
            (&[("x-h", "www.tiktok.com"), ("x-p", "443"), ("x-s", "https:"), ("x-r", "/foryou"), ("x-f", SENT)], Some("www.tiktok.com")),
            // Its own pages; what is no field of its own; one of the two; other JSON; no site.
            (&[("x-page", "https://www.maths.example/"), ("x-fetch-headers", SENT)], None),
            (&[("referer", "https://www.tiktok.com/"), ("x-fetch-headers", SENT)], None),
            (&[("x-fetch-url", "https://www.tiktok.com/foryou")], None),
            (&[("x-fetch-headers", SENT)], None),
            (&[("x-page", "https://shop.example/"), ("x-context", r#"{"user":"a","accept":"b"}"#)], None),
            (&[("x-page", "https://shop.example/"), ("x-context", "{")], None),
            (&[("x-scheme", "https:"), ("x-version", "1.2.3"), ("x-f", SENT)], None),
            (&[("x-scheme", "https:"), ("x-f", SENT)], None),
        ] {
            let (fields, mut hints) = (fields(list), Hints::default());
            fields.iter().for_each(|(name, value)| hints.look(name.as_str(), value.as_bytes()));
            let found = renamed(&own, &fields);
            assert_eq!(found.as_ref().and_then(|found| found.target.as_deref()), target, "{list:?}");
            assert!(found.is_none_or(|found| hints.are_there() && found.certainty == Certainty::Scores(8)), "{list:?}");
        }
    }

    #[test]
    fn a_websocket_of_version_1_says_what_is_meant_in_its_protocol() {
        let said = "bare, %7b%22remote%22%3a%7b%22protocol%22%3a%22wss%3a%22%2c%22host%22%3a%22chat.example%22%2c%22port%22%3a%22443%22%2c%22path%22%3a%22%2fws%22%7d%7d";
        let found = in_protocol(said).expect("found");
        assert_eq!((found.code, found.target.as_deref()), (Code::Bare, Some("chat.example")));
        assert_eq!(in_protocol("bare,x").map(|found| found.target), Some(None));
        for other in ["bare", "graphql-ws, bare", "wisp-v2", "barely, x", ""] {
            assert_eq!(in_protocol(other), None, "{other}");
        }
    }

    #[test]
    fn a_websocket_of_version_3_says_what_is_meant_in_its_first_message() {
        let said = br#"{"type":"connect","remote":"wss://chat.example/room?x=1","protocols":[],"headers":{"Host":"chat.example"},"forwardHeaders":[]}"#;
        let found = in_message(said).expect("found");
        assert_eq!((found.code, found.target.as_deref()), (Code::Bare, Some("chat.example")));
        assert_eq!(found.page.map(|page| page.to_string()).as_deref(), Some("https://chat.example/room?x=1"));
        let moved = br#" { "headers": {}, "remote": "ws://game.example:8080/", "type": "connect" }"#;
        assert_eq!(in_message(moved).and_then(|found| found.target).as_deref(), Some("game.example:8080"));
        assert_eq!(in_message(br#"{"type":"connect","remote":"wss://a b/","headers":{}}"#).map(|found| found.target), Some(None));
        for other in [
            &br#"{"type":"connect","remote":"wss://chat.example/"}"#[..],
            br#"{"type":"open","remote":"wss://chat.example/","headers":{}}"#,
            br#"{"type":"connect","remote":"chat","headers":{}}"#,
            br#"{"type":"connect","remote":"sip://chat.example","headers":{}}"#,
            br#"{"type":"connection_init","payload":{}}"#,
            b"[1]",
            b"",
            &[b' '; LONGEST_MESSAGE + 1],
        ] {
            assert_eq!(in_message(other), None, "{}", String::from_utf8_lossy(other));
        }
        assert!(may_be_message(b"") && may_be_message(b" {") && !may_be_message(b"x") && !may_be_message(&[b' '; LONGEST_MESSAGE + 1]));
    }

    #[test]
    fn what_a_bare_server_says_of_itself_is_known() {
        let said = br#"{"versions":["v1","v2","v3"],"language":"NodeJS","memoryUsage":21.53,"project":{"name":"bare-server-node"}}"#;
        assert_eq!(in_manifest(said).map(|found| found.code), Some(Code::BareServer));
        for other in
            [&br#"{"versions":["1.0","2.0"],"language":"en","memoryUsage":1}"#[..], br#"{"versions":[],"language":"x","memoryUsage":1}"#, b"{}", b"[]", b""]
        {
            assert_eq!(in_manifest(other), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_message_panics_and_what_is_one_is_waited_for(message in proptest::collection::vec(proptest::sample::select(vec![
            "{", "}", "\"type\":\"connect\"", ",", "\"remote\":\"wss://a.example/\"", "\"headers\":{}", " ", "\u{e9}", "[", "\"remote\":\"ws://\"",
        ]), 0..9)) {
            let message = message.concat();
            if in_message(message.as_bytes()).is_some() {
                proptest::prop_assert!((0..message.len()).all(|cut| may_be_message(&message.as_bytes()[..cut])));
            }
        }
    }
}
