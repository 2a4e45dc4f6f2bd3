//! Promise: what is open already is held to what its person may have now. A tunnel, a WebSocket, an answer that is still coming and a kept connection are of no
//! use to somebody whose access is taken away; and who is slowed is slow in all of them together, and stalls in none.

use crate::kit::h2::{H1, H2, Site, Talk2, Told, believed, device, head, next, text, told};
use crate::kit::program::rows;
use crate::kit::restricted::{PASSWORD, credentials, inspecting, later, off, restrict, soon_so, started_again, wire, world};
use crate::kit::{Authority, Origin, PATIENCE, Program, Visit, Wire, World, soon};
use crate::sockets::{Over, Seen, open, said, talk};
use http::{Response, StatusCode};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A tunnel to this site, as this pupil.
async fn tunnel(usher: SocketAddr, site: &str, name: &str) -> Wire {
    let mut wire = wire(usher).await;
    wire.send(format!("CONNECT {site} HTTP/1.1\r\nHost: {site}\r\n{}\r\n", credentials(name))).await;
    assert_eq!(wire.head_only().await.status, 200);
    wire
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_and_a_websocket_that_were_open_before_are_cut() {
    let (echo, chat, usher) = (Origin::echoing().await, Origin::doing(upgrading).await, world().serve());
    let help = echo.authority().replace("news.example", "talk.example");
    let mut hers = tunnel(usher.address, &echo.authority(), "7-patel").await;
    let mut of_another = tunnel(usher.address, &echo.authority(), "7-smith").await;
    let mut of_help = tunnel(usher.address, &help, "7-patel").await;
    let mut socket = wire(usher.address).await;
    let fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    socket.send(chat.request("GET", "/chat", &format!("{fields}{}", credentials("7-patel")))).await;
    assert_eq!(socket.head_only().await.status, 101);
    for open in [&mut hers, &mut of_another, &mut of_help, &mut socket] {
        echoes(open).await.then_some(()).expect("it is open");
    }
    let number = off(&usher.files, &["7-patel"]);
    for open in [&mut hers, &mut socket] {
        soon("to be cut", async { while echoes(open).await {} }).await;
    }
    for open in [&mut of_another, &mut of_help] {
        assert!(echoes(open).await, "what is not taken away goes on");
    }
    let cut = format!("cut: access was restricted meanwhile (restriction {number})");
    let noted = || rows(&usher.files).into_iter().filter(|row| row.note.as_deref().is_some_and(|note| note.contains(&cut))).count();
    soon_so("on record", || noted().to_string(), |count| count == "2");
}

/// Sends a byte and waits for it to come back; whether it did.
async fn echoes(wire: &mut Wire) -> bool {
    wire.send("x").await && wire.take(1).await == b"x"
}

async fn upgrading(mut visit: Visit) {
    if visit.head().await.is_some() {
        visit
            .send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            .await;
        loop {
            let part = visit.wire.take(1).await;
            if part.is_empty() || !visit.send(part).await {
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_looked_into_is_cut_as_well_and_says_why_where_it_can() {
    for (over, reading) in [(Over::Http1, true), (Over::Http1, false), (Over::Http2, true), (Over::Http2, false)] {
        let believed = believed();
        let site = Site::bare(&believed, H1, move |_, mut tls| async move {
            if let Some(asked) = head(&mut tls).await {
                talk(tls, asked, "", Seen::default()).await;
            }
        })
        .await;
        let words = "{ threshold = 100, on_hit = \"cut\" }";
        let usher = inspecting(&believed, |world| if reading { world.reading(words) } else { world });
        let patel = device(&usher).who_says("7-patel", PASSWORD);
        let mut socket = open(&patel, &site.authority(), over, "/chat", "").await;
        socket.say(&said(0x81, b"hello")).await;
        assert_eq!(socket.frame().await.expect("an echo").1, b"hello");
        off(&usher.files, &["7-patel"]);
        let close = soon("the end", async {
            loop {
                socket.say(&said(0x81, b"still there?")).await;
                match socket.frame().await {
                    Some((0x81, _)) => {}
                    other => return other,
                }
            }
        })
        .await;
        if reading {
            let (first, payload) = close.expect("a close");
            assert!(first == 0x88 && payload.ends_with(b"your access is restricted"), "{over:?}: {}", String::from_utf8_lossy(&payload));
        } else {
            assert_eq!(close, None, "{over:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_connection_is_of_no_use_and_an_answer_that_is_still_coming_ends() {
    let believed = believed();
    let tellers = Arc::new(Mutex::new(Vec::new()));
    let kept = tellers.clone();
    let site = Site::doing(&believed, H2, move |_, request| {
        let kept = kept.clone();
        async move {
            if request.uri().path() != "/stream" {
                return Response::new(Told::saying("page"));
            }
            let (tell, body) = told();
            tell.say("begun");
            kept.lock().expect("a list").push(tell);
            Response::new(body)
        }
    })
    .await;
    let usher = inspecting(&believed, |world| world);
    let (patel, smith) = (device(&usher).who_says("7-patel", PASSWORD), device(&usher).who_says("7-smith", PASSWORD));
    let (mut one, mut another) = (Talk2::open(&patel, &site.authority()).await, Talk2::open(&smith, &site.authority()).await);
    let mut bodies = Vec::new();
    for talk in [&mut one, &mut another] {
        let request = talk.request("GET", "/stream").body(Told::nothing()).expect("a request");
        let mut body = talk.send(request).await.expect("an answer").into_body();
        assert_eq!(next(&mut body).await.expect("a piece"), "begun");
        bodies.push(body);
    }
    off(&usher.files, &["7-patel"]);
    let page = soon("a page in its place", async {
        loop {
            let request = one.request("GET", "/").body(Told::nothing()).expect("a request");
            // The answer to what was asked the moment before may be cut.
            let Ok(answer) = one.send(request).await else { continue };
            if answer.status() == StatusCode::FORBIDDEN {
                return text(answer.into_body()).await;
            }
        }
    })
    .await;
    assert!(page.contains("Your access is paused"), "{page}");
    assert_eq!(another.get("/").await, (StatusCode::OK, "page".to_owned()));
    for tell in tellers.lock().expect("a list").iter() {
        // Whoever was cut off may listen no more.
        let _ = tell.say("more");
    }
    assert_eq!(next(&mut bodies[0]).await, None, "nothing more of it passes");
    assert_eq!(next(&mut bodies[1]).await.expect("a piece"), "more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_is_so_slow_for_all_that_one_person_is_sent_and_for_nobody_else() {
    const SIZE: usize = 48 << 10;
    let site = Origin::saying(&"x".repeat(SIZE)).await;
    let pouring = Origin::doing(|mut visit| async move {
        visit.wire.take(1).await;
        visit.send("x".repeat(SIZE)).await;
    })
    .await;
    let usher = world().serve();
    let number = restrict(&usher.files, &["7-patel", "--slow", "64", "--until", &later()]);
    let check = || usher.files.usher(&["check", &site.url("/"), "--user", "7-patel"]).out;
    assert!(check().contains("slowed to 64 KiB a second"), "{}", check());
    // Two answers and a tunnel at once, of one person: 144 KiB at 64 KiB a second take two seconds, but for the first pieces.
    let least = Duration::from_millis(1900);
    let fetch = |name: &'static str| {
        let (address, request) = (usher.address, site.request("GET", "/", &credentials(name)));
        async move {
            let mut wire = wire(address).await;
            wire.send(request).await;
            assert_eq!(wire.reply().await.text().len(), SIZE);
        }
    };
    let tunnel = |name: &'static str| {
        let (address, head) = (usher.address, format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n{1}\r\n", pouring.authority(), credentials(name)));
        async move {
            let mut wire = wire(address).await;
            wire.send(head).await;
            assert_eq!(wire.head_only().await.status, 200);
            wire.send("x").await;
            assert_eq!(wire.take(SIZE).await.len(), SIZE);
        }
    };
    // It is taken up before anything is measured.
    soon("slow", async {
        loop {
            let begun = Instant::now();
            fetch("7-patel").await;
            if begun.elapsed() > Duration::from_millis(600) {
                return;
            }
        }
    })
    .await;
    let begun = Instant::now();
    tokio::join!(fetch("7-patel"), fetch("7-patel"), tunnel("7-patel"));
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    let begun = Instant::now();
    tokio::join!(fetch("7-smith"), fetch("7-smith"), tunnel("7-smith"));
    assert!(begun.elapsed() < least, "another person is not slowed: {:?}", begun.elapsed());
    // And what is slow is as quick as ever as soon as it is ended, also in the middle.
    let (files, ends) = (usher.files.clone(), number.to_string());
    let slowest = restrict(&usher.files, &["7-patel", "--slow", "8", "--until", &later()]).to_string();
    let begun = Instant::now();
    let (all, ()) = tokio::join!(tokio::time::timeout(PATIENCE, async { tokio::join!(fetch("7-patel"), tunnel("7-patel"), fetch("7-patel")) }), async move {
        for number in [ends, slowest] {
            let said = files.usher(&["users", "restrict", "end", &number, "--reason", "Talked; restored"]);
            assert_eq!(said.code, Some(0), "{said:?}");
        }
    });
    assert!(all.is_ok(), "it took {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_too_late_for_what_usher_held_back() {
    const FIRST: usize = 20 << 10;
    let (read, said) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (wait, tell) = (read.clone(), said.clone());
    let site = Origin::doing(move |mut visit| {
        let (wait, tell) = (wait.clone(), tell.clone());
        async move {
            visit.request().await;
            visit.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", FIRST + 4, "x".repeat(FIRST))).await;
            // Until all of that has come to who asked, the site has nothing to say: longer than a site may be silent.
            wait.notified().await;
            visit.send("rest").await;
            tell.notify_one();
        }
    })
    .await;
    let usher = world().limit("stall_seconds = 2").serve();
    for who in ["7-patel", "7-smith"] {
        restrict(&usher.files, &[who, "--slow", "4", "--until", &later()]);
    }
    let usher = started_again(usher);
    let (mut slow, mut other) = (wire(usher.address).await, wire(usher.address).await);
    let begun = Instant::now();
    slow.send(site.request("GET", "/", &credentials("7-patel"))).await;
    assert_eq!(slow.head_only().await.status, 200);
    assert_eq!(slow.take(FIRST).await.len(), FIRST);
    assert!(begun.elapsed() >= Duration::from_millis(3900), "{:?}", begun.elapsed());
    // By then the site is asked again, and has been silent for longer than it may, but for the time that it was not asked: two seconds, told by another who is
    // slow.
    let quick = Origin::saying(&"x".repeat(12 << 10)).await;
    other.send(quick.request("GET", "/", &credentials("7-smith"))).await;
    assert_eq!(other.reply().await.text().len(), 12 << 10);
    read.notify_one();
    soon("the rest", said.notified()).await;
    assert_eq!(slow.take(4).await, b"rest", "the site was not given up for the time it was not asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_of_a_slow_person_is_given_up_while_it_waits_for_its_turn() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, _| async { Response::new(Told::saying("x".repeat(8 << 10))) }).await;
    let usher = inspecting(&believed, |world| world.limit("stall_seconds = 1"));
    restrict(&usher.files, &["7-patel", "--slow", "8", "--until", &later()]);
    let usher = started_again(usher);
    let talk = Talk2::open(&device(&usher).who_says("7-patel", PASSWORD), &site.authority()).await;
    let begun = Instant::now();
    let asking: Vec<_> = (0..4)
        .map(|number| {
            let mut talk = talk.clone();
            tokio::spawn(async move { talk.get(&format!("/{number}")).await })
        })
        .collect();
    for one in asking {
        let (status, text) = one.await.expect("no panic");
        assert_eq!((status, text.len()), (StatusCode::OK, 8 << 10));
    }
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// A site with a WebSocket that says again what it hears, and an Usher that reads what is said in it.
async fn read(believed: &Authority) -> (Site, Program) {
    let site = Site::bare(believed, H1, move |_, mut tls| async move {
        if let Some(asked) = head(&mut tls).await {
            talk(tls, asked, "", Seen::default()).await;
        }
    })
    .await;
    let usher = inspecting(believed, |world| world.reading("{ threshold = 100, on_hit = \"cut\" }"));
    (site, usher)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_still_ends_too_when_access_is_taken_away() {
    let (echo, chat, usher) = (Origin::echoing().await, Origin::doing(upgrading).await, world().serve());
    let (mut hers, mut of_another) = (tunnel(usher.address, &echo.authority(), "7-patel").await, tunnel(usher.address, &echo.authority(), "7-smith").await);
    let mut socket = wire(usher.address).await;
    let fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    socket.send(chat.request("GET", "/chat", &format!("{fields}{}", credentials("7-patel")))).await;
    assert_eq!(socket.head_only().await.status, 101);
    for open in [&mut hers, &mut of_another, &mut socket] {
        assert!(echoes(open).await, "it is open");
    }
    // What is slowed lies still as it did.
    restrict(&usher.files, &["7-patel", "--slow", "64", "--until", &later()]);
    off(&usher.files, &["7-patel"]);
    // Nobody says anything any more.
    for open in [&mut hers, &mut socket] {
        soon("the end", async { assert!(open.take(1).await.is_empty(), "nothing comes") }).await;
    }
    assert!(echoes(&mut of_another).await, "another's goes on");
    // One that is read, too, which is told why.
    let believed = believed();
    let (site, usher) = read(&believed).await;
    let mut socket = open(&device(&usher).who_says("7-patel", PASSWORD), &site.authority(), Over::Http1, "/chat", "").await;
    socket.say(&said(0x81, b"hello")).await;
    assert_eq!(socket.frame().await.expect("an echo").1, b"hello");
    off(&usher.files, &["7-patel"]);
    let (first, payload) = soon("the end", socket.frame()).await.expect("a close");
    assert!(first == 0x88 && payload.ends_with(b"your access is restricted"), "{}", String::from_utf8_lossy(&payload));
}

/// A site that takes this many bytes and says that it has.
async fn taking(size: usize) -> Origin {
    Origin::doing(move |mut visit| async move {
        assert_eq!(visit.wire.take(size).await.len(), size);
        visit.send("y").await;
    })
    .await
}

/// A site that takes what is sent to it.
async fn posted() -> Origin {
    Origin::doing(|mut visit| async move {
        while visit.request().await.is_some() {
            visit.say("taken").await;
        }
    })
    .await
}

/// Sends so much to a site as this pupil, and waits for its answer.
async fn post(usher: SocketAddr, site: &Origin, name: &str, size: usize) {
    let mut wire = wire(usher).await;
    let fields = format!("Content-Type: text/plain\r\nContent-Length: {size}\r\n{}", credentials(name));
    wire.send(site.request("POST", "/", &fields) + &"x".repeat(size)).await;
    let reply = wire.reply().await;
    assert_eq!((reply.status, reply.text()), (200, "taken".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_is_so_slow_for_all_that_one_person_sends_and_for_nobody_else() {
    const SIZE: usize = 48 << 10;
    let (site, far) = (posted().await, taking(SIZE).await);
    for held in [false, true] {
        // What is judged before it goes on is slow on its way here.
        let usher = if held { world().files("block = [\"executable\"], uploads = true") } else { world() }.serve();
        restrict(&usher.files, &["7-patel", "--slow", "64", "--until", &later()]);
        let usher = started_again(usher);
        let sends = |name: &'static str| {
            let (address, far, site) = (usher.address, far.authority(), &site);
            async move {
                let pour = async {
                    let mut wire = tunnel(address, &far, name).await;
                    wire.send("x".repeat(SIZE)).await;
                    assert_eq!(wire.take(1).await, b"y");
                };
                tokio::join!(post(address, site, name, SIZE), post(address, site, name, SIZE), pour);
            }
        };
        // 144 KiB at 64 KiB a second take two seconds, but for the first pieces.
        let least = Duration::from_millis(1900);
        let begun = Instant::now();
        sends("7-patel").await;
        assert!(begun.elapsed() >= least, "held: {held}, {:?}", begun.elapsed());
        let begun = Instant::now();
        sends("7-smith").await;
        assert!(begun.elapsed() < least, "another person is not slowed: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_in_a_websocket_that_is_read_counts_as_what_is_heard_does() {
    let believed = believed();
    let (site, usher) = read(&believed).await;
    restrict(&usher.files, &["7-patel", "--slow", "8", "--until", &later()]);
    let usher = started_again(usher);
    let mut socket = open(&device(&usher).who_says("7-patel", PASSWORD), &site.authority(), Over::Http1, "/chat", "").await;
    let (begun, words) = (Instant::now(), vec![b'x'; 20 << 10]);
    socket.say(&said(0x82, &words)).await;
    assert_eq!(soon("an echo", socket.frame()).await.expect("an echo").1, words);
    // The words go at once and are owed: the echo waits until they are paid for.
    assert!(begun.elapsed() >= Duration::from_millis(1900), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_tunnel_goes_both_ways_by_turns() {
    const SIZE: usize = 16 << 10;
    // It says all it has to while it is sent far more than may pass in a minute.
    let site = Origin::doing(|mut visit| async move {
        visit.wire.take(1).await;
        visit.send("y".repeat(SIZE)).await;
        visit.gone().await;
    })
    .await;
    let usher = world().serve();
    restrict(&usher.files, &["7-patel", "--slow", "16", "--until", &later()]);
    let usher = started_again(usher);
    let mut wire = tunnel(usher.address, &site.authority(), "7-patel").await;
    let begun = Instant::now();
    wire.send("x".repeat(1 << 20)).await;
    assert_eq!(soon("what the site says", wire.take(SIZE)).await.len(), SIZE);
    // Half of 16 KiB a second.
    assert!(begun.elapsed() >= Duration::from_millis(1400) && begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_too_late_for_what_usher_held_back_of_what_is_sent() {
    const SIZE: usize = 8 << 10;
    let limits = |world: World| world.limit("stall_seconds = 1").limit("answer_seconds = 1");
    let site = posted().await;
    for held in [false, true] {
        let usher = limits(if held { world().files("block = [\"executable\"], uploads = true") } else { world() }).serve();
        restrict(&usher.files, &["7-patel", "--slow", "8", "--until", &later()]);
        let usher = started_again(usher);
        // Each waits for the others for longer than anybody may be silent.
        let begun = Instant::now();
        tokio::join!(post(usher.address, &site, "7-patel", SIZE), post(usher.address, &site, "7-patel", SIZE), post(usher.address, &site, "7-patel", SIZE));
        assert!(begun.elapsed() >= Duration::from_millis(2300), "held: {held}, {:?}", begun.elapsed());
    }
    // And over HTTP/2.
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async {
        let size = text(request.into_body()).await.len();
        Response::new(Told::saying(size.to_string()))
    })
    .await;
    let usher = inspecting(&believed, limits);
    restrict(&usher.files, &["7-patel", "--slow", "8", "--until", &later()]);
    let usher = started_again(usher);
    let talk = Talk2::open(&device(&usher).who_says("7-patel", PASSWORD), &site.authority()).await;
    let sending: Vec<_> = (0..3)
        .map(|_| {
            let mut talk = talk.clone();
            tokio::spawn(async move {
                let request = talk.request("POST", "/").body(Told::saying("x".repeat(SIZE))).expect("a request");
                text(talk.send(request).await.expect("an answer").into_body()).await
            })
        })
        .collect();
    for one in sending {
        assert_eq!(one.await.expect("no panic"), SIZE.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_still_being_sent_ends_when_access_is_taken_away_and_the_record_says_why() {
    let (site, usher) = (posted().await, world().serve());
    let mut wire = wire(usher.address).await;
    wire.send(site.request("POST", "/", &format!("Content-Length: 1000000000000\r\n{}", credentials("7-patel")))).await;
    let sending = tokio::spawn(async move { while wire.send("x").await {} });
    let number = off(&usher.files, &["7-patel"]);
    let cut = format!("cut: access was restricted meanwhile (restriction {number})");
    let is_noted = || rows(&usher.files).iter().any(|row| row.note.as_deref().is_some_and(|note| note.contains(&cut)));
    soon_so("on record", || is_noted().to_string(), |is| is == "true");
    soon("the end", sending).await.expect("no panic");
}
