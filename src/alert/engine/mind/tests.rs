//! What somebody types, read together and as deep as there is time for.

use super::*;
use crate::alert::engine::hooks::NoHooks;
use crate::alert::signal::shipped::book;

const MORNING: u64 = 1_795_600_800_000;

/// Somebody who searches for this, so many seconds into the morning.
fn search<'a>(second: u64, user: &'a str, words: &'a str) -> Seen<'a> {
    Seen { user: Some(user), ..signal::asked(words, RecordId::first_of(MORNING + second * 1000)) }
}

/// The matters that these searches come to: whose, the theme, how grave, and by how many records.
fn matters(searches: &[(u64, &str, &str)]) -> Vec<String> {
    let (book, mut mind) = (book(), Mind::new(Box::new(NoHooks), &[7; 32]));
    for (second, user, words) in searches {
        mind.opened(&search(*second, user, words), &book, Tells::Yes);
    }
    let one = |act: &Act| match act {
        Act::Opened(opened) => {
            let Person::User(user) = &opened.who else { panic!("{opened:?}") };
            format!("{user} {} {} {}", opened.theme, opened.level.as_str(), opened.records.len())
        }
        Act::Joined { theme, also, level, records, .. } => format!("{theme}, and {also} {} {}", level.as_str(), records.len()),
        Act::Worsened { also: Some(also), theme, level, .. } => format!("{theme} worse by {also}: {}", level.as_str()),
        other => format!("{other:?}"),
    };
    mind.pending.iter().map(one).collect()
}

const NOTHING: [&str; 0] = [];

/// Worth watching by its words, and danger by what it means.
const BY_MEANING: &str = "how long before anyone finds you in the woods";

#[test]
fn what_a_program_types_is_read_by_its_words_so_that_others_need_not_wait() {
    let ordinary: Vec<String> = (0..20).map(|number| format!("times table of {number}")).collect();
    let flood = |user| (0..).zip(&ordinary).map(|(second, words)| (second, user, &**words)).collect::<Vec<_>>();
    assert_eq!(matters(&[(30, "kim", BY_MEANING)]), ["kim self-harm danger 1"]);
    assert_eq!(matters(&[flood("kim"), vec![(30, "kim", BY_MEANING)]].concat()), NOTHING);
    assert_eq!(matters(&[flood("lee"), vec![(30, "kim", BY_MEANING)]].concat()), ["kim self-harm danger 1"], "somebody else's");
    assert_eq!(matters(&[flood("kim"), vec![(60, "kim", BY_MEANING)]].concat()), ["kim self-harm danger 1"], "a minute later");
    let by_a_line = "how many paracetamol does it take to die";
    assert_eq!(matters(&[flood("kim"), vec![(30, "kim", by_a_line)]].concat()), ["kim self-harm danger 1"], "lines are always looked for");
}

/// Anybody's lines.
const TOGETHER: [&str; 3] = ["how high is the car park by the station", "is the top floor open at night", "how to write a letter to your sister"];

#[test]
fn what_no_line_says_is_read_together_if_one_person_typed_it_within_a_quarter_of_an_hour() {
    let [first, second, third] = TOGETHER;
    for words in TOGETHER {
        assert_eq!(matters(&[(0, "kim", words)]), NOTHING, "{words}");
    }
    let both = ["kim self-harm danger 2"];
    assert_eq!(matters(&[(0, "kim", first), (40, "kim", second)]), both);
    assert_eq!(matters(&[(0, "kim", first), (40, "kim", second), (80, "kim", third)]), both, "once, however long it goes on");
    assert_eq!(matters(&[(0, "kim", first), (40, "lee", second)]), NOTHING, "two people");
    assert_eq!(matters(&[(0, "kim", first), (900, "kim", second)]), NOTHING, "a quarter of an hour");
    let between = [(0, "kim", first), (20, "kim", "french verbs with etre"), (40, "kim", second), (60, "kim", "french verbs with avoir")];
    let found = matters(&between);
    assert!(found.len() == 1 && found[0].starts_with("kim self-harm danger"), "something else in between, and after: {found:?}");
    assert_eq!(matters(&[(0, "kim", first), (10, "kim", first)]), NOTHING, "the same again");
}

#[test]
fn two_things_that_one_person_types_within_minutes_are_one_matter() {
    let [buys, ends] = ["where to buy weed near me", "how many paracetamol does it take to die"];
    assert_eq!(matters(&[(0, "kim", buys), (60, "kim", ends)]), ["kim drugs concern 1", "drugs worse by self-harm: danger"]);
    assert_eq!(matters(&[(0, "kim", buys), (60, "lee", ends)]), ["kim drugs concern 1", "lee self-harm danger 1"], "two people");
    assert_eq!(matters(&[(0, "kim", buys), (900, "kim", ends)]), ["kim drugs concern 1", "kim self-harm danger 1"], "a quarter of an hour");
}

#[test]
fn what_is_typed_before_a_start_belongs_to_what_is_typed_after_it() {
    let (book, mut mind) = (book(), Mind::new(Box::new(NoHooks), &[7; 32]));
    mind.learn(&search(0, "kim", TOGETHER[0]), &book);
    mind.opened(&search(40, "kim", TOGETHER[1]), &book, Tells::Yes);
    assert_eq!(mind.pending.len(), 1);
}
