//! What follows a request that was put on record and let through, and is put on record by itself: what a chat service was asked, which stands in the
//! request's body; and where its answer led, if that is blocked.
//!
//! The record of a request is committed before its body is read. So a prompt has a record of its own, a search that hangs from the request's visit. It is
//! committed before the first byte of the answer, like any other; only where an answer begins before the whole prompt was sent does it come after.
//! Nothing of a body is held back for it. What is withheld from the service, for its words or for a file beside it, was asked all the same.

use super::Worker;
use super::decoding::Memory;
use super::error::unrecorded;
use super::headers::asks_websocket;
use super::inspected_file::SHAPED_BY;
use super::meaning::{Entry, leads_to};
use super::pages::Page;
use super::request::{Answer, Asked, own_answer};
use super::target::Target;
use crate::audit::{Class, Opening, Outcome, Pending, RecordId, Recorder, Unrecorded, Verdict};
use crate::body::coding::Decoder;
use crate::identity::Identity;
use crate::insight::ai::sockets::{Talking, talking};
use crate::insight::ai::{self, Prompt};
use crate::insight::republished::Way;
use crate::insight::{Certainty, Kind, Search, Stage, Start};
use crate::policy::republished::Republished;
use crate::policy::{Circumstances, Decision, RequestVerdict};
use crate::url::Url;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use http::{Method, Response};
use http_body::Frame;
use std::ops::ControlFlow;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// What is kept of a request for what follows it.
pub(super) struct Sequel {
    pub(super) identity: Identity,
    pub(super) kind: Kind,
    pub(super) start: Start,
    pub(super) certainty: Certainty,
    /// The visit it hangs from.
    pub(super) cause: Option<RecordId>,
    /// What it asks a chat service, with the record of the request.
    pub(super) asking: Option<Box<Asks>>,
    /// That it is asked over the WebSocket it leads to.
    pub(super) talking: Option<Box<(Talking, Opening)>>,
    /// What says in which form an answer of our own is wanted; the fields themselves go to the origin.
    form: [(HeaderName, Option<HeaderValue>); 2],
}

/// A request that asks a chat service something.
pub(super) struct Asks {
    asking: ai::Asking,
    opening: Opening,
    /// Undoes the codings of its body, with the memory that is taken for it.
    decoder: Decoder,
    memory: Option<Memory>,
}

impl Sequel {
    /// Of a request that is about to be sent on.
    pub(super) fn of(asked: &Asked, target: &Target, identity: Identity, opening: &Opening) -> Self {
        let asks = match target {
            Target::Tunnel(_) => None,
            Target::Page { url, path, .. } => ai::asking(asked.method.as_str(), url.host.as_str(), path),
        };
        let asking = asks.map(|asking| Box::new(Asks { asking, opening: opening.clone(), decoder: Decoder::plain(), memory: None }));
        let talks = match target {
            Target::Page { url, path, .. } if asks_websocket(&asked.headers) => talking(url.host.as_str(), path),
            Target::Page { .. } | Target::Tunnel(_) => None,
        };
        let talking = talks.map(|talking| Box::new((talking, opening.clone())));
        let Opening { kind, start, certainty, cause, .. } = *opening;
        let form = SHAPED_BY.map(|name| (name.clone(), asked.headers.get(&name).cloned()));
        Self { identity, kind, start, certainty, cause, asking, talking, form }
    }
}

impl Asked {
    /// Takes back what says in which form an answer of our own is wanted, after the fields went to the origin.
    pub(super) fn recall_form(&mut self) {
        let form = self.sequel.as_ref().map(|sequel| sequel.form.clone()).into_iter().flatten();
        self.headers.extend(form.filter_map(|(name, value)| Some((name, value?))));
    }
}

/// Listens to a body on its way to a chat service.
pub struct Listener {
    hears: Option<Hears>,
}

struct Hears {
    prompt: Prompt,
    /// None where it cannot be undone any further.
    decoder: Option<Decoder>,
    room: Vec<u8>,
    tell: oneshot::Sender<String>,
    _memory: Option<Memory>,
}

/// Waits for what a listener hears, with the record that is made of it. Dropped, it is put on record all the same: as much as was sent was asked, whether
/// or not anybody waits for the answer.
pub(super) struct Heard(Option<Hearing>);

