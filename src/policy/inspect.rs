//! How much of https is seen: whether the TLS of a connection ends here, where pages can be judged, or at the site. Pure.

use super::facts::Facts;
use super::{Group, Policy};
use crate::category::CategorySet;
use crate::host::Host;
use crate::identity::Standing;
use crate::insight::{ai, engines};

/// How much of https a group's members are seen to do. Ordered: a later one sees more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// The site's name only.
    #[default]
    None,
    /// Whole pages at search engines, chat services and the kinds of sites the school names; of others the name.
    Search,
    /// Whole pages everywhere but where the school never looks.
    All,
}

impl Mode {
    /// The modes by the name they have in `policy.toml`.
    pub const NAMES: [(&str, Self); 3] = [("none", Self::None), ("search", Self::Search), ("all", Self::All)];
}

/// What the school says of inspection, for all its groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Categories never looked into, whatever a group's mode is.
    pub never: CategorySet,
    /// Categories that are looked into where the mode is [`Mode::Search`].
    pub search: CategorySet,
    /// Hosts, with all below them, that are looked into where the mode is [`Mode::Search`].
    pub hosts: Vec<Host>,
    /// Usher's own names: what answers there is Usher itself, so nothing is sealed.
    pub own: Vec<Host>,
    /// Categories that are never passed sealed for a program's sake where they are looked into.
    pub open: CategorySet,
}

impl Policy {
    /// Whether the TLS of a connection ends here.
    pub(super) fn is_inspected(&self, facts: &Facts<'_>) -> bool {
        let Inspection { never, search, hosts, own, .. } = &self.inspection;
        if own.contains(&facts.url.host) {
            return true;
        }
        if !facts.categories().intersection(*never).is_empty() {
            return false;
        }
        let host = &facts.url.host;
        match self.mode(facts.around.identity.standing) {
            Mode::None => false,
            Mode::Search => {
                engines::is_engine(host.as_str())
                    || ai::is_service(host.as_str())
                    || !facts.categories().intersection(*search).is_empty()
                    || hosts.iter().any(|named| host.is_within(named))
                    // What is to be told there can be told in no other way.
                    || self.tenants(facts.around.identity.standing).is_some_and(|tenants| tenants.concern(host))
            }
            Mode::All => true,
        }
    }

    /// The mode of a standing. Who is in no group is seen as much as anybody.
    #[must_use]
    pub fn mode(&self, standing: Standing) -> Mode {
        let most = || self.groups.iter().map(|group| group.inspect).max().unwrap_or_default();
        self.group(standing).map_or_else(most, |group| group.inspect)
    }

    /// The groups whose https is looked into.
    pub fn inspected(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| group.inspect > Mode::None)
    }
}
