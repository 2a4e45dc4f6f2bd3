//! `usher log people`: who is behind what a filter finds, without a list of records.

use super::reason::Why;
use super::wanted::{Wanted, nothing_found};
use super::{Desk, pass_over};
use crate::audit::RecordId;
use crate::audit::lookups::Reading;
use crate::audit::query::people::{People, Somebody};
use crate::cli::serve::thousands;
use crate::cli::table::{align_numbers, safe, table};
use crate::cli::{Answer, print, print_json};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// Show who is behind what a filter finds: who visited a site, who was blocked, who searched for something. Exit code 1 if nobody was.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher log people --host casino.example --kind visit --from 2026-09-01\n  usher log people --verdict blocked --category gambling --from 2026-11-23 --reason \"asked for by the head of year 9\"\n  usher log people --kind search --text volcano --json\n\nWithout --reason a pseudonym stands for each person and device."
)]
pub(in crate::cli) struct ShowPeople {
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    why: Why,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'s> {
    #[serde(flatten)]
    somebody: &'s Somebody,
    first: String,
    last: String,
}

impl ShowPeople {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let record = desk.record()?;
        let reading = desk.reading(&record, self.wanted.filter(&desk.zone)?, &self.why)?;
        let People { people, passed_over } = reading.people()?;
        if self.json {
            people.iter().try_for_each(|somebody| {
                let time = |id| format!("{:.3}", when(id));
                print_json(&Shown { somebody, first: time(somebody.first), last: time(somebody.last) })
            })?;
        } else if people.is_empty() {
            print("nothing found")?;
            nothing_found(desk, &record, &reading)?.iter().try_for_each(print)?;
        } else {
            show(&people, &reading, &desk.zone)?;
        }
        pass_over(desk, &passed_over);
        Ok(if people.is_empty() { Answer::No } else { Answer::Yes })
    }
}

fn when(id: RecordId) -> Timestamp {
    Timestamp::from_millisecond(id.unix_ms().cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn show(people: &[Somebody], reading: &Reading<'_>, zone: &TimeZone) -> anyhow::Result<()> {
    let local = |id| when(id).to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M").to_string();
    let number = |count: u64| thousands(usize::try_from(count).unwrap_or(usize::MAX));
    let mut listing = table(&["person or device", "group", "first", "last", "records"]);
    for somebody in people {
        let name = somebody.user.as_deref().or(somebody.client.as_deref()).unwrap_or_default();
        listing.add_row([safe(name), safe(&somebody.group), local(somebody.first), local(somebody.last), number(somebody.records)]);
    }
    align_numbers(&mut listing, 1);
    print(listing)?;
    let records = people.iter().map(|somebody| somebody.records).sum();
    let who = if people.len() == 1 { "1 person or device".to_owned() } else { format!("{} people and devices", thousands(people.len())) };
    let what = if records == 1 { "record" } else { "records" };
    print(format_args!("{who}, {} {what}", number(records)))?;
    if reading.is_covered() {
        print("pseudonyms stand for names; to see who, give a --reason")?;
    }
    Ok(())
}
