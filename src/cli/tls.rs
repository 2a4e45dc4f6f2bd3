//! `usher tls`: programs that do not take the school's certificate.

use super::table::{align_numbers, safe, short, table};
use super::{Answer, print, print_json};
use crate::app;
use crate::audit::events::{self, Event, Severity};
use crate::config::Config;
use crate::files;
use crate::host::Host;
use crate::tls::ja4::Class;
use crate::tls::pins::book::{Key, Order, Pin, Say, State};
use crate::tls::pins::{Folder, Kept};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::path::Path;

/// The fewest digits a program is named by.
const FEWEST_DIGITS: usize = 6;
/// How many digits of a program are shown.
const SHOWN_DIGITS: usize = 12;

/// Look after what happens where https is looked into.
#[derive(Subcommand)]
pub(super) enum Tls {
    /// List the programs that do not take the school's certificate at a site, and say what becomes of them.
    ///
    /// An application that trusts only its own site's certificate does not work where it is looked into. One that turns away several times is passed sealed
    /// at that site, and tried again after a week; `pinned` in policy.toml says for whom. A program that takes the certificate at other sites, as browsers
    /// do, is never passed by itself, nor is one on a device that has not shown that it trusts the school's authority; they are listed with the reason.
    #[command(
        after_help = "Examples:\n  usher tls pins\n  usher tls pins --json\n  usher tls pins allow app.example\n  usher tls pins deny app.example --program 1f0c5d3b\n  usher tls pins forget app.example\n\nA running Usher takes up a word within a minute, or on SIGHUP."
    )]
    Pins(Pins),
}

/// What is to be done.
#[derive(Args)]
pub(super) struct Pins {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print one JSON object a program.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Pass a program sealed at a site, for good.
    #[command(after_help = "Examples:\n  usher tls pins allow app.example\n  usher tls pins allow app.example --program 1f0c5d3b")]
    Allow(Which),
    /// Never pass a program sealed at a site.
    #[command(after_help = "Example:\n  usher tls pins deny app.example")]
    Deny(Which),
    /// Forget what is known of a program at a site, and what was said of it.
    #[command(after_help = "Example:\n  usher tls pins forget app.example")]
    Forget(Which),
}

/// Which program at which site.
#[derive(Args)]
struct Which {
    /// The site.
    #[arg(value_parser = Host::parse)]
    host: Host,
    /// The program, by the first digits of its name in the list. May be left out where only one is listed at the site.
    #[arg(long, value_name = "DIGITS")]
    program: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    host: String,
    program: String,
    state: &'static str,
    why: String,
    until: Option<Timestamp>,
    said_by: Option<&'a str>,
    said_at: Option<Timestamp>,
    #[serde(flatten)]
    seen: Option<Seen<'a>>,
}

#[derive(Serialize)]
struct Seen<'a> {
    ja4: &'a str,
    sign: &'a str,
    times: u32,
    first: Timestamp,
    last: Timestamp,
    group: &'a str,
}

impl Tls {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let Self::Pins(Pins { action, json }) = self;
        let config = Config::load(path)?;
        app::open_data(&config)?;
        let (folder, now) = (Folder::at(config.pins_path()), Timestamp::now());
        let kept = folder.read()?;
        match action {
            None => list(&config, &kept, json, now),
            Some(Action::Allow(which)) => say(&config, &folder, &kept, &which, Say::Allow, now),
            Some(Action::Deny(which)) => say(&config, &folder, &kept, &which, Say::Deny, now),
            Some(Action::Forget(which)) => say(&config, &folder, &kept, &which, Say::Forget, now),
        }
    }
}

/// All that is known, by site: what was learnt, and what was said of what was not.
fn shown(kept: &Kept, now: Timestamp) -> Vec<Shown<'_>> {
    let mut keys: Vec<&Key> = kept.pins.keys().chain(kept.orders.keys().filter(|key| !kept.pins.contains_key(*key))).collect();
    keys.retain(|key| kept.pins.contains_key(*key) || kept.orders.get(*key).is_some_and(|order| order.say != Say::Forget));
    keys.sort_by(|(a, one), (b, other)| (a.as_str(), one).cmp(&(b.as_str(), other)));
    let one = |key: &Key| {
        let pin = kept.pins.get(key);
        let order = kept.orders.get(key).filter(|order| order.say != Say::Forget);
        let (state, why, until) = standing(pin, order, now);
        let seen = pin.map(|pin| {
            let Pin { ja4, sign, times, first, last, group, .. } = pin;
            Seen { ja4, sign, times: *times, first: *first, last: *last, group }
        });
        let (said_by, said_at) = (order.map(|order| order.by.as_str()), order.map(|order| order.at));
        Shown { host: key.0.to_string(), program: key.1.to_string(), state, why, until, said_by, said_at, seen }
    };
    keys.into_iter().map(one).collect()
}

