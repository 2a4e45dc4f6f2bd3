//! List files (`lists::formats`, `lists::compile`). The first byte chooses the format. Every line is accounted for, and what is taken is
//! found by looking up what it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::net::IpAddr;
use usher::category::{ALWAYS_BLOCKED, CategoryInfo, CategorySet, Page, Taxonomy, Theme};
use usher::host::Host;
use usher::lists::Lists;
use usher::lists::compile::Compiler;
use usher::lists::entry::Listed;
use usher::lists::formats::Format;
use usher::url::Url;

/// The names every hosts file has for the machine itself.
const OWN: [&str; 13] = [
    "localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes",
    "ip6-allrouters", "ip6-allhosts", "0.0.0.0", "::1",
];

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
    let (_, format) = Format::NAMES[usize::from(*which) % Format::NAMES.len()];
    let mut answers: BTreeMap<u32, usize> = BTreeMap::new();
    let mut entries = Vec::new();
    format.read(bytes, |line, _, entry| {
        *answers.entry(line).or_default() += 1;
        entries.extend(entry.ok().map(|entry| (line, entry)));
    });
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let means_nothing = std::str::from_utf8(line).is_ok_and(|line| !line.contains('\0') && is_nothing(format, line.trim()));
        let count = answers.remove(&number).unwrap_or_default();
        assert_eq!(count == 0, means_nothing, "line {number} of {format:?} has {count} answers: {:?}", String::from_utf8_lossy(line));
    }
    assert!(answers.is_empty(), "answers to lines that are not there");

    let taxonomy = taxonomy();
    let category = taxonomy.find(ALWAYS_BLOCKED[0]).expect("a category");
    let mut compiler = Compiler::new([7; 16]);
    compiler.add("list", (category, ALWAYS_BLOCKED[0]), format, bytes).expect("room");
    let (lists, reports) = compiler.finish().expect("room");
    let (report, mut total) = (&reports[0], 0);
    format.read(bytes, |_, _, _| total += 1);
    assert_eq!(report.accepted + report.refused_count(), total, "the report does not add up");
    assert_eq!(lists.lists()[0].entries, report.accepted - report.duplicates);
    for (line, entry) in entries {
        check(&lists, CategorySet::EMPTY.with(category), line, &entry);
    }
});

/// Whether a line without the white space around it is blank or a comment.
fn is_nothing(format: Format, line: &str) -> bool {
    let comment = line.is_empty() || line.starts_with('#');
    match format {
        Format::Urls | Format::Expressions | Format::Words => comment,
        Format::Names => comment || line.starts_with(['!', ';']),
        Format::Hosts => {
            let mut words = line.split_ascii_whitespace().take_while(|word| !word.starts_with('#'));
            let address = words.next().and_then(|address| address.split('%').next()).is_some_and(|address| address.parse::<IpAddr>().is_ok());
            let names: Vec<_> = words.collect();
            comment || address && !names.is_empty() && names.iter().all(|name| OWN.contains(name))
        }
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
    match entry {
        Listed::Name(host) => {
            found(host.as_str());
            if host.as_str().len() < 250 {
                found(&format!("http://x.{host}/path?query"));
            }
        }
        Listed::Exact(host) => found(host.as_str()),
        Listed::Network(net) => [net.network(), net.broadcast()].into_iter().for_each(|address| found(Host::from(address).as_str())),
        Listed::Prefix(text) => {
            found(text);
            if !text.contains(['?', '#']) {
                found(&format!("http://{text}/below"));
            }
        }
        // A `#` in a URL as it is sent stands encoded.
        Listed::Word(word) => found(&format!("a.example/?q={}", word.replace('*', "").replace('#', "%23"))),
        // An expression may match nothing at all; here it only must not panic.
        Listed::Expression(_) => {
            let url = Url::parse("http://a.example/play/12.swf?q=%00").expect("a URL");
            let _ = lists.look_up(&url);
        }
    }
}
