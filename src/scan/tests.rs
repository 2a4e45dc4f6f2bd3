//! What is read of each kind of body, and that it makes no difference how a body is cut.

use super::lexicon::Builder;
use super::*;
use proptest::prelude::*;
use std::fmt::Write;

/// Folded text, without a score.
#[derive(Default)]
struct Read {
    folder: Folder,
    out: Vec<u8>,
}

impl Take for Read {
    fn text(&mut self, text: &str) {
        self.folder.feed(text, &mut self.out);
    }

    fn part(&mut self) {
        self.folder.part(&mut self.out);
    }
}

/// What is read of a body, cut at these places, folded.
pub fn read(kind: Kind, body: &str, cuts: &[usize]) -> String {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| body.floor_char_boundary(*cut)).chain([body.len()]).collect();
    cuts.sort_unstable();
    let (mut text, mut read, mut from) = (Text::of(kind), Read::default(), 0);
    for cut in cuts {
        text.feed(&body[from..cut], &mut read);
        from = cut;
    }
    text.end(&mut read);
    read.part();
    String::from_utf8(read.out).expect("text").trim().to_owned()
}

#[test]
fn json_is_read() {
    for (why, body, expected) in [
        ("names and values", r#"{"one": "two", "three": ["four", 5, {"six": "seven"}]}"#, "one two three four six seven"),
        ("escapes", r#"["s\u0065x", "a\nb", "\"q\"", "\ud83d\ude00x", "\ud83dy", "\u00e9"]"#, "sex a b q x y e"),
        ("an escape that is none", r#"["\u00zz", "x"]"#, "zz x"),
        ("JSON that breaks off", r#"{"one": "tw"#, "one tw"),
        ("what is no JSON", "one \"two", "two"),
    ] {
        assert_eq!(read(Kind::Json, body, &[]), expected, "{why}");
    }
    let lines = "{\"id\":\"x1\",\"text\":\"how to su\"}\n{\"id\":\"x2\",\"text\":\"icide now\"}\n{\"text\":\" then\"}";
    assert_eq!(read(Kind::JsonLines, lines, &[]), "how to suicide now then xi x2");
}

#[test]
fn scripts_are_read() {
    for (why, body, expected) in [
        ("literals", r#"f("one", 'two', `three ${"four" + `five`} six`)"#, "one two three four five six"),
        (
            "escapes",
            r#"'s\x65x \u0065 \u{65} \n\'q\' \
z'"#,
            "sex e e q z",
        ),
        ("comments", "// 'no'\n/* \"no\" ** */ 'yes'", "yes"),
        ("expressions", r#"a = /"'`[/"]/g; b = c / d; 'yes'"#, "yes"),
        ("a string that is not closed", "a = 'one\nb = 'two'", "one two"),
    ] {
        assert_eq!(read(Kind::Script, body, &[]), expected, "{why}");
    }
}

#[test]
fn events_are_read() {
    let chat = "event: delta\ndata: {\"choices\":[{\"delta\":{\"content\":\"how to su\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"icide\"}}]}\n\n: no\nid: no\ndata: [DONE]\n\n";
    let read_of = read(Kind::Events, chat, &[]);
    assert!(read_of.contains("suicide") && !read_of.contains("no"), "{read_of}");
    assert_eq!(read(Kind::Events, "data: one\r\ndata: two\r\n\r\ndata:three\rdatax: no\rdata\r\rdata: four", &[]), "one two three four");
    assert_eq!(read(Kind::Events, "data: {\"text\":\ndata: \"one\"}\n\ndata: two\n\n", &[]), "one two");
    let tokens = ["a", " pain", "less", " way", " to", " die"]
        .map(|token| format!("data: {{\"id\":\"x\",\"choices\":[{{\"delta\":{{\"content\":\"{token}\"}}}}]}}\n\n"));
    assert_eq!(read(Kind::Events, &tokens.concat(), &[]), "a painless way to die x", "what stands beside is said once, and not within");
    let beside: String = (0..400).map(|n| format!("data: {{\"id\":\"name{n}\",\"text\":\" w\"}}\n\n")).collect();
    let read_of = read(Kind::Events, &beside, &[]);
    assert!(read_of.contains("w w w nameo namei") && read_of.ends_with("namee99"), "{read_of}");
}

#[test]
fn forms_are_read() {
    assert_eq!(read(Kind::Form, "a=how+to%20s%65x&b=caf%C3%A9%2&c=%zz%E2%82", &[]), "a how to sex b cafe 2 c zz");
}

#[test]
fn the_kind_of_a_body_is_its_media_type() {
    for (kind, types) in [
        (Some(Kind::Html), &["text/html; charset=utf-8", "TEXT/HTML", "application/xhtml+xml", "application/rss+xml", "image/svg+xml"][..]),
        (Some(Kind::Json), &["application/json", "application/ld+json", "text/json"]),
        (Some(Kind::JsonLines), &["application/x-ndjson"]),
        (Some(Kind::Script), &["text/javascript", "application/javascript"]),
        (Some(Kind::Events), &["text/event-stream"]),
        (Some(Kind::Plain), &["text/plain", "text/markdown"]),
        (Some(Kind::Form), &["application/x-www-form-urlencoded"]),
        (None, &["image/png", "text/css", "", "text", "application/octet-stream"]),
    ] {
        for content_type in types {
            assert_eq!(Kind::of(content_type), kind, "{content_type}");
        }
    }
    assert_eq!(label("text/html; Charset=\"UTF-8\""), Some("UTF-8"));
    assert_eq!(label("text/html"), None);
}

/// Small words, so that random text holds them.
fn small() -> Arc<Lexicon> {
    let mut builder = Builder::default();
    let file = "theme: one\n20 aab\n10 abc*\n30 aab bca\n25 cab + bab\n-15 aaa bbb\ntheme: two\n20 bab\n10 aab\n40 caa + abb + bba\n-20 caa\n";
    assert_eq!(builder.read("small", file), []);
    Arc::new(builder.build().expect("a few phrases"))
}

fn score(lexicon: &Arc<Lexicon>, kind: Kind, body: &[u8], cuts: &[usize], repeats: Repeats) -> Score {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| (*cut).min(body.len())).chain([body.len()]).collect();
    cuts.sort_unstable();
    let (mut scanner, mut from) = (Scanner::new(Arc::clone(lexicon), kind, None, repeats), 0);
    for cut in cuts {
        let _ = scanner.feed(&body[from..cut]);
        from = cut;
    }
    scanner.end()
}

const PIECES: [&str; 40] = [
    "aab", "bca", "abc", "cab", "bab", "aaa", "bbb", "caa", "abb", "bba", " ", " ", " ", " ", "<b>", "</b>", "<p>", "<a title=\"", "\">", "\"", "'",
    "{\"text\":\"", "\"}", "data: ", "\n", "\n\n", "&#97;", "&aacute;", "\\u0061", "<script>", "</script>", "<!--", "-->", "`${", "}`", "é", "а", "4", "@",
    "\u{200b}",
];

fn body() -> impl Strategy<Value = String> {
    (prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..120), prop::collection::vec(0usize..3, 120)).prop_map(|(pieces, gaps)| {
        let mut body = String::new();
        for (piece, gap) in pieces.iter().zip(gaps) {
            body.push_str(piece);
            // Far enough apart, now and then, that a window ends between.
            if gap == 2 && piece.len() > 3 {
                let _ = write!(body, " {}", "x y ".repeat(400));
            }
        }
        body
    })
}

const KINDS: [Kind; 9] = [Kind::Html, Kind::Json, Kind::JsonLines, Kind::Script, Kind::Events, Kind::Plain, Kind::Form, Kind::Messages, Kind::Tokens];

proptest! {
    #[test]
    fn a_score_does_not_depend_on_how_the_body_is_cut(body in body(), cuts in prop::collection::vec(0usize..6000, 0..40), kind in prop::sample::select(KINDS.to_vec()), each in any::<bool>()) {
        let lexicon = small();
        let repeats = if each { Repeats::Each } else { Repeats::Once };
        let whole = score(&lexicon, kind, body.as_bytes(), &[], repeats);
        prop_assert_eq!(score(&lexicon, kind, body.as_bytes(), &cuts, repeats), whole.clone());
        let bytes: Vec<_> = (0..body.len()).collect();
        prop_assert_eq!(score(&lexicon, kind, body.as_bytes(), &bytes, repeats), whole);
    }

    #[test]
    fn the_text_of_a_body_does_not_depend_on_how_it_is_cut(body in body(), cuts in prop::collection::vec(0usize..2000, 0..20), kind in prop::sample::select(KINDS.to_vec())) {
        prop_assert_eq!(read(kind, &body, &cuts), read(kind, &body, &[]));
    }

    /// Whatever the word, however often, and however the phrases lie in it.
    #[test]
    fn a_word_alone_never_scores(word in "[abc]{1,12}", times in 1usize..400, each in any::<bool>()) {
        let mut builder = Builder::default();
        for (number, open) in ["aab", "abc", "cab", "bca", "bab", "aaa", "bbb"].iter().enumerate() {
            builder.begin("lists");
            let listed = |text: String| crate::lists::entry::Listed::Phrase(text);
            let banned = builder.e2guardian("one", 1, &listed(format!("<{open}>")));
            prop_assert_eq!(banned, Ok(Some(lexicon::Fault::Banned)));
            let others = ["abb", "bba", "caa", "acb"];
            builder.e2guardian("one", 2, &listed(format!("<{open}>,<{}><90>", others[number % 4]))).expect("a combination");
        }
        let lexicon = Arc::new(builder.build().expect("a few phrases"));
        let body = format!("{word} ").repeat(times);
        let repeats = if each { Repeats::Each } else { Repeats::Once };
        let score = score(&lexicon, Kind::Plain, body.as_bytes(), &[], repeats);
        prop_assert_eq!(score.worst(), None, "{:?}", score);
        prop_assert!(score.standings.iter().all(|standing| standing.page == 0));
    }
}
