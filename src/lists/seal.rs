//! The seal of a compiled file: BLAKE3 keyed with the secret of the installation, so that only who knows the secret can make one.
//!
//! The bytes are hashed in pieces of 1 MiB, and the hashes of the pieces, in order, with the whole length, once more. So a large file is checked by
//! several threads at once.

use blake3::{Hash, Hasher, KEY_LEN};
use std::io::{self, Write};
use std::thread;

/// The length of a seal, in bytes.
pub const LENGTH: usize = 32;
/// How much is hashed as one.
const PIECE: usize = 1 << 20;
/// What is not worth a thread.
const LEAST_SHARE: usize = 8 * PIECE;
/// The most threads that check one file.
const MOST_THREADS: usize = 4;

/// The keys of seals.
pub struct Seal {
    pieces: [u8; KEY_LEN],
    whole: [u8; KEY_LEN],
}

impl Seal {
    /// Seals of the installation with this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self {
            pieces: blake3::derive_key("usher 2026 the seal of compiled lists, its pieces", secret),
            whole: blake3::derive_key("usher 2026 the seal of compiled lists", secret),
        }
    }

    /// The seal of these bytes.
    pub fn of(&self, bytes: &[u8]) -> Hash {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let share = bytes.len().div_ceil(threads).next_multiple_of(PIECE).max(LEAST_SHARE);
        let (own, others) = bytes.split_at(share.min(bytes.len()));
        let pieces = thread::scope(|scope| {
            let others: Vec<_> = others.chunks(share).map(|share| (share, thread::Builder::new().spawn_scoped(scope, || self.pieces_of(share)).ok())).collect();
            let mut pieces = self.pieces_of(own);
            for (share, thread) in others {
                // Where no thread can be had, the work is done here.
                pieces.extend(thread.and_then(|thread| thread.join().ok()).unwrap_or_else(|| self.pieces_of(share)));
            }
            pieces
        });
        self.close(&pieces, bytes.len() as u64)
    }

    fn pieces_of(&self, bytes: &[u8]) -> Vec<Hash> {
        bytes.chunks(PIECE).map(|piece| blake3::keyed_hash(&self.pieces, piece)).collect()
    }

    fn close(&self, pieces: &[Hash], length: u64) -> Hash {
        let mut whole = Hasher::new_keyed(&self.whole);
        for piece in pieces {
            whole.update(piece.as_bytes());
        }
        whole.update(&length.to_le_bytes()).finalize()
    }
}

/// Writes on, and ends with the seal of all that was written.
pub struct Sealing<W> {
    out: W,
    seal: Seal,
    pieces: Vec<Hash>,
    piece: Hasher,
    /// How much was written.
    pub written: usize,
}

impl<W: Write> Sealing<W> {
    /// Begins.
    pub fn new(out: W, seal: Seal) -> Self {
        let piece = Hasher::new_keyed(&seal.pieces);
        Self { out, seal, pieces: Vec::new(), piece, written: 0 }
    }

    /// Writes all of these bytes.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.written % PIECE));
            self.piece.update(now);
            self.written += now.len();
            if self.written.is_multiple_of(PIECE) {
                self.end_piece();
            }
            bytes = later;
        }
        Ok(())
    }

    fn end_piece(&mut self) {
        self.pieces.push(self.piece.finalize());
        self.piece.reset();
    }

    /// Writes the seal.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.written.is_multiple_of(PIECE) {
            self.end_piece();
        }
        self.out.write_all(self.seal.close(&self.pieces, self.written as u64).as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_bears_the_seal_of_what_is_read() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, LEAST_SHARE, 2 * LEAST_SHARE + 7] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            let mut written = Vec::new();
            let mut sealing = Sealing::new(&mut written, Seal::new(&[7; 32]));
            bytes.chunks(PIECE / 3 + 1).for_each(|part| sealing.write(part).expect("written"));
            sealing.finish().expect("written");
            let (body, seal) = written.split_at(length);
            assert_eq!(body, bytes);
            assert_eq!(Seal::new(&[7; 32]).of(body).as_bytes(), seal, "{length}");
            assert_ne!(Seal::new(&[8; 32]).of(body).as_bytes(), seal, "{length}");
        }
    }

    #[test]
    fn pieces_do_not_change_places() {
        let seal = |first: u8, second: u8| Seal::new(&[7; 32]).of(&[vec![first; PIECE], vec![second; PIECE]].concat());
        assert_ne!(seal(1, 2), seal(2, 1));
    }
}
