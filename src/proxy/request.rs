//! One request from head to answer: read, identified, judged, put on record, carried out.

use super::body::AnswerBody;
use super::conn::Conn;
use super::error::{ProxyError, sentence, unrecorded};
use super::explain::Purpose;
use super::framing::Malformed;
use super::identify::Identified;
use super::inside::Inside;
use super::meaning::{Entry, SEC_FETCH_DEST, SEC_FETCH_MODE, SEC_FETCH_USER};
use super::pages::{Form, Page, School};
use super::sequel::Sequel;
use super::stream::REFUSED_HOST;
use super::target::{self, Target};
use super::{Proxy, Worker, heads, websocket};
use crate::alert::links::covered;
use crate::audit::{Class, Opening, Outcome, Pending, RecordId, Verdict};
use crate::category::Page as Tone;
use crate::clock::Moment;
use crate::host::Host;
use crate::identity::{Identity, Who};
use crate::insight::trail::Step;
use crate::insight::{Certainty, Kind, Start};
use crate::lists::Found;
use crate::policy::decision::{Destination, Exempt};
use crate::policy::{Action, Changes, Circumstances, ConnectVerdict, Decision, Reading, Reason, RequestVerdict, TunnelPermit, files};
use crate::shares::Taker;
use crate::snapshot::Snapshot;
use crate::url::Scheme;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, Response, StatusCode, Uri, Version, request};
use hyper::body::Incoming;
use jiff::Timestamp;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// The longest any one field of a head is recorded, in bytes.
const LONGEST_FIELD: usize = 2048;

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

    fn text(&self, field: &HeaderName) -> Option<String> {
        let value = self.headers.get(field)?;
        let text = String::from_utf8_lossy(value.as_bytes());
        Some(text[..text.floor_char_boundary(LONGEST_FIELD)].to_owned())
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
                let about = Opening { verdict: Verdict::Answered, reason: "inspected", why: why.into(), ..opening(asked, Some(target), identity) };
                let entry = Proxy::lone_entry(asked, identity, about);
                let blocked = || self.judged(asked, target, identity, &found, Verdict::Blocked, &reason).opening;
                let unseen = (permit.site() == Action::Block).then(blocked);
                let may_seal = permit.to_seal().is_some();
                Ok(Judged::Inspected { to: permit.into_destination(), entry, unseen, purpose: Purpose::Serve, may_seal })
            }
            ConnectVerdict::Block => {
                if let Some(setting) = self.shows_page(asked, identity, &reason) {
                    let why = "Its TLS ends here, to show the page that says why it is not opened; nothing is sent on.";
                    let about = Opening { verdict: Verdict::Answered, reason: "explained", why: why.into(), ..opening(asked, Some(target), identity) };
                    let (entry, url) = (Proxy::lone_entry(asked, identity, about), target.url());
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

    pub(super) fn block_page(&self, asked: &Asked, target: &Target, reason: &Reason) -> Page {
        let taxonomy = &asked.snapshot.taxonomy;
        let site = shown(target);
        match reason.page(taxonomy) {
            Tone::Help => {
                let school = &self.settings.school;
                let page = Page::new(StatusCode::FORBIDDEN, "help", school.help_heading.clone()).line(school.help_text.clone());
                Page { help: true, ..page }
            }
            Tone::Block => {
                let page = Page::new(StatusCode::FORBIDDEN, "blocked", "This page is blocked").line(reason.text(taxonomy));
                let covers = reason.category().map(|category| taxonomy.info(category)).filter(|info| !info.covers.is_empty());
                let page = match covers {
                    Some(info) => page.line(format!("{} covers: {}", info.name, info.covers)),
                    None => page,
                };
                Page { site, appeal: true, ..page }
            }
        }
    }

    /// The page in the place of a file that does not pass.
    pub(super) fn file_page(&self, opening: &Opening, why: &str) -> Page {
        let page = Page::new(StatusCode::FORBIDDEN, "blocked", "This file is blocked").line(why);
        let port = if matches!((opening.scheme, opening.port), ("http", 80) | ("https", 443)) { String::new() } else { format!(":{}", opening.port) };
        let site = short(&format!("{}://{}{port}{}", opening.scheme, opening.host, opening.path));
        Page { site, appeal: true, ..page }
    }

    pub(super) fn warning_page(&self, asked: &Asked, target: &Target, identity: &Identity, reason: &Reason) -> Page {
        let page = Page::new(StatusCode::FORBIDDEN, "warned", "Think before you go on").line(reason.text(&asked.snapshot.taxonomy));
        let page = page.line("If you need this site for your work, you can go on. Your visit is recorded, as every visit is.");
        let site = reason.warned_of().unwrap_or(&target.url().host);
        let token = self.warnings.token(identity, asked.client(), site, &raw(target), asked.now);
        let form = Form { action: format!("{}://{}/continue", scheme(target.url()), self.settings.own_host), token };
        Page { site: shown(target), form: Some(form), appeal: true, ..page }
    }

    /// A request that was judged, as one of a person's steps.
    pub(super) fn judged(&self, asked: &Asked, target: &Target, identity: &Identity, found: &Found, verdict: Verdict, reason: &Reason) -> Entry {
        self.entry(asked, target, identity, self.judged_opening(asked, target, identity, found, verdict, reason))
    }

    /// What is known of a request that was judged.
    pub(super) fn judged_opening(&self, asked: &Asked, target: &Target, identity: &Identity, found: &Found, verdict: Verdict, reason: &Reason) -> Opening {
        let taxonomy = &asked.snapshot.taxonomy;
        let categories = reason.listed(found.categories);
        Opening {
            verdict,
            categories: taxonomy.ids(categories).collect::<Vec<_>>().join(" "),
            reason: reason.kind(),
            why: reason.text(taxonomy),
            rule: reason.rule().map(str::to_owned),
            entry: reason.entry().cloned(),
            ..opening(asked, Some(target), identity)
        }
    }

    /// Puts a request on record; without a record, the answer is that nothing can pass.
    pub(super) async fn open_record(&self, asked: &Asked, entry: Entry) -> Result<Pending, Answer> {
        let Entry { opening, step } = entry;
        let verdict = opening.verdict;
        let opened = self.recorder.open(opening).await;
        if let (Some(step), Ok(pending)) = (step, &opened) {
            self.recorded(step, verdict, pending.id());
        }
        opened.map_err(|why| own_answer(asked, &unrecorded(&why), None, &self.settings.school))
    }

    /// Puts a request on record while its site is reached, and no longer than the record takes if it fails. While the log cannot be written, nothing is
    /// reached before.
    pub(super) async fn beside<T>(
        &self,
        record: impl Future<Output = Result<Pending, Answer>>,
        reach: impl Future<Output = T>,
    ) -> Result<(Pending, T), Answer> {
        if self.recorder.is_failing() {
            return Ok((record.await?, reach.await));
        }
        tokio::try_join!(record, async { Ok(reach.await) })
    }

    /// Refuses what is no request a proxy can serve.
    pub(super) async fn refuse(&self, asked: &Asked, target: Option<&Target>, identity: Identity, kind: &'static str, page: Page) -> Answer {
        let why = page.lines.first().cloned().unwrap_or_else(|| page.heading.to_string());
        self.refuse_since(asked, target, identity, kind, why, page).await
    }

    /// The same, where the record says more than the page.
    async fn refuse_since(&self, asked: &Asked, target: Option<&Target>, identity: Identity, kind: &'static str, why: String, page: Page) -> Answer {
        let opening = Opening { verdict: Verdict::Refused, reason: kind, why: why.into(), ..opening(asked, target, &identity) };
        match self.open_record(asked, Proxy::lone_entry(asked, &identity, opening)).await {
            Ok(pending) => own_answer(asked, &page, Some(pending), &self.settings.school),
            Err(answer) => answer,
        }
    }

    /// Puts on record that something was refused that has been answered already, or has no answer.
    pub(super) async fn mark(&self, asked: &Asked, target: &Target, identity: &Identity, kind: &'static str, why: String) {
        let opening = Opening { verdict: Verdict::Refused, reason: kind, why: why.into(), ..opening(asked, Some(target), identity) };
        // Where it cannot be put on record, nothing passes either way.
        if let Ok(pending) = self.open_record(asked, Proxy::lone_entry(asked, identity, opening)).await {
            pending.close(Outcome::Complete);
        }
    }

    /// Who sends what is refused unread: where its TLS ends here, whoever opened the connection, else nobody that is known.
    fn sender(&self, asked: &Asked) -> Identity {
        asked.conn.inside.as_ref().map_or_else(Identity::unknown, |inside| self.identify_inside(inside, &asked.snapshot, asked.client()))
    }

    async fn refuse_malformed(&self, asked: &Asked, why: Malformed) -> Answer {
        let page = Page::new(why.status(), "refused", "The request cannot be read").line(sentence(&why.to_string()));
        let target = asked.conn.inside.as_ref().map(|inside| inside.site(""));
        let mut answer = self.refuse(asked, target.as_ref(), self.sender(asked), "malformed", page).await;
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    async fn refuse_too_many(&self, asked: &Asked, target: Option<&Target>) -> Answer {
        let page =
            Page::new(StatusCode::TOO_MANY_REQUESTS, "refused", "Too many requests").line("This device asks for more than one device may. Wait a little.");
        let mut answer = self.refuse(asked, target, self.sender(asked), "too-many", page).await;
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
        answer
    }

    async fn ask_password(&self, asked: &Asked, target: &Target, heading: &'static str) -> Answer {
        let page = Page::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "refused", heading).line("Give your school name and password to use the web.");
        let mut answer = self.refuse(asked, Some(target), Identity::unknown(), "password", page).await;
        answer.headers_mut().insert(PROXY_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Usher\", charset=\"UTF-8\""));
        answer
    }

    /// Answers by ourselves, on record, without having judged: our own pages, `TRACE` at its end.
    pub(super) async fn answered(&self, asked: &Asked, target: &Target, identity: &Identity, kind: &'static str, why: &str) -> Result<Pending, Answer> {
        let opening = Opening { verdict: Verdict::Answered, reason: kind, why: why.to_owned().into(), ..opening(asked, Some(target), identity) };
        self.open_record(asked, Proxy::lone_entry(asked, identity, opening)).await
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

/// The URL as it was asked for.
pub(super) fn raw(target: &Target) -> String {
    match target {
        Target::Tunnel(url) => format!("{}:{}", bracketed(url), url.port),
        Target::Page { url, port, path } => match port {
            Some(port) => format!("{}://{}:{port}{path}", scheme(url), bracketed(url)),
            None => format!("{}://{}{path}", scheme(url), bracketed(url)),
        },
    }
}

fn scheme(url: &crate::url::Url) -> &'static str {
    match url.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    }
}

