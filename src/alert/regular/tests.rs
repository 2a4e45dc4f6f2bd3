use super::*;
use crate::alert::plan::{Digest, Recipient};
use crate::alert::quiet::tests::school;
use crate::alert::weights::Weights;
use crate::audit::incident::{Level, Opened, fixture};
use crate::category::{ALWAYS_BLOCKED, CategoryInfo, Page, Taxonomy, Theme as CategoryTheme};
use jiff::civil::{Weekday, time};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A school with an officer, a technician and a chair of governors.
struct Office {
    place: tempfile::TempDir,
    settings: Settings,
    clerk: Clerk,
    /// How often the machine was looked at.
    looks: usize,
}

fn settings() -> Settings {
    let info = |id: &&str| CategoryInfo {
        id: (*id).to_owned(),
        name: (*id).to_owned(),
        covers: String::new(),
        theme: CategoryTheme::Harm,
        severity: 1,
        heading: None,
        page: Page::Block,
    };
    let taxonomy = Taxonomy::new(ALWAYS_BLOCKED.iter().map(info).collect()).expect("a taxonomy");
    let one = |role: &str| Recipient { role: role.into(), name: role.into(), email: Some(format!("{role}@school.example").into()), user: None };
    let digest = Digest {
        all_clear: Some(time(8, 15, 0, 0)),
        seen_at: Some(time(7, 0, 0, 0)),
        to: vec!["officer".into()],
        technician: vec!["technician".into()],
        weekly: Some((Weekday::Friday, time(15, 45, 0, 0))),
        weekly_to: vec!["officer".into(), "chair".into()],
        confirm_days: 3,
    };
    let plan = Plan { recipients: ["officer", "technician", "chair"].map(one).into(), digest, ..Plan::default() };
    Settings { weights: Weights::shipped(&taxonomy), rules: [].into(), plan, restrict: None, volume: Default::default(), red: None, remarks: Vec::new() }
}

impl Office {
    /// Begins on a Tuesday at ten.
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let clerk = begin(place.path(), at("2026-11-24T10:00:00Z"));
        Self { place, settings: settings(), clerk, looks: 0 }
    }

    fn log(&self) -> Folder {
        Folder::at(self.place.path().join("log"))
    }

    fn restart(&mut self, now: &str) {
        self.clerk = begin(self.place.path(), at(now));
    }

    fn turn(&mut self, now: &str) {
        let (looks, timetable) = (&mut self.looks, school());
        let mut machine = || {
            *looks += 1;
            vec![Check::new("filter", Light::Green, "it blocks")]
        };
        let in_force = InForce { settings: &self.settings, timetable: &timetable, groups: &[] };
        self.clerk.turn(at(now), in_force, &mut machine).expect("it can be written");
    }

    /// Kind and first line of each that was stated.
    fn stated(&self) -> Vec<(String, String)> {
        let statements = Reader::open(&self.log()).and_then(|reader| reader.about(Topic::Alert, 0)).unwrap_or_default();
        let of = |statement: &Statement| match statement.read::<Act>() {
            Some(Act::Digest { kind, date, text }) => Some((format!("{kind} {date}"), text.lines().next().unwrap_or_default().to_owned())),
            _ => None,
        };
        statements.iter().filter_map(of).collect()
    }

    fn kinds(&self) -> Vec<String> {
        self.stated().into_iter().map(|(kind, _)| kind).collect()
    }

    fn state(&self, act: &Act, when: &str) -> u64 {
        Journal::open(&self.log()).expect("a journal").state_act(at(when), act).expect("stated").expect("new")
    }

    fn events(&self) -> Vec<String> {
        let mut rows = events::search(&self.log(), &Wanted::default()).unwrap_or_default();
        rows.reverse();
        rows.into_iter().map(|row| format!("{} {}", row.severity, row.kind)).collect()
    }
}

fn begin(place: &Path, now: Timestamp) -> Clerk {
    let places = Places {
        log: Folder::at(place.join("log")),
        alerts: place.join("alerts"),
        outbox: place.join("alerts/outbox.db"),
        history: place.join("history.jsonl"),
    };
    // Whoever serves has a journal by now.
    Journal::open(&places.log).expect("a journal");
    Clerk::begin(places, now).expect("begun")
}

fn opened(number: u64, level: Level) -> Act {
    Act::Opened(Box::new(Opened { level, ..fixture::opened(number, "self-harm") }))
}

