//! Which bodies are read, by whom, and what is shown and put on record for what they say.
//!
//! Read are answers and uploads whose head says that they are text, of people whose group says so. What is no text is not touched. Not held, though a
//! group withholds: streams of events and of lines, which a person waits for piece by piece; they are cut.

use super::body::{AnswerBody, RequestBody};
use super::error::unrecorded;
use super::forward::Upload;
use super::judge::{Body, PartsJudge, Sentence, WordsJudge};
use super::request::{Answer, Asked, own_answer};
use super::scanned::{Form, Held, Judges, Manner, Memory, Notice, Scanned, Source, Told};
use super::target::Target;
use super::{Proxy, Worker};
use crate::audit::{Opening, Outcome, Pending, Recorder, Verdict};
use crate::policy::words::Way;
use crate::policy::{OnHit, Reason};
use crate::scan::Kind;
use crate::scan::decode::{Decoder, Unreadable};
use crate::snapshot::Snapshot;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, EXPECT, HeaderMap, HeaderName, HeaderValue, IF_RANGE, RANGE, TRAILER,
};
use http::{Method, Response, StatusCode, Uri};
use parking_lot::Mutex;
use smallvec::smallvec;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::timeout;

/// One permit for undoing codings, in bytes of memory.
pub(super) const MEMORY_UNIT: usize = 64 << 10;

/// What somebody is found to have sent, for whoever answers them.
pub(super) type Overheard = Arc<Mutex<Option<Sentence>>>;

/// A request whose bodies are read: what is put on record, should something be found in them.
pub(super) struct Case<'a> {
    pub(super) opening: Arc<Opening>,
    pub(super) target: &'a Target,
}

impl Case<'_> {
    /// The record of what was found.
    fn blocked(opening: &Opening, snapshot: &Snapshot, sentence: &Sentence) -> Arc<Opening> {
        let taxonomy = &snapshot.taxonomy;
        let category = sentence
            .reason
            .category()
            .map(|category| taxonomy.info(category).id.as_str())
            .filter(|id| !opening.categories.split(' ').any(|known| known == *id));
        let categories = match category {
            Some(id) if opening.categories.is_empty() => id.to_owned(),
            Some(id) => format!("{} {id}", opening.categories),
            None => opening.categories.clone(),
        };
        let class = opening.class.following(opening.kind, Verdict::Blocked);
        Arc::new(Opening {
            verdict: Verdict::Blocked,
            reason: sentence.reason.kind(),
            why: sentence.on_record().into(),
            rule: None,
            entry: None,
            categories,
            class,
            ..opening.clone()
        })
    }

    /// Puts it on record that a body was cut, while it ends.
    pub(super) fn tell(&self, recorder: &Recorder, snapshot: &Arc<Snapshot>) -> Told {
        let (recorder, snapshot, opening) = (recorder.clone(), Arc::clone(snapshot), Arc::clone(&self.opening));
        Box::new(move |sentence| {
            let record = Case::blocked(&opening, &snapshot, sentence);
            tokio::spawn(async move {
                // If it cannot be written, that has been told; the first record says it too.
                if let Ok(pending) = recorder.open(record).await {
                    pending.close(Outcome::Cut);
                }
            });
        })
    }
}

impl Proxy {
    /// Who reads a body with this head, and what it is; nobody, if it is no text or nobody is to.
    fn judges(asked: &Asked, way: Way, headers: &HeaderMap) -> Option<(Judges, Kind)> {
        let reading = asked.reading.as_ref()?;
        let body = match way {
            Way::Answer => Body::of(headers)?,
            Way::Upload => match PartsJudge::new(&asked.snapshot, reading, headers) {
                Some(parts) => return Some((smallvec![Box::new(parts) as Box<_>], Kind::Form)),
                None => Body::of(headers).filter(|body| !body.is_sniffed)?,
            },
        };
        let judge = WordsJudge::new(&asked.snapshot, reading, way, &body);
        Some((smallvec![Box::new(judge) as Box<_>], body.kind))
    }

    /// Undoes the codings of a body with this head, if there is room for it, or soon.
    async fn decoder(&self, client: IpAddr, headers: &HeaderMap) -> Result<(Decoder, Option<Memory>), Unreadable> {
        let limits = &self.limits.scan;
        let fields = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?"));
        let decoder = Decoder::new(fields, limits.decode)?;
        if decoder.is_plain() {
            return Ok((decoder, None));
        }
        let units = u32::try_from(decoder.memory().div_ceil(MEMORY_UNIT)).unwrap_or(u32::MAX);
        let share = self.decoding_shares.take(client, units as usize).ok_or(Unreadable::Busy)?;
        match timeout(limits.pause, self.decoding.clone().acquire_many_owned(units)).await {
            Ok(Ok(permit)) => Ok((decoder, Some((permit, share)))),
            Ok(Err(_)) | Err(_) => Err(Unreadable::Busy),
        }
    }

