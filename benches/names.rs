//! Made-up names that look like those of published lists, the same on every run.
//!
//! Labels of two words, of syllables or of random letters; some 50 top-level domains in about the mix of UT1; some names under shared
//! hosts; one in a thousand has up to 21 labels, as the deepest of real lists. About 16.5 bytes a name. No two names are equal, by a 64-bit hash of each.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Top-level domains, the common ones several times.
const ENDS: [&str; 80] = [
    "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "com", "net", "net",
    "net", "net", "net", "org", "org", "org", "org", "de", "de", "de", "ru", "ru", "ru", "info", "info", "fr", "fr", "nl", "nl", "pl", "pl", "it", "it", "uk",
    "co.uk", "co.uk", "com.br", "com.br", "cn", "jp", "es", "cz", "eu", "us", "biz", "top", "xyz", "xyz", "site", "online", "shop", "club", "vip", "live",
    "icu", "io", "co", "me", "tv", "cc", "ws", "in", "ca", "ch", "be", "at", "se", "dk",
];
const WORDS: [&str; 64] = [
    "art", "baby", "bet", "best", "big", "blue", "book", "car", "cash", "casino", "chat", "city", "click", "club", "cool", "date", "day", "deal", "dream",
    "easy", "fast", "film", "fire", "free", "fun", "game", "girl", "go", "gold", "green", "hot", "joy", "king", "land", "live", "love", "lucky", "mail", "max",
    "mega", "mobi", "news", "night", "online", "play", "porn", "pro", "red", "sale", "sex", "shop", "silver", "slot", "spin", "star", "stream", "sun", "super",
    "top", "tube", "video", "web", "win", "world",
];
const SYLLABLES: [&str; 48] = [
    "ba", "be", "bi", "bo", "ca", "co", "cu", "da", "de", "di", "do", "fa", "fe", "fi", "ga", "go", "ha", "ho", "ja", "ka", "ki", "ko", "la", "le", "li", "lo",
    "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "pa", "po", "ra", "re", "ri", "ro", "sa", "si", "so", "ta", "te", "ti", "to", "zu",
];
const SHARED: [&str; 6] = ["blogspot.com", "free.fr", "wixsite.com", "github.io", "weebly.com", "pages.dev"];
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A sequence of numbers that look random (splitmix64).
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// One of `all`.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Letters and digits, a letter first.
    pub fn letters(&mut self, length: usize) -> String {
        (0..length).map(|at| char::from(LETTERS[self.below(if at == 0 { 26 } else { 36 })])).collect()
    }

    fn label(&mut self) -> String {
        match self.below(10) {
            0..4 => {
                let number = self.below(1000).to_string();
                [*self.pick(&WORDS), *self.pick(&["", "", "-"]), *self.pick(&WORDS), *self.pick(&["", "", &number])].concat()
            }
            4..8 => {
                let count = 4 + self.below(5);
                (0..count).map(|_| *self.pick(&SYLLABLES)).collect()
            }
            _ => {
                let length = 8 + self.below(9);
                self.letters(length)
            }
        }
    }

    fn name(&mut self) -> String {
        let label = self.label();
        match self.below(100) {
            0..78 => format!("{label}.{}", self.pick(&ENDS)),
            78..88 => format!("{label}.{}", self.pick(&SHARED)),
            88..94 => format!("{}.{label}.{}", self.pick(&WORDS), self.pick(&ENDS)),
            94..99 => format!("{}.{label}.{}.{}", self.pick(&["www", "m", "img"]), self.pick(&WORDS), self.pick(&ENDS)),
            _ if self.below(10) > 0 => format!("{}.{}.{label}.{}.{}", self.pick(&WORDS), self.pick(&SYLLABLES), self.pick(&WORDS), self.pick(&ENDS)),
            _ => {
                let labels: Vec<_> = (0..4 + self.below(15)).map(|_| *self.pick(&WORDS)).collect();
                format!("{}.{label}.{}", labels.join("."), self.pick(&ENDS))
            }
        }
    }
}

/// So many different names.
pub fn names(count: usize) -> Vec<String> {
    let mut random = Random::new(42);
    let mut seen = HashSet::with_capacity(count);
    let mut names = Vec::with_capacity(count);
    while names.len() < count {
        let name = random.name();
        let mut hash = DefaultHasher::new();
        name.hash(&mut hash);
        if seen.insert(hash.finish()) {
            names.push(name);
        }
    }
    names
}
