//! What records show together, and that a restart changes nothing of it.

use super::*;
use proptest::prelude::*;
use std::net::Ipv4Addr;

const DAY: u64 = 86_400_000;
const MONDAY: u64 = 1_795_600_800_000;

/// A record, as these tests write it.
#[derive(Clone, Debug)]
struct One {
    at_ms: u64,
    user: Option<String>,
    client: IpAddr,
    host: String,
    path: &'static str,
    categories: &'static str,
    kind: Kind,
    start: Start,
    class: Class,
    reason: &'static str,
    dest: Option<&'static str>,
    mode: Option<&'static str>,
    search: Option<Stage>,
    said: &'static [Code],
}

fn visit(second: u64, who: &str, host: &str) -> One {
    let last = who.bytes().last().unwrap_or_default();
    One {
        at_ms: MONDAY + 8 * DAY + second * 1000,
        user: Some(who.into()),
        client: IpAddr::V4(Ipv4Addr::new(10, 1, 1, last)),
        host: host.into(),
        path: "/",
        categories: "",
        kind: Kind::Visit,
        start: Start::Typed,
        class: Class::Visit,
        reason: "unlisted",
        dest: None,
        mode: None,
        search: None,
        said: &[],
    }
}

/// A search for ways round.
fn search(second: u64, who: &str) -> One {
    One { kind: Kind::Search, class: Class::Search, search: Some(Stage::Asked), said: &[Code::Method], ..visit(second, who, "search.example") }
}

impl One {
    fn seen(&self) -> Seen<'_> {
        Seen {
            id: RecordId::first_of(self.at_ms),
            at_ms: self.at_ms,
            user: self.user.as_deref(),
            client: self.client,
            group: "year-7",
            confidence: "password",
            class: self.class,
            kind: self.kind,
            start: self.start,
            verdict: Verdict::Allowed,
            reason: self.reason,
            why: "",
            categories: self.categories,
            host: &self.host,
            path: self.path,
            search: self.search.map(|stage| ("google", "words", stage)),
            cause: None,
            dest: self.dest,
            mode: self.mode,
        }
    }

    fn at(self, client: [u8; 4]) -> Self {
        Self { client: client.into(), ..self }
    }
}

/// Whose record it is, by name, and two rooms.
struct Here<'a>(&'a One);

impl Around for Here<'_> {
    fn who(&self) -> u128 {
        self.0.user.as_deref().map_or_else(|| self.0.client.to_string(), str::to_owned).bytes().fold(7, |sum, byte| sum * 257 + u128::from(byte))
    }

    fn place(&self, client: IpAddr) -> Option<String> {
        match client {
            IpAddr::V4(v4) if v4.octets()[1] == 2 => Some(format!("Room {}", v4.octets()[2])),
            _ => None,
        }
    }
}

/// One that has known all names of the week before.
fn watch() -> Watch {
    let mut watch = Watch::new(&[7; 32]);
    take(&mut watch, &One { at_ms: MONDAY, ..visit(0, "a", "old.example") });
    watch
}

/// Code and points of what is found, and whether it is of a record before.
fn take(watch: &mut Watch, one: &One) -> Vec<String> {
    let found = watch.opened(&one.seen(), one.said, &Here(one));
    let told = |noticed: &Noticed| {
        let of = if noticed.of.is_some() { " of before" } else { "" };
        format!("{} {}{of}", noticed.code.as_str(), noticed.points)
    };
    found.iter().map(told).collect()
}

