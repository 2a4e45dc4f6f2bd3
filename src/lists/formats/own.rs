//! Our own format: several lists in one TOML file, each with its category, kept by the school's own hands.
//!
//! ```toml
//! [[list]]
//! category = "games"
//! reason = "Asked for by the head of year 8, spring term"
//! names = ["games.example"]             # and all below it
//! exact = ["play.school.example"]       # that name alone
//! urls = ["news.example/games"]
//! words = ["unblocked*games"]
//! expressions = ["/play/[0-9]+\\.swf$"]
//! networks = ["203.0.113.0/24", "10.0.0.1-10.0.0.9"]
//! except = ["chess.games.example"]      # within this list
//! ```
//!
//! A file that is not sound TOML is refused whole: what the rest of it means, nobody can tell. In a sound one each entry that cannot be taken
//! is refused by itself, and so is each key that means nothing. It is read whole, so it has a cap.

use super::text::NotAList;
use super::{Said, networks};
use crate::lists::entry::{self, Listed, Refusal};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest file of our own, in bytes. Others are read a line at a time.
pub const LARGEST: usize = 16 << 20;

type Take<'a> = dyn FnMut(u32, &str, Said) + 'a;

/// Reads a whole file.
pub fn read(text: &str, take: &mut Take<'_>) -> Result<(), NotAList> {
    let lines = LineStarts::of(text);
    let (file, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        return Err(NotAList::BadToml { line: lines.number(error.span().unwrap_or_default()), what: error.message().to_owned() });
    }
    for (key, value) in file.get_ref().iter() {
        match (&**key.get_ref(), value.get_ref()) {
            ("list", DeValue::Array(lists)) => lists.iter().for_each(|list| read_list(list, &lines, take)),
            ("list", _) => take(lines.number(value.span()), "list", Said::Refused(Refusal::WrongKind)),
            (other, _) => take(lines.number(key.span()), other, Said::Refused(Refusal::UnknownKey)),
        }
    }
    Ok(())
}

fn read_list(list: &Spanned<DeValue<'_>>, lines: &LineStarts, take: &mut Take<'_>) {
    let line = lines.number(list.span());
    let DeValue::Table(table) = list.get_ref() else {
        return take(line, "list", Said::Refused(Refusal::WrongKind));
    };
    let category = table.iter().find(|(key, _)| key.get_ref() == "category").and_then(|(_, value)| value.get_ref().as_str());
    take(line, "[[list]]", Said::List(category.map(str::to_owned)));
    // A table's keys come sorted; as they are written they read better.
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in keys {
        let refuse = |take: &mut Take<'_>, reason| take(lines.number(key.span()), key.get_ref(), Said::Refused(reason));
        match &**key.get_ref() {
            "category" | "reason" if value.get_ref().is_str() => {}
            "category" | "reason" => refuse(take, Refusal::WrongKind),
            other => match reader(other) {
                Some(read) => read_entries(value, read, lines, take),
                None => refuse(take, Refusal::UnknownKey),
            },
        }
    }
}

/// Reads one text of a list.
type Read = fn(&str) -> Result<Vec<Listed>, Refusal>;

fn reader(key: &str) -> Option<Read> {
    let read: Read = match key {
        "names" => |text| entry::name(text).map(|entry| vec![entry]),
        "exact" => |text| entry::exact(text).map(|entry| vec![entry]),
        "urls" => |text| entry::prefix(text).map(|entry| vec![entry]),
        "words" => |text| entry::word(text).map(|entry| vec![entry]),
        "expressions" => |text| entry::expression(text).map(|entry| vec![entry]),
        "networks" => |text| Ok(networks::networks(text)?.into_iter().map(|net| Listed::Network(entry::canonical(net))).collect()),
        "except" => |text| exception(text).map(|entry| vec![Listed::Except(Box::new(entry))]),
        _ => return None,
    };
    Some(read)
}

/// A name, an address, a range, or a page.
fn exception(text: &str) -> Result<Listed, Refusal> {
    match entry::name(text) {
        Err(Refusal::UrlAmongNames) => entry::prefix(text),
        answer => answer,
    }
}

fn read_entries(value: &Spanned<DeValue<'_>>, read: Read, lines: &LineStarts, take: &mut Take<'_>) {
    let DeValue::Array(texts) = value.get_ref() else {
        return take(lines.number(value.span()), "", Said::Refused(Refusal::WrongKind));
    };
    for text in texts.iter() {
        let line = lines.number(text.span());
        match text.get_ref().as_str().map(|text| (text, read(text))) {
            Some((text, Ok(entries))) => entries.into_iter().for_each(|entry| take(line, text, Said::Entry(entry))),
            Some((text, Err(reason))) => take(line, text, Said::Refused(reason)),
            None => take(line, "", Said::Refused(Refusal::WrongKind)),
        }
    }
}

