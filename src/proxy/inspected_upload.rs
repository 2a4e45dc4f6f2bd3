//! What a client sends, judged before any of it goes on: by the rules for files, and by a scanner of requests. It is held whole on disk for that, as files
//! for a virus scanner are.

use super::body::HeldBody;
use super::headers::names;
use super::inspected_file::{Refused, blocked, codings, end_first, essences, found, framed, request_head, shape, taker};
use super::meaning::{Entry, SEC_FETCH_DEST, SEC_FETCH_MODE};
use super::pace::Leash;
use super::request::{Answer, Asked, own_answer};
use super::sequel::{Heard, Listener};
use super::target::Target;
use super::{Proxy, Worker};
use crate::antivirus::icap::Message;
use crate::antivirus::spool::Spool;
use crate::antivirus::{Antivirus, ScanError, Unscanned, Verdict};
use crate::audit::{Opening, Outcome, Pending};
use crate::kinds::name;
use crate::policy::files::{Facts, Refusal, Rules, Uploads};
use crate::telemetry::events::FileUnscanned;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap, ORIGIN, TE};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most bytes that are held of what is sent, where no scanner's limit says less.
const MOST_HELD: u64 = 1 << 30;
/// How long a place for it is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many times as long as between two pieces of a body the whole of it may take.
const WHOLE: u32 = 10;

/// What is needed to judge what is sent.
pub(super) struct Upload {
    rules: Arc<Rules>,
    antivirus: Option<Arc<Antivirus>>,
    opening: Box<Opening>,
    path: String,
}

impl Upload {
    fn most(&self) -> u64 {
        self.antivirus.as_ref().map_or(MOST_HELD, |antivirus| antivirus.settings().largest)
    }

    fn by_rules(&self, refusal: &Refusal) -> Refused {
        Refused::Rules(refusal.text(&self.opening.group))
    }

    /// What becomes of it when it cannot be scanned.
    fn unscanned(&self, error: &dyn Display) -> Result<(), Refused> {
        let Some(antivirus) = &self.antivirus else { return Ok(()) };
        if antivirus.is_to_be_told() {
            FileUnscanned { error: &error.to_string() }.emit();
        }
        match antivirus.settings().on_error {
            Unscanned::Pass => Ok(()),
            Unscanned::Block => Err(Refused::Antivirus(format!("It could not be scanned for viruses, so it is blocked: {error}."))),
        }
    }
}

/// Why nothing is sent on.
enum Stopped {
    Refused(Refused),
    /// The client broke off.
    Client(io::Error),
}

impl From<Refused> for Stopped {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl Proxy {
    /// What is needed to judge what is sent, if it is to be judged.
    pub(super) fn upload_brief(&self, asked: &Asked, target: &Target, opening: &Opening, body: &Incoming) -> Option<Box<Upload>> {
        let Target::Page { url, path, .. } = target else { return None };
        let rules = asked.files.clone().filter(|rules| rules.uploads && rules.are_for(&url.host));
        let antivirus = self.antivirus.clone().filter(|antivirus| antivirus.scans_requests());
        if body.is_end_stream() || rules.is_none() && antivirus.is_none() {
            return None;
        }
        let goes_on = body.size_hint().exact().is_none() && is_call(&asked.headers);
        let upload = Upload { rules: rules.unwrap_or_default(), antivirus, opening: Box::new(opening.clone()), path: path.clone() };
        let passes = upload.antivirus.as_ref().is_some_and(|antivirus| antivirus.settings().larger == Unscanned::Pass) && upload.rules.is_empty();
        let too_large = body.size_hint().exact().is_some_and(|length| length > upload.most());
        (!(goes_on || passes && too_large)).then(|| Box::new(upload))
    }
}

impl Worker {
    /// Puts a request on record, holds its body whole and judges it: the body as it goes on, or a page in the place of an answer.
    pub(super) async fn hold_upload(
        &self,
        upload: &Upload,
        asked: &mut Asked,
        entry: Entry,
        body: &mut Incoming,
    ) -> Result<(Pending, (HeldBody, Option<Heard>)), Answer> {
        let mut leash = Leash::of_record(self.reins.clone(), entry.opening.clone());
        let mut pending = self.open_record(asked, entry).await?;
        let received = pending.received();
        self.make_ready_to_hear(asked, &mut pending).await;
        let asking = asked.sequel.as_mut().and_then(|sequel| sequel.asking.take());
        let (mut listener, heard) = asking.map(|asking| Listener::new(asking, &self.recorder, pending.id())).unzip();
        let held = self.hold(upload, &asked.headers, (body, &mut leash), (&received, listener.as_mut())).await;
        drop(listener);
        let stopped = match held {
            Ok(spool) => {
                // It is here.
                asked.headers.remove(EXPECT);
                return Ok((pending, (HeldBody { pieces: spool.pieces(), sent: Arc::default() }, heard)));
            }
            Err(stopped) => stopped,
        };
        // What was asked beside a file that is refused was asked.
        pending = self.record_heard(asked, heard, Outcome::Withheld, pending).await?;
        match stopped {
            Stopped::Client(error) => {
                pending.note(error.to_string());
                pending.close(Outcome::ClientGone);
                let page = super::pages::Page::new(http::StatusCode::BAD_REQUEST, "error", "The request cannot be read");
                Err(own_answer(asked, &page, None, &self.settings.school))
            }
            Stopped::Refused(refused) => {
                let shown = Asked::shaped_by(asked, shape(&asked.headers));
                match self.recorder.open(blocked(&upload.opening, &refused)).await {
                    Ok(second) => {
                        end_first(pending, &second, "not sent");
                        let page = self.file_page(&upload.opening, refused.text());
                        Err(own_answer(&shown, &page, Some(second), &self.settings.school))
                    }
                    Err(why) => Err(own_answer(&shown, &super::error::unrecorded(&why), Some(pending), &self.settings.school)),
                }
            }
        }
    }

