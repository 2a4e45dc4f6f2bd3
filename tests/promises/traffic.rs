//! The made-up traffic that the record is measured with is like a school's.

#[path = "../../benches/traffic/mod.rs"]
mod made_up;

use made_up::calendar::Day;
use made_up::people::Role;
use made_up::summary::Summary;
use made_up::{Exchange, Traffic};
use std::collections::HashMap;
use usher::audit::Class;
use usher::audit::RecordId;
use usher::insight::Kind;

/// Two classes, a trolley, six members of staff.
const SMALL: f64 = 0.05;

fn days(size: f64, count: usize) -> impl Iterator<Item = Exchange> {
    let mut traffic = Traffic::new(7, size);
    std::iter::from_fn(move || traffic.next().filter(|_| traffic.day().number < count))
}

#[test]
fn the_same_seed_makes_the_same_traffic() {
    let text = |seed| Traffic::new(seed, SMALL).take(2000).map(|exchange| format!("{exchange:?}")).collect::<Vec<_>>();
    assert!(text(1) == text(1));
    assert!(text(1) != text(2));
}

#[test]
fn it_comes_in_order_and_in_school_hours() {
    let (mut last, mut id) = (0, RecordId(0));
    for exchange in days(0.01, 7) {
        let opening = &exchange.opening;
        assert!(last <= opening.time_ms && id < exchange.id, "{exchange:?}");
        (last, id) = (opening.time_ms, exchange.id);
        assert!(opening.cause.is_none_or(|cause| cause < exchange.id), "{exchange:?}");
        let local = jiff::Timestamp::from_millisecond(last as i64).expect("a time").to_zoned(jiff::tz::TimeZone::get("Europe/London").expect("a zone"));
        assert!(matches!(local.hour(), 8..=21) && !matches!(local.weekday().to_monday_one_offset(), 6 | 7), "{local}");
    }
}

#[test]
fn holidays_are_free() {
    let mut day = Day::first();
    let mut dates = Vec::new();
    while day.number < 195 {
        dates.push(day.date);
        day = day.next();
    }
    let has = |text: &str| dates.contains(&text.parse().expect("a date"));
    assert!(has("2026-09-07") && has("2026-10-23") && has("2026-11-02") && has("2027-01-05") && has("2027-07-21"));
    assert!(!has("2026-10-28") && !has("2026-12-25") && !has("2027-01-01") && !has("2026-09-12"));
}

#[test]
fn it_is_made_up_as_that_of_schools() {
    let mut all = Summary::default();
    days(SMALL, 2).for_each(|exchange| all.add(&exchange));
    println!("{all}");
    let about = |what: &str, share: f64, from: f64, to: f64| assert!((from..to).contains(&share), "{what}: {share}\n{all}");
    about("requests a day", all.requests as f64 / 2.0, 0.75 * 175_000.0, 1.1 * 175_000.0);
    about("visits", all.kind("visit"), 0.065, 0.095);
    about("searches", all.kind("search"), 0.01, 0.02);
    about("resources and background", all.kind("resource") + all.kind("background"), 0.88, 0.93);
    about("blocked", all.share(all.blocked), 0.01, 0.025);
    about("staff", all.class("staff"), 0.05, 0.1);
    about("median path", all.path_length(50) as f64, 45.0, 75.0);
    about("95th path", all.path_length(95) as f64, 180.0, 320.0);
    about("long paths", all.share(all.long_paths()), 0.002, 0.02);
    let (users, agents, entries) = all.different();
    assert!(users == 66 && (12..40).contains(&agents) && entries > 250, "{all}");
    assert!((4_000..20_000).contains(&all.hosts()), "{all}");
}

#[test]
fn a_class_goes_to_the_same_sites_in_a_lesson() {
    let lesson = Day::first().periods[2];
    let (mut visits, mut hosts) = (0, HashMap::new());
    for exchange in days(SMALL, 1).filter(|exchange| (lesson.from..lesson.to).contains(&exchange.opening.time_ms)) {
        if exchange.opening.kind == Kind::Visit && exchange.opening.class == Class::Visit {
            visits += 1;
            *hosts.entry(exchange.opening.host.clone()).or_insert(0) += 1;
        }
    }
    let mut counts: Vec<u32> = hosts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    // One class has devices.
    let together: u32 = counts.iter().take(4).sum();
    assert!(together * 10 > visits * 6, "{together} of {visits}: {counts:?}");
}

#[test]
fn most_end_soon_tunnels_late_and_some_never() {
    let (mut soon, mut late, mut never, mut all) = (0, 0, 0, 0);
    for exchange in days(SMALL, 1) {
        all += 1;
        match exchange.ending {
            Some(ending) if ending.duration_us <= 2_000_000 => soon += 1,
            Some(ending) if exchange.opening.method == http::Method::CONNECT => late += u32::from(ending.duration_us > 20_000_000),
            Some(_) => {}
            None => never += 1,
        }
    }
    assert!(soon * 10 > all * 9 && late > 200 && never > 5, "{soon} {late} {never} of {all}");
}

#[test]
fn it_keeps_little_however_long_it_runs() {
    let mut traffic = Traffic::new(7, SMALL);
    traffic.by_ref().take(40_000).for_each(drop);
    let kept = traffic.kept();
    traffic.by_ref().take(120_000).for_each(drop);
    let later = traffic.kept();
    assert!(later < kept * 2 && later < 2_000, "{kept} {later}");
}

#[test]
fn a_school_has_its_people_in_classes_and_staff() {
    let traffic = Traffic::new(7, 1.0);
    let school = traffic.school();
    let staff = school.people.iter().filter(|person| matches!(person.role, Role::Staff { .. })).count();
    assert_eq!((school.people.len() - staff, staff, school.devices.len()), (1260, 120, 900));
    let mut names: Vec<_> = school.people.iter().map(|person| &person.user).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 1380, "nobody has the name of another");
}
