//! Promise: in a connection that is looked into, HTTP/2 is what HTTP/1.1 is: each request is judged, recorded and answered by itself, and none hinders another.

use crate::kit::h2::{BOTH, H1, H2, Site, Talk2, Told, believed, device, frame, frames, inside, next_frame, recorded, school, text, told};
use crate::kit::nginx::Nginx;
use crate::kit::secure::Authority;
use crate::kit::{skipped, soon};
use http::{Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::ext::Protocol;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::client::TlsStream;

/// A GET of `/`, packed: indexed fields but for the authority (RFC 7541).
fn get(authority: &str) -> Vec<u8> {
    let length = u8::try_from(authority.len()).expect("a short name");
    [&[0x82, 0x87, 0x84, 0x01, length], authority.as_bytes()].concat()
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
        if tls.write_all(&frame(9, 0, 1, &[0x90; 1000])).await.is_err() {
            break;
        }
    }
    assert_eq!(goodbye(&mut tls).await, 11, "ENHANCE_YOUR_CALM");
    assert!(site.seen().is_empty());
}

/// A site that gives as many answers as there are permits, and what they are added to.
async fn waiting_site(believed: &Authority) -> (Site, Arc<Semaphore>) {
    let open = Arc::new(Semaphore::new(0));
    let waits = open.clone();
    let site = Site::doing(believed, H2, move |_, _| {
        let waits = waits.clone();
        async move {
            waits.acquire().await.expect("never closed").forget();
            Response::new(Told::saying("page"))
        }
    })
    .await;
    (site, open)
}

#[tokio::test]
async fn more_than_may_be_under_way_is_refused_and_the_rest_goes_on() {
    let believed = believed();
    let (site, open) = waiting_site(&believed).await;
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
async fn a_path_that_would_be_read_as_more_of_the_host_is_refused_on_record() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, H1).await, school(&believed, |world| world));
    let mut tls = frames(&usher, &site.authority()).await;
    for (number, path) in ["play/chess", ".games.example/", "*", "?x", "@games.example/"].into_iter().enumerate() {
        let stream = u32::try_from(number).expect("few") * 2 + 1;
        let length = u8::try_from(path.len()).expect("short");
        let head = [&get(&site.authority())[..2], &get(&site.authority())[3..], &[0x04, length], path.as_bytes()].concat();
        tls.write_all(&frame(1, 0b101, stream, &head)).await.expect("sent");
        let ended = loop {
            let (kind, flags, of, _) = next_frame(&mut tls).await.expect("the connection goes on");
            if of == stream && (kind == 3 || flags & 1 == 1) {
                break kind;
            }
        };
        // hyper resets what it cannot read at all; an answer is on record.
        let last = inside(&usher).pop().map(|row| (row.verdict, row.reason));
        assert!(ended == 3 || last == Some(("refused".into(), "malformed".into())), "{path}: {ended} {last:?}");
    }
    assert!(site.seen().is_empty(), "{:?}", site.seen());
    assert!(inside(&usher).iter().all(|row| row.verdict == "refused"));
}

#[tokio::test]
async fn one_client_has_only_so_many_requests_under_way_on_all_its_connections() {
    let believed = believed();
    let (site, open) = waiting_site(&believed).await;
    let usher = school(&believed, |world| world.limit("connections_per_client = 3"));
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(frames(&usher, &site.authority()).await);
    }
    for (number, tls) in all.iter_mut().enumerate() {
        for stream in [1, 3] {
            tls.write_all(&frame(1, 0b101, stream, &get(&site.authority()))).await.expect("sent");
        }
        soon("to be asked", async {
            while site.seen().len() < 2 * (number + 1) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    all[0].write_all(&frame(1, 0b101, 5, &get(&site.authority()))).await.expect("sent");
    loop {
        let (kind, _, stream, payload) = next_frame(&mut all[0]).await.expect("the connection goes on");
        if kind == 3 {
            assert_eq!((stream, payload), (5, 7u32.to_be_bytes().to_vec()), "REFUSED_STREAM");
            break;
        }
    }
    open.add_permits(7);
    let mut talk = all.remove(1);
    while next_frame(&mut talk).await.expect("an answer").0 != 0 {}
    talk.write_all(&frame(1, 0b101, 5, &get(&site.authority()))).await.expect("sent");
    while next_frame(&mut talk).await.expect("an answer").2 != 5 {}
}

/// Runs curl; `None`, with a word about it, where there is none that speaks HTTP/2.
async fn curl(arguments: Vec<String>) -> Option<String> {
    let run = || std::process::Command::new("curl").args(["--silent", "--show-error", "--max-time", "20", "--noproxy", ""]).args(&arguments).output();
    let version = std::process::Command::new("curl").arg("--version").output().ok().map(|said| String::from_utf8_lossy(&said.stdout).contains("HTTP2"));
    if version != Some(true) {
        skipped("curl");
        return None;
    }
    let said = run().expect("curl runs");
    assert!(said.status.success(), "{said:?}");
    Some(String::from_utf8_lossy(&said.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_loads_pages_reads_blocks_and_uploads_through_a_real_server() {
    let believed = believed();
    let Some(nginx) = Nginx::start(&believed, "news.example") else { return skipped("nginx") };
    let usher = school(&believed, |world| world);
    usher.files.put("school.pem", &usher.files.usher(&["ca", "export"]).out);
    let with = |more: &[&str]| {
        let (proxy, pem) = (format!("http://{}", usher.address), usher.files.path("school.pem").display().to_string());
        let fixed = ["--proxy", &proxy, "--interface", "127.0.7.1", "--cacert", &pem, "-w", " %{http_version} %{http_code}"].map(str::to_owned);
        fixed.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect::<Vec<_>>()
    };
    let site = format!("https://news.example:{}", nginx.address.port());
    usher.files.put("upload", &"x".repeat(300_000));
    let upload = format!("@{}", usher.files.path("upload").display());
    for (version, path, more, says) in [
        ("--http2", "/", vec![], "a page over HTTP/2.0 2 200"),
        ("--http1.1", "/", vec![], "a page over HTTP/2.0 1.1 200"),
        ("--http2", "/form", vec!["--data-binary", upload.as_str()], "300000 bytes over HTTP/2.0 2 200"),
        ("--http1.1", "/form", vec!["--data-binary", upload.as_str(), "-H", "Expect: 100-continue"], "300000 bytes over HTTP/2.0 1.1 200"),
    ] {
        let url = format!("{site}{path}");
        let Some(said) = curl(with(&[&[version][..], &more, &[&url]].concat())).await else { return };
        assert_eq!(said, says, "{version} {path}");
    }
    let said = curl(with(&["--http2", &format!("{site}/play/chess")])).await.expect("it was there");
    assert!(said.contains("This page is blocked") && said.ends_with(" 2 403"), "{said}");
    // Many at once on one connection, on which nginx ends its own after every twenty requests.
    let urls = format!("{site}/[1-200]");
    let said = curl(with(&["--http2", "--parallel", "--parallel-max", "50", &urls])).await.expect("it was there");
    // What it says of each is mixed.
    assert_eq!((said.matches("a page over HTTP/2.0").count(), said.matches(" 2 200").count()), (200, 200), "{said}");
    assert_eq!(inside(&usher).into_iter().filter(|row| row.verdict == "allowed").count(), 204);
}
