//! What would be decided, asked without a request: for `usher check`, for canaries, and for the difference a change of lists makes.
//!
//! The same code decides as for a request, so an opinion is never another than the decision would be. Nothing comes of it: the permit a
//! decision carries is dropped.

use super::{Action, Circumstances, ConnectFacts, ConnectVerdict, Decision, Policy, Reason, RequestFacts, RequestVerdict, SnapshotId};
use crate::category::Taxonomy;
use crate::clock::Moment;
use crate::identity::{GroupId, Identity};
use crate::illegal::Tier;
use crate::lists::{Found, Lists};
use crate::url::{Scheme, Url};
use std::net::{IpAddr, Ipv4Addr};

/// What is decided with, lists aside.
#[derive(Clone, Copy, Debug)]
pub struct Court<'a> {
    /// What is asked first.
    pub tier: &'a Tier,
    /// What the school decides.
    pub policy: &'a Policy,
    /// The categories.
    pub taxonomy: &'a Taxonomy,
    /// What the decisions are called.
    pub snapshot: SnapshotId,
}

/// What would be done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// What would be done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

impl Court<'_> {
    /// May this tunnel be opened? The illegal tier is asked first, and the policy only where it says nothing.
    pub fn decide_connect(&self, url: &Url, found: &Found, around: Circumstances<'_>) -> Decision<ConnectVerdict> {
        match self.tier.judge_host(url, found, around.lists, self.taxonomy) {
            Ok(lawful) => self.policy.decide_connect(&ConnectFacts::new(lawful, around), self.snapshot),
            Err(illegal) => Decision::<ConnectVerdict>::illegal(illegal, self.snapshot),
        }
    }

    /// May this request be forwarded? The illegal tier is asked first, and the policy only where it says nothing.
    pub fn decide_request(&self, url: &Url, found: &Found, around: Circumstances<'_>) -> Decision<RequestVerdict> {
        match self.tier.judge_page(url, found, around.lists, self.taxonomy) {
            Ok(lawful) => self.policy.decide_request(&RequestFacts::new(lawful, around), self.snapshot),
            Err(illegal) => Decision::<RequestVerdict>::illegal(illegal, self.snapshot),
        }
    }

    /// What would be decided of a URL. Of `https` it must hold the host alone, as of a tunnel.
    #[must_use]
    pub fn opinion(&self, url: &Url, found: &Found, around: Circumstances<'_>) -> Opinion {
        match url.scheme {
            Scheme::Https => {
                let Decision { verdict, reason, .. } = self.decide_connect(url, found, around);
                let action = match verdict {
                    ConnectVerdict::Tunnel(_) => Action::Allow,
                    ConnectVerdict::Block => Action::Block,
                };
                Opinion { action, reason }
            }
            Scheme::Http => {
                let Decision { verdict, reason, .. } = self.decide_request(url, found, around);
                let action = match verdict {
                    RequestVerdict::Forward(_) => Action::Allow,
                    RequestVerdict::Warn => Action::Warn,
                    RequestVerdict::Block => Action::Block,
                };
                Opinion { action, reason }
            }
        }
    }

    /// What somebody in a group would be told of a page.
    #[must_use]
    pub fn opinion_of(&self, lists: &Lists, url: &Url, group: GroupId, moment: &Moment) -> Opinion {
        let identity = Identity::of_network(group);
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let around = Circumstances { identity: &identity, client, moment, method: "GET", continued: false, taxonomy: self.taxonomy, lists };
        self.opinion(url, &lists.look_up(url), around)
    }
}
