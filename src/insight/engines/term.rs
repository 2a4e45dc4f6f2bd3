//! The words of a search, as the person wrote them: escapes undone, in one line, of a length somebody reads.

use crate::insight::escapes::unescape;

/// The longest term kept, in characters. Engines themselves take less than this, but for a few.
const LONGEST: usize = 512;
/// The most of an address that is read for a term, in bytes: each character may be escaped as twelve.
const MOST_READ: usize = 12 * LONGEST;

/// The term in the value of a query's parameter.
pub(super) fn of_query(value: &str) -> Option<String> {
    let value = &value[..value.floor_char_boundary(MOST_READ)];
    if value.bytes().any(|byte| byte == b'+') { in_words(&unescape(&value.replace('+', " ")), LONGEST) } else { in_words(&unescape(value), LONGEST) }
}

/// The term in a segment of a path, where `+` is often used for a space too.
pub(super) fn of_path(segment: &str) -> Option<String> {
    of_query(segment)
}

/// One line of so many characters at most, one space between words, no characters that act instead of being read.
pub(in crate::insight) fn in_words(text: &str, longest: usize) -> Option<String> {
    let mut term = String::with_capacity(text.len().min(4 * longest));
    for c in text.chars().take(longest) {
        let space = c.is_whitespace() || c.is_control();
        if space && !term.is_empty() && !term.ends_with(' ') {
            term.push(' ');
        } else if !space && !acts(c) {
            term.push(c);
        }
    }
    term.truncate(term.trim_end().len());
    (!term.is_empty()).then_some(term)
}

/// Characters that turn the direction of the line they stand in, or are not there to see.
fn acts(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_they_were_written() {
        for (value, expected) in [
            ("how+to+fly", Some("how to fly")),
            ("how%20to%20fly", Some("how to fly")),
            ("a%2Bb+c", Some("a+b c")),
            ("caf%C3%A9", Some("café")),
            ("caf%E9", Some("café")),
            ("%F0%9F%98%80", Some("😀")),
            ("a%00b%0A%0Ac%1B[31m", Some("a b c [31m")),
            ("%E2%80%AEevil%E2%80%8B", Some("evil")),
            ("++a+++b++", Some("a b")),
            ("100%", Some("100%")),
            ("", None),
            ("+%20%0A", None),
        ] {
            assert_eq!(of_query(value).as_deref(), expected, "{value}");
        }
        assert_eq!(of_query(&"%F0%9F%98%80".repeat(9000)).map(|term| term.chars().count()), Some(LONGEST));
    }

    proptest::proptest! {
        #[test]
        fn every_term_is_one_bounded_line(value in "([!-~é語]|%[0-9a-fA-F]{2}){0,900}") {
            if let Some(term) = of_query(&value) {
                proptest::prop_assert!(term.chars().count() <= LONGEST && !term.chars().any(|c| c.is_control() || acts(c)) && term.trim() == term, "{}", term);
            }
        }
    }
}
