//! A school week through what finds matters: which of the planted ones are found, as what, and what else is.
//!
//! `cargo bench --bench week`, or `-- --seed 8 --days 5 --size 0.86`. A school's traffic (`../traffic`) with the matters of `incidents.toml` and the look-alikes
//! of `ordinary.toml` planted in it (`plan`) goes through the signals and episodes of the alerts, record by record, as the engine takes them. Measured: how
//! many planted matters of concern and danger are found as exactly one episode of their theme; danger that came to danger; episodes of people for whom
//! nothing was planted, a day and 1,000 pupils; processor time a record. What is not run here is the record itself, the journal and the messages: promises
//! hold those.
//!
//! Everything is looked into (`inspect = "all"`). What the traffic's own pupils stray to (gambling, adult sites) is not labelled and counts as found falsely.

mod plan;
#[path = "../traffic/mod.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod traffic;

use plan::Plan;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};
use traffic::Traffic;
use traffic::calendar::Day;
use usher::alert::episode::{Episodes, Step, Who};
use usher::alert::seen::Seen;
use usher::alert::signal::{Book, SelfTest, Signals, remarked, signals};
use usher::alert::theme::Theme;
use usher::alert::weights::Weights;
use usher::app;
use usher::audit::incident::Level;
use usher::audit::remark::Remark;
use usher::audit::{Opening, RecordId};
use usher::config::Config;
use usher::policy::words::Way;

const SECRET: [u8; 32] = [7; 32];
/// Minutes before and after a planted matter in which an episode is taken for it; a matter is found by its first records.
const AROUND_MS: u64 = 10 * 60_000;
const HOUR_MS: u64 = 3_600_000;

/// An episode that was opened.
struct Found {
    user: String,
    theme: Theme,
    level: Level,
    at_ms: u64,
}

/// The alerts, as far as they are tried.
struct Alerts {
    book: Book,
    weights: Weights,
    episodes: Episodes,
    found: BTreeMap<(RecordId, Theme), Found>,
    spent: Duration,
    records: u64,
    last: u64,
    ticked: u64,
}

impl Alerts {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let config = Config::load(&root.join("config/usher.toml")).expect("what is shipped is sound");
        let snapshot = app::look(&config, SECRET).expect("lists that load");
        let weights = Weights::shipped(&snapshot.taxonomy);
        let book = Book::new(weights.clone(), &snapshot, Vec::new(), SelfTest::new(&SECRET));
        Self { book, weights, episodes: Episodes::default(), found: BTreeMap::new(), spent: Duration::ZERO, records: 0, last: 0, ticked: 0 }
    }

    /// The next record, in order of time.
    fn take(&mut self, opening: &Opening, words: Option<&plan::Words>) {
        self.last = RecordId::first_of(opening.time_ms).0.max(self.last + 1);
        let begun = Instant::now();
        let seen = Seen::of(RecordId(self.last), opening);
        let mut all = signals(&seen, &self.book);
        if let Some(words) = words {
            let remark = Remark::Words { theme: theme_of_phrases(&words.theme).into(), points: words.points, threshold: 100, way: Way::Answer };
            all.extend(remarked(&seen, &[remark], &self.book));
        }
        self.weigh(&seen, all);
        self.spent += begun.elapsed();
        self.records += 1;
        if opening.time_ms > self.ticked + HOUR_MS {
            self.ticked = opening.time_ms;
            // That episodes are over is no news here.
            let _ = self.episodes.tick(opening.time_ms, &self.weights);
        }
    }

    fn weigh(&mut self, seen: &Seen<'_>, all: Signals) {
        if all.is_empty() {
            return;
        }
        let user = seen.user.map_or_else(|| seen.client.to_string(), str::to_owned);
        let hash = blake3::hash(user.as_bytes());
        let who = Who(u128::from_le_bytes(hash.as_bytes()[..16].try_into().expect("sixteen bytes")));
        for signal in all {
            for step in self.episodes.take(who, signal, &self.weights) {
                match step {
                    Step::Open(begun) => {
                        let found = Found { user: user.clone(), theme: begun.theme, level: begun.level, at_ms: begun.at_ms };
                        self.found.insert((begun.episode, begun.theme), found);
                    }
                    Step::Worse { episode, theme, level, .. } => {
                        if let Some(found) = self.found.get_mut(&(episode, theme)) {
                            found.level = level;
                        }
                    }
                    Step::End { .. } => {}
                }
            }
        }
    }
}

/// The theme of the phrase files whose words a page of this theme has.
fn theme_of_phrases(theme: &str) -> &str {
    match theme {
        "adult" => "pornography",
        other => other,
    }
}

/// A value that was given behind this name.
fn given<T: std::str::FromStr>(name: &str, usual: T) -> T {
    let mut all = std::env::args().skip_while(|argument| argument != name);
    all.nth(1).and_then(|value| value.parse().ok()).unwrap_or(usual)
}

