//! `usher log`: search the record, follow it, show one of it.

use super::privacy::{Erase, Holding, Purge, ShowDpia, Subject};
use super::table::{safe, short, table};
use super::{Answer, print, print_json};
use crate::audit::events::{self, Severity};
use crate::audit::query::{Filter, Log as Record, Row};
use crate::audit::{Folder, RecordId, Verdict};
use crate::config::Config;
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::path::Path;
use std::time::Duration;

/// Search the record.
#[derive(Subcommand)]
pub(super) enum Log {
    /// Find records, newest first. Exit code 1 if there is none.
    #[command(
        after_help = "Examples:\n  usher log search --user j.smith --from 2026-11-23\n  usher log search --host youtube.com --verdict blocked --limit 20\n  usher log search --text revision --json"
    )]
    Search(Wanted),
    /// Show records as they come. Ctrl-C ends it.
    #[command(after_help = "Examples:\n  usher log tail\n  usher log tail --verdict blocked\n  usher log tail --last 20 --no-follow")]
    Tail {
        #[command(flatten)]
        wanted: Wanted,
        /// Begin with so many earlier records.
        #[arg(long, default_value_t = 10)]
        last: u32,
        /// Stop after those.
        #[arg(long)]
        no_follow: bool,
    },
    /// Show everything known of one record, by its reference number. Exit code 1 if there is no such record.
    #[command(after_help = "Example:\n  usher log show 06F3-8QK2-ZV9M1")]
    Show {
        /// The reference number, as on a block page.
        id: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show what happened to Usher itself, newest first. Exit code 1 if nothing did.
    #[command(after_help = "Examples:\n  usher log events\n  usher log events --severity critical --json")]
    Events {
        /// At least this grave: info, warning or critical.
        #[arg(long, default_value = "info", value_parser = severity)]
        severity: Severity,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Remove what is older than the school's rules.
    Purge(Purge),
    /// Keep records that nothing may purge or erase.
    Hold(Holding),
    /// Erase a person's records, where the law says so.
    Erase(Erase),
    /// Write everything recorded about a person into a file for that person.
    Subject(Subject),
    /// The facts for a data protection impact assessment.
    Dpia(ShowDpia),
}

/// What to look for.
#[derive(Args)]
pub(super) struct Wanted {
    /// This user; `*` for any characters.
    #[arg(long)]
    user: Option<String>,
    /// This group.
    #[arg(long)]
    group: Option<String>,
    /// This host and all below it.
    #[arg(long)]
    host: Option<String>,
    /// This category's id.
    #[arg(long)]
    category: Option<String>,
    /// allowed, warned, blocked, refused or answered.
    #[arg(long)]
    verdict: Option<String>,
    /// This client address.
    #[arg(long)]
    client: Option<String>,
    /// Not before this time: 2026-11-23, 2026-11-23T08:40 (school time), or with a zone.
    #[arg(long)]
    from: Option<String>,
    /// Before this time.
    #[arg(long)]
    to: Option<String>,
    /// This text in the host, path or query.
    #[arg(long)]
    text: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// The most records read at a time while following; if there are more, the next look comes at once.
const AT_A_LOOK: u32 = 10_000;
/// How often the end of the record is looked at.
const LOOK: Duration = Duration::from_millis(250);

impl Log {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        let zone = config.rulebook().map_or(TimeZone::UTC, |rulebook| rulebook.school.timetable.zone);
        let record = || Record::open(&config.log());
        match self {
            Self::Search(wanted) => search(&record()?, &wanted, &zone),
            Self::Tail { wanted, last, no_follow } => tail(&record()?, &wanted, last, no_follow, &zone),
            Self::Show { id, json } => show(&record()?, &id, json, &zone),
            Self::Events { severity, limit, json } => show_events(&config.log(), &events::Wanted { severity, limit, ..events::Wanted::default() }, json, &zone),
            Self::Purge(command) => command.run(path),
            Self::Hold(command) => command.run(path),
            Self::Erase(command) => command.run(path),
            Self::Subject(command) => command.run(path),
            Self::Dpia(command) => command.run(path),
        }
    }
}

impl Wanted {
    fn filter(&self, zone: &TimeZone) -> anyhow::Result<Filter> {
        let time = |text: &Option<String>| text.as_deref().map(|text| parse_time(text, zone)).transpose();
        let named = |name: &String| {
            let known = Verdict::NAMES.iter().find(|(known, _)| known == name).map(|(_, verdict)| *verdict);
            known.ok_or_else(|| anyhow!("\"{name}\" is no verdict; use allowed, warned, blocked, refused or answered"))
        };
        Ok(Filter {
            user: self.user.clone(),
            group: self.group.clone(),
            host: self.host.clone(),
            category: self.category.clone(),
            verdict: self.verdict.as_ref().map(named).transpose()?,
            client: self.client.clone(),
            from: time(&self.from)?,
            to: time(&self.to)?,
            text: self.text.clone(),
            limit: self.limit,
            ..Filter::default()
        })
    }
}

/// Reads a time as people type it: a date, school time, or a time with a zone.
pub(super) fn parse_time(text: &str, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Ok(exact);
    }
    let local: DateTime = text.replace(' ', "T").parse().map_err(|_| anyhow!("\"{text}\" is not a time; write 2026-11-23 or 2026-11-23T08:40"))?;
    Ok(local.to_zoned(zone.clone()).context("there is no such time")?.timestamp())
}

