//! `usher log erase`: a person's records go where the law says so.

use super::{Desk, user, why};
use crate::alert::erased::{self, TakenOut};
use crate::audit::erasure::{self, Found, NewErasure, Standing, gone};
use crate::audit::journal::Reader;
use crate::audit::stopped::Running;
use crate::cli::table::safe;
use crate::cli::{Answer, print, print_json};
use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use std::path::Path;

#[derive(Args)]
#[command(
    after_help = "Says what would go; with --yes it goes, and cannot be had back. A signed note of it stays, without the name. Exit code 1 if nothing was erased.\n\nExamples:\n  usher log erase --user j.smith --why \"request 17\" --dry-run\n  usher log erase --user j.smith --from 2026-09-01 --to 2026-10-01 --why \"request 17\" --yes"
)]
pub(in crate::cli) struct Erase {
    /// Whose records: a whole user name.
    #[arg(long)]
    user: String,
    /// Not before this time: 2026-11-23, 2026-11-23T08:40 (school time), or with a zone.
    #[arg(long)]
    from: Option<String>,
    /// Before this time.
    #[arg(long)]
    to: Option<String>,
    /// Why. It stays on record; leave names out of it.
    #[arg(long)]
    why: String,
    /// Only say what would go.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Erase them.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Outcome<'a> {
    user: &'a str,
    found: &'a Found,
    /// What is known of the person besides.
    known: TakenOut,
    standing: Option<&'a Standing>,
    /// What of it was taken out. Nothing where a running Usher does it, or the erasure is not finished.
    taken_out: Option<TakenOut>,
}

impl Erase {
    pub(in crate::cli) fn run(&self, path: &Path) -> anyhow::Result<Answer> {
        let desk = Desk::open(path)?;
        let (from, to) = desk.stretch(self.from.as_deref(), self.to.as_deref())?;
        let user = user(&self.user)?;
        let marks = erased::marks(&desk.secret, &user);
        let new = NewErasure { why: why(&self.why, &user)?, user, from, to, by: desk.account.clone(), marks };
        let found = erasure::look(&desk.log, &new)?;
        let known = erased::look(&desk.config.alerts_path(), &gone::would_be(&desk.log, &new)?, (&desk.zone, &desk.secret));
        let is_nothing = found.is_nothing() && known.is_nothing();
        if !self.json {
            tell_found(&desk, &new, (&found, known))?;
        }
        if !self.yes || is_nothing {
            if self.json {
                print_json(&Outcome { user: &new.user, found: &found, known, standing: None, taken_out: None })?;
            } else if !is_nothing {
                print("nothing was erased; to erase them, add --yes")?;
            }
            return Ok(if self.dry_run && !is_nothing { Answer::Yes } else { Answer::No });
        }
        let asked = erasure::ask(&desk.log, &new, desk.now)?;
        let running = desk.seal()?;
        let standings = erasure::carry_out(&desk.log, desk.now)?;
        let standing = standings.iter().find(|standing| standing.asked == asked);
        let taken_out = match running {
            Running::Yes => None,
            Running::No => taken_out(&desk, &standings)?,
        };
        if self.json {
            print_json(&Outcome { user: &new.user, found: &found, known, standing, taken_out })?;
        } else {
            // Those that were pending before are carried out too. If a running Usher was faster, there is none.
            standings.iter().try_for_each(|standing| tell_standing(standing, running))?;
            tell_taken_out(taken_out, standings.iter().any(Standing::is_finished), running)?;
            print(format_args!("what was asked and done is on record as statement {asked} of the journal and those after it"))?;
        }
        Ok(if standing.is_some_and(|standing| !standing.failed.is_empty()) { Answer::No } else { Answer::Yes })
    }
}

