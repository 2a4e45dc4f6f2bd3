//! Promise: in a connection that is looked into, HTTP/2 is what HTTP/1.1 is: each request is judged, recorded and answered by itself, and none hinders another.

use crate::kit::device::Device;
use crate::kit::h2::{BOTH, Site, Talk2, Told, next, text, told};
use crate::kit::secure::Authority;
use crate::kit::{Program, World, soon};
use http::{HeaderMap, Method, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::ext::Protocol;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use usher::audit::query::Row;

const H2: &[&[u8]] = &[b"h2"];
const H1: &[&[u8]] = &[b"http/1.1"];

/// A part of a site that is blocked.
const PLAY: &str =
    "[[rule]]\nname = \"games of the news\"\nwhen = { prefix = \"news.example/play\" }\nthen = \"block\"\nreason = \"Not in lessons.\"\nreview = 2099-01-01";

/// A school that looks into https and believes this authority.
fn school(believed: &Authority, more: impl FnOnce(World) -> World) -> Program {
    let files = more(World::new().inspecting().policy(PLAY).tls("authorities = [\"public.pem\"]")).write();
    files.put("public.pem", &believed.pem());
    let made = files.usher(&["ca", "create", "--name", "Example School"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    Program::start(Arc::new(files))
}

fn believed() -> Authority {
    Authority::new("A public authority")
}

fn device(usher: &Program) -> Device {
    Device::of(&usher.files, usher.address)
}

/// What is on record of the requests inside, oldest first.
fn inside(usher: &Program) -> Vec<Row> {
    let mut rows: Vec<_> = usher.rows().into_iter().filter(|row| row.method != "CONNECT" || row.reason == "tunnel-inside").collect();
    rows.reverse();
    rows
}

/// Waits until the record says this of a path.
async fn recorded(usher: &Program, path: &str, is_so: impl Fn(&Row) -> bool) -> Row {
    soon("the record", async {
        loop {
            if let Some(row) = usher.rows().into_iter().find(|row| row.path == path && is_so(row)) {
                return row;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn each_request_is_judged_and_on_record_and_the_site_is_spoken_to_as_it_speaks() {
    for (speaks, version) in [(BOTH, Version::HTTP_2), (H2, Version::HTTP_2), (H1, Version::HTTP_11), (&[][..], Version::HTTP_11)] {
        let believed = believed();
        let (site, usher) = (Site::of_pages(&believed, speaks).await, school(&believed, |world| world));
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        assert_eq!(talk.get("/today?edition=late").await, (StatusCode::OK, "page /today".to_owned()));
        let (status, page) = talk.get("/play/chess").await;
        assert!(status == 403 && page.contains("This page is blocked") && page.contains("/play/chess"), "{status} {page}");
        assert_eq!(talk.get("/more").await.0, 200);
        let seen = site.seen();
        assert_eq!(seen.iter().map(|seen| seen.version).collect::<Vec<_>>(), [version; 2]);
        let host = seen[0].fields.get("host").map(|host| host.to_str().expect("text").to_owned());
        let whole = format!("https://{}/today?edition=late", site.authority());
        match version {
            Version::HTTP_2 => assert_eq!((host, seen[0].target.clone()), (None, whole)),
            _ => assert_eq!((host, seen[0].target.as_str()), (Some(site.authority()), "/today?edition=late")),
        }
        assert!(seen[0].fields["via"].to_str().expect("text").starts_with("2.0 usher-"), "{:?}", seen[0].fields);
        assert!(!seen[0].fields.contains_key("connection"));
        assert_eq!(site.visits(), 1);
        let known: Vec<_> = inside(&usher).into_iter().map(|row| (row.method, row.path, row.verdict)).collect();
        let expected = [("GET", "/today?edition=late", "allowed"), ("GET", "/play/chess", "blocked"), ("GET", "/more", "allowed")];
        assert_eq!(known, expected.map(|(method, path, verdict)| (method.to_owned(), path.to_owned(), verdict.to_owned())));
    }
}

#[tokio::test]
async fn an_old_client_reaches_a_new_site_and_the_other_way_round() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, H2).await, school(&believed, |world| world));
    let mut talk = device(&usher).open(&site.authority()).await;
    for path in ["/one", "/two"] {
        assert_eq!(talk.get(path).await, (StatusCode::OK, format!("page {path}")));
    }
    assert!(site.seen().iter().all(|seen| seen.version == Version::HTTP_2 && seen.connection == 0), "{:?}", site.seen());
}

#[tokio::test]
async fn a_hundred_side_by_side_are_each_answered_and_on_record() {
    let believed = believed();
    // No answer before all are asked.
    let asked = Arc::new(tokio::sync::Barrier::new(100));
    let site = Site::doing(&believed, H2, move |_, request| {
        let asked = asked.clone();
        async move {
            asked.wait().await;
            Response::new(Told::saying(format!("page {}", request.uri().path())))
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let talk = Talk2::open(&device(&usher), &site.authority()).await;
    let asking: Vec<_> = (0..100)
        .map(|number| {
            let mut talk = talk.clone();
            tokio::spawn(async move { talk.get(&format!("/{number}")).await })
        })
        .collect();
    for (number, one) in asking.into_iter().enumerate() {
        assert_eq!(one.await.expect("no panic"), (StatusCode::OK, format!("page /{number}")));
    }
    assert_eq!(site.visits(), 1, "they share one connection");
    let mut paths: Vec<_> = inside(&usher).into_iter().filter(|row| row.verdict == "allowed").map(|row| row.path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 100);
}

#[tokio::test]
async fn a_connection_to_a_site_is_shared_and_nothing_on_it_is() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        let cookie = request.headers().get("cookie").map_or("none", |cookie| cookie.to_str().expect("text")).to_owned();
        Response::new(Told::saying(cookie))
    })
    .await;
    let usher = school(&believed, |world| world);
    let (amy, ben) = (device(&usher), device(&usher).at([127, 0, 9, 1]));
    let (mut amy, mut ben) = (Talk2::open(&amy, &site.authority()).await, Talk2::open(&ben, &site.authority()).await);
    for _ in 0..3 {
        let mut asking = amy.request("GET", "/").body(Told::nothing()).expect("a request");
        for cookie in ["a=amy", "b=2", "c=3"] {
            asking.headers_mut().append("cookie", cookie.parse().expect("a value"));
        }
        let answer = amy.send(asking).await.expect("an answer");
        assert_eq!(text(answer.into_body()).await, "a=amy; b=2; c=3", "cookies that come one by one are one field");
        assert_eq!(ben.get("/").await.1, "none");
    }
    assert_eq!(site.visits(), 1);
}

#[tokio::test]
async fn a_request_is_for_the_host_of_its_connection_and_says_so_in_one_way() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, BOTH).await, school(&believed, |world| world));
    let port = site.address.port();
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let ours = format!("news.example:{port}");
    for (method, uri, fields, status, reason) in [
        ("GET", format!("https://{ours}/"), vec![], 200, ""),
        ("GET", format!("https://{ours}/"), vec![("host", ours.as_str())], 200, ""),
        // Browsers share a connection among hosts of one certificate; ours are for one.
        ("GET", format!("https://games.example:{port}/"), vec![], 421, "fronting"),
        ("GET", "https://news.example/".to_owned(), vec![], 421, "fronting"),
        ("GET", format!("http://{ours}/"), vec![], 421, "fronting"),
        ("GET", format!("https://{ours}/"), vec![("host", "games.example")], 400, "malformed"),
        ("GET", format!("https://{ours}/"), vec![("host", ours.as_str()), ("host", "games.example")], 400, "malformed"),
        ("GET", format!("https://{ours}/"), vec![("content_length", "5")], 400, "malformed"),
        ("CONNECT", "games.example:443".to_owned(), vec![], 405, "tunnel-inside"),
        ("CONNECT", ours.clone(), vec![], 405, "tunnel-inside"),
    ] {
        let request = fields.iter().fold(http::Request::builder().method(method).uri(&uri), |request, (name, value)| request.header(*name, *value));
        let answer = talk.send(request.body(Told::nothing()).expect("a request")).await.expect("an answer");
        assert_eq!(answer.status(), status, "{method} {uri} {fields:?}");
        text(answer.into_body()).await;
        let row = inside(&usher).pop().expect("on record");
        assert!(reason.is_empty() || (row.verdict == "refused" && row.reason == reason), "{method} {uri} {fields:?}: {row:?}");
    }
    // A tunnel by another name.
    let mut asking = talk.request("CONNECT", "/.well-known/masque/udp/192.0.2.1/443/").body(Told::nothing()).expect("a request");
    asking.extensions_mut().insert(Protocol::from_static("connect-udp"));
    assert_eq!(talk.send(asking).await.expect("an answer").status(), 405);
    assert_eq!(inside(&usher).pop().expect("on record").reason, "tunnel-inside");
    assert_eq!(site.seen().len(), 2);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_on_record_and_the_connection_goes_on() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, BOTH).await, school(&believed, |world| world));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let large = "x".repeat(70_000);
    let request = talk.request("GET", "/large").header("large", large).body(Told::nothing()).expect("a request");
    assert_eq!(talk.send(request).await.expect("an answer").status(), 431);
    let mut request = talk.request("GET", "/many").body(Told::nothing()).expect("a request");
    for number in 0..200 {
        request.headers_mut().append("many", number.into());
    }
    assert_eq!(talk.send(request).await.expect("an answer").status(), 431);
    let refused = inside(&usher).into_iter().filter(|row| row.verdict == "refused" && row.reason == "malformed").count();
    assert_eq!(refused, 2);
    assert_eq!(talk.get("/").await.0, 200);
}

