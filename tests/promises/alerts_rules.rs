//! Who is told of what is checked before it is needed: a wrong rule or route is told with its line, a rule can be tried on the past, what counts for nothing
//! has an end, and that nobody is told is said wherever Usher speaks.

use crate::kit::matters::{search, searching, stated_in};
use crate::kit::{Files, Origin, PATIENCE, School, World};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;
use usher::alert::suppress::{Suppression, fold};
use usher::audit::Folder;
use usher::audit::incident::Act;
use usher::audit::journal::{Journal, Reader, Topic};

/// An officer and a mail server.
const OFFICER: &str = r#"
[[recipient]]
role = "officer"
name = "Ms Bell"
email = "dsl@school.example"
user = "staff-bell"
[mail]
server = "smtp.school.example"
from = "Usher <usher@school.example>"
[routes]
all = { to = "officer" }
staff = { about = "staff", to = "officer" }
"#;

/// Three different games within a quarter of an hour.
const MANY_GAMES: &str = r#"
[[rule]]
name = "many games"
when = { verdict = "blocked", category = "games" }
count = 3
distinct = "host"
within = 15
theme = "gambling"
level = "concern"
reason = "An example."
review = 2027-09-01
"#;

fn written(world: &World, alerts: &str) -> Files {
    let files = world.write();
    files.put("alerts.toml", alerts);
    files
}

#[test]
fn everything_that_is_wrong_with_the_file_is_told_at_once_and_nothing_is_begun() {
    let files = World::new().write();
    let lines = [
        "[[recipient]]",
        "role = \"officer\"",
        "name = \"Ms Bell\"",
        "email = \"dsl at school.example\"",
        "[mail]",
        "server = \"smtp.school.example\"",
        "user = \"usher\"",
        "password_file = \"mail.password\"",
        "from = \"usher@school.example\"",
        "[[hook]]",
        "name = \"chat\"",
        "address = \"http://hooks.example/T0K3N\"",
        "shape = \"slack\"",
        "[[rule]]",
        "name = \"never\"",
        "when = { way = \"wisp\", kind = \"resource\", start = \"typed\" }",
        "count = 0",
        "level = \"danger\"",
        "reason = \"why\"",
        "review = 2027-09-01",
        "[routes]",
        "head = { about = \"head\", to = [\"chiar\"] }",
        "[ladders]",
        "danger = [{ to = \"deputy\", after = 10 }, { to = \"head\", after = 5 }]",
    ];
    files.put("alerts.toml", &lines.join("\n"));
    files.put("mail.password", "secret\n");
    fs::set_permissions(files.path("mail.password"), fs::Permissions::from_mode(0o644)).expect("set");
    for command in [&["config", "check"][..], &["serve"]] {
        let said = files.usher(command);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        for words in [
            "alerts.toml:4: recipient \"Ms Bell\", email: \"dsl at school.example\" is no address",
            "alerts.toml:8: mail.password_file: ",
            "may be read or changed by others (mode 644)",
            "alerts.toml:12: hook \"chat\", address: it has no https",
            "alerts.toml:16: rule \"never\", when",
            "is never set off so",
            "alerts.toml:17: rule \"never\", count: a rule that takes none can never fire",
            "alerts.toml:18: rule \"never\", level: danger is more than the theme bypass ever comes to",
            "alerts.toml:22: routes.head.to: \"chiar\" is neither a role nor the name of a hook\n  hint: did you mean \"chair\"?",
            "alerts.toml:24: ladders.danger.after: it is not later than the step before",
        ] {
            assert!(said.err.contains(words), "{words} is not in\n{}", said.err);
        }
        assert!(!said.err.contains("T0K3N"), "the address of a hook is a secret: {}", said.err);
    }
    assert!(!files.path("data/log").exists(), "nothing was begun");
}

#[test]
fn a_file_that_is_named_and_missing_is_a_problem_and_one_that_nobody_names_is_not() {
    let files = World::new().write();
    assert_eq!(files.usher(&["config", "check"]).code, Some(0));
    files.edit("usher.toml", "canaries = \"canaries.toml\"", "canaries = \"canaries.toml\"\nalerts = \"alarms.toml\"");
    let said = files.usher(&["config", "check"]);
    assert!(said.code == Some(2) && said.err.contains("alarms.toml: cannot be read"), "{said:?}");
}

