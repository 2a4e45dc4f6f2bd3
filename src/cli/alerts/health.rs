//! `usher alerts health`: how Usher stands, as the morning message says it.

use super::{Desk, several};
use crate::alert::health::{Check, Look};
use crate::alert::outbox::Outbox;
use crate::alert::regular::telling;
use crate::app;
use crate::app::health::Subject;
use crate::audit::journal::{Reader, Topic};
use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use crate::telemetry::light::Light;
use clap::Args;
use serde::Serialize;
use std::cmp::Reverse;
use std::sync::Arc;

/// Look at everything the morning message looks at, now: whether Usher blocks and records, whether somebody is told, what could not be handed over. It asks
/// the running Usher for a site that must be blocked. Exit code 1 if something is red.
#[derive(Args)]
#[command(after_help = "Examples:\n  usher alerts health\n  usher alerts health --json")]
pub(in crate::cli) struct ShowHealth {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    light: Light,
    at: String,
    checks: &'a [Check],
}

impl ShowHealth {
    pub(super) fn run(self, desk: Desk) -> anyhow::Result<Answer> {
        let look = look(desk)?;
        let light = look.light();
        if self.json {
            print_json(&Shown { light, at: look.at.to_string(), checks: &look.checks })?;
        } else {
            show(&look)?;
        }
        Ok(if light == Light::Red { Answer::No } else { Answer::Yes })
    }
}

fn look(desk: Desk) -> anyhow::Result<Look> {
    let snapshot = Arc::new(app::look(&desk.config, desk.secret)?);
    let Desk { config, rulebook, secret, now } = desk;
    let rulebook = Arc::new(rulebook);
    let subject = Subject::of(&config, secret, rulebook.clone(), snapshot);
    let mut checks = subject.look(now);
    let statements = Reader::open(&config.log())?.about(Topic::Alert, 0)?;
    checks.extend(telling(&rulebook.alerts, &Outbox::open(&config.outbox_path())?, &statements, now, &rulebook.school.timetable.zone)?);
    checks.sort_by_key(|check| Reverse(check.light));
    Ok(Look { at: now, checks })
}

fn show(look: &Look) -> anyhow::Result<()> {
    let mut listing = table(&["light", "what", "seen"]);
    for Check { what, light, words } in &look.checks {
        let light = if *light == Light::Red { "RED" } else { light.word() };
        listing.add_row([light, what, &safe(words)]);
    }
    print(listing)?;
    let count = |light| look.of(light).count();
    let end = match (count(Light::Red), count(Light::Amber)) {
        (0, 0) => "All is well.".to_owned(),
        (red, amber) => format!("{red} red, {}.", several(amber, "thing to look at", "things to look at")),
    };
    Ok(print(end)?)
}
