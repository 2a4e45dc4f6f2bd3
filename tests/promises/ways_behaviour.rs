//! Promise: what no single request shows is found out by what people do over minutes, counts once, fades, and is the same after a restart. What ordinary schools
//! do every day counts for nothing.

use crate::kit::device::Device;
use crate::kit::matters::{search, short, stated_in};
use crate::kit::{Origin, Person, School, World};
use crate::sockets::frame;
use crate::websockets::accept;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use usher::audit::incident::{Act, Incident, Person as Whom};

pub const DAY: i64 = 24 * 60;
const NOTHING: [&str; 0] = [];

fn by_hand<'s>(person: Person<'s>) -> Person<'s> {
    person.with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Sec-Fetch-Site", "none").with("Sec-Fetch-User", "?1")
}

/// A school that counts ways round from so many points on as a concern.
pub async fn school(world: World, concern: u32) -> School {
    let files = world.write();
    files.put("alerts.toml", &format!("[ways]\nwatch = 1\nconcern = {concern}\n"));
    let bypass = "[[category]]\nid = \"bypass\"\nname = \"Ways round\"\ncovers = \"Ways round.\"\ntheme = \"risk\"\nseverity = 3\npage = \"block\"\n";
    let categories = std::fs::read_to_string(files.path("categories.toml")).expect("a file");
    let theme = categories.lines().find(|line| line.starts_with("theme")).expect("a theme").to_owned();
    files.put("categories.toml", &format!("{categories}{}", bypass.replace("theme = \"risk\"", &theme)));
    files.edit("usher.toml", "canaries = \"canaries.toml\"", "canaries = \"canaries.toml\"\nalerts = \"alerts.toml\"");
    School::open(files).await
}

/// What is stated of ways round once the school has closed: then everything on record was looked at.
pub async fn at_the_end(school: School) -> Vec<Incident> {
    let files = school.stopped().await;
    let all = stated_in(&files.path("data/log"));
    assert!(all.iter().all(|matter| matter.opened.theme == "bypass"), "{:?}", short(&all));
    all
}

async fn go(school: &School, port: u16, last: u8, host: &str) {
    by_hand(school.person([127, 0, 7, last])).get(&format!("http://{host}:{port}/")).await.is_from_the_site("a page");
}

pub fn says(matter: &Incident, words: &str) {
    assert!(matter.opened.factors.iter().any(|factor| factor.contains(words)), "{words}: {:?}", matter.opened.factors);
}

#[tokio::test]
async fn points_of_ways_round_add_up_fade_and_are_the_same_after_a_restart() {
    let world =
        || (1..=9).fold(World::new(), |world, nth| world.listed("bypass", &format!("vpn{nth}.example"))).edited("block = [\"games\"", "block = [\"bypass\"");
    // Four points each. Five within ten minutes are twenty, less what has faded; a sixth makes up for that.
    let open = || async { school(world(), 20).await };
    let mut usher = open().await;
    for nth in 1..=6 {
        by_hand(usher.pupil()).get(&format!("http://vpn{nth}.example/")).await.is_blocked_because("category");
        // The same site again counts for nothing.
        by_hand(usher.pupil()).get(&format!("http://vpn{nth}.example/again")).await.is_blocked_because("category");
        if nth == 3 {
            // It opens at the hour at which tests begin: as long as it was open before, the clock is set on.
            let files = usher.stopped().await;
            assert_eq!(short(&stated_in(&files.path("data/log"))), NOTHING, "twelve points are none");
            usher = School::open(files).await;
            usher.after(2);
        }
        usher.after(1);
    }
    let all = at_the_end(usher).await;
    assert_eq!(short(&all), ["bypass concern 127.0.7.1"]);
    says(&all[0], "points of ways round the filter; from 20 on it is concern. They halve in 15 minutes.");
    says(&all[0], "A site was asked for that lists name as a way round the filter. It counts 4. That was");
    assert_eq!(all[0].opened.records.len(), 6, "each of them, once: {:?}", all[0].opened.records);
    assert_eq!(all[0].acts.iter().filter(|(_, _, act)| matches!(act, Act::Opened(_))).count(), 1, "once");
    // The same in an hour and a half, and of several people: no matter.
    let usher = open().await;
    for nth in 1..=9 {
        by_hand(usher.pupil()).get(&format!("http://vpn{nth}.example/")).await.is_blocked_because("category");
        by_hand(usher.person([127, 0, 7, 20 + nth])).get(&format!("http://vpn{nth}.example/")).await.is_blocked_because("category");
        usher.after(10);
    }
    assert_eq!(short(&at_the_end(usher).await), NOTHING);
}

