//! Files on their way to a client: judged by name, type and bytes, and shown to a virus scanner.
//!
//! ```text
//! head ─▶ names, type, length ─▶ first bytes ─┬▶ refused: a page in its place, and nothing of it has left
//!                                             ├▶ to be scanned: held whole on disk ─▶ scanners ─▶ a page, or all of it
//!                                             └▶ passes; judged on as it streams ─▶ refused yet: cut off
//! ```
//!
//! The record of the request was committed before as allowed. A refusal is a record of its own, of the class for what was blocked, committed before its page
//! leaves or the file is cut; the first record ends with a note that leads to it.

use super::body::{AnswerBody, Relay};
use super::request::{Answer, Asked, own_answer};
use super::target::Target;
use super::{Proxy, Worker};
use crate::antivirus::icap::Message;
use crate::antivirus::spool::{Pieces, Spool};
use crate::antivirus::{Antivirus, ScanError, Unscanned, Verdict as Scanned};
use crate::audit::{Opening, Outcome, Pending, Recorder, Verdict as Recorded};
use crate::kinds::coding::Coding;
use crate::kinds::name;
use crate::policy::files::{Facts, Judge, Part, Rules, Verdict, may_ask_for};
use crate::shares::Taker;
use crate::telemetry::events::FileUnscanned;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
    RANGE,
};
use http::{Method, StatusCode, response};
use http_body::{Frame, SizeHint};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What a page's form depends on.
pub(super) const SHAPED_BY: [HeaderName; 2] = [ACCEPT, HeaderName::from_static("sec-fetch-dest")];

/// The fields that the form of a page depends on.
pub(super) fn shape(headers: &HeaderMap) -> HeaderMap {
    SHAPED_BY.iter().filter_map(|field| Some((field.clone(), headers.get(field)?.clone()))).collect()
}

/// What is needed to judge the answer to a request, kept from before it was sent.
pub(super) struct Brief {
    rules: Arc<Rules>,
    /// The request as it is on record.
    opening: Box<Opening>,
    /// What the form of a page depends on.
    shape: HeaderMap,
    path: String,
    antivirus: Option<Arc<Antivirus>>,
}

/// Why a file does not pass.
pub(super) enum Refused {
    /// By the rules of a group.
    Rules(String),
    /// By a scanner, or for want of one.
    Antivirus(String),
}

impl Refused {
    /// One word for the kind, as in the log.
    fn kind(&self) -> &'static str {
        match self {
            Self::Rules(_) => "file",
            Self::Antivirus(_) => "antivirus",
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Rules(text) | Self::Antivirus(text) => text,
        }
    }
}

impl Brief {
    fn refused_by_rules(&self, refusal: &crate::policy::files::Refusal) -> Refused {
        Refused::Rules(refusal.text(&self.opening.group))
    }
}

/// The record of a refusal: the request's, as blocked.
pub(super) fn blocked(opening: &Opening, refused: &Refused) -> Box<Opening> {
    let class = opening.class.following(opening.kind, Recorded::Blocked);
    let why = refused.text().to_owned().into();
    Box::new(Opening { class, verdict: Recorded::Blocked, reason: refused.kind(), why, rule: None, entry: None, ..opening.clone() })
}

impl Proxy {
    /// What is needed to judge the answer, if it is to be judged; the request is made such that the answer can be.
    pub(super) fn file_brief(&self, asked: &mut Asked, target: &Target, opening: &Opening) -> Option<Box<Brief>> {
        let Target::Page { url, path, .. } = target else { return None };
        let rules = asked.files.clone().filter(|rules| rules.are_for(&url.host));
        let antivirus = self.antivirus.clone().filter(|antivirus| antivirus.scans_answers());
        if rules.is_none() && antivirus.is_none() {
            return None;
        }
        let headers = &mut asked.headers;
        if headers.get_all(RANGE).iter().any(|range| !may_ask_for(range.as_bytes(), path)) {
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
        if antivirus.is_some() && headers.contains_key(ACCEPT_ENCODING) {
            // What scanners undo.
            let takes = headers.get_all(ACCEPT_ENCODING).iter().any(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase().contains("gzip"));
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(if takes { "gzip" } else { "identity" }));
        }
        let shape = shape(headers);
        Some(Box::new(Brief { rules: rules.unwrap_or_default(), opening: Box::new(opening.clone()), shape, path: path.clone(), antivirus }))
    }
}

