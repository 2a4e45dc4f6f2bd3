//! Promise: what passes over a WebSocket is read as pages are: what is over a group's threshold does not leave, both sides are told with a close, and it is on
//! record; what is let through goes on as it came, byte for byte; and what a chat service is asked there is on record before it is sent.

use crate::kit::device::Device;
use crate::kit::h2::{BOTH, H1, Site, Talk2, Told, believed, device, head, recorded, school};
use crate::kit::{Origin, Program, School, World, soon};
use crate::websockets::accept;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use hyper::ext::Protocol;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use usher::audit::query::Row;

const CUT: &str = "{ threshold = 100, on_hit = \"cut\" }";
/// Only what comes back is ended.
const CUT_BACK: &str = "{ threshold = 100, on_hit = \"cut\", uploads = \"note\" }";
const NOTE: &str = "{ threshold = 100, on_hit = \"note\" }";
/// Over the threshold by 20 points.
pub const DANGER: &str = "Looking for a painless way to die, which is the lethal method? I have my goodbye note.";
const MASK: [u8; 4] = [0x1f, 0xa2, 0x33, 0x47];
pub const DEFLATE: &str = "permessage-deflate; client_max_window_bits";

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
/// A first byte with this: compressed. And without this: more follows.
const PACKED: u8 = 0x40;
const FIN: u8 = 0x80;

/// A frame, masked as a client's is if there is a mask.
pub fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(bit | u8::try_from(short).expect("short")),
        middle @ 126..=0xffff => frame.extend([&[bit | 126][..], &u16::try_from(middle).expect("two bytes").to_be_bytes()].concat()),
        long => frame.extend([&[bit | 127][..], &(long as u64).to_be_bytes()].concat()),
    }
    frame.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

pub fn said(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, payload, Some(MASK))
}

/// Compresses as RFC 7692 says, each message with what came before.
pub struct Packer(Compress);

impl Packer {
    pub fn new() -> Self {
        Self(Compress::new(Compression::best(), false))
    }

    pub fn pack(&mut self, message: &[u8]) -> Vec<u8> {
        let (mut out, mut rest) = (Vec::new(), message);
        loop {
            out.reserve(message.len() + 1024);
            let before = self.0.total_in();
            self.0.compress_vec(rest, &mut out, FlushCompress::Sync).expect("compressed");
            rest = &rest[usize::try_from(self.0.total_in() - before).expect("in memory")..];
            if rest.is_empty() && out.len() < out.capacity() {
                out.truncate(out.len() - 4);
                return out;
            }
        }
    }
}

/// One frame as it was read: its first byte and its payload, unmasked.
pub type Frame = (u8, Vec<u8>);

pub async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> Option<(Frame, Vec<u8>)> {
    let mut raw = vec![0; 2];
    from.read_exact(&mut raw).await.ok()?;
    let (first, second) = (raw[0], raw[1]);
    let more = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    } + if second & 0x80 != 0 { 4 } else { 0 };
    raw.resize(2 + more, 0);
    from.read_exact(&mut raw[2..]).await.ok()?;
    let length = match second & 0x7f {
        126 => usize::from(u16::from_be_bytes([raw[2], raw[3]])),
        127 => usize::try_from(u64::from_be_bytes(raw[2..10].try_into().expect("eight"))).expect("in memory"),
        short => usize::from(short),
    };
    let at = raw.len();
    let mask: [u8; 4] = if second & 0x80 != 0 { raw[at - 4..].try_into().expect("four") } else { [0; 4] };
    raw.resize(at + length, 0);
    from.read_exact(&mut raw[at..]).await.ok()?;
    let payload = raw[at..].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some(((first, payload), raw))
}

/// What a site was sent, and how it was asked.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Sent>>);

#[derive(Default)]
struct Sent {
    asked: String,
    bytes: Vec<u8>,
    frames: Vec<Frame>,
}

impl Seen {
    fn asked(&self) -> String {
        self.0.lock().expect("a lock").asked.clone()
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("a lock").bytes.clone()
    }

    pub fn frames(&self) -> Vec<Frame> {
        self.0.lock().expect("a lock").frames.clone()
    }

