//! Which matters go to whom: a matter and a moment in, the messages that are due out. Pure.
//!
//! All routes that match tell; each recipient and each channel once, with the most that any of those routes lets it say. Nobody is told of a matter about
//! themselves ([`subject`]): the others of their role are, or the next that can be. Danger never waits ([`quiet`]).
//!
//! | wanted | call |
//! | --- | --- |
//! | the messages of a matter that began, or got worse | [`due`] |
//! | who is asked next while nobody has read it | [`rungs`] |
//! | the messages of what Usher says of itself | [`system`] |
//! | the regular messages | [`regular`] |
//! | whether anybody would be told of danger | [`red`], [`gaps`] |

use super::plan::{About, During, Plan, Recipient, Route};
use super::theme::Theme;
use super::{quiet, subject};
use crate::audit::incident::{Level, Opened};
use crate::clock::Timetable;
use jiff::Timestamp;
use std::time::Duration;

/// The roles that routes of a school speak of, beside words of its own.
pub const ROLES: [&str; 5] = ["officer", "deputy", "head", "chair", "technician"];

/// Who is next where nobody of a role may be told: upwards, and only then down.
const NEXT: [&str; 4] = ["officer", "deputy", "head", "chair"];

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// To this address, by mail.
    Mail(Box<str>),
    /// To the hook of this name.
    Hook(Box<str>),
    /// To the syslog server of this name.
    Syslog(Box<str>),
    /// To the file of this name.
    File(Box<str>),
}

impl Target {
    /// The address, or the name of the hook, server or file.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Mail(name) | Self::Hook(name) | Self::Syslog(name) | Self::File(name) => name,
        }
    }
}

/// A message that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whom it is for; nobody in particular where it goes to a hook, a server or a file.
    pub recipient: Option<Recipient>,
    /// Where it goes.
    pub target: Target,
    /// Whether it says who it is.
    pub names: bool,
    /// Whether it holds the words of searches; only where it has names, and never in a subject.
    pub words: bool,
    /// Before when it is not sent; nothing if it goes at once.
    pub not_before: Option<Timestamp>,
    /// By which route: the first that matched.
    pub route: Box<str>,
    /// Who is asked next, by the name of the ladder.
    pub ladder: Option<Box<str>>,
}

/// One step of a ladder, for one matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Which: the first is 1.
    pub step: u8,
    /// The role that is asked.
    pub role: Box<str>,
    /// How long after the first was told, if nobody has read it by then.
    pub after: Duration,
    /// Its messages. None where nobody of the role can be told of this matter, nor anybody in their place: then the next step is due at once.
    pub due: Vec<Due>,
}

/// The messages of a matter that began or got worse, so that it is of `level` now; `at` is when they are made. Nobody is told of what is only watched.
#[must_use]
pub fn due(plan: &Plan, opened: &Opened, level: Level, at: Timestamp, timetable: &Timetable) -> Vec<Due> {
    if level == Level::Watch {
        return Vec::new();
    }
    let theme = Theme::named(&opened.theme);
    let matter = Matter { about: subject::about(plan, opened), theme, group: &opened.group, during: quiet::during(plan.quiet.as_ref(), timetable, at) };
    let not_before = quiet::not_before(plan.quiet.as_ref(), level, theme, timetable, at);
    let mut all = Vec::new();
    for route in plan.routes.iter().filter(|route| level >= route.at_least && matter.is_of(route)) {
        for word in &route.to {
            tell(plan, route, word, Some(opened), not_before, &mut all);
        }
    }
    all
}

/// The steps of the ladder of a route, in their order, for one matter. None of a route that is no more, or has no ladder.
#[must_use]
pub fn rungs(plan: &Plan, opened: &Opened, route: &str) -> Vec<Rung> {
    let Some(route) = plan.routes.iter().find(|known| &*known.name == route) else { return Vec::new() };
    let Some(ladder) = plan.ladders.iter().find(|ladder| route.ladder.as_ref() == Some(&ladder.name)) else { return Vec::new() };
    let rung = |(step, (role, after)): (u8, &(Box<str>, Duration))| {
        let mut due = Vec::new();
        tell(plan, route, role, Some(opened), None, &mut due);
        Rung { step, role: role.clone(), after: *after, due }
    };
    (1..).zip(&ladder.steps).map(rung).collect()
}

/// The messages of what Usher says of itself. They never wait.
#[must_use]
pub fn system(plan: &Plan, at: Timestamp, timetable: &Timetable) -> Vec<Due> {
    let now = quiet::during(plan.quiet.as_ref(), timetable, at);
    let mut all = Vec::new();
    for route in plan.routes.iter().filter(|route| route.is_system && (route.during.is_empty() || route.during.contains(&now))) {
        for word in &route.to {
            tell(plan, route, word, None, None, &mut all);
        }
    }
    all
}

