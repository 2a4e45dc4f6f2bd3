//! Every way to tamper with the log that we could think of, and what is said of it.

use super::*;
use crate::audit::tests::{record, sealed, small};
use crate::audit::{Recorder, checkpoint};
use jiff::Timestamp;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// A log of 620 records in six sealed parts and a live one, with a checkpoint half way.
async fn log(place: &Path) -> (Folder, Checkpoint) {
    let folder = Folder::at(place.join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    let open = record(&recorder, 0..350).await;
    let mut journal = crate::audit::journal::Journal::open(&folder).expect("opened");
    let held = checkpoint::make(&folder, &mut journal, Timestamp::now()).expect("made").expect("there is a log");
    drop(open);
    drop(record(&recorder, 350..620).await);
    recorder.finish();
    sealed(&folder);
    (folder, held)
}

fn problems_against(folder: &Folder, against: &Against) -> Vec<Problem> {
    verify(folder, against, &mut |_, _| {}).expect("verified").problems
}

fn problems(folder: &Folder) -> Vec<Problem> {
    problems_against(folder, &Against::default())
}

fn sentences(folder: &Folder) -> String {
    problems(folder).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Does something to the live file.
fn in_live(folder: &Folder, sql: &str) -> usize {
    let number = folder.lives().expect("listed").last().copied().expect("a live file");
    Connection::open(folder.live(number)).expect("opened").execute(sql, []).expect("done")
}

fn in_journal(folder: &Folder, sql: &str) -> usize {
    Connection::open(folder.journal()).expect("opened").execute(sql, []).expect("done")
}

fn segments(folder: &Folder) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder.sealed()).expect("listed").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn nothing_is_said_of_a_log_that_nobody_touched() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, held) = log(place.path()).await;
    let against = Against { key: Some(held_key(&folder)), checkpoints: vec![held] };
    let report = verify(&folder, &against, &mut |_, _| {}).expect("verified");
    assert_eq!(report.problems, []);
    assert_eq!((report.records, report.unseen, report.gone), (620, 0, 0));
    assert!(report.segments > 20 && report.batches > 600, "{report:?}");
}

fn held_key(folder: &Folder) -> PublicKey {
    Reader::open(folder).expect("opened").key().expect("read").expect("a key")
}

#[tokio::test]
async fn whatever_is_done_to_the_live_file_is_named() {
    let table = [
        ("UPDATE opened SET body = replace(body, 'lesson', 'LESSON') WHERE id = (SELECT max(id) FROM opened)", "was altered"),
        ("UPDATE closed SET body = x'00' WHERE id = (SELECT min(id) FROM closed)", "was altered"),
        ("UPDATE opened SET who = who + 1 WHERE id = (SELECT max(id) FROM opened)", "was altered"),
        ("UPDATE shared SET body = replace(body, 'year-7', 'year-8')", "was altered"),
        ("DELETE FROM opened WHERE id = (SELECT max(id) FROM opened)", "was removed"),
        ("INSERT INTO opened SELECT id + 1, class, who, judgement, body, mark FROM opened WHERE id = (SELECT max(id) FROM opened)", "inserted"),
        ("UPDATE batches SET hash = zeroblob(32) WHERE id = (SELECT max(id) FROM batches)", "batch"),
        ("UPDATE batches SET link = zeroblob(32) WHERE id = (SELECT max(id) FROM batches)", "another link"),
        ("DELETE FROM batches WHERE id = (SELECT max(id) - 3 FROM batches)", "batch"),
        ("UPDATE start SET link = zeroblob(32) WHERE class = 0", "does not go on"),
    ];
    for (sql, told) in table {
        let place = tempfile::tempdir().expect("a folder");
        let (folder, _) = log(place.path()).await;
        assert!(in_live(&folder, sql) > 0, "{sql}");
        let said = sentences(&folder);
        assert!(said.contains(told), "{sql}: {said}");
    }
}

#[tokio::test]
async fn the_very_record_that_was_altered_removed_or_swapped_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = log(place.path()).await;
    let number = folder.lives().expect("listed")[0];
    let ids: Vec<i64> = {
        let connection = Connection::open(folder.live(number)).expect("opened");
        let mut statement = connection.prepare("SELECT id FROM opened WHERE class = 0 ORDER BY id DESC LIMIT 3").expect("prepared");
        statement.query_map([], |row| row.get(0)).expect("asked").collect::<Result<_, _>>().expect("read")
    };
    let id = |n: usize| RecordId(ids[n].unsigned_abs());
    // Two records swapped: each has the other's words.
    for (from, to) in [(ids[0], -1), (ids[1], ids[0]), (-1, ids[1])] {
        assert_eq!(in_live(&folder, &format!("UPDATE opened SET id = {to} WHERE id = {from}")), 1);
    }
    let found = problems(&folder);
    for swapped in [id(0), id(1)] {
        assert!(found.contains(&Problem::Altered { id: swapped, class: Class::Visit }), "{found:?}");
    }
    assert!(!sentences(&folder).contains(&id(2).to_string()), "no other is named");
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = log(place.path()).await;
    let last: i64 = Connection::open(folder.live(number))
        .and_then(|live| live.query_row("SELECT max(id) FROM opened WHERE class = 0", [], |row| row.get(0)))
        .expect("read");
    in_live(&folder, &format!("DELETE FROM opened WHERE id = {last}"));
    let removed = RecordId(last.unsigned_abs()).to_string();
    assert_eq!(sentences(&folder).lines().collect::<Vec<_>>().len(), 1);
    assert!(sentences(&folder).contains(&format!("record {removed}")) && sentences(&folder).contains("was removed"), "{}", sentences(&folder));
}

