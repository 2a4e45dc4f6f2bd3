//! `usher log show`: everything known of one record.

use super::reason::Why;
use super::shown::local;
use super::{Desk, name_passed_over, without_a_reason};
use crate::audit::RecordId;
use crate::audit::lookups::{Cursor, Unshown};
use crate::audit::query::{Filter, Row};
use crate::cli::table::safe;
use crate::cli::{Answer, print, print_json};
use anyhow::Context;
use clap::Args;
use std::time::Duration;

/// Show everything known of one record, by its reference number. Exit code 1 if there is no such record.
#[derive(Args)]
#[command(
    after_help = "Example:\n  usher log show 06F3-8QK2-ZV9M1 --reason \"appeal of a block page\"\n\nA record of a user is shown with a reason only; of others a pseudonym stands for the device without one."
)]
pub(in crate::cli) struct Show {
    /// The reference number, as on a block page.
    id: String,
    #[command(flatten)]
    why: Why,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let id: RecordId = self.id.parse().with_context(|| format!("\"{}\"", self.id))?;
        let reason = self.why.reason()?;
        let record = desk.record()?;
        let Some(whose) = Unshown::of(&record).find(id)? else {
            print(format_args!("there is no record {id}: the number is wrong, or it was kept no longer"))?;
            return Ok(Answer::No);
        };
        if whose.user.is_some() && reason.is_none() {
            return Err(without_a_reason());
        }
        let mut filter = Filter { after: Some(RecordId(id.0.saturating_sub(1))), before: Some(RecordId(id.0 + 1)), ..Filter::default() };
        if reason.is_some() {
            // So that it is on record whose it is.
            filter.client = if whose.user.is_none() { Some(whose.client) } else { None };
            filter.user = whose.user;
        }
        let reading = desk.reading(&record, filter, &self.why)?;
        let mut page = reading.page(Cursor { after: None, before: None, limit: 1, patience: Duration::MAX })?;
        name_passed_over(desk, &page);
        let row = page.rows.pop().context("the record is gone")?;
        if self.json {
            print_json(&row)?
        } else {
            show(desk, &row)?
        }
        Ok(Answer::Yes)
    }
}

fn show(desk: &Desk, row: &Row) -> anyhow::Result<()> {
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    let entry = row.entry.as_ref().map(|entry| format!("{}, line {}: {}", entry.list, entry.line, entry.text));
    let bytes = row.bytes_up.zip(row.bytes_down).map(|(up, down)| format!("{up} up, {down} down"));
    let search = row.term.as_ref().zip(row.engine.as_ref()).map(|(term, engine)| format!("\"{term}\" on {engine}, {}", shown(&row.stage)));
    let rows = [
        ("reference", row.id.clone()),
        ("time", format!("{} ({})", local(&row.time, &desk.zone, "%A %-d %B %Y, %H:%M:%S%.3f %Z"), row.time)),
        ("user", shown(&row.user)),
        ("group", row.group.clone()),
        ("known by", format!("{} ({})", row.identity_source, row.identity_confidence)),
        ("client", row.client.clone()),
        ("request", format!("{} {}", row.method, row.url())),
        ("search", shown(&search)),
        ("what", format!("{} ({})", row.kind, row.certainty)),
        ("started", row.start.clone()),
        ("caused by", shown(&row.cause)),
        ("kept as", row.class.clone()),
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
        ("remarked", row.remarks.join(" ")),
        ("browser", shown(&row.user_agent)),
        ("came from", shown(&row.referrer)),
        ("fetched as", [&row.fetch_dest, &row.fetch_mode, &row.fetch_user].map(shown).join(" ")),
    ];
    rows.iter().try_for_each(|(name, value)| print(format_args!("{name:<11} {}", safe(value))))?;
    Ok(())
}
