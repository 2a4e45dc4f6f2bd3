//! How soon danger is stated, at a school's busiest: a real Usher on this machine, a made-up school's requests at a steady rate, and danger among them.
//!
//! `cargo bench --bench prompt`, or `-- --seconds 60 --rate 1000`. The requests are those of `../traffic`, sent from a device's address each, in the clear
//! (the traffic's tunnels too, as requests for a page). Once a second somebody of their own does one of four things that are danger by themselves: a search
//! with words that are only planted here, a visit to the name that stands for what is illegal, a prompt to an AI in the clear, and one inside https that is
//! looked into. Measured for each: from the record's own time to its matter's statement in the journal, and from before the request was sent to the line in a
//! file that is told of it; and how long the thread `usher-alerts` was at work, in per cent of a core.
//!
//! The line is looked for every five milliseconds; a journal's time is in whole ones. `USHER_BINARY` says which program is measured.

mod load;
mod school;
#[path = "../traffic/mod.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod traffic;

use http::Method;
use load::{Asked, Devices, Site};
use school::{CHAT, ENGINE, ILLEGAL, School, WORDS};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use traffic::Traffic;
use usher::audit::incident::{Level, Person};

/// How long after the last request is waited for what is to be told.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is planted, in turn.
const KINDS: [&str; 4] = ["a search", "what is illegal", "a prompt", "a prompt inside https"];

/// A value that was given behind this name.
fn given(name: &str, usual: u64) -> u64 {
    let mut all = std::env::args().skip_while(|argument| argument != name);
    all.nth(1).and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// What the traffic asks for: from which device, of which host, and what.
struct Sent {
    from: Ipv4Addr,
    host: String,
    categories: String,
    asked: Asked,
}

/// What the traffic asks for, as it can be sent to a site at this port.
fn ordinary(traffic: &mut Traffic, port: u16, count: u64) -> Vec<Sent> {
    let one = |exchange: traffic::Exchange| {
        let opening = exchange.opening;
        let IpAddr::V4(device) = opening.client else { return None };
        let [_, b, c, d] = device.octets();
        let path = if opening.path.is_empty() { "/" } else { &opening.path };
        let text = |name: &'static str, value: &Option<String>| value.as_ref().map(|value| (name, value.clone()));
        let mut fields: Vec<_> = [
            text("sec-fetch-dest", &opening.fetch_dest),
            text("sec-fetch-mode", &opening.fetch_mode),
            text("sec-fetch-user", &opening.fetch_user),
            text("user-agent", &opening.agent),
            opening.referrer.as_ref().map(|host| ("referer", format!("http://{host}:{port}/"))),
        ]
        .into_iter()
        .flatten()
        .collect();
        fields.push(("sec-fetch-site", if opening.cause.is_some() { "same-origin" } else { "none" }.to_owned()));
        let url = format!("http://{}:{port}{path}", opening.host);
        // A second octet of its own keeps devices apart from who is in danger.
        let from = Ipv4Addr::new(127, 1 + b % 200, c, d);
        Some(Sent { from, host: opening.host, categories: opening.categories, asked: Asked { method: Method::GET, url, fields, body: String::new() } })
    };
    let mut all = Vec::new();
    while (all.len() as u64) < count {
        all.extend(traffic.next().and_then(one));
    }
    all
}

fn by_hand() -> Vec<(&'static str, String)> {
    [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none"), ("sec-fetch-user", "?1")]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
}

/// Danger of this kind.
fn danger(kind: usize, port: u16) -> Asked {
    let words = WORDS.replace(' ', "+");
    let get = |url: String| Asked { method: Method::GET, url, fields: by_hand(), body: String::new() };
    match kind {
        0 => get(format!("http://{ENGINE}:{port}/search?q={words}")),
        1 => get(format!("http://{ILLEGAL}:{port}/")),
        _ => {
            let body = serde_json::json!({
                "action": "next",
                "messages": [{ "author": { "role": "user" }, "content": { "content_type": "text", "parts": [WORDS] } }],
            });
            let scheme = if kind == 3 { "https" } else { "http" };
            let page = format!("{scheme}://{CHAT}:{port}/");
            let fields = [
                ("content-type", "application/json"),
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-dest", "empty"),
                ("sec-fetch-site", "same-origin"),
                ("referer", &page),
            ];
            let fields = fields.map(|(name, value)| (name, value.to_owned())).to_vec();
            Asked { method: Method::POST, url: format!("{page}backend-api/conversation"), fields, body: body.to_string() }
        }
    }
}

/// Lines of a file, each with when it was seen.
type Lines = Arc<Mutex<Vec<(Instant, serde_json::Value)>>>;

/// Looks for lines until it is told to stop.
fn follow(path: PathBuf, lines: Lines, is_over: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut read = 0;
        while !is_over.load(Ordering::Relaxed) {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            let now = Instant::now();
            let new = text.get(read..whole).unwrap_or_default().lines().filter_map(|line| Some((now, serde_json::from_str(line).ok()?)));
            lines.lock().expect("lines").extend(new);
            read = whole.max(read);
            std::thread::sleep(Duration::from_millis(5));
        }
    })
}

/// What became of danger of one kind.
#[derive(Default)]
struct Row {
    planted: usize,
    /// From the record to the statement, in milliseconds.
    statements: Vec<f64>,
    /// From before the request to the line in the file, in milliseconds.
    lines: Vec<f64>,
}

