//! `usher log timeline`: a person's day, lesson by lesson.

use super::reason::Why;
use super::wanted::nothing_found;
use super::{Desk, name_passed_over};
use crate::audit::query::Filter;
use crate::cli::{Answer, print, print_json};
use crate::files;
use crate::report::timeline::{About, Colours, Entry, Timeline};
use anyhow::{Context, anyhow, bail};
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use std::io::IsTerminal;
use std::path::PathBuf;

/// The most records of one day that are put together.
const MOST: usize = 500_000;
/// How wide the text is where the terminal does not say.
const WIDTH: usize = 100;

/// Show a person's day, lesson by lesson: one line a visit, the searches in words. Exit code 1 if there is nothing.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log timeline --user j.smith --day 2026-11-24 --reason \"concern raised by Ms Bell\"\n  usher log timeline --user j.smith --day 2026-11-24 --reason \"meeting with parents\" --html day.html"
)]
pub(in crate::cli) struct ShowTimeline {
    /// This user, or a pseudonym from an earlier search.
    #[arg(long)]
    user: String,
    /// This day, in school time [default: today].
    #[arg(long, value_name = "DATE")]
    day: Option<String>,
    #[command(flatten)]
    why: Why,
    /// Write a page to print to this file instead.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl ShowTimeline {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let rulebook = desk.rulebook.as_ref().ok_or_else(|| anyhow!("the timetable cannot be read; see: usher config check"))?;
        let (record, date) = (desk.record()?, self.date(desk)?);
        let start = |date: Date| Ok::<_, anyhow::Error>(date.to_zoned(desk.zone.clone())?.timestamp());
        let (from, to) = (start(date)?, start(date.tomorrow()?)?);
        let filter = Filter { user: Some(self.user.clone()), from: Some(from), to: Some(to), ..Filter::default() };
        if self.why.reason()?.is_none() {
            return Err(super::without_a_reason());
        }
        let reading = desk.reading(&record, filter, &self.why)?;
        let mut entries = Vec::new();
        let page = reading.all(|rows| {
            entries.extend(rows.iter().map(Entry::of));
            if entries.len() > MOST { bail!("there are more than {MOST} records of that day; narrow it with: usher log search") } else { Ok(()) }
        })?;
        name_passed_over(desk, &page);
        if entries.is_empty() {
            print("nothing found")?;
            nothing_found(desk, &record, &reading)?.iter().try_for_each(print)?;
            return Ok(Answer::No);
        }
        entries.sort_by_key(|entry| entry.time);
        let about = About { person: reading.filter().user.as_deref().unwrap_or(&self.user), school: desk.config.settings.school.given_name(), date };
        let timeline = Timeline::new(&about, &entries, &rulebook.school.timetable);
        self.show(&timeline)
    }

    fn date(&self, desk: &Desk) -> anyhow::Result<Date> {
        match &self.day {
            None => Ok(Timestamp::now().to_zoned(desk.zone.clone()).date()),
            Some(day) => day.parse().map_err(|_| anyhow!("\"{day}\" is no date; write it as 2026-11-24")),
        }
    }

    fn show(&self, timeline: &Timeline) -> anyhow::Result<Answer> {
        if let Some(path) = &self.html {
            files::replace(path, timeline.html().as_bytes()).with_context(|| path.display().to_string())?;
            print(format_args!("written to {}, readable by you only", path.display()))?;
        } else if self.json {
            print_json(timeline)?;
        } else {
            let colours = if std::io::stdout().is_terminal() { Colours::Ansi } else { Colours::Plain };
            print(timeline.text(width(), colours).trim_end())?;
        }
        Ok(Answer::Yes)
    }
}

/// How wide the terminal is, by what the shell says.
fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(WIDTH)
}
