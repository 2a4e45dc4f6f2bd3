//! Which program a hello is from: its JA4 for people, its [`Class`] for us. Pure.
//!
//! Every TLS library and browser has its own lists of ciphers, extensions and signature algorithms. JA4 writes them down in a form that others share, so
//! that a technician can look one up. It is FoxIO's, under the BSD licence (`technical_details/JA4.md` of FoxIO-LLC/ja4); the rest of their family, JA4S
//! and on, is not free and not here.
//!
//! JA4 is of one *connection*: one browser has several, as it resumes a session, opens a WebSocket, or is given an address for a name. [`Class`] is what
//! stays the same through all that.

use super::hello::{Codes, Hello, extension, is_grease};
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::{self, Write as _};
use std::str::FromStr;

/// The JA4 of a hello over TCP, such as `t13d1516h2_8daaf6152771_02713d6af862`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ja4([u8; 36]);

impl Ja4 {
    /// Of this hello.
    #[must_use]
    pub fn of(hello: &Hello) -> Self {
        let ciphers = sorted(&hello.ciphers, &[]);
        let extensions = sorted(&hello.extensions, &[]);
        let named = sorted(&hello.extensions, &[extension::SERVER_NAME, extension::ALPN]);
        let version = match hello.newest_version() {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            _ => "00",
        };
        let server = if hello.has(extension::SERVER_NAME) { 'd' } else { 'i' };
        let [first, last] = ends(hello.alpn.iter().next().unwrap_or_default());
        let mut text = format!("t{version}{server}{:02}{:02}{first}{last}_", ciphers.len().min(99), extensions.len().min(99));
        push_hash(&mut text, &hex(&ciphers));
        text.push('_');
        let signatures: Codes = without_grease(&hello.signatures).collect();
        push_hash(&mut text, &if signatures.is_empty() { hex(&named) } else { format!("{}_{}", hex(&named), hex(&signatures)) });
        let mut ja4 = [b'0'; 36];
        ja4.copy_from_slice(text.as_bytes());
        Self(ja4)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ja4({self})")
    }
}

/// Extensions that come and go between the connections of one program: with a session to resume, with the length of the rest, with a name or an address,
/// and with what is to be spoken inside. One that resumes a session of TLS 1.3 may ask for no ticket of TLS 1.2, as rustls does. Chromium's WebSockets offer HTTP/1.1 only, and then no application settings.
const FLEETING: [u16; 8] = [
    extension::SERVER_NAME,
    extension::ALPN,
    extension::PADDING,
    extension::SESSION_TICKET,
    extension::PRE_SHARED_KEY,
    extension::EARLY_DATA,
    extension::OLD_APPLICATION_SETTINGS,
    extension::APPLICATION_SETTINGS,
];

/// A program, as far as its hellos tell: the same for each connection of one version of it on one system, and rarely for two programs.
///
/// Made of the newest version offered, the ciphers and the extensions in order of their numbers (browsers shuffle them), but for those that come and go
/// (`FLEETING`), and the signature algorithms as they stand. That other lists make the same class is out of the question. It is no proof all the same:
/// whoever wants to can send another program's hello.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class([u8; 16]);

impl Class {
    /// Of this hello.
    #[must_use]
    pub fn of(hello: &Hello) -> Self {
        let signatures: Codes = without_grease(&hello.signatures).collect();
        let mut bytes = Vec::with_capacity(256);
        bytes.extend(hello.newest_version().to_be_bytes());
        for list in [sorted(&hello.ciphers, &[]), sorted(&hello.extensions, &FLEETING), signatures] {
            bytes.extend((list.len() as u64).to_be_bytes());
            bytes.extend(list.iter().flat_map(|code| code.to_be_bytes()));
        }
        let mut class = [0; 16];
        class.copy_from_slice(&digest(&SHA256, &bytes).as_ref()[..16]);
        Self(class)
    }

    /// The half of it, as a number: for memories that need not tell all programs of the world apart.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// A text names no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a program is named by 32 hexadecimal digits, as `usher tls pins` lists them")]
pub struct NoClass;

impl FromStr for Class {
    type Err = NoClass;

