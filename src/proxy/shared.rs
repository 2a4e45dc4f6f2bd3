//! HTTP/2 connections to origins, shared by all requests of one worker.
//!
//! The first request to an origin opens one while the others wait for it; what comes of it is kept, also that the origin speaks HTTP/1.1 alone. A connection
//! that is full has another beside it. One that an origin ends, or that nobody used for a while, is given to nobody any more and ends with its last request.
//!
//! A request is itself whoever sends it, so sharing shows nobody another's pages. What is logged in by the connection (NTLM, Negotiate) never comes here.

use super::body::RequestBody;
use super::goodbye::Watched;
use super::limits::{
    FRAME, HTTP1_KNOWN, HTTP1_KNOWN_FOR, IDLE_IN_ALL, ORIGIN_BUFFER, ORIGIN_CONNECTION_WINDOW, ORIGIN_IDLE, ORIGIN_STREAM_WINDOW, SHARED_PER_ORIGIN,
    SHARED_STREAMS, STREAM_SEND_BUFFER,
};
use super::patient::Patient;
use super::pool::Believed;
use crate::policy::decision::Destination;
use crate::tls::origin::Generation;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::watch;

/// One connection.
struct Connection {
    sender: SendRequest<RequestBody>,
    address: SocketAddr,
    /// Who is at its far end.
    believed: Arc<Believed>,
    /// Requests under way.
    busy: AtomicUsize,
    /// How many the origin takes at once.
    most: Arc<AtomicUsize>,
    /// Whether it is given to no further request: its origin has said so, or it has failed one.
    retired: Arc<AtomicBool>,
    /// When its last request ended.
    since: Mutex<Instant>,
}

impl Connection {
    fn is_over(&self) -> bool {
        self.retired.load(Ordering::Relaxed) || self.sender.is_closed()
    }

    fn is_idle(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == 0 && self.since.lock().elapsed() >= ORIGIN_IDLE
    }

    fn has_room(&self) -> bool {
        self.busy.load(Ordering::Relaxed) < self.most.load(Ordering::Relaxed).min(SHARED_STREAMS)
    }
}

/// One request's part of a connection, until it is dropped.
pub struct Share {
    of: Arc<Connection>,
    sender: SendRequest<RequestBody>,
}

impl Share {
    fn new(of: &Arc<Connection>) -> Self {
        of.busy.fetch_add(1, Ordering::Relaxed);
        Self { of: of.clone(), sender: of.sender.clone() }
    }

    /// Whether nothing can be sent any more.
    pub(super) fn is_closed(&self) -> bool {
        self.of.is_over()
    }

    pub(super) fn sender(&mut self) -> &mut SendRequest<RequestBody> {
        &mut self.sender
    }

    /// Gives the connection to no further request.
    pub(super) fn retire(&self) {
        self.of.retired.store(true, Ordering::Relaxed);
    }

    /// The address at the far end.
    pub(super) fn address(&self) -> SocketAddr {
        self.of.address
    }

    /// Who is at the far end.
    pub(super) fn believed(&self) -> &Arc<Believed> {
        &self.of.believed
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.of.since.lock() = Instant::now();
        self.of.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is known of one origin.
#[derive(Default)]
struct Place {
    open: Vec<Arc<Connection>>,
    /// Ends when the one that is being opened is there, or is not to be.
    opening: Option<watch::Receiver<()>>,
    /// Until when it is known to speak HTTP/1.1 alone.
    http1: Option<Instant>,
}

/// The connections. Cheap to clone.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<HashMap<Destination, Place>>>);

/// What comes of asking for a connection.
pub(super) enum Joined {
    /// Here is one.
    Share(Share),
    /// There is none: to be opened, and others wait for that.
    Open(Opening),
    /// There is none to wait for.
    Alone,
}

/// The leave to open a connection. Dropped when that is done, or is not to be.
pub(super) struct Opening {
    shared: Shared,
    to: Destination,
    _tell: watch::Sender<()>,
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(place) = self.shared.0.lock().get_mut(&self.to) {
            place.opening = None;
        }
    }
}

impl Shared {
    /// A part of a connection to an origin that is believed by these rules; waits while somebody opens one.
    pub(super) async fn join(&self, to: &Destination, believed: Generation) -> Joined {
        let mut opening = match self.look(to, believed, true) {
            Ok(joined) => return joined,
            Err(opening) => opening,
        };
        // It ends when its sender is dropped, and nothing is ever sent.
        let _ = opening.changed().await;
        // Who opened it may have failed: then each tries for itself, and none waits for the next to fail.
        self.look(to, believed, false).unwrap_or(Joined::Alone)
    }

