//! Sending an allowed request to its origin, and the origin's answer back.
//!
//! Nothing is collected: bodies stream both ways. A request goes out on an idle connection if there is one, else on a new one, and is sent again where that
//! is no harm: that is `exchange`.
//!
//! What few requests need, and takes much room, is boxed where it begins: every request is moved once with the room of all it might come to.

use super::Worker;
use super::body::{AnswerBody, ClientBody, Gate, HeldBody, Home, Patience, Progress, Relay, RequestBody};
use super::conn::Conn;
use super::connect::origin_end;
use super::dial::DialError;
use super::error::ProxyError;
use super::exchange::{Upload, rebuilt};
use super::headers::{
    Wishes, ask_for_readable, asks_for_a_connection, asks_websocket, count_down, head_bytes, is_websocket, logs_in_a_connection, say_logins_work, set_host,
    strip_request, strip_response,
};
use super::judge::Sentence;
use super::line::Line;
use super::meaning::Entry;
use super::pace::Leash;
use super::pool::Origin;
use super::reading::Case;
use super::request::{Answer, Asked};
use super::sender::goes_on;
use super::sequel::{Heard, Listener};
use super::sockets::Plan;
use super::streams::OnlyHttp1;
use super::target::Target;
use super::websocket;
use super::whole::Whole;
use crate::audit::{Outcome, Pending};
use crate::policy::{ForwardPermit, OnHit};
use crate::tls::exception::Exception;
use crate::tls::origin::Offer;
use http::header::{ALT_SVC, EXPECT};
use http::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::ext::on_informational;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

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
        let brief = self.file_brief(&mut asked, &target, &entry.opening);
        let upload = self.upload_brief(&asked, &target, &entry.opening, request.body());
        let hop = if count_down(&asked.method, &mut asked.headers) { Hop::On } else { Hop::Last };
        let conn = asked.conn.clone();
        // Requests for https come in connections whose TLS ends here, and in no others.
        let secure = conn.inside.as_ref().map(|inside| &*inside.inspector);
        let logs_in = logs_in_a_connection(&asked.headers);
        // What is logged in is a connection, and WebSocket has one for itself.
        let offer = if logs_in || asks_websocket(&asked.headers) { Offer::Http1 } else { Offer::Both };
        let (to, changes) = permit.into_parts();
        asked.changes = changes;
        let line = self.way(to).map(|way| Line::new(way, secure)).map_err(|forbidden| ProxyError::from(DialError::from(forbidden)));
        let ready = async {
            match (&line, hop) {
                (Ok(line), Hop::On) => Some(self.ready(line, &conn, offer).await),
                (Ok(_), Hop::Last) | (Err(_), _) => None,
            }
        };
        let leash = Leash::of_record(self.reins.clone(), entry.opening.clone());
        let case = Case { opening: entry.opening.clone(), target: &target };
        let (mut pending, ready, held) = match (upload, &line) {
            // Nothing is said to the origin before what is to be sent is judged.
            (Some(upload), _) => match Box::pin(self.hold_upload(&upload, &mut asked, entry, request.body_mut())).await {
                Ok((mut pending, held)) => {
                    let ready = ready.await;
                    excused(ready.as_ref()).for_each(|exception| pending.add_note(exception.on_record()));
                    (pending, ready, Some(held))
                }
                Err(answer) => return answer,
            },
            // By what its certificate is excused is on record before anything is asked of it, and known once it has shown it.
            (None, Ok(line)) if line.may_be_excused() && !self.recorder.is_failing() => {
                let ready = ready.await;
                let entry = excused_entry(entry, excused(ready.as_ref()));
                match self.open_record(&asked, entry).await {
                    Ok(pending) => (pending, ready, None),
                    Err(answer) => return answer,
                }
            }
            // Both at once: nothing is said to the origin before the record is committed, and the wait for the disk is behind the wait for the site.
            (None, _) => match self.beside(self.open_record(&asked, entry), ready).await {
                Ok((pending, ready)) => (pending, ready, None),
                Err(answer) => return answer,
            },
        };
        let Target::Page { url, port, path } = &target else { return self.failed(&asked, &ProxyError::Loop, pending) };
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                // What was held and is not sent on was asked all the same.
                return match self.record_heard(&asked, held.and_then(|(_, heard)| heard), error.outcome(), pending).await {
                    Ok(pending) => self.failed(&asked, &error, pending),
                    Err(answer) => answer,
                };
            }
        };
        let Some(ready) = ready else { return self.answer_last_hop(&asked, &target, pending) };
        if !asked.ways.is_empty() {
            self.remark_ways(&asked, &case.opening, &mut pending);
        }
        if logs_in && conn.is_stream() {
            return match self.record_heard(&asked, held.and_then(|(_, heard)| heard), Outcome::Abandoned, pending).await {
                Ok(pending) => over_http1(&asked, pending),
                Err(answer) => answer,
            };
        }
        let wishes = strip_request(&mut asked.headers);
        let is_v6 = url.host.address().is_some_and(|address| address.is_ipv6());
        set_host(&mut asked.headers, url.host.as_str(), is_v6, *port);
        self.via.add(&mut asked.headers, asked.version);
        let key = if conn.is_stream() { websocket::expected(&asked.headers) } else { None };
        let client = wishes.websocket.then(|| {
            let plan = self.socket(&mut asked, &target, &case.opening);
            Switching { client: hyper::upgrade::on(&mut request), key, plan }
        });
        let path = asked.changes.apply(url, path, &mut asked.headers);
        let uri = line.address(&path, &mut asked.headers);
        if asked.reading.is_some() || brief.is_some() {
            ask_for_readable(&mut asked.headers);
        }
        self.make_ready_to_hear(&mut asked, &mut pending).await;
        let body = (request.into_body(), Leash::of_record(self.reins.clone(), case.opening.clone()));
        let (mut upload, heard) = self.upload(&mut asked, uri, body, held, &mut pending);
        let overheard = match asked.reading {
            Some(_) => match Box::pin(self.read_upload(&asked, &case, &mut upload, heard.is_some())).await {
                Ok(overheard) => overheard,
                Err(found) => {
                    asked.recall_form();
                    return match self.record_heard(&asked, heard, Outcome::Withheld, pending).await {
                        Ok(pending) => Box::pin(self.withheld(&asked, &case, &found, pending)).await,
                        Err(answer) => answer,
                    };
                }
            },
            None => None,
        };
        let whole = Whole::of(&asked, &mut upload, logs_in);
        let exchanged = self.exchange((&line, offer, &conn), ready, upload, &mut pending).await;
        let exchanged = match (whole, exchanged) {
            (Some(whole), Ok(part)) if whole.is_wanted_for(&part.0) => Box::pin(self.ask_for_whole(whole, part, (&line, offer, &conn), &mut pending)).await,
            (_, exchanged) => exchanged,
        };
        if asked.reading.is_some() || exchanged.as_ref().map_or(true, |(response, _)| response.status().is_redirection()) {
            asked.recall_form();
        }
        let became = exchanged.as_ref().map_or_else(ProxyError::outcome, |_| Outcome::Complete);
        pending = match self.record_heard(&asked, heard, became, pending).await {
            Ok(pending) => pending,
            Err(answer) => return answer,
        };
        let overheard = overheard.and_then(|overheard| overheard.lock().clone());
        let exchanged = match (exchanged, overheard) {
            (Err(_), Some(found)) if found.on_hit > OnHit::Note => return self.cut_off(&asked, &case, &found, pending),
            (exchanged, found) => {
                found.into_iter().for_each(|found| found.note(&mut pending));
                exchanged
            }
        };
        match exchanged {
            Ok((response, mut origin)) => match line.refusal(response.status()) {
                Some(refusal) => self.failed(&asked, &refusal.into(), pending),
                None => {
                    origin.bound |= logs_in;
                    if let Some(refusal) = self.refuse_to_lead(&asked, &target, &response, &mut pending).await {
                        return refusal;
                    }
                    if let Some(reason) = self.at_answer(&asked, &case.opening, response.headers(), &mut pending) {
                        asked.recall_form();
                        return Box::pin(self.withheld(&asked, &case, &Sentence { on_hit: OnHit::Withhold, reason }, pending)).await;
                    }
                    self.note_redirect(&asked, &target, &response);
                    let answer = self.relay(&asked, (wishes, client), response, (line, origin), (pending, leash));
                    let answer = match brief {
                        Some(brief) => Box::pin(self.judge_file(brief, &asked, answer)).await,
                        None => answer,
                    };
                    match self.readers(&asked, &case, &answer) {
                        Some(readers) => Box::pin(self.read_answer(&asked, case, answer, readers)).await,
                        None => answer,
                    }
                }
            },
            Err(error) => self.failed_at_origin(&asked, &target, &error, pending),
        }
    }

    /// How long a body of this type may be still.
    fn still_time(&self, headers: &HeaderMap) -> Duration {
        if goes_on(headers) { self.limits.tunnel_idle_time.max(self.limits.stall_time) } else { self.limits.stall_time }
    }

    /// The request as it goes to the origin. `asked` keeps no fields.
    fn upload(
        &self,
        asked: &mut Asked,
        uri: Uri,
        (body, leash): (Incoming, Leash),
        held: Option<(HeldBody, Option<Heard>)>,
        pending: &mut Pending,
    ) -> (Upload, Option<Heard>) {
        let mut request = rebuilt(asked.method.clone(), uri, std::mem::take(&mut asked.headers));
        let continues = asked.version != Version::HTTP_10;
        let waits = continues && request.headers().get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        if !waits {
            request.headers_mut().remove(EXPECT);
        }
        let mut progress = None;
        let mut opened = None;
        let limit = self.still_time(request.headers());
        let asking = asked.sequel.as_mut().filter(|_| held.is_none() && !body.is_end_stream()).and_then(|sequel| sequel.asking.take());
        let (listener, mut heard) = asking.map(|asking| Listener::new(asking, &self.recorder, pending.id())).unzip();
        if let Some((held, heard_before)) = held {
            heard = heard_before;
            progress = Some(Progress::of(held.sent.clone()));
            *request.body_mut() = RequestBody::Held(Box::new(held));
        } else if !body.is_end_stream() {
            let come = Progress::of(pending.received());
            progress = Some(come.clone());
            // A connection with one request at a time watches by itself.
            let patience = asked.conn.is_stream().then(|| Patience::new(limit));
            let gate = waits.then(|| {
                let (open, gate) = oneshot::channel();
                opened = Some(open);
                Gate::new(gate)
            });
            *request.body_mut() = RequestBody::Client(Box::new(ClientBody { inner: body, progress: come, leash, gate, patience, listener }));
        }
        if continues {
            pass_on_interim(&mut request, asked.conn.clone(), opened);
        }
        (Upload { request, progress }, heard)
    }

    /// The origin's answer as it goes to the client.
    fn relay(
        self: &Arc<Self>,
        asked: &Asked,
        (wishes, client): (Wishes, Option<Switching>),
        mut response: Response<Incoming>,
        (line, origin): (Line<'_>, Origin),
        (mut pending, leash): (Pending, Leash),
    ) -> Answer {
        pending.status(response.status());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match client.filter(|_| is_websocket(response.headers())) {
                Some(client) => self.switch(asked, response, client, (pending, leash)),
                // Nobody asked for it: the origin is at fault.
                None => self.failed(asked, &ProxyError::Switched, pending),
            };
        }
        if asked.conn.is_stream() {
            if client.is_some() && response.status().is_success() {
                // To an HTTP/2 client that would say that it is switched to.
                return self.failed(asked, &ProxyError::NotSwitched, pending);
            }
            if asks_for_a_connection(response.headers()) {
                return over_http1(asked, pending);
            }
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
        let home = if origin.bound { Home::Client(asked.conn.clone(), line.far()) } else { self.home_of(&line, &origin) };
        let still_time = self.still_time(response.headers());
        asked.changes.apply_to_answer(response.headers_mut());
        let (mut head, body) = response.into_parts();
        head.version = Version::HTTP_11;
        let relay = Relay::new(body, origin, home, still_time);
        Response::from_parts(head, AnswerBody::relay(relay, pending, asked.conn.clone(), leash))
    }

    fn switch(
        &self,
        asked: &Asked,
        mut response: Response<Incoming>,
        Switching { client, key, mut plan }: Switching,
        (pending, leash): (Pending, Leash),
    ) -> Answer {
        if asked.conn.is_stream() && !key.is_some_and(|key| websocket::is_accepted(response.headers_mut(), &key)) {
            return self.failed(asked, &ProxyError::NotSwitched, pending);
        }
        if let Some(Err(unknown)) = plan.as_mut().map(|plan| plan.agree(response.headers())) {
            return self.failed(asked, &ProxyError::Extension(unknown), pending);
        }
        let origin = hyper::upgrade::on(&mut response);
        strip_response(response.headers_mut(), !asked.conn.is_stream());
        if asked.conn.inside.is_some() {
            response.headers_mut().remove(ALT_SVC);
        }
        self.via.add(response.headers_mut(), Version::HTTP_11);
        if asked.conn.is_stream() {
            *response.status_mut() = StatusCode::OK;
        }
        let origin = async move { origin_end(origin.await.map_err(std::io::Error::other)?) };
        match plan {
            Some(plan) => self.spawn_socket(asked.conn.clone(), client, origin, (pending, leash), plan),
            None => self.spawn_tunnel(asked.conn.clone(), client, origin, (pending, leash)),
        }
        response.map(|_| AnswerBody::switching())
    }
}

