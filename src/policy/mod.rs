//! What may pass: facts in, a [`Decision`] out. Pure: no sockets, no clock, no files.
//!
//! # Precedence
//!
//! The first of these that speaks decides:
//!
//! 1. **The illegal tier** ([`crate::illegal`]): judged before there are facts to decide on. What is illegal is refused by
//!    [`Decision::illegal`], which knows no policy.
//! 2. **The port.** A port the school has not opened is blocked.
//! 3. **Restrictions** of the person or the device ([`restrict`]). They block, and never what helps.
//! 4. **The rules**, in the order of `policy.toml`. The first whose conditions all hold decides: allow, warn or block.
//! 5. **The group's categories.** One in `allow` allows; else one in `block` blocks; else one in `warn` warns.
//! 6. **Nothing speaks.** The request is allowed.
//!
//! What is allowed by 5 or 6 is refused all the same if it is a search that cannot be made safe for the group ([`safesearch`]). What is allowed may then
//! be sent elsewhere by a rule of [`rewrite`], and is judged again as what it has become.
//!
//! A person in no known group is judged once for every group, and the strictest answer counts.
//!
//! # Warnings
//!
//! A warning is a page with a way to go on, and going on holds for that person and site for a while. Where no page can be
//! shown, inside a sealed tunnel, **a warning blocks**, unless that person has already gone on to that site. Where the device trusts the school's
//! authority the proxy can show a page in place of a site it does not connect to: [`gate::BlockPage`].
//!
//! # Pages that show other pages
//!
//! A translator's, an archive's or a cache's page is judged as itself and as what it shows, by all of the above, and the graver decision holds:
//! [`republished`].
//!
//! # Where to add
//!
//! A condition: one variant and its arm in [`condition`]. A reason: one variant, its word and its sentence in [`reason`].

pub mod changes;
pub mod condition;
pub mod decision;
pub mod facts;
pub mod files;
pub mod gate;
pub mod glob;
pub mod inspect;
pub mod opinion;
pub mod reason;
pub mod republished;
pub mod restrict;
pub mod rewrite;
pub mod safesearch;
pub mod tenants;
pub mod through;
pub mod ways;
pub mod words;

pub use changes::Changes;
pub use condition::Condition;
pub use decision::{Action, ConnectVerdict, Decision, ForwardPermit, InspectPermit, RequestVerdict, SnapshotId, TunnelPermit};
pub use facts::{Circumstances, ConnectFacts, Facts, RequestFacts};
pub use gate::Gate;
pub use inspect::{Inspection, Mode};
pub use reason::Reason;
pub use restrict::{Restriction, Restrictions};
pub use rewrite::{Lead, Rewrite};
pub use safesearch::{Level, Resolver};
pub use tenants::Tenants;
pub use ways::Ways;
pub use words::{OnHit, Phrases, Reading, Unread};

use crate::category::CategorySet;
use crate::identity::{GroupId, Standing};
use crate::url::Scheme;
use jiff::civil::Date;
use std::sync::Arc;

/// What the school decides.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The groups, in the order of `policy.toml`. Never empty.
    pub groups: Vec<Group>,
    /// The rules, first match first.
    pub rules: Vec<Rule>,
    /// The ports plain requests may go to.
    pub plain_ports: Ports,
    /// The ports tunnels may go to.
    pub tunnel_ports: Ports,
    /// What somebody in no group is called.
    pub unknown: Arc<str>,
    /// What is looked into, and what never is.
    pub inspection: Inspection,
    /// The rules that change requests and answers, and send them elsewhere, in the order of `policy.toml`.
    pub rewrites: Vec<Arc<Rewrite>>,
    /// Where the names of sites are looked up.
    pub resolver: Resolver,
    /// Which files may pass.
    pub files: files::Book,
    /// Whose access is restricted. No file says so: it is stated in the journal, and put in force beside what files say.
    pub restrictions: Arc<Restrictions>,
}

