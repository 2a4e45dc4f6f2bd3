//! `usher log purge`: what is older than its rule goes.

use super::Desk;
use crate::audit::retention::{self, Doing, Report};
use crate::audit::stopped::Running;
use crate::cli::table::{align_numbers, safe, table};
use crate::cli::{Answer, print, print_json};
use clap::Args;
use std::path::Path;

#[derive(Args)]
#[command(
    after_help = "A running Usher does this once a day by itself. How long records are kept is said under [log.keep] in usher.toml.\n\nExamples:\n  usher log purge --dry-run\n  usher log purge --json"
)]
pub(in crate::cli) struct Purge {
    /// Only say what would go.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Purge {
    pub(in crate::cli) fn run(&self, path: &Path) -> anyhow::Result<Answer> {
        let desk = Desk::open(path)?;
        let doing = if self.dry_run { Doing::Telling } else { Doing::Really };
        let running = match doing {
            Doing::Telling => Running::Yes,
            Doing::Really => desk.seal()?,
        };
        let report = retention::purge(&desk.log, &desk.config.keep, desk.now, doing)?;
        if self.json {
            print_json(&report)?;
        } else {
            self.tell(&desk, &report, running)?;
        }
        Ok(if report.kept_back.is_empty() { Answer::Yes } else { Answer::No })
    }

    fn tell(&self, desk: &Desk, report: &Report, running: Running) -> anyhow::Result<()> {
        let verb = if self.dry_run { "would go" } else { "went" };
        let mut listing = table(&["class", "kept for", "older than", verb, "held", "KiB"]);
        for class in &report.classes {
            listing.add_row([
                class.class.to_owned(),
                class.rule.to_string(),
                desk.shown(class.older_than),
                class.records.to_string(),
                class.held.to_string(),
                class.bytes.div_ceil(1024).to_string(),
            ]);
        }
        align_numbers(&mut listing, 3);
        print(listing)?;
        let open: u64 = report.classes.iter().map(|class| class.open).sum();
        if open > 0 {
            print(format_args!("{open} older alerts stay, since nobody has closed them or more may come of them: usher alerts list"))?;
        }
        for (file, why) in &report.kept_back {
            print(format_args!("kept, since it could not be purged: {}: {}", safe(file), safe(why)))?;
        }
        if running == Running::Yes && !self.dry_run {
            print("what is being written now is purged after it is sealed, when the day changes")?;
        }
        Ok(())
    }
}
