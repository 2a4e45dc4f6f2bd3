//! Matters that people are to act on, in the record's own chain: that one began, got worse and was over, who was told, who has read it, what was done.
//!
//! Each is a statement of [`Topic::Alert`] that is only ever added; [`fold`] makes of them what stands now. They hold references to records and no words of
//! searches: what somebody looked for is read from the record, while it is kept.

pub(super) mod care;
mod matter;

pub use matter::Changed;

use super::journal::{Journal, JournalError, Statement, Topic};
use super::record::RecordId;
use super::restrictions::Limited;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const DAY_MS: u64 = 86_400_000;

/// How grave a matter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A sign. It opens no episode and tells nobody; it is in the week's summary.
    Watch,
    /// An episode; told in school hours.
    Concern,
    /// An episode; told at once, always.
    Danger,
}

impl Level {
    /// All of them, by the name they have in settings and in the journal.
    pub const NAMES: [(&str, Self); 3] = [("watch", Self::Watch), ("concern", Self::Concern), ("danger", Self::Danger)];

    /// As in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Concern => "concern",
            Self::Danger => "danger",
        }
    }
}

/// What came of a matter, when it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Looked into; nothing to worry about.
    NoConcern,
    /// Somebody talked with the person.
    Talked,
    /// Handed on: to social care, the police, a doctor, Prevent.
    Referred,
    /// Usher was wrong.
    FalseAlarm,
}

impl Outcome {
    /// All of them, by the name they have in commands.
    pub const NAMES: [(&str, Self); 4] =
        [("no-concern", Self::NoConcern), ("talked", Self::Talked), ("referred", Self::Referred), ("false-alarm", Self::FalseAlarm)];

    /// As in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoConcern => "no-concern",
            Self::Talked => "talked",
            Self::Referred => "referred",
            Self::FalseAlarm => "false-alarm",
        }
    }
}

/// Of whom a matter is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Person {
    /// A user, in small letters.
    User(String),
    /// Somebody at the device with this address: nobody that is known.
    Device(String),
}

/// One thing that happened, as it is stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Act {
    /// An episode began.
    Opened(Box<Opened>),
    /// It became graver, or came back after a day without a sign.
    Worsened {
        /// Whether it came back: it is told again, as grave as it ever was.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_back: bool,
        /// The other theme that is danger, or graver, if it is one that the same person typed of within some minutes: it is part of this matter, and all are told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        also: Option<String>,
        /// Where that was, if the address has a place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
        /// Which: the first record of it, and its theme.
        episode: RecordId,
        /// The theme.
        theme: String,
        /// How grave it is now.
        level: Level,
        /// When, by the record, in Unix milliseconds.
        at_ms: u64,
        /// Why, a sentence each.
        factors: Vec<String>,
        /// The records that count.
        records: Vec<RecordId>,
    },
    /// What the same person typed within some minutes is a concern of another theme too: that is part of this matter, and none of its own. Nobody is told again.
    Joined {
        /// Which.
        episode: RecordId,
        /// The theme.
        theme: String,
        /// The other theme.
        also: String,
        /// How grave that is.
        level: Level,
        /// When, by the record, in Unix milliseconds.
        at_ms: u64,
        /// Why, a sentence each.
        factors: Vec<String>,
        /// The records that count for it.
        records: Vec<RecordId>,
    },
    /// It goes on: stated with the first sign of each day, of UTC, so that what goes on for long and gets no worse is known to.
    WentOn {
        /// Which.
        episode: RecordId,
        /// The theme.
        theme: String,
        /// How many signs there were up to then.
        signals: u32,
        /// The record of that sign.
        last: RecordId,
    },
    /// Nothing more came for long.
    Ended {
        /// Which.
        episode: RecordId,
        /// The theme.
        theme: String,
        /// When, by the record, in Unix milliseconds.
        at_ms: u64,
        /// How many signs there were in all.
        signals: u32,
        /// The last record of it.
        last: RecordId,
    },
    /// A message was taken by who it was handed to.
    Told(Box<Told>),
    /// A message could not be handed over, and is given up.
    Untold(Box<Told>),
    /// Nobody has read it: the next is told.
    Raised {
        /// Which.
        episode: RecordId,
        /// The theme.
        theme: String,
        /// The level that was told.
        level: Level,
        /// Which rung of the ladder; the first is 1.
        step: u8,
        /// The role that is told.
        to: String,
        /// The number of the statement by which it came back, if it did: the ladder begins anew with that.
        #[serde(default, skip_serializing_if = "is_nothing")]
        back: u64,
    },
    /// Somebody has read it.
    Read {
        /// Which.
        episode: RecordId,
        /// The theme.
        theme: String,
        /// Who says so.
        by: String,
        /// `link` or `command`.
        how: String,
    },
    /// Somebody noted something.
    Noted {
        /// Which.
        episode: RecordId,
        /// The theme.
        theme: String,
        /// Who.
        by: String,
        /// What.
        text: String,
    },
    /// It is closed.
    Closed {
        /// Which.
        episode: RecordId,
        /// The theme.
        theme: String,
        /// Who closed it.
        by: String,
        /// What came of it.
        outcome: Outcome,
        /// What was done.
        action: String,
        /// Why.
        reason: String,
        /// Which of the reasons why it was told was wrong, in their own words: only where it was a false alarm, and only if somebody says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        disputed: Option<String>,
    },
    /// Signs of this pattern count for nothing. Its number is the statement's.
    Suppressed {
        /// What: `search:WORDS`, `host:NAME`, `theme:NAME`, `rule:NAME`, `way:CODE`.
        pattern: String,
        /// Whose; everybody's where there is none.
        group: Option<String>,
        /// The last day, as `2026-11-27`.
        until: String,
        /// Why.
        reason: String,
        /// Who said so.
        by: String,
    },
    /// Signs count again.
    Freed {
        /// The number of the statement that suppressed them.
        suppression: u64,
        /// Why; its end, or somebody's reason.
        reason: String,
        /// Who, or `the calendar`.
        by: String,
    },
    /// A regular message, such as the morning's.
    Digest {
        /// Which: `all-clear`, `machine`, `weekly` or `weekly-governors`.
        kind: String,
        /// Of which day, as `2026-11-27`.
        date: String,
        /// What it says.
        text: String,
    },
    /// Somebody's access is restricted. Its number is the statement's.
    Limited(Box<Limited>),
    /// It is restricted no more.
    Unlimited {
        /// The number of the statement that restricted it.
        restriction: u64,
        /// Why; its end, or somebody's reason.
        reason: String,
        /// Who, or `the calendar`.
        by: String,
    },
}

