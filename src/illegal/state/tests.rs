//! Once a feed was in force, nothing that is done to it takes an entry out of force.

use super::*;
use crate::illegal::key::PublisherKey;
use crate::illegal::lines;
use crate::illegal::sealed::tests::{issue, licence, sealed};
use crate::illegal::sealed::{self, Issue};

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Two hours after the feeds were made.
fn now() -> Timestamp {
    time("2026-11-25T10:00:00Z")
}

fn feed(serial: u64, text: &str) -> Arc<Feed> {
    Arc::new(sealed::open(&sealed(serial, text), &licence()).expect("opened"))
}

fn made_by(key: &PublisherKey, issue: &Issue) -> Arc<Feed> {
    let entries = lines::read("terrorism http://a.example/\n", None).expect("lines");
    Arc::new(sealed::open(&sealed::seal(issue, &entries, key).expect("sealed"), &key.licence().expect("a licence")).expect("opened"))
}

fn another_publishers(serial: u64) -> Arc<Feed> {
    made_by(&PublisherKey::of_random(&[9; 64]), &issue(serial))
}

fn demonstration(serial: u64) -> Arc<Feed> {
    made_by(&PublisherKey::of_random(&[5; 64]), &Issue { purpose: Purpose::Demonstration, ..issue(serial) })
}

const ONE: &str = "terrorism http://a.example/one\n";

/// A school whose feed, number 7, was taken.
fn after_seven() -> (Arc<Feed>, State) {
    let seven = feed(7, ONE);
    let Settled { feed, standing, state, changes } = settle(&Offered::Feed(seven.clone()), &Kept::Nothing, Memory::New, now());
    assert_eq!((feed.map(|feed| feed.digest), &standing), (Some(seven.digest), &Standing::Sealed(seven.header.clone())));
    assert_eq!(changes, [Change::Taken(seven.header.clone())]);
    assert!(state.marred.is_none() && state.reported.is_empty());
    (seven, state)
}

fn kinds(standing: &Standing) -> Vec<&'static str> {
    match standing {
        Standing::Red { why, .. } => why.iter().map(Red::kind).collect(),
        Standing::NotPresent => vec!["not-present"],
        Standing::Sealed(_) => vec!["sealed"],
        Standing::Demonstration(_) => vec!["demonstration"],
    }
}

#[test]
fn a_school_without_a_feed_has_none() {
    let Settled { feed, standing, state, changes } = settle(&Offered::Nothing, &Kept::Nothing, Memory::New, now());
    assert!(feed.is_none() && changes.is_empty());
    assert_eq!((standing, state), (Standing::NotPresent, State::default()));
}

fn refused() -> Offered {
    Offered::Bad(Red::Tampered { what: "feed.sealed".into(), why: "altered".into() })
}

#[test]
fn a_first_feed_that_is_bad_is_red_and_nothing_is_in_force() {
    let settled = settle(&refused(), &Kept::Nothing, Memory::New, now());
    assert!(settled.feed.is_none());
    assert_eq!((kinds(&settled.standing), settled.changes.len()), (vec!["tampered"], 1));
    let again = settle(&refused(), &Kept::Nothing, Memory::Known(settled.state.clone()), now());
    assert_eq!((again.changes, &again.state), (vec![], &settled.state), "it is on record once");
    let mended = settle(&Offered::Nothing, &Kept::Nothing, Memory::Known(settled.state), now());
    assert_eq!((kinds(&mended.standing), mended.changes.len(), mended.state), (vec!["not-present"], 1, State::default()));
}

#[test]
fn nothing_that_is_done_to_a_feed_takes_it_out_of_force() {
    let (seven, state) = after_seven();
    let eight = feed(8, ONE);
    let kept = || Kept::Feed(seven.clone());
    let known = || Memory::Known(state.clone());
    for (what, offered, kept, memory, serial, wrong) in [
        ("as it was", Offered::Feed(seven.clone()), kept(), known(), 7, vec!["sealed"]),
        ("a newer one", Offered::Feed(eight.clone()), kept(), known(), 8, vec!["sealed"]),
        ("the setting taken out", Offered::Nothing, kept(), known(), 7, vec!["removed"]),
        ("an altered file", refused(), kept(), known(), 7, vec!["tampered"]),
        ("an older one", Offered::Feed(feed(6, ONE)), kept(), known(), 7, vec!["downgraded"]),
        ("another with its number", Offered::Feed(feed(7, "terrorism http://a.example/two\n")), kept(), known(), 7, vec!["tampered"]),
        ("another publisher's", Offered::Feed(another_publishers(9)), kept(), known(), 7, vec!["other-publisher"]),
        ("a demonstration", Offered::Feed(demonstration(9)), kept(), known(), 7, vec!["downgraded"]),
        ("the copy gone", Offered::Feed(seven.clone()), Kept::Nothing, known(), 7, vec!["tampered"]),
        ("the copy altered", Offered::Feed(seven.clone()), Kept::Bad, known(), 7, vec!["tampered"]),
        ("the copy an older one", Offered::Feed(seven.clone()), Kept::Feed(feed(6, ONE)), known(), 7, vec!["tampered"]),
        ("the copy another publisher's", Offered::Feed(seven.clone()), Kept::Feed(another_publishers(9)), known(), 7, vec!["tampered"]),
        ("the state altered", Offered::Feed(seven.clone()), kept(), Memory::Altered, 7, vec!["tampered"]),
        ("the state gone", Offered::Feed(seven.clone()), kept(), Memory::Removed, 7, vec!["tampered"]),
        ("the state and the setting gone", Offered::Nothing, kept(), Memory::Removed, 7, vec!["removed", "tampered"]),
        ("the state gone and an older one given", Offered::Feed(feed(6, ONE)), kept(), Memory::Removed, 7, vec!["downgraded", "tampered"]),
        ("the state gone and another publisher's given", Offered::Feed(another_publishers(9)), kept(), Memory::Removed, 7, vec!["other-publisher", "tampered"]),
        ("all that is kept gone", Offered::Feed(seven.clone()), Kept::Nothing, Memory::Removed, 7, vec!["tampered"]),
        ("the copy newer than the state: stopped between the two", Offered::Feed(eight.clone()), Kept::Feed(eight.clone()), known(), 8, vec!["sealed"]),
    ] {
        let Settled { feed, standing, state, changes } = settle(&offered, &kept, memory, now());
        assert_eq!((feed.map(|feed| feed.header.serial), kinds(&standing)), (Some(serial), wrong.clone()), "{what}");
        let told: Vec<_> = changes.iter().filter(|change| matches!(change, Change::Wrong(_))).collect();
        assert_eq!(told.len(), if wrong == ["sealed"] { 0 } else { wrong.len() }, "{what}: each on record");
        // What is remembered is enough to say it all again, and no more than once.
        let kept = Kept::Feed(if serial == 8 { eight.clone() } else { seven.clone() });
        let again = settle(&offered, &kept, Memory::Known(state), now());
        assert_eq!((kinds(&again.standing), again.changes), (wrong, vec![]), "{what}");
    }
}

