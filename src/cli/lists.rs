//! `usher lists`: what is loaded, what was refused, and what an entry says.

use super::serve::thousands;
use super::table::{short, table};
use super::{Answer, print, print_json};
use crate::app::{self, Loaded};
use crate::config::Config;
use crate::url::Url;
use anyhow::Context;
use clap::Subcommand;
use std::path::Path;

/// Look at the lists.
#[derive(Subcommand)]
pub(super) enum Lists {
    /// Read every list and show what was taken and every line that was refused. Exit code 1 if a line was refused.
    #[command(after_help = "Examples:\n  usher lists check\n  usher lists check --all\n  usher lists check --json")]
    Check {
        /// Show every refused line, not the first few of each list.
        #[arg(long)]
        all: bool,
        /// Print one JSON object a list.
        #[arg(long)]
        json: bool,
    },
    /// Show every entry of every list that matches a URL. Exit code 1 if there is none.
    #[command(after_help = "Example:\n  usher lists lookup coolmathgames.com/play")]
    Lookup {
        /// The URL.
        url: String,
        /// Print one JSON object an entry.
        #[arg(long)]
        json: bool,
    },
}

/// Refused lines shown of a list.
const SHOWN: usize = 5;

impl Lists {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        let loaded = app::load(&config, &app::open_data(&config)?)?;
        match self {
            Self::Check { all, json } => check(&loaded, if all { usize::MAX } else { SHOWN }, json),
            Self::Lookup { url, json } => lookup(&loaded, &url, json),
        }
    }
}

fn check(loaded: &Loaded, shown: usize, json: bool) -> anyhow::Result<Answer> {
    let refused: usize = loaded.reports.iter().map(crate::lists::compile::Report::refused_count).sum();
    let answer = if refused > 0 { Answer::No } else { Answer::Yes };
    if json {
        loaded.reports.iter().try_for_each(print_json)?;
        return Ok(answer);
    }
    let mut rows = table(&["list", "category", "accepted", "duplicates", "refused"]);
    for report in &loaded.reports {
        rows.add_row([&report.list, &report.category, &thousands(report.accepted), &thousands(report.duplicates), &thousands(report.refused_count())]);
    }
    print(rows)?;
    for report in loaded.reports.iter().filter(|report| report.refused_count() > 0) {
        print(format_args!("\n{}", report.list))?;
        for (reason, count) in &report.refused {
            print(format_args!("  {} × {reason}", thousands(*count)))?;
        }
        for line in report.refused_lines.iter().take(shown) {
            print(format_args!("    line {}: {}: {}", line.line, short(&line.text, 60), line.reason))?;
        }
        let rest = report.refused_count().saturating_sub(shown.min(report.refused_lines.len()));
        if rest > 0 {
            let how = if shown == usize::MAX { "only counted" } else { "to see them: usher lists check --all" };
            print(format_args!("    and {} more; {how}", thousands(rest)))?;
        }
    }
    for (name, reason) in &loaded.skipped {
        print(format_args!("not loaded: {name}: {reason}"))?;
    }
    let lists = &loaded.snapshot.lists;
    print(format_args!("\n{} entries in force, {} refused, {:.1} MiB", thousands(lists.len()), thousands(refused), mebibytes(lists.memory())))?;
    Ok(answer)
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn lookup(loaded: &Loaded, url: &str, json: bool) -> anyhow::Result<Answer> {
    let parsed = Url::parse(url).with_context(|| format!("\"{url}\" cannot be looked up"))?;
    let lists = &loaded.snapshot.lists;
    let entries = lists.explain_all(&lists.look_up(&parsed), &parsed);
    if json {
        entries.iter().try_for_each(print_json)?;
    } else if entries.is_empty() {
        print(format_args!("{} is in no list", parsed.text()))?;
    } else {
        let mut rows = table(&["list", "line", "entry"]);
        for entry in &entries {
            rows.add_row([&entry.list, &entry.line.to_string(), &entry.text]);
        }
        print(rows)?;
    }
    Ok(if entries.is_empty() { Answer::No } else { Answer::Yes })
}
