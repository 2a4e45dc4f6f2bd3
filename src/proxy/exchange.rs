//! A request sent to its origin, if need be again on another connection, until the head of an answer comes.
//!
//! One that finds its idle connection just closed is sent again on a new one if it never left, or if it may be repeated and has no body (RFC 9110
//! section 9.2.2); also one that an HTTP/2 origin says it has not looked at, if its body is short ([`super::replay`]). So many times at most: [`TRIES`].
//!
//! What the request is, and what becomes of its answer, is not seen here: that is [`super::forward`]. Where connections come from is [`super::line`].

use super::Worker;
use super::body::{Progress, RequestBody};
use super::conn::Conn;
use super::error::ProxyError;
use super::limits::TRIES;
use super::line::Line;
use super::pool::Origin;
use super::replay::{Again, Replay};
use super::sender::{Failure, Unanswered, goes_on};
use crate::audit::Pending;
use crate::tls::origin::Offer;
use crate::tls::refusal::{ClientCertificate, Refusal};
use http::{HeaderMap, Method, Request, Response, Uri};
use hyper::body::Incoming;
use std::error::Error as _;
use tokio::time::timeout;

/// A request on its way out, and how far its body has come if it has one.
pub(super) struct Upload {
    pub(super) request: Request<RequestBody>,
    pub(super) progress: Option<Progress>,
}

pub(super) fn rebuilt(method: Method, uri: Uri, headers: HeaderMap) -> Request<RequestBody> {
    let mut request = Request::new(RequestBody::Empty);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

/// Why a request was not answered.
pub(super) enum Sent {
    /// It never left: here it is.
    No(Box<Request<RequestBody>>),
    Failed(hyper::Error),
    TooSlow,
}

/// A request to send again: its head, and its body if it has one.
struct Repeatable {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Option<Again>,
}

impl Repeatable {
    fn request(self) -> Option<Request<RequestBody>> {
        let mut request = rebuilt(self.method, self.uri, self.headers);
        if let Some(again) = self.body {
            *request.body_mut() = again.body()?;
        }
        Some(request)
    }
}

impl Worker {
    /// Sends a request, if need be on another connection, and waits for the head of its answer.
    pub(super) async fn exchange(
        &self,
        (line, mut offer, conn): (&Line<'_>, Offer, &Conn),
        ready: Result<Origin, ProxyError>,
        upload: Upload,
        pending: &mut Pending,
    ) -> Result<(Response<Incoming>, Origin), ProxyError> {
        let Upload { mut request, progress } = upload;
        let mut origin = ready?;
        let mut tries = 1;
        loop {
            pending.upstream(origin.address);
            let may_be_stale = origin.used || origin.sender.is_shared();
            let again = if may_be_stale { repeatable(&mut request, origin.sender.is_shared()) } else { None };
            request = match self.send(&mut origin, request, progress.as_ref()).await {
                Ok(response) => return Ok((response, origin)),
                // It never left: an origin may close a connection on which nothing was said for a while.
                Err(Sent::No(unsent)) if (may_be_stale || tries == 1 && !origin.wanted_certificate()) && tries < TRIES => *unsent,
                // It was closed before anything was said.
                Err(Sent::No(_)) if origin.wanted_certificate() => return Err(ProxyError::Tls(Refusal::WantsClientCertificate)),
                Err(Sent::No(_)) => return Err(ProxyError::TooSlow),
                Err(Sent::TooSlow) => {
                    // If nothing comes on it at all, nobody else is to wait for that.
                    origin.sender.retire();
                    return Err(ProxyError::TooSlow);
                }
                Err(Sent::Failed(error)) => {
                    if let Some(cut) = progress.as_ref().and_then(Progress::cut) {
                        return Err(ProxyError::Cut(cut));
                    }
                    let failure = Failure::of(&error);
                    let again = again.filter(|again| tries < TRIES && is_sent_again(failure, origin.used, &again.method));
                    let Some(again) = again.and_then(Repeatable::request) else { return Err(blamed(error, &origin)) };
                    if failure == Failure::WantsHttp1 {
                        self.speaks_http1(line);
                        offer = Offer::Http1;
                    }
                    again
                }
            };
            tries += 1;
            origin.sender.retire();
            origin = match (origin.sender.is_shared(), tries < TRIES) {
                (true, true) => self.ready(line, conn, offer).await?,
                // Whoever was passed over so often, because others were first, has the last to itself.
                (true, false) => Box::pin(self.connect_alone(line, offer)).await?,
                (false, _) => Box::pin(self.connect(line, offer)).await?,
            };
        }
    }

    /// Sends a request on a connection. While a body still moves, the origin may take its time.
    pub(super) async fn send(&self, origin: &mut Origin, request: Request<RequestBody>, progress: Option<&Progress>) -> Result<Response<Incoming>, Sent> {
        let moves = || progress.map_or(0, Progress::moves);
        // Whoever streams to its origin may be answered when it is done.
        let limit = if goes_on(request.headers()) { self.limits.tunnel_idle_time.max(self.limits.answer_time) } else { self.limits.answer_time };
        let mut answer = std::pin::pin!(origin.sender.send(request));
        loop {
            let before = moves();
            match timeout(limit, &mut answer).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(Unanswered::Unsent(request))) => return Err(Sent::No(request)),
                Ok(Err(Unanswered::Failed(error))) => return Err(Sent::Failed(error)),
                Err(_) if progress.is_some_and(|progress| progress.moves_since(before)) => {}
                Err(_) => return Err(Sent::TooSlow),
            }
        }
    }
}

