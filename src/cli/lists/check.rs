//! `usher lists check`: what was taken of every list, what was refused and why, what is there twice or needless.

use super::Desk;
use super::progress::Show;
use super::status::size;
use crate::app;
use crate::cli::serve::thousands;
use crate::cli::table::{align_numbers, safe, short, table, terminal_width};
use crate::cli::{Answer, print, print_json};
use crate::library::update::Told;
use crate::lists::formats::detect::Sureness;
use crate::lists::report::{Known, Report};
use crate::lists::store::Loaded;
use clap::Args;

/// Refused lines and needless entries shown of a list.
const SHOWN: usize = 5;
/// Below this width a table has no room for all its columns.
const NARROW: u16 = 110;

#[derive(Args)]
#[command(after_help = "Examples:\n  usher lists check\n  usher lists check ut1 --all\n  usher lists check --json")]
pub(in crate::cli) struct Check {
    /// Only show lists of these sources.
    sources: Vec<String>,
    /// Show every refused line, not the first few of each list.
    #[arg(long)]
    all: bool,
    /// Print one JSON object a list.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let books = desk.rulebook.books();
        let mut show = Show::fitting(self.json);
        let mut loaded = app::apart(|| {
            let mut loaded = desk.library.read(&books, &mut |step| show.tell(&Told::Compiling(step)))?;
            desk.library.find_redundant(&books, &mut loaded, &mut |step| show.tell(&Told::Compiling(step)))?;
            Ok::<_, crate::library::LibraryError>(loaded)
        })?;
        drop(show);
        let wanted = |report: &Report| self.sources.is_empty() || self.sources.iter().any(|name| crate::library::generations::source_of(&report.list) == name);
        loaded.reports.retain(wanted);
        let refused: usize = loaded.reports.iter().map(Report::refused_count).sum();
        if self.json {
            loaded.reports.iter().try_for_each(print_json)?;
            loaded.skipped.iter().try_for_each(|(name, reason)| print_json(&serde_json::json!({ "not_loaded": name, "why": reason })))?;
        } else {
            tell(&loaded, if self.all { usize::MAX } else { SHOWN }, refused)?;
        }
        Ok(if refused > 0 { Answer::No } else { Answer::Yes })
    }
}

fn tell(loaded: &Loaded, shown: usize, refused: usize) -> anyhow::Result<()> {
    print(counts(&loaded.reports))?;
    loaded.reports.iter().try_for_each(|report| explain(report, shown))?;
    if !loaded.skipped.is_empty() {
        print("\nnot loaded")?;
    }
    for (name, reason) in &loaded.skipped {
        print(format_args!("  {}: {reason}", safe(name)))?;
    }
    let needless: usize = loaded.reports.iter().map(redundant).sum();
    let total = format!("{} entries, {} lines refused, {} redundant", thousands(loaded.lists.len()), thousands(refused), thousands(needless));
    print(format_args!("\n{total}, {} in memory", size(loaded.lists.memory())))?;
    Ok(())
}

/// A row of counts for each list. Where there is little room, category and format stand below the list's name.
fn counts(reports: &[Report]) -> comfy_table::Table {
    let narrow = terminal_width().is_some_and(|width| width < NARROW);
    let headings: &[&str] = if narrow { &["list"] } else { &["list", "category", "read as"] };
    let mut rows = table(&[headings, &["accepted", "duplicates", "redundant", "refused"]].concat());
    for report in reports {
        let what = [report.list.clone(), report.category.clone(), read_as(report)];
        let what = if narrow { vec![format!("{}\n  {}, {}", what[0], what[1], what[2])] } else { what.to_vec() };
        let counts = [report.accepted, report.duplicates, redundant(report), report.refused_count()].map(thousands);
        rows.add_row([&what[..], &counts].concat());
    }
    align_numbers(&mut rows, 4);
    rows
}

fn redundant(report: &Report) -> usize {
    report.redundant.as_ref().map_or(0, |redundant| redundant.count)
}

/// The format, and whether anybody said so.
fn read_as(report: &Report) -> String {
    let how = match report.known {
        Known::Said | Known::Named => "",
        Known::Detected(Sureness::Certain) => " (detected)",
        Known::Detected(Sureness::Likely) => " (detected, likely)",
        Known::Detected(Sureness::Guess) => " (a guess)",
    };
    format!("{}{how}", report.format.name())
}

/// What a person should know of a list beyond its counts.
fn explain(report: &Report, shown: usize) -> anyhow::Result<()> {
    let unsure = matches!(report.known, Known::Detected(Sureness::Likely | Sureness::Guess));
    if report.refused_count() + redundant(report) == 0 && !unsure {
        return Ok(());
    }
    print(format_args!("\n{}", report.list))?;
    if unsure {
        print(format_args!("  read as {}, which is not sure; to fix it, set its format in sources.toml", report.format.name()))?;
    }
    for (reason, count) in &report.refused {
        print(format_args!("  {} × {reason}", thousands(*count)))?;
    }
    for line in report.refused_lines.iter().take(shown) {
        print(format_args!("    line {}: {}: {}", line.line, short(&line.text, 60), line.why))?;
    }
    and_more(report.refused_count(), report.refused_lines.len(), shown)?;
    if let Some(redundant) = report.redundant.as_ref().filter(|redundant| redundant.count > 0) {
        print(format_args!("  {} redundant, since a wider entry of the same list covers them", thousands(redundant.count)))?;
        for entry in redundant.first.iter().take(shown) {
            print(format_args!("    line {}: {}: line {} has {}", entry.line, short(&entry.text, 60), entry.by_line, short(&entry.by_text, 60)))?;
        }
        and_more(redundant.count, redundant.first.len(), shown)?;
    }
    Ok(())
}

/// How many there are beyond those shown.
fn and_more(count: usize, kept: usize, shown: usize) -> anyhow::Result<()> {
    let rest = count.saturating_sub(shown.min(kept));
    if rest > 0 {
        let how = if shown == usize::MAX { "only counted" } else { "to see them: usher lists check --all" };
        print(format_args!("    and {} more; {how}", thousands(rest)))?;
    }
    Ok(())
}
