//! `usher alerts show`: everything of one alert.

use super::list::state;
use super::matters::{Cover, all, find};
use super::{Desk, several};
use crate::alert::evidence::{Evidence, gather};
use crate::alert::story::{Line, May, Naming, again, around, clock, known_by, line, one_line, tell, theme};
use crate::app;
use crate::audit::incident::{Act, Incident, Person};
use crate::audit::query::Row;
use crate::cli::log::Why;
use crate::cli::table::safe;
use crate::cli::{Answer, print, print_json};
use crate::scan::fold::fold;
use crate::scan::lexicon::InEnglish;
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;
use std::collections::BTreeSet;

/// The most records that are told one by one.
const MOST_LINES: usize = 64;
/// The most lines of the hour around it.
const MOST_AROUND: usize = 60;
/// The longest line of words with their English, in characters.
const LONGEST: usize = 800;
/// What is earlier this term, where the school has not said when terms are: so many days.
const TERM_DAYS: i32 = 120;

/// Show everything of one alert: what happened, why it was told, what was around it, who was told, who dealt with it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher alerts show 0SAF-3Q2K-R0001 --reason \"the alert of 10:42\"\n  usher alerts show 0SAF-3Q2K-R0001/hate --reason \"the alert of 10:42\" --words\n\nWithout a reason it says what the alert is, why it was told, who was told and how far it is dealt with; pseudonyms stand for people. Who it is, what happened and the hour before and after take a reason, and who looked and why is on record before anything is shown: usher log lookups. What was searched for is shown with --words only."
)]
pub(in crate::cli) struct Show {
    /// The alert's reference; with its theme behind it where one record began several.
    alert: String,
    #[command(flatten)]
    why: Why,
    /// Show what was searched for and asked, too. It can be hard to read.
    #[arg(long, requires = "reason")]
    words: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is shown, in order. Serialised as `--json` prints it.
#[derive(Serialize)]
struct Shown {
    alert: String,
    theme: String,
    /// Other themes that are part of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
    level: &'static str,
    who: String,
    device: String,
    headline: String,
    known_by: Option<&'static str>,
    rule: Option<String>,
    state: String,
    again: Option<String>,
    happened: Vec<Line>,
    why: Vec<String>,
    unseen: Vec<String>,
    around: Vec<String>,
    hour: Vec<Line>,
    hour_more: usize,
    told: Vec<String>,
    handled: Vec<String>,
    more: Vec<String>,
    /// What was searched for and asked, in the order it was; last, and only where it is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<Line>,
}

impl Show {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let known = all(&desk.config)?;
        let matter = find(&known, &self.alert)?;
        let reference = if self.alert.contains('/') { format!("{}/{}", matter.opened.episode, matter.opened.theme) } else { matter.opened.episode.to_string() };
        let look = format!("alerts show {reference}{}", if self.words { " --words" } else { "" });
        let cover = Cover::open(desk, &self.why, Some(&matter.opened), &look)?;
        let shown = self.gathered(desk, &known, &matter, &cover)?;
        if self.json {
            print_json(&shown)?;
        } else {
            show(&shown)?;
        }
        Ok(Answer::Yes)
    }

