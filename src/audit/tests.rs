//! The log as a whole: what goes in comes out, whatever was sealed, restarted or carried over meanwhile.

use super::query::{Filter, Log, Row};
use super::*;
use crate::insight::{Certainty, Kind, Search, Stage, Start};
use crate::policy::decision::SnapshotId;
use std::collections::HashMap;
use std::time::Duration;

/// A Wednesday morning.
pub(super) const MORNING: u64 = 1_795_597_200_000;

/// A small school's traffic: which request comes as the `n`th.
pub(super) fn request(n: u64) -> Box<Opening> {
    let kind = [Kind::Visit, Kind::Resource, Kind::Resource, Kind::Resource, Kind::Search][(n % 5) as usize];
    let verdict = if n.is_multiple_of(17) { Verdict::Blocked } else { Verdict::Allowed };
    let user = ["a.jones", "b.smith", "c.patel", "t.teacher"][(n % 4) as usize];
    let staff = user == "t.teacher";
    let host = ["www.bbc.co.uk", "bbc.co.uk", "cdn.games.example", "maps.example", "www.google.com"][(n * 7 % 5) as usize];
    Box::new(Opening {
        class: if staff { Class::Staff } else { Class::of(kind, verdict) },
        kind,
        start: if kind == Kind::Resource { Start::Loaded } else { Start::Typed },
        certainty: Certainty::Said,
        cause: (kind == Kind::Resource && n > 5).then(|| RecordId::first_of(MORNING + n - 1)),
        search: (kind == Kind::Search).then(|| Search { engine: "google", term: format!("how tall is mount number {n}"), stage: Stage::Asked }),
        time_ms: MORNING + n * 1000,
        user: (!n.is_multiple_of(9)).then(|| user.into()),
        group: if staff { "staff" } else { "year-7" }.into(),
        source: "password",
        confidence: "sure",
        client: format!("10.7.{}.{}", n % 3, n % 50).parse().expect("an address"),
        method: http::Method::GET,
        scheme: "https",
        host: host.into(),
        port: 443,
        path: format!("/lesson/{n}/volcano{}?session={n:08x}{n:08x}", n % 3),
        categories: if verdict == Verdict::Blocked { "games social-networks" } else { "education" }.into(),
        verdict,
        reason: "category",
        why: "The school blocks this.".into(),
        rule: (n.is_multiple_of(3)).then(|| "a rule".into()),
        entry: (verdict == Verdict::Blocked).then(|| crate::lists::Entry {
            list: "games".into(),
            line: u32::try_from(n % 40).expect("small"),
            text: "games.example".into(),
        }),
        snapshot: SnapshotId::of(&blake3::hash(b"")),
        agent: Some(format!("browser {}", n % 3)),
        referrer: (n.is_multiple_of(2)).then(|| "www.bbc.co.uk".into()),
        fetch_dest: (n.is_multiple_of(2)).then(|| "image".into()),
        fetch_mode: None,
        fetch_user: None,
    })
}

/// Which of the requests end: all but some, which are open as long as Usher runs.
fn ends(n: u64) -> bool {
    !n.is_multiple_of(31)
}

/// Records requests from the first to before the second of these, and closes those that end some requests later.
pub(super) async fn record(recorder: &Recorder, numbers: std::ops::Range<u64>) -> HashMap<u64, Pending> {
    let mut open = HashMap::new();
    for n in numbers.clone() {
        open.insert(n, recorder.open(request(n)).await.expect("recorded"));
        if n >= numbers.start + 7
            && let Some(mut pending) = open.remove(&(n - 7))
        {
            if !ends(n - 7) {
                open.insert(n - 7, pending);
                continue;
            }
            pending.status(http::StatusCode::OK);
            pending.sent(1000 + n - 7);
            pending.upstream("192.0.2.1:443".parse().expect("an address"));
            pending.close(Outcome::Complete);
        }
    }
    open
}

pub(super) fn small(rows: u64) -> Settings {
    Settings { rows, ..Settings::default() }
}

/// Waits until no live file but the last is there.
pub(super) fn sealed(folder: &Folder) {
    let start = std::time::Instant::now();
    while folder.lives().expect("listed").len() > 1 {
        assert!(start.elapsed() < Duration::from_secs(30), "it takes too long to seal");
        std::thread::yield_now();
    }
}

fn all(log: &Log) -> Vec<Row> {
    log.search(&Filter { limit: 100_000, ..Filter::default() }).expect("searched").rows
}

fn number_of(row: &Row) -> u64 {
    row.path.split('/').nth(2).and_then(|n| n.parse().ok()).expect("its number")
}

