//! Who hears what passes over a WebSocket, message by message, and what they say of it.
//!
//! Where to add one that looks for something else, such as another protocol in binary messages: a type that is an [`Ear`], put into [`Ears::new`] by
//! `Worker::socket`. It is shown each message's bytes as they stream, with their direction and kind, and says what is to be done.

use super::direction::Stopped;
use super::wisp::Wisp;
use crate::audit::{Opening, RecordId, Recorder};
use crate::body::coding::Unreadable;
use crate::insight::ai::sockets::{Message, Talking};
use crate::policy::words::{Said, Way};
use crate::policy::{self, OnHit, Reading, Reason};
use crate::proxy::judge::{Body, Judge, LONGEST_TOKEN, Sentence, WordsJudge};
use crate::scan::Kind;
use crate::scan::messages::Flattened;
use crate::snapshot::Snapshot;
use crate::socket;
use bytes::BytesMut;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What is heard.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heard<'a> {
    /// A message begins.
    Begins(socket::Kind),
    /// More of it, unmasked and inflated.
    Bytes(&'a [u8]),
    /// It is over.
    Ends,
    /// A control frame with its payload.
    Control(socket::Control, &'a [u8]),
}

/// Hears what passes.
pub(super) trait Ear: Send {
    /// More of what goes this way. Something is said once for each degree of strictness.
    fn hear(&mut self, way: Way, heard: Heard<'_>) -> Option<Sentence>;
    /// Whether something may be said of it yet, should nothing follow: what came last is better kept back for a while.
    fn is_anxious(&self, _: Way) -> bool {
        false
    }
    /// Nothing follows for a while: what is said of it as though it were over.
    fn pause(&mut self, _: Way) -> Option<Sentence> {
        None
    }
    /// What is said where what is compressed cannot be read any further.
    fn unread(&self, way: Way, why: &Unreadable) -> Option<Sentence>;
    /// The most that it may ever say.
    fn most(&self, way: Way) -> OnHit;
}

/// All who hear one connection.
pub(super) struct Ears {
    all: Vec<Box<dyn Ear>>,
    prompts: Option<Prompts>,
    /// Stands in front of all of them: it decides what goes on at all.
    pub(super) wisp: Option<Box<Wisp>>,
}

impl Ears {
    pub(super) fn new(all: Vec<Box<dyn Ear>>, prompts: Option<Prompts>) -> Self {
        Self { all, prompts, wisp: None }
    }

    /// Whether nobody hears what passes.
    pub(super) fn are_none(&self) -> bool {
        self.all.is_empty() && self.prompts.is_none()
    }

    /// Whether what went on this way ends within a frame, where only what stands in front of all of them reads it.
    pub(super) fn ends_in_frame(&self, way: Way) -> bool {
        self.are_none() && self.wisp.as_ref().is_some_and(|wisp| wisp.ends_in_frame(way))
    }

    /// Adds to `out` what may go on of what has come this way. Whether something was added.
    pub(super) fn wisp_poll(&mut self, way: Way, out: &mut BytesMut, cx: &mut Context<'_>) -> Poll<Result<bool, Stopped>> {
        self.wisp.as_mut().map_or(Poll::Ready(Ok(false)), |wisp| wisp.poll(way, out, cx))
    }

    /// What the strictest says.
    pub(super) fn hear(&mut self, way: Way, heard: Heard<'_>) -> Option<Sentence> {
        self.all.iter_mut().fold(None, |said, ear| Sentence::stricter(said, ear.hear(way, heard)))
    }

    pub(super) fn pause(&mut self, way: Way) -> Option<Sentence> {
        self.all.iter_mut().filter(|ear| ear.is_anxious(way)).fold(None, |said, ear| Sentence::stricter(said, ear.pause(way)))
    }

    pub(super) fn is_anxious(&self, way: Way) -> bool {
        self.all.iter().any(|ear| ear.is_anxious(way))
    }

    pub(super) fn unread(&self, way: Way, why: &Unreadable) -> Option<Sentence> {
        self.all.iter().fold(None, |said, ear| Sentence::stricter(said, ear.unread(way, why)))
    }

    pub(super) fn most(&self, way: Way) -> OnHit {
        self.all.iter().map(|ear| ear.most(way)).max().unwrap_or_default()
    }

    /// What a chat service is asked in the message that ends here, if it is one.
    pub(super) fn prompts(&mut self, way: Way, heard: Heard<'_>) -> Vec<String> {
        match (way, &mut self.prompts) {
            (Way::Upload, Some(prompts)) => prompts.hear(heard),
            (Way::Upload, None) | (Way::Answer, _) => Vec::new(),
        }
    }

    /// The record that is made of each.
    pub(super) fn asked(&self) -> Option<&Prompts> {
        self.prompts.as_ref()
    }
}

/// Listens to what a chat service is asked.
pub(super) struct Prompts {
    talking: Talking,
    message: Option<Message>,
    /// The record of the connection's request.
    pub(super) opening: Opening,
    pub(super) of: RecordId,
    pub(super) recorder: Recorder,
}

impl Prompts {
    pub(super) fn new(talking: Talking, opening: Opening, of: RecordId, recorder: Recorder) -> Self {
        Self { talking, message: None, opening, of, recorder }
    }

    /// The service's name in the log.
    pub(super) fn engine(&self) -> &'static str {
        self.talking.id()
    }

    fn hear(&mut self, heard: Heard<'_>) -> Vec<String> {
        match heard {
            Heard::Begins(_) => self.message = Some(self.talking.message()),
            Heard::Bytes(bytes) => {
                if let Some(message) = &mut self.message {
                    message.feed(bytes);
                }
            }
            Heard::Ends => return self.message.take().map(Message::end).unwrap_or_default(),
            Heard::Control(..) => {}
        }
        Vec::new()
    }
}

/// Weighs the words of messages, each way by itself.
pub(super) struct Words {
    snapshot: Arc<Snapshot>,
    reading: Reading,
    up: Line,
    down: Line,
    room: Vec<u8>,
}

/// One way. Nothing is made before there is something to read: most connections say little.
#[derive(Default)]
struct Line {
    flattened: Flattened,
    /// They read from the beginning.
    first: Option<Readers>,
    /// They read from what was noted last, where something was: what is noted passes, and what follows may be noted too. The first read on for what is
    /// more than noted: a note is no way to have forgotten what was said before it.
    since: Option<Readers>,
    has_noted: bool,
    /// How much of the message at hand was read as going on with the one before.
    joined_bytes: usize,
    /// The most that was said of the message at hand.
    told: Option<OnHit>,
}

/// Who read messages.
struct Readers {
    /// Reads each message for itself.
    apart: Box<WordsJudge>,
    /// Reads each as going on with the one before: what is said in pieces is said to the person only.
    joined: Option<Box<WordsJudge>>,
}

impl Readers {
    fn feed(&mut self, apart: &[u8], joined: &[u8]) -> Option<Sentence> {
        let said = self.apart.feed(apart);
        Sentence::stricter(said, self.joined.as_mut().and_then(|judge| judge.feed(joined)))
    }

    fn both(&mut self) -> impl Iterator<Item = &mut Box<WordsJudge>> {
        [Some(&mut self.apart), self.joined.as_mut()].into_iter().flatten()
    }

    fn pause(&mut self) -> Option<Sentence> {
        self.both().filter(|judge| judge.is_anxious()).fold(None, |said, judge| Sentence::stricter(said, judge.pause()))
    }

    fn is_anxious(&self) -> bool {
        self.apart.is_anxious() || self.joined.as_ref().is_some_and(|judge| judge.is_anxious())
    }
}

impl Line {
    /// What all who read say of it.
    fn ask(&mut self, mut of: impl FnMut(&mut Readers) -> Option<Sentence>) -> Option<Sentence> {
        let has_noted = self.has_noted;
        let first = self.first.as_mut().and_then(&mut of).filter(|said| !has_noted || said.on_hit > OnHit::Note);
        let said = Sentence::stricter(first, self.since.as_mut().and_then(of));
        // What was not said before.
        let said = said.filter(|said| self.told.is_none_or(|told| said.on_hit > told))?;
        self.told = Some(said.on_hit);
        Some(said)
    }

    /// Another message begins after one that was noted.
    fn forget_note(&mut self, most: OnHit) {
        (self.told, self.since) = (None, None);
        if most > OnHit::Note {
            self.has_noted = true;
        } else {
            self.first = None;
        }
    }
}

impl Words {
    pub(super) fn new(snapshot: &Arc<Snapshot>, reading: &Reading) -> Self {
        Self { snapshot: Arc::clone(snapshot), reading: reading.clone(), up: Line::default(), down: Line::default(), room: Vec::new() }
    }

    fn line(&self, way: Way) -> &Line {
        match way {
            Way::Upload => &self.up,
            Way::Answer => &self.down,
        }
    }

    fn line_mut(&mut self, way: Way) -> &mut Line {
        match way {
            Way::Upload => &mut self.up,
            Way::Answer => &mut self.down,
        }
    }

    fn make(&mut self, way: Way) {
        let readers = || {
            let judge = |kind| {
                let body = Body { kind, charset: None, is_sniffed: false };
                Box::new(WordsJudge::new(&self.snapshot, &self.reading, way, &body))
            };
            Readers { apart: judge(Kind::Messages), joined: (way == Way::Answer).then(|| judge(Kind::Tokens)) }
        };
        let line = self.line(way);
        let first = line.first.is_none().then(readers);
        let since = (line.has_noted && line.since.is_none()).then(readers);
        let line = self.line_mut(way);
        line.first = line.first.take().or(first);
        line.since = line.since.take().or(since);
    }

    /// Shows what is in the room to all who read.
    fn weigh(&mut self, way: Way, is_end: bool) -> Option<Sentence> {
        let room = std::mem::take(&mut self.room);
        let line = self.line_mut(way);
        let most = if is_end { room.len() } else { LONGEST_TOKEN.saturating_sub(line.joined_bytes).min(room.len()) };
        line.joined_bytes = if is_end { 0 } else { line.joined_bytes + most };
        let said = line.ask(|readers| readers.feed(&room, &room[..most]));
        self.room = room;
        self.room.clear();
        if self.room.capacity() > socket::PIECE {
            self.room = Vec::new();
        }
        said
    }
}

impl Ear for Words {
    fn hear(&mut self, way: Way, heard: Heard<'_>) -> Option<Sentence> {
        if matches!(heard, Heard::Begins(_)) && self.line(way).told == Some(OnHit::Note) {
            let most = self.reading.most(way);
            self.line_mut(way).forget_note(most);
        }
        // All that can be said of this message was.
        if self.line(way).told.is_some_and(|told| told >= self.reading.most(way)) {
            return None;
        }
        let mut room = std::mem::take(&mut self.room);
        let flattened = &mut self.line_mut(way).flattened;
        match heard {
            Heard::Begins(kind) => flattened.begin(kind == socket::Kind::Text, &mut room),
            Heard::Bytes(bytes) => flattened.feed(bytes, &mut room),
            Heard::Ends => flattened.end(&mut room),
            // A page is shown why it is closed.
            Heard::Control(socket::Control::Close, [_, _, reason @ ..]) if !reason.is_empty() => {
                flattened.begin(true, &mut room);
                flattened.feed(reason, &mut room);
                flattened.end(&mut room);
            }
            Heard::Control(..) => {}
        }
        let (is_empty, is_end) = (room.is_empty(), matches!(heard, Heard::Ends | Heard::Control(..)));
        self.room = room;
        if is_empty {
            return None;
        }
        self.make(way);
        let said = self.weigh(way, is_end);
        if is_end && said.is_none() { self.pause(way) } else { said }
    }

    fn is_anxious(&self, way: Way) -> bool {
        let line = self.line(way);
        [&line.first, &line.since].into_iter().flatten().any(Readers::is_anxious)
    }

    fn pause(&mut self, way: Way) -> Option<Sentence> {
        self.line_mut(way).ask(Readers::pause)
    }

    fn unread(&self, way: Way, why: &Unreadable) -> Option<Sentence> {
        let said = Said::Unreadable(why.to_string());
        let reason = Reason::Words(Arc::new(policy::words::Words { way, group: self.reading.group().clone(), said }));
        Some(Sentence { on_hit: self.reading.unread(way), reason })
    }

    fn most(&self, way: Way) -> OnHit {
        self.reading.most(way)
    }
}
