//! What the lists cost: compiling them, and looking names up in them, with 600,000 names and with 5 million.
//!
//! Names alone, without URLs around them, so that the table is seen for itself; every look-up is of another name. `patterns` is the one
//! automaton for words, wildcards and expressions, over URLs of about 60 bytes.

mod names;
mod spread;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use names::Random;
use spread::{LISTS, files};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;
use usher::category::{Category, Taxonomy};
use usher::config::Config;
use usher::host::Host;
use usher::lists::Lists;
use usher::lists::compile::Compiler;
use usher::lists::formats::Format;
use usher::lists::members::Member;
use usher::lists::patterns::{Builder, Patterns};

/// How many names, and what that is called.
const SIZES: [(usize, &str); 2] = [(600_000, "600k"), (5_000_000, "5M")];
/// The names of one case.
const ROUND: usize = 1 << 16;
const KEY: [u8; 16] = [7; 16];

/// The shipped categories.
fn taxonomy() -> Taxonomy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/usher.toml");
    Config::load(&path).and_then(|config| config.rulebook()).expect("the shipped configuration is sound").taxonomy
}

fn compile(files: &[Vec<u8>], categories: &[(Category, String)]) -> Lists {
    let mut compiler = Compiler::new(KEY);
    for (file, (category, id)) in files.iter().zip(categories) {
        compiler.add(id, (*category, id), Format::Names, file).expect("there is room");
    }
    compiler.finish().expect("there is room").0
}

fn tables(criterion: &mut Criterion) {
    let taxonomy = taxonomy();
    let categories: Vec<_> = taxonomy.iter().map(|(category, info)| (category, info.id.clone())).take(LISTS).collect();
    for (size, shown) in SIZES {
        let names = names::names(size);
        let files = files(&names);
        let mut group = criterion.benchmark_group(format!("compile {shown}"));
        group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(size as u64));
        group.bench_function("names", |bencher| bencher.iter_batched(|| (), |()| compile(black_box(&files), &categories), BatchSize::PerIteration));
        group.finish();
        let lists = compile(&files, &categories);
        eprintln!("{shown}: {} entries, {} bytes of table", lists.len(), lists.memory());
        look_ups(criterion, &format!("look up {shown}"), &lists, &names);
    }
}

fn look_ups(criterion: &mut Criterion, title: &str, lists: &Lists, names: &[String]) {
    let mut group = criterion.benchmark_group(title);
    let mut case = |case: &str, listed: bool, host: &dyn Fn(&mut Random, &str) -> String| {
        let mut random = Random::new(9);
        let mut next = || {
            let name = random.pick(names);
            host(&mut random, name)
        };
        let hosts: Vec<Host> = (0..ROUND).map(|_| Host::parse(&next()).expect("a host")).collect();
        let found = hosts.iter().filter(|host| !lists.look_up_host(host).categories.is_empty()).count();
        assert!(if listed { found == ROUND } else { found * 100 < ROUND }, "{title}, {case}: {found} of {ROUND} found");
        let mut round = hosts.iter().cycle();
        group.bench_function(case, |bencher| bencher.iter(|| lists.look_up_host(black_box(round.next().expect("it never ends")))));
    };
    case("hit", true, &|_, name| name.to_owned());
    case("hit below", true, &|random, name| format!("{}.{name}", random.pick(&["www", "cdn7", "m"])));
    case("miss", false, &|_, name| format!("x1{}", name.replace('.', "-q.")));
    let many = |random: &mut Random| (0..12).map(|_| random.letters(6) + ".").collect::<String>();
    case("hit, 12 labels more", true, &|random, name| many(random) + name);
    case("miss, 12 labels more", false, &|random, name| many(random) + &name.replace('.', "-q."));
    group.finish();
}

/// The list all patterns stand in.
fn list() -> Member {
    Member::listed(0).expect("room for one list")
}

/// The words and expressions of the starter lists.
fn shipped() -> Patterns {
    let mut builder = Builder::default();
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/starter");
    for folder in fs::read_dir(starter).expect("the starter lists").flatten() {
        let lines = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap_or_default();
        lines("words").lines().filter(|line| !line.starts_with('#') && !line.is_empty()).for_each(|line| builder.word(list(), 0, line));
        for line in lines("expressions").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            builder.expression(list(), 0, line).expect("the starter lists are sound");
        }
    }
    builder.build()
}

fn words(count: usize) -> Patterns {
    let mut random = Random::new(11);
    let mut builder = Builder::default();
    (0..count).for_each(|_| {
        let length = 6 + random.below(6);
        builder.word(list(), 0, &random.letters(length));
    });
    builder.build()
}

fn patterns(criterion: &mut Criterion) {
    let mut random = Random::new(13);
    let names = names::names(1 << 12);
    let urls: Vec<String> = names
        .iter()
        .map(|name| format!("www.{name}/{}/{}/{}.html?id={}", random.letters(6), random.letters(7), random.letters(6), random.letters(6)))
        .collect();
    let mut group = criterion.benchmark_group("patterns");
    for (shown, patterns) in [("shipped", shipped()), ("1,000 words", words(1000)), ("10,000 words", words(10_000))] {
        eprintln!("{shown}: {} patterns, {} of them without a literal", patterns.len(), patterns.slow());
        let mut round = urls.iter().cycle();
        group.bench_function(shown, |bencher| {
            bencher.iter(|| {
                let mut found = 0;
                patterns.find(black_box(round.next().expect("it never ends")), |_, _| found += 1);
                found
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = tables, patterns
}
criterion_main!(benches);
