//! Looking hosts and URLs up, and naming the entries behind what was found.

use super::Lists;
use super::entry;
use super::hasher::Kind;
use super::marks::is_gate;
use super::members::Member;
use super::own::OwnFound;
use super::table::Place;
use crate::category::CategorySet;
use crate::host::Host;
use crate::url::Url;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::ops::ControlFlow;

/// What the lists say of a host or a URL.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Every category it is listed under.
    pub categories: CategorySet,
    hits: SmallVec<[Hit; 4]>,
    /// The exceptions that matched: their lists do not count.
    excepted: Vec<Member>,
    /// What the school's own entries say: it holds over all else.
    own: OwnFound,
}

#[derive(Clone, Copy, Debug)]
enum Hit {
    /// The suffix of the host that begins at this byte.
    Name(u16, Place),
    /// The whole host.
    Exact(Place),
    /// The network of this prefix length around the host's address.
    Network(u8, Place),
    /// The part of the URL's text between these bytes.
    Prefix(u16, u32, Place),
    Pattern(u32),
}

/// What is asked of the table for a host.
#[derive(Clone, Copy)]
enum Probe {
    Name(u16),
    Exact,
}

/// The very entry that matched.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// The list it stands in, as in [`ListInfo::name`](super::ListInfo::name).
    pub list: String,
    /// Its line in that list, from 1.
    pub line: u32,
    /// The entry in its one spelling; expressions as written.
    pub text: String,
}

impl Lists {
    /// What the lists say of a host alone: all that is known of a tunnel.
    #[must_use]
    pub fn look_up_host(&self, host: &Host) -> Found {
        let mut found = Found::default();
        self.probe_host(host, &mut found);
        self.settle(&mut found);
        found
    }

    /// What the lists say of a URL, its host included.
    #[must_use]
    pub fn look_up(&self, url: &Url) -> Found {
        let mut found = Found::default();
        self.probe_host(&url.host, &mut found);
        if self.shape.longest_prefix > 0 {
            self.probe_prefixes(url, &mut found);
        }
        self.patterns.find(url.text(), |number, pattern| {
            if pattern.member.is_exception() {
                found.excepted.push(pattern.member);
            } else {
                found.categories = found.categories.union(self.category_of(pattern.member));
            }
            found.hits.push(Hit::Pattern(number));
        });
        self.settle(&mut found);
        if !self.own.is_empty() {
            self.put_over(url, &mut found);
        }
        found
    }

    /// Puts what the school's own entries say over what the publishers' lists say. A block holds over an allow.
    fn put_over(&self, url: &Url, found: &mut Found) {
        found.own = self.own.look_up(url);
        found.categories = found.categories.difference(found.own.allowed).union(found.own.blocked);
    }

    /// The first entry that put `url` into one of `categories`. The URL must be the one that was looked up.
    #[must_use]
    pub fn explain(&self, found: &Found, url: &Url, categories: CategorySet) -> Option<Entry> {
        let own = found.own.hits.iter().map(|index| self.own.get(*index)).find(|entry| entry.blocks(categories));
        if let Some(own) = own {
            return Some(own.named());
        }
        self.matched(found, |member| counts(found, member) && !self.category_of(member).intersection(categories).is_empty())
            .find_map(|(hit, at)| self.entry(hit, at, url))
    }

    /// Every entry behind what was found, in every list, by category; the school's own first, with what they take away.
    #[must_use]
    pub fn explain_all(&self, found: &Found, url: &Url) -> Vec<Entry> {
        let own = found.own.hits.iter().map(|index| self.own.get(*index).named());
        let all = found.categories.union(found.own.allowed).iter().map(|category| CategorySet::EMPTY.with(category));
        let of = |one| self.matched(found, move |member| counts(found, member) && self.category_of(member) == one);
        own.chain(all.flat_map(|one| of(one).filter_map(|(hit, at)| self.entry(hit, at, url)).collect::<Vec<_>>())).collect()
    }

    /// The exceptions that took a list out of what was found.
    #[must_use]
    pub fn explain_exceptions(&self, found: &Found, url: &Url) -> Vec<Entry> {
        self.matched(found, Member::is_exception).filter_map(|(hit, at)| self.entry(hit, at, url)).collect()
    }