/// How an episode began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Its name: the first record that counts. One record may begin episodes of several themes.
    pub episode: RecordId,
    /// The theme.
    pub theme: String,
    /// How grave it is.
    pub level: Level,
    /// Of whom.
    pub who: Person,
    /// The group.
    pub group: String,
    /// Whether the group is of staff.
    pub is_staff: bool,
    /// How sure it is who it is: `proved`, `place`, ... as on record.
    pub confidence: String,
    /// Where, if the school has said which addresses are where.
    pub place: Option<String>,
    /// The device's address.
    pub client: String,
    /// When, by the record that made it one, in Unix milliseconds.
    pub at_ms: u64,
    /// The rule that opened it; none where it was the arithmetic.
    pub rule: Option<String>,
    /// Why, a sentence each. No words of searches.
    pub factors: Vec<String>,
    /// The records that count.
    pub records: Vec<RecordId>,
    /// What could not be seen, a sentence each.
    pub unseen: Vec<String>,
}

/// A message that was handed over, or given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The message's key in the outbox.
    pub message: String,
    /// What it was about.
    pub episode: Option<RecordId>,
    /// The theme, if it was about an episode.
    pub theme: Option<String>,
    /// How grave that was.
    pub level: Option<Level>,
    /// By which route.
    pub route: String,
    /// To whom: an address, or the name of a hook.
    pub to: String,
    /// How: `mail`, `hook`, `syslog`, `file`.
    pub channel: String,
    /// How often it was tried.
    pub tries: u32,
    /// What the other side said.
    pub answer: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_nothing(number: &u64) -> bool {
    *number == 0
}

fn first(records: &[RecordId]) -> String {
    records.first().map_or_else(String::new, ToString::to_string)
}

impl Act {
    /// Which episode it is of.
    #[must_use]
    pub fn episode(&self) -> Option<(RecordId, &str)> {
        match self {
            Self::Opened(opened) => Some((opened.episode, &opened.theme)),
            Self::Told(told) | Self::Untold(told) => told.episode.zip(told.theme.as_deref()),
            Self::Worsened { episode, theme, .. }
            | Self::Joined { episode, theme, .. }
            | Self::WentOn { episode, theme, .. }
            | Self::Ended { episode, theme, .. }
            | Self::Raised { episode, theme, .. }
            | Self::Read { episode, theme, .. }
            | Self::Noted { episode, theme, .. }
            | Self::Closed { episode, theme, .. } => Some((*episode, theme)),
            Self::Suppressed { .. } | Self::Freed { .. } | Self::Digest { .. } | Self::Limited(_) | Self::Unlimited { .. } => None,
        }
    }

