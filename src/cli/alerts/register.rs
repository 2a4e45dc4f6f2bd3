//! The matters on record, for whoever says what was done with one: `ack`, `note` and `close`.
//!
//! None of that takes a rule. A fault in `alerts.toml`, or in any file but `usher.toml`, is told and keeps nobody from it: a child's matter does not wait for
//! a technician.

use crate::app;
use crate::audit::incident::{Act, Changed, Incident};
use crate::audit::journal::Journal;
use crate::audit::query::LogError;
use crate::config::Config;
use anyhow::bail;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{self, Write as _};
use std::path::Path;

/// The matters on record, in school time.
pub(super) struct Register {
    pub(super) config: Config,
    zone: TimeZone,
    pub(super) now: Timestamp,
}

impl Register {
    /// Refuses where there is no log, or the data folder is another account's. Warns of rules that are broken.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let config = Config::load(path)?;
        let log = config.log();
        if !log.exists() {
            bail!(LogError::None(log.path().to_owned()));
        }
        app::open_data(&config)?;
        let (zone, problems) = config.school_time();
        if let Some(problems) = problems {
            let times = if zone == TimeZone::UTC { " Times are in UTC." } else { "" };
            writeln!(
                io::stderr(),
                "warning: the rules cannot be read as they are; this is done all the same, and a technician should be told.{times}\n{problems}"
            )?;
        }
        Ok(Self { config, zone, now: Timestamp::now() })
    }

    pub(super) fn local(&self, at: Timestamp) -> jiff::Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// A moment in Unix milliseconds as people read it, in school time.
    pub(super) fn shown_ms(&self, ms: i64) -> String {
        self.local(Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)).strftime("%a %-d %b %H:%M").to_string()
    }

    /// States what somebody did with a matter, unless it has changed since they read it.
    pub(super) fn state(&self, matter: &Incident, act: &Act) -> anyhow::Result<u64> {
        let (episode, seen) = (matter.opened.episode, matter.newest().0);
        match Journal::open(&self.config.log())?.state_of_matter(self.now, act, seen)? {
            Ok(number) => Ok(number),
            Err(Changed::Worse) => {
                bail!("{episode} has got worse, or came back, this very moment, so nothing was changed. Look at it again: usher alerts show {episode}")
            }
            Err(Changed::Closed) => bail!("somebody else has closed {episode} this very moment, so nothing was changed. See: usher alerts show {episode}"),
            Err(Changed::Gone) => bail!("{episode} is on record no more: it was purged or erased this very moment"),
        }
    }
}
