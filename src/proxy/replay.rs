//! A body that can be sent a second time, as long as it is short: for a request that an origin says it has not looked at.

use super::body::RequestBody;
use super::limits::REPLAYED;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A body whose beginning is kept.
pub struct Replay {
    of: Arc<Mutex<Kept>>,
    /// Whose turn it is to read it: what was sent before reads no more.
    turn: usize,
}

struct Kept {
    rest: Box<RequestBody>,
    /// What was read of it, if that is all kept.
    read: Option<Vec<Bytes>>,
    size: usize,
    /// How many of these were read in this turn.
    at: usize,
    turn: usize,
}

impl Replay {
    /// Keeps the beginning of this body.
    #[must_use]
    pub fn of(rest: RequestBody) -> Self {
        let kept = Kept { rest: Box::new(rest), read: Some(Vec::new()), size: 0, at: 0, turn: 0 };
        Self { of: Arc::new(Mutex::new(kept)), turn: 0 }
    }

    /// The way to send it again, should that be needed.
    #[must_use]
    pub fn again(&self) -> Again {
        Again(self.of.clone())
    }

    /// Holds nothing back any more.
    pub(super) fn open(&self) {
        self.of.lock().rest.open();
    }
}

/// The way to send a body again.
pub struct Again(Arc<Mutex<Kept>>);

impl Again {
    /// The body from its beginning, if that is still kept. It is read here from now on, and nowhere else.
    #[must_use]
    pub fn body(self) -> Option<RequestBody> {
        let turn = {
            let mut kept = self.0.lock();
            kept.read.as_ref()?;
            (kept.turn, kept.at) = (kept.turn + 1, 0);
            kept.turn
        };
        Some(RequestBody::Replay(Replay { of: self.0, turn }))
    }
}

impl Kept {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(bytes) = self.read.as_ref().and_then(|read| read.get(self.at)) {
            self.at += 1;
            return Poll::Ready(Some(Ok(Frame::data(bytes.clone()))));
        }
        let frame = ready!(Pin::new(&mut *self.rest).poll_frame(cx));
        match &frame {
            None => {}
            Some(Ok(frame)) => self.keep(frame.data_ref()),
            Some(Err(_)) => self.read = None,
        }
        Poll::Ready(frame)
    }

    fn keep(&mut self, bytes: Option<&Bytes>) {
        self.size += bytes.map_or(0, Bytes::len);
        match (bytes.filter(|_| self.size <= REPLAYED), &mut self.read) {
            (Some(bytes), Some(read)) => {
                read.push(bytes.clone());
                self.at += 1;
            }
            // Too long; or trailers, which are few enough to do without.
            (None, _) => self.read = None,
            (Some(_), None) => {}
        }
    }

    /// What is kept and not read in this turn.
    fn unread(&self) -> &[Bytes] {
        self.read.as_ref().and_then(|read| read.get(self.at..)).unwrap_or_default()
    }
}

impl Body for Replay {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut kept = self.of.lock();
        if kept.turn != self.turn {
            return Poll::Ready(Some(Err(io::Error::other("the request was sent again"))));
        }
        kept.poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        let kept = self.of.lock();
        kept.unread().is_empty() && kept.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let kept = self.of.lock();
        let unread = kept.unread().iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        kept.rest.size_hint().exact().map_or_else(SizeHint::default, |rest| SizeHint::with_exact(unread + rest))
    }
}
