//! What the parts of one client connection tell each other: the stream that reads heads, the service that answers, the body that ends an answer.
//!
//! In HTTP/2 many requests are under way at once, and each has one of its own: [`Conn::stream`].

use super::bound::Bound;
use super::framing::Malformed;
use super::inside::Inside;
use super::limits::INTERIM;
use super::listen::Seat;
use super::wire::Wire;
use parking_lot::Mutex;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::AsyncWrite;

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
    /// Connections to origins that this client has logged in.
    pub bound: Bound,
    /// Where this is a connection inside a tunnel, what is known of that.
    pub inside: Option<Arc<Inside>>,
    /// What the client was given of an answer, where this is one stream of many.
    stream: Option<Given>,
    place: Place,
}

/// A connection's place among the connected, kept until all that it became is over.
#[derive(Debug)]
enum Place {
    Own {
        seat: Seat,
    },
    /// That of the tunnel it is inside, or of the connection it is a stream of.
    Outer {
        conn: Arc<Conn>,
    },
}

/// How far an answer has come.
#[derive(Debug, Default)]
struct Given {
    frames: AtomicU64,
    /// Whether the client waits for more, rather than we for it.
    awaited: AtomicBool,
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
        Self::with(client, None, None, Place::Own { seat })
    }

    /// The state of a connection inside a tunnel whose TLS ends here.
    #[must_use]
    pub fn inside(outer: Arc<Self>, inside: Inside) -> Arc<Self> {
        Self::with(outer.client, Some(Arc::new(inside)), None, Place::Outer { conn: outer })
    }

    /// The state of one request of an HTTP/2 connection.
    #[must_use]
    pub fn stream(of: &Arc<Self>) -> Arc<Self> {
        Self::with(of.client, of.inside.clone(), Some(Given::default()), Place::Outer { conn: of.clone() })
    }

    fn with(client: SocketAddr, inside: Option<Arc<Inside>>, stream: Option<Given>, place: Place) -> Arc<Self> {
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
            bound: Bound::default(),
            inside,
            stream,
            place,
        })
    }

    /// Whether the request is for the server as a whole (`OPTIONS http://host`).
    #[must_use]
    pub fn asks_whole_server(&self) -> bool {
        self.whole_server.load(Ordering::Acquire)
    }

    /// A head has come, and its request is being served. `whole_server`: it is for the server as a whole.
    pub(super) fn begins(&self, whole_server: bool) {
        self.whole_server.store(whole_server, Ordering::Release);
        self.serving.store(true, Ordering::Release);
    }

    /// A head was refused; what is served is the answer that says so.
    pub(super) fn refused(&self, why: Malformed) {
        *self.refusal.lock() = Some(why);
        self.serving.store(true, Ordering::Release);
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
    pub(super) fn wake_when_answered(&self, cx: &Context<'_>) {
        self.interim.lock().reader = Some(cx.waker().clone());
        self.waits_for_answer.store(true, Ordering::Release);
    }

    /// The client speaks HTTP/1.0: it takes the end of the connection for the end of the answer.
    pub fn ends_with_its_answer(&self) {
        self.ends_with_answer.store(true, Ordering::Release);
    }

    /// Whether the end of the connection is the end of the answer.
    pub(super) fn is_ended_with_answer(&self) -> bool {
        self.ends_with_answer.load(Ordering::Acquire)
    }

    /// Whether a request is being served.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.serving.load(Ordering::Acquire)
    }

    /// How many requests its client has under way in HTTP/2, on all its connections.
    pub(super) fn streams(&self) -> &Arc<AtomicUsize> {
        match &self.place {
            Place::Own { seat } => &seat.streams,
            Place::Outer { conn } => conn.streams(),
        }
    }

    /// Whether this is one stream of an HTTP/2 connection.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// More of the answer was asked for, and is given or not there yet.
    pub(super) fn gives(&self, given: bool) {
        let Some(stream) = &self.stream else { return };
        if given {
            stream.frames.fetch_add(1, Ordering::Relaxed);
        }
        stream.awaited.store(!given, Ordering::Release);
    }

    /// How much of an answer was given to the client, if it is the client that is waited for.
    pub(super) fn given(&self) -> Option<u64> {
        let stream = self.stream.as_ref()?;
        let frames = stream.frames.load(Ordering::Relaxed);
        (frames > 0 && !stream.awaited.load(Ordering::Acquire)).then_some(frames)
    }

    /// Sends an interim answer ahead of the answer being waited for (RFC 9110 section 15.2). Over HTTP/2 there is nothing to send it with. Of a client that
    /// does not read them, no more than [`INTERIM`] bytes wait; what is more is left out, as any of them may be.
    pub fn send_interim(&self, bytes: &[u8]) {
        if self.is_stream() {
            return;
        }
        let mut interim = self.interim.lock();
        if interim.bytes.len() + bytes.len() > INTERIM {
            return;
        }
        interim.bytes.extend_from_slice(bytes);
        self.has_interim.store(true, Ordering::Release);
        if let Some(reader) = interim.reader.take() {
            reader.wake();
        }
    }

    /// Writes interim answers; ready when none is left.
    pub(super) fn poll_interim(&self, wire: &mut Wire, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.has_interim.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        let mut interim = self.interim.lock();
        while !interim.bytes.is_empty() {
            let count = ready!(Pin::new(&mut *wire).poll_write(cx, &interim.bytes))?;
            interim.bytes.drain(..count);
        }
        self.has_interim.store(false, Ordering::Release);
        Poll::Ready(Ok(()))
    }
}
