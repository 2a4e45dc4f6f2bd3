//! `--reason` and `--as`: why somebody looks, and who.

use crate::audit::Folder;
use crate::audit::journal::Journal;
use crate::audit::lookups::{self, Look, NotAReason, Permit, Reason};
use crate::audit::query::Filter;
use crate::files;
use anyhow::Context;
use clap::Args;
use jiff::Timestamp;

/// Why somebody looks.
#[derive(Args)]
pub(in crate::cli) struct Why {
    /// Why you look, in a few words. Needed to look for somebody, and to see names. Who looked and why is on record: usher log lookups
    #[arg(long, value_name = "WORDS")]
    reason: Option<String>,
    /// Who you are, where several people share this account.
    #[arg(long = "as", value_name = "NAME", requires = "reason")]
    name: Option<String>,
}

impl Why {
    /// The reason, if one was given.
    pub(in crate::cli) fn reason(&self) -> Result<Option<Reason>, NotAReason> {
        self.reason.as_deref().map(str::parse).transpose()
    }

    /// Puts the look on record.
    pub(in crate::cli) fn look(&self, folder: &Folder, filter: Filter, reason: Reason) -> anyhow::Result<Permit> {
        let words = lookups::in_words(&filter);
        self.look_in_words(folder, filter, reason, &words)
    }

    /// Puts on record that somebody looks at something else than a search of the log.
    pub(in crate::cli) fn look_in_words(&self, folder: &Folder, filter: Filter, reason: Reason, words: &str) -> anyhow::Result<Permit> {
        let look = Look { who: files::own_account(), name: self.name.clone(), filter, reason, at: Timestamp::now() };
        let stated = Journal::open(folder).and_then(|mut journal| lookups::look_in_words(&mut journal, &look, words));
        stated.context("that you look cannot be put on record, so nothing is shown")
    }
}
