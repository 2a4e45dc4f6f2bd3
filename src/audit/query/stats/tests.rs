//! What is counted is what is there.

use super::*;
use crate::audit::query::Filter;
use crate::audit::tests::{MORNING, record, sealed, small};
use crate::audit::{Folder, Recorder};
use std::collections::BTreeSet;

/// Counts by reading every record.
fn by_hand(log: &Log, zone: &TimeZone) -> BTreeMap<Date, Day> {
    let rows = log.search(&Filter { limit: 1_000_000, ..Filter::default() }).expect("searched").rows;
    let (mut days, mut people): (BTreeMap<Date, Day>, HashMap<Date, BTreeSet<String>>) = (BTreeMap::new(), HashMap::new());
    for row in rows {
        let date = jiff::Timestamp::from_millisecond(row.time_ms.cast_signed()).expect("a time").to_zoned(zone.clone()).date();
        let day = days.entry(date).or_default();
        day.requests += 1;
        day.visits += u64::from(row.kind == "visit");
        day.searches += u64::from(row.stage.as_deref() == Some("asked"));
        people.entry(date).or_default().insert(row.user.clone().unwrap_or(row.client));
        for category in row.categories {
            *day.categories.entry(category).or_default() += 1;
        }
        if row.verdict == "blocked" {
            day.blocks += 1;
            *day.blocked_hosts.entry(row.host).or_default() += 1;
        }
    }
    days.into_iter().map(|(date, day)| (date, Day { people: people[&date].len() as u64, ..day })).collect()
}

fn morning(zone: &TimeZone) -> Date {
    jiff::Timestamp::from_millisecond(MORNING.cast_signed()).expect("a time").to_zoned(zone.clone()).date()
}

#[tokio::test]
async fn counting_by_columns_finds_what_reading_every_record_finds() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(300)).expect("started");
    drop(record(&recorder, 0..1000).await);
    sealed(&folder);
    let log = Log::open(&folder).expect("opened");
    // Where midnight falls into the traffic, and where it does not.
    for zone in ["Europe/London", "Pacific/Auckland", "Asia/Kolkata"].map(|name| TimeZone::get(name).expect("a zone")).into_iter().chain(midnight_at_500()) {
        let day = morning(&zone);
        let stats = log.stats(&Wanted { first: day.yesterday().expect("a day"), last: day.tomorrow().expect("a day"), zone: zone.clone() }).expect("counted");
        assert_eq!(stats.days, by_hand(&log, &zone), "{zone:?}");
        assert!(stats.passed_over.is_empty());
        let one = log.stats(&Wanted { first: day, last: day, zone: zone.clone() }).expect("counted");
        assert_eq!(one.days.get(&day), by_hand(&log, &zone).get(&day));
        let before = day.yesterday().and_then(Date::yesterday).expect("a day");
        assert!(log.stats(&Wanted { first: before, last: before, zone }).expect("counted").days.is_empty());
    }
}

/// A zone in which the five hundredth request is the first of a day.
fn midnight_at_500() -> Option<TimeZone> {
    let seconds = i32::try_from((MORNING / 1000 + 500) % 86_400).ok()?;
    Some(TimeZone::fixed(jiff::tz::Offset::from_seconds(86_400 - seconds).ok()?))
}

#[tokio::test]
async fn too_many_days_or_none_are_not_counted() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    Recorder::start(&folder, small(300)).expect("started").finish();
    let log = Log::open(&folder).expect("opened");
    let (day, zone) = (morning(&TimeZone::UTC), TimeZone::UTC);
    for (first, last) in [(day, day.yesterday().expect("a day")), (day.saturating_sub(2000.days()), day)] {
        let error = log.stats(&Wanted { first, last, zone: zone.clone() }).expect_err("refused").to_string();
        assert!(error.contains("cannot be counted"), "{error}");
    }
}

#[test]
fn the_top_is_the_greatest_first() {
    let counted: BTreeMap<String, u64> = [("a", 1), ("b", 3), ("c", 3), ("d", 2)].map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(top(&counted, 3), [("b".to_owned(), 3), ("c".to_owned(), 3), ("d".to_owned(), 2)]);
}
