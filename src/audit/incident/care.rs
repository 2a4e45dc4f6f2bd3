//! Which statements on alerts may go: those that are older than the school's rule, and those of a person whose records are erased.
//!
//! A matter goes whole or not at all, and never while staff have to deal with it, or while more may come of it: what gets worse is told by what it began
//! with. It is as old as the last record it took up, and as the last statement on it: what goes on, if it gets no worse, states that each day. What suppressed signs goes with what ended it, so that nothing counts for nothing again because its end was forgotten.

use super::{Act, Incident, Person, fold};
use crate::audit::alias::Aliases;
use crate::audit::holds::Hold;
use crate::audit::journal::{JournalError, Reader, Statement, Topic};
use crate::audit::record::RecordId;
use crate::audit::scope::Scope;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{BTreeMap, HashMap, HashSet};

/// After so long without a statement more will not come of a matter, though nobody has stated that it is over: where alerts are switched off nobody does.
const OVER_MS: i64 = 30 * 86_400_000;

/// Which statements go, and how many matters stay that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::audit) struct Goes {
    /// The statements.
    pub(in crate::audit) numbers: Vec<u64>,
    /// How many bytes they have.
    pub(in crate::audit) bytes: u64,
    /// How many matters go.
    pub(in crate::audit) matters: u64,
    /// How many stay because records of that time and person are held.
    pub(in crate::audit) held: u64,
    /// How many stay because staff have not closed them, or more may come.
    pub(in crate::audit) open: u64,
}

/// The statements on alerts that say something.
struct Stated {
    statements: Vec<Statement>,
    matters: Vec<Incident>,
}

impl Stated {
    fn read(reader: &Reader) -> Result<Self, JournalError> {
        let mut statements = reader.about(Topic::Alert, 0)?;
        statements.retain(|statement| !statement.body.is_empty());
        let matters = fold(&statements);
        Ok(Self { statements, matters })
    }

    /// What goes, of all that is in these matters and beside them.
    fn goes(self, mut goes: Goes, matters: &HashSet<usize>, beside: &HashSet<u64>) -> Goes {
        goes.matters = matters.len() as u64;
        let of_matters = self.matters.iter().enumerate().filter(|(place, _)| matters.contains(place)).flat_map(|(_, matter)| &matter.acts);
        let numbers: HashSet<u64> = of_matters.map(|(number, _, _)| *number).chain(beside.iter().copied()).collect();
        for statement in self.statements.iter().filter(|statement| numbers.contains(&statement.number)) {
            goes.numbers.push(statement.number);
            goes.bytes += statement.body.len() as u64;
        }
        goes
    }
}

impl Incident {
    /// From when its age counts, in Unix milliseconds: whichever came last, a record it took up or a statement on it.
    fn age_from(&self) -> i64 {
        self.newest().1.max(i64::try_from(self.last_sign()).unwrap_or(i64::MAX))
    }

    /// Whether nothing more is to come of it: staff have closed it, and it is over.
    fn is_settled(&self, now: Timestamp) -> bool {
        self.closed.is_some() && (self.is_ended || now.as_millisecond() - self.age_from() > OVER_MS)
    }

    /// Whether it is this person's, in that time.
    fn is_in(&self, scope: &Scope, aliases: &Aliases) -> bool {
        let Person::User(user) = &self.opened.who else { return false };
        if aliases.of(user) != scope.whom {
            return false;
        }
        let ms = |at: Timestamp| u64::try_from(at.as_millisecond()).unwrap_or_default();
        let (first, last) = (self.opened.at_ms, self.last_sign().max(self.opened.at_ms));
        scope.from.is_none_or(|from| last >= ms(from)) && scope.to.is_none_or(|to| first < ms(to))
    }

    fn is_held(&self, holds: &[Hold], aliases: &Aliases) -> bool {
        holds.iter().any(|hold| self.is_in(&hold.scope, aliases))
    }
}

/// What is older than the rule.
pub(in crate::audit) fn older(reader: &Reader, (holds, aliases): (&[Hold], &Aliases), than: Timestamp, now: Timestamp) -> Result<Goes, JournalError> {
    let stated = Stated::read(reader)?;
    let (mut goes, mut matters) = (Goes::default(), HashSet::new());
    for (place, matter) in stated.matters.iter().enumerate().filter(|(_, matter)| matter.age_from() < than.as_millisecond()) {
        if !matter.is_settled(now) {
            goes.open += 1;
        } else if matter.is_held(holds, aliases) {
            goes.held += 1;
        } else {
            matters.insert(place);
        }
    }
    let beside = older_beside(&stated, than);
    Ok(stated.goes(goes, &matters, &beside))
}