#[tokio::test]
async fn it_is_taken_up_with_the_rest_or_not_at_all() {
    let files = written(&World::new(), OFFICER);
    let school = School::open(files).await;
    let rules = || school.reloader.alerts().rules.len();
    assert_eq!((rules(), school.reloader.alerts().red.clone()), (0, None));
    school.files.put("alerts.toml", &format!("{OFFICER}{MANY_GAMES}"));
    school.reloader.reload().await.expect("it is sound");
    assert_eq!(rules(), 1);
    school.files.put("alerts.toml", &format!("{OFFICER}{}", MANY_GAMES.replace("count = 3", "count = 0")));
    let error = school.reloader.reload().await.expect_err("it can never fire").to_string();
    assert!(error.contains("alerts.toml:17: rule \"many games\", count"), "{error}");
    assert_eq!(rules(), 1, "what was in force stays");
}

#[test]
fn that_nobody_is_told_of_danger_is_said_wherever_usher_speaks() {
    const RED: &str = "Nobody is told of danger: no recipient with the role officer";
    let routes = "[routes]\ndanger = { at_least = \"danger\", to = [\"officer\"] }\n";
    for alerts in [None, Some(routes)] {
        let files = World::new().write();
        if let Some(text) = alerts {
            files.put("alerts.toml", text);
        }
        let said = files.usher(&["config", "check"]);
        assert!(said.code == Some(0) && said.out.contains(RED), "{said:?}");
        let mut serving = files.follow(&["serve"]);
        let hello: Vec<_> = std::iter::from_fn(|| Some(serving.line()).filter(|line| !line.is_empty() && !line.contains("usher log tail"))).collect();
        assert!(hello.iter().any(|line| line.contains("missing") && line.contains(RED)), "{hello:?}");
    }
    // A rule that is past its date, and one that no list has anything for.
    let old = MANY_GAMES.replace("2027-09-01", "2026-09-01").replace("\"games\" }", "\"help\" }");
    let files = written(&World::new(), &format!("{OFFICER}{old}"));
    let mut serving = files.follow(&["serve"]);
    let hello: Vec<_> = std::iter::from_fn(|| Some(serving.line()).filter(|line| !line.is_empty() && !line.contains("usher log tail"))).collect();
    for words in ["was to be reviewed by 2026-09-01", "cannot fire: no list has an entry for help"] {
        assert!(hello.iter().any(|line| line.contains("\"many games\" of alerts.toml") && line.contains(words)), "{words}: {hello:?}");
    }
    // Once somebody is told, it is not said; and what is not covered is.
    let files = written(&World::new(), OFFICER);
    let said = files.usher(&["config", "check"]);
    assert!(said.code == Some(0) && !said.out.contains("Nobody"), "{said:?}");
    files.edit("alerts.toml", "staff = { about = \"staff\", to = \"officer\" }", "");
    let said = files.usher(&["config", "check"]);
    assert!(said.code == Some(0) && said.out.contains("Nobody is told of danger about staff"), "{said:?}");
    // A role that is misspelled is not the role.
    files.edit("alerts.toml", "role = \"officer\"", "role = \"oficer\"");
    let said = files.usher(&["config", "check"]);
    assert!(said.code == Some(2) && said.err.contains("alerts.toml:11: routes.all.to: the route \"all\" goes to nobody"), "{said:?}");
}