    /// What was hit, with each list it stands in that is `wanted`, as a place among the lists of the hit.
    fn matched<'a>(&'a self, found: &'a Found, wanted: impl Fn(Member) -> bool + 'a) -> impl Iterator<Item = (&'a Hit, usize)> {
        let places = found.hits.iter().flat_map(|hit| self.members_of(hit).iter().enumerate().map(move |(at, member)| (hit, at, *member)));
        places.filter(move |(_, _, member)| wanted(*member)).map(|(hit, at, _)| (hit, at))
    }

    fn entry(&self, hit: &Hit, at: usize, url: &Url) -> Option<Entry> {
        let host = url.host.as_str();
        let (place, text) = match *hit {
            Hit::Name(from, place) => (place, host[usize::from(from)..].to_owned()),
            Hit::Exact(place) => (place, host.to_owned()),
            Hit::Network(length, place) => (place, network_text(url.host.address()?, length)?),
            Hit::Prefix(from, to, place) => (place, url.text()[usize::from(from)..to as usize].to_owned()),
            Hit::Pattern(number) => {
                let pattern = self.patterns.get(number);
                return Some(Entry { list: self.name_of(pattern.member), line: pattern.line, text: pattern.text.to_string() });
            }
        };
        let members = self.members_of(hit);
        let line = self.table.line(place);
        // Of one list, the line itself; of several, the place of their lines.
        let line = if members.len() == 1 { line } else { self.lines.get(line as usize + at).map_or(0, |line| line.get()) };
        Some(Entry { list: self.name_of(*members.get(at)?), line, text })
    }

    fn members_of(&self, hit: &Hit) -> &[Member] {
        match hit {
            Hit::Name(_, place) | Hit::Exact(place) | Hit::Network(_, place) | Hit::Prefix(_, _, place) => {
                self.memberships.get(usize::from(place.membership)).map_or(&[], |membership| &membership.members)
            }
            Hit::Pattern(number) => std::slice::from_ref(&self.patterns.get(*number).member),
        }
    }

    fn name_of(&self, member: Member) -> String {
        self.lists[member.list()].name.clone()
    }

    fn category_of(&self, member: Member) -> CategorySet {
        CategorySet::EMPTY.with(self.lists[member.list()].category)
    }

    fn probe_host(&self, host: &Host, found: &mut Found) {
        if let Some(address) = host.address() {
            return self.probe_networks(address, found);
        }
        let mut probes = SmallVec::<[(Probe, u64); 16]>::new();
        if self.shape.has_exact {
            probes.push((Probe::Exact, self.hasher.hash(Kind::Exact, host.as_str())));
        }
        self.hasher.suffixes(host.as_str(), |suffix| {
            // No list may hold a top-level name, so the shortest is not looked up.
            if suffix.labels > 1 {
                probes.push((Probe::Name(u16::try_from(suffix.from).unwrap_or_default()), suffix.hash));
            }
            let ends = suffix.from > 0 && is_gate(suffix.labels) && !self.marks.has(suffix.hash);
            if ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        self.table.get_each(&probes, |probe, place| match probe {
            Probe::Name(from) => self.note(place, found, Hit::Name(from, place)),
            Probe::Exact => self.note(place, found, Hit::Exact(place)),
        });
    }

    fn probe_networks(&self, address: IpAddr, found: &mut Found) {
        for &length in &self.shape.network_lengths[usize::from(address.is_ipv6())] {
            let place = ipnet::IpNet::new(address, length).ok().and_then(|net| self.table.get(self.hasher.network(&net)));
            if let Some(place) = place {
                self.note(place, found, Hit::Network(length, place));
            }
        }
    }

    fn probe_prefixes(&self, url: &Url, found: &mut Found) {
        let host = entry::without_www(url.host.as_str());
        if !self.marks.has(self.hasher.hash(Kind::HasPrefixes, host)) {
            return;
        }
        let from = url.host.as_str().len() - host.len();
        let text = &url.text()[from..];
        let mut hash = self.hasher.begin(Kind::Prefix);
        let mut hashed = 0;
        for end in entry::boundaries(text, host.len()).take_while(|end| *end <= self.shape.longest_prefix as usize) {
            hash.write(&text[hashed..end]);
            hashed = end;
            if let Some(place) = self.table.get(hash.finish()) {
                let (from, to) = (u16::try_from(from).unwrap_or_default(), u32::try_from(from + end).unwrap_or(u32::MAX));
                self.note(place, found, Hit::Prefix(from, to, place));
            }
        }
    }

    fn note(&self, place: Place, found: &mut Found, hit: Hit) {
        if let Some(membership) = self.memberships.get(usize::from(place.membership)) {
            found.categories = found.categories.union(membership.categories);
            if membership.excepts {
                found.excepted.extend(membership.members.iter().filter(|member| member.is_exception()));
            }
            found.hits.push(hit);
        }
    }

    /// Takes out of what was found the lists that have an exception for it.
    fn settle(&self, found: &mut Found) {
        if !found.excepted.is_empty() {
            let counting = found.hits.iter().flat_map(|hit| self.members_of(hit)).filter(|member| counts(found, **member));
            found.categories = counting.fold(CategorySet::EMPTY, |set, member| set.union(self.category_of(*member)));
        }
    }
}

/// Whether an entry of this list says something of what was found: it is no exception, and its list has none for it.
fn counts(found: &Found, member: Member) -> bool {
    !member.is_exception() && !found.excepted.contains(&member.exception())
}

/// A single address stands without its length, as people write it.
fn network_text(address: IpAddr, length: u8) -> Option<String> {
    let net = ipnet::IpNet::new(address, length).ok()?.trunc();
    Some(if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Taxonomy;
    use crate::category::fixture::taxonomy;
    use crate::lists::compile::Compiler;
    use crate::lists::entry::Listed;
    use proptest::collection::vec;
    use std::collections::BTreeSet;

    fn name(text: &str) -> Listed {
        Listed::Name(Host::parse(text).expect(text))
    }

    fn exact(text: &str) -> Listed {
        Listed::Exact(Host::parse(text).expect(text))
    }

    fn net(text: &str) -> Listed {
        Listed::Network(text.parse().expect(text))
    }

    fn prefix(text: &str) -> Listed {
        Listed::Prefix(text.into())
    }

    fn word(text: &str) -> Listed {
        Listed::Word(text.into())
    }

    fn expression(text: &str) -> Listed {
        Listed::Expression(text.into())
    }

    fn except(inner: Listed) -> Listed {
        Listed::Except(Box::new(inner))
    }

    fn compile(taxonomy: &Taxonomy, lists: &[(&str, &str, &[Listed])]) -> Lists {
        let mut compiler = Compiler::new([7; 16]);
        for (name, category, entries) in lists {
            compiler.add_entries(name, (taxonomy.find(category).expect("a category"), category), entries);
        }
        compiler.finish().expect("room").0
    }

    fn school(taxonomy: &Taxonomy) -> Lists {
        let games = [
            name("games.example"),
            except(name("school.games.example")),
            except(prefix("games.example/learn")),
            name("alone.example"),
            except(exact("alone.example")),
            net("203.0.113.0/24"),
            except(net("203.0.113.7/32")),
            word("poker"),
            except(word("poker*lesson")),
            expression("/slot/[0-9]+"),
            except(expression("/slot/7[0-9]")),
            name("both.example"),
            except(name("both.example")),
            prefix("news.example/play"),
            except(prefix("news.example/play/chess")),
        ];
        let more_games = [name("games.example"), name("sub.alone.example")];
        let chat = [name("talk.games.example"), name("chat.example"), except(name("games.example"))];
        compile(taxonomy, &[("games", "games", &games), ("more", "games", &more_games), ("chat", "chat", &chat)])
    }

    /// What each URL is found to be, and the lists that say so.
    #[test]
    fn an_exception_takes_what_it_matches_out_of_its_own_list_only() {
        let taxonomy = taxonomy(&["games", "chat"]);
        let lists = school(&taxonomy);
        for (url, categories, by) in [
            // The parent stays listed, and so do names beside the excepted one.
            ("games.example", "games", "games:1 more:1"),
            ("www.games.example", "games", "games:1 more:1"),
            // Another list without this exception says the same still.
            ("school.games.example", "games", "more:1"),
            ("a.school.games.example", "games", "more:1"),
            ("games.example/learn", "games", "more:1"),
            ("games.example/learn/x", "games", "more:1"),
            ("games.example/learned", "games", "games:1 more:1"),
            // The exception of the chat list is of the chat list: games are games, talk is no chat.
            ("talk.games.example", "games", "games:1 more:1"),
            ("chat.example", "chat", "chat:2"),
            // A host alone: names below it stay.
            ("alone.example", "", ""),
            ("sub.alone.example", "games", "games:4 more:2"),
            ("203.0.113.6", "games", "games:6"),
            ("203.0.113.7", "", ""),
            ("a.example/poker", "games", "games:8"),
            ("a.example/poker-as-a-lesson", "", ""),
            ("a.example/slot/12", "games", "games:10"),
            ("a.example/slot/71", "", ""),
            // Whatever else of the list matches does not count, whatever kind it is.
            ("games.example/slot/71", "games", "more:1"),
            ("203.0.113.7/slot/12", "", ""),
            ("chat.example/poker-lesson", "chat", "chat:2"),
            ("both.example", "", ""),
            ("news.example/play", "games", "games:14"),
            ("news.example/play/chess/1", "", ""),
        ] {
            let url = Url::parse(url).expect(url);
            let found = lists.look_up(&url);
            assert_eq!(taxonomy.ids(found.categories).collect::<Vec<_>>().join(" "), categories, "{url}");
            let said: BTreeSet<_> = lists.explain_all(&found, &url).into_iter().map(|entry| format!("{}:{}", entry.list, entry.line)).collect();
            assert_eq!(said.into_iter().collect::<Vec<_>>().join(" "), by, "{url}");
            let first = lists.explain(&found, &url, found.categories).map(|entry| format!("{}:{}", entry.list, entry.line));
            assert!(first.as_ref().map_or(by.is_empty(), |first| by.split(' ').any(|one| one == first)), "{url}: {first:?}");
        }
    }

    #[test]
    fn a_host_alone_is_excepted_too() {
        let taxonomy = taxonomy(&["games", "chat"]);
        let lists = school(&taxonomy);
        for (host, categories) in [("games.example", "games"), ("alone.example", ""), ("203.0.113.7", ""), ("talk.games.example", "games")] {
            let found = lists.look_up_host(&Host::parse(host).expect(host));
            assert_eq!(taxonomy.ids(found.categories).collect::<Vec<_>>().join(" "), categories, "{host}");
        }
    }

    #[test]
    fn the_exception_itself_can_be_named() {
        let taxonomy = taxonomy(&["games", "chat"]);
        let lists = school(&taxonomy);
        for (url, exception) in [
            ("a.school.games.example/learn", Some(("games", 2, "school.games.example"))),
            ("games.example/learn/x", Some(("games", 3, "games.example/learn"))),
            ("203.0.113.7", Some(("games", 7, "203.0.113.7"))),
            ("a.example/slot/77", Some(("games", 11, "/slot/7[0-9]"))),
            ("chat.example", None),
        ] {
            let url = Url::parse(url).expect(url);
            let entries = lists.explain_exceptions(&lists.look_up(&url), &url);
            let expected = exception.map(|(list, line, text)| Entry { list: list.into(), line, text: text.into() });
            assert_eq!(entries.into_iter().find(|entry| entry.list == "games"), expected, "{url}");
        }
    }

    #[test]
    fn phrases_are_kept_with_their_place_and_match_nothing() {
        let taxonomy = taxonomy(&["games"]);
        let phrases = [Listed::Phrase("free spins<20>".into()), except(Listed::Phrase("school<-30>".into()))];
        let lists = compile(&taxonomy, &[("phrases", "games", &phrases)]);
        let kept: Vec<_> = lists.phrases().iter().map(|phrase| (phrase.member.list(), phrase.member.is_exception(), phrase.line, &*phrase.text)).collect();
        assert_eq!(kept, [(0, false, 1, "free spins<20>"), (0, true, 2, "school<-30>")]);
        assert!(lists.look_up(&Url::parse("a.example/free spins<20>").expect("a URL")).categories.is_empty());
        assert!(lists.is_empty());
    }

    /// What one list of the reference says of a host.
    fn says(entries: &[Listed], host: &str) -> bool {
        let matches = |entry: &Listed| match entry {
            Listed::Name(name) => host == name.as_str() || host.ends_with(&format!(".{name}")),
            Listed::Exact(name) => host == name.as_str(),
            other => panic!("none of the reference: {other:?}"),
        };
        let excepted = entries.iter().any(|entry| if let Listed::Except(inner) = entry { matches(inner) } else { false });
        !excepted && entries.iter().any(|entry| !matches!(entry, Listed::Except(_)) && matches(entry))
    }

    proptest::proptest! {
        /// Hosts of up to 40 labels, so that every gate below 64 is passed, with names alone and exceptions among the entries.
        #[test]
        fn deep_names_and_exceptions_agree_with_a_naive_reference(
            lists in vec(vec((0..4u8, "[ab](\\.[ab]){1,39}"), 0..30), 1..4),
            hosts in vec("[ab](\\.[ab]){0,39}", 1..30),
        ) {
            let ids = ["games", "chat", "drugs"];
            let taxonomy = taxonomy(&ids);
            let entry = |(kind, text): &(u8, String)| match kind {
                0 => name(text),
                1 => exact(text),
                2 => except(name(text)),
                _ => except(exact(text)),
            };
            let entries: Vec<Vec<Listed>> = lists.iter().map(|list| list.iter().map(entry).collect()).collect();
            let named: Vec<_> = ids.iter().zip(&entries).map(|(id, entries)| (*id, *id, &entries[..])).collect();
            let compiled = compile(&taxonomy, &named);
            let listed = lists.iter().flatten().map(|(_, text)| text);
            for host in hosts.iter().chain(listed.clone()).cloned().chain(listed.map(|text| format!("b.a.{text}"))) {
                let found = compiled.look_up_host(&Host::parse(&host).expect("a host"));
                let expected: Vec<_> = named.iter().filter(|(_, _, entries)| says(entries, &host)).map(|(id, _, _)| *id).collect();
                proptest::prop_assert_eq!(taxonomy.ids(found.categories).collect::<Vec<_>>(), expected, "{}", host);
            }
        }
    }
}