fn search(record: &Record, wanted: &Wanted, zone: &TimeZone) -> anyhow::Result<Answer> {
    let rows = record.search(&wanted.filter(zone)?)?.rows;
    if wanted.json {
        rows.iter().try_for_each(print_json)?;
    } else if rows.is_empty() {
        print("nothing found")?;
    } else {
        print(listing(&rows, zone))?;
        if rows.len() == wanted.limit as usize {
            print(format_args!("the newest {}; for more: --limit, or narrow it with --from and --to", rows.len()))?;
        }
    }
    Ok(if rows.is_empty() { Answer::No } else { Answer::Yes })
}

fn listing(rows: &[Row], zone: &TimeZone) -> comfy_table::Table {
    let mut listing = table(&["time", "who", "verdict", "request", "why", "reference"]);
    for row in rows {
        let categories = row.categories.join(" ");
        let why = if row.verdict == "allowed" { categories } else { short(&row.why, 60) };
        listing.add_row([
            local(&row.time, zone, "%d %b %H:%M:%S"),
            who(row),
            outcome(row),
            short(&format!("{} {}", row.method, row.url()), 70),
            why,
            row.id.clone(),
        ]);
    }
    listing
}

fn who(row: &Row) -> String {
    let name = row.user.as_deref().unwrap_or(&row.client);
    safe(&format!("{name} ({})", row.group))
}

fn outcome(row: &Row) -> String {
    match row.outcome.as_deref() {
        Some("complete") => row.verdict.clone(),
        Some(other) => format!("{}, {other}", row.verdict),
        None => format!("{}, open", row.verdict),
    }
}

fn local(time: &str, zone: &TimeZone, format: &str) -> String {
    let time = time.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(zone.clone()).strftime(format).to_string()
}

fn tail(record: &Record, wanted: &Wanted, last: u32, no_follow: bool, zone: &TimeZone) -> anyhow::Result<Answer> {
    // Where none is to be shown, the newest still says what is new.
    let mut filter = Filter { limit: last.max(1), ..wanted.filter(zone)? };
    let mut seen = RecordId(0);
    loop {
        let rows = record.search(&filter)?.rows;
        for row in rows.iter().rev() {
            if last == 0 && filter.after.is_none() {
            } else if wanted.json {
                print_json(row)?
            } else {
                print(line(row, zone))?
            }
            seen = seen.max(row.number);
        }
        if no_follow {
            return Ok(Answer::Yes);
        }
        let more = filter.after.is_some() && rows.len() == AT_A_LOOK as usize;
        filter.after = Some(seen);
        filter.limit = AT_A_LOOK;
        if !more {
            std::thread::sleep(LOOK);
        }
    }
}

