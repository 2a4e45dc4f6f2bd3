//! The canonical bytes of a record: what is hashed, and what the live part of the log keeps.
//!
//! A number is a varint (LEB128, shortest form), a text its length and its UTF-8 bytes, a text that may be missing its length plus one (0 where
//! there is none), an enum the place of its value in its table of names. Fields follow in the order of the structs below; nothing is left out, so
//! two different records never have the same bytes.
//!
//! What thousands of requests share, [`Who`] and [`Judgement`], is encoded once and named by its digest in every leaf.

use super::record::{Class, Closing, Opening, Outcome, RecordId, Verdict};
use crate::insight::{Certainty, Kind, Stage, Start};
use std::net::IpAddr;

/// A BLAKE3 hash.
pub type Digest = [u8; 32];

/// The longest text kept of any one field, in bytes. Longer ones are cut before they are hashed.
const LONGEST_TEXT: usize = 8192;

/// These bytes are no canonical entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no record")]
pub struct NotAnEntry;

/// Who asks, as requests come from them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// The user, if one is known.
    pub user: Option<Box<str>>,
    /// The client's address.
    pub client: IpAddr,
    /// The group's name.
    pub group: Box<str>,
    /// How the identity was found.
    pub source: Box<str>,
    /// How sure it is.
    pub confidence: Box<str>,
    /// `User-Agent`.
    pub agent: Option<Box<str>>,
}

impl Who {
    /// Whose records they are: the user's, or of the device where no user is known.
    #[must_use]
    pub fn person(&self) -> Person<'_> {
        match &self.user {
            Some(user) => Person::User(user),
            None => Person::Device(self.client),
        }
    }
}

/// Whose records lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Person<'a> {
    /// A user by name.
    User(&'a str),
    /// A device nobody was known at.
    Device(IpAddr),
}

/// A verdict and its whole reason, as requests get it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Judgement {
    /// What was answered.
    pub verdict: Verdict,
    /// The ids of the categories, a space between.
    pub categories: Box<str>,
    /// The kind of reason.
    pub reason: Box<str>,
    /// The reason in words.
    pub why: Box<str>,
    /// The rule that decided.
    pub rule: Option<Box<str>>,
    /// The list that decided.
    pub list: Option<Box<str>>,
    /// The line of the list.
    pub line: u32,
    /// The text of the line.
    pub text: Option<Box<str>>,
    /// The snapshot it was decided with.
    pub snapshot: Box<str>,
}

/// What of a request is its own, when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// When, in Unix milliseconds.
    pub time_ms: u64,
    /// What the requests of one kind share.
    pub shape: Shape<'a>,
    /// The host.
    pub host: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// The host of `Referer`.
    pub referrer: Option<&'a str>,
    /// The visit that caused it.
    pub cause: Option<RecordId>,
    /// The words of a search.
    pub term: Option<&'a str>,
}

/// What of a request takes few values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape<'a> {
    /// What it is.
    pub kind: Kind,
    /// What set it off.
    pub start: Start,
    /// How sure that is.
    pub certainty: Certainty,
    /// How far a search had come; of others [`Stage::Asked`].
    pub stage: Stage,
    /// The search engine.
    pub engine: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// `http` or `https`; empty if the request had none that could be read.
    pub scheme: &'a str,
    /// The port.
    pub port: u16,
    /// `Sec-Fetch-Dest`.
    pub dest: Option<&'a str>,
    /// `Sec-Fetch-Mode`.
    pub mode: Option<&'a str>,
    /// `Sec-Fetch-User`.
    pub user: Option<&'a str>,
}

/// What is known of a request when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed<'a> {
    /// The status answered; 0 if none was.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes from the client.
    pub bytes_up: u64,
    /// Bytes to the client.
    pub bytes_down: u64,
    /// In microseconds.
    pub duration_us: u64,
    /// The address connected to.
    pub upstream: Option<&'a str>,
    /// What went wrong.
    pub note: Option<&'a str>,
}

/// Writes canonical bytes.
#[derive(Default)]
pub struct Encoder(pub Vec<u8>);

