//! Seeing is recorded too: whoever looks for a person says why, and that they looked is on record before they see anything.

use crate::kit::{Files, Said, World};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const WHY: [&str; 2] = ["--reason", "concern raised by Ms Bell"];

/// A school with three records: of Anna, of a member of staff, and of a device nobody is known at.
async fn records() -> Files {
    let world = World::new().user("7-anna", "right", Some("year-7")).user("staff-bell", "right", Some("staff"));
    let school = world.proxy("ask_for_password = \"unknown\"").start().await;
    let home = [127, 0, 99, 1];
    school.person(home).who_says("7-anna", "right").get("http://games.example/anna").await.is_blocked_because("category");
    school.after(60);
    school.person(home).who_says("staff-bell", "right").get("http://adult.example/bell").await.is_blocked_because("category");
    school.after(60);
    school.pupil().get("http://games.example/nobody").await.is_blocked_because("category");
    school.stopped().await
}

fn log(files: &Files, arguments: &[&[&str]]) -> Said {
    files.usher(&[&["log"], &arguments.concat()[..]].concat())
}

fn looks(files: &Files) -> Vec<serde_json::Value> {
    log(files, &[&["lookups", "--json"]]).json()
}

#[tokio::test]
async fn without_a_reason_nobody_is_looked_for_and_nothing_is_shown() {
    let files = records().await;
    let id = log(&files, &[&["search", "--host", "games.example", "--group", "year-7", "--text", "anna", "--json"]]).json()[0]["id"].clone();
    let id = id.as_str().expect("a reference number");
    for arguments in [
        &["search", "--user", "7-anna"][..],
        &["search", "--user", "*"],
        &["search", "--client", "127.0.7.1", "--json"],
        &["people", "--user", "7-*"],
        &["tail", "--no-follow", "--user", "7-anna"],
        &["export", "--format", "csv", "--output", "-", "--user", "7-anna"],
        &["show", id],
    ] {
        let said = log(&files, &[arguments]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains("--reason") && said.err.contains("usher log lookups"), "{arguments:?}: {said:?}");
        for poor in ["", "because", "a b"] {
            let said = log(&files, &[arguments, &["--reason", poor]]);
            assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?} {poor:?}: {said:?}");
            assert!(said.err.contains("a reason is a few words"), "{said:?}");
        }
    }
    assert_eq!(looks(&files), [] as [serde_json::Value; 0], "nobody looked");
    assert_eq!(log(&files, &[&["lookups"]]).code, Some(1));
}

#[tokio::test]
async fn with_a_reason_they_are_shown_and_the_look_is_on_record() {
    let files = records().await;
    let found = log(&files, &[&["search", "--user", "7-anna", "--json", "--as", "Mr Cole"], &WHY]);
    assert_eq!((found.code, found.json().len()), (Some(0), 1), "{found:?}");
    assert_eq!(found.json()[0]["user"], "7-anna");
    let id = found.json()[0]["id"].as_str().expect("a reference number").to_owned();
    let shown = log(&files, &[&["show", &id], &WHY]);
    assert!(shown.out.contains("7-anna") && shown.out.contains("10:00:00.000 GMT"), "{shown:?}");
    let none = log(&files, &[&["search", "--user", "7-anna", "--from", "2026-11-26"], &WHY]);
    assert_eq!(none.code, Some(1), "{none:?}");
    let looks = looks(&files);
    let told = |number: usize, field: &str| looks[number][field].as_str().unwrap_or_default().to_owned();
    assert_eq!(looks.len(), 3, "also the look that found nothing: {looks:?}");
    assert_eq!([told(2, "user"), told(2, "name"), told(2, "filter"), told(2, "reason")], ["7-anna", "Mr Cole", "--user 7-anna", WHY[1]]);
    assert_eq!([told(1, "user"), told(1, "filter")], ["7-anna".to_owned(), format!("show {id}")]);
    assert!(!told(2, "who").is_empty() && told(2, "at").ends_with('Z'));
    let people = log(&files, &[&["lookups", "--whose", "7-anna"]]).out;
    assert!(people.contains("Mr Cole") && people.contains(WHY[1]), "{people}");
    assert_eq!(log(&files, &[&["lookups", "--whose", "staff-bell"]]).code, Some(1), "nobody looked at hers");
    assert_eq!(log(&files, &[&["lookups", "--by", "mr cole", "--json"]]).json().len(), 1);
    assert_eq!(log(&files, &[&["lookups", "--to", "2026-01-01"]]).code, Some(1));
}

#[tokio::test]
async fn a_look_that_cannot_be_put_on_record_shows_nothing() {
    let files = records().await;
    let key = fs::read(files.path("data/log/key")).expect("a key");
    files.put("data/log/key", "not a key");
    for arguments in [&["search"][..], &["search", "--user", "7-anna", "--json"], &["tail"], &["export", "--format", "csv", "--output", "-"]] {
        let said = log(&files, &[arguments, &WHY]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains("cannot be put on record, so nothing is shown"), "{said:?}");
    }
    fs::write(files.path("data/log/key"), key).expect("the key again");
    assert_eq!(looks(&files), [] as [serde_json::Value; 0]);
}

