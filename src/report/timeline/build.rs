//! From rows to lines.

use super::lessons::{of_day, place};
use super::{About, Entry, Folded, GAP_MINUTES, Lesson, Line, REPEAT_SECONDS, SEARCH_REPEAT_SECONDS, Searched, Timeline, Totals, What, is_stopped};
use crate::clock::Timetable;
use crate::insight::{Kind, Stage, Start, engines, folding};
use jiff::civil::Time;
use std::collections::{HashMap, HashSet};

pub(super) fn timeline(about: &About<'_>, entries: &[Entry], timetable: &Timetable) -> Timeline {
    let zoned = |entry: &Entry| entry.time.to_zoned(timetable.zone.clone());
    let mut rows: Vec<_> = entries.iter().filter(|entry| zoned(entry).date() == about.date).map(|entry| (zoned(entry).time(), entry)).collect();
    rows.sort_by(|(_, a), (_, b)| (a.time, &a.id).cmp(&(b.time, &b.id)));
    let mut day = Day { led_up: led_up(&rows), lines: Vec::new(), of: HashMap::new(), lessons: of_day(about.date, timetable), totals: Totals::default() };
    rows.iter().for_each(|(time, entry)| day.take(*time, entry));
    let (lessons, totals) = day.finish();
    let zone = timetable.zone.iana_name().unwrap_or("UTC").to_owned();
    Timeline { person: about.person.to_owned(), school: about.school.to_owned(), date: about.date, zone, totals, lessons }
}

/// The ids of what was typed on the way to something that has a line of its own.
fn led_up<'a>(rows: &[(Time, &'a Entry)]) -> HashSet<&'a str> {
    let folds = |entry: &Entry| !is_stopped(entry.verdict);
    let searches = rows.iter().filter(|(_, entry)| folds(entry)).filter_map(|(_, entry)| {
        let Searched { engine, term, stage } = entry.search.as_ref()?;
        let time_ms = entry.time.as_millisecond().unsigned_abs();
        Some(folding::Typed { time_ms, engine, term, stage: *stage, id: entry.id.as_str() })
    });
    let folded = folding::fold(&searches.collect::<Vec<_>>());
    let addresses = folded.iter().filter(|line| line.stage() == Stage::Typing && rows.iter().any(|(_, entry)| is_address(&line.shown, entry)));
    let addresses = addresses.map(|line| line.shown.id);
    folded.iter().flat_map(|line| line.led_up.iter().copied()).chain(addresses).collect()
}

/// Whether what was typed was the beginning of an address, which browsers ask suggestions for too, and which was then gone to.
fn is_address(typed: &folding::Typed<'_, &str>, entry: &Entry) -> bool {
    let after = entry.time.as_millisecond().unsigned_abs().checked_sub(typed.time_ms);
    let address = typed.term.to_lowercase();
    let address = address.split("://").last().unwrap_or_default();
    let begins = |host: &str| host.starts_with(address.split('/').next().unwrap_or_default());
    entry.kind == Kind::Visit
        && entry.start == Start::Typed
        && after.is_some_and(|after| after <= folding::PAUSE_MS)
        && (begins(&entry.host) || begins(entry.host.strip_prefix("www.").unwrap_or(&entry.host)))
}

/// A line with what is needed to fold others into it.
struct Drawn {
    line: Line,
    lesson: usize,
    at: jiff::Timestamp,
    status: Option<u16>,
}

struct Day<'a> {
    led_up: HashSet<&'a str>,
    lines: Vec<Drawn>,
    /// The line each visit stands in.
    of: HashMap<&'a str, usize>,
    lessons: Vec<Lesson>,
    totals: Totals,
}

impl<'a> Day<'a> {
    fn take(&mut self, time: Time, entry: &'a Entry) {
        self.totals.blocked += usize::from(is_stopped(entry.verdict));
        match (entry.kind, &entry.search) {
            (Kind::Search, Some(search)) => self.search(time, entry, search),
            (Kind::Visit | Kind::Search, _) => self.visit(time, entry),
            (Kind::Resource, _) => self.resource(time, entry),
            (Kind::Background, _) => {
                self.totals.background += 1;
                let lesson = place(&self.lessons, time);
                self.lessons[lesson].background.add(entry);
            }
        }
    }

    fn search(&mut self, time: Time, entry: &'a Entry, search: &Searched) {
        let (engine, term) = (engines::label(&search.engine).to_owned(), search.term.clone());
        let what = match search.stage {
            Stage::Typing if self.led_up.contains(entry.id.as_str()) => return,
            Stage::Typing => {
                self.totals.not_asked += 1;
                return self.draw(time, entry, What::NotAsked { engine, term });
            }
            Stage::Asked => What::Search { engine, term },
        };
        match self.again(entry, &what, SEARCH_REPEAT_SECONDS) {
            Some(place) if entry.start == Start::Loaded => self.hang(place, entry),
            Some(place) => self.repeat(place, time, entry),
            None => {
                self.totals.searches += 1;
                self.draw(time, entry, what);
            }
        }
    }

