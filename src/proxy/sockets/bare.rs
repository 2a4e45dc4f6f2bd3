//! The first message of a client's in a WebSocket, as far as it may be one that asks a bare server for another WebSocket ([`crate::bypass::bare`]): it is kept
//! back until it is whole, for what is asked for is judged before anything of it goes on.

use crate::bypass::{Finding, bare};
use crate::socket::Heard;

/// The first message.
#[derive(Debug, Default)]
pub(super) struct First {
    said: Vec<u8>,
    /// Whether it has begun.
    has_begun: bool,
    is_over: bool,
}

/// One that is known.
const OVER: First = First { said: Vec::new(), has_begun: true, is_over: true };

impl First {
    /// More of what the client says. What is found, once it is whole.
    pub(super) fn hear(&mut self, heard: Heard, bytes: &[u8]) -> Option<Finding> {
        match heard {
            _ if self.is_over => return None,
            Heard::Begins(_) => self.has_begun = true,
            Heard::Bytes => {
                self.said.extend_from_slice(&bytes[..bytes.len().min(bare::LONGEST_MESSAGE + 1 - self.said.len())]);
                if !bare::may_be_message(&self.said) {
                    *self = OVER;
                }
            }
            // One that is empty says nothing.
            Heard::Ends if self.said.is_empty() => self.has_begun = false,
            Heard::Ends => return bare::in_message(&std::mem::replace(self, OVER).said),
            Heard::Control(_) | Heard::All => {}
        }
        None
    }

    /// Whether it has begun, and may be one: nothing of it goes on yet.
    pub(super) fn is_kept(&self) -> bool {
        self.has_begun && !self.is_over
    }
}