/// A group of people and what its categories do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// Whether its members are staff: what they do is kept apart on record, and as long as the school keeps that.
    pub staff: bool,
    /// Categories allowed whatever else a site is listed under.
    pub allow: CategorySet,
    /// Categories blocked.
    pub block: CategorySet,
    /// Categories warned about.
    pub warn: CategorySet,
    /// How much of https is seen.
    pub inspect: Mode,
    /// What their tunnels meet at their beginning.
    pub gate: Gate,
    /// What is done about ways round the filter.
    pub ways: Ways,
    /// How much search engines are to keep back.
    pub safe_search: Level,
    /// Whose accounts at Google and Microsoft may be used.
    pub tenants: Arc<Tenants>,
    /// What pages may say, if they are read.
    pub phrases: Option<Arc<Phrases>>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, unique.
    pub name: Arc<str>,
    /// What must hold, all of it.
    pub when: Vec<Condition>,
    /// What then happens.
    pub then: Action,
    /// Why the school decided so.
    pub reason: Arc<str>,
    /// When the school looks at it again. A rule past its date still holds and is reported as due.
    pub review: Date,
}

/// A set of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// All of them.
    Any,
    /// These.
    Only(Vec<u16>),
}

impl Ports {
    /// Whether the port is in the set.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Only(ports) => ports.contains(&port),
        }
    }
}

/// What a policy says before it is known how it can be carried out.
struct Judgement {
    action: Action,
    reason: Reason,
    of: Of,
}

/// What a judgement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    /// The site.
    Site,
    /// The method: of a tunnel, that it is one.
    Method,
}

impl Policy {
    /// May this tunnel be opened?
    pub fn decide_connect(&self, facts: &ConnectFacts<'_>, snapshot: SnapshotId) -> Decision<ConnectVerdict> {
        let judgement = self.judge(&facts.0, &self.tunnel_ports);
        // Where a page can be shown, each request is judged by itself, and a refusal is a page. A port that is closed stays closed; and a rule against
        // tunnels would say nothing of the requests in one.
        let is_of_tunnels = judgement.of == Of::Method && judgement.action > Action::Allow;
        if !matches!(judgement.reason, Reason::Port(_)) && !is_of_tunnels && self.is_inspected(&facts.0) {
            let Judgement { action, reason, .. } = judgement;
            let seal = action == Action::Allow && self.may_seal(&facts.0) && self.is_safe_sealed(&facts.0);
            let permit = InspectPermit::new(&facts.0, self.tunnel_name(&facts.0), action, seal);
            return Decision { verdict: ConnectVerdict::Inspect(permit), reason, snapshot };
        }
        let Judgement { action, reason, .. } = self.safe_tunnel(&facts.0, judgement);
        let permit = || ConnectVerdict::Tunnel(TunnelPermit::new(&facts.0, self.tunnel_name(&facts.0)));
        let (verdict, reason) = match action {
            Action::Allow => (permit(), reason),
            Action::Warn if facts.0.has_gone_past() => (permit(), reason.continued()),
            Action::Warn => (ConnectVerdict::Block, reason.without_a_page()),
            Action::Block => (ConnectVerdict::Block, reason),
        };
        Decision { verdict, reason, snapshot }
    }

    /// May this request be forwarded? `led`: where it was led here by a rule, what is to be changed of it for that.
    pub fn decide_request(&self, facts: &RequestFacts<'_>, led: Option<Lead>, snapshot: SnapshotId) -> Decision<RequestVerdict> {
        let facts = &facts.0;
        let ports = match facts.url.scheme {
            Scheme::Http => &self.plain_ports,
            Scheme::Https => &self.tunnel_ports,
        };
        let Judgement { action, reason, .. } = self.safe_request(facts, self.judge(facts, ports));
        let pass = || {
            let edits = led.map(|led| led.edits).unwrap_or_default();
            match self.lead(facts) {
                Some(lead) => RequestVerdict::Elsewhere(lead.after(edits)),
                None => RequestVerdict::Forward(ForwardPermit::new(facts, self.request_name(facts), self.changes(facts, edits))),
            }
        };
        let (verdict, reason) = match action {
            Action::Allow => (pass(), reason),
            Action::Warn if facts.has_gone_past() => (pass(), reason.continued()),
            Action::Warn => (RequestVerdict::Warn, reason),
            Action::Block => (RequestVerdict::Block, reason),
        };
        Decision { verdict, reason, snapshot }
    }

