use super::*;
use crate::audit::holds::{NewHold, hold, release};
use crate::audit::rewrite::tests::{all, bytes, chain_holds, holds_text, school};
use crate::audit::tests::MORNING;

fn after(days: i64) -> Timestamp {
    Timestamp::from_millisecond(MORNING.cast_signed() + days * 86_400_000).expect("a time")
}

#[test]
fn a_period_is_read_as_people_write_it() {
    for (text, shown) in [("30 days", "30 days"), ("1 day", "1 day"), ("12 months", "12 months"), (" 6  Years ", "6 years"), ("2 week", "2 weeks")] {
        assert_eq!(text.parse::<Period>().map(|period| period.to_string()), Ok(shown.to_owned()), "{text}");
    }
    for text in ["", "30", "days", "30days", "1.5 years", "a month", "30 hours"] {
        assert!(matches!(text.parse::<Period>(), Err(NotAPeriod::Form(_))), "{text}");
    }
    for text in ["0 days", "-1 days", "11 years", "121 months", "4000 days", "521 weeks"] {
        assert!(matches!(text.parse::<Period>(), Err(NotAPeriod::Bounds(_))), "{text}");
    }
}

#[test]
fn a_month_is_one_of_the_calendar() {
    let time = |text: &str| text.parse::<Timestamp>().expect("a time");
    for (period, now, then) in [
        ("1 month", "2027-03-31T10:00:00Z", "2027-02-28T10:00:00Z"),
        ("12 months", "2028-02-29T10:00:00Z", "2027-02-28T10:00:00Z"),
        ("30 days", "2027-03-31T10:00:00Z", "2027-03-01T10:00:00Z"),
        ("6 years", "2027-03-31T10:00:00Z", "2021-03-31T10:00:00Z"),
    ] {
        assert_eq!(period.parse::<Period>().expect("a period").before(time(now)), time(then), "{period} before {now}");
    }
}

#[tokio::test]
async fn each_class_goes_when_it_is_older_than_its_rule_and_not_before() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 450).await;
    let before = all(&folder);
    let classes = |rows: &[crate::audit::query::Row]| rows.iter().map(|row| row.class.clone()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(classes(&before).len(), 5);
    let keep = Keep::default();
    let nothing = purge(&folder, &keep, after(29), Doing::Really).expect("purged");
    assert_eq!(nothing.records(), 0);
    let told = purge(&folder, &keep, after(32), Doing::Telling).expect("told");
    assert_eq!(all(&folder), before, "telling changes nothing");
    let done = purge(&folder, &keep, after(32), Doing::Really).expect("purged");
    assert_eq!(told, done);
    assert_eq!(done.records(), before.iter().filter(|row| row.class == "resource").count() as u64);
    assert!(!classes(&all(&folder)).contains("resource"));
    assert_eq!(classes(&all(&folder)).len(), 4);
    chain_holds(&folder);
    purge(&folder, &keep, after(190), Doing::Really).expect("purged");
    assert!(!classes(&all(&folder)).contains("staff"));
    purge(&folder, &keep, after(370), Doing::Really).expect("purged");
    assert_eq!(all(&folder), []);
    assert_eq!(purge(&folder, &keep, after(370), Doing::Really).expect("purged").records(), 0, "once");
    chain_holds(&folder);
}

#[tokio::test]
async fn nothing_of_what_was_purged_is_in_any_file() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 450).await;
    for text in ["a.jones", "/lesson/", "volcano"] {
        assert!(holds_text(&bytes(&folder), text), "{text} was there");
    }
    let report = purge(&folder, &Keep::default(), after(400), Doing::Really).expect("purged");
    assert_eq!(report.records(), 450);
    for text in ["a.jones", "b.smith", "/lesson/", "volcano", "games.example"] {
        assert!(!holds_text(&bytes(&folder), text), "{text} is gone");
    }
    chain_holds(&folder);
}

#[tokio::test]
async fn what_is_held_stays_and_is_proven_until_the_hold_is_released() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 900).await;
    let of_smith = |rows: Vec<crate::audit::query::Row>| rows.into_iter().filter(|row| row.user.as_deref() == Some("b.smith")).collect::<Vec<_>>();
    let wanted: Vec<_> = of_smith(all(&folder)).into_iter().filter(|row| row.time_ms >= MORNING + 200_000 && row.time_ms < MORNING + 700_000).collect();
    assert!(wanted.len() > 50);
    let time = |ms: u64| Timestamp::from_millisecond(ms.cast_signed()).ok();
    let new = NewHold {
        user: "B.Smith".into(),
        from: time(MORNING + 200_000),
        to: time(MORNING + 700_000),
        host: None,
        why: "police request 17".into(),
        by: "bell".into(),
    };
    let number = hold(&folder, &new, after(1)).expect("held");
    let told = purge(&folder, &Keep::default(), after(400), Doing::Telling).expect("told");
    let done = purge(&folder, &Keep::default(), after(400), Doing::Really).expect("purged");
    assert_eq!((told.records(), done.records()), (900 - wanted.len() as u64, 900 - wanted.len() as u64), "{done:?}");
    assert_eq!(done.kept_back, BTreeMap::new());
    assert_eq!(all(&folder), wanted, "and nothing else");
    chain_holds(&folder);
    let left = bytes(&folder);
    assert!(holds_text(&left, "b.smith") && !holds_text(&left, "a.jones") && !holds_text(&left, "/lesson/1/"), "of nobody else");
    assert_eq!(purge(&folder, &Keep::default(), after(401), Doing::Really).expect("purged").records(), 0);
    assert_eq!(all(&folder), wanted);
    // A second hold on part of it, and the first released: what is left is pruned once more.
    let narrower = NewHold { host: Some("maps.example".into()), ..new };
    hold(&folder, &narrower, after(402)).expect("held");
    release(&folder, number, "no longer asked for", "bell", after(402)).expect("released");
    purge(&folder, &Keep::default(), after(403), Doing::Really).expect("purged");
    let on_maps: Vec<_> = wanted.into_iter().filter(|row| row.host == "maps.example").collect();
    assert!(!on_maps.is_empty());
    assert_eq!(all(&folder), on_maps);
    chain_holds(&folder);
}

#[tokio::test]
async fn who_looked_is_forgotten_after_its_time_and_the_journal_still_holds() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = school(place.path(), 20).await;
    let mut journal = Journal::open(&folder).expect("opened");
    let look = serde_json::json!({ "who": "bell", "user": "c.patel", "reason": "a worry about somebody" });
    journal.state(after(0), Topic::Looked, &look).expect("stated");
    journal.state(after(1000), Topic::Looked, &look).expect("stated");
    let keep = Keep { lookups: "2 years".parse().expect("a period"), ..Keep::default() };
    let report = purge(&folder, &keep, after(800), Doing::Really).expect("purged");
    assert_eq!(report.classes.iter().find(|class| class.class == "lookups").map(|class| class.records), Some(1));
    let bodies: Vec<_> = journal.reader().about(Topic::Looked, 0).expect("read").into_iter().map(|statement| statement.body.is_empty()).collect();
    assert_eq!(bodies, [true, false]);
    assert_eq!(crate::audit::erasure::emptied(journal.reader()).expect("read").len(), 1);
    chain_holds(&folder);
}
