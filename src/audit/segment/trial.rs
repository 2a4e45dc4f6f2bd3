//! Any bytes, given to what reads a segment: for fuzzing, since those who change a file can also make its hashes right.
//!
//! Not tried so are the names and the words: they are read by `fst`, which trusts its bytes. Wherever those are asked, the directory was held against
//! the digest that is signed.

use super::askers::{self, Askers};
use super::columns;
use super::dictionary::unlist;
use super::directory::{Directory, decode_batches, decode_gaps, decode_twigs, encode_batches, encode_gaps, encode_twigs};
use super::words::{host_chunks, may_hold, unlisted};
use super::{CHUNK, Segment, SegmentError};
use crate::audit::entry::Decoder;
use crate::audit::record::RecordId;
use crate::audit::segment::words::Wanted;
use crate::audit::twigs::Tree;
use std::collections::HashSet;
use std::path::Path;

/// Opens a file as a segment and reads each of its bytes. How many records it says that it holds.
pub fn read_file(path: &Path) -> Result<u64, SegmentError> {
    let segment = Segment::open(path)?;
    segment.check()?;
    segment.whos()?;
    segment.judgements()?;
    segment.shapes()?;
    segment.texts()?;
    segment.batches()?;
    segment.gaps()?;
    segment.twigs()?;
    Ok(segment.directory.rows)
}

/// Reads bytes as each part of a segment. How many kinds of part they may be.
///
/// # Panics
///
/// If what was read is not what it is written as.
#[must_use]
pub fn read_as_every_part(bytes: &[u8]) -> usize {
    [directory(bytes), batches(bytes), gaps(bytes), twigs(bytes), dictionary(bytes), chunk(bytes), words(bytes), asked(bytes)]
        .into_iter()
        .filter(|is_one| *is_one)
        .count()
}

fn directory(bytes: &[u8]) -> bool {
    let Ok(directory) = Directory::decode(bytes) else { return false };
    assert_eq!(Directory::decode(&directory.encode()).ok(), Some(directory));
    true
}

fn batches(bytes: &[u8]) -> bool {
    let Ok(batches) = decode_batches(bytes) else { return false };
    assert_eq!(decode_batches(&encode_batches(&batches)).ok(), Some(batches));
    true
}

fn gaps(bytes: &[u8]) -> bool {
    let Ok(gaps) = decode_gaps(bytes) else { return false };
    assert_eq!(decode_gaps(&encode_gaps(&gaps)).ok(), Some(gaps));
    true
}

fn twigs(bytes: &[u8]) -> bool {
    let Ok(twigs) = decode_twigs(bytes) else { return false };
    assert_eq!(decode_twigs(&encode_twigs(&twigs)).ok().as_ref(), Some(&twigs));
    for (count, known) in [(0, 0), (twigs.len(), 3), (u32::MAX as usize, bytes.len())] {
        if let Some(places) = Tree::places(count, &twigs, known) {
            assert_eq!(places.len(), known);
            // That it ends is all that can be said of its root.
            let _ = Tree { count, twigs: &twigs, batch: &|place| places.binary_search(&place).ok().map(|_| [0; 32]) }.root();
        }
    }
    true
}

fn dictionary(bytes: &[u8]) -> bool {
    let whos = unlist(bytes, |bytes| Ok(Decoder::new(bytes).who()?)).is_ok();
    let judgements = unlist(bytes, |bytes| Ok(Decoder::new(bytes).judgement()?)).is_ok();
    let shapes = unlist(bytes, |bytes| Ok(Decoder::new(bytes).shape().map(drop)?)).is_ok();
    whos || judgements || shapes
}

/// Some bytes of the beginning say how many rows there are, and where the second of two groups begins.
fn chunk(bytes: &[u8]) -> bool {
    let [rows, middle, bytes @ ..] = bytes else { return false };
    let (rows, (first, second)) = ((usize::from(*rows) * 64).min(CHUNK), bytes.split_at(usize::from(*middle).min(bytes.len())));
    let ids: Vec<RecordId> = columns::ids(bytes, rows).unwrap_or_default();
    let read = [
        !ids.is_empty(),
        columns::whos(bytes, rows).is_ok(),
        columns::hosts(bytes, rows).is_ok(),
        columns::verdicts(bytes, rows).is_ok(),
        columns::paths(bytes, rows).is_ok(),
        columns::origins(second, &columns::ids(first, rows).unwrap_or_default()).is_ok_and(|origins| !origins.is_empty()),
        columns::endings(first, second, rows).is_ok(),
    ];
    read.contains(&true)
}

fn words(bytes: &[u8]) -> bool {
    let lists = host_chunks(bytes, bytes.len(), &HashSet::from([0, 1])).is_ok() || unlisted(bytes, |_| ()).is_ok();
    may_hold(bytes, &Wanted::new("a1b2c3d4", 4)) || lists
}

fn asked(bytes: &[u8]) -> bool {
    let least = RecordId::first_of(1_790_000_000_000);
    let list = askers::decode(bytes, least);
    if let Ok(list) = &list {
        assert_eq!(askers::decode(&askers::encode(list, least), least).ok().as_ref(), Some(list));
    }
    let index = Askers::decode(bytes);
    if let Ok(index) = &index {
        assert_eq!(Askers::decode(&index.encode()).ok().as_ref(), Some(index));
    }
    list.is_ok() || index.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::twigs::Twig;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read_as_every_part(&bytes);
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), &bytes).expect("written");
            prop_assert!(read_file(file.path()).is_err());
        }
    }

    #[test]
    fn numbers_that_no_segment_has_are_refused_before_there_is_room_made_for_them() {
        // As many as there are numbers, of which none follows.
        let many = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        for read in [directory, batches, gaps, twigs, dictionary, asked] {
            assert!(!read(&many));
        }
        let all = Twig { first: 0, count: usize::MAX, hash: [0; 32] };
        assert_eq!(Tree::places(usize::MAX, &[], 5), None);
        assert_eq!(Tree::places(usize::MAX, &[all, all], 5), None);
        assert_eq!(Tree::places(usize::MAX, &[all], 0), Some(Vec::new()));
    }
}