/// Whether a request is sent again after such a failure. `used`: the connection had carried others.
fn is_sent_again(failure: Failure, used: bool, method: &Method) -> bool {
    match failure {
        Failure::NotLookedAt | Failure::WantsHttp1 => true,
        Failure::Ended => used && method.is_idempotent(),
        Failure::Other => false,
    }
}

/// A request fails because of the client if its body does. An origin that wants a certificate says so in TLS 1.3 only when it is first read from, or not
/// at all.
fn blamed(error: hyper::Error, origin: &Origin) -> ProxyError {
    if error.is_user() || is_taken_back(&error) {
        return ProxyError::Client(error);
    }
    let asked = if origin.wanted_certificate() { ClientCertificate::Asked } else { ClientCertificate::NotAsked };
    let is_first = asked == ClientCertificate::Asked && !origin.used;
    match Refusal::of_later(&error, asked) {
        Some(why @ Refusal::WantsClientCertificate) => ProxyError::Tls(why),
        None if is_first => ProxyError::Tls(Refusal::WantsClientCertificate),
        Some(_) | None => ProxyError::Origin(error),
    }
}

/// Whether a request was taken back over HTTP/2: hyper does so when its body fails, and tells the same as where the origin resets it.
fn is_taken_back(error: &hyper::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_reset() && !error.is_remote() && !error.is_library();
        }
        cause = error.source();
    }
    false
}

/// What it takes to send a request again. On a `shared` connection also one with a body may be refused unseen.
fn repeatable(request: &mut Request<RequestBody>, shared: bool) -> Option<Repeatable> {
    let body = std::mem::replace(request.body_mut(), RequestBody::Empty);
    let (body, again) = match body {
        RequestBody::Empty => (RequestBody::Empty, None),
        body @ (RequestBody::Client(_) | RequestBody::Scanned(_) | RequestBody::Replay(_) | RequestBody::Held(_)) if !shared => {
            *request.body_mut() = body;
            return None;
        }
        RequestBody::Replay(body) => {
            let again = body.again();
            (RequestBody::Replay(body), Some(again))
        }
        body @ (RequestBody::Client(_) | RequestBody::Scanned(_) | RequestBody::Held(_)) => {
            let body = Replay::of(body);
            let again = body.again();
            (RequestBody::Replay(body), Some(again))
        }
    };
    *request.body_mut() = body;
    Some(Repeatable { method: request.method().clone(), uri: request.uri().clone(), headers: request.headers().clone(), body: again })
}
