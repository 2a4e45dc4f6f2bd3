//! Promise: a way round the filter that stands in a request's head, its address or its answer's head is found out, over http and over https that is looked
//! into: what is nearly certain is refused and on record by its name, what scores passes and is remarked, what a group allows is left alone; and what is
//! really meant is named, and judged by the group's rules.

use crate::kit::h2::{BOTH, H1, Site, Talk2, Told, believed, device, recorded, school};
use crate::kit::{Origin, School, World};
use crate::sockets::{Over, open};
use http::Response;
use usher::audit::query::Row;
use usher::audit::remark::Remark;
use usher::bypass::Code;

/// The ways round that are remarked in a record.
pub fn remarked(row: &Row) -> Vec<(Code, u8, Option<String>)> {
    let way = |text: &String| match Remark::split(&format!("{text} ")).0.first()? {
        Remark::Way { code, points, target } => Some((*code, *points, target.as_deref().map(str::to_owned))),
        Remark::Words { .. } => None,
    };
    row.remarks.iter().filter_map(way).collect()
}

/// An address in base64.
fn coded(url: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(url)
}

const QUESTION: &str = "/resolve?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB";
/// What a bare server is to send on.
const SENT: &str = r#"{"accept":"*/*","user-agent":"Mozilla/5.0"}"#;
const DOCUMENT: (&str, &str) = ("sec-fetch-dest", "document");

