//! What a proxy takes out of a head and puts into it, and what it tells apart by version (RFC 9110, RFC 9112).

use crate::kit::{Origin, Reply, School, World};

/// The fields of a request as a site saw it, without those that every request has.
fn fields(request: &str) -> Vec<String> {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let mut fields: Vec<_> =
        head.split("\r\n").skip(1).map(str::to_lowercase).filter(|field| !field.starts_with("host:") && !field.starts_with("via:")).collect();
    fields.sort();
    fields
}

async fn asked(school: &School, origin: &Origin, method: &str, path: &str, fields: &str) -> Reply {
    let mut wire = school.wire().await;
    wire.send(origin.request(method, path, fields)).await;
    if method == "HEAD" { wire.head_only().await } else { wire.reply().await }
}

#[tokio::test]
async fn what_belongs_to_the_clients_connection_stays_there() {
    let origin = Origin::saying("hello").await;
    let school = World::new().start().await;
    for (sent, left) in [
        ("Connection: keep-alive, X-Own\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nAccept: */*\r\n", &["accept: */*"][..]),
        ("Connection: close\r\nConnection: x-a,\tx-b ,\r\nX-A: 1\r\nX-B: 2\r\nX-C: 3\r\n", &["x-c: 3"]),
        ("Proxy-Connection: keep-alive\r\n", &[]),
        ("Proxy-Authenticate: Basic\r\nProxy-Connection: x\r\n", &["proxy-authenticate: basic"]),
        ("TE: gzip\r\n", &[]),
        ("TE: trailers, gzip\r\n", &["connection: te", "te: trailers"]),
        ("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n", &[]),
        ("Upgrade: websocket\r\n", &[]),
        ("Connection: Cache-Control, Host, Content-Length\r\nCache-Control: no-cache\r\n", &["cache-control: no-cache"]),
        ("X-Odd: caf\u{e9}\r\nX-Odd: again\r\nX-Empty:\r\n", &["x-empty:", "x-odd: again", "x-odd: caf\u{e9}"]),
    ] {
        let before = origin.seen().len();
        assert_eq!(asked(&school, &origin, "GET", "/", sent).await.text(), "hello", "{sent:?}");
        let seen: Vec<_> = fields(&origin.seen()[before]).iter().map(|field| field.trim_end().to_owned()).collect();
        assert_eq!(seen, left, "{sent:?}");
    }
}

#[tokio::test]
async fn what_belongs_to_the_sites_connection_stays_there() {
    let answer = "HTTP/1.1 200 OK\r\nConnection: X-Own, keep-alive\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic realm=\"x\"\r\nProxy-Authentication-Info: x\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\nhi";
    let origin = Origin::answering(answer).await;
    let school = World::new().start().await;
    let reply = asked(&school, &origin, "GET", "/", "").await;
    let names: Vec<_> = reply.fields.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "via").collect();
    assert_eq!(names, ["etag", "content-length"], "{reply:?}");
    assert_eq!(reply.text(), "hi");
}

#[tokio::test]
async fn a_password_given_to_the_proxy_never_leaves_it() {
    let origin = Origin::saying("hello").await;
    let school = World::new().user("7-anna", "right", None).start().await;
    let answer = school.pupil().who_says("7-anna", "right").with("Authorization", "Basic b3duOm93bg==").get(&origin.url("/")).await;
    answer.is_from_the_site("hello");
    assert_eq!(fields(&origin.the_request()), ["authorization: basic b3duom93bg=="]);
}

#[tokio::test]
async fn the_proxy_names_itself_both_ways_and_knows_itself_again() {
    let origin = Origin::answering("HTTP/1.0 200 OK\r\nVia: 1.1 cache\r\nContent-Length: 0\r\n\r\n").await;
    let school = World::new().start().await;
    let reply = asked(&school, &origin, "GET", "/", "Via: 1.0 phone\r\n").await;
    let seen = origin.the_request().to_lowercase();
    let via: Vec<_> = seen.lines().filter_map(|line| line.strip_prefix("via: ")).collect::<Vec<_>>().join(", ").split(", ").map(str::to_owned).collect();
    assert_eq!(via.len(), 2);
    assert_eq!(via[0], "1.0 phone");
    let own = via[1].strip_prefix("1.1 ").expect("the version the request came in").to_owned();
    assert!(own.starts_with("usher-"), "{own}");
    assert_eq!(reply.field("via"), Some(format!("1.1 cache, 1.0 {own}")), "the version the answer came in");
    for looped in [format!("1.1 {own}"), format!("1.0 phone, 1.1 {}, 1.1 x", own.to_uppercase()), format!("HTTP/1.1 {own} (a comment)")] {
        let answer = school.pupil().with("Via", &looped).get(&origin.url("/")).await;
        answer.is_refused(508, "loop");
    }
    assert_eq!(origin.seen().len(), 1, "a request that comes back goes no further");
    assert_eq!(asked(&school, &origin, "GET", "/", &format!("Via: 1.1 {own}x\r\n")).await.status, 200);
}

