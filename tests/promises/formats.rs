//! A list is read for what it is, wherever it came from: nothing is ignored in silence, and what is no list at all changes nothing.

use crate::kit::world::Said;
use crate::kit::{Files, World, skipped};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use usher::lists::formats::Format;
use usher::lists::formats::detect::{Sureness, detect};

/// A school with one more list, of games, of whatever format it is found to be.
fn school_with(file: &str, bytes: &[u8]) -> Files {
    let files = World::new().source(&format!("name = \"new\"\naddress = {file:?}\nformat = \"auto\"\ncategory = \"games\"")).write();
    fs::write(files.path(file), bytes).expect("written");
    files
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Whether a page of a site of this name is blocked for year 7.
fn is_blocked(files: &Files, site: &str) -> bool {
    let said = files.usher(&["check", site, "--group", "year-7", "--json"]);
    assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
    said.json()[0]["verdict"] == "blocked"
}

fn report(said: &Said, list: &str) -> serde_json::Value {
    said.json().into_iter().find(|report| report["list"] == list).unwrap_or_else(|| panic!("no report of {list}: {said:?}"))
}

#[test]
fn a_list_in_any_format_blocks_what_it_names() {
    let own = "[[list]]\ncategory = \"games\"\nreason = \"Asked for by year 8.\"\nnames = [\"fun.example\"]\n";
    let zone = "$TTL 60\n@ SOA ns. root. 1 1 1 1 1\nfun.example CNAME .\n";
    for (file, text, format) in [
        ("plain.txt", "fun.example\n", "names"),
        ("hosts.txt", "# hosts\n0.0.0.0 fun.example\n", "hosts"),
        ("wild.txt", "*.fun.example\n", "wildcard"),
        ("dnsmasq.conf", "address=/fun.example/0.0.0.0\n", "dnsmasq"),
        ("adblock.txt", "[Adblock Plus 2.0]\n||fun.example^\n", "adblock"),
        ("block.zone", zone, "rpz"),
        ("bannedsitelist", "#listcategory: \"games\"\nfun.example\n", "e2guardian-sites"),
        ("own.toml", own, "toml"),
    ] {
        let files = school_with(file, text.as_bytes());
        assert!(is_blocked(&files, "fun.example") && !is_blocked(&files, "fine.example"), "{file}");
        let reports = files.usher(&["lists", "check", "--json"]).json();
        assert!(reports.iter().any(|report| report["format"] == format && report["accepted"] == 1), "{file}: {reports:?}");
        let people = files.usher(&["lists", "check"]).out;
        assert!(people.contains(format), "{people}");
    }
}

#[test]
fn a_line_that_would_block_all_of_a_country_is_refused_with_its_place() {
    let files = school_with("list.txt", b"fun.example\nco.uk\ncom.br\nblogspot.com\n");
    let said = files.usher(&["lists", "check"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in ["new\n", "line 2: co.uk: would block all of co.uk", "line 3: com.br: would block all of com.br", "2 × would block all of a public suffix"] {
        assert!(said.out.contains(words), "{words} is not in {}", said.out);
    }
    assert!(!is_blocked(&files, "shop.co.uk") && is_blocked(&files, "a.blogspot.com"));
}

#[test]
fn what_is_listed_needlessly_is_told_with_what_covers_it() {
    let files = school_with("list.txt", b"fun.example\nwww.fun.example\nfun.example\na.fun.example\nother.example\n");
    let said = files.usher(&["lists", "check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in ["names (detected)", "2 redundant", "line 2: www.fun.example: line 1 has fun.example"] {
        assert!(said.out.contains(words), "{words} is not in {}", said.out);
    }
    let report = report(&files.usher(&["lists", "check", "--json"]), "new");
    assert_eq!((&report["accepted"], &report["duplicates"], &report["redundant"]["count"]), (&5.into(), &1.into(), &2.into()), "{report}");
    assert_eq!(report["known"]["detected"], "certain", "{report}");
}

#[test]
fn a_guess_is_told_as_one_and_can_be_fixed() {
    let files = school_with("list.txt", b"casino\npoker\n");
    let said = files.usher(&["lists", "check"]);
    assert!(said.out.contains("words (a guess)") && said.out.contains("which is not sure"), "{said:?}");
    files.edit("sources.toml", "format = \"auto\"", "format = \"names\"");
    let said = files.usher(&["lists", "check"]);
    assert!(said.out.contains("2 × a single label") && !said.out.contains("guess"), "{said:?}");
}

#[tokio::test]
async fn what_was_in_force_stays_when_a_list_turns_into_a_web_page() {
    let school = World::new().start().await;
    let before = school.pupil().get("http://games.example/").await.is_blocked_because("category").record().snapshot.clone();
    for page in ["<!DOCTYPE html><title>Down for maintenance</title>\n", "\u{1}\u{2}\u{3}\u{4}"] {
        school.files.put("lists/games/domains", page);
        let error = school.reloader.reload().await.expect_err("it is no list").to_string();
        assert!(error.contains("\"school\"") && error.contains("games/domains"), "{error}");
        assert_eq!(school.pupil().get("http://games.example/").await.is_blocked_because("category").record().snapshot, before);
    }
}

#[test]
fn what_is_no_list_is_refused_in_one_sentence() {
    let mut noise = 1_u32;
    let junk: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.to_be_bytes()[0]
    })
    .take(100_000)
    .collect();
    let whole = gz(&b"fun.example\n".repeat(1000));
    for (what, bytes, words) in [
        ("a web page", b"<!DOCTYPE html>\n<html><title>Not found</title>".to_vec(), "looks like a web page"),
        ("a web page in capitals, after a blank line", b"\r\n\t<HTML>".to_vec(), "looks like a web page"),
        ("noise", junk, "this is not a list: it is mostly not text"),
        ("a download cut short", whole[..whole.len() / 2].to_vec(), "ends before its end"),
        ("a packing nobody knows", b"\xfd7zXZ\0\0\0\0".to_vec(), "packed with xz"),
    ] {
        let said = school_with("list.txt", &bytes).usher(&["lists", "check"]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{what}: {said:?}");
        assert!(said.err.contains(words) && said.err.contains("\"new\"") && said.err.contains("list.txt"), "{what}: {said:?}");
        assert_eq!(said.err.trim_end().lines().count(), 1, "{what}: {said:?}");
    }
}

#[test]
fn lists_from_windows_and_lines_without_end_do_no_harm() {
    let long = [b"fun.example\r\n".to_vec(), b"x".repeat(1 << 20), b"\r\nplay.example\r\n".to_vec()].concat();
    for (what, bytes, lines) in [
        ("UTF-16", utf16("fun.example\r\nplay.example\r\n"), None),
        ("UTF-8 with a mark", [b"\xef\xbb\xbf".to_vec(), b"fun.example\r\nplay.example".to_vec()].concat(), None),
        ("a line of a megabyte", long, Some("line 2: ")),
    ] {
        let files = school_with("list.txt", &bytes);
        assert!(is_blocked(&files, "fun.example") && is_blocked(&files, "play.example"), "{what}");
        let said = files.usher(&["lists", "check"]);
        assert_eq!(said.out.contains("longer than 4096 bytes"), lines.is_some(), "{what}: {said:?}");
        assert!(lines.is_none_or(|line| said.out.contains(line)), "{what}: {said:?}");
    }
}

/// Ten gigabytes of zeros, a megabyte at a time: ten megabytes on disk.
#[test]
fn a_decompression_bomb_is_refused_at_once_and_in_little_memory() {
    let bomb = gz(&vec![b'\n'; 1 << 20]).repeat(10 * 1024);
    let files = school_with("list.txt", &bomb);
    let started = Instant::now();
    let mut command = Command::new("sh");
    let limited = "ulimit -v 2000000; exec \"$0\" \"$@\"";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_usher"), "--config"]).arg(files.path("usher.toml")).args(["lists", "check"]);
    let output = command.output().expect("usher runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("decompression bomb") && said.contains("\"new\""), "{said}");
    assert!(started.elapsed() < Duration::from_secs(120), "it took {:?}", started.elapsed());
}

#[test]
fn an_archive_cannot_reach_outside_itself() {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |kind, name: &str, link: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        tar.append(&header, content).expect("appended");
    };
    add(tar::EntryType::Regular, "blacklists/games/domains", "", b"fun.example\n");
    add(tar::EntryType::Regular, "../../escaped", "", b"x");
    add(tar::EntryType::Symlink, "blacklists/passwords", "../../../../etc", b"");
    add(tar::EntryType::Symlink, "blacklists/spiele", "games", b"");
    let files = school_with("lists.tar.gz", &gz(&tar.into_inner().expect("written")));
    let before = everything_below(&files.path("."));
    let said = files.usher(&["lists", "check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for words in [
        "new/games/domains",
        "../../escaped: its name leads out of the archive",
        "passwords: a link that leads out of the archive",
        "new/spiele: another name of games",
    ] {
        assert!(said.out.contains(words), "{words} is not in {}", said.out);
    }
    assert!(is_blocked(&files, "fun.example"));
    let after: Vec<_> = everything_below(&files.path(".")).into_iter().filter(|path| !path.components().any(|part| part.as_os_str() == "data")).collect();
    assert_eq!(after, before, "nothing is unpacked to disk");
}

fn everything_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<_> = entries.flat_map(|path| if path.is_dir() { everything_below(&path) } else { vec![path] }).collect();
    all.sort();
    all
}

/// The lists that publishers really have, where they are at hand.
#[test]
fn every_real_list_is_known_for_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lists");
    if !root.is_dir() {
        return skipped("a folder of real lists");
    }
    let mut known = 0;
    for path in everything_below(&root) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let place = path.strip_prefix(&root).expect("below it").to_string_lossy().into_owned();
        let expected = match (place.split('/').next().expect("a folder"), name) {
            (_, "domains") => Format::Names,
            (_, "urls") => Format::Urls,
            (_, "expressions") => Format::Expressions,
            ("hosts", _) => Format::Hosts,
            ("adblock", _) => Format::Adblock,
            ("dnsmasq", _) => Format::Dnsmasq,
            ("wildcard", _) => Format::Wildcard,
            ("domains", _) => Format::Names,
            _ => continue,
        };
        let mut head = Vec::new();
        fs::File::open(&path).expect("a list").take(64 * 1024).read_to_end(&mut head).expect("read");
        // By its name, and by its lines alone. A file of nothing but names is a list of names, whatever it is called.
        assert_eq!(detect(name, &head).format, expected, "{place}");
        let by_lines = detect("list.txt", &head);
        let either = [expected, if expected == Format::Urls { Format::Names } else { expected }];
        let tells = !head.is_empty() && !matches!((expected, by_lines.sure), (Format::Expressions, Sureness::Guess));
        assert!(!tells || either.contains(&by_lines.format), "{place} is read as {by_lines:?}");
        known += 1;
    }
    assert!(known > 100, "{known} lists");
}