#[tokio::test]
async fn a_call_with_trailers_streams_both_ways_however_long_it_is_still() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        assert_eq!(request.headers()["te"], "trailers");
        let (tell, answer) = told();
        tokio::spawn(async move {
            let mut body: Incoming = request.into_body();
            while let Some(bytes) = next(&mut body).await {
                tell.say(bytes);
            }
            tell.end_with("grpc-status", "0");
        });
        Response::builder().header("content-type", "application/grpc+proto").body(answer).expect("an answer")
    })
    .await;
    let quiet = Site::doing(&believed, H2, |_, _| async move {
        let (tell, answer) = told();
        tokio::spawn(async move {
            tell.say("begun");
            pending::<()>().await;
        });
        Response::new(answer)
    })
    .await;
    let usher = school(&believed, |world| world.limit("stall_seconds = 1\nanswer_seconds = 1"));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let (tell, body) = told();
    let call = talk.request("POST", "/chat.Chat/Say").header("te", "trailers").header("content-type", "application/grpc").body(body).expect("a request");
    let mut answer = talk.send(call).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/grpc+proto");
    for word in ["one", "two"] {
        tell.say(word);
        assert_eq!(next(answer.body_mut()).await.expect("an echo"), word, "at once");
    }
    // A page that is still for so long is given up; the call is not.
    let mut other = Talk2::open(&device(&usher), &quiet.authority()).await;
    let page = other.request("GET", "/quiet").body(Told::nothing()).expect("a request");
    let mut page = other.send(page).await.expect("an answer");
    assert_eq!(next(page.body_mut()).await.expect("its beginning"), "begun");
    assert_eq!(next(page.body_mut()).await, None, "it is cut off");
    assert_eq!(recorded(&usher, "/quiet", |row| row.outcome.is_some()).await.outcome.as_deref(), Some("limit-reached"));
    tell.say("three");
    assert_eq!(next(answer.body_mut()).await.expect("an echo"), "three");
    drop(tell);
    let rest = soon("the end", answer.into_body().collect()).await.expect("a whole answer");
    assert_eq!(rest.trailers().map(|trailers| trailers["grpc-status"].clone()), Some("0".parse().expect("a value")));
    let row = recorded(&usher, "/chat.Chat/Say", |row| row.outcome.is_some()).await;
    assert_eq!((row.outcome.as_deref(), row.bytes_up, row.bytes_down), (Some("complete"), Some(11), Some(11)));
}

