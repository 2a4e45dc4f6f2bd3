//! A segment, read whole: to be written anew, or held against what was signed.

use crate::audit::entry::{self, Closed, Decoder, Digest, Encoder, Judgement, Opened, Who};
use crate::audit::key::to_hex;
use crate::audit::record::RecordId;
use crate::audit::segment::columns::Group;
use crate::audit::segment::{Line, Segment, SegmentError};
use std::path::Path;
use std::sync::Arc;

/// A segment and what its rows share.
pub(in crate::audit) struct Source {
    pub(in crate::audit) segment: Segment,
    pub(in crate::audit) whos: Vec<Who>,
    pub(in crate::audit) judgements: Arc<Vec<Judgement>>,
    pub(in crate::audit) shapes: Arc<Vec<Box<[u8]>>>,
    pub(in crate::audit) texts: Arc<Vec<Box<str>>>,
    /// As people write them.
    pub(in crate::audit) hosts: Vec<String>,
    who_digests: Vec<Digest>,
    judgement_digests: Vec<Digest>,
}

/// A row of it.
pub(in crate::audit) struct Record<'s> {
    pub(in crate::audit) line: Line<'s>,
    source: &'s Source,
}

const LOST: SegmentError = SegmentError::Damaged("a row names what is in no dictionary");

fn at<T>(all: &[T], number: u32) -> Result<&T, SegmentError> {
    all.get(number as usize).ok_or(LOST)
}

impl Source {
    /// Opens a file that the journal has signed with this digest.
    pub(in crate::audit) fn open(path: &Path, digest: &str) -> Result<Self, SegmentError> {
        Self::of(Self::segment(path, digest)?)
    }

    /// The same, with nothing read of it but its directory.
    pub(in crate::audit) fn segment(path: &Path, digest: &str) -> Result<Segment, SegmentError> {
        let segment = Segment::open(path)?;
        if to_hex(&segment.digest) == digest { Ok(segment) } else { Err(SegmentError::Damaged("it is not the file that was sealed")) }
    }

    /// A segment, whatever was signed.
    pub(in crate::audit) fn of(segment: Segment) -> Result<Self, SegmentError> {
        let (whos, hosts) = (segment.whos()?, segment.hosts()?);
        let judgements = segment.judgements()?;
        let names = (0..u32::try_from(hosts.len()).unwrap_or(u32::MAX)).map(|number| hosts.host(number).ok_or(LOST));
        Ok(Self {
            who_digests: whos.digests(),
            judgement_digests: judgements.iter().map(|judgement| entry::shared_digest(&judgement.encoded())).collect(),
            hosts: names.collect::<Result<_, _>>()?,
            shapes: segment.shapes()?,
            texts: segment.texts()?,
            whos: whos.rows.clone(),
            judgements,
            segment,
        })
    }

    /// Shows every row, in the order of the file.
    pub(in crate::audit) fn each(&self, mut show: impl FnMut(&Record<'_>) -> Result<(), SegmentError>) -> Result<(), SegmentError> {
        (0..self.segment.directory.chunks.len()).try_for_each(|chunk| self.each_of(chunk, &mut show))
    }

    /// Shows every row of a chunk.
    pub(in crate::audit) fn each_of(&self, chunk: usize, mut show: impl FnMut(&Record<'_>) -> Result<(), SegmentError>) -> Result<(), SegmentError> {
        let chunk = self.segment.chunk(chunk);
        let (ids, whos, hosts, verdicts, endings) = (chunk.ids()?, chunk.whos()?, chunk.hosts()?, chunk.verdicts()?, chunk.endings()?);
        let (path_bytes, origin_bytes) = (chunk.group(Group::Path)?, chunk.group(Group::Origin)?);
        let (paths, origins) = (chunk.paths(&path_bytes)?, chunk.origins(&origin_bytes, &ids)?);
        for row in 0..ids.len() {
            let (origin, (judgement, shape), (ending, check)) = (origins[row], verdicts[row], endings[row]);
            let line = Line {
                id: ids[row],
                time_ms: origin.time_ms,
                who: whos[row],
                host: hosts[row],
                judgement,
                shape,
                path: paths[row],
                referrer: origin.referrer,
                cause: origin.cause,
                term: origin.term,
                ending,
                check,
            };
            show(&Record { line, source: self })?;
        }
        Ok(())
    }
}

impl Record<'_> {
    pub(in crate::audit) fn host(&self) -> Result<&str, SegmentError> {
        at(&self.source.hosts, self.line.host).map(String::as_str)
    }

    fn referrer(&self) -> Result<Option<&str>, SegmentError> {
        self.line.referrer.map(|number| at(&self.source.hosts, number).map(String::as_str)).transpose()
    }

    fn text(&self, number: Option<u32>) -> Result<Option<&str>, SegmentError> {
        number.map(|number| at(&self.source.texts, number).map(|text| &**text)).transpose()
    }

    pub(in crate::audit) fn who(&self) -> Result<&Who, SegmentError> {
        at(&self.source.whos, self.line.who)
    }

    pub(in crate::audit) fn judgement(&self) -> Result<&Judgement, SegmentError> {
        at(&self.source.judgements, self.line.judgement)
    }

    /// The canonical bytes of its opening, from what the columns hold.
    pub(in crate::audit) fn opened(&self) -> Result<Vec<u8>, SegmentError> {
        let line = &self.line;
        let shape = Decoder::new(at(&self.source.shapes, line.shape)?).shape()?;
        let opened =
            Opened { time_ms: line.time_ms, shape, host: self.host()?, path: line.path, referrer: self.referrer()?, cause: line.cause, term: line.term };
        let mut bytes = Encoder::default();
        bytes.opened(&opened);
        Ok(bytes.0)
    }

    /// The canonical bytes of its ending.
    pub(in crate::audit) fn closed(&self) -> Result<Option<Vec<u8>>, SegmentError> {
        let Some(ending) = &self.line.ending else { return Ok(None) };
        let closed = Closed {
            status: ending.status,
            outcome: ending.outcome,
            bytes_up: ending.bytes_up,
            bytes_down: ending.bytes_down,
            duration_us: ending.duration_us,
            upstream: self.text(ending.upstream)?,
            note: self.text(ending.note)?,
        };
        let mut bytes = Encoder::default();
        bytes.closed(&closed);
        Ok(Some(bytes.0))
    }

    /// The leaves of its opening and of its ending.
    pub(in crate::audit) fn leaves(&self) -> Result<Leaves, SegmentError> {
        let (line, source) = (&self.line, self.source);
        let (who, judgement) = (at(&source.who_digests, line.who)?, at(&source.judgement_digests, line.judgement)?);
        let opened = entry::opened_leaf(line.id, source.segment.directory.class, who, judgement, &self.opened()?);
        let closed = line.ending.zip(self.closed()?).map(|(ending, bytes)| (ending.batch, entry::closed_leaf(line.id, &bytes)));
        Ok(Leaves { id: line.id, opened, closed })
    }
}

/// The leaves of a record.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Leaves {
    pub(in crate::audit) id: RecordId,
    pub(in crate::audit) opened: Digest,
    /// With the batch it was committed in.
    pub(in crate::audit) closed: Option<(u64, Digest)>,
}
