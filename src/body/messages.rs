//! Streams of messages, each behind its length: gRPC (`PROTOCOL-HTTP2.md` of gRPC), gRPC-Web, Connect; and Protocol Buffers by themselves. Each message is
//! taken out of its own coding.
//!
//! # Limits
//!
//! Of the codings, gzip and deflate are undone: streams are many, and the others take megabytes each.
//!
//! A message is held until it is whole, up to [`MOST_HELD`] bytes; of a longer one the beginning is given, and then the rest as it comes.

use super::coding::{Codings, Decoder, Limits, Unreadable};
use super::runs::Runs;
use super::transfer::Transfer;
use smallvec::SmallVec;
use std::ops::ControlFlow;

/// The most bytes of a message that are held.
pub const MOST_HELD: usize = 64 * 1024;
/// A flag, and four bytes of length.
const PREFIX: usize = 5;
/// The flag of a message that is in the coding of the stream.
const CODED: u8 = 1;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A message; its beginning, if it is longer than is held.
    Message(&'a [u8]),
    /// More of a long one.
    More(&'a [u8]),
}

/// How the messages of a stream are framed, as its type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Framing {
    /// Whether each has its length before it; else there is one to the end.
    is_prefixed: bool,
    /// Whether all of it is written in Base64.
    is_base64: bool,
    is_json: bool,
}

impl Framing {
    fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_prefixed = essence.starts_with("application/grpc") || essence.starts_with("application/connect+");
        let is_one = matches!(essence.as_str(), "application/proto" | "application/protobuf" | "application/x-protobuf" | "application/vnd.google.protobuf");
        let is_base64 = essence.starts_with("application/grpc-web-text");
        (is_prefixed || is_one).then(|| Self { is_prefixed, is_base64, is_json: essence.ends_with("+json") })
    }
}

/// Reads such a stream.
pub struct Messages {
    framing: Framing,
    /// Of the whole stream, in gRPC-Web for old browsers.
    transfer: Transfer,
    undone: Vec<u8>,
    /// None where there is one message to the end.
    prefix: Option<SmallVec<[u8; PREFIX]>>,
    /// How many bytes of the message at hand are to come, as they are sent.
    left: u64,
    is_open: bool,
    codings: Codings,
    limits: Limits,
    decoder: Decoder,
    room: Vec<u8>,
    held: Held,
}

/// The message at hand.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    is_long: bool,
}

impl Messages {
    /// For a body with these `Content-Type` fields, of which there should be one, each of which should say one type, and whose messages may be in the coding
    /// of this name (`grpc-encoding`, `connect-content-encoding`); none, if no field says that it is such a body.
    ///
    /// # Errors
    /// If the coding is not known, or the types say that it is framed in two ways: who reads it may go by either.
    pub fn of(fields: impl IntoIterator<Item: AsRef<[u8]>>, coding: &[u8], limits: Limits) -> Result<Option<Self>, Unreadable> {
        let mut found = None;
        for field in fields {
            for framing in String::from_utf8_lossy(field.as_ref()).split(',').filter_map(Framing::of) {
                if *found.get_or_insert(framing) != framing {
                    return Err(Unreadable::Unknown("messages that are framed in two ways".into()));
                }
            }
        }
        found.map(|framing| Self::framed(framing, coding, limits)).transpose()
    }

    fn framed(framing: Framing, coding: &[u8], limits: Limits) -> Result<Self, Unreadable> {
        let codings = Codings::of([coding].into_iter(), 1)?;
        if codings.only().is_some_and(|coding| !coding.is_small()) {
            return Err(Unreadable::Unknown(String::from_utf8_lossy(coding).chars().take(40).collect()));
        }
        let Framing { is_prefixed, is_base64, .. } = framing;
        Ok(Self {
            framing,
            transfer: if is_base64 { Transfer::Base64(Vec::new()) } else { Transfer::Plain },
            undone: Vec::new(),
            prefix: is_prefixed.then(SmallVec::new),
            left: if is_prefixed { 0 } else { u64::MAX },
            is_open: !is_prefixed,
            codings,
            limits,
            decoder: Decoder::plain(),
            room: Vec::new(),
            held: Held::default(),
        })
    }

