//! Bytes that should be a list, as lines of text: read a piece at a time, never held whole.
//!
//! The first [`HEAD`] bytes are looked at before anything is read as a line: a web page (what a publisher's server sends where the list was)
//! and what is mostly not text are no lists at all, and are refused whole. UTF-8 is read with or without a byte order mark, UTF-16 with one.
//! A line longer than [`LONGEST_LINE`] is skipped without being held; its number still counts, as numbers are always those of the file.

use crate::lists::entry::Refusal;
use memchr::memchr;
use std::io::{self, BufRead, Cursor, Read};

/// The longest line of a list, in bytes.
pub const LONGEST_LINE: usize = 4096;
/// How much of a file is looked at before it is read, in bytes.
pub const HEAD: usize = 64 * 1024;
/// A list has at most one byte in so many that is not text.
const TEXT_TO_JUNK: usize = 10;

/// Why a file is no list at all. Nothing of it is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    /// It begins as a web page does.
    #[error("looks like a web page, not a list; open its address in a browser to see what the publisher says")]
    WebPage,
    /// More than one byte in ten is not text.
    #[error("this is not a list: it is mostly not text in UTF-8, or in UTF-16 with a byte order mark")]
    Junk,
    /// An archive within an archive, or compressed more than twice.
    #[error("this is not a list: it is an archive within an archive; unpack it first")]
    Packed,
    /// Our own format, but not sound TOML.
    #[error("line {line} is not sound TOML: {what}; as nobody can tell what the rest means, none of it is taken")]
    BadToml {
        /// The line, from 1.
        line: u32,
        /// What the TOML reader says.
        what: String,
    },
    /// Our own format, which is read whole, and too large for that.
    #[error("a list in our own format may have at most 16 MiB; put the names in a file of their own, one a line")]
    TooLarge,
}

/// Why a file cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no list.
    #[error("{0}")]
    NotAList(#[from] NotAList),
}

/// A file as text, its head already seen.
pub struct Text<'a> {
    head: Vec<u8>,
    rest: Box<dyn BufRead + 'a>,
}

impl<'a> Text<'a> {
    /// Reads the head and looks whether it can be a list.
    pub fn open(mut bytes: impl BufRead + 'a) -> Result<Self, ReadError> {
        let mut head = read_head(&mut bytes)?;
        let mut rest: Box<dyn BufRead + 'a> = Box::new(bytes);
        if let Some(order) = ByteOrder::of(&head) {
            let raw = Cursor::new(head.split_off(2)).chain(rest);
            rest = Box::new(Utf16 { raw, order, unread: None, decoded: Vec::new(), at: 0 });
            head = read_head(&mut rest)?;
        } else if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        if is_web_page(&head) {
            return Err(NotAList::WebPage.into());
        }
        if junk(&head) * TEXT_TO_JUNK > head.len() {
            return Err(NotAList::Junk.into());
        }
        Ok(Self { head, rest })
    }

    /// The first bytes, as UTF-8 as far as they are text.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Calls `each` with every line's number, from 1, and the line without its end, or why it cannot be read.
    pub fn lines(mut self, mut each: impl FnMut(u32, Result<&str, Refusal>)) -> io::Result<()> {
        let mut lines = Lines::default();
        lines.feed(&self.head, &mut each);
        loop {
            let bytes = fill(&mut self.rest)?;
            if bytes.is_empty() {
                break;
            }
            lines.feed(bytes, &mut each);
            let read = bytes.len();
            self.rest.consume(read);
        }
        lines.finish(&mut each);
        Ok(())
    }

    /// The whole text, if it has at most `most` bytes and all of it is UTF-8.
    pub fn whole(mut self, most: usize) -> Result<String, ReadError> {
        let room = (most + 1).saturating_sub(self.head.len());
        self.rest.take(room as u64).read_to_end(&mut self.head)?;
        if self.head.len() > most {
            return Err(NotAList::TooLarge.into());
        }
        String::from_utf8(self.head).map_err(|_| NotAList::Junk.into())
    }
}

/// As `fill_buf`, once more where a signal came between.
fn fill(bytes: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match bytes.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // Once more, since the borrow checker cannot see that the loop ended with it; what is buffered is given again.
    bytes.fill_buf()
}

