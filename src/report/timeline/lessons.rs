//! The parts of one school day.

use super::{Folded, Lesson};
use crate::clock::{Period, Timetable};
use jiff::civil::{Date, Time};

/// The lessons of a day by the timetable, and the times before, between and after them. They leave no moment out.
pub(super) fn of_day(date: Date, timetable: &Timetable) -> Vec<Lesson> {
    let held = held(date, timetable);
    if held.is_empty() {
        return vec![lesson("no lessons that day", None, None)];
    }
    let mut parts = Vec::new();
    let mut end = None;
    for period in held {
        let from = end.map_or(period.from, |end| period.from.max(end));
        if from >= period.to {
            continue;
        }
        match end {
            None => parts.push(lesson("before lessons", None, Some(from))),
            Some(end) if end < from => parts.push(lesson("between lessons", Some(end), Some(from))),
            Some(_) => {}
        }
        parts.push(lesson(&period.name, Some(from), Some(period.to)));
        end = Some(period.to);
    }
    parts.push(lesson("after lessons", end, None));
    parts
}

/// Which of the parts a moment falls in.
pub(super) fn place(lessons: &[Lesson], time: Time) -> usize {
    lessons.iter().rposition(|lesson| lesson.from.is_none_or(|from| from <= time)).unwrap_or_default()
}

fn held(date: Date, timetable: &Timetable) -> Vec<&Period> {
    let noon = date.at(12, 0, 0, 0).to_zoned(timetable.zone.clone());
    let in_term = noon.is_ok_and(|noon| timetable.moment(noon.timestamp()).in_term);
    let mut held: Vec<_> = timetable.periods.iter().filter(|period| in_term && period.days.contains(&date.weekday())).collect();
    held.sort_by_key(|period| (period.from, period.to));
    held
}

fn lesson(name: &str, from: Option<Time>, to: Option<Time>) -> Lesson {
    Lesson { name: name.to_owned(), from, to, lines: Vec::new(), quiet_at_end: None, loose: Folded::default(), background: Folded::default() }
}

impl Lesson {
    /// Whether the timetable names it.
    pub(super) fn is_held(&self) -> bool {
        self.from.is_some() && self.to.is_some() && self.name != "between lessons"
    }

    /// Whether anything was asked for in it.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.loose.requests == 0 && self.background.requests == 0
    }
}
