//! Packs of a school's log: several classes, batches with others' records, records that are open, and records that were carried over.

use super::proofs::{Batch, Bytes, Hash, Leaf, Proofs};
use super::signed::Signed;
use super::*;
use crate::audit::journal::{Journal, Topic};
use crate::audit::key::PublicKey;
use crate::audit::lookups::{self, Look, Permit};
use crate::audit::query::{Filter, Log, Row};
use crate::audit::retention::{Doing, Keep, purge};
use crate::audit::rewrite::RewriteError;
use crate::audit::rewrite::tests::{all, school};
use crate::audit::tests::{MORNING, record, small};
use crate::audit::{Folder, Recorder, erasure, holds};
use crate::clock::Timetable;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::io::Cursor;
use std::sync::LazyLock;

const USER: &str = "b.smith";

/// A page that says what the records say, as plain as can be.
fn page(manifest: &Manifest, checked: &Checked) -> Files {
    let lines = checked.rows.iter().map(|row| format!("{} {} {}\n", row.id, row.url(), row.why));
    let text = format!("{} of {}\n{}", manifest.user, manifest.school, lines.collect::<String>());
    Files::from([("page.html".to_owned(), text.into_bytes())])
}

fn time(ms: u64) -> Timestamp {
    Timestamp::from_millisecond(ms.cast_signed()).expect("a time")
}

fn permit(folder: &Folder, filter: Filter) -> Permit {
    let reason = "asked for by the police".parse().expect("a reason");
    let look = Look { who: "bell".into(), name: Some("Ms Bell".into()), filter, reason, at: Timestamp::now() };
    lookups::look(&mut Journal::open(folder).expect("opened"), &look).expect("stated")
}

fn of(user: &str) -> Filter {
    Filter { user: Some(user.to_owned()), ..Filter::default() }
}

fn pack_drawn(folder: &Folder, filter: Filter, draw: Draw<'_>) -> Result<Made, PackError> {
    let timetable = Timetable { zone: TimeZone::get("Europe/London").expect("a zone"), periods: Vec::new(), terms: Vec::new(), closed: Vec::new() };
    let permit = permit(folder, filter);
    let wanted = Wanted { permit: &permit, school: "Example School", timetable: &timetable, now: Timestamp::now() };
    loop {
        match make(folder, &wanted, draw) {
            // Another test has the lock of the log they share.
            Err(PackError::Rewrite(RewriteError::Busy)) => std::thread::yield_now(),
            made => return made,
        }
    }
}

fn pack(folder: &Folder, filter: Filter) -> Made {
    pack_drawn(folder, filter, &page).expect("made")
}

fn zip(files: &Files) -> Vec<u8> {
    let mut zip = Cursor::new(Vec::new());
    write(files, &mut zip).expect("written");
    zip.into_inner()
}

fn verified(files: &Files, key: Option<PublicKey>) -> Report {
    verify(unpack(&zip(files)).expect("a zip"), key, &page).expect("a pack")
}

