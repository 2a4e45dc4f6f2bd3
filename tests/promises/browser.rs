//! What a real browser makes of it: pages load whole, refusals are read by people, and each request is on record. Needs Chromium.

use crate::kit::h2;
use crate::kit::secure::{Authority, Good, SecureSite};
use crate::kit::{Browser, Files, Origin, Program, School, Visit, World, skipped};
use crate::{sockets, websockets};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use usher::audit::query::Row;

/// The room the browser is in.
pub const ROOM: &str = r#"
[[group]]
name = "year-8"
members = { networks = ["127.0.0.1/32"] }
block = ["games", "self-harm"]
warn = ["streaming"]

[[rule]]
name = "the world is not there"
when = { host = ["com", "net", "org"] }
then = "block"
reason = "What a browser asks for by itself does not leave the test."
review = 2027-01-10
"#;

/// A page whose heading is changed by its script, and which shows a picture of its own and one of a blocked site.
const PAGE: &str = r#"<!doctype html><html lang="en"><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<h1>before</h1><img id="own" src="/picture.svg"><img id="advert" src="http://games.example/advert.gif"><script src="/script.js"></script>"#;
const SCRIPT: &str = r#"document.querySelector("h1").textContent = "the script ran"; window.fetched = fetch("/data.json").then(answer => answer.json())"#;

/// What the page that is shown came over.
const NEXT_HOP: &str = "performance.getEntriesByType('navigation')[0].nextHopProtocol";

/// An Usher with an authority of its own which believes another, and a browser that trusts the first, and these.
pub fn started(files: Files, believed: &Authority, besides: &[&str]) -> Option<(Program, Browser)> {
    files.put("public.pem", &believed.pem());
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let pem = files.usher(&["ca", "export"]).out;
    let usher = Program::start(Arc::new(files));
    let browser = Browser::trusting(&[&[pem.as_str()], besides].concat(), usher.address)?;
    Some((usher, browser))
}

/// The path of a request as it came.
fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap_or_default()
}

