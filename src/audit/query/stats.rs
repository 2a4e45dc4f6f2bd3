//! How much there was of what, day by day, without anybody's name.
//!
//! Records are not read: of each chunk only the numbers of who asked and of the verdict are, and of those with blocks the numbers of the hosts. When a
//! record was is told from its number, or, where a day begins or the clock went back within the chunk, from its time.

use super::live::LiveFiles;
use super::{Log, LogError, ROUNDS};
use crate::audit::entry::{Decoder, Judgement, Shape};
use crate::audit::journal::Part;
use crate::audit::record::Verdict;
use crate::audit::segment::columns::Group;
use crate::audit::segment::dictionary::Hosts;
use crate::audit::segment::{Segment, SegmentError};
use crate::insight::{Kind, Stage};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The most days that are counted at once: three school years.
pub const MOST_DAYS: usize = 1100;

/// A day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// All requests.
    pub requests: u64,
    /// Pages somebody went to.
    pub visits: u64,
    /// Searches that were asked; what was being typed is not counted.
    pub searches: u64,
    /// Users, and devices nobody was known at.
    pub people: u64,
    /// Requests that were blocked.
    pub blocks: u64,
    /// Requests of each category.
    pub categories: BTreeMap<String, u64>,
    /// Blocks of each host.
    pub blocked_hosts: HashMap<String, u64>,
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Stats {
    /// The days that have requests.
    pub days: BTreeMap<Date, Day>,
    /// Parts that could not be read, and why.
    pub passed_over: BTreeMap<String, String>,
}

/// Which days to count: from the first to the last, in this time zone.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The first.
    pub first: Date,
    /// The last.
    pub last: Date,
    /// Whose midnight divides them.
    pub zone: TimeZone,
}

/// When days begin, in Unix milliseconds, ascending; the end of the last is the last.
struct Days {
    dates: Vec<Date>,
    starts: Vec<u64>,
}

impl Days {
    fn of(wanted: &Wanted) -> Result<Self, LogError> {
        let unfit = || LogError::Filter(format!("{} to {} cannot be counted; at most {MOST_DAYS} days, the first before the last", wanted.first, wanted.last));
        let mut dates: Vec<_> = wanted.first.series(1.day()).take_while(|date| *date <= wanted.last).take(MOST_DAYS + 1).collect();
        if dates.is_empty() || dates.len() > MOST_DAYS {
            return Err(unfit());
        }
        dates.push(wanted.last.tomorrow().map_err(|_| unfit())?);
        let start = |date: &Date| Some(u64::try_from(date.to_zoned(wanted.zone.clone()).ok()?.timestamp().as_millisecond()).unwrap_or_default());
        let starts = dates.iter().map(start).collect::<Option<Vec<_>>>().ok_or_else(unfit)?;
        dates.pop();
        Ok(Self { dates, starts })
    }

    /// The place of the day this time is in.
    fn of_time(&self, ms: u64) -> Option<usize> {
        let after = self.starts.partition_point(|start| *start <= ms);
        after.checked_sub(1).filter(|day| *day < self.dates.len())
    }

    fn touches(&self, from_ms: u64, to_ms: u64) -> bool {
        self.starts.first().is_some_and(|start| to_ms >= *start) && self.starts.last().is_some_and(|end| from_ms < *end)
    }
}

/// What is counted of a day while parts are read.
#[derive(Default)]
struct Tally {
    day: Day,
    /// Hashes of people, so that one who is in several parts counts once.
    people: HashSet<u64>,
}

/// What is counted of one day in one segment, by numbers of its dictionaries.
struct Counts {
    whos: Vec<bool>,
    judgements: Vec<u32>,
    shapes: Vec<u32>,
    blocked_hosts: HashMap<u32, u64>,
}

/// A segment's dictionaries, as far as they are counted by.
struct Dictionaries {
    people: Vec<u64>,
    judgements: Arc<Vec<Judgement>>,
    shapes: Vec<[u64; 2]>,
}

impl Log {
    /// Counts what was on these days.
    pub fn stats(&self, wanted: &Wanted) -> Result<Stats, LogError> {
        let days = Days::of(wanted)?;
        for _ in 0..ROUNDS {
            let stats = self.stats_once(&days)?;
            if !self.has_moved(&stats.passed_over)? {
                return Ok(stats);
            }
        }
        Err(LogError::Moved)
    }

