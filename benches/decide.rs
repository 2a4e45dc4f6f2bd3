//! What one decision costs: a URL as text in, a verdict with its reason out.
//!
//! Measured: reading the URL, looking it up, placing the moment on the timetable, judging. Not measured: sockets, the record, pages. The
//! policy is the shipped one; the lists are the starter lists and 600,000 made-up names in 20 categories, loaded from files as `serve`
//! loads them. Every case goes round thousands of URLs, so that the tables are as cold as in a school.

mod names;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use names::Random;
use std::fs;
use std::hint::black_box;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Waker};
use usher::app;
use usher::bypass::bodies::Body;
use usher::bypass::heads::{Answer, Request};
use usher::category::CategorySet;
use usher::config::Config;
use usher::identity::Identity;
use usher::illegal::key::PublisherKey;
use usher::illegal::sealed::{self, Issue, Purpose};
use usher::illegal::{Tier, lines};
use usher::lists::Found;
use usher::policy::restrict::{How, Restriction, Subject};
use usher::policy::{Circumstances, ConnectVerdict, RequestVerdict};
use usher::proxy::pace::{Leash, Reins};
use usher::snapshot::{InForce, Snapshot};
use usher::url::{Scheme, Url};

const NAMES: usize = 600_000;
/// The URLs of one case.
const ROUND: usize = 1 << 15;
/// All of them blocked for pupils, so that every listed name is a block.
const CATEGORIES: [&str; 20] = [
    "adult", "drugs", "alcohol-tobacco", "violence", "weapons", "gambling", "malware", "phishing", "hacking", "piracy", "bypass", "social-networks", "chat",
    "dating", "games", "file-hosting", "url-shorteners", "ads-trackers", "cryptocurrency", "mature",
];
const PUPIL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
/// A Wednesday in term, in lessons.
const NOW: &str = "2026-11-25T10:15:00Z";

/// A school as `serve` would load it.
struct School {
    snapshot: Snapshot,
    names: Vec<String>,
    now: Timestamp,
}

