//! `usher lists`: where lists come from, what is in force, what a change would do, and the school's own entries. A file a command.

mod check;
mod coverage;
mod diff;
mod history;
mod import;
mod lookup;
mod own;
mod progress;
mod rollback;
mod status;
mod update;

use super::Answer;
use crate::app;
use crate::config::{Config, Rulebook};
use crate::library::history::whoever_types;
use crate::library::parent_check::{self, Checked};
use crate::library::{Library, Order, Sizes};
use clap::Subcommand;
use jiff::Timestamp;
use std::path::Path;

/// Keep the lists: update them, look at them, put them back.
#[derive(Subcommand)]
pub(super) enum Lists {
    /// Show every source and category: names, age, last result, memory. Exit code 1 if something is red.
    Status(status::Status),
    /// Fetch the newest lists, judge them, and put in force what is fit for it. Exit code 1 if something failed or was refused.
    Update(update::Update),
    /// Read every list as it stands and show what was taken and every line that was refused. Exit code 1 if a line was refused.
    Check(check::Check),
    /// Show every entry of every list that matches a URL, with file and line. Exit code 1 if there is none.
    Lookup(lookup::Lookup),
    /// Show what lies between two generations, and what it would have changed in last week's log.
    Diff(diff::Diff),
    /// Put an older generation in force, and hold it there until the next update by hand.
    Rollback(rollback::Rollback),
    /// Show who did what to the lists, when, and why.
    History(history::History),
    /// Take in a file, folder or archive as a list of this school's.
    Import(import::Import),
    /// Allow a site here, whatever the publishers' lists say.
    Allow(own::Allow),
    /// Block a site here, whatever the publishers' lists say.
    Block(own::Block),
    /// Show the school's own entries.
    Own(own::Show),
    /// Take out one of the school's own entries.
    Forget(own::Forget),
    /// Show which lists cover which heading of the UK Safer Internet Centre, as a page for governors.
    Coverage(coverage::ShowCoverage),
    Seal(crate::cli::seal::Seal),
}

impl Lists {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        // A publisher has no installation.
        let this = match self {
            Self::Seal(seal) => return seal.run(),
            this => this,
        };
        let desk = Desk::open(path)?;
        match this {
            Self::Seal(seal) => seal.run(),
            Self::Status(command) => command.run(&desk),
            Self::Update(command) => command.run(&desk),
            Self::Check(command) => command.run(&desk),
            Self::Lookup(command) => command.run(&desk),
            Self::Diff(command) => command.run(&desk),
            Self::Rollback(command) => command.run(&desk),
            Self::History(command) => command.run(&desk),
            Self::Import(command) => command.run(&desk),
            Self::Allow(command) => command.run(&desk),
            Self::Block(command) => command.run(&desk),
            Self::Own(command) => command.run(&desk),
            Self::Forget(command) => command.run(&desk),
            Self::Coverage(command) => command.run(&desk),
        }
    }
}

/// What every one of these commands works with.
struct Desk {
    config: Config,
    rulebook: Rulebook,
    library: Library,
    secret: [u8; 32],
    now: Timestamp,
}

impl Desk {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let config = Config::load(path)?;
        let rulebook = config.rulebook()?;
        let secret = app::open_data(&config)?;
        let library = config.library(secret);
        Ok(Self { config, rulebook, library, secret, now: Timestamp::now() })
    }

    /// An order of whoever typed the command.
    fn order(&self, why: &str) -> Order {
        Order { who: whoever_types(), at: self.now, why: why.to_owned(), sizes: Sizes::Bounded }
    }

    /// What the last check of the parent proxy found, if there is a parent and it was checked.
    fn parent(&self) -> Option<Checked> {
        let parent = self.config.upstream()?.to_string();
        self.library.parent().ok().flatten().filter(|checked| checked.parent == parent)
    }

    /// The sentence on a parent that keeps illegal content out, if the last check found so.
    fn parent_verified(&self) -> Option<String> {
        let checked = self.parent()?;
        let zone = &self.rulebook.school.timetable.zone;
        (checked.standing() == parent_check::Standing::Verified && !checked.is_old(self.now)).then(|| checked.line(zone))
    }

    /// A moment as people at this school read it.
    fn shown(&self, at: Timestamp) -> String {
        at.to_zoned(self.rulebook.school.timetable.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }
}
