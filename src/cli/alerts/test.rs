//! `usher alerts test`: a rule, or a whole file, tried on the past.

mod whole;

use super::{Desk, several};
use crate::alert::past::{Past, classes};
use crate::alert::quiet::is_school_day;
use crate::alert::rules::{Counts, Facts, Rule, themes_by_category};
use crate::alert::settings::Settings;
use crate::alert::theme::Theme;
use crate::alert::trial::Trial;
use crate::audit::RecordId;
use crate::audit::incident::{Level, Person};
use crate::audit::journal::{Reader, Topic};
use crate::audit::lookups::{Naming, Unpermitted};
use crate::audit::pseudonyms::Pseudonyms;
use crate::audit::query::Filter;
use crate::bypass::Code;
use crate::cli::log::{Why, times};
use crate::cli::table::{align_numbers, safe, table};
use crate::cli::{Answer, print, print_json};
use crate::config::reader::nearest_hint;
use anyhow::bail;
use clap::Args;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use whole::Whole;

/// How far back it looks where nothing is said, in days.
const DAYS: i32 = 30;
/// The most episodes that are listed; all are counted.
const MOST_LISTED: usize = 100;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  usher alerts test \"many blocks of one kind\"\n  usher alerts test draft.toml --from 2026-11-02 --to 2026-11-28\n  usher alerts test draft.toml --json\n\nA rule that names users or networks looks for somebody, so it needs a --reason, and that is on record."
)]
pub(in crate::cli) struct Test {
    /// A rule of alerts.toml by its name; or a file like it: then all of that, the weights and the routes too, and each of its rules by itself.
    #[arg(value_name = "RULE|FILE")]
    what: String,
    /// Not before this time: 2026-11-23, 2026-11-23T08:40 (school time), or with a zone. Thirty days ago where it is left out.
    #[arg(long)]
    from: Option<String>,
    /// Before this time. Now where it is left out.
    #[arg(long)]
    to: Option<String>,
    #[command(flatten)]
    why: Why,
    /// Print one JSON object a rule.
    #[arg(long)]
    json: bool,
}

/// One matter that a rule would have opened.
struct Episode {
    rule: usize,
    who: Person,
    group: String,
    theme: Theme,
    began: Timestamp,
    last_ms: u64,
    /// The first record that counts.
    reference: RecordId,
    /// The records that counted, in all.
    signs: HashSet<RecordId>,
}

/// What was found.
struct Tried {
    episodes: Vec<Episode>,
    records: usize,
    people: usize,
    school_days: usize,
    from: Timestamp,
    to: Timestamp,
}

/// One rule, as it is printed for programs.
#[derive(Serialize)]
struct Shown<'a> {
    rule: &'a str,
    from: String,
    to: String,
    school_days: usize,
    records: usize,
    people: usize,
    opened: usize,
    of_people: usize,
    level: &'static str,
    episodes: Vec<ShownEpisode<'a>>,
}

#[derive(Serialize)]
struct ShownEpisode<'a> {
    began: String,
    who: Cow<'a, str>,
    group: &'a str,
    theme: &'static str,
    signs: usize,
    reference: RecordId,
}

