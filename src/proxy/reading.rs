//! Which bodies are read, by whom, and what is shown and put on record for what they say.
//!
//! Read are answers and uploads of people whose group says so: those whose head says that they are text, or have parts or messages that may be; and answers
//! whose head says nothing, if they begin as text. What is no text is not touched. Not held, though a group withholds: streams of events, of lines, of
//! messages and of parts that a person waits for one by one; they are cut.

use super::body::{AnswerBody, RequestBody};
use super::decoding::Memory;
use super::error::unrecorded;
use super::exchange::Upload;
use super::judge::{Body, Sentence, WordsJudge};
use super::judge_messages::MessagesJudge;
use super::judge_parts::PartsJudge;
use super::request::{Answer, Asked, own_answer};
use super::scanned::{Form, Held, Judges, Manner, Note, Notice, Scanned, Source, Told};
use super::target::Target;
use super::ways::body::WaysJudge;
use super::{Proxy, Worker};
use crate::audit::{Opening, Outcome, Pending, RecordId, Recorder, Verdict};
use crate::body::coding::{Codings, Decoder, Unreadable};
use crate::body::parts::should_have;
use crate::bypass::hosting;
use crate::insight;
use crate::policy::words::Way;
use crate::policy::{OnHit, Reason};
use crate::scan::Kind;
use crate::shares::Taker;
use crate::snapshot::Snapshot;
use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, EXPECT, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body::Body as _;
use parking_lot::Mutex;
use std::sync::Arc;

/// What somebody is found to have sent, for whoever answers them.
pub(super) type Overheard = Arc<Mutex<Option<Sentence>>>;

/// A request whose bodies are read: what is put on record, should something be found in them.
pub(super) struct Case<'a> {
    pub(super) opening: Arc<Opening>,
    pub(super) target: &'a Target,
}

impl Case<'_> {
    /// The record of what was found, and is not let through.
    fn blocked(opening: &Opening, snapshot: &Snapshot, sentence: &Sentence) -> Arc<Opening> {
        let class = opening.class.following(opening.kind, Verdict::Blocked);
        Arc::new(Opening { verdict: Verdict::Blocked, rule: None, entry: None, class, ..Self::found(opening, snapshot, sentence) })
    }

    /// The record of what was found.
    fn found(opening: &Opening, snapshot: &Snapshot, sentence: &Sentence) -> Opening {
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
        Opening { reason: sentence.reason.kind(), why: sentence.why(taxonomy).into(), categories, ..opening.clone() }
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

    /// Puts it on record that something was noted in what goes on with the request `of`, and passed.
    pub(super) fn note(recorder: &Recorder, opening: Arc<Opening>, snapshot: Arc<Snapshot>, of: RecordId) -> Note {
        let recorder = recorder.clone();
        Arc::new(move |sentence| {
            let recorder = recorder.clone();
            let cause = opening.cause.or(Some(of).filter(|_| opening.kind == insight::Kind::Visit));
            let record = Opening { cause, ..Self::found(&opening, &snapshot, sentence) };
            tokio::spawn(async move {
                // As above.
                if let Ok(mut pending) = recorder.open(record).await {
                    pending.note(format!("noted in a message of request {of}"));
                    pending.close(Outcome::Complete);
                }
            });
        })
    }
}

impl Proxy {
    /// Who reads a body with this head, and what it is; nobody, if it is no text or nobody is to.
    fn judges(&self, asked: &Asked, way: Way, headers: &HeaderMap) -> (Judges, Option<Shape>) {
        let mut judges = Judges::new();
        let mut shape = None;
        let Some(reading) = &asked.reading else { return (judges, shape) };
        let body = match way {
            Way::Answer => Body::of(headers),
            Way::Upload => Body::sent(headers),
        };
        if let Some(body) = body {
            let words = WordsJudge::new(&asked.snapshot, reading, way, &body);
            // Before the first part there may be a mark that is no part's.
            let is_unparted = way == Way::Upload && headers.get_all(CONTENT_TYPE).iter().any(|value| should_have(&String::from_utf8_lossy(value.as_bytes())));
            judges.push(Box::new(if is_unparted { words.unmarked() } else { words }));
            shape = Some(Shape::Text(body.kind));
        }
        if let Some(parts) = PartsJudge::of(&asked.snapshot, reading, way, headers) {
            judges.push(Box::new(parts));
            shape = Some(if goes_on_in_parts(headers) { Shape::PartByPart } else { Shape::Parts });
        }
        if let Some(messages) = MessagesJudge::of(&asked.snapshot, reading, way, headers, self.limits.scan.decode) {
            judges.push(Box::new(messages));
            shape = Some(Shape::PartByPart);
        }
        (judges, shape)
    }

