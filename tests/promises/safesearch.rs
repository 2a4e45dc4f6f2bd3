//! Promise: search engines filter what they show to those whose group says so, whether their https is looked into or not; and nobody else is served
//! by the same connections.

use crate::kit::device::Device;
use crate::kit::secure::{Authority, SecureSite};
use crate::kit::{Browser, Origin, Program, School, World, skipped, soon};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Engines, and the names that pupils are led to. For this school, all engines are at 127.0.0.1, and all safe names at 127.0.0.2.
const LED: [(&str, &str); 12] = [
    ("www.google.com", "forcesafesearch.google.com"),
    ("www.google.co.uk", "forcesafesearch.google.com"),
    ("www.youtube.com", "restrict.youtube.com"),
    ("youtubei.googleapis.com", "restrict.youtube.com"),
    ("www.youtube-nocookie.com", "restrict.youtube.com"),
    ("www.bing.com", "strict.bing.com"),
    ("duckduckgo.com", "safe.duckduckgo.com"),
    ("search.brave.com", "safesearch.brave.com"),
    ("www.ecosia.org", "strict-safe-search.ecosia.org"),
    ("api.qwant.com", "safeapi.qwant.com"),
    ("pixabay.com", "safesearch.pixabay.com"),
    ("yandex.com", "familysearch.yandex.ru"),
];

const MODERATE: &str = "[[group]]\nname = \"sixth-form\"\nsafe_search = \"moderate\"\nnot_tls = \"pass\"\nmembers = { networks = [\"127.0.12.0/24\"] }";

fn world() -> World {
    let world =
        World::new().named("search.yahoo.com", "127.0.0.1").named("uk.search.yahoo.com", "127.0.0.1").named("restrictmoderate.youtube.com", "127.0.0.2");
    let names = |world: World, (engine, safe): &(&str, &str)| world.named(engine, "127.0.0.1").named(safe, "127.0.0.2");
    LED.iter().fold(world, names).named("accounts.google.com", "127.0.0.1").named("login.microsoftonline.com", "127.0.0.1").policy(MODERATE)
}

/// A tunnel of somebody's, in which `word` is sent as though it were TLS.
async fn through(school: &School, address: [u8; 4], authority: &str, word: &str) -> u16 {
    let mut wire = school.person(address).wire().await;
    wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
    let status = wire.head_only().await.status;
    if status == 200 {
        wire.send(format!("{word}\r\n\r\n")).await;
        assert!(wire.more().await, "an answer of the site");
    }
    status
}

#[tokio::test]
async fn a_pupils_tunnel_to_an_engine_leads_to_its_safe_addresses_and_a_teachers_does_not() {
    let [whole, safe] = Origin::two_saying("all of it", "what is safe").await;
    let port = whole.address.port();
    let school = world().start().await;
    for (engine, _) in LED {
        let authority = format!("{engine}:{port}");
        for (address, word) in [([127, 0, 7, 1], "pupil"), ([127, 0, 12, 1], "sixth-former"), ([127, 0, 99, 1], "stranger"), ([127, 0, 9, 1], "teacher")] {
            assert_eq!(through(&school, address, &authority, &format!("{word} {engine}")).await, 200, "{engine}");
        }
    }
    let names = |word: &str| LED.iter().map(|(engine, _)| format!("{word} {engine}\r\n\r\n")).collect::<Vec<_>>();
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    assert_eq!(sorted(whole.seen()), sorted(names("teacher")), "only teachers came to the engines themselves");
    assert_eq!(sorted(safe.seen()), sorted([names("pupil"), names("sixth-former"), names("stranger")].concat()));
    // The record says what was asked for, and where it went.
    let rows = school.rows();
    let google: Vec<_> = rows.iter().filter(|row| row.host == "www.google.com").map(|row| (row.group.as_str(), row.upstream.clone())).collect();
    assert!(google.contains(&("year-7", Some(safe.address.to_string()))) && google.contains(&("staff", Some(whole.address.to_string()))), "{google:?}");
}

