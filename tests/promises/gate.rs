//! Promise: what is at the gate of a tunnel breaks nothing that a school needs, and lets nobody out who should stay.

use crate::kit::device::Device;
use crate::kit::secure::{Authority, Good, SecureSite};
use crate::kit::{Files, Origin, Program, Proof, Signer, Subject, TlsSite, Wire, World, in_time, skipped, soon};
use rustix::process::Signal;
use serde_json::Value;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use usher::audit::query::Row;

/// The sites that the school of these tests goes to.
const NAMES: [&str; 5] = ["news.example", "games.example", "video.example", "www.google.com", "chat.example"];

/// A school, a site over https, and who signed its certificate.
struct There {
    usher: Program,
    site: SecureSite,
    believed: Authority,
    school: String,
}

impl There {
    /// A school that looks into https as the world says.
    async fn with(more: impl FnOnce(World) -> World) -> Self {
        let believed = Authority::new("A public authority");
        let site = SecureSite::saying("the site's page", &believed, &NAMES, Good::Now).await;
        let world = World::new().named("www.google.com", "127.0.0.1").tls("authorities = [\"public.pem\"]");
        let (usher, school) = start(more(world).write(), &believed.pem());
        Self { usher, site, believed, school }
    }

    fn at(&self, host: &str) -> String {
        format!("{host}:{}", self.site.address.port())
    }

    fn browser(&self) -> Device {
        Device::of(&self.usher.files, self.usher.address)
    }

    /// An application that trusts only its own site.
    fn application(&self) -> Device {
        Device::another(&[&self.believed.pem()], self.usher.address, |_| ())
    }

    /// A browser at the pupil's device has been somewhere.
    async fn browse(&self) {
        assert_eq!(self.browser().open(&self.at("news.example")).await.get("/").await.0, 200);
    }

