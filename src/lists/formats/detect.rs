//! Which format a file is in, told from its name and its first lines.
//!
//! A name that only one format has (`domains`, `weightedphraselist`, `….toml`) decides. Else the lines of the head are counted: how many each
//! format takes, and how many show a sign that only it has (an address before a name, `||`, `address=/`, `*.`, `CNAME`). The format whose signs
//! most lines show is it. Without signs the choice is between names, URLs, expressions and words, in this order: the safest reading is the
//! one that covers the least besides what is written. How sure that is, is said, and a person can fix the format in the configuration.

use super::{Format, LONGEST_LINE, networks};
use std::net::IpAddr;

/// The most lines that are counted.
const MOST_LINES: usize = 2000;
/// Of a hundred lines, how many must be taken for a reading to be certain, and to be likely.
const CERTAIN: usize = 98;
const LIKELY: usize = 80;

/// What files are called in the trees that publishers and filters have.
const FILE_NAMES: [(&str, Format); 17] = [
    ("domains", Format::Names),
    ("urls", Format::Urls),
    ("expressions", Format::Expressions),
    ("words", Format::Words),
    ("hosts", Format::Hosts),
    ("phrases", Format::Phrases),
    ("networks", Format::Networks),
    ("bannedsitelist", Format::E2guardianSites),
    ("bannedsiteiplist", Format::E2guardianSites),
    ("bannedurllist", Format::E2guardianUrls),
    ("bannedregexpurllist", Format::E2guardianExpressions),
    ("weightedphraselist", Format::Phrases),
    ("bannedphraselist", Format::Phrases),
    ("exceptionphraselist", Format::ExceptionPhrases),
    ("weighted", Format::Phrases),
    ("banned", Format::Phrases),
    ("exception", Format::ExceptionPhrases),
];

/// What the ends of file names say.
const FILE_ENDS: [(&str, Format); 6] = [
    (".toml", Format::Toml),
    (".rpz", Format::Rpz),
    (".hosts", Format::Hosts),
    (".netset", Format::Networks),
    (".ipset", Format::Networks),
    (".cidr", Format::Networks),
];

/// Formats that show themselves by a sign no other has, the most telling first: with as many lines each, the first is it.
const WITH_SIGNS: [Format; 7] = [Format::Rpz, Format::Dnsmasq, Format::Phrases, Format::Hosts, Format::Wildcard, Format::Networks, Format::Adblock];
/// Formats without a sign, the safest first.
const WITHOUT_SIGNS: [Format; 4] = [Format::Names, Format::Urls, Format::Expressions, Format::Words];

/// How sure a detection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// Many lines can be read in more than one way, or in none: a person should look.
    Guess,
    /// Most lines agree.
    Likely,
    /// The file's name says so, or all lines do.
    Certain,
}

/// What a file was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The format.
    pub format: Format,
    /// How sure that is.
    pub sure: Sureness,
}

impl Detected {
    fn certain(format: Format) -> Self {
        Self { format, sure: Sureness::Certain }
    }
}

/// What the name of a file in a tree says it is. Phrase lists of e2guardian may carry a language: `weighted_french`.
#[must_use]
pub fn by_name(file: &str) -> Option<Format> {
    let stem = file.split('_').next().filter(|stem| ["weighted", "banned", "exception"].contains(stem)).unwrap_or(file);
    let named = FILE_NAMES.iter().find(|(name, _)| *name == stem).map(|(_, format)| *format);
    named.or_else(|| FILE_ENDS.iter().find(|(end, _)| file.ends_with(end)).map(|(_, format)| *format))
}

/// Tells the format of a file from its name and its first bytes.
#[must_use]
pub fn detect(file: &str, head: &[u8]) -> Detected {
    if let Some(format) = by_name(file) {
        return Detected::certain(format);
    }
    let lines = sample(head);
    if let Some(format) = by_mark(&lines) {
        return Detected::certain(format);
    }
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.starts_with(['#', ';', '!'])).collect();
    by_signs(&lines).unwrap_or_else(|| without_signs(&lines))
}

/// The lines of a head, blank ones aside. A last line that may be cut short is left out.
fn sample(head: &[u8]) -> Vec<&str> {
    let whole = if head.len() < super::text::HEAD { head } else { &head[..memchr::memrchr(b'\n', head).unwrap_or(head.len())] };
    let lines = whole.split(|byte| *byte == b'\n').filter(|line| line.len() <= LONGEST_LINE);
    let texts = lines.filter_map(|line| std::str::from_utf8(line).ok()).map(str::trim_end).filter(|line| !line.is_empty());
    texts.take(MOST_LINES).collect()
}