struct Hearing {
    prompt: oneshot::Receiver<String>,
    engine: &'static str,
    opening: Opening,
    recorder: Recorder,
    /// The record of the request.
    of: RecordId,
}

impl Listener {
    /// One that listens to what `asking` asks, and who waits for it.
    pub(super) fn new(asks: Box<Asks>, recorder: &Recorder, of: RecordId) -> (Self, Heard) {
        let Asks { asking, opening, decoder, memory } = *asks;
        let (tell, prompt) = oneshot::channel();
        let hearing = Hearing { prompt, engine: asking.id(), opening, recorder: recorder.clone(), of };
        let hears = Hears { prompt: asking.prompt(), decoder: Some(decoder), room: Vec::new(), tell, _memory: memory };
        (Self { hears: Some(hears) }, Heard(Some(hearing)))
    }

    /// The next of the body; nothing is its end.
    pub fn hear(&mut self, frame: Option<&Frame<Bytes>>) {
        match (frame.map(Frame::data_ref), &mut self.hears) {
            (Some(Some(bytes)), Some(hears)) => hears.hear(bytes),
            (Some(Some(_)), None) => {}
            (Some(None) | None, _) => self.tell(),
        }
    }

    /// The body is over.
    pub fn tell(&mut self) {
        if let Some(Hears { prompt, tell, .. }) = self.hears.take()
            && let Some(text) = prompt.end()
        {
            // Nobody waits if the request was given up before it was on record.
            let _ = tell.send(text);
        }
    }
}

impl Hears {
    fn hear(&mut self, bytes: &[u8]) {
        let Self { prompt, decoder: Some(decoder), room, .. } = self else { return };
        let read = decoder.read(bytes, room, &mut |bytes| {
            prompt.feed(bytes);
            ControlFlow::Continue(())
        });
        if read.is_err() {
            // What came until then was asked.
            self.decoder = None;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // As much as was sent was asked.
        self.tell();
    }
}

impl Heard {
    /// Puts what was heard on record, before an answer is passed on, and what became of it. What was withheld was asked too.
    pub(super) async fn record(mut self, outcome: Outcome) -> Result<(), Unrecorded> {
        let Some(mut hearing) = self.0.take() else { return Ok(()) };
        match hearing.prompt.try_recv() {
            Ok(prompt) => Box::pin(hearing.put_on_record(prompt, outcome)).await,
            Err(oneshot::error::TryRecvError::Closed) => Ok(()),
            // The answer begins while the body is still on its way.
            Err(oneshot::error::TryRecvError::Empty) => {
                tokio::spawn(hearing.put_later(outcome));
                Ok(())
            }
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some(hearing) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(hearing.put_later(Outcome::ClientGone));
        }
    }
}

impl Hearing {
    async fn put_later(mut self, outcome: Outcome) {
        if let Ok(prompt) = (&mut self.prompt).await {
            // The log says by itself that it cannot be written.
            let _ = self.put_on_record(prompt, outcome).await;
        }
    }