/// Where each line of a text begins.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The number of the line on which something begins, from 1.
    fn number(&self, span: Range<usize>) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= span.start)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::lists::formats::Format;
    use crate::lists::formats::text::{ReadError, Text};

    fn name(text: &str) -> Listed {
        Listed::Name(Host::parse(text).expect("a host"))
    }

    #[test]
    fn every_kind_of_entry_has_the_line_it_stands_on() {
        let file = "# ours\n[[list]]\ncategory = \"games\"\nreason = \"because\"\nnames = [\n  \"games.example\", # one\n  \"10.0.0.0/8\",\n  \"com\",\n]\n\
            exact = [\"play.example\"]\nurls = [\"news.example/fun/\"]\nwords = [\"unblocked*games\", \"ab\"]\nexpressions = ['/play/[0-9]+', '(?=x)']\n\
            networks = [\"10.0.0.2-10.0.0.3\"]\nexcept = [\"chess.games.example\", \"news.example/fun/maths\"]\n[[list]]\nnames = [\"chat.example\"]\n";
        let net = |text: &str| Listed::Network(text.parse().expect("a net"));
        let except = |entry| Listed::Except(Box::new(entry));
        let expected = [
            (2, Said::List(Some("games".into()))),
            (6, Said::Entry(name("games.example"))),
            (7, Said::Entry(net("10.0.0.0/8"))),
            (8, Said::Refused(Refusal::TopLevel)),
            (10, Said::Entry(Listed::Exact(Host::parse("play.example").expect("a host")))),
            (11, Said::Entry(Listed::Prefix("news.example/fun".into()))),
            (12, Said::Entry(Listed::Word("unblocked*games".into()))),
            (12, Said::Refused(Refusal::TooShort)),
            (13, Said::Entry(Listed::Expression("/play/[0-9]+".into()))),
            (13, Said::Refused(Refusal::LookAround)),
            (14, Said::Entry(net("10.0.0.2/31"))),
            (15, Said::Entry(except(name("chess.games.example")))),
            (15, Said::Entry(except(Listed::Prefix("news.example/fun/maths".into())))),
            (16, Said::List(None)),
            (17, Said::Entry(name("chat.example"))),
        ];
        assert_eq!(Format::Toml.said(file), expected);
        assert_eq!(Format::Toml.said(&file.replace('\n', "\r\n")), expected);
    }

    #[test]
    fn what_means_nothing_is_refused_where_it_stands() {
        for (file, expected) in [
            ("lists = 1\n", (1, Refusal::UnknownKey)),
            ("list = 1\n", (1, Refusal::WrongKind)),
            ("list = [1]\n", (1, Refusal::WrongKind)),
            ("[[list]]\nnmaes = [\"a.example\"]\n", (2, Refusal::UnknownKey)),
            ("[[list]]\nnames = \"a.example\"\n", (2, Refusal::WrongKind)),
            ("[[list]]\nnames = [\n1]\n", (3, Refusal::WrongKind)),
            ("[[list]]\ncategory = 1\n", (2, Refusal::WrongKind)),
            ("[[list]]\nreason = []\n", (2, Refusal::WrongKind)),
        ] {
            let refused: Vec<_> = Format::Toml.said(file).into_iter().filter(|(_, said)| !matches!(said, Said::List(_))).collect();
            assert_eq!(refused, [(expected.0, Said::Refused(expected.1))], "{file}");
        }
    }

    #[test]
    fn a_file_that_is_not_sound_is_refused_whole_with_the_line() {
        let fail = |bytes: &[u8]| {
            let mut taken = 0;
            let error = Format::Toml.read(Text::open(bytes).expect("text"), &mut |_, _, _| taken += 1).expect_err("refused");
            assert_eq!(taken, 0);
            error
        };
        match fail(b"[[list]]\nnames = [\"a.example\"]\nexact = [\n") {
            ReadError::NotAList(NotAList::BadToml { line, .. }) => assert!((3..=4).contains(&line), "{line}"),
            other => panic!("{other}"),
        }
        assert!(matches!(fail(&vec![b'\n'; LARGEST + 1]), ReadError::NotAList(NotAList::TooLarge)));
        assert!(matches!(fail(b"# caf\xe9 and a comment long enough not to be junk\n"), ReadError::NotAList(NotAList::Junk)));
    }
}
