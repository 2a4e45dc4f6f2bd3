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

    /// As much of a URL as is seen of it: of https the host alone, unless that is looked into.
    #[must_use]
    pub fn seen(&self, url: &Url, around: Circumstances<'_>) -> Url {
        match self.tunnel(url, around) {
            Some((host, decision)) if !matches!(decision.verdict, ConnectVerdict::Inspect(_)) => host,
            Some(_) | None => url.clone(),
        }
    }

    /// What would be decided of a URL.
    #[must_use]
    pub fn opinion(&self, url: &Url, found: &Found, around: Circumstances<'_>) -> Opinion {
        match self.tunnel(url, around).map(|(_, Decision { verdict, reason, .. })| (verdict, reason)) {
            Some((ConnectVerdict::Tunnel(_), reason)) => return Opinion { action: Action::Allow, reason },
            Some((ConnectVerdict::Block, reason)) => return Opinion { action: Action::Block, reason },
            Some((ConnectVerdict::Inspect(_), _)) | None => {}
        }
        let Decision { verdict, reason, .. } = self.decide_request(url, found, around);
        let action = match verdict {
            RequestVerdict::Forward(_) => Action::Allow,
            RequestVerdict::Warn => Action::Warn,
            RequestVerdict::Block => Action::Block,
        };
        Opinion { action, reason }
    }

    /// The tunnel a URL of https needs: what is known of it, and the decision on it.
    fn tunnel(&self, url: &Url, around: Circumstances<'_>) -> Option<(Url, Decision<ConnectVerdict>)> {
        if url.scheme == Scheme::Http {
            return None;
        }
        let host = Url::new(Scheme::Https, url.host.clone(), url.port, "");
        let found = around.lists.look_up(&host);
        let decision = self.decide_connect(&host, &found, Circumstances { method: "CONNECT", ..around });
        Some((host, decision))
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
