//! Promise: a site or a device that means harm fails for itself alone: the right error, on record, nothing left over, and memory that has an end.
//!
//! What is tried, and where; what is named without a file is here. Each flood is of real frames over real TLS.
//!
//! | what | of a site | of a device |
//! | --- | --- | --- |
//! | a head without an end | `h2_sites` (fields without an end), [`floods_of_a_site_of_http1_end`] | `smuggling` (too large), `h2` (a head without an end), [`floods_of_a_device_end`] |
//! | a length that lies | `h2_sites` (lies, is not reached), `bodies` (cut short; two readers could differ) | `smuggling`, [`floods_of_a_device_end`] |
//! | a bomb of each coding | `scanning` (cannot be read: gzip, nested, zstd), [`bombs_go_off_in_no_coding`] (br, deflate too) | `scanning` (what is sent is read) |
//! | a slow drip | `limits` (a site that stalls), [`floods_of_a_site_of_http1_end`] (a head that drips) | `limits` (a head that drips, a body that stalls), `h2` (stops sending) |
//! | a reset or an end in the middle | `bodies` (cut short), `h2_sites` (a reset, an end, a stop, a goodbye in the middle), [`a_connection_that_dies_in_the_middle_of_an_answer_is_given_to_nobody_else`] | [`a_device_that_breaks_off_leaves_nothing`] |
//! | TLS that ends without saying so | [`an_answer_that_ends_without_tls_saying_so_is_not_whole`] | [`a_device_that_breaks_off_leaves_nothing`] |
//! | `CONTINUATION` without an end | `h2_sites` (fields without an end) | `h2` (a head without an end) |
//! | resets without an end (CVE-2023-44487) | [`floods_of_a_site_of_http2_end`] | `h2` (takes it back again and again) |
//! | settings, pings, priorities, windows without an end | [`floods_of_a_site_of_http2_end`] | [`floods_of_a_device_end`] |
//! | a window of nothing | [`a_site_that_takes_nothing_of_a_form_is_given_up`] | `h2` (takes nothing of one answer) |
//! | a window that overflows | [`floods_of_a_site_of_http2_end`] | [`floods_of_a_device_end`] |
//! | frames of no data without an end | [`floods_of_a_site_of_http2_end`], [`empty_frames_do_not_pile_up`] | [`floods_of_a_device_end`], [`empty_frames_do_not_pile_up`] |
//! | fields that unpack to much | `h2_sites` (too much of a head) | `h2` (a head without an end) |
//! | a goodbye that lies | `h2_sites` (goodbye; in the middle), [`floods_of_a_site_of_http2_end`] | [`floods_of_a_device_end`] |
//! | trailers without an end | [`floods_of_a_site_of_http1_end`], [`floods_of_a_site_of_http2_end`] | [`floods_of_a_device_end`] |
//! | interim answers without an end | [`floods_of_a_site_of_http1_end`], [`floods_of_a_site_of_http2_end`], [`interim_answers_do_not_pile_up`] | [`interim_answers_that_a_device_does_not_read_are_not_kept`] |
//! | a hello that is slow, in pieces, or never comes | – | `gate` (its first bytes), [`handshakes_that_are_abandoned_leave_nothing`] |
//! | renegotiation, large tickets, broken records | `origins` | `handshakes` |
//! | many windows of 16 MiB at once | [`files_that_take_much_to_look_into_are_looked_into_a_few_at_a_time`] | – |
//! | many answers asked for and none read | – | [`answers_that_nobody_reads_are_kept_in_a_bounded_place`] |

use crate::kit::h2::{BOTH, H1, H2, Site, Talk2, Told, believed, device, frame, frames, head, next_frame, recorded, school, text, told};
use crate::kit::secure::Authority;
use crate::kit::{PATIENCE, Program, World, soon};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::Response;
use http_body_util::BodyExt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

/// How much more memory, in KiB, Usher may have had at once than before: 16 MiB, beside what any connection costs.
const ROOM: u64 = 16 << 10;
/// How much a flood says if it is let.
const FLOOD: usize = 8 << 20;

