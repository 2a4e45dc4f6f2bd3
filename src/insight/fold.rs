//! Text as it is searched: folded until the ways people write the same word are one. Pure.
//!
//! Folded away: case; accents (`café`); full-width and mathematical letters; soft hyphens, zero-width and direction marks; digits that stand
//! for letters (`s3x`, `5u1c1de`); repeated letters (`suiiiicide`). Both what is searched and what is searched for are folded, so two words
//! meet if they fold alike.
//!
//! What this costs, and is meant to: words that differ only so are the same word. `google` and `gogle` both fold to `gogle`, `boot` and `bot`
//! to `bot`, `résumé` and `resume` to `resume`. A search finds more than was meant, never less.
//!
//! Limits: a digit is a letter only in a word that holds a Latin letter, so a year stays a year; `1` is read as `i`, not as `l`; `2`, `6` and `9` stay.
//! Signs that stand for letters (`a$$`, `p@ss`) part words, as they do in a URL. Letters of other alphabets that look Latin are not
//! taken for Latin, and scripts without spaces are not parted into words.

pub(crate) mod letters;

use super::escapes::unescape_deeply;
use letters::{Plain, meant, plain};

/// The longest word, in bytes. What is longer is no word that anybody searches for, and is cut.
pub const LONGEST_WORD: usize = 64;

/// The text folded. What is neither letter nor digit stays as it is.
///
/// Folding what is folded changes nothing.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    Folding::new(&mut folded, Words::In).run(text, &mut |_, _| {});
    folded
}

/// The words of a text, folded, in their order.
///
/// [`for_each_word`] does the same without an allocation a word.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    for_each_word(text, &mut String::new(), |word| words.push(word.to_owned()));
    words.into_iter()
}

/// Hands each word of a text, folded, to `each`. `%xx` is undone first; words are parted by whatever is neither letter nor digit, so a path, a query
/// or a search term can be given as it is.
///
/// `buffer` is room to work in, to be used again from call to call; what it holds does not matter.
pub fn for_each_word(text: &str, buffer: &mut String, mut each: impl FnMut(&str)) {
    for_each_counted_word(text, buffer, |word, _| each(word));
}

/// [`for_each_word`], which also says how many digits the word was written with: many are a name that a machine gave.
pub fn for_each_counted_word(text: &str, buffer: &mut String, mut each: impl FnMut(&str, usize)) {
    buffer.clear();
    Folding::new(buffer, Words::Alone).run(&unescape_deeply(text), &mut each);
}

/// What stays of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// Its words with what is between them.
    In,
    /// Only the word at hand.
    Alone,
}

/// What a byte of a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Byte {
    Lower,
    Upper,
    Digit,
    Between,
    Wide,
}

const BYTES: [Byte; 256] = {
    let mut bytes = [Byte::Between; 256];
    let mut at = 0;
    while at < 256 {
        bytes[at] = match at {
            0x30..=0x39 => Byte::Digit,
            0x41..=0x5a => Byte::Upper,
            0x61..=0x7a => Byte::Lower,
            0x80.. => Byte::Wide,
            _ => Byte::Between,
        };
        at += 1;
    }
    bytes
};

struct Folding<'a> {
    out: &'a mut String,
    keep: Words,
    /// Where the word at hand begins.
    start: usize,
    /// Its last character.
    last: char,
    latin: bool,
    /// How many digits it was written with.
    digits: usize,
}

impl<'a> Folding<'a> {
    fn new(out: &'a mut String, keep: Words) -> Self {
        Self { start: out.len(), out, keep, last: '\0', latin: false, digits: 0 }
    }

    fn run(mut self, text: &str, each: &mut impl FnMut(&str, usize)) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match BYTES[usize::from(byte)] {
                Byte::Lower => {
                    let taken = self.small_letters(&text[at..]);
                    at += taken;
                    continue;
                }
                Byte::Upper => self.letter(char::from(byte.to_ascii_lowercase())),
                Byte::Digit => self.digit(char::from(byte)),
                Byte::Between => self.between(char::from(byte), each),
                Byte::Wide => {
                    let c = text[at..].chars().next().unwrap_or_default();
                    self.wide(c, each);
                    at += c.len_utf8();
                    continue;
                }
            }
            at += 1;
        }
        self.end(each);
    }

    /// Takes small Latin letters up to the first that repeats the one before, or that one alone. Returns how many.
    fn small_letters(&mut self, rest: &str) -> usize {
        let mut last = u8::try_from(self.last).unwrap_or_default();
        let bytes = rest.as_bytes();
        let mut run = 0;
        while run < bytes.len() && bytes[run].is_ascii_lowercase() && bytes[run] != last {
            last = bytes[run];
            run += 1;
        }
        self.latin = true;
        self.out.push_str(&rest[..run]);
        self.last = char::from(last);
        run.max(1)
    }

    fn letter(&mut self, letter: char) {
        self.latin |= letter.is_ascii();
        if letter != self.last || !repeats(letter) {
            self.out.push(letter);
            self.last = letter;
        }
    }

    fn digit(&mut self, digit: char) {
        self.digits += 1;
        self.out.push(digit);
        self.last = digit;
    }

    fn wide(&mut self, c: char, each: &mut impl FnMut(&str, usize)) {
        for lower in c.to_lowercase() {
            match plain(lower) {
                Plain::Nothing => {}
                Plain::One(c) => self.one(c, each),
                Plain::Several(letters) => letters.chars().for_each(|letter| self.letter(letter)),
            }
        }
    }

    fn one(&mut self, c: char, each: &mut impl FnMut(&str, usize)) {
        match c {
            '0'..='9' => self.digit(c),
            _ if c.is_alphanumeric() => self.letter(c),
            _ => self.between(c, each),
        }
    }

    fn between(&mut self, c: char, each: &mut impl FnMut(&str, usize)) {
        self.end(each);
        if self.keep == Words::In {
            self.out.push(c);
            self.start = self.out.len();
        }
    }

    /// Ends the word at hand.
    fn end(&mut self, each: &mut impl FnMut(&str, usize)) {
        if self.latin && self.digits > 0 {
            self.read_digits_as_letters();
        }
        let word = &self.out[self.start..];
        if !word.is_empty() {
            each(&word[..word.floor_char_boundary(LONGEST_WORD)], self.digits);
        }
        match self.keep {
            Words::In => self.start = self.out.len(),
            Words::Alone => self.out.clear(),
        }
        (self.last, self.latin, self.digits) = ('\0', false, 0);
    }

    fn read_digits_as_letters(&mut self) {
        let end = self.out.len();
        self.last = '\0';
        let mut at = self.start;
        while at < end {
            let byte = self.out.as_bytes()[at];
            let c = if byte.is_ascii() { char::from(byte) } else { self.out[at..].chars().next().unwrap_or_default() };
            self.letter(meant(c));
            at += c.len_utf8();
        }
        self.out.drain(self.start..end);
    }
}

