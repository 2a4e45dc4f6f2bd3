//! Bodies stream through whole or not at all, and connections to sites are used again.

use crate::kit::{Ending, Origin, School, Wire, World, soon};
use std::sync::Arc;
use tokio::sync::Notify;

async fn wire_and_school() -> (Wire, School) {
    let school = World::new().start().await;
    (school.wire().await, school)
}

#[tokio::test]
async fn a_body_in_chunks_arrives_as_it_was() {
    let origin = Origin::saying("thanks").await;
    let (mut wire, _school) = wire_and_school().await;
    wire.send(origin.request("POST", "/", "Transfer-Encoding: chunked\r\n")).await;
    for part in ["5\r\nhel", "lo\r\n6;x=y", "\r\n world\r\n", "0\r\n", "\r\n"] {
        wire.send(part).await;
    }
    assert_eq!(wire.reply().await.text(), "thanks");
    let (head, body) = origin.the_request().split_once("\r\n\r\n").map(|(head, body)| (head.to_lowercase(), body.to_owned())).expect("a head");
    assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-length"), "{head}");
    assert!(!body.contains("x=y"), "an extension is for one connection only: {body}");
    let text: String = body.split("\r\n").skip(1).step_by(2).collect();
    assert_eq!(text, "hello world");
}

#[tokio::test]
async fn a_body_streams_both_ways_at_once() {
    let origin = Origin::doing(|mut visit| async move {
        visit.head().await;
        visit.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n").await;
        for _ in 0..3 {
            let part = visit.wire.take(4).await;
            visit.send(part).await;
        }
    })
    .await;
    let (mut wire, school) = wire_and_school().await;
    wire.send(origin.request("POST", "/echo", "Content-Length: 12\r\n")).await;
    let reply = wire.head_only().await;
    assert_eq!(reply.status, 200);
    for part in ["one.", "two.", "end."] {
        wire.send(part).await;
        assert_eq!(wire.take(4).await, part.as_bytes(), "nothing is held back");
    }
    let row = school.closed("/echo").await;
    assert_eq!((row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(12), Some(12), Some("complete")));
}

#[tokio::test]
async fn trailers_pass_to_whoever_wants_them() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n").await;
    let (mut wire, _school) = wire_and_school().await;
    wire.send(origin.request("GET", "/", "TE: trailers\r\nConnection: TE\r\n")).await;
    let reply = wire.reply().await;
    assert_eq!((reply.text().as_str(), reply.trailers.to_lowercase().as_str()), ("hello", "x-sum: 7\r\n"));
    assert_eq!(reply.field("trailer").as_deref(), Some("X-Sum"));
    wire.send(origin.request("GET", "/", "")).await;
    let reply = wire.reply().await;
    assert_eq!((reply.text().as_str(), reply.trailers.as_str(), reply.field("trailer"), reply.field("x-sum")), ("hello", "", None, None));
    wire.send(origin.request("POST", "/up", "Transfer-Encoding: chunked\r\nTrailer: X-Up\r\n") + "2\r\nhi\r\n0\r\nX-Up: 9\r\n\r\n").await;
    assert_eq!(wire.reply().await.text(), "hello");
    assert!(origin.seen()[2].to_lowercase().ends_with("0\r\nx-up: 9\r\n\r\n"), "{:?}", origin.seen()[2]);
}

