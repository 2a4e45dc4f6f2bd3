//! A body that is read as it passes: what of it goes on when, is held back, withheld or cut. Its `reader` decodes it beside that and has it judged.
//!
//! # What passes
//!
//! | what may be said of it | what the other side gets |
//! | --- | --- |
//! | a note at most | every byte as it came, when it came; its head is not touched |
//! | it may be cut | the bytes without their codings, so that a notice can be written where it ends; a frame is passed on when it is judged |
//! | it may be withheld | first nothing: a *hold* of so many bytes, decoded. What ends within it passes as it came. What is longer goes on as what may be cut |
//!
//! Of a piece that is judged the next is looked at, if it is there already, before the first goes on: so the end of a body, where the last words are
//! judged, is known before its last bytes leave. What comes slowly is never kept waiting by that.
//!
//! A body that may not be changed (`no-transform`, and what is sent) keeps its codings and its length; where it is cut, it breaks off.
//!
//! # Limits
//!
//! Held: the hold, one frame of the sender and what one step of decoding gives. A body that is decoded for longer than 256 KiB lets others have
//! their turn. What cannot be read is said so; [`Judge::unread`] says what is done.

mod reader;

use super::decoding::Memory;
use super::judge::{Judge, Sentence};
use super::limits::ScanLimits;
use super::timer::Timer;
use crate::body::coding::{Decoder, Unreadable};
use crate::policy::words::Way;
use crate::policy::{OnHit, Reason};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use reader::{Read, Reader};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How many bytes are judged before others on the same thread have their turn.
const TURN: usize = 256 * 1024;
/// The most bytes that are kept while what was read may be too much yet: of markup there may be much between two words.
const MOST_AHEAD: usize = 64 * 1024;
/// How many pauses a hold may last in all.
const PAUSES: u32 = 5;

/// Where a body comes from.
pub trait Source {
    /// The next frame.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>>;
    /// How much is to come.
    fn left(&self) -> SizeHint;
}

/// Those who read one body.
pub type Judges = SmallVec<[Box<dyn Judge>; 1]>;

/// Puts it on record that a body was cut.
pub type Told = Box<dyn FnOnce(&Sentence) + Send>;

/// Puts it on record that something was noted.
pub type Note = Arc<dyn Fn(&Sentence) + Send + Sync>;

/// What is written where a body is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nothing: it breaks off, so that what has come of it is not taken for the whole.
    None,
    /// These bytes; then it ends as though it were whole.
    Bytes(Bytes),
}

/// In which form a body goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it came.
    Original,
    /// Without its codings and its length.
    Decoded,
}

/// What a hold came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The whole body is there and passes as it came.
    Whole,
    /// It goes on, in this form.
    Begun(Form),
    /// None of it passes.
    Withheld,
}

/// How a body is read, beside who reads it.
pub struct Manner {
    /// Which way it goes.
    pub way: Way,
    /// Whose it is, for what is said where it cannot be read.
    pub group: Arc<str>,
    /// Whether its form may be changed.
    pub may_change: bool,
    /// How long more of it is waited for, where what has come may be too much if nothing follows.
    pub pause: Duration,
    /// What makes the notice, of the reason, where it is cut.
    pub notice: fn(&Reason, &str) -> Notice,
    /// The number of its record, for the notice.
    pub reference: String,
    /// Puts it on record, once, that it was cut.
    pub told: Option<Told>,
    /// Where what is said of it is left for others to see.
    pub overheard: Option<Arc<Mutex<Option<Sentence>>>>,
}

/// A body that is read as it passes.
pub struct Scanned<S> {
    source: S,
    reader: Reader,
    /// How many may be judged before the hold ends.
    holds: Option<usize>,
    /// What is ready to go.
    ready: VecDeque<Bytes>,
    /// Read, and kept until the next is looked at; or longer, while what was read may be too much yet.
    ahead: VecDeque<Bytes>,
    most_ahead: usize,
    trailers: Option<HeaderMap>,
    stage: Stage,
    failed: Option<io::Error>,
    /// Whether what came before it failed was given time to leave: hyper drops what it has not written when a body fails.
    rested: bool,
    /// When something last came.
    active: Instant,
    timer: Timer,
    is_cut: bool,
    _memory: Option<Memory>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// More may come.
    Open,
    /// All has come.
    Ended,
    /// It is to end here, for what was said.
    Stopped,
    /// Its end was passed on.
    Over,
}

/// What comes next of a body.
enum Piece {
    Bytes(Bytes),
    /// As much was judged as the hold takes.
    Full,
    /// It is to end here.
    Stop,
    End,
}

