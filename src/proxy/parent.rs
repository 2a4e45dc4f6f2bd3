//! The parent proxy on the way of a request: what goes through it, and what becomes of what it answers.
//!
//! With a parent set, everything goes through it but what `direct` names. Plain requests are sent to it in absolute form, tunnels are asked of it
//! with `CONNECT`; both carry the school's own `Proxy-Authorization`, never the client's. Names are resolved by the parent, so the guard
//! judges what is known here without asking: literal addresses, `localhost`, and the names of the `[names]` table. The parent itself may be at
//! a private address, and nobody's request reaches it there as a destination unless the guard opens that address.
//!
//! A tunnel that is to be looked up as another name (SafeSearch) is asked for by that name. A parent that compares it with the name in the TLS inside
//! may refuse that.
//!
//! One thing cannot be said to a parent: `OPTIONS *` becomes `OPTIONS /`, for want of an absolute form without a path in the client that speaks to it.

use super::Worker;
use super::dial::{DialError, Dialled};
use super::error::ProxyError;
use super::guard::Forbidden;
use super::pool::Pool;
use crate::host::{Host, HostError};
use crate::policy::decision::Destination;
use crate::upstream::Upstream;
use crate::upstream::tunnel::{self, Answer, Tunnel, TunnelError};
use bytes::BytesMut;
use http::header::{HeaderMap, PROXY_AUTHORIZATION};
use http::uri::PathAndQuery;
use http::{StatusCode, Uri, Version};
use ipnet::IpNet;
use std::net::IpAddr;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The parent proxy, and what goes past it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The parent.
    pub upstream: Upstream,
    /// What is reached directly.
    direct: Vec<Direct>,
    /// Under what its idle connections are kept.
    key: Destination,
}

/// What is reached past the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direct {
    /// These addresses, and names known to lead to nothing else.
    Range(IpNet),
    /// This name and all below it.
    Name(Host),
    /// All below this name.
    Below(Host),
}

impl Direct {
    /// Reads `10.0.0.0/8`, `school.example` or `*.school.example`.
    ///
    /// # Errors
    /// If it is neither a range of addresses nor a name.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Ok(range) = text.parse::<IpNet>() {
            return Ok(Self::Range(range.trunc()));
        }
        if let Some(name) = text.strip_prefix("*.") {
            return Host::parse(name).map(Self::Below);
        }
        let host = Host::parse(text)?;
        Ok(host.address().map_or_else(|| Self::Name(host.clone()), |address| Self::Range(address.into())))
    }

    fn covers(&self, host: &Host, known: &[IpAddr]) -> bool {
        match self {
            Self::Range(range) => !known.is_empty() && known.iter().all(|address| range.contains(&address.to_canonical())),
            Self::Name(name) => host.is_within(name),
            Self::Below(name) => host != name && host.is_within(name),
        }
    }
}

impl Parent {
    /// A parent that everything goes through but `direct`.
    #[must_use]
    pub fn new(upstream: Upstream, direct: Vec<Direct>) -> Self {
        let key = Destination::new(upstream.host.clone(), upstream.port);
        Self { upstream, direct, key }
    }

    /// Whether a host whose `known` addresses are these goes past the parent.
    #[must_use]
    pub fn is_passed(&self, host: &Host, known: &[IpAddr]) -> bool {
        self.direct.iter().any(|direct| direct.covers(host, known))
    }
}

/// What goes wrong between this proxy and its parent.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// It filters too, and blocks this.
    #[error("the filter that this one reaches the web through, {parent}, refuses the way to {host} ({})", status.as_u16())]
    Blocks {
        /// The parent.
        parent: String,
        /// Where the way would have led.
        host: Host,
        /// What it answered.
        status: StatusCode,
    },
    /// It wants to be told who asks, or does not believe it.
    #[error(
        "the parent proxy {0} wants a name and password, or does not accept those it was given; a technician can set `user` and `password_file` under [upstream] in usher.toml"
    )]
    Password(String),
    /// It is not there.
    #[error("the parent proxy {parent} is not reached: {error}; a technician can check `address` under [upstream] in usher.toml")]
    Down {
        /// The parent.
        parent: String,
        /// Why.
        error: DialError,
    },
    /// It cannot, or will not for another reason.
    #[error("the parent proxy {parent} could not open a way to {host}: it answered {status}")]
    Refused {
        /// The parent.
        parent: String,
        /// Where the way would have led.
        host: Host,
        /// What it answered.
        status: StatusCode,
    },
    /// Its answer is none.
    #[error("{parent}: {error}; a technician can check `address` under [upstream] in usher.toml")]
    Answer {
        /// The parent.
        parent: String,
        /// Why.
        error: TunnelError,
    },
    /// It does not answer.
    #[error("the parent proxy {0} did not answer in time")]
    TooSlow(String),
}

