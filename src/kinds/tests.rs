//! Files as real tools make them, read whole, in any pieces, and changed.

use super::reader::{Note, by_name};
use super::{Class, Reader, Seen};
use crate::body::coding::{Coding, Codings};
use proptest::prelude::*;
use std::io::{Cursor, Write};
use std::process::{Command, Stdio};
use zip::write::SimpleFileOptions;

/// What is noticed of a file that comes in pieces of these sizes, the last again and again.
fn notes(bytes: &[u8], codings: impl Into<Codings>, sizes: &[usize]) -> Vec<Note> {
    let mut reader = Reader::new(&codings.into(), true);
    let (mut rest, mut turn) = (bytes, 0);
    while !rest.is_empty() {
        let size = sizes.get(turn.min(sizes.len().saturating_sub(1))).copied().unwrap_or(rest.len()).clamp(1, rest.len());
        turn += 1;
        reader.take(&rest[..size]);
        rest = &rest[size..];
    }
    reader.finish();
    reader.notes().collect()
}

fn whole(bytes: &[u8]) -> Vec<Note> {
    notes(bytes, Codings::default(), &[])
}

fn classes(notes: &[Note]) -> Vec<Class> {
    let found = notes.iter().filter_map(|note| match note {
        Note::Found(found) => Some(found.class),
        Note::Member(_) | Note::Bomb => None,
    });
    found.collect()
}

fn members(notes: &[Note]) -> Vec<&str> {
    let named = notes.iter().filter_map(|note| match note {
        Note::Member(name) => Some(name.as_str()),
        Note::Found(_) | Note::Bomb => None,
    });
    named.collect()
}

/// A ZIP of these names; `text` is in each.
fn zip(names: &[&str], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        writer.start_file(*name, options).expect("a member");
        writer.write_all(b"text, text, text and text").expect("written");
    }
    writer.finish().expect("whole").into_inner()
}

fn packed(names: &[&str]) -> Vec<u8> {
    zip(names, SimpleFileOptions::default())
}

fn stored(names: &[&str]) -> Vec<u8> {
    zip(names, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored).large_file(true))
}

/// A tar of these names and contents.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).expect("a member");
    }
    builder.into_inner().expect("whole")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("whole")
}

/// A program for Windows, as far as its head.
fn program() -> Vec<u8> {
    let mut bytes = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff".to_vec();
    bytes.resize(1024, 0);
    bytes
}

fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend((0..2000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()));
    bytes
}

