//! Promise: a real web proxy of the kind Wisp, wisp-js on Node with its own client, is found out in both versions: the stream to a blocked site is cut in words
//! the client understands, the other passes bytes, and both are on record. The same server also speaks wsproxy, one WebSocket for each site: that is opened
//! only to what the person may go to.

use crate::kit::device::Device;
use crate::kit::h2::{H1, Site, believed, device, recorded, school};
use crate::kit::scripts::{Running, node, script, told};
use crate::kit::secure::Authority;
use crate::kit::{skipped, soon};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use usher::audit::query::Row;

/// Node, and the folder in which it finds wisp-js; `None` where either is missing. `USHER_NODE` says which folder.
fn wisp_js() -> Option<(Command, PathBuf)> {
    let folder = PathBuf::from(std::env::var_os("USHER_NODE")?);
    let is_there = folder.join("node_modules/@mercuryworkshop/wisp-js/package.json").exists();
    node().filter(|_| is_there).map(|node| (node, folder))
}

/// A server that says again what it is told, and remembers it.
async fn echo() -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (port, heard) = (listener.local_addr().expect("an address").port(), Arc::new(Mutex::new(Vec::new())));
    let keep = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let keep = keep.clone();
            tokio::spawn(async move {
                let mut room = [0; 4096];
                while let Ok(count @ 1..) = tcp.read(&mut room).await {
                    keep.lock().expect("a lock").extend_from_slice(&room[..count]);
                    tcp.write_all(&room[..count]).await.expect("sent");
                }
            });
        }
    });
    (port, heard)
}

/// A site whose every connection goes on to this port of this machine.
async fn before(believed: &Authority, behind: u16) -> Site {
    Site::bare(believed, H1, move |_, mut tls| async move {
        let mut tcp = TcpStream::connect(("127.0.0.1", behind)).await.expect("the web proxy");
        // Either may go away first.
        let _ = copy_bidirectional(&mut tls, &mut tcp).await;
    })
    .await
}

