//! UT1 and squidGuard `expressions`: one regular expression a line, matched anywhere in the URL without regard to case.
//!
//! Written for POSIX; read here by the `regex` crate, which knows all of POSIX that lists use but back references. Those are refused.

use crate::lists::entry::{Listed, Refusal};

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    if !line.is_empty() && !line.starts_with('#') {
        take(if line.is_ascii() { Ok(Listed::Expression(line.to_owned())) } else { Err(Refusal::BeyondAscii) });
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
            ],
        );
    }
}
