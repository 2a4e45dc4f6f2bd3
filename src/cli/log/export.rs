//! `usher log export`: records for other programs.

use super::reason::Why;
use super::wanted::{Wanted, nothing_found};
use super::{Desk, name_passed_over, say};
use crate::audit::export::{ExportError, Exporter, Format};
use crate::audit::lookups::{Cursor, Reading};
use crate::audit::query::Page;
use crate::cli::Answer;
use crate::cli::serve::thousands;
use crate::files;
use anyhow::{Context, bail};
use clap::Args;
use indicatif::ProgressBar;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Up to so many records are sorted. More are written in the order they are stored, which takes a hundredth of the time and no memory.
const SORTED: u32 = 20_000;

/// Write records to a file for other programs: CSV, JSON lines or Parquet. Exit code 1 if there is none, or a part of the log is damaged.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log export --format csv --output games.csv --category games --from 2026-11-01\n  usher log export --format jsonl --output - --kind search | jq .term\n  usher log export --format parquet --output term.parquet --from 2026-09-01 --to 2026-12-19\n  usher log export --format csv --output j.smith.csv --user j.smith --reason \"asked for by the police, ref 4711\"\n\nWithout --reason a pseudonym stands for each person and device. Up to 20,000 records come newest first; more come as they are stored: a stretch of time after the other, the newest first, and in each person by person. The file is readable by you alone, and is there whole or not at all.\nIn CSV a cell that a spreadsheet would take for a formula begins with '."
)]
pub(in crate::cli) struct Export {
    /// csv, jsonl (one JSON object a line) or parquet.
    #[arg(long, value_parser = format)]
    format: Format,
    /// The file to write; - for standard output.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    why: Why,
}

fn format(typed: &str) -> Result<Format, String> {
    let found = Format::NAMES.iter().find(|(name, _)| *name == typed);
    found.map(|(_, format)| *format).ok_or_else(|| "it is csv, jsonl or parquet".to_owned())
}

impl Export {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let to_stdout = self.output == Path::new("-");
        if to_stdout && self.format == Format::Parquet && io::stdout().is_terminal() {
            bail!("Parquet is not for reading on a terminal; name a file with --output");
        }
        let record = desk.record()?;
        let reading = desk.reading(&record, self.wanted.filter(&desk.zone)?, &self.why)?;
        let (page, written) = if to_stdout { write(&reading, self.format, io::stdout()).map_err(plain)? } else { self.to_file(&reading)? };
        name_passed_over(desk, &page);
        if written == 0 {
            say("nothing found");
            nothing_found(desk, &record, &reading)?.iter().for_each(say);
        } else {
            let names = if reading.is_covered() { ", with pseudonyms for names" } else { "" };
            say(format_args!("{} records written{names}", thousands(written)));
        }
        Ok(if written > 0 && page.passed_over.is_empty() { Answer::Yes } else { Answer::No })
    }

    fn to_file(&self, reading: &Reading<'_>) -> anyhow::Result<(Page, usize)> {
        let beside = self.output.with_extension("new");
        if beside.exists() {
            bail!("{} is in the way: it would be written over; move it, or name another --output", beside.display());
        }
        let mut came_of_it = None;
        let stored = files::replace_with(&self.output, |file| {
            let written = write(reading, self.format, BufWriter::new(file));
            let whole = written.is_ok();
            came_of_it = Some(written);
            if whole { Ok(()) } else { Err(io::Error::other("the records could not be written")) }
        });
        let place = || format!("{}", self.output.display());
        let came_of_it = came_of_it.transpose().map_err(plain).with_context(place)?;
        stored.with_context(place)?;
        came_of_it.context("nothing was written")
    }
}

/// An error of the system as itself, so that a closed pipe is known for what it is.
fn plain(error: ExportError) -> anyhow::Error {
    match error {
        ExportError::Io(error) => error.into(),
        ExportError::Log(_) | ExportError::Parquet(_) => error.into(),
    }
}

/// Writes all of it. Returns what was passed over, and how many records were written.
fn write(reading: &Reading<'_>, format: Format, out: impl Write + Send) -> Result<(Page, usize), ExportError> {
    let progress = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let mut exporter = Exporter::begin(format, out)?;
    let mut written = 0;
    let mut take = |rows: Vec<_>| {
        written += rows.len();
        progress.set_message(format!("{} records", thousands(written)));
        progress.tick();
        exporter.write(rows)
    };
    let mut page = reading.page(Cursor { after: None, before: None, limit: SORTED, patience: Duration::MAX })?;
    if page.next.is_some() {
        page = reading.all(take)?;
    } else {
        take(std::mem::take(&mut page.rows))?;
    }
    progress.finish_and_clear();
    exporter.finish()?.flush()?;
    Ok((page, written))
}
