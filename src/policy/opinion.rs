//! What would be decided, asked without a request: for `usher check`, for canaries, and for the difference a change of lists makes.
//!
//! The same code decides as for a request, so an opinion is never another than the decision would be. Nothing comes of it: the permit a
//! decision carries is dropped.

use super::changes::Sight;
use super::facts::Facts;
use super::rewrite::{Course, Lead, MOST_LEADS};
use super::{Action, Circumstances, ConnectFacts, ConnectVerdict, Decision, Policy, Reason, RequestFacts, RequestVerdict, SnapshotId, republished};
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
    /// May this tunnel be opened? The illegal tier is asked first, and the policy only where it says nothing. Where the name alone says what is shown
    /// there, that is judged too, and the graver decision holds.
    pub fn decide_connect(&self, url: &Url, found: &Found, around: Circumstances<'_>) -> Decision<ConnectVerdict> {
        republished::connect(self, url, found, around)
    }

    /// May this request be forwarded? The illegal tier is asked first, and the policy only where it says nothing. Of a page that shows another, both are
    /// judged, and the graver decision holds.
    pub fn decide_request(&self, url: &Url, found: &Found, around: Circumstances<'_>) -> Decision<RequestVerdict> {
        self.decide_led(url, found, around, None)
    }

    /// The same of a request that a rule has led here.
    pub fn decide_led(&self, url: &Url, found: &Found, around: Circumstances<'_>, led: Option<Lead>) -> Decision<RequestVerdict> {
        republished::request(self, url, found, around, led)
    }

    pub(super) fn decide_tunnel_alone(&self, url: &Url, found: &Found, around: Circumstances<'_>) -> Decision<ConnectVerdict> {
        match self.tier.judge_host(url, found, around.lists, self.taxonomy) {
            Ok(lawful) => self.policy.decide_connect(&ConnectFacts::new(lawful, around), self.snapshot),
            Err(illegal) => Decision::<ConnectVerdict>::illegal(illegal, self.snapshot),
        }
    }

    pub(super) fn decide_page_alone(&self, url: &Url, found: &Found, around: Circumstances<'_>, led: Option<Lead>) -> Decision<RequestVerdict> {
        match self.tier.judge_page(url, found, around.lists, self.taxonomy) {
            Ok(lawful) => self.policy.decide_request(&RequestFacts::new(lawful, around), led, self.snapshot),
            Err(illegal) => Decision::<RequestVerdict>::illegal(illegal, self.snapshot),
        }
    }

    /// All that is seen of a URL whose https is not looked into: the host. Nothing, if the whole of it is seen.
    #[must_use]
    pub fn sealed(&self, url: &Url, around: Circumstances<'_>) -> Option<Url> {
        let host = tunnel_of(url)?;
        let found = around.lists.look_up(&host);
        self.through_sealed(&host, &found, around).is_some().then_some(host)
    }

    /// What would be decided of a URL.
    #[must_use]
    pub fn opinion(&self, url: &Url, found: &Found, around: Circumstances<'_>) -> Opinion {
        let sealed = tunnel_of(url).and_then(|host| {
            // Of what is sealed, no more than the host is on record, and was looked up.
            if host == *url { self.through_sealed(&host, found, around) } else { self.through_sealed(&host, &around.lists.look_up(&host), around) }
        });
        if let Some(opinion) = sealed {
            return opinion;
        }
        self.opinion_led(url, found, around, None, MOST_LEADS)
    }

    /// What would be decided of a URL that is seen whole, wherever rules lead it.
    fn opinion_led(&self, url: &Url, found: &Found, around: Circumstances<'_>, led: Option<Lead>, leads_left: usize) -> Opinion {
        let Decision { verdict, reason, .. } = self.decide_led(url, found, around, led);
        let action = match verdict {
            RequestVerdict::Forward(_) => Action::Allow,
            RequestVerdict::Warn => Action::Warn,
            RequestVerdict::Block => Action::Block,
            RequestVerdict::Elsewhere(lead) => {
                let text = url.text();
                let course = lead.course(&text[text.find('/').unwrap_or(text.len())..]);
                return self.opinion_elsewhere(lead, course, reason, around, leads_left);
            }
        };
        Opinion { action, reason }
    }

    fn opinion_elsewhere(&self, lead: Lead, course: Course, reason: Reason, around: Circumstances<'_>, leads_left: usize) -> Opinion {
        let rule = lead.rule().clone();
        match course {
            Course::Redirect(to) => Opinion { action: Action::Allow, reason: reason.redirected(rule, to) },
            Course::Send(to) => match (Url::parse(&to), leads_left.checked_sub(1)) {
                (Ok(there), Some(left)) => {
                    let Opinion { action, reason } = self.opinion_led(&there, &around.lists.look_up(&there), around, Some(lead), left);
                    Opinion { action, reason: reason.sent(rule, to) }
                }
                (Ok(_) | Err(_), _) => Opinion { action: Action::Block, reason: reason.sent(rule, to) },
            },
        }
    }

    /// What would be done to a request for a URL that may pass, in words.
    #[must_use]
    pub fn changes(&self, url: &Url, found: &Found, around: Circumstances<'_>, sight: Sight) -> Vec<String> {
        self.policy.said(&Facts { around, url, found }, sight)
    }

    /// What would be decided of a tunnel, where that is all: nothing, if each request in it is judged.
    fn through_sealed(&self, host: &Url, found: &Found, around: Circumstances<'_>) -> Option<Opinion> {
        let Decision { verdict, reason, .. } = self.decide_connect(host, found, Circumstances { method: "CONNECT", ..around });
        match verdict {
            ConnectVerdict::Tunnel(_) => Some(Opinion { action: Action::Allow, reason }),
            ConnectVerdict::Block => Some(Opinion { action: Action::Block, reason }),
            ConnectVerdict::Inspect(_) => None,
        }
    }

    /// What somebody in a group would be told of a page.
    #[must_use]
    pub fn opinion_of(&self, lists: &Lists, url: &Url, group: GroupId, moment: &Moment) -> Opinion {
        let identity = Identity::of_network(group);
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let around = Circumstances { identity: &identity, client, moment, method: "GET", past: &[], taxonomy: self.taxonomy, lists };
        self.opinion(url, &lists.look_up(url), around)
    }
}

/// What is known of the tunnel that a URL of https needs.
fn tunnel_of(url: &Url) -> Option<Url> {
    (url.scheme == Scheme::Https).then(|| Url::new(Scheme::Https, url.host.clone(), url.port, ""))
}
