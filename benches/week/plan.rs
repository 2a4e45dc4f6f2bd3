//! What is planted in a week, and by whom: the two files of stories become records, among a school's traffic.
//!
//! Each matter is given to a pupil of its own, on a day and in a lesson of the week. Its steps become what the proxy would put on record: a search typed, a
//! page gone to, something asked of an AI, words over a page's threshold. Pages are blocked as the shipped policy blocks their categories for pupils. Lines
//! that only look like matters are searched for by other pupils, each on two days.
//!
//! Nothing of the detectors is used for these, nor any list of theirs: which category a site is in is said in `categories`. Ways round the filter are planted
//! as bytes, by other pupils: `bytes`.

use crate::bytes::{self, Comes, Kind as Kinds};
use crate::door::{Door, Sitting};
use crate::scene::{Chance, Scene};
use crate::traffic::Traffic;
use crate::traffic::calendar::{Day, Part};
use crate::traffic::people::{Person, Role};
use serde::Deserialize;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use usher::audit::remark::Remark;
use usher::audit::{Class, Opening, Verdict};
use usher::insight::{Certainty, Kind, Search, Stage, Start};
use usher::policy::decision::SnapshotId;
use usher::policy::words;
use usher::snapshot::Snapshot;

/// A matter as it is written.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matter {
    /// Used once.
    #[allow(dead_code, reason = "for readers")]
    pub name: String,
    /// Its theme.
    pub theme: String,
    /// What its author expects of a lead.
    pub level: Grade,
    /// What two others expect who read nothing but its steps; nobody where the law says it.
    #[serde(default)]
    readers: Vec<Grade>,
    /// What they would see in it.
    #[allow(dead_code, reason = "for readers")]
    pub why: String,
    steps: Vec<Step>,
}

/// How grave somebody takes a matter to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Nobody needs to hear of it.
    None,
    /// Worth a line in the week's summary.
    Watch,
    /// Somebody talks to the pupil within a day.
    Concern,
    /// Somebody is told at once.
    Danger,
}

