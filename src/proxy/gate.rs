//! The gate of a tunnel: what its first bytes are, whether they agree with what it was asked for, and what becomes of it where they do not.
//!
//! The client's first bytes are read once and kept: they go on to the site, or are read again by our own handshake. A tunnel that is turned away is told so
//! in its own protocol, where it has one, and is on record twice: as the `CONNECT` that was answered, and as what it turned out to be.
//!
//! Who turns away from our certificate is remembered here ([`Memory`]), and what follows from that is in [`crate::tls::pins`].

use super::conn::Conn;
use super::connect::carry;
use super::error::ProxyError;
use super::inside::{Inside, user_of};
use super::limits::{FAREWELL, HELLO, SAVES};
use super::listen::{Phase, reached};
use super::meaning::Entry;
use super::request::{Answer, Asked, own_answer, raw};
use super::streams::Goodbye;
use super::target::Target;
use super::tunnel::End;
use super::wire::Wire;
use super::{Inspector, Proxy, Worker};
use crate::audit::{Outcome, Pending, Verdict};
use crate::host::Host;
use crate::identity::Identity;
use crate::policy::decision::Exempt;
use crate::policy::gate::{BlockPage, ClientCertificates, Names, NotTls, Pinned};
use crate::policy::{Circumstances, ConnectVerdict, Decision, Gate, Reason, TunnelPermit};
use crate::telemetry::events;
use crate::tls::asking::Asking;
use crate::tls::devices::Devices;
use crate::tls::first::First;
use crate::tls::hello::{self, Ech, Hello, Malformed, Name, Read};
use crate::tls::ja4::{Class, Ja4};
use crate::tls::mint::MintError;
use crate::tls::pins::Pins;
use crate::tls::pins::book::{May, State, Turned, Why};
use crate::tls::refusal::Refusal;
use crate::url::{Scheme, Url};
use bytes::BytesMut;
use http::header::{CACHE_CONTROL, CONNECTION, HeaderMap, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode, Version};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::{self, AlertDescription};

/// A fatal alert of TLS (RFC 8446 section 6), but for its number.
const ALERT: [u8; 6] = [0x15, 3, 3, 0, 2, 2];
/// What is said to who speaks HTTP where TLS is expected.
const NOT_HERE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 51\r\n\r\nIn this tunnel only https is let through, not HTTP\n";

/// What is remembered of programs, devices and sites.
pub struct Memory {
    /// Programs that take no certificate but a site's own.
    pub pins: Pins,
    /// Devices that trust the school's authority.
    pub devices: Devices,
    /// Sites that let in only who shows a certificate.
    pub asking: Asking,
    /// Whether what is new of programs is about to be written.
    saves: AtomicBool,
}

impl Memory {
    /// With what is kept of programs.
    #[must_use]
    pub fn new(pins: Pins) -> Self {
        Self { pins, devices: Devices::default(), asking: Asking::default(), saves: AtomicBool::new(false) }
    }

    /// Writes what is new of programs before long, and not more often than [`SAVES`], however much there is.
    fn save_soon(&self, inspector: &Arc<Inspector>) {
        if self.saves.swap(true, Ordering::AcqRel) {
            return;
        }
        let inspector = inspector.clone();
        tokio::spawn(async move {
            sleep(SAVES).await;
            inspector.memory.saves.store(false, Ordering::Release);
            // Where it fails, it is told, and tried again within a minute.
            if let Ok(Err(error)) = tokio::task::spawn_blocking(move || inspector.memory.pins.save()).await {
                events::PinsUnusable { error: &error }.emit();
            }
        });
    }
}

/// What a tunnel was asked with, until its beginning has been looked at.
pub(super) struct Entrant {
    pub(super) asked: Asked,
    pub(super) target: Target,
    pub(super) identity: Identity,
}

impl Entrant {
    fn host(&self) -> &Host {
        &self.target.url().host
    }

    /// Its place among the connected.
    pub(super) fn conn(&self) -> Arc<Conn> {
        self.asked.conn.clone()
    }

    /// What is kept of it while its client may be silent: not the lists it was judged by.
    fn resting(self) -> Resting {
        let Self { asked: Asked { conn, method, version, headers, .. }, target, identity } = self;
        Resting { conn, method, version, headers, target, user: user_of(&identity) }
    }
}

