//! What is planted for the detectors to find, in the variants that were seen or are easily thought of: other paths, other codes, split, in pieces, packed, with
//! names given at random. None of it is written by the code that is to find it.

use super::names::Random;
use super::{Following, asked, read};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::GzEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::io::Write as _;
use usher::body::coding::{Decoder, Limits, Stepped};
use usher::bypass::Code;
use usher::snapshot::Snapshot;

/// How often each variant is planted.
const TIMES: usize = 200;
/// What `encodeURIComponent` leaves.
const LEFT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'!').remove(b'~').remove(b'*').remove(b'\'').remove(b'(').remove(b')');

fn escape(text: &str) -> String {
    utf8_percent_encode(text, LEFT).to_string()
}

/// Ultraviolet's code, as its documentation says it: every second letter's second bit, then escaped.
fn turned(text: &str) -> String {
    escape(&text.chars().enumerate().map(|(at, letter)| if at % 2 == 1 { char::from(letter as u8 ^ 2) } else { letter }).collect::<String>())
}

fn rot13(text: &str) -> String {
    let turn = |letter: char, first: u8| char::from((letter as u8 - first + 13) % 26 + first);
    text.chars()
        .map(|letter| match letter {
            'a'..='z' => turn(letter, b'a'),
            'A'..='Z' => turn(letter, b'A'),
            other => other,
        })
        .collect()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(body).expect("in memory");
    gzip.finish().expect("in memory")
}

/// What comes out of a coding when its bytes come a few at a time.
fn unpacked(packed: &[u8], piece: usize) -> Vec<u8> {
    let mut decoder = Decoder::new(["gzip"].into_iter(), Limits::default()).expect("a coding");
    let mut out = Vec::new();
    for mut input in packed.chunks(piece) {
        while matches!(decoder.step(&mut input, &mut out), Ok(Stepped::More)) {}
    }
    out
}

fn page(random: &mut Random) -> String {
    format!("https://www.{}.com/{}?{}={}", random.letters(9), random.letters(6), random.letters(2), random.letters(8))
}

/// One variant: its name, and whether it was found.
type Variant<'a> = (Code, &'a str, Box<dyn Fn(&mut Random) -> bool + 'a>);

fn in_head<'a>(
    school: &'a Snapshot,
    code: Code,
    name: &'a str,
    plant: impl Fn(&mut Random) -> (String, &'static str, Vec<(&'static str, String)>) + 'a,
) -> Variant<'a> {
    let is_found = move |random: &mut Random| {
        let (path, dest, fields) = plant(random);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        asked(school, &format!("https://{}.{}.org{path}", random.letters(5), random.letters(8)), dest, &fields).iter().any(|finding| finding.code == code)
    };
    (code, name, Box::new(is_found))
}

/// A page whose address stands in another's, and a script of it: found is the script, and the next page.
fn in_turn<'a>(school: &'a Snapshot, name: &'a str, before: &'static str, code: fn(&str) -> String) -> Variant<'a> {
    let is_found = move |random: &mut Random| {
        let (mut following, site) = (Following::default(), format!("https://{}.{}.org/{before}", random.letters(5), random.letters(8)));
        let script = format!("https://cdn.{}.com/{}.js?v={}", random.letters(9), random.letters(6), random.letters(2));
        let mut see = |address: &str, dest| following.see(school, &format!("{site}{}", code(address)), dest).is_some();
        !see(&page(random), "document") && see(&script, "script") && see(&page(random), "document")
    };
    (Code::Relay, name, Box::new(is_found))
}

fn in_body<'a>(code: Code, name: &'a str, declared: &'static str, plant: impl Fn(&mut Random) -> Vec<u8> + 'a) -> Variant<'a> {
    let is_found = move |random: &mut Random| {
        let (body, piece) = (plant(random), random.below(40) + 1);
        read(declared, &body, piece).is_some_and(|finding| finding.code == code)
    };
    (code, name, Box::new(is_found))
}

/// A program with these names somewhere in it.
fn program(random: &mut Random, names: &[&str]) -> String {
    let line = |random: &mut Random| format!("const {} = {}({:?});\n", random.letters(6), random.letters(4), random.letters(12));
    let mut text = String::new();
    for name in names {
        (0..random.below(200)).for_each(|_| text += &line(random));
        text += &format!("self.{name} = {{}};\n");
    }
    text
}

const KITS: [[&str; 2]; 4] = [
    ["__uv$config", "UVServiceWorker"],
    ["$scramjetLoadController", "scramjet-attr-"],
    ["bare-mux-path", "BareMuxConnection"],
    ["__dynamic$config", "uv.config.js"],
];

