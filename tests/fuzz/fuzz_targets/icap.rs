//! Answers of ICAP servers (`antivirus::icap::answer`). The first byte says how the rest is cut: it is read the same however it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::antivirus::icap::answer::{Head, Malformed, Progress, Reader};

type Told = Result<(Head, Option<u16>, Vec<u8>, bool), Malformed>;

fn read(bytes: &[u8], piece: usize) -> Told {
    let (mut reader, mut body, mut done) = (Reader::default(), Vec::new(), false);
    for mut part in bytes.chunks(piece.max(1)) {
        while !part.is_empty() && !done {
            let (count, progress) = reader.take(part, &mut |bytes| body.extend_from_slice(bytes))?;
            assert!(count > 0, "it takes nothing and is not done");
            part = &part[count..];
            done = progress == Progress::Done;
        }
    }
    done |= reader.take(&[], &mut |_| {})?.1 == Progress::Done;
    Ok((reader.head().clone(), reader.response_status(), body, done))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    assert_eq!(read(bytes, usize::from(*cut)), read(bytes, bytes.len()));
});
