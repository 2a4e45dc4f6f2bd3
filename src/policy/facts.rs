//! What is known of a request when it is judged.
//!
//! What it is for comes from the illegal tier alone: without its proof there are no facts, and without facts no decision.

use crate::category::{Category, CategorySet, Taxonomy};
use crate::clock::Moment;
use crate::host::Host;
use crate::identity::Identity;
use crate::illegal::{LawfulHost, LawfulPage};
use crate::lists::{Entry, Found, Lists};
use crate::url::Url;
use std::net::IpAddr;

/// What is known before a tunnel is opened. The URL's path says nothing; only host and port are known.
pub struct ConnectFacts<'a>(pub(super) Facts<'a>);

/// What is known before a request is forwarded.
pub struct RequestFacts<'a>(pub(super) Facts<'a>);

/// Who asks, how, and under which rules: what every judgement needs beside what is asked for.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// From which address.
    pub client: IpAddr,
    /// When, on the school's timetable.
    pub moment: &'a Moment,
    /// The method, as received: methods are case-sensitive.
    pub method: &'a str,
    /// The sites this person has gone on to past a warning.
    pub past: &'a [Host],
    /// What the categories are.
    pub taxonomy: &'a Taxonomy,
    /// The lists in force.
    pub lists: &'a Lists,
}

impl Circumstances<'_> {
    /// Whether this person has gone on past a warning to this site, or to one it is part of. To one of two that an address names is not to the other.
    #[must_use]
    pub fn has_gone_past(&self, host: &Host) -> bool {
        self.past.iter().any(|site| host.is_within(site))
    }
}

/// What every judgement needs.
pub struct Facts<'a> {
    pub(super) around: Circumstances<'a>,
    /// What for, in its one spelling.
    pub(super) url: &'a Url,
    /// What the lists say of it.
    pub(super) found: &'a Found,
}

impl<'a> ConnectFacts<'a> {
    /// The facts of a tunnel to a host that may be decided on.
    #[must_use]
    pub fn new(lawful: LawfulHost<'a>, around: Circumstances<'a>) -> Self {
        Self(Facts { around, url: lawful.url(), found: lawful.found() })
    }
}

impl<'a> RequestFacts<'a> {
    /// The facts of a request for a page that may be decided on.
    #[must_use]
    pub fn new(lawful: LawfulPage<'a>, around: Circumstances<'a>) -> Self {
        Self(Facts { around, url: lawful.url(), found: lawful.found() })
    }
}

impl Facts<'_> {
    pub(super) fn categories(&self) -> CategorySet {
        self.found.categories
    }

    pub(super) fn entry(&self, categories: CategorySet) -> Option<Entry> {
        self.around.lists.explain(self.found, self.url, categories)
    }

    pub(super) fn has_gone_past(&self) -> bool {
        self.around.has_gone_past(&self.url.host)
    }

    pub(super) fn gravest(&self, set: CategorySet) -> Option<Category> {
        if set.is_empty() { None } else { self.around.taxonomy.gravest(set) }
    }
}
