//! The forward proxy: bytes in, a decision asked for, a record opened, the decision carried out.
//!
//! ```text
//! listen ─▶ connection ─▶ stream + framing ─┬▶ hyper ─▶ request ─▶ identify ─▶ policy ─▶ audit ─┬▶ forward ─▶ exchange ─▶ pool, dial, guard
//!                                           └▶ connect, the same way ───────────────────────────┼▶ gate ─┬▶ tunnel ─▶ dial, guard
//!                                                                                               │        └▶ intercept ─▶ hyper, and so on
//!                                                                                               └▶ refusals, own_pages ─▶ pages
//! ```
//!
//! With a parent proxy set, `dial` leads to it: see [`parent`].
//!
//! Nothing here knows a rule. To connect anywhere takes a permit, which only a decision issues; errors become answers in one place
//! ([`error`]). Every limit is in [`limits`].

mod authority;
pub mod body;
mod bound;
pub mod chunks;
pub mod conn;
pub mod connect;
pub mod connection;
pub mod decoding;
pub mod dial;
mod entrance;
pub mod error;
mod exchange;
pub mod explain;
pub mod forward;
pub mod framing;
pub mod gate;
mod goodbye;
pub mod guard;
pub mod headers;
pub mod heads;
pub mod hellos;
pub mod identify;
pub mod inside;
pub mod inspected_file;
mod inspected_upload;
pub mod intercept;
pub mod judge;
pub mod judge_messages;
pub mod judge_parts;
pub mod limits;
mod line;
pub mod links;
pub mod listen;
mod meaning;
pub mod names;
mod on_record;
pub mod own_pages;
pub mod pace;
pub mod pages;
pub mod parent;
mod patient;
pub mod pool;
pub mod programs;
mod reading;
mod refusals;
pub mod replay;
pub mod request;
mod rewritten;
pub mod scanned;
pub mod sender;
mod sequel;
mod shared;
mod sockets;
pub mod stream;
mod streams;
pub mod target;
mod timer;
pub mod tunnel;
mod unfit;
pub mod warnings;
mod ways;
mod websocket;
mod whole;
pub mod wire;

use crate::alert::links::Links;
use crate::antivirus::{Antivirus, Spools};
use crate::audit::{RecordId, Recorder};
use crate::bypass::cloak::Leaps;
use crate::bypass::pairs::Pairs;
use crate::bypass::relay::Relays;
use crate::host::Host;
use crate::identity::local::Checker;
use crate::insight::trail::Trail;
use crate::snapshot::InForce;
use crate::telemetry::events::{AuthorityUnusable, PinsUnusable};
use crate::tls::ca;
use crate::tls::leaves::Leaves;
use crate::tls::origin::Origins;
use decoding::Decoding;
use dial::Dialer;
use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use guard::Guard;
use headers::Via;
use hellos::Hellos;
use identify::Ask;
use jiff::Timestamp;
use limits::{IDLE_PER_ORIGIN, IDLE_TO_PARENT, Limits, PASSWORD_CHECKS_PER_MINUTE};
use names::KnownNames;
use pace::Reins;
use pages::School;
use parent::Parent;
use parking_lot::Mutex;
use pool::Pool;
use shared::Shared;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use warnings::Warnings;

/// Tells the time. The world's clock but in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

type PerClient = RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>;

/// What the proxy needs to know of this installation, beside what is in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// When it asks for a password.
    pub ask: Ask,
    /// What its pages say.
    pub school: School,
    /// The name under which a browser reaches Usher's own pages through the proxy.
    pub own_host: Host,
    /// How long going on past a warning holds.
    pub warning_holds: Duration,
}

/// What the proxy is made of.
pub struct Parts {
    /// Policy and lists.
    pub in_force: Arc<InForce>,
    /// The record.
    pub recorder: Recorder,
    /// The users of this installation.
    pub checker: Arc<Checker>,
    /// Names that are known without asking a name server.
    pub names: HashMap<Host, Vec<IpAddr>>,
    /// Which addresses may be connected to.
    pub guard: Guard,
    /// The parent proxy, if there is one.
    pub parent: Option<Parent>,
    /// The limits.
    pub limits: Limits,
    /// The installation.
    pub settings: Settings,
    /// Where the school's certificate authority is kept.
    pub authorities: ca::Folder,
    /// What it takes to end TLS here, if there is an authority.
    pub inspector: Option<Arc<Inspector>>,
    /// What is remembered of the hellos of programs.
    pub hellos: Hellos,
    /// The virus scanners, if there are any.
    pub antivirus: Option<Arc<Antivirus>>,
    /// Where files wait.
    pub spools: Spools,
    /// The links with which somebody says that they have read an alert.
    pub links: Arc<Links>,
    /// The time.
    pub clock: Clock,
    /// The secret of the installation.
    pub secret: [u8; 32],
}

/// What it takes to end the TLS of a connection here and begin another to its site.
pub struct Inspector {
    /// The certificates that clients are shown.
    pub leaves: Leaves,
    /// Whose certificates are believed.
    pub origins: Origins,
    /// What is remembered of programs, devices and sites.
    pub memory: programs::Memory,
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").field("leaves", &self.leaves.len()).finish_non_exhaustive()
    }
}

impl Inspector {
    /// Takes up what has changed on disk: the authority that signs by now, and who is trusted. To be called now and then, where waiting is allowed.
    ///
    /// # Errors
    /// What is wrong; what was in force stays.
    pub fn refresh(&self, authorities: &ca::Folder, now: Timestamp) -> Result<(), String> {
        // Neither waits for the other to be mended.
        let (signing, trust) = (self.refresh_authority(authorities, now), self.origins.refresh());
        if let Err(error) = self.memory.pins.refresh(now) {
            PinsUnusable { error: &error }.emit();
        }
        signing.and(trust.map(drop).map_err(|error| error.to_string()))
    }