impl Worker {
    /// Judges a file before its head leaves: the answer as it is, judged on as it streams; or a page in its place.
    pub(super) async fn judge_file(self: &Arc<Self>, brief: Option<Box<Brief>>, asked: &Asked, answer: Answer) -> Answer {
        let Some(brief) = brief else { return answer };
        let (mut head, mut body) = answer.into_parts();
        if !body.is_of_origin() || asked.method == Method::HEAD || head.status.is_informational() || head.status == StatusCode::NOT_MODIFIED {
            return Answer::from_parts(head, body);
        }
        let facts = facts(&head, &brief.path);
        let coding = facts.coding;
        let looks = brief.antivirus.is_some();
        let judge = match Judge::new(brief.rules.clone(), facts, looks) {
            Ok(judge) => judge,
            Err(refusal) => return self.withhold(&brief, asked, body, &brief.refused_by_rules(&refusal)).await,
        };
        let ender = Ender { recorder: self.recorder.clone(), opening: brief.opening.clone() };
        let Some(file) = body.inspect(|relay| InspectedFile::new(relay, judge, ender)) else { return Answer::from_parts(head, body) };
        if let Decided::Refused(text) = poll_fn(|cx| file.poll_decided(cx)).await {
            return self.withhold(&brief, asked, body, &Refused::Rules(text)).await;
        }
        let wanted = brief.antivirus.as_ref().filter(|antivirus| antivirus.wants(file.judge.classes(), file.judge.is_harmless()) && !file.is_empty());
        if let Some(antivirus) = wanted {
            match scan(antivirus, &brief, &head, coding, file).await {
                Ok(()) => {}
                Err(refused) => return self.withhold(&brief, asked, body, &refused).await,
            }
            // What a scanner was shown is what the client gets.
            head.headers.remove(http::header::TRAILER);
        }
        Answer::from_parts(head, body)
    }

    /// A page in the place of a file of which nothing has left.
    async fn withhold(&self, brief: &Brief, asked: &Asked, body: AnswerBody, refused: &Refused) -> Answer {
        let opened = self.recorder.open(blocked(&brief.opening, refused)).await;
        let first = body.withdraw();
        let shown = Asked::shaped_by(asked, brief.shape.clone());
        match opened {
            Ok(pending) => {
                if let Some(first) = first {
                    end_first(first, &pending, "withheld");
                }
                if let Some(step) = asked.step {
                    self.recorded(step, Recorded::Blocked, pending.id());
                }
                let page = self.file_page(&brief.opening, refused.text());
                own_answer(&shown, &page, Some(pending), &self.settings.school)
            }
            Err(why) => own_answer(&shown, &super::error::unrecorded(&why), first, &self.settings.school),
        }
    }
}

/// Who takes a place for what is held.
pub(super) fn taker(opening: &Opening) -> Taker {
    Taker::of(opening.user.as_ref(), opening.client)
}

/// Ends the record of a request whose answer did not pass.
pub(super) fn end_first(mut first: Pending, second: &Pending, what: &str) {
    first.status(StatusCode::FORBIDDEN);
    first.add_note(format!("the file was {what}: see {}", second.id()));
    first.close(Outcome::Abandoned);
}

/// What the head of an answer says of the file in it.
fn facts(head: &response::Parts, path: &str) -> Facts {
    let headers = &head.headers;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let types = headers.get_all(CONTENT_TYPE).iter().flat_map(|value| essences(&text(value))).collect();
    let names = headers.get_all(CONTENT_DISPOSITION).iter().flat_map(|value| name::of_disposition(value.as_bytes())).collect();
    let part = match head.status {
        StatusCode::PARTIAL_CONTENT => headers.get(CONTENT_RANGE).map_or(Part::Later(None), |range| part(&text(range))),
        _ => Part::First,
    };
    Facts {
        path: Some(path).filter(|_| head.status.is_success()).and_then(name::of_path),
        names,
        types,
        coding: Coding::of(headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes)),
        length: headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok()),
        part,
    }
}