/// Waits until no more is open than was before, and says how much memory there was at most since.
async fn comes_to_rest(usher: &Program, descriptors: usize, before: u64) {
    soon("its descriptors", async {
        while usher.descriptors() > descriptors {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let most = usher.memory("VmHWM");
    assert!(most < before + ROOM, "{before} KiB before, {most} KiB at most");
}

/// Many of one frame.
fn many(frame: &[u8]) -> Vec<u8> {
    frame.repeat((64 << 10) / frame.len())
}

/// Says this again and again, until it is heard no more or all is said.
async fn pour(to: &mut (impl AsyncWriteExt + Unpin), what: &[u8]) {
    let mut said = 0;
    while said < FLOOD && to.write_all(what).await.is_ok() {
        said += what.len();
    }
    let _ = to.flush().await;
}

/// Hears everything, until the end.
async fn drain(mut from: impl AsyncReadExt + Unpin) {
    let mut heard = vec![0; 64 << 10];
    while from.read(&mut heard).await.is_ok_and(|count| count > 0) {}
}

/// A site of bare HTTP/2 that answers each request with `first`, then `again` and again.
async fn pouring(believed: &Authority, first: Vec<u8>, again: Vec<u8>) -> Site {
    let said = Arc::new((first, again));
    Site::bare(believed, H2, move |_, mut tls| {
        let said = said.clone();
        async move {
            let mut preface = [0; 24];
            tls.read_exact(&mut preface).await.expect("a preface");
            tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
            while let Some((kind, ..)) = next_frame(&mut tls).await {
                if kind == 1 {
                    let (from, mut to) = tokio::io::split(tls);
                    let hearing = tokio::spawn(drain(from));
                    // It may have been given up already.
                    let _ = to.write_all(&said.0).await;
                    pour(&mut to, &said.1).await;
                    let _ = hearing.await;
                    return;
                }
            }
        }
    })
    .await
}

/// Whether the record says that the site was to blame, or that something was too much.
fn is_the_sites(outcome: Option<&str>) -> bool {
    matches!(outcome, Some("origin-failed" | "limit-reached"))
}

#[tokio::test]
async fn floods_of_a_site_of_http2_end() {
    let believed = believed();
    let usher = school(&believed, |world| world.limit("answer_seconds = 1\nstall_seconds = 1"));
    let good = Site::of_pages(&believed, H2).await;
    let asking = device(&usher);
    assert_eq!(Talk2::open(&asking, &good.authority()).await.get("/").await.0, 200);
    let (descriptors, before) = (usher.descriptors(), usher.memory("VmHWM"));
    let ok = frame(1, 0b100, 1, &[0x88]);
    let part = frame(0, 0, 1, b"a part");
    for (name, first, again, status) in [
        ("settings", vec![], frame(4, 0, 0, &[0, 4, 0, 1, 0, 0]), &[502, 504][..]),
        ("settings and no more", ok.clone(), frame(4, 0, 0, &[]), &[200]),
        ("pings", vec![], frame(6, 0, 0, &[7; 8]), &[502, 504]),
        ("pings in the middle", [ok.clone(), part.clone()].concat(), frame(6, 0, 0, &[7; 8]), &[200]),
        ("priorities", vec![], frame(2, 0, 1, &[0, 0, 0, 3, 9]), &[502, 504]),
        ("priorities of others", vec![], frame(2, 0, 0x0fff_ffff, &[0, 0, 0, 3, 9]), &[502, 504]),
        ("windows that overflow", vec![], frame(8, 0, 0, &0x7fff_ffff_u32.to_be_bytes()), &[502]),
        ("windows of nothing", vec![], frame(8, 0, 1, &[0; 4]), &[502]),
        ("windows by one", vec![], frame(8, 0, 1, &[0, 0, 0, 1]), &[502, 504]),
        ("frames of no data", [ok.clone(), part.clone()].concat(), frame(0, 0, 1, &[]), &[200]),
        ("frames of padding", [ok.clone(), part.clone()].concat(), frame(0, 8, 1, &[&[255][..], &[0; 255]].concat()), &[200]),
        ("frames of a kind nobody knows", vec![], frame(0xbe, 0xff, 1, &[0; 100]), &[502, 504]),
        ("interim answers", vec![], frame(1, 0b100, 1, b"\x08\x03103"), &[502, 504]),
        ("trailers", [ok.clone(), frame(1, 1, 1, &[0x88])].concat(), frame(9, 0, 1, &[0x88; 1000]), &[200, 502]),
        ("heads after heads", ok.clone(), ok.clone(), &[200, 502]),
        ("resets of what was answered", [ok.clone(), frame(0, 1, 1, b"all")].concat(), frame(3, 0, 1, &[0, 0, 0, 8]), &[200]),
        ("resets of what was never asked", vec![], frame(3, 0, 99, &[0, 0, 0, 8]), &[502]),
        ("goodbyes", vec![], frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]), &[502, 504]),
        ("goodbyes that take back", frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]), frame(7, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]), &[502, 504]),
    ] {
        let site = pouring(&believed, first, many(&again)).await;
        let mut talk = Talk2::open(&asking, &site.authority()).await;
        let begun = Instant::now();
        let path = format!("/{}", name.replace(' ', "-"));
        // A head may be lost with the rest of an answer that is cut off.
        match tried(&mut talk, &path).await {
            Some((answered, whole)) => {
                assert!(status.contains(&answered), "{name}: {answered}");
                assert!(status != [200] || whole == name.contains("was answered"), "{name}: whole: {whole}");
            }
            None => assert!(status.contains(&200), "{name}"),
        }
        let row = recorded(&usher, &path, |row| row.outcome.is_some()).await;
        let whole = row.outcome.as_deref() == Some("complete");
        assert!(if name.contains("was answered") { whole } else { is_the_sites(row.outcome.as_deref()) }, "{name}: {row:?}");
        assert!(begun.elapsed() < PATIENCE / 2, "{name}: {:?}", begun.elapsed());
        // The device's connection goes on.
        assert_eq!(talk.get("/play/x").await.0, 403, "{name}");
    }
    assert_eq!(Talk2::open(&asking, &good.authority()).await.get("/").await.0, 200);
    comes_to_rest(&usher, descriptors + 1, before).await;
}

