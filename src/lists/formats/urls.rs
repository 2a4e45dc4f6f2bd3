//! UT1 and squidGuard `urls`: `host/path`, with or without a scheme, covering that page and all below it.
//!
//! An entry ends where a `/`, `?`, `&`, `=` or `;` follows, or the URL ends: `news.example/games` is not `news.example/gamesroom`.

use crate::lists::entry::{self, Listed, Refusal};

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    if line.is_empty() || line.starts_with('#') {
        return;
    }
    let mut words = line.split_ascii_whitespace();
    let url = words.next().unwrap_or_default();
    let lone = words.next().is_none_or(|word| word.starts_with('#'));
    take(if lone { entry::prefix(url) } else { Err(Refusal::ManyWords) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::formats::{Format, check};

    #[test]
    fn lines() {
        let prefix = |text: &str| Ok(Listed::Prefix(text.to_owned()));
        check(
            Format::Urls,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("news.example/games/", &[prefix("news.example/games")]),
                ("news.example/games # why", &[prefix("news.example/games")]),
                ("http://www.news.example/games", &[prefix("news.example/games")]),
                ("news.example/play?id=7", &[prefix("news.example/play?id=7")]),
                ("news.example/a b", &[Err(Refusal::ManyWords)]),
                ("ftp://news.example/games", &[Err(Refusal::NotAHost)]),
                ("/games", &[Err(Refusal::NotAHost)]),
            ],
        );
    }
}