impl School {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let names = names::names(NAMES);
        for (category, listed) in CATEGORIES.iter().zip(names.chunks(NAMES / CATEGORIES.len())) {
            write(folder.path(), &format!("lists/{category}/domains"), &listed.join("\n"));
        }
        write(folder.path(), "lists/news/urls", &paths().iter().map(|site| format!("{site}/games\n")).collect::<String>());
        write(folder.path(), "lists/games/urls", &paths().iter().map(|site| format!("{site}/news/play/arcade\n")).collect::<String>());
        let root = env!("CARGO_MANIFEST_DIR");
        let settings = format!(
            "data = \"data\"\n[files]\npolicy = \"{root}/config/policy.toml\"\ncategories = \"{root}/blocklists/categories.toml\"\nsources = \"sources.toml\"\n\
             canaries = \"{root}/blocklists/canaries.toml\"\n[scan]\nphrases = [\"{root}/blocklists/lexicon/phrases\"]\n"
        );
        let source = |name: &str, address: &str| format!("[[source]]\nname = \"{name}\"\naddress = \"{address}\"\nfolders = \"{root}/blocklists/ut1.toml\"\n");
        write(folder.path(), "sources.toml", &(source("starter", &format!("{root}/blocklists/starter")) + &source("made up", "lists")));
        write(folder.path(), "usher.toml", &settings);
        let config = Config::load(&folder.path().join("usher.toml")).expect("a sound configuration");
        let snapshot = app::look(&config, [7; 32]).expect("lists that load");
        Self { snapshot, names, now: NOW.parse().expect("a time") }
    }

    /// What a pupil is answered.
    fn decide(&self, url: &str) -> Verdict {
        let Snapshot { taxonomy, lists, timetable, networks, .. } = &self.snapshot;
        let url = Url::parse(url).expect("a URL");
        let identity = networks.group_of(PUPIL).map_or_else(Identity::unknown, Identity::of_network);
        let found = lists.look_up(&url);
        let moment = timetable.moment(self.now);
        let method = if url.scheme == Scheme::Https { "CONNECT" } else { "GET" };
        let around = Circumstances { identity: &identity, client: PUPIL, moment: &moment, method, past: &[], taxonomy, lists };
        match url.scheme {
            Scheme::Http => match black_box(self.snapshot.court().decide_request(&url, &found, around)).verdict {
                RequestVerdict::Forward(_) | RequestVerdict::Elsewhere(_) => Verdict::Allowed,
                RequestVerdict::Warn => Verdict::Warned,
                RequestVerdict::Block => Verdict::Blocked,
            },
            Scheme::Https => match black_box(self.snapshot.court().decide_connect(&url, &found, around)).verdict {
                ConnectVerdict::Tunnel(_) | ConnectVerdict::Inspect(_) => Verdict::Allowed,
                ConnectVerdict::Block => Verdict::Blocked,
            },
        }
    }

    /// Listed hosts in no order, the half of them with a label before.
    fn listed(&self, random: &mut Random) -> String {
        let name = random.pick(&self.names);
        format!("{}{name}", random.pick(&["", "", "", "www.", "www.", "cdn7."]))
    }

    /// Hosts in no list that are like listed ones.
    fn unlisted(&self, random: &mut Random) -> String {
        let name = random.pick(&self.names);
        match random.below(2) {
            0 => format!("x1{}", name.replace('.', "-q.")),
            _ => format!("{name}.example-school.org"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Warned,
    Blocked,
}

/// Sites of which only some pages are listed.
fn paths() -> Vec<String> {
    (0..2000).map(|number| format!("paper{number}.example-press.org")).collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder can be made");
    fs::write(path, text).expect("a file can be written");
}

/// A path as pages have it: about 25 bytes.
fn path(random: &mut Random) -> String {
    format!("/{}/{}/{}.html", random.letters(5), random.letters(7), random.letters(6))
}

/// A query of about 600 bytes, as searches and adverts have it, some of it percent-encoded.
fn query(random: &mut Random) -> String {
    let pairs: Vec<_> = (0..20).map(|_| format!("{}={}%20{}%2F{}", random.letters(4), random.letters(8), random.letters(6), random.letters(5))).collect();
    pairs.join("&")
}

fn decide(criterion: &mut Criterion) {
    let school = School::new();
    let mut group = criterion.benchmark_group("decide");
    let mut case = |name: &str, usual: Verdict, url: &dyn Fn(&mut Random) -> String| {
        let mut random = Random::new(7);
        let urls: Vec<String> = (0..ROUND).map(|_| url(&mut random)).collect();
        let as_usual = urls.iter().filter(|url| school.decide(url) == usual).count();
        assert!(as_usual * 100 >= ROUND * 99, "{name}: {as_usual} of {ROUND} are {usual:?}");
        let mut round = urls.iter().cycle();
        group.bench_function(name, |bencher| bencher.iter(|| school.decide(black_box(round.next().expect("it never ends")))));
    };
    let many = |random: &mut Random| (0..12).map(|_| random.letters(6) + ".").collect::<String>();
    case("blocked name", Verdict::Blocked, &|random| format!("http://{}{}", school.listed(random), path(random)));
    case("allowed name", Verdict::Allowed, &|random| format!("http://{}{}", school.unlisted(random), path(random)));
    case("blocked, 12 labels more", Verdict::Blocked, &|random| format!("http://{}{}{}", many(random), school.listed(random), path(random)));
    case("allowed, 12 labels more", Verdict::Allowed, &|random| format!("http://{}{}{}", many(random), school.unlisted(random), path(random)));
    case("allowed, long query", Verdict::Allowed, &|random| format!("http://{}{}?{}", school.unlisted(random), path(random), query(random)));
    let sites = paths();
    case("blocked by path", Verdict::Blocked, &|random| format!("http://www.{}/news/play/arcade{}", random.pick(&sites), path(random)));
    case("allowed, site with listed paths", Verdict::Allowed, &|random| format!("http://{}/news{}", random.pick(&sites), path(random)));
    case("tunnel, blocked", Verdict::Blocked, &|random| format!("https://{}:443", school.listed(random)));
    case("tunnel, allowed", Verdict::Allowed, &|random| format!("https://{}:443", school.unlisted(random)));
    // Led to the name under which the engine is safe, or made safe by its query.
    case("tunnel to a search engine", Verdict::Allowed, &|_| "https://www.google.com:443".to_owned());
    case("search, made safe", Verdict::Allowed, &|random| format!("http://www.google.com/search?q={}+{}&hl=en", random.letters(5), random.letters(7)));
    // Judged twice: as what re-publishes, and as what is shown.
    let archived = |host: String, random: &mut Random| format!("http://web.archive.org/web/20260901000000/http://{host}{}", path(random));
    case("re-published, blocked", Verdict::Blocked, &|random| archived(school.listed(random), random));
    case("re-published, allowed", Verdict::Allowed, &|random| archived(school.unlisted(random), random));
    group.finish();
}

/// A sealed feed of so many pages and a tenth as many sites.
fn sealed(entries: usize) -> Tier {
    let key = PublisherKey::of_random(&[7; 64]);
    let mut random = Random::new(3);
    let mut text = String::new();
    for number in 0..entries {
        let site = if number % 11 == 0 { "site " } else { "http://" };
        let path = if number % 11 == 0 { String::new() } else { path(&mut random) };
        text += &format!("terrorism {site}{}{number}.example{path}\n", random.letters(8));
    }
    let lines = lines::read(&text, None).expect("lines");
    let issue = Issue { publisher: "Bench".into(), serial: 1, issued: NOW.parse().expect("a time"), fresh_hours: 24, purpose: Purpose::List };
    let file = sealed::seal(&issue, &lines, &key).expect("sealed");
    Tier::new(Some(Arc::new(sealed::open(&file, &key.licence().expect("a licence")).expect("opened"))))
}

/// What the illegal tier adds to each decision: nothing is found, as for nearly every request.
fn tier(criterion: &mut Criterion) {
    let school = School::new();
    let mut group = criterion.benchmark_group("illegal tier");
    let mut random = Random::new(7);
    let mut urls = |url: &dyn Fn(&mut Random) -> String| (0..ROUND).map(|_| Url::parse(&url(&mut random)).expect("a URL")).collect::<Vec<_>>();
    let plain = urls(&|random| format!("http://{}{}", school.unlisted(random), path(random)));
    let queried = urls(&|random| format!("http://{}{}?a={}&b={}", school.unlisted(random), path(random), random.letters(6), random.letters(4)));
    let long = urls(&|random| format!("http://{}{}?{}", school.unlisted(random), path(random), query(random)));
    let Snapshot { lists, taxonomy, .. } = &school.snapshot;
    let nothing = Found::default();
    for (size, tier) in [("no feed", Tier::default()), ("10k", sealed(10_000)), ("1M", sealed(1_000_000))] {
        for (name, urls) in [("page", &plain), ("page with a query", &queried), ("page with a long query", &long)] {
            let mut round = urls.iter().cycle();
            group.bench_function(format!("{size}/{name}"), |bencher| {
                bencher.iter(|| tier.judge_page(black_box(round.next().expect("it never ends")), &nothing, lists, taxonomy).is_ok());
            });
        }
        let mut round = plain.iter().cycle();
        group.bench_function(format!("{size}/tunnel"), |bencher| {
            bencher.iter(|| tier.judge_host(black_box(round.next().expect("it never ends")), &nothing, lists, taxonomy).is_ok());
        });
    }
    group.finish();
}

/// What it adds to each request to look for ways round in its head, and in its answer's: nothing is found, as of nearly every one.
fn ways(criterion: &mut Criterion) {
    let school = School::new();
    let mut group = criterion.benchmark_group("ways");
    let mut random = Random::new(7);
    let browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
    let fields = |list: &[(&'static str, &'static str)]| {
        list.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect::<HeaderMap>()
    };
    let asked = fields(&[
        ("host", "www.example.org"),
        ("user-agent", browser),
        ("accept", accept),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en-US;q=0.9,en;q=0.8"),
        ("cookie", "session=3f2a9d5c8e; consent=1"),
        ("referer", "https://www.school.example/"),
        ("sec-ch-ua", "\"Chromium\";v=\"142\""),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", "\"Windows\""),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "none"),
        ("sec-fetch-user", "?1"),
        ("upgrade-insecure-requests", "1"),
        ("priority", "u=0, i"),
    ]);
    let answered = fields(&[
        ("content-type", "text/html; charset=utf-8"),
        ("date", "Wed, 25 Nov 2026 10:15:00 GMT"),
        ("cache-control", "private, max-age=0"),
        ("server", "nginx"),
        ("content-encoding", "gzip"),
        ("vary", "Accept-Encoding"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
        ("set-cookie", "session=1"),
        ("etag", "\"1\""),
        ("x-cache", "HIT"),
        ("via", "1.1 varnish"),
        ("age", "0"),
    ]);
    let taxonomy = &school.snapshot.taxonomy;
    for (name, long) in [("head of a request", false), ("the same, with a long query", true)] {
        let query = |random: &mut Random| if long { format!("?{}", query(random)) } else { String::new() };
        let urls: Vec<Url> = (0..ROUND)
            .map(|_| {
                let (host, path) = (school.unlisted(&mut random), path(&mut random));
                Url::parse(&format!("http://{host}{path}{}", query(&mut random))).expect("a URL")
            })
            .collect();
        let mut round = urls.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let url = black_box(round.next().expect("it never ends"));
                let request = Request { url, path: url.received(), method: "GET", fields: &asked, categories: CategorySet::EMPTY, taxonomy };
                black_box(request.findings()).len()
            });
        });
    }
    group.bench_function("head of an answer", |bencher| {
        bencher.iter(|| black_box(Answer { host: "www.example.org", categories: "", fields: black_box(&answered) }.findings()).len());
    });
    // A script of 64 KiB, in the pieces it is read in.
    let script: String = (0..).map(|_| format!("const {} = {}({:?});\n", random.letters(6), random.letters(4), random.letters(12))).take(2000).collect();
    let script = &script.as_bytes()[..64 << 10];
    group.throughput(Throughput::Bytes(script.len() as u64));
    group.bench_function("a script", |bencher| {
        bencher.iter(|| {
            let mut body = Body::of(Some("text/javascript"), false).expect("it is read");
            script.chunks(16 << 10).for_each(|piece| drop(body.feed(black_box(piece))));
            body.end().is_some()
        });
    });
    group.finish();
}

