//! What the detectors of requests and bodies (`usher::bypass`) find in ordinary traffic, where there is nothing to find; and what they find of what is planted.
//!
//! The addresses and bodies are gathered from packages of public registries by `gather.py` beside this file, into `target/ordinary`; it needs the network, and
//! is run once. Each address is asked for with a browser's head, as what such addresses are asked for, and all by one person within moments, for what is found
//! of several together. Bodies are read as though no list knew their site.
//!
//! `cargo bench --bench ordinary` prints the tables of `benches/README.md`.

#[allow(dead_code, reason = "only its random numbers are asked for")]
#[path = "../names.rs"]
mod names;
mod planted;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use usher::app;
use usher::bypass::bodies::Body;
use usher::bypass::heads::{Request, is_shown_openly};
use usher::bypass::hosting::says_nothing;
use usher::bypass::relay::{Relays, Role, carried};
use usher::bypass::{Certainty, Finding};
use usher::config::Config;
use usher::snapshot::Snapshot;
use usher::url::Url;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// So much comes at a time.
const PIECE: usize = 16 << 10;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A school with the lists that are shipped.
fn school() -> Snapshot {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let root = root().display();
    let settings = format!(
        "data = \"data\"\n[files]\npolicy = \"{root}/config/policy.toml\"\ncategories = \"{root}/blocklists/categories.toml\"\nsources = \"sources.toml\"\n\
         canaries = \"{root}/blocklists/canaries.toml\"\n[scan]\nphrases = [\"{root}/blocklists/lexicon/phrases\"]\n"
    );
    let sources = format!("[[source]]\nname = \"starter\"\naddress = \"{root}/blocklists/starter\"\nfolders = \"{root}/blocklists/ut1.toml\"\n");
    fs::write(folder.path().join("sources.toml"), sources).expect("a file can be written");
    fs::write(folder.path().join("usher.toml"), settings).expect("a file can be written");
    let config = Config::load(&folder.path().join("usher.toml")).expect("a sound configuration");
    app::look(&config, [7; 32]).expect("lists that load")
}