impl Matter {
    /// How grave it is: what is in the middle of what its author and its readers say.
    pub fn grade(&self) -> Grade {
        let mut all: Vec<Grade> = self.readers.iter().copied().chain([self.level]).collect();
        all.sort_unstable();
        all[all.len() / 2]
    }
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

/// One record that is planted.
pub struct Record {
    /// What is known when it arrives.
    pub opening: Opening,
    /// What was remarked of it when it ended.
    pub remarks: Vec<Remark>,
    /// How many bytes went to who asked, if it ended.
    pub bytes_down: Option<u64>,
    /// What it belongs to; nothing, if it only looks like a matter.
    pub of: Option<Of>,
}

/// What a planted record belongs to, by its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A matter of the stories.
    Story(usize),
    /// A way round the filter, as bytes.
    Way(usize),
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

/// A way round the filter, and who takes it.
pub struct Way {
    /// Which kind.
    pub kind: &'static str,
    /// What it is to come to.
    pub comes: Comes,
    /// Who.
    pub users: Vec<Arc<str>>,
    /// From when to when, in Unix milliseconds.
    pub time: (u64, u64),
}

/// All that is planted.
pub struct Plan {
    /// The matters.
    pub planted: Vec<Planted>,
    /// The ways round the filter.
    pub ways: Vec<Way>,
    /// Their records and those of the look-alikes, in order of time.
    pub records: VecDeque<Record>,
    /// How many look-alikes.
    pub ordinary: usize,
}

const MINUTE: u64 = 60_000;
/// How often each kind of way round is planted.
const TIMES: usize = 3;

impl Plan {
    /// What is planted on these days among these people, at a school with this in force.
    pub fn new(seed: u64, traffic: &Traffic, days: &[Day], school: &Snapshot) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/week");
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file of stories");
        let matters: Matters = toml::from_str(&text("incidents.toml")).expect("matters");
        let lines: Lines = toml::from_str(&text("ordinary.toml")).expect("lines");
        let mut chance = Chance(seed);
        let mut pupils: Vec<&Person> = traffic.school().people.iter().filter(|person| matches!(person.role, Role::Pupil { .. })).collect();
        for place in (1..pupils.len()).rev() {
            pupils.swap(place, chance.below(place + 1));
        }
        let kinds = bytes::kinds();
        let of_ways = kinds.iter().map(|kind| kind.people * TIMES).sum::<usize>();
        assert!(matters.matter.len() + of_ways < pupils.len(), "a pupil for each matter and each way round, and some more");
        let (of_ways, others) = pupils[matters.matter.len()..].split_at(of_ways);
        let (mut planted, mut records) = (Vec::new(), Vec::new());
        for (place, matter) in matters.matter.into_iter().enumerate() {
            let who = Who { person: pupils[place], address: address(place) };
            let mut now = moment(days, &mut chance, true);
            let from = now;
            for (number, step) in matter.steps.iter().enumerate() {
                now += step.after * MINUTE + 1000 * chance.below(20) as u64;
                let words = step.words.as_deref().map(|theme| page_words(theme, step.points.unwrap_or(1.0)));
                match (words, records.last_mut()) {
                    // Of the page before, or of one of its own where there is none.
                    (Some(words), Some(Record { remarks, of, .. })) if *of == Some(Of::Story(place)) && remarks.is_empty() => remarks.push(words),
                    (words, _) => {
                        let opening = opening(now, &who, step, &format!("{place}-{number}"));
                        records.push(Record { opening, remarks: words.into_iter().collect(), bytes_down: None, of: Some(Of::Story(place)) });
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
            records.push(Record { opening, remarks: Vec::new(), bytes_down: None, of: None });
        }
        let ways = ways(&kinds, (of_ways, days), school, &mut chance, &mut records);
        records.sort_by_key(|record| record.opening.time_ms);
        Self { planted, ways, records: records.into(), ordinary }
    }
}

/// Plants the ways round the filter, each a few times, with people of their own.
fn ways(kinds: &[Kinds], (people, days): (&[&Person], &[Day]), school: &Snapshot, chance: &mut Chance, records: &mut Vec<Record>) -> Vec<Way> {
    let mut door = Door::new(school);
    // School days before, on which nothing odd was seen.
    bytes::learn(&mut door, &[13, 12, 11, 10, 9, 8, 7, 6].map(|before| days[0].periods[0].from - before * 86_400_000));
    let (mut people, mut all) = (people.iter(), Vec::new());
    for kind in (0..TIMES).flat_map(|_| kinds) {
        let place = all.len();
        let sitting = |(number, person): (usize, &&Person)| Sitting {
            user: person.user.clone(),
            group: person.group.clone(),
            client: address(2000 + place * 8 + number),
        };
        let who: Vec<_> = people.by_ref().take(kind.people).enumerate().map(sitting).collect();
        let mut scene = Scene::new(&mut door, &who, moment(days, chance, false), chance.below(usize::MAX) as u64);
        (kind.play)(&mut scene);
        let made = scene.records();
        let time = |record: Option<&Record>| record.map_or(0, |record| record.opening.time_ms);
        let time = (time(made.first()), time(made.iter().max_by_key(|record| record.opening.time_ms)));
        all.push(Way { kind: kind.name, comes: kind.comes, users: who.into_iter().map(|sitting| sitting.user).collect(), time });
        records.extend(made.into_iter().map(|record| Record { of: Some(Of::Way(place)), ..record }));
    }
    all
}

/// That the words of a page, under this theme of the phrase files, came to so many times what may be, and passed.
fn page_words(theme: &str, times: f64) -> Remark {
    let theme = if theme == "adult" { "pornography" } else { theme };
    Remark::Words { theme: theme.into(), points: (times * 100.0) as i32, threshold: 100, way: words::Way::Answer }
}

struct Who<'a> {
    person: &'a Person,
    address: IpAddr,
}

/// Whether an address only stands for wherever somebody sits.
pub fn is_anywhere(client: IpAddr) -> bool {
    matches!(client, IpAddr::V4(v4) if v4.octets()[..2] == [10, 200])
}

/// A device that nobody of the traffic has: it stands for wherever somebody sits, which the traffic tells.
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
        (Some("abuse"), _) => ("stranger-chat", Verdict::Blocked),
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
