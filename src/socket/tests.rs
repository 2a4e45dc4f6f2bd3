use super::*;
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

const LIMITS: Limits = Limits { bytes: 4 << 20, ratio: 200, ratio_from: 1 << 20, layers: 3 };
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame as this side sends it; its first byte as it is.
fn frame(side: Side, first: u8, payload: &[u8]) -> Vec<u8> {
    let bit = if side == Side::Client { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(bit | u8::try_from(short).expect("short")),
        middle @ 126..=0xffff => frame.extend([&[bit | 126][..], &u16::try_from(middle).expect("two bytes").to_be_bytes()].concat()),
        long => frame.extend([&[bit | 127][..], &(long as u64).to_be_bytes()].concat()),
    }
    if side == Side::Client {
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        frame.extend(payload);
    }
    frame
}

/// A message compressed, without its tail.
fn packed(compress: &mut Compress, message: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), message);
    loop {
        out.reserve(message.len() + 1024);
        let before = compress.total_in();
        compress.compress_vec(rest, &mut out, FlushCompress::Sync).expect("compressed");
        rest = &rest[usize::try_from(compress.total_in() - before).expect("in memory")..];
        if rest.is_empty() && out.len() < out.capacity() {
            break;
        }
    }
    if out.is_empty() {
        // Section 7.2.3.6.
        return vec![0];
    }
    assert!(out.ends_with(&TAIL));
    out.truncate(out.len() - TAIL.len());
    out
}

/// What was heard of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Message(Kind, Vec<u8>),
    Control(Control, Vec<u8>),
    Fault(Fault),
}

fn read(side: Side, context: Option<Context>, pieces: &[&[u8]]) -> Vec<Event> {
    let mut reader = Reader::new(side, context, LIMITS);
    let (mut events, mut message, mut room) = (Vec::new(), None, Vec::new());
    for piece in pieces {
        let mut input = *piece;
        loop {
            let before = input.len();
            match reader.step(&mut input, &mut room) {
                Ok(Heard::All) => break,
                Ok(Heard::Begins(kind)) => message = Some((kind, Vec::new())),
                Ok(Heard::Bytes) => {
                    assert!(!room.is_empty() && room.len() <= PIECE, "{}", room.len());
                    message.as_mut().expect("begun").1.extend_from_slice(&room);
                }
                Ok(Heard::Ends) => events.extend(message.take().map(|(kind, bytes)| Event::Message(kind, bytes))),
                Ok(Heard::Control(control)) => events.push(Event::Control(control, room.clone())),
                Err(fault) => {
                    let ends = matches!(fault, Fault::Broken(_));
                    events.push(Event::Fault(fault));
                    if ends {
                        return events;
                    }
                }
            }
            assert!(input.len() <= before);
        }
        assert!(input.is_empty() || reader.is_closed());
    }
    events
}

fn text(text: &str) -> Event {
    Event::Message(Kind::Text, text.into())
}

#[test]
fn the_examples_of_the_standard_are_read() {
    // RFC 6455 section 5.7, RFC 7692 section 7.2.3.
    let long = vec![7; 65536];
    for (side, context, bytes, expected) in [
        (Side::Server, None, &[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f][..], vec![text("Hello")]),
        (Side::Client, None, &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], vec![text("Hello")]),
        (Side::Server, None, &[0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f], vec![text("Hello")]),
        (Side::Server, None, &[0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], vec![Event::Control(Control::Ping, b"Hello".into())]),
        (Side::Client, None, &[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], vec![Event::Control(Control::Pong, b"Hello".into())]),
        (Side::Server, None, &[&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0], &long[..]].concat(), vec![Event::Message(Kind::Binary, long.clone())]),
        (Side::Server, Some(Context::Kept), &[0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], vec![text("Hello")]),
        (Side::Server, Some(Context::Kept), &[0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00], vec![text("Hello")]),
        // The second with what came before, as the first, in a block of its own, not compressed, and in one that ends a stream.
        (
            Side::Server,
            Some(Context::Kept),
            &[0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xc1, 0x05, 0xf2, 0x00, 0x11, 0x00, 0x00],
            vec![text("Hello"), text("Hello")],
        ),
        (Side::Server, Some(Context::Kept), &[0xc1, 0x0b, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00], vec![text("Hello")]),
        (Side::Server, Some(Context::Kept), &[0xc1, 0x08, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], vec![text("Hello")]),
        (Side::Server, Some(Context::Kept), &[0xc1, 0x0d, 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00], vec![text("Hello")]),
    ] {
        assert_eq!(read(side, context, &[bytes]), expected, "{bytes:x?}");
        assert_eq!(read(side, context, &bytes.chunks(1).collect::<Vec<_>>()), expected, "byte by byte: {bytes:x?}");
    }
}

