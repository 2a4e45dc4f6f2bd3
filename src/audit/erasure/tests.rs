use super::*;
use crate::audit::holds::{NewHold, hold, release};
use crate::audit::rewrite::tests::{all, bytes, chain_holds, holds_text, school};
use crate::audit::stopped::{Running, seal_unless_running};
use crate::audit::tests::{MORNING, record, small};
use crate::audit::{Outcome, Recorder};

fn later() -> Timestamp {
    Timestamp::from_millisecond(MORNING.cast_signed() + 86_400_000).expect("a time")
}

fn of(user: &str) -> NewErasure {
    NewErasure { user: user.into(), from: None, to: None, why: "asked for by the family".into(), by: "bell".into(), marks: vec!["5ea1".into()] }
}

#[tokio::test]
async fn a_persons_records_are_erased_and_no_name_is_left_in_any_file() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 600).await;
    let mut journal = Journal::open(&folder).expect("opened");
    let look = serde_json::json!({ "who": "bell", "user": "C.Patel", "filter": "--user C.Patel", "reason": "is c.patel well?" });
    journal.state(later(), Topic::Looked, &look).expect("stated");
    let (hers, others): (Vec<_>, Vec<_>) = all(&folder).into_iter().partition(|row| row.user.as_deref() == Some("c.patel"));
    let found = look_for(&folder, "c.patel");
    assert_eq!(found.records(), hers.len() as u64);
    let asked = ask(&folder, &of("c.patel"), later()).expect("asked");
    assert!(is_pending(journal.reader()).expect("read"));
    let done = carry_out(&folder, later()).expect("carried out");
    assert_eq!(done, [Standing { asked, erased: hers.len() as u64, live: 0, held: 0, open_alerts: 0, alerts: 0, failed: BTreeMap::new() }]);
    assert_eq!(all(&folder), others, "nobody else's are touched");
    assert!(!is_pending(journal.reader()).expect("read"));
    chain_holds(&folder);
    let left = bytes(&folder);
    for name in ["c.patel", "C.Patel", "patel"] {
        assert!(!holds_text(&left, name), "{name}");
    }
    assert!(holds_text(&left, "is [erased] well?"), "that somebody looked, and why, is on record still");
    assert_eq!(carry_out(&folder, later()).expect("carried out"), [], "once");
    // What is left can be purged and erased like anything else.
    ask(&folder, &of("a.jones"), later()).expect("asked");
    carry_out(&folder, later()).expect("carried out");
    assert!(all(&folder).iter().all(|row| row.user.as_deref() != Some("a.jones")));
    chain_holds(&folder);
}

#[tokio::test]
async fn whoever_keeps_something_beside_the_log_learns_who_is_gone_once_all_is() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 300).await;
    let reader = Reader::open(&folder).expect("read");
    let asked = ask(&folder, &of("c.patel"), later()).expect("asked");
    assert_eq!(gone::after(&reader, 0).expect("read"), (Vec::new(), asked), "it is asked for, and not done");
    ask(&folder, &NewErasure { marks: Vec::new(), ..of("a.jones") }, later()).expect("asked, by a version that said nothing more");
    carry_out(&folder, later()).expect("carried out");
    let (all, last) = gone::after(&reader, 0).expect("read");
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!(one.marks, ["5ea1"]);
    let hers = |ms: u64| (one.takes(RecordId::first_of(ms)), one.meets(ms, ms + 1));
    assert_eq!((hers(MORNING + 1000), hers(MORNING + 86_400_000)), ((true, true), (false, false)), "not what came after it was asked for");
    assert_eq!(gone::after(&reader, one.number).expect("read").0, [], "once");
    assert_eq!(gone::after(&reader, last).expect("read"), (Vec::new(), last));
    let (from, to) = (MORNING + 50_000, MORNING + 60_000);
    let time = |ms: u64| Timestamp::from_millisecond(ms.cast_signed()).ok();
    let some = gone::would_be(&folder, &NewErasure { from: time(from), to: time(to), ..of("b.smith") }).expect("said");
    for (since, until, meets) in [(0, from, false), (0, from + 1, true), (to - 1, to + 9, true), (to, to + 9, false)] {
        assert_eq!(some.meets(since, until), meets, "{since} {until}");
    }
    assert!(some.takes(RecordId::first_of(from)) && !some.takes(RecordId::first_of(to)));
}

