//! Putting Usher together: configuration in, a running proxy out.

mod keeper;
pub mod parent;
mod reload;
mod restrain;
pub mod telling;
mod tidy;
mod volumes;
pub mod watch;

pub use reload::Reloader;

use crate::alert::engine::{Engine, Setup};
use crate::alert::school::School;
use crate::antivirus::room::Room;
use crate::antivirus::{Antivirus, Spools};
use crate::audit::Recorder;
use crate::audit::follow::Feed;
use crate::audit::journal::JournalError;
use crate::audit::recorder::StartError;
use crate::config::{Config, Problems, Rulebook};
use crate::files;
use crate::identity::local::{Checker, Users, UsersError};
use crate::illegal::{Standing, Tier};
use crate::library::generations::{Generation, Held};
use crate::library::{Library, LibraryError, Order, Shelf, Sizes};
use crate::lists::Lists;
use crate::outputs::{self, Committed, Records, Statements, Surroundings, What};
use crate::policy::Policy;
use crate::proxy::guard::Guard;
use crate::proxy::names::{KnownNames, Names};
use crate::proxy::own_pages::own_names;
use crate::proxy::programs::Memory;
use crate::proxy::{Clock, Inspector, Parts, Proxy, listen};
use crate::snapshot::{InForce, Snapshot};
use crate::telemetry::events;
use crate::tls::ca::{BadAuthority, FolderError};
use crate::tls::leaves::{Leaves, LeavesError};
use crate::tls::origin::Origins;
use crate::tls::pins::{self, Pins};
use crate::tls::roots::RootsError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use restrain::Restrainer;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use telling::Telling;
use volumes::Counter;
use watch::Watch;

