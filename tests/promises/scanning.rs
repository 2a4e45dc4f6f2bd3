//! Promise: a page is known by its words, however it comes; what is over a group's threshold is withheld before a byte of it leaves, cut, or noted; what
//! is no text is not touched; and what somebody sends is read the same way.

use crate::kit::device::Device;
use crate::kit::secure::{Authority, Good, SecureSite};
use crate::kit::world::shipped_phrases;
use crate::kit::{Ending, Origin, Program, Reply, School, World, soon};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use std::io::Write as _;
use std::sync::Arc;
use tokio::sync::Notify;
use usher::audit::query::Row;

pub const WITHHOLD: &str = "{ threshold = 100, on_hit = \"withhold\" }";
pub const CUT: &str = "{ threshold = 100, on_hit = \"cut\" }";
pub const NOTE: &str = "{ threshold = 100, on_hit = \"note\" }";
/// A word of the dangerous page that the block page does not have.
const SECRET: &str = "painless";
/// Over the threshold by 20 points; the same as in `kit/danger.br`.
pub const DANGER: &str = "<!doctype html><title>x</title><p>Looking for a painless way to die, which is the lethal method? I have my goodbye note.</p>";

pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(body).expect("in memory");
    gzip.finish().expect("in memory")
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(body).expect("in memory");
    zlib.finish().expect("in memory")
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).expect("in memory")
}

/// Something harmless of about so many bytes, no two lines alike.
pub fn harmless(bytes: usize) -> String {
    (0..)
        .map(|n| format!("<p>The {n}th heron stood by the river and looked for fish, as it does on {n} days.</p>\n"))
        .scan(0, |sum, line| {
            *sum += line.len();
            (*sum <= bytes).then_some(line)
        })
        .collect()
}

/// An answer in chunks of so many bytes.
pub fn chunked(fields: &str, body: &[u8], size: usize) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(size) {
        answer.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    answer.extend(b"0\r\n\r\n");
    answer
}

pub async fn get(school: &School, origin: &Origin, path: &str) -> Reply {
    get_with(school, origin, path, "").await
}

async fn get_with(school: &School, origin: &Origin, path: &str, fields: &str) -> Reply {
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", path, &format!("Accept: text/html\r\nAccept-Encoding: gzip, deflate, br, zstd, dcb\r\n{fields}"))).await;
    wire.reply().await
}