fn said(report: &Report) -> String {
    report.problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// What a search finds, the oldest first.
fn rows(folder: &Folder, wanted: impl Fn(&Row) -> bool) -> Vec<Row> {
    let mut rows: Vec<_> = all(folder).into_iter().filter(wanted).collect();
    rows.reverse();
    rows
}

fn is_theirs(row: &Row) -> bool {
    row.user.as_deref() == Some(USER)
}

/// A log whose every batch is sealed, and a pack of it.
static SCHOOL: LazyLock<(tempfile::TempDir, Folder, Files)> = LazyLock::new(|| {
    let place = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = runtime.block_on(school(place.path(), 450));
    let files = pack(&folder, of(USER)).files;
    (place, folder, files)
});

fn proofs(files: &Files) -> Proofs {
    serde_json::from_slice(&files[PROOFS]).expect("proofs")
}

/// The pack as somebody would make it who has the school's key and alters records.
fn signed_again(alter: impl FnOnce(&mut Proofs, &mut Manifest)) -> Files {
    let (_, folder, files) = &*SCHOOL;
    let (mut proofs, mut manifest): (Proofs, Manifest) = (proofs(files), serde_json::from_slice(&files[MANIFEST]).expect("a manifest"));
    alter(&mut proofs, &mut manifest);
    let mut files = files.clone();
    files.insert(PROOFS.to_owned(), make::json(&proofs));
    for (name, hash) in &mut manifest.files {
        *hash = Hash(blake3::hash(&files[name]).into());
    }
    files.insert(MANIFEST.to_owned(), manifest.bytes());
    let body = Packed { look: manifest.look, records: manifest.records, manifest: Hash(blake3::hash(&files[MANIFEST]).into()) };
    let mut journal = Journal::open(folder).expect("opened");
    let number = journal.state(Timestamp::now(), Topic::Packed, &body).expect("stated");
    let signed = Signed::find(journal.reader(), number).expect("read").expect("there");
    files.insert(SIGNATURE.to_owned(), make::json(&signed));
    files
}

#[test]
fn a_pack_holds_all_records_of_one_person_proven_and_nothing_of_others() {
    let (_, folder, files) = &*SCHOOL;
    let wanted = rows(folder, is_theirs);
    let report = verified(files, None);
    assert_eq!((said(&report).as_str(), &report.remarks), ("", &Vec::new()));
    assert_eq!((report.records, report.proven, report.unproven.len()), (wanted.len(), wanted.len(), 0));
    let classes: std::collections::BTreeSet<_> = wanted.iter().map(|row| row.class.clone()).collect();
    assert!(classes.len() >= 4 && wanted.iter().any(|row| row.outcome.is_none()), "open ones too");
    assert!(report.seals.len() >= 4 && report.seals.iter().all(|seal| seal.kind == "sealed"));
    let look = report.look.expect("a look");
    assert_eq!((look.name.as_deref(), look.reason.as_str()), (Some("Ms Bell"), "asked for by the police"));
    let lines: Vec<serde_json::Value> =
        std::str::from_utf8(&files[JSON_LINES]).expect("text").lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines, wanted.iter().map(|row| serde_json::to_value(row).expect("an object")).collect::<Vec<_>>());
    // Some began in one file and ended in another; some batches hold others' records.
    let proofs = proofs(files);
    let other = |leaf: &Leaf| matches!(leaf, Leaf::Other(_));
    assert!(proofs.batches.iter().any(|batch| batch.opened.iter().chain(&batch.closed).any(other)));
    let unpacked: String = files.values().map(|bytes| String::from_utf8_lossy(bytes)).collect();
    let bodies = proofs.shared.iter().chain(proofs.records.iter().map(|record| &record.opened)).map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned());
    let unpacked = unpacked + &bodies.collect::<String>();
    for row in rows(folder, |row| !is_theirs(row)) {
        for of_others in [&row.id, row.user.as_ref().unwrap_or(&row.id), &row.path] {
            assert!(!unpacked.contains(of_others.as_str()), "{of_others} is in it");
        }
    }
    let verified = crate::audit::verify::verify(folder, &crate::audit::verify::Against::default(), &mut |_, _| {}).expect("read");
    assert!(verified.problems.is_empty(), "that a pack was made does not harm the log: {:?}", verified.problems);
}

#[test]
fn a_stretch_of_time_is_packed_and_nothing_beside_it() {
    let (_, folder, _) = &*SCHOOL;
    let (from, to) = (MORNING + 100_000, MORNING + 200_000);
    let made = pack(folder, Filter { from: Some(time(from)), to: Some(time(to)), ..of("B.Smith") });
    let wanted = rows(folder, |row| is_theirs(row) && (from..to).contains(&row.time_ms));
    assert_eq!(made.checked.rows, wanted);
    let report = verified(&made.files, None);
    assert_eq!((said(&report).as_str(), report.proven), ("", wanted.len()));
    assert!(pack(folder, of("nobody")).files.is_empty());
    let none = pack(folder, Filter { from: Some(time(1)), to: Some(time(2)), ..of(USER) });
    assert!(none.files.is_empty() && none.passed_over.is_empty());
}

