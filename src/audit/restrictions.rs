//! Restrictions of people's access, as they are stated: made, and ended. What they come to is [`crate::policy::restrict`].
//!
//! The journal is all there is of them. A running Usher reads what is new in it every two seconds, so what a command states is taken up, and what was stated
//! before a start or a kill is in force after it. There is no file beside it that could say something else, or keep a name that was erased.

use super::folder::Folder;
use super::incident::{Act, Person};
use super::journal::{Journal, JournalError, Reader, Statement, Topic};
use super::record::RecordId;
use crate::host::Host;
use crate::policy::restrict::{How, Restriction, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who ends what has an end.
pub const CALENDAR: &str = "the calendar";
/// Who makes those that nobody made by hand.
pub const BY_ITSELF: &str = "Usher: [restrict]";
/// The most that are in force at once. More than a school has people who misbehave, and a bound on what each request may have to look through.
pub const MOST: usize = 4096;

/// A restriction, as it is stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limited {
    /// Of whom.
    pub who: Person,
    /// What is taken away.
    pub how: Limit,
    /// The first moment it holds no more, in Unix milliseconds.
    pub until_ms: i64,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What the person is told, if it is not the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell: Option<String>,
    /// The record that was one too many, where nobody made it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
}

/// What is taken away, as it is stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// All but help.
    Off,
    /// All but help and these.
    Only {
        /// Categories, by their ids.
        categories: Vec<String>,
        /// Sites, with all below them.
        hosts: Vec<String>,
    },
    /// Nothing; it is slow.
    Slow {
        /// KiB a second.
        kib: u32,
    },
}

impl Limited {
    /// What keeps it from being stated twice, if nobody made it by hand.
    pub(super) fn key(&self) -> Option<String> {
        self.record.map(|record| format!("limit/{record}"))
    }

    /// As it is judged by. Nothing, if it cannot be read: a device without an address.
    fn restriction(self, number: u64, at_ms: i64) -> Option<Restriction> {
        let who = match self.who {
            Person::User(name) => Subject::user(&name),
            Person::Device(address) => Subject::device(address.parse().ok()?),
        };
        let how = match self.how {
            Limit::Off => How::Off,
            Limit::Only { categories, hosts } => How::Only {
                categories: categories.into_iter().map(Into::into).collect(),
                hosts: hosts.iter().filter_map(|host| Host::parse(host).ok()).collect(),
            },
            Limit::Slow { kib } => How::Slow { kib: kib.max(1) },
        };
        Some(Restriction {
            number,
            who,
            how,
            from: moment(at_ms),
            until: moment(self.until_ms),
            by: self.by.into(),
            reason: self.reason.into(),
            tell: self.tell.map(Into::into),
        })
    }
}

fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// One that was made, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The restriction.
    pub restriction: Arc<Restriction>,
    /// When, why and by whom it was ended.
    pub ended: Option<(Timestamp, String, String)>,
}

/// Restrictions as the journal says them, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Book {
    all: Vec<Made>,
    /// The last statement that was taken.
    seen: u64,
}

impl Book {
    /// What a journal says. Nothing, where there is none yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(folder: &Folder) -> Result<Self, JournalError> {
        let mut book = Self::default();
        book.read_on(&Reader::open(folder)?)?;
        Ok(book)
    }

    /// Takes what is new in the journal; whether there was something of restrictions.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read_on(&mut self, reader: &Reader) -> Result<bool, JournalError> {
        let mut is_other = false;
        loop {
            let statements = reader.about_some(Topic::Alert, self.seen, 256)?;
            if statements.is_empty() {
                return Ok(is_other);
            }
            for statement in &statements {
                is_other |= self.take(statement);
            }
        }
    }

    /// Takes the next statement; whether it is about a restriction. What cannot be read, as of a later version, restricts nobody.
    pub fn take(&mut self, statement: &Statement) -> bool {
        self.seen = statement.number;
        match statement.read::<Act>() {
            Some(Act::Limited(limited)) => {
                let Some(restriction) = limited.restriction(statement.number, statement.at) else { return false };
                self.all.push(Made { restriction: Arc::new(restriction), ended: None });
                true
            }
            Some(Act::Unlimited { restriction, reason, by }) => {
                let Some(one) = self.all.iter_mut().find(|one| one.restriction.number == restriction && one.ended.is_none()) else { return false };
                one.ended = Some((moment(statement.at), reason, by));
                true
            }
            _ => false,
        }
    }

    /// All that were ever made, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Made] {
        &self.all
    }

    /// Those that hold at this moment.
    pub fn in_force(&self, now: Timestamp) -> impl Iterator<Item = &Arc<Restriction>> {
        // Whoever made one has made it, also where the clock went back since.
        self.all.iter().filter(move |one| one.ended.is_none() && now < one.restriction.until).map(|one| &one.restriction).take(MOST)
    }

    /// What is to be stated of those whose end has come.
    #[must_use]
    pub fn over(&self, now: Timestamp) -> Vec<Act> {
        let over = self.all.iter().filter(|one| one.ended.is_none() && one.restriction.until <= now);
        let act = |number| Act::Unlimited { restriction: number, reason: "its time was over".to_owned(), by: CALENDAR.to_owned() };
        over.map(|one| act(one.restriction.number)).collect()
    }

    /// Forgets those that are over and said to be: for whoever only wants what is in force.
    pub fn forget_ended(&mut self) {
        self.all.retain(|one| one.ended.is_none());
    }
}

