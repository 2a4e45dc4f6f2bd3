//! List files (`lists::formats`, `lists::compile`) and archives (`lists::unpack`). The first byte chooses the format, or an archive. Every line is
//! accounted for, what is taken is found by looking up what it says, and whatever the bytes are, a format is detected and nothing panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::io::{BufReader, Cursor};
use std::net::IpAddr;
use usher::category::{ALWAYS_BLOCKED, Category, CategoryInfo, CategorySet, Page, Taxonomy, Theme};
use usher::host::Host;
use usher::lists::Lists;
use usher::lists::compile::Compiler;
use usher::lists::reading::File;
use usher::lists::report::{Known, Report};
use usher::lists::entry::{Listed, host_in, judge, without_www};
use usher::lists::formats::detect::detect;
use usher::lists::formats::text::Text;
use usher::lists::formats::{Format, LONGEST_LINE, Said};
use usher::lists::unpack::{self, Found, Limits, UnpackError};
use usher::url::Url;

/// The names every hosts file has for the machine itself.
const OWN: [&str; 13] = [
    "localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes",
    "ip6-allrouters", "ip6-allhosts", "0.0.0.0", "::1",
];

/// Small, so that an archive reaches them.
const LIMITS: Limits = Limits { unpacked: 1 << 20, member: 1 << 18, ratio: 100, members: 50, depth: 4 };

fn taxonomy() -> Taxonomy {
    let info = |id: &str| CategoryInfo {
        id: id.into(),
        name: String::new(),
        covers: String::new(),
        theme: Theme::Illegal,
        severity: 5,
        heading: None,
        page: Page::Block,
    };
    Taxonomy::new(ALWAYS_BLOCKED.map(info).into()).expect("a taxonomy")
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    match Format::NAMES.get(usize::from(*which) % (Format::NAMES.len() + 1)) {
        Some((_, format)) => list(*format, bytes),
        None => archive(bytes),
    }
});

fn list(format: Format, bytes: &[u8]) {
    let Ok(text) = Text::open(BufReader::with_capacity(7, bytes)) else { return };
    let detected = detect("list.txt", text.head());
    assert!(!detected.format.name().is_empty());
    let mut answers: BTreeMap<u32, usize> = BTreeMap::new();
    let mut entries = Vec::new();
    let read = format.read(text, &mut |line, _, said| {
        let answer = answers.entry(line).or_default();
        match said {
            Said::Entry(entry) => entries.push((line, entry)),
            Said::Refused(_) => {}
            Said::List(_) | Said::Category(_) | Said::Include(_) => return,
        }
        *answer += 1;
    });
    if read.is_err() {
        assert!(answers.is_empty(), "a file that is refused says nothing");
        return;
    }
    lines_are_accounted_for(format, bytes, &answers);
    let (lists, reports) = compiled(format, bytes);
    let total: usize = answers.values().sum();
    assert_eq!(reports.iter().map(|report| report.accepted + report.refused_count()).sum::<usize>(), total, "the reports do not add up");
    for (list, report) in lists.lists().iter().zip(&reports) {
        assert_eq!(list.entries, report.accepted - report.duplicates);
    }
    // An exception takes what it holds out of its list.
    if entries.iter().any(|(_, entry)| matches!(entry, Listed::Except(_))) || reports.iter().any(|report| report.category.is_empty()) {
        return;
    }
    let taxonomy = taxonomy();
    let all: CategorySet = taxonomy.iter().map(|(category, _)| category).collect();
    entries.iter().filter(|(_, entry)| judge(entry).is_ok()).for_each(|(line, entry)| check(&lists, all, *line, entry));
}

fn compiled(format: Format, bytes: &[u8]) -> (Lists, Vec<Report>) {
    let taxonomy = taxonomy();
    let known = |category: Category| (category, taxonomy.info(category).id.as_str());
    let first = taxonomy.find(ALWAYS_BLOCKED[0]).map(known);
    let categories = |name: &str| taxonomy.find(ALWAYS_BLOCKED[name.len() % 2]).map(known);
    let file = File { name: "list", format, known: Known::Said, category: first, categories: &categories };
    let mut compiler = Compiler::new([7; 16]);
    compiler.read(&file, Text::open(bytes).expect("as before"), &mut |_| {}).expect("as before");
    compiler.finish().expect("room")
}

/// Of the formats in which a line says nothing about the next: a line has no answer if and only if it means nothing.
fn lines_are_accounted_for(format: Format, bytes: &[u8], answers: &BTreeMap<u32, usize>) {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return;
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut last = 0;
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        last = number;
        let Some(means_nothing) = is_nothing(format, line.strip_suffix(b"\r").unwrap_or(line)) else { continue };
        let count = answers.get(&number).copied().unwrap_or_default();
        assert_eq!(count == 0, means_nothing, "line {number} of {format:?} has {count} answers: {:?}", String::from_utf8_lossy(line));
    }
    assert!(answers.keys().all(|number| *number <= last), "answers to lines that are not there");
}

