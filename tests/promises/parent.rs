//! A school behind a parent proxy: everything goes through it and is on record here all the same; and what the parent blocks is known, not hoped.

use crate::kit::{Authority, Good, Origin, School, SecureSite, Squid, Visit, Wire, World, skipped, soon};
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use usher::host::Host;
use usher::library::fetch::{Roots, Web};
use usher::library::parent_check::{Checked, Pages, Standing, Verdict, check};
use usher::upstream::{Credentials, Upstream};

/// The name and password of the school at its parent: `school:right`.
const OURS: &str = "proxy-authorization: Basic c2Nob29sOnJpZ2h0\r\n";

/// A school behind a parent that is told who it is.
async fn behind(world: World, parent: SocketAddr) -> School {
    let files = world.parent(parent).upstream("user = \"school\"\npassword_file = \"parent.password\"").write();
    files.put("parent.password", "right\n");
    fs::set_permissions(files.path("parent.password"), fs::Permissions::from_mode(0o600)).expect("a mode");
    School::open(files).await
}

/// A parent that asks everyone for a password, and knows the school.
async fn strict_parent() -> School {
    World::new().proxy("ask_for_password = \"always\"").user("school", "right", Some("year-7")).named("far.example", "127.0.0.1").start().await
}

/// A parent that answers every request, tunnels too, with these bytes.
async fn parent_saying(answer: &'static str) -> Origin {
    Origin::doing(move |mut visit: Visit| async move {
        while visit.request().await.is_some() {
            visit.send(answer).await;
        }
    })
    .await
}

fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

#[tokio::test]
async fn plain_requests_go_to_the_parent_whole_and_as_the_schools_own() {
    let parent = Origin::saying("from the parent").await;
    let school = behind(World::new().user("7-anna", "secret", None), parent.address).await;
    let mut wire = school.wire().await;
    // No name server is asked for it here: there is none.
    for path in ["/a?b", "/c"] {
        wire.send(format!(
            "GET http://far.example:8080{path} HTTP/1.1\r\nHost: far.example:8080\r\nProxy-Authorization: Basic Ny1hbm5hOnNlY3JldA==\r\nCookie: own=1\r\n\r\n"
        ))
        .await;
        assert_eq!(wire.reply().await.text(), "from the parent");
    }
    let seen = parent.seen();
    assert!(
        seen[0].starts_with("GET http://far.example:8080/a?b HTTP/1.1\r\n") && seen[1].starts_with("GET http://far.example:8080/c HTTP/1.1\r\n"),
        "{seen:?}"
    );
    for request in &seen {
        for line in ["host: far.example:8080\r\n", OURS, "cookie: own=1\r\n", "via: 1.1 usher-"] {
            assert!(request.contains(line), "{line} is not in {request}");
        }
        assert_eq!(request.matches("proxy-authorization").count(), 1, "the pupil's own password stays here: {request}");
    }
    assert_eq!(parent.visits(), 1, "one connection to the parent carries both");
    let row = school.closed("/c").await;
    assert_eq!((row.host.as_str(), row.user.as_deref(), row.verdict.as_str()), ("far.example", Some("7-anna"), "allowed"));
    assert_eq!((row.outcome.as_deref(), row.upstream), (Some("complete"), Some(parent.address.to_string())));
    school.pupil().ask("POST", "http://other.example/form", "name=value").await.is_from_the_site("from the parent");
    assert!(parent.seen()[2].starts_with("POST http://other.example/form HTTP/1.1\r\n") && parent.seen()[2].ends_with("\r\n\r\nname=value"));
    assert_eq!(parent.visits(), 1, "whatever the site");
}

#[tokio::test]
async fn pages_and_tunnels_go_through_another_usher_and_are_on_record_in_both() {
    let (site, far, parent) = (Origin::saying("hello").await, Origin::echoing().await, strict_parent().await);
    let school = behind(World::new(), parent.address).await;
    school.pupil().get(&format!("http://far.example:{}/page", site.address.port())).await.is_from_the_site("hello");
    let request = site.the_request();
    assert!(request.starts_with("GET /page HTTP/1.1\r\n") && !request.contains("proxy-authorization"), "{request}");
    let authority = format!("far.example:{}", far.address.port());
    // First on its connection, and later on one.
    for before in [false, true] {
        let mut wire = school.wire().await;
        if before {
            wire.send(format!("GET http://far.example:{}/again HTTP/1.1\r\nHost: far.example\r\n\r\n", site.address.port())).await;
            assert_eq!(wire.reply().await.text(), "hello");
        }
        wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\nearly")).await;
        assert_eq!(wire.head_only().await.status, 200);
        wire.send(" and late").await;
        assert_eq!(wire.take(14).await, b"early and late");
        wire.half_close().await;
        assert_eq!(wire.rest().await, b"end");
    }
    let (here, there) = (school.closed_tunnel(far.address.port()).await, parent.closed_tunnel(far.address.port()).await);
    assert_eq!((here.outcome.as_deref(), here.bytes_up, here.bytes_down, here.group.as_str()), (Some("complete"), Some(14), Some(17), "year-7"));
    assert_eq!((here.upstream, there.upstream), (Some(parent.address.to_string()), Some(far.address.to_string())));
    assert_eq!((there.user.as_deref(), there.host.as_str()), (Some("school"), "far.example"));
    assert_eq!(parent.closed("/page").await.user.as_deref(), Some("school"));
}

