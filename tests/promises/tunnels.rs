//! Tunnels and other protocols: bytes both ways until both sides are done, and a record of how many.

use crate::kit::{Origin, School, Wire, World};
use rustix::process::Signal;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const WEBSOCKET: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

async fn tunnel(school: &School, origin: &Origin, early: &str) -> Wire {
    tunnel_through(school.address, origin, early).await
}

async fn tunnel_through(proxy: SocketAddr, origin: &Origin, early: &str) -> Wire {
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), proxy).await;
    wire.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n{early}", origin.authority())).await;
    let reply = wire.head_only().await;
    assert_eq!((reply.status, reply.field("content-length"), reply.field("transfer-encoding")), (200, None, None), "RFC 9110 section 9.3.6");
    wire
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_and_is_on_record() {
    let (origin, school) = (Origin::echoing().await, World::new().start().await);
    let mut wire = tunnel(&school, &origin, "").await;
    for part in ["one", "\0\r\n\r\n", "three"] {
        wire.send(part).await;
        assert_eq!(wire.take(part.len()).await, part.as_bytes());
    }
    wire.half_close().await;
    assert_eq!(wire.rest().await, b"end", "a late reply after a half-close arrives");
    let row = school.closed_tunnel(origin.address.port()).await;
    assert_eq!((row.bytes_up, row.bytes_down, row.status, row.outcome.as_deref()), (Some(13), Some(16), Some(200), Some("complete")));
    assert_eq!(
        (row.method.as_str(), row.host.as_str(), row.scheme.as_str(), row.upstream),
        ("CONNECT", "news.example", "https", Some(origin.address.to_string()))
    );
}

#[tokio::test]
async fn bytes_sent_before_the_tunnel_is_open_are_not_lost() {
    let (origin, school) = (Origin::echoing().await, World::new().start().await);
    let mut wire = tunnel(&school, &origin, "early bytes").await;
    assert_eq!(wire.take(11).await, b"early bytes");
    wire.half_close().await;
    assert_eq!(wire.rest().await, b"end");
}

