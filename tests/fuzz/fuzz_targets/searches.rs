//! Searches that are made safe (`policy::safesearch`). However an address or a cookie is written, what was set stands in it once, and what a reader of
//! the library's reads there is that.

#![no_main]

use http::header::{COOKIE, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Uri};
use libfuzzer_sys::fuzz_target;
use usher::policy::Level;
use usher::policy::safesearch::Safe;
use usher::proxy::target::Target;

/// Whether a reader that is generous with blanks takes a name for the parameter.
fn is_kp(name: &str) -> bool {
    name.trim_matches(|letter: char| letter.is_ascii_whitespace() || letter.is_ascii_control()).eq_ignore_ascii_case("kp")
}

/// A request for a path of an engine, as it is sent.
fn sent(host: &str, path: &str, cookie: Option<HeaderValue>) -> Option<(String, HeaderMap)> {
    let uri = format!("http://{host}{path}").parse::<Uri>().ok()?;
    let Ok(Target::Page { url, path, .. }) = Target::of(&Method::GET, &uri) else { return None };
    let mut fields = HeaderMap::new();
    fields.extend(cookie.map(|cookie| (COOKIE, cookie)));
    let path = Safe::at(&url.host, Level::Strict)?.apply(url.text(), &path, &mut fields).into_owned();
    Some((path, fields))
}

fuzz_target!(|bytes: &[u8]| {
    if let Some((_, fields)) = HeaderValue::from_bytes(bytes).ok().and_then(|cookie| sent("search.brave.com", "/search", Some(cookie))) {
        let cookies: Vec<_> = fields.get_all(COOKIE).iter().collect();
        let pairs: Vec<_> = cookies[0].as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii).collect();
        let named = |pair: &&&[u8]| pair.split(|byte| *byte == b'=').next().is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"safesearch"));
        assert_eq!((cookies.len(), pairs.iter().filter(named).collect::<Vec<_>>()), (1, vec![&&b"safesearch=strict"[..]]));
    }
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    // DuckDuckGo is asked at every path.
    let Some((path, _)) = sent("duckduckgo.com", &format!("/{path}"), None) else { return };
    assert!(path.starts_with('/') && path.parse::<PathAndQuery>().is_ok(), "{path:?} cannot be sent");
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let said: Vec<_> = query.split(['&', ';']).filter(|pair| pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("kp"))).collect();
    assert_eq!(said, ["kp=1"], "{path:?}");
    let read = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| is_kp(name));
    assert_eq!(read.map(|(_, value)| value.into_owned()).collect::<Vec<_>>(), ["1"], "{path:?}");
    assert_eq!(sent("duckduckgo.com", &path, None).expect("sent again").0, path, "twice is not the same");
});