impl<S: Source> Scanned<S> {
    /// Where it comes from.
    pub(super) fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// The body of `source`.
    #[must_use]
    pub fn new(source: S, decoder: Decoder, judges: Judges, manner: Manner, memory: Option<Memory>) -> Self {
        Self {
            source,
            reader: Reader::new(decoder, judges, manner),
            holds: None,
            ready: VecDeque::new(),
            ahead: VecDeque::new(),
            most_ahead: MOST_AHEAD,
            trailers: None,
            stage: Stage::Open,
            failed: None,
            rested: false,
            active: Instant::now(),
            timer: Timer::default(),
            is_cut: false,
            _memory: memory,
        }
    }

    /// The most that may be said of it.
    #[must_use]
    pub fn most(&self) -> OnHit {
        self.reader.most()
    }

    /// Lets it pass as it comes, and says in which form.
    pub fn begin(&mut self) -> Form {
        self.reader.begin();
        self.reader.form_said()
    }

    /// Holds it back until so much of it is judged, it is over, or nothing comes for a while.
    pub async fn hold(&mut self, limits: &ScanLimits) -> Held {
        let (mut originals, mut bytes) = (VecDeque::new(), 0);
        self.holds = Some(limits.held);
        self.reader.keep_decoded();
        let longest = Instant::now() + limits.pause * PAUSES;
        loop {
            let until = (Instant::now() + limits.pause).min(longest);
            match timeout_at(until, poll_fn(|cx| self.poll_piece(cx))).await {
                Ok(Ok(Piece::Bytes(frame))) => {
                    bytes += frame.len();
                    originals.push_back(frame);
                    if bytes < limits.held && self.reader.judged() < limits.held {
                        continue;
                    }
                }
                Ok(Ok(Piece::Stop)) => return Held::Withheld,
                Ok(Ok(Piece::End)) => {
                    self.ready = originals;
                    self.holds = None;
                    self.reader.forget_decoded();
                    return Held::Whole;
                }
                Ok(Err(_)) if self.judge_pause() => return Held::Withheld,
                Ok(Err(error)) => self.failed = Some(error),
                Ok(Ok(Piece::Full)) => {}
                Err(_) if self.judge_pause() => return Held::Withheld,
                Err(_) => {}
            }
            break;
        }
        self.holds = None;
        if let Some(decoded) = self.reader.take_decoded() {
            originals = VecDeque::from([decoded]);
        }
        if self.reader.is_anxious() && self.failed.is_none() {
            self.most_ahead = MOST_AHEAD + originals.iter().map(Bytes::len).sum::<usize>();
            self.ahead = originals;
        } else {
            self.ready = originals;
        }
        Held::Begun(self.reader.form_said())
    }

    /// Has whoever listens at its source hear the rest of what is withheld, of which nothing passes: at most as much as the hold takes, as long as it keeps
    /// coming.
    pub async fn hear_out(&mut self, limits: &ScanLimits) {
        let longest = Instant::now() + limits.pause * PAUSES;
        let mut room = limits.held;
        while room > 0 {
            let until = (Instant::now() + limits.pause).min(longest);
            let Ok(Some(Ok(frame))) = timeout_at(until, poll_fn(|cx| self.source.poll_next(cx))).await else { return };
            room = room.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    }

    /// What was said of it: the strictest.
    #[must_use]
    pub fn found(&self) -> Option<&Sentence> {
        self.reader.found.as_ref()
    }

    /// Whether it was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let nothing_left = self.ready.is_empty() && self.ahead.is_empty() && self.trailers.is_none() && self.failed.is_none() && !self.reader.is_at_work();
        self.stage == Stage::Over || self.stage == Stage::Ended && nothing_left
    }

    /// How much will come, as far as that is known.
    #[must_use]
    pub fn left(&self) -> SizeHint {
        if self.reader.form_said() == Form::Decoded && self.stage != Stage::Ended {
            return SizeHint::default();
        }
        let here = self.ready.iter().chain(&self.ahead).map(Bytes::len).sum::<usize>() + self.reader.at_hand();
        match (self.reader.form(), self.source.left().exact()) {
            (Form::Original, Some(exact)) => SizeHint::with_exact(exact + here as u64),
            (Form::Original, None) if self.stage == Stage::Ended => SizeHint::with_exact(here as u64),
            (Form::Original | Form::Decoded, _) => SizeHint::default(),
        }
    }

