//! Promise: the programs with which people get round a filter, as Debian ships them, do not get through: each is turned away, on record by its name, and the
//! technician is told within seconds. Nothing of them leaves this machine: what they ask for is a site here that would take all they say.

use crate::kit::{Origin, PATIENCE, School, Signer, World, skipped, soon};
use crate::ways_behaviour::{DAY, TODAY, at_the_end, chrome, programs, says, school, shows_itself};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;
use usher::audit::incident::{Act, Level, Person};
use usher::audit::query::Row;

/// What the school says of alerts: a file that takes what technicians are told.
const TOLD: &str = r#"
[[file]]
name = "technicians"
path = "data/told.jsonl"
names = true

[routes]
ways-round = { theme = "bypass", to = ["technicians"], names = true }
"#;

/// A school whose tunnels are to be TLS, and a site that takes all and says nothing.
struct There {
    school: School,
    site: Origin,
    folder: TempDir,
}

impl There {
    async fn new() -> Self {
        Self::with(|world| world).await
    }

    async fn with(more: impl FnOnce(World) -> World) -> Self {
        let world = World::new().edited("not_tls = \"pass\"\n", "").edited("127.0.7.0/24", "127.0.0.1/32");
        let files = more(world).write();
        files.put("alerts.toml", TOLD);
        files.edit("usher.toml", "canaries = \"canaries.toml\"", "canaries = \"canaries.toml\"\nalerts = \"alerts.toml\"");
        files.usher(&["ca", "create", "--name", "Example School"]);
        // Whoever is turned away says nothing that reaches it.
        let site = Origin::doing(|mut visit| async move { assert_eq!(visit.wire.rest().await, b"", "nothing of it") }).await;
        Self { school: School::open(files).await, site, folder: tempfile::tempdir().expect("a folder") }
    }

    fn proxy(&self) -> String {
        self.school.address.port().to_string()
    }

    fn port(&self) -> String {
        self.site.address.port().to_string()
    }

    /// A file for the program.
    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// A program all of whose connections are led through Usher, and then as this line says.
    fn chained(&self, then: &str, program: &str) -> Command {
        let text = format!("strict_chain\nquiet_mode\n[ProxyList]\nhttp 127.0.0.1 {}\n{then}\n", self.proxy());
        let mut command = Command::new("proxychains4");
        command.arg("-q").arg("-f").arg(self.put("chain.conf", &text)).arg(program);
        command
    }