/// What has an end, and goes with what ended it: what suppresses signs, and what restricts somebody's access.
#[derive(Default)]
struct Ending {
    /// By number: when it was stated, and the last moment it holds, both in Unix milliseconds.
    begun: BTreeMap<u64, (i64, Option<i64>)>,
    /// By the number of what was ended: the statement, and its time.
    ended: HashMap<u64, (u64, i64)>,
}

impl Ending {
    /// Takes a statement, if it is of that.
    fn take(&mut self, number: u64, at: i64, act: &Act) -> bool {
        match act {
            Act::Suppressed { until, .. } => {
                let last = until.parse::<Date>().ok().and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|day| day.timestamp().as_millisecond());
                self.begun.insert(number, (at, last));
            }
            Act::Limited(limited) => drop(self.begun.insert(number, (at, Some(limited.until_ms)))),
            Act::Freed { suppression: of, .. } | Act::Unlimited { restriction: of, .. } => drop(self.ended.insert(*of, (number, at))),
            Act::Opened(_)
            | Act::Worsened { .. }
            | Act::Joined { .. }
            | Act::WentOn { .. }
            | Act::Ended { .. }
            | Act::Told(_)
            | Act::Untold(_)
            | Act::Raised { .. }
            | Act::Read { .. }
            | Act::Noted { .. }
            | Act::Closed { .. }
            | Act::Digest { .. } => return false,
        }
        true
    }

    /// When it ended, or ends by itself; nothing where that cannot be read.
    fn end(&self, number: u64) -> Option<i64> {
        self.ended.get(&number).map(|(_, at)| *at).or(self.begun.get(&number)?.1)
    }

    /// It, and what ended it.
    fn both(&self, number: u64) -> impl Iterator<Item = u64> {
        [Some(number), self.ended.get(&number).map(|(end, _)| *end)].into_iter().flatten()
    }
}

/// What is older and of no matter that is there.
fn older_beside(stated: &Stated, than: Timestamp) -> HashSet<u64> {
    let of_matters: HashSet<u64> = stated.matters.iter().flat_map(|matter| &matter.acts).map(|(number, _, _)| *number).collect();
    let (mut ending, mut goes) = (Ending::default(), HashSet::new());
    let is_older = |at: i64| at < than.as_millisecond();
    for statement in stated.statements.iter().filter(|statement| !of_matters.contains(&statement.number)) {
        // One of a later version is for that to know.
        let Some(act) = statement.read::<Act>() else { continue };
        if !ending.take(statement.number, statement.at, &act) && is_older(statement.at) {
            // Of a matter whose beginning is gone, a regular message, a message to try the way.
            goes.insert(statement.number);
        }
    }
    for (number, (at, _)) in &ending.begun {
        if is_older(*at) && ending.end(*number).is_some_and(is_older) {
            goes.extend(ending.both(*number));
        }
    }
    goes.extend(ending.ended.iter().filter(|(of, (_, at))| !ending.begun.contains_key(of) && is_older(*at)).map(|(_, (number, _))| *number));
    goes
}

/// What is of a person whose records are erased: matters that began in that time.
pub(in crate::audit) fn of_person(reader: &Reader, (holds, aliases): (&[Hold], &Aliases), scope: &Scope, now: Timestamp) -> Result<Goes, JournalError> {
    let stated = Stated::read(reader)?;
    let (mut goes, mut matters) = (Goes::default(), HashSet::new());
    let is_meant = |matter: &Incident| {
        let Person::User(user) = &matter.opened.who else { return false };
        aliases.of(user) == scope.whom && scope.takes(matter.opened.episode, matter.opened.at_ms, "")
    };
    for (place, matter) in stated.matters.iter().enumerate().filter(|(_, matter)| is_meant(matter)) {
        if matter.is_held(holds, aliases) {
            goes.held += 1;
        } else if !matter.is_settled(now) {
            goes.open += 1;
        } else {
            matters.insert(place);
        }
    }
    let (mut ending, mut restricted) = (Ending::default(), Vec::new());
    for statement in &stated.statements {
        let Some(act) = statement.read::<Act>() else { continue };
        ending.take(statement.number, statement.at, &act);
        if let Act::Limited(limited) = &act
            && let Person::User(user) = &limited.who
            && aliases.of(user) == scope.whom
            && takes(scope, statement.at)
        {
            restricted.push((statement.number, statement.at, limited.until_ms));
        }
    }
    let mut beside = HashSet::new();
    for (number, at, until) in restricted {
        if holds.iter().any(|hold| hold.scope.whom == scope.whom && takes(&hold.scope, at)) {
            goes.held += 1;
        } else if ending.end(number).unwrap_or(until) < now.as_millisecond() {
            beside.extend(ending.both(number));
        } else {
            goes.open += 1;
        }
    }
    Ok(stated.goes(goes, &matters, &beside))
}

