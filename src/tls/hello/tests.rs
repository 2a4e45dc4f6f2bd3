//! Hellos of real programs, whole and in pieces; hellos that are broken, one way at a time; what two readers must agree on.

use super::super::ja4::{Class, Ja4};
use super::*;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio_rustls::rustls;

/// What a program sent as the first bytes of a tunnel: recorded from the program its name tells, with its version. Those of `foxio` are from FoxIO's own
/// captures `tls-sni` and `tls12`, and that of `cyberchef`, with a protocol named by a space, from CyberChef's tests, where all three stand as bytes.
fn sent(program: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/seeds/hello/");
    std::fs::read(format!("{folder}{program}")).unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Program; server; protocols; whether ECH is offered; JA4. The JA4 were computed by another program from the same bytes; that of Chromium 156 is the one
/// FoxIO publish for their capture `sigalg-grease`, those of `foxio` the ones FoxIO publish, and the last of the three what CyberChef expects.
const PROGRAMS: [(&str, &str, &str, bool, &str); 19] = [
    ("chromium-156", "www.school.example", "h2,http/1.1", true, "t13d1517h2_8daaf6152771_cb7bf5808d99"),
    ("chromium-156-address", "", "h2,http/1.1", true, "t13i1516h2_8daaf6152771_cb7bf5808d99"),
    ("chromium-156-resumed", "www.school.example", "h2,http/1.1", true, "t13d1518h2_8daaf6152771_e2d80978ab2e"),
    ("chromium-156-websocket", "www.school.example", "http/1.1", true, "t13d1517h1_8daaf6152771_c4a234726a38"),
    ("curl-7", "www.school.example", "h2,http/1.1", false, "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"),
    ("curl-7-address", "", "h2,http/1.1", false, "t13i3111h2_e8f1e7e78f70_b26ce05bbdd6"),
    ("cyberchef-space", "dev.contentgrab.net", " ", false, "t13d181220_85036bcba153_d41ae481755e"),
    ("firefox-153", "www.school.example", "h2,http/1.1", true, "t13d1617h2_86a278354501_3cbfd9057e0d"),
    ("firefox-153-fallback", "firefox.settings.services.mozilla.com", "h2,http/1.1", false, "t12d1311h2_e7a2acfcf94e_810e2f290f6f"),
    ("foxio-chrome", "content-autofill.googleapis.com", "h2,http/1.1", false, "t13d1516h2_8daaf6152771_e5627efa2ab1"),
    ("foxio-firefox", "contile.services.mozilla.com", "h2,http/1.1", false, "t13d1715h2_5b57614c22b0_3d5424432f57"),
    ("git-2", "www.school.example", "h2,http/1.1", false, "t13d2912h2_723694b0fccc_288f874c93d6"),
    ("java-17", "www.school.example", "", false, "t13d371200_db35923f8641_7c76daad20ec"),
    ("node-20", "www.school.example", "h2,http/1.1", false, "t13d5911h2_a33745022dd6_1f22a2ca17c4"),
    ("openssl-3-no-name", "", "", false, "t13i310900_e8f1e7e78f70_1f22a2ca17c4"),
    ("openssl-3-tls12", "www.school.example", "", false, "t12d280700_d943125447b4_e7e480e5a997"),
    ("python-3.6", "www.school.example", "", false, "t13d751100_479067518aa3_d41ae481755e"),
    ("requests-2", "www.school.example", "http/1.1", false, "t13d1812h1_85036bcba153_b26ce05bbdd6"),
    ("wget-1", "www.school.example", "", false, "t13d291300_723694b0fccc_899037bd0b8c"),
];

fn read_hello(bytes: &[u8]) -> Hello {
    match read(bytes) {
        Read::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

/// The message that was sent, out of its records.
fn message_of(bytes: &[u8]) -> Vec<u8> {
    message(bytes).expect("sound").expect("whole").bytes.into_owned()
}

/// A message in records that end where `cuts` say.
fn in_records(message: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut ends: Vec<usize> = cuts.iter().copied().filter(|cut| (1..message.len()).contains(cut)).chain([message.len()]).collect();
    ends.sort_unstable();
    ends.dedup();
    let mut start = 0;
    let mut bytes = Vec::new();
    for end in ends {
        bytes.extend([0x16, 3, 1]);
        bytes.extend(u16::try_from(end - start).expect("a short record").to_be_bytes());
        bytes.extend(&message[start..end]);
        start = end;
    }
    bytes
}

fn in_record(message: &[u8]) -> Vec<u8> {
    in_records(message, &[])
}

#[test]
fn the_hello_of_each_program_is_read() {
    for (program, server, protocols, ech, ja4) in PROGRAMS {
        let bytes = sent(program);
        let hello = read_hello(&bytes);
        let name = if server.is_empty() { Name::Absent } else { Name::Host(Host::parse(server).expect("a host")) };
        assert_eq!(hello.name, name, "{program}");
        let offered: Vec<_> = hello.alpn.iter().map(|name| std::str::from_utf8(name).expect("text")).collect();
        assert_eq!(offered.join(","), protocols, "{program}");
        assert!(offered.iter().all(|name| hello.alpn.offers(name.as_bytes())) && !hello.alpn.offers(b"h3"));
        assert_eq!(hello.ech != Ech::Absent, ech, "{program}");
        assert_eq!(Ja4::of(&hello).as_str(), ja4, "{program}");
        let newest = if ja4.starts_with("t13") { 0x0304 } else { 0x0303 };
        assert_eq!((hello.newest_version(), hello.legacy_version, hello.length), (newest, 0x0303, bytes.len()), "{program}");
        assert_eq!(hello.has(extension::PRE_SHARED_KEY), program.ends_with("resumed") || program.ends_with("websocket"), "{program}");
    }
}

#[test]
fn the_connections_of_one_browser_are_of_one_class_and_no_other_program_is() {
    let mut classes: HashMap<Class, HashSet<&str>> = HashMap::new();
    for (program, ..) in PROGRAMS {
        // What a browser tries when its first hello came to nothing has another list of ciphers, and is another class; OpenSSL was called in two ways.
        let of = if program.ends_with("fallback") { program } else { program.split('-').next().expect("a word") };
        let of = if of == "foxio" || of == "openssl" { program } else { of };
        classes.entry(Class::of(&read_hello(&sent(program)))).or_default().insert(of);
    }
    assert!(classes.values().all(|programs| programs.len() == 1), "{classes:?}");
    let programs: HashSet<_> = classes.values().flatten().collect();
    assert_eq!(programs.len(), classes.len(), "{classes:?}");
}

/// Two who read the same bytes must find the same, or one can be led past the other.
#[test]
fn rustls_reads_the_same() {
    for (program, ..) in PROGRAMS {
        let bytes = sent(program);
        let mut acceptor = rustls::server::Acceptor::default();
        acceptor.read_tls(&mut &bytes[..]).expect("bytes");
        let accepted = acceptor.accept().unwrap_or_else(|(error, _)| panic!("{program}: {error}")).expect("whole");
        let (theirs, ours) = (accepted.client_hello(), read_hello(&bytes));
        let name = if let Name::Host(host) = &ours.name { Some(host.as_str()) } else { None };
        assert_eq!(theirs.server_name(), name, "{program}");
        assert_eq!(theirs.alpn().into_iter().flatten().collect::<Vec<_>>(), ours.alpn.iter().collect::<Vec<_>>(), "{program}");
        assert_eq!(theirs.cipher_suites().iter().map(|suite| u16::from(*suite)).collect::<Codes>(), ours.ciphers, "{program}");
        assert_eq!(theirs.signature_schemes().iter().map(|scheme| u16::from(*scheme)).collect::<Codes>(), ours.signatures, "{program}");
    }
}

#[test]
fn every_beginning_of_a_hello_asks_for_more() {
    for (program, ..) in PROGRAMS {
        let bytes = sent(program);
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), Read::More, "{program} cut at {cut}");
        }
    }
}