/// A tunnel whose client may be silent for long, and which holds on to no lists.
struct Resting {
    conn: Arc<Conn>,
    method: Method,
    version: Version,
    headers: HeaderMap,
    target: Target,
    user: Option<Arc<str>>,
}

/// What a connection is for whose TLS ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its requests are judged, and may be sent on.
    Serve,
    /// Its site is blocked or warned about: to show the page that says so. Nothing is sent on. With whether the program must be known to trust us.
    Explain(BlockPage),
}

/// Why a tunnel is turned away.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// The client said nothing whole in time.
    #[error("the client did not begin to speak TLS in time")]
    TooSlow,
    /// Neither the client nor the site said anything for as long as a tunnel may be idle.
    #[error("nothing moved for too long")]
    Idle,
    /// Usher stops.
    #[error("Usher was stopped before the client had spoken")]
    Stopping,
    /// The client went away.
    #[error("the client went away before it had spoken{0}")]
    Gone(Because),
    /// It does not speak TLS.
    #[error("the client does not speak TLS, but {0}")]
    NotTls(First),
    /// The site spoke first, as none does in TLS.
    #[error("the site spoke first, as none does in TLS")]
    SiteFirst,
    /// The site ended its half before the client had spoken.
    #[error("the site ended the connection before the client had spoken")]
    SiteGone,
    /// What it speaks was meant to be TLS.
    #[error("the client's TLS cannot be read: {0}")]
    Malformed(Malformed),
    /// It asks for another name than its tunnel.
    #[error("the tunnel was asked for {tunnel}, and the TLS in it is for {named}{}", if *.ech { " and may hide the name of another (ECH)" } else { "" })]
    OtherName {
        /// What the tunnel is for.
        tunnel: Host,
        /// What its TLS is for.
        named: String,
        /// Whether another hello may be hidden in it.
        ech: bool,
    },
    /// It asks for no name, in a tunnel to one.
    #[error("the tunnel was asked for {0}, and the TLS in it names no site")]
    NoName(Host),
    /// No page can be shown to it.
    #[error("this program has not shown that it trusts the school's certificate, so no page can be shown")]
    NoTrust,
    /// There is no authority to sign certificates.
    #[error("there is no certificate authority; make one with: usher ca create, then start Usher again")]
    NoAuthority,
    /// No certificate can be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The handshake failed.
    #[error("{0}")]
    Handshake(Failed),
}

/// Why a client went away, if that is known.
#[derive(Debug)]
pub(super) struct Because(pub(super) Option<io::Error>);

impl std::fmt::Display for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

/// Why a handshake with a client failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// It says that it does not believe the certificate.
    #[error("the client does not take the school's certificate (TLS alert {0})")]
    Disbelieves(u8),
    /// It went away.
    #[error("the client went away from the school's certificate: {0}")]
    Left(io::Error),
    /// Its clock is wrong, or ours.
    #[error("the client takes the school's certificate for expired (TLS alert 45): its clock or this machine's is wrong")]
    Clock,
    /// It says something else.
    #[error("the client ended the handshake (TLS alert {0})")]
    Alert(u8),
    /// It speaks none of what is served inside.
    #[error("the client offers {0} only, and nothing of that is served here")]
    Speaks(String),
    /// It offers no version or cipher that is safe.
    #[error("the client offers no TLS that is safe: {0}")]
    NoCommonTls(String),
    /// Its TLS is broken.
    #[error("the client's TLS is broken: {0}")]
    Broken(io::Error),
}

impl Failed {
    /// What the error of a handshake means.
    pub(super) fn of(error: io::Error, hello: &Hello) -> Self {
        use AlertDescription as A;
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(alert)) => match *alert {
                A::BadCertificate | A::CertificateUnknown | A::UnknownCA => Self::Disbelieves(u8::from(*alert)),
                A::CertificateExpired => Self::Clock,
                other => Self::Alert(u8::from(other)),
            },
            Some(rustls::Error::NoApplicationProtocol) => {
                let names: Vec<_> = hello.alpn.iter().map(|name| String::from_utf8_lossy(name).escape_debug().to_string()).collect();
                Self::Speaks(names.join(", "))
            }
            Some(rustls::Error::PeerIncompatible(why)) => Self::NoCommonTls(format!("{why:?}")),
            Some(_) => Self::Broken(error),
            None => Self::Left(error),
        }
    }

    /// How it turned away from our certificate, if that is what it did.
    pub(super) fn sign(&self) -> Option<Sign> {
        match self {
            Self::Disbelieves(alert) => Some(Sign::Alert(*alert)),
            Self::Left(_) => Some(Sign::Left("it went away in the handshake")),
            Self::Clock | Self::Alert(_) | Self::Speaks(_) | Self::NoCommonTls(_) | Self::Broken(_) => None,
        }
    }
}

