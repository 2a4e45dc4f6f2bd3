//! Patterns of what is typed: what fits them, and that reading them and following them is bounded.

use super::super::Lexicon;
use super::*;
use crate::scan::fold::fold;
use proptest::prelude::*;

fn lexicon(lines: &str) -> Lexicon {
    let mut builder = Lexicon::builder();
    let problems = builder.read("asked", &format!("theme: one\nreads: asked\n{lines}\n"));
    assert!(problems.is_empty(), "{problems:?}");
    builder.build().expect("room")
}

fn found(lexicon: &Lexicon, text: &str, is_whole: bool) -> Vec<(String, usize, usize)> {
    let folded = fold(text);
    let asked = lexicon.asked(&Text::of(&folded), is_whole);
    asked.into_iter().map(|asked| (lexicon.entries()[asked.entry as usize].text.to_string(), asked.words.start, asked.words.end)).collect()
}

#[test]
fn what_fits_a_pattern_and_what_does_not() {
    for (lines, fits, fits_not) in [
        ("40 how (to|do i) die", &["how to die", "tell me how do I die?", "HOW TO D1E"][..], &["how die", "how to dine", "to die how"][..]),
        ("40 i [really|just] want to die", &["i want to die", "i really want to die", "I just want to die."], &["i sometimes want to die"]),
        ("40 i .. die", &["i die", "i want to die", "i do so want to die"], &["i do so very much want to die", "die"]),
        ("40 i ... die", &["i do so very much want to just die"], &["i one two three four five six seven eight nine ten eleven die"]),
        ("40 overdos* on pills", &["overdosing on pills", "overdose on pills"], &["over dose on pills"]),
        ("40 ^ kms $", &["kms", "KMS!"], &["i kms", "kms away"]),
        ("40 ^ i .. tired", &["i am so tired"], &["if i am tired"]),
        ("40 knife + school", &["knife at school", "school and a knife"], &["knife", "school"]),
        ("40 kill [the] (people|him) unless (game|minecraft)", &["kill him", "kill the people"], &["kill him in a game", "minecraft kill the people"]),
        ("<who> = teacher | my mum\n<who> = dad\n40 hit <who>", &["hit teacher", "hit my mum", "hit dad"], &["hit mum"]),
        ("<a> = one | two\n<b> = <a> | three\n40 <b> here", &["two here", "three here"], &["four here"]),
        ("40 self-harm don't", &["self harm dont", "self-harm don’t"], &["selfharm dont"]),
        ("40 want to die", &["want to dieeeee", "wantttt to die"], &["want to dye"]),
        ("40 commit suicide", &["commit sucide", "comit suicide", "commit suiicide"][..2], &["commit genocide"]),
    ] {
        let lexicon = lexicon(lines);
        for text in fits {
            // Slips of short words are none.
            let is_slip = *text == "comit suicide";
            assert_eq!(found(&lexicon, text, true).len(), usize::from(!is_slip), "{lines}: {text}");
        }
        for text in fits_not {
            assert_eq!(found(&lexicon, text, true), [], "{lines}: {text}");
        }
    }
}

#[test]
fn where_a_pattern_fits_is_told_and_what_is_typed_may_go_on() {
    let lexicon = lexicon("40 want to die\n30 suicid* plan");
    assert_eq!(found(&lexicon, "i do want to die now", true), [("want to die".into(), 2, 5)]);
    assert_eq!(found(&lexicon, "plan suicid", false), []);
    assert_eq!(found(&lexicon, "suicidal plan", true).len(), 1);
    // Nothing of it is looked for in pages.
    let mut builder = Lexicon::builder();
    assert!(builder.read("asked", "theme: one\nreads: asked\n40 want to die\nreads: all\n30 goodbye note\n").is_empty());
    let lexicon = std::sync::Arc::new(builder.build().expect("room"));
    assert_eq!((lexicon.phrases(), lexicon.entries().len(), lexicon.entries()[0].is_pattern()), (1, 2, true));
}

#[test]
fn long_texts_and_wild_patterns_are_bounded() {
    let ors = vec!["a1 .. a2 ... a3"; 20].join("|");
    let wild = lexicon(&format!("40 ({ors}) ... ({ors}) ... ({ors}) ... end"));
    let text = "a1 a2 a3 ".repeat(10_000) + "end";
    let started = std::time::Instant::now();
    let _ = found(&wild, &text, true);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    // The parts of a pattern are near one another.
    let apart = lexicon("40 knife + school");
    assert_eq!(found(&apart, &format!("knife {} school", "x ".repeat(200)), true), []);
}

/// A pattern, and a text that fits it.
fn fitting() -> impl Strategy<Value = (String, String)> {
    let word = prop::sample::select(vec!["alpha", "bravo", "charlie", "delta", "echo", "fox"]).prop_map(|word| (word.to_owned(), word.to_owned()));
    word.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|row| {
                let (patterns, texts): (Vec<_>, Vec<_>) = row.into_iter().unzip();
                (patterns.join(" "), texts.join(" "))
            }),
            (prop::collection::vec(inner.clone(), 2..4), any::<prop::sample::Index>()).prop_map(|(ways, which)| {
                let text = which.get(&ways).1.clone();
                (format!("({})", ways.iter().map(|(pattern, _)| pattern.as_str()).collect::<Vec<_>>().join("|")), text)
            }),
            (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(one, other, is_there)| {
                let text = if is_there { format!("{} {}", one.1, other.1) } else { other.1 };
                (format!("[{}] {}", one.0, other.0), text)
            }),
            (inner.clone(), inner, 0..4_usize)
                .prop_map(|(one, other, between)| { (format!("{} .. {}", one.0, other.0), format!("{} {}{}", one.1, "filler ".repeat(between), other.1)) }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_pattern_spells_fits_it_wherever_it_stands((pattern, text) in fitting(), before in 0..5_usize, behind in 0..5_usize) {
        let lexicon = lexicon(&format!("40 {pattern}"));
        let whole = format!("{}{text}{}", "before ".repeat(before), " behind".repeat(behind));
        let found = found(&lexicon, &whole, true);
        prop_assert_eq!(found.len(), 1, "{}: {}", pattern, whole);
    }

    #[test]
    fn nothing_that_is_written_or_asked_is_too_much(line in "[a-c|()\\[\\]<>.*^$ +]{0,40}", text in "[a-c ]{0,40}") {
        let mut builder = Lexicon::builder();
        let problems = builder.read("asked", &format!("theme: one\nreads: asked\n<a> = a b | c\n40 {line}\n"));
        let lexicon = builder.build().expect("room");
        prop_assert_eq!(problems.len() + lexicon.entries().len(), 1, "{:?}", problems);
        let folded = fold(&text);
        for one in lexicon.asked(&Text::of(&folded), true) {
            prop_assert!(one.words.start < one.words.end && one.words.end <= folded.split(' ').count());
        }
    }
}
