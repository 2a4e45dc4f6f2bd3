//! How far an update is: a bar for each source on a terminal, plain lines in a log, nothing where nobody is to be told.

use crate::cli::serve::thousands;
use crate::library::fetch::Progress;
use crate::library::state::Last;
use crate::library::update::Told;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two lines about one thing in a log.
const SELDOM: Duration = Duration::from_secs(10);

/// Where progress is shown.
pub(super) enum Show {
    /// Bars on a terminal.
    Bars(Bars),
    /// Lines on standard error.
    Lines(Lines),
    /// Nowhere.
    Nothing,
}

impl Show {
    /// As fits where standard error goes.
    pub(super) fn fitting(quiet: bool) -> Self {
        if quiet {
            Self::Nothing
        } else if std::io::stderr().is_terminal() {
            Self::Bars(Bars { all: MultiProgress::new(), bars: HashMap::new() })
        } else {
            Self::Lines(Lines::default())
        }
    }

    /// Tells one step.
    pub(super) fn tell(&mut self, told: &Told<'_>) {
        match self {
            Self::Bars(bars) => bars.tell(told),
            Self::Lines(lines) => lines.tell(told),
            Self::Nothing => {}
        }
    }
}

/// A bar for each source, and one for compiling.
pub(super) struct Bars {
    all: MultiProgress,
    bars: HashMap<String, ProgressBar>,
}

impl Bars {
    fn tell(&mut self, told: &Told<'_>) {
        match told {
            Told::Fetching { source, progress } => {
                let bar = self.bar(source);
                match *progress {
                    Progress::Began { total, here } => {
                        if let Some(total) = total {
                            bar.set_length(total);
                            bar.set_style(style("  {prefix:<20} {bar:30} {bytes:>10} of {total_bytes} {msg}"));
                        }
                        bar.set_position(here);
                    }
                    Progress::Moved { here } => bar.set_position(here),
                }
            }
            Told::Fetched { source, last } => {
                let bar = self.bar(source);
                bar.set_style(style("  {prefix:<20} {msg}"));
                bar.finish_with_message(words(last));
            }
            Told::Compiling(step) => {
                let bar = self.bar("compiling");
                bar.set_style(style("  {prefix:<20} {msg}"));
                bar.set_message(format!("{} entries, {}", thousands(step.entries), step.file));
            }
            Told::Judging { entries } => {
                let bar = self.bar("compiling");
                bar.set_style(style("  {prefix:<20} {msg}"));
                bar.finish_with_message(format!("{} entries", thousands(*entries)));
            }
        }
    }

    fn bar(&mut self, name: &str) -> &ProgressBar {
        let all = &self.all;
        self.bars.entry(name.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new_spinner());
            bar.set_style(style("  {prefix:<20} {spinner} {bytes:>10} {msg}"));
            bar.set_prefix(name.to_owned());
            bar
        })
    }
}

/// The templates are this file's own; one that cannot be read shows as the plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}

/// Lines for a log: one now and then while something goes on, one when it is over.
#[derive(Default)]
pub(super) struct Lines {
    said: HashMap<String, Instant>,
}

impl Lines {
    fn tell(&mut self, told: &Told<'_>) {
        match told {
            Told::Fetching { source, progress } => {
                let (Progress::Began { here, .. } | Progress::Moved { here }) = *progress;
                self.now_and_then(source, || format!("{source}: {} bytes", thousands_of(here)));
            }
            Told::Fetched { source, last } => say(&format!("{source}: {}", words(last))),
            Told::Compiling(step) => self.now_and_then("compiling", || format!("compiling: {} entries, {}", thousands(step.entries), step.file)),
            Told::Judging { entries } => say(&format!("compiled: {} entries", thousands(*entries))),
        }
    }

    fn now_and_then(&mut self, about: &str, line: impl FnOnce() -> String) {
        let now = Instant::now();
        // The first word is due only when it takes long.
        let last = *self.said.entry(about.to_owned()).or_insert(now);
        if now.duration_since(last) >= SELDOM {
            self.said.insert(about.to_owned(), now);
            say(&line());
        }
    }
}

fn say(line: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn thousands_of(bytes: u64) -> String {
    thousands(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// What came of asking a publisher, in a few words.
pub(super) fn words(last: &Last) -> String {
    match last {
        Last::Never => "never asked".to_owned(),
        Last::Updated => "new".to_owned(),
        Last::Unchanged => "unchanged".to_owned(),
        Last::Failed(why) => format!("failed: {why}"),
        Last::Refused(why) => format!("refused: {why}"),
    }
}
