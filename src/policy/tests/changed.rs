//! What is changed of requests, and refused because it cannot be.

use super::*;
use crate::policy::rewrite::{Address, Course, Edits, Leads};
use http::HeaderMap;
use http::header::HeaderValue;

/// Year 7 is kept strict and looked into, staff are not.
fn searching() -> School {
    let mut school = school();
    school.policy.groups[0].inspect = Mode::Search;
    school.policy.groups[1].safe_search = Level::Off;
    school
}

fn decide<T>(school: &School, asked: &Asked<'_>, look: impl FnOnce(&Url, Decision<RequestVerdict>) -> T) -> T {
    circumstances(school, asked, |url, found, around| {
        let court = opinion::Court { tier: &school.tier, policy: &school.policy, taxonomy: &school.taxonomy, snapshot: snapshot() };
        look(url, court.decide_request(url, found, around))
    })
}

/// Where a request goes, as what it is looked up, and its path and fields as they are sent; nothing if it may not.
fn sent(school: &School, asked: &Asked<'_>) -> Option<(String, String, Vec<String>)> {
    decide(school, asked, |url, decision| {
        let RequestVerdict::Forward(permit) = decision.verdict else { return None };
        let (to, changes) = permit.into_parts();
        let rest = asked.url.split_once("://").map_or(asked.url, |(_, rest)| rest);
        let (path, mut fields) = (rest.find('/').map_or("/", |at| &rest[at..]), HeaderMap::new());
        let path = changes.apply(url, path, &mut fields).into_owned();
        let fields = fields.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
        Some((to.looked_up().to_string(), path, fields))
    })
}

#[test]
fn each_group_is_kept_as_safe_as_its_policy_says_and_who_is_in_none_as_the_strictest() {
    let mut school = searching();
    let search = "https://www.google.com/search?q=x&safe=off";
    let strict = ("forcesafesearch.google.com", "/search?q=x&safe=active&ssui=on");
    let free = ("www.google.com", "/search?q=x&safe=off");
    let unknown = Asked { identity: Identity::unknown(), ..asked(0, search) };
    for (asked, (name, path)) in [(asked(0, search), strict), (asked(1, search), free), (unknown, strict)] {
        let (looked_up, sent, _) = sent(&school, &asked).expect("it may pass");
        assert_eq!((looked_up.as_str(), sent.as_str()), (name, path), "{:?}", asked.identity.standing);
    }
    school.policy.groups[0].safe_search = Level::Moderate;
    assert_eq!(school.policy.safe_search(Standing::Unknown), Level::Moderate);
    let (name, _, fields) = sent(&school, &asked(0, "https://www.youtube.com/")).expect("it may pass");
    assert_eq!((name.as_str(), fields), ("restrictmoderate.youtube.com", vec!["youtube-restrict: Moderate".to_owned()]));
    // Through a parent proxy the request goes to the name it is for, and the parameter alone binds.
    school.policy.resolver = Resolver::Parent;
    let (looked_up, path, _) = sent(&school, &asked(0, search)).expect("it may pass");
    assert_eq!((looked_up.as_str(), path.as_str()), ("www.google.com", "/search?q=x&safe=active&ssui=on"));
}

fn led(school: &School, asked: &Asked<'_>) -> String {
    circumstances(school, asked, |url, found, around| {
        let court = opinion::Court { tier: &school.tier, policy: &school.policy, taxonomy: &school.taxonomy, snapshot: snapshot() };
        match court.decide_connect(url, found, around).verdict {
            ConnectVerdict::Tunnel(permit) => permit.into_destination().looked_up().to_string(),
            ConnectVerdict::Inspect(permit) => format!("seen, else {}", permit.into_destination().looked_up()),
            ConnectVerdict::Block => "refused".to_owned(),
        }
    })
}

