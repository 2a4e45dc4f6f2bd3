//! What holds for every format.

use super::detect::detect;
use super::*;
use crate::lists::entry::{host_in, without_www};
use std::io;

#[test]
fn names_are_those_of_the_configuration_and_of_json() {
    for (name, format) in Format::NAMES {
        assert_eq!(format.name(), name);
        assert_eq!(serde_json::to_string(&format).expect("json"), format!("\"{name}\""));
    }
}

/// What an entry looks like in a plain list, and of which format, where it has such a look.
fn plain(entry: &Listed) -> Option<(Format, String)> {
    // A `#` at the start would begin a comment, and in a URL a fragment: encoded it is neither.
    let encoded = |text: &str| text.replace('#', "%23");
    Some(match entry {
        Listed::Name(host) => (Format::Names, host.to_string()),
        Listed::Exact(host) => (Format::Wildcard, host.to_string()),
        Listed::Network(net) => (Format::Networks, net.to_string()),
        // One `www.` is taken off.
        Listed::Prefix(text) if without_www(host_in(entry)?) != host_in(entry)? => (Format::Urls, encoded(&format!("www.{text}"))),
        Listed::Prefix(text) => (Format::Urls, encoded(text)),
        Listed::Word(text) => (Format::Words, encoded(text)),
        Listed::Expression(text) if text.starts_with('#') || text.trim() != text => return None,
        Listed::Expression(text) => (Format::Expressions, text.clone()),
        Listed::Phrase(text) => (Format::Phrases, text.clone()),
        Listed::Except(inner) => return plain(inner),
    })
}

fn survives(entry: &Listed) {
    let entry = if let Listed::Except(inner) = entry { inner } else { entry };
    if let Some((format, line)) = plain(entry) {
        let mut again = Vec::new();
        format.read_line(&line, &mut |answer| again.push(answer));
        assert_eq!(again, [Ok(entry.clone())], "{line:?} as {format:?}");
    }
}

fn entries(format: Format, bytes: &[u8]) -> Vec<Listed> {
    let mut entries = Vec::new();
    if let Ok(text) = Text::open(io::BufReader::with_capacity(16, bytes)) {
        let _ = format.read(text, &mut |_, _, said| {
            if let Said::Entry(entry) = said {
                entries.push(entry);
            }
        });
    }
    entries
}

/// Pieces that lines of lists are made of.
fn pieces() -> impl proptest::strategy::Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "a.example", "B.Example.", "www.", "co.uk", "10.0.0.1", "2001:db8::1", "/8", "-", "||", "|", "^", "@@", "*", "*.", "/", "?q=1", "$", "third-party",
        ",", "important", "##", "#", " ", "\t", ";", "!", "<", ">", "50", "%", "%23", "%3f", "..", "CNAME", ".", "rpz-ip", "rpz-passthru.", "(", ")", "[", "]",
        "+", "\\", "=", "address=/", "local=/", "$ORIGIN", "SOA", ".Include<", "#listcategory:", "\"", "[[list]]", "names", "\n", "\r\n", "\u{fc}", "casino",
        "://", "http", "0.0.0.0",
    ]);
    proptest::strategy::Strategy::prop_map(proptest::collection::vec(piece, 0..12), |pieces| pieces.concat())
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = detect("list.txt", &bytes);
        for (_, format) in Format::NAMES {
            entries(format, &bytes).iter().for_each(survives);
        }
    }

    #[test]
    fn what_is_taken_can_be_written_down_and_means_the_same(text in pieces()) {
        let _ = detect("list.txt", text.as_bytes());
        for (_, format) in Format::NAMES {
            entries(format, text.as_bytes()).iter().for_each(survives);
        }
    }
}
