//! `usher lists update`: fetch, judge, put in force.

use super::Desk;
use super::progress::{Show, words};
use crate::cli::serve::thousands;
use crate::cli::{Answer, print, print_json};
use crate::library::source::Source;
use crate::library::state::Last;
use crate::library::update::Update as Done;
use crate::library::{LibraryError, Sizes};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher lists update\n  usher lists update ut1\n  usher lists update --quiet          for cron: only what went wrong is printed\n  usher lists update --accept \"UT1 split its adult list\""
)]
pub(in crate::cli) struct Update {
    /// The sources; without any, all that are fetched.
    sources: Vec<String>,
    /// Take lists that shrink or grow beyond their bounds, and say why in the history. Canaries are still heard.
    #[arg(long, value_name = "WHY")]
    accept: Option<String>,
    /// Say nothing unless something failed or was refused.
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    asked: &'a BTreeMap<String, Last>,
    generation: Option<u64>,
    entries: Option<usize>,
    refused: Vec<String>,
}

impl Update {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let books = desk.rulebook.books();
        let named = self.sources.iter().map(|name| books.source(name).ok_or_else(|| LibraryError::NoSource(name.clone())));
        let wanted: Vec<&Source> = if self.sources.is_empty() { books.sources.iter().collect() } else { named.collect::<Result<_, _>>()? };
        let mut order = desk.order(self.accept.as_deref().unwrap_or("updated by hand"));
        if self.accept.is_some() {
            order.sizes = Sizes::Accepted;
        }
        let mut show = Show::fitting(self.quiet || self.json);
        let done = desk.library.update(&books, &wanted, desk.config.upstream(), &order, &mut |told| show.tell(&told))?;
        drop(show);
        let well = done.objections.is_empty() && done.asked.values().all(|last| matches!(last, Last::Updated | Last::Unchanged));
        if self.json {
            let refused = done.objections.iter().map(ToString::to_string).collect();
            let generation = done.generation.as_ref();
            print_json(&Shown { asked: &done.asked, generation: generation.map(|g| g.number), entries: generation.map(|g| g.entries), refused })?;
        } else if !(self.quiet && well) {
            tell(&done)?;
        }
        Ok(if well { Answer::Yes } else { Answer::No })
    }
}

fn tell(done: &Done) -> anyhow::Result<()> {
    for (source, last) in &done.asked {
        print(format_args!("{source}: {}", words(last)))?;
    }
    match &done.generation {
        Some(generation) => {
            print(format_args!(
                "generation {} is in force: {} entries, compiled in {} ms",
                generation.number,
                thousands(generation.entries),
                generation.took_ms
            ))?;
            print("A running Usher takes it up within seconds. What it changes: usher lists diff")?;
        }
        None => print("nothing has changed")?,
    }
    Ok(())
}