#[tokio::test]
async fn what_is_not_sealed_yet_is_proven_by_a_checkpoint() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    let open = record(&recorder, 0..450).await;
    let first = pack(&folder, of(USER));
    let report = verified(&first.files, None);
    assert_eq!((said(&report).as_str(), report.records, report.proven), ("", first.checked.rows.len(), first.checked.rows.len()));
    assert!(report.seals.iter().any(|seal| seal.kind == "checkpoint"), "{:?}", report.seals);
    // The next pack uses the checkpoint of the first where it will do: it was signed sooner.
    let again = pack(&folder, of(USER));
    let report = verified(&again.files, None);
    assert_eq!((said(&report).as_str(), report.proven), ("", again.checked.rows.len()));
    let checkpoint = |made: &Made| made.checked.seals.iter().find(|seal| seal.kind == "checkpoint").map(|seal| seal.statement);
    assert_eq!(checkpoint(&first), checkpoint(&again));
    drop(open);
    recorder.finish();
    assert_eq!(said(&verified(&first.files, None)), "", "a pack stays what it was, whatever happens to the log");
}

#[tokio::test]
async fn what_a_hold_kept_from_a_purge_is_proven_and_by_the_statement_on_the_purge() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 600).await;
    let new =
        holds::NewHold { user: USER.into(), from: None, to: Some(time(MORNING + 400_000)), host: None, why: "police request 17".into(), by: "bell".into() };
    let after = |days: i64| time(MORNING) + jiff::SignedDuration::from_hours(24 * days);
    holds::hold(&folder, &new, after(1)).expect("held");
    purge(&folder, &Keep::default(), after(400), Doing::Really).expect("purged");
    let wanted = rows(&folder, is_theirs);
    assert!(wanted.len() > 50);
    let made = pack(&folder, of(USER));
    let report = verified(&made.files, None);
    assert_eq!((said(&report).as_str(), report.records, report.proven), ("", wanted.len(), wanted.len()));
    assert!(report.seals.iter().all(|seal| seal.kind == "purged"), "{:?}", report.seals);
}

#[tokio::test]
async fn what_was_merged_is_proven_by_the_statement_on_the_merge() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 600).await;
    let before = pack(&folder, of(USER));
    let tomorrow = time(MORNING) + jiff::SignedDuration::from_hours(48);
    let merged = crate::audit::merge::merge(&folder, tomorrow).expect("merged");
    assert!(merged.into > 0 && merged.kept_back.is_empty(), "{merged:?}");
    let made = pack(&folder, of(USER));
    assert_eq!(made.checked.rows, before.checked.rows);
    let report = verified(&made.files, None);
    assert_eq!((said(&report).as_str(), report.proven), ("", before.checked.rows.len()));
    assert!(report.seals.iter().any(|seal| seal.kind == "merged"), "{:?}", report.seals);
    assert_eq!(said(&verified(&before.files, None)), "", "what was handed out before the merge holds");
}

#[tokio::test]
async fn the_erasure_of_anothers_records_takes_no_proof_away() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 450).await;
    let wanted = rows(&folder, is_theirs);
    let other =
        erasure::NewErasure { user: "c.patel".into(), from: None, to: None, why: "asked for by the family".into(), by: "bell".into(), marks: Vec::new() };
    erasure::ask(&folder, &other, Timestamp::now()).expect("asked");
    erasure::carry_out(&folder, Timestamp::now()).expect("carried out");
    let made = pack(&folder, of(USER));
    let report = verified(&made.files, None);
    assert_eq!((said(&report).as_str(), report.proven), ("", wanted.len()));
    assert!(report.seals.iter().any(|seal| seal.kind == "erased"), "{:?}", report.seals);
    assert!(made.files.values().all(|bytes| memchr::memmem::find(bytes, b"patel").is_none()));
}