    async fn has(&self, what: &str, is_so: impl Fn(&[Frame]) -> bool) {
        soon(what, async {
            while !is_so(&self.frames()) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// A site that agrees to what it is offered, and sends every frame back as it came, without the mask.
async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin, agrees: &'static str, seen: Seen) {
    if let Some(asked) = head(&mut stream).await {
        talk(stream, asked, agrees, seen).await;
    }
}

/// The same, where it was asked already.
pub async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, asked: String, agrees: &'static str, seen: Seen) {
    let field = |name: &str| asked.lines().find_map(|line| line.to_lowercase().starts_with(name).then(|| line[name.len()..].trim().to_owned()));
    let accept = accept(&field("sec-websocket-key:").expect("a key"));
    let extension = match agrees {
        "" => String::new(),
        agrees if agrees == DEFLATE && field("sec-websocket-extensions:").is_none() => String::new(),
        DEFLATE => "Sec-WebSocket-Extensions: permessage-deflate\r\n".to_owned(),
        other => format!("Sec-WebSocket-Extensions: {other}\r\n"),
    };
    seen.0.lock().expect("a lock").asked = asked;
    let answer = format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{extension}Sec-WebSocket-Accept: {accept}\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.flush().await;
    while let Some((read, raw)) = read_frame(&mut stream).await {
        let back = frame(read.0, &read.1, None);
        let is_close = read.0 == CLOSE;
        {
            let mut seen = seen.0.lock().expect("a lock");
            seen.bytes.extend(raw);
            seen.frames.push(read);
        }
        if stream.write_all(&back).await.is_err() || stream.flush().await.is_err() || is_close {
            break;
        }
    }
    let _ = stream.shutdown().await;
}

/// Both ends of a WebSocket through Usher.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub struct Socket {
    pub stream: Box<dyn Stream>,
    /// The head of the answer.
    pub answer: String,
}

impl Socket {
    pub async fn say(&mut self, bytes: &[u8]) {
        // The other side may be gone.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    pub async fn frame(&mut self) -> Option<Frame> {
        soon("a frame", read_frame(&mut self.stream)).await.map(|(frame, _)| frame)
    }

    /// The close that comes next, and that nothing follows.
    pub async fn is_closed_with(&mut self, code: u16) -> String {
        let (first, payload) = self.frame().await.expect("a close");
        assert_eq!((first, payload.get(..2)), (CLOSE, Some(&code.to_be_bytes()[..])), "{}", String::from_utf8_lossy(&payload));
        assert_eq!(self.frame().await, None, "nothing follows");
        String::from_utf8(payload[2..].to_vec()).expect("text")
    }
}

/// Over which HTTP a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Http1,
    Http2,
}

/// A WebSocket of a device with a site, which offers these extensions.
pub async fn open(device: &Device, authority: &str, over: Over, path: &str, offers: &str) -> Socket {
    match over {
        Over::Http1 => {
            let mut tls = device.clone_offering(H1).secure(authority, "news.example").await.expect("the school's certificate");
            let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            let asked = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n{fields}Sec-WebSocket-Extensions: {offers}\r\n\r\n");
            tls.write_all(asked.as_bytes()).await.expect("sent");
            let answer = head(&mut tls).await.expect("an answer");
            Socket { stream: Box::new(tls), answer }
        }
        Over::Http2 => {
            let mut talk = Talk2::open(&device.clone_offering(BOTH), authority).await;
            let builder = talk.request("CONNECT", path).header("sec-websocket-version", "13").header("sec-websocket-extensions", offers);
            let mut request = builder.body(Told::nothing()).expect("a request");
            request.extensions_mut().insert(Protocol::from_static("websocket"));
            let mut response = talk.send(request).await.expect("an answer");
            let answer = format!("{} {:?}", response.status(), response.headers());
            if !response.status().is_success() {
                return Socket { stream: Box::new(tokio::io::empty()), answer };
            }
            let upgraded = hyper::upgrade::on(&mut response).await.expect("a stream");
            Socket { stream: Box::new(hyper_util::rt::TokioIo::new(upgraded)), answer }
        }
    }
}

/// A school, a site that echoes, and what it saw.
struct Scene {
    usher: Program,
    device: Device,
    site: Site,
    seen: Seen,
}

impl Scene {
    async fn new(phrases: &str, agrees: &'static str) -> Self {
        Self::with(phrases, agrees, |world| world).await
    }

    async fn with(phrases: &str, agrees: &'static str, more: impl FnOnce(World) -> World) -> Self {
        let (believed, seen) = (believed(), Seen::default());
        let keep = seen.clone();
        let site = Site::bare(&believed, H1, move |_, tls| echo(tls, agrees, keep.clone())).await;
        let usher = school(&believed, |world| more(if phrases.is_empty() { world } else { world.reading(phrases) }));
        let device = device(&usher);
        Self { usher, device, site, seen }
    }

