//! Inside a connection whose TLS ends here: for which host it was opened, by whom, and what a request in it is for.
//!
//! A connection lasts longer than a policy, so it keeps how its owner is known and not which group that was: the group is looked up for each request.

use super::pages::Page;
use super::target::Target;
use super::{Inspector, Proxy};
use crate::host::Host;
use crate::identity::{Identity, Who};
use crate::snapshot::Snapshot;
use crate::url::{Scheme, Url, split_port};
use http::header::{HOST, HeaderMap};
use http::{Method, StatusCode, Uri};
use std::net::IpAddr;
use std::sync::Arc;

/// What is known of a connection whose TLS ends here.
#[derive(Debug)]
pub struct Inside {
    /// The host it was opened for, and whose certificate the client was shown.
    pub host: Host,
    /// The port it was opened for.
    pub port: u16,
    /// The user, if one proved who they are with the `CONNECT`; else the address tells.
    pub user: Option<Arc<str>>,
    /// What its requests are sent on over TLS with.
    pub inspector: Arc<Inspector>,
}

/// Why a request in such a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// It is for another host than the connection.
    OtherHost,
    /// It is to open a tunnel.
    Tunnel,
    /// What it is for cannot be read.
    Unreadable,
}

impl Misplaced {
    /// One word for the kind, as in the log.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::OtherHost => "fronting",
            Self::Tunnel => "tunnel-inside",
            Self::Unreadable => "target",
        }
    }

    /// The page that says so.
    #[must_use]
    pub fn page(self) -> Page {
        let (status, line) = match self {
            // RFC 9110 section 15.5.20: a client that shares connections among hosts asks again on a new one.
            Self::OtherHost => (StatusCode::MISDIRECTED_REQUEST, "The request is for another site than the connection it came on."),
            Self::Tunnel => (StatusCode::METHOD_NOT_ALLOWED, "A tunnel inside an encrypted connection is not opened."),
            Self::Unreadable => (StatusCode::BAD_REQUEST, "The address cannot be read."),
        };
        Page::new(status, "refused", "The request cannot be served").line(line)
    }
}

impl Inside {
    /// What a request is for.
    ///
    /// # Errors
    /// If it is not for the host of the connection.
    pub fn target(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Target, Misplaced> {
        if *method == Method::CONNECT {
            return Err(Misplaced::Tunnel);
        }
        let named = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => headers.get(HOST).and_then(|host| host.to_str().ok()).ok_or(Misplaced::Unreadable)?,
        };
        let (host, port) = split_port(named).map_err(|_| Misplaced::Unreadable)?;
        let host = Host::parse(host).map_err(|_| Misplaced::Unreadable)?;
        if host != self.host || port.unwrap_or(443) != self.port || uri.scheme().is_some_and(|scheme| *scheme != http::uri::Scheme::HTTPS) {
            return Err(Misplaced::OtherHost);
        }
        let path = super::target::path(uri);
        let url = Url::new(Scheme::Https, host, self.port, &path);
        Ok(Target::Page { url, port: Some(self.port).filter(|port| *port != 443), path })
    }
}

impl Proxy {
    /// Whose request this is, by the rules in force now. Nobody's, if the user is none any more.
    pub(super) fn identify_inside(&self, inside: &Inside, snapshot: &Snapshot, client: IpAddr) -> Identity {
        match &inside.user {
            None => snapshot.networks.group_of(client).map_or_else(Identity::unknown, Identity::of_network),
            Some(name) => match self.checker.listed_group(name) {
                Some(listed) => Identity::proved(name.clone(), snapshot.standing_of_user(name, listed.as_deref())),
                None => Identity::unknown(),
            },
        }
    }
}

/// The name of the user, to be kept with a connection.
pub(super) fn user_of(identity: &Identity) -> Option<Arc<str>> {
    match &identity.who {
        Who::User(name) => Some(name.clone()),
        Who::Unnamed => None,
    }
}