#[tokio::test]
async fn what_was_sealed_with_an_earlier_key_is_proven_and_that_key_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 100).await;
    let earlier = Journal::open(&folder).expect("opened").public_key();
    let folder = folder.with_key(place.path().join("another"));
    let key = Journal::open(&folder).expect("opened").public_key();
    let made = pack(&folder, of(USER));
    let report = verified(&made.files, Some(key));
    assert_eq!((said(&report).as_str(), report.proven, report.key), ("", made.checked.rows.len(), Some(key.to_string())));
    assert_eq!(report.remarks, [format!("some of what proves these records was signed with an earlier key: {earlier}")]);
    assert!(said(&verified(&made.files, Some(earlier))).contains("signed with another key than the one you gave"));
}

#[tokio::test]
async fn a_record_that_began_in_what_is_purged_is_in_the_pack_and_said_to_be_unproven() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    let open = record(&recorder, 0..250).await;
    drop(open);
    recorder.finish();
    drop(recorder);
    crate::audit::stopped::seal_unless_running(&folder).expect("sealed");
    let whole = pack(&folder, of("a.jones"));
    // The first live file's segments go, as a purge of that day would let them go.
    let mut journal = Journal::open(&folder).expect("opened");
    for part in journal.reader().parts().expect("read").into_iter().filter(|part| part.lives.0 == 1) {
        journal.state_and(Timestamp::now(), Topic::Purged, &"", |change| crate::audit::journal::remove_segment(change, &part.file)).expect("stated");
    }
    let made = pack(&folder, of("a.jones"));
    let report = verified(&made.files, None);
    assert_eq!(said(&report), "");
    assert!(whole.checked.unproven.is_empty() && !made.checked.unproven.is_empty());
    assert_eq!((report.proven + report.unproven.len(), report.records), (report.records, made.checked.rows.len()));
}

#[tokio::test]
async fn what_is_damaged_is_passed_over_and_named() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 300).await;
    let whole = pack(&folder, of(USER));
    let part =
        Log::open(&folder).expect("opened").journal().parts().expect("read").into_iter().find(|part| part.class == crate::audit::Class::Visit).expect("one");
    let path = folder.sealed().join(&part.file);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let made = pack(&folder, of(USER));
    assert_eq!(made.passed_over.keys().collect::<Vec<_>>(), [&part.file]);
    assert!(made.checked.rows.len() < whole.checked.rows.len());
    let report = verified(&made.files, None);
    assert_eq!((said(&report).as_str(), report.proven), ("", made.checked.rows.len()));
    assert!(report.remarks.iter().any(|remark| remark.contains(&part.file)), "{:?}", report.remarks);
}

/// A way to alter what a pack holds.
type Change = Box<dyn FnOnce(&mut Proofs, &mut Manifest)>;

fn change(change: impl FnOnce(&mut Proofs, &mut Manifest) + 'static) -> Change {
    Box::new(change)
}

/// The place of the last digit-like byte of a record's path.
fn alter(bytes: &mut Bytes) {
    let last = bytes.0.len() - 12;
    bytes.0[last] ^= 1;
}

