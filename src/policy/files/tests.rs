//! What is refused, and in which words.

use super::*;
use crate::body::coding::{Coding, Codings};
use crate::body::parts::Parts;
use crate::host::Host;
use crate::identity::{GroupId, Standing};
use crate::kinds::{Class, Found, Seen, name};
use std::sync::Arc;

const MIB: u64 = 1 << 20;

fn rules(block: &[Class]) -> Rules {
    Rules { block: block.iter().copied().collect(), archives: true, ..Rules::default() }
}

fn facts(path: &str, essence: &str) -> Facts {
    Facts { path: name::of_path(path), types: vec![essence.to_owned()], codings: Some(Codings::default()), ..Facts::default() }
}

fn judged(rules: Rules, facts: Facts, bytes: &[u8]) -> Verdict {
    let mut judge = match Judge::new(Arc::new(rules), facts, false) {
        Ok(judge) => judge,
        Err(refusal) => return Verdict::Refuse(refusal),
    };
    match judge.feed(bytes) {
        Verdict::Refuse(refusal) => Verdict::Refuse(refusal),
        Verdict::Wait | Verdict::Pass => judge.end(),
    }
}

fn program() -> Vec<u8> {
    [b"MZ\x90\0\x03\0\0\0".as_slice(), &[0; 600]].concat()
}

#[test]
fn a_form_that_cannot_be_read_is_refused_where_files_are_judged() {
    let long = "x".repeat(100);
    let gzip = Facts { codings: Some(Coding::Gzip.into()), ..facts("/", "multipart/form-data") };
    for (kind, form, refused) in [
        (format!("multipart/form-data; boundary={long}"), facts("/", "multipart/form-data"), true),
        ("Multipart/Form-Data".to_owned(), facts("/", "multipart/form-data"), true),
        ("multipart/form-data; boundary=x".to_owned(), gzip, true),
        ("multipart/form-data; boundary=x".to_owned(), facts("/", "multipart/form-data"), false),
    ] {
        // Whether bytes are looked at, or only what each part says of itself.
        let typed = Rules { types: vec!["application/x-msdownload".into()], ..Rules::default() };
        let ending = Rules { endings: vec!["exe".into()], ..Rules::default() };
        for rules in [rules(&[Class::Executable]), typed, ending] {
            assert_eq!(Uploads::new(Arc::new(rules), &kind, form.clone()).is_err(), refused, "{kind}");
        }
        assert!(Uploads::new(Arc::new(Rules { largest_mib: Some(1), ..Rules::default() }), &kind, form).is_ok(), "{kind}");
    }
}

/// A form that a site may take apart in another way than is written is refused, and so is whatever might hide in it.
#[test]
fn a_form_is_judged_as_any_site_may_read_it() {
    let sent = |kind: &str, body: &[u8]| {
        let mut uploads = Uploads::new(Arc::new(rules(&[Class::Executable])), kind, facts("/", "multipart/form-data"))?;
        uploads.feed(body)?;
        uploads.end()
    };
    let program = program();
    let named = "--x\r\nContent-Disposition: form-data; name=f; filename=\"a.txt\"";
    for (head, tail) in [
        (format!("{named}\r\n\r\n"), &b"\r\n--x--\r\n"[..]),
        // Before the first boundary, behind the last, and without one.
        (String::new(), b"\r\n--x--\r\n"),
        ("--x\r\n\r\nx\r\n--x--\r\n\r\n".to_owned(), b""),
        // Within another form.
        ("--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n".to_owned(), b"\r\n--y--\r\n--x--\r\n"),
        ("--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n".to_owned(), b"\r\n--x--\r\n"),
        // Line ends that some sites take for the end of the fields, and others do not.
        (format!("{named}\n\n"), b"\r\n--x--\r\n"),
        (format!("{named}\r\n\r\ntext\n--x\r\n\r\n"), b"\r\n--x--\r\n"),
        (format!("{named}\r\nX: {}\r\n\r\n", "y".repeat(20_000)), b"\r\n--x--\r\n"),
    ] {
        let body = [head.as_bytes(), &program, tail].concat();
        assert!(sent("multipart/form-data; boundary=x", &body).is_err(), "{head:?}");
        assert_eq!(
            sent("multipart/form-data; boundary=x", &[head.as_bytes(), b"text", tail].concat()).is_err(),
            head.is_empty() || head.ends_with("=y\r\n\r\n") || head.contains("\n\n") || head.len() > 10_000 || head.contains("t\n"),
            "{head:?}"
        );
    }
    assert_eq!(sent("multipart/form-data; boundary=x; boundary=y", b"--x\r\n\r\nx"), Err(Refusal::Coded));
    // Another boundary than some sites see: the file would be bytes of a text without a name.
    let file = b"--real\r\nContent-Disposition: form-data; name=f; filename=setup.exe\r\n\r\nMZ\r\n--real--\r\n";
    for parameters in ["boundary=real,x", "xboundary=real; boundary=fake", "boundary=\"re\\al,\"", "boundary=fake"] {
        assert_eq!(sent(&format!("multipart/form-data; {parameters}"), file), Err(Refusal::Coded), "{parameters}");
    }
    assert_eq!(sent("multipart/form-data; boundary=*****", b"\r\n--*****\r\nContent-Disposition: form-data; name=f\r\n\r\nx\r\n--*****--\r\n"), Ok(()));
    // Of an answer too, where only what its parts say counts.
    let unread = Facts { parts: Parts::of("multipart/mixed; boundary=b"), codings: None, ..facts("/x", "multipart/mixed") };
    let typed = Rules { types: vec!["application/x-msdownload".into()], ..Rules::default() };
    assert_eq!(judged(typed, unread, b"--b"), Verdict::Refuse(Refusal::Coded));
}

