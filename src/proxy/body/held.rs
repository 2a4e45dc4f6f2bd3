//! An answer that is held to what its person may have now: cut, or given a piece at a time. What is held back is not asked for, and that counts against nobody.

use super::super::pace::GRAIN;
use super::{AnswerBody, Content, Flow};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::io;
use std::task::{Context, Poll, ready};

impl AnswerBody {
    /// What comes next, as far as it may pass now.
    pub(super) fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(leash) = &mut self.leash else { return self.poll_content(cx) };
        let aside = leash.aside();
        let wanted = || self.content.left().exact().and_then(|left| usize::try_from(left).ok()).map_or(GRAIN, |left| left.saturating_add(aside));
        let room = match ready!(leash.poll(wanted, cx)) {
            Ok(room) => room,
            Err(cut) => return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::PermissionDenied, cut)))),
        };
        if let Some(bytes) = leash.take_aside(room) {
            leash.spend(bytes.len());
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if leash.was_held() {
            self.content.rested();
        }
        let mut frame = ready!(self.poll_content(cx));
        if let (Some(leash), Some(Ok(some))) = (&mut self.leash, &mut frame)
            && let Some(bytes) = some.data_mut()
        {
            if bytes.len() > room {
                leash.put_aside(bytes.split_off(room));
            }
            leash.spend(bytes.len());
        }
        Poll::Ready(frame)
    }
}

impl Content {
    /// How much is left, as far as that is known.
    pub(super) fn left(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Own(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Origin(relay) => relay.size_hint(),
            Self::File(file) => file.size_hint(),
            Self::Scanned(scanned) => scanned.left(),
        }
    }

    /// Forgives an origin that it was not asked for a while.
    fn rested(&mut self) {
        match self {
            Self::Empty | Self::Own(_) => {}
            Self::Origin(relay) => relay.rested(),
            Self::File(file) => file.rested(),
            Self::Scanned(scanned) => match scanned.source_mut() {
                Flow::Origin(relay) => relay.rested(),
                Flow::File(file) => file.rested(),
            },
        }
    }
}
