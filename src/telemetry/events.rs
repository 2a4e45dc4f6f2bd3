//! One struct an event. ERROR: a person must act. WARN: recovered. INFO: an administrator's action done. DEBUG: the rest.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use tracing::{debug, error, info, warn};

/// The log cannot be written; requests are refused until it can.
pub struct LogFailed<'a> {
    /// The database.
    pub path: &'a Path,
    /// What the database said.
    pub error: &'a str,
}

impl LogFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(path = %self.path.display(), error = self.error, "the log cannot be written: requests are refused until it can be");
    }
}

/// The log can be written again.
pub struct LogRecovered<'a> {
    /// The database.
    pub path: &'a Path,
    /// How many requests were refused meanwhile.
    pub refused: u64,
}

impl LogRecovered<'_> {
    /// Says so.
    pub fn emit(&self) {
        warn!(path = %self.path.display(), refused = self.refused, "the log can be written again");
    }
}

/// Policy and lists were read anew.
pub struct Reloaded {
    /// The snapshot now in force.
    pub snapshot: String,
    /// How many entries its lists hold.
    pub entries: usize,
    /// How many milliseconds it took.
    pub took_ms: u128,
}

impl Reloaded {
    /// Says so.
    pub fn emit(&self) {
        info!(snapshot = self.snapshot, entries = self.entries, took_ms = self.took_ms, "policy and lists reloaded");
    }
}

/// Policy and lists were to be read anew and could not be.
pub struct ReloadRefused<'a> {
    /// Every problem.
    pub problems: &'a str,
}

impl ReloadRefused<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!("reload refused, what was in force stays in force: {}", self.problems);
    }
}

/// A client has more connections open than one may have, or there are too many in all.
pub struct ConnectionRefused {
    /// The client.
    pub client: IpAddr,
    /// Which limit.
    pub limit: &'static str,
}

impl ConnectionRefused {
    /// Says so.
    pub fn emit(&self) {
        warn!(client = %self.client, limit = self.limit, "connection refused");
    }
}

/// A client connection ended in an error.
pub struct ConnectionEnded<'a> {
    /// The client.
    pub client: SocketAddr,
    /// What happened.
    pub error: &'a dyn std::fmt::Display,
}

impl ConnectionEnded<'_> {
    /// Says so.
    pub fn emit(&self) {
        debug!(client = %self.client, error = %self.error, "connection ended");
    }
}

/// Connections cannot be accepted, as when no file descriptors are left.
pub struct AcceptFailed<'a> {
    /// What happened.
    pub error: &'a std::io::Error,
}

impl AcceptFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "connections cannot be accepted; raise the limit of open files (LimitNOFILE) if this goes on");
    }
}

/// A worker could not be started; the others serve on.
pub struct WorkerFailed<'a> {
    /// What happened.
    pub error: &'a std::io::Error,
}

impl WorkerFailed<'_> {
    /// Says so.
    pub fn emit(&self) {
        error!(error = %self.error, "a worker cannot serve; check the limits of threads and open files, then restart");
    }
}

/// Usher was told to stop and finishes what is under way.
pub struct Draining {
    /// Requests and tunnels still open.
    pub connections: usize,
}

impl Draining {
    /// Says so.
    pub fn emit(&self) {
        info!(connections = self.connections, "stopping: no new connections, finishing those that are open");
    }
}
