//! Which matters go to whom: `[routes]`, `[ladders]`, `[quiet]`, `[digest]`.

use super::{Around, Remarks, digest, one_of, quiet};
use crate::alert::plan::{About, During, Ladder, Plan, Route};
use crate::alert::quiet::is_held_on;
use crate::alert::routes::{ROLES, is_channel, is_somebody};
use crate::alert::theme::Theme;
use crate::alert::weights::Weights;
use crate::audit::incident::Level;
use crate::config::policy::OneOrMany;
use crate::config::reader::{Table, nearest_hint};
use std::time::Duration;

/// The most steps of a ladder.
const MOST_STEPS: usize = 20;
/// The latest step, in minutes: a week.
const LATEST: u64 = 7 * 24 * 60;

const DURING: [(&str, During); 4] = [("school", During::School), ("evening", During::Evening), ("night", During::Night), ("closed", During::Closed)];
const ABOUT: [(&str, About); 3] = [("pupils", About::Pupils), ("staff", About::Staff), ("head", About::Head)];

/// Reads what says who is told, into a plan that has recipients and channels.
pub(super) fn read(file: &Table<'_>, around: &Around<'_>, weights: &Weights, plan: &mut Plan, remarks: &Remarks) {
    plan.quiet = quiet(file);
    if let Some(table) = file.table("ladders") {
        plan.ladders = ladders(&table, plan, remarks);
    }
    if let Some(table) = file.table("routes") {
        let routes: Vec<_> = table.named_tables().iter().filter_map(|(name, table)| route(name, table, around, weights, plan, remarks)).collect();
        plan.routes = routes;
    }
    for ladder in plan.ladders.iter().filter(|ladder| plan.routes.iter().all(|route| route.ladder.as_ref() != Some(&ladder.name))) {
        remarks.borrow_mut().push(format!("no route has the ladder \"{}\"", ladder.name));
    }
    plan.digest = digest(file);
    if let Some(table) = file.table("digest") {
        regular(&table, around, plan, remarks);
    }
}

/// Holds the regular messages against who is there, and against the school's week.
fn regular(table: &Table<'_>, around: &Around<'_>, plan: &Plan, remarks: &Remarks) {
    let digest = &plan.digest;
    let messages = [
        ("to", &digest.to, digest.all_clear.is_some(), "the morning message"),
        ("technician", &digest.technician, false, "the part about the machine"),
        ("weekly_to", &digest.weekly_to, digest.weekly.is_some(), "the week's summary"),
    ];
    for (key, words, is_sent, what) in messages {
        let is_told = words_of(table, key, words, plan, "[digest]", remarks);
        if is_told || words.is_empty() || !is_anybody_there(plan) {
            continue;
        }
        let nobody = format!("{what} goes to nobody: no recipient has the role {}", words.join(" or "));
        if is_sent {
            table.wrong(key, nobody, Some(format!("name a [[recipient]] with role = \"{}\", or another role", words[0])));
        } else {
            remarks.borrow_mut().push(format!("[digest] {key}: {nobody}"));
        }
    }
    let day_off = |school: &&crate::config::policy::School| digest.weekly.is_some_and(|(day, _)| !is_held_on(&school.timetable, day));
    if around.school.is_some_and(|school| day_off(&school)) {
        let hint = "name a day that a period of [timetable] in policy.toml is held on, such as \"friday 15:45\"";
        table.wrong("weekly", "there is no school on that day, so nobody reads it then", Some(hint.into()));
    }
}

/// Whether anybody or anything that can be told is there: before, what nobody is told is one red state and not many problems.
fn is_anybody_there(plan: &Plan) -> bool {
    !plan.recipients.is_empty() || !plan.hooks.is_empty() || !plan.syslog.is_empty() || !plan.files.is_empty()
}

