//! Promise: real programs that get round filters are found out: a bare server and its client on Node, the files of Ultraviolet, Scramjet and bare-mux as they
//! are published, and curl that looks names up over HTTPS.

use crate::kit::device::Device;
use crate::kit::h2::{BOTH, H1, Site, Told, believed, device, recorded, school};
use crate::kit::scripts::{Running, node, script, told};
use crate::kit::{Ending, Origin, Program, World, skipped, soon};
use crate::scanning::{WITHHOLD, chunked, closed, get, gzip};
use crate::ways_requests::remarked;
use http::{Response, StatusCode};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use usher::bypass::Code;

/// The folder in which Node finds this package; nothing where it is missing. `USHER_NODE` says which folder.
pub fn package(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("USHER_NODE")?);
    folder.join("node_modules").join(name).join("package.json").exists().then_some(folder)
}

/// By this Node has WebSockets as browsers have them, which some versions hide.
const SOCKETS: &str = "--experimental-websocket";

/// Stands where all names lead: each connection becomes a tunnel of this device's to the site.
fn lead(listener: TcpListener, device: Device, to: String) {
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut tunnel = device.tunnel(&to).await;
            tokio::spawn(async move { copy_bidirectional(&mut tcp, &mut tunnel).await });
        }
    });
}

/// Stands before the proxy: what comes there goes on to it from this address of this machine.
async fn from_address(proxy: SocketAddr, from: [u8; 4]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::from((from, 0))).expect("an address of this machine");
            let mut on = socket.connect(proxy).await.expect("the proxy");
            tokio::spawn(async move { copy_bidirectional(&mut tcp, &mut on).await });
        }
    });
    address
}

