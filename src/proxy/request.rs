//! One request from head to answer: read, identified, judged, put on record, carried out.
//!
//! This is the way. What is put on record of a request is in `on_record`, the pages of what does not pass are in `refusals`, and sending it on is
//! [`super::forward`].

use super::body::AnswerBody;
use super::conn::Conn;
use super::error::ProxyError;
use super::explain::Purpose;
use super::identify::Identified;
use super::inside::Inside;
use super::meaning::Entry;
use super::on_record::unjudged;
use super::pages::{Page, School};
use super::sequel::Sequel;
use super::stream::REFUSED_HOST;
use super::target::{self, Target};
use super::{Worker, heads, websocket};
use crate::audit::{Opening, Pending, RecordId, Verdict};
use crate::bypass::Finding;
use crate::clock::Moment;
use crate::host::Host;
use crate::identity::{Identity, Who};
use crate::insight::trail::Step;
use crate::policy::decision::Destination;
use crate::policy::reason::Exempt;
use crate::policy::{Action, Changes, Circumstances, ConnectVerdict, Decision, Reading, Reason, RequestVerdict, TunnelPermit, files};
use crate::shares::Taker;
use crate::snapshot::Snapshot;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version, request};
use hyper::body::Incoming;
use jiff::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// A tunnel that is let through.
pub(super) enum Judged {
    /// Sealed.
    Sealed(TunnelPermit, Entry),
    /// Its TLS ends here.
    Inspected {
        /// What was asked for.
        to: Destination,
        entry: Entry,
        /// What is on record besides, if the client sees no page: that the site is blocked.
        unseen: Option<Arc<Opening>>,
        purpose: Purpose,
        /// Whether the site may be passed sealed for its own sake.
        may_seal: bool,
    },
}

/// An answer on its way to the client.
pub(super) type Answer = Response<AnswerBody>;

/// A request under way: what does not change from its head to its answer.
pub(super) struct Asked {
    pub(super) conn: Arc<Conn>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) method: Method,
    pub(super) version: Version,
    /// As received.
    pub(super) headers: HeaderMap,
    pub(super) now: Timestamp,
    /// The visit it was found to be.
    pub(super) step: Option<Step>,
    /// What is changed of it, and of its answer.
    pub(super) changes: Changes,
    /// What is kept for what follows it, once it is let through.
    pub(super) sequel: Option<Sequel>,
    /// Which files may be answered with.
    pub(super) files: Option<Arc<files::Rules>>,
    /// How its bodies are read, if they are.
    pub(super) reading: Option<Reading>,
    /// The ways round the filter that its head takes, and that pass.
    pub(super) ways: Vec<Finding>,
}

impl Asked {
    /// The same request with these fields, which say what form its answer takes.
    pub(super) fn shaped_by(asked: &Self, headers: HeaderMap) -> Self {
        Self {
            conn: asked.conn.clone(),
            snapshot: asked.snapshot.clone(),
            method: asked.method.clone(),
            headers,
            changes: Changes::default(),
            sequel: None,
            files: None,
            reading: None,
            ways: Vec::new(),
            ..*asked
        }
    }

    /// Keeps what is needed of a request that is let through.
    pub(super) fn let_through(&mut self, target: &Target, identity: Identity, entry: &Entry, reason: &Reason) {
        self.step = entry.step;
        self.reading = self.snapshot.policy.reading(identity.standing, reason);
        self.files = self.snapshot.policy.files.of(identity.standing).cloned();
        self.sequel = Some(Sequel::of(self, target, identity, &entry.opening));
    }

    pub(super) fn client(&self) -> IpAddr {
        self.conn.client.ip().to_canonical()
    }

    /// Who takes a part of what there is little of.
    pub(super) fn taker(&self) -> Taker {
        let person = self.sequel.as_ref().and_then(|sequel| match &sequel.identity.who {
            Who::User(name) => Some(name),
            Who::Unnamed => None,
        });
        Taker::of(person, self.client())
    }

    /// A target as it was meant: of one page, or of the server as a whole.
    fn meant<E>(&self, target: Result<Target, E>) -> Result<Target, E> {
        target.map(|target| if self.conn.asks_whole_server() { target.as_whole_server() } else { target })
    }
}

