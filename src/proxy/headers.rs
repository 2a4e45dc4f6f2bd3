//! What a proxy takes out of a head and puts into it (RFC 9110 sections 7.6 and 11.7). Pure.

use crate::body::coding::Coding;
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, MAX_FORWARDS, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE, VIA, WWW_AUTHENTICATE,
};

/// Fields of one connection only, whether or not `Connection` names them.
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_SUPPORT: HeaderName = HeaderName::from_static("proxy-support");
const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");

/// Fields a client may not have removed by naming them in `Connection`.
const KEPT: [&str; 6] = ["host", "content-length", "cache-control", "via", "max-forwards", "trailer"];

/// What a client asked of its connection, as far as it is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// To speak WebSocket. No other protocol is let through.
    pub websocket: bool,
    /// To be sent trailers.
    pub trailers: bool,
}

/// Takes out of a request what belongs to the client's connection, and says what of it was asked for.
pub fn strip_request(headers: &mut HeaderMap) -> Wishes {
    let websocket = asks_websocket(headers);
    let trailers = names(headers, &TE, "trailers");
    strip_connection(headers);
    headers.remove(PROXY_AUTHORIZATION);
    headers.remove(TE);
    headers.remove(UPGRADE);
    if websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    } else if trailers {
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    Wishes { websocket, trailers }
}

/// Whether a request is to speak WebSocket.
#[must_use]
pub fn asks_websocket(headers: &HeaderMap) -> bool {
    names(headers, &CONNECTION, "upgrade") && names(headers, &UPGRADE, "websocket")
}

/// Takes out of a response what belongs to the origin's connection. `switching`: the response to an upgrade, whose fields are passed on.
pub fn strip_response(headers: &mut HeaderMap, switching: bool) {
    // A length beside a coding is void (RFC 9112 section 6.3).
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    let upgrade = if switching { headers.remove(UPGRADE) } else { None };
    strip_connection(headers);
    headers.remove(UPGRADE);
    headers.remove(PROXY_AUTHENTICATE);
    headers.remove(PROXY_AUTHENTICATION_INFO);
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
}

/// Whether a request logs in the connection it comes on, rather than itself (NTLM, Negotiate: RFC 4559 section 4).
#[must_use]
pub fn logs_in_a_connection(headers: &HeaderMap) -> bool {
    has_scheme_of_connections(headers, &AUTHORIZATION)
}

/// Whether an answer asks for such a login.
#[must_use]
pub fn asks_for_a_connection(headers: &HeaderMap) -> bool {
    has_scheme_of_connections(headers, &WWW_AUTHENTICATE)
}

/// Tells a client that is asked to log its connection in that this works here: it would not try else (RFC 4559 section 6).
pub fn say_logins_work(headers: &mut HeaderMap) {
    if asks_for_a_connection(headers) {
        headers.insert(PROXY_SUPPORT, HeaderValue::from_static("Session-Based-Authentication"));
        headers.insert(CONNECTION, HeaderValue::from_static("Proxy-Support"));
    }
}

fn has_scheme_of_connections(headers: &HeaderMap, field: &HeaderName) -> bool {
    headers.get_all(field).into_iter().filter_map(|value| value.to_str().ok()).any(|value| {
        let scheme = value.split_ascii_whitespace().next().unwrap_or_default();
        scheme.eq_ignore_ascii_case("ntlm") || scheme.eq_ignore_ascii_case("negotiate")
    })
}

/// Cuts what a request asks for down to answers whose text can be read: in codings that can be undone, whole rather than as a difference from an
/// older one (RFC 3229); and in those that take little memory to undo, so that many can be read at once.
pub fn ask_for_readable(headers: &mut HeaderMap) {
    headers.remove(HeaderName::from_static("a-im"));
    if !headers.contains_key(ACCEPT_ENCODING) {
        return;
    }
    let undone = |name: &str| match Coding::named(name) {
        Some(coding) => coding.is_small(),
        None => name.eq_ignore_ascii_case("identity"),
    };
    let kept = tokens(headers, &ACCEPT_ENCODING).filter(|token| undone(token.split(';').next().unwrap_or_default().trim()));
    let kept = kept.collect::<Vec<_>>().join(", ");
    let value =
        if kept.is_empty() { HeaderValue::from_static("identity") } else { HeaderValue::from_str(&kept).unwrap_or(HeaderValue::from_static("identity")) };
    headers.insert(ACCEPT_ENCODING, value);
}

