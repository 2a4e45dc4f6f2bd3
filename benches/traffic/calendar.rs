//! When a school is in session: terms, weekdays, and the parts of a day. Times are London's; moments are Unix milliseconds.
//!
//! A year has three terms with a half term in each, the same dates every year: about 190 school days.

use jiff::civil::{Date, Time, Weekday, time};
use jiff::tz::TimeZone;

/// What people do in a part of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A lesson; the number is its place in the day.
    Lesson(usize),
    /// Registration, break, lunch: some are at the library's machines.
    Between,
    /// At home with a school device: a few.
    Evening,
}

/// A part of one day.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// What it is.
    pub part: Part,
}

/// One school day.
#[derive(Clone, Debug)]
pub struct Day {
    /// The date.
    pub date: Date,
    /// How many school days came before it.
    pub number: usize,
    /// Its parts, in order. Between some of them nobody is at a screen.
    pub periods: Vec<Period>,
}

/// The first school day.
pub const FIRST: Date = jiff::civil::date(2026, 9, 7);

/// First and last day of each holiday, month and day, over the turn of the year too.
const HOLIDAYS: [((i8, i8), (i8, i8)); 7] =
    [((10, 26), (10, 30)), ((12, 19), (12, 31)), ((1, 1), (1, 4)), ((2, 15), (2, 19)), ((3, 26), (4, 11)), ((5, 31), (6, 4)), ((7, 22), (9, 1))];

/// Six lessons.
const WHOLE: [(Time, Time, Part); 10] = [
    (time(8, 40, 0, 0), time(8, 50, 0, 0), Part::Between),
    (time(8, 50, 0, 0), time(9, 40, 0, 0), Part::Lesson(0)),
    (time(9, 40, 0, 0), time(10, 30, 0, 0), Part::Lesson(1)),
    (time(10, 30, 0, 0), time(10, 50, 0, 0), Part::Between),
    (time(10, 50, 0, 0), time(11, 40, 0, 0), Part::Lesson(2)),
    (time(11, 40, 0, 0), time(12, 30, 0, 0), Part::Lesson(3)),
    (time(12, 30, 0, 0), time(13, 20, 0, 0), Part::Between),
    (time(13, 20, 0, 0), time(14, 25, 0, 0), Part::Lesson(4)),
    (time(14, 25, 0, 0), time(15, 30, 0, 0), Part::Lesson(5)),
    (time(17, 0, 0, 0), time(21, 0, 0, 0), Part::Evening),
];

impl Day {
    /// The first school day there is.
    pub fn first() -> Self {
        Self::on(FIRST, 0)
    }

    /// The school day after this one.
    pub fn next(&self) -> Self {
        let mut date = self.date;
        loop {
            date = date.tomorrow().expect("dates go on");
            if is_school_day(date) {
                return Self::on(date, self.number + 1);
            }
        }
    }

    fn on(date: Date, number: usize) -> Self {
        let zone = TimeZone::get("Europe/London").expect("a zone that is built in");
        let moment = |at: Time| {
            let zoned = date.to_datetime(at).to_zoned(zone.clone()).expect("a time of that day");
            u64::try_from(zoned.timestamp().as_millisecond()).expect("after 1970")
        };
        let friday = date.weekday() == Weekday::Friday;
        // On Fridays the last lesson is for clubs, which have few screens.
        let part = |part: Part| if friday && part == Part::Lesson(5) { Part::Between } else { part };
        let periods = WHOLE.iter().map(|(from, to, what)| Period { from: moment(*from), to: moment(*to), part: part(*what) }).collect();
        Self { date, number, periods }
    }

    /// The part a moment is in, by its place.
    pub fn at(&self, moment: u64) -> Option<usize> {
        self.periods.iter().position(|period| (period.from..period.to).contains(&moment))
    }
}

fn is_school_day(date: Date) -> bool {
    let weekday = !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    let day = (date.month(), date.day());
    weekday && !HOLIDAYS.iter().any(|(first, last)| (*first..=*last).contains(&day))
}
