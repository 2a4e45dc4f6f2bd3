//! Wisp: a web proxy that carries connections to many hosts over one WebSocket. Pure: what messages hold goes in, what they ask for comes out.
//!
//! # What is on the wire
//!
//! Each message of the WebSocket is one packet (Wisp protocol, versions 1 and 2; numbers are little-endian):
//!
//! ```text
//! packet   = type(1) stream(4) payload
//! CONNECT  = 0x01 stream  kind(1: 1 TCP, 2 UDP, others by extensions) port(2) host(the rest, UTF-8)      from the client
//! DATA     = 0x02 stream  bytes
//! CONTINUE = 0x03 stream  room(4)                                                                        from the server
//! CLOSE    = 0x04 stream  reason(1)
//! INFO     = 0x05 0       major(1) minor(1) *( id(1) length(4) bytes )                                   version 2, each side once
//! ```
//!
//! The server speaks first: CONTINUE for stream 0, in version 2 INFO before it. A client of version 2 answers with INFO, and a client may open its first
//! stream before it has heard the server. So the first message of either side is enough: [`Beginning`].
//!
//! # How certain
//!
//! The message has to be as above to its last byte: the right length, stream 0 or not, extensions that end where it ends, a host that is one. What other
//! programs send first in a WebSocket differs by then.
//!
//! # Limits
//!
//! A [`Beginning`] keeps one CONNECT at most; a [`Packet`] the same. [`Streams`] knows [`MOST_STREAMS`].

use crate::host::Host;
use smallvec::SmallVec;
use std::collections::HashSet;

/// The longest CONNECT that is read, in bytes: its head and a name as long as names may be, with room for spaces around it.
pub const LONGEST_CONNECT: usize = HEAD + 3 + 300;
/// The most streams that are open at once over one WebSocket.
pub const MOST_STREAMS: usize = 256;
/// What a stream is closed for: a server's word for a host that it blocks.
pub const BLOCKED: u8 = 0x48;
/// The same for what cannot be understood.
pub const INVALID: u8 = 0x41;
/// The same for too many.
pub const THROTTLED: u8 = 0x49;

/// Type and stream.
const HEAD: usize = 5;
/// The longest INFO: extensions may say something to people.
const LONGEST_INFO: usize = 64 << 10;

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Opens streams.
    Client,
    /// Carries them.
    Server,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Opens a stream.
    Connect,
    /// Bytes of one.
    Data,
    /// How much more may be sent.
    Continue,
    /// Ends one.
    Close,
    /// What the sender can do.
    Info,
    /// Nothing that is known here.
    Other(u8),
}

impl From<u8> for Type {
    fn from(byte: u8) -> Self {
        match byte {
            1 => Self::Connect,
            2 => Self::Data,
            3 => Self::Continue,
            4 => Self::Close,
            5 => Self::Info,
            other => Self::Other(other),
        }
    }
}

/// What the first message of a side is, as far as it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It may be either.
    More,
    /// It is Wisp's, of this version; where it is not said, 1.
    Wisp(u8),
    /// It is not.
    Not,
}

/// Reads the first message of a side.
pub struct Beginning {
    side: Side,
    length: usize,
    /// What is kept of it: of INFO no more than what comes before its extensions.
    kept: SmallVec<[u8; 16]>,
    /// In INFO: the head of the extension at hand, and how much of it is to come.
    extension: SmallVec<[u8; 5]>,
    left: usize,
    look: Look,
}

/// INFO without its extensions.
const INFO: usize = HEAD + 2;

impl Beginning {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(side: Side) -> Self {
        Self { side, length: 0, kept: SmallVec::new(), extension: SmallVec::new(), left: 0, look: Look::More }
    }

    /// More of the message.
    pub fn feed(&mut self, bytes: &[u8]) -> Look {
        for byte in bytes {
            if self.look != Look::More {
                break;
            }
            self.look = self.take(*byte);
        }
        self.look
    }

    /// The message is over.
    #[must_use]
    pub fn end(&self) -> Look {
        if self.look != Look::More {
            return self.look;
        }
        let is_wisp = match (Type::from(self.kept.first().copied().unwrap_or_default()), self.side) {
            (Type::Continue, Side::Server) => self.length == HEAD + 4,
            (Type::Info, _) => self.length >= INFO && self.extension.is_empty() && self.left == 0,
            (Type::Connect, Side::Client) => Connect::parse(&self.kept).is_some_and(|connect| connect.is_certain()),
            _ => false,
        };
        match (is_wisp, Type::from(self.kept.first().copied().unwrap_or_default())) {
            (true, Type::Info) => Look::Wisp(2),
            (true, _) => Look::Wisp(1),
            (false, _) => Look::Not,
        }
    }