    fn stats_once(&self, days: &Days) -> Result<Stats, LogError> {
        let (live, parts) = self.parts()?;
        let mut tallies: Vec<Tally> = days.dates.iter().map(|_| Tally::default()).collect();
        live_files(&live, days, &mut tallies)?;
        let mut stats = Stats::default();
        for part in parts.iter().filter(|part| part.rows > 0 && days.touches(part.ids.0.unix_ms().saturating_sub(part.skew_ms), part.ids.1.unix_ms())) {
            let counted = self.segments.get(&part.file, Some(&part.digest)).and_then(|segment| count(&segment, part, days, &mut tallies));
            if let Err(error) = counted {
                stats.passed_over.insert(part.file.clone(), error.to_string());
            }
        }
        let counted = days.dates.iter().copied().zip(tallies).filter(|(_, tally)| tally.day.requests > 0);
        stats.days = counted.map(|(date, tally)| (date, Day { people: tally.people.len() as u64, ..tally.day })).collect();
        Ok(stats)
    }
}

fn person(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Whether it is a visit and whether it is a search that was asked, as numbers to add.
fn visits_and_searches(shape: &Shape<'_>) -> [u64; 2] {
    let searched = shape.kind == Kind::Search && shape.stage == Stage::Asked;
    [u64::from(shape.kind == Kind::Visit), u64::from(searched)]
}

impl Day {
    fn add_judged(&mut self, judgement: &Judgement, requests: u64) {
        self.requests += requests;
        if judgement.verdict == Verdict::Blocked {
            self.blocks += requests;
        }
        for category in judgement.categories.split_ascii_whitespace() {
            match self.categories.get_mut(category) {
                Some(count) => *count += requests,
                None => drop(self.categories.insert(category.to_owned(), requests)),
            }
        }
    }

    fn add_shaped(&mut self, [visits, searches]: [u64; 2], requests: u64) {
        self.visits += visits * requests;
        self.searches += searches * requests;
    }

    fn add_blocked(&mut self, host: &str, requests: u64) {
        match self.blocked_hosts.get_mut(host) {
            Some(count) => *count += requests,
            None => drop(self.blocked_hosts.insert(host.to_owned(), requests)),
        }
    }
}

fn live_files(live: &LiveFiles, days: &Days, tallies: &mut [Tally]) -> Result<(), LogError> {
    live.each(|who, judgement, opened| {
        let Some(day) = days.of_time(opened.time_ms) else { return };
        let tally = &mut tallies[day];
        tally.people.insert(person(who.person()));
        tally.day.add_judged(judgement, 1);
        tally.day.add_shaped(visits_and_searches(&opened.shape), 1);
        if judgement.verdict == Verdict::Blocked {
            tally.day.add_blocked(opened.host, 1);
        }
    })
}

fn count(segment: &Segment, part: &Part, days: &Days, tallies: &mut [Tally]) -> Result<(), SegmentError> {
    let shapes = segment.shapes()?;
    let shapes: Result<Vec<_>, SegmentError> = shapes.iter().map(|shape| Ok(visits_and_searches(&Decoder::new(shape).shape()?))).collect();
    let people = segment.whos()?.rows.iter().map(|who| person(who.person())).collect();
    let dictionaries = Dictionaries { people, judgements: segment.judgements()?, shapes: shapes? };
    let mut counts: BTreeMap<usize, Counts> = BTreeMap::new();
    for number in 0..segment.directory.chunks.len() {
        count_chunk(segment, number, part.skew_ms, days, &dictionaries, &mut counts)?;
    }
    let blocked = counts.values().any(|counts| !counts.blocked_hosts.is_empty());
    let hosts = blocked.then(|| segment.hosts()).transpose()?;
    for (day, counts) in counts {
        counts.add_to(&mut tallies[day], &dictionaries, hosts.as_deref());
    }
    Ok(())
}

/// On which days the rows of a chunk were.
enum When {
    /// All on one, or on none that is asked for.
    Together(Option<usize>),
    /// Each on its own.
    Apart(Vec<Option<usize>>),
}

fn when(segment: &Segment, number: usize, skew_ms: u64, days: &Days) -> Result<When, SegmentError> {
    let (first, last) = segment.directory.chunks[number].ids;
    let (from_ms, to_ms) = (first.unix_ms().saturating_sub(skew_ms), last.unix_ms());
    if !days.touches(from_ms, to_ms) {
        return Ok(When::Together(None));
    }
    let day = days.of_time(from_ms);
    if day.is_some() && day == days.of_time(to_ms) {
        return Ok(When::Together(day));
    }
    let chunk = segment.chunk(number);
    let ids = chunk.ids()?;
    if skew_ms == 0 {
        return Ok(When::Apart(ids.iter().map(|id| days.of_time(id.unix_ms())).collect()));
    }
    let bytes = chunk.group(Group::Origin)?;
    Ok(When::Apart(chunk.origins(&bytes, &ids)?.iter().map(|origin| days.of_time(origin.time_ms)).collect()))
}

fn count_chunk(
    segment: &Segment,
    number: usize,
    skew_ms: u64,
    days: &Days,
    dictionaries: &Dictionaries,
    counts: &mut BTreeMap<usize, Counts>,
) -> Result<(), SegmentError> {
    let when = when(segment, number, skew_ms, days)?;
    if matches!(when, When::Together(None)) {
        return Ok(());
    }
    let chunk = segment.chunk(number);
    let (whos, verdicts) = (chunk.whos()?, chunk.verdicts()?);
    let is_blocked = |judgement: u32| dictionaries.judgements.get(judgement as usize).is_some_and(|judgement| judgement.verdict == Verdict::Blocked);
    let hosts = if verdicts.iter().any(|(judgement, _)| is_blocked(*judgement)) { Some(chunk.hosts()?) } else { None };
    for (row, (who, (judgement, shape))) in whos.into_iter().zip(verdicts).enumerate() {
        let day = match &when {
            When::Together(day) => *day,
            When::Apart(all) => all[row],
        };
        let Some(day) = day else { continue };
        let counts = counts.entry(day).or_insert_with(|| Counts::empty(dictionaries));
        let blocked_host = hosts.as_ref().filter(|_| is_blocked(judgement)).map(|hosts| hosts[row]);
        counts.add(who, judgement, shape, blocked_host).ok_or(SegmentError::Damaged("a row names what is in no dictionary"))?;
    }
    Ok(())
}

impl Counts {
    fn empty(dictionaries: &Dictionaries) -> Self {
        Self {
            whos: vec![false; dictionaries.people.len()],
            judgements: vec![0; dictionaries.judgements.len()],
            shapes: vec![0; dictionaries.shapes.len()],
            blocked_hosts: HashMap::new(),
        }
    }

    /// Nothing if one of the numbers is in no dictionary.
    fn add(&mut self, who: u32, judgement: u32, shape: u32, blocked_host: Option<u32>) -> Option<()> {
        *self.whos.get_mut(who as usize)? = true;
        *self.judgements.get_mut(judgement as usize)? += 1;
        *self.shapes.get_mut(shape as usize)? += 1;
        if let Some(host) = blocked_host {
            *self.blocked_hosts.entry(host).or_default() += 1;
        }
        Some(())
    }

    fn add_to(self, tally: &mut Tally, dictionaries: &Dictionaries, hosts: Option<&Hosts>) {
        let counted = |counts: Vec<u32>| counts.into_iter().map(u64::from).enumerate().filter(|(_, count)| *count > 0);
        tally.people.extend(self.whos.iter().zip(&dictionaries.people).filter(|(there, _)| **there).map(|(_, person)| *person));
        counted(self.judgements).for_each(|(number, requests)| tally.day.add_judged(&dictionaries.judgements[number], requests));
        counted(self.shapes).for_each(|(number, requests)| tally.day.add_shaped(dictionaries.shapes[number], requests));
        for (number, requests) in self.blocked_hosts {
            if let Some(host) = hosts.and_then(|hosts| hosts.host(number)) {
                tally.day.add_blocked(&host, requests);
            }
        }
    }
}

/// The greatest of what was counted, the greatest first; of equals the one whose name comes first.
#[must_use]
pub fn top<'a>(counted: impl IntoIterator<Item = (&'a String, &'a u64)>, most: usize) -> Vec<(String, u64)> {
    let mut all: Vec<_> = counted.into_iter().map(|(name, count)| (name.clone(), *count)).collect();
    all.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    all.truncate(most);
    all
}

#[cfg(test)]
mod tests;