/// How a destination is reached.
pub(super) enum Way<'a> {
    /// By a connection to it.
    Straight(Destination),
    /// By a connection to the parent.
    Through(&'a Parent, Destination),
}

impl Way<'_> {
    /// What idle connections of this way are kept under.
    pub(super) fn key(&self) -> &Destination {
        match self {
            Self::Straight(to) => to,
            Self::Through(parent, _) => &parent.key,
        }
    }

    /// Where it leads.
    pub(super) fn to(&self) -> &Destination {
        match self {
            Self::Straight(to) | Self::Through(_, to) => to,
        }
    }

    pub(super) fn is_through_parent(&self) -> bool {
        matches!(self, Self::Through(..))
    }

    /// The target of a plain request on this way (RFC 9112 section 3.2), and in `headers` what the far end wants to be told.
    pub(super) fn address(&self, path: &str, headers: &mut HeaderMap) -> Uri {
        let whole = origin_form(path);
        match self {
            Self::Straight(_) => Uri::from(whole),
            Self::Through(parent, to) => {
                if let Some(value) = tunnel::authorization(&parent.upstream) {
                    headers.insert(PROXY_AUTHORIZATION, value);
                }
                let path = if whole == "*" { PathAndQuery::from_static("/") } else { whole };
                let written = to.host.authority(to.port);
                let authority = written.strip_suffix(":80").filter(|_| to.port == 80).unwrap_or(&written);
                Uri::builder().scheme("http").authority(authority).path_and_query(path).build().unwrap_or_default()
            }
        }
    }

    /// What the answer to a plain request means that is not the site's: the parent asks us for a password.
    pub(super) fn refusal(&self, status: StatusCode) -> Option<ParentError> {
        match self {
            Self::Straight(_) => None,
            Self::Through(parent, _) => (status == StatusCode::PROXY_AUTHENTICATION_REQUIRED).then(|| ParentError::Password(parent.upstream.to_string())),
        }
    }
}

/// Path and query as a target (RFC 9112 section 3.2.1).
pub(super) fn origin_form(path: &str) -> PathAndQuery {
    path.parse().unwrap_or_else(|_| PathAndQuery::from_static("/"))
}

impl Worker {
    /// How a destination that was decided on is reached.
    pub(super) fn way(&self, to: Destination) -> Result<Way<'_>, Forbidden> {
        let Some(parent) = &self.parent else { return Ok(Way::Straight(to)) };
        let known = self.dialer.known(&to.host);
        if parent.is_passed(&to.host, &known) {
            return Ok(Way::Straight(to));
        }
        self.dialer.check_known(&known, to.port)?;
        if to.resolve_as.is_some() {
            self.dialer.check_known(&self.dialer.known(to.looked_up()), to.port)?;
        }
        Ok(Way::Through(parent, to))
    }

    /// Where idle connections of a way are kept: those to the parent apart, since who comes to the parent's address as a destination of
    /// their own is judged by the guard.
    pub(super) fn plain_pool_of(&self, way: &Way<'_>) -> &Pool {
        match way {
            Way::Straight(_) => &self.pool,
            Way::Through(..) => &self.parent_pool,
        }
    }

    /// Connects to the far end of a way.
    pub(super) async fn reach(&self, way: &Way<'_>) -> Result<Dialled, ProxyError> {
        match way {
            Way::Straight(to) => Ok(self.dialer.dial(to).await?),
            Way::Through(parent, _) => {
                let down = |error| ParentError::Down { parent: parent.upstream.to_string(), error };
                Ok(self.dialer.dial_parent(&parent.key).await.map_err(down)?)
            }
        }
    }

    /// The far end of a tunnel, once its way is connected: the parent is asked to lead on.
    pub(super) async fn far_end(&self, way: &Way<'_>, tcp: TcpStream, version: Version) -> Result<Tunnel, ProxyError> {
        match way {
            Way::Straight(_) => Ok(Tunnel { tcp, early: BytesMut::new() }),
            // Boxed because hyper's state is large, and most schools have no parent.
            Way::Through(parent, to) => Ok(Box::pin(self.lead_on(parent, to, tcp, version)).await?),
        }
    }

    async fn lead_on(&self, parent: &Parent, to: &Destination, tcp: TcpStream, version: Version) -> Result<Tunnel, ParentError> {
        let name = || parent.upstream.to_string();
        let mut fields = HeaderMap::new();
        self.via.add(&mut fields, version);
        let asking = timeout(self.limits.answer_time, tunnel::open(tcp, &parent.upstream, (to.looked_up(), to.port), fields));
        let answer = asking.await.map_err(|_| ParentError::TooSlow(name()))?;
        match answer.map_err(|error| ParentError::Answer { parent: name(), error })? {
            Answer::Open(tunnel) => Ok(tunnel),
            Answer::Refused(response) => Err(refused(name(), to.host.clone(), response.status())),
        }
    }
}

