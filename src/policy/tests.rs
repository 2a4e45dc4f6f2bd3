//! The policy, in the school's words.

mod republished;
mod through;

use super::condition::Term;
use super::glob::Glob;
use super::*;
use crate::category::{ALWAYS_BLOCKED, Taxonomy, fixture};
use crate::clock::{Period, Timetable};
use crate::host::Host;
use crate::identity::Identity;
use crate::illegal::Tier;
use crate::illegal::sealed::tests::feed;
use crate::lists::compile::Compiler;
use crate::lists::formats::Format;
use crate::lists::{Found, Lists};
use crate::url::Url;
use jiff::civil::{Weekday, date, time};
use proptest::prelude::*;

mod changed;
mod restricted;

const CATEGORIES: [&str; 5] = ["games", "chat", "drugs", "education", "help"];

struct School {
    taxonomy: Taxonomy,
    lists: Lists,
    timetable: Timetable,
    policy: Policy,
    tier: Tier,
}

/// What the sealed feed of these schools names: a page of a site that is listed for education, a page of one that is listed nowhere, and a site.
const SEALED: &str =
    "child-sexual-abuse http://education.example/album/1\nterrorism https://sealed.example/view.php?id=7\nterrorism site sealed-site.example\n";

/// Year 7 may not play, staff may do nearly all, and lunch is lunch. `<category>.example` is listed under each category.
fn school() -> School {
    let taxonomy = fixture::taxonomy(&CATEGORIES);
    let mut compiler = Compiler::new([1; 16]);
    for (category, info) in taxonomy.iter() {
        let text = format!("{id}.example\nmixed-{id}.example\n", id = info.id);
        compiler.add(&info.id, (category, &info.id), Format::Names, text.as_bytes()).expect("room");
    }
    let games = (taxonomy.find("games").expect("a category"), "games");
    compiler.add("more", games, Format::Names, b"mixed-education.example\nmixed-terrorism.example").expect("room");
    let lunch = Period { name: "lunch".into(), days: vec![Weekday::Wednesday], from: time(12, 30, 0, 0), to: time(13, 20, 0, 0) };
    let timetable = Timetable { zone: jiff::tz::TimeZone::UTC, periods: vec![lunch], terms: vec![], closed: vec![] };
    let set = |ids: &[&str]| ids.iter().filter_map(|id| taxonomy.find(id)).collect();
    let group = |name: &str, allow: &[&str], block: &[&str], warn: &[&str]| Group {
        name: name.into(),
        staff: name == "staff",
        allow: set(allow),
        block: set(block),
        warn: set(warn),
        inspect: Mode::None,
        gate: Gate::default(),
        ways: Ways::default(),
        safe_search: Level::Strict,
        tenants: Arc::default(),
        phrases: None,
    };
    let policy = Policy {
        groups: vec![group("year-7", &["education"], &["games", "drugs"], &["chat"]), group("staff", &["education"], &["drugs"], &[])],
        rules: vec![],
        plain_ports: Ports::Only(vec![80, 8080]),
        tunnel_ports: Ports::Only(vec![443]),
        unknown: "unknown".into(),
        inspection: Inspection::default(),
        rewrites: vec![],
        resolver: Resolver::Usher,
        restrictions: Arc::default(),
        files: files::Book::default(),
    };
    let lists = compiler.finish().expect("room").0;
    School { taxonomy, lists, timetable, policy, tier: Tier::new(Some(Arc::new(feed(SEALED)))) }
}

/// A policy of two groups without rules.
pub(super) fn plain_policy() -> Policy {
    school().policy
}

fn rule(name: &str, when: Vec<Condition>, then: Action) -> Rule {
    Rule { name: name.into(), when, then, reason: "The head said so.".into(), review: date(2027, 1, 10) }
}

struct Asked<'a> {
    identity: Identity,
    url: &'a str,
    method: &'a str,
    at: &'a str,
    past: Vec<Host>,
}

fn asked(group: u8, url: &str) -> Asked<'_> {
    Asked { identity: Identity::of_network(GroupId(group)), url, method: "GET", at: "2026-11-11T10:00:00Z", past: vec![] }
}

