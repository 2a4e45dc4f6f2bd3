//! `usher alerts note`: something to remember with it.

use super::matters::{all, find};
use super::register::Register;
use crate::alert::story::one_line;
use crate::audit::incident::Act;
use crate::cli::who::by;
use crate::cli::{Answer, print, print_json};
use anyhow::bail;
use clap::Args;

/// The longest note, in characters.
const LONGEST: usize = 2000;

/// Add a note to an alert.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher alerts note 0SAF-3Q2K-R0001 \"Site sent to the county's list.\" --as \"Mr Roe\"\n\nA note is on record for as long as the alert is, and cannot be changed. Leave the names of other pupils out of it: what is written here goes to the person if they ask for what is recorded about them."
)]
pub(in crate::cli) struct Note {
    /// The alert's reference; with its theme behind it where one record began several.
    alert: String,
    /// What to remember.
    text: String,
    /// Who you are, where several people share this account.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Note {
    pub(super) fn run(self, register: &Register) -> anyhow::Result<Answer> {
        let by = by(self.name.as_deref())?;
        if self.text.chars().count() > LONGEST {
            bail!("a note has at most {LONGEST} characters; keep what is longer where the school keeps its files, and note where that is");
        }
        let text = one_line(&self.text, LONGEST);
        if !text.contains(char::is_alphanumeric) {
            bail!("a note says something, such as: usher alerts note {} \"Site sent to the county's list.\"", self.alert);
        }
        let mut matter = find(&all(&register.config)?, &self.alert)?;
        let (episode, theme) = (matter.opened.episode, matter.opened.theme.clone());
        let act = Act::Noted { episode, theme, by: by.clone(), text };
        // A note speaks of no state of the matter: it may come after anything but its end.
        let number = loop {
            match register.state(&matter, &act) {
                Ok(number) => break number,
                Err(error) => {
                    let again = find(&all(&register.config)?, &self.alert)?;
                    if again.newest() == matter.newest() {
                        return Err(error);
                    }
                    matter = again;
                }
            }
        };
        if self.json {
            print_json(&serde_json::json!({ "noted": episode.to_string(), "theme": matter.opened.theme, "by": by, "statement": number }))?;
        } else {
            print(format_args!("noted with {episode}, by {by}"))?;
        }
        Ok(Answer::Yes)
    }
}