    fn gathered(&self, desk: &Desk, known: &[Incident], matter: &Incident, cover: &Cover) -> anyhow::Result<Shown> {
        let (opened, zone) = (&matter.opened, &desk.rulebook.school.timetable.zone);
        // Without a reason nothing is read of the record: what happened is somebody's.
        let evidence = if cover.is_named() {
            gather(&desk.record()?, matter, known, term_began(desk, opened.at_ms))?
        } else {
            Evidence { unseen: opened.unseen.clone(), ..Evidence::default() }
        };
        let who = cover.who(&opened.who);
        let may = May { names: if cover.is_named() { Naming::Named } else { Naming::As(&who) }, words: false };
        let account = tell(matter, matter.level, (&evidence.records, MOST_LINES), &evidence.unseen, may, zone);
        let counts: BTreeSet<_> = matter.records.iter().collect();
        let hour: Vec<_> = evidence.around.iter().filter(|row| !counts.contains(&row.number)).map(|row| line(row, false, zone)).collect();
        let mut asked: Vec<_> = evidence.records.iter().chain(&evidence.around).filter(|row| self.words && row.term.is_some()).collect();
        asked.sort_by_key(|row| row.number);
        asked.dedup_by_key(|row| row.number);
        Ok(Shown {
            words: in_english(&asked, zone, desk),
            alert: opened.episode.to_string(),
            theme: opened.theme.clone(),
            also: matter.themes().skip(1).map(str::to_owned).collect(),
            level: matter.level.as_str(),
            device: cover.device(&opened.client),
            headline: account.headline,
            known_by: known_by(opened),
            rule: opened.rule.clone(),
            state: state(matter, desk),
            again: again(matter, zone),
            happened: account.happened,
            why: account.why,
            unseen: account.unseen,
            around: around(&evidence, zone),
            hour_more: hour.len().saturating_sub(MOST_AROUND),
            hour: hour.into_iter().take(MOST_AROUND).collect(),
            told: told(matter, desk),
            handled: handled(matter, desk, cover.is_named()),
            more: more(matter, cover, desk),
            who,
        })
    }
}

/// What was searched for and asked; in another language, word for word in English as well, by the glossaries of today.
fn in_english(asked: &[&Row], zone: &TimeZone, desk: &Desk) -> Vec<Line> {
    if asked.is_empty() {
        return Vec::new();
    }
    // Whatever is wrong with lists keeps nobody from what was typed.
    let lexicon = app::look(&desk.config, desk.secret).map(|snapshot| snapshot.lexicon).unwrap_or_default();
    let one = |row: &&Row| {
        let line = line(row, true, zone);
        let read = row.term.as_deref().and_then(|term| lexicon.in_english(&fold(term)));
        let Some(InEnglish { language, text }) = read else { return line };
        Line { text: one_line(&format!("{}; in {language}, word for word: \"{}\"", line.text, text.trim()), LONGEST), ..line }
    };
    asked.iter().map(one).collect()
}

/// Since when it is this term.
fn term_began(desk: &Desk, at_ms: u64) -> Timestamp {
    let zone = &desk.rulebook.school.timetable.zone;
    let at = Timestamp::from_millisecond(at_ms.cast_signed()).unwrap_or(desk.now);
    let day = at.to_zoned(zone.clone()).date();
    let term = desk.rulebook.school.timetable.terms.iter().find(|term| term.first <= day && day <= term.last);
    let first = term.map_or_else(|| day.saturating_sub(TERM_DAYS.days()), |term| term.first);
    first.to_zoned(zone.clone()).map_or(Timestamp::UNIX_EPOCH, |midnight| midnight.timestamp())
}

/// Whom it was told, with what they answered.
fn told(matter: &Incident, desk: &Desk) -> Vec<String> {
    let of = |(_, at, act): &(u64, i64, Act)| {
        let at = desk.local_ms(*at).strftime("%a %-d %b %H:%M:%S");
        Some(match act {
            Act::Told(told) => format!("{at}  {} by {} (route {}): taken, {}", told.to, told.channel, told.route, told.answer),
            Act::Untold(told) => format!("{at}  {} by {} (route {}): GIVEN UP after {} tries: {}", told.to, told.channel, told.route, told.tries, told.answer),
            Act::Raised { to, .. } => format!("{at}  nobody had read it: the {to} is told"),
            _ => return None,
        })
    };
    matter.acts.iter().filter_map(of).collect()
}

