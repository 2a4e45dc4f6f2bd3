//! Promise: what is open already is held to what its person may have now. A tunnel, a WebSocket, an answer that is still coming and a kept connection are of no
//! use to somebody whose access is taken away; and who is slowed is slow in all of them together, and stalls in none.

use crate::kit::h2::{H1, H2, Site, Talk2, Told, believed, device, head, next, text, told};
use crate::kit::program::rows;
use crate::kit::restricted::{PASSWORD, credentials, inspecting, later, off, restrict, soon_so, started_again, wire, world};
use crate::kit::{Origin, PATIENCE, Visit, Wire, soon};
use crate::sockets::{Over, Seen, open, said, talk};
use http::{Response, StatusCode};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_and_a_websocket_that_were_open_before_are_cut() {
    let (echo, chat, usher) = (Origin::echoing().await, Origin::doing(upgrading).await, world().serve());
    let mut tunnel = wire(usher.address).await;
    tunnel.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n{1}\r\n", echo.authority(), credentials("7-patel"))).await;
    assert_eq!(tunnel.head_only().await.status, 200);
    let mut of_another = wire(usher.address).await;
    of_another.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n{1}\r\n", echo.authority(), credentials("7-smith"))).await;
    assert_eq!(of_another.head_only().await.status, 200);
    let help = echo.authority().replace("news.example", "talk.example");
    let mut of_help = wire(usher.address).await;
    of_help.send(format!("CONNECT {help} HTTP/1.1\r\nHost: {help}\r\n{}\r\n", credentials("7-patel"))).await;
    assert_eq!(of_help.head_only().await.status, 200);
    let mut socket = wire(usher.address).await;
    let fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    socket.send(chat.request("GET", "/chat", &format!("{fields}{}", credentials("7-patel")))).await;
    assert_eq!(socket.head_only().await.status, 101);
    for open in [&mut tunnel, &mut of_another, &mut of_help, &mut socket] {
        echoes(open).await.then_some(()).expect("it is open");
    }
    let number = off(&usher.files, &["7-patel"]);
    for open in [&mut tunnel, &mut socket] {
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