/// Whether a response switches to the one protocol that is let through (RFC 9110 section 7.8).
#[must_use]
pub fn is_websocket(headers: &HeaderMap) -> bool {
    names(headers, &UPGRADE, "websocket")
}

fn strip_connection(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        for name in named_in_connection(headers) {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    headers.remove(KEEP_ALIVE);
    headers.remove(PROXY_CONNECTION);
    headers.remove(TRANSFER_ENCODING);
}

fn named_in_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let tokens = tokens(headers, &CONNECTION).filter(|name| !KEPT.iter().any(|kept| name.eq_ignore_ascii_case(kept)));
    tokens.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
}

fn tokens<'a>(headers: &'a HeaderMap, field: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(field).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

/// Whether one of the tokens in a field is this, in whatever case.
pub(super) fn names(headers: &HeaderMap, field: &HeaderName, token: &str) -> bool {
    tokens(headers, field).any(|name| name.eq_ignore_ascii_case(token))
}

/// The name this installation gives itself in `Via`, in the forms it is sent in.
#[derive(Clone, Debug)]
pub struct Via {
    name: String,
    http_1_0: HeaderValue,
    http_1_1: HeaderValue,
    http_2: HeaderValue,
}

impl Via {
    /// A pseudonym that no other installation has.
    #[must_use]
    pub fn new(suffix: u32) -> Self {
        let name = format!("usher-{suffix:08x}");
        let value = |version: &str| HeaderValue::from_str(&format!("{version} {name}")).unwrap_or_else(|_| HeaderValue::from_static("usher"));
        Self { http_1_0: value("1.0"), http_1_1: value("1.1"), http_2: value("2.0"), name }
    }

    /// Adds this proxy to the way of a message that was received in `version`.
    pub fn add(&self, headers: &mut HeaderMap, version: http::Version) {
        let value = match version {
            http::Version::HTTP_10 => &self.http_1_0,
            http::Version::HTTP_2 => &self.http_2,
            _ => &self.http_1_1,
        };
        headers.append(VIA, value.clone());
    }

    /// Whether a message has been here before.
    #[must_use]
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(VIA)
            && tokens(headers, &VIA).any(|hop| hop.split_ascii_whitespace().nth(1).is_some_and(|name| name.eq_ignore_ascii_case(&self.name)))
    }
}

/// Counts `Max-Forwards` down for `TRACE` and `OPTIONS`. False if the request ends here (RFC 9110 section 7.6.2).
pub fn count_down(method: &http::Method, headers: &mut HeaderMap) -> bool {
    if *method != http::Method::TRACE && *method != http::Method::OPTIONS {
        return true;
    }
    let Some(left) = headers.get(MAX_FORWARDS).and_then(|value| value.to_str().ok()).and_then(|value| value.trim().parse::<u32>().ok()) else { return true };
    match left.checked_sub(1) {
        None => false,
        Some(left) => {
            headers.insert(MAX_FORWARDS, HeaderValue::from(left));
            true
        }
    }
}

