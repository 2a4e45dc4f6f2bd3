//! Promise: what the school's rules say of fields and addresses is done, on record, and lets nothing through that would not have passed.

use crate::kit::device::Device;
use crate::kit::secure::{Authority, Good, SecureSite};
use crate::kit::{Origin, Program, World};
use std::sync::Arc;

/// A rule that sends what is asked of one host elsewhere.
fn rule(name: &str, host: &str, does: &str) -> String {
    format!("[[rewrite]]\nname = \"{name}\"\nwhen = {{ host = \"{host}\" }}\nreason = \"The head said so.\"\n{does}\n")
}

#[tokio::test]
async fn fields_of_requests_and_answers_are_taken_out_set_and_added() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: secret\r\nX-Frame-Options: ALLOW\r\nX-Frame-Options: ALLOWALL\r\n\r\nhi";
    let site = Origin::answering(answer).await;
    let does = "request = { remove = [\"Referer\"], set = { X-School = \"example\" }, add = { Accept-Language = \"cy\" } }\n\
                response = { remove = [\"Server\"], set = { x-frame-options = \"DENY\" }, add = { X-Seen-By = \"usher\" } }";
    let school = World::new().policy(&rule("news", "news.example", does)).start().await;
    // What a client names in `Connection` it loses; what a rule sets stays.
    let pupil = school.pupil().with("Referer", "http://a.example/").with("X-School", "other").with("Accept-Language", "en").with("Connection", "X-School");
    let reply = pupil.get(&site.url("/page")).await.reply;
    assert_eq!(reply.text(), "hi");
    let request = site.the_request();
    for (there, line) in
        [(false, "referer:"), (false, "x-school: other"), (true, "x-school: example\r\n"), (true, "accept-language: en\r\n"), (true, "accept-language: cy\r\n")]
    {
        assert_eq!(request.contains(line), there, "{line}: {request}");
    }
    assert_eq!((reply.field("server"), reply.field("x-seen-by")), (None, Some("usher".into())), "{reply:?}");
    let frames: Vec<_> = reply.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-frame-options")).map(|(_, value)| value.as_str()).collect();
    assert_eq!(frames, ["DENY"]);
    // Another host is left alone.
    let other = school.pupil().with("Referer", "http://a.example/").get(&format!("http://shop.example:{}/", site.address.port())).await.reply;
    assert_eq!(other.field("server"), Some("secret".into()));
    assert!(site.seen()[1].contains("referer: http://a.example/"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_on_record_and_the_site_is_not_asked() {
    let site = Origin::saying("the old site").await;
    let policy = rule("moved", "news.example", "redirect = \"https://new.example{path}\"")
        + &rule("rules", "shop.example", "redirect = \"https://school.example/rules\"");
    let school = World::new().policy(&policy).start().await;
    for (method, status) in [("GET", 302), ("HEAD", 302), ("POST", 307)] {
        let body = if method == "POST" { "a=1" } else { "" };
        let answer = school.pupil().ask(method, &site.url("/a/b?c=%41"), body).await;
        assert_eq!((answer.reply.status, answer.reply.field("location").as_deref()), (status, Some("https://new.example/a/b?c=%41")), "{method}");
        let row = answer.record();
        assert_eq!((row.verdict.as_str(), row.reason.as_str(), row.rule.as_deref()), ("answered", "redirected", Some("moved")));
        assert_eq!((row.host.as_str(), row.path.as_str()), ("news.example", "/a/b?c=%41"));
        assert!(row.why.contains("answers it with https://new.example/a/b?c=%41"), "{row:?}");
    }
    let answer = school.pupil().get(&format!("http://shop.example:{}/x?y", site.address.port())).await;
    assert_eq!(answer.reply.field("location").as_deref(), Some("https://school.example/rules"));
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn a_request_that_is_sent_elsewhere_is_judged_there_and_on_record_as_what_was_asked() {
    let site = Origin::saying("where it went").await;
    let port = site.address.port();
    let send = |name: &str, from: &str, to: &str| rule(name, from, &format!("url = \"http://{to}:{port}{{path}}\""));
    let policy = [
        send("mirror", "news.example", "shop.example") + "request = { set = { X-Mirror = \"yes\" } }\n",
        send("to games", "old.example", "games.example"),
        send("to films", "films.example", "video.example"),
        send("to the worst", "worst.example", "adult.example/x"),
        send("round", "round.example", "ring.example"),
        send("and round", "ring.example", "round.example"),
        send("games stay blocked", "games.example", "shop.example"),
    ];
    let names = ["old.example", "films.example", "worst.example", "round.example", "ring.example"];
    let world = names.iter().fold(World::new().policy(&policy.concat()), |world, name| world.named(name, "127.0.0.1"));
    let school = world.start().await;
    let pupil = school.pupil();
    pupil.ask("POST", &format!("http://news.example:{port}/a?b=%41"), "form=1").await.is_from_the_site("where it went");
    let request = site.the_request();
    assert!(request.starts_with("POST /a?b=%41 HTTP/1.1\r\n") && request.contains(&format!("host: shop.example:{port}\r\n")), "{request}");
    assert!(request.contains("x-mirror: yes\r\n") && request.ends_with("\r\n\r\nform=1"), "{request}");
    let row = school.closed("/a?b=%41").await;
    assert_eq!((row.host.as_str(), row.verdict.as_str(), row.reason.as_str(), row.rule.as_deref()), ("news.example", "allowed", "rewritten", Some("mirror")));
    assert!(row.why.contains(&format!("sends it to http://shop.example:{port}/a?b=%41")), "{row:?}");
    let url = |host: &str| format!("http://{host}:{port}/");
    // Judged as what it has become; and what is blocked is led nowhere.
    let blocked = pupil.get(&url("old.example")).await;
    blocked.is_blocked_because("rewritten");
    assert_eq!((blocked.record().host.as_str(), blocked.record().categories.clone()), ("old.example", vec!["games".to_owned()]));
    assert!(blocked.reply.text().contains("Games is blocked for year-7"), "{:?}", blocked.reply);
    pupil.get(&url("films.example")).await.is_warned();
    pupil.get(&url("games.example")).await.is_blocked_because("category");
    school.teacher().get(&url("worst.example")).await.is_blocked_because("rewritten");
    // In a circle it ends, on record.
    let round = pupil.get(&url("round.example")).await;
    round.is_refused(508, "loop");
    assert_eq!(site.seen().len(), 1, "none of these was sent");
}

#[tokio::test]
async fn what_is_illegal_is_refused_also_where_a_rule_leads_to_it() {
    let site = Origin::saying("never").await;
    let policy = rule("to it", "news.example", &format!("url = \"http://terror.example:{}{{path}}\"", site.address.port()));
    let school = World::new().policy(&policy).start().await;
    for person in [school.pupil(), school.teacher()] {
        let answer = person.get(&site.url("/")).await;
        assert_eq!((answer.reply.status, answer.record().verdict.as_str()), (403, "blocked"), "{answer:?}");
        assert!(answer.record().why.contains("blocked for everyone, always"), "{answer:?}");
    }
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn over_https_a_request_is_sent_to_another_site_only_if_that_proves_who_it_is() {
    let believed = Authority::new("A public authority");
    let right = SecureSite::saying("the mirror's page", &believed, &["shop.example"], Good::Now).await;
    let wrong = SecureSite::saying("somebody's page", &believed, &["other.example"], Good::Now).await;
    let to = |name: &str, from: &str, site: &SecureSite| rule(name, from, &format!("url = \"https://shop.example:{}{{path}}\"", site.address.port()));
    let policy = to("mirror", "news.example", &right) + &to("false mirror", "video.example", &wrong);
    // Plain requests are not sent over https, nor the other way round.
    let policy =
        policy + "[[rule]]\nname = \"video is open\"\nwhen = { host = \"video.example\" }\nthen = \"allow\"\nreason = \"For this.\"\nreview = 2099-01-01\n";
    let files = World::new().policy(&policy).inspecting().tls("authorities = [\"public.pem\"]").write();
    files.put("public.pem", &believed.pem());
    assert_eq!(files.usher(&["ca", "create", "--name", "Example School"]).code, Some(0));
    let usher = Program::start(Arc::new(files));
    let device = Device::of(&usher.files, usher.address);
    let mut talk = device.open("news.example:443").await;
    assert_eq!(talk.get("/today?x").await, (http::StatusCode::OK, "the mirror's page".to_owned()));
    let (target, fields) = right.seen()[0].clone();
    assert_eq!((target.as_str(), fields["host"].to_str().ok()), ("/today?x", Some(format!("shop.example:{}", right.address.port()).as_str())));
    let mut talk = device.open("video.example:443").await;
    let (status, page) = talk.get("/").await;
    assert!(status == 502 && page.contains("cannot prove who it is"), "{status} {page}");
    assert!(wrong.seen().is_empty());
    assert!(usher.rows().iter().any(|row| row.host == "news.example" && row.path == "/today?x" && row.reason == "rewritten"));
}

#[test]
fn check_says_where_a_request_would_go_and_what_is_changed() {
    let policy = rule("mirror", "news.example", "url = \"http://games.example{path}\"")
        + &rule("moved", "shop.example", "redirect = \"https://new.example{path}\"")
        + &rule("tidy", "chat.example", "response = { remove = [\"Server\"] }");
    let files = World::new().policy(&policy).write();
    for (url, code, words) in [
        ("http://news.example/a", 1, "The rule \"mirror\" sends it to http://games.example/a. Games is blocked for year-7."),
        ("http://shop.example/a", 0, "The rule \"moved\" answers it with https://new.example/a."),
        ("http://chat.example/a", 0, "the rule \"tidy\" takes out server of the answer"),
    ] {
        let said = files.usher(&["check", url, "--group", "year-7"]);
        assert!(said.code == Some(code) && said.out.contains(words), "{url}: {said:?}");
    }
}
