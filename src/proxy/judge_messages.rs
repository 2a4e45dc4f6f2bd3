//! The words of streams of messages, as gRPC sends them: the texts in each message, whatever else is in it.
//!
//! Limits: the form of the messages is not known, so that every text in one is read, each by itself; a word that is sent in two messages is not seen.

use super::inspected_file::coding_of_messages;
use super::judge::{Body, Judge, Sentence, WordsJudge};
use crate::body::coding::{Limits, Unreadable};
use crate::body::messages::{Event, Messages, texts};
use crate::policy::words::Way;
use crate::policy::{OnHit, Reading};
use crate::scan::Kind;
use crate::snapshot::Snapshot;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use std::sync::Arc;

/// Weighs the words of such a stream.
pub struct MessagesJudge {
    /// Or why it cannot be read, until that was said.
    messages: Result<Messages, Option<Unreadable>>,
    words: WordsJudge,
    is_json: bool,
}

impl MessagesJudge {
    /// For a body with this head, if it is such a stream.
    #[must_use]
    pub fn of(snapshot: &Arc<Snapshot>, reading: &Reading, way: Way, headers: &HeaderMap, limits: Limits) -> Option<Self> {
        let messages = Messages::of(headers.get_all(CONTENT_TYPE), &coding_of_messages(headers), limits).transpose()?;
        let is_json = messages.as_ref().is_ok_and(Messages::are_json);
        let body = Body { kind: if is_json { Kind::JsonLines } else { Kind::Plain }, charset: None, is_sniffed: false };
        Some(Self { messages: messages.map_err(Some), words: WordsJudge::new(snapshot, reading, way, &body).unmarked(), is_json })
    }

    fn read(&mut self, work: impl FnOnce(&mut Messages, &mut dyn FnMut(Event<'_>)) -> Result<(), Unreadable>) -> Option<Sentence> {
        let Self { messages, words, is_json } = self;
        let mut said: Option<Sentence> = None;
        let mut hear = |bytes: &[u8]| {
            said = Sentence::stricter(said.take(), words.feed(bytes));
        };
        let mut take = |event: Event<'_>| match event {
            Event::Message(bytes) if *is_json => {
                hear(bytes);
                hear(b"\n");
            }
            Event::Message(bytes) => texts(bytes, &mut |text| {
                hear(text);
                hear(b"\n");
            }),
            Event::More(bytes) => hear(bytes),
        };
        let why = match messages {
            Ok(messages) => work(messages, &mut take).err(),
            Err(why) => why.take(),
        };
        if let Some(why) = why {
            self.messages = Err(None);
            return Some(self.words.unreadable(&why));
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
        Sentence::stricter(said, self.words.end())
    }

    fn is_anxious(&self) -> bool {
        self.words.is_anxious()
    }

    fn pause(&mut self) -> Option<Sentence> {
        self.words.pause()
    }

    fn unread(&self) -> OnHit {
        self.words.unread()
    }

    fn most(&self) -> OnHit {
        self.words.most()
    }
}
