//! None twice, none lost: Usher is killed while signs come, and its journal cannot be written for a while.

use crate::kit::matters::{search, searching, short, stated_in};
use crate::kit::{Origin, PATIENCE, Program, Wire, World, soon};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;
use tokio::sync::Notify;
use usher::audit::incident::{Act, Level, Person};

/// How often it is killed.
const KILLS: u8 = 20;
const BY_HAND: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: none\r\nSec-Fetch-User: ?1\r\n";

/// How many were answered, and whom that wakes.
#[derive(Default)]
struct Answered {
    count: AtomicUsize,
    another: Notify,
}

/// Somebody at another device each time goes to a site that is blocked, and then searches; until Usher is gone.
async fn ask_until_gone(proxy: SocketAddr, engine: u16, round: u8, next: Arc<AtomicU8>, answered: Arc<Answered>) {
    loop {
        let device = next.fetch_add(1, Ordering::Relaxed);
        assert!(device < u8::MAX, "there are devices enough");
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 100 + round, device], 0))).expect("an address of this machine");
        // It may be gone by now.
        let Ok(tcp) = socket.connect(proxy).await else { return };
        let mut wire = Wire::new(tcp);
        for url in ["http://hurt.example/".to_owned(), search(engine, "painless way to die")] {
            let host = url.split('/').nth(2).unwrap_or_default();
            wire.send(format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n{BY_HAND}\r\n")).await;
            if wire.next_reply().await.is_none() {
                return;
            }
            answered.count.fetch_add(1, Ordering::Relaxed);
            answered.another.notify_one();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twenty_times_while_signs_come_each_matter_is_stated_once() {
    let engine = Origin::saying("results").await;
    let files = Arc::new(searching().edited("127.0.7.0/24", "127.0.0.0/16").edited("127.0.9.0/24", "127.9.0.0/24").write());
    for round in 0..KILLS {
        let mut usher = Program::start(files.clone());
        let (next, answered) = (Arc::new(AtomicU8::new(1)), Arc::new(Answered::default()));
        let ask = |_| tokio::spawn(ask_until_gone(usher.address, engine.address.port(), round, next.clone(), answered.clone()));
        let people: Vec<_> = (0..3).map(ask).collect();
        // Now and then before anything is stated, now and then in the middle of it.
        let enough = 1 + 23 * usize::from(round) % 89;
        soon("load", async {
            while answered.count.load(Ordering::Relaxed) < enough {
                answered.another.notified().await;
            }
        })
        .await;
        usher.signal(Signal::KILL);
        usher.ended();
        for person in people {
            soon("the end", person).await.expect("it ends well");
        }
    }
    // The last start takes what the others left, and ends by itself.
    let mut usher = Program::start(files.clone());
    let rows = usher.rows();
    let started = Instant::now();
    let danger: BTreeMap<String, bool> = rows.iter().fold(BTreeMap::new(), |mut all, row| {
        *all.entry(row.client.clone()).or_default() |= row.term.is_some();
        all
    });
    let stated = || stated_in(&files.path("data/log")).len();
    while stated() < danger.len() {
        assert!(started.elapsed() < PATIENCE, "{} of {} are stated", stated(), danger.len());
        std::thread::yield_now();
    }
    usher.signal(Signal::TERM);
    usher.ended();
    let matters = stated_in(&files.path("data/log"));
    let expected: Vec<_> = danger.iter().map(|(client, searched)| format!("self-harm {} {client}", if *searched { "danger" } else { "concern" })).collect();
    let mut expected = expected;
    expected.sort();
    assert_eq!(short(&matters), expected, "of all that is on record");
    assert!(danger.len() > usize::from(KILLS), "there was something to find");
    for matter in &matters {
        let Person::Device(client) = &matter.opened.who else { panic!("devices only: {:?}", matter.opened) };
        let own = |act: &Act| matches!(act, Act::Opened(_) | Act::Worsened { level: Level::Danger, .. });
        assert!(matter.acts.len() <= 2 && matter.acts.iter().all(|(_, _, act)| own(act)), "{client}: {:?}", matter.acts);
    }
    let said = files.usher(&["log", "verify"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[tokio::test]
async fn while_the_journal_cannot_be_written_that_is_said_and_nothing_is_lost() {
    let mut usher = searching().edited("127.0.7.0/24", "127.0.0.0/16").edited("127.0.9.0/24", "127.9.0.0/24").serve();
    let journal = usher.files.path("data/log/journal.db");
    let change = |sql: &str| rusqlite::Connection::open(&journal).expect("opened").execute_batch(sql).expect("changed");
    // As when its disk is gone: whoever writes to it is refused at once.
    change("CREATE TRIGGER refused BEFORE INSERT ON statements BEGIN SELECT RAISE(ABORT, 'no room'); END");
    let proxy = usher.address;
    get(2, proxy).await;
    let said = usher.says("alerts cannot be put on record");
    assert!(said.contains("ERROR") && said.contains("no room"), "{said}");
    get(3, proxy).await;
    assert_eq!(short(&stated_in(&usher.files.path("data/log"))), [] as [&str; 0]);
    change("DROP TRIGGER refused");
    // What else concerns alerts may be said at any time: a look whether somebody is told is due each half second.
    let said = usher.says("put on record");
    assert!(said.contains("can be put on record again"), "it is said once: {said}");
    usher.signal(Signal::TERM);
    usher.ended();
    let expected = ["self-harm concern 127.0.0.2", "self-harm concern 127.0.0.3"];
    assert_eq!(short(&stated_in(&usher.files.path("data/log"))), expected);
}

async fn get(device: u8, proxy: SocketAddr) {
    let mut wire = Wire::connect(IpAddr::from([127, 0, 0, device]), proxy).await;
    wire.send(format!("GET http://hurt.example/ HTTP/1.1\r\nHost: hurt.example\r\n{BY_HAND}\r\n")).await;
    assert_eq!(wire.reply().await.status, 403, "requests are served all the same");
}

/// How many requests the cost is taken over.
const MANY: u32 = 4000;
/// The most CPU time for each: a thousand of them a second are then a twentieth of one core.
const MOST: Duration = Duration::from_micros(50);

#[tokio::test]
async fn looking_for_alerts_costs_little_of_a_request() {
    let usher = World::new().serve();
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), usher.address).await;
    let before = usher.worked("usher-alerts");
    for number in 0..MANY {
        wire.send(format!("GET http://games.example/{number} HTTP/1.1\r\nHost: games.example\r\n\r\n")).await;
        // Too many at once are told so, and are on record too.
        assert!(matches!(wire.next_reply().await.expect("an answer").status, 403 | 429));
    }
    let each = (usher.worked("usher-alerts") - before) / MANY;
    assert!(usher.rows().len() >= MANY as usize && !each.is_zero(), "all of it was looked at");
    assert!(each < MOST, "{each:?} a request");
}
