//! What to look for, as it is typed; and what to say where nothing is found.

use super::Desk;
use crate::audit::lookups::Reading;
use crate::audit::query::{Filter, Log as Record};
use crate::audit::{Class, RecordId, Verdict};
use crate::config::reader::nearest_hint;
use crate::identity::local::Users;
use crate::insight::Kind;
use anyhow::{Context, anyhow, bail};
use clap::Args;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::collections::BTreeSet;

/// What to look for. All that is given must hold.
#[derive(Args)]
pub(super) struct Wanted {
    /// This user; `*` for any characters, or a pseudonym from an earlier search. Needs --reason.
    #[arg(long)]
    pub(super) user: Option<String>,
    /// This group.
    #[arg(long)]
    group: Option<String>,
    /// This host and all below it.
    #[arg(long)]
    host: Option<String>,
    /// This category's id.
    #[arg(long)]
    category: Option<String>,
    /// What was answered: allowed, warned, blocked, refused or answered.
    #[arg(long, value_parser = verdict)]
    verdict: Option<Verdict>,
    /// What it is: visit (a page somebody went to), search, resource (what a page drags in) or background.
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// How long it is kept: visit, search, resource, blocked or staff.
    #[arg(long, value_parser = class)]
    class: Option<Class>,
    /// This client address. Needs --reason.
    #[arg(long)]
    client: Option<String>,
    /// Not before this time: 2026-11-23, 2026-11-23T08:40 (school time), or with a zone.
    #[arg(long)]
    from: Option<String>,
    /// Before this time.
    #[arg(long)]
    to: Option<String>,
    /// These words in the host, path, query or search: all of them, in any order, spelled nearly so; each may be the beginning of a longer one.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
}

/// The value of this name.
fn named<T: Copy>(names: &[(&'static str, T)], typed: &str) -> Result<T, String> {
    let found = names.iter().find(|(name, _)| *name == typed).map(|(_, value)| *value);
    let all: Vec<_> = names.iter().map(|(name, _)| *name).collect();
    found.ok_or_else(|| {
        let hint = nearest_hint(typed, all.clone()).map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("it is one of {}{hint}", all.join(", "))
    })
}

fn verdict(typed: &str) -> Result<Verdict, String> {
    named(&Verdict::NAMES, typed)
}

fn kind(typed: &str) -> Result<Kind, String> {
    named(&Kind::NAMES, typed)
}

fn class(typed: &str) -> Result<Class, String> {
    named(&Class::NAMES, typed)
}

impl Wanted {
    pub(super) fn filter(&self, zone: &TimeZone) -> anyhow::Result<Filter> {
        let (from, to) = times(self.from.as_deref(), self.to.as_deref(), zone)?;
        Ok(Filter {
            user: self.user.clone(),
            group: self.group.clone(),
            host: self.host.clone(),
            category: self.category.clone(),
            verdict: self.verdict,
            kind: self.kind,
            class: self.class,
            client: self.client.clone(),
            from,
            to,
            text: self.text.clone(),
            ..Filter::default()
        })
    }
}

/// The two ends of a stretch of time.
pub(in crate::cli) fn times(from: Option<&str>, to: Option<&str>, zone: &TimeZone) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
    let time = |text: Option<&str>| text.map(|text| parse_time(text, zone)).transpose();
    let (from, to) = (time(from)?, time(to)?);
    if let (Some(first), Some(last)) = (from, to)
        && first >= last
    {
        bail!("--from is not before --to, so nothing can lie between them; a whole day is --from 2026-11-23 --to 2026-11-24");
    }
    Ok((from, to))
}

/// Reads a time as people type it: a date, school time, or a time with a zone.
pub(in crate::cli) fn parse_time(text: &str, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Ok(exact);
    }
    let local: DateTime = text.replace(' ', "T").parse().map_err(|_| no_time(text))?;
    Ok(local.to_zoned(zone.clone()).context("there is no such time")?.timestamp())
}

/// What is wrong with a time: a day that the month does not have, or something else altogether.
pub(super) fn no_time(text: &str) -> anyhow::Error {
    let numbers: Vec<_> = text.split(|c: char| !c.is_ascii_digit()).take(3).map(str::parse::<i16>).collect();
    if let [Ok(year), Ok(month), Ok(day)] = numbers[..]
        && let Some(first) = i8::try_from(month).ok().and_then(|month| Date::new(year, month, 1).ok())
        && i16::from(first.days_in_month()) < day
    {
        return anyhow!("there is no {text}: that month ends on {}", first.last_of_month());
    }
    anyhow!("\"{text}\" is not a time; write 2026-11-23 or 2026-11-23T08:40")
}