    fn look(&self, to: &Destination, believed: Generation, opens: bool) -> Result<Joined, watch::Receiver<()>> {
        let mut places = self.0.lock();
        if let Some(place) = places.get_mut(to) {
            place.open.retain(|connection| !connection.is_over() && connection.believed.by == believed);
            if let Some(connection) = place.open.iter().find(|connection| connection.has_room()) {
                return Ok(Joined::Share(Share::new(connection)));
            }
            if place.open.len() >= SHARED_PER_ORIGIN
                && let Some(connection) = place.open.iter().min_by_key(|connection| connection.busy.load(Ordering::Relaxed))
            {
                return Ok(Joined::Share(Share::new(connection)));
            }
            if place.http1.is_some_and(|until| Instant::now() < until) {
                return Ok(Joined::Alone);
            }
            if let Some(opening) = &place.opening {
                return Err(opening.clone());
            }
        }
        if !opens {
            return Ok(Joined::Alone);
        }
        let (tell, opening) = watch::channel(());
        places.entry(to.clone()).or_default().opening = Some(opening);
        Ok(Joined::Open(Opening { shared: self.clone(), to: to.clone(), _tell: tell }))
    }

    /// Begins HTTP/2 on a connection to an origin; shared with nobody where `to` is `None`, else from now on with all.
    ///
    /// # Errors
    /// If the connection has ended.
    pub(super) async fn begin(&self, to: Option<&Destination>, io: Patient, address: SocketAddr, believed: Arc<Believed>) -> hyper::Result<Share> {
        let retired = Arc::new(AtomicBool::new(false));
        let io = Watched::new(io, retired.clone());
        let mut builder = Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(ORIGIN_STREAM_WINDOW).initial_connection_window_size(ORIGIN_CONNECTION_WINDOW);
        builder.max_frame_size(FRAME).max_send_buf_size(STREAM_SEND_BUFFER).initial_max_send_streams(SHARED_STREAMS);
        builder.max_header_list_size(u32::try_from(ORIGIN_BUFFER).unwrap_or(u32::MAX));
        let (sender, mut connection) = builder.handshake(TokioIo::new(io)).await?;
        let most = Arc::new(AtomicUsize::new(SHARED_STREAMS));
        let told = most.clone();
        // It ends by itself: when its senders are dropped, or when the origin closes it.
        tokio::spawn(poll_fn(move |cx| {
            let polled = Pin::new(&mut connection).poll(cx);
            told.store(connection.current_max_send_streams().max(1), Ordering::Relaxed);
            polled
        }));
        let (busy, since) = (AtomicUsize::new(0), Mutex::new(Instant::now()));
        let connection = Arc::new(Connection { sender, address, believed, busy, most, retired, since });
        let share = Share::new(&connection);
        let Some(to) = to else { return Ok(share) };
        let mut places = self.0.lock();
        if places.values().map(|place| place.open.len()).sum::<usize>() < IDLE_IN_ALL {
            let place = places.entry(to.clone()).or_default();
            place.http1 = None;
            if place.open.len() < SHARED_PER_ORIGIN {
                place.open.push(connection);
            }
        }
        Ok(share)
    }

    /// An origin speaks HTTP/1.1 alone, or wants to.
    pub(super) fn speaks_http1(&self, to: &Destination) {
        let mut places = self.0.lock();
        if places.len() < HTTP1_KNOWN || places.contains_key(to) {
            places.entry(to.clone()).or_default().http1 = Some(Instant::now() + HTTP1_KNOWN_FOR);
        }
    }

    /// Whether an origin is known to speak HTTP/1.1 alone, or to want to.
    pub(super) fn is_http1(&self, to: &Destination) -> bool {
        self.0.lock().get(to).is_some_and(|place| place.http1.is_some_and(|until| Instant::now() < until))
    }

    /// Forgets what is of no more use.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        self.0.lock().retain(|_, place| {
            place.open.retain(|connection| !connection.is_over() && !connection.is_idle());
            place.http1 = place.http1.filter(|until| now < *until);
            !place.open.is_empty() || place.opening.is_some() || place.http1.is_some()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    fn site() -> Destination {
        Destination::new(Host::parse("a.example").expect("a host"), 443)
    }

    #[tokio::test]
    async fn one_opens_and_the_others_wait_for_what_comes_of_it() {
        let (shared, to) = (Shared::default(), site());
        let Joined::Open(opening) = shared.join(&to, Generation::default()).await else { panic!("the first opens") };
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let (shared, to) = (shared.clone(), to.clone());
                tokio::spawn(async move { matches!(shared.join(&to, Generation::default()).await, Joined::Alone) })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|one| !one.is_finished()));
        drop(opening);
        for one in waiting {
            assert!(one.await.expect("no panic"), "it failed: each for itself");
        }
        assert!(matches!(shared.join(&to, Generation::default()).await, Joined::Open(_)), "and later somebody tries again");
    }

    #[tokio::test]
    async fn who_speaks_http1_alone_is_waited_for_once() {
        let (shared, to) = (Shared::default(), site());
        assert!(!shared.is_http1(&to));
        shared.speaks_http1(&to);
        assert!(shared.is_http1(&to));
        assert!(matches!(shared.join(&to, Generation::default()).await, Joined::Alone));
        shared.sweep();
        assert!(shared.is_http1(&to));
    }

    #[tokio::test]
    async fn what_is_known_of_origins_is_bounded() {
        let shared = Shared::default();
        for number in 0..HTTP1_KNOWN + 100 {
            shared.speaks_http1(&Destination::new(Host::parse(&format!("s{number}.example")).expect("a host"), 443));
        }
        assert_eq!(shared.0.lock().len(), HTTP1_KNOWN);
    }
}
