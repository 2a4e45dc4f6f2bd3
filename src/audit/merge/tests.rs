//! Merged, a log holds what it held, and proves it.

use super::*;
use crate::audit::erasure::{self, NewErasure};
use crate::audit::journal::Part;
use crate::audit::rewrite::tests::{all, chain_holds, school};
use crate::audit::tests::{record, small};
use crate::audit::verify::{Against, verify};
use crate::audit::{Outcome, Recorder};
use std::fs;

/// The school's day, and so many after it.
fn days_later(days: u64) -> Timestamp {
    Timestamp::from_millisecond(i64::try_from(crate::audit::tests::MORNING + days * 86_400_000).expect("a time")).expect("a time")
}

fn later() -> Timestamp {
    days_later(2)
}

/// Fails unless the log proves itself in every way.
fn holds(folder: &Folder) {
    chain_holds(folder);
    assert_eq!(verify(folder, &Against::default(), &mut |_, _| {}).expect("verified").problems, []);
}

fn files(folder: &Folder) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder.sealed()).expect("listed").map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

fn parts(folder: &Folder) -> Vec<Part> {
    Journal::open(folder).expect("opened").reader().parts().expect("read")
}

#[tokio::test]
async fn what_is_merged_holds_the_same_records_in_fewer_files() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 1200).await;
    let (before, many) = (all(&folder), parts(&folder));
    assert!(many.len() > 40, "{} segments", many.len());
    let report = merge(&folder, later()).expect("merged");
    assert_eq!((report.from, report.into, report.kept_back.len()), (many.len(), 5, 0));
    assert_eq!(report.records, 1200);
    assert_eq!(parts(&folder).len(), 5, "one a class");
    assert_eq!(all(&folder), before);
    holds(&folder);
    // Whoever reads the old ones can finish; the next who rewrites removes them.
    assert_eq!(files(&folder).len(), many.len() + 5);
    assert_eq!(merge(&folder, later()).expect("nothing to merge"), Report::default());
    assert_eq!(files(&folder).len(), 5);
    assert_eq!(all(&folder), before);
    holds(&folder);
}

#[tokio::test]
async fn of_today_only_what_is_many_is_merged() {
    let place = tempfile::tempdir().expect("a folder");
    let few = school(&place.path().join("few"), 500).await;
    assert!(!is_due(&few, days_later(0)).expect("read"));
    assert_eq!(merge(&few, days_later(0)).expect("merged"), Report::default());
    let many = school(&place.path().join("many"), 1200).await;
    let before = all(&many);
    assert!(is_due(&many, days_later(0)).expect("read"));
    assert_eq!(merge(&many, days_later(0)).expect("merged").into, 5);
    assert!(!is_due(&many, days_later(0)).expect("read"));
    assert_eq!(all(&many), before);
    holds(&many);
}

#[tokio::test]
async fn a_merged_segment_holds_no_more_than_it_may_and_is_not_merged_twice() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 2000).await;
    let before = all(&folder);
    merge_up_to(Most { rows: 200, weight: MOST_WEIGHT }, &folder, later()).expect("merged");
    assert!(parts(&folder).iter().all(|part| part.rows <= 200), "{:?}", parts(&folder));
    assert_eq!(merge_up_to(Most { rows: 200, weight: MOST_WEIGHT }, &folder, later()).expect("nothing to merge"), Report::default());
    // Had there been more room, they go together: merged ones are merged like any.
    merge(&folder, later()).expect("merged");
    assert_eq!(parts(&folder).len(), 5);
    assert_eq!(all(&folder), before);
    holds(&folder);
}

#[tokio::test]
async fn what_comes_on_the_same_day_after_a_merge_is_merged_into_it() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 500).await;
    merge(&folder, later()).expect("merged");
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    for pending in record(&recorder, 500..900).await.into_values() {
        pending.close(Outcome::Complete);
    }
    recorder.finish();
    drop(recorder);
    crate::audit::stopped::seal_unless_running(&folder).expect("sealed");
    let before = all(&folder);
    merge(&folder, later()).expect("merged");
    assert_eq!((parts(&folder).len(), before.len()), (5, 900));
    assert_eq!(all(&folder), before);
    holds(&folder);
}

