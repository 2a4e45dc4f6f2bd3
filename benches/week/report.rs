//! What was found, beside what was planted.

use crate::Stands;
use crate::bytes::Comes;
use crate::plan::{Grade, Plan};
use crate::traffic::people::{Role, School};
use std::collections::{BTreeMap, HashMap, HashSet};
use usher::alert::trial::Matter;
use usher::audit::incident::{Level, Person};

/// Minutes before and after a planted matter in which an episode is taken for it; a matter is found by its first records.
const AROUND_MS: u64 = 10 * 60_000;

/// Whose an episode is.
pub fn user(matter: &Matter) -> &str {
    match &matter.opened.who {
        Person::User(name) | Person::Device(name) => name,
    }
}

/// The episodes of each person.
fn by_user(matters: &[Matter]) -> HashMap<&str, Vec<&Matter>> {
    let mut all: HashMap<&str, Vec<&Matter>> = HashMap::new();
    for matter in matters {
        all.entry(user(matter)).or_default().push(matter);
    }
    all
}

/// Prints the tables. `begin`: when the first of these many days began. Returns the kinds of ways round that came to less than they are to come to.
pub fn report<'a>(matters: &[Matter], (plan, stands): (&'a Plan, &Stands), (begin, days): (u64, usize), school: &School) -> Vec<&'a str> {
    stories(matters, plan);
    let missed = ways(matters, plan, stands);
    falsely(matters, plan, (begin, days), school);
    missed
}

/// The columns of the table of stories, as they are printed.
const ORDER: [usize; 11] = [0, 1, 2, 9, 3, 4, 8, 5, 6, 10, 7];

/// What became of the matters of the stories.
fn stories(matters: &[Matter], plan: &Plan) {
    let by_user = by_user(matters);
    // An episode may be of several themes. Planted theme; found as exactly one, as more, as another theme, not at all; what is only to be watched; of danger, as danger; as one and nothing beside it,
    // whatever the theme; of those that are several, those whose steps are a day apart; and of danger, what is told of at all.
    let mut rows: BTreeMap<&str, [usize; 11]> = BTreeMap::new();
    let mut confused: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    // By the author's levels alone: concern and danger, those of them as one and nothing beside it; danger, and that which is told of.
    let mut by_author = [0; 4];
    for planted in &plan.planted {
        let matter = &planted.matter;
        let row = rows.entry(&matter.theme).or_default();
        let of_user = by_user.get(&*planted.user).map(Vec::as_slice).unwrap_or_default();
        let is_near = |at: u64| planted.time.0 <= at + AROUND_MS && at <= planted.time.1 + AROUND_MS;
        // One that was there already is found again where it got graver or came back: that is told as well.
        let is_told = |found: &Matter| is_near(found.opened.at_ms) || found.worse_ms.iter().any(|at| is_near(*at));
        let near: Vec<_> = of_user.iter().filter(|found| is_told(found)).collect();
        near.iter().for_each(|found| *confused.entry((&matter.theme, &found.opened.theme)).or_default() += 1);
        let is_of = |found: &Matter| found.opened.theme == matter.theme || found.also.contains(&matter.theme);
        let same = near.iter().filter(|found| is_of(found)).count();
        if matter.level >= Grade::Concern {
            by_author[0] += 1;
            by_author[1] += usize::from(near.len() == 1);
        }
        if matter.level == Grade::Danger {
            by_author[2] += 1;
            by_author[3] += usize::from(!near.is_empty());
        }
        if matter.grade() <= Grade::Watch {
            row[5] += 1;
            row[6] += usize::from(near.is_empty());
            continue;
        }
        row[0] += 1;
        match (same, near.len()) {
            (1, _) => row[1] += 1,
            (0, 0) => row[4] += 1,
            (0, _) => row[3] += 1,
            _ => row[2] += 1,
        }
        row[8] += usize::from(near.len() == 1);
        row[9] += usize::from(same > 1 && planted.time.1 - planted.time.0 > 24 * 3_600_000);
        if matter.grade() == Grade::Danger {
            row[7] += usize::from(near.iter().any(|found| found.level == Level::Danger));
            row[10] += usize::from(!near.is_empty());
        }
    }
    println!(
        "\n| theme | concern and danger | as exactly one | as several | of those a day apart | as another theme | not found | one, and none beside | watch only \
         | of which quiet | danger alerted | danger as danger |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut all = [0; 11];
    let dangers = |theme: &str| plan.planted.iter().filter(|one| one.matter.theme == theme && one.matter.grade() == Grade::Danger).count();
    for (theme, row) in &rows {
        all.iter_mut().zip(row).for_each(|(sum, one)| *sum += one);
        println!("| {theme} | {} of {} |", ORDER.map(|place| row[place].to_string()).join(" | "), dangers(theme));
    }
    println!(
        "| all | {} of {} |",
        ORDER.map(|place| all[place].to_string()).join(" | "),
        plan.planted.iter().filter(|one| one.matter.grade() == Grade::Danger).count()
    );
    let [all, one, danger, told] = by_author;
    println!("\nby the levels of the stories' author alone: as one and none beside {one} of {all}; danger alerted {told} of {danger}");
    println!("\nplanted theme × theme of the episode (those that agree are left out):");
    for ((planted, found), count) in confused.iter().filter(|((planted, found), _)| planted != found) {
        println!("  {planted} as {found}: {count}");
    }
}

/// What became of the ways round, by kind.
fn ways<'a>(matters: &[Matter], plan: &'a Plan, stands: &Stands) -> Vec<&'a str> {
    let by_user = by_user(matters);
    // As one episode, as several, watched, a sign below that, nothing; and who also has an episode of another theme.
    let (mut rows, mut missed): (Vec<(&str, [usize; 6])>, Vec<&str>) = (Vec::new(), Vec::new());
    for (place, way) in plan.ways.iter().enumerate() {
        let at = rows.iter().position(|(kind, _)| *kind == way.kind).unwrap_or_else(|| {
            rows.push((way.kind, [0; 6]));
            rows.len() - 1
        });
        for (number, user) in way.users.iter().enumerate() {
            let of_user = by_user.get(&**user).map(Vec::as_slice).unwrap_or_default();
            let is_near = |at: u64| way.time.0 <= at + AROUND_MS && at <= way.time.1 + AROUND_MS;
            let near: Vec<_> = of_user.iter().filter(|one| is_near(one.opened.at_ms)).collect();
            let bypass = near.iter().filter(|one| one.opened.theme == "bypass").count();
            let (signs, level) = stands.get(&(place, number)).copied().unwrap_or_default();
            let came = match (bypass, level, signs) {
                (1.., ..) => Some(Comes::Matter),
                (0, Some(_), _) => Some(Comes::Watched),
                (0, None, 1..) => Some(Comes::Sign),
                (0, None, 0) => None,
            };
            missed.extend((came < Some(way.comes)).then_some(way.kind));
            let row = &mut rows[at].1;
            match (bypass, level, signs) {
                (1, ..) => row[0] += 1,
                (2.., ..) => row[1] += 1,
                (0, Some(_), _) => row[2] += 1,
                (0, None, 1..) => row[3] += 1,
                (0, None, 0) => row[4] += 1,
            }
            row[5] += usize::from(near.len() > bypass);
        }
    }
    println!("\n| way round | people | one episode | several | watched | a sign below that | nothing | an episode of another theme beside |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut all = [0; 6];
    for (kind, row) in &rows {
        all.iter_mut().zip(row).for_each(|(sum, one)| *sum += one);
        println!("| {kind} | {} | {} | {} | {} | {} | {} | {} |", row[..5].iter().sum::<usize>(), row[0], row[1], row[2], row[3], row[4], row[5]);
    }
    println!("| all | {} | {} | {} | {} | {} | {} | {} |", all[..5].iter().sum::<usize>(), all[0], all[1], all[2], all[3], all[4], all[5]);
    println!("less than it is to come to: {missed:?}");
    missed
}

