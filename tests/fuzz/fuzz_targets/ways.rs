//! Ways round the filter (`bypass`), and what is remarked in notes (`audit::remark`). The first byte chooses what the rest is and how it is cut: a head and a body are asked for
//! all detectors at once. Nothing panics;
//! what is found can be put on record and is read again; a web proxy's program is seen however it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::audit::remark::Remark;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::LazyLock;
use usher::bypass::bodies::Body;
use usher::bypass::heads::{Answer, Request};
use usher::bypass::kits::Kits;
use usher::bypass::paths::For;
use usher::bypass::relay::{Relays, Role, carried};
use usher::bypass::fingerprint::{Agent, Fingerprints};
use usher::bypass::spread::Names;
use usher::bypass::{Finding, bare, doh, ech, encoded, forms, paths, random, tor, types};
use usher::category::{ALWAYS_BLOCKED, CategoryInfo, Page, Taxonomy, Theme};
use usher::host::Host;
use usher::url::Url;

static TAXONOMY: LazyLock<Taxonomy> = LazyLock::new(|| {
    let info = |id: &str| CategoryInfo {
        id: id.to_owned(),
        name: id.to_owned(),
        covers: String::new(),
        theme: Theme::Neutral,
        severity: 0,
        heading: None,
        page: Page::Block,
    };
    Taxonomy::new(ALWAYS_BLOCKED.into_iter().chain(["web-hosting"]).map(info).collect()).expect("a taxonomy")
});

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
    match how & 7 {
        4 => {
            // A head: a line is a field, the first the address.
            let mut lines = text.lines();
            let Ok(url) = Url::parse(lines.next().unwrap_or_default()) else { return };
            let fields: HeaderMap = lines.filter_map(|line| line.split_once(':')).filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?))).collect();
            let request = Request { url: &url, path: url.received(), method: "GET", fields: &fields, categories: TAXONOMY.find("web-hosting").into_iter().collect(), taxonomy: &TAXONOMY };
            request.findings().into_iter().map(Some).for_each(on_record);
            Answer { host: url.host.as_str(), categories: "web-hosting", fields: &fields }.findings().into_iter().map(Some).for_each(on_record);
        }
        5 => {
            // A body: the same is found in it however it is cut.
            let Some((first, body)) = rest.split_first() else { return };
            let declared = [None, Some("text/html"), Some("application/json"), Some("image/png"), Some("application/octet-stream")][usize::from(*first) % 5];
            let read = |size: usize| {
                let mut reading = Body::of(declared, false)?;
                body.chunks(size).for_each(|piece| drop(reading.feed(piece)));
                reading.end()
            };
            assert_eq!(read(usize::MAX), read(usize::from(how >> 3) + 1));
            on_record(read(usize::MAX));
        }
        0 => {
            let own = Host::parse("own.example").expect("a host");
            if let Some(found) = forms::in_path(&text) {
                assert_eq!(forms::form(&text).map(forms::Form::of), Some(found.code), "each has its form");
            }
            [encoded::in_path(&own, &text), forms::in_path(&text), doh::in_path(&text), doh::in_type(&text)].into_iter().for_each(on_record);
            on_record(paths::in_path(&text, || For::Run));
            if let Some((place, page)) = carried(&own, &text) {
                let mut relays = Relays::default();
                assert_eq!(relays.see((1, 1), (Role::Page, place, page.clone()), 1), None, "a page by itself is nothing");
                on_record(relays.see((1, 1), (Role::Part, place, page), 2));
            }
            on_record(ech::in_name(&text, "own.example"));
            let _ = Agent::of(&text).map(|agent| agent.to_string());
            on_record(tor::in_hello(&text, how & 8 != 0, || text.to_string()));
        }
        1 => {
            on_record(bare::in_manifest(rest));
            if let Some(found) = bare::in_message(rest) {
                assert!((0..rest.len()).all(|cut| bare::may_be_message(&rest[..cut])), "what may be one is waited for");
                on_record(Some(found));
            }
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
            rest.chunks(usize::from(how >> 3) + 1).for_each(|piece| pieces.feed(piece));
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