#[test]
fn each_part_of_an_answer_is_a_file() {
    let answer =
        |kind: &str, codings: Codings| Facts { parts: Parts::of(kind), codings: Some(codings), ..facts("/x", kind.split(';').next().expect("a type")) };
    let part = |head: &str, bytes: &[u8]| [b"--b\r\n", head.as_bytes(), b"\r\n\r\n", bytes, b"\r\n--b--\r\n"].concat();
    let blocked = || rules(&[Class::Executable]);
    for kind in ["multipart/x-mixed-replace; boundary=b", "multipart/mixed; boundary=\"b\"", "multipart/related; boundary=b"] {
        for (head, bytes) in [
            ("Content-Type: image/png", program()),
            ("Content-Type: text/html\r\nContent-Disposition: attachment; filename=setup.exe", b"x".to_vec()),
            ("Content-Type: application/x-msdownload", b"x".to_vec()),
            ("Content-Type: message/rfc822", [b"A: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nMZ=90=00\x03\0\0\0", &[0; 600][..]].concat()),
        ] {
            let body = part(head, &bytes);
            assert!(matches!(judged(blocked(), answer(kind, Codings::default()), &body), Verdict::Refuse(Refusal::Kind(_))), "{kind} {head}");
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            std::io::Write::write_all(&mut gzip, &body).expect("written");
            let packed = gzip.finish().expect("whole");
            assert!(matches!(judged(blocked(), answer(kind, Coding::Gzip.into()), &packed), Verdict::Refuse(Refusal::Kind(_))), "{kind} {head}, packed");
        }
        assert_eq!(judged(blocked(), answer(kind, Codings::default()), &part("Content-Type: text/html", b"<p>Hello")), Verdict::Pass);
        // Browsers read bare line feeds as well.
        assert_eq!(judged(blocked(), answer(kind, Codings::default()), b"--b\nContent-Type: image/jpeg\n\n\xff\xd8\xff\xe0\n--b--\n"), Verdict::Pass);
    }
    assert_eq!(judged(blocked(), answer("multipart/mixed", Codings::default()), b"--b"), Verdict::Refuse(Refusal::Coded));
    // Nothing of a part leaves before it is known what it is, and what was known has left does not wait.
    let mut stream = Judge::new(Arc::new(blocked()), answer("multipart/x-mixed-replace; boundary=b", Codings::default()), false).expect("begun");
    assert_eq!(stream.feed(b"--b\r\nContent-Type: application/octet-stream\r\n\r\nM"), Verdict::Wait);
    assert!(matches!(stream.feed(&program()[1..]), Verdict::Refuse(_)));
    let mut camera = Judge::new(Arc::new(blocked()), answer("multipart/x-mixed-replace; boundary=b", Codings::default()), false).expect("begun");
    assert_eq!(camera.feed(&[&b"--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0"[..], &[7; 600]].concat()), Verdict::Pass);
}