#[test]
fn whoever_has_the_key_cannot_alter_a_record_either() {
    let (_, folder, files) = &*SCHOOL;
    let id = proofs(files).records[7].id;
    let others = rows(folder, |row| row.user.as_deref() == Some("a.jones"));
    let of_another = proofs(&pack(folder, of("a.jones")).files);
    let own = |batch: &Batch| batch.opened.iter().position(|leaf| matches!(leaf, Leaf::Own(_)));
    let table: Vec<(&str, Change, Vec<String>)> = vec![
        ("a record is altered", change(|proofs, _| alter(&mut proofs.records[7].opened)), vec![format!("{id}"), "is not what was committed".into()]),
        ("its end is altered", change(|proofs, _| proofs.records[7].closed = proofs.records[8].closed.clone()), vec![format!("{id}")]),
        ("its end is taken away", change(|proofs, _| proofs.records[7].closed = None), vec![format!("how record {id} ended is not proven")]),
        ("who asked is another", change(|proofs, _| proofs.records[7].who = proofs.records[3].judgement), vec![format!("record {id} cannot be read")]),
        ("a record is removed", change(|proofs, _| drop(proofs.records.remove(7))), vec!["the manifest speaks of".into(), "is not what was committed".into()]),
        ("two are swapped", change(|proofs, _| proofs.records.swap(7, 8)), vec!["is not in its place".into()]),
        (
            "another's record is put in",
            change(move |proofs, _| {
                let mut stranger = of_another.records[0].clone();
                let at = proofs.shared.len();
                proofs.shared.extend([of_another.shared[stranger.who].clone(), of_another.shared[stranger.judgement].clone()]);
                (stranger.who, stranger.judgement) = (at, at + 1);
                proofs.records.insert(0, stranger);
            }),
            vec![format!("record {} is not of this person and time: it was put there", others[0].id)],
        ),
        (
            "a record is made up",
            change(|proofs, _| {
                let mut record = proofs.records[7].clone();
                record.id = crate::audit::RecordId(record.id.0 + 1);
                alter(&mut record.opened);
                record.closed = None;
                proofs.records.insert(8, record);
            }),
            vec!["the manifest speaks of".into()],
        ),
        (
            "a leaf is another",
            change(move |proofs, _| {
                let batch = proofs.batches.iter_mut().find(|batch| own(batch).is_some()).expect("a batch");
                let at = own(batch).expect("a leaf");
                batch.opened[at] = Leaf::Other(Hash([7; 32]));
            }),
            vec!["is not what was committed".into()],
        ),
        ("a batch is removed", change(|proofs, _| drop(proofs.batches.remove(3))), vec!["does not lead to what statement".into()]),
        (
            "a batch has another hash",
            change(|proofs, _| proofs.batches[3].hash = Hash([7; 32])),
            vec!["is not what was committed".into(), "does not lead to what statement".into()],
        ),
        ("a tree is removed", change(|proofs, _| drop(proofs.trees.remove(0))), vec!["nothing signed knows batch".into()]),
        ("a tree is of another file", change(|proofs, _| proofs.trees[0].file = "none.seg".into()), vec!["none.seg does not lead to what statement".into()]),
        (
            "a twig is altered",
            change(|proofs, _| {
                let twig = proofs.trees.iter_mut().find_map(|tree| tree.twigs.first_mut()).expect("a twig");
                twig.2 = Hash([7; 32]);
            }),
            vec!["does not lead to what statement".into()],
        ),
        (
            "a seal is removed",
            change(|proofs, _| {
                let sealed = proofs.trees[0].statement;
                proofs.statements.retain(|signed| signed.number != sealed);
            }),
            vec!["does not lead to what statement".into()],
        ),
        (
            "the statement on who asked is removed",
            change(|proofs, manifest| proofs.statements.retain(|signed| signed.number != manifest.look)),
            vec!["who asked for these records and why was taken out".into()],
        ),
        (
            "another reason is given",
            change(|proofs, manifest| {
                let look = proofs.statements.iter_mut().find(|signed| signed.number == manifest.look).expect("it is there");
                look.body = look.body.replace("police", "father");
            }),
            vec!["(looked) is not signed by the key".into()],
        ),
        (
            "the person is another",
            change(|_, manifest| manifest.user = "a.jones".into()),
            vec!["is about other records".into(), "is not of this person".into()],
        ),
        ("the time is another", change(|_, manifest| manifest.to = Some(Timestamp::UNIX_EPOCH)), vec!["is about other records".into()]),
        ("the keys are removed", change(|proofs, _| proofs.statements.retain(|signed| !signed.is(Topic::Key))), vec!["is not signed by the key".into()]),
    ];
    for (what, change, words) in table {
        let said = said(&verified(&signed_again(change), None));
        for words in words {
            assert!(said.contains(&words), "{what}: {words:?} is not in:\n{said}");
        }
    }
    assert_eq!(said(&verified(&signed_again(|_, _| {}), None)), "", "unaltered it holds");
}