impl Worker {
    /// Answers one request.
    pub(super) async fn serve(self: Arc<Self>, conn: Arc<Conn>, request: Request<Incoming>) -> Answer {
        let old = request.version() == Version::HTTP_10;
        if old {
            conn.ends_with_its_answer();
        }
        let mut answer = self.answer(conn, request).await;
        // A 1.0 client may not know who its keep-alive is with (RFC 9112 appendix C.2.2).
        if old && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            // Else hyper would say `keep-alive` beside it.
            *answer.version_mut() = Version::HTTP_10;
        }
        answer
    }

    async fn answer(self: &Arc<Self>, conn: Arc<Conn>, request: Request<Incoming>) -> Answer {
        let (mut head, body) = request.into_parts();
        if conn.is_stream() {
            self.read_http2(&conn, &mut head);
        }
        let asked = self.asked(conn, &mut head);
        if (asked.conn.is_stream() || head.uri.host() == Some(REFUSED_HOST))
            && let Some(why) = asked.conn.refusal()
        {
            return Box::pin(self.refuse_malformed(&asked, why)).await;
        }
        match self.admit(&asked, &head.uri).await {
            Ok((target @ Target::Tunnel(_), identity)) => Box::pin(self.switch_to_tunnel(asked, target, identity, Request::from_parts(head, body))).await,
            Ok((target, identity)) if asked.conn.inside.as_ref().is_some_and(|inside| inside.is_to_explain()) => {
                Box::pin(self.explain(&asked, &target, &identity)).await
            }
            Ok((target @ Target::Page { .. }, identity)) if self.is_own(&target.url().host) => Box::pin(self.own_page(&asked, &target, identity, body)).await,
            Ok((target @ Target::Page { .. }, identity)) => self.answer_request(asked, target, identity, Request::from_parts(head, body)).await,
            Err(answer) => answer,
        }
    }

    /// Checks a head that came in HTTP/2, and says it as HTTP/1.1 would.
    fn read_http2(&self, conn: &Conn, head: &mut request::Parts) {
        if let Err(why) = heads::check(head, self.limits.head_bytes, self.limits.head_fields) {
            conn.refused(why);
        }
        heads::join_cookies(&mut head.headers);
        websocket::as_get(head);
    }

    /// What a head asks. The fields are taken out of it: looked at, then passed on.
    pub(super) fn asked(&self, conn: Arc<Conn>, head: &mut request::Parts) -> Asked {
        let headers = std::mem::take(&mut head.headers);
        self.asked_anew(conn, (head.method.clone(), head.version), headers)
    }

    /// What is asked, by the rules of now.
    pub(super) fn asked_anew(&self, conn: Arc<Conn>, (method, version): (Method, Version), headers: HeaderMap) -> Asked {
        Asked {
            conn,
            snapshot: self.in_force.get(),
            method,
            version,
            headers,
            now: (self.clock)(),
            step: None,
            changes: Changes::default(),
            sequel: None,
            files: None,
            reading: None,
            ways: Vec::new(),
        }
    }

    /// Finds out what a request is for and who sends it; the answer, if it is not to be judged at all.
    pub(super) async fn admit(&self, asked: &Asked, uri: &Uri) -> Result<(Target, Identity), Answer> {
        if let Some(inside) = &asked.conn.inside {
            inside.note_request(asked);
        }
        if let Some(requests) = &self.requests
            && requests.check_key(&asked.client()).is_err()
        {
            let target = match &asked.conn.inside {
                Some(inside) => Ok(inside.site(&target::path(uri))),
                None => Target::of(&asked.method, uri),
            };
            return Err(Box::pin(self.refuse_too_many(asked, asked.meant(target).ok().as_ref())).await);
        }
        let (target, identity) = match &asked.conn.inside {
            Some(inside) => self.admit_inside(asked, uri, inside).await?,
            None => self.admit_outside(asked, uri).await?,
        };
        if self.via.is_in(&asked.headers) {
            return Err(Box::pin(self.refuse(asked, Some(&target), identity, "loop", ProxyError::Loop.page())).await);
        }
        Ok((target, identity))
    }

    /// The target is in the request, and so is who sends it.
    async fn admit_outside(&self, asked: &Asked, uri: &Uri) -> Result<(Target, Identity), Answer> {
        let target = match asked.meant(Target::of(&asked.method, uri)) {
            Ok(target) => target,
            Err(bad) => {
                let page = Page::new(bad.status(), "refused", "The request cannot be served").line(bad.to_string());
                return Err(Box::pin(self.refuse(asked, None, Identity::unknown(), "target", page)).await);
            }
        };
        let identity = match self.identify(&asked.snapshot, asked.client(), &asked.headers).await {
            Identified::As(identity) => identity,
            Identified::AskPassword => return Err(Box::pin(self.ask_password(asked, &target, "A password is needed")).await),
            Identified::WrongPassword => return Err(Box::pin(self.ask_password(asked, &target, "The name or password is wrong")).await),
            Identified::TooManyWrong => return Err(Box::pin(self.refuse_too_many(asked, Some(&target))).await),
        };
        Ok((target, identity))
    }

    /// In a connection whose TLS ends here: for its one host, and of who opened it.
    async fn admit_inside(&self, asked: &Asked, uri: &Uri, inside: &Inside) -> Result<(Target, Identity), Answer> {
        let identity = self.identify_inside(inside, &asked.snapshot, asked.client());
        match asked.meant(inside.target(&asked.method, uri, &asked.headers)) {
            Ok(target) => Ok((target, identity)),
            Err(misplaced) => {
                let (target, why) = (inside.site(&target::path(uri)), misplaced.why(uri, &asked.headers, inside));
                Err(Box::pin(self.refuse_since(asked, Some(&target), identity, misplaced.kind(), why, misplaced.page())).await)
            }
        }
    }

    /// Judges a tunnel: a permit to connect, with what is to be put on record before the tunnel opens; or the answer that refuses it.
    pub(super) async fn judge_tunnel(&self, asked: &Asked, target: &Target, identity: &Identity) -> Result<Judged, Answer> {
        let found = asked.snapshot.lists.look_up(target.url());
        let moment = asked.snapshot.timetable.moment(asked.now);
        let past = self.past(asked, identity);
        let around = self.circumstances(asked, identity, &moment, &past);
        let Decision { verdict, reason, .. } = asked.snapshot.court().decide_connect(target.url(), &found, around);
        match verdict {
            ConnectVerdict::Tunnel(permit) => Ok(Judged::Sealed(permit, self.judged(asked, target, identity, &found, Verdict::Allowed, &reason))),
            ConnectVerdict::Inspect(permit) => {
                if self.asks_for_certificate(asked, identity, target.url())
                    && let Some(permit) = permit.to_seal()
                {
                    let reason = reason.exempt(Exempt::ClientCertificate);
                    return Ok(Judged::Sealed(permit, self.judged(asked, target, identity, &found, Verdict::Allowed, &reason)));
                }
                if self.inspector.is_none() {
                    let page = Page::new(StatusCode::BAD_GATEWAY, "error", "This site cannot be shown");
                    let page = page.line("There is no certificate authority to show it with. Tell the people who look after the network.");
                    return Err(self.refuse(asked, Some(target), identity.clone(), "no-authority", page).await);
                }
                let why = "Its TLS ends here, and each request in it is judged.";
                let entry = unjudged(asked, Some(target), identity, Verdict::Answered, ("inspected", why.into()));
                let blocked = || self.judged(asked, target, identity, &found, Verdict::Blocked, &reason).opening;
                let unseen = (permit.site() == Action::Block).then(blocked);
                let may_seal = permit.to_seal().is_some();
                Ok(Judged::Inspected { to: permit.into_destination(), entry, unseen, purpose: Purpose::Serve, may_seal })
            }
            ConnectVerdict::Block => {
                if let Some(setting) = self.shows_page(asked, identity, &reason) {
                    let why = "Its TLS ends here, to show the page that says why it is not opened; nothing is sent on.";
                    let (entry, url) = (unjudged(asked, Some(target), identity, Verdict::Answered, ("explained", why.into())), target.url());
                    let unseen = Some(self.judged(asked, target, identity, &found, Verdict::Blocked, &reason).opening);
                    let to = Destination::new(url.host.clone(), url.port);
                    return Ok(Judged::Inspected { to, entry, unseen, purpose: Purpose::Explain(setting), may_seal: false });
                }
                let page = self.block_page(asked, target, &reason);
                let pending = self.open_record(asked, self.judged(asked, target, identity, &found, Verdict::Blocked, &reason)).await?;
                Err(own_answer(asked, &page, Some(pending), &self.settings.school))
            }
        }
    }

    async fn answer_request(self: &Arc<Self>, mut asked: Asked, target: Target, identity: Identity, request: Request<Incoming>) -> Answer {
        let found = asked.snapshot.lists.look_up(target.url());
        let moment = asked.snapshot.timetable.moment(asked.now);
        let past = self.past(&asked, &identity);
        let around = self.circumstances(&asked, &identity, &moment, &past);
        let Decision { verdict, reason, .. } = asked.snapshot.court().decide_request(target.url(), &found, around);
        let (verdict, reason) = self.at_head(&mut asked, (&target, &found), &identity, (verdict, reason));
        let (verdict, page) = match verdict {
            RequestVerdict::Forward(permit) => {
                let entry = self.judged(&asked, &target, &identity, &found, Verdict::Allowed, &reason);
                asked.let_through(&target, identity, &entry, &reason);
                return self.forward(asked, permit, target, request, entry).await;
            }
            RequestVerdict::Elsewhere(lead) => return Box::pin(self.answer_elsewhere(asked, target, identity, (lead, reason), request)).await,
            RequestVerdict::Warn => (Verdict::Warned, self.warning_page(&asked, &target, &identity, &reason)),
            RequestVerdict::Block => (Verdict::Blocked, self.block_page(&asked, &target, &reason)),
        };
        match self.open_record(&asked, self.judged(&asked, &target, &identity, &found, verdict, &reason)).await {
            Ok(pending) => own_answer(&asked, &page, Some(pending), &self.settings.school),
            Err(answer) => answer,
        }
    }

    /// The sites that who asks has gone on to past a warning.
    pub(super) fn past(&self, asked: &Asked, identity: &Identity) -> Vec<Host> {
        self.warnings.past(identity, asked.client(), asked.now)
    }

    pub(super) fn circumstances<'a>(&self, asked: &'a Asked, identity: &'a Identity, moment: &'a Moment, past: &'a [Host]) -> Circumstances<'a> {
        Circumstances {
            identity,
            client: asked.client(),
            moment,
            method: asked.method.as_str(),
            past,
            taxonomy: &asked.snapshot.taxonomy,
            lists: &asked.snapshot.lists,
        }
    }

    /// The answer to a request that failed on its way to the origin.
    pub(super) fn failed(&self, asked: &Asked, error: &ProxyError, mut pending: Pending) -> Answer {
        let page = error.page();
        let response = shaped(asked, &page, Some(pending.id()), &self.settings.school);
        pending.add_note(error.to_string());
        pending.status(page.status);
        pending.close(error.outcome());
        finish(asked, response, None)
    }
}

/// An answer of our own, in the form that was asked for.
pub(super) fn own_answer(asked: &Asked, page: &Page, pending: Option<Pending>, school: &School) -> Answer {
    finish(asked, shaped(asked, page, pending.as_ref().map(Pending::id), school), pending)
}

fn shaped(asked: &Asked, page: &Page, id: Option<RecordId>, school: &School) -> Response<Bytes> {
    if asked.method == Method::CONNECT { page.short_answer(school, id) } else { page.answer(&asked.headers, school, id) }
}

/// Hands a whole answer of our own to the client.
pub(super) fn finish(asked: &Asked, response: Response<Bytes>, pending: Option<Pending>) -> Answer {
    let pending = pending.map(|mut pending| {
        pending.status(response.status());
        pending
    });
    let (mut head, bytes) = response.into_parts();
    if asked.method == Method::CONNECT {
        // What follows a refused CONNECT may be meant for the tunnel; it is not read.
        head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if asked.method == Method::HEAD {
        head.headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        return Response::from_parts(head, AnswerBody::empty(pending, asked.conn.clone()));
    }
    Response::from_parts(head, AnswerBody::own(bytes, pending, asked.conn.clone()))
}
