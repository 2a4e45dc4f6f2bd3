//! Quiet hours: when concern waits until the morning. Danger never waits, nor does what is against the law, nor what Usher says of itself. Pure.

use super::plan::{During, Quiet};
use super::theme::Theme;
use crate::audit::incident::Level;
use crate::clock::{PeriodSet, Timetable};
use jiff::civil::{Date, Time, Weekday};
use jiff::{Timestamp, ToSpan};

/// The longest a message waits for a school day, in days. Beyond it nobody has yet entered the next term, and it is told the next morning.
const LONGEST: usize = 70;

/// The days a school is held on that has no periods.
const WEEKDAYS: [Weekday; 5] = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

/// Whether school is held on this day of the week: some period is, or it is one of Monday to Friday where there are none.
#[must_use]
pub fn is_held_on(timetable: &Timetable, day: Weekday) -> bool {
    if timetable.periods.is_empty() { WEEKDAYS.contains(&day) } else { timetable.periods.iter().any(|period| period.days.contains(&day)) }
}

/// Whether school is held on this day: in term, not closed, and a day that some period is held on.
#[must_use]
pub fn is_school_day(timetable: &Timetable, date: Date) -> bool {
    // Whether a day is in term does not depend on the hour; noon is there on every day.
    let noon = date.at(12, 0, 0, 0).to_zoned(timetable.zone.clone());
    is_held_on(timetable, date.weekday()) && noon.is_ok_and(|noon| timetable.moment(noon.timestamp()).in_term)
}

/// What time it is for routes.
#[must_use]
pub fn during(quiet: Option<&Quiet>, timetable: &Timetable, at: Timestamp) -> During {
    let moment = timetable.moment(at);
    if !is_school_day(timetable, moment.zoned.date()) {
        During::Closed
    } else if moment.periods != PeriodSet::default() {
        During::School
    } else if quiet.is_some_and(|quiet| quiet.holds_at(moment.zoned.time())) {
        During::Night
    } else {
        During::Evening
    }
}

impl Quiet {
    /// Whether a time of day is in the quiet hours.
    fn holds_at(&self, time: Time) -> bool {
        if self.from <= self.to { (self.from..self.to).contains(&time) } else { time >= self.from || time < self.to }
    }

    /// The end of the quiet that `at` is in; nothing where it is not quiet then.
    #[must_use]
    pub fn until(&self, timetable: &Timetable, at: Timestamp) -> Option<Timestamp> {
        let now = at.to_zoned(timetable.zone.clone());
        let is_off = |date| self.days_off && !is_school_day(timetable, date);
        if !self.holds_at(now.time()) && !is_off(now.date()) {
            return None;
        }
        // An hour that the clock leaves out is the one after, and of one that is there twice the first counts.
        let end = |date: Date| Some(date.to_datetime(self.to).to_zoned(timetable.zone.clone()).ok()?.timestamp()).filter(|end| *end > at);
        let mornings = || now.date().series(1.day()).take(LONGEST).filter_map(|date| end(date).map(|end| (date, end)));
        let school = mornings().find(|(date, _)| !is_off(*date));
        school.or_else(|| mornings().next()).map(|(_, end)| end)
    }
}

