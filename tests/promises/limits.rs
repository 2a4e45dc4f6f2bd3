//! Every wait has an end and every count a limit: slow or greedy clients lose their connection, not the proxy.

use crate::kit::{Ending, Origin, School, Visit, Wire, World, soon};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Sends a byte whenever nothing has come for a tenth of a second, until the far side has had enough.
async fn drip(wire: &mut Wire) {
    while timeout(Duration::from_millis(100), wire.more()).await.is_err() {
        wire.send("x").await;
    }
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let school = World::new().limit("head_seconds = 1").start().await;
    let mut wire = school.wire().await;
    let started = Instant::now();
    wire.send("GET http://news.example:1/ HTTP/1.1\r\nHost: a\r\nX: ").await;
    soon("cutting off", drip(&mut wire)).await;
    let reply = wire.reply().await;
    assert_eq!((reply.status, reply.field("connection").as_deref()), (408, Some("close")));
    assert!(wire.is_closed().await);
    assert!(started.elapsed() < Duration::from_secs(5), "a drip does not move the limit");
    assert_eq!(school.rows()[0].why, "The head did not arrive in time.");
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let origin = Origin::saying("hello").await;
    let school = World::new().limit("head_seconds = 1\nidle_seconds = 1").start().await;
    let mut silent = school.wire().await;
    let mut idle = school.wire().await;
    idle.send(origin.request("GET", "/", "")).await;
    assert_eq!(idle.reply().await.text(), "hello");
    assert!(silent.is_closed().await && idle.is_closed().await);
    assert_eq!(school.rows().len(), 1, "no request, no record");
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let origin = Origin::doing(|mut visit| async move {
        visit.head().await;
        visit.gone().await;
    })
    .await;
    let school = World::new().limit("stall_seconds = 1").start().await;
    let mut wire = school.wire().await;
    wire.send(origin.request("POST", "/stall", "Content-Length: 100\r\n") + "beginning").await;
    let rest = String::from_utf8_lossy(&wire.rest().await).into_owned();
    assert!(!rest.starts_with("HTTP/1.1 200"), "{rest}");
    let row = school.closed("/stall").await;
    assert!(["client-gone", "limit-reached"].contains(&row.outcome.as_deref().unwrap_or_default()), "{row:?}");
}

#[tokio::test]
async fn a_site_that_stalls_is_given_up() {
    let origin = Origin::doing(|mut visit| async move {
        let request = visit.request().await.expect("a request");
        if request.starts_with("GET /half") {
            visit.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning").await;
        }
        visit.gone().await;
    })
    .await;
    let school = World::new().limit("stall_seconds = 1\nanswer_seconds = 1").start().await;
    for (path, status, ending) in [("/half", 200, Ending::Cut), ("/never", 504, Ending::Whole)] {
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "")).await;
        let reply = wire.reply().await;
        assert_eq!((reply.status, reply.ending), (status, ending), "{path}");
        assert_eq!(school.closed(path).await.outcome.as_deref(), Some("limit-reached"), "{path}");
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let origin = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").await;
        while visit.send(vec![b'x'; 1 << 16]).await {}
    })
    .await;
    let school = World::new().limit("stall_seconds = 1").start().await;
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", "/much", "")).await;
    let row = school.closed("/much").await;
    assert!(["client-gone", "limit-reached"].contains(&row.outcome.as_deref().unwrap_or_default()), "{row:?}");
}

#[tokio::test]
async fn one_device_may_not_ask_for_more_than_its_share() {
    let school = World::new().limit("requests_per_second = 1\nrequest_burst = 5").start().await;
    let ask = || async { school.pupil().get("http://games.example/").await };
    for _ in 0..5 {
        ask().await.is_blocked_because("category");
    }
    let mut last = ask().await;
    for _ in 0..3 {
        last = ask().await;
    }
    last.is_refused(429, "too-many");
    assert_eq!(last.reply.field("retry-after").as_deref(), Some("10"));
    school.person([127, 0, 7, 2]).get("http://games.example/").await.is_blocked_because("category");
}

/// A connection of one of year 7's devices.
async fn from(school: &School, device: u8) -> Wire {
    Wire::connect(IpAddr::from([127, 0, 7, device]), school.address).await
}

/// The status that a request is answered with; 403 where there is a place.
async fn asked(wire: &mut Wire) -> u16 {
    wire.send("GET http://games.example/ HTTP/1.1\r\nHost: games.example\r\n\r\n").await;
    wire.next_reply().await.map_or(0, |reply| reply.status)
}

async fn is_turned_away(over: &mut Wire) {
    let reply = over.reply().await;
    assert_eq!((reply.status, reply.field("retry-after").as_deref()), (503, Some("5")));
    assert!(over.is_closed().await);
}

async fn until_there_is_a_place(school: &School, device: u8) {
    while asked(&mut from(school, device).await).await != 403 {}
}

#[tokio::test]
async fn one_device_may_not_hold_more_connections_than_its_share() {
    let school = World::new().limit("connections_per_client = 3").start().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut wire = school.wire().await;
        assert_eq!(asked(&mut wire).await, 403);
        held.push(wire);
    }
    is_turned_away(&mut school.wire().await).await;
    assert_eq!(asked(&mut from(&school, 2).await).await, 403, "another device is another matter");
    drop(held.pop());
    soon("a place", until_there_is_a_place(&school, 1)).await;
}

#[tokio::test]
async fn there_may_not_be_more_connections_in_all_than_the_limit() {
    let school = World::new().limit("connections = 3").start().await;
    let mut held = Vec::new();
    for device in 1..=3 {
        let mut wire = from(&school, device).await;
        assert_eq!(asked(&mut wire).await, 403);
        held.push(wire);
    }
    for device in [4, 1] {
        is_turned_away(&mut from(&school, device).await).await;
    }
    for wire in &mut held {
        assert_eq!(asked(wire).await, 403, "who is there goes on");
    }
    drop(held.remove(0));
    soon("a place", until_there_is_a_place(&school, 4)).await;
    for wire in &mut held {
        assert_eq!(asked(wire).await, 403);
    }
}

#[tokio::test]
async fn a_tunnel_keeps_its_place_until_it_is_over() {
    let origin = Origin::doing(Visit::gone).await;
    let school = World::new().limit("connections = 1").start().await;
    let mut tunnel = school.wire().await;
    tunnel.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", origin.authority())).await;
    assert_eq!(tunnel.head_only().await.status, 200);
    is_turned_away(&mut from(&school, 2).await).await;
    drop(tunnel);
    soon("a place", until_there_is_a_place(&school, 2)).await;
}