#[tokio::test]
async fn each_blocked_site_that_is_asked_for_through_one_web_proxy_counts() {
    let games: Vec<_> = (1..=3).map(|nth| format!("games{nth}.example")).collect();
    let world = || games.iter().fold(World::new(), |world, host| world.listed("games", host));
    let origin = Origin::saying("a page").await;
    let asks = async |usher: &School, host: &str, number: usize| {
        let hex: String = format!("https://{host}/").bytes().map(|byte| format!("{byte:02x}")).collect();
        by_hand(usher.pupil()).get(&origin.url(&format!("/go/{hex}?{number}"))).await.is_blocked_because("encoded");
    };
    // Four points each: three sites are twelve, and one site three times is four.
    let usher = school(world(), 12).await;
    for number in 0..3 {
        asks(&usher, &games[0], number).await;
    }
    assert_eq!(short(&at_the_end(usher).await), NOTHING);
    let usher = school(world(), 12).await;
    for (number, host) in games.iter().enumerate() {
        asks(&usher, host, number).await;
    }
    let all = at_the_end(usher).await;
    assert_eq!(short(&all), ["bypass concern 127.0.7.1"]);
    assert_eq!(all[0].opened.records.len(), 3, "each of them: {:?}", all[0].opened.records);
}

/// A school that reads searches by the phrases that ship, whose search engine is this machine.
async fn searching(concern: u32) -> School {
    // Where searches at the first go.
    let world = World::new().named("www.google.co.uk", "127.0.0.1").named("forcesafesearch.google.com", "127.0.0.1");
    let world = world.shipped_phrases();
    let world = world.named("unknown.example", "127.0.0.1").named("known.example", "127.0.0.1");
    school(world.listed("help", "known.example"), concern).await
}

#[tokio::test]
async fn two_different_searches_for_ways_round_are_a_concern_and_the_same_one_again_is_none() {
    let engine = Origin::saying("results").await;
    let usher = searching(20).await;
    let port = engine.address.port();
    let asks = async |last: u8, words: &'static str| {
        by_hand(usher.person([127, 0, 7, last])).get(&search(port, words)).await.is_from_the_site("results");
    };
    // One thing, over and over, is one; what only sounds like it is nothing; two of it a quarter of an hour apart have faded.
    for words in ["how to unblock youtube at school", "How to UNBLOCK youtube at school", "how to unblock  youtube at school", "how does a vpn work gcse"] {
        asks(1, words).await;
    }
    for words in ["how to unblock youtube at school", "free vpn for school chromebook", "proxy sites not blocked"] {
        asks(3, words).await;
        usher.after(20);
    }
    assert_eq!(short(&usher.matters()), NOTHING);
    for words in ["free vpn for school chromebook", "proxy sites not blocked"] {
        usher.after(3);
        asks(4, words).await;
    }
    let all = at_the_end(usher).await;
    assert_eq!(short(&all), ["bypass concern 127.0.7.4"]);
    says(&all[0], "Ways round the filter were searched for. It counts 12.");
    assert_eq!(all[0].opened.records.len(), 2, "{:?}", all[0].opened.records);
    let stated = format!("{all:?}");
    assert!(!stated.contains("youtube") && !stated.contains("chromebook"), "no words of a search are stated: {stated}");
}

