//! Updates never hurt: a change is taken up whole or not at all, and nobody notices but by the new answer.

use crate::kit::{Ending, Origin, Program, School, Wire, World, soon};
use rustix::process::Signal;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Semaphore;

#[tokio::test]
async fn a_change_is_in_force_for_the_next_request() {
    let school = World::new().user("7-anna", "right", None).start().await;
    let before = school.pupil().get("http://games.example/").await.is_blocked_because("category").record().snapshot.clone();
    school.files.put("lists/games/domains", "other.example\n");
    let id = school.reloader.reload().await.expect("reloaded");
    assert_ne!(id.to_string(), before);
    assert_eq!(school.pupil().get("http://games.example:1/").await.reply.status, 502);
    let after = school.pupil().get("http://other.example/").await;
    assert_eq!(after.is_blocked_because("category").record().snapshot, id.to_string());
}

#[tokio::test]
async fn connections_that_last_do_not_hold_on_to_old_lists() {
    let origin = Origin::saying("page").await;
    let school = World::new().start().await;
    let (mut kept, mut tunnel, mut later) = (school.wire().await, school.wire().await, school.wire().await);
    for wire in [&mut kept, &mut later] {
        wire.send(origin.request("GET", "/", "")).await;
        assert_eq!(wire.reply().await.text(), "page");
    }
    for wire in [&mut tunnel, &mut later] {
        wire.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", origin.authority())).await;
        assert_eq!(wire.head_only().await.status, 200);
    }
    let old = Arc::downgrade(&school.in_force.get());
    school.files.put("lists/games/domains", "other.example\n");
    school.reloader.reload().await.expect("reloaded");
    soon("letting go of the old lists", async {
        while old.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_change_is_told_and_what_was_in_force_stays() {
    let school = World::new().start().await;
    let before = school.pupil().get("http://games.example/").await.record().snapshot.clone();
    for (file, from, to, words) in [
        ("policy.toml", "block = [\"adult\"]", "block = [\"adlut\"]", "\"adlut\""),
        ("sources.toml", "address = \"lists\"", "address = \"lsits\"", "lsits"),
        ("usher.toml", "[limits]", "[limit]", "did you mean \"limits\"?"),
        ("categories.toml", "id = \"games\"", "id = \"play\"", "\"games\""),
    ] {
        school.files.edit(file, from, to);
        let error = school.reloader.reload().await.expect_err("it is wrong").to_string();
        assert!(error.contains(words), "{file}: {error}");
        assert_eq!(school.pupil().get("http://games.example/").await.is_blocked_because("category").record().snapshot, before, "{file}");
        school.files.edit(file, to, from);
    }
    assert_eq!(school.reloader.reload().await.expect("right again").to_string(), before, "the same files have the same name");
}

/// Asks on one connection until told to stop; how often.
async fn ask_all_the_time(mut wire: Wire, request: String, stop: Arc<AtomicBool>, count: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        wire.send(&request).await;
        let reply = wire.reply().await;
        assert_eq!((reply.status, reply.ending), (200, Ending::Whole));
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reloads under load.
const RELOADS: usize = 50;

async fn reload_again_and_again(school: &School, count: &AtomicUsize) {
    for round in 1..=RELOADS {
        school.files.put("lists/games/domains", &format!("games.example\nnumber-{round}.example\n"));
        school.reloader.reload().await.expect("reloaded");
        let seen = count.load(Ordering::Relaxed);
        while count.load(Ordering::Relaxed) < seen + 4 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloading_under_load_fails_no_request_and_drops_no_connection() {
    let origin = Origin::saying("hello").await;
    // They all come from one device, and a slow machine reloads slowly: how many ask is not what this is about.
    let school = World::new().limit("requests_per_second = 0").start().await;
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut people = Vec::new();
    for number in 0..4 {
        let request = origin.request("GET", &format!("/{number}"), "");
        people.push(tokio::spawn(ask_all_the_time(school.wire().await, request, stop.clone(), count.clone())));
    }
    soon("reloading", reload_again_and_again(&school, &count)).await;
    stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.expect("no request failed");
    }
    let rows = school.rows();
    let undecided = rows.iter().filter(|row| (row.verdict.as_str(), row.reason.as_str()) != ("allowed", "unlisted")).count();
    assert_eq!(undecided, 0, "every request was decided, and rightly");
    let snapshots: std::collections::HashSet<_> = rows.into_iter().map(|row| row.snapshot).collect();
    assert!(snapshots.len() > RELOADS / 2, "requests were judged by {} snapshots", snapshots.len());
}

#[test]
fn a_signal_reloads_and_a_wrong_file_changes_nothing() {
    let mut usher = World::new().serve();
    assert!(usher.get("http://games.example/").starts_with("HTTP/1.1 403"));
    usher.files.put("lists/games/domains", "other.example\n");
    usher.signal(Signal::HUP);
    usher.says("policy and lists reloaded");
    assert!(usher.get("http://games.example:1/").starts_with("HTTP/1.1 502"));
    assert!(usher.get("http://other.example/").starts_with("HTTP/1.1 403"));
    usher.files.put("policy.toml", "[[group]]\nnam = \"x\"\n");
    usher.signal(Signal::HUP);
    usher.says("reload refused");
    assert!(usher.get("http://other.example/").starts_with("HTTP/1.1 403"));
}

/// Enough, one after the other, to outlast a proxy that stops at once.
const PARTS: usize = 1000;

/// A site that says each part of a long page only when it is let.
async fn slow_site(go_on: Arc<Semaphore>) -> Origin {
    Origin::doing(move |mut visit| {
        let go_on = go_on.clone();
        async move {
            visit.request().await;
            visit.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", PARTS * 4)).await;
            for _ in 0..PARTS {
                go_on.acquire().await.expect("open").forget();
                visit.send("part").await;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_finishes_what_is_under_way() {
    let go_on = Arc::new(Semaphore::new(0));
    let origin = slow_site(go_on.clone()).await;
    let mut usher = Program::start(Arc::new(World::new().write()));
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), usher.address).await;
    wire.send(origin.request("GET", "/slow", "")).await;
    assert_eq!(wire.head_only().await.status, 200);
    usher.signal(Signal::TERM);
    assert!(usher.says("stopping").contains("connections=1"));
    let refused = std::net::TcpStream::connect(usher.address);
    assert!(refused.is_err(), "nobody new is taken in");
    for _ in 0..PARTS {
        go_on.add_permits(1);
        assert_eq!(wire.take(4).await, b"part");
    }
    assert!(wire.is_closed().await);
    assert!(usher.ended().success());
    let rows = usher.rows();
    assert_eq!((rows[0].path.as_str(), rows[0].outcome.as_deref()), ("/slow", Some("complete")));
}