#[tokio::test]
async fn events_that_a_site_sends_arrive_at_once_over_both() {
    for speaks in [H2, H1] {
        let believed = believed();
        let (tellers, mut waiting) = tokio::sync::mpsc::unbounded_channel();
        let site = Site::doing(&believed, speaks, move |_, _| {
            let tellers = tellers.clone();
            async move {
                let (tell, answer) = told();
                tellers.send(tell).expect("the test waits");
                Response::builder().header("content-type", "text/event-stream").body(answer).expect("an answer")
            }
        })
        .await;
        let usher = school(&believed, |world| world.limit("stall_seconds = 1"));
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        let asking = talk.request("GET", "/events").body(Told::nothing()).expect("a request");
        let mut answer = talk.send(asking).await.expect("an answer");
        let tell = soon("to be asked", waiting.recv()).await.expect("asked");
        for event in ["data: 1\n\n", "data: 2\n\n"] {
            tell.say(event);
            assert_eq!(next(answer.body_mut()).await.expect("an event"), event);
        }
        drop(answer);
        // Who listens no more is not told more: the site's stream ends, and the record with it.
        if speaks == H2 {
            tell.unheard().await;
        }
        assert_eq!(recorded(&usher, "/events", |row| row.outcome.is_some()).await.outcome.as_deref(), Some("client-gone"));
        assert_eq!(talk.get("/play/x").await.0, 403, "the connection goes on");
    }
}

