//! Whose access is restricted: what is taken away, for how long, and what never is.

use super::*;
use crate::policy::restrict::{How, Restriction, Subject, until_words};
use jiff::{Timestamp, ToSpan as _};

const NOON: &str = "2026-11-27T12:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

/// From noon until half past three.
fn restriction(number: u64, who: Subject, how: How) -> Restriction {
    Restriction { number, who, how, from: at(NOON), until: at("2026-11-27T15:30:00Z"), by: "Mr Roe".into(), reason: "secret".into(), tell: None }
}

fn restricting(mut school: School, all: Vec<Restriction>) -> School {
    let own = vec![Host::parse("usher.internal").expect("a host")];
    school.policy.inspection.own.clone_from(&own);
    school.policy.restrictions = Arc::new(Restrictions::new(all.into_iter().map(Arc::new).collect(), &own));
    school
}

fn only(categories: &[&str], hosts: &[&str]) -> How {
    let hosts = hosts.iter().map(|host| Host::parse(host).expect("a host")).collect();
    How::Only { categories: categories.iter().map(|id| (*id).into()).collect(), hosts }
}

fn pupil<'a>(name: &str, url: &'a str, at: &'a str) -> Asked<'a> {
    Asked { identity: Identity::proved(name.into(), Standing::Member(GroupId(0))), at, ..asked(0, url) }
}

#[test]
fn what_is_taken_away_is_blocked_until_its_end_and_nothing_else_is() {
    let user = || Subject::user("J.Patel");
    let device = || Subject::device("::ffff:10.7.0.1".parse().expect("an address"));
    for (who, how, name, url, time, expected) in [
        (user(), How::Off, "j.patel", "news.example", NOON, "restricted"),
        (user(), How::Off, "J.PATEL", "news.example", NOON, "restricted"),
        (user(), How::Off, "j.patel", "education.example", "2026-11-27T15:29:59Z", "restricted"),
        (user(), How::Off, "j.patel", "education.example", "2026-11-27T15:30:00Z", "category"),
        (user(), How::Off, "j.patel", "education.example", "2026-11-27T11:59:59Z", "category"),
        (user(), How::Off, "k.smith", "news.example", NOON, "unlisted"),
        (user(), How::Off, "j.patel", "help.example", NOON, "unlisted"),
        (user(), How::Off, "j.patel", "terrorism.example", NOON, "always-blocked"),
        (user(), only(&["education"], &["school.example"]), "j.patel", "education.example", NOON, "category"),
        (user(), only(&["education"], &["school.example"]), "j.patel", "www.school.example", NOON, "unlisted"),
        (user(), only(&["education"], &["school.example"]), "j.patel", "myschool.example", NOON, "restricted"),
        (user(), only(&["education"], &["school.example"]), "j.patel", "games.example", NOON, "restricted"),
        // What is open to them is no more open than to others.
        (user(), only(&["games"], &[]), "j.patel", "games.example", NOON, "category"),
        // A category that is none any more opens nothing.
        (user(), only(&["gone"], &[]), "j.patel", "education.example", NOON, "restricted"),
        (user(), How::Slow { kib: 64 }, "j.patel", "news.example", NOON, "unlisted"),
        (device(), How::Off, "j.patel", "news.example", NOON, "restricted"),
        (device(), How::Off, "anybody.else", "news.example", NOON, "restricted"),
        (Subject::device("10.7.0.2".parse().expect("an address")), How::Off, "j.patel", "news.example", NOON, "unlisted"),
    ] {
        let school = restricting(school(), vec![restriction(7, who.clone(), how.clone())]);
        let (_, reason) = answer(&school, &pupil(name, url, time));
        assert_eq!(reason.kind(), expected, "{who:?} {how:?}: {name} at {url}, {time}");
        assert!(!reason.text(&school.taxonomy).contains("secret"), "why is for staff");
    }
}

