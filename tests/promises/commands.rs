//! What the commands say, and how they end: 0 fine, 1 the answer is no, 2 usage or configuration.

use crate::kit::{Files, Program, World};
use rustix::process::Signal;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;

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
    const BEFORE_LUNCH: &str = "2026-11-25T10:00";
    let lunch = "[timetable]\nperiod = [{ name = \"lunch\", from = \"12:30\", to = \"13:20\" }]\n[[rule]]\nname = \"lunch\"\nwhen = { group = \"year-7\", category = \"games\", during = \"lunch\" }\nthen = \"allow\"\nreason = \"A break.\"\nreview = 2027-01-10\n";
    let files = World::new().policy(lunch).user("mr.bell", "x", Some("staff")).write();
    for (arguments, code) in [
        (&["--user", "mr.bell"][..], 0),
        (&["--user", "7-anna", "--at", BEFORE_LUNCH], 1),
        (&["--user", "nobody", "--at", BEFORE_LUNCH], 1),
        (&["--client", "127.0.9.1"], 0),
        (&["--client", "10.0.0.1", "--at", BEFORE_LUNCH], 1),
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
        (&["log", "search", "--verdict", "block"], "did you mean \"blocked\"?"),
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
    files.edit("sources.toml", "address = \"lists\"", "address = \"lists\"\nformat_ = 1");
    let said = files.usher(&["serve"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    for words in ["sources.toml:", "`format_`", "did you mean \"format\"?"] {
        assert!(said.err.contains(words), "{words} is not in {}", said.err);
    }
    files.edit("sources.toml", "format_ = 1", "");
    let said = files.usher(&["serve"]);
    for words in ["policy.toml:13", "\"adlut\"", "did you mean \"adult\"?", "policy.toml:14", "`warm`", "did you mean \"warn\"?"] {
        assert!(said.err.contains(words), "{words} is not in {}", said.err);
    }
    assert!(!said.err.contains("cannot listen"), "{}", said.err);
    assert!(!files.path("data/log").exists(), "nothing was begun");
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
                files.edit("sources.toml", "address = \"lists\"", "address = \"lsits\"");
                None
            },
            &["the list \"school\" cannot be read", "lsits", "check its `address` in sources.toml"],
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
        (&["--client", "127.0.99.1", "--reason", "a concern was raised"], &[""]),
        (&["--verdict", "blocked", "--limit", "1"], &["/four"]),
        (&["--text", "REVISION"], &["/two?revision"]),
        (&["--from", "2026-11-25T11:00:00Z", "--group", "year-7"], &["/four"]),
        (&["--to", "2026-11-25T10:30"], &["/one"]),
        (&["--text", "rev"], &["/two?revision"]),
        (&["--user", "anna", "--reason", "a concern was raised"], &[]),
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

#[tokio::test]
async fn a_long_log_is_searched_page_by_page() {
    let school = World::new().start().await;
    for number in 0..7 {
        school.pupil().get(&format!("http://games.example/{number}")).await.is_blocked_because("category");
        school.after(1);
    }
    let files = school.stopped().await;
    let (mut found, mut before) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let said = files.usher(&[&["log", "search", "--json", "--limit", "3"], &before.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat());
        found.extend(said.json().iter().map(|row| row["path"].as_str().expect("a path").to_owned()));
        let Ok(next) = serde_json::from_str::<serde_json::Value>(&said.err) else {
            assert_eq!(said.err, "");
            break;
        };
        before = vec!["--before".to_owned(), next["next"].as_str().expect("a cursor").to_owned()];
    }
    assert_eq!(found, ["/6", "/5", "/4", "/3", "/2", "/1", "/0"]);
    let people = files.usher(&["log", "search", "--limit", "3"]).out;
    assert!(people.contains("3 shown; for more: --before "), "{people}");
    let whole = files.usher(&["log", "search"]).out;
    assert!(!whole.contains("--before"), "{whole}");
    let said = files.usher(&["log", "search", "--before", "yesterday"]);
    assert!(said.code == Some(2) && said.err.contains("not a reference number"), "{said:?}");
}

#[tokio::test]
async fn a_search_that_finds_nothing_helps() {
    let world = World::new().user("7-anna", "right", Some("year-7")).proxy("ask_for_password = \"unknown\"");
    let school = world.start().await;
    school.person([127, 0, 99, 1]).who_says("7-anna", "right").get("http://games.example/anna").await.is_blocked_because("category");
    let files = school.stopped().await;
    let why = ["--reason", "a concern was raised"];
    for (arguments, words) in [
        (&["--user", "7-ana"][..], "there is no user \"7-ana\"; did you mean \"7-anna\"?"),
        (&["--group", "year7"], "there is no group \"year7\"; did you mean \"year-7\"?"),
        (&["--category", "gamse"], "there is no category \"gamse\"; did you mean \"games\"?"),
        (&["--user", "7-anna", "--from", "2026-11-26"], "before: on Wednesday 25 November 2026 at 10:00"),
        (&["--user", "7-anna", "--to", "2026-11-25"], "after: on Wednesday 25 November 2026 at 10:00"),
        (&["--host", "news.example", "--to", "2026-11-25"], "nor is there anything at another time"),
    ] {
        let said = files.usher(&[&["log", "search"], arguments, &why].concat());
        assert_eq!(said.code, Some(1), "{arguments:?}: {said:?}");
        assert!(said.out.starts_with("nothing found\n") && said.out.contains(words), "{arguments:?}: {said:?}");
    }
    for (arguments, words) in [
        (&["--from", "2026-02-30"][..], "there is no 2026-02-30: that month ends on 2026-02-28"),
        (&["--from", "2026-11-25", "--to", "2026-11-25"], "nothing can lie between them"),
        (&["--text", "%"], "holds no word to look for"),
        (&["--kind", "visits"], "did you mean \"visit\"?"),
        (&["--class", "pupil"], "it is one of visit, search, resource, blocked, staff"),
    ] {
        let said = files.usher(&[&["log", "search"], arguments].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(words), "{arguments:?}: {said:?}");
    }
}

#[tokio::test]
async fn days_are_counted_without_names() {
    let school = World::new().start().await;
    for (path, minutes) in [("/one", 1), ("/two", 60 * 24), ("/three", 1)] {
        school.pupil().get(&format!("http://games.example{path}")).await.is_blocked_because("category");
        school.teacher().get("http://adult.example/").await.is_blocked_because("category");
        school.after(minutes);
    }
    let files = school.stopped().await;
    let days = files.usher(&["log", "stats", "--json", "--from", "2026-11-20", "--to", "2026-11-30"]).json();
    let told = |day: usize, field: &str| days[day][field].clone();
    assert_eq!([told(0, "day"), told(1, "day")], ["2026-11-25", "2026-11-26"]);
    assert_eq!(["requests", "people", "blocks"].map(|field| told(0, field)), [4, 2, 4]);
    assert_eq!(told(0, "top_blocked_hosts"), serde_json::json!([{ "name": "adult.example", "requests": 2 }, { "name": "games.example", "requests": 2 }]));
    assert_eq!(told(1, "top_categories"), serde_json::json!([{ "name": "adult", "requests": 1 }, { "name": "games", "requests": 1 }]));
    let people = files.usher(&["log", "stats", "--from", "2026-11-25", "--to", "2026-11-26"]);
    assert!(people.out.contains("Wed 25 Nov 2026") && !people.out.contains("26 Nov") && people.out.lines().all(|line| line.len() <= 80), "{people:?}");
    assert!(!people.out.contains("127.0."), "{people:?}");
    let none = files.usher(&["log", "stats", "--from", "2020-01-01", "--to", "2020-01-02"]);
    assert_eq!((none.code, none.out.as_str()), (Some(1), "there is nothing on record from 2020-01-01 to 2020-01-01\n"));
    assert_eq!(files.usher(&["log", "stats", "--from", "1990-01-01"]).code, Some(2), "at most three school years");
}

/// Whether this process ignores a signal, and with it every program it starts: a shell has its background jobs ignore SIGINT.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or_default() >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn the_log_is_followed_line_by_line_until_somebody_ends_it() {
    let usher = World::new().serve();
    usher.get("http://games.example/before");
    for signal in [Signal::INT, Signal::TERM].into_iter().filter(|signal| !is_ignored(*signal)) {
        let mut tail = usher.files.follow(&["log", "tail", "--last", "1"]);
        assert!(tail.line().contains("GET http://"), "it begins with what was last");
        for (url, verdict) in [("http://games.example/one", "blocked"), ("http://news.example:1/two", "allowed"), ("http://chat.example/three", "warned")] {
            usher.get(url);
            let line = tail.line();
            assert!(line.contains(&format!("GET {url} ")) && line.contains(verdict), "{line}");
        }
        tail.signal(signal);
        let (status, complaints) = tail.ended();
        assert!(status.success() || status.signal() == Some(signal.as_raw()), "{status}");
        assert_eq!(complaints, "");
    }
}

#[test]
fn whoever_follows_the_log_may_choose_and_stop_reading() {
    let usher = World::new().serve();
    usher.get("http://games.example/before");
    let mut tail = usher.files.follow(&["log", "tail", "--last", "1", "--verdict", "blocked", "--json"]);
    assert!(tail.line().contains("/before"));
    for path in ["/one", "/two"] {
        usher.get("http://news.example:1/passes");
        usher.get(&format!("http://games.example{path}"));
        let row: serde_json::Value = serde_json::from_str(&tail.line()).expect("one object a line");
        assert_eq!([&row["path"], &row["verdict"], &row["host"]], [path, "blocked", "games.example"]);
    }
    tail.stop_reading();
    usher.get("http://games.example/three");
    let (status, complaints) = tail.ended();
    assert_eq!((status.code(), complaints.as_str()), (Some(0), ""), "a closed pipe is no error");
}

#[test]
fn whoever_wants_nothing_earlier_of_the_log_is_shown_nothing_earlier() {
    let usher = World::new().serve();
    usher.get("http://games.example/before");
    assert_eq!(usher.files.usher(&["log", "tail", "--last", "0", "--no-follow"]).out, "");
    let mut tail = usher.files.follow(&["log", "tail", "--last", "0"]);
    let reading = std::thread::spawn(move || tail.line());
    while !reading.is_finished() {
        usher.get("http://games.example/after");
    }
    let line = reading.join().expect("a line");
    assert!(line.contains("/after"), "{line}");
}

fn mode(files: &Files, name: &str) -> u32 {
    files.path(name).metadata().expect("there").permissions().mode() & 0o777
}

#[test]
fn users_are_added_listed_changed_and_removed() {
    let files = World::new().write();
    assert!(files.usher(&["users", "list"]).out.contains("add one with: usher users add"));
    let text = || std::fs::read_to_string(files.path("data/users.toml")).expect("users");
    for (arguments, password) in [(&["add", "J.Smith", "--group", "staff"][..], "correct horse\n"), (&["add", "7-anna"], "battery staple")] {
        let said = files.usher_told(&[&["users"], arguments].concat(), password);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        assert!(said.out.contains("users.toml") && said.out.contains("SIGHUP"), "it says what to do next: {said:?}");
        assert_eq!((mode(&files, "data/users.toml"), mode(&files, "data")), (0o600, 0o700), "for its owner only");
        assert!(!text().contains(password.trim_end()), "a password is not kept");
    }
    let listed = files.usher(&["users", "list", "--json"]).json();
    assert_eq!(listed, [serde_json::json!({ "name": "7-anna", "group": null }), serde_json::json!({ "name": "j.smith", "group": "staff" })]);
    let people = files.usher(&["users", "list"]).out;
    assert!(people.contains("j.smith") && people.contains("staff") && people.contains("7-anna") && !people.contains("argon2"), "{people}");
    let before = text();
    assert_eq!(files.usher_told(&["users", "passwd", "j.smith"], "another\n").code, Some(0));
    assert_ne!(text(), before);
    assert_eq!((files.usher(&["users", "remove", "J.SMITH"]).code, files.usher(&["users", "remove", "7-anna"]).code), (Some(0), Some(0)));
    assert_eq!((files.usher(&["users", "list", "--json"]).out.as_str(), mode(&files, "data/users.toml")), ("", 0o600));
}

#[test]
fn a_change_of_users_that_makes_no_sense_changes_nothing_and_says_what_to_do() {
    let files = World::new().user("j.smith", "right", Some("staff")).write();
    let text = || std::fs::read_to_string(files.path("data/users.toml")).expect("users");
    let before = text();
    for (arguments, password, words) in [
        (&["add", "J.Smith"][..], "x\n", "there is a user \"j.smith\" already; change the password with: usher users passwd j.smith"),
        (&["passwd", "nobody"], "x\n", "there is no user \"nobody\"; see: usher users list"),
        (&["remove", "nobody"], "", "there is no user \"nobody\"; see: usher users list"),
        (&["add", "7-anna", "--group", "stuff"], "x\n", "there is no group \"stuff\"; there are year-7, staff"),
        (&["add", "anna bell"], "x\n", "use letters, digits"),
        (&["add", "7-anna"], "\nsecond line\n", "the password is empty"),
        (&["add", "7-anna"], "", "the password is empty"),
        (&["passwd", "j.smith"], "\n", "the password is empty"),
    ] {
        let said = files.usher_told(&[&["users"], arguments].concat(), password);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(words), "{arguments:?}: {said:?}");
        assert_eq!(text(), before, "{arguments:?}");
    }
}