#[tokio::test]
async fn a_client_that_waits_sends_its_body_when_the_site_wants_it() {
    let origin = Origin::doing(|mut visit| async move {
        let head = visit.head().await.expect("a head").to_lowercase();
        assert!(head.contains("expect: 100-continue"), "{head}");
        visit.send("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert_eq!(visit.wire.take(4).await, b"body");
        visit.say("thanks").await;
    })
    .await;
    let (mut wire, _school) = wire_and_school().await;
    wire.send(origin.request("PUT", "/", "Content-Length: 4\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(wire.reply().await.status, 100);
    wire.send("body").await;
    assert_eq!(wire.reply().await.text(), "thanks");
}

#[tokio::test]
async fn a_client_that_waits_and_is_not_wanted_never_sends_its_body() {
    let origin = Origin::doing(|mut visit| async move {
        visit.head().await;
        visit.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno").await;
        visit.gone().await;
    })
    .await;
    let (mut wire, _school) = wire_and_school().await;
    wire.send(origin.request("PUT", "/", "Content-Length: 4\r\nExpect: 100-continue\r\n")).await;
    let reply = wire.reply().await;
    assert_eq!((reply.status, reply.text().as_str()), (417, "no"), "the answer comes without a 100 before it");
}

#[tokio::test]
async fn a_refused_upload_is_refused_before_it_is_sent() {
    let (mut wire, _school) = wire_and_school().await;
    wire.send("PUT http://games.example/ HTTP/1.1\r\nHost: games.example\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 403);
}

#[tokio::test]
async fn what_is_cut_short_never_looks_whole() {
    let origin = Origin::doing(|mut visit| async move {
        let request = visit.request().await.expect("a request");
        let answer = match request.split(' ').nth(1) {
            Some("/length") => "Content-Length: 100\r\n\r\nbeginning",
            Some("/chunks") => "Transfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n",
            Some("/in-a-chunk") => "Transfer-Encoding: chunked\r\n\r\n64\r\nbeginning",
            Some("/no-chunk") => "Transfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\nzz\r\n",
            _ => "Transfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n0\r\n",
        };
        visit.send(format!("HTTP/1.1 200 OK\r\n{answer}")).await;
    })
    .await;
    let school = World::new().start().await;
    for path in ["/length", "/chunks", "/in-a-chunk", "/no-chunk", "/no-end"] {
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "")).await;
        let reply = wire.reply().await;
        assert_eq!((reply.status, reply.ending), (200, Ending::Cut), "{path}: {reply:?}");
        assert!(reply.text().starts_with("beginning") || reply.body.is_empty(), "{path}");
        assert!(wire.is_closed().await, "{path}");
        assert_eq!(school.closed(path).await.outcome.as_deref(), Some("origin-failed"), "{path}");
    }
}

#[tokio::test]
async fn an_old_clients_answer_that_is_cut_short_ends_in_a_reset() {
    let origin = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n").await;
    })
    .await;
    let (mut wire, school) = wire_and_school().await;
    wire.send(format!("GET {} HTTP/1.0\r\n\r\n", origin.url("/old"))).await;
    assert!(!wire.ends_cleanly().await, "the end of the connection is the end of the answer: only a reset says it is not whole");
    assert_eq!(school.closed("/old").await.outcome.as_deref(), Some("origin-failed"));
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_passed_on_whole() {
    let origin = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\n\r\nall of it").await;
    })
    .await;
    let (mut wire, _school) = wire_and_school().await;
    wire.send(origin.request("GET", "/", "")).await;
    let reply = wire.reply().await;
    assert_eq!((reply.text().as_str(), reply.ending), ("all of it", Ending::Whole));
}

