//! What happened in a matter, in sentences: the one voice of messages, of `usher alerts show` and of exports. Pure: what is stated and what was read in,
//! lines out.
//!
//! Who it is is said as whoever asks says ([`Naming`]), and the words of searches only if they say that too. Paths are never told: they hold what was
//! searched for. Nothing that strangers choose can begin a line.

use super::evidence::Evidence;
use super::theme::Theme;
use crate::audit::incident::{Incident, Level, Opened, Person};
use crate::audit::query::Row;
use crate::insight::{ai, engines};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// The most sentences of one kind.
const MOST_SENTENCES: usize = 24;
/// The longest sentence, in characters.
const LONGEST: usize = 400;

/// How the person is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming<'a> {
    /// Not at all.
    Nobody,
    /// By name, or by the address of the device.
    Named,
    /// By this, which stands for the name.
    As(&'a str),
}

/// What may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct May<'a> {
    /// Who it is.
    pub names: Naming<'a>,
    /// What they searched for or asked.
    pub words: bool,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, in school time, as `10:42:03`.
    pub at: String,
    /// What.
    pub text: String,
    /// Why it was answered so, where that is more than the text says; may be empty.
    pub reason: String,
    /// The reference number of its record.
    pub reference: String,
}

/// A matter, as far as it is told the same everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What the matter is, in a sentence.
    pub headline: String,
    /// What happened, in order.
    pub happened: Vec<Line>,
    /// Why it weighs what it weighs.
    pub why: Vec<String>,
    /// What could not be seen.
    pub unseen: Vec<String>,
}

/// Tells a matter as it was when it had come to this level. `rows` are its records as far as they are kept, of which at most `most` are told; `unseen` is
/// what could not be seen.
#[must_use]
pub fn tell(incident: &Incident, level: Level, (rows, most): (&[Row], usize), unseen: &[String], may: May<'_>, zone: &TimeZone) -> Account {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|row| row.number);
    Account {
        headline: headline(incident, level, may, zone),
        happened: rows.into_iter().take(most).map(|row| line(row, may.words, zone)).collect(),
        why: why(incident),
        unseen: sentences(unseen),
    }
}

/// Why it is as grave as it is, and why other themes are part of it.
fn why(incident: &Incident) -> Vec<String> {
    let mut all = sentences(incident.factors());
    for part in incident.parts() {
        all.push(format!("Typed within minutes of it, and part of it: {}.", theme(part.theme)));
        all.extend(sentences(part.factors));
    }
    all
}

fn headline(incident: &Incident, level: Level, may: May<'_>, zone: &TimeZone) -> String {
    let opened = &incident.opened;
    let level_said = match level {
        Level::Danger => "danger",
        Level::Concern | Level::Watch => "a matter of concern",
    };
    let place = incident.place(level).filter(|_| may.names != Naming::Nobody);
    let place = place.map_or_else(String::new, |place| format!(" in {}", one_line(place, LONGEST)));
    let count = incident.records.len();
    let signs = if count == 1 { "one sign".to_owned() } else { format!("{count} signs") };
    let at = clock(incident.reached(level), zone, "%A %-d %B, %H:%M");
    format!("{}: {level_said}, by {signs} of {}, {at}{place}.", who(opened, may.names), themes(incident))
}

/// What a matter is about, in a sentence: the theme it began with, and those that are part of it.
#[must_use]
pub fn themes(incident: &Incident) -> String {
    let mut all: Vec<&str> = incident.themes().map(theme).collect();
    let last = all.pop().unwrap_or_default();
    if all.is_empty() { last.to_owned() } else { format!("{} and {last}", all.join(", ")) }
}

/// A theme in a sentence, whatever version named it.
#[must_use]
pub fn theme(name: &str) -> &'static str {
    Theme::named(name).map_or("another matter", Theme::words)
}

/// Who it is, in a sentence.
#[must_use]
pub fn who(opened: &Opened, names: Naming<'_>) -> String {
    let group = one_line(&opened.group, LONGEST);
    match (names, &opened.who) {
        (Naming::Named, Person::User(user)) => format!("{} ({group})", one_line(user, LONGEST)),
        (Naming::Named, Person::Device(address)) => format!("Somebody at {} ({group})", one_line(address, LONGEST)),
        (Naming::As(other), Person::User(_)) => format!("{other} ({group})"),
        (Naming::As(other), Person::Device(_)) => format!("Somebody at {other} ({group})"),
        (Naming::Nobody, _) if opened.is_staff => format!("A member of staff of {group}"),
        (Naming::Nobody, _) => format!("A pupil of {group}"),
    }
}