    fn from_str(text: &str) -> Result<Self, NoClass> {
        let digits = text.as_bytes();
        if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(NoClass);
        }
        let mut class = [0; 16];
        for (byte, at) in class.iter_mut().zip((0..32).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| NoClass)?;
        }
        Ok(Self(class))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Class({self})")
    }
}

fn without_grease(codes: &Codes) -> impl Iterator<Item = u16> {
    codes.iter().copied().filter(|code| !is_grease(*code))
}

/// The codes in order, without GREASE and those of `but`.
fn sorted(codes: &Codes, but: &[u16]) -> Codes {
    let mut sorted: Codes = without_grease(codes).filter(|code| !but.contains(code)).collect();
    sorted.sort_unstable();
    sorted
}

fn hex(codes: &Codes) -> String {
    let mut text = String::with_capacity(codes.len() * 5);
    for (at, code) in codes.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{code:04x}");
    }
    text
}

/// Appends the first twelve digits of the SHA-256 of a list; of an empty one, zeros.
fn push_hash(text: &mut String, list: &str) {
    if list.is_empty() {
        text.push_str("000000000000");
        return;
    }
    for byte in &digest(&SHA256, list.as_bytes()).as_ref()[..6] {
        let _ = write!(text, "{byte:02x}");
    }
}

/// The first and last character of a protocol's name; if one is neither letter nor digit, the first and last of its hexadecimal form.
fn ends(protocol: &[u8]) -> [char; 2] {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    match protocol {
        [] => ['0', '0'],
        [first, .., last] | [first @ last] if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => [char::from(*first), char::from(*last)],
        [first, .., last] | [first @ last] => [digit(first >> 4), digit(last & 15)],
    }
}

#[cfg(test)]
mod tests {
    use super::super::hello::{Ech, Name, Protocols};
    use super::*;

    /// The example of FoxIO's specification, without what its JA4 does not look at.
    fn example() -> Hello {
        Hello {
            name: Name::Absent,
            alpn: Protocols::from_iter([&b"h2"[..]]),
            ech: Ech::Absent,
            legacy_version: 0x0303,
            versions: Codes::from_slice(&[0x0304, 0x0303]),
            ciphers: Codes::from_slice(&[
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
            ]),
            extensions: Codes::from_slice(&[
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ]),
            signatures: Codes::from_slice(&[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]),
            length: 0,
        }
    }

    fn changed(change: impl FnOnce(&mut Hello)) -> (String, Class) {
        let mut hello = example();
        change(&mut hello);
        (Ja4::of(&hello).to_string(), Class::of(&hello))
    }

    #[test]
    fn the_example_of_the_specification() {
        assert_eq!(changed(|_| ()).0, "t13d1516h2_8daaf6152771_e5627efa2ab1");
        let no_signatures = changed(|hello| hello.signatures.clear()).0;
        assert_eq!(no_signatures, "t13d1516h2_8daaf6152771_6d807ffa2a79");
    }

    #[test]
    fn a_list_that_is_empty_is_zeros() {
        let bare = changed(|hello| {
            hello.ciphers = Codes::from_slice(&[0x0a0a]);
            hello.extensions = Codes::from_slice(&[0, 16]);
            hello.signatures.clear();
            hello.versions.clear();
        });
        assert_eq!(bare.0, "t12d0002h2_000000000000_000000000000");
    }

    #[test]
    fn grease_is_never_counted() {
        let plain = changed(|_| ());
        let greased = changed(|hello| {
            hello.ciphers.insert(0, 0x5a5a);
            hello.extensions.insert(0, 0x0a0a);
            hello.extensions.push(0xfafa);
            hello.signatures.insert(0, 0x7a7a);
            hello.versions.insert(0, 0xeaea);
        });
        assert_eq!(plain, greased);
    }

