use super::super::window::Repeats;
use super::super::{Finding, Kind, Scanner};
use super::*;
use crate::lists::formats::Format;
use crate::lists::formats::text::Text;

fn read(text: &str) -> (Vec<String>, Lexicon) {
    let mut builder = Lexicon::builder();
    let problems = builder.read("phrases", text);
    (problems.iter().map(ToString::to_string).collect(), builder.build().expect("a few phrases"))
}

fn score(lexicon: Lexicon, text: &str) -> super::super::window::Score {
    let mut scanner = Scanner::new(Arc::new(lexicon), Kind::Plain, None, Repeats::Once);
    let _: Finding = scanner.feed(text.as_bytes());
    scanner.end()
}

#[test]
fn a_file_of_ours_is_read_line_by_line() {
    let (problems, lexicon) = read(
        "\u{feff}# a comment\n\ntheme: suicide\ncategory: self-harm\nlanguage: English\n30  painless way to die\n15 suicid*   # any ending\n\
         60 tie + noose + how long\ntheme: drugs, weapons\n-10 history lesson\ntheme: all\n-20 samaritans\n",
    );
    assert_eq!(problems, [] as [&str; 0]);
    let themes: Vec<_> = lexicon.themes().iter().map(|theme| (&*theme.name, &*theme.category)).collect();
    assert_eq!(themes, [("suicide", "self-harm"), ("drugs", "drugs"), ("weapons", "weapons")]);
    let entries: Vec<_> = lexicon.entries().iter().map(|entry| (entry.line, entry.weight, &*entry.text, entry.parts.len())).collect();
    let expected = [
        (6, 30, "painless way to die", 1),
        (7, 15, "suicid*", 1),
        (8, 60, "tie + noose + how long", 3),
        (10, -10, "history lesson", 1),
        (12, -20, "samaritans", 1),
    ];
    assert_eq!(entries, expected);
    assert_eq!((&*lexicon.entries()[0].language, lexicon.phrases(), &*lexicon.files()[0]), ("English", 7, "phrases"));
}

#[test]
fn what_is_wrong_with_a_line_is_said_and_what_to_do() {
    for (file, expected) in [
        ("20 word", "no theme yet: put a line such as \"theme: self-harm\" above it"),
        ("theme: a\nword", "no weight: begin the line with a number"),
        ("theme: a\n20", "no phrase after the weight"),
        ("theme: a\n0 word", "a weight of 0 does nothing"),
        ("theme: a\n101 two words", "the weight 101 is too large"),
        ("theme: a\n50 word", "a single word may weigh at most 40, not 50"),
        ("theme: a\n20 ab", "\"ab\" is too short"),
        ("theme: a\n20 a b c d e f g h i j k l m", "is too long"),
        ("theme: a\n20 su*cide", "a star may only end a phrase"),
        ("theme: a\n20 one + one", "\"one\" is there twice"),
        ("theme: a\n20 bang bang", "\"bang\" is there twice"),
        ("theme: a\n20 aaa + bbb + ccc + ddd + eee + fff + ggg + hhh + iii", "at most 8 phrases"),
        ("themes: A b", "\"A b\" is no name"),
        ("topic: a", "\"topic:\" is no heading"),
        ("category: a", "a category belongs to a theme"),
        ("theme: a\ncategory: b\ntheme: a\ncategory: c", "is of the category \"b\" already"),
        ("theme: all\n20 word", "is for what takes weight off"),
        ("theme: a\n20 word\n20 wörd", "the same as phrases:2"),
        ("theme: a\nreads: nothing", "\"reads: nothing\" is none"),
        ("theme: a\n<b> = c", "names of words are for patterns"),
        ("theme: a\nreads: asked\n20 <b> here", "no words have the name \"b\" so far"),
        ("theme: a\nreads: asked\n<b> c", "no weight"),
        ("theme: a\nreads: asked\n<B b> = c", "\"B b\" is no name"),
        ("theme: a\nreads: asked\n<b> = c\n<d> = <b>\n<b> = <d>", "cannot be made of names that come after it"),
        ("theme: a\nreads: asked\n20 (one", "brackets without a partner"),
        ("theme: a\nreads: asked\n20 one | ", "brackets without a partner"),
        ("theme: a\nreads: asked\n20 one [two", "brackets without a partner"),
        ("theme: a\nreads: asked\n20 [one] ..", "anything fits this"),
        ("theme: a\nreads: asked\n20 one unless [two]", "anything fits this"),
        ("theme: a\nreads: asked\n20 one !?", "has no letters"),
        ("theme: a\nreads: asked\n20 o*ne", "a star may only end a phrase"),
        ("theme: a\nreads: asked\n20 on*", "is too short"),
        ("theme: a\nreads: asked\n20 one  two\n20 one two", "the same as phrases:3"),
        ("theme: all\nreads: asked\n20 one", "is for what takes weight off"),
    ] {
        let (problems, lexicon) = read(file);
        assert!(problems.len() == 1 && problems[0].contains(expected), "{file}: {problems:?}");
        assert!(lexicon.entries().len() < 2, "{file}");
    }
}

