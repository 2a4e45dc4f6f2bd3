//! The programs of web proxies, told by names in their text: Ultraviolet, Scramjet, Dynamic, bare-mux, Rammerhead.
//!
//! Some builds give their names at random, so that nothing here is seen: what they speak (`wisp`, `bare`) is seen all the same.

use super::{Certainty, Code, Finding};
use aho_corasick::AhoCorasick;
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

/// As much of a body as is read, in bytes.
pub const READ: usize = 256 << 10;

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(NAMES.map(|(name, _)| name)).ok());

/// Reads a body as it passes.
#[derive(Clone, Debug, Default)]
pub struct Kits {
    /// The last bytes of what was read, as many as a name may begin in.
    tail: Vec<u8>,
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
        let longest = NAMES.iter().map(|(name, _)| name.len()).max().unwrap_or_default() - 1;
        let seam: Vec<u8> = self.tail.iter().chain(&bytes[..bytes.len().min(longest)]).copied().collect();
        for found in finder.find_overlapping_iter(&seam).chain(finder.find_overlapping_iter(bytes)) {
            self.seen |= 1 << found.pattern().as_usize();
        }
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(longest)..]);
        self.tail.drain(..self.tail.len().saturating_sub(longest));
    }

    /// What was seen: nearly certain where it is two names.
    #[must_use]
    pub fn finding(&self) -> Option<Finding> {
        let names: Vec<_> = NAMES.iter().enumerate().filter(|(place, _)| self.seen & 1 << place != 0).map(|(_, row)| *row).collect();
        let (name, program) = names.first()?;
        let found =
            Finding::new(Code::KitText, &format!("{} of {program}", names.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")));
        // Two that overlap are one.
        let is_two = names.iter().any(|(other, _)| !other.contains(name) && !name.contains(other));
        Some(if is_two { found.with(Certainty::Near) } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