/// The messages of a digest, which is called `name`, to these roles and channels.
#[must_use]
pub fn regular(plan: &Plan, name: &str, to: &[Box<str>]) -> Vec<Due> {
    let route = Route {
        name: name.into(),
        is_system: true,
        themes: Vec::new(),
        at_least: Level::Concern,
        groups: Vec::new(),
        during: Vec::new(),
        about: About::Pupils,
        to: Vec::new(),
        names: false,
        words: false,
        ladder: None,
    };
    let mut all = Vec::new();
    for word in to {
        tell(plan, &route, word, None, None, &mut all);
    }
    all
}

/// What routes look at of a matter.
struct Matter<'a> {
    about: About,
    /// Nothing for a theme of a later version: only routes that take all themes take it.
    theme: Option<Theme>,
    group: &'a str,
    during: During,
}

impl Matter<'_> {
    fn is_of(&self, route: &Route) -> bool {
        !route.is_system
            && route.about == self.about
            && (route.themes.is_empty() || self.theme.is_some_and(|theme| route.themes.contains(&theme)))
            && (route.groups.is_empty() || route.groups.iter().any(|group| **group == *self.group))
            && (route.during.is_empty() || route.during.contains(&self.during))
    }
}

/// Adds the messages to everybody that `word` of a route means: those of a role, or a channel.
fn tell(plan: &Plan, route: &Route, word: &str, opened: Option<&Opened>, not_before: Option<Timestamp>, all: &mut Vec<Due>) {
    let due = |recipient: Option<Recipient>, target, names: bool| Due {
        recipient,
        target,
        names,
        words: names && route.words,
        not_before,
        route: route.name.clone(),
        ladder: route.ladder.clone(),
    };
    for recipient in people(plan, route, word, opened) {
        if let Some(address) = &recipient.email {
            add(all, due(Some(recipient.clone()), Target::Mail(address.clone()), route.names));
        }
    }
    let channels = [
        plan.hooks.iter().find(|hook| &*hook.name == word).map(|hook| (Target::Hook(hook.name.clone()), hook.names)),
        plan.syslog.iter().find(|server| &*server.name == word).map(|server| (Target::Syslog(server.name.clone()), server.names)),
        plan.files.iter().find(|file| &*file.name == word).map(|file| (Target::File(file.name.clone()), file.names)),
    ];
    for (target, may_name) in channels.into_iter().flatten() {
        add(all, due(None, target, route.names && may_name));
    }
}

/// Adds a message, or lets the one that goes there already say as much.
fn add(all: &mut Vec<Due>, due: Due) {
    let is_same = |known: &&mut Due| match (&known.target, &due.target) {
        (Target::Mail(known), Target::Mail(new)) => known.eq_ignore_ascii_case(new),
        (known, new) => known == new,
    };
    match all.iter_mut().find(is_same) {
        Some(known) => {
            known.names |= due.names;
            known.words |= due.words;
            if known.ladder.is_none() {
                known.ladder = due.ladder;
            }
        }
        None => all.push(due),
    }
}

/// Those of a role that may be told. Where all of them are whom the matter is about: those of the next role on the ladder of the route, or of [`NEXT`].
fn people<'p>(plan: &'p Plan, route: &Route, role: &str, opened: Option<&Opened>) -> Vec<&'p Recipient> {
    let of_role = |role: &str| -> Vec<_> { plan.recipients.iter().filter(|one| &*one.role == role && one.email.is_some()).collect() };
    let may_be_told = |one: &&Recipient| opened.is_none_or(|opened| !subject::would_be_told_of_themselves(plan, one, opened));
    let all = of_role(role);
    let fit: Vec<_> = all.iter().copied().filter(may_be_told).collect();
    if all.is_empty() || !fit.is_empty() {
        return fit;
    }
    let ladder = plan.ladders.iter().find(|ladder| route.ladder.as_ref() == Some(&ladder.name));
    let steps = ladder.into_iter().flat_map(|ladder| ladder.steps.iter().map(|(role, _)| &**role));
    let place = NEXT.iter().position(|known| *known == role);
    let upwards = NEXT.iter().skip(place.map_or(0, |place| place + 1)).copied();
    let down = NEXT.iter().take(place.unwrap_or(0)).rev().copied();
    let next = steps.chain(upwards).chain(down).map(|role| of_role(role).into_iter().filter(may_be_told).collect::<Vec<_>>());
    next.into_iter().find(|fit| !fit.is_empty()).unwrap_or_default()
}

/// Whether a word of a route is somebody that can be told, or a channel.
#[must_use]
pub fn is_somebody(plan: &Plan, word: &str) -> bool {
    plan.recipients.iter().any(|one| &*one.role == word && one.email.is_some()) || is_channel(plan, word)
}