#[test]
fn what_no_browser_takes_is_broken() {
    use Broken::{Control as C, Length, Mask, Opcode, Order, Reserved};
    for (side, context, bytes, why) in [
        (Side::Server, None, &[0xc1, 0x00][..], Reserved),
        (Side::Server, Some(Context::Kept), &[0xa1, 0x00], Reserved),
        (Side::Server, Some(Context::Kept), &[0x91, 0x00], Reserved),
        (Side::Server, Some(Context::Kept), &[0x01, 0x00, 0xc0, 0x00], Reserved),
        (Side::Server, Some(Context::Kept), &[0xc9, 0x00], Reserved),
        (Side::Server, None, &[0x83], Opcode),
        (Side::Server, None, &[0x8b], Opcode),
        (Side::Server, None, &[0x81, 0x80], Mask),
        (Side::Client, None, &[0x81, 0x00], Mask),
        (Side::Server, None, &[0x82, 0x7e, 0x00, 0x7d], Length),
        (Side::Server, None, &[0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff], Length),
        (Side::Server, None, &[0x82, 0x7f, 0x80, 0, 0, 0, 0, 1, 0, 0], Length),
        (Side::Server, None, &[0x09, 0x00], C),
        (Side::Server, None, &[0x89, 0x7e], C),
        (Side::Server, None, &[0x88, 0x01, 0x03], C),
        (Side::Server, None, &[0x80, 0x00], Order),
        (Side::Server, None, &[0x01, 0x00, 0x81, 0x00], Order),
        // HTTP, or whatever else somebody speaks there.
        (Side::Client, None, b"GET / HTTP/1.1\r\n\r\n", Opcode),
        (Side::Server, None, b"SSH-2.0-OpenSSH_9.2\r\n", Opcode),
    ] {
        assert_eq!(read(side, context, &[bytes]).last(), Some(&Event::Fault(why.into())), "{bytes:x?}");
    }
}

#[test]
fn after_a_close_nothing_is_read_and_a_frame_of_our_own_is_one() {
    let reason = "é".repeat(100);
    for side in [Side::Client, Side::Server] {
        let close = close_frame(side, 1008, &reason, MASK);
        let expected = [&1008u16.to_be_bytes()[..], &reason.as_bytes()[..122]].concat();
        assert_eq!(read(side, None, &[&close, b"\x81\x02hi", b"GET /"]), [Event::Control(Control::Close, expected)]);
    }
}

#[test]
fn a_bomb_is_seen_before_it_goes_off_and_the_rest_is_framed_on() {
    let mut compress = Compress::new(Compression::best(), false);
    let bomb = packed(&mut compress, &vec![b'a'; 3 << 20]);
    assert!(bomb.len() < 8 << 10);
    let after = [packed(&mut compress, b"it goes on"), packed(&mut compress, b"it goes on and on")];
    let bytes =
        [frame(Side::Client, 0xc1, &bomb), frame(Side::Client, 0xc1, &after[0]), frame(Side::Client, 0xc1, &after[1]), frame(Side::Client, 0x81, b"plain")];
    let bytes = bytes.concat();
    for size in [1, 1000, bytes.len()] {
        let events = read(Side::Client, Some(Context::Kept), &bytes.chunks(size).collect::<Vec<_>>());
        assert_eq!(events[0], Event::Fault(Unreadable::TooDense(LIMITS.ratio).into()));
        assert_eq!(events[2..], [text("it goes on"), text("it goes on and on"), text("plain")], "what refers to it is read");
    }
    // Its stream ends within the message, and another begins.
    let mut whole = Vec::with_capacity(8 << 10);
    Compress::new(Compression::best(), false).compress_vec(&vec![b'a'; 3 << 20], &mut whole, FlushCompress::Finish).expect("compressed");
    let two = [&whole[..], &packed(&mut Compress::new(Compression::best(), false), b" and more")].concat();
    let next = packed(&mut Compress::new(Compression::best(), false), b"it goes on");
    let bytes = [frame(Side::Client, 0xc1, &two), frame(Side::Client, 0xc1, &next)].concat();
    for size in [1, 1000, bytes.len()] {
        let events = read(Side::Client, Some(Context::Kept), &bytes.chunks(size).collect::<Vec<_>>());
        assert_eq!(events[0], Event::Fault(Unreadable::TooDense(LIMITS.ratio).into()));
        assert_eq!(events.last(), Some(&text("it goes on")));
    }
    let mut random = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        random.to_be_bytes()[0]
    })
    .take(5 << 20)
    .collect();
    let large = frame(Side::Server, 0xc2, &packed(&mut Compress::new(Compression::fast(), false), &noise));
    assert_eq!(read(Side::Server, Some(Context::Kept), &[&large])[0], Event::Fault(Unreadable::TooLarge(LIMITS.bytes).into()));
    let broken = frame(Side::Server, 0xc1, &[0xff; 20]);
    assert_eq!(read(Side::Server, Some(Context::Kept), &[&broken])[0], Event::Fault(Unreadable::Broken.into()));
}

