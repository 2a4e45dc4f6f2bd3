//! Promise: a page within a page is judged as what it shows, and a link by where it leads, over http and over https that is looked into.

use crate::kit::device::Device;
use crate::kit::secure::{Authority, Good, SecureSite};
use crate::kit::{Origin, Program, World};
use std::sync::Arc;

/// Hosts that show or lead to others, all on this machine.
const SHELLS: [&str; 6] =
    ["web.archive.org", "games-example.translate.goog", "news-example.translate.goog", "terror-example.translate.goog", "www.google.com", "short.example"];

fn world() -> World {
    // Google's plain pages are led to its safe addresses.
    let safe = World::new().named("forcesafesearch.google.com", "127.0.0.1");
    SHELLS.into_iter().fold(safe, |world, host| world.named(host, "127.0.0.1"))
}

#[tokio::test]
async fn a_page_over_http_is_judged_as_what_it_shows() {
    let (origin, school) = (Origin::saying("the page").await, world().start().await);
    let port = origin.address.port();
    for (host, path, status, verdict, reason, why) in [
        (
            "web.archive.org",
            "/web/2024/https://games.example/play",
            403,
            "blocked",
            "republished",
            "The Wayback Machine shows games.example/play. Games is blocked for year-7.",
        ),
        ("web.archive.org", "/web/2024/https://news.example/today", 200, "allowed", "republished", "The Wayback Machine shows news.example."),
        ("web.archive.org", "/", 200, "allowed", "unlisted", "No rule and no blocked category applies."),
        (
            "games-example.translate.goog",
            "/play?_x_tr_sl=fr&_x_tr_tl=en",
            403,
            "blocked",
            "republished",
            "Google Translate shows games.example/play. Games is blocked for year-7.",
        ),
        ("news-example.translate.goog", "/?_x_tr_sl=fr", 200, "allowed", "republished", "Google Translate shows news.example."),
        (
            "www-bing-com.translate.goog",
            "/search?q=x&adlt=off",
            403,
            "blocked",
            "republished",
            "SafeSearch cannot be made to hold for Bing where another site shows it, so it is blocked.",
        ),
        ("terror-example.translate.goog", "/x", 403, "blocked", "always-blocked", "Terrorism is blocked for everyone, always."),
        ("www.google.com", "/url?sa=t&url=https%3A%2F%2Fgames.example%2Fplay", 403, "blocked", "republished", "Google's link leads to games.example/play."),
        ("www.google.com", "/url?sa=t&url=https%3A%2F%2Fnews.example%2F", 200, "allowed", "republished", "Google's link leads to news.example."),
        ("www.google.com", "/search?q=games", 200, "allowed", "unlisted", "No rule"),
    ] {
        let answer = school.pupil().get(&format!("http://{host}:{port}{path}")).await;
        assert_eq!(answer.reply.status, status, "{host}{path}");
        let row = school.closed(path).await;
        assert_eq!((row.verdict.as_str(), row.reason.as_str()), (verdict, reason), "{host}{path}");
        assert!(row.why.contains(why), "{host}{path}: {}", row.why);
        assert_eq!(row.categories.iter().any(|id| id == "games"), row.why.contains("games.example"), "{host}{path}: {:?}", row.categories);
    }
    assert_eq!(origin.seen().len(), 5);
}

#[tokio::test]
async fn a_warning_is_gone_past_for_the_page_that_is_shown_and_for_no_other() {
    let (origin, school) = (Origin::saying("the page").await, world().listed("streaming", "other-video.example").start().await);
    let url = |page: &str| format!("http://web.archive.org:{}/web/2024/https://{page}", origin.address.port());
    let warned = school.pupil().with("Accept", "text/html").get(&url("video.example/one")).await;
    let text = warned.is_warned().reply.text();
    let token = text.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
    assert_eq!(school.pupil().post("http://usher.internal/continue", &format!("token={token}")).await.reply.status, 303);
    assert_eq!(school.pupil().get(&url("video.example/two")).await.reply.status, 200);
    assert_eq!(school.pupil().get(&url("other-video.example/")).await.reply.status, 403, "that was not read about");
    assert_eq!(school.pupil().get(&url("games.example/")).await.reply.status, 403);
}

#[tokio::test]
async fn who_was_let_on_to_one_site_is_not_let_on_to_another_that_names_it() {
    let (origin, school) = (Origin::saying("the page").await, world().listed("streaming", "web.archive.org").start().await);
    let port = origin.address.port();
    let (video, archive) = (format!("http://video.example:{port}/"), format!("http://web.archive.org:{port}/web/2024/https://video.example/one"));
    let go_on = async |url: &str| {
        let warned = school.pupil().with("Accept", "text/html").get(url).await;
        let text = warned.is_warned().reply.text();
        let token = text.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token").to_owned();
        let on = school.pupil().post("http://usher.internal/continue", &format!("token={token}")).await;
        assert_eq!((on.reply.status, on.reply.field("location").as_deref()), (303, Some(url)));
        text.clone()
    };
    go_on(&video).await;
    assert_eq!(school.pupil().get(&video).await.reply.status, 200);
    assert_eq!(school.pupil().get(&archive).await.reply.status, 403, "the archive has a warning of its own");
    assert!(!go_on(&archive).await.contains("The Wayback Machine shows"), "which is of the archive");
    assert_eq!(school.pupil().get(&archive).await.reply.status, 200, "both were gone past");
    assert_eq!(origin.seen().len(), 2);
}

