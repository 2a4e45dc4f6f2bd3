//! What is handed to a court can be checked by anybody, with nothing but what was handed over.

use crate::kit::{Files, Said, World, skipped};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use usher::audit::pack;

const WHY: [&str; 4] = ["--reason", "asked for by the police, ref 4711", "--as", "Ms Bell"];
const DAY: [&str; 2] = ["--day", "2026-11-25"];

/// The files of a pack.
type Parts = BTreeMap<String, Vec<u8>>;

/// A school where three people were at the same time on the same sites.
async fn records() -> Files {
    let world = World::new().user("7-anna", "right", Some("year-7")).user("7-bela", "right", Some("year-7")).user("staff-cole", "right", Some("staff"));
    let school = world.proxy("ask_for_password = \"unknown\"").start().await;
    let home = [127, 0, 99, 1];
    for name in ["7-anna", "7-bela", "staff-cole"] {
        for path in ["one", "two", "three"] {
            school.person(home).who_says(name, "right").get(&format!("http://adult.example/{path}-{name}")).await;
            school.person(home).who_says(name, "right").get(&format!("http://games.example/{path}-{name}")).await;
        }
        school.after(1);
    }
    school.stopped().await
}

fn pack(files: &Files, name: &str, more: &[&str]) -> Said {
    let path = files.path(name).display().to_string();
    files.usher(&[&["log", "pack", "--user", "7-anna", "--output", &path], more].concat())
}

/// A pack of Anna's day.
fn anna(files: &Files) -> Parts {
    let said = pack(files, "anna.zip", &[&DAY[..], &WHY].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    unpacked(&files.path("anna.zip"))
}

fn unpacked(path: &Path) -> Parts {
    pack::unpack(&fs::read(path).expect("a file")).expect("a zip").files
}

fn text(parts: &Parts, name: &str) -> String {
    String::from_utf8(parts[name].clone()).expect("text")
}

/// Checks a pack in an empty folder, on a machine that has nothing else of Usher.
fn verify(bytes: &[u8], more: &[&str]) -> Said {
    let empty = tempfile::tempdir().expect("a folder");
    fs::write(empty.path().join("given.zip"), bytes).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    let output = command.current_dir(empty.path()).env_clear().args(["log", "verify", "--pack", "given.zip"]).args(more).output().expect("usher runs");
    assert_eq!(fs::read_dir(empty.path()).expect("a folder").count(), 1, "it leaves nothing behind");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: said(&output.stdout), err: said(&output.stderr) }
}

fn zipped(parts: &Parts) -> Vec<u8> {
    let mut zip = std::io::Cursor::new(Vec::new());
    pack::write(parts, &mut zip).expect("written");
    zip.into_inner()
}

fn key(files: &Files) -> String {
    files.usher(&["log", "verify", "--json"]).json()[0]["key"].as_str().expect("a key").to_owned()
}

