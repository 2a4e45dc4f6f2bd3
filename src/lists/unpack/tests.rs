use super::*;
use ::tar::{Builder, EntryType, Header};
use ::zip::write::SimpleFileOptions;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// A decompression bomb's piece: a megabyte of zeros.
const PIECE: usize = 1 << 20;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

fn header(kind: EntryType, name: &[u8], link: &[u8], size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    let old = header.as_old_mut();
    old.name[..name.len()].copy_from_slice(name);
    old.linkname[..link.len()].copy_from_slice(link);
    header.set_cksum();
    header
}

/// A tar of members: kind, name, and what it holds or where it leads.
fn tar(members: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (kind, name, holds) in members {
        let (link, content) = if kind.is_symlink() || kind.is_hard_link() { (*holds, &b""[..]) } else { (&b""[..], *holds) };
        tar.append(&header(*kind, name.as_bytes(), link, content.len() as u64), content).expect("appended");
    }
    tar.into_inner().expect("written")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default()).expect("begun");
        zip.write_all(content).expect("written");
    }
    zip.finish().expect("written").into_inner()
}

fn visit_within(bytes: &[u8], limits: Limits) -> Result<Vec<(String, String)>, UnpackError> {
    let mut found = Vec::new();
    visit(Cursor::new(bytes), limits, &mut |member| {
        found.push(match member {
            Found::File(name, content) => {
                let mut text = String::new();
                content.read_to_string(&mut text).map_err(UnpackError::Io)?;
                (name.to_owned(), text)
            }
            Found::Alias(name, target) => (name.to_owned(), format!("-> {target}")),
            Found::Refused(name, reason) => (name.to_owned(), format!("refused: {reason}")),
        });
        Ok::<_, UnpackError>(())
    })?;
    Ok(found)
}

fn visited(bytes: &[u8]) -> Vec<(String, String)> {
    visit_within(bytes, Limits::default()).expect("an archive")
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect()
}

fn opened(bytes: &[u8], limits: Limits) -> Result<String, UnpackError> {
    let mut text = String::new();
    open(bytes, "domains", limits, |content| content.read_to_string(&mut text).map(drop).map_err(UnpackError::Io))?;
    Ok(text)
}

#[test]
fn a_tar_is_read_packed_or_not_and_links_are_other_names() {
    let file = EntryType::Regular;
    let plain = tar(&[
        (EntryType::Directory, "blacklists/", b""),
        (file, "blacklists/publicite/domains", b"ads.example\n"),
        (EntryType::Symlink, "blacklists/ads", b"publicite"),
        (EntryType::Symlink, "blacklists/x/domains", b"../publicite/./domains"),
        (EntryType::Link, "hard", b"blacklists/publicite/domains"),
        (file, "./blacklists//games/domains", b""),
        (file, "games/urls.gz", &gz(b"news.example/play\n")),
    ]);
    let expected = pairs(&[
        ("blacklists/publicite/domains", "ads.example\n"),
        ("blacklists/ads", "-> blacklists/publicite"),
        ("blacklists/x/domains", "-> blacklists/publicite/domains"),
        ("hard", "-> blacklists/publicite/domains"),
        ("blacklists/games/domains", ""),
        ("games/urls", "news.example/play\n"),
    ]);
    assert_eq!(visited(&plain), expected);
    assert_eq!(visited(&gz(&plain)), expected);
    for archive in [&plain, &gz(&plain)] {
        assert!(is_archive(&mut Cursor::new(archive), Limits::default()).expect("read"));
    }
}

#[test]
fn a_zip_is_read_and_links_are_other_names() {
    let mut zip = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_directory("blacklists/", SimpleFileOptions::default()).expect("begun");
    zip.start_file("blacklists/publicite/domains", SimpleFileOptions::default()).expect("begun");
    zip.write_all(b"ads.example\n").expect("written");
    zip.add_symlink("blacklists/ads", "publicite", SimpleFileOptions::default()).expect("linked");
    zip.add_symlink("blacklists/out", "../../etc", SimpleFileOptions::default()).expect("linked");
    let bytes = zip.finish().expect("written").into_inner();
    assert!(is_archive(&mut Cursor::new(&bytes), Limits::default()).expect("read"));
    let expected = [
        ("blacklists/publicite/domains", "ads.example\n"),
        ("blacklists/ads", "-> blacklists/publicite"),
        ("blacklists/out", "refused: a link that leads out of the archive"),
    ];
    assert_eq!(visited(&bytes), pairs(&expected));
}

