//! Promise: a WebSocket that asks a bare server for another in its first message (version 3) is judged by what it asks for, before anything of it goes on; what
//! other programs say first passes as it came.

use crate::kit::h2::{H1, Site, believed, device, head, recorded, school};
use crate::sockets::{DEFLATE, Over, Socket, frame, open, read_frame, said};
use crate::websockets::accept;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

/// What came to the site, message by message.
type Seen = Arc<Mutex<Vec<Vec<u8>>>>;

/// A site that says again what it is told.
async fn echo(mut tls: impl AsyncReadExt + AsyncWriteExt + Unpin, seen: Seen) {
    let Some(asked) = head(&mut tls).await else { return };
    let key = asked.lines().find_map(|line| line.to_lowercase().starts_with("sec-websocket-key: ").then(|| line[19..].trim().to_owned())).expect("a key");
    let first = format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n\r\n", accept(&key));
    let _ = tls.write_all(first.as_bytes()).await;
    let _ = tls.flush().await;
    let mut message = Vec::new();
    while let Some(((first, payload), _)) = read_frame(&mut tls).await {
        let back = match first & 0x0f {
            8 => frame(CLOSE, b"", None),
            9 => continue,
            _ => {
                message.extend(payload);
                if first & 0x80 == 0 {
                    continue;
                }
                let whole = std::mem::take(&mut message);
                seen.lock().expect("a lock").push(whole.clone());
                frame(TEXT, &whole, None)
            }
        };
        if tls.write_all(&back).await.is_err() || tls.flush().await.is_err() || first & 0x0f == 8 {
            break;
        }
    }
    let _ = tls.shutdown().await;
}

fn connect(to: &str) -> String {
    format!(r#"{{"type":"connect","remote":"wss://{to}/room","protocols":[],"headers":{{"Host":"{to}"}},"forwardHeaders":[]}}"#)
}

/// Says a message in so many frames, with a ping between two.
async fn say(socket: &mut Socket, text: &str, frames: usize) {
    let size = text.len().div_ceil(frames);
    let count = text.as_bytes().chunks(size).count();
    for (nth, piece) in text.as_bytes().chunks(size).enumerate() {
        let first = if nth == 0 { 1 } else { 0 } | if nth + 1 == count { 0x80 } else { 0 };
        socket.say(&[said(first, piece), said(0x89, b"?")].concat()).await;
    }
}

#[tokio::test]
async fn what_a_bare_server_is_asked_for_in_the_first_message_is_judged_before_it_goes_on() {
    let note = "ways = { near = \"note\" }\nmembers =";
    let alone = "ways = { wisp = \"note\", allow = [\"wisp\"] }\nmembers =";
    let init = r#"{"type":"connection_init","payload":{}}"#.to_owned();
    for (number, (ways, text, reason, why)) in [
        ("members =", connect("shop.example"), Some("bare"), "Really meant: shop.example."),
        (alone, connect("shop.example"), Some("bare"), "Really meant: shop.example."),
        (note, connect("games.example"), Some("bare"), "Games is blocked for year-7."),
        (note, connect("terror.example"), Some("always-blocked"), ""),
        (note, connect("shop.example"), None, "Really meant: shop.example."),
        ("members =", init, None, ""),
        ("members =", "{".to_owned() + &" ".repeat(9000) + "}", None, ""),
        ("members =", "hello".to_owned(), None, ""),
    ]
    .into_iter()
    .enumerate()
    {
        for (over, frames) in [(Over::Http1, 1), (Over::Http2, 1), (Over::Http1, 5)] {
            let (believed, seen) = (believed(), Seen::default());
            let keep = seen.clone();
            let site = Site::bare(&believed, H1, move |_, tls| echo(tls, keep.clone())).await;
            let usher = school(&believed, |world| {
                let world = world.edited("inspect = \"all\"", "inspect = \"search\"").edited("members =", ways);
                world.policy("[inspect]\nnever = []\nsearch = { categories = [], hosts = [\"news.example\", \"chat.example\"] }")
            });
            let path = format!("/v3/{number}/{frames}");
            let mut socket = open(&device(&usher), &site.authority(), over, &path, DEFLATE).await;
            say(&mut socket, &text, frames).await;
            let (first, payload) = socket.frame().await.expect("an answer");
            let Some(reason) = reason else {
                assert_eq!((first, String::from_utf8_lossy(&payload).into_owned()), (TEXT, text.clone()), "{path}");
                // What is noted is on record while it lives.
                if why.is_empty() {
                    assert!(!usher.rows().iter().any(|row| row.path == path && row.reason == "bare"), "{path}");
                } else {
                    let noted = recorded(&usher, &path, |row| row.reason == "bare").await;
                    assert!(noted.verdict == "allowed" && noted.why.contains(why), "{path}: {noted:?}");
                }
                say(&mut socket, &connect("games.example"), 1).await;
                assert_eq!(socket.frame().await.map(|(_, payload)| payload), Some(connect("games.example").into_bytes()), "{path}: only the first is one");
                continue;
            };
            assert_eq!((first, &payload[..2]), (CLOSE, &1008_u16.to_be_bytes()[..]), "{path}: {payload:?}");
            let row = recorded(&usher, &path, |row| row.reason == reason).await;
            assert!(row.verdict == "blocked" && row.why.contains(why), "{path}: {row:?}");
            assert_eq!(*seen.lock().expect("a lock"), Vec::<Vec<u8>>::new(), "{path}: nothing of it");
        }
    }
}
