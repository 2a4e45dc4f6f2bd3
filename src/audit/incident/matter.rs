//! What is asked of a matter as it stands, and how staff state what they did with it.
//!
//! Whoever acknowledges or closes a matter speaks of what they saw. If it got worse, or somebody else closed it, between their reading and their
//! statement, the statement is not made: danger that came a moment before is not closed with the concern.

use super::{Act, Incident, Level, Outcome};
use crate::audit::journal::{Journal, JournalError, Statement, Topic};
use crate::audit::record::RecordId;
use jiff::Timestamp;

impl Outcome {
    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoConcern => "no concern",
            Self::Talked => "talked with",
            Self::Referred => "referred",
            Self::FalseAlarm => "false alarm",
        }
    }
}

/// Another theme that is part of a matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The theme.
    pub theme: &'a str,
    /// Why, a sentence each.
    pub factors: &'a [String],
    /// The records that count for it.
    pub records: &'a [RecordId],
    /// When it was first stated to be part of it, in Unix milliseconds.
    pub at: i64,
}

impl Incident {
    /// Whether staff still have to deal with it: nobody has closed it, or it got worse since. That nothing more came closes nothing.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether nobody has read it since it was last told.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.read.is_none() && self.closed.is_none()
    }

    /// When it came to this level, by the record, in Unix milliseconds; when it began, if it never did.
    #[must_use]
    pub fn reached(&self, at: Level) -> u64 {
        self.worsened_to(at).map_or(self.opened.at_ms, |(at_ms, _)| at_ms)
    }

    /// Where it was when it came to this level, as far as that is known; where it began, if it never came to it later.
    #[must_use]
    pub fn place(&self, at: Level) -> Option<&str> {
        self.worsened_to(at).map_or(self.opened.place.as_deref(), |(_, place)| place)
    }

    /// When and where it came to this level last, if it did not begin at it.
    fn worsened_to(&self, at: Level) -> Option<(u64, Option<&str>)> {
        self.acts.iter().rev().find_map(|(_, _, act)| match act {
            Act::Worsened { level, at_ms, place, .. } if *level == at => Some((*at_ms, place.as_deref())),
            _ => None,
        })
    }

    /// The number of the statement by which it came back last; 0 if it never did. Who is asked next begins anew with that.
    #[must_use]
    pub fn back(&self) -> u64 {
        self.came_back().map_or(0, |(number, _)| number)
    }

    /// The first record of those by which it came back last.
    #[must_use]
    pub fn back_with(&self) -> Option<RecordId> {
        self.came_back().and_then(|(_, records)| records.first().copied())
    }

    fn came_back(&self) -> Option<(u64, &[RecordId])> {
        self.acts.iter().rev().find_map(|(number, _, act)| match act {
            Act::Worsened { is_back: true, records, .. } => Some((*number, records.as_slice())),
            _ => None,
        })
    }

    /// Its themes: the one it began with, and those that were found to be part of it.
    pub fn themes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.opened.theme.as_str()).chain(self.parts().into_iter().map(|part| part.theme))
    }

    /// The other themes that were found to be part of it, each as it was stated last.
    #[must_use]
    pub fn parts(&self) -> Vec<Part<'_>> {
        let mut all: Vec<Part<'_>> = Vec::new();
        for (_, at, act) in &self.acts {
            let (Act::Joined { also: theme, factors, records, .. } | Act::Worsened { also: Some(theme), factors, records, .. }) = act else {
                continue;
            };
            let part = Part { theme, factors, records, at: *at };
            match all.iter_mut().find(|known| known.theme == theme) {
                Some(known) => *known = Part { at: known.at, ..part },
                None => all.push(part),
            }
        }
        all
    }

    /// The records of it that are news: all, or those since it came back last.
    #[must_use]
    pub fn news(&self) -> &[RecordId] {
        let from = self.back_with().and_then(|first| self.records.iter().position(|record| *record == first));
        &self.records[from.unwrap_or(0)..]
    }

    /// The last record it took up, as far as is stated.
    #[must_use]
    pub fn last_record(&self) -> RecordId {
        let stated = self.acts.iter().filter_map(|(_, _, act)| match act {
            Act::WentOn { last, .. } | Act::Ended { last, .. } => Some(*last),
            _ => None,
        });
        self.records.iter().copied().chain(stated).max().unwrap_or(self.opened.episode)
    }

    /// When its last sign came that is known, by the number of the record, in Unix milliseconds.
    #[must_use]
    pub fn last_sign(&self) -> u64 {
        self.last_record().unix_ms()
    }

    /// How many signs it has, as far as is stated.
    #[must_use]
    pub fn signs(&self) -> usize {
        let stated = self.acts.iter().rev().find_map(|(_, _, act)| match act {
            Act::WentOn { signals, .. } | Act::Ended { signals, .. } => Some(*signals as usize),
            _ => None,
        });
        stated.unwrap_or(0).max(self.records.len())
    }

    /// The number of the last statement on it, and when that was stated, in Unix milliseconds.
    #[must_use]
    pub fn newest(&self) -> (u64, i64) {
        self.acts.last().map_or((0, 0), |(number, at, _)| (*number, *at))
    }

    /// When it was closed before it got worse, by whom and with what outcome; nothing where it was never closed, or is closed now.
    #[must_use]
    pub fn reopened(&self) -> Option<(i64, &str, Outcome)> {
        if self.closed.is_some() {
            return None;
        }
        self.closing()
    }

    /// When it was last closed, by whom and with what outcome.
    #[must_use]
    pub fn closing(&self) -> Option<(i64, &str, Outcome)> {
        self.acts.iter().rev().find_map(|(_, at, act)| if let Act::Closed { by, outcome, .. } = act { Some((*at, by.as_str(), *outcome)) } else { None })
    }

    /// How long it took, in milliseconds, from when it was first told of to when somebody said that they had read it.
    #[must_use]
    pub fn taken_to_read(&self) -> Option<u64> {
        let begun = self.acts.first().map(|(_, at, _)| *at)?;
        let read = self.acts.iter().find_map(|(_, at, act)| matches!(act, Act::Read { .. } | Act::Closed { .. }).then_some(*at))?;
        Some(read.abs_diff(begun))
    }
}