/// Whether a word of a route is the name of a hook, a syslog server or a file.
#[must_use]
pub fn is_channel(plan: &Plan, word: &str) -> bool {
    let names = plan.hooks.iter().map(|hook| &hook.name).chain(plan.syslog.iter().map(|server| &server.name)).chain(plan.files.iter().map(|file| &file.name));
    names.into_iter().any(|name| &**name == word)
}

/// A group, and whether it is of staff.
pub type Known<'a> = (&'a str, bool);

/// Why nobody at all would be told of a pupil in danger, if that is so. It is shown in red wherever Usher speaks.
#[must_use]
pub fn red(plan: &Plan, groups: &[Known<'_>]) -> Option<String> {
    if Coverage::of(plan, About::Pupils, groups).reached > 0 {
        return None;
    }
    let routes = || plan.routes.iter().filter(|route| !route.is_system && route.about == About::Pupils);
    let mut missing: Vec<&str> = Vec::new();
    // Those that take every theme say best who is missing.
    let widest = routes().filter(|route| route.themes.is_empty());
    for word in widest.chain(routes()).take(1).flat_map(|route| &route.to).filter(|word| !is_somebody(plan, word)) {
        if !missing.contains(&&**word) {
            missing.push(word);
        }
    }
    Some(match missing[..] {
        [] => "Nobody is told of danger: no route takes it".to_owned(),
        _ => format!("Nobody is told of danger: no recipient with the role {}", missing.join(" or ")),
    })
}

/// Of which danger nobody would be told, though of some they would: a sentence each.
#[must_use]
pub fn gaps(plan: &Plan, groups: &[Known<'_>]) -> Vec<String> {
    let mut told = Vec::new();
    for (about, words) in [(About::Pupils, "pupils"), (About::Staff, "staff"), (About::Head, "the head")] {
        let Coverage { groups, reached, holes } = Coverage::of(plan, about, groups);
        if holes.is_empty() || (about == About::Pupils && reached == 0) {
            continue;
        }
        if reached == 0 {
            told.push(format!("Nobody is told of danger about {words}"));
            continue;
        }
        if holes.len() == groups.len() * Theme::NAMES.len() {
            told.push(format!("At some hours nobody is told of danger about {words}"));
            continue;
        }
        for (name, theme) in Theme::NAMES {
            let of: Vec<_> = holes.iter().filter(|(_, hole, _)| *hole == theme).collect();
            if !of.is_empty() {
                let hours = if of.iter().all(|(.., ever)| !ever) { "" } else { ", at some hours," };
                let names: Vec<_> = of.iter().map(|(group, ..)| *group).collect();
                let of = if of.len() == groups.len() { String::new() } else { format!(" of {}", names.join(", ")) };
                told.push(format!("Nobody is told{hours} of danger by {name} about {words}{of}"));
            }
        }
    }
    told
}

/// Of which danger somebody is told.
struct Coverage<'a> {
    /// The groups that they may be in whom it is about.
    groups: Vec<&'a str>,
    /// Of how many groups, themes and hours somebody is told.
    reached: usize,
    /// The groups and themes of which nobody is told at some hour, and whether somebody is at another.
    holes: Vec<(&'a str, Theme, bool)>,
}

impl<'a> Coverage<'a> {
    fn of(plan: &Plan, about: About, groups: &[Known<'a>]) -> Self {
        let of_staff = |wanted: bool| groups.iter().filter(move |(_, is_staff)| *is_staff == wanted).map(|(name, _)| *name);
        let is_anybody_head = || !plan.heads.is_empty() || plan.recipients.iter().any(|one| &*one.role == "head" && one.user.is_some());
        let groups: Vec<_> = match about {
            About::Pupils => of_staff(false).chain(["unknown"]).collect(),
            About::Head if !is_anybody_head() => Vec::new(),
            About::Staff | About::Head => of_staff(true).collect(),
        };
        let reaching: Vec<_> = plan.routes.iter().filter(|route| route.to.iter().any(|word| is_somebody(plan, word))).collect();
        let (mut reached, mut holes) = (0, Vec::new());
        for group in &groups {
            for (_, theme) in Theme::NAMES {
                let is_told = |during: &During| {
                    let matter = Matter { about, theme: Some(theme), group, during: *during };
                    reaching.iter().any(|route| matter.is_of(route))
                };
                let hours = [During::School, During::Evening, During::Night, During::Closed];
                let told = hours.iter().filter(|during| is_told(during)).count();
                reached += told;
                if told < hours.len() {
                    holes.push((*group, theme, told > 0));
                }
            }
        }
        Self { groups, reached, holes }
    }
}

#[cfg(test)]
pub(super) mod tests;
