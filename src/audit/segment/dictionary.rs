//! What rows share, each once and sorted, so that a row needs a small number for it.

use super::SegmentError;
use super::blob::{Blob, BlobWriter};
use crate::audit::entry::{self, Decoder, Digest, Encoder, Judgement, Person, Who};
use crate::insight::Kind;
use fst::{IntoStreamer, Streamer};
use std::fs::File;
use std::io::{self, Write};

/// A host with its labels the other way round: a site and all below it lie together.
pub(in crate::audit) fn reversed(host: &str) -> String {
    host.rsplit('.').collect::<Vec<_>>().join(".")
}

/// All that the rows of a segment share, sorted.
#[derive(Default)]
pub(in crate::audit) struct Dictionaries {
    /// By person.
    pub(in crate::audit) whos: Vec<Who>,
    pub(in crate::audit) judgements: Vec<Judgement>,
    /// Canonical bytes.
    pub(in crate::audit) shapes: Vec<Box<[u8]>>,
    /// Addresses connected to and notes.
    pub(in crate::audit) texts: Vec<Box<str>>,
    /// Of requests and of `Referer`, each reversed.
    pub(in crate::audit) hosts: Vec<String>,
}

/// Where the dictionaries lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::audit) struct DictionaryBlobs {
    pub(super) whos: Blob,
    pub(super) judgements: Blob,
    pub(super) shapes: Blob,
    pub(super) texts: Blob,
    pub(super) hosts: Blob,
}

fn list<'a>(items: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Encoder::default();
    out.number(items.len() as u64);
    for item in items {
        out.number(item.len() as u64);
        out.0.extend_from_slice(item);
    }
    out.0
}

pub(super) fn unlist<T>(bytes: &[u8], read: impl Fn(&[u8]) -> Result<T, SegmentError>) -> Result<Vec<T>, SegmentError> {
    let mut from = Decoder::new(bytes);
    let count: usize = from.small()?;
    // Each takes more room than its bytes did.
    let mut items = Vec::with_capacity(count.min(bytes.len() / 16));
    for _ in 0..count {
        let length = from.small()?;
        items.push(read(from.bytes(length)?)?);
    }
    Ok(items)
}

impl Dictionaries {
    pub(super) fn write(&self, out: &mut BlobWriter<impl Write>) -> io::Result<DictionaryBlobs> {
        let whos: Vec<_> = self.whos.iter().map(Who::encoded).collect();
        let judgements: Vec<_> = self.judgements.iter().map(Judgement::encoded).collect();
        let hosts = fst::Map::from_iter(self.hosts.iter().zip(0u64..)).map_err(io::Error::other)?;
        Ok(DictionaryBlobs {
            whos: out.compressed(&list(whos.iter().map(Vec::as_slice)))?,
            judgements: out.compressed(&list(judgements.iter().map(Vec::as_slice)))?,
            shapes: out.compressed(&list(self.shapes.iter().map(|shape| &**shape)))?,
            texts: out.compressed(&list(self.texts.iter().map(|text| text.as_bytes())))?,
            hosts: out.as_it_is(hosts.as_fst().as_bytes())?,
        })
    }
}

/// The people of a segment.
pub(in crate::audit) struct Whos {
    pub(in crate::audit) rows: Vec<Who>,
}

impl Whos {
    pub(super) fn read(file: &File, blobs: &DictionaryBlobs) -> Result<Self, SegmentError> {
        Ok(Self { rows: unlist(&blobs.whos.read(file)?, |bytes| Ok(Decoder::new(bytes).who()?))? })
    }

    /// Digests as in the leaves.
    pub(in crate::audit) fn digests(&self) -> Vec<Digest> {
        self.rows.iter().map(|who| entry::shared_digest(&who.encoded())).collect()
    }
}

/// For each of these, sorted, the number of its person.
pub(in crate::audit) fn persons(whos: &[Who]) -> Vec<u32> {
    let (mut number, mut last): (u32, Option<Person<'_>>) = (0, None);
    whos.iter()
        .map(|who| {
            number += u32::from(last.is_some_and(|last| last != who.person()));
            last = Some(who.person());
            number
        })
        .collect()
}

/// For each of these shapes, the place in [`Kind::NAMES`] of its kind.
pub(super) fn kinds(shapes: &[Box<[u8]>]) -> Vec<u8> {
    let kind = |shape: &[u8]| Decoder::new(shape).shape().ok().map(|shape| shape.kind);
    let place = |kind| Kind::NAMES.iter().position(|(_, known)| Some(*known) == kind);
    shapes.iter().map(|shape| place(kind(shape)).and_then(|place| u8::try_from(place).ok()).unwrap_or_default()).collect()
}

pub(super) fn read_judgements(file: &File, blobs: &DictionaryBlobs) -> Result<Vec<Judgement>, SegmentError> {
    unlist(&blobs.judgements.read(file)?, |bytes| Ok(Decoder::new(bytes).judgement()?))
}

pub(super) fn read_shapes(file: &File, blobs: &DictionaryBlobs) -> Result<Vec<Box<[u8]>>, SegmentError> {
    unlist(&blobs.shapes.read(file)?, |bytes| {
        // Read once here, so that it reads ever after.
        Decoder::new(bytes).shape()?;
        Ok(bytes.into())
    })
}

pub(super) fn read_texts(file: &File, blobs: &DictionaryBlobs) -> Result<Vec<Box<str>>, SegmentError> {
    unlist(&blobs.texts.read(file)?, |bytes| std::str::from_utf8(bytes).map(Box::from).map_err(|_| SegmentError::Damaged("a text is no text")))
}

/// The hosts of a segment.
pub(in crate::audit) struct Hosts(fst::Map<Vec<u8>>);

impl Hosts {
    pub(super) fn read(file: &File, blobs: &DictionaryBlobs) -> Result<Self, SegmentError> {
        fst::Map::new(blobs.hosts.read(file)?).map(Self).map_err(|_| SegmentError::Damaged("the hosts cannot be read"))
    }

    pub(in crate::audit) fn len(&self) -> usize {
        self.0.len()
    }

    /// The host with this number, as people write it.
    pub(in crate::audit) fn host(&self, number: u32) -> Option<String> {
        let mut key = Vec::new();
        self.0.as_fst().get_key_into(u64::from(number), &mut key).then_some(())?;
        Some(reversed(std::str::from_utf8(&key).ok()?))
    }

    /// The numbers of a host and of all below it: the host's own, and a range.
    pub(in crate::audit) fn and_below(&self, host: &str) -> Vec<u32> {
        let reversed = reversed(host);
        let mut numbers: Vec<_> = self.0.get(&reversed).into_iter().collect();
        let mut below = self.0.range().ge(format!("{reversed}.")).lt(format!("{reversed}/")).into_stream();
        while let Some((_, number)) = below.next() {
            numbers.push(number);
        }
        numbers.into_iter().filter_map(|number| u32::try_from(number).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_turned_round_twice_is_itself() {
        for host in ["", "a", "www.youtube.com", "10.0.0.1", "[::1]", "a..b", ".a", "a.", "."] {
            assert_eq!(reversed(&reversed(host)), host);
        }
        assert_eq!(reversed("www.youtube.com"), "com.youtube.www");
    }
}
