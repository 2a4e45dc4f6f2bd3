//! Five million names in 30 categories, from list files to look-ups, every figure in one go: `cargo bench --bench generation`.
//!
//! Each part runs in a process of its own, as a school has it: one reads the files, compiles and writes (its peak of memory is the figure), one opens
//! what was written and looks up, one opens it after the system was told to forget it, one opens words. Look-ups go round a million hosts, so that next to none of the
//! table is in a cache, in batches for the mean and one by one for the median and the slowest hundredth.

mod names;
mod spread;

use names::Random;
use spread::LISTS;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use usher::category::Taxonomy;
use usher::config::Config;
use usher::host::Host;
use usher::lists::Lists;
use usher::lists::compile::Compiler;
use usher::lists::formats::Format;
use usher::lists::generation;
use usher::lists::hasher::key_of;
use usher::lists::mapped::Map;

const NAMES: usize = 5_000_000;
const HOSTS: usize = 1 << 20;
const BATCH: usize = 1 << 13;
const SECRET: [u8; 32] = [7; 32];
const STEP: &str = "USHER_BENCH_STEP";
const FOLDER: &str = "USHER_BENCH_FOLDER";

fn main() {
    if let (Ok(step), Ok(folder)) = (std::env::var(STEP), std::env::var(FOLDER)) {
        return run(&step, Path::new(&folder));
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let names = names::names(NAMES);
    for (number, file) in spread::files(&names).iter().enumerate() {
        fs::write(folder.path().join(number.to_string()), file).expect("written");
    }
    fs::write(folder.path().join("names"), names.join("\n")).expect("written");
    drop(names);
    for step in ["compile", "open", "open", "open", "forget", "open", "words", "look up"] {
        let step_status = Command::new(std::env::current_exe().expect("a path")).env(STEP, step).env(FOLDER, folder.path()).status();
        assert!(step_status.expect("started").success(), "{step}");
    }
}

fn run(step: &str, folder: &Path) {
    let (taxonomy, path) = (taxonomy(), folder.join("generation"));
    match step {
        "compile" => compile(&taxonomy, folder, &path),
        "open" => println!("  {:<44} {:>10.1} ms", "open", ms(&timed(|| open(&taxonomy, &path)).1)),
        "forget" => forget(&path),
        "words" => [1000, 10_000].into_iter().for_each(|count| words(&taxonomy, count)),
        "look up" => look_ups(&open(&taxonomy, &path), &fs::read_to_string(folder.join("names")).expect("names")),
        other => panic!("no step {other}"),
    }
}

/// The shipped categories.
fn taxonomy() -> Taxonomy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/usher.toml");
    Config::load(&path).and_then(|config| config.rulebook()).expect("the shipped configuration is sound").taxonomy
}

fn compile(taxonomy: &Taxonomy, folder: &Path, path: &Path) {
    let (lists, took) = timed(|| {
        let mut compiler = Compiler::new(key_of(&SECRET));
        for (number, (category, info)) in taxonomy.iter().take(LISTS).enumerate() {
            let file = fs::read(folder.join(number.to_string())).expect("a file");
            compiler.add(&info.id, (category, &info.id), Format::Names, &file).expect("there is room");
        }
        compiler.finish().expect("there is room").0
    });
    let peak = peak();
    let ((), wrote) = timed(|| generation::write(&lists, taxonomy, &blake3::hash(b""), &SECRET, path).expect("written"));
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let each = lists.memory() as f64 / lists.len() as f64;
    println!("  {:<44} {:>10.2} s", format!("compile {} names, reading them included", lists.len()), took.as_secs_f64());
    println!("  {:<44} {:>10}", "most memory the process had", peak);
    println!("  {:<44} {:>10.2}", "resident bytes a name", each);
    println!("  {:<44} {:>10.2} s", "write and flush to disk", wrote.as_secs_f64());
    println!("  {:<44} {:>10}", "bytes of the file", fs::metadata(path).expect("a file").len());
}