    #[test]
    fn more_than_99_are_99() {
        let many = changed(|hello| {
            hello.ciphers = (1..=120).collect();
            hello.extensions.extend(1000..1100);
        });
        assert!(many.0.starts_with("t13d9999h2_"), "{}", many.0);
    }

    #[test]
    fn versions_have_their_letters() {
        for (code, letters) in [(0x0304, "13"), (0x0303, "12"), (0x0302, "11"), (0x0301, "10"), (0x0300, "s3"), (0x0002, "s2"), (0x7f1c, "00")] {
            let by_extension = changed(|hello| hello.versions = Codes::from_slice(&[0x8a8a, code])).0;
            let by_head = changed(|hello| {
                hello.extensions.retain(|number| *number != extension::SUPPORTED_VERSIONS);
                hello.legacy_version = code;
            });
            assert_eq!((&by_extension[1..3], &by_head.0[1..3]), (letters, letters));
        }
    }

    /// The first five are FoxIO's, of their specification.
    #[test]
    fn the_ends_of_a_protocols_name() {
        for (protocol, written) in [
            (&b"\xab"[..], "ab"),
            (b"\xab\xcd", "ad"),
            (b"\x30\xab", "3b"),
            (b"\x30\x31\xab\xcd", "3d"),
            (b"\x30\xab\xcd\x31", "01"),
            (b"http/1.1", "h1"),
            (b"h2", "h2"),
            (b"", "00"),
            (b"x", "xx"),
            (b" ", "20"),
            (b"a ", "60"),
        ] {
            assert_eq!(String::from_iter(ends(protocol)), written, "{protocol:x?}");
        }
    }

    #[test]
    fn a_class_is_the_same_for_all_connections_of_a_program() {
        let (ja4, class) = changed(|_| ());
        for (why, change) in [
            ("resumed", (|hello| hello.extensions.push(41)) as fn(&mut Hello)),
            ("with data at once", |hello| hello.extensions.extend([42, 41])),
            ("resumed, and asking for no ticket of TLS 1.2", |hello| {
                hello.extensions.retain(|number| *number != 35);
                hello.extensions.push(41);
            }),
            ("not padded", |hello| hello.extensions.retain(|number| *number != 21)),
            ("to an address", |hello| hello.extensions.retain(|number| *number != 0)),
            ("a WebSocket", |hello| {
                hello.alpn = Protocols::from_iter([&b"http/1.1"[..]]);
                hello.extensions.retain(|number| *number != 0x4469);
            }),
            ("no ALPN", |hello| {
                hello.alpn = Protocols::default();
                hello.extensions.retain(|number| *number != 16);
            }),
        ] {
            let of = changed(change);
            assert!(of.0 != ja4 && of.1 == class, "{why}: {}", of.0);
        }
        let shuffled = changed(|hello| hello.extensions.reverse());
        assert_eq!(shuffled, (ja4, class));
    }

    #[test]
    fn a_class_is_read_as_it_is_written() {
        let (_, class) = changed(|_| ());
        assert_eq!(class.to_string().parse(), Ok(class));
        assert_eq!(class.to_string().to_uppercase().parse(), Ok(class));
        for bad in ["", "00", "g0112233445566778899aabbccddeeff", "+0112233445566778899aabbccddeeff", "\u{e9}0112233445566778899aabbccddeef"] {
            assert_eq!(bad.parse::<Class>(), Err(NoClass), "{bad}");
        }
    }

    #[test]
    fn another_program_is_another_class() {
        let (_, class) = changed(|_| ());
        for change in [
            (|hello| _ = hello.ciphers.pop()) as fn(&mut Hello),
            |hello| hello.extensions.push(28),
            |hello| hello.signatures.reverse(),
            |hello| hello.versions = Codes::from_slice(&[0x0303]),
            // The same codes, differently divided among the lists.
            |hello| {
                let last = hello.ciphers.iter().copied().max().expect("a cipher");
                hello.ciphers.retain(|code| *code != last);
                hello.extensions.push(last);
            },
        ] {
            assert_ne!(changed(change).1, class);
        }
    }
}
