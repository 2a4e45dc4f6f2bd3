//! `usher lists history`: who did what, when, why.

use super::Desk;
use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use crate::library::history;
use anyhow::Context;
use clap::Args;

#[derive(Args)]
#[command(after_help = "Examples:\n  usher lists history\n  usher lists history --last 100 --json")]
pub(in crate::cli) struct History {
    /// Show so many, the newest.
    #[arg(long, default_value_t = 25)]
    last: usize,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

impl History {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let path = desk.library.history_path();
        let (deeds, broken) = history::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let newest = &deeds[deeds.len().saturating_sub(self.last)..];
        if self.json {
            newest.iter().try_for_each(print_json)?;
            return Ok(Answer::Yes);
        }
        if newest.is_empty() {
            print("nothing was done to the lists yet")?;
            return Ok(Answer::Yes);
        }
        let in_force = desk.library.generations().in_force()?.map(|in_force| in_force.number);
        let mut rows = table(&["when", "who", "what", "generation", "why"]);
        for deed in newest {
            let generation = deed.generation.map_or(String::new(), |number| number.to_string());
            let mark = if deed.generation.is_some() && deed.generation == in_force { " (in force)" } else { "" };
            rows.add_row([desk.shown(deed.at), safe(&deed.who), deed.what.words().to_owned(), generation + mark, safe(&deed.why)]);
        }
        print(rows)?;
        if broken > 0 {
            print(format_args!("{broken} lines of {} cannot be read", path.display()))?;
        }
        Ok(Answer::Yes)
    }
}
