//! What is where in a segment, and what its place in the chain is.

use super::SegmentError;
use super::blob::Blob;
use super::columns::GROUPS;
use super::dictionary::DictionaryBlobs;
use crate::audit::chain::Head;
use crate::audit::entry::{Decoder, Digest, Encoder, NotAnEntry};
use crate::audit::record::{Class, RecordId};
use crate::audit::twigs::Twig;

/// The form of the file. A file of another form is refused.
pub(super) const FORM: u64 = 2;
/// More batches than any log will ever have: a thousand a second, for ten thousand years.
const MOST_BATCHES: u64 = 1 << 48;
/// The fewest bytes of a batch.
const LEAST_BATCH: usize = 6;

/// What a segment says of itself. Its hash is signed in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Directory {
    pub(in crate::audit) class: Class,
    /// The numbers of the live files its records come from.
    pub(in crate::audit) lives: (u64, u64),
    pub(in crate::audit) rows: u64,
    /// The least and greatest record id; both 0 if there is no row.
    pub(in crate::audit) ids: (RecordId, RecordId),
    /// How far, at most, the time of a record is before its id, in milliseconds: a clock that went back.
    pub(in crate::audit) skew_ms: u64,
    /// The chain before its first batch.
    pub(in crate::audit) before: Head,
    /// The chain after its last batch.
    pub(in crate::audit) after: Head,
    /// The root of the tree over its batches.
    pub(in crate::audit) root: Digest,
    pub(super) dictionaries: DictionaryBlobs,
    pub(super) words: [Blob; 2],
    pub(super) host_chunks: Blob,
    pub(super) askers: Blob,
    pub(super) batches: Blob,
    pub(super) gaps: Blob,
    pub(super) twigs: Blob,
    pub(in crate::audit) chunks: Vec<ChunkNote>,
}

/// What is known of a chunk without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::audit) struct ChunkNote {
    pub(in crate::audit) rows: usize,
    pub(in crate::audit) ids: (RecordId, RecordId),
    pub(in crate::audit) whos: (u32, u32),
    pub(super) groups: [Blob; GROUPS],
    pub(super) filter: Blob,
}

/// What is kept of a batch: enough to say which record of it is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct BatchNote {
    /// Its first opening; nothing if it only closes records.
    pub(in crate::audit) first: Option<RecordId>,
    pub(in crate::audit) opened: u32,
    pub(in crate::audit) closed: u32,
    /// The first bytes of its hash.
    pub(in crate::audit) check: [u8; 4],
}

/// The first record that was opened in these batches; earlier ones were carried in.
pub(in crate::audit) fn native_from(batches: &[BatchNote]) -> RecordId {
    batches.iter().find_map(|batch| batch.first).unwrap_or(RecordId(u64::MAX))
}

/// An entry of a segment's batches whose record is not in the segment: its leaves, so that the chain still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Gap {
    pub(in crate::audit) id: RecordId,
    pub(in crate::audit) why: Missing,
    /// The leaf of its opening, if it was opened in one of these batches.
    pub(in crate::audit) opened: Option<Digest>,
    /// The batch it was closed in and the leaf, if it was closed in one of these.
    pub(in crate::audit) closed: Option<(u64, Digest)>,
}

/// Why a record is not in the segment it was opened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) enum Missing {
    /// It was open still, and is in a later segment.
    Carried,
    /// It was erased, or kept no longer; a note in the journal says why.
    Erased,
}

impl Missing {
    const CODES: [Self; 2] = [Self::Carried, Self::Erased];

    fn code(self) -> u64 {
        match self {
            Self::Carried => 0,
            Self::Erased => 1,
        }
    }
}

fn encode_head(out: &mut Encoder, head: &Head) {
    out.number(head.number);
    out.0.extend(head.link);
}

fn digest(from: &mut Decoder<'_>) -> Result<Digest, NotAnEntry> {
    <Digest>::try_from(from.bytes(32)?).map_err(|_| NotAnEntry)
}