    /// Whether its messages are JSON.
    #[must_use]
    pub fn are_json(&self) -> bool {
        self.framing.is_json
    }

    /// Reads more.
    ///
    /// # Errors
    /// If a message cannot be taken out of its coding.
    pub fn feed(&mut self, bytes: &[u8], take: &mut dyn FnMut(Event<'_>)) -> Result<(), Unreadable> {
        if self.transfer.is_plain() {
            return self.read(bytes, take);
        }
        let mut undone = std::mem::take(&mut self.undone);
        undone.clear();
        self.transfer.feed(bytes, &mut undone);
        let read = self.read(&undone, take);
        self.undone = undone;
        read
    }

    fn read(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(Event<'_>)) -> Result<(), Unreadable> {
        while !bytes.is_empty() {
            if let (Some(prefix), false) = (&mut self.prefix, self.is_open) {
                let (more, rest) = bytes.split_at(bytes.len().min(PREFIX - prefix.len()));
                prefix.extend_from_slice(more);
                bytes = rest;
                if let [flags, a, b, c, d] = prefix[..] {
                    prefix.clear();
                    self.left = u32::from_be_bytes([a, b, c, d]).into();
                    let codings = if flags & CODED != 0 { self.codings.clone() } else { Codings::default() };
                    self.decoder = Decoder::of(&codings, self.limits)?;
                    self.is_open = true;
                }
            }
            let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            let (more, rest) = bytes.split_at(count);
            bytes = rest;
            let Self { decoder, room, held, .. } = self;
            decoder.read(more, room, &mut |bytes| {
                held.take(bytes, take);
                ControlFlow::Continue(())
            })?;
            self.left -= more.len() as u64;
            if self.is_open && self.left == 0 {
                self.is_open = false;
                self.decoder = Decoder::plain();
                self.held.end(take);
            }
        }
        Ok(())
    }

    /// It is over: what is left is as much of a message as there is.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn end(&mut self, take: &mut dyn FnMut(Event<'_>)) -> Result<(), Unreadable> {
        let mut undone = Vec::new();
        self.transfer.end(&mut undone);
        let read = self.read(&undone, take);
        self.held.end(take);
        read
    }
}

impl Held {
    fn take(&mut self, bytes: &[u8], take: &mut dyn FnMut(Event<'_>)) {
        if self.is_long {
            if !bytes.is_empty() {
                take(Event::More(bytes));
            }
            return;
        }
        let (first, rest) = bytes.split_at(bytes.len().min(MOST_HELD - self.bytes.len()));
        self.bytes.extend_from_slice(first);
        if !rest.is_empty() {
            take(Event::Message(&self.bytes));
            take(Event::More(rest));
            (self.bytes, self.is_long) = (Vec::new(), true);
        }
    }

    fn end(&mut self, take: &mut dyn FnMut(Event<'_>)) {
        if !self.bytes.is_empty() {
            take(Event::Message(&self.bytes));
            self.bytes.clear();
        }
        self.is_long = false;
    }
}

/// How deep messages are looked for within messages.
const MOST_DEPTH: u8 = 8;

/// Gives the texts in a message of Protocol Buffers whose form is not known: each field that is text, and those of the messages in it; of a field that is
/// neither, the runs of text in it, one a line. What is no such message is given as it is. The end of it may be missing.
pub fn texts(message: &[u8], say: &mut dyn FnMut(&[u8])) {
    if is_text(message) || !fields(message, &mut |_| {}) {
        say(message);
    } else {
        walk(message, 0, say);
    }
}

/// Says the texts of what is a message, as far as it goes; whether there was one.
fn walk(message: &[u8], depth: u8, say: &mut dyn FnMut(&[u8])) -> bool {
    if !fields(message, &mut |_| {}) {
        return false;
    }
    let mut any = false;
    fields(message, &mut |field| {
        let text = is_text(field);
        if text {
            say(field);
        }
        // A text may look like a message, and a message like a text.
        let within = depth < MOST_DEPTH && walk(field, depth + 1, say);
        any |= text || within || runs(field, say);
    });
    any
}

/// Says what is text in bytes that are no text, such as one with a control character in it; whether there is any.
fn runs(bytes: &[u8], say: &mut dyn FnMut(&[u8])) -> bool {
    let mut found = Vec::new();
    Runs::default().feed(bytes, &mut found);
    if !found.is_empty() {
        say(&found);
    }
    !found.is_empty()
}

/// Gives every field with a length of a message of Protocol Buffers, and those of the messages in it. The end of it may be missing; of what is no such message,
/// itself.
pub fn contents(message: &[u8], each: &mut dyn FnMut(&[u8])) {
    inner(message, 0, each);
}

fn inner(message: &[u8], depth: u8, each: &mut dyn FnMut(&[u8])) {
    if depth > MOST_DEPTH || !fields(message, &mut |_| {}) {
        if depth == 0 {
            each(message);
        }
        return;
    }
    fields(message, &mut |field| {
        each(field);
        inner(field, depth + 1, each);
    });
}

fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    // The last character may be cut off.
    let is_utf8 = || std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    // A letter may be the end of a word that is sent in pieces, and so may a space.
    let is_long = bytes.len() > 1 || matches!(bytes, [b' '..=b'~']);
    is_long && !bytes.iter().any(is_control) && is_utf8()
}

/// The fields with a length of a message, one after another; false where it is none.
fn fields(mut bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> bool {
    while !bytes.is_empty() {
        let Some((tag, rest)) = varint(bytes) else { return false };
        if tag >> 3 == 0 {
            return false;
        }
        bytes = match tag & 7 {
            0 => match varint(rest) {
                Some((_, rest)) => rest,
                None => return false,
            },
            1 => rest.get(8..).unwrap_or_default(),
            2 => {
                let Some((length, rest)) = varint(rest) else { return false };
                let (field, rest) = rest.split_at(usize::try_from(length).unwrap_or(usize::MAX).min(rest.len()));
                each(field);
                rest
            }
            // Groups, of which each field is one.
            3 | 4 => rest,
            5 => rest.get(4..).unwrap_or_default(),
            _ => return false,
        };
    }
    true
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(at * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefixed(flags: u8, message: &[u8]) -> Vec<u8> {
        [&[flags][..], &u32::try_from(message.len()).expect("short").to_be_bytes(), message].concat()
    }

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let (low, high) = (bytes.len() & 0x7f, bytes.len() >> 7);
        let byte = |value: usize| u8::try_from(value).expect("short");
        let length = if high == 0 { vec![byte(low)] } else { vec![byte(low) | 0x80, byte(high)] };
        [&[number << 3 | 2][..], &length, bytes].concat()
    }

    /// The messages of a body in pieces of this size; long ones whole.
    fn read(kind: &str, coding: &str, body: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, Unreadable> {
        let mut messages = Messages::of([kind], coding.as_bytes(), Limits::default())?.expect("messages");
        let mut found: Vec<Vec<u8>> = Vec::new();
        let mut take = |event: Event<'_>| match event {
            Event::Message(bytes) => found.push(bytes.to_vec()),
            Event::More(bytes) => found.last_mut().expect("a message").extend_from_slice(bytes),
        };
        for piece in body.chunks(piece.max(1)) {
            messages.feed(piece, &mut take)?;
        }
        messages.end(&mut take)?;
        Ok(found)
    }

    #[test]
    fn each_message_is_taken_out_of_its_frame_and_its_coding() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut gzip, b"packed").expect("in memory");
        let packed = gzip.finish().expect("in memory");
        let long = vec![7; MOST_HELD * 2 + 3];
        let body =
            [prefixed(0, b"first"), prefixed(1, &packed), prefixed(0, b""), prefixed(0, &long), prefixed(0x80, b"grpc-status:0"), b"\0\0\0\0\x09cut".to_vec()]
                .concat();
        let expected = vec![b"first".to_vec(), b"packed".to_vec(), long, b"grpc-status:0".to_vec(), b"cut".to_vec()];
        for size in [1, 7, 100_000_000] {
            assert!(read("application/grpc+proto; x=y", "gzip", &body, size).as_ref() == Ok(&expected), "{size}");
        }
        assert_eq!(read("application/grpc-web-text", "", b"AAAAAAVmaXJzdA==AAAAAAF4", 3), Ok(vec![b"first".to_vec(), b"x".to_vec()]));
        assert_eq!(read("application/x-protobuf", "", b"one to the end", 3), Ok(vec![b"one to the end".to_vec()]));
        assert_eq!(read("application/grpc", "snappy", b"", 1), Err(Unreadable::Unknown("snappy".into())));
        assert_eq!(read("application/grpc", "zstd", b"", 1), Err(Unreadable::Unknown("zstd".into())));
        assert_eq!(read("application/connect+json", "gzip", &prefixed(1, b"no gzip at all"), 5), Err(Unreadable::Broken));
        assert!(Messages::of(["application/json"], b"", Limits::default()).is_ok_and(|none| none.is_none()));
    }

