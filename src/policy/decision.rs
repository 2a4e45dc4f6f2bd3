//! What was decided, why, and the permit to act on it.

use super::facts::Facts;
use super::words::Way;
use crate::category::{Category, Page, Taxonomy};
use crate::host::Host;
use crate::illegal::{Illegal, Source};
use crate::lists::Entry;
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
}

/// Permission to forward one request. Only a decision makes one, and it carries the destination that was judged.
#[derive(Debug)]
pub struct ForwardPermit(Destination);

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

impl TunnelPermit {
    pub(super) fn new(facts: &Facts<'_>) -> Self {
        Self(Destination { host: facts.url.host.clone(), port: facts.url.port })
    }

    /// Where the tunnel may lead.
    #[must_use]
    pub fn into_destination(self) -> Destination {
        self.0
    }
}

impl InspectPermit {
    pub(super) fn new(facts: &Facts<'_>, site: Action) -> Self {
        Self { to: Destination { host: facts.url.host.clone(), port: facts.url.port }, site }
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
    pub(super) fn new(facts: &Facts<'_>) -> Self {
        Self(Destination { host: facts.url.host.clone(), port: facts.url.port })
    }

    /// Where the request may go.
    #[must_use]
    pub fn into_destination(self) -> Destination {
        self.0
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
    /// No rule and no category of the group speaks.
    Unlisted,
    /// The words of a page, or of what was sent.
    Words(Arc<Words>),
}

/// What words came to, or why they could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Which way they went.
    pub way: Way,
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

impl Reason {
    pub(super) fn without_a_page(self) -> Self {
        Self::NoPage(Box::new(self))
    }

    pub(super) fn continued(self) -> Self {
        Self::Continued(Box::new(self))
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
            Self::Continued(inner) => format!("{} The person read the warning and went on.", inner.text(taxonomy)),
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
            Self::NoPage(inner) | Self::Continued(inner) => inner.category(),
            Self::Words(words) => words.category(),
            Self::Port(_) | Self::Unlisted => None,
        }
    }

    /// The entry that decided, if one did.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::AlwaysBlocked(Illegal { source: Source::List(entry), .. }) | Self::Rule { entry, .. } | Self::Category { entry, .. } => entry.as_ref(),
            Self::NoPage(inner) | Self::Continued(inner) => inner.entry(),
            Self::AlwaysBlocked(Illegal { source: Source::Feed { .. }, .. }) | Self::Port(_) | Self::Unlisted | Self::Words(_) => None,
        }
    }

    /// The rule that decided, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Rule { rule, .. } => Some(rule),
            Self::NoPage(inner) | Self::Continued(inner) => inner.rule(),
            Self::AlwaysBlocked(_) | Self::Category { .. } | Self::Port(_) | Self::Unlisted | Self::Words(_) => None,
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
            Way::Answer => "page",
            Way::Upload => "text that was to be sent",
        };
        match &self.said {
            Said::Over { theme, points, threshold, .. } => {
                let theme = theme.replace('-', " ");
                format!("The words of this {what} are about {theme}: they come to {points} points, and for {} {threshold} are too many.", self.group)
            }
            Said::Unreadable(why) => format!("This {what} cannot be read to see what is in it: {why}."),
        }
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
