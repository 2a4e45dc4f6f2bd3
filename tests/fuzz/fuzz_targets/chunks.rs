//! Chunked bodies (`proxy::chunks`). The first byte says how the rest is cut: the verdict and the end are the same however it is cut, and a
//! simple reader of its own finds the same end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::proxy::chunks::Chunks;
use usher::proxy::framing::Malformed;

/// Where a body ends, if it does, or why it is none; `piece` bytes are shown at a time.
fn end(bytes: &[u8], piece: usize) -> Result<Option<usize>, Malformed> {
    let (mut chunks, mut taken) = (Chunks::default(), 0);
    for bytes in bytes.chunks(piece.max(1)) {
        let (count, end) = chunks.advance(bytes)?;
        taken += count;
        if end {
            return Ok(Some(taken));
        }
        assert_eq!(count, bytes.len(), "bytes are left though the body goes on");
    }
    Ok(None)
}

/// The lengths of a body's parts, read with the library's own text functions: the end of the body and its content.
fn simple(bytes: &[u8]) -> Option<(usize, usize)> {
    let line = |from: usize| bytes[from..].windows(2).position(|two| two == b"\r\n").map(|at| (&bytes[from..from + at], from + at + 2));
    let (mut at, mut content) = (0, 0);
    loop {
        let (size, after) = line(at)?;
        let digits = size.split(|byte| *byte == b';').next()?;
        let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        at = after;
        if size == 0 {
            break;
        }
        content += size;
        at = at.checked_add(size)?;
        assert_eq!(bytes.get(at..at + 2)?, b"\r\n", "a chunk that does not end was accepted");
        at += 2;
    }
    loop {
        let (trailer, after) = line(at)?;
        at = after;
        if trailer.is_empty() {
            return Some((at, content));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let whole = end(bytes, bytes.len());
    assert_eq!(end(bytes, usize::from(*cut)), whole, "cut into pieces of {cut}");
    assert_eq!(end(bytes, 1), whole, "byte by byte");
    let at = usize::from(*cut).min(bytes.len());
    let mut chunks = Chunks::default();
    match (chunks.advance(&bytes[..at]), &whole) {
        (Ok((_, false)), Ok(Some(end))) => assert_eq!(chunks.advance(&bytes[at..]), Ok((end - at, true)), "cut once at {at}"),
        (Ok((_, false)), Ok(None)) => assert_eq!(chunks.advance(&bytes[at..]), Ok((bytes.len() - at, false)), "cut once at {at}"),
        (Ok((_, false)), Err(why)) => assert_eq!(chunks.advance(&bytes[at..]), Err(*why), "cut once at {at}"),
        (Ok((count, true)), whole) => assert_eq!(Ok(Some(count)), *whole),
        (Err(why), whole) => assert_eq!(Err(why), *whole),
    }
    if let Ok(Some(end)) = whole {
        let (same, content) = simple(bytes).expect("a body to a simple reader");
        assert_eq!(same, end, "two readers find two ends");
        assert!(content < end);
    }
});