#[tokio::test]
async fn an_answer_whose_end_two_readers_could_differ_about_is_no_answer_or_has_one_end() {
    for (answer, status, body) in [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 502, ""),
        ("Content-Length: +5\r\n\r\nhello", 502, ""),
        ("Content-Length: 5, 6\r\n\r\nhello", 502, ""),
        ("Content-Length: 99999999999999999999\r\n\r\nhello", 502, ""),
        ("Content-Length: -1\r\n\r\nhello", 502, ""),
    ] {
        let origin = Origin::answering(&format!("HTTP/1.1 200 OK\r\n{answer}")).await;
        let (mut wire, _school) = wire_and_school().await;
        wire.send(origin.request("GET", "/", "")).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, status, "{answer:?}: {reply:?}");
        let (length, coding) = (reply.field("content-length"), reply.field("transfer-encoding"));
        assert!(length.is_none() || coding.is_none(), "{answer:?}: {reply:?}");
        if status == 200 {
            assert_eq!((reply.text().as_str(), reply.ending), (body, Ending::Whole), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_to_a_site_is_used_again() {
    let origin = Origin::saying("hello").await;
    let school = World::new().start().await;
    for number in 0..10 {
        school.pupil().get(&origin.url(&format!("/{number}"))).await.is_from_the_site("hello");
        school.closed(&format!("/{number}")).await;
    }
    assert_eq!((origin.visits(), origin.seen().len()), (1, 10));
}

#[tokio::test]
async fn a_connection_that_is_not_clean_is_not_used_again() {
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    ] {
        let origin = Origin::answering(answer).await;
        let school = World::new().start().await;
        for number in 0..3 {
            school.pupil().get(&origin.url(&format!("/{number}"))).await.is_from_the_site("hi");
            school.closed(&format!("/{number}")).await;
        }
        assert_eq!(origin.visits(), 3, "{answer:?}");
    }
}

/// A site that answers once on its first connection and hangs up when it is asked again.
async fn dead_at_the_second_request() -> Origin {
    Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.say("hello").await;
        if visit.number == 0 {
            visit.head().await;
            return;
        }
        visit.gone().await;
    })
    .await
}

#[tokio::test]
async fn what_may_be_asked_twice_is_asked_again_when_an_idle_connection_was_dead() {
    for (method, body, status) in [("GET", "", 200), ("PUT", "body", 502), ("POST", "", 502), ("POST", "body", 502), ("DELETE", "", 200)] {
        let origin = dead_at_the_second_request().await;
        let school = World::new().start().await;
        school.pupil().get(&origin.url("/first")).await.is_from_the_site("hello");
        school.closed("/first").await;
        let answer = school.pupil().ask(method, &origin.url("/second"), body).await;
        assert_eq!(answer.reply.status, status, "{method} {body:?}: {:?}", answer.reply);
        let asked = origin.seen().iter().filter(|request| request.contains("/second")).count();
        assert_eq!(asked, if status == 200 { 2 } else { 1 }, "{method}: {:?}", origin.seen());
    }
}

#[tokio::test]
async fn what_was_held_to_be_read_is_sent_though_the_site_hung_up_meanwhile_and_once_only() {
    for (method, reads_and_hangs_up) in [("POST", false), ("PUT", false), ("POST", true)] {
        let hung_up = Arc::new(Notify::new());
        let tell = hung_up.clone();
        let origin = Origin::doing(move |mut visit| {
            let tell = tell.clone();
            async move {
                if visit.number == 0 {
                    // As sites do that wait for nobody.
                    drop(visit);
                    return tell.notify_one();
                }
                visit.request().await;
                if !reads_and_hangs_up {
                    visit.say("taken").await;
                    visit.gone().await;
                }
            }
        })
        .await;
        let other = Origin::saying("hello").await;
        let school = World::new().reading("{ threshold = 100, on_hit = \"withhold\" }").start().await;
        let mut wire = school.wire().await;
        wire.send(origin.request(method, "/essay", "Content-Type: text/plain\r\nContent-Length: 9\r\n") + "The ").await;
        soon("the site hangs up", hung_up.notified()).await;
        // There is one worker: what it was told before is seen to when it answers this.
        school.pupil().get(&other.url("/")).await.is_from_the_site("hello");
        wire.send("heron").await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, if reads_and_hangs_up { 502 } else { 200 }, "{method}: {}", reply.text());
        let seen = origin.seen();
        assert!(seen.len() == 1 && seen[0].ends_with("\r\n\r\nThe heron"), "{method}: {seen:?}");
        assert_eq!(origin.visits(), 2, "{method}");
        let row = school.closed("/essay").await;
        let outcome = if reads_and_hangs_up { "origin-failed" } else { "complete" };
        assert_eq!((row.outcome.as_deref(), row.bytes_up), (Some(outcome), Some(9)), "{method}");
    }
}
