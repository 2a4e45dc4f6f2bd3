//! What records say of themes.

use super::*;
use crate::audit::{Class, RecordId};
use crate::bypass::Finding;
use crate::category::fixture::taxonomy;
use crate::insight::{Stage, Start};
use crate::policy::words::Said;
use std::net::{IpAddr, Ipv4Addr};

const PHRASES: &str = "theme: suicide
category: self-harm
language: English
6 suicidal
6 want to die
8 suicid*
40 painless way to die
50 tie a noose
60 tie a rope
25 hate my life
-20 suicide prevention
theme: drugs
category: drugs
30 buy weed
theme: bypass
category: bypass
30 unblock youtube
15 get around
40 tunnel out
theme: all
-15 lesson plan
reads: asked
theme: suicide
75 i [really] want to die
25 i .. (feel|am) so low
25 i hate my life
40 she wants to die unless act
-100 die in minecraft
";

fn book() -> Book {
    let taxonomy = taxonomy(&["self-harm", "drugs", "bypass", "help", "news", "stranger-chat", "forum"]);
    let mut builder = Lexicon::builder();
    assert!(builder.read("phrases/danger", PHRASES).is_empty());
    let lexicon = Arc::new(builder.build().expect("room"));
    Book::of(Weights::shipped(&taxonomy), (taxonomy, lexicon), (vec!["usher.internal".into()], SelfTest::new(&[7; 32])), Vec::new())
}

fn seen<'a>() -> Seen<'a> {
    Seen {
        id: RecordId::first_of(1_795_600_800_000),
        at_ms: 1_795_600_800_000,
        user: None,
        client: IpAddr::V4(Ipv4Addr::new(10, 7, 0, 1)),
        group: "year-7",
        confidence: "place",
        class: Class::Visit,
        kind: Kind::Visit,
        start: Start::Typed,
        verdict: Verdict::Allowed,
        reason: "unlisted",
        why: "",
        categories: "",
        host: "www.site.example",
        path: "/",
        search: None,
        cause: None,
        dest: None,
        mode: None,
    }
}

/// Theme, intent and strength of each.
fn short(signals: &[Signal]) -> Vec<String> {
    signals
        .iter()
        .map(|Signal { theme, sign, .. }| format!("{} {:?} {} {:?}", theme.as_str(), sign.intent, sign.strength, sign.handled).to_lowercase())
        .collect()
}

fn of(seen: &Seen<'_>) -> Vec<String> {
    short(&signals(seen, &book()))
}

const NOTHING: [&str; 0] = [];

#[test]
fn listed_sites_are_signals_of_their_theme_by_what_set_them_off() {
    let listed = |categories, start| Seen { categories, start, reason: "category", verdict: Verdict::Blocked, ..seen() };
    assert_eq!(of(&listed("self-harm", Start::Typed)), ["self-harm typed 100 blocked"]);
    assert_eq!(of(&listed("self-harm drugs", Start::Loaded)), ["self-harm embedded 100 blocked", "drugs embedded 100 blocked"]);
    assert_eq!(of(&listed("self-harm", Start::Background)), NOTHING);
    assert_eq!(of(&listed("news nothing-known", Start::Typed)), NOTHING);
    assert_eq!(of(&Seen { kind: Kind::Background, ..listed("self-harm", Start::Typed) }), NOTHING);
    let helps = signals(&listed("self-harm help", Start::Typed), &book());
    assert!(helps[0].sign.helps);
    assert_eq!(of(&listed("bypass", Start::Clicked)), ["bypass clicked 4 blocked"]);
    assert_eq!(of(&listed("bypass", Start::Loaded)), NOTHING);
    // The same site is the same sign, whatever stands before its name.
    let key = |host| signals(&Seen { host, ..listed("drugs", Start::Typed) }, &book())[0].sign.key;
    assert_eq!(key("www.site.example"), key("m.site.example"));
    assert_ne!(key("www.site.example"), key("other.example"));
    // To go on to another page is another; what is asked of a page is not. Where it is grave, time tells.
    let of = |categories, path| signals(&Seen { path, ..listed(categories, Start::Clicked) }, &book())[0].sign.key;
    let passed = |path| signals(&Seen { path, verdict: Verdict::Allowed, ..listed("drugs", Start::Clicked) }, &book())[0].sign.key;
    assert_eq!(passed("/"), passed("/en"), "what passes may be sent on");
    assert_ne!(of("drugs", "/shop"), of("drugs", "/shop/basket"));
    assert_eq!(of("drugs", "/shop/?page=2"), of("drugs", "/shop"));
    assert_eq!(of("self-harm", "/a"), of("self-harm", "/b"));
}

