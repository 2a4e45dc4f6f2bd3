//! A matter in sentences, for a message or a page. Pure: what is stated and what was read in, lines out.
//!
//! Names are there only if whoever asks says so, and the words of searches only if they say that too. The title holds neither words, sites nor addresses.

use super::evidence::Evidence;
use super::theme::Theme;
use crate::audit::RecordId;
use crate::audit::incident::{Incident, Person};
use crate::audit::query::Row;
use crate::insight::{ai, engines};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What may be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct May {
    /// Who it is.
    pub names: bool,
    /// What they searched for or asked.
    pub words: bool,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, in school time, as `10:42:03`.
    pub time: String,
    /// What.
    pub text: String,
    /// Its reference number.
    pub record: RecordId,
}

/// A matter in sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Such as `Danger: self-harm, year-9, 10:42`.
    pub title: String,
    /// What the matter is, in a sentence.
    pub first: String,
    /// What happened, in order.
    pub happened: Vec<Line>,
    /// Why it is as grave as it is.
    pub why: Vec<String>,
    /// What could not be seen.
    pub unseen: Vec<String>,
    /// What was around it: others, and the theme earlier.
    pub around: Vec<String>,
}

/// Tells a matter in the school's time.
#[must_use]
pub fn tell(incident: &Incident, evidence: &Evidence, may: May, zone: &TimeZone) -> Story {
    let opened = &incident.opened;
    let theme = Theme::named(&opened.theme).map_or(opened.theme.as_str(), |theme| theme.words());
    let (level, time) = (begun(incident.level.as_str()), clock(opened.at_ms, zone, "%H:%M"));
    let who = who(incident, may);
    let place = opened.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
    let told = if may.names { format!(" {},", one_line(&name(&opened.who))) } else { String::new() };
    Story {
        title: format!("{level}: {theme},{told} {}, {time}", one_line(&opened.group)),
        first: format!("{who}{place}, at {time} on {}: {}, {theme}.", clock(opened.at_ms, zone, "%A %-d %B"), incident.level.as_str()),
        happened: evidence.records.iter().map(|row| line(row, may, zone)).collect(),
        why: incident.factors().to_vec(),
        unseen: evidence.unseen.clone(),
        around: around(evidence, zone),
    }
}

fn name(who: &Person) -> String {
    match who {
        Person::User(name) => name.clone(),
        Person::Device(address) => format!("somebody at {address}"),
    }
}

fn who(incident: &Incident, may: May) -> String {
    let (opened, group) = (&incident.opened, one_line(&incident.opened.group));
    match (&opened.who, may.names) {
        (Person::User(name), true) => format!("{} ({group})", one_line(name)),
        (Person::Device(address), true) => format!("Somebody at the device {address} ({group})"),
        (_, false) if opened.is_staff => format!("A member of staff ({group})"),
        (_, false) => format!("Somebody in {group}"),
    }
}

fn line(row: &Row, may: May, zone: &TimeZone) -> Line {
    let did = match (row.start.as_str(), row.engine.as_deref()) {
        (start, Some(engine)) => {
            let asked = match (ai::label(engine), start) {
                (Some(label), _) => format!("asked {label}"),
                (None, "loaded" | "background") => format!("a page loaded a search at {}", engines::label(engine)),
                (None, "clicked") => format!("followed a link to a search at {}", engines::label(engine)),
                (None, _) => format!("typed a search at {}", engines::label(engine)),
            };
            match &row.term {
                Some(term) if may.words => format!("{asked}: \"{}\"", one_line(term)),
                _ => asked,
            }
        }
        ("typed", None) => format!("went to {}", row.host),
        ("clicked", None) => format!("clicked and came to {}", row.host),
        ("background", None) => format!("the device by itself asked for {}", row.host),
        (_, None) => format!("a page loaded {}", row.host),
    };
    let became = match row.verdict.as_str() {
        "blocked" | "refused" => "it was blocked",
        "warned" => "a warning was shown",
        _ => "it was let through",
    };
    // What words were seen stands in the reason too.
    let reason = if row.reason == "words" && !may.words { row.why.split(" Seen: ").next().unwrap_or_default() } else { &row.why };
    Line { time: clock(row.time_ms, zone, "%H:%M:%S"), text: format!("{did}; {became}. {}", one_line(reason)), record: row.number }
}

fn around(evidence: &Evidence, zone: &TimeZone) -> Vec<String> {
    let mut said = Vec::new();
    for beside in evidence.beside.iter().filter(|beside| beside.others > 0) {
        let others = if beside.others == 1 { "One other was".to_owned() } else { format!("{} others were", beside.others) };
        said.push(format!("{others} at {} within ten minutes ({}).", beside.site, beside.groups.join(", ")));
    }
    for earlier in &evidence.earlier {
        let outcome = earlier.outcome.map_or("not closed".to_owned(), |outcome| format!("closed: {}", outcome.as_str()));
        said.push(format!("The same theme earlier: {} on {}, {outcome} ({}).", earlier.level.as_str(), clock(earlier.at_ms, zone, "%-d %B"), earlier.episode));
    }
    if !evidence.gone.is_empty() {
        said.push(format!("{} of its records are not kept any more.", evidence.gone.len()));
    }
    said
}

fn clock(unix_ms: u64, zone: &TimeZone, form: &str) -> String {
    let at = Timestamp::from_millisecond(unix_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).strftime(form).to_string()
}

fn begun(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A text without what could begin a line, of a message's head above all.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
