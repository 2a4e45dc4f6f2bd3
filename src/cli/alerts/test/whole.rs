//! What a whole file would have come to: its arithmetic, its rules, what counts for nothing, and whom its routes would have told.

use super::{MOST_LISTED, name, people};
use crate::alert::settings::Settings;
use crate::alert::theme::Theme;
use crate::alert::trial::{Matter, Trial};
use crate::app;
use crate::audit::RecordId;
use crate::audit::incident::{Incident, Level, Person, fold};
use crate::audit::journal::Statement;
use crate::audit::pseudonyms::Pseudonyms;
use crate::cli::alerts::{Desk, several};
use crate::cli::table::{align_numbers, safe, table};
use crate::cli::{print, print_json};
use crate::proxy::own_pages::own_names;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What came of it.
pub(super) struct Whole {
    pub(super) matters: Vec<Matter>,
    /// What was opened in that time in fact, by theme.
    in_fact: BTreeMap<String, usize>,
}

/// As it is printed for programs.
#[derive(Serialize)]
struct Shown<'a> {
    file: &'a str,
    opened: usize,
    danger: usize,
    opened_in_fact: usize,
    of_people: usize,
    untold: usize,
    themes: Vec<ShownTheme<'a>>,
    episodes: Vec<ShownMatter<'a>>,
}

#[derive(Serialize)]
struct ShownTheme<'a> {
    theme: &'static str,
    danger: usize,
    concern: usize,
    opened_in_fact: usize,
    of_people: usize,
    told: BTreeMap<&'a str, usize>,
}

#[derive(Serialize)]
struct ShownMatter<'a> {
    began: String,
    level: &'static str,
    theme: &'a str,
    /// Other themes that are part of it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    also: &'a [String],
    who: Cow<'a, str>,
    group: &'a str,
    rule: Option<&'a str>,
    signs: usize,
    reference: RecordId,
    told: Vec<&'a str>,
}

/// The past, to be weighed by these settings.
pub(super) fn trial(desk: &Desk, settings: &Settings, stated: &[Statement]) -> anyhow::Result<Trial> {
    let own = own_names(&desk.config.settings.own_host).iter().map(|name| name.as_str().into()).collect();
    let snapshot = app::look(&desk.config, desk.secret)?;
    Ok(Trial::new(settings.clone(), snapshot, own, &desk.secret, stated))
}

impl Whole {
    pub(super) fn of(trial: Trial, stated: &[Statement], from: Timestamp, to: Timestamp) -> anyhow::Result<Self> {
        let is_in = |incident: &Incident| Timestamp::from_millisecond(incident.opened.at_ms.cast_signed()).is_ok_and(|at| from <= at && at < to);
        let mut in_fact = BTreeMap::new();
        for incident in fold(stated).into_iter().filter(is_in) {
            *in_fact.entry(incident.opened.theme).or_insert(0) += 1;
        }
        Ok(Self { matters: trial.end()?, in_fact })
    }

    fn of_theme(&self, theme: Theme) -> Vec<&Matter> {
        self.matters.iter().filter(|matter| matter.opened.theme == theme.as_str()).collect()
    }