    fn visit(&mut self, time: Time, entry: &'a Entry) {
        let before = entry.cause.as_deref().and_then(|cause| self.of.get(cause)).copied();
        if let Some(place) = before.filter(|place| self.lines[*place].status.is_some_and(|status| (300..400).contains(&status))) {
            return self.lead_on(place, entry);
        }
        let what = What::Visit { url: entry.url.clone(), by_way_of: Vec::new() };
        self.totals.visits += 1;
        match self.again(entry, &what, REPEAT_SECONDS) {
            Some(place) => self.repeat(place, time, entry),
            None => self.draw(time, entry, what),
        }
    }

    /// The visit a redirect led to is the same visit, at another address.
    fn lead_on(&mut self, place: usize, entry: &'a Entry) {
        let drawn = &mut self.lines[place];
        if let What::Visit { url, by_way_of } = &mut drawn.line.what {
            by_way_of.push(std::mem::replace(url, entry.url.clone()));
        }
        drawn.status = entry.status;
        if is_stopped(entry.verdict) {
            (drawn.line.verdict, drawn.line.why) = (entry.verdict, entry.why.clone());
        }
        self.of.insert(&entry.id, place);
    }

    fn resource(&mut self, time: Time, entry: &'a Entry) {
        self.totals.resources += 1;
        match entry.cause.as_deref().and_then(|cause| self.of.get(cause)).copied() {
            Some(place) => self.hang(place, entry),
            None if is_stopped(entry.verdict) => self.draw(time, entry, What::Part { url: entry.url.clone() }),
            None => {
                let lesson = place(&self.lessons, time);
                self.lessons[lesson].loose.add(entry);
            }
        }
    }

    fn hang(&mut self, place: usize, entry: &'a Entry) {
        self.lines[place].line.resources.add(entry);
        self.of.insert(&entry.id, place);
    }

    fn repeat(&mut self, place: usize, time: Time, entry: &'a Entry) {
        let drawn = &mut self.lines[place];
        drawn.line.times += 1;
        drawn.line.last = time;
        drawn.at = entry.time;
        drawn.status = entry.status;
        self.of.insert(&entry.id, place);
    }

    /// The line that says the same, if it is not long ago and was answered alike.
    fn again(&self, entry: &Entry, what: &What, seconds: i64) -> Option<usize> {
        let same = |drawn: &Drawn| drawn.line.what.is_same(what) && drawn.line.verdict == entry.verdict;
        self.lines.iter().rposition(|drawn| same(drawn) && entry.time.duration_since(drawn.at).as_secs() <= seconds)
    }

    fn draw(&mut self, time: Time, entry: &'a Entry, what: What) {
        let why = if is_stopped(entry.verdict) { entry.why.clone() } else { String::new() };
        let line = Line {
            quiet_before: None,
            time,
            last: time,
            times: 1,
            id: entry.id.clone(),
            what,
            start: entry.start,
            certainty: entry.certainty,
            verdict: entry.verdict,
            why,
            categories: entry.categories.clone(),
            resources: Folded::default(),
        };
        self.of.insert(&entry.id, self.lines.len());
        self.lines.push(Drawn { line, lesson: place(&self.lessons, time), at: entry.time, status: entry.status });
    }

    fn finish(self) -> (Vec<Lesson>, Totals) {
        let Self { lines, mut lessons, totals, .. } = self;
        for Drawn { line, lesson, .. } in lines {
            lessons[lesson].lines.push(line);
        }
        // A day without a row says nothing, rather than that every lesson was empty.
        let any = lessons.iter().any(|lesson| !lesson.is_empty());
        lessons.retain(|lesson| !lesson.is_empty() || any && lesson.is_held());
        lessons.iter_mut().for_each(say_gaps);
        (lessons, totals)
    }
}

impl What {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Visit { url: a, .. }, Self::Visit { url: b, .. }) => a == b,
            (Self::Search { .. }, Self::Search { .. }) => self == other,
            (Self::Visit { .. } | Self::Search { .. } | Self::NotAsked { .. } | Self::Part { .. }, _) => false,
        }
    }
}

/// Marks where nothing was done for long. Only in lessons: before and after them nobody expects anything.
fn say_gaps(lesson: &mut Lesson) {
    let held = lesson.is_held();
    let mut last = lesson.from.filter(|_| held);
    for line in &mut lesson.lines {
        line.quiet_before = last.and_then(|last| gap(last, line.time));
        last = Some(line.last.max(last.unwrap_or(line.last)));
    }
    lesson.quiet_at_end = last.zip(lesson.to.filter(|_| held)).and_then(|(last, to)| gap(last, to));
}

fn gap(from: Time, to: Time) -> Option<u32> {
    let minutes = u32::try_from(to.duration_since(from).as_secs() / 60).ok()?;
    (minutes >= GAP_MINUTES).then_some(minutes)
}
