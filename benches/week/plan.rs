//! What is planted in a week, and by whom: the two files of stories become records, among a school's traffic.
//!
//! Each matter is given to a pupil of its own, on a day and in a lesson of the week. Its steps become what the proxy would put on record: a search typed, a
//! page gone to, something asked of an AI, words over a page's threshold. Pages are blocked as the shipped policy blocks their categories for pupils. Lines
//! that only look like matters are searched for by other pupils, each on two days.
//!
//! Nothing of the detectors is used here, nor any list of theirs: which category a site is in is said in `categories`.

use crate::traffic::Traffic;
use crate::traffic::calendar::{Day, Part};
use crate::traffic::people::{Person, Role};
use serde::Deserialize;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use usher::audit::{Class, Opening, Verdict};
use usher::insight::{Certainty, Kind, Search, Stage, Start};
use usher::policy::decision::SnapshotId;

/// A matter as it is written.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matter {
    /// Used once.
    #[allow(dead_code, reason = "for readers")]
    pub name: String,
    /// Its theme.
    pub theme: String,
    /// What a lead would expect.
    pub level: String,
    /// What they would see in it.
    #[allow(dead_code, reason = "for readers")]
    pub why: String,
    steps: Vec<Step>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    after: u64,
    search: Option<String>,
    engine: Option<String>,
    visit: Option<String>,
    start: Option<String>,
    prompt: Option<String>,
    service: Option<String>,
    words: Option<String>,
    points: Option<f64>,
}

#[derive(Deserialize)]
struct Matters {
    matter: Vec<Matter>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    r#where: String,
    #[allow(dead_code, reason = "for readers")]
    why: String,
}

#[derive(Deserialize)]
struct Lines {
    line: Vec<Line>,
}

/// Words that went over a page's threshold, and passed.
pub struct Words {
    /// The theme they are of.
    pub theme: String,
    /// Points, of 100 that may be.
    pub points: i32,
}

/// One record that is planted.
pub struct Record {
    /// What is known when it arrives.
    pub opening: Opening,
    /// What its page's words came to.
    pub words: Option<Words>,
    /// The matter it belongs to, by its place; none of what only looks like one.
    pub matter: Option<usize>,
}

/// A matter and whose it is.
pub struct Planted {
    /// What it is.
    pub matter: Matter,
    /// Who.
    pub user: Arc<str>,
    /// From when to when, in Unix milliseconds.
    pub time: (u64, u64),
}

/// All that is planted.
pub struct Plan {
    /// The matters.
    pub planted: Vec<Planted>,
    /// Their records and those of the look-alikes, in order of time.
    pub records: VecDeque<Record>,
    /// How many look-alikes.
    pub ordinary: usize,
}

/// Numbers that are the same on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most as u64) as usize
    }
}

const MINUTE: u64 = 60_000;

impl Plan {
    /// What is planted on these days among these people.
    pub fn new(seed: u64, traffic: &Traffic, days: &[Day]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/week");
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file of stories");
        let matters: Matters = toml::from_str(&text("incidents.toml")).expect("matters");
        let lines: Lines = toml::from_str(&text("ordinary.toml")).expect("lines");
        let mut chance = Chance(seed);
        let mut pupils: Vec<&Person> = traffic.school().people.iter().filter(|person| matches!(person.role, Role::Pupil { .. })).collect();
        for place in (1..pupils.len()).rev() {
            pupils.swap(place, chance.below(place + 1));
        }
        assert!(matters.matter.len() < pupils.len(), "a pupil for each matter, and some more");
        let others = &pupils[matters.matter.len()..];
        let (mut planted, mut records) = (Vec::new(), Vec::new());
        for (place, matter) in matters.matter.into_iter().enumerate() {
            let who = Who { person: pupils[place], address: address(place) };
            let mut now = moment(days, &mut chance, true);
            let from = now;
            for (number, step) in matter.steps.iter().enumerate() {
                now += step.after * MINUTE + 1000 * chance.below(20) as u64;
                match (&step.words, records.last_mut()) {
                    // Of the page before, or of one of its own where there is none.
                    (Some(theme), Some(Record { words: words @ None, matter: Some(of), .. })) if *of == place => {
                        *words = Some(Words { theme: theme.clone(), points: (step.points.unwrap_or(1.0) * 100.0) as i32 });
                    }
                    (words, _) => {
                        let words = words.as_ref().map(|theme| Words { theme: theme.clone(), points: (step.points.unwrap_or(1.0) * 100.0) as i32 });
                        let opening = opening(now, &who, step, &format!("{place}-{number}"));
                        records.push(Record { opening, words, matter: Some(place) });
                    }
                }
            }
            planted.push(Planted { matter, user: who.person.user.clone(), time: (from, now) });
        }
        let ordinary = lines.line.len() * 2;
        for (place, line) in lines.line.iter().chain(&lines.line).enumerate() {
            let who = Who { person: others[chance.below(others.len())], address: address(1000 + place % 500) };
            let (search, prompt) = if line.r#where == "prompt" { (None, Some(line.text.clone())) } else { (Some(line.text.clone()), None) };
            let step = Step {
                after: 0,
                engine: search.is_some().then(|| "google".to_owned()),
                service: prompt.is_some().then(|| "chatgpt".to_owned()),
                search,
                prompt,
                visit: None,
                start: None,
                words: None,
                points: None,
            };
            let opening = opening(moment(days, &mut chance, false), &who, &step, "");
            records.push(Record { opening, words: None, matter: None });
        }
        records.sort_by_key(|record| record.opening.time_ms);
        Self { planted, records: records.into(), ordinary }
    }
}

