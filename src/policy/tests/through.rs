//! Ways round that a request takes, and what they lead to.

use super::super::opinion::Court;
use super::super::through::Met;
use super::super::ways::Act;
use super::*;
use crate::bypass::{Certainty, Code, Finding};

/// What is done, in a word, with the reason's.
fn met(school: &School, asked: &Asked<'_>, finding: &Finding) -> (&'static str, Option<Reason>) {
    circumstances(school, asked, |_, _, around| {
        let court = Court { tier: &school.tier, policy: &school.policy, taxonomy: &school.taxonomy, snapshot: snapshot() };
        match court.meet(finding.clone(), around) {
            Met::Nothing => ("nothing", None),
            Met::Noted(_) => ("noted", None),
            Met::Warned(reason) => ("warned", Some(reason)),
            Met::Blocked(reason) => ("blocked", Some(reason)),
        }
    })
}

fn to(code: Code, url: &str) -> Finding {
    Finding::new(code, "something").of_page(Url::parse(url).expect("a URL"))
}

#[test]
fn what_is_meant_is_judged_and_the_way_by_the_group() {
    let mut school = school();
    school.policy.groups[0].ways = Ways { near: Act::Note, ..Ways::default() };
    school.policy.groups[1].ways = Ways { allow: [Code::Bare, Code::Encoded].into_iter().collect(), ..Ways::default() };
    for (group, code, url, expected, kind) in [
        (0, Code::Bare, "https://other.example/", "noted", ""),
        (0, Code::Bare, "https://games.example/", "blocked", "bare"),
        (0, Code::Encoded, "https://games.example/x", "blocked", "encoded"),
        (0, Code::Encoded, "https://chat.example/", "warned", "encoded"),
        (0, Code::Encoded, "https://education.example/", "noted", ""),
        // Nothing reaches what is illegal, whatever is left alone, and one page of a site is enough.
        (1, Code::Bare, "https://terrorism.example/", "blocked", "always-blocked"),
        (1, Code::Encoded, "https://sealed.example/view.php?id=7", "blocked", "always-blocked"),
        (1, Code::Encoded, "https://sealed.example/view.php?id=8", "nothing", ""),
        (1, Code::Bare, "https://drugs.example/", "nothing", ""),
        (1, Code::Doh, "https://other.example/", "blocked", "doh"),
        (1, Code::Croxy, "https://drugs.example/", "blocked", "croxy"),
    ] {
        let (done, reason) = met(&school, &asked(group, "https://maths.example/"), &to(code, url));
        assert_eq!((done, reason.as_ref().map_or("", Reason::kind)), (expected, kind), "{group} {code:?} {url}");
    }
}

#[test]
fn the_record_says_what_was_meant() {
    let school = school();
    let pupil = asked(0, "https://maths.example/");
    let (_, reason) = met(&school, &pupil, &to(Code::Encoded, "https://games.example/x"));
    let reason = reason.expect("a reason");
    let games = school.taxonomy.find("games").expect("a category");
    assert!(reason.listed(CategorySet::EMPTY).contains(games) && reason.category() == Some(games));
    let text = reason.text(&school.taxonomy);
    for words in ["Really meant: games.example.", "Seen: something.", "games is blocked for year-7."] {
        assert!(text.to_lowercase().contains(&words.to_lowercase()), "{text}");
    }
    // Who went on past the warning is let on, and to nowhere else.
    let (done, reason) = met(&school, &pupil, &to(Code::Encoded, "https://chat.example/"));
    assert_eq!((done, reason.as_ref().and_then(Reason::warned_of).map(Host::as_str)), ("warned", Some("chat.example")));
    let on = Asked { past: past("chat.example"), ..asked(0, "https://maths.example/") };
    assert_eq!(met(&school, &on, &to(Code::Encoded, "https://chat.example/")).0, "noted");
    // A way that is refused anyway is not warned about.
    let near = to(Code::Encoded, "https://chat.example/").with(Certainty::Near);
    assert_eq!(met(&school, &pupil, &near).1.map(|reason| matches!(reason, Reason::Way(_))), Some(true));
    // Only a site is known.
    let site = Finding::new(Code::Croxy, "something").of_target("games.example:80");
    assert_eq!(met(&school, &pupil, &site).0, "blocked");
    assert_eq!(met(&school, &pupil, &Finding::new(Code::Croxy, "something").of_target("a..b")).0, "noted");
}