/// What somebody asks for with which fields, what is found with how many points, and what it leads to.
type Taken = (String, Vec<(&'static str, &'static str)>, Code, u8, Option<&'static str>);

fn ways() -> Vec<Taken> {
    let session = "0123456789abcdef0123456789abcdef";
    vec![
        ("/v3/".into(), vec![("x-bare-url", "https://shop.example/today")], Code::Bare, 20, Some("shop.example")),
        ("/v1/".into(), vec![("x-bare-host", "shop.example"), ("x-bare-port", "8080"), ("x-bare-path", "/a")], Code::Bare, 20, Some("shop.example:8080")),
        ("/v2/".into(), vec![("x-bare-headers-0", ";{}")], Code::Bare, 20, None),
        ("/f/".into(), vec![("x-a-url", "https://shop.example/today"), ("x-a-sent", SENT)], Code::Bare, 8, Some("shop.example")),
        ("/lookup".into(), vec![("accept", "application/dns-message")], Code::Doh, 20, None),
        ("/json".into(), vec![("accept", "text/html, Application/DNS-JSON;q=0.5")], Code::Doh, 20, None),
        (QUESTION.into(), vec![], Code::Doh, 20, None),
        ("/dns-query".into(), vec![], Code::Doh, 4, None),
        (format!("/a/{}", coded("https://shop.example/x")), vec![DOCUMENT], Code::Encoded, 4, Some("shop.example")),
        ("/go/x%2Felpmaxe.pohs%2F%2F%3Asptth".into(), vec![DOCUMENT], Code::Encoded, 4, Some("shop.example")),
        ("/service/hvtrs8%2F-sjor.gxcmrlg%2Fz".into(), vec![DOCUMENT], Code::Encoded, 4, Some("shop.example")),
        ("/x/68747470733a2f2f73686f702e6578616d706c652f".into(), vec![("sec-fetch-dest", "iframe")], Code::Encoded, 4, Some("shop.example")),
        ("/uv/uv.bundle.js".into(), vec![("sec-fetch-dest", "script")], Code::KitPath, 4, None),
        (format!("/?__cpo={}", coded("https://shop.example")), vec![], Code::Croxy, 8, Some("shop.example")),
        (format!("/{session}/https://shop.example/x?y=1"), vec![], Code::Rammerhead, 8, Some("shop.example")),
    ]
}

#[tokio::test]
async fn each_is_met_by_how_certain_it_is_over_https() {
    let believed = believed();
    let usher = school(&believed, |world| world);
    let device = device(&usher);
    for protocols in [BOTH, H1] {
        let site = Site::of_pages(&believed, protocols).await;
        for (number, (path, fields, code, points, target)) in ways().into_iter().enumerate() {
            let path = if path.contains('?') { format!("{path}&n={number}") } else { format!("{path}?n={number}") };
            let (status, page) = if protocols.contains(&&b"h2"[..]) {
                let mut talk = Talk2::open(&device, &site.authority()).await;
                let request = fields.iter().fold(talk.request("GET", &path), |request, (name, value)| request.header(*name, *value));
                let (head, body) = talk.send(request.body(Told::nothing()).expect("a request")).await.expect("an answer").into_parts();
                (head.status, crate::kit::h2::text(body).await)
            } else {
                let (head, body) = device.open(&site.authority()).await.ask_with("GET", &path, &fields).await.into_parts();
                (head.status, body)
            };
            let at = |row: &Row| row.port == site.address.port() && row.outcome.is_some();
            let row = recorded(&usher, &path, at).await;
            if points == 20 {
                let page = page.replace("&#39;", "'").replace("&apos;", "'");
                assert!(status == 403 && page.contains("This page is blocked") && page.contains(code.words()), "{path}: {status} {page}");
                assert!(!page.contains("Seen: "), "what gave it away is for the record: {page}");
                assert_eq!((row.verdict.as_str(), row.reason.as_str(), row.class.as_str()), ("blocked", code.as_str(), "blocked"), "{path}");
                assert_eq!(row.why.contains("Really meant: "), target.is_some(), "{path}: {}", row.why);
                assert!(target.is_none_or(|target| row.why.contains(target)), "{path}: {}", row.why);
            } else {
                assert_eq!(status, 200, "{path}: {page}");
                assert_eq!(row.verdict, "allowed", "{path}");
                assert_eq!(remarked(&row), [(code, points, target.map(str::to_owned))], "{path}: {:?}", row.remarks);
            }
        }
        let scoring = ways().into_iter().filter(|(.., points, _)| *points < 20).count();
        assert_eq!(site.seen().len(), scoring, "the site is asked for nothing that is refused");
    }
}

/// Asks for a page of a site on http.
async fn ask(school: &School, origin: &Origin, group: [u8; 4], path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let person = fields.iter().fold(school.person(group), |person, (name, value)| person.with(name, value));
    let answer = person.get(&origin.url(path)).await;
    (answer.reply.status, answer.reply.text())
}

const PUPIL: [u8; 4] = [127, 0, 7, 1];
const STAFF: [u8; 4] = [127, 0, 9, 1];

#[tokio::test]
async fn what_is_meant_is_judged_as_though_it_were_asked_for() {
    let lax = "ways = { near = \"note\", allow = [\"croxy\"] }\nmembers =";
    let (origin, school) = (Origin::saying("the page").await, World::new().edited("members =", lax).start().await);
    let bare = |url: &'static str| ("/v3/".to_owned(), vec![("x-bare-url", url)], Code::Bare);
    let encoded = |url: &str| (format!("/a/{}", coded(url)), vec![DOCUMENT], Code::Encoded);
    let croxy = |url: &str| (format!("/?__cpo={}", coded(url)), vec![], Code::Croxy);
    for (number, (group, (path, fields, code), status, verdict, reason, why)) in [
        (PUPIL, bare("https://shop.example/"), 200, "allowed", "unlisted", "No rule"),
        (
            PUPIL,
            bare("https://games.example/play"),
            403,
            "blocked",
            "bare",
            "Really meant: games.example. Seen: the field x-bare-url. Nearly certain. Games is",
        ),
        (PUPIL, encoded("https://games.example/play"), 403, "blocked", "encoded", "A sign, no proof. Games is blocked for year-7."),
        (PUPIL, encoded("https://video.example/"), 403, "warned", "encoded", "Streaming comes with a warning for year-7."),
        (PUPIL, encoded("https://shop.example/"), 200, "allowed", "unlisted", "No rule"),
        // What is left alone is left alone wherever it leads, but to what nobody may see.
        (PUPIL, croxy("https://games.example/"), 200, "allowed", "unlisted", "No rule"),
        (STAFF, croxy("https://terror.example/"), 403, "blocked", "always-blocked", "Terrorism is blocked for everyone, always."),
        (STAFF, bare("https://terror.example/x"), 403, "blocked", "always-blocked", "Really meant: terror.example."),
        (STAFF, bare("https://games.example/"), 200, "allowed", "unlisted", "No rule"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{path}{}n={number}", if path.contains('?') { "&" } else { "?" });
        assert_eq!(ask(&school, &origin, group, &path, &fields).await.0, status, "{number}");
        let row = school.closed(&path).await;
        assert_eq!((row.verdict.as_str(), row.reason.as_str()), (verdict, reason), "{number}: {}", row.why);
        assert!(row.why.contains(why), "{number}: {}", row.why);
        let categories = row.categories.join(" ");
        let expected = [("games", "games.example"), ("streaming", "video.example"), ("terrorism", "terror.example")];
        let meant = expected.into_iter().find(|(_, host)| row.why.contains(host)).map_or("", |(id, _)| id);
        assert_eq!(categories, meant, "{number}: who looks for what was meant finds it");
        let is_said = status == 200 && code != Code::Croxy;
        assert_eq!(remarked(&row).len(), usize::from(is_said), "{number}: {:?}", row.remarks);
    }
    assert_eq!(origin.seen().len(), 4, "nothing that is refused is asked for");
}

#[tokio::test]
async fn two_forms_of_one_web_proxy_at_one_site_are_nearly_certain() {
    let page = format!("/{}/https://shop.example/x", "0123456789abcdef0123456789abcdef");
    let (origin, school) = (Origin::saying("the page").await, World::new().start().await);
    let other = Origin::saying("another").await;
    for (number, (origin, last, path, minutes, is_blocked)) in [
        (&origin, 1, page.as_str(), 0, false),
        (&origin, 1, &page, 0, false),
        // Another device's, at another site, and too late.
        (&origin, 2, "/mainport", 0, false),
        (&other, 1, "/mainport", 0, false),
        (&origin, 1, "/mainport", 2, false),
        (&origin, 1, &page, 1, true),
        (&origin, 1, &page, 30, true),
        (&origin, 3, "/newsession", 0, false),
        (&origin, 3, "/deletesession", 0, false),
        (&origin, 4, "/?__cpo=1", 0, false),
        (&origin, 4, "/x/__cpi.php", 0, true),
        (&origin, 5, "/assets/uv/uv.bundle.js", 0, false),
        (&origin, 5, "/assets/uv/uv.config.js", 0, true),
        (&origin, 6, "/epoxy/index.mjs", 0, false),
        (&origin, 6, "/bare/v3/", 0, false),
        (&origin, 6, "/dynamic/dynamic.config.js", 0, true),
    ]
    .into_iter()
    .enumerate()
    {
        school.after(minutes);
        // The name of the site is its address: another port is another site for nobody.
        let host = if std::ptr::eq(origin, &other) { "shop.example" } else { "news.example" };
        let path = format!("{path}{}n={number}", if path.contains('?') { "&" } else { "?" });
        let answer = school.person([127, 0, 7, last]).get(&format!("http://{host}:{}{path}", origin.address.port())).await;
        let row = school.closed(&path).await;
        assert_eq!((answer.reply.status, row.verdict.as_str()), if is_blocked { (403, "blocked") } else { (200, "allowed") }, "{number}: {row:?}");
        let is_certain = row.why.contains("and other addresses of its kind at this site. Nearly certain.");
        assert_eq!((is_certain, remarked(&row).len()), (is_blocked, usize::from(!is_blocked)), "{number}: {row:?}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_is_found_once_its_parts_are_asked_for_as_it_was() {
    let (origin, school) = (Origin::saying("the page").await, World::new().start().await);
    let (script, picture) = (("sec-fetch-dest", "script"), ("sec-fetch-dest", "image"));
    let relay = |target: &str| vec![(Code::Relay, 8, Some(target.to_owned()))];
    for (number, (last, dest, of, expected)) in [
        (1, DOCUMENT, "https://shop.example/", Ok(vec![])),
        (1, picture, "https://cdn.example/a.png", Ok(vec![])),
        (1, script, "https://cdn.example/a.js?v=2", Ok(relay("shop.example"))),
        // From then on pages are what they lead to.
        (1, DOCUMENT, "https://shop.example/more", Ok(relay("shop.example"))),
        (1, DOCUMENT, "https://games.example/", Err(("blocked", "Games is blocked for year-7."))),
        (1, DOCUMENT, "https://video.example/", Err(("warned", "Streaming comes with a warning for year-7."))),
        // Who only reads a page that names another is not known for anything.
        (2, DOCUMENT, "https://games.example/", Ok(vec![])),
        (2, picture, "https://games.example/a.png", Ok(vec![])),
        (2, DOCUMENT, "https://shop.example/", Ok(vec![])),
        // Of a page that is blocked no part comes.
        (3, DOCUMENT, "https://games.example/", Ok(vec![])),
        (3, script, "https://cdn.example/a.js", Err(("blocked", "Really meant: games.example."))),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/browse?n={number}&u={}", of.replace(':', "%3A").replace('/', "%2F").replace('?', "%3F"));
        let (status, _) = ask(&school, &origin, [127, 0, 7, last], &path, &[dest]).await;
        let row = school.closed(&path).await;
        match expected {
            Ok(remarks) => assert_eq!((status, row.verdict.as_str(), remarked(&row)), (200, "allowed", remarks), "{number}"),
            Err((verdict, why)) => {
                assert_eq!((status, row.verdict.as_str(), row.reason.as_str()), (403, verdict, "relay"), "{number}");
                assert!(row.why.contains(why), "{number}: {}", row.why);
            }
        }
    }
}

#[tokio::test]
async fn a_group_says_what_is_done_and_who_is_in_none_meets_the_strictest() {
    let world = World::new().edited("block = [\"adult\"]", "ways = { allow = [\"bare\", \"doh\", \"encoded\"] }\nblock = [\"adult\"]");
    let world = world.edited("block = [\"games\"", "ways = { scores = \"block\" }\nblock = [\"games\"");
    let (origin, school) = (Origin::saying("the page").await, world.start().await);
    for (number, (path, fields, code, points, _)) in ways().into_iter().enumerate() {
        for (group, name) in [(PUPIL, "pupil"), ([127, 0, 99, 1], "stranger"), (STAFF, "staff")] {
            let path = format!("{path}{}who={name}{number}", if path.contains('?') { "&" } else { "?" });
            let (status, _) = ask(&school, &origin, group, &path, &fields).await;
            let row = school.closed(&path).await;
            let is_left = name == "staff" && matches!(code, Code::Bare | Code::Doh | Code::Encoded);
            let expected = if name == "staff" && (is_left || points < 20) { (200, "allowed") } else { (403, "blocked") };
            assert_eq!((status, row.verdict.as_str()), expected, "{name} {path}");
            if is_left {
                assert_eq!(remarked(&row), [], "{name} {path}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_gives_a_web_proxy_away_does_not_reach_the_client() {
    let believed = believed();
    let usher = school(&believed, |world| world.edited("block = [\"adult\"]", "ways = { near = \"note\", allow = [\"doh\"] }\nblock = [\"adult\"]"));
    let (pupil, staff) = (device(&usher), device(&usher).at(STAFF));
    for (path, name, value, code) in [
        ("/relayed", "x-bare-status", "200", Code::Bare),
        ("/split", "x-bare-headers-1", ";}", Code::Bare),
        ("/names", "content-type", "application/dns-message", Code::Doh),
    ] {
        for protocols in [BOTH, H1] {
            let site = Site::doing(&believed, protocols, move |_, _| async move {
                let mut answer = Response::new(Told::saying("a secret"));
                answer.headers_mut().insert(name, value.parse().expect("a value"));
                answer
            })
            .await;
            let of = |verdict: &'static str| move |row: &Row| row.port == site.address.port() && row.verdict == verdict && row.outcome.is_some();
            let answer = pupil.open(&site.authority()).await.ask_with("GET", path, &[]).await;
            assert!(answer.status() == 403 && !answer.body().contains("a secret"), "{answer:?}");
            assert!(answer.headers().get(name).is_none_or(|shown| shown != value), "{answer:?}");
            let blocked = recorded(&usher, path, of("blocked")).await;
            assert_eq!(blocked.reason, code.as_str());
            let first = recorded(&usher, path, of("allowed")).await;
            assert_eq!(first.outcome.as_deref(), Some("withheld"), "{first:?}");
            // Who may, sees it; and it is said, where it is not left alone.
            let path = format!("{path}?staff");
            let answer = staff.open(&site.authority()).await.ask_with("GET", &path, &[]).await;
            assert_eq!((answer.status().as_u16(), answer.body().as_str()), (200, "a secret"));
            let said = remarked(&recorded(&usher, &path, of("allowed")).await);
            assert_eq!(said, if code == Code::Doh { vec![] } else { vec![(code, 20, None)] });
        }
    }
}

#[tokio::test]
async fn what_was_said_of_the_request_is_not_said_again_of_its_answer() {
    let world = World::new().edited("members =", "ways = { near = \"note\" }\nmembers =");
    let (origin, school) = (Origin::giving("X-Bare-Status: 200\r\n", "the page").await, world.start().await);
    assert_eq!(ask(&school, &origin, PUPIL, "/v3/", &[("x-bare-url", "https://shop.example/")]).await.0, 200);
    assert_eq!(remarked(&school.closed("/v3/").await), [(Code::Bare, 20, Some("shop.example".to_owned()))]);
}

#[tokio::test]
async fn a_program_on_free_hosting_is_remarked_by_each_name() {
    let hosts = ["maths.pages.example", "known.pages.example", "pages.example"];
    let world = hosts
        .into_iter()
        .fold(World::new().listed("web-hosting", "pages.example").listed("help", "known.pages.example"), |world, host| world.named(host, "127.0.0.1"));
    let (origin, school) = (Origin::giving("Content-Type: application/wasm\r\n", "\0asm").await, world.start().await);
    for (host, is_unknown) in hosts.into_iter().zip([true, false, false]) {
        let path = format!("/{host}.wasm");
        assert_eq!(school.pupil().get(&format!("http://{host}:{}{path}", origin.address.port())).await.reply.status, 200);
        // That it is WebAssembly is remarked of all that no list knows: it counts nothing by itself.
        let expected = match (is_unknown, host) {
            (true, _) => vec![(Code::Triad, 0, None), (Code::FreeHost, 4, None)],
            (false, "pages.example") => vec![(Code::Triad, 0, None)],
            (false, _) => vec![],
        };
        assert_eq!(remarked(&school.closed(&path).await), expected, "{host}");
    }
}

#[tokio::test]
async fn what_is_found_of_a_websocket_is_on_record_while_it_lives() {
    let believed = believed();
    let usher = school(&believed, |world| world.listed("web-hosting", "news.example"));
    // The site's own name is the host's: a name below it is somebody's.
    let site = Site::bare(&believed, H1, |_, mut tls| async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let asked = crate::kit::h2::head(&mut tls).await.expect("a request");
        let key = asked.lines().find_map(|line| line.to_lowercase().starts_with("sec-websocket-key: ").then(|| line[19..].trim().to_owned())).expect("a key");
        let accept = crate::websockets::accept(&key);
        let head = format!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        tls.write_all(head.as_bytes()).await.expect("sent");
        tls.flush().await.expect("sent");
        let _ = tls.read_u8().await;
    })
    .await;
    let device = device(&usher);
    let path = format!("/?__cpo={}", coded("https://shop.example"));
    let socket = open(&device, &site.authority(), Over::Http1, &path, "").await;
    assert!(socket.answer.starts_with("HTTP/1.1 101"), "{}", socket.answer);
    let found = recorded(&usher, &path, |row| row.reason == "croxy").await;
    assert!(found.verdict == "allowed" && found.why.contains("Really meant: shop.example."), "{found:?}");
    assert!(usher.rows().iter().any(|row| row.path == path && row.reason != "croxy" && row.outcome.is_none()), "it lives");
    drop(socket);
}

#[tokio::test]
async fn a_tab_that_pretends_to_be_another_is_remarked() {
    let world = ["ssl.gstatic.com", "en.wikipedia.org"].into_iter().fold(World::new(), |world, host| world.named(host, "127.0.0.1"));
    let (origin, school) = (Origin::saying("the page").await, world.start().await);
    let port = origin.address.port();
    let icon = "/docs/doclist/images/drive_2022q3_32dp.png";
    for (referrer, expected) in [("http://news.example/", vec![(Code::Cloak, 2, None)]), ("https://drive.google.com/", vec![])] {
        let path = format!("{icon}?{}", referrer.len());
        school.pupil().with("Referer", referrer).get(&format!("http://ssl.gstatic.com:{port}{path}")).await;
        assert_eq!(remarked(&school.closed(&path).await), expected, "{referrer}");
    }
    // A frame that no page is named for, and the tab gone on without a click.
    let frame = async |path: &str| school.pupil().with("Sec-Fetch-Dest", "iframe").with("Sec-Fetch-Site", "same-origin").get(&origin.url(path)).await;
    let leap = async |path: &str, user: Option<&str>| {
        let person = school.pupil().with("Sec-Fetch-Dest", "document").with("Referer", "http://news.example/");
        let person = if let Some(user) = user { person.with("Sec-Fetch-User", user) } else { person };
        person.get(&format!("http://en.wikipedia.org:{port}{path}")).await
    };
    frame("/frame").await;
    leap("/clicked", Some("?1")).await;
    assert_eq!(remarked(&school.closed("/clicked").await), []);
    leap("/leapt", None).await;
    assert_eq!(remarked(&school.closed("/leapt").await), [(Code::Cloak, 2, None)]);
    leap("/again", None).await;
    assert_eq!(remarked(&school.closed("/again").await), []);
}

#[tokio::test]
async fn what_hides_on_free_hosting_is_found_as_on_any_site_that_no_list_knows() {
    let hosts = ["maths.pages.example", "known.pages.example", "en.wikipedia.org"];
    let world = World::new().listed("web-hosting", "pages.example").listed("help", "known.pages.example");
    let world = hosts.into_iter().fold(world, |world, host| world.named(host, "127.0.0.1"));
    let (origin, school) = (Origin::giving("Content-Type: image/png\r\n", "<!doctype html><p>no picture").await, world.start().await);
    let at = |host: &str, path: &str| format!("http://{host}:{}{path}", origin.address.port());
    for (host, is_found) in [("maths.pages.example", true), ("known.pages.example", false)] {
        let path = format!("/{host}/lie.png");
        assert_eq!(school.pupil().get(&at(host, &path)).await.reply.status, 200);
        assert_eq!(remarked(&school.closed(&path).await), if is_found { vec![(Code::TypeLie, 4, None)] } else { vec![] }, "{host}");
        // A frame that no page is named for, and the tab gone on without a click.
        let (frame, leap) = (format!("/{host}/frame"), format!("/{host}/leap"));
        school.pupil().with("Sec-Fetch-Dest", "iframe").with("Sec-Fetch-Site", "same-origin").get(&at(host, &frame)).await;
        let from = format!("http://{host}/");
        school.pupil().with("Sec-Fetch-Dest", "document").with("Referer", &from).get(&at("en.wikipedia.org", &leap)).await;
        // What wikipedia is made to answer here is a lie too.
        let found = remarked(&school.closed(&leap).await);
        assert_eq!(found.contains(&(Code::Cloak, 2, None)), is_found, "{host}: {found:?}");
    }
}