#[test]
fn places_where_it_only_begins_are_one_sign_however_many_and_often() {
    let mut book = book();
    let forum = book.taxonomy.find("forum").expect("a category");
    let abuse = &mut book.weights.themes[Theme::Abuse as usize];
    (abuse.categories, abuse.places) = (abuse.categories.with(forum), abuse.places.with(forum));
    book.telling = book.telling.with(forum);
    let of = |minute: u64, host, start, categories| {
        let id = RecordId::first_of(1_795_600_800_000 + minute * 60_000);
        let seen = Seen { id, host, categories, start, reason: "category", verdict: Verdict::Blocked, ..seen() };
        signals(&seen, &book).pop().expect("a sign")
    };
    let at = |minute, host, start| of(minute, host, start, "stranger-chat");
    let come = |signs: &[&Signal]| severity::weigh(Theme::Abuse, &signs.iter().map(|one| &one.sign).collect::<Vec<_>>(), &[1], &book.weights).level;
    let (first, later, other) = (at(0, "one.example", Start::Clicked), at(600, "one.example", Start::Clicked), at(900, "two.example", Start::Clicked));
    assert_eq!((first.theme, first.sign.key), (Theme::Abuse, later.sign.key));
    assert_eq!(first.sign.key, other.sign.key);
    assert_eq!(first.sign.key, of(9, "three.example", Start::Clicked, "forum").sign.key, "of whichever category");
    assert_eq!(come(&[&first, &later, &other]), Some(Level::Watch), "clicks, on whichever of them");
    assert_eq!(come(&[&at(0, "one.example", Start::Typed)]), Some(Level::Watch), "nor typed");
    let factors = severity::weigh(Theme::Abuse, &[&at(0, "one.example", Start::Typed).sign], &[1], &book.weights).factors;
    assert_eq!(factors.last().map(String::as_str), Some("To be at such a site, however often, is never more than watch without another sign."));
    let mut said = at(1, "one.example", Start::Clicked);
    (said.sign.source, said.sign.key, said.sign.strength) = (Source::Words, 1, 90);
    assert_eq!(come(&[&first, &said]), Some(Level::Concern), "what is said there besides");
    assert_eq!(come(&[&said]), Some(Level::Watch), "which alone is none");
    let (mut strong, mut another) = (said.clone(), said.clone());
    (strong.sign.key, strong.sign.strength, strong.sign.intent, strong.sign.source) = (2, severity::STRONG, Intent::Typed, Source::Search);
    another.sign.key = 3;
    assert_eq!(come(&[&strong, &said, &first]), Some(Level::Concern), "it is none of the signs that make danger");
    assert_eq!(come(&[&strong, &said, &another]), Some(Level::Danger));
}

#[test]
fn what_is_against_the_law_has_a_level_of_its_own() {
    let illegal = |kind, start| {
        signals(&Seen { categories: "terrorism", kind, start, reason: "always-blocked", verdict: Verdict::Blocked, ..seen() }, &book())[0].clone()
    };
    for (kind, start, floor) in [
        (Kind::Visit, Start::Typed, Level::Danger),
        (Kind::Visit, Start::Clicked, Level::Danger),
        (Kind::Resource, Start::Loaded, Level::Concern),
        (Kind::Background, Start::Background, Level::Concern),
    ] {
        let signal = illegal(kind, start);
        assert_eq!((signal.theme, signal.sign.floor), (Theme::Illegal, Some(floor)));
    }
}

