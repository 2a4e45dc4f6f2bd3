//! Where requests for an origin are handed over: a connection for one at a time (HTTP/1.1), or one that many share (HTTP/2).
//!
//! A request is made as for HTTP/1.1. `speak` says the same in the other, each time it is sent, since the next connection may speak another.

use super::body::RequestBody;
use super::shared::Share;
use http::header::{CONNECTION, EXPECT, HOST, HeaderMap, HeaderValue, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use std::error::Error as _;
use std::io;

/// Where requests are handed over.
pub enum Sender {
    /// To a connection that is this request's until it is answered.
    Alone(http1::SendRequest<RequestBody>),
    /// To one that others use at once.
    Shared(Box<Share>),
}

impl Sender {
    /// Whether nothing can be sent any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Alone(sender) => sender.is_closed(),
            Self::Shared(share) => share.is_closed(),
        }
    }

    /// Whether others use the connection at once.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// Waits until a request can be sent.
    ///
    /// # Errors
    /// If none ever will.
    pub async fn ready(&mut self) -> hyper::Result<()> {
        match self {
            Self::Alone(sender) => sender.ready().await,
            Self::Shared(share) => share.sender().ready().await,
        }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// Why there is none, or the request if it never left.
    pub async fn send(&mut self, mut request: Request<RequestBody>) -> Result<Response<Incoming>, Unanswered> {
        speak(&mut request, self.is_shared());
        let answered = match self {
            Self::Alone(sender) => sender.try_send_request(request).await,
            // Its origin has said goodbye since: it would not be looked at.
            Self::Shared(share) if share.is_closed() => return Err(Unanswered::Unsent(Box::new(request))),
            Self::Shared(share) => {
                request.body_mut().open();
                share.sender().try_send_request(request).await
            }
        };
        answered.map_err(|mut error: TrySendError<_>| match error.take_message() {
            Some(request) => Unanswered::Unsent(Box::new(request)),
            None => Unanswered::Failed(error.into_error()),
        })
    }

    /// Gives the connection to no further request.
    pub fn retire(&self) {
        match self {
            Self::Alone(_) => {}
            Self::Shared(share) => share.retire(),
        }
    }
}

/// Why a request has no answer.
pub enum Unanswered {
    /// It never left: here it is.
    Unsent(Box<Request<RequestBody>>),
    /// It failed.
    Failed(hyper::Error),
}

/// What a failure to get an answer says of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The origin has not looked at it, and says so (RFC 9113 sections 5.1.2 and 6.8): it may be sent again, whatever it is.
    NotLookedAt,
    /// The origin wants it over HTTP/1.1 (RFC 9113 section 7).
    WantsHttp1,
    /// The connection ended before an answer began: an idle one may have been about to.
    Ended,
    /// Anything else.
    Other,
}

impl Failure {
    /// What an error of hyper's says.
    #[must_use]
    pub fn of(error: &hyper::Error) -> Self {
        if error.is_incomplete_message() || error.is_canceled() {
            return Self::Ended;
        }
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<h2::Error>() {
                return Self::of_http2(error);
            }
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return if is_end(error) { Self::Ended } else { Self::Other };
            }
            cause = error.source();
        }
        Self::Other
    }

    fn of_http2(error: &h2::Error) -> Self {
        match error.reason() {
            Some(h2::Reason::HTTP_1_1_REQUIRED) => Self::WantsHttp1,
            Some(h2::Reason::REFUSED_STREAM) => Self::NotLookedAt,
            // A request the origin says it has looked at is not failed by this; it waits for its answer, or the connection ends.
            Some(_) if error.is_go_away() && error.is_remote() => Self::NotLookedAt,
            Some(_) => Self::Other,
            None if error.get_io().is_some_and(is_end) => Self::Ended,
            None => Self::Other,
        }
    }
}

/// A connection that ended, in TLS also without the word that it would (`close_notify`).
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected)
}

/// Says a request as the connection it goes out on speaks.
fn speak<B>(request: &mut Request<B>, http2: bool) {
    if http2 { speak_http2(request) } else { speak_http1(request) }
}