fn look_for(folder: &Folder, user: &str) -> Found {
    look(folder, &of(user)).expect("looked")
}

#[tokio::test]
async fn only_the_stretch_of_time_that_was_named_is_erased() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 300).await;
    let before = all(&folder);
    let (from, to) = (MORNING + 50_000, MORNING + 200_000);
    let time = |ms: u64| Timestamp::from_millisecond(ms.cast_signed()).ok();
    ask(&folder, &NewErasure { from: time(from), to: time(to), ..of("b.smith") }, later()).expect("asked");
    carry_out(&folder, later()).expect("carried out");
    let left: Vec<_> = before.into_iter().filter(|row| row.user.as_deref() != Some("b.smith") || !(from..to).contains(&row.time_ms)).collect();
    assert_eq!(all(&folder), left);
    chain_holds(&folder);
}

#[tokio::test]
async fn what_is_held_cannot_be_erased_and_a_hold_that_comes_between_is_kept() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 300).await;
    let before = all(&folder);
    let new = NewHold { user: "a.jones".into(), from: None, to: None, host: Some("maps.example".into()), why: "police request 17".into(), by: "bell".into() };
    let number = hold(&folder, &new, later()).expect("held");
    for refused in [look(&folder, &of("a.jones")).map(drop), ask(&folder, &of("A.Jones"), later()).map(drop)] {
        let Err(ErasureError::Held(hold)) = refused else { panic!("{refused:?}") };
        assert_eq!(hold.number, number);
    }
    assert_eq!(all(&folder), before);
    look(&folder, &of("b.smith")).expect("others are not held");
    release(&folder, number, "over", "bell", later()).expect("released");
    let asked = ask(&folder, &of("a.jones"), later()).expect("asked");
    hold(&folder, &new, later()).expect("held again, before it was carried out");
    let standing = carry_out(&folder, later()).expect("carried out").remove(0);
    let held: Vec<_> = before.iter().filter(|row| row.user.as_deref() == Some("a.jones") && row.host == "maps.example").collect();
    assert_eq!((standing.asked, standing.held), (asked, held.len() as u64));
    assert!(!standing.is_finished() && !held.is_empty());
    assert_eq!(all(&folder).iter().filter(|row| row.user.as_deref() == Some("a.jones")).collect::<Vec<_>>(), held);
    chain_holds(&folder);
}

#[tokio::test]
async fn what_is_live_goes_when_it_is_sealed_and_what_comes_later_stays() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    for pending in record(&recorder, 0..250).await.into_values() {
        pending.close(Outcome::Complete);
    }
    assert_eq!(seal_unless_running(&folder).expect("looked"), Running::Yes);
    crate::audit::tests::sealed(&folder);
    let found = look_for(&folder, "b.smith");
    assert!(found.live > 0 && found.sealed > 0, "{found:?}");
    ask(&folder, &of("b.smith"), later()).expect("asked");
    let standing = carry_out(&folder, later()).expect("carried out").remove(0);
    assert_eq!((standing.erased, standing.live), (found.sealed, found.live));
    for pending in record(&recorder, 250..400).await.into_values() {
        pending.close(Outcome::Complete);
    }
    recorder.finish();
    drop(recorder);
    assert_eq!(seal_unless_running(&folder).expect("sealed"), Running::No);
    let standing = carry_out(&folder, later()).expect("carried out").remove(0);
    assert!(standing.is_finished());
    assert_eq!(standing.erased, found.records());
    let left: Vec<_> = all(&folder).into_iter().filter(|row| row.user.as_deref() == Some("b.smith")).collect();
    assert!(!left.is_empty() && left.iter().all(|row| row.time_ms >= MORNING + 250_000));
    chain_holds(&folder);
    // A stopped log goes on where it was.
    let recorder = Recorder::start(&folder, small(100)).expect("started again");
    drop(record(&recorder, 400..420).await);
    recorder.finish();
    drop(recorder);
    assert_eq!(all(&folder).iter().filter(|row| row.time_ms >= MORNING + 400_000).count(), 20);
    seal_unless_running(&folder).expect("sealed");
    chain_holds(&folder);
}