#[tokio::test]
async fn what_comes_with_the_parents_answer_is_not_lost() {
    let parent = Origin::doing(|mut visit| async move {
        visit.head().await;
        visit.send("HTTP/1.1 200 Connection established\r\nContent-Length: 3\r\n\r\nhello").await;
        visit.gone().await;
    })
    .await;
    let school = behind(World::new(), parent.address).await;
    let mut wire = school.wire().await;
    wire.send("CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n").await;
    let reply = wire.head_only().await;
    assert_eq!((reply.status, reply.field("content-length")), (200, None));
    assert_eq!(wire.take(5).await, b"hello");
    let request = parent.the_request();
    assert!(request.starts_with("CONNECT far.example:443 HTTP/1.1\r\n"), "{request}");
    for line in ["host: far.example:443\r\n", OURS, "via: 1.1 usher-"] {
        assert!(request.contains(line), "{line} is not in {request}");
    }
}

#[tokio::test]
async fn a_parent_that_opens_no_tunnel_is_named_with_what_is_to_be_done() {
    for (answer, status, error, words, outcome) in [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nback", 403, "http_request_denied", "refuses the way to far.example (403)", "destination-refused"),
        ("HTTP/1.1 451 No\r\nContent-Length: 0\r\n\r\n", 403, "http_request_denied", "refuses the way to far.example (451)", "destination-refused"),
        (
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            502,
            "proxy_configuration_error",
            "set `user` and `password_file` under [upstream]",
            "origin-failed",
        ),
        ("HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", 502, "destination_unavailable", "it answered 503", "origin-failed"),
        ("HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", 502, "destination_unavailable", "it answered 302", "origin-failed"),
        ("220 mail.example ESMTP\r\n", 502, "http_protocol_error", "answer cannot be read", "origin-failed"),
    ] {
        let parent = parent_saying(answer).await;
        let school = behind(World::new(), parent.address).await;
        let answered = school.pupil().connect("far.example:443").await;
        assert_eq!((answered.reply.status, answered.reply.field("proxy-status")), (status, Some(format!("usher; error={error}"))), "{answer}");
        let text = answered.reply.text();
        assert!(text.contains(words) && text.contains(&parent.address.to_string()) && !text.contains("back"), "{answer}: {text}");
        assert_eq!(answered.reply.field("proxy-authenticate"), None, "a pupil is not asked for the school's password");
        let row = school.closed_tunnel(443).await;
        assert_eq!((row.verdict.as_str(), row.outcome.as_deref(), row.status), ("allowed", Some(outcome), Some(status)), "{answer}");
        assert!(row.note.is_some_and(|note| note.contains(&parent.address.to_string())), "{answer}");
    }
}

#[tokio::test]
async fn a_parent_that_is_not_there_or_wants_a_password_is_told_on_a_page_too() {
    let down = nobody();
    let school = behind(World::new(), down).await;
    for answer in [school.pupil().get("http://far.example/page").await.reply, school.pupil().connect("far.example:443").await.reply] {
        assert_eq!(answer.status, 502);
        assert!(answer.text().contains(&format!("The parent proxy {down} is not reached")), "{}", answer.text());
    }
    for row in [school.closed("/page").await, school.closed_tunnel(443).await] {
        assert_eq!((row.verdict.as_str(), row.outcome.as_deref(), row.status), ("allowed", Some("origin-failed"), Some(502)));
    }
    let wants = parent_saying("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n").await;
    let answer = behind(World::new(), wants.address).await.pupil().get("http://far.example/").await.reply;
    assert_eq!((answer.status, answer.field("proxy-authenticate")), (502, None));
    assert!(answer.text().contains("set `user` and `password_file` under [upstream]"), "{}", answer.text());
    // The parent's own page for what it blocks is a page like any other.
    let blocks = parent_saying("HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nblocked").await;
    let answer = behind(World::new(), blocks.address).await.pupil().get("http://far.example/").await.reply;
    assert_eq!((answer.status, answer.text().as_str()), (403, "blocked"));
    let silent = Origin::doing(Visit::gone).await;
    let school = behind(World::new().limit("answer_seconds = 1"), silent.address).await;
    assert_eq!(school.pupil().connect("far.example:443").await.reply.status, 504);
    assert_eq!(school.closed_tunnel(443).await.outcome.as_deref(), Some("limit-reached"));
}

