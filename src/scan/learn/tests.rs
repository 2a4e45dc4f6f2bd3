use super::*;

fn ready(text: &str, said: Option<(usize, Grade)>, lot: u64) -> Ready {
    let mut features: Vec<String> = text.split(' ').map(Into::into).collect();
    features.sort();
    features.dedup();
    Ready { features, said, is_usual: false, lot }
}

/// Lines of two themes and ordinary ones, of made-up words; what is said in each is one of eight words.
fn school() -> Vec<Ready> {
    let word = |theme: char, number: u64| format!("{theme}{}", number % 8);
    let line = |number: u64| {
        let (said, marked) = match number % 4 {
            0 => (Some((0, Grade::Concern)), word('a', number / 4)),
            1 => (
                Some((1, if number % 8 == 1 { Grade::Danger } else { Grade::Concern })),
                format!("{}{}", word('b', number / 4), if number % 8 == 1 { " now" } else { "" }),
            ),
            _ => (None, word('c', number / 4)),
        };
        ready(&format!("how {marked} filler{} filler{}", number % 13, number % 17), said, number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    };
    (0..1200).map(line).collect()
}

const BOUNDS: Bounds = Bounds { watch: 3000, concern: 1000, danger: 500 };

#[test]
fn what_tells_lines_apart_is_learned_and_holds_for_lines_that_were_not_seen() {
    let themes = ["one".to_owned(), "two".to_owned()];
    let learned = learn(&school(), &themes, BOUNDS, &mut |_| {});
    for (theme, found) in themes.iter().zip(&learned.found) {
        assert!(found.as_theme * 100 >= found.said * 98, "{theme}: {found:?}");
    }
    assert!(learned.found[1].dangers == 150 && learned.found[1].as_danger >= 145, "{:?}", learned.found);
    let [ordinary, concern, danger] = learned.ordinary;
    assert!(ordinary == 600 && concern <= 6 && danger <= 3, "{:?}", learned.ordinary);
    assert!(learned.text.starts_with("columns: danger one two\nlevels: 15 from "), "{}", &learned.text[..80]);
    assert!(learned.text.lines().any(|line| line.starts_with("a0\t")) && learned.features > 20);
}

#[test]
fn bounds_go_by_usual_lines_where_there_are_some() {
    let mut examples = school();
    // Usual lines of which one in fifty says a word of the first theme.
    let usual = |number: u64| {
        let text = if number.is_multiple_of(50) { format!("how a{}", number / 50 % 8) } else { format!("how d{}", number % 9) };
        Ready { is_usual: true, ..ready(&text, None, number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) }
    };
    examples.extend((0..2000).map(usual));
    let themes = ["one".to_owned(), "two".to_owned()];
    let lax = learn(&examples, &themes, Bounds { watch: 9000, concern: 3000, danger: 1000 }, &mut |_| {});
    let strict = learn(&examples, &themes, Bounds { watch: 300, concern: 100, danger: 50 }, &mut |_| {});
    assert!(lax.from[1] < strict.from[1] && strict.usual[0] == 2000 && strict.usual[1] <= 2, "{:?} {:?}", lax.usual, strict.usual);
    assert!(lax.ordinary[0] == 600, "what was written to look like the others is counted apart");
}

#[test]
fn the_same_examples_give_the_same_weights_in_whatever_order_they_come() {
    let themes = ["one".to_owned(), "two".to_owned()];
    let mut examples = school();
    let first = learn(&examples, &themes, BOUNDS, &mut |_| {}).text;
    examples.reverse();
    assert!(first == learn(&examples, &themes, BOUNDS, &mut |_| {}).text);
}

#[test]
fn chance_is_not_learned() {
    // What was said has nothing to do with the words.
    let mut examples = school();
    for (place, example) in examples.iter_mut().enumerate() {
        example.said = (place % 3 == 0).then_some((0, Grade::Concern));
        example.features = vec![format!("word{}", place % 7), format!("other{}", place % 11)];
    }
    let learned = learn(&examples, &["one".to_owned()], BOUNDS, &mut |_| {});
    assert!(learned.found[0].found * 20 < learned.found[0].said, "{:?}", learned.found);
}

#[test]
fn examples_are_read_and_a_line_that_is_none_is_told() {
    let read = examples("# made up\n= drugs concern\nwhere to buy ket\n\n= none\nkettle descaler\n").expect("sound");
    assert_eq!(read[0], Example { text: "where to buy ket".into(), said: Some(("drugs".into(), Grade::Concern)) });
    assert_eq!((read.len(), &read[1].said), (2, &None));
    for (text, line, words) in [("ket\n", 1, "no heading yet"), ("= drugs\nket\n", 1, "is no heading"), ("= none\nx\n= drugs grave\n", 3, "is no heading")] {
        let (at, what) = examples(text).expect_err(text);
        assert!(at == line && what.contains(words), "{text}: {at} {what}");
    }
}
