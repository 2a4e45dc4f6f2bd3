//! The illegal tier cannot be switched off: what is sealed is blocked whatever is allowed, and whatever is done to the files.

use crate::kit::{Files, Origin, Program, School, World, soon};
use jiff::{Timestamp, ToSpan};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use usher::illegal::key::{Licence, PublisherKey};
use usher::illegal::lines;
use usher::illegal::sealed::{self, Issue, Purpose};

/// A page of a site that is here, a page that is listed as https, and a site.
const LINES: &str = "child-sexual-abuse http://news.example/album/1\nchild-sexual-abuse https://news.example/album/2\nterrorism site sealed-site.example\n";
/// What LINES says, as nobody may read it anywhere. Where a test asks for one of them, that one is in the log.
const HIDDEN: [&str; 3] = ["news.example/album/1", "news.example/album/2", "sealed-site.example"];

/// Everything is allowed to everyone at every port.
const ALL_ALLOWED: &str =
    "[[rule]]\nname = \"all\"\nwhen = { network = [\"0.0.0.0/0\"] }\nthen = \"allow\"\nreason = \"The head said so.\"\nreview = 2099-01-01\n";

/// Somebody who makes feeds.
struct Publisher(PublisherKey);

impl Publisher {
    fn new(number: u8) -> Self {
        Self(PublisherKey::of_random(&[number; 64]))
    }

    fn feed(&self, serial: u64, issued: Timestamp, text: &str) -> Vec<u8> {
        let issue = Issue { publisher: "Example Publisher".into(), serial, issued, fresh_hours: 24, purpose: Purpose::List };
        sealed::seal(&issue, &lines::read(text, None).expect("lines"), &self.0).expect("sealed")
    }

    /// Gives a school feed and key.
    fn give(&self, files: &Files, serial: u64, issued: Timestamp) {
        write(files, "feed.sealed", &self.feed(serial, issued, LINES));
        files.put("illegal.key", &self.0.licence().expect("a licence").text());
    }
}

fn write(files: &Files, name: &str, bytes: &[u8]) {
    fs::write(files.path(name), bytes).expect("written");
}

/// The whole second this is.
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).expect("a time")
}

const SETTING: &str = "[illegal]\nfeed = \"feed.sealed\"\nkey = \"illegal.key\"\n";

/// A school whose configuration names a feed, made an hour ago with number 7.
fn with_feed(world: &World) -> Files {
    let files = world.write();
    files.edit("usher.toml", "[limits]", &format!("{SETTING}[limits]"));
    Publisher::new(1).give(&files, 7, now().checked_sub(1.hour()).expect("a time"));
    files
}

/// The morning the school's own clock stands at.
fn morning() -> Timestamp {
    "2026-11-25T10:00:00Z".parse().expect("a time")
}

async fn school_with_feed(world: World, serial: u64) -> School {
    let files = with_feed(&world);
    Publisher::new(1).give(&files, serial, morning());
    School::open(files).await
}

/// Neighbours of the page that is sealed.
const LAWFUL: [&str; 5] = ["/album/", "/album/11", "/album/1/2", "/album/1?page=2", "/?u=http://news.example/album/1"];

#[tokio::test]
async fn what_is_sealed_is_blocked_for_everyone_whatever_is_allowed() {
    let origin = Origin::saying("page").await;
    let world =
        World::new().policy(ALL_ALLOWED).listed("help", "news.example").named("sealed-site.example", "127.0.0.1").proxy("ask_for_password = \"unknown\"");
    let school = school_with_feed(world.user("head", "right", Some("staff")), 7).await;
    let port = origin.address.port();
    let head = school.person([127, 0, 99, 1]).who_says("head", "right");
    for person in [school.pupil(), school.teacher(), head] {
        for path in ["/album/1", "/ALBUM/1/", "//album/./1/index.html?", "/x/../%61lbum/%31", "/album/%2531", "/album/1;x?fbclid=y"] {
            let answer = person.get(&format!("http://news.example:{port}{path}")).await;
            let row = answer.is_blocked_because("always-blocked").record();
            assert_eq!(
                (row.path.as_str(), row.categories.join(" ").as_str(), row.rule.is_none(), row.entry.is_none()),
                (path, "child-sexual-abuse help", true, true)
            );
            assert_eq!(row.why, "Child sexual abuse is blocked for everyone, always: it is in the sealed feed of Example Publisher, number 7.");
        }
        person.get(&format!("http://www.sealed-site.example:{port}/any")).await.is_blocked_because("always-blocked");
        person.connect("sealed-site.example:443").await.is_blocked_because("always-blocked");
        for path in LAWFUL {
            person.get(&format!("http://news.example:{port}{path}")).await.is_from_the_site("page");
        }
        // Of https only the host is seen, and the host is not listed.
        assert_eq!(person.connect(&format!("news.example:{port}")).await.reply.status, 200);
    }
    let seen = origin.seen();
    assert!(
        seen.iter().all(|request| LAWFUL.iter().any(|path| request.starts_with(&format!("GET {path} HTTP/1.1\r\n")))),
        "nothing else reached the site: {seen:?}"
    );
}

