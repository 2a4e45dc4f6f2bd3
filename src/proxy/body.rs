//! Bodies on their way through, neither collected nor changed: what goes to the origin is counted, and what comes back closes the record. How they are held to
//! what their person may have is `held`, and for what is sent `sent`.

mod held;
mod sent;

pub use sent::Progress;

use super::bound::Far;
use super::conn::Conn;
use super::inspected_file::InspectedFile;
use super::limits::CONTINUE_WAIT;
use super::pace::Leash;
use super::pool::{Origin, Pool};
use super::replay::Replay;
use super::scanned::{Scanned, Source};
use super::sequel::Listener;
use super::timer::Timer;
use crate::antivirus::spool::Pieces;
use crate::audit::{Outcome, Pending};
use crate::policy::decision::Destination;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

/// The body of a request to an origin.
pub enum RequestBody {
    /// None.
    Empty,
    /// From the client.
    Client(Box<ClientBody>),
    /// From the client, to be sent again if need be.
    Replay(Replay),
    /// Read as it passes.
    Scanned(Box<Scanned<RequestBody>>),
    /// From the client, held whole until it was judged.
    Held(Box<HeldBody>),
}

/// What was held, and how much of it went out.
pub struct HeldBody {
    /// What is left.
    pub pieces: Pieces,
    /// How many bytes went out.
    pub sent: Arc<AtomicU64>,
}

/// A body from a client, counted, and held back until the origin wants it if the client said it would wait.
pub struct ClientBody {
    /// The bytes.
    pub inner: Incoming,
    /// How far it has come.
    pub progress: Progress,
    /// Holds it.
    pub leash: Leash,
    /// `Expect: 100-continue`.
    pub gate: Option<Gate>,
    /// How long the client may send nothing, where its connection does not watch that.
    pub patience: Option<Patience>,
    /// Who listens to what a chat service is asked.
    pub listener: Option<Listener>,
}

/// The longest a body may be still.
pub struct Patience {
    limit: Duration,
    active: Instant,
    timer: Timer,
}

impl Patience {
    /// So long.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { limit, active: Instant::now(), timer: Timer::default() }
    }

    /// Forgives that nothing came while it was not asked for.
    fn rested(&mut self) {
        self.active = Instant::now();
    }

    /// Ready when it has been still for too long.
    fn poll(&mut self, is_still: bool, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !is_still {
            self.active = Instant::now();
            return Poll::Pending;
        }
        ready!(self.timer.poll(self.active + self.limit, cx));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client sent nothing for too long"))
    }
}

/// Holds a body back until the origin says `100 Continue` or a while has passed.
pub struct Gate {
    opened: oneshot::Receiver<()>,
    patience: Pin<Box<Sleep>>,
}

impl Gate {
    /// A gate that opens when something is sent.
    #[must_use]
    pub fn new(opened: oneshot::Receiver<()>) -> Self {
        Self { opened, patience: Box::pin(sleep(CONTINUE_WAIT)) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if Pin::new(&mut self.opened).poll(cx) == Poll::Ready(Ok(())) {
            return Poll::Ready(());
        }
        self.patience.as_mut().poll(cx)
    }
}

impl RequestBody {
    /// Holds nothing back any more: nobody will say when the origin wants it.
    pub(super) fn open(&mut self) {
        match self {
            Self::Empty | Self::Held(_) => {}
            Self::Client(body) => body.gate = None,
            Self::Replay(body) => body.open(),
            Self::Scanned(body) => body.source_mut().open(),
        }
    }
}

impl Source for RequestBody {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(self).poll_frame(cx)
    }

    fn left(&self) -> SizeHint {
        self.size_hint()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let body = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Client(body) => body,
            Self::Replay(body) => return Pin::new(body).poll_frame(cx),
            Self::Scanned(body) => return body.poll_next(cx),
            Self::Held(held) => {
                let frame = ready!(held.pieces.poll_next(cx)).map(|read| read.map(Frame::data));
                let said = frame.as_ref().and_then(|frame| frame.as_ref().ok());
                held.sent.fetch_add(said.and_then(Frame::data_ref).map_or(0, Bytes::len) as u64, Ordering::Relaxed);
                return Poll::Ready(frame);
            }
        };
        body.poll_next(cx)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Held(held) => held.pieces.left() == 0,
            Self::Client(body) => body.is_over(),
            Self::Replay(body) => body.is_end_stream(),
            Self::Scanned(body) => body.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Held(held) => SizeHint::with_exact(held.pieces.left()),
            Self::Client(body) => body.left(),
            Self::Replay(body) => body.size_hint(),
            Self::Scanned(body) => body.left(),
        }
    }
}

