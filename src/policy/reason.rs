//! Why a decision is what it is: in a word for the log, in a sentence for people, and what of it decided.
//!
//! It decides nothing and permits nothing: that is [`decision`](super::decision). Some reasons say more of the one within them. What others need more to
//! say is where it is judged: [`Unsafe`], [`Republished`], [`Words`], [`Through`].
//!
//! # Where to add
//!
//! A reason: one variant, its word in [`Reason::kind`], its sentence in [`Reason::text`], and an arm wherever the compiler asks.

use super::Action;
use super::republished::Republished;
use super::restrict::Restricted;
use super::safesearch::Unsafe;
use super::through::Through;
use super::words::{Said, Words};
use crate::bypass::Finding;
use crate::category::{Category, CategorySet, Page, Taxonomy};
use crate::host::Host;
use crate::illegal::{Illegal, Source};
use crate::lists::Entry;
use std::borrow::Cow;
use std::sync::Arc;

/// Why a decision is what it is. The same value is in the log, on the page and in `usher check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// In the tier that no policy reaches.
    AlwaysBlocked(Illegal),
    /// The port is not open.
    Port(u16),
    /// The person's access, or the device's, is restricted.
    Restricted(Box<Restricted>),
    /// A rule decided.
    Rule {
        /// Its name.
        rule: Arc<str>,
        /// What it does.
        action: Action,
        /// Why the school made it.
        why: Arc<str>,
        /// The category it asked for and found, if it asked for one.
        category: Option<Category>,
        /// The entry that matched.
        entry: Option<Entry>,
    },
    /// The group's categories decided.
    Category {
        /// Which category.
        category: Category,
        /// What it does for the group.
        action: Action,
        /// The group.
        group: Arc<str>,
        /// The entry that matched.
        entry: Option<Entry>,
    },
    /// A warning in a tunnel, where no page can be shown: blocked.
    NoPage(Box<Reason>),
    /// A warning this person has read and gone past.
    Continued(Box<Reason>),
    /// What would be looked into is passed sealed.
    Sealed(Box<Reason>, Exempt),
    /// A search engine that cannot be made safe for the group.
    Unsafe(Unsafe),
    /// A rule sends it elsewhere.
    Led {
        /// The rule.
        rule: Arc<str>,
        /// What it does.
        how: Led,
        /// The address.
        to: String,
        /// Why what was asked for may be, where it is answered with the address; else what was decided of the address.
        then: Box<Reason>,
    },
    /// The page shows or leads to another, and was judged as that too.
    Republished(Box<Republished>),
    /// It shows another page within a page within a page, deeper than is read.
    Nested,
    /// No rule and no category of the group speaks.
    Unlisted,
    /// The words of a page, or of what was sent.
    Words(Arc<Words>),
    /// A way round the filter.
    Way(Arc<Finding>),
    /// A way round the filter to a page that may not be shown.
    Through(Box<Through>),
}

/// Why what would be looked into is passed sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exempt {
    /// The program takes no certificate but the site's own.
    Pinned,
    /// The site lets in only who shows a certificate of their own.
    ClientCertificate,
    /// It is not TLS.
    NotTls,
}

impl Exempt {
    fn text(self) -> &'static str {
        match self {
            Self::Pinned => "It is passed sealed: this program takes no certificate but the site's own.",
            Self::ClientCertificate => "It is passed sealed: the site lets in only devices that show a certificate of their own.",
            Self::NotTls => "It is passed as it is: it is not TLS, and this group's tunnels may carry that.",
        }
    }
}

/// How a rule sends a request elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Led {
    /// By answering it with the address.
    Redirected,
    /// By sending it there.
    Sent,
}

impl Reason {
    /// The same of what is passed sealed though it would be looked into.
    #[must_use]
    pub fn exempt(self, why: Exempt) -> Self {
        Self::Sealed(Box::new(self), why)
    }

    /// The warning behind a block where no page could be shown, for where one can be after all.
    #[must_use]
    pub fn with_a_page(&self) -> Option<Self> {
        if let Self::NoPage(inner) = self {
            return Some((**inner).clone());
        }
        let Self::Republished(republished) = self else { return None };
        let reason = republished.reason.with_a_page()?;
        Some(Self::Republished(Box::new(Republished { reason, ..(**republished).clone() })))
    }

    /// The site a warning is of, where that is another than the one that was asked for.
    #[must_use]
    pub fn warned_of(&self) -> Option<&Host> {
        if let Self::Republished(republished) = self {
            return Some(&republished.site);
        }
        if let Self::Through(through) = self {
            return Some(&through.site);
        }
        self.within()?.warned_of()
    }

    /// The reason that this one says more of: what holds for that holds for this.
    fn within(&self) -> Option<&Self> {
        match self {
            Self::NoPage(inner) | Self::Continued(inner) | Self::Sealed(inner, _) | Self::Led { then: inner, .. } => Some(inner),
            Self::Republished(republished) => Some(&republished.reason),
            Self::Through(through) => Some(&through.reason),
            Self::AlwaysBlocked(_)
            | Self::Port(_)
            | Self::Restricted(_)
            | Self::Rule { .. }
            | Self::Category { .. }
            | Self::Unsafe(_)
            | Self::Nested
            | Self::Unlisted
            | Self::Words(_)
            | Self::Way(_) => None,
        }
    }

