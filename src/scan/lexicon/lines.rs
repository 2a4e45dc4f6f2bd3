//! Phrase files in our form: one phrase a line, its weight first. For people to read and write.
//!
//! ```text
//! # A comment. Blank lines mean nothing.
//! theme: suicide                      what the lines below speak for; several with commas; `all` for what takes off everywhere
//! category: self-harm                 the category of the theme, where it has another name
//! language: English
//!
//! 30   painless way to die            these words in a row
//! 15   suicid*                        a word that begins so
//! 60   tie + noose + how long         all of them near one another, in any order
//! -30  samaritans                     takes off: where there is help, news or learning
//!
//! reads: asked                        below it are patterns of what is typed into searches and AIs; `reads: all` ends that
//! <die> = die | end it all            a name for words
//! 60   i .. want to <die>             a pattern: see [`super::pattern`]
//!
//! reads: learned                      below it are weights that `usher scan learn` wrote: see [`super::learned`]
//!
//! reads: glossary                     below it are words of the language, and what they mean in English: see [`super::gloss`]
//! chcę = i want
//! ```
//!
//! A phrase is whole words, in any case, with or without accents. A weight is from -100 to 100, of a single word at most 40; a group's threshold is
//! usually 100. ` # ` ends a line.

use super::{About, Builder, Fault, HEAVIEST, HEAVIEST_WORD, Problem, Themes, Wanted, is_name};
use memchr::memmem;
use std::sync::Arc;

impl Builder {
    /// Reads a file in our form. What is wrong with a line keeps that line out, and no other.
    pub fn read(&mut self, file: &str, text: &str) -> Vec<Problem> {
        self.begin(file);
        let mut reader = Reader { themes: Vec::new(), language: "".into(), reads: Reads::All };
        let mut problems = Vec::new();
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let line = memmem::find(line.as_bytes(), b" #").map_or(line, |end| &line[..end]).trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err(what) = reader.line(self, number, line) {
                problems.push(self.problem(number, what));
            }
        }
        problems
    }
}

/// What headings say about the lines below them.
struct Reader {
    themes: Vec<Box<str>>,
    language: Arc<str>,
    reads: Reads,
}

/// What the lines are looked for in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Pages, and what is typed: they are phrases.
    All,
    /// What is typed: they are patterns.
    Asked,
    /// What is typed, by all its words: they are weights.
    Learned,
    /// What is typed in the language: they are words of it, and what these mean.
    Glossary,
}

impl Reader {
    fn line(&mut self, builder: &mut Builder, number: u32, line: &str) -> Result<(), Fault> {
        if self.reads == Reads::Learned && !line.starts_with("reads:") {
            return builder.learned(line, number, &self.language);
        }
        if let Some((name, words)) = line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            let words = words.trim_start().strip_prefix('=').ok_or(Fault::NoWeight)?;
            return if self.reads == Reads::Asked { builder.name(name, words) } else { Err(Fault::NameAmongPhrases) };
        }
        match heading(line) {
            Some((name, value)) => self.heading(builder, name, value),
            None if self.reads == Reads::Glossary => builder.gloss(line, &self.language),
            None => self.entry(builder, number, line),
        }
    }

    fn heading(&mut self, builder: &mut Builder, name: &str, value: &str) -> Result<(), Fault> {
        match name {
            "theme" | "themes" => {
                self.themes.clear();
                let names = value.split(',').map(str::trim);
                if let Some(bad) = names.clone().find(|name| !is_name(name)) {
                    return Err(Fault::BadName(bad.into()));
                }
                self.themes = names.map(Into::into).collect();
                Ok(())
            }
            "category" if self.themes.is_empty() => Err(Fault::CategoryAlone),
            "category" if !is_name(value) => Err(Fault::BadName(value.into())),
            "category" => self.themes.iter().try_for_each(|theme| builder.theme(theme, Some(value)).map(drop)),
            "language" => {
                self.language = value.into();
                Ok(())
            }
            "reads" => {
                self.reads = match value {
                    "all" => Reads::All,
                    "asked" => Reads::Asked,
                    "learned" => Reads::Learned,
                    "glossary" => Reads::Glossary,
                    other => return Err(Fault::NotReads(other.into())),
                };
                Ok(())
            }
            "prefixes" | "spaces" if self.reads == Reads::Glossary => builder.glossary_head(name, value, &self.language),
            other => Err(Fault::UnknownHeading(other.into())),
        }
    }

    fn entry(&self, builder: &mut Builder, number: u32, line: &str) -> Result<(), Fault> {
        let (weight, text) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let weight: i32 = weight.parse().map_err(|_| Fault::NoWeight)?;
        let text = text.trim();
        if self.reads == Reads::Asked {
            return self.pattern(builder, number, (weight, text));
        }
        let wanted: Vec<_> = text.split(" + ").map(wanted).collect::<Result<_, _>>()?;
        match weight {
            _ if text.is_empty() => return Err(Fault::NoPhrase),
            0 => return Err(Fault::NoEffect),
            _ if weight.abs() > HEAVIEST => return Err(Fault::TooHeavy(weight)),
            _ if weight > HEAVIEST_WORD && wanted.len() == 1 && !text.contains([' ', '-']) => return Err(Fault::HeavyWord(weight)),
            _ => {}
        }
        let themes = self.themes(builder, weight)?;
        builder.add(&About { text, weight, themes, language: &self.language, line: number }, &wanted)
    }

    fn pattern(&self, builder: &mut Builder, line: u32, (weight, text): (i32, &str)) -> Result<(), Fault> {
        match weight {
            _ if text.is_empty() => return Err(Fault::NoPhrase),
            0 => return Err(Fault::NoEffect),
            _ if weight.abs() > HEAVIEST => return Err(Fault::TooHeavy(weight)),
            _ => {}
        }
        let themes = self.themes(builder, weight)?;
        builder.add_pattern(&About { text, weight, themes, language: &self.language, line })
    }

    fn themes(&self, builder: &mut Builder, weight: i32) -> Result<Themes, Fault> {
        match &*self.themes {
            [] => Err(Fault::NoTheme),
            [all] if **all == *"all" && weight > 0 => Err(Fault::AddsToAll),
            [all] if **all == *"all" => Ok(Themes::ALL),
            names => names.iter().try_fold(Themes::default(), |themes, name| Ok(themes.with(builder.theme(name, None)?))),
        }
    }
}

/// `name: value`; a phrase begins with a number and is none.
fn heading(line: &str) -> Option<(&str, &str)> {
    let end = memchr::memchr(b':', line.as_bytes())?;
    let (name, value) = (&line[..end], &line[end + 1..]);
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| (name, value.trim()))
}

fn wanted(text: &str) -> Result<Wanted<'_>, Fault> {
    let text = text.trim();
    let (words, ends_word) = text.strip_suffix('*').map_or((text, true), |start| (start, false));
    if words.contains('*') || !ends_word && !words.ends_with(char::is_alphanumeric) {
        return Err(Fault::StarInside);
    }
    Ok(Wanted { text: words, starts_word: true, ends_word })
}
