//! A client's connection, watched: every head is checked before hyper sees it, and every wait has an end.
//!
//! A head that is refused is replaced by one of our own that closes the connection, and the reason is left in [`Conn`]; the service
//! finds it there and answers in turn, so also a refusal is answered in order and put on record. Bodies pass through, followed only to know
//! where the next head begins. Once a tunnel is open nothing is looked at.
//!
//! A connection that begins with `CONNECT`, as every connection for https does, never reaches hyper: see [`ClientStream::first`].
//!
//! Waits: for a head to begin, for it to end, for the next bytes of a body, for the client to take bytes of an answer.

use super::chunks::Chunks;
use super::framing::{Body, Malformed, asks_whole_server, check_head, head_length, read_head};
use super::limits::{EARLY_BYTES, Limits, READ_BUFFER};
use super::listen::Seat;
use bytes::{Buf, BytesMut};
use http::Request;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// The path of the request that stands for one that was refused. A client may ask for it too; only [`Conn::refusal`] gives it meaning.
pub(super) const REFUSED_HOST: &str = "refused.invalid";
const REFUSED_HEAD: &[u8] = b"GET http://refused.invalid/ HTTP/1.1\r\nHost: refused.invalid\r\nConnection: close\r\n\r\n";

/// What the parts of one connection tell each other.
#[derive(Debug)]
pub struct Conn {
    /// The client.
    pub client: SocketAddr,
    /// Whether a request is being served: from its head to the end of its answer.
    serving: AtomicBool,
    refusal: Mutex<Option<Malformed>>,
    interim: Mutex<Interim>,
    has_interim: AtomicBool,
    /// Whether the reader waits for the answer to end, with nothing else to wake it.
    waits_for_answer: AtomicBool,
    /// The end of the connection is the end of the answer (HTTP/1.0).
    ends_with_answer: AtomicBool,
    /// The request is for the server as a whole, not for a page of it.
    whole_server: AtomicBool,
    _seat: Seat,
}

/// Interim answers (1xx) on their way to the client.
#[derive(Debug, Default)]
struct Interim {
    bytes: Vec<u8>,
    reader: Option<Waker>,
}

impl Conn {
    /// The state of a new connection.
    #[must_use]
    pub fn new(client: SocketAddr, seat: Seat) -> Arc<Self> {
        let (refusal, interim) = (Mutex::default(), Mutex::default());
        Arc::new(Self {
            client,
            serving: AtomicBool::new(false),
            refusal,
            interim,
            has_interim: AtomicBool::new(false),
            waits_for_answer: AtomicBool::new(false),
            ends_with_answer: AtomicBool::new(false),
            whole_server: AtomicBool::new(false),
            _seat: seat,
        })
    }

    /// Whether the request is for the server as a whole (`OPTIONS http://host`).
    #[must_use]
    pub fn asks_whole_server(&self) -> bool {
        self.whole_server.load(Ordering::Acquire)
    }

    /// Why the last head was refused, if it was; told once.
    pub fn refusal(&self) -> Option<Malformed> {
        self.refusal.lock().take()
    }

    /// The answer to the request has ended, or was given up.
    pub fn answered(&self) {
        self.serving.store(false, Ordering::Release);
        if self.waits_for_answer.swap(false, Ordering::AcqRel)
            && let Some(reader) = self.interim.lock().reader.take()
        {
            reader.wake();
        }
    }

    /// Wakes this reader when the answer has ended: it may read on then.
    fn wake_when_answered(&self, cx: &Context<'_>) {
        self.interim.lock().reader = Some(cx.waker().clone());
        self.waits_for_answer.store(true, Ordering::Release);
    }

    /// The client speaks HTTP/1.0: it takes the end of the connection for the end of the answer.
    pub fn ends_with_its_answer(&self) {
        self.ends_with_answer.store(true, Ordering::Release);
    }

    /// Whether a request is being served.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    /// Sends an interim answer ahead of the answer being waited for (RFC 9110 section 15.2).
    pub fn send_interim(&self, bytes: &[u8]) {
        let mut interim = self.interim.lock();
        interim.bytes.extend_from_slice(bytes);
        self.has_interim.store(true, Ordering::Release);
        if let Some(reader) = interim.reader.take() {
            reader.wake();
        }
    }
}

/// What the next bytes from the client are.
#[derive(Debug)]
enum Next {
    Head,
    Length(u64),
    Chunks(Chunks),
    /// A head that asked for another protocol: nothing is read until it is answered.
    Upgrade,
    Tunnel,
    /// Refused: nothing more is read.
    End,
}

