//! Connections that requests are sent to origins on: bare for http, with TLS for https.

use super::Worker;
use super::body::Home;
use super::bound::Far;
use super::conn::Conn;
use super::error::ProxyError;
use super::limits::ORIGIN_BUFFER;
use super::parent::{ParentError, Way};
use super::pool::{Origin, Pool};
use super::wire::Wire;
use crate::policy::decision::Destination;
use crate::tls::origin::{Generation, Offer, Secured};
use http::uri::PathAndQuery;
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
    /// With TLS, to the origin itself, also through a parent.
    secure: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(way: Way<'a>, secure: bool) -> Self {
        Self { way, secure }
    }

    /// What idle connections are kept under.
    fn key(&self) -> &Destination {
        if self.secure { self.way.to() } else { self.way.key() }
    }

    /// What a connection that somebody has logged in is kept under.
    pub(super) fn far(&self) -> Far {
        Far { secure: self.secure, through_parent: self.way.is_through_parent(), to: self.key().clone() }
    }

    /// The target of a request on this line, and in `headers` what the far end wants to be told.
    pub(super) fn address(&self, path: &str, headers: &mut HeaderMap) -> Uri {
        if self.secure { Uri::from(path.parse::<PathAndQuery>().unwrap_or_else(|_| PathAndQuery::from_static("/"))) } else { self.way.address(path, headers) }
    }

    /// What an answer means that is not the site's.
    pub(super) fn refusal(&self, status: StatusCode) -> Option<ParentError> {
        if self.secure { None } else { self.way.refusal(status) }
    }
}

impl Worker {
    /// Where a connection of a line is kept when it is idle.
    pub(super) fn home_of(&self, line: &Line<'_>) -> Home {
        Home::Pool(self.pool_of(line).clone(), line.key().clone())
    }

    fn pool_of(&self, line: &Line<'_>) -> &Pool {
        if line.secure { &self.tls_pool } else { self.plain_pool_of(&line.way) }
    }

    /// A connection to send a request on: one that this client has logged in, an idle one, else a new one.
    pub(super) async fn ready(&self, line: &Line<'_>, conn: &Conn) -> Result<Origin, ProxyError> {
        if let Some(mut idle) = conn.bound.take(&line.far()).or_else(|| self.pool_of(line).take(line.key()))
            // Whom the school has ceased to believe is asked again who they are.
            && idle.believed == self.believed_by(line)
            && idle.sender.ready().await.is_ok()
        {
            return Ok(idle);
        }
        self.connect(line).await
    }

    /// Under which rules the far end of a line is believed now.
    fn believed_by(&self, line: &Line<'_>) -> Option<Generation> {
        self.inspector.as_ref().filter(|_| line.secure).map(|inspector| inspector.origins.generation())
    }

    /// A new connection.
    pub(super) async fn connect(&self, line: &Line<'_>) -> Result<Origin, ProxyError> {
        let dialled = self.reach(&line.way).await?;
        let (wire, believed) = if line.secure {
            let secured = self.secure(&line.way, dialled.tcp).await?;
            (Wire::Origin(Box::new(secured.stream)), Some(secured.generation))
        } else {
            (Wire::from(dialled.tcp), None)
        };
        let mut builder = http1::Builder::new();
        builder.max_headers(ANSWER_FIELDS).max_buf_size(ORIGIN_BUFFER);
        let (sender, connection) = builder.handshake(TokioIo::new(wire)).await.map_err(ProxyError::Origin)?;
        // It ends by itself: when its sender is dropped, when the origin closes it, or when it has become a tunnel.
        tokio::spawn(connection.with_upgrades());
        Ok(Origin { sender, address: dialled.address, used: false, bound: false, believed })
    }

    /// TLS with the origin at the end of a way.
    async fn secure(&self, way: &Way<'_>, tcp: TcpStream) -> Result<Secured<TcpStream>, ProxyError> {
        let Wire::Tcp(tcp) = self.far_end(way, tcp, Version::HTTP_11).await?.wire else { return Err(ProxyError::TooSlow) };
        // Without one no connection is inspected.
        let Some(inspector) = &self.inspector else { return Err(ProxyError::Loop) };
        let securing = inspector.origins.secure(&way.to().host, Offer::Http1, tcp);
        timeout(self.limits.connect_time, securing).await.map_err(|_| ProxyError::TooSlow)?.map_err(ProxyError::Tls)
    }
}
