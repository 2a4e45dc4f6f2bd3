//! What passes over a WebSocket (RFC 6455), read as it streams. Pure: bytes are pushed in, the bytes of messages come out, unmasked and inflated.
//!
//! [`extensions`] says what is agreed in the handshake, as far as it can be read here. A [`Reader`] reads one way of the connection from its first byte on:
//! frames, fragments, control frames between them, and messages that are compressed (RFC 7692) with or without what came before. It makes nothing of its own
//! of what it reads: what goes on is what came.
//!
//! # Limits
//!
//! Held are the head of one frame, the payload of one control frame (125 bytes), [`PIECE`] bytes that are yet to be inflated, and zlib's window; never a
//! message. What a message may inflate to is bounded by [`Limits`]. What no browser would take, and so nobody needs, is [`Broken`]: from there on nothing
//! is known of what comes.
//!
//! # Where to add
//!
//! Another extension: a variant beside [`extensions::Deflate`], and what it does to frames in [`Reader`].

pub mod extensions;
mod inflate;
#[cfg(test)]
mod tests;

use crate::body::coding::{Limits, Unreadable};
use extensions::Context;
use inflate::Inflater;
use smallvec::SmallVec;

/// How many bytes of a frame are read in one step.
pub const PIECE: usize = 8 * 1024;
/// The longest payload of a control frame (RFC 6455 section 5.5).
pub const LONGEST_CONTROL: usize = 125;
/// The longest head of a frame: two bytes, eight for the length, four for the mask.
const LONGEST_HEAD: usize = 14;

/// Who sends what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Masks what it sends.
    Client,
    /// Does not.
    Server,
}

/// What a message is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text in UTF-8.
    Text,
    /// Anything.
    Binary,
}

/// A frame that is no part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// Nothing more comes after it from this side.
    Close,
    /// To be answered.
    Ping,
    /// An answer.
    Pong,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// All there was is read.
    All,
    /// A message begins.
    Begins(Kind),
    /// Some of the message at hand: what is in the room.
    Bytes,
    /// The message at hand is over.
    Ends,
    /// A control frame, whose payload is in the room.
    Control(Control),
}

/// Why something is no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Bits that mean nothing here are set.
    #[error("a frame has bits set that nothing was agreed of")]
    Reserved,
    /// A kind of frame that there is not.
    #[error("a frame is of no known kind")]
    Opcode,
    /// The client's frames are masked, and the server's are not.
    #[error("a frame is masked that must not be, or is not that must be")]
    Mask,
    /// Written longer than need be, or too long.
    #[error("the length of a frame is not written as it must be")]
    Length,
    /// One in pieces, too long, or with half a code.
    #[error("a control frame is not as it must be")]
    Control,
    /// Goes on with a message that did not begin, or begins one within another.
    #[error("a frame is of another message than the one that is under way")]
    Order,
}

/// Why nothing more comes out of what is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is no WebSocket. The reader is of no more use.
    #[error("{0}")]
    Broken(#[from] Broken),
    /// What is compressed cannot be read. The reader goes on with the rest: of messages that are compressed nothing more comes out.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that ended, by [`Kind`]: text, binary.
    pub messages: [u64; 2],
    /// Bytes of messages as they were sent, by [`Kind`].
    pub bytes: [u64; 2],
}

/// The message at hand.
#[derive(Clone, Copy, Debug)]
struct Message {
    kind: Kind,
    packed: bool,
}

/// Where a reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the head of a frame.
    Head,
    /// In the payload of one of the message at hand, of which so many bytes are to come. `last`: it ends the message.
    Payload { left: u64, last: bool },
    /// In the payload of a control frame.
    Control { what: Control, left: usize },
    /// After a close: nothing more is read.
    Closed,
}

/// Reads one way of a connection.
pub struct Reader {
    side: Side,
    at: At,
    head: SmallVec<[u8; LONGEST_HEAD]>,
    mask: [u8; 4],
    /// How much of the frame's payload was unmasked, as far as the mask goes.
    unmasked: usize,
    control: SmallVec<[u8; LONGEST_CONTROL]>,
    message: Option<Message>,
    inflater: Option<Inflater>,
    /// What is to be inflated, from `inflated` on.
    packed: Vec<u8>,
    inflated: usize,
    /// Whether more may come out than did, without more going in.
    has_more: bool,
    /// Whether the end of a compressed message is being inflated.
    ending: bool,
    counts: Counts,
}

/// What every compressed message ends with, and is sent without (RFC 7692 section 7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

impl Reader {
    /// For what this side sends. `context`: what its compressed messages are compressed with, if there may be any.
    #[must_use]
    pub fn new(side: Side, context: Option<Context>, limits: Limits) -> Self {
        Self {
            side,
            at: At::Head,
            head: SmallVec::new(),
            mask: [0; 4],
            unmasked: 0,
            control: SmallVec::new(),
            message: None,
            inflater: context.map(|context| Inflater::new(context, limits)),
            packed: Vec::new(),
            inflated: 0,
            has_more: false,
            ending: false,
            counts: Counts::default(),
        }
    }