/// How a client turned away from our certificate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    /// It said that it does not believe it.
    Alert(u8),
    /// It went away, and may have had another reason.
    Left(&'static str),
}

impl Unfit {
    /// How the record of the tunnel ends.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::TooSlow | Self::Idle => Outcome::LimitReached,
            Self::SiteGone => Outcome::OriginFailed,
            Self::Gone(_) | Self::Handshake(_) => Outcome::ClientGone,
            Self::Stopping
            | Self::NotTls(_)
            | Self::SiteFirst
            | Self::Malformed(_)
            | Self::OtherName { .. }
            | Self::NoName(_)
            | Self::NoTrust
            | Self::Mint(_)
            | Self::NoAuthority => Outcome::Abandoned,
        }
    }

    /// One word for the kind, as in the log, where it is a way round the filter or may be one.
    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::NotTls(_) | Self::SiteFirst | Self::Malformed(_) => Some("not-tls"),
            Self::OtherName { .. } => Some("fronting"),
            Self::NoName(_) => Some("no-name"),
            Self::TooSlow
            | Self::Idle
            | Self::SiteGone
            | Self::Stopping
            | Self::Gone(_)
            | Self::NoTrust
            | Self::NoAuthority
            | Self::Mint(_)
            | Self::Handshake(_) => None,
        }
    }

    /// What is said to the client in its own protocol.
    fn farewell(&self) -> BytesMut {
        let alert = |alert: AlertDescription| BytesMut::from_iter(ALERT.into_iter().chain([u8::from(alert)]));
        match self {
            Self::NotTls(First::Http) => NOT_HERE.into(),
            Self::NotTls(_) | Self::SiteFirst | Self::SiteGone | Self::Idle | Self::Gone(_) | Self::Handshake(_) => BytesMut::new(),
            // Browsers take access_denied for a word about a certificate of their own.
            Self::OtherName { .. } | Self::NoName(_) | Self::NoTrust => alert(AlertDescription::UnrecognisedName),
            Self::Malformed(_) => alert(AlertDescription::DecodeError),
            Self::TooSlow | Self::Stopping => alert(AlertDescription::UserCanceled),
            Self::NoAuthority | Self::Mint(_) => alert(AlertDescription::InternalError),
        }
    }
}

/// The beginning of a tunnel.
#[expect(clippy::large_enum_variant, reason = "one a tunnel, looked at where it is made")]
pub(super) enum Beginning {
    Hello(Hello),
    NotTls(First),
    Malformed(Malformed),
    /// The client has ended its half before anything was whole.
    Nothing,
}

/// Reads the beginning of a tunnel; it stays in `bytes`.
pub(super) async fn read_beginning(wire: &mut Wire, bytes: &mut BytesMut) -> Result<Beginning, Unfit> {
    loop {
        match hello::read(bytes) {
            Read::Hello(hello) => return Ok(Beginning::Hello(hello)),
            Read::NotTls(first) => return Ok(Beginning::NotTls(first)),
            Read::Malformed(why) => return Ok(Beginning::Malformed(why)),
            Read::More => {
                bytes.reserve(HELLO);
                match wire.read_buf(bytes).await {
                    Ok(0) => return Ok(Beginning::Nothing),
                    Ok(_) => {}
                    Err(error) => return Err(Unfit::Gone(Because(Some(error)))),
                }
            }
        }
    }
}

