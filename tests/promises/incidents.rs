//! What staff do with an alert: it is listed, shown to whoever says why, read, and closed only with what came of it, what was done and why. All of it is on
//! record for as long as the school says and no longer, and nobody closes what they have not seen.

use crate::kit::matters::{search, searching, stated_in};
use crate::kit::{Files, Origin, Person, Said, School};
use jiff::Timestamp;
use std::fs;
use std::path::Path;
use usher::audit::Folder;
use usher::audit::incident::{Act, Incident, Level, Outcome};
use usher::audit::journal::{Journal, Reader, Topic};

const WORDS: &str = "painless way to die";
pub const KIM: &str = "kimberley";

/// Everything is told to a file, so that nothing is red.
const TOLD: &str = r#"
[[file]]
name = "office"
path = "told.jsonl"
names = true
[routes]
all = { to = "office", names = true }
staff = { about = "staff", to = "office" }
"#;

pub fn by_hand<'s>(person: Person<'s>) -> Person<'s> {
    person.with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Sec-Fetch-Site", "none").with("Sec-Fetch-User", "?1")
}

pub fn kim(school: &School) -> Person<'_> {
    by_hand(school.person([127, 0, 7, 5]).who_says("Kimberley", "a good password"))
}

pub async fn open() -> School {
    let world = searching().user("Kimberley", "a good password", Some("year-7"));
    let files = world.write();
    files.put("alerts.toml", TOLD);
    School::open(files).await
}

pub fn alerts(files: &Files, arguments: &[&str]) -> Said {
    files.usher(&[&["alerts"], arguments].concat())
}

pub fn whose(matter: &Incident) -> String {
    format!("{:?}", matter.opened.who)
}

/// Waits until this is told.
pub async fn told(school: &School, level: Level, closed: bool) -> Incident {
    let is_told = |matter: &Incident| {
        let told = matter.acts.iter().any(|(_, _, act)| matches!(act, Act::Told(told) if told.level == Some(level)));
        whose(matter).contains(KIM) && told && matter.closed.is_some() == closed
    };
    school.matter("the alert", is_told).await
}

pub fn statements(files: &Files) -> usize {
    Reader::open(&Folder::at(files.path("data/log"))).expect("opened").about(Topic::Alert, 0).expect("read").len()
}

fn looks(files: &Files) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    files.usher(&["log", "lookups", "--json"]).json().iter().map(|look| (text(&look["user"]), text(&look["filter"]))).collect()
}

