//! A feed opens for who has its key, unaltered, and for nobody else.

use super::*;
use crate::illegal::lines;
use proptest::prelude::*;

pub(crate) fn key() -> PublisherKey {
    PublisherKey::of_random(&std::array::from_fn(|at| u8::try_from(at).expect("small")))
}

pub(crate) fn issue(serial: u64) -> Issue {
    let issued = "2026-11-25T08:00:00Z".parse().expect("a time");
    Issue { publisher: "Example Publisher".into(), serial, issued, fresh_hours: 24, purpose: Purpose::List }
}

pub(crate) fn sealed(serial: u64, text: &str) -> Vec<u8> {
    seal(&issue(serial), &lines::read(text, None).expect("lines"), &key()).expect("sealed")
}

/// A feed of these lines, sealed and opened.
pub(crate) fn feed(text: &str) -> Feed {
    open(&sealed(7, text), &licence()).expect("opened")
}

pub(crate) fn licence() -> Licence {
    key().licence().expect("a licence")
}

const LINES: &str = "child-sexual-abuse http://sealed.example/album/1\nchild-sexual-abuse https://sealed.example/album/2\nterrorism site bad.example\n\
    terrorism https://sealed.example/album/1\n";

#[test]
fn a_feed_that_is_sealed_is_opened() {
    let feed = feed(LINES);
    let Header { pages, sites, https_only, kinds, fresh_hours, serial, publisher, .. } = &feed.header;
    assert_eq!((*pages, *sites, *https_only, *fresh_hours, *serial, &**publisher), (2, 1, 1, 24, 7, "Example Publisher"));
    assert_eq!(kinds, &[Kind::ChildSexualAbuse, Kind::Terrorism]);
    assert_eq!(feed.page(b"sealed.example/album/1"), Some(Kind::ChildSexualAbuse), "listed as http and https: once, and seen openly");
    assert_eq!(feed.page(b"sealed.example/album/2"), Some(Kind::ChildSexualAbuse));
    assert_eq!(feed.site(b"bad.example"), Some(Kind::Terrorism));
    assert_eq!((feed.page(b"bad.example"), feed.site(b"sealed.example/album/1"), feed.page(b"sealed.example/")), (None, None, None));
    assert_eq!(feed.header.good_until().to_string(), "2026-11-26T08:00:00Z");
}

