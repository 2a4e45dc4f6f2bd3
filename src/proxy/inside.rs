//! Inside a connection whose TLS ends here: for which host it was opened, by whom, and what a request in it is for.
//!
//! A connection lasts longer than a policy, so it keeps how its owner is known and not which group that was: the group is looked up for each request.

use super::explain::Purpose;
use super::pages::Page;
use super::target::Target;
use super::{Inspector, Proxy};
use crate::host::Host;
use crate::identity::{Identity, Who};
use crate::snapshot::Snapshot;
use crate::tls::ja4::Class;
use crate::url::{Scheme, Url, split_port};
use http::header::{HOST, HeaderMap};
use http::{Method, StatusCode, Uri};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The most characters of a host that a request names in vain.
const LONGEST_NAME: usize = 253;

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
    /// The program at its other end.
    pub class: Class,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether its site is passed sealed if it lets in only who shows a certificate.
    pub may_seal: bool,
    /// Whether a request has come.
    pub(super) taken: AtomicBool,
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

    /// The same for the record, with both names.
    #[must_use]
    pub fn why(self, uri: &Uri, headers: &HeaderMap, inside: &Inside) -> String {
        let asked: String = named(uri, headers).unwrap_or("nothing that can be read").escape_debug().take(LONGEST_NAME).collect();
        let connection = format!("the connection is for {} on port {}", inside.host, inside.port);
        match self {
            Self::OtherHost => format!("The request is for {asked}, and {connection}."),
            Self::Tunnel => format!("The request is to open a tunnel to {asked}, and {connection}."),
            Self::Unreadable => format!("What the request is for cannot be read, and {connection}."),
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
    /// Whether it is only to show a page.
    #[must_use]
    pub fn is_to_explain(&self) -> bool {
        matches!(self.purpose, Purpose::Explain(_))
    }

    /// Its site, as a request for the whole of it would name it, for the record of what cannot be read.
    #[must_use]
    pub fn site(&self, path: &str) -> Target {
        let url = Url::new(Scheme::Https, self.host.clone(), self.port, path);
        Target::Page { url, port: Some(self.port).filter(|port| *port != 443), path: path.to_owned() }
    }

    /// What a request is for.
    ///
    /// # Errors
    /// If it is not for the host of the connection.
    pub fn target(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Target, Misplaced> {
        if *method == Method::CONNECT {
            return Err(Misplaced::Tunnel);
        }
        let (host, port) = split_port(named(uri, headers).ok_or(Misplaced::Unreadable)?).map_err(|_| Misplaced::Unreadable)?;
        let host = Host::parse(host).map_err(|_| Misplaced::Unreadable)?;
        if host != self.host || port.unwrap_or(443) != self.port || uri.scheme().is_some_and(|scheme| *scheme != http::uri::Scheme::HTTPS) {
            return Err(Misplaced::OtherHost);
        }
        Ok(self.site(&super::target::path(uri)))
    }
}

/// The host a request names, as it was written.
fn named<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(HOST).and_then(|host| host.to_str().ok()),
    }
}

impl Proxy {
    /// Whose request this is, by the rules in force now. Nobody's, if the user is none any more.
    pub(super) fn identify_inside(&self, inside: &Inside, snapshot: &Snapshot, client: IpAddr) -> Identity {
        self.identify_again(inside.user.as_ref(), snapshot, client)
    }

    /// Who it is by the rules of now that was identified before: a group is a place in one policy, and is not kept.
    pub(super) fn identify_again(&self, user: Option<&Arc<str>>, snapshot: &Snapshot, client: IpAddr) -> Identity {
        match user {
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