/// Notes words that are neither a role nor a channel, and remarks on roles that nobody has though somebody else is told. Whether anybody is.
fn words_of(table: &Table<'_>, key: &'static str, words: &[Box<str>], plan: &Plan, of: &str, remarks: &Remarks) -> bool {
    let own: Vec<&str> = plan.recipients.iter().map(|one| &*one.role).collect();
    let mut is_known = true;
    for word in words.iter().filter(|word| !ROLES.contains(&&***word) && !own.contains(&&***word) && !is_channel(plan, word)) {
        let channels = plan.hooks.iter().map(|one| &*one.name).chain(plan.syslog.iter().map(|one| &*one.name)).chain(plan.files.iter().map(|one| &*one.name));
        let names: Vec<_> = ROLES.into_iter().chain(own.iter().copied()).chain(channels).collect();
        let hint = nearest_hint(word, names).unwrap_or_else(|| format!("name a [[recipient]] with role = \"{word}\", or a hook of that name"));
        table.wrong(key, format!("\"{word}\" is neither a role nor the name of a hook"), Some(hint));
        is_known = false;
    }
    let nobody: Vec<_> = words.iter().filter(|word| !is_somebody(plan, word)).collect();
    let is_told = nobody.len() < words.len();
    if is_known && is_told && is_anybody_there(plan) {
        for role in nobody {
            remarks.borrow_mut().push(format!("{of} goes to the role {role}, which no recipient has"));
        }
    }
    is_told || !is_known
}

fn ladders(table: &Table<'_>, plan: &Plan, remarks: &Remarks) -> Vec<Ladder> {
    let mut all = Vec::new();
    for (name, steps, span) in table.named_lists() {
        if steps.is_empty() || steps.len() > MOST_STEPS {
            table.wrong_at(
                span,
                format!("ladders.{name}: from 1 to {MOST_STEPS} steps are expected"),
                Some("such as [{ to = \"deputy\", after = 10 }]".into()),
            );
        }
        let mut read: Vec<(Box<str>, Duration)> = Vec::new();
        for step in &steps {
            let to = step.need::<String>("to", "a role, such as \"deputy\"");
            let after = step.need::<u64>("after", "the minutes since the first was told");
            if let Some(to) = &to {
                let told = words_of(step, "to", &[to.as_str().into()], plan, &format!("the ladder \"{name}\""), remarks);
                if !told && is_anybody_there(plan) {
                    remarks.borrow_mut().push(format!("the ladder \"{name}\" asks the role {to}, which no recipient has: the next step is due at once"));
                }
            }
            if let Some(after) = after {
                let before = read.last().map_or(0, |(_, time)| time.as_secs() / 60);
                if after <= before {
                    let what = if read.is_empty() {
                        "the first step is at least a minute after".to_owned()
                    } else {
                        format!("it is not later than the step before, which is after {before}")
                    };
                    step.wrong("after", what, Some("each step of a ladder is later than the one before".into()));
                } else if after > LATEST {
                    step.wrong("after", format!("at most {LATEST} minutes, a week"), None);
                }
            }
            step.done();
            if let (Some(to), Some(after)) = (to, after) {
                read.push((to.into(), Duration::from_secs(60 * after.min(LATEST))));
            }
        }
        all.push(Ladder { name: name.into(), steps: read });
    }
    all
}

fn many<T: Copy>(table: &Table<'_>, key: &'static str, names: &[(&str, T)]) -> Vec<T> {
    let Some(OneOrMany(words)) = table.get::<OneOrMany<String>>(key) else { return Vec::new() };
    if words.is_empty() {
        table.wrong(key, "nothing is in it, so it never holds", Some("leave it out where it does not matter".into()));
    }
    words.iter().filter_map(|word| one_of(table, key, word, names)).collect()
}

