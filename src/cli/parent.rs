//! `usher parent`: whether the parent proxy keeps illegal content out.

use super::{Answer, print, print_json};
use crate::app;
use crate::config::Config;
use crate::library::parent_check::{Checked, Standing, Verdict};
use anyhow::bail;
use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::Path;

/// Look at the parent proxy.
#[derive(Subcommand)]
pub(super) enum Parent {
    /// Ask the parent for pages it must block, now. Exit code 0: all are blocked; 1: anything else.
    #[command(after_help = "Examples:\n  usher parent check\n  usher parent check --json")]
    Check {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show what the last check found. A running Usher checks each day at 06:00.
    #[command(after_help = "Examples:\n  usher parent status\n  usher parent status --json")]
    Status {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

impl Parent {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        let zone = config.rulebook()?.school.timetable.zone;
        let library = config.library(app::open_data(&config)?);
        let Some(upstream) = config.upstream() else { bail!("there is no parent proxy; name one under [upstream] in usher.toml") };
        let now = Timestamp::now();
        let (checked, json) = match self {
            Self::Check { json } => (app::parent::check(&library, upstream, &config.parent_pages, now)?, json),
            Self::Status { json } => match library.parent()?.filter(|checked| checked.parent == upstream.to_string()) {
                Some(checked) => (checked, json),
                None => bail!("the parent {upstream} was not checked yet; do it with: usher parent check"),
            },
        };
        if json {
            print_json(&checked)?
        } else {
            show(&checked, &zone, now)?
        }
        Ok(if checked.standing() == Standing::Verified && !checked.is_old(now) { Answer::Yes } else { Answer::No })
    }
}

fn show(checked: &Checked, zone: &TimeZone, now: Timestamp) -> anyhow::Result<()> {
    let old = if checked.is_old(now) { " (more than a day ago: is Usher running?)" } else { "" };
    print(format_args!("{}: {}{old}", checked.parent, checked.line(zone)))?;
    for finding in &checked.findings {
        let words = match &finding.verdict {
            Verdict::Blocked { how } => format!("blocked: {how}"),
            Verdict::Open => "NOT blocked".to_owned(),
            Verdict::Unclear { why } => format!("unclear: {why}"),
        };
        print(format_args!("  {}  {words}", finding.page))?;
    }
    Ok(())
}
