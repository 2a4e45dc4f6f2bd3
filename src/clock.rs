//! School time: what a moment means on the timetable.
//!
//! Time is stored in UTC and judged in the school's own zone, Europe/London as shipped, so that half past twelve is lunch in
//! January and in June. Pure: a [`Timetable`] is asked about a moment and never looks at a clock.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A part of the school day that has a name, such as `lunch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// The name rules use. Several periods may share one: `lessons` before and after lunch.
    pub name: String,
    /// The days it is held on.
    pub days: Vec<Weekday>,
    /// The first minute.
    pub from: Time,
    /// The minute after the last.
    pub to: Time,
}

/// A range of dates, both ends included: a term, or days the school is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dates {
    /// What it is called.
    pub name: String,
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
}

impl Dates {
    fn contains(&self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }
}

/// When the school is open, and what its day looks like.
#[derive(Clone, Debug)]
pub struct Timetable {
    /// The school's time zone.
    pub zone: TimeZone,
    /// The parts of the day.
    pub periods: Vec<Period>,
    /// The terms. With none given, every day is in term.
    pub terms: Vec<Dates>,
    /// Holidays and training days inside terms.
    pub closed: Vec<Dates>,
}

impl Timetable {
    /// What a moment means at this school.
    #[must_use]
    pub fn moment(&self, at: Timestamp) -> Moment {
        let zoned = at.to_zoned(self.zone.clone());
        let date = zoned.date();
        let within = |ranges: &[Dates]| ranges.iter().any(|range| range.contains(date));
        let in_term = (self.terms.is_empty() || within(&self.terms)) && !within(&self.closed);
        let now = zoned.time();
        let held = |p: &Period| in_term && p.days.contains(&date.weekday()) && p.from <= now && now < p.to;
        let periods = (0..64).zip(&self.periods).filter(|(_, p)| held(p)).fold(0, |set, (bit, _)| set | 1 << bit);
        Moment { zoned, in_term, periods: PeriodSet(periods) }
    }

    /// The periods with this name, or `None` if there is no such name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<PeriodSet> {
        let bits = (0..64).zip(&self.periods).filter(|(_, p)| p.name == name).fold(0, |set, (bit, _)| set | 1u64 << bit);
        (bits != 0).then_some(PeriodSet(bits))
    }
}

/// A set of periods of one timetable (at most 64).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeriodSet(u64);

impl PeriodSet {
    /// Whether the two sets share a period.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What is in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A moment, with what the timetable says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The moment in the school's own time.
    pub zoned: Zoned,
    /// Whether it is a school day's date: in term and not closed. Week-ends count as in term; periods name their days.
    pub in_term: bool,
    /// The periods it falls in.
    pub periods: PeriodSet,
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn school() -> Timetable {
        let weekdays = vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        let period = |name: &str, from, to| Period { name: name.into(), days: weekdays.clone(), from, to };
        Timetable {
            zone: TimeZone::get("Europe/London").expect("the zone is built in"),
            periods: vec![
                period("lessons", time(8, 50, 0, 0), time(12, 30, 0, 0)),
                period("lunch", time(12, 30, 0, 0), time(13, 20, 0, 0)),
                period("lessons", time(13, 20, 0, 0), time(15, 30, 0, 0)),
            ],
            terms: vec![
                Dates { name: "summer".into(), first: date(2026, 4, 13), last: date(2026, 7, 21) },
                Dates { name: "autumn".into(), first: date(2026, 9, 2), last: date(2026, 12, 18) },
            ],
            closed: vec![Dates { name: "half term".into(), first: date(2026, 10, 26), last: date(2026, 10, 30) }],
        }
    }

    #[test]
    fn lunch_is_lunch_in_summer_and_in_winter() {
        let school = school();
        let lunch = school.named("lunch").expect("there is a lunch");
        for (utc, is_lunch, why) in [
            ("2026-06-10T11:30:00Z", true, "12:30 BST, a Wednesday in term"),
            ("2026-06-10T12:30:00Z", false, "13:30 BST"),
            ("2026-11-11T12:30:00Z", true, "12:30 GMT, a Wednesday in term"),
            ("2026-11-11T11:30:00Z", false, "11:30 GMT"),
            ("2026-11-11T13:19:59Z", true, "the last second"),
            ("2026-11-11T13:20:00Z", false, "the bell"),
            ("2026-11-14T12:30:00Z", false, "a Saturday"),
            ("2026-10-28T12:30:00Z", false, "half term"),
            ("2026-08-12T11:30:00Z", false, "the summer holiday"),
            ("2026-10-23T11:30:00Z", true, "the last BST school day"),
            ("2026-11-02T12:30:00Z", true, "the first GMT school day"),
        ] {
            let moment = school.moment(utc.parse().expect("a timestamp"));
            assert_eq!(moment.periods.meets(lunch), is_lunch, "{utc}: {why}");
        }
    }

    #[test]
    fn one_name_may_cover_several_periods() {
        let school = school();
        let lessons = school.named("lessons").expect("there are lessons");
        for utc in ["2026-11-11T09:00:00Z", "2026-11-11T14:00:00Z"] {
            assert!(school.moment(utc.parse().expect("a timestamp")).periods.meets(lessons), "{utc}");
        }
        assert_eq!(school.named("assembly"), None);
    }

    #[test]
    fn with_no_terms_given_every_day_is_in_term() {
        let mut school = school();
        school.terms.clear();
        assert!(school.moment("2026-08-12T11:30:00Z".parse().expect("a timestamp")).in_term);
    }
}
