//! `[log]`: how records are kept, and to whom they are shown with names.

use super::reader::Table;
use crate::audit::lookups::Naming;
use crate::audit::{Settings, Sync};
use std::path::{Path, PathBuf};

/// What `[log]` says.
pub(super) struct LogTable {
    pub(super) record: Settings,
    /// The file of the signing key.
    pub(super) key: Option<PathBuf>,
    /// When names are shown.
    pub(super) names: Naming,
}

pub(super) fn read(file: &Table<'_>, folder: &Path) -> LogTable {
    let mut read = LogTable { record: Settings::default(), key: None, names: Naming::default() };
    let Some(log) = file.table("log") else { return read };
    let sync = log.choice("durability", &[("process", Sync::Process), ("power", Sync::Power)], Some(Sync::Process));
    read.record.sync = sync.unwrap_or(Sync::Process);
    read.key = log.get::<PathBuf>("key").map(|key| folder.join(key));
    read.names = log.choice("names", &Naming::NAMES, Some(Naming::default())).unwrap_or_default();
    log.done();
    read
}