#[test]
fn what_leads_out_of_an_archive_is_refused_by_name_and_the_rest_is_read() {
    let file = EntryType::Regular;
    let deep = format!("{}domains", "a/".repeat(20));
    let bytes = tar(&[
        (file, "../evil", b"x"),
        (file, "games/../../evil", b"x"),
        (file, "/etc/passwd", b"x"),
        (file, "games\\..\\..\\evil", b"x"),
        (EntryType::Symlink, "games/out", b"../../etc"),
        (EntryType::Symlink, "games/abs", b"/etc/passwd"),
        (EntryType::Link, "hard", b"../x"),
        (EntryType::Block, "dev/sda", b""),
        (EntryType::Char, "dev/null", b""),
        (EntryType::Fifo, "pipe", b""),
        (file, &deep, b"x"),
        (file, "odd\u{1}name", b"x"),
        (file, "inner.zip", &zip(&[("domains", b"x")])),
        (file, "inner.tgz", &gz(&tar(&[(file, "domains", b"x")]))),
        (file, "twice.gz", &gz(&gz(b"x"))),
        (file, "games/domains", b"games.example\n"),
    ]);
    let outside = "refused: its name leads out of the archive";
    let leads = "refused: a link that leads out of the archive";
    let special = "refused: neither a file nor a folder nor a link";
    let within = "refused: an archive within an archive; unpack it first";
    let expected = [
        ("../evil", outside),
        ("games/../../evil", outside),
        ("/etc/passwd", outside),
        ("games\\..\\..\\evil", outside),
        ("games/out", leads),
        ("games/abs", leads),
        ("hard", leads),
        ("dev/sda", special),
        ("dev/null", special),
        ("pipe", special),
        (&*deep, "refused: in more folders within folders than is allowed"),
        ("odd\u{1}name", "refused: its name is not text in UTF-8, or is too long"),
        ("inner.zip", within),
        ("inner.tgz", within),
        ("twice.gz", within),
        ("games/domains", "games.example\n"),
    ];
    assert_eq!(visited(&bytes), pairs(&expected));
    let zipped = zip(&[("../evil", b"x"), ("/etc/passwd", b"x"), ("games/domains", b"games.example\n")]);
    assert_eq!(visited(&zipped), pairs(&[("../evil", outside), ("/etc/passwd", outside), ("games/domains", "games.example\n")]));
}

#[test]
fn long_names_are_read_as_far_as_names_go() {
    let long = format!("{}/domains", "a".repeat(200));
    let mut gnu = Builder::new(Vec::new());
    let mut short = Header::new_gnu();
    short.set_size(1);
    gnu.append_data(&mut short, &long, &b"x"[..]).expect("appended");
    assert_eq!(visited(&gnu.into_inner().expect("written")), pairs(&[(&*long, "x")]));

    let record = format!("path={long}\n");
    let record = format!("{} {record}", record.len() + 4);
    let extended = tar(&[(EntryType::XHeader, "pax", record.as_bytes()), (EntryType::Regular, "short", b"x")]);
    assert_eq!(visited(&extended), pairs(&[(&*long, "x")]));

    // A name that says it has a megabyte is passed over, not held.
    let huge = tar(&[(EntryType::GNULongName, "././@LongLink", &vec![b'a'; 1 << 20]), (EntryType::Regular, "short", b"x")]);
    assert_eq!(visited(&huge), pairs(&[("short", "x")]));
}

