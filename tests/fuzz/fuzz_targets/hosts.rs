//! Hosts (`host`). Whatever is accepted has one spelling, the one a name server would be asked for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use usher::host::Host;

fuzz_target!(|bytes: &[u8]| {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    let Ok(host) = Host::parse(raw) else { return };
    let text = host.as_str();
    assert_eq!(Host::parse(text).as_ref(), Ok(&host), "a second spelling");
    assert_eq!(text.parse::<IpAddr>().ok(), host.address(), "an address that is not known for one, or the other way round");
    assert!(host.suffixes().next() == Some(text) && host.is_within(&host));
    match host.address() {
        Some(address) => {
            assert_eq!(address, address.to_canonical());
            let bracketed = if address.is_ipv6() { format!("[{text}]") } else { text.to_owned() };
            assert_eq!(Host::parse(&bracketed).as_ref(), Ok(&host));
        }
        None => {
            assert!(text.len() <= 253 && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')));
            assert!(text.split('.').all(|label| (1..=63).contains(&label.len())), "an empty or long label");
            assert_eq!(Host::parse(&text.to_uppercase()).as_ref(), Ok(&host), "in upper case it is another");
            assert_eq!(Host::parse(&format!("{text}.")).as_ref(), Ok(&host), "with a final dot it is another");
        }
    }
});
