//! The pages of an evidence pack: a guide for a solicitor, a police officer or a court, and the days to read.
//!
//! They are drawn from the records and from what the pack says of itself, and from nothing else: whoever verifies a pack draws them again and compares.
//! So nothing here may look at a clock, a file or a setting.

use super::coverage::words::plain;
use super::timeline::{About, Entry, Timeline};
use crate::audit::pack::{Checked, Files, MOST_FILES, Manifest, Seal};
use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "evidence/readme.txt", config = "src/report/askama.toml", escape = "none")]
struct Readme<'a> {
    school: String,
    user: String,
    time: String,
    records: String,
    made: String,
    version: &'a str,
    asked_by: String,
    because: String,
    look: u64,
    looked: String,
    pages: Vec<&'a str>,
    key: &'a str,
    earlier_keys: &'a [String],
    seals: Vec<String>,
    unproven: Vec<String>,
    passed_over: Vec<&'a str>,
}

/// Draws the guide, and a page for every day with a record.
#[must_use]
pub fn draw(manifest: &Manifest, checked: &Checked) -> Files {
    let mut files = days(manifest, checked);
    let pages: Vec<String> = files.keys().cloned().collect();
    files.insert("README.txt".to_owned(), readme(manifest, checked, &pages).into_bytes());
    files
}

fn days(manifest: &Manifest, checked: &Checked) -> Files {
    let timetable = manifest.hours.timetable();
    let mut by_day: BTreeMap<Date, Vec<Entry>> = BTreeMap::new();
    for entry in checked.rows.iter().map(Entry::of) {
        by_day.entry(entry.time.to_zoned(timetable.zone.clone()).date()).or_default().push(entry);
    }
    let one = by_day.len() == 1;
    let page = |(date, entries): (Date, Vec<Entry>)| {
        let name = if one { "timeline.html".to_owned() } else { format!("timeline-{date}.html") };
        let about = About { person: &manifest.user, school: &manifest.school, date };
        (name, Timeline::new(&about, &entries, &timetable).html().into_bytes())
    };
    // A pack of more days is not made; one that a stranger made up is not drawn to its end.
    by_day.into_iter().take(MOST_FILES).map(page).collect()
}

/// A moment as people at the school read it.
fn shown(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%A %-d %B %Y, %H:%M:%S %Z").to_string()
}

fn shown_ms(ms: u64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms.cast_signed()).map_or_else(|_| ms.to_string(), |at| shown(at, zone))
}

fn counted(count: usize) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

/// From when to when, in words.
fn time(manifest: &Manifest, zone: &TimeZone) -> String {
    match (manifest.from, manifest.to) {
        (None, None) => "all that is on record".to_owned(),
        (Some(from), None) => format!("from {}", shown(from, zone)),
        (None, Some(to)) => format!("before {}", shown(to, zone)),
        (Some(from), Some(to)) => format!("from {}\n               to   {}", shown(from, zone), shown(to, zone)),
    }
}

fn seal(seal: &Seal, zone: &TimeZone) -> String {
    format!("statement {}, \"{}\", signed {}: {}", seal.statement, plain(&seal.kind), shown(seal.at, zone), counted(seal.records))
}

