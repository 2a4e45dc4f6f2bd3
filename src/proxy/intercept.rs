//! A connection whose TLS ends here: the client's hello, a certificate of the school's authority, and HTTP inside.
//!
//! The client is answered first. What is wrong with the site's own certificate is found when the first request is sent on, and is a page then. What becomes
//! of a client that does not get so far is [`super::gate`]'s.

use super::conn::Conn;
use super::connection::serve_http;
use super::entrance::{agent_of, noise, not_tls};
use super::explain::Purpose;
use super::gate::{Beginning, Entrant, agree, draining, read_beginning};
use super::inside::{Inside, user_of};
use super::limits::AT_ONCE;
use super::listen::Phase;
use super::stream::ClientStream;
use super::streams::serve_http2;
use super::tunnel::End;
use super::unfit::{Because, Failed, Sign, Unfit};
use super::wire::{Rewound, Wire};
use super::{Inspector, Worker};
use crate::audit::{Opening, Outcome, Pending};
use crate::host::Host;
use crate::policy::Gate;
use crate::policy::decision::Destination;
use crate::policy::gate::{BlockPage, ClientCertificates, NotTls, Pinned};
use crate::policy::reason::Exempt;
use crate::tls::hello::Hello;
use crate::tls::ja4::Class;
use crate::tls::mint::MintError;
use http::StatusCode;
use jiff::Timestamp;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// A `CONNECT` that was answered, and whose TLS is to end here.
pub(super) struct Inspected {
    /// What the client asked to be connected to.
    pub(super) to: Destination,
    pub(super) pending: Pending,
    /// What is to be put on record if the client sends no request, and so never sees that its site is blocked.
    pub(super) unseen: Option<Arc<Opening>>,
    /// What for.
    pub(super) purpose: Purpose,
    /// Whether the site may be passed sealed for its own sake.
    pub(super) may_seal: bool,
}

/// What has been read of a client.
struct Met {
    hello: Hello,
    class: Class,
}

/// How a tunnel goes on after its first bytes.
enum Begun {
    /// With HTTP in TLS.
    Inside { wire: Wire, http2: bool, inspector: Arc<Inspector>, inspected: Inspected, met: Box<Met> },
    /// Sealed after all.
    Sealed { client: End, pending: Pending, by: Exempt, said: String },
    /// Not at all.
    Over,
}

impl Worker {
    /// Serves what comes in a tunnel whose TLS ends here.
    pub(super) async fn intercept(self: &Arc<Self>, stream: ClientStream, inspected: Inspected, entrant: Entrant, mut phase: watch::Receiver<Phase>) {
        // Apart, so that a connection which is open for hours does not hold the room a handshake needs.
        match Box::pin(self.begin_inside(stream, inspected, &entrant, &mut phase)).await {
            Begun::Inside { wire, http2, inspector, inspected, met } => {
                self.serve_inside((wire, http2), inspector, inspected, met, entrant, phase).await;
            }
            Begun::Sealed { client, pending, by, said } => Box::pin(self.pass_exempt(client, pending, entrant, by, said)).await,
            Begun::Over => {}
        }
    }

