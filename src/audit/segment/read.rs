//! Reading a segment: its directory at once, everything else when it is asked for. What is read is checked against its hash.

use super::SegmentError;
use super::askers::{Askers, Askings};
use super::columns::{self, Ended, Group, Origin};
use super::dictionary::{Hosts, Whos, read_judgements, read_shapes, read_texts};
use super::directory::{BatchNote, Directory, Gap, decode_batches, decode_gaps, decode_twigs};
use super::words::{self, Found, Wanted, Words, host_chunks, may_hold};
use super::write::MAGIC;
use crate::audit::entry::{Digest, Judgement};
use crate::audit::record::RecordId;
use crate::audit::twigs::Twig;
use crate::insight::Kind;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Offset and length of the directory, its hash, and the magic.
const TAIL: usize = 8 + 8 + 32 + MAGIC.len();
/// The most a directory may take.
const MOST_DIRECTORY: u64 = 64 << 20;

/// A segment open to be read.
pub(in crate::audit) struct Segment {
    file: File,
    pub(in crate::audit) directory: Directory,
    /// The hash of its directory: what the journal has signed.
    pub(in crate::audit) digest: Digest,
    kept: Kept,
}

/// What was read once, for those who ask again.
#[derive(Default)]
struct Kept {
    whos: Once<Whos>,
    judgements: Once<Vec<Judgement>>,
    shapes: Once<Vec<Box<[u8]>>>,
    texts: Once<Vec<Box<str>>>,
    hosts: Once<Hosts>,
    words: Once<Words>,
    askers: Once<Askers>,
}

/// A part that is read when it is first asked for.
struct Once<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Once<T> {
    fn get(&self, read: impl FnOnce() -> Result<T, SegmentError>) -> Result<Arc<T>, SegmentError> {
        let mut kept = self.0.lock();
        if let Some(kept) = &*kept {
            return Ok(kept.clone());
        }
        Ok(kept.insert(Arc::new(read()?)).clone())
    }
}

fn word<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut word = [0; N];
    word.copy_from_slice(&bytes[from..from + N]);
    word
}

impl Segment {
    /// Opens the file and reads its directory.
    pub(in crate::audit) fn open(path: &Path) -> Result<Self, SegmentError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let Some(end) = length.checked_sub(TAIL as u64) else { return Err(SegmentError::Damaged("it is cut short")) };
        let mut tail = [0; TAIL];
        file.read_exact_at(&mut tail, end)?;
        if tail[48..] != *MAGIC {
            return Err(SegmentError::Damaged("its end is not that of a segment"));
        }
        let (offset, size) = (u64::from_le_bytes(word(&tail, 0)), u64::from_le_bytes(word(&tail, 8)));
        if size > MOST_DIRECTORY || offset.checked_add(size) != Some(end) {
            return Err(SegmentError::Damaged("its end is not that of a segment"));
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        file.read_exact_at(&mut bytes, offset)?;
        let digest: Digest = blake3::hash(&bytes).into();
        if digest != word::<32>(&tail, 16) {
            return Err(SegmentError::Damaged("its directory was changed"));
        }
        Ok(Self { directory: Directory::decode(&bytes)?, file, digest, kept: Kept::default() })
    }

    /// Reads every part of the file and holds it against its hash.
    pub(in crate::audit) fn check(&self) -> Result<(), SegmentError> {
        let mut magic = [0; MAGIC.len()];
        self.file.read_exact_at(&mut magic, 0)?;
        if magic != *MAGIC {
            return Err(SegmentError::Damaged("its beginning is not that of a segment"));
        }
        let (askers, words) = (self.askers()?, words::pages(&self.file, &self.directory.words)?);
        let pages = askers.pages.0.iter().chain(&words.0).copied();
        self.directory.every_blob().chain(pages).try_for_each(|blob| blob.read(&self.file).map(drop))
    }

    pub(in crate::audit) fn whos(&self) -> Result<Arc<Whos>, SegmentError> {
        self.kept.whos.get(|| Whos::read(&self.file, &self.directory.dictionaries))
    }

    pub(in crate::audit) fn judgements(&self) -> Result<Arc<Vec<Judgement>>, SegmentError> {
        self.kept.judgements.get(|| read_judgements(&self.file, &self.directory.dictionaries))
    }

    /// Canonical bytes of the shapes; each is known to read.
    pub(in crate::audit) fn shapes(&self) -> Result<Arc<Vec<Box<[u8]>>>, SegmentError> {
        self.kept.shapes.get(|| read_shapes(&self.file, &self.directory.dictionaries))
    }

    pub(in crate::audit) fn texts(&self) -> Result<Arc<Vec<Box<str>>>, SegmentError> {
        self.kept.texts.get(|| read_texts(&self.file, &self.directory.dictionaries))
    }

    pub(in crate::audit) fn hosts(&self) -> Result<Arc<Hosts>, SegmentError> {
        self.kept.hosts.get(|| Hosts::read(&self.file, &self.directory.dictionaries))
    }

