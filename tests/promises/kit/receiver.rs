//! A syslog server of the test's own: it reads frames as RFC 6587 has them, and does with each connection what it is told.

use super::{PATIENCE, soon};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// What it does with a connection.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Reads to the end, then ends it.
    All,
    /// Reads so many bytes, then closes it.
    Only(usize),
    /// Reads nothing until it is let go, then closes it.
    Nothing,
}

/// A running syslog server.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    messages: watch::Receiver<Vec<String>>,
    connections: watch::Receiver<usize>,
    let_go: Arc<Notify>,
}

impl Receiver {
    /// One that does these things with its first connections, and takes all of later ones.
    pub async fn start(first: &[Takes], tls: Option<TlsAcceptor>) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), first, tls).await
    }

    /// The same, at an address.
    pub async fn start_at(address: SocketAddr, first: &[Takes], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (keep, messages) = watch::channel(Vec::new());
        let (count, connections) = watch::channel(0);
        let (let_go, first) = (Arc::new(Notify::new()), first.to_vec());
        let (gate, keep) = (let_go.clone(), Arc::new(keep));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let number = *count.borrow();
                count.send_replace(number + 1);
                let takes = first.get(number).copied().unwrap_or(Takes::All);
                let (gate, keep, tls) = (gate.clone(), keep.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(tcp, takes, &gate, &keep).await,
                        Some(tls) => {
                            // A client that does not trust it goes away.
                            let Ok(stream) = soon("a handshake", tls.accept(tcp)).await else { return };
                            serve(stream, takes, &gate, &keep).await;
                        }
                    }
                });
            }
        });
        Self { address, messages, connections, let_go }
    }

    /// Every message of batches that were taken, once there are so many.
    pub async fn has(&self, count: usize) -> Vec<String> {
        let mut messages = self.messages.clone();
        let found = timeout(PATIENCE, messages.wait_for(|all| all.len() >= count)).await;
        let found = found.unwrap_or_else(|_| panic!("{count} messages are expected, not {:?}", self.messages.borrow()));
        found.expect("it runs").clone()
    }

    /// Waits for so many connections.
    pub async fn was_visited(&self, count: usize) {
        let mut connections = self.connections.clone();
        soon("connections", connections.wait_for(|so_far| *so_far >= count)).await.expect("it runs");
    }

    /// Lets go of a connection of which it takes nothing.
    pub fn let_go(&self) {
        self.let_go.notify_one();
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, takes: Takes, gate: &Notify, keep: &watch::Sender<Vec<String>>) {
    match takes {
        Takes::Nothing => gate.notified().await,
        Takes::Only(bytes) => {
            let mut some = vec![0; bytes];
            // It goes away whether it got them or not.
            let _ = stream.read_exact(&mut some).await;
        }
        Takes::All => {
            let mut bytes = Vec::new();
            if soon("the end of a batch", stream.read_to_end(&mut bytes)).await.is_ok() {
                keep.send_modify(|all| all.extend(frames(&bytes)));
                // The far side may be gone.
                let _ = stream.shutdown().await;
            }
        }
    }
}

/// Messages, each with its length in bytes before it.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').expect("a length");
        let length: usize = std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse().ok()).expect("a number");
        let (message, rest) = bytes[space + 1..].split_at(length);
        all.push(String::from_utf8(message.to_vec()).expect("text"));
        bytes = rest;
    }
    all
}