/// A client's connection.
#[derive(Debug)]
pub struct ClientStream {
    tcp: TcpStream,
    conn: Arc<Conn>,
    limits: Arc<Limits>,
    next: Next,
    /// Bytes read and not yet handed on; `ready` of them may be.
    buffer: BytesMut,
    ready: usize,
    /// Bytes of the buffer that were searched for the end of a head.
    seen: usize,
    /// Whether a head has come on this connection.
    used: bool,
    /// The `CONNECT` the connection began with, until it is taken.
    connect: Option<Box<Request<()>>>,
    read_wait: Wait,
    write_wait: Wait,
    /// Whether closing the connection now would reset it.
    resets: bool,
}

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Nothing,
    /// A head to begin.
    Start,
    /// A head to end.
    Head,
    /// More of a body.
    Body,
    /// The client to take bytes.
    Reader,
}

/// One timer for all waits of a direction. It is moved only when it fires too early or is set to end sooner, so that a wait that ends in time
/// costs no more than a look at the clock.
#[derive(Debug)]
struct Wait {
    reason: For,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    fn new() -> Self {
        Self { reason: For::Nothing, deadline: Instant::now(), sleep: None }
    }

    fn stop(&mut self) {
        self.reason = For::Nothing;
    }

    /// Waits on; ready when the limit is reached. A wait for the same reason keeps its deadline.
    fn poll(&mut self, reason: For, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if self.reason != reason {
            self.reason = reason;
            self.deadline = Instant::now() + limit;
        }
        let deadline = self.deadline;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

impl ClientStream {
    /// Watches a connection.
    #[must_use]
    pub fn new(tcp: TcpStream, conn: Arc<Conn>, limits: Arc<Limits>) -> Self {
        Self {
            tcp,
            conn,
            limits,
            next: Next::Head,
            buffer: BytesMut::new(),
            ready: 0,
            seen: 0,
            used: false,
            connect: None,
            read_wait: Wait::new(),
            write_wait: Wait::new(),
            resets: false,
        }
    }

    /// The bare connection and what was read from it beyond what hyper took: for a tunnel.
    #[must_use]
    pub fn into_tunnel(self) -> (TcpStream, BytesMut) {
        (self.tcp, self.buffer)
    }

    fn hand_on(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.ready.min(out.remaining());
        out.put_slice(&self.buffer[..count]);
        self.buffer.advance(count);
        self.ready -= count;
        if self.buffer.is_empty() {
            // A connection that waits for its next request holds no memory for it.
            self.buffer = BytesMut::new();
        }
    }

    fn refuse(&mut self, why: Malformed) {
        self.read_wait.stop();
        *self.conn.refusal.lock() = Some(why);
        self.conn.serving.store(true, Ordering::Release);
        self.buffer = BytesMut::from(REFUSED_HEAD);
        self.ready = REFUSED_HEAD.len();
        self.next = Next::End;
    }

    /// Takes up a head that is all there and sound.
    fn take_head(&mut self, body: Body) {
        self.read_wait.stop();
        self.used = true;
        self.seen = 0;
        self.conn.serving.store(true, Ordering::Release);
        self.next = match body {
            Body::None => Next::Head,
            Body::Length(length) => Next::Length(length),
            Body::Chunked => Next::Chunks(Chunks::default()),
            Body::Tunnel => Next::Tunnel,
            Body::Upgrade => Next::Upgrade,
        };
    }

    /// Looks for a head in the buffer; true if there is something to hand on.
    fn find_head(&mut self) -> bool {
        // Empty lines before a request are overlooked, in one piece or in many (RFC 9112 section 2.2).
        while self.buffer.starts_with(b"\r\n") {
            self.buffer.advance(2);
            self.seen = 0;
        }
        match head_length(&self.buffer, self.seen) {
            Some(length) if length <= self.limits.head_bytes => match self.check(length) {
                Ok(body) => {
                    self.ready = length;
                    self.conn.whole_server.store(asks_whole_server(&self.buffer[..length]), Ordering::Release);
                    self.take_head(body);
                }
                Err(why) => self.refuse(why),
            },
            None if self.buffer.len() <= self.limits.head_bytes => {
                self.seen = self.buffer.len();
                return false;
            }
            Some(_) | None => self.refuse(Malformed::TooLarge),
        }
        true
    }

    /// Checks a whole head in the buffer. A `CONNECT` that comes first is read, too.
    fn check(&mut self, length: usize) -> Result<Body, Malformed> {
        let (head, most) = (&self.buffer[..length], self.limits.head_fields);
        if self.used || !head.starts_with(b"CONNECT ") {
            return check_head(head, most);
        }
        let (request, body) = read_head(head, most)?;
        self.connect = Some(Box::new(request));
        Ok(body)
    }

    /// Reads a head straight into hyper's buffer. It stays there if it is the whole of what came, as nearly always.
    fn poll_head(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<Step>> {
        let before = out.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, out))?;
        let fresh = &out.filled()[before..];
        if fresh.is_empty() {
            return Poll::Ready(Ok(Step::HandedOn));
        }
        if fresh.len() <= self.limits.head_bytes
            && head_length(fresh, 0) == Some(fresh.len())
            && let Ok(body) = check_head(fresh, self.limits.head_fields)
        {
            self.conn.whole_server.store(asks_whole_server(fresh), Ordering::Release);
            self.take_head(body);
            return Poll::Ready(Ok(Step::HandedOn));
        }
        self.buffer.extend_from_slice(fresh);
        out.set_filled(before);
        Poll::Ready(Ok(Step::Buffered))
    }

    /// Reads the next bytes, wherever they belong.
    fn poll_bytes(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<Step>> {
        match self.next {
            Next::Head if self.buffer.is_empty() => self.poll_head(cx, out),
            Next::Length(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.remaining());
                let mut part = ReadBuf::new(out.initialize_unfilled_to(most));
                ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut part))?;
                let count = part.filled().len();
                out.advance(count);
                self.next = Next::Length(left - count as u64);
                Poll::Ready(Ok(Step::HandedOn))
            }
            Next::Head | Next::Chunks(_) | Next::Upgrade | Next::Tunnel | Next::End => {
                let count = ready!(self.poll_fill(cx))?;
                Poll::Ready(Ok(if count == 0 { Step::HandedOn } else { Step::Buffered }))
            }
        }
    }

    /// Reads what has come into the buffer, which grows by no more than that. 0: the client has ended its side.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ_BUFFER];
        let mut fresh = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut fresh))?;
        self.buffer.extend_from_slice(fresh.filled());
        Poll::Ready(Ok(fresh.filled().len()))
    }

    /// Reads the first head. All there is to a `CONNECT` is returned; any other, and the reason if it is refused, is kept for hyper to read.
    ///
    /// # Errors
    /// If the client goes away, or its head takes too long to begin.
    pub async fn first(&mut self) -> io::Result<Option<Request<()>>> {
        poll_fn(|cx| {
            loop {
                if !self.buffer.is_empty() && self.find_head() {
                    return Poll::Ready(Ok(self.take_connect()));
                }
                match self.poll_fill(cx)? {
                    Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                    Poll::Ready(_) => {}
                    Poll::Pending => match ready!(self.poll_wait(cx))? {
                        Step::HandedOn => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                        Step::Buffered => return Poll::Ready(Ok(None)),
                    },
                }
            }
        })
        .await
    }

    /// Takes the `CONNECT` that was just found, if it was one.
    fn take_connect(&mut self) -> Option<Request<()>> {
        let request = self.connect.take()?;
        self.buffer.advance(self.ready);
        self.ready = 0;
        Some(*request)
    }

    /// Keeps what the client sends before its tunnel is open, up to a limit. Returns when the client has gone.
    pub async fn gone(&mut self) {
        poll_fn(|cx| {
            while self.buffer.len() < EARLY_BYTES {
                match ready!(self.poll_fill(cx)) {
                    Ok(0) | Err(_) => return Poll::Ready(()),
                    Ok(_) => {}
                }
            }
            Poll::Pending
        })
        .await;
    }

    /// Prepares what can be handed on from the buffer. `None`: more must be read.
    fn ready_from_buffer(&mut self) -> io::Result<Option<()>> {
        match &mut self.next {
            Next::Length(0) => self.next = Next::Head,
            Next::Length(left) if !self.buffer.is_empty() => {
                self.ready = usize::try_from(*left).unwrap_or(usize::MAX).min(self.buffer.len());
                *left -= self.ready as u64;
            }
            Next::Chunks(chunks) if !self.buffer.is_empty() => {
                let (count, end) = chunks.advance(&self.buffer).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
                self.ready = count;
                if end {
                    self.next = Next::Head;
                }
            }
            Next::Head if self.buffer.len() > self.seen => return Ok(self.find_head().then_some(())),
            Next::Upgrade if !self.conn.is_serving() => self.next = Next::Head,
            Next::Head | Next::Length(_) | Next::Chunks(_) | Next::Upgrade | Next::Tunnel | Next::End => return Ok(None),
        }
        Ok(Some(()))
    }

    /// Nothing can be read now: wait, but not for ever.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        let (reason, limit) = match self.next {
            // While an answer is under way the next head may take its time; its wait begins when the answer has ended.
            Next::Head if self.conn.is_serving() => {
                self.conn.wake_when_answered(cx);
                return Poll::Pending;
            }
            Next::Head if !self.buffer.is_empty() => (For::Head, self.limits.head_time),
            Next::Head if !self.used => (For::Start, self.limits.head_time),
            Next::Head => (For::Start, self.limits.idle_time),
            Next::Length(_) | Next::Chunks(_) => (For::Body, self.limits.stall_time),
            Next::Upgrade => {
                self.conn.wake_when_answered(cx);
                return Poll::Pending;
            }
            Next::Tunnel | Next::End => return Poll::Pending,
        };
        ready!(self.read_wait.poll(reason, limit, cx));
        self.read_wait.stop();
        match reason {
            For::Head => {
                self.refuse(Malformed::TooSlow);
                Poll::Ready(Ok(Step::Buffered))
            }
            For::Start | For::Nothing => Poll::Ready(Ok(Step::HandedOn)),
            For::Body | For::Reader => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client sent nothing for too long"))),
        }
    }

    /// Writes interim answers; ready when none is left.
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.conn.has_interim.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        let mut interim = self.conn.interim.lock();
        while !interim.bytes.is_empty() {
            let count = ready!(Pin::new(&mut self.tcp).poll_write(cx, &interim.bytes))?;
            interim.bytes.drain(..count);
        }
        self.conn.has_interim.store(false, Ordering::Release);
        Poll::Ready(Ok(()))
    }
}

