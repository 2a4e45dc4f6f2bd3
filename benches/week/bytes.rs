//! Ways round the filter, as the bytes they are: first bytes of tunnels, hellos, heads, bodies, frames. Each kind is tried by some pupils of their own.
//!
//! The bytes are made here, from what the protocols' own papers and the programs' own sources say. Nothing of the detectors is used, nor any list of theirs;
//! but whoever wrote them knew the detectors. So this tells what comes of a way that is found: an episode, or a sign. How much is found is told by the
//! promises with the real programs, and by `../ordinary`. What the proxy makes of the bytes is `door`'s.

use crate::door::{Ask, Door, Says};
use crate::hellos;
use crate::scene::{Chance, MINUTE, SECOND, Scene};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use usher::insight::Start;

/// What browsers call themselves.
pub const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
/// What a kind is to come to, as the points stand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comes {
    /// A sign, which by itself is too little to be watched.
    Sign,
    /// The person is watched.
    Watched,
    /// A matter.
    Matter,
}

/// One kind of way round.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it is to come to.
    pub comes: Comes,
    /// How many pupils it takes.
    pub people: usize,
    /// What they do.
    pub play: fn(&mut Scene<'_, '_>),
}

/// What a page is answered with.
const PAGE: Says<'_> = Says { of_type: "text/html; charset=utf-8", fields: &[], body: b"<!doctype html><title>Maths</title><p>Loading", bytes: 20_000 };

fn kind(name: &'static str, comes: Comes, play: fn(&mut Scene<'_, '_>)) -> Kind {
    Kind { name, comes, people: 1, play }
}

/// What is there for long enough, so that browsers' hellos are known.
pub fn learn(door: &mut Door<'_>, days: &[u64]) {
    for (day, device) in days.iter().flat_map(|day| (0..8).map(move |device| (day, device))) {
        let hello = hellos::chrome("www.bbc.co.uk").bytes();
        door.learn(day + device * MINUTE, 1000 + device, CHROME, &hello);
    }
}

/// All kinds.
pub fn kinds() -> Vec<Kind> {
    let mut all = tunnels();
    all.extend(names());
    all.extend(heads());
    all.extend(bodies());
    all.extend(sockets());
    all.extend(habits());
    all
}