/// The status that somebody with this password is answered with. Nothing listens at port 1: 502 is for who may go there.
fn status_for(usher: &Program, password: &str) -> String {
    usher.get_as("http://games.example:1/", "j.smith", password)[9..12].to_owned()
}

#[test]
fn a_user_added_can_log_in_once_it_is_taken_up_and_one_removed_cannot() {
    let mut usher = World::new().proxy("ask_for_password = \"always\"").serve();
    for (arguments, typed, right, wrong) in [
        (&["add", "j.smith", "--group", "staff"][..], "first\n", Some("first"), "First"),
        (&["passwd", "j.smith"], "second\n", Some("second"), "first"),
        (&["remove", "j.smith"], "", None, "second"),
    ] {
        assert_eq!(usher.files.usher_told(&[&["users"], arguments].concat(), typed).code, Some(0));
        usher.signal(Signal::HUP);
        usher.says("policy and lists reloaded");
        assert_eq!(status_for(&usher, wrong), "407", "{arguments:?}");
        if let Some(right) = right {
            assert_eq!(status_for(&usher, right), "502", "{arguments:?}");
            let row = &usher.rows()[0];
            assert_eq!((row.user.as_deref(), row.group.as_str(), row.verdict.as_str()), (Some("j.smith"), "staff", "allowed"));
        }
    }
}

