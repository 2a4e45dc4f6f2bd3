//! What an automaton finds is found, in its order, however the text is cut.

use super::*;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use proptest::prelude::*;

/// All there is, by an automaton that steps through the text byte by byte.
fn expected(patterns: &[&str], text: &[u8]) -> Vec<Match> {
    let automaton = NFA::builder().match_kind(MatchKind::Standard).prefilter(false).build(patterns).expect("room");
    let (mut state, mut words, mut all) = (automaton.start_state(Anchored::No).expect("it was built so"), 0, Vec::new());
    for (end, byte) in (1..).zip(text) {
        state = automaton.next_state(Anchored::No, state, *byte);
        words += u64::from(*byte == b' ');
        if automaton.is_match(state) {
            all.extend((0..automaton.match_len(state)).map(|place| Match { end, words, phrase: automaton.match_pattern(state, place).as_u32() }));
        }
    }
    all
}

/// What is found in a text that is cut at these places; after each piece all that ends in it has been found, and nothing else.
fn found(index: &Index, text: &[u8], cuts: impl Iterator<Item = usize>) -> Vec<Match> {
    let (mut finder, mut all, mut from) = (Finder::with_room(16), Vec::<Match>::new(), 0);
    for cut in cuts.chain([text.len()]) {
        finder.text().extend(&text[from..cut]);
        assert_eq!(finder.waiting(), cut - from);
        finder.look(index, &mut |one| {
            assert!(one.end > from as u64 && one.end <= cut as u64, "{one:?} in {from}..{cut}");
            all.push(one);
        });
        assert_eq!((finder.offset(), finder.waiting()), (cut as u64, 0));
        assert!(finder.text.len() <= KEPT, "what is kept is bounded");
        from = cut;
    }
    all
}

fn same(patterns: &[&str], text: &str, cuts: &[usize]) {
    let index = Index::build(patterns).expect("few");
    let expected = expected(patterns, text.as_bytes());
    let mut cuts: Vec<_> = cuts.iter().map(|cut| (*cut).min(text.len())).collect();
    cuts.sort_unstable();
    for (way, found) in [
        ("whole", found(&index, text.as_bytes(), std::iter::empty())),
        ("byte by byte", found(&index, text.as_bytes(), 0..text.len())),
        ("cut", found(&index, text.as_bytes(), cuts.into_iter())),
    ] {
        assert_eq!(found, expected, "{way}: {patterns:?} in {text:?}");
    }
}

#[test]
fn each_kind_of_phrase_is_found() {
    let long = "abcdefghij".repeat(11);
    let patterns = [
        " one ",
        " two three ",
        " three ",
        " o",
        " on",
        " onetwothree",
        " one tw",
        "hree",
        "hree ",
        "ree",
        "e three",
        "wo three fo",
        " thirtyoneandmorelettersinoneword",
        &format!(" {long}"),
        &format!(" {long} "),
        &long,
        &format!(" one {}", &long[..40]),
        " eightbyt ",
        " eightbyte",
        "ightbyte ",
    ];
    for text in [
        " one two three four ",
        " onetwothree ",
        " thirtyoneandmorelettersinonewordandmore ",
        &format!(" {long} {long}x x{long} one {long} "),
        " eightbyt eightbyte xeightbyte ",
        " two",
        "",
        " ",
        " three three one",
    ] {
        same(&patterns, text, &[]);
    }
}

#[test]
fn a_word_longer_than_any_phrase_is_passed_over_but_for_its_beginning_and_what_is_within() {
    let word = "abc".repeat(400);
    let patterns = [" abc", " abcabcabcabcabcabcabcabcabcabcabcabcabc", "cab", "bcabcabca ", "abc ", " after ", "c after", " x"];
    same(&patterns, &format!(" {word} after {word}"), &[100, 120, 121, 122, 128, 136, 137, 144, 145, 300]);
    same(&patterns[..2], &format!(" {word} abc {word} x"), &[3, 4, 140, 141]);
}

/// A few letters, so that much is found; words of up to two loads and more.
const LETTERS: &str = "[ab]{1,4}|[abc]{1,3}|a{1,40}|[ab]{7,9}|[ab]{15,18}|é{1,2}a?";

fn pattern() -> impl Strategy<Value = String> {
    (prop::collection::vec(LETTERS, 1..4), any::<bool>(), any::<bool>()).prop_map(|(words, starts, ends)| {
        let space = |is_there| if is_there { " " } else { "" };
        format!("{}{}{}", space(starts), words.join(" "), space(ends))
    })
}

fn is_one(pattern: &str) -> bool {
    (super::super::lexicon::SHORTEST_PHRASE..=LONGEST_PHRASE).contains(&pattern.trim().len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_an_automaton_finds_is_found(
        patterns in prop::collection::btree_set(pattern().prop_filter("a phrase", |pattern| is_one(pattern)), 0..24),
        kinds in prop::sample::select(vec!["all", "words", "beginnings", "within"]),
        text in prop::collection::vec(prop_oneof![LETTERS.prop_map(|word| (word, 0)), (Just(String::new()), 0usize..24), ("[ab]{110,140}", Just(0))], 0..60),
        cuts in prop::collection::vec(0usize..400, 0..12),
    ) {
        let patterns: Vec<_> = patterns.iter().map(String::as_str).filter(|pattern| match kinds {
            "words" => pattern.starts_with(' ') && pattern.ends_with(' '),
            "beginnings" => pattern.starts_with(' '),
            "within" => !pattern.starts_with(' '),
            _ => true,
        }).collect();
        // Words of their own, and now and then a phrase.
        let mut whole = String::new();
        for (word, number) in &text {
            let piece = if word.is_empty() { patterns.get(*number).copied().unwrap_or(" ") } else { word };
            let joined = number % 3 == 2;
            whole.push_str(if joined { "" } else { " " });
            whole.push_str(piece);
        }
        let whole: String = whole.split(' ').filter(|word| !word.is_empty()).map(|word| format!(" {word}")).collect();
        same(&patterns, &whole, &cuts);
        same(&patterns, &(whole + " "), &cuts);
    }
}