/// Bare HTTP/2 of a client, after its preface and settings.
async fn frames(usher: &Program, authority: &str) -> TlsStream<TcpStream> {
    let mut tls = device(usher).clone_offering(BOTH).secure(authority, "news.example").await.expect("a certificate that is trusted");
    tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("sent");
    tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
    tls
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A GET of `/`, packed: indexed fields but for the authority (RFC 7541).
fn get(authority: &str) -> Vec<u8> {
    let length = u8::try_from(authority.len()).expect("a short name");
    [&[0x82, 0x87, 0x84, 0x01, length], authority.as_bytes()].concat()
}

/// The next frame: its kind, flags, stream and payload; `None` when the connection has ended.
async fn next_frame(tls: &mut (impl AsyncReadExt + Unpin)) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    soon("a frame", tls.read_exact(&mut head)).await.ok()?;
    let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
    soon("a frame", tls.read_exact(&mut payload)).await.ok()?;
    Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// The reason of the `GOAWAY` that the connection ends with.
async fn goodbye(tls: &mut TlsStream<TcpStream>) -> u32 {
    while let Some((kind, _, _, payload)) = next_frame(tls).await {
        if kind == 7 {
            return u32::from_be_bytes(payload[4..8].try_into().expect("a reason"));
        }
    }
    panic!("it ended without a word");
}

#[tokio::test]
async fn who_asks_and_takes_it_back_again_and_again_is_shown_out() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, BOTH).await, school(&believed, |world| world));
    let mut tls = frames(&usher, &site.authority()).await;
    let mut flood = Vec::new();
    for stream in (1..2000).step_by(2) {
        flood.extend(frame(1, 0b101, stream, &get(&site.authority())));
        flood.extend(frame(3, 0, stream, &8u32.to_be_bytes()));
    }
    // It may hang up before all of it is sent.
    let _ = tls.write_all(&flood).await;
    assert_eq!(goodbye(&mut tls).await, 11, "ENHANCE_YOUR_CALM");
    assert!(site.seen().len() < 100, "{}", site.seen().len());
}

