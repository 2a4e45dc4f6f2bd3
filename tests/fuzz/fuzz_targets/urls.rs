//! URLs (`url`) and the targets of requests (`proxy::target`). Whatever is accepted has one spelling.

#![no_main]

use http::{Method, Uri};
use libfuzzer_sys::fuzz_target;
use usher::proxy::target::Target;
use usher::url::{Scheme, Url};

fuzz_target!(|bytes: &[u8]| {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    if let Ok(url) = Url::parse(raw) {
        check(&url, raw);
    }
    let Ok(uri) = raw.parse::<Uri>() else { return };
    if let Ok(target) = Target::of(&Method::CONNECT, &uri) {
        assert!(matches!(&target, Target::Tunnel(url) if url.scheme == Scheme::Https && url.text() == format!("{}/", url.host)));
    }
    if let Ok(Target::Page { url, port, path }) = Target::of(&Method::GET, &uri) {
        check(&url, raw);
        assert_eq!(port.unwrap_or(80), url.port);
        // It stands in the request to the origin: one word, and no way out of the line.
        assert!(path.starts_with('/') && path.bytes().all(|byte| byte > b' ' && byte != 0x7f), "{path:?}");
        // Two readers of one URL agree on its host.
        let typed = Url::parse(raw).expect("what is a target is a URL");
        assert_eq!((&typed.host, typed.port, typed.text()), (&url.host, url.port, url.text()));
    }
});

fn check(url: &Url, raw: &str) {
    let (host, text) = (url.host.as_str(), url.text());
    assert!(url.port != 0 && text.starts_with(host) && text[host.len()..].starts_with('/'));
    assert!(text.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && !byte.is_ascii_uppercase()), "{text:?}");
    // An encoded `?` or `#` is part of a path and stands plain in what is matched, so only without them can it be read again.
    if ["%3f", "%23"].iter().all(|code| !raw.to_ascii_lowercase().contains(code)) && text.len() < 128 * 1024 {
        let path = text[host.len()..].split('?').next().expect("a path");
        assert!(!path.contains("//") && path.split('/').all(|part| part != ".." && part != "."), "{text:?}");
        let again = Url::parse(&url.to_string()).expect("the one spelling is a URL");
        assert_eq!((again.scheme, &again.host, again.text()), (url.scheme, &url.host, text), "a second spelling");
    }
}
