//! The ClientHello: the one message a TLS client sends in the clear (RFC 8446 section 4.1.2), read whole from the first bytes of a tunnel.
//!
//! It may come in any number of segments, and may be spread over several records (section 5.1): some programs do so to get past filters that look at
//! one. [`read`] takes all bytes that have come and says what they are; [`Read::More`] asks for more. The caller keeps the bytes: they are needed again,
//! by the origin or by our own handshake.
//!
//! Strict where two readers could differ: every length is checked, nothing may be left over, a record may not be empty, nothing may stand between the
//! parts of the message or after it in its last record, an extension may not come twice. What is refused here rustls refuses too (the fuzz target `hello`
//! holds it to that), but for limits: 16 KiB a record, as the RFC has it, and three that are ours: 64 KiB, 32 records, 256 extensions. A server's name that
//! cannot be used is an answer and not an error: see [`Name`]. Once the answer is not `More`, further bytes do not change it. Pure: bytes in, an answer out.
//!
//! A server may ask for a second hello, and a sealed tunnel carries that unread. It may not ask for another server (RFC 8446 section 4.1.2), and only one
//! in league with the client would let it.

use crate::bypass::first::{First, Look, look};
use crate::host::Host;
use smallvec::SmallVec;
use std::borrow::Cow;

/// The longest message that is read, with its head of four bytes. Hellos of today have 200 bytes to 2.5 KiB.
const MOST_MESSAGE: usize = 64 * 1024;
/// Most records a hello may be spread over.
const MOST_RECORDS: usize = 32;
/// Most extensions of a hello. Those of today have up to 20.
const MOST_EXTENSIONS: usize = 256;
/// A record's type, version and length.
const RECORD_HEAD: usize = 5;
/// A message's type and length.
const MESSAGE_HEAD: usize = 4;
/// The longest record in the clear (RFC 8446 section 5.1).
const MOST_RECORD: usize = 1 << 14;
/// The type of the message.
const CLIENT_HELLO: u8 = 1;
/// Random bytes of each hello.
const RANDOM: usize = 32;
/// The longest session identifier.
const MOST_SESSION: usize = 32;
/// The method that every hello must offer.
const NO_COMPRESSION: u8 = 0;
/// The kind of a server's name.
const HOST_NAME: u8 = 0;
/// The form of ECH that stands in the clear.
const OUTER: u8 = 0;
/// Bytes after which [`read`] never asks for more.
pub const MOST_BYTES: usize = MOST_MESSAGE + MOST_RECORDS * RECORD_HEAD;

/// The numbers of extensions that are asked for by name (IANA, "TLS ExtensionType Values").
pub mod extension {
    /// `server_name` (RFC 6066 section 3).
    pub const SERVER_NAME: u16 = 0;
    /// `signature_algorithms` (RFC 8446 section 4.2.3).
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// `application_layer_protocol_negotiation` (RFC 7301).
    pub const ALPN: u16 = 16;
    /// `padding` (RFC 7685).
    pub const PADDING: u16 = 21;
    /// `session_ticket` (RFC 5077).
    pub const SESSION_TICKET: u16 = 35;
    /// `pre_shared_key`: the client resumes a session (RFC 8446 section 4.2.11).
    pub const PRE_SHARED_KEY: u16 = 41;
    /// `early_data`: what follows the hello is data already (RFC 8446 section 4.2.10).
    pub const EARLY_DATA: u16 = 42;
    /// `supported_versions` (RFC 8446 section 4.2.1).
    pub const SUPPORTED_VERSIONS: u16 = 43;
    /// Chromium's `application_settings`, which goes with ALPN (draft-vvv-tls-alps), by its first number.
    pub const OLD_APPLICATION_SETTINGS: u16 = 17_513;
    /// The same by its present number.
    pub const APPLICATION_SETTINGS: u16 = 17_613;
    /// `encrypted_client_hello` (RFC 9849 section 5).
    pub const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
}

/// What the bytes are that have come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one a connection, looked at where it is made")]
pub enum Read {
    /// Too few yet. Never the answer to [`MOST_BYTES`] or more.
    More,
    /// A hello, whole.
    Hello(Hello),
    /// Not TLS.
    NotTls(First),
    /// Meant to be TLS, and broken.
    Malformed(Malformed),
}

/// Codes of two bytes in the order they were sent, with those sent at random to keep servers tolerant (GREASE, RFC 8701).
pub type Codes = SmallVec<[u16; 24]>;

