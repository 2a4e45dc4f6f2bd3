//! The parameters of a field, such as `boundary` in `Content-Type` (RFC 9110 section 5.6.6), also as those write them who do not know the rules.

use std::borrow::Cow;

/// The most parameters of one field that are read.
const MOST: usize = 64;

/// Those of a field's value, which stand after its first semicolon: names, and values without their quotes.
pub fn of(value: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    listed(value.split_once(';').map_or("", |(_, rest)| rest))
}

/// Those that stand alone, with semicolons between them.
pub fn listed(mut rest: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches([';', ' ', '\t']);
            if rest.is_empty() {
                return None;
            }
            let stop = rest.find(['=', ';']).unwrap_or(rest.len());
            let (key, after) = (rest[..stop].trim(), &rest[stop..]);
            let Some(value) = after.strip_prefix('=') else {
                rest = after;
                continue;
            };
            let value = value.trim_start();
            let (value, after) = match value.strip_prefix('"') {
                Some(quoted) => unquoted(quoted),
                None => {
                    let end = value.find(';').unwrap_or(value.len());
                    (Cow::Borrowed(value[..end].trim_end()), &value[end..])
                }
            };
            rest = after;
            return Some((key, value));
        }
    })
    .take(MOST)
}

/// A quoted text up to its end, with what escapes stand for; and what is after it.
fn unquoted(text: &str) -> (Cow<'_, str>, &str) {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (Cow::Owned(out), &text[at + 1..]),
            '\\' => out.extend(chars.next().map(|(_, c)| c)),
            c => out.push(c),
        }
    }
    (Cow::Owned(out), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_however_they_are_written() {
        for (value, expected) in [
            ("a/b; x=1;Y = \"2;\\\" 3\" ; z", &[("x", "1"), ("Y", "2;\" 3")][..]),
            ("a/b;;x=a b;y=\"cut", &[("x", "a b"), ("y", "cut")]),
            ("a/b", &[]),
            ("", &[]),
        ] {
            let found: Vec<_> = of(value).map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
            let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(found, expected, "{value}");
        }
        assert_eq!(listed("x=1").count(), 1);
    }
}