/// What comes of asking for this: the status and whether it came whole, or nothing.
async fn tried(talk: &mut Talk2, path: &str) -> Option<(u16, bool)> {
    let request = talk.request("GET", path).body(Told::nothing()).expect("a request");
    let answer = talk.send(request).await.ok()?;
    let status = answer.status().as_u16();
    Some((status, soon("its end", answer.into_body().collect()).await.is_ok()))
}

#[tokio::test]
async fn floods_of_a_site_of_http1_end() {
    let believed = believed();
    let usher = school(&believed, |world| world.limit("answer_seconds = 1\nstall_seconds = 1"));
    let good = Site::of_pages(&believed, H1).await;
    let asking = device(&usher);
    assert_eq!(asking.open(&good.authority()).await.get("/").await.0, 200);
    let (descriptors, before) = (usher.descriptors(), usher.memory("VmHWM"));
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (name, first, again, slowly, status) in [
        ("a line without an end", "HTTP/1.1 200 ", "O", false, &[502][..]),
        ("fields without an end", "HTTP/1.1 200 OK\r\n", "X: y\r\n", false, &[502]),
        ("one field without an end", "HTTP/1.1 200 OK\r\nX: ", "y", false, &[502]),
        ("a head that drips", "HTTP/1.1 200 OK\r\nX: ", "y", true, &[504]),
        ("interim answers", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", false, &[502, 504]),
        ("interim answers that drip", "", "HTTP/1.1 103 Early Hints\r\n\r\n", true, &[504]),
        ("empty lines", "", "\r\n", false, &[502, 504]),
        ("nonsense", "", "\0", false, &[502]),
        ("an extension without an end", &format!("{chunks}1;"), "x", false, &[200]),
        ("trailers without an end", &format!("{chunks}1\r\nx\r\n0\r\n"), "X: y\r\n", false, &[200]),
        ("a size without an end", chunks, "0", false, &[200]),
    ] {
        let (first, again) = (first.to_owned(), again.to_owned());
        let site = Site::bare(&believed, H1, move |_, mut tls| {
            let (first, again) = (first.clone(), again.clone());
            async move {
                if head(&mut tls).await.is_none() {
                    return;
                }
                let _ = tls.write_all(first.as_bytes()).await;
                let _ = tls.flush().await;
                if slowly {
                    let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
                    while tls.write_all(again.as_bytes()).await.is_ok() && tls.flush().await.is_ok() {
                        tick.tick().await;
                    }
                } else {
                    pour(&mut tls, many(again.as_bytes()).as_slice()).await;
                    drain(&mut tls).await;
                }
            }
        })
        .await;
        let mut talk = Talk2::open(&asking, &site.authority()).await;
        let begun = Instant::now();
        let path = format!("/{}", name.replace(' ', "-"));
        match tried(&mut talk, &path).await {
            Some((answered, whole)) => {
                assert!(status.contains(&answered), "{name}: {answered}");
                assert!(status != [200] || !whole, "{name}: taken for whole");
            }
            None => assert_eq!(status, [200], "{name}"),
        }
        let row = recorded(&usher, &path, |row| row.outcome.is_some()).await;
        assert!(is_the_sites(row.outcome.as_deref()), "{name}: {row:?}");
        assert!(begun.elapsed() < PATIENCE / 2, "{name}: {:?}", begun.elapsed());
        assert_eq!(talk.get("/play/x").await.0, 403, "{name}");
    }
    comes_to_rest(&usher, descriptors + 1, before).await;
}

#[tokio::test]
async fn an_answer_that_ends_without_tls_saying_so_is_not_whole() {
    let believed = believed();
    let site = Site::bare(&believed, H1, |_, mut tls| async move {
        let asked = head(&mut tls).await.unwrap_or_default();
        let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it").await;
        let _ = tls.flush().await;
        if asked.contains("/said") {
            let _ = tls.shutdown().await;
        }
        // Without a word otherwise: anybody on the way may have cut it off (RFC 8446 section 6.1).
    })
    .await;
    let usher = school(&believed, |world| world);
    for (path, whole, outcome) in [("/said", true, "complete"), ("/cut", false, "origin-failed")] {
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        let request = talk.request("GET", path).body(Told::nothing()).expect("a request");
        let got = match talk.send(request).await {
            Ok(answer) => soon("its end", answer.into_body().collect()).await.is_ok(),
            Err(_) => false,
        };
        assert_eq!(got, whole, "{path}");
        assert_eq!(recorded(&usher, path, |row| row.outcome.is_some()).await.outcome.as_deref(), Some(outcome), "{path}");
    }
}

#[tokio::test]
async fn a_site_that_takes_nothing_of_a_form_is_given_up() {
    let believed = believed();
    let site = Site::bare(&believed, H2, |_, mut tls| async move {
        let mut preface = [0; 24];
        tls.read_exact(&mut preface).await.expect("a preface");
        // A window of nothing, for each stream there will be.
        tls.write_all(&frame(4, 0, 0, &[0, 4, 0, 0, 0, 0])).await.expect("sent");
        let _ = tls.flush().await;
        drain(tls).await;
    })
    .await;
    let usher = school(&believed, |world| world.limit("stall_seconds = 1\nanswer_seconds = 2"));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let (tell, body) = told();
    (0..100).for_each(|_| {
        tell.say(vec![b'x'; 10_000]);
    });
    let asking = talk.request("POST", "/form").body(body).expect("a request");
    let answer = talk.send(asking).await.expect("an answer");
    assert!([400, 502, 504].contains(&answer.status().as_u16()), "{}", answer.status());
    let row = recorded(&usher, "/form", |row| row.outcome.is_some()).await;
    assert!(is_the_sites(row.outcome.as_deref()), "{row:?}");
    assert_eq!(talk.get("/play/x").await.0, 403);
}

#[tokio::test]
async fn a_connection_that_dies_in_the_middle_of_an_answer_is_given_to_nobody_else() {
    let believed = believed();
    let site = Site::bare(&believed, H2, |number, mut tls| async move {
        let mut preface = [0; 24];
        tls.read_exact(&mut preface).await.expect("a preface");
        tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
        while let Some((kind, flags, stream, _)) = next_frame(&mut tls).await {
            let answer = match (kind, number) {
                (1, 0) if stream == 1 => [frame(1, 0b100, 1, &[0x88]), frame(0, 0, 1, b"a part")].concat(),
                (1, 1..) => [frame(1, 0b100, stream, &[0x88]), frame(0, 1, stream, b"page")].concat(),
                (4, _) if flags == 0 => frame(4, 1, 0, &[]),
                _ => Vec::new(),
            };
            if tls.write_all(&answer).await.is_err() || tls.flush().await.is_err() {
                return;
            }
        }
    })
    .await;
    let usher = school(&believed, |world| world.limit("stall_seconds = 1\nanswer_seconds = 5"));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let request = talk.request("GET", "/part").body(Told::nothing()).expect("a request");
    let answer = talk.send(request).await.expect("an answer");
    assert!(soon("its end", answer.into_body().collect()).await.is_err(), "it is cut off");
    assert_eq!(talk.get("/whole").await, (http::StatusCode::OK, "page".to_owned()));
    assert_eq!(site.visits(), 2);
}

#[tokio::test]
async fn bombs_go_off_in_no_coding() {
    let zeros = vec![b' '; 32 << 20];
    let gzip = {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&zeros).expect("in memory");
        gzip.finish().expect("in memory")
    };
    let deflate = {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&zeros).expect("in memory");
        zlib.finish().expect("in memory")
    };
    // A window of 16 MiB, then "the byte before, 16 MiB of it" over and over (RFC 7932, made with brotli 1.2.1 of 32 MiB of spaces).
    let brotli = include_bytes!("kit/spaces.br").to_vec();
    let zstd = zstd::encode_all(&zeros[..], 3).expect("in memory");
    let believed = believed();
    let reading = |world: World| world.reading("{ threshold = 100, on_hit = \"withhold\", unreadable = \"block\" }");
    let usher = school(&believed, reading);
    let bodies = Arc::new([("gzip", gzip), ("deflate", deflate), ("br", brotli), ("zstd", zstd)]);
    for speaks in [H1, H2] {
        let bombs = bodies.clone();
        let site = Site::doing(&believed, speaks, move |_, request| {
            let bombs = bombs.clone();
            async move {
                let coding = request.uri().path().trim_start_matches('/').to_owned();
                let (_, body) = bombs.iter().find(|(name, _)| coding.starts_with(name)).expect("a coding");
                let answer = Response::builder().header("content-type", "text/html").header("content-encoding", coding.split('-').next().unwrap_or_default());
                answer.body(Told::saying(body.clone())).expect("an answer")
            }
        })
        .await;
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        let before = usher.memory("VmHWM");
        for (coding, _) in bodies.iter() {
            let path = format!("/{coding}-{}", speaks.len() + speaks[0].len());
            let request = talk.request("GET", &path).header("accept", "text/html").body(Told::nothing()).expect("a request");
            let mut got = 0;
            if let Ok(answer) = talk.send(request).await {
                let mut body = answer.into_body();
                while let Some(Ok(frame)) = soon("more", body.frame()).await {
                    got += frame.into_data().map_or(0, |data| data.len());
                }
            }
            assert!(got < 4 << 20, "{path}: {got} bytes");
            let row = recorded(&usher, &path, |row| row.outcome.is_some() && row.note.is_some()).await;
            assert!(row.note.as_deref().is_some_and(|note| note.contains("more than 200 times")), "{row:?}");
        }
        // Windows are 16 MiB at most, and one is in use at a time.
        let most = usher.memory("VmHWM");
        assert!(most < before + 2 * ROOM + ROOM, "{before} KiB before, {most} KiB at most");
    }
}