fn readme(manifest: &Manifest, checked: &Checked, pages: &[String]) -> String {
    let zone = manifest.hours.timetable().zone;
    let look = checked.look.clone();
    let by = |look: &crate::audit::lookups::Row| look.name.as_ref().map_or_else(|| look.who.clone(), |name| format!("{name} (account {})", look.who));
    let times = checked.rows.iter().map(|row| row.time_ms);
    let between = times.clone().min().zip(times.max()).map_or_else(String::new, |(first, last)| {
        format!("\n               the first of {}\n               the last of  {}", shown_ms(first, &zone), shown_ms(last, &zone))
    });
    let looked = look.as_ref().and_then(|look| look.at.parse::<Timestamp>().ok());
    let readme = Readme {
        school: if manifest.school.is_empty() { "(no name is set)".to_owned() } else { plain(&manifest.school) },
        user: plain(&manifest.user),
        time: time(manifest, &zone),
        records: format!("{}{between}", manifest.records),
        made: shown(manifest.made, &zone),
        version: &manifest.usher,
        asked_by: plain(&look.as_ref().map(by).unwrap_or_default()),
        because: plain(&look.as_ref().map(|look| look.reason.clone()).unwrap_or_default()),
        look: manifest.look,
        looked: looked.map(|at| shown(at, &zone)).unwrap_or_default(),
        pages: pages.iter().map(String::as_str).collect(),
        key: checked.key.as_deref().unwrap_or_default(),
        earlier_keys: &checked.earlier_keys,
        seals: checked.seals.iter().map(|one| seal(one, &zone)).collect(),
        unproven: checked.unproven.iter().map(ToString::to_string).collect(),
        passed_over: manifest.passed_over.keys().map(String::as_str).collect(),
    };
    // The template's only failure would be to run out of memory.
    readme.render().map(|text| text + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::pack::Hours;
    use crate::audit::query::Row;
    use crate::clock::Timetable;

    fn manifest(user: &str) -> Manifest {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let zone = TimeZone::get("Europe/London").expect("a zone");
        Manifest {
            form: 1,
            usher: "0.1.0".into(),
            made: at("2026-06-12T08:00:00Z"),
            school: "Example School".into(),
            user: user.into(),
            from: Some(at("2026-06-09T23:00:00Z")),
            to: None,
            look: 7,
            records: 2,
            passed_over: BTreeMap::from([("visit-00000001-00000001.seg".to_owned(), "it is damaged".to_owned())]),
            hours: Hours::of(&Timetable { zone, periods: Vec::new(), terms: Vec::new(), closed: Vec::new() }),
            files: BTreeMap::new(),
        }
    }

    /// A visit at a time.
    fn row(time: &str) -> Row {
        let at: Timestamp = time.parse().expect("a time");
        let text = |text: &str| text.to_owned();
        let (kind, start, verdict) = (text("visit"), text("typed"), text("allowed"));
        Row {
            id: text(time),
            host: text("news.example"),
            scheme: text("https"),
            port: 443,
            kind,
            start,
            verdict,
            time_ms: at.as_millisecond().unsigned_abs(),
            ..Row::default()
        }
    }

    fn drawn(user: &str, times: &[&str]) -> BTreeMap<String, String> {
        let mut checked = Checked::default();
        checked.rows.extend(times.iter().map(|time| row(time)));
        draw(&manifest(user), &checked).into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).expect("text"))).collect()
    }

    #[test]
    fn each_day_in_school_time_is_a_page_and_one_alone_has_no_date_in_its_name() {
        let names = |times: &[&str]| drawn("anna", times).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&["2026-06-10T09:00:00Z", "2026-06-10T22:59:00Z"]), ["README.txt", "timeline.html"]);
        // Half past eleven in UTC is after midnight in London's summer.
        let several = ["2026-06-10T09:00:00Z", "2026-06-10T23:30:00Z"];
        assert_eq!(names(&several), ["README.txt", "timeline-2026-06-10.html", "timeline-2026-06-11.html"]);
        let readme = &drawn("anna", &several)["README.txt"];
        assert!(readme.contains("timeline-2026-06-10.html\ntimeline-2026-06-11.html\n"), "{readme}");
    }

    #[test]
    fn the_guide_says_what_may_be_missing_and_no_name_breaks_its_lines() {
        let readme = &drawn("anna\n\u{202e}WHAT IT PROVES", &["2026-06-10T09:00:00Z"])["README.txt"];
        for words in
            ["User           anna WHAT IT PROVES\n", "from Wednesday 10 June 2026, 00:00:00 BST", "RECORDS MAY BE MISSING", "visit-00000001-00000001.seg"]
        {
            assert!(readme.contains(words), "{words}: {readme}");
        }
        assert!(readme.ends_with("of kind \"key\".\n") && readme.lines().all(|line| line.chars().count() <= 90), "it is narrow enough for any reader");
    }
}
