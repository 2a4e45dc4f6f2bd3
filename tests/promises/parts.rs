//! Promise: what comes or goes in several parts is read and judged part by part: pages that replace one another, a page with all that belongs to it, a
//! whole message. No part passes that would not have passed by itself.

use crate::files::program;
use crate::kit::{Ending, Origin, World, soon};
use crate::scanning::{CUT, DANGER, WITHHOLD, chunked, closed, get, gzip, harmless, is_withheld};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use tokio::sync::Notify;

/// A body of these parts, each its fields and its bytes.
fn body(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (fields, bytes) in parts {
        body.extend([b"--sep\r\n", fields.as_bytes(), b"\r\n", bytes, b"\r\n"].concat());
    }
    body.extend(b"--sep--\r\n");
    body
}

const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";

/// A page saved with all that belongs to it, as browsers save it, with the page written so.
fn saved(transfer: &str, page: &[u8]) -> Vec<u8> {
    let picture = ("Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n", &b"iVBORw0KGgo="[..]);
    let page = (&*format!("{HTML}Content-Transfer-Encoding: {transfer}\r\nContent-Location: http://x.example/\r\n"), page);
    let head = "From: <Saved by Blink>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\ttype=\"text/html\";\r\n\tboundary=\"sep\"\r\n\r\n";
    [head.as_bytes(), &body(&[picture, page])].concat()
}

#[tokio::test]
async fn the_words_of_a_page_are_read_in_whatever_parts_it_comes() {
    let school = World::new().reading(WITHHOLD).start().await;
    let coded = STANDARD.encode(DANGER).into_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
    let quoted: Vec<u8> = DANGER.bytes().flat_map(|byte| if byte == b'a' { b"=61=\r\n".to_vec() } else { vec![byte] }).collect();
    let page = body(&[(HTML, b"<p>Hello"), (HTML, DANGER.as_bytes())]);
    let nested =
        [b"Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\n".as_slice(), HTML.as_bytes(), b"\r\n", DANGER.as_bytes(), b"\r\n--in--"].concat();
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("/related", "Content-Type: multipart/related; boundary=\"sep\"\r\n", page.clone()),
        ("/packed", "Content-Type: multipart/related; boundary=sep\r\nContent-Encoding: gzip\r\n", gzip(&page)),
        ("/twice", "Content-Type: image/png\r\nContent-Type: multipart/related; boundary=sep\r\n", page.clone()),
        ("/base64", "Content-Type: message/rfc822\r\n", saved("base64", &coded)),
        ("/quoted", "Content-Type: application/x-mimearchive\r\n", saved("Quoted-Printable", &quoted)),
        ("/nested", "Content-Type: multipart/related; boundary=sep\r\n", body(&[(std::str::from_utf8(&nested).expect("text"), b"")])),
        // What says that it is no text, and begins as one.
        ("/picture", "Content-Type: multipart/related; boundary=sep\r\n", body(&[("Content-Type: image/png\r\n", DANGER.as_bytes())])),
        ("/before", "Content-Type: multipart/related; boundary=sep\r\n", [DANGER.as_bytes(), b"\r\n", &page].concat()),
        ("/none", "Content-Type: multipart/related; boundary=other\r\n", page.clone()),
        ("/unsaid", "Content-Type: multipart/related\r\n", page),
    ];
    for (path, fields, body) in &cases {
        for size in [3, 5000] {
            let path = format!("{path}-{size}");
            let origin = Origin::answering(chunked(fields, body, size)).await;
            is_withheld(&school, &get(&school, &origin, &path).await, &path).await;
        }
    }
    // The like of it without the words passes as it came, byte by byte.
    let fine = saved("base64", STANDARD.encode(harmless(9000)).as_bytes());
    let origin = Origin::giving("Content-Type: message/rfc822\r\n", &fine).await;
    let reply = get(&school, &origin, "/fine").await;
    assert!(reply.status == 200 && reply.body == fine && reply.field("content-length").is_some());
}