#[tokio::test]
async fn what_goes_in_comes_out_whatever_was_sealed_or_restarted_meanwhile() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(100)).expect("started");
    let open = record(&recorder, 0..450).await;
    let log = Log::open(&folder).expect("opened");
    assert_eq!(all(&log).len(), 450, "while it is being sealed");
    sealed(&folder);
    assert_eq!(all(&log).len(), 450, "when it is sealed");
    drop(open);
    recorder.finish();
    drop(recorder);
    // A restart leaves two records open for good: nobody is there to close them.
    let recorder = Recorder::start(&folder, small(100)).expect("started again");
    for pending in record(&recorder, 450..700).await.into_values() {
        pending.close(Outcome::Complete);
    }
    recorder.finish();
    let rows = all(&log);
    let numbers: Vec<_> = rows.iter().map(number_of).collect();
    assert_eq!(numbers, (0..700).rev().collect::<Vec<_>>(), "newest first, each once");
    for row in &rows {
        let n = number_of(row);
        let asked = request(n);
        assert_eq!(row.time_ms, asked.time_ms);
        assert_eq!((row.user.as_deref(), &*row.group, &*row.host, &*row.path), (asked.user.as_deref(), &*asked.group, &*asked.host, &*asked.path));
        assert_eq!(
            (&*row.class, &*row.kind, row.term.as_deref()),
            (asked.class.as_str(), asked.kind.as_str(), asked.search.as_ref().map(|search| &*search.term))
        );
        assert_eq!(row.cause, asked.cause.map(|cause| cause.to_string()));
        assert_eq!((row.rule.as_deref(), row.entry.as_ref()), (asked.rule.as_deref(), asked.entry.as_ref()));
        assert_eq!(
            (row.user_agent.as_deref(), row.referrer.as_deref(), row.fetch_dest.as_deref()),
            (asked.agent.as_deref(), asked.referrer.as_deref(), asked.fetch_dest.as_deref())
        );
        let outcome = row.outcome.as_deref();
        if ends(n) && n < 443 {
            assert_eq!(
                (outcome, row.status, row.bytes_down, row.upstream.as_deref()),
                (Some("complete"), Some(200), Some(1000 + n), Some("192.0.2.1:443")),
                "{n}"
            );
        } else {
            assert!(outcome.is_some(), "{n} closed, as abandoned if nothing else");
        }
        assert_eq!(log.show(row.number).expect("read").as_ref(), Some(row));
    }
    assert_eq!(log.count().expect("counted"), 700);
}

#[tokio::test]
async fn every_filter_finds_what_looking_at_every_record_finds() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, small(150)).expect("started");
    drop(record(&recorder, 0..800).await);
    recorder.finish();
    sealed(&folder);
    let log = Log::open(&folder).expect("opened");
    let rows = all(&log);
    every_filter_finds_what_there_is(&log, &rows);
    // The second time removes what was merged.
    for _ in 0..2 {
        merge::merge(&folder, jiff::Timestamp::MAX).expect("merged");
    }
    assert!(all(&log) == rows, "merged, they are the same");
    every_filter_finds_what_there_is(&log, &rows);
}

