//! UT1 and squidGuard `expressions`: one regular expression a line, matched anywhere in the URL without regard to case.
//!
//! Written for POSIX or Perl; read here by the `regex` crate, which runs in bounded time. What it cannot run (back references, looking ahead or
//! behind) is refused by name.

use crate::lists::entry::{self, Listed, Refusal};

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    if !line.is_empty() && !line.starts_with('#') {
        take(entry::expression(line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::formats::{Format, check};

    #[test]
    fn lines() {
        check(
            Format::Expressions,
            &[
                ("", &[]),
                ("# a comment, caf\u{e9}", &[]),
                ("(casino|poker)#x", &[Ok(Listed::Expression("(casino|poker)#x".into()))]),
                ("caf\u{e9}", &[Err(Refusal::BeyondAscii)]),
                ("(casino", &[Err(Refusal::BadExpression)]),
                ("casino(?!royale)", &[Err(Refusal::LookAround)]),
                ("(.)\\1\\1", &[Err(Refusal::BackReference)]),
            ],
        );
    }
}