#[tokio::test]
async fn a_head_without_an_end_ends_the_connection() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, BOTH).await, school(&believed, |world| world));
    let mut tls = frames(&usher, &site.authority()).await;
    let _ = tls.write_all(&frame(1, 0, 1, &get(&site.authority()))).await;
    // A field of nothing, over and over, packed into one byte each: what it unpacks to is counted.
    for _ in 0..10_000 {
        if tls.write_all(&frame(9, 0, 1, &[0x82; 1000])).await.is_err() {
            break;
        }
    }
    assert!([1, 11].contains(&goodbye(&mut tls).await));
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn more_than_may_be_under_way_is_refused_and_the_rest_goes_on() {
    let believed = believed();
    let open = Arc::new(tokio::sync::Semaphore::new(0));
    let waits = open.clone();
    let site = Site::doing(&believed, H2, move |_, _| {
        let waits = waits.clone();
        async move {
            waits.acquire().await.expect("never closed").forget();
            Response::new(Told::saying("page"))
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut tls = frames(&usher, &site.authority()).await;
    for stream in (1..=300).step_by(2) {
        tls.write_all(&frame(1, 0b101, stream, &get(&site.authority()))).await.expect("sent");
    }
    let (mut refused, mut answered) = (0, 0);
    while refused + answered < 150 {
        let (kind, flags, stream, payload) = next_frame(&mut tls).await.expect("the connection goes on");
        match kind {
            3 => {
                assert_eq!((payload, stream > 200), (7u32.to_be_bytes().to_vec(), true), "REFUSED_STREAM of {stream}");
                refused += 1;
                open.add_permits(if refused == 50 { 100 } else { 0 });
            }
            4 if flags == 0 => tls.write_all(&frame(4, 1, 0, &[])).await.expect("sent"),
            1 => answered += 1,
            _ => {}
        }
    }
    assert_eq!((refused, answered), (50, 100));
}

/// How a site leaves a request it has not looked at.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// By refusing it alone.
    Stream,
    /// By ending the connection.
    Connection,
    /// By ending the connection without a word of it.
    Silently,
}

/// A site of bare HTTP/2 whose first connection answers one request and leaves the next.
async fn leaving(believed: &Authority, leaves: Leaves) -> Site {
    Site::bare(believed, H2, move |number, mut tls| async move {
        let mut preface = [0; 24];
        tls.read_exact(&mut preface).await.expect("a preface");
        tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
        while let Some((kind, flags, stream, payload)) = next_frame(&mut tls).await {
            let answer = match kind {
                1 if number == 0 && stream > 1 => match leaves {
                    Leaves::Stream => frame(3, 0, stream, &7u32.to_be_bytes()),
                    Leaves::Connection => frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
                    Leaves::Silently => return,
                },
                1 => [frame(1, 0b100, stream, &[0x88]), frame(0, 1, stream, format!("from {number}").as_bytes())].concat(),
                4 if flags == 0 => frame(4, 1, 0, &[]),
                6 if flags == 0 => frame(6, 1, 0, &payload),
                _ => Vec::new(),
            };
            tls.write_all(&answer).await.expect("sent");
            tls.flush().await.expect("sent");
        }
    })
    .await
}

#[tokio::test]
async fn a_request_that_a_site_says_it_has_not_looked_at_is_sent_again() {
    let believed = believed();
    for (leaves, method, status, says) in [
        (Leaves::Stream, "POST", 200, "from 1"),
        (Leaves::Connection, "POST", 200, "from 1"),
        (Leaves::Silently, "GET", 200, "from 1"),
        // It may have been looked at, and twice is once too often.
        (Leaves::Silently, "POST", 502, ""),
    ] {
        let (site, usher) = (leaving(&believed, leaves).await, school(&believed, |world| world));
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        assert_eq!(talk.get("/one").await, (StatusCode::OK, "from 0".to_owned()), "{leaves:?}");
        let asking = talk.request(method, "/two").body(Told::nothing()).expect("a request");
        let answer = talk.send(asking).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{leaves:?} {method}");
        let page = text(answer.into_body()).await;
        assert!(says.is_empty() || page == says, "{leaves:?} {method}: {page}");
        assert_eq!(inside(&usher).len(), 2, "and is on record once");
        assert_eq!(talk.get("/three").await.1, "from 1");
    }
}

#[tokio::test]
async fn a_site_that_wants_http1_gets_it() {
    let believed = believed();
    let site = Site::bare(&believed, BOTH, |number, tls| async move {
        if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
            let mut connection = h2::server::handshake(tls).await.expect("HTTP/2");
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_reset(h2::Reason::HTTP_1_1_REQUIRED);
            }
        } else {
            let mut tls = tls;
            while head(&mut tls).await.is_some() {
                let page = format!("over http/1.1 on {number}");
                tls.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len()).as_bytes()).await.expect("sent");
                tls.flush().await.expect("sent");
            }
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    for _ in 0..3 {
        assert_eq!(talk.get("/").await, (StatusCode::OK, "over http/1.1 on 1".to_owned()));
    }
    assert_eq!(site.visits(), 2);
}

/// Everything up to an empty line; `None` at the end.
async fn head(from: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("a head", from.read_u8()).await.ok()?);
    }
    Some(String::from_utf8(head).expect("text"))
}