/// Whether what was stated then is in a scope of records.
fn takes(scope: &Scope, at: i64) -> bool {
    let ms = u64::try_from(at).unwrap_or_default();
    scope.takes(RecordId::first_of(ms), ms, "")
}

#[cfg(test)]
mod tests {
    use super::super::tests::opened;
    use super::super::{Level, Outcome};
    use super::*;
    use crate::audit::holds::{NewHold, hold, in_force};
    use crate::audit::journal::Journal;
    use crate::audit::restrictions::{Limit, Limited};
    use crate::audit::{Folder, RecordId};
    use jiff::SignedDuration;

    const THEME: &str = "self-harm";

    struct Log {
        _place: tempfile::TempDir,
        folder: Folder,
        journal: Journal,
    }

    fn at(days: i64) -> Timestamp {
        "2024-01-01T10:00:00Z".parse::<Timestamp>().expect("a time") + SignedDuration::from_hours(24 * days)
    }

    impl Log {
        fn new() -> Self {
            let place = tempfile::tempdir().expect("a folder");
            let folder = Folder::at(place.path());
            let journal = Journal::open(&folder).expect("made");
            Self { _place: place, folder, journal }
        }

        fn state(&mut self, days: i64, act: &Act) -> u64 {
            self.journal.state_act(at(days), act).expect("stated").expect("once")
        }

        /// One that began on a day, and is closed and over or not.
        fn matter(&mut self, number: u64, days: i64, [is_closed, is_over]: [bool; 2]) -> Vec<u64> {
            let Act::Opened(mut begun) = opened(number, THEME) else { panic!("it opens") };
            begun.at_ms = at(days).as_millisecond().unsigned_abs();
            let episode = RecordId(number);
            let mut numbers = vec![self.state(days, &Act::Opened(begun))];
            let (theme, by) = (THEME.to_owned(), "Ms Bell".to_owned());
            if is_over {
                numbers.push(self.state(days, &Act::Ended { episode, theme: theme.clone(), at_ms: 1, signals: 1, last: episode }));
            }
            if is_closed {
                let (action, reason) = ("talked".to_owned(), "why".to_owned());
                numbers.push(self.state(days, &Act::Closed { episode, theme, by, outcome: Outcome::Talked, action, reason, disputed: None }));
            }
            numbers
        }

        fn older(&self, than: i64, now: i64) -> Goes {
            let aliases = Aliases::open(&self.folder).expect("read");
            let holds = in_force(&self.folder, self.journal.reader(), &aliases).expect("read");
            older(self.journal.reader(), (&holds, &aliases), at(than), at(now)).expect("read")
        }
    }

    #[test]
    fn what_is_old_goes_whole_and_never_what_is_open_or_may_go_on() {
        let mut log = Log::new();
        let goes = log.matter(1, 0, [true, true]);
        log.matter(2, 0, [false, true]);
        let lately = log.matter(3, 0, [true, false]);
        log.matter(4, 90, [true, true]);
        let first = log.older(50, 20);
        assert_eq!((&first.numbers, first.matters, first.open), (&goes, 1, 2));
        let later = log.older(50, 60);
        assert_eq!((later.numbers, later.open), ([goes, lately].concat(), 1), "after a month more will not come of it");
        // A note keeps it: somebody is at work on it.
        log.state(70, &Act::Noted { episode: RecordId(1), theme: THEME.into(), by: "x".into(), text: "seen again".into() });
        assert_eq!(log.older(50, 80).matters, 1);
    }

