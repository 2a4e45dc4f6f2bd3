//! The programs of web proxies, told by names in their text: Ultraviolet, Scramjet, Dynamic, bare-mux, Rammerhead.
//!
//! Some builds give their names at random, so that nothing here is seen: what they speak (`wisp`, `bare`) is seen all the same.

use super::{Certainty, Code, Finding};
use aho_corasick::{AhoCorasick, MatchKind};
use std::sync::LazyLock;

/// Names that no other program has, with the program's.
const NAMES: [(&str, &str); 17] = [
    ("__uv$config", "Ultraviolet"),
    ("UVServiceWorker", "Ultraviolet"),
    ("__uv-script", "Ultraviolet"),
    ("__uv$cookies", "Ultraviolet"),
    ("__uv$referrer", "Ultraviolet"),
    ("uv.config.js", "Ultraviolet"),
    ("$scramjet$", "Scramjet"),
    ("scramjet-attr-", "Scramjet"),
    ("scramjetLoadClient", "Scramjet"),
    ("__scramjet_controller", "Scramjet"),
    ("$scramjetLoadController", "Scramjet"),
    ("bare-mux-worker", "bare-mux"),
    ("BareMuxConnection", "bare-mux"),
    ("bare-mux-path", "bare-mux"),
    ("__dynamic$config", "Dynamic"),
    ("rammerhead.js", "Rammerhead"),
    ("transport-worker.js", "Rammerhead"),
];

/// As much of a body as is read, in bytes: Ultraviolet's largest file (378,572 bytes in version 3.2.10) has its names behind the first 256 KiB.
pub const READ: usize = 512 << 10;

/// The bytes of the longest name.
const LONGEST: usize = longest();

const fn longest() -> usize {
    let (mut most, mut place) = (0, 0);
    while place < NAMES.len() {
        most = if NAMES[place].0.len() > most { NAMES[place].0.len() } else { most };
        place += 1;
    }
    most
}

/// No name stands in another, so that the first that is found at a place is the only one; asked for so, it is looked for many bytes at a time.
static FINDER: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(NAMES.map(|(name, _)| name)).ok());

/// Reads a body as it passes. It takes no memory but its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kits {
    /// The last bytes of what was read, as many as a name may begin in.
    tail: [u8; LONGEST - 1],
    kept: usize,
    read: usize,
    /// Which names were seen.
    seen: u32,
}

impl Kits {
    /// More of it, without its codings.
    pub fn feed(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(READ.saturating_sub(self.read))];
        let Some(finder) = FINDER.as_ref().filter(|_| !bytes.is_empty()) else { return };
        self.read += bytes.len();
        if self.kept > 0 {
            let mut seam = [0; 2 * (LONGEST - 1)];
            let more = bytes.len().min(LONGEST - 1);
            seam[..self.kept].copy_from_slice(&self.tail[..self.kept]);
            seam[self.kept..self.kept + more].copy_from_slice(&bytes[..more]);
            finder.find_iter(&seam[..self.kept + more]).for_each(|found| self.seen |= 1 << found.pattern().as_usize());
        }
        finder.find_iter(bytes).for_each(|found| self.seen |= 1 << found.pattern().as_usize());
        let new = bytes.len().min(LONGEST - 1);
        let old = self.kept.min(LONGEST - 1 - new);
        self.tail.copy_within(self.kept - old..self.kept, 0);
        self.tail[old..old + new].copy_from_slice(&bytes[bytes.len() - new..]);
        self.kept = old + new;
    }

    /// How many names were seen.
    #[must_use]
    pub fn names(&self) -> u32 {
        self.seen.count_ones()
    }

    /// Whether as much was read as is read of any body.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.read >= READ
    }

    /// What was seen: nearly certain where it is two names.
    #[must_use]
    pub fn finding(&self) -> Option<Finding> {
        let names: Vec<_> = NAMES.iter().enumerate().filter(|(place, _)| self.seen & 1 << place != 0).map(|(_, row)| *row).collect();
        let (_, program) = names.first()?;
        let found =
            Finding::new(Code::KitText, &format!("{} of {program}", names.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")));
        Some(if names.len() > 1 { found.with(Certainty::Near) } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_name_stands_in_another_or_ends_as_another_begins() {
        for (name, _) in NAMES {
            for (other, _) in NAMES.into_iter().filter(|(other, _)| *other != name) {
                assert!(!name.contains(other), "{other} is in {name}");
                assert!((1..name.len()).all(|at| !other.starts_with(&name[at..]) || name.len() - at < 2), "{other} begins as {name} ends");
            }
        }
    }

    #[test]
    fn one_name_is_a_sign_and_two_are_nearly_certain() {
        let read = |text: &str| {
            let mut kits = Kits::default();
            kits.feed(text.as_bytes());
            kits.finding()
        };
        assert_eq!(read("self.__uv$config = {}").map(|found| found.certainty), Some(Code::KitText.certainty()));
        let found = read("importScripts('/uv/uv.config.js'); new UVServiceWorker()").expect("found");
        assert_eq!(found.certainty, Certainty::Near);
        assert!(found.seen.contains("\"UVServiceWorker\", \"uv.config.js\" of Ultraviolet"), "{}", found.seen);
        assert_eq!(read("a page about ultraviolet light and service workers, hammerhead sharks"), None);
        let far = format!("{}__uv$config", "x".repeat(READ));
        assert_eq!(read(&far), None);
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(place in 0..NAMES.len(), before in "[a-z_$]{0,30}", size in 1..9_usize) {
            let text = format!("{before} {} and so on", NAMES[place].0);
            let mut kits = Kits::default();
            text.as_bytes().chunks(size).for_each(|piece| kits.feed(piece));
            prop_assert!(kits.seen & 1 << place != 0);
        }
    }
}
