//! The spelling in which a page's words are matched. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! What comes out is words of small letters and digits with one space between, and one before the first. Folded away: case; accents; full-width,
//! mathematical and circled letters; soft hyphens and what nobody sees; apostrophes within words (`don't`); letters of other scripts that look Latin, in
//! words with a Latin letter; digits (`su1c1de`) and signs (`p@ss`, `a$$`) that stand for letters.
//!
//! [`crate::insight::fold`] is for finding what somebody typed, in doubt too much, and drops repeated letters. Here a word weighs, so `boot` is not
//! `bot`, and a sign within a word does not part it. Both share the tables of letters.
//!
//! | what stands there | is |
//! | --- | --- |
//! | a digit in a word with a Latin letter | the letter it stands for; `2026` stays, `1` is `i` |
//! | `$` before or after a Latin letter | `s` |
//! | `@` `!` `\|` `€` `¢` between two Latin letters, digits or such signs | `a` `i` `i` `e` `c` |
//! | a letter that looks Latin | that letter, if the word has a Latin one before any that looks like none, or cannot be told from Latin by eye and follows a Latin word |
//! | anything else that is no letter or digit | a space |
//!
//! Limits: letters written apart (`s e x`, `s.e.x`) and stars for letters stay as they are. Words of scripts without spaces are not parted. More than
//! [`MOST_HELD`] digits or lookalikes at a word's start are taken as they are.

mod looks;

use crate::insight::fold::letters::{Plain, meant, plain};
use smallvec::SmallVec;

/// How many characters at a word's start are held until it is known what they stand for.
pub const MOST_HELD: usize = 24;
/// How many signs in a row may stand for letters.
const MOST_SIGNS: usize = 3;

/// How many bytes are taken at once: room is made for all of them before it is known how many come.
const AT_MOST: usize = 256;

/// A byte that needs more than a look at a table.
const LOOK_CLOSER: u8 = 0;

/// What a byte becomes in a word that is Latin, or between words.
const AT_ONCE: [u8; 256] = {
    let mut table = [LOOK_CLOSER; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        table[byte as usize] = match byte {
            b'a'..=b'z' => byte,
            b'A'..=b'Z' => byte | 0x20,
            b'0'..=b'9' | b'$' | b'@' | b'!' | b'|' | b'\'' => LOOK_CLOSER,
            _ => b' ',
        };
        byte += 1;
    }
    table
};

/// What the word at hand is, as far as it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// Between words.
    None,
    /// It has begun with what may be Latin or not; that is held.
    Open,
    /// Only a `$` so far.
    Dollar,
    Latin,
    /// Of another script, or digits only.
    Other,
}

/// What the last word with letters was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Latin,
    Other,
}

/// Folds a text as it comes.
#[derive(Clone, Debug)]
pub struct Folder {
    word: Word,
    before: Script,
    /// The start of an open word, as written.
    held: SmallVec<[char; MOST_HELD]>,
    /// Signs after a letter, of which the next character says whether they are letters.
    signs: SmallVec<[char; MOST_SIGNS]>,
    /// The last byte that came out.
    last: u8,
}

impl Default for Folder {
    fn default() -> Self {
        Self { word: Word::None, before: Script::Other, held: SmallVec::new(), signs: SmallVec::new(), last: 0 }
    }
}

/// A phrase folded, without spaces around it.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = Vec::new();
    let mut folder = Folder::default();
    folder.feed(text, &mut out);
    folder.part(&mut out);
    String::from_utf8(out).unwrap_or_default().trim().to_owned()
}

