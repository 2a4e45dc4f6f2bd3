//! WebSockets as they are read (`socket`), with what is agreed of them, and what chat services are asked on them. The first byte chooses the side, whether
//! messages may be compressed, and the service; the second how the bytes are cut. What is read does not depend on the cuts, a step gives little, what a
//! message inflates to is bounded, and no more is counted than came.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::insight::ai::sockets::talking;
use usher::body::coding::{Limits, STEP};
use usher::scan::messages::Flattened;
use usher::socket::extensions::{Context, agreed, readable};
use usher::socket::{Control, Fault, Heard, Kind, LONGEST_CONTROL, Reader, Side};

const LIMITS: Limits = Limits { bytes: 4 << 20, ratio: 200, ratio_from: 1 << 20, layers: 3 };

#[derive(Debug, PartialEq)]
enum Event {
    Message(Kind, Vec<u8>, Vec<String>),
    Control(Control, Vec<u8>),
    Fault(Fault),
    /// What had come of a message when the bytes ended.
    Half(Vec<u8>),
}

fn read(which: u8, bytes: &[u8], piece: usize) -> Vec<Event> {
    let side = if which & 1 == 0 { Side::Client } else { Side::Server };
    let context = [None, Some(Context::Kept), Some(Context::Dropped)][usize::from(which >> 1) % 3];
    let (host, path) = [("copilot.microsoft.com", "/c/api/chat"), ("sydney.bing.com", "/sydney/ChatHub"), ("perplexity.ai", "/socket.io/")][usize::from(which >> 4) % 3];
    let talking = talking(host, path).expect("a service");
    let mut reader = Reader::new(side, context, LIMITS);
    let (mut events, mut room, mut flattened) = (Vec::new(), Vec::new(), Flattened::default());
    let mut message = None;
    for mut input in bytes.chunks(piece.max(1)) {
        loop {
            match reader.step(&mut input, &mut room) {
                Ok(Heard::All) => break,
                Ok(Heard::Begins(kind)) => {
                    let mut text = Vec::new();
                    flattened.begin(kind == Kind::Text, &mut text);
                    message = Some((kind, text, talking.message(), 0));
                }
                Ok(Heard::Bytes) => {
                    let (_, text, asked, length) = message.as_mut().expect("begun");
                    assert!(!room.is_empty() && room.len() <= STEP);
                    *length += room.len() as u64;
                    assert!(*length <= LIMITS.bytes.max(bytes.len() as u64));
                    flattened.feed(&room, text);
                    asked.feed(&room);
                }
                Ok(Heard::Ends) => {
                    let (kind, mut text, asked, _) = message.take().expect("begun");
                    flattened.end(&mut text);
                    events.push(Event::Message(kind, text, asked.end()));
                }
                Ok(Heard::Control(control)) => {
                    assert!(room.len() <= LONGEST_CONTROL);
                    events.push(Event::Control(control, room.clone()));
                }
                Err(fault) => {
                    let ends = matches!(fault, Fault::Broken(_));
                    events.push(Event::Fault(fault));
                    if ends {
                        return events;
                    }
                }
            }
        }
        assert!(input.is_empty() || reader.is_closed());
    }
    events.extend(message.map(|(_, text, ..)| Event::Half(text)));
    let counted = reader.counts();
    assert!(counted.bytes.iter().sum::<u64>() <= bytes.len() as u64);
    events
}

/// How dense something is depends on how much was read by then.
fn is_dense(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Fault(Fault::Unreadable(_))))
}

fuzz_target!(|bytes: &[u8]| {
    let [which, cut, bytes @ ..] = bytes else { return };
    let (whole, pieces) = (read(*which, bytes, bytes.len()), read(*which, bytes, usize::from(*cut)));
    if !is_dense(&whole) && !is_dense(&pieces) {
        assert_eq!(whole, pieces);
    }
    if let Ok(field) = std::str::from_utf8(bytes) {
        // What is offered can be read, and is said again as it is.
        let offered = readable(std::iter::once(field));
        if let Some(offered) = &offered {
            assert_eq!(readable(std::iter::once(offered.as_str())).as_ref(), Some(offered));
        }
        if matches!(agreed(std::iter::once(field)), Ok(Some(_))) {
            assert!(offered.is_some(), "what may be agreed may be offered");
        }
    }
});
