//! Sending an allowed request to its origin, and the origin's answer back.
//!
//! Nothing is collected: bodies stream both ways. A request goes out on an idle connection if there is one, else on a new one. One that finds its
//! idle connection just closed is sent again on a new one if it never left, or if it may be repeated and has no body (RFC 9110
//! section 9.2.2).

use super::Worker;
use super::body::{AnswerBody, ClientBody, Gate, Home, Relay, RequestBody};
use super::conn::Conn;
use super::connect::origin_end;
use super::dial::DialError;
use super::error::ProxyError;
use super::headers::{
    Wishes, ask_for_readable, count_down, head_bytes, is_websocket, logs_in_a_connection, say_logins_work, set_host, strip_request, strip_response,
};
use super::line::Line;
use super::meaning::Entry;
use super::pool::Origin;
use super::reading::{Case, Whole};
use super::request::{Answer, Asked};
use super::target::Target;
use crate::audit::Pending;
use crate::policy::{ForwardPermit, OnHit};
use http::header::{ALT_SVC, EXPECT};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::ext::on_informational;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A request whose method may be repeated (RFC 9110 section 9.2.2) and that has no body: its head, to send again.
type Repeatable = Option<(Method, Uri, HeaderMap)>;

impl Worker {
    /// Puts a request on record, sends it where its permit leads, and answers with what comes back.
    pub(super) async fn forward(
        self: &Arc<Self>,
        mut asked: Asked,
        permit: ForwardPermit,
        target: Target,
        mut request: Request<Incoming>,
        entry: Entry,
    ) -> Answer {
        let hop = if count_down(&asked.method, &mut asked.headers) { Hop::On } else { Hop::Last };
        let conn = asked.conn.clone();
        // Requests for https come in connections whose TLS ends here, and in no others.
        let secure = conn.inside.as_ref().map(|inside| &*inside.inspector);
        let line = self.way(permit.into_destination()).map(|way| Line::new(way, secure)).map_err(|forbidden| ProxyError::from(DialError::from(forbidden)));
        let ready = async {
            match (&line, hop) {
                (Ok(line), Hop::On) => Some(self.ready(line, &conn).await),
                (Ok(_), Hop::Last) | (Err(_), _) => None,
            }
        };
        let opening = asked.reading.is_some().then(|| entry.opening.clone());
        // Both at once: nothing is said to the origin before the record is committed, and the wait for the disk is behind the wait for the site.
        let (mut pending, ready) = match self.beside(self.open_record(&asked, entry), ready).await {
            Ok(both) => both,
            Err(answer) => return answer,
        };
        let Target::Page { url, port, path } = &target else { return self.failed(&asked, &ProxyError::Loop, pending) };
        let line = match line {
            Ok(line) => line,
            Err(error) => return self.failed(&asked, &error, pending),
        };
        let Some(ready) = ready else { return self.answer_last_hop(&asked, &target, pending) };
        let wishes = strip_request(&mut asked.headers);
        let logs_in = logs_in_a_connection(&asked.headers);
        let is_v6 = url.host.address().is_some_and(|address| address.is_ipv6());
        set_host(&mut asked.headers, url.host.as_str(), is_v6, *port);
        self.via.add(&mut asked.headers, asked.version);
        let client = wishes.websocket.then(|| hyper::upgrade::on(&mut request));
        let uri = line.address(path, &mut asked.headers);
        let shape = asked.shape();
        if asked.reading.is_some() {
            ask_for_readable(&mut asked.headers, self.is_crowded());
        }
        let mut upload = self.upload(&mut asked, uri, request.into_body(), &mut pending);
        asked.headers = shape;
        let case = opening.map(|opening| Case { opening, target: &target });
        let overheard = match &case {
            Some(case) => match self.read_upload(&asked, case, &mut upload).await {
                Ok(overheard) => overheard,
                Err(found) => return self.withheld(&asked, case, &found, pending).await,
            },
            None => None,
        };
        let whole = Whole::of(&asked, &upload);
        let exchanged = self.exchange(&line, ready, upload, &mut pending).await;
        let exchanged = match (whole, exchanged) {
            (Some(whole), Ok((response, _))) if whole.is_wanted_for(&response) => {
                let again = self.connect(&line).await;
                self.exchange(&line, again, whole.into_upload(), &mut pending).await
            }
            (_, exchanged) => exchanged,
        };
        let overheard = overheard.and_then(|overheard| overheard.lock().clone());
        let exchanged = match (exchanged, overheard, &case) {
            (Err(_), Some(found), Some(case)) if found.on_hit > OnHit::Note => return self.cut_off(&asked, case, &found, pending),
            (exchanged, found, _) => {
                found.into_iter().for_each(|found| pending.add_note(found.on_record()));
                exchanged
            }
        };
        match exchanged {
            Ok((response, mut origin)) => match line.refusal(response.status()) {
                Some(refusal) => self.failed(&asked, &refusal.into(), pending),
                None => {
                    origin.bound |= logs_in;
                    self.note_redirect(&asked, &target, &response);
                    self.relay(&asked, (wishes, client), response, (line, origin), case, pending).await
                }
            },
            Err(error) => self.failed(&asked, &error, pending),
        }
    }