#[test]
fn a_hello_that_rustls_spreads_over_records_is_read() {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    for fragment in [None, Some(64)] {
        config.max_fragment_size = fragment;
        let server = "www.school.example".try_into().expect("a name");
        let mut client = rustls::ClientConnection::new(Arc::new(config.clone()), server).expect("a client");
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("memory");
        let hello = read_hello(&bytes);
        assert_eq!(hello.name, Name::Host(Host::parse("www.school.example").expect("a host")));
        assert!(hello.alpn.offers(b"h2") && hello.newest_version() == 0x0304 && hello.length == bytes.len());
    }
}

/// A hello in parts, to be put together whole or with one of them wrong.
struct Parts {
    session: Vec<u8>,
    ciphers: Vec<u8>,
    compression: Vec<u8>,
    extensions: Option<Vec<u8>>,
    after: Vec<u8>,
}

impl Parts {
    fn new(extensions: &[(u16, &[u8])]) -> Self {
        let extensions = extensions.iter().flat_map(|(number, body)| [&number.to_be_bytes()[..], &long(body)].concat()).collect();
        Self { session: vec![0], ciphers: long(&[0x13, 0x01, 0xc0, 0x2f]), compression: vec![1, 0], extensions: Some(extensions), after: Vec::new() }
    }

