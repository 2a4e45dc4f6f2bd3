//! Whether an HTTP/2 origin has said that it looks at no further request (`GOAWAY`, RFC 9113 section 6.8).
//!
//! hyper lets requests go on being sent after that, as long as others are under way, and they are never answered. So the frames that come are watched as they
//! are read: their heads alone, of nine bytes each.
//!
//! They are counted too. hyper reads for as long as there is something to read, and keeps what has come, such as interim answers, until whoever waits for it has
//! its turn: an origin that sends many of the smallest frames could fill the memory meanwhile. So after [`FRAMES_A_TURN`] it is the others' turn.

use super::limits::FRAMES_A_TURN;
use super::patient::Patient;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The length of a frame's head.
const HEAD: usize = 9;
/// The kind of a `GOAWAY`.
const GOAWAY: u8 = 7;

/// A connection to an origin, watched for its goodbye.
#[derive(Debug)]
pub struct Watched {
    io: Patient,
    frames: Frames,
    /// How many had come when it was the others' turn.
    since: usize,
    said: Arc<AtomicBool>,
}

impl Watched {
    /// Watches a connection. `said` becomes true when its origin has said goodbye.
    #[must_use]
    pub fn new(io: Patient, said: Arc<AtomicBool>) -> Self {
        Self { io, frames: Frames::default(), since: 0, said }
    }
}

/// Where the frames of a stream of bytes begin.
#[derive(Debug, Default)]
struct Frames {
    head: [u8; HEAD],
    /// How much of a head is there.
    have: usize,
    /// How much of a frame is yet to come.
    left: usize,
    /// How many have begun.
    count: usize,
}

impl Frames {
    /// Reads on; whether there was a goodbye.
    fn read(&mut self, mut bytes: &[u8]) -> bool {
        let mut goodbye = false;
        while !bytes.is_empty() {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEAD - self.have).min(bytes.len());
            self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == HEAD {
                let [a, b, c, kind, ..] = self.head;
                self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.have = 0;
                self.count = self.count.wrapping_add(1);
                goodbye |= kind == GOAWAY;
            }
        }
        goodbye
    }
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.frames.count.wrapping_sub(this.since) >= FRAMES_A_TURN {
            this.since = this.frames.count;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = out.filled().len();
        let Poll::Ready(read) = Pin::new(&mut this.io).poll_read(cx, out) else {
            this.since = this.frames.count;
            return Poll::Pending;
        };
        read?;
        if this.frames.read(&out.filled()[before..]) {
            this.said.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
        [&length[1..], &[kind, 0, 0, 0, 0, 1], payload].concat()
    }

    proptest::proptest! {
        /// A goodbye is found among any frames, whatever they hold, and however the bytes are cut.
        #[test]
        fn a_goodbye_is_found_however_it_comes(
            before in proptest::collection::vec((0u8..7, proptest::collection::vec(7u8..8, 0..40)), 0..6),
            says in proptest::bool::ANY,
            cut in 1usize..30,
        ) {
            let mut bytes: Vec<u8> = before.iter().flat_map(|(kind, payload)| frame(*kind, payload)).collect();
            if says {
                bytes.extend(frame(GOAWAY, &[0; 8]));
            }
            let mut frames = Frames::default();
            let mut found = false;
            for part in bytes.chunks(cut) {
                found |= frames.read(part);
            }
            proptest::prop_assert_eq!(found, says);
        }
    }
}