/// Prints how much of each variant was found.
pub fn table(school: &Snapshot) {
    let nothing = Vec::new;
    let prefix = |random: &mut Random| format!("/{}", ["service", "a/q", "~/sj", "uv/service", "proxy", "go"][random.below(6)]);
    let coded = |name: &'static str, dest: &'static str, code: fn(&str) -> String| {
        in_head(school, Code::Encoded, name, move |random| (format!("{}/{}", prefix(random), code(&page(random))), dest, nothing()))
    };
    let question = |random: &mut Random| {
        let name = random.letters(8);
        let head = [&[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 8], name.as_bytes(), b"\x03com\0\0\x01\0\x01"].concat();
        URL_SAFE_NO_PAD.encode(head)
    };
    let typed = |name: &'static str, field: &'static str, value: &'static str| {
        in_head(school, Code::Doh, name, move |random| (format!("/{}", random.letters(6)), "empty", vec![(field, value.to_owned())]))
    };
    let manifest = |random: &mut Random| serde_json::json!({ "versions": ["v1", "v2", "v3"], "language": (random.letters(6)), "memoryUsage": 21.5, "project": { "name": (random.letters(9)) } });
    let variants: Vec<Variant<'_>> = vec![
        in_head(school, Code::Bare, "version 3", |random| (format!("/{}/", random.letters(4)), "empty", vec![("x-bare-url", page(random))])),
        in_head(school, Code::Bare, "versions 1 and 2", |random| {
            (
                "/v1/".to_owned(),
                "empty",
                vec![("x-bare-host", format!("{}.com", random.letters(9))), ("x-bare-port", "443".to_owned()), ("x-bare-path", "/".to_owned())],
            )
        }),
        in_head(school, Code::Bare, "headers in parts", |random| {
            (format!("/{}/", random.letters(4)), "empty", (0..3).map(|_| ("x-bare-headers-1", format!(";{}", random.letters(40)))).collect())
        }),
        in_head(school, Code::Bare, "fields renamed", |random| {
            let sent = format!("{{\"Accept\":\"*/*\",\"User-Agent\":\"{}\"}}", random.letters(20));
            (format!("/{}/", random.letters(4)), "empty", vec![("x-fetch-url", page(random)), ("x-fetch-headers", sent)])
        }),
        in_head(school, Code::Bare, "fields renamed, in code", |random| {
            (format!("/{}/", random.letters(4)), "empty", vec![("x-a", STANDARD.encode(page(random))), ("x-b", STANDARD.encode("{\"Accept\":\"*/*\"}"))])
        }),
        typed("type of the question", "content-type", "application/dns-message"),
        typed("type of the answer wanted", "accept", "application/dns-json"),
        typed("the same in capitals, with others", "accept", "*/*, Application/DNS-Message;q=0.1"),
        in_head(school, Code::Doh, "a question in the address", |random| (format!("/{}?dns={}", random.letters(7), question(random)), "empty", nothing())),
        in_head(school, Code::Doh, "the usual path", |_| ("/dns-query".to_owned(), "empty", nothing())),
        coded("Ultraviolet's code", "document", turned),
        coded("base64", "document", |url| STANDARD.encode(url).replace('/', "%2F")),
        coded("base64 without its end", "iframe", |url| URL_SAFE_NO_PAD.encode(url)),
        coded("base64 of what is escaped", "document", |url| STANDARD_NO_PAD.encode(escape(url)).replace('/', "%2F")),
        coded("hexadecimal", "document", |url| url.bytes().map(|byte| format!("{byte:02x}")).collect()),
        coded("rot13", "document", |url| escape(&rot13(url))),
        coded("escaped", "document", escape),
        coded("escaped twice", "document", |url| escape(&escape(url))),
        coded("a worker's", "serviceworker", turned),
        coded("backwards", "document", |url| escape(&url.chars().rev().collect::<String>())),
        coded("backwards, in base64", "document", |url| STANDARD.encode(url).chars().rev().collect::<String>().replace('/', "%2F")),
        coded("in the query, by itself", "document", |url| format!("?u={}", STANDARD.encode(url))),
        in_turn(school, "in the query, escaped", "?u=", escape),
        in_turn(school, "in the query, as it is", "browse.php?b=4&u=", str::to_owned),
        in_turn(school, "in the query, in base64", "?url=", |url| STANDARD.encode(url).replace('+', "%2B")),
        in_turn(school, "in the query, in hexadecimal", "?q=", |url| url.bytes().map(|byte| format!("{byte:02x}")).collect()),
        in_turn(school, "in the query, backwards", "?q=", |url| escape(&url.chars().rev().collect::<String>())),
        in_turn(school, "in the query, in Ultraviolet's code", "?q=", turned),
        in_turn(school, "in the path, as it is", "proxy/", str::to_owned),
        in_turn(school, "in the path, in base64", "go/", |url| URL_SAFE_NO_PAD.encode(url)),
        in_turn(school, "in the query, in a code that is not known", "?q=", |url| escape(&rot13(&turned(url)))),
        in_head(school, Code::KitPath, "files of kits", |random| {
            let files = ["uv.bundle.js", "uv.sw.js", "scramjet.all.js", "baremux/worker.js", "epoxy/index.mjs"];
            (format!("/{}/{}?v={}", random.letters(5), files[random.below(files.len())], random.below(99)), "script", nothing())
        }),
        in_head(school, Code::KitPath, "a page in a code that is not known", |random| {
            (format!("/{}/uv/service/{}", random.letters(4), escape(&rot13(&turned(&page(random))))), "document", nothing())
        }),
        in_head(school, Code::KitPath, "files that were renamed", |random| (format!("/{}/{}.js", random.letters(5), random.letters(5)), "script", nothing())),
        in_head(school, Code::Croxy, "its parameter", |random| (format!("/?__cpo={}", STANDARD_NO_PAD.encode(page(random))), "document", nothing())),
        in_head(school, Code::Croxy, "its start", |random| (format!("/__cpi.php?s={}", random.letters(20)), "document", nothing())),
        in_head(school, Code::Rammerhead, "a session and an address", |random| (format!("/{}/{}", random.letters(32), page(random)), "document", nothing())),
        in_head(school, Code::Rammerhead, "a session and a shuffled address", |random| {
            (format!("/{}/_rhs{}", random.letters(32), random.letters(30)), "document", nothing())
        }),
        in_head(school, Code::Rammerhead, "its programs", |random| {
            (["/rammerhead.js", "/hammerhead.js", "/worker-hammerhead.js"][random.below(3)].to_owned(), "script", nothing())
        }),
        in_body(Code::KitText, "two names of a program", "text/javascript", |random| {
            let names = KITS[random.below(KITS.len())];
            program(random, &names).into_bytes()
        }),
        in_body(Code::KitText, "one name", "text/html", |random| {
            let names = KITS[random.below(KITS.len())];
            program(random, &names[..1]).into_bytes()
        }),
        in_body(Code::KitText, "packed", "text/javascript", |random| {
            let (names, piece) = (KITS[random.below(KITS.len())], random.below(100) + 1);
            unpacked(&gzip(program(random, &names).as_bytes()), piece)
        }),
        in_body(Code::KitText, "as an icon", "image/x-icon", |random| {
            let names = KITS[random.below(KITS.len())];
            format!("(()=>{{{}}})()", program(random, &names)).into_bytes()
        }),
        in_body(Code::KitText, "as bytes of no kind", "application/octet-stream", |random| {
            let names = KITS[random.below(KITS.len())];
            format!("\"use strict\";{}", program(random, &names)).into_bytes()
        }),
        in_body(Code::KitText, "behind 600 KiB", "text/javascript", |random| format!("{}{}", " ".repeat(600 << 10), program(random, &KITS[0])).into_bytes()),
        in_body(Code::KitText, "names given at random", "text/javascript", |random| {
            let names = [random.letters(9), random.letters(9)];
            program(random, &[&names[0], &names[1]]).into_bytes()
        }),
        in_body(Code::BareServer, "in one line", "application/json", move |random| manifest(random).to_string().into_bytes()),
        in_body(Code::BareServer, "with tabs", "application/json; charset=utf-8", move |random| {
            serde_json::to_string_pretty(&manifest(random)).expect("JSON").replace("  ", "\t").into_bytes()
        }),
        in_body(Code::BareServer, "packed", "application/json", move |random| {
            let piece = random.below(20) + 1;
            unpacked(&gzip(manifest(random).to_string().as_bytes()), piece)
        }),
        in_body(Code::BareServer, "as plain text", "text/plain", move |random| manifest(random).to_string().into_bytes()),
        in_body(Code::TypeLie, "a page as a picture", "image/png", |random| format!("\n <!DOCTYPE html><title>{}", random.letters(9)).into_bytes()),
        in_body(Code::TypeLie, "a script as a sound", "audio/mpeg", |random| program(random, &["x"]).into_bytes()),
        in_body(Code::TypeLie, "WebAssembly as a font", "font/woff2", |random| [b"\0asm\x01\0\0\0".as_slice(), random.letters(90).as_bytes()].concat()),
        in_body(Code::TypeLie, "a script behind a comment", "image/png", |random| format!("/* {} */ (()=>{{}})()", random.letters(9)).into_bytes()),
    ];
    println!("| detector | variant | found of {TIMES} |\n| --- | --- | ---: |");
    for (code, name, is_found) in variants {
        let mut random = Random::new(7);
        let found = (0..TIMES).filter(|_| is_found(&mut random)).count();
        println!("| {} | {name} | {found} |", code.as_str());
    }
}