    /// The request as it goes to the origin. `asked` keeps no fields.
    fn upload(&self, asked: &mut Asked, uri: Uri, body: Incoming, pending: &mut Pending) -> Upload {
        let mut request = Request::new(RequestBody::Empty);
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = std::mem::take(&mut asked.headers);
        let continues = asked.version != Version::HTTP_10;
        let waits = continues && request.headers().get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        if !waits {
            request.headers_mut().remove(EXPECT);
        }
        let mut progress = None;
        let mut opened = None;
        if !body.is_end_stream() {
            let count = pending.received();
            progress = Some(count.clone());
            let gate = waits.then(|| {
                let (open, gate) = oneshot::channel();
                opened = Some(open);
                Gate::new(gate)
            });
            *request.body_mut() = RequestBody::Client(Box::new(ClientBody { inner: body, count, gate }));
        }
        if continues {
            pass_on_interim(&mut request, asked.conn.clone(), opened);
        }
        Upload { request, progress }
    }

    /// Sends a request, if need be on a new connection, and waits for the head of its answer.
    async fn exchange(
        &self,
        line: &Line<'_>,
        ready: Result<Origin, ProxyError>,
        upload: Upload,
        pending: &mut Pending,
    ) -> Result<(Response<Incoming>, Origin), ProxyError> {
        let Upload { mut request, progress } = upload;
        let mut origin = ready?;
        pending.upstream(origin.address);
        if origin.used {
            let again = repeatable(&request);
            match self.send(&mut origin, request, progress.as_ref()).await {
                Ok(response) => return Ok((response, origin)),
                Err(Sent::No(unsent)) => request = *unsent,
                Err(Sent::Failed(error)) => match again.filter(|_| error.is_incomplete_message() || error.is_canceled()) {
                    Some((method, uri, headers)) => request = rebuilt(method, uri, headers),
                    None => return Err(blamed(error)),
                },
                Err(Sent::TooSlow) => return Err(ProxyError::TooSlow),
            }
            origin = self.connect(line).await?;
            pending.upstream(origin.address);
        }
        match self.send(&mut origin, request, progress.as_ref()).await {
            Ok(response) => Ok((response, origin)),
            Err(Sent::Failed(error)) => Err(blamed(error)),
            Err(Sent::No(_) | Sent::TooSlow) => Err(ProxyError::TooSlow),
        }
    }

