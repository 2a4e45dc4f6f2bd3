//! Evidence packs (`audit::pack`): a stranger's zip is unpacked and held against itself. No byte of a pack is altered without its being noticed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use std::sync::LazyLock;
use usher::audit::pack::{Files, Report, unpack, verify, write};
use usher::report::evidence::draw;

/// A small pack, as `usher log pack` made it.
static WHOLE: &[u8] = include_bytes!("../seeds/pack/zip");
static FILES: LazyLock<Files> = LazyLock::new(|| unpack(WHOLE).expect("a zip").files);

fn look(zip: &[u8]) -> Option<Report> {
    verify(unpack(zip).ok()?, None, &draw).ok()
}

fn is_noticed(report: &Report) -> bool {
    !report.problems.is_empty() || !report.remarks.is_empty()
}

fn zip(files: &Files) -> Vec<u8> {
    let mut zip = Cursor::new(Vec::new());
    write(files, &mut zip).expect("written");
    zip.into_inner()
}

/// Bytes laid over others from a place on, which the first two say.
fn over(bytes: &[u8], whole: &[u8]) -> Vec<u8> {
    let mut altered = whole.to_vec();
    if let Some((at, over)) = bytes.split_first_chunk::<2>() {
        let at = usize::from(u16::from_le_bytes(*at)) % altered.len();
        altered.iter_mut().skip(at).zip(over).for_each(|(byte, over)| *byte ^= over);
    }
    altered
}

fuzz_target!(|bytes: &[u8]| {
    // Strangers' bytes, alone and laid over a pack.
    assert!(look(bytes).as_ref().is_none_or(is_noticed));
    let altered = over(bytes, WHOLE);
    assert!(altered == WHOLE || look(&altered).as_ref().is_none_or(is_noticed), "the zip is altered");
    // And as each of its files, laid over it or in its place.
    let Some((which, rest)) = bytes.split_first() else { return };
    let name = FILES.keys().nth(usize::from(*which) % FILES.len()).expect("a file");
    for altered in [over(rest, &FILES[name]), rest.to_vec()] {
        if altered == FILES[name] {
            continue;
        }
        let mut files = FILES.clone();
        files.insert(name.clone(), altered);
        let report = look(&zip(&files));
        assert!(report.is_none_or(|report| !report.problems.is_empty()), "{name} is altered");
    }
});
