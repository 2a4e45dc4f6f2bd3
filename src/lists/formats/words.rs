//! Words and wildcards: a text that may stand anywhere in a URL, `*` for any characters between.

use super::without_comment;
use crate::lists::entry::{self, Listed, Refusal};

/// Reads one line.
pub fn read_line(line: &str, take: &mut dyn FnMut(Result<Listed, Refusal>)) {
    let line = without_comment(line);
    if line.is_empty() {
        return;
    }
    take(if line.contains(char::is_whitespace) { Err(Refusal::ManyWords) } else { entry::word(line) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::formats::{Format, check};

    #[test]
    fn lines() {
        check(
            Format::Words,
            &[
                ("", &[]),
                ("# a comment", &[]),
                ("Unblocked*Games # why", &[Ok(Listed::Word("unblocked*games".into()))]),
                ("two words", &[Err(Refusal::ManyWords)]),
                ("abc", &[Err(Refusal::TooShort)]),
            ],
        );
    }
}