    fn words(&self) -> Result<Arc<Words>, SegmentError> {
        self.kept.words.get(|| Words::read(&self.file, &self.directory.words))
    }

    /// Where a word stands, or one that begins so, as far as the dictionary knows.
    pub(in crate::audit) fn find(&self, wanted: &Wanted) -> Result<Found, SegmentError> {
        self.words()?.find(&self.file, wanted)
    }

    fn askers(&self) -> Result<Arc<Askers>, SegmentError> {
        self.kept.askers.get(|| Askers::read(&self.file, &self.directory.askers))
    }

    /// Shows who asked for any of these hosts, by the number in the dictionary of people, and for what; some more than once.
    pub(in crate::audit) fn each_asker(&self, hosts: &HashSet<u32>, mut show: impl FnMut(u32, Kind, Askings)) -> Result<(), SegmentError> {
        self.askers()?.each(&self.file, self.directory.ids.0, hosts, |(who, kind), askings| {
            if let Some((_, kind)) = Kind::NAMES.get(usize::from(kind)) {
                show(who, *kind, askings);
            }
        })
    }

    pub(in crate::audit) fn batches(&self) -> Result<Vec<BatchNote>, SegmentError> {
        decode_batches(&self.directory.batches.read(&self.file)?)
    }

    pub(in crate::audit) fn gaps(&self) -> Result<Vec<Gap>, SegmentError> {
        decode_gaps(&self.directory.gaps.read(&self.file)?)
    }

    /// The parts of the tree whose batches are not kept; none unless most of the segment was purged.
    pub(in crate::audit) fn twigs(&self) -> Result<Vec<Twig>, SegmentError> {
        decode_twigs(&self.directory.twigs.read(&self.file)?)
    }

    /// The chunks that one of these hosts is in.
    pub(in crate::audit) fn chunks_of_hosts(&self, hosts: &Hosts, wanted: &HashSet<u32>) -> Result<BTreeSet<u32>, SegmentError> {
        host_chunks(&self.directory.host_chunks.read(&self.file)?, hosts.len(), wanted)
    }

    /// Whether a chunk may hold a word that is in no dictionary.
    pub(in crate::audit) fn may_hold(&self, chunk: usize, word: &Wanted) -> Result<bool, SegmentError> {
        if !word.is_opaque() {
            return Ok(false);
        }
        Ok(may_hold(&self.directory.chunks[chunk].filter.read(&self.file)?, word))
    }

    /// A chunk, of which nothing is read yet.
    pub(in crate::audit) fn chunk(&self, number: usize) -> Chunk<'_> {
        Chunk { segment: self, number, rows: self.directory.chunks[number].rows }
    }
}

/// A chunk of a segment.
#[derive(Clone, Copy)]
pub(in crate::audit) struct Chunk<'s> {
    segment: &'s Segment,
    number: usize,
    rows: usize,
}

impl Chunk<'_> {
    /// Only its first rows, so many of them.
    pub(in crate::audit) fn first(self, rows: usize) -> Self {
        Self { rows: self.rows.min(rows), ..self }
    }

    /// The bytes of a group of columns.
    pub(in crate::audit) fn group(&self, group: Group) -> Result<Vec<u8>, SegmentError> {
        self.segment.directory.chunks[self.number].groups[group as usize].read(&self.segment.file)
    }

    pub(in crate::audit) fn ids(&self) -> Result<Vec<RecordId>, SegmentError> {
        columns::ids(&self.group(Group::Id)?, self.rows)
    }

    pub(in crate::audit) fn whos(&self) -> Result<Vec<u32>, SegmentError> {
        columns::whos(&self.group(Group::Who)?, self.rows)
    }

    pub(in crate::audit) fn hosts(&self) -> Result<Vec<u32>, SegmentError> {
        columns::hosts(&self.group(Group::Host)?, self.rows)
    }

    /// The numbers of judgement and shape.
    pub(in crate::audit) fn verdicts(&self) -> Result<Vec<(u32, u32)>, SegmentError> {
        columns::verdicts(&self.group(Group::Verdict)?, self.rows)
    }

    pub(in crate::audit) fn endings(&self) -> Result<Vec<Ended>, SegmentError> {
        columns::endings(&self.group(Group::Ending)?, &self.group(Group::Proof)?, self.rows)
    }

    /// The paths in the bytes of their group.
    pub(in crate::audit) fn paths<'b>(&self, bytes: &'b [u8]) -> Result<Vec<&'b str>, SegmentError> {
        columns::paths(bytes, self.rows)
    }

    /// Where the rows with these ids came from, in the bytes of their group.
    pub(in crate::audit) fn origins<'b>(&self, bytes: &'b [u8], ids: &[RecordId]) -> Result<Vec<Origin<'b>>, SegmentError> {
        columns::origins(bytes, ids)
    }
}