#[tokio::test]
async fn an_alert_is_listed_and_shown_and_who_it_is_takes_a_reason() {
    let (engine, school) = (Origin::saying("results").await, open().await);
    kim(&school).get("http://hurt.example/secret-page").await.is_blocked_because("category");
    kim(&school).get(&search(engine.address.port(), WORDS)).await;
    let matter = told(&school, Level::Danger, false).await;
    let (files, id) = (&school.files, matter.opened.episode.to_string());
    let listed = alerts(files, &["list"]);
    assert_eq!(listed.code, Some(1), "it is unread: {listed:?}");
    assert!(listed.out.contains(&id) && listed.out.contains("person-") && listed.out.contains("1 open, 1 unread. Nothing unsent."), "{listed:?}");
    let json = alerts(files, &["list", "--json", "--theme", "self-harm", "--level", "danger", "--group", "year-7"]).json();
    let told = json[0]["told"].as_array().and_then(|all| all.last()).expect("told");
    assert_eq!((json.len(), &json[0]["alert"], &json[0]["signs"], &told["state"]), (1, &id.clone().into(), &2.into(), &"sent".into()));
    let covered = alerts(files, &["show", &id]);
    assert_eq!(covered.code, Some(0), "{covered:?}");
    for said in [&listed, &covered] {
        assert!(!said.out.to_lowercase().contains(KIM) && !said.out.contains("127.0.7.5"), "{said:?}");
    }
    assert!(covered.out.contains("Why danger") && covered.out.contains("  1. ") && covered.out.contains("--reason"), "{covered:?}");
    assert!(!covered.out.contains("What happened") && !covered.out.contains("The hour"), "what happened is somebody's: {covered:?}");
    assert_eq!(looks(files), [], "nobody was looked at");
    let shown = alerts(files, &["show", &id, "--reason", "the alert of ten o'clock"]);
    for said in [
        "kimberley (year-7): danger, by 2 signs of self-harm",
        "went to hurt.example",
        "typed a search at Google; it was let through",
        "Told",
        "usher alerts ack",
    ] {
        assert!(shown.out.contains(said), "{said}: {}", shown.out);
    }
    assert!(!shown.out.contains("painless") && !shown.out.contains("secret-page"), "{}", shown.out);
    assert_eq!(looks(files), [(KIM.to_owned(), format!("alerts show {id}"))]);
    let words = alerts(files, &["show", &id, "--reason", "the alert of ten o'clock", "--words"]);
    let (before, asked) = words.out.split_once("What was searched for and asked").expect("words come last");
    assert!(asked.contains(WORDS) && !before.contains("painless"), "{}", words.out);
    assert_eq!(alerts(files, &["show", &id, "--words"]).code, Some(2));
    let named = alerts(files, &["list", "--reason", "the alert of ten o'clock"]);
    assert!(named.out.contains("kimberley (year-7)"), "{named:?}");
    assert_eq!(looks(files)[0], (String::new(), "alerts list".to_owned()));
    for (arguments, says) in [
        (&["show", "0000-0000-00001"][..], "there is no alert"),
        (&["list", "--theme", "selfharm"], "did you mean \"self-harm\"?"),
        (&["list", "--level", "watch"], "it is one of concern, danger"),
        (&["show", &format!("{id}/hate")], "is of self-harm, not of \"hate\""),
    ] {
        let said = alerts(files, arguments);
        assert!(said.code == Some(2) && said.err.contains(says), "{arguments:?}: {said:?}");
    }
    assert!(alerts(files, &["list", "--group", "year-77"]).out.contains("did you mean \"year-7\"?"));
}