#[tokio::test]
async fn what_is_blocked_here_is_not_asked_of_the_parent() {
    let parent = Origin::saying("hello").await;
    let school = behind(World::new(), parent.address).await;
    school.pupil().get("http://games.example/").await.is_blocked_because("category");
    school.pupil().connect("games.example:443").await.is_blocked_because("category");
    assert_eq!(parent.visits(), 0);
}

#[tokio::test]
async fn addresses_inside_stay_closed_and_the_parents_own_is_for_the_proxy_only() {
    let parent = Origin::saying("hello").await;
    let school = behind(World::new().allow(&[]).named("rebind.example", "169.254.169.254"), parent.address).await;
    let at_parent = parent.address.to_string();
    for to in
        ["127.0.0.1:80", "10.0.0.1:80", "169.254.169.254:80", "[::1]:80", "2130706433:80", "localhost:80", "a.localhost:80", "rebind.example:80", &at_parent]
    {
        let answer = school.pupil().get(&format!("http://{to}/")).await;
        assert_eq!((answer.reply.status, answer.reply.field("proxy-status").as_deref()), (403, Some("usher; error=destination_ip_prohibited")), "{to}");
        assert_eq!(school.pupil().connect(to).await.reply.status, 403, "{to}");
        assert_eq!(answer.record().verdict, "allowed");
    }
    assert_eq!(parent.visits(), 0);
    school.pupil().get("http://far.example/").await.is_from_the_site("hello");
    // Nor does an idle connection to the parent lead a pupil there.
    let school = behind(World::new().allow(&[]).upstream("direct = [\"127.0.0.0/8\"]"), parent.address).await;
    school.pupil().get("http://far.example/").await.is_from_the_site("hello");
    assert_eq!(school.pupil().get(&format!("http://{at_parent}/")).await.reply.status, 403);
}

#[tokio::test]
async fn a_school_whose_parent_is_itself_goes_nowhere() {
    let files = World::new().proxy("workers = 1").write();
    let port = nobody().port();
    files.edit("usher.toml", "listen = [\"127.0.0.1:0\"]\nworkers = 1\n", &format!("listen = [\"127.0.0.1:{port}\"]\n"));
    files.edit("usher.toml", "[upstream]\n", &format!("[upstream]\naddress = \"127.0.0.1:{port}\"\n"));
    let school = School::open(files).await;
    let answer = school.pupil().get("http://far.example/").await;
    assert!(answer.reply.status == 502 && answer.reply.text().contains("is Usher itself"), "{:?}", answer.reply);
    // And one behind another that is behind the first: the way it has come shows.
    let (one, two) = (nobody(), nobody());
    let open = |own: SocketAddr, parent: SocketAddr| {
        let files = World::new().parent(parent).write();
        files.edit("usher.toml", "listen = [\"127.0.0.1:0\"]", &format!("listen = [\"{own}\"]"));
        School::open(files)
    };
    let (first, second) = (open(one, two).await, open(two, one).await);
    let answer = soon("an answer", first.pupil().get("http://far.example/")).await;
    assert_eq!(answer.reply.status, 508, "{:?}", answer.reply);
    drop(second);
}

#[tokio::test]
async fn what_is_the_schools_own_goes_past_the_parent() {
    let (parent, own) = (Origin::saying("from the parent").await, Origin::saying("our own").await);
    let world = World::new().named("intranet.school.example", "127.0.0.1").named("library.example", "127.0.0.2").named("mixed.example", "127.0.0.1");
    let world = world.upstream("direct = [\"*.school.example\", \"127.0.0.1/32\"]");
    let school = behind(world, parent.address).await;
    for (host, past) in [("intranet.school.example", true), ("127.0.0.1", true), ("mixed.example", true), ("library.example", false), ("far.example", false)] {
        let url = format!("http://{host}:{}/", own.address.port());
        school.pupil().get(&url).await.is_from_the_site(if past { "our own" } else { "from the parent" });
    }
    assert!(own.seen().iter().all(|request| request.starts_with("GET / HTTP/1.1\r\n") && !request.contains("proxy-authorization")), "{:?}", own.seen());
    let far = Origin::echoing().await;
    let mut wire = Wire::connect(IpAddr::from([127, 0, 7, 1]), school.address).await;
    wire.send(format!("CONNECT intranet.school.example:{0} HTTP/1.1\r\nHost: x\r\n\r\nhi", far.address.port())).await;
    assert_eq!((wire.head_only().await.status, wire.take(2).await), (200, b"hi".to_vec()));
    assert_eq!(parent.visits(), 1);
}