    async fn open(&self, over: Over, path: &str) -> Socket {
        open(&self.device, &self.site.authority(), over, path, "permessage-deflate; client_max_window_bits, x-secret").await
    }

    /// Its own record, and not that of a message in it.
    async fn record(&self, path: &str) -> Row {
        let is_of_message = |row: &Row| row.note.as_deref().is_some_and(|note| note.starts_with("noted in a message"));
        recorded(&self.usher, path, |row| row.verdict == "allowed" && row.outcome.is_some() && !is_of_message(row)).await
    }

    /// That it is on record as cut, and why.
    async fn is_cut(&self, path: &str) {
        let first = self.record(path).await;
        let note = first.note.clone().unwrap_or_default();
        assert_eq!(first.outcome.as_deref(), Some("cut"), "{first:?}");
        assert!(note.contains("about suicide") && note.contains("120 points"), "{note}");
        let blocked = recorded(&self.usher, path, |row| row.verdict == "blocked" && row.outcome.is_some()).await;
        assert_eq!((blocked.reason.as_str(), blocked.class.as_str(), blocked.outcome.as_deref()), ("words", "blocked", Some("cut")));
        assert!(blocked.why.contains("painless way to die; lethal method; goodbye note"), "{}", blocked.why);
    }
}

fn words_of(frames: &[Frame]) -> String {
    frames.iter().filter(|(first, _)| first & 0x0f < 8).map(|(_, payload)| String::from_utf8_lossy(payload).into_owned()).collect()
}

/// So many bytes of no text.
fn noise(count: usize) -> Vec<u8> {
    (0..count).map(|number| (number.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0] | 0x80).collect()
}

#[tokio::test]
async fn what_is_let_through_goes_on_as_it_came() {
    // Nothing waits for a pause to be let through.
    let scene = Scene::with(CUT, DEFLATE, |world| world.scan("held_ms = 60000")).await;
    for (number, over) in [Over::Http1, Over::Http2].into_iter().enumerate() {
        let path = format!("/chat-{number}");
        let socket = scene.open(over, &path).await;
        let agreed = socket.answer.to_lowercase();
        assert!(agreed.contains("permessage-deflate"), "{agreed}");
        let mut packer = Packer::new();
        let hello = packer.pack(b"{\"text\":\"the heron stands by the river\"}");
        let again = packer.pack(b"{\"text\":\"the heron stands by the river\"}");
        assert!(again.len() < hello.len(), "with what came before");
        let (half, rest) = hello.split_at(7);
        let sent: Vec<Vec<u8>> = vec![
            said(TEXT, b"hello"),
            // In two, with a ping between.
            said(TEXT & !FIN, b"how are "),
            said(PING, b"still there"),
            said(FIN, b"you"),
            said((TEXT | PACKED) & !FIN, half),
            said(FIN, rest),
            said(TEXT | PACKED, &again),
            said(BINARY, &noise(200)),
            said(BINARY, &noise(200_000)),
            said(TEXT, b""),
            said(CLOSE, &[&1000u16.to_be_bytes()[..], b"bye"].concat()),
        ];
        let before = scene.seen.bytes().len();
        let (mut reads, mut writes) = tokio::io::split(socket.stream);
        let (sends, receives) = (
            async {
                // In pieces that are no frames.
                for piece in sent.concat().chunks(777) {
                    writes.write_all(piece).await.expect("sent");
                    writes.flush().await.expect("sent");
                }
            },
            async {
                let mut back = Vec::new();
                while let Some((frame, _)) = soon("an echo", read_frame(&mut reads)).await {
                    back.push(frame);
                }
                back
            },
        );
        let ((), back) = tokio::join!(sends, receives);
        drop((reads, writes));
        assert!(scene.seen.bytes()[before..] == sent.concat(), "the very bytes");
        let firsts: Vec<_> = back.iter().map(|(first, _)| *first).collect();
        assert_eq!(firsts, sent.iter().map(|frame| frame[0]).collect::<Vec<_>>());
        assert_eq!(back[7].1, noise(200));
        let row = scene.record(&path).await;
        assert_eq!((row.outcome.as_deref(), row.bytes_up), (Some("complete"), Some(sent.concat().len() as u64)));
        let note = row.note.unwrap_or_default();
        let text = b"hello".len() + b"how are you".len() + hello.len() + again.len();
        assert_eq!(note, ["Up", "Down"].map(|way| format!("{way}: messages: 5 of text ({text} bytes), 2 of other data (200200 bytes).")).join(" "));
    }
}

