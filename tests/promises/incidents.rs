//! What staff do with an alert: it is listed, shown to whoever says why, read, and closed only with what came of it, what was done and why. All of it is on
//! record for as long as the school says and no longer, and nobody closes what they have not seen.

use crate::kit::matters::{search, searching, stated_in};
use crate::kit::{Files, Origin, Person, Said, School, soon};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use usher::alert::erased::marks;
use usher::alert::volume::{Book, Counts, Hasher};
use usher::audit::Folder;
use usher::audit::erasure::{self, NewErasure};
use usher::audit::incident::{Act, Incident, Level, Outcome};
use usher::audit::journal::{Journal, Reader, Topic};
use usher::audit::retention::{Doing, Keep, purge};

const WORDS: &str = "painless way to die";
const KIM: &str = "kimberley";

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

fn by_hand<'s>(person: Person<'s>) -> Person<'s> {
    person.with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Sec-Fetch-Site", "none").with("Sec-Fetch-User", "?1")
}

fn kim(school: &School) -> Person<'_> {
    by_hand(school.person([127, 0, 7, 5]).who_says("Kimberley", "a good password"))
}

async fn open() -> School {
    let world = searching().user("Kimberley", "a good password", Some("year-7"));
    let files = world.write();
    files.put("alerts.toml", TOLD);
    School::open(files).await
}

fn alerts(files: &Files, arguments: &[&str]) -> Said {
    files.usher(&[&["alerts"], arguments].concat())
}

fn whose(matter: &Incident) -> String {
    format!("{:?}", matter.opened.who)
}

/// Waits until this is told.
async fn told(school: &School, level: Level, closed: bool) -> Incident {
    let is_told = |matter: &Incident| {
        let told = matter.acts.iter().any(|(_, _, act)| matches!(act, Act::Told(told) if told.level == Some(level)));
        whose(matter).contains(KIM) && told && matter.closed.is_some() == closed
    };
    school.matter("the alert", is_told).await
}

