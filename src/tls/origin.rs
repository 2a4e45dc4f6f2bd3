//! TLS with an origin: a handshake over a connection that is there, with full verification and a reason where there is none.
//!
//! [`Origins`] is one for the process. It hands out nothing that was not verified: by webpki against [`Trust`], or by an [`Exception`] that names what it
//! accepts. How long a handshake may take is its caller's to limit; what it may make us keep is bounded by rustls (64 KiB a message) and by the store of sessions.
//!
//! Not here: who may be connected to (`proxy::guard`), pages (`proxy::error`), revocation beyond the lists the school adds (rustls fetches nothing, and an
//! answer of OCSP that an origin sends along is not read), and certificates that an origin left out, which are not fetched.
//!
//! A connection may be shared as long as [`Origins::generation`] is what it was when it was made: after that, who is trusted has changed.

use super::exception::{Exception, Exceptions};
use super::refusal::{ClientCertificate, Refusal};
use super::roots::{Files, RootsError, Trust};
use super::sessions::Sessions;
use super::verify::{NoCertificate, Said, Verifier, said};
use crate::host::Host;
use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, HandshakeKind, RootCertStore};

/// What the school says of origins' certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Its own authorities and lists of revoked certificates.
    pub files: Files,
    /// Its exceptions.
    pub exceptions: Vec<Exception>,
}

/// What is offered to speak inside (ALPN, RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offer {
    /// HTTP/2, else HTTP/1.1.
    Both,
    /// HTTP/1.1 alone, as WebSocket needs it (RFC 6455).
    Http1,
}

/// What is spoken inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaks {
    /// HTTP/1.1: chosen, or nothing was.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A connection to an origin that is who it says.
#[derive(Debug)]
pub struct Secured<IO> {
    /// The connection.
    pub stream: TlsStream<IO>,
    /// What is spoken inside.
    pub speaks: Speaks,
    /// Whether it asked for a certificate of ours. It was shown none; if it needs one, it says so in TLS 1.3 when it is first read from: see
    /// [`Refusal::of_later`].
    pub client_certificate: ClientCertificate,
    /// Whether a session was resumed. Then the certificate was looked at when that began, and nobody asks for one of ours.
    pub resumed: bool,
    /// The exceptions it needed; none for most.
    pub excused: Vec<Arc<Exception>>,
    /// Under which rules it was made.
    pub generation: Generation,
}

/// Which rules are in force. Another number, other rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(u64);

/// Whether something was read anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// No file has changed.
    Unchanged,
    /// It was, and so many authorities are trusted now.
    Changed(usize),
}

/// Makes connections to origins secure.
pub struct Origins {
    in_force: ArcSwap<InForce>,
    /// Who changes what is in force does it alone.
    rules: Mutex<Rules>,
}

struct Rules {
    settings: Settings,
    zone: TimeZone,
    trust: Trust,
}

struct InForce {
    generation: Generation,
    verifier: Arc<Verifier>,
    /// By [`Offer`].
    resuming: [Arc<ClientConfig>; 2],
    /// The same for hosts with an exception.
    afresh: [Arc<ClientConfig>; 2],
}

impl Origins {
    /// Reads who is trusted. Exceptions end with the last of their days in this time zone. Reads files, so not where others wait.
    ///
    /// # Errors
    /// If nobody is trusted, or a file of the school's cannot be used.
    pub fn load(settings: Settings, zone: TimeZone) -> Result<Self, RootsError> {
        let trust = Trust::read(&settings.files)?;
        let in_force = InForce::new(Generation(1), &trust, &settings, &zone)?;
        Ok(Self { in_force: ArcSwap::from_pointee(in_force), rules: Mutex::new(Rules { settings, zone, trust }) })
    }

    /// Reads the files again if one of them has changed; old sessions end then. To be called from time to time, not where others wait.
    ///
    /// # Errors
    /// As [`Self::load`]; what was in force stays.
    pub fn refresh(&self) -> Result<Refreshed, RootsError> {
        let mut rules = self.rules.lock();
        let (settings, zone) = (rules.settings.clone(), rules.zone.clone());
        self.put_in_force(&mut rules, settings, zone)
    }

    /// Puts other settings in force. If they are what they were, and no file has changed, sessions and connections stay.
    ///
    /// # Errors
    /// As [`Self::load`]; what was in force stays.
    pub fn replace(&self, settings: Settings, zone: TimeZone) -> Result<Refreshed, RootsError> {
        self.put_in_force(&mut self.rules.lock(), settings, zone)
    }

