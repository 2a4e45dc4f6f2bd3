//! From an address to a connection that speaks HTTP: resolve, connect, through the parent proxy if there is one, then TLS.
//!
//! Every server's certificate is checked against the authorities this machine trusts; there is no way to leave that out. All of it together has
//! one limit. This machine's own and private addresses may be fetched from: who may write `sources.toml` may read the disk as well.

use super::address::Web;
use super::error::FetchError;
use crate::host::Host;
use crate::reach::{self, ReachError, Roots};
use crate::tls::refusal::Refusal;
use crate::upstream::Upstream;
use crate::upstream::tunnel::{self, Answer, Tunnel};
use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use http::{Method, Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How Usher names itself to publishers.
pub const AGENT: &str = concat!("Usher/", env!("CARGO_PKG_VERSION"));
/// The largest head of an answer, in bytes, and how much is read at a time.
const ANSWER_BYTES: usize = 64 * 1024;
/// The most fields of an answer's head.
const ANSWER_FIELDS: usize = 128;

/// How a server is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way<'a> {
    pub(crate) upstream: Option<&'a Upstream>,
    pub(crate) roots: &'a Roots,
    /// For all of connecting.
    pub(crate) limit: Duration,
}

/// A connection, for one request.
pub(crate) struct Line<'a> {
    sender: SendRequest<Empty<Bytes>>,
    /// The parent proxy that reads the requests itself: they go in absolute form.
    reader: Option<&'a Upstream>,
}

impl<'a> Way<'a> {
    /// Connects to where an address is.
    pub(crate) async fn open(self, to: &Web) -> Result<Line<'a>, FetchError> {
        let first = self.upstream.map_or(to.host(), |parent| &parent.host);
        let slow = || FetchError::ConnectTime { host: first.clone(), seconds: self.limit.as_secs() };
        timeout(self.limit, self.open_unlimited(to)).await.unwrap_or_else(|_| Err(slow()))
    }

    async fn open_unlimited(self, to: &Web) -> Result<Line<'a>, FetchError> {
        let (tcp, reader) = match self.upstream {
            None => (reach::connect(to.host(), to.port(), self.limit).await?, None),
            Some(parent) => {
                let tcp = reach::connect(&parent.host, parent.port, self.limit).await?;
                if to.is_secure() { (through(tcp, parent, to).await?, None) } else { (tcp, Some(parent)) }
            }
        };
        let sender = if to.is_secure() {
            shake(reach::secure(tcp, to.host(), self.roots, &[b"http/1.1"]).await?, to.host()).await?
        } else {
            shake(tcp, to.host()).await?
        };
        Ok(Line { sender, reader })
    }
}

async fn through(tcp: TcpStream, parent: &Upstream, to: &Web) -> Result<TcpStream, FetchError> {
    let mut fields = HeaderMap::new();
    fields.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let answer = tunnel::open(tcp, parent, (to.host(), to.port()), fields).await;
    match answer.map_err(|error| FetchError::ParentAnswer { parent: parent.to_string(), error })? {
        Answer::Open(Tunnel { tcp, early }) if early.is_empty() => Ok(tcp),
        // In TLS the client speaks first.
        Answer::Open(_) => Err(ReachError::Tls { host: to.host().clone(), why: Refusal::Other("it spoke first, which no server does".into()) }.into()),
        Answer::Refused(response) => Err(FetchError::Parent { parent: parent.to_string(), status: response.status() }),
    }
}

async fn shake(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, host: &Host) -> Result<SendRequest<Empty<Bytes>>, FetchError> {
    let mut builder = http1::Builder::new();
    builder.max_headers(ANSWER_FIELDS).max_buf_size(ANSWER_BYTES);
    let (sender, connection) = builder.handshake(TokioIo::new(io)).await.map_err(|error| FetchError::Answer { host: host.clone(), error })?;
    // It ends by itself: when its sender and its answer's body are dropped, or when the far end closes it. What it fails with, they tell.
    tokio::spawn(connection);
    Ok(sender)
}

impl Line<'_> {
    /// Asks for an address with these fields beside those every request has; the head of the answer.
    pub(crate) async fn get(mut self, from: &Web, fields: HeaderMap) -> Result<Response<Incoming>, FetchError> {
        let fail = |error| FetchError::Answer { host: from.host().clone(), error };
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::GET;
        *request.headers_mut() = fields;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Ok(host) = HeaderValue::try_from(from.host_field()) {
            headers.insert(HOST, host);
        }
        let target = match self.reader {
            Some(parent) => {
                if let Some(value) = tunnel::authorization(parent) {
                    headers.insert(PROXY_AUTHORIZATION, value);
                }
                from.as_str()
            }
            None => from.path(),
        };
        *request.uri_mut() = target.parse().unwrap_or_else(|_| Uri::from_static("/"));
        self.sender.send_request(request).await.map_err(fail)
    }
}
