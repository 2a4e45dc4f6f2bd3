//! `usher alerts list`: what is to be dealt with, the worst first.

use super::Desk;
use super::matters::{Cover, Which, all};
use crate::alert::outbox::{Counts, Message, Outbox, State};
use crate::alert::story::clock;
use crate::audit::incident::{Act, Incident};
use crate::cli::log::Why;
use crate::cli::table::{safe, short, table};
use crate::cli::{Answer, print, print_json};
use clap::Args;
use serde::Serialize;
use std::cmp::Reverse;

/// The most characters of what is said of telling and of dealing with it.
const WIDE: usize = 48;

/// List the alerts that are not closed, the worst first. Exit code 1 if something is unread, or red.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher alerts list\n  usher alerts list --level danger --json\n  usher alerts list --all --from 2026-09-01 --theme bypass --reason \"half-termly review\"\n\nPseudonyms stand for people and devices unless a reason is given; who looked and why is on record: usher log lookups. Red is what keeps people from being told: nobody is named, or a message could not be handed over."
)]
pub(in crate::cli) struct List {
    /// Those too that are closed.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    why: Why,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// One, as it is printed for programs.
#[derive(Serialize)]
struct Shown<'a> {
    alert: String,
    theme: &'a str,
    /// Other themes that are part of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<&'a str>,
    level: &'static str,
    who: String,
    device: String,
    group: &'a str,
    place: Option<&'a str>,
    rule: Option<&'a str>,
    since: String,
    last: String,
    signs: usize,
    told: Vec<Told>,
    read: Option<Done>,
    closed: Option<Done>,
    reopened: bool,
    ended: bool,
}

#[derive(Serialize)]
struct Told {
    to: String,
    channel: String,
    state: &'static str,
    at: String,
}

#[derive(Serialize)]
struct Done {
    at: String,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

impl List {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let words = format!("alerts list{} {}", if self.all { " --all" } else { "" }, self.which.in_words());
        let cover = Cover::open(desk, &self.why, None, words.trim())?;
        let outbox = Outbox::open(&desk.config.outbox_path())?;
        let counts = outbox.counts()?;
        let known = all(&desk.config)?;
        let mut wanted = self.which.of(desk, known)?;
        wanted.retain(|one| self.all || one.is_open());
        wanted.sort_by_key(|one| (one.closed.is_some(), Reverse(one.level), !one.is_unread(), Reverse(one.last_sign())));
        if self.json {
            for one in &wanted {
                print_json(&shown(one, &outbox, &cover)?)?;
            }
        } else {
            self.tell(&wanted, &outbox, &cover, desk)?;
            print(summary(&wanted, &counts))?;
        }
        let is_red = desk.rulebook.alerts.red.is_some() || counts.dead + counts.failing > 0;
        Ok(if is_red || wanted.iter().any(Incident::is_unread) { Answer::No } else { Answer::Yes })
    }

    fn tell(&self, wanted: &[Incident], outbox: &Outbox, cover: &Cover, desk: &Desk) -> anyhow::Result<()> {
        if let Some(red) = &desk.rulebook.alerts.red {
            print(format_args!("RED: {red}. Name who is told in alerts.toml, and see: usher config check"))?;
        }
        if wanted.is_empty() {
            print(if self.all { "there is no alert" } else { "no alert is open" })?;
            return Ok(self.which.unknown_group(desk).iter().try_for_each(print)?);
        }
        let mut listing = table(&["alert", "level", "theme", "who", "where", "since", "last", "signs", "told", "state"]);
        for one in wanted {
            listing.add_row(cells(one, outbox, cover, desk)?);
        }
        // A reference is not to be broken at its hyphens, and is to be copied with them.
        Ok(print(listing.to_string().replace('\u{2011}', "-"))?)
    }
}

fn cells(one: &Incident, outbox: &Outbox, cover: &Cover, desk: &Desk) -> anyhow::Result<[String; 10]> {
    let (opened, zone) = (&one.opened, &desk.rulebook.school.timetable.zone);
    let unbroken = |text: &str| safe(text).replace('-', "\u{2011}");
    let day = |ms: u64, form: &str| clock(ms, zone, form);
    let (since, last) = (opened.at_ms, one.last_sign());
    let is_same_day = day(since, "%F") == day(last, "%F");
    Ok([
        unbroken(&opened.episode.to_string()),
        one.level.as_str().to_owned(),
        unbroken(&one.themes().collect::<Vec<_>>().join(", ")),
        format!("{} ({})", unbroken(&cover.who(&opened.who)), unbroken(&opened.group)),
        safe(opened.place.as_deref().unwrap_or("–")),
        day(since, "%a %-d %b %H:%M"),
        day(last, if is_same_day { "%H:%M" } else { "%a %-d %b %H:%M" }),
        one.signs().to_string(),
        short(&told(one, outbox, desk)?, WIDE),
        short(&state(one, desk), WIDE),
    ])
}

