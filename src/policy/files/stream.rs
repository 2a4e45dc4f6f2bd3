//! A stream of messages, such as gRPC sends, with a file in a field of one: by its bytes, for it has no name there.
//!
//! Limits: of a message that is longer than is held, what is in its beginning is judged ([`crate::body::messages::MOST_HELD`]).

use super::facts::{Facts, Framed};
use super::judge::{Judge, Verdict};
use super::refusal::Refusal;
use super::rules::Rules;
use crate::body::coding::{Codings, Decoder, Unreadable};
use crate::body::messages::{Event, Messages, contents};
use crate::kinds::reader::LIMITS;
use crate::kinds::sniff::LOOKED_AT;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is shorter holds no file that does anything.
const SHORTEST: usize = 16;

/// Judges what is in the messages.
pub(super) struct Stream {
    rules: Arc<Rules>,
    /// None once it cannot be read any further.
    decoder: Option<Decoder>,
    room: Vec<u8>,
    messages: Messages,
    first: First,
}

/// How the body begins: a file may only say that it is such a stream.
#[derive(Default)]
struct First {
    bytes: Vec<u8>,
    is_known: bool,
}

impl Stream {
    /// Of a body in these codings; none, if its type is that of no such stream.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn of(rules: &Arc<Rules>, framed: &Framed, codings: &Codings) -> Result<Option<Self>, Refusal> {
        let messages = Messages::of(&framed.content_type, &framed.coding, LIMITS).map_err(|_| Refusal::Coded)?;
        let decoder = Decoder::of(codings, LIMITS).map_err(|_| Refusal::Coded)?;
        Ok(messages.map(|messages| Self { rules: rules.clone(), decoder: Some(decoder), room: Vec::new(), messages, first: First::default() }))
    }

    /// More of it, as it came.
    ///
    /// # Errors
    /// If something in it is refused.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let Self { rules, decoder: Some(decoder), room, messages, first } = self else { return Ok(()) };
        let (mut judged, mut framed) = (Ok(()), Ok(()));
        let read = decoder.read(bytes, room, &mut |bytes| {
            judged = first.take(bytes, rules);
            framed = messages.feed(bytes, &mut |event| hear(rules, event, &mut judged));
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
        let mut judged = self.first.end(&self.rules);
        if self.decoder.take().is_some() {
            self.messages.end(&mut |event| hear(&self.rules, event, &mut judged)).or(Err(Refusal::Coded))?;
        }
        judged
    }
}

impl First {
    fn take(&mut self, bytes: &[u8], rules: &Arc<Rules>) -> Result<(), Refusal> {
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(LOOKED_AT - self.bytes.len())]);
        if self.bytes.len() == LOOKED_AT { self.end(rules) } else { Ok(()) }
    }

    fn end(&mut self, rules: &Arc<Rules>) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.is_known, true) { Ok(()) } else { judge(rules, &self.bytes) }
    }
}

fn hear(rules: &Arc<Rules>, event: Event<'_>, judged: &mut Result<(), Refusal>) {
    let Event::Message(message) = event else { return };
    contents(message, &mut |field| {
        if judged.is_ok() && field.len() >= SHORTEST {
            *judged = judge(rules, field);
        }
    });
}

fn judge(rules: &Arc<Rules>, bytes: &[u8]) -> Result<(), Refusal> {
    let mut judge = Judge::new(rules.clone(), Facts { codings: Some(Codings::default()), ..Facts::default() }, false)?;
    for verdict in [judge.feed(bytes), judge.end()] {
        if let Verdict::Refuse(refusal) = verdict {
            return Err(refusal);
        }
    }
    Ok(())
}
