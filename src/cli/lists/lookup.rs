//! `usher lists lookup`: every entry that matches.

use super::Desk;
use crate::cli::table::table;
use crate::cli::{Answer, print, print_json};
use crate::url::Url;
use anyhow::Context;
use clap::Args;

#[derive(Args)]
#[command(after_help = "Examples:\n  usher lists lookup coolmathgames.com/play\n  usher lists lookup https://news.example --json")]
pub(in crate::cli) struct Lookup {
    /// The URL.
    url: String,
    /// Print one JSON object an entry.
    #[arg(long)]
    json: bool,
}

impl Lookup {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let url = Url::parse(&self.url).with_context(|| format!("\"{}\" cannot be looked up", self.url))?;
        let lists = desk.library.look(&desk.rulebook.books(), desk.now)?;
        let entries = lists.explain_all(&lists.look_up(&url), &url);
        if self.json {
            entries.iter().try_for_each(print_json)?;
        } else if entries.is_empty() {
            print(format_args!("{} is in no list", url.text()))?;
        } else {
            let mut rows = table(&["list", "line", "entry"]);
            for entry in &entries {
                rows.add_row([&entry.list, &entry.line.to_string(), &entry.text]);
            }
            print(rows)?;
        }
        Ok(if entries.is_empty() { Answer::No } else { Answer::Yes })
    }
}
