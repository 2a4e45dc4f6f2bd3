//! Bare servers: web proxies that are asked by fields of a request's head (TompHTTP, versions 1 to 3).
//!
//! `X-Bare-URL` (version 3), or `X-Bare-Host`, `-Port`, `-Protocol` and `-Path` (1 and 2), say what is meant; the answer has `X-Bare-Status` and its kin. The
//! names are fixed by the programs that use them, and no other program has them. A long value is split into `X-Bare-Headers-0`, `-1`, and so on. Asked for
//! `/`, such a server says of itself in JSON which versions it speaks.

use super::{Code, Finding};
use http::HeaderMap;
use serde::Deserialize;

/// What follows `x-bare-`, without the number of a part.
const FIELDS: [&str; 13] = [
    "url", "headers", "host", "port", "protocol", "path", "status", "status-text", "id", "pass-headers", "pass-status", "forward-headers", "forwarded-headers",
];
/// The longest that a server says of itself.
const LONGEST: usize = 4096;

/// Looks at the fields of a request or an answer.
#[must_use]
pub fn in_fields(fields: &HeaderMap) -> Option<Finding> {
    let name = fields.keys().map(http::HeaderName::as_str).find(|name| is_field(name))?;
    let found = Finding::new(Code::Bare, &format!("the field {name}"));
    Some(match target(fields) {
        Some(target) => found.of_target(&target),
        None => found,
    })
}

fn is_field(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("x-bare-") else { return false };
    let whole = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    FIELDS.contains(&rest) || whole.len() < rest.len() && whole.strip_suffix('-').is_some_and(|field| FIELDS.contains(&field))
}

/// The site that is meant, with its port where that is not the usual one.
fn target(fields: &HeaderMap) -> Option<String> {
    let field = |name: &str| fields.get(name)?.to_str().ok().map(str::trim);
    if let Some(url) = field("x-bare-url") {
        let url = crate::url::Url::parse(url).ok()?;
        return Some(if url.port == 443 { url.host.as_str().to_owned() } else { url.host.authority(url.port) });
    }
    let host = field("x-bare-host")?;
    Some(match field("x-bare-port") {
        None | Some("443" | "") => host.to_owned(),
        Some(port) => format!("{host}:{port}"),
    })
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
    if body.len() > LONGEST {
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
            (&[("x-bare-headers-0", ";{\"a\":1}")], None),
            (&[("x-bare-status", "200")], None),
        ] {
            let found = in_fields(&fields(list)).expect("found");
            assert_eq!((found.code, found.target.as_deref()), (Code::Bare, target), "{list:?}");
        }
        for list in [&[("x-barely", "1")][..], &[("x-bare-minimum", "1")], &[("x-bare-", "1")], &[("bare-url", "x")], &[("x-bare-headers-", "1")], &[]] {
            assert_eq!(in_fields(&fields(list)), None, "{list:?}");
        }
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
}