#[tokio::test]
async fn pages_that_replace_one_another_come_one_by_one_and_end_at_the_words() {
    for reading in [CUT, WITHHOLD] {
        let school = World::new().reading(reading).start().await;
        let told = Arc::new(Notify::new());
        let wait = told.clone();
        let origin = Origin::doing(move |mut visit| {
            let wait = wait.clone();
            async move {
                visit.request().await;
                visit.send("HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=sep\r\n\r\n").await;
                visit.send(format!("--sep\r\n{HTML}\r\n<p>The first page.</p>\r\n--sep\r\n")).await;
                wait.notified().await;
                visit.send(format!("{HTML}\r\n{DANGER}\r\n--sep--\r\n")).await;
            }
        })
        .await;
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", "/pages", "")).await;
        assert_eq!(wire.head_only().await.status, 200);
        assert!(wire.until(b"The first page.").await.is_some(), "a page is there before the next is sent");
        told.notify_one();
        let rest = soon("the end", wire.rest()).await;
        assert!(!String::from_utf8_lossy(&rest).contains("goodbye note"), "{reading}: {}", String::from_utf8_lossy(&rest));
        assert_eq!(closed(&school, "/pages", "allowed").await.outcome.as_deref(), Some("cut"));
    }
}

#[tokio::test]
async fn a_file_in_a_part_is_a_file() {
    let school = World::new().files("block = [\"executable\", \".sb3\"]").start().await;
    let jpeg = ("Content-Type: image/jpeg\r\n", &b"\xff\xd8\xff\xe0 a picture"[..]);
    for kind in ["multipart/x-mixed-replace", "multipart/mixed", "multipart/related"] {
        for (fields, bytes) in [
            ("Content-Type: image/jpeg\r\n", program()),
            ("Content-Disposition: attachment; filename=setup.exe\r\n", b"x".to_vec()),
            ("Content-Type: text/html\r\nContent-Disposition: attachment;\r\n filename*=UTF-8''game.sb3\r\n", b"x".to_vec()),
            ("Content-Transfer-Encoding: base64\r\n", STANDARD.encode(program()).into_bytes()),
        ] {
            let fields_of = format!("Content-Type: {kind}; boundary=sep\r\n");
            let first = Origin::giving(&fields_of, body(&[(fields, &bytes)])).await;
            let answer = school.pupil().with("Accept", "text/html").get(&first.url("/a")).await;
            answer.is_blocked_because("file");
            // What comes behind others is cut off before it.
            let behind = Origin::giving(&fields_of, body(&[jpeg, (fields, &bytes)])).await;
            let reply = school.pupil().get(&behind.url("/b")).await.reply;
            assert!(reply.status == 403 || reply.ending == Ending::Cut && !reply.body.ends_with(b"--sep--\r\n"), "{kind} {fields}");
            assert_eq!(school.teacher().get(&first.url("/a")).await.reply.status, 200);
        }
        let pictures = body(&[jpeg, jpeg]);
        let camera = Origin::giving(&format!("Content-Type: {kind}; boundary=sep\r\n"), &pictures).await;
        assert!(school.pupil().get(&camera.url("/camera")).await.reply.body == pictures);
    }
}

#[tokio::test]
async fn a_form_that_sites_may_read_in_another_way_is_not_sent() {
    let files = World::new().files("block = [\"executable\"], uploads = true").start().await;
    let words = World::new().reading(WITHHOLD).start().await;
    let text = b"a painless way to die, the lethal method, my goodbye note".to_vec();
    for (name, before, after) in [
        ("no boundary in it", "", ""),
        ("before the first", "", "\r\n--sep--\r\n"),
        ("behind the last", "--sep\r\n\r\nx\r\n--sep--\r\n\r\n", ""),
        ("behind a bare line feed", "--sep\r\nContent-Type: image/png\r\n\r\n\u{1}\u{2}\n--sep\r\n\r\n", "\r\n--sep--\r\n"),
        ("behind the beginning of a boundary", "--sep\r\n\r\nhi\r\n--sepX ", "\r\n\r\n\r\n--sep--\r\n"),
        ("as fields behind a bare line feed", "--sep\r\n\r\nhi\n--sep\r\n", "\r\n\r\n\r\n--sep--\r\n"),
        ("as a picture", "--sep\r\nContent-Type: image/png\r\n\r\n", "\r\n--sep--\r\n"),
        ("in parts of a part", "--sep\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\n", "\r\n--in--\r\n--sep--\r\n"),
        ("said to be written down", "--sep\r\nContent-Transfer-Encoding: base64\r\n\r\n", "\r\n--sep--\r\n"),
    ] {
        for (school, bytes, reason) in [(&files, program(), "file"), (&words, text.clone(), "words")] {
            let origin = Origin::saying("taken").await;
            let sent = [before.as_bytes(), &bytes, after.as_bytes()].concat();
            let mut wire = school.wire().await;
            wire.send(origin.request("POST", "/form", &format!("Content-Type: multipart/form-data; boundary=sep\r\nContent-Length: {}\r\n", sent.len()))).await;
            wire.send(&sent).await;
            assert_eq!((wire.reply().await.status, origin.seen().len()), (403, 0), "{name}, {reason}");
            assert!(school.rows().iter().any(|row| row.verdict == "blocked" && row.reason == reason), "{name}, {reason}");
        }
    }
}

