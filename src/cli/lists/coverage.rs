//! `usher lists coverage`: which lists cover which heading of the UKSIC, for governors.

use super::Desk;
use crate::app;
use crate::cli::{Answer, print, print_json};
use crate::illegal::Standing;
use crate::report::coverage::{Counted, Coverage, InForce, Treatment};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher lists coverage                          Markdown, on the terminal\n  usher lists coverage --format html --out coverage.html\n  usher lists coverage --format json"
)]
pub(in crate::cli) struct ShowCoverage {
    /// What the page is written as.
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// The file to write, instead of printing.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Markdown,
    Html,
    Json,
}

impl ShowCoverage {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let coverage = coverage(desk)?;
        let text = match self.format {
            Format::Markdown => coverage.markdown(),
            Format::Html => coverage.html(),
            Format::Json if self.out.is_none() => {
                print_json(&coverage)?;
                return Ok(Answer::Yes);
            }
            Format::Json => serde_json::to_string(&coverage)?,
        };
        match self.out {
            None => print(text.trim_end())?,
            Some(path) => {
                fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
                print(format_args!("written: {}", path.display()))?;
            }
        }
        Ok(Answer::Yes)
    }
}

fn coverage(desk: &Desk) -> anyhow::Result<Coverage> {
    let books = desk.rulebook.books();
    let Some(shelf) = desk.library.in_force(&books)? else { bail!("no lists were ever put in force; start Usher, or run: usher lists update") };
    let mut phrases = BTreeMap::<&str, usize>::new();
    for phrase in shelf.lists.phrases() {
        *phrases.entry(&shelf.lists.lists()[phrase.member.list()].name).or_default() += 1;
    }
    let count = |list: &crate::library::generations::ListCounted| {
        let phrases = phrases.get(list.name.as_str()).copied().unwrap_or(0);
        Counted { list: list.name.clone(), category: list.category.clone(), entries: list.counted.entries.saturating_sub(phrases), phrases }
    };
    let counted: Vec<_> = shelf.generation.lists.iter().filter(|list| !list.category.is_empty()).map(count).collect();
    let groups: Vec<_> = books.policy.groups.iter().map(|group| Treatment::of(group, books.taxonomy)).collect();
    let date = desk.now.to_zoned(books.timetable.zone.clone()).date();
    let school = desk.config.settings.school.given_name();
    let in_force = InForce { school, date, generation: shelf.generation.number, counted: &counted, groups: &groups, illegal: illegal(desk) };
    Ok(Coverage::new(books.taxonomy, &in_force).with_red(desk.rulebook.alerts.red.clone()))
}

/// The sentence on illegal content, if a feed or a parent that was checked keeps it out now.
fn illegal(desk: &Desk) -> Option<String> {
    let standing = app::illegal_standing(&desk.config, &desk.secret);
    let sealed = match &standing {
        Standing::Sealed(_) => Some(standing.headline(desk.now)),
        Standing::NotPresent | Standing::Demonstration(_) | Standing::Red { .. } => None,
    };
    sealed.or_else(|| desk.parent_verified())
}
