//! What words would come to that somebody tries: `usher scan asked`, and what weights are learned for. Pure.

use super::{Book, Signal, Signals, Typed, signals, signals_to, together, typed};
use crate::alert::seen::Seen;
use crate::alert::severity;
use crate::alert::sitting::Sittings;
use crate::alert::theme::Theme;
use crate::audit::incident::Level;
use crate::audit::{Class, RecordId, Verdict};
use crate::insight::{Kind, Stage, Start};
use crate::scan::lexicon::Depth;
use crate::scan::lexicon::learned::Telling;
use std::sync::Arc;

/// When words are searched for that somebody tries, in Unix milliseconds: any time that a record can have.
const A_TIME: u64 = 1_800_000_000_000;

/// What words come to in one theme that somebody searches for once, without anything before or after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The theme.
    pub theme: Theme,
    /// How grave; nothing below watch. Of ways round the filter it is watch: their points add up and fade.
    pub level: Option<Level>,
    /// Why, in a sentence.
    pub says: String,
}

/// What these words come to if they are searched for once and let through.
#[must_use]
pub fn once(words: &str, book: &Book) -> Vec<Once> {
    let seen = asked(words, RecordId::first_of(A_TIME));
    let of = |signal: Signal| {
        let level = match signal.theme {
            Theme::Bypass => Some(Level::Watch),
            theme => severity::weigh(theme, &[&signal.sign], &[0], &book.weights).level,
        };
        Once { theme: signal.theme, level, says: signal.sign.says }
    };
    signals(&seen, book).into_iter().map(of).collect()
}

/// What somebody typed who searched for each of these within a minute, oldest first.
#[must_use]
pub fn sitting(texts: &[&str], book: &Book) -> Vec<Typed> {
    let one = |(nth, words): (u64, &&str)| signals_to(&asked(words, RecordId::first_of(A_TIME + nth)), book, Depth::Meaning).1;
    (0..).zip(texts).filter_map(one).collect()
}

/// What texts come to if one person searches for them one after the other within a minute and they are let through: nothing but what they say together, at
/// whichever of them it comes to most.
#[must_use]
pub fn once_together(texts: &[&str], book: &Book) -> Vec<Once> {
    let (mut sittings, mut found) = (Sittings::default(), Signals::new());
    for (typed, words) in sitting(texts, book).into_iter().zip(texts) {
        let seen = asked(words, typed.record);
        let mut of_it = Signals::new();
        together(&seen, sittings.take(0, typed), book, &mut of_it);
        for signal in of_it {
            match found.iter_mut().find(|known| known.theme == signal.theme) {
                Some(known) if known.sign.strength >= signal.sign.strength => {}
                Some(known) => *known = signal,
                None => found.push(signal),
            }
        }
    }
    let once = |Signal { theme, sign, .. }: Signal| Once { theme, level: severity::weigh(theme, &[&sign], &[0], &book.weights).level, says: sign.says };
    found.into_iter().map(once).collect()
}

/// A search for these words that was let through.
pub(in crate::alert) fn asked(words: &str, id: RecordId) -> Seen<'_> {
    Seen {
        id,
        at_ms: id.unix_ms(),
        user: None,
        client: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        group: "",
        confidence: "",
        class: Class::Search,
        kind: Kind::Search,
        start: Start::Typed,
        verdict: Verdict::Allowed,
        reason: "unlisted",
        why: "",
        categories: "",
        host: "",
        path: "",
        search: Some(("", words, Stage::Asked)),
        cause: None,
        dest: None,
        mode: None,
    }
}

/// The features of words, with what the phrase files make of them: what weights are learned for.
#[must_use]
pub fn features(words: &str, book: &Book) -> Vec<String> {
    typed::features(book, words)
}

/// How words are read by all of them: folded, and word for word in English where a glossary knows their language. With that language.
#[must_use]
pub fn as_read(words: &str, book: &Book) -> (Option<Arc<str>>, String) {
    typed::as_read(book, words)
}

/// The theme that no entry gives these words, but all of them together, with the features that speak loudest for it, or against it.
#[must_use]
pub fn telling(words: &str, book: &Book) -> Option<(Theme, Vec<Telling>)> {
    typed::telling(book, words)
}
