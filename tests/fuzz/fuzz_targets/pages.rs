//! Bodies as they are scanned (`scan`): HTML, JSON, JSON lines, scripts, events, forms, messages and text. The first byte chooses the kind and whether repeats count, the
//! second how the body is cut. A score does not depend on the cuts, what is kept is bounded, and no word scores alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use usher::scan::lexicon::Lexicon;
use usher::scan::window::{MOST_FOUND, Repeats, Score};
use usher::scan::{Finding, Kind, Scanner};

static LEXICON: LazyLock<Arc<Lexicon>> = LazyLock::new(|| {
    let mut builder = Lexicon::builder();
    let file = "theme: one\n20 aab\n20 abc*\n40 aab bca\n25 cab + bab\n-15 aaa bbb\n30 sex\ntheme: two\n20 bab\n10 aab\n40 caa + abb\ntheme: all\n-9 help";
    assert!(builder.read("phrases", file).is_empty());
    Arc::new(builder.build().expect("room"))
});

const KINDS: [Kind; 9] =
    [Kind::Html, Kind::Json, Kind::JsonLines, Kind::Script, Kind::Events, Kind::Plain, Kind::Form, Kind::Messages, Kind::Tokens];

fn score<'a>(kind: Kind, repeats: Repeats, pieces: impl Iterator<Item = &'a [u8]>) -> Score {
    let mut scanner = Scanner::new(Arc::clone(&LEXICON), kind, None, repeats);
    let mut worst = 0;
    for piece in pieces {
        if let Finding::Worst(_, points) = scanner.feed(piece) {
            assert!(points >= worst, "a peak fell");
            worst = points;
        }
    }
    let score = scanner.end();
    assert!(score.worst().map_or(0, |(_, points)| points) >= worst);
    score
}

fuzz_target!(|bytes: &[u8]| {
    let [which, cut, body @ ..] = bytes else { return };
    let kind = KINDS[usize::from(*which) % KINDS.len()];
    let repeats = if *which & 0x80 == 0 { Repeats::Once } else { Repeats::Each };
    let whole = score(kind, repeats, std::iter::once(body));
    assert_eq!(score(kind, repeats, body.chunks(1)), whole, "byte by byte");
    assert_eq!(score(kind, repeats, body.chunks(usize::from(*cut).max(1))), whole, "in pieces of {cut}");
    assert!(whole.found.len() <= MOST_FOUND);
    if kind == Kind::Plain && body.iter().all(u8::is_ascii_lowercase) {
        assert_eq!(whole.worst(), None, "one word scores");
    }
});