/// What a browser says with a request for this.
fn head(dest: &str, more: &[(&str, &str)]) -> HeaderMap {
    let accept = match dest {
        "document" | "iframe" => "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
        "image" => "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        _ => "*/*",
    };
    let fields = [
        ("host", "www.example.org"),
        ("user-agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"),
        ("accept", accept),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en-US;q=0.9,en;q=0.8"),
        ("cookie", "session=3f2a9d5c8e; consent=1"),
        ("referer", "https://www.school.example/"),
        ("sec-ch-ua", "\"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\""),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", "\"Windows\""),
        ("sec-fetch-dest", dest),
        ("sec-fetch-mode", if matches!(dest, "document" | "iframe") { "navigate" } else { "no-cors" }),
        ("sec-fetch-site", "cross-site"),
    ];
    let socket = [("upgrade", "websocket"), ("connection", "Upgrade")];
    let socket = socket.iter().filter(|_| dest == "websocket");
    let pair = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().expect("a name"), value.parse::<HeaderValue>().expect("a value"));
    fields.iter().chain(socket).chain(more).map(pair).collect()
}

/// What is found in the head of a request.
fn asked(school: &Snapshot, address: &str, dest: &str, more: &[(&str, &str)]) -> Vec<Finding> {
    let Ok(url) = Url::parse(address) else { return Vec::new() };
    let categories = school.lists.look_up(&url).categories;
    let fields = head(dest, more);
    Request { url: &url, path: url.received(), method: "GET", fields: &fields, categories, taxonomy: &school.taxonomy }.findings().into_vec()
}

/// What is found of pages of other sites and their parts, asked for by one person one after the other, all within moments: as `proxy::ways` asks.
#[derive(Default)]
struct Following(Relays);

impl Following {
    fn see(&mut self, school: &Snapshot, address: &str, dest: &str) -> Option<Finding> {
        let url = Url::parse(address).ok()?;
        let (place, page) = carried(&url.host, url.received()).filter(|_| Role::may_be(Some(dest)))?;
        let role = Role::of(Some(dest), &page)?;
        if !says_nothing(school.lists.look_up(&url).categories, &school.taxonomy) || is_shown_openly(&url) {
            return None;
        }
        let site = url.host.as_str().bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        self.0.see((1, site), (role, place, page), 1)
    }
}

/// What is found in a body that comes in such pieces.
fn read(declared: &str, body: &[u8], piece: usize) -> Option<Finding> {
    let mut reading = Body::of(Some(declared), false)?;
    body.chunks(piece).for_each(|piece| drop(reading.feed(piece)));
    reading.end()
}

/// How often each code was found: nearly certain, and scoring.
#[derive(Default)]
struct Counts(BTreeMap<&'static str, (usize, usize)>);

impl Counts {
    fn add(&mut self, finding: &Finding, of: &str) {
        let count = self.0.entry(finding.code.as_str()).or_default();
        let is_near = finding.certainty == Certainty::Near;
        *(if is_near { &mut count.0 } else { &mut count.1 }) += 1;
        println!("    {} {}: {of}: {}", if is_near { "NEAR" } else { "score" }, finding.code.as_str(), finding.seen);
    }

    fn said(&self) -> String {
        let said: Vec<_> = self.0.iter().map(|(code, (near, scores))| format!("{code} {near} + {scores}")).collect();
        if said.is_empty() { "none".to_owned() } else { said.join(", ") }
    }
}

/// Where what was gathered is; it is gathered if it is not there.
fn gathered() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let folder = target.join("ordinary");
    if !folder.join("bodies.tsv").exists() {
        println!("gathering into {}; this takes some minutes", folder.display());
        let good = Command::new("python3").arg(root().join("benches/ordinary/gather.py")).arg(&folder).status().is_ok_and(|status| status.success());
        if !good {
            println!("skipped: nothing could be gathered; it takes python3 with pip, npm and the network");
            return None;
        }
    }
    Some(folder)
}

fn main() {
    // Tests run every bench for a moment: without the network, only what is written here.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let school = school();
    planted::table(&school);
    let ours = fs::read_to_string(root().join("benches/ordinary/ours.tsv")).expect("the lines written here");
    let own = ours.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some((line.split('\t').next()?, "written here", line.split('\t').nth(1)?)));
    let folder = if is_bench { gathered() } else { None };
    let text = folder.as_ref().map(|folder| fs::read_to_string(folder.join("addresses.tsv")).expect("the addresses")).unwrap_or_default();
    let others = text.lines().filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?, columns.next()?, columns.next()?))
    });
    let (mut of, mut following): (BTreeMap<&str, (usize, Counts)>, _) = (BTreeMap::new(), Following::default());
    for (dest, source, address) in own.chain(others) {
        let (count, found) = of.entry(source).or_default();
        *count += 1;
        let findings = asked(&school, address, dest, &[]).into_iter().chain(following.see(&school, address, dest));
        findings.for_each(|finding| found.add(&finding, address));
    }
    println!("\n| addresses of | how many | nearly certain + scoring |\n| --- | ---: | --- |");
    of.iter().for_each(|(source, (count, found))| println!("| {source} | {count} | {} |", found.said()));
    let sum = |which: fn(&(usize, usize)) -> usize| of.values().flat_map(|(_, found)| found.0.values().map(which)).sum::<usize>();
    let all: usize = of.values().map(|(count, _)| count).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of thousands")]
    let per = |count: usize| count as f64 * 10_000.0 / all.max(1) as f64;
    println!("| all | {all} | {:.1} + {:.1} in 10,000 |", per(sum(|both| both.0)), per(sum(|both| both.1)));
    let Some(folder) = folder else { return };
    let text = fs::read_to_string(folder.join("bodies.tsv")).expect("the bodies");
    let mut of: BTreeMap<&str, (usize, u64, Counts)> = BTreeMap::new();
    for (declared, path) in text.lines().filter_map(|line| line.split_once('\t')) {
        let body = fs::read(path).expect("a body");
        let (count, bytes, found) = of.entry(declared).or_default();
        (*count, *bytes) = (*count + 1, *bytes + body.len() as u64);
        read(declared, &body, PIECE).iter().for_each(|finding| found.add(finding, path));
    }
    println!("\n| bodies of | how many | MiB | nearly certain + scoring |\n| --- | ---: | ---: | --- |");
    of.iter().for_each(|(declared, (count, bytes, found))| println!("| {declared} | {count} | {} | {} |", bytes >> 20, found.said()));
}