impl Folder {
    /// Folds more text; what comes of it goes behind `out`.
    pub fn feed(&mut self, text: &str, out: &mut Vec<u8>) {
        self.begin(out);
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if matches!(self.word, Word::None | Word::Latin) && self.signs.is_empty() {
                let end = bytes.len().min(at + AT_MOST);
                at += self.at_once(&bytes[at..end], out);
                if at == end {
                    continue;
                }
            }
            match bytes[at] {
                byte if byte.is_ascii() => {
                    self.ascii(char::from(byte.to_ascii_lowercase()), out);
                    at += 1;
                }
                _ => {
                    let c = text[at..].chars().next().unwrap_or_default();
                    self.wide(c, out);
                    at += c.len_utf8();
                }
            }
        }
    }

    /// Ends the word at hand: what follows is another.
    pub fn part(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        self.border(out);
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.last == 0 {
            self.put(b' ', out);
        }
    }

    /// Takes letters and what parts words, as far as a table tells. Returns how many bytes.
    fn at_once(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let start = out.len();
        out.resize(start + bytes.len(), 0);
        let into = &mut out[start..];
        let (mut taken, mut written, mut last) = (0, 0, self.last);
        for byte in bytes {
            let plain = AT_ONCE[usize::from(*byte)];
            if plain == LOOK_CLOSER {
                break;
            }
            // A space behind a space is written over by what follows.
            into[written] = plain;
            written += usize::from((plain | last) != b' ');
            last = plain;
            taken += 1;
        }
        if taken > 0 {
            if written > usize::from(into[0] == b' ') {
                self.before = Script::Latin;
            }
            self.word = if last == b' ' { Word::None } else { Word::Latin };
            self.last = last;
        }
        out.truncate(start + written);
        taken
    }

    fn put(&mut self, byte: u8, out: &mut Vec<u8>) {
        out.push(byte);
        self.last = byte;
    }

    /// An ASCII character in lower case.
    fn ascii(&mut self, c: char, out: &mut Vec<u8>) {
        match c {
            'a'..='z' => self.latin(c, out),
            '0'..='9' => self.digit(c, out),
            '$' if self.word == Word::Latin => self.latin('s', out),
            '$' if self.word == Word::None => self.word = Word::Dollar,
            '@' | '!' | '|' | '\'' => self.sign(c, out),
            _ => self.border(out),
        }
    }

    fn wide(&mut self, c: char, out: &mut Vec<u8>) {
        match c {
            '€' | '¢' | '’' | 'ʼ' | '‘' => return self.sign(c, out),
            _ if looks::may_be_left_out(c) => return,
            _ if looks::joins_consonants(c) => return self.other(c, out),
            _ => {}
        }
        for lower in c.to_lowercase() {
            match plain(lower) {
                Plain::Nothing => {}
                Plain::Several(letters) => letters.chars().for_each(|letter| self.latin(letter, out)),
                Plain::One(c) if c.is_ascii() => self.ascii(c, out),
                Plain::One(c) => match (looks::always_latin(c), looks::latin(c)) {
                    (Some(latin), _) => self.latin(latin, out),
                    (None, Some(latin)) => self.lookalike(c, latin, out),
                    (None, None) if c.is_alphanumeric() => self.other(looks::one_spelling(c), out),
                    (None, None) => self.border(out),
                },
            }
        }
    }

    fn latin(&mut self, letter: char, out: &mut Vec<u8>) {
        self.settle_signs(out);
        match self.word {
            Word::Open => self.settle(Script::Latin, out),
            Word::Dollar => self.put(b's', out),
            Word::None | Word::Latin | Word::Other => {}
        }
        if self.word != Word::Other {
            self.word = Word::Latin;
            self.before = Script::Latin;
        }
        self.put_char(letter, out);
    }

    fn digit(&mut self, digit: char, out: &mut Vec<u8>) {
        self.settle_signs(out);
        match self.word {
            Word::Latin => self.put_char(meant(digit), out),
            Word::Other => self.put_char(digit, out),
            Word::Dollar => {
                self.border(out);
                self.hold(digit, out);
            }
            Word::None | Word::Open => self.hold(digit, out),
        }
    }

    fn lookalike(&mut self, c: char, latin: char, out: &mut Vec<u8>) {
        self.settle_signs(out);
        match self.word {
            Word::Latin => self.put_char(latin, out),
            Word::Other => self.put_char(c, out),
            Word::Dollar => {
                self.border(out);
                self.hold(c, out);
            }
            Word::None | Word::Open => self.hold(c, out),
        }
    }

    fn other(&mut self, c: char, out: &mut Vec<u8>) {
        self.settle_signs(out);
        match self.word {
            Word::Open => self.settle(Script::Other, out),
            Word::Dollar => self.border(out),
            Word::None | Word::Latin | Word::Other => {}
        }
        if self.word != Word::Latin {
            self.word = Word::Other;
            self.before = Script::Other;
        }
        self.put_char(c, out);
    }

    fn sign(&mut self, c: char, out: &mut Vec<u8>) {
        let in_word = matches!(self.word, Word::Latin | Word::Other);
        if in_word && self.signs.len() < MOST_SIGNS { self.signs.push(c) } else { self.border(out) }
    }

    /// A letter follows: the signs before it stand for letters. Where they cannot, they part words.
    fn settle_signs(&mut self, out: &mut Vec<u8>) {
        if self.signs.is_empty() {
            return;
        }
        let signs = std::mem::take(&mut self.signs);
        for sign in signs {
            let letter = match sign {
                '\'' | '’' | '‘' | 'ʼ' => continue,
                '@' => 'a',
                '!' | '|' => 'i',
                '€' => 'e',
                _ => 'c',
            };
            if self.word == Word::Latin { self.put_char(letter, out) } else { self.border(out) }
        }
    }

    fn hold(&mut self, c: char, out: &mut Vec<u8>) {
        self.word = Word::Open;
        self.held.push(c);
        if self.held.len() == MOST_HELD {
            self.settle(Script::Other, out);
        }
    }

    /// What was held is of this script.
    fn settle(&mut self, script: Script, out: &mut Vec<u8>) {
        for c in std::mem::take(&mut self.held) {
            let c = match script {
                Script::Latin => looks::latin(c).unwrap_or_else(|| meant(c)),
                Script::Other => c,
            };
            self.put_char(c, out);
        }
        self.word = match script {
            Script::Latin => Word::Latin,
            Script::Other => Word::Other,
        };
    }

    fn put_char(&mut self, c: char, out: &mut Vec<u8>) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        // Only whether it is a space is ever asked.
        self.last = b'x';
    }

    fn border(&mut self, out: &mut Vec<u8>) {
        self.signs.clear();
        if self.word == Word::Open {
            let digits = self.held.iter().all(char::is_ascii_digit);
            let by_eye = self.held.iter().all(|c| c.is_ascii_digit() || looks::is_the_same_by_eye(*c));
            self.settle(if by_eye && !digits { self.before } else { Script::Other }, out);
        }
        self.word = Word::None;
        if self.last != b' ' {
            self.put(b' ', out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ways_people_write_a_word_are_one() {
        for (folded, ways) in [
            (
                "suicide",
                &[
                    "suicide", "SUICIDE", "5u1c1de", "su!c!de", "$uicide", "suïcide", "s\u{ad}u\u{200b}icide", "ѕuісіdе", "ｓｕｉｃｉｄｅ", "𝓼𝓾𝓲𝓬𝓲𝓭𝓮",
                    "ꜱᴜɪᴄɪᴅᴇ", "sυιcιde",
                ][..],
            ),
            ("ass", &["a$$", "A$$"]),
            ("pass", &["p@ss", "p@$$", "pa55"]),
            ("boot", &["boot", "b00t", "BOOT"]),
            ("dont", &["don't", "don’t", "dont"]),
            ("self harm", &["self-harm", "Self  Harm!", "self/harm", " self\nharm "]),
            ("2026", &["2026", "２０２６"]),
            ("wow nice", &["wow! nice", "wow!  nice"]),
            ("anna 5 pounds", &["Anna: 5 pounds", "$ anna, $5 pounds"]),
            ("рот", &["рот", "РОТ"]),
            ("привет", &["привет", "ПРИВЕТ"]),
            ("انتحار", &["انتحار", "إنتحار", "اِنتِحار"]),
            ("khudkushi", &["khudkushī", "Khudkushi"]),
            ("zolc", &["żółć", "ŻÓŁĆ"]),
            ("", &["", "!?", "\u{200b}", "$", "'"]),
        ] {
            for way in ways {
                assert_eq!(fold(way), folded, "{way}");
            }
        }
    }

    #[test]
    fn a_word_of_lookalikes_alone_is_read_as_the_word_before_it() {
        assert_eq!(fold("have ѕех"), "have sex");
        assert_eq!(fold("хор"), "хор");
        assert_eq!(fold("наш хор"), "наш хор");
        assert_eq!(fold("this хорош"), "this хорош");
    }

    fn in_pieces(text: &str, mut cuts: Vec<usize>) -> Vec<u8> {
        cuts.retain(|cut| *cut <= text.len() && text.is_char_boundary(*cut));
        cuts.push(text.len());
        cuts.sort_unstable();
        let (mut folder, mut out, mut from) = (Folder::default(), Vec::new(), 0);
        for cut in cuts {
            folder.feed(&text[from..cut], &mut out);
            from = cut;
        }
        folder.part(&mut out);
        out
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_text_is_cut(text in "\\PC{0,40}|[a-c05 !@$'хоЖé\u{200b}|]{0,40}", cuts in prop::collection::vec(0usize..80, 0..12)) {
            prop_assert_eq!(in_pieces(&text, cuts), in_pieces(&text, vec![]));
        }

        #[test]
        fn it_is_words_with_one_space_between(text in "\\PC{0,60}|[a-c05 !@$'хоЖ]{0,40}") {
            let out = String::from_utf8(in_pieces(&text, vec![])).expect("text");
            prop_assert!(out.starts_with(' ') && out.ends_with(' ') && !out.contains("  "), "{:?}", out);
        }

        #[test]
        fn folding_twice_is_folding_once(text in "[a-zA-Z05 !@$'хоЖéß.-]{0,40}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded.clone());
        }

        #[test]
        fn case_never_matters(text in "[a-z0-9 éö@$!]{0,40}") {
            prop_assert_eq!(fold(&text), fold(&text.to_uppercase()));
        }
    }
}