/// The record of a path with this verdict, once it is closed.
pub async fn closed(school: &School, path: &str, verdict: &str) -> Row {
    soon("the record", async {
        loop {
            if let Some(row) = school.rows().into_iter().find(|row| row.path == path && row.verdict == verdict && row.outcome.is_some()) {
                return row;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

pub async fn is_withheld(school: &School, reply: &Reply, path: &str) {
    assert_eq!(reply.status, 403, "{path}: {}", reply.text());
    assert!(!reply.text().contains(SECRET) && reply.text().contains("You are not alone"), "{}", reply.text());
    let first = closed(school, path, "allowed").await;
    assert_eq!(first.outcome.as_deref(), Some("withheld"), "{first:?}");
    let blocked = closed(school, path, "blocked").await;
    assert_eq!((blocked.reason.as_str(), blocked.class.as_str()), ("words", "blocked"), "{blocked:?}");
    for words in ["about suicide", "120 points", "painless way to die; lethal method; goodbye note"] {
        assert!(blocked.why.contains(words), "{}", blocked.why);
    }
}

#[tokio::test]
async fn a_page_is_withheld_before_a_byte_of_it_leaves_in_whatever_coding_and_chunks_it_comes() {
    let school = World::new().reading(WITHHOLD).start().await;
    let before = harmless(20_000);
    let page = format!("{before}{DANGER}");
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("/identity", "", page.clone().into_bytes()),
        ("/gzip", "Content-Encoding: gzip\r\n", gzip(page.as_bytes())),
        ("/members", "Content-Encoding: x-gzip\r\n", [gzip(before.as_bytes()), gzip(DANGER.as_bytes())].concat()),
        ("/deflate", "Content-Encoding: deflate\r\n", zlib(page.as_bytes())),
        ("/zstd", "Content-Encoding: zstd\r\n", zstd(page.as_bytes())),
        ("/br", "Content-Encoding: br\r\n", include_bytes!("kit/danger.br").to_vec()),
        ("/stacked", "Content-Encoding: gzip\r\nContent-Encoding: zstd, gzip\r\n", gzip(&zstd(&gzip(page.as_bytes())))),
        ("/no-transform", "Cache-Control: no-transform\r\nContent-Encoding: gzip\r\n", gzip(page.as_bytes())),
    ];
    for (path, coding, body) in &cases {
        for size in [1, 7, 5000] {
            let path = format!("{path}-{size}");
            let origin = Origin::answering(chunked(&format!("Content-Type: text/html; charset=utf-8\r\n{coding}"), body, size)).await;
            let reply = get(&school, &origin, &path).await;
            is_withheld(&school, &reply, &path).await;
        }
    }
    for (path, kind, body) in [
        ("/untyped", "", DANGER.to_owned()),
        ("/twice", "Content-Type: image/png\r\nContent-Type: text/html\r\n", DANGER.to_owned()),
        ("/json", "Content-Type: application/json\r\n", serde_json::json!({"a": [DANGER]}).to_string()),
        ("/script", "Content-Type: text/javascript\r\n", format!("say({:?})", DANGER)),
        ("/plain", "Content-Type: text/plain\r\n", DANGER.to_owned()),
    ] {
        let origin = Origin::answering(format!("HTTP/1.1 200 OK\r\n{kind}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()).await;
        let reply = get(&school, &origin, path).await;
        is_withheld(&school, &reply, path).await;
    }
    // The connection serves on after a page was withheld.
    let (mut wire, origin) = (school.wire().await, Origin::answering(chunked("Content-Type: text/html\r\n", DANGER.as_bytes(), 9)).await);
    for _ in 0..2 {
        wire.send(origin.request("GET", "/again", "")).await;
        assert_eq!(wire.reply().await.status, 403);
    }
}

#[tokio::test]
async fn an_ordinary_page_passes_as_it_came() {
    let school = World::new().reading(WITHHOLD).start().await;
    let page = format!("{}A goodbye note and a lethal method are in the play.", harmless(5000));
    for (path, fields, body) in [("/plain", "", page.clone().into_bytes()), ("/gzip", "Content-Encoding: gzip\r\n", gzip(page.as_bytes()))] {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"v1\"\r\nAccept-Ranges: bytes\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
        let origin = Origin::answering([head.as_bytes(), &body].concat()).await;
        let reply = get(&school, &origin, path).await;
        assert!(reply.body == body && reply.status == 200, "{path}");
        let fields = ["etag", "accept-ranges", "content-length"].map(|name| reply.field(name).unwrap_or_default());
        assert_eq!(fields, ["\"v1\"".to_owned(), "bytes".to_owned(), body.len().to_string()]);
        assert!(origin.the_request().contains("accept-encoding: gzip, deflate\r\n"), "{}", origin.the_request());
        let row = closed(&school, path, "allowed").await;
        assert_eq!((row.outcome.as_deref(), row.note), (Some("complete"), None));
    }
    // One word of it, however often, blocks nothing; nor do words with what explains them.
    for (path, text) in [("/one", "goodbye note ".repeat(500)), ("/help", format!("{DANGER} Samaritans listen."))] {
        let origin = Origin::answering(chunked("Content-Type: text/html\r\n", text.as_bytes(), 100)).await;
        assert_eq!(get(&school, &origin, path).await.text(), text);
    }
}

#[tokio::test]
async fn what_is_longer_than_the_hold_is_cut_with_a_notice_before_the_words_that_are_too_many_leave() {
    let school = World::new().reading(WITHHOLD).scan("held_kib = 16").start().await;
    let (before, after) = (harmless(100_000), harmless(50_000));
    let page = format!("{before}{DANGER}{after}");
    for (path, coding, body) in [
        ("/identity", "", page.clone().into_bytes()),
        ("/gzip", "Content-Encoding: gzip\r\nETag: \"v1\"\r\nContent-Digest: sha-256=:AAAA:\r\n", gzip(page.as_bytes())),
        ("/zstd", "Content-Encoding: zstd\r\n", zstd(page.as_bytes())),
    ] {
        for size in [11, 4000, 1_000_000] {
            let path = format!("{path}-{size}");
            let origin = Origin::answering(chunked(&format!("Content-Type: text/html\r\n{coding}"), &body, size)).await;
            let reply = get(&school, &origin, &path).await;
            let text = reply.text();
            assert_eq!((reply.status, reply.ending), (200, Ending::Whole));
            let (kept, notice) = text.split_once("\n-->").expect("a notice");
            assert!(page.starts_with(kept) && kept.len() > 16_000, "{path}: {} bytes", kept.len());
            assert!(notice.contains("This page ends here.") && notice.contains("about suicide") && !text.contains("goodbye note"), "{notice}");
            for name in ["content-encoding", "content-length", "content-digest"] {
                assert_eq!(reply.field(name), None);
            }
            assert!(reply.field("etag").is_none_or(|etag| etag == "W/\"v1\""));
            assert_eq!(closed(&school, &path, "allowed").await.outcome.as_deref(), Some("cut"));
            let blocked = closed(&school, &path, "blocked").await;
            assert!(blocked.reason == "words" && blocked.why.contains("120 points"), "{blocked:?}");
        }
    }
    // What may not be changed breaks off instead, and so does what programs read.
    let fixed = Origin::answering(chunked("Content-Type: text/html\r\nCache-Control: no-transform\r\n", page.as_bytes(), 4000)).await;
    let data = Origin::answering(chunked("Content-Type: application/json\r\n", serde_json::json!([page]).to_string().as_bytes(), 4000)).await;
    for (path, origin) in [("/fixed", fixed), ("/data", data)] {
        let reply = get(&school, &origin, path).await;
        assert!(reply.ending == Ending::Cut && !reply.text().contains("goodbye note"), "{path}");
        assert_eq!(closed(&school, path, "allowed").await.outcome.as_deref(), Some("cut"));
    }
    // A client of HTTP/1.0 knows no chunks.
    let origin = Origin::answering(chunked("Content-Type: text/html\r\n", page.as_bytes(), 4000)).await;
    let mut wire = school.wire().await;
    wire.send(format!("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", origin.url("/old"), origin.authority())).await;
    let reply = wire.reply().await;
    assert!(reply.field("transfer-encoding").is_none() && reply.text().contains("This page ends here.") && !reply.text().contains("goodbye note"));
}

#[tokio::test]
async fn a_group_that_cuts_holds_nothing_back() {
    let school = World::new().reading(CUT).start().await;
    let told = Arc::new(Notify::new());
    let (wait, first) = (told.clone(), harmless(3000));
    let sent = first.clone();
    let origin = Origin::doing(move |mut visit| {
        let (wait, first) = (wait.clone(), sent.clone());
        async move {
            visit.request().await;
            visit.send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{first}", first.len() + DANGER.len())).await;
            wait.notified().await;
            visit.send(DANGER).await;
        }
    })
    .await;
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", "/slow", "")).await;
    let head = wire.head_only().await;
    assert_eq!((head.status, head.field("content-length")), (200, None));
    let seen = wire.until(b"on 10 days").await.expect("the beginning is there before the rest is sent");
    told.notify_one();
    let rest = wire.until(b"0\r\n\r\n").await.expect("the end");
    let text = String::from_utf8_lossy(&[seen, rest].concat()).into_owned();
    assert!(text.contains("This page ends here.") && !text.contains(SECRET), "{text}");
}

#[tokio::test]
async fn events_come_one_by_one_and_end_at_the_words() {
    let school = World::new().reading(WITHHOLD).start().await;
    let told = Arc::new(Notify::new());
    let wait = told.clone();
    let origin = Origin::doing(move |mut visit| {
        let wait = wait.clone();
        async move {
            visit.request().await;
            visit.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            for text in ["Hello, ", "I am ", "a painless way ", "to die, the lethal ", "method, your goodbye ", "note"] {
                let event = format!("data: {}\n\n", serde_json::json!({"choices": [{"delta": {"content": text}}]}));
                visit.send(format!("{:x}\r\n{event}\r\n", event.len())).await;
                if text == "I am " {
                    wait.notified().await;
                }
            }
            visit.send("0\r\n\r\n").await;
        }
    })
    .await;
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", "/chat", "")).await;
    assert_eq!(wire.head_only().await.status, 200);
    assert!(wire.until(b"I am ").await.is_some(), "an event is there before the next is sent");
    told.notify_one();
    let rest = wire.until(b"0\r\n\r\n").await.expect("the end");
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.contains("event: usher") && !rest.contains("note\""), "{rest}");
    assert_eq!(closed(&school, "/chat", "allowed").await.outcome.as_deref(), Some("cut"));
}

#[tokio::test]
async fn a_page_that_pauses_is_not_waited_for_longer_than_a_while_and_is_judged_as_it_is() {
    let school = World::new().reading(WITHHOLD).scan("held_ms = 50").start().await;
    let told = Arc::new(Notify::new());
    for (path, text) in [("/good", "<p>Wait for it.</p>"), ("/bad", DANGER)] {
        let wait = told.clone();
        let origin = Origin::doing(move |mut visit| {
            let wait = wait.clone();
            async move {
                visit.request().await;
                visit.send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{text}", text.len() + 3)).await;
                wait.notified().await;
                visit.send("end").await;
            }
        })
        .await;
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "Accept: text/html\r\n")).await;
        if text == DANGER {
            let reply = wire.reply().await;
            is_withheld(&school, &reply, path).await;
        } else {
            assert_eq!(wire.head_only().await.status, 200);
            assert!(wire.until(b"Wait for it.").await.is_some());
            told.notify_one();
            assert!(wire.until(b"end").await.is_some());
        }
    }
}

#[tokio::test]
async fn a_note_changes_nothing_and_is_on_record() {
    let school = World::new().reading(NOTE).start().await;
    let body = gzip(format!("{}{DANGER}", harmless(200_000)).as_bytes());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n", body.len());
    let origin = Origin::answering([head.as_bytes(), &body].concat()).await;
    let reply = get(&school, &origin, "/noted").await;
    assert!(reply.body == body && reply.field("content-length") == Some(body.len().to_string()) && reply.field("etag").as_deref() == Some("\"v1\""));
    let row = closed(&school, "/noted", "allowed").await;
    let note = row.note.unwrap_or_default();
    assert!(
        row.outcome.as_deref() == Some("complete") && note.contains("about suicide") && note.contains("120 points") && note.contains("lethal method"),
        "{note}"
    );
    assert_eq!(row.remarks, ["{words suicide 120/100 down}"], "programs find it too");
    assert!(!school.rows().iter().any(|row| row.verdict == "blocked"));
}

#[tokio::test]
async fn a_theme_may_have_its_own_action_and_a_site_allowed_by_name_is_only_noted() {
    let rule = "[[rule]]\nname = \"the play\"\nwhen = { prefix = \"news.example/play\" }\nthen = \"allow\"\nreason = \"We read it.\"\nreview = 2099-01-01";
    let themed = "{ threshold = 100, on_hit = \"note\", themes = { pornography = \"withhold\" } }";
    let school = World::new().reading(themed).policy(rule).start().await;
    let porn = "free hot videos and adults only cams";
    let (danger, adult) = (
        Origin::answering(chunked("Content-Type: text/html\r\n", DANGER.as_bytes(), 50)).await,
        Origin::answering(chunked("Content-Type: text/html\r\n", porn.as_bytes(), 50)).await,
    );
    assert_eq!(get(&school, &danger, "/a").await.text(), DANGER);
    let reply = get(&school, &adult, "/b").await;
    assert!(reply.status == 403 && reply.text().contains("This page is blocked") && reply.text().contains("about pornography"), "{}", reply.text());
    assert_eq!(get(&school, &adult, "/play").await.text(), porn);
    assert!(closed(&school, "/play", "allowed").await.note.is_some_and(|note| note.contains("about pornography")));
}

#[tokio::test]
async fn what_is_no_text_is_not_touched() {
    let school = World::new().reading(WITHHOLD).start().await;
    // Binary, with every byte, and the words in it.
    let body: Vec<u8> = (0..300_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).chain(DANGER.bytes()).collect();
    for (path, kind) in
        [("/download", "Content-Type: application/octet-stream\r\n"), ("/picture", "Content-Type: image/jpeg\r\nContent-Encoding: br\r\n"), ("/untyped", "")]
    {
        let head = format!("HTTP/1.1 200 OK\r\n{kind}ETag: \"v1\"\r\nAccept-Ranges: bytes\r\nContent-Length: {}\r\n\r\n", body.len());
        let origin = Origin::answering([head.as_bytes(), &body].concat()).await;
        let reply = get(&school, &origin, path).await;
        assert!(reply.body == body && reply.status == 200 && reply.ending == Ending::Whole, "{path}: {}", reply.status);
        assert_eq!(reply.field("etag").is_some_and(|tag| tag == "\"v1\""), path != "/untyped");
    }
    for (path, answer) in [
        ("/304", "HTTP/1.1 304 Not Modified\r\nContent-Type: text/html\r\nETag: \"v1\"\r\n\r\n"),
        ("/204", "HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\n\r\n"),
    ] {
        let origin = Origin::answering(answer).await;
        let reply = get(&school, &origin, path).await;
        assert_eq!(reply.status.to_string(), path[1..]);
    }
    let origin = Origin::answering(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: 77\r\n\r\n".to_vec()).await;
    let mut wire = school.wire().await;
    wire.send(origin.request("HEAD", "/head", "")).await;
    let head = wire.head_only().await;
    assert_eq!((head.status, head.field("content-length").as_deref(), head.field("content-encoding").as_deref()), (200, Some("77"), Some("gzip")));
}

#[tokio::test]
async fn a_text_is_not_handed_out_in_parts_that_cannot_be_judged() {
    let school = World::new().reading(WITHHOLD).start().await;
    let origin = Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            let path = request.split(' ').nth(1).unwrap_or_default();
            let kind = if path == "/video" { "video/mp4" } else { "text/html" };
            if request.to_lowercase().contains("\r\nrange:") {
                visit
                    .send(format!("HTTP/1.1 206 Partial Content\r\nContent-Type: {kind}\r\nContent-Range: bytes 0-8/999\r\nContent-Length: 9\r\n\r\npart of i"))
                    .await;
            } else {
                visit.send(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{DANGER}", DANGER.len())).await;
            }
        }
    })
    .await;
    assert_eq!(get_with(&school, &origin, "/text", "Range: bytes=0-8\r\nIf-Range: \"x\"\r\n").await.status, 403);
    assert_eq!(get_with(&school, &origin, "/video", "Range: bytes=0-8\r\n").await.status, 206);
    // With a body it is asked for once, and for the whole: a second request without it would claim a length that is another request's.
    let mut wire = school.wire().await;
    wire.send(format!("{}GET /not-judged", origin.request("GET", "/with-body", "Range: bytes=0-8\r\nContent-Length: 15\r\n"))).await;
    assert_eq!(wire.reply().await.status, 403);
    let asked: Vec<_> = origin.seen().into_iter().filter(|request| request.contains("with-body") || request.contains("not-judged")).collect();
    assert!(asked.len() == 1 && !asked[0].to_lowercase().contains("range:"), "{asked:?}");
}

#[tokio::test]
async fn what_cannot_be_read_passes_or_not_as_the_group_says() {
    let zeros = vec![b' '; 10 << 20];
    let bomb = gzip(&zeros).repeat(20);
    let nested = gzip(&gzip(&zeros));
    let cases: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("/bomb", "gzip", bomb, "more than 200 times"),
        ("/nested", "gzip, gzip", nested, "more than 200 times"),
        ("/zstd-bomb", "zstd", zstd(&zeros), "more than 200 times"),
        ("/garbage", "gzip", b"this is no gzip".to_vec(), "not what its coding says"),
        ("/unknown", "dcb", b"who knows".to_vec(), "dcb"),
        ("/layers", "gzip, gzip, gzip, gzip", b"who knows".to_vec(), "more than 3 times"),
    ];
    for (unreadable, blocks) in [("block", true), ("pass", false)] {
        let school = World::new().reading(&format!("{{ threshold = 100, on_hit = \"withhold\", unreadable = \"{unreadable}\" }}")).start().await;
        for (path, coding, body, why) in &cases {
            let origin = Origin::answering(chunked(&format!("Content-Type: text/html\r\nContent-Encoding: {coding}\r\n"), body, 3000)).await;
            let reply = get(&school, &origin, path).await;
            let note = closed(&school, path, "allowed").await.note.unwrap_or_default();
            assert!(note.contains(why), "{path}: {note}");
            let is_bomb = path.contains("bomb") || *path == "/nested";
            match (blocks, is_bomb) {
                (true, false) => assert_eq!(reply.status, 403, "{path}"),
                // It was longer than the hold, and had begun.
                (_, true) => assert!(reply.body.len() < 4 << 20, "{path}: {}", reply.body.len()),
                (false, false) => assert!(reply.status == 200 && reply.body == *body && reply.field("content-encoding").as_deref() == Some(*coding), "{path}"),
            }
        }
        // What breaks off is judged as far as it came.
        let whole = gzip(format!("{DANGER}{}", harmless(9000)).as_bytes());
        let origin = Origin::answering(chunked("Content-Type: text/html\r\nContent-Encoding: gzip\r\n", &whole[..whole.len() / 2], 100)).await;
        assert_eq!(get(&school, &origin, "/half").await.status, 403);
    }
}

#[tokio::test]
async fn what_is_sent_is_read_before_it_leaves() {
    let school = World::new().reading(WITHHOLD).start().await;
    let origin = Origin::saying("thanks").await;
    let plain = "a painless way to die, the lethal method, my goodbye note";
    let form = format!("q={}&b=1", plain.replace(' ', "+").replace(',', "%2C"));
    let parts = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\u{1}\u{2}\r\n--xyz\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{plain}\r\n--xyz--\r\n"
    );
    for (path, kind, body) in [
        ("/plain", "text/plain", plain.to_owned()),
        ("/form", "application/x-www-form-urlencoded", form),
        ("/json", "application/json", serde_json::json!({"messages": [{"role": "user", "content": plain}]}).to_string()),
        ("/parts", "multipart/form-data; boundary=xyz", parts),
    ] {
        for fields in [
            format!("Content-Length: {}\r\n", body.len()),
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len()),
        ] {
            let mut wire = school.wire().await;
            wire.send(origin.request("POST", path, &format!("Accept: text/html\r\nContent-Type: {kind}\r\n{fields}"))).await;
            if fields.contains("chunked") {
                for piece in body.as_bytes().chunks(5) {
                    wire.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()).await;
                }
                wire.send("0\r\n\r\n").await;
            } else {
                if fields.contains("Expect") {
                    assert_eq!(wire.reply().await.status, 100);
                }
                wire.send(&body).await;
            }
            let reply = wire.reply().await;
            assert!(reply.status == 403 && reply.text().contains("You are not alone"), "{path}: {} {}", reply.status, reply.text());
            let row = closed(&school, path, "blocked").await;
            assert!(row.reason == "words" && row.why.contains("that was to be sent") && row.why.contains("lethal method"), "{row:?}");
        }
    }
    assert!(origin.seen().iter().all(|seen| !seen.contains("lethal")), "{:?}", origin.seen());
    // What is harmless arrives as it was sent.
    let mut wire = school.wire().await;
    for text in ["A harmless essay.".to_owned(), harmless(150_000)] {
        wire.send(origin.request("POST", "/essay", &format!("Content-Type: text/plain\r\nContent-Length: {}\r\n", text.len())) + &text).await;
        assert_eq!(wire.reply().await.text(), "thanks");
        assert!(origin.seen().last().is_some_and(|seen| seen.ends_with(&text)));
    }
    // What is longer than the hold is cut where the words are.
    let long = format!("{}{plain}{}", harmless(100_000), harmless(20_000));
    let mut wire = school.wire().await;
    wire.send(origin.request("POST", "/long", &format!("Content-Type: text/plain\r\nContent-Length: {}\r\n", long.len())) + &long).await;
    assert_eq!(wire.reply().await.status, 403);
    assert!(origin.seen().iter().all(|seen| !seen.contains("lethal")));
    let noting = World::new().reading("{ threshold = 100, on_hit = \"withhold\", uploads = \"note\" }").start().await;
    let mut wire = noting.wire().await;
    wire.send(origin.request("POST", "/noted", &format!("Content-Type: text/plain\r\nContent-Length: {}\r\n", plain.len())) + plain).await;
    assert_eq!(wire.reply().await.text(), "thanks");
    assert!(closed(&noting, "/noted", "allowed").await.note.is_some_and(|note| note.contains("that was to be sent")));
}