#[test]
fn a_list_of_e2guardian_is_read() {
    let list = "#listcategory: \"Free Games\"\n<casino><50>\n< slot >,<bonus><-30>\n<poker>\n<bet><10%>\nnonsense\n.Include<other>\n<casino><20>\n";
    let mut builder = Lexicon::builder();
    let problems = builder.read_e2guardian("weighted", "gambling", Format::Phrases, Text::open(list.as_bytes()).expect("text")).expect("a list");
    let said: Vec<_> = problems.iter().map(|problem| (problem.line, problem.what.is_taken())).collect();
    assert_eq!(said, [(4, true), (5, true), (6, false), (7, false), (8, false)]);
    let exceptions = builder.read_e2guardian("exception", "gambling", Format::ExceptionPhrases, Text::open(&b"<gamcare>"[..]).expect("text")).expect("a list");
    assert_eq!(exceptions[0].what, Fault::Exception);
    let lexicon = builder.build().expect("a few phrases");
    assert_eq!(lexicon.themes()[0].name, "free-games".into());
    let weights: Vec<_> = lexicon.entries().iter().map(|entry| entry.weight).collect();
    assert_eq!(weights, [50, -30, 100, 10, -100]);
    // Within words, as there.
    let found = score(lexicon, "onlinecasinos and pokerface");
    assert_eq!(found.worst().map(|(_, points)| points), Some(150));
}

#[test]
fn phrases_weigh_in_company_near_one_another_and_once() {
    let file = "theme: one\n30 aaa\n30 bbb\n40 ccc ddd\n-25 help line\n50 eee + fff\ntheme: two\n30 aaa\n10 aaa bbb\n";
    let one = |text: &str| {
        let (_, lexicon) = read(file);
        let theme = lexicon.theme("one").expect("a theme");
        let found = score(lexicon, text);
        (found.peak(theme), found.standings.iter().find(|standing| standing.theme == theme).map_or(0, |standing| standing.page))
    };
    let far = "x y ".repeat(2000);
    for (why, text, expected) in [
        ("alone", "aaa".to_owned(), (0, 0)),
        ("alone, often", "aaa ".repeat(50), (0, 0)),
        ("in company", "aaa and bbb".into(), (60, 60)),
        ("no part of a word", "aaax bbb".into(), (0, 0)),
        ("each once", "aaa x bbb x aaa x bbb".into(), (60, 60)),
        ("the longest counts", "aaa bbb".into(), (0, 0)),
        ("a phrase of several alone", "eee x fff".into(), (50, 50)),
        ("half of it", "eee x eee".into(), (0, 0)),
        ("what takes off, before", "help line: aaa x bbb".into(), (35, 35)),
        ("what takes off, after", "aaa x bbb, help line".into(), (35, 35)),
        ("far apart", format!("aaa {far} bbb"), (0, 60)),
        ("what takes off is far", format!("aaa x bbb {far} help line"), (60, 35)),
        ("the worst window", format!("aaa x bbb {far} aaa x bbb x ccc ddd {far} bbb"), (100, 100)),
    ] {
        assert_eq!(one(&text), expected, "{why}");
    }
}

#[test]
fn an_adult_is_told_which_phrases_were_found() {
    let (_, lexicon) = read("theme: one\n30 aaa\n30 bbb\n-5 help line\n50 eee + fff\n");
    let entries: Vec<_> = lexicon.entries().to_vec();
    let found = score(lexicon, "bbb x aaa x fff x eee x help line x aaa");
    let told: Vec<_> = found.found.iter().map(|found| (&*entries[found.entry as usize].text, found.at)).collect();
    assert_eq!(told, [("bbb", 5), ("aaa", 11), ("eee + fff", 23), ("help line", 35)]);
}
