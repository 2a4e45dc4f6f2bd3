//! Who somebody is, how that is known, and what follows from not knowing.

use crate::kit::{Origin, Wire, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;

#[tokio::test]
async fn somebody_unknown_gets_the_strictest_answer_of_any_group() {
    let school = World::new().start().await;
    for (site, pupil, teacher, stranger) in [
        ("games.example", "blocked", "allowed", "blocked"),
        ("adult.example", "allowed", "blocked", "blocked"),
        ("video.example", "warned", "allowed", "warned"),
        ("chat.example", "allowed", "warned", "warned"),
        ("terror.example", "blocked", "blocked", "blocked"),
        ("news.example", "allowed", "allowed", "allowed"),
    ] {
        for (person, group, expected) in [(school.pupil(), "year-7", pupil), (school.teacher(), "staff", teacher), (school.stranger(), "unknown", stranger)] {
            // Nothing listens at port 1: who is allowed to go there is told that it cannot be reached.
            person.get(&format!("http://{site}:1/")).await;
            let row = school.rows().remove(0);
            assert_eq!((row.group.as_str(), row.verdict.as_str()), (group, expected), "{site}");
        }
    }
}

#[tokio::test]
async fn a_password_proves_who_somebody_is() {
    let school = World::new().user("7-anna", "right", None).user("mr.bell", "right", Some("staff")).user("guest", "right", None).start().await;
    for (name, group, verdict) in
        [("7-anna", "year-7", "blocked"), ("7-ANNA", "year-7", "blocked"), ("mr.bell", "staff", "allowed"), ("guest", "unknown", "blocked")]
    {
        school.teacher().who_says(name, "right").get("http://games.example:1/").await;
        let row = school.rows().remove(0);
        let known = [&row.group, &row.verdict, &row.identity_source, &row.identity_confidence];
        assert_eq!(known, [group, verdict, "password", "proved"], "{name}");
        assert_eq!(row.user.as_deref(), Some(name.to_lowercase().as_str()));
    }
}

#[tokio::test]
async fn a_wrong_password_opens_nothing_and_is_asked_for_again() {
    let school = World::new().user("7-anna", "right", None).start().await;
    for (name, password) in [("7-anna", "wrong"), ("7-anna", ""), ("nobody", "right"), ("", "")] {
        let answer = school.teacher().who_says(name, password).get("http://games.example:1/").await;
        answer.is_refused(407, "password");
        assert_eq!(answer.reply.field("proxy-authenticate").as_deref(), Some("Basic realm=\"Usher\", charset=\"UTF-8\""));
        assert_eq!([&answer.record().group, &answer.record().identity_source], ["unknown", "nothing"]);
        assert_eq!(answer.record().user, None, "nobody is named on a guess");
    }
    for scheme in ["Bearer abc", "Basic !!!", "Basic"] {
        school.teacher().with("Proxy-Authorization", scheme).get("http://games.example:1/").await.is_refused(407, "password");
    }
}

#[tokio::test]
async fn who_is_asked_for_a_password_is_the_schools_choice() {
    for (ask, known, unknown) in [("never", 502, 502), ("unknown", 502, 407), ("always", 407, 407)] {
        let school = World::new().proxy(&format!("ask_for_password = \"{ask}\"")).user("7-anna", "right", None).start().await;
        let url = "http://news.example:1/";
        assert_eq!(school.pupil().get(url).await.reply.status, known, "{ask}");
        assert_eq!(school.stranger().get(url).await.reply.status, unknown, "{ask}");
        assert_eq!(school.stranger().who_says("7-anna", "right").get(url).await.reply.status, 502, "{ask}");
        assert_eq!(school.stranger().connect("news.example:1").await.reply.status, unknown, "{ask}");
    }
}

#[tokio::test]
async fn a_page_of_eighty_requests_costs_one_hash() {
    let origin = Origin::saying("hello").await;
    let school = World::new().user("7-anna", "right", None).start().await;
    let anna = school.stranger().who_says("7-anna", "right");
    let mut wires = Vec::new();
    for number in 0..80 {
        let mut wire = anna.wire().await;
        wire.send(anna.request("GET", &origin.url(&format!("/{number}")))).await;
        wires.push(wire);
    }
    for mut wire in wires {
        // A client may have sixty passwords hashed a minute: had these cost more than one, the last would be refused.
        let reply = wire.reply().await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

#[tokio::test]
async fn somebody_who_guesses_is_held_back_and_the_rest_of_the_room_is_not() {
    let school = World::new().user("7-anna", "right", None).user("7-ben", "right", None).start().await;
    let url = "http://news.example:1/";
    let anna = school.stranger().who_says("7-anna", "right");
    assert_eq!(anna.get(url).await.reply.status, 502);
    // All at once: on a slow machine guesses one after the other are no longer many at a time.
    let mut guesses = Vec::new();
    for guess in 0..80 {
        let mut wire = Wire::connect(IpAddr::from([127, 0, 99, 1]), school.address).await;
        let says = STANDARD.encode(format!("7-ben:{guess}"));
        wire.send(format!("GET {url} HTTP/1.1\r\nHost: news.example:1\r\nProxy-Authorization: Basic {says}\r\n\r\n")).await;
        guesses.push(wire);
    }
    let mut refused = 0;
    for mut wire in guesses {
        let status = wire.reply().await.status;
        assert!(status == 407 || status == 429, "{status}");
        refused += u32::from(status == 429);
    }
    assert!(refused > 0, "eighty guesses in a row are too many");
    assert_eq!(anna.get(url).await.reply.status, 502, "a password that was checked before is still believed");
    assert_eq!(school.person([127, 0, 99, 2]).who_says("7-ben", "right").get(url).await.reply.status, 502, "another device is another matter");
}
