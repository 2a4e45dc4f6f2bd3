//! Connections that requests are sent to origins on: bare for http, with TLS for https.

use super::body::Home;
use super::bound::Far;
use super::conn::Conn;
use super::error::ProxyError;
use super::limits::ORIGIN_BUFFER;
use super::parent::{ParentError, Way, origin_form};
use super::pool::{Origin, Pool};
use super::wire::Wire;
use super::{Inspector, Worker};
use crate::policy::decision::Destination;
use crate::tls::origin::{Generation, Offer, Secured};
use crate::tls::refusal::ClientCertificate;
use http::{HeaderMap, StatusCode, Uri, Version};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
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
    pub(super) fn home_of(&self, line: &Line<'_>) -> Home {
        Home::Pool(self.pool_of(line).clone(), line.key().clone())
    }

    fn pool_of(&self, line: &Line<'_>) -> &Pool {
        if line.secure.is_some() { &self.tls_pool } else { self.plain_pool_of(&line.way) }
    }

    /// A connection to send a request on: one that this client has logged in, an idle one, else a new one.
    pub(super) async fn ready(&self, line: &Line<'_>, conn: &Conn) -> Result<Origin, ProxyError> {
        if let Some(mut idle) = conn.bound.take(|far| line.leads_to(far)).or_else(|| self.pool_of(line).take(line.key()))
            // Whom the school has ceased to believe is asked again who they are.
            && idle.believed == line.believed()
            && idle.sender.ready().await.is_ok()
        {
            return Ok(idle);
        }
        self.connect(line).await
    }

    /// A new connection.
    pub(super) async fn connect(&self, line: &Line<'_>) -> Result<Origin, ProxyError> {
        let dialled = self.reach(&line.way).await?;
        let (wire, believed, asked, excused) = match line.secure {
            Some(inspector) => {
                let secured = self.secure(inspector, &line.way, dialled.tcp).await?;
                (Wire::Origin(Box::new(secured.stream)), Some(secured.generation), secured.client_certificate, secured.excused.into())
            }
            None => (Wire::from(dialled.tcp), None, ClientCertificate::NotAsked, Box::default()),
        };
        let mut builder = http1::Builder::new();
        builder.max_headers(ANSWER_FIELDS).max_buf_size(ORIGIN_BUFFER);
        let (sender, connection) = builder.handshake(TokioIo::new(wire)).await.map_err(ProxyError::Origin)?;
        // It ends by itself: when its sender is dropped, when the origin closes it, or when it has become a tunnel.
        tokio::spawn(connection.with_upgrades());
        Ok(Origin { sender, address: dialled.address, used: false, bound: false, believed, asked, excused })
    }

    /// TLS with the origin at the end of a way.
    async fn secure(&self, inspector: &Inspector, way: &Way<'_>, tcp: TcpStream) -> Result<Secured<TcpStream>, ProxyError> {
        // A server says nothing in TLS before it is spoken to, so nothing has come early.
        let tunnel = self.far_end(way, tcp, Version::HTTP_11).await?;
        let securing = inspector.origins.secure(&way.to().host, Offer::Http1, tunnel.tcp);
        timeout(self.limits.connect_time, securing).await.map_err(|_| ProxyError::TooSlow)?.map_err(ProxyError::Tls)
    }
}