    #[test]
    fn of_several_types_any_may_say_that_it_is_a_stream_and_all_must_say_the_same() {
        let of = |fields: &[&str]| Messages::of(fields, b"", Limits::default()).map(|found| found.map(|found| found.are_json()));
        for fields in [&["application/grpc", "text/plain"][..], &["text/plain", "application/grpc"], &["text/plain, Application/Grpc+proto; a=b"]] {
            assert_eq!(of(fields), Ok(Some(false)), "{fields:?}");
        }
        assert_eq!(of(&["application/connect+json", "application/connect+json"]), Ok(Some(true)));
        for fields in
            [&["application/grpc", "application/grpc-web-text"][..], &["application/grpc, application/proto"], &["application/grpc", "application/grpc+json"]]
        {
            assert!(of(fields).is_err(), "{fields:?}");
        }
        assert_eq!(of(&[]), Ok(None));
    }

    #[test]
    fn the_texts_of_a_message_are_found_whatever_its_form() {
        let said = |message: &[u8]| {
            let mut said = Vec::new();
            texts(message, &mut |text| said.push(String::from_utf8_lossy(text).into_owned()));
            said
        };
        let inner = [field(1, "Grüße".as_bytes()), vec![0x10, 0x96, 0x01], field(3, b"\x01\x02\x03")].concat();
        let message = [vec![0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4], field(2, &inner), field(15, &[b'x'; 200])].concat();
        assert_eq!(said(&message), ["Grüße".to_owned(), "x".repeat(200)]);
        assert_eq!(said(&message[..message.len() - 100])[1], "x".repeat(100));
        let mut contained = Vec::new();
        contents(&message, &mut |field| contained.push(field.len()));
        assert_eq!(contained[..4], [inner.len(), 7, 3, 200]);
        contents(b"\xff", &mut |field| contained.push(field.len()));
        assert_eq!(contained.last(), Some(&1));
        // A control character, or a cut within a letter, leaves the rest to be read.
        assert_eq!(said(&field(1, b"a painless\x0bway to die")), ["a painless\nway to die"]);
        assert_eq!(said(&field(1, &"Grüße".as_bytes()[..3])), ["Gr\u{fffd}"]);
        assert_eq!(said(&field(1, &field(2, b"a painless\x0bway to die"))), ["a painless\nway to die"]);
        assert_eq!(said(b"{\"a\": \"b\"}"), ["{\"a\": \"b\"}"]);
        assert_eq!(said(b"\xff\xff\xff words"), ["\u{fffd}\u{fffd}\u{fffd} words"]);
    }

    proptest! {
        #[test]
        fn a_cut_makes_no_difference(body in proptest::collection::vec(prop_oneof![Just(0_u8), 0..9_u8, any::<u8>()], 0..400), piece in 1..30_usize, which in 0..4_usize) {
            let (kind, coding) = [("application/grpc", ""), ("application/grpc", "gzip"), ("application/grpc-web-text", ""), ("application/protobuf", "")][which];
            let whole = read(kind, coding, &body, body.len());
            prop_assert_eq!(read(kind, coding, &body, piece), whole);
        }

        #[test]
        fn whatever_a_message_is_its_texts_are_in_it(message in proptest::collection::vec(prop_oneof![Just(0x0a_u8), 0..9_u8, any::<u8>()], 0..200)) {
            let mut count = 0;
            texts(&message, &mut |text| {
                count += 1;
                let mut lines = text.split(|byte| *byte == b'\n');
                assert!(lines.all(|line| line.is_empty() || message.windows(line.len()).any(|window| window == line)));
            });
            prop_assert!(count <= message.len() * usize::from(MOST_DEPTH + 1) + 1);
        }
    }
}
