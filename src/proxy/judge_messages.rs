//! The words of streams of messages, as gRPC sends them: the texts in each message, whatever else is in it.
//!
//! Texts are read each by itself; and those of an answer also as going on with those of the message before, for chat services send what they say in pieces
//! (`Pieces`).
//!
//! Limits: the form of the messages is not known, so that every text in one is read. What is said in pieces is not seen where each has another text beside it
//! that is new in every message, such as a number that is written as text; nor what of a message goes beyond `LONGEST_TOKEN`.

use super::inspected_file::coding_of_messages;
use super::judge::{Body, Judge, LONGEST_TOKEN, Sentence, WordsJudge};
use crate::body::coding::{Limits, Unreadable};
use crate::body::messages::{Event, Messages, texts};
use crate::policy::words::Way;
use crate::policy::{OnHit, Reading};
use crate::scan::Kind;
use crate::scan::messages::END;
use crate::snapshot::Snapshot;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use memchr::memmem;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// The most texts of a message that are read as going on.
const MOST_TEXTS: usize = 32;

/// Weighs the words of such a stream.
pub struct MessagesJudge {
    /// Or why it cannot be read, until that was said.
    messages: Result<Messages, Option<Unreadable>>,
    each: Each,
}

/// Who reads each message.
struct Each {
    words: WordsJudge,
    /// Of an answer.
    pieces: Option<Pieces>,
    is_json: bool,
}

impl Each {
    fn hear(&mut self, event: Event<'_>) -> Option<Sentence> {
        let mut said = None;
        match event {
            Event::Message(bytes) if self.is_json => said = self.text(bytes),
            Event::Message(bytes) => texts(bytes, &mut |text| said = Sentence::stricter(said.take(), self.text(text))),
            Event::More(bytes) => return self.words.feed(bytes),
        }
        Sentence::stricter(said, self.pieces.as_mut().and_then(Pieces::message_over))
    }

    fn text(&mut self, text: &[u8]) -> Option<Sentence> {
        if let Some(pieces) = &mut self.pieces {
            pieces.here.push(text);
        }
        let said = self.words.feed(text);
        Sentence::stricter(said, self.words.feed(b"\n"))
    }

    /// What all who read say.
    fn all(&mut self, of: impl Fn(&mut WordsJudge) -> Option<Sentence>) -> Option<Sentence> {
        let said = of(&mut self.words);
        Sentence::stricter(said, self.pieces.as_mut().and_then(|pieces| of(&mut pieces.words)))
    }
}

/// Weighs words that are sent in pieces, one a message. What stands in a message as it stood in the one before, such as the name of who speaks, is no piece;
/// if all of it does, such as the second of two same letters, what stands where the last piece stood is one.
struct Pieces {
    words: WordsJudge,
    before: Texts,
    here: Texts,
    /// How many messages there were, up to two: what is a piece of the first is known by the second.
    count: u8,
    /// Which of the texts of a message the last piece was.
    place: usize,
}

/// The texts of a message, up to [`MOST_TEXTS`] and [`LONGEST_TOKEN`] bytes.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: SmallVec<[usize; 8]>,
    /// Where the last of them was, to know what is found within it.
    place: Range<usize>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        // A text may look like a message: what is found in it was there. The same letters elsewhere are others.
        let (from, to) = (text.as_ptr().addr(), text.as_ptr().addr() + text.len());
        let is_within = self.place.start <= from && to <= self.place.end && self.all().next_back().is_some_and(|last| memmem::find(last, text).is_some());
        if self.ends.len() < MOST_TEXTS && !is_within {
            let most = LONGEST_TOKEN - self.bytes.len();
            self.bytes.extend_from_slice(&text[..text.len().min(most)]);
            self.ends.push(self.bytes.len());
            self.place = from..to;
        }
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.ends.iter().enumerate().map(|(place, end)| &self.bytes[place.checked_sub(1).map_or(0, |before| self.ends[before])..*end])
    }

    /// Those that the other message has not, each with its place.
    fn pieces(&self, other: &Self) -> impl Iterator<Item = (usize, &[u8])> {
        self.all().enumerate().filter(move |(_, text)| !other.all().any(|known| known == *text))
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.place = 0..0;
    }
}

impl Pieces {
    fn new(words: WordsJudge) -> Self {
        Self { words: words.unmarked(), before: Texts::default(), here: Texts::default(), count: 0, place: 0 }
    }

    fn message_over(&mut self) -> Option<Sentence> {
        let Self { words, before, here, count, place } = self;
        if here.ends.is_empty() {
            return None;
        }
        let mut said = None;
        let mut read = |text: &[u8]| {
            said = Sentence::stricter(said.take(), words.feed(text));
            said = Sentence::stricter(said.take(), words.feed(&[END]));
        };
        if *count == 1 {
            before.pieces(here).for_each(|(_, text)| read(text));
        }
        if *count > 0 {
            let mut is_same = true;
            for (at, text) in here.pieces(before) {
                (is_same, *place) = (false, at);
                read(text);
            }
            if is_same && let Some(text) = here.all().nth(*place) {
                read(text);
            }
        }
        *count = 2.min(*count + 1);
        std::mem::swap(before, here);
        here.clear();
        said
    }
}

impl MessagesJudge {
    /// For a body with this head, if it is such a stream.
    #[must_use]
    pub fn of(snapshot: &Arc<Snapshot>, reading: &Reading, way: Way, headers: &HeaderMap, limits: Limits) -> Option<Self> {
        let messages = Messages::of(headers.get_all(CONTENT_TYPE), &coding_of_messages(headers), limits).transpose()?;
        let is_json = messages.as_ref().is_ok_and(Messages::are_json);
        let words = |kind| WordsJudge::new(snapshot, reading, way, &Body { kind, charset: None, is_sniffed: false });
        let pieces = (way == Way::Answer && messages.is_ok()).then(|| Pieces::new(words(Kind::Tokens)));
        let apart = words(if is_json { Kind::JsonLines } else { Kind::Plain }).unmarked();
        Some(Self { messages: messages.map_err(Some), each: Each { words: apart, pieces, is_json } })
    }

    fn read(&mut self, work: impl FnOnce(&mut Messages, &mut dyn FnMut(Event<'_>)) -> Result<(), Unreadable>) -> Option<Sentence> {
        let Self { messages, each } = self;
        let mut said: Option<Sentence> = None;
        let mut take = |event: Event<'_>| said = Sentence::stricter(said.take(), each.hear(event));
        let why = match messages {
            Ok(messages) => work(messages, &mut take).err(),
            Err(why) => why.take(),
        };
        if let Some(why) = why {
            self.messages = Err(None);
            return Some(self.each.words.unreadable(&why));
        }
        said
    }
}

impl Judge for MessagesJudge {
    fn feed(&mut self, bytes: &[u8]) -> Option<Sentence> {
        self.read(|messages, take| messages.feed(bytes, take))
    }

    fn end(&mut self) -> Option<Sentence> {
        let said = self.read(|messages, take| messages.end(take));
        Sentence::stricter(said, self.each.all(WordsJudge::end))
    }

    fn is_anxious(&self) -> bool {
        self.each.words.is_anxious() || self.each.pieces.as_ref().is_some_and(|pieces| pieces.words.is_anxious())
    }

    fn pause(&mut self) -> Option<Sentence> {
        self.each.all(|judge| if judge.is_anxious() { judge.pause() } else { None })
    }

    fn unread(&self) -> OnHit {
        self.each.words.unread()
    }

    fn most(&self) -> OnHit {
        self.each.words.most()
    }
}
