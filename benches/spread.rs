//! Names as list files of 30 categories, of uneven sizes, some names in two of them: as UT1 publishes its own.

use super::names::Random;

/// How many lists there are, each of a category of its own.
pub const LISTS: usize = 30;
/// Of so many names one stands in a second list.
const OVERLAP: usize = 12;

/// The lists, a name on each line. The same names give the same files.
pub fn files(names: &[String]) -> Vec<Vec<u8>> {
    let mut random = Random::new(17);
    let mut files = vec![Vec::new(); LISTS];
    for name in names {
        let first = random.below(LISTS).min(random.below(LISTS));
        let second = (random.below(OVERLAP) == 0).then(|| random.below(LISTS)).filter(|second| *second != first);
        for list in [Some(first), second].into_iter().flatten() {
            files[list].extend_from_slice(name.as_bytes());
            files[list].push(b'\n');
        }
    }
    files
}