#[test]
fn a_page_that_says_something_else_than_the_records_is_found_out_whoever_signed_it() {
    let (_, folder, _) = &*SCHOOL;
    let lying = |manifest: &Manifest, checked: &Checked| {
        let mut files = page(manifest, checked);
        let text = String::from_utf8(files["page.html"].clone()).expect("text");
        files.insert("page.html".to_owned(), text.replacen("https://", "https://un", 1).into_bytes());
        files.insert("more.html".to_owned(), b"and he is no good".to_vec());
        files
    };
    let made = pack_drawn(folder, of(USER), &lying).expect("made");
    let said = said(&verified(&made.files, None));
    assert_eq!(said, "page.html, line 2: it says something else than the records\nmore.html does not belong to the pack: it was put there\n");
}

#[tokio::test]
async fn a_pack_of_another_key_is_known_by_its_key_alone_and_parts_of_two_packs_do_not_mix() {
    let (_, folder, files) = &*SCHOOL;
    let key = |folder: &Folder| Journal::open(folder).expect("opened").public_key();
    let place = tempfile::tempdir().expect("a folder");
    let other = school(place.path(), 100).await;
    let forged = pack(&other, of(USER)).files;
    assert_eq!(said(&verified(&forged, None)), "", "by itself it holds");
    assert_eq!(said(&verified(files, Some(key(folder)))), "");
    let told = said(&verified(&forged, Some(key(folder))));
    assert!(told.contains("signed with another key than the one you gave") && told.contains(&key(&other).to_string()), "{told}");
    for name in files.keys() {
        let mut mixed = files.clone();
        mixed.insert(name.clone(), forged[name].clone());
        let told = said(&verified(&mixed, None));
        assert!(!told.is_empty(), "{name} of another pack");
        let mut dropped = files.clone();
        dropped.remove(name);
        let told = said(&verified(&dropped, None));
        assert!(told.contains(&format!("{name} is missing from the pack")), "without {name}: {told}");
    }
    let mut more = files.clone();
    more.insert("more.txt".into(), b"hello".to_vec());
    assert_eq!(said(&verified(&more, None)), "more.txt does not belong to the pack: it was put there\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn one_byte_of_any_file_altered_is_named(file: prop::sample::Index, place: prop::sample::Index, flip in 1u8..) {
        let (_, _, files) = &*SCHOOL;
        let name = file.get(&files.keys().collect::<Vec<_>>()).to_string();
        let mut altered = files.clone();
        let bytes = altered.get_mut(&name).expect("a file");
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        let told = said(&verified(&altered, None));
        let named = told.contains(&name) || name == SIGNATURE && (told.contains("statement") || told.contains("manifest"));
        prop_assert!(named, "{name}, byte {place}: {told}");
    }

    #[test]
    fn one_byte_of_the_zip_altered_is_noticed(place: prop::sample::Index, flip in 1u8..) {
        static ZIP: LazyLock<Vec<u8>> = LazyLock::new(|| zip(&SCHOOL.2));
        let mut altered = ZIP.clone();
        let place = place.index(altered.len());
        altered[place] ^= flip;
        if let Ok(unpacked) = unpack(&altered) {
            let report = verify(unpacked, None, &page).expect("a pack");
            prop_assert!(!report.problems.is_empty() || !report.remarks.is_empty(), "byte {place}");
        }
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes: Vec<u8>, json in "[\\[\\]{}\",:0-9a-z]{0,80}") {
        prop_assert!(unpack(&bytes).is_err());
        let (_, _, files) = &*SCHOOL;
        for name in [MANIFEST, PROOFS, SIGNATURE] {
            for altered in [&bytes, json.as_bytes()] {
                let mut files = files.clone();
                files.insert(name.to_owned(), altered.to_vec());
                // A manifest such as "[2]" is one of a later form.
                match verify(unpack(&zip(&files)).expect("a zip"), None, &page) {
                    Ok(report) => prop_assert!(!report.problems.is_empty()),
                    Err(other) => prop_assert!(matches!(other, NotAPack::Form(_)), "{other}"),
                }
            }
        }
    }
}

