//! Names with a star, as DNS filters have them: `*.games.example`.
//!
//! The strictest tools leave the name itself out (`*.x` as names below `x` only). Here `*.x` covers `x` too, as in Pi-hole and blocky: whoever
//! lists all names below a site means the site. A name without a star stands for itself alone, which is why it is written without one.
//! Comments begin with `#`, `!` or `;`.

use super::without_remark;
use crate::lists::entry::{self, Listed, Refusal};

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    let line = without_remark(line);
    if line.is_empty() {
        return;
    }
    take(match line {
        _ if line.contains(char::is_whitespace) => Err(Refusal::ManyWords),
        _ if line.starts_with("*.") || line == "*" => entry::name(line),
        _ if line.contains('/') => Err(Refusal::UrlAmongNames),
        _ => entry::exact(line),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::lists::formats::{Format, check};

    #[test]
    fn lines() {
        let host = |text: &str| Host::parse(text).expect("a host");
        check(
            Format::Wildcard,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("! a comment", &[]),
                ("*.games.example", &[Ok(Listed::Name(host("games.example")))]),
                ("*.GAMES.example. # why", &[Ok(Listed::Name(host("games.example")))]),
                ("games.example", &[Ok(Listed::Exact(host("games.example")))]),
                ("*.com", &[Err(Refusal::TopLevel)]),
                ("*", &[Err(Refusal::EveryName)]),
                ("ads*.example.com", &[Err(Refusal::NotAHost)]),
                ("*.*.example.com", &[Err(Refusal::NotAHost)]),
                ("*.games.example other.example", &[Err(Refusal::ManyWords)]),
                ("games.example/play", &[Err(Refusal::UrlAmongNames)]),
            ],
        );
    }
}
