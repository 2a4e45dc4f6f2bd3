//! Connections that requests are sent to origins on: bare for http, with TLS for https.

use super::body::Home;
use super::bound::Far;
use super::conn::Conn;
use super::error::ProxyError;
use super::limits::ORIGIN_BUFFER;
use super::parent::{ParentError, Way, origin_form};
use super::patient::Patient;
use super::pool::{Believed, Origin, Pool};
use super::sender::Sender;
use super::shared::{Joined, Share};
use super::wire::Wire;
use super::{Inspector, Worker};
use crate::policy::decision::Destination;
use crate::tls::origin::{Generation, Offer, Secured, Speaks};
use http::{HeaderMap, StatusCode, Uri, Version};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The most fields of an answer's head.
const ANSWER_FIELDS: usize = 256;

/// How an origin is spoken to.
pub(super) struct Line<'a> {
    way: Way<'a>,
    /// With TLS, to the origin itself, also through a parent: what it is begun with.
    secure: Option<&'a Inspector>,
}

impl<'a> Line<'a> {
    pub(super) fn new(way: Way<'a>, secure: Option<&'a Inspector>) -> Self {
        Self { way, secure }
    }

    /// What idle connections are kept under.
    fn key(&self) -> &Destination {
        if self.secure.is_some() { self.way.to() } else { self.way.key() }
    }

    /// What a connection that somebody has logged in is kept under.
    pub(super) fn far(&self) -> Far {
        Far { secure: self.secure.is_some(), through_parent: self.way.is_through_parent(), to: self.key().clone() }
    }

    /// Whether it leads where that connection does.
    fn leads_to(&self, far: &Far) -> bool {
        far.secure == self.secure.is_some() && far.through_parent == self.way.is_through_parent() && far.to == *self.key()
    }

    /// Whether the far end is believed by an exception, or may be: then that is on record from the beginning.
    pub(super) fn may_be_excused(&self) -> bool {
        self.secure.is_some_and(|inspector| inspector.origins.excepts(&self.way.to().host))
    }

    /// Under which rules the far end is believed now.
    fn believed(&self) -> Option<Generation> {
        self.secure.map(|inspector| inspector.origins.generation())
    }

    /// The target of a request on this line, and in `headers` what the far end wants to be told.
    pub(super) fn address(&self, path: &str, headers: &mut HeaderMap) -> Uri {
        if self.secure.is_some() { origin_form(path).into() } else { self.way.address(path, headers) }
    }

    /// What an answer means that is not the site's.
    pub(super) fn refusal(&self, status: StatusCode) -> Option<ParentError> {
        if self.secure.is_some() { None } else { self.way.refusal(status) }
    }
}

impl Worker {
    /// Where a connection of a line is kept when it is idle.
    pub(super) fn home_of(&self, line: &Line<'_>, origin: &Origin) -> Home {
        if origin.sender.is_shared() {
            return Home::Shared;
        }
        Home::Pool(self.pool_of(line).clone(), line.key().clone())
    }

    fn pool_of(&self, line: &Line<'_>) -> &Pool {
        if line.secure.is_some() { &self.tls_pool } else { self.plain_pool_of(&line.way) }
    }

    /// A connection to send a request on: one that this client has logged in, one that is shared, an idle one, else a new one.
    pub(super) async fn ready(&self, line: &Line<'_>, conn: &Conn, offer: Offer) -> Result<Origin, ProxyError> {
        if let Some(theirs) = usable(conn.bound.take(|far| line.leads_to(far)), line).await {
            return Ok(theirs);
        }
        let _opening = match self.join(line, offer).await {
            Joined::Share(share) => return Ok(shared(share, true)),
            Joined::Open(opening) => Some(opening),
            Joined::Alone => None,
        };
        if let Some(idle) = usable(self.pool_of(line).take(line.key()), line).await {
            return Ok(idle);
        }
        // Held until then, others wait for what comes of it.
        Box::pin(self.connect(line, offer)).await
    }

