//! `usher alerts suppress`: what counts for nothing, of whom, until when.

use super::{Desk, several};
use crate::alert::past::{Past, classes};
use crate::alert::rules::{Counts, Facts, Rule, themes_by_category};
use crate::alert::signal::{Book, Once, SelfTest, once};
use crate::alert::suppress::{By, LONGEST, Pattern, Sign, Suppression, fold};
use crate::alert::theme::Theme;
use crate::app;
use crate::audit::Verdict;
use crate::audit::incident::{Act, Level};
use crate::audit::journal::{Journal, Reader, Topic};
use crate::audit::lookups::Reason;
use crate::bypass::Code;
use crate::cli::table::{safe, table};
use crate::cli::who::by;
use crate::cli::{Answer, print, print_json};
use crate::config::reader::nearest_hint;
use crate::insight::Kind;
use crate::scan::lexicon::Lexicon;
use crate::scan::window::Repeats;
use crate::scan::{self, Scanner};
use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::sync::Arc;

/// How far back it is said what it is, in days.
const DAYS: i32 = 30;

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Patterns:\n  search:WORDS   searches and questions to an AI with these words side by side\n  host:NAME      pages of a site and all below it, not what is typed there\n  theme:NAME     a whole theme\n  category:ID    sites listed under a category\n  rule:NAME      what a rule of alerts.toml finds\n  way:CODE       a way round the filter\n\nDanger of self-harm is not held back by a theme or a whole category, and what is against the law by nothing.\n\nExamples:\n  usher alerts suppress --pattern \"search:an inspector calls\" --group year-11 --until 2027-02-12 --reason \"Set text; agreed with Ms Bell\"\n  usher alerts suppress list\n  usher alerts suppress end 8124 --reason \"The unit is over\""
)]
pub(in crate::cli) struct Suppress {
    #[command(subcommand)]
    command: Option<Which>,
    /// What counts for nothing; see below.
    #[arg(long)]
    pattern: Option<String>,
    /// Whose; everybody's where it is left out.
    #[arg(long)]
    group: Option<String>,
    /// The last day, such as 2027-02-12. After it everything counts again.
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    who: Who,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Who {
    /// Why, in a few words. It stays on record; leave names of pupils out of it.
    #[arg(long)]
    reason: Option<String>,
    /// Who you are, where several people share this account.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

#[derive(Subcommand)]
enum Which {
    /// List what counts for nothing now. Exit code 1 if nothing does.
    List {
        /// Those too that are over.
        #[arg(long)]
        all: bool,
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// End one: everything counts again.
    End {
        /// Its number.
        number: u64,
        #[command(flatten)]
        who: Who,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// One, as it is printed for programs.
#[derive(Serialize)]
struct Shown {
    number: u64,
    pattern: String,
    group: Option<String>,
    since: String,
    until: Date,
    reason: String,
    by: String,
    in_force: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
}

#[derive(Serialize)]
struct Ended {
    at: String,
    reason: String,
    by: String,
}

impl Who {
    /// Who it is, and why.
    fn read(&self, example: &str) -> anyhow::Result<(String, Reason)> {
        let Some(reason) = &self.reason else { bail!("say why, with --reason \"...\": a few words that another person will understand later. {example}") };
        Ok((by(self.name.as_deref())?, reason.parse()?))
    }
}

impl Suppress {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        match &self.command {
            None => self.suppress(desk),
            Some(Which::List { all, json }) => list(desk, *all, *json),
            Some(Which::End { number, who, json }) => end(desk, *number, who, *json),
        }
    }

    fn suppress(&self, desk: &Desk) -> anyhow::Result<Answer> {
        let (Some(pattern), Some(until)) = (&self.pattern, &self.until) else {
            bail!("it takes --pattern, --until and --reason; to see what is suppressed: usher alerts suppress list");
        };
        let pattern: Pattern = pattern.parse()?;
        check(desk, &pattern)?;
        if let Pattern::Search(_, words) = &pattern {
            refuse_danger(desk, words)?;
        }
        let group = self.group.as_deref().map(|group| check_group(desk, group)).transpose()?;
        let today = desk.today();
        let until: Date = until.parse().map_err(|_| anyhow!("\"{until}\" is not a day; write 2027-02-12"))?;
        let days = today.until(until).map(|span| span.get_days())?;
        if days < 0 {
            bail!("{until} is over; the last day is today at the soonest");
        }
        if days > LONGEST {
            bail!("{until} is in {days} days; at most {LONGEST}: what is to last longer is decided again");
        }
        let (by, reason) = self.who.read("Such as --reason \"Set text; agreed with Ms Bell\"")?;
        let mut new = Suppression {
            number: 0,
            at: desk.now,
            pattern,
            group: group.map(Into::into),
            until,
            reason: reason.to_string().into(),
            by: by.into(),
            freed: None,
        };
        // Before it is made: whoever waits no longer has made nothing.
        let found = if self.json { 0 } else { found(desk, &new)? };
        let (pattern, reason) = (new.pattern.to_string(), new.reason.to_string());
        let act = Act::Suppressed { pattern, group: self.group.clone(), until: until.to_string(), reason, by: new.by.to_string() };
        new.number = Journal::open(&desk.config.log())?.state_act(desk.now, &act)?.ok_or_else(|| anyhow!("it could not be put on record"))?;
        if self.json {
            print_json(&shown(&new, today))?;
            return Ok(Answer::Yes);
        }
        let whose = new.group.as_deref().unwrap_or("everybody");
        let days = several(usize::try_from(days + 1)?, "day", "days");
        print(format_args!("suppressed until {until} ({days}): {}, {whose}. Number {}.", new.pattern.words(), new.number))?;
        print(format_args!("Of the last {DAYS} days {} would have been held back.", several(found, "record", "records")))?;
        print("Danger of self-harm is not held back by a theme or a whole category.")?;
        print(format_args!("To end it: usher alerts suppress end {} --reason \"...\"", new.number))?;
        Ok(Answer::Yes)
    }
}

/// Refuses words that by themselves are a sign of self-harm, by an entry or by all of them together: who asks them is to be seen.
fn refuse_danger(desk: &Desk, words: &str) -> anyhow::Result<()> {
    let snapshot = app::look(&desk.config, desk.secret)?;
    let (lexicon, folded) = (&snapshot.lexicon, scan::fold::fold(words));
    let in_english = lexicon.in_english(&folded).map(|read| read.text);
    [Some(folded), in_english].into_iter().flatten().try_for_each(|words| refuse_signs(desk, lexicon, &words))?;
    let book = Book::new(desk.rulebook.alerts.weights.clone(), &snapshot, Vec::new(), SelfTest::new(&desk.secret));
    let is_sign = |once: &Once| once.theme == Theme::SelfHarm && once.level > Some(Level::Watch);
    if let Some(once) = once(words, &book).iter().find(|once| is_sign(once)) {
        bail!("these words are themselves a sign of self-harm: a child who asks them would not be seen. {} Write a whole title", once.says);
    }
    Ok(())
}

fn refuse_signs(desk: &Desk, lexicon: &Arc<Lexicon>, folded: &str) -> anyhow::Result<()> {
    let mut scanner = Scanner::new(Arc::clone(lexicon), scan::Kind::Plain, None, Repeats::Once);
    let _ = scanner.feed(folded.as_bytes());
    scanner.finish();
    let of_danger = &desk.rulebook.alerts.weights.themes[Theme::SelfHarm as usize].phrases;
    let asked = lexicon.asked(&scan::lexicon::asked::Text::of(folded), true).into_iter().map(|asked| asked.entry);
    let found: Vec<u32> = scanner.so_far().found.iter().map(|found| found.entry).chain(asked).collect();
    for entry in found.into_iter().map(|entry| &lexicon.entries()[entry as usize]).filter(|entry| entry.weight > 0) {
        let mut themes = entry.themes.iter(lexicon.themes().len()).map(|theme| &lexicon.themes()[theme.place()].name);
        if themes.any(|name| of_danger.contains(name)) {
            let file = &lexicon.files()[entry.file as usize];
            bail!("these words are themselves a sign of self-harm ({file}, line {}): a child who asks them would not be seen. Write a whole title", entry.line);
        }
    }
    Ok(())
}

/// Refuses a name that nothing has.
fn check(desk: &Desk, pattern: &Pattern) -> anyhow::Result<()> {
    let (what, name, known): (_, &str, Vec<&str>) = match pattern {
        Pattern::Category(id) => ("category", id, desk.rulebook.taxonomy.iter().map(|(_, info)| info.id.as_str()).collect()),
        Pattern::Rule(name) => ("rule in alerts.toml", name, desk.rulebook.alerts.rules.iter().map(|rule| &*rule.name).collect()),
        Pattern::Search(..) | Pattern::Host(_) | Pattern::Theme(_) | Pattern::Way(_) => return Ok(()),
    };
    refuse_unknown(what, name, known)
}

fn check_group(desk: &Desk, group: &str) -> anyhow::Result<String> {
    let known = desk.rulebook.school.policy.groups.iter().map(|group| &*group.name).chain(["unknown"]).collect();
    refuse_unknown("group", group, known)?;
    Ok(group.to_owned())
}

fn refuse_unknown(what: &str, name: &str, known: Vec<&str>) -> anyhow::Result<()> {
    if known.contains(&name) {
        return Ok(());
    }
    let all = if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
    Err(anyhow!("there is no {what} \"{name}\"; {}", nearest_hint(name, known).unwrap_or(all)))
}

/// How many records of the last days are signs that it would have held back: by category, way and words, without the arithmetic.
fn found(desk: &Desk, one: &Suppression) -> anyhow::Result<usize> {
    let (record, alerts, from) = (desk.record()?, &desk.rulebook.alerts, desk.days_ago(DAYS));
    let rule = match &one.pattern {
        Pattern::Rule(name) => alerts.rules.iter().filter(|rule| *rule.name == **name).cloned().collect(),
        Pattern::Search(..) | Pattern::Host(_) | Pattern::Theme(_) | Pattern::Category(_) | Pattern::Way(_) => Vec::new(),
    };
    let classes = match &one.pattern {
        Pattern::Rule(_) => classes(|kind, verdict| rule.iter().any(|rule: &Rule| rule.may_hold(kind, verdict))),
        Pattern::Search(..) => classes(|kind, _| kind == Kind::Search),
        // What pages drag in is no sign of a theme by itself, unless it was stopped.
        Pattern::Host(_) | Pattern::Theme(_) | Pattern::Category(_) | Pattern::Way(_) => {
            classes(|kind, verdict| matches!(kind, Kind::Visit | Kind::Search) || verdict == Verdict::Blocked)
        }
    };
    let mut counts = Counts::new(rule.into());
    let mut count = 0;
    desk.replay(Past::new(&record, &classes, from, desk.now), from, desk.now, |read| {
        let seen = &read.seen();
        let themes = themes_by_category(seen, &alerts.weights, &desk.rulebook.taxonomy);
        let way = Code::of_reason(seen.reason);
        let sign = |theme, by| Sign { theme, group: seen.group, host: seen.host, by };
        let is_held = match &one.pattern {
            Pattern::Rule(name) => {
                let ways: Vec<Code> = way.into_iter().collect();
                let fired = counts.take(&Facts::new(seen, &themes, &ways, &desk.rulebook.school.timetable));
                fired.iter().any(|fired| one.holds(&sign(fired.theme, By::Rule(name))).is_some())
            }
            // Which theme words are of is for the phrases to say; that they were asked is enough here.
            Pattern::Search(..) => {
                let theme = themes.first().copied().unwrap_or(Theme::Crime);
                seen.search.is_some_and(|(_, words, _)| one.holds(&sign(theme, By::Asked(words))).is_some())
            }
            Pattern::Host(_) | Pattern::Theme(_) | Pattern::Category(_) | Pattern::Way(_) => {
                let by_category = seen
                    .categories
                    .split_ascii_whitespace()
                    .any(|id| themes.iter().any(|theme| one.holds(&sign(*theme, By::Page { category: Some(id) })).is_some()));
                by_category || way.is_some_and(|code| one.holds(&sign(Theme::Bypass, By::Way(code))).is_some())
            }
        };
        count += usize::from(is_held);
    })?;
    Ok(count)
}

fn shown(one: &Suppression, today: Date) -> Shown {
    let time = |at: &Timestamp| format!("{at:.3}");
    Shown {
        number: one.number,
        pattern: one.pattern.to_string(),
        group: one.group.as_deref().map(str::to_owned),
        since: time(&one.at),
        until: one.until,
        reason: one.reason.to_string(),
        by: one.by.to_string(),
        in_force: one.is_in_force(today),
        ended: one.freed.as_ref().map(|(at, reason, by)| Ended { at: time(at), reason: reason.to_string(), by: by.to_string() }),
    }
}

fn read(desk: &Desk) -> anyhow::Result<Vec<Suppression>> {
    Ok(fold(&Reader::open(&desk.config.log())?.about(Topic::Alert, 0)?))
}

fn list(desk: &Desk, all: bool, json: bool) -> anyhow::Result<Answer> {
    let today = desk.today();
    let wanted: Vec<_> = read(desk)?.into_iter().filter(|one| all || one.is_in_force(today)).collect();
    if json {
        wanted.iter().try_for_each(|one| print_json(&shown(one, today)))?;
    } else if wanted.is_empty() {
        print("nothing is suppressed: everything counts")?;
    } else {
        let mut listing = table(&["number", "what counts for nothing", "whose", "until", "by", "why", "state"]);
        for one in &wanted {
            let state = match &one.freed {
                Some((at, _, by)) => format!("ended {} by {}", desk.local(*at).strftime("%-d %b %Y"), safe(by)),
                None if one.is_in_force(today) => "in force".to_owned(),
                None => "over".to_owned(),
            };
            listing.add_row([
                one.number.to_string(),
                safe(&one.pattern.to_string()),
                one.group.as_deref().unwrap_or("everybody").to_owned(),
                one.until.to_string(),
                safe(&one.by),
                safe(&one.reason),
                state,
            ]);
        }
        print(listing)?;
    }
    Ok(if wanted.is_empty() { Answer::No } else { Answer::Yes })
}

fn end(desk: &Desk, number: u64, who: &Who, json: bool) -> anyhow::Result<Answer> {
    let today = desk.today();
    let one = read(desk)?.into_iter().find(|one| one.number == number && one.is_in_force(today));
    let one = one.ok_or_else(|| anyhow!("there is no suppression {number} in force; see: usher alerts suppress list"))?;
    let (by, reason) = who.read("Such as --reason \"The unit is over\"")?;
    let act = Act::Freed { suppression: number, reason: reason.to_string(), by: by.clone() };
    if Journal::open(&desk.config.log())?.state_act(desk.now, &act)?.is_none() {
        bail!("somebody else has ended it meanwhile");
    }
    if json {
        print_json(&serde_json::json!({ "ended": number, "pattern": one.pattern.to_string(), "by": by }))?;
    } else {
        print(format_args!("ended: {} count again", one.pattern.words()))?;
    }
    Ok(Answer::Yes)
}