    /// Whether so much is being decoded that only codings are asked for that take little memory.
    pub(super) fn is_crowded(&self) -> bool {
        self.decoding.available_permits() < self.limits.scan.memory_mib * ((1 << 20) / MEMORY_UNIT) / 2
    }

    /// A body that is read as it passes; or why it does not.
    async fn scanned<S: Source>(&self, client: IpAddr, source: S, (judges, mut manner): (Judges, Manner), headers: &HeaderMap) -> Result<Scanned<S>, Sentence> {
        match self.decoder(client, headers).await {
            Ok((decoder, memory)) => Ok(Scanned::new(source, decoder, judges, manner, memory)),
            Err(why) => {
                manner.may_change = false;
                Scanned::new(source, Decoder::plain(), judges, manner, None).unread(&why)
            }
        }
    }
}

impl Worker {
    /// Reads what is sent, as far as it is held: what is found while the rest is sent is overheard. Why nothing is sent, if so. Of what somebody listens to
    /// the rest is heard first.
    pub(super) async fn read_upload(&self, asked: &Asked, case: &Case<'_>, upload: &mut Upload, is_heard: bool) -> Result<Option<Overheard>, Sentence> {
        let Some((judges, kind)) = Proxy::judges(asked, Way::Upload, upload.request.headers()) else { return Ok(None) };
        let (Some(reading), false) = (&asked.reading, matches!(upload.request.body(), RequestBody::Empty)) else { return Ok(None) };
        let mut sent = std::mem::replace(upload.request.body_mut(), RequestBody::Empty);
        let holds = reading.most(Way::Upload) == OnHit::Withhold && is_held(kind);
        if holds {
            // The client is told to go on as soon as its body is read; the origin need not say so any more.
            sent.open();
            upload.request.headers_mut().remove(EXPECT);
        }
        let overheard = Overheard::default();
        let manner = Manner {
            way: Way::Upload,
            group: reading.group().clone(),
            may_change: false,
            pause: self.limits.scan.pause,
            notice: |_, _| Notice::None,
            reference: String::new(),
            told: Some(case.tell(&self.recorder, &asked.snapshot)),
            overheard: Some(overheard.clone()),
        };
        let mut scanned = self.scanned(asked.client(), sent, (judges, manner), upload.request.headers()).await?;
        if holds
            && scanned.hold(&self.limits.scan).await == Held::Withheld
            && let Some(found) = scanned.found().cloned()
        {
            if is_heard {
                scanned.hear_out(&self.limits.scan).await;
            }
            return Err(found);
        }
        *upload.request.body_mut() = RequestBody::Scanned(Box::new(scanned));
        Ok(Some(overheard))
    }

    /// The origin's answer as it goes to the client, read as it passes if it is to be.
    pub(super) async fn read_answer(self: &Arc<Self>, asked: &Asked, case: Option<Case<'_>>, answer: Answer) -> Answer {
        let (mut head, mut body) = answer.into_parts();
        let read = case.filter(|_| has_body(&asked.method, head.status)).and_then(|case| Some((Proxy::judges(asked, Way::Answer, &head.headers)?, case)));
        let (Some(((judges, kind), case)), Some(reading)) = (read, &asked.reading) else { return Response::from_parts(head, body) };
        // Pages of our own are not read.
        let Some((flow, pending, conn)) = body.take_flow() else { return Response::from_parts(head, body) };
        let manner = Manner {
            way: Way::Answer,
            group: reading.group().clone(),
            may_change: !is_fixed(&head.headers),
            pause: self.limits.scan.pause,
            notice: notice_for(kind),
            reference: pending.id().to_string(),
            told: Some(case.tell(&self.recorder, &asked.snapshot)),
            overheard: None,
        };
        let mut scanned = match self.scanned(asked.client(), flow, (judges, manner), &head.headers).await {
            Ok(scanned) => scanned,
            Err(found) => return self.withheld(asked, &case, &found, pending).await,
        };
        let form = if scanned.most() == OnHit::Withhold && is_held(kind) {
            match scanned.hold(&self.limits.scan).await {
                Held::Whole => Form::Original,
                Held::Begun(form) => form,
                Held::Withheld => match scanned.found().cloned() {
                    Some(found) => return self.withheld(asked, &case, &found, pending).await,
                    None => Form::Original,
                },
            }
        } else {
            scanned.begin()
        };
        if form == Form::Decoded {
            without_form(&mut head.headers);
        }
        Response::from_parts(head, AnswerBody::scanned(Box::new(scanned), pending, conn))
    }

    /// The block page in answer to what was cut while it was sent. That it was cut has a record of its own.
    pub(super) fn cut_off(&self, asked: &Asked, case: &Case<'_>, found: &Sentence, mut pending: Pending) -> Answer {
        pending.add_note(found.on_record());
        own_answer(asked, &self.block_page(asked, case.target, &found.reason), Some(pending), &self.settings.school)
    }