#[test]
fn a_sealed_tunnel_is_led_to_the_safe_name_or_refused_where_there_is_none() {
    let mut school = searching();
    school.policy.groups[0].inspect = Mode::None;
    for (host, pupil, staff) in [
        ("https://www.google.com", "forcesafesearch.google.com", "www.google.com"),
        ("https://uk.search.yahoo.com", "refused", "uk.search.yahoo.com"),
        ("https://news.example", "news.example", "news.example"),
    ] {
        assert_eq!((led(&school, &asked(0, host)), led(&school, &asked(1, host))), (pupil.to_owned(), staff.to_owned()), "{host}");
    }
    // Also where the parent looks names up: it is asked for the safe name.
    school.policy.resolver = Resolver::Parent;
    assert_eq!(led(&school, &asked(0, "https://www.google.com")), "forcesafesearch.google.com");
    let (action, reason) = tunnel(&school, &asked(0, "https://search.yahoo.com"));
    assert_eq!((action, reason.kind()), (Action::Block, "safe-search"));
    assert!(reason.text(&school.taxonomy).contains("at Yahoo while its https is not looked into"), "{reason:?}");
    // What is looked into is seen; should it be sealed after all, it is led.
    school.policy.groups[0].inspect = Mode::Search;
    assert_eq!(led(&school, &asked(0, "https://www.google.com")), "seen, else forcesafesearch.google.com");
    assert_eq!(led(&school, &asked(0, "https://search.yahoo.com")), "seen, else search.yahoo.com");
}

#[test]
fn what_a_rule_of_the_school_allows_is_not_refused_for_being_unsafe_and_what_is_blocked_stays_so() {
    let mut school = searching();
    school.policy.groups[0].inspect = Mode::None;
    let yahoo = Condition::Host(vec![Host::parse("search.yahoo.com").expect("a host")]);
    school.policy.rules = vec![rule("the library's search", vec![yahoo.clone()], Action::Allow)];
    assert_eq!(tunnel(&school, &asked(0, "https://search.yahoo.com")).0, Action::Allow);
    school.policy.rules = vec![rule("no", vec![yahoo], Action::Block)];
    assert_eq!(tunnel(&school, &asked(0, "https://search.yahoo.com")).1.kind(), "rule");
    school.policy.rules.clear();
    let form = Asked { method: "POST", ..asked(0, "https://uk.search.yahoo.com/search") };
    let (action, reason) = answer(&school, &form);
    assert_eq!((action, reason.kind()), (Action::Block, "safe-search"));
    assert_eq!(answer(&school, &Asked { method: "POST", ..asked(1, "https://uk.search.yahoo.com/search") }).0, Action::Allow);
}

#[test]
fn accounts_are_kept_to_the_schools_and_the_hosts_where_people_log_in_are_looked_into_for_that() {
    let mut school = searching();
    let tenants = Tenants { google: Some(HeaderValue::from_static("school.example")), microsoft: None };
    school.policy.groups[0].tenants = Arc::new(tenants);
    let told = |school: &School, asked: &Asked<'_>| sent(school, asked).expect("it may pass").2;
    let field = "x-googapps-allowed-domains: school.example";
    assert_eq!(told(&school, &asked(0, "https://mail.google.com/")), [field]);
    assert_eq!(told(&school, &Asked { identity: Identity::unknown(), ..asked(0, "https://mail.google.com/") }), [field]);
    assert!(told(&school, &asked(1, "https://mail.google.com/")).is_empty());
    assert!(told(&school, &asked(0, "https://news.example/")).is_empty());
    let microsoft = tenants::Microsoft { tenants: HeaderValue::from_static("school.example"), directory: HeaderValue::from_static("0a"), personal: true };
    school.policy.groups[0].tenants = Arc::new(Tenants { google: None, microsoft: Some(microsoft) });
    assert_eq!(led(&school, &asked(0, "https://login.microsoftonline.com")), "seen, else login.microsoftonline.com");
    assert_eq!(led(&school, &asked(0, "https://www.microsoft.com")), "www.microsoft.com");
}

