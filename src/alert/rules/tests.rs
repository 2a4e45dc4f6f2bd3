use super::*;
use crate::audit::Class;
use crate::audit::erasure::gone::fixture;
use std::net::IpAddr;

/// What a test says of a record; the rest is as usual.
#[derive(Clone, Copy)]
struct Of {
    at_ms: u64,
    id: u64,
    user: Option<&'static str>,
    host: &'static str,
    search: Option<(&'static str, &'static str, Stage)>,
    kind: Kind,
    verdict: Verdict,
    themes: &'static [Theme],
    ways: &'static [Code],
}

const BASE: Of = Of {
    at_ms: 1_795_687_200_000, // Thursday 26 November 2026, 10:00
    id: 1,
    user: Some("k.smith"),
    host: "bets.example",
    search: None,
    kind: Kind::Visit,
    verdict: Verdict::Blocked,
    themes: &[Theme::Gambling],
    ways: &[],
};

impl Of {
    fn seen(&self) -> Seen<'static> {
        Seen {
            id: RecordId(self.id),
            at_ms: self.at_ms,
            user: self.user,
            client: IpAddr::from([10, 7, 0, 1]),
            group: "year-9",
            confidence: "proved",
            class: Class::Blocked,
            kind: self.kind,
            start: Start::Typed,
            verdict: self.verdict,
            reason: "category",
            why: "",
            categories: "gambling games",
            host: self.host,
            path: "/",
            search: self.search,
            cause: None,
            dest: None,
            mode: None,
        }
    }

    fn is(self, condition: &Condition) -> bool {
        condition.holds(&Facts::new(&self.seen(), self.themes, self.ways, &timetable()))
    }
}

fn timetable() -> Timetable {
    crate::alert::quiet::tests::school()
}

fn words(text: &str) -> Vec<Words> {
    vec![Words::of(text).expect("words")]
}

#[test]
fn a_condition_holds_of_what_it_says_and_of_nothing_else() {
    let asked = Of { search: Some(("google", "How to make a B0MB at home", Stage::Asked)), kind: Kind::Search, ..BASE };
    let ai = Of { search: Some(("chatgpt", "how to make a bomb", Stage::Asked)), kind: Kind::Search, ..BASE };
    let lessons = timetable().named("lessons").expect("lessons");
    let sunday = Of { at_ms: BASE.at_ms + 3 * 86_400_000, ..BASE };
    let christmas = Of { at_ms: BASE.at_ms + 28 * 86_400_000, ..BASE };
    assert!(ai::label("chatgpt").is_some() && ai::label("google").is_none());
    for (condition, yes, no) in [
        (Condition::User(vec![Glob::new("K.*")]), BASE, Of { user: None, ..BASE }),
        (Condition::Host(vec![Host::parse("bets.example").expect("a host")]), Of { host: "www.bets.example", ..BASE }, Of { host: "notbets.example", ..BASE }),
        (Condition::During(lessons), BASE, sunday),
        (Condition::Term(Term::In), BASE, christmas),
        (Condition::Term(Term::Out), christmas, BASE),
        (Condition::Theme(vec![Theme::Gambling]), BASE, Of { themes: &[Theme::Hate], ..BASE }),
        (Condition::Kind(vec![Kind::Visit]), BASE, asked),
        (Condition::Verdict(vec![Verdict::Blocked]), BASE, Of { verdict: Verdict::Allowed, ..BASE }),
        (Condition::Search(words("make a bomb")), asked, ai),
        (Condition::Prompt(words("make a bomb")), ai, asked),
        (Condition::Search(words("bomb make")), Of { search: Some(("google", "bomb make", Stage::Asked)), ..BASE }, asked),
        (Condition::Way(vec![Code::Wisp]), Of { ways: &[Code::Tor, Code::Wisp], ..BASE }, Of { ways: &[Code::Tor], ..BASE }),
    ] {
        assert!(yes.is(&condition), "{condition:?}");
        assert!(!no.is(&condition), "not {condition:?}");
    }
    assert!(BASE.is(&Condition::Group(vec!["year-9".into()])) && !BASE.is(&Condition::Group(vec!["year-1".into()])));
    assert!(BASE.is(&Condition::Category(vec!["games".into()])) && !BASE.is(&Condition::Category(vec!["gam".into()])));
    assert!(
        BASE.is(&Condition::Network(vec!["10.7.0.0/16".parse().expect("a range")]))
            && !BASE.is(&Condition::Network(vec!["10.8.0.0/16".parse().expect("a range")]))
    );
}

#[test]
fn words_stand_whole_and_side_by_side_however_they_are_spelled() {
    for (wanted, text, expected) in [
        ("how to kill", "how to kill my", true),
        ("how to kill", "HOW  to-KIIILL", true),
        ("how to kill", "how to killer", false),
        ("how to kill", "how not to kill", false),
        ("bomb", "b0mb", true),
        ("bomb", "bombay", false),
        ("how to kill", "how to", false),
    ] {
        assert_eq!(Words::of(wanted).expect("words").are_in(text), expected, "{wanted} in {text}");
    }
    assert_eq!(Words::of("?!"), None);
}