    fn message(&self) -> Vec<u8> {
        let extensions = self.extensions.as_deref().map(long).unwrap_or_default();
        message_with(&[&[3, 3][..], &[7; 32], &self.session, &self.ciphers, &self.compression, &extensions, &self.after].concat())
    }

    fn read(&self) -> Read {
        read(&in_record(&self.message()))
    }
}

fn message_with(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short message").to_be_bytes();
    [&[1, length[1], length[2], length[3]][..], body].concat()
}

fn long(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).expect("a short part").to_be_bytes()[..], body].concat()
}

/// An SNI of these names.
fn names(names: &[&[u8]]) -> Vec<u8> {
    long(&names.iter().flat_map(|name| [&[0][..], &long(name)].concat()).collect::<Vec<_>>())
}

#[test]
fn a_name_is_one_host_or_its_own_answer() {
    let host = |text: &str| Name::Host(Host::parse(text).expect("a host"));
    for (sni, name) in [
        (names(&[b"www.school.example"]), host("www.school.example")),
        (names(&[b"WWW.School.example"]), host("www.school.example")),
        (names(&[b"www.school.example."]), host("www.school.example")),
        (names(&[b"xn--bcher-kva.example"]), host("xn--bcher-kva.example")),
        (names(&[b"intranet"]), host("intranet")),
        (names(&[b"a.example", b"b.example"]), Name::Unusable(BadName::Two)),
        (names(&[b"10.0.0.1"]), Name::Unusable(BadName::Address)),
        (names(&[b"2001:db8::1"]), Name::Unusable(BadName::Address)),
        (names(&[b"[2001:db8::1]"]), Name::Unusable(BadName::Address)),
        (names(&[b"0x7f.1"]), Name::Unusable(BadName::Address)),
        (names(&["bücher.example".as_bytes()]), Name::Unusable(BadName::NoHost)),
        (names(&[b"g%61mes.example"]), Name::Unusable(BadName::NoHost)),
        (names(&[b"games.example\0.school.example"]), Name::Unusable(BadName::NoHost)),
        (names(&[b"games.example:443"]), Name::Unusable(BadName::NoHost)),
        (names(&[b"\xff\xfe"]), Name::Unusable(BadName::NoHost)),
        (names(&[&[b'a'; 300]]), Name::Unusable(BadName::NoHost)),
        (names(&[b""]), Name::Unusable(BadName::NoHost)),
        (names(&[b"."]), Name::Unusable(BadName::NoHost)),
        // An empty list; none; another kind of name, alone and beside; a length too long and too short.
        (names(&[]), Name::Unusable(BadName::Unreadable)),
        (vec![], Name::Unusable(BadName::Unreadable)),
        (long(b"\x01\0\x01a"), Name::Unusable(BadName::Unreadable)),
        (long(b"\0\0\x01a\x01\0\x01b"), Name::Unusable(BadName::Unreadable)),
        (long(b"\0\0\x02a"), Name::Unusable(BadName::Unreadable)),
        (b"\0\x04\0\0\x01ab".to_vec(), Name::Unusable(BadName::Unreadable)),
    ] {
        let hello = read_hello(&in_record(&Parts::new(&[(0, &sni)]).message()));
        assert_eq!(hello.name, name, "{sni:x?}");
    }
    let one = names(&[b"a.example"]);
    for second in [&one[..], b""] {
        let twice = Parts::new(&[(0, &one), (0, second)]).message();
        assert_eq!(read_hello(&in_record(&twice)).name, Name::Unusable(BadName::Two));
    }
    assert_eq!(read_hello(&in_record(&Parts::new(&[]).message())).name, Name::Absent);
}