/// Whether a line is blank or a comment, in the formats where that can be told from the line alone.
fn is_nothing(format: Format, line: &[u8]) -> Option<bool> {
    let Some(line) = std::str::from_utf8(line).ok().filter(|text| text.len() <= LONGEST_LINE && !text.contains('\0')) else { return Some(false) };
    let line = line.trim();
    let comment = line.is_empty() || line.starts_with('#');
    match format {
        Format::Urls | Format::Expressions | Format::Words | Format::Dnsmasq => Some(comment),
        Format::Names | Format::Wildcard => Some(comment || line.starts_with(['!', ';'])),
        Format::Networks => Some(line.split([';']).next().is_none_or(|line| line.trim().is_empty()) || comment),
        Format::Hosts => {
            let mut words = line.split_ascii_whitespace().take_while(|word| !word.starts_with('#'));
            let address = words.next().and_then(|address| address.split('%').next()).is_some_and(|address| address.parse::<IpAddr>().is_ok());
            let names: Vec<_> = words.collect();
            Some(comment || address && !names.is_empty() && names.iter().all(|name| OWN.contains(name)))
        }
        Format::Adblock
        | Format::Rpz
        | Format::E2guardianSites
        | Format::E2guardianUrls
        | Format::E2guardianExpressions
        | Format::Phrases
        | Format::ExceptionPhrases
        | Format::Toml => None,
    }
}

/// Looks up what an entry says.
fn check(lists: &Lists, categories: CategorySet, line: u32, entry: &Listed) {
    let found = |text: &str| {
        let url = Url::parse(text).unwrap_or_else(|error| panic!("line {line}, {entry:?}: {text}: {error}"));
        let found = lists.look_up(&url);
        assert!(!found.categories.is_empty(), "line {line}, {entry:?}: {text} is not found");
        let entry = lists.explain(&found, &url, categories).expect("an entry behind what was found");
        assert!(lists.explain_all(&found, &url).contains(&entry));
    };
    // A `#` in a URL as it is sent stands encoded.
    let encoded = |text: &str| text.replace('#', "%23");
    match entry {
        Listed::Name(host) => {
            found(host.as_str());
            if host.as_str().len() < 250 {
                found(&format!("http://x.{host}/path?query"));
            }
        }
        Listed::Exact(host) => found(host.as_str()),
        // The end of a wide network of IPv6 may be an address of IPv4 in another dress, which is no part of it.
        Listed::Network(net) => {
            let ends = [net.network(), net.broadcast()].into_iter().filter(|address| address.to_canonical() == *address);
            ends.for_each(|address| found(Host::from(address).as_str()));
        }
        Listed::Prefix(text) => {
            // A page of `www.www2.site` is listed without the first `www.`, and asked for with it: only one is taken off.
            let host = host_in(entry).unwrap_or_default();
            let text = if without_www(host) == host { text.clone() } else { format!("www.{text}") };
            found(&encoded(&text));
            if !text.contains('?') {
                found(&encoded(&format!("http://{text}/below")));
            }
        }
        Listed::Word(word) => found(&format!("a.example/?q={}", encoded(&word.replace('*', "")))),
        // An expression may match nothing at all; here it only must not panic.
        Listed::Expression(_) => {
            let url = Url::parse("http://a.example/play/12.swf?q=%00").expect("a URL");
            let _ = lists.look_up(&url);
        }
        Listed::Except(_) | Listed::Phrase(_) => {}
    }
}

/// Every member of an archive is within its caps and has a name that stays inside.
fn archive(bytes: &[u8]) {
    let mut members = 0;
    let mut unpacked = 0;
    let inside = |name: &str| assert!(!name.starts_with('/') && name.split('/').all(|part| part != ".."), "{name} leads out");
    let _ = unpack::visit(Cursor::new(bytes), LIMITS, &mut |found| {
        members += 1;
        match found {
            Found::File(name, content) => {
                inside(name);
                let size = std::io::copy(content, &mut std::io::sink()).map_err(UnpackError::Io)?;
                assert!(size <= LIMITS.member);
                unpacked += size;
            }
            Found::Alias(name, target) => [name, target].into_iter().for_each(inside),
            Found::Refused(..) => {}
        }
        Ok::<_, UnpackError>(())
    });
    assert!(members <= LIMITS.members && unpacked <= LIMITS.unpacked);
    let _ = unpack::is_archive(&mut Cursor::new(bytes), LIMITS);
    let _ = unpack::open(bytes, "list", LIMITS, |content| {
        let mut text = Vec::new();
        content.read_to_end(&mut text).map_err(UnpackError::Io)?;
        assert!(text.len() as u64 <= LIMITS.member);
        Ok::<_, UnpackError>(())
    });
}
