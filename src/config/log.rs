//! `[log]`: how records are kept, and to whom they are shown with names.

use super::reader::{FromToml, Table};
use crate::audit::lookups::Naming;
use crate::audit::retention::{Keep, Period};
use crate::audit::{Settings, Sync};
use std::path::{Path, PathBuf};

/// What `[log]` says.
pub(super) struct LogTable {
    pub(super) record: Settings,
    /// The file of the signing key.
    pub(super) key: Option<PathBuf>,
    /// When names are shown.
    pub(super) names: Naming,
    /// How long records are kept.
    pub(super) keep: Keep,
}

pub(super) fn read(file: &Table<'_>, folder: &Path) -> LogTable {
    let mut read = LogTable { record: Settings::default(), key: None, names: Naming::default(), keep: Keep::default() };
    let Some(log) = file.table("log") else { return read };
    let sync = log.choice("durability", &[("process", Sync::Process), ("power", Sync::Power)], Some(Sync::Process));
    read.record.sync = sync.unwrap_or(Sync::Process);
    read.record.rows = read_seal_after(&log);
    read.key = log.get::<PathBuf>("key").map(|key| folder.join(key));
    read.names = log.choice("names", &Naming::NAMES, Some(Naming::default())).unwrap_or_default();
    read.keep = log.table("keep").map_or(read.keep, |keep| read_keep(&keep));
    log.done();
    read
}

/// After how many records a part of the log is sealed.
fn read_seal_after(log: &Table<'_>) -> u64 {
    let (rows, allowed) = (log.get_or("seal_after", Settings::ROWS), Settings::ROWS_ALLOWED);
    if allowed.contains(&rows) {
        return rows;
    }
    log.wrong("seal_after", format!("from {} to {} records", allowed.start(), allowed.end()), None);
    Settings::ROWS
}

/// For how long alerts are kept at least, in days.
const LEAST_DAYS_OF_ALERTS: i64 = 28;

/// `[log.keep]`: a length of time for each class, for who looked, and for alerts.
fn read_keep(table: &Table<'_>) -> Keep {
    let Keep { visit, search, resource, blocked, staff, lookups, alerts } = Keep::default();
    let keep = Keep {
        visit: table.get_or("visit", visit),
        search: table.get_or("search", search),
        resource: table.get_or("resource", resource),
        blocked: table.get_or("blocked", blocked),
        staff: table.get_or("staff", staff),
        lookups: table.get_or("lookups", lookups),
        alerts: table.get_or("alerts", alerts),
    };
    if keep.alerts.days() < LEAST_DAYS_OF_ALERTS {
        let hint = format!("a matter may go on for weeks, and is looked back at; shipped is \"{alerts}\"");
        table.wrong("alerts", format!("alerts are kept for at least {LEAST_DAYS_OF_ALERTS} days"), Some(hint));
    }
    table.done();
    keep
}

impl FromToml for Period {
    fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        String::from_toml(value)?.parse().map_err(|wrong: crate::audit::retention::NotAPeriod| wrong.to_string())
    }
}
