//! Promise: the older way of web proxies, one WebSocket for each site, whose path names it, is judged as though that person had asked for the site: where it is
//! blocked nothing is opened; where it may be, what is said first tells whether it is such a web proxy.

use crate::kit::h2::recorded;
use crate::sockets::{Over, said};
use crate::ways::{BINARY, Greets, Scene, until};

#[tokio::test]
async fn the_older_way_of_a_host_in_the_path_is_found_by_what_is_said_first() {
    let scene = Scene::new(Greets::With(b"hello")).await;
    for (path, first, cut) in [
        ("/wisp/shop.example:443", &b"\x16\x03\x01\x02\0\x01\0"[..], true),
        ("/ws/shop.example:80", b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", true),
        ("/rooms/shop.example:80", b"{\"join\":true}", false),
        ("/rooms/80", b"GET / HTTP/1.1\r\n\r\n", false),
    ] {
        let mut socket = scene.open(Over::Http1, path).await;
        until(&mut socket, b"hello").await;
        let before = scene.seen.packets().len();
        socket.say(&said(BINARY, first)).await;
        if cut {
            let reason = socket.is_closed_with(1008).await;
            assert!(reason.starts_with("Ended by the school's filter"), "{reason}");
            let row = recorded(&scene.usher, path, |row| row.verdict == "blocked" && row.outcome.is_some()).await;
            assert_eq!(scene.seen.packets().len(), before, "none of it leaves");
            assert_eq!(row.reason, "ws-proxy");
            assert!(row.why.contains("Nearly certain.") && row.why.contains("Really meant: "), "{}", row.why);
            continue;
        }
        scene.seen.has(first).await;
        if path.ends_with("shop.example:80") {
            let row = recorded(&scene.usher, path, |row| row.reason == "ws-proxy" && row.outcome.is_some()).await;
            assert!(row.verdict == "allowed" && row.why.contains("A sign, no proof."), "{}", row.why);
        } else {
            assert!(!scene.usher.rows().iter().any(|row| row.path == path && row.reason == "ws-proxy"));
        }
    }
}

#[tokio::test]
async fn a_websocket_whose_path_names_a_blocked_site_is_refused_before_the_site_is_asked() {
    for (over, number) in [(Over::Http1, 1), (Over::Http2, 2)] {
        let scene = Scene::new(Greets::With(b"hello")).await;
        for (path, verdict, reason, why) in [
            ("/wisp/games.example:443", "blocked", "ws-proxy", "Really meant: games.example:443."),
            ("/ws/terror.example:22", "blocked", "always-blocked", "Really meant: terror.example:22."),
            ("/ws/video.example%3A80", "warned", "ws-proxy", "Streaming comes with a warning for year-7."),
        ] {
            let path = format!("{path}?{number}");
            let socket = scene.open(over, &path).await;
            assert!(socket.answer.contains("403"), "{path}: {}", socket.answer);
            let row = recorded(&scene.usher, &path, |row| row.outcome.is_some()).await;
            assert_eq!((row.verdict.as_str(), row.reason.as_str()), (verdict, reason), "{path}: {}", row.why);
            assert!(row.why.contains(why), "{path}: {}", row.why);
        }
        assert_eq!(scene.seen.packets(), Vec::<Vec<u8>>::new());
    }
}
