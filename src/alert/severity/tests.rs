//! The arithmetic, as a table a person can work through.

use super::*;
use crate::alert::signal::Source;
use crate::audit::RecordId;
use crate::category::fixture::taxonomy;

/// Wednesday, 25 November 2026, in lessons.
const MORNING: u64 = 1_795_600_800_000;

fn sign(key: u64, intent: Intent, strength: u32, handled: Handled) -> Sign {
    let record = RecordId::first_of(MORNING + key * 1000);
    let source = if strength == 100 { Source::Category } else { Source::Search };
    Sign {
        record,
        source,
        intent,
        strength,
        handled,
        helps: false,
        key,
        beside: Vec::new(),
        floor: None,
        rule: None,
        held: false,
        says: format!("Sign {key}."),
    }
}

fn weights() -> Weights {
    Weights::shipped(&taxonomy(&["self-harm", "adult"]))
}

fn come(theme: Theme, signs: &[Sign], days: &[u64]) -> (u32, Option<Level>) {
    let weighed = weigh(theme, &signs.iter().collect::<Vec<_>>(), days, &weights());
    (weighed.points, weighed.level)
}

use Handled::{Blocked, Passed, Warned};
use Intent::{Background, Clicked, Embedded, Typed};

#[test]
fn worked_examples() {
    let (watch, concern, danger) = (Some(Level::Watch), Some(Level::Concern), Some(Level::Danger));
    let some = |count: u64, of: &dyn Fn(u64) -> Sign| (0..count).map(of).collect::<Vec<_>>();
    let helped = |sign: Sign| Sign { helps: true, ..sign };
    let beside = |sign: Sign| Sign { beside: vec![RecordId::first_of(MORNING)], ..sign };
    let typed = |strength, handled| vec![sign(1, Typed, strength, handled)];
    let clicked = |count, handled| some(count, &|key| sign(key, Clicked, 100, handled));
    let (listed, words_of) = (sign(1, Clicked, 100, Blocked), Sign { source: Source::Words, ..sign(2, Clicked, 150, Blocked) });
    for (what, theme, signs, days, expected) in [
        ("words of a concern, typed", Theme::SelfHarm, typed(STRONG, Passed), 1, (86, concern)),
        ("the same, blocked", Theme::SelfHarm, typed(STRONG, Blocked), 1, (70, concern)),
        ("words that say it is meant", Theme::SelfHarm, typed(MEANT, Passed), 1, (165, danger)),
        ("the same, blocked", Theme::SelfHarm, typed(MEANT, Blocked), 1, (135, danger)),
        ("the same on a site of help", Theme::SelfHarm, vec![helped(sign(1, Typed, MEANT, Passed))], 1, (41, watch)),
        ("the same, clicked", Theme::SelfHarm, vec![sign(1, Clicked, MEANT, Passed)], 1, (110, watch)),
        ("the same, loaded by a page", Theme::SelfHarm, vec![sign(1, Embedded, MEANT, Passed)], 1, (27, watch)),
        ("nine of them, loaded by a page", Theme::SelfHarm, some(9, &|key| sign(key, Embedded, MEANT, Passed)), 1, (77, watch)),
        ("by a device alone", Theme::SelfHarm, vec![sign(1, Background, 150, Passed)], 1, (0, None)),
        ("words of 25, typed", Theme::SelfHarm, typed(70, Passed), 1, (57, concern)),
        ("the same of drugs", Theme::Drugs, typed(70, Passed), 1, (39, watch)),
        ("two of those", Theme::Drugs, some(2, &|key| sign(key, Typed, 70, Passed)), 1, (58, concern)),
        ("words of a concern, of gambling, blocked", Theme::Gambling, typed(STRONG, Blocked), 1, (48, concern)),
        ("words that say it is meant, of violence, blocked", Theme::Violence, typed(MEANT, Blocked), 1, (102, danger)),
        ("a page of self-harm, typed and blocked", Theme::SelfHarm, typed(100, Blocked), 1, (67, concern)),
        ("clicked and blocked", Theme::SelfHarm, clicked(1, Blocked), 1, (45, watch)),
        ("two such pages", Theme::SelfHarm, clicked(2, Blocked), 1, (67, concern)),
        ("the same page twice", Theme::SelfHarm, vec![sign(1, Clicked, 100, Blocked), Sign { key: 1, ..sign(2, Clicked, 100, Blocked) }], 1, (45, watch)),
        ("a listed page and one whose words are over the limit", Theme::Drugs, vec![listed.clone(), words_of.clone()], 1, (61, concern)),
        ("two listed pages", Theme::Drugs, clicked(2, Blocked), 1, (45, watch)),
        ("two pages whose words are over the limit", Theme::Drugs, vec![Sign { key: 3, ..words_of.clone() }, words_of.clone()], 1, (68, watch)),
        ("a listed page, and one with such words that a page loaded", Theme::Drugs, vec![listed, Sign { intent: Embedded, ..words_of }], 3, (54, watch)),
        ("three such pages", Theme::SelfHarm, clicked(3, Passed), 1, (100, concern)),
        ("two such pages, seen, on three days", Theme::SelfHarm, clicked(2, Passed), 3, (123, concern)),
        ("strong words and two pages", Theme::SelfHarm, [clicked(2, Passed), vec![sign(3, Typed, STRONG, Passed)]].concat(), 1, (132, danger)),
        ("strong words and forty sites of drugs", Theme::Drugs, [clicked(40, Passed), vec![sign(41, Typed, STRONG, Passed)]].concat(), 1, (182, concern)),
        (
            "a page clicked, and what it loads in an hour",
            Theme::SelfHarm,
            [clicked(1, Passed), some(8, &|key| sign(key + 1, Embedded, 100, Passed))].concat(),
            1,
            (80, watch),
        ),
        ("an adult site, typed and blocked", Theme::Adult, typed(100, Blocked), 1, (45, watch)),
        ("two of them", Theme::Adult, some(2, &|key| sign(key, Typed, 100, Blocked)), 1, (68, concern)),
        ("two clicked, seen, on three days", Theme::Violence, clicked(2, Passed), 3, (94, watch)),
        ("three clicked", Theme::Violence, clicked(3, Blocked), 1, (62, concern)),
        ("one typed and one clicked", Theme::Violence, vec![sign(1, Typed, 100, Passed), sign(2, Clicked, 100, Passed)], 1, (83, watch)),
        ("forty sites, clicked", Theme::Adult, clicked(40, Passed), 3, (240, concern)),
        ("what is typed may be meant there too", Theme::Adult, typed(MEANT, Blocked), 1, (91, danger)),
        (
            "strong together with others, and two pages",
            Theme::SelfHarm,
            [clicked(2, Passed), vec![beside(sign(3, Typed, STRONG, Passed))]].concat(),
            1,
            (132, concern),
        ),
        ("danger together with others", Theme::SelfHarm, vec![beside(sign(3, Typed, MEANT, Passed))], 1, (165, danger)),
        ("a news page about a stabbing", Theme::Violence, vec![helped(sign(1, Clicked, 100, Passed))], 1, (10, None)),
        ("a warning for drugs", Theme::Drugs, vec![sign(1, Clicked, 100, Warned)], 1, (34, watch)),
        ("on two days", Theme::Drugs, vec![sign(1, Clicked, 100, Warned)], 2, (42, watch)),
    ] {
        let days: Vec<u64> = (0..days).map(|day| MORNING / DAY_MS - day).collect();
        assert_eq!(come(theme, &signs, &days), expected, "{what}");
    }
}

