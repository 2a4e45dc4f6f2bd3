//! Promise: a WebSocket in a connection that is looked into works, over HTTP/2 as well, and is judged and on record as the page it is.

use crate::kit::h2::{H1, Site, Talk2, Told, believed, device, head, recorded, school};
use crate::kit::secure::Authority;
use crate::kit::soon;
use http::StatusCode;
use hyper::ext::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a site answers to a key (RFC 6455 section 4.2.2).
pub fn accept(key: &str) -> String {
    let hashed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hashed)
}

/// A chat over WebSocket that says each byte again, for clients that prove they asked; if `wrong`, it answers to another key.
async fn chat(believed: &Authority, wrong: bool) -> Site {
    Site::bare(believed, H1, move |_, mut tls| async move {
        let Some(asked) = head(&mut tls).await else { return };
        if asked.contains("/plain") {
            tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno").await.expect("sent");
            return;
        }
        let key = asked.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).expect("a key");
        let accept = if wrong { "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned() } else { accept(key) };
        let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\nAlt-Svc: h3=\":443\"\r\n";
        tls.write_all(format!("HTTP/1.1 101 Switching Protocols\r\n{fields}Sec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes()).await.expect("sent");
        tls.flush().await.expect("sent");
        while let Ok(byte) = tls.read_u8().await {
            tls.write_u8(byte).await.expect("sent");
            tls.flush().await.expect("sent");
        }
        let _ = tls.shutdown().await;
    })
    .await
}

fn websocket(talk: &Talk2, path: &str) -> http::Request<Told> {
    let builder = talk.request("CONNECT", path).header("sec-websocket-version", "13").header("sec-websocket-protocol", "chat");
    let mut request = builder.body(Told::nothing()).expect("a request");
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    request
}

#[tokio::test]
async fn a_websocket_over_http2_is_one_over_http1_at_the_site() {
    let believed = believed();
    let (site, usher) = (chat(&believed, false).await, school(&believed, |world| world.limit("idle_seconds = 1")));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let mut other = Talk2::open(&device(&usher), &site.authority()).await;
    assert_eq!(other.get("/play/x").await.0, 403);
    let mut answer = talk.send(websocket(&talk, "/chat")).await.expect("an answer");
    assert_eq!((answer.status(), answer.headers()["sec-websocket-protocol"].as_bytes()), (StatusCode::OK, &b"chat"[..]));
    for gone in ["sec-websocket-accept", "upgrade", "connection", "alt-svc"] {
        assert!(!answer.headers().contains_key(gone), "{gone}: {:?}", answer.headers());
    }
    let mut socket = hyper_util::rt::TokioIo::new(hyper::upgrade::on(&mut answer).await.expect("a stream"));
    for word in *b"hi" {
        socket.write_u8(word).await.expect("sent");
        assert_eq!(soon("an echo", socket.read_u8()).await.expect("said"), word);
    }
    // It is no idle connection, while another is ended for being one.
    soon("a goodbye", async {
        while !other.is_closed() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    socket.write_u8(b'!').await.expect("sent");
    assert_eq!(soon("an echo", socket.read_u8()).await.expect("said"), b'!');
    // Others go on beside it, and a blocked place is a page.
    assert_eq!(talk.send(websocket(&talk, "/play/chat")).await.expect("an answer").status(), 403);
    socket.shutdown().await.expect("ended");
    let mut rest = Vec::new();
    soon("the end", socket.read_to_end(&mut rest)).await.expect("the end");
    let row = recorded(&usher, "/chat", |row| row.outcome.is_some()).await;
    assert_eq!((row.method.as_str(), row.scheme.as_str(), row.verdict.as_str(), row.outcome.as_deref()), ("GET", "https", "allowed", Some("complete")));
    assert_eq!((row.bytes_up, row.bytes_down), (Some(3), Some(3)));
    assert_eq!(recorded(&usher, "/play/chat", |_| true).await.verdict, "blocked");
}

#[tokio::test]
async fn a_site_that_does_not_switch_to_websocket_is_an_error() {
    let believed = believed();
    for (wrong, path) in [(true, "/chat"), (false, "/plain")] {
        let (site, usher) = (chat(&believed, wrong).await, school(&believed, |world| world));
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        assert_eq!(talk.send(websocket(&talk, path)).await.expect("an answer").status(), 502, "{path}");
        assert_eq!(recorded(&usher, path, |row| row.outcome.is_some()).await.outcome.as_deref(), Some("origin-failed"));
    }
}
