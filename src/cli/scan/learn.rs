//! `usher scan learn`: from examples to a file of weights, and how good they are.

use super::super::table::{align_numbers, table};
use super::super::{Answer, print, print_json};
use crate::alert::signal::{self, Book, SelfTest};
use crate::alert::theme::Theme;
use crate::app;
use crate::config::Config;
use crate::files;
use crate::scan::fold::fold;
use crate::scan::learn::{Bounds, Example, FOLDS, Found, Grade, Learned, Ready, examples, learn};
use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(crate) struct Learn {
    /// Files of examples, and folders of them.
    #[arg(required = true)]
    examples: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// A file of ordinary lines as people really type them, one a line. May be given several times.
    #[arg(long, value_name = "FILE")]
    ordinary: Vec<PathBuf>,
    /// How many of a hundred ordinary lines may be taken for a concern: of those of --ordinary, or, without them, of the examples', which look like the others on purpose.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    wrong: f64,
    /// A file for every line with the points that it came to by what was learned from the others, to see what is missed: a line of JSON for each.
    #[arg(long, value_name = "FILE")]
    weighed: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A line, and what it came to.
#[derive(Serialize)]
struct Weighed<'a> {
    words: &'a str,
    /// What the examples say of it; nothing of an ordinary line.
    theme: Option<&'a str>,
    level: Option<&'static str>,
    /// Whether it is of --ordinary.
    usual: bool,
    /// In hundredths: of danger, then of each theme, as the heading of the weights has them.
    points: &'a [i32],
}

/// How much was found of lines that were not learned from.
#[derive(Serialize)]
struct Report<'a> {
    examples: usize,
    features: usize,
    ordinary: usize,
    ordinary_as_concern: usize,
    ordinary_as_danger: usize,
    /// Lines of --ordinary.
    usual: usize,
    usual_as_concern: usize,
    usual_as_danger: usize,
    themes: Vec<OfTheme<'a>>,
}

#[derive(Serialize)]
struct OfTheme<'a> {
    theme: &'a str,
    #[serde(flatten)]
    found: &'a Found,
}

impl Learn {
    pub(super) fn run(self, path: &Path) -> anyhow::Result<Answer> {
        if !(0.0..=20.0).contains(&self.wrong) {
            bail!("--wrong is a share of a hundred, from 0 to 20");
        }
        let config = Config::load(path)?;
        let secret = app::open_data(&config)?;
        let snapshot = app::look(&config, secret)?;
        let book = Book::new(config.rulebook()?.alerts.weights.clone(), &snapshot, Vec::new(), SelfTest::new(&secret));
        let (mut examples, sources) = read(&self.examples)?;
        add_english(&mut examples, &book);
        let written = examples.len();
        let mut usual = usual(&self.ordinary, &examples)?;
        add_english(&mut usual, &book);
        examples.extend(usual);
        let themes = columns(&book, &examples)?;
        eprintln!("{written} examples of {} files, {} ordinary lines; finding their features", sources.len(), examples.len() - written);
        let ready = ready(&book, &examples, written, &themes);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is at most 20,000")]
        let concern = (self.wrong * 1000.0).round() as usize;
        let bounds = Bounds { watch: concern * 6, concern, danger: concern * 2 / 5 };
        let names: Vec<String> = themes.iter().map(|(_, name)| name.clone()).collect();
        let learned = learn(&ready, &names, bounds, &mut |at| eprintln!("{at}"));
        let text = format!("{}{}", heading(&learned, sources.len(), written), learned.text);
        write(&self.to, &text).with_context(|| format!("{} cannot be written", self.to.display()))?;
        if let Some(to) = &self.weighed {
            let lines = weighed(&examples, written, &learned)?;
            write(to, &lines).with_context(|| format!("{} cannot be written", to.display()))?;
        }
        let themes = themes.iter().zip(&learned.found).map(|((theme, _), found)| OfTheme { theme: theme.as_str(), found }).collect();
        let [ordinary, ordinary_as_concern, ordinary_as_danger] = learned.ordinary;
        let [usual, usual_as_concern, usual_as_danger] = learned.usual;
        let features = learned.features;
        let report =
            Report { examples: written, features, ordinary, ordinary_as_concern, ordinary_as_danger, usual, usual_as_concern, usual_as_danger, themes };
        if self.json {
            print_json(&report)?
        } else {
            show(&report, &self.to)?
        }
        Ok(Answer::Yes)
    }
}