#[test]
fn searches_and_prompts_are_weighed_by_what_phrases_know() {
    let asked = |term, stage, start| Seen { kind: Kind::Search, class: Class::Search, start, search: Some(("google", term, stage)), ..seen() };
    use Stage::{Asked, Typing};
    for (term, stage, expected) in [
        ("painless way to die", Asked, vec!["self-harm typed 105 passed"]),
        ("PAINLESS  way-to d1e", Asked, vec!["self-harm typed 105 passed"]),
        ("how to tie a noose", Asked, vec!["self-harm typed 105 passed"]),
        ("tie a rope", Asked, vec!["self-harm typed 200 passed"]),
        ("painless way to die or tie a noose", Asked, vec!["self-harm typed 105 passed"]),
        ("suicidal", Asked, vec![]),
        ("suicidal want to die", Asked, vec!["self-harm typed 25 passed"]),
        ("painless way to die lesson plan", Asked, vec!["self-harm typed 70 passed"]),
        ("suicide prevention", Asked, vec![]),
        ("buy weed painless way to die", Asked, vec!["drugs typed 40 passed", "self-harm typed 105 passed"]),
        ("unblock youtube", Asked, vec!["bypass typed 8 passed"]),
        ("unblock youtube", Typing, vec!["bypass typed 2 passed"]),
        ("get around the filter", Asked, vec!["bypass typed 3 passed"]),
        ("tunnel out of school", Asked, vec!["bypass typed 12 passed"]),
        ("the weather tomorrow", Asked, vec![]),
        ("hate my life", Asked, vec!["self-harm typed 70 passed"]),
        // Two of 25 are as one of 40; a pattern and a phrase of the same words are one.
        ("hate my life i feel so low", Asked, vec!["self-harm typed 105 passed"]),
        ("i hate my life", Asked, vec!["self-harm typed 70 passed"]),
        ("i really want to die", Asked, vec!["self-harm typed 200 passed"]),
        ("i really want to di", Typing, vec![]),
        // What is said of oneself stays a concern whatever stands beside it; what is a game is nothing.
        ("i want to die lesson plan", Asked, vec!["self-harm typed 200 passed"]),
        ("i want to die suicide prevention lesson plan", Asked, vec!["self-harm typed 105 passed"]),
        ("what if i tie a rope suicide prevention lesson plan", Asked, vec!["self-harm typed 105 passed"]),
        ("i want to die in minecraft", Asked, vec![]),
        ("she wants to die act five", Asked, vec![]),
        ("painless way to die", Typing, vec!["self-harm typed 105 passed"]),
        ("painless way to d", Typing, vec![]),
        ("how to tie a n", Typing, vec![]),
        ("suicidx want to die", Asked, vec!["self-harm typed 25 passed"]),
        ("suicidx want to die", Typing, vec![]),
    ] {
        let mut said = of(&asked(term, stage, Start::Typed));
        said.sort();
        assert_eq!(said, expected, "{term}");
    }
    assert_eq!(of(&asked("painless way to die", Asked, Start::Loaded)), ["self-harm embedded 105 passed"]);
    assert_eq!(of(&asked("painless way to die", Asked, Start::Background)), NOTHING);
    let prompt = Seen { search: Some(("chatgpt", "painless way to die", Asked)), ..asked("", Asked, Start::Typed) };
    assert_eq!(ai::label("chatgpt").is_some(), signals(&prompt, &book())[0].sign.source == Source::Prompt);
    // The entry is named by its line, and not said.
    let says = &signals(&asked("painless way to die", Asked, Start::Typed), &book())[0].sign.says;
    assert_eq!(says, "The words searched for match an entry that weighs 40 for suicide (danger, line 7).");
}

