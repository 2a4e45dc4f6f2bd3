//! What it costs to read pages for phrases: bytes a second of a core, from the body's bytes to its score, and each step alone.
//!
//! Pages and phrases are made up: 12,000 words of syllables, as often as words are in a language (Zipf's law), 20,000 phrases of one to four of them, of which
//! about one word in a hundred of a page is part. `text` is page text alone, the worst case, since every byte of it is folded and looked up; of the others a
//! good part is markup. Figures are of bytes of the body as it came.
//!
//! The same phrases are read in three ways: whole words (as our files mostly have them), every fifth with any ending (`suicid*`), and anywhere, also within
//! words (as most of e2guardian's). `phrases` is a page of nothing but those phrases, `mostly` one of phrases without their first word: what somebody would
//! write to keep a filter busy. `small` is a page of 4 KiB from making the scanner to the score.
//!
//! Times on a shared machine move; instructions do not. `--count CASE PASSES` reads the page of a case so many times and ends, for callgrind: the
//! difference between two counts is the work of the passes between. `--memory` says what phrases take while they are read and after, and what a scanner
//! takes in the middle of a page.

mod names;

use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use criterion::{Criterion, Throughput, criterion_group};
use flate2::{Compress, Compression, FlushCompress};
use names::Random;
use std::collections::HashSet;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use usher::body::coding::Limits;
use usher::lists::entry::Listed;
use usher::scan::charset::{Charset, Unsaid};
use usher::scan::fold::Folder;
use usher::scan::html::Html;
use usher::scan::index::{Finder, Index};
use usher::scan::lexicon::{Builder, Lexicon};
use usher::scan::messages::Flattened;
use usher::scan::window::Repeats;
use usher::scan::{Kind, Scanner, Take};
use usher::socket::extensions::Context;
use usher::socket::{Heard, Reader, Side};

const WORDS: usize = 12_000;
const PHRASES: usize = 20_000;
/// Bytes of a page.
const PAGE: usize = 1 << 20;
/// Bytes of a small one.
const SMALL: usize = 4096;
/// Bytes of a message, and how many there are.
const MESSAGE: usize = 1024;
const MESSAGES: usize = 1024;
/// As bodies come off the wire.
const PIECE: usize = 16 * 1024;

const SYLLABLES: [&str; 40] = [
    "an", "be", "com", "de", "er", "fi", "ga", "ho", "in", "ja", "ki", "lo", "ma", "ne", "or", "pre", "qui", "re", "se", "tion", "un", "ver", "wa", "ex", "y",
    "ing", "st", "al", "ough", "th", "ed", "ly", "ment", "pa", "su", "tri", "sh", "ed", "s", "ic",
];
const COMMON: [&str; 24] = [
    "the", "of", "and", "to", "a", "in", "is", "it", "that", "for", "was", "on", "are", "with", "as", "his", "they", "be", "at", "one", "have", "this", "from",
    "or",
];

fn below(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.next() % end as u64).expect("small")
}

/// Words, the most frequent first.
fn words(random: &mut Random) -> Vec<String> {
    let mut words: Vec<String> = COMMON.map(str::to_owned).into();
    let mut seen: HashSet<String> = words.iter().cloned().collect();
    while words.len() < WORDS {
        let syllables = 1 + below(random, 2) + below(random, 3);
        let word: String = (0..syllables).map(|_| SYLLABLES[below(random, SYLLABLES.len())]).collect();
        if word.len() > 2 && seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

/// A word as often as it is used: about one in `rank` as the first.
fn used<'a>(random: &mut Random, words: &'a [String]) -> &'a str {
    let share = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
    let rank = (words.len() as f64).powf(share) - 1.0;
    &words[(rank as usize).min(words.len() - 1)]
}

fn phrases(random: &mut Random, words: &[String]) -> Vec<String> {
    let mut phrases = HashSet::new();
    while phrases.len() < PHRASES {
        let length = [1, 2, 2, 2, 2, 3, 3, 3, 4, 4][below(random, 10)];
        // Single words that say something are rare ones.
        let first = if length == 1 { 6_000 } else { 100 };
        let phrase: Vec<_> = (0..length).map(|_| &*words[first + below(random, words.len() - first)]).collect();
        phrases.insert(phrase.join(" "));
    }
    let mut phrases: Vec<_> = phrases.into_iter().collect();
    phrases.sort_unstable();
    phrases
}

