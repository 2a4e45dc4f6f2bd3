//! What the tests of purges and erasures share: a school's log, and whether its chain holds.

use super::*;
use crate::audit::query::{Filter, Log, Row};
use crate::audit::segment::Segment;
use crate::audit::stopped::{Running, seal_unless_running};
use crate::audit::tests::{record, small};
use crate::audit::{Class, Folder, Outcome, Recorder};
use std::path::Path;

/// The log of a school that has had so many requests, a hundred a live file, and is closed. Some requests are open over the end of their file, some for
/// good.
pub(in crate::audit) async fn school(place: &Path, requests: u64) -> Folder {
    let folder = Folder::at(place.join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    let open = record(&recorder, 0..requests).await;
    let (ending, for_good): (Vec<_>, Vec<_>) = open.into_iter().partition(|(n, _)| n % 2 == 0);
    ending.into_iter().for_each(|(_, pending)| pending.close(Outcome::Complete));
    recorder.finish();
    // Usher is gone before they end.
    drop((for_good, recorder));
    assert_eq!(seal_unless_running(&folder).expect("sealed"), Running::No);
    folder
}

/// Every row of a log, newest first.
pub(in crate::audit) fn all(folder: &Folder) -> Vec<Row> {
    let page = Log::open(folder).expect("opened").search(&Filter { limit: 1_000_000, ..Filter::default() }).expect("searched");
    assert!(page.passed_over.is_empty(), "{:?}", page.passed_over);
    page.rows
}

/// Fails unless every segment proves its records, and segments and what was purged make one chain a class.
pub(in crate::audit) fn chain_holds(folder: &Folder) {
    let reader = Reader::open(folder).expect("opened");
    let mut before = vec![0; 32];
    for statement in reader.after(0, u32::MAX).expect("read") {
        if !statement.body.is_empty() {
            assert_eq!(statement.link, statement.link_after(&before), "statement {}", statement.number);
        }
        assert!(reader.key().expect("read").expect("a key").signed(&statement.link, &statement.signature), "statement {}", statement.number);
        before.clone_from(&statement.link);
    }
    let mut chains: HashMap<String, Vec<SegmentNote>> = HashMap::new();
    let notes = notes(&reader).expect("read");
    for part in reader.parts().expect("read") {
        let source = Source::open(&folder.sealed().join(&part.file), &part.digest).expect("opened");
        proven(&source).unwrap_or_else(|error| panic!("{}: {error}", part.file));
        chains.entry(part.class.as_str().to_owned()).or_default().push(notes[&part.file].clone());
    }
    for gone in replaced(&reader).expect("read").into_iter().filter(|replaced| replaced.new.is_none()) {
        chains.entry(gone.old.class.clone()).or_default().push(gone.old);
    }
    for (class, mut chain) in chains {
        chain.sort_by_key(|note| note.before.0);
        let (_, class) = Class::NAMES.into_iter().find(|(name, _)| *name == class).expect("a class");
        let start = super::super::chain::Head::start(class);
        let mut head = (start.number, super::super::key::to_hex(&start.link));
        for note in chain {
            assert_eq!(note.before, head, "{}", note.file);
            head = note.after;
        }
    }
}

/// Every byte of a log that could hold a name: files as they lie, and what segments unpack to.
pub(in crate::audit) fn bytes(folder: &Folder) -> Vec<u8> {
    let mut bytes = Vec::new();
    for place in [folder.path().to_owned(), folder.sealed()] {
        for entry in fs::read_dir(place).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                bytes.extend(fs::read(&path).expect("read"));
            }
            if path.extension().is_some_and(|end| end == "seg") {
                unpack(&path, &mut bytes);
            }
        }
    }
    bytes
}

fn unpack(path: &Path, bytes: &mut Vec<u8>) {
    let segment = Segment::open(path).expect("opened");
    bytes.extend(format!("{:?}", segment.whos().expect("read").rows).bytes());
    bytes.extend(format!("{:?}", segment.judgements().expect("read")).bytes());
    bytes.extend(format!("{:?}", segment.texts().expect("read")).bytes());
    let hosts = segment.hosts().expect("read");
    bytes.extend((0..u32::try_from(hosts.len()).expect("few")).filter_map(|host| hosts.host(host)).collect::<Vec<_>>().join(" ").bytes());
    for number in 0..segment.directory.chunks.len() {
        for group in [crate::audit::segment::columns::Group::Path, crate::audit::segment::columns::Group::Origin] {
            bytes.extend(segment.chunk(number).group(group).expect("read"));
        }
    }
}

pub(in crate::audit) fn holds_text(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

#[test]
fn a_file_rewritten_has_a_name_of_its_own() {
    for (old, new) in [("visit-00000001-00000004.seg", "visit-00000001-00000004-1.seg"), ("visit-00000001-00000004-9.seg", "visit-00000001-00000004-10.seg")] {
        assert_eq!(next_name(old), new);
    }
    for (name, made_here) in [
        ("visit-00000004-00000004.seg", false),
        ("visit-00000004-00000004.new", false),
        ("visit-00000001-00000004.seg", true),
        ("visit-00000004-00000004-1.seg", true),
        ("visit-00000004-00000004-1.new", true),
        ("visit-00000004.seg", false),
        ("visit-a-b.seg", false),
        ("visit-1-1-1-1.seg", false),
        ("key", false),
    ] {
        assert_eq!(Name::of(name).is_some_and(|name| name.is_of_rewriting()), made_here, "{name}");
    }
}

#[tokio::test]
async fn only_one_rewrites_at_a_time_and_what_an_end_in_the_middle_left_is_removed() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 300).await;
    let held = lock(&folder).expect("locked");
    assert!(matches!(lock_within(Duration::ZERO, &folder), Err(RewriteError::Busy)));
    let reader = Reader::open(&folder).expect("opened");
    let before = all(&folder);
    for left in ["visit-00000001-00000001-1.seg", "visit-00000001-00000001-1.new"] {
        fs::write(folder.sealed().join(left), b"left").expect("written");
    }
    tidy(&folder, &reader).expect("tidied");
    assert!(!folder.sealed().join("visit-00000001-00000001-1.seg").exists());
    assert!(!folder.sealed().join("visit-00000001-00000001-1.new").exists());
    drop(held);
    lock(&folder).expect("free again");
    assert_eq!(all(&folder), before, "what is in force stays");
    chain_holds(&folder);
}
