//! `usher scan`: what the phrases say of a text, by the same code that reads pages as they pass.

mod asked;
mod learn;

use super::table::{align_numbers, safe, table};
use super::{Answer, print, print_json};
use crate::app;
use crate::config::Config;
use crate::identity::Standing;
use crate::policy::words::Way;
use crate::policy::{OnHit, Reason};
use crate::scan::window::{Repeats, Score};
use crate::scan::{Kind, Scanner, label};
use crate::snapshot::Snapshot;
use anyhow::{Context, bail};
use asked::Asked;
use clap::{Args, Subcommand};
use learn::Learn;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Look at the phrases pages are scored by.
#[derive(Subcommand)]
pub(super) enum Scan {
    /// Score a text: by theme, with the phrases found and where they come from. Exit code 1 if it is over the group's threshold.
    #[command(
        after_help = "Examples:\n  usher scan try page.html --group pupils\n  curl -s http://news.example/ | usher scan try - --type text/html\n  usher scan try chat.json --json\n\nThe texts of examples and complaints are good to try before a threshold is changed or a phrase written."
    )]
    Try(Try),
    /// Weigh words as if they were searched for or asked of an AI: the theme, how grave, and which line of which phrase file. Exit code 1 if any is a concern or danger.
    #[command(
        after_help = "Examples:\n  usher scan asked \"how to hide a vape at school\"\n  usher scan asked - < searches.txt\n  usher scan asked - --json < searches.txt\n  usher scan asked - --together < sittings.txt\n  usher scan asked \"nie chce zyc\" --read\n\nEach is weighed for itself, as if it was typed once and let through. With - a line is one search. With --together it is told what lines say that are typed within \
                      some minutes and say nothing by themselves. Nothing is put on record."
    )]
    Asked(Asked),
    /// Learn weights of words from examples: lines that pupils type, and lines that only look like them. Says how much is found of lines that it did not learn from.
    #[command(
        after_help = "Examples:\n  usher scan learn blocklists/lexicon/examples --to blocklists/lexicon/phrases/learned\n  usher scan learn examples our-own-examples --to /etc/usher/phrases/learned\n  usher scan learn examples --wrong 0.2 --to learned --json\n\nA file of examples has headings \"= drugs concern\" (a theme; watch, concern or danger) and \"= none\", and below each the lines as they were typed.\nThe file that is written is a phrase file: put it where [scan] phrases in usher.toml looks, one of them only. Then: usher check, and reload."
    )]
    Learn(Learn),
}

#[derive(Args)]
pub(super) struct Try {
    /// The file, without content codings; "-" for what comes through a pipe.
    file: PathBuf,
    /// As somebody in this group would get it.
    #[arg(long)]
    group: Option<String>,
    /// What it is, as a server says it, such as "text/html; charset=utf-8". By the name of the file, or its first character, if it is left out.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told {
    group: Option<String>,
    threshold: Option<i32>,
    /// What would be done: nothing, note, cut or withhold.
    does: Option<&'static str>,
    themes: Vec<OfTheme>,
    phrases: Vec<OfPhrase>,
}

#[derive(Serialize)]
struct OfTheme {
    theme: String,
    category: String,
    /// The most points near one another.
    points: i32,
    /// The points of the whole text.
    whole: i32,
}

#[derive(Serialize)]
struct OfPhrase {
    phrase: String,
    weight: i32,
    themes: Vec<String>,
    file: String,
    line: u32,
    /// Behind which byte of the text it was complete, markup left out.
    at: u64,
}

impl Scan {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        let this = match self {
            Self::Asked(asked) => return asked.run(path),
            Self::Learn(learn) => return learn.run(path),
            Self::Try(this) => this,
        };
        let config = Config::load(path)?;
        let secret = app::open_data(&config)?;
        let snapshot = app::look(&config, secret)?;
        let standing = this.group.as_deref().map(|name| standing(&snapshot, name)).transpose()?;
        let (mut reader, name): (Box<dyn Read>, _) = if this.file.as_os_str() == "-" {
            (Box::new(io::stdin().lock()), String::new())
        } else {
            (Box::new(File::open(&this.file).with_context(|| format!("{} cannot be read", this.file.display()))?), this.file.to_string_lossy().into_owned())
        };
        let mut buffer = vec![0; 64 * 1024];
        let mut count = reader.read(&mut buffer)?;
        let said = this.kind.unwrap_or_else(|| guessed(&name, &buffer[..count]).to_owned());
        let Some(kind) = Kind::of(&said) else { bail!("\"{said}\" is no text that is read; such are text/html, text/plain, application/json") };
        let mut scanner = Scanner::new(snapshot.lexicon.clone(), kind, label(&said), Repeats::Once);
        while count > 0 {
            let _ = scanner.feed(&buffer[..count]);
            count = reader.read(&mut buffer)?;
        }
        scanner.finish();
        let reading = standing.and_then(|standing| snapshot.policy.reading(standing, &Reason::Unlisted));
        let hit = reading.as_ref().and_then(|reading| reading.judge(scanner.peaks(), Way::Answer));
        let does = reading.as_ref().map(|_| hit.map_or("nothing", |hit| name_of(hit.on_hit)));
        let threshold = reading.as_ref().map(crate::policy::Reading::threshold);
        let told = told(&snapshot, &scanner.so_far(), Told { group: this.group, threshold, does, themes: Vec::new(), phrases: Vec::new() });
        if this.json {
            print_json(&told)?
        } else {
            show(&told)?
        }
        Ok(if hit.is_some() { Answer::No } else { Answer::Yes })
    }
}

