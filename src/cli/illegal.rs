//! `usher illegal`: how the tier for illegal content stands.

use super::{Answer, print, print_json};
use crate::app;
use crate::config::Config;
use crate::illegal::Standing;
use clap::Subcommand;
use jiff::Timestamp;
use std::path::Path;

/// Look at the illegal-content lists.
#[derive(Subcommand)]
pub(super) enum Illegal {
    /// Say whether a sealed feed is in force, how old it is, and what is wrong. Exit code 0: in force and sound; 1: anything else.
    #[command(after_help = "Examples:\n  usher illegal status\n  usher illegal status --json")]
    Status {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

impl Illegal {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let Self::Status { json } = self;
        let config = Config::load(path)?;
        let standing = app::illegal_standing(&config, &app::open_data(&config)?);
        let now = Timestamp::now();
        if json {
            print_json(&standing.status(now))?;
        } else {
            standing.lines(now).iter().try_for_each(|(name, text)| print(format_args!("{name:<11} {text}")))?;
        }
        Ok(match standing {
            Standing::Sealed(_) => Answer::Yes,
            Standing::NotPresent | Standing::Demonstration(_) | Standing::Red { .. } => Answer::No,
        })
    }
}