fn open(taxonomy: &Taxonomy, path: &Path) -> Lists {
    generation::open(path, taxonomy, &SECRET).expect("opened")
}

/// Opening a list of words alone: their automaton is built anew.
fn words(taxonomy: &Taxonomy, count: usize) {
    let (mut random, mut compiler) = (Random::new(11), Compiler::new(key_of(&SECRET)));
    let text: String = (0..count).map(|number| random.letters(6 + number % 6) + "\n").collect();
    let (category, info) = taxonomy.iter().next().expect("a category");
    compiler.add("words", (category, &info.id), Format::Words, text.as_bytes()).expect("there is room");
    let mut bytes = Vec::new();
    let lists = compiler.finish().expect("there is room").0;
    generation::encode(&lists, taxonomy, &blake3::hash(b""), &SECRET, &mut bytes).expect("memory takes it");
    let map = Map::copy(&bytes).expect("a map");
    let (opened, took) = timed(|| generation::decode(map, taxonomy, &SECRET));
    println!("  {:<44} {:>10.1} ms", format!("open {} words", opened.expect("opened").len()), ms(&took));
}

/// Has the system forget what it keeps of a file in memory.
fn forget(path: &Path) {
    let told = Command::new("dd").arg(format!("of={}", path.display())).args(["oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"]).status();
    println!("  {}", if told.is_ok_and(|status| status.success()) { "the file is no longer in memory:" } else { "no dd here, so warm again:" });
}

/// The most memory this process has had.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn ms(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn look_ups(lists: &Lists, names: &str) {
    let names: Vec<&str> = names.lines().collect();
    println!("  {:<44} {:>10} {:>10} {:>10}", "ns a look-up", "in a row", "median", "99 %");
    let many = |random: &mut Random| (0..12).map(|_| random.letters(6) + ".").collect::<String>();
    let case = |case: &str, listed: bool, host: &dyn Fn(&mut Random, &str) -> String| {
        let mut random = Random::new(9);
        let mut next = || {
            let name = random.pick(&names);
            Host::parse(&host(&mut random, name)).ok()
        };
        // Without those that are too long for a host.
        let hosts: Vec<Host> = std::iter::repeat_with(&mut next).flatten().take(HOSTS).collect();
        let found = hosts.iter().filter(|host| !lists.look_up_host(host).categories.is_empty()).count();
        assert!(if listed { found == HOSTS } else { found * 100 < HOSTS }, "{case}: {found} of {HOSTS} found");
        let mut batches: Vec<_> = hosts.chunks(BATCH).map(|batch| each(lists, batch)).collect();
        let mut single: Vec<_> = hosts.chunks(1).map(|one| each(lists, one)).collect();
        batches.sort_unstable();
        single.sort_unstable();
        println!("  {case:<44} {:>10} {:>10} {:>10}", batches[batches.len() / 2], single[HOSTS / 2], single[HOSTS / 100 * 99]);
    };
    let unlisted = |name: &str| format!("x1{}", name.replace('.', "-q."));
    case("hit", true, &|_, name| name.to_owned());
    case("hit below", true, &|random, name| format!("{}.{name}", random.pick(&["www", "cdn7", "m"])));
    case("miss", false, &|_, name| unlisted(name));
    case("miss, near", false, &|_, name| format!("{name}.example-school.org"));
    case("hit, 12 labels more", true, &|random, name| many(random) + name);
    case("miss, 12 labels more", false, &|random, name| many(random) + &unlisted(name));
    case("miss, 60 labels of one letter more", false, &|random, name| (0..60).map(|_| random.letters(1) + ".").collect::<String>() + &unlisted(name));
}

/// Nanoseconds a look-up.
fn each(lists: &Lists, hosts: &[Host]) -> u128 {
    let ((), took) = timed(|| hosts.iter().for_each(|host| drop(black_box(lists.look_up_host(black_box(host))))));
    took.as_nanos() / hosts.len() as u128
}
