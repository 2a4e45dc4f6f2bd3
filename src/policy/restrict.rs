//! Restrictions: one person's or one device's access taken away, kept to a few sites, or slowed, until a moment, by somebody, for a reason. Pure.
//!
//! # What they never reach
//!
//! What is against the law is judged before. Sites that help (the category `help`) and Usher's own pages are passed over by every restriction, which leaves
//! them to the rules as if there were none: a child who has lost access can still find somebody to talk to, and read why.
//!
//! # Which holds
//!
//! Of several, what any of them takes away is taken away, and the slowest speed holds. A device's restriction holds for whoever sits there, also if they
//! sign in. Time is a fact: past its end a restriction is none, whether or not somebody has said so on record yet.
//!
//! # Where to add
//!
//! A kind of restriction: a variant of [`How`], its arm in `How::blocks` and its words; how it is stated is `audit::incident::Limit`.

use super::facts::Facts;
use super::{Action, Judgement, Of, Policy, Reason};
use crate::category::{CategorySet, Taxonomy};
use crate::clock::Moment;
use crate::host::Host;
use jiff::{Timestamp, Zoned};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The category that no restriction reaches.
const HELP: &str = "help";

/// Of whom a restriction is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A user, in small letters, at whatever device.
    User(Box<str>),
    /// Whoever is at the device with this address.
    Device(IpAddr),
}

impl Subject {
    /// A user, whatever letters the name was written in.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self::User(name.to_lowercase().into())
    }

    /// A device. An IPv4 address mapped into IPv6 is that address.
    #[must_use]
    pub fn device(address: IpAddr) -> Self {
        Self::Device(address.to_canonical())
    }
}

/// What is taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// All but help.
    Off,
    /// All but help and these.
    Only {
        /// Categories, by their ids. One that is none any more opens nothing.
        categories: Vec<Box<str>>,
        /// Sites, with all below them.
        hosts: Vec<Host>,
    },
    /// Nothing; it is slow.
    Slow {
        /// KiB a second, of all that the person is sent and sends.
        kib: u32,
    },
}

impl How {
    fn blocks(&self, host: &Host, categories: CategorySet, taxonomy: &Taxonomy) -> bool {
        match self {
            Self::Off => true,
            Self::Only { categories: ids, hosts } => {
                let open = ids.iter().filter_map(|id| taxonomy.find(id)).collect::<CategorySet>();
                categories.intersection(open).is_empty() && !hosts.iter().any(|site| host.is_within(site))
            }
            Self::Slow { .. } => false,
        }
    }

    /// What it is, in words that follow a name and a colon.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Off => "no access but for help".to_owned(),
            Self::Only { categories, hosts } => {
                let names: Vec<_> = categories.iter().map(|id| &**id).chain(hosts.iter().map(Host::as_str)).collect();
                format!("help and {} only", names.join(", "))
            }
            Self::Slow { kib } => format!("slowed to {kib} KiB a second"),
        }
    }
}

/// One restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The number of the statement it was made with.
    pub number: u64,
    /// Of whom.
    pub who: Subject,
    /// What is taken away.
    pub how: How,
    /// From when on.
    pub from: Timestamp,
    /// The first moment it holds no more.
    pub until: Timestamp,
    /// Who said so.
    pub by: Box<str>,
    /// Why, for whoever looks it up. Never on a page.
    pub reason: Box<str>,
    /// What the person is told, if it is not the usual.
    pub tell: Option<Box<str>>,
}

impl Restriction {
    /// Whether it holds at this moment.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// A restriction that has taken something away, as a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restricted {
    /// The restriction.
    pub restriction: Arc<Restriction>,
    /// Until when, in school time and in words: `15:30`, or `Monday 30 November at 09:00`.
    pub until: Box<str>,
}

impl Restricted {
    /// What it comes to, in a sentence that is fit for the person to read.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.restriction.how {
            How::Off => format!("Access is paused until {} (restriction {}).", self.until, self.restriction.number),
            How::Only { .. } => format!("Only a few sites are open until {} (restriction {}).", self.until, self.restriction.number),
            How::Slow { kib } => format!("Access is slowed to {kib} KiB a second until {} (restriction {}).", self.until, self.restriction.number),
        }
    }

    /// Whether a few sites are still open.
    #[must_use]
    pub fn leaves_some(&self) -> bool {
        matches!(self.restriction.how, How::Only { .. })
    }
}

