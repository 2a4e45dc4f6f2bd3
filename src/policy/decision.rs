//! What was decided, and the permit to act on it. Why is a [`Reason`].
//!
//! Only [`Policy`](super::Policy) and what judges beside it make permits; whoever acts takes one apart and has where to.

use super::changes::Changes;
use super::facts::Facts;
use super::reason::Reason;
use super::rewrite::Lead;
use crate::host::Host;
use crate::illegal::Illegal;
use std::fmt;

/// What a rule or a category does. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Let it pass.
    Allow,
    /// Show a page first.
    Warn,
    /// Refuse it.
    Block,
}

impl Action {
    /// The actions by the name they have in `policy.toml`.
    pub const NAMES: [(&str, Self); 3] = [("allow", Self::Allow), ("warn", Self::Warn), ("block", Self::Block)];

    /// What was done, in words.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::Allow => "allowed",
            Self::Warn => "warned about",
            Self::Block => "blocked",
        }
    }
}

/// Names the exact bytes of policy, categories and lists a decision was made with: the same files, the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotId([u8; 12]);

impl SnapshotId {
    /// The id of these contents.
    #[must_use]
    pub fn of(digest: &blake3::Hash) -> Self {
        let mut digits = [0; 12];
        digits.copy_from_slice(&digest.to_hex().as_bytes()[..12]);
        Self(digits)
    }

    /// Twelve hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A verdict with its why.
#[must_use]
#[derive(Debug)]
pub struct Decision<V> {
    /// What may happen.
    pub verdict: V,
    /// Why.
    pub reason: Reason,
    /// The rules and lists it was made with.
    pub snapshot: SnapshotId,
}

impl Decision<ConnectVerdict> {
    /// The refusal of what is illegal. No policy is asked.
    pub fn illegal(illegal: Illegal, snapshot: SnapshotId) -> Self {
        Self { verdict: ConnectVerdict::Block, reason: Reason::AlwaysBlocked(illegal), snapshot }
    }
}

impl Decision<RequestVerdict> {
    /// The refusal of what is illegal. No policy is asked.
    pub fn illegal(illegal: Illegal, snapshot: SnapshotId) -> Self {
        Self { verdict: RequestVerdict::Block, reason: Reason::AlwaysBlocked(illegal), snapshot }
    }
}

/// May a tunnel be opened?
#[derive(Debug)]
pub enum ConnectVerdict {
    /// No.
    Block,
    /// Yes, to this destination, sealed.
    Tunnel(TunnelPermit),
    /// Its TLS ends here, and each request in it is judged.
    Inspect(InspectPermit),
}

/// May a request be forwarded?
#[derive(Debug)]
pub enum RequestVerdict {
    /// No.
    Block,
    /// Not before the person has read a warning.
    Warn,
    /// Yes, to this destination.
    Forward(ForwardPermit),
    /// Yes, but it goes elsewhere, and is judged again there.
    Elsewhere(Lead),
}

/// Permission to open one tunnel. Only a decision makes one, and it carries the destination that was judged.
#[derive(Debug)]
pub struct TunnelPermit(Destination);

/// Permission to end the TLS of one connection here. Only a decision makes one. Nothing is sent on by it: each request in the connection needs a
/// permit of its own.
#[derive(Debug)]
pub struct InspectPermit {
    to: Destination,
    site: Action,
    seal: bool,
}

/// Permission to forward one request, changed as it says. Only a decision makes one, and it carries the destination that was judged.
#[derive(Debug)]
pub struct ForwardPermit {
    to: Destination,
    changes: Changes,
}

/// A host and a port, and what it is looked up as. Connections that are looked up otherwise are not the same, whatever host they speak to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// The name whose addresses are connected to, where that is not the host. The host stays the one that is spoken to.
    pub resolve_as: Option<Box<Host>>,
}

impl Destination {
    /// A destination that is looked up as itself.
    #[must_use]
    pub fn new(host: Host, port: u16) -> Self {
        Self { host, port, resolve_as: None }
    }

    fn of(facts: &Facts<'_>, resolve_as: Option<Host>) -> Self {
        Self { host: facts.url.host.clone(), port: facts.url.port, resolve_as: resolve_as.map(Box::new) }
    }

    /// The name whose addresses are connected to.
    #[must_use]
    pub fn looked_up(&self) -> &Host {
        self.resolve_as.as_deref().unwrap_or(&self.host)
    }
}

impl TunnelPermit {
    pub(super) fn new(facts: &Facts<'_>, resolve_as: Option<Host>) -> Self {
        Self(Destination::of(facts, resolve_as))
    }

    /// Where the tunnel may lead.
    #[must_use]
    pub fn into_destination(self) -> Destination {
        self.0
    }
}

impl InspectPermit {
    pub(super) fn new(facts: &Facts<'_>, resolve_as: Option<Host>, site: Action, seal: bool) -> Self {
        Self { to: Destination::of(facts, resolve_as), site, seal }
    }

    /// A tunnel that may be opened is looked into instead, for what the site shows.
    pub(super) fn instead_of(sealed: TunnelPermit, site: Action) -> Self {
        Self { to: sealed.0, site, seal: false }
    }

    /// The same, of a site that something graver would be done with.
    pub(super) fn at_least(self, site: Action) -> Self {
        Self { site: self.site.max(site), seal: self.seal && site == Action::Allow, ..self }
    }

    /// Permission to pass it sealed all the same, for a program's or the site's own sake; none for a site that is blocked or warned about, and for those
    /// that the school looks into for their own sake.
    #[must_use]
    pub fn to_seal(&self) -> Option<TunnelPermit> {
        self.seal.then(|| TunnelPermit(self.to.clone()))
    }

    /// What would be done with the site as a whole.
    #[must_use]
    pub fn site(&self) -> Action {
        self.site
    }

    /// What the client asked to be connected to.
    #[must_use]
    pub fn into_destination(self) -> Destination {
        self.to
    }
}

impl ForwardPermit {
    pub(super) fn new(facts: &Facts<'_>, resolve_as: Option<Host>, changes: Changes) -> Self {
        Self { to: Destination::of(facts, resolve_as), changes }
    }

    /// Where the request may go, and what is changed of it before it goes, and of its answer.
    #[must_use]
    pub fn into_parts(self) -> (Destination, Changes) {
        (self.to, self.changes)
    }
}
