//! What kind of file something is (`kinds`). The first byte says how the rest is coded and cut: the same is found however it is cut, as a file, as the
//! files in a form, and as the value of `Content-Disposition`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::kinds::coding::Coding;
use usher::kinds::multipart::{Event, Multipart};
use usher::kinds::reader::{Note, Reader};
use usher::kinds::name;

fn notes(bytes: &[u8], coding: Coding, piece: usize) -> Vec<String> {
    let mut reader = Reader::new(coding, true);
    bytes.chunks(piece.max(1)).for_each(|part| reader.take(part));
    reader.finish();
    let mut notes: Vec<_> = reader.notes().map(|note: Note| format!("{note:?}")).collect();
    notes.sort();
    notes
}

fn parts(bytes: &[u8], piece: usize) -> Vec<(Vec<String>, Vec<u8>, bool)> {
    let mut reader = Multipart::of("multipart/form-data; boundary=x").expect("a form");
    let mut parts = Vec::new();
    let mut each = |event: Event<'_>| match event {
        Event::Part { names, .. } => parts.push((names, Vec::new(), false)),
        Event::Bytes(bytes) => parts.last_mut().expect("a part").1.extend_from_slice(bytes),
        Event::End => parts.last_mut().expect("a part").2 = true,
    };
    bytes.chunks(piece.max(1)).for_each(|part| reader.take(part, &mut each));
    reader.end(&mut each);
    parts
}

fuzz_target!(|bytes: &[u8]| {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let piece = usize::from(how >> 3) + 1;
    match how & 7 {
        0..=2 => assert_eq!(notes(bytes, Coding::Plain, piece), notes(bytes, Coding::Plain, bytes.len())),
        3 => assert_eq!(parts(bytes, piece), parts(bytes, bytes.len())),
        4 => name::of_disposition(bytes).iter().for_each(|name| drop(name::ending(name))),
        coded => drop(notes(bytes, [Coding::Gzip, Coding::Brotli, Coding::Zstd][usize::from(coded - 5)], piece)),
    }
});
