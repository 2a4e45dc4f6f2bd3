//! What was decided, why, and the permit to act on it.

use super::changes::Changes;
use super::facts::Facts;
use super::rewrite::Lead;
use super::safesearch::Unsafe;
use super::words;
use crate::category::{Category, CategorySet, Page, Taxonomy};
use crate::host::Host;
use crate::illegal::{Illegal, Source};
use crate::insight::republished::Way;
use crate::lists::Entry;
use crate::url::Url;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What a rule or a category does. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Let it pass.
    Allow,
    /// Show a page first.
    Warn,
    /// Refuse it.
    Block,
}

impl Action {
    /// The actions by the name they have in `policy.toml`.
    pub const NAMES: [(&str, Self); 3] = [("allow", Self::Allow), ("warn", Self::Warn), ("block", Self::Block)];

    /// What was done, in words.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::Allow => "allowed",
            Self::Warn => "warned about",
            Self::Block => "blocked",
        }
    }
}

/// Names the exact bytes of policy, categories and lists a decision was made with: the same files, the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotId([u8; 12]);

impl SnapshotId {
    /// The id of these contents.
    #[must_use]
    pub fn of(digest: &blake3::Hash) -> Self {
        let mut digits = [0; 12];
        digits.copy_from_slice(&digest.to_hex().as_bytes()[..12]);
        Self(digits)
    }

    /// Twelve hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A verdict with its why.
#[must_use]
#[derive(Debug)]
pub struct Decision<V> {
    /// What may happen.
    pub verdict: V,
    /// Why.
    pub reason: Reason,
    /// The rules and lists it was made with.
    pub snapshot: SnapshotId,
}

impl Decision<ConnectVerdict> {
    /// The refusal of what is illegal. No policy is asked.
    pub fn illegal(illegal: Illegal, snapshot: SnapshotId) -> Self {
        Self { verdict: ConnectVerdict::Block, reason: Reason::AlwaysBlocked(illegal), snapshot }
    }
}

impl Decision<RequestVerdict> {
    /// The refusal of what is illegal. No policy is asked.
    pub fn illegal(illegal: Illegal, snapshot: SnapshotId) -> Self {
        Self { verdict: RequestVerdict::Block, reason: Reason::AlwaysBlocked(illegal), snapshot }
    }
}

/// May a tunnel be opened?
#[derive(Debug)]
pub enum ConnectVerdict {
    /// No.
    Block,
    /// Yes, to this destination, sealed.
    Tunnel(TunnelPermit),
    /// Its TLS ends here, and each request in it is judged.
    Inspect(InspectPermit),
}

/// May a request be forwarded?
#[derive(Debug)]
pub enum RequestVerdict {
    /// No.
    Block,
    /// Not before the person has read a warning.
    Warn,
    /// Yes, to this destination.
    Forward(ForwardPermit),
    /// Yes, but it goes elsewhere, and is judged again there.
    Elsewhere(Lead),
}

/// Permission to open one tunnel. Only a decision makes one, and it carries the destination that was judged.
#[derive(Debug)]
pub struct TunnelPermit(Destination);

/// Permission to end the TLS of one connection here. Only a decision makes one. Nothing is sent on by it: each request in the connection needs a
/// permit of its own.
#[derive(Debug)]
pub struct InspectPermit {
    to: Destination,
    site: Action,
    seal: bool,
}

/// Permission to forward one request, changed as it says. Only a decision makes one, and it carries the destination that was judged.
#[derive(Debug)]
pub struct ForwardPermit {
    to: Destination,
    changes: Changes,
}

/// A host and a port, and what it is looked up as. Connections that are looked up otherwise are not the same, whatever host they speak to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// The name whose addresses are connected to, where that is not the host. The host stays the one that is spoken to.
    pub resolve_as: Option<Box<Host>>,
}

impl Destination {
    /// A destination that is looked up as itself.
    #[must_use]
    pub fn new(host: Host, port: u16) -> Self {
        Self { host, port, resolve_as: None }
    }

    fn of(facts: &Facts<'_>, resolve_as: Option<Host>) -> Self {
        Self { host: facts.url.host.clone(), port: facts.url.port, resolve_as: resolve_as.map(Box::new) }
    }

    /// The name whose addresses are connected to.
    #[must_use]
    pub fn looked_up(&self) -> &Host {
        self.resolve_as.as_deref().unwrap_or(&self.host)
    }
}

impl TunnelPermit {
    pub(super) fn new(facts: &Facts<'_>, resolve_as: Option<Host>) -> Self {
        Self(Destination::of(facts, resolve_as))
    }

    /// Where the tunnel may lead.
    #[must_use]
    pub fn into_destination(self) -> Destination {
        self.0
    }
}

impl InspectPermit {
    pub(super) fn new(facts: &Facts<'_>, resolve_as: Option<Host>, site: Action, seal: bool) -> Self {
        Self { to: Destination::of(facts, resolve_as), site, seal }
    }

    /// A tunnel that may be opened is looked into instead, for what the site shows.
    pub(super) fn instead_of(sealed: TunnelPermit, site: Action) -> Self {
        Self { to: sealed.0, site, seal: false }
    }