#[test]
fn with_everything_gone_it_is_red_and_says_that_nothing_is_in_force() {
    let (_, state) = after_seven();
    let settled = settle(&Offered::Nothing, &Kept::Nothing, Memory::Known(state), now());
    assert!(settled.feed.is_none());
    assert_eq!(kinds(&settled.standing), ["removed", "tampered"]);
    assert!(matches!(settled.standing, Standing::Red { in_force: None, .. }));
}

#[test]
fn damage_shows_until_the_publishers_next_feed() {
    let (seven, state) = after_seven();
    let altered = settle(&Offered::Feed(seven.clone()), &Kept::Bad, Memory::Known(state), now());
    let mended = settle(&Offered::Feed(seven.clone()), &Kept::Feed(seven.clone()), Memory::Known(altered.state), now());
    assert_eq!(kinds(&mended.standing), ["tampered"], "what is put back is not what was never touched");
    let eight = feed(8, ONE);
    let next = settle(&Offered::Feed(eight), &Kept::Feed(seven), Memory::Known(mended.state), now());
    assert_eq!(kinds(&next.standing), ["sealed"]);
    assert!(matches!(&next.changes[..], [Change::Mended(_), Change::Taken(_)]), "{:?}", next.changes);
}

#[test]
fn a_file_put_back_is_green_again_and_that_is_on_record() {
    let (seven, state) = after_seven();
    let gone = settle(&refused(), &Kept::Feed(seven.clone()), Memory::Known(state), now());
    let back = settle(&Offered::Feed(seven.clone()), &Kept::Feed(seven), Memory::Known(gone.state), now());
    assert_eq!(kinds(&back.standing), ["sealed"]);
    assert!(matches!(&back.changes[..], [Change::Mended(was)] if was.contains("feed.sealed")), "{:?}", back.changes);
}

#[test]
fn a_feed_grows_old() {
    let (seven, state) = after_seven();
    let at = |text: &str| settle(&Offered::Feed(seven.clone()), &Kept::Feed(seven.clone()), Memory::Known(state.clone()), time(text));
    assert_eq!(kinds(&at("2026-11-26T08:00:00Z").standing), ["sealed"], "it is good for 24 hours");
    let stale = at("2026-11-26T08:00:01Z");
    assert_eq!((kinds(&stale.standing), stale.feed.map(|feed| feed.header.serial)), (vec!["stale"], Some(7)));
    assert_eq!(stale.changes.len(), 1);
    let later = settle(&Offered::Feed(seven.clone()), &Kept::Feed(seven.clone()), Memory::Known(stale.state), time("2026-12-26T08:00:01Z"));
    assert_eq!((kinds(&later.standing), later.changes), (vec!["stale"], vec![]), "the words do not change with the days");
    assert_eq!(kinds(&at("2026-11-24T08:00:01Z").standing), ["sealed"], "clocks differ");
    assert_eq!(kinds(&at("2026-11-24T07:59:59Z").standing), ["stale"], "a clock set back does not keep a feed fresh");
}

#[test]
fn a_demonstration_may_go_and_gives_way_to_any_list() {
    let demonstration = demonstration(50);
    let Settled { standing, state, changes, .. } = settle(&Offered::Feed(demonstration.clone()), &Kept::Nothing, Memory::New, now());
    assert_eq!((kinds(&standing), changes.len()), (vec!["demonstration"], 1));
    let known = || Memory::Known(state.clone());
    let gone = settle(&Offered::Nothing, &Kept::Feed(demonstration.clone()), known(), now());
    assert!(gone.feed.is_none());
    assert_eq!((kinds(&gone.standing), &gone.state), (vec!["not-present"], &State::default()));
    let list = settle(&Offered::Feed(feed(1, ONE)), &Kept::Feed(demonstration.clone()), known(), now());
    assert_eq!((kinds(&list.standing), list.feed.map(|feed| feed.header.serial)), (vec!["sealed"], Some(1)));
    let altered = settle(&refused(), &Kept::Feed(demonstration), known(), now());
    assert_eq!((kinds(&altered.standing), altered.feed.map(|feed| feed.header.serial)), (vec!["tampered"], Some(50)), "it shows what a list would do");
}