/// Sentences of so many bytes.
fn text(random: &mut Random, words: &[String], bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        let length = 5 + below(random, 14);
        for place in 0..length {
            let word = used(random, words);
            if place == 0 {
                let _ = write!(text, "{}{}", word[..1].to_uppercase(), &word[1..]);
            } else {
                text.push_str(if below(random, 12) == 0 { ", " } else { " " });
                text.push_str(word);
            }
            if below(random, 60) == 0 {
                let _ = write!(text, " {}", 1900 + below(random, 130));
            }
            if below(random, 80) == 0 {
                text.push_str(["’s", " café", " “so”", " £5", " – and"][below(random, 5)]);
            }
        }
        text.push_str(". ");
    }
    text
}

fn html(random: &mut Random, words: &[String]) -> String {
    let hosts = names::names(1 << 12);
    let mut page = "<!doctype html><html lang=en><head><meta charset=utf-8><title>A page</title><style>".to_owned();
    (0..200).for_each(|rule| page.push_str(&format!(".rule-{rule} > a:hover {{ color: #{rule:06x}; margin: 0 auto }}\n")));
    page.push_str("</style></head><body>");
    while page.len() < PAGE {
        let place = page.len();
        let _ = writeln!(
            page,
            "<div class=\"card card--wide col-{}\" data-id=\"{place}\" aria-hidden=\"false\"><h3 class=\"card__title\">{}</h3>",
            place % 7,
            text(random, words, 30)
        );
        let _ = write!(page, "<a href=\"/stories/{place}/{}\" class=\"card__link\" title=\"{}\">", used(random, words), text(random, words, 20));
        let host = &hosts[place % hosts.len()];
        let _ = writeln!(page, "<img src=\"https://{host}/{place}.webp?w=640&amp;q=80\" alt=\"{}\" loading=\"lazy\"></a>", text(random, words, 40));
        for _ in 0..3 {
            let _ = writeln!(
                page,
                "<p>{} <b>{}</b> {} <a href=\"/x/{place}\">{}</a>&nbsp;{}</p>",
                text(random, words, 120),
                text(random, words, 15),
                text(random, words, 120),
                text(random, words, 15),
                text(random, words, 120)
            );
        }
        page.push_str("</div>\n");
        if below(random, 6) == 0 {
            let _ = write!(
                page,
                "<script>(function(){{var a=document.querySelector('.card--{place}');if(a&&a.length>{place}){{a.addEventListener(\"click\",function(b){{b.preventDefault();track({{id:{place},name:\"{}\"}})}})}}}})();</script>",
                text(random, words, 40)
            );
        }
    }
    page
}

fn json(random: &mut Random, words: &[String]) -> String {
    let mut body = "{\"items\":[".to_owned();
    while body.len() < PAGE {
        let _ = write!(
            body,
            "{{\"id\":\"{:016x}\",\"likes\":{},\"author\":{{\"name\":\"{}\"}},\"body\":\"{}\\n\\u00e9\"}},",
            random.next(),
            below(random, 9999),
            used(random, words),
            text(random, words, 300)
        );
    }
    body.push_str("{}]}");
    body
}

fn events(random: &mut Random, words: &[String]) -> String {
    let mut body = String::new();
    while body.len() < PAGE {
        let _ = write!(
            body,
            "data: {{\"id\":\"chatcmpl-{:012x}\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" {}\"}},\"finish_reason\":null}}]}}\n\n",
            random.next() >> 16,
            used(random, words)
        );
    }
    body
}