/// States of those whose end has come that they are over. To do it twice states nothing twice.
///
/// # Errors
/// If it cannot be put on record.
pub fn let_go(folder: &Folder, over: &[Act], at: Timestamp) -> Result<(), JournalError> {
    if over.is_empty() {
        return Ok(());
    }
    let mut journal = Journal::open(folder)?;
    over.iter().try_for_each(|act| journal.state_act(at, act).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(who: Person, minutes: i64, now: Timestamp) -> Act {
        Act::Limited(Box::new(Limited {
            who,
            how: Limit::Off,
            until_ms: now.as_millisecond() + minutes * 60_000,
            by: "Mr Roe".into(),
            reason: "third web proxy today".into(),
            tell: None,
            record: None,
        }))
    }

    #[test]
    fn what_was_stated_holds_until_it_is_ended_by_somebody_or_by_the_calendar() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        let mut journal = Journal::open(&folder).expect("made");
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().expect("a time");
        let later = |minutes: i64| Timestamp::from_millisecond(now.as_millisecond() + minutes * 60_000).expect("a time");
        let user = journal.state_act(now, &limited(Person::User("J.Patel".into()), 30, now)).expect("stated").expect("new");
        let device = journal.state_act(now, &limited(Person::Device("::ffff:10.8.3.17".into()), 60, now)).expect("stated").expect("new");
        let mut book = Book::read(&folder).expect("read");
        let numbers = |book: &Book, at| book.in_force(at).map(|one| one.number).collect::<Vec<_>>();
        assert_eq!(numbers(&book, now), [user, device]);
        assert_eq!(book.all()[0].restriction.who, Subject::user("j.patel"), "a name is one name in whatever letters");
        assert_eq!(book.all()[1].restriction.who, Subject::device("10.8.3.17".parse().expect("an address")));
        assert_eq!(numbers(&book, later(30)), [device], "past its end it is none, whether that is stated or not");
        let over = book.over(later(30));
        for _ in 0..2 {
            let_go(&folder, &over, later(30)).expect("stated");
        }
        journal.state_act(later(31), &Act::Unlimited { restriction: device, reason: "talked".into(), by: "Mr Roe".into() }).expect("stated").expect("new");
        assert!(book.read_on(journal.reader()).expect("read"), "there is news");
        assert!(!book.read_on(journal.reader()).expect("read"), "and then there is none");
        assert_eq!(numbers(&book, now), [0; 0]);
        let by: Vec<_> = book.all().iter().map(|one| one.ended.as_ref().map(|(_, _, by)| by.as_str())).collect();
        assert_eq!(by, [Some(CALENDAR), Some("Mr Roe")]);
        assert_eq!(journal.reader().about(Topic::Alert, 0).expect("read").len(), 4, "stated once");
        assert_eq!(Book::read(&folder).expect("read").all(), book.all(), "whoever reads it anew knows the same");
    }

    #[test]
    fn what_usher_makes_by_itself_is_made_once_a_record() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path());
        let mut journal = Journal::open(&folder).expect("made");
        let now = Timestamp::now();
        let Act::Limited(one) = limited(Person::User("j.patel".into()), 30, now) else { panic!("one") };
        let act = Act::Limited(Box::new(Limited { record: Some(RecordId(77)), by: BY_ITSELF.into(), ..*one }));
        assert!(journal.state_act(now, &act).expect("stated").is_some());
        assert!(journal.state_act(now, &act).expect("stated").is_none());
        assert_eq!(Book::read(&folder).expect("read").all().len(), 1);
    }
}