fn past(host: &str) -> Vec<Host> {
    vec![Host::parse(host).expect("a host")]
}

fn circumstances<T>(school: &School, asked: &Asked<'_>, judge: impl FnOnce(&Url, &Found, Circumstances<'_>) -> T) -> T {
    let url = Url::parse(asked.url).expect("a url");
    let found = school.lists.look_up(&url);
    let moment = school.timetable.moment(asked.at.parse().expect("a timestamp"));
    let around = Circumstances {
        identity: &asked.identity,
        client: "10.7.0.1".parse().expect("an address"),
        moment: &moment,
        method: asked.method,
        past: &asked.past,
        taxonomy: &school.taxonomy,
        lists: &school.lists,
    };
    judge(&url, &found, around)
}

/// The facts of a request that is not illegal.
fn with_facts<T>(school: &School, asked: &Asked<'_>, judge: impl FnOnce(&Facts<'_>) -> T) -> T {
    circumstances(school, asked, |url, found, around| {
        let lawful = school.tier.judge_page(url, found, &school.lists, &school.taxonomy).expect("it is not illegal");
        judge(&RequestFacts::new(lawful, around).0)
    })
}

fn snapshot() -> SnapshotId {
    SnapshotId::of(&blake3::hash(b"a test"))
}

/// How strict the answer to a plain request is, and why.
fn answer(school: &School, asked: &Asked<'_>) -> (Action, Reason) {
    circumstances(school, asked, |url, found, around| {
        let decision = match school.tier.judge_page(url, found, &school.lists, &school.taxonomy) {
            Ok(lawful) => school.policy.decide_request(&RequestFacts::new(lawful, around), None, snapshot()),
            Err(illegal) => Decision::<RequestVerdict>::illegal(illegal, snapshot()),
        };
        let action = match decision.verdict {
            RequestVerdict::Forward(_) | RequestVerdict::Elsewhere(_) => Action::Allow,
            RequestVerdict::Warn => Action::Warn,
            RequestVerdict::Block => Action::Block,
        };
        (action, decision.reason)
    })
}

fn tunnel(school: &School, asked: &Asked<'_>) -> (Action, Reason) {
    circumstances(school, asked, |url, found, around| {
        let decision = match school.tier.judge_host(url, found, &school.lists, &school.taxonomy) {
            Ok(lawful) => school.policy.decide_connect(&ConnectFacts::new(lawful, around), snapshot()),
            Err(illegal) => Decision::<ConnectVerdict>::illegal(illegal, snapshot()),
        };
        let action = match decision.verdict {
            ConnectVerdict::Tunnel(_) => Action::Allow,
            ConnectVerdict::Inspect(permit) => permit.site(),
            ConnectVerdict::Block => Action::Block,
        };
        (action, decision.reason)
    })
}

#[test]
fn groups_are_answered_by_their_categories() {
    let school = school();
    for (group, url, action, kind) in [
        (0, "games.example", Action::Block, "category"),
        (0, "www.games.example/x", Action::Block, "category"),
        (0, "chat.example", Action::Warn, "category"),
        (0, "drugs.example", Action::Block, "category"),
        (0, "education.example", Action::Allow, "category"),
        (0, "mixed-education.example", Action::Allow, "category"),
        (0, "other.example", Action::Allow, "unlisted"),
        (1, "games.example", Action::Allow, "unlisted"),
        (1, "drugs.example", Action::Block, "category"),
        (1, "terrorism.example", Action::Block, "always-blocked"),
        (1, "other.example:8080", Action::Allow, "unlisted"),
        (1, "other.example:25", Action::Block, "port"),
    ] {
        let (found, reason) = answer(&school, &asked(group, url));
        assert_eq!((found, reason.kind()), (action, kind), "group {group}, {url}");
    }
}

#[test]
fn a_refusal_names_the_list_the_line_and_the_text() {
    let (_, reason) = answer(&school(), &asked(0, "www.mixed-games.example/a"));
    let entry = reason.entry().expect("an entry");
    assert_eq!((entry.list.as_str(), entry.line, entry.text.as_str()), ("games", 2, "mixed-games.example"));
    assert_eq!(reason.text(&school().taxonomy), "GAMES is blocked for year-7.");
}