/// A client that wants to leave HTTP for WebSocket.
struct Switching {
    client: hyper::upgrade::OnUpgrade,
    /// What the origin must answer to the key, if it is ours.
    key: Option<String>,
    /// How it is read, if it is.
    plan: Option<Plan>,
}

/// Has a client ask again over HTTP/1.1, where a connection can be logged in. It is asked to by a reset: nothing of the answer is passed on.
fn over_http1(asked: &Asked, mut pending: Pending) -> Answer {
    pending.note("asked again over http/1.1, for a login to the connection");
    pending.close(Outcome::Complete);
    let mut answer = Response::new(AnswerBody::empty(None, asked.conn.clone()));
    answer.extensions_mut().insert(OnlyHttp1);
    answer
}

/// Whether a request may go on (`Max-Forwards`, RFC 9110 section 7.6.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hop {
    On,
    /// It is answered here.
    Last,
}

/// By what the origin is believed that was reached.
fn excused(reached: Option<&Result<Origin, ProxyError>>) -> impl Iterator<Item = &Arc<Exception>> {
    reached.and_then(|origin| origin.as_ref().ok()?.believed.as_ref()).into_iter().flat_map(|believed| believed.excused.iter())
}

/// What is to be put on record, with the exceptions by which the origin is believed.
fn excused_entry<'a>(mut entry: Entry, excused: impl Iterator<Item = &'a Arc<Exception>>) -> Entry {
    let said: Vec<_> = excused.map(|exception| exception.on_record()).collect();
    if !said.is_empty() {
        let opening = Arc::make_mut(&mut entry.opening);
        opening.why = format!("{} {}", opening.why, said.join(" ")).into();
    }
    entry
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
        if conn.inside.is_some() {
            headers.remove(ALT_SVC);
        }
        conn.send_interim(&head_bytes(interim.status(), &headers));
    });
}
