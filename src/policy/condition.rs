//! What a rule may ask of a request. To add a condition: one variant here, its arm in [`Condition::holds`], its key in
//! `config/policy.rs`.

use super::facts::Facts;
use super::glob::Glob;
use crate::category::CategorySet;
use crate::clock::PeriodSet;
use crate::host::Host;
use crate::identity::{GroupId, Who};
use ipnet::IpNet;

/// One thing that must hold. Where several values are given, one of them is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The person is in one of these groups.
    Group(Vec<GroupId>),
    /// The person is one of these users. Somebody unnamed is none of them.
    User(Vec<Glob>),
    /// The host is one of these or below it.
    Host(Vec<Host>),
    /// The URL is one of these `host/path` or below it. Of a tunnel only the host is known, so only an entry without a path holds.
    Prefix(Vec<String>),
    /// The site is listed under one of these.
    Category(CategorySet),
    /// The client's address is in one of these ranges.
    Network(Vec<IpNet>),
    /// It is one of these parts of the school day.
    During(PeriodSet),
    /// It is in term, or it is not.
    Term(Term),
    /// The method is one of these.
    Method(Vec<String>),
}

/// Whether the school is in term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// In term, and not closed.
    In,
    /// On holiday or closed.
    Out,
}

impl Condition {
    /// Whether it holds for these facts, were the person in `group`.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>, group: GroupId) -> bool {
        match self {
            Self::Group(groups) => groups.contains(&group),
            Self::User(globs) => match &facts.around.identity.who {
                Who::User(name) => globs.iter().any(|glob| glob.matches(name)),
                Who::Unnamed => false,
            },
            Self::Host(hosts) => hosts.iter().any(|host| facts.url.host.is_within(host)),
            Self::Prefix(prefixes) => prefixes.iter().any(|prefix| is_below(facts.url.text(), prefix)),
            Self::Category(set) => !facts.found.categories.intersection(*set).is_empty(),
            Self::Network(nets) => nets.iter().any(|net| net.contains(&facts.around.client)),
            Self::During(periods) => facts.around.moment.periods.meets(*periods),
            Self::Term(term) => (*term == Term::In) == facts.around.moment.in_term,
            Self::Method(methods) => methods.iter().any(|method| method == facts.around.method),
        }
    }

    /// The categories it asks for, if it asks for any.
    #[must_use]
    pub fn categories(&self) -> Option<CategorySet> {
        match self {
            Self::Category(set) => Some(*set),
            Self::Group(_) | Self::User(_) | Self::Host(_) | Self::Prefix(_) | Self::Network(_) | Self::During(_) | Self::Term(_) | Self::Method(_) => None,
        }
    }
}

/// Whether the URL's text is `prefix` or stands below it.
fn is_below(text: &str, prefix: &str) -> bool {
    let host_end = text.find('/').unwrap_or(text.len());
    let text = &text[host_end - crate::lists::entry::without_www(&text[..host_end]).len()..];
    text.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '&', '=', ';']))
}
