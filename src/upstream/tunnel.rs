//! A tunnel through the parent proxy: `CONNECT` is asked of it, and only its 2xx opens the tunnel (RFC 9110 section 9.3.6).
//!
//! The head of its answer is at most [`ANSWER_BYTES`] and [`ANSWER_FIELDS`] fields. How long it may take is its caller's to say.

use super::Upstream;
use crate::host::Host;
use bytes::{Bytes, BytesMut};
use http::header::{HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::io;
use tokio::net::TcpStream;

/// The largest head of an answer, in bytes.
pub const ANSWER_BYTES: usize = 32 * 1024;
/// The most fields of an answer's head.
pub const ANSWER_FIELDS: usize = 128;

/// What the parent answered.
#[derive(Debug)]
pub enum Answer {
    /// The tunnel is open.
    Open(Tunnel),
    /// It is not: what the parent says instead.
    Refused(Box<Response<Incoming>>),
}

/// An open tunnel.
#[derive(Debug)]
pub struct Tunnel {
    /// The connection to the parent, which now leads on.
    pub tcp: TcpStream,
    /// Bytes from the far end that came with the parent's answer.
    pub early: BytesMut,
}

/// Why the parent's answer is none.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// What it sends is not HTTP, or ends before its head does.
    #[error("the parent proxy's answer cannot be read: {0}")]
    Answer(#[from] hyper::Error),
    /// The connection cannot be taken over from HTTP.
    #[error("the parent proxy's connection cannot be used: {0}")]
    Connection(io::Error),
}

/// The value of `Proxy-Authorization`, marked as not to be shown.
#[must_use]
pub fn authorization(parent: &Upstream) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(parent.credentials.as_ref()?.basic()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Asks the parent at the far end of `tcp` for a tunnel to `host`. `fields` are sent beside those the request needs.
///
/// # Errors
/// If the parent's answer is no answer.
pub async fn open(tcp: TcpStream, parent: &Upstream, (host, port): (&Host, u16), fields: HeaderMap) -> Result<Answer, TunnelError> {
    let mut builder = http1::Builder::new();
    builder.max_headers(ANSWER_FIELDS).max_buf_size(ANSWER_BYTES);
    let (mut sender, connection) = builder.handshake(TokioIo::new(tcp)).await?;
    // It ends by itself: when the tunnel is taken out of it, or with the body of a refusal.
    tokio::spawn(connection.with_upgrades());
    let mut response = sender.send_request(ask(parent, &host.authority(port), fields)?).await?;
    if !response.status().is_success() {
        return Ok(Answer::Refused(Box::new(response)));
    }
    let upgraded = hyper::upgrade::on(&mut response).await?;
    let unknown = || TunnelError::Connection(io::Error::other("it is not the one that was made"));
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().map_err(|_| unknown())?;
    Ok(Answer::Open(Tunnel { tcp: parts.io.into_inner(), early: BytesMut::from(parts.read_buf) }))
}

fn ask(parent: &Upstream, authority: &str, fields: HeaderMap) -> Result<Request<Empty<Bytes>>, TunnelError> {
    let unspeakable = |error: http::Error| TunnelError::Connection(io::Error::other(error));
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = authority.parse::<Uri>().map_err(|error| unspeakable(error.into()))?;
    *request.headers_mut() = fields;
    request.headers_mut().insert(HOST, HeaderValue::try_from(authority).map_err(|error| unspeakable(error.into()))?);
    if let Some(value) = authorization(parent) {
        request.headers_mut().insert(PROXY_AUTHORIZATION, value);
    }
    Ok(request)
}