/// The same messages as frames of a client, bare and compressed.
fn sockets(random: &mut Random, words: &[String]) -> [Vec<u8>; 2] {
    let (mut bare, mut packed) = (Vec::new(), Vec::new());
    let mut compress = Compress::new(Compression::default(), false);
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let frame = |first: u8, payload: &[u8]| {
        let length = u16::try_from(payload.len()).expect("short").to_be_bytes();
        let masked = payload.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask);
        [first, 0xfe].into_iter().chain(length).chain(mask).chain(masked).collect::<Vec<_>>()
    };
    for number in 0..MESSAGES {
        let mut message = format!("{{\"type\":\"message\",\"id\":{number},\"text\":\"{}", text(random, words, MESSAGE));
        message.truncate(message.floor_char_boundary(MESSAGE - 2));
        message.push_str("\"}");
        bare.extend(frame(0x81, message.as_bytes()));
        let mut out = Vec::with_capacity(2 * MESSAGE);
        compress.compress_vec(message.as_bytes(), &mut out, FlushCompress::Sync).expect("compressed");
        packed.extend(frame(0xc1, &out[..out.len() - 4]));
    }
    [bare, packed]
}

/// How phrases are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    Words,
    /// Every fifth with any ending.
    Starred,
    Anywhere,
}

fn builder(phrases: &[String], meant: Meant) -> Builder {
    let weight = |place: usize| if place.is_multiple_of(10) { "-10" } else { ["10", "20", "30"][place % 3] };
    let mut builder = Lexicon::builder();
    if meant == Meant::Anywhere {
        builder.begin("phrases");
        for (place, phrase) in phrases.iter().enumerate() {
            let listed = Listed::Phrase(format!("<{phrase}><{}>", weight(place)));
            let _ = builder.e2guardian(&format!("theme-{}", place / 2_000), 1, &listed);
        }
        return builder;
    }
    let mut file = String::new();
    for (place, phrase) in phrases.iter().enumerate() {
        if place.is_multiple_of(2_000) {
            let _ = writeln!(file, "theme: theme-{}", place / 2_000);
        }
        let (shorter, star) = if meant == Meant::Starred && place.is_multiple_of(5) { (&phrase[..phrase.len() - 1], "*") } else { (&**phrase, "") };
        let _ = writeln!(file, "{} {}{star}", weight(place), shorter.trim_end());
    }
    let problems = builder.read("phrases", &file);
    assert!(problems.len() < 600, "{}: {:?}", problems.len(), problems.first());
    builder
}

fn lexicon(phrases: &[String], meant: Meant) -> Arc<Lexicon> {
    Arc::new(builder(phrases, meant).build().expect("room"))
}

/// What is read, gone.
#[derive(Default)]
struct Lost(usize);

impl Take for Lost {
    fn text(&mut self, text: &str) {
        self.0 += text.len();
    }

    fn part(&mut self) {
        self.0 += 1;
    }
}

/// What a case does in one pass.
type Pass<'a> = Box<dyn Fn() -> usize + 'a>;