impl Encoder {
    /// A number.
    pub fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A number that may be negative: its size doubled, one less below zero.
    pub fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        let kept = cut(text);
        self.number(kept.len() as u64);
        self.0.extend_from_slice(kept.as_bytes());
    }

    /// A text that may be missing.
    pub fn maybe(&mut self, text: Option<&str>) {
        match text.map(cut) {
            Some(text) => {
                self.number(text.len() as u64 + 1);
                self.0.extend_from_slice(text.as_bytes());
            }
            None => self.0.push(0),
        }
    }

    fn code<T: PartialEq>(&mut self, names: &[(&str, T)], value: &T) {
        let place = names.iter().position(|(_, known)| known == value).unwrap_or_default();
        self.0.push(u8::try_from(place).unwrap_or(u8::MAX));
    }

    /// [`Who`] of a request.
    pub fn who(&mut self, opening: &Opening) {
        let Opening { user, client, group, source, confidence, agent, .. } = opening;
        self.who_parts(user.as_deref(), *client, [group, source, confidence], agent.as_deref());
    }

    fn who_parts(&mut self, user: Option<&str>, client: IpAddr, known: [&str; 3], agent: Option<&str>) {
        self.maybe(user);
        match client {
            IpAddr::V4(client) => {
                self.0.push(4);
                self.0.extend(client.octets());
            }
            IpAddr::V6(client) => {
                self.0.push(6);
                self.0.extend(client.octets());
            }
        }
        known.iter().for_each(|text| self.text(text));
        self.maybe(agent);
    }

    /// [`Judgement`] of a request.
    pub fn judgement(&mut self, opening: &Opening) {
        let Opening { verdict, categories, reason, why, rule, entry, snapshot, .. } = opening;
        self.code(&Verdict::NAMES, verdict);
        self.text(categories);
        self.text(reason);
        self.text(why);
        self.maybe(rule.as_deref());
        self.maybe(entry.as_ref().map(|entry| entry.list.as_str()));
        self.number(entry.as_ref().map_or(0, |entry| u64::from(entry.line)));
        self.maybe(entry.as_ref().map(|entry| entry.text.as_str()));
        self.text(snapshot.as_str());
    }

    /// [`Opened`] of a request.
    pub fn opening(&mut self, opening: &Opening) {
        self.opened(&Opened::of(opening));
    }

    /// What of a request is its own.
    pub fn opened(&mut self, opened: &Opened<'_>) {
        self.number(opened.time_ms);
        self.shape(&opened.shape);
        self.text(opened.host);
        self.text(opened.path);
        self.maybe(opened.referrer);
        self.number(opened.cause.map_or(0, |cause| cause.0));
        self.maybe(opened.term);
    }

    /// What of a request takes few values.
    pub fn shape(&mut self, shape: &Shape<'_>) {
        self.code(&Kind::NAMES, &shape.kind);
        self.code(&Start::NAMES, &shape.start);
        self.code(&Certainty::NAMES, &shape.certainty);
        self.code(&Stage::NAMES, &shape.stage);
        self.maybe(shape.engine);
        self.text(shape.method);
        self.text(shape.scheme);
        self.number(u64::from(shape.port));
        self.maybe(shape.dest);
        self.maybe(shape.mode);
        self.maybe(shape.user);
    }

    /// [`Closed`] of a request.
    pub fn closing(&mut self, closing: &Closing) {
        let upstream = closing.upstream.map(|address| address.to_string());
        let Closing { status, outcome, bytes_up, bytes_down, duration_us, note, .. } = closing;
        let (upstream, note) = (upstream.as_deref(), note.as_deref());
        self.closed(&Closed { status: *status, outcome: *outcome, bytes_up: *bytes_up, bytes_down: *bytes_down, duration_us: *duration_us, upstream, note });
    }

    /// What is known of a request when it is over.
    pub fn closed(&mut self, closed: &Closed<'_>) {
        self.number(u64::from(closed.status));
        self.code(&Outcome::NAMES, &closed.outcome);
        self.number(closed.bytes_up);
        self.number(closed.bytes_down);
        self.number(closed.duration_us);
        self.maybe(closed.upstream);
        self.maybe(closed.note);
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}

impl<'a> Opened<'a> {
    fn of(opening: &'a Opening) -> Self {
        let Opening { kind, start, certainty, search, method, scheme, port, .. } = opening;
        let shape = Shape {
            kind: *kind,
            start: *start,
            certainty: *certainty,
            stage: search.as_ref().map_or(Stage::Asked, |search| search.stage),
            engine: search.as_ref().map(|search| search.engine),
            method: method.as_str(),
            scheme,
            port: *port,
            dest: opening.fetch_dest.as_deref(),
            mode: opening.fetch_mode.as_deref(),
            user: opening.fetch_user.as_deref(),
        };
        Self {
            time_ms: opening.time_ms,
            shape,
            host: &opening.host,
            path: &opening.path,
            referrer: opening.referrer.as_deref(),
            cause: opening.cause,
            term: search.as_ref().map(|search| search.term.as_str()),
        }
    }
}

