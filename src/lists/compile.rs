//! Entries in, one immutable [`Lists`] out, with a [`Report`] of every line that was not taken.

use super::entry::{Listed, Refusal};
use super::formats::Format;
use super::patterns::{self, BadPattern};
use super::table::{Hasher, Kind, Memberships, Raw, Table, TooManyMemberships};
use super::{ListInfo, Lists};
use crate::category::{Category, CategorySet};
use std::collections::BTreeMap;

/// The most refused lines a report keeps of one list; the rest are only counted.
const MOST_REFUSED_SHOWN: usize = 10_000;
/// The most of a refused line a report keeps, in bytes.
const MOST_OF_A_LINE: usize = 120;
/// The list number of marks that are no entries.
const MARK: u16 = u16::MAX;

/// What became of the lines of one list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The list's name.
    pub list: String,
    /// The id of its category.
    pub category: String,
    /// Lines taken.
    pub accepted: usize,
    /// Lines taken that say what an earlier line of the same list said.
    pub duplicates: usize,
    /// Lines refused, by reason.
    pub refused: BTreeMap<Refusal, usize>,
    /// The refused lines themselves, up to ten thousand.
    pub refused_lines: Vec<RefusedLine>,
}

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RefusedLine {
    /// Its number, from 1.
    pub line: u32,
    /// Why.
    pub reason: Refusal,
    /// The line, shortened.
    pub text: String,
}

impl Report {
    fn refuse(&mut self, line: u32, text: &str, reason: Refusal) {
        *self.refused.entry(reason).or_default() += 1;
        if self.refused_lines.len() < MOST_REFUSED_SHOWN {
            let text = text.chars().filter(|c| !c.is_control()).take(MOST_OF_A_LINE).collect();
            self.refused_lines.push(RefusedLine { line, reason, text });
        }
    }

    /// How many lines were refused.
    #[must_use]
    pub fn refused_count(&self) -> usize {
        self.refused.values().sum()
    }
}

/// More lists than the tables can number, or more overlaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// More than 65,534 files.
    #[error("there are more than 65534 list files")]
    TooManyLists,
    /// Too many combinations.
    #[error(transparent)]
    TooManyMemberships(#[from] TooManyMemberships),
}

/// Collects entries.
pub struct Compiler {
    hasher: Hasher,
    lists: Vec<ListInfo>,
    reports: Vec<Report>,
    raws: Vec<Raw>,
    patterns: patterns::Builder,
    network_lengths: [Vec<u8>; 2],
    has_exact: bool,
    longest_prefix: usize,
}