#[test]
fn a_program_is_found_by_name_by_type_and_by_what_it_is() {
    let blocked = || rules(&[Class::Executable]);
    for (facts, bytes, words) in [
        (facts("/setup.exe", "application/octet-stream"), vec![], "its name, \"setup.exe\""),
        (facts("/get", "application/x-msdownload"), vec![], "the site says"),
        (facts("/picture.png", "image/png"), program(), "what is in it shows that it is a Windows program"),
        (facts("/page.html", "text/html"), program(), "what is in it"),
        (Facts { names: vec!["a.txt".into(), "b.scr".into()], ..facts("/a.txt", "text/plain") }, vec![], "\"b.scr\""),
    ] {
        match judged(blocked(), facts, &bytes) {
            Verdict::Refuse(refusal) => assert!(refusal.text("year-7").contains(words), "{}", refusal.text("year-7")),
            other => panic!("{words}: {other:?}"),
        }
    }
    assert_eq!(judged(blocked(), facts("/notes.txt", "text/plain"), b"hello"), Verdict::Pass);
}

#[test]
fn a_page_about_a_program_is_a_page() {
    let page = b"<!doctype html><p>Download setup.exe";
    assert_eq!(judged(rules(&[Class::Executable]), facts("/files/setup.exe", "text/html"), page), Verdict::Pass);
    let unsaid = Facts { types: Vec::new(), ..facts("/files/setup.exe", "") };
    assert_eq!(judged(rules(&[Class::Executable]), unsaid.clone(), page), Verdict::Pass);
    assert!(matches!(judged(rules(&[Class::Executable]), unsaid, b"other"), Verdict::Refuse(_)));
    let saved = Facts { names: vec!["setup.exe".into()], ..facts("/files/setup.exe", "text/html") };
    assert!(matches!(judged(rules(&[Class::Executable]), saved, page), Verdict::Refuse(_)));
}

#[test]
fn a_zip_that_says_it_is_a_picture_is_found_out() {
    let zip = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\0\0\0notes.txt........................................";
    let refused = judged(rules(&[Class::Disguised]), facts("/a.png", "image/png"), zip);
    assert!(matches!(&refused, Verdict::Refuse(Refusal::Kind(found)) if found.class == Class::Disguised), "{refused:?}");
    assert_eq!(judged(rules(&[Class::Disguised]), facts("/a.zip", "application/zip"), zip), Verdict::Pass);
    assert!(matches!(judged(rules(&[Class::Archive]), facts("/a.png", "image/png"), zip), Verdict::Refuse(_)));
}

#[test]
fn endings_types_and_sizes_are_a_schools_own() {
    let own = Rules { endings: vec!["sb3".into(), "tar.gz".into()], types: vec!["video/*".into()], largest_mib: Some(1), ..Rules::default() };
    for (facts, refusal) in [
        (facts("/game.SB3", "application/octet-stream"), "year-7: \"game.SB3\""),
        (facts("/game.tar.gz", "application/octet-stream"), ".tar.gz are blocked"),
        (facts("/clip", "video/webm"), "type video/webm"),
        (Facts { length: Some(MIB + 1), ..facts("/x", "application/pdf") }, "larger than 1 MiB"),
    ] {
        match judged(own.clone(), facts, b"") {
            Verdict::Refuse(found) => assert!(found.text("year-7").contains(refusal), "{}", found.text("year-7")),
            other => panic!("{refusal}: {other:?}"),
        }
    }
    let mut judge = Judge::new(Arc::new(own), facts("/x", "application/pdf"), false).expect("begun");
    assert_eq!(judge.feed(&vec![0; 1 << 20]), Verdict::Pass);
    assert_eq!(judge.feed(&[0]), Verdict::Refuse(Refusal::Large(1)));
}

