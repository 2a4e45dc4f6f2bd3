//! Percent-encoding undone, as the words of a URL need it. Pure.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// How often an escape within an escape is undone: an address handed on inside another one is escaped twice.
const DEEPEST: usize = 2;

/// The text with `%xx` undone. Bytes that are no UTF-8 are taken for Latin-1, as old pages send them, so every text has a reading.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'%', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    match Cow::from(percent_decode_str(text)) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|bad| mended(bad.as_bytes()))),
    }
}

fn mended(bytes: &[u8]) -> String {
    let chunks = bytes.utf8_chunks();
    chunks.flat_map(|chunk| chunk.valid().chars().chain(chunk.invalid().iter().copied().map(char::from))).collect()
}

/// The text with `%xx` undone, and undone once more where that leaves escapes.
#[must_use]
pub fn unescape_deeply(text: &str) -> Cow<'_, str> {
    (0..DEEPEST).fold(Cow::Borrowed(text), |text, _| match text {
        Cow::Borrowed(text) => unescape(text),
        Cow::Owned(text) => Cow::Owned(unescape(&text).into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_every_byte_has_a_reading() {
        for (text, once, deeply) in [
            ("plain", "plain", "plain"),
            ("self%20harm", "self harm", "self harm"),
            ("self%2520harm", "self%20harm", "self harm"),
            ("caf%C3%A9", "café", "café"),
            ("caf%E9", "café", "café"),
            ("caf%C3%A9+caf%E9", "café+café", "café+café"),
            ("100%", "100%", "100%"),
            ("%zz%4", "%zz%4", "%zz%4"),
            ("%00%ff", "\0ÿ", "\0ÿ"),
        ] {
            assert_eq!((&*unescape(text), &*unescape_deeply(text)), (once, deeply), "{text}");
        }
    }
}