/// Reads canonical bytes. Whatever the bytes, it ends with a value or [`NotAnEntry`].
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Of these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, NotAnEntry> {
        let (first, rest) = self.0.split_first().ok_or(NotAnEntry)?;
        self.0 = rest;
        Ok(*first)
    }

    /// So many bytes.
    #[inline]
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], NotAnEntry> {
        let (first, rest) = self.0.split_at_checked(count).ok_or(NotAnEntry)?;
        self.0 = rest;
        Ok(first)
    }

    /// A number.
    #[inline]
    pub fn number(&mut self) -> Result<u64, NotAnEntry> {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 || shift > 63 {
                return Err(NotAnEntry);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // One spelling of every number.
                return if byte == 0 && shift > 0 { Err(NotAnEntry) } else { Ok(value) };
            }
            shift += 7;
        }
    }

    /// A number that may be negative.
    #[inline]
    pub fn signed(&mut self) -> Result<i64, NotAnEntry> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// A number that fits.
    #[inline]
    pub fn small<T: TryFrom<u64>>(&mut self) -> Result<T, NotAnEntry> {
        T::try_from(self.number()?).map_err(|_| NotAnEntry)
    }

    /// A text.
    pub fn text(&mut self) -> Result<&'a str, NotAnEntry> {
        let length = self.small()?;
        self.of_length(length)
    }

    /// A text that may be missing.
    pub fn maybe(&mut self) -> Result<Option<&'a str>, NotAnEntry> {
        match self.small::<usize>()? {
            0 => Ok(None),
            length => self.of_length(length - 1).map(Some),
        }
    }

    fn of_length(&mut self, length: usize) -> Result<&'a str, NotAnEntry> {
        std::str::from_utf8(self.bytes(length)?).map_err(|_| NotAnEntry)
    }

    fn code<T: Copy>(&mut self, names: &[(&str, T)]) -> Result<T, NotAnEntry> {
        let place = self.byte()?;
        names.get(usize::from(place)).map(|(_, value)| *value).ok_or(NotAnEntry)
    }

    /// [`Who`], to the last byte.
    pub fn who(mut self) -> Result<Who, NotAnEntry> {
        let user = self.maybe()?.map(Box::from);
        let client = match self.byte()? {
            4 => IpAddr::from(<[u8; 4]>::try_from(self.bytes(4)?).map_err(|_| NotAnEntry)?),
            6 => IpAddr::from(<[u8; 16]>::try_from(self.bytes(16)?).map_err(|_| NotAnEntry)?),
            _ => return Err(NotAnEntry),
        };
        let (group, source, confidence) = (self.text()?.into(), self.text()?.into(), self.text()?.into());
        let agent = self.maybe()?.map(Box::from);
        self.ended(Who { user, client, group, source, confidence, agent })
    }

    /// [`Judgement`], to the last byte.
    pub fn judgement(mut self) -> Result<Judgement, NotAnEntry> {
        let judgement = Judgement {
            verdict: self.code(&Verdict::NAMES)?,
            categories: self.text()?.into(),
            reason: self.text()?.into(),
            why: self.text()?.into(),
            rule: self.maybe()?.map(Box::from),
            list: self.maybe()?.map(Box::from),
            line: self.small()?,
            text: self.maybe()?.map(Box::from),
            snapshot: self.text()?.into(),
        };
        self.ended(judgement)
    }

    /// [`Opened`], to the last byte.
    pub fn opened(mut self) -> Result<Opened<'a>, NotAnEntry> {
        let opened = Opened {
            time_ms: self.number()?,
            shape: self.next_shape()?,
            host: self.text()?,
            path: self.text()?,
            referrer: self.maybe()?,
            cause: Some(self.number()?).filter(|cause| *cause != 0).map(RecordId),
            term: self.maybe()?,
        };
        self.ended(opened)
    }

    /// [`Shape`], to the last byte.
    pub fn shape(mut self) -> Result<Shape<'a>, NotAnEntry> {
        let shape = self.next_shape()?;
        self.ended(shape)
    }

    fn next_shape(&mut self) -> Result<Shape<'a>, NotAnEntry> {
        Ok(Shape {
            kind: self.code(&Kind::NAMES)?,
            start: self.code(&Start::NAMES)?,
            certainty: self.code(&Certainty::NAMES)?,
            stage: self.code(&Stage::NAMES)?,
            engine: self.maybe()?,
            method: self.text()?,
            scheme: self.text()?,
            port: self.small()?,
            dest: self.maybe()?,
            mode: self.maybe()?,
            user: self.maybe()?,
        })
    }

    /// [`Closed`], to the last byte.
    pub fn closed(mut self) -> Result<Closed<'a>, NotAnEntry> {
        let closed = Closed {
            status: self.small()?,
            outcome: self.code(&Outcome::NAMES)?,
            bytes_up: self.number()?,
            bytes_down: self.number()?,
            duration_us: self.number()?,
            upstream: self.maybe()?,
            note: self.maybe()?,
        };
        self.ended(closed)
    }

    fn ended<T>(&self, value: T) -> Result<T, NotAnEntry> {
        if self.is_empty() { Ok(value) } else { Err(NotAnEntry) }
    }
}

