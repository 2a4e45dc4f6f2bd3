//! Phrase files (`scan::lexicon`), ours and e2guardian's; the first byte chooses. Every line is an entry, a problem of that line, or says nothing; each entry
//! is found in its own text; reading twice finds every line doubled.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use usher::lists::formats::Format;
use usher::lists::formats::text::Text;
use usher::scan::lexicon::{Builder, Lexicon, MOST_THEMES};
use usher::scan::window::Repeats;
use usher::scan::{Kind, Scanner};

fn read(which: u8, builder: &mut Builder, bytes: &[u8]) -> Option<usize> {
    let problems = match which % 3 {
        0 => builder.read("phrases", std::str::from_utf8(bytes).ok()?),
        other => {
            let format = if other == 1 { Format::Phrases } else { Format::ExceptionPhrases };
            builder.read_e2guardian("phrases", "theme", format, Text::open(bytes).ok()?).ok()?
        }
    };
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for problem in &problems {
        assert!((1..=lines + 1).contains(&(problem.line as usize)) && !problem.to_string().is_empty());
    }
    Some(problems.iter().filter(|problem| !problem.what.is_taken()).count())
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let mut builder = Lexicon::builder();
    if read(*which, &mut builder, bytes).is_none() {
        return;
    }
    let lexicon = builder.build().expect("room");
    assert!(lexicon.themes().len() <= MOST_THEMES && lexicon.phrases() <= 8 * lexicon.entries().len());
    let entries = lexicon.entries().to_vec();
    let lexicon = Arc::new(lexicon);
    let mut scanner = Scanner::new(Arc::clone(&lexicon), Kind::Plain, None, Repeats::Each);
    for entry in &entries {
        let _ = scanner.feed(format!("{} . ", entry.text).as_bytes());
    }
    let score = scanner.end();
    assert!(score.found.iter().all(|found| (found.entry as usize) < entries.len()));

    for entry in &entries {
        let text = usher::scan::fold::fold(&entry.text);
        for asked in lexicon.asked(&usher::scan::lexicon::asked::Text::of(&text), true) {
            assert!((asked.entry as usize) < entries.len() && asked.words.start < asked.words.end);
        }
    }
    // A glossary reads whatever stands in its own file.
    let text = usher::scan::fold::fold(&String::from_utf8_lossy(bytes));
    if let Some(in_english) = lexicon.in_english(&text) {
        assert!(in_english.text.starts_with(' ') && in_english.text.ends_with(' ') && !in_english.text.contains("  "));
    }
    // A name that comes below what is made of it is there when the file is read again.
    if bytes.contains(&b'<') {
        return;
    }
    let mut twice = Lexicon::builder();
    let refused = read(*which, &mut twice, bytes).unwrap_or_default();
    let again = read(*which, &mut twice, bytes).unwrap_or_default();
    assert_eq!(again, refused + entries.len(), "a line was taken twice");
});
