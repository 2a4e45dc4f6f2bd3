//! The record is sent on to where the school wants it, whole, and whoever takes it badly harms neither the record nor the school.

use crate::kit::{Authority, Files, Origin, PATIENCE, Receiver, School, SyslogNg, Takes, World, skipped};
use jiff::Timestamp;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use usher::audit::events::Severity;
use usher::outputs::syslog::{Server, Transport};
use usher::outputs::webhook::{Secret, signature};
use usher::outputs::{BATCH, Committed, Content, Item, Naming, Notice, Output, Position, SourceError, Standing, Surroundings, To, What, run};
use usher::reach::Roots;

const AGENT: &str = "one \"two\" ]three \\four";

fn syslog(address: SocketAddr) -> String {
    format!("kind = \"syslog\"\naddress = \"tcp://{address}\"\n")
}

fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

/// The standing of the output once it is so.
async fn stands(folder: &Path, what: &str, so: impl Fn(&Standing) -> bool) -> Standing {
    let started = Instant::now();
    loop {
        let standing = Standing::read(&folder.join("outputs"), "siem").expect("it is read");
        match standing {
            Some(standing) if so(&standing) => return standing,
            other => assert!(started.elapsed() < PATIENCE, "{what} is expected, not {other:?}"),
        }
        tokio::task::yield_now().await;
    }
}

async fn visit(school: &School, site: &Origin, count: usize) {
    for number in 0..count {
        school.pupil().get(&site.url(&format!("/page/{number}"))).await.is_from_the_site("hello");
    }
}

/// A browser of a strange name, which has to be quoted, asks for `/a`.
async fn quoting(school: &School, site: &Origin) {
    let mut wire = school.wire().await;
    wire.send(site.request("GET", "/a", &format!("User-Agent: {AGENT}\r\n"))).await;
    assert_eq!(wire.reply().await.text(), "hello");
}

/// Whether exactly these pages are told of, each so often, in order.
fn tells_of_each_page_once(messages: &[String], count: usize) {
    assert_eq!(messages.len(), count, "{messages:?}");
    for (number, message) in messages.iter().enumerate() {
        assert!(message.contains(&format!("/page/{number}\"")), "{number}: {message}");
    }
}

#[tokio::test]
async fn every_request_reaches_a_syslog_server_with_what_was_decided() {
    let (receiver, site) = (Receiver::start(&[], None).await, Origin::saying("hello").await);
    let school = World::new().output(&syslog(receiver.address)).start().await;
    quoting(&school, &site).await;
    school.pupil().get("http://games.example/").await.is_blocked_because("category");
    let messages = receiver.has(2).await;
    let (let_through, blocked) = (&messages[0], &messages[1]);
    assert!(let_through.starts_with("<134>1 2026-11-25T10:00:00.000Z "), "{let_through}");
    for part in [
        " usher ",
        " record [usher@32473 id=\"",
        "verdict=\"allowed\"",
        "group=\"year-7\"",
        "client=\"127.0.7.1\"",
        "/a\"",
        "agent=\"one \\\"two\\\" \\]three \\\\four\"",
        "status=\"200\"",
        "outcome=\"complete\"",
        "] \u{feff}somebody at 127.0.7.1 was let through to news.example: No rule and no blocked category applies.",
    ] {
        assert!(let_through.contains(part), "{part} is not in {let_through}");
    }
    assert!(blocked.starts_with("<140>1 "), "{blocked}");
    for part in ["verdict=\"blocked\"", "categories=\"games\"", "games.example\"", "was kept from games.example: Games is blocked for year-7."] {
        assert!(blocked.contains(part), "{part} is not in {blocked}");
    }
}

