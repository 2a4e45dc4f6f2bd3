//! A site with several addresses (RFC 8305): the first that answers is used, and the record says which.

use crate::kit::{Origin, School, Visit, World, skipped, soon};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

async fn hello(mut visit: Visit) {
    while visit.request().await.is_some() {
        visit.say("hello").await;
    }
}

/// A port of this address that refuses whoever comes, for as long as it is held. `None` if the machine has no such address.
fn refusing(address: &str) -> Option<TcpSocket> {
    let address: SocketAddr = address.parse().expect("an address");
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }.ok()?;
    socket.bind(address).ok()?;
    Some(socket)
}

/// A port of this machine's IPv6 address where nobody is ever heard: its queue is full.
struct Deaf {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Deaf {
    async fn new() -> Option<Self> {
        let listener = refusing("[::1]:0")?.listen(0).ok()?;
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        while let Ok(made) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            waiting.push(made.expect("a place in the queue"));
        }
        Some(Self { listener, _waiting: waiting })
    }
}

/// A site at the same port of 127.0.0.1; `None` if another program has it.
async fn site_beside(six: SocketAddr) -> Option<Origin> {
    Origin::doing_at(&format!("127.0.0.1:{}", six.port()), hello).await
}

/// A port whose IPv6 side refuses, and a site at its IPv4 side.
async fn refusing_and_site() -> Option<(TcpSocket, Origin)> {
    loop {
        let six = refusing("[::1]:0")?;
        if let Some(origin) = site_beside(six.local_addr().expect("an address")).await {
            return Some((six, origin));
        }
    }
}

/// A port whose IPv6 side is deaf, and a site at its IPv4 side.
async fn deaf_and_site() -> Option<(Deaf, Origin)> {
    loop {
        let six = Deaf::new().await?;
        if let Some(origin) = site_beside(six.listener.local_addr().expect("an address")).await {
            return Some((six, origin));
        }
    }
}

async fn school() -> School {
    World::new().named("both.example", "::1").named("both.example", "127.0.0.1").start().await
}

/// That the IPv4 side is what both a page and a tunnel lead to, and what is on record.
async fn leads_to(school: &School, origin: &Origin) {
    let (port, upstream) = (origin.address.port(), Some(origin.address.to_string()));
    school.pupil().get(&format!("http://both.example:{port}/page")).await.is_from_the_site("hello");
    assert_eq!(school.closed("/page").await.upstream, upstream);
    assert_eq!(school.pupil().connect(&format!("both.example:{port}")).await.reply.status, 200);
    let row = school.closed_tunnel(port).await;
    assert_eq!((row.outcome.as_deref(), row.upstream), (Some("complete"), upstream));
}

#[tokio::test]
async fn where_ipv6_is_refused_ipv4_is_used_and_on_record() {
    let Some((_six, origin)) = refusing_and_site().await else { return skipped("IPv6") };
    leads_to(&school().await, &origin).await;
}

#[tokio::test]
async fn where_ipv6_never_answers_ipv4_is_used_without_waiting_for_it() {
    let Some((_six, origin)) = deaf_and_site().await else { return skipped("IPv6") };
    let school = school().await;
    let started = Instant::now();
    soon("the answers", leads_to(&school, &origin)).await;
    assert!(started.elapsed() < Duration::from_secs(5), "ten seconds is the limit for one connection; it took {:?}", started.elapsed());
}

#[tokio::test]
async fn where_ipv6_never_answers_and_nothing_else_is_there_somebody_is_told_in_time() {
    let Some(six) = Deaf::new().await else { return skipped("IPv6") };
    let port = six.listener.local_addr().expect("an address").port();
    let school = World::new().limit("connect_seconds = 1").named("six.example", "::1").start().await;
    let answer = school.pupil().get(&format!("http://six.example:{port}/six")).await;
    assert_eq!((answer.reply.status, answer.reply.field("proxy-status").as_deref()), (504, Some("usher; error=connection_timeout")));
    assert_eq!(school.pupil().connect(&format!("six.example:{port}")).await.reply.status, 504);
    assert_eq!(school.closed("/six").await.outcome.as_deref(), Some("limit-reached"));
}

#[tokio::test]
async fn who_leaves_while_a_tunnel_is_being_opened_is_on_record_as_gone() {
    let Some(six) = Deaf::new().await else { return skipped("IPv6") };
    let port = six.listener.local_addr().expect("an address").port();
    let school = World::new().named("six.example", "::1").start().await;
    let mut wire = school.wire().await;
    wire.send(format!("CONNECT six.example:{port} HTTP/1.1\r\nHost: six.example\r\n\r\n")).await;
    soon("the record", async {
        while school.rows().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(wire);
    assert_eq!(school.closed_tunnel(port).await.outcome.as_deref(), Some("client-gone"));
}

/// A port that both families refuse.
fn refused_by_both() -> Option<(TcpSocket, TcpSocket)> {
    loop {
        let six = refusing("[::1]:0")?;
        if let Some(four) = refusing(&format!("127.0.0.1:{}", six.local_addr().expect("an address").port())) {
            return Some((six, four));
        }
    }
}

#[tokio::test]
async fn where_every_address_refuses_somebody_is_told_so() {
    let Some((six, _four)) = refused_by_both() else { return skipped("IPv6") };
    let port = six.local_addr().expect("an address").port();
    let school = school().await;
    let page = school.pupil().get(&format!("http://both.example:{port}/page")).await;
    let tunnel = school.pupil().connect(&format!("both.example:{port}")).await;
    for answer in [&page, &tunnel] {
        assert_eq!((answer.reply.status, answer.reply.field("proxy-status").as_deref()), (502, Some("usher; error=destination_unavailable")));
        assert!(answer.reply.text().contains("This site cannot be reached") && answer.reply.text().contains("refused"), "{}", answer.reply.text());
    }
    for row in [school.closed("/page").await, school.closed_tunnel(port).await] {
        assert_eq!((row.outcome.as_deref(), row.upstream, row.status), (Some("origin-failed"), None, Some(502)));
        assert!(row.note.is_some_and(|note| note.contains("refused")), "the record says why");
    }
}