/// Whom the last message was for, and how far it has come.
fn told(one: &Incident, outbox: &Outbox, desk: &Desk) -> anyhow::Result<String> {
    let messages = outbox.of_episode(one.opened.episode, &one.opened.theme)?;
    let waits = messages.iter().rev().find(|message| message.state == State::Waiting);
    let said = |message: &Message| {
        let at = |ms: i64, form: &str| desk.local_ms(ms).strftime(form).to_string();
        match message.state {
            State::Waiting if message.tries > 0 => format!("{} not taken yet", message.role),
            State::Waiting if message.next_at > desk.now.as_millisecond() => format!("{} waits until {}", message.role, at(message.next_at, "%a %H:%M")),
            State::Waiting => format!("{} is being told", message.role),
            State::Sent => format!("{} {}", message.role, at(message.changed_at, "%a %H:%M")),
            _ => format!("{} {}", message.role, message.state.as_str()),
        }
    };
    if let Some(message) = waits.or(messages.last()) {
        return Ok(said(message));
    }
    let last = one.acts.iter().rev().find_map(|(_, at, act)| if let Act::Told(told) = act { Some((at, told)) } else { None });
    Ok(last.map_or_else(|| "nobody".to_owned(), |(at, told)| format!("{} {}", told.to, desk.local_ms(*at).strftime("%a %-d %b %H:%M"))))
}

/// How far it is dealt with.
pub(super) fn state(one: &Incident, desk: &Desk) -> String {
    let at = |ms: i64| desk.local_ms(ms).strftime("%a %-d %b %H:%M").to_string();
    let by = |by: &str| by.split(" (account ").next().unwrap_or_default().to_owned();
    match (&one.closed, &one.read, one.reopened()) {
        (Some((when, outcome)), _, _) => {
            let who = one.closing().map(|(_, who, _)| format!(" by {}", by(who))).unwrap_or_default();
            format!("closed {}{who}: {}", at(*when), outcome.as_str())
        }
        (None, Some((when, who)), None) => format!("read {} by {}", at(*when), by(who)),
        (None, None, None) => "unread".to_owned(),
        (None, Some((when, who)), Some(_)) => format!("open again; read {} by {}", at(*when), by(who)),
        (None, None, Some((_, who, _))) => format!("unread; worse since {} closed it", by(who)),
    }
}

fn summary(wanted: &[Incident], counts: &Counts) -> String {
    let open = wanted.iter().filter(|one| one.is_open()).count();
    let unread = wanted.iter().filter(|one| one.is_unread()).count();
    let unsent = match (counts.waiting, counts.failing, counts.dead) {
        (0, _, 0) => "Nothing unsent.".to_owned(),
        (waiting, 0, 0) => format!("{waiting} messages wait; see: usher alerts outbox"),
        (_, failing, dead) => format!("RED: {failing} messages were not taken yet, {dead} are given up; see: usher alerts outbox"),
    };
    format!("{open} open, {unread} unread. {unsent}")
}

fn shown<'a>(one: &'a Incident, outbox: &Outbox, cover: &Cover) -> anyhow::Result<Shown<'a>> {
    let opened = &one.opened;
    let time = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default();
    let told = outbox.of_episode(opened.episode, &opened.theme)?.into_iter().map(|message| Told {
        to: message.role.clone(),
        channel: message.channel().to_owned(),
        state: message.state.as_str(),
        at: time(message.changed_at),
    });
    Ok(Shown {
        alert: opened.episode.to_string(),
        theme: &opened.theme,
        also: one.themes().skip(1).collect(),
        level: one.level.as_str(),
        who: cover.who(&opened.who),
        device: cover.device(&opened.client),
        group: &opened.group,
        place: opened.place.as_deref(),
        rule: opened.rule.as_deref(),
        since: time(opened.at_ms.cast_signed()),
        last: time(one.last_sign().cast_signed()),
        signs: one.signs(),
        told: told.collect(),
        read: one.read.as_ref().map(|(at, by)| Done { at: time(*at), by: by.clone(), outcome: None }),
        closed: one.closed.and_then(|_| one.closing()).map(|(at, by, outcome)| Done { at: time(at), by: by.to_owned(), outcome: Some(outcome.as_str()) }),
        reopened: one.reopened().is_some(),
        ended: one.is_ended,
    })
}
