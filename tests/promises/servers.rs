//! A real server and a real client, both of hyper: what they tell one another arrives, and nothing else.

use crate::kit::{School, World, soon};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING};
use http::response::Parts as Head;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpSocket};

const SUM: HeaderName = HeaderName::from_static("x-sum");
/// What is sent up and down where much is sent.
const MUCH: usize = 16 << 20;

/// A body in parts, each a chunk, whose length is not told beforehand unless it is exact.
struct Parts {
    frames: VecDeque<Frame<Bytes>>,
    exact: Option<u64>,
}

impl Parts {
    fn new(parts: impl IntoIterator<Item = Bytes>) -> Self {
        Self { frames: parts.into_iter().map(Frame::data).collect(), exact: None }
    }

    fn whole(bytes: Bytes) -> Self {
        Self { exact: Some(bytes.len() as u64), ..Self::new([bytes]) }
    }

    /// With the sum of it all in the trailer section.
    fn summed(mut self) -> Self {
        let mut sum = blake3::Hasher::new();
        for part in self.frames.iter().filter_map(Frame::data_ref) {
            sum.update(part);
        }
        self.frames.push_back(Frame::trailers(HeaderMap::from_iter([(SUM, value(&sum.finalize().to_string()))])));
        self
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.frames.pop_front().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn value(text: &str) -> HeaderValue {
    text.parse().expect("a field's value")
}

/// As many bytes as asked for, no two stretches of them alike.
fn much() -> Bytes {
    let mut bytes = vec![0; MUCH];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes.into()
}

fn in_parts(bytes: &Bytes) -> Parts {
    Parts::new((0..bytes.len()).step_by(50_001).map(|at| bytes.slice(at..bytes.len().min(at + 50_001))))
}

/// What the site does with a request.
async fn serve(request: Request<Incoming>) -> Result<Response<Parts>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body");
    let sum = body.trailers().and_then(|trailers| trailers.get(SUM)).cloned();
    let body = body.to_bytes();
    let plain = |status: StatusCode, body: Parts| Response::builder().status(status).header(ETAG, "\"1\"").body(body).expect("an answer");
    Ok(match head.uri.path() {
        "/nothing" => plain(StatusCode::NO_CONTENT, Parts::new([])),
        "/unchanged" => plain(StatusCode::NOT_MODIFIED, Parts::new([])),
        "/much" => plain(StatusCode::OK, Parts::whole(much())),
        "/parts" => plain(StatusCode::OK, in_parts(&much())),
        "/sum" => plain(StatusCode::OK, Parts::whole(blake3::hash(&body).to_string().into())),
        "/trailers" => {
            assert_eq!(sum, Some(value(&blake3::hash(&body).to_string())), "the trailers arrive");
            let mut answer = plain(StatusCode::OK, in_parts(&body).summed());
            answer.headers_mut().insert(TRAILER, value("x-sum"));
            answer
        }
        _ => plain(StatusCode::OK, Parts::whole(format!("{} {}", head.method, head.uri).into())),
    })
}

/// A site that is a server of hyper's, and how many connections were made to it.
async fn site() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, visits) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
    let count = visits.clone();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tcp), service_fn(serve)));
        }
    });
    (address, visits)
}

/// A pupil's browser with one connection to the proxy.
struct Client {
    send: SendRequest<Parts>,
    site: String,
}

impl Client {
    async fn new(school: &School, site: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((IpAddr::from([127, 0, 7, 1]), 0).into()).expect("an address of this machine");
        let tcp = soon("connecting", socket.connect(school.address)).await.expect("connected");
        let (send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.expect("a connection");
        tokio::spawn(connection);
        Self { send, site: format!("news.example:{}", site.port()) }
    }

    async fn ask(&mut self, method: Method, path: &str, fields: &[(HeaderName, &str)], body: Parts) -> Answered {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.site)).header("host", &self.site);
        for (name, value) in fields {
            request = request.header(name, *value);
        }
        soon("a place", self.send.ready()).await.expect("the connection is kept");
        let answer = soon("an answer", self.send.send_request(request.body(body).expect("a request"))).await.expect("an answer");
        let (head, body) = answer.into_parts();
        let body = soon("its body", body.collect()).await.expect("a whole body");
        Answered { head, trailers: body.trailers().cloned(), body: body.to_bytes() }
    }

    async fn get(&mut self, path: &str) -> Answered {
        self.ask(Method::GET, path, &[], Parts::new([])).await
    }
}

struct Answered {
    head: Head,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

impl Answered {
    /// Status, length as told, and body.
    fn short(&self) -> (u16, Option<&str>, &[u8]) {
        (self.head.status.as_u16(), self.field(&CONTENT_LENGTH), &self.body)
    }

