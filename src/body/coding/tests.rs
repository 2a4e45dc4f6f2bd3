//! What the real tools made is read as it was, wherever it is cut; what is no coding, too much or too dense has a defined end.
//!
//! `fixtures` were made by gzip 1.12, zstd 1.5, node 18's brotli and Python's zlib from `page`.

use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use std::io::Write;

const PAGE: &[u8] = include_bytes!("fixtures/page");

/// A coded body in pieces, decoded: what came out, and how it ended.
fn decoded(coding: &str, limits: Limits, pieces: &[&[u8]]) -> (Vec<u8>, Result<(), Unreadable>) {
    let mut out = Vec::new();
    let mut decoder = match Decoder::new([coding].into_iter(), limits) {
        Ok(decoder) => decoder,
        Err(error) => return (out, Err(error)),
    };
    for piece in pieces {
        let mut input = *piece;
        loop {
            let before = out.len();
            match decoder.step(&mut input, &mut out) {
                Ok(Stepped::More) => assert!((before + 1..=before + STEP).contains(&out.len())),
                Ok(Stepped::Drained) => break,
                Err(error) => return (out, Err(error)),
            }
        }
        assert!(input.is_empty(), "all is read when nothing more comes out");
    }
    (out, Ok(()))
}

/// A body cut at these places.
fn cut<'a>(body: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (body.len() + 1)).chain([body.len()]).collect();
    cuts.sort_unstable();
    let mut from = 0;
    cuts.into_iter().map(|to| &body[std::mem::replace(&mut from, to)..to]).collect()
}

const REAL: [(&str, &[u8]); 8] = [
    ("gzip", include_bytes!("fixtures/page.gz")),
    ("x-gzip", include_bytes!("fixtures/members.gz")),
    ("deflate", include_bytes!("fixtures/zlib")),
    ("deflate", include_bytes!("fixtures/raw")),
    ("br", include_bytes!("fixtures/page.br")),
    ("zstd", include_bytes!("fixtures/page.zst")),
    ("gzip, br", include_bytes!("fixtures/page.gz.br")),
    ("identity, GZIP ,", include_bytes!("fixtures/page.gz")),
];

#[test]
fn a_frame_of_zstd_that_says_it_is_longer_is_read_the_same_wherever_it_is_cut() {
    // One byte, it says, and has one block that is the last and empty; then another frame begins.
    let body = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 1, 0, 0, 0x28];
    let whole = decoded("zstd", Limits::default(), &[&body]);
    for at in 0..body.len() {
        assert_eq!(decoded("zstd", Limits::default(), &cut(&body, &[at])), whole, "{at}");
    }
}

#[test]
fn what_the_real_tools_made_is_read_whole_and_byte_by_byte() {
    for (coding, body) in REAL {
        assert_eq!(decoded(coding, Limits::default(), &[body]), (PAGE.to_vec(), Ok(())), "{coding}");
        assert_eq!(decoded(coding, Limits::default(), &body.chunks(1).collect::<Vec<_>>()), (PAGE.to_vec(), Ok(())), "{coding}, byte by byte");
    }
}

#[test]
fn what_follows_the_end_is_left_and_what_breaks_off_has_given_what_it_held() {
    for (coding, body) in REAL.into_iter().filter(|(coding, _)| *coding != "zstd") {
        let followed = [body, b"rubbish \x1f and more"].concat();
        assert_eq!(decoded(coding, Limits::default(), &[&followed]), (PAGE.to_vec(), Ok(())), "{coding}, followed");
    }
    for (coding, body) in REAL {
        let (out, ended) = decoded(coding, Limits::default(), &[&body[..body.len() / 2]]);
        // Zstd's blocks come whole; this page is one.
        let least = if coding == "zstd" { 0 } else { PAGE.len() / 8 };
        assert!(ended.is_ok() && PAGE.starts_with(&out) && out.len() >= least, "{coding}: {} bytes, {ended:?}", out.len());
    }
    let frames = [&zstd::encode_all(&PAGE[..100], 1).expect("zstd")[..], &zstd::encode_all(&PAGE[100..], 1).expect("zstd")].concat();
    assert_eq!(decoded("zstd", Limits::default(), &[&frames]), (PAGE.to_vec(), Ok(())), "frames one after another");
}

#[test]
fn what_is_none_of_these_is_refused() {
    for (coding, body, why) in [
        ("dcb", &b"x"[..], Unreadable::Unknown("dcb".into())),
        ("gzip, aes128gcm", b"x", Unreadable::Unknown("aes128gcm".into())),
        ("gzip, gzip, gzip, gzip", b"x", Unreadable::Layers(3)),
        ("gzip", b"<!doctype html><p>no gzip at all</p>", Unreadable::Broken),
        ("zstd", b"<!doctype html><p>no zstd at all</p>", Unreadable::Broken),
        ("deflate", b"\xff\xff\xff\xff\xff\xff", Unreadable::Broken),
        ("br", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Unreadable::Broken),
    ] {
        assert_eq!(decoded(coding, Limits::default(), &[body]).1, Err(why), "{coding}");
    }
    let none = Decoder::new(["identity"].into_iter(), Limits::default()).expect("nothing");
    assert!(none.is_plain() && Codings::default().memory() == 0);
}

