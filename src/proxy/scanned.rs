//! A body that is read as it passes: decoded beside what is passed on, judged, held back, withheld or cut.
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

use super::judge::{Judge, Sentence};
use super::limits::ScanLimits;
use super::timer::Timer;
use crate::body::coding::{Decoder, Stepped, Unreadable};
use crate::policy::decision::{Said, Words};
use crate::policy::words::Way;
use crate::policy::{OnHit, Reason};
use crate::shares::Share;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// How many bytes are judged before others on the same thread have their turn.
const TURN: usize = 256 * 1024;
/// How many bytes are judged at a time, and about how many are passed on at a time when they are decoded.
const PIECE: usize = 16 * 1024;
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

/// The memory that undoing codings takes: of all there is, and of the client's share of it.
pub type Memory = (OwnedSemaphorePermit, Share);

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
    decoder: Decoder,
    judges: Judges,
    manner: Manner,
    form: Form,
    /// The frame at hand, as it came, and what of it is yet to be read.
    frame: Bytes,
    rest: Bytes,
    at_work: bool,
    /// What has come out of the decoder and is to be passed on.
    decoded: Vec<u8>,
    /// Room for what is only read.
    room: Vec<u8>,
    /// Whether decoded bytes are kept to be passed on.
    keeps: bool,
    judged: usize,
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
    /// When something last came.
    active: Instant,
    timer: Timer,
    /// Nothing more is read of it.
    blind: bool,
    found: Option<Sentence>,
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
            decoder,
            judges,
            manner,
            form: Form::Original,
            frame: Bytes::new(),
            rest: Bytes::new(),
            at_work: false,
            decoded: Vec::new(),
            room: Vec::new(),
            keeps: false,
            judged: 0,
            holds: None,
            ready: VecDeque::new(),
            ahead: VecDeque::new(),
            most_ahead: MOST_AHEAD,
            trailers: None,
            stage: Stage::Open,
            failed: None,
            active: Instant::now(),
            timer: Timer::default(),
            blind: false,
            found: None,
            is_cut: false,
            _memory: memory,
        }
    }

    /// The most that may be said of it.
    #[must_use]
    pub fn most(&self) -> OnHit {
        self.judges.iter().map(|judge| judge.most()).max().unwrap_or_default()
    }

    /// Lets it pass as it comes, and says in which form.
    pub fn begin(&mut self) -> Form {
        if self.most() > OnHit::Note && self.manner.may_change && !self.decoder.is_plain() {
            (self.form, self.keeps) = (Form::Decoded, true);
        }
        self.form_said()
    }

    /// What its head has to say: one that may be cut has no length.
    fn form_said(&self) -> Form {
        if self.most() > OnHit::Note && self.manner.may_change && !self.blind { Form::Decoded } else { Form::Original }
    }

    /// Holds it back until so much of it is judged, it is over, or nothing comes for a while.
    pub async fn hold(&mut self, limits: &ScanLimits) -> Held {
        let (mut originals, mut bytes) = (VecDeque::new(), 0);
        self.holds = Some(limits.held);
        self.keeps = self.manner.may_change && !self.decoder.is_plain();
        let longest = Instant::now() + limits.pause * PAUSES;
        loop {
            let until = (Instant::now() + limits.pause).min(longest);
            match timeout_at(until, poll_fn(|cx| self.poll_piece(cx))).await {
                Ok(Ok(Piece::Bytes(frame))) => {
                    bytes += frame.len();
                    originals.push_back(frame);
                    if bytes < limits.held && self.judged < limits.held {
                        continue;
                    }
                }
                Ok(Ok(Piece::Stop)) => return Held::Withheld,
                Ok(Ok(Piece::End)) => {
                    self.ready = originals;
                    self.holds = None;
                    (self.keeps, self.decoded) = (false, Vec::new());
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
        if self.keeps {
            self.form = Form::Decoded;
            originals = VecDeque::from([std::mem::take(&mut self.decoded).into()]);
        }
        if self.is_anxious() && self.failed.is_none() {
            self.most_ahead = MOST_AHEAD + originals.iter().map(Bytes::len).sum::<usize>();
            self.ahead = originals;
        } else {
            self.ready = originals;
        }
        Held::Begun(self.form_said())
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
        self.found.as_ref()
    }

    /// Whether it was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let nothing_left = self.ready.is_empty() && self.ahead.is_empty() && self.trailers.is_none() && self.failed.is_none() && !self.at_work;
        self.stage == Stage::Over || self.stage == Stage::Ended && nothing_left
    }

    /// How much will come, as far as that is known.
    #[must_use]
    pub fn left(&self) -> SizeHint {
        if self.form_said() == Form::Decoded && self.stage != Stage::Ended {
            return SizeHint::default();
        }
        let here = self.ready.iter().chain(&self.ahead).map(Bytes::len).sum::<usize>() + if self.at_work { self.frame.len() } else { 0 };
        match (self.form, self.source.left().exact()) {
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
        if let Some(error) = self.failed.take() {
            self.stage = Stage::Over;
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            match self.stage {
                Stage::Open => {}
                Stage::Stopped => return Poll::Ready(self.stop()),
                Stage::Ended if self.at_work => {}
                Stage::Ended | Stage::Over => return Poll::Ready(self.last()),
            }
            if let Some(bytes) = self.next_ready() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match self.poll_piece(cx) {
                Poll::Ready(Ok(Piece::Bytes(bytes))) => {
                    let kept = self.ahead.iter().map(Bytes::len).sum::<usize>();
                    if !self.is_anxious() || kept > self.most_ahead && !self.judge_pause() {
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
                    if self.is_anxious() {
                        ready!(self.timer.poll(self.active + self.manner.pause, cx));
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

    /// Whether what was read may be too much yet.
    fn is_anxious(&self) -> bool {
        !self.blind && self.judges.iter().any(|judge| judge.is_anxious())
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
        let found = self.found.as_ref()?;
        if let Some(told) = self.manner.told.take() {
            told(found);
        }
        let notice = if self.manner.may_change { (self.manner.notice)(&found.reason, &self.manner.reference) } else { Notice::None };
        match notice {
            Notice::Bytes(bytes) => Some(Ok(Frame::data(bytes))),
            Notice::None => Some(Err(io::Error::other("cut for what is in it"))),
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Piece>> {
        let mut spent = 0;
        loop {
            if self.at_work {
                if spent >= TURN {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                if self.holds.is_some_and(|most| self.judged >= most) {
                    return Poll::Ready(Ok(Piece::Full));
                }
                let before = self.judged;
                match self.read_on() {
                    Read::Stop => {
                        self.stage = Stage::Stopped;
                        return Poll::Ready(Ok(Piece::Stop));
                    }
                    Read::More => {
                        spent += self.judged - before;
                        if self.form == Form::Decoded && self.decoded.len() >= PIECE {
                            return Poll::Ready(Ok(Piece::Bytes(std::mem::take(&mut self.decoded).into())));
                        }
                    }
                    Read::Done => {
                        self.at_work = false;
                        let frame = std::mem::take(&mut self.frame);
                        let bytes = if self.form == Form::Decoded { std::mem::take(&mut self.decoded).into() } else { frame };
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
                    (self.frame, self.rest, self.at_work) = (bytes.clone(), bytes, true);
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
        let said = if self.blind { SmallVec::new() } else { self.judges.iter_mut().filter_map(|judge| judge.pause()).collect() };
        let stops = self.hear_all(said);
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
        self.found.as_ref()
    }

    fn end(&mut self) -> Piece {
        let said = if self.blind { SmallVec::new() } else { self.judges.iter_mut().filter_map(|judge| judge.end()).collect() };
        let stops = self.hear_all(said);
        self.stage = if stops { Stage::Stopped } else { Stage::Ended };
        if stops { Piece::Stop } else { Piece::End }
    }

    /// Takes up what several say at once.
    fn hear_all(&mut self, said: SmallVec<[Sentence; 1]>) -> bool {
        let mut stops = false;
        for sentence in said {
            stops |= self.hear(sentence);
        }
        stops
    }

    /// Takes a sentence up; true if the body is to end here.
    fn hear(&mut self, said: Sentence) -> bool {
        let stops = said.on_hit > OnHit::Note;
        if self.found.as_ref().is_none_or(|found| found.on_hit <= said.on_hit) {
            if let Some(overheard) = &self.manner.overheard {
                *overheard.lock() = Some(said.clone());
            }
            self.found = Some(said);
        }
        stops
    }

    fn judge(&mut self, which: Which) -> bool {
        let said: SmallVec<[Sentence; 1]> = {
            let bytes = match which {
                Which::Decoded(from) => &self.decoded[from..],
                Which::Room => &self.room[..],
                Which::Frame(most) => &self.rest[..most],
            };
            self.judged += bytes.len();
            self.judges.iter_mut().filter_map(|judge| judge.feed(bytes)).collect()
        };
        self.hear_all(said)
    }

    /// Reads a little more of the frame at hand.
    fn read_on(&mut self) -> Read {
        if self.blind {
            self.rest = Bytes::new();
            return Read::Done;
        }
        if self.decoder.is_plain() {
            let most = self.rest.len().min(PIECE);
            if self.judge(Which::Frame(most)) {
                return Read::Stop;
            }
            let _ = self.rest.split_to(most);
            return if self.rest.is_empty() { Read::Done } else { Read::More };
        }
        let mut input = &self.rest[..];
        let from = self.decoded.len();
        self.room.clear();
        let out = if self.keeps { &mut self.decoded } else { &mut self.room };
        let stepped = self.decoder.step(&mut input, out);
        let read = self.rest.len() - input.len();
        let _ = self.rest.split_to(read);
        if self.judge(if self.keeps { Which::Decoded(from) } else { Which::Room }) {
            return Read::Stop;
        }
        match stepped {
            Ok(Stepped::More) => Read::More,
            Ok(Stepped::Drained) => Read::Done,
            Err(why) => self.cannot_read(&why),
        }
    }

    /// One that cannot be read at all: it passes unread, or why not.
    ///
    /// # Errors
    /// What is said of it, if it is not to pass.
    pub fn unread(mut self, why: &Unreadable) -> Result<Self, Sentence> {
        match (self.cannot_read(why), self.found.take()) {
            (Read::Stop, Some(found)) => Err(found),
            (Read::Stop | Read::More | Read::Done, found) => Ok(Self { found, ..self }),
        }
    }

    /// Says that it cannot be read any further.
    fn cannot_read(&mut self, why: &Unreadable) -> Read {
        self.blind = true;
        let asked = self.judges.iter().map(|judge| judge.unread()).max().unwrap_or_default();
        // What goes on without its coding cannot go on as it came.
        let on_hit = if self.form == Form::Decoded { asked.max(OnHit::Cut) } else { asked };
        let (way, group) = (self.manner.way, self.manner.group.clone());
        let reason = Reason::Words(Arc::new(Words { way, group, said: Said::Unreadable(why.to_string()) }));
        if on_hit == OnHit::Note {
            // While it is held: what was decoded of it is not the whole.
            self.keeps = false;
            self.decoded = Vec::new();
        }
        let stops = self.hear(Sentence { on_hit, reason });
        if stops { Read::Stop } else { Read::Done }
    }
}

/// Which bytes are judged.
#[derive(Clone, Copy)]
enum Which {
    /// Those decoded from here on, which are passed on.
    Decoded(usize),
    /// Those decoded only to be read.
    Room,
    /// So many of the frame.
    Frame(usize),
}

/// What reading on came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// There is more in the frame.
    More,
    /// The frame was read.
    Done,
    /// The body is to end here.
    Stop,
}

#[cfg(test)]
mod tests;