    /// Reads a client's hello and begins TLS with it.
    async fn begin_inside(self: &Arc<Self>, stream: ClientStream, mut inspected: Inspected, entrant: &Entrant, phase: &mut watch::Receiver<Phase>) -> Begun {
        inspected.pending.status(StatusCode::OK);
        inspected.pending.expect(Outcome::ClientGone);
        let (mut wire, mut early) = stream.into_tunnel();
        let beginning = tokio::select! {
            biased;
            beginning = read_beginning(&mut wire, &mut early) => beginning,
            () = draining(Some(phase)) => Err(Unfit::Stopping),
            () = sleep(self.limits.head_time) => Err(Unfit::TooSlow),
        };
        let ways = entrant.asked.snapshot.policy.ways(entrant.identity.standing);
        let met = match beginning {
            Ok(Beginning::Hello(hello)) => {
                let (class, who) = (Class::of(&hello), (entrant.asked.client(), agent_of(&entrant.asked.headers)));
                let found = self.in_hello(&hello, class, &inspected.to.host, who, ways);
                found.and_then(|found| agree(&hello, &inspected.to.host, || Ok(())).map(|()| (Met { class, hello }, found)))
            }
            Ok(Beginning::NotTls(first)) if self.may_exempt(&inspected, entrant, |gate| gate.not_tls == NotTls::Pass) => {
                let said = format!("it is not TLS, but {first}");
                match noise(first, &early, ways) {
                    Ok(found) => self.note_ways(entrant, &found).await,
                    Err(unfit) => return self.send_away(wire, inspected, entrant, &unfit).await,
                }
                return Begun::Sealed { client: End { wire, early }, pending: inspected.pending, by: Exempt::NotTls, said };
            }
            Ok(Beginning::NotTls(first)) => Err(not_tls(first, &early)),
            Ok(Beginning::Malformed(why)) => Err(Unfit::Malformed(why)),
            Ok(Beginning::Nothing) => Err(Unfit::Gone(Because(None))),
            Err(unfit) => Err(unfit),
        };
        let met = match met {
            Ok((met, found)) => {
                self.note_ways(entrant, &found).await;
                met
            }
            Err(unfit) => return self.send_away(wire, inspected, entrant, &unfit).await,
        };
        if self.is_pinned(&inspected.to.host, met.class, entrant) && self.may_exempt(&inspected, entrant, |gate| gate.pinned != Pinned::Never) {
            let said = "passed sealed: this program takes no certificate but the site's own; see: usher tls pins".to_owned();
            return Begun::Sealed { client: End { wire, early }, pending: inspected.pending, by: Exempt::Pinned, said };
        }
        let (config, inspector) = match self.ready_to_end_tls(&inspected, &met, entrant).await {
            Ok(ready) => ready,
            Err(unfit) => return self.send_away(wire, inspected, entrant, &unfit).await,
        };
        let Wire::Tcp(tcp) = wire else { return self.send_away(wire, inspected, entrant, &Unfit::NoAuthority).await };
        match self.shake(Rewound::new(tcp, early), config, &met.hello, phase).await {
            Ok(tls) => {
                let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                Begun::Inside { wire: Wire::Client(Box::new(tls)), http2, inspector, inspected, met: Box::new(met) }
            }
            Err(unfit) => {
                if let (Unfit::Handshake(why), Purpose::Serve) = (&unfit, inspected.purpose)
                    && let Some(sign) = why.sign()
                {
                    self.turned_from(entrant, &met.hello, met.class, sign).await;
                }
                inspected.pending.note(unfit.to_string());
                inspected.pending.close(unfit.outcome());
                self.record_unseen(inspected.unseen, &unfit.to_string()).await;
                Begun::Over
            }
        }
    }

    /// Serves HTTP in a connection whose TLS has begun.
    async fn serve_inside(
        self: &Arc<Self>,
        (wire, http2): (Wire, bool),
        inspector: Arc<Inspector>,
        inspected: Inspected,
        met: Box<Met>,
        entrant: Entrant,
        phase: watch::Receiver<Phase>,
    ) {
        let Inspected { to, mut pending, unseen, purpose, may_seal } = inspected;
        let gate = entrant.asked.snapshot.policy.gate(entrant.identity.standing);
        let may_seal = may_seal && gate.client_certificates == ClientCertificates::Sealed;
        let (host, port, user) = (to.host, to.port, user_of(&entrant.identity));
        let inside = Inside { host, port, user, inspector, class: met.class, purpose, may_seal, taken: AtomicBool::new(false) };
        let conn = Conn::inside(entrant.conn(), inside);
        // How it ends is told by the records of its requests.
        let mut serving: Pin<Box<dyn Future<Output = ()> + Send>> = if http2 {
            let serving = serve_http2(self.clone(), conn.clone(), wire, phase.clone());
            Box::pin(async { drop(serving.await) })
        } else {
            let stream = ClientStream::new(wire, conn.clone(), self.limits.clone());
            let serving = serve_http(self.clone(), conn.clone(), stream, phase.clone());
            Box::pin(async { drop(serving.await) })
        };
        let has_asked = || conn.inside.as_ref().is_some_and(|inside| inside.has_asked());
        tokio::select! {
            biased;
            () = serving.as_mut() => {
                if !has_asked() && purpose == Purpose::Serve && *phase.borrow() == Phase::Serving {
                    self.turned_from(&entrant, &met.hello, met.class, Sign::Left("it went away at once after the handshake")).await;
                }
            }
            () = sleep(AT_ONCE) => {
                // It keeps its place among the connected, and not the lists it was judged by.
                drop((entrant, met));
                serving.await;
            }
        }
        if !has_asked() {
            let why = "the client asked for nothing";
            pending.note(why);
            self.record_unseen(unseen, why).await;
        }
        pending.close(Outcome::Complete);
    }

