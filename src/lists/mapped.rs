//! Memory that a file is mapped into, and arrays of numbers in it. The only module with `unsafe`: one call, with its proof.
//!
//! A mapped file costs no copy and no time to read twice: the system keeps one for all who map it, and may drop pages nobody looks at. Limits: a
//! file of at most 4 GiB that nobody but its owner may write.

use memmap2::{Mmap, MmapMut, MmapOptions};
use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// The largest file that is mapped, in bytes.
const LARGEST: u64 = 4 << 30;
/// The rights of others to write a file.
const OTHERS_WRITE: u32 = 0o022;

/// Bytes of a file, or of nobody else, that do not change.
#[derive(Debug)]
pub struct Map(Mmap);

impl Map {
    /// Maps a file and has all of it read, so that no look-up waits for a disk.
    ///
    /// # Errors
    /// If it cannot be read, is larger than 4 GiB, is no regular file, or can be written by others than its owner.
    #[expect(unsafe_code, reason = "mapping a file is unsafe; the proof stands at the call")]
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let known = file.metadata()?;
        if !known.is_file() || known.len() > LARGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file of at most 4 GiB"));
        }
        if known.permissions().mode() & OTHERS_WRITE != 0 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others than its owner may write it"));
        }
        // SAFETY: `map` asks that the file is not changed while it is mapped. Who could change it?
        // - Usher: a generation is written beside its place and renamed to it, never opened for writing again, never shortened in place. One that
        //   follows it is another file; the system keeps this one, without a name, for as long as it is mapped.
        // - Other users: refused above, by the file's own rights.
        // - Its owner and root: they could as well change this program.
        // Should it be changed all the same, what is read here are integers, of which every pattern of bits is one, and whoever reads them checks
        // each before it is an index: an answer may be wrong, no memory is touched that is not ours. If it is cut short, the system ends the process
        // (SIGBUS), and a filter that has ended lets nothing through.
        let map = unsafe { MmapOptions::new().populate().map(&file)? };
        Ok(Self(map))
    }

    /// The same for bytes at hand: copies them.
    pub fn copy(bytes: &[u8]) -> io::Result<Self> {
        let mut map = MmapMut::map_anon(bytes.len().max(1))?;
        map[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(map.make_read_only()?))
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// An array of numbers: one's own, or a part of a mapped file.
#[derive(Debug)]
pub enum Section<T> {
    /// On the heap.
    Owned(Vec<T>),
    /// These bytes of a map, which is kept for as long as the section is.
    Mapped(Arc<Map>, Range<usize>),
}

impl<T: FromBytes + KnownLayout + Immutable> Section<T> {
    /// A part of a map, or `None` if the map does not hold these bytes as whole numbers.
    pub fn mapped(map: &Arc<Map>, bytes: Range<usize>) -> Option<Self> {
        <[T]>::ref_from_bytes(map.get(bytes.clone())?).ok()?;
        Some(Self::Mapped(map.clone(), bytes))
    }
}

impl<T: FromBytes + KnownLayout + Immutable> Deref for Section<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Owned(numbers) => numbers,
            // Checked when the section was made, and neither the map nor the range has changed.
            Self::Mapped(map, bytes) => map.get(bytes.clone()).and_then(|bytes| <[T]>::ref_from_bytes(bytes).ok()).unwrap_or_default(),
        }
    }
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self::Owned(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::little_endian::U32;

    #[test]
    fn numbers_are_read_where_they_are() {
        let map = Arc::new(Map::copy(&[1, 0, 0, 0, 2, 0, 0, 0, 9]).expect("a map"));
        let section = Section::<U32>::mapped(&map, 0..8).expect("two numbers");
        assert_eq!(section.iter().map(|n| n.get()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(Section::<U32>::mapped(&map, 1..9).expect("they need no alignment")[1].get(), 9 << 24);
        #[expect(clippy::reversed_empty_ranges, reason = "what a forged file could ask for")]
        for bytes in [0..7, 4..16, 8..4, usize::MAX - 3..usize::MAX] {
            assert!(Section::<U32>::mapped(&map, bytes.clone()).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("generation");
        std::fs::write(&path, "bytes").expect("written");
        for (mode, opens) in [(0o600, true), (0o644, true), (0o664, false), (0o602, false)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
            assert_eq!(Map::open(&path).is_ok(), opens, "{mode:o}");
        }
        assert!(Map::open(folder.path()).is_err(), "a folder");
    }

    #[test]
    fn what_is_mapped_outlives_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("generation");
        crate::files::replace(&path, b"the first").expect("written");
        let first = Map::open(&path).expect("mapped");
        crate::files::replace(&path, b"2nd").expect("replaced");
        assert_eq!((&first[..], &Map::open(&path).expect("mapped")[..]), (&b"the first"[..], &b"2nd"[..]));
    }
}