#[tokio::test]
async fn files_that_take_much_to_look_into_are_looked_into_a_few_at_a_time() {
    let believed = believed();
    let stays = Arc::new(Notify::new());
    let waiting = stays.clone();
    let site = Site::doing(&believed, H2, move |_, request| {
        let stays = waiting.clone();
        async move {
            // Asked for it or not, and all of its window but the last byte of it.
            let spaces = include_bytes!("kit/spaces.br");
            let (tell, body) = told();
            let is_whole = request.uri().path().starts_with("/whole");
            tell.say(&spaces[..spaces.len() - usize::from(!is_whole)]);
            if !is_whole {
                tokio::spawn(async move {
                    stays.notified().await;
                    drop(tell);
                });
            }
            let head = Response::builder().header("content-type", "application/octet-stream").header("content-encoding", "br");
            head.body(body).expect("an answer")
        }
    })
    .await;
    let usher = school(&believed, |world| world.files("block = [\"executable\"], uploads = true").scan("held_ms = 200"));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let before = usher.memory("VmHWM");
    let mut open = Vec::new();
    let mut refused = Vec::new();
    for number in 0..8 {
        let path = format!("/part/{number}");
        let request = talk.request("GET", &path).body(Told::nothing()).expect("a request");
        let answer = talk.send(request).await.expect("an answer");
        match answer.status().as_u16() {
            200 => open.push(answer),
            _ => refused.push((path, answer)),
        }
    }
    // A share of 48 MiB has room for two of 20.
    assert_eq!((open.len(), refused.len()), (2, 6));
    for (path, answer) in refused {
        assert_eq!(answer.status(), 403);
        assert!(text(answer.into_body()).await.contains("Try again in a moment"), "{path}");
        let row = recorded(&usher, &path, |row| row.verdict == "blocked").await;
        assert_eq!((&*row.reason, &*row.class), ("file", "blocked"));
    }
    // What is sent is looked into in the same way.
    let upload = talk.request("POST", "/whole/sent").header("content-type", "application/octet-stream").header("content-encoding", "br");
    let upload = upload.body(Told::saying(&include_bytes!("kit/spaces.br")[..])).expect("a request");
    assert_eq!(talk.send(upload).await.expect("an answer").status(), 403);
    let most = usher.memory("VmHWM");
    assert!(most < before + 2 * (20 << 10) + ROOM, "{before} KiB before, {most} KiB at most");
    // It is one device's share: others have theirs.
    let mut other = Talk2::open(&device(&usher).at([127, 0, 7, 2]), &site.authority()).await;
    let request = other.request("GET", "/whole/of-another").body(Told::nothing()).expect("a request");
    assert_eq!(other.send(request).await.expect("an answer").status(), 200);
    // And what was taken comes back.
    stays.notify_waiters();
    for answer in open {
        let _ = soon("its end", answer.into_body().collect()).await;
    }
    let request = talk.request("GET", "/whole/later").body(Told::nothing()).expect("a request");
    assert_eq!(talk.send(request).await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn empty_frames_do_not_pile_up() {
    let believed = believed();
    let usher = school(&believed, |world| world.limit("stall_seconds = 3"));
    let good = Site::of_pages(&believed, H2).await;
    assert_eq!(Talk2::open(&device(&usher), &good.authority()).await.get("/").await.0, 200);
    // A site says nothing in many frames, to a device that takes nothing.
    let before = usher.memory("VmHWM");
    let site = pouring(&believed, [frame(1, 0b100, 1, &[0x88]), frame(0, 0, 1, &[b'x'; 16_000]).repeat(4)].concat(), many(&frame(0, 0, 1, &[]))).await;
    let mut talk = Talk2::open_with(&device(&usher), &site.authority(), |builder| {
        builder.initial_stream_window_size(100);
    })
    .await;
    let request = talk.request("GET", "/nothing").body(Told::nothing()).expect("a request");
    let answer = talk.send(request).await;
    let row = recorded(&usher, "/nothing", |row| row.outcome.is_some()).await;
    assert_ne!(row.outcome.as_deref(), Some("complete"), "{row:?}");
    drop(answer);
    let most = usher.memory("VmHWM");
    assert!(most < before + ROOM, "{before} KiB before, {most} KiB at most, of a site");
    // A device says nothing in many frames, to a site that takes nothing.
    let asked = Arc::new(Notify::new());
    let tell = asked.clone();
    let site = Site::bare(&believed, H1, move |_, mut tls| {
        let tell = tell.clone();
        async move {
            let _ = head(&mut tls).await;
            tell.notify_one();
            std::future::pending::<()>().await;
        }
    })
    .await;
    let mut tls = frames(&usher, &site.authority()).await;
    let authority = site.authority();
    let length = u8::try_from(authority.len()).expect("short");
    let form = [&[0x83, 0x87, 0x04, 0x05][..], b"/form", &[0x01, length], authority.as_bytes()].concat();
    tls.write_all(&frame(1, 0b100, 1, &form)).await.expect("sent");
    let (from, mut to) = tokio::io::split(tls);
    let hearing = tokio::spawn(drain(from));
    let full = frame(0, 0, 1, &[b'x'; 16_000]).repeat(4);
    let _ = to.write_all(&full).await;
    soon("to be asked", asked.notified()).await;
    pour(&mut to, &many(&frame(0, 0, 1, &[]))).await;
    let row = recorded(&usher, "/form", |row| row.outcome.is_some()).await;
    assert_ne!(row.outcome.as_deref(), Some("complete"), "{row:?}");
    drop(to);
    hearing.abort();
    let most = usher.memory("VmHWM");
    assert!(most < before + ROOM, "{before} KiB before, {most} KiB at most, of a device");
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_do_not_pile_up() {
    let believed = believed();
    let usher = school(&believed, |world| world.limit("answer_seconds = 2"));
    let good = Site::of_pages(&believed, H2).await;
    let asking = device(&usher);
    assert_eq!(Talk2::open(&asking, &good.authority()).await.get("/").await.0, 200);
    let before = usher.memory("VmHWM");
    let mut asked = Vec::new();
    for _ in 0..16 {
        let site = pouring(&believed, vec![], many(&frame(1, 0b100, 1, b"\x08\x03103"))).await;
        let mut talk = Talk2::open(&asking, &site.authority()).await;
        let request = talk.request("GET", "/hints").body(Told::nothing()).expect("a request");
        asked.push(tokio::spawn(async move { talk.send(request).await.map(|answer| answer.status().as_u16()) }));
    }
    for one in asked {
        assert_eq!(one.await.expect("no panic").expect("an answer"), 504);
    }
    let most = usher.memory("VmHWM");
    // Beside what sixteen more connections cost, on both sides.
    assert!(most < before + 2 * ROOM, "{before} KiB before, {most} KiB at most");
}

#[tokio::test]
async fn interim_answers_that_a_device_does_not_read_are_not_kept() {
    let believed = believed();
    let usher = school(&believed, |world| world.limit("answer_seconds = 2"));
    let site = Site::bare(&believed, H1, |_, mut tls| async move {
        let _ = head(&mut tls).await;
        let hint = format!("HTTP/1.1 103 Early Hints\r\nLink: <{}>\r\n\r\n", "x".repeat(4000));
        for _ in 0..4 {
            pour(&mut tls, hint.as_bytes()).await;
        }
        drain(tls).await;
    })
    .await;
    let mut tls = device(&usher).secure(&site.authority(), "news.example").await.expect("a certificate that is trusted");
    let before = usher.memory("VmHWM");
    tls.write_all(format!("GET /hints HTTP/1.1\r\nHost: {}\r\n\r\n", site.authority()).as_bytes()).await.expect("sent");
    let row = recorded(&usher, "/hints", |row| row.outcome.is_some()).await;
    assert_ne!(row.outcome.as_deref(), Some("complete"), "{row:?}");
    let most = usher.memory("VmHWM");
    assert!(most < before + ROOM, "{before} KiB before, {most} KiB at most");
}

#[tokio::test]
async fn floods_of_a_device_end() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        let whole = request.into_body().collect().await.is_ok();
        Response::new(Told::saying(format!("whole: {whole}")))
    })
    .await;
    let usher = school(&believed, |world| world.limit("stall_seconds = 1\nhead_seconds = 2\nidle_seconds = 2"));
    let authority = site.authority();
    let length = u8::try_from(authority.len()).expect("short");
    let asking = |method: u8| [&[method, 0x87, 0x84, 0x01, length][..], authority.as_bytes()].concat();
    let (get, post) = (asking(0x82), asking(0x83));
    assert_eq!(Talk2::open(&device(&usher), &authority).await.get("/").await.0, 200);
    let (descriptors, before) = (usher.descriptors(), usher.memory("VmHWM"));
    let form = [frame(1, 0b100, 1, &post), frame(0, 0, 1, b"a part")].concat();
    for (name, first, again) in [
        ("settings", vec![], frame(4, 0, 0, &[0, 4, 0, 1, 0, 0])),
        ("settings of an answer", frame(1, 0b101, 1, &get), frame(4, 0, 0, &[0, 4, 0, 0, 0, 0])),
        ("acknowledgements", vec![], frame(4, 1, 0, &[])),
        ("pings", vec![], frame(6, 0, 0, &[7; 8])),
        ("priorities", vec![], frame(2, 0, 1, &[0, 0, 0, 3, 9])),
        ("windows that overflow", vec![], frame(8, 0, 0, &0x7fff_ffff_u32.to_be_bytes())),
        ("windows by one", frame(1, 0b101, 1, &get), frame(8, 0, 1, &[0, 0, 0, 1])),
        ("frames of no data", form.clone(), frame(0, 0, 1, &[])),
        ("frames of padding", form.clone(), frame(0, 8, 1, &[&[255][..], &[0; 255]].concat())),
        ("frames of a kind nobody knows", vec![], frame(0xbe, 0xff, 1, &[0; 100])),
        ("a length that lies", frame(1, 0b100, 1, &[&post[..], b"\x0f\x0d\x013"].concat()), frame(0, 0, 1, b"too much of it")),
        ("trailers", [form.clone(), frame(1, 1, 1, &[0x88])].concat(), frame(9, 0, 1, &[0x88; 1000])),
        ("resets of nothing", vec![], frame(3, 0, 1, &[0, 0, 0, 8])),
        ("goodbyes", vec![], frame(7, 0, 0, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])),
        ("promises", vec![], frame(5, 0b100, 1, &[0, 0, 0, 2, 0x82])),
        ("data for nobody", vec![], frame(0, 0, 7, b"what")),
        ("frames that are too large", vec![], frame(0, 0, 1, &[0; 20_000])),
        ("a preface again", vec![], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
    ] {
        for hears in [true, false] {
            let mut tls = frames(&usher, &authority).await;
            let _ = tls.write_all(&first).await;
            let (from, mut to) = tokio::io::split(tls);
            let hearing = hears.then(|| tokio::spawn(drain(from)));
            let flood = many(&again);
            // It ends because the far side has had enough, or all is said, or nothing is taken any more: the next is tried beside it.
            let ended = tokio::time::timeout(std::time::Duration::from_secs(9), pour(&mut to, &flood)).await;
            if let Some(hearing) = hearing {
                assert!(ended.is_ok(), "{name}: it is heard and does not end");
                hearing.abort();
            }
        }
    }
    assert_eq!(Talk2::open(&device(&usher), &authority).await.get("/").await.0, 200);
    comes_to_rest(&usher, descriptors + 1, before).await;
}

