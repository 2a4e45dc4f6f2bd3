//! What the record costs: a school's traffic put on record as fast as it goes, then looked for.
//!
//! `cargo bench --bench record -- --rows 100000000`. So many tasks each ask, wait for the commit, and ask again; endings are handed in when the made-up
//! clock has come to them. A line at least each five seconds shows the rate, which has to stay flat. What making up the traffic costs is measured
//! apart and told. Nothing else runs here: no proxy, no upstream.

mod traffic;

use clap::Parser;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use mimalloc::MiMalloc;
use rustix::time::{ClockId, clock_gettime};
use std::cell::RefCell;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;
use traffic::calendar::Day;
use traffic::summary::Summary;
use traffic::{Exchange, Traffic};
use usher::audit::lookups::Unshown;
use usher::audit::merge;
use usher::audit::query::{Filter, Log};
use usher::audit::{Closing, Folder, Pending, Recorder, Settings, Sync};
use usher::insight::Kind;

/// As the program itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// As many requests as are made up to learn what that costs.
const SAMPLE: u64 = 500_000;
/// The thread that writes.
const WRITER: &str = "usher-log";
/// How often the rate is told at the least.
const TELL: Duration = Duration::from_secs(5);
/// The rank of a site that few visit.
const FEW_VISIT: usize = 2000;
/// How often each question is asked; the median counts.
const TIMES: usize = 5;

/// Puts a school's traffic on record.
#[derive(Parser)]
struct Arguments {
    /// Records.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Requests under way at once.
    #[arg(long, default_value_t = 256)]
    tasks: usize,
    /// The school: 1.0 makes 3.5 million requests a day.
    #[arg(long, default_value_t = 1.0)]
    size: f64,
    /// Another seed makes other traffic.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Each commit waits for the disk.
    #[arg(long)]
    power: bool,
    /// Where the record is made, and stays.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Only ask the questions, of a record that an earlier run kept.
    #[arg(long, requires = "keep")]
    ask: bool,
    /// Of the questions, only those with these words in them.
    #[arg(long, requires = "ask")]
    only: Option<String>,
    /// Only show what the traffic is.
    #[arg(long)]
    traffic: bool,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments = Arguments::parse();
    if arguments.traffic {
        return show_traffic(&arguments);
    }
    if let (true, Some(kept)) = (arguments.ask, &arguments.keep) {
        return ask(&Folder::at(kept.join("log")), &Asked::of(&Traffic::new(arguments.seed, arguments.size)), arguments.only.as_deref());
    }
    let making = cost_of_traffic(&arguments);
    let own = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let folder = arguments.keep.clone().unwrap_or_else(|| own.path().to_owned());
    fs::create_dir_all(&folder).expect("a folder");
    let log = Folder::at(folder.join("log"));
    let written = write(&arguments, &log);
    merge_all(&log);
    tell(&written, log.path(), making);
    ask(&log, &written.asked, None);
}

/// Merges what is sealed, as each night does.
fn merge_all(folder: &Folder) {
    let (began, before) = (Instant::now(), process_time());
    // The traffic is of days that are still to come.
    let report = merge::merge(folder, jiff::Timestamp::MAX).expect("merged");
    let (took, each) = (began.elapsed().as_secs_f64(), (process_time() - before).as_secs_f64() * 1e6 / report.records.max(1) as f64);
    println!("merged {} segments into {}: {} records in {took:.1} s, {each:.2} µs of CPU each", report.from, report.into, report.records);
    // What was merged lies there until the next who rewrites.
    merge::merge(folder, jiff::Timestamp::MAX).expect("nothing to merge");
}

fn show_traffic(arguments: &Arguments) {
    let mut summary = Summary::default();
    let began = Instant::now();
    let mut traffic = Traffic::new(arguments.seed, arguments.size);
    let (mut first_day, second) = (0, Day::first().next().periods[0].from);
    for exchange in traffic.by_ref().take(usize::try_from(arguments.rows).expect("a number")) {
        summary.add(&exchange);
        first_day += u64::from(exchange.opening.time_ms < second);
    }
    println!("{summary}on the first day      {first_day:>12}\ntook                  {:>12.1} s, counting included", began.elapsed().as_secs_f64());
}

