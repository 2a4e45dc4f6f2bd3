//! Matters as commands find them: those that are asked for, one by its reference, and how the people in them are called.

use super::Desk;
use crate::alert::theme::Theme;
use crate::audit::incident::{Incident, Level, Opened, Person, fold};
use crate::audit::journal::{Reader, Topic};
use crate::audit::lookups::Naming;
use crate::audit::pseudonyms::Pseudonyms;
use crate::audit::query::Filter;
use crate::audit::record::RecordId;
use crate::cli::log::{Why, times};
use crate::config::Config;
use crate::config::reader::nearest_hint;
use anyhow::{anyhow, bail};
use clap::Args;
use jiff::Timestamp;

/// Which matters. All that is given must hold.
#[derive(Args)]
pub(super) struct Which {
    /// Not before this time: 2026-11-23, 2026-11-23T08:40 (school time), or with a zone.
    #[arg(long)]
    from: Option<String>,
    /// Before this time.
    #[arg(long)]
    to: Option<String>,
    /// Of this theme, such as self-harm or bypass.
    #[arg(long, value_parser = theme)]
    theme: Option<Theme>,
    /// At least as grave as this: concern or danger.
    #[arg(long, value_parser = level)]
    level: Option<Level>,
    /// Of this group.
    #[arg(long)]
    group: Option<String>,
}

fn theme(typed: &str) -> Result<Theme, String> {
    let names = || Theme::NAMES.iter().map(|(name, _)| *name);
    Theme::named(typed).ok_or_else(|| one_of(typed, &names().collect::<Vec<_>>()))
}

fn level(typed: &str) -> Result<Level, String> {
    let names = || Level::NAMES.iter().filter(|(_, level)| *level > Level::Watch);
    let found = names().find(|(name, _)| *name == typed).map(|(_, level)| *level);
    found.ok_or_else(|| one_of(typed, &names().map(|(name, _)| *name).collect::<Vec<_>>()))
}

/// What is wrong with a word that should be one of these.
pub(super) fn one_of(typed: &str, names: &[&str]) -> String {
    let hint = nearest_hint(typed, names.to_vec()).map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("it is one of {}{hint}", names.join(", "))
}

impl Which {
    /// Those that are meant, in the order they began.
    pub(super) fn of(&self, desk: &Desk, all: Vec<Incident>) -> anyhow::Result<Vec<Incident>> {
        let (from, to) = self.times(desk)?;
        let is_meant = |one: &Incident| {
            let at = i64::try_from(one.opened.at_ms).unwrap_or(i64::MAX);
            from.is_none_or(|from| at >= from.as_millisecond())
                && to.is_none_or(|to| at < to.as_millisecond())
                && self.theme.is_none_or(|theme| one.themes().any(|of| of == theme.as_str()))
                && self.level.is_none_or(|level| one.level >= level)
                && self.group.as_ref().is_none_or(|group| one.opened.group == *group)
        };
        Ok(all.into_iter().filter(is_meant).collect())
    }