/// A ClientHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The server it asks for.
    pub name: Name,
    /// The protocols it offers to speak inside.
    pub alpn: Protocols,
    /// Whether another hello is hidden in it.
    pub ech: Ech,
    /// The version in the fixed part; not above TLS 1.2 (0x0303).
    pub legacy_version: u16,
    /// The versions of the extension, best first; empty without it.
    pub versions: Codes,
    /// Cipher suites, best first.
    pub ciphers: Codes,
    /// The numbers of its extensions.
    pub extensions: Codes,
    /// Signature algorithms, best first; empty without the extension.
    pub signatures: Codes,
    /// How many bytes its records took. Those after them are not looked at.
    pub length: usize,
}

impl Hello {
    /// Whether it has the extension.
    #[must_use]
    pub fn has(&self, extension: u16) -> bool {
        self.extensions.contains(&extension)
    }

    /// The newest version it offers, as a code: 0x0304 for TLS 1.3. 0 if it offers none but GREASE.
    #[must_use]
    pub fn newest_version(&self) -> u16 {
        if self.has(extension::SUPPORTED_VERSIONS) {
            self.versions.iter().copied().filter(|version| !is_grease(*version)).max().unwrap_or_default()
        } else {
            self.legacy_version
        }
    }
}

/// The server a hello asks for: its SNI (RFC 6066 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// None, as when the client was given an address.
    Absent,
    /// A name. Never an address.
    Host(Host),
    /// Something that names no server, or more than one. Servers differ in what they make of it, so it agrees with nothing.
    Unusable(BadName),
}

/// Why an SNI names no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadName {
    /// Two names, in one extension or in two.
    #[error("the client names two servers")]
    Two,
    /// An address, which RFC 6066 forbids.
    #[error("the client gives an address for the server's name")]
    Address,
    /// No host, or one only after undoing what no TLS server undoes (percent-encoding, letters beyond ASCII).
    #[error("the server's name that the client gives is no name")]
    NoHost,
    /// An empty list, a length that is wrong, or a kind of name that does not exist.
    #[error("the server's name that the client gives cannot be read")]
    Unreadable,
}

/// The protocols a client offers by ALPN (RFC 7301), best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protocols(SmallVec<[u8; 16]>);

impl Protocols {
    /// The protocols' names, as they were sent.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = Part(&self.0);
        std::iter::from_fn(move || rest.short())
    }

    /// Whether this one is offered: `b"h2"`, `b"http/1.1"`.
    #[must_use]
    pub fn offers(&self, protocol: &[u8]) -> bool {
        self.iter().any(|offered| offered == protocol)
    }
}

/// A list of protocols, best first; for tests of what reads a hello. Each name has 1 to 255 bytes.
#[cfg(test)]
impl<'a> FromIterator<&'a [u8]> for Protocols {
    fn from_iter<T: IntoIterator<Item = &'a [u8]>>(names: T) -> Self {
        Self(names.into_iter().flat_map(|name| std::iter::once(u8::try_from(name.len()).expect("a short name")).chain(name.iter().copied())).collect())
    }
}

/// Whether a hello offers that another, encrypted one be taken in its place (ECH, RFC 9849).
///
/// Browsers send this to everybody, filled with random bytes where they know no key of the server (GREASE, section 6.2), made so that nobody on the way
/// can tell. Behind a proxy they look up no names, so they know no key. Where it is real, [`Hello::name`] is that of the service the server is hidden
/// behind, and not what the person asked for: that name against the `CONNECT` tells more than anything in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ech {
    /// Not offered: what is seen is what is asked for.
    Absent,
    /// Offered, or pretended.
    Offered {
        /// Which of the server's keys; random where pretended. A service has few, so real offers to one agree in it.
        key: u8,
        /// The length of what is encrypted.
        payload: u16,
    },
}

/// Why what was meant to be TLS cannot be read. Closed: each is a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// A record that holds nothing.
    #[error("a TLS record is empty")]
    EmptyRecord,
    /// A record of more than 16 KiB.
    #[error("a TLS record is too long")]
    LongRecord,
    /// More records than a hello may take.
    #[error("the hello is spread over too many TLS records")]
    ManyRecords,
    /// Something else between the parts of the hello.
    #[error("the hello is interrupted by something else")]
    Interrupted,
    /// Another handshake message.
    #[error("the first message is not a hello")]
    NotHello,
    /// More than 64 KiB.
    #[error("the hello is too long")]
    TooLong,
    /// Something after the hello in its last record.
    #[error("the hello is followed by something in its own record")]
    Followed,
    /// A length that leads beyond what holds it, or leaves something over.
    #[error("a length in the hello is wrong")]
    Length,
    /// A session of more than 32 bytes.
    #[error("the hello's session is too long")]
    Session,
    /// No cipher suites, or half of one.
    #[error("the hello's cipher suites cannot be read")]
    Ciphers,
    /// That nothing is compressed is not among its offers.
    #[error("the hello's compression methods cannot be read")]
    Compression,
    /// More extensions than any program has.
    #[error("the hello has too many extensions")]
    ManyExtensions,
    /// An extension that came before.
    #[error("the hello has extension {0} twice")]
    Twice(u16),
    /// An extension whose inside is not as its specification says.
    #[error("the hello's extension {0} cannot be read")]
    Extension(u16),
}