    /// The same, of a site that something graver would be done with.
    pub(super) fn at_least(self, site: Action) -> Self {
        Self { site: self.site.max(site), seal: self.seal && site == Action::Allow, ..self }
    }

    /// Permission to pass it sealed all the same, for a program's or the site's own sake; none for a site that is blocked or warned about, and for those
    /// that the school looks into for their own sake.
    #[must_use]
    pub fn to_seal(&self) -> Option<TunnelPermit> {
        self.seal.then(|| TunnelPermit(self.to.clone()))
    }

    /// What would be done with the site as a whole.
    #[must_use]
    pub fn site(&self) -> Action {
        self.site
    }

    /// What the client asked to be connected to.
    #[must_use]
    pub fn into_destination(self) -> Destination {
        self.to
    }
}

impl ForwardPermit {
    pub(super) fn new(facts: &Facts<'_>, resolve_as: Option<Host>, changes: Changes) -> Self {
        Self { to: Destination::of(facts, resolve_as), changes }
    }

    /// Where the request may go, and what is changed of it before it goes, and of its answer.
    #[must_use]
    pub fn into_parts(self) -> (Destination, Changes) {
        (self.to, self.changes)
    }
}

/// Why a decision is what it is. The same value is in the log, on the page and in `usher check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// In the tier that no policy reaches.
    AlwaysBlocked(Illegal),
    /// The port is not open.
    Port(u16),
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
}

/// What words came to, or why they could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Which way they went.
    pub way: words::Way,
    /// The group that says how much may be.
    pub group: Arc<str>,
    /// What they came to.
    pub said: Said,
}

/// What is said of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// They are over the threshold.
    Over {
        /// What they are about.
        theme: Box<str>,
        /// The category that belongs to.
        category: Option<Category>,
        /// How many points they came to.
        points: i32,
        /// How many there may be less than.
        threshold: i32,
        /// The phrases that were seen, as the phrase files have them.
        seen: Vec<Box<str>>,
    },
    /// They cannot be read, for this reason.
    Unreadable(String),
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

/// Why a page that shows or leads to another was judged as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Republished {
    /// What shows it.
    pub by: Cow<'static, str>,
    /// What it does with the other page.
    pub way: Way,
    /// The other page's host.
    pub site: Host,
    /// The other page in its one spelling; of what passes its host.
    pub page: String,
    /// What the other page is listed under.
    pub categories: CategorySet,
    /// Why: of the graver decision on the two.
    pub reason: Reason,
}

/// The most of the other page's address that stands in a reason, in bytes.
const LONGEST_SHOWN: usize = 200;

impl Republished {
    /// The reason with the other page named.
    #[must_use]
    pub fn named(by: impl Into<Cow<'static, str>>, way: Way, url: &Url, categories: CategorySet, reason: Reason) -> Reason {
        let text = url.text();
        let page = match &text[..text.floor_char_boundary(LONGEST_SHOWN)] {
            whole if whole.len() == text.len() => whole.to_owned(),
            start => format!("{start}…"),
        };
        Reason::Republished(Box::new(Self { by: by.into(), way, site: url.host.clone(), page, categories, reason }))
    }

