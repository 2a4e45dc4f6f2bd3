//! Ways round the filter (`bypass`), and what is remarked in notes (`audit::remark`). The first byte chooses what the rest is and how it is cut. Nothing panics;
//! what is found can be put on record and is read again; a web proxy's program is seen however it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::audit::remark::Remark;
use usher::bypass::kits::Kits;
use usher::bypass::fingerprint::{Agent, Fingerprints};
use usher::bypass::spread::Names;
use usher::bypass::{Finding, bare, doh, ech, encoded, forms, random, tor, types};
use usher::host::Host;

fn on_record(finding: Option<Finding>) {
    let Some(finding) = finding else { return };
    assert!(finding.seen.len() <= 160 && !finding.seen.chars().any(char::is_control) && !finding.why().is_empty());
    let remark = Remark::from(&finding);
    let note = Remark::join(std::slice::from_ref(&remark), Some("text".to_owned())).expect("a note");
    let (read, text) = Remark::split(&note);
    assert_eq!((read.as_slice(), text), (&[remark][..], "text"));
}

fuzz_target!(|bytes: &[u8]| {
    let Some((how, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match how & 3 {
        0 => {
            let own = Host::parse("own.example").expect("a host");
            [encoded::in_path(&own, &text), forms::in_path(&text), doh::in_path(&text), doh::in_type(&text)].into_iter().for_each(on_record);
            on_record(ech::in_name(&text, "own.example"));
            let _ = Agent::of(&text).map(|agent| agent.to_string());
            on_record(tor::in_hello(&text, how & 4 != 0, || text.to_string()));
        }
        1 => {
            on_record(bare::in_manifest(rest));
            on_record(types::lie("image/png", rest));
            let _ = random::is_noise(rest);
            if let Some(names) = Names::of_bytes(rest) {
                assert_eq!(Names::of_bytes(&names.bytes()), Some(names), "what is kept is read again");
            }
            let _ = Fingerprints::of_bytes(rest);
        }
        2 => {
            let (mut whole, mut pieces) = (Kits::default(), Kits::default());
            whole.feed(rest);
            rest.chunks(usize::from(how >> 2) + 1).for_each(|piece| pieces.feed(piece));
            assert_eq!(whole.finding(), pieces.finding());
            on_record(whole.finding());
        }
        _ => {
            let note = Remark::join(&[], Some(text.to_string())).unwrap_or_default();
            let (remarks, read) = Remark::split(&note);
            assert!(remarks.is_empty() && read == text, "strangers' words are no remark");
            let _ = Remark::split(&text);
        }
    }
});
