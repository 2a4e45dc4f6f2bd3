//! The lexicon that is shipped: it loads, and it tells harm from help, learning and news. The texts are made up.

use super::super::window::{Repeats, Score};
use super::super::{Finding, Kind, Scanner};
use super::*;
use std::fs;
use std::path::Path;

/// What a group's threshold usually is.
const THRESHOLD: i32 = 100;

fn shipped() -> Arc<Lexicon> {
    of_files(&|_| true)
}

/// The files that ship, or some of them, by their names.
pub(crate) fn of_files(is_read: &dyn Fn(&str) -> bool) -> Arc<Lexicon> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/lexicon/phrases");
    let mut builder = Lexicon::builder();
    let mut files: Vec<_> = fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path()).collect();
    files.sort();
    for path in files.iter().filter(|path| !path.ends_with("README")) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_read(&name) {
            let problems = builder.file(&name, &fs::read(path).expect("a file")).expect("text, or a file of meaning");
            assert!(problems.is_empty(), "{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>());
        }
    }
    Arc::new(builder.build().expect("room"))
}

fn score(lexicon: &Arc<Lexicon>, text: &str) -> Score {
    let mut scanner = Scanner::new(Arc::clone(lexicon), Kind::Plain, None, Repeats::Once);
    let _: Finding = scanner.feed(text.as_bytes());
    scanner.end()
}

fn told(lexicon: &Lexicon, score: &Score) -> String {
    score.found.iter().map(|found| &lexicon.entries[found.entry as usize]).map(|entry| format!("{} {}; ", entry.weight, entry.text)).collect()
}

#[test]
fn harm_is_over_the_threshold_in_its_theme() {
    let lexicon = shipped();
    for (theme, text) in [
        ("suicide", "I cannot go on. Looking for a painless way to die, which is the most lethal method? I have my goodbye note and want to ctb tonight."),
        ("suicide", "everyone agrees: go k!ll yourself, nobody would miss you, kys"),
        ("suicide", "Szukam: jak popełnić samobójstwo, bezbolesna śmierć. Mam już list pożegnalny, nie chcę już żyć."),
        ("suicide", "Cum să mă sinucid, vreau o moarte fără durere. Am scris o scrisoare de adio, vreau să mor."),
        ("suicide", "Khudkushi kaise kare, marne ka asan tarika, main marna chahta hun"),
        ("suicide", "كيف أنتحر؟ أريد الموت بدون ألم، طرق الانتحار"),
        ("self-harm", "shtwt ideas: where to cut, how to cut deeper, how do I hide my cuts from mum"),
        ("eating-disorders", "Pro-ana thinspo board. Ana tips and tricks to avoid eating, find an ana buddy, post your body check."),
        ("drugs", "Top vendor: buy weed online, buy MDMA, buy xanax. Discreet shipping of cocaine. DM for menu."),
        ("weapons", "Need help: how to make a pipe bomb at home, homemade explosives, and a 3D printed gun that nobody can trace"),
        ("pornography", "Free porn videos: hot sex, hardcore sex, MILF and teen porn, live sex cams. XXX!"),
        ("pornography", "Darmowe porno, filmy porno, seks kamerki i amatorskie porno"),
        ("violence", "Uncensored gore videos: beheading video, execution video, watch people die here"),
        ("extremism", "Brothers, defend the white race before the great replacement: race war is coming. Hitler was right. 1488"),
        (
            "grooming",
            "you are so mature for your age. are your parents home? send me a pic of you and keep it between us. delete these messages. dont tell your mum",
        ),
        ("grooming", "Nie mów rodzicom, to nasza tajemnica. Wyślij mi zdjęcie, włącz kamerkę, usuń wiadomości"),
        ("bullying", "we all hate you, ugly cow. you are worthless. no one would care if you died, drink bleach, loser"),
        ("gambling", "Crypto casino not on GamStop: no deposit bonus, free spins, live casino, online slots. Bet now for instant withdrawal!"),
    ] {
        let score = score(&lexicon, text);
        let peak = score.peak(lexicon.theme(theme).expect("a theme"));
        assert!(peak >= THRESHOLD, "{theme} has {peak}: {text}\n{}", told(&lexicon, &score));
    }
}