/// Says what the first bytes of a tunnel are. `bytes` are all that have come, from the first.
#[must_use]
pub fn read(bytes: &[u8]) -> Read {
    match look(bytes) {
        Look::More => Read::More,
        Look::Not(first) => Read::NotTls(first),
        Look::Tls => match message(bytes) {
            Ok(None) => Read::More,
            Ok(Some(message)) => hello(&message).map_or_else(Read::Malformed, Read::Hello),
            Err(malformed) => Read::Malformed(malformed),
        },
    }
}

/// Whether a code is one of those sent at random, which mean nothing (RFC 8701 section 2).
#[must_use]
pub fn is_grease(code: u16) -> bool {
    code & 0x0f0f == 0x0a0a && code >> 8 == code & 0xff
}

/// A whole message, out of its records.
struct Message<'a> {
    /// With its head. Borrowed if it came in one record, as nearly all do.
    bytes: Cow<'a, [u8]>,
    /// How many bytes its records took.
    length: usize,
}

/// The message that the records hold; nothing as long as it is not whole.
fn message(bytes: &[u8]) -> Result<Option<Message<'_>>, Malformed> {
    let mut rest = Part(bytes);
    let mut parts = SmallVec::<[&[u8]; 4]>::new();
    let mut got = 0;
    while parts.len() < MOST_RECORDS {
        let Some(head) = rest.take(RECORD_HEAD) else { return Ok(None) };
        if !matches!(look(head), Look::Tls) {
            return Err(Malformed::Interrupted);
        }
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        match length {
            0 => return Err(Malformed::EmptyRecord),
            1..=MOST_RECORD => {}
            _ => return Err(Malformed::LongRecord),
        }
        let part = &rest.0[..length.min(rest.0.len())];
        parts.push(part);
        let whole = message_length(&parts)?;
        got += length;
        if whole.is_some_and(|whole| got > whole) {
            return Err(Malformed::Followed);
        }
        if rest.take(length).is_none() {
            return Ok(None);
        }
        if whole == Some(got) {
            let length = bytes.len() - rest.0.len();
            let bytes = if let [one] = parts[..] { Cow::Borrowed(one) } else { Cow::Owned(parts.concat()) };
            return Ok(Some(Message { bytes, length }));
        }
    }
    Err(Malformed::ManyRecords)
}

/// How long the message is with its head, if its head has come.
fn message_length(parts: &[&[u8]]) -> Result<Option<usize>, Malformed> {
    let head: SmallVec<[u8; MESSAGE_HEAD]> = parts.iter().copied().flatten().copied().take(MESSAGE_HEAD).collect();
    if head.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Err(Malformed::NotHello);
    }
    let [_, high, middle, low] = head[..] else { return Ok(None) };
    let whole = MESSAGE_HEAD + u32::from_be_bytes([0, high, middle, low]) as usize;
    if whole > MOST_MESSAGE { Err(Malformed::TooLong) } else { Ok(Some(whole)) }
}

/// Reads a whole message whose type and length are known to be right.
fn hello(message: &Message<'_>) -> Result<Hello, Malformed> {
    let mut rest = Part(&message.bytes[MESSAGE_HEAD..]);
    let legacy_version = rest.number().ok_or(Malformed::Length)?;
    rest.take(RANDOM).ok_or(Malformed::Length)?;
    let session = rest.short().ok_or(Malformed::Length)?;
    if session.len() > MOST_SESSION {
        return Err(Malformed::Session);
    }
    let ciphers = rest.long().ok_or(Malformed::Length).and_then(|list| codes(list).ok_or(Malformed::Ciphers))?;
    if !rest.short().ok_or(Malformed::Length)?.contains(&NO_COMPRESSION) {
        return Err(Malformed::Compression);
    }
    let mut hello = Hello {
        name: Name::Absent,
        alpn: Protocols::default(),
        ech: Ech::Absent,
        legacy_version,
        versions: Codes::new(),
        ciphers,
        extensions: Codes::new(),
        signatures: Codes::new(),
        length: message.length,
    };
    // Before TLS 1.3 a hello could end here.
    if !rest.is_empty() {
        let mut extensions = rest.only_long().map(Part).ok_or(Malformed::Length)?;
        while !extensions.is_empty() {
            let number = extensions.number().ok_or(Malformed::Length)?;
            let body = extensions.long().ok_or(Malformed::Length)?;
            hello.add(number, body)?;
        }
    }
    Ok(hello)
}