fn all(steps: &[One]) -> Vec<String> {
    let mut watch = watch();
    steps.iter().flat_map(|one| take(&mut watch, one)).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_site_that_several_find_within_half_an_hour_is_a_sign_of_each() {
    let of = |host: &str| [visit(0, "a", host), visit(600, "b", host), visit(900, "b", host), visit(1200, "c", host), visit(1300, "d", host)];
    assert_eq!(all(&of("www.new.example"))[..3], ["spread 3 of before", "spread 3 of before", "spread 3"]);
    assert_eq!(all(&of("old.example")), NOTHING, "somebody used it a week ago");
    let hosted = of("mine.pages.dev").map(|one| One { categories: "web-hosting", ..one });
    let another = One { categories: "web-hosting", at_ms: MONDAY, ..visit(0, "a", "other.pages.dev") };
    assert_eq!(
        all(&[&[another][..], &hosted].concat())[..3],
        ["spread 3 of before", "spread 3 of before", "spread 3"],
        "a name that anybody can have is a site of its own"
    );
    let each = [visit(0, "a", "a.mine.pages.dev"), visit(600, "b", "b.mine.pages.dev"), visit(1200, "c", "c.x.mine.pages.dev")];
    let hosted = |categories: &'static str| each.clone().map(|one| One { categories, ..one });
    for categories in ["web-hosting", "dynamic-dns", "web-hosting dynamic-dns"] {
        assert_eq!(all(&hosted(categories)), ["spread 3 of before", "spread 3 of before", "spread 3"], "{categories}: a name below it for each of them");
    }
    assert_eq!(all(&hosted("web-hosting education")), NOTHING, "a list knows it by itself");
    let teacher = |second| One { class: Class::Staff, ..visit(second, "t", "new.example") };
    let class = of("new.example");
    assert_eq!(all(&[&[teacher(0)][..], &class].concat()), NOTHING, "a teacher shows it to the class");
    assert_eq!(all(&[&class[..2], &[teacher(700)], &class[3..4]].concat()), NOTHING, "from then on");
    assert_eq!(all(&[&class[..4], &[teacher(1250)]].concat()).len(), 3, "what was before stays");
    assert_eq!(
        all(&[teacher(0), One { user: Some("u".into()), ..teacher(60) }, One { user: Some("v".into()), ..teacher(90) }]),
        NOTHING,
        "staff are no pupils"
    );
    assert_eq!(all(&of("new.example").map(|one| One { categories: "news", ..one })), NOTHING, "a list knows it");
    assert_eq!(all(&of("new.example").map(|one| One { reason: "rule", ..one })), NOTHING, "the school has allowed it");
    assert_eq!(all(&of("new.example").map(|one| One { kind: Kind::Resource, ..one })), NOTHING, "pages load it");
    assert_eq!(
        all(&[visit(0, "a", "n.example").at([10, 2, 1, 1]), visit(200, "b", "n.example").at([10, 2, 1, 2])]),
        ["spread 3 of before", "spread 3"],
        "in one room"
    );
    let mut young = Watch::new(&[7; 32]);
    assert!(of("new.example").iter().all(|one| take(&mut young, one).is_empty()), "everything is new at first");
}

#[test]
fn one_user_in_two_places_is_a_sign_and_ordinary_people_are_none() {
    let turns = |user: &str, from: u64| -> Vec<One> {
        (0..6).map(|nth| visit(from + nth * 30, user, "old.example").at([10, 1, 1, if nth % 2 == 0 { 1 } else { 2 }])).collect()
    };
    assert_eq!(all(&turns("kim", 0)), ["shared-login 3", "shared-login 3", "shared-login 3"]);
    let with = |change: fn(One) -> One| all(&turns("kim", 0).into_iter().map(change).collect::<Vec<_>>());
    assert_eq!(with(|one| One { class: Class::Staff, ..one }), NOTHING);
    assert_eq!(with(|one| One { start: Start::Loaded, ..one }), NOTHING, "a tab that loads itself anew");
    assert_eq!(with(|one| One { user: None, ..one }), NOTHING, "nobody in particular");
    let crowd: Vec<_> = ["l", "m", "n", "o"]
        .into_iter()
        .flat_map(|user| [visit(0, user, "old.example").at([10, 1, 1, 1]), visit(0, user, "old.example").at([10, 1, 1, 2])])
        .collect();
    assert_eq!(all(&[crowd, turns("kim", 10)].concat()), NOTHING, "addresses of many");
}

#[test]
fn the_parts_of_a_web_proxy_are_a_sign_where_no_list_knows_the_site() {
    let part = |second, path, dest, mode| One { kind: Kind::Resource, start: Start::Loaded, path, dest, mode, ..visit(second, "a", "x.old.example") };
    let (worker, wasm) = (part(0, "/sw.js", Some("serviceworker"), Some("same-origin")), part(3, "/x.wasm?1", Some("empty"), Some("cors")));
    let socket = part(9, "/wisp/", Some("empty"), Some("websocket"));
    let parts = [worker, wasm, socket.clone()];
    assert_eq!(all(&parts), ["triad 2", "triad 2"]);
    assert_eq!(all(&parts.clone().map(|one| One { categories: "games", ..one })), NOTHING);
    let mut watch = watch();
    parts.iter().for_each(|one| drop(take(&mut watch, one)));
    assert_eq!(watch.closed(&socket.seen(), 1000, &Here(&socket)), None);
    let found = watch.closed(&socket.seen(), 1 << 20, &Here(&socket)).expect("much");
    assert_eq!((found.points, found.says.contains("3 of a service worker, WebAssembly and a WebSocket of x.old.example")), (8, true), "{found:?}");
}

#[test]
fn webassembly_under_another_name_is_known_by_its_type_once_it_was_answered() {
    let part = |second, path, dest, mode| One { kind: Kind::Resource, start: Start::Loaded, path, dest, mode, ..visit(second, "a", "x.old.example") };
    let worker = part(0, "/sw.js", Some("serviceworker"), Some("same-origin"));
    let disguised = part(3, "/favicon.png", Some("empty"), Some("cors"));
    let socket = part(9, "/wisp/", Some("empty"), Some("websocket"));
    let mut watch = watch();
    assert_eq!(take(&mut watch, &worker), NOTHING);
    assert_eq!(take(&mut watch, &disguised), NOTHING);
    let found = watch.is_wasm(&disguised.seen(), &Here(&disguised)).expect("two");
    assert_eq!((found.code, found.points), (Code::Triad, 2));
    assert_eq!(take(&mut watch, &socket), ["triad 2"]);
    assert_eq!(watch.closed(&socket.seen(), 1 << 20, &Here(&socket)).map(|found| found.points), Some(8));
    for other in
        [One { categories: "games", ..disguised.clone() }, One { reason: "rule", ..disguised.clone() }, One { host: "198.51.100.1".into(), ..disguised }]
    {
        assert_eq!(watch.is_wasm(&other.seen(), &Here(&other)), None, "{other:?}");
    }
}

#[test]
fn addresses_are_a_sign_but_those_of_the_school_and_those_it_allows() {
    let asks = |second, host: &str| One { path: "", ..visit(second, "a", host) };
    assert_eq!(all(&[asks(0, "198.51.100.1"), asks(1, "198.51.100.2"), asks(2, "198.51.100.3")]), ["address 1", "address 5"]);
    assert_eq!(all(&[asks(0, "10.1.2.3"), asks(1, "192.168.1.1"), asks(2, "fd00::1")]), NOTHING);
    assert_eq!(all(&[One { reason: "rule", ..asks(0, "198.51.100.1") }, One { categories: "news", ..asks(0, "198.51.100.1") }]), NOTHING);
}

#[test]
fn a_search_for_ways_that_leads_to_an_unknown_site_is_a_sign_once() {
    let go = |second, host: &str| visit(second, "a", host);
    assert_eq!(all(&[search(0, "a"), go(30, "unblocked.example"), go(60, "another.example")]), ["method 3"], "a search leads to one site");
    assert_eq!(all(&[search(0, "a"), go(30, "x.example"), search(90, "a"), go(120, "y.example")]), ["method 3", "method 3"]);
    let listed = One { categories: "bypass", said: &[Code::Listed], ..go(30, "vpn.example") };
    assert_eq!(all(&[search(0, "a"), listed.clone()]), ["method 8"], "a list names it as a way round");
    for (what, steps) in [
        ("nobody searched", vec![go(30, "unblocked.example"), listed]),
        ("ten minutes later", vec![search(0, "a"), go(600, "unblocked.example")]),
        ("somebody else", vec![search(0, "b"), go(30, "unblocked.example")]),
        ("it is still being typed", vec![One { search: Some(Stage::Typing), ..search(0, "a") }, go(30, "unblocked.example")]),
        ("another search", vec![One { said: &[], ..search(0, "a") }, go(30, "unblocked.example")]),
        ("a list knows it", vec![search(0, "a"), One { categories: "news", ..go(30, "news.example") }]),
        ("the school has allowed it", vec![search(0, "a"), One { reason: "rule", ..go(30, "unblocked.example") }]),
        ("a page loads it", vec![search(0, "a"), One { kind: Kind::Resource, start: Start::Loaded, ..go(30, "unblocked.example") }]),
        ("the page of the search goes on", vec![search(0, "a"), One { said: &[], ..search(30, "a") }]),
    ] {
        assert_eq!(all(&steps), NOTHING, "{what}");
    }
    let mut watch = watch();
    take(&mut watch, &search(0, "a"));
    let to = One { categories: "web-hosting", ..go(30, "x.mine.pages.dev") };
    let found = watch.opened(&to.seen(), &[], &Here(&to));
    assert_eq!(found[0].says, "Ways round the filter were searched for. Within ten minutes a site was gone to that no list knows: x.mine.pages.dev.");
}

/// A busy morning in which everything happens.
fn any_one() -> impl Strategy<Value = One> {
    let host = prop::sample::select(vec!["new.example", "newer.example", "old.example", "198.51.100.1", "198.51.100.2", "198.51.100.3"]);
    let client = prop::sample::select(vec![[10, 1, 1, 1], [10, 1, 1, 2], [10, 2, 1, 1], [10, 2, 2, 1]]);
    let what = (0..2400_u64, prop::sample::select(vec!["a", "b", "c", "d"]), host, client, prop::bool::weighted(0.2));
    what.prop_map(|(second, who, host, client, is_search)| if is_search { search(second, who) } else { visit(second, who, host) }.at(client))
}

proptest! {
    /// Killed at any time: what was kept is read, some minutes of the record are read again, and from there on the same is found.
    #[test]
    fn a_restart_changes_nothing(steps in prop::collection::vec(any_one(), 1..60), kept in 0..60_usize, late in 0..60_usize) {
        let mut steps = steps;
        steps.sort_by_key(|one| one.at_ms);
        // No two records have one number.
        for (nth, one) in steps.iter_mut().enumerate() {
            one.at_ms += nth as u64;
        }
        let (kept, late) = (kept.min(late).min(steps.len()), late.min(steps.len()));
        let folder = tempfile::tempdir().expect("a folder");
        let (mut whole, mut found) = (watch(), Vec::new());
        for (nth, one) in steps.iter().enumerate() {
            // What is kept of this may be newer than the engine's place in the record.
            if nth == late { whole.keep(folder.path()).expect("written"); }
            found.push(take(&mut whole, one));
        }
        if late == steps.len() { whole.keep(folder.path()).expect("written"); }
        let mut again = Watch::new(&[7; 32]);
        again.restore(folder.path());
        let position = if kept == 0 { 0 } else { steps[kept - 1].at_ms };
        for one in steps[..kept].iter().filter(|one| one.at_ms + BACK_MS > position) {
            take(&mut again, one);
        }
        for (nth, one) in steps.iter().enumerate().skip(kept) {
            prop_assert_eq!(take(&mut again, one), found[nth].clone(), "{} of {}, kept {} and {}", nth, steps.len(), kept, late);
        }
    }
}

/// A person whose records are erased, as these tests number people.
fn gone(who: &str, of: Option<(u64, u64)>) -> Gone {
    let at = |second: u64| MONDAY + 8 * DAY + second * 1000;
    let mark = format!("{:032x}", Here(&visit(0, who, "x.example")).who());
    crate::audit::erasure::gone::fixture::gone(&mark, of.map(|(from, _)| at(from)), of.map(|(_, to)| at(to)))
}

#[test]
fn who_is_erased_was_never_there_in_memory_nor_in_the_file() {
    let host = "new.example";
    let of = |who: &str| Here(&visit(0, who, host)).who();
    let went = || {
        let mut watch = watch();
        assert_eq!(take(&mut watch, &search(0, "a")), NOTHING);
        assert_eq!(take(&mut watch, &visit(10, "b", host)), NOTHING);
        assert_eq!(take(&mut watch, &One { start: Start::Loaded, ..visit(20, "a", host) }), NOTHING);
        watch
    };
    let third = |watch: &mut Watch| (take(watch, &visit(30, "a", "other.example")), take(watch, &visit(60, "c", host)));
    let spread = vec!["spread 3 of before".to_owned(), "spread 3 of before".to_owned(), "spread 3".to_owned()];
    assert_eq!(third(&mut went()), (vec!["method 3".into()], spread.clone()), "nobody is erased");
    for (one, taken, then) in [
        (gone("a", None), 1, (vec![], vec![])),
        (gone("d", None), 0, (vec!["method 3".into()], spread.clone())),
        (gone("a", Some((0, 5))), 0, (vec![], spread.clone())),
        (gone("a", Some((15, 25))), 1, (vec!["method 3".into()], vec![])),
    ] {
        let mut watch = went();
        assert_eq!(watch.erase(|who| erased::is(&one, &format!("{who:032x}")), &one), taken, "{one:?}");
        assert_eq!(third(&mut watch), then, "{one:?}");
        // The same of the file.
        let folder = tempfile::tempdir().expect("a folder");
        went().keep(folder.path()).expect("written");
        assert_eq!((look_for(folder.path(), &one), take_out(folder.path(), std::slice::from_ref(&one)).expect("written")), (taken, taken));
        assert_eq!(look_for(folder.path(), &one), 0);
        let text = fs::read_to_string(folder.path().join(PEOPLE)).expect("there");
        assert_eq!(text.contains(&format!("{:032x}", of("a"))), taken == 0, "{text}");
        assert!(text.contains(&format!("{:032x}", of("b"))), "{text}");
    }
}

#[test]
fn what_was_kept_and_cannot_be_read_makes_nothing_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = watch();
    first.keep(folder.path()).expect("written");
    for (name, bytes) in [(NAMES, &b"torn"[..]), (PEOPLE, b"{")] {
        let kept = fs::read(folder.path().join(name)).expect("there");
        fs::write(folder.path().join(name), bytes).expect("written");
        let mut again = Watch::new(&[7; 32]);
        again.restore(folder.path());
        let is_known = again.names.since_ms() == first.names.since_ms();
        assert_eq!(is_known, name == PEOPLE, "{name}");
        fs::write(folder.path().join(name), kept).expect("written");
    }
}
