//! The sheet for a data protection impact assessment (DPIA): what this installation records of people, taken from its real configuration.
//!
//! An assessment is a judgement, and the school's own. This sheet gives the facts it rests on, which change when the configuration does, and marks what
//! only people can answer. It says nothing of other systems.

use super::coverage::words::plain;
use super::fields::{FIELDS, Field};
use askama::Template;
use jiff::civil::Date;
use serde::Serialize;

/// What a sheet is made from.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The school's name.
    pub school: String,
    /// The day.
    pub date: Date,
    /// How long each class is kept.
    pub kept: Vec<Kept>,
    /// Groups with their number of named members and ranges of addresses.
    pub groups: Vec<Group>,
    /// Where the log lies and what protects it, as looked at now.
    pub protection: Vec<Protection>,
    /// What is looked into as it passes and what is kept of that, in sentences.
    pub passing: Vec<String>,
    /// What is judged of people by the machine, in sentences.
    pub judged: Vec<String>,
    /// Where it goes, in sentences.
    pub goes: Vec<String>,
    /// Who can read it, in sentences.
    pub readers: Vec<String>,
    /// What has happened to the record: looks, holds, erasures.
    pub counts: Vec<Count>,
    /// What is not seen, in sentences.
    pub unseen: Vec<String>,
}

/// How long a kind of record is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The name in usher.toml.
    pub class: String,
    /// What it is.
    pub is: String,
    /// How long.
    pub period: String,
    /// How many records there are now; nothing where they are not counted.
    pub records: Option<u64>,
}

/// A group of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How people are found to be in it.
    pub found_by: String,
}

/// Something that protects the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Protection {
    /// What.
    pub what: String,
    /// How it is.
    pub how: String,
    /// Whether that is as it should be.
    pub stands: Stands,
}

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stands {
    /// It is.
    Good,
    /// Somebody should decide whether it is.
    LookAt,
}

/// A number and what it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What.
    pub what: String,
    /// How many.
    pub number: u64,
}

/// What only people can answer.
pub const OPEN: [&str; 10] = [
    "The lawful basis for recording, and for special categories of data that addresses and searches may reveal (health, religion, orientation).",
    "Who was consulted: pupils, parents, staff, unions, and what came of it.",
    "Whether the lengths of time above are needed, and who agreed to them.",
    "Who may read the record, how they are chosen and trained, and who looks at the list of who looked.",
    "How pupils, parents, staff and visitors are told, and where that notice is.",
    "How a person asks for their records, a correction or an erasure, and who answers within a month.",
    "That signs of danger are looked for by a machine: why that is needed and fair, who looks at each alert before anything is done to a person, and how one is disputed.",
    "Who else works with the data: suppliers, a trust, a county; their contracts; whether data leaves the UK.",
    "Copies and backups of the data folder: where they are, who reads them, and that they end when the record does.",
    "The risks that remain, how likely and how grave, and who accepts them.",
];

/// The sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dpia {
    /// The school's name.
    pub school: String,
    /// The day, as 2026-11-22.
    pub date: String,
    /// Every field of a record.
    pub fields: &'static [Field],
    /// How long each class is kept.
    pub kept: Vec<Kept>,
    /// Whose requests are recorded.
    pub groups: Vec<Group>,
    /// What is looked into as it passes, and what is kept of that.
    pub passing: Vec<String>,
    /// What is judged of people by the machine.
    pub judged: Vec<String>,
    /// Who reads it.
    pub readers: Vec<String>,
    /// What has happened to it.
    pub counts: Vec<Count>,
    /// Where it goes.
    pub goes: Vec<String>,
    /// What protects it.
    pub protection: Vec<Protection>,
    /// What is not seen.
    pub unseen: Vec<String>,
    /// What only people can answer.
    pub open: &'static [&'static str],
    #[serde(skip)]
    day: String,
}

#[derive(Template)]
#[template(path = "dpia/page.html", config = "src/report/askama.toml")]
struct Html<'a> {
    page: &'a Dpia,
    version: &'static str,
}

#[derive(Template)]
#[template(path = "dpia/page.md", config = "src/report/askama.toml", escape = "none")]
struct Words<'a> {
    page: &'a Dpia,
    version: &'static str,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Dpia {
    /// Puts facts on a sheet.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        let Facts { school, date, kept, groups, protection, passing, judged, goes, readers, counts, unseen } = facts;
        let groups = groups.into_iter().map(|group| Group { name: plain(&group.name), found_by: plain(&group.found_by) }).collect();
        let lines = |lines: Vec<String>| lines.iter().map(|line| plain(line)).collect();
        Self {
            school: plain(&school),
            date: date.to_string(),
            fields: &FIELDS,
            kept,
            groups,
            passing: lines(passing),
            judged: lines(judged),
            readers: lines(readers),
            counts,
            goes: lines(goes),
            protection: protection.into_iter().map(|one| Protection { what: plain(&one.what), how: plain(&one.how), ..one }).collect(),
            unseen: lines(unseen),
            open: &OPEN,
            day: date.strftime("%-d %B %Y").to_string(),
        }
    }

    /// As HTML that prints on A4.
    #[must_use]
    pub fn html(&self) -> String {
        // The template's only failure would be to run out of memory; then the words still go out.
        Html { page: self, version: VERSION }.render().unwrap_or_else(|_| self.markdown())
    }

    /// As Markdown, which reads well on a terminal.
    #[must_use]
    pub fn markdown(&self) -> String {
        Words { page: self, version: VERSION }.render().unwrap_or_default()
    }
}

impl Protection {
    fn sign(&self) -> &'static str {
        match self.stands {
            Stands::Good => "✓",
            Stands::LookAt => "△ look at this:",
        }
    }
}

impl Kept {
    fn records(&self) -> String {
        self.records.map_or_else(|| "not counted".to_owned(), |records| records.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            school: "Example <School>".into(),
            date: jiff::civil::date(2026, 11, 25),
            kept: vec![Kept { class: "visit".into(), is: "Pages".into(), period: "12 months".into(), records: Some(7) }],
            groups: vec![Group { name: "year-7".into(), found_by: "1 range of addresses".into() }],
            protection: vec![Protection { what: "Rights".into(), how: "anybody may read it".into(), stands: Stands::LookAt }],
            passing: vec!["Pages are scored.".into()],
            judged: vec!["Signs are weighed.".into()],
            goes: vec!["Nowhere else.".into()],
            readers: vec!["The account usher.".into()],
            counts: vec![Count { what: "looks".into(), number: 3 }],
            unseen: vec!["What is inside encrypted connections.".into()],
        }
    }

    #[test]
    fn the_sheet_says_what_is_and_what_people_must_answer() {
        let page = Dpia::new(facts());
        for text in [page.html(), page.markdown()] {
            for said in [
                "25 November 2026", "12 months", "year-7", "look at this", "Pages are scored.", "Signs are weighed.", "Nowhere else.", "The account usher.",
                "The words searched for.", "encrypted connections",
            ] {
                assert!(text.contains(said), "{said}: {text}");
            }
            assert!(OPEN.iter().all(|question| text.contains(question)));
        }
        assert!(page.html().contains("Example &#60;School&#62;") && !page.html().contains("<School>"));
        let json = serde_json::to_value(&page).expect("written");
        assert_eq!((&json["kept"][0]["records"], &json["protection"][0]["stands"]), (&7.into(), &"look-at".into()));
        assert_eq!(json["fields"].as_array().map(Vec::len), Some(FIELDS.len()));
    }
}
