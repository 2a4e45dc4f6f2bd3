//! How the illegal tier stands, in words: one headline, then what a technician and a governor ask. The same everywhere it is shown.

use super::sealed::Header;
use super::state::{Red, Standing};
use jiff::{Timestamp, Unit};
use serde::Serialize;

/// The sentence for a school that has no feed.
pub const NOT_PRESENT: &str = "Illegal-content lists: not present. You do not meet the DfE standard.";
/// What such a school can do.
pub const HOW_TO_GET_ONE: &str = "How to get one: membership of the Internet Watch Foundation, or a provider whose sealed feed you name under [illegal] in usher.toml; \
    or a parent proxy (upstream) whose operator is a member.";

/// The standing for programs, as `--json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// `not-present`, `sealed`, `demonstration` or `red`.
    pub standing: &'static str,
    /// The headline.
    pub text: String,
    /// All that is wrong.
    pub why: Vec<Problem>,
    /// The feed in force.
    pub in_force: Option<InForce>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// One word: `removed`, `key`, `tampered`, `downgraded`, `other-publisher`, `stale` or `unkept`.
    pub kind: &'static str,
    /// What is wrong and what to do.
    pub text: String,
}

/// The feed in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// Whose it is.
    pub publisher: String,
    /// Its number.
    pub serial: u64,
    /// When it was made, in UTC.
    pub issued: String,
    /// Until when it is good, in UTC.
    pub good_until: String,
    /// How many hours ago it was made.
    pub age_hours: i64,
    /// The categories it has entries of.
    pub categories: Vec<&'static str>,
    /// Entries for one page.
    pub pages: u32,
    /// Entries for a whole site, seen in http and https.
    pub sites: u32,
    /// Of the pages, those listed as https only.
    pub https_only: u32,
}

impl Standing {
    /// The standing in one sentence.
    #[must_use]
    pub fn headline(&self, now: Timestamp) -> String {
        match self {
            Self::NotPresent => NOT_PRESENT.to_owned(),
            Self::Sealed(header) => format!("Illegal-content lists: sealed feed of {}, {}.", header.publisher, age(header, now)),
            Self::Demonstration(_) => "Illegal-content lists: a demonstration, not a real list. You do not meet the DfE standard.".to_owned(),
            Self::Red { why, in_force } => {
                let why: Vec<_> = why.iter().map(ToString::to_string).collect();
                let still = if in_force.is_some() { "What was in force stays in force." } else { "Nothing is in force. You do not meet the DfE standard." };
                format!("Illegal-content lists: RED: {}. {still}", why.join("; also, "))
            }
        }
    }

    /// The standing as lines of a name and what is to be said of it.
    #[must_use]
    pub fn lines(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        match self {
            Self::NotPresent => vec![("standing", NOT_PRESENT.to_owned()), ("what to do", HOW_TO_GET_ONE.to_owned())],
            Self::Sealed(header) => [vec![("standing", self.headline(now))], of_feed(header, now)].concat(),
            Self::Demonstration(header) => [vec![("standing", self.headline(now)), ("what to do", HOW_TO_GET_ONE.to_owned())], of_feed(header, now)].concat(),
            Self::Red { why, in_force } => {
                let mut lines = vec![("standing", "Illegal-content lists: RED.".to_owned())];
                lines.extend(why.iter().map(|red| ("why", format!("{red}."))));
                match in_force {
                    Some(header) => lines.extend(of_feed(header, now)),
                    None => lines.push(("in force", "Nothing. You do not meet the DfE standard.".to_owned())),
                }
                lines
            }
        }
    }

    /// What a school is to be told is missing, if anything: at each start, and wherever else that is listed.
    #[must_use]
    pub fn missing(&self, now: Timestamp) -> Vec<String> {
        match self {
            Self::NotPresent | Self::Demonstration(_) | Self::Red { .. } => vec![self.headline(now)],
            Self::Sealed(header) if header.pages > 0 => vec![pages_unseen(header)],
            Self::Sealed(_) => vec![],
        }
    }

    /// The standing for programs.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let (standing, why, header) = match self {
            Self::NotPresent => ("not-present", &[][..], None),
            Self::Sealed(header) => ("sealed", &[][..], Some(header)),
            Self::Demonstration(header) => ("demonstration", &[][..], Some(header)),
            Self::Red { why, in_force } => ("red", &why[..], in_force.as_ref()),
        };
        let why = why.iter().map(Problem::of).collect();
        Status { standing, text: self.headline(now), why, in_force: header.map(|header| InForce::of(header, now)) }
    }
}