impl Test {
    pub(super) fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        let (settings, file) = self.settings(desk)?;
        let (from, to) = times(self.from.as_deref(), self.to.as_deref(), &desk.rulebook.school.timetable.zone)?;
        let (from, to) = (from.unwrap_or_else(|| desk.days_ago(DAYS)), to.unwrap_or(desk.now));
        if from >= to {
            bail!("--from is not before --to; to look so far back, give both");
        }
        let with_names = self.permit(desk, &settings.rules, from, to)?;
        // What was stated is read before the record: what is stated meanwhile is of neither.
        let stated = if file { Reader::open(&desk.config.log())?.about(Topic::Alert, 0)? } else { Vec::new() };
        let mut trial = file.then(|| whole::trial(desk, &settings, &stated)).transpose()?;
        let tried = try_rules(desk, &settings, trial.as_mut(), from, to)?;
        let whole = trial.map(|trial| Whole::of(trial, &stated, from, to)).transpose()?;
        let pseudonyms = (!with_names).then(|| Pseudonyms::new(&desk.secret));
        if self.json {
            if let Some(whole) = &whole {
                whole.print_as_json(&self.what, pseudonyms.as_ref())?;
            }
            print_as_json(&settings.rules, &tried, pseudonyms.as_ref())?;
        } else {
            show(desk, &settings.rules, (&tried, whole.as_ref().map(|whole| (&*self.what, whole))), pseudonyms.as_ref())?;
        }
        let is_empty = whole.as_ref().map_or(tried.episodes.is_empty(), |whole| whole.matters.is_empty());
        Ok(if is_empty { Answer::No } else { Answer::Yes })
    }

    /// The rules that are meant, with the weights beside them; and whether that is a whole file.
    fn settings(&self, desk: &Desk) -> anyhow::Result<(Settings, bool)> {
        let own = &desk.rulebook.alerts;
        if let Some(rule) = own.rules.iter().find(|rule| *rule.name == *self.what) {
            return Ok((Settings { rules: [rule.clone()].into(), ..(**own).clone() }, false));
        }
        let path = Path::new(&self.what);
        if !path.exists() {
            let names: Vec<_> = own.rules.iter().map(|rule| &*rule.name).collect();
            let known = if names.is_empty() { "alerts.toml has none".to_owned() } else { format!("there are \"{}\"", names.join("\", \"")) };
            let hint = nearest_hint(&self.what, names).unwrap_or(known);
            bail!("there is neither a rule nor a file \"{}\"; {hint}", self.what);
        }
        Ok((desk.config.alerts_in(path, &desk.rulebook)?, true))
    }

    /// Whether names may be shown. Who tries a rule that names somebody looks for them: without a reason that is refused, and with one it is on record.
    fn permit(&self, desk: &Desk, rules: &[Rule], from: Timestamp, to: Timestamp) -> anyhow::Result<bool> {
        let Some(reason) = self.why.reason()? else {
            if rules.iter().any(|rule| rule.asks_for().next().is_some()) {
                return Err(Unpermitted.into());
            }
            return Ok(desk.config.log_names == Naming::Always);
        };
        let stretch = Filter { from: Some(from), to: Some(to), ..Filter::default() };
        let mut looks: Vec<_> = rules
            .iter()
            .flat_map(Rule::asks_for)
            // A range of addresses is devices.
            .map(|whom| {
                if whom.parse::<ipnet::IpNet>().is_ok() {
                    Filter { client: Some(whom), ..stretch.clone() }
                } else {
                    Filter { user: Some(whom), ..stretch.clone() }
                }
            })
            .collect();
        if looks.is_empty() {
            looks.push(stretch);
        }
        for look in looks {
            // What is read goes beyond the filter; that it is on record is what is wanted.
            let _on_record = self.why.look(&desk.config.log(), look, reason.clone())?;
        }
        Ok(true)
    }
}

/// Reads the record once, for every rule by itself and for the whole, if that is tried.
fn try_rules(desk: &Desk, settings: &Settings, mut whole: Option<&mut Trial>, from: Timestamp, to: Timestamp) -> anyhow::Result<Tried> {
    let record = desk.record()?;
    let is_whole = whole.is_some();
    let classes = classes(|kind, verdict| is_whole || settings.rules.iter().any(|rule| rule.may_hold(kind, verdict)));
    let mut counts = Counts::new(Arc::clone(&settings.rules));
    let (mut episodes, mut open, mut people) = (Vec::<Episode>::new(), HashMap::<(usize, Person, Theme), usize>::new(), HashSet::new());
    let ends_ms = u64::try_from(settings.weights.ends.as_millis()).unwrap_or(u64::MAX);
    let timetable = &desk.rulebook.school.timetable;
    let records = desk.replay(Past::new(&record, &classes, from, to), from, to, |read| {
        let seen = &read.seen();
        let who = seen.person();
        if !people.contains(&who) {
            people.insert(who.clone());
        }
        if let Some(whole) = &mut whole {
            whole.take(read, &record);
        }
        let themes = themes_by_category(seen, &settings.weights, &desk.rulebook.taxonomy);
        let ways: Vec<Code> = Code::of_reason(seen.reason).into_iter().collect();
        for fired in counts.take(&Facts::new(seen, &themes, &ways, timetable)) {
            let key = (fired.rule, who.clone(), fired.theme);
            // Not over: what comes is of the same matter.
            if let Some(episode) = open.get(&key).map(|place| &mut episodes[*place]).filter(|episode| seen.at_ms < episode.last_ms.saturating_add(ends_ms)) {
                episode.last_ms = episode.last_ms.max(seen.at_ms);
                episode.signs.extend(fired.records);
                continue;
            }
            open.insert(key, episodes.len());
            episodes.push(Episode {
                rule: fired.rule,
                who: who.clone(),
                group: seen.group.to_owned(),
                theme: fired.theme,
                began: Timestamp::from_millisecond(seen.at_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH),
                last_ms: seen.at_ms,
                reference: fired.records.first().copied().unwrap_or(seen.id),
                signs: fired.records.into_iter().collect(),
            });
        }
    })?;
    let (first, last) = (desk.local(from).date(), desk.local(to).date());
    // The last day counts as far as it goes; one that only begins does not.
    let is_in = |date: &jiff::civil::Date| date.to_zoned(timetable.zone.clone()).is_ok_and(|midnight| midnight.timestamp() < to);
    let school_days = first.series(1.day()).take_while(|date| *date <= last).filter(|date| is_in(date) && is_school_day(timetable, *date)).count();
    Ok(Tried { episodes, records, people: people.len(), school_days, from, to })
}

