//! Promise: what is asked for through a web proxy in a WebSocket is judged and on record as though it were asked for directly. A stream to a blocked site is
//! cut, in the web proxy's own words, and the others live; nothing of what was cut reaches the web proxy; and what is no web proxy passes as it came.

use crate::kit::device::Device;
use crate::kit::h2::{H1, Site, believed, device, head, recorded, school};
use crate::kit::{Program, World, soon};
use crate::sockets::{DANGER, DEFLATE, Frame, Over, Packer, Socket, frame, open, read_frame, said};
use crate::websockets::accept;
use flate2::{Decompress, FlushDecompress};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use usher::audit::query::Row;

pub const BINARY: u8 = 0x82;
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const FIN: u8 = 0x80;
const PACKED: u8 = 0x40;

const GREETING: &[u8] = b"\x03\0\0\0\0\x80\0\0\0";
const INFO: &[u8] = b"\x05\0\0\0\0\x02\0\x01\0\0\0\0";

fn connect(stream: u32, host: &str) -> Vec<u8> {
    connect_by(stream, 1, 443, host)
}

fn connect_by(stream: u32, carrier: u8, port: u16, host: &str) -> Vec<u8> {
    [&[1], &stream.to_le_bytes()[..], &[carrier], &port.to_le_bytes(), host.as_bytes()].concat()
}

fn data(stream: u32, text: &str) -> Vec<u8> {
    [&[2], &stream.to_le_bytes()[..], text.as_bytes()].concat()
}

fn closing(stream: u32, reason: u8) -> Vec<u8> {
    [&[4], &stream.to_le_bytes()[..], &[reason]].concat()
}

/// What a web proxy does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greets {
    /// In the same breath as it agrees to speak WebSocket.
    AtOnce,
    /// The same in version 2.
    Version2,
    /// When the client has said something.
    Late,
    /// It says this, in a message, and nothing else.
    With(&'static [u8]),
    /// It begins a message of another stream that it ends when it is told to.
    MidMessage,
}

/// What came to a web proxy.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<Frame>>>, Arc<Notify>);

impl Seen {
    /// The packets that came, each whole.
    pub fn packets(&self) -> Vec<Vec<u8>> {
        let (mut packets, mut part, mut inflate) = (Vec::new(), Vec::new(), Decompress::new(false));
        let mut is_packed = false;
        for (first, payload) in self.0.lock().expect("a lock").iter().filter(|(first, _)| first & 0x0f < 8) {
            is_packed = if first & 0x0f == 0 { is_packed } else { first & PACKED != 0 };
            part.extend_from_slice(payload);
            if first & FIN != 0 {
                let mut whole = std::mem::take(&mut part);
                if is_packed {
                    whole.extend([0, 0, 0xff, 0xff]);
                    let mut out = Vec::with_capacity(64 << 10);
                    inflate.decompress_vec(&whole, &mut out, FlushDecompress::Sync).expect("inflated");
                    whole = out;
                }
                packets.push(whole);
            }
        }
        packets
    }

    fn controls(&self) -> usize {
        self.0.lock().expect("a lock").iter().filter(|(first, _)| first & 0x0f == 9).count()
    }