#[tokio::test]
async fn where_the_safe_name_leads_nowhere_the_engine_is_not_reached_instead() {
    let [whole, safe] = Origin::two_saying("all of it", "what is safe").await;
    let files = world().write();
    files.edit("usher.toml", "\"forcesafesearch.google.com\" = [\"127.0.0.2\", \"127.0.0.2\"]", "\"forcesafesearch.google.com\" = []");
    let school = School::open(files).await;
    let port = whole.address.port();
    assert_eq!(through(&school, [127, 0, 7, 1], &format!("www.google.com:{port}"), "pupil").await, 502);
    let answer = school.pupil().get(&format!("http://www.google.com:{port}/search?q=x")).await;
    assert_eq!(answer.reply.status, 502, "{:?}", answer.reply);
    assert_eq!((whole.visits(), safe.visits()), (0, 0));
    assert_eq!(through(&school, [127, 0, 9, 1], &format!("www.google.com:{port}"), "teacher").await, 200);
}

#[tokio::test]
async fn a_teachers_connection_serves_no_pupil_and_a_pupils_search_is_made_safe_though_on_record_as_asked() {
    let [whole, safe] = Origin::two_saying("all of it", "what is safe").await;
    let school = world().start().await;
    let url = format!("http://www.google.com:{}/search?q=cats&s%61fe=off&safe=off", whole.address.port());
    for _ in 0..3 {
        school.teacher().get(&url).await.is_from_the_site("all of it");
        school.pupil().get(&url).await.is_from_the_site("what is safe");
    }
    // One connection each, kept and used again, and never the other's.
    assert_eq!((whole.visits(), safe.visits()), (1, 1));
    for (site, target) in [(&whole, "/search?q=cats&s%61fe=off&safe=off"), (&safe, "/search?q=cats&safe=active&ssui=on")] {
        let seen = site.seen();
        let host = format!("host: www.google.com:{}\r\n", whole.address.port());
        assert!(seen.len() == 3 && seen.iter().all(|head| head.starts_with(&format!("GET {target} HTTP/1.1\r\n")) && head.contains(&host)), "{seen:?}");
    }
    for row in school.rows() {
        assert_eq!((row.host.as_str(), row.path.as_str()), ("www.google.com", "/search?q=cats&s%61fe=off&safe=off"));
    }
}

#[tokio::test]
async fn an_engine_that_cannot_be_made_safe_is_refused_to_pupils_and_says_why() {
    let [site, _] = Origin::two_saying("all of it", "what is safe").await;
    let school = world().start().await;
    let port = site.address.port();
    let refused = school.pupil().connect(&format!("search.yahoo.com:{port}")).await;
    refused.is_blocked_because("safe-search");
    assert!(refused.record().why.contains("SafeSearch cannot be made to hold at Yahoo"), "{:?}", refused.record());
    assert_eq!(through(&school, [127, 0, 9, 1], &format!("search.yahoo.com:{port}"), "teacher").await, 200);
    let before = site.seen().len();
    let search = format!("http://uk.search.yahoo.com:{port}/search");
    school.pupil().post(&search, "p=cats&vm=p").await.is_blocked_because("safe-search");
    school.pupil().get(&format!("http://duckduckgo.com:{port}/?q=cats+!safeoff")).await.is_blocked_because("safe-search");
    assert_eq!(site.seen().len(), before, "neither was sent");
    school.pupil().get(&format!("{search}?p=cats&vm=p")).await.is_from_the_site("all of it");
    assert!(site.seen().last().expect("a request").starts_with("GET /search?p=cats&vm=r HTTP/1.1\r\n"));
    school.teacher().post(&search, "p=cats").await.is_from_the_site("all of it");
}