/// A single line that settles it: the head of an AdBlock list, a table of our own, a directive of e2guardian, the start of a zone.
fn by_mark(lines: &[&str]) -> Option<Format> {
    let some = |test: &dyn Fn(&str) -> bool| lines.iter().any(|line| test(line));
    let lower = |line: &str, start: &str| line.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    if some(&|line| line.split_once('#').map_or(line, |(line, _)| line).trim() == "[[list]]") {
        return Some(Format::Toml);
    }
    if some(&|line| line.starts_with("[Adblock") || line.starts_with("[AdGuard") || line.starts_with("[uBlock")) {
        return Some(Format::Adblock);
    }
    if some(&|line| lower(line, "$ORIGIN") || lower(line, "$TTL") || has_word(line, "SOA")) {
        return Some(Format::Rpz);
    }
    some(&|line| line.starts_with(".Include<") || line.starts_with(".Define ") || lower(line, "#listcategory:") || lower(line, "#time:"))
        .then(|| e2guardian(lines))
}

/// Which of its lists a file with a directive of e2guardian is.
fn e2guardian(lines: &[&str]) -> Format {
    let entries: Vec<_> =
        lines.iter().copied().filter(|line| !line.starts_with('#') && !line.starts_with(".Include") && !line.starts_with(".Define")).collect();
    let of = [Format::Phrases, Format::E2guardianSites, Format::E2guardianUrls, Format::E2guardianExpressions];
    // The first of those that take most.
    of.into_iter().rev().max_by_key(|format| taken(*format, &entries)).unwrap_or(Format::Phrases)
}

/// The format whose signs most lines show, if at least a third show them.
fn by_signs(lines: &[&str]) -> Option<Detected> {
    let shown = |format: Format| lines.iter().filter(|line| shows(format, line)).count();
    let (signs, format) = WITH_SIGNS.into_iter().rev().map(|format| (shown(format), format)).max_by_key(|(signs, _)| *signs)?;
    if signs == 0 || signs * 3 < lines.len() {
        return None;
    }
    let sure = sureness(taken(format, lines).min(if format == Format::Adblock { lines.len() } else { signs }), lines.len());
    Some(Detected { format, sure })
}

/// The first of the formats without signs that takes as many lines as any.
fn without_signs(lines: &[&str]) -> Detected {
    let counted = WITHOUT_SIGNS.into_iter().rev().map(|format| (plausible(format, lines), format));
    let (count, format) = counted.max_by_key(|(count, _)| *count).unwrap_or((0, Format::Names));
    if lines.is_empty() {
        return Detected { format: Format::Names, sure: Sureness::Guess };
    }
    // A word may be anything, so words are never sure.
    let sure = if format == Format::Words { Sureness::Guess } else { sureness(count, lines.len()) };
    Detected { format, sure }
}

fn sureness(taken: usize, of: usize) -> Sureness {
    match taken * 100 {
        share if share >= of * CERTAIN => Sureness::Certain,
        share if share >= of * LIKELY => Sureness::Likely,
        _ => Sureness::Guess,
    }
}

/// How many lines a format reads without a refusal.
fn taken(format: Format, lines: &[&str]) -> usize {
    lines.iter().filter(|line| takes(format, line)).count()
}

fn takes(format: Format, line: &str) -> bool {
    let mut refused = false;
    format.read_line(line.trim(), &mut |answer| refused |= answer.is_err());
    !refused
}

/// As [`taken`], but nearly every line can be read as an expression or as a word: as the first only those count that could be nothing else.
fn plausible(format: Format, lines: &[&str]) -> usize {
    let special = |line: &str| line.contains(['\\', '(', '[', '^', '$', '|', '+', '*']);
    let counts = |line: &&&str| match format {
        Format::Expressions => takes(format, line) && (special(line) || takes(Format::Names, line) || takes(Format::Urls, line)),
        Format::Words => takes(format, line) && !line.contains(['\\', '(', '[', '^', '$', '|', '+']),
        _ => takes(format, line),
    };
    lines.iter().filter(counts).count()
}