/// Who did what with it. What they wrote is about somebody: only with a reason.
fn handled(matter: &Incident, desk: &Desk, is_named: bool) -> Vec<String> {
    let text = |words: &str| if is_named { words.to_owned() } else { "(shown with --reason)".to_owned() };
    let of = |(_, at, act): &(u64, i64, Act)| {
        let at = desk.local_ms(*at).strftime("%a %-d %b %H:%M");
        Some(match act {
            Act::Worsened { also: Some(also), level, .. } => format!("{at}  it is of {} too, typed within minutes: {}", theme(also), level.as_str()),
            Act::Worsened { is_back: true, level, .. } => format!("{at}  it came back: {}", level.as_str()),
            Act::Worsened { level, .. } => format!("{at}  it got worse: {}", level.as_str()),
            Act::Joined { also, .. } => format!("{at}  it is of {} too, typed within minutes; nobody was told again", theme(also)),
            Act::Ended { signals, .. } => {
                format!("{at}  it is over: what comes after is another alert; {} in all", several(*signals as usize, "sign", "signs"))
            }
            Act::Read { by, how, .. } => format!("{at}  read by {by} ({how})"),
            Act::Noted { by, text: note, .. } => format!("{at}  note by {by}: {}", text(note)),
            Act::Closed { by, outcome, action, reason, disputed, .. } => {
                let disputed = disputed.as_ref().map(|factor| format!(" Wrong was: {factor}")).unwrap_or_default();
                format!("{at}  closed by {by}: {}. Done: {}. Why: {}.{disputed}", outcome.words(), text(action), text(reason))
            }
            _ => return None,
        })
    };
    matter.acts.iter().filter_map(of).collect()
}

/// Where to go on.
fn more(matter: &Incident, cover: &Cover, desk: &Desk) -> Vec<String> {
    let (episode, zone) = (matter.opened.episode, &desk.rulebook.school.timetable.zone);
    let day = clock(matter.opened.at_ms, zone, "%F");
    let mut all = Vec::new();
    match (&matter.opened.who, cover.is_named()) {
        (_, false) => all.push(format!("who it is and what happened: usher alerts show {episode} --reason \"...\"")),
        (Person::User(user), true) => all.push(format!("the whole day: usher log timeline --user {user} --day {day} --reason \"...\"")),
        (Person::Device(client), true) => all.push(format!("the whole day: usher log search --client {client} --from {day} --reason \"...\"")),
    }
    if matter.is_unread() {
        all.push(format!("you have read it: usher alerts ack {episode}"));
    }
    if matter.is_open() {
        all.push(format!("it is dealt with: usher alerts close {episode} --outcome ... --action \"...\" --reason \"...\""));
    }
    all
}

fn show(shown: &Shown) -> anyhow::Result<()> {
    print(format_args!("{}  {}: {}    {}", shown.alert, shown.level, theme(&shown.theme), safe(&shown.state)))?;
    print(safe(&shown.headline))?;
    let device = format!("Device: {}.", shown.device);
    for line in [shown.again.as_deref(), shown.known_by, Some(&*device)].into_iter().flatten() {
        print(safe(line))?;
    }
    if let Some(rule) = &shown.rule {
        print(safe(&format!("A rule of the school's own opened it: {rule}.")))?;
    }
    section("What happened", lines(&shown.happened))?;
    section(&format!("Why {}", shown.level), (1..).zip(&shown.why).map(|(number, why)| format!("{number}. {why}")))?;
    section("Not seen", shown.unseen.iter().cloned())?;
    section("Around it", shown.around.iter().cloned())?;
    section("The hour before and after", lines(&shown.hour))?;
    if shown.hour_more > 0 {
        print(format_args!("  and {}", several(shown.hour_more, "more", "more")))?;
    }
    section("Told", if shown.told.is_empty() { vec!["nobody".to_owned()] } else { shown.told.clone() }.into_iter())?;
    section("Dealt with", shown.handled.iter().cloned())?;
    section("More", shown.more.iter().cloned())?;
    section("What was searched for and asked", lines(&shown.words))
}

fn lines(lines: &[Line]) -> impl Iterator<Item = String> {
    lines.iter().map(|line| {
        let reason = if line.reason.is_empty() { String::new() } else { format!(". {}", line.reason) };
        format!("{}  {}{reason}  ({})", line.at, line.text, line.reference)
    })
}

fn section(title: &str, lines: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        print(format_args!("\n{title}"))?;
    }
    Ok(lines.try_for_each(|line| print(format_args!("  {}", safe(&line))))?)
}
