//! `alerts.toml`: who is told of what, how and when; the themes and what they weigh; the school's own rules.
//!
//! A setting: its key here or in a file below, the field of the type of [`crate::alert`] that owns it, and the commented default in `config/alerts.toml`.

mod channels;
mod limits;
mod routes;
mod rules;

use super::categories::ids;
use super::policy::School;
use super::reader::{FromToml, Problem, Source, Table, nearest_hint};
use super::scan::PhraseFiles;
use crate::alert::plan::{Digest, Plan, Quiet};
use crate::alert::routes::{gaps, red};
use crate::alert::settings::Settings;
use crate::alert::theme::Theme;
use crate::alert::volume::Settings as Volume;
use crate::alert::weights::{GRAVE, Weights};
use crate::audit::incident::Level;
use crate::bypass::Code;
use crate::category::{Category, CategorySet, Taxonomy};
use crate::identity::GroupId;
use crate::policy::glob::Glob;
use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

/// What else is read by.
pub struct Around<'a> {
    /// The categories.
    pub taxonomy: &'a Taxonomy,
    /// Groups, and the school day; nothing if the policy could not be read, which is told already.
    pub school: Option<&'a School>,
    /// The phrase files.
    pub phrases: &'a PhraseFiles,
    /// The groups of users of this installation that the policy does not name.
    pub user_groups: &'a HashSet<String>,
    /// The folder of the file: what it names is relative to it.
    pub folder: &'a Path,
}

/// What somebody should know, as it is found.
type Remarks = RefCell<Vec<String>>;

/// Where there is no file: the arithmetic as it is shipped, no rules, and nobody is told.
#[must_use]
pub fn none(around: &Around<'_>) -> Settings {
    let plan = Plan::default();
    let red = Some("Nobody is told of danger: no recipient with the role officer (there is no alerts.toml)".to_owned());
    Settings { weights: Weights::shipped(around.taxonomy), rules: [].into(), plan, restrict: None, volume: Volume::default(), red, remarks: Vec::new() }
}

/// Reads the file.
pub fn read(source: &Source, around: &Around<'_>) -> Result<Settings, Vec<Problem>> {
    let remarks = Remarks::default();
    source.read(|file| {
        let weights = weights(file, around, &remarks);
        let mut plan = channels::read(file, around.folder);
        plan.heads = heads(file);
        routes::read(file, around, &weights, &mut plan, &remarks);
        let rules = rules::read(file, around, &weights, &remarks);
        let (restrict, volume) = (limits::restrict(file, around), limits::volume(file));
        if let Some(restrict) = &restrict {
            remarks.borrow_mut().push(limits::remark(restrict));
        }
        let groups = around.groups();
        let known: Vec<_> = groups.iter().map(|(_, name, staff)| (*name, *staff)).collect();
        let red = red(&plan, &known);
        let mut remarks = remarks.take();
        remarks.extend(if plan.recipients.is_empty() && red.is_some() { Vec::new() } else { gaps(&plan, &known) });
        Some(Settings { weights, rules, plan, restrict, volume, red, remarks })
    })
}

impl Around<'_> {
    /// The groups: their place, their name, whether they are of staff.
    fn groups(&self) -> Vec<(GroupId, &str, bool)> {
        let groups = self.school.map_or(&[][..], |school| &school.policy.groups);
        (0..).map(GroupId).zip(groups).map(|(id, group)| (id, &*group.name, group.staff)).collect()
    }

    /// The names of groups that a name with `*` stands for. `unknown` is whoever is in none. What stands for nothing is noted.
    fn groups_named(&self, table: &Table<'_>, key: &'static str, names: &[String]) -> Vec<Box<str>> {
        let groups = self.groups();
        let mut all: Vec<Box<str>> = Vec::new();
        for name in names {
            let glob = Glob::new(name);
            let found: Vec<_> = groups.iter().map(|(_, name, _)| *name).chain(["unknown"]).filter(|known| glob.matches(known)).collect();
            // Without a policy there is nothing to hold it against.
            if found.is_empty() && self.school.is_some() {
                let known = groups.iter().map(|(_, name, _)| *name).chain(["unknown"]).collect::<Vec<_>>();
                let hint = nearest_hint(name, known.clone()).unwrap_or_else(|| format!("there are {}", known.join(", ")));
                table.wrong(key, format!("there is no group \"{name}\""), Some(hint));
            }
            for one in found {
                if !all.iter().any(|known| **known == *one) {
                    all.push(one.into());
                }
            }
        }
        all
    }

    /// Whether anybody may be in a group: by address, by name, or as a user of this installation.
    fn is_anybody_in(&self, group: &str) -> bool {
        let Some(school) = self.school else { return true };
        let id = self.groups().into_iter().find(|(_, name, _)| *name == group).map(|(id, ..)| id);
        let in_policy = |id: GroupId| school.networks.of(id).next().is_some() || school.members.iter().any(|(_, of)| *of == id);
        id.is_none_or(in_policy) || self.user_groups.contains(group)
    }
}

