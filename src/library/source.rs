//! Where a list comes from, how often it is asked for, and what is believed of it. Values only; `config/sources.rs` reads them.

use super::fetch::{Address, Caps};
use super::trust::Check;
use crate::category::Category;
use crate::lists::formats::Format;
use crate::lists::store::FolderNames;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One publisher's list, or one of the school's own.
#[derive(Clone, Debug)]
pub struct Source {
    /// What people call it; also the folder it is kept in. Unique.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// How its lines are read; found out from the lines where it is not said.
    pub format: Option<Format>,
    /// What its entries are, where its own folders do not say.
    pub category: Option<Category>,
    /// What its folders are called here.
    pub folders: Arc<FolderNames>,
    /// When it is asked for.
    pub schedule: Schedule,
    /// Under what terms it is published, for people.
    pub licence: String,
    /// How its publisher proves it is his.
    pub check: Option<Check>,
    /// How much it may change at once.
    pub bounds: Bounds,
    /// What fetching it may cost.
    pub caps: Caps,
    /// How old it may grow.
    pub age: Age,
}

impl Source {
    /// The file or folder it is read from: its own place, or where what was fetched is kept.
    #[must_use]
    pub fn place(&self, kept: &Path) -> PathBuf {
        match &self.address {
            Address::File(path) => path.clone(),
            Address::Web(_) => kept.join(&self.name).join("list"),
        }
    }

    /// Whether it is fetched from elsewhere.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        matches!(self.address, Address::Web(_))
    }
}

/// The shares of its last good size that a list may lose or gain at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// 0.3 lets three in ten go.
    pub shrink: f64,
    /// 2.0 lets it grow to three times its size.
    pub grow: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { shrink: 0.3, grow: 2.0 }
    }
}

/// After how long without news a source is a worry, and after how long it is a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    /// Amber.
    pub amber: SignedDuration,
    /// Red.
    pub red: SignedDuration,
}

/// When a source is asked for, in the school's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Only when somebody says so.
    ByHand,
    /// Every so many hours.
    Every(u16),
    /// Each day at this time.
    Daily(Time),
    /// Each week on this day at this time.
    Weekly(Weekday, Time),
}

/// A text that is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a schedule is \"by hand\", \"every 6 hours\", \"daily 03:00\" or \"weekly monday 03:00\"")]
pub struct NoSchedule;

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

impl std::str::FromStr for Schedule {
    type Err = NoSchedule;

    fn from_str(text: &str) -> Result<Self, NoSchedule> {
        let time = |text: &str| text.parse::<Time>().map_err(|_| NoSchedule);
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        match words[..] {
            ["by", "hand"] => Ok(Self::ByHand),
            ["every", "hour"] => Ok(Self::Every(1)),
            ["every", number, "hour" | "hours"] => number.parse().ok().filter(|hours| (1..=24 * 31).contains(hours)).map(Self::Every).ok_or(NoSchedule),
            ["daily", at] => time(at).map(Self::Daily),
            ["weekly", day, at] => {
                let day = DAYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(day)).ok_or(NoSchedule)?.1;
                time(at).map(|at| Self::Weekly(day, at))
            }
            _ => Err(NoSchedule),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByHand => f.write_str("by hand"),
            Self::Every(1) => f.write_str("every hour"),
            Self::Every(hours) => write!(f, "every {hours} hours"),
            Self::Daily(at) => write!(f, "daily {}", at.strftime("%H:%M")),
            Self::Weekly(day, at) => {
                let name = DAYS.iter().find(|(_, known)| known == day).map_or("", |(name, _)| name);
                write!(f, "weekly {name} {}", at.strftime("%H:%M"))
            }
        }
    }
}

impl Schedule {
    /// When a source last asked for at `last` is to be asked for again; `None` if only by hand.
    #[must_use]
    pub fn next(self, last: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = last.to_zoned(zone.clone());
        match self {
            Self::ByHand => None,
            Self::Every(hours) => last.checked_add(SignedDuration::from_hours(i64::from(hours))).ok(),
            Self::Daily(at) => first_after(&local, at, |_| true),
            Self::Weekly(day, at) => first_after(&local, at, |date| date.weekday() == day),
        }
    }

    /// How long lies between one time and the next.
    #[must_use]
    pub fn period(self) -> Option<SignedDuration> {
        match self {
            Self::ByHand => None,
            Self::Every(hours) => Some(SignedDuration::from_hours(i64::from(hours))),
            Self::Daily(_) => Some(SignedDuration::from_hours(24)),
            Self::Weekly(..) => Some(SignedDuration::from_hours(24 * 7)),
        }
    }
}

/// The first moment after `last` at this time of a day that will do. A time that a change of clocks skips is an hour later that day.
fn first_after(last: &Zoned, at: Time, will_do: impl Fn(jiff::civil::Date) -> bool) -> Option<Timestamp> {
    let dates = (0..=8).filter_map(|days| last.date().checked_add(days.days()).ok());
    let moments = dates.filter(|date| will_do(*date)).filter_map(|date| date.to_datetime(at).to_zoned(last.time_zone().clone()).ok());
    moments.map(|moment| moment.timestamp()).find(|moment| *moment > last.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_and_shown_in_the_same_words() {
        for text in ["by hand", "every hour", "every 6 hours", "daily 03:00", "weekly monday 03:30"] {
            assert_eq!(text.parse::<Schedule>().map(|schedule| schedule.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "daily", "daily 25:00", "every 0 hours", "every 9999 hours", "weekly caturday 03:00", "hourly", "by foot"] {
            assert_eq!(text.parse::<Schedule>(), Err(NoSchedule), "{text}");
        }
    }

    #[test]
    fn the_next_time_is_on_the_schools_clock() {
        let london = TimeZone::get("Europe/London").expect("a zone");
        for (schedule, last, next) in [
            ("every 6 hours", "2026-11-25T10:00:00Z", Some("2026-11-25T16:00:00Z")),
            ("daily 03:00", "2026-11-25T02:59:00Z", Some("2026-11-25T03:00:00Z")),
            ("daily 03:00", "2026-11-25T03:00:00Z", Some("2026-11-26T03:00:00Z")),
            ("daily 03:00", "2026-07-01T10:00:00Z", Some("2026-07-02T02:00:00Z")),
            // The hour from one to two does not exist on that Sunday.
            ("daily 01:30", "2027-03-27T12:00:00Z", Some("2027-03-28T01:30:00Z")),
            ("weekly monday 03:00", "2026-11-25T10:00:00Z", Some("2026-11-30T03:00:00Z")),
            ("weekly wednesday 12:00", "2026-11-25T10:00:00Z", Some("2026-11-25T12:00:00Z")),
            ("weekly wednesday 09:00", "2026-11-25T10:00:00Z", Some("2026-12-02T09:00:00Z")),
            ("by hand", "2026-11-25T10:00:00Z", None),
        ] {
            let found = schedule.parse::<Schedule>().expect("a schedule").next(last.parse().expect("a time"), &london);
            assert_eq!(found, next.map(|text| text.parse().expect("a time")), "{schedule} after {last}");
        }
    }
}
