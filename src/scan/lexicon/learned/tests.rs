use crate::scan::lexicon::Lexicon;
use crate::scan::lexicon::asked::Text;
use proptest::prelude::*;

const NAMES: &str = "theme: drugs\nreads: asked\n<drug> = ket | special k | mandy\n40 buy <drug>\n";
const WEIGHTS: &str = "reads: learned\ncolumns: danger drugs crime\nlevels: 15 from -1, 40 from 1.5, danger 60 from 2\n*\t-300\t-300\t-300\n<drug>\t0\t400\nstole\t0\t0\t600\nmum .. <drug>\t0\t-700\nfitting\t1000\t300\n[drugs strong]\t0\t900\n";

fn lexicon(text: &str) -> Lexicon {
    let mut builder = Lexicon::builder();
    assert_eq!(builder.read("asked", NAMES), []);
    assert_eq!(builder.read("learned", text), []);
    builder.build().expect("room")
}

/// The weight and the theme of what a text reads like.
fn reads(lexicon: &Lexicon, text: &str, marks: &[String]) -> Option<(i32, String)> {
    let reading = lexicon.reads_like(&Text::of(text), marks, super::super::Depth::Words)?;
    let entry = &lexicon.entries()[reading.entry as usize];
    let theme = entry.themes.iter(lexicon.themes().len()).next().expect("a theme");
    assert_eq!((&*lexicon.files()[entry.file as usize], entry.line), ("learned", 3));
    Some((entry.weight, lexicon.themes()[theme.place()].name.to_string()))
}

#[test]
fn the_theme_with_the_most_points_is_what_it_is_about() {
    let lexicon = lexicon(WEIGHTS);
    let reads = |text| reads(&lexicon, text, &[]);
    assert_eq!(reads("good morning"), None);
    assert_eq!(reads("special k"), Some((40, "drugs".into())), "by the name of words, which may be several: 400 × 8 / 4 - 300");
    assert_eq!(reads("he stole some ket"), Some((40, "crime".into())), "the stronger of two");
    assert_eq!(reads("mum takes ket"), None, "what speaks against it");
    assert_eq!(reads("fitting after ket"), Some((60, "drugs".into())), "danger is a column of its own");
    assert_eq!(reads("ket fittting"), Some((40, "drugs".into())), "only what patterns know is mended");
}

#[test]
fn danger_counts_only_where_the_theme_is_a_concern() {
    let lexicon =
        lexicon("reads: learned\ncolumns: danger drugs\nlevels: 15 from -1, 40 from 1, danger 60 from 0\n*\t-300\t-100\nfitting\t900\t50\nket\t0\t200\n");
    assert_eq!(reads(&lexicon, "fitting", &[]), Some((15, "drugs".into())));
    assert_eq!(reads(&lexicon, "fitting ket", &[]), Some((60, "drugs".into())));
}

#[test]
fn marks_speak_too_and_long_texts_say_no_more_for_being_long() {
    let lexicon = lexicon(WEIGHTS);
    assert_eq!(reads(&lexicon, "good morning", &["[drugs strong]".to_owned()]), Some((40, "drugs".into())));
    let many = |count: usize| (0..count).map(|number| format!("word{number} ")).collect::<String>();
    assert_eq!(reads(&lexicon, &format!("{}ket", many(40)), &[]), Some((15, "drugs".into())), "of many other words it is less");
    // Of a very long text the beginning and the end are read: what is pasted between is not what somebody says.
    for (text, is_read) in [(format!("{}he stole", many(300)), true), (format!("he stole {}", many(300)), true), (format!("{0}he stole {0}", many(300)), false)]
    {
        assert_eq!(reads(&lexicon, &text, &[]).is_some(), is_read, "{} bytes", text.len());
    }
    assert_eq!(reads(&lexicon, "", &[]), None);
}

#[test]
fn which_features_spoke_can_be_told() {
    let lexicon = lexicon(WEIGHTS);
    let text = Text::of("mum stole ket");
    let reading = lexicon.reads_like(&text, &[], super::super::Depth::Words).expect("crime");
    let telling = lexicon.telling(&text, &[], &reading);
    assert_eq!(telling.iter().map(|one| (&*one.feature, one.points > 0)).collect::<Vec<_>>(), [("stole", true)], "of the theme that it is about");
    // Of a long text, those of the end that says more.
    let text = format!("{}he stole", (0..300).map(|number| format!("word{number} ")).collect::<String>());
    let text = Text::of(&text);
    let reading = lexicon.reads_like(&text, &[], super::super::Depth::Words).expect("crime");
    assert_eq!(lexicon.telling(&text, &[], &reading).iter().map(|one| &*one.feature).collect::<Vec<_>>(), ["stole"]);
}

#[test]
fn a_line_that_is_none_is_told_and_keeps_out_no_other() {
    for (text, words) in [
        ("stole\t0\t5", "come before the weights"),
        ("columns: drugs danger", "columns are"),
        ("columns: danger drugs\nlevels: 40 at 2", "a level is written"),
        ("columns: danger drugs\nlevels: 40 from x", "points are written"),
        ("columns: danger drugs\nlevels: 40 from 1\nket\t0\tx", "a weight is a whole number"),
        ("columns: danger drugs\nlevels: 40 from 1\nket\t0\t1\t2", "more numbers than columns"),
        ("columns: danger drugs\nlevels: 40 from 1\nket\t0\t1\nket\t0\t2", "there twice"),
        ("columns: danger drugs\ncolumns: danger drugs", "there are learned weights already"),
    ] {
        let mut builder = Lexicon::builder();
        let problems = builder.read("learned", &format!("reads: learned\n{text}\n"));
        assert!(problems.len() == 1 && problems[0].to_string().contains(words), "{text}: {problems:?}");
        builder.build().expect("and the rest is in force");
    }
}

proptest! {
    #[test]
    fn anything_may_stand_in_a_file_and_in_a_text(file in "[ -~\t\n]{0,200}", text in "[a-z ]{0,300}") {
        let mut builder = Lexicon::builder();
        let _ = builder.read("learned", &format!("reads: learned\ncolumns: danger drugs\nlevels: 40 from 0\n{file}"));
        let lexicon = builder.build().expect("room");
        let text = Text::of(&text);
        if let Some(reading) = lexicon.reads_like(&text, &[], super::super::Depth::Words) {
            prop_assert!(reading.points >= reading.from);
        }
    }
}
