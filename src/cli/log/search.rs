//! `usher log search`: the newest records that match, a page at a time.

use super::reason::Why;
use super::shown::{listing, local};
use super::wanted::{Wanted, cursor, nothing_found};
use super::{Desk, name_passed_over, say};
use crate::audit::RecordId;
use crate::audit::lookups::{Cursor, Reading};
use crate::audit::query::Page;
use crate::cli::{Answer, print, print_json};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How long a search goes on by default before people are shown what it has.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it looks before it says how far it is.
const STEP: Duration = Duration::from_millis(400);

/// Find records, newest first. Exit code 1 if there is none.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log search --user j.smith --from 2026-11-23 --reason \"concern raised by Ms Bell\"\n  usher log search --host youtube.com --verdict blocked --limit 20\n  usher log search --kind search --text volcano\n  usher log search --text \"revision maths\" --json\n\nWithout --reason a pseudonym stands for each person and device. With --json each line is a record; if there are more, the last line on standard error is {\"next\":\"...\"}: what --before is to be for the next page."
)]
pub(in crate::cli) struct Search {
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    why: Why,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Only records before this one: how to go on from a page.
    #[arg(long, value_name = "REFERENCE", value_parser = cursor)]
    before: Option<RecordId>,
    /// Show what there is after so many seconds [default: 30; with --json: when the page is full].
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Next {
    next: String,
}

impl Search {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let record = desk.record()?;
        let mut filter = self.wanted.filter(&desk.zone)?;
        filter.before = self.before;
        let reading = desk.reading(&record, filter, &self.why)?;
        let page = self.page(desk, &reading)?;
        if self.json {
            page.rows.iter().try_for_each(print_json)?;
        } else if page.rows.is_empty() && page.stopped_at.is_none() {
            print("nothing found")?;
            nothing_found(desk, &record, &reading)?.iter().try_for_each(print)?;
        } else {
            self.show(desk, &reading, &page)?;
        }
        name_passed_over(desk, &page);
        if let (true, Some(next)) = (self.json, page.next) {
            say(serde_json::to_string(&Next { next: next.to_string() })?);
        }
        Ok(if page.rows.is_empty() { Answer::No } else { Answer::Yes })
    }

    /// Looks on until the page is full, there is no more, or patience is over.
    fn page(&self, desk: &Desk, reading: &Reading<'_>) -> anyhow::Result<Page> {
        let patience = match self.patience {
            Some(seconds) => Duration::from_secs(seconds),
            None if self.json => Duration::MAX,
            None => PATIENCE,
        };
        let (started, telling) = (Instant::now(), Telling::fitting(self.json));
        let mut whole = Page { next: None, ..Page::default() };
        let mut before = self.before;
        loop {
            let limit = self.limit - u32::try_from(whole.rows.len()).unwrap_or(self.limit);
            let step = STEP.min(patience.saturating_sub(started.elapsed()));
            let page = reading.page(Cursor { after: None, before, limit, patience: step })?;
            whole.rows.extend(page.rows);
            whole.passed_over.extend(page.passed_over);
            (whole.next, whole.stopped_at) = (page.next, page.stopped_at);
            let Some(stopped) = page.stopped_at.filter(|_| whole.rows.len() < self.limit as usize && started.elapsed() < patience) else { break };
            telling.tell(desk, stopped, whole.rows.len());
            before = page.next;
        }
        telling.end();
        Ok(whole)
    }

    fn show(&self, desk: &Desk, reading: &Reading<'_>, page: &Page) -> anyhow::Result<()> {
        if !page.rows.is_empty() {
            print(listing(&page.rows, &desk.zone))?;
        }
        if reading.is_covered() && !page.rows.is_empty() {
            print("pseudonyms stand for names; to see who, give a --reason")?;
        }
        let Some(next) = page.next else { return Ok(()) };
        let shown = page.rows.len();
        match page.stopped_at.filter(|_| shown < self.limit as usize) {
            Some(stopped) => {
                print(format_args!("{shown} found, looking back as far as {}; to go on: --before {next}, or --patience SECONDS", when(desk, stopped)))?
            }
            None => print(format_args!("{shown} shown; for more: --before {next}"))?,
        }
        Ok(())
    }
}

fn when(desk: &Desk, id: RecordId) -> String {
    let time = jiff::Timestamp::from_millisecond(id.unix_ms().cast_signed()).unwrap_or_default();
    local(&time.to_string(), &desk.zone, "%a %-d %b %Y, %H:%M")
}

/// Says how far a search is, on a terminal.
enum Telling {
    Bar(ProgressBar),
    Nothing,
}

impl Telling {
    fn fitting(json: bool) -> Self {
        if !json && std::io::stderr().is_terminal() { Self::Bar(ProgressBar::new_spinner()) } else { Self::Nothing }
    }

    fn tell(&self, desk: &Desk, stopped: RecordId, found: usize) {
        match self {
            Self::Bar(bar) => {
                bar.set_message(format!("{found} found, back to {}", when(desk, stopped)));
                bar.tick();
            }
            Self::Nothing => {}
        }
    }

    fn end(&self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Nothing => {}
        }
    }
}