    /// That the program is turned away and on record for this reason with these words, and that the technician is told; which says it in these words.
    async fn is_found(&self, mut program: Until, reason: &str, words: &str, told: &str) -> Row {
        let (at, row) = soon(reason, async {
            loop {
                if let Some(row) = self.school.rows().into_iter().find(|row| row.reason == reason) {
                    return (Instant::now(), row);
                }
                program.goes_on(&self.school);
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(row.verdict == "refused" && row.why.contains(words), "{words}: {row:?}");
        let matter = self.school.matter(told, |matter| matter.opened.theme == "bypass" && matter.level == Level::Concern).await;
        assert!(at.elapsed().as_secs() < 5, "{:?} after its record", at.elapsed());
        assert_eq!((&*matter.opened.group, &matter.opened.who), ("year-7", &Person::Device("127.0.0.1".into())));
        assert!(matter.opened.factors.iter().any(|factor| factor.contains(told)), "{told}: {:?}", matter.opened.factors);
        let told = self.school.matter("what the technician is told", |matter| matter.acts.iter().any(|(_, _, act)| matches!(act, Act::Told { .. }))).await;
        let lines = std::fs::read_to_string(self.school.files.path("data/told.jsonl")).expect("a file");
        assert_eq!((told.opened.episode, lines.lines().count()), (matter.opened.episode, 1), "{lines}");
        row
    }
}

/// A program at work until it is dropped.
struct Until(Vec<Child>);

impl Until {
    fn start(mut command: Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        Self(vec![child])
    }

    /// It may end by itself, once it was turned away.
    fn goes_on(&mut self, school: &School) {
        for child in &mut self.0 {
            if let Ok(Some(status)) = child.try_wait()
                && school.rows().is_empty()
            {
                panic!("it ended before it had asked for anything: {status}");
            }
        }
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether these programs are all here; the first that is not is told.
fn are_here(programs: &[&str]) -> bool {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).chain(["/usr/sbin".into()]).collect();
    let missing = programs.iter().find(|name| !folders.iter().any(|folder| folder.join(name).is_file()));
    missing.is_none_or(|name| {
        skipped(name);
        false
    })
}

/// A port that nobody has.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a port").port()
}

const OTHER_PROTOCOL: &str = "Another protocol than a browser's was spoken";

#[tokio::test(flavor = "multi_thread")]
async fn ssh_does_not_get_out() {
    // Of the two programs of this name only OpenBSD's speaks to proxies.
    if !are_here(&["ssh", "nc.openbsd"]) {
        return;
    }
    let there = There::new().await;
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o"]);
    ssh.arg(format!("ProxyCommand=nc.openbsd -X connect -x 127.0.0.1:{} %h %p", there.proxy()));
    ssh.args(["-p", &there.port(), "me@shop.example", "true"]);
    let row = there.is_found(Until::start(ssh), "not-tls", "SSH", OTHER_PROTOCOL).await;
    assert_eq!(row.host, "shop.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn openvpn_does_not_get_out_however_it_hides_its_beginning() {
    if !are_here(&["openvpn"]) {
        return;
    }
    for hiding in ["", "--tls-auth", "--tls-crypt", "--tls-crypt-v2"] {
        let there = There::new().await;
        let (ca, login) = (there.put("ca.pem", &Signer::root("A VPN").pem()), there.put("login", "kim\nsecret\n"));
        let mut openvpn = Command::new("openvpn");
        openvpn.args(["--client", "--dev", "null", "--proto", "tcp-client", "--remote", "shop.example", &there.port()]);
        openvpn.args(["--http-proxy", "127.0.0.1", &there.proxy(), "--connect-retry-max", "1", "--auth-user-pass"]).arg(login).arg("--ca").arg(ca);
        if !hiding.is_empty() {
            let [server, key] = ["server.key", "key"].map(|name| there.folder.path().join(name));
            let make = |arguments: &[&str], key: &PathBuf| {
                let made = Command::new("openvpn").args(arguments).arg(key).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs");
                assert!(made.success(), "{arguments:?}");
            };
            if hiding == "--tls-crypt-v2" {
                // The client's key is wrapped in the server's.
                make(&["--genkey", "tls-crypt-v2-server"], &server);
                make(&[hiding, server.to_str().expect("text"), "--genkey", "tls-crypt-v2-client"], &key);
            } else {
                make(&["--genkey", "secret"], &key);
            }
            openvpn.arg(hiding).arg(key);
        }
        there.is_found(Until::start(openvpn), "not-tls", "OpenVPN", OTHER_PROTOCOL).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_proxy_inside_a_tunnel_is_not_reached() {
    if !are_here(&["proxychains4", "curl"]) {
        return;
    }
    for (kind, words) in [("socks5", "SOCKS 5"), ("socks4", "SOCKS 4"), ("http", "HTTP")] {
        let there = There::new().await;
        let mut curl = there.chained(&format!("{kind} 127.0.0.1 {}", there.port()), "curl");
        curl.args(["--silent", "--noproxy", "*", "http://127.0.0.2/"]);
        there.is_found(Until::start(curl), "not-tls", words, OTHER_PROTOCOL).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn turn_does_not_get_out() {
    if !are_here(&["proxychains4", "turnutils_uclient"]) {
        return;
    }
    let there = There::new().await;
    let mut turn = there.chained("", "turnutils_uclient");
    turn.args(["-t", "-u", "a", "-w", "b", "-y", "-m", "1", "-p", &there.port(), "127.0.0.1"]);
    there.is_found(Until::start(turn), "not-tls", "STUN or TURN", OTHER_PROTOCOL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shadowsocks_does_not_get_out_and_is_told_from_other_noise() {
    if !are_here(&["proxychains4", "ss-local"]) {
        return;
    }
    for refuses in [true, false] {
        let there = There::with(|world| if refuses { world } else { world.edited("block = [\"games\"", "not_tls = \"pass\"\nblock = [\"games\"") }).await;
        let local = free_port();
        let mut shadow = there.chained("", "ss-local");
        shadow.args(["-s", "127.0.0.1", "-p", &there.port(), "-l", &local.to_string(), "-b", "127.0.0.1", "-k", "secret", "-m", "chacha20-ietf-poly1305"]);
        let program = Until::start(shadow);
        let asking = tokio::task::spawn_blocking(move || ask_through(local));
        if refuses {
            there.is_found(program, "not-tls", "looks like noise", OTHER_PROTOCOL).await;
        } else {
            // It may be, and counts for what it looks like.
            let noted = soon("a record", async {
                loop {
                    if let Some(row) = there.school.rows().into_iter().find(|row| row.reason == "random") {
                        return row;
                    }
                    tokio::task::yield_now().await;
                }
            })
            .await;
            assert!(noted.verdict == "allowed" && noted.why.contains("looks like noise") && noted.why.ends_with("A sign, no proof."), "{noted:?}");
        }
        // It was turned away, or goes on.
        drop(asking);
    }
}

/// Has a program ask for a site through a SOCKS 5 proxy.
fn ask_through(port: u16) {
    let started = Instant::now();
    let mut tcp = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(tcp) => break tcp,
            Err(error) => assert!(started.elapsed() < PATIENCE, "it does not listen: {error}"),
        }
        std::thread::yield_now();
    };
    tcp.set_read_timeout(Some(PATIENCE)).expect("a setting");
    tcp.write_all(b"\x05\x01\x00").expect("sent");
    tcp.read_exact(&mut [0; 2]).expect("an answer");
    tcp.write_all(b"\x05\x01\x00\x03\x0cgame.example\x00\x50").expect("sent");
    tcp.read_exact(&mut [0; 10]).expect("an answer");
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: game.example\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n").expect("sent");
    // What comes of it is not for us.
    let _ = tcp.read(&mut [0; 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tor_does_not_get_out_whether_https_is_looked_into_or_not() {
    if !are_here(&["tor"]) {
        return;
    }
    for inspecting in [false, true] {
        let there = There::with(|world| if inspecting { world.inspecting() } else { world }).await;
        let mut tor = Command::new("tor");
        tor.args(["--ignore-missing-torrc", "-f", "/dev/null", "--quiet", "--SocksPort", "0", "--DataDirectory"]).arg(there.folder.path().join("tor"));
        // One relay, on this machine: no other is asked for.
        tor.args(["--HTTPSProxy", &format!("127.0.0.1:{}", there.proxy()), "--UseBridges", "1", "--Bridge", &format!("127.0.0.1:{}", there.port())]);
        let row = there.is_found(Until::start(tor), "tor", "with JA4 t1", "The program of the Tor network was used.").await;
        assert!(there.school.rows().iter().all(|row| row.host == "127.0.0.1"), "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_to_one_name_is_not_used_for_another_nor_for_one_that_is_sealed() {
    if !are_here(&["openssl"]) {
        return;
    }
    for inspecting in [false, true] {
        for (name, reason, words, told) in [
            ("news.example", "fronting", "news.example", "The connection was opened to one name and used for another."),
            ("cloudflare-ech.com", "ech", "cloudflare-ech.com", "The name of the site was sealed"),
        ] {
            let there = There::with(|world| if inspecting { world.inspecting() } else { world }).await;
            let mut openssl = Command::new("openssl");
            openssl.args(["s_client", "-proxy", &format!("127.0.0.1:{}", there.proxy()), "-servername", name]);
            openssl.args(["-connect", &format!("shop.example:{}", there.port())]);
            there.is_found(Until::start(openssl), reason, words, told).await;
        }
    }
}

/// What is asked for a site's page and calls itself so: the command, and where to send it.
fn liars(proxy: &str, agent: &str, url: &str) -> Vec<(&'static str, Command)> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--noproxy", "", "--proxy", &format!("http://{proxy}"), "--interface", "127.0.7.8", "--user-agent", agent, url]);
    let mut python = Command::new("python3");
    python.args(["-c", PYTHON, proxy, agent, url.trim_start_matches("https://")]);
    vec![("curl", curl), ("python3", python)]
}

/// A program that calls itself by its second argument, at 127.0.7.9.
const PYTHON: &str = "
import http.client, ssl, sys
proxy, agent, site = sys.argv[1:]
host, port = proxy.split(':')
asking = http.client.HTTPSConnection(host, int(port), timeout=20, source_address=('127.0.7.9', 0), context=ssl._create_unverified_context())
name, there = site.strip('/').split(':')
asking.set_tunnel(name, int(there), {'User-Agent': agent})
asking.request('GET', '/', headers={'User-Agent': agent})
asking.getresponse()
";

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_calls_itself_a_browser_is_found_out_by_how_it_begins_tls() {
    if !are_here(&["curl", "python3"]) {
        return;
    }
    let silent = Origin::doing(|mut visit| async move {
        if visit.wire.more().await {
            visit.send("no TLS").await;
        }
    })
    .await;
    let usher = school(World::new().edited("not_tls = \"pass\"\n", ""), 8).await;
    // The school's own Chrome, on five devices and five days.
    for _ in 0..6 {
        for last in 1..=5 {
            assert!(shows_itself(&chrome(&usher, last, 142, TODAY), &silent).await);
        }
        usher.after(DAY);
    }
    let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    for called in ["curl/8.14.1", agent] {
        let url = format!("https://news.example:{}/", silent.address.port());
        for (name, mut program) in liars(&usher.address.to_string(), called, &url) {
            let visits = silent.visits();
            let ended =
                tokio::task::spawn_blocking(move || program.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs")).await.expect("no panic");
            assert!(!ended.success() && silent.visits() > visits, "{name} got as far as TLS, and no further");
        }
        if called != agent {
            assert_eq!(programs(&usher).into_iter().filter(|row| row.starts_with("other")).count(), 0, "it says what it is");
        }
    }
    let mut found = programs(&usher);
    found.sort();
    assert_eq!(found, ["other-program allowed 127.0.7.8", "other-program allowed 127.0.7.9"]);
    let all = at_the_end(usher).await;
    assert_eq!(crate::kit::matters::short(&all), ["bypass concern 127.0.7.8", "bypass concern 127.0.7.9"]);
    all.iter().for_each(|matter| says(matter, "A program said that it was a browser, and does not connect as that browser does. It counts 8."));
}
