//! The formats of lists. Each reads one line at a time and answers with entries or a reason why not.
//!
//! | file | format | a line |
//! | --- | --- | --- |
//! | [`names`] | plain names, UT1 `domains` | `games.example`, `10.0.0.0/8` |
//! | [`hosts`] | hosts files | `0.0.0.0 games.example` |
//! | [`wildcard`] | names with a star | `*.games.example` |
//! | [`dnsmasq`] | settings of dnsmasq | `local=/games.example/` |
//! | [`adblock`] | AdBlock network rules | `\|\|games.example^` |
//! | [`rpz`] | response policy zones | `games.example CNAME .` |
//! | [`networks`] | addresses and ranges | `10.0.0.0/8`, `10.0.0.1-10.0.0.9` |
//! | [`urls`] | UT1 `urls` | `news.example/games/` |
//! | [`expressions`] | UT1 `expressions` | a regular expression over the whole URL |
//! | [`words`] | words and wildcards | `unblocked*games` |
//! | [`e2guardian`] | site, URL, expression and phrase lists | `<casino>,<bonus><50>` |
//! | [`own`] | our own, in TOML | `[[list]] category = "games"` |
//!
//! A line that cannot be taken is refused by name and disables nothing else. [`text`] turns bytes into lines and refuses what is no list
//! at all; [`detect`] tells which format a file is in. A new format: its file, its variant of [`Format`], its row in [`Format::NAMES`] and
//! above, and its signs in [`detect`].

pub mod adblock;
pub mod detect;
pub mod dnsmasq;
pub mod e2guardian;
pub mod expressions;
pub mod hosts;
pub mod names;
pub mod networks;
pub mod own;
pub mod rpz;
pub mod text;
pub mod urls;
pub mod wildcard;
pub mod words;

use super::entry::{Listed, Refusal};
use text::{ReadError, Text};

pub use text::LONGEST_LINE;

/// How the lines of a file are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One name, address or range a line; a name covers all names below it.
    Names,
    /// A hosts file; each name stands for itself alone.
    Hosts,
    /// `*.name` covers the name and all below it; a name without a star stands for itself alone.
    Wildcard,
    /// Settings of dnsmasq.
    Dnsmasq,
    /// AdBlock network rules.
    Adblock,
    /// A response policy zone.
    Rpz,
    /// Addresses and ranges of them.
    Networks,
    /// One `host/path` a line, covering all below it.
    Urls,
    /// One regular expression a line.
    Expressions,
    /// One word or wildcard a line, anywhere in the URL.
    Words,
    /// A site list of e2guardian.
    E2guardianSites,
    /// A URL list of e2guardian.
    E2guardianUrls,
    /// A list of regular expressions over URLs, of e2guardian.
    E2guardianExpressions,
    /// A weighted or banned phrase list of e2guardian.
    Phrases,
    /// An exception phrase list of e2guardian.
    ExceptionPhrases,
    /// Our own format.
    Toml,
}

/// What a reader makes of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An entry.
    Entry(Listed),
    /// A line that is not taken.
    Refused(Refusal),
    /// From here on a list of its own begins, of this category if it names one.
    List(Option<String>),
    /// From here on entries are of this category, as the file calls it.
    Category(String),
    /// Another file is to be read as this one, found by this path.
    Include(String),
}

impl From<Result<Listed, Refusal>> for Said {
    fn from(answer: Result<Listed, Refusal>) -> Self {
        answer.map_or_else(Self::Refused, Self::Entry)
    }
}

/// Where a format keeps what one line says about the next.
enum State {
    Lines(Format),
    Zone(rpz::Zone),
    E2guardian(e2guardian::Reader),
}

impl Format {
    /// The formats by the name they have in the configuration.
    pub const NAMES: [(&str, Self); 16] = [
        ("names", Self::Names),
        ("hosts", Self::Hosts),
        ("wildcard", Self::Wildcard),
        ("dnsmasq", Self::Dnsmasq),
        ("adblock", Self::Adblock),
        ("rpz", Self::Rpz),
        ("networks", Self::Networks),
        ("urls", Self::Urls),
        ("expressions", Self::Expressions),
        ("words", Self::Words),
        ("e2guardian-sites", Self::E2guardianSites),
        ("e2guardian-urls", Self::E2guardianUrls),
        ("e2guardian-expressions", Self::E2guardianExpressions),
        ("phrases", Self::Phrases),
        ("exception-phrases", Self::ExceptionPhrases),
        ("toml", Self::Toml),
    ];

    /// The name it has in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// Whether a file of this format can say itself what its entries are.
    #[must_use]
    pub fn names_categories(self) -> bool {
        match self {
            Self::E2guardianSites | Self::E2guardianUrls | Self::E2guardianExpressions | Self::Phrases | Self::ExceptionPhrases | Self::Toml => true,
            Self::Names
            | Self::Hosts
            | Self::Wildcard
            | Self::Dnsmasq
            | Self::Adblock
            | Self::Rpz
            | Self::Networks
            | Self::Urls
            | Self::Expressions
            | Self::Words => false,
        }
    }