    /// What keeps it from being stated twice, if it does not depend on when somebody does it.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        Some(match self {
            Self::Opened(opened) => format!("open/{}/{}", opened.theme, opened.episode),
            Self::Worsened { is_back: true, episode, theme, records, .. } => {
                format!("back/{theme}/{episode}/{}", first(records))
            }
            Self::Worsened { also: Some(also), episode, theme, level, records, .. } => {
                format!("worse/{theme}/{episode}/{}/{also}/{}", level.as_str(), first(records))
            }
            Self::Worsened { episode, theme, level, .. } => format!("worse/{theme}/{episode}/{}", level.as_str()),
            Self::Joined { episode, theme, also, records, .. } => format!("join/{theme}/{episode}/{also}/{}", first(records)),
            Self::WentOn { episode, theme, last, .. } => format!("on/{theme}/{episode}/{}", last.unix_ms() / DAY_MS),
            Self::Ended { episode, theme, .. } => format!("end/{theme}/{episode}"),
            Self::Raised { episode, theme, level, step, to, back: 0 } => format!("raise/{theme}/{episode}/{}/{step}/{to}", level.as_str()),
            Self::Raised { episode, theme, level, step, to, back } => format!("raise/{theme}/{episode}/{}/{step}/{to}/{back}", level.as_str()),
            Self::Told(told) => format!("told/{}", told.message),
            Self::Untold(told) => format!("untold/{}/{}", told.message, told.tries),
            Self::Freed { suppression, .. } => format!("free/{suppression}"),
            Self::Digest { kind, date, .. } => format!("digest/{kind}/{date}"),
            Self::Limited(limited) => return limited.key(),
            Self::Unlimited { restriction, .. } => format!("unlimit/{restriction}"),
            Self::Read { .. } | Self::Noted { .. } | Self::Closed { .. } | Self::Suppressed { .. } => return None,
        })
    }
}

impl Journal {
    /// States what happened. Nothing, if that is stated already.
    pub fn state_act(&mut self, at: Timestamp, act: &Act) -> Result<Option<u64>, JournalError> {
        match act.key() {
            Some(key) => self.state_once(at, Topic::Alert, &key, act),
            None => self.state(at, Topic::Alert, act).map(Some),
        }
    }
}

/// A matter as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// How it began. Emptied where it was purged or erased: then nobody is named.
    pub opened: Opened,
    /// How grave it is now.
    pub level: Level,
    /// All acts, with the statement's number and its time in Unix milliseconds.
    pub acts: Vec<(u64, i64, Act)>,
    /// The records that count, in the order they were stated.
    pub records: Vec<RecordId>,
    /// Whether it is over.
    pub is_ended: bool,
    /// When it was last read, since it was last told, and by whom.
    pub read: Option<(i64, String)>,
    /// How it was closed, if it is closed now.
    pub closed: Option<(i64, Outcome)>,
}

/// What the statements come to, oldest first. They are taken in the order of their numbers.
#[must_use]
pub fn fold<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Vec<Incident> {
    let mut all: Vec<Incident> = Vec::new();
    let mut places: BTreeMap<(RecordId, String), usize> = BTreeMap::new();
    for statement in statements {
        let Some(act) = statement.read::<Act>() else { continue };
        let Some((episode, theme)) = act.episode() else { continue };
        let key = (episode, theme.to_owned());
        let place = match (places.get(&key), &act) {
            (Some(place), _) => *place,
            (None, Act::Opened(opened)) => {
                places.insert(key, all.len());
                all.push(Incident::new((**opened).clone()));
                all.len() - 1
            }
            // Its beginning is gone.
            (None, _) => continue,
        };
        all[place].take(statement.number, statement.at, act);
    }
    all
}

impl Incident {
    /// As it begins.
    #[must_use]
    pub fn new(opened: Opened) -> Self {
        let (level, records) = (opened.level, opened.records.clone());
        Self { opened, level, acts: Vec::new(), records, is_ended: false, read: None, closed: None }
    }

    /// Why it is as grave as it is in the theme that it began with: what was stated of that last.
    #[must_use]
    pub fn factors(&self) -> &[String] {
        let worse = self.acts.iter().rev().find_map(|(_, _, act)| if let Act::Worsened { also: None, factors, .. } = act { Some(factors) } else { None });
        worse.unwrap_or(&self.opened.factors)
    }

    /// Takes the next act of it: the statement's number, its time in Unix milliseconds, and what it says. Its beginning is one too.
    pub fn take(&mut self, number: u64, at: i64, act: Act) {
        match &act {
            Act::Worsened { level, records, .. } => {
                self.level = self.level.max(*level);
                self.add(records);
                // Worse than what was read and closed, or back since.
                (self.read, self.closed) = (None, None);
            }
            Act::Joined { records, .. } => self.add(records),
            Act::Ended { .. } => self.is_ended = true,
            Act::Read { by, .. } => self.read = Some((at, by.clone())),
            Act::Closed { by, outcome, .. } => {
                self.read.get_or_insert_with(|| (at, by.clone()));
                self.closed = Some((at, *outcome));
            }
            Act::Opened(_) | Act::WentOn { .. } | Act::Told(_) | Act::Untold(_) | Act::Raised { .. } | Act::Noted { .. } => {}
            Act::Suppressed { .. } | Act::Freed { .. } | Act::Digest { .. } | Act::Limited(_) | Act::Unlimited { .. } => {}
        }
        self.acts.push((number, at, act));
    }

