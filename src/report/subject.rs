//! What a person is given who asks what the filter has recorded about them: a guide, and the records to read.
//!
//! Without third parties: the names of other users are taken out of addresses and searches, staff who looked are letters, and of the filter's inside
//! only the reason in words is told. What else an address may say of others no program can tell; the guide asks the school to read it through.

pub mod alerts;
pub mod restrictions;

use super::coverage::words::plain;
use super::dpia::Kept;
use super::fields::{self, Field};
use crate::audit::query::Row;
use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a reader sees in place of another person's name.
const SOMEBODY: &str = "[another person]";
/// The shortest user name that is looked for in addresses: shorter ones are in many words.
const SHORTEST_NAME: usize = 3;

/// One look at the person's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// When, as people read it.
    pub when: String,
    /// By whom: a letter.
    pub by: String,
}

/// What the guide says.
#[derive(Clone, Debug)]
pub struct Guide {
    /// The school's name.
    pub school: String,
    /// Whose records.
    pub user: String,
    /// The day, in words.
    pub day: String,
    /// How many records from when to when, in a sentence.
    pub summary: String,
    /// How many alerts are in the file.
    pub alerts: usize,
    /// How often another person's name was taken out.
    pub covered: u64,
    /// How long each class is kept.
    pub kept: Vec<Kept>,
    /// Whether some are held.
    pub held: bool,
    /// Who looked.
    pub looks: Vec<Look>,
}

struct Page<'a> {
    school: String,
    user: String,
    day: &'a str,
    summary: &'a str,
    alerts: usize,
    covered: u64,
    kept: &'a [Kept],
    held: bool,
    looks: &'a [Look],
    fields: Vec<&'static Field>,
}

#[derive(Template)]
#[template(path = "subject/guide.html", config = "src/report/askama.toml")]
struct GuideHtml<'a> {
    page: Page<'a>,
    version: &'static str,
}

impl Guide {
    /// As HTML.
    pub fn html(&self) -> Result<String, askama::Error> {
        let Self { school, user, day, summary, alerts, covered, kept, held, looks } = self;
        let fields = fields::given().collect();
        let page = Page { school: plain(school), user: plain(user), day, summary, alerts: *alerts, covered: *covered, kept, held: *held, looks, fields };
        GuideHtml { page, version: env!("CARGO_PKG_VERSION") }.render()
    }
}

