//! Wisp (`bypass::wisp`) as messages of a WebSocket hold it, and the paths of its older relative (`bypass::wsproxy`). The first byte says how the message is
//! cut. What is read does not depend on the cuts; little is kept; what is taken for a first message of Wisp's is what the protocol says; and a stream's
//! host is one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use usher::bypass::wisp::{Beginning, Connect, LONGEST_CONNECT, Look, Packet, Side, Type};
use usher::bypass::wsproxy;
use usher::host::Host;

fn read(side: Side, message: &[u8], cut: usize) -> (Look, Packet) {
    let (mut beginning, mut packet) = (Beginning::new(side), Packet::default());
    for piece in message.chunks(cut.max(1)) {
        beginning.feed(piece);
        packet.feed(piece);
        assert!(beginning.kept().len() <= LONGEST_CONNECT && packet.kept().len() <= LONGEST_CONNECT);
    }
    (beginning.end(), packet)
}

fuzz_target!(|bytes: &[u8]| {
    let [cut, message @ ..] = bytes else { return };
    for side in [Side::Client, Side::Server] {
        let (look, packet) = read(side, message, usize::from(*cut));
        let (whole, at_once) = read(side, message, message.len());
        assert_eq!(look, whole);
        assert_eq!((packet.head(), packet.connect()), (at_once.head(), at_once.connect()));
        match (look, message.first()) {
            (Look::Wisp(1), Some(1)) => {
                let connect = Connect::parse(message).expect("a CONNECT");
                assert!(side == Side::Client && connect.stream != 0 && connect.port != 0 && connect.host.is_some());
                assert_eq!(packet.connect(), Some(connect));
            }
            (Look::Wisp(1), Some(3)) => assert!(side == Side::Server && message.len() == 9 && message[1..5] == [0; 4]),
            (Look::Wisp(2), Some(5)) => assert!(message.len() >= 7 && message[1..6] == [0, 0, 0, 0, 2]),
            (Look::Not, _) => {}
            (look, first) => panic!("{look:?} of {first:?}"),
        }
        if let Some(head) = packet.head() {
            assert_eq!(head.of == Type::Connect, packet.connect().is_some());
        }
        if let Some(host) = packet.connect().and_then(|connect| connect.host) {
            assert_eq!(Host::parse(host.as_str()).as_ref(), Ok(&host));
        }
    }
    if let Ok(path) = std::str::from_utf8(message)
        && let Some((host, port)) = wsproxy::target(path)
    {
        assert!(port != 0 && Host::parse(host.as_str()) == Ok(host));
        assert!(wsproxy::by_path(path).is_some_and(|finding| finding.target.is_some()));
    }
});
