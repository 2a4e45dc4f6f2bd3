//! `usher lists rollback`: an older generation, in force again.

use super::Desk;
use crate::cli::serve::thousands;
use crate::cli::{Answer, print, print_json};
use clap::Args;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher lists rollback --reason \"the new adult list blocks the BBC\"\n  usher lists rollback 12 --reason \"as before half term\""
)]
pub(in crate::cli) struct Rollback {
    /// The generation; without it, the one before the one in force.
    generation: Option<u64>,
    /// Why, for the history.
    #[arg(long)]
    reason: String,
    /// Print the generation as JSON.
    #[arg(long)]
    json: bool,
}

impl Rollback {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let generation = desk.library.roll_back(&desk.rulebook.books(), self.generation, &desk.order(&self.reason))?;
        if self.json {
            print_json(&generation)?;
            return Ok(Answer::Yes);
        }
        print(format_args!("generation {} of {} is in force: {} entries", generation.number, desk.shown(generation.made), thousands(generation.entries)))?;
        print("It is held there: scheduled updates wait. To go on with the newest lists: usher lists update")?;
        print("A running Usher takes it up within seconds.")?;
        Ok(Answer::Yes)
    }
}