async fn say(visit: &mut Visit, kind: &str, text: &str) {
    visit.send(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{text}", text.len())).await;
}

async fn site() -> Origin {
    Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            match path(&request) {
                "/style.css" => say(&mut visit, "text/css", "h1 { letter-spacing: 7px }").await,
                "/script.js" => say(&mut visit, "text/javascript", SCRIPT).await,
                "/data.json" => say(&mut visit, "application/json", r#"{"word":"fetched"}"#).await,
                "/picture.svg" => say(&mut visit, "image/svg+xml", r#"<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>"#).await,
                _ => say(&mut visit, "text/html", PAGE).await,
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_a_page_loads_whole_a_block_is_read_and_a_warning_is_gone_past() {
    let believed = Authority::new("A public authority");
    let page = "<!doctype html><title>News</title><h1>before</h1><script>document.querySelector('h1').textContent = 'the script ran'</script>";
    let site = SecureSite::saying(page, &believed, &["news.example", "video.example"], Good::Now).await;
    let files = World::new().policy(ROOM).inspecting().tls("authorities = [\"public.pem\"]").write();
    let Some((usher, mut browser)) = started(files, &believed, &[]) else { return skipped("Chromium with certutil") };
    let port = site.address.port();
    browser.go(&format!("https://news.example:{port}/today")).expect("a page");
    assert_eq!(browser.words(), "the script ran");
    assert_eq!(browser.value(NEXT_HOP), "h2");
    browser.go(&format!("https://games.example:{port}/chess")).expect("a page, not an error of the browser");
    assert!(browser.words().contains("This page is blocked"), "{}", browser.words());
    assert_eq!(browser.value(NEXT_HOP), "h2");
    browser.go(&format!("https://video.example:{port}/film")).expect("a page");
    assert!(browser.words().contains("Think before you go on"), "{}", browser.words());
    browser.click("button");
    assert_eq!(browser.words(), "the script ran");
    let paths: Vec<_> = usher.rows().into_iter().filter(|row| row.scheme == "https" && row.method == "GET").map(|row| (row.path, row.verdict)).collect();
    for (path, verdict) in [("/today", "allowed"), ("/chess", "blocked"), ("/film", "warned")] {
        assert!(paths.iter().any(|(known, was)| known == path && was.as_str() == verdict), "{path}: {paths:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_site_that_is_sealed_is_read_as_its_block_page_and_a_warning_leads_on() {
    let believed = Authority::new("A public authority");
    let page = "<!doctype html><title>Film</title><h1>the film</h1>";
    let site = SecureSite::saying(page, &believed, &["video.example"], Good::Now).await;
    let files = World::new().policy(ROOM).tls("authorities = [\"public.pem\"]").write();
    let Some((usher, mut browser)) = started(files, &believed, &[&believed.pem()]) else { return skipped("Chromium with certutil") };
    let games = format!("https://games.example:{}/play", site.address.port());
    assert_eq!(browser.go(&games), Err("net::ERR_TUNNEL_CONNECTION_FAILED".to_owned()), "nobody knows yet whether it trusts the school");
    browser.go("https://usher.internal/ca").expect("a page");
    browser.go(&games).expect("a page, not an error of the browser");
    let words = browser.words();
    assert!(words.contains("This page is blocked") && words.contains("Games is blocked for year-8."), "{words}");
    browser.go(&format!("https://video.example:{}/film", site.address.port())).expect("a page");
    assert!(browser.words().contains("Think before you go on"), "{}", browser.words());
    browser.click("button");
    assert_eq!(browser.words(), "the film", "over a tunnel that is sealed");
    let rows: Vec<_> = usher.rows().into_iter().map(|row| (row.method, row.host, row.path, row.verdict)).collect();
    for known in [("GET", "games.example", "/play", "blocked"), ("GET", "video.example", "/film", "warned"), ("CONNECT", "video.example", "", "allowed")] {
        assert!(rows.iter().any(|(method, host, path, verdict)| (&**method, &**host, &**path, &**verdict) == known), "{known:?}: {rows:?}");
    }
    assert!(!rows.iter().any(|(method, host, _, verdict)| method == "GET" && host == "video.example" && verdict == "allowed"), "what is sealed is not seen");
}

/// A WebSocket of the site's: each short message comes back as it is.
async fn echo(mut tls: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) {
    let Some(asked) = h2::head(&mut tls).await else { return };
    let key = asked.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).expect("a key");
    let accept = websockets::accept(key);
    let answer = format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
    tls.write_all(answer.as_bytes()).await.expect("sent");
    let mut head = [0; 6];
    while tls.read_exact(&mut head).await.is_ok() {
        let mut message = vec![0; usize::from(head[1] & 0x7f)];
        tls.read_exact(&mut message).await.expect("a message");
        message.iter_mut().zip(head[2..].iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        tls.write_all(&[&[head[0], head[1] & 0x7f], &message[..]].concat()).await.expect("sent");
        tls.flush().await.expect("sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http2_a_websocket_talks_and_a_hundred_parts_of_a_page_load_at_once() {
    let believed = h2::believed();
    let page = "<!doctype html><title>News</title><h1>before</h1><script>window.parts = Promise.all([...Array(100).keys()].map(number =>
        fetch('/part/' + number).then(answer => answer.text()))).then(texts => texts.join())</script>";
    let site = h2::Site::bare(&believed, h2::BOTH, move |_, tls| async move {
        if tls.get_ref().1.alpn_protocol() != Some(b"h2") {
            return echo(tls).await;
        }
        let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| async move {
            let path = request.uri().path().to_owned();
            let (kind, text) = path.strip_prefix("/part/").map_or(("text/html", page.to_owned()), |number| ("text/plain", number.to_owned()));
            Ok::<_, std::convert::Infallible>(http::Response::builder().header("content-type", kind).body(h2::Told::saying(text)).expect("an answer"))
        });
        let builder = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
        let _ = builder.serve_connection(hyper_util::rt::TokioIo::new(tls), service).await;
    })
    .await;
    let files = World::new().policy(ROOM).inspecting().tls("authorities = [\"public.pem\"]").write();
    let Some((usher, mut browser)) = started(files, &believed, &[]) else { return skipped("Chromium with certutil") };
    browser.go(&format!("https://{}/page", site.authority())).expect("a page");
    let numbers: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!(browser.value("window.parts"), numbers.join(","));
    let protocols = "[...new Set(performance.getEntriesByType('resource').filter(one => one.name.includes('/part/')).map(one => one.nextHopProtocol))].join()";
    assert_eq!(browser.value(protocols), "h2");
    let tunnels = || usher.rows().into_iter().filter(|row| row.host == "news.example" && row.method == "CONNECT").count();
    let before = tunnels();
    let talks = format!(
        "new Promise((said, failed) => {{ const socket = new WebSocket('wss://{}/chat'); socket.onopen = () => socket.send('hello');
         socket.onmessage = message => said(message.data); socket.onerror = () => failed('it failed') }})",
        site.authority()
    );
    assert_eq!(browser.value(&talks), "hello");
    assert_eq!(tunnels(), before, "it talks on the connection that was there");
    let rows = usher.rows();
    let chat = rows.iter().find(|row| row.path == "/chat").expect("on record");
    assert_eq!((chat.method.as_str(), chat.scheme.as_str(), chat.verdict.as_str()), ("GET", "https", "allowed"));
    assert_eq!(rows.iter().filter(|row| row.path.starts_with("/part/") && row.verdict == "allowed").count(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_told_why_its_websocket_ended_and_what_passes_is_as_it_was() {
    let (believed, seen) = (h2::believed(), sockets::Seen::default());
    let keep = seen.clone();
    let site = h2::Site::bare(&believed, h2::H1, move |_, mut tls| {
        let keep = keep.clone();
        async move {
            let Some(asked) = h2::head(&mut tls).await else { return };
            if asked.to_lowercase().contains("upgrade: websocket") {
                return sockets::talk(tls, asked, sockets::DEFLATE, keep).await;
            }
            let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage").await;
            let _ = tls.shutdown().await;
        }
    })
    .await;
    let files = World::new().policy(ROOM).inspecting().reading("{ threshold = 100, on_hit = \"cut\" }").tls("authorities = [\"public.pem\"]").write();
    let Some((usher, mut browser)) = started(files, &believed, &[]) else { return skipped("Chromium with certutil") };
    browser.go(&format!("https://{}/page", site.authority())).expect("a page");
    let words = "The heron stands by the river and looks for fish. The heron stands by the river.";
    let script = format!(
        "new Promise(done => {{ const socket = new WebSocket('wss://{}/chat'); const heard = [];
         socket.onopen = () => {{ socket.send({words:?}); socket.send({words:?} + '!'); socket.send(new Uint8Array([1, 2, 3])); }};
         socket.onmessage = async message => {{
             heard.push(typeof message.data === 'string' ? message.data : (await message.data.arrayBuffer()).byteLength);
             if (heard.length === 3) socket.send({:?});
         }};
         socket.onclose = event => done(JSON.stringify([socket.extensions, heard, event.code, event.wasClean, event.reason])) }})",
        site.authority(),
        sockets::DANGER
    );
    let said: (String, (String, String, u8), u16, bool, String) = serde_json::from_str(browser.value(&script).as_str().expect("text")).expect("what it saw");
    assert!(said.0.contains("permessage-deflate"), "{}", said.0);
    assert_eq!((said.1, said.2, said.3), ((words.to_owned(), format!("{words}!"), 3), 1008, true));
    assert!(said.4.starts_with("Ended by the school's filter: words about suicide. Reference: "), "{}", said.4);
    assert_eq!(sockets::texts(&seen.frames()), [words.to_owned(), format!("{words}!")], "as it was sent, and no more");
    assert!(seen.frames().iter().any(|(first, _)| *first == 0xc1), "it was compressed");
    let row = h2::recorded(&usher, "/chat", |row| row.verdict == "allowed" && row.outcome.is_some()).await;
    assert_eq!(row.outcome.as_deref(), Some("cut"), "{row:?}");
}

/// A school with a browser in it, or a word that there is none.
async fn school_and_browser() -> Option<(School, Browser)> {
    let school = World::new().policy(ROOM).start().await;
    let browser = Browser::behind(school.address);
    if browser.is_none() {
        skipped("Chromium");
    }
    Some((school, browser?))
}

/// What is on record of the sites of the test, oldest first; and that nothing the browser asked for by itself was let through.
fn asked(school: &School) -> Vec<Row> {
    let is_ours = |row: &Row| row.host.ends_with(".example") || row.host == "127.0.0.1" || row.host == "usher.internal";
    let (mut ours, others): (Vec<_>, Vec<_>) = school.rows().into_iter().partition(is_ours);
    for row in others {
        assert_eq!(row.verdict, "blocked", "nobody told it to go to {}", row.url());
    }
    ours.reverse();
    ours
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_loads_with_all_its_parts_and_each_is_on_record() {
    let Some((school, mut browser)) = school_and_browser().await else { return };
    let site = site().await;
    // Where a page came from a name without https, Chromium does not say what it fetches a part for.
    for (host, says) in [("news.example", false), ("127.0.0.1", true)] {
        browser.go(&format!("http://{host}:{}/page", site.address.port())).expect("a page");
        assert_eq!(browser.value("document.querySelector('h1').textContent"), "the script ran");
        assert_eq!(browser.value("getComputedStyle(document.querySelector('h1')).letterSpacing"), "7px");
        assert_eq!(browser.value("window.fetched.then(data => data.word)"), "fetched");
        let widths = browser.value("[...document.images].map(image => image.naturalWidth)");
        assert_eq!(widths, serde_json::json!([7, 1]), "in place of the blocked picture there is an empty one");
        let rows = asked(&school);
        for (path, dest) in [("/page", "document"), ("/style.css", "style"), ("/script.js", "script"), ("/picture.svg", "image"), ("/data.json", "empty")] {
            let row = rows.iter().find(|row| row.host == host && row.path == path).unwrap_or_else(|| panic!("{path} is not on record"));
            assert_eq!((row.verdict.as_str(), row.group.as_str(), row.fetch_dest.as_deref()), ("allowed", "year-8", says.then_some(dest)), "{path}");
        }
        assert!(rows.iter().any(|row| row.path == "/advert.gif" && row.verdict == "blocked"), "{rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_page_is_read_as_the_block_page_and_leads_to_its_record() {
    let Some((school, mut browser)) = school_and_browser().await else { return };
    browser.go("http://games.example/play").expect("a page");
    let words = browser.words();
    for shown in ["This page is blocked", "games.example/play", "Games is blocked for year-8.", "Tell the library.", "Example School"] {
        assert!(words.contains(shown), "{shown} is not in {words}");
    }
    let reference = browser.value("document.querySelector('code').textContent");
    let id = reference.as_str().and_then(|id| id.parse().ok()).expect("a reference number");
    let row = school.row(id).expect("it is on record");
    assert_eq!((row.host.as_str(), row.path.as_str(), row.verdict.as_str(), row.group.as_str()), ("games.example", "/play", "blocked", "year-8"));
    assert_eq!(asked(&school).iter().filter(|row| row.host == "games.example" && row.path == "/play").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pupil_in_distress_reads_whom_to_call() {
    let Some((school, mut browser)) = school_and_browser().await else { return };
    browser.go("http://hurt.example/").expect("a page");
    let words = browser.words();
    assert!(words.contains("You are not alone") && words.contains("0800 1111") && !words.contains("blocked"), "{words}");
    assert_eq!(asked(&school)[0].categories, ["self-harm"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_button_of_a_warning_leads_to_the_page() {
    let Some((school, mut browser)) = school_and_browser().await else { return };
    let site = site().await;
    let url = format!("http://video.example:{}/film", site.address.port());
    browser.go(&url).expect("a page");
    assert!(browser.words().contains("Streaming"), "{}", browser.words());
    assert!(site.seen().is_empty(), "the site is not asked yet");
    browser.click("form button");
    assert_eq!(browser.value("location.href"), url.as_str());
    assert_eq!(browser.value("document.querySelector('h1').textContent"), "the script ran");
    let rows = asked(&school);
    let films: Vec<_> =
        rows.iter().filter(|row| row.path == "/film" || row.path == "/continue").map(|row| (row.verdict.as_str(), row.reason.as_str())).collect();
    assert_eq!(films, [("warned", "category"), ("answered", "continue"), ("allowed", "continued")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_a_blocked_site_over_https_no_tunnel_is_opened() {
    let Some((school, mut browser)) = school_and_browser().await else { return };
    assert_eq!(browser.go("https://games.example/play"), Err("net::ERR_TUNNEL_CONNECTION_FAILED".to_owned()));
    let rows = asked(&school);
    let tunnels: Vec<_> = rows.iter().filter(|row| row.method == "CONNECT").map(|row| (row.host.as_str(), row.port, row.verdict.as_str())).collect();
    assert!(!tunnels.is_empty() && tunnels.iter().all(|tunnel| *tunnel == ("games.example", 443, "blocked")), "{tunnels:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_over_the_threshold_is_the_block_page_and_a_long_one_ends_with_a_notice() {
    let school = World::new().policy(ROOM).reading("{ threshold = 100, on_hit = \"withhold\" }").scan("held_kib = 16").start().await;
    let Some(mut browser) = Browser::behind(school.address) else { return skipped("Chromium") };
    let site = Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            let before = if path(&request) == "/long" { "<p>Herons stand by the river and look for fish.</p>\n".repeat(2000) } else { String::new() };
            let page = format!(
                "<!doctype html><meta charset=utf-8><link rel=icon href=data:,>{before}<p>A painless way to die, the lethal method; my goodbye note.<p>End."
            );
            say(&mut visit, "text/html", &page).await;
        }
    })
    .await;
    browser.go(&site.url("/short")).expect("a page");
    assert!(browser.words().contains("You are not alone") && !browser.words().contains("painless"), "{}", browser.words());
    browser.go(&site.url("/long")).expect("a page");
    let words = browser.words();
    assert!(
        words.contains("Herons stand") && words.contains("This page ends here.") && !words.contains("painless") && !words.contains("End."),
        "{}",
        &words[words.len().saturating_sub(400)..]
    );
}