    pub async fn has(&self, packet: &[u8]) {
        soon("a packet", async {
            while !self.packets().iter().any(|came| came == packet) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// A web proxy that sends back what is sent over each stream, and closes a stream that is told to "end".
async fn proxy(mut tls: impl AsyncReadExt + AsyncWriteExt + Unpin, greets: Greets, agrees: bool, seen: Seen) {
    let Some(asked) = head(&mut tls).await else { return };
    let key = asked.lines().find_map(|line| line.to_lowercase().starts_with("sec-websocket-key: ").then(|| line[19..].trim().to_owned())).expect("a key");
    let extension = if agrees { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
    let mut first =
        format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{extension}Sec-WebSocket-Accept: {}\r\n\r\n", accept(&key))
            .into_bytes();
    match greets {
        Greets::AtOnce | Greets::MidMessage => first.extend(frame(BINARY, GREETING, None)),
        Greets::Version2 => first.extend([frame(BINARY, INFO, None), frame(BINARY, GREETING, None)].concat()),
        Greets::With(message) => first.extend(frame(BINARY, message, None)),
        Greets::Late => {}
    }
    if greets == Greets::MidMessage {
        first.extend(frame(BINARY & !FIN, &data(7, "be"), None));
    }
    let _ = tls.write_all(&first).await;
    let _ = tls.flush().await;
    if greets == Greets::MidMessage {
        let (mut reads, mut writes) = tokio::io::split(tls);
        let reading = async {
            while let Some((came, _)) = read_frame(&mut reads).await {
                seen.0.lock().expect("a lock").push(came)
            }
        };
        let ending = async {
            seen.1.notified().await;
            let _ = writes.write_all(&frame(FIN, b"gin", None)).await;
            let _ = writes.flush().await;
        };
        tokio::join!(reading, ending);
        return;
    }
    let mut is_greeted = greets != Greets::Late;
    while let Some((came, _)) = read_frame(&mut tls).await {
        let before = seen.packets().len();
        let is_end = came.0 == CLOSE;
        if came.0 == PING {
            let _ = tls.write_all(&frame(0x8a, &came.1, None)).await;
        }
        seen.0.lock().expect("a lock").push(came);
        let mut back = Vec::new();
        if !std::mem::replace(&mut is_greeted, true) {
            back.extend(frame(BINARY, GREETING, None));
        }
        for packet in &seen.packets()[before..] {
            if packet.first() == Some(&2) {
                let ends = packet.ends_with(b"end");
                back.extend(if ends { frame(BINARY, &[&[4], &packet[1..5], &[2]].concat(), None) } else { frame(BINARY, packet, None) });
            }
        }
        if is_end {
            back.extend(frame(CLOSE, b"", None));
        }
        if tls.write_all(&back).await.is_err() || tls.flush().await.is_err() || is_end {
            break;
        }
    }
    let _ = tls.shutdown().await;
}

pub struct Scene {
    pub usher: Program,
    device: Device,
    site: Site,
    pub seen: Seen,
}

impl Scene {
    pub async fn new(greets: Greets) -> Self {
        Self::with(greets, false, |world| world).await
    }

    /// A school that looks into the web proxy's site and not into others. `agrees`: the web proxy compresses.
    async fn with(greets: Greets, agrees: bool, more: impl FnOnce(World) -> World) -> Self {
        let (believed, seen) = (believed(), Seen::default());
        let keep = seen.clone();
        let site = Site::bare(&believed, H1, move |_, tls| proxy(tls, greets, agrees, keep.clone())).await;
        let usher = school(&believed, |world| {
            let world = world.edited("inspect = \"all\"", "inspect = \"search\"");
            more(world.policy("[inspect]\nnever = []\nsearch = { categories = [], hosts = [\"news.example\", \"chat.example\"] }"))
        });
        let device = device(&usher);
        Self { usher, device, site, seen }
    }

    pub async fn open(&self, over: Over, path: &str) -> Socket {
        open(&self.device, &self.site.authority(), over, path, DEFLATE).await
    }

    /// What is on record of a stream.
    async fn stream(&self, host: &str, verdict: &str) -> Row {
        soon("the record", async {
            loop {
                let found = |row: &Row| row.host == host && row.verdict == verdict && row.reason != "rule" && row.method == "CONNECT" && row.outcome.is_some();
                if let Some(row) = self.usher.rows().into_iter().find(found) {
                    return row;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

/// What comes until this packet has come, itself included.
pub async fn until(socket: &mut Socket, packet: &[u8]) -> Vec<Vec<u8>> {
    let mut came = Vec::new();
    while came.last().is_none_or(|last: &Vec<u8>| last != packet) {
        let (first, payload) = socket.frame().await.unwrap_or_else(|| panic!("it ended after {came:?}"));
        assert_ne!(first, CLOSE, "{}", String::from_utf8_lossy(&payload));
        came.push(payload);
    }
    came
}

#[tokio::test]
async fn a_stream_to_a_blocked_site_is_cut_and_the_others_live() {
    for (number, (greets, over)) in
        [(Greets::AtOnce, Over::Http1), (Greets::AtOnce, Over::Http2), (Greets::Version2, Over::Http1), (Greets::Version2, Over::Http2)].into_iter().enumerate()
    {
        let scene = Scene::new(greets).await;
        let path = format!("/wisp/{number}/");
        let mut socket = scene.open(over, &path).await;
        until(&mut socket, GREETING).await;
        socket.say(&said(BINARY, &connect(1, "shop.example"))).await;
        scene.seen.has(&connect(1, "shop.example")).await;
        // It has come to the web proxy: the record is there.
        let asked = |row: &&Row| row.host == "shop.example" && row.reason == "wisp-stream" && row.verdict == "allowed";
        assert_eq!(scene.usher.rows().iter().filter(asked).count(), 1, "on record before it goes on");
        socket.say(&[said(BINARY, &connect(2, "games.example")), said(BINARY, &data(2, "secret")), said(BINARY, &data(1, "hello"))].concat()).await;
        let came = until(&mut socket, &data(1, "hello")).await;
        assert!(came.contains(&closing(2, 0x48)), "{came:?}");
        // What is asked for after that lives too, and both ways end well.
        socket.say(&[said(BINARY, &data(2, "secret")), said(BINARY, &closing(2, 2)), said(BINARY, &data(1, "again"))].concat()).await;
        assert_eq!(until(&mut socket, &data(1, "again")).await, [data(1, "again")]);
        assert_eq!(scene.seen.packets(), [connect(1, "shop.example"), data(1, "hello"), data(1, "again")], "{greets:?}");
        socket.say(&said(CLOSE, b"")).await;
        assert_eq!(socket.frame().await, Some((CLOSE, Vec::new())));
        drop(socket);
        let found = recorded(&scene.usher, &path, |row| row.reason == "wisp" && row.outcome.is_some()).await;
        assert_eq!((found.verdict.as_str(), found.host.as_str()), ("allowed", "news.example"));
        assert!(found.why.contains("A web proxy of the kind Wisp was opened. Seen: a greeting of Wisp"), "{}", found.why);
        let first = recorded(&scene.usher, &path, |row| row.reason != "wisp" && row.outcome.is_some()).await;
        assert_eq!(first.note.as_deref(), Some("Wisp: 1 streams let through, 1 cut."));
        let cut = scene.stream("games.example", "blocked").await;
        assert_eq!((cut.reason.as_str(), cut.class.as_str(), cut.kind.as_str(), cut.start.as_str()), ("wisp-stream", "blocked", "resource", "clicked"));
        assert_eq!((cut.cause.map(|id| id.to_string()), cut.port), (Some(first.id.to_string()), 443));
        assert!(cut.why.contains("Really meant: games.example:443.") && cut.why.contains("Games is blocked for year-7."), "{}", cut.why);
        assert_eq!(cut.categories, ["games"]);
    }
}

#[tokio::test]
async fn however_it_is_cut_into_frames_and_bytes_the_same_is_seen() {
    for size in [1, 3, 1000] {
        let scene = Scene::new(Greets::AtOnce).await;
        let mut socket = scene.open(Over::Http1, "/wisp/").await;
        until(&mut socket, GREETING).await;
        let pieces = |packet: &[u8], step: usize| -> Vec<u8> {
            let count = packet.chunks(step).count();
            let mut out = Vec::new();
            for (at, piece) in packet.chunks(step).enumerate() {
                let first = if at == 0 { 2 } else { 0 } | if at + 1 == count { FIN } else { 0 };
                out.extend(said(first, piece));
                out.extend(said(PING, b"?"));
            }
            out
        };
        let long = data(1, &"x".repeat(70_000));
        let bytes = [
            pieces(&connect(1, "shop.example"), 1),
            pieces(&connect(2, "games.example"), 1),
            pieces(&data(2, "secret"), 2),
            pieces(&data(1, "hello"), 2),
            // Each with a mask of its own.
            frame(BINARY, &data(1, "masked"), Some([0xde, 0xad, 0xbe, 0xef])),
            said(BINARY, &long),
        ]
        .concat();
        let (mut reads, mut writes) = tokio::io::split(socket.stream);
        let sends = async {
            for piece in bytes.chunks(size) {
                writes.write_all(piece).await.expect("sent");
                writes.flush().await.expect("sent");
            }
        };
        let receives = async {
            let mut came = Vec::new();
            while came.last() != Some(&long) {
                came.extend(
                    soon("a frame", read_frame(&mut reads))
                        .await
                        .map(|((first, payload), _)| (first, payload))
                        .filter(|(first, _)| *first == BINARY)
                        .map(|(_, payload)| payload),
                );
            }
            came
        };
        let ((), came) = tokio::join!(sends, receives);
        assert_eq!(came.len(), 4, "{size}: {:?}", came.iter().map(|packet| &packet[..packet.len().min(12)]).collect::<Vec<_>>());
        assert!(came.contains(&closing(2, 0x48)) && came.contains(&data(1, "hello")) && came.contains(&data(1, "masked")));
        assert_eq!(scene.seen.packets(), [connect(1, "shop.example"), data(1, "hello"), data(1, "masked"), long], "{size}");
        assert!(scene.seen.controls() > 40, "pings go on");
    }
}

#[tokio::test]
async fn who_speaks_before_the_greeting_or_hides_the_first_packet_is_judged_too() {
    let first = [
        Vec::new(),
        // What the web proxy does not take notice of.
        said(BINARY, &data(99, "nothing")),
        [said(TEXT, b""), said(PING, b"")].concat(),
        said(TEXT, b"{\"op\":1}"),
    ];
    for (number, decoy) in first.into_iter().enumerate() {
        let scene = Scene::new(Greets::Late).await;
        let mut socket = scene.open(Over::Http1, "/wisp/").await;
        socket
            .say(&[decoy, said(BINARY, &connect(1, "games.example")), said(BINARY, &connect(2, "shop.example")), said(BINARY, &data(2, "hello"))].concat())
            .await;
        let came = until(&mut socket, &data(2, "hello")).await;
        assert!(came.contains(&closing(1, 0x48)), "{number}: {came:?}");
        let packets = scene.seen.packets();
        assert!(packets.contains(&connect(2, "shop.example")) && !packets.contains(&connect(1, "games.example")), "{number}: {packets:?}");
        assert_eq!(scene.stream("games.example", "blocked").await.reason, "wisp-stream");
    }
}

#[tokio::test]
async fn a_stream_that_takes_anothers_number_is_judged_anew() {
    let scene = Scene::new(Greets::AtOnce).await;
    let mut socket = scene.open(Over::Http2, "/wisp/").await;
    until(&mut socket, GREETING).await;
    let shop = said(BINARY, &connect(1, "shop.example"));
    // Ended by the client; then by the web proxy; then not at all.
    socket.say(&[shop.clone(), said(BINARY, &closing(1, 2)), said(BINARY, &connect(1, "games.example")), said(BINARY, &data(1, "one"))].concat()).await;
    until(&mut socket, &closing(1, 0x48)).await;
    socket.say(&[shop.clone(), said(BINARY, &data(1, "end"))].concat()).await;
    until(&mut socket, &closing(1, 2)).await;
    socket.say(&[said(BINARY, &data(1, "late")), said(BINARY, &connect(1, "games.example")), said(BINARY, &data(1, "two"))].concat()).await;
    until(&mut socket, &closing(1, 0x48)).await;
    socket.say(&[shop.clone(), said(BINARY, &connect(1, "games.example")), said(BINARY, &data(1, "three"))].concat()).await;
    until(&mut socket, &closing(1, 0x48)).await;
    socket.say(&[shop, said(BINARY, &data(1, "hello"))].concat()).await;
    until(&mut socket, &data(1, "hello")).await;
    let shop = connect(1, "shop.example");
    assert_eq!(scene.seen.packets(), [shop.clone(), closing(1, 2), shop.clone(), data(1, "end"), shop.clone(), shop, data(1, "hello")]);
}

#[tokio::test]
async fn the_client_is_told_between_two_messages_of_the_web_proxy() {
    let scene = Scene::new(Greets::MidMessage).await;
    let mut socket = scene.open(Over::Http1, "/wisp/").await;
    until(&mut socket, &data(7, "be")).await;
    socket.say(&said(BINARY, &connect(2, "games.example"))).await;
    scene.stream("games.example", "blocked").await;
    scene.seen.1.notify_one();
    assert_eq!(socket.frame().await, Some((FIN, b"gin".to_vec())), "the message is ended first");
    assert_eq!(socket.frame().await, Some((BINARY, closing(2, 0x48))));
}

#[tokio::test]
async fn what_only_resembles_it_passes_as_it_came() {
    for (number, (message, replies)) in [
        (&b"\x03\0\0\0\0\x80\0\0"[..], vec![connect_by(1, 7, 443, "games.example"), connect(1, "games example")]),
        (b"\x05\0\0\0\0\x02\0\x01\x09\0\0\0short", vec![b"\x01\0\0\0".to_vec(), connect(0, "games.example")]),
        (b"{\"op\":10}", vec![b"\x01\x02\x03\x04\x05\x06\x07\x08games".to_vec(), connect(1, "games")]),
    ]
    .into_iter()
    .enumerate()
    {
        let scene = Scene::new(Greets::With(message)).await;
        for (at, reply) in replies.into_iter().enumerate() {
            let path = format!("/game-{number}-{at}");
            let before = scene.seen.packets().len();
            let mut socket = scene.open(if at == 0 { Over::Http1 } else { Over::Http2 }, &path).await;
            until(&mut socket, message).await;
            let sent = [said(BINARY & !FIN, &reply[..2]), said(PING, b""), said(FIN, &reply[2..]), said(BINARY, &data(9, "x"))].concat();
            socket.say(&sent).await;
            until(&mut socket, &data(9, "x")).await;
            // By now nobody listens: what would be one of its packets is none.
            socket.say(&said(BINARY, &connect(9, "games.example"))).await;
            soon("all of it", async {
                while scene.seen.packets().len() < before + 3 {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            assert_eq!(scene.seen.packets()[before..], [reply, data(9, "x"), connect(9, "games.example")]);
            socket.say(&said(CLOSE, b"")).await;
            while socket.frame().await.is_some_and(|(first, _)| first != CLOSE) {}
            socket.stream.shutdown().await.expect("ended");
            while socket.frame().await.is_some() {}
            drop(socket);
            let row = recorded(&scene.usher, &path, |row| row.outcome.is_some()).await;
            assert_eq!((row.outcome.as_deref(), row.note), (Some("complete"), None));
            let up = sent.len() + said(BINARY, &connect(9, "games.example")).len() + said(CLOSE, b"").len();
            assert_eq!(row.bytes_up, Some(up as u64));
        }
        assert!(!scene.usher.rows().iter().any(|row| row.reason.starts_with("wisp")), "{number}");
    }
}

#[tokio::test]
async fn what_a_group_says_of_it_is_done() {
    let says = |wisp: &'static str| move |world: World| world.edited("members =", &format!("ways = {{ {wisp} }}\nmembers ="));
    let scene = Scene::with(Greets::AtOnce, false, says("wisp = \"block\"")).await;
    let mut socket = scene.open(Over::Http1, "/blocked/").await;
    while let Some((first, payload)) = socket.frame().await {
        if first == CLOSE {
            let reason = String::from_utf8_lossy(&payload[2..]).into_owned();
            assert_eq!(payload[..2], 1008u16.to_be_bytes());
            assert!(reason.starts_with("Ended by the school's filter: a web proxy. Reference: "), "{reason}");
        }
    }
    let row = recorded(&scene.usher, "/blocked/", |row| row.verdict == "blocked" && row.outcome.is_some()).await;
    assert_eq!((row.reason.as_str(), row.class.as_str(), row.outcome.as_deref()), ("wisp", "blocked", Some("cut")));
    // All passes but what is illegal, and all is on record.
    let scene = Scene::with(Greets::AtOnce, false, says("wisp = \"note\"")).await;
    let mut socket = scene.open(Over::Http1, "/noted/").await;
    until(&mut socket, GREETING).await;
    let asked = [said(BINARY, &connect(1, "games.example")), said(BINARY, &connect(2, "terror.example")), said(BINARY, &data(1, "hello"))].concat();
    socket.say(&asked).await;
    let came = until(&mut socket, &data(1, "hello")).await;
    assert!(came.contains(&closing(2, 0x48)), "{came:?}");
    assert_eq!(scene.stream("games.example", "allowed").await.reason, "wisp-stream");
    let illegal = scene.stream("terror.example", "blocked").await;
    assert_eq!(illegal.reason, "always-blocked", "who looks for that finds it: {}", illegal.why);
    assert!(illegal.why.contains("asked for through a web proxy"), "{}", illegal.why);
    // It is left alone.
    let scene = Scene::with(Greets::AtOnce, false, says("allow = [\"wisp\"]")).await;
    let mut socket = scene.open(Over::Http1, "/alone/").await;
    until(&mut socket, GREETING).await;
    socket.say(&said(BINARY, &connect(1, "games.example"))).await;
    scene.seen.has(&connect(1, "games.example")).await;
    assert!(!scene.usher.rows().iter().any(|row| row.reason.starts_with("wisp")));
}

#[tokio::test]
async fn what_would_be_looked_into_or_is_no_host_or_too_much_is_cut() {
    let scene = Scene::with(Greets::AtOnce, false, |world| world.limit("requests_per_second = 100000\nrequest_burst = 100000")).await;
    let mut socket = scene.open(Over::Http1, "/wisp/").await;
    until(&mut socket, GREETING).await;
    for (stream, packet, reason) in [
        // The school looks into it, which it cannot there.
        (1, connect(1, "chat.example"), 0x48),
        (2, connect_by(2, 2, 443, "games.example"), 0x48),
        (3, connect(3, "GAMES.example."), 0x48),
        (4, connect(4, " games.example "), 0x48),
        (5, connect(5, "games.example\0"), 0x41),
        (6, connect(6, &"a".repeat(400)), 0x41),
        (7, b"\x01\x07\0\0\0\x01".to_vec(), 0x41),
        (8, connect(8, "terror.example"), 0x48),
        (9, connect_by(9, 1, 80, "play.games.example"), 0x48),
    ] {
        socket.say(&[said(BINARY, &packet), said(BINARY, &data(stream, "x"))].concat()).await;
        assert_eq!(until(&mut socket, &closing(stream, reason)).await.len(), 1, "{packet:?}");
    }
    assert!(scene.seen.packets().is_empty(), "{:?}", scene.seen.packets());
    let looked_into = scene.stream("chat.example", "blocked").await;
    assert!(looked_into.why.contains("It would be looked into, which cannot be done there."), "{}", looked_into.why);
    assert!(scene.stream("games.example", "blocked").await.note.is_some_and(|note| note.contains("asked for over")));
    for stream in 100..356 {
        socket.say(&said(BINARY, &connect(stream, "shop.example"))).await;
    }
    socket.say(&said(BINARY, &connect(400, "shop.example"))).await;
    until(&mut socket, &closing(400, 0x49)).await;
    // One ends: another may begin.
    socket.say(&[said(BINARY, &closing(100, 2)), said(BINARY, &connect(400, "shop.example")), said(BINARY, &data(400, "hello"))].concat()).await;
    until(&mut socket, &data(400, "hello")).await;
}

#[tokio::test]
async fn compression_hides_nothing_and_what_is_swallowed_breaks_nothing() {
    for over in [Over::Http1, Over::Http2] {
        let scene = Scene::with(Greets::Late, true, |world| world).await;
        let mut socket = scene.open(over, "/wisp/").await;
        assert!(socket.answer.to_lowercase().contains("permessage-deflate"), "{}", socket.answer);
        let mut packer = Packer::new();
        // Each is compressed with what came before, also with what does not go on.
        let packets =
            [data(99, "before"), connect(1, "shop.example"), connect(2, "games.example"), data(2, "shop.example"), data(1, "shop.example shop.example")];
        let packed: Vec<u8> = packets.iter().flat_map(|packet| said(BINARY | PACKED, &packer.pack(packet))).collect();
        socket.say(&packed).await;
        let came = until(&mut socket, &data(1, "shop.example shop.example")).await;
        assert!(came.contains(&closing(2, 0x48)), "{came:?}");
        let seen = scene.seen.packets();
        assert_eq!(seen, [data(99, "before"), connect(1, "shop.example"), data(1, "shop.example shop.example")]);
        // What cannot be read ends it: what is asked there is not known.
        socket.say(&said(BINARY | PACKED, &[0xff; 20])).await;
        let reason = socket.is_closed_with(1008).await;
        assert!(reason.contains("cannot be read"), "{reason}");
    }
    // An extension that cannot be read is not offered, and a site that agrees to it all the same is not let speak: see `sockets`.
    let scene = Scene::new(Greets::AtOnce).await;
    let socket = open(&scene.device, &scene.site.authority(), Over::Http1, "/wisp/", "x-secret").await;
    assert!(socket.answer.starts_with("HTTP/1.1 101"), "{}", socket.answer);
}

#[tokio::test]
async fn words_are_read_there_too() {
    let scene = Scene::with(Greets::AtOnce, false, |world| world.reading("{ threshold = 100, on_hit = \"cut\" }")).await;
    let mut socket = scene.open(Over::Http1, "/wisp/").await;
    until(&mut socket, GREETING).await;
    socket.say(&[said(BINARY, &connect(1, "shop.example")), said(BINARY, &connect(2, "games.example")), said(BINARY, &data(1, "hello"))].concat()).await;
    let came = until(&mut socket, &data(1, "hello")).await;
    assert!(came.contains(&closing(2, 0x48)));
    // What is no packet goes nowhere.
    socket.say(&[said(TEXT, DANGER.as_bytes()), said(BINARY, &data(1, "still there"))].concat()).await;
    until(&mut socket, &data(1, "still there")).await;
    socket.say(&said(BINARY, &data(1, DANGER))).await;
    let reason = socket.is_closed_with(1008).await;
    assert!(reason.contains("words about suicide"), "{reason}");
    assert!(!scene.seen.packets().iter().any(|packet| packet.ends_with(DANGER.as_bytes())));
}