    /// Whether what was read so far ends with the end of a frame, so that another may follow.
    #[must_use]
    pub fn is_between_frames(&self) -> bool {
        match self.at {
            At::Head => self.head.is_empty(),
            At::Closed => true,
            At::Payload { .. } | At::Control { .. } => false,
        }
    }

    /// Whether a message has begun and is not over.
    #[must_use]
    pub fn is_in_message(&self) -> bool {
        self.message.is_some()
    }

    /// Whether this side has said that nothing more comes from it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.at == At::Closed
    }

    /// How much was read.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Reads some of `input` and takes that off its front. What is in `room` afterwards is what is said of it. When it says [`Heard::All`], all of `input` was
    /// read, but what follows a close.
    ///
    /// # Errors
    /// If it is no WebSocket, or a compressed message cannot be read. What was read is taken off then, too.
    pub fn step(&mut self, input: &mut &[u8], room: &mut Vec<u8>) -> Result<Heard, Fault> {
        room.clear();
        loop {
            if self.inflated < self.packed.len() || self.has_more || self.ending {
                if let Some(heard) = self.inflate(room)? {
                    return Ok(heard);
                }
                continue;
            }
            match self.at {
                At::Closed => return Ok(Heard::All),
                At::Head => {
                    let Some(begun) = self.read_head(input)? else { return Ok(Heard::All) };
                    if let Some(kind) = begun {
                        return Ok(Heard::Begins(kind));
                    }
                }
                At::Payload { left: 0, last } => {
                    if let Some(heard) = self.frame_over(last) {
                        return Ok(heard);
                    }
                }
                At::Payload { left, last } => {
                    let most = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
                    let piece = take(input, most);
                    if piece.is_empty() {
                        return Ok(Heard::All);
                    }
                    self.at = At::Payload { left: left - piece.len() as u64, last };
                    let is_packed = self.message.is_some_and(|message| message.packed);
                    if let Some(message) = self.message {
                        self.counts.bytes[message.kind as usize] += piece.len() as u64;
                    }
                    if !is_packed {
                        room.extend_from_slice(piece);
                        self.unmask(room);
                        return Ok(Heard::Bytes);
                    }
                    let mut packed = std::mem::take(&mut self.packed);
                    packed.clear();
                    packed.extend_from_slice(piece);
                    self.unmask(&mut packed);
                    (self.packed, self.inflated) = (packed, 0);
                }
                At::Control { what, left: 0 } => return self.control_over(what, room),
                At::Control { what, left } => {
                    let piece = take(input, left);
                    if piece.is_empty() {
                        return Ok(Heard::All);
                    }
                    let before = self.control.len();
                    self.control.extend_from_slice(piece);
                    let mut control = std::mem::take(&mut self.control);
                    self.unmask(&mut control[before..]);
                    self.control = control;
                    self.at = At::Control { what, left: left - piece.len() };
                }
            }
        }
    }

    /// Reads the head of a frame: nothing, if there is more of it to come; which message it begins, if it does.
    fn read_head(&mut self, input: &mut &[u8]) -> Result<Option<Option<Kind>>, Broken> {
        loop {
            let wanted = head_length(&self.head);
            let piece = take(input, wanted - self.head.len());
            self.head.extend_from_slice(piece);
            // What is wrong is known as soon as it can be.
            if let [first, rest @ ..] = &self.head[..] {
                self.check(*first, rest.first().copied())?;
            }
            if self.head.len() < wanted {
                return Ok(None);
            }
            if head_length(&self.head) == wanted {
                return self.begin().map(Some);
            }
        }
    }

    /// What the first two bytes of a frame may be.
    fn check(&self, first: u8, second: Option<u8>) -> Result<(), Broken> {
        let opcode = first & 0x0f;
        let is_control = opcode >= 8;
        if !matches!(opcode, 0..=2 | 8..=10) {
            return Err(Broken::Opcode);
        }
        let may_be_packed = self.inflater.is_some() && matches!(opcode, 1 | 2);
        if first & 0x30 != 0 || first & 0x40 != 0 && !may_be_packed {
            return Err(Broken::Reserved);
        }
        if !is_control && (opcode == 0) != self.message.is_some() {
            return Err(Broken::Order);
        }
        if is_control && first & 0x80 == 0 {
            return Err(Broken::Control);
        }
        let Some(second) = second else { return Ok(()) };
        if (second & 0x80 != 0) != (self.side == Side::Client) {
            return Err(Broken::Mask);
        }
        if is_control && usize::from(second & 0x7f) > LONGEST_CONTROL {
            return Err(Broken::Control);
        }
        Ok(())
    }

    /// The head of a frame is whole.
    fn begin(&mut self) -> Result<Option<Kind>, Broken> {
        let head = std::mem::take(&mut self.head);
        let (length, after) = match head[1] & 0x7f {
            126 => (u64::from(u16::from_be_bytes([head[2], head[3]])), 4),
            127 => (head[2..10].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)), 10),
            short => (u64::from(short), 2),
        };
        let least = match after {
            4 => 126,
            10 => 1 << 16,
            _ => 0,
        };
        if length < least || length > i64::MAX.unsigned_abs() {
            return Err(Broken::Length);
        }
        self.mask = [0; 4];
        self.mask[..head.len() - after].copy_from_slice(&head[after..]);
        self.unmasked = 0;
        let control = match head[0] & 0x0f {
            8 => Some(Control::Close),
            9 => Some(Control::Ping),
            10 => Some(Control::Pong),
            _ => None,
        };
        if let Some(what) = control {
            self.control.clear();
            self.at = At::Control { what, left: usize::try_from(length).unwrap_or(LONGEST_CONTROL) };
            return Ok(None);
        }
        self.at = At::Payload { left: length, last: head[0] & 0x80 != 0 };
        let kind = match head[0] & 0x0f {
            1 => Kind::Text,
            2 => Kind::Binary,
            _ => return Ok(None),
        };
        let packed = head[0] & 0x40 != 0;
        self.message = Some(Message { kind, packed });
        if packed && let Some(inflater) = &mut self.inflater {
            inflater.begin();
        }
        Ok(Some(kind))
    }

    fn frame_over(&mut self, last: bool) -> Option<Heard> {
        self.at = At::Head;
        if !last {
            return None;
        }
        if self.message.is_some_and(|message| message.packed) {
            self.packed.clear();
            self.packed.extend_from_slice(&TAIL);
            (self.inflated, self.ending) = (0, true);
            return None;
        }
        self.message_over()
    }

    fn message_over(&mut self) -> Option<Heard> {
        let message = self.message.take()?;
        self.counts.messages[message.kind as usize] += 1;
        Some(Heard::Ends)
    }

    fn control_over(&mut self, what: Control, room: &mut Vec<u8>) -> Result<Heard, Fault> {
        room.extend_from_slice(&self.control);
        self.at = At::Head;
        if what == Control::Close {
            if room.len() == 1 {
                return Err(Broken::Control.into());
            }
            self.at = At::Closed;
        }
        Ok(Heard::Control(what))
    }

    /// Inflates some of what is packed; what that came to, if anything.
    fn inflate(&mut self, room: &mut Vec<u8>) -> Result<Option<Heard>, Unreadable> {
        let mut left = &self.packed[self.inflated..];
        let stepped = self.inflater.as_mut().map_or(Ok(()), |inflater| inflater.step(&mut left, room));
        self.inflated = self.packed.len() - left.len();
        self.has_more = self.inflater.as_ref().is_some_and(Inflater::has_more);
        stepped?;
        if !room.is_empty() {
            return Ok(Some(Heard::Bytes));
        }
        if self.inflated < self.packed.len() {
            return Ok(None);
        }
        // An idle connection keeps no room for it.
        self.packed = Vec::new();
        self.inflated = 0;
        Ok(if std::mem::take(&mut self.ending) { self.message_over() } else { None })
    }

    fn unmask(&mut self, bytes: &mut [u8]) {
        if self.side == Side::Server {
            return;
        }
        let at = self.unmasked;
        let mask: [u8; 8] = std::array::from_fn(|place| self.mask[(at + place) % 4]);
        let mut words = bytes.chunks_exact_mut(8);
        let wide = u64::from_ne_bytes(mask);
        for word in &mut words {
            let mut plain = [0; 8];
            plain.copy_from_slice(word);
            word.copy_from_slice(&(u64::from_ne_bytes(plain) ^ wide).to_ne_bytes());
        }
        words.into_remainder().iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        self.unmasked = (at + bytes.len()) % 4;
    }
}

/// At most so many bytes off the front.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    taken
}

/// How long the head is that begins so, as far as that is known.
fn head_length(head: &[u8]) -> usize {
    let Some(second) = head.get(1) else { return 2 };
    let mask = if second & 0x80 != 0 { 4 } else { 0 };
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + mask
}

/// A close frame of Usher's own, as this side sends it. `mask` is of no matter to a server. Of the reason as much is said as fits.
#[must_use]
pub fn close_frame(side: Side, code: u16, reason: &str, mask: [u8; 4]) -> Vec<u8> {
    let reason = &reason[..reason.floor_char_boundary(LONGEST_CONTROL - 2)];
    let length = u8::try_from(reason.len() + 2).unwrap_or_default();
    let payload = code.to_be_bytes().into_iter().chain(reason.bytes());
    match side {
        Side::Server => [0x88, length].into_iter().chain(payload).collect(),
        Side::Client => {
            let masked = payload.zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask);
            [0x88, length | 0x80].into_iter().chain(mask).chain(masked).collect()
        }
    }
}
