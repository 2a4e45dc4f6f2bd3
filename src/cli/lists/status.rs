//! `usher lists status`: what is in force, how old it is, and whether that is a worry.

use super::Desk;
use super::progress::words;
use crate::app;
use crate::cli::serve::thousands;
use crate::cli::table::{safe, short, table};
use crate::cli::{Answer, print, print_json};
use crate::library::Shelf;
use crate::library::generations::{Counted, Held, by_category, by_source};
use crate::library::source::Source;
use crate::library::state::{Last, State, spoken};
use crate::telemetry::light::Light;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

#[derive(Args)]
#[command(after_help = "Examples:\n  usher lists status\n  usher lists status --json")]
pub(in crate::cli) struct Status {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    light: Light,
    why: Vec<String>,
    illegal: Illegal,
    generation: Option<InForce>,
    sources: Vec<SourceShown>,
    categories: Vec<CategoryShown>,
}

/// How illegal content is kept out: by a sealed feed, by a parent proxy, or not at all.
#[derive(Serialize)]
struct Illegal {
    light: Light,
    text: String,
}

#[derive(Serialize)]
struct InForce {
    number: u64,
    made: Timestamp,
    who: String,
    entries: usize,
    bytes_in_memory: usize,
    bytes_on_disk: u64,
    held: Option<Held>,
}

#[derive(Serialize)]
struct SourceShown {
    name: String,
    light: Light,
    why: Option<String>,
    #[serde(flatten)]
    counted: Counted,
    bytes_in_memory: usize,
    last: Last,
    good: Option<Timestamp>,
    changed: Option<Timestamp>,
    schedule: String,
    licence: String,
    fetched: bool,
}

#[derive(Serialize)]
struct CategoryShown {
    category: String,
    entries: usize,
}

impl Status {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let shown = gather(desk)?;
        if self.json {
            print_json(&shown)?
        } else {
            show(desk, &shown)?
        }
        Ok(if shown.light == Light::Red { Answer::No } else { Answer::Yes })
    }
}

fn gather(desk: &Desk) -> anyhow::Result<Shown> {
    let books = desk.rulebook.books();
    let shelf = desk.library.in_force(&books);
    let mut why = Vec::new();
    let mut light = Light::Green;
    let mut worse = |to: Light, because: String| {
        light = light.max(to);
        why.push(because);
    };
    let shelf = match shelf {
        Ok(Some(shelf)) => Some(shelf),
        Ok(None) => {
            worse(Light::Red, "no lists were ever put in force; start Usher, or run: usher lists update".to_owned());
            None
        }
        Err(error) => {
            worse(Light::Red, format!("the lists in force cannot be read: {error}; they are made again at the next start or SIGHUP"));
            None
        }
    };
    let counted = by_source(shelf.as_ref().map_or(&[], |shelf| &shelf.generation.lists));
    let mut sources = Vec::new();
    for source in books.sources {
        let shown = of_source(desk, source, shelf.as_ref(), counted.get(&source.name).copied().unwrap_or_default())?;
        if let Some(because) = &shown.why {
            worse(shown.light, format!("{}: {because}", shown.name));
        }
        sources.push(shown);
    }
    let illegal = illegal(desk);
    if illegal.light > Light::Green {
        worse(illegal.light, illegal.text.clone());
    }
    if let Some(held) = shelf.as_ref().and_then(|shelf| shelf.held.as_ref()) {
        worse(Light::Amber, format!("held at this generation by {} since {}: {}; to go on: usher lists update", held.who, desk.shown(held.since), held.why));
    }
    let filled = by_category(shelf.as_ref().map_or(&[], |shelf| &shelf.generation.lists));
    let entries = |id: &str| filled.get(id).map_or(0, |counted| counted.entries);
    let categories = books.taxonomy.iter().map(|(_, info)| CategoryShown { category: info.id.clone(), entries: entries(&info.id) }).collect();
    let generation = shelf.map(|Shelf { lists, generation, held, .. }| InForce {
        number: generation.number,
        made: generation.made,
        who: generation.who,
        entries: generation.entries,
        bytes_in_memory: lists.memory(),
        bytes_on_disk: desk.library.generations().size(generation.number),
        held,
    });
    Ok(Shown { light, why, illegal, generation, sources, categories })
}

fn illegal(desk: &Desk) -> Illegal {
    let standing = app::illegal_standing(&desk.config, &desk.secret);
    let (light, text) = app::health::illegal(&standing, desk.parent().as_ref(), &desk.rulebook.school.timetable.zone, desk.now);
    Illegal { light, text }
}

fn of_source(desk: &Desk, source: &Source, shelf: Option<&Shelf>, counted: Counted) -> anyhow::Result<SourceShown> {
    let state = desk.library.state(&source.name)?;
    let (light, why) = state.light(source, desk.now);
    let State { good, changed, last, .. } = state;
    // The table holds all sources together: each has the share of its entries.
    let share = |shelf: &Shelf| shelf.lists.memory().checked_div(shelf.generation.entries.max(1)).unwrap_or(0) * counted.entries;
    Ok(SourceShown {
        name: source.name.clone(),
        light,
        why,
        counted,
        bytes_in_memory: shelf.map_or(0, share),
        last,
        good,
        changed,
        schedule: source.schedule.to_string(),
        licence: source.licence.clone(),
        fetched: source.is_fetched(),
    })
}

fn show(desk: &Desk, shown: &Shown) -> anyhow::Result<()> {
    print(format_args!("Lists: {}", shown.light.word().to_uppercase()))?;
    shown.why.iter().try_for_each(|why| print(format_args!("  {}", safe(why))))?;
    if shown.illegal.light == Light::Green {
        print(format_args!("  {}", shown.illegal.text))?;
    }
    if let Some(generation) = &shown.generation {
        print(format_args!(
            "  generation {} of {}, by {}: {} entries, {} in memory",
            generation.number,
            desk.shown(generation.made),
            safe(&generation.who),
            thousands(generation.entries),
            size(generation.bytes_in_memory)
        ))?;
    }
    let mut rows = table(&["source", "light", "entries", "refused", "memory", "good", "asked for", "last result"]);
    for source in &shown.sources {
        let age = source.good.map_or_else(|| "never".to_owned(), |good| format!("{} ago", spoken(desk.now.duration_since(good))));
        let (good, asked) = if source.fetched { (age, source.schedule.clone()) } else { ("local".to_owned(), "at start, SIGHUP".to_owned()) };
        rows.add_row([
            source.name.clone(),
            source.light.word().to_owned(),
            thousands(source.counted.entries),
            thousands(source.counted.refused),
            size(source.bytes_in_memory),
            good,
            asked,
            if source.fetched { short(&words(&source.last), 80) } else { String::new() },
        ]);
    }
    print(format_args!("\n{rows}\n"))?;
    let mut rows = table(&["category", "entries"]);
    for category in &shown.categories {
        rows.add_row([category.category.clone(), thousands(category.entries)]);
    }
    print(rows)?;
    Ok(())
}

/// A size as people read it.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub(super) fn size(bytes: usize) -> String {
    let kibibytes = bytes as f64 / 1024.0;
    if kibibytes < 1024.0 { format!("{kibibytes:.1} KiB") } else { format!("{:.1} MiB", kibibytes / 1024.0) }
}