    /// Sends a request on a connection. While a body still moves, the origin may take its time.
    async fn send(&self, origin: &mut Origin, request: Request<RequestBody>, progress: Option<&Arc<AtomicU64>>) -> Result<Response<Incoming>, Sent> {
        let sent = || progress.map_or(0, |count| count.load(Ordering::Relaxed));
        let mut answer = std::pin::pin!(origin.sender.try_send_request(request));
        loop {
            let before = sent();
            match timeout(self.limits.answer_time, &mut answer).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(mut error)) => {
                    let unsent = error.take_message();
                    return Err(unsent.map_or_else(|| Sent::Failed(error.into_error()), |request| Sent::No(Box::new(request))));
                }
                Err(_) if sent() > before => {}
                Err(_) => return Err(Sent::TooSlow),
            }
        }
    }

    /// The origin's answer as it goes to the client.
    async fn relay(
        self: &Arc<Self>,
        asked: &Asked,
        (wishes, client): (Wishes, Option<hyper::upgrade::OnUpgrade>),
        mut response: Response<Incoming>,
        (line, origin): (Line<'_>, Origin),
        case: Option<Case<'_>>,
        mut pending: Pending,
    ) -> Answer {
        pending.status(response.status());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match client.filter(|_| is_websocket(response.headers())) {
                Some(client) => self.switch(asked, response, client, pending),
                // Nobody asked for it: the origin is at fault.
                None => self.failed(asked, &ProxyError::Switched, pending),
            };
        }
        let version = response.version();
        strip_response(response.headers_mut(), false);
        if asked.conn.inside.is_some() {
            // It leads browsers past the proxy (RFC 7838).
            response.headers_mut().remove(ALT_SVC);
        }
        if !wishes.trailers {
            response.headers_mut().remove(http::header::TRAILER);
        }
        self.via.add(response.headers_mut(), version);
        say_logins_work(response.headers_mut());
        let home = if origin.bound { Home::Client(asked.conn.clone(), line.far()) } else { self.home_of(&line) };
        let (mut head, body) = response.into_parts();
        head.version = Version::HTTP_11;
        let relay = Relay::new(body, origin, home, self.limits.stall_time);
        self.read_answer(asked, case, (head, relay), pending).await
    }

    fn switch(&self, asked: &Asked, mut response: Response<Incoming>, client: hyper::upgrade::OnUpgrade, pending: Pending) -> Answer {
        let origin = hyper::upgrade::on(&mut response);
        strip_response(response.headers_mut(), true);
        self.via.add(response.headers_mut(), Version::HTTP_11);
        let origin = async move { origin_end(origin.await.map_err(std::io::Error::other)?) };
        self.spawn_tunnel(asked.conn.clone(), client, origin, pending);
        response.map(|_| AnswerBody::switching())
    }
}

/// Whether a request may go on (`Max-Forwards`, RFC 9110 section 7.6.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hop {
    On,
    /// It is answered here.
    Last,
}

/// A request on its way out, with a count of its body's bytes if it has one.
pub(super) struct Upload {
    pub(super) request: Request<RequestBody>,
    pub(super) progress: Option<Arc<AtomicU64>>,
}

/// Why a request was not answered.
enum Sent {
    /// It never left: here it is.
    No(Box<Request<RequestBody>>),
    Failed(hyper::Error),
    TooSlow,
}

/// A request fails because of the client if its body does.
fn blamed(error: hyper::Error) -> ProxyError {
    if error.is_user() { ProxyError::Client(error) } else { ProxyError::Origin(error) }
}

fn repeatable(request: &Request<RequestBody>) -> Repeatable {
    let once = !request.method().is_idempotent() || !matches!(request.body(), RequestBody::Empty);
    (!once).then(|| (request.method().clone(), request.uri().clone(), request.headers().clone()))
}

pub(super) fn rebuilt(method: Method, uri: Uri, headers: HeaderMap) -> Request<RequestBody> {
    let mut request = Request::new(RequestBody::Empty);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}

/// Passes interim answers on to the client (RFC 9110 section 15.2). `100 Continue` opens the way for the body instead: reading the body makes
/// the client's side say it.
fn pass_on_interim(request: &mut Request<RequestBody>, conn: Arc<Conn>, opened: Option<oneshot::Sender<()>>) {
    let opened = Mutex::new(opened);
    on_informational(request, move |interim| {
        if interim.status() == StatusCode::CONTINUE {
            if let Some(open) = opened.lock().take() {
                // Nobody waits any more if the body was given up.
                let _ = open.send(());
            }
            return;
        }
        let mut headers = interim.headers().clone();
        strip_response(&mut headers, false);
        conn.send_interim(&head_bytes(interim.status(), &headers));
    });
}
