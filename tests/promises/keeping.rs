//! The lists of a running school: fetched on time, taken up when somebody changes them by hand, and the school's own entries over all.

use crate::kit::{Files, Program, Publisher, World};
use std::fs;
use std::net::TcpListener;
use std::sync::Arc;

fn open_or_blocked(usher: &Program, site: &str) -> &'static str {
    // Sites of these tests have no address: what is not blocked cannot be reached.
    match &usher.get(&format!("http://{site}/"))[9..12] {
        "403" => "blocked",
        "502" => "open",
        other => panic!("{site}: {other}"),
    }
}

#[test]
fn a_scheduled_source_is_fetched_by_the_running_school() {
    let publisher = Publisher::of("arcade.example\n");
    let source = format!("name = \"county\"\naddress = \"{}\"\ncategory = \"games\"\nschedule = \"every hour\"", publisher.url());
    let mut usher = World::new().source(&source).serve();
    usher.says("lists updated");
    usher.says("lists taken up");
    assert_eq!(open_or_blocked(&usher, "arcade.example"), "blocked");
    let history = usher.files.usher(&["lists", "history", "--json"]).json();
    assert!(history.iter().any(|deed| deed["who"] == "usher serve" && deed["why"] == "scheduled"), "{history:?}");
}

#[test]
fn what_somebody_does_by_hand_is_taken_up_within_seconds() {
    let publisher = Publisher::of("arcade.example\n");
    let source = format!("name = \"county\"\naddress = \"{}\"\ncategory = \"games\"", publisher.url());
    let mut usher = World::new().source(&source).serve();
    let files = usher.files.clone();
    let done = |usher: &mut Program, arguments: &[&str]| {
        let said = files.usher(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        usher.says("lists taken up");
    };
    assert_eq!(open_or_blocked(&usher, "arcade.example"), "open");
    done(&mut usher, &["lists", "update"]);
    assert_eq!(open_or_blocked(&usher, "arcade.example"), "blocked");
    done(&mut usher, &["lists", "allow", "maths.games.example", "--category", "games", "--reason", "year 7 maths", "--author", "t.brown"]);
    assert_eq!((open_or_blocked(&usher, "www.maths.games.example"), open_or_blocked(&usher, "games.example")), ("open", "blocked"));
    done(&mut usher, &["lists", "block", "shop.test/cards", "--category", "games", "--reason", "trading in lessons"]);
    assert!(usher.get("http://shop.test/cards/1").starts_with("HTTP/1.1 403"));
    assert_eq!(open_or_blocked(&usher, "shop.test"), "open");
    let row = usher.rows().into_iter().find(|row| row.path == "/cards/1").expect("a record");
    let entry = row.entry.expect("an entry");
    assert_eq!((entry.list.as_str(), entry.line, entry.text.as_str()), ("the school's own", 2, "block shop.test/cards: trading in lessons"));
    done(&mut usher, &["lists", "forget", "1", "--reason", "the lesson is over"]);
    assert_eq!(open_or_blocked(&usher, "maths.games.example"), "blocked");
    done(&mut usher, &["lists", "rollback", "1", "--reason", "a try"]);
    assert_eq!((open_or_blocked(&usher, "arcade.example"), open_or_blocked(&usher, "games.example")), ("open", "blocked"));
}

#[test]
fn a_publisher_who_keeps_silent_does_not_keep_a_decision_of_the_school_from_holding() {
    // It takes connections in and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let source = format!("name = \"county\"\naddress = \"http://{address}/list\"\ncategory = \"games\"\nschedule = \"every hour\"");
    let mut usher = World::new().source(&source).serve();
    let _asked = silent.accept().expect("it is asked");
    assert_eq!(usher.files.usher(&["lists", "allow", "games.example", "--reason", "a lesson"]).code, Some(0));
    usher.says("lists taken up");
    assert_eq!(open_or_blocked(&usher, "games.example"), "open");
}

#[test]
fn the_schools_own_entries_say_who_why_and_until_when() {
    let files = World::new().write();
    for (arguments, words) in [
        (&["allow", "games.example", "--reason", " "][..], "the reason is empty"),
        (&["allow", "games.example", "--category", "gamse", "--reason", "x"], "there is no category \"gamse\""),
        (&["allow", "terror.example", "--category", "terrorism", "--reason", "x"], "always blocked; nothing can allow it"),
        (&["allow", "com", "--reason", "x"], "no site"),
        (&["allow", "games.example", "--until", "2020-01-01", "--reason", "x"], "is past"),
        (&["forget", "1", "--reason", "x"], "there is no entry 1"),
    ] {
        let said = files.usher(&[&["lists"], arguments].concat());
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
        assert!(said.err.contains(words), "{arguments:?}: {said:?}");
    }
    let said = files.usher(&["lists", "allow", "GAMES.example.", "--reason", "a lesson", "--until", "2099-07-01", "--author", "t.brown"]);
    assert!(said.code == Some(0) && said.out.contains("until the end of 2099-07-01 (entry 1)"), "{said:?}");
    assert_eq!(files.usher(&["check", "games.example", "--group", "year-7"]).code, Some(0));
    let shown = files.usher(&["lists", "own", "--json"]).json().remove(0);
    for (key, value) in [("site", "games.example"), ("act", "allow"), ("reason", "a lesson"), ("author", "t.brown"), ("until", "2099-07-01")] {
        assert_eq!(shown[key], value, "{shown}");
    }
    let listed = files.usher(&["lists", "lookup", "games.example"]);
    assert!(listed.out.contains("the school's own") && listed.out.contains("school/games/domains"), "{listed:?}");
    // An entry for everything leaves the always-blocked tier alone.
    assert_eq!(files.usher(&["lists", "allow", "terror.example", "--reason", "a lesson"]).code, Some(0));
    assert_eq!(files.usher(&["check", "terror.example", "--group", "staff"]).code, Some(1));
    let own = fs::read_to_string(files.path("data/lists/own.toml")).expect("a file");
    files.put("data/lists/own.toml", &own.replace("2099-07-01", "2020-07-01"));
    assert_eq!(files.usher(&["check", "games.example", "--group", "year-7"]).code, Some(1), "it is over");
    assert!(files.usher(&["lists", "own"]).out.contains("over: review it"));
}

#[test]
fn a_difference_says_what_it_would_have_changed_for_whom() {
    let publisher = Publisher::of("arcade.example\nold.example\n");
    let source = format!("name = \"county\"\naddress = \"{}\"\ncategory = \"games\"", publisher.url());
    let files = Arc::new(World::new().source(&source).user("7-anna", "right", None).write());
    assert_eq!(files.usher(&["lists", "update"]).code, Some(0));
    let usher = Program::start(files.clone());
    for path in ["/1", "/2", "/3"] {
        usher.get(&format!("http://quiz.example{path}"));
    }
    usher.get_as("http://old.example/", "7-anna", "right");
    usher.get("http://other.example/");
    drop(usher);
    publisher.offers("arcade.example\nquiz.example\n");
    assert_eq!(files.usher(&["lists", "update"]).code, Some(0));
    let said = files.usher(&["lists", "diff", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let diff = said.json().remove(0);
    assert_eq!(diff["categories"], serde_json::json!({ "games": { "added": 1, "removed": 1 } }));
    let effect = &diff["effect"];
    assert_eq!((&effect["looked_at"], &effect["requests"], &effect["people"]), (&5.into(), &4.into(), &2.into()), "{diff}");
    let first = &effect["top"][0];
    assert_eq!(
        (&first["host"], &first["was"], &first["is"], &first["requests"]),
        (&"quiz.example".into(), &"allow".into(), &"block".into(), &3.into()),
        "{diff}"
    );
    assert_eq!(first["because"], "county, line 2: quiz.example");
    let people = files.usher(&["lists", "diff"]);
    assert!(people.out.contains("from generation 1 to generation 2") && people.out.contains("4 of 2 people"), "{people:?}");
}

fn imported(files: &Files, arguments: &[&str]) -> crate::kit::world::Said {
    files.usher(&[&["lists", "import"], arguments, &["--reason", "from the county"]].concat())
}

#[test]
fn a_file_or_folder_is_imported_under_a_name_and_taken_out_again() {
    let files = World::new().canaries("open = [\"news.example\"]").write();
    files.put("county.txt", "||arcade.example^\n||quiz.example^\n@@||fine.quiz.example^\n! a comment\n");
    let county = files.path("county.txt").display().to_string();
    let said = imported(&files, &[&county, "--category", "games"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for (site, code) in [("arcade.example", 1), ("quiz.example", 1), ("fine.quiz.example", 0)] {
        assert_eq!(files.usher(&["check", site, "--group", "year-7"]).code, Some(code), "{site}");
    }
    files.put("tree/games/domains", "tree.example\n");
    files.put("tree/nonsense/domains", "nonsense.example\n");
    let tree = files.path("tree").display().to_string();
    assert_eq!(imported(&files, &[&tree, "--name", "town"]).code, Some(0));
    assert_eq!(files.usher(&["check", "tree.example", "--group", "year-7"]).code, Some(1));
    // One that a canary hears is not kept.
    files.put("bad.txt", "news.example\n");
    let bad = files.path("bad.txt").display().to_string();
    let said = imported(&files, &[&bad, "--category", "games"]);
    assert!(said.code == Some(2) && said.err.contains("news.example must stay open"), "{said:?}");
    assert_eq!(files.usher(&["check", "news.example", "--group", "year-7"]).code, Some(0));
    assert_eq!(files.usher(&["lists", "status"]).code, Some(0));
    let said = imported(&files, &["--remove", "county"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(files.usher(&["check", "arcade.example", "--group", "year-7"]).code, Some(0));
    for (arguments, words) in
        [(&["/nowhere", "--category", "games"][..], "/nowhere"), (&[&county, "--name", "school", "--category", "games"], "there is a source \"school\"")]
    {
        let said = imported(&files, arguments);
        assert!(said.code == Some(2) && said.err.contains(words), "{said:?}");
    }
}

#[test]
fn the_coverage_page_says_for_governors_what_is_in_force() {
    let files = World::new().source("name = \"county\"\naddress = \"county.txt\"\ncategory = \"games\"").write();
    files.put("county.txt", "arcade.example\nplay.example\n");
    let said = files.usher(&["lists", "coverage"]);
    assert!(said.code == Some(2) && said.err.contains("no lists were ever put in force"), "{said:?}");
    assert_eq!(files.usher(&["lists", "update"]).code, Some(0));
    let said = files.usher(&["lists", "coverage"]);
    for words in ["Self-harm", "Gambling", "No illegal-content list is in force", "Games", "generation 1"] {
        assert!(said.out.to_lowercase().contains(&words.to_lowercase()), "{words} is not in {}", said.out);
    }
    let page = files.path("coverage.html").display().to_string();
    assert_eq!(files.usher(&["lists", "coverage", "--format", "html", "--out", &page]).code, Some(0));
    assert!(fs::read_to_string(&page).expect("a page").starts_with("<!doctype html>"));
    let json = files.usher(&["lists", "coverage", "--format", "json"]).json().remove(0);
    assert!(json.is_object(), "{json}");
}