/// Makes `Host` say what the target says: the target decides where a request goes (RFC 9112 section 3.2.2).
pub fn set_host(headers: &mut HeaderMap, host: &str, is_v6: bool, port: Option<u16>) {
    let wanted = match (is_v6, port) {
        (false, None) => host.to_owned(),
        (false, Some(port)) => format!("{host}:{port}"),
        (true, None) => format!("[{host}]"),
        (true, Some(port)) => format!("[{host}]:{port}"),
    };
    if headers.get(HOST).is_some_and(|value| value.as_bytes() == wanted.as_bytes()) {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(wanted) {
        headers.insert(HOST, value);
    }
}

/// The bytes of a response's head, for where hyper does not write it.
#[must_use]
pub fn head_bytes(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default()).into_bytes();
    for (name, value) in headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    fn left(headers: &HeaderMap) -> Vec<String> {
        let mut left: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))).collect();
        left.sort();
        left
    }

    #[test]
    fn what_belongs_to_one_connection_stays_there() {
        let mut request = map(&[
            ("connection", "keep-alive, X-Secret"),
            ("connection", "close"),
            ("x-secret", "1"),
            ("keep-alive", "5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic eA=="),
            ("te", "gzip"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
        ]);
        assert_eq!(strip_request(&mut request), Wishes { websocket: false, trailers: false });
        assert_eq!(left(&request), ["accept: */*"]);
        let mut response = map(&[
            ("connection", "x-own"),
            ("x-own", "1"),
            ("proxy-authenticate", "Basic"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("upgrade", "h2c"),
            ("etag", "1"),
        ]);
        strip_response(&mut response, false);
        assert_eq!(left(&response), ["etag: 1"]);
    }

    #[test]
    fn a_client_cannot_have_the_fields_removed_that_decide() {
        let mut request = map(&[
            ("connection", "host, content-length, via, Cache-Control, max-forwards"),
            ("host", "a"),
            ("content-length", "1"),
            ("via", "1.1 x"),
            ("cache-control", "no-store"),
            ("max-forwards", "1"),
        ]);
        strip_request(&mut request);
        assert_eq!(request.len(), 5);
    }

    #[test]
    fn websockets_and_trailers_may_be_asked_for() {
        let mut request = map(&[("connection", "Upgrade"), ("upgrade", "WebSocket")]);
        assert!(strip_request(&mut request).websocket);
        assert_eq!(left(&request), ["connection: upgrade", "upgrade: websocket"]);
        let mut request = map(&[("te", "gzip, trailers")]);
        assert!(strip_request(&mut request).trailers);
        assert_eq!(left(&request), ["connection: te", "te: trailers"]);
        let mut lone = map(&[("upgrade", "websocket")]);
        assert!(!strip_request(&mut lone).websocket, "an Upgrade that Connection does not name is void");
        let mut response = map(&[("connection", "upgrade"), ("upgrade", "websocket")]);
        strip_response(&mut response, true);
        assert_eq!(left(&response), ["connection: upgrade", "upgrade: websocket"]);
    }

    #[test]
    fn what_cannot_be_read_is_not_asked_for() {
        for (asked, expected) in [
            ("gzip, deflate, br, zstd", "gzip, deflate"),
            ("GZip;q=0.5, dcb, dcz, BR;q=1.0", "GZip;q=0.5"),
            ("dcb, *", "identity"),
            ("br", "identity"),
            ("identity;q=0, gzip", "identity;q=0, gzip"),
        ] {
            let mut headers = map(&[("a-im", "vcdiff")]);
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(asked));
            ask_for_readable(&mut headers);
            assert_eq!(left(&headers), [format!("accept-encoding: {expected}")]);
        }
        let mut headers = map(&[]);
        ask_for_readable(&mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn a_loop_is_known_by_its_via() {
        let via = Via::new(7);
        let mut headers = map(&[("via", "1.1 other (a, b), 1.0 somebody")]);
        assert!(!via.is_in(&headers));
        via.add(&mut headers, http::Version::HTTP_10);
        assert!(via.is_in(&headers));
        assert!(!Via::new(8).is_in(&headers));
    }

    #[test]
    fn max_forwards_is_counted_down_for_trace_and_options_only() {
        for (method, value, goes_on, rest) in
            [("TRACE", "0", false, "0"), ("TRACE", "5", true, "4"), ("OPTIONS", "1", true, "0"), ("GET", "0", true, "0"), ("OPTIONS", "x", true, "x")]
        {
            let mut headers = map(&[]);
            headers.insert(MAX_FORWARDS, HeaderValue::from_static(value));
            assert_eq!(count_down(&method.parse().expect("a method"), &mut headers), goes_on, "{method} {value}");
            assert_eq!(headers[MAX_FORWARDS], rest);
        }
    }

    #[test]
    fn the_target_decides_the_host() {
        let mut headers = map(&[("host", "allowed.example")]);
        set_host(&mut headers, "games.example", false, Some(8080));
        assert_eq!(headers[HOST], "games.example:8080");
        set_host(&mut headers, "::1", true, None);
        assert_eq!(headers[HOST], "[::1]");
    }
}