fn standing(snapshot: &Snapshot, name: &str) -> anyhow::Result<Standing> {
    if name == "unknown" {
        return Ok(Standing::Unknown);
    }
    let names: Vec<_> = snapshot.policy.groups.iter().map(|group| &*group.name).collect();
    let Some(group) = snapshot.policy.group_named(name) else { bail!("there is no group \"{name}\"; there are {}", names.join(", ")) };
    Ok(Standing::Member(group))
}

fn guessed(name: &str, first: &[u8]) -> &'static str {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    match end.as_str() {
        "html" | "htm" | "xhtml" | "xml" | "svg" => "text/html",
        "json" => "application/json",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "js" | "mjs" => "text/javascript",
        "txt" | "md" => "text/plain",
        _ => match first.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'<') => "text/html",
            Some(b'{' | b'[') => "application/json",
            Some(_) | None => "text/plain",
        },
    }
}

fn name_of(on_hit: OnHit) -> &'static str {
    OnHit::NAMES.iter().find(|(_, known)| *known == on_hit).map_or("note", |(name, _)| name)
}

fn told(snapshot: &Snapshot, score: &Score, told: Told) -> Told {
    let lexicon = &snapshot.lexicon;
    let mut themes: Vec<_> = score
        .standings
        .iter()
        .map(|standing| {
            let theme = &lexicon.themes()[standing.theme.place()];
            OfTheme { theme: theme.name.to_string(), category: theme.category.to_string(), points: standing.peak, whole: standing.page }
        })
        .collect();
    themes.sort_by_key(|theme| -theme.points);
    let phrases = score.found.iter().map(|found| {
        let entry = &lexicon.entries()[found.entry as usize];
        let named: Vec<_> = entry.themes.iter(lexicon.themes().len()).map(|theme| lexicon.themes()[theme.place()].name.to_string()).collect();
        let themes = if named.len() == lexicon.themes().len() { vec!["all".to_owned()] } else { named };
        let file = lexicon.files()[entry.file as usize].to_string();
        OfPhrase { phrase: entry.text.to_string(), weight: entry.weight, themes, file, line: entry.line, at: found.at }
    });
    Told { phrases: phrases.collect(), themes, ..told }
}

fn show(told: &Told) -> anyhow::Result<()> {
    if told.phrases.is_empty() {
        print("no phrase was found")?;
    } else {
        let mut themes = table(&["theme", "category", "points", "of the whole text"]);
        for theme in &told.themes {
            themes.add_row([safe(&theme.theme), safe(&theme.category), theme.points.to_string(), theme.whole.to_string()]);
        }
        align_numbers(&mut themes, 2);
        print(themes)?;
        print("")?;
        let mut phrases = table(&["phrase", "themes", "from", "weight", "at byte"]);
        for phrase in &told.phrases {
            let from = format!("{}:{}", Path::new(&phrase.file).file_name().unwrap_or_default().to_string_lossy(), phrase.line);
            phrases.add_row([safe(&phrase.phrase), safe(&phrase.themes.join(", ")), safe(&from), phrase.weight.to_string(), phrase.at.to_string()]);
        }
        align_numbers(&mut phrases, 2);
        print(phrases)?;
        print("")?;
    }
    match (&told.group, told.threshold, told.does) {
        (Some(group), Some(threshold), Some("nothing")) => print(format_args!("under the threshold of {threshold} for {group}: it passes"))?,
        (Some(group), Some(threshold), Some(does)) => print(format_args!("over the threshold of {threshold} for {group}: {does}"))?,
        (Some(group), _, _) => print(format_args!("pages are not read for {group}: it has no phrases = {{ … }} in policy.toml"))?,
        (None, _, _) => {}
    }
    Ok(())
}