#[tokio::test]
async fn what_was_erased_stays_erased_and_more_can_be() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 900).await;
    let erase = |user: &str| {
        let new = NewErasure { user: user.to_owned(), from: None, to: None, why: "a court says so".to_owned(), by: "the head".to_owned(), marks: Vec::new() };
        erasure::ask(&folder, &new, later()).expect("asked");
        assert!(erasure::carry_out(&folder, later()).expect("carried out").iter().all(erasure::Standing::is_finished));
    };
    let left = |gone: &[&str]| all(&folder).into_iter().filter(|row| row.user.as_deref().is_some_and(|user| gone.contains(&user))).count();
    // Some of these were open over the end of a file, and some for good.
    erase("b.smith");
    holds(&folder);
    merge(&folder, later()).expect("merged");
    assert_eq!(left(&["b.smith"]), 0);
    holds(&folder);
    erase("a.jones");
    assert_eq!((left(&["a.jones", "b.smith"]), parts(&folder).len()), (0, 5));
    assert!(files(&folder).iter().all(|file| parts(&folder).iter().any(|part| part.file == *file)), "what was merged is not left lying");
    holds(&folder);
}

#[tokio::test]
async fn a_damaged_segment_stays_as_it_is_and_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 1200).await;
    let before = all(&folder);
    let damaged = parts(&folder).into_iter().filter(|part| part.class == Class::Visit).nth(5).expect("a segment");
    let path = folder.sealed().join(&damaged.file);
    let mut bytes = fs::read(&path).expect("read");
    bytes[20] ^= 1;
    fs::write(&path, &bytes).expect("written");
    let report = merge(&folder, later()).expect("merged");
    assert_eq!(report.kept_back.keys().collect::<Vec<_>>(), [&damaged.file]);
    assert_eq!(parts(&folder).iter().filter(|part| part.class == Class::Visit).count(), 3, "those before, itself, those after");
    bytes[20] ^= 1;
    fs::write(&path, &bytes).expect("written");
    assert_eq!(all(&folder), before);
    holds(&folder);
}

#[tokio::test]
async fn what_would_be_too_much_to_be_read_again_is_merged_by_parts_or_not_at_all() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 1200).await;
    let before = all(&folder);
    let weight = |part: &Part| Source::segment(&folder.sealed().join(&part.file), &part.digest).expect("opened").directory.weight();
    let heaviest = parts(&folder).iter().map(weight).max().expect("some");
    assert_eq!(merge_up_to(Most { rows: MOST_ROWS, weight: 1 }, &folder, later()).expect("nothing to merge"), Report::default());
    merge_up_to(Most { rows: MOST_ROWS, weight: 3 * heaviest }, &folder, later()).expect("merged");
    assert!((6..40).contains(&parts(&folder).len()), "{}", parts(&folder).len());
    assert_eq!(all(&folder), before);
    holds(&folder);
}

#[tokio::test]
async fn a_record_altered_after_it_was_carried_over_is_named_and_spoils_no_other() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    let open = record(&recorder, 0..150).await;
    recorder.finish();
    drop((open, recorder));
    let live = folder.lives().expect("listed").last().copied().expect("a live file");
    let file = rusqlite::Connection::open(folder.live(live)).expect("opened");
    let altered = file.execute(
        "UPDATE opened SET body = (SELECT body FROM opened o WHERE o.class = opened.class AND o.id > opened.id LIMIT 1) WHERE id = (SELECT min(id) FROM opened)",
        [],
    );
    assert_eq!(altered, Ok(1));
    drop(file);
    crate::audit::stopped::seal_unless_running(&folder).expect("sealed");
    let told = || verify(&folder, &Against::default(), &mut |_, _| {}).expect("verified").problems;
    let before = told();
    assert!(matches!(before.as_slice(), [crate::audit::verify::Problem::Altered { .. }]), "{before:?}");
    let report = merge(&folder, later()).expect("merged");
    let live = format!("-{live:08}-{live:08}.seg");
    assert!(report.kept_back.len() == 1 && report.kept_back.keys().all(|file| file.ends_with(&live)), "{report:?}");
    assert_eq!(told(), before);
}