/// Stands at the site's own port, so that a program may ask for it by its name: each connection is a tunnel of the device's. Whether that can be.
async fn lead(device: Device, site: &Site) -> bool {
    let Ok(listener) = TcpListener::bind(("127.0.0.2", site.address.port())).await else { return false };
    let to = site.authority();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut tunnel = device.tunnel(&to).await;
            tokio::spawn(async move { copy_bidirectional(&mut tcp, &mut tunnel).await });
        }
    });
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_web_proxy_is_found_out_and_one_stream_of_it_cut() {
    let Some((mut serving, folder)) = wisp_js() else { return skipped("wisp-js") };
    let mut server = Running::start(serving.arg(script("wisp_server.mjs")).arg(&folder));
    let behind: u16 = server.line().trim().parse().expect("a port");
    let believed = believed();
    let site = before(&believed, behind).await;
    let usher = school(&believed, |world| {
        let world = world.edited("inspect = \"all\"", "inspect = \"search\"");
        world.policy("[inspect]\nnever = []\nsearch = { categories = [], hosts = [\"news.example\"] }")
    });
    let device = device(&usher);
    if !lead(device, &site).await {
        return skipped("127.0.0.2");
    }
    let authority = site.authority();
    usher.files.put("school.pem", &usher.files.usher(&["ca", "export"]).out);
    let pem = usher.files.path("school.pem");
    for version in ["1", "2"] {
        let (port, heard) = echo().await;
        let (address, open, blocked) = (format!("wss://{authority}/v{version}/"), format!("shop.example:{port}"), format!("games.example:{port}"));
        let mut client = node().expect("Node");
        client.env("NODE_EXTRA_CA_CERTS", &pem).arg(script("wisp_client.mjs")).arg(&folder);
        client.args([&address, version, "127.0.0.2", &open, &blocked]);
        let said = soon("the client", tokio::task::spawn_blocking(move || told(&mut client))).await.expect("no panic");
        let expected = format!("open {version}\nblocked closed {}\nsaid hello again\nopen closed 3\nclosed\n", 0x48);
        assert_eq!((said.out.as_str(), said.good), (expected.as_str(), true), "{}", said.err);
        assert_eq!(*heard.lock().expect("a lock"), b"hello again", "nothing of the other came to any server");
        let stream = |host: &'static str| move |row: &Row| row.host == host && row.port == port && row.reason == "wisp-stream";
        let rows = usher.rows();
        let verdict = |host| rows.iter().filter(|row| stream(host)(row)).map(|row| row.verdict.clone()).collect::<Vec<_>>();
        assert_eq!((verdict("shop.example"), verdict("games.example")), (vec!["allowed".to_owned()], vec!["blocked".to_owned()]));
        let found = recorded(&usher, &format!("/v{version}/"), |row| row.reason == "wisp").await;
        assert!(found.why.contains(&format!("a greeting of Wisp, version {version}, from the site")), "{}", found.why);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_websocket_whose_path_names_a_site_is_opened_only_where_the_person_may_go() {
    let Some((mut serving, folder)) = wisp_js() else { return skipped("wisp-js") };
    let mut server = Running::start(serving.arg(script("wisp_server.mjs")).arg(&folder));
    let behind: u16 = server.line().trim().parse().expect("a port");
    let believed = believed();
    let shipped = "members =";
    for (at, ways, expected) in [
        // Shop, games, a site with a warning, what nobody may see; and shop with HTTP in it.
        ([127, 0, 7, 1], shipped, "said hello\nrefused 403\nrefused 403\nrefused 403\nclosed 1008\n"),
        ([127, 0, 7, 1], "ways = { near = \"note\" }\nmembers =", "said hello\nrefused 403\nrefused 403\nrefused 403\nsaid GET / HTTP\n"),
        // What is left alone is left alone wherever it leads, but to what nobody may see.
        ([127, 0, 7, 1], "ways = { allow = [\"ws-proxy\"] }\nmembers =", "said hello\nsaid hello\nsaid hello\nrefused 403\nsaid GET / HTTP\n"),
        ([127, 0, 9, 1], shipped, "said hello\nsaid hello\nsaid hello\nrefused 403\nclosed 1008\n"),
    ] {
        let site = before(&believed, behind).await;
        let usher = school(&believed, |world| world.edited(shipped, ways));
        if !lead(device(&usher).at(at), &site).await {
            return skipped("127.0.0.2");
        }
        usher.files.put("school.pem", &usher.files.usher(&["ca", "export"]).out);
        let (port, heard) = echo().await;
        let hosts = ["shop.example", "games.example", "video.example", "terror.example"];
        let mut client = node().expect("Node");
        client.env("NODE_EXTRA_CA_CERTS", usher.files.path("school.pem")).arg(script("wsproxy_client.mjs")).arg(&folder);
        client.arg(format!("wss://{}", site.authority())).arg("127.0.0.2").args(hosts.map(|host| format!("{host}:{port},hello")));
        client.arg(format!("shop.example:{port},GET / HTTP"));
        let said = soon("the client", tokio::task::spawn_blocking(move || told(&mut client))).await.expect("no panic");
        assert_eq!((said.out.as_str(), said.good), (expected, true), "{at:?} {ways}: {}", said.err);
        let words: usize = expected.lines().filter_map(|line| line.strip_prefix("said ")).map(str::len).sum();
        assert_eq!(heard.lock().expect("a lock").len(), words, "nothing of what is refused came to any server");
        // On record by what was meant, and under its categories.
        let of = |host: &str| usher.rows().into_iter().find(|row| row.path == format!("/{host}:{port}") && row.verdict != "allowed");
        let terror = of("terror.example").expect("on record");
        assert_eq!((terror.verdict.as_str(), terror.reason.as_str()), ("blocked", "always-blocked"));
        if !expected.contains("403\nrefused") {
            continue;
        }
        for (host, verdict, why) in
            [("games.example", "blocked", "Games is blocked for year-7."), ("video.example", "warned", "Streaming comes with a warning for year-7.")]
        {
            let row = of(host).expect("on record");
            assert_eq!((row.verdict.as_str(), row.reason.as_str()), (verdict, "ws-proxy"), "{host}");
            assert!(row.why.contains(&format!("Really meant: {host}:{port}. Seen: ")) && row.why.contains(why) && !row.categories.is_empty(), "{row:?}");
        }
        // What passes is on record while it lives, and is a sign.
        let is_sign = |row: &Row| row.reason == "ws-proxy" && row.verdict == "allowed" && row.why.contains("A sign, no proof.");
        recorded(&usher, &format!("/shop.example:{port}"), is_sign).await;
    }
}
