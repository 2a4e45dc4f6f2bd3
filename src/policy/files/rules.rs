//! What each group may not have.

use crate::host::Host;
use crate::identity::{GroupId, Standing};
use crate::kinds::{Classes, name};
use std::sync::Arc;

/// Bytes of one MiB.
const MIB: u64 = 1 << 20;
/// What a group may not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Kinds that are blocked.
    pub block: Classes,
    /// Endings that are blocked, without the dot, in lower case.
    pub endings: Vec<Arc<str>>,
    /// Media types that are blocked: `type/subtype` or `type/*`, in lower case.
    pub types: Vec<Arc<str>>,
    /// The largest file, in MiB.
    pub largest_mib: Option<u64>,
    /// Whether archives are looked into.
    pub archives: bool,
    /// Whether what is sent is judged as well.
    pub uploads: bool,
    /// Hosts, with all below them, whose files are not judged.
    pub except: Vec<Host>,
}

impl Rules {
    /// Whether bytes have to be looked at, and not names and sizes only.
    pub(super) fn looks(&self) -> bool {
        !self.block.is_empty() || self.archives && !self.endings.is_empty()
    }

    /// Whether nothing is blocked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.block.is_empty() && self.endings.is_empty() && self.types.is_empty() && self.largest_mib.is_none()
    }

    /// Whether only the size of a file matters.
    pub(super) fn is_size_only(&self) -> bool {
        self.block.is_empty() && self.endings.is_empty() && self.types.is_empty()
    }

    /// The largest file there may be, in MiB, if so many bytes are more.
    pub(super) fn exceeded_by(&self, bytes: u64) -> Option<u64> {
        self.largest_mib.filter(|most| bytes > most.saturating_mul(MIB))
    }

    /// The rules of both: what either blocks is blocked.
    fn union(mut self, other: &Self) -> Self {
        self.block = self.block.union(other.block);
        self.endings.extend(other.endings.iter().cloned());
        self.types.extend(other.types.iter().cloned());
        self.largest_mib = self.largest_mib.into_iter().chain(other.largest_mib).min();
        self.archives |= other.archives;
        self.uploads |= other.uploads;
        // Only what every group may have.
        self.except.retain(|host| other.is_empty() || other.except.iter().any(|theirs| host.is_within(theirs)));
        self
    }

    /// Whether the files of a host are judged.
    #[must_use]
    pub fn are_for(&self, host: &Host) -> bool {
        !self.except.iter().any(|named| host.is_within(named))
    }

    pub(super) fn has_type(&self, essence: &str) -> bool {
        self.types.iter().any(|one| match one.strip_suffix('*') {
            Some(start) => essence.starts_with(start),
            None => **one == *essence,
        })
    }

    pub(super) fn has_ending(&self, name: &str) -> Option<Arc<str>> {
        let ending = name::ending(name)?;
        // Such as `.tar.gz`, which is more than a last ending.
        let whole = name.to_lowercase();
        self.endings.iter().find(|one| ***one == *ending || one.contains('.') && whole.trim_end_matches(['.', ' ']).ends_with(&format!(".{one}"))).cloned()
    }
}

/// The rules of every group.
#[derive(Clone, Debug, Default)]
pub struct Book {
    groups: Vec<Option<Arc<Rules>>>,
    /// For who is in no group: what any group blocks.
    unknown: Option<Arc<Rules>>,
}

impl Book {
    /// The rules of the groups, in the order of the policy.
    #[must_use]
    pub fn new(groups: Vec<Rules>) -> Self {
        let some = |rules: Rules| (!rules.is_empty()).then(|| Arc::new(rules));
        let unknown = groups.iter().filter(|rules| !rules.is_empty()).cloned().reduce(|all, one| all.union(&one)).and_then(some);
        Self { groups: groups.into_iter().map(some).collect(), unknown }
    }

    /// The rules of a standing, if there are any.
    #[must_use]
    pub fn of(&self, standing: Standing) -> Option<&Arc<Rules>> {
        match standing {
            Standing::Member(GroupId(id)) => self.groups.get(usize::from(id))?.as_ref(),
            Standing::Unknown => self.unknown.as_ref(),
        }
    }
}
