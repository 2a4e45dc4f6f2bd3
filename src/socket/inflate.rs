//! Compressed messages of one side inflated (RFC 7692 section 7.2.2), one after the other.

use super::extensions::Context;
use crate::body::coding::{Limits, STEP, Unreadable};
use flate2::{Decompress, FlushDecompress, Status};

/// Inflates messages. It is made when the first comes: many connections that agree on it never use it.
pub(super) struct Inflater {
    context: Context,
    limits: Limits,
    state: State,
    /// Of the message at hand: how much went in, and came out.
    read: u64,
    given: u64,
}

enum State {
    Idle,
    Open(Box<Decompress>),
    /// What comes cannot be read any more.
    Lost,
}

impl Inflater {
    pub(super) fn new(context: Context, limits: Limits) -> Self {
        Self { context, limits, state: State::Idle, read: 0, given: 0 }
    }

    /// A message begins.
    pub(super) fn begin(&mut self) {
        (self.read, self.given) = (0, 0);
        match (&self.state, self.context) {
            (State::Idle, _) => self.state = State::Open(Box::new(Decompress::new(false))),
            (State::Open(_), Context::Dropped) => self.state = State::Open(Box::new(Decompress::new(false))),
            (State::Open(_), Context::Kept) | (State::Lost, _) => {}
        }
    }

    /// Takes some of `input` off its front and adds what comes out to `out`: at most [`STEP`] bytes. When nothing comes out, all of it was read.
    pub(super) fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let State::Open(inflate) = &mut self.state else {
            *input = &[];
            return Ok(());
        };
        loop {
            let (read, given) = (inflate.total_in(), inflate.total_out());
            out.resize(STEP, 0);
            let status = inflate.decompress(input, out, FlushDecompress::Sync);
            out.truncate(usize::try_from(inflate.total_out() - given).unwrap_or(STEP));
            let taken = usize::try_from(inflate.total_in() - read).unwrap_or(usize::MAX).min(input.len());
            *input = &input[taken..];
            self.read += taken as u64;
            self.given += inflate.total_out() - given;
            let over = match status {
                // What came out before the damage is given first; the state says so again.
                Err(_) if out.is_empty() => Some(Unreadable::Broken),
                _ if self.given > self.limits.bytes => Some(Unreadable::TooLarge(self.limits.bytes)),
                _ if self.given > self.limits.ratio_from && self.given > self.read.saturating_mul(self.limits.ratio) => {
                    Some(Unreadable::TooDense(self.limits.ratio))
                }
                _ => None,
            };
            if let Some(why) = over {
                self.state = State::Lost;
                *input = &[];
                return Err(why);
            }
            // A stream may end within a message, and another begin (section 7.2.3.4).
            if matches!(status, Ok(Status::StreamEnd)) {
                inflate.reset(false);
            }
            if !out.is_empty() || input.is_empty() {
                return Ok(());
            }
            if taken == 0 && !matches!(status, Ok(Status::StreamEnd)) {
                // It neither reads nor gives.
                self.state = State::Lost;
                *input = &[];
                return Err(Unreadable::Broken);
            }
        }
    }
}
