//! The week's summary: what began, came back and got worse, by theme and group; what is watched; how it was dealt with. Pure: acts in, sentences out.
//!
//! The DfE asks for monitoring reports each week ("Meeting digital and technology standards in schools", filtering and monitoring). Nobody is named. Matters
//! about staff are not in it, not even as a number: whom they are about may be among those who read it, and who is to know was told. For governors a number
//! below `FEW` is "a few", by which no pupil can be known.

use super::digest::lateness;
use super::health::{day_and_time, several};
use super::suppress::Suppression;
use super::theme::Theme;
use super::volume::What;
use crate::alert::digest::Due;
use crate::audit::incident::{Act, Incident, Level, Person};
use crate::bypass::Code;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Below this number a governor reads "a few".
const FEW: u64 = 5;
/// A matter that is open for longer is told of.
const LONG: SignedDuration = SignedDuration::from_hours(5 * 24);
/// The most lines of one kind.
const MOST: usize = 30;

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Those who look after pupils.
    Officers,
    /// Governors.
    Governors,
}

/// How many matters of one theme and group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Began, of somebody who had none of the theme before.
    pub new: u64,
    /// Began, of somebody who had; or came back.
    pub repeated: u64,
    /// Got worse.
    pub worse: u64,
    /// Began as another theme, of which this one came to be part. Not in any sum: such a matter is one.
    pub beside: u64,
}

impl Tally {
    fn and(self, more: &Self) -> Self {
        Self { new: self.new + more.new, repeated: self.repeated + more.repeated, worse: self.worse + more.worse, beside: self.beside + more.beside }
    }
}

/// What the acts of the journal say of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matters {
    /// By theme and group.
    pub tallies: BTreeMap<(Theme, String), Tally>,
    /// Of those that began, got worse or came back: danger.
    pub danger: u64,
    /// Matters that nobody has read, and since when: the oldest began, got worse or came back then.
    pub unread: Option<(u64, Timestamp)>,
    /// Matters that are not closed for longer than five days.
    pub long_open: u64,
    /// Minutes between a message and that somebody had read it, in order.
    pub minutes: Vec<u64>,
    /// Messages that were given up.
    pub dead: u64,
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Matters {
    /// What all matters come to between these times. `incidents` are all there are.
    #[must_use]
    pub fn of(incidents: &[Incident], from: Timestamp, to: Timestamp) -> Self {
        let mut all = Self::default();
        let mut before: BTreeSet<(&Person, &str)> = BTreeSet::new();
        for incident in incidents.iter().filter(|incident| !incident.opened.is_staff) {
            let is_repeated = !before.insert((&incident.opened.who, &incident.opened.theme));
            all.add(incident, is_repeated, from, to);
        }
        all.minutes.sort_unstable();
        all
    }

    fn add(&mut self, incident: &Incident, is_repeated: bool, from: Timestamp, to: Timestamp) {
        let opened = &incident.opened;
        let Some(theme) = Theme::named(&opened.theme) else { return };
        let is_within = |at: i64| (from..to).contains(&time(at));
        let mut tally = Tally::default();
        // Since when it is as it is: it may have been read before it got worse or came back.
        let (mut began, mut since, mut told, mut is_danger) = (None, Timestamp::UNIX_EPOCH, None, false);
        for (_, at, act) in incident.acts.iter().filter(|(_, at, _)| time(*at) < to) {
            match act {
                Act::Opened(of) => {
                    (began, since, told) = (Some(time(*at)), time(*at), None);
                    if is_within(*at) {
                        *(if is_repeated { &mut tally.repeated } else { &mut tally.new }) += 1;
                        is_danger |= of.level == Level::Danger;
                    }
                }
                Act::Worsened { is_back, level, .. } => {
                    (since, told) = (time(*at), None);
                    if is_within(*at) {
                        *(if *is_back { &mut tally.repeated } else { &mut tally.worse }) += 1;
                        is_danger |= *level == Level::Danger;
                    }
                }
                Act::Told(_) => told = told.or(Some(*at)),
                Act::Read { .. } | Act::Closed { .. } => {
                    if let Some(told) = told.take().filter(|_| is_within(*at)) {
                        self.minutes.push((at.saturating_sub(told) / 60_000).unsigned_abs());
                    }
                }
                Act::Untold(_) => self.dead += u64::from(is_within(*at)),
                _ => {}
            }
        }
        let Some(began) = began else { return };
        self.danger += u64::from(is_danger);
        self.count(theme, &opened.group, tally);
        for part in incident.parts().iter().filter(|part| is_within(part.at)) {
            if let Some(theme) = Theme::named(part.theme) {
                self.count(theme, &opened.group, Tally { beside: 1, ..Tally::default() });
            }
        }
        if incident.closed.is_none() {
            self.long_open += u64::from(to.duration_since(began) > LONG);
            if incident.read.is_none() {
                let (count, oldest) = self.unread.unwrap_or((0, since));
                self.unread = Some((count + 1, oldest.min(since)));
            }
        }
    }

    fn count(&mut self, theme: Theme, group: &str, more: Tally) {
        if more != Tally::default() {
            let kept = self.tallies.entry((theme, group.to_owned())).or_default();
            *kept = kept.and(&more);
        }
    }

    /// Of all themes and groups together.
    #[must_use]
    pub fn sum(&self) -> Tally {
        self.tallies.values().fold(Tally::default(), Tally::and)
    }
}

