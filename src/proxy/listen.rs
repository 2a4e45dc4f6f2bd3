//! Accepting clients, within limits, until told to stop.

use super::{Proxy, Worker, connection};
use crate::telemetry::events;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{interval, sleep, timeout};

/// After a failure to accept, as when no file descriptors are left.
const PAUSE: Duration = Duration::from_millis(100);
/// How often what is of no more use is forgotten.
const SWEEP: Duration = Duration::from_secs(10);

/// Who is connected, and how often.
#[derive(Debug, Default)]
struct Clients {
    by_address: HashMap<IpAddr, Own>,
    count: usize,
}

/// What one client has.
#[derive(Debug, Default)]
struct Own {
    connections: usize,
    /// Requests under way in HTTP/2, of which one connection carries many.
    streams: Arc<AtomicUsize>,
}

/// A place among the connected. Given back on drop, when the connection and any tunnel it became are over.
#[derive(Debug)]
pub struct Seat {
    clients: Arc<Mutex<Clients>>,
    address: IpAddr,
    /// Requests of this client that are under way in HTTP/2.
    pub(super) streams: Arc<AtomicUsize>,
    /// Held so that whoever stops the proxy can wait for the last.
    _alive: mpsc::Sender<()>,
}

impl Seat {
    /// Takes a place, or names the limit that is reached.
    fn take(clients: &Arc<Mutex<Clients>>, address: IpAddr, in_all: usize, per_client: usize, alive: &mpsc::Sender<()>) -> Result<Self, &'static str> {
        let mut seats = clients.lock();
        if seats.count >= in_all {
            return Err("connections in all");
        }
        let own = seats.by_address.entry(address).or_default();
        if own.connections >= per_client {
            return Err("connections per client");
        }
        own.connections += 1;
        let streams = own.streams.clone();
        seats.count += 1;
        Ok(Self { clients: clients.clone(), address, streams, _alive: alive.clone() })
    }
}

#[cfg(test)]
impl Seat {
    /// The only one.
    pub(super) fn alone() -> Self {
        Self::take(&Arc::default(), IpAddr::from([127, 0, 0, 1]), 1, 1, &mpsc::channel(1).0).expect("a place")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.clients.lock();
        seats.count -= 1;
        if let Some(own) = seats.by_address.get_mut(&self.address) {
            own.connections -= 1;
            if own.connections == 0 {
                seats.by_address.remove(&self.address);
            }
        }
    }
}

/// How far a proxy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It accepts and serves.
    Serving,
    /// It finishes what is under way.
    Draining,
    /// It is done; what is still open is given up.
    Over,
}

/// What all workers share while they listen.
#[derive(Clone)]
struct Gate {
    clients: Arc<Mutex<Clients>>,
    phase: watch::Receiver<Phase>,
    alive: mpsc::Sender<()>,
}

/// Serves every listener until `shutdown` ends, then lets what is under way finish for a while. Returns when all is done or the while is over.
///
/// `listeners` holds a set of listeners for each worker: each worker is a thread with a runtime of its own.
pub async fn run(proxy: Arc<Proxy>, listeners: Vec<Vec<std::net::TcpListener>>, shutdown: impl Future<Output = ()>) {
    let (to, phase) = watch::channel(Phase::Serving);
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let (accepting, mut all_closed) = mpsc::channel::<()>(1);
    let gate = Gate { clients: Arc::default(), phase, alive };
    let mut threads = Vec::new();
    for (number, listeners) in listeners.into_iter().enumerate() {
        let (proxy, gate, accepting) = (proxy.clone(), gate.clone(), accepting.clone());
        match std::thread::Builder::new().name(format!("usher-{number}")).spawn(move || work(proxy, listeners, gate, accepting)) {
            Ok(thread) => threads.push(thread),
            Err(error) => events::WorkerFailed { error: &error }.emit(),
        }
    }
    let sweeper = tokio::spawn(sweep(proxy.clone()));
    shutdown.await;
    sweeper.abort();
    let clients = gate.clients.clone();
    drop((gate, accepting));
    to.send_replace(Phase::Draining);
    let _ = all_closed.recv().await;
    let connections = clients.lock().count;
    if connections > 0 {
        events::Draining { connections }.emit();
    }
    // Whether all are gone or time is up, what follows is the same.
    let _ = timeout(proxy.limits.drain_time, all_gone.recv()).await;
    to.send_replace(Phase::Over);
    // A worker that panicked has said so.
    let _ = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join()))).await;
}

