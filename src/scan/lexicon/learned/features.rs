//! What of a text is weighed: its words, what they begin with, which stand near which, the kinds of words that patterns have names for, and marks that
//! somebody else puts on the text. Pure.
//!
//! | feature | of `where to buy ket` |
//! | --- | --- |
//! | a word, or a name of words | `ket`, `<drug>` |
//! | how the text begins | `^ where` |
//! | what a long word begins with | `ketam*` of `ketamine` |
//! | next to one another | `buy ket`, `buy <drug>` |
//! | near one another, in this order | `where .. <drug>` |
//! | a mark | `[drugs strong]` |

use std::collections::HashMap;

/// How many words are looked at from the beginning of a text, and as many before its end: what is pasted between is not what somebody says.
pub const ENDS: usize = 60;
/// How many words may be between two that are near one another.
const NEAR: usize = 3;
/// The letters that a long word is known by, and from how many letters on it is long.
const STEM: usize = 5;
const LONG: usize = 6;
/// How many words a name may stand for in one place.
const MOST_IN_A_ROW: usize = 8;

/// The names of words, as they are found in a text.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Names {
    names: Vec<Box<str>>,
    /// What a name stands for, by its first word.
    rows: HashMap<Box<str>, Vec<Row>>,
}

/// Words in a row that have a name, and which.
#[derive(Clone, Debug)]
struct Row {
    words: Box<[Box<str>]>,
    name: u16,
}

impl Names {
    /// Another name: words in a row that it stands for.
    pub(in super::super) fn add(&mut self, name: &str, rows: impl Iterator<Item = Vec<Box<str>>>) {
        let Ok(place) = u16::try_from(self.names.len()) else { return };
        self.names.push(format!("<{name}>").into());
        for row in rows.filter(|row| !row.is_empty() && row.len() <= MOST_IN_A_ROW) {
            self.rows.entry(row[0].clone()).or_default().push(Row { words: row.into(), name: place });
        }
    }

    /// What stands at a place: a name, and behind which word it ends.
    fn at<'n>(&'n self, words: &[&str], place: usize, found: &mut Vec<Unit<'n>>) {
        let before = found.len();
        for row in self.rows.get(words[place]).into_iter().flatten() {
            let end = place + row.words.len();
            if end <= words.len() && row.words.iter().zip(&words[place..end]).all(|(known, word)| **known == **word) {
                let unit = Unit { from: place, to: end, text: &self.names[usize::from(row.name)] };
                if !found[before..].contains(&unit) {
                    found.push(unit);
                }
            }
        }
    }
}

/// A word, or words that have a name.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Unit<'a> {
    from: usize,
    to: usize,
    text: &'a str,
}

/// Tells each feature of folded words, some more than once. `is_end`: they do not begin the text.
pub(in super::super) fn features(words: &[&str], is_end: bool, names: &Names, marks: &[String], tell: &mut dyn FnMut(&str)) {
    let mut units = Vec::with_capacity(words.len() * 2);
    let mut text = String::new();
    for (place, word) in words.iter().enumerate() {
        units.push(Unit { from: place, to: place + 1, text: word });
        names.at(words, place, &mut units);
        if word.chars().count() >= LONG {
            text.clear();
            text.extend(word.chars().take(STEM));
            text.push('*');
            tell(&text);
        }
    }
    marks.iter().for_each(|mark| tell(mark));
    let mut pair = |one: &str, between: &str, other: &str, tell: &mut dyn FnMut(&str)| {
        text.clear();
        text.extend([one, between, other]);
        tell(&text);
    };
    for (number, unit) in units.iter().enumerate() {
        tell(unit.text);
        if unit.from == 0 && !is_end {
            pair("^", " ", unit.text, tell);
        }
        // Units are in the order of their beginnings.
        for next in units[number + 1..].iter().skip_while(|next| next.from < unit.to).take_while(|next| next.from <= unit.to + NEAR) {
            if next.from == unit.to {
                pair(unit.text, " ", next.text, tell);
            }
            pair(unit.text, " .. ", next.text, tell);
        }
    }
}