#[tokio::test]
async fn of_a_tunnel_that_stays_sealed_the_name_says_what_is_shown() {
    let (origin, school) = (Origin::echoing().await, world().start().await);
    let port = origin.address.port();
    for (host, status, reason) in [
        ("games-example.translate.goog", 403, "republished"),
        ("terror-example.translate.goog", 403, "always-blocked"),
        ("news-example.translate.goog", 200, "republished"),
        ("web.archive.org", 200, "unlisted"),
    ] {
        assert_eq!(school.pupil().connect(&format!("{host}:{port}")).await.reply.status, status, "{host}");
        assert_eq!(school.rows()[0].reason, reason, "{host}");
    }
}

#[tokio::test]
async fn a_link_that_leads_to_what_is_blocked_is_not_followed_and_the_way_is_on_record() {
    let school = world().start().await;
    for (location, status) in [
        ("https://games.example/play?x=1", 403),
        ("//games.example/play", 403),
        ("https://games-example.translate.goog/play", 403),
        ("https://news.example/today", 302),
        ("/elsewhere", 302),
        ("https://video.example/", 302),
    ] {
        let origin = Origin::answering(&format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")).await;
        let path = format!("/{}", origin.address.port());
        let answer = school.pupil().with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document").with("Accept", "text/html");
        let answer = answer.get(&format!("http://short.example:{}{path}", origin.address.port())).await;
        assert_eq!(answer.reply.status, status, "{location}");
        let asked = school.closed(&path).await;
        let led: Vec<_> = school.rows().into_iter().filter(|row| row.cause.as_ref() == Some(&asked.id)).collect();
        if status == 302 {
            assert!(led.is_empty() && asked.note.is_none(), "{location}: {led:?}");
            continue;
        }
        assert_eq!(answer.reply.field("content-type").as_deref(), Some("text/html; charset=utf-8"), "{location}");
        assert!(answer.reply.text().contains("This page is blocked") && !answer.reply.field("location").is_some_and(|to| to.contains("games")), "{location}");
        assert_eq!((asked.verdict.as_str(), asked.outcome.as_deref()), ("allowed", Some("abandoned")), "{location}");
        assert!(asked.note.as_deref().is_some_and(|note| note.starts_with("not passed on: it leads to ")), "{location}: {asked:?}");
        let [led] = &led[..] else { panic!("{location}: {led:?}") };
        assert_eq!((led.verdict.as_str(), led.kind.as_str()), ("blocked", "visit"), "{location}");
        assert!(led.why.starts_with("Short.example leads to games") && led.why.contains("Games is blocked"), "{}", led.why);
    }
}

#[tokio::test]
async fn over_https_that_is_looked_into_each_page_is_judged_as_what_it_shows() {
    let believed = Authority::new("A public authority");
    let site = SecureSite::saying("the page", &believed, &SHELLS, Good::Now).await;
    let files = world().inspecting().tls("authorities = [\"public.pem\"]").write();
    files.put("public.pem", &believed.pem());
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let usher = Program::start(Arc::new(files));
    let device = Device::of(&usher.files, usher.address);
    let port = site.address.port();
    let mut archive = device.open(&format!("web.archive.org:{port}")).await;
    assert_eq!(archive.get("/web/2024/https://news.example/").await.0, 200);
    let (status, page) = archive.get("/web/2024id_/https://games.example/play").await;
    assert!(status == 403 && page.contains("The Wayback Machine shows games.example/play."), "{page}");
    let mut translated = device.open(&format!("games-example.translate.goog:{port}")).await;
    assert!(translated.get("/play?_x_tr_sl=fr").await.1.contains("Google Translate shows games.example/play."));
    // What is illegal is not connected to; its page is Usher's own.
    let mut illegal = device.open(&format!("terror-example.translate.goog:{port}")).await;
    let (status, page) = illegal.get("/").await;
    assert!(status == 403 && page.contains("Google Translate shows"), "{page}");
    assert_eq!(site.seen().len(), 1);
}

#[test]
fn check_says_what_is_shown_and_where_that_is_listed() {
    let files = world().write();
    for (url, code, words) in [
        ("http://web.archive.org/web/2024/https://games.example/play", 1, "The Wayback Machine shows games.example/play. Games is blocked for year-7."),
        ("https://games-example.translate.goog/play", 1, "Google Translate shows games.example/."),
        ("http://news-example.translate.goog/", 0, "Google Translate shows news.example."),
    ] {
        let said = files.usher(&["check", url, "--group", "year-7"]);
        assert!(said.code == Some(code) && said.out.contains(words) && said.out.contains("  shows "), "{said:?}");
        assert_eq!(said.out.contains("  listed "), url.contains("games"), "{said:?}");
    }
    let said = files.usher(&["check", "http://web.archive.org/web/2024/https://games.example/play", "--group", "year-7", "--json"]);
    let found = &said.json()[0];
    assert_eq!((found["shows"][0]["url"].as_str(), found["categories"][0].as_str()), (Some("games.example/play"), Some("games")), "{found}");
}
