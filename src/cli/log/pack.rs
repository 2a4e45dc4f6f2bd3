//! `usher log pack`, and `usher log verify --pack`: records with their proof, for somebody who has no Usher.

use super::reason::Why;
use super::wanted::{no_time, nothing_found, times};
use super::{Desk, say};
use crate::app;
use crate::audit::key::PublicKey;
use crate::audit::lookups::Reading;
use crate::audit::pack::{self, LARGEST_ZIP, Made, Report, Seal, Wanted};
use crate::audit::query::{Filter, Log as Record};
use crate::audit::stopped::seal_unless_running;
use crate::cli::serve::thousands;
use crate::cli::table::safe;
use crate::cli::{Answer, print, print_json};
use crate::files;
use crate::report::evidence::draw;
use anyhow::{Context, anyhow, bail};
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Write a person's records of a day or longer with the proof that they are what was recorded. Exit code 1 if there is none, or not all is proven.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log pack --user j.smith --day 2026-11-24 --reason \"asked for by the police, ref 4711\" --output j.smith.zip\n  usher log pack --user j.smith --from 2026-11-23 --to 2026-11-28 --reason \"exclusion hearing\" --as \"Ms Bell\" --output week.zip\n  usher log verify --pack j.smith.zip\n\nThe file is a zip: a guide, the timeline to read, the records for a spreadsheet and for programs, and proofs that a third party checks with `usher log verify --pack` and nothing else. Others' records are not in it. That you asked, and that a pack was made, is put on record. The file is readable by you alone, and is there whole or not at all."
)]
pub(in crate::cli) struct Pack {
    /// Whose records: a whole user name, or a pseudonym from an earlier search.
    #[arg(long)]
    user: String,
    /// This day, in school time.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["from", "to"])]
    day: Option<String>,
    /// Not before this time: 2026-11-23, 2026-11-23T08:40 (school time), or with a zone.
    #[arg(long)]
    from: Option<String>,
    /// Before this time.
    #[arg(long)]
    to: Option<String>,
    /// The file to write: a zip, readable by you only.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    why: Why,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was written. Printed as JSON.
#[derive(Serialize)]
struct Written<'m> {
    file: Option<&'m Path>,
    records: usize,
    proven: usize,
    unproven: Vec<String>,
    seals: &'m [Seal],
    key: Option<&'m str>,
    files: Vec<&'m str>,
    passed_over: &'m std::collections::BTreeMap<String, String>,
}

impl Pack {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let rulebook = desk.rulebook.as_ref().ok_or_else(|| anyhow!("the timetable cannot be read; see: usher config check"))?;
        let filter = self.filter(desk)?;
        let reason = self.why.reason()?.ok_or_else(super::without_a_reason)?;
        self.is_free()?;
        let (folder, record, secret) = (desk.config.log(), desk.record()?, app::open_data(&desk.config)?);
        let filter = desk.resolved(&record, filter, &secret)?;
        seal_unless_running(&folder).context("what is live cannot be sealed")?;
        let permit = self.why.look(&folder, filter, reason)?;
        let school = desk.config.settings.school.given_name();
        let wanted = Wanted { permit: &permit, school, timetable: &rulebook.school.timetable, now: Timestamp::now() };
        let made = pack::make(&folder, &wanted, &draw)?;
        for (part, why) in &made.passed_over {
            say(format_args!("usher: {part} was passed over: {why}. Records may be missing from the pack, and it says so. See: usher log verify"));
        }
        if made.files.is_empty() {
            self.tell_nothing(desk, &record, &Reading::permitted(&record, permit), &made)?;
            return Ok(Answer::No);
        }
        files::replace_with(&self.output, |file| pack::write(&made.files, file)).with_context(|| format!("{} cannot be written", self.output.display()))?;
        self.tell(&made)?;
        Ok(if made.passed_over.is_empty() && made.checked.unproven.is_empty() { Answer::Yes } else { Answer::No })
    }

    fn filter(&self, desk: &Desk) -> anyhow::Result<Filter> {
        let user = self.user.trim();
        if user.is_empty() || user.contains('*') {
            bail!("--user takes one person's whole user name, without *: a pack is of one person");
        }
        let (from, to) = match &self.day {
            Some(day) => {
                let date: Date = day.parse().map_err(|_| no_time(day))?;
                let start = |date: Date| Ok::<_, anyhow::Error>(date.to_zoned(desk.zone.clone())?.timestamp());
                (Some(start(date)?), Some(start(date.tomorrow()?)?))
            }
            None if self.from.is_none() && self.to.is_none() => bail!("say which time: --day 2026-11-24, or --from and --to"),
            None => times(self.from.as_deref(), self.to.as_deref(), &desk.zone)?,
        };
        Ok(Filter { user: Some(user.to_owned()), from, to, ..Filter::default() })
    }

    /// Refuses before anything is looked at what could not be written.
    fn is_free(&self) -> anyhow::Result<()> {
        let beside = self.output.with_extension("new");
        if beside.exists() {
            bail!("{} is in the way: it would be written over; move it, or name another --output", beside.display());
        }
        let folder = self.output.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            bail!("{} cannot be written: there is no folder {}", self.output.display(), folder.display());
        }
        Ok(())
    }

    fn tell_nothing(&self, desk: &Desk, record: &Record, reading: &Reading<'_>, made: &Made) -> anyhow::Result<()> {
        if self.json {
            return print_json(&self.written(made));
        }
        print("nothing found, so there is no pack")?;
        nothing_found(desk, record, reading)?.iter().try_for_each(print)?;
        Ok(())
    }

    fn written<'m>(&'m self, made: &'m Made) -> Written<'m> {
        let checked = &made.checked;
        Written {
            file: Some(self.output.as_path()).filter(|_| !made.files.is_empty()),
            records: checked.rows.len(),
            proven: checked.proven,
            unproven: checked.unproven.iter().map(ToString::to_string).collect(),
            seals: &checked.seals,
            key: checked.key.as_deref(),
            files: made.files.keys().map(String::as_str).collect(),
            passed_over: &made.passed_over,
        }
    }

    fn tell(&self, made: &Made) -> anyhow::Result<()> {
        if self.json {
            return print_json(&self.written(made));
        }
        let (records, proven) = (made.checked.rows.len(), made.checked.proven);
        print(format_args!("written: {}, readable by you only", self.output.display()))?;
        print(format_args!("{}, {}", counted(records), how_many_proven(proven, records)))?;
        for id in &made.checked.unproven {
            print(format_args!("not proven: {id}: what it began in is no longer kept"))?;
        }
        print(format_args!("signed with {}", made.checked.key.as_deref().unwrap_or_default()))?;
        print("Whoever you give it to should get that key from you another way too. They check the pack with: usher log verify --pack FILE")?;
        print("Read it before you hand it over: addresses and searches may name others.")?;
        Ok(())
    }
}

