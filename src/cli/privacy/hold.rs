//! `usher log hold`: records that nothing purges or erases.

use super::{Desk, user, why};
use crate::audit::alias::Aliases;
use crate::audit::holds::{self, Hold, NewHold};
use crate::audit::journal::Reader;
use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use crate::host::Host;
use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use std::path::Path;

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  usher log hold --user j.smith --from 2026-11-01 --to 2026-12-01 --why \"police request 17\"\n  usher log hold --user j.smith --host games.example --why \"inquiry 4\"\n  usher log hold list\n  usher log hold release 12 --why \"case closed\""
)]
pub(in crate::cli) struct Holding {
    #[command(subcommand)]
    command: Option<Which>,
    /// Whose records: a whole user name.
    #[arg(long)]
    user: Option<String>,
    /// Not before this time: 2026-11-23, 2026-11-23T08:40 (school time), or with a zone.
    #[arg(long)]
    from: Option<String>,
    /// Before this time.
    #[arg(long)]
    to: Option<String>,
    /// Only of this host and all below it.
    #[arg(long)]
    host: Option<String>,
    /// Why. It stays on record; leave names out of it.
    #[arg(long)]
    why: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Which {
    /// List the holds in force. Exit code 1 if there is none.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// End a hold. What only it kept goes at the next purge.
    Release {
        /// Its number.
        number: u64,
        /// Why. It stays on record; leave names out of it.
        #[arg(long)]
        why: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

impl Holding {
    pub(in crate::cli) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let desk = Desk::open(path)?;
        match &self.command {
            None => self.hold(&desk),
            Some(Which::List { json }) => list(&desk, *json),
            Some(Which::Release { number, why, json }) => release(&desk, *number, why, *json),
        }
    }

    fn hold(&self, desk: &Desk) -> anyhow::Result<Answer> {
        let (Some(name), Some(reason)) = (&self.user, &self.why) else {
            bail!("a hold needs --user and --why; to see those in force: usher log hold list");
        };
        let (from, to) = desk.stretch(self.from.as_deref(), self.to.as_deref())?;
        let host =
            self.host.as_deref().map(|host| Host::parse(host).map(|host| host.to_string()).map_err(|error| anyhow!("\"{host}\": {error}"))).transpose()?;
        let user = user(name)?;
        let new = NewHold { why: why(reason, &user)?, user, from, to, host, by: desk.account.clone() };
        let number = holds::hold(&desk.log, &new, desk.now)?;
        if self.json {
            print_json(&serde_json::json!({ "number": number, "user": new.user, "from": new.from, "to": new.to, "host": new.host, "why": new.why }))?;
        } else {
            print(format_args!("hold {number}: nothing purges or erases these records of {} until it is released", safe(&new.user)))?;
            print(format_args!("to release it: usher log hold release {number} --why \"...\""))?;
        }
        Ok(Answer::Yes)
    }
}

fn whose(hold: &Hold) -> String {
    // Without the file of names the alias is all there is; the hold holds all the same.
    hold.user.clone().unwrap_or_else(|| format!("alias {}", hold.scope.whom))
}

fn list(desk: &Desk, json: bool) -> anyhow::Result<Answer> {
    let holds = holds::in_force(&desk.log, &Reader::open(&desk.log)?, &Aliases::open(&desk.log)?)?;
    if json {
        holds.iter().try_for_each(print_json)?;
    } else if holds.is_empty() {
        print("no records are held")?;
    } else {
        let mut listing = table(&["hold", "whose", "from", "to", "host", "why", "since", "by"]);
        for hold in &holds {
            let time = |time: Option<jiff::Timestamp>| time.map_or_else(|| "–".to_owned(), |time| desk.shown(time));
            let host = hold.scope.host.clone().unwrap_or_else(|| "–".to_owned());
            listing.add_row([
                hold.number.to_string(),
                safe(&whose(hold)),
                time(hold.scope.from),
                time(hold.scope.to),
                host,
                safe(&hold.why),
                desk.shown(hold.at),
                safe(&hold.by),
            ]);
        }
        print(listing)?;
    }
    Ok(if holds.is_empty() { Answer::No } else { Answer::Yes })
}

fn release(desk: &Desk, number: u64, reason: &str, json: bool) -> anyhow::Result<Answer> {
    let hold = holds::release(&desk.log, number, &why(reason, "")?, &desk.account, desk.now)?;
    if json {
        print_json(&serde_json::json!({ "released": number, "user": hold.user }))?;
    } else {
        print(format_args!("hold {number} on records of {} is released; what only it kept goes at the next purge", safe(&whose(&hold))))?;
    }
    Ok(Answer::Yes)
}