/// Messages that are over the threshold, as they are sent: whether the site agreed to compression does not matter to most.
fn dangers() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let json = format!("{{\"type\":\"message\",\"text\":\"{DANGER}\"}}");
    let escaped: String = DANGER.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let thirds: Vec<_> = DANGER.as_bytes().chunks(30).collect();
    let mut packer = Packer::new();
    let (first, second) = (packer.pack(b"Good morning."), packer.pack(DANGER.as_bytes()));
    let (half, rest) = second.split_at(20);
    let letters = DANGER.as_bytes().iter().enumerate().flat_map(|(at, letter)| {
        let last = if at + 1 == DANGER.len() { FIN } else { 0 };
        [said(if at == 0 { 1 } else { last }, &[*letter]), said(PING, b"")]
    });
    vec![
        ("text", vec![said(TEXT, DANGER.as_bytes())]),
        ("fragments", vec![said(1, thirds[0]), said(0, thirds[1]), said(FIN, thirds[2])]),
        ("letters", letters.collect()),
        ("compressed", vec![said(TEXT | PACKED, &first), said((TEXT | PACKED) & !FIN, half), said(PING, b"x"), said(FIN, rest)]),
        ("json", vec![said(TEXT, json.as_bytes())]),
        ("escapes", vec![said(TEXT, format!("{{\"text\":\"{escaped}\"}}").as_bytes())]),
        ("socket.io", vec![said(TEXT, format!("42[\"message\",{{\"text\":\"{escaped}\"}}]").as_bytes())]),
        ("signalr", vec![said(TEXT, format!("{{\"type\":6}}\u{1e}{{\"type\":1,\"arguments\":[\"{DANGER}\"]}}\u{1e}").as_bytes())]),
        ("no json", vec![said(TEXT, format!("[12:03] bob: {DANGER}").as_bytes())]),
        ("binary json", vec![said(BINARY, format!("{{\"text\":\"{escaped}\"}}").as_bytes())]),
        ("messagepack", vec![said(BINARY, &[b"\x95\x01\x80\xc0\xa4Send\x91\xd9\xff", DANGER.as_bytes(), b"\x00\x01"].concat())]),
        ("messages", DANGER.split_inclusive(' ').map(|word| said(TEXT, word.as_bytes())).collect()),
    ]
}

#[tokio::test]
async fn what_is_over_the_threshold_does_not_leave_and_both_sides_are_told() {
    let scene = Scene::new(CUT, DEFLATE).await;
    for (number, (what, frames)) in dangers().into_iter().enumerate() {
        let over = if number % 2 == 0 { Over::Http1 } else { Over::Http2 };
        let path = format!("/up-{number}");
        let mut socket = scene.open(over, &path).await;
        let before = scene.seen.frames().len();
        for frame in &frames {
            socket.say(frame).await;
        }
        let close = loop {
            match socket.frame().await {
                Some((CLOSE, payload)) => break payload,
                Some(_) => {}
                None => panic!("{what}: no close"),
            }
        };
        assert_eq!(&close[..2], 1008u16.to_be_bytes(), "{what}");
        let reason = String::from_utf8_lossy(&close[2..]).into_owned();
        assert!(reason.starts_with("Ended by the school's filter: words about suicide. Reference: "), "{what}: {reason}");
        scene.seen.has("a close at the site", |frames| frames[before..].iter().any(|(first, _)| *first == CLOSE)).await;
        let seen = scene.seen.frames()[before..].to_vec();
        assert!(!words_of(&seen).contains("goodbye note"), "{what}: {seen:?}");
        assert_eq!(seen.last().map(|(first, payload)| (*first, payload[2..].to_vec())), Some((CLOSE, reason.clone().into_bytes())), "{what}");
        scene.is_cut(&path).await;
        assert!(reason.ends_with(&scene.record(&path).await.id.to_string()), "{reason}");
    }
}

