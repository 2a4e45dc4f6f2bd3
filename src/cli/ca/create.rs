//! `usher ca create`: an authority of the school's own.

use super::{Desk, Where};
use crate::cli::{Answer, print, print_json};
use crate::host::Host;
use crate::tls::ca::{Kept, Plan};
use clap::Args;

/// Make an authority of the school's own.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher ca create --name \"Example School web filter\"\n  usher ca create --name \"Example School web filter\" --never-for bank.example --never-for nhs.uk\n  usher ca create --next --name \"Example School web filter 2036\" --signs-from 2036-07-26"
)]
pub(in crate::cli) struct Create {
    /// Its name, as people read it in their devices' settings: the school's, and what it is for.
    #[arg(long)]
    name: String,
    /// For how many years it is good.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=20))]
    years: u16,
    /// A name it must never sign for, nor for any below it. May be given several times.
    #[arg(long, value_name = "HOST", value_parser = bare_name)]
    never_for: Vec<Host>,
    #[command(flatten)]
    place: Where,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn bare_name(text: &str) -> Result<Host, String> {
    let bare = Host::parse(text.trim_start_matches("*."));
    bare.map_err(|error| format!("{error}; give the bare name, such as bank.example: all below it is meant too"))
}

impl Create {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        desk.folder.has_room(self.place.place(), desk.now)?;
        if let Some(same) = desk.load()?.each(desk.now).find(|(_, kept)| kept.own().name == self.name.trim()) {
            anyhow::bail!("the present authority is called \"{}\" too, and people could not tell them apart; add the year, say", same.1.own().name);
        }
        let mut kept = Kept::create(&Plan { name: self.name, years: self.years, never: self.never_for }, desk.now)?;
        kept.signs_from = desk.signs_from(&self.place, &kept)?;
        let lines = desk.keep(&self.place, &kept, "made")?;
        if self.json {
            print_json(&super::show::shown(desk, &desk.load()?, kept.own()))?;
        } else {
            lines.iter().try_for_each(print)?;
        }
        Ok(Answer::Yes)
    }
}