fn every_filter_finds_what_there_is(log: &Log, rows: &[Row]) {
    let time = |n: u64| jiff::Timestamp::from_millisecond((MORNING + n * 1000).cast_signed()).expect("a time");
    type Test = fn(&Row) -> bool;
    let table: [(Filter, Test); 18] = [
        (Filter { user: Some("B.Smith".into()), ..Filter::default() }, |row| row.user.as_deref() == Some("b.smith")),
        (Filter { user: Some("*s*".into()), ..Filter::default() }, |row| row.user.as_ref().is_some_and(|user| user.contains('s'))),
        (Filter { user: Some("nobody".into()), ..Filter::default() }, |_| false),
        (Filter { group: Some("staff".into()), ..Filter::default() }, |row| row.group == "staff"),
        (Filter { client: Some("10.7.1.1".into()), ..Filter::default() }, |row| row.client == "10.7.1.1"),
        (Filter { host: Some("bbc.co.uk".into()), ..Filter::default() }, |row| row.host.ends_with("bbc.co.uk")),
        (Filter { host: Some("www.bbc.co.uk".into()), ..Filter::default() }, |row| row.host == "www.bbc.co.uk"),
        (Filter { host: Some("c.co.uk".into()), ..Filter::default() }, |_| false),
        (Filter { category: Some("games".into()), ..Filter::default() }, |row| row.categories.iter().any(|id| id == "games")),
        (Filter { verdict: Some(Verdict::Blocked), ..Filter::default() }, |row| row.verdict == "blocked"),
        (Filter { kind: Some(Kind::Search), ..Filter::default() }, |row| row.kind == "search"),
        (Filter { class: Some(Class::Staff), ..Filter::default() }, |row| row.class == "staff"),
        (Filter { from: Some(time(300)), to: Some(time(420)), ..Filter::default() }, |row| (300..420).contains(&number_of(row))),
        (Filter { text: Some("volcano1".into()), ..Filter::default() }, |row| row.path.contains("volcano1")),
        (Filter { text: Some("mount TALL".into()), ..Filter::default() }, |row| row.term.is_some()),
        (Filter { text: Some("volc games".into()), ..Filter::default() }, |row| row.host.contains("games")),
        (Filter { text: Some("mount 254".into()), ..Filter::default() }, |row| number_of(row) == 254),
        (Filter { text: Some("unheard".into()), ..Filter::default() }, |_| false),
    ];
    for (filter, test) in table {
        let wanted: Vec<_> = rows.iter().filter(|row| test(row)).map(number_of).collect();
        let whole = log.search(&Filter { limit: 10_000, ..filter.clone() }).expect("searched");
        assert_eq!(whole.rows.iter().map(number_of).collect::<Vec<_>>(), wanted, "{filter:?}");
        people_are_those_of(log, &filter, &whole.rows);
        // In pages: each record once, in order.
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page = log.search(&Filter { limit: 13, before, ..filter.clone() }).expect("searched");
            paged.extend(page.rows.iter().map(number_of));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(paged, wanted, "{filter:?} in pages");
        // Without patience it stops after each part, and still finds all.
        let (mut hasty, mut before) = (Vec::new(), None);
        loop {
            let page = log.search(&Filter { patience: Duration::ZERO, before, ..filter.clone() }).expect("searched");
            hasty.extend(page.rows.iter().map(number_of));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(hasty, wanted, "{filter:?} without patience");
        // Followed from the oldest on.
        let (mut followed, mut after) = (Vec::new(), RecordId(0));
        loop {
            let page = log.search(&Filter { limit: 13, after: Some(after), ..filter.clone() }).expect("searched");
            let Some(newest) = page.rows.first() else { break };
            after = newest.number;
            followed.extend(page.rows.iter().rev().map(number_of));
        }
        assert!(followed.iter().rev().eq(wanted.iter()), "{filter:?} followed");
    }
}

/// Whether those behind a filter are those of the rows it finds.
fn people_are_those_of(log: &Log, filter: &Filter, rows: &[Row]) {
    let mut wanted = HashMap::new();
    for row in rows {
        let of = if row.user.is_some() { (row.user.clone(), None) } else { (None, Some(row.client.clone())) };
        let (records, first, last) = wanted.entry(of).or_insert((0, row.number, row.number));
        *records += 1;
        (*first, *last) = ((*first).min(row.number), (*last).max(row.number));
    }
    let people = log.people(filter).expect("counted").people;
    assert!(people.is_sorted_by(|a, b| a.records >= b.records), "{people:?}");
    let found: HashMap<_, _> = people.into_iter().map(|one| ((one.user, one.client), (one.records, one.first, one.last))).collect();
    assert_eq!(found, wanted, "{filter:?}");
}

fn at(ms: u64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(ms.cast_signed()).expect("a time")
}

#[tokio::test]
async fn a_day_that_is_over_is_sealed_though_nobody_asks_for_anything_on_the_next() {
    const DAY: u64 = 86_400_000;
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::at(place.path().join("log"));
    let recorder = Recorder::start(&folder, Settings::default()).expect("started");
    let calendar = recorder.calendar();
    let newest = || folder.lives().expect("listed").last().copied();
    let mut open = record(&recorder, 0..40).await;
    // All is written when the first is committed that came after it.
    calendar.is(at(MORNING + 7_200_000));
    open.extend(record(&recorder, 40..41).await);
    assert_eq!(newest(), Some(1), "the day is not over");
    let mut now = MORNING;
    let mut day_by_day_until = |number: u64| {
        let start = std::time::Instant::now();
        while newest() != Some(number) {
            now += DAY;
            calendar.is(at(now));
            assert!(start.elapsed() < Duration::from_secs(30), "no new file is begun");
            std::thread::yield_now();
        }
        now
    };
    day_by_day_until(2);
    sealed(&folder);
    let log = Log::open(&folder).expect("opened");
    assert_eq!(all(&log).len(), 41, "those that are open are carried over");
    // Nobody asks for anything; what is open ends, and goes with the next day.
    drop(open);
    let now = day_by_day_until(3);
    sealed(&folder);
    // The first request of a day makes no file of its own for nothing.
    drop(recorder.open(Box::new(Opening { time_ms: now + DAY, ..*request(41) })).await.expect("recorded"));
    recorder.finish();
    assert_eq!((newest(), all(&log).len()), (Some(3), 42));
    let report = verify::verify(&folder, &verify::Against::default(), &mut |_, _| {}).expect("verified");
    assert_eq!((report.problems, report.records), (Vec::new(), 42));
}