    async fn join(&self, line: &Line<'_>, offer: Offer) -> Joined {
        match (line.believed(), offer) {
            (Some(believed), Offer::Both) => self.shared.join(line.key(), believed).await,
            (Some(_), Offer::Http1) | (None, _) => Joined::Alone,
        }
    }

    /// An origin is to be spoken to in HTTP/1.1 for a while.
    pub(super) fn speaks_http1(&self, line: &Line<'_>) {
        self.shared.speaks_http1(line.key());
    }

    /// A new connection.
    pub(super) async fn connect(&self, line: &Line<'_>, offer: Offer) -> Result<Origin, ProxyError> {
        self.connect_to(line, offer, Some(line.key())).await
    }

    /// A new connection that nobody else is given.
    pub(super) async fn connect_alone(&self, line: &Line<'_>, offer: Offer) -> Result<Origin, ProxyError> {
        self.connect_to(line, offer, None).await
    }

    async fn connect_to(&self, line: &Line<'_>, offer: Offer, shared_as: Option<&Destination>) -> Result<Origin, ProxyError> {
        let dialled = self.reach(&line.way).await?;
        let (wire, believed) = match line.secure {
            Some(inspector) => {
                let offer = if self.shared.is_http1(line.key()) { Offer::Http1 } else { offer };
                let secured = self.secure(inspector, &line.way, dialled.tcp, offer).await?;
                let believed = Arc::new(Believed { by: secured.generation, asked: secured.client_certificate, excused: secured.excused.into() });
                let wire = Wire::Origin(Box::new(secured.stream));
                match (secured.speaks, offer) {
                    (Speaks::Http2, _) => {
                        let wire = Patient::new(wire, self.limits.stall_time);
                        let share = self.shared.begin(shared_as, wire, dialled.address, believed).await.map_err(ProxyError::Origin)?;
                        return Ok(shared(share, false));
                    }
                    (Speaks::Http1, Offer::Both) => self.shared.speaks_http1(line.key()),
                    (Speaks::Http1, Offer::Http1) => {}
                }
                (wire, Some(believed))
            }
            None => (Wire::from(dialled.tcp), None),
        };
        let mut builder = http1::Builder::new();
        builder.max_headers(ANSWER_FIELDS).max_buf_size(ORIGIN_BUFFER);
        let io = TokioIo::new(Patient::new(wire, self.limits.stall_time));
        let (sender, connection) = builder.handshake(io).await.map_err(ProxyError::Origin)?;
        // It ends by itself: when its sender is dropped, when the origin closes it, or when it has become a tunnel.
        tokio::spawn(connection.with_upgrades());
        Ok(Origin { sender: Sender::Alone(sender), address: dialled.address, used: false, bound: false, believed })
    }

    /// TLS with the origin at the end of a way.
    async fn secure(&self, inspector: &Inspector, way: &Way<'_>, tcp: TcpStream, offer: Offer) -> Result<Secured<TcpStream>, ProxyError> {
        // A server says nothing in TLS before it is spoken to, so nothing has come early.
        let tunnel = self.far_end(way, tcp, Version::HTTP_11).await?;
        let securing = inspector.origins.secure(&way.to().host, offer, tunnel.tcp);
        timeout(self.limits.connect_time, securing).await.map_err(|_| ProxyError::TooSlow)?.map_err(ProxyError::Tls)
    }
}

/// A connection that is open, and whose far end is still believed: whom the school has ceased to believe is asked again who they are.
async fn usable(kept: Option<Origin>, line: &Line<'_>) -> Option<Origin> {
    let mut kept = kept.filter(|kept| kept.believed.as_ref().map(|believed| believed.by) == line.believed())?;
    kept.sender.ready().await.is_ok().then_some(kept)
}

/// A part of a shared connection, for one request.
fn shared(share: Share, used: bool) -> Origin {
    let (address, believed) = (share.address(), Some(share.believed().clone()));
    Origin { sender: Sender::Shared(Box::new(share)), address, used, bound: false, believed }
}
