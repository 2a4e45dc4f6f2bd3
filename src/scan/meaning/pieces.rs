//! Words cut into the pieces that an encoder knows: `unfriended` is `un`, `##friend`, `##ed`. The longest piece first, as WordPiece does (Schuster and Nakajima,
//! "Japanese and Korean voice search", 2012). Pure.

use std::collections::HashMap;

/// A word with more bytes than this is not cut: nobody types such words.
const LONGEST: usize = 100;
/// What a piece within a word begins with.
const WITHIN: &str = "##";
/// What stands for a word that no pieces make.
const UNKNOWN: &str = "[UNK]";
/// What every text begins and ends with.
const ENDS: [&str; 2] = ["[CLS]", "[SEP]"];

/// The pieces that are known, by their number.
#[derive(Debug)]
pub(super) struct Pieces {
    /// At the beginning of a word.
    first: HashMap<Box<str>, u32>,
    /// Within one.
    within: HashMap<Box<str>, u32>,
    unknown: u32,
    ends: [u32; 2],
}

impl Pieces {
    /// One a line, in the order of their numbers. Nothing if one is there twice, or one that must be there is not.
    pub(super) fn read(lines: &str) -> Option<Self> {
        let (mut first, mut within) = (HashMap::new(), HashMap::new());
        for (number, line) in (0..).zip(lines.lines()) {
            let known = line
                .strip_prefix(WITHIN)
                .filter(|rest| !rest.is_empty())
                .map_or_else(|| first.insert(line.into(), number), |rest| within.insert(rest.into(), number));
            if known.is_some() {
                return None;
            }
        }
        let number = |name: &str| first.get(name).copied();
        let (unknown, ends) = (number(UNKNOWN)?, [number(ENDS[0])?, number(ENDS[1])?]);
        Some(Self { first, within, unknown, ends })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.within.len()
    }

    /// The numbers of the pieces of texts, oldest first, with what begins and ends each: at most `most`. Where that is too little, the oldest texts are left out,
    /// and of the last its beginning is taken.
    pub(super) fn cut(&self, texts: &[&[&str]], most: usize) -> Vec<u32> {
        let room = most.saturating_sub(ENDS.len());
        let (mut left, mut all) = (room, Vec::new());
        for (nth, words) in texts.iter().rev().enumerate() {
            let mut text = Vec::new();
            for word in *words {
                if text.len() > left {
                    break;
                }
                self.word(word, &mut text);
            }
            // An end of its own stands before the next.
            let taken = text.len() + usize::from(nth > 0);
            if taken > left && nth > 0 {
                break;
            }
            text.truncate(left);
            left = left.saturating_sub(taken);
            all.push(text);
        }
        let mut numbers = vec![self.ends[0]];
        for text in all.into_iter().rev() {
            numbers.extend(text);
            numbers.push(self.ends[1]);
        }
        numbers
    }

    /// How many of these texts, the last first, are in what [`Pieces::cut`] makes of them.
    pub(super) fn fit(&self, texts: &[&[&str]], most: usize) -> usize {
        self.cut(texts, most).iter().filter(|piece| **piece == self.ends[1]).count()
    }

    fn word(&self, word: &str, all: &mut Vec<u32>) {
        let before = all.len();
        let mut rest = if word.len() > LONGEST { "" } else { word };
        while !rest.is_empty() {
            let known = if rest.len() == word.len() { &self.first } else { &self.within };
            let ends = rest.char_indices().map(|(at, letter)| at + letter.len_utf8()).rev();
            let Some((end, piece)) = ends.into_iter().find_map(|end| Some((end, *known.get(&rest[..end])?))) else { break };
            all.push(piece);
            rest = &rest[end..];
        }
        if !rest.is_empty() || word.len() > LONGEST {
            all.truncate(before);
            all.push(self.unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##friend\n##ed\nfriend\n##s\nf\n##é";

    #[test]
    fn the_longest_piece_comes_first_and_what_no_pieces_make_is_unknown() {
        let pieces = Pieces::read(KNOWN).expect("sound");
        let cut = |words: &[&str], most| pieces.cut(&[words], most);
        assert_eq!(cut(&["unfriended", "friends"], 20), [2, 4, 5, 6, 7, 8, 3]);
        assert_eq!(cut(&["fé", "unknown", &"f".repeat(101)], 20), [2, 9, 10, 1, 1, 3]);
        assert_eq!(cut(&["unfriended", "friends"], 4), [2, 4, 5, 3], "no more than were asked for, its end among them");
        assert_eq!(cut(&[], 4), [2, 3]);
    }

    #[test]
    fn of_several_texts_the_oldest_are_left_out_first() {
        let pieces = Pieces::read(KNOWN).expect("sound");
        let texts: [&[&str]; 3] = [&["un"], &["friends"], &["f"]];
        assert_eq!(pieces.cut(&texts, 20), [2, 4, 3, 7, 8, 3, 9, 3]);
        assert_eq!([20, 8, 7, 5].map(|most| pieces.fit(&texts, most)), [3, 3, 2, 1]);
        assert_eq!(pieces.cut(&texts, 8), [2, 4, 3, 7, 8, 3, 9, 3], "just enough");
        assert_eq!(pieces.cut(&texts, 7), [2, 7, 8, 3, 9, 3]);
        assert_eq!(pieces.cut(&texts, 5), [2, 9, 3], "half a text is none");
        assert_eq!(pieces.cut(&[&["f"], &["unfriended"]], 4), [2, 4, 5, 3], "but the last");
    }

    #[test]
    fn pieces_that_cannot_be_told_apart_are_none() {
        assert!(Pieces::read(&format!("{KNOWN}\nfriend")).is_none());
        assert!(Pieces::read("[CLS]\n[SEP]\nun").is_none());
    }

    proptest! {
        #[test]
        fn any_words_are_cut(texts in proptest::collection::vec(proptest::collection::vec("\\PC{0,12}", 0..40), 1..5), most in 2_usize..60) {
            let pieces = Pieces::read(KNOWN).expect("sound");
            let texts: Vec<Vec<&str>> = texts.iter().map(|words| words.iter().map(String::as_str).collect()).collect();
            let cut = pieces.cut(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>(), most);
            prop_assert!(cut.len() <= most && cut.iter().all(|piece| (*piece as usize) < pieces.len()));
            prop_assert_eq!((cut[0], cut[cut.len() - 1]), (2, 3));
        }
    }
}
