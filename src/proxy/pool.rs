//! Idle HTTP/1.1 connections to origins, kept for the next request to the same host and port. One pool a worker: a connection is used on the thread that made it.

use super::limits::{IDLE_IN_ALL, ORIGIN_IDLE};
use super::sender::Sender;
use crate::policy::decision::Destination;
use crate::tls::exception::Exception;
use crate::tls::origin::Generation;
use crate::tls::refusal::ClientCertificate;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// A connection to an origin, ready for a request.
pub struct Origin {
    /// Where requests are handed over.
    pub sender: Sender,
    /// The address at its far end.
    pub address: SocketAddr,
    /// Whether it has carried a request before.
    pub used: bool,
    /// Whether somebody has logged it in: it is theirs then.
    pub bound: bool,
    /// Who is at its far end, if that speaks TLS.
    pub believed: Option<Arc<Believed>>,
}

/// Who is at the far end of TLS.
pub struct Believed {
    /// By which rules it was believed.
    pub by: Generation,
    /// Whether it asked for a certificate of ours.
    pub asked: ClientCertificate,
    /// The exceptions it is believed by; none for most.
    pub excused: Box<[Arc<Exception>]>,
}

impl Origin {
    /// Whether the far end asked for a certificate of ours, which nobody has.
    #[must_use]
    pub fn wanted_certificate(&self) -> bool {
        self.believed.as_ref().is_some_and(|believed| believed.asked == ClientCertificate::Asked)
    }
}

struct Idle {
    origin: Origin,
    since: Instant,
}

/// The idle connections. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    idle: Arc<Mutex<Kept>>,
    most: usize,
}

#[derive(Default)]
struct Kept {
    by_destination: HashMap<Destination, Vec<Idle>>,
    count: usize,
}

impl Pool {
    /// Keeps at most so many connections to one destination.
    #[must_use]
    pub fn keeping(most: usize) -> Self {
        Self { idle: Arc::default(), most }
    }

    /// The connection used last, if one is idle and alive.
    #[must_use]
    pub fn take(&self, to: &Destination) -> Option<Origin> {
        let mut kept = self.idle.lock();
        let idle = kept.by_destination.get_mut(to)?;
        let mut found = None;
        let mut gone = 0;
        while let Some(last) = idle.pop() {
            gone += 1;
            if !last.origin.sender.is_closed() && last.since.elapsed() < ORIGIN_IDLE {
                found = Some(last.origin);
                break;
            }
        }
        kept.count -= gone;
        found
    }

    /// Keeps a connection whose answer was read to its end.
    pub fn keep(&self, to: Destination, origin: Origin) {
        if origin.sender.is_closed() {
            return;
        }
        let mut kept = self.idle.lock();
        if kept.count >= IDLE_IN_ALL {
            return;
        }
        let idle = kept.by_destination.entry(to).or_default();
        if idle.len() < self.most {
            idle.push(Idle { origin: Origin { used: true, ..origin }, since: Instant::now() });
            kept.count += 1;
        }
    }

    /// Drops connections that were idle too long or were closed at the far end.
    pub fn sweep(&self) {
        let mut kept = self.idle.lock();
        kept.by_destination.retain(|_, idle| {
            idle.retain(|one| !one.origin.sender.is_closed() && one.since.elapsed() < ORIGIN_IDLE);
            !idle.is_empty()
        });
        kept.count = kept.by_destination.values().map(Vec::len).sum();
    }

    /// How many connections are idle.
    #[must_use]
    pub fn len(&self) -> usize {
        self.idle.lock().count
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
