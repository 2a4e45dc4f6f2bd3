//! Promise: a file that a group may not have does not reach it, whatever it is called, whatever it says it is, and whatever it is in; and that is on record.

use crate::kit::{Ending, Origin, Reply, School, World, soon};
use crate::sockets::DANGER;
use std::io::{Cursor, Write};
use std::sync::Arc;
use tokio::sync::Notify;
use usher::audit::query::Row;

/// A program for Windows, as far as its head.
pub fn program() -> Vec<u8> {
    let mut bytes = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff".to_vec();
    bytes.resize(4000, 0);
    bytes
}

/// A ZIP of these names, its members stored and `size` bytes each.
pub fn zip(names: &[&str], size: usize) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file(*name, stored).expect("a member");
        writer.write_all(&vec![b'.'; size]).expect("written");
    }
    writer.finish().expect("whole").into_inner()
}

/// What is on record of the request as it was sent, once it is closed.
async fn first_record(school: &School, port: u16) -> Row {
    soon("the record", async {
        loop {
            let row = school.rows().into_iter().find(|row| row.verdict == "allowed" && row.port == port && row.outcome.is_some());
            match row {
                Some(row) => return row,
                None => tokio::task::yield_now().await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_blocked_kind_is_a_page_by_name_by_type_and_by_what_it_is() {
    let school = World::new().files("block = [\"executable\", \".sb3\"], types = [\"application/x-silly\"], archives = true").start().await;
    for (path, fields, body, words) in [
        ("/setup.exe", "Content-Type: application/octet-stream\r\n", b"anything".to_vec(), "its name, \"setup.exe\""),
        ("/setup%2eEXE.?x=.txt", "", b"anything".to_vec(), "setup.EXE"),
        ("/get", "Content-Disposition: attachment; filename=a.txt; filename*=UTF-8''b.exe\r\n", b"anything".to_vec(), "\"b.exe\""),
        ("/get", "Content-Type: application/x-msdownload\r\n", b"anything".to_vec(), "the site says that it is a Windows program"),
        ("/a.png", "Content-Type: image/png\r\n", program(), "what is in it shows that it is a Windows program"),
        ("/a.zip", "Content-Type: application/zip\r\n", zip(&["games/setup.exe"], 10), "\"games/setup.exe\""),
        ("/game.sb3", "", b"anything".to_vec(), "end with .sb3"),
        ("/x", "Content-Type: application/x-Silly; q=1\r\n", b"anything".to_vec(), "type application/x-silly"),
    ] {
        let site = Origin::giving(fields, &body).await;
        let answer = school.pupil().with("Accept", "text/html").get(&site.url(path)).await;
        answer.is_blocked_because("file");
        let page = answer.reply.text().replace("&#34;", "\"");
        assert!(page.contains("This file is blocked") && page.contains(words) && page.contains("<html"), "{words}: {page}");
        assert!(answer.record().why.replace("&#34;", "\"").contains(words) && answer.record().class == "blocked", "{:?}", answer.record());
        let first = first_record(&school, site.address.port()).await;
        let note = first.note.expect("a note");
        assert!(note.contains(&answer.record().id.to_string()) && first.outcome.as_deref() == Some("abandoned"), "{note}");
        // Others may have it.
        let reply = school.teacher().get(&site.url(path)).await.reply;
        assert_eq!((reply.status, reply.body), (200, body));
    }
}

#[tokio::test]
async fn what_is_allowed_passes_as_it_is() {
    let school = World::new().files("block = [\"executable\", \"archive\", \"disguised\"]").start().await;
    let long: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    for (path, fields, body) in [
        ("/files/setup.exe", "Content-Type: text/html\r\n", b"<!doctype html><p>About setup.exe".to_vec()),
        ("/a", "", b"x".to_vec()),
        ("/empty", "", Vec::new()),
        ("/letter.docx", "", zip(&["[Content_Types].xml", "word/document.xml"], 3000)),
        ("/data", "Content-Type: application/octet-stream\r\n", long),
    ] {
        let site = Origin::giving(fields, &body).await;
        let reply = school.pupil().get(&site.url(path)).await.reply;
        assert_eq!((reply.status, reply.ending), (200, Ending::Whole), "{path}");
        assert!(reply.body == body, "{path}");
        let row = school.closed(path).await;
        assert_eq!((row.outcome.as_deref(), row.bytes_down), (Some("complete"), Some(body.len() as u64)), "{path}");
    }
}

#[tokio::test]
async fn what_is_found_late_is_cut_off_and_on_record_as_blocked() {
    let school = World::new().files("block = [\"executable\"]").start().await;
    let late = zip(&["notes.txt", "setup.exe"], 200_000);
    let site = Origin::giving("Content-Type: application/zip\r\n", &late).await;
    let mut wire = school.wire().await;
    wire.send(site.request("GET", "/a.zip", "")).await;
    let reply = wire.reply().await;
    assert!(reply.status == 200 && reply.ending == Ending::Cut && reply.body.len() < late.len(), "{}", reply.body.len());
    assert!(!reply.body.windows(9).any(|part| part == b"setup.exe"), "what is blocked has left");
    let rows = school.rows();
    let blocked = rows.iter().find(|row| row.verdict == "blocked").expect("on record");
    assert!(blocked.reason == "file" && blocked.why.contains("setup.exe") && blocked.path == "/a.zip", "{blocked:?}");
    let first = first_record(&school, site.address.port()).await;
    assert!(first.note.as_deref().is_some_and(|note| note.contains(&blocked.id.to_string())), "{first:?}");
}

#[tokio::test]
async fn a_size_is_a_page_where_it_is_said_and_a_cut_where_it_is_not() {
    let school = World::new().files("largest_mib = 1").start().await;
    let large = vec![b'x'; (1 << 20) + 1];
    let told = Origin::giving("", &large).await;
    school.pupil().get(&told.url("/large")).await.is_blocked_because("file");
    let untold = Origin::doing(move |mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
        while visit.send(&chunk).await {}
    })
    .await;
    let mut wire = school.wire().await;
    wire.send(untold.request("GET", "/endless", "")).await;
    let reply = wire.reply().await;
    assert!(reply.ending == Ending::Cut && reply.body.len() <= 1 << 20, "{}", reply.body.len());
    assert!(school.rows().iter().any(|row| row.verdict == "blocked" && row.why.contains("larger than 1 MiB") && row.path == "/endless"));
    let exact = Origin::giving("", &large[..1 << 20]).await;
    assert_eq!(school.pupil().get(&exact.url("/exact")).await.reply.body.len(), 1 << 20);
}

#[tokio::test]
async fn a_file_is_not_had_in_parts_nor_in_a_coding() {
    let school = World::new().files("block = [\"executable\"]").start().await;
    let whole = Origin::giving("Content-Type: application/octet-stream\r\n", &program()).await;
    school.pupil().with("Range", "bytes=1-").with("If-Range", "\"a\"").get(&whole.url("/get")).await.is_blocked_because("file");
    assert!(!whole.the_request().contains("range"), "{}", whole.the_request());
    // A site that sends a part nobody asked for.
    let part = Origin::answering("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-4/5\r\nContent-Length: 4\r\n\r\nrest").await;
    let answer = school.pupil().get(&part.url("/part")).await;
    assert!(answer.is_blocked_because("file").record().why.contains("a part of a file"));
    let film =
        Origin::answering("HTTP/1.1 206 Partial Content\r\nContent-Type: video/mp4\r\nContent-Range: bytes 1-4/5\r\nContent-Length: 4\r\n\r\nrest").await;
    assert_eq!(school.pupil().with("Range", "bytes=1-").get(&film.url("/film.mp4")).await.reply.status, 206);
    assert!(film.the_request().contains("range: bytes=1-"));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&program()).expect("written");
    let coded = Origin::giving("Content-Type: image/png\r\nContent-Encoding: gzip\r\n", &encoder.finish().expect("whole")).await;
    school.pupil().get(&coded.url("/get")).await.is_blocked_because("file");
    let odd = Origin::giving("Content-Encoding: gzip, gzip\r\n", b"odd").await;
    school.pupil().get(&odd.url("/get")).await.is_blocked_because("file");
}

#[tokio::test]
async fn events_pass_without_waiting_for_more() {
    let school = World::new().files("block = [\"executable\", \"archive\"]").start().await;
    let chat = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\na\r\ndata: hi\n\n\r\n").await;
        visit.gone().await;
    })
    .await;
    let mut wire = school.wire().await;
    wire.send(chat.request("GET", "/chat", "")).await;
    assert!(wire.until(b"data: hi\n\n").await.is_some());
}

#[tokio::test]
async fn hosts_may_be_excepted_and_strangers_get_what_any_group_gets() {
    let school = World::new().files("block = [\"executable\"], except = [\"news.example\"]").start().await;
    let site = Origin::giving("", &program()).await;
    assert_eq!(school.pupil().get(&site.url("/a.exe")).await.reply.status, 200);
    // Staff have no rules: nothing of theirs is an exception less.
    assert_eq!(school.stranger().get(&site.url("/a.exe")).await.reply.status, 200);
    let other = format!("http://shop.example:{}/a.exe", site.address.port());
    school.pupil().get(&other).await.is_blocked_because("file");
    school.stranger().get(&other).await.is_blocked_because("file");
    assert_eq!(school.teacher().get(&other).await.reply.status, 200);
}

#[tokio::test]
async fn who_goes_away_while_a_file_is_read_is_on_record_with_what_was_seen() {
    let world = World::new().files("block = [\"executable\"]").reading("{ threshold = 100, on_hit = \"note\" }");
    let school = world.start().await;
    let (sent, other) = (Arc::new(Notify::new()), Origin::saying("hello").await);
    let tell = sent.clone();
    let site = Origin::doing(move |mut visit| {
        let tell = tell.clone();
        async move {
            let head = visit.request().await.expect("a request");
            visit.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nContent-Type: ").await;
            if head.contains("/unknown") {
                // Two bytes do not say what it is.
                visit.send("application/octet-stream\r\n\r\nPK").await;
            } else {
                visit.send(format!("text/plain\r\n\r\n{DANGER}\n{}", "heron ".repeat(2000))).await;
            }
            tell.notify_one();
            visit.gone().await;
        }
    })
    .await;
    for (path, seen) in [("/essay.txt", true), ("/unknown", false)] {
        let mut wire = school.wire().await;
        wire.send(site.request("GET", path, "")).await;
        soon("the beginning", sent.notified()).await;
        // There is one worker: what came before has come to it when it answers this.
        school.pupil().get(&other.url("/")).await.is_from_the_site("hello");
        if seen {
            assert!(wire.until(b"note.").await.is_some(), "{path}");
        }
        wire.reset();
        let row = school.closed(path).await;
        let is_seen = row.note.as_deref().is_some_and(|note| note.contains("about suicide"));
        assert_eq!((row.outcome.as_deref(), row.verdict.as_str(), is_seen), (Some("client-gone"), "allowed", seen), "{row:?}");
        assert_eq!(row.bytes_down.is_some_and(|bytes| bytes > 0), seen, "{row:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_refused_hangs_from_the_page_that_led_to_it_and_nothing_hangs_from_it() {
    let school = World::new().files("block = [\"executable\"]").start().await;
    let site = Origin::doing(|mut visit| async move {
        while let Some(head) = visit.request().await {
            let (kind, body) =
                if head.starts_with("GET /get") { ("application/octet-stream", program()) } else { ("text/html", b"<!doctype html>hello".to_vec()) };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len());
            visit.send([head.as_bytes(), &body, b"\r\n0\r\nX-Sum: 7\r\n\r\n"].concat()).await;
        }
    })
    .await;
    let clicked = |on: &str| {
        let wants = "Accept: text/html\r\nTE: trailers\r\nConnection: TE\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-User: ?1\r\n";
        format!("{wants}Sec-Fetch-Site: same-origin\r\nReferer: {}\r\n", site.url(on))
    };
    for (path, on, trailers) in [("/page", "/", "x-sum: 7\r\n"), ("/get", "/page", ""), ("/next", "/get", "x-sum: 7\r\n")] {
        let mut wire = school.wire().await;
        wire.send(site.request("GET", path, &clicked(on))).await;
        let reply = wire.reply().await;
        assert_eq!((reply.status, reply.trailers.to_lowercase().as_str()), (if path == "/get" { 403 } else { 200 }, trailers), "{path}");
        assert_eq!(reply.field("trailer").is_some(), path != "/get", "{path}: a page of our own promises no trailers");
        school.closed(path).await;
    }
    let rows = school.rows();
    let row = |path: &str, verdict: &str| rows.iter().find(|row| row.path == path && row.verdict == verdict).expect("on record");
    let page = row("/page", "allowed");
    for of_file in [row("/get", "allowed"), row("/get", "blocked")] {
        assert_eq!((of_file.cause.as_ref(), of_file.kind.as_str(), of_file.start.as_str()), (Some(&page.id), "visit", "clicked"), "{of_file:?}");
    }
    let next = row("/next", "allowed");
    assert!(["allowed", "blocked"].iter().all(|verdict| next.cause.as_ref() != Some(&row("/get", verdict).id)), "nobody was there: {next:?}");
}

/// A form with a file in it.
fn form(name: &str, content: &[u8]) -> (String, Vec<u8>) {
    let head = format!("--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n");
    ("Content-Type: multipart/form-data; boundary=xyz\r\n".to_owned(), [head.as_bytes(), content, b"\r\n--xyz--\r\n"].concat())
}

async fn upload(school: &School, site: &Origin, fields: &str, body: &[u8]) -> Reply {
    let mut wire = school.wire().await;
    wire.send(site.request("POST", "/form", &format!("{fields}Content-Length: {}\r\n", body.len()))).await;
    wire.send(body).await;
    wire.reply().await
}

#[tokio::test]
async fn what_is_sent_is_judged_before_any_of_it_goes_on() {
    let school = World::new().files("block = [\"executable\"], uploads = true, largest_mib = 1").start().await;
    for (name, content) in [("setup.exe", b"x".to_vec()), ("a.txt", program()), ("a.zip", zip(&["setup.exe"], 3))] {
        let site = Origin::saying("taken").await;
        let (fields, body) = form(name, &content);
        let reply = upload(&school, &site, &fields, &body).await;
        assert_eq!((reply.status, site.visits(), site.seen().len()), (403, 0, 0), "{name}");
        let row = school.rows().into_iter().find(|row| row.verdict == "blocked").expect("on record");
        assert_eq!((row.reason.as_str(), row.path.as_str(), row.method.as_str()), ("file", "/form", "POST"));
        let first = first_record(&school, site.address.port()).await;
        assert_eq!((first.bytes_up.is_some_and(|bytes| bytes > 0), first.outcome.as_deref()), (true, Some("abandoned")));
    }
    let large = vec![b'x'; (1 << 20) + 1];
    let site = Origin::saying("taken").await;
    assert_eq!(upload(&school, &site, "Content-Type: text/plain\r\n", &large).await.status, 403);
    // What may pass goes on as it came.
    let (fields, body) = form("essay.odt", &vec![b'x'; 600_000]);
    let reply = upload(&school, &site, &fields, &body).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "taken"));
    let seen = site.the_request();
    assert!(seen.ends_with(&*String::from_utf8_lossy(&body)) && seen.contains("boundary=xyz"), "{}", seen.len());
    // In chunks, and asked for first.
    let mut wire = school.wire().await;
    wire.send(site.request("POST", "/chunks", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(wire.reply().await.status, 100);
    wire.send("3\r\nabc\r\n0\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 200);
    assert!(site.seen()[1].ends_with("\r\n\r\nabc") && !site.seen()[1].contains("expect"), "{:?}", site.seen()[1]);
    assert_eq!(school.closed("/chunks").await.bytes_up, Some(3));
}

#[test]
fn what_is_wrong_with_the_settings_is_said() {
    for (settings, words) in [
        ("block = [\"programs\"]", "no kind of file \"programs\""),
        ("block = [\".\"]", "not an ending"),
        ("block = [\"executabel\"]", "did you mean \"executable\""),
        ("types = [\"exe\"]", "not a media type"),
        ("largest_mib = 0", "above 0"),
        ("archives = true", "blocks nothing"),
        ("block = [\"archive\"], sizes = 3", "`sizes`"),
    ] {
        let said = World::new().files(settings).write().usher(&["config", "check"]);
        assert!(said.code == Some(2) && said.err.contains(words), "{settings}: {said:?}");
    }
}