/// A moment in school time, as people say it who look at a clock now.
#[must_use]
pub fn until_words(until: Timestamp, now: &Zoned) -> String {
    let until = until.to_zoned(now.time_zone().clone());
    let form = if until.date() == now.date() { "%H:%M" } else { "%A %-d %B at %H:%M" };
    until.strftime(form).to_string()
}

/// What restrictions come to for one person at one site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// Which takes it away; the first that was made of those that do.
    pub blocked: Option<Arc<Restriction>>,
    /// Which slows it: the slowest.
    pub slowed: Option<(u32, Arc<Restriction>)>,
}

/// The restrictions there are, found by whom they are of.
#[derive(Clone, Debug, Default)]
pub struct Restrictions {
    all: Vec<Arc<Restriction>>,
    by_subject: HashMap<Subject, Vec<Arc<Restriction>>>,
    own: Vec<Host>,
}

impl PartialEq for Restrictions {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Restrictions {
    /// These, where Usher's own names are `own`.
    #[must_use]
    pub fn new(all: Vec<Arc<Restriction>>, own: &[Host]) -> Self {
        let mut by_subject: HashMap<Subject, Vec<Arc<Restriction>>> = HashMap::new();
        for one in &all {
            by_subject.entry(one.who.clone()).or_default().push(one.clone());
        }
        Self { all, by_subject, own: own.to_vec() }
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Arc<Restriction>] {
        &self.all
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those of a person that hold now: of the user, and of the device.
    pub fn of<'a>(&'a self, user: Option<&str>, client: IpAddr, now: Timestamp) -> impl Iterator<Item = &'a Arc<Restriction>> {
        let find = |subject: &Subject| self.by_subject.get(subject).map_or(&[][..], Vec::as_slice);
        let (of_user, of_device) = if self.all.is_empty() {
            (&[][..], &[][..])
        } else {
            (user.map_or(&[][..], |name| find(&Subject::User(small(name).as_ref().into()))), find(&Subject::device(client)))
        };
        of_user.iter().chain(of_device).filter(move |one| one.holds(now))
    }

    /// What they come to for a person at a site that is listed under these categories.
    #[must_use]
    pub fn rule(&self, (user, client): (Option<&str>, IpAddr), (host, categories): (&Host, CategorySet), taxonomy: &Taxonomy, now: Timestamp) -> Ruling {
        let mut ruling = Ruling::default();
        if self.all.is_empty() || self.spares(host, categories, taxonomy) {
            return ruling;
        }
        for one in self.of(user, client, now) {
            if let How::Slow { kib } = one.how {
                if ruling.slowed.as_ref().is_none_or(|(slowest, _)| kib < *slowest) {
                    ruling.slowed = Some((kib, one.clone()));
                }
            } else if ruling.blocked.is_none() && one.how.blocks(host, categories, taxonomy) {
                ruling.blocked = Some(one.clone());
            }
        }
        ruling
    }

    fn spares(&self, host: &Host, categories: CategorySet, taxonomy: &Taxonomy) -> bool {
        self.own.contains(host) || taxonomy.find(HELP).is_some_and(|help| categories.contains(help))
    }
}

/// A name in small letters, as names of users are kept.
fn small(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) { name.to_lowercase().into() } else { name.into() }
}

impl Policy {
    /// What a restriction takes away, if one does.
    pub(super) fn restricted(&self, facts: &Facts<'_>) -> Option<Judgement> {
        if self.restrictions.is_empty() {
            return None;
        }
        let Moment { zoned, .. } = facts.around.moment;
        let (who, what) = ((facts.around.identity.user(), facts.around.client), (&facts.url.host, facts.categories()));
        let restriction = self.restrictions.rule(who, what, facts.around.taxonomy, zoned.timestamp()).blocked?;
        let until = until_words(restriction.until, zoned).into();
        Some(Judgement { action: Action::Block, reason: Reason::Restricted(Box::new(Restricted { restriction, until })), of: Of::Site })
    }
}
