//! Sealed feeds, their keys and the lines they are made of (`illegal`). Nobody but a publisher can make a feed, and whatever is read is bounded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use usher::illegal::key::{Licence, PublisherKey};
use usher::illegal::sealed::{self, Issue, Purpose};
use usher::illegal::{Kind, lines, spelling};
use usher::url::Url;

struct Publisher {
    key: PublisherKey,
    licence: Licence,
    feed: Vec<u8>,
}

fn issue() -> Issue {
    Issue { publisher: "Example Publisher".into(), serial: 7, issued: jiff::Timestamp::UNIX_EPOCH, fresh_hours: 24, purpose: Purpose::List }
}

static PUBLISHER: LazyLock<Publisher> = LazyLock::new(|| {
    let key = PublisherKey::of_random(&[7; 64]);
    let entries = lines::read("terrorism http://a.example/1\nterrorism site b.example\n", None).expect("lines");
    let feed = sealed::seal(&issue(), &entries, &key).expect("a feed");
    Publisher { licence: key.licence().expect("a licence"), feed, key }
});

fuzz_target!(|bytes: &[u8]| {
    let Publisher { key, licence, feed } = &*PUBLISHER;
    // Strangers' bytes, alone and laid over a feed.
    assert!(sealed::open(bytes, licence).is_err());
    let _ = sealed::peek(bytes);
    if let Some((at, over)) = bytes.split_first() {
        let mut altered = feed.clone();
        let at = usize::from(*at) % altered.len();
        altered.iter_mut().skip(at).zip(over).for_each(|(byte, over)| *byte ^= over);
        assert_eq!(sealed::open(&altered, licence).is_ok(), altered == *feed);
        let _ = sealed::peek(&altered);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = (Licence::read(text), PublisherKey::read(text));
    if let Ok(entries) = lines::read(text, Some(Kind::Terrorism)) {
        let opened = sealed::open(&sealed::seal(&issue(), &entries, key).expect("what is read can be sealed"), licence).expect("what is sealed can be opened");
        for entry in &entries {
            assert!(opened.page(&entry.spelling).or(opened.site(&entry.spelling)).is_some(), "an entry is not found");
        }
    }
    if let Ok(url) = Url::parse(text) {
        let (listed, mut readings) = (spelling::of_page(&url), Vec::new());
        let _: Option<()> = spelling::each_reading(&url, |reading| {
            readings.push(reading.to_vec());
            None
        });
        assert!((1..=2).contains(&readings.len()) && readings[0] == listed, "a page is not found under its own URL");
    }
});