/// What a suppression held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// Which.
    pub suppression: Suppression,
    /// How many signs.
    pub signs: u64,
}

/// All that the summary tells of.
#[derive(Clone, Debug)]
pub struct Week<'a> {
    /// Its day.
    pub due: Due,
    /// From the last one on.
    pub from: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// Since when Usher is running.
    pub running: Timestamp,
    /// The matters.
    pub matters: Matters,
    /// People with signs that come to no matter, by theme.
    pub watched: Vec<(Theme, usize)>,
    /// Ways round the filter, in the records of matters, by their code.
    pub ways: BTreeMap<Code, u64>,
    /// Suppressions that were in force.
    pub held: Vec<HeldBack>,
    /// Changes of `alerts.toml`: when, and of which parts.
    pub changes: Vec<(Timestamp, String)>,
    /// How many people did much more than they usually do, by group and of what.
    pub unusual: BTreeMap<(String, What), u64>,
    /// The school's time.
    pub zone: &'a TimeZone,
}

impl Week<'_> {
    /// What it says.
    #[must_use]
    pub fn text(&self, reader: Reader) -> String {
        let write = Writer(reader);
        let Tally { new, repeated, worse, beside } = self.matters.sum();
        let late = lateness(self.due, self.running, self.now, self.zone).map_or_else(String::new, |late| format!("{late} "));
        let counts = match (new, repeated, worse) {
            (0, 0, 0) if beside > 0 => "no matter began and none got worse, but more came to some".to_owned(),
            (0, 0, 0) => "no matter began and none got worse".to_owned(),
            _ => format!(
                "{} new, {} repeated, {} worse, {} of danger",
                write.number(new),
                write.number(repeated),
                write.number(worse),
                write.number(self.matters.danger)
            ),
        };
        let mut lines = vec![
            format!("{late}From {} to {}: {counts}.", day_and_time(self.from, self.zone), day_and_time(self.now, self.zone)),
            "Matters about staff are not in these numbers.".to_owned(),
        ];
        let mut section = |heading: &str, of: Vec<String>| {
            if !of.is_empty() {
                let more = of.len().saturating_sub(MOST);
                lines.push(format!("{heading}:"));
                lines.extend(of.into_iter().take(MOST).map(|line| format!("- {line}")));
                lines.extend((more > 0).then(|| format!("- and {more} more")));
            }
        };
        section("By theme and group", self.by_theme(write));
        section(
            "People with signs of it that come to no matter so far",
            self.watched.iter().map(|(theme, count)| format!("{}: {}", theme.words(), write.number(*count as u64))).collect(),
        );
        section(
            "Ways round the filter that were found",
            self.ways.iter().map(|(code, count)| format!("{}: {}, {}", code.as_str(), write.number(*count), code.words())).collect(),
        );
        section(
            "People who did much more than they usually do, or at night (usher users activity)",
            self.unusual.iter().map(|((group, what), count)| format!("{group}: {}, {}", what.words(), write.number(*count))).collect(),
        );
        section("How it was dealt with", self.handling(write));
        section("What counts for nothing for now, and how many signs that held back", self.suppressed(write));
        section("Changes of who is told, and of what", self.changes.iter().map(|(at, parts)| format!("{}: {parts}", day_and_time(*at, self.zone))).collect());
        lines.join("\n")
    }

    fn by_theme(&self, write: Writer) -> Vec<String> {
        let mut themes: BTreeMap<Theme, Vec<String>> = BTreeMap::new();
        for ((theme, group), Tally { new, repeated, worse, beside }) in &self.matters.tallies {
            let mut parts: Vec<_> = [(new, "new"), (repeated, "repeated"), (worse, "worse")]
                .into_iter()
                .filter(|(count, _)| **count > 0)
                .map(|(count, word)| format!("{} {word}", write.number(*count)))
                .collect();
            parts.extend((*beside > 0).then(|| format!("part of {} of another theme", write.number(*beside))));
            themes.entry(*theme).or_default().push(format!("{group} {}", parts.join(", ")));
        }
        themes.into_iter().map(|(theme, groups)| format!("{}: {}", theme.words(), groups.join("; "))).collect()
    }

    fn handling(&self, write: Writer) -> Vec<String> {
        let Matters { unread, long_open, minutes, dead, .. } = &self.matters;
        let mut lines = Vec::new();
        lines.push(match unread {
            None => "every matter has been read".to_owned(),
            Some((count, oldest)) => format!("not read by anybody: {}, the oldest of {}", write.number(*count), day_and_time(*oldest, self.zone)),
        });
        lines.push(format!("open for more than five days: {}", write.number(*long_open)));
        if !minutes.is_empty() {
            let median = several(median(minutes), "minute");
            lines.push(format!("from a message to that it was read: {median} in the median, of {}", write.number(minutes.len() as u64)));
        }
        lines.push(format!("messages that could not be handed over: {}", write.number(*dead)));
        lines
    }

    fn suppressed(&self, write: Writer) -> Vec<String> {
        let line = |HeldBack { suppression, signs }: &HeldBack| {
            let of = suppression.group.as_deref().unwrap_or("everybody");
            format!("{}, {of}, until {}: {}", suppression.pattern.words(), suppression.until, write.number(*signs))
        };
        self.held.iter().map(line).collect()
    }
}