#[test]
fn a_file_is_known_by_how_it_begins() {
    let iso = [vec![0; 32 * 1024], b"\x01CD001\x01".to_vec(), vec![0; 100]].concat();
    for (bytes, class) in [
        (program(), Class::Executable),
        (b"\x7fELF\x02\x01\x01".to_vec(), Class::Executable),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01".to_vec(), Class::Executable),
        (b"\xca\xfe\xba\xbe\0\0\0\x34".to_vec(), Class::Executable),
        (b"!<arch>\ndebian-binary   ".to_vec(), Class::Executable),
        (b"!<arch>\nother.o/".to_vec(), Class::Archive),
        (b"#!/bin/sh\nrm -r x\n".to_vec(), Class::Script),
        (b"Cr24\x03\0\0\0".to_vec(), Class::Extension),
        (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), Class::Archive),
        (b"Rar!\x1a\x07\x01\0".to_vec(), Class::Archive),
        (b"\xfd7zXZ\0".to_vec(), Class::Archive),
        (b"BZh91AY&SY".to_vec(), Class::Archive),
        (b"\x28\xb5\x2f\xfd".to_vec(), Class::Archive),
        (b"MSCF\0\0\0\0".to_vec(), Class::Archive),
        (packed(&["a.txt"]), Class::Archive),
        (tar(&[("a.txt", b"a")]), Class::Archive),
        (iso, Class::DiskImage),
        (b"%PDF-1.7".to_vec(), Class::Document),
        (png(), Class::Image),
        (b"\xff\xd8\xff\xe0".to_vec(), Class::Image),
        (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), Class::Image),
        (b"RIFF\x10\0\0\0WAVEfmt ".to_vec(), Class::Audio),
        (b"\0\0\0\x18ftypmp42".to_vec(), Class::Video),
        (b"\x1aE\xdf\xa3".to_vec(), Class::Video),
        (b"wOF2".to_vec(), Class::Font),
        (b"d8:announce35:udp".to_vec(), Class::Torrent),
    ] {
        assert_eq!(classes(&whole(&bytes)), [class], "{:?}", &bytes[..8.min(bytes.len())]);
    }
    for text in ["", "MZ", "MZ is the code of Mozambique, which lies in the south of Africa, by the sea.", "<!doctype html><p>PK", "{\"a\": 1}", "hello", "d"] {
        assert_eq!(whole(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn a_zip_is_what_is_in_it() {
    for (names, class) in [
        (&["[Content_Types].xml", "_rels/.rels", "word/document.xml"][..], &[Class::Document][..]),
        (&["[Content_Types].xml", "word/vbaProject.bin"], &[Class::Document, Class::Macros]),
        // It begins as a document, and is none.
        (&["[Content_Types].xml", "game/level1.dat"], &[Class::Document, Class::Archive]),
        (&["AndroidManifest.xml", "classes.dex"], &[Class::Archive, Class::Executable]),
        (&["META-INF/MANIFEST.MF", "A.class"], &[Class::Archive, Class::Executable]),
        (&["notes.txt"], &[Class::Archive]),
    ] {
        for bytes in [packed(names), stored(names)] {
            let found = whole(&bytes);
            let mut seen = classes(&found);
            // Each member is named by its own header and in the list at the end.
            seen.dedup();
            seen.truncate(class.len());
            assert_eq!(seen, class, "{names:?}");
            for name in names {
                assert_eq!(members(&found).iter().filter(|member| *member == name).count(), 2, "{names:?}");
            }
        }
    }
    let book = stored(&["mimetype"]);
    let text = b"text, text, text and text";
    let at = book.windows(text.len()).position(|part| part == text).expect("stored");
    let mut book = book;
    book[at..at + 20].copy_from_slice(b"application/epub+zip");
    assert_eq!(classes(&whole(&book))[0], Class::Document);
}

#[test]
fn a_list_that_names_others_than_the_headers_do_is_read_too() {
    let mut bytes = stored(&["notes.txt"]);
    let last = bytes.windows(9).rposition(|part| part == b"notes.txt").expect("listed");
    bytes[last..last + 9].copy_from_slice(b"setup.exe");
    let notes = whole(&bytes);
    assert_eq!(members(&notes), ["notes.txt", "setup.exe"]);
    // A size that hides what follows hides nothing.
    let mut bytes = stored(&["notes.txt", "setup.exe"]);
    bytes[18..22].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(members(&whole(&bytes)).contains(&"setup.exe"));
}

#[test]
fn a_tar_is_read_through_whatever_it_says_of_itself() {
    let long = format!("{}/setup.exe", "folder".repeat(30));
    let program = program();
    let made = tar(&[("a.txt", b"a"), (&long, &program), ("b.jpg", &program), ("empty", b"")]);
    let found = whole(&made);
    assert_eq!(members(&found), ["a.txt", long.as_str(), "b.jpg", "empty"]);
    let inside: Vec<_> = found.iter().filter(|note| matches!(note, Note::Found(found) if found.class == Class::Executable)).collect();
    assert_eq!(inside.len(), 2, "by what they begin with: {found:?}");
    assert_eq!(members(&whole(&gzip(&made))), members(&found));
    // A block that is no header is passed over, as tar does.
    let broken = [&made[..1024], &[b'x'; 512], &made[1024..]].concat();
    assert_eq!(members(&whole(&broken)), members(&found));
    assert_eq!(classes(&whole(&gzip(&program))), [Class::Archive, Class::Executable]);
}

#[test]
fn an_archive_behind_a_picture_is_found() {
    for (behind, class) in
        [(packed(&["setup.exe"]), Class::Archive), (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), Class::Archive), (b"Rar!\x1a\x07\0".to_vec(), Class::Archive)]
    {
        let notes = whole(&[png(), behind].concat());
        assert!(notes.iter().any(|note| matches!(note, Note::Found(found) if found.class == class && found.seen == Seen::Behind)), "{notes:?}");
    }
    assert!(members(&whole(&[png(), packed(&["setup.exe"])].concat())).contains(&"setup.exe"));
    assert_eq!(classes(&whole(&png())), [Class::Image]);
}

#[test]
fn older_documents_and_installers_are_told_apart() {
    let compound = |inner: &[u8]| [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[1; 3000], inner, &[2; 100]].concat();
    let guid = |first| [&[first], b"\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46".as_slice()].concat();
    assert_eq!(classes(&whole(&compound(b""))), [Class::Document]);
    assert_eq!(classes(&whole(&compound(&guid(0x84)))), [Class::Document, Class::Executable]);
    assert_eq!(classes(&whole(&compound(&guid(0x11)))), [Class::Document]);
    assert_eq!(classes(&whole(&compound(b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0"))), [Class::Document, Class::Macros]);
}

#[test]
fn what_is_coded_on_the_way_is_known_all_the_same() {
    let program = program();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(&program).expect("written");
    let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    raw.write_all(&program).expect("written");
    let zstd = zstd::encode_all(program.as_slice(), 3).expect("packed");
    for (bytes, coding) in [
        (gzip(&program), Coding::Gzip),
        (zlib.finish().expect("whole"), Coding::Deflate),
        (raw.finish().expect("whole"), Coding::Deflate),
        (zstd, Coding::Zstd),
        // What brotli makes of it where it does not compress: one uncompressed part of 1024 bytes, and the end.
        ([&[0x03, 0xfe, 0x0f, 0x80][..0], &brotli(&program)].concat(), Coding::Brotli),
    ] {
        for sizes in [&[][..], &[1], &[7, 100]] {
            assert_eq!(classes(&notes(&bytes, coding, sizes)), [Class::Executable], "{coding:?}");
        }
    }
    let bomb = gzip(&vec![0; 100 << 20]);
    assert!(notes(&bomb, Coding::Gzip, &[]).contains(&Note::Bomb));
    assert!(notes(&bomb, Codings::default(), &[48 * 1024]).contains(&Note::Bomb), "as a file too");
}

/// A brotli stream (RFC 7932 section 9.2) that stores its bytes: a window of 64 KiB, one part that is not compressed, an empty last one.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() <= 65536);
    // Window: one bit 0. Not last: 0. Length in 4 nibbles: 00. Length less one: 16 bits. Not compressed: 1. Then up to a whole byte.
    let bits = (u32::try_from(bytes.len()).expect("short") - 1) << 4 | 1 << 20;
    let mut out = bits.to_le_bytes()[..3].to_vec();
    out.extend_from_slice(bytes);
    // Last, and empty.
    out.push(3);
    out
}

/// What a tool makes of this folder; none where it is missing.
fn made_by(program: &str, arguments: &[&str], folder: &std::path::Path) -> Option<Vec<u8>> {
    let child = Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::null()).output();
    match child {
        Ok(output) => Some(output.stdout),
        Err(_) => {
            let _ = writeln!(std::io::stderr(), "skipped: no {program}");
            None
        }
    }
}

#[test]
fn what_real_tools_pack_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("games")).expect("made");
    std::fs::write(folder.path().join("games/setup.exe"), program()).expect("written");
    std::fs::write(folder.path().join("read.me"), "read me").expect("written");
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("made");
    // To a pipe: sizes come behind the content, and are ZIP64's.
    if let Some(bytes) = made_by("zip", &["-q", "-r", "-", "read.me", "games"], folder.path()) {
        assert!(members(&whole(&bytes)).contains(&"games/setup.exe"));
    }
    if made_by("zip", &["-q", "-P", "secret", "-r", "locked.zip", "read.me", "games"], folder.path()).is_some() {
        let notes = whole(&read("locked.zip"));
        assert!(classes(&notes).contains(&Class::Encrypted) && members(&notes).contains(&"games/setup.exe"));
    }
    if let Some(bytes) = made_by("tar", &["-c", "read.me", "games"], folder.path()) {
        let notes = whole(&bytes);
        assert!(members(&notes).contains(&"games/setup.exe") && classes(&notes).contains(&Class::Executable));
    }
    if let Some(bytes) = made_by("tar", &["--format=pax", "-c", "-z", "read.me", "games"], folder.path()) {
        assert!(members(&whole(&bytes)).contains(&"games/setup.exe"));
    }
    if made_by("7z", &["a", "-bd", "games.7z", "games"], folder.path()).is_some() {
        assert_eq!(classes(&whole(&read("games.7z"))), [Class::Archive]);
        made_by("7z", &["a", "-bd", "-tzip", "-mem=AES256", "-psecret", "aes.zip", "games"], folder.path());
        assert!(classes(&whole(&read("aes.zip"))).contains(&Class::Encrypted));
    }
}

#[test]
fn names_say_what_a_file_is() {
    for (name, class) in [
        ("setup.exe", Some(Class::Executable)),
        ("song.mp3.SCR", Some(Class::Executable)),
        ("report.docm", Some(Class::Macros)),
        ("go.bat.", Some(Class::Script)),
        ("a.tar.gz", Some(Class::Archive)),
        ("page.html", None),
        ("noending", None),
    ] {
        assert_eq!(by_name(name).map(|found| found.class), class, "{name}");
    }
}

fn files() -> impl Strategy<Value = Vec<u8>> {
    let some = vec![
        packed(&["notes.txt", "games/setup.exe"]),
        stored(&["[Content_Types].xml", "word/vbaProject.bin", "x/y"]),
        tar(&[("a.txt", b"a"), ("b.exe", &program()), (&"long".repeat(60), b"x")]),
        gzip(&tar(&[("a.txt", b"a"), ("b.exe", &program())])),
        [png(), packed(&["setup.exe"])].concat(),
        [png(), b"7z\xbc\xaf\x27\x1c\0\x04".to_vec()].concat(),
        [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), vec![1; 300], b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0".to_vec()].concat(),
        program(),
        b"#!".to_vec(),
    ];
    prop_oneof![prop::sample::select(some), prop::collection::vec(any::<u8>(), 0..3000)]
}

proptest! {
    #[test]
    fn how_it_is_cut_makes_no_difference(bytes in files(), sizes in prop::collection::vec(1usize..700, 1..6), change in any::<Option<(u16, u8)>>()) {
        let mut bytes = bytes;
        if let Some((at, byte)) = change && !bytes.is_empty() {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        let sorted = |mut notes: Vec<Note>| { notes.sort_by_key(|note| format!("{note:?}")); notes };
        let once = sorted(whole(&bytes));
        prop_assert_eq!(sorted(notes(&bytes, Codings::default(), &sizes)), once.clone());
        prop_assert_eq!(sorted(notes(&bytes, Codings::default(), &[1])), once);
    }

    #[test]
    fn nothing_that_claims_a_coding_stops_it(bytes in prop::collection::vec(any::<u8>(), 0..500), which in 0usize..4) {
        let coding = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd][which];
        notes(&bytes, coding, &[3]);
    }
}
