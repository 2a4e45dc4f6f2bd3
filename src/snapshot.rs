//! What is in force: one immutable snapshot of policy and lists, taken once per request and replaced whole.

use crate::category::Taxonomy;
use crate::clock::Timetable;
use crate::identity::Standing;
use crate::identity::networks::Networks;
use crate::illegal::Tier;
use crate::lists::Lists;
use crate::policy::Policy;
use crate::policy::opinion::Court;
use crate::scan::lexicon::Lexicon;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;

pub use crate::policy::decision::SnapshotId;

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
pub struct InForce(ArcSwap<Snapshot>);

impl InForce {
    /// Puts the first snapshot in force.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self(ArcSwap::from_pointee(snapshot))
    }

    /// The snapshot in force now, to hold on to for one request.
    #[must_use]
    pub fn get(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// The snapshot in force now, for a glance.
    #[must_use]
    pub fn peek(&self) -> Guard<Arc<Snapshot>> {
        self.0.load()
    }

    /// Puts another tier in force; what else is in force stays.
    pub fn replace_tier(&self, tier: &Tier) {
        self.0.rcu(|old| old.with_tier(tier.clone()));
    }

    /// Puts another in force, whole. Requests under way finish with the one they took.
    pub fn replace(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }
}
