//! Accepting clients, within limits, until told to stop.

use super::{Proxy, connection};
use crate::telemetry::events;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
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
    by_address: HashMap<IpAddr, usize>,
    count: usize,
}

/// A place among the connected. Given back on drop, when the connection and any tunnel it became are over.
#[derive(Debug)]
pub struct Seat {
    clients: Arc<Mutex<Clients>>,
    address: IpAddr,
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
        if *own >= per_client {
            return Err("connections per client");
        }
        *own += 1;
        seats.count += 1;
        Ok(Self { clients: clients.clone(), address, _alive: alive.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.clients.lock();
        seats.count -= 1;
        if let Some(own) = seats.by_address.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                seats.by_address.remove(&self.address);
            }
        }
    }
}

/// Serves every listener until `shutdown` ends, then lets what is under way finish for a while. Returns when all is done or the while is over.
pub async fn run(proxy: Arc<Proxy>, listeners: Vec<TcpListener>, shutdown: impl Future<Output = ()>) {
    let (stop, stopping) = watch::channel(false);
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let clients = Arc::new(Mutex::new(Clients::default()));
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(proxy.clone(), listener, clients.clone(), stopping.clone(), alive.clone()));
    }
    let sweeper = tokio::spawn(sweep(proxy.clone()));
    drop(alive);
    shutdown.await;
    accepting.shutdown().await;
    sweeper.abort();
    let connections = clients.lock().count;
    if connections > 0 {
        events::Draining { connections }.emit();
    }
    // Nobody listens any more if no connection was ever made.
    let _ = stop.send(true);
    let _ = timeout(proxy.limits.drain_time, all_gone.recv()).await;
}

async fn accept(proxy: Arc<Proxy>, listener: TcpListener, clients: Arc<Mutex<Clients>>, stopping: watch::Receiver<bool>, alive: mpsc::Sender<()>) {
    loop {
        match listener.accept().await {
            Ok((tcp, client)) => match Seat::take(&clients, client.ip().to_canonical(), proxy.limits.connections, proxy.limits.connections_per_client, &alive) {
                Ok(seat) => {
                    tokio::spawn(connection::serve(proxy.clone(), tcp, client, seat, stopping.clone()));
                }
                Err(limit) => refuse(tcp, client.ip(), limit),
            },
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                events::AcceptFailed { error: &error }.emit();
                sleep(PAUSE).await;
            }
        }
    }
}

/// Closes a connection that is one too many, with a word why if it can be said at once.
fn refuse(tcp: TcpStream, client: IpAddr, limit: &'static str) {
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