struct Who<'a> {
    person: &'a Person,
    address: IpAddr,
}

/// A device that nobody of the traffic has: who sits where is known by the login.
fn address(place: usize) -> IpAddr {
    std::net::Ipv4Addr::new(10, 200, (place / 250) as u8, (place % 250 + 1) as u8).into()
}

/// Some moment in a lesson of some day; of matters, one that leaves room for what follows in that week.
fn moment(days: &[Day], chance: &mut Chance, is_matter: bool) -> u64 {
    let day = &days[chance.below(if is_matter { days.len().saturating_sub(2).max(1) } else { days.len() })];
    let lessons: Vec<_> = day.periods.iter().filter(|period| matches!(period.part, Part::Lesson(_))).collect();
    let lesson = lessons[chance.below(lessons.len())];
    lesson.from + chance.below((lesson.to - lesson.from) as usize) as u64
}

/// What a site is listed under, and whether the shipped policy blocks it for pupils.
fn categories(host: &str) -> (&'static str, Verdict) {
    let theme = host.strip_prefix("{site:").map(|rest| rest.trim_end_matches('}'));
    match (theme, host) {
        (Some("self-harm"), _) => ("self-harm", Verdict::Blocked),
        (Some("adult"), _) => ("adult", Verdict::Blocked),
        (Some("violence"), _) => ("violence", Verdict::Blocked),
        (Some("extremism"), _) => ("extremism", Verdict::Blocked),
        (Some("hate"), _) => ("hate-speech", Verdict::Blocked),
        (Some("drugs"), _) => ("drugs", Verdict::Blocked),
        (Some("gambling"), _) => ("gambling", Verdict::Blocked),
        (Some("crime"), _) => ("hacking", Verdict::Blocked),
        (Some("bypass"), _) => ("bypass", Verdict::Blocked),
        (Some("illegal"), _) => ("terrorism", Verdict::Blocked),
        (Some(_), _) => ("", Verdict::Allowed),
        (None, "www.reddit.com") => ("social-networks", Verdict::Blocked),
        (None, "www.nhs.uk") => ("health", Verdict::Allowed),
        (None, "www.childline.org.uk" | "www.samaritans.org" | "www.ceop.police.uk" | "www.gamcare.org.uk") => ("help", Verdict::Allowed),
        (None, _) => ("", Verdict::Allowed),
    }
}

fn opening(now: u64, who: &Who<'_>, step: &Step, unique: &str) -> Opening {
    let (kind, start, host, path, search) = match step {
        Step { search: Some(term), engine, .. } => {
            let engine = match engine.as_deref() {
                Some("bing") => ("bing", "www.bing.com"),
                Some("youtube") => ("youtube", "www.youtube.com"),
                Some("duckduckgo") => ("duckduckgo", "duckduckgo.com"),
                _ => ("google", "www.google.com"),
            };
            let search = Search { engine: engine.0, term: term.clone(), stage: Stage::Asked };
            (Kind::Search, Start::Typed, engine.1.to_owned(), "/search".to_owned(), Some(search))
        }
        Step { prompt: Some(term), service, .. } => {
            let (id, host) = match service.as_deref() {
                Some("gemini") => ("gemini", "gemini.google.com"),
                Some("copilot") => ("copilot", "copilot.microsoft.com"),
                Some("character") => ("character-ai", "neo.character.ai"),
                _ => ("chatgpt", "chatgpt.com"),
            };
            let search = Search { engine: id, term: term.clone(), stage: Stage::Asked };
            (Kind::Search, Start::Typed, host.to_owned(), "/backend-api/conversation".to_owned(), Some(search))
        }
        Step { visit, start, .. } => {
            let place = visit.as_deref().unwrap_or("{site:unknown}/read");
            let (host, path) = place.split_once('/').unwrap_or((place, ""));
            let start = if start.as_deref() == Some("typed") { Start::Typed } else { Start::Clicked };
            (Kind::Visit, start, host.to_owned(), format!("/{path}"), None)
        }
    };
    let (categories, verdict) = categories(&host);
    let host = match host.strip_prefix("{site:") {
        Some(theme) => format!("s{unique}.{}-site.example", theme.trim_end_matches('}')),
        None => host,
    };
    let (reason, why) = match (verdict, categories) {
        (Verdict::Blocked, "terrorism") => ("always-blocked", "It is against the law.".into()),
        (Verdict::Blocked, _) => ("category", "The category is blocked.".into()),
        _ => ("unlisted", "No rule and no blocked category applies.".into()),
    };
    Opening {
        class: Class::of(kind, verdict),
        kind,
        start,
        certainty: Certainty::Said,
        cause: None,
        search,
        time_ms: now,
        user: Some(who.person.user.clone()),
        group: who.person.group.clone(),
        source: "password",
        confidence: "proved",
        client: who.address,
        method: http::Method::GET,
        scheme: "https",
        host,
        port: 443,
        path,
        categories: categories.to_owned(),
        verdict,
        reason,
        why,
        rule: None,
        entry: None,
        snapshot: SnapshotId::of(&blake3::hash(b"week")),
        agent: None,
        referrer: None,
        fetch_dest: Some("document".into()),
        fetch_mode: Some("navigate".into()),
        fetch_user: Some("?1".into()),
    }
}