#[test]
fn lists_are_checked_and_every_refused_line_is_shown_with_its_reason() {
    let sound = World::new().write();
    let said = sound.usher(&["lists", "check"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.out.contains("7 entries, 0 lines refused"), "{said:?}");
    let mut world = World::new().listed("games", "GAMES.example.").listed("games", "not a name");
    for number in 0..7 {
        world = world.listed("chat", &format!("bad name {number}"));
    }
    let files = world.write();
    let said = files.usher(&["lists", "check"]);
    assert_eq!((said.code, said.err.as_str()), (Some(1), ""), "{said:?}");
    for words in ["school/games/domains", "line 3: not a name: ", "line 2: bad name 0: ", "line 6: bad name 4: ", "and 2 more", "8 lines refused"] {
        assert!(said.out.contains(words), "{words} is not in {}", said.out);
    }
    assert!(!said.out.contains("bad name 5") && files.usher(&["lists", "check", "--all"]).out.contains("line 8: bad name 6: "));
    let reports = files.usher(&["lists", "check", "--json"]).json();
    let games = reports.iter().find(|report| report["category"] == "games").expect("a report of each list");
    assert_eq!((&games["accepted"], &games["duplicates"]), (&2.into(), &1.into()), "{games}");
    assert_eq!((&games["refused_lines"][0]["line"], &games["refused_lines"][0]["text"]), (&3.into(), &"not a name".into()), "{games}");
}

#[test]
fn every_entry_that_covers_a_url_is_looked_up() {
    let files = World::new().listed("streaming", "games.example").write();
    for (url, code, lines) in [
        ("http://sub.games.example/play", 0, &["school/games/domains 1 games.example", "school/streaming/domains 2 games.example"][..]),
        ("chat.example", 0, &["school/chat/domains 1 chat.example"]),
        ("notgames.example", 1, &[]),
    ] {
        let said = files.usher(&["lists", "lookup", url, "--json"]);
        let mut found: Vec<_> = said.json().iter().map(|entry| format!("{} {} {}", entry["list"], entry["line"], entry["text"]).replace('"', "")).collect();
        found.sort();
        assert_eq!((said.code, &found[..]), (Some(code), &lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()[..]), "{url}: {said:?}");
        let people = files.usher(&["lists", "lookup", url]).out;
        let words = if code == 0 { lines[0].split(' ').next().unwrap_or_default() } else { "is in no list" };
        assert!(people.contains(words), "{people}");
    }
    let said = files.usher(&["lists", "lookup", "http://"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.err.contains("cannot be looked up"), "{said:?}");
}
