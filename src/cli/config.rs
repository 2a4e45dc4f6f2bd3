//! `usher config`: check the configuration before it is used.

use super::{Answer, print};
use crate::config::{Config, Problems};
use clap::Subcommand;
use jiff::Zoned;
use std::path::Path;

/// Check the configuration.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Read every configuration file and print every problem. Exit code 2 if there is one.
    #[command(after_help = "Example:\n  usher config check && kill -HUP \"$(pidof usher)\"")]
    Check,
}

impl Command {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let Self::Check = self;
        let config = Config::load(path)?;
        let rulebook = config.rulebook()?;
        if !config.untrusted.is_empty() {
            return Err(Problems(config.untrusted).into());
        }
        let policy = &rulebook.school.policy;
        let (groups, rules, lists, phrases) = (policy.groups.len(), policy.rules.len(), rulebook.sources.len(), rulebook.phrases.entries());
        print(format_args!("no problems: {groups} groups, {rules} rules, {lists} lists, {phrases} phrases"))?;
        for remark in rulebook.phrases.remarks.iter().chain(&policy.remarks()) {
            print(remark)?;
        }
        for line in rulebook.alerts.red.iter().chain(&rulebook.alerts.remarks) {
            print(line)?;
        }
        let today = Zoned::now().with_time_zone(rulebook.school.timetable.zone.clone()).date();
        for exception in &config.origins.exceptions {
            print(exception.as_of(today))?;
        }
        Ok(Answer::Yes)
    }
}