#[test]
fn the_file_says_who_and_how_many_and_never_what() {
    let file = sealed(7, LINES);
    let has = |words: &[u8]| memchr::memmem::find(&file, words).is_some();
    assert!(has(b"Example Publisher"), "who made it may be read");
    let keys = licence().matching();
    for (scope, spelling) in [(Scope::Page, &b"sealed.example/album/1"[..]), (Scope::Page, b"sealed.example/album/2"), (Scope::Site, b"bad.example")] {
        assert!(!has(spelling) && !has(spelling.split(|byte| *byte == b'/').next().expect("a host")));
        for length in [4, 8, 16] {
            assert!(!has(&blake3::hash(spelling).as_bytes()[..length]), "a hash that anybody could make");
            assert!(!has(&keys.hash(scope, spelling)[..length]), "a hash that who has the key could make: the body is encrypted");
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let file = sealed(7, LINES);
    let with = |at: usize, byte: u8| {
        let mut altered = file.clone();
        altered[at] ^= byte;
        altered
    };
    let other = PublisherKey::of_random(&[9; 64]);
    for (what, bytes, words) in [
        ("empty", Vec::new(), "it is not a sealed feed"),
        ("another file", b"PNG and so on".to_vec(), "it is not a sealed feed"),
        ("a later version", with(8, 2), "it is of version 3"),
        ("cut short", file[..file.len() / 2].to_vec(), "it is cut short"),
        ("without its signature", file[..file.len() - 64].to_vec(), "it does not end where it says"),
        ("longer", [file.clone(), vec![0]].concat(), "it does not end where it says"),
        ("another serial", with(12, 1), "its signature is not that of the publisher"),
        ("another body", with(file.len() - 70, 1), "its signature is not that of the publisher"),
        ("another signature", with(file.len() - 1, 1), "its signature is not that of the publisher"),
        ("another publisher", seal(&issue(7), &[], &other).expect("sealed"), "its signature is not that of the publisher"),
    ] {
        let error = open(&bytes, &licence()).expect_err(what).to_string();
        assert!(error.contains(words), "{what}: {error}");
    }
}

/// A feed with a row for each of these tags, signed by its publisher whatever it says.
fn made_wrongly(header: &Header, rows: &[[u8; ROW]]) -> Vec<u8> {
    let (key, mut body) = (key(), [rows.concat(), vec![0xff; 8]].concat());
    let bytes = header.bytes();
    let mut file = [&MAGIC[..], &VERSION.to_le_bytes(), &u16::try_from(bytes.len()).expect("short").to_le_bytes(), &bytes].concat();
    let nonce = licence().cipher().expect("a cipher").seal_in_place_append_tag(Aad::from(&file), &mut body).expect("sealed");
    file.extend(nonce.as_ref());
    file.extend(u32::try_from(body.len()).expect("short").to_le_bytes());
    file.extend(body);
    file.extend(key.sign(&file).expect("signed"));
    file
}

#[test]
fn a_publisher_cannot_make_a_feed_that_is_not_what_it_says() {
    let sound = Header { pages: 1, sites: 1, https_only: 0, ..feed(LINES).header };
    let row = |first: u8, tag: u8| {
        std::array::from_fn(|at| {
            if at == 0 {
                first
            } else if at == 16 {
                tag
            } else {
                0
            }
        })
    };
    assert!(open(&made_wrongly(&sound, &[row(1, 0), row(2, 3)]), &licence()).is_ok());
    for (what, header, rows, words) in [
        ("two rows less", sound.clone(), vec![], "fewer entries than it says"),
        ("a row more", sound.clone(), vec![row(1, 0), row(2, 3), row(3, 0)], "filter of hosts has an odd length"),
        ("out of order", sound.clone(), vec![row(2, 0), row(1, 2)], "out of order"),
        ("twice the same", sound.clone(), vec![row(1, 0), row(1, 2)], "out of order"),
        ("an unknown kind", sound.clone(), vec![row(1, 0), row(2, 4)], "of a kind it does not say"),
        ("a kind it leaves out", Header { kinds: vec![Kind::Terrorism], ..sound.clone() }, vec![row(1, 0), row(2, 3)], "of a kind it does not say"),
        ("two pages", sound.clone(), vec![row(1, 0), row(2, 1)], "other sites than it says"),
        ("good for ever", Header { fresh_hours: u32::MAX, ..sound.clone() }, vec![row(1, 0), row(2, 3)], "more than a year"),
        ("good for no time", Header { fresh_hours: 0, ..sound.clone() }, vec![row(1, 0), row(2, 3)], "for no time"),
        ("nobody's", Header { publisher: " ".into(), ..sound.clone() }, vec![row(1, 0), row(2, 3)], "name is empty"),
        ("a name that moves the cursor", Header { publisher: "a\u{1b}[2J".into(), ..sound.clone() }, vec![row(1, 0), row(2, 3)], "name is empty"),
        ("without a serial", Header { serial: 0, ..sound.clone() }, vec![row(1, 0), row(2, 3)], "no serial"),
        ("more https than pages", Header { https_only: 2, ..sound.clone() }, vec![row(1, 0), row(2, 3)], "https only"),
        ("more than fit", Header { pages: u32::MAX, ..sound.clone() }, vec![row(1, 0), row(2, 3)], "too many entries"),
    ] {
        let error = open(&made_wrongly(&header, &rows), &licence()).expect_err(what).to_string();
        assert!(error.contains(words), "{what}: {error}");
    }
}

#[test]
fn a_file_that_lies_about_its_length_takes_no_memory() {
    let mut file = sealed(7, LINES);
    let body_length = 12 + 34 + "Example Publisher".len() + NONCE;
    file[body_length..body_length + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(open(&file, &licence()).err(), Some(SealedError::Length("it says it has more entries than a feed may have")));
}

proptest! {
    /// Nobody but the publisher can change a bit of it.
    #[test]
    fn a_flipped_bit_anywhere_is_refused(at in 0..100_000usize, bit in 0..8u8) {
        let mut file = sealed(7, LINES);
        let at = at % file.len();
        file[at] ^= 1 << bit;
        prop_assert!(open(&file, &licence()).is_err());
    }

    #[test]
    fn a_part_of_it_is_refused(from in 0..100_000usize, length in 0..100_000usize) {
        let file = sealed(7, LINES);
        let from = from % file.len();
        let to = from + length % (file.len() - from);
        prop_assert!(open(&file[from..to], &licence()).is_err());
    }

    #[test]
    fn strangers_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), with_magic: bool) {
        let bytes = if with_magic { [&MAGIC[..], &VERSION.to_le_bytes(), &bytes].concat() } else { bytes };
        prop_assert!(open(&bytes, &licence()).is_err());
        let _ = peek(&bytes);
    }

    /// What is listed is found, and nothing else.
    #[test]
    fn what_is_listed_is_found(listed in proptest::collection::hash_set("[a-c]{1,4}", 0..40), asked in "[a-c]{1,4}") {
        let text: String = listed.iter().map(|name| format!("terrorism http://a.example/{name}\n")).collect();
        let feed = feed(&text);
        prop_assert_eq!(feed.header.pages as usize, listed.len());
        prop_assert_eq!(feed.page(format!("a.example/{asked}").as_bytes()).is_some(), listed.contains(&asked));
    }
}