#[tokio::test]
async fn over_https_it_is_the_same() {
    let believed = Authority::new("A public authority");
    let site = SecureSite::saying(DANGER, &believed, &["news.example"], Good::Now).await;
    let files = World::new().reading(WITHHOLD).inspecting().tls("authorities = [\"public.pem\"]").write();
    files.put("public.pem", &believed.pem());
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let usher = Program::start(Arc::new(files));
    let mut talk = Device::of(&usher.files, usher.address).open(&format!("news.example:{}", site.address.port())).await;
    let (status, page) = talk.get("/page").await;
    assert!(status == 403 && !page.contains(SECRET), "{status} {page}");
    let row = usher.rows().into_iter().find(|row| row.verdict == "blocked").expect("on record");
    assert!(row.reason == "words" && row.scheme == "https" && row.why.contains("goodbye note"), "{row:?}");
}

#[tokio::test]
async fn phrases_are_taken_up_anew_and_bad_lines_are_told() {
    let school = World::new().reading(WITHHOLD).start().await;
    let origin = Origin::answering(chunked("Content-Type: text/html\r\n", b"the zebra crossing of doom and the purple llama song", 50)).await;
    assert_eq!(get(&school, &origin, "/before").await.status, 200);
    school.files.put("phrases/more", "theme: suicide\ncategory: self-harm\nlanguage: English\n60 zebra crossing\n60 purple llama\nno weight here\n");
    let checked = school.files.usher(&["config", "check"]);
    assert!(checked.code == Some(0) && checked.out.contains("9 phrases") && checked.out.contains("more:6: no weight"), "{checked:?}");
    let before = school.in_force.get().id;
    school.reloader.reload().await.expect("it is right");
    assert!(school.in_force.get().id != before, "other phrases are other rules");
    assert_eq!(get(&school, &origin, "/after").await.status, 403);
    school.files.edit("policy.toml", "threshold = 100", "threshold = 0");
    school.files.edit("policy.toml", "on_hit = \"withhold\"", "on_hit = \"withold\", themes = { suicid = \"note\" }");
    let checked = school.files.usher(&["config", "check"]);
    for words in ["from 1 to 10000", "\"withold\" is none of note, cut, withhold", "did you mean \"withhold\"?", "did you mean \"suicide\"?"] {
        assert!(checked.code == Some(2) && checked.err.contains(words), "{words}: {checked:?}");
    }
    assert!(school.reloader.reload().await.is_err());
    assert_eq!(get(&school, &origin, "/still").await.status, 403);
}