/// A number, if it is in bounds; what is not is noted.
fn number(table: &Table<'_>, key: &'static str, default: u32, allowed: RangeInclusive<u32>) -> u32 {
    let number = table.get_or(key, default);
    if !allowed.contains(&number) {
        table.wrong(key, format!("a number from {} to {} is expected", allowed.start(), allowed.end()), None);
        return default;
    }
    number
}

fn minutes(number: u32) -> Duration {
    Duration::from_secs(60 * u64::from(number))
}

fn category(taxonomy: &Taxonomy, table: &Table<'_>, key: &'static str, id: &str) -> Option<Category> {
    let found = taxonomy.find(id);
    if found.is_none() {
        let hint = nearest_hint(id, ids(taxonomy)).unwrap_or_else(|| "blocklists/categories.toml lists them".into());
        table.wrong(key, format!("there is no category \"{id}\""), Some(hint));
    }
    found
}

/// The value of this name among `names`; what is none is noted.
fn one_of<T: Copy>(table: &Table<'_>, key: &'static str, name: &str, names: &[(&str, T)]) -> Option<T> {
    let found = names.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    if found.is_none() {
        let all: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        table.wrong(key, format!("\"{name}\" is none of {}", all.join(", ")), nearest_hint(name, all));
    }
    found
}

fn code(table: &Table<'_>, key: &'static str, name: &str) -> Option<Code> {
    let names: Vec<_> = Code::all().map(|code| (code.as_str(), code)).collect();
    one_of(table, key, name, &names)
}

fn weights(file: &Table<'_>, around: &Around<'_>, remarks: &Remarks) -> Weights {
    let mut weights = Weights::shipped(around.taxonomy);
    if let Some(table) = file.table("themes") {
        for (name, table) in table.named_tables() {
            read_theme(&name, &table, around, &mut weights, remarks);
            table.done();
        }
        each_category_once(&table, around.taxonomy, &weights);
    }
    if let Some(table) = file.table("severity") {
        severity(&table, around.taxonomy, &mut weights);
        table.done();
    }
    if let Some(table) = file.table("ways") {
        let ways = &mut weights.ways;
        ways.halves = minutes(number(&table, "halves_minutes", 15, 1..=1440));
        ways.watch = number(&table, "watch", ways.watch, 1..=1000);
        ways.concern = number(&table, "concern", ways.concern, 1..=1000);
        if ways.watch >= ways.concern {
            table.wrong("concern", "it must be more than `watch`", None);
        }
        ways.never = table.get_or::<Vec<String>>("never", Vec::new()).iter().filter_map(|name| code(&table, "never", name)).collect();
        table.done();
    }
    weights
}