#[test]
fn check_says_so_too() {
    let files = with_feed(&World::new().policy(ALL_ALLOWED));
    for (url, code, kind) in [
        ("http://news.example/album/1/index.html", 1, "always-blocked"),
        ("https://a.sealed-site.example/", 1, "always-blocked"),
        ("http://news.example/album/3", 0, "rule"),
    ] {
        let said = files.usher(&["check", url, "--group", "staff", "--json"]);
        assert_eq!((said.code, &said.json()[0]["reason"]["kind"]), (Some(code), &kind.into()), "{said:?}");
    }
}

/// The kinds of what is wrong, as `usher illegal status` says.
fn wrong(files: &Files) -> Vec<String> {
    let said = files.usher(&["illegal", "status", "--json"]);
    let status = &said.json()[0];
    let kinds: Vec<_> = status["why"].as_array().expect("a list").iter().map(|why| why["kind"].as_str().expect("a word").to_owned()).collect();
    assert_eq!((said.code, status["standing"].as_str()), if kinds.is_empty() { (Some(0), Some("sealed")) } else { (Some(1), Some("red")) }, "{said:?}");
    kinds
}

/// The texts of the critical events on record, newest first, but for that nobody is told of danger, which is so in these schools.
fn critical(files: &Files) -> Vec<String> {
    let rows = files.usher(&["log", "events", "--severity", "critical", "--json"]).json();
    rows.iter().filter(|row| row["kind"] != "nobody-told").map(|row| row["text"].as_str().expect("a text").to_owned()).collect()
}

fn is_blocked(usher: &Program) {
    for url in ["http://news.example:1/album/1", "http://sealed-site.example:1/"] {
        assert!(usher.get(url).starts_with("HTTP/1.1 403"), "{url}");
        assert_eq!(usher.rows()[0].reason, "always-blocked");
    }
}

type Tamper = dyn Fn(&Files);

fn alter(files: &Files, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(files.path(name)).expect("a file");
    change(&mut bytes);
    write(files, name, &bytes);
}

fn remove(files: &Files, name: &str) {
    fs::remove_file(files.path(name)).expect("removed");
}

