//! `usher log outputs`: where the record is sent, and how far each has come.

use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use crate::config::Config;
use crate::outputs::{Output, Standing};
use clap::Args;
use jiff::tz::TimeZone;
use serde::Serialize;

/// Show where the record is sent, and how far each has come.
#[derive(Args)]
#[command(after_help = "Example:\n  usher log outputs --json")]
pub(in crate::cli) struct Outputs {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// An output and how it stood when the running Usher last said so.
#[derive(Serialize)]
struct Shown {
    name: String,
    to: String,
    what: Vec<&'static str>,
    standing: Option<Standing>,
}

impl Outputs {
    pub(super) fn run(self, config: &Config, zone: &TimeZone) -> anyhow::Result<Answer> {
        let shown = config.outputs.iter().map(|output| look(output, config)).collect::<anyhow::Result<Vec<_>>>()?;
        if self.json {
            shown.iter().try_for_each(print_json)?;
        } else if shown.is_empty() {
            print("the record is sent nowhere else; to send it, see [[output]] in usher.toml")?;
        } else {
            print(listing(&shown, zone))?;
        }
        let troubled = shown.iter().any(|one| one.standing.as_ref().is_some_and(|standing| standing.trouble.is_some()));
        Ok(if troubled { Answer::No } else { Answer::Yes })
    }
}

fn look(output: &Output, config: &Config) -> anyhow::Result<Shown> {
    let standing = Standing::read(&config.outputs_path(), &output.name)?;
    Ok(Shown { name: output.name.clone(), to: output.to.to_string(), what: output.what.iter().map(|what| what.as_str()).collect(), standing })
}

fn listing(shown: &[Shown], zone: &TimeZone) -> comfy_table::Table {
    let mut listing = table(&["output", "to", "sent", "behind", "last taken", "as of", "trouble"]);
    for Shown { name, to, standing, .. } in shown {
        let local = |at: jiff::Timestamp| at.to_zoned(zone.clone()).strftime("%d %b %H:%M:%S").to_string();
        let row = match standing {
            None => ["–", "–", "–", "–", "it has not run yet: start Usher, or restart it"].map(str::to_owned),
            Some(standing) => [
                standing.sent.to_string(),
                behind(standing),
                standing.sent_at.map_or_else(|| "–".to_owned(), local),
                local(standing.at),
                standing.trouble.as_ref().map_or_else(String::new, |trouble| format!("since {}: {}", local(trouble.since), safe(&trouble.error))),
            ],
        };
        listing.add_row([name.clone(), safe(to)].into_iter().chain(row));
    }
    listing
}

fn behind(standing: &Standing) -> String {
    match standing.behind {
        0 => "nothing".to_owned(),
        crate::outputs::source::MOST_COUNTED.. => format!("{} or more, {} s", standing.behind, standing.behind_seconds),
        few => format!("{few}, {} s", standing.behind_seconds),
    }
}
