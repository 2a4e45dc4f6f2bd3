//! What `[log.keep]` says: how long each class of records is kept, in the units people use.

use crate::audit::record::Class;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What a period is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Days.
    Days,
    /// Weeks.
    Weeks,
    /// Months of the calendar.
    Months,
    /// Years of the calendar.
    Years,
}

impl Unit {
    /// All of them: one of it, several of it, how many are at most a rule.
    const NAMES: [(&str, &str, Self, i32); 4] =
        [("day", "days", Self::Days, 3660), ("week", "weeks", Self::Weeks, 520), ("month", "months", Self::Months, 120), ("year", "years", Self::Years, 10)];
}

/// How long something is kept: `30 days`, `12 months`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    count: i32,
    unit: Unit,
}

/// Not a period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPeriod {
    /// It does not read as one.
    #[error("\"{0}\" is no length of time; write a number of days, weeks, months or years, such as \"30 days\" or \"12 months\"")]
    Form(String),
    /// Less than a day, or more than ten years.
    #[error("\"{0}\" is out of bounds: records are kept for at least 1 day and at most 10 years")]
    Bounds(String),
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let form = || NotAPeriod::Form(text.to_owned());
        let (count, unit) = text.trim().split_once(char::is_whitespace).ok_or_else(form)?;
        let unit = unit.trim().to_lowercase();
        let (_, _, unit, most) = Unit::NAMES.into_iter().find(|(one, several, ..)| *one == unit || *several == unit).ok_or_else(form)?;
        let count: i32 = count.parse().map_err(|_| form())?;
        if (1..=most).contains(&count) { Ok(Self { count, unit }) } else { Err(NotAPeriod::Bounds(text.to_owned())) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, several) = Unit::NAMES.iter().find(|(.., unit, _)| *unit == self.unit).map_or(("", ""), |(one, several, ..)| (*one, *several));
        write!(f, "{} {}", self.count, if self.count == 1 { one } else { several })
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Period {
    /// So many of these, which must be within bounds.
    const fn of(count: i32, unit: Unit) -> Self {
        Self { count, unit }
    }

    /// How many days it is at the least.
    #[must_use]
    pub fn days(&self) -> i64 {
        let days = match self.unit {
            Unit::Days => 1,
            Unit::Weeks => 7,
            Unit::Months => 28,
            Unit::Years => 365,
        };
        i64::from(self.count) * days
    }

    /// The time so long before another, by the calendar (UTC).
    #[must_use]
    pub fn before(&self, now: Timestamp) -> Timestamp {
        let span = match self.unit {
            Unit::Days => Span::new().days(self.count),
            Unit::Weeks => Span::new().weeks(self.count),
            Unit::Months => Span::new().months(self.count),
            Unit::Years => Span::new().years(self.count),
        };
        // Bounds keep it far from the ends of the calendar.
        now.to_zoned(TimeZone::UTC).checked_sub(span).map_or(Timestamp::UNIX_EPOCH, |time| time.timestamp())
    }
}

/// How long everything is kept: what `[log.keep]` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Keep {
    /// Pages somebody went to.
    pub visit: Period,
    /// Searches.
    pub search: Period,
    /// What pages drag in.
    pub resource: Period,
    /// What was not let through.
    pub blocked: Period,
    /// What staff did.
    pub staff: Period,
    /// Who looked at whose records.
    pub lookups: Period,
    /// Alerts: what was found of whom, who was told, what was done about it.
    pub alerts: Period,
}

impl Default for Keep {
    fn default() -> Self {
        let year = Period::of(12, Unit::Months);
        Self {
            visit: year,
            search: year,
            resource: Period::of(30, Unit::Days),
            blocked: year,
            staff: Period::of(6, Unit::Months),
            lookups: Period::of(6, Unit::Years),
            // To the end of the school year after the one it was in.
            alerts: Period::of(24, Unit::Months),
        }
    }
}

impl Keep {
    /// The rule of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> Period {
        match class {
            Class::Visit => self.visit,
            Class::Search => self.search,
            Class::Resource => self.resource,
            Class::Blocked => self.blocked,
            Class::Staff => self.staff,
        }
    }
}