fn rewrite(name: &str, host: &str, leads: Option<Leads>, set: Option<&'static str>) -> Arc<Rewrite> {
    let set = set.map(|value| (http::HeaderName::from_static("x-rule"), HeaderValue::from_static(value)));
    Arc::new(Rewrite {
        name: name.into(),
        when: vec![Condition::Host(vec![Host::parse(host).expect("a host")])],
        request: Edits { add: set.clone().into_iter().collect(), ..Edits::default() },
        response: Edits { set: set.into_iter().collect(), ..Edits::default() },
        leads,
        reason: "The head said so.".into(),
    })
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

#[test]
fn rules_change_fields_in_their_order_and_undo_nothing_of_what_keeps_a_group_safe() {
    let mut school = searching();
    let youtube = |remove: bool| {
        let name = http::HeaderName::from_static("youtube-restrict");
        let off = vec![(name.clone(), HeaderValue::from_static("Off"))];
        let request = if remove { Edits { remove: vec![name], ..Edits::default() } } else { Edits { set: off.clone(), add: off, ..Edits::default() } };
        Arc::new(Rewrite { request, ..(*rewrite("free", "youtube.com", None, None)).clone() })
    };
    school.policy.rewrites =
        vec![rewrite("one", "youtube.com", None, Some("1")), rewrite("two", "www.youtube.com", None, Some("2")), youtube(false), youtube(true)];
    let mut fields = sent(&school, &asked(0, "https://www.youtube.com/")).expect("it may pass").2;
    fields.sort();
    assert_eq!(fields, ["x-rule: 1", "x-rule: 2", "youtube-restrict: Strict"]);
    assert!(sent(&school, &asked(0, "https://news.example/")).expect("it may pass").2.is_empty());
    let answered = decide(&school, &asked(0, "https://www.youtube.com/"), |_, decision| {
        let RequestVerdict::Forward(permit) = decision.verdict else { panic!("it may pass") };
        let mut fields = HeaderMap::new();
        permit.into_parts().1.apply_to_answer(&mut fields);
        fields
    });
    assert_eq!(answered["x-rule"], "2");
}

#[test]
fn a_request_that_is_led_elsewhere_is_judged_there_and_goes_round_in_no_circle() {
    let mut school = school();
    let send = |text: &str| Some(Leads::Rewrite(address(text)));
    let turn = |text: &str| Some(Leads::Redirect(address(text)));
    school.policy.rewrites = vec![
        rewrite("to games", "old.example", send("http://games.example{path}"), None),
        rewrite("to news", "paper.example", send("http://news.example{path}"), None),
        rewrite("around", "round.example", send("http://ring.example{path}"), None),
        rewrite("and around", "ring.example", send("http://round.example{path}"), None),
        rewrite("moved", "moved.example", turn("https://new.example{path}"), None),
        rewrite("itself", "self.example", turn("http://self.example{path}"), None),
        rewrite("up", "up.example", send("https://up.example{path}"), None),
        rewrite("blocked", "games.example", turn("http://news.example/"), None),
    ];
    let court = opinion::Court { tier: &school.tier, policy: &school.policy, taxonomy: &school.taxonomy, snapshot: snapshot() };
    for (url, action, kind, text) in [
        ("http://old.example/x", Action::Block, "rewritten", "The rule \"to games\" sends it to http://games.example/x. GAMES is blocked for year-7."),
        ("http://paper.example/x?y", Action::Allow, "rewritten", "The rule \"to news\" sends it to http://news.example/x?y. No rule"),
        ("http://round.example/", Action::Block, "rewritten", "The rule \"around\" sends it to http://ring.example/."),
        ("http://moved.example/a?b", Action::Allow, "redirected", "The rule \"moved\" answers it with https://new.example/a?b."),
        // A rule that leads a request where it goes anyhow, or over another scheme, does nothing.
        ("http://self.example/x", Action::Allow, "unlisted", "No rule"),
        ("http://up.example/x", Action::Allow, "unlisted", "No rule"),
        // What is blocked is led nowhere.
        ("http://games.example/", Action::Block, "category", "GAMES is blocked"),
    ] {
        let opinion = circumstances(&school, &asked(0, url), |url, found, around| court.opinion(url, found, around));
        assert_eq!((opinion.action, opinion.reason.kind()), (action, kind), "{url}");
        let said = opinion.reason.text(&school.taxonomy);
        assert!(said.starts_with(text), "{url}: {said}");
    }
    let course = decide(&school, &asked(0, "http://paper.example/X"), |_, decision| {
        let RequestVerdict::Elsewhere(lead) = decision.verdict else { panic!("it goes elsewhere") };
        lead.course("/X?y=%41")
    });
    assert_eq!(course, Course::Send("http://news.example/X?y=%41".into()), "the path goes on as it was asked for");
}