/// Of numbers in order, the one in the middle; of an even count the lower of the two.
fn median(ordered: &[u64]) -> u64 {
    ordered.get(ordered.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

#[derive(Clone, Copy)]
struct Writer(Reader);

impl Writer {
    fn number(self, number: u64) -> String {
        match self.0 {
            Reader::Governors if (1..FEW).contains(&number) => "a few".to_owned(),
            Reader::Officers | Reader::Governors => number.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::RecordId;
    use crate::audit::incident::fixture;
    use crate::audit::incident::{Opened, Outcome, Told};
    use jiff::civil::date;

    /// Midday on a day of November.
    fn on(day: i8) -> Timestamp {
        date(2026, 11, day).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).expect("a time").timestamp()
    }

    fn matter(number: u64, theme: &str, who: &str, group: &str, day: i8) -> Incident {
        let opened = Opened { who: Person::User(who.into()), group: group.into(), is_staff: group == "staff", ..fixture::opened(number, theme) };
        let mut incident = Incident::new(opened.clone());
        incident.take(number, on(day).as_millisecond(), Act::Opened(Box::new(opened)));
        incident
    }

    fn then(incident: &mut Incident, at: Timestamp, act: Act) {
        incident.take(99, at.as_millisecond(), act);
    }

    fn read(number: u64, theme: &str) -> Act {
        Act::Read { episode: RecordId(number), theme: theme.into(), by: "Ms Bell".into(), how: "link".into() }
    }

    fn told(number: u64, theme: &str) -> Box<Told> {
        let (message, route, to, channel) = ("1/mail/x".into(), "danger".into(), "x".into(), "mail".into());
        Box::new(Told { message, episode: Some(RecordId(number)), theme: Some(theme.into()), level: None, route, to, channel, tries: 1, answer: "250".into() })
    }

    fn after(at: Timestamp, minutes: i64) -> Timestamp {
        at + SignedDuration::from_mins(minutes)
    }

    fn of(incidents: &[Incident]) -> Matters {
        Matters::of(incidents, on(20), on(27))
    }

    #[test]
    fn what_began_came_back_and_got_worse_is_counted_by_theme_and_group() {
        let mut worse = matter(3, "self-harm", "k.smith", "year-9", 18);
        then(
            &mut worse,
            on(24),
            Act::Worsened {
                is_back: false,
                also: None,
                place: None,
                episode: RecordId(3),
                theme: "self-harm".into(),
                level: Level::Danger,
                at_ms: 1,
                factors: Vec::new(),
                records: Vec::new(),
            },
        );
        let all = [
            matter(1, "drugs", "a", "year-7", 10),
            matter(2, "drugs", "a", "year-7", 21),
            worse,
            matter(4, "drugs", "b", "year-7", 26),
            matter(5, "drugs", "c", "staff", 26),
            matter(6, "drugs", "d", "year-7", 27),
        ];
        let found = of(&all);
        let tallies: Vec<_> =
            found.tallies.iter().map(|((theme, group), tally)| (theme.as_str(), group.as_str(), tally.new, tally.repeated, tally.worse)).collect();
        assert_eq!(tallies, [("self-harm", "year-9", 0, 0, 1), ("drugs", "year-7", 1, 1, 0)], "not what is of staff, or came after the end");
        assert_eq!((found.danger, found.long_open, found.unread), (1, 3, Some((4, on(10)))));
    }

    #[test]
    fn a_theme_that_is_part_of_another_matter_is_told_and_makes_no_second_one() {
        let mut one = matter(1, "violence", "a", "year-7", 18);
        let joined = |theme: &str| Act::Joined {
            also: theme.into(),
            level: Level::Concern,
            episode: RecordId(1),
            theme: "violence".into(),
            at_ms: 1,
            factors: Vec::new(),
            records: vec![RecordId(2)],
        };
        for (at, theme) in [(18, "hate"), (21, "drugs"), (22, "drugs"), (22, "hate"), (28, "crime")] {
            then(&mut one, on(at), joined(theme));
        }
        let found = of(&[one]);
        let tallies: Vec<_> = found.tallies.iter().map(|((theme, group), tally)| (theme.as_str(), group.as_str(), *tally)).collect();
        assert_eq!(tallies, [("drugs", "year-7", Tally { beside: 1, ..Tally::default() })], "once, and what was stated within the week");
        assert_eq!(found.sum(), Tally { beside: 1, ..Tally::default() });
        let text = Week { matters: found, ..week(&TimeZone::UTC) }.text(Reader::Officers);
        assert!(
            text.contains("no matter began and none got worse, but more came to some.") && text.contains("drugs: year-7 part of 1 of another theme"),
            "{text}"
        );
    }

    #[test]
    fn how_long_it_took_to_read_is_by_the_message_before() {
        let mut quick = matter(1, "drugs", "a", "year-7", 21);
        for (at, act) in [
            (after(on(21), 1), Act::Told(told(1, "drugs"))),
            (after(on(21), 5), Act::Told(told(1, "drugs"))),
            (after(on(21), 13), read(1, "drugs")),
            (after(on(21), 90), read(1, "drugs")),
        ] {
            then(&mut quick, at, act);
        }
        let mut slow = matter(2, "drugs", "b", "year-7", 22);
        let closed = Act::Closed {
            episode: RecordId(2),
            theme: "drugs".into(),
            by: "x".into(),
            outcome: Outcome::Talked,
            action: "x".into(),
            reason: "x".into(),
            disputed: None,
        };
        for (at, act) in [(on(22), Act::Told(told(2, "drugs"))), (after(on(22), 1), Act::Untold(told(2, "drugs"))), (after(on(22), 40), closed)] {
            then(&mut slow, at, act);
        }
        let found = of(&[quick, slow]);
        assert_eq!((found.minutes, found.dead, found.unread, found.long_open), (vec![12, 40], 1, None, 1), "from the first message to the first reading");
        assert_eq!((median(&[12, 40]), median(&[1, 2, 9]), median(&[])), (12, 2, 0));
    }

    fn week(zone: &TimeZone) -> Week<'_> {
        let mut tallies = BTreeMap::new();
        tallies.insert((Theme::SelfHarm, "year-7".to_owned()), Tally { new: 6, repeated: 1, ..Tally::default() });
        tallies.insert((Theme::SelfHarm, "year-9".to_owned()), Tally { worse: 2, beside: 1, ..Tally::default() });
        let matters = Matters { tallies, danger: 1, unread: Some((2, on(24))), long_open: 0, minutes: vec![3, 12, 40], dead: 7 };
        let suppression = Suppression {
            number: 8,
            at: on(20),
            pattern: "theme:drugs".parse().expect("a pattern"),
            group: Some("year-11".into()),
            until: date(2026, 12, 1),
            reason: "x".into(),
            by: "x".into(),
            freed: None,
        };
        Week {
            due: Due { date: date(2026, 11, 27), at: on(27) },
            from: on(20),
            now: on(27),
            running: on(1),
            matters,
            watched: vec![(Theme::Drugs, 12), (Theme::Gambling, 1)],
            ways: [(Code::Wisp, 3)].into(),
            held: vec![HeldBack { suppression, signs: 14 }],
            changes: vec![(on(24), "recipient, routes".to_owned())],
            unusual: [(("year-9".to_owned(), What::Night), 2)].into(),
            zone,
        }
    }

    #[test]
    fn it_tells_what_is_asked_of_a_week() {
        let zone = TimeZone::UTC;
        let expected = format!(
            "From Fri 20 Nov 12:00 to Fri 27 Nov 12:00: 6 new, 1 repeated, 2 worse, 1 of danger.\nMatters about staff are not in these numbers.\n\
            By theme and group:\n- self-harm: year-7 6 new, 1 repeated; year-9 2 worse, part of 1 of another theme\n\
            People with signs of it that come to no matter so far:\n- drugs: 12\n- gambling: 1\n\
            Ways round the filter that were found:\n- wisp: 3, {}\n\
            People who did much more than they usually do, or at night (usher users activity):\n- year-9: pages and searches at night, 2\n\
            How it was dealt with:\n- not read by anybody: 2, the oldest of Tue 24 Nov 12:00\n- open for more than five days: 0\n\
            - from a message to that it was read: 12 minutes in the median, of 3\n- messages that could not be handed over: 7\n\
            What counts for nothing for now, and how many signs that held back:\n- everything of the theme drugs, year-11, until 2026-12-01: 14\n\
            Changes of who is told, and of what:\n- Tue 24 Nov 12:00: recipient, routes",
            Code::Wisp.words()
        );
        assert_eq!(week(&zone).text(Reader::Officers), expected);
        let quiet = Week {
            matters: Matters::default(),
            watched: Vec::new(),
            ways: BTreeMap::new(),
            held: Vec::new(),
            changes: Vec::new(),
            unusual: BTreeMap::new(),
            ..week(&zone)
        };
        let text = quiet.text(Reader::Officers);
        assert!(
            text.starts_with(
                "From Fri 20 Nov 12:00 to Fri 27 Nov 12:00: no matter began and none got worse.\nMatters about staff are not in these numbers.\nHow it was dealt with:\n- every matter has been read"
            ),
            "{text}"
        );
    }

    #[test]
    fn governors_read_no_small_number() {
        let zone = TimeZone::UTC;
        let text = week(&zone).text(Reader::Governors);
        assert!(
            text.contains("6 new, a few repeated, a few worse, a few of danger") && text.contains("year-7 6 new, a few repeated; year-9 a few worse"),
            "{text}"
        );
        assert!(
            text.contains("gambling: a few")
                && text.contains("at night, a few")
                && text.contains("wisp: a few")
                && text.contains("open for more than five days: 0"),
            "{text}"
        );
    }
}
