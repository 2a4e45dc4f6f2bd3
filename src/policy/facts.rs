//! What is known of a request when it is judged.

use crate::category::{Category, CategorySet, Taxonomy};
use crate::clock::Moment;
use crate::identity::Identity;
use crate::lists::{Entry, Found, Lists};
use crate::url::Url;
use std::net::IpAddr;

/// What is known before a tunnel is opened. The URL's path says nothing; only host and port are known.
pub struct ConnectFacts<'a>(pub Facts<'a>);

/// What is known before a request is forwarded.
pub struct RequestFacts<'a>(pub Facts<'a>);

/// What every judgement needs.
pub struct Facts<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// From which address.
    pub client: IpAddr,
    /// When, on the school's timetable.
    pub moment: &'a Moment,
    /// The method, as received: methods are case-sensitive.
    pub method: &'a str,
    /// What for, in its one spelling.
    pub url: &'a Url,
    /// Whether this person has gone on past a warning for this site.
    pub continued: bool,
    /// What the categories are.
    pub taxonomy: &'a Taxonomy,
    /// The lists in force.
    pub lists: &'a Lists,
    /// What they say of the URL.
    pub found: &'a Found,
}

impl Facts<'_> {
    pub(super) fn categories(&self) -> CategorySet {
        self.found.categories
    }

    pub(super) fn entry(&self, categories: CategorySet) -> Option<Entry> {
        self.lists.explain(self.found, self.url, categories)
    }

    pub(super) fn gravest(&self, set: CategorySet) -> Option<Category> {
        if set.is_empty() { None } else { self.taxonomy.gravest(set) }
    }
}