/// All examples, each line once: of a line that is there as ordinary and as said, what was said counts.
fn read(paths: &[PathBuf]) -> anyhow::Result<(Vec<Example>, Vec<PathBuf>)> {
    let mut sources = Vec::new();
    for path in paths {
        gather(path, &mut sources).with_context(|| format!("{} cannot be read", path.display()))?;
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut all: Vec<Example> = Vec::new();
    for source in &sources {
        let text = fs::read_to_string(source).with_context(|| format!("{} cannot be read", source.display()))?;
        for example in examples(&text).map_err(|(line, what)| anyhow::anyhow!("{}:{line}: {what}", source.display()))? {
            let place = *places.entry(fold(&example.text)).or_insert(all.len());
            match all.get_mut(place) {
                None => all.push(example),
                Some(known) if known.said.is_none() => known.said = example.said,
                Some(_) => {}
            }
        }
    }
    if all.is_empty() {
        bail!("there are no examples there; a file of them has a heading such as \"= drugs concern\" or \"= none\", and a line each below it");
    }
    Ok((all, sources))
}

/// Adds what is in another language word for word in English, as it will be read.
fn add_english(examples: &mut Vec<Example>, book: &Book) {
    let in_english = |example: &Example| {
        let (language, text) = signal::as_read(&example.text, book);
        language.map(|_| Example { text, said: example.said.clone() })
    };
    let more: Vec<Example> = examples.iter().filter_map(in_english).collect();
    examples.extend(more);
}

/// Ordinary lines as people really type them, each once, and none that the examples have.
fn usual(paths: &[PathBuf], examples: &[Example]) -> anyhow::Result<Vec<Example>> {
    let mut known: HashSet<String> = examples.iter().map(|example| fold(&example.text)).collect();
    let mut found = Vec::new();
    for path in paths {
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        found.extend(lines.filter(|line| known.insert(fold(line))).map(|line| Example { text: line.to_owned(), said: None }));
    }
    Ok(found)
}

/// Files, and those of folders within one another, in the order of their names.
fn gather(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let mut entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    let is_shown = |path: &&PathBuf| path.file_name().is_some_and(|name| name != "README" && !name.to_string_lossy().starts_with('.'));
    entries.iter().filter(is_shown).try_for_each(|entry| gather(entry, found))
}

/// The alert themes that examples speak of, and the theme of the phrase files that stands for each.
fn columns(book: &Book, examples: &[Example]) -> anyhow::Result<Vec<(Theme, String)>> {
    let mut found = Vec::new();
    for (name, _) in examples.iter().filter_map(|example| example.said.as_ref()) {
        let theme =
            book.theme_of(name).with_context(|| format!("no theme of alerts.toml looks for phrases of \"{name}\"; a heading of the examples names it"))?;
        if !found.contains(&theme) {
            found.push(theme);
        }
    }
    found.sort_unstable_by_key(|theme| *theme as usize);
    let first = |theme: Theme| book.weights.of(theme).phrases.iter().find(|name| book.theme_of(name) == Some(theme)).map(|name| (theme, name.to_string()));
    Ok(found.into_iter().filter_map(first).collect())
}

/// Examples made ready; those behind the first `written` are usual lines.
fn ready(book: &Book, examples: &[Example], written: usize, themes: &[(Theme, String)]) -> Vec<Ready> {
    let one = |(place, example): (usize, &Example)| {
        let said = example.said.as_ref().and_then(|(name, grade)| {
            let theme = book.theme_of(name)?;
            Some((themes.iter().position(|(known, _)| *known == theme)?, *grade))
        });
        let lot = u64::from_le_bytes(blake3::hash(example.text.as_bytes()).as_bytes()[..8].try_into().unwrap_or_default());
        Ready { features: signal::features(&example.text, book), said, is_usual: place >= written, lot }
    };
    examples.iter().enumerate().map(one).collect()
}

/// Every line, and what it came to.
fn weighed(examples: &[Example], written: usize, learned: &Learned) -> serde_json::Result<String> {
    let mut lines = String::new();
    for (place, (example, points)) in examples.iter().zip(&learned.points).enumerate() {
        let said = example.said.as_ref();
        let level = said.and_then(|(_, grade)| Grade::NAMES.into_iter().find(|(_, known)| known == grade)).map(|(name, _)| name);
        let line = Weighed { words: &example.text, theme: said.map(|(theme, _)| theme.as_str()), level, usual: place >= written, points };
        lines.push_str(&serde_json::to_string(&line)?);
        lines.push('\n');
    }
    Ok(lines)
}

/// Writes the file whole. Whoever serves must be able to read it, and there is nothing private in it.
fn write(to: &Path, text: &str) -> std::io::Result<()> {
    files::replace(to, text.as_bytes())?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o644))
}