/// What came of a read.
enum Step {
    /// The bytes, or the end, are in hyper's buffer.
    HandedOn,
    /// They are in ours.
    Buffered,
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let _ = this.poll_interim(cx)?;
        loop {
            if this.ready > 0 {
                this.hand_on(out);
                return Poll::Ready(Ok(()));
            }
            if this.ready_from_buffer()?.is_some() {
                continue;
            }
            // After a refusal nothing more is read, and hyper is not told of an end before it has answered.
            let reads = !matches!(this.next, Next::Upgrade | Next::Tunnel | Next::End);
            let step = match if reads { this.poll_bytes(cx, out)? } else { Poll::Pending } {
                Poll::Ready(step) => {
                    // Bytes of a body move its limit; a head must be all there in time, however it drips.
                    if this.read_wait.reason == For::Body {
                        this.read_wait.stop();
                    }
                    step
                }
                Poll::Pending => ready!(this.poll_wait(cx))?,
            };
            match step {
                Step::HandedOn => return Poll::Ready(Ok(())),
                Step::Buffered => {}
            }
        }
    }
}

impl ClientStream {
    /// Where the end of the connection is the end of the answer, an answer that is cut short must end in a reset (RFC 9112 section 8): until
    /// hyper says that it is whole, closing resets.
    fn reset_unless_whole(&mut self, whole: bool) {
        if self.resets == whole && self.conn.ends_with_answer.load(Ordering::Acquire) {
            // If it cannot be set the client is gone already.
            let _ = socket2::SockRef::from(&self.tcp).set_linger((!whole).then_some(Duration::ZERO));
            self.resets = !whole;
        }
    }

    /// Counts a write, or the lack of one, against the client's time.
    fn watch_write<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write_wait.stop();
            return polled;
        }
        ready!(self.write_wait.poll(For::Reader, self.limits.stall_time, cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client took nothing for too long")))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_interim(cx))?;
        this.reset_unless_whole(false);
        let polled = Pin::new(&mut this.tcp).poll_write(cx, bytes);
        this.watch_write(polled, cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_interim(cx))?;
        this.reset_unless_whole(false);
        let polled = Pin::new(&mut this.tcp).poll_write_vectored(cx, slices);
        this.watch_write(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.reset_unless_whole(true);
        Pin::new(&mut this.tcp).poll_shutdown(cx)
    }
}
