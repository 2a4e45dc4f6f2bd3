//! Which lists an entry stands in. Entries of the same lists share one set, so that a slot of the table names it with 16 bits.

use crate::category::CategorySet;
use std::collections::HashMap;

/// The bit that makes a list's number that of its exceptions.
const EXCEPTION: u16 = 1 << 15;

/// A place in a list: among what it lists, or among its exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member(u16);

impl Member {
    /// How many lists there can be.
    pub const MOST_LISTS: usize = EXCEPTION as usize;

    /// What the list with this number lists, or `None` if there cannot be so many.
    #[must_use]
    pub fn listed(list: usize) -> Option<Self> {
        u16::try_from(list).ok().filter(|list| *list < EXCEPTION).map(Self)
    }

    /// An exception of the same list.
    #[must_use]
    pub fn exception(self) -> Self {
        Self(self.0 | EXCEPTION)
    }

    /// Whether it is one.
    #[must_use]
    pub fn is_exception(self) -> bool {
        self.0 & EXCEPTION != 0
    }

    /// The number of the list, as an index into [`Lists::lists`](super::Lists::lists).
    #[must_use]
    pub fn list(self) -> usize {
        usize::from(self.0 & !EXCEPTION)
    }

    /// As it stands in a file.
    #[must_use]
    pub fn to_bits(self) -> u16 {
        self.0
    }

    /// From a file of so many lists, or `None` if there is no such list in it.
    #[must_use]
    pub fn from_bits(bits: u16, lists: usize) -> Option<Self> {
        Some(Self(bits)).filter(|member| member.list() < lists)
    }
}

/// A set of lists that some entry stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The lists, in order; those it is an exception of come last.
    pub members: Box<[Member]>,
    /// What the lists it is listed in say.
    pub categories: CategorySet,
    /// Whether it is an exception of any: then what was found must be gone through again.
    pub excepts: bool,
}

impl Membership {
    /// The membership of these lists, of which `category` tells what each says.
    #[must_use]
    pub fn new(members: Box<[Member]>, category: impl Fn(usize) -> CategorySet) -> Self {
        let listed = members.iter().filter(|member| !member.is_exception());
        let categories = listed.fold(CategorySet::EMPTY, |set, member| set.union(category(member.list())));
        let excepts = members.iter().any(|member| member.is_exception());
        Self { members, categories, excepts }
    }
}

/// More than 65,535 distinct combinations of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lists overlap in more than 65535 different ways, which one table cannot hold; load fewer lists")]
pub struct TooManyMemberships;

/// Adds up the memberships while a table is built.
#[derive(Debug, Default)]
pub struct Memberships {
    /// Each set once, in the order they were met.
    pub sets: Vec<Box<[Member]>>,
    /// The lines of entries that stand in several lists.
    pub lines: Vec<u32>,
    by_members: HashMap<Box<[Member]>, u16>,
}

impl Memberships {
    /// The number of this set of lists.
    pub fn number(&mut self, members: &[Member]) -> Result<u16, TooManyMemberships> {
        if let Some(known) = self.by_members.get(members) {
            return Ok(*known);
        }
        let number = u16::try_from(self.sets.len()).ok().filter(|number| *number < u16::MAX).ok_or(TooManyMemberships)?;
        self.sets.push(members.into());
        self.by_members.insert(members.into(), number);
        Ok(number)
    }

    /// Keeps the lines of an entry that stands in several lists, and returns the index of the first.
    pub fn keep(&mut self, lines: &[u32]) -> u32 {
        let first = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        self.lines.extend_from_slice(lines);
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_of_the_same_list() {
        let member = Member::listed(7).expect("room");
        assert_eq!((member.list(), member.is_exception()), (7, false));
        assert_eq!((member.exception().list(), member.exception().is_exception()), (7, true));
        assert_eq!(member.exception().exception(), member.exception());
        assert_eq!(Member::listed(Member::MOST_LISTS), None);
        assert_eq!(Member::from_bits(member.exception().to_bits(), 8), Some(member.exception()));
        assert_eq!(Member::from_bits(member.exception().to_bits(), 7), None);
    }

    #[test]
    fn sets_are_numbered_once_and_not_without_end() {
        let mut memberships = Memberships::default();
        let member = |list: usize| Member::listed(list).expect("room");
        for list in 0..300 {
            for other in list + 1..300 {
                memberships.number(&[member(list), member(other)]).expect("room");
            }
        }
        assert_eq!(memberships.number(&[member(0), member(2)]), Ok(1));
        let more = (0..30_000).try_for_each(|list| memberships.number(&[member(list)]).map(drop));
        assert_eq!((more, memberships.sets.len()), (Err(TooManyMemberships), 65_535));
    }
}
