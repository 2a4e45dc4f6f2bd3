//! Where a chunked body ends, told strictly (RFC 9112 section 7.1), so that two readers can never disagree.
//!
//! Refused: anything but CRLF at the end of a line, white space around a size, a size of more than 15 digits, a trailer that frames, routes
//! or proves. A chunk extension and the trailer section have a cap. Pure: bytes in, how many belong to the body or a reason out.

use super::framing::{Malformed, is_lookalike, split_field};
use super::limits::{CHUNK_EXTENSION, TRAILERS};

/// Follows a chunked body to its end.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    state: ChunkState,
    /// Digits of the size, bytes of an extension, or bytes of the trailer section.
    count: usize,
    size: u64,
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ChunkState {
    #[default]
    Size,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    Trailer,
}

impl Chunks {
    /// Takes the next bytes. Returns how many belong to the body and whether it ends with them.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<(usize, bool), Malformed> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.state == ChunkState::Data {
                let rest = (bytes.len() - at) as u64;
                let taken = rest.min(self.size);
                self.size -= taken;
                at += usize::try_from(taken).unwrap_or(usize::MAX);
                if self.size == 0 {
                    self.state = ChunkState::DataCr;
                }
                continue;
            }
            at += 1;
            if self.step(byte)? {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// Takes one byte outside of a chunk's data; true if the body ends with it.
    fn step(&mut self, byte: u8) -> Result<bool, Malformed> {
        self.count += 1;
        self.state = match (self.state, byte) {
            (ChunkState::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.count <= 15 => {
                self.size = self.size << 4 | u64::from((byte as char).to_digit(16).unwrap_or_default());
                ChunkState::Size
            }
            (ChunkState::Size, b'\r') if self.count > 1 => ChunkState::SizeEnd,
            (ChunkState::Size, b';') if self.count > 1 => {
                self.count = 0;
                ChunkState::Extension
            }
            (ChunkState::Extension, b'\r') => ChunkState::SizeEnd,
            (ChunkState::Extension, b'\t' | b' '..=b'~' | 0x80..) if self.count <= CHUNK_EXTENSION => ChunkState::Extension,
            (ChunkState::SizeEnd, b'\n') => {
                self.count = 0;
                if self.size == 0 { ChunkState::Trailer } else { ChunkState::Data }
            }
            (ChunkState::DataCr, b'\r') => ChunkState::DataLf,
            (ChunkState::DataLf, b'\n') => {
                self.count = 0;
                ChunkState::Size
            }
            (ChunkState::Trailer, byte) => return self.trailer(byte),
            _ => return Err(Malformed::Chunk),
        };
        Ok(false)
    }

    fn trailer(&mut self, byte: u8) -> Result<bool, Malformed> {
        if self.count > TRAILERS {
            return Err(Malformed::TooLarge);
        }
        if byte != b'\n' {
            self.line.push(byte);
            return Ok(false);
        }
        let line = self.line.strip_suffix(b"\r").ok_or(Malformed::LineEnd)?;
        let end = line.is_empty();
        if !end {
            let (name, _) = split_field(line).map_err(|_| Malformed::Trailer)?;
            // What frames or routes a message, or proves who sends it, cannot come after it (RFC 9110 section 6.5.1).
            let barred: [&[u8]; 5] = [b"content-length", b"transfer-encoding", b"host", b"proxy-authorization", b"connection"];
            if barred.iter().any(|barred| name.eq_ignore_ascii_case(barred)) || is_lookalike(name) {
                return Err(Malformed::Trailer);
            }
        }
        self.line.clear();
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_followed_to_their_end_and_no_further() {
        for (text, end) in
            [("0\r\n\r\nGET", 5), ("5\r\nhello\r\n0\r\n\r\nGET", 15), ("A;x=y\r\n0123456789\r\n000\r\n\r\nGET", 26), ("1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\nGET", 21)]
        {
            assert_eq!(Chunks::default().advance(text.as_bytes()), Ok((end, true)), "{text:?}");
            let mut chunks = Chunks::default();
            let taken = text.bytes().take_while(|byte| !chunks.advance(&[*byte]).expect("sound").1).count() + 1;
            assert_eq!(taken, end, "{text:?}, byte by byte");
        }
    }

    #[test]
    fn chunks_that_two_readers_could_read_differently_are_refused() {
        for (text, why) in [
            ("g\r\n", Malformed::Chunk),
            ("\r\n", Malformed::Chunk),
            (" 1\r\nx\r\n", Malformed::Chunk),
            ("1 \r\nx\r\n", Malformed::Chunk),
            ("0x1\r\nx\r\n", Malformed::Chunk),
            ("+1\r\nx\r\n", Malformed::Chunk),
            ("1\nx\r\n", Malformed::Chunk),
            ("1\r\nxy\r\n", Malformed::Chunk),
            ("1\r\nx\n", Malformed::Chunk),
            ("1;a\nb\r\nx\r\n", Malformed::Chunk),
            ("1;a\rb\r\nx\r\n", Malformed::Chunk),
            ("ffffffffffffffff\r\n", Malformed::Chunk),
            ("0\r\nX : 1\r\n\r\n", Malformed::Trailer),
            ("0\r\n X: 1\r\n\r\n", Malformed::Trailer),
            ("0\r\nContent-Length: 1\r\n\r\n", Malformed::Trailer),
            ("0\r\nHost: b\r\n\r\n", Malformed::Trailer),
            ("0\r\nX: 1\n\r\n", Malformed::LineEnd),
        ] {
            assert_eq!(Chunks::default().advance(text.as_bytes()), Err(why), "{text:?}");
        }
        assert_eq!(Chunks::default().advance(format!("1;{}", "x".repeat(300)).as_bytes()), Err(Malformed::Chunk));
        assert_eq!(Chunks::default().advance(format!("0\r\nX: {}", "x".repeat(20_000)).as_bytes()), Err(Malformed::TooLarge));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = Chunks::default().advance(&bytes);
        }

        /// However a chunked body is cut, it ends at the same byte.
        #[test]
        fn cuts_do_not_matter(sizes in proptest::collection::vec(1..40usize, 0..5), cut in 0..300usize) {
            let mut text = String::new();
            for size in sizes {
                text += &format!("{size:x}\r\n{}\r\n", "x".repeat(size));
            }
            text += "0\r\nA: b\r\n\r\n";
            let whole = text.len();
            text += "GET / HTTP/1.1";
            let cut = cut.min(whole - 1);
            let mut chunks = Chunks::default();
            proptest::prop_assert_eq!(chunks.advance(&text.as_bytes()[..cut]), Ok((cut, false)));
            proptest::prop_assert_eq!(chunks.advance(&text.as_bytes()[cut..]), Ok((whole - cut, true)));
        }
    }
}
