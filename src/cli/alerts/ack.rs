//! `usher alerts ack`: somebody has read it.

use super::matters::{all, find};
use super::register::Register;
use crate::audit::incident::{Act, Incident};
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
    pub(super) fn run(self, register: &Register) -> anyhow::Result<Answer> {
        let by = by(self.name.as_deref())?;
        let matter = find(&all(&register.config)?, &self.alert)?;
        let (episode, theme) = (matter.opened.episode, matter.opened.theme.clone());
        if !matter.is_open() {
            bail!("{episode} is closed already{}; nothing was changed", closed_by(&matter));
        }
        let before = matter.read.as_ref().map(|(at, by)| format!("it was read before, {}, by {by}", register.shown_ms(*at)));
        let act = Act::Read { episode, theme, by: by.clone(), how: "command".to_owned() };
        let number = register.state(&matter, &act)?;
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
