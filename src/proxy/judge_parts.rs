//! The words of a body of several parts: a form with files in it, pages that replace one another, a page with all that belongs to it.
//!
//! Plain parts have one encoding together, UTF-8, whatever the first begins with. One that may be a file is read by itself as well, in its own encoding.

use super::judge::{Body, Judge, Sentence, WordsJudge};
use crate::body::parts::{Event, Head, Parts};
use crate::kinds::name;
use crate::policy::words::Way;
use crate::policy::{OnHit, Reading};
use crate::scan::{Kind, label};
use crate::snapshot::Snapshot;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use std::sync::Arc;

/// Weighs the words of such a body: plain parts together, as one text, and each other part that is text by itself, with the parts in it.
pub struct PartsJudge {
    parts: Parts,
    each: Each,
}

/// Who reads the parts.
struct Each {
    /// Plain text, such as the fields of a form.
    plain: WordsJudge,
    /// The part at hand, if it is something else.
    other: Option<Box<dyn Judge>>,
    /// Whether the part at hand is plain text as well.
    is_both: bool,
}

impl PartsJudge {
    /// For a body with this head, if it has parts.
    #[must_use]
    pub fn of(snapshot: &Arc<Snapshot>, reading: &Reading, way: Way, headers: &HeaderMap) -> Option<Self> {
        let parts = Parts::of_any(headers.get_all(CONTENT_TYPE))?;
        Some(Self::new(parts, WordsJudge::new(snapshot, reading, way, &text(Kind::Plain, None))))
    }

    fn new(parts: Parts, plain: WordsJudge) -> Self {
        Self { parts, each: Each { plain: plain.unmarked(), other: None, is_both: false } }
    }
}

fn text(kind: Kind, charset: Option<&str>) -> Body {
    Body { kind, charset: charset.map(Into::into), is_sniffed: false }
}

impl Each {
    fn hear(&mut self, event: Event<'_>) -> Option<Sentence> {
        match event {
            Event::Begins(head) => {
                self.other = self.judge(head);
                let is_plain = |said: &String| matches!((Kind::of(said), label(said)), (Some(Kind::Plain), None));
                self.is_both = self.other.is_some() && head.inner().is_none() && head.types.iter().all(is_plain);
                if head.unsure.is_empty() { None } else { self.plain.feed(&head.unsure) }
            }
            Event::Bytes(bytes) => {
                let plain = if self.is_plain() { self.plain.feed(bytes) } else { None };
                Sentence::stricter(plain, self.other.as_mut().and_then(|other| other.feed(bytes)))
            }
            Event::Ends => {
                // Another field is another word.
                let plain = if self.is_plain() { self.plain.feed(b"\n") } else { None };
                Sentence::stricter(plain, self.other.take().and_then(|mut other| other.end()))
            }
        }
    }

    /// Whether the part at hand is read together with other plain ones.
    fn is_plain(&self) -> bool {
        self.other.is_none() || self.is_both
    }

    /// Who reads a part by itself; nobody, if it is a field of plain text.
    fn judge(&self, head: &Head) -> Option<Box<dyn Judge>> {
        if let Some(inner) = head.inner() {
            return Some(Box::new(PartsJudge::new(inner, self.plain.beside(&text(Kind::Plain, None)))));
        }
        let body = match head.types.iter().find_map(|said| Some((Kind::of(said)?, label(said)))) {
            None if head.types.is_empty() => {
                let is_file = head.dispositions.iter().any(|value| !name::of_disposition(value).is_empty());
                return is_file.then(|| Box::new(self.plain.beside(&text(Kind::Plain, None))) as _);
            }
            Some((kind, charset)) => text(kind, charset),
            // What says that it is no text is read if it begins as one: some take it for that all the same.
            None => Body { is_sniffed: true, ..text(Kind::Html, None) },
        };
        Some(Box::new(self.plain.beside(&body)))
    }
}

impl Judge for PartsJudge {
    fn feed(&mut self, bytes: &[u8]) -> Option<Sentence> {
        let Self { parts, each } = self;
        let mut said = None;
        parts.feed(bytes, &mut |event| said = Sentence::stricter(said.take(), each.hear(event)));
        said
    }

    fn end(&mut self) -> Option<Sentence> {
        let Self { parts, each } = self;
        let mut said = None;
        parts.end(&mut |event| said = Sentence::stricter(said.take(), each.hear(event)));
        Sentence::stricter(said, each.plain.end())
    }

    fn is_anxious(&self) -> bool {
        self.each.plain.is_anxious() || self.each.other.as_ref().is_some_and(|other| other.is_anxious())
    }

    fn pause(&mut self) -> Option<Sentence> {
        let other = self.each.other.as_mut().and_then(|other| other.pause());
        Sentence::stricter(self.each.plain.pause(), other)
    }

    fn unread(&self) -> OnHit {
        self.each.plain.unread()
    }

    fn most(&self) -> OnHit {
        self.each.plain.most()
    }
}
