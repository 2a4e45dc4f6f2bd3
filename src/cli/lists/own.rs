//! `usher lists allow`, `block`, `own`, `forget`: the school's own entries.

use super::Desk;
use crate::cli::table::{safe, table};
use crate::cli::{Answer, print, print_json};
use crate::library::history::whoever_types;
use crate::library::own::{Act, Wish};
use crate::lists::own::site;
use anyhow::{Context, bail};
use clap::Args;
use jiff::civil::Date;
use serde::Serialize;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher lists allow coolmathgames.com --category games --reason \"year 7 maths\" --until 2027-01-10\n  usher lists allow news.example/quiz --reason \"wrongly listed\""
)]
pub(in crate::cli) struct Allow {
    /// The site, or a part of it as in news.example/quiz, and all below it.
    site: String,
    /// Only take it out of this category; without it, out of every category but those that are always blocked.
    #[arg(long)]
    category: Option<String>,
    #[command(flatten)]
    why: Why,
}

#[derive(Args)]
#[command(after_help = "Example:\n  usher lists block chat.example --category chat --reason \"bullying, see case 114\" --until 2027-07-21")]
pub(in crate::cli) struct Block {
    /// The site, or a part of it as in news.example/quiz, and all below it.
    site: String,
    /// What it is: it is treated as any other site of this category.
    #[arg(long)]
    category: String,
    #[command(flatten)]
    why: Why,
}

#[derive(Args)]
struct Why {
    /// Why, for those who ask later.
    #[arg(long)]
    reason: String,
    /// The last day it holds; then somebody looks at it again.
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    /// Who decided, if not whoever types this.
    #[arg(long)]
    author: Option<String>,
}

impl Allow {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        add(desk, &self.site, Act::Allow, self.category, self.why)
    }
}

impl Block {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        add(desk, &self.site, Act::Block, Some(self.category), self.why)
    }
}

fn add(desk: &Desk, typed: &str, act: Act, category: Option<String>, why: Why) -> anyhow::Result<Answer> {
    let site = site(typed).with_context(|| format!("\"{typed}\" is no site"))?;
    let taxonomy = &desk.rulebook.taxonomy;
    if let Some(id) = &category {
        let Some(found) = taxonomy.find(id) else {
            let ids: Vec<_> = taxonomy.iter().map(|(_, info)| info.id.as_str()).collect();
            bail!("there is no category \"{id}\"; there are {}", ids.join(", "));
        };
        if act == Act::Allow && taxonomy.always_blocked().contains(found) {
            bail!("\"{id}\" is always blocked; nothing can allow it");
        }
    }
    if why.reason.trim().is_empty() {
        bail!("the reason is empty; say why, for those who ask later");
    }
    let today = today(desk);
    if let Some(until) = why.until.filter(|until| *until < today) {
        bail!("{until} is past; name a day from {today} on");
    }
    let author = why.author.unwrap_or_else(whoever_types);
    let wish = Wish { number: 0, site: site.clone(), act, category, reason: why.reason, author, added: desk.now, until: why.until };
    let number = desk.library.wish(wish.clone(), taxonomy, &desk.order(&wish.reason))?;
    let until = wish.until.map_or_else(|| "until it is taken out".to_owned(), |until| format!("until the end of {until}"));
    let of = wish.category.as_deref().map_or_else(|| "in every category".to_owned(), |id| format!("as {id}"));
    let done = match act {
        Act::Allow => "is allowed here",
        Act::Block => "is blocked here",
    };
    print(format_args!("{site} and all below it {done}, {of}, {until} (entry {number})"))?;
    print("A running Usher takes it up within seconds.")?;
    Ok(Answer::Yes)
}

fn today(desk: &Desk) -> Date {
    desk.now.to_zoned(desk.rulebook.school.timetable.zone.clone()).date()
}

#[derive(Args)]
#[command(after_help = "Examples:\n  usher lists own\n  usher lists own --json")]
pub(in crate::cli) struct Show {
    /// Print one JSON object an entry.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    holds: bool,
    #[serde(flatten)]
    wish: &'a Wish,
}

impl Show {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let wishes = desk.library.wishes()?;
        let today = today(desk);
        let shown = wishes.entries.iter().map(|wish| Shown { holds: wish.holds(today), wish });
        if self.json {
            shown.into_iter().try_for_each(|entry| print_json(&entry))?;
            return Ok(Answer::Yes);
        }
        if wishes.entries.is_empty() {
            print(
                "there are no entries of the school's own; add one with: usher lists allow SITE --reason WHY, or: usher lists block SITE --category C --reason WHY",
            )?;
            return Ok(Answer::Yes);
        }
        let mut rows = table(&["entry", "what", "site", "category", "until", "author", "added", "reason"]);
        for Shown { holds, wish } in shown {
            let until = wish.until.map_or_else(|| "taken out".to_owned(), |until| until.to_string());
            rows.add_row([
                wish.number.to_string(),
                wish.act.word().to_owned(),
                safe(&wish.site),
                wish.category.clone().unwrap_or_else(|| "every".to_owned()),
                if holds { until } else { format!("{until}, over: review it") },
                safe(&wish.author),
                desk.shown(wish.added),
                safe(&wish.reason),
            ]);
        }
        print(rows)?;
        Ok(Answer::Yes)
    }
}

#[derive(Args)]
#[command(after_help = "Example:\n  usher lists forget 3 --reason \"the lesson is over\"")]
pub(in crate::cli) struct Forget {
    /// The entry's number, as in: usher lists own
    number: u32,
    /// Why, for the history.
    #[arg(long)]
    reason: String,
}

impl Forget {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let order = desk.order(&self.reason);
        let Some(wish) = desk.library.forget(self.number, &order)? else { bail!("there is no entry {}; see: usher lists own", self.number) };
        print(format_args!("entry {} is taken out: {} {}. Later entries have moved up by one.", self.number, wish.act.word(), wish.site))?;
        Ok(Answer::Yes)
    }
}
