//! Promise: a real web proxy of the kind Wisp, wisp-js on Node with its own client, is found out in both versions: the stream to a blocked site is cut in words
//! the client understands, the other passes bytes, and both are on record.

use crate::kit::h2::{H1, Site, believed, device, recorded, school};
use crate::kit::scripts::{Running, node, script, told};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_real_web_proxy_is_found_out_and_one_stream_of_it_cut() {
    let Some((mut serving, folder)) = wisp_js() else { return skipped("wisp-js") };
    let mut server = Running::start(serving.arg(script("wisp_server.mjs")).arg(&folder));
    let behind: u16 = server.line().trim().parse().expect("a port");
    let believed = believed();
    let site = Site::bare(&believed, H1, move |_, mut tls| async move {
        let mut tcp = TcpStream::connect(("127.0.0.1", behind)).await.expect("the web proxy");
        // Either may go away first.
        let _ = copy_bidirectional(&mut tls, &mut tcp).await;
    })
    .await;
    let usher = school(&believed, |world| {
        let world = world.edited("inspect = \"all\"", "inspect = \"search\"");
        world.policy("[inspect]\nnever = []\nsearch = { categories = [], hosts = [\"news.example\"] }")
    });
    let device = device(&usher);
    // At the site's own port, so that the program may ask for it by its name: each connection is a tunnel of a pupil's.
    let Ok(listener) = TcpListener::bind(("127.0.0.2", site.address.port())).await else { return skipped("127.0.0.2") };
    let authority = site.authority();
    let to = authority.clone();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut tunnel = device.tunnel(&to).await;
            tokio::spawn(async move { copy_bidirectional(&mut tcp, &mut tunnel).await });
        }
    });
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