/// Asks a parent for these pages; every other page of `control` must load.
async fn ask(parent: SocketAddr, password: Option<&str>, test: &[String], control: &[String], roots: &Roots) -> Checked {
    let credentials = password.map(|password| Credentials { user: "school".into(), password: password.into() });
    let upstream = Upstream { host: Host::from(parent.ip()), port: parent.port(), credentials };
    let read = |pages: &[String]| pages.iter().map(|page| Web::parse(page).expect("an address")).collect();
    let pages = Pages { test: read(test), control: read(control), block_words: vec!["This page is blocked".into()] };
    soon("a check", check(&upstream, &pages, roots, "2026-11-25T06:00:00Z".parse().expect("a time"))).await
}

fn verdicts(checked: &Checked) -> Vec<&'static str> {
    let word = |verdict: &Verdict| match verdict {
        Verdict::Blocked { .. } => "blocked",
        Verdict::Open => "open",
        Verdict::Unclear { .. } => "unclear",
    };
    checked.findings.iter().map(|finding| word(&finding.verdict)).collect()
}

#[tokio::test]
async fn whether_the_parent_blocks_what_it_must_is_found_out() {
    let authority = Authority::new("ours");
    let secure = SecureSite::saying("secure", &authority, &["news.example", "games.example"], Good::Now).await;
    let plain = Origin::saying("plain").await;
    let [http, https] = [plain.address.port(), secure.address.port()];
    let control = [format!("http://news.example:{http}/"), format!("https://news.example:{https}/")];
    let blocked = [format!("http://games.example:{http}/"), format!("https://games.example:{https}/")];
    let open = [format!("http://chat.example:{http}/"), format!("https://news.example:{https}/test")];
    let parent = World::new().start().await;
    let roots = authority.roots();
    let zone = jiff::tz::TimeZone::UTC;

    let checked = ask(parent.address, None, &blocked, &control, &roots).await;
    assert_eq!(
        (verdicts(&checked), checked.standing(), checked.line(&zone).as_str()),
        (vec!["blocked", "blocked"], Standing::Verified, "parent verified 06:00")
    );
    assert_eq!(checked.parent, parent.address.to_string());
    // A parent that lets them through.
    let lax = World::new()
        .policy("[[rule]]\nname = \"open\"\nwhen = { host = [\"example\"] }\nthen = \"allow\"\nreason = \"A test.\"\nreview = 2027-01-10\n")
        .start()
        .await;
    for (test, standing, seen) in [(&open, Standing::Open, ["open", "open"]), (&blocked, Standing::Open, ["open", "open"])] {
        let checked = ask(lax.address, None, test, &control, &roots).await;
        assert_eq!((verdicts(&checked), checked.standing()), (seen.to_vec(), standing), "{checked:?}");
        assert!(checked.line(&zone).contains("does NOT block"));
    }
    // The right page, but its control does not load: nothing can be told.
    let broken = [format!("http://news.example:{}/", nobody().port()), format!("https://news.example:{}/", nobody().port())];
    let checked = ask(parent.address, None, &blocked, &broken, &roots).await;
    assert_eq!((verdicts(&checked), checked.standing()), (vec!["unclear", "unclear"], Standing::Unclear), "{checked:?}");
    // A page that is not there is not a page that is blocked.
    let checked = ask(parent.address, None, &broken, &control, &roots).await;
    assert_eq!(verdicts(&checked), ["unclear", "unclear"], "{checked:?}");
    let checked = ask(nobody(), None, &blocked, &control, &roots).await;
    assert_eq!(verdicts(&checked), ["unclear", "unclear"], "{checked:?}");
    assert!(checked.line(&zone).contains("cannot be reached"), "{}", checked.line(&zone));
    // A parent that wants a password has not blocked anything.
    let strict = strict_parent().await;
    for password in [None, Some("wrong")] {
        let checked = ask(strict.address, password, &blocked, &control, &roots).await;
        assert_eq!(verdicts(&checked), ["unclear", "unclear"], "{checked:?}");
        assert!(checked.line(&zone).contains("`password_file`"), "{}", checked.line(&zone));
    }
    let checked = ask(strict.address, Some("right"), &blocked, &control, &roots).await;
    assert_eq!(checked.standing(), Standing::Verified, "{checked:?}");
}

