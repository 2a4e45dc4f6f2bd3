//! The body of a file on its way: judged on as it streams, and cut off should it be refused yet.

use super::{Refused, blocked};
use crate::antivirus::spool::{Pieces, Spool};
use crate::audit::{Opening, Outcome, Recorder};
use crate::policy::files::{Judge, Verdict};
use crate::proxy::body::Relay;
use crate::proxy::decoding::Memory;
use bytes::Bytes;
use http::header::HeaderMap;
use http_body::{Frame, SizeHint};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What a file is recorded with, should it be refused while it streams.
pub(super) struct Ender {
    pub(super) recorder: Recorder,
    pub(super) opening: Box<Opening>,
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
pub(super) enum Decided {
    Passes,
    Refused(String),
}

/// What came of holding a file.
pub(super) enum Held {
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
    pub(super) judge: Judge,
    ender: Ender,
    ending: Option<Ending>,
    /// What undoing its codings takes, of the judge and of whoever reads it after.
    memory: Option<Memory>,
}

impl InspectedFile {
    pub(super) fn new(relay: Relay, judge: Judge, ender: Ender, memory: Option<Memory>) -> Self {
        Self { relay: Some(relay), first: VecDeque::new(), pieces: None, trailers: None, failure: None, rested: false, judge, ender, ending: None, memory }
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
    pub(super) fn poll_decided(&mut self, cx: &mut Context<'_>) -> Poll<Decided> {
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

    pub(super) fn is_empty(&self) -> bool {
        self.relay.is_none() && self.first.iter().all(Bytes::is_empty)
    }

    /// Reads all of it into `spool`.
    pub(super) async fn hold(&mut self, spool: &mut Spool, most: u64) -> Held {
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
    pub(super) fn give_back(&mut self, spool: &Spool, more: bool) {
        self.pieces = Some(spool.pieces());
        if !more {
            self.relay = None;
        }
    }

    pub(super) fn fail_with(&mut self, error: io::Error) {
        self.failure = Some(error);
    }

    /// The next piece for the client.
    pub(in crate::proxy) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
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

    /// Whether the memory that undoing its codings takes is taken, once for the judge and once for another reader.
    pub(in crate::proxy) fn has_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Forgives the origin that it was not asked for a while.
    pub(in crate::proxy) fn rested(&mut self) {
        if let Some(relay) = &mut self.relay {
            relay.rested();
        }
    }

    /// Whether all has left.
    pub(in crate::proxy) fn is_over(&self) -> bool {
        self.relay.is_none()
            && self.first.is_empty()
            && self.pieces.as_ref().is_none_or(|pieces| pieces.left() == 0)
            && self.trailers.is_none()
            && self.failure.is_none()
            && self.ending.is_none()
    }

    /// How much is left.
    pub(in crate::proxy) fn size_hint(&self) -> SizeHint {
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
