//! What a client sends, on its way to the origin: counted, heard, and held to what its person may have now, as an answer is. What is held back is not read from
//! the client, and that counts against nobody.

use super::super::pace::{Cut, GRAIN};
use super::{ClientBody, Patience};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

/// How far a body has come, for whoever waits for the answer to it.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// How many bytes went on.
    pub sent: Arc<AtomicU64>,
    /// Whether the next has to wait for its turn, and how often one had to.
    waits: Arc<AtomicBool>,
    turns: Arc<AtomicU64>,
    cut: Arc<OnceLock<Cut>>,
}

impl Progress {
    /// Of a body of which so many bytes went on.
    #[must_use]
    pub fn of(sent: Arc<AtomicU64>) -> Self {
        Self { sent, ..Self::default() }
    }

    /// A number that grows whenever something of it has come, or has had its turn.
    #[must_use]
    pub fn moves(&self) -> u64 {
        self.sent.load(Ordering::Relaxed) + self.turns.load(Ordering::Relaxed)
    }

    /// Whether something went on since that number was this, or nothing could: then nobody is late.
    #[must_use]
    pub fn moves_since(&self, before: u64) -> bool {
        self.moves() > before || self.waits.load(Ordering::Relaxed)
    }

    /// Why nothing more of it passes, if it was cut.
    #[must_use]
    pub fn cut(&self) -> Option<Cut> {
        self.cut.get().cloned()
    }
}

impl ClientBody {
    /// What comes next, as far as it may pass now.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(gate) = &mut self.gate {
            ready!(gate.poll(cx));
            self.gate = None;
        }
        let room = match self.poll_leash(cx) {
            Poll::Ready(Ok(room)) => room,
            Poll::Ready(Err(cut)) => {
                // Nothing is read after that, so there is one.
                let _ = self.progress.cut.set(cut.clone());
                return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::PermissionDenied, cut))));
            }
            Poll::Pending => {
                self.progress.waits.store(true, Ordering::Relaxed);
                return Poll::Pending;
            }
        };
        if self.progress.waits.swap(false, Ordering::Relaxed) {
            self.progress.turns.fetch_add(1, Ordering::Relaxed);
            self.patience.iter_mut().for_each(Patience::rested);
        }
        if let Some(bytes) = self.leash.take_aside(room) {
            self.leash.spend(bytes.len());
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let mut frame = ready!(self.poll_client(cx));
        if let Some(Ok(some)) = &mut frame
            && let Some(bytes) = some.data_mut()
        {
            if bytes.len() > room {
                self.leash.put_aside(bytes.split_off(room));
            }
            self.leash.spend(bytes.len());
        }
        Poll::Ready(frame)
    }

    fn poll_leash(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Cut>> {
        let (aside, inner) = (self.leash.aside(), &self.inner);
        let left = || inner.size_hint().exact().and_then(|left| usize::try_from(left).ok());
        self.leash.poll(|| left().map_or(GRAIN, |left| left.saturating_add(aside)), cx)
    }

    /// What the client sends next.
    fn poll_client(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if let Some(patience) = &mut self.patience
            && let Poll::Ready(error) = patience.poll(polled.is_pending(), cx)
        {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(polled);
        if let Some(bytes) = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref) {
            self.progress.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        if let Some(listener) = &mut self.listener {
            listener.hear(frame.as_ref().and_then(|frame| frame.as_ref().ok()));
            // Who knows the length does not ask for the end.
            if self.inner.is_end_stream() {
                listener.tell();
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    pub(super) fn is_over(&self) -> bool {
        self.leash.aside() == 0 && self.inner.is_end_stream()
    }

    /// How much is left, as far as that is known.
    pub(super) fn left(&self) -> SizeHint {
        let left = self.inner.size_hint();
        match (self.leash.aside(), left.exact()) {
            (0, _) => left,
            (aside, Some(exact)) => SizeHint::with_exact(exact + aside as u64),
            (_, None) => SizeHint::new(),
        }
    }
}
