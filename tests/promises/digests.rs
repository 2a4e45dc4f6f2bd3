//! Each school day somebody hears from Usher, also when nothing happened; and what would keep them from hearing is said.

use crate::kit::matters::{search, searching};
use crate::kit::smtp::{Does, Smtp, header, words};
use crate::kit::{Files, Origin, PATIENCE, Program, School, World};
use jiff::{Timestamp, ToSpan};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use usher::alert::outbox::{Outbox, State};
use usher::app::health::AGENT;
use usher::audit::Folder;
use usher::audit::incident::Act;
use usher::audit::journal::{Journal, Reader, Statement, Topic};

/// Who is told, by a mail server of this machine.
fn told_by(port: u16, roles: &[&str], more: &str) -> String {
    let one = |role: &&str| format!("[[recipient]]\nrole = \"{role}\"\nname = \"The {role}\"\nemail = \"{role}@school.example\"\n");
    let people: String = roles.iter().map(one).collect();
    format!(
        "{people}[mail]\nserver = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"Usher <usher@school.example>\"\n[routes]\nall = {{ to = [\"officer\"] }}\nstaff = {{ about = \"staff\", to = [\"officer\"] }}\n{more}\n"
    )
}

/// As shipped, in a school whose days are Monday to Friday.
const DIGEST: &str = "[digest]\nall_clear = \"08:15\"\nseen_at = \"07:00\"\nto = [\"officer\"]\ntechnician = [\"technician\"]\nweekly = \"friday 15:45\"\nweekly_to = [\"officer\", \"chair\"]\nconfirm_days = 3";
const TIMETABLE: &str = "[timetable]\nperiod = [{ name = \"lessons\", from = \"08:50\", to = \"15:30\" }]";
const TERMS: &str =
    "term = [{ name = \"autumn\", first = 2026-09-02, last = 2026-12-18 }]\nclosed = [{ name = \"inset\", first = 2026-12-01, last = 2026-12-01 }]";

/// A school where a site of self-harm must be blocked.
fn world() -> World {
    timeless().edited(TIMETABLE, &format!("{TIMETABLE}\n{TERMS}"))
}

/// The same without terms, for what goes by this machine's clock.
fn timeless() -> World {
    searching().policy(TIMETABLE).canaries("blocked = [\"hurt.example\"]").limit("free_disk_mib = 0")
}

fn files(world: &World, alerts: &str) -> Files {
    let files = world.write();
    files.put("alerts.toml", alerts);
    files
}

fn acts(data: &Path) -> Vec<(u64, Act)> {
    let statements = Reader::open(&Folder::at(data.join("log"))).and_then(|reader| reader.about(Topic::Alert, 0)).unwrap_or_default();
    statements.iter().filter_map(|statement: &Statement| Some((statement.number, statement.read()?))).collect()
}

/// Kind, day and text of each regular message that is stated.
fn digests(data: &Path) -> Vec<(String, String)> {
    let of = |(_, act): (u64, Act)| if let Act::Digest { kind, date, text } = act { Some((format!("{kind} {date}"), text)) } else { None };
    acts(data).into_iter().filter_map(of).collect()
}

fn kinds(data: &Path) -> Vec<String> {
    digests(data).into_iter().map(|(kind, _)| kind).collect()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what} takes too long");
        tokio::task::yield_now().await;
    }
}

/// Waits until so many regular messages are stated, and everything that waits is handed over.
async fn told(data: &Path, count: usize) {
    until(&format!("message {count}"), || digests(data).len() >= count).await;
    let handed_over = || {
        let outbox = Outbox::open(&data.join("alerts/outbox.db")).expect("an outbox");
        let place = acts(data).iter().filter(|(_, act)| matches!(act, Act::Digest { .. })).map(|(number, _)| *number).max();
        let is_seen = outbox.place().expect("a place") >= place.unwrap_or_default();
        is_seen && outbox.newest(1000).expect("messages").iter().all(|message| message.state == State::Sent)
    };
    until("handing over", handed_over).await;
}

/// The text of the mail to somebody.
fn mail_to(server: &Smtp, role: &str) -> String {
    let is_to = |mail: &&String| header(mail, "To").is_some_and(|to| to == format!("{role}@school.example"));
    words(server.mails().iter().find(is_to).expect("a mail")).replace("\r\n", "\n")
}