fn read_head(bytes: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    bytes.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether it begins as a web page does, white space aside.
fn is_web_page(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    [&b"<!doctype html"[..], b"<html"].iter().any(|start| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)))
}

/// How many bytes are not text: control characters, and what is not UTF-8.
fn junk(head: &[u8]) -> usize {
    let is_control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    let invalid: usize = head.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    invalid + head.iter().filter(|byte| is_control(byte)).count()
}

/// Cuts pieces into lines. Of a line that spans pieces, at most one byte more than a line may have is held.
#[derive(Default)]
struct Lines {
    number: u32,
    held: Vec<u8>,
}

impl Lines {
    fn feed(&mut self, mut bytes: &[u8], each: &mut impl FnMut(u32, Result<&str, Refusal>)) {
        while let Some(end) = memchr(b'\n', bytes) {
            if self.held.is_empty() {
                self.say(&bytes[..end], each);
            } else {
                self.hold(&bytes[..end]);
                self.say_held(each);
            }
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
    }

    fn hold(&mut self, bytes: &[u8]) {
        // With its `\r` a line may have one byte more; what is held of a longer one is enough to know that it is.
        let room = (LONGEST_LINE + 2).saturating_sub(self.held.len());
        self.held.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn say_held(&mut self, each: &mut impl FnMut(u32, Result<&str, Refusal>)) {
        let held = std::mem::take(&mut self.held);
        self.say(&held, each);
        self.held = held;
        self.held.clear();
    }

    fn say(&mut self, line: &[u8], each: &mut impl FnMut(u32, Result<&str, Refusal>)) {
        self.number = self.number.saturating_add(1);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LONGEST_LINE {
            return each(self.number, Err(Refusal::TooLong));
        }
        match std::str::from_utf8(line) {
            Ok(text) if memchr(0, line).is_none() => each(self.number, Ok(text)),
            Ok(_) | Err(_) => each(self.number, Err(Refusal::NotText)),
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(u32, Result<&str, Refusal>)) {
        if !self.held.is_empty() {
            self.say_held(each);
        }
    }
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xfe, ..] => Some(Self::Little),
            [0xfe, 0xff, ..] => Some(Self::Big),
            _ => None,
        }
    }

    fn unit(self, pair: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(pair),
            Self::Big => u16::from_be_bytes(pair),
        }
    }
}

/// Stands in UTF-8 for what is not sound UTF-16: no UTF-8 holds it, so the line is refused as not text.
const UNSOUND: u8 = 0xff;
/// How many units are decoded at a time.
const UNITS: usize = 4096;

/// UTF-16 read as UTF-8.
struct Utf16<R> {
    raw: R,
    order: ByteOrder,
    /// A unit that belongs to what comes next: the first of a pair, or one that followed half a pair.
    unread: Option<u16>,
    decoded: Vec<u8>,
    at: usize,
}

impl<R: Read> Utf16<R> {
    fn decode_more(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        (&mut self.raw).take(2 * UNITS as u64).read_to_end(&mut bytes)?;
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut units: Vec<u16> = self.unread.take().into_iter().chain(pairs.iter().map(|pair| self.order.unit(*pair))).collect();
        // The first half of a pair waits for the second, unless there is no more.
        if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) && bytes.len() == 2 * UNITS {
            self.unread = units.pop();
        }
        self.decoded.clear();
        self.at = 0;
        for decoded in char::decode_utf16(units) {
            match decoded {
                Ok(c) => self.decoded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(_) => self.decoded.push(UNSOUND),
            }
        }
        self.decoded.extend(odd.iter().map(|_| UNSOUND));
        Ok(())
    }
}

