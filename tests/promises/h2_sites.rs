//! Promise: sites are spoken to in HTTP/2 where they speak it; what they send arrives as it comes, and none of them can do more than its own requests harm.

use crate::kit::h2::{BOTH, H1, H2, Site, Talk2, Told, believed, device, frame, head, inside, next, next_frame, recorded, school, text, told};
use crate::kit::secure::Authority;
use crate::kit::{Origin, Program, Wire, World, soon};
use http::{HeaderMap, Method, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How a site leaves a request it has not looked at.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// By refusing it alone.
    Stream,
    /// By ending the connection.
    Connection,
    /// By ending the connection without a word of it.
    Silently,
}

/// A site of bare HTTP/2 whose first connection answers one request and leaves the next.
async fn leaving(believed: &Authority, leaves: Leaves) -> Site {
    Site::bare(believed, H2, move |number, mut tls| async move {
        let mut preface = [0; 24];
        tls.read_exact(&mut preface).await.expect("a preface");
        tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
        while let Some((kind, flags, stream, payload)) = next_frame(&mut tls).await {
            let answer = match kind {
                1 if number == 0 && stream > 1 => match leaves {
                    Leaves::Stream => frame(3, 0, stream, &7u32.to_be_bytes()),
                    Leaves::Connection => frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
                    Leaves::Silently => return,
                },
                1 => [frame(1, 0b100, stream, &[0x88]), frame(0, 1, stream, format!("from {number}").as_bytes())].concat(),
                4 if flags == 0 => frame(4, 1, 0, &[]),
                6 if flags == 0 => frame(6, 1, 0, &payload),
                _ => Vec::new(),
            };
            tls.write_all(&answer).await.expect("sent");
            tls.flush().await.expect("sent");
        }
    })
    .await
}

#[tokio::test]
async fn a_request_that_a_site_says_it_has_not_looked_at_is_sent_again() {
    let believed = believed();
    for (leaves, method, status, says) in [
        (Leaves::Stream, "POST", 200, "from 1"),
        (Leaves::Connection, "POST", 200, "from 1"),
        (Leaves::Silently, "GET", 200, "from 1"),
        // It may have been looked at, and twice is once too often.
        (Leaves::Silently, "POST", 502, ""),
    ] {
        let (site, usher) = (leaving(&believed, leaves).await, school(&believed, |world| world));
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        assert_eq!(talk.get("/one").await, (StatusCode::OK, "from 0".to_owned()), "{leaves:?}");
        let asking = talk.request(method, "/two").body(Told::nothing()).expect("a request");
        let answer = talk.send(asking).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{leaves:?} {method}");
        let page = text(answer.into_body()).await;
        assert!(says.is_empty() || page == says, "{leaves:?} {method}: {page}");
        assert_eq!(inside(&usher).len(), 2, "and is on record once");
        assert_eq!(talk.get("/three").await.1, "from 1");
    }
}

#[tokio::test]
async fn a_site_that_has_said_goodbye_is_asked_for_no_more_while_its_last_answer_goes_on() {
    let believed = believed();
    let site = Site::bare(&believed, H2, move |number, mut tls| async move {
        let mut preface = [0; 24];
        tls.read_exact(&mut preface).await.expect("a preface");
        tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
        while let Some((kind, flags, stream, _)) = next_frame(&mut tls).await {
            let answer = match (kind, number) {
                (1, 0) if stream == 1 => [frame(1, 0b100, 1, &[0x88]), frame(0, 0, 1, b"begun"), frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0])].concat(),
                (1, 1..) => [frame(1, 0b100, stream, &[0x88]), frame(0, 1, stream, b"page")].concat(),
                (4, _) if flags == 0 => frame(4, 1, 0, &[]),
                _ => Vec::new(),
            };
            tls.write_all(&answer).await.expect("sent");
            tls.flush().await.expect("sent");
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let asking = talk.request("GET", "/long").body(Told::nothing()).expect("a request");
    let mut long = talk.send(asking).await.expect("an answer");
    assert_eq!(next(long.body_mut()).await.expect("its beginning"), "begun");
    for _ in 0..2 {
        let asking = talk.request("POST", "/two").body(Told::nothing()).expect("a request");
        assert_eq!(text(talk.send(asking).await.expect("an answer").into_body()).await, "page");
    }
    assert_eq!(site.visits(), 2);
}

#[tokio::test]
async fn a_site_that_wants_http1_gets_it() {
    let believed = believed();
    let site = Site::bare(&believed, BOTH, |number, tls| async move {
        if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
            let mut connection = h2::server::handshake(tls).await.expect("HTTP/2");
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_reset(h2::Reason::HTTP_1_1_REQUIRED);
            }
        } else {
            let mut tls = tls;
            while head(&mut tls).await.is_some() {
                let page = format!("over http/1.1 on {number}");
                tls.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len()).as_bytes()).await.expect("sent");
                tls.flush().await.expect("sent");
            }
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    for _ in 0..3 {
        assert_eq!(talk.get("/").await, (StatusCode::OK, "over http/1.1 on 1".to_owned()));
    }
    assert_eq!(site.visits(), 2);
}

