//! `usher alerts`: what was found, what staff did about it; what alerts would do, and what they leave out. A file a command.

mod ack;
mod close;
mod export;
mod health;
mod list;
mod matters;
mod note;
mod outbox;
mod outcomes;
mod register;
mod send_test;
mod show;
mod suppress;
mod test;

pub(super) use outcomes::Sum;

use super::Answer;
use crate::alert::past::Past;
use crate::alert::seen::Read;
use crate::app;
use crate::audit::damage;
use crate::audit::query::{Log as Record, LogError};
use crate::cli::serve::thousands;
use crate::config::{Config, Rulebook};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use register::Register;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Look at alerts and deal with them; try them on the past, and say what counts for nothing.
#[derive(Subcommand)]
#[command(
    after_help = "What an officer does each day:\n  usher alerts list\n  usher alerts show 0SAF-3Q2K-R0001 --reason \"the alert of 10:42\"\n  usher alerts ack 0SAF-3Q2K-R0001 --as \"Ms Bell\"\n  usher alerts close 0SAF-3Q2K-R0001 --outcome talked --action \"Spoke with her and her tutor\" --reason \"She is safe; seen by the nurse\" --as \"Ms Bell\""
)]
pub(super) enum Alerts {
    /// List the alerts that are not closed, the worst first. Exit code 1 if something is unread, or red.
    List(list::List),
    /// Show everything of one alert: what happened, why it was told, what was around it, who was told, who dealt with it.
    Show(show::Show),
    /// Say that you have read an alert: nobody else is woken for it.
    Ack(ack::Ack),
    /// Add a note to an alert.
    Note(note::Note),
    /// Close an alert, with what came of it, what was done, and why.
    Close(close::Close),
    /// Write alerts as a school's incident log: CSV, or a page to print. Exit code 1 if there is none.
    Export(export::Export),
    /// Count what came of alerts, theme by theme and rule by rule: false alarms above all. Exit code 1 if none was closed.
    Outcomes(outcomes::Outcomes),
    /// Say what a rule, or a whole file, would have done. Reads the log, writes nothing, tells nobody. Exit code 1 if it would have opened nothing.
    Test(test::Test),
    /// Let something count for nothing, of a group, until a day, for a reason; list it, and end it.
    Suppress(suppress::Suppress),
    /// Show which messages wait, were taken, or were given up; send one again, or drop it. Exit code 1 if one was given up, or is not taken for now.
    Outbox(outbox::ShowOutbox),
    /// Look at everything the morning message looks at, now. Exit code 1 if something is red.
    Health(health::ShowHealth),
    /// Send a message to everybody of a role, to try the way. Exit code 1 if one was not taken.
    SendTest(send_test::SendTest),
}

impl Alerts {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        match self {
            Self::List(command) => command.run(&Desk::open(path)?),
            Self::Show(command) => command.run(&Desk::open(path)?),
            Self::Ack(command) => command.run(&Register::open(path)?),
            Self::Note(command) => command.run(&Register::open(path)?),
            Self::Close(command) => command.run(&Register::open(path)?),
            Self::Export(command) => command.run(&Desk::open(path)?),
            Self::Outcomes(command) => command.run(&Desk::open(path)?),
            Self::Test(command) => command.run(&Desk::open(path)?),
            Self::Suppress(command) => command.run(&Desk::open(path)?),
            Self::Outbox(command) => command.run(&Desk::open(path)?),
            Self::Health(command) => command.run(Desk::open(path)?),
            Self::SendTest(command) => command.run(&Desk::open(path)?),
        }
    }
}

/// What all of these commands work with that look at rules.
struct Desk {
    config: Config,
    rulebook: Rulebook,
    secret: [u8; 32],
    now: Timestamp,
}

impl Desk {
    /// Refuses where there is no log, or the data folder is another account's.
    fn open(path: &Path) -> anyhow::Result<Self> {
        let config = Config::load(path)?;
        let rulebook = config.rulebook()?;
        let log = config.log();
        if !log.exists() {
            anyhow::bail!(LogError::None(log.path().to_owned()));
        }
        let secret = app::open_data(&config)?;
        Ok(Self { config, rulebook, secret, now: Timestamp::now() })
    }

    fn record(&self) -> anyhow::Result<Record> {
        Ok(Record::open(&self.config.log())?)
    }

    /// Today, school time.
    fn today(&self) -> Date {
        self.local(self.now).date()
    }

    fn local(&self, at: Timestamp) -> jiff::Zoned {
        at.to_zoned(self.rulebook.school.timetable.zone.clone())
    }

    /// A moment in Unix milliseconds, in school time.
    fn local_ms(&self, ms: i64) -> jiff::Zoned {
        self.local(Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The beginning of the day so many days ago.
    fn days_ago(&self, days: i32) -> Timestamp {
        let day = self.today().saturating_sub(days.days());
        day.to_zoned(self.rulebook.school.timetable.zone.clone()).map_or(self.now, |midnight| midnight.timestamp())
    }

    /// Hands out the records of the past, oldest first, and says how far it has come. What could not be read is told, and on record.
    fn replay(&self, mut past: Past<'_>, from: Timestamp, to: Timestamp, mut take: impl FnMut(&Read)) -> anyhow::Result<usize> {
        let mut progress = Progress::new(from, to);
        let mut count = 0;
        while let Some(row) = past.next_row()? {
            count += 1;
            progress.is_at(row.time_ms, count);
            if let Some(read) = Read::of(row) {
                take(&read);
            }
        }
        progress.end();
        for (file, error) in &past.passed_over {
            say(format_args!("usher: {file} was passed over: {error}. What is in it was not looked at. See: usher log verify"));
        }
        if let Err(error) = damage::met(&self.config.log(), &past.passed_over) {
            say(format_args!("usher: that could not be put on record: {error}"));
        }
        Ok(count)
    }
}

/// A line to whoever runs the command.
fn say(line: impl std::fmt::Display) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Between two lines of progress in a log.
const SELDOM: Duration = Duration::from_secs(10);
/// Records between two looks at the clock.
const OFTEN: usize = 1024;

/// How far the past is read: a bar on a terminal, a line now and then elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    from_ms: u64,
    length_ms: u64,
    said: Instant,
}

impl Progress {
    fn new(from: Timestamp, to: Timestamp) -> Self {
        let ms = |at: Timestamp| u64::try_from(at.as_millisecond()).unwrap_or_default();
        let length_ms = ms(to).saturating_sub(ms(from)).max(1);
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("  reading the log {bar:30} {percent}% {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(length_ms).with_style(style.progress_chars("━╸ "))
        });
        Self { bar, from_ms: ms(from), length_ms, said: Instant::now() }
    }

    fn is_at(&mut self, time_ms: u64, count: usize) {
        if !count.is_multiple_of(OFTEN) {
            return;
        }
        let done = time_ms.saturating_sub(self.from_ms).min(self.length_ms);
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(format!("{} records", thousands(count)));
            }
            None if self.said.elapsed() >= SELDOM => {
                self.said = Instant::now();
                say(format_args!("reading the log: {}%, {} records", done * 100 / self.length_ms, thousands(count)));
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `1 record`, `2,000 records`.
fn several(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", thousands(number)) }
}
