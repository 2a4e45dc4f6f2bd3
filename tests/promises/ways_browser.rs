//! Promise: a real Chromium whose pupil opens a real web proxy (Ultraviolet, with a bare server or over Wisp, from a Node program) comes nowhere with it; and
//! where a group only notes such things, it comes to what it may go to and not to what is blocked. Either way a matter opens.

use crate::browser::{ROOM, started};
use crate::kit::h2::{H1, Site, believed, recorded};
use crate::kit::matters::{short, stated_in};
use crate::kit::scripts::{Running, node, script};
use crate::kit::{Origin, PATIENCE, Program, World, skipped, soon};
use crate::ways_proxies::package;
use std::time::Instant;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use usher::audit::query::Row;

/// What carries the web proxy's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Bare,
    Wisp,
}

/// That a matter about this device is stated.
async fn is_a_matter(usher: &Program) {
    let started = Instant::now();
    let stated = || short(&stated_in(&usher.files.path("data/log")));
    while stated() != ["bypass concern 127.0.0.1"] {
        assert!(started.elapsed() < PATIENCE, "{:?}", stated());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_comes_through_ultraviolet_to_nothing_that_is_blocked_and_a_matter_opens() {
    let folder = package("@mercuryworkshop/epoxy-transport").and_then(|_| package("@mercuryworkshop/bare-as-module3"));
    let (Some(mut serving), Some(folder)) = (node(), folder) else { return skipped("ultraviolet") };
    let mut server = Running::start(serving.arg(script("ultraviolet_server.mjs")).arg(&folder));
    let behind: u16 = server.line().trim().parse().expect("a port");
    let believed = believed();
    let html = "Content-Type: text/html\r\n";
    let shop = Origin::giving(html, "<!doctype html><title>x</title><h1>a page of the shop</h1>").await;
    let games = Origin::giving(html, "<!doctype html><title>x</title><h1>a game</h1>").await;
    let addresses = [("shop.example", &shop), ("games.example", &games)].map(|(host, origin)| format!("http://{host}:{}/", origin.address.port()));
    for (ways, by) in [("", By::Bare), ("ways = { near = \"note\" }\n", By::Bare), ("ways = { near = \"note\" }\n", By::Wisp)] {
        let site = Site::bare(&believed, H1, move |_, mut tls| async move {
            let mut tcp = TcpStream::connect(("127.0.0.1", behind)).await.expect("the web proxy");
            // Either may go away first.
            let _ = copy_bidirectional(&mut tls, &mut tcp).await;
        })
        .await;
        let world = World::new().policy(&ROOM.replace("block = [\"games\"", &format!("{ways}block = [\"games\""))).inspecting();
        // The web proxy's site is looked into. What is asked for over Wisp cannot be, and would be cut for that.
        let world = world.edited("inspect = \"all\"", "inspect = \"search\"");
        let world = world.policy("[inspect]\nnever = []\nsearch = { categories = [], hosts = [\"news.example\"] }");
        let files = world.tls("authorities = [\"public.pem\"]").write();
        let Some((usher, mut browser)) = started(files, &believed, &[]) else { return skipped("Chromium with certutil") };
        let kit = browser.go(&format!("https://{}/{}", site.authority(), if by == By::Wisp { "?wisp" } else { "" }));
        if ways.is_empty() {
            // It breaks off, or the block page stands there; in neither is the kit.
            let is_there = kit.is_ok() && browser.value("typeof read === 'function' && typeof __uv$config === 'object'") == true;
            assert!(!is_there, "{kit:?}");
            recorded(&usher, "/", |row| row.verdict == "blocked" && row.reason == "kit-text").await;
            is_a_matter(&usher).await;
            continue;
        }
        kit.expect("a page");
        assert_eq!(browser.value(&format!("read({:?})", addresses[0])), "a page of the shop", "{by:?}");
        let said = browser.value(&format!("read({:?})", addresses[1]));
        assert!(!said.to_string().contains("a game"), "{by:?}: {said}");
        let is_it = |row: &Row| match by {
            By::Bare => row.reason == "bare" && row.why.contains("Really meant: games.example:"),
            By::Wisp => row.reason == "wisp-stream" && row.host == "games.example",
        };
        let row = soon("the record", async {
            loop {
                if let Some(row) = usher.rows().into_iter().find(|row| row.verdict == "blocked" && is_it(row)) {
                    return row;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(row.why.contains("Games is blocked for year-8."), "{by:?}: {}", row.why);
        is_a_matter(&usher).await;
    }
    assert!(games.seen().is_empty() && shop.seen().len() == 2, "{:?} {:?}", games.seen(), shop.seen());
}
