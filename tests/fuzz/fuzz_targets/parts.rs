//! Bodies of several parts (`body::parts`). The first byte chooses what the body says it is and how it is cut; the boundary is `b`. Nothing panics; parts begin
//! before they end, and all do; what is read does not depend on the cuts; no more comes out than went in. Parts of parts are read the same way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::body::parts::{Event, Head, Parts};

const TYPES: [&str; 4] = ["multipart/form-data; boundary=b", "multipart/mixed; boundary=b", "message/rfc822", "multipart/related; boundary=bb"];

type Read = Vec<(Head, Vec<u8>)>;

fn read<'a>(mut parts: Parts, pieces: impl Iterator<Item = &'a [u8]>) -> Read {
    let (mut found, mut open) = (Read::new(), false);
    let mut take = |event: Event<'_>| match event {
        Event::Begins(head) => {
            assert!(!std::mem::replace(&mut open, true), "a part within a part");
            found.push((head.clone(), Vec::new()));
        }
        Event::Bytes(bytes) => {
            assert!(open && !bytes.is_empty());
            found.last_mut().expect("a part").1.extend_from_slice(bytes);
        }
        Event::Ends => assert!(std::mem::replace(&mut open, false)),
    };
    pieces.for_each(|piece| parts.feed(piece, &mut take));
    parts.end(&mut take);
    assert!(!open);
    found
}

fn all(parts: &Parts, body: &[u8], size: usize) -> Read {
    let whole = read(parts.clone(), std::iter::once(body));
    assert_eq!(read(parts.clone(), body.chunks(size)), whole);
    assert!(whole.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= body.len());
    whole
}

fuzz_target!(|bytes: &[u8]| {
    let Some((how, body)) = bytes.split_first() else { return };
    let size = usize::from(how >> 2) + 1;
    let mut rest = all(&Parts::of(TYPES[usize::from(how & 3)]).expect("parts"), body, size);
    while let Some((head, bytes)) = rest.pop() {
        rest.extend(head.inner().map(|inner| all(&inner, &bytes, size)).into_iter().flatten());
    }
});
