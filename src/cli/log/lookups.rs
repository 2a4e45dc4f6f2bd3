//! `usher log lookups`: who looked at whose records, when and why.

use super::Desk;
use super::shown::local;
use super::wanted::times;
use crate::audit::lookups::{self, Row, Wanted};
use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use clap::Args;

/// Show who looked at whose records, when and why, newest first. Exit code 1 if nobody did.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log lookups\n  usher log lookups --whose j.smith\n  usher log lookups --by office --from 2026-11-01 --json\n\nNo reason is needed for this. A look is on record before anything is shown, so how many records it showed is not: its filter and time say which it could."
)]
pub(in crate::cli) struct Lookups {
    /// At the records of this user or client address. A look that named nobody may have shown anybody, and is listed too.
    #[arg(long, value_name = "USER")]
    whose: Option<String>,
    /// By this account, or under this name.
    #[arg(long, value_name = "ACCOUNT")]
    by: Option<String>,
    /// Not before this time.
    #[arg(long)]
    from: Option<String>,
    /// Before this time.
    #[arg(long)]
    to: Option<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Lookups {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let (from, to) = times(self.from.as_deref(), self.to.as_deref(), &desk.zone)?;
        let record = desk.record()?;
        let rows = lookups::list(record.journal(), &Wanted { whose: self.whose, by: self.by, from, to })?;
        if self.json {
            rows.iter().try_for_each(print_json)?;
        } else if rows.is_empty() {
            print("nobody looked")?;
        } else {
            let mut listing = table(&["when", "who", "whose", "what", "why"]);
            for row in &rows {
                listing.add_row([local(&row.at, &desk.zone, "%d %b %Y %H:%M"), who(row), whose(row), what(row), safe(&row.reason)]);
            }
            print(listing)?;
        }
        Ok(if rows.is_empty() { Answer::No } else { Answer::Yes })
    }
}

fn who(row: &Row) -> String {
    safe(&row.name.as_ref().map_or_else(|| row.who.clone(), |name| format!("{name} ({})", row.who)))
}

fn what(row: &Row) -> String {
    let handed_out = row.packed.map(|records| format!("; handed out with proofs: {records} records")).unwrap_or_default();
    safe(&row.filter) + &handed_out
}

fn whose(row: &Row) -> String {
    let named: Vec<_> = [&row.user, &row.client].into_iter().flatten().map(|name| safe(name)).collect();
    if named.is_empty() { "anybody".to_owned() } else { named.join(" at ") }
}
