//! Pages that show others: both are judged, and the graver decision holds.

use super::*;
use crate::policy::opinion::{Court, Opinion};

fn court(school: &School) -> Court<'_> {
    Court { tier: &school.tier, policy: &school.policy, taxonomy: &school.taxonomy, snapshot: snapshot() }
}

fn opinion(school: &School, asked: &Asked<'_>) -> Opinion {
    circumstances(school, asked, |url, found, around| court(school).opinion(url, found, around))
}

#[test]
fn the_graver_of_the_two_decides_and_both_are_named() {
    let school = school();
    let (games, chat, learn) = ("games.example/play", "chat.example/room", "education.example/lesson");
    for (shell, inner, action, kind, words) in [
        (
            "http://web.archive.org/web/2024/https://",
            games,
            Action::Block,
            "republished",
            "The Wayback Machine shows games.example/play. GAMES is blocked for year-7.",
        ),
        (
            "http://web.archive.org/web/2024/https://",
            chat,
            Action::Warn,
            "republished",
            "The Wayback Machine shows chat.example/room. CHAT comes with a warning for year-7.",
        ),
        (
            "http://web.archive.org/web/2024/https://",
            learn,
            Action::Allow,
            "republished",
            "The Wayback Machine shows education.example. EDUCATION is allowed for year-7.",
        ),
        (
            "http://web.archive.org/web/2024/https://",
            "news.example/",
            Action::Allow,
            "republished",
            "The Wayback Machine shows news.example. No rule and no blocked category applies.",
        ),
        (
            "http://www.google.com/url?q=https://",
            games,
            Action::Block,
            "republished",
            "Google's link leads to games.example/play. GAMES is blocked for year-7.",
        ),
        (
            "http://web.archive.org/web/2024/https://",
            "terrorism.example/",
            Action::Block,
            "always-blocked",
            "The Wayback Machine shows terrorism.example/. TERRORISM is blocked for everyone, always.",
        ),
        ("http://r.jina.ai/https://", "education.example/album/1", Action::Block, "always-blocked", "in the sealed feed of"),
    ] {
        let url = format!("{shell}{inner}");
        let Opinion { action: done, reason } = opinion(&school, &asked(0, &url));
        let text = reason.text(&school.taxonomy);
        assert_eq!((done, reason.kind()), (action, kind), "{url}: {text}");
        assert!(text.contains(words), "{url}: {text}");
    }
}

#[test]
fn a_page_that_is_blocked_itself_is_not_opened_by_what_it_shows() {
    let mut school = school();
    let archive = vec![Condition::Host(vec![Host::parse("web.archive.org").expect("a host")])];
    school.policy.rules = vec![rule("no archives", archive.clone(), Action::Block)];
    let url = "http://web.archive.org/web/2024/https://education.example/lesson";
    let Opinion { action, reason } = opinion(&school, &asked(0, url));
    assert_eq!((action, reason.rule()), (Action::Block, Some("no archives")));
    // A rule that opens the archive opens nothing in it.
    school.policy.rules = vec![rule("archives for history", archive, Action::Allow)];
    assert_eq!(opinion(&school, &asked(0, "http://web.archive.org/web/2024/https://games.example/")).action, Action::Block);
    let allowed = opinion(&school, &asked(0, url));
    assert_eq!((allowed.action, allowed.reason.rule()), (Action::Allow, Some("archives for history")));
    // What is illegal is graver than what is blocked.
    school.policy.rules = vec![rule("no archives", vec![], Action::Block)];
    assert_eq!(opinion(&school, &asked(0, "http://web.archive.org/web/2024/https://terrorism.example/")).reason.kind(), "always-blocked");
}

#[test]
fn who_was_let_on_to_one_site_by_a_warning_is_not_let_on_to_another_that_names_it() {
    let mut school = school();
    let archive = vec![Condition::Host(vec![Host::parse("web.archive.org").expect("a host")])];
    school.policy.rules = vec![rule("archives with care", archive, Action::Warn)];
    let url = "http://web.archive.org/web/2024/https://chat.example/room";
    let deeper = "http://web.archive.org/web/2024/https://chat.example.translate.goog/";
    let through = "http://r.jina.ai/http://web.archive.org/web/2024/https://news.example/";
    for (url, gone_past, action, of) in [
        (url, &[][..], Action::Warn, None),
        (url, &["chat.example"], Action::Warn, None),
        (url, &["web.archive.org"], Action::Warn, Some("chat.example")),
        (url, &["web.archive.org", "chat.example"], Action::Allow, Some("chat.example")),
        (deeper, &["chat.example"], Action::Warn, None),
        // One that stands between can be gone past too.
        (through, &["news.example", "r.jina.ai"], Action::Warn, Some("web.archive.org")),
        (through, &["web.archive.org"], Action::Allow, Some("web.archive.org")),
    ] {
        let past = gone_past.iter().flat_map(|host| past(host)).collect();
        let Opinion { action: done, reason } = opinion(&school, &Asked { past, ..asked(0, url) });
        assert_eq!(done, action, "{url} past {gone_past:?}: {}", reason.text(&school.taxonomy));
        assert_eq!(reason.warned_of().map(Host::as_str), of, "{url} past {gone_past:?}");
    }
}