#[tokio::test]
async fn in_whatever_pieces_it_comes_the_same_leaves() {
    // However slow the machine is, nothing goes on for want of more.
    let scene = Scene::with(CUT, DEFLATE, |world| world.scan("held_ms = 60000")).await;
    for (number, (what, frames)) in dangers().into_iter().enumerate() {
        if what == "letters" {
            // What leaves of these does depend on when the next comes.
            continue;
        }
        let all = [said(TEXT, b"Good morning."), frames.concat()].concat();
        let mut left = Vec::new();
        for size in [1, 7, 100, all.len()] {
            let before = scene.seen.frames().len();
            let mut socket = scene.open(Over::Http1, &format!("/piece-{number}-{size}")).await;
            for piece in all.chunks(size) {
                socket.say(piece).await;
            }
            while socket.frame().await.is_some_and(|(first, _)| first != CLOSE) {}
            scene.seen.has(&format!("a close at the site, {what} {size}"), |frames| frames[before..].iter().any(|(first, _)| *first == CLOSE)).await;
            let mut seen = scene.seen.frames()[before..].to_vec();
            assert_eq!(seen.pop().map(|(_, payload)| payload[..2].to_vec()), Some(1008u16.to_be_bytes().to_vec()), "{what} {size}");
            left.push(seen);
        }
        assert!(left.windows(2).all(|two| two[0] == two[1]), "{what}: {left:?}");
        assert_eq!(left[0][0], (TEXT, b"Good morning.".to_vec()), "{what}: what was before has left");
    }
}

#[tokio::test]
async fn what_a_site_says_over_the_threshold_is_not_seen() {
    let scene = Scene::new(CUT_BACK, DEFLATE).await;
    // In pieces of words, as chat services answer.
    let tokens = DANGER.split_inclusive(' ').flat_map(|word| [&word[..word.len() / 2], &word[word.len() / 2..]]);
    let tokens = tokens
        .enumerate()
        .map(|(number, text)| said(TEXT, format!("{{\"event\":\"appendText\",\"messageId\":\"x\",\"partId\":\"{number}\",\"text\":\"{text}\"}}").as_bytes()));
    let plain = DANGER.as_bytes().chunks(4).map(|piece| said(TEXT, piece));
    for (number, (what, frames)) in dangers().into_iter().chain([("tokens", tokens.collect()), ("plain tokens", plain.collect())]).enumerate() {
        let over = if number % 2 == 0 { Over::Http2 } else { Over::Http1 };
        let path = format!("/down-{number}");
        let mut socket = scene.open(over, &path).await;
        for frame in &frames {
            socket.say(frame).await;
        }
        let mut came = Vec::new();
        let close = loop {
            match socket.frame().await {
                Some((CLOSE, payload)) => break payload,
                Some(frame) => came.push(frame),
                None => panic!("{what}: no close"),
            }
        };
        assert_eq!(&close[..2], 1008u16.to_be_bytes(), "{what}");
        assert!(!words_of(&came).contains("note."), "{what}: {came:?}");
        let first = scene.record(&path).await;
        assert_eq!(first.outcome.as_deref(), Some("cut"), "{what}: {first:?}");
    }
}

#[tokio::test]
async fn where_it_is_only_noted_it_passes_and_is_on_record_and_where_sockets_are_not_read_it_passes() {
    for (phrases, is_noted) in [(NOTE, true), ("{ threshold = 100, on_hit = \"cut\", sockets = false }", false), ("", false)] {
        // What nobody reads or looks at may speak as it likes.
        let scene = Scene::with(phrases, "x-secret", |world| world.edited("members =", "ways = { allow = [\"wisp\", \"bare\"] }\nmembers =")).await;
        let mut socket = scene.open(Over::Http1, "/chat").await;
        if is_noted {
            assert!(socket.answer.starts_with("HTTP/1.1 502"), "{}", socket.answer);
            continue;
        }
        assert!(scene.seen.asked().contains("x-secret") && socket.answer.contains("x-secret"), "the offer is left alone");
        socket.say(&said(TEXT, DANGER.as_bytes())).await;
        assert_eq!(socket.frame().await, Some((TEXT, DANGER.into())), "{phrases}");
        socket.say(&said(CLOSE, b"")).await;
        assert_eq!(socket.frame().await, Some((CLOSE, Vec::new())));
        socket.stream.shutdown().await.expect("ended");
        let row = scene.record("/chat").await;
        assert_eq!((row.outcome.as_deref(), row.note), (Some("complete"), None));
    }
    let scene = Scene::new(NOTE, "").await;
    let mut socket = scene.open(Over::Http1, "/chat").await;
    socket.say(&said(TEXT, DANGER.as_bytes())).await;
    assert_eq!(socket.frame().await, Some((TEXT, DANGER.into())));
    // It is on record while the connection is open, each way.
    let noted = |row: &Row| row.verdict == "allowed" && row.why.contains("about suicide");
    let row = recorded(&scene.usher, "/chat", |row| noted(row) && row.outcome.is_some()).await;
    assert!(
        row.note.as_deref().is_some_and(|note| note.starts_with("noted in a message of request ")) && row.categories.iter().any(|id| id == "self-harm"),
        "{row:?}"
    );
    // Not every message has a record: there may be many.
    socket.say(&said(TEXT, DANGER.as_bytes())).await;
    assert_eq!(socket.frame().await, Some((TEXT, DANGER.into())));
    // Also half a message goes on when it comes.
    socket.say(&said(1, b"half")).await;
    assert_eq!(socket.frame().await, Some((1, b"half".to_vec())));
    // And what is no WebSocket: nobody is to be kept from it here.
    socket.say(&said(0xb1, b"?")).await;
    assert_eq!(socket.frame().await, Some((0xb1, b"?".to_vec())));
    drop(socket);
    let note = scene.record("/chat").await.note.unwrap_or_default();
    assert!(note.contains("about suicide") && note.matches("It is not read any further").count() == 2, "{note}");
    assert_eq!(note.matches("One more message was noted.").count(), 2, "{note}");
    assert_eq!(scene.usher.rows().into_iter().filter(noted).count(), 2, "one each way");
    assert!(!scene.usher.rows().iter().any(|row| row.verdict == "blocked"), "nothing was cut");
}