/// The accounts that looked, as letters in the order they first did: `A`, `B`, … `Z`, `A1`.
#[must_use]
pub fn letters(looks: &[(Timestamp, String)], zone: &TimeZone) -> Vec<Look> {
    let mut known: Vec<&str> = Vec::new();
    looks
        .iter()
        .map(|(at, who)| {
            let place = known.iter().position(|one| one == who).unwrap_or_else(|| {
                known.push(who);
                known.len() - 1
            });
            let letter = char::from(b'A' + u8::try_from(place % 26).unwrap_or_default());
            let round = if place < 26 { String::new() } else { (place / 26).to_string() };
            Look { when: at.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M").to_string(), by: format!("Account {letter}{round} of the school") }
        })
        .collect()
}

/// Takes the names of others out of texts.
pub struct Cover {
    own: String,
    others: BTreeSet<String>,
    /// How often one was taken out.
    pub covered: u64,
}

impl Cover {
    /// For this user, among these (in small letters).
    #[must_use]
    pub fn new(user: &str, users: &BTreeSet<String>) -> Self {
        let own = user.to_lowercase();
        let others = users.iter().filter(|other| **other != own && other.len() >= SHORTEST_NAME).cloned().collect();
        Self { own, others, covered: 0 }
    }

    /// A text without the names of others. A name is a whole word, also with what an address has around it, as in `/people/b.smith`.
    pub fn text(&mut self, text: &str) -> String {
        let part_of_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(part_of_name) {
            let end = rest[start..].find(|c| !part_of_name(c)).map_or(rest.len(), |length| start + length);
            out.push_str(&rest[..start]);
            let word = &rest[start..end];
            let name = word.trim_matches(['.', '-', '_']).to_lowercase();
            if name != self.own && self.others.contains(&name) {
                self.covered += 1;
                out.push_str(SOMEBODY);
            } else {
                out.push_str(word);
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }
}

/// A record as the person is given it, by field. `shared` says whether others were at the address.
pub fn own(row: &Row, shared: bool, cover: &mut Cover) -> serde_json::Result<Map<String, Value>> {
    let Value::Object(mut whole) = serde_json::to_value(row)? else { return Ok(Map::new()) };
    let mut given = Map::new();
    for field in fields::given() {
        let value = match (field.name, whole.remove(field.name).unwrap_or_default()) {
            ("path" | "term" | "why" | "note" | "host" | "referrer", Value::String(text)) => Value::String(cover.text(&text)),
            (_, value) => value,
        };
        given.insert(field.name.to_owned(), value);
    }
    given.insert("client_shared".to_owned(), Value::Bool(shared));
    Ok(given)
}

/// A value as a spreadsheet shows it.
#[must_use]
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

struct Line {
    time: String,
    what: String,
    place: String,
    answer: String,
}

struct Day {
    title: String,
    lines: Vec<Line>,
    others: u64,
}

/// The records by day, to be read.
#[derive(Default)]
pub struct Days(BTreeMap<jiff::civil::Date, Day>);

#[derive(Template)]
#[template(path = "subject/records.html", config = "src/report/askama.toml")]
struct RecordsHtml<'a> {
    user: String,
    days: Vec<&'a Day>,
}

impl Days {
    /// Adds a record. They come oldest first.
    pub fn add(&mut self, row: &Row, zone: &TimeZone, cover: &mut Cover) {
        let time = Timestamp::from_millisecond(row.time_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
        let new = || Day { title: time.strftime("%A %-d %B %Y").to_string(), lines: Vec::new(), others: 0 };
        let day = self.0.entry(time.date()).or_insert_with(new);
        let stopped = row.verdict == "blocked" || row.verdict == "warned" || row.verdict == "refused";
        let what = match (&row.term, row.kind.as_str()) {
            (Some(term), _) => format!("searched for “{}”", plain(&cover.text(term))),
            (None, "visit") => "went to a page".to_owned(),
            (None, _) if stopped => "asked for something".to_owned(),
            (None, _) => {
                day.others += 1;
                return;
            }
        };
        let answer = if stopped { format!("{}: {}", row.verdict, cover.text(&row.why)) } else { row.verdict.clone() };
        day.lines.push(Line { time: time.strftime("%H:%M:%S").to_string(), what, place: plain(&cover.text(&row.url())), answer: plain(&answer) });
    }

    /// As HTML.
    pub fn html(&self, user: &str) -> Result<String, askama::Error> {
        RecordsHtml { user: plain(user), days: self.0.values().collect() }.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_taken_out_and_nothing_else_is() {
        let users = ["b.smith", "anna", "al", "c-patel"].map(str::to_owned).into();
        let mut cover = Cover::new("Anna", &users);
        for (text, covered) in [
            ("/people/b.smith/photos", "/people/[another person]/photos"),
            ("from B.Smith.", "from [another person]"),
            ("?to=c-patel&from=anna", "?to=[another person]&from=anna"),
            ("/al/b.smithson/xb.smith", "/al/b.smithson/xb.smith"),
            ("ünïcode/äß?", "ünïcode/äß?"),
            ("", ""),
        ] {
            assert_eq!(cover.text(text), covered);
        }
        assert_eq!(cover.covered, 3);
    }

    #[test]
    fn nothing_of_the_filters_inside_is_given_and_all_else_is() {
        let row = Row {
            why: "Games is blocked for year-7.".into(),
            rule: Some("secret rule".into()),
            entry: Some(crate::lists::Entry { list: "secret list".into(), line: 7, text: "secret text".into() }),
            snapshot: "0123456789abcdef".into(),
            ..Row::default()
        };
        let given = own(&row, true, &mut Cover::new("anna", &BTreeSet::new())).expect("written");
        let text = Value::Object(given.clone()).to_string();
        assert!(!text.contains("secret") && !text.contains("0123456789abcdef"), "{text}");
        assert_eq!((given.len(), &given["why"], &given["client_shared"]), (37, &"Games is blocked for year-7.".into(), &true.into()));
    }

    #[test]
    fn alerts_are_given_without_those_who_dealt_with_them_and_without_other_pupils() {
        use crate::audit::incident::{Act, Incident, Opened, Outcome, Person, fixture};
        let opened = Opened {
            who: Person::User("anna".into()),
            at_ms: 1_795_600_920_000,
            factors: vec!["It was typed.".into()],
            unseen: vec!["Sealed.".into()],
            ..fixture::opened(7, "self-harm")
        };
        let mut matter = Incident::new(opened.clone());
        let (episode, theme, by) = (opened.episode, opened.theme.clone(), "Ms Bell (account office)".to_owned());
        let noted = Act::Noted { episode, theme: theme.clone(), by: by.clone(), text: "She was with b.smith <b>".into() };
        let (action, reason) = ("Spoke with her".into(), "b.smith worried her".into());
        let closed = Act::Closed { episode, theme, by, outcome: Outcome::Talked, action, reason, disputed: None };
        for (number, act) in (1..).zip([Act::Opened(Box::new(opened)), noted, closed]) {
            matter.take(number, 1_795_600_920_000, act);
        }
        let mut cover = Cover::new("anna", &["b.smith".to_owned(), "anna".to_owned()].into());
        let given = alerts::Given::of(&matter, &mut cover, &TimeZone::UTC);
        assert_eq!((given.done.len(), cover.covered, given.why.as_slice()), (2, 2, &["It was typed.".to_owned()][..]));
        let page = alerts::html("anna", std::slice::from_ref(&given)).expect("made");
        for text in [serde_json::to_string(&given).expect("written"), page.clone()] {
            assert!(!text.contains("Bell") && !text.contains("office") && !text.contains("b.smith"), "{text}");
            assert!(text.contains("Spoke with her") && text.contains("[another person]") && text.contains("anna"), "{text}");
        }
        assert!(!page.contains("<b>"), "{page}");
    }

    #[test]
    fn who_looked_is_a_letter_and_the_same_one_for_the_same_account() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let looks = [("2026-11-25T10:00:00Z", "bell"), ("2026-11-26T10:00:00Z", "gray"), ("2026-11-27T10:00:00Z", "bell")]
            .map(|(time, who)| (at(time), who.to_owned()));
        let by: Vec<_> = letters(&looks, &TimeZone::UTC).into_iter().map(|look| look.by).collect();
        assert_eq!(by, ["Account A of the school", "Account B of the school", "Account A of the school"]);
    }
}
