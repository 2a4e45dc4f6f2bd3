//! Regular messages, put together and stated: the morning's and the week's, each once; and that nobody is told of danger, as an event, once.
//!
//! ```text
//! the time ──▶ digest (due?) ──▶ look, journal, outbox, lists ──▶ text ──▶ Act::Digest, by its day ──▶ notify
//! ```
//!
//! A message whose day was stated is never stated again, whoever restarts Usher how often. If Usher was not running at its time it is stated at the start, and
//! says so. What was due before Usher was ever there is not: since when it is, and the last look, are in `regular.json`.

use super::digest::{self, ALL_CLEAR, Due, MACHINE, WEEKLY, WEEKLY_GOVERNORS};
use super::episode::Episodes;
use super::health::{self, Check, Look, Morning};
use super::outbox::{Outbox, OutboxError};
use super::plan::Plan;
use super::rebuild::{Kept as Engine, Of};
use super::seen::Read;
use super::settings::Settings;
use super::suppress;
use super::theme::Theme;
use super::week::{HeldBack, Matters, Reader as Readers, Week};
use super::{changes, held, volume};
use crate::audit::Folder;
use crate::audit::events::{self, Event, Severity, Wanted};
use crate::audit::incident::{Act, Incident, fold};
use crate::audit::journal::{Journal, JournalError, Reader, Statement, Topic};
use crate::audit::lookups::Unshown;
use crate::audit::query::{Log, LogError};
use crate::audit::remark::Remark;
use crate::bypass::Code;
use crate::clock::Timetable;
use crate::files;
use crate::library::history::{self, What};
use crate::policy::Group;
use crate::telemetry::events::NobodyTold;
use crate::telemetry::light::Light;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

/// The file beside the engine's.
pub const FILE: &str = "regular.json";
/// The most records that are read for the ways of a week.
const MOST_RECORDS: usize = 2000;
/// The most links that are looked at for who has confirmed a morning message.
const MOST_LINKS: u32 = 1000;
/// How far back the first message looks.
const FIRST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is kept between starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Since when there are regular messages here.
    since: Timestamp,
    /// The last look.
    look: Option<Look>,
    /// The parts of `alerts.toml` as they were.
    #[serde(default)]
    settings: Option<changes::Parts>,
}

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Places {
    /// The folder of the record.
    pub log: Folder,
    /// The folder of alerts.
    pub alerts: PathBuf,
    /// The file of the outbox.
    pub outbox: PathBuf,
    /// The file of what was done to the lists.
    pub history: PathBuf,
}

/// What is in force.
#[derive(Clone, Copy)]
pub struct InForce<'a> {
    /// What `alerts.toml` says.
    pub settings: &'a Settings,
    /// The school's hours.
    pub timetable: &'a Timetable,
    /// The groups.
    pub groups: &'a [Group],
}

