use super::InEnglish;
use crate::scan::fold::fold;
use crate::scan::lexicon::Lexicon;
use proptest::prelude::*;

const POLISH: &str = "reads: glossary\nlanguage: Polish\nchcę = i want\numrzeć = die\nzabi* = kill\nzabić się = kill myself\nsię = -\njak = how\nz = with\nu = at\nmam = i have\nto = this\na = and\nżeby = to\njeden = a\n";
const SLOVAK: &str = "reads: glossary\nlanguage: Slovak\nmam = i have\nnoz = knife\nako = how\nstrach = fear\n";
const ARABIC: &str = "reads: glossary\nlanguage: Arabic\nprefixes: ال و ب\nسكين = knife\nأريد = i want\n";
const ENGLISH: &str = "reads: glossary\nlanguage: English\nstrach noz\nzabijaka\n";
const CHINESE: &str = "reads: glossary\nlanguage: Chinese\nspaces: none\n我 = i\n想 = want\n想死 = want to die\n死 = die\n自己 = myself\n";

fn lexicon() -> Lexicon {
    let mut builder = Lexicon::builder();
    for text in [POLISH, SLOVAK, ARABIC, CHINESE] {
        assert_eq!(builder.read("words", text), []);
    }
    builder.build().expect("room")
}

/// The language, and the text in English.
fn read(text: &str) -> Option<String> {
    lexicon().in_english(&fold(text)).map(|InEnglish { language, text }| format!("{language}:{}", text.trim_end()))
}

#[test]
fn what_is_typed_in_another_language_is_read_word_for_word() {
    let read = |text| read(text).unwrap_or_default();
    assert_eq!(read("chcę umrzeć"), "Polish: i want die");
    assert_eq!(read("CHCE UMRZEC"), "Polish: i want die", "without accents");
    assert_eq!(read("jak sie zabic"), "Polish: how kill", "what means nothing is left out; the rest of a word may be anything");
    assert_eq!(read("jak zabić się"), "Polish: how kill myself", "the longest words in a row");
    assert_eq!(read("chcę zabijać Tomka jak tata"), "Polish: i want kill tomka how tata", "what is not known stays");
    assert_eq!(read("umrzeć"), "Polish: die", "one word");
    assert_eq!(read("mam strach noz jak"), "Slovak: i have fear knife how", "what one language does not know is looked up in the other that it may be in");
    assert_eq!(read("أريد والسكين وسكين سكين"), "Arabic: i want والسكين knife knife", "one prefix is taken off");
    assert_eq!(read("我想死"), "Chinese: i want to die");
    assert_eq!(read("我 好想死啊"), "Chinese: i 好 want to die 啊", "the longest that are known");
}

#[test]
fn of_a_long_text_the_beginning_and_the_end_are_read() {
    let long = format!("{} jutro {}", "chcę ".repeat(250), "umrzeć ".repeat(250));
    let told = read(&long).unwrap_or_default();
    assert_eq!((told.matches("i want").count(), told.matches("die").count(), told.contains("jutro")), (200, 200, false));
    let told = read(&format!("chcę {}", "umrzeć ".repeat(399))).unwrap_or_default();
    assert_eq!((told.matches("i want").count(), told.matches("die").count()), (1, 399));
    let told = read(&"我想死".repeat(5000)).unwrap_or_default();
    assert!(told.matches("die").count() == 500, "{}", told.len());
    assert_eq!(read("我想kill自己").as_deref(), Some("Chinese: i want kill myself"));
}

#[test]
fn english_is_left_alone() {
    for text in [
        "i want to have a knife", "how to die", "a to", "tomka tata", "chcę a knife to die with", "jak stapler this year", "", "2026", "有人", "u z postage",
        "z z",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(Lexicon::default().in_english("chce umrzec"), None, "without a glossary");
}

#[test]
fn what_english_has_too_says_nothing() {
    assert_eq!(read("mam noz").as_deref(), Some("Slovak: i have knife"));
    assert_eq!(read("zabijakas jak"), Some("Polish: kill how".into()));
    let mut builder = Lexicon::builder();
    for text in [POLISH, SLOVAK, ENGLISH] {
        assert_eq!(builder.read("words", text), []);
    }
    let lexicon = builder.build().expect("room");
    assert_eq!(lexicon.in_english("noz strach"), None);
    assert_eq!(lexicon.in_english("zabijakas sister"), None, "nor does its plural");
    assert!(lexicon.in_english("mam noz").is_some(), "what is of one and may be of both");
}

#[test]
fn a_line_that_is_wrong_says_what_is_wrong() {
    let mut builder = Lexicon::builder();
    let text = "reads: glossary\nchcę = i want\nlanguage: Polish\nchcę = i want\nchce = wants\nno english\nza* = to\nzabić się* = kill\nraz dwa trzy cztery pięć sześć = count\n! = what\nspaces: some\n";
    let faults: Vec<String> = builder.read("words", text).iter().map(ToString::to_string).collect();
    let wanted = [
        ("words:2", "language: Polish"),
        ("words:5", "there already"),
        ("words:6", "what they mean in English"),
        ("words:7", "three letters"),
        ("words:8", "single word"),
        ("words:9", "five words"),
        ("words:10", "no letters"),
        ("words:11", "spaces: none"),
    ];
    assert_eq!(faults.len(), wanted.len(), "{faults:#?}");
    for (fault, (place, says)) in faults.iter().zip(wanted) {
        assert!(fault.starts_with(place) && fault.contains(says), "{fault}: not {place} {says}");
    }
}

proptest! {
    #[test]
    fn any_words_are_read(text in "(chce|umrzec|zabi[a-z]{0,30}|sie|mam|noz|سكين|والسكين|我想?死?|[a-z]{1,8}|\\PC{0,4}| ){0,40}") {
        let folded = fold(&text);
        if let Some(InEnglish { text, .. }) = lexicon().in_english(&folded) {
            prop_assert!(text.starts_with(' ') && text.ends_with(' ') && !text.contains("  "), "spaced as what is folded: {:?}", text);
        }
    }
}