#[test]
fn what_is_shown_on_a_port_that_is_closed_is_shown_by_one_that_is_open() {
    let school = school();
    let url = "http://web.archive.org/web/2024/https://news.example:9999/";
    assert_eq!(opinion(&school, &asked(0, url)).action, Action::Allow);
}

#[test]
fn who_nests_deeper_than_is_read_is_refused() {
    let school = school();
    let url = format!("http://{}news.example/", "web.archive.org/web/2024/http://".repeat(40));
    let Opinion { action, reason } = opinion(&school, &asked(0, &url));
    assert_eq!((action, reason.kind()), (Action::Block, "nested"));
}

#[test]
fn of_a_tunnel_the_name_is_judged_with_what_it_says_it_shows() {
    let mut school = school();
    let mut tunnel = |host: &str, mode: Mode, never: &[&str], gone_past: &[&str]| {
        school.policy.groups[0].inspect = mode;
        school.policy.inspection.never = never.iter().filter_map(|id| school.taxonomy.find(id)).collect();
        let text = format!("https://{host}/");
        let past = gone_past.iter().flat_map(|host| past(host)).collect();
        let asked = Asked { past, method: "CONNECT", ..asked(0, &text) };
        circumstances(&school, &asked, |url, _, around| {
            let host = Url::new(Scheme::Https, url.host.clone(), 443, "");
            let found = school.lists.look_up(&host);
            let decision = court(&school).decide_connect(&host, &found, around);
            let done = match decision.verdict {
                ConnectVerdict::Block => "block".to_owned(),
                ConnectVerdict::Tunnel(permit) => format!("tunnel to {}", permit.into_destination().host),
                ConnectVerdict::Inspect(permit) => {
                    let site = permit.site();
                    format!("inspect {} {site:?}", permit.into_destination().host)
                }
            };
            (done, decision.reason.kind())
        })
    };
    for (host, mode, never, gone_past, done, kind) in [
        ("games-example.translate.goog", Mode::None, &[][..], &[][..], "block", "republished"),
        ("games-example.translate.goog", Mode::All, &[], &[], "inspect games-example.translate.goog Block", "republished"),
        ("chat-example.translate.goog", Mode::None, &[], &[], "block", "republished"),
        ("chat-example.translate.goog", Mode::None, &[], &["chat.example"], "tunnel to chat-example.translate.goog", "republished"),
        ("chat-example.translate.goog", Mode::None, &[], &["translate.goog"], "block", "republished"),
        ("chat-example.translate.goog", Mode::All, &[], &[], "inspect chat-example.translate.goog Warn", "republished"),
        ("terrorism-example.translate.goog", Mode::None, &[], &[], "block", "always-blocked"),
        ("terrorism-example.translate.goog", Mode::All, &[], &[], "block", "always-blocked"),
        ("sealed--site-example.translate.goog", Mode::All, &[], &[], "block", "always-blocked"),
        ("education-example.translate.goog", Mode::None, &[], &[], "tunnel to education-example.translate.goog", "republished"),
        ("education-example.cdn.ampproject.org", Mode::All, &["education"], &[], "inspect education-example.cdn.ampproject.org Allow", "unlisted"),
        // An engine is looked into in whatever shows it.
        ("www-google-com.translate.goog", Mode::Search, &[], &[], "inspect www-google-com.translate.goog Allow", "republished"),
        ("translate.goog", Mode::Search, &[], &[], "tunnel to translate.goog", "unlisted"),
        ("web.archive.org", Mode::None, &[], &[], "tunnel to web.archive.org", "unlisted"),
    ] {
        assert_eq!(tunnel(host, mode, never, gone_past), (done.to_owned(), kind), "{host} {mode:?}");
    }
}

proptest! {
    #[test]
    fn nothing_is_let_through_in_a_page_that_is_not_let_through_alone(category in 0usize..6, path in "[a-z/]{0,8}", shell in 0usize..4, group in 0u8..2) {
        let school = school();
        let id = ["games", "chat", "drugs", "education", ALWAYS_BLOCKED[0], ALWAYS_BLOCKED[1]][category];
        let inner = format!("https://{id}.example/{path}");
        let outer = match shell {
            0 => format!("http://web.archive.org/web/2024/{inner}"),
            1 => format!("http://www.google.com/url?q={inner}"),
            2 => format!("http://{}-example.translate.goog/{path}", id.replace('-', "--")),
            _ => format!("http://wsrv.nl/?url={inner}"),
        };
        let alone = format!("http://{id}.example/{path}");
        prop_assert!(opinion(&school, &asked(group, &outer)).action >= opinion(&school, &asked(group, &alone)).action);
    }
}
