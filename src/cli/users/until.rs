//! Until when: a moment as people type it, in school time.

use crate::config::policy::weekday;
use anyhow::{Context, bail};
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, ToSpan as _, Zoned};

/// The longest a restriction may last, in days: a term. What is to last longer is decided again.
pub(super) const LONGEST: i64 = 100;

/// The moment that is meant: `15:30` today, `fri 16:00`, `2026-11-27 15:30`, a day to its end, or a time with a zone.
pub(super) fn until(text: &str, now: &Zoned) -> anyhow::Result<Timestamp> {
    let until = meant(text.trim(), now)?;
    if until <= now.timestamp() {
        bail!("{text} is past: it is {} now. Say when it is to end, such as --until \"15:30\" or --until \"fri 16:00\"", now.strftime("%A %-d %B, %H:%M"));
    }
    if until > now.saturating_add(LONGEST.days()).timestamp() {
        bail!("{text} is more than {LONGEST} days away; at most a term: what is to last longer is decided again");
    }
    Ok(until)
}

fn meant(text: &str, now: &Zoned) -> anyhow::Result<Timestamp> {
    let zone = now.time_zone();
    let at = |local: DateTime| anyhow::Ok(local.to_zoned(zone.clone()).context("there is no such time")?.timestamp());
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Ok(exact);
    }
    // A date with a time is read as a time too.
    if let (true, Ok(time)) = (text.len() <= 8, text.parse::<Time>()) {
        return at(now.date().to_datetime(time));
    }
    if let Some((day, time)) = text.split_once(' ')
        && let (Some(day), Ok(time)) = (weekday(day).filter(|_| day.len() >= 3 && day.chars().all(char::is_alphabetic)), time.trim().parse::<Time>())
    {
        let today = now.date();
        let date = if today.weekday() == day && at(today.to_datetime(time))? > now.timestamp() { today } else { today.nth_weekday(1, day)? };
        return at(date.to_datetime(time));
    }
    if let (10, Ok(day)) = (text.len(), text.parse::<Date>()) {
        return at(day.tomorrow()?.at(0, 0, 0, 0));
    }
    match text.replace(' ', "T").parse::<DateTime>() {
        Ok(local) => at(local),
        Err(_) => bail!("\"{text}\" is not a time; write it as 15:30, \"fri 16:00\", \"2026-11-27 15:30\", or 2026-11-27 for all of that day"),
    }
}

/// The end of today, school time.
pub(super) fn end_of_today(now: &Zoned) -> anyhow::Result<Timestamp> {
    Ok(now.date().tomorrow()?.to_zoned(now.time_zone().clone())?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_is_meant() {
        // A Friday.
        let now: Zoned = "2026-11-27T13:05[Europe/London]".parse().expect("a time");
        for (text, expected) in [
            ("15:30", Some("2026-11-27T15:30:00Z")),
            ("2026-11-27 15:30", Some("2026-11-27T15:30:00Z")),
            ("2026-11-27T15:30", Some("2026-11-27T15:30:00Z")),
            ("2026-11-27", Some("2026-11-28T00:00:00Z")),
            ("2026-11-27T15:30:00Z", Some("2026-11-27T15:30:00Z")),
            ("fri 16:00", Some("2026-11-27T16:00:00Z")),
            ("Friday 16:00", Some("2026-11-27T16:00:00Z")),
            ("fri 13:00", Some("2026-12-04T13:00:00Z")),
            ("mon 09:00", Some("2026-11-30T09:00:00Z")),
            // It has been.
            ("13:00", None),
            ("13:05", None),
            ("2026-11-26", None),
            ("2026-11-27T13:05:00Z", None),
            // It is for ever, more or less.
            ("2027-11-27", None),
            ("2027-11-27 15:30", None),
            ("2026-11-28 10:00", Some("2026-11-28T10:00:00Z")),
            ("tomorrow", None),
            ("fr 16:00", None),
            ("", None),
        ] {
            assert_eq!(until(text, &now).ok(), expected.map(|time| time.parse().expect("a time")), "{text}");
        }
        let error = until("13:00", &now).expect_err("past").to_string();
        assert!(error.contains("it is Friday 27 November, 13:05 now"), "{error}");
    }
}
