//! As shipped, what must stay open is open, and what must stay blocked is blocked, for every group and for those in none.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use usher::app;
use usher::config::Config;
use usher::identity::{GroupId, Identity};
use usher::policy::{Action, Circumstances, ConnectVerdict, Mode};
use usher::snapshot::Snapshot;
use usher::url::{Scheme, Url};

fn shipped() -> Snapshot {
    let config = Config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/usher.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    app::look(&config, [7; 32]).unwrap_or_else(|error| panic!("{error}"))
}

fn canaries(side: &str) -> Vec<String> {
    let file: toml::Table = include_str!("../../blocklists/canaries.toml").parse().expect("canaries");
    file[side].as_array().expect("a list").iter().map(|site| site.as_str().expect("a name").to_owned()).collect()
}

/// Everybody there is: one of each group, and one of none.
fn everybody(snapshot: &Snapshot) -> Vec<(String, Identity)> {
    let members = (0..).map(GroupId).zip(&snapshot.policy.groups).map(|(id, group)| (group.name.to_string(), Identity::of_network(id)));
    members.chain([("nobody's group".to_owned(), Identity::unknown())]).collect()
}

fn verdict(snapshot: &Snapshot, identity: &Identity, url: &Url) -> &'static str {
    let moment = snapshot.timetable.moment("2026-11-25T10:00:00Z".parse().expect("a time"));
    let found = snapshot.lists.look_up(url);
    let (client, taxonomy, lists) = (IpAddr::V4(Ipv4Addr::LOCALHOST), &snapshot.taxonomy, &snapshot.lists);
    let method = if url.scheme == Scheme::Http { "GET" } else { "CONNECT" };
    let around = Circumstances { identity, client, moment: &moment, method, past: &[], taxonomy, lists };
    match snapshot.court().opinion(url, &found, around).action {
        Action::Allow => "open",
        Action::Warn => "warned",
        Action::Block => "blocked",
    }
}

#[test]
fn help_and_learning_are_open_and_harm_is_blocked_for_everybody() {
    let snapshot = shipped();
    let mut wrong = Vec::new();
    for side in ["open", "blocked"] {
        let sites = canaries(side);
        assert!(sites.len() > 30, "{side}: {}", sites.len());
        for site in sites {
            let plain = Url::parse(&site).unwrap_or_else(|error| panic!("{site}: {error}"));
            let host = plain.host.clone();
            for url in [plain, Url::new(Scheme::Https, host, 443, "")] {
                let told = everybody(&snapshot).into_iter().map(|(group, identity)| (group, verdict(&snapshot, &identity, &url)));
                wrong.extend(told.filter(|(_, verdict)| *verdict != side).map(|(group, verdict)| format!("{} is {verdict} for {group}", url.text())));
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn no_canary_is_named_twice_or_on_both_sides() {
    let mut all = [canaries("open"), canaries("blocked")].concat();
    all.sort();
    let twice: Vec<_> = all.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert_eq!(twice, [] as [&String; 0]);
}

#[test]
fn health_money_and_updates_stay_sealed_though_everything_is_looked_into() {
    let mut snapshot = shipped();
    for group in &mut snapshot.policy.groups {
        group.inspect = Mode::All;
    }
    let moment = snapshot.timetable.moment("2026-11-25T10:00:00Z".parse().expect("a time"));
    let sealed = ["www.nhs.uk", "111.nhs.uk", "www.childline.org.uk", "samaritans.org", "www.mind.org.uk", "youngminds.org.uk", "kooth.com", "barclays.co.uk"];
    for (host, is_sealed) in sealed.iter().chain(&["update.microsoft.com"]).map(|host| (*host, true)).chain([("www.bbc.co.uk", false), ("example.com", false)])
    {
        let url = Url::parse(&format!("https://{host}/")).expect("a url");
        let found = snapshot.lists.look_up_host(&url.host);
        for (group, identity) in everybody(&snapshot) {
            let (client, taxonomy, lists) = (IpAddr::V4(Ipv4Addr::LOCALHOST), &snapshot.taxonomy, &*snapshot.lists);
            let around = Circumstances { identity: &identity, client, moment: &moment, method: "CONNECT", past: &[], taxonomy, lists };
            let verdict = snapshot.court().decide_connect(&url, &found, around).verdict;
            assert_eq!(matches!(verdict, ConnectVerdict::Tunnel(_)), is_sealed, "{host} for {group}: {verdict:?}");
        }
    }
}

#[test]
fn engines_that_cannot_be_made_safe_are_closed_to_pupils_and_those_that_can_are_open() {
    let snapshot = shipped();
    for (group, identity) in everybody(&snapshot) {
        let closed = if group == "staff" { "open" } else { "blocked" };
        for (host, expected) in [
            ("www.startpage.com", closed),
            ("mojeek.com", closed),
            ("searx.be", closed),
            ("uk.search.yahoo.com", closed),
            ("www.google.co.uk", "open"),
            ("www.bing.com", "open"),
            ("duckduckgo.com", "open"),
            ("search.brave.com", "open"),
            ("www.ecosia.org", "open"),
            ("www.qwant.com", "open"),
            ("swisscows.com", "open"),
            ("www.kiddle.co", "open"),
        ] {
            let url = Url::parse(&format!("https://{host}/")).expect("a url");
            assert_eq!(verdict(&snapshot, &identity, &url), expected, "{host} for {group}");
        }
    }
}