/// One worker: accepts and serves until the proxy is over.
fn work(proxy: Arc<Proxy>, listeners: Vec<std::net::TcpListener>, gate: Gate, accepting: mpsc::Sender<()>) {
    let served = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        let served = runtime.block_on(accept_all(proxy, listeners, gate, accepting));
        // Not waited for: only a password being hashed could still run.
        runtime.shutdown_background();
        served
    });
    if let Err(error) = served {
        events::WorkerFailed { error: &error }.emit();
    }
}

/// Holds `accepting` until the last listener is closed, so that whoever stops the proxy can tell when nobody accepts any more.
async fn accept_all(proxy: Arc<Proxy>, listeners: Vec<std::net::TcpListener>, gate: Gate, accepting: mpsc::Sender<()>) -> io::Result<()> {
    let worker = Worker::new(proxy).map_err(io::Error::other)?;
    let mut phase = gate.phase.clone();
    let mut tasks = tokio::task::JoinSet::new();
    for listener in listeners {
        tasks.spawn(accept(worker.clone(), TcpListener::from_std(listener)?, gate.clone()));
    }
    tasks.spawn(sweep_worker(worker));
    drop(gate);
    reached(&mut phase, Phase::Draining).await;
    tasks.shutdown().await;
    drop(accepting);
    reached(&mut phase, Phase::Over).await;
    Ok(())
}

/// Waits until the proxy has come so far.
pub(super) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // The sender is gone only with the whole proxy, and then it is over.
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}

async fn accept(worker: Arc<Worker>, listener: TcpListener, gate: Gate) {
    let Gate { clients, phase, alive } = gate;
    loop {
        match listener.accept().await {
            Ok((tcp, client)) => {
                match Seat::take(&clients, client.ip().to_canonical(), worker.limits.connections, worker.limits.connections_per_client, &alive) {
                    Ok(seat) => {
                        // Boxed because it is large, and what spawns it moves it about.
                        tokio::spawn(Box::pin(connection::serve(worker.clone(), tcp, client, seat, phase.clone())));
                    }
                    Err(limit) => refuse(&tcp, client.ip(), limit),
                }
            }
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                events::AcceptFailed { error: &error }.emit();
                sleep(PAUSE).await;
            }
        }
    }
}

/// Closes a connection that is one too many, with a word why if it can be said at once.
fn refuse(tcp: &TcpStream, client: IpAddr, limit: &'static str) {
    events::ConnectionRefused { client, limit }.emit();
    // No request was made, so there is none to record; a client that cannot take the line at once is not waited for.
    let _ = tcp.try_write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n");
}

fn is_of_one_client(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused)
}

async fn sweep(proxy: Arc<Proxy>) {
    let mut often = interval(SWEEP);
    loop {
        often.tick().await;
        proxy.sweep();
    }
}

async fn sweep_worker(worker: Arc<Worker>) {
    let mut often = interval(SWEEP);
    loop {
        often.tick().await;
        worker.sweep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_limited_and_given_back() {
        let (clients, (alive, _)) = (Arc::default(), mpsc::channel(1));
        let take = |last: u8| Seat::take(&clients, IpAddr::from([10, 0, 0, last]), 3, 2, &alive);
        let (first, _second) = (take(1).ok(), take(1).ok());
        assert_eq!(take(1).err(), Some("connections per client"));
        let _third = take(2).ok();
        assert_eq!(take(3).err(), Some("connections in all"));
        drop(first);
        assert!(take(3).is_ok());
    }
}
