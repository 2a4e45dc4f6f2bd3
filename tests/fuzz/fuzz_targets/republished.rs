//! Addresses that hold others (`insight::republished`). What is read out of one is bounded and is an address.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::insight::republished::{MOST, Shown, shown};
use usher::url::Url;

fuzz_target!(|bytes: &[u8]| {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    let Ok(url) = Url::parse(raw) else { return };
    if let Shown::These(others) = shown(&url) {
        assert!(others.len() <= MOST);
        for other in &others {
            assert!((other.url.scheme, other.url.port) == (url.scheme, url.port) && other.url.text().starts_with(other.url.host.as_str()));
            assert!(other.url.text().len() <= 4 * raw.len() + 300, "what is read is no longer than what it is read from");
        }
    }
});