#[tokio::test]
async fn a_block_page_shown_as_the_sites_own_is_known_by_its_words() {
    let parent = Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            let test = request.starts_with("GET http://test.example/");
            visit.say(if test { "<h1>THIS PAGE is blocked</h1>" } else { "an example" }).await;
        }
    })
    .await;
    let control = ["http://control.example/".to_owned()];
    for (page, seen) in [("http://test.example/", "blocked"), ("http://other.example/", "open"), ("https://test.example/", "unclear")] {
        let checked = ask(parent.address, None, &[page.to_owned()], &control, &Roots::default()).await;
        assert_eq!(verdicts(&checked), [seen], "{checked:?}");
    }
}

#[tokio::test]
async fn squid_is_a_parent_like_any_other() {
    let Some(squid) = Squid::start(&["news.example", "games.example", "far.example"]) else { return skipped("squid") };
    let (plain, far) = (Origin::saying("hello").await, Origin::echoing().await);
    let school = behind(World::new(), squid.address).await;
    for path in ["/one", "/two"] {
        school.pupil().get(&format!("http://far.example:{}{path}", plain.address.port())).await.is_from_the_site("hello");
    }
    assert!(plain.seen().iter().all(|request| !request.to_lowercase().contains("proxy-authorization")), "{:?}", plain.seen());
    let mut wire = school.wire().await;
    wire.send(format!("CONNECT far.example:{0} HTTP/1.1\r\nHost: far.example\r\n\r\nhi", far.address.port())).await;
    assert_eq!((wire.head_only().await.status, wire.take(2).await), (200, b"hi".to_vec()));
    let blocked = school.teacher().connect("games.example:443").await;
    assert!(blocked.reply.status == 403 && blocked.reply.text().contains("refuses the way to games.example"), "{:?}", blocked.reply);
    assert_eq!(school.teacher().get("http://games.example/").await.reply.status, 403);
    let page = |host: &str| [format!("http://{host}.example:{}/", plain.address.port())];
    for (password, test, seen) in
        [(Some("right"), "games", "blocked"), (Some("right"), "far", "open"), (Some("wrong"), "games", "unclear"), (None, "games", "unclear")]
    {
        let checked = ask(squid.address, password, &page(test), &page("news"), &Roots::default()).await;
        assert_eq!(verdicts(&checked), [seen], "{password:?} {checked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_school_checks_its_parent_and_says_plainly_what_it_found() {
    let plain = Origin::saying("plain").await;
    let port = plain.address.port();
    // The parent blocks games for whoever comes from year 7, and is told as who the school comes by its address.
    let parent = World::new()
        .policy("[[rule]]\nname = \"the law\"\nwhen = { host = \"games.example\" }\nthen = \"block\"\nreason = \"x\"\nreview = 2099-01-01")
        .start()
        .await;
    for (page, standing, word, code) in [("games.example", "parent verified", "green", 0), ("news.example", "parent does NOT block", "red", 1)] {
        let test = format!("test_pages = [\"http://{page}:{port}/test\"]\ncontrol_pages = [\"http://news.example:{port}/\"]");
        let world = World::new().parent(parent.address).upstream(&test);
        let mut usher = tokio::task::block_in_place(|| world.serve());
        tokio::task::block_in_place(|| {
            assert!(usher.says("illegal-content lists").contains(standing));
            let status = usher.files.usher(&["lists", "status", "--json"]).json().remove(0);
            assert_eq!(status["illegal"]["light"], word, "{status}");
            let said = usher.files.usher(&["parent", "status"]);
            assert_eq!(said.code, Some(code), "{said:?}");
            assert!(said.out.contains(standing) && said.out.contains(page), "{said:?}");
            let events = usher.files.usher(&["log", "events", "--json"]).json();
            let severity = if code == 0 { "info" } else { "critical" };
            assert!(events.iter().any(|event| event["kind"] == "parent-proxy" && event["severity"] == severity), "{events:?}");
        });
    }
    let files = World::new().write();
    let said = files.usher(&["parent", "check"]);
    assert!(said.code == Some(2) && said.err.contains("there is no parent proxy"), "{said:?}");
}