impl Who {
    /// Its canonical bytes.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Encoder::default();
        bytes.who_parts(self.user.as_deref(), self.client, [&self.group, &self.source, &self.confidence], self.agent.as_deref());
        bytes.0
    }
}

impl Judgement {
    /// Its canonical bytes.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Encoder::default();
        bytes.code(&Verdict::NAMES, &self.verdict);
        [&self.categories, &self.reason, &self.why].iter().for_each(|text| bytes.text(text));
        bytes.maybe(self.rule.as_deref());
        bytes.maybe(self.list.as_deref());
        bytes.number(u64::from(self.line));
        bytes.maybe(self.text.as_deref());
        bytes.text(&self.snapshot);
        bytes.0
    }
}

/// A hash that begins with what it is of, so that no bytes of one kind pass for another.
fn hash(context: &str, parts: &[&[u8]]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(context.as_bytes());
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The digest of a [`Who`] or a [`Judgement`] by its canonical bytes.
#[must_use]
pub fn shared_digest(body: &[u8]) -> Digest {
    hash("usher shared\0", &[body])
}

/// The leaf of an opening.
#[must_use]
pub fn opened_leaf(id: RecordId, class: Class, who: &Digest, judgement: &Digest, body: &[u8]) -> Digest {
    hash("usher opened\0", &[&id.0.to_le_bytes(), &[class.code()], who, judgement, body])
}

/// The leaf of a closing.
#[must_use]
pub fn closed_leaf(id: RecordId, body: &[u8]) -> Digest {
    hash("usher closed\0", &[&id.0.to_le_bytes(), body])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = String> {
        "[ -~äßλ語\u{0}-\u{1f}]{0,40}"
    }

    proptest! {
        #[test]
        fn numbers_survive(value: u64, signed: i64) {
            let mut bytes = Encoder::default();
            bytes.number(value);
            bytes.signed(signed);
            let mut read = Decoder::new(&bytes.0);
            prop_assert_eq!((read.number(), read.signed(), read.is_empty()), (Ok(value), Ok(signed), true));
        }

        #[test]
        fn a_request_survives(time_ms: u64, host in text(), path in text(), referrer in proptest::option::of(text()), term in proptest::option::of(text()), cause in 1u64.., port: u16) {
            let shape = Shape { kind: Kind::Search, start: Start::Typed, certainty: Certainty::Said, stage: Stage::Typing, engine: Some("google"), method: "GET", scheme: "http", port, dest: None, mode: Some("navigate"), user: Some("?1") };
            let opened = Opened { time_ms, shape, host: &host, path: &path, referrer: referrer.as_deref(), cause: Some(RecordId(cause)), term: term.as_deref() };
            let mut bytes = Encoder::default();
            bytes.opened(&opened);
            prop_assert_eq!(Decoder::new(&bytes.0).opened(), Ok(opened));
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes: Vec<u8>) {
            // What reads as an entry is written as the same bytes: there is one spelling.
            if let Ok(opened) = Decoder::new(&bytes).opened() {
                let mut again = Encoder::default();
                again.opened(&opened);
                prop_assert_eq!(&again.0, &bytes);
            }
            if let Ok(closed) = Decoder::new(&bytes).closed() {
                let mut again = Encoder::default();
                again.closed(&closed);
                prop_assert_eq!(&again.0, &bytes);
            }
            if let Ok(who) = Decoder::new(&bytes).who() {
                prop_assert_eq!(who.encoded(), bytes.clone());
            }
            if let Ok(judgement) = Decoder::new(&bytes).judgement() {
                prop_assert_eq!(judgement.encoded(), bytes);
            }
        }
    }

    #[test]
    fn a_number_has_one_spelling() {
        for bad in [&[0x80, 0][..], &[0x80], &[0xff; 10], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]] {
            assert_eq!(Decoder::new(bad).number(), Err(NotAnEntry), "{bad:?}");
        }
    }
}