/// A site where somebody logs in to the connection, as NTLM does; it says who, on which.
async fn office(believed: &Authority) -> Site {
    let somebody = Arc::new(std::sync::Mutex::new(std::collections::HashMap::new()));
    Site::doing(believed, BOTH, move |number, request| {
        let somebody = somebody.clone();
        async move {
            let mut somebody = somebody.lock().expect("a table");
            if let Some(login) = request.headers().get("authorization").and_then(|login| login.to_str().ok()?.strip_prefix("NTLM I am ")) {
                somebody.insert(number, login.to_owned());
            }
            match somebody.get(&number) {
                Some(name) => Response::new(Told::saying(format!("{name} on {number} over {:?}", request.version()))),
                None => Response::builder().status(401).header("www-authenticate", "NTLM").body(Told::nothing()).expect("an answer"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_is_logged_in_is_a_connection_of_its_own_over_http1() {
    let believed = believed();
    let (site, usher) = (office(&believed).await, school(&believed, |world| world));
    // Over HTTP/2 a client is told to come again over HTTP/1.1, whether it is asked to log in or does so unasked.
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    for login in [None, Some("NTLM I am amy")] {
        let mut asking = talk.request("GET", "/mail").body(Told::nothing()).expect("a request");
        if let Some(login) = login {
            asking.headers_mut().insert("authorization", login.parse().expect("a value"));
        }
        let error = talk.send(asking).await.expect_err("no answer");
        let reason = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<h2::Error>()).and_then(h2::Error::reason);
        assert_eq!(reason, Some(h2::Reason::HTTP_1_1_REQUIRED));
    }
    let (mut amy, mut ben) = (device(&usher).open(&site.authority()).await, device(&usher).at([127, 0, 9, 1]).open(&site.authority()).await);
    assert_eq!(amy.get("/mail").await.0, 401);
    let page = amy.ask_with("GET", "/mail", &[("authorization", "NTLM I am amy")]).await;
    assert_eq!((page.status(), page.body().starts_with("amy on "), page.body().ends_with("HTTP/1.1")), (StatusCode::OK, true, true), "{page:?}");
    assert_eq!(amy.get("/mail").await.1, *page.body(), "the connection is hers");
    assert_eq!(ben.get("/mail").await.0, 401, "and nobody else's");
    let mut other = Talk2::open(&device(&usher), &site.authority()).await;
    let asking = other.request("GET", "/mail").body(Told::nothing()).expect("a request");
    assert!(other.send(asking).await.is_err(), "nor of her own over HTTP/2");
}

#[tokio::test]
async fn an_old_client_reaches_a_new_site_and_the_other_way_round() {
    let believed = believed();
    let (site, usher) = (Site::of_pages(&believed, H2).await, school(&believed, |world| world));
    let mut talk = device(&usher).open(&site.authority()).await;
    for path in ["/one", "/two"] {
        assert_eq!(talk.get(path).await, (StatusCode::OK, format!("page {path}")));
    }
    assert!(site.seen().iter().all(|seen| seen.version == Version::HTTP_2 && seen.connection == 0), "{:?}", site.seen());
}

#[tokio::test]
async fn a_connection_to_a_site_is_shared_and_nothing_on_it_is() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        let cookie = request.headers().get("cookie").map_or("none", |cookie| cookie.to_str().expect("text")).to_owned();
        Response::new(Told::saying(cookie))
    })
    .await;
    let usher = school(&believed, |world| world);
    let (amy, ben) = (device(&usher), device(&usher).at([127, 0, 9, 1]));
    let (mut amy, mut ben) = (Talk2::open(&amy, &site.authority()).await, Talk2::open(&ben, &site.authority()).await);
    for _ in 0..3 {
        let mut asking = amy.request("GET", "/").body(Told::nothing()).expect("a request");
        for cookie in ["a=amy", "b=2", "c=3"] {
            asking.headers_mut().append("cookie", cookie.parse().expect("a value"));
        }
        let answer = amy.send(asking).await.expect("an answer");
        assert_eq!(text(answer.into_body()).await, "a=amy; b=2; c=3", "cookies that come one by one are one field");
        assert_eq!(ben.get("/").await.1, "none");
    }
    assert_eq!(site.visits(), 1);
}

#[tokio::test]
async fn those_who_do_not_read_what_they_asked_for_hold_up_nobody_elses() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, _| async { Response::new(Told::saying(vec![b'x'; 1 << 20])) }).await;
    let usher = school(&believed, |world| world);
    // A client that takes one byte of each.
    let mut idle = Talk2::open_with(&device(&usher), &site.authority(), |builder| {
        builder.initial_stream_window_size(1);
    })
    .await;
    let mut unread = Vec::new();
    for number in 0..40 {
        let asking = idle.request("GET", &format!("/{number}")).body(Told::nothing()).expect("a request");
        unread.push(idle.send(asking).await.expect("an answer"));
    }
    let mut other = Talk2::open(&device(&usher).at([127, 0, 9, 1]), &site.authority()).await;
    let (status, page) = other.get("/other").await;
    assert_eq!((status, page.len(), site.visits()), (StatusCode::OK, 1 << 20, 1), "on the same connection");
}