#[tokio::test]
async fn max_forwards_counts_hops_of_trace_and_options() {
    let origin = Origin::saying("hello").await;
    let school = World::new().start().await;
    for (method, sent, left) in [("TRACE", 3, "max-forwards: 2"), ("OPTIONS", 1, "max-forwards: 0"), ("GET", 0, "max-forwards: 0")] {
        let before = origin.seen().len();
        assert_eq!(asked(&school, &origin, method, "/", &format!("Max-Forwards: {sent}\r\n")).await.text(), "hello");
        assert_eq!(fields(&origin.seen()[before]), [left], "{method}");
    }
    let seen = origin.seen().len();
    let trace = asked(&school, &origin, "TRACE", "/here", "Max-Forwards: 0\r\nCookie: secret\r\nX: 1\r\n").await;
    assert_eq!((trace.status, trace.field("content-type").as_deref()), (200, Some("message/http")));
    assert!(trace.text().starts_with("TRACE ") && trace.text().contains("x: 1") && !trace.text().contains("secret"), "{}", trace.text());
    let options = asked(&school, &origin, "OPTIONS", "/", "Max-Forwards: 0\r\n").await;
    assert!(options.status == 200 && options.field("allow").is_some_and(|allow| allow.contains("GET")), "{options:?}");
    assert_eq!(origin.seen().len(), seen, "they end here");
    let row = school.closed("/here").await;
    assert_eq!((row.status, row.outcome.as_deref()), (Some(200), Some("complete")));
}

#[tokio::test]
async fn a_trace_shows_the_request_line_that_was_received() {
    let origin = Origin::saying("hello").await;
    let school = World::new().start().await;
    let trace = asked(&school, &origin, "TRACE", "/here?x", "Max-Forwards: 0\r\n").await;
    // RFC 9110 section 9.3.8: the message received, whole.
    assert_eq!(trace.text().lines().next(), Some(format!("TRACE {} HTTP/1.1", origin.url("/here?x")).as_str()));
}

#[tokio::test]
async fn the_target_decides_where_a_request_goes_and_what_it_is_judged_as() {
    let origin = Origin::saying("hello").await;
    let school = World::new().start().await;
    let port = origin.address.port();
    let mut wire = school.wire().await;
    wire.send(format!("GET http://news.example:{port}/a HTTP/1.1\r\nHost: allowed.example\r\n\r\n")).await;
    assert_eq!(wire.reply().await.text(), "hello");
    wire.send(format!("GET http://NEWS.example.:{port} HTTP/1.1\r\nHost: news.example\r\n\r\n")).await;
    assert_eq!(wire.reply().await.text(), "hello");
    wire.send(format!("GET http://me:secret@news.example:{port}/b?c#d HTTP/1.1\r\nHost: news.example\r\n\r\n")).await;
    assert_eq!(wire.reply().await.text(), "hello");
    let seen: Vec<_> = origin.seen().iter().map(|request| request.lines().take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        seen,
        [
            format!("GET /a HTTP/1.1 host: news.example:{port}"),
            format!("GET / HTTP/1.1 host: news.example:{port}"),
            format!("GET /b?c HTTP/1.1 host: news.example:{port}")
        ]
    );
    assert!(!origin.seen().concat().contains("secret"));
    wire.send("GET http://games.example/ HTTP/1.1\r\nHost: news.example\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 403, "a Host cannot hide the target");
}

#[tokio::test]
async fn every_method_passes() {
    let origin = Origin::saying("hello").await;
    let school = World::new().start().await;
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "M-SEARCH", "get"] {
        let before = origin.seen().len();
        assert_eq!(asked(&school, &origin, method, "/x", "").await.text(), "hello", "{method}");
        assert!(origin.seen()[before].starts_with(&format!("{method} /x HTTP/1.1\r\n")), "{method}");
    }
    let mut wire = school.wire().await;
    wire.send(format!("GET http://{}?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", origin.authority())).await;
    assert_eq!(wire.reply().await.status, 200);
    assert!(origin.seen().last().is_some_and(|request| request.starts_with("GET /?x=1 HTTP/1.1\r\n")), "{:?}", origin.seen().last());
}

#[tokio::test]
async fn options_without_a_path_are_for_the_server_as_a_whole() {
    let origin = Origin::saying("hello").await;
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    wire.send(format!("OPTIONS http://{} HTTP/1.1\r\nHost: x\r\n\r\n", origin.authority())).await;
    assert_eq!(wire.reply().await.status, 200);
    assert!(origin.the_request().starts_with("OPTIONS * HTTP/1.1\r\n"), "{}", origin.the_request());
}

#[tokio::test]
async fn a_post_without_a_body_says_so() {
    let origin = Origin::saying("hello").await;
    let school = World::new().start().await;
    assert_eq!(asked(&school, &origin, "POST", "/x", "Content-Length: 0\r\n").await.text(), "hello");
    assert_eq!(fields(&origin.the_request()), ["content-length: 0"]);
}