/// What somebody with the run of the machine might do, and what is then said to be wrong.
const TAMPERINGS: [(&str, &Tamper, &[&str], &str); 15] = [
    ("a byte of the feed altered", &|files| alter(files, "feed.sealed", |bytes| bytes[200] ^= 1), &["tampered"], "its signature is not that of the publisher"),
    ("the feed cut short", &|files| alter(files, "feed.sealed", |bytes| bytes.truncate(100)), &["tampered"], "it is cut short"),
    ("the feed emptied", &|files| alter(files, "feed.sealed", Vec::clear), &["tampered"], "it is not a sealed feed"),
    ("the feed removed", &|files| remove(files, "feed.sealed"), &["removed"], "feed.sealed cannot be read"),
    ("the key removed", &|files| remove(files, "illegal.key"), &["removed"], "illegal.key cannot be read"),
    ("the key spoilt", &|files| files.put("illegal.key", "version = 1\n"), &["key"], "illegal.key cannot be used"),
    ("an older feed", &|files| Publisher::new(1).give(files, 6, now()), &["downgraded"], "the feed is number 6, and number 7 was in force"),
    (
        "an empty feed with its number",
        &|files| write(files, "feed.sealed", &Publisher::new(1).feed(7, now(), "")),
        &["tampered"],
        "another than the one with number 7",
    ),
    (
        "another publisher's feed and key",
        &|files| Publisher::new(2).give(files, 99, now()),
        &["other-publisher"],
        "of another publisher than \"Example Publisher\"",
    ),
    ("the setting taken out", &|files| files.edit("usher.toml", SETTING, ""), &["removed"], "[illegal] was taken out of usher.toml"),
    ("the state removed", &|files| remove(files, "data/illegal/state"), &["tampered"], "illegal/state in the data folder) was removed"),
    ("the state altered", &|files| alter(files, "data/illegal/state", |bytes| bytes[20] ^= 1), &["tampered"], "illegal/state in the data folder) was altered"),
    ("the copy altered", &|files| alter(files, "data/illegal/feed", |bytes| bytes[200] ^= 1), &["tampered"], "illegal/feed in the data folder) was altered"),
    (
        "all that is kept removed",
        &|files| fs::remove_dir_all(files.path("data/illegal")).expect("removed"),
        &["tampered"],
        "illegal/state in the data folder) was removed",
    ),
    ("the installation's secret changed", &|files| remove(files, "data/secret.key"), &["tampered"], "illegal/state in the data folder) was altered"),
];

#[test]
fn whatever_is_done_to_the_files_between_two_starts_is_red_on_record_once_and_opens_nothing() {
    for (what, tamper, kinds, words) in TAMPERINGS {
        let files = Arc::new(with_feed(&World::new().policy(ALL_ALLOWED)));
        is_blocked(&Program::start(files.clone()));
        assert_eq!((wrong(&files), critical(&files)), (vec![], vec![]), "{what}");
        tamper(&files);
        for start in ["the first start", "the second"] {
            let mut usher = Program::start(files.clone());
            is_blocked(&usher);
            let told = critical(&files);
            assert!(told.len() == 1 && told[0].contains(words), "{what}, {start}: {told:?}");
            assert_eq!(wrong(&files), kinds, "{what}, {start}");
            if start == "the first start" {
                assert!(usher.says("illegal-content lists: RED").contains("critical"), "{what}");
            }
        }
    }
}

#[test]
fn whatever_is_done_while_it_runs_is_red_at_the_next_reload_which_takes_up_the_rest() {
    for (what, tamper, kinds, words) in TAMPERINGS.into_iter().filter(|(what, ..)| !what.contains("secret")) {
        let files = Arc::new(with_feed(&World::new()));
        let mut usher = Program::start(files.clone());
        tamper(&files);
        files.put("lists/games/domains", "other.example\n");
        usher.signal(Signal::HUP);
        usher.says("policy and lists reloaded");
        is_blocked(&usher);
        assert!(usher.get("http://other.example/").starts_with("HTTP/1.1 403"), "{what}: the rest is taken up");
        let told = critical(&files);
        assert!(told.len() == 1 && told[0].contains(words), "{what}: {told:?}");
        assert_eq!(wrong(&files), kinds, "{what}");
    }
}

#[test]
fn a_changed_secret_does_not_lose_the_kept_key() {
    let files = Arc::new(with_feed(&World::new()));
    drop(Program::start(files.clone()));
    remove(&files, "data/secret.key");
    drop(Program::start(files.clone()));
    remove(&files, "feed.sealed");
    remove(&files, "illegal.key");
    is_blocked(&Program::start(files.clone()));
    assert_eq!(wrong(&files), ["removed", "tampered"]);
}

#[test]
fn with_every_file_gone_what_is_in_memory_stays() {
    let files = Arc::new(with_feed(&World::new()));
    let mut usher = Program::start(files.clone());
    for name in ["feed.sealed", "illegal.key", "data/illegal/feed", "data/illegal/licence", "data/illegal/state"] {
        remove(&files, name);
    }
    files.edit("usher.toml", SETTING, "");
    usher.signal(Signal::HUP);
    usher.says("policy and lists reloaded");
    is_blocked(&usher);
    drop(usher);
    let usher = Program::start(files.clone());
    assert!(usher.get("http://news.example:1/album/1").starts_with("HTTP/1.1 502"), "there is nothing left to judge by");
    assert_eq!(wrong(&files), ["tampered"]);
    let said = files.usher(&["illegal", "status"]);
    assert!(said.out.contains("in force    Nothing. You do not meet the DfE standard."), "{said:?}");
}