impl<R: Read> BufRead for Utf16<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.decoded.len() {
            self.decode_more()?;
        }
        Ok(&self.decoded[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.decoded.len());
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(u32, Result<String, Refusal>)> {
        let mut found = Vec::new();
        let text = Text::open(io::BufReader::with_capacity(7, bytes)).expect("a list");
        text.lines(|number, line| found.push((number, line.map(str::to_owned)))).expect("read");
        found
    }

    fn utf16(text: &str, order: ByteOrder) -> Vec<u8> {
        let bytes = |unit: u16| match order {
            ByteOrder::Little => unit.to_le_bytes(),
            ByteOrder::Big => unit.to_be_bytes(),
        };
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn lines_of_every_kind_of_ending_and_byte_are_numbered_as_in_the_file() {
        let mut bytes = b"\xef\xbb\xbfa.example\r\n\nb.example\n\xff\xfe\nc.exa\0mple\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', LONGEST_LINE));
        bytes.extend(b"\r\n");
        bytes.extend(std::iter::repeat_n(b'x', LONGEST_LINE + 1));
        bytes.extend(b"\nd.example");
        let expected = [
            (1, Ok("a.example".to_owned())),
            (2, Ok(String::new())),
            (3, Ok("b.example".to_owned())),
            (4, Err(Refusal::NotText)),
            (5, Err(Refusal::NotText)),
            (6, Ok("x".repeat(LONGEST_LINE))),
            (7, Err(Refusal::TooLong)),
            (8, Ok("d.example".to_owned())),
        ];
        assert_eq!(lines(&bytes), expected);
    }

    #[test]
    fn a_line_of_a_megabyte_is_skipped_and_not_held() {
        let long = b"x".repeat(1 << 20);
        let mut cut = Lines::default();
        let mut answers = Vec::new();
        for piece in [&b"a.example\n"[..], &long, &long, b"\nb.example\n"] {
            cut.feed(piece, &mut |number, line: Result<&str, Refusal>| answers.push((number, line.map(str::len))));
            assert!(cut.held.capacity() < 3 * LONGEST_LINE, "{} bytes are held", cut.held.capacity());
        }
        assert_eq!(answers, [(1, Ok(9)), (2, Err(Refusal::TooLong)), (3, Ok(9))]);
    }

    #[test]
    fn utf16_is_read_in_either_order() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let text = format!("a.example\r\nb\u{fc}cher.example\n\u{1f600}\n{}", "c.example\n".repeat(3 * UNITS));
            let found = lines(&utf16(&text, order));
            assert_eq!(found.len(), 3 + 3 * UNITS);
            assert_eq!(found[1], (2, Ok("b\u{fc}cher.example".to_owned())));
            assert_eq!(found[2], (3, Ok("\u{1f600}".to_owned())));
            let mut halved = utf16("a.example\nb.example", order);
            halved.pop();
            assert_eq!(lines(&halved), [(1, Ok("a.example".to_owned())), (2, Err(Refusal::NotText))]);
        }
        // Where a pair falls between two pieces, and where half of one stands alone.
        for before in UNITS - 2..=UNITS + 1 {
            let text = format!("{}\u{1f600}\n", "\n".repeat(before));
            assert_eq!(lines(&utf16(&text, ByteOrder::Little)).last(), Some(&(u32::try_from(before).expect("small") + 1, Ok("\u{1f600}".to_owned()))));
        }
        let mut alone = utf16("a.example\n", ByteOrder::Little);
        alone.extend([0x3d, 0xd8, b'\n', 0, b'b', 0]);
        assert_eq!(lines(&alone)[1..], [(2, Err(Refusal::NotText)), (3, Ok("b".to_owned()))]);
    }

    #[test]
    fn what_is_no_list_is_refused_whole() {
        let mut junk = Vec::new();
        let mut state = 1u32;
        junk.resize_with(5000, || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        for (bytes, expected) in [
            (b"<!DOCTYPE HTML><title>404</title>".to_vec(), NotAList::WebPage),
            (b"\xef\xbb\xbf \r\n\t<html lang=en>".to_vec(), NotAList::WebPage),
            (utf16("<HTML>", ByteOrder::Big), NotAList::WebPage),
            (junk, NotAList::Junk),
            (b"a\0.\0e\0x\0a\0m\0p\0l\0e\0\n\0".to_vec(), NotAList::Junk),
            (b"\xff\xfe\0\0a\0\0\0".to_vec(), NotAList::Junk),
            (vec![0; 100], NotAList::Junk),
        ] {
            match Text::open(&bytes[..]).err() {
                Some(ReadError::NotAList(found)) => assert_eq!(found, expected),
                other => panic!("{other:?}"),
            }
        }
        for fine in [&b""[..], b"<a word><50>\n", b"# <html>\n", b"caf\xe9.example\na.example\n"] {
            assert!(Text::open(fine).is_ok(), "{fine:?}");
        }
    }
}