#[tokio::test]
async fn e2guardians_lists_are_phrases_too() {
    let source = "name = \"weighted\"\naddress = \"weighted\"\nformat = \"phrases\"\ncategory = \"adult\"";
    let files = World::new().reading(WITHHOLD).source(source).write();
    files.put("weighted", "< zebra song ><60>\n< llama dance ><60>\n");
    let school = School::open(files).await;
    let origin = Origin::answering(chunked("Content-Type: text/html\r\n", b"the zebra song and the llama dance", 5)).await;
    assert_eq!(get(&school, &origin, "/e2").await.status, 403);
    let row = closed(&school, "/e2", "blocked").await;
    assert!(row.why.contains("about adult") && row.categories.iter().any(|category| category == "adult"), "{row:?}");
}

#[tokio::test]
async fn a_text_can_be_tried_before_anything_is_changed() {
    let files = World::new().reading(WITHHOLD).write();
    files.put("page.html", DANGER);
    files.put("fine.txt", "a goodbye note");
    let page = files.path("page.html").display().to_string();
    let tried = files.usher(&["scan", "try", &page, "--group", "year-7"]);
    assert_eq!(tried.code, Some(1), "{tried:?}");
    for words in ["suicide", "120", "painless way to die", "danger:4", "over the threshold of 100 for year-7: withhold"] {
        assert!(tried.out.contains(words), "{words}: {}", tried.out);
    }
    let json = files.usher(&["scan", "try", &page, "--group", "year-7", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((json["does"].as_str(), json["themes"][0]["points"].as_i64(), json["phrases"][0]["line"].as_u64()), (Some("withhold"), Some(120), Some(4)));
    let fine = files.usher(&["scan", "try", &files.path("fine.txt").display().to_string(), "--group", "staff"]);
    assert!(fine.code == Some(0) && fine.out.contains("it passes"), "{fine:?}");
    assert_eq!(files.usher(&["scan", "try", &page, "--type", "image/png"]).code, Some(2));
    assert_eq!(files.usher(&["scan", "try", &page, "--group", "year-99"]).code, Some(2));
}

/// Texts as they are on sites a school wants open, against the phrases that are shipped.
#[tokio::test]
async fn ordinary_pages_about_hard_things_are_not_blocked_by_the_shipped_phrases() {
    let world = World::new().reading(WITHHOLD);
    let files = world.write();
    files.edit("usher.toml", "phrases = [\"phrases\"]", &shipped_phrases());
    let school = School::open(files).await;
    for (path, text) in [
        (
            "/medical",
            "Anorexia nervosa and bulimia: symptoms include purging, laxatives and starving yourself. See your GP; Beat, the eating disorder charity, can help.",
        ),
        (
            "/education",
            "Key stage 4 drug education: effects of cannabis, cocaine, heroin, ketamine and MDMA. The Misuse of Drugs Act. Learning objectives and quiz.",
        ),
        ("/news", "Police said a man was arrested with a machete after a stabbing. The court heard he had posted threats online. The inquest continues."),
    ] {
        let origin = Origin::answering(chunked("Content-Type: text/html\r\n", text.as_bytes(), 33)).await;
        assert_eq!(get(&school, &origin, path).await.text(), text, "{path}");
    }
    let harm = "I cannot go on. Looking for a painless way to die, which is the most lethal method? I have my goodbye note and want to ctb tonight.";
    let origin = Origin::answering(chunked("Content-Type: text/html\r\n", harm.as_bytes(), 33)).await;
    assert_eq!(get(&school, &origin, "/harm").await.status, 403);
}