#[test]
fn a_quiet_morning_is_told_once_with_what_was_seen_before() {
    let mut office = Office::new();
    office.turn("2026-11-24T10:00:00Z");
    assert_eq!(office.stated(), [], "what was due before Usher was there is not");
    for now in ["2026-11-25T06:59:59Z", "2026-11-25T07:00:00Z", "2026-11-25T07:30:00Z", "2026-11-25T08:14:59Z"] {
        office.turn(now);
    }
    assert_eq!((office.looks, office.stated()), (1, vec![]));
    for now in ["2026-11-25T08:15:00Z", "2026-11-25T08:15:01Z", "2026-11-25T23:00:00Z"] {
        office.turn(now);
    }
    let expected = "All systems seen working at 07:00, with one thing to look at; 0 episodes since Tuesday 10:00; 0 updates of lists; 0 alerts unsent.";
    // Nobody has taken a message yet: that is the thing.
    let expected = expected.replace("Tuesday", "yesterday");
    let machine = expected.replace(" 0 episodes since yesterday 10:00;", "");
    assert_eq!(office.stated(), [("all-clear 2026-11-25".to_owned(), expected), ("machine 2026-11-25".to_owned(), machine)]);
    assert_eq!(office.looks, 1);
}

#[test]
fn restarts_at_any_moment_state_nothing_twice_and_lose_nothing() {
    let mut office = Office::new();
    for now in ["2026-11-25T07:00:00Z", "2026-11-25T07:30:00Z", "2026-11-25T08:15:00Z", "2026-11-25T08:15:00Z", "2026-11-25T12:00:00Z", "2026-11-26T08:20:00Z"]
    {
        office.restart(now);
        office.turn(now);
        office.turn(now);
    }
    assert_eq!(office.kinds(), ["all-clear 2026-11-25", "machine 2026-11-25", "all-clear 2026-11-26", "machine 2026-11-26"]);
    assert!(office.stated()[0].1.starts_with("All systems seen working at 07:00"), "what was seen before the restart: {:?}", office.stated());
    assert_eq!(office.looks, 2);
    // Killed between the two: the other follows.
    let journal = rusqlite::Connection::open(office.place.path().join("log/journal.db")).expect("opened");
    journal.execute("DELETE FROM statements WHERE number = (SELECT max(number) FROM statements)", []).expect("taken out");
    journal.execute("DELETE FROM keys WHERE statement NOT IN (SELECT number FROM statements)", []).expect("taken out");
    drop(journal);
    office.restart("2026-11-26T08:21:00Z");
    office.turn("2026-11-26T08:21:00Z");
    assert_eq!(office.kinds().len(), 4);
}

#[test]
fn usher_that_was_not_running_says_so_when_it_starts() {
    let mut office = Office::new();
    office.restart("2026-11-25T09:02:00Z");
    office.turn("2026-11-25T09:02:00Z");
    let text = &office.stated()[0].1;
    assert!(text.starts_with("Late: Usher was not running at 08:15. All systems seen working at 09:02"), "{text}");
    // The week that nobody was there for.
    office.restart("2026-12-01T07:00:00Z");
    office.turn("2026-12-01T07:00:00Z");
    let (kind, text) = office.stated().last().cloned().expect("one");
    assert_eq!(kind, "weekly-governors 2026-11-27");
    assert!(text.starts_with("Late: Usher was not running at 15:45 on Friday. From Tue 24 Nov 10:00 to Tue 1 Dec 07:00"), "{text}");
}

#[test]
fn on_days_off_nothing_is_looked_at_and_nothing_told() {
    let mut office = Office::new();
    for day in ["2026-11-28", "2026-11-29", "2026-12-21", "2027-01-02"] {
        for hour in ["07:00", "08:15", "12:00"] {
            office.turn(&format!("{day}T{hour}:00Z"));
        }
    }
    assert_eq!((office.looks, office.kinds().iter().filter(|kind| !kind.starts_with("weekly")).count()), (0, 0), "{:?}", office.kinds());
}

#[test]
fn matters_are_counted_and_the_week_is_told_once_to_each_in_their_own_words() {
    let mut office = Office::new();
    office.state(&opened(1, Level::Danger), "2026-11-25T09:00:00Z");
    office.turn("2026-11-26T08:15:00Z");
    assert!(office.stated()[0].1.contains("1 episode since Tuesday 10:00, 1 of danger;"), "{:?}", office.stated());
    office.restart("2026-11-27T07:00:00Z");
    office.turn("2026-11-27T15:45:00Z");
    office.turn("2026-11-27T15:45:01Z");
    let week: Vec<_> = office.stated().into_iter().filter(|(kind, _)| kind.starts_with("weekly")).collect();
    assert_eq!(
        week,
        [
            ("weekly 2026-11-27".to_owned(), "From Tue 24 Nov 10:00 to Fri 27 Nov 15:45: 1 new, 0 repeated, 0 worse, 1 of danger.".to_owned()),
            (
                "weekly-governors 2026-11-27".to_owned(),
                "From Tue 24 Nov 10:00 to Fri 27 Nov 15:45: a few new, 0 repeated, 0 worse, a few of danger.".to_owned()
            ),
        ]
    );
}