#[tokio::test]
async fn a_third_party_checks_a_pack_with_nothing_but_the_pack() {
    let files = records().await;
    let parts = anna(&files);
    assert_eq!(fs::metadata(files.path("anna.zip")).expect("a file").permissions().mode() & 0o777, 0o600, "for its owner only");
    let names: Vec<_> = parts.keys().map(String::as_str).collect();
    assert_eq!(names, ["README.txt", "manifest.json", "proofs.json", "records.csv", "records.jsonl", "signature.json", "timeline.html"]);
    let zip = fs::read(files.path("anna.zip")).expect("a file");
    let said = verify(&zip, &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    for words in ["records of   7-anna", "Example School", "Ms Bell", "ref 4711", "6, all proven", "Nothing in this pack was altered", &key(&files)] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let known = verify(&zip, &["--key", &key(&files)]);
    assert!(known.code == Some(0) && known.out.contains("signed with the key you gave"), "{known:?}");
    let report = verify(&zip, &["--json"]).json().remove(0);
    assert_eq!((&report["proven"], &report["look"]["name"], &report["problems"]), (&6.into(), &"Ms Bell".into(), &serde_json::json!([])));
    assert_eq!(verify(&zip, &["--quiet"]).out, "");
    // What it holds is what the log holds.
    let found = files.usher(&[&["log", "search", "--user", "7-anna", "--json"], &WHY[..2]].concat()).json();
    let mut rows: Vec<serde_json::Value> = text(&parts, "records.jsonl").lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    rows.reverse();
    assert_eq!(rows, found);
    assert!(text(&parts, "records.csv").lines().count() == 7 && text(&parts, "timeline.html").contains("/one-7-anna"));
    let readme = text(&parts, "README.txt");
    for words in ["Ms Bell", "asked for by the police, ref 4711", "usher log verify --pack", &key(&files), "WHAT IT DOES NOT PROVE", "\"sealed\""] {
        assert!(readme.contains(words), "{words}: {readme}");
    }
    // That somebody looked, and that a pack was made, is on record, and the log is whole.
    let looks = files.usher(&["log", "lookups", "--json"]).json();
    assert!(looks.iter().any(|look| look["name"] == "Ms Bell" && look["user"] == "7-anna" && look["packed"] == 6), "{looks:?}");
    assert!(files.usher(&["log", "lookups"]).out.contains("handed out with proofs: 6 records"));
    assert_eq!(files.usher(&["log", "verify", "--quiet"]).out, "");
}

#[tokio::test]
async fn nothing_of_anybody_else_is_in_a_pack() {
    let files = records().await;
    let parts = anna(&files);
    let hexadecimal = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (name, bytes) in &parts {
        for other in ["7-bela", "staff-cole", "bela", "cole"] {
            assert!(memchr::memmem::find(bytes, other.as_bytes()).is_none(), "{other} is in {name}");
            assert!(memchr::memmem::find(bytes, hexadecimal(other).as_bytes()).is_none(), "{other} is in {name} as bytes");
        }
    }
    let told = |user: &str| memchr::memmem::find(&parts["proofs.json"], hexadecimal(user).as_bytes()).is_some();
    assert!(told("7-anna"), "the one whose pack it is");
}

/// A way to alter a pack, and the words that must be said.
type Tampering = (&'static str, fn(&mut Parts), &'static [&'static str]);

fn replace(parts: &mut Parts, name: &str, from: &str, to: &str) {
    let before = text(parts, name);
    assert!(before.contains(from), "{name} says nothing of {from:?}");
    parts.insert(name.to_owned(), before.replacen(from, to, 1).into_bytes());
}

fn lines(parts: &mut Parts, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let mut lines: Vec<_> = text(parts, name).lines().map(str::to_owned).collect();
    change(&mut lines);
    parts.insert(name.to_owned(), (lines.join("\n") + "\n").into_bytes());
}

fn proofs(parts: &mut Parts, change: impl FnOnce(&mut serde_json::Value)) {
    let mut proofs = serde_json::from_slice(&parts["proofs.json"]).expect("JSON");
    change(&mut proofs);
    parts.insert("proofs.json".to_owned(), proofs.to_string().into_bytes());
}

const TAMPERINGS: [Tampering; 14] = [
    ("a word of the timeline", |parts| replace(parts, "timeline.html", "/one-7-anna", "/six-7-anna"), &["timeline.html was altered", "timeline.html, line"]),
    (
        "a cell of the table",
        |parts| replace(parts, "records.csv", "blocked", "allowed"),
        &["records.csv was altered", "records.csv, line 2: record 0", "is not what was recorded"],
    ),
    (
        "a record altered",
        |parts| replace(parts, "records.jsonl", "/two-7-anna", "/six-7-anna"),
        &["records.jsonl was altered", "records.jsonl, line 3: record 0"],
    ),
    (
        "a record dropped",
        |parts| lines(parts, "records.jsonl", |lines| drop(lines.remove(1))),
        &["records.jsonl was altered", "records.jsonl, line 2: record 0"],
    ),
    ("a record added", |parts| lines(parts, "records.jsonl", |lines| lines.push(lines[0].clone())), &["records.jsonl was altered", "records.jsonl, line 7"]),
    ("two records swapped", |parts| lines(parts, "records.jsonl", |lines| lines.swap(2, 3)), &["records.jsonl, line 3: record 0"]),
    ("another reason", |parts| replace(parts, "README.txt", "asked for by the police", "asked for by the father"), &["README.txt was altered"]),
    (
        "another person",
        |parts| replace(parts, "manifest.json", "7-anna", "7-bela"),
        &["manifest.json was altered", "is about other records", "is not of this person"],
    ),
    (
        "a proof altered",
        // The path, as bytes: one letter of it.
        |parts| replace(parts, "proofs.json", "2f74776f2d372d616e6e61", "2f7477702d372d616e6e61"),
        &["proofs.json was altered", "is not what was committed; altered, removed or put there: record 0", "records.jsonl, line 3: record 0"],
    ),
    (
        "a record dropped with its proof",
        |parts| {
            proofs(parts, |proofs| drop(proofs["records"].as_array_mut().expect("records").remove(2)));
            lines(parts, "records.jsonl", |lines| drop(lines.remove(2)));
        },
        &["the manifest speaks of 6 records, and there are 5", "is not what was committed"],
    ),
    (
        "the statement on who asked removed",
        |parts| proofs(parts, |proofs| proofs["statements"].as_array_mut().expect("statements").retain(|statement| statement["kind"] != "looked")),
        &["the statement that says who asked for these records and why was taken out"],
    ),
    (
        "the seals removed",
        |parts| proofs(parts, |proofs| proofs["statements"].as_array_mut().expect("statements").retain(|statement| statement["kind"] != "sealed")),
        &["does not lead to what statement", "not proven: record"],
    ),
    ("a file removed", |parts| drop(parts.remove("timeline.html")), &["timeline.html is missing from the pack"]),
    ("a file added", |parts| drop(parts.insert("note.txt".into(), b"It was her.".to_vec())), &["note.txt does not belong to the pack: it was put there"]),
];

#[tokio::test]
async fn whatever_is_altered_is_named() {
    let files = records().await;
    let whole = anna(&files);
    for (what, tamper, words) in TAMPERINGS {
        let mut parts = whole.clone();
        tamper(&mut parts);
        let said = verify(&zipped(&parts), &[]);
        assert_eq!((said.code, said.err.as_str()), (Some(1), ""), "{what}: {said:?}");
        for words in words {
            assert!(said.out.contains(words), "{what}: {words:?} is not in\n{}", said.out);
        }
        assert!(said.out.contains("do not rely on this pack"), "{what}: {}", said.out);
    }
    let around = {
        let mut bytes = zipped(&whole);
        // The time of the first file, which is the same for all.
        let at = memchr::memmem::rfind(&bytes, b"PK\x01\x02").expect("an entry") + 14;
        bytes[at] ^= 1;
        bytes
    };
    let said = verify(&around, &[]);
    assert!(!said.out.contains("Nothing in this pack was altered") || said.out.contains("bytes of the zip around them are not those Usher wrote"), "{said:?}");
}

#[tokio::test]
async fn a_pack_that_another_school_made_up_is_known_by_its_key() {
    let (files, forger) = (records().await, records().await);
    let (real, mut forged) = (anna(&files), anna(&forger));
    let said = verify(&zipped(&forged), &["--key", &key(&files)]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("signed with another key than the one you gave") && said.out.contains(&key(&forger)), "{said:?}");
    // The real one's signature under the forger's records, or the forger's records under the real one's manifest.
    for borrowed in [&["signature.json"][..], &["signature.json", "manifest.json"], &["proofs.json"]] {
        let before = forged.clone();
        for name in borrowed {
            forged.insert((*name).to_owned(), real[*name].clone());
        }
        let said = verify(&zipped(&forged), &["--key", &key(&files)]);
        assert_eq!(said.code, Some(1), "{borrowed:?}: {said:?}");
        forged = before;
    }
}

#[tokio::test]
async fn what_a_running_usher_has_not_sealed_yet_is_proven_too() {
    let mut usher = World::new().proxy("ask_for_password = \"always\"").user("7-anna", "x", Some("year-7")).user("7-bela", "x", Some("year-7")).serve();
    for user in ["7-anna", "7-bela", "7-anna"] {
        usher.get_as(&format!("http://games.example/{user}"), user, "x");
    }
    let files = usher.files.clone();
    let said = pack(&files, "now.zip", &[&["--from", "2026-01-01"], &WHY[..]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let report = verify(&fs::read(files.path("now.zip")).expect("a file"), &["--json"]).json().remove(0);
    assert_eq!((&report["records"], &report["proven"], &report["problems"]), (&2.into(), &2.into(), &serde_json::json!([])));
    assert_eq!(report["seals"][0]["kind"], "checkpoint");
    usher.signal(Signal::TERM);
    usher.ended();
    let said = pack(&files, "later.zip", &[&["--from", "2026-01-01", "--json"], &WHY[..]].concat());
    assert_eq!((said.code, &said.json()[0]["seals"][0]["kind"]), (Some(0), &"sealed".into()), "{said:?}");
}

#[tokio::test]
async fn what_cannot_be_packed_is_explained_and_nothing_is_written() {
    let files = records().await;
    files.put("there.new", "not to be lost");
    for (arguments, output, code, words) in [
        (&["--user", "7-anna", "--day", "2026-11-25"][..], "x.zip", 2, "--reason"),
        (&["--user", "7-anna", "--day", "2026-11-25", "--reason", "because"], "x.zip", 2, "a reason is a few words"),
        (&["--user", "7-*", "--day", "2026-11-25", "--reason", "a good reason"], "x.zip", 2, "whole user name"),
        (&["--user", "7-anna", "--reason", "a good reason"], "x.zip", 2, "say which time"),
        (&["--user", "7-anna", "--day", "2026-02-30", "--reason", "a good reason"], "x.zip", 2, "that month ends on 2026-02-28"),
        (&["--user", "7-anna", "--from", "2026-11-25", "--to", "2026-11-24", "--reason", "a good reason"], "x.zip", 2, "--from is not before --to"),
        (&["--user", "7-anna", "--day", "2026-11-25", "--reason", "a good reason"], "there.zip", 2, "there.new is in the way"),
        (&["--user", "7-anna", "--day", "2026-11-25", "--reason", "a good reason"], "nowhere/x.zip", 2, "there is no folder"),
        (&["--user", "7-ana", "--day", "2026-11-25", "--reason", "a good reason"], "x.zip", 1, "there is no user \"7-ana\"; did you mean \"7-anna\"?"),
        (&["--user", "7-anna", "--day", "2026-11-24", "--reason", "a good reason"], "x.zip", 1, "nothing found"),
    ] {
        let path = files.path(output).display().to_string();
        let said = files.usher(&[&["log", "pack", "--output", &path], arguments].concat());
        assert!(said.code == Some(code) && format!("{}{}", said.out, said.err).contains(words), "{arguments:?}: {said:?}");
        assert!(!files.path(output).exists(), "{arguments:?}");
    }
    let said = pack(&files, "little.zip", &[&DAY[..], &WHY].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let segment = fs::read_dir(files.path("data/log/sealed")).expect("a folder").map(|entry| entry.expect("an entry").path());
    let segment = segment.into_iter().find(|path| path.display().to_string().contains("blocked")).expect("a segment");
    let mut bytes = fs::read(&segment).expect("read");
    bytes.truncate(100);
    fs::write(&segment, bytes).expect("written");
    let said = pack(&files, "damaged.zip", &[&DAY[..], &WHY].concat());
    let name = segment.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(said.code == Some(1) && said.err.contains(&name) && said.err.contains("usher log verify"), "{said:?}");
}

#[tokio::test]
async fn what_is_no_pack_is_said_to_be_none() {
    let files = records().await;
    let whole = zipped(&anna(&files));
    let letter = zipped(&Parts::from([("letter.txt".to_owned(), b"Dear Sir".to_vec())]));
    for (bytes, words) in [
        (&b""[..], "it cannot be read as a zip"),
        (b"Dear Sir", "it cannot be read as a zip"),
        (&whole[..whole.len() - 1], "cut short"),
        (&letter[..], "no evidence pack"),
    ] {
        let said = verify(bytes, &[]);
        assert!(said.code == Some(2) && said.out.is_empty() && said.err.contains("given.zip") && said.err.contains(words), "{words}: {said:?}");
    }
    let both = files.usher(&["log", "verify", "--pack", "x.zip", "--checkpoints", "y"]);
    assert_eq!(both.code, Some(2), "{both:?}");
}

/// A pack that was made before. Where what is drawn is changed, raise the version of Usher: packs that were handed out would be called altered
/// otherwise. Then a pack of one user's few records takes the place of this one.
const OF_BEFORE: &[u8] = include_bytes!("../fuzz/seeds/pack/zip");

#[test]
fn a_pack_that_was_handed_out_before_is_still_good() {
    let said = verify(OF_BEFORE, &["--json"]);
    let report = said.json().remove(0);
    assert_eq!((said.code, &report["problems"]), (Some(0), &serde_json::json!([])), "{said:?}");
    assert_eq!((&report["records"], &report["proven"]), (&6.into(), &6.into()), "{said:?}");
}

/// Checks a pack as its README.txt tells an expert to: written from those words, in another language, with others' hashes and signatures.
const CHECK: &str = r#"
import json, struct, sys, zipfile
from blake3 import blake3
from nacl.signing import VerifyKey
pack = zipfile.ZipFile(sys.argv[1])
files = {name: pack.read(name) for name in pack.namelist()}
manifest, proofs, signature = (json.loads(files[name]) for name in ("manifest.json", "proofs.json", "signature.json"))
u64 = lambda number: struct.pack("<Q", number)
hashed = lambda context, *parts: blake3(context.encode() + b"\0" + b"".join(parts)).digest()
node = lambda *parts: blake3(b"".join(parts)).digest()
CLASSES = ["visit", "search", "resource", "blocked", "staff"]
def number(reference):
    value = 0
    for digit in reference.replace("-", ""):
        value = value * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(digit)
    return value
keys = {one["number"]: json.loads(one["body"])["public"] for one in proofs["statements"] if one["kind"] == "key"}
for one in proofs["statements"] + [signature]:
    kind, body = one["kind"].encode(), one["body"].encode()
    link = hashed("usher statement", bytes.fromhex(one["before"]), u64(one["number"]), struct.pack("<q", one["at"]), u64(len(kind)), kind, u64(len(body)), body)
    key = keys[max(number for number in keys if number <= one["number"])]
    VerifyKey(bytes.fromhex(key)).verify(link, bytes.fromhex(one["signature"]))
assert json.loads(signature["body"])["manifest"] == blake3(files["manifest.json"]).hexdigest()
assert all(blake3(files[name]).hexdigest() == digest for name, digest in manifest["files"].items())
shared = [hashed("usher shared", bytes.fromhex(one)) for one in proofs["shared"]]
opened, closed = [], []
for one in proofs["records"]:
    place, code = u64(number(one["id"])), bytes([CLASSES.index(one["class"])])
    opened.append(hashed("usher opened", place, code, shared[one["who"]], shared[one["judgement"]], bytes.fromhex(one["opened"])))
    closed.append(one["closed"] and hashed("usher closed", place, bytes.fromhex(one["closed"])))
batches = {}
for one in proofs["batches"]:
    leaves = [[own[leaf] if isinstance(leaf, int) else bytes.fromhex(leaf) for leaf in one[which]] for own, which in ((opened, "opened"), (closed, "closed"))]
    parts = [part for some in leaves for part in [u64(len(some))] + some]
    batches[one["class"], one["number"]] = hashed("usher batch", bytes([CLASSES.index(one["class"])]), u64(one["number"]), *parts)
statements = {one["number"]: json.loads(one["body"]) for one in proofs["statements"]}
for tree in proofs["trees"]:
    note = next(note for note in statements[tree["statement"]]["segments"] if note["file"] == tree["file"])
    twigs = {(first, count): bytes.fromhex(digest) for first, count, digest in tree["twigs"]}
    def root(first, count):
        if (first, count) in twigs:
            return twigs[first, count]
        if count == 1:
            return node(b"\0", batches.pop((note["class"], note["before"][0] + 1 + first)))
        half = 1 << (count - 1).bit_length() - 1
        return node(b"\1", root(first, half), root(first + half, count - half))
    assert root(0, note["after"][0] - note["before"][0]).hex() == note["root"]
assert not batches
print(len(proofs["records"]), "records")
"#;

#[tokio::test]
async fn a_pack_is_checked_by_a_program_that_is_not_ours() {
    let python = std::env::var("USHER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let tried = Command::new(&python).args(["-c", "import blake3, nacl"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        return skipped("pynacl");
    }
    let files = records().await;
    let whole = anna(&files);
    let check = |parts: &Parts| {
        files.put("given.zip", "");
        fs::write(files.path("given.zip"), zipped(parts)).expect("written");
        let output = Command::new(&python).args(["-c", CHECK]).arg(files.path("given.zip")).output().expect("Python runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(check(&whole), (true, "6 records\n".to_owned()));
    for (what, tamper, _) in &TAMPERINGS[..13] {
        let mut parts = whole.clone();
        tamper(&mut parts);
        assert!(!check(&parts).0, "{what}");
    }
}
