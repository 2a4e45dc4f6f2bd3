//! JSON lines to a web server, signed: each batch is one POST, and any 2xx takes it.
//!
//! `usher-signature` is `v1=` and the HMAC-SHA256, in hexadecimal, of the value of `usher-timestamp` (Unix seconds), a full stop, and the body. Who checks
//! it knows that the batch is this installation's, whole, and not one of last week's. `idempotency-key` is the same when a batch is sent again.

use super::send::{CONNECT, SendError, TAKE};
use super::{Content, Item};
use crate::library::fetch::Web;
use crate::reach::{self, Roots};
use aws_lc_rs::hmac;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;
use std::fmt::Write as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// The largest head of an answer, in bytes, and its most fields.
const ANSWER: (usize, usize) = (32 * 1024, 128);

/// A web server that takes batches.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Where.
    pub address: Web,
    /// What batches are signed with, if the receiver is to check them.
    pub secret: Option<Secret>,
}

/// A secret that both sides know.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A line of a batch.
#[derive(Serialize)]
struct Line<'a, T> {
    what: &'static str,
    class: Option<&'static str>,
    position: u64,
    #[serde(flatten)]
    rest: &'a T,
}

/// The lines of a batch.
fn body(batch: &[Item]) -> Vec<u8> {
    let mut body = Vec::with_capacity(batch.len() * 1024);
    for item in batch {
        let position = item.position.0;
        let written = match &item.content {
            Content::Record(class, row) => {
                serde_json::to_writer(&mut body, &Line { what: "record", class: Some(class.as_str()), position, rest: row.as_ref() })
            }
            Content::Notice(notice) => serde_json::to_writer(&mut body, &Line { what: notice.what.as_str(), class: None, position, rest: notice }),
        };
        // Neither writing to memory nor these types can fail to serialise.
        debug_assert!(written.is_ok());
        body.push(b'\n');
    }
    body
}

/// The signature of a body sent at a time.
#[must_use]
pub fn signature(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(timestamp.as_bytes());
    context.update(b".");
    context.update(body);
    context.sign().as_ref().iter().fold(String::from("v1="), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Hook {
    /// Sends a batch; when this returns `Ok` it was taken.
    pub(super) async fn send(&self, name: &str, batch: &[Item], roots: &Roots, now: Timestamp) -> Result<(), SendError> {
        let (host, port) = (self.address.host(), self.address.port());
        let request = self.request(name, batch, now);
        let connect = async {
            let tcp = reach::connect(host, port, CONNECT).await?;
            if self.address.is_secure() {
                return Ok(Io(Box::new(reach::secure(tcp, host, roots, &[b"http/1.1"]).await?)));
            }
            Ok::<_, SendError>(Io(Box::new(tcp)))
        };
        let io = timeout(CONNECT, connect).await.map_err(|_| SendError::ConnectTime)??;
        timeout(TAKE, post(io, request)).await.map_err(|_| SendError::Stalled)?
    }

    fn request(&self, name: &str, batch: &[Item], now: Timestamp) -> Request<Full<Bytes>> {
        let (body, timestamp) = (body(batch), now.as_second().to_string());
        let signature = self.secret.as_ref().map(|secret| signature(secret, &timestamp, &body));
        let place = |item: Option<&Item>| item.map_or(0, |item| item.position.0);
        let key = format!("{name}-{}-{}", place(batch.first()), place(batch.last()));
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.address.path().parse().unwrap_or_else(|_| Uri::from_static("/"));
        let fields = request.headers_mut();
        fields.insert(USER_AGENT, HeaderValue::from_static(crate::library::fetch::AGENT));
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        let texts =
            [("usher-output", Some(name)), ("idempotency-key", Some(&*key)), ("usher-timestamp", Some(&*timestamp)), ("usher-signature", signature.as_deref())];
        for (field, text) in texts {
            if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
                fields.insert(field, value);
            }
        }
        if let Ok(host) = HeaderValue::try_from(self.address.host_field()) {
            fields.insert(HOST, host);
        }
        request
    }
}

async fn post(io: Io, request: Request<Full<Bytes>>) -> Result<(), SendError> {
    let mut builder = http1::Builder::new();
    builder.max_headers(ANSWER.1).max_buf_size(ANSWER.0);
    let (mut sender, connection) = builder.handshake(TokioIo::new(io.0)).await?;
    // It ends with its sender and the answer; what it fails with, the sender tells.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    if answer.status().is_success() { Ok(()) } else { Err(SendError::Refused(answer.status())) }
}

/// A connection, with or without TLS.
struct Io(Box<dyn Both>);

trait Both: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Both for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_hmac_sha256_over_time_and_body() {
        // printf '1795356000.{"a":1}\n' | openssl dgst -sha256 -hmac secret
        let signed = signature(&Secret("secret".into()), "1795356000", b"{\"a\":1}\n");
        assert_eq!(signed, "v1=23074a691c2d18128a380b41b445861f41e30d41ac6c039c5ada5eff8a93028e");
        assert_ne!(signed, signature(&Secret("secret".into()), "1795356001", b"{\"a\":1}\n"));
        assert!(!format!("{:?}", Secret("hush".into())).contains("hush"));
    }
}