#[test]
fn a_warning_is_a_page_or_where_no_page_can_be_shown_a_block() {
    let school = school();
    let mut chat = asked(0, "https://chat.example");
    let (action, reason) = tunnel(&school, &chat);
    assert_eq!((action, reason.kind()), (Action::Block, "no-page"));
    assert!(reason.text(&school.taxonomy).ends_with("so it is blocked."));
    chat.past = past("chat.example");
    assert_eq!(tunnel(&school, &chat).0, Action::Allow);
    let mut chat = asked(0, "chat.example");
    chat.past = past("chat.example");
    let (action, reason) = answer(&school, &chat);
    assert_eq!((action, reason.kind()), (Action::Allow, "continued"));
    let mut games = asked(0, "games.example");
    games.past = past("games.example");
    assert_eq!(answer(&school, &games).0, Action::Block, "going on past a warning opens nothing that is blocked");
}

#[test]
fn tunnels_have_their_own_ports() {
    let school = school();
    for (url, action) in [("https://other.example", Action::Allow), ("https://other.example:22", Action::Block), ("https://other.example:80", Action::Block)] {
        assert_eq!(tunnel(&school, &asked(1, url)).0, action, "{url}");
    }
}

#[test]
fn a_tunnel_is_looked_into_as_the_group_and_the_category_say() {
    let mut school = school();
    let set = |ids: &[&str]| ids.iter().filter_map(|id| school.taxonomy.find(id)).collect();
    let inspection =
        Inspection { never: set(&["drugs"]), search: set(&["chat"]), hosts: vec![Host::parse("own.example").expect("a host")], ..Inspection::default() };
    school.policy.inspection = inspection;
    let seen = |school: &School, identity: Identity, url: &str| {
        let asked = Asked { identity, ..asked(0, url) };
        circumstances(school, &asked, |url, found, around| {
            let lawful = school.tier.judge_host(url, found, &school.lists, &school.taxonomy).expect("lawful");
            matches!(school.policy.decide_connect(&ConnectFacts::new(lawful, around), snapshot()).verdict, ConnectVerdict::Inspect(_))
        })
    };
    for (url, search, all) in [
        ("https://other.example", false, true),
        ("https://www.google.co.uk", true, true),
        ("https://chat.example", true, true),
        ("https://own.example", true, true),
        ("https://www.own.example", true, true),
        ("https://notown.example", false, true),
        ("https://games.example", false, true),
        ("https://drugs.example", false, false),
        ("https://other.example:22", false, false),
    ] {
        for (mode, expected) in [(Mode::None, false), (Mode::Search, search), (Mode::All, all)] {
            school.policy.groups[0].inspect = mode;
            assert_eq!(seen(&school, Identity::of_network(GroupId(0)), url), expected, "{url} {mode:?}");
            assert!(!seen(&school, Identity::of_network(GroupId(1)), url), "{url}: staff");
            assert_eq!(seen(&school, Identity::unknown(), url), expected, "{url} {mode:?}: who is in no group is seen as much as anybody");
        }
    }
}

#[test]
fn a_rule_against_tunnels_stands_also_where_they_are_looked_into() {
    let mut school = school();
    let tunnels = |then| rule("no tunnels", vec![Condition::Method(vec!["CONNECT".into()])], then);
    for (then, blocks) in [(Action::Block, true), (Action::Warn, true), (Action::Allow, false)] {
        school.policy.rules = vec![tunnels(then)];
        for mode in [Mode::None, Mode::Search, Mode::All] {
            school.policy.groups.iter_mut().for_each(|group| group.inspect = mode);
            for identity in [Identity::of_network(GroupId(0)), Identity::unknown()] {
                let connect = Asked { identity: identity.clone(), method: "CONNECT", ..asked(0, "https://www.google.com") };
                let blocked = circumstances(&school, &connect, |url, found, around| {
                    let lawful = school.tier.judge_host(url, found, &school.lists, &school.taxonomy).expect("lawful");
                    matches!(school.policy.decide_connect(&ConnectFacts::new(lawful, around), snapshot()).verdict, ConnectVerdict::Block)
                });
                assert_eq!(blocked, blocks, "{then:?} {mode:?} {identity:?}");
            }
        }
    }
}