/// Takes those whose erasure is finished out of what is known besides, of an Usher that is stopped. Nothing where none of these is finished.
fn taken_out(desk: &Desk, standings: &[Standing]) -> anyhow::Result<Option<TakenOut>> {
    if !standings.iter().any(Standing::is_finished) {
        return Ok(None);
    }
    let (all, _) = gone::after(&Reader::open(&desk.log)?, 0)?;
    let taken = erased::take_out(&desk.config.alerts_path(), &all, (&desk.zone, &desk.secret));
    Ok(Some(taken.context("what is known of the person besides the log cannot be taken out; do this again, or start Usher, which does it")?))
}

/// What is known of somebody, in words.
fn in_words(known: TakenOut) -> String {
    format!("{} signs of alerts, {} first visits to new sites, the counts of {} days", known.signs, known.first_visits, known.days)
}

fn tell_taken_out(taken_out: Option<TakenOut>, is_finished: bool, running: Running) -> anyhow::Result<()> {
    Ok(match (taken_out, is_finished, running) {
        (Some(taken), ..) => print(format_args!("taken out of what Usher knows of people besides: {}", in_words(taken))),
        (None, true, Running::Yes) => {
            print("the running Usher takes out what it knows of them besides, within a minute or two; its own log says what that was")
        }
        (None, _, _) => print("what Usher knows of them besides goes once the last of this has gone"),
    }?)
}

fn tell_found(desk: &Desk, new: &NewErasure, (found, known): (&Found, TakenOut)) -> anyhow::Result<()> {
    let who = safe(&new.user);
    match found.times {
        None if found.is_nothing() && !known.is_nothing() => print(format_args!("there are no records of {who} in that time"))?,
        None if found.alerts + found.open_alerts > 0 => print(format_args!("there are no records of {who} in that time, but alerts"))?,
        None => print(format_args!("there are no records of {who} in that time; the name must be whole, as in: usher users list"))?,
        Some((first, last)) => {
            let classes: Vec<_> = found.classes.iter().map(|(class, count)| format!("{count} {class}")).collect();
            print(format_args!("{} records of {who}, from {} to {}", found.records(), desk.shown_ms(first), desk.shown_ms(last)))?;
            if !classes.is_empty() {
                print(format_args!("  sealed: {}, in {} files", classes.join(", "), found.segments))?;
            }
            if found.live > 0 {
                print(format_args!("  being written still: {}", found.live))?;
            }
        }
    }
    if found.alerts > 0 {
        print(format_args!("  alerts that are dealt with: {}", found.alerts))?;
    }
    if found.open_alerts > 0 {
        print(format_args!(
            "  alerts that are not: {}. They go once they are closed (usher alerts list) and over; until then this is not finished",
            found.open_alerts
        ))?;
    }
    if !known.is_nothing() {
        print(format_args!("  known of them besides: {}", in_words(known)))?;
    }
    for file in &found.passed_over {
        print(format_args!("could not be looked into: {}; run: usher log verify", safe(file)))?;
    }
    Ok(())
}

fn tell_standing(standing: &Standing, running: Running) -> anyhow::Result<()> {
    print(format_args!("erased {} records, as statement {} of the journal says", standing.erased, standing.asked))?;
    if standing.live > 0 && running == Running::Yes {
        print(format_args!(
            "{} records are in the file Usher is writing. It erases them itself when that file is sealed: when it is full, or when the day is over. To have it now, stop Usher and do this again",
            standing.live
        ))?;
    }
    if standing.alerts > 0 {
        print(format_args!("{} alerts were erased too", standing.alerts))?;
    }
    if standing.open_alerts > 0 {
        print(format_args!(
            "{} alerts wait until somebody has closed them and they are over: usher alerts list. A running Usher erases them then, with the next file it seals; or do this again",
            standing.open_alerts
        ))?;
    }
    if standing.held > 0 {
        print(format_args!("{} records are held and stay until the hold is released: usher log hold list", standing.held))?;
    }
    for (file, why) in &standing.failed {
        print(format_args!("could not be written anew: {}: {}", safe(file), safe(why)))?;
    }
    if standing.is_finished() {
        print("copies and backups of the data folder are not reached from here")?;
    }
    Ok(())
}
