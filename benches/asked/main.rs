//! What it costs to read what somebody typed: by what it means (the file that ships, and texts of some lengths), and word for word in English (the glossaries that
//! ship). `read` is the files themselves, once a start or reload.

use criterion::{Criterion, criterion_group, criterion_main};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use usher::scan::fold::fold;
use usher::scan::lexicon::Lexicon;
use usher::scan::meaning::Meaning;

/// Texts by their length; of the last three, what was typed one after the other.
const TEXTS: [(&str, &[&str]); 4] = [
    ("4 words", &["where is the staffroom"]),
    ("12 words", &["how do i tell my form tutor that i lost my bag"]),
    (
        "40 words",
        &[
            "can you write a short story about a girl who finds an old map in the library of her school and follows it with two of her friends until they come to a door that nobody has opened for a hundred years",
        ],
    ),
    ("three texts of 8 words together", &["why is the sky red in the evening", "what time does the sun set in may", "how long is a day on the moon"]),
];

fn asked(criterion: &mut Criterion) {
    let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/lexicon/phrases/meaning")).expect("the file that ships");
    let (_, meaning) = Meaning::read(&file).expect("sound");
    let mut group = criterion.benchmark_group("meaning");
    group.sample_size(20);
    group.bench_function("read", |bencher| bencher.iter(|| Meaning::read(black_box(&file)).is_ok()));
    for (name, texts) in TEXTS {
        let texts: Vec<Vec<&str>> = texts.iter().map(|text| text.split(' ').collect()).collect();
        let texts: Vec<&[&str]> = texts.iter().map(Vec::as_slice).collect();
        group.bench_function(name, |bencher| bencher.iter(|| meaning.points(black_box(&texts))));
    }
    group.finish();
}

/// Texts by what they are.
const LANGUAGES: [(&str, &str); 4] = [
    ("English, 12 words", "how do i tell my form tutor that i lost my bag"),
    ("Polish, 10 words", "gdzie mogę kupić tani plecak do szkoły na nowy rok"),
    ("Arabic, 8 words", "كيف أقول لمعلمتي أني نسيت كتاب الرياضيات"),
    ("Chinese", "我忘記帶數學書怎麼跟老師說"),
];

fn words(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/lexicon/phrases");
    let is_glossary = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("words-"));
    let mut paths: Vec<_> = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path()).filter(|path| is_glossary(path)).collect();
    paths.sort();
    let files: Vec<_> = paths.iter().map(|path| fs::read(path).expect("a file")).collect();
    let read = || {
        let mut builder = Lexicon::builder();
        files.iter().for_each(|file| drop(builder.file("words", file)));
        builder.build().expect("room")
    };
    let lexicon = read();
    let mut group = criterion.benchmark_group("glossaries");
    group.sample_size(20);
    group.bench_function("read", |bencher| bencher.iter(read));
    for (name, text) in LANGUAGES {
        let folded = fold(text);
        group.bench_function(name, |bencher| bencher.iter(|| lexicon.in_english(black_box(&folded))));
    }
    group.finish();
}

criterion_group!(benches, asked, words);
criterion_main!(benches);
