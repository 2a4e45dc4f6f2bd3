use super::*;
use crate::alert::outbox::State;
use crate::alert::routes::Target;
use crate::audit::RecordId;
use crate::audit::incident::{Opened, fixture};
use proptest::prelude::*;

fn opened() -> Opened {
    Opened {
        level: Level::Danger,
        place: Some("Room 12".into()),
        at_ms: 1_795_600_920_000,
        factors: vec!["It was typed.".into()],
        unseen: vec!["The words of pages were not read.".into()],
        ..fixture::opened(77, "self-harm")
    }
}

fn message(names: bool, words: bool) -> Message {
    Message {
        number: 1,
        key: "5/mail/dsl@school.example".into(),
        statement: 5,
        episode: Some((RecordId(77), "self-harm".into())),
        level: Level::Danger,
        step: 0,
        route: "danger".into(),
        role: "officer".into(),
        target: Target::Mail("dsl@school.example".into()),
        names,
        words,
        begins_at: 0,
        next_at: 0,
        tries: 0,
        state: State::Waiting,
        changed_at: 0,
        more: 0,
        why: String::new(),
    }
}

fn incident(opened: Opened) -> Incident {
    let (level, records) = (opened.level, opened.records.clone());
    let acts = vec![(5, 0, Act::Opened(Box::new(opened.clone())))];
    Incident { opened, level, acts, records, is_ended: false, read: None, closed: None }
}

fn told(opened: Opened, message: &Message, rows: &[Row]) -> Story {
    let incident = incident(opened);
    let next = [("deputy".to_owned(), Timestamp::from_millisecond(1_795_601_520_000).expect("a time"))];
    let link = Some("https://usher.school.example/a/token".to_owned());
    Matter { message, incident: &incident, rows, next: &next, others: &[], before: 0, link, zone: &TimeZone::UTC }.story()
}

fn search() -> Row {
    Row {
        id: "0000-0000-0002D".into(),
        number: RecordId(77),
        engine: Some("google".into()),
        term: Some("painless way".into()),
        start: "typed".into(),
        host: "www.google.com".into(),
        path: "/search?q=painless+way".into(),
        verdict: "allowed".into(),
        time_ms: 1_795_600_920_000,
        ..Row::default()
    }
}

/// A story as most are.
pub(in crate::alert::notify) fn story() -> Story {
    told(opened(), &message(true, false), &[search()])
}

/// A story of somebody, somewhere, with this in everything that strangers choose.
pub(in crate::alert::notify) fn hostile(text: &str) -> Story {
    let opened = Opened { who: Person::User(text.into()), group: text.into(), place: Some(text.into()), factors: vec![text.into()], ..opened() };
    let row = Row { host: text.into(), term: Some(text.into()), categories: vec![text.into()], ..search() };
    told(opened, &message(true, true), &[row])
}

#[test]
fn names_and_words_are_said_only_where_the_route_says_so() {
    for (names, words) in [(false, false), (false, true), (true, false), (true, true)] {
        let story = told(opened(), &message(names, words), &[search()]);
        let all = format!("{} {:?}", story.subject, story.sentences());
        assert_eq!((all.contains("k.smith"), all.contains("Room 12")), (names, names), "{all}");
        assert_eq!(all.contains("painless way"), names && words, "{all}");
        assert!(!all.contains("q="), "no path: {all}");
    }
}

#[test]
fn programs_read_every_theme_of_a_matter() {
    let mut one = incident(opened());
    let (episode, theme, records) = (RecordId(77), "self-harm".to_owned(), vec![RecordId(78)]);
    let joined = Act::Joined { episode, theme, also: "drugs".into(), level: Level::Concern, at_ms: 1, factors: vec!["Of drugs.".into()], records };
    one.take(6, 1, joined);
    let message = message(false, false);
    let story = Matter { message: &message, incident: &one, rows: &[], next: &[], others: &[], before: 0, link: None, zone: &TimeZone::UTC }.story();
    let read: serde_json::Value = serde_json::from_slice(&story.json("key")).expect("JSON");
    assert_eq!((&read["theme"], &read["themes"]), (&"self-harm".into(), &serde_json::json!(["self-harm", "drugs"])));
    let nothing: serde_json::Value = serde_json::from_slice(&Story::test("officer", Timestamp::UNIX_EPOCH, None).json("key")).expect("JSON");
    assert_eq!((&nothing["theme"], &nothing["themes"]), (&"".into(), &serde_json::json!([])));
}

#[test]
fn the_subject_says_what_is_to_be_known_at_a_glance() {
    assert_eq!(story().subject, "[Usher] Danger: self-harm, k.smith, year-9, 10:02 (0000-0000-0002D)");
    let unnamed = told(opened(), &message(false, false), &[]);
    assert_eq!(unnamed.subject, "[Usher] Danger: self-harm, year-9, 10:02 (0000-0000-0002D)");
    let raised = told(opened(), &Message { step: 1, ..message(false, false) }, &[]);
    assert_eq!(raised.subject, "[Usher] Danger: self-harm, nobody has read it yet, year-9, 10:02 (0000-0000-0002D)");
    let somebody = Opened { who: Person::Device("10.7.0.1".into()), confidence: "place".into(), ..opened() };
    let somebody = told(somebody, &message(true, false), &[]);
    assert!(!somebody.subject.contains("10.7.0.1") && somebody.headline.starts_with("Somebody at 10.7.0.1 (year-9): danger"), "{somebody:?}");
    assert!(somebody.rest.iter().any(|line| line.contains("anybody at the device")));
}

proptest! {
    /// Whatever is in a record, nothing of it but the group and the name gets into a subject, and those cannot leave their line.
    #[test]
    fn no_text_of_a_record_is_in_a_subject(
        marked in "[a-z \u{0}-\u{20}\u{2028}\u{202e}<>&\"']{0,40}",
        host in ".{0,40}",
        user in ".{0,80}",
        group in ".{0,80}",
        names: bool,
        words: bool,
    ) {
        // What is looked for is nobody's name.
        prop_assume!(!user.contains("ZQ") && !group.contains("ZQ"));
        let mark = format!("ZQ{marked}ZQ");
        let opened = Opened {
            who: Person::User(user),
            group,
            place: Some(mark.clone()),
            rule: Some(mark.clone()),
            factors: vec![mark.clone()],
            unseen: vec![mark.clone()],
            client: mark.clone(),
            confidence: mark.clone(),
            ..opened()
        };
        let row = Row {
            term: Some(mark.clone()),
            engine: Some(mark.clone()),
            host: format!("{mark}{host}"),
            path: mark.clone(),
            why: mark.clone(),
            reason: mark.clone(),
            categories: vec![mark.clone()],
            note: Some(mark.clone()),
            referrer: Some(mark.clone()),
            user_agent: Some(mark),
            ..search()
        };
        let story = told(opened, &message(names, words), &[row]);
        prop_assert!(!story.subject.contains("ZQ"), "{}", story.subject);
        prop_assert!(!story.subject.chars().any(char::is_control), "{:?}", story.subject);
        prop_assert!(story.subject.chars().count() < 240);
        // Nor can a sentence become two.
        prop_assert!(story.sentences().iter().all(|sentence| !sentence.chars().any(char::is_control)));
    }
}