#[tokio::test]
async fn a_call_with_trailers_streams_both_ways_however_long_it_is_still() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        assert_eq!(request.headers()["te"], "trailers");
        let (tell, answer) = told();
        tokio::spawn(async move {
            let mut body: Incoming = request.into_body();
            while let Some(bytes) = next(&mut body).await {
                tell.say(bytes);
            }
            tell.end_with("grpc-status", "0");
        });
        Response::builder().header("content-type", "application/grpc+proto").body(answer).expect("an answer")
    })
    .await;
    let quiet = Site::doing(&believed, H2, |_, _| async move {
        let (tell, answer) = told();
        tokio::spawn(async move {
            tell.say("begun");
            pending::<()>().await;
        });
        Response::new(answer)
    })
    .await;
    let usher = school(&believed, |world| world.limit("stall_seconds = 1\nanswer_seconds = 1"));
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let (tell, body) = told();
    let call = talk.request("POST", "/chat.Chat/Say").header("te", "trailers").header("content-type", "application/grpc").body(body).expect("a request");
    let mut answer = talk.send(call).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/grpc+proto");
    for word in ["one", "two"] {
        tell.say(word);
        assert_eq!(next(answer.body_mut()).await.expect("an echo"), word, "at once");
    }
    // A page that is still for so long is given up; the call is not.
    let mut other = Talk2::open(&device(&usher), &quiet.authority()).await;
    let page = other.request("GET", "/quiet").body(Told::nothing()).expect("a request");
    let mut page = other.send(page).await.expect("an answer");
    assert_eq!(next(page.body_mut()).await.expect("its beginning"), "begun");
    assert_eq!(next(page.body_mut()).await, None, "it is cut off");
    assert_eq!(recorded(&usher, "/quiet", |row| row.outcome.is_some()).await.outcome.as_deref(), Some("limit-reached"));
    tell.say("three");
    assert_eq!(next(answer.body_mut()).await.expect("an echo"), "three");
    drop(tell);
    let rest = soon("the end", answer.into_body().collect()).await.expect("a whole answer");
    assert_eq!(rest.trailers().map(|trailers| trailers["grpc-status"].clone()), Some("0".parse().expect("a value")));
    let row = recorded(&usher, "/chat.Chat/Say", |row| row.outcome.is_some()).await;
    assert_eq!((row.outcome.as_deref(), row.bytes_up, row.bytes_down), (Some("complete"), Some(11), Some(11)));
}

