//! The formats of lists. Each reads one line at a time and answers with entries or a reason why not.
//!
//! | file | format | a line |
//! | --- | --- | --- |
//! | [`names`] | plain names, UT1 `domains` | `games.example`, `10.0.0.0/8` |
//! | [`hosts`] | hosts files | `0.0.0.0 games.example` |
//! | [`urls`] | UT1 `urls` | `news.example/games/` |
//! | [`expressions`] | UT1 `expressions` | a regular expression over the whole URL |
//! | [`words`] | words and wildcards | `unblocked*games` |
//!
//! A line that cannot be taken is refused by name and disables nothing else.

pub mod expressions;
pub mod hosts;
pub mod names;
pub mod urls;
pub mod words;

use super::entry::{Listed, Refusal};

/// The longest line of a list, in bytes.
pub const LONGEST_LINE: usize = 4096;

/// How the lines of a file are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One name, address or range a line; a name covers all names below it.
    Names,
    /// A hosts file; each name stands for itself alone.
    Hosts,
    /// One `host/path` a line, covering all below it.
    Urls,
    /// One regular expression a line.
    Expressions,
    /// One word or wildcard a line, anywhere in the URL.
    Words,
}

impl Format {
    /// The formats by the name they have in `usher.toml`.
    pub const NAMES: [(&str, Self); 5] =
        [("names", Self::Names), ("hosts", Self::Hosts), ("urls", Self::Urls), ("expressions", Self::Expressions), ("words", Self::Words)];

    /// Reads one line, without its end. Blank lines and comments give nothing.
    pub fn read_line(self, line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
        match self {
            Self::Names => names::read_line(line, take),
            Self::Hosts => hosts::read_line(line, take),
            Self::Urls => urls::read_line(line, take),
            Self::Expressions => expressions::read_line(line, take),
            Self::Words => words::read_line(line, take),
        }
    }

    /// Reads a whole file. `take` is given the line's number, from 1, and the line as far as it is text.
    pub fn read(self, bytes: &[u8], mut take: impl FnMut(u32, &str, Result<Listed, Refusal>)) {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > LONGEST_LINE {
                take(number, "", Err(Refusal::TooLong));
                continue;
            }
            match std::str::from_utf8(line) {
                Ok(text) if !text.contains('\0') => self.read_line(text.trim(), &mut |entry| take(number, text, entry)),
                Ok(_) | Err(_) => take(number, "", Err(Refusal::NotText)),
            }
        }
    }
}

/// The line without a comment that begins with ` #`.
fn without_comment(line: &str) -> &str {
    let comment = line.match_indices('#').find(|(at, _)| *at == 0 || line.as_bytes()[at - 1].is_ascii_whitespace());
    comment.map_or(line, |(at, _)| &line[..at]).trim_end()
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
mod tests {
    use super::*;

    #[test]
    fn files_of_every_kind_of_ending_and_byte_are_read() {
        let mut bytes = b"\xef\xbb\xbfa.example\r\n\n# note\nb.example # why\n\xff\xfe\nc.exa\0mple\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', LONGEST_LINE + 1));
        bytes.extend(b"\nd.example");
        let mut seen = Vec::new();
        Format::Names.read(&bytes, |line, _, entry| seen.push((line, entry.err())));
        let reasons = [(1, None), (4, None), (5, Some(Refusal::NotText)), (6, Some(Refusal::NotText)), (7, Some(Refusal::TooLong)), (8, None)];
        assert_eq!(seen, reasons);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            for (_, format) in Format::NAMES {
                format.read(&bytes, |_, _, _| {});
            }
        }
    }
}
