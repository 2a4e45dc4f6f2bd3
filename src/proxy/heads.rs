//! A head of HTTP/2, as strictly read as one of HTTP/1.1 is by [`super::framing`].
//!
//! What has a place of its own in HTTP/2 needs no check: where a head ends, how long a body is. hyper refuses by itself what RFC 9113 calls malformed: names in
//! capitals, fields of a connection, bytes that are none of a field's. Here is what it lets through and a server behind us could take two ways. Pure.

use super::framing::{Malformed, is_lookalike};
use crate::host::Host;
use crate::url::split_port;
use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Uri};

/// Checks a head: its size, and that it says each thing once.
///
/// # Errors
/// What is wrong with it.
pub fn check(head: &Parts, most_bytes: usize, most_fields: usize) -> Result<(), Malformed> {
    let (mut bytes, mut fields) = (length(&head.uri), 0);
    for (name, value) in &head.headers {
        bytes += name.as_str().len() + value.len() + 4;
        // Cookies come one by one to be packed better (RFC 9113 section 8.2.3).
        fields += usize::from(name != COOKIE);
        if name != CONTENT_LENGTH && is_lookalike(name.as_str().as_bytes()) {
            return Err(Malformed::Lookalike);
        }
    }
    if bytes > most_bytes {
        return Err(Malformed::TooLarge);
    }
    if fields > most_fields {
        return Err(Malformed::TooManyFields);
    }
    check_path(&head.method, &head.uri)?;
    check_length(&head.method, &head.headers)?;
    check_host(&head.uri, &head.headers)
}

fn length(uri: &Uri) -> usize {
    uri.authority().map_or(0, |authority| authority.as_str().len()) + uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// A path begins with a slash, but for that of the server as a whole (RFC 9113 section 8.3.1): else it could be read as more of the host.
fn check_path(method: &Method, uri: &Uri) -> Result<(), Malformed> {
    let path = uri.path_and_query().map_or("", PathAndQuery::as_str);
    let none = path.is_empty() && *method == Method::CONNECT;
    let whole = path == "*" && *method == Method::OPTIONS;
    if path.starts_with('/') || none || whole { Ok(()) } else { Err(Malformed::RequestLine) }
}

fn check_length(method: &Method, headers: &HeaderMap) -> Result<(), Malformed> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).into_iter();
    let Some(length) = lengths.next() else { return Ok(()) };
    if lengths.next().is_some() {
        return Err(Malformed::TwoLengths);
    }
    let digits = length.as_bytes();
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed::Length);
    }
    let none = digits.iter().all(|digit| *digit == b'0');
    if !none && (*method == Method::TRACE || *method == Method::CONNECT) { Err(Malformed::NoBodyAllowed) } else { Ok(()) }
}

/// What a request is for may be said twice, but not in two ways (RFC 9113 section 8.3.1).
fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Malformed> {
    let mut hosts = headers.get_all(HOST).into_iter();
    let Some(host) = hosts.next() else { return if uri.authority().is_some() { Ok(()) } else { Err(Malformed::Host) } };
    if hosts.next().is_some() {
        return Err(Malformed::TwoHosts);
    }
    let host = named(host.to_str().map_err(|_| Malformed::Host)?).ok_or(Malformed::Host)?;
    match uri.authority() {
        Some(authority) if named(authority.as_str()).as_ref() != Some(&host) => Err(Malformed::OtherHost),
        Some(_) | None => Ok(()),
    }
}

fn named(authority: &str) -> Option<(Host, u16)> {
    let (host, port) = split_port(authority).ok()?;
    Some((Host::parse(host).ok()?, port.unwrap_or(443)))
}

