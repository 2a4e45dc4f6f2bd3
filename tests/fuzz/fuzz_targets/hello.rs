//! The first bytes of a tunnel (`tls::hello`). What rustls reads as a hello is read, and read the same; what is said of a beginning stays when more
//! comes; how a hello is cut into records makes no difference.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rustls::server::Acceptor;
use usher::tls::hello::{Hello, Malformed, Name, Read, read};
use usher::tls::ja4::{Class, Ja4};

const RECORD_HEAD: usize = 5;

fuzz_target!(|bytes: &[u8]| {
    let whole = read(bytes);
    for cut in (0..bytes.len().min(300)).chain((300..bytes.len()).step_by(97)) {
        let early = read(&bytes[..cut]);
        assert!(early == Read::More || early == whole, "cut at {cut}: {early:?} became {whole:?}");
    }
    let theirs = by_rustls(bytes);
    let hello = match whole {
        Read::Hello(hello) => hello,
        // Limits that are ours.
        Read::Malformed(Malformed::ManyRecords | Malformed::ManyExtensions) => return,
        other => return assert!(theirs.is_none(), "rustls reads a hello where {other:?}"),
    };

    assert!(hello.length <= bytes.len() && Ja4::of(&hello).as_str().len() == 36);
    assert_eq!(recut(bytes, &hello), hello, "in other records it is another");
    let Some(theirs) = theirs else { return };
    if let (Some(theirs), Name::Host(ours)) = (&theirs.server, &hello.name) {
        assert!(theirs.strip_suffix('.').unwrap_or(theirs).eq_ignore_ascii_case(ours.as_str()), "rustls reads the name {theirs:?}");
    }
    assert_eq!(theirs.protocols, hello.alpn.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
    assert_eq!((theirs.ciphers, theirs.signatures), (hello.ciphers.to_vec(), hello.signatures.to_vec()));
});

struct Theirs {
    server: Option<String>,
    protocols: Vec<Vec<u8>>,
    ciphers: Vec<u16>,
    signatures: Vec<u16>,
}

fn by_rustls(bytes: &[u8]) -> Option<Theirs> {
    let mut acceptor = Acceptor::default();
    let mut rest = bytes;
    loop {
        if let Some(accepted) = acceptor.accept().ok()? {
            let hello = accepted.client_hello();
            return Some(Theirs {
                server: hello.server_name().map(str::to_owned),
                protocols: hello.alpn().into_iter().flatten().map(<[u8]>::to_vec).collect(),
                ciphers: hello.cipher_suites().iter().map(|suite| u16::from(*suite)).collect(),
                signatures: hello.signature_schemes().iter().map(|scheme| u16::from(*scheme)).collect(),
            });
        }
        if rest.is_empty() || acceptor.read_tls(&mut rest).ok()? == 0 {
            return None;
        }
    }
}

/// The hello in up to 32 records, cut where its own bytes say; its length put back to what it was.
fn recut(bytes: &[u8], hello: &Hello) -> Hello {
    let (mut message, mut rest) = (Vec::new(), &bytes[..hello.length]);
    while let [_, _, _, high, low, ..] = *rest {
        let end = RECORD_HEAD + usize::from(u16::from_be_bytes([high, low]));
        message.extend(&rest[RECORD_HEAD..end]);
        rest = &rest[end..];
    }
    let (mut recut, mut left, mut records) = (Vec::new(), &message[..], 1);
    while !left.is_empty() {
        let length = if records == 32 { left.len() } else { usize::from(left[left.len() / 2]).clamp(1, left.len()) };
        recut.extend([0x16, 3, 3]);
        recut.extend(u16::try_from(length).expect("below 4 KiB").to_be_bytes());
        recut.extend(&left[..length]);
        left = &left[length..];
        records += 1;
    }
    match read(&recut) {
        Read::Hello(again) => {
            assert!(again.length == recut.len() && Class::of(&again) == Class::of(hello));
            Hello { length: hello.length, ..again }
        }
        other => panic!("in other records it is {other:?}"),
    }
}