    /// Whether nothing of the message has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether it may be a CONNECT, so that it is better kept back until that is known.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        self.side == Side::Client && self.look == Look::More && matches!(self.kept.first(), None | Some(1))
    }

    /// What it asks for, once it is over and is Wisp's.
    #[must_use]
    pub fn connect(&self) -> Option<Connect> {
        if self.kept.first() == Some(&1) { Connect::parse(&self.kept) } else { None }
    }

    /// All that has come of a CONNECT.
    #[must_use]
    pub fn kept(&self) -> &[u8] {
        &self.kept
    }

    fn take(&mut self, byte: u8) -> Look {
        let at = self.length;
        self.length += 1;
        if at == 0 {
            let fits = match (Type::from(byte), self.side) {
                (Type::Info, _) | (Type::Continue, Side::Server) | (Type::Connect, Side::Client) => true,
                (Type::Connect | Type::Continue | Type::Data | Type::Close | Type::Other(_), _) => false,
            };
            self.kept.push(byte);
            return if fits { Look::More } else { Look::Not };
        }
        match Type::from(self.kept[0]) {
            Type::Continue if at < HEAD && byte != 0 || at >= HEAD + 4 => Look::Not,
            Type::Continue => Look::More,
            Type::Info => self.take_info(at, byte),
            _ if at >= LONGEST_CONNECT => Look::Not,
            _ => {
                self.kept.push(byte);
                self.look_at_connect()
            }
        }
    }

    fn take_info(&mut self, at: usize, byte: u8) -> Look {
        match at {
            // The stream; the major version. Minor ones have been 0 and 1.
            1..HEAD if byte != 0 => return Look::Not,
            HEAD if byte != 2 => return Look::Not,
            6 if byte > 15 => return Look::Not,
            LONGEST_INFO.. => return Look::Not,
            0..INFO => return Look::More,
            _ => {}
        }
        if self.left > 0 {
            self.left -= 1;
            return Look::More;
        }
        self.extension.push(byte);
        if let [_, length @ ..] = &self.extension[..]
            && let Ok(length) = <[u8; 4]>::try_from(length)
        {
            self.left = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
            self.extension.clear();
        }
        if self.left > LONGEST_INFO { Look::Not } else { Look::More }
    }

    /// What cannot become a CONNECT that is told from all else.
    fn look_at_connect(&self) -> Look {
        let fits = match self.kept.len() {
            HEAD => self.kept[1..HEAD] != [0; 4],
            6 => matches!(self.kept[HEAD], 1..=3),
            8 => self.kept[6..8] != [0; 2],
            9.. => self.kept.last().is_some_and(|byte| may_be_in_host(*byte)),
            _ => true,
        };
        if fits { Look::More } else { Look::Not }
    }
}

/// What stands in the names and addresses that programs ask for.
fn may_be_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte)
}

/// What carries a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// What an extension has agreed on.
    Other(u8),
}

/// A stream that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Its number.
    pub stream: u32,
    /// What carries it.
    pub carrier: Carrier,
    /// The port.
    pub port: u16,
    /// The host; none, where what is asked for is no host.
    pub host: Option<Host>,
    /// The host as it was asked for.
    pub asked: String,
}

impl Connect {
    /// Reads a whole packet; nothing, if it is no CONNECT.
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let (head, host) = packet.split_at_checked(HEAD + 3)?;
        if head[0] != 1 {
            return None;
        }
        let carrier = match head[HEAD] {
            1 => Carrier::Tcp,
            2 => Carrier::Udp,
            other => Carrier::Other(other),
        };
        let asked = String::from_utf8_lossy(host).into_owned();
        Some(Self {
            stream: u32::from_le_bytes(head[1..HEAD].try_into().ok()?),
            carrier,
            port: u16::from_le_bytes([head[6], head[7]]),
            // Servers take the spaces off.
            host: if host.len() + HEAD + 3 > LONGEST_CONNECT { None } else { Host::parse(asked.trim()).ok() },
            asked,
        })
    }

    /// Whether it can hardly be anything else, as a first message.
    fn is_certain(&self) -> bool {
        let is_named = |host: &Host| host.address().is_some() || host.as_str().contains('.') || host.as_str() == "localhost";
        self.stream != 0 && self.port != 0 && self.host.as_ref().is_some_and(is_named) && self.asked.bytes().all(may_be_in_host)
    }
}

/// The beginning of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it is.
    pub of: Type,
    /// The stream's number.
    pub stream: u32,
}

/// Reads one message after it is known that the messages are packets. Of a CONNECT all is kept, of others the head.
#[derive(Debug, Default)]
pub struct Packet {
    kept: SmallVec<[u8; 16]>,
    is_too_long: bool,
}