/// What a parent means that opens no tunnel. Only what says "forbidden" is a block; a parent that cannot is not one that will not.
fn refused(parent: String, host: Host, status: StatusCode) -> ParentError {
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => ParentError::Password(parent),
        StatusCode::FORBIDDEN | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => ParentError::Blocks { parent, host, status },
        _ => ParentError::Refused { parent, host, status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).expect("a host")
    }

    fn parent(direct: &[&str]) -> Parent {
        let upstream = Upstream { host: host("parent.example"), port: 3128, credentials: None };
        Parent::new(upstream, direct.iter().map(|text| Direct::parse(text).expect("a name or a range")).collect())
    }

    #[test]
    fn only_what_is_named_goes_past_the_parent() {
        let parent = parent(&["*.school.example", "print.example", "10.0.0.0/8", "192.0.2.7"]);
        for (to, known, past) in [
            ("intranet.school.example", &[][..], true),
            ("school.example", &[], false),
            ("notschool.example", &[], false),
            ("print.example", &[], true),
            ("a.print.example", &[], true),
            ("10.1.2.3", &["10.1.2.3"], true),
            ("11.1.2.3", &["11.1.2.3"], false),
            ("192.0.2.7", &["192.0.2.7"], true),
            ("library.example", &["10.1.2.3", "10.1.2.4"], true),
            ("library.example", &["10.1.2.3", "203.0.113.1"], false),
            ("news.example", &[], false),
        ] {
            let known: Vec<IpAddr> = known.iter().map(|address| address.parse().expect("an address")).collect();
            assert_eq!(parent.is_passed(&host(to), &known), past, "{to} {known:?}");
        }
    }

    #[test]
    fn what_is_neither_a_name_nor_a_range_is_refused() {
        for text in ["", "*", "*.", "a b", "10.0.0.0/99", "https://school.example/"] {
            assert!(Direct::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_to_the_parent_names_the_whole_address() {
        let parent = parent(&[]);
        for (to, port, path, target) in [
            ("news.example", 80, "/a?b", "http://news.example/a?b"),
            ("news.example", 8080, "/", "http://news.example:8080/"),
            ("news.example", 8080, "*", "http://news.example:8080/"),
            ("2001:db8::1", 80, "/", "http://[2001:db8::1]/"),
            ("2001:db8::80", 81, "/", "http://[2001:db8::80]:81/"),
        ] {
            let to = Destination::new(host(to), port);
            let mut headers = HeaderMap::new();
            assert_eq!(Way::Through(&parent, to.clone()).address(path, &mut headers), target);
            assert!(headers.is_empty(), "no name and password are set");
            assert_eq!(Way::Straight(to).address(path, &mut headers), path);
        }
    }

    #[test]
    fn a_parent_that_cannot_is_not_one_that_blocks() {
        for (status, blocks) in [(403, true), (451, true), (407, false), (400, false), (404, false), (502, false), (503, false), (504, false)] {
            let error = refused("parent".into(), host("a.example"), StatusCode::from_u16(status).expect("a status"));
            assert_eq!(matches!(error, ParentError::Blocks { .. }), blocks, "{status}");
        }
    }
}
