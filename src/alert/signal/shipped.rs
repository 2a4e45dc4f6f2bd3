//! What the phrase files that ship make of what pupils type: `tests/asked`, said.txt for what is to be found and alike.txt for what is not. What was learned
//! was learned from neither.
//!
//! The lines of both were written before the patterns. Half of them, by a hash of the line, were looked at while patterns were written; floors hold for the
//! other half too. To see what is missed: `cargo test --lib signal::shipped -- --nocapture` with USHER_TELL=1.

use super::*;
use crate::audit::incident::Level;
use crate::category::fixture::taxonomy;
use crate::scan::learn::{Example, examples};
use crate::scan::lexicon;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of this repository")
}

/// With all that ships.
pub(crate) fn book() -> Book {
    of_files(&|_| true)
}

/// Without what words mean.
fn without_meaning() -> Book {
    of_files(&|name| name != "meaning")
}

/// With phrases and patterns, and without what was learned.
fn by_entries() -> Book {
    of_files(&|name| name != "learned" && name != "meaning")
}

fn of_files(is_read: &dyn Fn(&str) -> bool) -> Book {
    let taxonomy = taxonomy(&["self-harm", "drugs", "bypass", "help", "news"]);
    let lexicon = lexicon::shipped::of_files(is_read);
    Book::of(Weights::shipped(&taxonomy), (taxonomy, lexicon), (Vec::new(), SelfTest::new(&[7; 32])), Vec::new())
}

/// What one search comes to, in each theme.
fn come(book: &Book, term: &str) -> BTreeMap<&'static str, (Level, String)> {
    once(term, book).into_iter().filter_map(|once| Some((once.theme.as_str(), (once.level?, once.says)))).collect()
}

/// Whether a line is of the half that was looked at.
fn was_looked_at(line: &str) -> bool {
    blake3::hash(line.as_bytes()).as_bytes()[0] & 1 == 0
}

#[test]
fn what_pupils_type_is_found_at_its_theme_and_level() {
    let (book, tells) = (book(), std::env::var_os("USHER_TELL").is_some());
    let said = text("tests/asked/said.txt");
    let (mut theme, mut least) = ("", Level::Watch);
    // Found and all, of the half that was looked at and of the other.
    let mut counts: BTreeMap<(&str, &str), [[u32; 2]; 2]> = BTreeMap::new();
    for line in said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(heading) = line.strip_prefix("= ") {
            let (name, level) = heading.split_once(' ').expect("a theme and a level");
            (theme, least) = (name, [Level::Watch, Level::Concern, Level::Danger].into_iter().find(|one| one.as_str() == level).expect("a level"));
            continue;
        }
        let come = come(&book, line);
        let level = come.get(theme).map(|(level, _)| *level);
        let is_found = level >= Some(least);
        let counted = &mut counts.entry((theme, least.as_str())).or_default()[usize::from(!was_looked_at(line))];
        counted[0] += u32::from(is_found);
        counted[1] += 1;
        if tells && was_looked_at(line) && !is_found {
            let other: Vec<_> = come.iter().map(|(theme, (level, _))| format!("{theme} {}", level.as_str())).collect();
            println!("missed {theme} {}: {line}   [{}]", least.as_str(), other.join(", "));
        }
    }
    let mut too_few = Vec::new();
    for ((theme, level), counted) in &counts {
        let share = counted.map(|[found, all]| 100 * found / all.max(1));
        println!("{theme} {level}: looked at {}/{}, others {}/{}", counted[0][0], counted[0][1], counted[1][0], counted[1][1]);
        if share.iter().any(|share| *share < FLOOR) {
            too_few.push(format!("{theme} {level}: {share:?} of 100"));
        }
    }
    assert!(too_few.is_empty(), "{too_few:?}");
}

/// The least that is found in each theme, of a hundred.
const FLOOR: u32 = 85;

#[test]
fn what_only_looks_like_it_is_no_concern() {
    let (book, tells) = (by_entries(), std::env::var_os("USHER_TELL").is_some());
    let mut told = Vec::new();
    let mut wrong = [0_u32; 2];
    for (line, theme, level, says) in taken_for_a_concern(&book) {
        wrong[usize::from(!was_looked_at(&line))] += 1;
        if was_looked_at(&line) || !tells {
            told.push(format!("{theme} {}: {line}   {says}", level.as_str()));
        }
    }
    assert_eq!(wrong, [0, 0], "{}", told.join("\n"));
}