/// What became of people on a Wednesday and the day after: four matters of three of them. The others stay below what the rule takes.
async fn planted() -> Files {
    let mut world = World::new().user("7-anna", "right", Some("year-7")).proxy("ask_for_password = \"unknown\"").scan("phrases = [\"phrases\"]");
    for site in ["two", "three", "four", "five"] {
        world = world.listed("games", &format!("{site}.games.test"));
    }
    let files = written(&world, MANY_GAMES);
    let school = School::open(files).await;
    let home = [127, 0, 99, 1];
    // (minutes since the last, the device, the site)
    for (minutes, device, site) in [
        // One episode, which goes on.
        (0, 1, "games.example"),
        (1, 1, "two.games.test"),
        (1, 2, "games.example"),
        (1, 1, "three.games.test"),
        (2, 1, "four.games.test"),
        (1, 1, "four.games.test"),
        // Too slow, and then not.
        (12, 2, "two.games.test"),
        (12, 2, "three.games.test"),
        (1, 2, "four.games.test"),
        (1, 2, "five.games.test"),
        // Again and again the same, and only two.
        (1, 3, "games.example"),
        (1, 3, "games.example"),
        (1, 3, "games.example"),
        (1, 3, "two.games.test"),
    ] {
        school.after(minutes);
        school.person([127, 0, 7, device]).get(&format!("http://{site}/")).await.is_blocked_because("category");
    }
    // The first again, when more than a day has passed; somebody known by name; and staff, who may.
    school.after(25 * 60);
    for site in ["games.example", "two.games.test", "three.games.test"] {
        school.pupil().get(&format!("http://{site}/")).await.is_blocked_because("category");
        school.person(home).who_says("7-anna", "right").get(&format!("http://{site}/")).await.is_blocked_because("category");
        school.teacher().get(&format!("http://{site}:1/")).await;
    }
    school.stopped().await
}

const STRETCH: [&str; 4] = ["--from", "2026-11-25", "--to", "2026-11-28"];

fn statements(files: &Files) -> usize {
    Reader::open(&Folder::at(files.path("data/log"))).expect("a journal").after(0, 10_000).expect("read").len()
}