/// The body of an answer to a client. It closes its record when it ends, and also when it is given up.
pub struct AnswerBody {
    content: Content,
    pending: Option<Pending>,
    /// Told when the answer has ended.
    conn: Option<Arc<Conn>>,
    /// Holds what comes from an origin.
    leash: Option<Leash>,
}

enum Content {
    Empty,
    Own(Bytes),
    Origin(Relay),
    File(Box<InspectedFile>),
    Scanned(Box<Scanned<Flow>>),
}

/// An origin's answer on its way, before its words are read.
pub enum Flow {
    /// As it comes.
    Origin(Box<Relay>),
    /// Judged as a file.
    File(Box<InspectedFile>),
}

/// Where a connection goes when its answer was read to its end.
pub enum Home {
    /// To the idle ones, for whoever asks next.
    Pool(Pool, Destination),
    /// To the client that has logged it in.
    Client(Arc<Conn>, Far),
    /// Nowhere: others use it all the while.
    Shared,
}

/// An origin's answer, and the connection it comes on.
pub struct Relay {
    inner: Incoming,
    lease: Option<(Origin, Home)>,
    /// The longest the origin may send nothing in the middle of an answer.
    limit: Duration,
    /// When it last sent something.
    active: Instant,
    timer: Timer,
}

impl Relay {
    /// The answer `inner` that comes on `origin`, which goes `home` when it is read to its end.
    #[must_use]
    pub fn new(inner: Incoming, origin: Origin, home: Home, limit: Duration) -> Self {
        let mut relay = Self { inner, lease: Some((origin, home)), limit, active: Instant::now(), timer: Timer::default() };
        relay.release_at_end();
        relay
    }

    fn release_at_end(&mut self) {
        if self.inner.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        match self.lease.take() {
            Some((origin, Home::Pool(pool, to))) => pool.keep(to, origin),
            Some((origin, Home::Client(conn, far))) => conn.bound.keep(far, origin),
            Some((_, Home::Shared)) | None => {}
        }
    }

    /// Forgives the origin what was not its fault: that it was not asked for a while.
    pub(super) fn rested(&mut self) {
        self.active = Instant::now();
    }

    /// Whether all of it was read.
    pub(super) fn is_over(&self) -> bool {
        self.inner.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                ready!(self.timer.poll(self.active + self.limit, cx));
                // If nothing comes on it at all, nobody else is to wait for that.
                if let Some((origin, _)) = &self.lease {
                    origin.sender.retire();
                }
                let error = io::Error::new(io::ErrorKind::TimedOut, "the origin sent nothing for too long");
                return Poll::Ready(Some(Err(error)));
            }
        };
        self.active = Instant::now();
        match &frame {
            None => self.release(),
            // Nothing comes after trailers, and hyper does not ask.
            Some(Ok(frame)) if frame.is_trailers() => self.release(),
            Some(Ok(_)) => self.release_at_end(),
            Some(Err(_)) => self.lease = None,
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }
}

impl Source for Relay {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.poll_frame(cx)
    }

    fn left(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Source for Flow {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self {
            Self::Origin(relay) => relay.poll_frame(cx),
            Self::File(file) => file.poll_frame(cx),
        }
    }

    fn left(&self) -> SizeHint {
        match self {
            Self::Origin(relay) => relay.size_hint(),
            Self::File(file) => file.size_hint(),
        }
    }
}

impl Flow {
    /// Whether the memory that undoing its codings takes is taken.
    pub(super) fn has_memory(&self) -> bool {
        matches!(self, Self::File(file) if file.has_memory())
    }
}

impl AnswerBody {
    /// No body.
    #[must_use]
    pub fn empty(pending: Option<Pending>, conn: Arc<Conn>) -> Self {
        Self { content: Content::Empty, pending, conn: Some(conn), leash: None }
    }

    /// The end of HTTP on this connection: what follows is a tunnel's.
    #[must_use]
    pub fn switching() -> Self {
        Self { content: Content::Empty, pending: None, conn: None, leash: None }
    }

    /// A page of our own.
    #[must_use]
    pub fn own(bytes: Bytes, pending: Option<Pending>, conn: Arc<Conn>) -> Self {
        let content = if bytes.is_empty() { Content::Empty } else { Content::Own(bytes) };
        Self { content, pending, conn: Some(conn), leash: None }
    }

    /// An origin's answer, held by `leash`.
    #[must_use]
    pub fn relay(relay: Relay, pending: Pending, conn: Arc<Conn>, leash: Leash) -> Self {
        Self { content: Content::Origin(relay), pending: Some(pending), conn: Some(conn), leash: Some(leash) }
    }

    /// Whether there is something to come from an origin.
    pub(super) fn is_of_origin(&self) -> bool {
        matches!(&self.content, Content::Origin(relay) if !relay.is_over())
    }