fn counted(records: usize) -> String {
    if records == 1 { "1 record".to_owned() } else { format!("{} records", thousands(records)) }
}

fn how_many_proven(proven: usize, records: usize) -> String {
    match records.saturating_sub(proven) {
        0 => "all proven".to_owned(),
        1 => "all but 1 proven".to_owned(),
        some => format!("all but {} proven", thousands(some)),
    }
}

/// Holds a pack against itself. Nothing of this installation is read.
pub(super) fn verify(path: &Path, key: Option<PublicKey>, shown: Shown) -> anyhow::Result<Answer> {
    let place = || path.display().to_string();
    let mut bytes = Vec::new();
    // One more than is taken, so that a larger one is known for what it is.
    File::open(path).with_context(place)?.take(LARGEST_ZIP as u64 + 1).read_to_end(&mut bytes).with_context(place)?;
    let unpacked = pack::unpack(&bytes).with_context(place)?;
    drop(bytes);
    let report = pack::verify(unpacked, key, &draw).with_context(place)?;
    match shown {
        Shown::Json => print_json(&report)?,
        Shown::Problems => report.problems.iter().try_for_each(|problem| print(safe(&problem.to_string())))?,
        Shown::All => show(&report, key)?,
    }
    Ok(if report.problems.is_empty() && report.unproven.is_empty() { Answer::Yes } else { Answer::No })
}

/// How much of a report is shown.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    /// All of it, to read.
    All,
    /// Only what is wrong.
    Problems,
    /// One JSON object.
    Json,
}

fn show(report: &Report, key: Option<PublicKey>) -> anyhow::Result<()> {
    for problem in &report.problems {
        print(format_args!("WRONG: {}", safe(&problem.to_string())))?;
    }
    if !report.problems.is_empty() {
        print("\nWhat the pack says of itself, which is not to be relied on:")?;
    }
    let zone = TimeZone::get(&report.zone).unwrap_or(TimeZone::UTC);
    let at = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%-d %B %Y %H:%M:%S %Z").to_string();
    let line = |name: &str, value: &str| print(format_args!("{name:<13}{}", safe(value)));
    if let Some(made) = report.made {
        line("records of", &report.user)?;
        line("at", if report.school.is_empty() { "a school without a name" } else { &report.school })?;
        line("from", &report.from.map_or_else(|| "the beginning".to_owned(), at))?;
        line("to", &report.to.map_or_else(|| "the end".to_owned(), at))?;
        line("made", &format!("{} by Usher {}", at(made), report.usher))?;
    }
    if let Some(look) = &report.look {
        let who = look.name.as_ref().map_or_else(|| look.who.clone(), |name| format!("{name} (account {})", look.who));
        line("asked for by", &who)?;
        line("because", &format!("{} (statement {} of the journal)", look.reason, look.id))?;
    }
    line("records", &format!("{}, {}", thousands(report.records), how_many_proven(report.proven, report.records)))?;
    for Seal { statement, kind, at: signed, records } in &report.seals {
        line("signed", &format!("{}: {} (statement {statement}, {kind})", at(*signed), counted(*records)))?;
    }
    report.unproven.iter().try_for_each(|id| line("not proven", &format!("{id}: what it began in was no longer kept")))?;
    if let Some(key) = &report.key {
        line("key", key)?;
    }
    report.remarks.iter().try_for_each(|remark| line("to know", remark))?;
    print("")?;
    print(verdict(report, key))?;
    Ok(())
}

fn verdict(report: &Report, key: Option<PublicKey>) -> String {
    match (report.problems.len(), key) {
        (0, _) if !report.unproven.is_empty() => "Nothing in this pack was altered since it was signed, but not every record in it is proven; see above.".to_owned(),
        (0, Some(_)) => "Nothing in this pack was altered, and it is signed with the key you gave.".to_owned(),
        (0, None) => "Nothing in this pack was altered since it was signed with this key. Whose key it is the pack cannot prove: get the school's key\nanother way and compare it, or name it here with --key.".to_owned(),
        (1, _) => "1 thing is wrong: do not rely on this pack. Ask whoever gave it to you for another.".to_owned(),
        (many, _) => format!("{many} things are wrong: do not rely on this pack. Ask whoever gave it to you for another."),
    }
}