/// What it costs to make up one request.
fn cost_of_traffic(arguments: &Arguments) -> Duration {
    let mut traffic = Traffic::new(arguments.seed, arguments.size);
    let (before, count) = (process_time(), SAMPLE.min(arguments.rows));
    for _ in 0..count {
        std::hint::black_box(traffic.next());
    }
    (process_time() - before) / u32::try_from(count).expect("a small number")
}

/// What was written, and what it took.
struct Written {
    rows: u64,
    classes: BTreeMap<&'static str, u64>,
    took: Duration,
    process: Duration,
    writer: Duration,
    /// How long each request waited for its commit, in microseconds, the shortest first.
    waits: Vec<u32>,
    rates: Vec<f64>,
    /// What the traffic kept in memory at the end.
    kept: usize,
    asked: Asked,
}

/// Whom and what the questions are about.
struct Asked {
    somebody: String,
    /// The best known site, and one that few visit.
    sites: [String; 2],
    /// The first day's lessons, in Unix milliseconds.
    day: (u64, u64),
}

impl Asked {
    /// What is asked of a record that begins with this traffic.
    fn of(traffic: &Traffic) -> Self {
        let from = traffic.day().periods[0].from;
        let sites = [0, FEW_VISIT].map(|rank| traffic.host(rank).to_owned());
        Self { somebody: traffic.school().people[0].user.as_ref().to_owned(), sites, day: (from, from + 13 * 3_600_000) }
    }
}

