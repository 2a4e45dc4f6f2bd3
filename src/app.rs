//! Putting Usher together: configuration in, a running proxy out.

use crate::audit::Recorder;
use crate::audit::recorder::StartError;
use crate::config::{Config, Problems, Rulebook};
use crate::files;
use crate::identity::local::{Checker, Users, UsersError};
use crate::lists::compile::Report;
use crate::lists::store::{self, StoreError};
use crate::proxy::guard::Guard;
use crate::proxy::names::{KnownNames, Names};
use crate::proxy::{Clock, Parts, Proxy, listen};
use crate::snapshot::{InForce, Snapshot, SnapshotId};
use crate::telemetry::events;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Why Usher cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] Problems),
    /// A list cannot be loaded.
    #[error("{0}")]
    Lists(#[from] StoreError),
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be written: {error}; make it writable for this user, or name another as `data` in usher.toml", path.display())]
    Data {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The users cannot be read.
    #[error("{0}")]
    Users(#[from] UsersError),
    /// The record cannot be started.
    #[error("{0}")]
    Record(#[from] StartError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}", say_why(error, *address))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The system's name servers cannot be found.
    #[error("the system's resolver settings cannot be read: {0}; check /etc/resolv.conf")]
    Resolver(String),
}

fn say_why(error: &io::Error, address: SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there; stop it, or choose another port under [proxy] listen in usher.toml".to_owned(),
        io::ErrorKind::PermissionDenied => {
            format!("port {} needs more rights than this user has; choose one above 1023 under [proxy] listen in usher.toml", address.port())
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; check [proxy] listen in usher.toml".to_owned(),
        _ => error.to_string(),
    }
}

/// What was loaded, for the person who started it.
#[derive(Debug)]
pub struct Loaded {
    /// Ready to be put in force.
    pub snapshot: Snapshot,
    /// What became of every list line.
    pub reports: Vec<Report>,
    /// Folders not loaded, each with the reason.
    pub skipped: Vec<(String, String)>,
}

/// Reads and compiles policy and lists.
pub fn load(config: &Config, secret: &[u8; 32]) -> Result<Loaded, AppError> {
    let Rulebook { taxonomy, folders, school, sources, digest } = config.rulebook()?;
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::derive_key("usher 2026 the hashes of list entries", secret)[..16]);
    let loaded = store::load(&sources, &folders, &taxonomy, key)?;
    let mut whole = blake3::Hasher::new();
    whole.update(digest.as_bytes()).update(loaded.digest.as_bytes());
    let snapshot = Snapshot {
        id: SnapshotId::of(&whole.finalize()),
        taxonomy,
        lists: loaded.lists,
        policy: school.policy,
        timetable: school.timetable,
        networks: school.networks,
        members: school.members,
    };
    Ok(Loaded { snapshot, reports: loaded.reports, skipped: loaded.skipped })
}

/// [`load`] on a thread of its own: what compiling took is given back to the system when the thread ends.
fn load_apart(config: &Config, secret: &[u8; 32]) -> Result<Loaded, AppError> {
    std::thread::scope(|scope| match scope.spawn(|| load(config, secret)).join() {
        Ok(loaded) => loaded,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Makes the data folder if need be and returns the secret of the installation.
pub fn open_data(config: &Config) -> Result<[u8; 32], AppError> {
    let fail = |path: PathBuf| move |error| AppError::Data { path, error };
    files::private_folder(&config.data).map_err(fail(config.data.clone()))?;
    files::secret(&config.secret_path()).map_err(fail(config.secret_path()))
}

/// Workers where the configuration names no number: one core is left to the record, to name servers and to the system, which all work for every
/// request. Two workers on two cores took a fifth more CPU a tunnel, most of it for waking each other.
fn all_cores_but_one() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| usize::from(cores).saturating_sub(1).max(1))
}

/// Connections that wait to be accepted, for each listener.
const BACKLOG: i32 = 1024;

/// Binds every address once for each worker, so that the kernel spreads connections over them. Port 0 is one port for all.
fn bind_all(wanted: &[SocketAddr], workers: usize) -> Result<(Vec<Vec<std::net::TcpListener>>, Vec<SocketAddr>), AppError> {
    let mut sets: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
    let mut addresses = Vec::new();
    for &address in wanted {
        let fail = |error| AppError::Listen { address, error };
        // Sharing a port between workers would also share it with another program that does the same: so it is first asked for alone.
        if address.port() != 0 {
            drop(bind(address, false).map_err(fail)?);
        }
        let mut bound = address;
        for set in &mut sets {
            let socket = bind(bound, true).map_err(fail)?;
            socket.listen(BACKLOG).map_err(fail)?;
            bound = socket.local_addr().map_err(fail)?.as_socket().unwrap_or(address);
            set.push(socket.into());
        }
        addresses.push(bound);
    }
    Ok((sets, addresses))
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    // What is accepted inherits it. Without it small writes wait for acknowledgements.
    socket.set_tcp_nodelay(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Usher, ready to serve.
pub struct App {
    config: Config,
    secret: [u8; 32],
    proxy: Arc<Proxy>,
    in_force: Arc<InForce>,
    checker: Arc<Checker>,
    recorder: Recorder,
    /// A set for each worker.
    listeners: Vec<Vec<std::net::TcpListener>>,
    addresses: Vec<SocketAddr>,
}

impl App {
    /// Builds everything, and binds the listeners last of all.
    pub async fn build(config: Config, clock: Clock) -> Result<(Self, Vec<Report>, Vec<(String, String)>), AppError> {
        let secret = open_data(&config)?;
        let Loaded { snapshot, reports, skipped } = load_apart(&config, &secret)?;
        let users = Users::load(&config.users_path())?;
        let fresh = files::random().map_err(|error| AppError::Data { path: config.data.clone(), error })?;
        let checker = Arc::new(Checker::new(users, fresh));
        let recorder = Recorder::start(&config.log_path(), config.sync)?;
        let workers = config.workers.map_or_else(all_cores_but_one, usize::from);
        let (listeners, addresses) = bind_all(&config.listen, workers)?;
        let guard = Guard::new(config.allow.clone(), addresses.clone());
        // The workers make resolvers of their own; what keeps them from it is better told before serving.
        Names::new(Arc::new(KnownNames::new(HashMap::new())), config.limits.connect_time).map_err(AppError::Resolver)?;
        let in_force = Arc::new(InForce::new(snapshot));
        let proxy = Proxy::new(Parts {
            in_force: in_force.clone(),
            recorder: recorder.clone(),
            checker: checker.clone(),
            names: config.names.clone(),
            guard,
            limits: config.limits.clone(),
            settings: config.settings.clone(),
            clock,
            secret,
        });
        Ok((Self { config, secret, proxy, in_force, checker, recorder, listeners, addresses }, reports, skipped))
    }

    /// The configuration it was built with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is in force.
    #[must_use]
    pub fn in_force(&self) -> Arc<InForce> {
        self.in_force.clone()
    }

    /// The addresses it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Something that reads policy, lists and users anew whenever it is told to.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader { path: self.config.path.clone(), secret: self.secret, in_force: self.in_force.clone(), checker: self.checker.clone() }
    }

    /// Serves until `shutdown` ends, finishes what is under way, and closes the record.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        listen::run(self.proxy, self.listeners, shutdown).await;
        let recorder = self.recorder;
        // A panic there would have been told already; there is nothing more to do.
        let _ = tokio::task::spawn_blocking(move || recorder.finish()).await;
    }
}

/// Reads policy, lists and users anew, and puts them in force whole or not at all.
#[derive(Clone)]
pub struct Reloader {
    path: PathBuf,
    secret: [u8; 32],
    in_force: Arc<InForce>,
    checker: Arc<Checker>,
}

impl Reloader {
    /// Reloads, off the threads that serve. What is wrong is told, and what was in force stays in force.
    pub async fn reload(&self) -> Result<SnapshotId, AppError> {
        let (path, secret) = (self.path.clone(), self.secret);
        let started = Instant::now();
        let read = move || {
            let config = Config::load(&path)?;
            let users = Users::load(&config.users_path())?;
            Ok::<_, AppError>((load(&config, &secret)?, users))
        };
        let read = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(AppError::Resolver(error.to_string())));
        match read {
            Ok((Loaded { snapshot, .. }, users)) => {
                let (id, entries) = (snapshot.id, snapshot.lists.len());
                self.checker.replace(users);
                self.in_force.replace(snapshot);
                events::Reloaded { snapshot: id.to_string(), entries, took_ms: started.elapsed().as_millis() }.emit();
                Ok(id)
            }
            Err(error) => {
                events::ReloadRefused { problems: &error.to_string() }.emit();
                Err(error)
            }
        }
    }
}
