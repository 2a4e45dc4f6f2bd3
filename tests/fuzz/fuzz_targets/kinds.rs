//! What kind of file something is (`kinds`). The first byte says how the rest is coded and cut: the same is found however it is cut; and as the value
//! of `Content-Disposition`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::body::coding::{Coding, Codings};
use usher::kinds::name;
use usher::kinds::reader::{Note, Reader};

fn notes(bytes: &[u8], codings: impl Into<Codings>, piece: usize) -> Vec<String> {
    let mut reader = Reader::new(&codings.into(), true);
    bytes.chunks(piece.max(1)).for_each(|part| reader.take(part));
    reader.finish();
    let mut notes: Vec<_> = reader.notes().map(|note: Note| format!("{note:?}")).collect();
    notes.sort();
    notes
}

fuzz_target!(|bytes: &[u8]| {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let piece = usize::from(how >> 3) + 1;
    match how & 7 {
        0..=2 => assert_eq!(notes(bytes, Codings::default(), piece), notes(bytes, Codings::default(), bytes.len())),
        3 => name::of_disposition(bytes).iter().for_each(|name| drop(name::ending(name))),
        coded => drop(notes(bytes, [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd][usize::from(coded - 4)], piece)),
    }
});