    /// Reads a file to its end. `take` is given each line's number, from 1, its text as far as it is text, and what it says. Blank lines and
    /// comments say nothing.
    pub fn read(self, text: Text<'_>, take: &mut dyn FnMut(u32, &str, Said)) -> Result<(), ReadError> {
        if self == Self::Toml {
            return own::read(&text.whole(own::LARGEST)?, take).map_err(ReadError::from);
        }
        let mut state = self.begin();
        text.lines(|number, line| match line {
            Ok(text) => state.line(number, text, take),
            Err(reason) => take(number, "", Said::Refused(reason)),
        })?;
        state.end(take);
        Ok(())
    }

    /// Reads lines that are at hand, as [`Self::read`] does.
    #[cfg(test)]
    pub(crate) fn said(self, lines: &str) -> Vec<(u32, Said)> {
        let mut said = Vec::new();
        let text = Text::open(lines.as_bytes()).expect("a list");
        self.read(text, &mut |number, _, what| said.push((number, what))).expect("read");
        said
    }

    fn begin(self) -> State {
        match self {
            Self::Rpz => State::Zone(rpz::Zone::default()),
            Self::E2guardianSites => State::E2guardian(e2guardian::Reader::new(e2guardian::Kind::Sites)),
            Self::E2guardianUrls => State::E2guardian(e2guardian::Reader::new(e2guardian::Kind::Urls)),
            Self::E2guardianExpressions => State::E2guardian(e2guardian::Reader::new(e2guardian::Kind::Expressions)),
            Self::Phrases => State::E2guardian(e2guardian::Reader::new(e2guardian::Kind::Phrases)),
            Self::ExceptionPhrases => State::E2guardian(e2guardian::Reader::new(e2guardian::Kind::ExceptionPhrases)),
            Self::Names
            | Self::Hosts
            | Self::Wildcard
            | Self::Dnsmasq
            | Self::Adblock
            | Self::Networks
            | Self::Urls
            | Self::Expressions
            | Self::Words
            | Self::Toml => State::Lines(self),
        }
    }

    /// Reads one line, without its end and the white space around it, of a format in which no line says anything about the next. Of the others
    /// only what one line says by itself.
    pub fn read_line(self, line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
        match self {
            Self::Names => names::read_line(line, take),
            Self::Hosts => hosts::read_line(line, take),
            Self::Wildcard => wildcard::read_line(line, take),
            Self::Dnsmasq => dnsmasq::read_line(line, take),
            Self::Adblock => adblock::read_line(line, take),
            Self::Networks => networks::read_line(line, take),
            Self::Urls => urls::read_line(line, take),
            Self::Expressions => expressions::read_line(line, take),
            Self::Words => words::read_line(line, take),
            Self::Rpz | Self::E2guardianSites | Self::E2guardianUrls | Self::E2guardianExpressions | Self::Phrases | Self::ExceptionPhrases => {
                let mut entries = |_: u32, _: &str, said| match said {
                    Said::Entry(entry) => take(Ok(entry)),
                    Said::Refused(reason) => take(Err(reason)),
                    Said::List(_) | Said::Category(_) | Said::Include(_) => {}
                };
                let mut state = self.begin();
                state.line(1, line, &mut entries);
                state.end(&mut entries);
            }
            // A file of our own is read whole: a line of it has no meaning alone.
            Self::Toml => {}
        }
    }
}

impl State {
    fn line(&mut self, number: u32, line: &str, take: &mut dyn FnMut(u32, &str, Said)) {
        match self {
            Self::Lines(format) => format.read_line(line.trim(), &mut |answer| take(number, line, answer.into())),
            Self::Zone(zone) => zone.line(number, line, take),
            Self::E2guardian(reader) => reader.line(line.trim(), &mut |said| take(number, line, said)),
        }
    }

    fn end(&mut self, take: &mut dyn FnMut(u32, &str, Said)) {
        match self {
            Self::Zone(zone) => zone.end(take),
            Self::Lines(_) | Self::E2guardian(_) => {}
        }
    }
}

/// The line without a comment that begins with ` #`.
fn without_comment(line: &str) -> &str {
    let comment = line.match_indices('#').find(|(at, _)| *at == 0 || line.as_bytes()[at - 1].is_ascii_whitespace());
    comment.map_or(line, |(at, _)| &line[..at]).trim_end()
}

/// The line without a comment, where a line that begins with `!` or `;` is one too.
fn without_remark(line: &str) -> &str {
    if line.starts_with(['!', ';']) { "" } else { without_comment(line) }
}

/// Checks a format against a table of lines, the refused ones by their reason.
#[cfg(test)]
fn check(format: Format, table: &[(&str, &[Result<Listed, Refusal>])]) {
    for (line, expected) in table {
        let mut found = Vec::new();
        format.read_line(line, &mut |entry| found.push(entry));
        assert_eq!(&found[..], *expected, "{line:?}");
    }
}

#[cfg(test)]
mod tests;