#[tokio::test]
async fn who_names_nobody_sees_pseudonyms_that_a_reason_resolves() {
    let files = records().await;
    let rows = log(&files, &[&["search", "--json"]]).json();
    let of = |path: &str, field: &str| {
        let row = rows.iter().find(|row| row["path"] == path).unwrap_or_else(|| panic!("no record of {path}"));
        row[field].as_str().map(str::to_owned)
    };
    let (anna, bell) = (of("/anna", "user").expect("somebody"), of("/bell", "user").expect("somebody"));
    assert!(anna.starts_with("person-") && bell.starts_with("person-") && anna != bell, "{anna} {bell}");
    assert_eq!(of("/nobody", "user"), None);
    assert_ne!(of("/nobody", "client"), of("/anna", "client"));
    for arguments in [&["search"][..], &["search", "--verdict", "blocked"], &["tail", "--no-follow"], &["export", "--format", "jsonl", "--output", "-"]] {
        let said = log(&files, &[arguments]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains(&anna), "{said:?}");
        for name in ["7-anna", "staff-bell", "127.0."] {
            assert!(!said.out.contains(name), "{name} is in {}", said.out);
        }
        let named = log(&files, &[arguments, &WHY]);
        assert!(named.out.contains("7-anna") && named.out.contains("staff-bell") && !named.out.contains("person-"), "{named:?}");
    }
    assert!(log(&files, &[&["search"]]).out.contains("pseudonyms stand for names; to see who, give a --reason"));
    assert_eq!(log(&files, &[&["search", "--user", &anna]]).code, Some(2), "a pseudonym names somebody");
    let resolved = log(&files, &[&["search", "--json", "--user", &anna], &WHY]).json();
    assert_eq!((resolved.len(), &resolved[0]["user"], &looks(&files)[0]["user"]), (1, &"7-anna".into(), &"7-anna".into()));
    let unknown = log(&files, &[&["search", "--user", "person-000000"], &WHY]);
    assert!(unknown.code == Some(2) && unknown.err.contains("nobody in the log has the pseudonym"), "{unknown:?}");
    let id = of("/nobody", "id").expect("a number");
    let shown = log(&files, &[&["show", &id]]);
    assert!(shown.code == Some(0) && shown.out.contains("device-") && !shown.out.contains("127.0.7.1"), "{shown:?}");
    assert!(log(&files, &[&["show", &id], &WHY]).out.contains("127.0.7.1"));
    assert_eq!(looks(&files)[0]["client"], "127.0.7.1");
}

#[tokio::test]
async fn a_school_may_decide_to_see_names_but_looks_for_nobody_without_a_reason() {
    let files = records().await;
    files.edit("usher.toml", "[limits]", "[log]\nnames = \"always\"\n[limits]");
    assert!(log(&files, &[&["search"]]).out.contains("7-anna"));
    assert_eq!(log(&files, &[&["search", "--user", "7-anna"]]).code, Some(2));
    files.edit("usher.toml", "\"always\"", "\"sometimes\"");
    let said = log(&files, &[&["search"]]);
    assert!(said.code == Some(2) && said.err.contains("is none of with-a-reason, always"), "{said:?}");
}

#[tokio::test]
async fn looks_are_signed_like_all_that_is_said_of_the_log() {
    let files = records().await;
    let _ = log(&files, &[&["search", "--user", "7-anna"], &WHY]);
    let folder = usher::audit::Folder::at(files.path("data/log"));
    let reader = usher::audit::journal::Reader::open(&folder).expect("a journal");
    let (key, mut before) = (reader.key().expect("read").expect("a key"), vec![0; 32]);
    let statements = reader.after(0, 1000).expect("read");
    assert!(statements.iter().any(|statement| statement.kind == "looked"));
    for statement in statements {
        assert_eq!(statement.link, statement.link_after(&before));
        assert!(key.signed(&statement.link, &statement.signature));
        before = statement.link;
    }
    assert_eq!(fs::metadata(folder.journal()).expect("there").permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn who_visited_a_site_is_told_with_a_reason_and_by_pseudonyms_without() {
    let files = records().await;
    let covered = log(&files, &[&["people", "--host", "games.example"]]);
    assert!(covered.out.contains("person-") && covered.out.contains("device-") && covered.out.contains("2 people and devices, 2 records"), "{covered:?}");
    assert!(!covered.out.contains("7-anna") && !covered.out.contains("127.0"), "{covered:?}");
    let users: Vec<_> = log(&files, &[&["people", "--json"]]).json().iter().filter_map(|one| Some(one["user"].as_str()?.to_owned())).collect();
    assert!(users.len() == 2 && users.is_sorted(), "the order of the names would say which is whose: {users:?}");
    let named = log(&files, &[&["people", "--host", "games.example", "--json"], &WHY]).json();
    let told = |number: usize, field: &str| named[number][field].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        [told(0, "client"), told(0, "last"), told(1, "user"), told(1, "first")],
        ["127.0.7.1", "2026-11-25T12:00:00.000Z", "7-anna", "2026-11-25T10:00:00.000Z"]
    );
    assert_eq!(looks(&files)[0]["filter"], "--host games.example");
    let nobody = log(&files, &[&["people", "--host", "games.example", "--group", "year-8"]]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.out.contains("there is no group \"year-8\""), "{nobody:?}");
}