#[test]
fn what_is_sent_is_counted_as_it_was_sent() {
    let mut compress = Compress::new(Compression::best(), false);
    let text = packed(&mut compress, &[b'a'; 1000]);
    let bytes = [frame(Side::Client, 0xc1, &text), frame(Side::Client, 0x02, &[1; 200]), frame(Side::Client, 0x80, &[2; 100]), frame(Side::Client, 0x89, b"x")];
    let mut reader = Reader::new(Side::Client, Some(Context::Kept), LIMITS);
    let (bytes, mut room) = (bytes.concat(), Vec::new());
    let mut input = &bytes[..];
    while reader.step(&mut input, &mut room).expect("sound") != Heard::All {}
    assert_eq!(reader.counts(), Counts { messages: [1, 1], bytes: [text.len() as u64, 300] });
}

/// What a side sends: messages in fragments, with control frames between.
#[derive(Clone, Debug)]
struct Sent {
    kind: Kind,
    packed: bool,
    bytes: Vec<u8>,
    fragments: usize,
    ping: Option<Vec<u8>>,
}

fn sent() -> impl Strategy<Value = Sent> {
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..300), "[a-c ]{0,2000}".prop_map(String::into_bytes), Just(vec![b'x'; 70_000])];
    (any::<bool>(), any::<bool>(), bytes, 1usize..5, prop::option::of(prop::collection::vec(any::<u8>(), 0..=LONGEST_CONTROL)))
        .prop_map(|(is_text, packed, bytes, fragments, ping)| Sent { kind: if is_text { Kind::Text } else { Kind::Binary }, packed, bytes, fragments, ping })
}

proptest! {
    #[test]
    fn what_was_sent_is_read_wherever_it_is_cut(
        messages in prop::collection::vec(sent(), 1..5),
        is_client in any::<bool>(),
        context in prop_oneof![Just(None), Just(Some(Context::Kept)), Just(Some(Context::Dropped))],
        sizes in prop::collection::vec(prop_oneof![1usize..20, 1usize..20_000], 1..20),
    ) {
        let side = if is_client { Side::Client } else { Side::Server };
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        let mut compress = Compress::new(Compression::default(), false);
        for Sent { kind, packed: is_packed, bytes: message, fragments, ping } in messages {
            let is_packed = is_packed && context.is_some();
            if context == Some(Context::Dropped) {
                compress = Compress::new(Compression::default(), false);
            }
            let payload = if is_packed { packed(&mut compress, &message) } else { message.clone() };
            let size = payload.len().div_ceil(fragments).max(1);
            let mut parts: Vec<&[u8]> = payload.chunks(size).collect();
            if parts.is_empty() {
                parts.push(b"");
            }
            let last = parts.len() - 1;
            for (number, part) in parts.iter().enumerate() {
                let opcode = if number > 0 { 0 } else if kind == Kind::Text { 1 } else { 2 };
                let first = opcode | if number == last { 0x80 } else { 0 } | if number == 0 && is_packed { 0x40 } else { 0 };
                bytes.extend(frame(side, first, part));
                if let (0, Some(ping)) = (number, &ping) {
                    bytes.extend(frame(side, 0x89, ping));
                    expected.push(Event::Control(Control::Ping, ping.clone()));
                }
            }
            // A message of one frame is over before its ping.
            let place = expected.len() - usize::from(last == 0 && ping.is_some());
            expected.insert(place, Event::Message(kind, message));
        }
        prop_assert_eq!(&read(side, context, &[&bytes]), &expected);
        let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(read(side, context, &pieces), expected);
    }

    #[test]
    fn no_bytes_break_the_reader_and_cuts_make_no_difference(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(vec![0x81, 0x01, 0x80, 0x82, 0xc1, 0x00, 0x05, 0x88, 0x89, 0x85, 0x7e, 0x7f])], 0..200),
        is_client in any::<bool>(),
        may_be_packed in any::<bool>(),
    ) {
        let side = if is_client { Side::Client } else { Side::Server };
        let context = may_be_packed.then_some(Context::Kept);
        prop_assert_eq!(read(side, context, &bytes.chunks(1).collect::<Vec<_>>()), read(side, context, &[&bytes]));
    }
}