    fn put_in_force(&self, rules: &mut Rules, settings: Settings, zone: TimeZone) -> Result<Refreshed, RootsError> {
        if settings == rules.settings && zone == rules.zone && !rules.trust.changed() {
            return Ok(Refreshed::Unchanged);
        }
        let trust = Trust::read(&settings.files)?;
        let next = Generation(self.generation().0 + 1);
        let in_force = InForce::new(next, &trust, &settings, &zone)?;
        let authorities = trust.authorities();
        *rules = Rules { settings, zone, trust };
        self.in_force.store(Arc::new(in_force));
        Ok(Refreshed::Changed(authorities))
    }

    /// Which rules are in force.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.in_force.load().generation
    }

    /// Whether there is an exception for a host, in force or not.
    #[must_use]
    pub fn excepts(&self, host: &Host) -> bool {
        self.in_force.load().verifier.excepts(host)
    }

    /// Begins TLS on a connection to a host.
    ///
    /// # Errors
    /// Why the origin is not believed, or what else kept TLS from beginning. The connection is of no more use.
    pub async fn secure<IO: AsyncRead + AsyncWrite + Unpin>(&self, host: &Host, offer: Offer, io: IO) -> Result<Secured<IO>, Refusal> {
        let in_force = self.in_force.load_full();
        let configs = if in_force.verifier.excepts(host) { &in_force.afresh } else { &in_force.resuming };
        let config = match offer {
            Offer::Both => &configs[0],
            Offer::Http1 => &configs[1],
        };
        let (stream, said) = shake(config.clone(), host, io).await?;
        let session = stream.get_ref().1;
        let speaks = if session.alpn_protocol() == Some(b"h2") { Speaks::Http2 } else { Speaks::Http1 };
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        Ok(Secured { stream, speaks, client_certificate: said.asked, resumed, excused: said.excused, generation: in_force.generation })
    }
}

impl InForce {
    fn new(generation: Generation, trust: &Trust, settings: &Settings, zone: &TimeZone) -> Result<Self, RootsError> {
        let verifier = Arc::new(Verifier::new(trust, Exceptions::new(&settings.exceptions), zone.clone())?);
        // rustls resumes a session only under the verifier and the resolver it was made with, so both are the same in all of these.
        let resumption = Resumption::store(Arc::new(Sessions::default()));
        let resuming = config(verifier.clone(), resumption);
        let mut afresh = resuming.clone();
        afresh.resumption = Resumption::disabled();
        Ok(Self { generation, verifier, resuming: by_offer(&resuming), afresh: by_offer(&afresh) })
    }
}

fn by_offer(config: &ClientConfig) -> [Arc<ClientConfig>; 2] {
    let speaking = |protocols: &[&[u8]]| {
        let mut config = config.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    };
    [speaking(&[b"h2", b"http/1.1"]), speaking(&[b"http/1.1"])]
}

/// TLS with a server that Usher itself wants something of: these are trusted and no others, there are no exceptions, and no session is kept. With no
/// protocols (ALPN), none is offered.
///
/// # Errors
/// As [`Origins::secure`].
pub async fn secure_once<IO: AsyncRead + AsyncWrite + Unpin>(
    roots: Arc<RootCertStore>,
    host: &Host,
    protocols: &[&[u8]],
    io: IO,
) -> Result<TlsStream<IO>, Refusal> {
    let verifier = Verifier::strict(roots).map_err(|error| Refusal::Other(error.to_string()))?;
    let mut config = config(Arc::new(verifier), Resumption::disabled());
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    shake(Arc::new(config), host, io).await.map(|(stream, _)| stream)
}

/// A configuration that asks this verifier. TLS 1.2 and 1.3; nothing is sent before the origin is believed.
fn config(verifier: Arc<Verifier>, resumption: Resumption) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(super::provider()).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider has cipher suites of both versions");
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_client_cert_resolver(Arc::new(NoCertificate));
    config.resumption = resumption;
    config
}

/// A handshake, and what was said beside its result.
async fn shake<IO: AsyncRead + AsyncWrite + Unpin>(config: Arc<ClientConfig>, host: &Host, io: IO) -> Result<(TlsStream<IO>, Said), Refusal> {
    let name = ServerName::try_from(host.as_str().to_owned()).map_err(|_| Refusal::Other("no certificate can be made for its name".into()))?;
    let mut handshake = pin!(TlsConnector::from(config).connect(name, io));
    let mut all = Said::default();
    let done = poll_fn(|context| {
        // Another handshake may have been polled on this thread, and given up before its own was taken.
        drop(said());
        let polled = handshake.as_mut().poll(context);
        let now = said();
        if now.asked == ClientCertificate::Asked {
            all.asked = now.asked;
        }
        all.refusal = now.refusal.or(all.refusal.take());
        all.excused.extend(now.excused);
        polled
    });
    match done.await {
        Ok(stream) => Ok((stream, all)),
        Err(error) => Err(all.refusal.take().unwrap_or_else(|| Refusal::of(&error, all.asked))),
    }
}