/// The signs of searches, one a minute.
fn searching(terms: &[(&str, Stage)]) -> Vec<Signal> {
    let book = book();
    let mut found = Vec::new();
    for (nth, (term, stage)) in terms.iter().enumerate() {
        let id = RecordId::first_of(seen().at_ms + nth as u64 * 60_000);
        found.extend(signals(&Seen { id, kind: Kind::Search, class: Class::Search, search: Some(("google", term, *stage)), ..seen() }, &book));
    }
    found
}

#[test]
fn three_searches_for_ways_round_are_a_concern_one_is_watched_and_the_same_one_counts_once() {
    use Stage::{Asked, Typing};
    let one = ("unblock youtube", Asked);
    let typing: Vec<_> = (1..=15).map(|end| (&one.0[..end], Typing)).collect();
    let others = [("unblock youtube at school", Asked), ("unblock youtube free", Asked)];
    for (what, terms, expected) in [
        ("one", vec![one], Some(Level::Watch)),
        ("the same, in other spellings", vec![one, ("Unblock   YOUTUBE", Asked), ("unbl0ck youtube", Asked), one], Some(Level::Watch)),
        ("each letter of two", [&typing[..], &[one], &typing, &[others[0]]].concat(), Some(Level::Watch)),
        ("two", vec![one, others[0]], Some(Level::Watch)),
        ("three", vec![one, others[0], others[1]], Some(Level::Concern)),
        ("three that others type too", vec![("get around", Asked), ("get around it", Asked), ("get around here", Asked)], Some(Level::Watch)),
    ] {
        let found = searching(&terms);
        let signs: Vec<&Sign> = found.iter().map(|signal| &signal.sign).collect();
        let weighed = severity::weigh(Theme::Bypass, &signs, &[], &book().weights);
        assert_eq!(weighed.level, expected, "{what}: {weighed:?}");
        // What is kept and stated says no word of it.
        let kept = serde_json::to_string(&signs).expect("text");
        assert!(!kept.contains("youtube") && !weighed.factors.concat().contains("youtube"), "{kept}");
    }
}

#[test]
fn words_on_record_are_read_as_they_are_written() {
    let words = |way, group: &str| crate::policy::words::Words {
        way,
        group: group.into(),
        said: Said::Over { theme: "suicide".into(), category: None, points: 120, threshold: 100, seen: vec!["are too many.".into()] },
    };
    for group in ["year-7", "year 9 points, and for 7 are too few", "x"] {
        for way in [Way::Answer, Way::Upload] {
            let why = words(way, group).on_record();
            assert_eq!(PageWords::read(&why), Some(("suicide".into(), 120, 100, way)), "{why}");
        }
    }
    assert_eq!(PageWords::read("This page cannot be read to see what is in it: it is too long."), None);
    let why = words(Way::Upload, "year-7").on_record();
    // What it was about is among its categories, and no list says so.
    let blocked = Seen { reason: "words", why: &why, categories: "self-harm", verdict: Verdict::Blocked, start: Start::Loaded, ..seen() };
    assert_eq!(of(&blocked), ["self-harm typed 105 blocked"]);
    let noted = Remark::Words { theme: "suicide".into(), points: 300, threshold: 100, way: Way::Answer };
    assert_eq!(short(&remarked(&seen(), &[noted], &book())), ["self-harm typed 150 passed"]);
}

#[test]
fn ways_round_are_signals_by_reason_and_by_remark() {
    let refused = |reason, verdict| of(&Seen { reason, verdict, ..seen() });
    assert_eq!(refused("not-tls", Verdict::Refused), ["bypass typed 20 blocked"]);
    assert_eq!(refused("not-tls", Verdict::Allowed), NOTHING, "the group's tunnels may carry that");
    assert_eq!(refused("republished", Verdict::Blocked), ["bypass typed 4 blocked"]);
    assert_eq!(refused("republished", Verdict::Allowed), NOTHING);
    assert_eq!(refused("free-host", Verdict::Allowed), ["bypass typed 4 passed"], "a sign that is on record by itself");
    let remark = |points| Remark::Way { code: Code::Address, points, target: None };
    assert_eq!(short(&remarked(&seen(), &[remark(5), remark(5)], &book())), ["bypass typed 5 passed"]);
    assert_eq!(remarked(&seen(), &[remark(0)], &book()), Signals::new());
    let mut never = book();
    never.weights.ways.never.push(Code::Address);
    assert_eq!(remarked(&seen(), &[remark(5)], &never), Signals::new());
}

