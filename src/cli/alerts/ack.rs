//! `usher alerts ack`: somebody has read it.

use super::Desk;
use super::matters::{all, find};
use crate::audit::incident::{Act, Changed, Incident};
use crate::audit::journal::Journal;
use crate::cli::who::by;
use crate::cli::{Answer, print, print_json};
use anyhow::bail;
use clap::Args;

/// Say that you have read an alert: nobody else is woken for it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher alerts ack 0SAF-3Q2K-R0001 --as \"Ms Bell\"\n\nIt closes nothing: the alert stays in the list until it is closed. If it gets worse it is unread again, and told again. The link in a message does the same."
)]
pub(in crate::cli) struct Ack {
    /// The alert's reference, as in a message; with its theme behind it (0SAF-3Q2K-R0001/hate) where one record began several.
    alert: String,
    /// Who you are, where several people share this account.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Ack {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let by = by(self.name.as_deref())?;
        let matter = find(&all(desk)?, &self.alert)?;
        let (episode, theme) = (matter.opened.episode, matter.opened.theme.clone());
        if !matter.is_open() {
            bail!("{episode} is closed already{}; nothing was changed", closed_by(&matter));
        }
        let before = matter.read.as_ref().map(|(at, by)| format!("it was read before, {}, by {by}", desk.shown_ms(*at)));
        let act = Act::Read { episode, theme, by: by.clone(), how: "command".to_owned() };
        let number = state(desk, &matter, &act)?;
        if self.json {
            print_json(
                &serde_json::json!({ "read": episode.to_string(), "theme": matter.opened.theme, "level": matter.level, "by": by, "statement": number }),
            )?;
        } else {
            let before = before.map(|before| format!("; {before}")).unwrap_or_default();
            print(format_args!("read: {episode}, {} of {}, by {by}{before}", matter.level.as_str(), matter.opened.theme))?;
            print(format_args!("it stays in the list until it is closed: usher alerts close {episode}"))?;
        }
        Ok(Answer::Yes)
    }
}

/// By whom and when it was closed, behind a word.
pub(super) fn closed_by(matter: &Incident) -> String {
    matter.closing().map(|(_, by, outcome)| format!(", by {by} ({})", outcome.words())).unwrap_or_default()
}

/// States what somebody did with a matter, unless it has changed since they read it.
pub(super) fn state(desk: &Desk, matter: &Incident, act: &Act) -> anyhow::Result<u64> {
    let (episode, seen) = (matter.opened.episode, matter.newest().0);
    match Journal::open(&desk.config.log())?.state_of_matter(desk.now, act, seen)? {
        Ok(number) => Ok(number),
        Err(Changed::Worse) => bail!("{episode} has got worse this very moment, so nothing was changed. Look at it again: usher alerts show {episode}"),
        Err(Changed::Closed) => bail!("somebody else has closed {episode} this very moment, so nothing was changed. See: usher alerts show {episode}"),
        Err(Changed::Gone) => bail!("{episode} is on record no more: it was purged or erased this very moment"),
    }
}
