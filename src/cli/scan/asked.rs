//! `usher scan asked`: what words come to that somebody searches for or asks an AI, and why.

use super::super::table::safe;
use super::super::{Answer, print, print_json};
use crate::alert::signal::{Book, Once, SelfTest, as_read, once, once_together, points_together, sitting, telling};
use crate::app;
use crate::audit::incident::Level;
use crate::config::Config;
use crate::scan::lexicon::learned::Telling;
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use std::io::{self, Read};
use std::path::Path;

#[derive(Args)]
pub(crate) struct Asked {
    /// The words; "-" for lines that come through a pipe.
    words: String,
    /// Take lines together, as if one person had typed them within a minute; an empty line stands between what is taken together.
    #[arg(long)]
    together: bool,
    /// With --together --json: print the points of their words instead, in hundredths, of danger and then of each theme that was learned. What benches/asked/meaning.py goes by.
    #[arg(long, requires = "together", requires = "json")]
    points: bool,
    /// Print each line as it is read, and nothing else: folded, and word for word in English if it is in another language that a glossary knows.
    #[arg(long, conflicts_with = "together")]
    read: bool,
    /// Print a line of JSON for each.
    #[arg(long)]
    json: bool,
}

/// A line as it is read.
#[derive(Serialize)]
struct OfRead<'a> {
    words: &'a str,
    /// The language, if it is read word for word in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    read: &'a str,
}

/// What texts came to that were taken together.
#[derive(Serialize)]
struct OfSitting<'a> {
    sitting: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    points: Vec<i32>,
}

/// What words came to in one theme.
#[derive(Serialize)]
struct OfAsked<'a> {
    words: &'a str,
    theme: &'static str,
    level: Option<&'static str>,
    why: String,
    /// Where it was learned: what of the words speaks for it, and what against, in hundredths of points.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telling: Vec<OfTelling>,
}

/// A word, or words near one another, that speak for it or against it.
#[derive(Serialize)]
struct OfTelling {
    feature: String,
    points: i32,
}

/// How many of them are shown.
const MOST_SHOWN: usize = 8;

impl Asked {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let config = Config::load(path)?;
        let secret = app::open_data(&config)?;
        let snapshot = app::look(&config, secret)?;
        let weights = config.rulebook()?.alerts.weights.clone();
        let book = Book::new(weights, &snapshot, Vec::new(), SelfTest::new(&secret));
        let mut text = String::new();
        if self.words == "-" {
            io::stdin().lock().read_to_string(&mut text).context("what comes through the pipe is no text in UTF-8")?;
        } else {
            text.push_str(&self.words);
        }
        if self.read {
            self.read(&text, &book)?;
            return Ok(Answer::Yes);
        }
        let is_concern = if self.together { self.together(&text, &book)? } else { self.each(&text, &book)? };
        Ok(if is_concern { Answer::No } else { Answer::Yes })
    }

    /// Weighs texts that are taken together. Whether any are a concern.
    fn together(&self, text: &str, book: &Book) -> anyhow::Result<bool> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let mut is_concern = false;
        for texts in lines.split(|line| line.is_empty()).filter(|texts| !texts.is_empty()) {
            let row = OfSitting { sitting: texts, theme: None, level: None, why: None, points: Vec::new() };
            if self.points {
                print_json(&OfSitting { points: points_together(&sitting(texts, book), book), ..row })?;
                continue;
            }
            let found = once_together(texts, book);
            is_concern |= found.iter().any(|once| once.level > Some(Level::Watch));
            if found.is_empty() && !self.json {
                print(format_args!("nothing together: {}", safe(&texts.join(" / "))))?;
            }
            for Once { theme, level, says } in found {
                let level = level.map(Level::as_str);
                if self.json {
                    print_json(&OfSitting { sitting: texts, theme: Some(theme.as_str()), level, why: Some(says), points: Vec::new() })?;
                    continue;
                }
                print(format_args!("{} {}: {}  {}", theme.as_str(), level.unwrap_or("too little"), safe(&texts.join(" / ")), safe(&says)))?;
            }
        }
        Ok(is_concern)
    }

    /// Prints how each line is read.
    fn read(&self, text: &str, book: &Book) -> anyhow::Result<()> {
        for words in text.lines().filter(|line| !line.trim().is_empty()) {
            let (language, read) = as_read(words, book);
            let (language, read) = (language.as_deref(), read.trim());
            match language {
                _ if self.json => print_json(&OfRead { words, language, read })?,
                Some(language) => print(format_args!("{language}: {}  is read  {}", safe(words), safe(read)))?,
                None => print(format_args!("as it is: {}", safe(read)))?,
            }
        }
        Ok(())
    }

    /// Weighs each line for itself. Whether any is a concern.
    fn each(&self, text: &str, book: &Book) -> anyhow::Result<bool> {
        let mut is_concern = false;
        for words in text.lines().filter(|line| !line.trim().is_empty()) {
            let found = once(words, book);
            is_concern |= found.iter().any(|once| once.level > Some(Level::Watch));
            if found.is_empty() && !self.json {
                print(format_args!("nothing: {}", safe(words)))?;
            }
            let learned = if found.is_empty() { None } else { telling(words, book) };
            if !self.json
                && let (Some(language), read) = as_read(words, book)
            {
                print(format_args!("in {language}, word for word: {}", safe(read.trim())))?;
            }
            for Once { theme, level, says } in found {
                let level = level.map(Level::as_str);
                let all = learned.iter().filter(|(of, _)| *of == theme).flat_map(|(_, telling)| telling.clone());
                let telling: Vec<_> = all.take(MOST_SHOWN).map(|Telling { feature, points }| OfTelling { feature, points }).collect();
                if self.json {
                    print_json(&OfAsked { words, theme: theme.as_str(), level, why: says, telling })?;
                    continue;
                }
                print(format_args!("{} {}: {}  {}", theme.as_str(), level.unwrap_or("too little"), safe(words), safe(&says)))?;
                if !telling.is_empty() {
                    let one = |one: &OfTelling| format!("{} {:+.2}", safe(&one.feature), f64::from(one.points) / 100.0);
                    print(format_args!("    what speaks loudest: {}", telling.iter().map(one).collect::<Vec<_>>().join(", ")))?;
                }
            }
        }
        Ok(is_concern)
    }
}