/// A school that looks into https, with two sites of the same names: what the whole web is shown, and what is safe.
async fn looking_in(more: impl FnOnce(World) -> World) -> (Program, [SecureSite; 2], String) {
    let believed = Authority::new("A public authority");
    let names: Vec<_> = LED.iter().map(|(engine, _)| *engine).chain(["accounts.google.com", "login.microsoftonline.com", "news.example"]).collect();
    let sites = SecureSite::two_echoing(&believed, &names).await;
    let files = more(world().inspecting().tls("authorities = [\"public.pem\"]")).write();
    files.put("public.pem", &believed.pem());
    let made = files.usher(&["ca", "create", "--name", "Example School"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let pem = files.usher(&["ca", "export"]).out;
    (Program::start(Arc::new(files)), sites, pem)
}

/// Asks for a page with these fields (each with its line end) over https, and reads the whole answer.
async fn ask(device: &Device, host: &str, port: u16, path: &str, fields: &str) -> String {
    let mut tls = device.secure(&format!("{host}:{port}"), host).await.expect("a certificate that is trusted");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{fields}Connection: close\r\n\r\n");
    tls.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    soon("an answer", tls.read_to_end(&mut answer)).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn over_https_that_is_looked_into_a_search_is_made_safe_and_fields_are_put_in_place_of_the_pupils() {
    let tenants =
        "tenants = { google = [\"school.example\"], microsoft = { allow = [\"school.example\"], directory = \"0a1b-2c\" } }\nmembers = { networks = [\"127.0.7";
    let (usher, [whole, safe], _) = looking_in(|world| world.edited("members = { networks = [\"127.0.7", tenants)).await;
    let port = whole.address.port();
    let pupil = Device::of(&usher.files, usher.address);
    let teacher = Device::of(&usher.files, usher.address).at([127, 0, 9, 1]);
    let own = "YouTube-Restrict: Off\r\nyoutube-restrict: None\r\nX-GoogApps-Allowed-Domains: gmail.com\r\nRestrict-Access-To-Tenants: other.example\r\n\
               Cookie: a=1; safesearch=off\r\n";
    for device in [&pupil, &teacher, &pupil, &teacher] {
        for (host, path) in [("www.google.com", "/search?safe=off&q=cats"), ("www.youtube.com", "/watch?v=1"), ("search.brave.com", "/search?q=cats")] {
            assert!(ask(device, host, port, path, own).await.starts_with("HTTP/1.1 200"), "{host}");
        }
        for host in ["accounts.google.com", "login.microsoftonline.com", "news.example"] {
            assert!(ask(device, host, port, "/login", own).await.starts_with("HTTP/1.1 200"), "{host}");
        }
    }
    let told = |site: &SecureSite, host: &str| {
        let of_host = |(_, fields): &(String, http::HeaderMap)| fields["host"].to_str().is_ok_and(|text| text.starts_with(host));
        let seen: Vec<_> = site.seen().into_iter().filter(of_host).collect();
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
        assert!(!seen.is_empty(), "{host} was not asked");
        let (target, fields) = seen[0].clone();
        let all = |name: &str| fields.get_all(name).iter().map(|value| value.to_str().expect("text").to_owned()).collect::<Vec<_>>().join(" and ");
        (target, all("youtube-restrict"), all("x-googapps-allowed-domains"), all("restrict-access-to-tenants"), all("restrict-access-context"), all("cookie"))
    };
    let as_sent = |target: &str| {
        let cookie = "a=1; safesearch=off".to_owned();
        (target.to_owned(), "Off and None".to_owned(), "gmail.com".to_owned(), "other.example".to_owned(), String::new(), cookie)
    };
    // Teachers' requests are as they were sent, and came to the engine's own addresses.
    assert_eq!(told(&whole, "www.google.com"), as_sent("/search?safe=off&q=cats"));
    assert_eq!(told(&whole, "www.youtube.com"), as_sent("/watch?v=1"));
    // The pupils' are not.
    let school = || "school.example".to_owned();
    let google = told(&safe, "www.google.com");
    assert_eq!((google.0.as_str(), google.2), ("/search?q=cats&safe=active&ssui=on", school()));
    assert_eq!(told(&safe, "www.youtube.com").1, "Strict");
    assert_eq!(told(&safe, "search.brave.com").5, "a=1; safesearch=strict");
    let rows = usher.rows();
    assert!(rows.iter().any(|row| row.group == "year-7" && row.path == "/search?safe=off&q=cats"), "the record holds what was asked");
    // Hosts of no engine are at the same address for all; only they that are meant are told whose accounts may be used.
    let of_pupil = |host: &str, field: &str| {
        let seen = whole.seen();
        let told = seen.iter().filter(|(_, fields)| fields["host"].to_str().is_ok_and(|text| text.starts_with(host)));
        told.map(|(_, fields)| fields.get_all(field).iter().map(|value| value.to_str().expect("text").to_owned()).collect::<Vec<_>>().join(" and "))
            .collect::<Vec<_>>()
    };
    assert_eq!(of_pupil("accounts.google.com", "x-googapps-allowed-domains"), ["school.example", "gmail.com", "school.example", "gmail.com"]);
    assert_eq!(of_pupil("login.microsoftonline.com", "restrict-access-to-tenants"), ["school.example", "other.example", "school.example", "other.example"]);
    assert_eq!(of_pupil("login.microsoftonline.com", "restrict-access-context"), ["0a1b-2c", "", "0a1b-2c", ""]);
    assert_eq!(of_pupil("news.example", "restrict-access-context"), [""; 4]);
    assert_eq!(of_pupil("news.example", "x-googapps-allowed-domains"), ["gmail.com"; 4]);
}

#[tokio::test]
async fn through_a_parent_a_tunnel_is_asked_for_by_its_safe_name_and_a_search_by_its_own() {
    let parent = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let school = World::new().parent(parent.address).start().await;
    for (person, name) in [(school.pupil(), "strict.bing.com"), (school.teacher(), "www.bing.com")] {
        assert_eq!(person.connect("www.bing.com:443").await.reply.status, 200);
        assert!(parent.seen().last().expect("a request").starts_with(&format!("CONNECT {name}:443 HTTP/1.1\r\n")), "{:?}", parent.seen());
    }
    school.pupil().get("http://www.bing.com/search?q=cats").await;
    assert!(parent.seen().last().expect("a request").starts_with("GET http://www.bing.com/search?q=cats&adlt=strict HTTP/1.1\r\n"), "{:?}", parent.seen());
    // What only a name binds is refused where the parent looks names up.
    school.pupil().get("http://www.ecosia.org/search?q=cats").await.is_blocked_because("safe-search");
    school.pupil().post("http://www.bing.com/search", "q=cats&adlt=off").await.is_blocked_because("safe-search");
    let said = school.files.usher(&["config", "check"]);
    assert!(said.out.contains("SafeSearch through the parent proxy"), "{said:?}");
}

#[test]
fn check_says_what_would_be_done() {
    let files = world().write();
    let check = |url: &str, group: &str| files.usher(&["check", url, "--group", group]);
    for (url, group, code, words) in [
        ("https://www.google.com/search?q=x", "year-7", 0, "SafeSearch of Google (strict): the connection is led to forcesafesearch.google.com"),
        ("https://www.youtube.com/", "sixth-form", 0, "SafeSearch of YouTube (moderate): the connection is led to restrictmoderate.youtube.com"),
        ("http://www.bing.com/search?q=x", "year-7", 0, "adlt=strict is put into the address; the connection is led to strict.bing.com"),
        ("https://search.yahoo.com/search?p=x", "year-7", 1, "SafeSearch cannot be made to hold at Yahoo while its https is not looked into"),
        ("https://search.yahoo.com/search?p=x", "staff", 0, "ALLOWED"),
    ] {
        let said = check(url, group);
        assert!(said.code == Some(code) && said.out.contains(words), "{url} {group}: {said:?}");
    }
    assert!(!check("https://www.google.com/", "staff").out.contains("SafeSearch"));
    let json = &files.usher(&["check", "http://www.bing.com/", "--group", "year-7", "--json"]).json()[0];
    assert_eq!(json["changes"].as_array().map(Vec::len), Some(1), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_asks_for_all_of_it_gets_what_is_safe() {
    let room = "[[rule]]\nname = \"the engine is there\"\nwhen = { host = \"www.google.com\" }\nthen = \"allow\"\nreason = \"It is the test.\"\nreview = 2027-01-10\n\
                [[rule]]\nname = \"the world is not there\"\nwhen = { host = [\"com\", \"net\", \"org\"] }\nthen = \"block\"\nreason = \"Nor does it leave.\"\nreview = 2027-01-10";
    let (usher, [whole, safe], pem) = looking_in(|world| world.policy(room)).await;
    let Some(mut browser) = Browser::trusting(&[&pem], usher.address) else { return skipped("Chromium with certutil") };
    browser.go(&format!("https://www.google.com:{}/search?q=cats&safe=off", whole.address.port())).expect("a page");
    // The page says what the engine was asked for; the browser knows of nothing.
    assert_eq!(browser.words(), "/search?q=cats&safe=active&ssui=on");
    assert!(browser.value("location.search").as_str().is_some_and(|query| query == "?q=cats&safe=off"));
    assert!(whole.seen().is_empty() && !safe.seen().is_empty());
}
