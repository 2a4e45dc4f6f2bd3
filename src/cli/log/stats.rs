//! `usher log stats`: how much there was of what, day by day, as numbers and as bars.

use super::wanted::parse_time;
use super::{Desk, say};
use crate::audit::query::stats::{Day, Stats, Wanted, top};
use crate::cli::serve::thousands;
use crate::cli::table::{safe, terminal_width};
use crate::cli::{Answer, print, print_json};
use clap::Args;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::io::IsTerminal;

/// How many days are counted where none are named.
const DAYS: i64 = 14;
/// How many categories and hosts are named.
const TOP: usize = 8;
/// How wide the numbers of a day are.
const NUMBERS: usize = 66;
/// The longest bar.
const LONGEST: usize = 40;

/// Count requests, visits, searches, people and blocks day by day, without names. Exit code 1 if there were none.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log stats\n  usher log stats --from 2026-11-23 --to 2026-11-24\n  usher log stats --from 2026-09-01 --json\n\nWithout --from, the last 14 days. People are users, and devices nobody was known at."
)]
pub(in crate::cli) struct ShowStats {
    /// The first day: 2026-11-23.
    #[arg(long)]
    from: Option<String>,
    /// Before this day.
    #[arg(long)]
    to: Option<String>,
    /// Print one JSON object a day.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ShownDay {
    day: Date,
    requests: u64,
    visits: u64,
    searches: u64,
    people: u64,
    blocks: u64,
    top_categories: Vec<Counted>,
    top_blocked_hosts: Vec<Counted>,
}

#[derive(Serialize)]
struct Counted {
    name: String,
    requests: u64,
}

fn counted<'a>(all: impl IntoIterator<Item = (&'a String, &'a u64)>) -> Vec<Counted> {
    top(all, TOP).into_iter().map(|(name, requests)| Counted { name, requests }).collect()
}

impl ShowStats {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let wanted = self.wanted(desk)?;
        let stats = desk.record()?.stats(&wanted)?;
        if self.json {
            stats.days.iter().try_for_each(|(date, day)| print_json(&shown(*date, day)))?;
        } else if stats.days.is_empty() {
            print(format_args!("there is nothing on record from {} to {}", wanted.first, wanted.last))?;
        } else {
            show(&stats)?;
        }
        for (file, error) in &stats.passed_over {
            say(format_args!("usher: {file} was passed over: {error}. What it holds is not counted. See: usher log verify"));
        }
        Ok(if stats.days.is_empty() { Answer::No } else { Answer::Yes })
    }

    fn wanted(&self, desk: &Desk) -> anyhow::Result<Wanted> {
        let date = |at: Timestamp| at.to_zoned(desk.zone.clone()).date();
        // The end is not in it: of a day, its last moment is.
        let last = match &self.to {
            Some(to) => date(parse_time(to, &desk.zone)?.checked_sub(SignedDuration::from_millis(1))?),
            None => date(Timestamp::now()),
        };
        let first = match &self.from {
            Some(from) => date(parse_time(from, &desk.zone)?),
            None => last.checked_sub((DAYS - 1).days())?,
        };
        Ok(Wanted { first, last, zone: desk.zone.clone() })
    }
}

fn shown(date: Date, day: &Day) -> ShownDay {
    let Day { requests, visits, searches, people, blocks, ref categories, ref blocked_hosts } = *day;
    ShownDay { day: date, requests, visits, searches, people, blocks, top_categories: counted(categories), top_blocked_hosts: counted(blocked_hosts) }
}

fn number(count: u64) -> String {
    thousands(usize::try_from(count).unwrap_or(usize::MAX))
}

fn show(stats: &Stats) -> anyhow::Result<()> {
    let bars = if std::io::stdout().is_terminal() { usize::from(terminal_width().unwrap_or(80)).saturating_sub(NUMBERS + 2).min(LONGEST) } else { 0 };
    let most = stats.days.values().map(|day| day.requests).max().unwrap_or_default();
    print(format_args!("{:<15}{:>12}{:>11}{:>10}{:>8}{:>10}", "day", "requests", "visits", "searches", "people", "blocks"))?;
    for (date, day) in &stats.days {
        let [requests, visits, searches, people, blocks] = [day.requests, day.visits, day.searches, day.people, day.blocks].map(number);
        let line =
            format!("{:<15}{requests:>12}{visits:>11}{searches:>10}{people:>8}{blocks:>10}  {}", date.strftime("%a %-d %b %Y"), bar(day.requests, most, bars));
        print(line.trim_end())?;
    }
    let (mut categories, mut hosts) = (BTreeMap::new(), HashMap::new());
    for day in stats.days.values() {
        day.categories.iter().for_each(|(name, count)| *categories.entry(name.clone()).or_default() += count);
        day.blocked_hosts.iter().for_each(|(name, count)| *hosts.entry(name.clone()).or_default() += count);
    }
    show_top("categories, by requests", &counted(&categories))?;
    show_top("hosts blocked most", &counted(&hosts))
}

fn show_top(heading: &str, top: &[Counted]) -> anyhow::Result<()> {
    if top.is_empty() {
        return Ok(());
    }
    print(format_args!("\n{heading}"))?;
    top.iter().try_for_each(|one| print(format_args!("{:>12}  {}", number(one.requests), safe(&one.name))))?;
    Ok(())
}

/// A bar of so many columns at most, to an eighth of a column.
fn bar(value: u64, most: u64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "\u{258f}", "\u{258e}", "\u{258d}", "\u{258c}", "\u{258b}", "\u{258a}", "\u{2589}"];
    if columns == 0 || most == 0 {
        return String::new();
    }
    let eighths = usize::try_from(u128::from(value) * (columns * 8) as u128 / u128::from(most)).unwrap_or_default();
    // What is there at all is seen.
    let eighths = eighths.max(usize::from(value > 0));
    format!("{}{}", "\u{2588}".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        for (value, bar_of_ten) in [
            (0, ""),
            (1, "\u{258f}"),
            (500, "\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}"),
            (1000, "\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}"),
        ] {
            assert_eq!(bar(value, 1000, 10), bar_of_ten, "{value}");
        }
        assert_eq!(bar(5, 10, 0), "");
        assert_eq!(bar(0, 0, 10), "");
        assert_eq!(bar(u64::MAX, u64::MAX, 13).chars().count(), 13);
    }
}
