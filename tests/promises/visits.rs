//! Visits, not lines: each record says what it is, what set it off, and which visit it hangs from.

use crate::kit::{Origin, School, World};
use usher::audit::query::Row;

const PAGE: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-User: ?1\r\n";
const PICTURE: &str = "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\nSec-Fetch-Site: same-origin\r\n";
const OLD: &str = "User-Agent: Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko\r\n";

/// Class, kind, start and certainty.
fn meant(row: &Row) -> String {
    [row.class.as_str(), &row.kind, &row.start, &row.certainty].join(" ")
}

async fn ask(school: &School, from: [u8; 4], request: String) {
    let mut wire = crate::kit::Wire::connect(from.into(), school.address).await;
    wire.send(request).await;
    wire.reply().await;
}

const PUPIL: [u8; 4] = [127, 0, 7, 1];

#[tokio::test]
async fn parts_of_a_page_hang_from_the_visit_that_caused_them() {
    let (origin, school) = (Origin::saying("hello").await, World::new().start().await);
    let from = |path: &str| format!("Referer: {}\r\n", origin.url(path));
    for (path, fields) in [
        ("/one", format!("{PAGE}Sec-Fetch-Site: none\r\n")),
        ("/two", format!("{PAGE}Sec-Fetch-Site: same-origin\r\n{}", from("/one"))),
        ("/one.png", PICTURE.to_owned() + &from("/one")),
        ("/two.png", PICTURE.to_owned() + &from("/two")),
        ("/frame", format!("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n{}", from("/two"))),
        ("/old", format!("{OLD}Accept: text/html\r\n")),
        ("/old.png", format!("{OLD}Accept: image/png\r\n{}", from("/old"))),
        ("/update", "User-Agent: Updater/7\r\n".to_owned()),
    ] {
        ask(&school, PUPIL, origin.request("GET", path, &fields)).await;
        school.closed(path).await;
    }
    let rows = school.rows();
    let row = |path: &str| rows.iter().find(|row| row.path == path).expect("on record");
    for (path, expected, cause) in [
        ("/one", "visit visit typed said", None),
        ("/two", "visit visit clicked said", Some("/one")),
        ("/one.png", "resource resource loaded said", Some("/one")),
        ("/two.png", "resource resource loaded said", Some("/two")),
        ("/frame", "resource resource loaded said", Some("/two")),
        ("/old", "visit visit typed inferred", None),
        ("/old.png", "resource resource loaded inferred", Some("/old")),
        ("/update", "resource background background inferred", None),
    ] {
        assert_eq!((meant(row(path)).as_str(), row(path).cause.as_ref()), (expected, cause.map(|cause| &row(cause).id)), "{path}");
    }
}

#[tokio::test]
async fn a_redirect_goes_on_as_the_same_visit() {
    let origin = Origin::answering("HTTP/1.1 302 Found\r\nLocation: there?x=1\r\nContent-Length: 0\r\n\r\n").await;
    let school = World::new().start().await;
    let fields = format!("{PAGE}Sec-Fetch-Site: none\r\n");
    for path in ["/here", "/there?x=1"] {
        ask(&school, PUPIL, origin.request("GET", path, &fields)).await;
        school.closed(path).await;
    }
    let here = school.closed("/here").await;
    assert_eq!(school.closed("/there?x=1").await.cause, Some(here.id));
}

#[tokio::test]
async fn searches_are_on_record_in_words_whether_let_through_or_not() {
    let origin = Origin::saying("results").await;
    let school = World::new().named("www.google.co.uk", "127.0.0.1").start().await;
    let site = format!("www.google.co.uk:{}", origin.address.port());
    for (path, stage) in [("/complete/search?q=volc", "typing"), ("/search?q=volcano+f%61cts", "asked")] {
        ask(&school, PUPIL, format!("GET http://{site}{path} HTTP/1.1\r\nHost: {site}\r\n{PAGE}\r\n")).await;
        let row = school.closed(path).await;
        assert_eq!((row.kind.as_str(), row.engine.as_deref(), row.stage.as_deref()), ("search", Some("google"), Some(stage)));
    }
    assert_eq!(school.closed("/search?q=volcano+f%61cts").await.term.as_deref(), Some("volcano facts"));
}

#[tokio::test]
async fn what_staff_do_and_what_was_not_let_through_are_classes_of_their_own() {
    let (origin, school) = (Origin::saying("hello").await, World::new().start().await);
    let fields = format!("{PAGE}Sec-Fetch-Site: none\r\n");
    ask(&school, [127, 0, 9, 1], origin.request("GET", "/staff", &fields)).await;
    assert_eq!(meant(&school.closed("/staff").await), "staff visit typed said");
    let blocked = format!("GET http://games.example/blocked HTTP/1.1\r\nHost: games.example\r\n{fields}\r\n");
    ask(&school, PUPIL, blocked).await;
    assert_eq!(meant(&school.closed("/blocked").await), "blocked visit typed said");
    // Nothing can hang from a page that nobody saw.
    ask(&school, PUPIL, origin.request("GET", "/later.png", &format!("{PICTURE}Referer: http://games.example/blocked\r\n"))).await;
    assert_eq!(school.closed("/later.png").await.cause, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_browser_s_visits_are_told_from_what_its_pages_drag_in() {
    let site = Origin::doing(|mut visit| async move {
        while let Some(request) = visit.request().await {
            let (kind, text) = match request.split(' ').nth(1).unwrap_or_default() {
                "/picture.svg" => ("image/svg+xml", r#"<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>"#),
                "/frame" => ("text/html", "<p>a page in a page"),
                _ => ("text/html", r#"<!doctype html><link rel="icon" href="data:,"><h1>page</h1><img src="/picture.svg"><iframe src="/frame"></iframe>"#),
            };
            visit.send(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{text}", text.len())).await;
        }
    })
    .await;
    // Over plain http to a name, Chromium does not say what a request is; to this machine, it does.
    for (host, certainty) in [("news.example", "inferred"), ("127.0.0.1", "said")] {
        let school = World::new().start().await;
        let Some(mut browser) = crate::kit::Browser::behind(school.address) else { return crate::kit::skipped("Chromium") };
        browser.go(&format!("http://{host}:{}/page", site.address.port())).expect("a page");
        for path in ["/page", "/picture.svg", "/frame"] {
            school.closed(path).await;
        }
        let (page, picture, frame) = (school.closed("/page").await, school.closed("/picture.svg").await, school.closed("/frame").await);
        assert_eq!(meant(&page), format!("visit visit typed {certainty}"), "{host}");
        for part in [picture, frame] {
            assert_eq!((meant(&part), part.cause), (format!("resource resource loaded {certainty}"), Some(page.id.clone())), "{host}{}", part.path);
        }
    }
}
