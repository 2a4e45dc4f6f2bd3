//! Promise: a member of staff can take somebody's access away, keep it to a few sites, or slow it, until a time and for a reason. The person reads until when
//! and whom to ask, and can always reach who helps. It holds at every device, in whatever is open already, and through every restart; and it ends by itself.

use crate::kit::h2::device;
use crate::kit::restricted::{PASSWORD, as_patel, credentials, is_paused, later, off, restrict, soon_so, wire, world};
use crate::kit::{Files, Origin, Program};
use http::StatusCode;
use rustix::process::Signal;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use usher::alert::volume::{Book, Counts, Hasher};
use usher::audit::Folder;
use usher::audit::incident::{Act, Person};
use usher::audit::journal::Journal;
use usher::audit::query::Row;
use usher::audit::restrictions::{Limit, Limited};
use usher::config::Config;
use usher::identity::{GroupId, Identity, Standing};
use usher::policy::Circumstances;
use usher::policy::restrict::{How, Restriction, Subject};
use usher::snapshot::Snapshot;
use usher::url::{Scheme, Url};

/// The same without a command, which has a device restricted until midnight only.
fn state(files: &Files, who: Person) {
    let until_ms = jiff::Timestamp::now().as_millisecond() + 3_600_000;
    let limited = Limited { who, how: Limit::Off, until_ms, by: "Mr Roe".into(), reason: "why".into(), tell: None, record: None };
    let mut journal = Journal::open(&Folder::at(files.path("data/log"))).expect("a journal");
    journal.state_act(jiff::Timestamp::now(), &Act::Limited(Box::new(limited))).expect("stated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_off_reads_until_when_and_whom_to_ask_and_reaches_who_helps() {
    let (news, usher) = (Origin::saying("news").await, world().serve());
    let (page, help) = (news.url("/"), news.url("/").replace("news.example", "talk.example"));
    assert!(as_patel(&usher, &page).ends_with("news"));
    let until = later();
    let number = restrict(&usher.files, &["7-PATEL", "--off", "--until", &until, "--tell", "Come to room 12 <at> break."]);
    let shown = soon_so("off", || as_patel(&usher, &page), is_paused);
    for words in ["Your access to the web is paused until ", "Come to room 12 <at> break.", "0800 1111", "Tell the library.", "Reference: "] {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    assert!(!shown.contains("proxy today") && !shown.contains("Roe"), "why, and who said so, is for staff: {shown}");
    // However the name is written, and with nothing else in it either.
    for name in ["7-Patel", "7-PATEL", "7-patel"] {
        assert!(is_paused(&usher.get_as(&page, name, PASSWORD)), "{name}");
    }
    assert!(usher.get_as(&page, "7-smith", PASSWORD).ends_with("news"), "and nobody else");
    assert!(as_patel(&usher, &help).ends_with("news"), "who helps can be reached");
    assert!(as_patel(&usher, "http://usher.internal/ca").contains("certificate"), "Usher's own pages too");
    assert!(as_patel(&usher, "http://terror.example/").contains("blocked for everyone, always"), "what is illegal is judged first");
    let blocked: Vec<Row> = usher.rows().into_iter().filter(|row| row.reason == "restricted").collect();
    assert!(
        blocked.iter().all(|row| row.verdict == "blocked" && row.why.contains(&format!("restriction {number}")) && !row.why.contains("proxy")),
        "{blocked:?}"
    );
    // Where nobody is connected to yet, as little as where somebody is.
    let mut tunnel = wire(usher.address).await;
    tunnel.send(format!("CONNECT news.example:443 HTTP/1.1\r\nHost: news.example:443\r\n{}\r\n", credentials("7-patel"))).await;
    assert_eq!(tunnel.reply().await.status, 403);
    let said = usher.files.usher(&["check", &page, "--user", "7-patel"]);
    assert!(said.code == Some(1) && said.out.contains("restricted  number") && said.out.contains("Third web proxy today"), "{said:?}");
    let listed = usher.files.usher(&["users", "restrict", "list", "--json"]);
    let one = &listed.json()[0];
    assert_eq!((one["user"].as_str(), one["how"].as_str(), one["reason"].as_str()), (Some("7-patel"), Some("off"), Some("Third web proxy today")));
    assert!(one["by"].as_str().expect("who").starts_with("Mr Roe (account "), "{one}");
    let ended = usher.files.usher(&["users", "restrict", "end", &number.to_string(), "--reason", "Talked; restored"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    soon_so("access again", || as_patel(&usher, &page), |text| text.ends_with("news"));
    let listed = usher.files.usher(&["users", "restrict", "list"]);
    assert_eq!((listed.code, listed.out.trim()), (Some(1), "nobody's access is restricted"));
    let all = usher.files.usher(&["users", "restrict", "list", "--all", "--json"]).json();
    assert_eq!(all[0]["ended"]["reason"].as_str(), Some("Talked; restored"));
    assert_eq!(usher.files.usher(&["log", "verify"]).code, Some(0), "all of it is in the record's chain");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_sites_are_a_few_sites_and_a_device_is_whoever_sits_there() {
    let (news, usher) = (Origin::saying("news").await, world().serve());
    let other = news.url("/").replace("news.example", "shop.example");
    restrict(&usher.files, &["7-patel", "--only", "chat,news.example", "--until", &later()]);
    let text = soon_so("kept to a few", || as_patel(&usher, &other), |text| text.starts_with("HTTP/1.1 403"));
    assert!(text.contains("This site is not open to you now") && text.contains("Only a few sites are open to you until "), "{text}");
    assert!(as_patel(&usher, &news.url("/")).ends_with("news"), "what is named is open");
    assert!(as_patel(&usher, "http://games.example/").contains("not open to you now"), "what is not is not");
    // A device: with a password of somebody else's as little as with none.
    state(&usher.files, Person::Device("127.0.0.1".into()));
    soon_so("off", || usher.get(&news.url("/")), is_paused);
    assert!(is_paused(&usher.get_as(&news.url("/"), "7-smith", PASSWORD)), "whoever it is");
    let mut elsewhere = wire(usher.address).await;
    elsewhere.send(news.request("GET", "/", "")).await;
    assert_eq!(elsewhere.reply().await.text(), "news", "and nowhere else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_outlives_a_restart_and_a_kill_and_is_over_when_its_time_is() {
    let (news, mut usher) = (Origin::saying("news").await, world().serve());
    let page = news.url("/");
    off(&usher.files, &["7-patel"]);
    // At once, before anybody has looked whether there is something new.
    usher.signal(Signal::KILL);
    usher.ended();
    let files = usher.files.clone();
    let mut usher = Program::start(files.clone());
    assert!(is_paused(&as_patel(&usher, &page)), "from the first request on");
    usher.signal(Signal::TERM);
    assert!(usher.ended().success());
    let mut usher = Program::start(files.clone());
    assert!(is_paused(&as_patel(&usher, &page)));
    assert!(usher.get_as(&page, "7-smith", PASSWORD).ends_with("news"));
    // Another, that is over in a moment.
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
    let number = restrict(&files, &["7-smith", "--off", "--until", &end.to_string()]);
    soon_so("off", || usher.get_as(&page, "7-smith", PASSWORD), |text| is_paused(text) || jiff::Timestamp::now() > end);
    soon_so("over", || usher.get_as(&page, "7-smith", PASSWORD), |text| text.ends_with("news"));
    assert!(jiff::Timestamp::now() >= end);
    let state = || files.usher(&["users", "restrict", "list", "--all", "--json"]).json().into_iter().find(|one| one["number"] == number).expect("it is listed");
    soon_so("that it is over is stated", || state()["ended"]["by"].to_string(), |by| by == "\"the calendar\"");
    // And through a reload of everything else.
    usher.signal(Signal::HUP);
    usher.says("reloaded");
    assert!(is_paused(&as_patel(&usher, &page)));
}

#[test]
fn what_cannot_be_meant_is_refused_and_says_what_to_do() {
    let files = world().write();
    for (arguments, words) in [
        (&["7-patel", "--off", "--until", "2026-01-01", "--reason", "why"][..], "2026-01-01 is past"),
        (&["7-patel", "--off", "--until", "23:59", "--reason", ""], "reason"),
        (&["7-patel", "--off", "--until", "mon 09:00"], "say why, with --reason"),
        (&["7-patel", "--off", "--reason", "why"], "say until when"),
        (&["7-patel", "--until", "mon 09:00", "--reason", "why"], "say what is taken away"),
        (&["7-ptael", "--off", "--until", "mon 09:00", "--reason", "why"], "did you mean \"7-patel\"?"),
        (&["somebody.else", "--off", "--until", "mon 09:00", "--reason", "why"], "there is no user \"somebody.else\""),
        (&["--off", "--until", "mon 09:00", "--reason", "why"], "say whose"),
        (&["7-patel", "--only", "gmaes", "--until", "mon 09:00", "--reason", "why"], "did you mean \"games\"?"),
        (&["7-patel", "--only", "a..b", "--until", "mon 09:00", "--reason", "why"], "neither a category nor a site"),
        (&["7-patel", "--slow", "1", "--until", "mon 09:00", "--reason", "why"], "--slow takes 4 to"),
        (&["7-patel", "--off", "--until", "someday", "--reason", "why"], "is not a time"),
        (&["7-patel", "--off", "--until", "2099-01-01", "--reason", "why"], "at most a term"),
        (&["7-patel", "--off", "--until", "mon 09:00", "--reason", "why", "--tell", "a\nb"], "one line"),
        (&["--device", "10.8.3.17", "--off", "--until", "2099-01-01 10:00", "--reason", "why"], "more than 100 days"),
        (&["end", "7", "--reason", "why"], "there is no restriction 7 in force"),
    ] {
        let said = files.usher(&[&["users", "restrict"], arguments].concat());
        assert!(said.code == Some(2) && said.out.is_empty() && said.err.contains(words), "{arguments:?}: {said:?}");
    }
    let tomorrow = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(30)).to_string();
    let said = files.usher(&["users", "restrict", "--device", "10.8.3.17", "--off", "--until", &tomorrow, "--reason", "why"]);
    assert!(said.code == Some(2) && said.err.contains("until the end of today at most"), "{said:?}");
    assert!(files.usher(&["users", "restrict", "list"]).out.contains("nobody's"), "and nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_site_has_its_page_as_other_blocks_have() {
    let files = world().edited("not_tls = \"pass\"", "block_page = \"always\"").write();
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let files = Arc::new(files);
    drop(Program::start(files.clone()));
    off(&files, &["7-patel"]);
    let usher = Program::start(files);
    let mut talk = device(&usher).who_says("7-patel", PASSWORD).open("news.example:443").await;
    let (status, page) = talk.get("/today").await;
    assert!(status == StatusCode::FORBIDDEN && page.contains("Your access is paused") && page.contains("0800 1111"), "{status} {page}");
    assert!(talk.is_closed().await, "the next is judged anew");
    let blocked = usher.rows().into_iter().find(|row| row.path == "/today").expect("on record");
    assert_eq!((blocked.verdict.as_str(), blocked.reason.as_str(), blocked.upstream), ("blocked", "restricted", None));
}

/// Every site that ships as one that helps, asked for as a page and as a tunnel: whatever is restricted, it is as if nothing were.
#[test]
fn no_restriction_reaches_a_help_line_that_ships() {
    let config = Config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/usher.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    let free = usher::app::look(&config, [7; 32]).unwrap_or_else(|error| panic!("{error}"));
    let now: jiff::Timestamp = "2026-11-25T10:00:00Z".parse().expect("a time");
    let client = IpAddr::from([10, 7, 0, 1]);
    let one = |number, who, how| {
        let (from, until) = (now, now + jiff::SignedDuration::from_hours(1));
        Arc::new(Restriction { number, who, how, from, until, by: "Mr Roe".into(), reason: "why".into(), tell: None })
    };
    let only = How::Only { categories: vec!["education".into()], hosts: Vec::new() };
    let all = [one(1, Subject::user("j.patel"), How::Off), one(2, Subject::device(client), How::Off), one(3, Subject::user("j.patel"), only)];
    let restricted = free.clone().with_restrictions(&all);
    let canaries: toml::Table = include_str!("../../blocklists/canaries.toml").parse().expect("canaries");
    let open = canaries["open"].as_array().expect("a list").iter().map(|site| site.as_str().expect("a name").to_owned());
    let listed = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/starter/help/domains")).expect("help lines");
    let listed = listed.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned()).filter(|line| !line.is_empty());
    let help = free.taxonomy.find("help").expect("a category");
    let moment = free.timetable.moment(now);
    let mut helps = 0;
    for site in open.chain(listed) {
        let plain = Url::parse(&site).unwrap_or_else(|error| panic!("{site}: {error}"));
        let sealed = Url::new(Scheme::Https, plain.host.clone(), 443, "");
        for url in [plain, sealed] {
            let found = free.lists.look_up(&url);
            if !found.categories.contains(help) {
                continue;
            }
            helps += 1;
            for standing in [Standing::Unknown, Standing::Member(GroupId(0)), Standing::Member(GroupId(1))] {
                let identity = Identity::proved("j.patel".into(), standing);
                let asked = |snapshot: &Snapshot| {
                    let around =
                        Circumstances { identity: &identity, client, moment: &moment, method: "GET", past: &[], taxonomy: &free.taxonomy, lists: &free.lists };
                    snapshot.court().opinion(&url, &found, around)
                };
                assert_eq!(asked(&restricted), asked(&free), "{site}");
            }
        }
    }
    assert!(helps > 60, "{helps} are no help");
}

/// Three different sites within ten minutes are too many, by the name.
const THREE: &str = "[restrict]\nblocks = 3\nwithin = 10\nminutes = 30\nonly = [\"chat\"]\n";

/// Somebody goes to a page of each site.
async fn goes_to(usher: SocketAddr, who: &str, sites: &[&str]) {
    for site in sites {
        let mut wire = wire(usher).await;
        let browser = "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n";
        wire.send(format!("GET http://{site}/ HTTP/1.1\r\nHost: {site}\r\n{browser}{}Connection: close\r\n\r\n", credentials(who))).await;
        assert_eq!(wire.reply().await.status, 403, "{site}");
    }
}

fn made(files: &Files) -> Vec<serde_json::Value> {
    files.usher(&["users", "restrict", "list", "--all", "--json"]).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_school_says_so_too_many_blocked_sites_take_access_away_once_also_through_a_kill() {
    let world = world().user("staff-bell", PASSWORD, None).listed("games", "a.example").listed("games", "b.example").listed("games", "c.example");
    let (news, files) = (Origin::saying("news").await, Arc::new(world.listed("adult", "d.example").listed("adult", "e.example").write()));
    files.put("alerts.toml", THREE);
    let checked = files.usher(&["config", "check"]);
    assert!(checked.code == Some(0) && format!("{checked:?}").contains("[restrict] is on: after 3 different sites blocked within 10 minutes"), "{checked:?}");
    let mut usher = Program::start(files.clone());
    goes_to(usher.address, "7-smith", &["a.example", "b.example", "a.example", "b.example"]).await;
    goes_to(usher.address, "staff-bell", &["adult.example", "d.example", "e.example", "terror.example"]).await;
    goes_to(usher.address, "7-patel", &["a.example", "games.example", "b.example"]).await;
    // Before it can have been stated, or after: it is made all the same, and once.
    usher.signal(Signal::KILL);
    usher.ended();
    let usher = Program::start(files.clone());
    let page = soon_so("kept to a few sites", || as_patel(&usher, &news.url("/")), |text| text.starts_with("HTTP/1.1 403"));
    assert!(page.contains("Only a few sites are open to you until ") && page.contains("0800 1111"), "{page}");
    // What it blocks itself makes no other.
    goes_to(usher.address, "7-patel", &["a.example", "games.example", "b.example", "c.example", "hurt.example"]).await;
    goes_to(usher.address, "7-smith", &["c.example"]).await;
    let by =
        |user: &str| made(&files).iter().filter(|one| one["user"] == user).map(|one| one["by"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>();
    soon_so("another is as well", || by("7-smith").join(" "), |by| by == "Usher: [restrict]");
    assert_eq!(by("7-patel"), ["Usher: [restrict]"], "once");
    assert_eq!(made(&files).len(), 2, "and of staff nobody: {:?}", made(&files));
    let sheet = files.usher(&["log", "dpia", "--json"]).out;
    assert!(sheet.contains("A decision that nobody makes (UK GDPR article 22): after 3 different sites blocked within 10 minutes"), "{sheet}");
    // Who made it can be told from who ends it.
    let number = made(&files)[0]["number"].to_string();
    assert_eq!(files.usher(&["users", "restrict", "end", &number, "--reason", "It was for a lesson on games"]).code, Some(0));
    soon_so("access again", || as_patel(&usher, &news.url("/")), |text| text.ends_with("news"));
}

#[test]
fn as_shipped_nobody_is_restricted_by_itself() {
    let shipped = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/alerts.toml")).expect("it is there");
    let settings: toml::Table = shipped.parse().expect("TOML");
    assert_eq!(settings["restrict"]["blocks"].as_integer(), Some(0));
    assert_eq!(settings["restrict"]["devices"].as_bool(), Some(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_much_more_than_usual_is_seen_by_who_asks_and_named_to_who_says_why() {
    let (news, usher) = (Origin::saying("news").await, world().serve());
    for _ in 0..5 {
        assert!(as_patel(&usher, &news.url("/")).ends_with("news"));
    }
    let files = &usher.files;
    let refused = files.usher(&["users", "activity", "7-patel"]);
    assert!(refused.code == Some(2) && refused.err.contains("--reason"), "{refused:?}");
    let today = || files.usher(&["users", "activity", "7-patel", "--reason", "asked by the head of year", "--json"]).json()[0].clone();
    soon_so("counted", || today()["bytes_down"].to_string(), |bytes| bytes == "20");
    assert_eq!(today()["unusual"].as_array().map(Vec::len), Some(0));
    // Three weeks of days, as they are counted each night, and a wild one.
    let secret: [u8; 32] = std::fs::read(files.path("data/secret.key")).expect("a secret").try_into().expect("32 bytes");
    let hasher = Hasher::new(&secret);
    let day = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date();
    let path = files.path("data/alerts/volume.json");
    let mut book = Book::read(&path);
    for back in 1..=21 {
        let counts = |visits| Counts { visits, group: "year-7".into(), ..Counts::default() };
        let people = [(hasher.of(Some("7-patel"), ""), counts(if back == 1 { 900 } else { 100 })), (hasher.of(Some("7-smith"), ""), counts(900))];
        book.take(day.saturating_sub(jiff::Span::new().days(back)), people.into(), day);
    }
    book.write(&path).expect("written");
    let found = files.usher(&["users", "activity"]);
    assert!(found.code == Some(0) && found.out.contains("900 pages and searches; usually 100") && found.out.contains("person-"), "{found:?}");
    assert!(!found.out.contains("patel") && found.out.lines().count() == 2, "{found:?}");
    let named = files.usher(&["users", "activity", "--reason", "weekly look", "--as", "Ms Bell", "--json"]).json();
    assert_eq!((named.len(), named[0]["who"].as_str(), named[0]["what"].as_str()), (1, Some("7-patel"), Some("visits")));
    let looks = files.usher(&["log", "lookups", "--json"]).out;
    assert!(looks.contains("weekly look") && looks.contains("asked by the head of year"), "{looks}");
}