    fn add(&mut self, records: &[RecordId]) {
        let new: Vec<_> = records.iter().filter(|record| !self.records.contains(record)).copied().collect();
        self.records.extend(new);
    }
}

/// A matter as others tell of it in their tests.
#[cfg(test)]
pub(crate) mod fixture {
    use super::{Act, Level, Opened, Person, RecordId};

    /// That danger of self-harm, which began with record 7, came back with this record.
    pub fn back(record: u64) -> Act {
        Act::Worsened {
            is_back: true,
            also: None,
            place: None,
            episode: RecordId(7),
            theme: "self-harm".into(),
            level: Level::Danger,
            at_ms: 9,
            factors: Vec::new(),
            records: vec![RecordId(record)],
        }
    }

    /// A concern of this theme about k.smith of year 9, that began with the record of this number.
    pub fn opened(episode: u64, theme: &str) -> Opened {
        Opened {
            episode: RecordId(episode),
            theme: theme.into(),
            level: Level::Concern,
            who: Person::User("k.smith".into()),
            group: "year-9".into(),
            is_staff: false,
            confidence: "proved".into(),
            place: None,
            client: "10.7.0.1".into(),
            at_ms: 1,
            rule: None,
            factors: Vec::new(),
            records: vec![RecordId(episode)],
            unseen: Vec::new(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::audit::Folder;

    pub(in crate::audit) fn opened(episode: u64, theme: &str) -> Act {
        let factors = vec!["It was typed.".into()];
        Act::Opened(Box::new(Opened { factors, ..fixture::opened(episode, theme) }))
    }

    #[test]
    fn statements_come_to_what_stands_and_what_is_stated_twice_stands_once() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        let mut journal = Journal::open(&folder).expect("made");
        let now = Timestamp::now();
        let (episode, theme) = (RecordId(7), "self-harm".to_owned());
        let read = Act::Read { episode, theme: theme.clone(), by: "Ms Bell".into(), how: "link".into() };
        let worse = Act::Worsened {
            is_back: false,
            also: None,
            place: None,
            episode,
            theme: theme.clone(),
            level: Level::Danger,
            at_ms: 9,
            factors: Vec::new(),
            records: vec![RecordId(9), episode],
        };
        let closed =
            Act::Closed { episode, theme, by: "Ms Bell".into(), outcome: Outcome::Talked, action: "talked".into(), reason: "why".into(), disputed: None };
        for act in [opened(7, "self-harm"), opened(7, "self-harm"), opened(7, "hate"), read.clone(), worse.clone(), worse] {
            journal.state_act(now, &act).expect("stated");
        }
        let fold_all = |journal: &Journal| fold(&journal.reader().about(Topic::Alert, 0).expect("read"));
        let all = fold_all(&journal);
        assert_eq!(all.len(), 2, "one record may begin two episodes");
        assert_eq!((all[0].level, all[0].read.clone(), all[0].acts.len()), (Level::Danger, None, 3), "worse than what was read");
        assert_eq!(all[0].records, [RecordId(7), RecordId(9)]);
        for act in [read.clone(), read, closed] {
            journal.state_act(now, &act).expect("stated");
        }
        let all = fold_all(&journal);
        assert_eq!(all[0].closed.map(|(_, outcome)| outcome), Some(Outcome::Talked));
        assert_eq!((all[0].acts.len(), all[1].read.is_none()), (6, true), "people may do a thing twice");
        // It comes back: as often as there is something new of it.
        for act in [20, 20, 30].map(fixture::back) {
            journal.state_act(now, &act).expect("stated");
        }
        let all = fold_all(&journal);
        assert_eq!((all[0].acts.len(), all[0].closed, all[0].read.clone()), (8, None, None), "it is open again");
        assert_eq!(all[0].back(), all[0].acts[7].0);
        let raised = |back| Act::Raised { episode: RecordId(7), theme: "self-harm".into(), level: Level::Danger, step: 1, to: "deputy".into(), back };
        for (act, is_stated) in [(raised(0), true), (raised(0), false), (raised(9), true), (raised(9), false)] {
            assert_eq!(journal.state_act(now, &act).expect("stated").is_some(), is_stated, "{act:?}");
        }
    }
}