#[tokio::test]
async fn an_alert_is_closed_with_three_things_and_opens_again_when_it_gets_worse() {
    let (engine, school) = (Origin::saying("results").await, open().await);
    kim(&school).get("http://hurt.example/").await.is_blocked_because("category");
    let matter = told(&school, Level::Concern, false).await;
    let (files, id) = (&school.files, matter.opened.episode.to_string());
    let read = alerts(files, &["ack", &id, "--as", "Ms Bell"]);
    assert!(read.code == Some(0) && read.out.contains("by Ms Bell (account "), "{read:?}");
    let listed = alerts(files, &["list"]);
    assert!(listed.code == Some(0) && listed.out.contains("by Ms Bell") && listed.out.contains("1 open, 0 unread"), "{listed:?}");
    let before = statements(files);
    let (outcome, action, reason) = (["--outcome", "talked"], ["--action", "Spoke with her tutor"], ["--reason", "She is safe and well"]);
    for (more, says) in [
        (vec![], "still wanted: what came of it (--outcome no-concern | talked | referred | false-alarm), what was done (--action \"...\"), why (--reason"),
        (vec![outcome, action], "still wanted: why (--reason \"...\"). Nothing was changed. Such as: usher alerts close"),
        (vec![outcome, reason], "still wanted: what was done"),
        (vec![action, reason], "still wanted: what came of it"),
        (vec![outcome, ["--action", "ok"], reason], "--action takes a few words"),
        (vec![outcome, action, ["--reason", "-"]], "--reason takes a few words"),
        (vec![outcome, action, reason, ["--factor", "1"]], "goes with --outcome false-alarm"),
        (vec![["--outcome", "false-alarm"], action, reason, ["--factor", "99"]], "this alert has the reasons 1 to "),
        (vec![["--outcome", "spoke"], action, reason], "it is one of no-concern"),
    ] {
        let said = alerts(files, &[&["close", &id], more.concat().as_slice()].concat());
        assert!(said.code == Some(2) && said.err.contains(says), "{more:?}: {said:?}");
    }
    assert_eq!(statements(files), before, "nothing was changed");
    let close = |more: &[[&str; 2]]| alerts(files, &[&["close", &id, "--as", "Ms Bell"], more.concat().as_slice()].concat());
    let closed = close(&[outcome, action, reason]);
    assert!(closed.code == Some(0) && closed.out.contains("talked, by Ms Bell (account ") && !closed.out.contains("log hold"), "{closed:?}");
    for again in [close(&[outcome, action, reason]), alerts(files, &["ack", &id])] {
        assert!(again.code == Some(2) && again.err.contains("closed already, by Ms Bell"), "{again:?}");
    }
    let listed = alerts(files, &["list"]);
    assert!(listed.code == Some(0) && listed.out.contains("no alert is open"), "{listed:?}");
    assert!(alerts(files, &["list", "--all"]).out.contains("by Ms Bell: talked"));
    assert_eq!(alerts(files, &["note", &id, "Her form tutor knows.", "--as", "Mr Roe"]).code, Some(0), "a note may come later");
    // The same again, not worse, opens nothing.
    kim(&school).get("http://hurt.example/").await.is_blocked_because("category");
    kim(&school).get(&search(engine.address.port(), WORDS)).await;
    let again = told(&school, Level::Danger, false).await;
    assert_eq!(again.opened.episode, matter.opened.episode, "one matter");
    let listed = alerts(files, &["list"]);
    assert!(listed.code == Some(1) && listed.out.contains("unread; worse since Ms Bell"), "{listed:?}");
    let shown = alerts(files, &["show", &id, "--reason", "it is open again"]);
    for said in [
        "It is open again: it has got worse since Ms Bell",
        "note by Mr Roe",
        "Her form tutor knows.",
        "Done: Spoke with her tutor. Why: She is safe and well.",
    ] {
        assert!(shown.out.contains(said), "{said}: {}", shown.out);
    }
    let lines = fs::read_to_string(files.path("told.jsonl")).expect("told");
    let last = lines.lines().last().expect("a line");
    assert!(last.contains("It is open again: it has got worse since Ms Bell") && !lines.contains("painless"), "{last}");
    let wrong = close(&[["--outcome", "false-alarm"], action, reason, ["--factor", "2"]]);
    assert!(wrong.code == Some(0) && wrong.out.contains("usher log hold --user NAME --from "), "danger's words go some day: {wrong:?}");
    let counted = alerts(files, &["outcomes", "--json"]).json().remove(0);
    assert_eq!((&counted["counted"][0]["false_alarm"], &counted["counted"][0]["theme"]), (&1.into(), &"self-harm".into()));
    let factor = again.factors()[1].clone();
    assert_eq!(counted["wrong"], serde_json::json!([[factor, 1]]));
    assert!(alerts(files, &["outcomes"]).out.contains("Reasons that staff said were wrong"));
}

#[tokio::test]
async fn danger_that_comes_after_it_was_closed_is_told_anew_and_weaker_signs_are_not() {
    let (engine, school) = (Origin::saying("results").await, open().await);
    let (port, danger) = (engine.address.port(), |matter: &Incident| matter.level == Level::Danger && whose(matter).contains(KIM));
    kim(&school).get(&search(port, WORDS)).await;
    let first = school.matter("danger", danger).await.opened.episode;
    school.after(30);
    let close = |episode: usher::audit::RecordId, at: Timestamp| {
        let (theme, by, action, reason) = ("self-harm".to_owned(), "Ms Bell".to_owned(), "talked".to_owned(), "safe".to_owned());
        let act = Act::Closed { episode, theme, by, outcome: Outcome::Talked, action, reason, disputed: None };
        Journal::open(&Folder::at(school.files.path("data/log"))).expect("opened").state_act(at, &act).expect("stated");
    };
    // A second sign comes when it is closed already, before anybody has seen that: it is not closed with it.
    let closed_at = "2026-11-25T10:15:00Z".parse().expect("a time");
    kim(&school).get(&search(port, &format!("{WORDS} lethal method"))).await;
    close(first, closed_at);
    let second = school.matter("danger again", |matter| danger(matter) && matter.opened.episode != first).await.opened.episode;
    assert!(school.matters().iter().any(|matter| matter.opened.episode == first && matter.is_ended && matter.closed.is_some()));
    school.after(30);
    close(second, "2026-11-25T10:45:00Z".parse().expect("a time"));
    school.matter("the end", |matter| matter.opened.episode == second && matter.is_ended).await;
    // It holds over a start, and what is no matter by itself is none.
    let school = School::open(school.stopped().await).await;
    by_hand(school.person([127, 0, 7, 5]).who_says("Kimberley", "a good password")).with("Sec-Fetch-Site", "cross-site").get("http://games.example/").await;
    kim(&school).get(&search(port, "volcano homework")).await;
    let matters = stated_in(&school.stopped().await.path("data/log"));
    assert_eq!(matters.len(), 2, "{matters:?}");
}

