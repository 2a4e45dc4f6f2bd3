//! Nothing unrecorded: what anybody was answered is in the log, whatever happens to Usher, its disk, the site or the person.

use crate::kit::{Ending, Origin, Program, Wire, World, soon};
use rustix::process::Signal;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

type Answered = Arc<Mutex<Vec<String>>>;

/// Asks for one page after the other until Usher is gone, and notes each whose answer began.
async fn ask_until_gone(proxy: SocketAddr, sites: [String; 2], name: String, answered: Answered) {
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), proxy).await;
    for number in 0.. {
        let path = format!("/{name}/{number}");
        let site = &sites[number % 2];
        wire.send(format!("GET http://{site}{path} HTTP/1.1\r\nHost: {site}\r\n\r\n")).await;
        if !wire.more().await {
            return;
        }
        answered.lock().expect("a list").push(path);
        if wire.next_reply().await.is_none_or(|reply| reply.ending == Ending::Cut) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_load_every_answer_is_on_record() {
    let origin = Origin::saying("hello").await;
    let files = Arc::new(World::new().write());
    let answered = Answered::default();
    for round in 1..=20 {
        let mut usher = Program::start(files.clone());
        let sites = [origin.authority(), "games.example".to_owned()];
        let ask = |task: usize| tokio::spawn(ask_until_gone(usher.address, sites.clone(), format!("{round}-{task}"), answered.clone()));
        let people: Vec<_> = (0..4).map(ask).collect();
        let before = answered.lock().expect("a list").len();
        soon("load", async {
            while answered.lock().expect("a list").len() < before + 20 + 13 * round {
                tokio::task::yield_now().await;
            }
        })
        .await;
        usher.signal(Signal::KILL);
        usher.ended();
        for person in people {
            soon("the end", person).await.expect("it ends well");
        }
        let recorded: HashSet<_> = usher.rows().into_iter().map(|row| row.path).collect();
        let missing: Vec<_> = answered.lock().expect("a list").iter().filter(|path| !recorded.contains(*path)).cloned().collect();
        assert_eq!(missing, [] as [String; 0], "answered and not on record, round {round}");
    }
}

#[test]
fn when_the_log_cannot_be_written_nothing_passes_and_it_recovers_by_itself() {
    let mut usher = Program::start_with_little_disk(Arc::new(World::new().write()), 600);
    let (mut answered, mut number) = (Vec::new(), 0);
    let mut ask = |usher: &Program| {
        number += 1;
        let path = format!("/{number}?{}", "x".repeat(900));
        let reply = usher.get(&format!("http://games.example{path}"));
        let status = reply[9..12].to_owned();
        (path, status, reply)
    };
    let refusal = (0..5000).find_map(|_| {
        let (path, status, reply) = ask(&usher);
        match status.as_str() {
            "403" => answered.push(path),
            _ => return Some((status, reply)),
        }
        None
    });
    let (status, reply) = refusal.expect("the disk is full at some time");
    assert_eq!(status, "503");
    assert!(reply.contains("The web is paused") && reply.contains("on record"), "{reply}");
    assert!(usher.says("the log cannot be written").contains("ERROR"));
    usher.give_disk();
    let recovered = (0..1000).find_map(|_| {
        let (path, status, _) = ask(&usher);
        (status == "403").then_some(path)
    });
    answered.push(recovered.expect("the log can be written again"));
    usher.says("the log can be written again");
    for _ in 0..20 {
        let (path, status, reply) = ask(&usher);
        assert_eq!(status, "403", "{reply}");
        answered.push(path);
    }
    let recorded: HashSet<_> = usher.rows().into_iter().map(|row| row.path).collect();
    assert!(answered.iter().all(|path| recorded.contains(path)), "every answer is on record");
}

#[tokio::test]
async fn a_person_who_goes_away_half_way_is_on_record_as_gone() {
    let origin = Origin::doing(|mut visit| async move {
        visit.request().await;
        visit.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbeginning").await;
        visit.gone().await;
    })
    .await;
    let school = World::new().start().await;
    for (path, resets) in [("/reset", true), ("/closed", false)] {
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "")).await;
        wire.until(b"beginning").await.expect("the beginning");
        if resets {
            wire.reset()
        } else {
            drop(wire)
        }
        let row = school.closed(path).await;
        assert_eq!((row.outcome.as_deref(), row.status, row.bytes_down), (Some("client-gone"), Some(200), Some(9)), "{path}");
    }
}

#[tokio::test]
async fn a_site_that_breaks_off_is_on_record_as_failed() {
    let origin = Origin::doing(|mut visit| async move {
        let request = visit.request().await.expect("a request");
        let answer = match request.split(' ').nth(1) {
            Some("/short") => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning",
            Some("/chunks") => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n",
            Some("/garbage") => "SSH-2.0-example\r\n\r\n",
            _ => "",
        };
        visit.send(answer).await;
    })
    .await;
    let school = World::new().start().await;
    for (path, status) in [("/short", 200), ("/chunks", 200), ("/garbage", 502), ("/nothing", 502)] {
        let mut wire = school.wire().await;
        wire.send(origin.request("GET", path, "")).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.ending, if status == 200 { Ending::Cut } else { Ending::Whole }, "{path}: {reply:?}");
        let row = school.closed(path).await;
        assert_eq!((row.outcome.as_deref(), row.status), (Some("origin-failed"), Some(status)), "{path}");
        assert!(row.note.is_some(), "{path}: the record says what went wrong");
    }
}

#[tokio::test]
async fn the_record_says_who_what_when_where_and_how_much() {
    let origin = Origin::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry").await;
    let school = World::new().start().await;
    let fields = "User-Agent: a browser\r\nReferer: http://shop.example/secret?x\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nContent-Length: 4\r\n";
    let mut wire = school.wire().await;
    wire.send(origin.request("POST", "/a?b=c%20d", fields) + "body").await;
    assert_eq!(wire.reply().await.text(), "sorry");
    let row = school.closed("/a?b=c%20d").await;
    let said = |value: &Option<String>| value.clone().unwrap_or_default();
    assert_eq!(
        [row.time.as_str(), &row.group, &row.client, &row.method, &row.scheme, &row.host, &row.verdict, &row.reason],
        ["2026-11-25T10:00:00.000Z", "year-7", "127.0.7.1", "POST", "http", "news.example", "allowed", "unlisted"]
    );
    assert_eq!([&row.identity_source, &row.identity_confidence], ["network", "place"]);
    assert_eq!(
        [&row.user_agent, &row.referrer, &row.fetch_dest, &row.fetch_mode, &row.fetch_user].map(said),
        ["a browser", "shop.example", "document", "navigate", "?1"]
    );
    assert_eq!((row.status, row.bytes_up, row.bytes_down, row.outcome.as_deref()), (Some(404), Some(4), Some(5), Some("complete")));
    assert_eq!((row.port, row.upstream), (origin.address.port(), Some(origin.address.to_string())));
    assert!(row.duration_ms.is_some_and(|took| took >= 0.0));
}