#[tokio::test]
async fn events_that_a_site_sends_arrive_at_once_over_both() {
    for speaks in [H2, H1] {
        let believed = believed();
        let (tellers, mut waiting) = tokio::sync::mpsc::unbounded_channel();
        let site = Site::doing(&believed, speaks, move |_, _| {
            let tellers = tellers.clone();
            async move {
                let (tell, answer) = told();
                tellers.send(tell).expect("the test waits");
                Response::builder().header("content-type", "text/event-stream").body(answer).expect("an answer")
            }
        })
        .await;
        let usher = school(&believed, |world| world.limit("stall_seconds = 1"));
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        let asking = talk.request("GET", "/events").body(Told::nothing()).expect("a request");
        let mut answer = talk.send(asking).await.expect("an answer");
        let tell = soon("to be asked", waiting.recv()).await.expect("asked");
        for event in ["data: 1\n\n", "data: 2\n\n"] {
            tell.say(event);
            assert_eq!(next(answer.body_mut()).await.expect("an event"), event);
        }
        drop(answer);
        // Who listens no more is not told more: the site's stream ends, and the record with it.
        if speaks == H2 {
            tell.unheard().await;
        }
        assert_eq!(recorded(&usher, "/events", |row| row.outcome.is_some()).await.outcome.as_deref(), Some("client-gone"));
        assert_eq!(talk.get("/play/x").await.0, 403, "the connection goes on");
    }
}

