//! A list is fetched whole or not at all, from publishers whose servers are slow, broken or lie; and what was there before stays until then.

use crate::kit::{Desk, Origin, Visit};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use usher::library::fetch::{Caps, FetchError, Fetched, Progress, Validators};

const BRIEF: Duration = Duration::from_millis(200);

fn at(origin: &Origin, path: &str) -> String {
    format!("http://{}{path}", origin.address)
}

#[tokio::test]
async fn a_list_is_fetched_and_fetched_again_only_if_it_has_changed() {
    let first = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"v1\"\r\nLast-Modified: Sun, 22 Nov 2026 08:00:00 GMT\r\nContent-Length: 13\r\n\r\ngames.example";
    let origin =
        Origin::ending(&[first, "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nplay.example"]).await;
    let mut desk = Desk::new();
    let mut told = Vec::new();
    let fetched = desk.fetch_telling(&at(&origin, "/games.txt?key=1"), &mut |progress| told.push(progress)).await;
    let Ok(Fetched::New(delivery)) = fetched else { panic!("{fetched:?}") };
    assert_eq!((desk.text().as_str(), delivery.bytes, delivery.content_type.as_deref()), ("games.example", 13, Some("text/plain")));
    assert_eq!(told.first(), Some(&Progress::Began { total: Some(13), here: 0 }));
    assert_eq!(told.last(), Some(&Progress::Moved { here: 13 }));
    let request = origin.the_request();
    for line in [
        "GET /games.txt?key=1 HTTP/1.1\r\n",
        &format!("host: {}\r\n", origin.address),
        &format!("user-agent: Usher/{}\r\n", env!("CARGO_PKG_VERSION")),
        "accept-encoding: identity\r\n",
    ] {
        assert!(request.contains(line), "{line} is not in {request}");
    }
    assert!(!request.contains("if-") && !request.contains("range"), "{request}");
    assert_eq!(fs::metadata(desk.place()).expect("there").permissions().mode() & 0o777, 0o600);
    desk.known = delivery.validators;
    assert_eq!(desk.fetch(&at(&origin, "/games.txt")).await.expect("an answer"), Fetched::Unchanged);
    assert_eq!(desk.text(), "games.example");
    let request = &origin.seen()[1];
    assert!(request.contains("if-none-match: \"v1\"\r\n") && request.contains("if-modified-since: Sun, 22 Nov 2026 08:00:00 GMT\r\n"), "{request}");
    assert_eq!(desk.delivers(&at(&origin, "/games.txt")).await.validators, Validators::default());
    assert_eq!((desk.text().as_str(), desk.leavings().len()), ("play.example", 0));
}