fn route(name: &str, table: &Table<'_>, around: &Around<'_>, weights: &Weights, plan: &Plan, remarks: &Remarks) -> Option<Route> {
    let is_system = table.choice("what", &[("episodes", false), ("system", true)], Some(false)).unwrap_or(false);
    let themes = many(table, "theme", &Theme::NAMES);
    let at_least = at_least(table);
    let groups = table.get::<OneOrMany<String>>("group").map_or_else(Vec::new, |OneOrMany(names)| around.groups_named(table, "group", &names));
    let during = many(table, "during", &DURING);
    let never = |hour: &During| match hour {
        During::School => around.school.is_some_and(|school| school.timetable.periods.is_empty()),
        During::Night => plan.quiet.is_none(),
        During::Evening | During::Closed => false,
    };
    if !during.is_empty() && during.iter().all(never) {
        table.wrong("during", "there is no such time, so it never holds", Some("\"school\" takes a period in policy.toml, and \"night\" takes [quiet]".into()));
    }
    let about = table.choice("about", &ABOUT, Some(About::Pupils)).unwrap_or(About::Pupils);
    let to: Vec<Box<str>> = table.need::<OneOrMany<String>>("to", "roles and names of hooks, such as [\"officer\"]")?.0.into_iter().map(Into::into).collect();
    let [names, words] = ["names", "words"].map(|key| table.get_or(key, false));
    let ladder: Option<Box<str>> = table.get::<String>("ladder").map(Into::into);
    if is_system {
        for key in ["theme", "at_least", "group", "about", "names", "words", "ladder"].into_iter().filter(|key| table.has(key)) {
            table.wrong(key, "what Usher says of itself has none", Some("take it out, or leave `what` out".into()));
        }
    }
    if let Some(ladder) = ladder.as_ref().filter(|ladder| plan.ladders.iter().all(|known| known.name != **ladder)) {
        let known: Vec<_> = plan.ladders.iter().map(|known| &*known.name).collect();
        table.wrong("ladder", format!("there is no ladder \"{ladder}\""), nearest_hint(ladder, known).or_else(|| Some("write it under [ladders]".into())));
    }
    if words && !names {
        table.wrong("words", "the words of a search tell who it is as well as a name does", Some("write names = true too, or leave `words` out".into()));
    }
    // With the themes that are left out all hold, and of some of them danger is possible.
    if !themes.is_empty() && themes.iter().all(|theme| weights.themes[*theme as usize].most < at_least) {
        table.wrong("at_least", format!("no theme of this route ever comes to {}", at_least.as_str()), Some("see `most` under [themes]".into()));
    }
    let school = around.groups();
    let is_of = |group: &str, staff: bool| school.iter().find(|(_, name, _)| *name == group).map_or(!staff, |(_, _, of_staff)| *of_staff == staff);
    let wants_staff = match about {
        About::Pupils => Some(false),
        About::Staff => Some(true),
        About::Head => None,
    };
    if let Some(staff) = wants_staff.filter(|staff| !groups.is_empty() && around.school.is_some() && !groups.iter().any(|group| is_of(group, *staff))) {
        let what = if staff {
            "no group of this route is of staff, so it never holds"
        } else {
            "all groups of this route are of staff, and it is about pupils, so it never holds"
        };
        table.wrong("about", what, Some("write about = \"staff\", or another group".into()));
    }
    if to.is_empty() {
        table.wrong("to", "it goes to nobody", Some("such as [\"officer\"]".into()));
    } else if !words_of(table, "to", &to, plan, &format!("the route \"{name}\""), remarks) && is_anybody_there(plan) {
        let hint = format!("name a [[recipient]] with role = \"{}\", or take the route out", to[0]);
        table.wrong("to", format!("the route \"{name}\" goes to nobody: no recipient has the role {}", to.join(" or ")), Some(hint));
    }
    table.done();
    Some(Route { name: name.into(), is_system, themes, at_least, groups, during, about, to, names, words, ladder })
}

fn at_least(table: &Table<'_>) -> Level {
    let level = table.choice("at_least", &Level::NAMES, Some(Level::Concern)).unwrap_or(Level::Concern);
    if level == Level::Watch {
        table.wrong(
            "at_least",
            "what is only watched opens no episode and tells nobody; it is in the week's summary",
            Some("write \"concern\" or \"danger\"".into()),
        );
        return Level::Concern;
    }
    level
}