#[tokio::test]
async fn asked_about_the_whole_server_a_site_is_asked_so() {
    for (speaks, target) in [(H1, "*"), (H2, "*")] {
        let believed = believed();
        let (site, usher) = (Site::of_pages(&believed, speaks).await, school(&believed, |world| world));
        let authority = site.authority();
        let mut tls = device(&usher).secure(&authority, "news.example").await.expect("a certificate that is trusted");
        tls.write_all(format!("OPTIONS https://{authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes()).await.expect("sent");
        assert!(head(&mut tls).await.expect("an answer").starts_with("HTTP/1.1 200"));
        let seen = site.seen();
        assert!(seen[0].target.ends_with(target), "{seen:?}");
        assert_eq!(inside(&usher)[0].path, "*");
    }
}

#[tokio::test]
async fn what_leads_past_the_proxy_is_taken_out_of_every_answer() {
    let believed = believed();
    let site = Site::bare(&believed, H1, |_, mut tls| async move {
        while let Some(asked) = head(&mut tls).await {
            let service = "Alt-Svc: h3=\":443\"\r\n";
            let answer = if asked.contains("/chat") {
                format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{service}\r\n")
            } else {
                format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n{service}\r\nHTTP/1.1 200 OK\r\n{service}Content-Length: 0\r\n\r\n")
            };
            tls.write_all(answer.as_bytes()).await.expect("sent");
            tls.flush().await.expect("sent");
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut tls = device(&usher).secure(&site.authority(), "news.example").await.expect("a certificate that is trusted");
    for (path, fields, statuses) in [("/", "", &["103", "200"][..]), ("/chat", "Connection: upgrade\r\nUpgrade: websocket\r\n", &["101"])] {
        tls.write_all(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", site.authority()).as_bytes()).await.expect("sent");
        for status in statuses {
            let head = head(&mut tls).await.expect("an answer");
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")) && !head.to_lowercase().contains("alt-svc"), "{head}");
        }
    }
    // Over HTTP/2 there is no interim answer, and nothing goes wrong for it.
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let answer = talk.request("GET", "/").body(Told::nothing()).expect("a request");
    let answer = talk.send(answer).await.expect("an answer");
    assert!(answer.status() == 200 && !answer.headers().contains_key("alt-svc"));
}

#[tokio::test]
async fn an_idle_connection_that_a_site_ends_without_a_word_costs_no_request() {
    let believed = believed();
    let ended = Arc::new(AtomicUsize::new(0));
    let count = ended.clone();
    let site = Site::bare(&believed, H1, move |number, mut tls| {
        let count = count.clone();
        async move {
            let page = format!("from {number}");
            while head(&mut tls).await.is_some() {
                tls.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len()).as_bytes()).await.expect("sent");
                tls.flush().await.expect("sent");
                if number == 0 {
                    // The next request comes on it, and finds it ended in the middle of TLS.
                    let _ = tls.get_mut().0.peek(&mut [0]).await;
                    break;
                }
            }
            drop(tls);
            count.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut talk = device(&usher).open(&site.authority()).await;
    assert_eq!(talk.get("/one").await, (StatusCode::OK, "from 0".to_owned()));
    assert_eq!(talk.get("/two").await, (StatusCode::OK, "from 1".to_owned()));
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_form_that_waits_to_be_asked_for_goes_to_a_new_site_at_once() {
    let believed = believed();
    let site = Site::doing(&believed, H2, |_, request| async move {
        let fields: HeaderMap = request.headers().clone();
        let body = request.into_body().collect().await.expect("a whole body").to_bytes();
        assert!(!fields.contains_key("expect") && fields["content-length"] == "4");
        Response::new(Told::saying(body))
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut tls = device(&usher).secure(&site.authority(), "news.example").await.expect("a certificate that is trusted");
    let asking = format!("{} /form HTTP/1.1\r\nHost: {}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", Method::PUT, site.authority());
    tls.write_all(asking.as_bytes()).await.expect("sent");
    assert!(head(&mut tls).await.expect("an answer").starts_with("HTTP/1.1 100"));
    tls.write_all(b"body").await.expect("sent");
    assert!(head(&mut tls).await.expect("an answer").starts_with("HTTP/1.1 200"));
}

/// A site of bare HTTP/2 that answers each request with these frames, and then ends or waits.
async fn saying(believed: &Authority, frames: Vec<Vec<u8>>, ends: bool) -> Site {
    let frames = Arc::new(frames);
    Site::bare(believed, H2, move |_, mut tls| {
        let frames = frames.clone();
        async move {
            let mut preface = [0; 24];
            tls.read_exact(&mut preface).await.expect("a preface");
            tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
            while let Some((kind, flags, _, _)) = next_frame(&mut tls).await {
                if kind == 4 && flags == 0 {
                    tls.write_all(&frame(4, 1, 0, &[])).await.expect("sent");
                }
                if kind == 1 {
                    for one in frames.iter() {
                        // It may have been given up in the middle.
                        if tls.write_all(one).await.is_err() {
                            return;
                        }
                    }
                    let _ = tls.flush().await;
                    if ends {
                        let _ = tls.shutdown().await;
                        return;
                    }
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_site_that_breaks_the_rules_fails_its_own_requests_and_no_more() {
    let believed = believed();
    let good = Site::of_pages(&believed, H2).await;
    let usher = school(&believed, |world| world.limit("answer_seconds = 1\nstall_seconds = 1"));
    let (ok, large) = (frame(1, 0b100, 1, &[0x88]), [&[0x00, 0x01, b'x', 0x7f, 0xe1, 0x5d][..], &[b'y'; 12_000][..]].concat());
    let flood = |count: usize, payload: &[u8]| [vec![frame(1, 0, 1, &[0x88])], vec![frame(9, 0, 1, payload); count]].concat();
    for (name, frames, ends, status) in [
        ("nothing", vec![], false, 504),
        ("an end", vec![], true, 502),
        ("fields without an end", flood(5000, &[0x88; 1000]), false, 502),
        ("too much of a head", [flood(20, &large), vec![frame(9, 0b100, 1, &[])]].concat(), false, 502),
        ("a reset", vec![frame(3, 0, 1, &2u32.to_be_bytes())], false, 502),
        ("an unasked page", vec![frame(5, 0b100, 1, &[0, 0, 0, 2, 0x82])], false, 502),
        ("an answer to nobody", vec![frame(1, 0b101, 9, &[0x88])], false, 502),
        ("a body before its head", vec![frame(0, 0, 1, b"body")], false, 502),
        ("no status", vec![frame(1, 0b101, 1, &[0x84])], false, 502),
        ("a field of a connection", vec![frame(1, 0b101, 1, b"\x88\x00\x0aconnection\x05close")], false, 502),
        ("more than it may", [vec![ok.clone()], vec![frame(0, 0, 1, &[0; 16_384]); 100]].concat(), false, 0),
        ("a reset in the middle", vec![ok.clone(), frame(0, 0, 1, b"a part"), frame(3, 0, 1, &2u32.to_be_bytes())], false, 0),
        ("a goodbye in the middle", vec![ok.clone(), frame(0, 0, 1, b"a part"), frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 2])], true, 0),
        ("an end in the middle", vec![ok.clone(), frame(0, 0, 1, b"a part")], true, 0),
        ("a stop in the middle", vec![ok.clone(), frame(0, 0, 1, b"a part")], false, 0),
        ("a length that lies", vec![frame(1, 0b100, 1, b"\x88\x5c\x013"), frame(0, 1, 1, b"a part")], false, 0),
        ("a length that is not reached", vec![frame(1, 0b100, 1, b"\x88\x5c\x0299"), frame(0, 1, 1, b"a part")], false, 0),
    ] {
        let site = saying(&believed, frames, ends).await;
        let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
        let path = format!("/{}", name.replace(' ', "-"));
        let asking = talk.request("GET", &path).body(Told::nothing()).expect("a request");
        match talk.send(asking).await {
            Ok(answer) if status == 0 => {
                let whole = soon("its end", answer.into_body().collect()).await;
                assert!(whole.is_err(), "{name}: taken for whole");
            }
            Ok(answer) => {
                assert_eq!(answer.status().as_u16(), status, "{name}");
                text(answer.into_body()).await;
            }
            // Cut off before its head had left.
            Err(error) => assert_eq!(status, 0, "{name}: {error}"),
        }
        let row = recorded(&usher, &path, |row| row.outcome.is_some()).await;
        assert!(["origin-failed", "limit-reached", "client-gone"].contains(&row.outcome.as_deref().unwrap_or_default()), "{name}: {row:?}");
        // The client's connection goes on, and so do other sites.
        assert_eq!(talk.get("/play/x").await.0, 403, "{name}");
    }
    let mut talk = Talk2::open(&device(&usher), &good.authority()).await;
    assert_eq!(talk.get("/").await.0, 200);
}

#[tokio::test]
async fn a_short_form_that_was_not_looked_at_is_sent_again_whole() {
    let believed = believed();
    let looked = Arc::new(AtomicUsize::new(0));
    let count = looked.clone();
    let site = Site::bare(&believed, H2, move |number, mut tls| {
        let count = count.clone();
        async move {
            let mut preface = [0; 24];
            tls.read_exact(&mut preface).await.expect("a preface");
            tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
            let mut form = Vec::new();
            while let Some((kind, flags, stream, payload)) = next_frame(&mut tls).await {
                let answer = match kind {
                    0 => {
                        form.extend(&payload);
                        count.fetch_add(1, Ordering::SeqCst);
                        match (number, flags & 1) {
                            // Once a part of it is there.
                            (0, _) => frame(3, 0, stream, &7u32.to_be_bytes()),
                            (_, 1) => [frame(1, 0b100, stream, &[0x88]), frame(0, 1, stream, &form)].concat(),
                            _ => Vec::new(),
                        }
                    }
                    4 if flags == 0 => frame(4, 1, 0, &[]),
                    _ => Vec::new(),
                };
                tls.write_all(&answer).await.expect("sent");
                tls.flush().await.expect("sent");
            }
        }
    })
    .await;
    let usher = school(&believed, |world| world);
    let mut talk = Talk2::open(&device(&usher), &site.authority()).await;
    let (tell, body) = told();
    tell.say("name=amy");
    let asking = talk.request("POST", "/form").body(body).expect("a request");
    let sending = tokio::spawn(async move { talk.send(asking).await });
    soon("a part to be there", async {
        while looked.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    tell.say("&class=7a");
    drop(tell);
    let answer = sending.await.expect("no panic").expect("an answer");
    assert_eq!((answer.status(), text(answer.into_body()).await.as_str()), (StatusCode::OK, "name=amy&class=7a"));
    let row = recorded(&usher, "/form", |row| row.outcome.is_some()).await;
    assert_eq!((row.bytes_up, site.visits()), (Some(17), 2));
}

#[tokio::test]
async fn a_site_that_takes_nothing_holds_nothing_once_its_client_has_gone() {
    let site = Origin::doing(|visit| async move {
        let _unread = visit;
        pending::<()>().await;
    })
    .await;
    let usher = Program::start(Arc::new(World::new().limit("stall_seconds = 1").write()));
    // What is opened with the first request stays open.
    usher.get("http://games.example/");
    let before = usher.descriptors();
    let mut stuck = Vec::new();
    for _ in 0..5 {
        let asking = site.request("POST", "/form", "Content-Length: 100000000\r\n");
        let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), usher.address).await;
        stuck.push(tokio::spawn(async move {
            wire.send(asking).await;
            // Until nothing more is taken.
            let all = vec![b'x'; 100_000_000];
            let _ = tokio::time::timeout(Duration::from_millis(900), wire.send(&all)).await;
            wire.reset();
        }));
    }
    for one in stuck {
        one.await.expect("no panic");
    }
    assert_eq!(site.visits(), 5);
    soon("its descriptors", async {
        while usher.descriptors() > before + 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
