//! Nothing unrecorded: what anybody was answered is in the log, whatever the site or the person does. What Usher, its disk or its files may suffer is
//! the matter of `durability`.

use crate::kit::{Ending, Origin, World};

#[tokio::test]
async fn a_person_who_goes_away_half_way_is_on_record_as_gone() {
    let origin = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbeginning").await;
        visit.gone().await;
    })
    .await;
    let school = World::new().start().await;
    for (path, resets) in [("/reset", true), ("/closed", false)] {
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "")).await;
        wire.until(b"beginning").await.expect("the beginning");
        if resets {
            wire.reset()
        } else {
            drop(wire)
        }
        let row = school.closed(path).await;
        assert_eq!((row.outcome.as_deref(), row.status, row.bytes_down), (Some("client-gone"), Some(200), Some(9)), "{path}");
    }
}

#[tokio::test]
async fn a_site_that_breaks_off_is_on_record_as_failed() {
    let origin = Origin::doing(|mut visit| async move {
        let request = visit.request().await.expect("a request");
        let answer = match request.split(' ').nth(1) {
            Some("/short") => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning",
            Some("/chunks") => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n",
            Some("/garbage") => "SSH-2.0-example\r\n\r\n",
            _ => "",
        };
        visit.send(answer).await;
    })
    .await;
    let school = World::new().start().await;
    for (path, status) in [("/short", 200), ("/chunks", 200), ("/garbage", 502), ("/nothing", 502)] {
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "")).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.ending, if status == 200 { Ending::Cut } else { Ending::Whole }, "{path}: {reply:?}");
        let row = school.closed(path).await;
        assert_eq!((row.outcome.as_deref(), row.status), (Some("origin-failed"), Some(status)), "{path}");
        assert!(row.note.is_some(), "{path}: the record says what went wrong");
    }
}

#[tokio::test]
async fn the_record_says_who_what_when_where_and_how_much() {
    let origin = Origin::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry").await;
    let school = World::new().start().await;
    let fields = "User-Agent: a browser\r\nReferer: http://shop.example/secret?x\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nContent-Length: 4\r\n";
    let mut wire = school.wire().await;
    wire.send(origin.request("POST", "/a?b=c%20d", fields) + "body").await;
    assert_eq!(wire.reply().await.text(), "sorry");
    let row = school.closed("/a?b=c%20d").await;
    let said = |value: &Option<String>| value.clone().unwrap_or_default();
    assert_eq!(
        [row.time.as_str(), &row.group, &row.client, &row.method, &row.scheme, &row.host, &row.verdict, &row.reason],
        ["2026-11-25T10:00:00.000Z", "year-7", "127.0.7.1", "POST", "http", "news.example", "allowed", "unlisted"]
    );
    assert_eq!([&row.identity_source, &row.identity_confidence], ["network", "place"]);
    assert_eq!(
        [&row.user_agent, &row.referrer, &row.fetch_dest, &row.fetch_mode, &row.fetch_user].map(said),
        ["a browser", "shop.example", "document", "navigate", "?1"]
    );
    assert_eq!((row.status, row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(404), Some(4), Some(5), Some("complete")));
    assert_eq!((row.port, row.upstream), (origin.address.port(), Some(origin.address.to_string())));
    assert!(row.duration_ms.is_some_and(|took| took >= 0.0));
}