#[test]
fn one_file_is_opened_packed_or_not() {
    for bytes in [b"games.example\n".to_vec(), gz(b"games.example\n"), [gz(b"games."), gz(b"example\n")].concat()] {
        assert_eq!(opened(&bytes, Limits::default()).expect("read"), "games.example\n");
        assert!(!is_archive(&mut Cursor::new(&bytes), Limits::default()).expect("read"));
    }
    let file = [(EntryType::Regular, "domains", &b"x"[..])];
    for archive in [tar(&file), gz(&tar(&file)), zip(&[("domains", b"x")]), gz(&gz(b"x"))] {
        assert!(matches!(opened(&archive, Limits::default()), Err(UnpackError::ArchiveAmongLists)));
    }
    for (bytes, packing) in [(&b"\xfd7zXZ\0rest"[..], "xz"), (b"BZh91AY&SY", "bzip2"), (b"\x28\xb5\x2f\xfd\x04", "zstd")] {
        assert!(matches!(opened(bytes, Limits::default()), Err(UnpackError::Foreign(found)) if found == packing));
        assert!(matches!(is_archive(&mut Cursor::new(bytes), Limits::default()), Err(UnpackError::Foreign(found)) if found == packing));
    }
}

#[test]
fn an_archive_cut_short_anywhere_is_an_error() {
    let plain = tar(&[(EntryType::Regular, "a/domains", b"a.example\n"), (EntryType::Regular, "b/domains", &b"b.example\n".repeat(100))]);
    let packed = gz(&plain);
    let zipped = zip(&[("a/domains", b"a.example\n"), ("b/domains", &b"b.example\n".repeat(100))]);
    // One block of zeros ends a tar; a second may be missing.
    for (bytes, whole) in [(&plain, plain.len() - BLOCK), (&packed, packed.len()), (&zipped, zipped.len())] {
        assert_eq!(visited(bytes).len(), 2);
        for end in BLOCK.min(whole / 2)..whole {
            let cut = visit_within(&bytes[..end], Limits::default());
            assert!(matches!(cut, Err(UnpackError::Truncated | UnpackError::Corrupt(_))), "{end} of {whole}: {cut:?}");
        }
    }
    let list = gz(&b"a.example\n".repeat(1000));
    for end in 2..list.len() {
        let cut = opened(&list[..end], Limits::default());
        assert!(matches!(cut, Err(UnpackError::Truncated)), "{end}: {cut:?}");
    }
}

#[test]
fn a_damaged_archive_is_an_error() {
    let content = b"a.example\n".repeat(100);
    let packed = gz(&tar(&[(EntryType::Regular, "a/domains", &content)]));
    let zipped = zip(&[("a/domains", &content)]);
    for (bytes, at) in [(&packed, packed.len() - 6), (&packed, packed.len() / 2), (&zipped, 45)] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x55;
        let answer = visit_within(&bytes, Limits::default());
        assert!(matches!(answer, Err(UnpackError::Corrupt(_) | UnpackError::Truncated)), "{at}: {answer:?}");
    }
    let mut header_spoilt = tar(&[(EntryType::Regular, "a/domains", &content), (EntryType::Regular, "b/domains", &content)]);
    header_spoilt[BLOCK + 1024] ^= 0x55;
    assert!(matches!(visit_within(&header_spoilt, Limits::default()), Err(UnpackError::Corrupt(_))));
}

/// What a reader does that holds nothing: how much came before the error.
fn drained(bytes: &[u8], limits: Limits) -> (u64, UnpackError) {
    let mut read = 0;
    let error = open(bytes, "domains", limits, |content| {
        let mut into = vec![0; 64 * 1024];
        loop {
            match content.read(&mut into).map_err(UnpackError::Io)? {
                0 => return Ok::<_, UnpackError>(()),
                some => read += some as u64,
            }
        }
    });
    (read, error.expect_err("a bomb"))
}

