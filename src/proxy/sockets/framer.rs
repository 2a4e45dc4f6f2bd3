//! Frames of a client's, made anew: some of its packets do not go on.

use crate::socket::{Control, Kind};
use bytes::BytesMut;

/// The largest frame that is made.
pub(super) const FRAME: usize = 16 * 1024;

/// What is to be done with a packet of the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packets {
    /// Not enough of it has come.
    Unknown,
    Passes,
    /// It is a CONNECT.
    Asks,
    /// It does not go on.
    Swallowed,
}

/// Frames of the client's, made anew.
pub(super) struct Framer {
    pub(super) of: Kind,
    pub(super) packets: Packets,
    /// What is yet to be framed of the message at hand.
    pub(super) waiting: Vec<u8>,
    /// Whether some of it was.
    pub(super) has_begun: bool,
}

impl Framer {
    pub(super) fn begin(&mut self, of: Kind) {
        *self = Self { of, packets: Packets::Unknown, waiting: Vec::new(), has_begun: false };
    }

    /// Frames what waits. `last`: the message ends with it.
    pub(super) fn flush(&mut self, last: bool, out: &mut BytesMut) {
        // What may yet be a CONNECT, or of a stream that was not let through, waits.
        if self.packets != Packets::Passes || self.waiting.is_empty() && !last {
            return;
        }
        let opcode = match (self.has_begun, self.of) {
            (true, _) => 0,
            (false, Kind::Text) => 1,
            (false, Kind::Binary) => 2,
        };
        frame(opcode | if last { 0x80 } else { 0 }, &self.waiting, out);
        self.waiting.clear();
        self.has_begun = true;
    }
}

/// A frame as a client sends it.
pub(super) fn frame(first: u8, payload: &[u8], out: &mut BytesMut) {
    let mut mask = [0; 4];
    // Whoever could guess it could write bytes of their choice on the wire (RFC 6455 section 10.3), which here only reach a server that was chosen too.
    let _ = getrandom::fill(&mut mask);
    let mut head = [first, 0x80, 0, 0, 0, 0, 0, 0, 0, 0];
    let length = match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => {
            head[1] |= short.to_le_bytes()[0];
            2
        }
        Ok(middle) => {
            head[1] |= 126;
            head[2..4].copy_from_slice(&middle.to_be_bytes());
            4
        }
        Err(_) => {
            head[1] |= 127;
            head[2..].copy_from_slice(&(payload.len() as u64).to_be_bytes());
            10
        }
    };
    out.reserve(length + 4 + payload.len());
    out.extend_from_slice(&head[..length]);
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

pub(super) fn opcode(control: Control) -> u8 {
    match control {
        Control::Close => 8,
        Control::Ping => 9,
        Control::Pong => 10,
    }
}