fn main() {
    // Tests run every bench for a moment: a small school.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (seed, size) = (given("--seed", 7), given("--size", if is_bench { 0.86 } else { 0.5 }));
    let count: usize = given("--days", if is_bench { 5 } else { 1 });
    let days: Vec<Day> = std::iter::successors(Some(Day::first()), |day| Some(day.next())).take(count).collect();
    let end = days.last().and_then(|day| day.periods.last()).map_or(0, |period| period.to) + if is_bench { 0 } else { 1 };
    let mut traffic = Traffic::new(seed, size);
    let pupils = traffic.school().people.iter().filter(|person| matches!(person.role, traffic::people::Role::Pupil { .. })).count();
    let mut plan = Plan::new(seed, &traffic, &days);
    let mut alerts = Alerts::new();
    if is_bench {
        while let Some(exchange) = traffic.next().filter(|exchange| exchange.opening.time_ms < end) {
            while plan.records.front().is_some_and(|record| record.opening.time_ms <= exchange.opening.time_ms) {
                let Some(record) = plan.records.pop_front() else { break };
                alerts.take(&record.opening, record.words.as_ref());
            }
            alerts.take(&exchange.opening, None);
        }
    }
    for record in std::mem::take(&mut plan.records) {
        alerts.take(&record.opening, record.words.as_ref());
    }
    report(&alerts, &plan, (seed, count, pupils));
}

fn report(alerts: &Alerts, plan: &Plan, (seed, days, pupils): (u64, usize, usize)) {
    let each = alerts.spent.as_nanos() as f64 / alerts.records.max(1) as f64 / 1000.0;
    println!("seed {seed}: {days} days, {pupils} pupils, {} records; {each:.2} µs a record: {:.2} % of a core at 1,000 records/s", alerts.records, each / 10.0);
    let mut by_user: HashMap<&str, Vec<&Found>> = HashMap::new();
    for found in alerts.found.values() {
        by_user.entry(&found.user).or_default().push(found);
    }
    // Planted theme; found as exactly one, as more, as another theme, not at all; and of danger, as danger.
    let mut rows: BTreeMap<&str, [usize; 8]> = BTreeMap::new();
    let mut confused: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for planted in &plan.planted {
        let matter = &planted.matter;
        let row = rows.entry(&matter.theme).or_default();
        let of_user = by_user.get(&*planted.user).map(Vec::as_slice).unwrap_or_default();
        let near: Vec<_> = of_user.iter().filter(|found| planted.time.0 <= found.at_ms + AROUND_MS && found.at_ms <= planted.time.1 + AROUND_MS).collect();
        near.iter().for_each(|found| *confused.entry((&matter.theme, found.theme.as_str())).or_default() += 1);
        let same = near.iter().filter(|found| found.theme.as_str() == matter.theme).count();
        if matter.level == "watch" {
            row[5] += 1;
            row[6] += usize::from(near.is_empty());
            continue;
        }
        row[0] += 1;
        match (same, near.len()) {
            (1, _) => row[1] += 1,
            (0, 0) => row[4] += 1,
            (0, _) => row[3] += 1,
            _ => row[2] += 1,
        }
        if matter.level == "danger" {
            row[7] += usize::from(near.iter().any(|found| found.level == Level::Danger));
        }
    }
    println!("\n| theme | concern and danger | as exactly one | as several | as another theme | not found | watch only | of which quiet | danger as danger |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut all = [0; 8];
    let dangers = |theme: &str| plan.planted.iter().filter(|one| one.matter.theme == theme && one.matter.level == "danger").count();
    for (theme, row) in &rows {
        all.iter_mut().zip(row).for_each(|(sum, one)| *sum += one);
        println!("| {theme} | {} | {} | {} | {} | {} | {} | {} | {} of {} |", row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], dangers(theme));
    }
    println!("| all | {} | {} | {} | {} | {} | {} | {} | {} |", all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7]);
    println!("\nplanted theme × theme of the episode (those that agree are left out):");
    for ((planted, found), count) in confused.iter().filter(|((planted, found), _)| planted != found) {
        println!("  {planted} as {found}: {count}");
    }
    let is_planted = |user: &str| plan.planted.iter().any(|one| *one.user == *user);
    let false_ones: Vec<_> = alerts.found.values().filter(|found| !is_planted(&found.user)).collect();
    let mut by_theme: BTreeMap<&str, usize> = BTreeMap::new();
    false_ones.iter().for_each(|found| *by_theme.entry(found.theme.as_str()).or_default() += 1);
    let share = false_ones.len() as f64 / days as f64 / pupils as f64 * 1000.0;
    println!(
        "\n{} episodes of people for whom nothing was planted ({} look-alikes): {share:.2} a day and 1,000 pupils; {by_theme:?}",
        false_ones.len(),
        plan.ordinary
    );
}