#[test]
fn ten_gigabytes_in_ten_megabytes_are_stopped_at_once() {
    let bomb = gz(&vec![0; PIECE]).repeat(10 * 1024);
    assert!(bomb.len() < 64 << 20, "ten gigabytes are {} bytes", bomb.len());
    let (read, error) = drained(&bomb, Limits::default());
    assert!(matches!(error, UnpackError::Bomb(_)), "{error}");
    assert!(read <= ANY_RATIO_BELOW + (PIECE as u64), "{read} bytes were unpacked");
    assert!(error.to_string().contains("decompression bomb"), "{error}");

    // The same behind a header that says a member has ten gigabytes, and one that says nothing of the sort.
    for (size, expected) in [(10 << 30, "unpacks to more than 512 MiB"), (400 << 20, "decompression bomb")] {
        let header = header(EntryType::Regular, b"games/domains", b"", size);
        let bytes = [gz(header.as_bytes()), bomb.clone()].concat();
        let error = visit_within(&bytes, Limits::default()).expect_err("a bomb").to_string();
        assert!(error.contains(expected), "{error}");
    }
    let zipped = zip(&[("games/domains", &vec![b'\n'; 64 * PIECE])]);
    let error = visit_within(&zipped, Limits::default()).expect_err("a bomb");
    assert!(matches!(error, UnpackError::Bomb(_)), "{error}");
}

#[test]
fn every_cap_holds() {
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits { ratio: u64::MAX, ..Limits::default() };
        change(&mut limits);
        limits
    };
    let content = vec![b'\n'; PIECE];
    let plain = tar(&[(EntryType::Regular, "a/domains", &content), (EntryType::Regular, "b/domains", &content)]);
    let zipped = zip(&[("a/domains", &content), ("b/domains", &content)]);
    for bytes in [&plain, &gz(&plain), &zipped] {
        assert_eq!(visit_within(bytes, limits(|_| {})).expect("within the caps").len(), 2);
        let error = visit_within(bytes, limits(|limits| limits.unpacked = 3 << 19)).expect_err("too much");
        assert!(matches!(error, UnpackError::TooLarge(_)), "{error}");
        let error = visit_within(bytes, limits(|limits| limits.member = 1 << 19)).expect_err("too much");
        assert!(matches!(&error, UnpackError::MemberTooLarge { name, .. } if name == "a/domains"), "{error}");
        let error = visit_within(bytes, limits(|limits| limits.members = 1)).expect_err("too many");
        assert!(matches!(error, UnpackError::TooManyMembers(1)), "{error}");
        let found = visit_within(bytes, limits(|limits| limits.depth = 1)).expect("read");
        assert!(found.iter().all(|(_, what)| what.starts_with("refused: in more folders")), "{found:?}");
    }
    let (read, error) = drained(&gz(&content), limits(|limits| limits.member = 1 << 19));
    assert!(read <= 1 << 19 && matches!(error, UnpackError::MemberTooLarge { .. }), "{read}: {error}");
}

#[test]
fn links_are_followed_by_name_only() {
    for (from, path, expected) in [
        ("a/b", "c", Some("a/b/c")),
        ("a/b", "../c", Some("a/c")),
        ("a/b", "./../../c/", Some("c")),
        ("a", "..", Some("")),
        ("a", "../..", None),
        ("", "../a", None),
        ("a", "/b", None),
    ] {
        assert_eq!(resolve(from, path).as_deref(), expected, "{from} {path}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_an_archive_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2000), start in 0..4_usize) {
        let start: &[u8] = [&b""[..], b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"PK\x03\x04", b"PK\x05\x06"][start];
        let bytes = [start, &bytes].concat();
        let _ = visit_within(&bytes, Limits::default());
        let _ = is_archive(&mut Cursor::new(&bytes), Limits::default());
        let _ = opened(&bytes, Limits::default());
    }

    #[test]
    fn no_spoilt_byte_makes_an_archive_panic(at in 0..3000_usize, to in proptest::num::u8::ANY) {
        let plain = tar(&[(EntryType::Regular, "a/domains", b"a.example\n"), (EntryType::Symlink, "b", b"a"), (EntryType::GNULongName, "x", b"c/domains")]);
        for mut bytes in [gz(&plain), plain, zip(&[("a/domains", b"a.example\n")])] {
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = visit_within(&bytes, Limits::default());
        }
    }
}
