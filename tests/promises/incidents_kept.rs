//! How long alerts are kept: as the school says, never while they are open, held or go on; and of who is erased nothing is left, here or beside the record.

use crate::incidents::{KIM, alerts, by_hand, closed, kim, open, statements, told, whose};
use crate::kit::matters::stated_in;
use crate::kit::{Files, School, soon};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use usher::alert::erased::marks;
use usher::alert::volume::{Book, Counts, Hasher};
use usher::audit::Folder;
use usher::audit::erasure::{self, NewErasure};
use usher::audit::incident::{Act, Level};
use usher::audit::journal::Journal;
use usher::audit::retention::{Doing, Keep, purge};

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
async fn what_goes_on_after_it_was_closed_is_not_purged_while_it_does() {
    let school = open().await;
    kim(&school).get("http://hurt.example/").await.is_blocked_because("category");
    let first = told(&school, Level::Concern, false).await.opened.episode;
    let closed = ["close", &first.to_string(), "--outcome", "talked", "--action", "Spoke with her", "--reason", "She is safe and well"];
    assert_eq!(alerts(&school.files, &closed).code, Some(0));
    // Each day the same, a minute earlier: it gets no worse, and nobody is told.
    for day in 1..=32 {
        school.after(24 * 60 - 1);
        kim(&school).get("http://hurt.example/").await.is_blocked_because("category");
        school.matter("another day of it", |matter| matter.opened.episode == first && matter.signs() > day).await;
    }
    let (keep, log) = (Keep { alerts: "30 days".parse().expect("a period"), ..Keep::default() }, Folder::at(school.files.path("data/log")));
    let now = "2026-12-27T10:00:00Z".parse().expect("a time");
    let purged =
        |now: Timestamp| purge(&log, &keep, now, Doing::Telling).expect("told").classes.iter().any(|class| class.class == "alerts" && class.records > 0);
    assert!(!purged(now), "it is closed, and goes on");
    assert!(school.matters().iter().any(|matter| matter.opened.episode == first && matter.closed.is_some() && !matter.is_ended));
    assert!(purged(now + SignedDuration::from_hours(24 * 61)), "a month and a month after the last sign it may go");
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