    /// Undoes the codings of a body with this head, if there is room for it, or soon.
    pub(super) async fn decoder(&self, taker: &Taker, headers: &HeaderMap) -> Result<(Decoder, Option<Memory>), Unreadable> {
        let limits = &self.limits.scan;
        let codings = codings(headers, limits.decode.layers)?;
        let memory = self.decoding.take_for(taker, &codings, 1, limits.pause).await.map_err(|_| Unreadable::Busy)?;
        Ok((Decoder::of(&codings, limits.decode)?, memory))
    }

    /// Undoes the codings of a body with this head, for which the memory is taken.
    fn provided_decoder(&self, headers: &HeaderMap) -> Result<(Decoder, Option<Memory>), Unreadable> {
        let limits = self.limits.scan.decode;
        Ok((Decoder::of(&codings(headers, limits.layers)?, limits)?, None))
    }

    /// A body that is read as it passes; or why it does not.
    fn scanned<S: Source>(
        decoder: Result<(Decoder, Option<Memory>), Unreadable>,
        source: S,
        (judges, mut manner): (Judges, Manner),
    ) -> Result<Scanned<S>, Sentence> {
        match decoder {
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
        let (judges, Some(shape)) = self.judges(asked, Way::Upload, upload.request.headers()) else { return Ok(None) };
        let (Some(reading), false) = (&asked.reading, matches!(upload.request.body(), RequestBody::Empty)) else { return Ok(None) };
        let mut sent = std::mem::replace(upload.request.body_mut(), RequestBody::Empty);
        let holds = reading.most(Way::Upload) == OnHit::Withhold && is_held(shape);
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
        let decoder = self.decoder(&asked.taker(), upload.request.headers()).await;
        let mut scanned = Proxy::scanned(decoder, sent, (judges, manner))?;
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

    /// Who reads an answer as it passes; nobody, if there is nothing to read or nobody is to.
    pub(super) fn readers(&self, asked: &Asked, case: &Case<'_>, answer: &Answer) -> Option<Readers> {
        // One that is over with its head says so to its client too: gRPC has such answers, which mean another thing with an empty body.
        if !has_body(&asked.method, answer.status()) || answer.body().is_end_stream() {
            return None;
        }
        let headers = answer.headers();
        let (mut judges, shape) = self.judges(asked, Way::Answer, headers);
        // Nothing is decoded for this alone where nobody is to read.
        let identity = asked.sequel.as_ref().map(|sequel| &sequel.identity).filter(|_| asked.reading.is_some() || !headers.contains_key(CONTENT_ENCODING));
        if let Some(judge) = identity.and_then(|identity| {
            let ways = asked.snapshot.policy.ways(identity.standing);
            WaysJudge::of(ways, headers, !hosting::is_in_no_list(&case.opening.categories))
        }) {
            judges.push(Box::new(judge));
        }
        (!judges.is_empty()).then_some(Readers { judges, shape: shape.unwrap_or(Shape::Other) })
    }

    /// The origin's answer as it goes to the client, read as it passes.
    pub(super) async fn read_answer(self: &Arc<Self>, asked: &Asked, case: Case<'_>, answer: Answer, Readers { judges, shape }: Readers) -> Answer {
        let (mut head, mut body) = answer.into_parts();
        // Pages of our own are not read.
        let Some((flow, pending, conn, leash)) = body.take_flow() else { return Response::from_parts(head, body) };
        let manner = Manner {
            way: Way::Answer,
            group: case.opening.group.clone(),
            // What is read for ways round alone, or may only be noted for its words, keeps its form: of what is cut for its bytes no more is shown.
            may_change: shape != Shape::Other
                && asked.reading.as_ref().is_some_and(|reading| reading.most(Way::Answer) > OnHit::Note)
                && !is_fixed(&head.headers),
            pause: self.limits.scan.pause,
            notice: notice_for(shape),
            reference: pending.id().to_string(),
            told: Some(case.tell(&self.recorder, &asked.snapshot)),
            overheard: None,
        };
        let decoder = if flow.has_memory() { self.provided_decoder(&head.headers) } else { self.decoder(&asked.taker(), &head.headers).await };
        let mut scanned = match Proxy::scanned(decoder, flow, (judges, manner)) {
            Ok(scanned) => scanned,
            Err(found) => return self.withheld(asked, &case, &found, pending).await,
        };
        let form = if scanned.most() == OnHit::Withhold && is_held(shape) {
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
        Response::from_parts(head, AnswerBody::scanned(Box::new(scanned), pending, conn, leash))
    }

    /// The block page in answer to what was cut while it was sent. That it was cut has a record of its own.
    pub(super) fn cut_off(&self, asked: &Asked, case: &Case<'_>, found: &Sentence, mut pending: Pending) -> Answer {
        found.note(&mut pending);
        own_answer(asked, &self.block_page(asked, case.target, &found.reason), Some(pending), &self.settings.school)
    }

    /// The block page in place of what is withheld, on record before it goes out.
    pub(super) async fn withheld(&self, asked: &Asked, case: &Case<'_>, found: &Sentence, mut pending: Pending) -> Answer {
        found.note(&mut pending);
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

/// The codings of a body with this head.
fn codings(headers: &HeaderMap, most: usize) -> Result<Codings, Unreadable> {
    Codings::of(headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes), most)
}

/// Whether an answer to this method and of this status has a body (RFC 9110 section 6.4.1).
fn has_body(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD && !status.is_informational() && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}

/// What a body that is read looks like, as far as holding and cutting it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// One text.
    Text(Kind),
    /// Several parts that are a whole.
    Parts,
    /// Several that come one after another, each wanted when it is there.
    PartByPart,
    /// Read only to see what it is.
    Other,
}

/// Who reads an answer, and what it looks like.
pub(super) struct Readers {
    judges: Judges,
    shape: Shape,
}

/// Whether the parts of a body are wanted one by one: pages and pictures that replace one another, and the pieces of a GraphQL answer.
fn goes_on_in_parts(headers: &HeaderMap) -> bool {
    let starts = |value: &HeaderValue, essence: &str| {
        value.as_bytes().trim_ascii_start().get(..essence.len()).is_some_and(|start| start.eq_ignore_ascii_case(essence.as_bytes()))
    };
    headers.get_all(CONTENT_TYPE).iter().any(|value| starts(value, "multipart/x-mixed-replace") || starts(value, "multipart/mixed"))
}

/// Whether a person can wait for the beginning of a body of this kind. What comes piece by piece is not held.
fn is_held(shape: Shape) -> bool {
    match shape {
        Shape::Text(Kind::Html | Kind::Json | Kind::Script | Kind::Plain | Kind::Form) | Shape::Parts => true,
        Shape::Text(Kind::JsonLines | Kind::Events | Kind::Messages | Kind::Tokens) | Shape::PartByPart | Shape::Other => false,
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
fn notice_for(shape: Shape) -> fn(&Reason, &str) -> Notice {
    match shape {
        // Whatever is open there is closed first, so that it is seen.
        Shape::Text(Kind::Html) => |reason, reference| {
            let text = escaped(&text_of(reason));
            let page = format!(
                "\n--></script></style></textarea></title></select><hr><p role=\"alert\"><b>This page ends here.</b> {text} Reference: {reference}</p>\n"
            );
            Notice::Bytes(page.into())
        },
        Shape::Text(Kind::Plain) => {
            |reason, reference| Notice::Bytes(format!("\n\n[This page ends here. {} Reference: {reference}]\n", text_of(reason)).into())
        }
        Shape::Text(Kind::Events) => |reason, reference| {
            let data = serde_json::json!({ "usher": "cut", "message": text_of(reason), "reference": reference });
            Notice::Bytes(format!("\n\nevent: usher\ndata: {data}\n\n").into())
        },
        Shape::Text(Kind::Json | Kind::JsonLines | Kind::Script | Kind::Form | Kind::Messages | Kind::Tokens)
        | Shape::Parts
        | Shape::PartByPart
        | Shape::Other => |_, _| Notice::None,
    }
}

fn text_of(reason: &Reason) -> String {
    match reason {
        Reason::Words(words) => words.text(),
        Reason::Way(finding) => finding.code.words().to_owned(),
        // Nothing else is said of bodies.
        other => other.kind().to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