#[tokio::test]
async fn that_nobody_is_told_is_red_in_the_list() {
    let school = searching().start().await;
    let listed = alerts(&school.files, &["list"]);
    assert!(listed.code == Some(1) && listed.out.starts_with("RED: Nobody is told of danger") && listed.out.contains("no alert is open"), "{listed:?}");
    assert_eq!(alerts(&school.files, &["outcomes"]).code, Some(1));
}

/// A school that has closed, with an alert of Kimberley's that is closed, and one of a device that is not.
pub async fn closed() -> (Files, String) {
    let (engine, school) = (Origin::saying("results").await, open().await);
    kim(&school).get("http://hurt.example/").await.is_blocked_because("category");
    by_hand(school.pupil()).get(&search(engine.address.port(), WORDS)).await;
    let matter = told(&school, Level::Concern, false).await;
    school.matter("the device's", |matter| whose(matter).contains("127.0.7.1") && matter.acts.len() > 1).await;
    let (id, files) = (matter.opened.episode.to_string(), school.stopped().await);
    let note = alerts(&files, &["note", &id, "=1+1 is what she wrote", "--as", "Ms Bell"]);
    assert_eq!(note.code, Some(0), "{note:?}");
    let arguments = ["close", &id, "--outcome", "talked", "--action", "+ Spoke with her", "--reason", "She is safe and well", "--as", "Ms Bell"];
    assert_eq!(alerts(&files, &arguments).code, Some(0));
    (files, id)
}

#[tokio::test]
async fn the_incident_log_is_written_for_a_spreadsheet_and_for_paper() {
    let (files, id) = closed().await;
    let [table, page] = ["incidents.csv", "incidents.html"].map(|name| files.path(name));
    let [to_table, to_page] = [&table, &page].map(|path| path.to_str().expect("text"));
    let refused = alerts(&files, &["export", "--csv", to_table]);
    assert!(refused.code == Some(2) && refused.err.contains("--reason") && !table.exists(), "{refused:?}");
    assert_eq!(alerts(&files, &["export", "--reason", "for governors"]).code, Some(2), "to where?");
    let none = alerts(&files, &["export", "--csv", to_table, "--theme", "drugs", "--reason", "for the governors"]);
    assert!(none.code == Some(1) && !table.exists(), "{none:?}");
    let done = alerts(&files, &["export", "--csv", to_table, "--page", to_page, "--reason", "for the governors"]);
    assert!(done.code == Some(0) && done.out.contains("2 alerts written"), "{done:?}");
    let read = |path: &Path| {
        let mut reader = csv::Reader::from_path(path).expect("there");
        let names: Vec<_> = reader.headers().expect("a head").iter().map(str::to_owned).collect();
        let rows: Vec<_> = reader.records().map(|row| row.expect("sound")).collect();
        move |row: usize, name: &str| rows[row].get(names.iter().position(|known| known == name).expect(name)).expect(name).to_owned()
    };
    let cell = read(&table);
    let first = usize::from(cell(0, "alert") != id);
    assert_eq!(
        (cell(first, "alert"), cell(first, "theme"), cell(first, "level"), cell(first, "group")),
        (id.clone(), "self-harm".into(), "concern".into(), "year-7".into())
    );
    assert!(cell(first, "person").starts_with("person-") && cell(1 - first, "person").is_empty() && cell(1 - first, "device").starts_with("device-"));
    assert_eq!(
        (cell(first, "action"), cell(first, "outcome"), cell(first, "reason")),
        ("'+ Spoke with her".into(), "talked with".into(), "She is safe and well".into())
    );
    assert_eq!((cell(1 - first, "outcome"), cell(1 - first, "closed")), ("open".into(), String::new()));
    assert!(cell(first, "by").starts_with("Ms Bell (account ") && cell(first, "notes").contains("=1+1 is what she wrote"));
    assert!(cell(first, "details").contains("went to hurt.example, listed under self-harm; it was blocked") && cell(first, "told").contains("office by file"));
    let html = fs::read_to_string(&page).expect("there");
    for text in [&html, &fs::read_to_string(&table).expect("there")] {
        assert!(!text.to_lowercase().contains(KIM) && !text.contains("127.0.7.") && !text.contains("painless"), "{text}");
    }
    assert!(html.contains("Example School") && html.contains("size: A4") && html.contains("It is not closed.") && !html.contains("<script"), "{html}");
    let named = ["export", "--csv", to_table, "--with-names", "--with-words", "--theme", "self-harm", "--reason", "for the governors"];
    assert_eq!(alerts(&files, &named).code, Some(0));
    let cell = read(&table);
    assert_eq!((cell(first, "person"), cell(1 - first, "device")), (KIM.into(), "127.0.7.1".into()));
    assert!(cell(1 - first, "details").contains(WORDS), "{}", cell(1 - first, "details"));
    let all: Vec<_> = looks(&files).into_iter().map(|(_, filter)| filter).collect();
    assert_eq!(all, ["alerts export --theme self-harm --with-names --with-words", "alerts export", "alerts export --theme drugs"]);
}