#[tokio::test]
async fn where_a_search_for_ways_round_leads_counts_too_where_no_list_knows_it() {
    let site = Origin::saying("a page").await;
    let mut usher = searching(13).await;
    let port = site.address.port();
    let words = "free vpn for school chromebook";
    for last in 1..=3 {
        by_hand(usher.person([127, 0, 7, last])).get(&search(port, words)).await.is_from_the_site("a page");
    }
    go(&usher, port, 1, "known.example").await;
    go(&usher, port, 9, "unknown.example").await;
    assert_eq!(short(&usher.matters()), NOTHING);
    // What was searched for is known after a restart.
    let files = usher.stopped().await;
    assert_eq!(short(&stated_in(&files.path("data/log"))), NOTHING, "a site that a list knows, and somebody who searched for nothing");
    usher = School::open(files).await;
    go(&usher, port, 2, "unknown.example").await;
    go(&usher, port, 2, "unknown.example").await;
    usher.after(11);
    go(&usher, port, 3, "unknown.example").await;
    let all = at_the_end(usher).await;
    assert_eq!(short(&all), ["bypass concern 127.0.7.2"]);
    says(&all[0], "Within ten minutes a site was gone to that no list knows: unknown.example. It counts 3.");
    assert_eq!(all[0].opened.records.len(), 2, "the search and the visit: {:?}", all[0].opened.records);
}

#[tokio::test]
async fn a_new_site_that_goes_round_a_class_is_a_sign_of_each_and_an_old_one_is_none() {
    let world = World::new().named("new.example", "127.0.0.1").named("old.example", "127.0.0.1").named("first.example", "127.0.0.1");
    let (site, usher) = (Origin::saying("a page").await, school(world, 3).await);
    let port = site.address.port();
    // In the first week everything is new, and nothing is a sign.
    for last in 1..=4 {
        go(&usher, port, last, "first.example").await;
        go(&usher, port, last, "old.example").await;
    }
    usher.after(8 * DAY);
    for last in 1..=2 {
        go(&usher, port, last, "new.example").await;
    }
    for last in 1..=4 {
        go(&usher, port, last, "old.example").await;
    }
    // Which sites are new, and who was there, is known after a restart.
    let files = usher.stopped().await;
    assert_eq!(short(&stated_in(&files.path("data/log"))), NOTHING);
    let usher = School::open(files).await;
    usher.after(8 * DAY + 10);
    go(&usher, port, 3, "new.example").await;
    go(&usher, port, 3, "new.example").await;
    let all = at_the_end(usher).await;
    assert_eq!(short(&all), ["bypass concern 127.0.7.1", "bypass concern 127.0.7.2", "bypass concern 127.0.7.3"]);
    says(&all[0], "Several people went to a site that nobody at the school had used before. Seen: new.example. It counts 3.");
}

#[tokio::test]
async fn one_user_at_two_devices_in_turn_is_a_sign_and_many_behind_one_address_are_none() {
    let world = ["Kim", "Lee", "Mo", "Nat", "Oz"].iter().fold(World::new(), |world, name| world.user(name, "a good password", Some("year-7")));
    let (site, usher) = (Origin::saying("a page").await, school(world, 3).await);
    let url = site.url("/");
    let go = |name: &'static str, last: u8| by_hand(usher.person([127, 0, 99, last])).who_says(name, "a good password");
    // Behind 127.0.99.9 are many, and one of them has a telephone of its own too.
    for name in ["Lee", "Mo", "Nat", "Oz"] {
        go(name, 9).get(&url).await.is_from_the_site("a page");
    }
    for _ in 0..4 {
        go("Lee", 9).get(&url).await;
        go("Lee", 8).get(&url).await;
    }
    assert_eq!(short(&usher.matters()), NOTHING);
    for _ in 0..2 {
        go("Kim", 1).get(&url).await.is_from_the_site("a page");
        go("kim", 2).get(&url).await;
        go("Kim", 2).get(&url).await.is_from_the_site("a page");
    }
    let all = at_the_end(usher).await;
    assert_eq!(short(&all), ["bypass concern kim"]);
    says(&all[0], "One user was active in two places at once. Seen: 127.0.99.1 and 127.0.99.2, in turn, 3 times within five minutes. It counts 3.");
}