    pub(super) fn without_a_page(self) -> Self {
        Self::NoPage(Box::new(self))
    }

    pub(super) fn continued(self) -> Self {
        Self::Continued(Box::new(self))
    }

    /// The reason of an answer with this address.
    #[must_use]
    pub fn redirected(self, rule: Arc<str>, to: String) -> Self {
        Self::Led { rule, how: Led::Redirected, to, then: Box::new(self) }
    }

    /// The reason of what was decided of this address, which a request was sent to.
    #[must_use]
    pub fn sent(self, rule: Arc<str>, to: String) -> Self {
        Self::Led { rule, how: Led::Sent, to, then: Box::new(self) }
    }

    /// One word for the kind, as in the log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AlwaysBlocked(_) => "always-blocked",
            Self::Port(_) => "port",
            Self::Restricted(_) => "restricted",
            Self::Rule { .. } => "rule",
            Self::Category { .. } => "category",
            Self::NoPage(_) => "no-page",
            Self::Continued(_) => "continued",
            Self::Sealed(_, Exempt::Pinned) => "pinned",
            Self::Sealed(_, Exempt::ClientCertificate) => "client-certificate",
            Self::Sealed(_, Exempt::NotTls) => "not-tls",
            Self::Unsafe(_) => "safe-search",
            Self::Led { how: Led::Redirected, .. } => "redirected",
            Self::Led { how: Led::Sent, .. } => "rewritten",
            // Whatever shows it: who counts what is illegal, or looks at once, misses none.
            Self::Republished(republished) if republished.reason.is_always_blocked() => republished.reason.kind(),
            Self::Republished(_) => "republished",
            Self::Nested => "nested",
            Self::Unlisted => "unlisted",
            Self::Words(words) => match words.said {
                Said::Over { .. } => "words",
                Said::Unreadable(_) => "unreadable",
            },
            Self::Way(finding) => finding.code.as_str(),
            // As above.
            Self::Through(through) if through.reason.is_always_blocked() => through.reason.kind(),
            Self::Through(through) => through.finding.code.as_str(),
        }
    }

    /// The reason in a sentence.
    #[must_use]
    pub fn text(&self, taxonomy: &Taxonomy) -> Cow<'static, str> {
        let name = |category: Category| &taxonomy.info(category).name;
        let text = match self {
            Self::Unlisted => return Cow::Borrowed("No rule and no blocked category applies."),
            Self::AlwaysBlocked(Illegal { category, source: Source::List(_) }) => format!("{} is blocked for everyone, always.", name(*category)),
            Self::AlwaysBlocked(Illegal { category, source: Source::Feed { publisher, serial } }) => {
                format!("{} is blocked for everyone, always: it is in the sealed feed of {publisher}, number {serial}.", name(*category))
            }
            Self::Port(port) => format!("Port {port} is not open at this school."),
            Self::Restricted(restricted) => restricted.text(),
            Self::Rule { rule, action, why, .. } => format!("The rule \"{rule}\" says {}: {why}", action.done()),
            Self::Category { category, action: Action::Warn, group, .. } => format!("{} comes with a warning for {group}.", name(*category)),
            Self::Category { category, action, group, .. } => format!("{} is {} for {group}.", name(*category), action.done()),
            Self::NoPage(inner) => format!("{} No warning can be shown inside an encrypted connection, so it is blocked.", inner.text(taxonomy)),
            Self::Republished(republished) => {
                let Republished { by, way, page, reason, .. } = &**republished;
                let by = by[..1].to_uppercase() + &by[1..];
                format!("{by} {} {page}. {}", way.words(), reason.text(taxonomy))
            }
            Self::Nested => return Cow::Borrowed("The address shows a page within a page within a page, deeper than can be judged."),
            Self::Continued(inner) => format!("{} The person read the warning and went on.", inner.text(taxonomy)),
            Self::Sealed(inner, why) => format!("{} {}", inner.text(taxonomy), why.text()),
            Self::Unsafe(why) => why.text(),
            Self::Led { rule, how: Led::Redirected, to, then } => format!("The rule \"{rule}\" answers it with {to}. {}", then.text(taxonomy)),
            Self::Led { rule, how: Led::Sent, to, then } => format!("The rule \"{rule}\" sends it to {to}. {}", then.text(taxonomy)),
            Self::Words(words) => words.text(),
            Self::Way(finding) => finding.why(),
            Self::Through(through) => format!("{} {}", through.finding.why(), through.reason.text(taxonomy)),
        };
        Cow::Owned(text)
    }

    /// The reason as whoever it is about is told. By what a way round was known stays out of it: that is for the record, and would say what to do better.
    #[must_use]
    pub fn told(&self, taxonomy: &Taxonomy) -> Cow<'static, str> {
        match self {
            Self::Way(finding) => Cow::Borrowed(finding.code.words()),
            Self::Through(through) => Cow::Owned(format!("{} {}", through.finding.code.words(), through.reason.told(taxonomy))),
            other => other.text(taxonomy),
        }
    }

    /// The category that decided, if one did.
    #[must_use]
    pub fn category(&self) -> Option<Category> {
        match self {
            Self::AlwaysBlocked(Illegal { category, .. }) | Self::Category { category, .. } => Some(*category),
            Self::Rule { category, .. } => *category,
            Self::Words(words) => words.category(),
            Self::NoPage(_) | Self::Continued(_) | Self::Sealed(..) | Self::Led { .. } | Self::Republished(_) | Self::Through(_) => self.within()?.category(),
            Self::Port(_) | Self::Restricted(_) | Self::Unsafe(_) | Self::Nested | Self::Unlisted | Self::Way(_) => None,
        }
    }

    /// The entry that decided, if one did.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::AlwaysBlocked(Illegal { source: Source::List(entry), .. }) | Self::Rule { entry, .. } | Self::Category { entry, .. } => entry.as_ref(),
            Self::NoPage(_) | Self::Continued(_) | Self::Sealed(..) | Self::Led { .. } | Self::Republished(_) | Self::Through(_) => self.within()?.entry(),
            Self::AlwaysBlocked(_) | Self::Port(_) | Self::Restricted(_) | Self::Unsafe(_) | Self::Nested | Self::Unlisted | Self::Words(_) | Self::Way(_) => {
                None
            }
        }
    }

    /// The rule that decided, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Rule { rule, .. } => Some(rule),
            Self::Led { rule, then, .. } => Some(then.rule().unwrap_or(rule)),
            Self::NoPage(_) | Self::Continued(_) | Self::Sealed(..) | Self::Republished(_) | Self::Through(_) => self.within()?.rule(),
            Self::AlwaysBlocked(_)
            | Self::Category { .. }
            | Self::Port(_)
            | Self::Restricted(_)
            | Self::Unsafe(_)
            | Self::Nested
            | Self::Unlisted
            | Self::Words(_)
            | Self::Way(_) => None,
        }
    }

    /// What is to be on record of what was found: with what decided, which may stand in no list, and with what the page shows.
    #[must_use]
    pub fn listed(&self, found: CategorySet) -> CategorySet {
        let decided = self.category().map_or(found, |category| found.with(category));
        if let Self::Republished(republished) = self {
            return decided.union(republished.categories);
        }
        if let Self::Through(through) = self {
            return decided.union(through.categories);
        }
        self.within().map_or(decided, |inner| inner.listed(decided))
    }

    /// The restriction of the person that decided, if one did.
    #[must_use]
    pub fn restricted(&self) -> Option<&Restricted> {
        if let Self::Restricted(restricted) = self { Some(restricted) } else { self.within()?.restricted() }
    }

    /// Whether this is the tier that no policy reaches.
    #[must_use]
    pub fn is_always_blocked(&self) -> bool {
        matches!(self, Self::AlwaysBlocked(_)) || self.within().is_some_and(Self::is_always_blocked)
    }

    /// Which page a refusal for this reason is.
    #[must_use]
    pub fn page(&self, taxonomy: &Taxonomy) -> Page {
        self.category().map_or(Page::Block, |category| taxonomy.info(category).page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::fixture;
    use crate::insight::republished::Way;
    use crate::url::Url;

    #[test]
    fn what_decided_is_found_however_much_more_is_said() {
        let taxonomy = fixture::taxonomy(&["games"]);
        let games = taxonomy.find("games").expect("a category");
        let url = Url::parse("http://games.example/").expect("a URL");
        let decided = [
            Reason::Rule { rule: "r".into(), action: Action::Warn, why: "w".into(), category: Some(games), entry: None },
            Reason::Category { category: games, action: Action::Block, group: "g".into(), entry: None },
            Reason::AlwaysBlocked(Illegal { category: games, source: Source::Feed { publisher: "p".into(), serial: 7 } }),
        ];
        for reason in decided {
            let of = |reason: &Reason| (reason.category(), reason.entry().cloned(), reason.is_always_blocked());
            let expected = of(&reason);
            for more in [
                reason.clone().without_a_page(),
                reason.clone().continued(),
                reason.clone().exempt(Exempt::Pinned),
                reason.clone().sent("led".into(), "http://elsewhere.example/".into()),
                Republished::named("an archive", Way::Shows, &url, CategorySet::EMPTY, reason.clone()),
            ] {
                assert_eq!(of(&more), expected, "{more:?}");
                assert_eq!(of(&more.clone().continued()), expected, "{more:?}");
                let rule = if let Reason::Led { rule, .. } = &more { reason.rule().unwrap_or(rule) } else { reason.rule().unwrap_or("none") };
                assert_eq!(more.rule().unwrap_or("none"), rule, "{more:?}");
                let warned = matches!(more, Reason::NoPage(_)).then(|| reason.clone());
                assert_eq!(more.with_a_page(), warned, "{more:?}");
                assert_eq!(more.warned_of().is_some(), matches!(more, Reason::Republished(_)), "{more:?}");
            }
        }
    }
}
