//! `usher log purge`, `hold`, `erase`, `subject` and `dpia`: what the law and the school ask of a record of people.

mod dpia;
mod erase;
mod hold;
mod judged;
mod looked_into;
mod purge;
mod restricted;
mod subject;

pub(super) use dpia::ShowDpia;
pub(super) use erase::Erase;
pub(super) use hold::Holding;
pub(super) use purge::Purge;
pub(super) use subject::Subject;

use crate::app;
use crate::audit::Folder;
use crate::audit::query::LogError;
use crate::audit::stopped::{Running, seal_unless_running};
use crate::config::Config;
use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::path::Path;

/// The most characters of a reason.
const LONGEST_WHY: usize = 500;

/// What every one of these commands works with.
struct Desk {
    config: Config,
    log: Folder,
    /// The secret of the installation.
    secret: [u8; 32],
    zone: TimeZone,
    now: Timestamp,
    /// The account that typed the command.
    account: String,
}

impl Desk {
    /// Refuses where there is no log, or the data folder is another account's.
    fn open(path: &Path) -> anyhow::Result<Self> {
        let config = Config::load(path)?;
        let zone = config.rulebook().map_or(TimeZone::UTC, |rulebook| rulebook.school.timetable.zone);
        let log = config.log();
        if !log.exists() {
            bail!(LogError::None(log.path().to_owned()));
        }
        let secret = app::open_data(&config)?;
        Ok(Self { config, log, secret, zone, now: Timestamp::now(), account: crate::files::own_account() })
    }

    fn time(&self, text: Option<&str>) -> anyhow::Result<Option<Timestamp>> {
        text.map(|text| super::log::parse_time(text, &self.zone)).transpose()
    }

    /// A stretch of time that ends after it begins.
    fn stretch(&self, from: Option<&str>, to: Option<&str>) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
        let (from, to) = (self.time(from)?, self.time(to)?);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            bail!("--to is not after --from; --to is the first moment that is left out, so for all of 24 November: --from 2026-11-24 --to 2026-11-25");
        }
        Ok((from, to))
    }

    /// A moment as people at this school read it.
    fn shown(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%-d %b %Y %H:%M").to_string()
    }

    fn shown_ms(&self, ms: u64) -> String {
        self.shown(Timestamp::from_millisecond(ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// Seals what is live, unless Usher runs.
    fn seal(&self) -> anyhow::Result<Running> {
        seal_unless_running(&self.log).context("what is live cannot be sealed")
    }
}

/// A user's whole name.
fn user(name: &str) -> anyhow::Result<String> {
    let name = name.trim();
    if name.is_empty() || name.contains('*') {
        bail!("--user takes one person's whole user name, without *");
    }
    Ok(name.to_owned())
}

/// A reason that can stay on record for good: it must not name the person, since nothing can take it out again.
fn why(text: &str, user: &str) -> anyhow::Result<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().filter(|c| c.is_alphanumeric()).count() < 4 || text.chars().count() > LONGEST_WHY {
        bail!("the reason must be a few words that another person will understand later (at most {LONGEST_WHY} characters)");
    }
    if !user.is_empty() && text.to_lowercase().contains(&user.to_lowercase()) {
        bail!("the reason names {user}, and it stays on record for good; say it without the name, as with a reference: \"request 17\"");
    }
    Ok(text)
}