/// Ends when a site has spoken, or when its half has ended.
async fn spoken(site: &mut End) -> Option<()> {
    if !site.early.is_empty() {
        return Some(());
    }
    // A sealed tunnel's site is at the end of a connection of its own.
    let tcp = site.wire.tcp()?;
    tcp.readable().await.ok()?;
    match tcp.peek(&mut [0; 1]).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

/// Ends when Usher drains; never, where nobody tells.
pub(super) async fn draining(phase: Option<&mut watch::Receiver<Phase>>) {
    match phase {
        Some(phase) => reached(phase, Phase::Draining).await,
        None => std::future::pending().await,
    }
}

/// Whether a hello is for the host of its tunnel. `absent`: what becomes of one that names none.
pub(super) fn agree(hello: &Hello, tunnel: &Host, absent: impl FnOnce() -> Result<(), Unfit>) -> Result<(), Unfit> {
    let other = |named: String| Unfit::OtherName { tunnel: tunnel.clone(), named, ech: hello.ech != Ech::Absent };
    match &hello.name {
        Name::Host(name) if name == tunnel => Ok(()),
        Name::Host(name) => Err(other(name.to_string())),
        Name::Unusable(why) => Err(other(format!("what cannot be told: {why}"))),
        Name::Absent => absent(),
    }
}

impl Worker {
    /// Moves bytes through a sealed tunnel until both ends are done, if its beginning is as the group's gate has it.
    pub(super) async fn pass(&self, mut client: End, mut site: End, pending: Pending, entrant: Entrant, phase: Option<watch::Receiver<Phase>>) {
        let gate = entrant.asked.snapshot.policy.gate(entrant.identity.standing);
        // A tunnel may last all day: it keeps its place among the connected, and not the lists it was judged by.
        let resting = entrant.resting();
        let said = match self.look(&mut client, &mut site, &resting.target.url().host, gate, phase).await {
            Ok(said) => said,
            Err(unfit) => return self.turn_away(client.wire, pending, &self.awake(resting), &unfit).await,
        };
        let _place = resting.conn;
        carry(client, site, pending, self.limits.tunnel_idle_time, said).await;
    }

    /// A tunnel that rested, by the rules of now.
    fn awake(&self, resting: Resting) -> Entrant {
        let Resting { conn, method, version, headers, target, user } = resting;
        let asked = self.asked_anew(conn, (method, version), headers);
        let identity = self.identify_again(user.as_ref(), &asked.snapshot, asked.client());
        Entrant { asked, target, identity }
    }

    /// Looks at the beginning of a sealed tunnel. What is to be said of it on record, if it is not TLS and may be so.
    async fn look(
        &self,
        client: &mut End,
        site: &mut End,
        tunnel: &Host,
        gate: Gate,
        mut phase: Option<watch::Receiver<Phase>>,
    ) -> Result<Option<String>, Unfit> {
        if !gate.looks() {
            return Ok(None);
        }
        let passes = gate.not_tls == NotTls::Pass;
        let limit = if passes { self.limits.tunnel_idle_time } else { self.limits.head_time };
        let beginning = tokio::select! {
            biased;
            beginning = read_beginning(&mut client.wire, &mut client.early) => beginning?,
            spoken = spoken(site) => return match spoken {
                Some(()) if passes => Ok(Some("it is not TLS: the site spoke first".to_owned())),
                Some(()) => Err(Unfit::SiteFirst),
                None if passes => Ok(None),
                None => Err(Unfit::SiteGone),
            },
            () = draining(phase.as_mut()) => return Err(Unfit::Stopping),
            () = sleep(limit) => return Err(if passes { Unfit::Idle } else { Unfit::TooSlow }),
        };
        match beginning {
            Beginning::Hello(hello) if gate.names == Names::Agree => {
                let absent = || if tunnel.address().is_some() { Ok(()) } else { Err(Unfit::NoName(tunnel.clone())) };
                agree(&hello, tunnel, absent).map(|()| None)
            }
            Beginning::Hello(_) => Ok(None),
            Beginning::NotTls(first) if passes => Ok(Some(format!("it is not TLS, but {first}"))),
            Beginning::NotTls(first) => Err(Unfit::NotTls(first)),
            // Some server may read it another way.
            Beginning::Malformed(why) => Err(Unfit::Malformed(why)),
            Beginning::Nothing if passes => Ok(None),
            Beginning::Nothing => Err(Unfit::Gone(Because(None))),
        }
    }

    /// Ends a tunnel that is turned away: on record first, then with a word in its own protocol.
    pub(super) async fn turn_away(&self, mut wire: Wire, mut pending: Pending, entrant: &Entrant, why: &Unfit) {
        pending.note(why.to_string());
        pending.close(why.outcome());
        if let Some(kind) = why.kind() {
            self.mark(&entrant.asked, &entrant.target, &entrant.identity, kind, super::error::sentence(&why.to_string())).await;
        }
        let farewell = why.farewell();
        if !farewell.is_empty() {
            // Whether it is still there to hear it makes no difference.
            let _ = timeout(FAREWELL, async {
                wire.write_all(&farewell).await?;
                wire.shutdown().await
            })
            .await;
        }
    }

    /// Passes a tunnel sealed that would be looked into.
    pub(super) async fn pass_exempt(&self, client: End, mut pending: Pending, entrant: Entrant, why: Exempt, said: String) {
        let Some((permit, entry)) = self.exempt(&entrant, why) else { return };
        pending.note(said.clone());
        pending.close(Outcome::Complete);
        // What cannot be reached or put on record is told by its own record; the client speaks another protocol than a page would.
        let Ok((site, pending)) = self.reach_sealed(&entrant.asked, permit, entry).await else { return };
        let _place = entrant.conn();
        drop(entrant);
        carry(client, site, pending, self.limits.tunnel_idle_time, Some(said)).await;
    }

    /// Permission to pass a tunnel sealed that would be looked into, and what is on record then.
    pub(super) fn exempt(&self, entrant: &Entrant, why: Exempt) -> Option<(TunnelPermit, Entry)> {
        let Entrant { asked, target, identity } = entrant;
        let found = asked.snapshot.lists.look_up(target.url());
        let moment = asked.snapshot.timetable.moment(asked.now);
        let Decision { verdict, reason, .. } =
            asked.snapshot.court().decide_connect(target.url(), &found, self.circumstances(asked, target, identity, &moment));
        let ConnectVerdict::Inspect(permit) = verdict else { return None };
        Some((permit.to_seal()?, self.judged(asked, target, identity, &found, Verdict::Allowed, &reason.exempt(why))))
    }

    /// What is known of a program that turned away from our certificate, put to what is remembered.
    pub(super) async fn turned_from(&self, entrant: &Entrant, hello: &Hello, class: Class, sign: Sign) {
        let Some(inspector) = self.inspector.clone() else { return };
        let Entrant { asked, identity, .. } = entrant;
        let who = identity.user().map_or_else(|| asked.client().to_string(), str::to_owned);
        let group = asked.snapshot.policy.group_name(identity.standing).to_string();
        let (sign, is_said) = match sign {
            Sign::Alert(alert) => (format!("TLS alert {alert}"), true),
            Sign::Left(how) => (how.to_owned(), false),
        };
        let turned = Turned { ja4: Ja4::of(hello).to_string(), sign, is_said, who, group };
        let host = entrant.host().clone();
        let news = inspector.memory.pins.turned(&host, class, turned, self.may_pin(entrant), asked.now);
        if let Some(state) = news {
            if !matches!(state, State::Noted(_)) {
                events::PinFound { host: &host, program: &class, state: &state.to_string() }.emit();
            }
            inspector.memory.save_soon(&inspector);
        }
    }

    /// What may come of a program that turns away.
    fn may_pin(&self, entrant: &Entrant) -> May {
        let gate = entrant.asked.snapshot.policy.gate(entrant.identity.standing);
        let knows = |inspector: &Arc<Inspector>| inspector.memory.devices.may_trust(entrant.asked.client(), entrant.asked.now);
        match gate.pinned {
            Pinned::Never => May::Note(Why::Group),
            Pinned::Learn | Pinned::Ask if self.exempt(entrant, Exempt::Pinned).is_none() => May::Note(Why::Site),
            Pinned::Ask => May::Ask,
            Pinned::Learn if self.inspector.as_ref().is_some_and(knows) => May::Pass,
            Pinned::Learn => May::Note(Why::DeviceUnknown),
        }
    }

    /// Answers a request in a connection that was made to show a page: with that page, whatever it asks for. The connection ends with it, so that the next
    /// one is judged as it is then.
    pub(super) async fn explain(&self, asked: &Asked, target: &Target, identity: &Identity) -> Answer {
        let url = target.url();
        let tunnel = Target::Tunnel(Url::new(Scheme::Https, url.host.clone(), url.port, ""));
        let found = asked.snapshot.lists.look_up(tunnel.url());
        let moment = asked.snapshot.timetable.moment(asked.now);
        let around = Circumstances { method: Method::CONNECT.as_str(), ..self.circumstances(asked, &tunnel, identity, &moment) };
        let Decision { verdict, reason, .. } = asked.snapshot.court().decide_connect(tunnel.url(), &found, around);
        let (verdict, page) = match (&verdict, &reason) {
            (ConnectVerdict::Tunnel(_) | ConnectVerdict::Inspect(_), _) => return self.again(asked, target, identity).await,
            (ConnectVerdict::Block, Reason::NoPage(inner)) => (Verdict::Warned, self.warning_page(asked, target, identity, inner)),
            (ConnectVerdict::Block, _) => (Verdict::Blocked, self.block_page(asked, target, &reason)),
        };
        let mut answer = match self.open_record(asked, self.judged(asked, target, identity, &found, verdict, reason.with_a_page())).await {
            Ok(pending) => own_answer(asked, &page, Some(pending), &self.settings.school),
            Err(answer) => answer,
        };
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    /// Has a client ask again on a connection of its own.
    async fn again(&self, asked: &Asked, target: &Target, identity: &Identity) -> Answer {
        match self.answered(asked, target, identity, "again", "It is judged anew on another connection.").await {
            Ok(pending) => again(asked, target, pending),
            Err(answer) => answer,
        }
    }

    /// The answer to a request that failed at its origin. A site that lets in only who shows a certificate is remembered; where its group has such sites
    /// passed sealed, the client is to ask again, and is passed then.
    pub(super) fn failed_at_origin(&self, asked: &Asked, target: &Target, error: &ProxyError, mut pending: Pending) -> Answer {
        if let ProxyError::Tls(Refusal::WantsClientCertificate) = error
            && let Some(inside) = &asked.conn.inside
            && inside.inspector.memory.asking.found(&inside.host, inside.port, asked.now)
            && inside.may_seal
        {
            pending.note(format!("{error}; the client is to ask again, and is passed sealed then"));
            return again(asked, target, pending);
        }
        self.failed(asked, error, pending)
    }
}

fn again(asked: &Asked, target: &Target, mut pending: Pending) -> Answer {
    let mut response = Response::new(bytes::Bytes::new());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(url) = HeaderValue::try_from(raw(target)) {
        response.headers_mut().insert(LOCATION, url);
    }
    pending.expect(Outcome::Complete);
    let mut answer = super::request::finish(asked, super::pages::refer(response, pending.id()), Some(pending));
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer.extensions_mut().insert(Goodbye);
    answer
}

impl Proxy {
    /// Whether the page that says why a site is blocked can be shown in place of a tunnel to it: for which group's setting.
    pub(super) fn shows_page(&self, asked: &Asked, identity: &Identity, reason: &Reason) -> Option<BlockPage> {
        let inspector = self.inspector.as_ref()?;
        // A closed port is not about the site.
        if matches!(reason, Reason::Port(_)) {
            return None;
        }
        let setting = asked.snapshot.policy.gate(identity.standing).block_page;
        let shows = match setting {
            BlockPage::Always => true,
            BlockPage::WhenTrusted => inspector.memory.devices.may_trust(asked.client(), asked.now),
            BlockPage::Never => false,
        };
        shows.then_some(setting)
    }

    /// Whether a site that is looked into is passed sealed because it lets in only who shows a certificate.
    pub(super) fn asks_for_certificate(&self, asked: &Asked, identity: &Identity, url: &Url) -> bool {
        self.inspector.as_ref().is_some_and(|inspector| inspector.memory.asking.knows(&url.host, url.port, asked.now))
            && asked.snapshot.policy.gate(identity.standing).client_certificates == ClientCertificates::Sealed
    }
}

impl Inside {
    /// Whether a request has come.
    pub(super) fn has_asked(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }

    /// Notes that a request has come: then the program has taken our certificate.
    pub(super) fn note_request(&self, asked: &Asked) {
        if !self.taken.swap(true, Ordering::AcqRel) {
            let memory = &self.inspector.memory;
            memory.devices.took(asked.client(), self.class, asked.now);
            memory.pins.took(&self.host, self.class, asked.now);
        }
    }
}