fn read_theme(name: &str, table: &Table<'_>, around: &Around<'_>, weights: &mut Weights, remarks: &Remarks) {
    // Asked for, so that what is wrong is told of the name and not of each key.
    let said = (table.get::<Vec<String>>("categories"), table.get::<Vec<String>>("phrases"), table.get::<u32>("weight"));
    let places = table.get::<Vec<String>>("places");
    let most = table.choice("most", &Level::NAMES, Some(Level::Danger));
    let Some(theme) = Theme::named(name) else {
        let hint = nearest_hint(name, Theme::NAMES.map(|(name, _)| name).to_vec());
        return table.wrong("categories", format!("there is no theme \"{name}\""), hint);
    };
    if theme == Theme::Illegal {
        return table.wrong("categories", "what is against the law has a theme of its own, which no setting reaches", Some("take the line out".into()));
    }
    let weight = &mut weights.themes[theme as usize];
    let read = |key: &'static str, ids: &[String]| {
        let set: CategorySet = ids.iter().filter_map(|id| category(around.taxonomy, table, key, id)).collect();
        for id in around.taxonomy.ids(set.intersection(around.taxonomy.always_blocked())) {
            table.wrong(key, format!("\"{id}\" is against the law; it has a theme of its own"), Some("take it out".into()));
        }
        set
    };
    let listed = said.0.as_ref().map(|ids| read("categories", ids));
    let shipped = weight.places.difference(listed.unwrap_or(CategorySet::EMPTY));
    let listed = listed.unwrap_or(weight.by_themselves());
    weight.places = places.as_ref().map_or(shipped, |ids| read("places", ids));
    for id in around.taxonomy.ids(listed.intersection(weight.places)) {
        table.wrong("places", format!("\"{id}\" is in `categories` too"), Some("leave it in one: a place is never more than watch by itself".into()));
    }
    weight.categories = listed.union(weight.places);
    if let Some(names) = said.1 {
        let known = around.phrases.themes();
        // Phrase files are the school's to take out: what is not there is no sign, and that is all.
        for name in names.iter().filter(|name| !known.is_empty() && !known.contains(&name.as_str())) {
            let hint = nearest_hint(name, known.clone()).map(|hint| format!(" ({hint})")).unwrap_or_default();
            remarks.borrow_mut().push(format!("the theme {} looks for phrases of \"{name}\", which no phrase file has{hint}", theme.as_str()));
        }
        weight.phrases = names.into_iter().map(Into::into).collect();
    }
    match said.2 {
        Some(_) if theme == Theme::Bypass => table.wrong("weight", "what ways round come to is in [ways]", Some("take `weight` out".into())),
        Some(said) if !(1..=100).contains(&said) => table.wrong("weight", "a number from 1 to 100 is expected", None),
        Some(said) => weight.weight = said,
        None => {}
    }
    if table.has("most") {
        weight.most = most.unwrap_or(weight.most);
    }
    if places.is_some_and(|ids| !ids.is_empty()) && (theme == Theme::Bypass || !weight.is_grave()) {
        let hint = format!("put them into `categories`, or let the theme weigh {GRAVE} or more");
        table.wrong("places", "only a theme that is grave has places where it begins", Some(hint));
    }
}

/// Notes categories that belong to two themes: one page would be two matters.
fn each_category_once(table: &Table<'_>, taxonomy: &Taxonomy, weights: &Weights) {
    for (place, (name, theme)) in Theme::NAMES.into_iter().enumerate() {
        for (other, before) in Theme::NAMES.into_iter().take(place) {
            let (own, others) = (weights.of(theme), weights.of(before));
            // What ships as a place of one may stand in no file.
            let hint = |id: &str| match [(other, others), (name, own)].into_iter().find(|(_, weight)| taxonomy.ids(weight.places).any(|place| place == id)) {
                Some((of, _)) => format!("leave it in one; as a place of {of} it is left out with {of} = {{ places = [] }}"),
                None => "leave it in one".to_owned(),
            };
            for id in taxonomy.ids(own.categories.intersection(others.categories)) {
                table.wrong("categories", format!("\"{id}\" belongs to {other} and to {name}; one page would be two matters"), Some(hint(id)));
            }
        }
    }
}