impl Compiler {
    /// A compiler whose table is keyed with the secret of the installation.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self {
            hasher: Hasher::new(key),
            lists: Vec::new(),
            reports: Vec::new(),
            raws: Vec::new(),
            patterns: patterns::Builder::default(),
            network_lengths: [Vec::new(), Vec::new()],
            has_exact: false,
            longest_prefix: 0,
        }
    }

    /// Adds a whole list. `category` is given with its id, for the report.
    pub fn add(&mut self, name: &str, (category, id): (Category, &str), format: Format, bytes: &[u8]) -> Result<(), CompileError> {
        let list = u16::try_from(self.lists.len()).ok().filter(|n| *n < MARK).ok_or(CompileError::TooManyLists)?;
        let mut report = Report { list: name.to_owned(), category: id.to_owned(), ..Report::default() };
        format.read(bytes, |line, text, entry| match entry.and_then(|entry| self.take(list, line, entry)) {
            Ok(()) => report.accepted += 1,
            Err(reason) => report.refuse(line, text, reason),
        });
        self.lists.push(ListInfo { name: name.to_owned(), category, entries: report.accepted });
        self.reports.push(report);
        Ok(())
    }

    fn take(&mut self, list: u16, line: u32, entry: Listed) -> Result<(), Refusal> {
        match entry {
            Listed::Name(host) => self.push(self.hasher.name(host.as_str()), list, line),
            Listed::Exact(host) => {
                self.has_exact = true;
                self.push(self.hasher.hash(Kind::Exact, host.as_str()), list, line);
            }
            Listed::Network(net) => {
                let lengths = &mut self.network_lengths[usize::from(net.max_prefix_len() == 128)];
                if !lengths.contains(&net.prefix_len()) {
                    lengths.push(net.prefix_len());
                }
                self.push(self.hasher.network(&net), list, line);
            }
            Listed::Prefix(text) => {
                self.longest_prefix = self.longest_prefix.max(text.len());
                let host = text.split(['/', '?']).next().unwrap_or_default();
                self.push(self.hasher.hash(Kind::HasPrefixes, host), MARK, 0);
                self.push(self.hasher.hash(Kind::Prefix, &text), list, line);
            }
            Listed::Word(text) => self.patterns.word(list, line, &text),
            Listed::Expression(text) => self.patterns.expression(list, line, &text).map_err(|bad| match bad {
                BadPattern::Syntax => Refusal::BadExpression,
                BadPattern::TooLarge => Refusal::LargeExpression,
            })?,
            Listed::Except(_) | Listed::Phrase(_) => {}
        }
        Ok(())
    }

    fn push(&mut self, hash: u64, list: u16, line: u32) {
        self.raws.push(Raw { hash, list, line });
    }

    /// Compiles all that was added.
    pub fn finish(mut self) -> Result<(Lists, Vec<Report>), CompileError> {
        self.count_duplicates();
        let lists = &self.lists;
        let mut memberships = Memberships::new(|members: &[u16]| {
            members.iter().filter_map(|list| lists.get(usize::from(*list))).map(|list| list.category).collect::<CategorySet>()
        });
        let table = Table::build(self.raws, &mut memberships)?;
        let (memberships, mut lines) = (memberships.sets, memberships.lines);
        lines.shrink_to_fit();
        self.network_lengths.iter_mut().for_each(|lengths| lengths.sort_unstable_by(|a, b| b.cmp(a)));
        let lists = Lists {
            lists: self.lists,
            memberships,
            lines,
            table,
            hasher: self.hasher,
            patterns: self.patterns.build(),
            network_lengths: self.network_lengths,
            has_exact: self.has_exact,
            longest_prefix: self.longest_prefix,
        };
        Ok((lists, self.reports))
    }

    /// Sorts the entries and takes those out that a list holds twice; the first line stays.
    fn count_duplicates(&mut self) {
        self.raws.sort_unstable();
        let (reports, lists) = (&mut self.reports, &mut self.lists);
        self.raws.dedup_by(|later, first| {
            let same = later.hash == first.hash && later.list == first.list;
            if same && later.list != MARK {
                reports[usize::from(later.list)].duplicates += 1;
                lists[usize::from(later.list)].entries -= 1;
            }
            same
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Taxonomy;
    use crate::category::fixture::taxonomy;
    use crate::lists::Entry;
    use crate::url::Url;

    fn compile(taxonomy: &Taxonomy, files: &[(&str, &str, Format, &str)]) -> (Lists, Vec<Report>) {
        let mut compiler = Compiler::new([7; 16]);
        for (name, category, format, text) in files {
            let category = (taxonomy.find(category).expect("a category"), *category);
            compiler.add(name, category, *format, text.as_bytes()).expect("room");
        }
        compiler.finish().expect("room")
    }

    fn school(taxonomy: &Taxonomy) -> Lists {
        compile(
            taxonomy,
            &[
                ("s/games/domains", "games", Format::Names, "# head\ngames.example\n203.0.113.0/24\n2001:db8::/32\n"),
                ("s/chat/domains", "chat", Format::Names, "talk.games.example\ngames.example\n"),
                ("s/games/urls", "games", Format::Urls, "news.example/fun/\nwww.video.example/watch?v=7\nwww.www.shop.example/fun\n"),
                ("s/adverts", "adverts", Format::Hosts, "0.0.0.0 ad.news.example\n"),
                ("s/games/words", "games", Format::Words, "unblocked*games\nGlücks*Spiel\n"),
                ("s/games/expressions", "games", Format::Expressions, "/play/[0-9]+\\.swf$\n"),
            ],
        )
        .0
    }

    #[test]
    fn what_is_listed_is_found_and_nothing_else() {
        let taxonomy = taxonomy(&["games", "chat", "adverts"]);
        let lists = school(&taxonomy);
        for (url, expected) in [
            ("games.example", "games chat"),
            ("www.games.example/x", "games chat"),
            ("https://GAMES.example.:443", "games chat"),
            ("talk.games.example", "games chat"),
            ("notgames.example", ""),
            ("games.example.evil.example", ""),
            ("a.example/?u=games.example", ""),
            ("203.0.113.77", "games"),
            ("http://3405803853/", "games"),
            ("203.0.114.1", ""),
            ("[2001:db8:1::5]", "games"),
            ("[2001:db9::5]", ""),
            ("news.example", ""),
            ("news.example/fun", "games"),
            ("news.example/fun/", "games"),
            ("www.news.example/FUN/x.html", "games"),
            ("news.example/a/../%66un?x", "games"),
            ("news.example/funfair", ""),
            ("news.example/x/fun", ""),
            ("m.news.example/fun", ""),
            ("video.example/watch?v=7", "games"),
            ("video.example/watch?v=7&t=1", "games"),
            ("video.example/watch?v=78", ""),
            ("www.www.shop.example/fun", "games"),
            ("ad.news.example", "adverts"),
            ("sub.ad.news.example", ""),
            ("a.example/unblocked-free-games", "games"),
            ("a.example/?q=Gl%C3%BCcks-Spiel", "games"),
            ("a.example/play/12.swf", "games"),
            ("a.example/play/x.swf", ""),
        ] {
            let url = Url::parse(url).expect(url);
            let found = lists.look_up(&url);
            assert_eq!(taxonomy.ids(found.categories).collect::<Vec<_>>().join(" "), expected, "{url}");
        }
    }

    #[test]
    fn a_match_names_its_list_line_and_text() {
        let taxonomy = taxonomy(&["games", "chat", "adverts"]);
        let lists = school(&taxonomy);
        for (url, category, list, line, text) in [
            ("www.games.example", "games", "s/games/domains", 2, "games.example"),
            ("www.games.example", "chat", "s/chat/domains", 2, "games.example"),
            ("a.talk.games.example", "chat", "s/chat/domains", 1, "talk.games.example"),
            ("203.0.113.77", "games", "s/games/domains", 3, "203.0.113.0/24"),
            ("www.news.example/fun/1", "games", "s/games/urls", 1, "news.example/fun"),
            ("ad.news.example", "adverts", "s/adverts", 1, "ad.news.example"),
            ("a.example/unblocked1games", "games", "s/games/words", 1, "unblocked*games"),
            ("a.example/play/1.swf", "games", "s/games/expressions", 1, "/play/[0-9]+\\.swf$"),
        ] {
            let url = Url::parse(url).expect(url);
            let found = lists.look_up(&url);
            let category = taxonomy.find(category).expect("a category");
            let entry = lists.explain(&found, &url, CategorySet::EMPTY.with(category));
            assert_eq!(entry, Some(Entry { list: list.into(), line, text: text.into() }), "{url}");
        }
    }

    #[test]
    fn every_line_is_accounted_for() {
        let taxonomy = taxonomy(&["games"]);
        let (lists, reports) = compile(&taxonomy, &[("s", "games", Format::Names, "a.example\nA.example.\ncom\n\x01\nb.example x\nb.example\n")]);
        let report = &reports[0];
        assert_eq!((report.accepted, report.duplicates, report.refused_count()), (3, 1, 3));
        assert_eq!(lists.lists()[0].entries, 2);
        assert_eq!(
            report.refused_lines.iter().map(|l| (l.line, l.reason)).collect::<Vec<_>>(),
            [(3, Refusal::TopLevel), (4, Refusal::NotAHost), (5, Refusal::ManyWords)]
        );
    }

    /// A million look-ups against a naive reference: see `tests/promises/lists.rs`. Here a small one, for every kind of name.
    #[test]
    fn look_ups_agree_with_a_naive_reference() {
        let taxonomy = taxonomy(&["games"]);
        let names: Vec<String> = (0..3000u32).map(|n| format!("n{}.d{}.example", n.wrapping_mul(2_654_435_761) % 5000, n % 97)).collect();
        let (lists, _) = compile(&taxonomy, &[("s", "games", Format::Names, &names.join("\n"))]);
        let listed: std::collections::HashSet<&str> = names.iter().map(String::as_str).collect();
        for n in 0..5000 {
            for d in 0..97 {
                let host = crate::host::Host::parse(&format!("n{n}.d{d}.example")).expect("a host");
                assert_eq!(!lists.look_up_host(&host).categories.is_empty(), listed.contains(host.as_str()), "{host}");
            }
        }
    }
}
