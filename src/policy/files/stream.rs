//! A stream of messages, such as gRPC sends, with a file in a field of one: by its bytes, for it has no name there. Each message is read as a file to its
//! end; and so is each field that begins as one.
//!
//! Limits: of a message that is longer than is held, the fields in its beginning are judged ([`crate::body::messages::MOST_HELD`]).

use super::facts::{Facts, Framed};
use super::judge::{Judge, Verdict};
use super::refusal::Refusal;
use super::rules::Rules;
use crate::body::coding::{Codings, Decoder, Unreadable};
use crate::body::messages::{Event, MOST_HELD, Messages, contents};
use crate::kinds::reader::LIMITS;
use crate::kinds::sniff::sniff;
use crate::kinds::{Classes, Reader};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is shorter holds no file that does anything.
const SHORTEST: usize = 16;
/// What is as long is read whatever it begins as: a few fields of a message can be, and disk images say what they are so far in.
const LONG: usize = 32 * 1024;

/// Judges what is in the messages.
pub(super) struct Stream {
    /// None once it cannot be read any further.
    decoder: Option<Decoder>,
    room: Vec<u8>,
    messages: Messages,
    each: Each,
}

/// What is known of the message at hand.
struct Each {
    rules: Arc<Rules>,
    /// One that goes on.
    long: Option<Judge>,
    classes: Classes,
}

impl Stream {
    /// Of a body in these codings; none, if its type is that of no such stream.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of(rules: &Arc<Rules>, framed: &Framed, codings: &Codings) -> Result<Option<Self>, Refusal> {
        let messages = Messages::of(&framed.types, &framed.coding, LIMITS).map_err(|_| Refusal::Coded)?;
        let decoder = Decoder::of(codings, LIMITS).map_err(|_| Refusal::Coded)?;
        let each = Each { rules: rules.clone(), long: None, classes: Classes::default() };
        Ok(messages.map(|messages| Self { decoder: Some(decoder), room: Vec::new(), messages, each }))
    }

    /// More of it, as it came; `whole` reads it as a file.
    ///
    /// # Errors
    /// If something in it is refused.
    pub(super) fn feed(&mut self, bytes: &[u8], whole: &mut Reader) -> Result<(), Refusal> {
        let Self { decoder: Some(decoder), room, messages, each } = self else { return Ok(()) };
        let (mut judged, mut framed) = (Ok(()), Ok(()));
        let read = decoder.read(bytes, room, &mut |bytes| {
            whole.take(bytes);
            framed = messages.feed(bytes, &mut |event| each.hear(event, &mut judged));
            if judged.is_ok() && framed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        judged?;
        match read.and(framed) {
            Ok(()) => Ok(()),
            Err(Unreadable::TooDense(_)) => Err(Refusal::Bomb),
            // Of a message that is not what it says some may get further.
            Err(_) => Err(Refusal::Coded),
        }
    }

    /// It is over.
    ///
    /// # Errors
    /// If something in it is refused.
    pub(super) fn end(&mut self) -> Result<(), Refusal> {
        let mut judged = Ok(());
        if self.decoder.take().is_some() {
            self.messages.end(&mut |event| self.each.hear(event, &mut judged)).or(Err(Refusal::Coded))?;
        }
        judged.and_then(|()| self.each.over())
    }

    /// What was found in its messages so far.
    pub(super) fn classes(&self) -> Classes {
        self.each.long.as_ref().map_or(self.each.classes, |long| self.each.classes.union(long.classes()))
    }
}

impl Each {
    fn hear(&mut self, event: Event<'_>, judged: &mut Result<(), Refusal>) {
        if judged.is_ok() {
            *judged = self.judge(event);
        }
    }

    fn judge(&mut self, event: Event<'_>) -> Result<(), Refusal> {
        match event {
            Event::Message(message) => {
                self.over()?;
                self.message(message)
            }
            Event::More(more) => self.long.as_mut().map_or(Ok(()), |long| passed(long.feed(more))),
        }
    }

    fn message(&mut self, message: &[u8]) -> Result<(), Refusal> {
        if message.len() < SHORTEST {
            return Ok(());
        }
        let mut whole = Judge::of_message(&self.rules)?;
        passed(whole.feed(message))?;
        self.long = Some(whole);
        // What is not held whole may go on.
        if message.len() < MOST_HELD {
            self.over()?;
        }
        let mut judged = Ok(());
        contents(message, &mut |field| {
            if judged.is_ok() && field.len() >= SHORTEST {
                judged = self.field(field);
            }
        });
        judged
    }

    /// A message has thousands of fields, so that only those are read that may be files.
    fn field(&mut self, field: &[u8]) -> Result<(), Refusal> {
        let mut judge = if sniff(field, true).format().is_some() {
            Judge::new(self.rules.clone(), Facts { codings: Some(Codings::default()), ..Facts::default() }, false)?
        } else if field.len() >= LONG {
            Judge::of_message(&self.rules)?
        } else {
            return Ok(());
        };
        passed(judge.feed(field))?;
        passed(judge.end())?;
        self.classes = self.classes.union(judge.classes());
        Ok(())
    }

    /// The message at hand is over.
    fn over(&mut self) -> Result<(), Refusal> {
        let Some(mut long) = self.long.take() else { return Ok(()) };
        passed(long.end())?;
        self.classes = self.classes.union(long.classes());
        Ok(())
    }
}

fn passed(verdict: Verdict) -> Result<(), Refusal> {
    match verdict {
        Verdict::Wait | Verdict::Pass => Ok(()),
        Verdict::Refuse(refusal) => Err(refusal),
    }
}
