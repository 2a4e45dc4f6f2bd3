//! What reads a body: undoes its codings, shows those who judge it what comes out, and keeps the strictest that was said.
//!
//! It passes nothing on and waits for nothing: [`Scanned`](super::Scanned) brings it the frames, takes from it what goes on, and carries out what was said.

use super::{Form, Judges, Manner};
use crate::body::coding::{Decoder, Stepped, Unreadable};
use crate::policy::words::{Said, Words};
use crate::policy::{OnHit, Reason};
use crate::proxy::judge::Sentence;
use bytes::Bytes;
use smallvec::SmallVec;
use std::sync::Arc;

/// How many bytes are judged at a time, and about how many are passed on at a time when they are decoded.
pub(super) const PIECE: usize = 16 * 1024;

/// A decoder, and those who read what comes out of it.
pub(super) struct Reader {
    decoder: Decoder,
    judges: Judges,
    pub(super) manner: Manner,
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
    /// Nothing more is read of it.
    blind: bool,
    /// What was said of it: the strictest.
    pub(super) found: Option<Sentence>,
    /// What passes, and stands beside whatever else is said: ways round the filter.
    pub(super) beside: SmallVec<[Sentence; 1]>,
}

impl Reader {
    pub(super) fn new(decoder: Decoder, judges: Judges, manner: Manner) -> Self {
        Self {
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
            blind: false,
            found: None,
            beside: SmallVec::new(),
        }
    }

    /// The most that may be said of it.
    pub(super) fn most(&self) -> OnHit {
        self.judges.iter().map(|judge| judge.most()).max().unwrap_or_default()
    }

    /// In which form it goes on.
    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// What its head has to say: one that may be cut has no length.
    pub(super) fn form_said(&self) -> Form {
        if self.most() > OnHit::Note && self.manner.may_change && !self.blind { Form::Decoded } else { Form::Original }
    }

    /// From here on it goes on without its codings, if it may be cut.
    pub(super) fn begin(&mut self) {
        if self.most() > OnHit::Note && self.manner.may_change && !self.decoder.is_plain() {
            (self.form, self.keeps) = (Form::Decoded, true);
        }
    }

    /// From here on what comes out is kept, should it go on without its codings.
    pub(super) fn keep_decoded(&mut self) {
        self.keeps = self.manner.may_change && !self.decoder.is_plain();
    }

    /// It goes on as it came after all.
    pub(super) fn forget_decoded(&mut self) {
        (self.keeps, self.decoded) = (false, Vec::new());
    }

    /// What was kept, if it goes on without its codings.
    pub(super) fn take_decoded(&mut self) -> Option<Bytes> {
        if !self.keeps {
            return None;
        }
        self.form = Form::Decoded;
        Some(std::mem::take(&mut self.decoded).into())
    }

    /// Takes up the next frame.
    pub(super) fn take_up(&mut self, frame: Bytes) {
        (self.frame, self.rest, self.at_work) = (frame.clone(), frame, true);
    }

    /// Whether there is a frame that is not read yet.
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work
    }

    /// How long the frame is that is not read yet, as it came.
    pub(super) fn at_hand(&self) -> usize {
        if self.at_work { self.frame.len() } else { 0 }
    }

    /// How many bytes were judged.
    pub(super) fn judged(&self) -> usize {
        self.judged
    }

    /// What has come out of the frame at hand, once that is worth passing on.
    pub(super) fn next_piece(&mut self) -> Option<Bytes> {
        (self.form == Form::Decoded && self.decoded.len() >= PIECE).then(|| std::mem::take(&mut self.decoded).into())
    }

    /// Lays down the frame that was read: what goes on of it.
    pub(super) fn lay_down(&mut self) -> Bytes {
        self.at_work = false;
        let frame = std::mem::take(&mut self.frame);
        if self.form == Form::Decoded { std::mem::take(&mut self.decoded).into() } else { frame }
    }

    /// Whether what was read may be too much yet.
    pub(super) fn is_anxious(&self) -> bool {
        !self.blind && self.judges.iter().any(|judge| judge.is_anxious())
    }

    /// Nothing has come for a while: true if the body is to end here for what has come.
    pub(super) fn pause(&mut self) -> bool {
        let said = if self.blind { SmallVec::new() } else { self.judges.iter_mut().filter_map(|judge| judge.pause()).collect() };
        self.hear_all(said)
    }

    /// All has come: true if it is to be cut for what is in it.
    pub(super) fn end(&mut self) -> bool {
        let said = if self.blind { SmallVec::new() } else { self.judges.iter_mut().filter_map(|judge| judge.end()).collect() };
        self.hear_all(said)
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
        if !stops && matches!(said.reason, Reason::Way(_)) {
            self.beside.push(said);
            return false;
        }
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
    pub(super) fn read_on(&mut self) -> Read {
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

    /// Says that it cannot be read any further.
    pub(super) fn cannot_read(&mut self, why: &Unreadable) -> Read {
        self.blind = true;
        let asked = self.judges.iter().map(|judge| judge.unread()).max().unwrap_or_default();
        // What goes on without its coding cannot go on as it came.
        let on_hit = if self.form == Form::Decoded { asked.max(OnHit::Cut) } else { asked };
        let (way, group) = (self.manner.way, self.manner.group.clone());
        let reason = Reason::Words(Arc::new(Words { way, group, said: Said::Unreadable(why.to_string()) }));
        if on_hit == OnHit::Note {
            // While it is held: what was decoded of it is not the whole.
            self.forget_decoded();
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
pub(super) enum Read {
    /// There is more in the frame.
    More,
    /// The frame was read.
    Done,
    /// The body is to end here.
    Stop,
}
