//! `Basic` credentials (`proxy::identify`). Whatever is accepted says the same name and password when written anew.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use usher::proxy::identify::basic;

fuzz_target!(|bytes: &[u8]| {
    if let Some((name, password)) = basic(bytes) {
        assert!(!name.contains(':'));
        let pair = STANDARD.encode(format!("{name}:{password}"));
        assert_eq!(basic(format!("Basic {pair}").as_bytes()), Some((name, password)));
        let given = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once(' ')).map(|(_, encoded)| encoded.trim());
        assert_eq!(given, Some(&*pair), "two spellings of one pair");
    }
    // The bytes as a name and a password, encoded as a client would.
    let value = format!("basic {}", STANDARD.encode(bytes));
    let expected = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once(':')).map(|(name, password)| (name.to_owned(), password.to_owned()));
    assert_eq!(basic(value.as_bytes()), expected);
});
