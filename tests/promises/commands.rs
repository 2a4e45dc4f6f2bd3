//! What the commands say, and how they end: 0 fine, 1 the answer is no, 2 usage or configuration.

use crate::kit::{Files, World};
use std::net::TcpListener;

#[test]
fn check_says_what_would_happen_and_why() {
    let files = World::new().write();
    for (url, group, code, verdict, kind, categories) in [
        ("games.example/play", "year-7", 1, "blocked", "category", &["games"][..]),
        ("http://WWW.Games.Example.:8080/", "year-7", 1, "blocked", "category", &["games"]),
        ("http://games.example/", "staff", 0, "allowed", "unlisted", &["games"]),
        ("http://video.example/", "year-7", 1, "warned", "category", &["streaming"]),
        ("https://video.example/", "year-7", 1, "blocked", "no-page", &["streaming"]),
        ("http://terror.example/", "staff", 1, "blocked", "always-blocked", &["terrorism"]),
        ("http://adult.example/", "unknown", 1, "blocked", "category", &["adult"]),
        ("http://notgames.example/?u=games.example", "year-7", 0, "allowed", "unlisted", &[]),
    ] {
        let said = files.usher(&["check", url, "--group", group, "--json"]);
        assert_eq!(said.code, Some(code), "{url} {group}: {said:?}");
        let found = &said.json()[0];
        assert_eq!([&found["url"], &found["group"], &found["verdict"], &found["reason"]["kind"]], [url, group, verdict, kind], "{url}");
        assert_eq!(found["categories"], serde_json::json!(categories), "{url}");
        assert!(found["reason"]["text"].as_str().is_some_and(|text| text.ends_with('.')), "{found}");
        assert_eq!(found["entry"].is_null(), verdict == "allowed", "{found}");
    }
    let found = files.usher(&["check", "games.example", "--group", "year-7", "--json"]).json().remove(0);
    assert_eq!(found["entry"], serde_json::json!({ "list": "school/games/domains", "line": 1, "text": "games.example" }));
    let people = files.usher(&["check", "games.example", "--client", "127.0.7.9"]);
    assert!(people.out.starts_with("BLOCKED: games.example\n") && people.out.contains("Games is blocked for year-7."), "{people:?}");
}

#[test]
fn check_knows_users_addresses_and_times() {
    let lunch = "[timetable]\nperiod = [{ name = \"lunch\", from = \"12:30\", to = \"13:20\" }]\n[[rule]]\nname = \"lunch\"\nwhen = { group = \"year-7\", category = \"games\", during = \"lunch\" }\nthen = \"allow\"\nreason = \"A break.\"\nreview = 2027-01-10\n";
    let files = World::new().policy(lunch).user("mr.bell", "x", Some("staff")).write();
    for (arguments, code) in [
        (&["--user", "mr.bell"][..], 0),
        (&["--user", "7-anna"], 1),
        (&["--user", "nobody"], 1),
        (&["--client", "127.0.9.1"], 0),
        (&["--client", "10.0.0.1"], 1),
        (&["--group", "year-7", "--at", "2026-11-25T12:45"], 0),
        (&["--group", "year-7", "--at", "2026-11-25T12:45:00Z"], 0),
        (&["--group", "year-7", "--at", "2026-06-24T12:45:00Z"], 1),
        (&["--group", "year-7", "--at", "2026-06-24T12:45"], 0),
        (&["--group", "year-7", "--at", "2026-11-28T12:45"], 1),
    ] {
        let said = files.usher(&[&["check", "games.example"], arguments].concat());
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
    }
}

#[test]
fn usage_that_cannot_be_understood_ends_in_two() {
    let files = World::new().write();
    for (arguments, words) in [
        (&["check", "games.example", "--group", "year-8"][..], "there are year-7, staff"),
        (&["check", "ftp://games.example/"], "cannot be judged"),
        (&["check", "games.example", "--at", "noon"], "is not a time"),
        (&["log", "search"], "there is no log"),
        (&["log", "search", "--verdict", "no"], "there is no log"),
        (&["chekc", "x"], "check"),
    ] {
        let said = files.usher(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(words), "{arguments:?}: {said:?}");
    }
}

/// Sound but for the port, which is taken: had it tried to listen, it would say so.
fn with_port_taken(files: &Files) -> TcpListener {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    files.edit("usher.toml", "127.0.0.1:0", &taken.local_addr().expect("an address").to_string());
    taken
}