fn write(arguments: &Arguments, folder: &Folder) -> Written {
    let sync = if arguments.power { Sync::Power } else { Sync::Process };
    let recorder = Recorder::start(folder, Settings { sync, ..Settings::default() }).expect("the record starts");
    let feed = Rc::new(RefCell::new(Feed::new(arguments)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (began, before) = (Instant::now(), process_time());
    let tasks = LocalSet::new();
    for _ in 0..arguments.tasks {
        tasks.spawn_local(keep_asking(feed.clone(), recorder.clone()));
    }
    runtime.block_on(tasks);
    let writer = thread_time(WRITER);
    recorder.finish();
    let (took, process) = (began.elapsed(), process_time() - before);
    let feed = Rc::into_inner(feed).expect("all tasks have ended").into_inner();
    let Feed { traffic, done, classes, mut waits, rates, asked, .. } = feed;
    waits.sort_unstable();
    Written { rows: done, classes, took, process, writer, waits, rates, kept: traffic.kept(), asked }
}

async fn keep_asking(feed: Rc<RefCell<Feed>>, recorder: Recorder) {
    loop {
        // Between being taken and being queued nothing else runs here: they are queued in order of time.
        let Some(Exchange { opening, ending, .. }) = feed.borrow_mut().next() else { return };
        let at = opening.time_ms * 1000;
        let began = Instant::now();
        let pending = recorder.open(opening).await.expect("recorded");
        feed.borrow_mut().waits.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        feed.borrow_mut().opened(at, pending, ending);
    }
}

/// Where the tasks get their requests, and what is open.
struct Feed {
    traffic: Traffic,
    left: u64,
    done: u64,
    classes: BTreeMap<&'static str, u64>,
    open: BinaryHeap<Open>,
    /// The made-up clock, in microseconds.
    now: u64,
    asked: Asked,
    told: (Instant, u64),
    step: u64,
    began: Instant,
    waits: Vec<u32>,
    rates: Vec<f64>,
}

impl Feed {
    fn new(arguments: &Arguments) -> Self {
        let traffic = Traffic::new(arguments.seed, arguments.size);
        Self {
            asked: Asked::of(&traffic),
            traffic,
            left: arguments.rows,
            done: 0,
            classes: BTreeMap::new(),
            open: BinaryHeap::new(),
            now: 0,
            told: (Instant::now(), 0),
            step: (arguments.rows / 100).max(1),
            began: Instant::now(),
            waits: Vec::new(),
            rates: Vec::new(),
        }
    }

    fn next(&mut self) -> Option<Exchange> {
        self.left = self.left.checked_sub(1)?;
        let exchange = self.traffic.next()?;
        *self.classes.entry(exchange.opening.class.as_str()).or_default() += 1;
        self.now = exchange.opening.time_ms * 1000;
        Some(exchange)
    }

    fn opened(&mut self, at: u64, pending: Pending, ending: Option<Closing>) {
        match ending {
            Some(ending) => self.open.push(Open { until: at + ending.duration_us, pending, ending }),
            // As though Usher had been killed: never closed.
            None => std::mem::forget(pending),
        }
        while self.open.peek().is_some_and(|open| open.until <= self.now) {
            self.open.pop().expect("just seen").close();
        }
        self.done += 1;
        self.tell();
    }

    fn tell(&mut self) {
        let (when, count) = self.told;
        if self.done - count < self.step && (!self.done.is_multiple_of(256) || when.elapsed() < TELL) {
            return;
        }
        let rate = (self.done - count) as f64 / when.elapsed().as_secs_f64();
        self.rates.push(rate);
        self.told = (Instant::now(), self.done);
        println!("  {:>12} rows {:>8.1} s {:>10.0} rows/s, {} open", self.done, self.began.elapsed().as_secs_f64(), rate, self.open.len());
    }
}

/// A request that is not over.
struct Open {
    until: u64,
    pending: Pending,
    ending: Closing,
}

impl Open {
    fn close(self) {
        let Self { mut pending, ending, .. } = self;
        if let Ok(status) = http::StatusCode::from_u16(ending.status) {
            pending.status(status);
        }
        pending.sent(ending.bytes_down);
        if ending.bytes_up > 0 {
            pending.received().fetch_add(ending.bytes_up, std::sync::atomic::Ordering::Relaxed);
        }
        if let Some(address) = ending.upstream {
            pending.upstream(address);
        }
        if let Some(note) = ending.note {
            pending.note(note);
        }
        pending.close(ending.outcome);
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Open {}
impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Open {
    /// The one that ends first is the greatest.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.until.cmp(&self.until).then(self.ending.id.cmp(&other.ending.id))
    }
}

/// Processor time of this process, all its threads, also those that have ended.
fn process_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Processor time of this process's threads of a name.
fn thread_time(name: &str) -> Duration {
    let own = |task: PathBuf| {
        let named = fs::read_to_string(task.join("comm")).ok()?;
        let times = fs::read_to_string(task.join("schedstat")).ok()?;
        (named.trim_end() == name).then(|| times.split(' ').next()?.parse::<u64>().ok()).flatten()
    };
    let tasks = fs::read_dir("/proc/self/task").expect("this system has /proc");
    Duration::from_nanos(tasks.filter_map(|task| own(task.ok()?.path())).sum())
}

/// Bytes of a file or of all files of a folder.
fn bytes(path: &Path) -> u64 {
    let Ok(about) = fs::metadata(path) else { return 0 };
    if !about.is_dir() {
        return about.len();
    }
    fs::read_dir(path).into_iter().flatten().filter_map(|entry| Some(bytes(&entry.ok()?.path()))).sum()
}

fn table(headings: [&str; 2]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(headings);
    table
}

fn tell(written: &Written, folder: &Path, making: Duration) {
    let Written { rows, took, process, writer, rates, .. } = written;
    let each = |time: &Duration| time.as_secs_f64() * 1e6 / *rows as f64;
    let quarter = (rates.len() / 4).max(1);
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len().max(1) as f64;
    let mut shown = table(["the record", ""]);
    shown.add_row(["rows".to_owned(), rows.to_string()]);
    shown.add_row(["rows/s".to_owned(), format!("{:.0}", *rows as f64 / took.as_secs_f64())]);
    shown.add_row(["rows/s, first quarter".to_owned(), format!("{:.0}", mean(&rates[..quarter.min(rates.len())]))]);
    shown.add_row(["rows/s, last quarter".to_owned(), format!("{:.0}", mean(&rates[rates.len() - quarter.min(rates.len())..]))]);
    for (name, part) in [("wait for a commit, median", 0.5), ("wait for a commit, 99 of 100", 0.99)] {
        let wait = written.waits.get((written.waits.len() as f64 * part) as usize).copied().unwrap_or_default();
        shown.add_row([name.to_owned(), format!("{:.2} ms", f64::from(wait) / 1e3)]);
    }
    shown.add_row(["CPU a record, all".to_owned(), format!("{:.2} µs", each(process))]);
    shown.add_row(["  making it up".to_owned(), format!("{:.2} µs", making.as_secs_f64() * 1e6)]);
    shown.add_row(["  kept to make it up".to_owned(), format!("{} things", written.kept)]);
    shown.add_row(["  the writer's thread".to_owned(), format!("{:.2} µs", each(writer))]);
    for (class, count) in &written.classes {
        shown.add_row([format!("class {class}"), format!("{count} ({:.1} %)", 100.0 * *count as f64 / *rows as f64)]);
    }
    shown.add_row(["bytes on disk".to_owned(), bytes(folder).to_string()]);
    shown.add_row(["bytes a row".to_owned(), format!("{:.1}", bytes(folder) as f64 / *rows as f64)]);
    for (class, size) in by_class(folder) {
        let count = written.classes.get(class.as_str()).copied().unwrap_or_default().max(1);
        shown.add_row([format!("bytes a row, {class}"), format!("{:.1}", size as f64 / count as f64)]);
    }
    shown.column_mut(1).expect("two columns").set_cell_alignment(CellAlignment::Right);
    println!("\n{shown}");
}

/// Bytes of sealed segments by class: `sealed/<class>-<first>-<last>.seg`.
fn by_class(folder: &Path) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    let named = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some((name.strip_suffix(".seg")?.split('-').next()?.to_owned(), entry.metadata().ok()?.len()))
    };
    for (class, size) in fs::read_dir(folder.join("sealed")).into_iter().flatten().filter_map(|entry| named(entry.ok()?)) {
        *all.entry(class).or_default() += size;
    }
    all
}

/// A question, and how many records or people it finds.
type Question<'q> = (&'q str, Box<dyn Fn(&Unshown<'_>) -> usize>);

fn page(filter: Filter) -> Box<dyn Fn(&Unshown<'_>) -> usize> {
    Box::new(move |log| log.search(&filter).expect("searched").rows.len())
}

fn people(filter: Filter) -> Box<dyn Fn(&Unshown<'_>) -> usize> {
    Box::new(move |log| log.people(&filter).expect("counted").people.len())
}

/// Asks what schools ask, each some times; the first time by somebody who has just opened the log, as each command does.
fn ask(folder: &Folder, asked: &Asked, only: Option<&str>) {
    let time = |ms: u64| jiff::Timestamp::from_millisecond(i64::try_from(ms).expect("a time")).expect("a time");
    let person = Some(asked.somebody.clone());
    let whole = |filter: Filter| Filter { limit: 1_000_000, patience: Duration::MAX, ..filter };
    let day = Filter { user: person.clone(), from: Some(time(asked.day.0)), to: Some(time(asked.day.1)), ..Filter::default() };
    let site = |host: &str| Filter { host: Some(host.into()), kind: Some(Kind::Visit), ..Filter::default() };
    let text = |words: &str| Filter { text: Some(words.into()), ..Filter::default() };
    let [known, few] = [&*asked.sites[0], &*asked.sites[1]];
    let questions: [Question<'_>; 12] = [
        ("what did this pupil do on a day (all)", page(whole(day))),
        ("what did this pupil do, first page", page(Filter { user: person, ..Filter::default() })),
        ("who visited the best known site (people)", people(site(known))),
        ("visits to the best known site, first page", page(site(known))),
        ("visits to the best known site, all", page(whole(site(known)))),
        ("who visited a site that few know (people)", people(site(few))),
        ("visits to a site that few know, all", page(whole(site(few)))),
        ("who visited a site that is nowhere", people(site("nowhere.example"))),
        ("a text in host, path or search, first page", page(text("volcano"))),
        ("two words, first page", page(text("volcano homework"))),
        ("two words, all", page(whole(text("volcano homework")))),
        ("a text that is nowhere", page(whole(text("zzyzxq")))),
    ];
    let mut shown = Table::new();
    shown.load_style(NOTHING).set_header(["the question", "just opened", "median", "found"]);
    for (name, question) in questions.into_iter().filter(|(name, _)| only.is_none_or(|only| name.contains(only))) {
        let opened = Instant::now();
        let record = Log::open(folder).expect("a log");
        let log = Unshown::of(&record);
        question(&log);
        let first = opened.elapsed();
        let mut times: Vec<_> = (0..TIMES)
            .map(|_| {
                let began = Instant::now();
                let found = question(&log);
                (began.elapsed(), found)
            })
            .collect();
        times.sort_unstable();
        let (median, found) = times[TIMES / 2];
        let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
        shown.add_row([name.to_owned(), ms(first), ms(median), found.to_string()]);
    }
    for column in 1..=3 {
        shown.column_mut(column).expect("four columns").set_cell_alignment(CellAlignment::Right);
    }
    println!("\n{shown}");
}