fn heading(learned: &Learned, sources: usize, examples: usize) -> String {
    let [ordinary, concern, danger] = learned.ordinary;
    let [usual, usual_concern, usual_danger] = learned.usual;
    let sum = |of: fn(&Found) -> usize| learned.found.iter().map(of).sum::<usize>();
    format!(
        "# What words say of what pupils type, learned from {examples} examples in {sources} files, and {usual} ordinary lines, by \"usher scan learn\". Do not edit: change the examples, and learn anew.\n\
         # Of lines that were not learned from (each fifth weighed by what the others taught): {} of {} found as a concern, {} of {} dangers as danger; of {ordinary}\n\
         # lines that only look like them {concern} taken for a concern and {danger} for danger; of the ordinary lines {usual_concern} and {usual_danger}.\n\
         # A line is a feature, and what it adds to danger and to each theme, in hundredths. <drug> is the words of that name in the files \"asked\"; \"a .. b\" are near one\n\
         # another; \"ket*\" begins a long word; \"^\" begins the text; [drugs strong] is what the other phrase files made of it.\n\
         language: several\n\
         reads: learned\n",
        sum(|found| found.found),
        sum(|found| found.said),
        sum(|found| found.as_danger),
        sum(|found| found.dangers),
    )
}

fn show(report: &Report<'_>, to: &Path) -> anyhow::Result<()> {
    let mut rows = table(&["theme", "said", "found", "as this theme", "dangers", "as danger"]);
    for OfTheme { theme, found } in &report.themes {
        let share = |part: usize, of: usize| (100 * part).checked_div(of).map_or_else(|| "–".to_owned(), |share| format!("{share} %"));
        rows.add_row([
            (*theme).to_owned(),
            found.said.to_string(),
            share(found.found, found.said),
            share(found.as_theme, found.said),
            found.dangers.to_string(),
            share(found.as_danger, found.dangers),
        ]);
    }
    align_numbers(&mut rows, 1);
    print(rows)?;
    print(format_args!(
        "\nOf lines that were not learned from; each of {FOLDS} parts was weighed by what the others taught. Of {} ordinary lines, written to look like the others, {} were \
         taken for a concern, {} for danger; of {} lines of --ordinary {} and {}.\n{} features of {} examples are in {}. Put it where [scan] phrases in usher.toml looks, and reload: kill -HUP, or restart.",
        report.ordinary,
        report.ordinary_as_concern,
        report.ordinary_as_danger,
        report.usual,
        report.usual_as_concern,
        report.usual_as_danger,
        report.features,
        report.examples,
        to.display()
    ))?;
    Ok(())
}