/// To whom a mail is, with its subject.
fn addressed(mail: &str) -> String {
    format!("{}: {}", header(mail, "To").expect("a recipient"), header(mail, "Subject").expect("a subject"))
}

#[tokio::test]
async fn a_morning_on_which_nothing_happened_is_told_once_and_its_link_is_the_answer() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let alerts = told_by(server.port(), &["officer", "technician", "chair"], DIGEST);
    let school = School::open(files(&world(), &alerts)).await;
    let data = school.files.path("data");
    school.is_at("2026-11-26T07:00:00Z");
    until("the look", || std::fs::read_to_string(data.join("alerts/regular.json")).is_ok_and(|text| text.contains("it was blocked"))).await;
    school.is_at("2026-11-26T08:15:00Z");
    told(&data, 2).await;
    let mut all: Vec<_> = server.mails().iter().map(|mail| addressed(mail)).collect();
    all.sort();
    assert_eq!(all, ["officer@school.example: [Usher] The morning of 2026-11-26", "technician@school.example: [Usher] The machine, morning of 2026-11-26"]);
    let text = mail_to(&server, "officer");
    // No sealed feed, and nobody has taken a message before.
    let first = "All systems seen working at 07:00, with 2 things to look at; 0 episodes since yesterday 10:00; 1 update of lists; 0 alerts unsent.\n";
    assert!(text.starts_with(first), "{text}");
    for part in ["\nAmber, look at it:\n  - illegal content: Illegal-content lists: not present", "\nI have read this: http://usher.internal/a/"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let technician = mail_to(&server, "technician");
    assert!(technician.contains("- filter: a site that must be blocked was asked for: it was blocked") && !technician.contains("episode"), "{technician}");
    // The request of Usher's own is on record for what it is, and is no matter, though it is of self-harm.
    let own: Vec<_> = school.rows().into_iter().filter(|row| row.host == "hurt.example").collect();
    assert_eq!(own.iter().map(|row| (row.user_agent.as_deref(), row.verdict.as_str())).collect::<Vec<_>>(), [(Some(AGENT), "blocked")]);
    assert!(own[0].path.starts_with("/usher-self-test/") && school.matters().is_empty(), "{own:?}");
    // Whoever writes the same path by hand is somebody who went there.
    let by_hand =
        school.stranger().with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Sec-Fetch-Site", "none").with("Sec-Fetch-User", "?1");
    by_hand.with("User-Agent", AGENT).get("http://hurt.example/usher-self-test/0000000000000000/00000000000000000000000000000000").await;
    school.matter("a disguise", |matter| matter.opened.client == "127.0.99.1").await;
    let link = text.lines().find_map(|line| line.strip_prefix("I have read this: ")).expect("a link").to_owned();
    assert_eq!(school.teacher().post(&link, "name=Ms+Bell").await.reply.status, 200);
    // Another start says nothing again, and knows who has confirmed it.
    let school = School::open_at(school.stopped().await, "2026-11-26T12:00:00Z").await;
    school.is_at("2026-11-27T08:15:00Z");
    told(&data, 4).await;
    assert_eq!(kinds(&data), ["all-clear 2026-11-26", "machine 2026-11-26", "all-clear 2026-11-27", "machine 2026-11-27"]);
    let texts = digests(&data);
    assert!(texts[3].1.contains("- morning message: last confirmed Thu 26 Nov 08:15 by Ms Bell (officer)"), "{}", texts[3].1);
    assert!(
        texts[2].1.contains("; 1 episode since yesterday 08:15;") && texts[2].1.contains("\nNobody has said that they have read one matter;"),
        "{}",
        texts[2].1
    );
}

#[tokio::test]
async fn on_days_off_nothing_comes_and_what_was_missed_says_that_it_is_late() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let alerts = told_by(server.port(), &["officer", "technician", "chair"], &DIGEST.replace("technician = [\"technician\"]\n", ""));
    // A Friday evening: the week is told late too.
    let school = School::open_at(files(&world(), &alerts), "2026-11-27T10:00:00Z").await;
    let data = school.files.path("data");
    // The morning is asked about before the week is: when that is stated, Sunday had its chance.
    school.is_at("2026-11-29T08:15:00Z");
    until("the week", || kinds(&data).len() >= 2).await;
    school.is_at("2026-11-30T08:15:00Z");
    told(&data, 3).await;
    let files = school.stopped().await;
    assert_eq!(kinds(&data), ["weekly 2026-11-27", "weekly-governors 2026-11-27", "all-clear 2026-11-30"], "not on Sunday");
    // Tuesday is closed; on Wednesday Usher is started at nine.
    let school = School::open_at(files, "2026-12-01T12:00:00Z").await;
    school.is_at("2026-12-02T00:00:00Z");
    let school = School::open_at(school.stopped().await, "2026-12-02T09:02:00Z").await;
    told(&data, 4).await;
    let texts = digests(&data);
    assert_eq!(texts[3].0, "all-clear 2026-12-02");
    assert!(texts[3].1.starts_with("Late: Usher was not running at 08:15. All systems seen working at 09:02"), "{}", texts[3].1);
    assert!(texts[3].1.contains("since Monday 08:15"), "{}", texts[3].1);
    drop(school);
}