#[tokio::test]
async fn a_tunnel_may_follow_a_page_on_the_same_connection() {
    let (page, echo, school) = (Origin::saying("page").await, Origin::echoing().await, World::new().start().await);
    let mut wire = school.wire().await;
    wire.send(page.request("GET", "/", "")).await;
    assert_eq!(wire.reply().await.text(), "page");
    wire.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\nearly", echo.authority())).await;
    assert_eq!(wire.head_only().await.status, 200);
    assert_eq!(wire.take(5).await, b"early");
    wire.half_close().await;
    assert_eq!(wire.rest().await, b"end");
    assert_eq!(school.closed_tunnel(echo.address.port()).await.outcome.as_deref(), Some("complete"));
    wire = school.wire().await;
    wire.send(page.request("GET", "/", "")).await;
    wire.reply().await;
    wire.send("CONNECT games.example:443 HTTP/1.1\r\nHost: games.example\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 403, "and it is judged like any other");
    assert!(wire.is_closed().await);
}

#[tokio::test]
async fn a_tunnel_may_be_asked_for_in_pieces_and_in_http_1_0() {
    let (echo, school) = (Origin::echoing().await, World::new().start().await);
    for version in ["1.0", "1.1"] {
        let mut wire = school.wire().await;
        let head = format!("\r\nCONNECT {0} HTTP/{version}\r\nHost: {0}\r\n\r\n", echo.authority());
        for piece in head.as_bytes().chunks(7) {
            wire.send(piece).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(wire.head_only().await.status, 200, "{version}");
        wire.half_close().await;
        assert_eq!(wire.rest().await, b"end");
    }
}

#[tokio::test]
async fn a_site_may_speak_first_and_end_first() {
    let origin = Origin::doing(|mut visit| async move {
        visit.send("220 hello\r\n").await;
        visit.wire.half_close().await;
        assert_eq!(visit.wire.rest().await, b"late question");
    })
    .await;
    let school = World::new().start().await;
    let mut wire = tunnel(&school, &origin, "").await;
    assert_eq!(wire.rest().await, b"220 hello\r\n");
    wire.send("late question").await;
    wire.half_close().await;
    let row = school.closed_tunnel(origin.address.port()).await;
    assert_eq!((row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(13), Some(11), Some("complete")));
}

#[tokio::test]
async fn a_tunnel_that_breaks_says_which_side_broke() {
    let origin = Origin::echoing().await;
    let school = World::new().start().await;
    let mut wire = tunnel(&school, &origin, "").await;
    wire.send("x").await;
    wire.take(1).await;
    wire.reset();
    assert_eq!(school.closed_tunnel(origin.address.port()).await.outcome.as_deref(), Some("client-gone"));
    let breaking = Origin::doing(|mut visit| async move {
        visit.wire.take(1).await;
        visit.wire.reset();
    })
    .await;
    let mut wire = tunnel(&school, &breaking, "").await;
    wire.send("x").await;
    wire.rest().await;
    assert_eq!(school.closed_tunnel(breaking.address.port()).await.outcome.as_deref(), Some("origin-failed"));
}

#[tokio::test]
async fn an_idle_tunnel_is_closed() {
    let (origin, school) = (Origin::echoing().await, World::new().limit("tunnel_idle_seconds = 1").start().await);
    let mut wire = tunnel(&school, &origin, "").await;
    assert!(wire.is_closed().await);
    let row = school.closed_tunnel(origin.address.port()).await;
    assert_eq!((row.outcome.as_deref(), row.note.as_deref()), (Some("limit-reached"), Some("nothing moved for too long")));
}

/// Sends a word through a tunnel to a site that sends it back.
async fn carries(wire: &mut Wire, word: &str) {
    wire.send(word).await;
    assert_eq!(wire.take(word.len()).await, word.as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_an_open_tunnel_goes_on_until_its_ends_are_done() {
    let (origin, mut usher) = (Origin::echoing().await, World::new().serve());
    let mut wire = tunnel_through(usher.address, &origin, "").await;
    carries(&mut wire, "before").await;
    usher.signal(Signal::TERM);
    assert!(usher.says("stopping").contains("connections=1"));
    assert!(TcpStream::connect(usher.address).is_err(), "nobody new is taken in");
    for _ in 0..1000 {
        carries(&mut wire, "after").await;
    }
    wire.half_close().await;
    assert_eq!(wire.rest().await, b"end");
    assert!(usher.ended().success());
    let row = &usher.rows()[0];
    assert_eq!((row.status, row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(200), Some(5006), Some(5009), Some("complete")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_that_outlasts_the_time_to_stop_is_given_up_and_closed_on_record() {
    let (origin, mut usher) = (Origin::echoing().await, World::new().limit("drain_seconds = 1").serve());
    let mut wire = tunnel_through(usher.address, &origin, "").await;
    carries(&mut wire, "before").await;
    let told = Instant::now();
    usher.signal(Signal::TERM);
    usher.says("stopping");
    carries(&mut wire, "after").await;
    assert!(wire.is_closed().await && told.elapsed() >= Duration::from_secs(1), "it is cut when time is up, and not before");
    assert!(usher.ended().success(), "and Usher ends all the same");
    let row = &usher.rows()[0];
    assert_eq!((row.status, row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(200), Some(11), Some(11), Some("abandoned")));
    assert_eq!(row.upstream, Some(origin.address.to_string()));
}

#[tokio::test]
async fn after_a_refused_tunnel_nothing_more_is_read() {
    let school = World::new().start().await;
    for authority in ["games.example:443", "news.example:1"] {
        let mut wire = school.wire().await;
        wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: a\r\n\r\nGET http://news.example:1/inside HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        let reply = wire.reply().await;
        assert!(reply.status == 403 || reply.status == 502, "{reply:?}");
        assert!(wire.is_closed().await, "{authority}");
        assert!(school.rows().iter().all(|row| row.path != "/inside"), "{authority}");
    }
}

#[tokio::test]
async fn a_tunnel_is_opened_only_when_the_site_is_reached() {
    let school = World::new().start().await;
    let answer = school.pupil().connect("news.example:1").await;
    assert_eq!((answer.reply.status, answer.reply.field("proxy-status").as_deref()), (502, Some("usher; error=destination_unavailable")));
    assert_eq!(school.closed_tunnel(1).await.outcome.as_deref(), Some("origin-failed"));
}

#[tokio::test]
async fn a_web_socket_works_through_plain_http() {
    let origin = Origin::doing(|mut visit| async move {
        let head = visit.head().await.expect("a head").to_lowercase();
        assert!(head.contains("upgrade: websocket") && head.contains("connection: upgrade") && head.contains("sec-websocket-key:"), "{head}");
        visit.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nfirst").await;
        let part = visit.wire.take(4).await;
        visit.send(part).await;
        assert_eq!(visit.wire.rest().await, b"");
        visit.send("end").await;
    })
    .await;
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", "/socket", WEBSOCKET)).await;
    let reply = wire.head_only().await;
    let fields = ["upgrade", "connection", "sec-websocket-accept"].map(|name| reply.field(name).unwrap_or_default().to_lowercase());
    assert_eq!((reply.status, fields), (101, ["websocket".into(), "upgrade".into(), "x".into()]));
    assert_eq!(wire.take(5).await, b"first");
    wire.send("ping").await;
    assert_eq!(wire.take(4).await, b"ping");
    wire.half_close().await;
    assert_eq!(wire.rest().await, b"end");
    let row = school.closed("/socket").await;
    assert_eq!((row.status, row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(101), Some(4), Some(12), Some("complete")));
}

#[tokio::test]
async fn a_web_socket_that_is_refused_is_an_answer_like_any_other() {
    let origin = Origin::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno").await;
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    for _ in 0..2 {
        wire.send(origin.request("GET", "/socket", WEBSOCKET)).await;
        let reply = wire.reply().await;
        assert_eq!((reply.status, reply.text().as_str()), (400, "no"));
    }
    wire.send(format!("GET http://games.example/ HTTP/1.1\r\nHost: games.example\r\n{WEBSOCKET}\r\n")).await;
    assert_eq!(wire.reply().await.status, 403, "and it is judged like any other");
}

#[tokio::test]
async fn no_other_protocol_is_let_through() {
    for (fields, answer) in [
        ("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        ("Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    ] {
        let (origin, school) = (Origin::answering(answer).await, World::new().start().await);
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", "/", fields)).await;
        assert_eq!(wire.reply().await.text(), "hi", "{fields:?}");
        assert!(!origin.the_request().to_lowercase().contains("upgrade"), "{}", origin.the_request());
    }
}

#[tokio::test]
async fn a_site_that_switches_when_nobody_asked_is_at_fault() {
    let origin = Origin::answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").await;
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", "/odd", "")).await;
    let reply = wire.reply().await;
    assert_eq!(reply.status, 502, "{reply:?}");
    assert_eq!(school.closed("/odd").await.outcome.as_deref(), Some("origin-failed"));
}

#[tokio::test]
async fn a_site_that_switches_to_another_protocol_than_was_asked_for_is_at_fault() {
    let origin = Origin::answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nPRI").await;
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", "/odd", WEBSOCKET)).await;
    assert_eq!(wire.head_only().await.status, 502, "RFC 9110 section 7.8: only what the client offered");
}