impl Row {
    fn print(&self, kind: &str) {
        let (stated, lines) = (self.statements.len(), self.lines.len());
        println!("| {kind} | {} | {stated} | {} | {lines} | {} |", self.planted, told(self.statements.clone()), told(self.lines.clone()));
    }
}

/// Median and worst, in milliseconds.
fn told(mut all: Vec<f64>) -> String {
    all.sort_by(f64::total_cmp);
    match all.last() {
        Some(worst) => format!("{:.0} | {worst:.0}", all[all.len() / 2]),
        None => "– | –".to_owned(),
    }
}

fn main() {
    // Tests run every bench for a moment.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (seconds, rate) = (given("--seconds", if is_bench { 60 } else { 4 }), given("--rate", if is_bench { 1000 } else { 100 }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, measure(seconds, rate));
}

async fn measure(seconds: u64, rate: u64) {
    let site = Site::new().await;
    let (plain, secure, authority) = (site.plain, site.secure, site.authority.clone());
    site.answer();
    let all = ordinary(&mut Traffic::new(7, 1.0), plain, seconds * rate);
    let hosts: BTreeMap<_, _> = all.iter().map(|sent| (sent.host.clone(), sent.categories.clone())).collect();
    let school = School::new(&hosts, &authority);
    let trusted = school.authority();
    let mut program = school.serve();
    let (lines, is_over) = (Lines::default(), Arc::new(AtomicBool::new(false)));
    let following = follow(school.path("alerts.jsonl"), lines.clone(), is_over.clone());

    let mut devices = Devices::new(program.address);
    let mut planted: HashMap<Ipv4Addr, (usize, Instant)> = HashMap::new();
    let work = || (program.worked(Some("usher-alerts")), program.worked(None));
    let (before, begun) = (work(), tokio::time::Instant::now());
    for (number, Sent { from, asked, .. }) in (0..).zip(all) {
        tokio::time::sleep_until(begun + Duration::from_micros(number * 1_000_000 / rate)).await;
        devices.ask(from, asked);
        if number % rate == rate / 2 {
            let place = planted.len();
            let (kind, from) = (place % KINDS.len(), Ipv4Addr::new(127, 250, (place / 250) as u8, (place % 250 + 1) as u8));
            planted.insert(from, (kind, Instant::now()));
            match kind {
                3 => devices.ask_inside(from, (CHAT, secure), &trusted, danger(kind, secure)),
                _ => devices.ask(from, danger(kind, plain)),
            }
        }
    }
    let (after, took) = (work(), begun.elapsed());
    let is_told = |lines: &Lines| lines.lock().expect("lines").iter().filter(|(_, line)| line["level"] == "danger").count() >= planted.len();
    while begun.elapsed() < took + PATIENCE && !is_told(&lines) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    following.join().expect("it looks to the end");
    program.end();
    let tally = devices.tally.borrow();
    let share = |of: fn(&(Duration, Duration)) -> Duration| (of(&after).as_secs_f64() - of(&before).as_secs_f64()) / took.as_secs_f64() * 100.0;
    println!(
        "{} requests in {:.1} s: {:.0} a second, to {} hosts; answered {:?}, not {}\n`usher-alerts` at work: {:.2} % of a core; all of Usher: {:.1} %",
        tally.asked,
        took.as_secs_f64(),
        tally.asked as f64 / took.as_secs_f64(),
        hosts.len(),
        tally.answered,
        tally.failed,
        share(|work| work.0),
        share(|work| work.1),
    );
    report(&school, &planted, &lines.lock().expect("lines"));
}

fn report(school: &School, planted: &HashMap<Ipv4Addr, (usize, Instant)>, lines: &[(Instant, serde_json::Value)]) {
    let stated = school.stated();
    let mut rows: [Row; KINDS.len()] = Default::default();
    for (from, (kind, sent)) in planted {
        let row = &mut rows[*kind];
        row.planted += 1;
        let whose = Person::Device(from.to_string());
        let Some((matter, at)) = stated.iter().find(|(matter, _)| matter.opened.who == whose && matter.level == Level::Danger) else { continue };
        row.statements.push((*at - matter.opened.at_ms.cast_signed()) as f64);
        let reference = matter.opened.episode.to_string();
        let line = lines.iter().find(|(_, line)| line["id"].as_str() == Some(&reference) && line["level"] == "danger");
        row.lines.extend(line.map(|(seen, _)| seen.duration_since(*sent).as_secs_f64() * 1000.0));
    }
    println!("\n| danger | planted | stated | record to statement, median, ms | worst | told | request to line in the file, median, ms | worst |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut all = Row::default();
    for (kind, row) in KINDS.iter().zip(rows) {
        row.print(kind);
        all.planted += row.planted;
        all.statements.extend(row.statements);
        all.lines.extend(row.lines);
    }
    all.print("all");
    assert_eq!((all.statements.len(), all.lines.len()), (planted.len(), planted.len()), "all danger is stated and told");
    let others = stated.iter().filter(|(matter, _)| matches!(&matter.opened.who, Person::Device(name) if !name.starts_with("127.250."))).count();
    println!("\n{others} other matters, of what the traffic's pupils stray to.");
}