#[tokio::test]
async fn a_rule_that_is_tried_on_the_past_finds_what_was_planted() {
    let files = planted().await;
    let before = statements(&files);
    let said = files.usher(&[&["alerts", "test", "many games"], &STRETCH[..]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    // 20 blocked of pupils, 3 of staff in a class of their own; three devices, Anna, and a teacher's.
    assert!(said.out.starts_with("over 25 Nov 2026 to 27 Nov 2026: 3 school days, 23 records looked at, 5 people\n"), "{}", said.out);
    assert!(said.out.contains("the rule \"many games\" would have opened 3 episodes (3 people)\n"), "{}", said.out);
    assert!(said.out.contains("Wed 25 Nov 10:03") && said.out.contains("Thu 26 Nov"), "{}", said.out);
    assert!(!said.out.contains("7-anna") && !said.out.contains("127.0.7"), "nobody has said why they look: {}", said.out);
    assert_eq!(statements(&files), before, "it writes nothing");

    let found = files.usher(&[&["alerts", "test", "many games", "--json"], &STRETCH[..]].concat()).json().remove(0);
    assert_eq!([&found["opened"], &found["of_people"], &found["records"], &found["school_days"]], [3, 3, 23, 3], "{found}");
    let signs: Vec<_> = found["episodes"].as_array().expect("a list").iter().map(|episode| episode["signs"].as_u64().expect("a number")).collect();
    assert_eq!(signs, [8, 4, 3], "{found}");
    // What is listed is on record: its reference is that of the first that counts.
    let reference = found["episodes"][0]["reference"].as_str().expect("one").to_owned();
    let row = files.usher(&["log", "show", &reference, "--reason", "trying a rule on the past", "--json"]).json().remove(0);
    assert_eq!([&row["host"], &row["client"]], ["games.example", "127.0.7.1"], "{row}");

    // Only the first day.
    let said = files.usher(&["alerts", "test", "many games", "--from", "2026-11-25", "--to", "2026-11-26"]);
    assert!(said.out.contains("1 school day,") && said.out.contains("would have opened 2 episodes (2 people)"), "{said:?}");
}

#[tokio::test]
async fn a_file_is_tried_before_it_is_used_and_its_problems_are_told() {
    let files = planted().await;
    let draft = |text: &str| files.put("draft.toml", text);
    let test = |more: &[&str]| files.usher(&[&["alerts", "test", files.path("draft.toml").to_str().expect("text")], &STRETCH[..], more].concat());
    draft(&format!("{MANY_GAMES}{}", MANY_GAMES.replace("many games", "far more").replace("count = 3", "count = 6")));
    let said = test(&[]);
    assert!(said.code == Some(0) && said.out.contains("the rule \"far more\" would have opened no episode"), "{said:?}");
    draft(&MANY_GAMES.replace("many games", "far more").replace("count = 3", "count = 6"));
    assert_eq!(test(&[]).code, Some(1), "the answer is no");
    draft(&MANY_GAMES.replace("within = 15", "within = 60"));
    assert!(test(&[]).out.contains("would have opened 3 episodes"));
    draft(&MANY_GAMES.replace("within = 15\n", ""));
    let said = test(&[]);
    assert!(said.code == Some(2) && said.err.contains("draft.toml:5: rule \"many games\", count"), "{said:?}");
    let said = files.usher(&["alerts", "test", "many gamse"]);
    assert!(said.code == Some(2) && said.err.contains("did you mean \"many games\"?"), "{said:?}");
    let said = files.usher(&["alerts", "test", "many games", "--from", "2026-11-28", "--to", "2026-11-25"]);
    assert!(said.code == Some(2) && said.err.contains("--from is not before --to"), "{said:?}");
}

#[tokio::test]
async fn what_a_file_would_have_come_to_is_what_it_came_to() {
    let origin = Origin::saying("results").await;
    let files = written(&searching().listed("games", "two.games.test").listed("games", "three.games.test"), &format!("{OFFICER}{MANY_GAMES}"));
    let school = School::open(files).await;
    let by_hand = |last| {
        let person = school.person([127, 0, 7, last]).with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Sec-Fetch-User", "?1");
        person.with("Sec-Fetch-Site", "none")
    };
    by_hand(1).get(&search(origin.address.port(), "painless way to die")).await;
    by_hand(2).get("http://hurt.example/").await.is_blocked_because("category");
    by_hand(2).get(&search(origin.address.port(), "painless way to die")).await;
    for site in ["games.example", "two.games.test", "three.games.test"] {
        by_hand(3).get(&format!("http://{site}/")).await.is_blocked_because("category");
    }
    let files = school.stopped().await;
    let matters = stated_in(&files.path("data/log"));
    let came: Vec<_> =
        matters.iter().map(|matter| (matter.opened.theme.clone(), matter.level.as_str().to_owned(), matter.opened.episode.to_string())).collect();
    assert_eq!(came.len(), 3, "{came:?}");
    let before = statements(&files);
    let test = |name: &str, more: &[&str]| files.usher(&[&["alerts", "test", files.path(name).to_str().expect("text")], &STRETCH[..], more].concat());
    let of = |object: &serde_json::Value, key: &str| object[key].as_str().expect("text").to_owned();
    let mut found = test("alerts.toml", &["--json"]).json();
    assert_eq!((found.len(), &found[1]["rule"]), (2, &"many games".into()), "the whole, and its rule");
    let whole = found.remove(0);
    let would: Vec<_> = whole["episodes"].as_array().expect("a list").iter().map(|one| (of(one, "theme"), of(one, "level"), of(one, "reference"))).collect();
    assert_eq!(would, came);
    assert_eq!([&whole["opened"], &whole["opened_in_fact"], &whole["untold"], &whole["of_people"]], [3, 3, 0, 3], "{whole}");
    assert!(whole["episodes"].as_array().expect("a list").iter().all(|one| one["told"] == serde_json::json!(["officer"])), "{whole}");

    // Nobody is told, and far more is wanted.
    files.put("draft.toml", &format!("{}[severity]\nconcern = 900\ndanger = 999\n", MANY_GAMES.replace("count = 3", "count = 4")));
    let said = test("draft.toml", &[]);
    assert!(said.code == Some(1) && said.out.contains("there would have been 0 episodes, 0 of danger (0 people); in fact there were 3\n"), "{said:?}");
    files.put("draft.toml", MANY_GAMES);
    let said = test("draft.toml", &[]);
    assert!(said.out.contains("nobody would have been told of 3 episodes") && said.out.contains("the rule \"many games\""), "{said:?}");
    assert!(!said.out.contains("127.0.7"), "{said:?}");
    // What counts for nothing now would not have counted.
    let told = &["alerts", "suppress", "--pattern", "host:hurt.example", "--until", "2027-02-12", "--reason", "An example", "--as", "Ms Bell"];
    assert_eq!(files.usher(told).code, Some(0));
    assert_eq!(statements(&files), before + 1, "nothing else was written");
    assert!(test("alerts.toml", &[]).out.contains("3 episodes, 2 of danger"), "it was typed too");
    files.put("draft.toml", &format!("{OFFICER}{MANY_GAMES}[severity]\ndanger = 999\n"));
    assert!(test("draft.toml", &[]).out.contains("3 episodes, 0 of danger (3 people)"));
}

#[tokio::test]
async fn who_tries_a_rule_that_names_somebody_says_why_and_that_is_on_record() {
    let files = planted().await;
    for condition in ["user = \"7-anna\"", "network = \"127.0.7.1/32\""] {
        files.put("draft.toml", &MANY_GAMES.replace("when = {", &format!("when = {{ {condition},")));
        let path = files.path("draft.toml");
        let test = |more: &[&str]| files.usher(&[&["alerts", "test", path.to_str().expect("text")], &STRETCH[..], more].concat());
        let said = test(&[]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains("this reads the records of a named person"), "{said:?}");
        let looks = || files.usher(&["log", "lookups", "--json"]).out.lines().count();
        let before = looks();
        let said = test(&["--reason", "is the rule for Anna right", "--as", "Ms Bell"]);
        assert!(said.code == Some(0) && said.out.contains(if condition.starts_with("user") { "7-anna" } else { "127.0.7.1" }), "{said:?}");
        assert_eq!(looks(), before + 1);
    }
    let looked = files.usher(&["log", "lookups", "--json"]).json();
    assert_eq!([&looked[1]["user"], &looked[0]["client"], &looked[0]["name"]], ["7-anna", "127.0.7.1/32", "Ms Bell"], "{looked:?}");
}

fn suppressions(files: &Files) -> Vec<Suppression> {
    fold(&Reader::open(&Folder::at(files.path("data/log"))).expect("a journal").about(Topic::Alert, 0).expect("read"))
}

#[tokio::test]
async fn what_counts_for_nothing_is_said_listed_and_ended_by_hand() {
    let files = planted().await;
    let today = jiff::Zoned::now().date();
    let [soon, late] = [10, 500].map(|days| today.saturating_add(jiff::Span::new().days(days)).to_string());
    files.put("phrases/polish", "reads: glossary\nlanguage: Polish\nbezbolesny sposób = painless way\numrzeć = to die\n");
    let suppress = |arguments: &[&str]| files.usher(&[&["alerts", "suppress"], arguments].concat());
    let why = ["--reason", "A set text; agreed with Ms Bell", "--as", "Mr Roe"];
    assert_eq!(suppress(&["list"]).code, Some(1), "nothing yet");
    for (arguments, words) in [
        (&["--pattern", "search:an inspector calls", "--until", &soon][..], "say why"),
        (&["--pattern", "search:an inspector calls", "--until", &soon, "--reason", "x"], "a reason is a few words"),
        (&["--pattern", "search:an inspector calls", "--reason", "a good reason"], "--until"),
        (&["--pattern", "search:kill", "--until", &soon, "--reason", "a good reason"], "says too little"),
        // Who suppresses these hides a child in danger.
        (&["--pattern", "search:painless way to die", "--until", &soon, "--reason", "a good reason"], "are themselves a sign of self-harm"),
        (&["--pattern", "search:bezbolesny sposob umrzec", "--until", &soon, "--reason", "a good reason"], "are themselves a sign of self-harm"),
        (&["--pattern", "theme:illegal", "--until", &soon, "--reason", "a good reason"], "against the law"),
        (&["--pattern", "category:terrorism", "--until", &soon, "--reason", "a good reason"], "against the law"),
        (&["--pattern", "category:gmaes", "--until", &soon, "--reason", "a good reason"], "did you mean \"games\"?"),
        (&["--pattern", "rule:many gamse", "--until", &soon, "--reason", "a good reason"], "did you mean \"many games\"?"),
        (&["--pattern", "rule:many games", "--until", &soon, "--group", "year-8", "--reason", "a good reason"], "did you mean \"year-7\"?"),
        (&["--pattern", "rule:many games", "--until", &late, "--reason", "a good reason"], "decided again"),
        (&["--pattern", "rule:many games", "--until", "2026-01-01", "--reason", "a good reason"], "is over"),
        (&["--pattern", "rule:many games", "--until", "summer", "--reason", "a good reason"], "is not a day"),
    ] {
        let said = suppress(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(words), "{arguments:?}: {said:?}");
    }
    assert_eq!(suppressions(&files), [], "nothing was made");

    let said = suppress(&[&["--pattern", "search:an inspector calls", "--group", "year-7", "--until", &soon], &why[..]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let [one] = &suppressions(&files)[..] else { panic!("one was made") };
    let number = one.number.to_string();
    assert!(
        said.out.contains(&format!("suppressed until {soon} (11 days): searches with the words \"an inspector calls\", year-7. Number {number}.")),
        "{}",
        said.out
    );
    assert!(said.out.contains("Danger of self-harm is not held back by a theme or a whole category."), "{}", said.out);
    let listed = suppress(&["list", "--json"]).json().remove(0);
    assert_eq!([&listed["pattern"], &listed["group"], &listed["until"]], ["search:an inspector calls", "year-7", soon.as_str()], "{listed}");
    assert!(listed["by"].as_str().is_some_and(|by| by.starts_with("Mr Roe (account ")), "{listed}");

    for (arguments, words) in
        [(&["end", "999999", "--reason", "the unit is over"][..], "there is no suppression 999999 in force"), (&["end", &number], "say why")]
    {
        let said = suppress(arguments);
        assert!(said.code == Some(2) && said.err.contains(words), "{arguments:?}: {said:?}");
    }
    let said = suppress(&["end", &number, "--reason", "the unit is over", "--as", "Mr Roe"]);
    assert!(said.code == Some(0) && said.out.contains("count again"), "{said:?}");
    assert_eq!(suppress(&["list"]).code, Some(1));
    assert!(suppress(&["end", &number, "--reason", "the unit is over"]).err.contains("no suppression"));
    let all = suppress(&["list", "--all", "--json"]).json().remove(0);
    assert_eq!([&all["in_force"], &all["ended"]["reason"]], [&serde_json::json!(false), &serde_json::json!("the unit is over")], "{all}");
    assert!(files.usher(&["log", "verify"]).code == Some(0), "it is in the record's own chain");
}

#[tokio::test]
async fn what_counts_for_nothing_ends_by_the_calendar_and_that_is_on_record_once() {
    let files = written(&World::new(), MANY_GAMES);
    let folder = Folder::at(files.path("data/log"));
    let number = {
        let mut journal = Journal::open(&folder).expect("a journal");
        let act = |until: &str| Act::Suppressed {
            pattern: "rule:many games".into(),
            group: None,
            until: until.into(),
            reason: "a game day".into(),
            by: "Mr Roe".into(),
        };
        let at = "2026-11-20T10:00:00Z".parse().expect("a time");
        journal.state_act(at, &act("2026-11-25")).expect("stated");
        journal.state_act(at, &act("2026-11-24")).expect("stated").expect("a number")
    };
    // It is Wednesday the 25th there.
    let school = School::open(files).await;
    let started = Instant::now();
    let ended = loop {
        let ended: Vec<_> = suppressions(&school.files).into_iter().filter(|one| one.freed.is_some()).collect();
        if !ended.is_empty() {
            break ended;
        }
        assert!(started.elapsed() < PATIENCE, "nobody looked at the calendar");
        tokio::task::yield_now().await;
    };
    assert_eq!(ended.len(), 1, "the other has a day left");
    assert_eq!((ended[0].number, ended[0].freed.as_ref().map(|(_, _, by)| &**by)), (number, Some("the calendar")));
    let files = school.stopped().await;
    let stated = || Reader::open(&folder).expect("a journal").about(Topic::Alert, 0).expect("read").len();
    assert_eq!(stated(), 3);
    let school = School::open(files).await;
    school.reloader.reload().await.expect("sound");
    assert_eq!(stated(), 3, "once");
}
