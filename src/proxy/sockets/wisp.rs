//! Wisp in a WebSocket (`bypass::wisp`): found out by the first message of either side, and from there on each stream judged by itself.
//!
//! # Until it is known
//!
//! What passes is read in front of everything else that is done with it. A message of the client's is kept back only while it may be a CONNECT, which no other
//! message is for long. When both sides have begun a message that is none of Wisp's, or [`LISTENS`] has passed, it is over: nothing is read for this any more.
//! Until then each message is looked at, so that one in front of a CONNECT does not hide it.
//!
//! So it is with the first message of the client's, while it may ask a bare server for another WebSocket ([`super::bare`]).
//!
//! # Once it is Wisp
//!
//! The client's messages are framed anew, uncompressed, for some of them do not go on: a CONNECT waits until it is judged and on record, and packets of streams
//! that were not let through are swallowed. What the server sends goes on as it came. A stream that is cut is answered in the server's place, between two
//! of its messages, uncompressed, which is allowed where compression is agreed (RFC 7692 section 6).
//!
//! # Limits
//!
//! Held are what one read gives, one CONNECT, and one answer for each stream that was cut and is yet to be told.

use super::bare::First;
use super::court::{Court, Fate, Judging};
use super::direction::Stopped;
use super::framer::{FRAME, Framer, Packets, frame, opcode};
use super::line::{Line, Mode};
use crate::body::coding::Limits;
use crate::bypass::wisp::{Beginning, Connect, Head, Look, MOST_STREAMS, Packet, Streams, Type, close};
use crate::bypass::{Code, Finding, wsproxy};
use crate::policy::words::Way;
use crate::socket::extensions::Deflate;
use crate::socket::{self, Fault, Heard, Kind, Reader};
use bytes::BytesMut;
use smallvec::SmallVec;
use std::task::{Context, Poll, ready};

/// How many bytes are read, both ways together, before nothing more is expected.
const LISTENS: usize = 16 * 1024;
/// The most answers that wait for the server's message to end. Nobody asks for so many streams before one is answered.
const MOST_CUTS: usize = 2 * MOST_STREAMS;

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Listening,
    /// It is not Wisp.
    Over,
    Wisp,
}

/// Listens to one WebSocket for Wisp.
pub(super) struct Wisp {
    stage: Stage,
    up: Line,
    down: Line,
    heard: usize,
    framer: Framer,
    streams: Streams,
    judging: Option<(Connect, Vec<u8>, Kind, Judging)>,
    /// Streams that the client is to be told are cut, and why.
    cuts: Vec<(u32, u8)>,
    court: Court,
    /// What the path says, until it is known what the client says first.
    by_path: Option<Finding>,
    passed: u64,
    cut: u64,
    /// Whether the other way has something to do now that nothing that comes would tell it of.
    is_turn: bool,
    /// The first bytes that the client says, where its path says something.
    said_first: SmallVec<[u8; 16]>,
    /// The first message of the client's, as long as it may ask a bare server for another WebSocket.
    first: First,
}

impl Wisp {
    /// From the first byte of either side on.
    pub(super) fn new(court: Court, by_path: Option<Finding>, (deflate, decode): (Option<Deflate>, Limits), early: (BytesMut, BytesMut)) -> Self {
        let up = Reader::new(socket::Side::Client, deflate.map(|deflate| deflate.client), decode);
        let down = Reader::new(socket::Side::Server, deflate.map(|deflate| deflate.server), decode);
        Self {
            stage: Stage::Listening,
            up: Line::new(Way::Upload, up, early.0),
            down: Line::new(Way::Answer, down, early.1),
            heard: 0,
            framer: Framer { of: Kind::Binary, packets: Packets::Unknown, waiting: Vec::new(), has_begun: false },
            streams: Streams::default(),
            judging: None,
            cuts: Vec::new(),
            court,
            by_path,
            passed: 0,
            cut: 0,
            is_turn: false,
            said_first: SmallVec::new(),
            first: First::default(),
        }
    }

