//! What there is to show of one matter, read from the record: its records, the hour before and after, others at the same sites, the theme earlier this term,
//! and what could not be seen.
//!
//! It reads the record for a program's own work ([`Unshown`]): whoever shows it to people puts their look on record first, or sends it where the school's own
//! settings say. Of others there are numbers only.

use crate::audit::incident::{Incident, Level, Person};
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log, LogError, Row};
use crate::audit::{Outcome, RecordId};
use crate::insight::Kind;
use crate::insight::site::Site;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long before and after a matter is shown.
const AROUND: SignedDuration = SignedDuration::from_hours(1);
/// How near in time others are.
const BESIDE: SignedDuration = SignedDuration::from_mins(10);
/// The most records of a matter that are read.
const MOST_RECORDS: usize = 64;
/// The most visits and searches of each kind around it.
const MOST_AROUND: u32 = 500;
/// The most sites at which others are counted.
const MOST_SITES: usize = 5;

/// Others at the same site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The site.
    pub site: String,
    /// How many others.
    pub others: usize,
    /// Their groups, in order.
    pub groups: Vec<String>,
}

/// The same theme of the same person before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its name.
    pub episode: RecordId,
    /// When, in Unix milliseconds.
    pub at_ms: u64,
    /// How grave it was.
    pub level: Level,
    /// What came of it, if it is closed.
    pub outcome: Option<crate::audit::incident::Outcome>,
}

/// What there is to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The records that count, in order.
    pub records: Vec<Row>,
    /// References to records that are not there any more.
    pub gone: Vec<RecordId>,
    /// Visits and searches in the hour before and after, in order, those that count among them.
    pub around: Vec<Row>,
    /// Others at the same sites within ten minutes.
    pub beside: Vec<Beside>,
    /// The theme earlier, the newest first.
    pub earlier: Vec<Earlier>,
    /// What could not be seen, a sentence each.
    pub unseen: Vec<String>,
}

/// Reads what there is to show of a matter. `all` are the matters that are stated; of those since `since`, such as the beginning of term, the same theme is
/// told.
///
/// # Errors
/// If the log cannot be read.
pub fn gather(log: &Log, incident: &Incident, all: &[Incident], since: Timestamp) -> Result<Evidence, LogError> {
    let unshown = Unshown::of(log);
    let mut evidence = Evidence { unseen: incident.opened.unseen.clone(), earlier: earlier(incident, all, since), ..Evidence::default() };
    // What is news of it first: it may have come back often.
    let (news, known) = (incident.news(), incident.records.len() - incident.news().len());
    for id in news.iter().chain(&incident.records[..known]).take(MOST_RECORDS) {
        match unshown.find(*id)? {
            Some(row) => evidence.records.push(row),
            None => evidence.gone.push(*id),
        }
    }
    evidence.records.sort_by_key(|row| row.number);
    let times = || evidence.records.iter().filter(|row| news.contains(&row.number)).map(|row| row.time_ms);
    let (first, last) = (times().min().unwrap_or(incident.opened.at_ms), times().max().unwrap_or(incident.opened.at_ms));
    evidence.around = around(&unshown, (&incident.opened.who, &evidence.records), [at(first, -AROUND), at(last, AROUND)])?;
    evidence.beside = beside(&unshown, &incident.opened.who, &evidence.records)?;
    evidence.unseen.extend(sealed(&evidence.around));
    Ok(evidence)
}

fn at(unix_ms: u64, plus: SignedDuration) -> Timestamp {
    let at = Timestamp::from_millisecond(unix_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
    at.checked_add(plus).unwrap_or(at)
}

/// Somebody's records; a name as it is written on record.
fn of(who: &Person, records: &[Row]) -> Filter {
    match who {
        Person::User(user) => Filter { user: Some(records.iter().find_map(|row| row.user.clone()).unwrap_or_else(|| user.clone())), ..Filter::default() },
        Person::Device(client) => Filter { client: Some(client.clone()), ..Filter::default() },
    }
}

fn is_of(who: &Person, row: &Row) -> bool {
    match who {
        Person::User(user) => row.user.as_ref().is_some_and(|name| name.to_lowercase() == *user),
        Person::Device(client) => row.user.is_none() && row.client == *client,
    }
}

fn around(unshown: &Unshown<'_>, (who, records): (&Person, &[Row]), [from, to]: [Timestamp; 2]) -> Result<Vec<Row>, LogError> {
    let mut rows = Vec::new();
    for kind in [Kind::Visit, Kind::Search] {
        let filter = Filter { kind: Some(kind), from: Some(from), to: Some(to), limit: MOST_AROUND, patience: Duration::MAX, ..of(who, records) };
        rows.extend(unshown.search(&filter)?.rows.into_iter().filter(|row| is_of(who, row)));
    }
    rows.sort_by_key(|row| row.number);
    Ok(rows)
}

fn beside(unshown: &Unshown<'_>, who: &Person, records: &[Row]) -> Result<Vec<Beside>, LogError> {
    let mut found: Vec<Beside> = Vec::new();
    // A search engine's others are everybody.
    for row in records.iter().filter(|row| row.engine.is_none()) {
        let site = Site::registered(&row.host).to_owned();
        if found.len() == MOST_SITES || found.iter().any(|known| known.site == site) {
            continue;
        }
        let (from, to) = (Some(at(row.time_ms, -BESIDE)), Some(at(row.time_ms, BESIDE)));
        let people = unshown.people(&Filter { host: Some(site.clone()), from, to, patience: Duration::MAX, ..Filter::default() })?.people;
        let is_other = |user: &Option<String>, client: &Option<String>| match who {
            Person::User(name) => user.as_ref().is_none_or(|user| user.to_lowercase() != *name),
            Person::Device(address) => user.is_some() || client.as_ref() != Some(address),
        };
        let others: Vec<_> = people.into_iter().filter(|one| is_other(&one.user, &one.client)).collect();
        let groups: BTreeSet<_> = others.iter().map(|one| one.group.clone()).collect();
        found.push(Beside { site, others: others.len(), groups: groups.into_iter().collect() });
    }
    Ok(found)
}

fn earlier(incident: &Incident, all: &[Incident], since: Timestamp) -> Vec<Earlier> {
    let own = &incident.opened;
    let is_one = |one: &&Incident| one.opened.who == own.who && one.opened.theme == own.theme && one.opened.episode < own.episode;
    let since = u64::try_from(since.as_millisecond()).unwrap_or(0);
    let mut found: Vec<_> = all
        .iter()
        .filter(is_one)
        .filter(|one| one.opened.at_ms >= since)
        .map(|one| Earlier { episode: one.opened.episode, at_ms: one.opened.at_ms, level: one.level, outcome: one.closed.map(|(_, outcome)| outcome) })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.episode));
    found
}

/// What the records of an hour say that they do not hold.
fn sealed(rows: &[Row]) -> Vec<String> {
    let site = |row: &Row| Site::registered(&row.host).to_owned();
    let all: BTreeSet<_> = rows.iter().map(site).collect();
    let read: BTreeSet<_> = rows.iter().filter(|row| !row.path.is_empty()).map(site).collect();
    let sealed = all.difference(&read).count();
    let cut = rows.iter().filter(|row| row.outcome.as_deref() == Some(Outcome::LimitReached.as_str())).count();
    let mut said = Vec::new();
    if sealed > 0 {
        said.push(format!("{sealed} of {} sites around it were sealed: only their names are known.", all.len()));
    }
    if cut > 0 {
        said.push(format!("{cut} of the answers around it reached a limit of time or size."));
    }
    said
}
