//! `usher lists diff`: what lies between two generations, and what it would have changed.

use super::Desk;
use crate::audit::lookups::Unshown;
use crate::audit::query::{Filter, Log};
use crate::cli::serve::thousands;
use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use crate::library::LibraryError;
use crate::library::difference::{self, Change, Effect, Replay};
use crate::lists::Lists;
use anyhow::{Context, bail};
use clap::Args;
use jiff::ToSpan;
use serde::Serialize;
use std::collections::BTreeMap;

/// Records read at once.
const PAGE: u32 = 10_000;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher lists diff             the generation in force and the one before\n  usher lists diff 12          generation 12 and the one in force\n  usher lists diff 12 14\n  usher lists diff --days 1 --json"
)]
pub(in crate::cli) struct Diff {
    /// The older generation.
    old: Option<u64>,
    /// The newer generation; without it, the one in force.
    new: Option<u64>,
    /// Decide the requests of so many days again; 0 for none.
    #[arg(long, default_value_t = 7)]
    days: u32,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    old: u64,
    new: u64,
    categories: BTreeMap<String, Change>,
    effect: Option<Effect>,
}

impl Diff {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let (old, new) = self.numbers(desk)?;
        let open = |number| desk.library.generations().open(number, &desk.rulebook.taxonomy).with_context(|| format!("generation {number}"));
        let (before, after) = (open(old)?, open(new)?);
        let categories = difference::of_entries(&before, &after, &desk.rulebook.taxonomy);
        let effect = if self.days == 0 { None } else { effect(desk, &before, &after, self.days)? };
        let shown = Shown { old, new, categories, effect };
        if self.json {
            print_json(&shown)?
        } else {
            show(&shown, self.days)?
        }
        Ok(Answer::Yes)
    }

    fn numbers(&self, desk: &Desk) -> anyhow::Result<(u64, u64)> {
        let generations = desk.library.generations();
        let Some(in_force) = generations.in_force()? else { bail!("there is no generation yet; make one with: usher lists update") };
        let new = self.new.unwrap_or(in_force.number);
        let all: Vec<u64> = generations.all()?.iter().map(|generation| generation.number).collect();
        let before = || all.iter().copied().rfind(|number| *number < new);
        let Some(old) = self.old.or_else(before) else { bail!("generation {new} is the only one; there is nothing to compare it with") };
        match [old, new].into_iter().find(|number| !all.contains(number)) {
            Some(missing) => Err(LibraryError::NoGeneration(missing).into()),
            None => Ok((old, new)),
        }
    }
}

/// Decides again what is on record; `None` where there is no record yet.
fn effect(desk: &Desk, before: &Lists, after: &Lists, days: u32) -> anyhow::Result<Option<Effect>> {
    let folder = desk.config.log();
    if !folder.exists() {
        return Ok(None);
    }
    let record = Log::open(&folder)?;
    let log = Unshown::of(&record);
    let books = desk.rulebook.books();
    let mut replay = Replay::new(books, books.court(), before, after);
    let from = desk.now.checked_sub((24 * i64::from(days)).hours())?;
    let mut after = Some(crate::audit::RecordId::first_of(from.as_millisecond().unsigned_abs()));
    loop {
        let rows = log.search(&Filter { after, limit: PAGE, ..Filter::default() })?.rows;
        rows.iter().for_each(|row| replay.add(row));
        after = rows.iter().map(|row| row.number).max();
        if rows.len() < PAGE as usize {
            return Ok(Some(replay.effect()));
        }
    }
}

fn show(shown: &Shown, days: u32) -> anyhow::Result<()> {
    print(format_args!("from generation {} to generation {}", shown.old, shown.new))?;
    if shown.categories.is_empty() {
        print("no entry was added or removed")?;
    } else {
        let mut rows = table(&["category", "added", "removed"]);
        for (category, change) in &shown.categories {
            rows.add_row([category.clone(), thousands(change.added), thousands(change.removed)]);
        }
        print(rows)?;
    }
    let Some(effect) = &shown.effect else { return Ok(()) };
    let number = |count: u64| thousands(usize::try_from(count).unwrap_or(usize::MAX));
    print(format_args!(
        "\nOf {} requests of the last {days} days, {} of {} people would have been decided otherwise.",
        number(effect.looked_at),
        number(effect.requests),
        thousands(effect.people)
    ))?;
    if !effect.top.is_empty() {
        let mut rows = table(&["site", "requests", "was", "would be", "because"]);
        for flip in &effect.top {
            let because = flip.because.as_deref().unwrap_or_default();
            rows.add_row([safe(&flip.host), number(flip.requests), flip.was.done().to_owned(), flip.is.done().to_owned(), safe(because)]);
        }
        print(rows)?;
    }
    Ok(())
}