    fn refresh_authority(&self, authorities: &ca::Folder, now: Timestamp) -> Result<(), String> {
        let kept = authorities.load().map_err(|error| error.to_string())?;
        let Some(signing) = kept.signing(now).filter(|signing| !self.leaves.is_signed_by(signing.own())) else { return Ok(()) };
        let authority = signing.authority().map_err(|error| error.to_string())?;
        self.leaves.replace(Arc::new(authority)).map_err(|error| error.to_string())
    }
}

/// The proxy, as all its workers share it.
pub struct Proxy {
    in_force: Arc<InForce>,
    recorder: Recorder,
    checker: Arc<Checker>,
    names: Arc<KnownNames>,
    guard: Guard,
    parent: Option<Parent>,
    limits: Arc<Limits>,
    settings: Settings,
    authorities: ca::Folder,
    inspector: Option<Arc<Inspector>>,
    hellos: Hellos,
    antivirus: Option<Arc<Antivirus>>,
    spools: Spools,
    links: Arc<Links>,
    clock: Clock,
    /// What holds answers and tunnels that go on for long.
    reins: Arc<Reins>,
    via: Via,
    warnings: Warnings,
    trail: Trail<RecordId>,
    /// Tabs that pretended to be another moments ago.
    leaps: Mutex<Leaps>,
    /// Addresses of web proxies' forms that sites were asked for.
    pairs: Mutex<Pairs>,
    /// Pages of other sites that sites were asked for.
    relays: Mutex<Relays>,
    requests: Option<PerClient>,
    password_checks: PerClient,
    /// Memory for undoing content codings.
    decoding: Decoding,
}

/// One thread's part of the proxy. A connection to an origin stays on the thread that made it, so nothing a request needs is waited for across
/// threads but the record.
pub struct Worker {
    proxy: Arc<Proxy>,
    dialer: Dialer,
    pool: Pool,
    parent_pool: Pool,
    tls_pool: Pool,
    shared: Shared,
}

impl std::ops::Deref for Worker {
    type Target = Proxy;

    fn deref(&self) -> &Proxy {
        &self.proxy
    }
}

impl Worker {
    /// The part of the thread it is called on.
    ///
    /// # Errors
    /// If the system's resolver settings cannot be read.
    pub fn new(proxy: Arc<Proxy>) -> Result<Arc<Self>, String> {
        let dialer = Dialer::new(proxy.names.clone(), proxy.guard.clone(), proxy.limits.connect_time)?;
        Ok(Arc::new(Self {
            proxy,
            dialer,
            pool: Pool::keeping(IDLE_PER_ORIGIN),
            parent_pool: Pool::keeping(IDLE_TO_PARENT),
            tls_pool: Pool::keeping(IDLE_PER_ORIGIN),
            shared: Shared::default(),
        }))
    }

    /// Forgets idle connections that are of no more use. To be called every few seconds.
    pub fn sweep(&self) {
        self.pool.sweep();
        self.parent_pool.sweep();
        self.tls_pool.sweep();
        self.shared.sweep();
    }
}

impl Proxy {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let keyed = |use_for: &str| blake3::derive_key(use_for, &parts.secret);
        let [a, b, c, d, ..] = keyed("usher 2026 the name in Via");
        let limits = Arc::new(parts.limits);
        let per_minute = NonZeroU32::new(PASSWORD_CHECKS_PER_MINUTE).unwrap_or(NonZeroU32::MIN);
        Arc::new(Self {
            via: Via::new(u32::from_le_bytes([a, b, c, d])),
            warnings: Warnings::new(keyed("usher 2026 the tokens of warnings"), parts.settings.warning_holds),
            trail: Trail::new(),
            leaps: Mutex::default(),
            pairs: Mutex::default(),
            relays: Mutex::default(),
            decoding: Decoding::of(&limits.scan),
            requests: limits.requests_per_second.map(|rate| RateLimiter::keyed(Quota::per_second(rate).allow_burst(limits.request_burst))),
            password_checks: RateLimiter::keyed(Quota::per_minute(per_minute)),
            reins: Reins::new(parts.in_force.clone(), parts.clock.clone()),
            in_force: parts.in_force,
            recorder: parts.recorder,
            checker: parts.checker,
            names: Arc::new(KnownNames::new(parts.names)),
            guard: parts.guard,
            parent: parts.parent,
            limits,
            settings: parts.settings,
            authorities: parts.authorities,
            inspector: parts.inspector,
            hellos: parts.hellos,
            antivirus: parts.antivirus,
            spools: parts.spools,
            links: parts.links,
            clock: parts.clock,
        })
    }

    /// Takes up another certificate authority, and who is trusted, if https can be looked into: [`Inspector::refresh`].
    pub fn refresh_inspector(&self) {
        if let Some(inspector) = &self.inspector
            && let Err(error) = inspector.refresh(&self.authorities, (self.clock)())
        {
            AuthorityUnusable { error: &error }.emit();
        }
    }

    /// Keeps what is remembered of hellos, if that is due. To be called now and then, where waiting is allowed.
    pub fn keep_hellos_if_due(&self) {
        self.hellos.keep_if_due((self.clock)());
    }

    /// Keeps what is remembered of hellos: at the end.
    pub fn keep_hellos(&self) {
        self.hellos.keep();
    }

    /// Forgets clients not seen for a while. To be called every few seconds.
    pub fn sweep(&self) {
        self.password_checks.retain_recent();
        if let Some(requests) = &self.requests {
            requests.retain_recent();
        }
    }
}