/// Reads the cursor of a page.
pub(super) fn cursor(typed: &str) -> Result<RecordId, String> {
    typed.parse().map_err(|error: crate::audit::record::NotAnId| error.to_string())
}

/// Sentences for where nothing was found: names that nobody has, and when the nearest records are.
pub(super) fn nothing_found(desk: &Desk, record: &Record, reading: &Reading<'_>) -> anyhow::Result<Vec<String>> {
    let filter = reading.filter();
    let mut said = unknown_names(desk, record, filter)?;
    if said.is_empty() && (filter.from.is_some() || filter.to.is_some()) {
        said.push(nearest(desk, reading.nearest()?));
    }
    Ok(said)
}

fn nearest(desk: &Desk, nearest: [Option<Timestamp>; 2]) -> String {
    let shown = |at: Timestamp| Zoned::new(at, desk.zone.clone()).strftime("%A %-d %B %Y at %H:%M").to_string();
    match nearest.map(|at| at.map(shown)) {
        [None, None] => "nor is there anything at another time".to_owned(),
        [Some(before), None] => format!("the nearest that fits otherwise was before: on {before}"),
        [None, Some(after)] => format!("the nearest that fits otherwise came after: on {after}"),
        [Some(before), Some(after)] => format!("the nearest that fit otherwise: before, on {before}; after, on {after}"),
    }
}

fn unknown_names(desk: &Desk, record: &Record, filter: &Filter) -> anyhow::Result<Vec<String>> {
    let mut said = Vec::new();
    let mut check = |what: &str, typed: &Option<String>, known: Vec<&str>| {
        let Some(typed) = typed.as_deref().filter(|typed| !known.iter().any(|known| known.eq_ignore_ascii_case(typed))) else { return };
        let hint = nearest_hint(&typed.to_lowercase(), known).map(|hint| format!("; {hint}")).unwrap_or_default();
        said.push(format!("there is no {what} \"{typed}\"{hint}"));
    };
    if let Some(rulebook) = &desk.rulebook {
        let groups = rulebook.school.policy.groups.iter().map(|group| &*group.name).chain(["unknown"]).collect();
        check("group", &filter.group, groups);
        let categories = rulebook.taxonomy.iter().map(|(_, category)| &*category.id).collect();
        check("category", &filter.category, categories);
    }
    if filter.user.as_ref().is_some_and(|user| !user.contains('*')) {
        let users = known_users(desk, record)?;
        check("user", &filter.user, users.iter().map(String::as_str).collect());
    }
    Ok(said)
}

/// Users with a password, and those the log knows.
fn known_users(desk: &Desk, record: &Record) -> anyhow::Result<BTreeSet<String>> {
    let mut users = record.users()?;
    users.extend(Users::load(&desk.config.users_path())?.users.into_keys());
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them_and_impossible_ones_are_explained() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        for (typed, read) in [
            ("2026-11-23", "2026-11-23T00:00:00Z"),
            ("2026-06-23T08:40", "2026-06-23T07:40:00Z"),
            ("2026-06-23 08:40", "2026-06-23T07:40:00Z"),
            ("2026-06-23T08:40:00Z", "2026-06-23T08:40:00Z"),
        ] {
            assert_eq!(parse_time(typed, &zone).expect(typed).to_string(), read, "{typed}");
        }
        for (typed, words) in [
            ("2026-02-30", "there is no 2026-02-30: that month ends on 2026-02-28"),
            ("2026-06-31T10:00", "that month ends on 2026-06-30"),
            ("2026-13-01", "\"2026-13-01\" is not a time"),
            ("noon", "\"noon\" is not a time; write 2026-11-23"),
            ("", "is not a time"),
        ] {
            let error = parse_time(typed, &zone).expect_err(typed).to_string();
            assert!(error.contains(words), "{typed}: {error}");
        }
        assert!(times(Some("2026-11-24"), Some("2026-11-23"), &zone).is_err());
    }

    #[test]
    fn a_name_that_is_nearly_right_is_answered_with_the_right_one() {
        assert_eq!(verdict("blocked"), Ok(Verdict::Blocked));
        assert_eq!(verdict("block"), Err("it is one of allowed, warned, blocked, refused, answered; did you mean \"blocked\"?".to_owned()));
        assert_eq!(kind("searches"), Err("it is one of visit, search, resource, background; did you mean \"search\"?".to_owned()));
    }
}