impl Packet {
    /// More of the message: its head, as soon as that is whole.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Head> {
        let most = if matches!(self.kept.first().or(bytes.first()), Some(1)) { LONGEST_CONNECT } else { HEAD };
        let room = most - self.kept.len().min(most);
        self.is_too_long |= bytes.len() > room;
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.head()
    }

    /// Its head, if that is whole.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let [of, stream @ ..] = self.kept.get(..HEAD)? else { return None };
        Some(Head { of: Type::from(*of), stream: u32::from_le_bytes(stream.try_into().ok()?) })
    }

    /// What the message asks for, now that it is over. One that is too long asks for no host.
    #[must_use]
    pub fn connect(&self) -> Option<Connect> {
        let connect = Connect::parse(&self.kept).or_else(|| {
            let head = self.head().filter(|head| head.of == Type::Connect)?;
            Some(Connect { stream: head.stream, carrier: Carrier::Tcp, port: 0, host: None, asked: String::new() })
        })?;
        Some(if self.is_too_long { Connect { host: None, ..connect } } else { connect })
    }

    /// The bytes of it that are kept: of a CONNECT all.
    #[must_use]
    pub fn kept(&self) -> &[u8] {
        &self.kept
    }
}

/// The streams that were let through and have not ended.
#[derive(Debug, Default)]
pub struct Streams {
    open: HashSet<u32>,
}

impl Streams {
    /// Whether no more may be opened.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.open.len() >= MOST_STREAMS
    }

    /// One is let through.
    pub fn opens(&mut self, stream: u32) {
        self.open.insert(stream);
    }

    /// One has ended, or is not let through.
    pub fn ends(&mut self, stream: u32) {
        self.open.remove(&stream);
    }

    /// Whether a packet of the client's that is no CONNECT may go on: what belongs to a stream that was let through, or to the connection as a whole.
    #[must_use]
    pub fn pass(&self, head: Head) -> bool {
        head.stream == 0 || self.open.contains(&head.stream)
    }
}