/// What it costs everybody that somebody else is restricted: a decision, and the look before each piece of what goes on for long.
fn restrictions(criterion: &mut Criterion) {
    let free = School::new();
    let until = free.now.checked_add(jiff::SignedDuration::from_hours(1)).expect("a time");
    let other = |number: u64| Restriction {
        number,
        who: Subject::user(&format!("pupil{number}")),
        how: How::Off,
        from: free.now,
        until,
        by: "Mr Roe".into(),
        reason: "why".into(),
        tell: None,
    };
    let others: Vec<_> = (1..=200).map(|number| Arc::new(other(number))).collect();
    let School { snapshot, names, now } = School::new();
    let restricted = School { snapshot: snapshot.with_restrictions(&others), names, now };
    let mut group = criterion.benchmark_group("restrictions");
    for (name, school) in [("nobody", &free), ("200 others", &restricted)] {
        let mut random = Random::new(7);
        let urls: Vec<String> = (0..ROUND).map(|_| format!("http://{}{}", school.unlisted(&mut random), path(&mut random))).collect();
        let mut round = urls.iter().cycle();
        group.bench_function(format!("{name}/a decision"), |bencher| bencher.iter(|| school.decide(black_box(round.next().expect("it never ends")))));
        let now = school.now;
        let reins = Reins::new(Arc::new(InForce::new(school.snapshot.clone())), Arc::new(move || now));
        let mut leash = Leash::of_tunnel(reins, Some("j.patel".into()), PUPIL, Url::parse(&urls[0]).expect("a URL"));
        let mut context = Context::from_waker(Waker::noop());
        group.bench_function(format!("{name}/a piece"), |bencher| bencher.iter(|| black_box(&mut leash).poll(|| 4096, &mut context).is_ready()));
    }
    group.finish();
}

criterion_group!(benches, decide, tier, ways, restrictions);
criterion_main!(benches);
