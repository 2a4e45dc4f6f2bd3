//! `usher log events`: what happened to Usher itself.

use super::Desk;
use super::shown::local;
use crate::audit::events::{self, Severity};
use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use clap::Args;

/// Show what happened to Usher itself, newest first. Exit code 1 if nothing did.
#[derive(Args)]
#[command(after_help = "Examples:\n  usher log events\n  usher log events --severity critical --json")]
pub(in crate::cli) struct Events {
    /// At least this grave: info, warning or critical.
    #[arg(long, default_value = "info", value_parser = severity)]
    severity: Severity,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

fn severity(name: &str) -> Result<Severity, String> {
    let found = Severity::NAMES.iter().find(|(known, _)| *known == name);
    found.map(|(_, severity)| *severity).ok_or_else(|| "it is info, warning or critical".to_owned())
}

impl Events {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let wanted = events::Wanted { severity: self.severity, limit: self.limit, ..events::Wanted::default() };
        let rows = events::search(&desk.config.log(), &wanted)?;
        if self.json {
            rows.iter().try_for_each(print_json)?;
        } else if rows.is_empty() {
            print("nothing happened")?;
        } else {
            let mut listing = table(&["time", "severity", "kind", "what"]);
            for row in &rows {
                listing.add_row([local(&row.at, &desk.zone, "%d %b %Y %H:%M"), row.severity.clone(), row.kind.clone(), safe(&row.text)]);
            }
            print(listing)?;
        }
        Ok(if rows.is_empty() { Answer::No } else { Answer::Yes })
    }
}