struct Work {
    lexicons: [(&'static str, Arc<Lexicon>); 3],
    index: Index,
    automaton: NFA,
    folded: Vec<u8>,
    pages: Vec<(&'static str, Kind, String)>,
    /// What a client sends over a WebSocket: messages of JSON of [`MESSAGE`] bytes each, bare and compressed.
    socket: [Vec<u8>; 2],
}

impl Work {
    fn new() -> Self {
        let mut random = Random::new(11);
        let words = words(&mut random);
        let phrases = phrases(&mut random, &words);
        let patterns: Vec<_> = phrases.iter().map(|phrase| format!(" {phrase} ")).collect();
        let automaton = NFA::builder().match_kind(MatchKind::Standard).prefilter(false).dense_depth(5).build(&patterns).expect("room");
        let index = Index::build(&patterns.iter().map(String::as_str).collect::<Vec<_>>()).expect("room");
        let mut pages = vec![
            ("text", Kind::Plain, text(&mut random, &words, PAGE)),
            ("html", Kind::Html, html(&mut random, &words)),
            ("json", Kind::Json, json(&mut random, &words)),
            ("events", Kind::Events, events(&mut random, &words)),
        ];
        let socket = sockets(&mut random, &words);
        let mut folded = Vec::new();
        Folder::default().feed(&pages[0].2, &mut folded);
        let mostly = |phrase: &String| phrase.split_once(' ').map_or_else(String::new, |(_, others)| format!("{others} "));
        pages.push(("phrases", Kind::Plain, phrases.iter().cycle().take(3 * PHRASES).map(|phrase| format!("{phrase} ")).collect()));
        pages.push(("mostly", Kind::Plain, phrases.iter().cycle().take(3 * PHRASES).map(mostly).collect()));
        let [words, starred, anywhere] = [Meant::Words, Meant::Starred, Meant::Anywhere].map(|meant| lexicon(&phrases, meant));
        let work = Self { lexicons: [("all", words), ("starred", starred), ("anywhere", anywhere)], index, automaton, folded, pages, socket };
        println!("{PHRASES} phrases; an automaton of them takes {} KiB", work.automaton.memory_usage() >> 10);
        let hits = stepped(&work.automaton, &work.folded);
        println!("{hits} phrases in {} words of text", work.folded.iter().filter(|byte| **byte == b' ').count());
        assert_eq!(found(&work.index, &work.folded), hits, "the index finds what the automaton does");
        work
    }

    /// The cases by name, with the bytes each reads in a pass.
    fn cases(&self) -> Vec<(String, usize, Pass<'_>)> {
        let mut cases: Vec<(String, usize, Pass<'_>)> = Vec::new();
        for (way, lexicon) in &self.lexicons {
            for (name, kind, page) in &self.pages {
                cases.push((format!("{way}/{name}"), page.len(), Box::new(move || scanned(lexicon, *kind, page.as_bytes()))));
            }
        }
        let packed = Some(Context::Kept);
        for (name, bytes, context, kinds) in [
            ("frames", &self.socket[0], None, &[][..]),
            ("frames-packed", &self.socket[1], packed, &[]),
            ("up", &self.socket[0], None, &[Kind::Messages]),
            ("up-packed", &self.socket[1], packed, &[Kind::Messages]),
            ("down", &self.socket[0], None, &[Kind::Messages, Kind::Tokens]),
        ] {
            cases.push((format!("socket/{name}"), MESSAGES * MESSAGE, Box::new(move || self.heard(bytes, context, kinds))));
        }
        let (plain, page) = (&self.pages[0].2, &self.pages[1].2);
        let (all, small) = (&self.lexicons[0].1, &page.as_bytes()[page.len() - SMALL..]);
        cases.push(("small/html".into(), SMALL, Box::new(move || scanned(all, Kind::Html, small))));
        cases.push(("small/nothing".into(), 0, Box::new(move || scanned(all, Kind::Html, b""))));
        cases.push((
            "step/charset".into(),
            plain.len(),
            Box::new(|| {
                let (mut charset, mut read) = (Charset::new(None, Unsaid::Utf8), 0);
                plain.as_bytes().chunks(PIECE).for_each(|piece| charset.feed(piece, &mut |text| read += text.len()));
                read
            }),
        ));
        cases.push((
            "step/html".into(),
            page.len(),
            Box::new(|| {
                let (mut html, mut lost) = (Html::default(), Lost::default());
                html.feed(page, &mut lost);
                lost.0
            }),
        ));
        cases.push((
            "step/fold".into(),
            plain.len(),
            Box::new(|| {
                let (mut folder, mut out, mut length) = (Folder::default(), Vec::new(), 0);
                let mut rest = plain.as_str();
                while !rest.is_empty() {
                    let (piece, more) = rest.split_at(rest.floor_char_boundary(4096));
                    folder.feed(piece, &mut out);
                    length += out.len();
                    out.clear();
                    rest = more;
                }
                length
            }),
        ));
        cases.push(("step/index".into(), self.folded.len(), Box::new(|| found(&self.index, &self.folded))));
        cases.push(("step/automaton".into(), self.folded.len(), Box::new(|| stepped(&self.automaton, &self.folded))));
        cases
    }

    /// What is said over a WebSocket, read as the proxy does.
    fn heard(&self, mut bytes: &[u8], context: Option<Context>, kinds: &[Kind]) -> usize {
        let mut reader = Reader::new(Side::Client, context, Limits::default());
        let mut scanners: Vec<_> = kinds.iter().map(|kind| Scanner::new(Arc::clone(&self.lexicons[0].1), *kind, None, Repeats::Once)).collect();
        let (mut flattened, mut room, mut text, mut read) = (Flattened::default(), Vec::new(), Vec::new(), 0);
        loop {
            let heard = reader.step(&mut bytes, &mut room).expect("sound");
            match heard {
                Heard::All => return read,
                Heard::Begins(_) => flattened.begin(true, &mut text),
                Heard::Bytes => flattened.feed(&room, &mut text),
                Heard::Ends => flattened.end(&mut text),
                Heard::Control(_) => {}
            }
            read += text.len();
            for scanner in &mut scanners {
                let _ = black_box(scanner.feed(&text));
                if heard == Heard::Ends {
                    black_box(scanner.may_reach(i32::MAX));
                }
            }
            text.clear();
        }
    }
}

fn scanned(lexicon: &Arc<Lexicon>, kind: Kind, body: &[u8]) -> usize {
    let mut scanner = Scanner::new(Arc::clone(lexicon), kind, Some("utf-8"), Repeats::Once);
    for piece in body.chunks(PIECE) {
        let _ = black_box(scanner.feed(piece));
    }
    scanner.end().found.len()
}

/// What the index finds.
fn found(index: &Index, folded: &[u8]) -> usize {
    let (mut finder, mut found) = (Finder::with_room(4096), 0);
    for piece in folded.chunks(4096) {
        finder.text().extend(piece);
        finder.look(index, &mut |_| found += 1);
    }
    found
}

/// What an automaton finds, by hand.
fn stepped(automaton: &impl Automaton, folded: &[u8]) -> usize {
    let mut state = automaton.start_state(Anchored::No).expect("it was built so");
    let mut found = 0;
    for byte in folded {
        state = automaton.next_state(Anchored::No, state, *byte);
        if automaton.is_special(state) && automaton.is_match(state) {
            found += automaton.match_len(state);
        }
    }
    found
}

fn scan(criterion: &mut Criterion) {
    let work = Work::new();
    let mut group = criterion.benchmark_group("scan");
    group.sample_size(20);
    for (name, bytes, case) in work.cases() {
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(case())));
    }
    group.finish();
}

/// What the process takes, in KiB: now, and the most so far.
fn resident() -> [usize; 2] {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    })
}