fn standing(pin: Option<&Pin>, order: Option<&Order>, now: Timestamp) -> (&'static str, String, Option<Timestamp>) {
    match (order.map(|order| order.say), pin.map(|pin| pin.state)) {
        (Some(Say::Allow), _) => ("allowed", "passed sealed".to_owned(), None),
        (Some(Say::Deny), _) => ("denied", "not passed".to_owned(), None),
        (_, Some(State::Passed(until))) if now < until => ("learnt", State::Passed(until).to_string(), Some(until)),
        (_, Some(State::Passed(_))) => ("tried-again", "looked into again; passed again if it still turns away".to_owned(), None),
        (_, Some(state @ State::Waits)) => ("waits", state.to_string(), None),
        (_, Some(state @ State::Noted(_))) => ("noted", state.to_string(), None),
        (Some(Say::Forget) | None, None) => ("forgotten", String::new(), None),
    }
}

fn list(config: &Config, kept: &Kept, json: bool, now: Timestamp) -> anyhow::Result<Answer> {
    let all = shown(kept, now);
    if json {
        all.iter().try_for_each(print_json)?;
        return Ok(Answer::Yes);
    }
    if all.is_empty() {
        print("every program takes the school's certificate, as far as is known")?;
        return Ok(Answer::Yes);
    }
    let zone = config.rulebook().map_or(TimeZone::UTC, |rulebook| rulebook.school.timetable.zone);
    let mut rows = table(&["site", "program", "what becomes of it", "group", "how it turned away", "last", "times"]);
    for one in &all {
        let day = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let what = match one.said_by {
            Some(by) => format!("{}, said {}", one.why, safe(by)),
            None => one.why.clone(),
        };
        let seen = one.seen.as_ref();
        let text = |text: Option<&str>| text.map_or_else(String::new, |text| short(text, 48));
        rows.add_row([
            short(&one.host, 64),
            one.program[..SHOWN_DIGITS].to_owned(),
            what,
            text(seen.map(|seen| seen.group)),
            text(seen.map(|seen| seen.sign)),
            seen.map_or_else(String::new, |seen| day(seen.last)),
            seen.map_or_else(String::new, |seen| seen.times.to_string()),
        ]);
    }
    align_numbers(&mut rows, 1);
    print(rows)?;
    Ok(Answer::Yes)
}

fn say(config: &Config, folder: &Folder, kept: &Kept, which: &Which, say: Say, now: Timestamp) -> anyhow::Result<Answer> {
    let (host, class) = which.key(kept)?;
    let by = files::own_account();
    let (done, so) = match say {
        Say::Allow => ("allowed", "is passed sealed, for good"),
        Say::Deny => ("denied", "is never passed sealed"),
        Say::Forget => ("forgotten", "is looked into, until it turns away again"),
    };
    let event = Event { at: now, kind: "pins", severity: Severity::Info, text: format!("The program {class} at {host} {so}: said {by}.") };
    events::record(&config.log(), &event).context("this cannot be put on record, so it is not done")?;
    folder.order((host.clone(), class), Order { say, at: now, by })?;
    print(format_args!("{done}: program {class} at {host} {so}. A running Usher takes it up within a minute, or on SIGHUP."))?;
    Ok(Answer::Yes)
}

impl Which {
    fn key(&self, kept: &Kept) -> anyhow::Result<Key> {
        let mut known: Vec<Class> = kept.pins.keys().chain(kept.orders.keys()).filter(|(host, _)| *host == self.host).map(|(_, class)| *class).collect();
        known.sort_unstable();
        known.dedup();
        let digits = self.program.as_deref().unwrap_or_default().to_lowercase();
        if let Ok(class) = digits.parse() {
            return Ok((self.host.clone(), class));
        }
        if self.program.is_some() && digits.len() < FEWEST_DIGITS {
            bail!("give at least {FEWEST_DIGITS} digits of the program's name, as `usher tls pins` lists it");
        }
        known.retain(|class| class.to_string().starts_with(&digits));
        match known[..] {
            [class] => Ok((self.host.clone(), class)),
            [] => bail!("no such program is listed at {}; see: usher tls pins", self.host),
            [..] => {
                let names: Vec<_> = known.iter().map(ToString::to_string).collect();
                bail!("several programs are listed at {}; name one with --program: {}", self.host, names.join(", "))
            }
        }
    }
}
