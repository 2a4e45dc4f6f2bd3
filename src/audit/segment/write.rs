//! Writing a segment: dictionaries first, then the rows in order, then what belongs to the chain.

use super::askers::AskerWriter;
use super::blob::{Blob, BlobWriter};
use super::columns::{ColumnWriter, Line};
use super::dictionary::{Dictionaries, DictionaryBlobs, kinds, persons, reversed};
use super::directory::{BatchNote, ChunkNote, Directory, Gap, encode_batches, encode_gaps, encode_twigs};
use super::words::{HostChunks, WordWriter};
use super::{CHUNK, ENOUGH};
use crate::audit::chain::Head;
use crate::audit::entry::Digest;
use crate::audit::record::{Class, RecordId};
use crate::audit::twigs::Twig;
use crate::insight::fold;
use std::io::{self, Write};

/// Begins and ends a segment's file.
pub(super) const MAGIC: &[u8; 8] = b"USHRSEG\n";
/// The most bytes of paths in a chunk.
const MOST_PATHS: usize = 4 << 20;

/// What a segment's chain is.
pub(in crate::audit) struct Chained {
    /// Before its first batch.
    pub(in crate::audit) before: Head,
    /// After its last.
    pub(in crate::audit) after: Head,
    /// The root of the tree over its batches.
    pub(in crate::audit) root: Digest,
    pub(in crate::audit) batches: Vec<BatchNote>,
    pub(in crate::audit) gaps: Vec<Gap>,
    /// The parts of the tree whose batches are not kept.
    pub(in crate::audit) twigs: Vec<Twig>,
}

/// A segment being written.
pub(in crate::audit) struct SegmentWriter<W: Write> {
    out: BlobWriter<W>,
    dictionary_blobs: DictionaryBlobs,
    /// Of each who.
    persons: Vec<u32>,
    /// Of each shape, its place in [`Kind::NAMES`].
    kinds: Vec<u8>,
    columns: ColumnWriter,
    words: WordWriter,
    host_chunks: HostChunks,
    askers: AskerWriter,
    chunks: Vec<ChunkNote>,
    rows: u64,
    ids: Option<(RecordId, RecordId)>,
    skew_ms: u64,
    last: (u32, RecordId),
    folded: String,
}

impl<W: Write> SegmentWriter<W> {
    /// Begins with what its rows share.
    pub(in crate::audit) fn new(out: W, dictionaries: &Dictionaries) -> io::Result<Self> {
        let mut out = BlobWriter::new(out)?;
        out.plain(MAGIC)?;
        let dictionary_blobs = dictionaries.write(&mut out)?;
        Ok(Self {
            out,
            persons: persons(&dictionaries.whos),
            kinds: kinds(&dictionaries.shapes),
            host_chunks: HostChunks::new(dictionaries.hosts.len()),
            askers: AskerWriter::new(dictionaries.hosts.len()),
            words: WordWriter::new(dictionaries.hosts.iter().map(|host| reversed(host))),
            dictionary_blobs,
            columns: ColumnWriter::default(),
            chunks: Vec::new(),
            rows: 0,
            ids: None,
            skew_ms: 0,
            last: (0, RecordId(0)),
            folded: String::new(),
        })
    }

    /// Adds a row. Rows come sorted by person, then by id.
    pub(in crate::audit) fn push(&mut self, line: &Line<'_>) -> io::Result<()> {
        let order = (self.persons.get(line.who as usize).copied().unwrap_or_default(), line.id);
        if self.rows > 0 && order <= self.last {
            return Err(io::Error::other("two records have one number"));
        }
        if order.0 != self.last.0 {
            self.askers.end_person();
            if self.columns.rows >= ENOUGH {
                self.end_chunk()?;
            }
        }
        self.last = order;
        let (words, row) = (&mut self.words, u32::try_from(self.rows).map_err(io::Error::other)?);
        fold::for_each_counted_word(line.path, &mut self.folded, |word, digits| words.note(word, digits, row));
        if let Some(term) = line.term {
            // Somebody wrote it, with whatever digits for letters.
            fold::for_each_word(term, &mut self.folded, |word| words.note(word, 0, row));
        }
        if self.host_chunks.note(line.host) {
            words.note_host(line.host);
        }
        let kind = self.kinds.get(line.shape as usize).copied().unwrap_or_default();
        self.askers.note(line.host, (line.who, kind), line.id);
        self.columns.push(line);
        self.skew_ms = self.skew_ms.max(line.id.unix_ms().saturating_sub(line.time_ms));
        self.rows += 1;
        self.ids = Some(self.ids.map_or((line.id, line.id), |(low, high)| (low.min(line.id), high.max(line.id))));
        if self.columns.rows == CHUNK || self.columns.path_bytes() > MOST_PATHS { self.end_chunk() } else { Ok(()) }
    }

    fn end_chunk(&mut self) -> io::Result<()> {
        let mut chunk = ChunkNote {
            rows: self.columns.rows,
            ids: self.columns.ids.unwrap_or_default(),
            whos: self.columns.whos.unwrap_or_default(),
            ..ChunkNote::default()
        };
        for (bytes, blob) in self.columns.groups().zip(&mut chunk.groups) {
            *blob = self.out.compressed(bytes)?;
        }
        chunk.filter = self.out.as_it_is(&self.words.end_chunk())?;
        self.host_chunks.end_chunk();
        self.columns.clear();
        self.chunks.push(chunk);
        Ok(())
    }

    /// Ends the file. Returns what it says of itself, with the hash of that.
    pub(in crate::audit) fn finish(mut self, class: Class, lives: (u64, u64), chained: &Chained) -> io::Result<(W, Directory, Digest)> {
        if self.columns.rows > 0 {
            self.end_chunk()?;
        }
        let words: [Blob; 2] = self.words.write(&mut self.out)?;
        let host_chunks = self.host_chunks.write(&mut self.out)?;
        let ids = self.ids.unwrap_or_default();
        let askers = self.askers.write(ids.0, &mut self.out)?;
        let directory = Directory {
            class,
            lives,
            rows: self.rows,
            ids,
            skew_ms: self.skew_ms,
            before: chained.before,
            after: chained.after,
            root: chained.root,
            dictionaries: self.dictionary_blobs,
            words,
            host_chunks,
            askers,
            batches: self.out.compressed(&encode_batches(&chained.batches))?,
            gaps: self.out.compressed(&encode_gaps(&chained.gaps))?,
            twigs: self.out.compressed(&encode_twigs(&chained.twigs))?,
            chunks: self.chunks,
        };
        let bytes = directory.encode();
        let (offset, digest) = (self.out.offset(), blake3::hash(&bytes));
        self.out.plain(&bytes)?;
        self.out.plain(&offset.to_le_bytes())?;
        self.out.plain(&(bytes.len() as u64).to_le_bytes())?;
        self.out.plain(digest.as_bytes())?;
        self.out.plain(MAGIC)?;
        Ok((self.out.into_inner(), directory, digest.into()))
    }
}
