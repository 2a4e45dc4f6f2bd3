//! Maps that strangers fill, such as of people, devices and sites, and that must not grow without bound. Pure.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Where a map holds as many as it may, lets go of an eighth of them, what was used longest ago first; of what was used at the same time the lower key. An eighth,
/// so that this is not done for each one that comes.
pub fn make_room<K, V, S, T>(map: &mut HashMap<K, V, S>, most: usize, used: impl Fn(&V) -> T)
where
    K: Copy + Eq + Hash + Ord,
    S: BuildHasher,
    T: Ord,
{
    if map.len() < most {
        return;
    }
    let mut all: Vec<(T, K)> = map.iter().map(|(key, value)| (used(value), *key)).collect();
    all.sort_unstable();
    for (_, key) in all.into_iter().take(most / 8) {
        map.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first_and_only_where_there_is_no_room() {
        let all = |count: u64| (0..count).map(|key| (key, 1000 - key / 2)).collect::<HashMap<_, _>>();
        let left = |count: u64| {
            let mut map = all(count);
            make_room(&mut map, 32, |used| *used);
            let mut left: Vec<_> = map.into_keys().collect();
            left.sort_unstable();
            left
        };
        assert_eq!(left(31).len(), 31, "there is room");
        assert_eq!(left(32), (0..28).collect::<Vec<_>>());
        // The last is alone at its time, and of those before it the lower key goes.
        assert_eq!(left(33), (0..28).chain([29]).collect::<Vec<_>>());
    }
}