#[test]
fn what_is_no_pack_is_said_to_be_none() {
    let other = Files::from([("letter.txt".to_owned(), b"Dear Sir".to_vec())]);
    assert!(matches!(unpack(&zip(&other)), Err(NotAPack::SomethingElse)));
    let whole = zip(&SCHOOL.2);
    for bytes in [&b""[..], b"Dear Sir", &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        assert!(matches!(unpack(bytes), Err(NotAPack::NotAZip(_))), "{} bytes", bytes.len());
    }
    let many = (0..=MOST_FILES).map(|number| (format!("{number}.txt"), Vec::new())).collect();
    assert!(matches!(unpack(&zip(&many)), Err(NotAPack::TooLarge(_))));
    // Some hundred kilobytes that would unpack to more than a pack may.
    let bomb = Files::from([(PROOFS.to_owned(), vec![0; zipped::LARGEST_FILE + 1])]);
    assert!(matches!(unpack(&zip(&bomb)), Err(NotAPack::TooLarge(_))));
    let mut listed = SCHOOL.2.clone();
    listed.insert(PROOFS.to_owned(), vec![b','; make::MOST_LISTED + 1]);
    assert!(said(&verified(&listed, None)).contains("proofs.json cannot be read: it lists too much"));
    let mut later = SCHOOL.2.clone();
    let text = String::from_utf8(later[MANIFEST].clone()).expect("text").replacen("\"form\": 1", "\"form\": 2", 1);
    later.insert(MANIFEST.to_owned(), text.into_bytes());
    let refused = verify(unpack(&zip(&later)).expect("a zip"), None, &page).map(drop).map_err(|error| error.to_string());
    assert_eq!(refused, Err("it was made by another version of Usher (form 2, this one knows 1); check it with that version".to_owned()));
}

#[test]
fn what_another_version_draws_otherwise_is_not_called_altered() {
    let files = signed_again(|_, manifest| manifest.usher = "9.9.9".into());
    let draw = |manifest: &Manifest, checked: &Checked| {
        let mut files = page(manifest, checked);
        files.insert("page.html".to_owned(), b"drawn otherwise".to_vec());
        files
    };
    let report = verify(unpack(&zip(&files)).expect("a zip"), None, &draw).expect("a pack");
    assert_eq!(said(&report), "");
    assert!(report.remarks[0].starts_with("page.html is as it was signed; whether it says what the records say, Usher 9.9.9 can tell"), "{:?}", report.remarks);
}

#[tokio::test]
async fn a_pack_waits_while_the_log_is_written_anew() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 20).await;
    let held = crate::audit::rewrite::lock(&folder).expect("locked");
    std::thread::scope(|scope| {
        let making = scope.spawn(|| pack(&folder, of(USER)));
        drop(held);
        assert!(!making.join().expect("it ends").files.is_empty());
    });
}

#[test]
fn hours_survive_being_written_down() {
    let text = "{\"zone\":\"Europe/London\",\"periods\":[{\"name\":\"lunch\",\"days\":[1,5],\"from\":\"12:30:00\",\"to\":\"13:20:00\"}],\"terms\":[],\"closed\":[{\"name\":\"half term\",\"first\":\"2026-10-26\",\"last\":\"2026-10-30\"}]}";
    let hours: Hours = serde_json::from_str(text).expect("hours");
    assert_eq!(Hours::of(&hours.timetable()), hours);
    assert_eq!(serde_json::to_string(&hours).expect("text"), text);
}