#[test]
fn whoever_only_looks_is_given_the_same_until_there_was_enough() {
    for (coding, body) in REAL {
        let (mut decoder, mut room, mut out) = (Decoder::new([coding].into_iter(), Limits::default()).expect("a coding"), Vec::new(), Vec::new());
        for piece in body.chunks(70) {
            let read = decoder.read(piece, &mut room, &mut |bytes| {
                out.extend_from_slice(bytes);
                ControlFlow::Continue(())
            });
            assert_eq!(read, Ok(()), "{coding}");
        }
        assert!(out == PAGE, "{coding}");
        let (mut decoder, mut times) = (Decoder::new([coding].into_iter(), Limits::default()).expect("a coding"), 0);
        let enough = decoder.read(body, &mut room, &mut |bytes| {
            times += usize::from(PAGE.starts_with(bytes));
            ControlFlow::Break(())
        });
        assert_eq!((enough, times), (Ok(()), 1), "{coding}");
    }
    let (mut none, mut seen) = (Decoder::plain(), Vec::new());
    let read = none.read(b"as it is", &mut Vec::new(), &mut |bytes| {
        seen.extend_from_slice(bytes);
        ControlFlow::Continue(())
    });
    assert_eq!((read, seen.as_slice()), (Ok(()), &b"as it is"[..]));
}

#[test]
fn the_codings_of_a_body_are_what_its_fields_say() {
    for (fields, only, plain) in [
        (&[][..], None, true),
        (&["identity, "], None, true),
        (&["identity", "GZip"], Some(Coding::Gzip), false),
        (&["br"], Some(Coding::Brotli), false),
        (&["gzip", "br"], None, false),
    ] {
        let codings = Codings::of(fields.iter().map(|field| field.as_bytes()), 3).expect("known");
        assert_eq!((codings.only(), codings.is_plain()), (only, plain), "{fields:?}");
    }
    assert_eq!(Codings::of([&b"\xff"[..]].into_iter(), 3), Err(Unreadable::Unknown("\u{fffd}".into())));
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(body).expect("in memory");
    gzip.finish().expect("in memory")
}

/// What unpacks to many zeros, in each coding.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let zeros = vec![0; 10 << 20];
    let (once, zstd) = (gzip(&zeros), zstd::encode_all(&zeros[..], 19).expect("zstd"));
    let brotli = include_bytes!("fixtures/zeros.br").to_vec();
    vec![
        ("gzip", once.repeat(1000)),
        ("gzip, gzip", gzip(&once)),
        ("zstd", zstd.clone()),
        ("zstd, gzip, zstd", zstd::encode_all(&gzip(&zstd)[..], 19).expect("zstd")),
        ("br", brotli),
    ]
}

#[test]
fn a_bomb_is_seen_before_it_goes_off() {
    for (coding, bomb) in bombs() {
        let (out, ended) = decoded(coding, Limits::default(), &[&bomb]);
        assert_eq!(ended, Err(Unreadable::TooDense(200)), "{coding}");
        // Gzip gives a thousand for one: what goes in may be dense up to the limit first.
        assert!(out.len() as u64 <= Limits::default().ratio_from + STEP as u64, "{coding}: {} bytes", out.len());
        let lax = Limits { ratio: u64::MAX, bytes: 3 << 20, ..Limits::default() };
        let (out, ended) = decoded(coding, lax, &[&bomb]);
        assert_eq!(ended, Err(Unreadable::TooLarge(3 << 20)), "{coding}");
        assert!(out.len() <= (3 << 20) + STEP, "{coding}");
    }
}

/// A body coded so.
fn coded(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => gzip(body),
        "deflate" => {
            let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
            zlib.write_all(body).expect("in memory");
            zlib.finish().expect("in memory")
        }
        "raw" => {
            let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
            raw.write_all(body).expect("in memory");
            raw.finish().expect("in memory")
        }
        _ => zstd::encode_all(body, 1).expect("zstd"),
    }
}

proptest! {
    #[test]
    fn a_cut_makes_no_difference(
        body in prop_oneof![proptest::collection::vec(any::<u8>(), 0..3000), "[a-d]{0,40000}".prop_map(String::into_bytes)],
        codings in proptest::collection::vec(prop_oneof!["gzip", "deflate", "zstd"], 1..4),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        let packed = codings.iter().fold(body.clone(), |body, coding| coded(coding, &body));
        let (out, ended) = decoded(&codings.join(","), Limits::default(), &cut(&packed, &cuts));
        prop_assert!(ended == Ok(()) && out == body, "{:?} {:?}", codings, ended);
        if let Some(raw) = Some(coded("raw", &body)) {
            prop_assert_eq!(decoded("deflate", Limits::default(), &cut(&raw, &cuts)), (body, Ok(())));
        }
    }

    #[test]
    fn damage_ends_the_same_wherever_it_is_cut(which in 0..REAL.len(), at in any::<usize>(), byte in any::<u8>(), cuts in proptest::collection::vec(any::<usize>(), 0..8)) {
        let (coding, body) = REAL[which];
        let mut body = body.to_vec();
        let at = at % body.len();
        body[at] = byte;
        let (whole, ended) = decoded(coding, Limits::default(), &[&body]);
        let (pieces, ended_too) = decoded(coding, Limits::default(), &cut(&body, &cuts));
        prop_assert_eq!(&ended, &ended_too);
        let shorter = whole.len().min(pieces.len());
        prop_assert_eq!(&whole[..shorter], &pieces[..shorter]);
        // Of brotli and zstd, how much of what precedes the damage has come out may differ; what came is the same.
        prop_assert!(whole == pieces || ended.is_err() && !matches!(coding, "gzip" | "x-gzip" | "deflate"));
    }
}
