//! What is in force: one immutable snapshot of policy and lists, taken once per request and replaced whole.

use crate::category::Taxonomy;
use crate::clock::Timetable;
use crate::identity::networks::Networks;
use crate::lists::Lists;
use crate::policy::Policy;
use arc_swap::{ArcSwap, Guard};
use std::fmt;
use std::sync::Arc;

/// Names the exact bytes of policy, categories and lists a decision was made with: the same files, the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotId([u8; 6]);

impl SnapshotId {
    /// The id of these contents.
    #[must_use]
    pub fn of(digest: &blake3::Hash) -> Self {
        let mut short = [0; 6];
        short.copy_from_slice(&digest.as_bytes()[..6]);
        Self(short)
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

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