#[tokio::test]
async fn a_note_is_no_way_to_have_forgotten_what_was_said_before_it() {
    let scene = Scene::new("{ threshold = 100, on_hit = \"cut\", themes = { suicide = \"note\" } }", "").await;
    let mut socket = scene.open(Over::Http1, "/chat").await;
    for text in ["free hot videos", DANGER, "and more"] {
        socket.say(&said(TEXT, text.as_bytes())).await;
        assert_eq!(socket.frame().await, Some((TEXT, text.into())));
    }
    socket.say(&said(TEXT, b"adults only cams")).await;
    assert_eq!(socket.frame().await.map(|(first, payload)| (first, payload[..2].to_vec())), Some((CLOSE, 1008u16.to_be_bytes().to_vec())));
    let blocked = recorded(&scene.usher, "/chat", |row| row.verdict == "blocked" && row.outcome.is_some()).await;
    assert!(blocked.why.contains("about pornography"), "{blocked:?}");
    assert!(scene.seen.frames().iter().all(|(_, payload)| payload != b"adults only cams"));
    let noted = |row: &Row| row.verdict == "allowed" && row.why.contains("about suicide");
    assert_eq!(scene.usher.rows().into_iter().filter(noted).count(), 2, "one each way, and none for what came after it");
}

#[tokio::test]
async fn only_extensions_that_can_be_read_are_offered() {
    let scene = Scene::new(CUT, "").await;
    let _socket = scene.open(Over::Http1, "/chat").await;
    let asked = scene.seen.asked().to_lowercase();
    assert!(asked.contains("sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n"), "{asked}");
    // A site that agrees to another all the same is not let speak.
    for over in [Over::Http1, Over::Http2] {
        let scene = Scene::new(CUT, "x-secret").await;
        let socket = scene.open(over, "/chat").await;
        assert!(socket.answer.contains("502"), "{}", socket.answer);
        assert_eq!(scene.record("/chat").await.outcome.as_deref(), Some("origin-failed"));
    }
    // Where no memory is left for it none is offered: what is said there is read.
    let scene = Scene::with(CUT, DEFLATE, |world| world.scan("memory_mib = 128")).await;
    let mut sockets = Vec::new();
    let bare = loop {
        let socket = scene.open(Over::Http1, "/chat").await;
        if !socket.answer.to_lowercase().contains("permessage-deflate") {
            break socket;
        }
        sockets.push(socket);
        assert!(sockets.len() < 300, "there is no end of memory");
    };
    assert!(sockets.len() > 20 && !scene.seen.asked().to_lowercase().contains("sec-websocket-extensions"), "{}", sockets.len());
    let mut bare = bare;
    bare.say(&said(TEXT, DANGER.as_bytes())).await;
    bare.is_closed_with(1008).await;
}