    async fn put_on_record(self, term: String, outcome: Outcome) -> Result<(), Unrecorded> {
        let Self { engine, opening, recorder, of, .. } = self;
        record_prompt(&recorder, opening, of, (engine, term), ("the body", outcome)).await
    }
}

/// Puts on record what a service was asked in what belongs to the request `of`, whose record began so.
pub(super) async fn record_prompt(
    recorder: &Recorder,
    opening: Opening,
    of: RecordId,
    (engine, term): (&'static str, String),
    (place, outcome): (&str, Outcome),
) -> Result<(), Unrecorded> {
    let class = opening.class.following(Kind::Search, opening.verdict);
    let cause = opening.cause.or(Some(of).filter(|_| opening.kind == Kind::Visit));
    let search = Some(Search { engine, term, stage: Stage::Asked });
    let mut pending = recorder.open(Box::new(Opening { class, kind: Kind::Search, start: Start::Typed, cause, search, ..opening })).await?;
    pending.note(format!("asked in {place} of request {of}"));
    pending.close(outcome);
    Ok(())
}

impl Worker {
    /// Puts on record what was heard, if anybody listened; without a record, the answer is that nothing can pass.
    pub(super) async fn record_heard(&self, asked: &Asked, heard: Option<Heard>, outcome: Outcome, pending: Pending) -> Result<Pending, Answer> {
        let Some(heard) = heard else { return Ok(pending) };
        match heard.record(outcome).await {
            Ok(()) => Ok(pending),
            Err(why) => Err(own_answer(asked, &unrecorded(&why), Some(pending), &self.settings.school)),
        }
    }

    /// Makes ready to undo the codings of what a chat service is asked, if there are any. That it cannot be read is on record.
    pub(super) async fn make_ready_to_hear(&self, asked: &mut Asked, pending: &mut Pending) {
        if !asked.headers.contains_key(CONTENT_ENCODING) || asked.sequel.as_ref().is_none_or(|sequel| sequel.asking.is_none()) {
            return;
        }
        let undone = self.decoder(&asked.taker(), &asked.headers).await;
        let Some(sequel) = &mut asked.sequel else { return };
        match (undone, &mut sequel.asking) {
            (Ok((decoder, memory)), Some(asks)) => (asks.decoder, asks.memory) = (decoder, memory),
            (Err(why), asks) => {
                *asks = None;
                pending.add_note(format!("what was asked was not read: {why}"));
            }
            (Ok(_), None) => {}
        }
    }

    /// Judges where an answer leads, before it is passed on. A page there that is blocked is refused here: of a link that was shortened it is the first that
    /// is known of the page, and of a site that is not looked into the only time that more than its name is seen. What comes with a warning is led
    /// to, for there it can be warned about.
    pub(super) async fn refuse_to_lead<B>(&self, asked: &Asked, target: &Target, response: &Response<B>, pending: &mut Pending) -> Option<Answer> {
        let (entry, page) = self.leads_astray(asked, target, response, pending)?;
        Some(match Box::pin(self.open_record(asked, entry)).await {
            Ok(refused) => own_answer(asked, &page, Some(refused), &self.settings.school),
            Err(answer) => answer,
        })
    }

    /// What is put on record and shown in the place of an answer that leads where is blocked.
    fn leads_astray<B>(&self, asked: &Asked, target: &Target, response: &Response<B>, pending: &mut Pending) -> Option<(Entry, Page)> {
        let sequel = asked.sequel.as_ref()?;
        let place = leads_to(target, response)?;
        let path = &place[url::Position::BeforePath..url::Position::AfterQuery];
        let url = Url::parse(place.as_str()).ok().filter(|url| url.host != target.url().host)?;
        let there = Target::Page { port: place.port(), path: path.to_owned(), url };
        let found = asked.snapshot.lists.look_up(there.url());
        let moment = asked.snapshot.timetable.moment(asked.now);
        let method = if matches!(response.status().as_u16(), 307 | 308) { asked.method.as_str() } else { Method::GET.as_str() };
        let past = self.past(asked, &sequel.identity);
        let around = Circumstances { method, ..self.circumstances(asked, &sequel.identity, &moment, &past) };
        let Decision { verdict: RequestVerdict::Block, reason, .. } = asked.snapshot.court().decide_request(there.url(), &found, around) else { return None };
        let by = target.url().host.as_str().to_owned();
        let reason = Republished::named(by, Way::LeadsTo, there.url(), found.categories, reason);
        pending.status(response.status());
        pending.add_note(format!("not passed on: it leads to {}", there.url()));
        let cause = if asked.step.is_some() { Some(pending.id()) } else { sequel.cause };
        let opening = self.judged_opening(asked, &there, &sequel.identity, &found, Verdict::Blocked, &reason);
        let is_staff = asked.snapshot.policy.is_staff(sequel.identity.standing);
        let class = if is_staff { Class::Staff } else { Class::of(sequel.kind, Verdict::Blocked) };
        let start = if sequel.kind == Kind::Visit { Start::Loaded } else { sequel.start };
        let opening = Opening { class, kind: sequel.kind, start, certainty: sequel.certainty, cause, ..opening };
        Some((Entry { opening: opening.into(), step: None }, self.block_page(asked, &there, &reason)))
    }
}
