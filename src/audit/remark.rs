//! What a program is to find in the note of a record: written at its front in a strict spelling, so that no column is added to the record for it.
//!
//! ```text
//! note   = *( remark ) [ text ]
//! remark = "{way " code SP points [ SP target ] "} " / "{words " theme SP points "/" threshold SP ( "up" / "down" ) "} "
//! ```
//!
//! Strangers' words, which a note may quote, can never become a remark: what is remarked is kept apart from the text until the note is written, and a text
//! that begins with a brace is given a space before it.

use crate::bypass::{Code, Finding, is_target};
use crate::policy::words::Way;
use smallvec::SmallVec;
use std::fmt;

/// The most remarks of one record.
const MOST: usize = 8;

/// One thing remarked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A sign of a way round the filter.
    Way {
        /// What.
        code: Code,
        /// How many points it counts.
        points: u8,
        /// The site that was really meant.
        target: Option<Box<str>>,
    },
    /// Words went over the threshold, and passed.
    Words {
        /// The theme of the phrase files.
        theme: Box<str>,
        /// How many points they came to.
        points: i32,
        /// How many may be.
        threshold: i32,
        /// Which way they went.
        way: Way,
    },
}

/// Those of one record.
pub type Remarks = SmallVec<[Remark; 1]>;

impl From<&Finding> for Remark {
    fn from(finding: &Finding) -> Self {
        Self::Way { code: finding.code, points: finding.certainty.points(), target: finding.target.clone() }
    }
}

impl Remark {
    /// That what was answered is WebAssembly, of a site that no list knows: it counts nothing by itself, and is a part of a triad.
    pub const WASM: Self = Self::Way { code: Code::Triad, points: 0, target: None };
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Way { code, points, target: None } => write!(f, "{{way {} {points}}} ", code.as_str()),
            Self::Way { code, points, target: Some(target) } => write!(f, "{{way {} {points} {target}}} ", code.as_str()),
            Self::Words { theme, points, threshold, way } => {
                let way = if *way == Way::Upload { "up" } else { "down" };
                write!(f, "{{words {theme} {points}/{threshold} {way}}} ")
            }
        }
    }
}

impl Remark {
    /// Those at the front of a note, and the text behind them.
    #[must_use]
    pub fn split(note: &str) -> (Remarks, &str) {
        let (mut found, mut rest) = (Remarks::new(), note);
        while found.len() < MOST
            && let Some((remark, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once("} "))
            && let Some(remark) = Self::parse(remark)
        {
            found.push(remark);
            rest = after;
        }
        (found, rest.strip_prefix(' ').filter(|text| may_be_taken_for_one(text)).unwrap_or(rest))
    }

    /// A note of these remarks and this text; nothing, if there is neither.
    #[must_use]
    pub fn join(remarks: &[Self], text: Option<String>) -> Option<String> {
        let text = text.map(|text| if may_be_taken_for_one(&text) { format!(" {text}") } else { text });
        match remarks {
            [] => text,
            remarks => Some(remarks.iter().take(MOST).map(ToString::to_string).chain(text).collect()),
        }
    }

    fn parse(inner: &str) -> Option<Self> {
        let mut words = inner.split(' ');
        let remark = match words.next()? {
            "way" => {
                let (code, points) = (Code::named(words.next()?)?, words.next()?.parse().ok()?);
                let target = match words.next() {
                    Some(target) if is_target(target) => Some(target.into()),
                    Some(_) => return None,
                    None => None,
                };
                Self::Way { code, points, target }
            }
            "words" => {
                let theme = words.next().filter(|theme| is_theme(theme))?;
                let (points, threshold) = words.next()?.split_once('/')?;
                let way = match words.next()? {
                    "up" => Way::Upload,
                    "down" => Way::Answer,
                    _ => return None,
                };
                Self::Words { theme: theme.into(), points: points.parse().ok()?, threshold: threshold.parse().ok()?, way }
            }
            _ => return None,
        };
        words.next().is_none().then_some(remark)
    }
}

/// Whether a text begins as a remark does, be it behind the spaces that were put before it.
fn may_be_taken_for_one(text: &str) -> bool {
    text.trim_start_matches(' ').starts_with('{')
}

fn is_theme(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn remark() -> impl Strategy<Value = Remark> {
        let code = prop::sample::select(Code::all().collect::<Vec<_>>());
        let way = (code, 0..=20_u8, prop::option::of("[A-Za-z0-9.:\\[\\]-]{1,40}")).prop_map(|(code, points, target)| Remark::Way {
            code,
            points,
            target: target.map(Into::into),
        });
        let words = ("[a-z-]{1,12}", any::<i32>(), any::<i32>(), any::<bool>()).prop_map(|(theme, points, threshold, up)| Remark::Words {
            theme: theme.into(),
            points,
            threshold,
            way: if up { Way::Upload } else { Way::Answer },
        });
        prop_oneof![way, words]
    }

    proptest! {
        #[test]
        fn what_is_remarked_is_read_again_whatever_stands_behind(remarks in prop::collection::vec(remark(), 0..8), text in prop::option::of("\\PC{1,60}")) {
            let note = Remark::join(&remarks, text.clone()).unwrap_or_default();
            let (read, rest) = Remark::split(&note);
            prop_assert_eq!(read.as_slice(), remarks.as_slice());
            prop_assert_eq!(rest, text.unwrap_or_default());
        }

        #[test]
        fn a_text_is_no_remark(text in "\\{?(way|words) ?\\PC{0,40}") {
            let note = Remark::join(&[], Some(text.clone())).expect("a note");
            prop_assert_eq!(Remark::split(&note), (Remarks::new(), text.as_str()));
        }
    }

    #[test]
    fn strangers_words_are_no_remark() {
        let text = "{way wisp 20 a.example} is what they said";
        let note = Remark::join(&[Remark::Way { code: Code::Address, points: 1, target: None }], Some(text.to_owned())).expect("a note");
        assert_eq!(note, format!("{{way address 1}}  {text}"));
        assert_eq!(Remark::split(&note).1, text);
        for not in ["{way}", "{way nothing 1} x", "{way wisp 1 a b} x", "{words a 1 up} x", "{words a 1/2 left} x", "{way wisp 1}x", "{way wisp 300} x"] {
            assert_eq!(Remark::split(not), (Remarks::new(), not));
        }
    }
}