#[tokio::test]
async fn what_is_no_websocket_is_ended() {
    let scene = Scene::new(CUT, DEFLATE).await;
    let long = said(BINARY, &noise(70_000));
    let lying = [&[BINARY, 0xff][..], &u64::MAX.to_be_bytes(), &MASK].concat();
    let written_long = [&[TEXT, 0xfe][..], &5u16.to_be_bytes(), &MASK, b"hello"].concat();
    for (number, (what, bytes)) in [
        ("reserved bits", said(TEXT | 0x20, b"hello")),
        ("an unknown kind", said(0x83, b"hello")),
        ("unmasked", frame(TEXT, b"hello", None)),
        ("a lying length", lying),
        ("a length written too long", written_long),
        ("a ping in pieces", said(PING & !FIN, b"hello")),
        ("a long ping", said(PING, &[b'x'; 126])),
        ("the rest of nothing", said(FIN, b"hello")),
        ("another message within one", [said(1, b"hel"), said(TEXT, b"lo")].concat()),
        ("after a message", [long, b"GET / HTTP/1.1\r\n\r\n".to_vec()].concat()),
        ("ssh", b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec()),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/odd-{number}");
        let over = if number % 2 == 0 { Over::Http1 } else { Over::Http2 };
        let mut socket = scene.open(over, &path).await;
        socket.say(&bytes).await;
        let close = loop {
            match socket.frame().await {
                Some((CLOSE, payload)) => break payload,
                Some(_) => {}
                None => panic!("{what}: no close"),
            }
        };
        assert_eq!(&close[..2], 1002u16.to_be_bytes(), "{what}");
        let row = scene.record(&path).await;
        let note = row.note.unwrap_or_default();
        assert!(note.contains("Ended: what the client sends is no WebSocket"), "{what}: {note}");
        assert_eq!(row.outcome.as_deref(), Some("abandoned"));
    }
}

#[tokio::test]
async fn a_bomb_and_what_cannot_be_inflated_are_what_the_group_says() {
    let bomb = said(BINARY | PACKED, &Packer::new().pack(&vec![b'a'; 30 << 20]));
    let broken = said(TEXT | PACKED, &[0xff; 20]);
    for (unreadable, closes) in [("block", true), ("pass", false)] {
        let scene = Scene::new(&format!("{{ threshold = 100, on_hit = \"cut\", unreadable = \"{unreadable}\" }}"), DEFLATE).await;
        for (path, bytes) in [("/bomb", &bomb), ("/broken", &broken)] {
            let mut socket = scene.open(Over::Http1, path).await;
            socket.say(bytes).await;
            if closes {
                let reason = socket.is_closed_with(1008).await;
                assert!(reason.contains("it cannot be read"), "{reason}");
                assert_eq!(scene.record(path).await.outcome.as_deref(), Some("cut"));
                continue;
            }
            let back = socket.frame().await.expect("an echo");
            assert_eq!(back.0, bytes[0]);
            // What is not compressed is read all the same.
            socket.say(&said(TEXT, DANGER.as_bytes())).await;
            socket.is_closed_with(1008).await;
            let note = scene.record(path).await.note.unwrap_or_default();
            assert!(note.contains("cannot be read to see what is in it") && note.contains("about suicide"), "{note}");
        }
    }
}

#[tokio::test]
async fn what_does_not_end_is_not_held_for_ever_and_never_whole() {
    let scene = Scene::with(CUT, "", |world| world.scan("held_ms = 50")).await;
    let mut socket = scene.open(Over::Http1, "/slow").await;
    // The rest of it does not come.
    socket.say(&said(1, b"half a message")).await;
    assert_eq!(socket.frame().await, Some((1, b"half a message".to_vec())));
    // Endless fragments: they go on as they come, and the words among them are found.
    let line = "The heron stood by the river and looked for fish, as it does on other days. ".repeat(20);
    for _ in 0..200 {
        socket.say(&said(0, line.as_bytes())).await;
        assert_eq!(socket.frame().await.map(|(_, payload)| payload.len()), Some(line.len()));
    }
    socket.say(&said(0, DANGER.as_bytes())).await;
    let reason = socket.is_closed_with(1008).await;
    assert!(reason.contains("suicide"), "{reason}");
    assert!(!words_of(&scene.seen.frames()).contains("goodbye note"));
    scene.is_cut("/slow").await;
    // In the middle of a frame that has begun to go, nothing can be said: it breaks off.
    let mut socket = scene.open(Over::Http1, "/huge").await;
    let huge = said(TEXT, format!("{}{DANGER}{}", line.repeat(100), line.repeat(1000)).as_bytes());
    socket.say(&huge).await;
    socket.is_closed_with(1008).await;
    let cut = scene.record("/huge").await;
    assert!(cut.bytes_up.is_some_and(|up| up < huge.len() as u64 / 2), "{cut:?}");
    scene.is_cut("/huge").await;
}