#[test]
fn a_broken_hello_is_refused_by_name() {
    let broken = |change: fn(&mut Parts)| {
        let mut parts = Parts::new(&[(23, b"")]);
        change(&mut parts);
        parts.read()
    };
    for (what, read, malformed) in [
        ("a session of 33 bytes", broken(|parts| parts.session = [&[33][..], &[1; 33]].concat()), Malformed::Session),
        ("no ciphers", broken(|parts| parts.ciphers = long(&[])), Malformed::Ciphers),
        ("half a cipher", broken(|parts| parts.ciphers = long(&[1, 2, 3])), Malformed::Ciphers),
        ("no compression methods", broken(|parts| parts.compression = vec![0]), Malformed::Compression),
        ("only deflate", broken(|parts| parts.compression = vec![1, 1]), Malformed::Compression),
        ("bytes after the extensions", broken(|parts| parts.after = vec![0]), Malformed::Length),
        ("half a length of extensions", broken(|parts| (parts.extensions, parts.after) = (None, vec![0])), Malformed::Length),
        ("half an extension", broken(|parts| parts.extensions = Some(vec![0, 23, 0])), Malformed::Length),
        ("an extension beyond the end", broken(|parts| parts.extensions = Some(vec![0, 23, 0, 1])), Malformed::Length),
        ("a session beyond the end", read(&in_record(&message_with(&[&[3, 3][..], &[7; 32], &[9]].concat()))), Malformed::Length),
        ("a hello of nothing", read(&in_record(&[1, 0, 0, 0])), Malformed::Length),
        ("an extension twice", Parts::new(&[(23, b""), (5, b""), (23, b"")]).read(), Malformed::Twice(23)),
        ("ALPN twice", Parts::new(&[(16, b"\0\x03\x02h2"), (16, b"\0\x03\x02h2")]).read(), Malformed::Twice(16)),
        ("an ALPN of nothing", Parts::new(&[(16, b"\0\0")]).read(), Malformed::Extension(16)),
        ("a protocol without a name", Parts::new(&[(16, b"\0\x04\x02h2\0")]).read(), Malformed::Extension(16)),
        ("a protocol beyond the end", Parts::new(&[(16, b"\0\x03\x03h2")]).read(), Malformed::Extension(16)),
        ("ALPN with something after", Parts::new(&[(16, b"\0\x03\x02h2\0")]).read(), Malformed::Extension(16)),
        ("no versions", Parts::new(&[(43, b"\0")]).read(), Malformed::Extension(43)),
        ("half a version", Parts::new(&[(43, b"\x03\x03\x04\x03")]).read(), Malformed::Extension(43)),
        ("half a signature algorithm", Parts::new(&[(13, b"\0\x01\x04")]).read(), Malformed::Extension(13)),
        ("an inner ECH in the clear", Parts::new(&[(0xfe0d, b"\x01")]).read(), Malformed::Extension(0xfe0d)),
        ("an ECH of nothing", Parts::new(&[(0xfe0d, b"\0\0\x01\0\x01\x07\0\0\0\0")]).read(), Malformed::Extension(0xfe0d)),
        ("an empty record", read(b"\x16\x03\x01\0\0"), Malformed::EmptyRecord),
        ("a record over 16 KiB", read(b"\x16\x03\x01\x40\x01"), Malformed::LongRecord),
        ("a ServerHello", read(b"\x16\x03\x03\0\x05\x02"), Malformed::NotHello),
        ("a hello over 64 KiB", read(b"\x16\x03\x01\x40\0\x01\0\xff\xfd"), Malformed::TooLong),
        ("a hello of 16 MiB", read(b"\x16\x03\x01\x40\0\x01\xff\xff\xff"), Malformed::TooLong),
    ] {
        assert_eq!(read, Read::Malformed(malformed), "{what}");
    }
}

#[test]
fn nothing_stands_between_the_parts_or_after_them_in_a_record() {
    let message = Parts::new(&[(0, &names(&[b"a.example"]))]).message();
    let two = in_records(&message, &[20]);
    let first = RECORD_HEAD + 20;
    for (between, malformed) in [
        (&b"\x15\x03\x01\0\x02\x01\0"[..], Malformed::Interrupted),
        (b"\x14\x03\x03\0\x01\x01", Malformed::Interrupted),
        (b"\x17\x03\x03\0\x01\x01", Malformed::Interrupted),
        (b"GET / HTTP/1.1\r\n", Malformed::Interrupted),
        (b"\x16\x03\x01\0\0", Malformed::EmptyRecord),
    ] {
        let bytes = [&two[..first], between, &two[first..]].concat();
        assert_eq!(read(&bytes), Read::Malformed(malformed), "{between:x?}");
    }
    let followed = [&message[..], &[0]].concat();
    assert_eq!(read(&in_record(&followed)), Read::Malformed(Malformed::Followed));
    assert_eq!(read(&in_records(&followed, &[20])), Read::Malformed(Malformed::Followed));
    // In a record of its own it is the caller's: data that the client sends at once.
    let early = [&two[..], b"\x17\x03\x03\0\x05hello"].concat();
    assert_eq!(read_hello(&early).length, two.len());
}