impl Hello {
    /// Takes one more extension.
    fn add(&mut self, number: u16, body: &[u8]) -> Result<(), Malformed> {
        let is_second = self.has(number);
        if self.extensions.len() == MOST_EXTENSIONS {
            return Err(Malformed::ManyExtensions);
        }
        self.extensions.push(number);
        let wrong = Malformed::Extension(number);
        match number {
            extension::SERVER_NAME if is_second => self.name = Name::Unusable(BadName::Two),
            _ if is_second => return Err(Malformed::Twice(number)),
            extension::SERVER_NAME => self.name = name(body).map_or_else(Name::Unusable, Name::Host),
            extension::ALPN => self.alpn = protocols(body).ok_or(wrong)?,
            extension::SUPPORTED_VERSIONS => self.versions = Part(body).only_short().and_then(codes).ok_or(wrong)?,
            extension::SIGNATURE_ALGORITHMS => self.signatures = Part(body).only_long().and_then(codes).ok_or(wrong)?,
            extension::ENCRYPTED_CLIENT_HELLO => self.ech = ech(body).ok_or(wrong)?,
            _ => {}
        }
        Ok(())
    }
}

/// The one name in the extension (RFC 6066 section 3). Only one kind of name was ever defined, and how long another is cannot be known.
fn name(body: &[u8]) -> Result<Host, BadName> {
    let mut list = Part(body).only_long().map(Part).ok_or(BadName::Unreadable)?;
    if list.byte() != Some(HOST_NAME) {
        return Err(BadName::Unreadable);
    }
    let text = list.long().ok_or(BadName::Unreadable)?;
    if !list.is_empty() {
        return Err(if list.byte() == Some(HOST_NAME) { BadName::Two } else { BadName::Unreadable });
    }
    let text = std::str::from_utf8(text).map_err(|_| BadName::NoHost)?;
    let host = Host::parse(text).map_err(|_| BadName::NoHost)?;
    if host.address().is_some() {
        return Err(BadName::Address);
    }
    // A final dot is against the RFC; all servers that take it mean the name without.
    let as_sent = text.strip_suffix('.').unwrap_or(text);
    if host.as_str().eq_ignore_ascii_case(as_sent) { Ok(host) } else { Err(BadName::NoHost) }
}

/// The names in the extension, none of them empty (RFC 7301 section 3.1).
fn protocols(body: &[u8]) -> Option<Protocols> {
    let list = Part(body).only_long().filter(|list| !list.is_empty())?;
    let mut names = Part(list);
    while !names.is_empty() {
        names.short().filter(|name| !name.is_empty())?;
    }
    Some(Protocols(list.into()))
}

/// The outer form of the extension. The inner one stands only in what is encrypted.
fn ech(body: &[u8]) -> Option<Ech> {
    let mut rest = Part(body);
    if rest.byte()? != OUTER {
        return None;
    }
    let _key_derivation_and_cipher = rest.take(4)?;
    let key = rest.byte()?;
    let _encapsulated = rest.long()?;
    let payload = rest.only_long().filter(|payload| !payload.is_empty())?;
    Some(Ech::Offered { key, payload: u16::try_from(payload.len()).ok()? })
}

/// A list of codes, at least one.
fn codes(list: &[u8]) -> Option<Codes> {
    let (pairs, rest) = list.as_chunks::<2>();
    (!pairs.is_empty() && rest.is_empty()).then(|| pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect())
}

/// What is left to read of a part of the message. What does not fit gives nothing.
struct Part<'a>(&'a [u8]);

impl<'a> Part<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// What follows a length of one byte.
    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.byte()?;
        self.take(length.into())
    }

    /// What follows a length of two bytes.
    fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length.into())
    }

    /// What follows a length of one byte, if it is all there is.
    fn only_short(mut self) -> Option<&'a [u8]> {
        self.short().filter(|_| self.is_empty())
    }

    /// What follows a length of two bytes, if it is all there is.
    fn only_long(mut self) -> Option<&'a [u8]> {
        self.long().filter(|_| self.is_empty())
    }
}

#[cfg(test)]
mod tests;