#[test]
fn what_is_red_is_an_event_once_and_once_more_when_it_is_mended() {
    let mut office = Office::new();
    office.settings.red = Some("Nobody is told of danger: no recipient with the role officer".into());
    for now in ["2026-11-24T10:00:00Z", "2026-11-24T10:00:01Z"] {
        office.turn(now);
    }
    office.restart("2026-11-24T11:00:00Z");
    office.turn("2026-11-24T11:00:00Z");
    assert_eq!(office.events(), ["critical nobody-told"]);
    office.settings.red = None;
    office.turn("2026-11-24T12:00:00Z");
    office.restart("2026-11-24T13:00:00Z");
    office.turn("2026-11-24T13:00:00Z");
    assert_eq!(office.events(), ["critical nobody-told", "info nobody-told-mended"]);
    office.settings.red = Some("Nobody is told of danger: no route takes it".into());
    office.turn("2026-11-24T14:00:00Z");
    assert_eq!(office.events().len(), 3, "red again is told again");
}

#[test]
fn mornings_that_nobody_confirms_become_red_and_one_that_somebody_confirms_ends_that() {
    let mut office = Office::new();
    office.turn("2026-11-25T08:15:00Z");
    office.turn("2026-11-26T08:15:00Z");
    office.turn("2026-11-27T08:15:00Z");
    assert!(office.events().is_empty(), "two school days before today");
    office.turn("2026-11-30T08:15:00Z");
    assert_eq!(office.events(), ["critical morning-unconfirmed"]);
    let red = |office: &Office| office.stated().iter().rev().find(|(kind, _)| kind.starts_with("all-clear")).expect("one").1.contains("NOT all is well: 1 red");
    assert!(red(&office), "{:?}", office.stated());
    // Somebody presses the link of Monday's.
    let statements = Reader::open(&office.log()).and_then(|reader| reader.about(Topic::Alert, 0)).expect("read");
    let number = digests(&statements).find(|(_, kind, date, _)| kind == ALL_CLEAR && date == "2026-11-30").expect("one").0;
    let mut outbox = Outbox::open(&office.place.path().join("alerts/outbox.db")).expect("opened");
    let (token, _) = outbox.link(&format!("{number}/mail/officer@school.example"), "officer", at("2026-12-03T08:15:00Z")).expect("a link");
    assert!(outbox.use_link(token, "Ms Bell (officer)", at("2026-11-30T08:21:00Z"), || Ok::<_, OutboxError>(())).expect("used"));
    office.turn("2026-12-01T08:15:00Z");
    assert_eq!(office.events(), ["critical morning-unconfirmed", "info morning-unconfirmed-mended"]);
    assert!(!red(&office));
}

#[test]
fn a_change_of_who_is_told_is_on_record_and_in_the_week() {
    let mut office = Office::new();
    let file = |server: &str| format!("[mail]\nserver = \"{server}\"\n[quiet]\nfrom = \"18:00\"\n");
    for (text, now) in [(file("a"), "2026-11-24T10:00:00Z"), (file("a"), "2026-11-24T11:00:00Z"), (file("b"), "2026-11-25T10:12:00Z")] {
        office.restart(now);
        office.clerk.settings_are(&text, at(now)).expect("kept");
    }
    assert_eq!(office.events(), ["info alerts-changed"]);
    office.turn("2026-11-27T15:45:00Z");
    let statements = Reader::open(&office.log()).and_then(|reader| reader.about(Topic::Alert, 0)).expect("read");
    let text = statements.iter().filter_map(Statement::read::<Act>).find_map(|act| match act {
        Act::Digest { kind, text, .. } if kind == WEEKLY => Some(text),
        _ => None,
    });
    assert!(text.as_ref().is_some_and(|text| text.ends_with("\n- Wed 25 Nov 10:12: mail")), "{text:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 8, ..Default::default() })]
    /// Whenever Usher is looked at and restarted: each school day on which it ran after the hour has its message, once, and no other day has.
    #[test]
    fn each_school_day_on_which_usher_ran_has_one_message(steps in proptest::collection::vec((10i64..1600, proptest::bool::ANY), 1..24)) {
        let mut office = Office::new();
        let (mut now, mut expected) = (at("2026-11-24T10:00:00Z"), Vec::new());
        for (minutes, is_restarted) in steps {
            now += SignedDuration::from_mins(minutes);
            if is_restarted {
                office.restart(&now.to_string());
            }
            office.turn(&now.to_string());
            let due = digest::planned_today(&office.settings.plan.digest, &school(), now).filter(|due| due.at <= now && due.at > at("2026-11-24T10:00:00Z"));
            expected.extend(due.map(|due| format!("all-clear {}", due.date)).filter(|due| !expected.contains(due)));
        }
        let stated: Vec<_> = office.kinds().into_iter().filter(|kind| kind.starts_with("all-clear")).collect();
        proptest::prop_assert_eq!(stated, expected);
    }
}