    /// The reason of what passes, with the other page's site named: the page's whole address is on record anyway, and a reason that is another each time
    /// is kept each time.
    #[must_use]
    pub fn passing(by: &'static str, way: Way, url: &Url, categories: CategorySet, reason: Reason) -> Reason {
        Reason::Republished(Box::new(Self { by: by.into(), way, site: url.host.clone(), page: url.host.to_string(), categories, reason }))
    }
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
        match self {
            Self::NoPage(inner) => Some((**inner).clone()),
            Self::Republished(republished) => {
                let reason = republished.reason.with_a_page()?;
                Some(Self::Republished(Box::new(Republished { reason, ..(**republished).clone() })))
            }
            Self::AlwaysBlocked(_)
            | Self::Port(_)
            | Self::Rule { .. }
            | Self::Category { .. }
            | Self::Continued(_)
            | Self::Sealed(..)
            | Self::Unsafe(_)
            | Self::Led { .. }
            | Self::Nested
            | Self::Unlisted
            | Self::Words(_) => None,
        }
    }

    /// The site a warning is of, where that is another than the one that was asked for.
    #[must_use]
    pub fn warned_of(&self) -> Option<&Host> {
        if let Self::Republished(republished) = self {
            return Some(&republished.site);
        }
        self.within()?.warned_of()
    }

    /// The reason that this one only says more of.
    fn within(&self) -> Option<&Self> {
        match self {
            Self::NoPage(inner) | Self::Continued(inner) | Self::Sealed(inner, _) | Self::Led { then: inner, .. } => Some(inner),
            Self::AlwaysBlocked(_)
            | Self::Port(_)
            | Self::Rule { .. }
            | Self::Category { .. }
            | Self::Republished(_)
            | Self::Unsafe(_)
            | Self::Nested
            | Self::Unlisted
            | Self::Words(_) => None,
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
        };
        Cow::Owned(text)
    }

    /// The category that decided, if one did.
    #[must_use]
    pub fn category(&self) -> Option<Category> {
        match self {
            Self::AlwaysBlocked(Illegal { category, .. }) | Self::Category { category, .. } => Some(*category),
            Self::Rule { category, .. } => *category,
            Self::NoPage(inner) | Self::Continued(inner) | Self::Sealed(inner, _) | Self::Led { then: inner, .. } => inner.category(),
            Self::Republished(republished) => republished.reason.category(),
            Self::Words(words) => words.category(),
            Self::Port(_) | Self::Unsafe(_) | Self::Nested | Self::Unlisted => None,
        }
    }

    /// The entry that decided, if one did.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::AlwaysBlocked(Illegal { source: Source::List(entry), .. }) | Self::Rule { entry, .. } | Self::Category { entry, .. } => entry.as_ref(),
            Self::NoPage(inner) | Self::Continued(inner) | Self::Sealed(inner, _) | Self::Led { then: inner, .. } => inner.entry(),
            Self::Republished(republished) => republished.reason.entry(),
            Self::AlwaysBlocked(Illegal { source: Source::Feed { .. }, .. })
            | Self::Port(_)
            | Self::Unsafe(_)
            | Self::Nested
            | Self::Unlisted
            | Self::Words(_) => None,
        }
    }

    /// The rule that decided, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Rule { rule, .. } => Some(rule),
            Self::Led { rule, then, .. } => Some(then.rule().unwrap_or(rule)),
            Self::NoPage(inner) | Self::Continued(inner) | Self::Sealed(inner, _) => inner.rule(),
            Self::Republished(republished) => republished.reason.rule(),
            Self::AlwaysBlocked(_) | Self::Category { .. } | Self::Port(_) | Self::Unsafe(_) | Self::Nested | Self::Unlisted | Self::Words(_) => None,
        }
    }

    /// What is to be on record of what was found: with what decided, which may stand in no list, and with what the page shows.
    #[must_use]
    pub fn listed(&self, found: CategorySet) -> CategorySet {
        let decided = self.category().map_or(found, |category| found.with(category));
        if let Self::Republished(republished) = self {
            return decided.union(republished.categories);
        }
        self.within().map_or(decided, |inner| inner.listed(decided))
    }

    /// Whether this is the tier that no policy reaches.
    #[must_use]
    pub fn is_always_blocked(&self) -> bool {
        match self {
            Self::AlwaysBlocked(_) => true,
            Self::NoPage(inner) | Self::Continued(inner) | Self::Sealed(inner, _) | Self::Led { then: inner, .. } => inner.is_always_blocked(),
            Self::Republished(republished) => republished.reason.is_always_blocked(),
            Self::Port(_) | Self::Rule { .. } | Self::Category { .. } | Self::Unsafe(_) | Self::Nested | Self::Unlisted | Self::Words(_) => false,
        }
    }

    /// Which page a refusal for this reason is.
    #[must_use]
    pub fn page(&self, taxonomy: &Taxonomy) -> Page {
        self.category().map_or(Page::Block, |category| taxonomy.info(category).page)
    }
}

impl Words {
    /// What they came to, in a sentence. The phrases are not in it: a page shows this to a pupil.
    #[must_use]
    pub fn text(&self) -> String {
        let what = match self.way {
            words::Way::Answer => "page",
            words::Way::Upload => "text that was to be sent",
        };
        match &self.said {
            Said::Over { theme, points, threshold, .. } => {
                let theme = theme.replace('-', " ");
                format!("The words of this {what} are about {theme}: they come to {points} points, and for {} {threshold} are too many.", self.group)
            }
            Said::Unreadable(why) => format!("This {what} cannot be read to see what is in it: {why}."),
        }
    }

    /// What [`Words::text`] says, read again from a record: what they are about, how many points they came to, how many were too many, and which way they
    /// went. Nothing where it says something else.
    #[must_use]
    pub fn read(why: &str) -> Option<(Box<str>, i32, i32, words::Way)> {
        let (what, rest) = why.strip_prefix("The words of this ")?.split_once(" are about ")?;
        let way = match what {
            "page" => words::Way::Answer,
            "text that was to be sent" => words::Way::Upload,
            _ => return None,
        };
        let (theme, rest) = rest.split_once(": they come to ")?;
        let (points, rest) = rest.split_once(" points, and for ")?;
        // A group's name may say anything, and so may a phrase that was seen.
        let (_, threshold) = rest.split_once(" are too many.")?.0.rsplit_once(' ')?;
        Some((theme.replace(' ', "-").into(), points.parse().ok()?, threshold.parse().ok()?, way))
    }

    /// The same with the phrases that were seen, for the record.
    #[must_use]
    pub fn on_record(&self) -> String {
        match &self.said {
            Said::Over { seen, .. } if !seen.is_empty() => format!("{} Seen: {}.", self.text(), seen.join("; ")),
            Said::Over { .. } | Said::Unreadable(_) => self.text(),
        }
    }

    fn category(&self) -> Option<Category> {
        match &self.said {
            Said::Over { category, .. } => *category,
            Said::Unreadable(_) => None,
        }
    }
}