fn rule(count: u32, distinct: Distinct, minutes: u64) -> Rule {
    Rule {
        name: "many".into(),
        when: vec![Condition::Verdict(vec![Verdict::Blocked])],
        count,
        distinct,
        within: Duration::from_secs(60 * minutes),
        level: Level::Concern,
        themes: vec![Theme::Gambling, Theme::Drugs],
        reason: "why".into(),
        review: jiff::civil::date(2027, 9, 1),
    }
}

/// Records at these minutes, of these hosts; after which of them the rule fired, and whether it was more of the same.
fn fired(rule: Rule, records: &[(u64, &'static str)]) -> Vec<(u64, bool)> {
    let mut counts = Counts::new([rule].into());
    let mut all = Vec::new();
    for (id, (minute, host)) in (1..).zip(records) {
        let of = Of { id, at_ms: BASE.at_ms + minute * 60_000, host, ..BASE };
        all.extend(counts.take(&Facts::new(&of.seen(), of.themes, of.ways, &timetable())).into_iter().map(|fired| (id, fired.again)));
    }
    all
}

#[test]
fn a_rule_fires_when_so_many_were_within_the_time() {
    let three = || rule(3, Distinct::Host, 15);
    for (records, expected, why) in [
        (&[(0, "a.example"), (1, "b.example"), (2, "c.example")][..], vec![(3, false)], "three sites in three minutes"),
        (&[(0, "a.example"), (1, "b.example"), (15, "c.example")], vec![], "the first is a quarter of an hour old"),
        (&[(0, "a.example"), (1, "b.example"), (14, "c.example")], vec![(3, false)], "just in time"),
        (&[(0, "a.example"), (1, "a.example"), (2, "b.example"), (3, "a.example")], vec![], "two sites"),
        (&[(0, "a.example"), (10, "b.example"), (20, "a.example"), (21, "c.example")], vec![(4, false)], "a site that is seen again is as new"),
        (&[(0, "a.example"), (1, "b.example"), (2, "c.example"), (3, "d.example"), (4, "d.example")], vec![(3, false), (4, true), (5, true)], "and goes on"),
        (
            &[(0, "a.example"), (1, "b.example"), (2, "c.example"), (40, "a.example"), (41, "b.example"), (42, "c.example")],
            vec![(3, false), (6, false)],
            "again",
        ),
        (&[(20, "a.example"), (21, "b.example"), (2, "c.example"), (22, "d.example")], vec![(4, false)], "one that comes late is of its own time"),
    ] {
        assert_eq!(fired(three(), records), expected, "{why}");
    }
    assert_eq!(fired(rule(2, Distinct::Record, 15), &[(0, "a.example"), (1, "a.example")]), [(2, false)]);
    assert_eq!(fired(rule(1, Distinct::Record, 0), &[(0, "a.example"), (1, "a.example")]), [(1, false), (2, false)]);
}

#[test]
fn people_are_counted_each_for_themselves_and_devices_where_nobody_is_known() {
    let mut counts = Counts::new([rule(2, Distinct::Host, 15)].into());
    let mut take = |id, user, host| {
        let of = Of { id, user, host, ..BASE };
        !counts.take(&Facts::new(&of.seen(), of.themes, of.ways, &timetable())).is_empty()
    };
    assert!(!take(1, Some("k.smith"), "a.example"));
    assert!(!take(2, Some("j.patel"), "b.example"));
    assert!(!take(3, None, "b.example"));
    assert!(take(4, Some("K.Smith"), "b.example"), "however the name is written");
    assert!(take(5, None, "a.example"));
}

#[test]
fn what_is_erased_of_somebody_counts_no_more() {
    let take = |counts: &mut Counts, minute: u64, user, host| {
        let at_ms = BASE.at_ms + minute * 60_000;
        let of = Of { id: RecordId::first_of(at_ms).0, at_ms, user, host, ..BASE };
        !counts.take(&Facts::new(&of.seen(), of.themes, of.ways, &timetable())).is_empty()
    };
    for (to, left) in [(None, 0), (Some(BASE.at_ms + 60_000), 1)] {
        let mut counts = Counts::new([rule(3, Distinct::Host, 15)].into());
        for user in ["k.smith", "j.patel"] {
            assert!(!take(&mut counts, 0, Some(user), "a.example") && !take(&mut counts, 1, Some(user), "b.example"));
        }
        counts.erase(|person| *person == Person::User("k.smith".into()), &fixture::gone("a mark", None, to));
        let signs =
            |name: &str| counts.windows.iter().filter(|((_, who), _)| *who == Person::User(name.into())).map(|(_, window)| window.signs.len()).sum::<usize>();
        assert_eq!((signs("k.smith"), signs("j.patel")), (left, 2));
        assert!(!take(&mut counts, 2, Some("k.smith"), "c.example") && take(&mut counts, 2, Some("j.patel"), "c.example"));
    }
}

#[test]
fn searches_are_counted_by_their_words_and_not_letter_by_letter() {
    let mut counts = Counts::new([rule(2, Distinct::Term, 15), rule(1, Distinct::Record, 0)].into());
    let mut take = |id, words, stage| {
        let of = Of { id, search: Some(("google", words, stage)), ..BASE };
        counts.take(&Facts::new(&of.seen(), of.themes, of.ways, &timetable())).iter().map(|fired| fired.rule).collect::<Vec<_>>()
    };
    assert_eq!(take(1, "how t", Stage::Typing), [1], "where one is enough, what is being typed counts");
    assert_eq!(take(2, "how to", Stage::Typing), [1]);
    assert_eq!(take(3, "How to bet", Stage::Asked), [1]);
    assert_eq!(take(4, "how-to BET", Stage::Asked), [1], "the same search");
    assert_eq!(take(5, "how to win", Stage::Asked), [0, 1]);
}

#[test]
fn what_it_is_about_is_what_most_were_about() {
    let mut counts = Counts::new([rule(3, Distinct::Record, 15)].into());
    let mut take = |id, themes| {
        let of = Of { id, themes, ..BASE };
        counts.take(&Facts::new(&of.seen(), of.themes, of.ways, &timetable())).pop().map(|fired| (fired.theme, fired.records))
    };
    take(1, &[Theme::Hate, Theme::Drugs]);
    take(2, &[Theme::Gambling]);
    assert_eq!(take(3, &[Theme::Drugs]), Some((Theme::Drugs, vec![RecordId(1), RecordId(2), RecordId(3)])));
    assert_eq!(take(4, &[]).map(|(theme, records)| (theme, records.len())), Some((Theme::Gambling, 3)), "without a theme of its own it is the rule's first");
}

#[test]
fn writing_the_file_anew_lets_nobody_off() {
    let (first, other) = (rule(2, Distinct::Host, 15), Rule { name: "other".into(), ..rule(1, Distinct::Record, 0) });
    let mut counts = Counts::new([first.clone()].into());
    let take = |counts: &mut Counts, id, host| {
        let of = Of { id, host, ..BASE };
        counts.take(&Facts::new(&of.seen(), of.themes, of.ways, &timetable())).iter().map(|fired| fired.rule).collect::<Vec<_>>()
    };
    take(&mut counts, 1, "a.example");
    counts.replace([other.clone(), first].into());
    assert_eq!(take(&mut counts, 2, "b.example"), [0, 1], "it had seen one, at another place");
    counts.replace([other, rule(3, Distinct::Host, 15)].into());
    assert_eq!(take(&mut counts, 3, "c.example"), [0], "a rule that was changed begins anew");
    assert_eq!(counts.longest(), Duration::from_secs(900));
}

#[test]
fn it_never_keeps_more_than_it_may() {
    let mut counts = Counts::new([rule(1000, Distinct::Record, 60 * 24)].into());
    let users: Vec<&'static str> = (0..MOST_WINDOWS + 3000).map(|number| &*Box::leak(format!("u{number}").into_boxed_str())).collect();
    for (id, user) in (1..).zip(&users) {
        let of = Of { id, at_ms: BASE.at_ms + id, user: Some(user), ..BASE };
        counts.take(&Facts::new(&of.seen(), of.themes, of.ways, &timetable()));
        assert!(counts.windows.len() <= MOST_WINDOWS);
    }
    assert!(counts.windows.contains_key(&(0, Person::User(users.last().expect("one").to_string()))), "the latest are there");
    for id in 0..5000 {
        let of = Of { id: 1_000_000 + id, ..BASE };
        counts.take(&Facts::new(&of.seen(), of.themes, of.ways, &timetable()));
    }
    assert!(counts.windows.values().all(|window| window.signs.len() <= 1000));
}

#[test]
fn what_it_says_has_no_words_of_searches() {
    let said = Rule { when: vec![Condition::Search(words("make a bomb"))], ..rule(3, Distinct::Host, 15) }.says();
    assert_eq!(said, "The school's rule \"many\": 3 different sites within 15 minutes.");
    assert_eq!(minutes(Duration::from_secs(60)), "1 minute");
    assert_eq!(minutes(Duration::from_secs(7200)), "2 hours");
    assert_eq!(minutes(Duration::from_secs(2 * 86_400)), "2 days");
}

proptest::proptest! {
    /// A plain count over all records agrees.
    #[test]
    fn it_fires_exactly_when_so_many_different_ones_were_within_the_time(records in proptest::collection::vec((0u64..8, 0usize..4), 1..40), count in 2u32..5) {
        const HOSTS: [&str; 4] = ["a.example", "b.example", "c.example", "d.example"];
        let mut minute = 0;
        let records: Vec<_> = records.into_iter().map(|(gap, host)| { minute += gap; (minute, HOSTS[host]) }).collect();
        let fired: Vec<_> = fired(rule(count, Distinct::Host, 15), &records).into_iter().map(|(id, _)| id).collect();
        let expected: Vec<_> = (1..).zip(&records).filter(|(id, (now, _))| {
            let recent: std::collections::HashSet<_> = records[..*id as usize].iter().filter(|(at, _)| at + 15 > *now).map(|(_, host)| host).collect();
            recent.len() >= count as usize
        }).map(|(id, _)| id).collect();
        proptest::prop_assert_eq!(fired, expected);
    }
}