/// Before when a message is not sent; nothing if it goes at once.
#[must_use]
pub fn not_before(quiet: Option<&Quiet>, level: Level, theme: Option<Theme>, timetable: &Timetable, at: Timestamp) -> Option<Timestamp> {
    match (level, theme) {
        (Level::Danger, _) | (_, Some(Theme::Illegal)) => None,
        (Level::Watch | Level::Concern, _) => quiet?.until(timetable, at),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::clock::{Dates, Period};
    use jiff::civil::{date, time};
    use jiff::tz::TimeZone;

    /// A school in England: lessons on weekdays from 8:50 to 15:30, half term in the last week of October, the autumn term ends on 18 December.
    pub(in crate::alert) fn school() -> Timetable {
        Timetable {
            zone: TimeZone::get("Europe/London").expect("the zone is built in"),
            periods: vec![Period { name: "lessons".into(), days: WEEKDAYS.to_vec(), from: time(8, 50, 0, 0), to: time(15, 30, 0, 0) }],
            terms: vec![Dates { name: "autumn".into(), first: date(2026, 9, 2), last: date(2026, 12, 18) }],
            closed: vec![Dates { name: "half term".into(), first: date(2026, 10, 26), last: date(2026, 10, 30) }],
        }
    }

    pub(in crate::alert) fn shipped() -> Quiet {
        Quiet { from: time(18, 0, 0, 0), to: time(8, 0, 0, 0), days_off: true }
    }

    #[test]
    fn concern_waits_for_the_morning_of_a_school_day() {
        let school = school();
        let until = |quiet: &Quiet, at: &str| quiet.until(&school, at.parse().expect("a time")).map(|end| end.to_string());
        let daily = Quiet { days_off: false, ..shipped() };
        for (at, with_days_off, without, why) in [
            ("2026-11-25T10:00:00Z", None, None, "a Wednesday in lessons"),
            ("2026-11-25T17:59:59Z", None, None, "before the quiet"),
            ("2026-11-25T18:00:00Z", Some("2026-11-26T08:00:00Z"), Some("2026-11-26T08:00:00Z"), "the evening"),
            ("2026-11-26T07:59:59Z", Some("2026-11-26T08:00:00Z"), Some("2026-11-26T08:00:00Z"), "the morning"),
            ("2026-11-26T08:00:00Z", None, None, "its end"),
            ("2026-11-27T20:00:00Z", Some("2026-11-30T08:00:00Z"), Some("2026-11-28T08:00:00Z"), "a Friday evening"),
            ("2026-11-28T12:00:00Z", Some("2026-11-30T08:00:00Z"), None, "a Saturday"),
            // The clock goes back on the Sunday in it: 18:00 is 17:00 in UTC before, and 8:00 is 8:00 after.
            ("2026-10-23T17:00:00Z", Some("2026-11-02T08:00:00Z"), Some("2026-10-24T07:00:00Z"), "the Friday before half term"),
            // No term is known after it: nobody waits for ever.
            ("2026-12-18T19:00:00Z", Some("2026-12-19T08:00:00Z"), Some("2026-12-19T08:00:00Z"), "the last evening that is known"),
        ] {
            assert_eq!(until(&shipped(), at).as_deref(), with_days_off, "{at}: {why}");
            assert_eq!(until(&daily, at).as_deref(), without, "{at}, days off as others: {why}");
        }
    }

    #[test]
    fn the_day_has_four_parts() {
        let school = school();
        for (at, expected) in [
            ("2026-11-25T10:00:00Z", During::School),
            ("2026-11-25T16:00:00Z", During::Evening),
            ("2026-11-25T08:30:00Z", During::Evening),
            ("2026-11-25T23:00:00Z", During::Night),
            ("2026-11-28T10:00:00Z", During::Closed),
            ("2026-10-28T23:00:00Z", During::Closed),
        ] {
            assert_eq!(during(Some(&shipped()), &school, at.parse().expect("a time")), expected, "{at}");
        }
    }

    #[test]
    fn a_school_that_has_no_timetable_is_held_on_weekdays() {
        let bare = Timetable { periods: Vec::new(), terms: Vec::new(), closed: Vec::new(), ..school() };
        assert!(is_school_day(&bare, date(2026, 11, 27)) && !is_school_day(&bare, date(2026, 11, 28)));
    }

    proptest::proptest! {
        #[test]
        fn quiet_never_holds_danger_or_what_is_against_the_law(at in 0i64..4_000_000_000, theme in 0usize..11, from in 0i8..24, to in 0i8..24, days_off: bool) {
            let quiet = Quiet { from: time(from, 0, 0, 0), to: time(to, 0, 0, 0), days_off };
            let at = Timestamp::from_second(at).expect("a time");
            let theme = Theme::NAMES[theme].1;
            proptest::prop_assert_eq!(not_before(Some(&quiet), Level::Danger, Some(theme), &school(), at), None);
            proptest::prop_assert_eq!(not_before(Some(&quiet), Level::Concern, Some(Theme::Illegal), &school(), at), None);
            // What does wait waits for a time to come, and it is not quiet then.
            if let Some(end) = quiet.until(&school(), at) {
                proptest::prop_assert!(end > at);
                proptest::prop_assert!(end.as_second() - at.as_second() <= 71 * 86_400);
            }
        }
    }
}
