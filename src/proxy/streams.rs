//! HTTP/2 towards a client, in a connection whose TLS ends here: many requests at once, each with a [`Conn`] of its own.
//!
//! hyper frames and hands over; what it has no limit for has one here: a client that takes nothing of one answer while it takes others, and a connection on
//! which nothing is asked. How much may be under way at once, and how often a client may ask and take it back (CVE-2023-44487), is in [`super::limits`].
//!
//! hyper sends no interim answers (1xx) over HTTP/2, so they end here: h2 has `SendResponse::send_informational` (0.4.20), but hyper (1.12) keeps its
//! `SendResponse` to itself and calls that nowhere. A head that is larger than [`HEAD_LISTS`] times what one may be is answered by hyper,
//! with a bare 431 that is not on record; up to there it is answered by us and is.

use super::Worker;
use super::conn::Conn;
use super::limits::{
    CLIENT_CONNECTION_WINDOW, CLIENT_STREAM_WINDOW, CLIENT_STREAMS, FRAME, HEAD_LISTS, PENDING_RESETS, RESETS_BY_US, STREAM_SEND_BUFFER, STREAMS_A_CONNECTION,
};
use super::listen::{Phase, reached};
use super::patient::Patient;
use super::request::Answer;
use super::timer::Timer;
use super::wire::Wire;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// Serves HTTP/2 on a connection until it ends.
pub(super) async fn serve_http2(worker: Arc<Worker>, conn: Arc<Conn>, wire: Wire, mut phase: watch::Receiver<Phase>) -> hyper::Result<()> {
    let limits = worker.limits.clone();
    let streams = Streams::new(limits.stall_time, conn.streams().clone());
    let goodbye = Arc::new(Notify::new());
    let (under_way, most) = (conn.streams().clone(), limits.connections_per_client.saturating_mul(STREAMS_A_CONNECTION));
    let goodbye_of = goodbye.clone();
    // Boxed because hyper moves it about, and it is large.
    let service = service_fn(move |request| {
        let answer = (under_way.load(Ordering::Relaxed) < most).then(|| {
            let stream = Conn::stream(&conn);
            NEXT.set(Some(stream.clone()));
            Box::pin(worker.clone().serve(stream, request))
        });
        let goodbye = goodbye_of.clone();
        async move {
            match answer {
                Some(answer) => {
                    let answer = answer.await;
                    if answer.extensions().get::<Goodbye>().is_some() {
                        goodbye.notify_one();
                    }
                    spoken(answer)
                }
                // It has not been looked at, and may be asked again.
                None => Err(h2::Reason::REFUSED_STREAM.into()),
            }
        }
    });
    let mut builder = http2::Builder::new(streams.clone());
    builder.auto_date_header(false).enable_connect_protocol().max_frame_size(FRAME);
    builder.max_concurrent_streams(CLIENT_STREAMS).max_send_buf_size(STREAM_SEND_BUFFER);
    builder.initial_stream_window_size(CLIENT_STREAM_WINDOW).initial_connection_window_size(CLIENT_CONNECTION_WINDOW);
    builder.max_pending_accept_reset_streams(PENDING_RESETS).max_local_error_reset_streams(RESETS_BY_US);
    builder.max_header_list_size(u32::try_from(limits.head_bytes.saturating_mul(HEAD_LISTS)).unwrap_or(u32::MAX));
    let io = TokioIo::new(Patient::new(wire, limits.stall_time));
    let mut serving = pin!(builder.serve_connection(io, service));
    tokio::select! {
        ended = serving.as_mut() => return ended,
        () = reached(&mut phase, Phase::Draining) => {
            serving.as_mut().graceful_shutdown();
            return serving.await;
        }
        () = goodbye.notified() => {
            serving.as_mut().graceful_shutdown();
            return serving.await;
        }
        () = streams.idle(limits.head_time, limits.idle_time) => serving.as_mut().graceful_shutdown(),
    }
    // Nothing is under way; a client that does not say goodbye is not waited for.
    timeout(limits.head_time, serving).await.unwrap_or(Ok(()))
}

/// Marks an answer after which the client is to ask on another connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goodbye;

/// Marks an answer that can be given over HTTP/1.1 only: what the client logs in to is a connection of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnlyHttp1;

/// An answer as it goes out; or that the client is to ask again over HTTP/1.1 (RFC 9113 section 7).
fn spoken(answer: Answer) -> Result<Answer, h2::Error> {
    match answer.extensions().get::<OnlyHttp1>() {
        Some(OnlyHttp1) => Err(h2::Reason::HTTP_1_1_REQUIRED.into()),
        None => Ok(answer),
    }
}

thread_local! {
    /// The stream that hyper is about to have run: it asks for the answer to a request, and has it run before it does anything else.
    static NEXT: Cell<Option<Arc<Conn>>> = const { Cell::new(None) };
}

/// The requests under way on one connection. hyper has it run what answers each.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    stall_time: Duration,
    state: Arc<Mutex<State>>,
    /// Those of all connections of the client.
    of_client: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct State {
    /// How many are under way.
    open: usize,
    /// Whether there was any.
    used: bool,
    /// When the last one ended.
    since: Instant,
}

impl Streams {
    fn new(stall_time: Duration, of_client: Arc<AtomicUsize>) -> Self {
        Self { stall_time, of_client, state: Arc::new(Mutex::new(State { open: 0, used: false, since: Instant::now() })) }
    }

    /// Waits until nothing has been under way for too long: `first`, if nothing ever was.
    async fn idle(&self, first: Duration, later: Duration) {
        loop {
            let (open, until) = {
                let state = self.state.lock();
                let limit = if state.used { later } else { first };
                let since = if state.open > 0 { Instant::now() } else { state.since };
                (state.open > 0, since + limit)
            };
            if !open && until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, answering: F) {
        {
            let mut state = self.state.lock();
            (state.open, state.used) = (state.open + 1, true);
        }
        self.of_client.fetch_add(1, Ordering::Relaxed);
        let stall = NEXT.take().map(|conn| Stall { conn, limit: self.stall_time, seen: 0, since: None, timer: Timer::default() });
        tokio::spawn(Watched { answering: Box::pin(answering), stall, _open: Open(self.clone()) });
    }
}

/// Counts a stream while it is under way.
struct Open(Streams);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.of_client.fetch_sub(1, Ordering::Relaxed);
        let mut state = self.0.state.lock();
        (state.open, state.since) = (state.open - 1, Instant::now());
    }
}

/// What answers one request. Given up, and the stream reset, if the client takes nothing of the answer for too long.
struct Watched<F> {
    answering: Pin<Box<F>>,
    /// Nothing, once it has become a tunnel, which has its own limit.
    stall: Option<Stall>,
    _open: Open,
}

struct Stall {
    conn: Arc<Conn>,
    limit: Duration,
    /// How much was taken when it was looked at last.
    seen: u64,
    since: Option<Instant>,
    timer: Timer,
}

impl Stall {
    /// Ready when the client has taken nothing for too long of what there is for it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(given) = self.conn.given() else {
            self.since = None;
            return Poll::Pending;
        };
        if given != self.seen {
            (self.seen, self.since) = (given, None);
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        self.timer.poll(since + self.limit, cx)
    }
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.answering.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        this.stall.as_mut().map_or(Poll::Pending, |stall| stall.poll(cx))
    }
}
