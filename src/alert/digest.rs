//! The regular messages: when each is due, and what the morning's says. Pure: the time is a fact.
//!
//! A message has a day, and that is all of its name: it is stated once under it ([`Act::Digest`]), however often it is worked out, also where the timetable
//! or the hour is changed meanwhile. An hour that the clock leaves out in spring is the one after; of one that is there twice in autumn the first counts.
//!
//! | kind | to | what |
//! | --- | --- | --- |
//! | `all-clear` | `to` | how Usher stands, and how many matters |
//! | `machine` | `technician` | how Usher stands, check by check; nothing of matters |
//! | `weekly` | `weekly_to` | the week ([`super::week`]) |
//! | `weekly-governors` | those of `weekly_to` who are governors | the same, with small numbers as "a few" |
//!
//! [`Act::Digest`]: crate::audit::incident::Act::Digest

use super::health::{Check, Look, day_and_time, several};
use super::plan::Digest;
use super::quiet::is_school_day;
use crate::clock::Timetable;
use crate::telemetry::light::Light;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// The morning message.
pub const ALL_CLEAR: &str = "all-clear";
/// The same for those who look after the machine.
pub const MACHINE: &str = "machine";
/// The week.
pub const WEEKLY: &str = "weekly";
/// The week for governors.
pub const WEEKLY_GOVERNORS: &str = "weekly-governors";
/// After so long a message is late.
const LATE: SignedDuration = SignedDuration::from_mins(10);

/// Whether a role is of governors: they see no small numbers, by which a pupil could be known.
#[must_use]
pub fn is_governor(role: &str) -> bool {
    role == "chair" || role.starts_with("governor")
}

/// A message whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its day.
    pub date: Date,
    /// When it was to be sent.
    pub at: Timestamp,
}

/// When it is this time on this day.
fn on(timetable: &Timetable, date: Date, time: Time) -> Option<Timestamp> {
    Some(date.to_datetime(time).to_zoned(timetable.zone.clone()).ok()?.timestamp())
}

fn today(timetable: &Timetable, now: Timestamp) -> Date {
    now.to_zoned(timetable.zone.clone()).date()
}

/// The roles and channels that a kind of message goes to.
#[must_use]
pub fn roles(digest: &Digest, kind: &str) -> Vec<Box<str>> {
    let of_week = |governors: bool| digest.weekly_to.iter().filter(move |role| is_governor(role) == governors).cloned().collect();
    match kind {
        MACHINE => digest.technician.clone(),
        WEEKLY => of_week(false),
        WEEKLY_GOVERNORS => of_week(true),
        _ => digest.to.clone(),
    }
}

/// The morning message of today, whether its time has come or not; nothing on a day off.
#[must_use]
pub fn planned_today(digest: &Digest, timetable: &Timetable, now: Timestamp) -> Option<Due> {
    planned(digest.all_clear?, timetable, now)
}

/// The look that the morning message of today tells of, if its time has come.
#[must_use]
pub fn look(digest: &Digest, timetable: &Timetable, now: Timestamp) -> Option<Due> {
    planned(digest.seen_at.or(digest.all_clear)?, timetable, now).filter(|due| due.at <= now)
}

fn planned(time: Time, timetable: &Timetable, now: Timestamp) -> Option<Due> {
    let date = today(timetable, now);
    let at = on(timetable, date, time)?;
    is_school_day(timetable, date).then_some(Due { date, at })
}

/// The newest weekly summary whose time has come. It is sent on its day also where that is a day off, if there was school in the week before it.
#[must_use]
pub fn weekly(digest: &Digest, timetable: &Timetable, now: Timestamp) -> Option<Due> {
    let (day, time) = digest.weekly?;
    let today = today(timetable, now);
    let due = |back: i64| {
        let date = today.checked_sub(back.days()).ok().filter(|date| date.weekday() == day)?;
        let at = on(timetable, date, time).filter(|at| *at <= now)?;
        Some(Due { date, at })
    };
    let due = (0..=7).find_map(due)?;
    let was_school = |back: i64| due.date.checked_sub(back.days()).is_ok_and(|date| is_school_day(timetable, date));
    (0..7).any(was_school).then_some(due)
}

