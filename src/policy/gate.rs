//! What a group's tunnels meet at their beginning: programs that take no certificate but the site's own, sites that ask for one, what is not TLS, names that
//! do not agree, and blocked sites whose page nobody would see. Pure.
//!
//! Each setting is ordered: a later value is stricter. Somebody in no group meets the strictest of all groups.
//!
//! A new setting is an enum here with its names, its field of [`Gate`], and its key in `config/policy.rs`.

use super::{Facts, Inspection, Policy};
use crate::host::Host;
use crate::identity::Standing;
use crate::insight::{ai, engines};

/// What becomes of a program that takes no certificate but the site's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pinned {
    /// It finds itself out and is passed sealed, for that site.
    #[default]
    Learn,
    /// It finds itself out and is passed once a technician says so.
    Ask,
    /// It is not passed.
    Never,
}

impl Pinned {
    /// By the name each has in `policy.toml`.
    pub const NAMES: [(&str, Self); 3] = [("learn", Self::Learn), ("ask", Self::Ask), ("never", Self::Never)];
}

/// What becomes of a site that lets in only who shows a certificate of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientCertificates {
    /// It is passed sealed, once it is known to.
    Sealed,
    /// A page says that it does.
    #[default]
    Explain,
}

impl ClientCertificates {
    /// By the name each has in `policy.toml`.
    pub const NAMES: [(&str, Self); 2] = [("sealed", Self::Sealed), ("explain", Self::Explain)];
}

/// What becomes of a tunnel that does not begin with TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotTls {
    /// It is passed.
    Pass,
    /// It is refused.
    #[default]
    Refuse,
}

impl NotTls {
    /// By the name each has in `policy.toml`.
    pub const NAMES: [(&str, Self); 2] = [("pass", Self::Pass), ("refuse", Self::Refuse)];
}

/// Whether the TLS in a sealed tunnel must be for the host the tunnel was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Names {
    /// It may be for any.
    Any,
    /// It must.
    #[default]
    Agree,
}

impl Names {
    /// By the name each has in `policy.toml`.
    pub const NAMES: [(&str, Self); 2] = [("any", Self::Any), ("agree", Self::Agree)];
}

/// When a blocked site whose https is not looked into is answered with its page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockPage {
    /// Always. A device without the school's authority shows a warning of its own in place of the page.
    Always,
    /// Where the device is known to trust the school's authority.
    #[default]
    WhenTrusted,
    /// Never: the tunnel is refused.
    Never,
}

impl BlockPage {
    /// By the name each has in `policy.toml`.
    pub const NAMES: [(&str, Self); 3] = [("always", Self::Always), ("when-trusted", Self::WhenTrusted), ("never", Self::Never)];
}

/// What a group's tunnels meet at their beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Programs that take no certificate but the site's own.
    pub pinned: Pinned,
    /// Sites that ask for a certificate.
    pub client_certificates: ClientCertificates,
    /// What is not TLS.
    pub not_tls: NotTls,
    /// Names that do not agree.
    pub names: Names,
    /// Blocked sites whose https is not looked into.
    pub block_page: BlockPage,
}

impl Gate {
    fn stricter(self, other: Self) -> Self {
        Self {
            pinned: self.pinned.max(other.pinned),
            client_certificates: self.client_certificates.max(other.client_certificates),
            not_tls: self.not_tls.max(other.not_tls),
            names: self.names.max(other.names),
            block_page: self.block_page.max(other.block_page),
        }
    }
}

impl Policy {
    /// What the tunnels of a standing meet at their beginning.
    #[must_use]
    pub fn gate(&self, standing: Standing) -> Gate {
        let strictest = || self.groups.iter().map(|group| group.gate).reduce(Gate::stricter).unwrap_or_default();
        self.group(standing).map_or_else(strictest, |group| group.gate)
    }

    /// Whether a site that is looked into may be passed sealed for a program's or the site's own sake. What a school looks into for its own sake may not:
    /// search engines, chat services, where accounts are kept to the school's, the kinds of sites it names, and those of [`Inspection::open`].
    pub(super) fn may_seal(&self, facts: &Facts<'_>) -> bool {
        let (host, categories) = (&facts.url.host, facts.categories());
        let concerns_tenants = || self.tenants(facts.around.identity.standing).is_some_and(|tenants| tenants.concern(host));
        let Inspection { search, hosts, own, open, .. } = &self.inspection;
        let named = |all: &[Host]| all.iter().any(|named| host.is_within(named));
        let is_asked = engines::is_engine(host.as_str()) || ai::is_service(host.as_str());
        !is_asked && !concerns_tenants() && categories.intersection(search.union(*open)).is_empty() && !named(hosts) && !named(own)
    }
}