/// The media types in a `Content-Type`, of which there should be one.
pub(super) fn essences(value: &str) -> Vec<String> {
    let each = value.split(',').map(|one| one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    each.filter(|one| one.contains('/')).collect()
}

/// Which part of a file a `Content-Range` says it is.
fn part(range: &str) -> Part {
    let Some((range, whole)) = range.trim().strip_prefix("bytes").and_then(|rest| rest.trim().split_once('/')) else { return Part::Later(None) };
    if range.trim().starts_with("0-") { Part::First } else { Part::Later(whole.trim().parse().ok()) }
}

/// Holds the file whole and shows it to the scanners. When it passes, it comes from where it is held.
async fn scan(antivirus: &Arc<Antivirus>, brief: &Brief, head: &response::Parts, coding: Option<Coding>, file: &mut InspectedFile) -> Result<(), Refused> {
    let settings = antivirus.settings();
    let most = settings.largest >> 20;
    let too_large = || Refused::Antivirus(format!("Files larger than {most} MiB cannot be scanned for viruses, and are blocked."));
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > settings.largest) {
        return if settings.larger == Unscanned::Pass { Ok(()) } else { Err(too_large()) };
    }
    let unscanned = |error: &dyn std::fmt::Display| {
        if antivirus.is_to_be_told() {
            FileUnscanned { error: &error.to_string() }.emit();
        }
        match settings.on_error {
            Unscanned::Pass => Ok(()),
            Unscanned::Block => Err(Refused::Antivirus(format!("It could not be scanned for viruses, so it is blocked: {error}."))),
        }
    };
    if !matches!(coding, Some(Coding::Plain | Coding::Gzip)) {
        return unscanned(&"it is coded in a way that scanners do not undo");
    }
    let mut spool = match antivirus.spool(&taker(&brief.opening), declared).await {
        Ok(spool) => spool,
        Err(error) => return unscanned(&error),
    };
    match file.hold(&mut spool, settings.largest).await {
        Held::Whole => {}
        Held::Refused(text) => return Err(Refused::Rules(text)),
        Held::Large if settings.larger == Unscanned::Block => return Err(too_large()),
        Held::Large => {
            file.give_back(&spool, true);
            return Ok(());
        }
        Held::Unkept(error) => {
            // Nothing of it can pass: a part of it may be lost.
            let error = ScanError::Spool(error);
            unscanned(&error).ok();
            return Err(Refused::Antivirus(format!("It could not be scanned for viruses, so it is blocked: {error}.")));
        }
        Held::Failed(error) => {
            file.give_back(&spool, false);
            file.fail_with(error);
            // It is cut short, and its client is to know that; but what there is may be a virus.
            let message = message(brief, head);
            return match antivirus.scan_answer(&spool, &message).await {
                Ok(Scanned::Clean) => Ok(()),
                Ok(Scanned::Found(name)) => Err(found(&name)),
                Err(error) => unscanned(&error),
            };
        }
    }
    let verdict = antivirus.scan_answer(&spool, &message(brief, head)).await;
    file.give_back(&spool, false);
    match verdict {
        Ok(Scanned::Clean) => Ok(()),
        Ok(Scanned::Found(name)) => Err(found(&name)),
        Err(error) => unscanned(&error),
    }
}

pub(super) fn found(name: &str) -> Refused {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
    Refused::Antivirus(format!("The virus scanner found something in it: {shown}."))
}

/// What a scanner is told of an exchange: no more than it needs.
fn message(brief: &Brief, head: &response::Parts) -> Message {
    let request = request_head(&brief.opening, None);
    let status = head.status.as_u16();
    let mut response = format!("HTTP/1.1 {status} {}\r\n", head.status.canonical_reason().unwrap_or("Status")).into_bytes();
    add_fields(&mut response, &head.headers);
    Message { request, response: Some((response, status)) }
}

/// The head of a request as a scanner is shown it.
pub(super) fn request_head(opening: &Opening, fields: Option<&HeaderMap>) -> Vec<u8> {
    let Opening { method, scheme, host, port, path, .. } = opening;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let mut head = format!("{method} {scheme}://{host}:{port}{path} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    match fields {
        Some(fields) => add_fields(&mut head, fields),
        None => head.extend_from_slice(b"\r\n"),
    }
    head
}