#[tokio::test]
async fn an_old_client_gets_one_plain_answer_on_one_connection() {
    let origin = Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            if request.starts_with("GET /hints") {
                visit.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n").await;
            }
            visit.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await;
        }
    })
    .await;
    let school = World::new().start().await;
    for (path, fields) in [("/", ""), ("/", "Connection: keep-alive\r\n"), ("/", "Proxy-Connection: keep-alive\r\n"), ("/hints", "")] {
        let mut wire = school.wire().await;
        wire.send(format!("GET {} HTTP/1.0\r\n{fields}\r\n", origin.url(path))).await;
        let text = String::from_utf8(wire.rest().await).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.") && head.contains(" 200 OK"), "{text}");
        let head = head.to_lowercase();
        assert!(!head.contains("transfer-encoding") && !head.contains("keep-alive"), "{head}");
        assert_eq!(body, "hello", "and then the connection ends");
    }
    assert!(origin.seen().iter().all(|request| request.contains(" HTTP/1.1\r\n") && request.contains("1.0 usher-")), "{:?}", origin.seen());
}

#[tokio::test]
async fn hints_that_come_early_are_passed_on_early() {
    let origin = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nConnection: X-Own\r\nX-Own: 1\r\n\r\n").await;
        visit.send("HTTP/1.1 102 Processing\r\n\r\n").await;
        visit.head().await;
        visit.say("hello").await;
    })
    .await;
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", "/", "")).await;
    let hints = wire.reply().await;
    assert_eq!((hints.version.as_str(), hints.status, hints.field("link").as_deref(), hints.field("x-own")), ("HTTP/1.1", 103, Some("</style.css>"), None));
    assert_eq!(wire.reply().await.status, 102);
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let origin = Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            let answer = match request.split(' ').nth(1) {
                Some("/204") => "HTTP/1.1 204 No Content\r\nETag: x\r\n\r\n",
                Some("/304") => "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: x\r\n\r\n",
                _ => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: x\r\n\r\n",
            };
            visit.send(answer).await;
        }
    })
    .await;
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    for (method, path, status, length) in [("GET", "/204", 204, None), ("GET", "/304", 304, Some("1000")), ("HEAD", "/", 200, Some("1000"))] {
        wire.send(origin.request(method, path, "")).await;
        let reply = wire.head_only().await;
        // The length a 304 would have had may be left out (RFC 9110 section 8.6); a wrong one may not be put in.
        let said = reply.field("content-length");
        assert!(said.as_deref() == length || (status == 304 && said.is_none()), "{path}: {reply:?}");
        assert_eq!((reply.status, reply.field("etag").as_deref()), (status, Some("x")), "{path}");
        assert_eq!(reply.field("transfer-encoding"), None);
        let row = school.closed(path).await;
        assert_eq!((row.outcome.as_deref(), row.bytes_down), (Some("complete"), Some(0)), "{path}");
    }
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let origin = Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            visit.say(&path).await;
        }
    })
    .await;
    let school = World::new().start().await;
    let mut wire = school.wire().await;
    let one = |number: usize| match number % 3 {
        0 => "GET http://games.example/ HTTP/1.1\r\nHost: games.example\r\n\r\n".to_owned(),
        1 => origin.request("GET", &format!("/{number}"), ""),
        _ => origin.request("POST", &format!("/{number}"), "Content-Length: 4\r\n") + "body",
    };
    wire.send((0..30).map(one).collect::<String>()).await;
    for number in 0..30 {
        let reply = wire.reply().await;
        let expected = if number % 3 == 0 { (403, None) } else { (200, Some(format!("/{number}"))) };
        assert_eq!((reply.status, (reply.status == 200).then(|| reply.text())), expected);
    }
    wire.send(origin.request("GET", "/last", "Connection: close\r\n")).await;
    let last = wire.reply().await;
    assert_eq!((last.text().as_str(), last.field("connection").as_deref()), ("/last", Some("close")));
    assert!(wire.is_closed().await);
}

#[tokio::test]
async fn a_web_servers_kind_of_request_is_told_what_this_is() {
    let school = World::new().start().await;
    for (line, status) in [
        ("GET / HTTP/1.1", 400),
        ("OPTIONS * HTTP/1.1", 400),
        ("GET https://news.example/ HTTP/1.1", 501),
        ("GET ftp://news.example/ HTTP/1.1", 501),
        ("GET http:// HTTP/1.1", 400),
        ("GET http://news.example:99999/ HTTP/1.1", 400),
        ("GET http://news.example:x/ HTTP/1.1", 400),
        ("CONNECT news.example HTTP/1.1", 400),
        ("CONNECT news.example: HTTP/1.1", 400),
        ("CONNECT http://news.example/ HTTP/1.1", 400),
        ("CONNECT :443 HTTP/1.1", 400),
        ("CONNECT me@news.example:443 HTTP/1.1", 400),
        ("PRI * HTTP/2.0", 505),
    ] {
        let mut wire = school.wire().await;
        wire.send(format!("{line}\r\nHost: news.example\r\n\r\n")).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, status, "{line}: {reply:?}");
        let row = school.rows().remove(0);
        assert_eq!(reply.field("usher-reference"), Some(row.id), "{line} is on record");
        assert_eq!(row.verdict, "refused", "{line}");
    }
}
