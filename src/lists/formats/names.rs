//! Plain names: one name, address or range a line. A name covers itself and all names below it.
//!
//! UT1 and squidGuard call such a file `domains`. Comments begin with `#`, `!` or `;`.

use super::without_remark;
use crate::lists::entry::{self, Listed, Refusal};

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    let line = without_remark(line);
    if line.is_empty() {
        return;
    }
    take(if line.contains(char::is_whitespace) { Err(Refusal::ManyWords) } else { entry::name(line) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::lists::formats::{Format, check};

    #[test]
    fn lines() {
        let name = |text: &str| Ok(Listed::Name(Host::parse(text).expect("a host")));
        check(
            Format::Names,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("! a comment", &[]),
                ("; a comment", &[]),
                ("games.example", &[name("games.example")]),
                ("games.example # why", &[name("games.example")]),
                ("games.example other.example", &[Err(Refusal::ManyWords)]),
                ("https://games.example/", &[Err(Refusal::UrlAmongNames)]),
                ("xn--", &[Err(Refusal::NotAHost)]),
            ],
        );
    }
}
