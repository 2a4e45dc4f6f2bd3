//! Words that are one letter away from a word that is known: a letter too many, one left out, another one, two changed about. Pure.
//!
//! Only long words are read so, since short ones are near too many others; the first letter is always right; and what is near two words is read as none.

use smallvec::SmallVec;
use std::collections::HashMap;

/// The shortest word that a slip may be meant for, in letters.
const SHORTEST: usize = 7;
/// The longest that is looked at.
const LONGEST: usize = 24;

/// Known words by what is left of them without one letter.
#[derive(Debug, Default)]
pub(super) struct Slips {
    left: HashMap<Box<str>, SmallVec<[u32; 1]>>,
    /// The words by their numbers.
    words: Vec<Box<str>>,
}

impl Slips {
    /// Of these words, with their numbers.
    pub(super) fn of(words: &HashMap<Box<str>, u32>) -> Self {
        let mut left: HashMap<Box<str>, SmallVec<[u32; 1]>> = HashMap::new();
        for (word, number) in words.iter().filter(|(word, _)| is_long(word, SHORTEST)) {
            for less in without_one(word) {
                let known = left.entry(less.into()).or_default();
                if !known.contains(number) {
                    known.push(*number);
                }
            }
        }
        let mut by_number = vec![Box::default(); words.len()];
        for (word, number) in words {
            by_number[*number as usize] = word.clone();
        }
        Self { left, words: by_number }
    }

    /// The word that one that is not known is a slip of, if it is just one.
    pub(super) fn meant(&self, written: &str, words: &HashMap<Box<str>, u32>) -> Option<u32> {
        if !is_long(written, SHORTEST - 1) {
            return None;
        }
        let mut near: SmallVec<[u32; 2]> = SmallVec::new();
        let mut add = |number: u32| {
            if !near.contains(&number) {
                near.push(number);
            }
        };
        // One left out.
        self.left.get(written).into_iter().flatten().copied().for_each(&mut add);
        for less in without_one(written) {
            // One too many.
            words.get(less.as_str()).filter(|_| less.len() >= SHORTEST).copied().into_iter().for_each(&mut add);
            // Another one, or two changed about: the same is left of both.
            self.left.get(less.as_str()).into_iter().flatten().copied().for_each(&mut add);
        }
        match near.as_slice() {
            [] => None,
            several => {
                let is_near = |number: &&u32| self.words.get(**number as usize).is_some_and(|word| is_one_off(word, written));
                let mut really = several.iter().filter(is_near);
                really.next().copied().filter(|_| really.next().is_none())
            }
        }
    }
}

fn is_long(word: &str, least: usize) -> bool {
    (least..=LONGEST).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn without_one(word: &str) -> impl Iterator<Item = String> {
    // The first letter stays.
    (1..word.len()).map(|place| format!("{}{}", &word[..place], &word[place + 1..]))
}

/// Whether one letter makes one of the other: put in, left out, changed, or changed about with the next.
fn is_one_off(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    match (one, other) {
        ([_, rest @ ..], same) if rest == same => true,
        (same, [_, rest @ ..]) if rest == same => true,
        ([_, one @ ..], [_, other @ ..]) if one == other => true,
        ([a, b, one @ ..], [c, d, other @ ..]) => a == d && b == c && one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_off_is_a_slip_of_the_one_word_it_is_near() {
        let words: HashMap<Box<str>, u32> =
            ["suicide", "overdose", "strange", "strangle", "knife", "starting", "starving"].into_iter().map(Box::from).zip(0..).collect();
        let slips = Slips::of(&words);
        let meant = |written: &str| slips.meant(written, &words).and_then(|number| words.iter().find(|(_, known)| **known == number).map(|(word, _)| &**word));
        for (written, expected) in [
            ("sucide", Some("suicide")),
            ("suicied", Some("suicide")),
            ("suiside", Some("suicide")),
            ("suuicide", Some("suicide")),
            ("overdsoe", Some("overdose")),
            // Another first letter, too short, too far, or near two.
            ("buicide", None),
            ("knive", None),
            ("suside", None),
            ("staring", None),
            ("su1cide", None),
        ] {
            assert_eq!(meant(written), expected, "{written}");
        }
    }
}