fn line(row: &Row, zone: &TimeZone) -> String {
    let why = if row.verdict == "allowed" { String::new() } else { format!("  {}", short(&row.why, 80)) };
    format!("{}  {:<8} {:<24} {} {}{why}  {}", local(&row.time, zone, "%H:%M:%S"), row.verdict, short(&who(row), 24), row.method, short(&row.url(), 90), row.id)
}

fn severity(name: &str) -> Result<Severity, String> {
    let found = Severity::NAMES.iter().find(|(known, _)| *known == name);
    found.map(|(_, severity)| *severity).ok_or_else(|| "it is info, warning or critical".to_owned())
}

fn show_events(log: &Folder, wanted: &events::Wanted, json: bool, zone: &TimeZone) -> anyhow::Result<Answer> {
    let rows = events::search(log, wanted)?;
    if json {
        rows.iter().try_for_each(print_json)?;
    } else if rows.is_empty() {
        print("nothing happened")?;
    } else {
        let mut listing = table(&["time", "severity", "kind", "what"]);
        for row in &rows {
            listing.add_row([local(&row.at, zone, "%d %b %Y %H:%M"), row.severity.clone(), row.kind.clone(), safe(&row.text)]);
        }
        print(listing)?;
    }
    Ok(if rows.is_empty() { Answer::No } else { Answer::Yes })
}

fn show(record: &Record, id: &str, json: bool, zone: &TimeZone) -> anyhow::Result<Answer> {
    let id: RecordId = id.parse().with_context(|| format!("\"{id}\""))?;
    let Some(row) = record.show(id)? else {
        print(format_args!("there is no record {id}"))?;
        return Ok(Answer::No);
    };
    if json {
        print_json(&row)?;
        return Ok(Answer::Yes);
    }
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    let entry = row.entry.as_ref().map(|entry| format!("{}, line {}: {}", entry.list, entry.line, entry.text));
    let bytes = row.bytes_up.zip(row.bytes_down).map(|(up, down)| format!("{up} up, {down} down"));
    let rows = [
        ("reference", row.id.clone()),
        ("time", format!("{} ({})", local(&row.time, zone, "%A %-d %B %Y, %H:%M:%S %Z"), row.time)),
        ("user", shown(&row.user)),
        ("group", row.group.clone()),
        ("known by", format!("{} ({})", row.identity_source, row.identity_confidence)),
        ("client", row.client.clone()),
        ("request", format!("{} {}", row.method, row.url())),
        ("verdict", row.verdict.clone()),
        ("why", row.why.clone()),
        ("reason", row.reason.clone()),
        ("rule", shown(&row.rule)),
        ("listed", shown(&entry)),
        ("categories", row.categories.join(", ")),
        ("snapshot", row.snapshot.clone()),
        ("status", row.status.map_or_else(|| "–".to_owned(), |status| status.to_string())),
        ("outcome", row.outcome.clone().unwrap_or_else(|| "open, or cut short when Usher was stopped".to_owned())),
        ("bytes", shown(&bytes)),
        ("took", row.duration_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1} ms"))),
        ("origin", shown(&row.upstream)),
        ("note", shown(&row.note)),
        ("browser", shown(&row.user_agent)),
        ("came from", shown(&row.referrer)),
        ("fetched as", [&row.fetch_dest, &row.fetch_mode, &row.fetch_user].map(shown).join(" ")),
    ];
    rows.iter().try_for_each(|(name, value)| print(format_args!("{name:<11} {}", safe(value))))?;
    Ok(Answer::Yes)
}
