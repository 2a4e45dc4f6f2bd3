//! Streams of messages behind their lengths (`body::messages`), and the texts in messages of Protocol Buffers. The first byte chooses what the body says it is
//! and how it is cut. Nothing panics, what is read does not depend on the cuts, and every line of a text is a part of its message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::body::coding::Limits;
use usher::body::messages::{Event, MOST_HELD, Messages, texts};

const LIMITS: Limits = Limits { bytes: 1 << 20, ratio: 200, ratio_from: 1 << 16, layers: 1 };
const KINDS: [(&str, &[u8]); 4] =
    [("application/grpc", b"gzip"), ("application/connect+proto", b"deflate"), ("application/grpc-web-text", b""), ("application/protobuf", b"")];

fn read(kind: (&str, &[u8]), body: &[u8], size: usize) -> Option<Vec<Vec<u8>>> {
    let mut messages = Messages::of([kind.0], kind.1, LIMITS).expect("known").expect("messages");
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut take = |event: Event<'_>| match event {
        Event::Message(bytes) => {
            assert!(!bytes.is_empty() && bytes.len() <= MOST_HELD);
            found.push(bytes.to_vec());
        }
        Event::More(bytes) => found.last_mut().expect("a message").extend_from_slice(bytes),
    };
    for piece in body.chunks(size) {
        messages.feed(piece, &mut take).ok()?;
    }
    messages.end(&mut take).ok()?;
    Some(found)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((how, body)) = bytes.split_first() else { return };
    let kind = KINDS[usize::from(how & 3)];
    let whole = read(kind, body, body.len().max(1));
    // Only how dense a message is depends on how much of it was read by then.
    if let (Some(whole), Some(pieces)) = (&whole, read(kind, body, usize::from(how >> 2) + 1)) {
        assert_eq!(*whole, pieces);
    }
    for message in whole.iter().flatten() {
        texts(message, &mut |text| {
            // Runs of text in what is none are given as one text, a run a line.
            for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                assert!(message.windows(line.len()).any(|window| window == line));
            }
        });
    }
});