#[test]
fn a_wrong_configuration_is_told_whole_before_anything_is_done() {
    let files = World::new().write();
    let _taken = with_port_taken(&files);
    files.edit("policy.toml", "block = [\"adult\"]", "block = [\"adlut\"]\nwarm = []");
    files.edit("usher.toml", "path = \"lists\"", "path = \"lists\"\nformat_ = 1");
    let said = files.usher(&["serve"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    for words in ["usher.toml:", "`format_`", "did you mean \"format\"?"] {
        assert!(said.err.contains(words), "{words} is not in {}", said.err);
    }
    files.edit("usher.toml", "format_ = 1", "");
    let said = files.usher(&["serve"]);
    for words in ["policy.toml:11", "\"adlut\"", "did you mean \"adult\"?", "policy.toml:12", "`warm`", "did you mean \"warn\"?"] {
        assert!(said.err.contains(words), "{words} is not in {}", said.err);
    }
    assert!(!said.err.contains("cannot listen"), "{}", said.err);
    assert!(!files.path("data/log.db").exists(), "nothing was begun");
    assert_eq!(files.usher(&["config", "check"]).code, Some(2));
}

#[test]
fn the_problems_of_all_files_are_told_at_once() {
    let files = World::new().write();
    files.edit("policy.toml", "block = [\"adult\"]", "block = [\"adlut\"]");
    files.edit("usher.toml", "[limits]", "[limits]\nhead_second = 1");
    for command in [&["serve"][..], &["config", "check"]] {
        let said = files.usher(command);
        assert_eq!(said.code, Some(2));
        assert!(said.err.contains("`head_second`") && said.err.contains("\"adlut\""), "{command:?}: {}", said.err);
    }
}

/// Spoils a school's files, and holds what must be held for that.
type Spoil = dyn Fn(&Files) -> Option<TcpListener>;

#[test]
fn what_stands_in_the_way_is_one_sentence_that_says_what_to_do() {
    let wrong: [(&str, &Spoil, &[&str]); 4] = [
        ("a port in use", &|files| Some(with_port_taken(files)), &["cannot listen on 127.0.0.1:", "stop it, or choose another port"]),
        (
            "a list that is not there",
            &|files| {
                files.edit("usher.toml", "path = \"lists\"", "path = \"lsits\"");
                None
            },
            &["the list \"school\" cannot be read", "lsits", "check `path`"],
        ),
        (
            "a data folder that is a file",
            &|files| {
                files.put("data", "a file");
                None
            },
            &["the data folder", "cannot be written", "make it writable"],
        ),
        (
            "a policy that is not there",
            &|files| {
                files.edit("usher.toml", "policy.toml", "polcy.toml");
                None
            },
            &["polcy.toml: cannot be read"],
        ),
    ];
    for (what, make, words) in wrong {
        let files = World::new().write();
        let _held = make(&files);
        let said = files.usher(&["serve"]);
        assert_eq!(said.code, Some(2), "{what}: {said:?}");
        assert_eq!(said.err.lines().filter(|line| !line.trim_start().starts_with("hint: ")).count(), 1, "{what}: {}", said.err);
        assert!(words.iter().all(|words| said.err.contains(words)), "{what}: {}", said.err);
    }
}

#[tokio::test]
async fn the_log_is_searched_shown_and_followed() {
    let school = World::new().start().await;
    school.pupil().get("http://games.example/one").await;
    school.after(60);
    school.teacher().get("http://adult.example/two?revision").await;
    school.stranger().connect("games.example:443").await;
    let newest = school.pupil().get("http://sub.games.example/four").await;
    let files = school.stopped().await;
    for (arguments, paths) in [
        (&[][..], &["/four", "", "/two?revision", "/one"][..]),
        (&["--host", "games.example"], &["/four", "", "/one"]),
        (&["--host", "sub.games.example"], &["/four"]),
        (&["--category", "adult"], &["/two?revision"]),
        (&["--group", "year-7"], &["/four", "/one"]),
        (&["--client", "127.0.99.1"], &[""]),
        (&["--verdict", "blocked", "--limit", "1"], &["/four"]),
        (&["--text", "REVISION"], &["/two?revision"]),
        (&["--from", "2026-11-25T11:00:00Z", "--group", "year-7"], &["/four"]),
        (&["--to", "2026-11-25T10:30"], &["/one"]),
        (&["--user", "anna"], &[]),
        (&["--text", "%"], &[]),
    ] {
        let said = files.usher(&[&["log", "search", "--json"], arguments].concat());
        let found: Vec<_> = said.json().iter().map(|row| row["path"].as_str().expect("a path").to_owned()).collect();
        assert_eq!(found, paths, "{arguments:?}: {said:?}");
        assert_eq!(said.code, Some(i32::from(paths.is_empty())), "{arguments:?}");
    }
    let id = newest.record().id.clone();
    let shown = files.usher(&["log", "show", &id.to_lowercase().replace('-', ""), "--json"]);
    let row = &shown.json()[0];
    assert_eq!([&row["id"], &row["host"], &row["verdict"], &row["outcome"]], [&id, "sub.games.example", "blocked", "complete"]);
    let people = files.usher(&["log", "show", &id]);
    assert!(people.out.contains("Games is blocked for year-7.") && people.out.contains("school/games/domains, line 1: games.example"), "{people:?}");
    assert_eq!(files.usher(&["log", "show", "0000-0000-00000"]).code, Some(1));
    assert_eq!(files.usher(&["log", "show", "nonsense"]).code, Some(2));
    let tail = files.usher(&["log", "tail", "--no-follow", "--last", "2", "--json"]);
    let found: Vec<_> = tail.json().iter().map(|row| row["path"].clone()).collect();
    assert_eq!((found, tail.code), (vec!["".into(), "/four".into()], Some(0)), "the oldest of the newest first");
    assert!(files.usher(&["log", "tail", "--no-follow"]).out.lines().count() == 4);
    assert!(files.usher(&["log", "search"]).out.contains("games.example/one"));
}