    /// Whether it is known that this is not Wisp, and all that came has gone on.
    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over && self.up.come.is_empty() && self.down.come.is_empty()
    }

    /// Whether both ways are to be looked at again, because of what one of them has brought to light. Said once.
    pub(super) fn take_turn(&mut self) -> bool {
        std::mem::take(&mut self.is_turn)
    }

    /// Whether what came this way, and has gone on, ends within a frame.
    pub(super) fn ends_in_frame(&self, way: Way) -> bool {
        match way {
            Way::Upload => self.up.mode != Mode::Packets && !self.up.reader.is_between_frames(),
            Way::Answer => !self.down.reader.is_between_frames(),
        }
    }

    /// Whether both sides have said that nothing more comes.
    pub(super) fn is_closed(&self) -> bool {
        self.up.reader.is_closed() && self.down.reader.is_closed()
    }

    /// What the connection's own record says.
    pub(super) fn said(&self) -> Option<String> {
        (self.stage == Stage::Wisp).then(|| format!("Wisp: {} streams let through, {} cut.", self.passed, self.cut))
    }

    /// More has come this way.
    pub(super) fn comes(&mut self, way: Way, bytes: &[u8]) {
        let line = self.line(way);
        line.come.extend_from_slice(bytes);
        line.is_fresh = true;
    }

    /// Nothing more comes this way: what is kept back goes on.
    pub(super) fn ends(&mut self, way: Way, out: &mut BytesMut) {
        let line = self.line(way);
        if line.mode != Mode::Packets {
            line.release(out);
        }
        line.is_over = true;
    }

    fn line(&mut self, way: Way) -> &mut Line {
        match way {
            Way::Upload => &mut self.up,
            Way::Answer => &mut self.down,
        }
    }

    /// Reads what has come this way, and adds to `out` what may go on of it, or what is said in a server's place. Whether something was added; it waits
    /// while a stream is judged.
    pub(super) fn poll(&mut self, way: Way, out: &mut BytesMut, cx: &mut Context<'_>) -> Poll<Result<bool, Stopped>> {
        let before = out.len();
        loop {
            if way == Way::Upload
                && let Some((.., judging)) = &mut self.judging
            {
                let fate = match judging.as_mut().poll(cx) {
                    // What went before it does not wait.
                    Poll::Pending if out.len() > before => return Poll::Ready(Ok(true)),
                    polled => ready!(polled),
                };
                let Ok(fate) = fate else { return Poll::Ready(Err(Stopped::Unrecorded)) };
                self.settle(fate, out)?;
            }
            if way == Way::Answer {
                self.tell_cuts(out);
            }
            if !self.line(way).is_fresh {
                break;
            }
            self.read(way, out)?;
        }
        if self.stage == Stage::Over {
            let line = self.line(way);
            line.read = line.come.len();
            line.release(out);
        }
        Poll::Ready(Ok(out.len() > before))
    }

    /// What became of the stream that was judged.
    fn settle(&mut self, fate: Fate, out: &mut BytesMut) -> Result<(), Stopped> {
        let Some((connect, packet, of, _)) = self.judging.take() else { return Ok(()) };
        match fate {
            Fate::Passes => {
                self.streams.opens(connect.stream);
                self.passed += 1;
                frame(0x80 | if of == Kind::Text { 1 } else { 2 }, &packet, out);
            }
            Fate::Cut(reason) => {
                self.streams.ends(connect.stream);
                self.cut += 1;
                if self.cuts.len() >= MOST_CUTS {
                    return Err(Stopped::Flooded);
                }
                self.cuts.push((connect.stream, reason));
            }
        }
        Ok(())
    }

    /// Tells the client which streams are cut, if the server is between two messages.
    fn tell_cuts(&mut self, out: &mut BytesMut) {
        if self.cuts.is_empty() || self.down.is_over || self.down.reader.is_closed() || !self.down.is_between() {
            return;
        }
        // What was read of the server's stands before it.
        self.down.release(out);
        for (stream, reason) in self.cuts.drain(..) {
            let packet = close(stream, reason);
            out.extend_from_slice(&[0x82, 6]);
            out.extend_from_slice(&packet);
        }
    }

    /// Reads on until all that came is read, or something is to be done first.
    fn read(&mut self, way: Way, out: &mut BytesMut) -> Result<(), Stopped> {
        match (self.stage, self.line(way).mode) {
            (Stage::Over, _) => {
                let line = self.line(way);
                line.is_fresh = false;
                Ok(())
            }
            (Stage::Listening, _) => self.listen(way, out),
            (Stage::Wisp, _) if way == Way::Answer => self.follow_server(out),
            (Stage::Wisp, Mode::Packets) => self.follow_client(out),
            (Stage::Wisp, Mode::Open | Mode::Other | Mode::Rest) => {
                self.finish_message(out);
                Ok(())
            }
        }
    }

    /// It is not known yet what it is.
    fn listen(&mut self, way: Way, out: &mut BytesMut) -> Result<(), Stopped> {
        let line = if way == Way::Upload { &mut self.up } else { &mut self.down };
        let before = line.read;
        let stepped = line.step();
        let (moved, is_open) = (line.read - before, line.mode == Mode::Open);
        if way == Way::Upload
            && let Ok(heard) = stepped
            && let Some(finding) = self.first.hear(heard, &line.room)
        {
            self.court.meet(finding)?;
        }
        let mut told = None;
        let look = match stepped {
            Ok(Heard::Begins(kind)) => {
                (line.kind, line.mode, line.beginning) = (kind, Mode::Open, Beginning::new(line.side()));
                Look::More
            }
            Ok(Heard::Bytes) if is_open || self.by_path.is_some() && way == Way::Upload => {
                if way == Way::Upload {
                    told = wsproxy_says(&mut self.by_path, &mut self.said_first, &line.room);
                }
                if is_open { line.beginning.feed(&line.room) } else { Look::More }
            }
            // One that is empty says nothing.
            Ok(Heard::Ends) if is_open && line.beginning.is_empty() => Look::More,
            Ok(Heard::Ends) if is_open => line.beginning.end(),
            Ok(Heard::Control(control)) if is_open && line.reader.is_in_message() => {
                line.controls.push((control, std::mem::take(&mut line.room)));
                Look::More
            }
            Ok(Heard::All | Heard::Control(_) | Heard::Bytes | Heard::Ends) => Look::More,
            // It is not what it says it is, and nothing that follows can be read.
            Err(Fault::Broken(_)) => {
                self.over();
                return Ok(());
            }
            Err(Fault::Unreadable(_)) if is_open => Look::Not,
            Err(Fault::Unreadable(_)) => Look::More,
        };
        if let Some(finding) = told {
            self.court.meet(finding)?;
        }
        match look {
            Look::More => {}
            Look::Wisp(_) if self.court.ways.wisp().is_none() => (line.mode, line.is_other) = (Mode::Other, true),
            Look::Not => (line.mode, line.is_other) = (Mode::Other, true),
            Look::Wisp(version) => return self.found(way, version, out),
        }
        if !line.is_kept() && (way == Way::Answer || !self.first.is_kept()) {
            line.controls.clear();
            line.release(out);
        }
        self.heard += moved;
        if self.heard > LISTENS || self.up.is_other && self.down.is_other && self.by_path.is_none() && !self.first.is_kept() {
            self.over();
        }
        Ok(())
    }

    /// Nothing more is read.
    fn over(&mut self) {
        self.stage = Stage::Over;
        self.is_turn = true;
    }

    /// It is Wisp, as the message of this side that has just ended says.
    fn found(&mut self, way: Way, version: u8, out: &mut BytesMut) -> Result<(), Stopped> {
        self.stage = Stage::Wisp;
        self.is_turn = true;
        if self.down.reader.is_in_message() {
            // Its beginning was not heard.
            self.down.packet.feed(&[u8::MAX; 5]);
        }
        let asked = if way == Way::Upload { self.up.beginning.connect() } else { None };
        let (who, what) = (if way == Way::Upload { "client" } else { "site" }, if asked.is_some() { "a CONNECT packet" } else { "a greeting" });
        let target = asked.as_ref().and_then(|connect| Some(connect.host.as_ref()?.authority(connect.port)));
        let finding = Finding::new(Code::Wisp, &format!("{what} of Wisp, version {version}, from the {who}"));
        self.court.found(target.into_iter().fold(finding, |finding, target| finding.of_target(&target)))?;
        match way {
            Way::Answer => {
                self.down.release(out);
                if self.up.is_kept() {
                    self.resume(out);
                } else {
                    self.up.mode = if self.up.is_between() { Mode::Packets } else { Mode::Rest };
                }
                Ok(())
            }
            Way::Upload if asked.is_some() => {
                self.resume(out);
                self.end_packet(out)
            }
            Way::Upload => {
                // INFO has gone on as it came.
                self.up.release(out);
                self.up.mode = Mode::Packets;
                Ok(())
            }
        }
    }

    /// A message of the client's was kept back, as far as it has come: it is a packet like those that follow.
    fn resume(&mut self, out: &mut BytesMut) {
        self.up.drop_read();
        self.up.mode = Mode::Packets;
        for (control, payload) in std::mem::take(&mut self.up.controls) {
            frame(0x80 | opcode(control), &payload, out);
        }
        self.up.packet = Packet::default();
        self.framer.begin(self.up.kind);
        let kept: SmallVec<[u8; 16]> = self.up.beginning.kept().into();
        self.feed_packet(&kept);
    }

    /// The client's message that was under way when it turned out to be Wisp goes on as it came.
    fn finish_message(&mut self, out: &mut BytesMut) {
        let stepped = self.up.step();
        self.up.release(out);
        if matches!(stepped, Ok(Heard::Ends | Heard::Control(_) | Heard::All)) && self.up.is_between() {
            self.up.mode = Mode::Packets;
        }
    }

    fn follow_server(&mut self, out: &mut BytesMut) -> Result<(), Stopped> {
        match self.down.step() {
            Ok(Heard::Begins(_)) => self.down.packet = Packet::default(),
            Ok(Heard::Bytes) => {
                self.down.packet.feed(&self.down.room);
            }
            Ok(Heard::Ends) => {
                if let Some(Head { of: Type::Close, stream }) = self.down.packet.head() {
                    self.streams.ends(stream);
                }
                self.tell_cuts(out);
            }
            Ok(Heard::All | Heard::Control(_)) | Err(Fault::Unreadable(_)) => {}
            Err(Fault::Broken(why)) => return Err(Stopped::Broken(Way::Answer, why)),
        }
        self.down.release(out);
        Ok(())
    }

    fn follow_client(&mut self, out: &mut BytesMut) -> Result<(), Stopped> {
        let stepped = self.up.step();
        self.up.drop_read();
        match stepped {
            Ok(Heard::All) => self.framer.flush(false, out),
            Ok(Heard::Begins(of)) => {
                self.up.packet = Packet::default();
                self.framer.begin(of);
            }
            Ok(Heard::Bytes) => {
                let bytes = std::mem::take(&mut self.up.room);
                self.feed_packet(&bytes);
                self.up.room = bytes;
                if self.framer.packets == Packets::Passes && self.framer.waiting.len() >= FRAME {
                    self.framer.flush(false, out);
                }
            }
            Ok(Heard::Ends) => self.end_packet(out)?,
            Ok(Heard::Control(control)) => {
                self.framer.flush(false, out);
                frame(0x80 | opcode(control), &self.up.room, out);
            }
            Err(Fault::Broken(why)) => return Err(Stopped::Broken(Way::Upload, why)),
            Err(Fault::Unreadable(why)) => return Err(Stopped::Sealed(why)),
        }
        Ok(())
    }

    /// More of a packet of the client's.
    fn feed_packet(&mut self, bytes: &[u8]) {
        let head = self.up.packet.feed(bytes);
        if self.framer.packets == Packets::Unknown
            && let Some(head) = head
        {
            self.framer.packets = match head.of {
                Type::Connect => Packets::Asks,
                _ if self.streams.pass(head) => Packets::Passes,
                _ => Packets::Swallowed,
            };
        }
        match self.framer.packets {
            // Of what is not known yet, no more than a head waits.
            Packets::Unknown | Packets::Passes => self.framer.waiting.extend_from_slice(bytes),
            Packets::Asks | Packets::Swallowed => self.framer.waiting = Vec::new(),
        }
    }

    /// A packet of the client's is whole.
    fn end_packet(&mut self, out: &mut BytesMut) -> Result<(), Stopped> {
        match self.framer.packets {
            Packets::Passes => {
                self.framer.flush(true, out);
                if let Some(Head { of: Type::Close, stream }) = self.up.packet.head() {
                    self.streams.ends(stream);
                }
            }
            Packets::Asks => {
                if let Some(connect) = self.up.packet.connect() {
                    let judging = self.court.judge(connect.clone(), self.streams.is_full());
                    self.judging = Some((connect, self.up.packet.kept().to_vec(), self.framer.of, judging));
                }
            }
            // What is shorter than a packet is none.
            Packets::Unknown | Packets::Swallowed => {}
        }
        self.framer.begin(Kind::Binary);
        Ok(())
    }
}

/// What is found by the path of a WebSocket, now that the client has said more: nothing, if more may come of it, or if that makes it no surer.
fn wsproxy_says(by_path: &mut Option<Finding>, said: &mut SmallVec<[u8; 16]>, bytes: &[u8]) -> Option<Finding> {
    let finding = by_path.as_ref()?;
    said.extend_from_slice(&bytes[..bytes.len().min(32 - said.len().min(32))]);
    let surer = wsproxy::by_bytes(finding, said)?;
    *by_path = None;
    surer
}