    /// Each theme with what came of it, those without anything left out.
    fn themes(&self) -> Vec<ShownTheme<'_>> {
        let shown = |(_, theme): (&'static str, Theme)| {
            let matters = self.of_theme(theme);
            let opened_in_fact = self.in_fact.get(theme.as_str()).copied().unwrap_or(0);
            if matters.is_empty() && opened_in_fact == 0 {
                return None;
            }
            let mut told = BTreeMap::new();
            for whom in matters.iter().flat_map(|matter| &matter.told) {
                *told.entry(&**whom).or_insert(0) += 1;
            }
            let danger = matters.iter().filter(|matter| matter.level == Level::Danger).count();
            Some(ShownTheme {
                theme: theme.as_str(),
                danger,
                concern: matters.len() - danger,
                opened_in_fact,
                of_people: people(whose(matters.into_iter())),
                told,
            })
        };
        Theme::NAMES.into_iter().filter_map(shown).collect()
    }

    fn danger(&self) -> usize {
        self.matters.iter().filter(|matter| matter.level == Level::Danger).count()
    }

    fn untold(&self) -> usize {
        self.matters.iter().filter(|matter| matter.told.is_empty()).count()
    }

    pub(super) fn print_as_json(&self, file: &str, pseudonyms: Option<&Pseudonyms>) -> anyhow::Result<()> {
        let shown = |matter| {
            let Matter { opened, level, signs, told, also, .. }: &Matter = matter;
            ShownMatter {
                began: format!("{:.3}", at(matter)),
                level: level.as_str(),
                theme: &opened.theme,
                also,
                who: name(&opened.who, pseudonyms),
                group: &opened.group,
                rule: opened.rule.as_deref(),
                signs: signs.len(),
                reference: opened.episode,
                told: told.iter().map(|whom| &**whom).collect(),
            }
        };
        print_json(&Shown {
            file,
            opened: self.matters.len(),
            danger: self.danger(),
            opened_in_fact: self.in_fact.values().sum(),
            of_people: people(whose(self.matters.iter())),
            untold: self.untold(),
            themes: self.themes(),
            episodes: self.matters.iter().map(shown).collect(),
        })
    }

    pub(super) fn show(&self, desk: &Desk, file: &str, pseudonyms: Option<&Pseudonyms>) -> anyhow::Result<()> {
        let opened = several(self.matters.len(), "episode", "episodes");
        let (danger, of) = (self.danger(), several(people(whose(self.matters.iter())), "person", "people"));
        let in_fact = self.in_fact.values().sum::<usize>();
        print(format_args!("with {} there would have been {opened}, {danger} of danger ({of}); in fact there {} {in_fact}", safe(file), were(in_fact)))?;
        let themes = self.themes();
        if !themes.is_empty() {
            let mut listing = table(&["theme", "told", "danger", "concern", "people", "in fact"]);
            for theme in themes {
                let told = theme.told.iter().map(|(whom, times)| format!("{} {times}", safe(whom))).collect::<Vec<_>>().join(", ");
                let told = if told.is_empty() { "nobody".to_owned() } else { told };
                let numbers = [theme.danger, theme.concern, theme.of_people, theme.opened_in_fact].map(|number| number.to_string());
                listing.add_row([theme.theme.to_owned(), told].into_iter().chain(numbers));
            }
            align_numbers(&mut listing, 4);
            print(listing)?;
        }
        if self.untold() > 0 {
            print(format_args!("nobody would have been told of {}: see [routes] and [[recipient]]", several(self.untold(), "episode", "episodes")))?;
        }
        if !self.matters.is_empty() {
            let mut listing = table(&["began", "level", "theme", "who", "group", "by", "reference", "signs"]);
            for matter in self.matters.iter().take(MOST_LISTED) {
                let Matter { opened, level, signs, .. } = matter;
                let began = desk.local(at(matter)).strftime("%a %-d %b %H:%M").to_string();
                let by = opened.rule.as_ref().map_or("the arithmetic".to_owned(), |rule| format!("the rule \"{}\"", safe(rule)));
                let who = safe(&name(&opened.who, pseudonyms));
                let level = level.as_str().to_owned();
                listing.add_row([began, level, opened.theme.clone(), who, safe(&opened.group), by, opened.episode.to_string(), signs.len().to_string()]);
            }
            align_numbers(&mut listing, 1);
            print(listing)?;
            if self.matters.len() > MOST_LISTED {
                print(format_args!("and {} more; --json lists all", self.matters.len() - MOST_LISTED))?;
            }
        }
        Ok(())
    }
}

fn were(number: usize) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

fn at(matter: &Matter) -> Timestamp {
    Timestamp::from_millisecond(matter.opened.at_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn whose<'m>(matters: impl Iterator<Item = &'m Matter>) -> impl Iterator<Item = &'m Person> {
    matters.map(|matter| &matter.opened.who)
}
