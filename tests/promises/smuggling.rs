//! Nothing that two readers could read differently reaches a site: it is refused, on record, and the connection is closed.

use crate::kit::{Origin, Reply, School, World};

const CORPUS: &str = include_str!("desync.txt");

/// Sends bytes that are refused, and then a request that must not be read any more.
async fn refusal(school: &School, bytes: &str) -> Reply {
    let mut wire = school.wire().await;
    wire.send(bytes).await;
    wire.send("GET http://news.example:1/smuggled HTTP/1.1\r\nHost: news.example\r\n\r\n").await;
    let reply = wire.reply().await;
    assert!(wire.is_closed().await, "{bytes:?}: one answer, and the connection is closed");
    reply
}

async fn is_refused(school: &School, origin: &Origin, bytes: &str, status: u16) {
    let reply = refusal(school, bytes).await;
    assert_eq!(reply.status, status, "{bytes:?}: {reply:?}");
    let row = school.rows().remove(0);
    assert_eq!((row.verdict.as_str(), row.reason.as_str(), Some(row.id)), ("refused", "malformed", reply.field("usher-reference")), "{bytes:?}");
    assert_eq!((origin.visits(), origin.seen().len()), (0, 0), "{bytes:?}: the site saw nothing");
}

#[tokio::test]
async fn a_head_that_two_readers_could_read_differently_is_refused() {
    let (origin, school) = (Origin::saying("hello").await, World::new().start().await);
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 5;x\r\n",
        "Content-Length: five\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 9999999999999999999999999999\r\n",
        "Content-Length : 5\r\n",
        " Content-Length: 5\r\n",
        "Content_Length: 5\r\n",
        "X: 1\r\n Content-Length: 5\r\n",
        "X: 1\r\n\tfolded\r\n",
        "X: 1\nContent-Length: 5\r\n",
        "X: 1\rContent-Length: 5\r\n",
        "X: 1\r\r\n",
        "X: a\0b\r\n",
        "X: a\u{1}b\r\n",
        "X\r\n",
        ": x\r\n",
        "X Y: 1\r\n",
        "X(Y): 1\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n",
        "Transfer_Encoding: chunked\r\n",
        "Host: news.example\r\n",
        "host: other.example\r\n",
    ] {
        let bytes = origin.request("POST", "/x", fields) + "hello";
        is_refused(&school, &origin, &bytes, 400).await;
    }
}