#[test]
fn of_several_each_takes_away_what_it_does_and_the_slowest_speed_holds() {
    let user = || Subject::user("j.patel");
    let all = vec![
        restriction(1, user(), How::Slow { kib: 256 }),
        restriction(2, Subject::device("10.7.0.1".parse().expect("an address")), How::Slow { kib: 64 }),
        restriction(3, user(), only(&["education"], &[])),
        restriction(4, user(), only(&["games", "education"], &[])),
    ];
    let school = restricting(school(), all);
    let rule = |url: &str| {
        let url = Url::parse(url).expect("a url");
        let (found, client) = (school.lists.look_up(&url), "10.7.0.1".parse().expect("an address"));
        let ruling = school.policy.restrictions.rule((Some("j.patel"), client), (&url.host, found.categories), &school.taxonomy, at(NOON));
        (ruling.blocked.map(|one| one.number), ruling.slowed.map(|(kib, one)| (kib, one.number)))
    };
    assert_eq!(rule("education.example"), (None, Some((64, 2))));
    assert_eq!(rule("games.example"), (Some(3), Some((64, 2))));
    assert_eq!(rule("help.example"), (None, None), "what helps is not slowed either");
    assert_eq!(rule("usher.internal"), (None, None));
}

#[test]
fn until_when_is_said_as_people_say_it_who_look_at_a_clock() {
    let now = at(NOON).in_tz("Europe/London").expect("a zone");
    for (hours, expected) in [(3, "15:00"), (11, "23:00"), (45, "Sunday 29 November at 09:00")] {
        assert_eq!(until_words(at(NOON) + hours.hours(), &now), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the policy is, and whatever somebody's restrictions are: at sites that help, and at Usher's own, it is as if there were none.
    #[test]
    fn no_restriction_reaches_what_helps_or_ushers_own_pages(
        policy in any_policy(&school()),
        hows in proptest::collection::vec((any::<bool>(), 0..3u8), 1..6),
        member in 0..4u8,
        tunnel: bool,
    ) {
        let free = School { policy, ..school() };
        let own = vec![Host::parse("usher.internal").expect("a host")];
        let free = School { policy: Policy { inspection: Inspection { own, ..Inspection::default() }, ..free.policy.clone() }, ..free };
        let all = (1..).zip(&hows).map(|(number, (of_device, how))| {
            let who = if *of_device { Subject::device("10.7.0.1".parse().expect("an address")) } else { Subject::user("j.patel") };
            let how = match how { 0 => How::Off, 1 => only(&["education"], &[]), _ => How::Slow { kib: 1 } };
            restriction(number, who, how)
        });
        let restricted = restricting(School { policy: free.policy.clone(), ..school() }, all.collect());
        for url in ["help.example", "mixed-help.example/chat", "a.b.help.example", "usher.internal/ca", "usher.internal"] {
            let mut asked = pupil("j.patel", url, NOON);
            if member == 3 {
                asked.identity = Identity::proved("j.patel".into(), Standing::Unknown);
            } else {
                asked.identity = Identity::proved("j.patel".into(), Standing::Member(GroupId(member)));
            }
            if tunnel {
                asked.method = "CONNECT";
            }
            prop_assert_eq!(answer(&restricted, &asked), answer(&free, &asked), "{}", url);
        }
    }

    /// And everywhere else somebody who is off is off, for whatever rule or category would allow it.
    #[test]
    fn nothing_a_school_allows_lets_in_somebody_who_is_off(policy in any_policy(&school()), member in 0..3u8, which in 0..6usize) {
        let restricted = restricting(School { policy, ..school() }, vec![restriction(1, Subject::user("j.patel"), How::Off)]);
        let url = ["news.example", "education.example", "games.example", "chat.example", "drugs.example", "10.1.2.3"][which];
        let mut asked = pupil("j.patel", url, NOON);
        asked.identity = Identity::proved("j.patel".into(), Standing::Member(GroupId(member)));
        let (action, reason) = answer(&restricted, &asked);
        prop_assert_eq!((action, reason.kind()), (Action::Block, "restricted"));
    }
}