#[tokio::test]
async fn two_who_close_at_once_are_one_who_closes_and_one_who_is_told() {
    let school = open().await;
    kim(&school).get("http://hurt.example/").await.is_blocked_because("category");
    let matter = told(&school, Level::Concern, false).await;
    let id = matter.opened.episode.to_string();
    let arguments = ["alerts", "close", &id, "--outcome", "talked", "--action", "Spoke with her", "--reason", "She is safe and well"];
    let all: Vec<Said> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..4).map(|_| scope.spawn(|| school.files.usher(&arguments))).collect();
        running.into_iter().map(|one| one.join().expect("it ends")).collect()
    });
    assert_eq!(all.iter().filter(|said| said.code == Some(0)).count(), 1, "{all:?}");
    assert!(all.iter().filter(|said| said.code != Some(0)).all(|said| said.err.contains("closed")), "{all:?}");
    let acts = told(&school, Level::Concern, true).await.acts;
    assert_eq!(acts.iter().filter(|(_, _, act)| matches!(act, Act::Closed { .. })).count(), 1, "{acts:?}");
}

#[tokio::test]
async fn broken_rules_keep_nobody_from_dealing_with_an_alert() {
    let school = open().await;
    kim(&school).get("http://hurt.example/").await.is_blocked_because("category");
    let id = told(&school, Level::Concern, false).await.opened.episode.to_string();
    let files = school.stopped().await;
    let close = ["close", &id, "--outcome", "talked", "--action", "Spoke with her", "--reason", "She is safe and well"];
    files.put("alerts.toml", "[routes]\nall = { to = \"nobody that is known\" }\n");
    let read = alerts(&files, &["ack", &id, "--as", "Ms Bell"]);
    assert!(read.code == Some(0) && read.out.contains("read: ") && read.out.contains("by Ms Bell"), "{read:?}");
    assert!(read.err.starts_with("warning: ") && read.err.contains("alerts.toml") && read.err.contains("nobody that is known"), "{read:?}");
    assert!(!read.err.contains("UTC"), "school time is known: {read:?}");
    // Nor is the policy needed.
    files.put("policy.toml", "nonsense = 1\n");
    let noted = alerts(&files, &["note", &id, "She was with the nurse", "--json"]);
    assert!(noted.code == Some(0) && noted.json().len() == 1 && noted.err.contains("policy.toml") && noted.err.contains("Times are in UTC"), "{noted:?}");
    assert_eq!(alerts(&files, &close).code, Some(0));
    let matters = stated_in(&files.path("data/log"));
    let matter = matters.iter().find(|matter| whose(matter).contains(KIM)).expect("hers");
    assert!(matter.closed.is_some() && matter.read.is_some() && matter.acts.iter().any(|(_, _, act)| matches!(act, Act::Noted { .. })), "{matter:?}");
}