#[tokio::test]
async fn the_parts_of_a_web_proxy_count_together_and_more_when_much_came_over_its_connection() {
    let site = Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            let Some(key) = request.lines().find_map(|line| line.to_lowercase().starts_with("sec-websocket-key: ").then(|| line[19..].to_owned())) else {
                let kind = if request.starts_with("GET /picture") { "Content-Type: application/wasm\r\n" } else { "" };
                visit.send(format!("HTTP/1.1 200 OK\r\n{kind}Content-Length: 6\r\n\r\na part")).await;
                continue;
            };
            let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
            let mut bytes = format!("{head}Sec-WebSocket-Accept: {}\r\n\r\n", accept(key.trim())).into_bytes();
            (0..6).for_each(|_| bytes.extend(frame(0x82, &[0xaa; 60_000], None)));
            bytes.extend(frame(0x88, &1000_u16.to_be_bytes(), None));
            // The client may be gone.
            let _ = visit.send(bytes).await;
            return;
        }
    })
    .await;
    // WebAssembly is known by its name, or by its type.
    for (host, program, is_found) in [
        ("news.example", "tls.wasm?v=1", true),
        ("news.example", "picture.png", true),
        ("news.example", "other.png", false),
        ("video.example", "tls.wasm?v=1", false),
        ("video.example", "picture.png", false),
    ] {
        let world = World::new().edited("warn = [\"streaming\"]", "warn = []");
        let usher = school(world, 8).await;
        let part = |path: &str| format!("http://{host}:{}/{path}", site.address.port());
        let pupil = usher.pupil();
        pupil.clone().with("Sec-Fetch-Dest", "serviceworker").with("Sec-Fetch-Mode", "same-origin").get(&part("sw.js")).await.is_from_the_site("a part");
        pupil.clone().with("Sec-Fetch-Dest", "empty").with("Sec-Fetch-Mode", "cors").get(&part(program)).await.is_from_the_site("a part");
        let mut wire = pupil.wire().await;
        let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let asked =
            format!("GET {} HTTP/1.1\r\nHost: {host}:{}\r\nSec-Fetch-Mode: websocket\r\nSec-Fetch-Dest: empty\r\n{fields}\r\n", part("s"), site.address.port());
        wire.send(asked).await;
        assert!(wire.rest().await.len() > 300_000);
        drop(wire);
        usher.closed("/s").await;
        let files = usher.stopped().await;
        let all = stated_in(&files.path("data/log"));
        let expected: &[&str] = if is_found { &["bypass concern 127.0.7.1"] } else { &NOTHING };
        assert_eq!(short(&all), expected, "{host} {program}");
        // Whoever tries the file on the past finds the same.
        let settings = files.path("alerts.toml");
        let tried = files.usher(&["alerts", "test", settings.to_str().expect("text"), "--from", "2026-11-25", "--to", "2026-11-28", "--json"]);
        assert_eq!(tried.json()[0]["opened"], expected.len(), "{host} {program}: {tried:?}");
        if is_found {
            says(&all[0], "of news.example within two minutes, and much came over the connection. It counts 8.");
        }
    }
}

#[tokio::test]
async fn addresses_in_the_place_of_names_count_by_how_many_there_are_however_they_are_written() {
    let usher = school(World::new(), 6).await;
    // All of these are one. None is reached: what is written in books leads nowhere.
    for spelling in ["198.51.100.7", "3325256711", "0xc6336407", "0306.063.0144.07", "[::ffff:c633:6407]"] {
        let answer = usher.pupil().get(&format!("http://{spelling}/")).await;
        assert_eq!(answer.record().host, "198.51.100.7", "{spelling}");
        usher.pupil().connect(&format!("{spelling}:443")).await;
    }
    usher.pupil().get("http://198.51.100.8/").await;
    assert_eq!(short(&usher.matters()), NOTHING);
    usher.pupil().connect("198.51.100.9:443").await;
    // Those of the school are asked for every day.
    for last in 1..=9 {
        usher.person([127, 0, 7, 2]).connect(&format!("10.1.1.{last}:443")).await;
    }
    let all = at_the_end(usher).await;
    assert_eq!((short(&all), &all[0].opened.who), (vec!["bypass concern 127.0.7.1".to_owned()], &Whom::Device("127.0.7.1".into())));
    says(&all[0], "A number was asked for in the place of a site's name. 3 different ones within five minutes. It counts 5.");
}