/// How sure it is who it is, where that is less than proved.
#[must_use]
pub fn known_by(opened: &Opened) -> Option<&'static str> {
    match opened.confidence.as_str() {
        "proved" => None,
        "place" | "network" => Some("Who it is is known by the place only: anybody at the device may have been it."),
        _ => Some("It is not known who was at the device."),
    }
}

/// What a record is of.
#[must_use]
pub fn line(row: &Row, words: bool, zone: &TimeZone) -> Line {
    let mut text = match (row.engine.as_deref(), row.start.as_str()) {
        (Some(engine), start) => {
            let label = engines::label(engine);
            let asked = match (ai::label(engine), start) {
                (Some(label), _) => format!("asked {label}"),
                (None, "loaded" | "background") => format!("a page loaded a search at {label}"),
                (None, "clicked") => format!("followed a link to a search at {label}"),
                (None, _) => format!("typed a search at {label}"),
            };
            match &row.term {
                Some(term) if words => format!("{asked}: \"{term}\""),
                _ => asked,
            }
        }
        (None, "typed") => format!("went to {}", row.host),
        (None, "clicked") => format!("clicked and came to {}", row.host),
        (None, "background") => format!("the device by itself asked for {}", row.host),
        (None, _) => format!("a page loaded something from {}", row.host),
    };
    if !row.categories.is_empty() {
        text += &format!(", listed under {}", row.categories.join(", "));
    }
    text += match row.verdict.as_str() {
        "blocked" => "; it was blocked",
        "refused" => "; it was refused",
        "warned" => "; a warning was shown",
        _ => "; it was let through",
    };
    // What words were seen stands in the reason too.
    let reason = if row.reason == "words" && !words { row.why.split(" Seen: ").next().unwrap_or_default() } else { &row.why };
    Line {
        at: clock(row.time_ms, zone, "%H:%M:%S"),
        text: one_line(&text, LONGEST),
        reason: if row.verdict == "allowed" { String::new() } else { one_line(reason, LONGEST) },
        reference: row.id.clone(),
    }
}

/// What was around it: others, the theme earlier, and what is gone.
#[must_use]
pub fn around(evidence: &Evidence, zone: &TimeZone) -> Vec<String> {
    let mut said = Vec::new();
    for beside in evidence.beside.iter().filter(|beside| beside.others > 0) {
        let others = if beside.others == 1 { "One other was".to_owned() } else { format!("{} others were", beside.others) };
        said.push(format!("{others} at {} within ten minutes ({}).", one_line(&beside.site, LONGEST), one_line(&beside.groups.join(", "), LONGEST)));
    }
    for earlier in &evidence.earlier {
        let outcome = earlier.outcome.map_or("not closed".to_owned(), |outcome| format!("closed: {}", outcome.words()));
        said.push(format!("The same theme earlier: {} on {}, {outcome} ({}).", earlier.level.as_str(), clock(earlier.at_ms, zone, "%-d %B"), earlier.episode));
    }
    match evidence.gone.len() {
        0 => {}
        1 => said.push("One of its records is not kept any more.".to_owned()),
        gone => said.push(format!("{gone} of its records are not kept any more.")),
    }
    said
}

/// That it was closed and is open again, if it is.
#[must_use]
pub fn again(incident: &Incident, zone: &TimeZone) -> Option<String> {
    let (at, by, outcome) = incident.reopened()?;
    let day = clock(at.unsigned_abs(), zone, "%-d %B, %H:%M");
    Some(format!("It is open again: it has got worse since {} closed it on {day} ({}).", one_line(by, LONGEST), outcome.words()))
}

/// At most so many sentences, each on one line.
#[must_use]
pub fn sentences(of: &[String]) -> Vec<String> {
    of.iter().take(MOST_SENTENCES).map(|sentence| one_line(sentence, LONGEST)).collect()
}

/// A moment in the school's time.
#[must_use]
pub fn clock(unix_ms: u64, zone: &TimeZone, form: &str) -> String {
    let at = Timestamp::from_millisecond(unix_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).strftime(form).to_string()
}

/// A text without what could begin a line, a header or a command to a terminal, and not longer than this.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    // Marks that turn the direction of writing would let a name say something else than it does.
    let unfit = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let line = text.split(|c: char| c.is_whitespace() || unfit(c)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
