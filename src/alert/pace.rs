//! How much of one person is read by what it means. Pure.
//!
//! To read a text by what it means costs some milliseconds, on the one thread that looks for alerts. Nobody types more than twenty searches and questions in a
//! minute, but a pupil's program does, and what others say would wait behind it. So what comes beyond that is read by its words alone, and by the lines of the
//! phrase files. Time is that of the records, so that a record that is read again comes to the same.

use crate::scan::lexicon::Depth;
use std::collections::HashMap;

/// How many texts of one person are read by what they mean, in a minute.
const A_MINUTE: u32 = 20;
const MINUTE_MS: u64 = 60_000;

/// How many texts each person typed in the newest minute that anybody typed in.
#[derive(Default)]
pub struct Pace {
    minute: u64,
    texts: HashMap<(u128, bool), u32>,
}

impl Pace {
    /// How deep what somebody, or a page of theirs, asked for at this time, in Unix milliseconds, is read.
    pub fn take(&mut self, who: (u128, bool), at_ms: u64) -> Depth {
        let minute = at_ms / MINUTE_MS;
        if minute != self.minute {
            self.minute = minute;
            self.texts.clear();
        }
        let texts = self.texts.entry(who).or_default();
        *texts = texts.saturating_add(1);
        if *texts > A_MINUTE { Depth::Words } else { Depth::Meaning }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_faster_than_anybody_types_is_read_by_its_words() {
        let (mut pace, minute) = (Pace::default(), 1_795_600_800_000);
        let mut take = |who, ms: u64| pace.take((who, true), minute + ms);
        assert!((0..20).all(|second| take(1, second * 100) == Depth::Meaning));
        assert!((20..500).all(|second| take(1, second * 100) == Depth::Words));
        assert_eq!(take(2, 50_000), Depth::Meaning, "somebody else");
        assert_eq!(take(1, 60_000), Depth::Meaning, "the next minute");
        assert_eq!(take(1, 0), Depth::Meaning, "what is read again from its beginning");
    }
}