/// Whether writing the letter several times is the same as once: in alphabets with small and capital letters. Where one letter is a word, twice
/// is another.
fn repeats(letter: char) -> bool {
    letter.is_ascii_lowercase() || !letter.is_ascii() && letter.is_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ways_people_write_a_word_are_one() {
        for (folded, ways) in [
            ("sex", &["sex", "SEX", "s3x", "S3xx", "ｓｅｘ", "s\u{ad}e\u{200b}x", "śéx", "se\u{301}x", "𝓼𝓮𝔁", "ⓢⓔⓧ"][..]),
            ("porn", &["porn", "p0rn", "pOOOrn", "pörn", "p00rn"]),
            ("suicide", &["suicide", "suiiiicide", "5u1c1de", "SUICIDE", "suïcide", "su1c1d3"]),
            ("gogle", &["google", "gogle", "g00gle", "GOOGLE"]),
            ("kafe", &["kafé", "KAFÉ", "Kaffe"]),
            ("strase", &["Straße", "strasse", "STRASSE"]),
            ("2026", &["2026", "２０２６", "𝟐𝟎𝟐𝟔"]),
            ("1000", &["1000"]),
            ("елка", &["ёлка", "Ёлка", "ЕЛКА"]),
            ("αθηνα", &["Αθήνα", "ΑΘΗΝΑ"]),
            ("哈哈", &["哈哈"]),
            ("self harm", &["Self  HARM".trim(), "self harm"][1..]),
            ("/a/b-c?q=kil", &["/A/b-c?q=kill", "/a/b-c?q=k1ll"]),
            ("", &["", "\u{200b}\u{301}"]),
        ] {
            for way in ways {
                assert_eq!(fold(way), folded, "{way}");
            }
        }
    }

    #[test]
    fn words_of_paths_and_terms_come_out_folded() {
        for (text, expected) in [
            ("/search?q=how+to+k1ll&hl=en", &["search", "q", "how", "to", "kil", "hl", "en"][..]),
            ("/go?u=https%3A%2F%2Fa.example%2F%3Fq%3Dself%2520harm", &["go", "u", "htps", "a", "example", "q", "self", "harm"]),
            ("caf%C3%A9 caf%E9", &["cafe", "cafe"]),
            ("/2026/11/24/a", &["2026", "11", "24", "a"]),
            ("%%%", &[]),
            ("", &[]),
        ] {
            assert!(words(text).eq(expected.iter().copied()), "{text}: {:?}", words(text).collect::<Vec<_>>());
        }
        assert_eq!(words(&"xy".repeat(100)).map(|word| word.len()).collect::<Vec<_>>(), [LONGEST_WORD]);
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}|[a-zA-Z0-9é%ßİﬃ\u{200b}\u{301} ./]{0,60}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded.clone());
            prop_assert!(folded.len() <= 2 * text.len() + 4, "{} grew", text);
        }

        /// But for escapes, which are undone first: what comes out of one may begin another.
        #[test]
        fn the_words_of_a_fold_are_the_words_folded(text in "[^%]{0,60}|[a-zA-Z0-9é²ßﬃ\u{200b}٣語 ./]{0,80}") {
            prop_assert_eq!(words(&fold(&text)).collect::<Vec<_>>(), words(&text).collect::<Vec<_>>());
            for word in words(&text) {
                prop_assert_eq!(fold(&word), word);
            }
        }

        #[test]
        fn case_never_matters(text in "[a-z0-9 éö]{0,40}") {
            prop_assert_eq!(fold(&text), fold(&text.to_uppercase()));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = (fold(&text), words(&text).count());
        }
    }
}