/// Why a message comes late, if it does. `running` is since when Usher is.
#[must_use]
pub fn lateness(due: Due, running: Timestamp, now: Timestamp, zone: &TimeZone) -> Option<String> {
    let at = due.at.to_zoned(zone.clone());
    let at = if at.date() == now.to_zoned(zone.clone()).date() { at.strftime("%H:%M") } else { at.strftime("%H:%M on %A") };
    if due.at < running {
        Some(format!("Late: Usher was not running at {at}."))
    } else if now.duration_since(due.at) > LATE {
        Some(format!("Late: it could not be written at {at}."))
    } else {
        None
    }
}

/// What the morning message tells of.
#[derive(Clone, Debug)]
pub struct Morning<'a> {
    /// Why it comes late.
    pub late: Option<String>,
    /// What was looked at.
    pub look: &'a Look,
    /// The messages that could not be handed over, and those tried in vain so far.
    pub unsent: u64,
    /// How often lists were updated since.
    pub updates: usize,
    /// What there was since the last one.
    pub since: Timestamp,
    /// Matters that began since.
    pub opened: u64,
    /// Of these, or of those that got worse since: danger.
    pub danger: u64,
    /// Matters that nobody has read, and when the oldest began.
    pub unread: Option<(u64, Timestamp)>,
    /// Now.
    pub now: Timestamp,
    /// The school's time.
    pub zone: &'a TimeZone,
}

