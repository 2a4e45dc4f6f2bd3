//! Names with `*` for any characters, as groups and users are named in rules.

/// A name that may hold `*`. Compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl Glob {
    /// A glob of this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase().into())
    }

    /// As written, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the glob holds no `*`, and so means one name.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether the whole of `name` is covered.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let Some((head, tail)) = self.0.split_once('*') else { return *self.0 == *name };
        let Some(mut rest) = name.strip_prefix(head) else { return false };
        let (middle, last) = tail.rsplit_once('*').unwrap_or(("", tail));
        for part in middle.split('*') {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_stand_for_any_characters() {
        for (glob, yes, no) in [
            ("year-7", "Year-7", "year-70"),
            ("year-*", "year-11", "my-year-7"),
            ("*-staff", "it-staff", "staff-x"),
            ("7a-*-x", "7a-smith-x", "7a-x"),
            ("a*b*c", "a1b2c", "acb"),
            ("*", "", "\u{0}"),
            ("a**b", "ab", "a"),
        ] {
            assert!(Glob::new(glob).matches(yes), "{glob} {yes}");
            if glob != "*" {
                assert!(!Glob::new(glob).matches(no), "{glob} {no}");
            }
        }
    }
}