#[tokio::test]
async fn the_week_is_told_by_theme_and_group_and_governors_read_no_small_number() {
    let (server, engine) = (Smtp::doing(&[Does::Takes]).await, Origin::saying("results").await);
    let alerts = told_by(server.port(), &["officer", "technician", "chair"], DIGEST);
    let school = School::open(files(&world().edited("not_tls = \"pass\"\n", ""), &alerts)).await;
    let data = school.files.path("data");
    let suppressed = Act::Suppressed {
        pattern: "search:lethal method".into(),
        group: Some("year-7".into()),
        until: "2026-12-04".into(),
        reason: "A lesson.".into(),
        by: "Ms Bell".into(),
    };
    let at: Timestamp = "2026-11-25T10:00:00Z".parse().expect("a time");
    Journal::open(&Folder::at(data.join("log"))).and_then(|mut journal| journal.state_act(at, &suppressed)).expect("stated");
    let coming_from = |last: u8, site: &str| {
        let person = school.person([127, 0, 7, last]).with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document");
        person.with("Sec-Fetch-Site", site).with("Sec-Fetch-User", "?1")
    };
    let by_hand = |last| coming_from(last, "none");
    for last in [1, 2] {
        by_hand(last).get(&search(engine.address.port(), "painless way to die")).await;
        school.matter("danger", |matter| matter.opened.client == format!("127.0.7.{last}")).await;
    }
    // The engine has taken the suppression up by the time it takes the matters after it.
    by_hand(3).get(&search(engine.address.port(), "lethal method")).await;
    // Somebody clicks on what is blocked, which is a sign and no matter; and somebody has a tunnel carry something else.
    coming_from(4, "cross-site").get("http://hurt.example/").await.is_blocked_because("category");
    let mut wire = by_hand(5).wire().await;
    wire.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", engine.authority())).await;
    assert_eq!(wire.head_only().await.status, 200);
    wire.send("SSH-2.0-OpenSSH_9.2p1\r\n").await;
    school.matter("a way round", |matter| matter.opened.theme == "bypass").await;
    school.files.edit("alerts.toml", "The chair", "The chairman");
    school.reloader.reload().await.expect("reloaded");
    until("the change", || usher::alert::changes::since(&Folder::at(data.join("log")), at).is_ok_and(|all| !all.is_empty())).await;
    let school = School::open_at(school.stopped().await, "2026-11-27T10:00:00Z").await;
    school.is_at("2026-11-27T15:45:00Z");
    until("the week", || kinds(&data).iter().filter(|kind| kind.starts_with("weekly")).count() == 2).await;
    told(&data, 3).await;
    let text = |wanted: &str| digests(&data).into_iter().find(|(kind, _)| kind == wanted).expect(wanted).1;
    let (officers, governors) = (text("weekly 2026-11-27"), text("weekly-governors 2026-11-27"));
    for part in [
        "From Wed 25 Nov 10:00 to Fri 27 Nov 15:45: 3 new, 0 repeated, 0 worse, 2 of danger.\n",
        "\n- self-harm: year-7 2 new\n- ways round the filter: year-7 1 new\n",
        "\nPeople with signs of it that come to no matter so far:\n- self-harm: 1\n",
        "\nWays round the filter that were found:\n- protocol: 1, ",
        "\n- not read by anybody: 3, the oldest of Wed 25 Nov 10:00\n",
        "\n- searches with the words \"lethal method\", year-7, until 2026-12-04: 1\n",
        "\n- Wed 25 Nov 10:00: recipient",
    ] {
        assert!(officers.contains(part), "{part} is not in {officers}");
    }
    assert!(governors.contains("a few new, 0 repeated, 0 worse, a few of danger") && governors.contains("year-7 a few new"), "{governors}");
    for text in [officers, governors] {
        assert!(!text.contains("127.0.7.") && !text.contains("painless"), "nobody is named: {text}");
    }
    let weekly: BTreeSet<_> = server.mails().iter().map(|mail| addressed(mail)).filter(|mail| mail.contains("week")).collect();
    let expected = ["chair@school.example: [Usher] The week to 2026-11-27", "officer@school.example: [Usher] The week to 2026-11-27"];
    assert_eq!(weekly, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn that_nobody_is_told_of_danger_is_said_wherever_usher_can_say_it() {
    let server = Smtp::doing(&[Does::Takes]).await;
    // A technician gets the morning message, and nobody gets danger.
    let alerts = told_by(server.port(), &["technician"], "[digest]\nall_clear = \"08:15\"\nto = [\"technician\"]")
        .replace("all = { to = [\"officer\"] }\nstaff = { about = \"staff\", to = [\"officer\"] }\n", "");
    let mut school = School::open(files(&timeless(), &alerts)).await;
    let data = school.files.path("data");
    let log = Folder::at(data.join("log"));
    let events = || {
        let all = usher::audit::events::search(&log, &usher::audit::events::Wanted::default()).unwrap_or_default();
        all.into_iter().filter(|row| row.kind.starts_with("nobody-told")).map(|row| format!("{} {}", row.severity, row.text)).collect::<Vec<_>>()
    };
    until("the event", || !events().is_empty()).await;
    school = School::open_at(school.stopped().await, "2026-11-26T08:00:00Z").await;
    school.is_at("2026-11-26T08:15:00Z");
    told(&data, 1).await;
    assert_eq!(events(), ["critical Nobody is told of danger: no route takes it"], "once, over a restart too");
    let text = mail_to(&server, "technician");
    assert!(
        text.starts_with("NOT all is well: 1 red at 08:15;") && text.contains("\nRed, somebody must act:\n  - recipients: Nobody is told of danger"),
        "{text}"
    );
    let said =
        tokio::task::spawn_blocking(move || (school.files.usher(&["alerts", "health"]), school.files.usher(&["alerts", "health", "--json"]), school)).await;
    let (plain, json, school) = said.expect("it runs");
    assert_eq!((plain.code, json.code), (Some(1), Some(1)), "{plain:?}");
    let first = plain.out.lines().find(|line| line.contains("RED")).expect("a red line");
    assert!(first.contains("recipients") && first.contains("Nobody is told of danger: no route takes it"), "{plain:?}");
    let object = &json.json()[0];
    assert_eq!((&object["light"], &object["checks"][0]["what"]), (&"red".into(), &"recipients".into()), "the worst first: {object}");
    // Mended, which is told once too.
    school.files.put("alerts.toml", &told_by(server.port(), &["officer", "technician"], "[digest]\nall_clear = \"08:15\"\nto = [\"technician\"]"));
    school.reloader.reload().await.expect("reloaded");
    until("the event", || events().len() == 2).await;
    assert!(events()[0].starts_with("info No longer so: Nobody is told"), "{:?}", events());
}

#[tokio::test]
async fn health_is_green_only_where_a_site_that_must_be_blocked_is_blocked_and_on_record() {
    let port = || std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let server = Smtp::doing(&[Does::Takes]).await;
    let files = files(&timeless(), &told_by(server.port(), &["officer"], "[digest]\nall_clear = \"08:15\"\nto = [\"officer\"]"));
    let listens = port();
    files.edit("usher.toml", "127.0.0.1:0", &format!("127.0.0.1:{listens}"));
    let program = Program::start(Arc::new(files));
    let health = |program: &Program| {
        let files = program.files.clone();
        async move { tokio::task::spawn_blocking(move || files.usher(&["alerts", "health", "--json"])).await.expect("it runs") }
    };
    let check = |said: &crate::kit::Said, what: &str| {
        let object = said.json().remove(0);
        let check =
            object["checks"].as_array().expect("checks").iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("{what}: {object}")).clone();
        format!("{}: {}", check["light"].as_str().expect("a light"), check["words"].as_str().expect("words"))
    };
    let said = health(&program).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(check(&said, "filter"), "green: a site that must be blocked was asked for: it was blocked, and the page says so");
    assert!(check(&said, "record").starts_with("green: the request was on record at once, as 0"), "{said:?}");
    // Another program stands there and lets everything through.
    let open = Origin::saying("hello").await;
    program.files.edit("usher.toml", &format!("127.0.0.1:{listens}"), &format!("127.0.0.1:{}", open.address.port()));
    let said = health(&program).await;
    assert_eq!((said.code, open.visits()), (Some(1), 1));
    assert!(check(&said, "filter").starts_with("red: a site that must be blocked was asked for: the answer was 200, and it is not on record"), "{said:?}");
    assert!(check(&said, "record").starts_with("red: "), "{said:?}");
    // Nobody stands there.
    program.files.edit("usher.toml", &format!("127.0.0.1:{}", open.address.port()), &format!("127.0.0.1:{}", port()));
    let said = health(&program).await;
    assert!(said.code == Some(1) && check(&said, "filter").contains("Usher does not answer at"), "{said:?}");
    // No site is said to be one that must be blocked: then it is not known whether Usher blocks.
    program.files.put("canaries.toml", "");
    assert!(check(&health(&program).await, "filter").starts_with("amber: not tried"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_usher_tells_a_morning_once() {
    let server = Smtp::doing(&[Does::Takes]).await;
    // Every day is a school day, and its message is due from its first minute on: at whatever hour this is tried.
    let days = "period = [{ name = \"day\", from = \"00:00\", to = \"23:59\", days = [\"monday\", \"tuesday\", \"wednesday\", \"thursday\", \"friday\", \"saturday\", \"sunday\"] }]";
    let world = searching().policy(&format!("[timetable]\n{days}")).canaries("blocked = [\"hurt.example\"]");
    let files = Arc::new(files(
        &world,
        &told_by(server.port(), &["officer", "technician"], "[digest]\nall_clear = \"00:00\"\nto = [\"officer\"]\ntechnician = [\"technician\"]"),
    ));
    let data = files.path("data");
    // It was there before today.
    let before = Act::Freed { suppression: 1, reason: "an earlier day".into(), by: "the calendar".into() };
    let long_ago = Timestamp::now().checked_sub(72.hours()).expect("a time");
    Journal::open(&Folder::at(data.join("log"))).and_then(|mut journal| journal.state_act(long_ago, &before)).expect("stated");
    for round in 0..6 {
        let mut usher = Program::start(files.clone());
        match round {
            0 | 1 => {}
            2 => until("the look", || std::fs::read_to_string(data.join("alerts/regular.json")).is_ok_and(|text| text.contains("filter"))).await,
            3 => until("a message", || !digests(&data).is_empty()).await,
            _ => until("a mail", || !server.mails().is_empty()).await,
        }
        usher.signal(Signal::KILL);
        usher.ended();
    }
    let _usher = Program::start(files.clone());
    told(&data, 2).await;
    let stated = kinds(&data);
    let distinct: BTreeSet<_> = stated.iter().collect();
    assert_eq!(distinct.len(), stated.len(), "{stated:?}");
    assert!(digests(&data)[0].1.starts_with("Late: Usher was not running at 00:00"), "{:?}", digests(&data));
    // Killed between the server's word and its record, the same mail comes again; it is the same by its name.
    let mails: BTreeSet<_> = server.mails().iter().filter_map(|mail| header(mail, "Message-ID")).collect();
    assert_eq!(mails.len(), stated.len(), "{mails:?}");
}

#[tokio::test]
async fn whoever_is_named_later_is_told_of_this_morning_and_of_none_before() {
    let server = Smtp::doing(&[Does::Takes]).await;
    let digest = "[digest]\nall_clear = \"08:15\"\nto = [\"officer\"]";
    let school = School::open(files(&world(), digest)).await;
    let data = school.files.path("data");
    for (count, day) in [(1, "26"), (2, "27")] {
        school.is_at(&format!("2026-11-{day}T08:15:00Z"));
        until("a message", || digests(&data).len() == count).await;
    }
    school.is_at("2026-11-27T08:20:00Z");
    school.files.put("alerts.toml", &told_by(server.port(), &["officer"], digest));
    school.reloader.reload().await.expect("reloaded");
    told(&data, 2).await;
    until("a mail", || !server.mails().is_empty()).await;
    assert_eq!(server.mails().iter().map(|mail| addressed(mail)).collect::<Vec<_>>(), ["officer@school.example: [Usher] The morning of 2026-11-27"]);
}