    /// The block page in place of what is withheld, on record before it goes out.
    pub(super) async fn withheld(&self, asked: &Asked, case: &Case<'_>, found: &Sentence, mut pending: Pending) -> Answer {
        pending.add_note(found.on_record());
        let record = Case::blocked(&case.opening, &asked.snapshot, found);
        let page = self.block_page(asked, case.target, &found.reason);
        match self.recorder.open(record).await {
            Ok(blocked) => {
                pending.close(Outcome::Withheld);
                if let Some(step) = asked.step {
                    self.recorded(step, Verdict::Blocked, blocked.id());
                }
                own_answer(asked, &page, Some(blocked), &self.settings.school)
            }
            Err(why) => {
                pending.close(Outcome::Withheld);
                own_answer(asked, &unrecorded(&why), None, &self.settings.school)
            }
        }
    }
}

/// Whether an answer to this method and of this status has a body (RFC 9110 section 6.4.1).
fn has_body(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD && !status.is_informational() && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}

/// Whether a person can wait for the beginning of a body of this kind. What comes piece by piece is not held.
fn is_held(kind: Kind) -> bool {
    match kind {
        Kind::Html | Kind::Json | Kind::Script | Kind::Plain | Kind::Form => true,
        Kind::JsonLines | Kind::Events | Kind::Messages | Kind::Tokens => false,
    }
}

/// Whether a body must stay as it is (RFC 9110 section 7.7).
fn is_fixed(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}

/// What is said of the very bytes of a body, and does not hold for it in another form or when it may end early.
const OF_BYTES: [HeaderName; 6] = [
    CONTENT_LENGTH,
    ACCEPT_RANGES,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

fn without_form(headers: &mut HeaderMap) {
    headers.remove(CONTENT_ENCODING);
    for name in OF_BYTES {
        headers.remove(name);
    }
    // Another form of the same: weakly the same (RFC 9110 section 8.8.1).
    let weak =
        headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/")).and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
}

/// What is written where a body of this kind is cut. Data that programs read breaks off instead: half of it is not to be taken for the whole.
fn notice_for(kind: Kind) -> fn(&Reason, &str) -> Notice {
    match kind {
        // Whatever is open there is closed first, so that it is seen.
        Kind::Html => |reason, reference| {
            let text = escaped(&text_of(reason));
            let page = format!(
                "\n--></script></style></textarea></title></select><hr><p role=\"alert\"><b>This page ends here.</b> {text} Reference: {reference}</p>\n"
            );
            Notice::Bytes(page.into())
        },
        Kind::Plain => |reason, reference| Notice::Bytes(format!("\n\n[This page ends here. {} Reference: {reference}]\n", text_of(reason)).into()),
        Kind::Events => |reason, reference| {
            let data = serde_json::json!({ "usher": "cut", "message": text_of(reason), "reference": reference });
            Notice::Bytes(format!("\n\nevent: usher\ndata: {data}\n\n").into())
        },
        Kind::Json | Kind::JsonLines | Kind::Script | Kind::Form | Kind::Messages | Kind::Tokens => |_, _| Notice::None,
    }
}

fn text_of(reason: &Reason) -> String {
    match reason {
        Reason::Words(words) => words.text(),
        // Nothing else is said of bodies.
        other => other.kind().to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A request for parts, as it would be for the whole. Parts of a text cannot be judged, and asking for them is no way past.
pub(super) struct Whole(Method, Uri, HeaderMap);

impl Whole {
    /// Of a request that is about to be sent, if it asks for parts and its answer may be more than noted.
    pub(super) fn of(asked: &Asked, upload: &mut Upload) -> Option<Self> {
        let request = &mut upload.request;
        let is_judged = asked.reading.as_ref().is_some_and(|reading| reading.most(Way::Answer) > OnHit::Note);
        if !is_judged || *request.method() != Method::GET || !request.headers().contains_key(RANGE) {
            return None;
        }
        // What has a body is sent once, and asks for the whole from the beginning.
        if !matches!(request.body(), RequestBody::Empty) {
            request.headers_mut().remove(RANGE);
            request.headers_mut().remove(IF_RANGE);
            return None;
        }
        let mut headers = request.headers().clone();
        // Lengths too: an empty body that claims one would make the origin take what comes next on the connection for it.
        for name in [RANGE, IF_RANGE, CONTENT_LENGTH, EXPECT, TRAILER] {
            headers.remove(name);
        }
        Some(Self(request.method().clone(), request.uri().clone(), headers))
    }

    /// Whether the answer is a part of a text, so that the whole is to be asked for instead.
    pub(super) fn is_wanted_for<B>(&self, answer: &Response<B>) -> bool {
        let parts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.trim_start().to_ascii_lowercase().starts_with("multipart/byteranges"));
        let headers = answer.headers();
        answer.status() == StatusCode::PARTIAL_CONTENT && (Body::of(headers).is_some() || headers.get_all(CONTENT_TYPE).iter().any(parts))
    }

    /// The request for it.
    pub(super) fn into_upload(self) -> Upload {
        let Self(method, uri, headers) = self;
        Upload { request: super::forward::rebuilt(method, uri, headers), progress: None }
    }
}
