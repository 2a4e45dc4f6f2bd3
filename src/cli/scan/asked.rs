//! `usher scan asked`: what words come to that somebody searches for or asks an AI, and why.

use super::super::table::safe;
use super::super::{Answer, print, print_json};
use crate::alert::signal::{Book, Once, SelfTest, once, telling};
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
    /// Print a line of JSON for each.
    #[arg(long)]
    json: bool,
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
        let mut is_concern = false;
        for words in text.lines().filter(|line| !line.trim().is_empty()) {
            let found = once(words, &book);
            is_concern |= found.iter().any(|once| once.level > Some(Level::Watch));
            if found.is_empty() && !self.json {
                print(format_args!("nothing: {}", safe(words)))?;
            }
            let learned = if found.is_empty() { None } else { telling(words, &book) };
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
        Ok(if is_concern { Answer::No } else { Answer::Yes })
    }
}