    /// Has an origin's answer judged on its way.
    pub(super) fn inspect(&mut self, judged: impl FnOnce(Relay) -> InspectedFile) -> Option<&mut InspectedFile> {
        self.content = match std::mem::replace(&mut self.content, Content::Empty) {
            Content::Origin(relay) => Content::File(Box::new(judged(relay))),
            other => other,
        };
        match &mut self.content {
            Content::File(file) => Some(file),
            Content::Empty | Content::Own(_) | Content::Origin(_) | Content::Scanned(_) => None,
        }
    }

    /// Gives up an answer of which nothing has left; its record stays open.
    pub(super) fn withdraw(mut self) -> Option<Pending> {
        // Another answer takes its place on the connection.
        self.conn = None;
        self.pending.take()
    }

    /// Takes out what comes from an origin, to be read on its way, with the record and the connection of the answer, and what holds it; nothing, of an
    /// answer of our own.
    pub(super) fn take_flow(&mut self) -> Option<(Flow, Pending, Arc<Conn>, Option<Leash>)> {
        if !matches!(self.content, Content::Origin(_) | Content::File(_)) {
            return None;
        }
        let (pending, conn) = self.pending.take().zip(self.conn.take())?;
        match std::mem::replace(&mut self.content, Content::Empty) {
            Content::Origin(relay) => Some((Flow::Origin(Box::new(relay)), pending, conn, self.leash.take())),
            Content::File(file) => Some((Flow::File(file), pending, conn, self.leash.take())),
            Content::Empty | Content::Own(_) | Content::Scanned(_) => None,
        }
    }

    /// An origin's answer that is read as it passes.
    #[must_use]
    pub fn scanned(scanned: Box<Scanned<Flow>>, pending: Pending, conn: Arc<Conn>, leash: Option<Leash>) -> Self {
        Self { content: Content::Scanned(scanned), pending: Some(pending), conn: Some(conn), leash }
    }

    fn finish(&mut self, mut outcome: Outcome) {
        if let Content::Scanned(scanned) = &mut self.content
            && let Some(pending) = &mut self.pending
        {
            let is_found = scanned.concluded().map(|found| found.note(pending)).is_some();
            scanned.beside().iter().for_each(|said| said.note(pending));
            if is_found && scanned.is_cut() {
                outcome = Outcome::Cut;
            }
        }
        if let Some(pending) = self.pending.take() {
            pending.close(outcome);
        }
        if let Some(conn) = self.conn.take() {
            conn.answered();
        }
    }

    fn fail(&mut self, error: &io::Error) {
        if let Some(pending) = &mut self.pending {
            pending.add_note(error.to_string());
        }
        self.finish(match error.kind() {
            io::ErrorKind::TimedOut => Outcome::LimitReached,
            // It was judged on its way, and cut off.
            io::ErrorKind::PermissionDenied => Outcome::Abandoned,
            _ => Outcome::OriginFailed,
        });
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.content {
            Content::Empty => Poll::Ready(None),
            Content::Own(bytes) => {
                let frame = Frame::data(std::mem::take(bytes));
                self.content = Content::Empty;
                Poll::Ready(Some(Ok(frame)))
            }
            Content::Origin(relay) => relay.poll_frame(cx),
            Content::File(file) => file.poll_frame(cx),
            Content::Scanned(scanned) => scanned.poll_next(cx),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let polled = this.poll_held(cx);
        if let Some(conn) = &this.conn {
            conn.gives(polled.is_ready());
        }
        let frame = ready!(polled);
        match &frame {
            None => this.finish(Outcome::Complete),
            Some(Ok(frame)) => {
                if let (Some(pending), Some(bytes)) = (&mut this.pending, frame.data_ref()) {
                    pending.sent(bytes.len() as u64);
                }
                if frame.is_trailers() || this.is_end_stream() {
                    this.finish(Outcome::Complete);
                }
            }
            Some(Err(error)) => this.fail(error),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        if self.leash.as_ref().is_some_and(|leash| leash.aside() > 0) {
            return false;
        }
        match &self.content {
            Content::Empty => true,
            Content::Own(_) => false,
            Content::Origin(relay) => relay.is_over(),
            Content::File(file) => file.is_over(),
            Content::Scanned(scanned) => scanned.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.content.left();
        match (self.leash.as_ref().map_or(0, Leash::aside), left.exact()) {
            (0, _) => left,
            (aside, Some(exact)) => SizeHint::with_exact(exact + aside as u64),
            (_, None) => SizeHint::new(),
        }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        // hyper drops a body that has no bytes without asking for them.
        let outcome = if self.is_end_stream() { Outcome::Complete } else { Outcome::ClientGone };
        self.finish(outcome);
    }
}