#[tokio::test]
async fn a_coding_that_is_not_just_chunked_is_refused() {
    let (origin, school) = (Origin::saying("hello").await, World::new().start().await);
    for coding in ["gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "xchunked", "chunked;x=y", "\"chunked\"", "chunked,", ",chunked", ""] {
        let bytes = origin.request("POST", "/x", &format!("Transfer-Encoding: {coding}\r\n")) + "0\r\n\r\n";
        is_refused(&school, &origin, &bytes, 501).await;
    }
    is_refused(&school, &origin, &(origin.request("POST", "/x", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"), 501).await;
    let old = format!("POST {} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", origin.url("/x"));
    is_refused(&school, &origin, &old, 501).await;
}

#[tokio::test]
async fn a_request_line_or_host_that_two_readers_could_read_differently_is_refused() {
    let (origin, school) = (Origin::saying("hello").await, World::new().start().await);
    let url = origin.url("/x");
    for (line, host, status) in [
        (format!("GET  {url} HTTP/1.1"), "Host: news.example\r\n", 400),
        (format!("GET {url}  HTTP/1.1"), "Host: news.example\r\n", 400),
        (format!("GET\t{url} HTTP/1.1"), "Host: news.example\r\n", 400),
        (format!(" GET {url} HTTP/1.1"), "Host: news.example\r\n", 400),
        (format!("GET {url} HTTP/1.1 "), "Host: news.example\r\n", 400),
        (format!("GET {url}"), "Host: news.example\r\n", 400),
        (format!("GET {url} http/1.1"), "Host: news.example\r\n", 400),
        (format!("GET {url} HTTP/1.2"), "Host: news.example\r\n", 505),
        (format!("GET {url} HTTP/2.0"), "Host: news.example\r\n", 505),
        (format!("GET {url} HTTP/0.9"), "Host: news.example\r\n", 505),
        (format!("GET {url} HTTP/1.1"), "", 400),
        (format!("GET {url} HTTP/1.1"), "Host:\r\n", 400),
        (format!("GET {url} HTTP/1.1"), "Host: a b\r\n", 400),
        (format!("GET {url} HTTP/1.1"), "Host: a/b\r\n", 400),
        (format!("GET {url} HTTP/1.1"), "Host: a@b\r\n", 400),
        (format!("GET {url} HTTP/1.1"), "Host: a,b\r\n", 400),
        (format!("GET {url} HTTP/1.1"), "Host: a\r\nHost: a\r\n", 400),
        (format!("G(T {url} HTTP/1.1"), "Host: a\r\n", 400),
        (format!("GET {url}\u{1} HTTP/1.1"), "Host: a\r\n", 400),
        (format!("GET {url}<script> HTTP/1.1"), "Host: a\r\n", 400),
    ] {
        is_refused(&school, &origin, &format!("{line}\r\n{host}\r\n"), status).await;
    }
    for bytes in [
        format!("GET {url} HTTP/1.1\nHost: a\n\n"),
        format!("GET {url} HTTP/1.1\r\nHost: a\n\r\n"),
        "\0\0\0\0\r\n\r\n".into(),
        "\u{16}\u{3}\u{1}hello\r\n\r\n".into(),
    ] {
        is_refused(&school, &origin, &bytes, 400).await;
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (origin, school) = (Origin::saying("hello").await, World::new().limit("head_bytes = 4096\nhead_fields = 20").start().await);
    for fields in [format!("X: {}\r\n", "x".repeat(4096)), "X: 1\r\n".repeat(20), format!("{}: 1\r\n", "x".repeat(5000))] {
        is_refused(&school, &origin, &origin.request("GET", "/", &fields), 431).await;
    }
    is_refused(&school, &origin, &format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", origin.url(&format!("/{}", "x".repeat(5000)))), 431).await;
    is_refused(&school, &origin, &format!("GET {} HTTP/1.1\r\n{}", origin.url("/"), "X: 1234567890\r\n".repeat(400)), 431).await;
    let mut wire = school.wire().await;
    wire.send(origin.request("GET", "/", &format!("X: {}\r\n{}", "x".repeat(3000), "Y: 1\r\n".repeat(17)))).await;
    assert_eq!(wire.reply().await.status, 200, "what is within the limits passes");
}

#[tokio::test]
async fn a_method_that_takes_no_body_has_none() {
    let (origin, school) = (Origin::saying("hello").await, World::new().start().await);
    is_refused(&school, &origin, &(origin.request("TRACE", "/", "Content-Length: 5\r\n") + "hello"), 400).await;
    is_refused(&school, &origin, &(origin.request("TRACE", "/", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n"), 400).await;
    let connect = format!("CONNECT {} HTTP/1.1\r\nHost: a\r\n", origin.authority());
    is_refused(&school, &origin, &format!("{connect}Content-Length: 5\r\n\r\nhello"), 400).await;
    is_refused(&school, &origin, &format!("{connect}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400).await;
}

#[tokio::test]
async fn chunks_that_two_readers_could_read_differently_end_the_request_and_the_connection() {
    let school = World::new().start().await;
    for chunks in [
        "g\r\n",
        "1 \r\nx\r\n",
        "0x1\r\nx\r\n",
        "+1\r\nx\r\n",
        "1\nx\r\n",
        "1\r\nxy\r\n",
        "1\r\nx\n",
        "ffffffffffffffffff\r\n",
        "1;a\nb\r\nx\r\n0\r\n\r\n",
        "0\r\nContent-Length: 5\r\n\r\n",
        "0\r\nX : 1\r\n\r\n",
    ] {
        let origin = Origin::saying("hello").await;
        let mut wire = school.wire().await;
        wire.send(origin.request("POST", "/chunks", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n" + chunks + "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
            .await;
        let rest = String::from_utf8_lossy(&wire.rest().await).into_owned();
        assert!(!rest.contains(" 200 ") && rest.matches("HTTP/1.1 ").count() <= 1, "{chunks:?}: {rest}");
        assert!(!origin.seen().concat().contains("smuggled") && !origin.seen().concat().ends_with("0\r\n\r\n"), "{chunks:?}: {:?}", origin.seen());
    }
}

struct Case {
    class: &'static str,
    name: &'static str,
    lines: Vec<Vec<u8>>,
}

/// Undoes `\xNN` and `\\`.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        rest = match after.strip_prefix('x') {
            Some(hex) => {
                bytes.push(u8::from_str_radix(&hex[..2], 16).expect("two digits"));
                &hex[2..]
            }
            None => {
                bytes.push(b'\\');
                &after[1..]
            }
        };
    }
    bytes.extend(rest.as_bytes());
    bytes
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in CORPUS.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('\t') {
            Some(text) => cases.last_mut().expect("a name first").lines.push(bytes(text)),
            None => {
                let (class, name) = line.split_once(' ').expect("a class and a name");
                cases.push(Case { class, name, lines: Vec::new() });
            }
        }
    }
    cases
}

/// The request as it is sent through the proxy: with an absolute target, a `Host` if it has none, and the body it announces.
fn through_the_proxy(case: &Case, origin: &Origin) -> Vec<u8> {
    let (line, fields) = case.lines.split_first().expect("a request line");
    let mut parts = line.splitn(2, |byte| *byte == b' ');
    let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let site = if target.starts_with(b"/") { origin.url("") } else { String::new() };
    let mut request = [method, b" ", site.as_bytes(), target, b"\r\n"].concat();
    let named = |name: &[u8]| fields.iter().find(|field| field.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
    if named(b"host:").is_none() {
        request.extend(format!("Host: {}\r\n", origin.authority()).bytes());
    }
    for field in fields {
        request.extend([field, &b"\r\n"[..]].concat());
    }
    request.extend(b"\r\n");
    let length = named(b"content-length:").and_then(|field| std::str::from_utf8(&field[15..]).ok()?.trim().parse().ok()).unwrap_or(0);
    request.extend(if named(b"transfer-encoding:").is_some() { b"0\r\n\r\n".to_vec() } else { vec![b'x'; length] });
    request
}

/// Whether a request can be read in one way only: at most one length or the one coding, and nothing that resembles either.
fn reads_one_way(request: &str) -> bool {
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let framing = |line: &&str| {
        let letters: String = line.split(':').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        letters.contains("contentlength") || letters.contains("transferencoding")
    };
    let lines: Vec<_> = head.split("\r\n").skip(1).filter(framing).map(str::to_lowercase).collect();
    let length = |line: &str| line.strip_prefix("content-length: ").is_some_and(|value| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()));
    let sound = lines.iter().all(|line| line == "transfer-encoding: chunked" || length(line));
    lines.len() <= 1 && sound && head.bytes().all(|byte| byte >= b' ' && byte != 0x7f || byte == b'\r' || byte == b'\n' || byte == b'\t')
}

/// Every case of the corpus through the proxy: the status it was answered with, and what the site saw.
async fn tried(school: &School) -> Vec<(Case, u16, Vec<String>)> {
    let mut tried = Vec::new();
    for case in cases() {
        let origin = Origin::saying("hello").await;
        let mut wire = school.wire().await;
        wire.send(through_the_proxy(&case, &origin)).await;
        let status = wire.peek_status().await;
        tried.push((case, status, origin.seen()));
    }
    tried
}

fn refused(tried: &[(Case, u16, Vec<String>)], classes: &[&str]) -> Vec<String> {
    let refused = tried.iter().filter(|(case, status, _)| classes.contains(&case.class) && *status != 200);
    refused.map(|(case, status, _)| format!("{}: {status}", case.name)).collect()
}

#[tokio::test]
async fn of_the_known_desync_requests_none_passes_ambiguously_and_sound_ones_do() {
    let tried = tried(&World::new().start().await).await;
    let ambiguous = |(_, _, seen): &&(Case, u16, Vec<String>)| seen.len() > 1 || !seen.iter().all(|request| reads_one_way(request));
    let passed: Vec<_> = tried.iter().filter(ambiguous).map(|(case, _, seen)| format!("{} ({}): {seen:?}", case.name, case.class)).collect();
    assert_eq!(passed, [] as [String; 0]);
    assert_eq!(tried.iter().filter(|(case, ..)| case.class == "Severe").count(), 58);
    assert!(tried.iter().all(|(_, status, seen)| *status >= 200 && (*status == 200) != seen.is_empty()), "what is refused is not passed on");
    let refused = refused(&tried, &["Compliant"]);
    assert!(refused.len() <= 8, "{} sound requests were refused: {refused:#?}", refused.len());
}