/// Of a hundred lines that only look like it, so many may be taken for a concern by what was learned: nobody learned from them.
const MOST_WRONG: usize = 2;

#[test]
fn what_was_learned_takes_few_of_them_for_a_concern_and_finds_what_no_entry_knows() {
    let (book, entries) = (book(), by_entries());
    let wrong = taken_for_a_concern(&book);
    let lines = text("tests/asked/alike.txt").lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
    let told: Vec<_> = wrong.iter().map(|(line, theme, level, _)| format!("{theme} {}: {line}", level.as_str())).collect();
    assert!(wrong.len() * 100 <= lines * MOST_WRONG, "{} of {lines}:\n{}", wrong.len(), told.join("\n"));
    let found = |book: &Book| UNKNOWN.iter().filter(|line| come(book, line).values().any(|(level, _)| *level >= Level::Concern)).count();
    assert!(found(&entries) <= 1 && found(&book) >= UNKNOWN.len() / 2, "{} by entries, {} in all", found(&entries), found(&book));
}

/// Sentences in words that no entry has, and that nothing was learned from.
const UNKNOWN: [&str; 12] = [
    "how long until they notice money gone from mums card",
    "my uncle says its our game and not to tell",
    "which bridge has no barrier and no cameras",
    "he wants me to come to his flat and not tell my mates",
    "how to make my sick not smell so mum doesnt know",
    "everyone in the chat voted me ugliest and now they have my number",
    "where do people put their stuff when the dogs come to school",
    "they will all be sorry when i come in on monday",
    "brothers on telegram told me to leave my family and come",
    "can a teacher text you at night",
    "what to say if police ask who gave you it",
    "ill be gone by the time they read this",
];

/// The lines that only look like it and come to a concern all the same.
fn taken_for_a_concern(book: &Book) -> Vec<(String, &'static str, Level, String)> {
    let alike = text("tests/asked/alike.txt");
    let lines = alike.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let of = |line: &str| {
        come(book, line)
            .into_iter()
            .filter(|(_, (level, _))| *level >= Level::Concern)
            .map(|(theme, (level, says))| (line.to_owned(), theme, level, says))
            .collect::<Vec<_>>()
    };
    lines.flat_map(of).collect()
}

/// Of a hundred lines that are said in words which nobody wrote an entry for, so many more are found with what they mean than without.
const MORE: usize = 10;

#[test]
fn what_words_mean_finds_more_and_takes_less_for_a_concern() {
    let (with, without) = (book(), without_meaning());
    let (none, grave): (Vec<_>, Vec<_>) = examples(&text("tests/asked/unsaid.txt")).expect("examples").into_iter().partition(|example| example.said.is_none());
    let found = |book: &Book, of: &[Example]| of.iter().filter(|example| come(book, &example.text).values().any(|(level, _)| *level >= Level::Concern)).count();
    let [more, before, wrong, wrong_before] = [found(&with, &grave), found(&without, &grave), found(&with, &none), found(&without, &none)];
    println!("of {} lines {more}, without {before}; of {} ordinary ones {wrong}, without {wrong_before}", grave.len(), none.len());
    assert!((more - before) * 100 >= grave.len() * MORE && wrong <= wrong_before.max(none.len() / 100), "{more}, {before}; {wrong}, {wrong_before}");
}

/// Of a hundred lines in other languages so many are found, in each of these languages at least so many, and so many of those that mean nothing may be taken for something.
const IN_OTHER_LANGUAGES: [usize; 3] = [60, 20, 3];