/// Why a regular message cannot be stated for now.
#[derive(Debug, thiserror::Error)]
pub enum RegularError {
    /// The journal.
    #[error("the journal of the record cannot be used: {0}")]
    Journal(#[from] JournalError),
    /// The record.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// What is kept beside them.
    #[error("{FILE} cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// Writes regular messages.
pub struct Clerk {
    places: Places,
    /// Since when Usher runs.
    running: Timestamp,
    kept: Kept,
    /// What is known to be stated, by kind and day.
    stated: HashSet<(&'static str, Date)>,
    /// The events that are on record, by kind: whether it is so. Nothing before that was read.
    red: BTreeMap<&'static str, Option<String>>,
}

impl Clerk {
    /// Begins, and keeps since when.
    ///
    /// # Errors
    /// If that cannot be kept.
    pub fn begin(places: Places, now: Timestamp) -> Result<Self, RegularError> {
        files::private_folder(&places.alerts)?;
        let path = places.alerts.join(FILE);
        let known = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_new = known.is_none();
        let kept = known.unwrap_or_else(|| Kept { since: first_before(&places.log).unwrap_or(now), look: None, settings: None });
        let clerk = Self { places, running: now, kept, stated: HashSet::new(), red: BTreeMap::new() };
        if is_new {
            clerk.keep()?;
        }
        Ok(clerk)
    }

    fn keep(&self) -> io::Result<()> {
        files::replace(&self.places.alerts.join(FILE), &serde_json::to_vec(&self.kept)?)
    }

    /// Does what is due. `machine` looks at everything but telling; it is asked when a look is due.
    ///
    /// # Errors
    /// If something cannot be read or stated: it is done the next time.
    pub fn turn(&mut self, now: Timestamp, of: InForce<'_>, machine: &mut dyn FnMut() -> Vec<Check>) -> Result<(), RegularError> {
        self.tell_red("nobody-told", of.settings.red.as_deref(), now)?;
        self.morning(now, of, machine)?;
        self.weekly(now, of)
    }

    /// Says that what `alerts.toml` says was taken up: what is not as it was is on record.
    ///
    /// # Errors
    /// If it cannot be put on record.
    pub fn settings_are(&mut self, text: &str, now: Timestamp) -> Result<(), RegularError> {
        let parts = changes::parts(text);
        if self.kept.settings.as_ref() == Some(&parts) {
            return Ok(());
        }
        // The first time there is nothing to hold it against.
        if let Some(before) = &self.kept.settings {
            changes::state(&self.places.log, &changes::changed(before, &parts), now)?;
        }
        self.kept.settings = Some(parts);
        Ok(self.keep()?)
    }

    /// States that something is red when it becomes so, and that it is mended; each once, also over restarts.
    fn tell_red(&mut self, kind: &'static str, red: Option<&str>, now: Timestamp) -> Result<(), JournalError> {
        let mended = match kind {
            "nobody-told" => "nobody-told-mended",
            _ => "morning-unconfirmed-mended",
        };
        let known = match self.red.get(kind) {
            Some(known) => known.clone(),
            None => on_record(&self.places.log, kind, mended),
        };
        let event = match (&known, red) {
            (Some(known), Some(red)) if known == red => None,
            (_, Some(red)) => Some(Event { at: now, kind, severity: Severity::Critical, text: red.to_owned() }),
            (Some(known), None) => Some(Event { at: now, kind: mended, severity: Severity::Info, text: format!("No longer so: {known}") }),
            (None, None) => None,
        };
        if let Some(event) = event {
            events::record(&self.places.log, &event)?;
            NobodyTold { words: &event.text, is_so: red.is_some() }.emit();
        }
        self.red.insert(kind, red.map(str::to_owned));
        Ok(())
    }

    fn morning(&mut self, now: Timestamp, of: InForce<'_>, machine: &mut dyn FnMut() -> Vec<Check>) -> Result<(), RegularError> {
        let digest = &of.settings.plan.digest;
        let Some(planned) = digest::planned_today(digest, of.timetable, now).filter(|due| due.at > self.kept.since) else { return Ok(()) };
        let is_open = |kind: &&'static str| !digest::roles(digest, kind).is_empty() && !self.is_known(kind, planned.date);
        let open: Vec<_> = [ALL_CLEAR, MACHINE].into_iter().filter(is_open).collect();
        // The message tells of a look, so there is one by then.
        let looked_for = digest::look(digest, of.timetable, now).or(Some(planned).filter(|due| due.at <= now));
        let is_to_look = looked_for.is_some_and(|due| self.kept.look.as_ref().is_none_or(|look| look.at < due.at));
        if open.is_empty() || (!is_to_look && planned.at > now) {
            return Ok(());
        }
        let statements = Reader::open(&self.places.log)?.about(Topic::Alert, 0)?;
        let open: Vec<_> = open.into_iter().filter(|kind| !self.is_stated(kind, planned.date, &statements)).collect();
        if open.is_empty() {
            return Ok(());
        }
        if is_to_look {
            self.look(now, of, &statements, machine)?;
        }
        if planned.at > now {
            return Ok(());
        }
        let Some(look) = &self.kept.look else { return Ok(()) };
        let since = last_of(ALL_CLEAR, &statements).unwrap_or_else(|| self.kept.since.max(now - FIRST));
        let matters = Matters::of(&fold(&statements), since, now);
        let counts = Outbox::open(&self.places.outbox)?.counts()?;
        let morning = digest::Morning {
            late: digest::lateness(planned, self.running, now, &of.timetable.zone),
            look,
            unsent: counts.dead + counts.failing,
            updates: updates(&self.places.history, since, now),
            since,
            opened: matters.sum().new + matters.sum().repeated,
            danger: matters.danger,
            unread: matters.unread,
            now,
            zone: &of.timetable.zone,
        };
        let texts: Vec<_> = open.into_iter().map(|kind| (kind, if kind == MACHINE { morning.machine() } else { morning.all_clear() })).collect();
        self.state(texts, planned, now)
    }

    /// Looks at everything, and keeps what was seen.
    fn look(&mut self, now: Timestamp, of: InForce<'_>, statements: &[Statement], machine: &mut dyn FnMut() -> Vec<Check>) -> Result<(), RegularError> {
        let mut checks = machine();
        let telling = telling(of.settings, &Outbox::open(&self.places.outbox)?, statements, now, &of.timetable.zone)?;
        let unconfirmed =
            telling.iter().find(|check| check.what == health::MORNING && check.light == Light::Red).map(|check| format!("Morning message: {}", check.words));
        checks.extend(telling);
        self.kept.look = Some(Look { at: now, checks });
        self.keep()?;
        Ok(self.tell_red("morning-unconfirmed", unconfirmed.as_deref(), now)?)
    }

    fn weekly(&mut self, now: Timestamp, of: InForce<'_>) -> Result<(), RegularError> {
        let digest = &of.settings.plan.digest;
        let Some(due) = digest::weekly(digest, of.timetable, now).filter(|due| due.at > self.kept.since) else { return Ok(()) };
        let is_open = |kind: &&'static str| !digest::roles(digest, kind).is_empty() && !self.is_known(kind, due.date);
        let open: Vec<_> = [WEEKLY, WEEKLY_GOVERNORS].into_iter().filter(is_open).collect();
        if open.is_empty() {
            return Ok(());
        }
        let statements = Reader::open(&self.places.log)?.about(Topic::Alert, 0)?;
        let open: Vec<_> = open.into_iter().filter(|kind| !self.is_stated(kind, due.date, &statements)).collect();
        if open.is_empty() {
            return Ok(());
        }
        let from = last_of(WEEKLY, &statements).or_else(|| last_of(WEEKLY_GOVERNORS, &statements)).unwrap_or_else(|| self.kept.since.max(now - FIRST));
        let incidents = fold(&statements);
        let week = Week {
            due,
            from,
            now,
            running: self.running,
            matters: Matters::of(&incidents, from, now),
            watched: watched(&self.places.alerts, of.settings),
            ways: ways(&self.places.log, &incidents, from, now)?,
            held: held_back(&statements, &held::read(&self.places.alerts.join(held::FILE)), (from, now), &of.timetable.zone),
            changes: changes::since(&self.places.log, from)?,
            unusual: self.unusual(of, from, now),
            zone: &of.timetable.zone,
        };
        let texts: Vec<_> = open.into_iter().map(|kind| (kind, week.text(if kind == WEEKLY { Readers::Officers } else { Readers::Governors }))).collect();
        self.state(texts, due, now)
    }

    /// How many people did much more than they usually do, by group and of what, on the days since then that are counted. Staff are left out.
    fn unusual(&self, of: InForce<'_>, from: Timestamp, now: Timestamp) -> BTreeMap<(String, volume::What), u64> {
        let book = volume::Book::read(&self.places.alerts.join(volume::FILE));
        let day = |at: Timestamp| at.to_zoned(of.timetable.zone.clone()).date();
        let days = day(from).series(1_i32.day()).take_while(|date| *date < day(now));
        let people: BTreeSet<_> = days
            .flat_map(|date| book.unusual(date, &of.settings.volume))
            .filter(|one| !of.groups.iter().any(|group| group.staff && *group.name == *one.group))
            .map(|one| (one.group, one.what, one.who))
            .collect();
        let mut counts = BTreeMap::new();
        for (group, what, _) in people {
            *counts.entry((group, what)).or_insert(0) += 1;
        }
        counts
    }

    fn is_known(&self, kind: &'static str, date: Date) -> bool {
        self.stated.contains(&(kind, date))
    }

    fn is_stated(&mut self, kind: &'static str, date: Date, statements: &[Statement]) -> bool {
        let is_stated = digests(statements).any(|(_, found, of, _)| found == kind && of == date.to_string());
        if is_stated {
            self.stated.insert((kind, date));
        }
        is_stated
    }

    fn state(&mut self, texts: Vec<(&'static str, String)>, due: Due, now: Timestamp) -> Result<(), RegularError> {
        let mut journal = Journal::open(&self.places.log)?;
        for (kind, text) in texts {
            journal.state_act(now, &Act::Digest { kind: kind.to_owned(), date: due.date.to_string(), text })?;
            self.stated.insert((kind, due.date));
        }
        // What was long ago is due no more.
        self.stated.retain(|(_, date)| (due.date - *date).get_days().abs() < 32);
        Ok(())
    }
}

/// When the first alert was stated here, for an installation that is older than its `regular.json`.
fn first_before(log: &Folder) -> Option<Timestamp> {
    let first = Reader::open(log).ok()?.about_some(Topic::Alert, 0, 1).ok()?.pop()?;
    Timestamp::from_millisecond(first.at).ok()
}

/// What is so by the newest event of this kind, unless it was mended since.
fn on_record(log: &Folder, kind: &str, mended: &str) -> Option<String> {
    let newest = |kind: &str| {
        let wanted = Wanted { kind: Some(kind.to_owned()), limit: 1, ..Wanted::default() };
        events::search(log, &wanted).ok().and_then(|mut rows| rows.pop())
    };
    let red = newest(kind)?;
    newest(mended).is_none_or(|mended| mended.id < red.id).then_some(red.text)
}

/// The regular messages that were stated: number, kind, day, and when.
fn digests(statements: &[Statement]) -> impl DoubleEndedIterator<Item = (u64, String, String, Timestamp)> {
    statements.iter().filter_map(|statement| match statement.read::<Act>()? {
        Act::Digest { kind, date, .. } => Some((statement.number, kind, date, Timestamp::from_millisecond(statement.at).ok()?)),
        _ => None,
    })
}

fn last_of(kind: &str, statements: &[Statement]) -> Option<Timestamp> {
    digests(statements).rev().find(|(_, found, ..)| found == kind).map(|(.., at)| at)
}

/// How telling stands: whether somebody is told, what could not be handed over, who takes messages, and whether mornings are read.
///
/// # Errors
/// If the outbox cannot be read.
pub fn telling(settings: &Settings, outbox: &Outbox, statements: &[Statement], now: Timestamp, zone: &TimeZone) -> Result<Vec<Check>, OutboxError> {
    let Settings { plan, red, remarks, .. } = settings;
    Ok(vec![
        health::recipients(red.as_deref()),
        health::settings(remarks),
        health::outbox(outbox.counts()?),
        health::receipts(plan, &outbox.last_taken()?, zone),
        confirmed(plan, outbox, statements, now, zone)?,
    ])
}

fn confirmed(plan: &Plan, outbox: &Outbox, statements: &[Statement], now: Timestamp, zone: &TimeZone) -> Result<Check, OutboxError> {
    let today = now.to_zoned(zone.clone()).date();
    let mut read: BTreeMap<u64, (Timestamp, String)> = BTreeMap::new();
    for link in outbox.confirmed(MOST_LINKS)? {
        let number = link.message.split('/').next().and_then(|number| number.parse().ok());
        if let (Some(number), Some((at, by))) = (number, link.used) {
            read.entry(number).or_insert((Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH), by));
        }
    }
    let morning = |(number, kind, date, _): (u64, String, String, Timestamp)| {
        let date: Date = date.parse().ok().filter(|date| kind == ALL_CLEAR && *date < today)?;
        Some(Morning { date, confirmed: read.get(&number).cloned() })
    };
    let mornings: Vec<_> = digests(statements).rev().filter_map(morning).take(plan.digest.confirm_days.max(1) as usize * 20).collect();
    Ok(health::confirmed(plan, &mornings, zone))
}

/// How often lists were updated. What cannot be read was told by whoever wrote it.
fn updates(history: &Path, from: Timestamp, to: Timestamp) -> usize {
    let deeds = history::read(history).map(|(deeds, _)| deeds).unwrap_or_default();
    deeds.iter().filter(|deed| deed.what == What::Updated && (from..to).contains(&deed.at)).count()
}

/// How many people are watched, by what the engine kept last.
fn watched(alerts: &Path, settings: &Settings) -> Vec<(Theme, usize)> {
    let mut episodes = Episodes::default();
    let kept = Engine::read(&alerts.join(super::engine::FILE));
    for (who, theme, matter) in kept.into_iter().flat_map(|kept| kept.matters).filter_map(Of::read) {
        episodes.restore(who, theme, matter);
    }
    episodes.watched(&settings.weights)
}

/// The ways round the filter in the records of matters, by code.
fn ways(log: &Folder, incidents: &[Incident], from: Timestamp, to: Timestamp) -> Result<BTreeMap<Code, u64>, LogError> {
    let is_within = |ms: u64| Timestamp::from_millisecond(ms.cast_signed()).is_ok_and(|at| (from..to).contains(&at));
    let of = incidents.iter().filter(|incident| incident.opened.theme == Theme::Bypass.as_str() && !incident.opened.is_staff);
    let records: Vec<_> = of.flat_map(|incident| &incident.records).filter(|record| is_within(record.unix_ms())).take(MOST_RECORDS).collect();
    let mut ways = BTreeMap::new();
    if records.is_empty() {
        return Ok(ways);
    }
    let log = Log::open(log)?;
    let log = Unshown::of(&log);
    for record in records {
        // One that cannot be read is on record as damaged by whoever finds that.
        let Some(read) = log.find(*record).ok().flatten().and_then(Read::of) else { continue };
        let remarked = read.remarks().into_iter().filter_map(|remark| if let Remark::Way { code, points: 1.., .. } = remark { Some(code) } else { None });
        let codes: HashSet<Code> = Code::of_reason(read.seen().reason).into_iter().chain(remarked).collect();
        codes.into_iter().for_each(|code| *ways.entry(code).or_default() += 1);
    }
    Ok(ways)
}

/// The suppressions that were in force, with what they held back.
fn held_back(statements: &[Statement], counts: &held::Counts, (from, to): (Timestamp, Timestamp), zone: &TimeZone) -> Vec<HeldBack> {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let signs = |number: u64| counts.range(day(from)..=day(to)).filter_map(|(_, counts)| counts.get(&number)).sum();
    let was_in_force = |one: &suppress::Suppression| one.at < to && one.until >= day(from) && one.freed.as_ref().is_none_or(|(at, ..)| *at >= from);
    let all = suppress::fold(statements).into_iter().filter(was_in_force);
    all.map(|suppression| HeldBack { signs: signs(suppression.number), suppression }).collect()
}

#[cfg(test)]
mod tests;