#[tokio::test]
async fn the_words_of_a_form_are_read_though_its_boundary_is_not() {
    let school = World::new().reading(WITHHOLD).start().await;
    let origin = Origin::saying("taken").await;
    let long = "x".repeat(201);
    for (parameters, boundary) in [
        (format!("boundary={long}"), &*long),
        ("xboundary=sep".to_owned(), "sep"),
        (format!("{}boundary=sep", "x=y; ".repeat(64)), "sep"),
        (String::new(), "sep"),
    ] {
        for mark in [&b""[..], b"\xff\xfe"] {
            let sent = [mark, b"\r\n--", boundary.as_bytes(), b"\r\n\r\n", WORDS.as_bytes(), b"\r\n--", boundary.as_bytes(), b"--\r\n"].concat();
            let fields = format!("Content-Type: multipart/form-data; {parameters}\r\nContent-Length: {}\r\n", sent.len());
            let mut wire = school.wire().await;
            wire.send(origin.request("POST", "/form", &fields)).await;
            wire.send(&sent).await;
            assert_eq!((wire.reply().await.status, origin.seen().len()), (403, 0), "{parameters} {mark:?}");
        }
    }
}

/// The mark of UTF-16, and the text in it.
fn wide(text: &str) -> Vec<u8> {
    [b"\xff\xfe".to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()
}

#[tokio::test]
async fn a_mark_of_utf_16_hides_nothing_but_what_is_in_it() {
    let school = World::new().reading(WITHHOLD).start().await;
    let origin = Origin::saying("taken").await;
    let field = "Content-Disposition: form-data; name=a\r\n";
    let file = "Content-Disposition: form-data; name=a; filename=a.txt\r\n";
    let typed = "Content-Disposition: form-data; name=a; filename=a.txt\r\nContent-Type: text/plain\r\n";
    let (mark, words, in_it) = (wide("x"), WORDS.as_bytes(), wide(WORDS));
    for (name, parts) in [
        ("behind a field", [(field, &mark[..]), (field, words)]),
        ("behind a file", [(typed, &mark[..]), (field, words)]),
        ("in a file", [(field, &b"x"[..]), (file, &in_it)]),
        ("in a file that says its type", [(field, &b"x"[..]), (typed, &in_it)]),
        ("in two files", [(typed, &b"a painless way to die"[..]), (typed, b"the lethal method, my goodbye note")]),
    ] {
        let sent = body(&parts);
        let mut wire = school.wire().await;
        wire.send(origin.request("POST", "/form", &format!("Content-Type: multipart/form-data; boundary=sep\r\nContent-Length: {}\r\n", sent.len()))).await;
        wire.send(&sent).await;
        assert_eq!((wire.reply().await.status, origin.seen().len()), (403, 0), "{name}");
    }
    // A page whose head says nothing is known by its first two bytes, however they come.
    for size in [1, 2, 3, 5000] {
        let origin = Origin::answering(chunked("", &wide(DANGER), size)).await;
        let path = format!("/wide-{size}");
        is_withheld(&school, &get(&school, &origin, &path).await, &path).await;
    }
}

#[tokio::test]
async fn an_upload_that_only_calls_itself_grpc_is_held_to_the_rules() {
    let school = World::new().files("block = [\"executable\"], uploads = true").start().await;
    let origin = Origin::saying("taken").await;
    let call = [&[0][..], &u32::try_from(program().len()).expect("short").to_be_bytes(), &program()].concat();
    for fields in ["", "TE: trailers\r\nConnection: TE\r\nSec-Fetch-Mode: cors\r\n", "TE: trailers\r\nConnection: TE\r\nOrigin: http://page.example\r\n"] {
        let mut wire = school.wire().await;
        wire.send(origin.request("POST", "/call", &format!("Content-Type: application/grpc\r\n{fields}Transfer-Encoding: chunked\r\n"))).await;
        wire.send([format!("{:x}\r\n", call.len()).as_bytes(), &call, b"\r\n0\r\n\r\n"].concat()).await;
        assert_eq!((wire.reply().await.status, origin.seen().len()), (403, 0), "{fields:?}");
    }
}

/// A message of gRPC with this text in a field.
fn message(flags: u8, text: &str) -> Vec<u8> {
    let field = [&[0x10, 7, 0x0a, u8::try_from(text.len()).expect("short")][..], text.as_bytes()].concat();
    let field = if flags == 1 { gzip(&field) } else { field };
    [&[flags][..], &u32::try_from(field.len()).expect("short").to_be_bytes(), &field].concat()
}

const WORDS: &str = "a painless way to die, the lethal method, my goodbye note";

#[tokio::test]
async fn messages_of_a_stream_come_one_by_one_and_end_at_the_words() {
    for (path, fields, flags) in
        [("/plain", "Content-Type: application/grpc+proto\r\n", 0), ("/coded", "Content-Type: application/grpc\r\nGrpc-Encoding: gzip\r\n", 1)]
    {
        let school = World::new().reading(WITHHOLD).scan("held_ms = 50").start().await;
        let told = Arc::new(Notify::new());
        let wait = told.clone();
        let origin = Origin::doing(move |mut visit| {
            let wait = wait.clone();
            async move {
                visit.request().await;
                visit.send([b"HTTP/1.1 200 OK\r\n", fields.as_bytes(), b"\r\n", &message(flags, "Hello there.")].concat()).await;
                wait.notified().await;
                visit.send(message(flags, WORDS)).await;
                visit.gone().await;
            }
        })
        .await;
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "")).await;
        assert_eq!(wire.head_only().await.status, 200);
        let first = message(flags, "Hello there.");
        assert!(wire.until(&first[first.len() - 8..]).await.is_some(), "a message is there before the next is sent");
        told.notify_one();
        let rest = soon("the end", wire.rest()).await;
        let withheld = message(flags, WORDS);
        assert!(!rest.windows(9).any(|seen| seen == &withheld[withheld.len() - 9..]), "{path}");
        assert_eq!(closed(&school, path, "allowed").await.outcome.as_deref(), Some("cut"));
    }
}

