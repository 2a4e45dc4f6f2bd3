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
    /// The rest of it is inflated and thrown away: later messages may refer to it.
    skips: bool,
    more: bool,
}

enum State {
    Idle,
    Open(Box<Decompress>),
    /// What comes cannot be read any more.
    Lost,
}

impl Inflater {
    pub(super) fn new(context: Context, limits: Limits) -> Self {
        Self { context, limits, state: State::Idle, read: 0, given: 0, skips: false, more: false }
    }

    /// A message begins.
    pub(super) fn begin(&mut self) {
        (self.read, self.given, self.skips) = (0, 0, false);
        match (&self.state, self.context) {
            (State::Idle, _) | (_, Context::Dropped) => self.state = State::Open(Box::new(Decompress::new(false))),
            (State::Open(_) | State::Lost, Context::Kept) => {}
        }
    }

    /// Whether there is more to say, though all that came may be read.
    pub(super) fn has_more(&self) -> bool {
        self.more
    }

    /// Takes some of `input` off its front and adds what comes out to `out`: at most [`STEP`] bytes. When nothing comes out, all of it was read.
    pub(super) fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        self.more = false;
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
            let is_over = matches!(status, Ok(Status::StreamEnd));
            // It neither reads nor gives.
            let is_stuck = taken == 0 && out.is_empty() && !input.is_empty() && !is_over;
            let over = match status {
                // What came out before the damage is given first; the state says so again.
                Err(_) if out.is_empty() => Some(Unreadable::Broken),
                _ if is_stuck => Some(Unreadable::Broken),
                _ if self.given > self.limits.bytes => Some(Unreadable::TooLarge(self.limits.bytes)),
                _ if self.given > self.limits.ratio_from && self.given > self.read.saturating_mul(self.limits.ratio) => {
                    Some(Unreadable::TooDense(self.limits.ratio))
                }
                _ => None,
            };
            // A stream may end within a message, and another begin (section 7.2.3.4).
            if is_over {
                inflate.reset(false);
            }
            match over {
                // The rest of the message goes the way of its beginning.
                Some(Unreadable::TooDense(_)) if self.skips => {}
                Some(why @ Unreadable::TooDense(_)) => {
                    out.clear();
                    (self.skips, self.more) = (true, true);
                    return Err(why);
                }
                // What comes cannot be read any more, nor what would refer to it.
                Some(why) => {
                    out.clear();
                    (self.state, self.skips, *input) = (State::Lost, false, &[]);
                    return Err(why);
                }
                None => {}
            }
            self.more = status.is_err() || out.len() == STEP;
            if self.skips {
                out.clear();
            }
            if !out.is_empty() || input.is_empty() && !self.more {
                return Ok(());
            }
        }
    }
}
