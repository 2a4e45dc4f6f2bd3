//! Forms that are sent with files in them (`scan::multipart`). The first byte says how the body is cut; the boundary is `b`. Nothing panics; parts begin before
//! they end; what is read does not depend on the cuts, and is part of the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::scan::multipart::{Multipart, Part};

type Read = Vec<(Option<String>, Vec<u8>, bool)>;

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Read {
    let mut multipart = Multipart::of("multipart/form-data; boundary=b").expect("a boundary");
    let mut parts = Read::new();
    for piece in pieces {
        multipart.feed(piece, &mut |part| match part {
            Part::Begins(kind) => {
                assert!(parts.last().is_none_or(|(_, _, ended)| *ended), "a part within a part");
                parts.push((kind.map(str::to_owned), Vec::new(), false));
            }
            Part::Bytes(bytes) => parts.last_mut().filter(|(_, _, ended)| !ended).expect("a part").1.extend_from_slice(bytes),
            Part::Ends => parts.last_mut().expect("a part").2 = true,
        });
    }
    parts
}

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, body)) = bytes.split_first() else { return };
    let whole = read(std::iter::once(body));
    assert_eq!(read(body.chunks(usize::from(*cut).max(1))), whole);
    assert!(whole.iter().map(|(_, bytes, _)| bytes.len()).sum::<usize>() <= body.len());
    for (_, bytes, _) in &whole {
        assert!(bytes.is_empty() || body.windows(bytes.len()).any(|window| window == bytes), "not in the body");
    }
});