/// Chrome of this version, as a program at this address says it is, that offers these versions of TLS.
pub fn chrome(school: &School, last: u8, version: u16, offers: &[&'static SupportedProtocolVersion]) -> Device {
    let builder = ClientConfig::builder_with_provider(usher::tls::provider()).with_protocol_versions(offers).expect("versions");
    let offering = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let device = Device::another(&[], school.address, |config| *config = offering);
    let agent = format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36");
    device.at([127, 0, 7, last]).saying("User-Agent", &agent)
}

const YESTERDAY: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];
pub const TODAY: &[&SupportedProtocolVersion] = &[&TLS13];
const NEVER: &[&SupportedProtocolVersion] = &[&TLS12];

/// Begins TLS with a site that speaks none: it ends there, and its hello was seen.
pub async fn shows_itself(device: &Device, site: &Origin) -> bool {
    device.secure(&site.authority(), "news.example").await.is_err()
}

/// The records of programs that are not what they say, or new.
pub fn programs(school: &School) -> Vec<String> {
    let rows = school.rows();
    rows.iter().filter(|row| row.reason.ends_with("-program")).map(|row| format!("{} {} {}", row.reason, row.verdict, row.client)).collect()
}

#[tokio::test]
async fn a_program_that_calls_itself_a_browser_is_found_out_and_that_all_update_at_once_is_nothing() {
    let site = Origin::doing(|mut visit| async move {
        if visit.wire.more().await {
            visit.send("no TLS").await;
        }
    })
    .await;
    let mut usher = school(World::new().edited("not_tls = \"pass\"\n", ""), 8).await;
    for _ in 0..6 {
        for last in 1..=5 {
            assert!(shows_itself(&chrome(&usher, last, 142, YESTERDAY), &site).await);
        }
        usher.after(DAY);
    }
    // All of them update: what is theirs from now on was nobody's yesterday.
    for last in 1..=5 {
        assert!(shows_itself(&chrome(&usher, last, 143, TODAY), &site).await);
    }
    assert_eq!(programs(&usher), NOTHING);
    // What the school's browsers are like is known after a restart. It opens at the hour at which tests begin.
    let files = usher.stopped().await;
    assert!(files.path("data/hellos.json").exists());
    usher = School::open(files).await;
    usher.after(7 * DAY);
    for _ in 0..2 {
        assert!(shows_itself(&chrome(&usher, 9, 143, NEVER), &site).await);
    }
    assert_eq!(programs(&usher), ["other-program allowed 127.0.7.9"], "once a day");
    let all = at_the_end(usher).await;
    assert_eq!(short(&all), ["bypass concern 127.0.7.9"]);
    says(&all[0], "A program said that it was a browser, and does not connect as that browser does. It counts 8.");
    // Where a group blocks what scores, it does not get out.
    let strict = World::new().edited("not_tls = \"pass\"\n", "").edited("members =", "ways = { scores = \"block\" }\nmembers =");
    let usher = school(strict, 8).await;
    for _ in 0..6 {
        for last in 1..=5 {
            shows_itself(&chrome(&usher, last, 142, YESTERDAY), &site).await;
        }
        usher.after(DAY);
    }
    let visits = site.visits();
    assert!(shows_itself(&chrome(&usher, 9, 142, NEVER), &site).await);
    assert_eq!(
        (programs(&usher), site.visits()),
        (vec!["other-program refused 127.0.7.9".to_owned()], visits + 1),
        "reached, as a sealed tunnel is before its client speaks"
    );
}