fn severity(table: &Table<'_>, taxonomy: &Taxonomy, weights: &mut Weights) {
    weights.watch = number(table, "watch", weights.watch, 1..=1000);
    weights.concern = number(table, "concern", weights.concern, 1..=1000);
    weights.danger = number(table, "danger", weights.danger, 1..=1000);
    for (key, less, more) in [("concern", weights.watch, weights.concern), ("danger", weights.concern, weights.danger)] {
        if less >= more {
            table.wrong(key, "each level takes more points than the one before: watch, concern, danger", None);
        }
    }
    if let Some(ids) = table.get::<Vec<String>>("lowers") {
        weights.lowers = ids.iter().filter_map(|id| category(taxonomy, table, "lowers", id)).collect();
        let signs = weights.themes.iter().fold(CategorySet::EMPTY, |set, weight| set.union(weight.categories));
        for id in taxonomy.ids(weights.lowers.intersection(signs)) {
            table.wrong("lowers", format!("\"{id}\" is a sign of a theme; it cannot weigh less for what it is"), Some("take it out".into()));
        }
    }
    weights.together = minutes(number(table, "together_minutes", 30, 5..=1440));
    weights.quiet = minutes(number(table, "quiet_minutes", 30, 1..=1440));
    weights.again = minutes(60 * number(table, "again_hours", 24, 1..=168));
    weights.ends = minutes(60 * number(table, "ends_hours", 168, 1..=336));
    if weights.quiet >= weights.again {
        table.wrong("quiet_minutes", "an episode is quiet before it can come back", Some("make it less than again_hours".into()));
    }
    if weights.again > weights.ends {
        table.wrong("ends_hours", "what is over cannot come back", Some("make it as much as again_hours, or more".into()));
    }
}

fn heads(file: &Table<'_>) -> Vec<Box<str>> {
    let Some(table) = file.table("subjects") else { return Vec::new() };
    let heads = table.get_or::<Vec<String>>("head", Vec::new());
    for name in heads.iter().filter(|name| name.trim().is_empty() || name.contains('*')) {
        table.wrong("head", format!("\"{name}\" is no user"), Some("it is the whole name that the head signs in with, such as \"staff-head\"".into()));
    }
    table.done();
    heads.into_iter().map(Into::into).collect()
}

/// The quiet hours.
fn quiet(file: &Table<'_>) -> Option<Quiet> {
    let table = file.table("quiet")?;
    let from = table.need("from", "such as \"18:00\"");
    let to = table.need("to", "such as \"08:00\"");
    let days_off = table.get_or("days_off", true);
    if from.is_some() && from == to {
        table.wrong("to", "quiet that ends when it begins is none", Some("such as from = \"18:00\", to = \"08:00\"; or leave [quiet] out".into()));
    }
    table.done();
    Some(Quiet { from: from?, to: to?, days_off })
}

/// The regular messages. Whether there is somebody of each role is for whoever knows them to say.
fn digest(file: &Table<'_>) -> Digest {
    let Some(table) = file.table("digest") else { return Digest::default() };
    let words = |key| table.get_or::<Vec<String>>(key, Vec::new()).into_iter().map(Into::into).collect::<Vec<Box<str>>>();
    let digest = Digest {
        all_clear: table.get("all_clear"),
        seen_at: table.get("seen_at"),
        to: words("to"),
        technician: words("technician"),
        weekly: table.get::<Weekly>("weekly").map(|weekly| weekly.0),
        weekly_to: words("weekly_to"),
        confirm_days: number(&table, "confirm_days", 3, 0..=60),
    };
    if digest.all_clear.is_some() && digest.seen_at.is_some_and(|seen| digest.all_clear.is_some_and(|sent| seen >= sent)) {
        table.wrong("seen_at", "it is looked before the message is sent", Some("such as seen_at = \"07:00\", all_clear = \"08:15\"".into()));
    }
    if digest.all_clear.is_none() && digest.seen_at.is_some() {
        table.wrong("seen_at", "there is no morning message that would tell of it", Some("write all_clear = \"08:15\" too, or take it out".into()));
    }
    for (key, time, to) in [("to", digest.all_clear.is_some(), &digest.to), ("weekly_to", digest.weekly.is_some(), &digest.weekly_to)] {
        if time && to.is_empty() {
            table.wrong(key, "the message goes to nobody", Some("such as [\"officer\"]; or leave its time out".into()));
        }
    }
    table.done();
    digest
}

/// A day and a time, such as `friday 15:45`.
struct Weekly((jiff::civil::Weekday, jiff::civil::Time));

impl FromToml for Weekly {
    fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
        let text = String::from_toml(value)?;
        let wrong = || format!("\"{text}\" is not a day and a time, such as \"friday 15:45\"");
        let (day, time) = text.split_once(' ').ok_or_else(wrong)?;
        let day = super::policy::weekday(day).ok_or_else(wrong)?;
        Ok(Self((day, time.trim().parse().map_err(|_| wrong())?)))
    }
}

#[cfg(test)]
mod tests;