impl Problem {
    fn of(red: &Red) -> Self {
        Self { kind: red.kind(), text: red.to_string() }
    }
}

impl InForce {
    fn of(header: &Header, now: Timestamp) -> Self {
        Self {
            publisher: header.publisher.to_string(),
            serial: header.serial,
            issued: header.issued.to_string(),
            good_until: header.good_until().to_string(),
            age_hours: hours(header, now),
            categories: header.kinds.iter().map(|kind| kind.id()).collect(),
            pages: header.pages,
            sites: header.sites,
            https_only: header.https_only,
        }
    }
}

fn of_feed(header: &Header, now: Timestamp) -> Vec<(&'static str, String)> {
    let kinds: Vec<_> = header.kinds.iter().map(|kind| kind.id()).collect();
    vec![
        (
            "in force",
            format!("feed number {} of {}, made {} ({}), good until {}", header.serial, header.publisher, header.issued, age(header, now), header.good_until()),
        ),
        ("entries", format!("{} and {}: {}", count(header.pages, "page"), count(header.sites, "site"), kinds.join(", "))),
        ("not seen", pages_unseen(header)),
    ]
}

/// What of the feed can only be seen by who looks inside TLS.
fn pages_unseen(header: &Header) -> String {
    let Header { pages, https_only, .. } = header;
    let listed = if *https_only > 0 { format!(" {https_only} of them are listed as https only.") } else { String::new() };
    format!("Illegal-content lists: over https, {} can only be seen where https is looked into.{listed}", count(*pages, "listed page"))
}

fn count(number: u32, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn hours(header: &Header, now: Timestamp) -> i64 {
    now.since(header.issued).ok().and_then(|span| span.total(Unit::Hour).ok()).map_or(0, |hours| {
        #[expect(clippy::cast_possible_truncation, reason = "a number of hours between two times there are")]
        let whole = hours.floor() as i64;
        whole.max(0)
    })
}

fn age(header: &Header, now: Timestamp) -> String {
    match hours(header, now) {
        0 => "less than an hour old".to_owned(),
        1 => "1 hour old".to_owned(),
        hours if hours < 72 => format!("{hours} hours old"),
        hours => format!("{} days old", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::illegal::sealed::tests::feed;

    #[test]
    fn every_standing_is_said_in_words_a_governor_understands() {
        let header = feed("terrorism https://sealed.example/1\nterrorism http://sealed.example/2\nterrorism site bad.example\n").header;
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let now = at("2026-11-25T12:30:00Z");
        let red = |in_force| Standing::Red { why: vec![Red::Unset, Red::SameNumber(7)], in_force };
        for (standing, word, headline) in [
            (Standing::NotPresent, "not-present", "Illegal-content lists: not present. You do not meet the DfE standard."),
            (Standing::Sealed(header.clone()), "sealed", "Illegal-content lists: sealed feed of Example Publisher, 4 hours old."),
            (
                Standing::Demonstration(header.clone()),
                "demonstration",
                "Illegal-content lists: a demonstration, not a real list. You do not meet the DfE standard.",
            ),
            (
                red(Some(header.clone())),
                "red",
                "Illegal-content lists: RED: the setting [illegal] was taken out of usher.toml; put it back; also, the feed is another than the one with number 7 that was in force; fetch the newest from its publisher. What was in force stays in force.",
            ),
        ] {
            assert_eq!(standing.headline(now), headline);
            assert_eq!(standing.status(now).standing, word);
            assert_eq!(standing.status(now).in_force.is_some(), standing != Standing::NotPresent);
        }
        assert!(red(None).headline(now).ends_with("Nothing is in force. You do not meet the DfE standard."));
        let lines: Vec<_> = Standing::Sealed(header.clone()).lines(now).into_iter().map(|(name, text)| format!("{name}: {text}")).collect();
        assert_eq!(
            lines[1..],
            [
                "in force: feed number 7 of Example Publisher, made 2026-11-25T08:00:00Z (4 hours old), good until 2026-11-26T08:00:00Z",
                "entries: 2 pages and 1 site: terrorism",
                "not seen: Illegal-content lists: over https, 2 listed pages can only be seen where https is looked into. 1 of them are listed as https only.",
            ]
        );
        assert_eq!(age(&header, at("2026-11-25T08:10:00Z")), "less than an hour old");
        assert_eq!(age(&header, at("2026-12-25T08:10:00Z")), "30 days old");
        assert_eq!(age(&header, at("2020-01-01T00:00:00Z")), "less than an hour old");
    }
}