/// Whether a line shows the sign of a format.
fn shows(format: Format, line: &str) -> bool {
    let address = |text: &str| text.parse::<IpAddr>().is_ok();
    match format {
        Format::Rpz => has_word(line, "CNAME"),
        Format::Dnsmasq => ["address=/", "local=/", "server=/"].iter().any(|start| line.starts_with(start)),
        Format::Phrases => line.starts_with('<') && line.contains('>'),
        Format::Hosts => line.split_once(char::is_whitespace).is_some_and(|(first, rest)| address(first) && !rest.trim_start().starts_with(['#', ';'])),
        Format::Wildcard => line.starts_with("*."),
        // Lists of names hold addresses and networks too; ranges and comments after a `;` are of these lists alone.
        Format::Networks => {
            let net = line.split([';', '#']).next().unwrap_or_default().trim();
            networks::networks(net).is_ok() && (net.contains(['-', '/']) || line.contains(';'))
        }
        Format::Adblock => line.starts_with("||") || line.starts_with("@@") || line.starts_with("|http") || line.contains("##") || line.contains("#@#"),
        Format::Names
        | Format::Urls
        | Format::Expressions
        | Format::Words
        | Format::E2guardianSites
        | Format::E2guardianUrls
        | Format::E2guardianExpressions
        | Format::ExceptionPhrases
        | Format::Toml => false,
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.split_ascii_whitespace().skip(1).any(|one| one.eq_ignore_ascii_case(word)) || line.starts_with([' ', '\t']) && line.trim_start().starts_with(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_every_format_is_known() {
        use Format::*;
        use Sureness::*;
        for (file, text, format, sure) in [
            ("list.txt", "# Title\na.example\nb.example\n*.c.example\nd.example", Names, Certain),
            ("list.txt", "a.example\n203.0.113.7\n203.0.113.8\n", Names, Certain),
            ("list.txt", "a.example\nb.example/play\n", Urls, Certain),
            ("list.txt", "http://a.example/x\nb.example/play/\n", Urls, Certain),
            ("list.txt", "(casino|poker)[0-9]\n^[a-z]+\\.example/\n/play/[0-9]+$\n", Expressions, Certain),
            ("list.txt", "casino\nunblocked*games\n", Words, Guess),
            ("list.txt", "# head\n0.0.0.0 a.example\n0.0.0.0 b.example\n", Hosts, Certain),
            ("list.txt", "127.0.0.1 localhost\n::1 localhost\n0.0.0.0 a.example\n0.0.0.0 b.example\n", Hosts, Certain),
            ("list.txt", "*.a.example\n*.b.example\n", Wildcard, Certain),
            ("list.txt", "*.a.example\nb.example\nc.example\n*.d.example\n", Wildcard, Guess),
            ("list.txt", "address=/a.example/\nlocal=/b.example/\n", Dnsmasq, Certain),
            ("list.txt", "! Title\n||a.example^\n||b.example^\n", Adblock, Certain),
            ("list.txt", "[Adblock Plus 2.0]\n-banner-\n/ads/*\n", Adblock, Certain),
            ("list.txt", "||a.example^\na.example##.ad\n@@||c.example^\n-banner-\n", Adblock, Guess),
            ("list.txt", "$TTL 60\n@ SOA a. b. 1 1 1 1 1\na.example CNAME .\n", Rpz, Certain),
            ("list.txt", "a.example CNAME .\n*.a.example CNAME .\n", Rpz, Certain),
            ("list.txt", "10.0.0.0/8\n10.0.0.1-10.0.0.9\n", Networks, Certain),
            ("list.txt", "; Spamhaus\n10.0.0.0/8 ; SBL1\n192.0.2.0/24 ; SBL2\n", Networks, Certain),
            ("list.txt", "<casino><50>\n< poker >,<bonus><10>\n", Phrases, Certain),
            ("list.txt", "#listcategory: \"Games\"\n<casino><50>\n", Phrases, Certain),
            ("list.txt", "#listcategory: \"Games\"\na.example\nb.example\n", E2guardianSites, Certain),
            ("list.txt", "#time: 9 0 17 0 01234\na.example/x\nb.example\n", E2guardianUrls, Certain),
            ("list.txt", ".Include<__LISTDIR__/x>\n(casino|poker)[0-9]\n^a+$\n", E2guardianExpressions, Certain),
            ("list.txt", ".Include<__LISTDIR__/x>\n", Phrases, Certain),
            ("list.txt", "# ours\n[[list]] # games\ncategory = \"games\"\n", Toml, Certain),
            ("list.txt", "", Names, Guess),
            ("domains", "10.0.0.0/8\n", Names, Certain),
            ("urls", "a.example\n", Urls, Certain),
            ("weighted_french", "", Phrases, Certain),
            ("bannedsitelist", "", E2guardianSites, Certain),
            ("exceptionphraselist", "", ExceptionPhrases, Certain),
            ("ours.toml", "", Toml, Certain),
            ("block.rpz", "", Rpz, Certain),
        ] {
            assert_eq!(detect(file, text.as_bytes()), Detected { format, sure }, "{file}: {text}");
        }
    }

    #[test]
    fn a_line_cut_short_does_not_count() {
        let mut text = "0.0.0.0 a.example\n".repeat(4000);
        text.truncate(crate::lists::formats::text::HEAD);
        assert_eq!(detect("x", text.as_bytes()), Detected::certain(Format::Hosts));
    }
}