#[test]
fn a_part_of_a_file_is_not_judged_by_itself() {
    let later = |essence: &str| Facts { part: Part::Later(Some(10)), ..facts("/x", essence) };
    assert_eq!(judged(rules(&[Class::Executable]), later("application/octet-stream"), b"rest"), Verdict::Refuse(Refusal::Part));
    assert_eq!(judged(rules(&[Class::Executable]), later("video/mp4"), b"rest"), Verdict::Pass);
    for (range, path, may) in [
        ("bytes=0-", "/x", true),
        ("bytes=0-99", "/x", true),
        ("bytes=1-", "/x", false),
        ("bytes=-5", "/x", false),
        ("bytes=0-0,1-", "/x", false),
        ("Bytes=1-", "/film.mp4", true),
        ("bytes=0-0,1-", "/film.mp4", false),
        ("lines=1-", "/x", false),
    ] {
        assert_eq!(may_ask_for(range.as_bytes(), path), may, "{range} {path}");
    }
}

#[test]
fn what_flows_does_not_wait_and_what_does_not_is_known_first() {
    let mut events = Judge::new(Arc::new(rules(&[Class::Executable])), facts("/chat", "text/event-stream"), false).expect("begun");
    assert_eq!(events.feed(b"data: hi\n\n"), Verdict::Pass);
    let mut file = Judge::new(Arc::new(rules(&[Class::Executable])), facts("/x", "application/octet-stream"), false).expect("begun");
    assert_eq!(file.feed(b"M"), Verdict::Wait);
    assert_eq!(file.feed(b"Z\x90\0"), Verdict::Refuse(Refusal::Kind(Found { class: Class::Executable, what: "a Windows program", seen: Seen::Bytes })));
    let mut lie = Judge::new(Arc::new(rules(&[Class::Executable])), facts("/chat", "text/event-stream"), false).expect("begun");
    assert_eq!(lie.feed(b"M"), Verdict::Wait);
}

#[test]
fn who_is_in_no_group_gets_what_any_group_gets() {
    let host = |name: &str| Host::parse(name).expect("a host");
    let one = Rules { largest_mib: Some(5), except: vec![host("a.example")], ..rules(&[Class::Executable]) };
    let two = Rules { largest_mib: Some(9), except: vec![host("b.example")], ..rules(&[Class::Archive]) };
    let book = Book::new(vec![one, two, Rules::default()]);
    let all = book.of(Standing::Unknown).expect("rules");
    assert!(all.block.has(Class::Executable) && all.block.has(Class::Archive) && all.largest_mib == Some(5) && all.except.is_empty());
    assert!(book.of(Standing::Member(GroupId(2))).is_none());
    assert!(Book::default().of(Standing::Unknown).is_none());
}

fn stream(kind: &str) -> Facts {
    Facts { framed: Some(Framed { types: vec![kind.into()], coding: Vec::new() }), ..facts("/x", kind) }
}

/// A ZIP's member without its content: what is read of it.
fn member(name: &str) -> Vec<u8> {
    let length = [u8::try_from(name.len()).expect("short"), 0];
    [b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &length[..], &[0, 0], name.as_bytes()].concat()
}

/// What only says that it is a stream of messages is a file to its end, and so is a message.
#[test]
fn a_file_that_says_it_is_a_stream_is_read_to_its_end() {
    let own = || Rules { endings: vec!["exe".into()], ..rules(&[Class::Executable]) };
    let far = |name: &str| [member("notes.txt"), vec![b'.'; 100_000], member(name), vec![b'.'; 100]].concat();
    let message = |bytes: &[u8]| [&[0][..], &u32::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat();
    for (kind, name, refused) in [
        ("application/x-protobuf", "setup.exe", true),
        ("application/grpc", "setup.exe", true),
        ("application/x-protobuf", "more.txt", false),
        ("application/grpc", "more.txt", false),
    ] {
        for bytes in [far(name), message(&far(name))] {
            if kind == "application/grpc" || bytes[0] != 0 {
                for size in [1, 999, 1 << 20] {
                    let mut judge = Judge::new(Arc::new(own()), stream(kind), false).expect("begun");
                    let stopped = bytes.chunks(size).any(|piece| matches!(judge.feed(piece), Verdict::Refuse(_)));
                    assert_eq!(stopped || matches!(judge.end(), Verdict::Refuse(_)), refused, "{kind} {name} {size}");
                }
            }
        }
    }
    // An honest one that holds an archive is none in disguise.
    assert_eq!(judged(rules(&[Class::Disguised]), stream("application/grpc"), &message(&[&[0x10, 1][..], &far("more.txt")].concat())), Verdict::Pass);
}

/// What is in parts is known for those who scan it, though the rules look at nothing.
#[test]
fn what_the_parts_are_is_known_where_it_is_only_looked_at() {
    let kind = "multipart/mixed; boundary=x";
    let facts = Facts { parts: Parts::of(kind), names: vec!["setup.jpg".into()], ..facts("/x", "multipart/mixed") };
    let mut judge = Judge::new(Arc::new(Rules::default()), facts, true).expect("begun");
    assert_eq!(judge.feed(&program()), Verdict::Pass);
    assert!(judge.classes().has(Class::Executable) && !judge.is_harmless() && judge.may_hold_more());
}

/// A tar of these members.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, bytes) in members {
        let mut head = [0; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        head[148..156].fill(b' ');
        head[257..263].copy_from_slice(b"ustar\0");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend([&head[..], bytes, &vec![0; bytes.len().next_multiple_of(512) - bytes.len()]].concat());
    }
    tar.extend([0; 1024]);
    tar
}

