//! What is in force: one immutable snapshot of policy and lists, taken once per request and replaced whole.

use crate::category::Taxonomy;
use crate::clock::Timetable;
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
    /// The group of a user by name: the first in the policy that names them.
    #[must_use]
    pub fn group_of_user(&self, user: &str) -> Option<crate::identity::GroupId> {
        self.members.iter().find(|(glob, _)| glob.matches(user)).map(|(_, group)| *group)
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