fn memory() {
    let mut random = Random::new(11);
    let words = words(&mut random);
    let phrases = phrases(&mut random, &words);
    let page = text(&mut random, &words, PAGE);
    for (name, meant) in [("words", Meant::Words), ("starred", Meant::Starred), ("anywhere", Meant::Anywhere)] {
        let builder = builder(&phrases, meant);
        let ([before, _], began) = (resident(), Instant::now());
        let lexicon = Arc::new(builder.build().expect("room"));
        let (took, [after, most]) = (began.elapsed(), resident());
        println!("{name}: the index takes {} KiB; building {took:?}; resident {before} KiB, then {after}, at most {most}", lexicon.memory() >> 10);
        const FLIGHT: usize = 4000;
        let [before, _] = resident();
        let scanners: Vec<_> = (0..FLIGHT)
            .map(|place| {
                let mut scanner = Scanner::new(Arc::clone(&lexicon), [Kind::Plain, Kind::Html][place % 2], Some("utf-8"), Repeats::Once);
                let _ = scanner.feed(&page.as_bytes()[..40_000]);
                scanner
            })
            .collect();
        println!("{name}: {} bytes a scanner in the middle of a page", ((resident()[0] - before) << 10) / scanners.len());
    }
}

criterion_group!(benches, scan);

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--memory") {
        return memory();
    }
    if let Some(place) = arguments.iter().position(|argument| argument == "--count") {
        let (wanted, passes) = (&arguments[place + 1], arguments[place + 2].parse().expect("a number of passes"));
        let work = Work::new();
        let cases = work.cases();
        let (_, bytes, case) = cases.iter().find(|(name, ..)| name == wanted).expect("a case by its name");
        for _ in 0..passes {
            black_box(case());
        }
        return println!("{wanted}: {passes} passes of {bytes} bytes");
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