/// First bytes in a `CONNECT`.
fn tunnels() -> Vec<Kind> {
    vec![
        kind("SSH in a tunnel", Comes::Matter, |scene| scene.twice(b"SSH-2.0-OpenSSH_9.6\r\n")),
        kind("SOCKS 5 in a tunnel", Comes::Matter, |scene| scene.twice(&[5, 1, 0])),
        kind("SOCKS 4 in a tunnel", Comes::Matter, |scene| scene.twice(b"\x04\x01\x01\xbb\x5d\xb8\xd8\x22pupil\0")),
        kind("OpenVPN in a tunnel", Comes::Matter, |scene| {
            // Length, P_CONTROL_HARD_RESET_CLIENT_V2 with key 0, a session, no acknowledgements, packet 0.
            let session = scene.chance.bytes(8);
            scene.twice(&[&[0, 14, 0x38][..], &session, &[0, 0, 0, 0, 0]].concat());
        }),
        kind("BitTorrent in a tunnel", Comes::Matter, |scene| {
            let (hash, peer) = (scene.chance.bytes(20), scene.chance.word(12));
            scene.twice(&[b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x05", &hash[..], b"-TR4050-", peer.as_bytes()].concat());
        }),
        kind("CONNECT in a tunnel, in the clear", Comes::Matter, |scene| {
            scene.twice(b"CONNECT www.tiktok.com:443 HTTP/1.1\r\nHost: www.tiktok.com:443\r\n\r\n")
        }),
        kind("HTTP in a tunnel, in the clear", Comes::Matter, |scene| scene.twice(b"GET /index.html HTTP/1.1\r\nHost: a.example\r\n\r\n")),
        kind("HTTP/2 in a tunnel, in the clear", Comes::Matter, |scene| scene.twice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")),
        kind("Remote Desktop in a tunnel", Comes::Matter, |scene| scene.twice(b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0")),
        kind("TURN in a tunnel", Comes::Matter, |scene| {
            let transaction = scene.chance.bytes(12);
            scene.twice(&[&[0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42][..], &transaction, &[0, 0x19, 0, 4, 17, 0, 0, 0]].concat());
        }),
        kind("WireGuard over TCP in a tunnel", Comes::Matter, |scene| {
            let rest = scene.chance.bytes(144);
            scene.twice(&[&[0, 148, 1, 0, 0, 0][..], &rest].concat());
        }),
        kind("noise in a tunnel (Shadowsocks, obfs4)", Comes::Matter, |scene| {
            let length = 200 + scene.chance.below(400);
            // What a protocol begins with by chance would be told as that.
            let noise = [vec![0x9f, 0xd1], scene.chance.bytes(length)].concat();
            scene.twice(&noise);
        }),
    ]
}

/// Names and hellos.
fn names() -> Vec<Kind> {
    vec![
        kind("a sealed name (ECH)", Comes::Matter, |scene| {
            let to = format!("{}:443", scene.site);
            let hello = hellos::chrome("cloudflare-ech.com").sealed(scene.chance.bytes(300));
            (0..2).for_each(|_| scene.hello(&to, &hello));
        }),
        kind("another name in the hello", Comes::Matter, |scene| {
            let to = format!("{}:443", scene.site);
            (0..2).for_each(|_| scene.hello(&to, &hellos::chrome("www.tiktok.com")));
        }),
        kind("no name in the hello", Comes::Sign, |scene| {
            let to = format!("{}:443", scene.site);
            (0..2).for_each(|_| scene.hello(&to, &hellos::chrome("").unnamed()));
        }),
        kind("Tor to three relays", Comes::Matter, |scene| {
            for _ in 0..3 {
                let (relay, length) = (address(&mut scene.chance), 8 + scene.chance.below(14));
                let name = format!("www.{}4{}.com", scene.chance.of(b"abcdefghijklmnopqrstuvwxyz234567", length), scene.chance.word(2));
                scene.tunnel(&format!("{relay}:443"), None, &hellos::tor(&name).bytes());
            }
        }),
        kind("a program that calls itself Chrome", Comes::Watched, |scene| {
            let to = format!("{}:443", scene.site);
            let site = scene.site.clone();
            (0..3).for_each(|_| scene.hello(&to, &hellos::go(&site)));
        }),
        kind("one address in place of a name", Comes::Sign, |scene| {
            let to = address(&mut scene.chance);
            scene.hello(&format!("{to}:443"), &hellos::chrome("").unnamed());
        }),
        kind("addresses in other spellings, four", Comes::Watched, |scene| {
            for place in 0..4 {
                let to = address(&mut scene.chance);
                let number = u32::from(to);
                let [a, b, c, d] = to.octets();
                let spelled = match place {
                    0 => format!("{number}"),
                    1 => format!("0x{number:08x}"),
                    2 => format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
                    _ => format!("[::ffff:{to}]"),
                };
                scene.goes(&format!("http://{spelled}/"), PAGE);
                scene.wait(20 * SECOND);
            }
        }),
        kind("addresses in a row, twelve (Psiphon)", Comes::Watched, |scene| {
            for _ in 0..12 {
                let to = address(&mut scene.chance);
                scene.hello(&format!("{to}:443"), &hellos::chrome("").unnamed());
                scene.wait(10 * SECOND);
            }
        }),
    ]
}

fn address(chance: &mut Chance) -> std::net::Ipv4Addr {
    std::net::Ipv4Addr::new(45 + chance.below(40) as u8, chance.below(250) as u8, chance.below(250) as u8, 1 + chance.below(250) as u8)
}

/// What `encodeURIComponent` makes of a text.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Ultraviolet's code: every second letter with another bit, then escaped.
fn turned(text: &str) -> String {
    escaped(&text.char_indices().map(|(at, letter)| if at % 2 == 1 { char::from(letter as u8 ^ 2) } else { letter }).collect::<String>())
}

/// What pupils want to get at.
const WANTED: [&str; 6] = [
    "https://www.tiktok.com/foryou",
    "https://www.snapchat.com/web/",
    "https://discord.com/channels/@me",
    "https://www.roblox.com/home",
    "https://www.instagram.com/explore/",
    "https://www.twitch.tv/directory",
];

fn wanted(scene: &mut Scene<'_, '_>) -> &'static str {
    WANTED[scene.chance.below(WANTED.len())]
}

/// Addresses in code, of so many sites.
fn coded(scene: &mut Scene<'_, '_>, count: usize, prefix: &str, code: fn(&str) -> String) {
    scene.goes(&scene.here("/"), PAGE);
    let first = scene.chance.below(WANTED.len());
    for at in WANTED.into_iter().cycle().skip(first).take(count) {
        scene.goes(&scene.here(&format!("{prefix}{}", code(at))), PAGE);
        scene.wait(30 * SECOND);
    }
}

/// Heads of requests.
fn heads() -> Vec<Kind> {
    vec![
        kind("bare server, version 3", Comes::Matter, |scene| {
            let url = scene.here("/ca/v3/");
            let fields = [("x-bare-url", wanted(scene)), ("x-bare-headers", "{\"Host\":\"www.tiktok.com\"}")];
            (0..2).for_each(|_| scene.loads(&url, "empty", &fields, PAGE));
        }),
        kind("bare server, version 1", Comes::Matter, |scene| {
            let url = scene.here("/v1/");
            let fields = [("x-bare-host", "www.tiktok.com"), ("x-bare-port", "443"), ("x-bare-protocol", "https:"), ("x-bare-path", "/")];
            (0..2).for_each(|_| scene.loads(&url, "empty", &fields, PAGE));
        }),
        kind("DoH, posted", Comes::Matter, |scene| {
            let url = scene.here("/resolve");
            let fields = [("content-type", "application/dns-message"), ("accept", "application/dns-message")];
            (0..2).for_each(|_| scene.loads(&url, "empty", &fields, Says { of_type: "application/dns-message", ..Says::default() }));
        }),
        kind("DoH, in the address", Comes::Matter, |scene| {
            // An id, one question, recursion wanted; www.tiktok.com, A, IN.
            let question = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x03www\x06tiktok\x03com\0\0\x01\0\x01";
            let url = scene.here(&format!("/q?dns={}", URL_SAFE_NO_PAD.encode(question)));
            (0..2).for_each(|_| scene.loads(&url, "empty", &[], PAGE));
        }),
        kind("Ultraviolet's addresses", Comes::Watched, |scene| coded(scene, 3, "/uv/service/", turned)),
        kind("addresses in base64", Comes::Watched, |scene| coded(scene, 3, "/go/", |url| STANDARD.encode(url).replace('/', "%2F"))),
        kind("addresses in hexadecimal", Comes::Watched, |scene| coded(scene, 3, "/p/", |url| url.bytes().map(|byte| format!("{byte:02x}")).collect())),
        kind("addresses escaped", Comes::Watched, |scene| coded(scene, 3, "/service/", escaped)),
        kind("addresses in code, of six sites", Comes::Matter, |scene| coded(scene, WANTED.len(), "/a/q/", turned)),
        kind("an address in code, once", Comes::Sign, |scene| {
            let url = scene.here(&format!("/uv/service/{}", turned("https://en.wikipedia.org/wiki/Main_Page")));
            scene.goes(&url, PAGE);
        }),
        kind("addresses in the query, with a page's parts", Comes::Watched, |scene| {
            let through = |scene: &Scene<'_, '_>, at: &str| scene.here(&format!("/browse.php?b=4&u={}", escaped(at)));
            scene.goes(&through(scene, WANTED[0]), PAGE);
            (0..3).for_each(|part| scene.loads(&through(scene, &format!("https://cdn.example/{part}.js")), "script", &[], Says::default()));
        }),
        kind("the same of four sites", Comes::Matter, |scene| {
            for at in &WANTED[..4] {
                let through = |scene: &Scene<'_, '_>, at: &str| scene.here(&format!("/go/{at}"));
                scene.goes(&through(scene, at), PAGE);
                scene.loads(&through(scene, "https://cdn.example/a.css"), "style", &[], Says::default());
                scene.wait(30 * SECOND);
            }
        }),
        kind("CroxyProxy", Comes::Watched, |scene| {
            for _ in 0..3 {
                let (to, at) = (address(&mut scene.chance), wanted(scene));
                let origin = at.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
                let url = format!("https://{to}/?__cpo={}", STANDARD.encode(origin).trim_end_matches('='));
                scene.goes(&url, PAGE);
                scene.wait(MINUTE);
            }
        }),
        kind("Rammerhead", Comes::Watched, |scene| {
            let session = scene.chance.of(b"abcdefghijklmnopqrstuvwxyz0123456789", 32);
            scene.loads(&scene.here("/newsession"), "empty", &[], PAGE);
            for _ in 0..2 {
                let at = wanted(scene);
                scene.goes(&scene.here(&format!("/{session}/{at}")), PAGE);
            }
        }),
        kind("a blocked page through Google Translate", Comes::Watched, |scene| {
            let says = [("bet365.com", "www-bet365-com"), ("pokerstars.uk", "www-pokerstars-uk")];
            for (_, name) in says {
                scene.goes(&format!("https://{name}.translate.goog/?_x_tr_sl=de&_x_tr_tl=en&_x_tr_hl=en&_x_tr_pto=wapp"), PAGE);
                scene.wait(MINUTE);
            }
        }),
        kind("the icon of Google Drive on another's page", Comes::Sign, |scene| {
            scene.goes(&scene.here("/"), PAGE);
            let page = scene.here("/");
            scene.loads("https://ssl.gstatic.com/docs/doclist/images/drive_2022q3_32dp.png", "image", &[("referer", &page)], Says::default());
        }),
        kind("a tab that leaps away", Comes::Sign, |scene| {
            scene.goes(&scene.here("/"), PAGE);
            let page = scene.here("/");
            scene.page(0, Ask { url: &page, dest: "iframe", start: Start::Loaded, fields: &[] }, PAGE);
            scene.now -= 2 * SECOND;
            scene.page(0, Ask { url: "https://classroom.google.com/", dest: "document", start: Start::Loaded, fields: &[("referer", &page)] }, PAGE);
        }),
        kind("a proxy asked for inside https (extension VPN)", Comes::Matter, |scene| {
            for _ in 0..2 {
                let head = b"CONNECT www.tiktok.com:443 HTTP/1.1\r\nHost: www.tiktok.com:443\r\nProxy-Authorization: Basic eDp5\r\n\r\n";
                let made = scene.door.misplaced((scene.now, &scene.who[0]), &scene.site, head);
                scene.records.extend(made);
                scene.wait(2 * SECOND);
            }
        }),
        kind("free hosting: a WebSocket", Comes::Sign, |scene| {
            scene.site = format!("{}-{}.pages.dev", scene.chance.word(6), scene.chance.word(4));
            scene.goes(&scene.here("/"), PAGE);
            scene.socket("/live", (b"", b""), 400);
        }),
    ]
}

/// A program with these lines somewhere in it.
fn program(chance: &mut Chance, lines: &[&str]) -> String {
    let mut text = String::from("(()=>{\"use strict\";\n");
    for line in lines {
        let count = 20 + chance.below(60);
        (0..count).for_each(|_| text += &format!("const {} = {}({:?});\n", chance.word(6), chance.word(4), chance.word(12)));
        text = text + line + "\n";
    }
    text + "})();\n"
}

/// Answers and bodies.
fn bodies() -> Vec<Kind> {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    vec![
        kind("what a bare server says of itself", Comes::Matter, |scene| {
            let body = br#"{"versions":["v1","v2","v3"],"language":"NodeJS","memoryUsage":21.53,"maintainer":{},"project":{"name":"bare-server-node"}}"#;
            scene.loads(&scene.here("/ca/"), "empty", &[], Says { of_type: "application/json", body, ..Says::default() });
        }),
        kind("a bare server's answer", Comes::Matter, |scene| {
            let fields = [("x-bare-status", "200"), ("x-bare-status-text", "OK"), ("x-bare-headers", "{}")];
            scene.loads(&scene.here("/ca/v3/"), "empty", &[], Says { fields: &fields, ..PAGE });
        }),
        kind("the program of Ultraviolet", Comes::Matter, |scene| {
            let lines = ["self.__uv$config = { prefix: '/service/', bare: '/bare/' };", "importScripts('uv.bundle.js'); const sw = new UVServiceWorker();"];
            let body = program(&mut scene.chance, &lines);
            scene.goes(&scene.here("/"), PAGE);
            scene.loads(&scene.here("/assets/a.js"), "script", &[], Says { of_type: SCRIPT, body: body.as_bytes(), ..Says::default() });
        }),
        kind("the program of Scramjet", Comes::Matter, |scene| {
            let lines = ["const { ScramjetController } = $scramjetLoadController();", "const store = '__scramjet_controller';"];
            let body = program(&mut scene.chance, &lines);
            scene.loads(&scene.here("/s/all.js"), "script", &[], Says { of_type: SCRIPT, body: body.as_bytes(), ..Says::default() });
        }),
        kind("one name of bare-mux", Comes::Watched, |scene| {
            let body = program(&mut scene.chance, &["const worker = new SharedWorker('/m/w.js', 'bare-mux-worker');"]);
            scene.loads(&scene.here("/m/index.js"), "script", &[], Says { of_type: SCRIPT, body: body.as_bytes(), ..Says::default() });
        }),
        kind("a page as an icon", Comes::Sign, |scene| {
            let body = format!("<!doctype html><title>{}</title><script src=x.js></script>", scene.chance.word(9));
            scene.loads(&scene.here("/favicon.ico"), "empty", &[], Says { of_type: "image/vnd.microsoft.icon", body: body.as_bytes(), ..Says::default() });
        }),
        kind("a kit as an icon", Comes::Matter, |scene| {
            let body = program(&mut scene.chance, &["self.__uv$config = {};", "new UVServiceWorker();"]);
            scene.loads(&scene.here("/logo.ico"), "script", &[], Says { of_type: "image/x-icon", body: body.as_bytes(), ..Says::default() });
        }),
        kind("free hosting: WebAssembly", Comes::Sign, |scene| {
            scene.site = format!("{}-{}.github.io", scene.chance.word(6), scene.chance.word(4));
            scene.goes(&scene.here("/"), PAGE);
            scene.loads(&scene.here("/core.wasm"), "empty", &[], Says { of_type: "application/wasm", body: b"\0asm\x01\0\0\0", ..Says::default() });
        }),
    ]
}

/// A frame of a WebSocket: binary, whole; a client's is masked.
fn frame(chance: &mut Chance, payload: &[u8], is_client: bool) -> Vec<u8> {
    assert!(payload.len() < 126, "a short one");
    let head = [0x82, payload.len() as u8 | if is_client { 0x80 } else { 0 }];
    if !is_client {
        return [&head, payload].concat();
    }
    let mask = chance.bytes(4);
    let masked: Vec<_> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    [&head[..], &mask, &masked].concat()
}

/// CONNECT packets of Wisp to these hosts, as a client frames them.
fn connects(chance: &mut Chance, hosts: &[&str]) -> Vec<u8> {
    let packet = |(number, host): (u32, &&str)| [&[1][..], &number.to_le_bytes(), &[1], &443_u16.to_le_bytes(), host.as_bytes()].concat();
    let packets: Vec<_> = (1..).zip(hosts).map(packet).collect();
    packets.iter().flat_map(|packet| frame(chance, packet, true)).collect()
}

/// The greeting of a Wisp server: CONTINUE for stream 0, room for 128; in version 2 INFO before it.
fn greeting(chance: &mut Chance, version: u8) -> Vec<u8> {
    let room = frame(chance, &[3, 0, 0, 0, 0, 128, 0, 0, 0], false);
    if version == 2 { [frame(chance, &[5, 0, 0, 0, 0, 2, 0], false), room].concat() } else { room }
}

/// WebSockets.
fn sockets() -> Vec<Kind> {
    vec![
        kind("Wisp, version 1", Comes::Matter, |scene| {
            let (site, client) = (greeting(&mut scene.chance, 1), connects(&mut scene.chance, &["www.tiktok.com", "www.roblox.com"]));
            scene.socket("/wisp/", (&site, &client), 900_000);
        }),
        kind("Wisp, version 2, at another path", Comes::Matter, |scene| {
            let (site, mut client) = (greeting(&mut scene.chance, 2), frame(&mut scene.chance, &[5, 0, 0, 0, 0, 2, 0], true));
            client.extend(connects(&mut scene.chance, &["discord.com"]));
            scene.socket("/api/sync", (&site, &client), 900_000);
        }),
        kind("Wisp whose client speaks first", Comes::Matter, |scene| {
            let client = connects(&mut scene.chance, &["www.snapchat.com"]);
            scene.socket("/w/", (b"", &client), 900_000);
        }),
        kind("wsproxy, with TLS in it", Comes::Matter, |scene| {
            // Not to what is blocked, which is refused before anything is said in it.
            let hello = hellos::chrome("en.wikipedia.org").bytes();
            let client = frame(&mut scene.chance, &hello[..120], true);
            scene.socket("/en.wikipedia.org:443", (b"", &client), 900_000);
        }),
        kind("wsproxy to three sites", Comes::Matter, |scene| {
            for host in ["www.tiktok.com", "www.snapchat.com", "www.instagram.com"] {
                scene.socket(&format!("/{host}:443"), (b"", b""), 0);
            }
        }),
        kind("wsproxy by its path", Comes::Watched, |scene| {
            let client = frame(&mut scene.chance, b"{\"hello\":1}", true);
            scene.socket("/relay/www.tiktok.com:443", (b"", &client), 900_000);
        }),
        kind("Ultraviolet over Wisp, all of it", Comes::Matter, |scene| {
            scene.goes(&scene.here("/"), PAGE);
            let body = program(&mut scene.chance, &["navigator.serviceWorker.register('/uv/sw.js');", "const mux = 'bare-mux-path';"]);
            let says = Says { of_type: "text/javascript", body: body.as_bytes(), ..Says::default() };
            scene.loads(&scene.here("/index.js"), "script", &[], says);
            scene.loads(&scene.here("/uv/sw.js"), "serviceworker", &[], Says { of_type: "text/javascript", body: b"self.x=1", ..Says::default() });
            scene.loads(&scene.here("/epoxy.wasm"), "empty", &[], Says { of_type: "application/wasm", body: b"\0asm\x01\0\0\0", ..Says::default() });
            let (site, client) = (greeting(&mut scene.chance, 1), connects(&mut scene.chance, &["www.tiktok.com", "www.tiktokcdn.com"]));
            scene.socket("/wisp/", (&site, &client), 4_000_000);
        }),
    ]
}

/// What shows over some minutes, or of several people.
fn habits() -> Vec<Kind> {
    vec![
        kind("a worker, WebAssembly and a WebSocket, renamed", Comes::Watched, |scene| {
            scene.goes(&scene.here("/"), PAGE);
            scene.loads(&scene.here("/q.js"), "serviceworker", &[], Says { of_type: "text/javascript", body: b"self.x=1", ..Says::default() });
            scene.loads(&scene.here("/q.wasm"), "empty", &[], Says { of_type: "application/wasm", body: b"\0asm\x01\0\0\0", ..Says::default() });
            // What it speaks is none of the kinds that are known.
            let (site, client) = (frame(&mut scene.chance, b"\x7f\x01ready", false), frame(&mut scene.chance, b"\x7f\x02go", true));
            scene.socket("/q", (&site, &client), 4_000_000);
        }),
        Kind {
            name: "a new site that goes round",
            comes: Comes::Sign,
            people: 5,
            play: |scene| {
                for who in 0..scene.who.len() {
                    let url = scene.here("/");
                    scene.page(who, Ask { url: &url, dest: "document", start: Start::Typed, fields: &[] }, PAGE);
                    scene.wait(4 * MINUTE);
                }
            },
        },
        kind("one login at two devices in turn", Comes::Sign, |scene| {
            // The second sits elsewhere and is one person too.
            let mut other = scene.who[0].clone();
            other.client = std::net::Ipv4Addr::new(10, 201, 1, 1 + scene.chance.below(250) as u8).into();
            for turn in 0..8 {
                let who = if turn % 2 == 0 { scene.who[0].clone() } else { other.clone() };
                let ask = Ask { url: "https://www.bbc.co.uk/bitesize", dest: "document", start: Start::Clicked, fields: &[] };
                let made = scene.door.page((scene.now, &who), ask, PAGE);
                scene.records.extend(made);
                scene.wait(50 * SECOND);
            }
        }),
    ]
}