fn bracketed(url: &crate::url::Url) -> String {
    if url.host.address().is_some_and(|address| address.is_ipv6()) { format!("[{}]", url.host) } else { url.host.to_string() }
}

/// The URL as a page shows it: not longer than a person reads.
fn shown(target: &Target) -> String {
    short(&raw(target))
}

fn short(url: &str) -> String {
    let short: String = url.chars().take(120).collect();
    if short.len() < url.len() { short + "…" } else { short }
}

/// What is known of a request whatever came of it. What it means is filled in by [`Proxy::entry`].
fn opening(asked: &Asked, target: Option<&Target>, identity: &Identity) -> Opening {
    let policy = &asked.snapshot.policy;
    let (scheme, host, port, path) = match target {
        Some(Target::Tunnel(url)) => ("https", url.host.to_string(), url.port, String::new()),
        // Whoever reads the record could else say that they are whom an alert was sent to.
        Some(Target::Page { url, path, .. }) => (scheme(url), url.host.to_string(), url.port, covered(path).into_owned()),
        None => ("", String::new(), 0, String::new()),
    };
    Opening {
        class: Class::Resource,
        kind: Kind::Resource,
        start: Start::Loaded,
        certainty: Certainty::Inferred,
        cause: None,
        search: None,
        time_ms: asked.now.as_millisecond().unsigned_abs(),
        user: match &identity.who {
            Who::User(name) => Some(name.clone()),
            Who::Unnamed => None,
        },
        group: policy.group_name(identity.standing),
        source: identity.source.as_str(),
        confidence: identity.confidence.as_str(),
        client: asked.client(),
        method: asked.method.clone(),
        scheme,
        host,
        port,
        path,
        categories: String::new(),
        verdict: Verdict::Answered,
        reason: "",
        why: Cow::Borrowed(""),
        rule: None,
        entry: None,
        snapshot: asked.snapshot.id,
        agent: asked.text(&USER_AGENT),
        referrer: None,
        fetch_dest: asked.text(&SEC_FETCH_DEST),
        fetch_mode: asked.text(&SEC_FETCH_MODE),
        fetch_user: asked.text(&SEC_FETCH_USER),
    }
}