/// Why Usher cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] Problems),
    /// The lists cannot be put in force.
    #[error("{0}")]
    Lists(#[from] LibraryError),
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be written: {error}; make it writable for this user, or name another as `data` in usher.toml", path.display())]
    Data {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The data folder is another account's.
    #[error("the data folder {} is {owner}'s, and Usher runs as that account; do this as {owner} too: sudo -u {owner} usher …", path.display())]
    Owner {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: String,
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
    /// Whose access is restricted cannot be read.
    #[error("it cannot be read whose access is restricted: {0}; see: usher log verify")]
    Restrictions(JournalError),
    /// The system's name servers cannot be found.
    #[error("the system's resolver settings cannot be read: {0}; check /etc/resolv.conf")]
    Resolver(String),
    /// Groups are to be looked into, and nobody can sign certificates.
    #[error(
        "policy.toml has the https of {groups} looked into, and there is no certificate authority to do it with; make one with: usher ca create, and start Usher again"
    )]
    NoAuthority {
        /// The groups.
        groups: String,
    },
    /// Groups are to be looked into, and that could not be done when Usher was started.
    #[error("policy.toml has the https of {groups} looked into, and when this Usher was started that could not be done; it can now: start Usher again")]
    StartAgain {
        /// The groups.
        groups: String,
    },
    /// The certificate authority cannot be read.
    #[error(transparent)]
    Authority(#[from] FolderError),
    /// The certificate authority cannot sign.
    #[error("the certificate authority cannot be used: {0}; see: usher ca show")]
    BadAuthority(#[from] BadAuthority),
    /// No certificates can be made.
    #[error(transparent)]
    Leaves(#[from] LeavesError),
    /// Nobody knows which sites to believe.
    #[error(transparent)]
    Roots(#[from] RootsError),
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

/// What is known of the lists in force, for the person who started it.
#[derive(Debug)]
pub struct Stock {
    /// What is known of them.
    pub generation: Generation,
    /// Who holds them in force, if somebody does.
    pub held: Option<Held>,
    /// What is to be told of them.
    pub remarks: Vec<String>,
}

/// Policy and lists as they stand, for commands that only look: the lists in force, or what they would be were they read now.
pub fn look(config: &Config, secret: [u8; 32]) -> Result<Snapshot, AppError> {
    let rulebook = config.rulebook()?;
    let now = Timestamp::now();
    let lists = apart(|| config.library(secret).look(&rulebook.books(), now))?;
    let look = config.illegal_slot(&secret).look(watch::trace(&config.log()), now);
    let restrictions = restrain::now_in_force(&config.log(), now).map_err(AppError::Restrictions)?;
    Ok(compose(&rulebook, lists, &mut Vec::new()).with_tier(look.tier()).with_restrictions(&restrictions))
}

/// How the illegal tier of an installation stands, by its files. Nothing is written.
#[must_use]
pub fn illegal_standing(config: &Config, secret: &[u8; 32]) -> Standing {
    config.illegal_slot(secret).look(watch::trace(&config.log()), Timestamp::now()).standing().clone()
}

/// Puts policy and lists together. The illegal tier is yet to be put before them.
fn compose(rulebook: &Rulebook, lists: Lists, remarks: &mut Vec<String>) -> Snapshot {
    let school = &rulebook.school;
    let mut whole = blake3::Hasher::new();
    whole.update(rulebook.digest.as_bytes()).update(lists.digest().as_bytes()).update(lists.own().digest().as_bytes());
    let (rules, tier) = (whole.finalize(), Tier::default());
    let lexicon = rulebook.phrases.lexicon(&lists, &rulebook.taxonomy, remarks);
    let mut policy = school.policy.clone();
    policy.settle_themes(lexicon.themes());
    Snapshot {
        id: Snapshot::id_of(&rules, &tier),
        rules,
        tier,
        taxonomy: rulebook.taxonomy.clone(),
        lists: Arc::new(lists),
        policy,
        lexicon: Arc::new(lexicon),
        timetable: school.timetable.clone(),
        networks: school.networks.clone(),
        members: school.members.clone(),
    }
}

/// Does work that takes much memory on a thread of its own: what it took is given back to the system when the thread ends.
pub fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Brings up the lists as they should be in force now.
fn bring_up(library: &Library, rulebook: &Rulebook, order: &Order) -> Result<(Snapshot, Stock), AppError> {
    let shelf = library.bring_up(&rulebook.books(), order, &mut |_| {})?;
    stock(library, rulebook, order, shelf)
}

/// The same at a start: where the lists as they stand cannot be put in force, the school opens with those that were, and is told.
fn bring_up_or_keep(library: &Library, rulebook: &Rulebook, order: &Order) -> Result<(Snapshot, Stock), AppError> {
    let error = match bring_up(library, rulebook, order) {
        Err(AppError::Lists(error)) => error,
        brought => return brought,
    };
    let remark = format!("the newest lists: {error}");
    let Ok(Some(mut shelf)) = library.in_force(&rulebook.books()) else { return Err(error.into()) };
    shelf.remarks.push(remark);
    stock(library, rulebook, order, shelf)
}

fn stock(library: &Library, rulebook: &Rulebook, order: &Order, shelf: Shelf) -> Result<(Snapshot, Stock), AppError> {
    let lists = library.with_own(shelf.lists, &rulebook.books(), order.at)?;
    let mut remarks = shelf.remarks;
    let snapshot = compose(rulebook, lists, &mut remarks);
    remarks.extend(of_phrases(&rulebook.phrases.remarks));
    Ok((snapshot, Stock { generation: shelf.generation, held: shelf.held, remarks }))
}

/// What is told of the lines of phrase files: the first, and how many there are.
fn of_phrases(remarks: &[String]) -> Option<String> {
    let first = remarks.first()?;
    Some(match remarks.len() {
        1 => format!("phrases: {first}"),
        more => format!("phrases: {first}; {} more such lines, see: usher config check", more - 1),
    })
}

/// What Usher itself does to the lists, by its own account.
fn own_order(at: Timestamp, why: &str) -> Order {
    Order { who: "usher serve".to_owned(), at, why: why.to_owned(), sizes: Sizes::Bounded }
}

/// Makes the data folder if need be and returns the secret of the installation. Another account's folder is left alone: what is written there by one
/// account, as by root, the other could not read.
pub fn open_data(config: &Config) -> Result<[u8; 32], AppError> {
    let fail = |path: PathBuf| move |error| AppError::Data { path, error };
    if let Some(owner) = files::other_owner(&config.data) {
        return Err(AppError::Owner { path: config.data.clone(), owner });
    }
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

/// What the outputs send from, and where they keep their places.
fn surroundings(config: &Config, secret: [u8; 32], clock: Clock) -> Surroundings {
    let log = config.log();
    let sources: Vec<(What, Arc<dyn Committed>)> = vec![
        (What::Records, Arc::new(Records::new(log.clone()))),
        (What::Events, Arc::new(Statements::events(log.clone()))),
        (What::Checkpoints, Arc::new(Statements::checkpoints(log))),
    ];
    Surroundings { folder: config.outputs_path(), sources, secret, clock }
}

/// Starts what finds out who is in danger, or gets round the filter. It follows the record from its first request on.
fn alerts(config: &Config, feed: Feed, in_force: &Arc<InForce>, reloader: &Reloader, clock: Clock, secret: [u8; 32]) -> Result<Engine, AppError> {
    let folder = config.alerts_path();
    let own = own_names(&config.settings.own_host).iter().map(|name| name.as_str().into()).collect();
    let (weighed, said) = (reloader.clone(), reloader.clone());
    let weights = Box::new(move |_: &Snapshot| weighed.alerts().weights.clone());
    let hooks = Box::new(School::new(Box::new(move || said.alerts()), in_force.clone()));
    let setup = Setup { log: config.log(), folder: folder.clone(), feed, in_force: in_force.clone(), weights, hooks, own, clock, secret };
    Engine::start(setup).map_err(|error| AppError::Data { path: folder, error })
}

/// How often it is looked whether another authority signs, and who is trusted.
const REFRESH: Duration = Duration::from_secs(60);

async fn refresh(proxy: Arc<Proxy>) {
    let mut minute = tokio::time::interval(REFRESH);
    loop {
        minute.tick().await;
        let proxy = proxy.clone();
        // A panic there would have been told already; the next minute tries again.
        let _ = tokio::task::spawn_blocking(move || proxy.refresh_inspector()).await;
    }
}

/// What it takes to look into https. Without an authority nothing is; a policy that wants it then is an error.
fn inspector(config: &Config, snapshot: &Snapshot, now: Timestamp) -> Result<Option<Arc<Inspector>>, AppError> {
    let kept = config.authorities().load()?;
    let Some(authority) = kept.signing(now) else {
        return if snapshot.policy.inspected().next().is_none() { Ok(None) } else { Err(no_inspector(config, &snapshot.policy, now)) };
    };
    let leaves = Leaves::new(Arc::new(authority.authority()?))?;
    match Origins::load(config.origins.clone(), snapshot.timetable.zone.clone()) {
        Ok(origins) => {
            let (pins, wrong) = Pins::load(pins::Folder::at(config.pins_path()));
            if let Some(error) = wrong {
                events::PinsUnusable { error: &error }.emit();
            }
            Ok(Some(Arc::new(Inspector { leaves, origins, memory: Memory::new(pins) })))
        }
        Err(_) if snapshot.policy.inspected().next().is_none() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Why groups cannot be looked into though policy.toml says so.
fn no_inspector(config: &Config, policy: &Policy, now: Timestamp) -> AppError {
    let groups = policy.inspected().map(|group| &*group.name).collect::<Vec<_>>().join(", ");
    match config.authorities().load() {
        Err(error) => error.into(),
        Ok(kept) if kept.signing(now).is_none() => AppError::NoAuthority { groups },
        // What it takes is made at the start only.
        Ok(_) => match Origins::load(config.origins.clone(), TimeZone::UTC) {
            Err(error) => error.into(),
            Ok(_) => AppError::StartAgain { groups },
        },
    }
}

/// Usher, ready to serve.
pub struct App {
    config: Config,
    proxy: Arc<Proxy>,
    in_force: Arc<InForce>,
    recorder: Recorder,
    reloader: Reloader,
    /// Takes up whose access is restricted.
    restrainer: Restrainer,
    /// Counts how much everybody did.
    counter: Counter,
    /// Finds out who is in danger, or gets round the filter.
    alerts: Engine,
    /// What the outputs share.
    around: Surroundings,
    /// Who is told of alerts.
    telling: Telling,
    /// A set for each worker.
    listeners: Vec<Vec<std::net::TcpListener>>,
    addresses: Vec<SocketAddr>,
}

impl App {
    /// Builds everything, and binds the listeners last of all.
    pub async fn build(config: Config, clock: Clock) -> Result<(Self, Stock), AppError> {
        let secret = open_data(&config)?;
        let rulebook = Arc::new(config.rulebook()?);
        let library = config.library(secret);
        let (snapshot, stock) = apart(|| bring_up_or_keep(&library, &rulebook, &own_order(clock(), "started")))?;
        let users = Users::load(&config.users_path())?;
        let fresh = files::random().map_err(|error| AppError::Data { path: config.data.clone(), error })?;
        let checker = Arc::new(Checker::new(users, fresh));
        let recorder = Recorder::start(&config.log(), config.record)?;
        let workers = config.workers.map_or_else(all_cores_but_one, usize::from);
        let (listeners, addresses) = bind_all(&config.listen, workers)?;
        let guard = Guard::new(config.allow.clone(), addresses.clone());
        // The workers make resolvers of their own; what keeps them from it is better told before serving.
        Names::new(Arc::new(KnownNames::new(HashMap::new())), config.limits.connect_time).map_err(AppError::Resolver)?;
        let around = surroundings(&config, secret, clock.clone());
        outputs::prepare(&config.outputs, &around);
        let (watch, tier) = Watch::start(config.illegal_slot(&secret), config.log(), clock.clone());
        let in_force = Arc::new(InForce::new(snapshot.with_tier(tier)));
        let restrainer = Restrainer::start(config.log(), in_force.clone(), clock.clone());
        let inspector = inspector(&config, &in_force.peek(), clock())?;
        let parts =
            reload::Parts { in_force: in_force.clone(), checker: checker.clone(), watch: Arc::new(watch), clock: clock.clone(), inspector: inspector.clone() };
        let reloader = Reloader::new(&config, secret, parts, rulebook);
        let counter = Counter::new(reloader.clone(), &config.alerts_path(), &secret);
        let alerts = alerts(&config, recorder.feed(), &in_force, &reloader, clock.clone(), secret)?;
        let spools = Spools::at(config.spool_path(), Room::of(config.limits.held_files, config.limits.free_disk));
        let telling = Telling::new(&config, reloader.clone(), secret, clock.clone());
        let proxy = Proxy::new(Parts {
            in_force: in_force.clone(),
            recorder: recorder.clone(),
            checker: checker.clone(),
            names: config.names.clone(),
            guard,
            parent: config.parent.clone(),
            limits: config.limits.clone(),
            settings: config.settings.clone(),
            authorities: config.authorities(),
            inspector,
            antivirus: config.antivirus.as_ref().and_then(|settings| Antivirus::new(settings, spools.clone())),
            spools,
            links: telling.links(),
            clock,
            secret,
        });
        Ok((Self { config, proxy, in_force, recorder, reloader, restrainer, counter, alerts, around, telling, listeners, addresses }, stock))
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

    /// How the illegal tier stands.
    #[must_use]
    pub fn illegal(&self) -> Standing {
        self.reloader.watch().standing()
    }

    /// The addresses it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Something that reads policy, lists and users anew whenever it is told to.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Serves until `shutdown` ends, finishes what is under way, and closes the record.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let watching = tokio::spawn(self.reloader.watch().run(self.in_force));
        let keeping = tokio::spawn(keeper::keep(self.reloader, self.recorder.calendar(), (self.restrainer, self.counter)));
        let sending = tokio::spawn(outputs::run(self.config.outputs, self.around));
        let telling = tokio::spawn(self.telling.run());
        let refreshing = tokio::spawn(refresh(self.proxy.clone()));
        listen::run(self.proxy, self.listeners, shutdown).await;
        refreshing.abort();
        telling.abort();
        sending.abort();
        watching.abort();
        keeping.abort();
        let (recorder, alerts) = (self.recorder, self.alerts);
        let finish = move || {
            recorder.finish();
            alerts.finish();
        };
        // A panic there would have been told already; there is nothing more to do.
        let _ = tokio::task::spawn_blocking(finish).await;
    }
}