#[tokio::test]
async fn a_fetch_that_broke_off_goes_on_from_where_it_ended() {
    let begun = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 13\r\n\r\ngames";
    let dated = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 09:00:00 GMT\r\nLast-Modified: Sun, 22 Nov 2026 08:00:00 GMT\r\nContent-Length: 13\r\n\r\ngames";
    let whole = "HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 12\r\n\r\nplay.example";
    let rest = "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 5-12/13\r\nContent-Length: 8\r\n\r\n.example";
    let other_rest = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-12/13\r\nContent-Length: 9\r\n\r\ns.example";
    let no_rest = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */12\r\nContent-Length: 0\r\n\r\n";
    for (first, then, proof, text, from) in [
        (begun, &[rest][..], "\"v1\"", "games.example", 5),
        (dated, &[rest], "Sun, 22 Nov 2026 08:00:00 GMT", "games.example", 5),
        (begun, &[whole], "\"v1\"", "play.example", 0),
        (begun, &[other_rest, whole], "\"v1\"", "play.example", 0),
        (begun, &[no_rest, whole], "\"v1\"", "play.example", 0),
    ] {
        let answers: Vec<_> = [first].into_iter().chain(then.iter().copied()).collect();
        let (origin, desk) = (Origin::ending(&answers).await, Desk::new());
        let (error, told) = desk.refuses(&at(&origin, "/a")).await;
        assert!(matches!(error, FetchError::Incomplete { got: 5, total: Some(13), .. }), "{error:?}");
        assert!(told.contains("broke off after 5 bytes of 13") && told.contains("goes on from there"), "{told}");
        assert_eq!(desk.leavings(), ["list.txt.part", "list.txt.part.json"]);
        let delivery = desk.delivers(&at(&origin, "/a")).await;
        assert_eq!((desk.text().as_str(), delivery.resumed_from, desk.leavings().len()), (text, from, 0), "{then:?}");
        let seen = origin.seen();
        assert!(seen[1].contains("range: bytes=5-\r\n") && seen[1].contains(&format!("if-range: {proof}\r\n")), "{}", seen[1]);
        assert!(seen.get(2).is_none_or(|again| !again.contains("range:")), "{seen:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_proved_to_be_the_same_is_fetched_anew() {
    for fields in ["", "ETag: W/\"v1\"\r\n", "Last-Modified: Sun, 22 Nov 2026 08:00:00 GMT\r\n"] {
        let broken = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 13\r\n\r\ngames");
        let (origin, desk) = (Origin::ending(&[&broken, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nplay.example"]).await, Desk::new());
        desk.refuses(&at(&origin, "/a")).await;
        assert_eq!(desk.leavings(), [] as [&str; 0], "{fields}");
        desk.delivers(&at(&origin, "/a")).await;
        assert!(!origin.seen()[1].contains("range:") && desk.text() == "play.example");
    }
    // Nor is what another address began.
    let begun = "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 13\r\n\r\ngames";
    let (origin, desk) = (Origin::ending(&[begun, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nplay.example"]).await, Desk::new());
    desk.refuses(&at(&origin, "/a")).await;
    desk.delivers(&at(&origin, "/b")).await;
    assert!(!origin.seen()[1].contains("range:") && desk.text() == "play.example");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_question_is_refused() {
    let desk = Desk::new();
    for (answer, told) in [
        ("HTTP/1.1 304 Not Modified\r\n\r\n", "nothing had asked for that"),
        ("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/5\r\nContent-Length: 5\r\n\r\ngames", "nothing had asked for that"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "is not there (404); the list has moved"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "is refused (403)"),
        ("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n", "asked again in 3600 s"),
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "out of order (503)"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "gave the answer 204, which is no list"),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nxx", "sent compressed (br)"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "cannot be read"),
        ("", "cannot be read"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\ngames", "cannot be read"),
    ] {
        let origin = Origin::ending(&[answer]).await;
        let (_, said) = desk.refuses(&at(&origin, "/a")).await;
        assert!(said.contains(told), "{answer:?}: {said}");
        assert_eq!(desk.leavings(), [] as [&str; 0], "{answer:?}");
    }
}

#[tokio::test]
async fn an_address_may_lead_on_but_not_for_ever_and_not_just_anywhere() {
    let desk = Desk::new();
    let leads_on = |to: &str| format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let list = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\ngames.example";
    let target = Origin::ending(&[list]).await;
    let absolute = leads_on(&at(&target, "/there?x#part"));
    let origin = Origin::ending(&[&leads_on("../b/./c"), &leads_on("/d"), &leads_on("?e"), &leads_on("//./never"), list]).await;
    let path = |number: usize| origin.seen()[number].split(' ').nth(1).unwrap_or_default().to_owned();
    let (_, said) = desk.refuses(&at(&origin, "/x/y/a")).await;
    assert!(said.contains("leads to no usable address"), "{said}");
    assert_eq!([path(0), path(1), path(2), path(3)], ["/x/y/a", "/x/b/c", "/d", "/d?e"]);
    let origin = Origin::ending(&[&absolute]).await;
    desk.delivers(&at(&origin, "/a")).await;
    assert!(target.the_request().starts_with("GET /there?x HTTP/1.1\r\n") && desk.text() == "games.example");
    for (count, fine) in [(5, true), (6, false)] {
        let desk = Desk::new();
        let on = leads_on("/on");
        let answers: Vec<_> = std::iter::repeat_n(on.as_str(), count).chain([list]).collect();
        let origin = Origin::ending(&answers).await;
        assert_eq!(desk.fetch(&at(&origin, "/a")).await.is_ok(), fine, "{count}");
        assert_eq!(origin.visits(), 6, "{count}");
    }
    let desk = Desk::new();
    for (location, told) in [
        ("file:///etc/passwd", "\"file:\" is no way to fetch"),
        ("ftp://lists.example/a", "\"ftp:\" is no way"),
        ("http://user:secret@lists.example/", "a name or a password"),
        ("http://", "cannot be read"),
    ] {
        let origin = Origin::ending(&[&leads_on(location)]).await;
        let (_, said) = desk.refuses(&at(&origin, "/a")).await;
        assert!(said.contains(told) && !said.contains("secret"), "{location}: {said}");
    }
}

#[tokio::test]
async fn a_list_may_not_be_larger_than_allowed() {
    let mut desk = Desk::new();
    desk.caps.bytes = 10;
    let told_so = Origin::ending(&["HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 11\r\n\r\n"]).await;
    let (error, said) = desk.refuses(&at(&told_so, "/a")).await;
    assert!(matches!(error, FetchError::TooLarge { most: 10, told: Some(11), .. }), "at once, without waiting for a byte: {said}");
    // It would go on for ever.
    let endless = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        while visit.send("3\r\nxyz\r\n").await {}
    })
    .await;
    let (error, _) = desk.refuses(&at(&endless, "/a")).await;
    assert!(matches!(error, FetchError::TooLarge { most: 10, told: None, .. }), "{error:?}");
    assert_eq!(desk.leavings(), [] as [&str; 0], "what is too large is of no use");
}

#[tokio::test]
async fn a_server_that_lies_about_the_length_is_caught_or_not_listened_to() {
    let desk = Desk::new();
    for short in [
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\ngames",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ngames\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\ngames",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ngames\r\nnonsense\r\n",
    ] {
        let (error, said) = desk.refuses(&at(&Origin::ending(&[short]).await, "/a")).await;
        assert!(matches!(error, FetchError::Incomplete { got: 5, .. }), "{short:?}: {said}");
    }
    let reset = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\ngames").await;
        visit.wire.reset();
    })
    .await;
    let (error, _) = desk.refuses(&at(&reset, "/a")).await;
    assert!(matches!(error, FetchError::Incomplete { .. } | FetchError::Answer { .. }), "{error:?}");
    let long = Origin::ending(&["HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\ngames.example\nevil.example\n"]).await;
    assert_eq!(desk.delivers(&at(&long, "/a")).await.bytes, 13);
    assert_eq!(desk.text(), "games.example", "what is beyond its length is not read");
    // Without any length the end of the connection is the end (RFC 9112 section 6.3).
    desk.delivers(&at(&Origin::ending(&["HTTP/1.1 200 OK\r\n\r\nplay.example"]).await, "/a")).await;
    assert_eq!(desk.text(), "play.example");
}

/// A publisher that sends a byte each time it is told the last has arrived.
async fn trickle(next: Arc<Notify>) -> Origin {
    Origin::doing(move |mut visit| {
        let next = next.clone();
        async move {
            visit.request().await;
            visit.send("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 100000000\r\n\r\n").await;
            while visit.send("x").await {
                next.notified().await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_server_that_trickles_keeps_no_fetch_alive() {
    let next = Arc::new(Notify::new());
    let origin = trickle(next.clone()).await;
    let mut desk = Desk::new();
    desk.caps = Caps { rate: 1 << 30, rate_after: BRIEF, ..Caps::default() };
    let error = desk.fetch_telling(&at(&origin, "/a"), &mut |_| next.notify_one()).await.expect_err("too slow");
    assert!(matches!(error, FetchError::TooSlow { rate: 1.., .. }), "{error:?}");
    desk.caps = Caps { rate: 0, time: BRIEF, ..Caps::default() };
    let error = desk.fetch_telling(&at(&origin, "/b"), &mut |_| next.notify_one()).await.expect_err("too long");
    assert!(matches!(error, FetchError::TookTooLong { .. }), "{error:?}");
    assert_eq!(desk.leavings(), ["list.txt.part", "list.txt.part.json"], "what came can be gone on from");
    assert_eq!(desk.text(), "yesterday");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_not_waited_for() {
    let mut desk = Desk::new();
    desk.caps.stall = BRIEF;
    for said in ["", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\ngames"] {
        let origin = Origin::doing(move |mut visit| async move {
            visit.request().await;
            visit.send(said).await;
            visit.gone().await;
        })
        .await;
        let (error, _) = desk.refuses(&at(&origin, "/a")).await;
        assert!(matches!(error, FetchError::Stalled { .. }), "{said:?}: {error:?}");
    }
    desk.caps.connect = BRIEF;
    let silent = Origin::doing(Visit::gone).await;
    let (error, said) = desk.refuses(&format!("https://{}/a", silent.address)).await;
    assert!(matches!(error, FetchError::ConnectTime { .. }), "{said}");
}

#[tokio::test]
async fn a_page_for_people_is_no_list() {
    let desk = Desk::new();
    let answer = |kind: &str, text: &str| format!("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\n{kind}Content-Length: {}\r\n\r\n{text}", text.len());
    let html = "Content-Type: text/html\r\n";
    let much = format!("<!DOCTYPE html><p>Sorry</p>{}", " ".repeat(100_000));
    for page in
        [answer(html, "<!DOCTYPE html><p>Sorry</p>"), answer("", "\n<html lang=en>"), answer("Content-Type: text/plain\r\n", &much), answer(html, "<p>no")]
    {
        let (error, said) = desk.refuses(&at(&Origin::ending(&[&page]).await, "/a")).await;
        assert!(matches!(error, FetchError::WebPage(_)) && said.contains("looks like a web page"), "{page:.80}: {said}");
        assert_eq!(desk.leavings(), [] as [&str; 0]);
    }
    desk.delivers(&at(&Origin::ending(&[&answer(html, "# a list of the wrong type\ngames.example\n")]).await, "/a")).await;
    assert!(desk.text().contains("games.example"));
}

#[tokio::test]
async fn a_full_disk_leaves_the_good_list_and_nothing_half_written() {
    let desk = Desk::new();
    // What is written there finds no room.
    symlink("/dev/full", desk.folder.path().join("list.txt.part")).expect("a link");
    let origin = Origin::ending(&["HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 13\r\n\r\ngames.example"]).await;
    let (error, said) = desk.refuses(&at(&origin, "/a")).await;
    assert!(matches!(error, FetchError::Full { .. }), "{error:?}");
    assert!(said.contains("the disk is full") && said.contains(&desk.folder.path().display().to_string()), "{said}");
    assert_eq!(desk.leavings(), [] as [&str; 0]);
    desk.delivers(&at(&origin, "/a")).await;
    fs::remove_dir_all(desk.folder.path()).expect("removed");
    let error = desk.fetch(&at(&origin, "/a")).await.expect_err("nowhere to put it");
    assert!(matches!(error, FetchError::Store { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_of_this_machine_is_copied_when_it_has_changed() {
    let mut desk = Desk::new();
    let ours = desk.folder.path().join("ours.txt");
    fs::write(&ours, "games.example\n").expect("written");
    for address in [format!("file://{}", ours.display()), ours.display().to_string(), "ours.txt".to_owned()] {
        let delivery = desk.delivers(&address).await;
        assert_eq!((desk.text().as_str(), delivery.bytes), ("games.example\n", 14));
        assert_eq!(fs::metadata(desk.place()).expect("there").permissions().mode() & 0o777, 0o600);
        desk.known = delivery.validators;
        assert_eq!(desk.fetch(&address).await.expect("a file"), Fetched::Unchanged);
        fs::write(desk.place(), "yesterday").expect("written");
        desk.known = Validators::default();
    }
    desk.caps.bytes = 13;
    assert!(matches!(desk.refuses("ours.txt").await.0, FetchError::TooLarge { told: Some(14), .. }));
    desk.caps = Caps::default();
    fs::write(&ours, "<!doctype html>").expect("written");
    assert!(matches!(desk.refuses("ours.txt").await.0, FetchError::WebPage(_)));
    for (address, told) in [("none.txt", "No such file"), (".", "it is a folder"), ("/dev/zero", "it is no ordinary file")] {
        let (_, said) = desk.refuses(address).await;
        assert!(said.contains(told), "{said}");
    }
    assert_eq!(desk.leavings(), ["ours.txt"]);
}
