//! Promise: where a group's https is looked into, each page is judged, recorded and answered as on http; and a connection is what it says.

use crate::kit::device::Device;
use crate::kit::secure::{Authority, Good, SecureSite};
use crate::kit::{Program, Wire, World, soon};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A part of a site that is blocked.
const PLAY: &str =
    "[[rule]]\nname = \"games of the news\"\nwhen = { prefix = \"news.example/play\" }\nthen = \"block\"\nreason = \"Not in lessons.\"\nreview = 2099-01-01";

/// A site over TLS that switches to WebSocket, then says whatever it is told.
async fn chat(believed: &Authority) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, acceptor) = (listener.local_addr().expect("an address"), believed.acceptor(&["news.example"]));
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.expect("a client");
        let mut tls = acceptor.accept(tcp).await.expect("a handshake");
        head(&mut tls).await;
        tls.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await.expect("sent");
        while let Ok(byte) = tls.read_u8().await {
            tls.write_u8(byte).await.expect("sent");
            tls.flush().await.expect("sent");
        }
    });
    address
}

/// Everything up to an empty line.
async fn head(from: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("a head", from.read_u8()).await.expect("a head"));
    }
    String::from_utf8(head).expect("text")
}

/// A school that looks into https, and a site whose certificate it believes.
async fn school(names: &[&str], good: Good, more: impl FnOnce(World) -> World) -> (Program, SecureSite) {
    let believed = Authority::new("A public authority");
    let site = SecureSite::saying("the site's page", &believed, names, good).await;
    let files = more(World::new().inspecting().tls("authorities = [\"public.pem\"]")).write();
    files.put("public.pem", &believed.pem());
    let made = files.usher(&["ca", "create", "--name", "Example School"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    (Program::start(Arc::new(files)), site)
}

#[tokio::test]
async fn a_page_over_https_is_fetched_judged_and_on_record_whole() {
    let (usher, site) = school(&["news.example"], Good::Now, |world| world.policy(PLAY)).await;
    let device = Device::of(&usher.files, usher.address);
    let authority = format!("news.example:{}", site.address.port());
    let mut talk = device.open(&authority).await;
    assert_eq!(talk.get("/today?edition=late").await, (http::StatusCode::OK, "the site's page".to_owned()));
    let (status, page) = talk.get("/play/chess").await;
    assert!(status == 403 && page.contains("This page is blocked") && page.contains("/play/chess"), "{status} {page}");
    // The connection goes on after a refusal, and the site was asked for one page only.
    assert_eq!(talk.get("/more").await.0, 200);
    let asked: Vec<_> = site.seen().into_iter().map(|(target, _)| target).collect();
    assert_eq!(asked, ["/today?edition=late", "/more"]);
    let rows = usher.rows();
    let known: Vec<_> = rows.iter().rev().map(|row| (row.method.as_str(), row.path.as_str(), row.verdict.as_str(), row.scheme.as_str())).collect();
    assert_eq!(
        known,
        [
            ("CONNECT", "", "answered", "https"),
            ("GET", "/today?edition=late", "allowed", "https"),
            ("GET", "/play/chess", "blocked", "https"),
            ("GET", "/more", "allowed", "https"),
        ]
    );
    assert!(rows.iter().all(|row| row.host == "news.example" && row.port == site.address.port()), "{rows:?}");
}

#[tokio::test]
async fn a_blocked_or_warned_site_is_a_page_and_is_not_reached() {
    let (usher, site) = school(&["games.example", "video.example"], Good::Now, |world| world).await;
    let device = Device::of(&usher.files, usher.address);
    for (host, words, verdict) in [("games.example", "This page is blocked", "blocked"), ("video.example", "Think before you go on", "warned")] {
        let mut talk = device.open(&format!("{host}:{}", site.address.port())).await;
        let (status, page) = talk.get("/").await;
        assert!(status == 403 && page.contains(words), "{status} {page}");
        let row = usher.rows().into_iter().find(|row| row.host == host && row.method == "GET").expect("on record");
        assert_eq!(row.verdict, verdict);
    }
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn a_site_that_is_not_believed_is_explained_and_asked_for_nothing() {
    for (names, good, words) in
        [(&["news.example"][..], Good::Before, "expired"), (&["news.example"], Good::Later, "begins only on"), (&["other.example"], Good::Now, "other.example")]
    {
        let (usher, site) = school(names, good, |world| world).await;
        let device = Device::of(&usher.files, usher.address);
        let mut talk = device.open(&format!("news.example:{}", site.address.port())).await;
        let (status, page) = talk.get("/").await;
        assert!(status == 502 && page.to_lowercase().contains(words), "{words}: {status} {page}");
        assert!(site.seen().is_empty());
    }
}

#[tokio::test]
async fn an_exception_holds_until_it_is_taken_out_also_where_a_connection_is_open() {
    let exception = "[[tls.exception]]\nhost = \"news.example\"\naccept = [\"expired\"]\nreason = \"The lift's panel.\"\nuntil = 2999-01-01";
    let (mut usher, site) = school(&["news.example"], Good::Before, |world| world.tls(exception)).await;
    let device = Device::of(&usher.files, usher.address);
    let mut talk = device.open(&format!("news.example:{}", site.address.port())).await;
    assert_eq!(talk.get("/one").await.0, 200);
    usher.files.edit("usher.toml", exception, "");
    usher.signal(rustix::process::Signal::HUP);
    usher.says("snapshot");
    let (status, page) = talk.get("/two").await;
    assert!(status == 502 && page.contains("expired"), "{status} {page}");
    assert_eq!(site.seen().len(), 1);
}

#[tokio::test]
async fn a_websocket_in_a_connection_keeps_its_place_among_the_connected() {
    let believed = Authority::new("A public authority");
    let site = chat(&believed).await;
    let files = World::new().inspecting().limit("connections_per_client = 1").tls("authorities = [\"public.pem\"]").write();
    files.put("public.pem", &believed.pem());
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let usher = Program::start(Arc::new(files));
    let device = Device::of(&usher.files, usher.address);
    let authority = format!("news.example:{}", site.port());
    let mut socket = device.secure(&authority, "news.example").await.expect("a certificate that is trusted");
    let asked = format!("GET /chat HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.write_all(asked.as_bytes()).await.expect("sent");
    assert!(head(&mut socket).await.starts_with("HTTP/1.1 101"));
    for word in *b"hi" {
        socket.write_u8(word).await.expect("sent");
        assert_eq!(soon("an echo", socket.read_u8()).await.expect("said"), word);
    }
    let mut second = Wire::connect(IpAddr::from([127, 0, 7, 1]), usher.address).await;
    second.send("GET http://games.example/ HTTP/1.1\r\nHost: games.example\r\n\r\n").await;
    assert_eq!(second.reply().await.status, 503, "it has no place any more");
}

#[tokio::test]
async fn a_tunnel_to_a_blocked_site_that_comes_late_is_refused_and_its_block_is_on_record() {
    let (usher, site) = school(&["news.example"], Good::Now, |world| world).await;
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), usher.address).await;
    wire.send("GET http://chat.example:1/ HTTP/1.1\r\nHost: chat.example:1\r\n\r\n").await;
    wire.reply().await;
    let authority = format!("games.example:{}", site.address.port());
    wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
    assert_eq!(wire.reply().await.status, 400);
    let rows = usher.rows();
    let verdicts: Vec<_> = rows.iter().filter(|row| row.host == "games.example").map(|row| row.verdict.as_str()).collect();
    assert_eq!(verdicts, ["blocked", "answered"]);
}

#[tokio::test]
async fn what_is_in_a_connection_is_for_the_host_it_was_opened_for() {
    let (usher, site) = school(&["news.example"], Good::Now, |world| world).await;
    let device = Device::of(&usher.files, usher.address);
    let authority = format!("news.example:{}", site.address.port());
    let mut talk = device.open(&authority).await;
    for (method, path, host, status) in [
        ("GET", "/", "games.example", 421),
        ("GET", "/", "news.example:1", 421),
        ("GET", "/", "news.example", 421),
        ("GET", "/", "NEWS.example.", 421),
        ("GET", "/", authority.as_str(), 200),
    ] {
        assert_eq!(talk.ask(method, path, host).await.status(), status, "{host}");
    }
    // A name in the hello that is not that of the CONNECT.
    assert!(device.secure(&authority, "games.example").await.is_err());
    let fronting = usher.rows().into_iter().filter(|row| row.reason == "fronting").count();
    assert_eq!(fronting, 5);
    assert_eq!(site.seen().len(), 1);
}

#[tokio::test]
async fn a_device_without_the_certificate_is_told_by_its_own_tls_and_a_block_is_on_record() {
    let (usher, site) = school(&["news.example"], Good::Now, |world| world).await;
    let device = Device::alone(usher.address);
    for (host, blocked) in [("news.example", 0), ("games.example", 1)] {
        assert!(device.secure(&format!("{host}:{}", site.address.port()), host).await.is_err());
        let rows = soon("the record", async {
            loop {
                let rows: Vec<_> = usher.rows().into_iter().filter(|row| row.host == host).collect();
                if rows.len() == 1 + blocked && rows.iter().all(|row| row.outcome.is_some()) {
                    return rows;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(rows.iter().filter(|row| row.verdict == "blocked").count(), blocked);
    }
}

#[tokio::test]
async fn staff_and_pupils_are_looked_into_as_their_groups_say() {
    let (usher, site) = school(&["news.example"], Good::Now, |world| world.policy("[inspect]\nnever = [\"chat\"]")).await;
    // A category that is never looked into stays sealed: the site's own certificate is what a device sees.
    let device = Device::of(&usher.files, usher.address);
    assert!(device.secure(&format!("chat.example:{}", site.address.port()), "chat.example").await.is_err());
    let sealed = usher.rows().into_iter().find(|row| row.host == "chat.example").expect("on record");
    assert_eq!((sealed.verdict.as_str(), sealed.method.as_str()), ("allowed", "CONNECT"));
    let teacher = Device::of(&usher.files, usher.address).at([127, 0, 9, 1]);
    let mut talk = teacher.open(&format!("news.example:{}", site.address.port())).await;
    assert_eq!(talk.get("/").await.0, 200);
}

#[test]
fn a_policy_that_looks_into_https_needs_an_authority() {
    let files = World::new().inspecting().write();
    let said = files.usher(&["serve"]);
    assert!(said.code == Some(2) && said.err.contains("usher ca create"), "{said:?}");
}