    pub(super) fn times(&self, desk: &Desk) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
        times(self.from.as_deref(), self.to.as_deref(), &desk.rulebook.school.timetable.zone)
    }

    /// That a group is meant which is none of the school's, for where nothing is found.
    pub(super) fn unknown_group(&self, desk: &Desk) -> Option<String> {
        let names: Vec<&str> = desk.rulebook.school.policy.groups.iter().map(|group| &*group.name).chain(["unknown"]).collect();
        let typed = self.group.as_deref().filter(|typed| !names.contains(typed))?;
        let hint = nearest_hint(typed, names).map(|hint| format!("; {hint}")).unwrap_or_default();
        Some(format!("there is no group \"{typed}\"{hint}"))
    }

    /// As it would be typed.
    pub(super) fn in_words(&self) -> String {
        let parts = [
            self.from.as_ref().map(|from| format!("--from {from}")),
            self.to.as_ref().map(|to| format!("--to {to}")),
            self.theme.map(|theme| format!("--theme {}", theme.as_str())),
            self.level.map(|level| format!("--level {}", level.as_str())),
            self.group.as_ref().map(|group| format!("--group {group}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// All matters that are on record, in the order they began.
pub(super) fn all(config: &Config) -> anyhow::Result<Vec<Incident>> {
    Ok(fold(&Reader::open(&config.log())?.about(Topic::Alert, 0)?))
}

/// The one that is meant by a reference: a number as in `0SAF-3Q2K-R0001`, with the theme behind it where one record began several.
pub(super) fn find(all: &[Incident], typed: &str) -> anyhow::Result<Incident> {
    let (number, theme) = typed.split_once('/').map_or((typed, None), |(number, theme)| (number, Some(theme)));
    let number: RecordId = number.trim().parse().map_err(|error| anyhow!("\"{typed}\" is no alert: {error}; see: usher alerts list --all"))?;
    let of_number = || all.iter().filter(|one| one.opened.episode == number);
    let found: Vec<_> = of_number().filter(|one| theme.is_none_or(|theme| one.themes().any(|of| of == theme))).collect();
    match found[..] {
        [] if of_number().next().is_some() => {
            let themes: Vec<_> = of_number().map(|one| one.opened.theme.as_str()).collect();
            bail!("the alert {number} is of {}, not of \"{}\"", themes.join(" and "), theme.unwrap_or_default())
        }
        [] => bail!("there is no alert {number}; see: usher alerts list --all"),
        [one] => Ok(one.clone()),
        ref several => {
            let ways: Vec<_> = several.iter().map(|one| format!("{number}/{}", one.opened.theme)).collect();
            bail!("one record began several alerts; say which: {}", ways.join(" or "))
        }
    }
}

/// How people are called.
pub(super) enum Cover {
    Names,
    Pseudonyms(Pseudonyms),
}

impl Cover {
    /// By name, if there is a reason: then the look is on record when this returns. `of` is whose matter it is; everybody's, where there is none.
    pub(super) fn open(desk: &Desk, why: &Why, of: Option<&Opened>, look: &str) -> anyhow::Result<Self> {
        let Some(reason) = why.reason()? else {
            return Ok(match (desk.config.log_names, of) {
                (Naming::Always, None) => Self::Names,
                (Naming::Always | Naming::WithAReason, _) => Self::Pseudonyms(Pseudonyms::new(&desk.secret)),
            });
        };
        let (user, client) = match of.map(|opened| &opened.who) {
            Some(Person::User(user)) => (Some(user.clone()), None),
            Some(Person::Device(client)) => (None, Some(client.clone())),
            None => (None, None),
        };
        // Nothing is read of the log with it, but that it was given.
        let _permit = why.look_in_words(&desk.config.log(), Filter { user, client, ..Filter::default() }, reason, look)?;
        Ok(Self::Names)
    }

    pub(super) fn is_named(&self) -> bool {
        matches!(self, Self::Names)
    }

    /// Who it is; the device, where nobody is known.
    pub(super) fn who(&self, who: &Person) -> String {
        match (self, who) {
            (Self::Names, Person::User(name) | Person::Device(name)) => name.clone(),
            (Self::Pseudonyms(pseudonyms), Person::User(name)) => pseudonyms.of_user(name),
            (Self::Pseudonyms(pseudonyms), Person::Device(address)) => pseudonyms.of_client(address),
        }
    }

    /// The device.
    pub(super) fn device(&self, address: &str) -> String {
        match self {
            Self::Names => address.to_owned(),
            Self::Pseudonyms(pseudonyms) => pseudonyms.of_client(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::incident::fixture;

    fn matter(episode: u64, theme: &str) -> Incident {
        Incident::new(fixture::opened(episode, theme))
    }

    #[test]
    fn a_reference_leads_to_one_matter_or_says_which_there_are() {
        let all = [matter(7, "self-harm"), matter(7, "hate"), matter(9, "bypass")];
        let reference = |number: u64, theme: &str| format!("{}{theme}", RecordId(number));
        for (typed, found) in [
            (reference(9, ""), "bypass"),
            (reference(9, "").replace('-', "").to_lowercase(), "bypass"),
            (reference(7, "/hate"), "hate"),
            (reference(7, "/self-harm"), "self-harm"),
        ] {
            assert_eq!(find(&all, &typed).expect(&typed).opened.theme, found, "{typed}");
        }
        for (typed, says) in [
            (reference(7, ""), "say which: 0000-0000-00007/self-harm or 0000-0000-00007/hate"),
            (reference(7, "/drugs"), "is of self-harm and hate, not of \"drugs\""),
            (reference(8, ""), "there is no alert 0000-0000-00008"),
            ("yesterday".to_owned(), "is no alert"),
        ] {
            let error = find(&all, &typed).expect_err(&typed).to_string();
            assert!(error.contains(says), "{typed}: {error}");
        }
    }
}