/// The packet that ends a stream, as a server sends it.
#[must_use]
pub fn close(stream: u32, reason: u8) -> [u8; 6] {
    let [a, b, c, d] = stream.to_le_bytes();
    [4, a, b, c, d, reason]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn look(side: Side, message: &[u8]) -> Look {
        let mut beginning = Beginning::new(side);
        beginning.feed(message);
        beginning.end()
    }

    fn connect(stream: u32, carrier: u8, port: u16, host: &str) -> Vec<u8> {
        [&[1], &stream.to_le_bytes()[..], &[carrier], &port.to_le_bytes(), host.as_bytes()].concat()
    }

    #[test]
    fn either_side_is_told_by_its_first_message() {
        use Side::{Client, Server};
        let named = |host| connect(0x1234_5678, 1, 443, host);
        for (side, message, expected) in [
            // As wisp-js 0.5.0 sends it: version 1; version 2 with UDP; its MOTD.
            (Server, b"\x03\0\0\0\0\x80\0\0\0".to_vec(), Look::Wisp(1)),
            (Server, b"\x05\0\0\0\0\x02\0\x01\0\0\0\0".to_vec(), Look::Wisp(2)),
            (Server, b"\x05\0\0\0\0\x02\0\x04\x05\0\0\0hello\x01\0\0\0\0".to_vec(), Look::Wisp(2)),
            (Server, b"\x05\0\0\0\0\x02\x01".to_vec(), Look::Wisp(2)),
            (Client, b"\x05\0\0\0\0\x02\0\x01\0\0\0\0\x04\0\0\0\0".to_vec(), Look::Wisp(2)),
            (Client, named("www.tiktok.com"), Look::Wisp(1)),
            (Client, connect(1, 2, 53, "10.0.0.1"), Look::Wisp(1)),
            (Client, connect(1, 1, 80, "[2001:db8::1]"), Look::Wisp(1)),
            // What only resembles it.
            (Client, b"\x03\0\0\0\0\x80\0\0\0".to_vec(), Look::Not),
            (Server, named("www.tiktok.com"), Look::Not),
            (Server, b"\x03\0\0\0\0\x80\0\0".to_vec(), Look::Not),
            (Server, b"\x03\0\0\0\0\x80\0\0\0\0".to_vec(), Look::Not),
            (Server, b"\x03\x01\0\0\0\x80\0\0\0".to_vec(), Look::Not),
            (Server, b"\x05\0\0\0\0\x01\0".to_vec(), Look::Not),
            (Server, b"\x05\0\0\0\0\x02\0\x01\0\0\0".to_vec(), Look::Not),
            (Server, b"\x05\0\0\0\0\x02\0\x01\x05\0\0\0hell".to_vec(), Look::Not),
            (Server, b"\x05\0\0\0\0\x02\0\x01\xff\xff\xff\xffhell".to_vec(), Look::Not),
            (Server, b"{\"op\":10}".to_vec(), Look::Not),
            (Server, Vec::new(), Look::Not),
            (Client, connect(0, 1, 443, "www.tiktok.com"), Look::Not),
            (Client, connect(1, 1, 0, "www.tiktok.com"), Look::Not),
            (Client, connect(1, 9, 443, "www.tiktok.com"), Look::Not),
            (Client, named("word"), Look::Not),
            (Client, named(""), Look::Not),
            (Client, named("two words.example"), Look::Not),
            (Client, named(&format!("{}.example", "a".repeat(300))), Look::Not),
            (Client, b"\x01\0\0\0".to_vec(), Look::Not),
        ] {
            assert_eq!(look(side, &message), expected, "{side:?} {message:02x?}");
        }
    }

    #[test]
    fn a_stream_names_its_host_in_every_spelling() {
        for (asked, host) in [
            ("www.TikTok.com", Some("www.tiktok.com")),
            (" games.example\n", Some("games.example")),
            ("g%61mes.example.", Some("games.example")),
            ("0x7f.1", Some("127.0.0.1")),
            ("[::1]", Some("::1")),
            ("a b", None),
            ("games.example\0", None),
            ("", None),
        ] {
            let read = Connect::parse(&connect(7, 1, 443, asked)).expect("a CONNECT");
            assert_eq!((read.stream, read.port, read.host.as_ref().map(Host::as_str)), (7, 443, host), "{asked:?}");
        }
        assert_eq!(Connect::parse(&connect(7, 2, 53, "a.example")).map(|read| read.carrier), Some(Carrier::Udp));
        assert_eq!(Connect::parse(b"\x02\x01\0\0\0\x01\xbb\x01a.example"), None);
        assert_eq!(Connect::parse(b"\x01\x01\0\0\0\x01\xbb"), None);
    }

    #[test]
    fn what_is_no_whole_connect_asks_for_no_host() {
        for message in [connect(9, 1, 443, &"a".repeat(400)), b"\x01\x09\0\0\0\x01".to_vec()] {
            let mut packet = Packet::default();
            let head = packet.feed(&message).expect("a head");
            assert_eq!((head.of, head.stream), (Type::Connect, 9));
            assert_eq!(packet.connect().map(|connect| (connect.stream, connect.host)), Some((9, None)), "{message:02x?}");
            assert!(packet.kept().len() <= LONGEST_CONNECT);
        }
    }

    #[test]
    fn what_belongs_to_no_stream_that_was_let_through_does_not_pass() {
        let mut streams = Streams::default();
        let head = |stream| Head { of: Type::Data, stream };
        assert!(streams.pass(head(0)) && !streams.pass(head(1)));
        streams.opens(1);
        assert!(streams.pass(head(1)));
        streams.ends(1);
        assert!(!streams.pass(head(1)));
        (0..256).for_each(|stream| streams.opens(stream));
        assert!(streams.is_full());
        assert_eq!(close(0x1234_5678, BLOCKED), [4, 0x78, 0x56, 0x34, 0x12, 0x48]);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            message in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                ("[a-z.]{0,20}", 1..4_u8, any::<u32>()).prop_map(|(host, carrier, stream)| connect(stream, carrier, 443, &host)),
                prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..5)), 0..4).prop_map(|extensions| {
                    let said = |(id, bytes): (u8, Vec<u8>)| [&[id], &u32::try_from(bytes.len()).expect("short").to_le_bytes()[..], &bytes].concat();
                    [b"\x05\0\0\0\0\x02\0".to_vec(), extensions.into_iter().flat_map(said).collect()].concat()
                }),
            ],
            cuts in prop::collection::vec(1..6_usize, 1..8),
        ) {
            for side in [Side::Client, Side::Server] {
                let (mut beginning, mut packet, mut rest) = (Beginning::new(side), Packet::default(), &message[..]);
                for cut in cuts.iter().cycle() {
                    let (piece, after) = rest.split_at((*cut).min(rest.len()));
                    beginning.feed(piece);
                    packet.feed(piece);
                    prop_assert!(beginning.kept().len() <= LONGEST_CONNECT);
                    rest = after;
                    if rest.is_empty() {
                        break;
                    }
                }
                prop_assert_eq!(beginning.end(), look(side, &message));
                let mut whole = Packet::default();
                whole.feed(&message);
                prop_assert_eq!((packet.head(), packet.connect()), (whole.head(), whole.connect()));
                if beginning.end() == Look::Wisp(1) && side == Side::Client {
                    prop_assert_eq!(beginning.connect(), packet.connect());
                }
            }
        }
    }
}