/// What looks like a boundary within an archive is one to some readers, and to others a part of the archive, which goes on behind it.
#[test]
fn an_archive_that_may_go_on_past_a_boundary_is_refused() {
    let refused = |body: &[u8]| {
        let own = || Rules { endings: vec!["exe".into()], ..rules(&[Class::Executable]) };
        let all = [1, 7, 100_000].map(|size| {
            let facts = Facts { parts: Parts::of("multipart/mixed; boundary=b"), ..facts("/x", "multipart/mixed") };
            let mut judge = Judge::new(Arc::new(own()), facts, false).expect("begun");
            let stopped = body.chunks(size).any(|piece| matches!(judge.feed(piece), Verdict::Refuse(_)));
            stopped || matches!(judge.end(), Verdict::Refuse(_))
        });
        assert!(all.iter().all(|one| *one == all[0]));
        all[0]
    };
    let part = |file: &[u8]| [b"--b\r\nContent-Type: application/octet-stream\r\n\r\n", file, b"\r\n--b--\r\n"].concat();
    let long = "y".repeat(20_000);
    for (boundary, is_refused) in [
        ("\r\n--b!\r\n\r\n".to_owned(), true),
        ("\r\n--b!\r\n\r\n--b!\r\n\r\n".to_owned(), true),
        ("\r\n--b! and no end of the fields".to_owned(), true),
        (format!("\r\n--b!{long}\r\n\r\n"), true),
        (format!("\n--b\r\n{long}"), true),
        ("\n--b\r\n\r\n".to_owned(), true),
        ("\n--b\n\n".to_owned(), true),
        // One to every reader: nobody sees the rest of the file.
        ("\r\n--b\r\n\r\n".to_owned(), false),
    ] {
        let notes = format!("Some notes.{boundary}And some more.");
        let file = tar(&[("notes.txt", notes.as_bytes()), ("setup.exe", &[b'.'; 600])]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        std::io::Write::write_all(&mut gzip, &file).expect("in memory");
        assert_eq!(refused(&part(&gzip.finish().expect("in memory"))), is_refused, "{boundary:.40?}");
        assert_eq!(refused(&part(&file)), is_refused, "{boundary:.40?}");
        if boundary.len() < 50 {
            // Before it can be known what it is.
            assert_eq!(refused(&part(&tar(&[(&format!("a{boundary}z"), b"x"), ("setup.exe", &[b'.'; 600])]))), is_refused, "{boundary:?}");
        }
    }
    // What has no carriage returns at all is read alike by all who read it; and a picture is over where it is over.
    let file = tar(&[("notes.txt", b"Some notes.")]);
    assert!(!refused(&[b"--b\nContent-Type: application/x-tar\n\n", &file[..], b"\n--b\n\nMore.\n--b--\n"].concat()));
    let picture = [b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01", &[7; 3000][..]].concat();
    assert!(!refused(&part(&[&picture[..], b"\n--b\r\nContent-Type: image/jpeg\r\n\r\n", &picture].concat())));
}
