//! HTTP/2 on either side of the proxy: sites of hyper's that speak it, and what a device says in it.

use super::device::Device;
use super::secure::Authority;
use super::{Program, World, soon};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, client};
use usher::audit::query::Row;

/// Both of what is spoken inside TLS.
pub const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];

/// HTTP/2 alone.
pub const H2: &[&[u8]] = &[b"h2"];
/// HTTP/1.1 alone.
pub const H1: &[&[u8]] = &[b"http/1.1"];

/// A part of a site that is blocked.
const PLAY: &str =
    "[[rule]]\nname = \"games of the news\"\nwhen = { prefix = \"news.example/play\" }\nthen = \"block\"\nreason = \"Not in lessons.\"\nreview = 2099-01-01";

/// A school that looks into https and believes this authority.
pub fn school(believed: &Authority, more: impl FnOnce(World) -> World) -> Program {
    let files = more(World::new().inspecting().policy(PLAY).tls("authorities = [\"public.pem\"]")).write();
    files.put("public.pem", &believed.pem());
    let made = files.usher(&["ca", "create", "--name", "Example School"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    Program::start(Arc::new(files))
}

/// An authority that the school believes.
pub fn believed() -> Authority {
    Authority::new("A public authority")
}

/// A pupil's device, with the school's authority installed.
pub fn device(usher: &Program) -> Device {
    Device::of(&usher.files, usher.address)
}

/// What is on record of the requests inside, oldest first.
pub fn inside(usher: &Program) -> Vec<Row> {
    let mut rows: Vec<_> = usher.rows().into_iter().filter(|row| row.method != "CONNECT" || row.reason == "tunnel-inside").collect();
    rows.reverse();
    rows
}

/// Waits until the record says this of a path.
pub async fn recorded(usher: &Program, path: &str, is_so: impl Fn(&Row) -> bool) -> Row {
    soon("the record", async {
        loop {
            if let Some(row) = usher.rows().into_iter().find(|row| row.path == path && is_so(row)) {
                return row;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// A body that is told as the test goes on; it ends with whoever tells it.
pub struct Told(mpsc::UnboundedReceiver<Frame<Bytes>>);

/// Who tells a body.
#[derive(Clone)]
pub struct Teller(mpsc::UnboundedSender<Frame<Bytes>>);

/// A body that is told as the test goes on.
pub fn told() -> (Teller, Told) {
    let (tell, told) = mpsc::unbounded_channel();
    (Teller(tell), Told(told))
}

impl Told {
    /// One that says this and no more.
    pub fn saying(text: impl Into<Bytes>) -> Self {
        let (tell, told) = told();
        tell.say(text);
        told
    }

    /// None.
    pub fn nothing() -> Self {
        told().1
    }
}

impl Teller {
    /// Says so much more; false if nobody listens any more.
    pub fn say(&self, text: impl Into<Bytes>) -> bool {
        let text = text.into();
        text.is_empty() || self.0.send(Frame::data(text)).is_ok()
    }

    /// Ends with trailers.
    pub fn end_with(self, name: &'static str, value: &'static str) {
        let mut trailers = HeaderMap::new();
        trailers.insert(name, value.parse().expect("a value"));
        // Nobody may listen any more.
        let _ = self.0.send(Frame::trailers(trailers));
    }

    /// Waits until nobody listens any more.
    pub async fn unheard(&self) {
        soon("to be given up", self.0.closed()).await;
    }
}

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_closed() && self.0.is_empty()
    }
}

/// The next bytes of a body; `None` at its end, or if it is cut off.
pub async fn next(body: &mut Incoming) -> Option<Bytes> {
    loop {
        let frame = soon("more of a body", body.frame()).await?.ok()?;
        match frame.into_data() {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => return Some(bytes),
            Err(_) => return None,
        }
    }
}

/// What a site has been asked.
#[derive(Clone, Debug)]
pub struct Seen {
    /// On which of its connections, from 0.
    pub connection: usize,
    /// In which version of HTTP.
    pub version: Version,
    /// What for, as it was said.
    pub target: String,
    /// With these fields.
    pub fields: HeaderMap,
}

/// A site over TLS that speaks what its client and it agree on.
pub struct Site {
    /// Where it is.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    visits: Arc<AtomicUsize>,
}

type Answering = Pin<Box<dyn Future<Output = Response<Told>> + Send>>;

impl Site {
    /// A site for `news.example`, its neighbours and chat services that answers by this, offering these protocols.
    pub async fn doing<F>(authority: &Authority, protocols: &[&[u8]], answer: impl Fn(usize, Request<Incoming>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response<Told>> + Send + 'static,
    {
        let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let keep = seen.clone();
        let (address, visits) = Self::connections(authority, protocols, move |number, tls| {
            let (keep, answer) = (keep.clone(), answer.clone());
            async move {
                let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                let service = service_fn(move |request: Request<Incoming>| {
                    keep.lock().expect("a list").push(Seen {
                        connection: number,
                        version: request.version(),
                        target: request.uri().to_string(),
                        fields: request.headers().clone(),
                    });
                    let answer: Answering = Box::pin(answer(number, request));
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let io = TokioIo::new(tls);
                if http2 {
                    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = builder.enable_connect_protocol().max_concurrent_streams(1000).serve_connection(io, service).await;
                } else {
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).with_upgrades().await;
                }
            }
        })
        .await;
        Self { address, seen, visits }
    }

    /// A site that says for each page which it is.
    pub async fn of_pages(authority: &Authority, protocols: &[&[u8]]) -> Self {
        Self::doing(authority, protocols, |_, request| async move { Response::new(Told::saying(format!("page {}", request.uri().path()))) }).await
    }

    /// A site of bare connections: what is said in them is the test's.
    pub async fn bare<F>(authority: &Authority, protocols: &[&[u8]], script: impl Fn(usize, TlsStream<TcpStream>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (address, visits) = Self::connections(authority, protocols, script).await;
        Self { address, seen: Arc::default(), visits }
    }

    async fn connections<F>(
        authority: &Authority,
        protocols: &[&[u8]],
        script: impl Fn(usize, TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> (SocketAddr, Arc<AtomicUsize>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, visits, script) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)), Arc::new(script));
        let mut config = (**authority
            .acceptor(&["news.example", "chat.example", "shop.example", "chatgpt.com", "api.openai.com", "api.anthropic.com", "ollama.com"])
            .config())
        .clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let (acceptor, count) = (TlsAcceptor::from(Arc::new(config)), visits.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, script, count) = (acceptor.clone(), script.clone(), count.clone());
                tokio::spawn(async move {
                    if let Ok(tls) = soon("a handshake", acceptor.accept(tcp)).await {
                        script(count.fetch_add(1, Ordering::SeqCst), tls).await;
                    }
                });
            }
        });
        (address, visits)
    }

    /// The site as a tunnel names it.
    pub fn authority(&self) -> String {
        format!("news.example:{}", self.address.port())
    }

    /// What it was asked, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("a list").clone()
    }

    /// How many connections were made to it.
    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// HTTP/2 of a device with one site, through the proxy.
#[derive(Clone)]
pub struct Talk2 {
    sender: SendRequest<Told>,
    authority: String,
}

impl Talk2 {
    /// Opens a connection and agrees on HTTP/2.
    pub async fn open(device: &Device, authority: &str) -> Self {
        Self::open_with(device, authority, |_| {}).await
    }

    /// The same, with settings of the client's.
    pub async fn open_with(device: &Device, authority: &str, set: impl FnOnce(&mut Builder<TokioExecutor>)) -> Self {
        let name = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let tls = device.clone_offering(BOTH).secure(authority, name).await.expect("a certificate that is trusted");
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "HTTP/2 is agreed on");
        let mut builder = Builder::new(TokioExecutor::new());
        set(&mut builder);
        let (sender, connection) = builder.handshake(TokioIo::new(tls)).await.expect("HTTP/2");
        tokio::spawn(connection);
        Self { sender, authority: authority.to_owned() }
    }

    /// A request for a path of the site.
    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(format!("https://{}{path}", self.authority))
    }

    /// Sends a request.
    pub async fn send(&mut self, request: Request<Told>) -> Result<Response<Incoming>, hyper::Error> {
        soon("an answer", self.sender.send_request(request)).await
    }

    /// Asks for a path of the site, and reads the page.
    pub async fn get(&mut self, path: &str) -> (StatusCode, String) {
        let request = self.request("GET", path).body(Told::nothing()).expect("a request");
        let (head, body) = self.send(request).await.expect("an answer").into_parts();
        (head.status, text(body).await)
    }

    /// Whether the connection has ended, or takes no more requests.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

/// A whole body as text.
pub async fn text(body: Incoming) -> String {
    let bytes = soon("a body", body.collect()).await.expect("a whole body").to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Bare HTTP/2 of a client, after its preface and settings.
pub async fn frames(usher: &Program, authority: &str) -> client::TlsStream<TcpStream> {
    let mut tls = device(usher).clone_offering(BOTH).secure(authority, "news.example").await.expect("a certificate that is trusted");
    tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("sent");
    tls.write_all(&frame(4, 0, 0, &[])).await.expect("sent");
    tls
}

/// A frame: its kind, flags, stream and payload.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The next frame: its kind, flags, stream and payload; `None` when the connection has ended.
pub async fn next_frame(tls: &mut (impl AsyncReadExt + Unpin)) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    soon("a frame", tls.read_exact(&mut head)).await.ok()?;
    let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
    soon("a frame", tls.read_exact(&mut payload)).await.ok()?;
    Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// Everything up to an empty line; `None` at the end.
pub async fn head(from: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("a head", from.read_u8()).await.ok()?);
    }
    Some(String::from_utf8(head).expect("text"))
}
