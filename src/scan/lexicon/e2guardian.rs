//! Phrase lists of e2guardian (and DansGuardian): weighted, banned and exception phrases. Lines are read by [`crate::lists::formats`]; here is what
//! they mean for a score.
//!
//! | there | here |
//! | --- | --- |
//! | `<casino>` | these letters anywhere, also within words |
//! | `< casino >` | a space at an end is the end of a word |
//! | `<a>,<b><50>` | all of them on the page, in any order; here near one another |
//! | `<a><-30>` | takes off |
//! | `<a><10%>` | per cent of the group's limit; here points, as of a limit of 100 |
//! | a phrase without a weight | blocks at once; here weighs 100 and needs company, as every phrase does |
//! | an exception phrase | lets the page through; here takes 100 off everything |
//! | `#listcategory: "Proxies"` | a theme of that name, in small letters with hyphens |
//!
//! Unlike there, a word of the page counts for one phrase only, the longest it is part of, and a phrase counts once in a window however often it is said
//! unless [`super::super::window::Repeats::Each`] is asked for. So scores are lower here than in e2guardian's log.

use super::{About, Builder, Fault, Problem, Themes, Wanted, is_name};
use crate::lists::entry::{Listed, Refusal};
use crate::lists::formats::text::{ReadError, Text};
use crate::lists::formats::{Format, Said};
use std::sync::Arc;

/// What a phrase without a weight counts.
const BANNED: i32 = 100;
/// What an exception phrase counts.
const EXCEPTION: i32 = -100;

impl Builder {
    /// Reads a list of e2guardian: [`Format::Phrases`] or [`Format::ExceptionPhrases`]. Its phrases are of `theme` until a line says another.
    pub fn read_e2guardian(&mut self, file: &str, theme: &str, format: Format, text: Text<'_>) -> Result<Vec<Problem>, ReadError> {
        self.begin(file);
        let (mut theme, mut problems) = (theme.to_owned(), Vec::new());
        format.read(text, &mut |line, _, said| {
            let fault = match said {
                Said::Entry(listed) => self.e2guardian(&theme, line, &listed),
                Said::Refused(Refusal::NotText) => Err(Fault::NotText),
                Said::Refused(reason) => Err(Fault::NotE2guardian(reason.to_string().into())),
                Said::Category(name) => {
                    theme = slug(&name);
                    Ok(None)
                }
                Said::Include(path) => Err(Fault::Include(path.into())),
                Said::List(_) => Ok(None),
            };
            match fault {
                Ok(None) => {}
                Ok(Some(what)) | Err(what) => problems.push(self.problem(line, what)),
            }
        })?;
        Ok(problems)
    }

    /// Adds a phrase as [`crate::lists::Lists::phrases`] has it. What is said of it though it is taken comes back.
    pub fn e2guardian(&mut self, theme: &str, line: u32, listed: &Listed) -> Result<Option<Fault>, Fault> {
        let (text, is_exception) = match listed {
            Listed::Phrase(text) => (text, false),
            Listed::Except(inner) => match &**inner {
                Listed::Phrase(text) => (text, true),
                _ => return Err(Fault::NotE2guardian("no phrase".into())),
            },
            _ => return Err(Fault::NotE2guardian("no phrase".into())),
        };
        let (phrases, weight) = parts(text).ok_or_else(|| Fault::NotE2guardian("no phrase".into()))?;
        let (weight, note) = match weight {
            _ if is_exception => (EXCEPTION, Some(Fault::Exception)),
            None => (BANNED, Some(Fault::Banned)),
            Some(weight) => match weight.strip_suffix('%') {
                Some(share) => (share.parse().map_err(|_| Fault::NoWeight)?, Some(Fault::PerCent)),
                None => (weight.parse().map_err(|_| Fault::NoWeight)?, None),
            },
        };
        if weight == 0 {
            return Err(Fault::NoEffect);
        }
        let themes = if is_exception {
            Themes::ALL
        } else if is_name(theme) {
            Themes::default().with(self.theme(theme, None)?)
        } else {
            return Err(Fault::NoTheme);
        };
        let wanted: Vec<_> =
            phrases.iter().map(|phrase| Wanted { text: phrase, starts_word: phrase.starts_with(' '), ends_word: phrase.ends_with(' ') }).collect();
        self.add(&About { text, weight, themes, language: &Arc::from(""), line }, &wanted)?;
        Ok(note)
    }
}

/// A name as a theme has it.
fn slug(name: &str) -> String {
    let hyphened: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    hyphened.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// The phrases of `<a>,<b><50>` and the weight.
fn parts(text: &str) -> Option<(Vec<&str>, Option<&str>)> {
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    let (phrases, weight) = inner.split_once("><").map_or((inner, None), |(phrases, weight)| (phrases, Some(weight)));
    Some((phrases.split(">,<").collect(), weight))
}
