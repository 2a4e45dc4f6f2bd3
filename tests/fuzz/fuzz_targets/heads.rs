//! Heads of requests (`proxy::framing`). What is accepted, hyper's parser reads the same way; and the end of a head is found wherever the
//! bytes are cut.

#![no_main]

use http::{HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use usher::proxy::framing::{Body, asks_whole_server, check_head, head_length, read_head};
use usher::proxy::target::Target;

const MOST_FIELDS: usize = 100;

fuzz_target!(|bytes: &[u8]| {
    let whole = head_length(bytes, 0);
    for cut in 0..bytes.len().min(300) {
        let early = head_length(&bytes[..cut], 0);
        assert!(early.is_none() || early == whole, "cut at {cut}");
        assert_eq!(early.or_else(|| head_length(bytes, cut)), whole, "cut at {cut}");
    }
    let Some(length) = whole else { return };
    let head = &bytes[..length];
    let Ok(body) = check_head(head, MOST_FIELDS) else { return };

    let mut headers = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut headers);
    assert_eq!(request.parse(head), Ok(httparse::Status::Complete(length)), "hyper reads another head");
    let (method, target) = (request.method.expect("a method"), request.path.expect("a target"));
    let mut words = head.splitn(3, |byte| *byte == b' ');
    assert_eq!((words.next(), words.next()), (Some(method.as_bytes()), Some(target.as_bytes())));
    let lines = head.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && *line != b"\r").count();
    assert_eq!(request.headers.len(), lines - 1, "hyper counts other fields");
    for field in &*request.headers {
        assert!(HeaderName::from_bytes(field.name.as_bytes()).is_ok() && HeaderValue::from_bytes(field.value).is_ok(), "hyper would refuse {field:?}");
    }
    assert_eq!(body, body_of(&request), "hyper would read another body");

    // What hyper hands on, and what is read here where hyper is not asked, is the same; it is then read as a target.
    let method = Method::from_bytes(method.as_bytes()).expect("a method hyper can hand on");
    let uri = Uri::try_from(target).expect("a target hyper can hand on");
    let (read, read_body) = read_head(head, MOST_FIELDS).expect("what is accepted can be read");
    assert_eq!((read.method(), read.uri(), read_body), (&method, &uri, body));
    assert_eq!((read.version() == http::Version::HTTP_10, read.headers().len()), (request.version == Some(0), request.headers.len()));
    for field in &*request.headers {
        assert!(read.headers().get_all(field.name).iter().any(|value| value.as_bytes() == field.value), "{field:?} is not read");
    }
    if let Ok(target) = Target::of(&method, &uri) {
        assert!(!target.url().host.as_str().is_empty());
        if asks_whole_server(head) {
            assert!(matches!(target.as_whole_server(), Target::Page { path, .. } if path == "*"));
        }
    }
});

/// What follows a head, read from the fields that hyper's parser found, by the rules of RFC 9112 section 6.3.
fn body_of(request: &httparse::Request<'_, '_>) -> Body {
    let all = |name: &str| -> Vec<&[u8]> { request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value).collect() };
    let (codings, lengths) = (all("transfer-encoding"), all("content-length"));
    let (method, upgrades) = (request.method.expect("a method"), !all("upgrade").is_empty());
    assert!(codings.is_empty() || lengths.is_empty(), "both a coding and a length");
    assert!(codings.len() < 2 && lengths.len() < 2 && all("host").len() < 2, "a field twice");
    assert!(request.version == Some(0) || !all("host").is_empty() || method == "CONNECT", "no host");
    if let [coding] = codings[..] {
        assert!(request.version == Some(1) && coding.eq_ignore_ascii_case(b"chunked"));
        return Body::Chunked;
    }
    let length = lengths.first().map_or(0, |length| std::str::from_utf8(length).expect("digits").parse::<u64>().expect("a number"));
    match length {
        0 if method == "CONNECT" => Body::Tunnel,
        0 if upgrades => Body::Upgrade,
        0 => Body::None,
        length => Body::Length(length),
    }
}
