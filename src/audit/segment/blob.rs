//! Bytes in a segment's file: compressed, and hashed so that a change is found when they are read.

use super::SegmentError;
use crate::audit::entry::{Decoder, Encoder, NotAnEntry};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

/// The most a blob may unpack to.
const MOST: usize = 256 << 20;
/// How hard zstd tries. Higher levels took twice the time for a twentieth less.
const LEVEL: i32 = 3;

thread_local! {
    /// What unpacks: to make one anew for each blob costs more than most blobs do.
    static UNPACKER: RefCell<io::Result<zstd::bulk::Decompressor<'static>>> = RefCell::new(zstd::bulk::Decompressor::new());
}

/// Where a blob lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::audit) struct Blob {
    offset: u64,
    stored: usize,
    /// What it unpacks to; the same as `stored` if it is not compressed.
    raw: usize,
    /// The first half of the BLAKE3 hash of what is stored.
    hash: [u8; 16],
}

fn half_hash(bytes: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    half
}

impl Blob {
    pub(super) fn encode(&self, out: &mut Encoder) {
        out.number(self.offset);
        out.number(self.stored as u64);
        out.number(self.raw as u64);
        out.0.extend(self.hash);
    }

    pub(super) fn decode(from: &mut Decoder<'_>) -> Result<Self, NotAnEntry> {
        let (offset, stored, raw) = (from.number()?, from.small()?, from.small()?);
        let mut hash = [0; 16];
        hash.copy_from_slice(from.bytes(16)?);
        Ok(Self { offset, stored, raw, hash })
    }

    /// What it unpacks to, in bytes.
    pub(super) fn raw(&self) -> u64 {
        self.raw as u64
    }

    /// Reads, checks and unpacks it.
    pub(super) fn read(&self, file: &File) -> Result<Vec<u8>, SegmentError> {
        if self.stored > MOST || self.raw > MOST {
            return Err(SegmentError::Damaged("a part is larger than any may be"));
        }
        let mut stored = vec![0; self.stored];
        file.read_exact_at(&mut stored, self.offset)?;
        if half_hash(&stored) != self.hash {
            return Err(SegmentError::Damaged("bytes were changed"));
        }
        if self.raw == self.stored {
            return Ok(stored);
        }
        let unpacked = UNPACKER.with_borrow_mut(|unpacker| match unpacker {
            Ok(unpacker) => unpacker.decompress(&stored, self.raw).map_err(|_| SegmentError::Damaged("a part cannot be unpacked")),
            Err(error) => Err(io::Error::from(error.kind()).into()),
        })?;
        if unpacked.len() == self.raw { Ok(unpacked) } else { Err(SegmentError::Damaged("a part has the wrong length")) }
    }
}

/// Writes blobs one after the other.
pub(super) struct BlobWriter<W: Write> {
    out: W,
    offset: u64,
    zstd: zstd::bulk::Compressor<'static>,
}

impl<W: Write> BlobWriter<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        Ok(Self { out, offset: 0, zstd: zstd::bulk::Compressor::new(LEVEL)? })
    }

    /// Where the next byte goes.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes as they are, that no blob names.
    pub(super) fn plain(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// A blob, compressed where that makes it smaller.
    pub(super) fn compressed(&mut self, raw: &[u8]) -> io::Result<Blob> {
        let packed = self.zstd.compress(raw)?;
        if packed.len() < raw.len() { self.put(&packed, raw.len()) } else { self.put(raw, raw.len()) }
    }

    /// A blob that is looked into where it lies.
    pub(super) fn as_it_is(&mut self, raw: &[u8]) -> io::Result<Blob> {
        self.put(raw, raw.len())
    }

    fn put(&mut self, stored: &[u8], raw: usize) -> io::Result<Blob> {
        if raw > MOST || stored.len() > MOST {
            return Err(io::Error::other("a part would be larger than any that is read again"));
        }
        let blob = Blob { offset: self.offset, stored: stored.len(), raw, hash: half_hash(stored) };
        self.plain(stored)?;
        Ok(blob)
    }

    pub(super) fn into_inner(self) -> W {
        self.out
    }
}