#[test]
fn only_what_is_let_through_and_not_looked_into_for_its_own_sake_may_be_passed_sealed() {
    let mut school = school();
    let set = |ids: &[&str]| ids.iter().filter_map(|id| school.taxonomy.find(id)).collect();
    school.policy.groups[0] =
        Group { inspect: Mode::All, block: set(&["games"]), warn: set(&["chat"]), allow: CategorySet::EMPTY, ..school.policy.groups[0].clone() };
    school.policy.groups[0].tenants = Arc::new(Tenants { google: Some(http::HeaderValue::from_static("school.example")), microsoft: None });
    let host = |name: &str| Host::parse(name).expect("a host");
    let (hosts, own) = (vec![host("learn.example")], vec![host("usher.internal")]);
    school.policy.inspection = Inspection { search: set(&["education"]), open: set(&["drugs"]), hosts, own, ..Inspection::default() };
    for (url, may) in [
        ("https://other.example", true),
        ("https://games.example", false),
        ("https://chat.example", false),
        ("https://www.google.com", false),
        ("https://accounts.google.com", false),
        ("https://chatgpt.com", false),
        ("https://education.example", false),
        ("https://drugs.example", false),
        ("https://www.learn.example", false),
        ("https://usher.internal", false),
    ] {
        let sealed = circumstances(&school, &asked(0, url), |url, found, around| {
            let lawful = school.tier.judge_host(url, found, &school.lists, &school.taxonomy).expect("lawful");
            let decision = school.policy.decide_connect(&ConnectFacts::new(lawful, around), snapshot());
            let ConnectVerdict::Inspect(permit) = decision.verdict else { panic!("it is looked into") };
            permit.to_seal().map(TunnelPermit::into_destination)
        });
        assert_eq!(sealed.is_some(), may, "{url}");
    }
}

#[test]
fn ushers_own_names_are_never_sealed() {
    let mut school = school();
    school.policy.inspection.own = vec![Host::parse("other.example").expect("a host")];
    assert!(school.policy.groups.iter().all(|group| group.inspect == Mode::None));
    let own = circumstances(&school, &asked(1, "https://other.example"), |url, found, around| {
        let lawful = school.tier.judge_host(url, found, &school.lists, &school.taxonomy).expect("lawful");
        matches!(school.policy.decide_connect(&ConnectFacts::new(lawful, around), snapshot()).verdict, ConnectVerdict::Inspect(_))
    });
    assert!(own);
}

#[test]
fn every_condition_holds_where_it_should() {
    let school = school();
    let lunch = school.timetable.named("lunch").expect("a period");
    let games = school.taxonomy.find("games").into_iter().collect();
    let mut staff = asked(1, "games.example/play?x=1");
    staff.identity = Identity::proved("J.Smith".into(), Standing::Member(GroupId(1)));
    let host = |name: &str| Host::parse(name).expect("a host");
    for (condition, holds) in [
        (Condition::Group(vec![GroupId(1)]), true),
        (Condition::Group(vec![GroupId(0)]), false),
        (Condition::User(vec![Glob::new("j.*")]), true),
        (Condition::User(vec![Glob::new("k.*")]), false),
        (Condition::Host(vec![host("games.example")]), true),
        (Condition::Host(vec![host("example")]), true),
        (Condition::Host(vec![host("mes.example")]), false),
        (Condition::Prefix(vec!["games.example/play".into()]), true),
        (Condition::Prefix(vec!["games.example/pl".into()]), false),
        (Condition::Prefix(vec!["games.example".into()]), true),
        (Condition::Category(games), true),
        (Condition::Category(CategorySet::EMPTY), false),
        (Condition::Network(vec!["10.7.0.0/16".parse().expect("a net")]), true),
        (Condition::Network(vec!["10.8.0.0/16".parse().expect("a net")]), false),
        (Condition::During(lunch), false),
        (Condition::Term(Term::In), true),
        (Condition::Term(Term::Out), false),
        (Condition::Method(vec!["POST".into(), "GET".into()]), true),
        (Condition::Method(vec!["POST".into()]), false),
    ] {
        assert_eq!(with_facts(&school, &staff, |facts| condition.holds(facts, GroupId(1))), holds, "{condition:?}");
    }
    staff.at = "2026-11-11T12:45:00Z";
    assert!(with_facts(&school, &staff, |facts| Condition::During(lunch).holds(facts, GroupId(1))));
    staff.identity = Identity::of_network(GroupId(1));
    assert!(!with_facts(&school, &staff, |facts| Condition::User(vec![Glob::new("*")]).holds(facts, GroupId(1))), "nobody in particular is no user");
}

