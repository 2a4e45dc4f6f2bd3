//! A file on its way that is held until a scanner has seen it: without a name from the start, readable by nobody else, gone when it is let go.

use super::room::{Room, Taken};
use crate::shares::Share;
use bytes::Bytes;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are gathered before they are written.
const WRITTEN_AT_ONCE: usize = 256 * 1024;
/// Bytes that are read at a time.
const READ_AT_ONCE: usize = 64 * 1024;

/// Such a file.
pub struct Spool {
    file: Arc<File>,
    length: u64,
    gathered: Vec<u8>,
    place: Arc<Place>,
}

/// One of the places there are, of somebody's share of them, and the room it takes.
struct Place {
    taken: Taken,
    _place: (OwnedSemaphorePermit, Share),
}

fn unnamed(folder: &Path) -> io::Result<File> {
    crate::files::private_folder(folder)?;
    let random: [u8; 16] = crate::files::random()?;
    let path = folder.join(random.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// Does what may wait for the disk where waiting is allowed.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

impl Spool {
    /// A file in this folder, in that place, which is `expected` to become so long.
    pub(super) async fn new(folder: PathBuf, (room, expected): (Arc<Room>, u64), place: (OwnedSemaphorePermit, Share)) -> io::Result<Self> {
        let taken = Taken::nothing_of(room.clone());
        let file = apart(move || unnamed(&folder).and_then(|file| room.check(&file, expected).map(|()| file))).await?;
        Ok(Self { file: Arc::new(file), length: 0, gathered: Vec::new(), place: Arc::new(Place { taken, _place: place }) })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// If they cannot be written, or there is no room for them ([`NoRoom`](super::room::NoRoom)). What is there stays as it was.
    pub async fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.gathered.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        if self.gathered.len() >= WRITTEN_AT_ONCE { self.flush().await } else { Ok(()) }
    }

    /// Writes what was gathered.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let (file, place, bytes) = (self.file.clone(), self.place.clone(), std::mem::take(&mut self.gathered));
        apart(move || place.taken.more(&file, bytes.len() as u64).and_then(|()| (&*file).write_all(&bytes))).await
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its bytes from the beginning. What was not flushed is not there.
    #[must_use]
    pub fn pieces(&self) -> Pieces {
        Pieces { file: self.file.clone(), at: 0, length: self.length, reading: None, _place: self.place.clone() }
    }
}

/// The bytes of such a file, one piece after the other.
pub struct Pieces {
    file: Arc<File>,
    at: u64,
    length: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    /// Held until they are read.
    _place: Arc<Place>,
}

impl Pieces {
    /// How many bytes are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.length - self.at
    }

    /// The next piece; none at the end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let left = self.left();
        if left == 0 {
            return Poll::Ready(None);
        }
        let (file, at) = (self.file.clone(), self.at);
        let reading = self.reading.get_or_insert_with(|| {
            spawn_blocking(move || {
                let mut bytes = vec![0; READ_AT_ONCE.min(usize::try_from(left).unwrap_or(READ_AT_ONCE))];
                file.read_exact_at(&mut bytes, at).map(|()| bytes.into())
            })
        });
        let read = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let bytes = read.map_err(io::Error::other).flatten();
        self.at = bytes.as_ref().map_or(self.length, |bytes| self.at + bytes.len() as u64);
        Poll::Ready(Some(bytes))
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::room::NoRoom;
    use super::*;
    use crate::shares::{Shares, Taker};
    use std::time::Duration;
    use tokio::sync::Semaphore;

    async fn place(places: &Arc<Semaphore>) -> (OwnedSemaphorePermit, Share) {
        let taker = Taker::Device([127, 0, 0, 1].into());
        let share = Shares::of(1).take(&taker, 1, Duration::ZERO).await.expect("a share");
        (places.clone().acquire_owned().await.expect("open"), share)
    }

    #[tokio::test]
    async fn all_that_is_held_takes_no_more_than_its_room_and_gives_it_back() {
        let (folder, places) = (tempfile::tempdir().expect("a folder"), Arc::new(Semaphore::new(2)));
        let room = Room::of(1 << 20, 0);
        let new = async |expected: u64| Spool::new(folder.path().join("spool"), (room.clone(), expected), place(&places).await).await;
        let is_full = |error: io::Error| error.get_ref().and_then(|error| error.downcast_ref()) == Some(&NoRoom::Taken);
        let mut first = new(0).await.expect("made");
        first.push(&vec![1; 600 << 10]).await.expect("there is room");
        assert!(new(600 << 10).await.is_err_and(is_full), "it is told before it begins");
        let mut second = new(400 << 10).await.expect("made");
        assert!(second.push(&vec![2; 600 << 10]).await.is_err_and(is_full), "and when it grows longer than it said");
        drop(second);
        // What is read of it still takes the room, though nothing more is written.
        let mut pieces = first.pieces();
        drop(first);
        assert!(new(600 << 10).await.is_err_and(is_full));
        assert_eq!(pieces.next().await.expect("read").map(|piece| piece[0]), Some(1));
        drop(pieces);
        let mut third = new(1 << 20).await.expect("made");
        third.push(&vec![3; 1 << 20]).await.expect("all is given back");
    }

    #[tokio::test]
    async fn what_is_to_stay_free_of_the_disk_stays_free() {
        let (folder, places) = (tempfile::tempdir().expect("a folder"), Arc::new(Semaphore::new(1)));
        let disk = rustix::fs::statvfs(folder.path()).expect("a disk");
        // Others write on it too: half of what is free is far from either edge.
        let free = disk.f_bavail * disk.f_frsize;
        let new = async |floor: u64, expected: u64| Spool::new(folder.path().join("spool"), (Room::of(u64::MAX, floor), expected), place(&places).await).await;
        let is_full = |error: io::Error| error.get_ref().and_then(|error| error.downcast_ref()) == Some(&NoRoom::Disk);
        assert!(new(free / 2, free / 4).await.is_ok());
        assert!(new(free / 2, free - free / 4).await.is_err_and(is_full), "it is told before it begins");
        assert!(new(free * 2, 0).await.is_err_and(is_full));
        let taken = Taken::nothing_of(Room::of(u64::MAX, free * 2));
        assert!(taken.more(&tempfile::tempfile().expect("a file"), 1).is_err_and(is_full), "and as it grows");
    }

    #[tokio::test]
    async fn what_is_held_comes_back_and_nobody_finds_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = Arc::new(Semaphore::new(1));
        let room = (Room::of(700_000, 0), 700_000);
        let mut spool = Spool::new(folder.path().join("spool"), room, place(&places).await).await.expect("made");
        let bytes: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
        for part in bytes.chunks(10_000) {
            spool.push(part).await.expect("written");
        }
        spool.flush().await.expect("written");
        assert_eq!(fs::read_dir(folder.path().join("spool")).expect("a folder").count(), 0);
        for _ in 0..2 {
            let (mut pieces, mut back) = (spool.pieces(), Vec::new());
            while let Some(piece) = pieces.next().await.expect("read") {
                back.extend_from_slice(&piece);
            }
            assert!(back == bytes);
        }
        assert_eq!(places.available_permits(), 0);
        drop(spool);
        assert_eq!(places.available_permits(), 1);
    }
}