/// The site is in the address; there are no fields of the connection, and `TE: trailers` needs none (RFC 9113 section 8.2.2).
fn speak_http2<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    headers.remove(CONNECTION);
    // Nothing here hears a 100.
    headers.remove(EXPECT);
    let Some(host) = headers.remove(HOST) else { return };
    if let Ok(authority) = Authority::try_from(host.as_bytes()) {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        if let Ok(uri) = Uri::builder().scheme(Scheme::HTTPS).authority(authority).path_and_query(path).build() {
            *request.uri_mut() = uri;
        }
    }
}

/// What was said as in HTTP/2 is said again as in HTTP/1.1. Anything else stays.
fn speak_http1<B>(request: &mut Request<B>) {
    if request.headers().contains_key(HOST) {
        return;
    }
    let Some(host) = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) else { return };
    *request.uri_mut() = request.uri().path_and_query().cloned().map_or_else(Uri::default, Uri::from);
    let headers = request.headers_mut();
    headers.insert(HOST, host);
    if headers.contains_key(TE) {
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Whether a body goes on for as long as there is something to tell (server-sent events, gRPC): it may be still for as long as a tunnel.
#[must_use]
pub fn goes_on(headers: &HeaderMap) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let begins = |wanted: &[u8]| kind.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
    begins(b"text/event-stream") || begins(b"application/grpc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, fields: &[(&str, &str)]) -> Request<()> {
        let builder = fields.iter().fold(Request::builder().uri(uri), |builder, (name, value)| builder.header(*name, *value));
        builder.body(()).expect("a request")
    }

    fn said(request: &Request<()>) -> (String, Vec<String>) {
        let mut fields: Vec<_> = request.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
        fields.sort();
        (request.uri().to_string(), fields)
    }

    #[test]
    fn a_request_is_said_in_either_and_back_again() {
        for (path, host) in [("/a?b", "a.example"), ("/", "a.example:8443"), ("/", "[2001:db8::1]:8443"), ("*", "a.example")] {
            let mut one = request(path, &[("host", host), ("connection", "te"), ("te", "trailers"), ("accept", "*/*")]);
            let first = said(&one);
            speak(&mut one, true);
            let address = if path == "*" { format!("https://{host}*") } else { format!("https://{host}{path}") };
            assert_eq!(one.uri().path_and_query().map(PathAndQuery::as_str), Some(path));
            assert_eq!(said(&one), (address, vec!["accept: */*".to_owned(), "te: trailers".to_owned()]));
            speak(&mut one, false);
            assert_eq!(said(&one), first);
            speak(&mut one, false);
            assert_eq!(said(&one), first, "once is enough");
        }
    }

    #[test]
    fn what_goes_to_a_parent_stays_as_it_is() {
        let mut one = request("http://a.example/", &[("host", "a.example"), ("connection", "upgrade")]);
        let first = said(&one);
        speak(&mut one, false);
        assert_eq!(said(&one), first);
    }

    #[test]
    fn streams_are_known_by_their_type() {
        for (kind, goes) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("text/html", false),
            ("", false),
        ] {
            assert_eq!(goes_on(request("/", &[("content-type", kind)]).headers()), goes, "{kind}");
        }
    }

    #[test]
    fn a_failure_tells_whether_to_ask_again() {
        for (reason, failure) in [
            (h2::Reason::REFUSED_STREAM, Failure::NotLookedAt),
            (h2::Reason::HTTP_1_1_REQUIRED, Failure::WantsHttp1),
            (h2::Reason::PROTOCOL_ERROR, Failure::Other),
            (h2::Reason::NO_ERROR, Failure::Other),
        ] {
            assert_eq!(Failure::of_http2(&reason.into()), failure, "{reason}");
        }
        for (kind, ended) in [(io::ErrorKind::UnexpectedEof, true), (io::ErrorKind::ConnectionReset, true), (io::ErrorKind::InvalidData, false)] {
            assert_eq!(is_end(&kind.into()), ended, "{kind}");
        }
    }
}