/// The fields that say what a body is, and the end of a head.
fn add_fields(head: &mut Vec<u8>, fields: &HeaderMap) {
    for field in [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH] {
        for value in fields.get_all(&field) {
            head.extend_from_slice(field.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"\r\n");
}

/// What a file is recorded with, should it be refused while it streams.
struct Ender {
    recorder: Recorder,
    opening: Box<Opening>,
}

impl Ender {
    /// The record of a file that is cut off, committed.
    fn cut(&self, text: String) -> Ending {
        let (recorder, opening) = (self.recorder.clone(), blocked(&self.opening, &Refused::Rules(text.clone())));
        // By itself: whoever goes away at this moment has had the beginning of the file all the same.
        let recorded = tokio::spawn(async move {
            let mut pending = recorder.open(opening).await.ok()?;
            pending.note("a part of it had left: it was cut off");
            let reference = pending.id();
            pending.close(Outcome::Complete);
            Some(reference)
        });
        Box::pin(async move {
            match recorded.await {
                Ok(Some(reference)) => format!("{text} It was cut off: see {reference}"),
                // A record that cannot be made keeps no file from being cut.
                Ok(None) | Err(_) => text,
            }
        })
    }
}

type Ending = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the first bytes came to.
enum Decided {
    Passes,
    Refused(String),
}

/// What came of holding a file.
enum Held {
    Whole,
    Refused(String),
    /// It is larger than is held.
    Large,
    /// It cannot be written.
    Unkept(io::Error),
    /// The origin broke off.
    Failed(io::Error),
}

/// The body of a file on its way.
pub struct InspectedFile {
    relay: Option<Relay>,
    /// What was read and has not left.
    first: VecDeque<Bytes>,
    /// What is held on disk, after that.
    pieces: Option<Pieces>,
    trailers: Option<HeaderMap>,
    failure: Option<io::Error>,
    /// Whether what came before the failure was given time to leave: hyper drops what it has not written when a body fails.
    rested: bool,
    judge: Judge,
    ender: Ender,
    ending: Option<Ending>,
}

impl InspectedFile {
    fn new(relay: Relay, judge: Judge, ender: Ender) -> Self {
        Self { relay: Some(relay), first: VecDeque::new(), pieces: None, trailers: None, failure: None, rested: false, judge, ender, ending: None }
    }

    /// The next piece from the origin, which the judge has yet to see.
    fn poll_origin(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let Some(relay) = &mut self.relay else { return Poll::Ready(None) };
            match ready!(relay.poll_frame(cx)) {
                None => self.relay = None,
                Some(Err(error)) => {
                    self.relay = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Ok(frame)) => {
                    if relay.is_over() {
                        self.relay = None;
                    }
                    match frame.into_data() {
                        Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                        Err(frame) => {
                            self.trailers = frame.into_trailers().ok();
                            self.relay = None;
                        }
                    }
                }
            }
        }
    }

    fn text(&self, refusal: &crate::policy::files::Refusal) -> String {
        refusal.text(&self.ender.opening.group)
    }

    /// Reads until it is known whether it may pass.
    fn poll_decided(&mut self, cx: &mut Context<'_>) -> Poll<Decided> {
        loop {
            let verdict = match ready!(self.poll_origin(cx)) {
                Some(Ok(bytes)) => {
                    let verdict = self.judge.feed(&bytes);
                    self.first.push_back(bytes);
                    // The end of it may be known with its last piece.
                    if verdict == Verdict::Wait && self.relay.is_none() { self.judge.end() } else { verdict }
                }
                Some(Err(error)) => {
                    self.failure = Some(error);
                    self.judge.end()
                }
                None => self.judge.end(),
            };
            match verdict {
                Verdict::Refuse(refusal) => return Poll::Ready(Decided::Refused(self.text(&refusal))),
                Verdict::Pass => return Poll::Ready(Decided::Passes),
                Verdict::Wait if self.relay.is_none() => return Poll::Ready(Decided::Passes),
                Verdict::Wait => {}
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.relay.is_none() && self.first.iter().all(Bytes::is_empty)
    }

    /// Reads all of it into `spool`.
    async fn hold(&mut self, spool: &mut Spool, most: u64) -> Held {
        while let Some(bytes) = self.first.pop_front() {
            if let Err(error) = spool.push(&bytes).await {
                return Held::Unkept(error);
            }
        }
        if let Some(error) = self.failure.take() {
            return spool.flush().await.map_or_else(Held::Unkept, |()| Held::Failed(error));
        }
        while let Some(read) = poll_fn(|cx| self.poll_origin(cx)).await {
            let bytes = match read {
                Ok(bytes) => bytes,
                Err(error) => return spool.flush().await.map_or_else(Held::Unkept, |()| Held::Failed(error)),
            };
            if let Verdict::Refuse(refusal) = self.judge.feed(&bytes) {
                return Held::Refused(self.text(&refusal));
            }
            if let Err(error) = spool.push(&bytes).await {
                return Held::Unkept(error);
            }
            if spool.length() > most {
                return spool.flush().await.map_or_else(Held::Unkept, |()| Held::Large);
            }
        }
        if let Err(error) = spool.flush().await {
            return Held::Unkept(error);
        }
        match self.judge.end() {
            Verdict::Refuse(refusal) => Held::Refused(self.text(&refusal)),
            Verdict::Wait | Verdict::Pass => Held::Whole,
        }
    }

    /// What was held comes first; then, if there is more, what the origin has.
    fn give_back(&mut self, spool: &Spool, more: bool) {
        self.pieces = Some(spool.pieces());
        if !more {
            self.relay = None;
        }
    }

    fn fail_with(&mut self, error: io::Error) {
        self.failure = Some(error);
    }

    /// The next piece for the client.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(ending) = &mut self.ending {
            let text = ready!(ending.as_mut().poll(cx));
            self.ending = None;
            return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::PermissionDenied, text))));
        }
        while let Some(bytes) = self.first.pop_front() {
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
        if let Some(pieces) = &mut self.pieces {
            match ready!(pieces.poll_next(cx)) {
                Some(read) => return Poll::Ready(Some(read.map(Frame::data))),
                None => self.pieces = None,
            }
        }
        if self.failure.is_some() && !std::mem::replace(&mut self.rested, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(error) = self.failure.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let was_open = self.relay.is_some();
        let verdict = match ready!(self.poll_origin(cx)) {
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(bytes)) => match self.judge.feed(&bytes) {
                Verdict::Wait | Verdict::Pass if self.relay.is_some() => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                // The last piece leaves when the whole is known.
                Verdict::Wait | Verdict::Pass => {
                    self.first.push_back(bytes);
                    self.judge.end()
                }
                refused @ Verdict::Refuse(_) => refused,
            },
            None if was_open => self.judge.end(),
            None => return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
        };
        match verdict {
            Verdict::Refuse(refusal) => {
                self.relay = None;
                self.first.clear();
                self.trailers = None;
                self.ending = Some(self.ender.cut(self.text(&refusal)));
            }
            Verdict::Wait | Verdict::Pass => {}
        }
        self.poll_frame(cx)
    }

    /// Whether all has left.
    pub(super) fn is_over(&self) -> bool {
        self.relay.is_none()
            && self.first.is_empty()
            && self.pieces.as_ref().is_none_or(|pieces| pieces.left() == 0)
            && self.trailers.is_none()
            && self.failure.is_none()
            && self.ending.is_none()
    }

    /// How much is left.
    pub(super) fn size_hint(&self) -> SizeHint {
        let here = self.first.iter().map(|bytes| bytes.len() as u64).sum::<u64>() + self.pieces.as_ref().map_or(0, Pieces::left);
        let there = self.relay.as_ref().map_or_else(|| SizeHint::with_exact(0), Relay::size_hint);
        match there.exact() {
            // What is cut short keeps the length it was to have.
            _ if self.failure.is_some() => SizeHint::new(),
            Some(exact) => SizeHint::with_exact(here + exact),
            None => SizeHint::new(),
        }
    }
}
