//! Content codings undone (`body::coding`). The first byte chooses the codings, the second how the body is cut. Nothing panics, a step gives little, the
//! limits hold, and a body that is read to its end is the same wherever it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::body::coding::{Decoder, Limits, STEP, Stepped, Unreadable};

const CODINGS: [&str; 8] = ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, gzip", "deflate, deflate, gzip", "br, zstd"];
const LIMITS: Limits = Limits { bytes: 4 << 20, ratio: 200, ratio_from: 1 << 20, layers: 3 };

fn decoded<'a>(codings: &str, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, Unreadable> {
    let mut decoder = Decoder::new([codings].into_iter(), LIMITS)?;
    let (mut out, mut read) = (Vec::new(), 0);
    for mut input in pieces {
        read += input.len() as u64;
        loop {
            let before = out.len();
            let stepped = decoder.step(&mut input, &mut out)?;
            assert!(out.len() - before <= STEP);
            assert!(out.len() as u64 <= LIMITS.bytes && (out.len() as u64 <= LIMITS.ratio_from || out.len() as u64 <= read * LIMITS.ratio));
            if stepped == Stepped::Drained {
                break;
            }
        }
        assert!(input.is_empty());
    }
    Ok(out)
}

fuzz_target!(|bytes: &[u8]| {
    let [which, cut, body @ ..] = bytes else { return };
    let codings = CODINGS[usize::from(*which) % CODINGS.len()];
    let whole = decoded(codings, std::iter::once(body));
    let pieces = decoded(codings, body.chunks(usize::from(*cut).max(1)));
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => assert!(whole == pieces),
        (Err(_), Err(_)) => {}
        // Only how dense it is depends on how much was read by then.
        (Err(Unreadable::TooDense(_)), Ok(_)) | (Ok(_), Err(Unreadable::TooDense(_))) => {}
        (whole, pieces) => panic!("{:?} {:?}", whole.map(|out| out.len()), pieces.map(|out| out.len())),
    }
});