    /// What is passed on next.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(bytes) = self.next_ready() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if self.failed.is_some() && !std::mem::replace(&mut self.rested, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(error) = self.failed.take() {
            self.stage = Stage::Over;
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            match self.stage {
                Stage::Open => {}
                Stage::Stopped => return Poll::Ready(self.stop()),
                Stage::Ended if self.reader.is_at_work() => {}
                Stage::Ended | Stage::Over => return Poll::Ready(self.last()),
            }
            if let Some(bytes) = self.next_ready() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match self.poll_piece(cx) {
                Poll::Ready(Ok(Piece::Bytes(bytes))) => {
                    let kept = self.ahead.iter().map(Bytes::len).sum::<usize>();
                    if !self.reader.is_anxious() || kept > self.most_ahead && !self.judge_pause() {
                        self.ready.append(&mut self.ahead);
                    }
                    self.ahead.push_back(bytes);
                }
                Poll::Ready(Ok(Piece::Stop | Piece::End | Piece::Full)) => {}
                Poll::Ready(Err(error)) => {
                    // What came last is judged as it is.
                    if !self.judge_pause() {
                        self.failed = Some(error);
                        self.ready.append(&mut self.ahead);
                        return self.poll_next(cx);
                    }
                }
                Poll::Pending => {
                    if self.ahead.is_empty() {
                        return Poll::Pending;
                    }
                    if self.reader.is_anxious() {
                        ready!(self.timer.poll(self.active + self.reader.manner.pause, cx));
                        if self.judge_pause() {
                            continue;
                        }
                    }
                    self.ready.append(&mut self.ahead);
                }
            }
        }
    }

    fn next_ready(&mut self) -> Option<Bytes> {
        loop {
            match self.ready.pop_front() {
                Some(bytes) if bytes.is_empty() => {}
                next => return next,
            }
        }
    }

    /// The end of what has come whole.
    fn last(&mut self) -> Option<io::Result<Frame<Bytes>>> {
        self.ready.append(&mut self.ahead);
        if let Some(bytes) = self.next_ready() {
            return Some(Ok(Frame::data(bytes)));
        }
        self.stage = Stage::Over;
        self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))
    }

    /// The end of what is cut. What was judged and not passed on yet is part of what was found.
    fn stop(&mut self) -> Option<io::Result<Frame<Bytes>>> {
        self.ahead.clear();
        self.stage = Stage::Over;
        self.is_cut = true;
        let Reader { manner, found: Some(found), .. } = &mut self.reader else { return None };
        if let Some(told) = manner.told.take() {
            told(found);
        }
        let notice = if manner.may_change { (manner.notice)(&found.reason, &manner.reference) } else { Notice::None };
        match notice {
            Notice::Bytes(bytes) => Some(Ok(Frame::data(bytes))),
            Notice::None => Some(Err(io::Error::other("cut for what is in it"))),
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Piece>> {
        let mut spent = 0;
        loop {
            if self.reader.is_at_work() {
                if spent >= TURN {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                if self.holds.is_some_and(|most| self.reader.judged() >= most) {
                    return Poll::Ready(Ok(Piece::Full));
                }
                let before = self.reader.judged();
                match self.reader.read_on() {
                    Read::Stop => {
                        self.stage = Stage::Stopped;
                        return Poll::Ready(Ok(Piece::Stop));
                    }
                    Read::More => {
                        spent += self.reader.judged() - before;
                        if let Some(bytes) = self.reader.next_piece() {
                            return Poll::Ready(Ok(Piece::Bytes(bytes)));
                        }
                    }
                    Read::Done => {
                        let bytes = self.reader.lay_down();
                        if !bytes.is_empty() {
                            return Poll::Ready(Ok(Piece::Bytes(bytes)));
                        }
                    }
                }
                continue;
            }
            if self.stage != Stage::Open {
                return Poll::Ready(Ok(Piece::End));
            }
            match ready!(self.source.poll_next(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(bytes))) => {
                    self.active = Instant::now();
                    self.reader.take_up(bytes);
                }
                Some(Ok(Err(frame))) => {
                    self.trailers = frame.into_trailers().ok();
                    return Poll::Ready(Ok(self.end()));
                }
                None => return Poll::Ready(Ok(self.end())),
                Some(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Nothing has come for a while: true if the body is to end here for what has come.
    fn judge_pause(&mut self) -> bool {
        let stops = self.reader.pause();
        if stops {
            self.stage = Stage::Stopped;
        }
        stops
    }

    /// What was said of it. If it is given up: of what has come.
    pub fn concluded(&mut self) -> Option<&Sentence> {
        if self.stage == Stage::Open {
            self.end();
            self.stage = Stage::Over;
        }
        self.reader.found.as_ref()
    }

    /// What passes, and stands beside what was concluded: to be asked after that.
    pub(super) fn beside(&self) -> &[Sentence] {
        &self.reader.beside
    }

    fn end(&mut self) -> Piece {
        let stops = self.reader.end();
        self.stage = if stops { Stage::Stopped } else { Stage::Ended };
        if stops { Piece::Stop } else { Piece::End }
    }

    /// One that cannot be read at all: it passes unread, or why not.
    ///
    /// # Errors
    /// What is said of it, if it is not to pass.
    pub fn unread(mut self, why: &Unreadable) -> Result<Self, Sentence> {
        match (self.reader.cannot_read(why), self.reader.found.take()) {
            (Read::Stop, Some(found)) => Err(found),
            (Read::Stop | Read::More | Read::Done, found) => {
                self.reader.found = found;
                Ok(self)
            }
        }
    }
}

#[cfg(test)]
mod tests;
