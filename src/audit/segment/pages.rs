//! Lists of a segment, some hundreds on a page of the file, so that one is read without reading all.

use super::SegmentError;
use super::blob::{Blob, BlobWriter};
use crate::audit::entry::{Decoder, Encoder};
use std::fs::File;
use std::io::{self, Write};

/// A page ends with the list that makes it so long, in bytes.
const PAGE: u64 = 32 << 10;
/// The fewest bytes of a page in the index.
const LEAST: usize = 19;

/// Writes lists one after the other.
#[derive(Default)]
pub(super) struct PageWriter {
    page: Encoder,
    pages: Vec<Blob>,
}

impl PageWriter {
    /// Puts a list away. Returns its place, which is greater than that of the list before.
    pub(super) fn push(&mut self, list: &[u8], out: &mut BlobWriter<impl Write>) -> io::Result<u64> {
        let place = self.pages.len() as u64 * PAGE + self.page.0.len() as u64;
        self.page.number(list.len() as u64);
        self.page.0.extend_from_slice(list);
        if self.page.0.len() as u64 >= PAGE {
            self.end_page(out)?;
        }
        Ok(place)
    }

    fn end_page(&mut self, out: &mut BlobWriter<impl Write>) -> io::Result<()> {
        self.pages.push(out.compressed(&self.page.0)?);
        self.page.0.clear();
        Ok(())
    }

    /// Where the pages are.
    pub(super) fn finish(mut self, out: &mut BlobWriter<impl Write>) -> io::Result<Pages> {
        if !self.page.0.is_empty() {
            self.end_page(out)?;
        }
        Ok(Pages(self.pages))
    }
}

/// Where the pages of some lists are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pages(pub(super) Vec<Blob>);

impl Pages {
    pub(super) fn encode(&self, out: &mut Encoder) {
        out.number(self.0.len() as u64);
        self.0.iter().for_each(|page| page.encode(out));
    }

    pub(super) fn decode(from: &mut Decoder<'_>, most: usize) -> Result<Self, SegmentError> {
        let count: usize = from.small()?;
        let mut pages = Vec::with_capacity(count.min(most / LEAST));
        for _ in 0..count {
            pages.push(Blob::decode(from)?);
        }
        Ok(Self(pages))
    }

    /// For reading lists from the least place to the greatest.
    pub(super) fn reader<'p>(&'p self, file: &'p File) -> PageReader<'p> {
        PageReader { pages: self, file, page: None }
    }
}

/// Reads lists; those of one page with one read.
pub(super) struct PageReader<'p> {
    pages: &'p Pages,
    file: &'p File,
    page: Option<(u64, Vec<u8>)>,
}

impl PageReader<'_> {
    /// The list at this place.
    pub(super) fn list(&mut self, place: u64) -> Result<&[u8], SegmentError> {
        let lost = || SegmentError::Damaged("a list is not where it should be");
        let (number, offset) = (place / PAGE, usize::try_from(place % PAGE).map_err(|_| lost())?);
        if self.page.as_ref().is_none_or(|(known, _)| *known != number) {
            let blob = usize::try_from(number).ok().and_then(|number| self.pages.0.get(number)).ok_or_else(lost)?;
            self.page = Some((number, blob.read(self.file)?));
        }
        let page = self.page.as_ref().and_then(|(_, bytes)| bytes.get(offset..)).ok_or_else(lost)?;
        let mut from = Decoder::new(page);
        let length = from.small()?;
        Ok(from.bytes(length)?)
    }
}
