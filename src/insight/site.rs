//! The parts of a host's name that people mean: `www.bbc.co.uk` is `bbc`, below it `www`, with the ending `co.uk`. Pure.
//!
//! The ending is told by shape: a last label, with one of the usual second-level labels before it where the last is a country's. That is right
//! for nearly every site and needs no list; it serves to tell a site's hosts from others, never to decide.

/// Whether countries put this label before their own.
fn is_second(label: &str) -> bool {
    matches!(label, "co" | "com" | "org" | "ac" | "gov" | "net" | "sch" | "edu" | "ltd" | "plc" | "nhs" | "police" | "mod" | "me" | "or" | "ne" | "go" | "gob")
}

/// A host in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site<'a> {
    /// What stands before the site's own name, without the dot: `www`, `news.m`, or nothing.
    pub below: &'a str,
    /// The site's own name: `bbc`.
    pub name: &'a str,
    /// `co.uk`; empty for a name of one label.
    pub ending: &'a str,
}

impl<'a> Site<'a> {
    /// The parts of a host in its one spelling. An address is one name without an ending.
    #[must_use]
    pub fn of(host: &'a str) -> Self {
        let whole = Self { below: "", name: host, ending: "" };
        if host.bytes().next_back().is_some_and(|byte| byte.is_ascii_digit()) {
            return whole;
        }
        // An IPv6 address has no dot.
        let Some((rest, last)) = parted(host) else { return whole };
        let (rest, ending) = match parted(rest) {
            Some((above, second)) if last.len() == 2 && is_second(second) => (above, &host[above.len() + 1..]),
            Some(_) | None => (rest, last),
        };
        let (below, name) = parted(rest).unwrap_or(("", rest));
        Self { below, name, ending }
    }

    /// The name with its ending: `bbc.co.uk`.
    #[must_use]
    pub fn registered(host: &'a str) -> &'a str {
        let site = Self::of(host);
        if site.below.is_empty() { host } else { &host[site.below.len() + 1..] }
    }

    /// Whether the ending is one under which worldwide companies have their sites: `com`, or a country's.
    #[must_use]
    pub fn is_national(&self) -> bool {
        match self.ending.split_once('.') {
            None => self.ending == "com" || self.ending.len() == 2,
            Some((second, _)) => second == "co" || second == "com",
        }
    }
}

/// What stands before and after the last dot. Labels are short: a plain loop is quicker than a search made for long texts.
fn parted(name: &str) -> Option<(&str, &str)> {
    let dot = name.bytes().rposition(|byte| byte == b'.')?;
    Some((&name[..dot], &name[dot + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_people_mean_them() {
        for (host, below, name, ending, registered) in [
            ("www.bbc.co.uk", "www", "bbc", "co.uk", "bbc.co.uk"),
            ("bbc.co.uk", "", "bbc", "co.uk", "bbc.co.uk"),
            ("news.m.example.com", "news.m", "example", "com", "example.com"),
            ("example.com", "", "example", "com", "example.com"),
            ("school.sch.uk", "", "school", "sch.uk", "school.sch.uk"),
            ("co.uk", "", "co", "uk", "co.uk"),
            ("t.co", "", "t", "co", "t.co"),
            ("localhost", "", "localhost", "", "localhost"),
            ("127.0.0.1", "", "127.0.0.1", "", "127.0.0.1"),
            ("2001:db8::1", "", "2001:db8::1", "", "2001:db8::1"),
            ("", "", "", "", ""),
        ] {
            assert_eq!(Site::of(host), Site { below, name, ending }, "{host}");
            assert_eq!(Site::registered(host), registered, "{host}");
        }
    }
}
