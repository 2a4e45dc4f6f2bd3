//! What is in force: one immutable snapshot of policy and lists, taken once per request and replaced whole.

mod bell;

use crate::category::Taxonomy;
use crate::clock::Timetable;
use crate::identity::Standing;
use crate::identity::networks::Networks;
use crate::illegal::Tier;
use crate::lists::Lists;
use crate::policy::opinion::Court;
use crate::policy::{Policy, Restriction, Restrictions};
use crate::scan::lexicon::Lexicon;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use crate::policy::decision::SnapshotId;
pub use bell::{Bell, Sleeper};

/// Everything a decision is made with.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its name.
    pub id: SnapshotId,
    /// The digest of policy, categories and lists, without the tier.
    pub rules: blake3::Hash,
    /// What is judged before everything else.
    pub tier: Tier,
    /// The categories.
    pub taxonomy: Taxonomy,
    /// The lists.
    pub lists: Arc<Lists>,
    /// The policy.
    pub policy: Policy,
    /// The phrases that pages are scored by.
    pub lexicon: Arc<Lexicon>,
    /// The school day.
    pub timetable: Timetable,
    /// Ranges of addresses and their groups.
    pub networks: Networks,
    /// Which users belong to which group.
    pub members: Vec<(crate::policy::glob::Glob, crate::identity::GroupId)>,
}

impl Snapshot {
    /// The name of rules and a tier together.
    #[must_use]
    pub fn id_of(rules: &blake3::Hash, tier: &Tier) -> SnapshotId {
        match tier.feed() {
            Some(feed) => SnapshotId::of(&blake3::Hasher::new().update(rules.as_bytes()).update(feed.digest.as_bytes()).finalize()),
            None => SnapshotId::of(rules),
        }
    }

    /// The same rules with another tier.
    #[must_use]
    pub fn with_tier(&self, tier: Tier) -> Self {
        Self { id: Self::id_of(&self.rules, &tier), tier, ..self.clone() }
    }

    /// The same with other restrictions. Its name stays: which of them decided is in the reason.
    #[must_use]
    pub fn with_restrictions(mut self, all: &[Arc<Restriction>]) -> Self {
        self.policy.restrictions = Arc::new(Restrictions::new(all.to_vec(), &self.policy.inspection.own));
        self
    }

    /// What is decided with.
    #[must_use]
    pub fn court(&self) -> Court<'_> {
        Court { tier: &self.tier, policy: &self.policy, taxonomy: &self.taxonomy, snapshot: self.id }
    }

    /// Whose rules apply to a user: of the first group in the policy that names them, else of the group `listed` in the users file.
    #[must_use]
    pub fn standing_of_user(&self, user: &str, listed: Option<&str>) -> Standing {
        let named = self.members.iter().find(|(glob, _)| glob.matches(user)).map(|(_, group)| *group);
        let group = named.or_else(|| listed.and_then(|name| self.policy.group_named(name)));
        group.map_or(Standing::Unknown, Standing::Member)
    }
}

/// The snapshot in force.
#[derive(Debug)]
pub struct InForce {
    snapshot: ArcSwap<Snapshot>,
    /// How often other restrictions were put in force.
    restricted: AtomicU64,
    /// Rung when they were.
    bell: Arc<Bell>,
}

impl InForce {
    /// Puts the first snapshot in force.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        let restricted = AtomicU64::new(u64::from(!snapshot.policy.restrictions.is_empty()));
        Self { snapshot: ArcSwap::from_pointee(snapshot), restricted, bell: Arc::default() }
    }

    /// The snapshot in force now, to hold on to for one request.
    #[must_use]
    pub fn get(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The snapshot in force now, for a glance.
    #[must_use]
    pub fn peek(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Puts another tier in force; what else is in force stays.
    pub fn replace_tier(&self, tier: &Tier) {
        self.snapshot.rcu(|old| old.with_tier(tier.clone()));
    }

    /// Puts another in force, whole but for restrictions, which no file says: those in force stay. Requests under way finish with the one they took.
    pub fn replace(&self, snapshot: &Snapshot) {
        self.snapshot.rcu(|old| snapshot.clone().with_restrictions(old.policy.restrictions.all()));
    }

    /// Puts other restrictions in force, and wakes who sleeps over what they may change; what else is in force stays.
    pub fn replace_restrictions(&self, all: &[Arc<Restriction>]) {
        self.snapshot.rcu(|old| Snapshot::clone(old).with_restrictions(all));
        self.restricted.fetch_add(1, Ordering::Release);
        self.bell.ring();
    }

    /// A place to sleep, and be woken when other restrictions are in force.
    #[must_use]
    pub fn sleeper(&self) -> Sleeper {
        self.bell.sleeper()
    }

    /// A number that is another one whenever other restrictions are in force; 0 while there never was one. For what goes on for long, and asks often.
    #[must_use]
    pub fn restrictions_number(&self) -> u64 {
        self.restricted.load(Ordering::Acquire)
    }
}
