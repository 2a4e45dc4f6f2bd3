//! JSON lines to a web server, signed: each batch is one POST, and any 2xx takes it.
//!
//! `usher-signature` is `v1=` and the HMAC-SHA256, in hexadecimal, of the value of `usher-timestamp` (Unix seconds), a full stop, and the body. Who checks
//! it knows that the batch is this installation's, whole, and not one of last week's. `idempotency-key` is the same when a batch is sent again.
//!
//! [`Hook::post`] sends one body of another form the same way, and gives back what the receiver said.

use super::send::{CONNECT, SendError, TAKE};
use super::{Content, Item};
use crate::library::fetch::Web;
use crate::reach::{self, Roots};
use aws_lc_rs::hmac;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
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

/// The most that is read of the body of an answer, in bytes.
const MOST_SAID: usize = 4096;

/// A web server that takes batches.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Where.
    pub address: Web,
    /// What batches are signed with, if the receiver is to check them.
    pub secret: Option<Secret>,
}

/// One body that is sent.
#[derive(Clone, Copy, Debug)]
pub struct Posting<'a> {
    /// Who sends, as the receiver is told.
    pub name: &'a str,
    /// Its media type.
    pub kind: &'static str,
    /// The same when it is sent again.
    pub key: &'a str,
    /// What it says.
    pub body: &'a [u8],
}

/// What a receiver answered.
#[derive(Clone, Debug)]
pub struct Said {
    /// The status.
    pub status: StatusCode,
    /// The beginning of its body.
    pub body: Vec<u8>,
    /// After how many seconds it wants to be asked again.
    pub retry_after: Option<u64>,
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
        let place = |item: Option<&Item>| item.map_or(0, |item| item.position.0);
        let key = format!("{name}-{}-{}", place(batch.first()), place(batch.last()));
        let posting = Posting { name, kind: "application/x-ndjson", key: &key, body: &body(batch) };
        let status = self.exchange(&posting, roots, now, async |answer| Ok(answer.status())).await?;
        if status.is_success() { Ok(()) } else { Err(SendError::Refused(status)) }
    }

    /// Sends a body, and reads what is answered.
    ///
    /// # Errors
    /// If there is no answer. What the answer means is its caller's to know.
    pub async fn post(&self, posting: &Posting<'_>, roots: &Roots, now: Timestamp) -> Result<Said, SendError> {
        self.exchange(posting, roots, now, said).await
    }

    async fn exchange<T>(
        &self,
        posting: &Posting<'_>,
        roots: &Roots,
        now: Timestamp,
        read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        let (host, port) = (self.address.host(), self.address.port());
        let request = self.request(posting, now);
        let connect = async {
            let tcp = reach::connect(host, port, CONNECT).await?;
            if self.address.is_secure() {
                return Ok(Io(Box::new(reach::secure(tcp, host, roots, &[b"http/1.1"]).await?)));
            }
            Ok::<_, SendError>(Io(Box::new(tcp)))
        };
        let io = timeout(CONNECT, connect).await.map_err(|_| SendError::ConnectTime)??;
        timeout(TAKE, post(io, request, read)).await.map_err(|_| SendError::Stalled)?
    }

    fn request(&self, posting: &Posting<'_>, now: Timestamp) -> Request<Full<Bytes>> {
        let timestamp = now.as_second().to_string();
        let signature = self.secret.as_ref().map(|secret| signature(secret, &timestamp, posting.body));
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(posting.body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.address.path().parse().unwrap_or_else(|_| Uri::from_static("/"));
        let fields = request.headers_mut();
        fields.insert(USER_AGENT, HeaderValue::from_static(crate::library::fetch::AGENT));
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(posting.kind));
        let texts = [
            ("usher-output", Some(posting.name)),
            ("idempotency-key", Some(posting.key)),
            ("usher-timestamp", Some(&*timestamp)),
            ("usher-signature", signature.as_deref()),
        ];
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

async fn post<T>(io: Io, request: Request<Full<Bytes>>, read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, SendError>) -> Result<T, SendError> {
    let mut builder = http1::Builder::new();
    builder.max_headers(ANSWER.1).max_buf_size(ANSWER.0);
    let (mut sender, connection) = builder.handshake(TokioIo::new(io.0)).await?;
    // It ends with its sender and the answer; what it fails with, the sender tells.
    tokio::spawn(connection);
    read(sender.send_request(request).await?).await
}

/// An answer, and the beginning of its body.
async fn said(answer: Response<Incoming>) -> Result<Said, SendError> {
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let (status, mut rest) = (answer.status(), answer.into_body());
    let mut body = Vec::new();
    while body.len() < MOST_SAID
        && let Some(frame) = rest.frame().await
    {
        let data = frame?.into_data().unwrap_or_default();
        body.extend_from_slice(&data[..data.len().min(MOST_SAID - body.len())]);
    }
    Ok(Said { status, body, retry_after })
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
