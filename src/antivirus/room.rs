//! The room that held files may take: so many bytes in all, and no more of the disk than leaves the record enough.
//!
//! It is taken piece by piece, as a file grows. Files that grow at the same moment do not see each other's last piece, so the disk may be left
//! [`super::MOST_AT_ONCE`] pieces below what is to stay free, and no more.

use crate::telemetry::events::NoRoomToHold;
use parking_lot::Mutex;
use rustix::fs::fstatvfs;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between two tellings that there is no room.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Why nothing more is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// What is held takes all there is for it.
    #[error("too much is held already")]
    Taken,
    /// The disk is to keep what is left of it.
    #[error("the disk has too little room left")]
    Disk,
}

impl From<NoRoom> for io::Error {
    fn from(why: NoRoom) -> Self {
        Self::new(io::ErrorKind::StorageFull, why)
    }
}

/// The room of one folder.
#[derive(Debug)]
pub struct Room {
    most: u64,
    free: u64,
    taken: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Room {
    /// So many bytes for all held files together, and so many that stay free on their disk.
    #[must_use]
    pub fn of(most: u64, free: u64) -> Arc<Self> {
        Arc::new(Self { most, free, taken: AtomicU64::new(0), told: Mutex::default() })
    }

    /// Whether a file of so many bytes could be held by now.
    pub(super) fn check(&self, on: &File, bytes: u64) -> io::Result<()> {
        let fits = self.taken.load(Ordering::Relaxed).saturating_add(bytes) <= self.most;
        self.told_of(if fits { self.check_disk(on, bytes) } else { Err(NoRoom::Taken.into()) })
    }

    /// Whether the disk this file is on has so many bytes beside those that stay free.
    fn check_disk(&self, on: &File, bytes: u64) -> io::Result<()> {
        let disk = fstatvfs(on)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) >= self.free.saturating_add(bytes) { Ok(()) } else { Err(NoRoom::Disk.into()) }
    }

    /// Tells the person who runs it, now and then.
    fn told_of(&self, found: io::Result<()>) -> io::Result<()> {
        if let Err(error) = &found {
            let mut told = self.told.lock();
            if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
                *told = Some(Instant::now());
                NoRoomToHold { error, most_mib: self.most >> 20, free_mib: self.free >> 20 }.emit();
            }
        }
        found
    }
}

/// The room one file has taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    room: Arc<Room>,
    bytes: AtomicU64,
}

impl Taken {
    pub(super) fn nothing_of(room: Arc<Room>) -> Self {
        Self { room, bytes: AtomicU64::new(0) }
    }

    /// Takes room for so many bytes more, if there is.
    pub(super) fn more(&self, on: &File, bytes: u64) -> io::Result<()> {
        let fits = |taken: u64| taken.checked_add(bytes).filter(|sum| *sum <= self.room.most);
        if self.room.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            return self.room.told_of(Err(NoRoom::Taken.into()));
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.room.told_of(self.room.check_disk(on, bytes))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}