    /// Whether an application gets to a site, tried so often.
    async fn gets_to(&self, device: &Device, host: &str, tries: usize) -> bool {
        for _ in 0..tries {
            if device.try_open(&self.at(host)).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// What is listed, once so many are.
    async fn listed(&self, count: usize) -> Vec<Value> {
        soon("the list", async {
            loop {
                let listed = self.usher.files.usher(&["tls", "pins", "--json"]).json();
                if listed.len() >= count {
                    return listed;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    async fn row(&self, wanted: impl Fn(&Row) -> bool) -> Row {
        row(&self.usher, wanted).await
    }
}

/// The school, once it is open, and the certificate devices are to trust.
fn start(files: Files, public: &str) -> (Program, String) {
    files.put("public.pem", public);
    let made = files.usher(&["ca", "create", "--name", "Example School"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let school = files.usher(&["ca", "export"]).out;
    (Program::start(Arc::new(files)), school)
}

/// A record that is closed.
async fn row(usher: &Program, wanted: impl Fn(&Row) -> bool) -> Row {
    soon("the record", async {
        loop {
            if let Some(row) = usher.rows().into_iter().find(|row| row.outcome.is_some() && wanted(row)) {
                return row;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// Everything up to the end of a connection.
async fn rest(tcp: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = soon("an end", tcp.read_to_end(&mut bytes)).await;
    bytes
}

/// A fatal alert of TLS.
fn alert(number: u8) -> Vec<u8> {
    vec![0x15, 3, 3, 0, 2, 2, number]
}

const UNRECOGNISED_NAME: u8 = 112;

#[tokio::test]
async fn an_application_that_trusts_only_its_own_site_finds_itself_out_and_is_passed_sealed() {
    let there = There::with(World::inspecting).await;
    there.browse().await;
    let application = there.application();
    assert!(!there.gets_to(&application, "news.example", 3).await, "three times it turns away");
    let mut talk = soon("to be passed", async {
        loop {
            if let Ok(talk) = application.try_open(&there.at("news.example")).await {
                return talk;
            }
        }
    })
    .await;
    assert_eq!(talk.get("/feed").await, (http::StatusCode::OK, "the site's page".to_owned()));
    drop(talk);
    let passed = there.row(|row| row.reason == "pinned").await;
    assert_eq!((passed.method.as_str(), passed.host.as_str(), passed.verdict.as_str(), passed.path.as_str()), ("CONNECT", "news.example", "allowed", ""));
    assert!(passed.why.contains("takes no certificate but the site's own"), "{}", passed.why);
    assert!(passed.bytes_down.is_some_and(|bytes| bytes > 0) && passed.upstream.is_some(), "{passed:?}");
    // For whoever looks after it.
    let [one] = &there.listed(1).await[..] else { panic!("one") };
    for (key, value) in [("host", "news.example"), ("state", "learnt"), ("group", "year-7"), ("sign", "TLS alert 48")] {
        assert_eq!(one[key], value, "{key}: {one}");
    }
    assert!(one["ja4"].as_str().is_some_and(|ja4| ja4.starts_with("t13d")), "{one}");
    let kept = std::fs::read_to_string(there.usher.files.path("data/pins/learnt.json")).expect("it is kept");
    assert!(kept.contains("news.example") && !kept.contains("127.0.7.1"), "an erasure has nothing to erase here: {kept}");
    // For that program and that site alone.
    let mut browser = there.browser().open(&there.at("news.example")).await;
    assert_eq!(browser.get("/today").await.0, 200);
    assert!(there.usher.rows().iter().any(|row| row.path == "/today"), "a browser is looked into as before");
    assert!(!there.gets_to(&application, "chat.example", 2).await);
    // What was learnt outlives a start.
    let There { usher, site, .. } = there;
    let files = usher.files.clone();
    drop(usher);
    let usher = Program::start(files);
    let application = Device::another(&[&there.believed.pem()], usher.address, |_| ());
    assert!(application.try_open(&format!("news.example:{}", site.address.port())).await.is_ok());
}

#[tokio::test]
async fn an_application_that_goes_away_after_the_handshake_finds_itself_out_too() {
    let there = There::with(World::inspecting).await;
    there.browse().await;
    // It takes any certificate that the system trusts, looks at it then, and goes away.
    let application = Device::another(&[&there.believed.pem(), &there.school], there.usher.address, |_| ());
    let own = soon("to be passed", async {
        loop {
            let tls = application.secure(&there.at("news.example"), "news.example").await.expect("TLS");
            let shown = tls.get_ref().1.peer_certificates().map(<[_]>::to_vec).unwrap_or_default();
            if shown.len() == 1 && !there.usher.files.usher(&["tls", "pins", "--json"]).json().is_empty() {
                return shown;
            }
        }
    })
    .await;
    assert!(!own.is_empty());
    assert_eq!(there.listed(1).await[0]["sign"], "it went away at once after the handshake");
}

#[tokio::test]
async fn a_pupil_who_turns_away_on_purpose_gets_nothing_by_it() {
    let search = "[inspect]\nsearch = { categories = [\"chat\"] }";
    let there = There::with(|world| world.inspecting().policy(search)).await;
    // A device without the school's authority turns away everywhere: nothing on it has ever trusted it.
    assert!(!there.gets_to(&there.application(), "news.example", 8).await);
    assert!(there.listed(1).await[0]["why"].as_str().is_some_and(|why| why.contains("nothing on its device")), "{:?}", there.listed(1).await);
    there.browse().await;
    // Who sends a browser's hello is taken for the browser.
    let as_a_browser = Device::alone(there.usher.address);
    assert!(!there.gets_to(&as_a_browser, "news.example", 8).await);
    // A site that is blocked, one that is warned about, one for searches, one the school looks into for its own sake.
    for host in ["games.example", "video.example", "www.google.com", "chat.example"] {
        assert!(!there.gets_to(&there.application(), host, 8).await, "{host}");
    }
    let listed = there.listed(6).await;
    assert!(listed.iter().all(|one| one["state"] == "noted"), "{listed:?}");
    assert!(there.usher.rows().iter().all(|row| row.reason != "pinned"));
    assert_eq!(there.site.seen().len(), 1, "nothing but what the browser asked for");
}

#[tokio::test]
async fn a_group_may_ask_first_or_never_pass_and_a_technicians_word_holds() {
    let world = |pinned: &str| format!("inspect = \"all\"\npinned = \"{pinned}\"\nmembers =");
    for pinned in ["ask", "never"] {
        let there = There::with(|mut world_| {
            world_.edit_policy("members =", &world(pinned));
            world_
        })
        .await;
        there.browse().await;
        let application = there.application();
        assert!(!there.gets_to(&application, "news.example", 8).await, "{pinned}");
        let listed = there.listed(1).await;
        assert_eq!(listed[0]["state"], if pinned == "ask" { "waits" } else { "noted" }, "{listed:?}");
        let mut usher = there.usher;
        for (word, passes) in [("allow", pinned == "ask"), ("deny", false), ("allow", pinned == "ask"), ("forget", false)] {
            let said = usher.files.usher(&["tls", "pins", word, "news.example"]);
            assert_eq!(said.code, Some(0), "{said:?}");
            usher.signal(Signal::HUP);
            usher.says("snapshot");
            let authority = format!("news.example:{}", there.site.address.port());
            assert_eq!(application.try_open(&authority).await.is_ok(), passes, "{pinned}: {word}");
        }
        assert!(usher.files.usher(&["tls", "pins"]).out.contains("every program takes"), "what was forgotten is not listed");
        let events = usher.files.usher(&["log", "events", "--json"]).out;
        assert!(events.contains("is passed sealed, for good") && events.contains("is never passed sealed"), "{events}");
    }
}

#[test]
fn a_word_of_a_program_nobody_knows_is_refused_with_what_to_do() {
    let files = World::new().write();
    for (arguments, said) in [
        (&["tls", "pins", "allow", "app.example"][..], "no such program is listed at app.example; see: usher tls pins"),
        (&["tls", "pins", "allow", "app.example", "--program", "0a"], "give at least 6 digits"),
        (&["tls", "pins", "allow", "not a host"], "invalid value"),
    ] {
        let refused = files.usher(arguments);
        assert!(refused.code == Some(2) && refused.err.contains(said), "{refused:?}");
    }
    let whole = "0123456789abcdef0123456789abcdef";
    assert_eq!(files.usher(&["tls", "pins", "deny", "app.example", "--program", whole]).code, Some(0), "one that was never seen, by its whole name");
    let listed = files.usher(&["tls", "pins", "--json"]).json();
    assert_eq!((listed[0]["program"].as_str(), listed[0]["state"].as_str()), (Some(whole), Some("denied")));
    assert!(files.usher(&["tls", "pins", "--help"]).out.contains("usher tls pins allow app.example"));
}

/// A site that asks for a certificate, with who signed its own.
async fn asking_site(versions: &[&'static tokio_rustls::rustls::SupportedProtocolVersion]) -> (Signer, Proof, TlsSite) {
    let authority = Signer::root("A public authority");
    let proof = authority.signs(&Subject::of(&["news.example", "www.google.com"]));
    let site = TlsSite::of(proof.asking(versions, true)).await;
    (authority, proof, site)
}

#[tokio::test]
async fn a_site_that_asks_for_a_certificate_is_explained() {
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let (authority, _, site) = asking_site(versions).await;
        let (usher, _) = start(World::new().inspecting().tls("authorities = [\"public.pem\"]").write(), &authority.pem());
        let mut talk = Device::of(&usher.files, usher.address).open(&format!("news.example:{}", site.address.port())).await;
        for path in ["/one", "/two"] {
            let (status, page) = talk.get(path).await;
            assert!(status == 502 && page.contains("This site asks for a certificate"), "{versions:?} {path}: {status} {page}");
            let row = row(&usher, |row| row.path == path).await;
            assert_eq!(row.outcome.as_deref(), Some("origin-failed"));
        }
    }
}

#[tokio::test]
async fn a_site_that_asks_for_a_certificate_is_passed_sealed_where_its_group_has_that() {
    for (host, may) in [("news.example", true), ("www.google.com", false)] {
        let (authority, proof, site) = asking_site(&[&TLS13]).await;
        let mut world = World::new().tls("authorities = [\"public.pem\"]").named("www.google.com", "127.0.0.1");
        world.edit_policy("members =", "inspect = \"all\"\nclient_certificates = \"sealed\"\nmembers =");
        let (usher, school) = start(world.write(), &authority.pem());
        let device = Device::another(&[&authority.pem(), &school], usher.address, |_| ());
        let at = format!("{host}:{}", site.address.port());
        let mut talk = device.open(&at).await;
        let answer = talk.ask("GET", "/mail?x=1", &at).await;
        if may {
            assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().ok()), (307, Some(&*format!("https://{at}/mail?x=1"))));
            assert!(talk.is_closed().await, "it asks again on another connection");
            assert_eq!(device.open(&at).await.shown, proof.chain[0].to_vec(), "which is the site's own");
            let row = row(&usher, |row| row.reason == "client-certificate").await;
            assert!(row.verdict == "allowed" && row.why.contains("shows a certificate") | row.why.contains("show a certificate"), "{row:?}");
        } else {
            assert_eq!(answer.status(), 502, "what a school looks into for its own sake is not passed for the site's");
            assert_ne!(device.open(&at).await.shown, proof.chain[0].to_vec());
        }
    }
}

#[tokio::test]
async fn that_a_site_asks_for_a_certificate_says_nothing_of_one_that_a_rule_led_from() {
    let (authority, _, asking) = asking_site(&[&TLS13]).await;
    let public = Authority::new("Another public authority");
    let site = SecureSite::saying("the site's page", &public, &["chat.example"], Good::Now).await;
    let to = format!("https://news.example:{}{{path}}", asking.address.port());
    let rule = format!("[[rewrite]]\nname = \"the new chat\"\nwhen = {{ prefix = \"chat.example/new\" }}\nreason = \"It moved.\"\nurl = \"{to}\"\n");
    let mut world = World::new().tls("authorities = [\"public.pem\", \"other.pem\"]").policy(&rule);
    world.edit_policy("members =", "inspect = \"all\"\nclient_certificates = \"sealed\"\nmembers =");
    let files = world.write();
    files.put("other.pem", &public.pem());
    let (usher, school) = start(files, &authority.pem());
    let (device, at) = (Device::another(&[&public.pem(), &school], usher.address, |_| ()), format!("chat.example:{}", site.address.port()));
    let mut talk = device.open(&at).await;
    let inspected = talk.shown.clone();
    let (status, page) = talk.get("/new").await;
    assert!(status == 502 && page.contains("This site asks for a certificate"), "{status} {page}");
    assert_eq!(device.open(&at).await.shown, inspected, "it is looked into as before");
    assert!(row(&usher, |row| row.path == "/new").await.why.contains("the new chat"));
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_asking_for_a_certificate_is_explained_over_each_version() {
    for version in ["-tls1_2", "-tls1_3"] {
        let authority = Signer::root("A public authority");
        let folder = tempfile::tempdir().expect("a folder");
        let proof = authority.signs(&Subject::of(&["news.example"]));
        let Some(server) = proof.by_openssl(folder.path(), &[version, "-Verify", "1", "-verify_return_error"]) else { return skipped("openssl") };
        let (usher, _) = start(World::new().inspecting().tls("authorities = [\"public.pem\"]").write(), &authority.pem());
        let mut talk = Device::of(&usher.files, usher.address).open(&format!("news.example:{}", server.address.port())).await;
        let (status, page) = talk.get("/").await;
        assert!(status == 502 && page.contains("This site asks for a certificate"), "{version}: {status} {page}");
    }
}

/// A school that looks into nothing, or all; whose tunnels are to be TLS.
fn strict(inspecting: bool) -> World {
    let mut world = if inspecting { World::new().inspecting() } else { World::new() };
    world.edit_policy("not_tls = \"pass\"\n", "");
    world
}

#[tokio::test]
async fn what_is_not_tls_is_refused_and_what_it_looked_like_is_on_record() {
    for inspecting in [false, true] {
        for (bytes, name, answer) in [
            (&b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], "SSH", ""),
            (b"\x05\x01\x00", "SOCKS 5", ""),
            (b"GET / HTTP/1.1\r\nHost: news.example\r\n\r\n", "HTTP", "HTTP/1.1 400"),
            (b"\x16\x03\x01\x00\x00", "a TLS record is empty", "\x15\x03\x03\x00\x02\x02\x32"),
            (b"\x93\x10\x77", "an unknown protocol", ""),
        ] {
            let (origin, usher) = (Origin::doing(|mut visit| async move { assert_eq!(visit.wire.rest().await, b"", "nothing of it") }).await, gate(inspecting));
            let mut tcp = Device::alone(usher.address).tunnel(&origin.authority()).await;
            tcp.write_all(bytes).await.expect("sent");
            let said = rest(&mut tcp).await;
            assert!(if answer.is_empty() { said.is_empty() } else { said.starts_with(answer.as_bytes()) }, "{name}: {said:?}");
            let refused = row(&usher, |row| row.reason == "not-tls").await;
            assert!(refused.verdict == "refused" && refused.host == "news.example" && refused.group == "year-7", "{refused:?}");
            assert!(refused.why.contains(name), "{name}: {}", refused.why);
        }
    }
}

/// Such a school, open.
fn gate(inspecting: bool) -> Program {
    let files = strict(inspecting).write();
    if inspecting {
        assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    }
    Program::start(Arc::new(files))
}

#[tokio::test]
async fn a_site_that_speaks_first_speaks_no_tls() {
    let speaking = || Origin::doing(|mut visit| async move { _ = visit.send("220 mail\r\n").await });
    let (origin, usher) = (speaking().await, gate(false));
    let mut tcp = Device::alone(usher.address).tunnel(&origin.authority()).await;
    assert_eq!(rest(&mut tcp).await, b"");
    assert!(row(&usher, |row| row.reason == "not-tls").await.why.contains("spoke first"));
    // Where a group's tunnels may carry anything.
    let (origin, usher) = (speaking().await, World::new().serve());
    let mut tcp = Device::alone(usher.address).tunnel(&origin.authority()).await;
    assert_eq!(rest(&mut tcp).await, b"220 mail\r\n");
    drop(tcp);
    let passed = row(&usher, |row| row.method == "CONNECT").await;
    assert!(passed.verdict == "allowed" && passed.note.as_deref().is_some_and(|note| note.contains("spoke first")), "{passed:?}");
}

#[tokio::test]
async fn a_site_that_ends_before_anything_was_said_ends_the_tunnel_unlooked_at() {
    let origin = Origin::doing(|mut visit| async move {
        visit.wire.half_close().await;
        assert_eq!(visit.wire.rest().await, b"", "nothing of what was not looked at");
    })
    .await;
    let usher = gate(false);
    let mut tcp = Device::alone(usher.address).tunnel(&origin.authority()).await;
    assert_eq!(rest(&mut tcp).await, b"");
    assert_eq!(row(&usher, |row| row.method == "CONNECT").await.outcome.as_deref(), Some("origin-failed"));
}

#[tokio::test]
async fn what_is_not_tls_passes_where_a_group_has_that_and_its_name_is_on_record() {
    for inspecting in [false, true] {
        let world = if inspecting { World::new().inspecting() } else { World::new() };
        let files = world.write();
        if inspecting {
            assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
        }
        let (origin, usher) = (Origin::echoing().await, Program::start(Arc::new(files)));
        let device = Device::alone(usher.address);
        let mut tcp = device.tunnel(&origin.authority()).await;
        tcp.write_all(b"SSH-2.0-x\r\n").await.expect("sent");
        let mut echo = [0; 11];
        soon("an echo", tcp.read_exact(&mut echo)).await.expect("passed");
        assert_eq!(&echo, b"SSH-2.0-x\r\n");
        tcp.shutdown().await.expect("an end");
        rest(&mut tcp).await;
        let passed = row(&usher, |row| row.verdict == "allowed").await;
        assert!(passed.note.as_deref().is_some_and(|note| note.contains("SSH")) && passed.bytes_up == Some(11), "{passed:?}");
        // A site that is blocked is not passed as something else.
        let (head, mut tcp) = device.connect(&format!("games.example:{}", origin.address.port())).await;
        if inspecting {
            tcp.write_all(b"SSH-2.0-x\r\n").await.expect("sent");
            assert_eq!(rest(&mut tcp).await, b"");
        } else {
            assert!(head.starts_with("HTTP/1.1 403"), "{head}");
        }
    }
}

#[tokio::test]
async fn names_agree_in_sealed_tunnels_or_the_client_is_told_and_nothing_passes() {
    let there = There::with(|_| strict(false)).await;
    let (news, device) = (there.at("news.example"), Device::another(&[&there.believed.pem()], there.usher.address, |_| ()));
    let error = device.secure(&news, "games.example").await.expect_err("it is refused").to_string();
    assert!(error.contains("UnrecognisedName"), "{error}");
    let fronting = there.row(|row| row.reason == "fronting").await;
    assert_eq!((fronting.verdict.as_str(), fronting.host.as_str(), fronting.group.as_str()), ("refused", "news.example", "year-7"));
    assert!(fronting.why.contains("news.example") && fronting.why.contains("games.example"), "both names: {}", fronting.why);
    // None at all, in a tunnel to a name.
    let nameless = Device::another(&[&there.believed.pem()], there.usher.address, |config| config.enable_sni = false);
    assert!(nameless.secure(&news, "news.example").await.expect_err("refused").to_string().contains("UnrecognisedName"));
    assert_eq!(there.row(|row| row.reason == "no-name").await.host, "news.example");
    assert!(there.site.seen().is_empty());
    // One that agrees passes, in however many pieces its hello comes.
    assert_eq!(device.open(&news).await.get("/").await.0, 200);
    assert_eq!(there.site.seen().len(), 1);
}

#[tokio::test]
async fn where_a_group_has_it_names_need_not_agree() {
    let there = There::with(|mut world| {
        world.edit_policy("not_tls = \"pass\"", "names = \"any\"");
        world
    })
    .await;
    let device = Device::another(&[&there.believed.pem()], there.usher.address, |_| ());
    assert!(device.secure(&there.at("news.example"), "games.example").await.is_ok());
}

#[tokio::test]
async fn tls_to_an_address_is_judged_by_the_address_and_may_name_nothing_else() {
    let authority = Signer::root("A public authority");
    for inspecting in [false, true] {
        for (names, whole) in [(&["127.0.0.1"][..], true), (&["news.example"], false)] {
            let site = authority.signs(&Subject::of(names)).site().await;
            let at = format!("127.0.0.1:{}", site.address.port());
            let (usher, school) = start(strict(inspecting).tls("authorities = [\"public.pem\"]").write(), &authority.pem());
            let trusted = if inspecting { school } else { authority.pem() };
            let device = Device::another(&[&trusted], usher.address, |_| ());
            // A name, in a tunnel to an address.
            let error = device.secure(&at, "news.example").await.expect_err("refused").to_string();
            assert!(error.contains("UnrecognisedName"), "{error}");
            let fronting = row(&usher, |row| row.reason == "fronting").await;
            assert!(fronting.host == "127.0.0.1" && fronting.why.contains("news.example"), "{fronting:?}");
            match (inspecting, whole) {
                (false, _) => assert_eq!(device.secure(&at, "127.0.0.1").await.is_ok(), whole),
                (true, true) => {
                    assert_eq!(row_of_a_page(&device, &usher, &at).await, (502, "origin-failed".to_owned()), "TLS with it is made, and it speaks no HTTP")
                }
                (true, false) => {
                    let (status, page) = device.open(&at).await.get("/").await;
                    assert!(status == 502 && page.contains("belongs to another site"), "{page}");
                }
            }
        }
    }
}

async fn row_of_a_page(device: &Device, usher: &Program, at: &str) -> (u16, String) {
    let (status, page) = device.open(at).await.get("/whole").await;
    assert!(!page.contains("belongs to another site"), "{page}");
    (status.as_u16(), row(usher, |row| row.path == "/whole").await.outcome.unwrap_or_default())
}

/// A hello that asks for a service's name and hides another in it (ECH), as a client does that knows the service's key (RFC 9849).
fn hiding(outer: &str) -> Vec<u8> {
    let two = |length: usize| u16::try_from(length).expect("short").to_be_bytes();
    let extension = |number: u16, body: &[u8]| [&number.to_be_bytes()[..], &two(body.len()), body].concat();
    let name = [&two(outer.len() + 3)[..], &[0], &two(outer.len()), outer.as_bytes()].concat();
    let ech = [&[0, 0, 1, 0, 1, 7][..], &two(32), &[9; 32], &two(144), &[5; 144]].concat();
    let extensions = [extension(0, &name), extension(43, &[2, 3, 4]), extension(13, &[0, 2, 4, 3]), extension(0xfe0d, &ech)].concat();
    let body = [&[3, 3][..], &[8; 32], &[0], &[0, 2, 0x13, 1], &[1, 0], &two(extensions.len()), &extensions].concat();
    let message = [&[1, 0][..], &two(body.len()), &body].concat();
    [&[0x16, 3, 1][..], &two(message.len()), &message].concat()
}

#[tokio::test]
async fn a_name_that_hides_another_does_not_agree() {
    for inspecting in [false, true] {
        let origin = Origin::doing(|mut visit| async move { assert_eq!(visit.wire.rest().await, b"", "nothing of it") }).await;
        let usher = gate(inspecting);
        for piece in [1, 7, 4096] {
            let mut tcp = Device::alone(usher.address).tunnel(&origin.authority()).await;
            for bytes in hiding("service.example").chunks(piece) {
                tcp.write_all(bytes).await.expect("sent");
                tokio::task::yield_now().await;
            }
            assert_eq!(rest(&mut tcp).await, alert(UNRECOGNISED_NAME), "{piece}");
        }
        let hidden = row(&usher, |row| row.reason == "fronting").await;
        assert!(hidden.host == "news.example" && hidden.why.contains("service.example") && hidden.why.contains("ECH"), "{hidden:?}");
    }
}

#[tokio::test]
async fn a_tunnel_that_comes_later_on_a_connection_meets_the_same_gate() {
    let (page, usher) = (Origin::saying("page").await, gate(false));
    let origin = Origin::doing(|mut visit| async move { assert_eq!(visit.wire.rest().await, b"", "nothing of it") }).await;
    for (bytes, reason) in [(hiding("games.example"), "fronting"), (b"SSH-2.0-x\r\n".to_vec(), "not-tls")] {
        let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), usher.address).await;
        wire.send(page.request("GET", "/", "")).await;
        assert_eq!(wire.reply().await.text(), "page");
        wire.send(format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", origin.authority())).await;
        assert_eq!(wire.head_only().await.status, 200);
        wire.send(bytes).await;
        wire.rest().await;
        assert_eq!(row(&usher, |row| row.reason == reason).await.host, "news.example");
    }
}

/// A school that looks into nothing but shows pages so.
async fn sealed(block_page: &str) -> There {
    let there = There::with(|mut world| {
        world.edit_policy("not_tls = \"pass\"", &format!("block_page = \"{block_page}\""));
        world.policy("[[rule]]\nname = \"the mail\"\nwhen = { method = \"CONNECT\", host = \"chat.example\" }\nthen = \"block\"\nreason = \"No mail.\"\nreview = 2099-01-01")
    })
    .await;
    assert!(there.usher.files.usher(&["config", "check"]).code == Some(0));
    there
}

#[tokio::test]
async fn a_blocked_site_that_is_sealed_has_its_page_where_the_device_trusts_the_school() {
    let there = sealed("when-trusted").await;
    let (browser, games) = (there.browser(), there.at("games.example"));
    let (head, _) = browser.connect(&games).await;
    assert!(head.starts_with("HTTP/1.1 403"), "nobody knows yet whether it does: {head}");
    // It has taken a certificate of the school's.
    assert_eq!(browser.open("usher.internal:443").await.get("/ca").await.0, 200);
    for (host, words, reason) in [
        ("games.example", "Games is blocked for year-7.", "category"),
        ("terror.example", "blocked for everyone, always", "always-blocked"),
        ("hurt.example", "0800 1111", "category"),
        ("chat.example", "No mail.", "rule"),
    ] {
        for (method, path) in [("GET", "/play?x=1"), ("POST", "/")] {
            let at = there.at(host);
            let mut talk = browser.open(&at).await;
            let answer = talk.ask(method, path, &at).await;
            assert!(answer.status() == 403 && answer.body().contains(words), "{host}: {answer:?}");
            assert!(talk.is_closed().await, "the next is judged anew");
            let row = there.row(|row| row.host == host && row.method == method && row.path == path).await;
            assert_eq!((row.verdict.as_str(), row.reason.as_str(), row.upstream), ("blocked", reason, None), "{host}");
        }
        let connect = there.row(|row| row.host == host && row.method == "CONNECT" && row.reason == "explained").await;
        assert_eq!((connect.verdict.as_str(), connect.upstream), ("answered", None));
    }
    // A tunnel that comes later on a connection is refused as ever.
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), there.usher.address).await;
    wire.send("GET http://chat.example:1/ HTTP/1.1\r\nHost: chat.example:1\r\n\r\n").await;
    wire.reply().await;
    wire.send(format!("CONNECT {games} HTTP/1.1\r\nHost: {games}\r\n\r\n")).await;
    assert_eq!(wire.reply().await.status, 403);
    assert!(there.row(|row| row.verdict == "blocked" && row.note.as_deref().is_some_and(|note| note.contains("later"))).await.host == "games.example");
    // In it, too, requests are for its host alone.
    let mut talk = browser.open(&games).await;
    assert_eq!(talk.ask("GET", "/", &there.at("news.example")).await.status(), 421);
    assert!(there.site.seen().is_empty(), "no site was asked for anything");
    // Another program at that device, and another device.
    let error = there.application().secure(&games, "games.example").await.expect_err("no page").to_string();
    assert!(error.contains("UnrecognisedName"), "{error}");
    let unseen = |row: &Row| row.verdict == "blocked" && row.method == "CONNECT" && row.note.as_deref().is_some_and(|note| note.contains("has not shown"));
    assert_eq!(there.row(unseen).await.host, "games.example");
    let elsewhere = there.browser().at([127, 0, 7, 2]);
    assert!(elsewhere.connect(&games).await.0.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn a_warning_of_a_sealed_site_is_a_page_with_a_way_on_that_is_sealed() {
    let there = sealed("always").await;
    let (browser, video) = (there.browser(), there.at("video.example"));
    let mut talk = browser.open(&video).await;
    let (status, page) = talk.read("/film").await;
    assert!(status == 403 && page.contains("Think before you go on"), "{page}");
    assert!(talk.is_closed().await);
    let token = page.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a button");
    let answer = browser.open("usher.internal:443").await.post("/continue", &format!("token={token}")).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().ok()), (303, Some(&*format!("https://{video}/film"))));
    let own = Device::another(&[&there.believed.pem()], there.usher.address, |_| ());
    assert_eq!(own.open(&video).await.get("/film").await, (http::StatusCode::OK, "the site's page".to_owned()), "and it is the site's own certificate");
    let verdicts: Vec<_> = there.usher.rows().into_iter().filter(|row| row.host == "video.example").map(|row| (row.method, row.verdict, row.reason)).collect();
    for known in [("GET", "warned", "category"), ("CONNECT", "allowed", "continued")] {
        assert!(verdicts.iter().any(|(method, verdict, reason)| (method.as_str(), verdict.as_str(), reason.as_str()) == known), "{known:?}: {verdicts:?}");
    }
}

#[tokio::test]
async fn a_warning_of_what_a_sealed_site_shows_is_a_page_too() {
    let believed = Authority::new("A public authority");
    let shell = "video-example.translate.goog";
    let site = SecureSite::saying("the site's page", &believed, &[shell], Good::Now).await;
    let mut world = World::new().named(shell, "127.0.0.1").tls("authorities = [\"public.pem\"]");
    world.edit_policy("not_tls = \"pass\"", "block_page = \"always\"");
    let (usher, _) = start(world.write(), &believed.pem());
    let (browser, at) = (Device::of(&usher.files, usher.address), format!("{shell}:{}", site.address.port()));
    let (status, page) = browser.open(&at).await.read("/film").await;
    assert!(status == 403 && page.contains("Think before you go on") && page.contains("Google Translate shows video.example"), "{page}");
    assert!(!page.contains("No warning can be shown"), "{page}");
    let warned = row(&usher, |row| row.method == "GET" && row.host == shell).await;
    assert_eq!((warned.verdict.as_str(), warned.reason.as_str()), ("warned", "republished"));
    let token = page.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a button");
    assert_eq!(browser.open("usher.internal:443").await.post("/continue", &format!("token={token}")).await.status(), 303);
    let own = Device::another(&[&believed.pem()], usher.address, |_| ());
    assert_eq!(own.open(&at).await.get("/film").await, (http::StatusCode::OK, "the site's page".to_owned()));
}

#[tokio::test]
async fn a_connection_that_shows_a_page_never_becomes_more() {
    let there = sealed("always").await;
    let games = there.at("games.example");
    let browser = there.browser();
    let mut talk = browser.open(&games).await;
    // The school unblocks it meanwhile.
    let There { mut usher, site, believed, .. } = there;
    usher.files.edit("policy.toml", "block = [\"games\", \"self-harm\"]", "block = [\"self-harm\"]");
    usher.signal(Signal::HUP);
    usher.says("snapshot");
    let answer = talk.ask("GET", "/chess", &games).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().ok()), (307, Some(&*format!("https://{games}/chess"))));
    assert!(talk.is_closed().await && site.seen().is_empty());
    let own = Device::another(&[&believed.pem()], usher.address, |_| ());
    assert_eq!(own.open(&games).await.get("/chess").await.0, 200);
}

#[tokio::test]
async fn where_no_page_is_to_be_shown_the_tunnel_is_refused() {
    let there = sealed("never").await;
    assert_eq!(there.browser().open("usher.internal:443").await.get("/ca").await.0, 200);
    assert!(there.browser().connect(&there.at("games.example")).await.0.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn a_rule_against_tunnels_blocks_also_where_they_are_looked_into() {
    let rule = "[[rule]]\nname = \"no tunnels\"\nwhen = { method = \"CONNECT\", host = \"news.example\" }\nthen = \"block\"\nreason = \"No tunnels.\"\nreview = 2099-01-01";
    let there = There::with(|world| world.inspecting().policy(rule)).await;
    let (head, _) = there.browser().connect(&there.at("news.example")).await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    assert_eq!(there.row(|row| row.reason == "rule").await.rule.as_deref(), Some("no tunnels"));
}

#[tokio::test]
async fn what_cannot_be_read_in_a_connection_is_its_owners() {
    let there = There::with(|world| world.inspecting().user("7-anna", "correct horse", None).limit("requests_per_second = 1\nrequest_burst = 4")).await;
    let news = there.at("news.example");
    let browser = there.browser().who_says("7-anna", "correct horse");
    let mut tls = browser.secure(&news, "news.example").await.expect("TLS");
    tls.write_all(b"GET / HTTP/9.9\r\n\r\n").await.expect("sent");
    let malformed = there.row(|row| row.reason == "malformed").await;
    assert_eq!((malformed.user.as_deref(), malformed.host.as_str(), malformed.group.as_str()), (Some("7-anna"), "news.example", "year-7"));
    let mut talk = browser.open(&news).await;
    let fronting = talk.ask("GET", "/secret", "games.example").await;
    assert_eq!(fronting.status(), 421);
    let fronting = there.row(|row| row.reason == "fronting").await;
    assert_eq!((fronting.user.as_deref(), fronting.host.as_str(), fronting.path.as_str()), (Some("7-anna"), "news.example", "/secret"));
    assert!(fronting.why.contains("games.example") && fronting.why.contains("news.example"), "{}", fronting.why);
    while talk.get("/more").await.0 != 429 {}
    let too_many = there.row(|row| row.reason == "too-many").await;
    assert_eq!((too_many.user.as_deref(), too_many.host.as_str(), too_many.path.as_str()), (Some("7-anna"), "news.example", "/more"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_does_not_wait_for_clients_that_have_not_spoken() {
    for inspecting in [false, true] {
        let files = strict(inspecting).limit("head_seconds = 900\ndrain_seconds = 900\ntunnel_idle_seconds = 900").write();
        if inspecting {
            assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
        }
        let (origin, mut usher) = (Origin::echoing().await, Program::start(Arc::new(files)));
        let device = Device::alone(usher.address);
        let silent = device.tunnel(&origin.authority()).await;
        let mut half = device.tunnel(&origin.authority()).await;
        half.write_all(&hiding("news.example")[..40]).await.expect("sent");
        usher.signal(Signal::TERM);
        assert!(in_time("its end", move || usher.ended()).success());
        drop((silent, half));
    }
}

#[tokio::test]
async fn each_way_a_handshake_fails_is_told_as_it_is() {
    let there = There::with(World::inspecting).await;
    let news = there.at("news.example");
    let gopher = Device::another(&[&there.school], there.usher.address, |config| config.alpn_protocols = vec![b"gopher".to_vec()]);
    assert!(gopher.secure(&news, "news.example").await.is_err());
    let told = there.row(|row| row.method == "CONNECT").await;
    assert!(told.note.as_deref().is_some_and(|note| note.contains("the client offers gopher only")), "{told:?}");
    assert!(there.application().secure(&news, "news.example").await.is_err());
    let told = there.row(|row| row.note.as_deref().is_some_and(|note| note.contains("alert 48"))).await;
    assert!(told.note.as_deref().is_some_and(|note| note.contains("does not take the school's certificate")), "{told:?}");
}

#[tokio::test]
async fn that_a_certificate_was_excused_is_on_record() {
    let exception = "[[tls.exception]]\nhost = \"news.example\"\naccept = [\"expired\"]\nreason = \"The lift's panel.\"\nuntil = 2999-01-01";
    let believed = Authority::new("A public authority");
    for (good, excused) in [(Good::Before, true), (Good::Now, false)] {
        let site = SecureSite::saying("the site's page", &believed, &["news.example"], good).await;
        let (usher, _) = start(World::new().inspecting().tls("authorities = [\"public.pem\"]").tls(exception).write(), &believed.pem());
        let mut talk = Device::of(&usher.files, usher.address).open(&format!("news.example:{}", site.address.port())).await;
        for path in ["/one", "/two"] {
            assert_eq!(talk.get(path).await.0, 200);
            let row = row(&usher, |row| row.path == path).await;
            assert_eq!(row.why.contains("Its certificate was excused by an exception until 2999-01-01: The lift's panel."), excused, "{path}: {}", row.why);
        }
    }
}

#[tokio::test]
async fn that_a_certificate_was_excused_is_on_record_also_with_what_was_held_and_beside_what_is_noted_later() {
    let exception = "[[tls.exception]]\nhost = \"news.example\"\naccept = [\"expired\"]\nreason = \"The lift's panel.\"\nuntil = 2999-01-01";
    let believed = Authority::new("A public authority");
    let site = SecureSite::saying("the site's page", &believed, &["news.example"], Good::Before).await;
    let world = World::new().inspecting().files("block = [\"executable\"], uploads = true").tls("authorities = [\"public.pem\"]").tls(exception);
    let (usher, _) = start(world.write(), &believed.pem());
    let device = Device::of(&usher.files, usher.address);
    for (path, status, more) in [("/form", 200, ""), ("/setup.exe", 403, "the file was withheld: see ")] {
        let mut talk = device.open(&format!("news.example:{}", site.address.port())).await;
        assert_eq!(talk.post(path, "a=1").await.status(), status, "{path}");
        let row = row(&usher, |row| row.path == path && row.verdict == "allowed" && row.outcome.is_some()).await;
        let note = row.note.expect("a note");
        assert!(note.contains("Its certificate was excused by an exception until 2999-01-01: The lift's panel.") && note.contains(more), "{path}: {note}");
    }
}

#[tokio::test]
async fn a_file_of_authorities_that_is_broken_keeps_no_reload_where_nobody_is_looked_into() {
    let (mut usher, _) = start(World::new().tls("authorities = [\"public.pem\"]").write(), &Authority::new("A public authority").pem());
    assert!(usher.get("http://news.example:1/").contains("502"));
    usher.files.put("public.pem", "nothing");
    usher.files.edit("policy.toml", "block = [\"games\", \"self-harm\"]", "block = [\"games\", \"self-harm\", \"chat\"]");
    usher.signal(Signal::HUP);
    usher.says("snapshot");
    let checked = usher.files.usher(&["config", "check"]);
    assert!(checked.code == Some(2) && checked.err.contains("it holds no certificate"), "but it is told: {checked:?}");
    // Where somebody is looked into, it is a problem of the whole.
    usher.files.edit("policy.toml", "not_tls = \"pass\"", "inspect = \"all\"");
    usher.signal(Signal::HUP);
    assert!(usher.says("public.pem").contains("it holds no certificate"));
}

#[test]
fn that_nobody_is_trusted_is_not_told_as_a_missing_authority() {
    let files = World::new().write();
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let mut usher = Program::start_after(Arc::new(files), "export SSL_CERT_FILE=/nonexistent SSL_CERT_DIR=/nonexistent");
    usher.files.edit("policy.toml", "not_tls = \"pass\"", "inspect = \"all\"");
    usher.signal(Signal::HUP);
    let said = usher.says("refused");
    assert!(!said.contains("usher ca create") && said.contains("ca-certificates"), "{said}");
}

/// Runs a program to its end, if it is there.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::null());
    in_time(program, move || command.output().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_behind_another_name_is_refused_and_curl_that_pins_is_passed() {
    let there = There::with(|_| strict(false).tls("authorities = [\"public.pem\"]")).await;
    let proxy = format!("http://{}", there.usher.address);
    let own: PathBuf = there.usher.files.path("public.pem");
    let (own, port) = (own.display().to_string(), there.site.address.port());
    // The tunnel is to the news, the TLS in it for the games.
    let behind = format!("games.example:{port}:news.example:{port}");
    let curl = |arguments: &[&str]| run("curl", &[&["-sS", "--interface", "127.0.7.1", "--proxy", &proxy, "--cacert", &own], arguments].concat());
    let Some(output) = curl(&["--connect-to", &behind, &format!("https://games.example:{port}/")]) else { return skipped("curl") };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(35) && said.contains("unrecognized name"), "{output:?}");
    assert!(there.row(|row| row.reason == "fronting").await.why.contains("games.example"));
    let output = curl(&[&format!("https://news.example:{port}/")]).expect("curl");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "the site's page", "{output:?}");
    // Where all is looked into, curl that trusts the site's own authority only is an application that pins.
    let there = There::with(World::inspecting).await;
    there.browse().await;
    let (proxy, own, port) = (format!("http://{}", there.usher.address), there.usher.files.path("public.pem").display().to_string(), there.site.address.port());
    let url = format!("https://news.example:{port}/");
    let got: Vec<_> =
        (0..8).map(|_| run("curl", &["-sS", "--interface", "127.0.7.1", "--proxy", &proxy, "--cacert", &own, &url]).expect("curl").status.code()).collect();
    assert!(got[..3].iter().all(|code| *code == Some(60)) && got[7] == Some(0), "{got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_is_told_by_an_alert_that_its_names_do_not_agree() {
    let usher = gate(false);
    let origin = Origin::doing(|mut visit| async move { assert_eq!(visit.wire.rest().await, b"") }).await;
    let (proxy, at) = (usher.address.to_string(), origin.authority());
    let Some(output) = run("openssl", &["s_client", "-proxy", &proxy, "-connect", &at, "-servername", "games.example"]) else { return skipped("openssl") };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("unrecognized name") || said.contains("alert number 112"), "{said}");
}

#[tokio::test]
async fn an_authority_that_signs_slowly_serves_many_hosts_at_once() {
    let files = World::new().inspecting().write();
    let config = "[req]\ndistinguished_name=d\nprompt=no\nx509_extensions=e\n[d]\nCN=Slow School\n[e]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
    files.put("slow.conf", config);
    let path = |name: &str| files.path(name).display().to_string();
    let (key, pem, conf) = (path("slow.key"), path("slow.pem"), path("slow.conf"));
    let request = ["req", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "365", "-keyout", &key, "-out", &pem, "-config", &conf];
    let Some(made) = run("openssl", &request) else { return skipped("openssl") };
    assert!(made.status.success(), "{made:?}");
    let imported = files.usher(&["ca", "import", &pem, &key]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let usher = Program::start(Arc::new(files));
    let device = Arc::new(Device::of(&usher.files, usher.address));
    let asked = (0..40).map(|number| {
        let device = device.clone();
        tokio::spawn(async move { device.open(&format!("s{}.games.example:443", number % 20)).await.get("/").await.0 })
    });
    for one in asked.collect::<Vec<_>>() {
        assert_eq!(one.await.expect("served"), 403);
    }
}