#[test]
fn each_site_meant_by_a_way_round_counts_whether_it_is_let_through_or_not() {
    let found = |site: &str| Finding::new(Code::Encoded, "an address in base64").of_target(site);
    let at = |site: &str| format!("{} Games is blocked for year-7.", found(site).why());
    let signs = |whys: &[String], verdict| -> Vec<Signal> {
        let refused = |why| Seen { reason: "encoded", why, verdict, host: "proxy.example", ..seen() };
        whys.iter().flat_map(|why| signals(&refused(why), &book())).collect()
    };
    let sum = |signs: &[Signal]| severity::weigh(Theme::Bypass, &signs.iter().map(|one| &one.sign).collect::<Vec<_>>(), &[], &book().weights).points;
    let sites: Vec<_> = (0..6).map(|nth| format!("games{nth}.example")).collect();
    for count in [1, 3, 6] {
        let whys: Vec<_> = sites[..count].iter().map(|site| at(site)).collect();
        let passed: Vec<_> = sites[..count].iter().flat_map(|site| remarked(&seen(), &[Remark::from(&found(site))], &book())).collect();
        for verdict in [Verdict::Blocked, Verdict::Warned] {
            let refused = signs(&whys, verdict);
            assert_eq!((sum(&refused), sum(&passed)), (4 * count as u32, 4 * count as u32), "{count} sites");
            // One site is one sign, be it refused at one time and let through at another.
            assert_eq!(refused.iter().map(|one| one.sign.key).collect::<Vec<_>>(), passed.iter().map(|one| one.sign.key).collect::<Vec<_>>());
        }
    }
    // The same where a list knows the proxy's addresses by how they begin.
    let listed = |path| Seen { categories: "bypass", reason: "category", verdict: Verdict::Blocked, start: Start::Typed, path, ..seen() };
    let paths = ["/hvtrs8%2F-gcmgs3.gxcmrlg", "/hvtrs8%2F-gcmgs0.gxcmrlg", "/hvtrs8%2F-gcmgs0.gxcmrlg%2Frlcy", "/"];
    let found: Vec<_> = paths.into_iter().flat_map(|path| signals(&listed(path), &book())).collect();
    assert_eq!(sum(&found), 12, "two sites, one of them twice, and the proxy's own page");
    assert_eq!(sum(&signs(&[at("games.example"), at("games.example")], Verdict::Blocked)), 4, "the same site twice");
    assert_eq!(sum(&signs(&["Something else.".to_owned(), "And else.".to_owned()], Verdict::Blocked)), 4, "nothing is known to be meant");
}

#[test]
fn what_is_ushers_own_is_no_signal() {
    let test = SelfTest::new(&[7; 32]);
    let path = test.path("hurt.example", "a1b2");
    let listed = Seen { categories: "self-harm", verdict: Verdict::Blocked, reason: "category", host: "hurt.example", ..seen() };
    assert_eq!(of(&Seen { path: &path, ..listed.clone() }), NOTHING);
    assert_eq!(of(&Seen { path: &path, host: "other.example", ..listed.clone() }).len(), 1, "for one host only");
    assert_eq!(of(&Seen { path: "/usher-self-test/a1b2/0000", ..listed.clone() }).len(), 1, "whoever has not the secret cannot make one");
    assert_eq!(of(&Seen { host: "usher.internal", ..listed.clone() }), NOTHING);
    assert_eq!(of(&Seen { verdict: Verdict::Answered, ..listed }), NOTHING);
}
