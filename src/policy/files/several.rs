//! A body of several parts, each judged as a file: by what its own fields say, and by its bytes.

use super::facts::{Doubt, Facts};
use super::judge::{Judge, Verdict};
use super::refusal::Refusal;
use super::rules::Rules;
use crate::body::coding::{Codings, Decoder, Unreadable};
use crate::body::parts::{Event, Head, Parts};
use crate::kinds::reader::LIMITS;
use crate::kinds::{Classes, name};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Judges the parts of one body.
pub(super) struct Several {
    /// None once it cannot be read any further.
    decoder: Option<Decoder>,
    room: Vec<u8>,
    parts: Parts,
    each: Each,
}

/// What is known of the part at hand.
struct Each {
    rules: Arc<Rules>,
    doubt: Doubt,
    part: Option<Judge>,
    /// Whether the part before may hold more than came of it.
    may_go_on: bool,
    /// Whether bytes are looked at even if the rules need none.
    look: bool,
    /// What the parts before were found to be.
    classes: Classes,
}

impl Several {
    /// Of a body in these codings.
    ///
    /// # Errors
    /// If it cannot be taken apart.
    pub(super) fn new(rules: Arc<Rules>, parts: Parts, codings: &Codings, doubt: Doubt, look: bool) -> Result<Self, Refusal> {
        let decoder = Decoder::of(codings, LIMITS).map_err(|_| Refusal::Coded)?;
        let each = Each { rules, doubt, part: None, may_go_on: false, look, classes: Classes::default() };
        Ok(Self { decoder: Some(decoder), room: Vec::new(), parts, each })
    }

    /// More of it, as it came.
    ///
    /// # Errors
    /// If a part is refused.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let Self { decoder: Some(decoder), room, parts, each } = self else { return Ok(()) };
        let mut judged = Ok(());
        let read = decoder.read(bytes, room, &mut |bytes| {
            parts.feed(bytes, &mut |event| each.hear(event, &mut judged));
            if judged.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        judged?;
        match read {
            Ok(()) => Ok(()),
            Err(Unreadable::TooDense(_)) if each.rules.looks() => Err(Refusal::Bomb),
            // Nobody gets any further.
            Err(_) => self.end(),
        }
    }

    /// It is over.
    ///
    /// # Errors
    /// If a part is refused.
    pub(super) fn end(&mut self) -> Result<(), Refusal> {
        if self.decoder.take().is_none() {
            return Ok(());
        }
        let Self { parts, each, .. } = self;
        let mut judged = Ok(());
        parts.end(&mut |event| each.hear(event, &mut judged));
        judged
    }

    /// What its parts were found to be so far.
    pub(super) fn classes(&self) -> Classes {
        self.each.part.as_ref().map_or(self.each.classes, |part| self.each.classes.union(part.classes()))
    }

    /// Whether its last part may hold more than came of it.
    pub(super) fn may_go_on(&self) -> bool {
        self.each.part.as_ref().map_or(self.each.may_go_on, Judge::may_go_on)
    }

    /// Whether what came so far may pass.
    pub(super) fn is_known(&self) -> bool {
        self.each.part.as_ref().is_none_or(Judge::is_passing)
    }
}

impl Each {
    fn hear(&mut self, event: Event<'_>, judged: &mut Result<(), Refusal>) {
        if judged.is_ok() {
            *judged = self.judge(event);
        }
    }

    fn judge(&mut self, event: Event<'_>) -> Result<(), Refusal> {
        let verdict = match event {
            Event::Begins(head) => {
                if head.is_doubtful && self.doubt == Doubt::Refused && !self.rules.is_size_only() {
                    return Err(Refusal::Coded);
                }
                // To who sees no boundary here the file goes on: what comes next would be judged as the middle of it by nobody.
                if head.may_be_none && self.may_go_on && !self.rules.is_size_only() {
                    return Err(Refusal::Coded);
                }
                self.part = Some(Judge::new(self.rules.clone(), self.facts(head), self.look)?);
                return Ok(());
            }
            Event::Bytes(bytes) => self.part.as_mut().map(|part| part.feed(bytes)),
            Event::Ends => self.part.take().map(|mut part| {
                self.may_go_on = part.may_go_on();
                let verdict = part.end();
                self.classes = self.classes.union(part.classes());
                verdict
            }),
        };
        match verdict {
            Some(Verdict::Refuse(refusal)) => Err(refusal),
            Some(Verdict::Wait | Verdict::Pass) | None => Ok(()),
        }
    }

    fn facts(&self, head: &Head) -> Facts {
        Facts {
            names: head.dispositions.iter().flat_map(|value| name::of_disposition(value)).collect(),
            types: head.essences().collect(),
            codings: Some(Codings::default()),
            parts: head.inner(),
            doubt: self.doubt,
            ..Facts::default()
        }
    }
}
