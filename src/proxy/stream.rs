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
use super::conn::Conn;
use super::framing::{Body, Malformed, asks_whole_server, check_head, head_length, read_head};
use super::limits::{BODY_READ, EARLY_BYTES, Limits, READ_BUFFER};
use super::timer::Timer;
use super::wire::Wire;
use bytes::{Buf, BytesMut};
use http::Request;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The path of the request that stands for one that was refused. A client may ask for it too; only [`Conn::refusal`] gives it meaning.
pub(super) const REFUSED_HOST: &str = "refused.invalid";
const REFUSED_HEAD: &[u8] = b"GET http://refused.invalid/ HTTP/1.1\r\nHost: refused.invalid\r\nConnection: close\r\n\r\n";

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
    wire: Wire,
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

/// A wait of one direction, for one reason at a time.
#[derive(Debug)]
struct Wait {
    reason: For,
    deadline: Instant,
    timer: Timer,
}

impl Wait {
    fn new() -> Self {
        Self { reason: For::Nothing, deadline: Instant::now(), timer: Timer::default() }
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
        self.timer.poll(self.deadline, cx)
    }
}

impl ClientStream {
    /// Watches a connection.
    #[must_use]
    pub fn new(wire: impl Into<Wire>, conn: Arc<Conn>, limits: Arc<Limits>) -> Self {
        Self {
            wire: wire.into(),
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
    pub fn into_tunnel(self) -> (Wire, BytesMut) {
        (self.wire, self.buffer)
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
        self.conn.refused(why);
        self.buffer = BytesMut::from(REFUSED_HEAD);
        self.ready = REFUSED_HEAD.len();
        self.next = Next::End;
    }

    /// Takes up a head that is all there and sound.
    fn take_head(&mut self, body: Body, whole_server: bool) {
        self.read_wait.stop();
        self.used = true;
        self.seen = 0;
        self.conn.begins(whole_server);
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
                    self.take_head(body, asks_whole_server(&self.buffer[..length]));
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
        ready!(Pin::new(&mut self.wire).poll_read(cx, out))?;
        let fresh = &out.filled()[before..];
        if fresh.is_empty() {
            return Poll::Ready(Ok(Step::HandedOn));
        }
        if fresh.len() <= self.limits.head_bytes
            && head_length(fresh, 0) == Some(fresh.len())
            && let Ok(body) = check_head(fresh, self.limits.head_fields)
        {
            let whole_server = asks_whole_server(fresh);
            self.take_head(body, whole_server);
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
                // hyper's buffer grows as long as it is filled, and stays as large as it once was.
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.remaining()).min(BODY_READ);
                let mut part = ReadBuf::new(out.initialize_unfilled_to(most));
                ready!(Pin::new(&mut self.wire).poll_read(cx, &mut part))?;
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
        ready!(Pin::new(&mut self.wire).poll_read(cx, &mut fresh))?;
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
        let _ = this.conn.poll_interim(&mut this.wire, cx)?;
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
        if self.resets == whole
            && self.conn.is_ended_with_answer()
            && let Some(tcp) = self.wire.tcp()
        {
            // If it cannot be set the client is gone already.
            let _ = socket2::SockRef::from(tcp).set_linger((!whole).then_some(Duration::ZERO));
            self.resets = !whole;
        }
    }

    /// Counts a write, or the lack of one, against the client's time. What TLS has taken and could not send is waited for in a flush or at the end.
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
        ready!(this.conn.poll_interim(&mut this.wire, cx))?;
        this.reset_unless_whole(false);
        let polled = Pin::new(&mut this.wire).poll_write(cx, bytes);
        this.watch_write(polled, cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.conn.poll_interim(&mut this.wire, cx))?;
        this.reset_unless_whole(false);
        let polled = Pin::new(&mut this.wire).poll_write_vectored(cx, slices);
        this.watch_write(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.wire).poll_flush(cx);
        this.watch_write(polled, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.reset_unless_whole(true);
        let polled = Pin::new(&mut this.wire).poll_shutdown(cx);
        this.watch_write(polled, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::super::listen::Seat;
    use super::super::wire::Rewound;
    use super::*;
    use crate::host::Host;
    use crate::tls::ca::{Kept, Plan};
    use crate::tls::leaves::Leaves;
    use jiff::Timestamp;
    use std::net::SocketAddr;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    /// Two ends of a connection with TLS: ours, watched, and a client's.
    async fn over_tls() -> (ClientStream, tokio_rustls::client::TlsStream<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let far = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let near = listener.accept().await.expect("accepted").0;
        let authority = Kept::create(&Plan { name: "School".into(), years: 1, never: Vec::new() }, Timestamp::now()).expect("an authority");
        let leaves = Leaves::new(Arc::new(authority.authority().expect("ready"))).expect("leaves");
        let config = leaves.of(&Host::parse("a.example").expect("a host"), Timestamp::now()).expect("a leaf");
        let mut trusted = RootCertStore::empty();
        trusted.add(authority.own().der().clone()).expect("a root");
        let builder = ClientConfig::builder_with_provider(crate::tls::provider()).with_safe_default_protocol_versions().expect("versions");
        let connector = TlsConnector::from(Arc::new(builder.with_root_certificates(trusted).with_no_client_auth()));
        let accepting = TlsAcceptor::from(config).accept(Rewound::new(near, BytesMut::new()));
        let name = ServerName::try_from("a.example").expect("a name");
        let (server, client) = tokio::try_join!(accepting, connector.connect(name, far)).expect("a handshake");
        let conn = Conn::new(SocketAddr::from(([127, 0, 0, 1], 1)), Seat::alone());
        (ClientStream::new(Wire::Client(Box::new(server)), conn, Arc::new(Limits::default())), client)
    }

    /// TLS takes what it cannot send yet: that nothing is taken shows where it is flushed, and at the end.
    #[tokio::test]
    async fn a_client_that_reads_no_more_is_given_up_also_when_all_is_written() {
        for ends in [false, true] {
            let (mut stream, _client) = over_tls().await;
            let piece = vec![b'x'; 16 << 10];
            tokio::time::pause();
            let limit = stream.limits.stall_time * 10;
            // The system may take more than it did at first: filled up again until it takes no more.
            loop {
                while poll_fn(|cx| Poll::Ready(Pin::new(&mut stream).poll_write(cx, &piece))).await.is_ready() {}
                if timeout(limit, stream.wire.flush()).await.is_err() {
                    break;
                }
            }
            // What is written by now is all there is.
            stream.write_wait.stop();
            let given_up = timeout(limit, async { if ends { stream.shutdown().await } else { stream.flush().await } }).await.expect("an end");
            assert_eq!(given_up.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
            tokio::time::resume();
        }
    }
}
