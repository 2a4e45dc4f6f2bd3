//! `usher alerts export`: a school's incident log, as a table or as a page to print.

use super::matters::{Cover, Which, all};
use super::{Desk, several};
use crate::audit::incident::{Incident, Person};
use crate::audit::lookups::Unshown;
use crate::audit::pseudonyms::Pseudonyms;
use crate::audit::query::Log;
use crate::cli::log::Why;
use crate::cli::{Answer, print, print_json};
use crate::files;
use crate::report::incidents::{About, Called, Entry, csv, day, html};
use anyhow::{Context, bail};
use clap::Args;
use std::path::PathBuf;

/// The most records of one alert that are read.
const MOST_RECORDS: usize = 24;

/// Write alerts as a school's incident log: CSV, or a page to print. Exit code 1 if there is none.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher alerts export --from 2026-09-01 --csv incidents.csv --reason \"Half-termly report to governors\"\n  usher alerts export --from 2026-11-23 --page incidents.html --with-names --reason \"Meeting of the safeguarding team\"\n\nPseudonyms stand for people and devices unless --with-names is given; what was searched for is in it with --with-words only. That you look is on record before anything is written. Files are yours alone to read. No cell of the table runs in a spreadsheet."
)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    which: Which,
    /// Write a table to this file.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a page to this file that prints on A4.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Name people and devices.
    #[arg(long)]
    with_names: bool,
    /// Write what was searched for and asked.
    #[arg(long)]
    with_words: bool,
    #[command(flatten)]
    why: Why,
    /// Print what was written as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        if self.csv.is_none() && self.page.is_none() {
            bail!("say what to write: --csv FILE, --page FILE, or both");
        }
        let Some(reason) = self.why.reason()? else {
            bail!("this reads the records of people. Say why with --reason \"...\": a few words. Who looked, when and why is put on record first");
        };
        let flags = [(self.with_names, " --with-names"), (self.with_words, " --with-words")];
        let flags: String = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| *flag).collect();
        let look = format!("alerts export {}{flags}", self.which.in_words());
        let named = Cover::open(desk, &self.why, None, &look)?;
        let cover = if self.with_names { named } else { Cover::Pseudonyms(Pseudonyms::new(&desk.secret)) };
        let matters = self.which.of(desk, all(&desk.config)?)?;
        if matters.is_empty() {
            print("there is no such alert; nothing was written")?;
            self.which.unknown_group(desk).iter().try_for_each(print)?;
            return Ok(Answer::No);
        }
        let log = desk.record()?;
        let entries = matters.iter().map(|matter| self.entry(matter, &log, &cover, desk)).collect::<anyhow::Result<Vec<_>>>()?;
        if let Some(path) = &self.csv {
            files::replace(path, &csv(&entries)?).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        if let Some(path) = &self.page {
            let page = html(&self.about(&matters, &reason.to_string(), desk), &entries)?;
            files::replace(path, page.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        let written: Vec<_> = [&self.csv, &self.page].into_iter().flatten().map(|path| path.display().to_string()).collect();
        if self.json {
            print_json(&serde_json::json!({ "alerts": entries.len(), "written": written, "names": self.with_names, "words": self.with_words }))?;
        } else {
            let whose = if self.with_names { "It names people: keep it as you keep safeguarding files." } else { "Pseudonyms stand for people and devices." };
            print(format_args!("{} written to {}, readable by you only. {whose}", several(entries.len(), "alert", "alerts"), written.join(" and ")))?;
        }
        Ok(Answer::Yes)
    }

    fn entry(&self, matter: &Incident, log: &Log, cover: &Cover, desk: &Desk) -> anyhow::Result<Entry> {
        let unshown = Unshown::of(log);
        let mut rows = Vec::new();
        for id in matter.records.iter().take(MOST_RECORDS) {
            rows.extend(unshown.find(*id)?);
        }
        let device = cover.device(&matter.opened.client);
        let who = cover.who(&matter.opened.who);
        let person = match matter.opened.who {
            Person::User(_) => Some(who.as_str()),
            Person::Device(_) => None,
        };
        Ok(Entry::of(matter, &rows, &Called { person, device: &device }, self.with_words, &desk.rulebook.school.timetable.zone))
    }

    fn about(&self, matters: &[Incident], reason: &str, desk: &Desk) -> About {
        let zone = &desk.rulebook.school.timetable.zone;
        let shown = |ms: u64| day(desk.local_ms(ms.cast_signed()).timestamp(), zone);
        let (first, last) = (matters.iter().map(|one| one.opened.at_ms).min(), matters.iter().map(|one| one.opened.at_ms).max());
        let stretch = match (first.map(shown), last.map(shown)) {
            (Some(first), Some(last)) if first == last => first,
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => String::new(),
        };
        About {
            school: desk.config.settings.school.given_name().to_owned(),
            stretch,
            made: day(desk.now, zone),
            reason: reason.to_owned(),
            is_named: self.with_names,
        }
    }
}
