//! What somebody is shown instead of the page they asked for.

use crate::kit::{Origin, World};

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

#[tokio::test]
async fn a_refusal_takes_the_form_that_was_asked_for() {
    let school = World::new().start().await;
    for (field, value, kind, begins) in [
        ("Accept", BROWSER, "text/html; charset=utf-8", "<!doctype html>"),
        ("Sec-Fetch-Dest", "document", "text/html; charset=utf-8", "<!doctype html>"),
        ("Sec-Fetch-Dest", "iframe", "text/html; charset=utf-8", "<!doctype html>"),
        ("Accept", "application/json", "application/json", "{\"kind\":\"blocked\""),
        ("Sec-Fetch-Dest", "empty", "application/json", "{\"kind\":\"blocked\""),
        ("Accept", "image/avif,image/webp,*/*", "image/gif", "GIF89a"),
        ("Sec-Fetch-Dest", "image", "image/gif", "GIF89a"),
        ("Sec-Fetch-Dest", "script", "text/javascript; charset=utf-8", ""),
        ("Sec-Fetch-Dest", "style", "text/css; charset=utf-8", ""),
        ("Accept", "text/css,*/*;q=0.1", "text/css; charset=utf-8", ""),
        ("Accept", "*/*", "text/plain; charset=utf-8", "This page is blocked\n"),
    ] {
        let answer = school.pupil().with(field, value).get("http://games.example/").await;
        answer.is_blocked_because("category");
        assert_eq!(answer.reply.field("content-type").as_deref(), Some(kind), "{field}: {value}");
        assert_eq!(answer.reply.field("cache-control").as_deref(), Some("no-store"));
        assert!(answer.reply.text().starts_with(begins) && (begins.is_empty() == answer.reply.body.is_empty()), "{field}: {value}");
    }
    let silent = school.pupil().with("Sec-Fetch-Dest", "video").get("http://games.example/").await;
    assert_eq!((silent.reply.field("content-type"), silent.reply.text().as_str()), (None, ""));
}

#[tokio::test]
async fn a_block_page_says_what_why_and_which_record() {
    let school = World::new().start().await;
    let answer = school.pupil().with("Accept", BROWSER).get("http://games.example/play\"'&").await;
    let row = answer.is_blocked_because("category").record();
    assert_eq!(row.entry.as_ref().map(|entry| (entry.list.as_str(), entry.line, entry.text.as_str())), Some(("school/games/domains", 1, "games.example")));
    assert_eq!((row.why.as_str(), row.path.as_str(), row.categories.join(" ").as_str()), ("Games is blocked for year-7.", "/play\"'&", "games"));
    let page = answer.reply.text();
    for words in
        ["<html lang=\"en-GB\">", "This page is blocked", "games.example/play", &row.why, "Games sites.", "Tell the library.", "Example School", &row.id]
    {
        assert!(page.contains(words), "{words} is not on the page");
    }
    assert!(!page.contains("play\"") && !page.contains("play&#34;'"), "what a site is called is not markup");
    assert!(!page.contains("Childline") && !page.contains("src="), "nothing is loaded");
}

#[tokio::test]
async fn a_head_request_is_refused_without_a_body() {
    let school = World::new().start().await;
    let answer = school.pupil().ask("HEAD", "http://games.example/", "").await;
    answer.is_blocked_because("category");
    assert!(answer.reply.field("content-length").is_some_and(|length| length != "0"));
}

#[tokio::test]
async fn a_pupil_in_distress_is_helped_and_not_scolded() {
    let school = World::new().start().await;
    for accept in [BROWSER, "*/*", "application/json"] {
        let answer = school.pupil().with("Accept", accept).get("http://hurt.example/").await;
        let page = answer.is_blocked_because("category").reply.text();
        for words in ["You are not alone", "Childline", "0800 1111", "Shout", "85258"] {
            assert!(page.contains(words), "{words} is not in {page}");
        }
        assert!(!page.contains("blocked") && !page.contains("Self-harm"), "{page}");
    }
}

#[tokio::test]
async fn a_refused_tunnel_carries_its_reference_and_few_words() {
    let school = World::new().start().await;
    for (host, reason) in [("games.example", "category"), ("terror.example", "always-blocked"), ("video.example", "no-page")] {
        let answer = school.pupil().connect(&format!("{host}:443")).await;
        let row = answer.is_blocked_because(reason).record();
        assert_eq!((row.method.as_str(), row.host.as_str(), row.port, row.path.as_str()), ("CONNECT", host, 443, ""));
        assert!(answer.reply.body.len() < 500, "{}", answer.reply.text());
        assert!(answer.reply.text().contains(&row.why), "{}", answer.reply.text());
        assert_eq!(answer.reply.field("connection").as_deref(), Some("close"));
    }
}