/// Episodes of people for whom nothing was planted, and what opened them.
fn falsely(matters: &[Matter], plan: &Plan, (begin, days): (u64, usize), school: &School) {
    let of_ways = plan.ways.iter().flat_map(|way| way.users.iter().map(|user| &**user));
    let planted: HashSet<&str> = plan.planted.iter().map(|one| &*one.user).chain(of_ways).collect();
    let is_other = |name: &str| !planted.contains(name);
    let pupils = school.people.iter().filter(|person| matches!(person.role, Role::Pupil { .. })).map(|person| &*person.user);
    let (all, others) = pupils.fold((0, 0), |(all, others), name| (all + 1, others + usize::from(is_other(name))));
    let found: Vec<_> = matters.iter().filter(|matter| matter.opened.at_ms >= begin && is_other(user(matter))).collect();
    let mut by_theme: BTreeMap<&str, usize> = BTreeMap::new();
    found.iter().for_each(|matter| *by_theme.entry(&matter.opened.theme).or_default() += 1);
    let a_day = |people: usize| found.len() as f64 / days as f64 / people.max(1) as f64 * 1000.0;
    println!(
        "\n{} episodes of people for whom nothing was planted ({} look-alikes): {:.2} a day and 1,000 of these {others} pupils ({:.2} of all {all}); {by_theme:?}",
        found.len(),
        plan.ordinary,
        a_day(others),
        a_day(all),
    );
    let mut by_what: BTreeMap<String, usize> = BTreeMap::new();
    for matter in &found {
        let what = match &matter.opened.rule {
            Some(rule) => format!("{}: the rule \"{rule}\"", matter.opened.theme),
            // The first factor is the sum; the second what weighs most.
            None => format!("{}: {}", matter.opened.theme, matter.opened.factors.get(1).map_or("", String::as_str)),
        };
        *by_what.entry(what).or_default() += 1;
    }
    by_what.iter().for_each(|(what, count)| println!("  {count} {what}"));
    let before = matters.iter().filter(|matter| matter.opened.at_ms < begin).count();
    println!("{before} episodes in the days before, which nothing was planted in.");
}
