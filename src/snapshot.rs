//! What is in force: one immutable snapshot of policy and lists, taken once per request and replaced whole.

use crate::category::Taxonomy;
use crate::clock::Timetable;
use crate::identity::Standing;
use crate::identity::networks::Networks;
use crate::lists::Lists;
use crate::policy::Policy;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;

pub use crate::policy::decision::SnapshotId;

/// Everything a decision is made with.
#[derive(Debug)]
pub struct Snapshot {
    /// Its name.
    pub id: SnapshotId,
    /// The categories.
    pub taxonomy: Taxonomy,
    /// The lists.
    pub lists: Lists,
    /// The policy.
    pub policy: Policy,
    /// The school day.
    pub timetable: Timetable,
    /// Ranges of addresses and their groups.
    pub networks: Networks,
    /// Which users belong to which group.
    pub members: Vec<(crate::policy::glob::Glob, crate::identity::GroupId)>,
}

impl Snapshot {
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

    /// Puts another in force, whole. Requests under way finish with the one they took.
    pub fn replace(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }
}