    #[test]
    fn what_goes_on_though_it_was_closed_is_kept_from_its_last_record_on() {
        let mut log = Log::new();
        let goes = log.matter(1, 0, [true, false]);
        for day in 1..=60 {
            let last = RecordId::first_of(at(day).as_millisecond().unsigned_abs());
            let on = Act::WentOn { episode: RecordId(1), theme: THEME.into(), signals: 2, last };
            assert!(log.journal.state_act(at(day), &on).expect("stated").is_some());
            assert_eq!(log.journal.state_act(at(day), &on).expect("stated"), None, "once a day");
        }
        assert_eq!((log.older(30, 60).matters, log.older(59, 60).matters, log.older(61, 62).open), (0, 0, 1));
        let gone = log.older(61, 92);
        assert_eq!((gone.matters, gone.numbers.len()), (1, goes.len() + 60), "all of it, a month after the last");
        // One that is over is as old as its last record too, whenever that was stated.
        let mut log = Log::new();
        log.matter(1, 0, [true, false]);
        let last = RecordId::first_of(at(20).as_millisecond().unsigned_abs());
        log.state(10, &Act::Ended { episode: RecordId(1), theme: THEME.into(), at_ms: last.unix_ms(), signals: 3, last });
        assert_eq!((log.older(15, 60).matters, log.older(21, 60).matters), (0, 1));
    }

    #[test]
    fn what_is_held_stays_and_a_hold_of_another_time_or_person_holds_nothing() {
        let mut log = Log::new();
        log.matter(1, 0, [true, true]);
        let new = |user: &str, from: i64, to: i64| NewHold {
            user: user.into(),
            from: Some(at(from)),
            to: Some(at(to)),
            host: None,
            why: "a case".into(),
            by: "bell".into(),
        };
        hold(&log.folder, &new("K.Smith", 5, 9), at(20)).expect("held");
        hold(&log.folder, &new("a.jones", -1, 9), at(20)).expect("held");
        assert_eq!((log.older(50, 60).matters, log.older(50, 60).held), (1, 0));
        hold(&log.folder, &new("K.Smith", -1, 1), at(20)).expect("held");
        assert_eq!((log.older(50, 60).matters, log.older(50, 60).held), (0, 1));
    }

    #[test]
    fn what_was_ended_early_does_not_hold_signs_back_again() {
        let mut log = Log::new();
        let suppressed =
            |until: &str| Act::Suppressed { pattern: "host:a.example".into(), group: None, until: until.into(), reason: "r".into(), by: "x".into() };
        let over = log.state(0, &suppressed("2024-01-20"));
        let long = log.state(0, &suppressed("2025-01-20"));
        let freed = log.state(60, &Act::Freed { suppression: long, reason: "it is over".into(), by: "x".into() });
        let digest = log.state(1, &Act::Digest { kind: "all-clear".into(), date: "2024-01-02".into(), text: "All well.".into() });
        assert_eq!(log.older(50, 60).numbers, [over, digest], "what is in force until it was ended stays with its end");
        assert_eq!(log.older(61, 62).numbers, [over, long, freed, digest]);
    }

    #[test]
    fn of_a_person_goes_what_began_in_that_time_and_is_dealt_with() {
        let mut log = Log::new();
        let hers = log.matter(1, 0, [true, true]);
        log.matter(2, 5, [false, false]);
        log.matter(3, 9, [true, true]);
        let Act::Opened(mut other) = opened(4, THEME) else { panic!("it opens") };
        (other.who, other.level) = (Person::User("a.jones".into()), Level::Danger);
        log.state(0, &Act::Opened(other));
        let aliases = Aliases::open(&log.folder).expect("read");
        let scope = Scope { whom: aliases.of("K.SMITH"), from: None, to: Some(at(7)), host: None, upto: None };
        let goes = of_person(log.journal.reader(), (&[], &aliases), &scope, at(20)).expect("read");
        assert_eq!((goes.numbers, goes.matters, goes.open), (hers, 1, 1));
        // What restricted her goes with its end, once it is over.
        let limited = |until: i64| {
            let limited = Limited {
                who: Person::User("k.smith".into()),
                how: Limit::Off,
                until_ms: at(until).as_millisecond(),
                by: "Ms Bell".into(),
                reason: "why".into(),
                tell: None,
                record: None,
            };
            Act::Limited(Box::new(limited))
        };
        let over = log.state(1, &limited(2));
        let ended = log.state(1, &limited(90));
        let end = log.state(3, &Act::Unlimited { restriction: ended, reason: "talked".into(), by: "Ms Bell".into() });
        log.state(1, &limited(90));
        let goes = of_person(log.journal.reader(), (&[], &aliases), &scope, at(20)).expect("read");
        assert_eq!((&goes.numbers[goes.numbers.len() - 3..], goes.matters, goes.open), (&[over, ended, end][..], 1, 2));
        assert!(log.older(5, 20).numbers.ends_with(&[over, ended, end]), "and not what holds yet");
        let none = Scope { upto: Some(0), ..scope };
        assert_eq!(of_person(log.journal.reader(), (&[], &aliases), &none, at(20)).expect("read"), Goes::default());
    }
}
