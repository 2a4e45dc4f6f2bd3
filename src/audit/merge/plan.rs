//! Which segments are merged with which. Pure.

use crate::audit::journal::{Part, SegmentNote};
use crate::audit::record::{Class, RecordId};
use crate::audit::writer::DAY_MS;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// The most rows of a merged segment: what proving or rewriting one takes in memory grows with them, some hundred megabytes for so many.
pub(super) const MOST_ROWS: u64 = 1_000_000;
/// As many segments of today as are merged at once: fewer make more work of a day, more make its questions slower.
const MANY: usize = 8;

/// What there is to be merged, by what is known of it without opening a file.
pub(super) struct Plan<'n> {
    /// The segments that are there.
    pub(super) parts: &'n [Part],
    /// Every segment as it was signed.
    pub(super) notes: &'n HashMap<String, SegmentNote>,
    /// Those that are partly purged: what is left of them is small, and will stay so.
    pub(super) pruned: &'n HashSet<String>,
    pub(super) now: Timestamp,
    /// The most rows of a merged one.
    pub(super) most: u64,
}

fn day_of(id: RecordId) -> u64 {
    id.unix_ms() / DAY_MS
}

fn today(now: Timestamp) -> u64 {
    u64::try_from(now.as_millisecond()).unwrap_or_default() / DAY_MS
}

/// Whether there are so many segments of today that some are to be merged, as far as a glance shows.
pub(super) fn many_today(parts: &[Part], now: Timestamp) -> bool {
    let small = |part: &&Part| part.rows * 2 <= MOST_ROWS && day_of(part.ids.1) == today(now);
    Class::NAMES.iter().any(|(_, class)| parts.iter().filter(small).filter(|part| part.class == *class).count() >= MANY)
}

impl<'n> Plan<'n> {
    /// The groups of a class, each in the order of the chain: of the days before today all, of today those that are full, or many.
    pub(super) fn groups(&self, class: Class) -> Vec<Vec<&'n SegmentNote>> {
        let mut groups = Vec::new();
        for day in self.days(class) {
            let is_over = day.number < today(self.now);
            let mut of_day = self.of_day(&day.notes);
            let last = of_day.pop();
            groups.extend(of_day.into_iter().filter(|group| group.len() > 1));
            groups.extend(last.filter(|group| group.len() >= if is_over { 2 } else { MANY }));
        }
        groups
    }

    /// What follows on one another and is of one day. A segment without rows is of the day before it.
    fn days(&self, class: Class) -> Vec<Day<'n>> {
        let mut in_order: Vec<_> = self.parts.iter().filter(|part| part.class == class).filter_map(|part| self.notes.get(&part.file)).collect();
        // One that only holds what was carried over has no batches of its own: then the live files tell.
        in_order.sort_unstable_by_key(|note| (note.before.0, note.lives.0));
        let mut days: Vec<Day<'_>> = Vec::new();
        for note in in_order.into_iter().filter(|note| !self.pruned.contains(&note.file)) {
            let number = day_of(RecordId(note.ids.1));
            let follows = |day: &&mut Day<'_>| day.notes.last().is_some_and(|last| last.after == note.before);
            match days.last_mut().filter(follows) {
                Some(day) if note.rows == 0 || day.number == number => day.notes.push(note),
                Some(_) | None => days.push(Day { number, notes: vec![note] }),
            }
        }
        days
    }

    /// Neighbours that together are not too large.
    fn of_day(&self, notes: &[&'n SegmentNote]) -> Vec<Vec<&'n SegmentNote>> {
        let (mut groups, mut rows): (Vec<Vec<_>>, u64) = (Vec::new(), 0);
        for note in notes {
            rows += note.rows;
            match groups.last_mut() {
                Some(group) if rows <= self.most => group.push(*note),
                Some(_) | None => {
                    rows = note.rows;
                    groups.push(vec![*note]);
                }
            }
        }
        groups
    }
}

/// The segments of one class and day, in the order of the chain.
struct Day<'n> {
    number: u64,
    notes: Vec<&'n SegmentNote>,
}
