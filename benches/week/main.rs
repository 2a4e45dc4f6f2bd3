//! A school week through what finds matters: which of the planted ones are found, as what, and what else is.
//!
//! `cargo bench --bench week`, or `-- --seed 8 --days 5 --before 5 --size 0.86`. A school's traffic (`../traffic`) with the matters of `incidents.toml`, the
//! look-alikes of `ordinary.toml` (`plan`) and ways round the filter as the bytes they are (`bytes`, `door`) planted in it is taken record by record as the
//! engine takes what is committed (`usher::alert::trial`: the same memory, arithmetic, rules and routes, by the shipped `alerts.toml`). So many school days
//! come before, in which nothing is planted: the engine calls no site new in its first week. Measured: how many planted matters of concern and danger are
//! found as exactly one episode of their theme; danger that came to danger; episodes of people for whom nothing was planted, a day and 1,000 of them;
//! processor time a record. What is not run here is the record itself, the journal and the messages: promises hold those, and `../prompt` measures them.
//!
//! Everything is looked into (`inspect = "all"`). What the traffic's own pupils stray to (gambling, adult sites) is not labelled and counts as found falsely.

mod bytes;
mod door;
mod hellos;
mod plan;
mod report;
mod scene;
#[path = "../traffic/mod.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod traffic;

use plan::{Of, Plan, Record, Way};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use traffic::Traffic;
use traffic::calendar::Day;
use usher::alert::settings::Settings;
use usher::alert::theme::Theme;
use usher::alert::trial::Trial;
use usher::app;
use usher::audit::incident::{Level, Person};
use usher::audit::remark::Remark;
use usher::audit::{Opening, RecordId};
use usher::config::Config;
use usher::insight::Kind;
use usher::snapshot::Snapshot;

const SECRET: [u8; 32] = [7; 32];
/// For how long visits are kept to be read again, in milliseconds: longer than anything looks back for one.
const KEPT_MS: u64 = 40 * 60_000;

/// By the place of a way round, and of somebody who takes it.
type Stands = BTreeMap<(usize, usize), (usize, Option<Level>)>;

/// The alerts, with what a log and the places of people would tell them.
struct Alerts {
    trial: Trial,
    /// Visits of the last minutes, in order.
    visits: VecDeque<(RecordId, Arc<Opening>)>,
    /// Where everybody was last.
    seats: HashMap<Arc<str>, IpAddr>,
    /// How many signs of ways round there were of those who took one, by its place and theirs, and what these came to.
    stands: Stands,
    spent: Duration,
    records: u64,
    last: u64,
}

impl Alerts {
    fn new(settings: Settings, snapshot: Snapshot) -> Self {
        let trial = Trial::new(settings, snapshot, Vec::new(), &SECRET, &[]);
        Self { stands: BTreeMap::new(), trial, visits: VecDeque::new(), seats: HashMap::new(), spent: Duration::ZERO, records: 0, last: 0 }
    }

    /// The next record, in order of time.
    fn take(&mut self, opening: Opening, bytes_down: Option<u64>, remarks: &[Remark]) {
        self.last = RecordId::first_of(opening.time_ms).0.max(self.last + 1);
        let (id, opening) = (RecordId(self.last), Arc::new(opening));
        if opening.kind == Kind::Visit {
            let from = RecordId::first_of(opening.time_ms.saturating_sub(KEPT_MS));
            while self.visits.front().is_some_and(|(id, _)| *id < from) {
                self.visits.pop_front();
            }
            self.visits.push_back((id, opening.clone()));
        }
        let visits = &self.visits;
        let before = |id: RecordId| visits.binary_search_by_key(&id, |(id, _)| *id).ok().map(|place| visits[place].1.clone());
        let begun = Instant::now();
        self.trial.take_made(id, &opening, (bytes_down, remarks), before);
        self.spent += begun.elapsed();
        self.records += 1;
    }

    /// A planted record: of somebody who sits where they were last.
    fn planted(&mut self, record: Record, ways: &[Way]) {
        let Record { mut opening, remarks, bytes_down, of } = record;
        let seat = opening.user.as_ref().and_then(|user| self.seats.get(user));
        if let Some(seat) = seat.filter(|_| plan::is_anywhere(opening.client)) {
            opening.client = *seat;
        }
        self.take(opening, bytes_down, &remarks);
        if let Some(Of::Way(way)) = of {
            for (place, user) in ways[way].users.iter().enumerate() {
                let now = self.trial.stands(&Person::User(user.to_lowercase()), Theme::Bypass);
                let most = self.stands.entry((way, place)).or_default();
                *most = (most.0.max(now.0), most.1.max(now.1));
            }
        }
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
    let (before, count): (usize, usize) = (given("--before", if is_bench { 5 } else { 0 }), given("--days", if is_bench { 5 } else { 1 }));
    let days: Vec<Day> = std::iter::successors(Some(Day::first()), |day| Some(day.next())).skip(before).take(count).collect();
    let (begin, end) = (days[0].periods[0].from, days.last().and_then(|day| day.periods.last()).map_or(0, |period| period.to) + u64::from(!is_bench));
    let mut traffic = Traffic::new(seed, size);
    let config = Config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/usher.toml")).expect("what is shipped is sound");
    let school = app::look(&config, SECRET).expect("lists that load");
    let settings = config.rulebook().expect("what is shipped is sound").alerts;
    let mut plan = Plan::new(seed, &traffic, &days, &school);
    let mut alerts = Alerts::new((*settings).clone(), school);
    if is_bench {
        while let Some(exchange) = traffic.next().filter(|exchange| exchange.opening.time_ms < end) {
            while plan.records.front().is_some_and(|record| record.opening.time_ms <= exchange.opening.time_ms) {
                let Some(record) = plan.records.pop_front() else { break };
                alerts.planted(record, &plan.ways);
            }
            if let Some(user) = &exchange.opening.user {
                alerts.seats.insert(user.clone(), exchange.opening.client);
            }
            alerts.take(*exchange.opening, exchange.ending.map(|ending| ending.bytes_down), &[]);
        }
    }
    for record in std::mem::take(&mut plan.records) {
        alerts.planted(record, &plan.ways);
    }
    let Alerts { trial, stands, spent, records, .. } = alerts;
    let each = spent.as_nanos() as f64 / records.max(1) as f64 / 1000.0;
    println!("seed {seed}: {count} days after {before}, {records} records; {each:.2} µs a record: {:.2} % of a core at 1,000 records/s", each / 10.0);
    let matters = trial.end().expect("no log is read");
    let missed = report::report(&matters, (&plan, &stands), (begin, count), traffic.school());
    // Without the days before no site is new, and so none goes round.
    assert!(missed.iter().all(|kind| before == 0 && *kind == "a new site that goes round"), "ways round that came to less than they are to: {missed:?}");
}