#[tokio::test]
async fn answers_that_nobody_reads_are_kept_in_a_bounded_place() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, _| async move {
        let (tell, body) = told();
        tokio::spawn(async move {
            // What is not taken is kept by the site, whose memory is not looked at.
            for _ in 0..64 {
                tell.say(vec![0; 64 << 10]);
            }
        });
        Response::new(body)
    })
    .await;
    let usher = school(&believed, |world| world.limit("stall_seconds = 2"));
    let authority = site.authority();
    let length = u8::try_from(authority.len()).expect("short");
    let get = [&[0x82, 0x87, 0x84, 0x01, length][..], authority.as_bytes()].concat();
    assert_eq!(Talk2::open(&device(&usher), &authority).await.get("/play/x").await.0, 403);
    let (descriptors, before) = (usher.descriptors(), usher.memory("VmHWM"));
    let mut tls = frames(&usher, &authority).await;
    for stream in (1..200).step_by(2) {
        tls.write_all(&frame(1, 0b101, stream, &get)).await.expect("sent");
    }
    soon("all to be given up", async {
        loop {
            let rows: Vec<_> = usher.rows().into_iter().filter(|row| row.method == "GET" && row.path == "/" && row.outcome.is_some()).collect();
            if rows.len() == 100 {
                assert!(rows.iter().all(|row| row.outcome.as_deref() == Some("client-gone")), "{rows:?}");
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(tls);
    soon("its descriptors", async {
        while usher.descriptors() > descriptors + 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // A hundred answers, of each what one may be kept of: some 128 KiB from the site and 64 KiB for the device.
    let most = usher.memory("VmHWM");
    assert!(most < before + 2 * ROOM, "{before} KiB before, {most} KiB at most");
}

#[tokio::test]
async fn a_device_that_breaks_off_leaves_nothing() {
    let believed = believed();
    let site = Site::doing(&believed, BOTH, |_, request| async move {
        if request.method() == "POST" {
            let whole = request.into_body().collect().await.is_ok();
            return Response::new(Told::saying(format!("whole: {whole}")));
        }
        let (tell, body) = told();
        (0..64).for_each(|_| {
            tell.say(vec![0; 64 << 10]);
        });
        Response::new(body)
    })
    .await;
    let usher = school(&believed, |world| world);
    let authority = site.authority();
    assert_eq!(Talk2::open(&device(&usher), &authority).await.get("/play/x").await.0, 403);
    let (descriptors, before) = (usher.descriptors(), usher.memory("VmHWM"));
    for (path, asking) in [("/down", "GET /down"), ("/up", "POST /up")] {
        let fields = if path == "/up" { "Content-Length: 1000000\r\n" } else { "" };
        let mut tls = device(&usher).secure(&authority, "news.example").await.expect("a certificate that is trusted");
        tls.write_all(format!("{asking} HTTP/1.1\r\nHost: {authority}\r\n{fields}\r\na part").as_bytes()).await.expect("sent");
        if path == "/down" {
            assert!(head(&mut tls).await.expect("an answer").starts_with("HTTP/1.1 200"));
        }
        // Gone, without a word in TLS.
        drop(tls);
        let row = recorded(&usher, path, |row| row.outcome.is_some()).await;
        assert_eq!(row.outcome.as_deref(), Some("client-gone"), "{path}");
    }
    comes_to_rest(&usher, descriptors + 1, before).await;
}

#[tokio::test]
async fn handshakes_that_are_abandoned_leave_nothing() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, BOTH).await, school(&believed, |world| world.limit("head_seconds = 1")));
    let (authority, asking) = (site.authority(), device(&usher));
    assert_eq!(Talk2::open(&asking, &authority).await.get("/").await.0, 200);
    let hello = hello_of("news.example");
    let (descriptors, before) = (usher.descriptors(), usher.memory("VmHWM"));
    let mut open = Vec::new();
    for number in 0..200 {
        let mut tcp = asking.tunnel(&authority).await;
        match number % 4 {
            // Nothing at all; a part; all of it, and no more; all of it, and then nonsense.
            0 => {}
            1 => tcp.write_all(&hello[..hello.len() / 2]).await.expect("sent"),
            2 => tcp.write_all(&hello).await.expect("sent"),
            _ => tcp.write_all(&[&hello[..], &[0xff; 100]].concat()).await.expect("sent"),
        }
        // Half of them stay and say no more, and the others go.
        if number % 2 == 0 || number % 8 == 1 {
            open.push(tcp);
        }
    }
    comes_to_rest(&usher, descriptors + 1, before).await;
    drop(open);
    // In pieces of a byte it is a hello as any other, and in time it may be slow.
    let mut tcp = asking.tunnel(&authority).await;
    tcp.set_nodelay(true).expect("a setting");
    for byte in &hello {
        tcp.write_all(&[*byte]).await.expect("sent");
        tokio::task::yield_now().await;
    }
    let mut first = [0; 3];
    soon("an answer", tcp.read_exact(&mut first)).await.expect("an answer");
    assert_eq!(first[..2], [0x16, 0x03], "a record of the handshake");
    // A drip does not move the limit.
    let mut tcp = asking.tunnel(&authority).await;
    let begun = Instant::now();
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
    for byte in hello.iter().cycle().take(1000).enumerate().map(|(place, byte)| if place < hello.len() - 1 { *byte } else { 0 }) {
        tick.tick().await;
        if tcp.write_all(&[byte]).await.is_err() || begun.elapsed() > PATIENCE {
            break;
        }
    }
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    let rows = usher.rows();
    let asked = rows.iter().filter(|row| row.method == "CONNECT").count();
    assert_eq!(asked, 203, "each is on record");
}

/// The first bytes of a client of ours.
fn hello_of(name: &str) -> Vec<u8> {
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};
    let builder = ClientConfig::builder_with_provider(usher::tls::provider()).with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let mut client = ClientConnection::new(Arc::new(config), name.to_owned().try_into().expect("a name")).expect("a client");
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).expect("in memory");
    bytes
}