impl Morning<'_> {
    /// What it says to those who look after pupils.
    #[must_use]
    pub fn all_clear(&self) -> String {
        let episodes = several(self.opened, "episode");
        let danger = if self.danger > 0 { format!(", {} of danger", self.danger) } else { String::new() };
        let mut lines = vec![format!("{}{}; {episodes} since {}{danger}; {}.", self.late(), self.seen(), self.since(), self.machine_line())];
        if let Some((count, oldest)) = self.unread {
            let of = if count == 1 {
                "Nobody has said that they have read one matter".to_owned()
            } else {
                format!("Nobody has said that they have read {count} matters")
            };
            lines.push(format!("{of}; the oldest is of {}.", day_and_time(oldest, self.zone)));
        }
        lines.extend(self.sections(&[Light::Red, Light::Amber]));
        lines.join("\n")
    }

    /// What it says to those who look after the machine: nothing of matters.
    #[must_use]
    pub fn machine(&self) -> String {
        let mut lines = vec![format!("{}{}; {}.", self.late(), self.seen(), self.machine_line())];
        lines.extend(self.sections(&[Light::Red, Light::Amber, Light::Green]));
        lines.join("\n")
    }

    fn late(&self) -> String {
        self.late.as_ref().map_or_else(String::new, |late| format!("{late} "))
    }

    fn seen(&self) -> String {
        let at = self.look.at.to_zoned(self.zone.clone()).strftime("%H:%M");
        let count = |light| self.look.of(light).count();
        match (count(Light::Red), count(Light::Amber)) {
            (0, 0) => format!("All systems seen working at {at}"),
            (0, 1) => format!("All systems seen working at {at}, with one thing to look at"),
            (0, amber) => format!("All systems seen working at {at}, with {amber} things to look at"),
            (red, _) => format!("NOT all is well: {red} red at {at}"),
        }
    }

    fn machine_line(&self) -> String {
        let updates = if self.updates == 1 { "1 update of lists".to_owned() } else { format!("{} updates of lists", self.updates) };
        format!("{updates}; {} unsent", several(self.unsent, "alert"))
    }

    fn since(&self) -> String {
        let (then, today) = (self.since.to_zoned(self.zone.clone()), self.now.to_zoned(self.zone.clone()).date());
        let days = (today - then.date()).get_days();
        match days {
            0 => then.strftime("%H:%M").to_string(),
            1 => then.strftime("yesterday %H:%M").to_string(),
            2..=6 => then.strftime("%A %H:%M").to_string(),
            _ => then.strftime("%-d %B %H:%M").to_string(),
        }
    }

    fn sections(&self, lights: &[Light]) -> Vec<String> {
        let section = |light: &Light| {
            let name = match light {
                Light::Red => "Red, somebody must act:",
                Light::Amber => "Amber, look at it:",
                Light::Green => "Green:",
            };
            let lines: Vec<_> = self.look.of(*light).map(|Check { what, words, .. }| format!("- {what}: {words}")).collect();
            if lines.is_empty() { Vec::new() } else { [vec![name.to_owned()], lines].concat() }
        };
        lights.iter().flat_map(section).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::quiet::tests::school;
    use jiff::civil::{Weekday, date, time};

    fn shipped() -> Digest {
        Digest { all_clear: Some(time(8, 15, 0, 0)), seen_at: Some(time(7, 0, 0, 0)), weekly: Some((Weekday::Friday, time(15, 45, 0, 0))), ..Digest::default() }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn morning(digest: &Digest, timetable: &Timetable, now: Timestamp) -> Option<Due> {
        planned_today(digest, timetable, now).filter(|due| due.at <= now)
    }

    #[test]
    fn the_morning_message_is_due_on_school_days_and_at_no_other_time() {
        for (now, due, why) in [
            ("2026-11-25T08:14:59Z", None, "before its time"),
            ("2026-11-25T08:15:00Z", Some("2026-11-25T08:15:00Z"), "its time"),
            ("2026-11-25T23:59:59Z", Some("2026-11-25T08:15:00Z"), "late the same day"),
            ("2026-11-26T00:00:00Z", None, "the next day has its own"),
            ("2026-11-28T10:00:00Z", None, "a Saturday"),
            ("2026-11-29T10:00:00Z", None, "a Sunday"),
            ("2026-10-28T10:00:00Z", None, "half term"),
            ("2026-12-21T10:00:00Z", None, "after the end of term"),
            // British summer time: 8:15 is 7:15 in UTC.
            ("2026-10-23T07:14:59Z", None, "before its time in summer"),
            ("2026-10-23T07:15:00Z", Some("2026-10-23T07:15:00Z"), "its time in summer"),
            ("2026-11-02T08:14:59Z", None, "the first school day after the clock went back"),
        ] {
            let due = due.map(|due| Due { date: at(due).to_zoned(TimeZone::UTC).date(), at: at(due) });
            assert_eq!(morning(&shipped(), &school(), at(now)), due, "{now}: {why}");
        }
        assert_eq!(morning(&Digest { all_clear: None, ..shipped() }, &school(), at("2026-11-25T10:00:00Z")), None);
    }

    #[test]
    fn an_hour_that_is_not_there_or_there_twice_is_due_once() {
        // A school on Sundays: the clock goes forward at 1:00 on 29 March 2026 and back at 2:00 on 25 October.
        let mut always = school();
        always.terms.clear();
        always.closed.clear();
        always.periods[0].days = vec![Weekday::Sunday];
        let at_half_past_one = Digest { all_clear: Some(time(1, 30, 0, 0)), ..shipped() };
        for (day, due) in [("2026-03-29", "2026-03-29T01:30:00Z"), ("2026-10-25", "2026-10-25T00:30:00Z")] {
            let mut found = Vec::new();
            for minute in 0..=1440 {
                let now = at(&format!("{day}T00:00:00Z")) + SignedDuration::from_mins(minute);
                found.extend(morning(&at_half_past_one, &always, now).filter(|due| !found.contains(due)).into_iter().collect::<Vec<_>>());
            }
            // UTC's midnight after it is another day there in summer only.
            assert_eq!(found.iter().map(|due| due.at.to_string()).collect::<Vec<_>>(), [due], "{day}");
        }
    }

    #[test]
    fn the_week_is_due_where_there_was_school_in_it() {
        let due = |now: &str| weekly(&shipped(), &school(), at(now)).map(|due| due.date);
        assert_eq!(due("2026-11-27T15:44:59Z"), Some(date(2026, 11, 20)), "the one before");
        assert_eq!(due("2026-11-27T15:45:00Z"), Some(date(2026, 11, 27)));
        assert_eq!(due("2026-12-01T08:00:00Z"), Some(date(2026, 11, 27)), "late, the next Tuesday");
        assert_eq!(due("2026-10-30T16:00:00Z"), None, "half term");
        assert_eq!(due("2026-12-18T16:00:00Z"), Some(date(2026, 12, 18)), "the last day of term");
        assert_eq!(due("2026-12-25T16:00:00Z"), None);
        // An inset day on the Friday: the four days before it are told of.
        let mut inset = school();
        inset.closed.push(crate::clock::Dates { name: "inset".into(), first: date(2026, 11, 27), last: date(2026, 11, 27) });
        assert_eq!(weekly(&shipped(), &inset, at("2026-11-27T16:00:00Z")).map(|due| due.date), Some(date(2026, 11, 27)));
    }

    #[test]
    fn what_is_late_says_why() {
        let zone = TimeZone::get("Europe/London").expect("the zone is built in");
        let due = Due { date: date(2026, 11, 25), at: at("2026-11-25T08:15:00Z") };
        let late = |running: &str, now: &str| lateness(due, at(running), at(now), &zone);
        assert_eq!(late("2026-11-24T10:00:00Z", "2026-11-25T08:15:01Z"), None);
        assert_eq!(late("2026-11-25T09:02:00Z", "2026-11-25T09:02:01Z").as_deref(), Some("Late: Usher was not running at 08:15."));
        assert_eq!(late("2026-11-24T10:00:00Z", "2026-11-25T09:30:00Z").as_deref(), Some("Late: it could not be written at 08:15."));
        assert_eq!(late("2026-11-26T09:02:00Z", "2026-11-26T09:02:00Z").as_deref(), Some("Late: Usher was not running at 08:15 on Wednesday."));
    }

    fn look_of(checks: Vec<Check>) -> Look {
        Look { at: at("2026-11-25T07:00:00Z"), checks }
    }

    fn of<'a>(look: &'a Look, zone: &'a TimeZone) -> Morning<'a> {
        let (late, unread, now) = (None, None, at("2026-11-25T08:15:00Z"));
        Morning { late, look, unsent: 0, updates: 3, since: at("2026-11-24T08:15:00Z"), opened: 0, danger: 0, unread, now, zone }
    }

    #[test]
    fn when_nothing_happened_it_is_one_line_of_a_fixed_form() {
        let look = look_of(vec![Check::new("lists", Light::Green, "as they should be")]);
        let zone = TimeZone::UTC;
        let quiet = of(&look, &zone);
        assert_eq!(quiet.all_clear(), "All systems seen working at 07:00; 0 episodes since yesterday 08:15; 3 updates of lists; 0 alerts unsent.");
        let machine = "All systems seen working at 07:00; 3 updates of lists; 0 alerts unsent.\nGreen:\n- lists: as they should be";
        assert_eq!(quiet.machine(), machine);
        for (since, words) in
            [("2026-11-20T08:15:00Z", "since Friday 08:15"), ("2026-10-23T08:15:00Z", "since 23 October 08:15"), ("2026-11-25T08:00:00Z", "since 08:00;")]
        {
            let text = Morning { since: at(since), ..quiet.clone() }.all_clear();
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_first_and_with_what_to_do() {
        let check = |what: &str, light, words: &str| Check::new(what, light, words);
        let look =
            look_of(vec![check("disk", Light::Amber, "little is free"), check("outbox", Light::Red, "2 given up"), check("lists", Light::Green, "well")]);
        let zone = TimeZone::UTC;
        let late = Some("Late: Usher was not running at 08:15.".to_owned());
        let unread = Some((2, at("2026-11-24T10:42:00Z")));
        let text = Morning { late, opened: 2, danger: 1, unread, unsent: 2, updates: 1, ..of(&look, &zone) }.all_clear();
        let expected = "Late: Usher was not running at 08:15. NOT all is well: 1 red at 07:00; 2 episodes since yesterday 08:15, 1 of danger; 1 update of lists; 2 alerts unsent.\n\
            Nobody has said that they have read 2 matters; the oldest is of Tue 24 Nov 10:42.\n\
            Red, somebody must act:\n- outbox: 2 given up\nAmber, look at it:\n- disk: little is free";
        assert_eq!(text, expected);
    }
}