#[test]
fn help_learning_and_news_are_below_it() {
    let lexicon = shipped();
    for text in [
        "Self-harm. If you cut yourself or hurt yourself on purpose, you are not alone. Talk to someone you trust, your GP, or call Childline or Samaritans. Many people \
         who self-harm say: I was cutting myself to cope. Treatment and coping strategies help. Symptoms, warning signs, and where to get help. NHS.",
        "If you feel suicidal or want to die: you may think that you are better off dead. Suicide prevention charities such as Papyrus HOPELINE listen. \
         Make a safety plan. Call 999 in an emergency.",
        "Anorexia nervosa and bulimia nervosa are eating disorders. Signs: purging, laxatives to lose weight, starving yourself. Beat Eating Disorders, the charity, \
         and a dietitian can help. Some pro-ana sites and thinspo pictures do harm. In recovery, people talk to a counsellor.",
        "Drug education lesson plan, key stage 4. Effects of drugs: cannabis, cocaine, heroin, ketamine, MDMA, LSD, nitrous oxide. Misuse of Drugs Act, class A drug. Talk to FRANK.",
        "Romeo and Juliet ends with suicide. Macbeth: murder, a knife, blood. In the novel the hero dies by poison; revision questions for GCSE.",
        "Nazi Germany 1933 to 1945: Hitler, the Holocaust and propaganda. Holocaust Memorial Day. Weimar. In Mein Kampf he wrote of a race war. Learning objectives.",
        "Police said a man was arrested with a machete and a zombie knife. The court heard he had posted a threat: i will stab you. Knife crime has risen, according to the report.",
        "Relationships and sex education: puberty, consent, contraception, sexual health, oral sex and sexually transmitted infections. Pornography is not real. Nude pictures: \
         what to do when somebody says send nudes. Report Remove by Childline.",
        "Scunthorpe United play Essex. A cock crows; great tits and blue tits are birds of the garden. Sussex cricket.",
        "The probability of a jackpot at roulette. Statistics of poker and blackjack, for mathematics lessons. GamCare helps with problem gambling.",
        "Anti-bullying week: being bullied? Words such as loser, slut or retard hurt. Nobody likes you is a thing bullies say. Kidscape and stop bullying policy.",
        "Online safety: signs of grooming. Somebody online may say you are mature for your age, or: keep it between us, delete these messages. Tell CEOP. Thinkuknow has more.",
        "We make a big salad with free range chicken, weed the garden, and add spice and ecstasy of tomatoes. Knife and fork.",
        "Zapobieganie samobójstwom: telefon zaufania dla dzieci i młodzieży. Objawy depresji, leczenie, pomoc psychologiczna. Samookaleczenia: porozmawiaj z psychologiem.",
    ] {
        let score = score(&lexicon, text);
        assert!(score.worst().is_none_or(|(_, peak)| peak < THRESHOLD), "{:?}: {text}\n{}", score.standings, told(&lexicon, &score));
    }
}

#[test]
fn no_phrase_of_it_alone_scores() {
    let lexicon = shipped();
    let single = lexicon.entries().iter().filter(|entry| entry.parts.len() == 1);
    for entry in single {
        let text = format!("{} qqq ", entry.text.trim_end_matches('*')).repeat(30);
        assert_eq!(score(&lexicon, &text).worst(), None, "{}", entry.text);
    }
}

#[test]
fn every_theme_is_in_english_and_in_two_other_languages() {
    let lexicon = shipped();
    for (place, theme) in lexicon.themes().iter().enumerate() {
        let of_it = lexicon.entries().iter().filter(|entry| entry.weight > 0 && entry.themes.iter(MOST_THEMES).any(|theme| theme.place() == place));
        let languages: std::collections::BTreeSet<_> = of_it.map(|entry| &*entry.language).collect();
        assert!(languages.contains("English") && languages.len() > 2, "{}: {languages:?}", theme.name);
    }
    assert_eq!(lexicon.themes().len(), 15);
}
