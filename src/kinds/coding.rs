//! The codings of a body undone as it streams, as far as it takes to know what a file is. Each decoder gives its bytes on in small pieces, so that a bomb
//! takes time and no room; who takes them says when there were enough.

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use std::io::{self, Write};

/// The largest window of Zstandard, as a power of two: what RFC 9659 has browsers take.
const ZSTD_WINDOW: u32 = 23;
/// Bytes brotli gives on at a time.
const BROTLI_PIECE: usize = 8 * 1024;

/// A coding that can be undone here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// None.
    Plain,
    /// `gzip`.
    Gzip,
    /// `deflate`: with a zlib head, as it is meant, or without, as some send it.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

impl Coding {
    /// The coding of these `Content-Encoding`s; none if it is one that is not known, or several on top of each other.
    #[must_use]
    pub fn of<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<Self> {
        let mut found = Self::Plain;
        for value in values.flat_map(|value| value.split(|byte| *byte == b',')) {
            let one = match value.trim_ascii().to_ascii_lowercase().as_slice() {
                b"" | b"identity" => continue,
                b"gzip" | b"x-gzip" => Self::Gzip,
                b"deflate" => Self::Deflate,
                b"br" => Self::Brotli,
                b"zstd" => Self::Zstd,
                _ => return None,
            };
            if found != Self::Plain {
                return None;
            }
            found = one;
        }
        Some(found)
    }
}

/// Undoes a coding; what it comes to goes to `W`.
pub enum Decoder<W: Write> {
    /// Nothing to undo.
    Plain(W),
    /// The first two bytes of `deflate` are awaited.
    Deflate(Option<W>, Vec<u8>),
    /// See [`Coding::Gzip`].
    Gzip(Box<MultiGzDecoder<W>>),
    /// `deflate` with its head.
    Zlib(Box<ZlibDecoder<W>>),
    /// `deflate` without.
    Raw(Box<DeflateDecoder<W>>),
    /// See [`Coding::Brotli`].
    Brotli(Box<DecompressorWriter<W>>),
    /// See [`Coding::Zstd`].
    Zstd(Box<zstd::stream::write::Decoder<'static, W>>),
}

impl<W: Write> Decoder<W> {
    /// A decoder that gives what it undoes to `to`.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn new(coding: Coding, to: W) -> io::Result<Self> {
        Ok(match coding {
            Coding::Plain => Self::Plain(to),
            Coding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(to))),
            Coding::Deflate => Self::Deflate(Some(to), Vec::new()),
            Coding::Brotli => Self::Brotli(Box::new(DecompressorWriter::new(to, BROTLI_PIECE))),
            Coding::Zstd => {
                let mut decoder = zstd::stream::write::Decoder::new(to)?;
                decoder.window_log_max(ZSTD_WINDOW)?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }

    /// Where it gives what it undoes.
    pub fn sink(&mut self) -> Option<&mut W> {
        match self {
            Self::Plain(to) => Some(to),
            Self::Deflate(to, _) => to.as_mut(),
            Self::Gzip(decoder) => Some(decoder.get_mut()),
            Self::Zlib(decoder) => Some(decoder.get_mut()),
            Self::Raw(decoder) => Some(decoder.get_mut()),
            Self::Brotli(decoder) => Some(decoder.get_mut()),
            Self::Zstd(decoder) => Some(decoder.get_mut()),
        }
    }

    /// More of the body.
    ///
    /// # Errors
    /// If it is not coded as it says, or the sink wants no more.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(to) => to.write_all(bytes),
            Self::Gzip(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Self::Zlib(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Self::Raw(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Self::Brotli(decoder) => decoder.write_all(bytes),
            Self::Zstd(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Self::Deflate(to, first) => {
                first.extend_from_slice(bytes);
                let &[a, b, ..] = first.as_slice() else { return Ok(()) };
                let Some(to) = to.take() else { return Ok(()) };
                // RFC 1950 section 2.2: a check over both bytes.
                let has_head = a & 0x0f == 8 && u16::from_be_bytes([a, b]).is_multiple_of(31);
                let first = std::mem::take(first);
                *self = if has_head { Self::Zlib(Box::new(ZlibDecoder::new(to))) } else { Self::Raw(Box::new(DeflateDecoder::new(to))) };
                self.take(&first)
            }
        }
    }
}