fn name<'e>(who: &'e Person, pseudonyms: Option<&Pseudonyms>) -> Cow<'e, str> {
    match (who, pseudonyms) {
        (Person::User(user), Some(pseudonyms)) => Cow::Owned(pseudonyms.of_user(user)),
        (Person::Device(address), Some(pseudonyms)) => Cow::Owned(pseudonyms.of_client(address)),
        (Person::User(name) | Person::Device(name), None) => Cow::Borrowed(name),
    }
}

fn of_rule(tried: &Tried, rule: usize) -> impl Iterator<Item = &Episode> {
    tried.episodes.iter().filter(move |episode| episode.rule == rule)
}

fn people<'p>(all: impl Iterator<Item = &'p Person>) -> usize {
    all.collect::<HashSet<_>>().len()
}

fn print_as_json(rules: &[Rule], tried: &Tried, pseudonyms: Option<&Pseudonyms>) -> anyhow::Result<()> {
    for (place, rule) in rules.iter().enumerate() {
        let shown = |episode| {
            let Episode { who, group, theme, began, reference, signs, .. }: &Episode = episode;
            ShownEpisode { began: format!("{began:.3}"), who: name(who, pseudonyms), group, theme: theme.as_str(), signs: signs.len(), reference: *reference }
        };
        print_json(&Shown {
            rule: &rule.name,
            from: tried.from.to_string(),
            to: tried.to.to_string(),
            school_days: tried.school_days,
            records: tried.records,
            people: tried.people,
            opened: of_rule(tried, place).count(),
            of_people: people(of_rule(tried, place).map(|episode| &episode.who)),
            level: rule.level.as_str(),
            episodes: of_rule(tried, place).map(shown).collect(),
        })?;
    }
    Ok(())
}

fn show(desk: &Desk, rules: &[Rule], (tried, whole): (&Tried, Option<(&str, &Whole)>), pseudonyms: Option<&Pseudonyms>) -> anyhow::Result<()> {
    let day = |at: Timestamp| desk.local(at).strftime("%-d %b %Y").to_string();
    // The moment it ends at is not in it.
    let last = tried.to.saturating_sub(1.millisecond()).unwrap_or(tried.to);
    let days = several(tried.school_days, "school day", "school days");
    let records = several(tried.records, "record", "records");
    print(format_args!("over {} to {}: {days}, {records} looked at, {}", day(tried.from), day(last), several(tried.people, "person", "people")))?;
    if let Some((file, whole)) = whole {
        whole.show(desk, file, pseudonyms)?;
        if !rules.is_empty() {
            print("each of its rules by itself:")?;
        }
    }
    for (place, rule) in rules.iter().enumerate().filter(|(place, _)| of_rule(tried, *place).next().is_some()) {
        let episodes = || of_rule(tried, place);
        let opened = match rule.level {
            // A sign that is only watched opens nothing.
            Level::Watch => format!("would have noted {}", several(episodes().count(), "matter", "matters")),
            Level::Concern => format!("would have opened {}", several(episodes().count(), "episode", "episodes")),
            Level::Danger => format!("would have opened {} of danger", several(episodes().count(), "episode", "episodes")),
        };
        print(format_args!("the rule \"{}\" {opened} ({})", safe(&rule.name), several(people(episodes().map(|episode| &episode.who)), "person", "people")))?;
        let mut listing = table(&["began", "who", "group", "about", "reference", "signs"]);
        for episode in episodes().take(MOST_LISTED) {
            let began = desk.local(episode.began).strftime("%a %-d %b %H:%M").to_string();
            let who = safe(&name(&episode.who, pseudonyms));
            let about = episode.theme.as_str().to_owned();
            listing.add_row([began, who, safe(&episode.group), about, episode.reference.to_string(), episode.signs.len().to_string()]);
        }
        align_numbers(&mut listing, 1);
        print(listing)?;
        if episodes().count() > MOST_LISTED {
            print(format_args!("and {} more; --json lists all", episodes().count() - MOST_LISTED))?;
        }
    }
    for (_, rule) in rules.iter().enumerate().filter(|(place, _)| of_rule(tried, *place).next().is_none()) {
        print(format_args!("the rule \"{}\" would have opened no episode", safe(&rule.name)))?;
    }
    for remark in desk.rulebook.alerts.remarks.iter().filter(|remark| rules.iter().any(|rule| remark.contains(&format!("\"{}\" cannot fire", rule.name)))) {
        print(remark)?;
    }
    if whole.is_none() {
        print("only the rule was tried, not what [themes] and [severity] weigh; to try all of it, name the file")?;
    }
    if pseudonyms.is_some() && !(tried.episodes.is_empty() && whole.is_none_or(|(_, whole)| whole.matters.is_empty())) {
        print("pseudonyms stand for names; to see who, give a --reason")?;
    }
    Ok(())
}