#[test]
fn the_illegal_tier_and_rules_have_levels_of_their_own() {
    let of = |floor, intent| Sign { floor: Some(floor), ..sign(1, intent, 100, Blocked) };
    let concern = Some(Level::Concern);
    assert_eq!(come(Theme::Illegal, &[of(Level::Danger, Typed)], &[1]).1, Some(Level::Danger));
    assert_eq!(come(Theme::Illegal, &[of(Level::Concern, Embedded)], &[1]).1, concern, "an advertisement is no danger by itself");
    let rule = Sign { strength: 0, floor: Some(Level::Danger), ..sign(1, Typed, 0, Blocked) };
    assert_eq!(come(Theme::Gambling, std::slice::from_ref(&rule), &[1]), (0, Some(Level::Danger)));
    assert_eq!(come(Theme::Bypass, &[rule], &[1]), (0, concern), "no more than the theme may come to");
}

#[test]
fn ways_round_fade_and_count_once_in_ten_minutes() {
    let minute = |minute: u64, key: u64, points: u32| Sign {
        record: RecordId::first_of(MORNING + minute * 60_000),
        source: Source::Way,
        ..sign(key, Clicked, points, Passed)
    };
    let (watch, concern) = (Some(Level::Watch), Some(Level::Concern));
    for (what, signs, expected) in [
        ("nearly certain", vec![minute(0, 1, 20)], (20, concern)),
        ("a search for ways", vec![minute(0, 1, 2)], (2, None)),
        ("two", vec![minute(0, 1, 4), minute(0, 2, 4)], (8, watch)),
        ("one that says it beyond doubt", vec![minute(0, 1, 12)], (12, watch)),
        ("two of those within some minutes", vec![minute(0, 1, 12), minute(8, 2, 12)], (20, concern)),
        ("a quarter of an hour apart", vec![minute(0, 1, 12), minute(15, 2, 12)], (18, watch)),
        ("one that leads to a listed site", vec![minute(0, 1, 12), minute(5, 2, 4), minute(5, 3, 8)], (21, concern)),
        ("one twice in nine minutes", vec![minute(0, 1, 8), minute(9, 1, 8)], (8, watch)),
        ("one twice in ten minutes", vec![minute(0, 1, 8), minute(10, 1, 8)], (13, watch)),
        ("half is left after a quarter of an hour", vec![minute(0, 1, 20), minute(15, 2, 10)], (20, concern)),
        ("hardly anything after three hours", vec![minute(0, 1, 19), minute(180, 2, 4)], (4, None)),
    ] {
        assert_eq!(come(Theme::Bypass, &signs, &[1]), expected, "{what}");
    }
}

#[test]
fn each_factor_is_a_sentence() {
    let signs = [sign(1, Typed, 120, Passed), Sign { helps: true, ..sign(17, Clicked, 100, Blocked) }];
    let days = [MORNING / DAY_MS - 6, MORNING / DAY_MS - 1];
    let weighed = weigh(Theme::SelfHarm, &signs.iter().collect::<Vec<_>>(), &days, &weights());
    let expected = [
        "130 points in all; from 45 on it is concern.",
        "Sign 1.",
        "Self-harm weighs 50 of 100.",
        "It was typed, not loaded by a page.",
        "It was not blocked, so it was seen.",
        "A different sign, within 17 seconds: Sign 17. It comes to 11, and half of that counts.",
        "The same theme came up on 19 November and 24 November, so all of it counts 1 and a quarter.",
        "Danger takes words that say it is meant, or strong words and two signs more.",
    ];
    assert_eq!(weighed.factors, expected);
    assert_eq!(weighed.counted, [0, 1]);
}
