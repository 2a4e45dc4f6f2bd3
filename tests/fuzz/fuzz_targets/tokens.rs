//! The tokens of warnings (`proxy::warnings`). Only what was signed is accepted, from the person it was signed for.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use std::time::Duration;
use usher::host::Host;
use usher::identity::{GroupId, Identity, Standing};
use usher::proxy::warnings::Warnings;

fuzz_target!(|bytes: &[u8]| {
    let warnings = Warnings::new([9; 32], Duration::from_secs(900));
    let (person, client) = (Identity::proved("a".into(), Standing::Member(GroupId(0))), IpAddr::from([10, 7, 0, 1]));
    let now = Timestamp::from_second(1_700_000_000).expect("a time");
    let site = Host::parse("chat.example").expect("a host");
    let accepts = |token: &str| warnings.accept(token, &person, client, now).ok();

    // As they come, and as the bytes of a token.
    assert_eq!(std::str::from_utf8(bytes).ok().and_then(accepts), None, "accepted, and nobody signed it");
    assert_eq!(accepts(&URL_SAFE_NO_PAD.encode(bytes)), None, "accepted, and nobody signed it");

    // A signed one, some of its bytes changed: each three of the input are a place and what is done there.
    let signed = warnings.token(&person, client, &site, "http://chat.example/room?x=1", now);
    let mut changed = signed.clone().into_bytes();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(change[0]) % changed.len().max(1);
        match change[1] % 3 {
            0 if at < changed.len() => changed[at] = change[2],
            1 if at < changed.len() => drop(changed.remove(at)),
            _ => changed.insert(at.min(changed.len()), change[2]),
        }
    }
    if let Ok(changed) = String::from_utf8(changed) {
        assert_eq!(accepts(&changed).is_some(), changed == signed, "accepted, and it was changed");
    }

    // The bytes in a URL's place, signed: the person gets it back, nobody else does.
    let Ok(url) = std::str::from_utf8(bytes) else { return };
    let token = warnings.token(&person, client, &site, url, now);
    assert_eq!(accepts(&token).as_deref(), Some(url));
    let other = Identity::proved("b".into(), Standing::Member(GroupId(0)));
    assert!(warnings.accept(&token, &other, client, now).is_err() && warnings.accept(&token, &Identity::unknown(), client, now).is_err());
});