fn decode_head(from: &mut Decoder<'_>) -> Result<Head, NotAnEntry> {
    Ok(Head { number: from.number()?, link: digest(from)? })
}

impl Directory {
    fn blobs(&self) -> [Blob; 12] {
        let DictionaryBlobs { whos, judgements, shapes, texts, hosts } = self.dictionaries;
        let [words, lists] = self.words;
        [whos, judgements, shapes, texts, hosts, words, lists, self.host_chunks, self.askers, self.batches, self.gaps, self.twigs]
    }

    /// How many batches it was sealed with.
    pub(in crate::audit) fn batches_sealed(&self) -> usize {
        usize::try_from(self.after.number.saturating_sub(self.before.number)).unwrap_or(usize::MAX)
    }

    /// What it takes in memory to merge it with others, but for its chunks, of which there is one at a time: dictionaries, words, batches, in bytes.
    pub(in crate::audit) fn weight(&self) -> u64 {
        self.blobs().iter().map(Blob::raw).sum()
    }

    pub(super) fn every_blob(&self) -> impl Iterator<Item = Blob> {
        self.blobs().into_iter().chain(self.chunks.iter().flat_map(|chunk| chunk.groups.into_iter().chain([chunk.filter])))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.number(FORM);
        out.0.push(self.class.code());
        for number in [self.lives.0, self.lives.1, self.rows, self.ids.0.0, self.ids.1.0, self.skew_ms] {
            out.number(number);
        }
        encode_head(&mut out, &self.before);
        encode_head(&mut out, &self.after);
        out.0.extend(self.root);
        self.blobs().iter().for_each(|blob| blob.encode(&mut out));
        out.number(self.chunks.len() as u64);
        for chunk in &self.chunks {
            for number in [chunk.rows as u64, chunk.ids.0.0, chunk.ids.1.0, u64::from(chunk.whos.0), u64::from(chunk.whos.1)] {
                out.number(number);
            }
            chunk.groups.iter().for_each(|blob| blob.encode(&mut out));
            chunk.filter.encode(&mut out);
        }
        out.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, SegmentError> {
        let mut from = Decoder::new(bytes);
        let form = from.number()?;
        if form != FORM {
            return Err(SegmentError::Form(form));
        }
        let class = Class::from_code(from.byte()?).ok_or(NotAnEntry)?;
        let (lives, rows) = ((from.number()?, from.number()?), from.number()?);
        let (ids, skew_ms) = ((RecordId(from.number()?), RecordId(from.number()?)), from.number()?);
        let (before, after, root) = (decode_head(&mut from)?, decode_head(&mut from)?, digest(&mut from)?);
        if after.number > MOST_BATCHES || before.number > after.number {
            return Err(NotAnEntry.into());
        }
        let mut blobs = [Blob::default(); 12];
        for blob in &mut blobs {
            *blob = Blob::decode(&mut from)?;
        }
        let [whos, judgements, shapes, texts, hosts, words, lists, host_chunks, askers, batches, gaps, twigs] = blobs;
        let count: usize = from.small()?;
        let mut chunks = Vec::with_capacity(count.min(bytes.len() / size_of::<ChunkNote>()));
        for _ in 0..count {
            chunks.push(ChunkNote::decode(&mut from)?);
        }
        let dictionaries = DictionaryBlobs { whos, judgements, shapes, texts, hosts };
        Ok(Self {
            class,
            lives,
            rows,
            ids,
            skew_ms,
            before,
            after,
            root,
            dictionaries,
            words: [words, lists],
            host_chunks,
            askers,
            batches,
            gaps,
            twigs,
            chunks,
        })
    }
}

impl ChunkNote {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, NotAnEntry> {
        let rows = from.small::<usize>()?;
        if rows > super::CHUNK {
            return Err(NotAnEntry);
        }
        let mut chunk = Self { rows, ids: (RecordId(from.number()?), RecordId(from.number()?)), whos: (from.small()?, from.small()?), ..Self::default() };
        for blob in chunk.groups.iter_mut().chain([&mut chunk.filter]) {
            *blob = Blob::decode(from)?;
        }
        Ok(chunk)
    }
}

/// The batches of a segment as bytes.
pub(super) fn encode_batches(batches: &[BatchNote]) -> Vec<u8> {
    let (mut out, mut last) = (Encoder::default(), RecordId(0));
    out.number(batches.len() as u64);
    for batch in batches {
        out.number(u64::from(batch.opened));
        out.number(u64::from(batch.closed));
        if let Some(first) = batch.first {
            out.signed(first.ms().wrapping_sub(last.ms()).cast_signed());
            out.number(first.counter());
            last = first;
        }
        out.0.extend(batch.check);
    }
    out.0
}

/// The batches of a segment.
pub(super) fn decode_batches(bytes: &[u8]) -> Result<Vec<BatchNote>, SegmentError> {
    let (mut from, mut last) = (Decoder::new(bytes), 0u64);
    let count: usize = from.small()?;
    let mut batches = Vec::with_capacity(count.min(bytes.len() / LEAST_BATCH));
    for _ in 0..count {
        let (opened, closed) = (from.small()?, from.small()?);
        let first = if opened == 0 {
            None
        } else {
            last = last.wrapping_add(from.signed()?.cast_unsigned());
            Some(RecordId::of_parts(last, from.number()?))
        };
        batches.push(BatchNote { first, opened, closed, check: <[u8; 4]>::try_from(from.bytes(4)?).map_err(|_| NotAnEntry)? });
    }
    Ok(batches)
}

/// The gaps of a segment as bytes.
pub(super) fn encode_gaps(gaps: &[Gap]) -> Vec<u8> {
    let mut out = Encoder::default();
    out.number(gaps.len() as u64);
    for gap in gaps {
        out.number(gap.id.0);
        out.number(gap.why.code());
        out.number(u64::from(gap.opened.is_some()));
        out.0.extend(gap.opened.unwrap_or_default());
        match gap.closed {
            None => out.number(0),
            Some((batch, leaf)) => {
                out.number(batch);
                out.0.extend(leaf);
            }
        }
    }
    out.0
}

/// The gaps of a segment.
pub(super) fn decode_gaps(bytes: &[u8]) -> Result<Vec<Gap>, SegmentError> {
    let mut from = Decoder::new(bytes);
    let count: usize = from.small()?;
    let mut gaps = Vec::with_capacity(count.min(bytes.len() / 32));
    for _ in 0..count {
        let id = RecordId(from.number()?);
        let why = *Missing::CODES.get(from.small::<usize>()?).ok_or(NotAnEntry)?;
        let (is_opened, leaf) = (from.number()? == 1, digest(&mut from)?);
        let closed = match from.number()? {
            0 => None,
            batch => Some((batch, digest(&mut from)?)),
        };
        gaps.push(Gap { id, why, opened: is_opened.then_some(leaf), closed });
    }
    Ok(gaps)
}

/// The twigs of a segment as bytes.
pub(super) fn encode_twigs(twigs: &[Twig]) -> Vec<u8> {
    let mut out = Encoder::default();
    out.number(twigs.len() as u64);
    for twig in twigs {
        out.number(twig.first as u64);
        out.number(twig.count as u64);
        out.0.extend(twig.hash);
    }
    out.0
}

/// The twigs of a segment.
pub(super) fn decode_twigs(bytes: &[u8]) -> Result<Vec<Twig>, SegmentError> {
    let mut from = Decoder::new(bytes);
    let count: usize = from.small()?;
    let mut twigs = Vec::with_capacity(count.min(bytes.len() / 32));
    for _ in 0..count {
        twigs.push(Twig { first: from.small()?, count: from.small()?, hash: digest(&mut from)? });
    }
    Ok(twigs)
}