/// A site where somebody logs in to the connection, as NTLM does; it says who, on which.
async fn office(believed: &Authority) -> Site {
    let somebody = Arc::new(std::sync::Mutex::new(std::collections::HashMap::new()));
    Site::doing(believed, BOTH, move |number, request| {
        let somebody = somebody.clone();
        async move {
            let mut somebody = somebody.lock().expect("a table");
            if let Some(login) = request.headers().get("authorization").and_then(|login| login.to_str().ok()?.strip_prefix("NTLM I am ")) {
                somebody.insert(number, login.to_owned());
            }
            match somebody.get(&number) {
                Some(name) => Response::new(Told::saying(format!("{name} on {number} over {:?}", request.version()))),
                None => Response::builder().status(401).header("www-authenticate", "NTLM").body(Told::nothing()).expect("an answer"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_is_logged_in_is_a_connection_of_its_own_over_http1() {
    let believed = believed();
    let (site, usher) = (office(&believed).await, school(&believed, |world| world));
    // Over HTTP/2 a client is told to come again over HTTP/1.1, whether it is asked to log in or does so unasked.
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    for login in [None, Some("NTLM I am amy")] {
        let mut asking = talk.request("GET", "/mail").body(Told::nothing()).expect("a request");
        if let Some(login) = login {
            asking.headers_mut().insert("authorization", login.parse().expect("a value"));
        }
        let error = talk.send(asking).await.expect_err("no answer");
        let reason = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<h2::Error>()).and_then(h2::Error::reason);
        assert_eq!(reason, Some(h2::Reason::HTTP_1_1_REQUIRED));
    }
    let (mut amy, mut ben) = (device(&usher).open(&site.authority()).await, device(&usher).at([127, 0, 9, 1]).open(&site.authority()).await);
    assert_eq!(amy.get("/mail").await.0, 401);
    let page = amy.ask_with("GET", "/mail", &[("authorization", "NTLM I am amy")]).await;
    assert_eq!((page.status(), page.body().starts_with("amy on "), page.body().ends_with("HTTP/1.1")), (StatusCode::OK, true, true), "{page:?}");
    assert_eq!(amy.get("/mail").await.1, *page.body(), "the connection is hers");
    assert_eq!(ben.get("/mail").await.0, 401, "and nobody else's");
    let mut other = Talk2::open(&device(&usher), &site.authority()).await;
    let asking = other.request("GET", "/mail").body(Told::nothing()).expect("a request");
    assert!(other.send(asking).await.is_err(), "nor of her own over HTTP/2");
}

/// A chat over WebSocket that says each byte again, for clients that prove they asked; if `wrong`, it answers to another key.
async fn chat(believed: &Authority, wrong: bool) -> Site {
    Site::bare(believed, H1, move |_, mut tls| async move {
        let Some(asked) = head(&mut tls).await else { return };
        if asked.contains("/plain") {
            tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno").await.expect("sent");
            return;
        }
        let key = asked.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).expect("a key");
        let hashed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
        let accept = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hashed);
        let accept = if wrong { "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned() } else { accept };
        let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\nAlt-Svc: h3=\":443\"\r\n";
        tls.write_all(format!("HTTP/1.1 101 Switching Protocols\r\n{fields}Sec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes()).await.expect("sent");
        tls.flush().await.expect("sent");
        while let Ok(byte) = tls.read_u8().await {
            tls.write_u8(byte).await.expect("sent");
            tls.flush().await.expect("sent");
        }
        let _ = tls.shutdown().await;
    })
    .await
}

fn websocket(talk: &Talk2, path: &str) -> http::Request<Told> {
    let builder = talk.request("CONNECT", path).header("sec-websocket-version", "13").header("sec-websocket-protocol", "chat");
    let mut request = builder.body(Told::nothing()).expect("a request");
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    request
}

#[tokio::test]
async fn a_websocket_over_http2_is_one_over_http1_at_the_site() {
    let believed = believed();
    let (site, usher) = (chat(&believed, false).await, school(&believed, |world| world));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let mut answer = talk.send(websocket(&talk, "/chat")).await.expect("an answer");
    assert_eq!((answer.status(), answer.headers()["sec-websocket-protocol"].as_bytes()), (StatusCode::OK, &b"chat"[..]));
    for gone in ["sec-websocket-accept", "upgrade", "connection", "alt-svc"] {
        assert!(!answer.headers().contains_key(gone), "{gone}: {:?}", answer.headers());
    }
    let mut socket = hyper_util::rt::TokioIo::new(hyper::upgrade::on(&mut answer).await.expect("a stream"));
    for word in *b"hi" {
        socket.write_u8(word).await.expect("sent");
        assert_eq!(soon("an echo", socket.read_u8()).await.expect("said"), word);
    }
    // Others go on beside it, and a blocked place is a page.
    assert_eq!(talk.send(websocket(&talk, "/play/chat")).await.expect("an answer").status(), 403);
    socket.shutdown().await.expect("ended");
    let mut rest = Vec::new();
    soon("the end", socket.read_to_end(&mut rest)).await.expect("the end");
    let row = recorded(&usher, "/chat", |row| row.outcome.is_some()).await;
    assert_eq!((row.method.as_str(), row.scheme.as_str(), row.verdict.as_str(), row.outcome.as_deref()), ("GET", "https", "allowed", Some("complete")));
    assert_eq!((row.bytes_up, row.bytes_down), (Some(2), Some(2)));
    assert_eq!(recorded(&usher, "/play/chat", |_| true).await.verdict, "blocked");
}

#[tokio::test]
async fn a_site_that_does_not_switch_to_websocket_is_an_error() {
    let believed = believed();
    for (wrong, path) in [(true, "/chat"), (false, "/plain")] {
        let (site, usher) = (chat(&believed, wrong).await, school(&believed, |world| world));
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        assert_eq!(talk.send(websocket(&talk, path)).await.expect("an answer").status(), 502, "{path}");
        assert_eq!(recorded(&usher, path, |row| row.outcome.is_some()).await.outcome.as_deref(), Some("origin-failed"));
    }
}

#[tokio::test]
async fn what_is_open_when_usher_stops_is_finished_and_nothing_more_is_begun() {
    let believed = believed();
    let (tellers, mut waiting) = tokio::sync::mpsc::unbounded_channel();
    let site = Site::doing(&believed, H2, move |_, _| {
        let tellers = tellers.clone();
        async move {
            let (tell, answer) = told();
            tellers.send(tell).expect("the test waits");
            Response::new(answer)
        }
    })
    .await;
    let mut usher = school(&believed, |world| world);
    let mut tls = frames(&usher, &site.authority()).await;
    tls.write_all(&frame(1, 0b101, 1, &get(&site.authority()))).await.expect("sent");
    let tell = soon("to be asked", waiting.recv()).await.expect("asked");
    tell.say("begun");
    let (mut said, mut goodbyes, mut tell) = (Vec::new(), 0, Some(tell));
    while let Some((kind, flags, _, payload)) = next_frame(&mut tls).await {
        match kind {
            0 => {
                said.extend(payload);
                if said == b"begun" {
                    usher.signal(rustix::process::Signal::TERM);
                }
            }
            // Whoever drains asks whether the last word was heard.
            6 if flags == 0 => tls.write_all(&frame(6, 1, 0, &payload)).await.expect("sent"),
            7 => {
                goodbyes += 1;
                if let Some(tell) = tell.take() {
                    tell.say(" and ended");
                }
            }
            _ => {}
        }
    }
    assert_eq!((goodbyes, String::from_utf8_lossy(&said).as_ref()), (2, "begun and ended"));
    assert!(usher.ended().success());
    assert_eq!(recorded(&usher, "/", |_| true).await.outcome.as_deref(), Some("complete"));
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_one_answer_loses_it_and_no_other() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        Response::new(if request.uri().path() == "/much" { Told::saying(vec![0; 4 << 20]) } else { Told::saying("page") })
    })
    .await;
    let usher = school(&believed, |world| world.limit("stall_seconds = 1"));
    let mut talk = Talk2::open_with(&device(&usher), &site.authority(), |builder| {
        builder.initial_stream_window_size(100_000).initial_connection_window_size(8 << 20);
    })
    .await;
    let asking = talk.request("GET", "/much").body(Told::nothing()).expect("a request");
    let much = talk.send(asking).await.expect("an answer");
    let row = recorded(&usher, "/much", |row| row.outcome.is_some()).await;
    assert_eq!(row.outcome.as_deref(), Some("client-gone"));
    assert!(much.into_body().collect().await.is_err(), "it is cut off");
    assert_eq!(talk.get("/").await, (StatusCode::OK, "page".to_owned()));
}

#[tokio::test]
async fn a_client_that_stops_sending_a_body_is_told_so() {
    let believed = believed();
    let site = Site::doing(&believed, H1, |_, request| async move {
        let whole = request.into_body().collect().await.is_ok();
        Response::new(Told::saying(format!("whole: {whole}")))
    })
    .await;
    let usher = school(&believed, |world| world.limit("stall_seconds = 1"));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let (tell, body) = told();
    tell.say("a part");
    let asking = talk.request("POST", "/form").body(body).expect("a request");
    assert_eq!(talk.send(asking).await.expect("an answer").status(), 400);
    assert_eq!(talk.get("/").await.0, 200);
}

#[tokio::test]
async fn an_idle_connection_is_ended() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, BOTH).await, school(&believed, |world| world.limit("idle_seconds = 1")));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    assert_eq!(talk.get("/").await.0, 200);
    soon("a goodbye", async {
        while !talk.is_closed() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_speaks_neither_is_told_by_tls_and_it_is_on_record() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, BOTH).await, school(&believed, |world| world));
    assert!(device(&usher).clone_offering(&[b"spdy/3"]).secure(&site.authority(), "news.example").await.is_err());
    let row = soon("the record", async {
        loop {
            if let Some(row) = usher.rows().into_iter().find(|row| row.outcome.is_some()) {
                return row;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((row.method.as_str(), row.verdict.as_str()), ("CONNECT", "answered"));
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn asked_about_the_whole_server_a_site_is_asked_so() {
    for (speaks, target) in [(H1, "*"), (H2, "*")] {
        let believed = believed();
        let (site, usher) = (Site::of_pages(&believed, speaks).await, school(&believed, |world| world));
        let authority = site.authority();
        let mut tls = device(&usher).secure(&authority, "news.example").await.expect("a certificate that is trusted");
        tls.write_all(format!("OPTIONS https://{authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes()).await.expect("sent");
        assert!(head(&mut tls).await.expect("an answer").starts_with("HTTP/1.1 200"));
        let seen = site.seen();
        assert!(seen[0].target.ends_with(target), "{seen:?}");
        assert_eq!(inside(&usher)[0].path, "*");
    }
}

#[tokio::test]
async fn what_leads_past_the_proxy_is_taken_out_of_every_answer() {
    let believed = believed();
    let site = Site::bare(&believed, H1, |_, mut tls| async move {
        while let Some(asked) = head(&mut tls).await {
            let service = "Alt-Svc: h3=\":443\"\r\n";
            let answer = if asked.contains("/chat") {
                format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{service}\r\n")
            } else {
                format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n{service}\r\nHTTP/1.1 200 OK\r\n{service}Content-Length: 0\r\n\r\n")
            };
            tls.write_all(answer.as_bytes()).await.expect("sent");
            tls.flush().await.expect("sent");
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut tls = device(&usher).secure(&site.authority(), "news.example").await.expect("a certificate that is trusted");
    for (path, fields, statuses) in [("/", "", &["103", "200"][..]), ("/chat", "Connection: upgrade\r\nUpgrade: websocket\r\n", &["101"])] {
        tls.write_all(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", site.authority()).as_bytes()).await.expect("sent");
        for status in statuses {
            let head = head(&mut tls).await.expect("an answer");
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")) && !head.to_lowercase().contains("alt-svc"), "{head}");
        }
    }
    // Over HTTP/2 there is no interim answer, and nothing goes wrong for it.
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let answer = talk.request("GET", "/").body(Told::nothing()).expect("a request");
    let answer = talk.send(answer).await.expect("an answer");
    assert!(answer.status() == 200 && !answer.headers().contains_key("alt-svc"));
}

#[tokio::test]
async fn an_idle_connection_that_a_site_ends_without_a_word_costs_no_request() {
    let believed = believed();
    let ended = Arc::new(AtomicUsize::new(0));
    let count = ended.clone();
    let site = Site::bare(&believed, H1, move |number, mut tls| {
        let count = count.clone();
        async move {
            let page = format!("from {number}");
            while head(&mut tls).await.is_some() {
                tls.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len()).as_bytes()).await.expect("sent");
                tls.flush().await.expect("sent");
                if number == 0 {
                    // The next request comes on it, and finds it ended in the middle of TLS.
                    let _ = tls.get_mut().0.peek(&mut [0]).await;
                    break;
                }
            }
            drop(tls);
            count.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut talk = device(&usher).open(&site.authority()).await;
    assert_eq!(talk.get("/one").await, (StatusCode::OK, "from 0".to_owned()));
    assert_eq!(talk.get("/two").await, (StatusCode::OK, "from 1".to_owned()));
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_form_that_waits_to_be_asked_for_goes_to_a_new_site_at_once() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        let fields: HeaderMap = request.headers().clone();
        let body = request.into_body().collect().await.expect("a whole body").to_bytes();
        assert!(!fields.contains_key("expect") && fields["content-length"] == "4");
        Response::new(Told::saying(body))
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut tls = device(&usher).secure(&site.authority(), "news.example").await.expect("a certificate that is trusted");
    let asking = format!("{} /form HTTP/1.1\r\nHost: {}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", Method::PUT, site.authority());
    tls.write_all(asking.as_bytes()).await.expect("sent");
    assert!(head(&mut tls).await.expect("an answer").starts_with("HTTP/1.1 100"));
    tls.write_all(b"body").await.expect("sent");
    assert!(head(&mut tls).await.expect("an answer").starts_with("HTTP/1.1 200"));
}