#[tokio::test]
async fn one_changed_byte_anywhere_in_a_segment_is_found() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = log(place.path()).await;
    for path in segments(&folder).iter().step_by(9) {
        let whole = fs::read(path).expect("read");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        for at in (8..whole.len()).step_by(whole.len() / 15) {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            fs::write(path, &altered).expect("written");
            let said = sentences(&folder);
            assert!(said.contains(&name), "byte {at} of {name}: {said:?}");
        }
        fs::write(path, &whole[..whole.len() - 1]).expect("written");
        assert!(sentences(&folder).contains(&name));
        fs::write(path, &whole).expect("written");
    }
    assert_eq!(problems(&folder), []);
}

#[tokio::test]
async fn a_segment_removed_put_there_or_exchanged_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = log(&place.path().join("one")).await;
    let (other, _) = log(&place.path().join("two")).await;
    let (ours, theirs) = (segments(&folder), segments(&other));
    let whole = fs::read(&ours[3]).expect("read");
    fs::remove_file(&ours[3]).expect("removed");
    assert!(sentences(&folder).contains("is not there"), "{}", sentences(&folder));
    // Another log's segment of the same name: each of its bytes is sound.
    fs::copy(&theirs[3], &ours[3]).expect("copied");
    assert!(sentences(&folder).contains("is not the file that was sealed"), "{}", sentences(&folder));
    fs::write(&ours[3], whole).expect("written");
    fs::copy(&theirs[3], folder.sealed().join("visit-00000099-00000099.seg")).expect("copied");
    assert!(sentences(&folder).contains("visit-00000099-00000099.seg was put there"), "{}", sentences(&folder));
}

#[tokio::test]
async fn the_journal_holds_against_changes_too() {
    let table = [
        ("UPDATE statements SET body = replace(body, 'visit', 'staff') WHERE kind = 'sealed'", "altered"),
        ("DELETE FROM statements WHERE number = 4", "were removed"),
        ("UPDATE statements SET signature = zeroblob(64) WHERE number = 3", "not signed"),
        ("UPDATE segments SET digest = 'x'", "list of segments was changed"),
        ("DELETE FROM segments WHERE class = 'blocked'", "list of segments was changed"),
    ];
    for (sql, told) in table {
        let place = tempfile::tempdir().expect("a folder");
        let (folder, _) = log(place.path()).await;
        assert!(in_journal(&folder, sql) > 0, "{sql}");
        let said = sentences(&folder);
        assert!(said.contains(told), "{sql}: {said}");
    }
}

#[tokio::test]
async fn whoever_has_the_key_and_writes_history_anew_is_found_out_by_a_checkpoint() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, held) = log(&place.path().join("true")).await;
    // The whole log made again with the same key, and other records in it.
    let forged = Folder::at(place.path().join("forged/log"));
    fs::create_dir_all(forged.path()).expect("made");
    fs::copy(folder.key(), forged.key()).expect("copied");
    let recorder = Recorder::start(&forged, small(100)).expect("started");
    drop(record(&recorder, 1..620).await);
    recorder.finish();
    sealed(&forged);
    assert_eq!(problems(&forged), [], "by itself it looks whole");
    let against = Against { key: None, checkpoints: vec![held.clone()] };
    let said: Vec<_> = problems_against(&forged, &against).iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|one| one.contains("the log was rewritten")), "{said:?}");
    // Another key is told at once.
    let against = Against { key: Some(PublicKey([7; 32])), checkpoints: Vec::new() };
    assert!(problems_against(&folder, &against).iter().any(|problem| matches!(problem, Problem::KeyWrong { .. })));
    // The end cut off: an old copy put back.
    let against = Against { key: None, checkpoints: vec![held] };
    let early = Folder::at(place.path().join("early/log"));
    fs::create_dir_all(early.path()).expect("made");
    fs::copy(folder.key(), early.key()).expect("copied");
    let recorder = Recorder::start(&early, small(100)).expect("started");
    drop(record(&recorder, 0..20).await);
    recorder.finish();
    let said: Vec<_> = problems_against(&early, &against).iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|one| one.contains("was cut off")), "{said:?}");
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    drop(record(&recorder, 5000..5090).await);
    drop(record(&recorder, 0..90).await);
    drop(record(&recorder, 6000..6040).await);
    recorder.finish();
    sealed(&folder);
    let report = verify(&folder, &Against::default(), &mut |_, _| {}).expect("verified");
    assert_eq!(report.problems, []);
    assert!(report.remarks.iter().any(|remark| remark.contains("the clock was set back")), "{:?}", report.remarks);
    let events = crate::audit::events::search(&folder, &crate::audit::events::Wanted::default()).expect("read");
    assert!(events.iter().any(|event| event.kind == "clock"), "{events:?}");
}