#[tokio::test]
async fn words_that_are_answered_in_pieces_a_message_each_are_seen() {
    let school = World::new().reading(WITHHOLD).scan("held_ms = 50").start().await;
    let framed = |message: &[u8]| [&[0][..], &u32::try_from(message.len()).expect("short").to_be_bytes(), message].concat();
    let field = |number: u8, text: &str| [&[number << 3 | 2, u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    let pieces = |size: usize| WORDS.as_bytes().chunks(size).map(|piece| std::str::from_utf8(piece).expect("ASCII"));
    // With the same texts beside each piece, as its number and who speaks are; by itself; and in JSON.
    let named = |size| pieces(size).flat_map(|piece| framed(&[field(1, "talk-7"), field(2, piece), field(3, "assistant")].concat())).collect::<Vec<_>>();
    let bare = |size| pieces(size).flat_map(|piece| framed(&field(1, piece))).collect::<Vec<_>>();
    let json = |size| pieces(size).flat_map(|piece| framed(format!("{{\"id\":\"talk-7\",\"text\":\"{piece}\"}}").as_bytes())).collect::<Vec<_>>();
    for (path, kind, body) in [
        ("/named", "application/grpc", named(4)),
        ("/letters", "application/grpc-web+proto", named(1)),
        ("/bare", "application/connect+proto", bare(3)),
        ("/json", "application/connect+json", json(5)),
    ] {
        let origin = Origin::giving(&format!("Content-Type: {kind}\r\n"), &body).await;
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "")).await;
        let reply = wire.next_reply().await;
        assert!(reply.is_none_or(|reply| reply.ending == Ending::Cut), "{path}");
        assert!(closed(&school, path, "blocked").await.why.contains("about suicide"), "{path}");
    }
    // What is harmless arrives as it was sent.
    let fine: Vec<u8> = ["A her", "on st", "ood by", " the river"].iter().flat_map(|piece| framed(&[field(1, "talk-7"), field(2, piece)].concat())).collect();
    let origin = Origin::giving("Content-Type: application/grpc\r\n", &fine).await;
    assert_eq!(get(&school, &origin, "/fine").await.body, fine);
}