    fn judge(&self, facts: &Facts<'_>, ports: &Ports) -> Judgement {
        if !ports.contains(facts.url.port) {
            return Judgement { action: Action::Block, reason: Reason::Port(facts.url.port), of: Of::Site };
        }
        if let Some(restricted) = self.restricted(facts) {
            return restricted;
        }
        match facts.around.identity.standing {
            Standing::Member(group) => self.judge_as(facts, group),
            Standing::Unknown => self.judge_strictest(facts),
        }
    }

    /// The strictest answer any group would get.
    fn judge_strictest(&self, facts: &Facts<'_>) -> Judgement {
        let groups = (0..).map(GroupId).take(self.groups.len());
        let every = groups.map(|group| self.judge_as(facts, group));
        // A policy without groups cannot be loaded; were there one, nobody would be allowed anything.
        every.reduce(|a, b| if (b.action, b.of) > (a.action, a.of) { b } else { a }).unwrap_or(Judgement {
            action: Action::Block,
            reason: Reason::Unlisted,
            of: Of::Site,
        })
    }

    fn judge_as(&self, facts: &Facts<'_>, group: GroupId) -> Judgement {
        match self.rules.iter().find(|rule| rule.when.iter().all(|condition| condition.holds(facts, group))) {
            Some(rule) => {
                let of = if rule.when.iter().any(|condition| matches!(condition, Condition::Method(_))) { Of::Method } else { Of::Site };
                Judgement { action: rule.then, reason: self.reason_of(rule, facts), of }
            }
            None => self.judge_categories(facts, group),
        }
    }

    fn reason_of(&self, rule: &Rule, facts: &Facts<'_>) -> Reason {
        let named = rule.when.iter().filter_map(Condition::categories).fold(CategorySet::EMPTY, CategorySet::union);
        let hit = named.intersection(facts.categories());
        let entry = if rule.then == Action::Allow { None } else { facts.entry(hit) };
        Reason::Rule { rule: rule.name.clone(), action: rule.then, why: rule.reason.clone(), category: hit.iter().next(), entry }
    }

    fn judge_categories(&self, facts: &Facts<'_>, group: GroupId) -> Judgement {
        let Some(Group { name, allow, block, warn, .. }) = self.groups.get(usize::from(group.0)) else {
            return Judgement { action: Action::Block, reason: Reason::Unlisted, of: Of::Site };
        };
        for (action, set) in [(Action::Allow, allow), (Action::Block, block), (Action::Warn, warn)] {
            let hit = facts.categories().intersection(*set);
            if let Some(category) = facts.gravest(hit) {
                let entry = if action == Action::Allow { None } else { facts.entry(CategorySet::EMPTY.with(category)) };
                return Judgement { action, reason: Reason::Category { category, action, group: name.clone(), entry }, of: Of::Site };
            }
        }
        Judgement { action: Action::Allow, reason: Reason::Unlisted, of: Of::Site }
    }

    /// The group with this name.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<GroupId> {
        (0..).map(GroupId).zip(&self.groups).find(|(_, group)| &*group.name == name).map(|(id, _)| id)
    }

    /// The group of a standing, if it is in one.
    fn group(&self, standing: Standing) -> Option<&Group> {
        match standing {
            Standing::Member(id) => self.groups.get(usize::from(id.0)),
            Standing::Unknown => None,
        }
    }

    /// The name of a standing, as people are shown it.
    #[must_use]
    pub fn group_name(&self, standing: Standing) -> Arc<str> {
        self.group(standing).map_or_else(|| self.unknown.clone(), |group| group.name.clone())
    }

    /// Whether this is a member of staff. Somebody in no group is not: a pupil must not be kept as staff by mistake.
    #[must_use]
    pub fn is_staff(&self, standing: Standing) -> bool {
        self.group(standing).is_some_and(|group| group.staff)
    }

    /// The rules whose review is due on this day.
    pub fn due(&self, today: Date) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.review <= today)
    }
}

#[cfg(test)]
mod tests;