/// What came in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It got worse.
    Worse,
    /// Somebody closed it.
    Closed,
    /// It is on record no more.
    Gone,
}

/// What was stated of a matter after a statement.
fn change(statement: &Statement, of: (RecordId, &str)) -> Option<Changed> {
    let act: Act = statement.read()?;
    if act.episode() != Some(of) {
        return None;
    }
    match act {
        // Also where it is of another theme too: whoever speaks of it has not seen that.
        Act::Worsened { .. } | Act::Joined { .. } => Some(Changed::Worse),
        Act::Closed { .. } => Some(Changed::Closed),
        _ => None,
    }
}

impl Journal {
    /// States what somebody did with a matter they had read as it was at the statement `seen`, unless it has changed since: checked and stated in one.
    ///
    /// # Errors
    /// If the journal cannot be used.
    pub fn state_of_matter(&mut self, at: Timestamp, act: &Act, seen: u64) -> Result<Result<u64, Changed>, JournalError> {
        let Some((episode, theme)) = act.episode() else { return self.state(at, Topic::Alert, act).map(Ok) };
        let mut changed = None;
        let stated = self.state_if(at, Topic::Alert, act, |before| {
            let since = before.alerts_after(seen)?;
            changed = since.iter().find_map(|statement| change(statement, (episode, theme)));
            if changed.is_none() && !before.says_something(seen)? {
                changed = Some(Changed::Gone);
            }
            Ok(changed.is_none())
        })?;
        Ok(stated.ok_or(changed.unwrap_or(Changed::Gone)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::opened;
    use super::super::{Act, Level, fold};
    use super::*;
    use crate::audit::Folder;

    const THEME: &str = "self-harm";

    fn read(by: &str) -> Act {
        Act::Read { episode: RecordId(7), theme: THEME.into(), by: by.into(), how: "command".into() }
    }

    fn closed(by: &str) -> Act {
        let (action, reason) = ("talked".into(), "why".into());
        Act::Closed { episode: RecordId(7), theme: THEME.into(), by: by.into(), outcome: Outcome::Talked, action, reason, disputed: None }
    }

    fn worse() -> Act {
        Act::Worsened {
            is_back: false,
            also: None,
            place: None,
            episode: RecordId(7),
            theme: THEME.into(),
            level: Level::Danger,
            at_ms: 9,
            factors: vec!["Worse.".into()],
            records: vec![RecordId(9)],
        }
    }

    #[test]
    fn nobody_closes_what_they_have_not_seen() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        let (mut one, mut two) = (Journal::open(&folder).expect("made"), Journal::open(&folder).expect("opened"));
        let now = Timestamp::now();
        for act in [opened(7, THEME), opened(7, "hate")] {
            one.state_act(now, &act).expect("stated");
        }
        let matter = |journal: &Journal| fold(&journal.reader().about(Topic::Alert, 0).expect("read")).remove(0);
        let seen = matter(&one).newest().0;
        // Of another matter by the same record nothing is meant.
        let other = Act::Worsened {
            is_back: false,
            also: None,
            place: None,
            episode: RecordId(7),
            theme: "hate".into(),
            level: Level::Danger,
            at_ms: 9,
            factors: Vec::new(),
            records: Vec::new(),
        };
        two.state_act(now, &other).expect("stated");
        assert!(one.state_of_matter(now, &read("a"), seen).expect("asked").is_ok());
        two.state_act(now, &worse()).expect("stated");
        for act in [read("a"), closed("a")] {
            assert_eq!(one.state_of_matter(now, &act, seen).expect("asked"), Err(Changed::Worse));
        }
        let after = matter(&one);
        assert!(after.is_open() && after.is_unread() && after.acts.len() == 3, "{after:?}");
        assert!(two.state_of_matter(now, &closed("b"), after.newest().0).expect("asked").is_ok());
        assert_eq!(one.state_of_matter(now, &closed("a"), after.newest().0).expect("asked"), Err(Changed::Closed));
        assert_eq!(matter(&one).closing().map(|(_, by, outcome)| (by.to_owned(), outcome)), Some(("b".into(), Outcome::Talked)));
    }

    #[test]
    fn what_gets_worse_after_it_was_closed_is_open_again_and_says_who_had_closed_it() {
        let Act::Opened(begun) = opened(7, THEME) else { panic!("it opens") };
        let mut matter = Incident::new((*begun).clone());
        matter.take(1, 1_000, Act::Opened(begun));
        assert_eq!((matter.is_open(), matter.is_unread(), matter.reopened()), (true, true, None));
        matter.take(2, 2_000, closed("Ms Bell"));
        assert_eq!((matter.is_open(), matter.is_unread(), matter.reopened()), (false, false, None));
        assert_eq!(matter.taken_to_read(), Some(1_000), "to close is to have read");
        matter.take(3, 3_000, worse());
        assert_eq!((matter.is_open(), matter.is_unread()), (true, true));
        assert_eq!(matter.reopened(), Some((2_000, "Ms Bell", Outcome::Talked)));
        assert_eq!((matter.reached(Level::Concern), matter.reached(Level::Danger)), (1, 9));
        matter.take(4, 4_000, Act::Ended { episode: RecordId(7), theme: THEME.into(), at_ms: 10, signals: 12, last: RecordId(90 << 20) });
        assert_eq!((matter.is_open(), matter.signs(), matter.last_sign()), (true, 12, RecordId(90 << 20).unix_ms()));
        matter.take(5, 5_000, closed("Mr Roe"));
        assert_eq!((matter.is_open(), matter.reopened(), matter.newest()), (false, None, (5, 5_000)));
    }
}
