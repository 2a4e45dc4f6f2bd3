use super::*;
use crate::audit::RecordId;
use crate::audit::incident::{Opened, Outcome, Told, fixture};

const THEME: &str = "self-harm";

fn opened() -> Opened {
    Opened {
        place: Some("Room 12".into()),
        at_ms: 1_795_600_920_000,
        factors: vec!["It was typed.".into()],
        unseen: vec!["The words of pages were not read.".into()],
        ..fixture::opened(77, THEME)
    }
}

fn closed(outcome: Outcome, action: &str) -> Act {
    let (action, reason, by) = (action.into(), "she is safe".into(), "Ms Bell (account usher)".into());
    Act::Closed { episode: RecordId(77), theme: THEME.into(), by, outcome, action, reason, disputed: None }
}

fn matter(acts: Vec<Act>) -> Incident {
    let mut matter = Incident::new(opened());
    let begun = Act::Opened(Box::new(opened()));
    for (number, act) in (1..).zip([begun].into_iter().chain(acts)) {
        matter.take(number, 1_795_600_920_000 + number.cast_signed() * 60_000, act);
    }
    matter
}

fn row() -> Row {
    Row {
        id: "0000-0000-0002D".into(),
        number: RecordId(77),
        engine: Some("google".into()),
        term: Some("painless way".into()),
        start: "typed".into(),
        verdict: "allowed".into(),
        time_ms: 1_795_600_920_000,
        ..Row::default()
    }
}

fn entry(matter: &Incident, person: Option<&str>, words: bool) -> Entry {
    Entry::of(matter, &[row()], &Called { person, device: "device-abcdef" }, words, &TimeZone::UTC)
}

fn about(is_named: bool) -> About {
    About { school: "Example".into(), stretch: "1 September to 27 November 2026".into(), made: "27 November 2026".into(), reason: "Ofsted".into(), is_named }
}

#[test]
fn an_entry_says_what_a_schools_log_asks_for() {
    let told = Told {
        message: "1/mail/dsl@school.example".into(),
        episode: Some(RecordId(77)),
        theme: Some(THEME.into()),
        level: Some(Level::Concern),
        route: "concern".into(),
        to: "dsl@school.example".into(),
        channel: "mail".into(),
        tries: 1,
        answer: "250 Ok".into(),
    };
    let worse = Act::Worsened {
        is_back: false,
        also: None,
        place: None,
        episode: RecordId(77),
        theme: THEME.into(),
        level: Level::Danger,
        at_ms: 1_795_600_990_000,
        factors: vec!["Worse.".into()],
        records: vec![RecordId(78)],
    };
    let acts = vec![Act::Told(Box::new(told)), closed(Outcome::NoConcern, "Looked at it"), worse, closed(Outcome::Talked, "Spoke with her")];
    let one = entry(&matter(acts), Some("person-7f3ak2"), false);
    assert_eq!((one.date.as_str(), one.time.as_str(), one.person.as_str(), one.place.as_str()), ("2026-11-25", "10:02", "person-7f3ak2", "Room 12"));
    assert_eq!((one.level.as_str(), one.outcome.as_str(), one.action.as_str()), ("danger", "talked with", "Spoke with her"));
    assert_eq!((one.by.as_str(), one.closed.as_str(), one.minutes), ("Ms Bell (account usher)", "2026-11-25 10:07", Some(2)));
    assert_eq!(one.told, ["dsl@school.example by mail, 2026-11-25 10:04"]);
    assert_eq!(one.notes.len(), 2, "{:?}", one.notes);
    assert!(one.notes[0].contains("closed as no concern (Looked at it; she is safe), and opened again since"), "{:?}", one.notes);
    let details = one.details.join("\n");
    for said in ["person-7f3ak2 (year-9): danger, by 2 signs of self-harm", "typed a search at Google; it was let through", "(1) Worse.", "Not seen: The words"]
    {
        assert!(details.contains(said), "{said}: {details}");
    }
    assert!(!format!("{one:?}").contains("k.smith") && !details.contains("painless"));
    assert!(entry(&matter(Vec::new()), Some("k.smith"), true).details.join("").contains("painless way"));
    let open = entry(&matter(Vec::new()), None, false);
    assert_eq!((open.outcome.as_str(), open.person.as_str(), open.minutes), ("open", "", None));
}

#[test]
fn no_cell_runs_in_a_spreadsheet_and_a_page_holds_no_ones_markup() {
    let hostile = "=HYPERLINK(\"http://x\")<script>\n\u{202e}";
    let mut bad = opened();
    (bad.group, bad.place, bad.factors) = (hostile.into(), Some("+1".into()), vec![hostile.into()]);
    let mut matter = Incident::new(bad.clone());
    matter.take(1, 1_795_600_920_000, Act::Opened(Box::new(bad)));
    let (note, minus) = (Act::Noted { episode: RecordId(77), theme: THEME.into(), by: "x".into(), text: hostile.into() }, closed(Outcome::Talked, "-1+1"));
    matter.take(2, 1_795_600_980_000, note);
    matter.take(3, 1_795_600_980_000, minus);
    let one = entry(&matter, Some("@k"), false);
    let table = csv(std::slice::from_ref(&one)).expect("written");
    let mut read = ::csv::Reader::from_reader(&table[..]);
    let names: Vec<_> = read.headers().expect("a head").iter().map(str::to_owned).collect();
    assert_eq!(names.len(), 18);
    let cells = read.records().next().expect("a row").expect("sound");
    let cell = |name: &str| cells.get(names.iter().position(|known| known == name).expect(name)).expect(name).to_owned();
    assert_eq!((cell("person"), cell("place"), cell("action")), ("'@k".into(), "'+1".into(), "'-1+1".into()));
    assert!(cell("group").starts_with("'=HYPERLINK"), "{}", cell("group"));
    assert!(cells.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !cell.contains('\n')), "{cells:?}");
    let page = html(&about(true), &[one]).expect("made");
    assert!(!page.contains("<script") && !page.contains('\u{202e}') && page.contains("=HYPERLINK"), "{page}");
    for said in ["It names people", "A4", "Ofsted", "One alert, 0 of them danger; 0 not closed."] {
        assert!(page.contains(said), "{said}");
    }
    assert!(html(&about(false), &[]).expect("made").contains("Pseudonyms stand for people"));
}
