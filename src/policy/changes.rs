//! What is changed of a request that may be sent on, and of its answer: what a [`super::ForwardPermit`] carries beside its destination. Pure.
//!
//! The school's own rules come first; then what Google and Microsoft are told of whose accounts are let in; then what makes a search engine safe. So
//! no rule undoes what the group was given.

use super::facts::Facts;
use super::rewrite::Rewrite;
use super::safesearch::{Level, Resolver, Safe};
use super::tenants::Tenants;
use super::{Judgement, Policy, Reason};
use crate::host::Host;
use crate::identity::Standing;
use crate::policy::Action;
use crate::url::Url;
use http::header::HeaderMap;
use std::borrow::Cow;
use std::sync::Arc;

/// How much of a request is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The host's name only.
    Host,
    /// All of it.
    Whole,
}

/// What is changed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    edits: Vec<Arc<Rewrite>>,
    tenants: Option<Arc<Tenants>>,
    safe: Option<Safe>,
}

impl Changes {
    /// Changes a request for `url` in its one spelling: its fields, and `path` as it was asked for to what is sent.
    pub fn apply<'p>(&self, url: &Url, path: &'p str, fields: &mut HeaderMap) -> Cow<'p, str> {
        for rule in &self.edits {
            rule.request.apply(fields);
        }
        if let Some(tenants) = &self.tenants {
            tenants.apply(&url.host, fields);
        }
        match self.safe {
            Some(safe) => safe.apply(url.text(), path, fields),
            None => Cow::Borrowed(path),
        }
    }

    /// Changes the answer.
    pub fn apply_to_answer(&self, fields: &mut HeaderMap) {
        for rule in &self.edits {
            rule.response.apply(fields);
        }
    }
}

impl Policy {
    /// How much search engines keep back from a standing. From somebody in no group, as much as from anybody.
    #[must_use]
    pub fn safe_search(&self, standing: Standing) -> Level {
        let most = || self.groups.iter().map(|group| group.safe_search).max().unwrap_or_default();
        self.group(standing).map_or_else(most, |group| group.safe_search)
    }

    /// Whose accounts a standing may use. Somebody in no group is kept to what the first group is kept to that is kept to any.
    #[must_use]
    pub fn tenants(&self, standing: Standing) -> Option<&Arc<Tenants>> {
        let group = match standing {
            Standing::Member(id) => self.groups.get(usize::from(id.0)),
            Standing::Unknown => self.groups.iter().find(|group| !group.tenants.is_empty()),
        };
        group.map(|group| &group.tenants).filter(|tenants| !tenants.is_empty())
    }

    /// What there is to be made safe for whoever asks.
    pub(super) fn safe(&self, facts: &Facts<'_>) -> Option<Safe> {
        Safe::at(&facts.url.host, self.safe_search(facts.around.identity.standing))
    }

    /// The name a tunnel is led to.
    pub(super) fn tunnel_name(&self, facts: &Facts<'_>) -> Option<Host> {
        self.safe(facts).and_then(|safe| Host::parse(safe.name()?).ok())
    }

    /// The name a request that is seen is led to: none where the parent proxy would send it to that name itself.
    pub(super) fn request_name(&self, facts: &Facts<'_>) -> Option<Host> {
        match self.resolver {
            Resolver::Usher => self.tunnel_name(facts),
            Resolver::Parent => None,
        }
    }

    /// What is changed of a request that is seen, and of its answer. `edits` were found before it came here.
    pub(super) fn changes(&self, facts: &Facts<'_>, mut edits: Vec<Arc<Rewrite>>) -> Changes {
        if !self.rewrites.is_empty() {
            edits.extend(self.edits(facts));
        }
        let tenants = self.tenants(facts.around.identity.standing).filter(|tenants| tenants.concern(&facts.url.host)).cloned();
        Changes { edits, tenants, safe: self.safe(facts) }
    }

    /// A judgement of a tunnel that stays sealed, where an engine that cannot be made safe there is refused.
    pub(super) fn safe_tunnel(&self, facts: &Facts<'_>, judgement: Judgement) -> Judgement {
        judgement.unless(|| self.safe(facts)?.sealed())
    }

    /// Whether nothing speaks against a sealed tunnel for what it lets be searched.
    pub(super) fn is_safe_sealed(&self, facts: &Facts<'_>) -> bool {
        self.safe(facts).is_none_or(|safe| safe.sealed().is_none())
    }

    /// A judgement of a request, where a search that cannot be made safe is refused.
    pub(super) fn safe_request(&self, facts: &Facts<'_>, judgement: Judgement) -> Judgement {
        judgement.unless(|| self.safe(facts)?.seen(facts.around.method, facts.url.text(), self.resolver))
    }

    /// What a technician is to know of how far this can be carried out here.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let is_safe = self.groups.iter().any(|group| group.safe_search > Level::Off);
        let through = "SafeSearch through the parent proxy: tunnels to search engines are asked of it by their safe names, such as \
                       forcesafesearch.google.com. A parent that compares that with the name in the TLS inside refuses them: look into https \
                       (inspect = \"search\"), or have the parent see to SafeSearch and set safe_search = \"off\".";
        (is_safe && self.resolver == Resolver::Parent).then(|| through.to_owned()).into_iter().collect()
    }

    /// What is done to a request for what it asks for, in words: for people who want to know beforehand.
    pub(super) fn said(&self, facts: &Facts<'_>, sight: Sight) -> Vec<String> {
        let safe = self.safe(facts);
        let (put, name) = match sight {
            Sight::Host => (None, self.tunnel_name(facts)),
            Sight::Whole => (safe.and_then(|safe| safe.said(facts.url.text())), self.request_name(facts)),
        };
        let led = name.map(|name| format!("the connection is led to {name}"));
        let how: Vec<_> = put.into_iter().chain(led).collect();
        let how = if how.is_empty() { "nothing is done to this request".to_owned() } else { how.join("; ") };
        let level = self.safe_search(facts.around.identity.standing).as_str();
        let safe = safe.map(|safe| format!("SafeSearch of {} ({level}): {how}", safe.engine()));
        if sight == Sight::Host {
            return safe.into_iter().collect();
        }
        let tenants = self.tenants(facts.around.identity.standing).map(|tenants| tenants.fields(&facts.url.host)).unwrap_or_default();
        let tenants = tenants.iter().map(|(name, value)| format!("accounts: {name}: {}", value.to_str().unwrap_or_default()));
        self.edits(facts).iter().filter_map(|rule| rule.said()).chain(tenants).chain(safe).collect()
    }
}

impl Judgement {
    /// This judgement, unless what it lets through cannot be made safe and no rule of the school decided on it.
    fn unless(self, refusal: impl FnOnce() -> Option<super::safesearch::Unsafe>) -> Self {
        if self.action == Action::Block || matches!(self.reason, Reason::Rule { .. }) {
            return self;
        }
        match refusal() {
            Some(why) => Self { action: Action::Block, reason: Reason::Unsafe(why), of: super::Of::Site },
            None => self,
        }
    }
}