/// Puts cookies that came one by one into the one field they are elsewhere (RFC 9113 section 8.2.3).
pub fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).into_iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let all: Vec<_> = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn checked(method: &str, uri: &str, fields: &[(&str, &str)]) -> Result<(), Malformed> {
        let request = fields.iter().fold(Request::builder().method(method).uri(uri), |request, (name, value)| request.header(*name, *value));
        check(&request.body(()).expect("a request").into_parts().0, 200, 4)
    }

    #[test]
    fn what_could_be_taken_two_ways_is_refused() {
        let uri = "https://a.example/x";
        for (method, uri, fields, result) in [
            ("GET", uri, &[][..], Ok(())),
            ("GET", uri, &[("host", "a.example")], Ok(())),
            ("GET", uri, &[("host", "A.example.:443")], Ok(())),
            ("GET", uri, &[("host", "b.example")], Err(Malformed::OtherHost)),
            ("GET", uri, &[("host", "a.example:8443")], Err(Malformed::OtherHost)),
            ("GET", uri, &[("host", "a.example"), ("host", "a.example")], Err(Malformed::TwoHosts)),
            ("GET", uri, &[("host", "")], Err(Malformed::Host)),
            ("GET", "/x", &[("host", "a.example")], Ok(())),
            ("GET", "/x", &[], Err(Malformed::Host)),
            ("POST", uri, &[("content-length", "12")], Ok(())),
            ("POST", uri, &[("content-length", "12"), ("content-length", "12")], Err(Malformed::TwoLengths)),
            ("POST", uri, &[("content-length", "+12")], Err(Malformed::Length)),
            ("POST", uri, &[("content_length", "12")], Err(Malformed::Lookalike)),
            ("POST", uri, &[("transfer-encoding", "chunked")], Err(Malformed::Lookalike)),
            ("POST", uri, &[("transfer_encoding", "chunked")], Err(Malformed::Lookalike)),
            ("OPTIONS", "*", &[("host", "a.example")], Ok(())),
            ("GET", "*", &[("host", "a.example")], Err(Malformed::RequestLine)),
            ("TRACE", uri, &[("content-length", "1")], Err(Malformed::NoBodyAllowed)),
            ("TRACE", uri, &[("content-length", "0")], Ok(())),
        ] {
            assert_eq!(checked(method, uri, fields), result, "{method} {uri} {fields:?}");
        }
    }

    proptest::proptest! {
        /// What is let through here would be let through in HTTP/1.1, whatever it is.
        #[test]
        fn a_sound_head_is_one_in_http1_too(
            method in "(GET|POST|OPTIONS|TRACE|M-SEARCH)",
            path in "[/*?a-z%#.:@-]{0,12}",
            fields in proptest::collection::vec(("(host|content-length|content_length|transfer-encoding|te|x-[a-z_]{1,3})", "[ -~]{0,12}|a\\.example|[0-9]{1,3}"), 0..5),
        ) {
            let Ok(uri) = format!("https://a.example{path}").parse::<Uri>() else { return Ok(()) };
            let request = fields.iter().fold(Request::builder().method(method.as_str()).uri(uri), |request, (name, value)| request.header(name, value));
            let Ok(request) = request.body(()) else { return Ok(()) };
            let head = request.into_parts().0;
            if check(&head, 1000, 10).is_ok() {
                let mut text = format!("{method} {} HTTP/1.1\r\n", head.uri.path_and_query().map_or("/", PathAndQuery::as_str));
                if !head.headers.contains_key(HOST) {
                    text += "host: a.example\r\n";
                }
                for (name, value) in &head.headers {
                    text += &format!("{name}: {}\r\n", value.to_str().expect("text"));
                }
                let checked = crate::proxy::framing::check_head((text.clone() + "\r\n").as_bytes(), 10);
                proptest::prop_assert!(checked.is_ok(), "{:?} {:?}", text, checked);
            }
        }
    }

    #[test]
    fn a_head_is_no_larger_than_one_may_be() {
        let uri = "https://a.example/";
        let long = "x".repeat(200);
        assert_eq!(checked("GET", uri, &[("a", &long)]), Err(Malformed::TooLarge));
        assert_eq!(checked("GET", &format!("{uri}{long}"), &[]), Err(Malformed::TooLarge));
        let cookies = [("cookie", "a=1"); 8];
        assert_eq!(checked("GET", uri, &cookies), Ok(()));
        assert_eq!(checked("GET", uri, &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")]), Err(Malformed::TooManyFields));
    }

    #[test]
    fn cookies_are_one_field() {
        let mut headers = HeaderMap::new();
        join_cookies(&mut headers);
        assert!(headers.is_empty());
        for cookie in ["a=1", "b=2", "c=\u{e9}"] {
            headers.append(COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).expect("a value"));
        }
        join_cookies(&mut headers);
        assert_eq!(headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes).collect::<Vec<_>>(), ["a=1; b=2; c=\u{e9}".as_bytes()]);
    }
}
