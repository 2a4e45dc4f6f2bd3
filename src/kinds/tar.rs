//! The names in a tar as it streams, and what its files begin with.

use super::formats::Format;
use super::sniff;

/// The size of a block, in bytes.
const BLOCK: usize = 512;
/// The longest name in an extension header that is read, in bytes.
const LONGEST_NAME: usize = 8 * 1024;

/// A member.
#[derive(Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// What its content is by its first bytes, if that is known.
    pub is: Option<&'static str>,
}

enum State {
    /// In a header.
    Header,
    /// In the content of a file: its first block is gathered, then so many bytes are left.
    Begin { size: u64 },
    /// So many bytes are not looked at.
    Skip(u64),
    /// A name for the next member: how it is written, how many of its bytes are left, and how many after it.
    Name { form: Form, left: u64, padding: u64, text: Vec<u8> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Of GNU: as it is.
    Gnu,
    /// Of POSIX: lines of `length key=value`.
    Pax,
}

/// Reads a tar.
pub struct Tar {
    state: State,
    block: Vec<u8>,
    name: String,
    /// From an extension header, for the next member.
    long: Option<String>,
}

impl Default for Tar {
    fn default() -> Self {
        Self { state: State::Header, block: Vec::with_capacity(BLOCK), name: String::new(), long: None }
    }
}

impl Tar {
    /// More of it. Each member is given to `each` when its first block is there.
    pub fn take(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(Member<'_>)) {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Skip(left) => {
                    let count = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= count as u64;
                    bytes = &bytes[count..];
                    if *left == 0 {
                        self.state = State::Header;
                    }
                }
                State::Name { left, text, .. } => {
                    let count = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= count as u64;
                    let kept = count.min(LONGEST_NAME - text.len().min(LONGEST_NAME));
                    text.extend_from_slice(&bytes[..kept]);
                    bytes = &bytes[count..];
                    if *left == 0 {
                        self.named();
                    }
                }
                State::Header | State::Begin { .. } => {
                    let count = bytes.len().min(BLOCK - self.block.len());
                    self.block.extend_from_slice(&bytes[..count]);
                    bytes = &bytes[count..];
                    if self.block.len() == BLOCK {
                        self.blocked(each);
                    }
                }
            }
        }
    }

    /// A block is whole.
    fn blocked(&mut self, each: &mut dyn FnMut(Member<'_>)) {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        if let State::Begin { size } = self.state {
            let content = &block[..BLOCK.min(usize::try_from(size).unwrap_or(BLOCK))];
            let is = sniff::sniff(content, true).format().map(|format: &Format| format.name);
            each(Member { name: &self.name, is });
            self.state = skip(padded(size) - BLOCK as u64);
            return;
        }
        // What is no header may be followed by one: tar goes on looking too.
        if !is_header(&block) {
            return;
        }
        let size = number(&block[124..136]);
        match block[156] {
            b'L' | b'x' if size > 0 => {
                let form = if block[156] == b'L' { Form::Gnu } else { Form::Pax };
                self.state = State::Name { form, left: size, padding: padded(size) - size, text: Vec::new() };
            }
            b'K' | b'g' | b'L' | b'x' => self.state = skip(padded(size)),
            kind => {
                self.name = self.long.take().unwrap_or_else(|| own_name(&block));
                let is_file = matches!(kind, b'0' | 0 | b'7' | b'S');
                if is_file && size > 0 {
                    self.state = State::Begin { size };
                    return;
                }
                each(Member { name: &self.name, is: None });
                // Links, folders and devices have no content, whatever their size says.
                self.state = if matches!(kind, b'1'..=b'6') { State::Header } else { skip(padded(size)) };
            }
        }
    }

    /// An extension header is whole.
    fn named(&mut self) {
        let State::Name { form, padding, text, .. } = std::mem::replace(&mut self.state, State::Header) else { return };
        self.state = skip(padding);
        let found = match form {
            Form::Gnu => Some(text_of(&text)),
            Form::Pax => text.split(|byte| *byte == b'\n').rev().find_map(|line| {
                let start = line.iter().position(|byte| *byte == b' ')? + 1;
                line.get(start..)?.strip_prefix(b"path=").map(text_of)
            }),
        };
        self.long = found.or(self.long.take());
    }
}

fn skip(count: u64) -> State {
    if count == 0 { State::Header } else { State::Skip(count) }
}

fn padded(size: u64) -> u64 {
    size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX)
}

fn own_name(block: &[u8]) -> String {
    let name = text_of(&block[..100]);
    let prefix = if &block[257..263] == b"ustar\0" { text_of(&block[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// A text up to its first zero.
fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A number in octal digits, or, where its first bit says so, in binary.
fn number(field: &[u8]) -> u64 {
    if field[0] & 0x80 != 0 {
        return field[1..]
            .iter()
            .fold(u64::from(field[0] & 0x7f), |sum, byte| sum.checked_mul(256).map_or(u64::MAX, |sum| sum.saturating_add(u64::from(*byte))));
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| (b'0'..=b'7').contains(byte));
    digits.fold(0u64, |sum, digit| sum.saturating_mul(8).saturating_add(u64::from(digit - b'0')))
}

/// Whether a block is a header: its checksum is right. A block of zeros is none.
#[must_use]
pub fn is_header(head: &[u8]) -> bool {
    head.get(..BLOCK).is_some_and(|block| {
        let sum: u64 = block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
        block[0] != 0 && sum == number(&block[148..156])
    })
}