#[tokio::test]
async fn over_tls_only_whoever_proves_who_it_is_gets_the_record() {
    let (authority, stranger) = (Authority::new("School"), Authority::new("Stranger"));
    for (trusted, taken) in [(&authority, true), (&stranger, false)] {
        let receiver = Receiver::start(&[], Some(authority.acceptor(&["127.0.0.1"]))).await;
        let site = Origin::saying("hello").await;
        let settings = format!("kind = \"syslog\"\naddress = \"tls://{}\"\nca = \"ca.pem\"", receiver.address);
        let files = World::new().output(&settings).write();
        files.put("ca.pem", &trusted.pem());
        let school = School::open(files).await;
        visit(&school, &site, 3).await;
        if taken {
            tells_of_each_page_once(&receiver.has(3).await, 3);
            continue;
        }
        let standing = stands(&school.files.path("data"), "trouble", |standing| standing.trouble.is_some()).await;
        assert!(standing.trouble.expect("it has").error.contains("signed by nobody this machine trusts"));
        let said = school.files.usher(&["log", "outputs"]);
        assert!(said.code == Some(1) && said.out.contains("siem") && said.out.contains("signed by nobody"), "{said:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_stalls_slows_nobody_and_gets_everything_later() {
    let (receiver, site) = (Receiver::start(&[Takes::Nothing], None).await, Origin::saying("hello").await);
    let school = World::new().output(&syslog(receiver.address)).start().await;
    visit(&school, &site, 1).await;
    receiver.was_visited(1).await;
    for number in 1..30 {
        school.pupil().get(&site.url(&format!("/page/{number}"))).await.is_from_the_site("hello");
    }
    receiver.let_go();
    tells_of_each_page_once(&receiver.has(30).await, 30);
    let standing = stands(&school.files.path("data"), "nothing behind", |standing| standing.sent == 30 && standing.trouble.is_none()).await;
    assert_eq!((standing.behind, standing.behind_seconds), (0, 0));
    let said = school.files.usher(&["log", "outputs", "--json"]);
    assert_eq!((said.code, &said.json()[0]["standing"]["sent"], &said.json()[0]["name"]), (Some(0), &30.into(), &"siem".into()));
}

#[tokio::test]
async fn a_receiver_that_goes_away_in_the_middle_of_a_batch_gets_it_again() {
    let site = Origin::saying("hello").await;
    // Before it read anything, in the middle, and at what it may take for the end.
    let receiver = Receiver::start(&[Takes::Only(0), Takes::Only(100), Takes::Only(1000)], None).await;
    let school = World::new().output(&syslog(receiver.address)).start().await;
    visit(&school, &site, 12).await;
    tells_of_each_page_once(&receiver.has(12).await, 12);
    receiver.was_visited(4).await;
}

#[tokio::test]
async fn nothing_is_lost_over_a_restart_while_nobody_is_there() {
    let (address, site) = (nobody(), Origin::saying("hello").await);
    let school = World::new().output(&syslog(address)).start().await;
    visit(&school, &site, 5).await;
    let standing = stands(&school.files.path("data"), "trouble", |standing| standing.trouble.is_some()).await;
    assert!(standing.trouble.expect("it has").error.contains("127.0.0.1 cannot be reached"));
    let files = school.stopped().await;
    let receiver = Receiver::start_at(address, &[], None).await;
    let school = School::open(files).await;
    tells_of_each_page_once(&receiver.has(5).await, 5);
    school.pupil().get(&site.url("/page/5")).await.is_from_the_site("hello");
    tells_of_each_page_once(&receiver.has(6).await, 6);
    stands(&school.files.path("data"), "all sent", |standing| standing.sent == 6).await;
    // What was taken is not sent again by the next start.
    let school = School::open(school.stopped().await).await;
    school.pupil().get(&site.url("/page/6")).await.is_from_the_site("hello");
    tells_of_each_page_once(&receiver.has(7).await, 7);
}

#[tokio::test]
async fn a_webhook_that_fails_gets_the_same_batch_again_signed() {
    let down = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    let hook = Origin::ending(&[down, down, "HTTP/1.1 204 No Content\r\n\r\n"]).await;
    let files = World::new().output(&format!("kind = \"webhook\"\naddress = \"http://{}/in?x=1\"\nsecret = \"hook.secret\"", hook.address)).write();
    files.put("hook.secret", "between us\n");
    std::fs::set_permissions(files.path("hook.secret"), std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let school = School::open(files).await;
    school.pupil().get("http://games.example/").await.is_blocked_because("category");
    let standing = stands(&school.files.path("data"), "taken", |standing| standing.sent == 1 && standing.trouble.is_none()).await;
    assert_eq!(standing.behind, 0);
    let seen = hook.seen();
    assert_eq!(seen.len(), 3, "{seen:?}");
    for request in &seen {
        let (head, body) = request.split_once("\r\n\r\n").expect("a body");
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} is not in {head}"));
        assert!(head.starts_with("POST /in?x=1 HTTP/1.1\r\n") && field("content-type: ") == "application/x-ndjson", "{head}");
        assert_eq!(field("usher-signature: "), signature(&Secret("between us".into()), field("usher-timestamp: "), body.as_bytes()));
        assert_eq!(field("idempotency-key: "), seen[0].lines().find_map(|line| line.strip_prefix("idempotency-key: ")).expect("a key"));
        let line: serde_json::Value = serde_json::from_str(body).expect("one line of JSON");
        assert_eq!(
            (&line["what"], &line["class"], &line["host"], &line["verdict"]),
            (&"record".into(), &"blocked".into(), &"games.example".into(), &"blocked".into())
        );
    }
}

#[tokio::test]
async fn only_what_is_wanted_is_sent_and_by_other_names_where_that_is_wanted() {
    let (receiver, site) = (Receiver::start(&[], None).await, Origin::saying("hello").await);
    let settings = format!("{}only = [\"blocked\"]\npseudonymous = true", syslog(receiver.address));
    let school = World::new().output(&settings).proxy("ask_for_password = \"unknown\"").user("7-anna", "secret", None).start().await;
    visit(&school, &site, 2).await;
    school.pupil().get("http://games.example/").await.is_blocked_because("category");
    let messages = receiver.has(1).await;
    assert!(messages.len() == 1 && messages[0].contains("verdict=\"blocked\""), "{messages:?}");
    assert!(!messages[0].contains("127.0.7.1") && messages[0].contains("client=\"d-"), "{messages:?}");
    stands(&school.files.path("data"), "one sent", |standing| standing.sent == 1 && standing.behind == 0).await;
}

/// Events that are on record, as whoever keeps them would give them; it remembers how many it was asked for.
struct Events(Vec<Item>, Arc<Mutex<Vec<u32>>>);

impl Committed for Events {
    fn after(&self, position: Position, limit: u32, _: Timestamp) -> Result<Vec<Item>, SourceError> {
        self.1.lock().expect("a list").push(limit);
        Ok(self.0.iter().filter(|item| item.position > position).take(limit as usize).cloned().collect())
    }

    fn end(&self) -> Result<Position, SourceError> {
        Ok(Position(0))
    }

    fn behind(&self, position: Position) -> Result<u32, SourceError> {
        Ok(self.0.iter().filter(|item| item.position > position).count() as u32)
    }
}

#[tokio::test]
async fn a_long_backlog_goes_in_steps_and_what_has_no_source_is_told() {
    let receiver = Receiver::start(&[], None).await;
    let at: Timestamp = "2026-11-25T10:00:00Z".parse().expect("a time");
    let event = |number: u64| {
        let notice = Notice { what: What::Events, kind: "started".into(), severity: Severity::Critical, text: format!("event {number}."), fields: Vec::new() };
        Item { position: Position(number), at, content: Content::Notice(notice) }
    };
    let (folder, asked) = (tempfile::tempdir().expect("a folder"), Arc::new(Mutex::new(Vec::new())));
    let source: Arc<dyn Committed> = Arc::new(Events((1..=1000).map(event).collect(), asked.clone()));
    let around = Surroundings { folder: folder.path().join("outputs"), sources: vec![(What::Events, source)], secret: [7; 32], clock: Arc::new(move || at) };
    let server = Server { host: usher::host::Host::parse("127.0.0.1").expect("a host"), port: receiver.address.port(), transport: Transport::Tcp };
    let what = vec![What::Events, What::Checkpoints];
    let output = Output { name: "siem".into(), to: To::Syslog(server), what, only: Vec::new(), names: Naming::Named, roots: Roots::System };
    let running = tokio::spawn(run(vec![output], around));
    let messages = receiver.has(1000).await;
    assert!(messages.iter().enumerate().all(|(before, message)| message.ends_with(&format!("event {}.", before + 1))), "in order, each once");
    assert!(messages[0].starts_with("<146>1 2026-11-25T10:00:00.000Z ") && messages[0].contains(" started [usher@32473 what=\"events\""), "{}", messages[0]);
    assert!(asked.lock().expect("a list").iter().all(|limit| *limit == BATCH), "never more at once");
    let standing = stands(folder.path(), "trouble", |standing| standing.trouble.is_some()).await;
    assert!(standing.trouble.expect("it has").error.starts_with("nothing here gives checkpoints yet"));
    running.abort();
}

#[test]
fn wrong_outputs_are_told_all_at_once_with_hints() {
    let files: Files = World::new()
        .output("kind = \"sislog\"\naddress = \"udp://x:514\"\n")
        .output("kind = \"syslog\"\naddress = \"udp://x:514\"\nsecret = \"none\"\nwhat = [\"recrods\"]\nca = \"none.pem\"\nonyl = []\n")
        .output("kind = \"webhook\"\naddress = \"https://\"\nonly = [\"visits\"]\nwhat = []\n")
        .write();
    let said = files.usher(&["config", "check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let all = format!("{}{}", said.out, said.err);
    for part in [
        "kind: \"sislog\" is none of syslog, webhook\n  hint: did you mean \"syslog\"?",
        "address: \"udp://x:514\" is no syslog server\n  hint: write tls://host:6514 or tcp://host:601",
        "secret: ",
        "what: \"recrods\" is none of records, events, checkpoints",
        "ca: ",
        "`onyl` in output \"siem\" is no setting\n  hint: did you mean \"only\"?",
        "only: \"visits\" is none of visit, search, resource, blocked, staff",
        "what: nothing would be sent",
        "address: \"https://\": ",
    ] {
        assert!(all.contains(part), "{part}\nis not in\n{all}");
    }
    let none = World::new().write().usher(&["log", "outputs"]);
    assert!(none.code == Some(0) && none.out.contains("[[output]]"), "{none:?}");
}

#[tokio::test]
async fn a_real_syslog_server_understands_every_field() {
    let authority = Authority::new("School");
    let Some(server) = SyslogNg::start(&authority) else { return skipped("syslog-ng") };
    let site = Origin::saying("hello").await;
    for (scheme, address, messages) in [("tcp", server.plain, 2), ("tls", server.secure, 4)] {
        let files = World::new().output(&format!("kind = \"syslog\"\naddress = \"{scheme}://{address}\"\nca = \"ca.pem\"")).write();
        files.put("ca.pem", &authority.pem());
        let school = School::open(files).await;
        quoting(&school, &site).await;
        school.pupil().get("http://games.example/").await.is_blocked_because("category");
        let understood = server.understood(messages).await;
        let (let_through, blocked) = (&understood[messages - 2], &understood[messages - 1]);
        let of = |message: &serde_json::Value, name: &str| message["_SDATA"]["usher@32473"][name].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (&let_through["PROGRAM"], &let_through["MSGID"], &let_through["PRIORITY"], &let_through["FACILITY"]),
            (&"usher".into(), &"record".into(), &"info".into(), &"local0".into()),
            "{let_through}"
        );
        assert_eq!((of(let_through, "verdict"), of(let_through, "client"), of(let_through, "status")), ("allowed".into(), "127.0.7.1".into(), "200".into()));
        let row = school.rows().into_iter().find(|row| row.host == "news.example").expect("it is on record");
        assert_eq!((of(let_through, "url"), of(let_through, "id")), (row.url(), row.id), "{let_through}");
        assert_eq!(of(let_through, "agent"), AGENT, "{let_through}");
        assert_eq!((&blocked["PRIORITY"], &blocked["FACILITY"]), (&"warning".into(), &"local1".into()), "{blocked}");
        let words = blocked["MESSAGE"].as_str().unwrap_or_default();
        assert!(words.trim_start_matches('\u{feff}').starts_with("somebody at 127.0.7.1 was kept from games.example: Games is blocked"), "{blocked}");
        stands(&school.files.path("data"), "both taken", |standing| standing.sent == 2 && standing.trouble.is_none()).await;
    }
}