    async fn hold(
        &self,
        upload: &Upload,
        headers: &HeaderMap,
        (body, leash): (&mut Incoming, &mut Leash),
        (received, mut listener): (&AtomicU64, Option<&mut Listener>),
    ) -> Result<Spool, Stopped> {
        let by_rules = |refusal: Refusal| Stopped::Refused(upload.by_rules(&refusal));
        let text = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
        let facts = facts(headers, &upload.path, &upload.opening.method);
        let codings = facts.codings.clone().unwrap_or_default();
        let mut judge = Uploads::new(upload.rules.clone(), &text, facts).map_err(by_rules)?;
        let memory = self.decoding.take_for(&taker(&upload.opening), &codings, 1, self.limits.scan.pause).await;
        let _memory = memory.map_err(|_| by_rules(Refusal::Full))?;
        let too_large =
            || Refused::Antivirus(format!("What is larger than {} MiB cannot be looked into before it is sent, and is blocked.", upload.most() >> 20));
        if body.size_hint().exact().is_some_and(|length| length > upload.most()) {
            return Err(too_large().into());
        }
        let unkept = |error: ScanError| Refused::Antivirus(format!("It could not be looked into, so it is blocked: {error}."));
        let mut spool = self.spools.spool(&taker(&upload.opening), PATIENCE, body.size_hint().exact()).await.map_err(unkept)?;
        let mut until = Instant::now() + self.limits.stall_time * WHOLE;
        loop {
            let read = timeout_at(until.min(Instant::now() + self.limits.stall_time), body.frame()).await;
            let frame = match read {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(Stopped::Client(io::Error::other(error))),
                Ok(None) => break,
                Err(_) => return Err(Stopped::Client(io::ErrorKind::TimedOut.into())),
            };
            if let Some(listener) = &mut listener {
                listener.hear(Some(&frame));
            }
            let Ok(bytes) = frame.into_data() else { continue };
            received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            judge.feed(&bytes).map_err(by_rules)?;
            if spool.length() + bytes.len() as u64 > upload.most() {
                return Err(too_large().into());
            }
            spool.push(&bytes).await.map_err(|error| unkept(ScanError::Spool(error)))?;
            // Nobody is late while it is held back.
            until += leash.pass(bytes.len()).await.map_err(|cut| Stopped::Client(io::Error::other(cut)))?;
        }
        judge.end().map_err(by_rules)?;
        spool.flush().await.map_err(|error| unkept(ScanError::Spool(error)))?;
        if let Some(antivirus) = &upload.antivirus {
            let message = Message { request: request_head(&upload.opening, Some(headers)), response: None };
            match antivirus.scan_request(&spool, &message).await {
                Ok(Verdict::Clean) => {}
                Ok(Verdict::Found(name)) => return Err(found(&name).into()),
                Err(error) => upload.unscanned(&error)?,
            }
        }
        Ok(spool)
    }
}

/// Whether a body may go on for as long as its answer does: a call of gRPC, whose programs say that they understand trailers. Pages can call themselves so
/// too, and send what they like; but browsers let no page say that, and say themselves that it is one that asks.
fn is_call(headers: &HeaderMap) -> bool {
    let is_grpc = || types(headers).iter().any(|essence| essence == "application/grpc" || essence.starts_with("application/grpc+"));
    let is_page = [&SEC_FETCH_MODE, &SEC_FETCH_DEST].iter().any(|name| headers.contains_key(*name)) || headers.contains_key(ORIGIN);
    is_grpc() && names(headers, &TE, "trailers") && !is_page
}

fn types(headers: &HeaderMap) -> Vec<String> {
    headers.get_all(CONTENT_TYPE).iter().flat_map(|value| essences(&String::from_utf8_lossy(value.as_bytes()))).collect()
}

fn facts(headers: &HeaderMap, path: &str, method: &http::Method) -> Facts {
    Facts {
        // Of other methods it is the name of what takes it.
        path: Some(path).filter(|_| *method == http::Method::PUT).and_then(name::of_path),
        names: headers.get_all(CONTENT_DISPOSITION).iter().flat_map(|value| name::of_disposition(value.as_bytes())).collect(),
        types: types(headers),
        codings: codings(headers),
        framed: framed(headers),
        length: headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok()),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_its_type_and_by_the_trailers_it_waits_for() {
        for (fields, is) in [
            (&[("content-type", "application/grpc"), ("te", "trailers")][..], true),
            (&[("content-type", "application/grpc+proto"), ("te", "gzip"), ("te", "deflate, Trailers")], true),
            (&[("content-type", "application/grpc")], false),
            (&[("content-type", "application/grpc"), ("te", "no-trailers")], false),
            (&[("content-type", "application/grpc-web"), ("te", "trailers")], false),
            (&[("content-type", "application/grpc"), ("te", "trailers"), ("sec-fetch-mode", "cors")], false),
            (&[("content-type", "application/grpc"), ("te", "trailers"), ("origin", "https://a.example")], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, http::HeaderValue::from_static(value));
            }
            assert_eq!(is_call(&headers), is, "{fields:?}");
        }
    }
}