/// What the client, of this name, says that asks for these pages, at a device of this address.
async fn through_bare(usher: &Program, site: &Site, (client, folder): (&str, &PathBuf), at: [u8; 4], pages: &[String]) -> Option<String> {
    // At the site's own port, so that the program may ask for it by its name.
    let listener = TcpListener::bind(("127.0.0.2", site.address.port())).await.ok()?;
    lead(listener, device(usher).at(at), site.authority());
    usher.files.put("school.pem", &usher.files.usher(&["ca", "export"]).out);
    let name = client;
    let mut client = node()?;
    if name == "bare_socket.mjs" {
        client.arg(SOCKETS);
    }
    client.env("NODE_EXTRA_CA_CERTS", usher.files.path("school.pem")).arg(script(name)).arg(folder);
    client.arg(format!("https://{}/", site.authority())).arg("127.0.0.2").args(pages);
    let said = soon("the client", tokio::task::spawn_blocking(move || told(&mut client))).await.expect("no panic");
    assert!(said.good, "{}", said.err);
    Some(said.out)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_bare_server_is_found_out_by_what_it_is_asked_and_says() {
    let (Some(mut serving), Some(folder)) = (node(), package("@tomphttp/bare-client")) else { return skipped("bare-server-node") };
    let mut server = Running::start(serving.arg(script("bare_server.mjs")).arg(&folder));
    let behind: u16 = server.line().trim().parse().expect("a port");
    let believed = believed();
    let (pages, other) = (Origin::saying("a page of the shop").await, Origin::saying("what nobody may see").await);
    let asked = [format!("http://shop.example:{}/x", pages.address.port()), format!("http://adult.example:{}/y", other.address.port())];
    for (at, expected, adult) in [
        ([127, 0, 7, 1], "it does not say\nrefused\nrefused\n", "bare"),
        // Who may go there goes there, and not on to what is blocked.
        ([127, 0, 9, 1], "it is v1 v2 v3\n200 a page of the shop\nrefused\n", "bare"),
    ] {
        let site = Site::bare(&believed, H1, move |_, mut tls| async move {
            let mut tcp = TcpStream::connect(("127.0.0.1", behind)).await.expect("the web proxy");
            // Either may go away first.
            let _ = copy_bidirectional(&mut tls, &mut tcp).await;
        })
        .await;
        let usher = school(&believed, |world| world.edited("block = [\"adult\"]", "ways = { near = \"note\" }\nblock = [\"adult\"]"));
        let Some(said) = through_bare(&usher, &site, ("bare_client.mjs", &folder), at, &asked).await else { return skipped("127.0.0.2") };
        assert_eq!(said, expected, "{at:?}");
        let rows = usher.rows();
        let of_adult = rows.iter().find(|row| row.why.contains("Really meant: adult.example")).expect("on record");
        assert_eq!((of_adult.verdict.as_str(), of_adult.reason.as_str(), of_adult.host.as_str()), ("blocked", adult, "news.example"));
        let is_staff = at[2] == 9;
        let blocked = |code: Code| rows.iter().filter(|row| row.verdict == "blocked" && row.reason == code.as_str()).count();
        assert_eq!((blocked(Code::Bare), blocked(Code::BareServer)), if is_staff { (1, 0) } else { (2, 1) });
        let said: Vec<_> = rows.iter().flat_map(remarked).map(|(code, points, _)| (code, points)).collect();
        assert_eq!(said.contains(&(Code::Bare, 20)) && said.contains(&(Code::BareServer, 20)), is_staff, "{said:?}");
    }
    assert!(other.seen().is_empty() && pages.seen().len() == 1, "nothing that is refused is asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_through_a_real_bare_server_is_judged_before_it_is_opened() {
    let (Some(mut serving), Some(folder)) = (node(), package("@tomphttp/bare-client").and_then(|_| package("ws"))) else { return skipped("bare-server-node") };
    if !node().is_some_and(|mut node| node.args([SOCKETS, "-e", "0"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())) {
        return skipped("a Node that has WebSockets");
    }
    let mut server = Running::start(serving.arg(script("bare_server.mjs")).arg(&folder));
    let behind: u16 = server.line().trim().parse().expect("a port");
    let believed = believed();
    for (at, expected, passes) in [([127, 0, 7, 1], "refused\nrefused\n", false), ([127, 0, 9, 1], "again: hello\nrefused\n", true)] {
        let site = Site::bare(&believed, H1, move |_, mut tls| async move {
            let mut tcp = TcpStream::connect(("127.0.0.1", behind)).await.expect("the web proxy");
            // Either may go away first.
            let _ = copy_bidirectional(&mut tls, &mut tcp).await;
        })
        .await;
        let usher = school(&believed, |world| world.edited("block = [\"adult\"]", "ways = { near = \"note\" }\nblock = [\"adult\"]"));
        let names = ["shop.example", "adult.example"].map(str::to_owned);
        let Some(said) = through_bare(&usher, &site, ("bare_socket.mjs", &folder), at, &names).await else { return skipped("127.0.0.2") };
        assert_eq!(said, expected, "{at:?}");
        let found: Vec<_> = usher.rows().into_iter().filter(|row| row.reason == "bare").collect();
        for (name, verdict) in [("shop.example", if passes { "allowed" } else { "blocked" }), ("adult.example", "blocked")] {
            let row = found.iter().find(|row| row.why.contains(&format!("Really meant: {name}"))).unwrap_or_else(|| panic!("{name}: {found:?}"));
            let seen = "Seen: a WebSocket whose first message asks for another. Nearly certain.";
            assert!(row.verdict == verdict && row.host == "news.example" && row.why.contains(seen), "{row:?}");
        }
    }
}

#[tokio::test]
async fn the_files_of_real_web_proxies_are_known_by_their_names() {
    let Some(folder) = package("@titaniumnetwork-dev/ultraviolet") else { return skipped("Ultraviolet, Scramjet and bare-mux") };
    let school = World::new().reading(WITHHOLD).start().await;
    let (uv, scramjet, mux) = ("@titaniumnetwork-dev/ultraviolet/dist", "@mercuryworkshop/scramjet/dist", "@mercuryworkshop/bare-mux/dist");
    for (package, file, points) in [
        (uv, "sw.js", 20),
        (uv, "uv.config.js", 20),
        (uv, "uv.handler.js", 20),
        (uv, "uv.client.js", 20),
        (uv, "uv.sw.js", 20),
        (uv, "uv.bundle.js", 20),
        (scramjet, "scramjet.all.js", 20),
        (scramjet, "scramjet.bundle.js", 20),
        (mux, "index.js", 20),
        (mux, "index.mjs", 20),
        (mux, "worker.js", 8),
        // Twenty lines without a name.
        (scramjet, "scramjet.sync.js", 0),
    ] {
        let body = std::fs::read(folder.join("node_modules").join(package).join(file)).expect("a file of the package");
        let whole = body.len();
        for (coding, body, size) in [("", body.clone(), 4096), ("Content-Encoding: gzip\r\n", gzip(&body), 1000)] {
            // Under another name than its own, which lists know.
            let path = format!("/{points}/{}{}", file.len(), coding.len() + package.len());
            let origin = Origin::answering(chunked(&format!("Content-Type: text/javascript\r\n{coding}"), &body, size)).await;
            let reply = get(&school, &origin, &path).await;
            if points == 20 {
                // Where its names stand behind what is held, it breaks off.
                assert!(reply.status == 403 || reply.ending == Ending::Cut, "{file}: {} of {} bytes", reply.body.len(), whole);
                assert_eq!(closed(&school, &path, "blocked").await.reason, "kit-text", "{file}");
            } else {
                assert!(reply.status == 200 && reply.body == body, "{file}");
                let said: Vec<_> = remarked(&closed(&school, &path, "allowed").await).into_iter().map(|(code, points, _)| (code, points)).collect();
                assert_eq!(said, if points == 0 { vec![] } else { vec![(Code::KitText, points)] }, "{file}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_that_looks_names_up_over_https_is_found_out() {
    let has_doh = Command::new("curl").args(["--help", "all"]).output().is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("--doh-url"));
    if !has_doh {
        return skipped("curl with --doh-url");
    }
    let believed = believed();
    // It has no answer to any question, and need not.
    let site = Site::doing(&believed, BOTH, |_, _| async move {
        let mut answer = Response::new(Told::nothing());
        *answer.status_mut() = StatusCode::NOT_FOUND;
        answer
    })
    .await;
    let usher = school(&believed, |world| world.edited("block = [\"adult\"]", "ways = { allow = [\"doh\"] }\nblock = [\"adult\"]"));
    usher.files.put("school.pem", &usher.files.usher(&["ca", "export"]).out);
    let ask = async |from: [u8; 4]| {
        let proxy = from_address(usher.address, from).await;
        let mut curl = Command::new("curl");
        curl.env("HTTPS_PROXY", format!("http://{proxy}")).env("NO_PROXY", "www.example.org").env_remove("https_proxy").env_remove("no_proxy");
        curl.args(["--silent", "--max-time", "10", "--cacert"]).arg(usher.files.path("school.pem"));
        curl.arg("--doh-url").arg(format!("https://{}/dns-query", site.authority())).arg("https://www.example.org/").stdin(Stdio::null());
        soon("curl", tokio::task::spawn_blocking(move || told(&mut curl))).await.expect("no panic")
    };
    assert!(!ask([127, 0, 7, 1]).await.good, "it finds no name");
    let row = recorded(&usher, "/dns-query", |row| row.verdict == "blocked").await;
    assert_eq!((row.reason.as_str(), row.method.as_str(), row.host.as_str()), ("doh", "POST", "news.example"));
    assert!(row.why.contains("Seen: the type application/dns-message."), "{}", row.why);
    assert!(site.seen().is_empty(), "no question came to it");
    assert!(!ask([127, 0, 9, 1]).await.good);
    let row = recorded(&usher, "/dns-query", |row| row.verdict == "allowed" && row.outcome.is_some()).await;
    assert!(row.group == "staff" && remarked(&row).is_empty(), "{row:?}");
    let seen = site.seen();
    assert!(!seen.is_empty() && seen.iter().all(|asked| asked.fields["content-type"] == "application/dns-message"), "{seen:?}");
}