    fn field(&self, name: &HeaderName) -> Option<&str> {
        self.head.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

async fn school_and_client() -> (School, Client, Arc<AtomicUsize>) {
    let (site, visits) = site().await;
    let school = World::new().start().await;
    let client = Client::new(&school, site).await;
    (school, client, visits)
}

#[tokio::test]
async fn one_connection_each_serves_answers_with_and_without_a_body() {
    let (school, mut client, visits) = school_and_client().await;
    for _ in 0..3 {
        assert_eq!(client.get("/a?b").await.short(), (200, Some("8"), &b"GET /a?b"[..]));
        let head = client.ask(Method::HEAD, "/a?b", &[], Parts::new([])).await;
        assert_eq!(head.short(), (200, Some("9"), &b""[..]), "as long as the answer to GET would be");
        assert_eq!(client.get("/nothing").await.short(), (204, None, &b""[..]), "RFC 9110 section 8.6");
        let unchanged = client.get("/unchanged").await;
        assert_eq!((unchanged.short(), unchanged.field(&ETAG)), ((304, None, &b""[..]), Some("\"1\"")));
        let options = client.ask(Method::OPTIONS, "/a", &[], Parts::new([])).await;
        assert_eq!(options.short(), (200, Some("10"), &b"OPTIONS /a"[..]));
        let deleted = client.ask(Method::DELETE, "/a", &[], Parts::whole("why".into())).await;
        assert_eq!(deleted.short(), (200, Some("9"), &b"DELETE /a"[..]));
    }
    assert_eq!(visits.load(Ordering::SeqCst), 1, "the client has one connection, and so has the site");
    assert_eq!(school.rows().len(), 18, "each on record");
}

#[tokio::test]
async fn chunks_and_trailers_arrive_both_ways_with_what_they_sum_up() {
    let (school, mut client, visits) = school_and_client().await;
    let wants = [(TRAILER, "x-sum"), (TE, "trailers"), (CONNECTION, "TE")];
    let answer = client.ask(Method::POST, "/trailers", &wants, in_parts(&much()).summed()).await;
    assert_eq!((answer.head.status, answer.field(&CONTENT_LENGTH), answer.field(&TRANSFER_ENCODING)), (StatusCode::OK, None, Some("chunked")));
    assert!(answer.body == much(), "every byte, in order");
    let sum = answer.trailers.and_then(|trailers| trailers.get(SUM).cloned());
    assert_eq!(sum, Some(value(&blake3::hash(&answer.body).to_string())));
    let row = school.closed("/trailers").await;
    assert_eq!((row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(MUCH as u64), Some(MUCH as u64), Some("complete")));
    assert_eq!(client.get("/after").await.head.status, StatusCode::OK);
    assert_eq!(visits.load(Ordering::SeqCst), 1, "the site's connection is used again");
}

#[tokio::test]
async fn much_arrives_whole_up_and_down_in_chunks_or_with_its_length() {
    let (school, mut client, _) = school_and_client().await;
    let sum = blake3::hash(&much()).to_string();
    for (path, length) in [("/much", Some(MUCH.to_string())), ("/parts", None)] {
        let answer = client.get(path).await;
        assert_eq!((answer.field(&CONTENT_LENGTH), blake3::hash(&answer.body).to_string()), (length.as_deref(), sum.clone()), "{path}");
        assert_eq!(school.closed(path).await.bytes_down, Some(MUCH as u64), "{path}");
    }
    for (method, body) in [(Method::PUT, Parts::whole(much())), (Method::POST, in_parts(&much()))] {
        let answer = client.ask(method.clone(), "/sum", &[], body).await;
        assert_eq!(answer.short(), (200, Some("64"), sum.as_bytes()), "{method}");
    }
    let closed = school.closed("/sum").await;
    assert_eq!((closed.bytes_up, closed.outcome.as_deref()), (Some(MUCH as u64), Some("complete")));
}

#[tokio::test]
async fn a_server_that_wants_a_body_says_continue_and_gets_it() {
    let (site, _) = site().await;
    let school = World::new().start().await;
    let (mut wire, site) = (school.wire().await, format!("news.example:{}", site.port()));
    for framing in ["Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n"] {
        wire.send(format!("PUT http://{site}/sum HTTP/1.1\r\nHost: {site}\r\nExpect: 100-continue\r\n{framing}\r\n")).await;
        assert_eq!(wire.head_only().await.status, 100, "{framing:?}");
        wire.send(if framing.contains("Length") { "body" } else { "4\r\nbody\r\n0\r\n\r\n" }).await;
        let reply = wire.reply().await;
        assert_eq!((reply.status, reply.text()), (200, blake3::hash(b"body").to_string()), "{framing:?}");
    }
}