#[test]
fn limits_hold() {
    let message = Parts::new(&[(21, &[0; 300])]).message();
    let cuts: Vec<usize> = (1..MOST_RECORDS).map(|record| record * 5).collect();
    assert_eq!(read_hello(&in_records(&message, &cuts)).length, message.len() + MOST_RECORDS * RECORD_HEAD);
    let more: Vec<usize> = (1..=MOST_RECORDS).map(|record| record * 5).collect();
    assert_eq!(read(&in_records(&message, &more)), Read::Malformed(Malformed::ManyRecords));

    let numbered = |extensions: u16| (1000..1000 + extensions).map(|number| (number, &b""[..])).collect::<Vec<_>>();
    assert!(matches!(Parts::new(&numbered(256)).read(), Read::Hello(_)));
    assert_eq!(Parts::new(&numbered(257)).read(), Read::Malformed(Malformed::ManyExtensions));

    // The longest hello, in the fewest records.
    let frame = Parts::new(&[(21, b"")]).message().len();
    let longest = Parts::new(&[(21, &vec![0; MOST_MESSAGE - frame])]).message();
    let bytes = in_records(&longest, &[MOST_RECORD, 2 * MOST_RECORD, 3 * MOST_RECORD]);
    assert_eq!((longest.len(), read_hello(&bytes).length), (MOST_MESSAGE, bytes.len()));
    assert_eq!(read(&bytes[..bytes.len() - 1]), Read::More);
}

#[test]
fn a_hello_without_extensions_is_one() {
    let mut parts = Parts::new(&[]);
    parts.extensions = None;
    let hello = read_hello(&in_record(&parts.message()));
    assert_eq!((hello.newest_version(), Ja4::of(&hello).as_str()), (0x0303, "t12i020000_c1929292aa6b_000000000000"));
}

#[test]
fn grease_is_no_version() {
    let hello = read_hello(&in_record(&Parts::new(&[(43, b"\x04\xfa\xfa\x03\x03")]).message()));
    assert_eq!(hello.newest_version(), 0x0303);
    assert_eq!((0..=u16::MAX).filter(|code| is_grease(*code)).count(), 16);
}

#[test]
fn of_ech_what_can_be_told_is_told() {
    let hello = read_hello(&in_record(&Parts::new(&[(0xfe0d, b"\0\0\x01\0\x01\x2a\0\x02xx\0\x03abc")]).message()));
    assert_eq!(hello.ech, Ech::Offered { key: 42, payload: 3 });
}

proptest! {
    /// However it is cut into records, a hello is the same; and only its last byte makes it one.
    #[test]
    fn records_and_segments_make_no_difference(
        program in 0..PROGRAMS.len(),
        cuts in prop::collection::vec(0..2300_usize, 0..31),
        more in ".{0,40}",
        cut in any::<Index>(),
    ) {
        let bytes = sent(PROGRAMS[program].0);
        let whole = read_hello(&bytes);
        let recut = in_records(&message_of(&bytes), &cuts);
        let expected = Hello { length: recut.len(), ..whole };
        prop_assert_eq!(read(&[&recut[..], more.as_bytes()].concat()), Read::Hello(expected));
        prop_assert_eq!(read(&recut[..cut.index(recut.len())]), Read::More);
    }

    /// Whatever comes: nothing panics, what is said is not taken back when more comes, and what is asked for has an end.
    #[test]
    fn an_answer_stays(program in 0..PROGRAMS.len(), changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6), cut in any::<Index>()) {
        let mut bytes = sent(PROGRAMS[program].0);
        for (at, byte) in changes {
            *at.get_mut(&mut bytes) = byte;
        }
        let early = read(&bytes[..cut.index(bytes.len())]);
        let late = read(&bytes);
        if let Read::Hello(hello) = &late {
            prop_assert_eq!((Ja4::of(hello).as_str().len(), Class::of(hello).to_string().len()), (36, 32));
        }
        prop_assert!(early == Read::More || early == late, "{early:?} became {late:?}");
    }

    #[test]
    fn noise_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = read(&bytes);
        let _ = read(&in_record(&message_with(&bytes)));
    }
}