fn statements(files: &Files) -> usize {
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
async fn closed() -> (Files, String) {
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

/// Ends of matters, as the engine states them a day later.
fn over(files: &Files) {
    let mut journal = Journal::open(&Folder::at(files.path("data/log"))).expect("opened");
    for matter in stated_in(&files.path("data/log")) {
        let (episode, theme, last) = (matter.opened.episode, matter.opened.theme.clone(), *matter.records.last().expect("one"));
        journal.state_act(Timestamp::now(), &Act::Ended { episode, theme, at_ms: last.unix_ms(), signals: 1, last }).expect("stated");
    }
}

fn is_whole(files: &Files) {
    let said = files.usher(&["log", "verify"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

fn any_file_holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .any(|path| if path.is_dir() { any_file_holds(&path, text) } else { memchr::memmem::find(&fs::read(&path).expect("read"), text.as_bytes()).is_some() })
}

#[tokio::test]
async fn alerts_are_kept_as_long_as_the_school_says_but_what_is_open_or_held() {
    let (files, _) = closed().await;
    over(&files);
    is_whole(&files);
    let log = Folder::at(files.path("data/log"));
    let later = Timestamp::now() + SignedDuration::from_hours(24 * 365 * 3);
    let hold = files.usher(&["log", "hold", "--user", KIM, "--why", "police request 17", "--json"]);
    let number = hold.json()[0]["number"].to_string();
    let alerts_of = |report: &usher::audit::retention::Report| {
        let class = report.classes.iter().find(|class| class.class == "alerts").expect("the class");
        (class.records > 0, class.held, class.open)
    };
    let people = |files: &Files| stated_in(&files.path("data/log")).iter().map(whose).collect::<Vec<_>>();
    assert_eq!(alerts_of(&purge(&log, &Keep::default(), later, Doing::Really).expect("purged")), (false, 1, 1));
    assert_eq!(people(&files).len(), 2, "held, and open");
    assert_eq!(files.usher(&["log", "hold", "release", &number, "--why", "case closed"]).code, Some(0));
    assert_eq!(alerts_of(&purge(&log, &Keep::default(), later, Doing::Telling).expect("told")), (true, 0, 1));
    assert_eq!(people(&files).len(), 2, "only told");
    assert_eq!(alerts_of(&purge(&log, &Keep::default(), later, Doing::Really).expect("purged")), (true, 0, 1));
    assert!(people(&files).len() == 1 && people(&files)[0].contains("127.0.7.1"), "{:?}", people(&files));
    let journal = fs::read(files.path("data/log/journal.db")).expect("read");
    assert!(memchr::memmem::find(&journal, KIM.as_bytes()).is_none(), "her name went with it");
    is_whole(&files);
    // What is stated once is held to the journal: who adds to the list silences an alert that is yet to come, who takes out of it has one told twice.
    for change in ["INSERT INTO keys VALUES ('open/self-harm/0SAF-3Q2K-R0001', 1)", "DELETE FROM keys WHERE key LIKE 'open/%'", "UPDATE keys SET statement = 1"]
    {
        let journal = rusqlite::Connection::open(files.path("data/log/journal.db")).expect("opened");
        journal.execute_batch(&format!("CREATE TEMP TABLE kept AS SELECT * FROM keys; {change};")).expect("changed");
        let said = files.usher(&["log", "verify"]);
        assert!(said.code == Some(1) && format!("{}{}", said.out, said.err).contains("the list of what is stated once was changed"), "{change}: {said:?}");
        journal.execute_batch("DELETE FROM keys; INSERT INTO keys SELECT * FROM kept; DROP TABLE kept").expect("put back");
    }
    is_whole(&files);
}

#[tokio::test]
async fn a_person_is_given_their_alerts_and_erased_from_them_once_nothing_more_is_to_come() {
    let (files, id) = closed().await;
    let out = files.path("kim.zip");
    let asked = files.usher(&["log", "subject", "--user", "Kimberley", "--output", out.to_str().expect("text"), "--reason", "subject access 17"]);
    assert!(asked.code == Some(0) && asked.out.contains("1 alerts"), "{asked:?}");
    let mut zip = zip::ZipArchive::new(fs::File::open(&out).expect("there")).expect("a zip");
    let mut part = |name: &str| {
        let mut text = String::new();
        zip.by_name(name).expect(name).read_to_string(&mut text).expect("text");
        text
    };
    for name in ["alerts.jsonl", "alerts.html"] {
        let text = part(name);
        assert!(text.contains(&id) && text.contains("Spoke with her") && text.contains("a member of staff"), "{name}: {text}");
        assert!(!text.contains("Bell") && !text.contains("127.0.7.1"), "{name}: {text}");
    }
    assert!(part("README.html").contains("alerts.html"));
    let erase = |more: &[&str]| files.usher(&[&["log", "erase", "--user", KIM, "--why", "request 18"], more].concat());
    assert!(erase(&["--dry-run"]).out.contains("alerts that are not: 1"), "it is not over");
    let waits = erase(&["--yes"]);
    assert!(waits.out.contains("1 alerts wait"), "{waits:?}");
    is_whole(&files);
    over(&files);
    known_beside(&files);
    assert!(knows(&files).iter().all(|known| *known), "all three files know her");
    assert!(erase(&["--dry-run"]).out.contains("known of them besides: 1 signs of alerts, 1 first visits to new sites, the counts of 1 days"));
    let done = erase(&["--yes"]);
    let is_gone = || stated_in(&files.path("data/log")).iter().all(|matter| !whose(matter).contains(KIM));
    assert!(done.code == Some(0) && is_gone(), "{done:?}");
    assert!(done.out.contains("taken out of what Usher knows of people besides: 1 signs of alerts, 1 first visits"), "{done:?}");
    assert_eq!(knows(&files), [false; 3]);
    assert!(!any_file_holds(&files.path("data/log"), KIM), "nothing names her");
    is_whole(&files);
    assert_eq!(alerts(&files, &["list", "--all", "--json"]).json().len(), 1, "the device's is there");
    // A start after it tells nothing of it, and nothing twice.
    let before = statements(&files);
    let school = School::open(files).await;
    by_hand(school.pupil()).get("http://games.example/").await.is_blocked_because("category");
    let files = school.stopped().await;
    assert_eq!(statements(&files), before);
    assert_eq!(knows(&files), [false; 3]);
}

/// What keeps something of people beside the log.
const BESIDE: [&str; 3] = ["engine.json", "ways.json", "volume.json"];

/// Which of the files beside the log know Kimberley.
fn knows(files: &Files) -> [bool; 3] {
    let secret: [u8; 32] = fs::read(files.path("data/secret.key")).expect("a secret").try_into().expect("32 bytes");
    let marks = marks(&secret, "KIMBERLEY");
    BESIDE.map(|name| fs::read_to_string(files.path(&format!("data/alerts/{name}"))).is_ok_and(|text| marks.iter().any(|mark| text.contains(mark))))
}

/// Puts into the files what weeks would have put there: that Kimberley was the first at a new site, and how much she did on the day of her record.
fn known_beside(files: &Files) {
    let matter = stated_in(&files.path("data/log")).into_iter().find(|matter| whose(matter).contains(KIM)).expect("hers");
    let secret: [u8; 32] = fs::read(files.path("data/secret.key")).expect("a secret").try_into().expect("32 bytes");
    let path = files.path("data/alerts/ways.json");
    let mut ways: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("kept")).expect("JSON");
    let first = serde_json::json!([{ "who": marks(&secret, KIM)[0], "at_ms": matter.opened.at_ms, "place": null, "of": matter.opened.episode }]);
    ways["spread"]["17"] = first;
    fs::write(path, ways.to_string()).expect("written");
    let day = Timestamp::from_millisecond(matter.opened.at_ms.cast_signed()).expect("a time").in_tz("Europe/London").expect("a zone").date();
    let path = files.path("data/alerts/volume.json");
    let mut book = Book::read(&path);
    book.take(day, [(Hasher::new(&secret).of(Some(KIM), ""), Counts { visits: 1, ..Counts::default() })].into(), day);
    book.write(&path).expect("written");
}

#[tokio::test]
async fn a_running_usher_takes_who_was_erased_out_of_all_it_knows() {
    // Erased while it runs: all of hers was sealed before.
    let (files, _) = closed().await;
    over(&files);
    known_beside(&files);
    assert_eq!(files.usher(&["log", "purge"]).code, Some(0), "it seals");
    let school = School::open(files).await;
    let said = school.files.usher(&["log", "erase", "--user", KIM, "--why", "request 18", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("the running Usher takes out what it knows of them besides"), "{said:?}");
    soon_gone(&school.files, &BESIDE[..2]).await;
    let files = school.stopped().await;
    assert_eq!(knows(&files)[..2], [false; 2], "nor did it remember her");
    // Erased, and killed before anything else was done: the next start does it.
    let (files, _) = closed().await;
    over(&files);
    known_beside(&files);
    assert_eq!(files.usher(&["log", "purge"]).code, Some(0));
    let (log, secret) = (Folder::at(files.path("data/log")), fs::read(files.path("data/secret.key")).expect("a secret").try_into().expect("32 bytes"));
    let new = NewErasure { user: KIM.into(), from: None, to: None, why: "request 18".into(), by: "bell".into(), marks: marks(&secret, KIM) };
    erasure::ask(&log, &new, Timestamp::now()).expect("asked");
    assert!(erasure::carry_out(&log, Timestamp::now()).expect("carried out").iter().all(erasure::Standing::is_finished));
    assert_eq!(knows(&files), [true; 3]);
    let school = School::open(files).await;
    soon_gone(&school.files, &BESIDE).await;
}

/// Waits until these files do not know Kimberley any more.
async fn soon_gone(files: &Files, names: &[&str]) {
    soon("what is known of her gone", async {
        while knows(files).iter().zip(BESIDE).any(|(known, name)| *known && names.contains(&name)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
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