#[test]
fn what_is_typed_in_another_language_is_found_word_for_word() {
    let (with, without) = (book(), of_files(&|name| !name.starts_with("words-")));
    let lines = text("tests/asked/languages.txt");
    let is_concern = |book: &Book, line: &str| come(book, line).values().any(|(level, _)| *level >= Level::Concern);
    // Of each language: what is grave and what is not, how much of it is found, and how much without glossaries.
    let mut counts: BTreeMap<&str, [[usize; 3]; 2]> = BTreeMap::new();
    let (mut language, mut is_grave) = ("", false);
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("# "), line.strip_prefix("= ")) {
            (Some(name), _) => language = name,
            (_, Some(said)) => is_grave = said != "none",
            _ => {
                let [all, found, before] = &mut counts.entry(language).or_default()[usize::from(!is_grave)];
                *all += 1;
                *found += usize::from(is_concern(&with, line));
                *before += usize::from(is_concern(&without, line));
            }
        }
    }
    counts.iter().for_each(|(language, counts)| println!("{language}: {counts:?}"));
    let sum = |kind: usize, of: usize| counts.values().map(|counts| counts[kind][of]).sum::<usize>();
    let ([all, found, before], [none, wrong, _]) = ([0, 1, 2].map(|of| sum(0, of)), [0, 1, 2].map(|of| sum(1, of)));
    println!("of {all} {found}, without glossaries {before}; of {none} ordinary ones {wrong}");
    let [share, least, most_wrong] = IN_OTHER_LANGUAGES;
    assert!(counts.len() == 26 && found * 100 >= all * share && found > 2 * before && wrong * 100 <= none * most_wrong, "{found}, {before}; {wrong}");
    assert!(counts.values().all(|[[all, found, _], _]| found * 100 >= all * least), "{counts:?}");
}

/// Of a hundred sittings that say something, so many more are found by what they say together than by the lines alone; and of a hundred that do not so many more may
/// be taken for something.
const MORE_TOGETHER: [usize; 2] = [10, 1];

#[test]
fn what_is_typed_within_some_minutes_says_together_what_no_line_does() {
    let (book, sittings) = (book(), text("tests/asked/sittings.txt"));
    let (mut grave, mut texts): (_, Vec<&str>) = (false, Vec::new());
    // Of the grave ones and of the others: all, those with a line that is a concern, and those that are one by a line or together.
    let mut counts = [[0_usize; 3]; 2];
    let is_concern = |found: Vec<Once>| found.iter().any(|once| once.level > Some(Level::Watch));
    for line in sittings.lines().map(str::trim).chain([""]) {
        if line.is_empty() || line.starts_with("= ") {
            if !texts.is_empty() {
                let alone = texts.iter().any(|text| is_concern(once(text, &book)));
                let counted = &mut counts[usize::from(!grave)];
                counted[0] += 1;
                counted[1] += usize::from(alone);
                counted[2] += usize::from(alone || is_concern(once_together(&texts, &book)));
                texts.clear();
            }
            grave = if line.is_empty() { grave } else { line != "= none" };
        } else if !line.starts_with('#') {
            texts.push(line);
        }
    }
    let [said, none] = counts;
    println!("of {} sittings {} by a line, {} together; of {} ordinary ones {} and {}", said[0], said[1], said[2], none[0], none[1], none[2]);
    assert_eq!((said[0], none[0]), (200, 300));
    let more = |of: [usize; 3]| (of[2] - of[1]) * 100 / of[0];
    assert!(more(said) >= MORE_TOGETHER[0] && more(none) <= MORE_TOGETHER[1], "{counts:?}");
}

#[test]
fn a_pattern_that_fits_what_everybody_types_is_doubted_and_never_one_that_is_danger_or_of_oneself() {
    let (with, without) = (book(), without_meaning());
    for (line, theme) in [("how many calories in roast beef lean", "drugs"), ("what is snuff tobacco used for", "violence")] {
        assert_eq!(come(&without, line)[theme].0, Level::Concern, "{line}: an entry fits by chance");
        let (level, says) = &come(&with, line)[theme];
        assert!(*level == Level::Watch && says.contains("read like what everybody types"), "{line}: {says}");
    }
    for line in ["i want to kill myself", "how to hide my cuts", "im going to stab him at school"] {
        let of = |book: &Book| come(book, line).into_values().map(|(level, _)| level).max();
        assert!(of(&with) >= of(&without) && of(&with) >= Some(Level::Concern), "{line}");
    }
}

#[test]
fn who_somebody_is_and_their_body_is_nobodys_business() {
    let book = book();
    for line in [
        "im a girl and i think i like my friend",
        "is it ok to be gay",
        "gay or bi test",
        "i think i am trans",
        "telling my dad im gay",
        "gay singers",
        "lesbian films",
        "gay club at school ideas",
        "pride parade manchester",
        "what age can you go on the pill",
        "condom sizes",
        "is my period normal",
        "sexual health clinic opening times",
        "muslim boy names",
        "do i have autism",
    ] {
        let told: Vec<_> = come(&book, line).into_iter().filter(|(_, (level, _))| *level >= Level::Concern).collect();
        assert!(told.is_empty(), "{line}: {told:?}");
    }
}