#[test]
fn the_first_rule_that_holds_decides_before_the_categories() {
    let mut school = school();
    let lunch = Condition::During(school.timetable.named("lunch").expect("a period"));
    let games = Condition::Category(school.taxonomy.find("games").into_iter().collect());
    school.policy.rules = vec![
        rule("no flash", vec![Condition::Prefix(vec!["games.example/flash".into()])], Action::Block),
        rule("games at lunch", vec![games, lunch], Action::Allow),
    ];
    let mut play = asked(0, "games.example");
    assert_eq!(answer(&school, &play).0, Action::Block);
    play.at = "2026-11-11T12:45:00Z";
    let (action, reason) = answer(&school, &play);
    assert_eq!((action, reason.rule()), (Action::Allow, Some("games at lunch")));
    play.url = "games.example/flash/1";
    assert_eq!(answer(&school, &play).1.rule(), Some("no flash"));
}

#[test]
fn a_rule_past_its_review_date_is_due_and_still_holds() {
    let mut school = school();
    school.policy.rules = vec![rule("old", vec![Condition::Host(vec![Host::parse("other.example").expect("a host")])], Action::Block)];
    assert_eq!(school.policy.due(date(2027, 1, 9)).count(), 0);
    assert_eq!(school.policy.due(date(2027, 1, 10)).count(), 1);
    assert_eq!(answer(&school, &asked(1, "other.example")).0, Action::Block);
}

fn any_set(taxonomy: &Taxonomy) -> impl Strategy<Value = CategorySet> + use<> {
    let all: Vec<_> = taxonomy.iter().map(|(category, _)| category).collect();
    proptest::sample::subsequence(all.clone(), 0..=all.len()).prop_map(|some| some.into_iter().collect())
}

fn any_condition(taxonomy: &Taxonomy) -> impl Strategy<Value = Condition> + use<> {
    prop_oneof![
        proptest::collection::vec((0..3u8).prop_map(GroupId), 1..3).prop_map(Condition::Group),
        any_set(taxonomy).prop_map(Condition::Category),
        Just(Condition::Host(vec![Host::parse("example").expect("a host")])),
        Just(Condition::Method(vec!["GET".into()])),
        Just(Condition::Term(Term::In)),
        Just(Condition::User(vec![Glob::new("*")])),
    ]
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![Just(Action::Allow), Just(Action::Warn), Just(Action::Block)]
}

fn any_policy(school: &School) -> impl Strategy<Value = Policy> + use<> {
    let taxonomy = school.taxonomy.clone();
    let any_mode = prop_oneof![Just(Mode::None), Just(Mode::Search), Just(Mode::All)];
    let group = (any_set(&taxonomy), any_set(&taxonomy), any_set(&taxonomy), any_mode).prop_map(|(allow, block, warn, inspect)| Group {
        name: "some".into(),
        staff: false,
        allow,
        block,
        warn,
        inspect,
        gate: Gate::default(),
        ways: Ways::default(),
        safe_search: Level::Strict,
        tenants: Arc::default(),
        phrases: None,
    });
    let rules = proptest::collection::vec((proptest::collection::vec(any_condition(&taxonomy), 0..3), any_action()), 0..6);
    (proptest::collection::vec(group, 3), rules).prop_map(move |(groups, rules)| Policy {
        groups,
        rules: rules.into_iter().map(|(when, then)| rule("any", when, then)).collect(),
        plain_ports: Ports::Any,
        tunnel_ports: Ports::Any,
        unknown: "unknown".into(),
        inspection: Inspection::default(),
        rewrites: vec![],
        resolver: Resolver::Usher,
        restrictions: Arc::default(),
        files: files::Book::default(),
    })
}

