//! Entries in, one immutable [`Lists`] out. Files are read into it by [`reading`](super::reading).

use super::entry::{Listed, Refusal};
use super::formats::text::ReadError;
use super::hasher::{Hasher, Kind};
use super::mapped::Section;
use super::marks::{Marks, is_gate};
use super::members::{Member, Membership, Memberships, TooManyMemberships};
use super::own::Own;
use super::patterns::{self, BadPattern};
use super::report::Report;
use super::table::{Raw, Table};
use super::{ListInfo, Lists, Phrase, Shape};
use crate::category::CategorySet;
use crate::host::Host;
use std::ops::ControlFlow;
use zerocopy::little_endian::U32;

/// More lists than the tables can number, or more overlaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// More than 32,768 files.
    #[error("there are more than {} list files; load fewer", Member::MOST_LISTS)]
    TooManyLists,
    /// Too many combinations.
    #[error(transparent)]
    TooManyMemberships(#[from] TooManyMemberships),
}

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It cannot be read, or is no list.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no room for it.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// Collects entries.
pub struct Compiler {
    hasher: Hasher,
    pub(super) lists: Vec<ListInfo>,
    pub(super) reports: Vec<Report>,
    /// Reports of lines that no category was named for.
    pub(super) unplaced: Vec<Report>,
    raws: Vec<Raw>,
    /// The hashes of what is marked.
    marks: Vec<u64>,
    patterns: patterns::Builder,
    phrases: Vec<Phrase>,
    shape: Shape,
    /// Categories whose lists may cover a whole public suffix.
    pub(super) wide: CategorySet,
}

impl Compiler {
    /// A compiler whose table is keyed with the secret of the installation.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self {
            hasher: Hasher::new(key),
            lists: Vec::new(),
            reports: Vec::new(),
            unplaced: Vec::new(),
            raws: Vec::new(),
            marks: Vec::new(),
            patterns: patterns::Builder::default(),
            phrases: Vec::new(),
            shape: Shape::default(),
            wide: CategorySet::EMPTY,
        }
    }

    /// The same, but lists of these categories may cover a whole public suffix: those that give help, as all of `nhs.uk` does.
    #[must_use]
    pub fn with_wide(self, wide: CategorySet) -> Self {
        Self { wide, ..self }
    }

    /// Adds entries without a file around them, as lines from 1, all of which must be taken.
    #[cfg(test)]
    pub(super) fn add_entries(&mut self, name: &str, (category, id): (crate::category::Category, &str), entries: &[Listed]) {
        use super::formats::Format;
        use super::reading::File;
        use super::report::Known;
        let list = Member::listed(self.lists.len()).expect("room");
        for (line, entry) in (1..).zip(entries) {
            self.take(list, line, entry.clone()).expect("an entry that is taken");
        }
        let file = File { name, format: Format::Names, known: Known::Said, category: None, categories: &|_| None };
        self.lists.push(ListInfo { name: name.to_owned(), category, entries: entries.len() });
        self.reports.push(Report { accepted: entries.len(), ..Report::new(name.to_owned(), id, &file) });
    }

    /// Takes one entry.
    pub(super) fn take(&mut self, list: Member, line: u32, entry: Listed) -> Result<(), Refusal> {
        match entry {
            Listed::Name(host) => self.take_name(&host, list, line),
            Listed::Exact(host) => {
                self.shape.has_exact = true;
                self.push(self.hasher.hash(Kind::Exact, host.as_str()), list, line);
            }
            Listed::Network(net) => {
                let lengths = &mut self.shape.network_lengths[usize::from(net.max_prefix_len() == 128)];
                if !lengths.contains(&net.prefix_len()) {
                    lengths.push(net.prefix_len());
                }
                self.push(self.hasher.network(&net), list, line);
            }
            Listed::Prefix(text) => self.take_prefix(&text, list, line),
            Listed::Word(text) => self.patterns.word(list, line, &text),
            Listed::Expression(text) => self.patterns.expression(list, line, &text).map_err(|bad| match bad {
                BadPattern::Syntax => Refusal::BadExpression,
                BadPattern::TooLarge => Refusal::LargeExpression,
            })?,
            Listed::Except(inner) => self.take(list.exception(), line, *inner)?,
            Listed::Phrase(text) => self.phrases.push(Phrase { member: list, line, text: text.into() }),
        }
        Ok(())
    }

    fn take_name(&mut self, host: &Host, list: Member, line: u32) {
        let (mut whole, marks) = (0, &mut self.marks);
        self.hasher.suffixes(host.as_str(), |suffix| {
            if suffix.from == 0 {
                whole = suffix.hash;
            } else if is_gate(suffix.labels) {
                marks.push(suffix.hash);
            }
            ControlFlow::Continue(())
        });
        self.push(whole, list, line);
    }

    fn take_prefix(&mut self, text: &str, list: Member, line: u32) {
        self.shape.longest_prefix = self.shape.longest_prefix.max(u32::try_from(text.len()).unwrap_or(u32::MAX));
        let host = text.split(['/', '?']).next().unwrap_or_default();
        self.marks.push(self.hasher.hash(Kind::HasPrefixes, host));
        self.push(self.hasher.hash(Kind::Prefix, text), list, line);
    }

    fn push(&mut self, hash: u64, member: Member, line: u32) {
        self.raws.push(Raw { hash, member, line });
    }

    /// Compiles all that was added.
    pub fn finish(mut self) -> Result<(Lists, Vec<Report>), CompileError> {
        self.count_duplicates();
        let mut memberships = Memberships::default();
        let table = Table::build(self.raws, &mut memberships)?;
        let category = |list: usize| CategorySet::EMPTY.with(self.lists[list].category);
        let sets = memberships.sets.into_iter().map(|members| Membership::new(members, category)).collect();
        self.shape.network_lengths.iter_mut().for_each(|lengths| lengths.sort_unstable_by(|a, b| b.cmp(a)));
        self.reports.append(&mut self.unplaced);
        let lists = Lists {
            memberships: sets,
            lines: Section::Owned(memberships.lines.into_iter().map(U32::new).collect()),
            lists: self.lists,
            table,
            marks: Marks::build(self.marks),
            hasher: self.hasher,
            patterns: self.patterns.build(),
            phrases: self.phrases,
            inputs: blake3::Hash::from_bytes([0; 32]),
            own: Own::default(),
            shape: self.shape,
        };
        Ok((lists, self.reports))
    }

    /// Sorts the entries and takes those out that a list holds twice; the first line stays.
    fn count_duplicates(&mut self) {
        self.raws.sort_unstable();
        let (reports, lists) = (&mut self.reports, &mut self.lists);
        self.raws.dedup_by(|later, first| {
            let same = later.hash == first.hash && later.member == first.member;
            if same {
                reports[later.member.list()].duplicates += 1;
                lists[later.member.list()].entries -= 1;
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
    use crate::lists::formats::Format;
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
                let host = Host::parse(&format!("n{n}.d{d}.example")).expect("a host");
                assert_eq!(!lists.look_up_host(&host).categories.is_empty(), listed.contains(host.as_str()), "{host}");
            }
        }
    }
}
