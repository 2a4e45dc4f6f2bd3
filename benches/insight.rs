//! What it costs to say what a request means, to read a tunnel's first bytes, and to fold text for searching.
//!
//! `judge` is all that the proxy adds to a request: the search in it, what the browser says, the person's trail. Requests go round a thousand people and
//! thousands of hosts, so that the trail is as cold as in a school. `fold` works on paths as the record has them; its figures are bytes a second.

mod names;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use names::Random;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use usher::insight::navigation::{Fields, Place};
use usher::insight::trail::{Request, Sight, Trail};
use usher::insight::{engines, fold};
use usher::tls::hello::{Read, read};
use usher::tls::ja4::{Class, Ja4};

/// The requests of one case.
const ROUND: usize = 1 << 14;
const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

fn paths(random: &mut Random) -> Vec<String> {
    (0..ROUND)
        .map(|_| {
            format!(
                "/{}/{}/{}.html?{}={}%20{}",
                random.letters(5),
                random.letters(7),
                random.letters(6),
                random.letters(2),
                random.letters(6),
                random.letters(5)
            )
        })
        .collect()
}

fn search(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("search");
    let mut random = Random::new(7);
    let hosts: Vec<String> = names::names(ROUND).into_iter().map(|name| format!("www.{name}")).collect();
    let paths = paths(&mut random);
    let mut round = hosts.iter().zip(&paths).cycle();
    group.bench_function("of no engine", |bencher| {
        bencher.iter(|| {
            let (host, path) = round.next().expect("it never ends");
            engines::search(black_box(host), black_box(path))
        });
    });
    for (name, host, path) in [
        ("engine, no search", "www.google.co.uk", "/complete/imghover?client=x"),
        ("engine, asked", "www.google.co.uk", "/search?q=how+do+volcanoes+erupt&sca_esv=5b3&source=hp&ei=x&gs_lp=Egdnd3&sclient=gws-wiz"),
        ("the last of the table", "harrypotter.fandom.com", "/wiki/Special:Search?query=wand"),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| engines::search(black_box(host), black_box(path))));
    }
    group.finish();
}

fn judge(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    let mut random = Random::new(7);
    let hosts: Vec<String> = names::names(4096).into_iter().map(|name| format!("www.{name}")).collect();
    let urls: Vec<(String, String)> =
        paths(&mut random).into_iter().map(|path| (random.pick(&hosts).clone(), path)).map(|(host, path)| (format!("{host}{path}"), host)).collect();
    let page = Fields {
        mode: Some("navigate"),
        dest: Some("document"),
        user: Some("?1"),
        site: Some("none"),
        accept: Some("text/html"),
        agent: Some(BROWSER),
        ..Fields::default()
    };
    let part = |referrer| Fields { mode: Some("no-cors"), dest: Some("script"), site: Some("cross-site"), referrer: Some(referrer), ..page };
    for (name, seen) in [("said", 0), ("not said", 1), ("tunnel", 2)] {
        let trail = Trail::new();
        let mut number = 0usize;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                number += 1;
                let (url, host) = &urls[number % ROUND];
                let who = IpAddr::V4(Ipv4Addr::from(u32::try_from(number / 40 % 1000).unwrap_or_default()));
                let fields = if number.is_multiple_of(40) { page } else { part(Place { host, url }) };
                let fields = if seen == 0 { fields } else { Fields { mode: None, dest: None, user: None, site: None, ..fields } };
                let path = &url[host.len()..];
                let sight = if seen == 2 { Sight::Tunnel } else { Sight::Whole { method: "GET", path, url, fields: &fields } };
                let meaning = trail.judge((None::<&str>, who), &Request { time_ms: 1_000_000 + 50 * number as u64, host, sight });
                if let Some(step) = meaning.step {
                    trail.passed(step, number);
                }
                meaning.kind
            });
        });
    }
    group.finish();
}

fn folding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold");
    let mut random = Random::new(7);
    let plain: Vec<String> =
        (0..ROUND).map(|_| format!("/{}/{}/{}-{}.html", random.letters(5), random.letters(7), random.letters(6), random.letters(9))).collect();
    let queries = paths(&mut random);
    let accented: Vec<String> = (0..ROUND).map(|_| format!("{} café {} naïve {}", random.letters(5), random.letters(7), random.letters(6))).collect();
    for (name, texts) in [("paths", &plain), ("paths with escapes", &queries), ("with accents", &accented)] {
        group.throughput(Throughput::Bytes(texts.iter().map(|text| text.len() as u64).sum()));
        let mut buffer = String::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut letters = 0;
                texts.iter().for_each(|text| fold::for_each_word(black_box(text), &mut buffer, |word| letters += word.len()));
                letters
            });
        });
    }
    group.finish();
}

/// A browser's hello of 2 KiB, as it came in one record and in 32, and what is made of it.
fn hello(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hello");
    let whole = include_bytes!("../tests/fuzz/seeds/hello/chromium-156");
    let parts: Vec<u8> = whole[5..].chunks(64).flat_map(|part| [&[0x16, 3, 1, 0, u8::try_from(part.len()).unwrap_or_default()], part].concat()).collect();
    group.bench_function("read", |bencher| bencher.iter(|| read(black_box(whole))));
    group.bench_function("read, many records", |bencher| bencher.iter(|| read(black_box(&parts))));
    let Read::Hello(hello) = read(&parts) else { panic!("it is a hello") };
    group.bench_function("class", |bencher| bencher.iter(|| Class::of(black_box(&hello))));
    group.bench_function("ja4", |bencher| bencher.iter(|| Ja4::of(black_box(&hello))));
    group.finish();
}

criterion_group!(benches, search, judge, folding, hello);
criterion_main!(benches);