#[test]
fn a_feed_that_has_grown_old_is_red_and_still_blocks() {
    let files = Arc::new(with_feed(&World::new()));
    Publisher::new(1).give(&files, 7, now().checked_sub(25.hours()).expect("a time"));
    for _ in 0..2 {
        is_blocked(&Program::start(files.clone()));
        assert_eq!((wrong(&files), critical(&files).len()), (vec!["stale".to_owned()], 1));
    }
    Publisher::new(1).give(&files, 8, now());
    is_blocked(&Program::start(files.clone()));
    assert_eq!((wrong(&files), critical(&files).len()), (vec![], 1), "the next one is green");
    let events = files.usher(&["log", "events"]);
    for words in ["feed number 7 of Example Publisher", "was good until", "no longer so: ", "feed number 8 of Example Publisher"] {
        assert!(events.out.contains(words), "{words} is not in {}", events.out);
    }
}

#[tokio::test]
async fn a_feed_grows_old_while_usher_runs_and_the_look_of_the_minute_sees_it() {
    let school = school_with_feed(World::new(), 7).await;
    let old = || critical(&school.files).iter().any(|text| text.contains("was good until 2026-11-26T10:00:00Z"));
    school.pupil().get("http://news.example/album/1").await.is_blocked_because("always-blocked");
    school.after(25 * 60);
    assert!(!old());
    a_minute_passes().await;
    soon("the look of the minute", async {
        while !old() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    school.pupil().get("http://news.example/album/1").await.is_blocked_because("always-blocked");
}

#[tokio::test]
async fn a_newer_feed_is_in_force_within_a_minute_and_nothing_else_is_taken_up() {
    let school = school_with_feed(World::new(), 7).await;
    let before = school.pupil().get("http://games.example/").await.record().snapshot.clone();
    write(&school.files, "feed.sealed", &Publisher::new(1).feed(8, morning(), "terrorism http://news.example/new\n"));
    school.files.put("lists/games/domains", "other.example\n");
    a_minute_passes().await;
    soon("the newer feed", async {
        while school.in_force.get().tier.feed().is_none_or(|feed| feed.header.serial == 7) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    school.pupil().get("http://news.example/new").await.is_blocked_because("always-blocked");
    let games = school.pupil().get("http://games.example/").await;
    assert_ne!(games.is_blocked_because("category").record().snapshot, before, "a decision names the feed it was made with");
}

/// Lets a minute of the program's own time pass at once.
async fn a_minute_passes() {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    tokio::time::resume();
}

fn every_file(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { every_file(&path) } else { vec![path] }).collect()
}

#[test]
fn what_is_sealed_can_be_read_nowhere() {
    let files = Arc::new(with_feed(&World::new()));
    let usher = Program::start(files.clone());
    usher.get("http://news.example:1/other");
    usher.get("http://games.example/");
    drop(usher);
    let licence = Licence::read(&fs::read_to_string(files.path("illegal.key")).expect("a key")).expect("a licence");
    let mut traces: Vec<Vec<u8>> = Vec::new();
    for hidden in HIDDEN {
        traces.push(hidden.as_bytes().to_vec());
        for scope in [usher::illegal::Scope::Page, usher::illegal::Scope::Site] {
            traces.push(licence.matching().hash(scope, hidden.as_bytes())[..8].to_vec());
        }
        let unkeyed = blake3::hash(hidden.as_bytes());
        traces.extend([unkeyed.as_bytes()[..8].to_vec(), unkeyed.to_hex().as_bytes()[..16].to_vec()]);
    }
    let kept = every_file(&files.path("data"));
    assert!(kept.iter().any(|path| path.ends_with("illegal/feed")) && kept.iter().any(|path| path.ends_with("live-00000001.db")));
    for path in kept.into_iter().chain([files.path("feed.sealed"), files.path("illegal.key")]) {
        let bytes = fs::read(&path).expect("a file");
        let found = traces.iter().find(|trace| memchr::memmem::find(&bytes, trace).is_some());
        assert!(found.is_none(), "{} holds {:?}", path.display(), found.map(|trace| String::from_utf8_lossy(trace).into_owned()));
    }
    let key = memchr::memmem::find(&fs::read(files.path("data/illegal/licence")).expect("the kept key"), &licence.to_bytes()[32..48]);
    assert!(key.is_none(), "the kept key is encrypted");
    for name in ["feed", "licence", "state"] {
        let mode = files.path("data/illegal").join(name).metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name} is its owner's alone");
    }
}

#[test]
fn a_school_without_a_feed_is_told_what_that_means_and_how_to_get_one() {
    let files = World::new().write();
    let said = files.usher(&["illegal", "status"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in ["Illegal-content lists: not present. You do not meet the DfE standard.", "Internet Watch Foundation", "parent proxy"] {
        assert!(said.out.contains(words), "{words} is not in {}", said.out);
    }
    assert_eq!(files.usher(&["illegal", "status", "--json"]).json()[0]["standing"], "not-present");
    assert_eq!(files.usher(&["log", "events"]).code, Some(2), "there is no log yet");
    drop(Program::start(Arc::new(files)));
}

#[test]
fn half_a_setting_is_a_problem() {
    for (setting, words) in [
        ("[illegal]\nfeed = \"feed.sealed\"\n", "[illegal] has no `key`"),
        ("[illegal]\nkey = \"illegal.key\"\n", "[illegal] has no `feed`"),
        (&format!("{SETTING}off = true\n"), "`off` in [illegal] is no setting"),
    ] {
        let files = World::new().write();
        files.edit("usher.toml", "[limits]", &format!("{setting}[limits]"));
        let said = files.usher(&["config", "check"]);
        assert!(said.code == Some(2) && said.err.contains(words), "{said:?}");
    }
}

/// Seals with the command; what it says.
fn seal(files: &Files, more: &[&str]) -> crate::kit::Said {
    let path = |name: &str| files.path(name).display().to_string();
    let (input, out, keys) = (path("list.txt"), path("feed.sealed"), path("keys"));
    files.usher(&[&["lists", "seal", &input, "--out", &out, "--publisher", "Example Publisher", "--key-dir", &keys], more].concat())
}

#[test]
fn a_publisher_seals_a_list_and_a_school_is_given_two_files() {
    let files = World::new().write();
    files.put("list.txt", LINES);
    let said = seal(&files, &["--fresh", "12"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    for words in ["feed number 1 of Example Publisher", "2 pages, 1 sites; 0 listed twice", "for schools", "illegal.key", "for you only"] {
        assert!(said.out.contains(words), "{words} is not in {}", said.out);
    }
    for name in ["publisher.key", "illegal.key"] {
        assert_eq!(files.path("keys").join(name).metadata().expect("made").permissions().mode() & 0o777, 0o600, "{name}");
    }
    files.edit("usher.toml", "[limits]", "[illegal]\nfeed = \"feed.sealed\"\nkey = \"keys/illegal.key\"\n[limits]");
    let files = Arc::new(files);
    is_blocked(&Program::start(files.clone()));
    assert!(files.usher(&["illegal", "status"]).out.contains("2 pages and 1 site: child-sexual-abuse, terrorism"));
    // The next one has the next number, and is taken up.
    assert!(seal(&files, &[]).out.contains("feed number 2 of Example Publisher"));
    is_blocked(&Program::start(files.clone()));
    assert!(files.usher(&["illegal", "status"]).out.contains("feed number 2 of"));
}

#[test]
fn what_makes_no_sense_is_not_sealed() {
    let files = World::new().write();
    let untouched = |files: &Files| assert!(!files.path("feed.sealed").exists(), "nothing was written");
    files.put("list.txt", "http://a.example/\nterrorism site co.uk\nterrorism http://b.example/\n");
    let said = seal(&files, &[]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    for words in ["list.txt: line 1: it has no category", "list.txt: line 2: \"co.uk\" is a public suffix", "nothing was sealed: 2 of its lines make no sense"]
    {
        assert!(said.err.contains(words), "{words} is not in {}", said.err);
    }
    untouched(&files);
    files.put("list.txt", "# nothing\n");
    assert!(seal(&files, &[]).err.contains("holds no entry"));
    files.put("list.txt", "http://a.example/\n");
    assert_eq!(seal(&files, &["--category", "gambling"]).code, Some(2));
    for (fresh, words) in [("0", "for no time"), ("100000", "more than a year")] {
        assert!(seal(&files, &["--category", "terrorism", "--fresh", fresh]).err.contains(words));
    }
    untouched(&files);
    assert_eq!(seal(&files, &["--category", "terrorism", "--serial", "5"]).code, Some(0));
    let said = seal(&files, &["--category", "terrorism", "--serial", "5"]);
    assert!(said.code == Some(2) && said.err.contains("refused by every school as a downgrade"), "{said:?}");
    remove(&files, "keys/publisher.key");
    let said = seal(&files, &["--category", "terrorism"]);
    assert!(said.code == Some(2) && said.err.contains("publisher.key is not; put it back"), "{said:?}");
}

#[test]
fn the_demonstration_that_ships_works_and_says_that_it_is_none() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/illegal-demo");
    let read = |name: &str| fs::read(shipped.join(name)).expect("it ships");
    let licence = Licence::read(&String::from_utf8(read("illegal.key")).expect("text")).expect("a licence");
    let feed = sealed::open(&read("feed.sealed"), &licence).expect("a feed");
    assert_eq!(feed.header.purpose, Purpose::Demonstration);
    let text = String::from_utf8(read("list.txt")).expect("text");
    for entry in lines::read(&text, None).expect("lines") {
        let spelling = String::from_utf8(entry.spelling.clone()).expect("text");
        let host = spelling.split('/').next().unwrap_or_default();
        assert!([".example", ".test", ".testfiltering.com"].iter().any(|end| host.ends_with(end)), "{host} is not a name for tests");
        assert!(feed.page(&entry.spelling).or(feed.site(&entry.spelling)).is_some(), "{spelling} is in the list and not in the feed");
    }
    // A demonstration of our own, made now: the one that ships grows old.
    let files = World::new().write();
    files.put("list.txt", LINES);
    assert_eq!(seal(&files, &["--demonstration"]).code, Some(0));
    files.edit("usher.toml", "[limits]", "[illegal]\nfeed = \"feed.sealed\"\nkey = \"keys/illegal.key\"\n[limits]");
    let files = Arc::new(files);
    is_blocked(&Program::start(files.clone()));
    let said = files.usher(&["illegal", "status", "--json"]);
    assert_eq!((said.code, &said.json()[0]["standing"]), (Some(1), &"demonstration".into()));
    assert!(said.out.contains("You do not meet the DfE standard"), "{said:?}");
    // It may go without a trace of red, and a list may come in its place.
    files.edit("usher.toml", "[illegal]\nfeed = \"feed.sealed\"\nkey = \"keys/illegal.key\"\n", "");
    assert!(Program::start(files.clone()).get("http://news.example:1/album/1").starts_with("HTTP/1.1 502"));
    assert_eq!((files.usher(&["illegal", "status", "--json"]).json()[0]["standing"].clone(), critical(&files)), ("not-present".into(), vec![]));
}

#[tokio::test]
async fn what_is_sealed_is_blocked_in_whatever_shows_it_or_leads_there() {
    let link = Origin::answering("HTTP/1.1 302 Found\r\nLocation: https://news.example/album/2\r\nContent-Length: 0\r\n\r\n").await;
    let shells = ["web.archive.org", "news-example.translate.goog", "short.example"];
    let world = shells.into_iter().fold(World::new().policy(ALL_ALLOWED), |world, host| world.named(host, "127.0.0.1"));
    let school = school_with_feed(world, 7).await;
    let port = link.address.port();
    for url in [
        format!("http://web.archive.org:{port}/web/2024/http://news.example/album/1"),
        format!("http://news-example.translate.goog:{port}/album/2?_x_tr_sl=fr&_x_tr_tl=en"),
        format!("http://short.example:{port}/x"),
    ] {
        assert_eq!(school.teacher().get(&url).await.reply.status, 403, "{url}");
        assert_eq!(school.rows()[0].reason, "always-blocked", "{url}");
    }
}