    /// Whether a tunnel that would be looked into may be passed sealed, by its group's gate and its site.
    fn may_exempt(&self, inspected: &Inspected, entrant: &Entrant, has: impl Fn(&Gate) -> bool) -> bool {
        inspected.purpose == Purpose::Serve
            && has(&entrant.asked.snapshot.policy.gate(entrant.identity.standing))
            && self.exempt(entrant, Exempt::Pinned).is_some()
    }

    fn is_pinned(&self, host: &Host, class: Class, entrant: &Entrant) -> bool {
        self.inspector.as_ref().is_some_and(|inspector| inspector.memory.pins.passes(host, class, entrant.asked.now))
    }

    /// Sends a client away before its TLS has begun.
    async fn send_away(&self, wire: Wire, inspected: Inspected, entrant: &Entrant, why: &Unfit) -> Begun {
        self.record_unseen(inspected.unseen, &why.to_string()).await;
        self.turn_away(wire, inspected.pending, entrant, why).await;
        Begun::Over
    }

    /// Puts on record that a site is blocked, where nobody was shown a page that says so.
    pub(super) async fn record_unseen(&self, unseen: Option<Arc<Opening>>, why: &str) {
        if let Some(opening) = unseen
            && let Ok(mut pending) = self.recorder.open(opening).await
        {
            pending.note(why);
            pending.close(Outcome::Complete);
        }
    }

    /// What it takes to end a client's TLS.
    async fn ready_to_end_tls(&self, inspected: &Inspected, met: &Met, entrant: &Entrant) -> Result<(Arc<ServerConfig>, Arc<Inspector>), Unfit> {
        let inspector = self.inspector.as_ref().ok_or(Unfit::NoAuthority)?;
        let (client, now) = (entrant.asked.client(), (self.clock)());
        if inspected.purpose == Purpose::Explain(BlockPage::WhenTrusted) && !inspector.memory.devices.trusts(client, met.class, now) {
            return Err(Unfit::NoTrust);
        }
        let config = leaf(inspector, &inspected.to.host, now).await?;
        match inspected.purpose {
            Purpose::Serve => Ok((config, inspector.clone())),
            Purpose::Explain(_) => {
                // A connection that only shows a page ends with it, which a client is sure to understand in HTTP/1.1.
                let mut config = ServerConfig::clone(&config);
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Ok((Arc::new(config), inspector.clone()))
            }
        }
    }

    async fn shake(&self, wire: Rewound, config: Arc<ServerConfig>, hello: &Hello, phase: &mut watch::Receiver<Phase>) -> Result<TlsStream<Rewound>, Unfit> {
        tokio::select! {
            biased;
            done = TlsAcceptor::from(config).accept(wire) => done.map_err(|error| Unfit::Handshake(Failed::of(error, hello))),
            () = draining(Some(phase)) => Err(Unfit::Stopping),
            () = sleep(self.limits.head_time) => Err(Unfit::TooSlow),
        }
    }
}

/// The leaf of a host. Where to sign takes long, that is done where nobody else waits for it.
async fn leaf(inspector: &Arc<Inspector>, host: &Host, now: Timestamp) -> Result<Arc<ServerConfig>, MintError> {
    if !inspector.leaves.is_slow() {
        return inspector.leaves.of(host, now);
    }
    if let Some(kept) = inspector.leaves.kept(host, now) {
        return Ok(kept);
    }
    let (inspector, host) = (inspector.clone(), host.clone());
    tokio::task::spawn_blocking(move || inspector.leaves.of(&host, now)).await.unwrap_or(Err(MintError::Shape))
}
