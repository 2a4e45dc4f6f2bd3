//! `usher users activity`: who did much more than they usually do, and what somebody did today.

use crate::alert::volume::{Book, Counts, FILE, Hashed, Hasher, Unusual, What, bounds, count};
use crate::app;
use crate::audit::query::{Filter, Log, LogError};
use crate::cli::log::Why;
use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use crate::config::Config;
use crate::identity::local::Users as UsersFile;
use anyhow::{anyhow, bail};
use clap::Args;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;

/// How many days are shown where none is named.
const SHOWN_DAYS: i32 = 7;

#[derive(Args)]
#[command(
    after_help = "What is much is in [volume] of alerts.toml: so many times as much as the person's own days before. It is told to nobody by itself.\nA day is counted when it is over. Without --reason nobody is named.\n\nExamples:\n  usher users activity\n  usher users activity --day 2026-11-26 --reason \"Weekly look, Ms Bell\"\n  usher users activity j.patel --reason \"Asked by the head of year\""
)]
pub(in crate::cli) struct Activity {
    /// What this user did today, against what they usually do. It takes --reason.
    user: Option<String>,
    /// A day, such as 2026-11-26, in place of the last seven; of a user in place of today.
    #[arg(long)]
    day: Option<Date>,
    #[command(flatten)]
    why: Why,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// One finding, as it is printed for programs.
#[derive(Serialize)]
struct Shown<'a> {
    day: Date,
    who: String,
    group: &'a str,
    what: What,
    count: u64,
    usual: Option<u64>,
}

/// What a user did, as it is printed for programs.
#[derive(Serialize)]
struct Done<'a> {
    day: Date,
    user: &'a str,
    visits: u32,
    searches: u32,
    bytes_down: u64,
    night: u32,
    unusual: Vec<String>,
}

impl Activity {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        let rulebook = config.rulebook()?;
        let log = config.log();
        if !log.exists() {
            bail!(LogError::None(log.path().to_owned()));
        }
        let secret = app::open_data(&config)?;
        let zone = rulebook.school.timetable.zone.clone();
        let today = Timestamp::now().to_zoned(zone.clone()).date();
        let (settings, hasher) = (&rulebook.alerts.volume, Hasher::new(&secret));
        let book = Book::read(&config.alerts_path().join(FILE));
        let users = UsersFile::load(&config.users_path())?;
        let reason = self.why.reason()?;
        let Some(user) = &self.user else {
            let days: Vec<Date> = match self.day {
                Some(day) => vec![day],
                None => (1..=SHOWN_DAYS).rev().map(|back| today.saturating_sub(back.days())).collect(),
            };
            let mut names = HashMap::new();
            if let Some(reason) = reason {
                let span = days.first().zip(days.last()).and_then(|(first, last)| Some((bounds(*first, &zone)?.0, bounds(*last, &zone)?.1)));
                let filter = Filter { from: span.map(|(from, _)| from), to: span.map(|(_, to)| to), ..Filter::default() };
                let _shown = self.why.look(&log, filter, reason)?;
                names = users.users.keys().map(|name| (hasher.of(Some(name), ""), name.clone())).collect();
            }
            let found: Vec<_> = days.iter().flat_map(|day| book.unusual(*day, settings)).collect();
            return self.list(&found, &names, book.days().count());
        };
        let name = users.expect_known(user)?;
        let reason = reason.ok_or_else(|| anyhow!("say why you look, with --reason \"...\": who looks at a person is on record"))?;
        let day = self.day.unwrap_or(today);
        let (from, to) = bounds(day, &zone).ok_or_else(|| anyhow!("there is no such day"))?;
        let filter = Filter { user: Some(name.clone()), from: Some(from), to: Some(to), ..Filter::default() };
        let _shown = self.why.look(&log, filter.clone(), reason)?;
        let who = hasher.of(Some(&name), "");
        let counts = count(&Log::open(&log)?, day, filter, (&zone, settings.night, &hasher))?.remove(&who).unwrap_or_default();
        self.show(&name, day, &counts, &book.judge(day, &who, &counts, settings))
    }

    fn list(&self, found: &[Unusual], names: &HashMap<Hashed, String>, days: usize) -> anyhow::Result<Answer> {
        let who = |one: &Unusual| names.get(&one.who).map_or_else(|| one.who.to_string(), |name| safe(name));
        if self.json {
            for one in found {
                print_json(&Shown { day: one.day, who: who(one), group: &one.group, what: one.what, count: one.count, usual: one.usual })?;
            }
        } else if found.is_empty() {
            print(format_args!("nothing unusual; {days} days are counted, and it takes 8 of a person's own to know what is usual for them"))?;
        } else {
            let mut listing = table(&["day", "who", "group", "unusual activity"]);
            for one in found {
                listing.add_row([one.day.strftime("%a %-d %b").to_string(), who(one), safe(&one.group), one.words()]);
            }
            print(listing)?;
        }
        Ok(if found.is_empty() { Answer::No } else { Answer::Yes })
    }

    fn show(&self, user: &str, day: Date, counts: &Counts, unusual: &[Unusual]) -> anyhow::Result<Answer> {
        let said: Vec<_> = unusual.iter().map(Unusual::words).collect();
        let Counts { visits, searches, down, night, .. } = *counts;
        if self.json {
            print_json(&Done { day, user, visits, searches, bytes_down: down, night, unusual: said })?;
        } else {
            let much = format!("{visits} pages and searches ({searches} searches, {night} at night), {} MiB", down >> 20);
            print(format_args!("{user}, {}: {much}", day.strftime("%A %-d %B")))?;
            match said.as_slice() {
                [] => print("nothing unusual")?,
                said => said.iter().try_for_each(|words| print(format_args!("unusual: {words}")))?,
            }
        }
        Ok(if unusual.is_empty() { Answer::No } else { Answer::Yes })
    }
}
