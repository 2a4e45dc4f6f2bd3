//! What comes one way of a WebSocket that is listened to for Wisp: how far it was read, and how much of that is kept back.

use crate::bypass::wisp::{Beginning, Packet, Side};
use crate::policy::words::Way;
use crate::socket::{Control, Fault, Heard, Kind, Reader};
use bytes::{Buf, BytesMut};

/// What is being done with what comes one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The next message is awaited, or may yet be Wisp's.
    Open,
    /// The message at hand is none of Wisp's.
    Other,
    /// It is Wisp's; the message at hand goes on as it came.
    Rest,
    /// It is Wisp's.
    Packets,
}

/// What comes one way.
pub(super) struct Line {
    pub(super) way: Way,
    pub(super) reader: Reader,
    pub(super) beginning: Beginning,
    pub(super) mode: Mode,
    /// Whether a message came that was none of Wisp's.
    pub(super) is_other: bool,
    /// What the message at hand is said to be.
    pub(super) kind: Kind,
    /// What has come; the first `read` bytes of it were read, and are kept.
    pub(super) come: BytesMut,
    pub(super) read: usize,
    /// Whether there is more to be heard of what has come.
    pub(super) is_fresh: bool,
    pub(super) room: Vec<u8>,
    pub(super) packet: Packet,
    /// Control frames that came within a message that is kept back.
    pub(super) controls: Vec<(Control, Vec<u8>)>,
    pub(super) is_over: bool,
}

impl Line {
    pub(super) fn new(way: Way, reader: Reader, early: BytesMut) -> Self {
        Self {
            way,
            reader,
            beginning: Beginning::new(Side::Server),
            mode: Mode::Open,
            is_other: false,
            kind: Kind::Binary,
            is_fresh: !early.is_empty(),
            come: early,
            read: 0,
            room: Vec::new(),
            packet: Packet::default(),
            controls: Vec::new(),
            is_over: false,
        }
    }

    /// Lets go what was read.
    pub(super) fn release(&mut self, out: &mut BytesMut) {
        if self.read > 0 {
            out.extend_from_slice(&self.come[..self.read]);
            self.come.advance(self.read);
            self.read = 0;
        }
        if self.come.is_empty() {
            self.come = BytesMut::new();
        }
    }

    /// Forgets what was read.
    pub(super) fn drop_read(&mut self) {
        self.come.advance(self.read);
        self.read = 0;
    }

    pub(super) fn step(&mut self) -> Result<Heard, Fault> {
        let mut input = &self.come[self.read..];
        let before = input.len();
        let stepped = self.reader.step(&mut input, &mut self.room);
        let left = input.len();
        self.read += before - left;
        self.is_fresh = !matches!(stepped, Ok(Heard::All) | Err(Fault::Broken(_)));
        if matches!(stepped, Ok(Heard::All)) && left > 0 {
            // What comes after a close goes nowhere.
            self.come.truncate(self.read);
        }
        stepped
    }

    pub(super) fn side(&self) -> Side {
        if self.way == Way::Upload { Side::Client } else { Side::Server }
    }

    /// Whether what was read is kept back: it may be the beginning of a CONNECT.
    pub(super) fn is_kept(&self) -> bool {
        self.mode == Mode::Open && self.way == Way::Upload && !self.is_between() && (!self.reader.is_in_message() || self.beginning.may_ask())
    }

    /// Between two messages and two frames, with nothing begun.
    pub(super) fn is_between(&self) -> bool {
        !self.reader.is_in_message() && self.reader.is_between_frames()
    }
}