/// Ways to ask for what is sealed.
const SEALED_URLS: [&str; 8] = [
    "education.example/album/1",
    "www.education.example/album/1/index.html",
    "EDUCATION.example/x/../%61lbum//1?",
    "education.example/album/%2531#top",
    "sealed.example/view.php?id=7",
    "sealed.example/view.php?fbclid=x&id=7",
    "sealed-site.example/",
    "a.b.sealed-site.example/any/page",
];

/// The broadest rules a school could write.
fn any_rule_that_allows() -> impl Strategy<Value = Rule> {
    let host = |name: &str| Host::parse(name).expect("a host");
    prop_oneof![
        Just(vec![]),
        Just(vec![Condition::Host(vec![host("example")])]),
        Just(vec![Condition::Prefix(vec!["education.example/album/1".into(), "sealed.example".into(), "sealed-site.example".into()])]),
        Just(vec![Condition::Network(vec!["0.0.0.0/0".parse().expect("a net")])]),
        Just(vec![Condition::Term(Term::In)]),
    ]
    .prop_map(|when| rule("all is allowed", when, Action::Allow))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Promise 4: for every policy, person and verdict, the always-blocked tier wins.
    #[test]
    fn the_always_blocked_tier_wins_over_every_policy(policy in any_policy(&school()), member in 0..4u8, continued: bool, mixed: bool) {
        let school = School { policy, ..school() };
        for id in ALWAYS_BLOCKED {
            let url = format!("{}{id}.example", if mixed { "mixed-" } else { "" });
            let mut asked = asked(member, &url);
            asked.past = if continued { past(&format!("{id}.example")) } else { vec![] };
            if member == 3 {
                asked.identity = Identity::unknown();
            }
            let (action, reason) = answer(&school, &asked);
            prop_assert_eq!((action, reason.kind()), (Action::Block, "always-blocked"));
            prop_assert_eq!(tunnel(&school, &asked).1.kind(), "always-blocked");
        }
    }

    /// Promise 4, of the sealed feed: whatever the rules allow, at every port, whoever asks, and whatever they have gone on past.
    #[test]
    fn what_is_sealed_is_blocked_under_every_policy(
        policy in any_policy(&school()),
        allowed in any_rule_that_allows(),
        member in 0..4u8,
        named: bool,
        continued: bool,
        which in 0..SEALED_URLS.len(),
        port in proptest::option::of(1..=u16::MAX),
    ) {
        let mut school = School { policy, ..school() };
        school.policy.rules.insert(0, allowed);
        let (host, path) = SEALED_URLS[which].split_once('/').expect("a path");
        let url = format!("http://{host}{}/{path}", port.map_or_else(String::new, |port| format!(":{port}")));
        let mut asked = asked(member, &url);
        asked.past = if continued { past(host) } else { vec![] };
        if member == 3 {
            asked.identity = Identity::unknown();
        } else if named {
            asked.identity = Identity::proved("head".into(), Standing::Member(GroupId(member)));
        }
        let (action, reason) = answer(&school, &asked);
        prop_assert_eq!((action, reason.kind()), (Action::Block, "always-blocked"), "{}", url);
        prop_assert!(reason.text(&school.taxonomy).ends_with("it is in the sealed feed of Example Publisher, number 7."));
        prop_assert!(reason.entry().is_none() && reason.rule().is_none(), "nothing of the list is shown");
        if host.ends_with("sealed-site.example") {
            prop_assert_eq!(tunnel(&school, &asked).1.kind(), "always-blocked");
        }
    }

    /// Promise 6: somebody in no group never gets more than the strictest group would give them.
    #[test]
    fn the_unknown_never_get_more_than_the_strictest_group(policy in any_policy(&school()), which in 0..CATEGORIES.len(), mixed: bool) {
        let school = School { policy, ..school() };
        let url = format!("{}{}.example", if mixed { "mixed-" } else { "" }, CATEGORIES[which]);
        let unknown = Asked { identity: Identity::unknown(), ..asked(0, &url) };
        let strictest = (0..3).map(|group| answer(&school, &asked(group, &url)).0).max();
        prop_assert_eq!(Some(answer(&school, &unknown).0), strictest);
    }
}
