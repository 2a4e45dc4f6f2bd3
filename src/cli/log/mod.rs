//! `usher log`: search the record, follow it, count it, write it out; who looked. A file a command.
//!
//! A command that shows records reads them through [`Desk::reading`], which asks for a reason where somebody is named and puts the look on record. To
//! add a command: a file here, a variant of [`Log`], its arm.

mod events;
mod export;
mod lookups;
mod outputs;
mod pack;
mod people;
mod reason;
mod search;
mod show;
mod shown;
mod stats;
mod tail;
mod timeline;
mod verify;
mod wanted;

use super::Answer;
use super::privacy::{Erase, Holding, Purge, ShowDpia, Subject};
use crate::app;
use crate::audit::damage;
use crate::audit::lookups::{Reading, Unpermitted};
use crate::audit::pseudonyms::{self, Pseudonyms};
use crate::audit::query::{Filter, Log as Record, Page};
use crate::config::{Config, Rulebook};
use anyhow::anyhow;
use clap::Subcommand;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

pub(super) use reason::Why;
pub(super) use wanted::{parse_time, times};

/// Search the record. Whoever looks for a named person says why, and that is on record too.
#[derive(Subcommand)]
pub(super) enum Log {
    /// Find records, newest first. Exit code 1 if there is none.
    Search(search::Search),
    /// Show who is behind what a filter finds: who visited a site, who was blocked, who searched for something. Exit code 1 if nobody was.
    People(people::ShowPeople),
    /// Show records as they come. Ctrl-C ends it.
    Tail(tail::Tail),
    /// Show everything known of one record, by its reference number. Exit code 1 if there is no such record.
    Show(show::Show),
    /// Show a person's day, lesson by lesson: one line a visit, the searches in words. Exit code 1 if there is nothing.
    Timeline(timeline::ShowTimeline),
    /// Write records to a file for other programs: CSV, JSON lines or Parquet. Exit code 1 if there is none, or a part of the log is damaged.
    Export(export::Export),
    /// Write a person's records with the proof that they are what was recorded, for somebody who has no Usher. Exit code 1 if not all is proven.
    Pack(pack::Pack),
    /// Count requests, visits, searches, people and blocks day by day, without names. Exit code 1 if there were none.
    Stats(stats::ShowStats),
    /// Show who looked at whose records, when and why, newest first. Exit code 1 if nobody did.
    Lookups(lookups::Lookups),
    /// Show what happened to Usher itself, newest first. Exit code 1 if nothing did.
    Events(events::Events),
    /// Show where the record is sent, and how far each has come.
    Outputs(outputs::Outputs),
    /// Look whether any record was altered, removed or inserted, in the log or in an evidence pack. Exit code 1 if one was.
    Verify(verify::Verify),
    /// Make a checkpoint: a signed line that says how far the log has come, to be kept elsewhere.
    Checkpoint(verify::MakeCheckpoint),
    /// Remove what is older than the school's rules.
    Purge(Purge),
    /// Keep records that nothing may purge or erase.
    Hold(Holding),
    /// Erase a person's records, where the law says so.
    Erase(Erase),
    /// Write everything recorded about a person into a file for that person.
    Subject(Subject),
    /// The facts for a data protection impact assessment.
    Dpia(ShowDpia),
}

impl Log {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        // A pack is checked where there is no Usher: nothing of an installation is read.
        if let Self::Verify(command) = &self
            && let Some(answer) = command.pack()
        {
            return answer;
        }
        let desk = Desk::open(path)?;
        match self {
            Self::Search(command) => command.run(&desk),
            Self::People(command) => command.run(&desk),
            Self::Tail(command) => command.run(&desk),
            Self::Show(command) => command.run(&desk),
            Self::Export(command) => command.run(&desk),
            Self::Pack(command) => command.run(&desk),
            Self::Stats(command) => command.run(&desk),
            Self::Lookups(command) => command.run(&desk),
            Self::Events(command) => command.run(&desk),
            Self::Timeline(command) => command.run(&desk),
            Self::Outputs(command) => command.run(&desk.config, &desk.zone),
            Self::Verify(command) => command.run(&desk),
            Self::Checkpoint(command) => command.run(&desk),
            Self::Purge(command) => command.run(path),
            Self::Hold(command) => command.run(path),
            Self::Erase(command) => command.run(path),
            Self::Subject(command) => command.run(path),
            Self::Dpia(command) => command.run(path),
        }
    }
}

/// What every one of these commands works with.
struct Desk {
    config: Config,
    /// What the school decided, if its files are sound: the log is read all the same.
    rulebook: Option<Rulebook>,
    /// School time.
    zone: TimeZone,
}

impl Desk {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let config = Config::load(path)?;
        let rulebook = config.rulebook().ok();
        let zone = rulebook.as_ref().map_or(TimeZone::UTC, |rulebook| rulebook.school.timetable.zone.clone());
        Ok(Self { config, rulebook, zone })
    }

    fn record(&self) -> anyhow::Result<Record> {
        Ok(Record::open(&self.config.log())?)
    }

    /// What a filter finds, as far as whoever typed the command may be shown it. With a reason the look is on record when this returns.
    fn reading<'l>(&self, record: &'l Record, filter: Filter, why: &Why) -> anyhow::Result<Reading<'l>> {
        let reason = why.reason()?;
        let secret = app::open_data(&self.config)?;
        let Some(reason) = reason else { return Ok(Reading::of_nobody(record, filter, self.config.log_names, &secret)?) };
        let filter = self.resolved(record, filter, &secret)?;
        Ok(Reading::permitted(record, why.look(&self.config.log(), filter, reason)?))
    }

    /// The filter with the name in the place of a pseudonym.
    fn resolved(&self, record: &Record, filter: Filter, secret: &[u8; 32]) -> anyhow::Result<Filter> {
        let Some(pseudonym) = filter.user.as_ref().filter(|user| pseudonyms::is_one(user)) else { return Ok(filter) };
        let users = record.users()?;
        let name = Pseudonyms::new(secret).resolve(pseudonym, users.iter().map(String::as_str)).map(str::to_owned);
        let name = name.ok_or_else(|| anyhow!("nobody in the log has the pseudonym {pseudonym}; it is one of this installation's only, and of its secret"))?;
        Ok(Filter { user: Some(name), ..filter })
    }
}

/// Says which parts of the log could not be read, and what to do; and puts it on record.
fn name_passed_over(desk: &Desk, page: &Page) {
    pass_over(desk, &page.passed_over);
}

fn pass_over(desk: &Desk, parts: &BTreeMap<String, String>) {
    for (file, error) in parts {
        say(format_args!("usher: {file} was passed over: {error}. Records may be missing above. See: usher log verify"));
    }
    if let Err(error) = damage::met(&desk.config.log(), parts) {
        say(format_args!("usher: that could not be put on record: {error}"));
    }
}

/// A line to whoever runs the command.
fn say(line: impl std::fmt::Display) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The sentence for a record of somebody, shown without a reason.
fn without_a_reason() -> anyhow::Error {
    Unpermitted.into()
}