#[tokio::test]
async fn in_a_tunnel_a_warning_blocks_and_everybody_says_so_in_the_same_words() {
    let school = World::new().start().await;
    let answer = school.pupil().connect("video.example:443").await;
    let why = answer.is_blocked_because("no-page").record().why.clone();
    assert_eq!(why, "Streaming comes with a warning for year-7. No warning can be shown inside an encrypted connection, so it is blocked.");
    let said = school.files.usher(&["check", "https://video.example/", "--client", "127.0.7.1", "--json"]);
    let found = &said.json()[0];
    assert_eq!((said.code, found["verdict"].as_str(), found["reason"]["kind"].as_str()), (Some(1), Some("blocked"), Some("no-page")));
    assert_eq!(found["reason"]["text"].as_str(), Some(why.as_str()));
}

/// The token in a warning's page.
fn token(page: &str) -> String {
    let token = page.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    token.unwrap_or_else(|| panic!("there is a token in {page}")).to_owned()
}

const CONTINUE: &str = "http://usher.internal/continue";

#[tokio::test]
async fn past_a_warning_somebody_goes_on_for_a_while() {
    let origin = Origin::saying("a film").await;
    let url = format!("http://video.example:{}/film?x=1", origin.address.port());
    let school = World::new().listed("streaming", "shop.example").start().await;
    let pupil = school.pupil().with("Accept", BROWSER);
    let page = pupil.get(&url).await;
    let text = page.is_warned().reply.text();
    assert!(text.contains(&format!("<form method=\"post\" action=\"{CONTINUE}\">")), "{text}");
    let onwards = pupil.post(CONTINUE, &format!("token={}", token(&text))).await;
    assert_eq!((onwards.reply.status, onwards.reply.field("location")), (303, Some(url.clone())));
    assert_eq!((onwards.record().verdict.as_str(), onwards.record().reason.as_str()), ("answered", "continue"));
    let next = url.replace("x=1", "x=2");
    pupil.get(&next).await.is_from_the_site("a film");
    let row = school.closed("/film?x=2").await;
    assert_eq!((row.verdict.as_str(), row.reason.as_str()), ("allowed", "continued"));
    assert!(row.why.ends_with("The person read the warning and went on."), "{}", row.why);
    assert_eq!(pupil.connect(&format!("video.example:{}", origin.address.port())).await.reply.status, 200, "it holds for the site's tunnels too");
    pupil.get("http://shop.example/").await.is_warned();
    school.person([127, 0, 7, 2]).get(&url).await.is_warned();
    school.after(16);
    pupil.get(&url).await.is_warned();
}

#[tokio::test]
async fn nobody_goes_on_with_a_token_that_is_not_theirs() {
    let school = World::new().start().await;
    let pupil = school.pupil().with("Accept", BROWSER);
    let own = token(&pupil.get("http://video.example/").await.reply.text());
    let changed = format!("{}{}", if own.starts_with('A') { 'B' } else { 'A' }, &own[1..]);
    let longer = format!("{own}AAAA");
    let neighbour = school.person([127, 0, 7, 2]);
    for (person, form) in [
        (&pupil, format!("token={changed}")),
        (&pupil, format!("token={longer}")),
        (&pupil, "token=".into()),
        (&pupil, "x=y".into()),
        (&neighbour, format!("token={own}")),
    ] {
        person.post(CONTINUE, &form).await.is_refused(403, "continue");
        person.get("http://video.example/").await.is_warned();
    }
    school.after(11);
    let late = pupil.post(CONTINUE, &format!("token={own}")).await;
    assert!(late.is_refused(403, "continue").reply.text().contains("no longer works"));
    pupil.ask("GET", CONTINUE, "").await.is_refused(404, "own-page");
}

#[tokio::test]
async fn what_cannot_be_reached_is_said_in_plain_words_and_machine_words() {
    let school = World::new().allow(&[]).start().await;
    for (url, status, error, words) in [
        ("http://news.example/", 403, "destination_ip_prohibited", "This address is not open from here"),
        ("https://news.example/", 501, "", "The request cannot be served"),
        ("http://news.example:0/", 400, "", "The request cannot be served"),
    ] {
        let answer = school.pupil().with("Accept", BROWSER).get(url).await;
        assert_eq!(answer.reply.status, status, "{url}");
        assert!(answer.reply.text().contains(words), "{}", answer.reply.text());
        let expected = (!error.is_empty()).then(|| format!("usher; error={error}"));
        assert_eq!(answer.reply.field("proxy-status"), expected, "{url}");
        assert!(answer.row.is_some(), "{url} is on record");
    }
    let open = World::new().start().await;
    let answer = open.pupil().get("http://news.example:1/").await;
    assert_eq!((answer.reply.status, answer.reply.field("proxy-status").as_deref()), (502, Some("usher; error=destination_unavailable")));
}