#[tokio::test]
async fn messages_that_are_sent_do_not_leave_with_the_words() {
    let school = World::new().reading(WITHHOLD).scan("held_ms = 50").start().await;
    let origin = Origin::saying("thanks").await;
    for (path, fields, body) in [
        ("/grpc", "Content-Type: application/grpc\r\n", message(0, WORDS)),
        ("/coded", "Content-Type: application/grpc\r\nGrpc-Encoding: gzip\r\n", message(1, WORDS)),
        ("/web", "Content-Type: application/grpc-web-text\r\n", STANDARD.encode(message(0, WORDS)).into_bytes()),
        ("/alone", "Content-Type: application/x-protobuf\r\n", message(0, WORDS)[5..].to_vec()),
    ] {
        let mut wire = school.wire().await;
        wire.send(origin.request("POST", path, &format!("{fields}Content-Length: {}\r\n", body.len()))).await;
        wire.send(&body).await;
        assert_eq!(wire.reply().await.status, 403, "{path}");
        let row = closed(&school, path, "blocked").await;
        assert!(row.reason == "words" && row.why.contains("lethal method"), "{row:?}");
    }
    assert!(origin.seen().iter().all(|seen| !seen.contains("goodbye note")));
    // The like of it without the words arrives as it was sent.
    let fine = message(0, "A harmless essay.");
    let mut wire = school.wire().await;
    wire.send(origin.request("POST", "/fine", &format!("Content-Type: application/grpc\r\nContent-Length: {}\r\n", fine.len()))).await;
    wire.send(&fine).await;
    assert_eq!(wire.reply().await.text(), "thanks");
    assert!(origin.seen().last().is_some_and(|seen| seen.contains("A harmless essay.")));
}

#[tokio::test]
async fn a_file_in_a_message_is_a_file() {
    let school = World::new().files("block = [\"executable\"], uploads = true").start().await;
    let framed = |bytes: &[u8]| {
        let field = [&[0x12][..], &[u8::try_from(bytes.len() & 0x7f).expect("short") | 0x80, u8::try_from(bytes.len() >> 7).expect("short")], bytes].concat();
        [&[0][..], &u32::try_from(field.len()).expect("short").to_be_bytes(), &field].concat()
    };
    let (bad, fine) = (framed(&program()), framed(&[b'x'; 4000]));
    for kind in ["Content-Type: application/grpc\r\n", "Content-Type: application/grpc-web+proto\r\n", "Content-Type: application/connect+proto\r\n"] {
        let site = Origin::giving(kind, [&fine[..], &bad].concat()).await;
        let reply = school.pupil().get(&site.url("/stream")).await.reply;
        assert!(reply.status == 403 || reply.ending == Ending::Cut, "{kind}");
        assert!(school.rows().iter().any(|row| row.verdict == "blocked" && row.reason == "file" && row.port == site.address.port()));
        let origin = Origin::giving(kind, &fine).await;
        assert!(school.pupil().get(&origin.url("/stream")).await.reply.body == fine);
        for (sent, status) in [(&bad, 403), (&fine, 200)] {
            let mut wire = school.wire().await;
            wire.send(origin.request("POST", "/sent", &format!("{kind}Content-Length: {}\r\n", sent.len()))).await;
            wire.send(sent).await;
            assert_eq!(wire.reply().await.status, status, "{kind}");
        }
        // What only says that it is such a stream is known by its bytes.
        let mut wire = school.wire().await;
        wire.send(origin.request("POST", "/sent", &format!("{kind}Content-Length: {}\r\n", program().len()))).await;
        wire.send(program()).await;
        assert_eq!(wire.reply().await.status, 403, "{kind}");
    }
}