/// What chat services are sent, and what of it is on record.
const ASKED: [(&str, &str, &str, &str); 3] = [
    (
        "copilot.microsoft.com",
        "/c/api/chat?api-version=2",
        r#"{"event":"send","conversationId":"x","content":[{"type":"text","text":"QUESTION"}],"mode":"chat"}"#,
        "copilot",
    ),
    (
        "sydney.bing.com",
        "/sydney/ChatHub",
        "{\"arguments\":[{\"source\":\"cib\",\"message\":{\"author\":\"user\",\"text\":\"QUESTION\"}}],\"invocationId\":\"0\",\"target\":\"chat\",\"type\":4}\u{1e}",
        "copilot",
    ),
    (
        "neo.character.ai",
        "/ws/",
        r#"{"command":"create_and_generate_turn","payload":{"turn":{"author":{"is_human":true},"candidates":[{"candidate_id":"k","raw_content":"QUESTION"}]}}}"#,
        "character-ai",
    ),
];

/// A WebSocket over plain http.
async fn plain(school: &School, host: &str, origin: &Origin, path: &str) -> Socket {
    let mut wire = school.wire().await;
    let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let authority = format!("{host}:{}", origin.address.port());
    wire.send(format!("GET http://{authority}{path} HTTP/1.1\r\nHost: {authority}\r\n{fields}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")).await;
    let mut tcp = wire.into_inner();
    let answer = head(&mut tcp).await.expect("an answer");
    Socket { stream: Box::new(tcp), answer }
}

#[tokio::test]
async fn what_a_chat_service_is_asked_is_on_record_before_it_is_sent() {
    for (phrases, is_withheld) in [("", false), (NOTE, false), (CUT, true)] {
        let world = ASKED.into_iter().fold(World::new(), |world, (host, ..)| world.named(host, "127.0.0.1"));
        let school = if phrases.is_empty() { world } else { world.reading(phrases) }.start().await;
        for (host, path, message, engine) in ASKED {
            let seen = Seen::default();
            let keep = seen.clone();
            let origin = Origin::doing(move |visit| echo(visit.wire.into_inner(), DEFLATE, keep.clone())).await;
            let mut socket = plain(&school, host, &origin, path).await;
            let asked = |question: &str| message.replace("QUESTION", question);
            let prompts = || school.rows().into_iter().filter(|row| row.term.is_some() && row.host == host).collect::<Vec<_>>();
            let first = asked("How do volcanoes\\nerupt?");
            socket.say(&said(TEXT | PACKED, &Packer::new().pack(first.as_bytes()))).await;
            seen.has("the question", |frames| !frames.is_empty()).await;
            // It has come to the service: the record is there.
            let rows = prompts();
            let [row] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!((row.engine.as_deref(), row.term.as_deref(), row.stage.as_deref()), (Some(engine), Some("How do volcanoes erupt?"), Some("asked")));
            assert_eq!((row.kind.as_str(), row.verdict.as_str()), ("search", "allowed"));
            assert_eq!(socket.frame().await.map(|(first, _)| first), Some(TEXT | PACKED));
            // In fragments, and over the threshold.
            let second = asked(DANGER);
            let (half, rest) = second.as_bytes().split_at(second.len() - 30);
            socket.say(&[said(1, half), said(FIN, rest)].concat()).await;
            if is_withheld {
                socket.is_closed_with(1008).await;
            } else {
                assert_eq!(socket.frame().await, Some((1, half.to_vec())));
            }
            let row = soon("the record", async {
                loop {
                    if let Some(row) = prompts().into_iter().find(|row| row.term.as_deref() == Some(DANGER) && row.outcome.is_some()) {
                        return row;
                    }
                    tokio::task::yield_now().await;
                }
            })
            .await;
            assert_eq!(row.outcome.as_deref(), Some(if is_withheld { "withheld" } else { "complete" }), "{phrases}");
            assert_eq!(words_of(&seen.frames()).contains("goodbye note"), !is_withheld);
        }
    }
}

/// What was compressed with what came before, in plain.
fn inflated(inflate: &mut Decompress, packed: &[u8]) -> String {
    let mut out = Vec::with_capacity(64 << 10);
    inflate.decompress_vec(&[packed, &[0, 0, 0xff, 0xff]].concat(), &mut out, FlushDecompress::Sync).expect("inflated");
    String::from_utf8(out).expect("text")
}

/// What a browser sent, read by another.
pub fn texts(frames: &[(u8, Vec<u8>)]) -> Vec<String> {
    let mut inflate = Decompress::new(false);
    let texts = frames.iter().filter(|(first, _)| first & 0x0f == 1);
    texts.map(|(first, payload)| if first & PACKED != 0 { inflated(&mut inflate, payload) } else { String::from_utf8_lossy(payload).into_owned() }).collect()
}
